"""How what a purse is worth has moved."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from xache.commands.funds import signed_percent
from xache.commands.options import NO_PURSE_OPTIONS, PurseOptions
from xache.commands.purse import signed_text
from xache.explain import percent
from xache.output import Cell, Output, moment
from xache.v1 import analytics_pb2

DAY_NS = 86_400 * 10**9


def performance(
    *,
    days: int = 30,
    points: int = 15,
    base: str = "",
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Show how what a purse is worth has moved, and its return weighted by time.

    Deposits, withdrawals and transfers are neither gained nor lost.

    Args:
        days: so many until now.
        points: so many times, evenly apart; at most 200.
        base: value everything in this asset.
        every: all purses of the account together.
    """
    with options.connected() as (client, output):
        told = client.analytics.performance(
            subaccount=options.subaccount,
            whole_account=every,
            base_asset=base.upper(),
            from_ns=time.time_ns() - days * DAY_NS,
            max_points=points,
        )
        if output.as_json:
            output.document(told)
            return
        if not told.points:
            output.note("Nothing was owned in this time, or it had no price.")
            return
        _show(output, told)


def _show(output: Output, told: analytics_pb2.GetPerformanceResponse) -> None:
    facts: list[tuple[str, Cell]] = [
        ("gained", Text.assemble(signed_text(told.gain), f" {told.base_asset}")),
        ("came in", Text.assemble(signed_text(told.flows), f" {told.base_asset}")),
    ]
    if told.HasField("return_ppm"):
        facts.append(("return", f"{signed_percent(told.return_ppm)}, weighted by time"))
    facts.append(("deepest fall", percent(told.max_drawdown_ppm)))
    output.facts(facts)
    output.line("")
    output.table(
        ["time (UTC)", f">worth in {told.base_asset}", ">came in", ">return"],
        [
            [
                moment(each.at_ns),
                each.value,
                signed_text(each.flows),
                signed_percent(each.return_ppm),
            ]
            for each in told.points
        ],
    )
