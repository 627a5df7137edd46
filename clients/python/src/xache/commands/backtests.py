"""Backtests in the house: start one, follow it, and read what it found."""

from __future__ import annotations

import enum
import json as json_text
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

import attrs
from cyclopts import App, Parameter
from rich.progress import Progress
from rich.text import Text

from xache.client import Client
from xache.commands.options import NO_OPTIONS, Count, Options, usage
from xache.exits import Exit
from xache.output import Cell, Output, json_value, moment, word
from xache.v1 import backtest_pb2 as pb

app = App(
    name="backtests",
    help="Backtests in the house: start one, follow it, and read what it found.",
    result_action="return_value",
)

_PPM = 1_000_000
_OVER = (
    pb.BACKTEST_STATE_FINISHED, pb.BACKTEST_STATE_FAILED, pb.BACKTEST_STATE_CANCELED,
    pb.BACKTEST_STATE_INTERRUPTED,
)  # fmt: skip


_SHOWN: Final = Parameter(show_default=True)


class Fill(enum.Enum):
    """What of a candle an order can meet."""

    NEXT_OPEN = "next-open"
    TOUCH = "touch"


_FILLS = {
    Fill.NEXT_OPEN: pb.BACKTEST_FILLS_NEXT_OPEN,
    Fill.TOUCH: pb.BACKTEST_FILLS_TOUCH,
}


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class TermsOptions:
    """What to run."""

    data: Annotated[tuple[str, ...], Parameter(negative=())]
    """Histories of the house by name. May be repeated."""
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = ()
    """A setting of the strategy, name=value. May be repeated."""
    cash: Annotated[Decimal, _SHOWN] = Decimal(10_000)
    """Money to start with, in quote."""
    fee_ppm: Annotated[int, _SHOWN] = 1_000
    """The fee of maker and taker, in parts per million."""
    half_spread_ppm: Annotated[int, _SHOWN] = 100
    """Half the spread that every taker pays."""
    slippage_ppm: Annotated[int, _SHOWN] = 100
    """What every taker pays beyond it."""
    impact: Annotated[Decimal, _SHOWN] = Decimal(1)
    """Coefficient of the square-root law of one's own impact; 0 is none."""
    fill: Annotated[Fill, _SHOWN] = Fill.TOUCH
    """Next-open meets the first price of a candle only, touch all of its range."""
    from_: Annotated[datetime | None, Parameter(name="--from")] = None
    """When to begin, UTC; what is before warms up."""
    until: datetime | None = None
    """When to end, UTC."""
    train_days: Annotated[int, _SHOWN] = 60
    """How long settings are chosen on."""
    test_days: Annotated[int, _SHOWN] = 20
    """How long the choice is tested."""
    check: Annotated[bool, Parameter(negative=())] = False
    """Refuse a strategy that looks ahead."""
    capacity: Annotated[bool, Parameter(negative=())] = False
    """Also run at ten and a hundred times the size."""

    def message(self) -> pb.BacktestTerms:
        """As the house takes it. Raises: SystemExit for a setting without a value."""
        return pb.BacktestTerms(
            settings_json=json_text.dumps(_settings(self.set_)),
            histories=self.data,
            cash=f"{self.cash:f}",
            fee_ppm=self.fee_ppm,
            half_spread_ppm=self.half_spread_ppm,
            slippage_ppm=self.slippage_ppm,
            impact_ppm=int(self.impact * _PPM),
            fills=_FILLS[self.fill],
            from_ns=_ns(self.from_),
            until_ns=_ns(self.until),
            train_days=self.train_days,
            test_days=self.test_days,
            check=self.check,
            capacity=self.capacity,
        )


@app.command
def start(
    plugin: str,
    /,
    terms: TermsOptions,
    *,
    html: Path | None = None,
    detach: Annotated[bool, Parameter(negative=())] = False,
    request_id: Annotated[str, Parameter(name="--id")] = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Run a strategy in the house; `xache backtest --remote` is the same.

    xache backtests start sma --data btc --set fast=5,10,20 --set slow=50

    With several values of a setting every combination is tried in a training window and the best is
    tested on what follows it, over and over: only the tests count. One that is
    charged less than usual, any of fee, spread, slippage and impact, is no evidence for going live;
    nor is any that ran elsewhere.

    Args:
        plugin: its name; the house's operator has approved it.
        html: write the report to this file.
        detach: do not wait for the end.
        request_id: repeat with the same to start it at most once; made when left out.
    """
    message = terms.message()
    with options.connected() as (client, output):
        backtest = client.backtests.start(plugin, message, request_id=request_id)
        if detach:
            _show(output, backtest)
            if not output.as_json:
                output.note(f"To follow it: xache backtests watch {backtest.backtest_id}")
            return
        _end(client, output, _follow(client, output, backtest), html)


@app.command
def watch(backtest_id: str, /, *, html: Path | None = None, options: Options = NO_OPTIONS) -> None:
    """Follow a backtest until it is over.

    Args:
        backtest_id: its id.
        html: write the report to this file.
    """
    with options.connected() as (client, output):
        _end(client, output, _follow(client, output, client.backtests.get(backtest_id)), html)


@app.command(name="list")
def list_(*, limit: Count = 20, options: Options = NO_OPTIONS) -> None:
    """List your backtests, newest first.

    Args:
        limit: at most so many.
    """
    with options.connected() as (client, output):
        found = list(islice(client.backtests.page(), limit))
        if output.as_json:
            output.document({"backtests": [json_value(each) for each in found]})
            return
        if not found:
            output.note("None. Start one with: xache backtests start")
            return
        output.table(
            ["backtest", "plugin", "markets", "state", ">return", ">deflated", "began (UTC)"],
            [_row(each) for each in found],
        )


@app.command
def show(backtest_id: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Show one backtest.

    Args:
        backtest_id: its id.
    """
    with options.connected() as (client, output):
        _show(output, client.backtests.get(backtest_id))


@app.command
def cancel(backtest_id: str, /, *, options: Options = NO_OPTIONS) -> None:
    """End a backtest that waits or runs.

    Args:
        backtest_id: its id.
    """
    with options.connected() as (client, output):
        _show(output, client.backtests.cancel(backtest_id))


@app.command
def report(backtest_id: str, /, *, html: Path | None = None, options: Options = NO_OPTIONS) -> None:
    """Print the report of a finished backtest as JSON, or write it as a page.

    Args:
        backtest_id: its id.
        html: write the page to this file.
    """
    with options.connected() as (client, output):
        if html is not None:
            html.write_bytes(client.backtests.report(backtest_id, html=True))
            output.note(f"Written to {html}.")
            return
        sys.stdout.write(client.backtests.report(backtest_id).decode() + "\n")


@app.command
def histories(*, options: Options = NO_OPTIONS) -> None:
    """List the histories that the house has to run over."""
    with options.connected() as (client, output):
        found = client.backtests.histories()
        if output.as_json:
            output.document({"histories": [json_value(each) for each in found]})
            return
        if not found:
            output.note("The house keeps none.")
            return
        output.table(
            ["history", "market", "venue", "candles of", ">candles", "from (UTC)", "until (UTC)"],
            [
                [
                    Text(each.name, "bold"), each.symbol, each.venue, each.interval,
                    f"{each.candles:,}", moment(each.from_ns), moment(each.until_ns),
                ]
                for each in found
            ],
        )  # fmt: skip


def _settings(given: Sequence[str]) -> dict[str, Any]:
    """Settings as JSON has them: one value each, or a list of choices. Raises: SystemExit."""
    found: dict[str, Any] = {}
    for text in given:
        name, equals, values = text.partition("=")
        if not equals:
            raise usage(f"A setting is name=value, not {text}.")
        choices = [_value(value) for value in values.split(",")]
        found[name] = choices if len(choices) > 1 else choices[0]
    return found


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdecimal() else text


def _ns(moment_: datetime | None) -> int:
    if moment_ is None:
        return 0
    return int(moment_.replace(tzinfo=moment_.tzinfo or UTC).timestamp()) * 10**9


def _follow(client: Client, output: Output, backtest: pb.Backtest) -> pb.Backtest:
    """Watch until it is over, with a bar where somebody looks."""
    shown = not output.as_json and output.errors.is_terminal
    with Progress(console=output.errors, transient=True, disable=not shown) as progress:
        task = progress.add_task(backtest.plugin, total=_PPM)
        for told in client.backtests.watch(backtest.backtest_id):
            backtest = told
            waiting = f", {told.ahead + 1} in the queue"
            phase = word(pb.BacktestPhase, told.phase)
            also = waiting if told.phase == pb.BACKTEST_PHASE_WAITING else ""
            progress.update(
                task, completed=told.done_ppm, description=f"{told.plugin} {phase}{also}"
            )
    return backtest


def _end(client: Client, output: Output, backtest: pb.Backtest, html: Path | None) -> None:
    """Show what came of it. Raises: SystemExit when it has no result."""
    _show(output, backtest)
    if backtest.state != pb.BACKTEST_STATE_FINISHED:
        raise SystemExit(Exit.REFUSED)
    if html is not None:
        html.write_bytes(client.backtests.report(backtest.backtest_id, html=True))
        output.note(f"The report is in {html}.")


def _show(output: Output, backtest: pb.Backtest) -> None:
    if output.as_json:
        output.document(backtest)
        return
    facts: list[tuple[str, Cell]] = [
        ("backtest", backtest.backtest_id),
        ("plugin", Text(backtest.plugin, "bold")),
        ("markets", ", ".join(backtest.symbols)),
        ("state", _state(backtest)),
    ]
    if backtest.state not in _OVER:
        facts.append(("done", f"{100 * backtest.done_ppm / _PPM:.0f} %"))
    if backtest.cause:
        facts.append(("why", backtest.cause))
    if backtest.HasField("result"):
        facts += _result_facts(backtest.result)
    output.facts(facts)


def _result_facts(result: pb.BacktestResult) -> list[tuple[str, Cell]]:
    held = f"  (holding: {_percent(result.holding_ppm)})" if result.HasField("holding_ppm") else ""
    facts: list[tuple[str, Cell]] = [
        ("worth at the end", f"{result.end_equity} {result.quote}"),
        ("return", f"{_percent(result.return_ppm)}{held}"),
        ("deepest fall", _percent(-result.drawdown_ppm)),
        ("fills, closed trades", f"{result.fills:,}, {result.closed_trades:,}"),
        ("fees", f"{result.fees} {result.quote}"),
        ("tried on this data", f"{result.trials:,}"),
    ]
    if result.refusals:
        facts.append(("refused orders", f"{result.refusals:,}"))
    if result.HasField("deflated_ppm"):
        verdict = word(pb.BacktestVerdict, result.verdict)
        told = f"{result.deflated_ppm / _PPM:.3f}: {verdict}"
        facts.append(("deflated Sharpe ratio", told))
    else:
        facts.append(("judgement", result.lacks))
    if result.HasField("capacity_ppm"):
        facts.append(("half of it is left at", f"{result.capacity_ppm / _PPM:.1f} x the size"))
    facts.append(("settings", result.settings_json))
    return facts


def _row(backtest: pb.Backtest) -> list[Cell]:
    result = backtest.result if backtest.HasField("result") else None
    deflated = result is not None and result.HasField("deflated_ppm")
    return [
        backtest.backtest_id,
        Text(backtest.plugin, "bold"),
        ", ".join(backtest.symbols),
        _state(backtest),
        "" if result is None else _percent(result.return_ppm),
        f"{backtest.result.deflated_ppm / _PPM:.3f}" if deflated else "",
        moment(backtest.created_at_ns),
    ]


def _state(backtest: pb.Backtest) -> Text:
    style = {pb.BACKTEST_STATE_FINISHED: "green", pb.BACKTEST_STATE_FAILED: "bold red"}
    return Text(word(pb.BacktestState, backtest.state), style.get(backtest.state, ""))


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:+.2f} %"
