"""Sub-accounts, money between them, what all of it is worth, and what trading costs."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from xache.commands.options import NO_OPTIONS, NO_PURSE_OPTIONS, Options, PurseOptions
from xache.commands.purse import signed_text
from xache.errors import Unreachable
from xache.explain import percent
from xache.orders import new_id
from xache.output import Cell, Output, json_value, source_text, word
from xache.v1 import account_pb2, types_pb2, wallet_pb2

subaccount = App(
    name="subaccount", help="Open and list sub-accounts.", result_action="return_value"
)


@subaccount.command(name="open")
def open_(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Open another purse beside the main one, for a strategy or a purpose.

    Args:
        name: 1 to 32 of a-z 0-9 -.
    """
    with options.connected() as (client, output):
        seq = client.account.open_subaccount(name)
        if output.as_json:
            output.document({"subaccount": name, "seq": str(seq)})
            return
        output.line(("opened ", "bold"), name)
        output.note(f"Give it money with: xache transfer AMOUNT ASSET --to {name}")


@subaccount.command(name="list")
def list_(*, options: Options = NO_OPTIONS) -> None:
    """List the purses of your account, main first."""
    with options.connected() as (client, output):
        found = client.account.subaccounts()
        if output.as_json:
            output.document({"subaccounts": [json_value(each) for each in found]})
            return
        output.table(
            ["purse", "state"],
            [
                (Text(each.name, "bold"), Text("frozen", "red") if each.frozen else "open")
                for each in found
            ],
        )


def transfer(
    amount: str,
    asset: str,
    /,
    *,
    to: str = "",
    request_id: Annotated[str, Parameter(name="--id")] = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Move money between two of your purses: from --subaccount into --to.

    The position it belongs to goes along with what it cost. Nothing is charged.

    Args:
        amount: how much, of what is free.
        asset: of which asset.
        to: into this purse; main when left out.
        request_id: repeat with the same to move it at most once; made when left out.
    """
    request_id = request_id or new_id()
    with options.connected() as (client, output):
        try:
            moved = client.wallet.transfer(
                amount=amount,
                asset=asset.upper(),
                subaccount=options.subaccount,
                target_subaccount=to,
                request_id=request_id,
            )
        except (Unreachable, KeyboardInterrupt) as error:
            error.add_note(
                f"Whether it was moved is not known. Repeating it with --id {request_id} moves it "
                "at most once."
            )
            raise
        if output.as_json:
            output.document(moved)
            return
        source = options.subaccount or "main"
        output.line(("moved ", "bold"), f"{amount} {asset.upper()} from {source} to {to or 'main'}")
        for position in moved.positions:
            output.line(
                f"  with {position.quantity} of {position.symbol} that cost {position.cost}"
            )


def portfolio(
    *,
    base: str = "",
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Show what a purse is worth, what that is made of, and how it changed in 24 hours.

    Deposits, withdrawals and transfers are left out of the change.

    Args:
        base: value everything in this asset.
        every: all purses of the account together.
    """
    with options.connected() as (client, output):
        told = client.wallet.portfolio(
            subaccount=options.subaccount, whole_account=every, base_asset=base.upper()
        )
        if output.as_json:
            output.document(told)
            return
        _show_portfolio(output, told)


def fees(
    *,
    since: Annotated[str, Parameter(name="--from")] = "",
    until: Annotated[str, Parameter(name="--to")] = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Show your fee tier, what the next one takes, and what a purse was charged by day.

    Args:
        since: first day, such as 2026-01-31; 29 days before the last when left out.
        until: last day; today when left out.
    """
    with options.connected() as (client, output):
        standings = client.account.fees()
        statement = client.wallet.fee_statement(
            subaccount=options.subaccount, from_date=since, to_date=until
        )
        if output.as_json:
            output.document(
                {
                    "standings": [json_value(each) for each in standings],
                    "statement": json_value(statement),
                }
            )
            return
        for standing in standings:
            _show_standing(output, standing)
        if not statement.days:
            output.note("No fees in these days.")
            return
        output.table(
            ["day (UTC)", "asset", ">as maker", ">fee", ">as taker", ">fee", ">all fees"],
            [_fee_row(day) for day in (*statement.days, *statement.totals)],
        )


def _show_portfolio(output: Output, told: wallet_pb2.GetPortfolioResponse) -> None:
    base = told.base_asset
    output.line(("worth ", ""), (f"{told.value} {base}", "bold"))
    facts: list[tuple[str, Cell]] = []
    if told.change_24h:
        of = ""
        if told.HasField("return_24h_ppm"):
            of = f", {signed_percent(told.return_24h_ppm)}"
        facts.append(("in 24 hours", Text.assemble(signed_text(told.change_24h), f" {base}{of}")))
        if told.flows_24h not in {"", "0"}:
            facts.append(("came in", Text.assemble(signed_text(told.flows_24h), f" {base}")))
    else:
        facts.append(("in 24 hours", "not known: there are no prices so far back"))
    facts.append(("taken profit", Text.assemble(signed_text(told.realised), f" {base}")))
    of = f", {signed_percent(told.return_ppm)} with it" if told.HasField("return_ppm") else ""
    facts.append(
        ("open profit", Text.assemble(signed_text(told.unrealised), f" {base}, before fees{of}"))
    )
    output.facts(facts)
    output.line("")
    output.table(
        ["asset", ">quantity", ">value", ">share", ">price", "which", "source"],
        [_allocation_row(each) for each in told.allocations],
    )


def _allocation_row(each: wallet_pb2.Allocation) -> list[Cell]:
    first = each.prices[0] if each.prices else None
    return [
        Text(each.asset, "bold"),
        each.quantity,
        each.value or "no price",
        f"{each.share_ppm / 10_000:.2f} %" if each.value else "",
        first.price if first is not None else "",
        word(types_pb2.PriceKind, first.kind) if first is not None else "",
        source_text(first.source) if first is not None else "",
    ]


def _show_standing(output: Output, standing: account_pb2.FeeStanding) -> None:
    rates = "the rates of each market"
    if standing.HasField("tier"):
        maker, taker = standing.tier.maker_fee_ppm, standing.tier.taker_fee_ppm
        rates = f"{percent(maker)} as maker, {percent(taker)} as taker, or less"
    output.line((f"{standing.asset}  ", "bold"), f"{standing.volume_30d} in 30 days: {rates}")
    if standing.HasField("next_tier"):
        following = standing.next_tier
        output.line(
            f"  from {following.min_volume} on {percent(following.maker_fee_ppm)} and "
            f"{percent(following.taker_fee_ppm)}"
        )


def _fee_row(day: wallet_pb2.FeeDay) -> list[Cell]:
    return [
        day.date or Text("all days", "bold"),
        day.asset,
        day.maker_notional,
        day.maker_fee,
        day.taker_notional,
        day.taker_fee,
        day.fee,
    ]


def signed_percent(ppm: int) -> str:
    return f"{ppm / 10_000:+.2f} %"
