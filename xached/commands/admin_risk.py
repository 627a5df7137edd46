"""``xached admin risk``: what house, markets, accounts and purses may do, and how much of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import App, Parameter
from xache.v1 import admin_pb2, risk_pb2, types_pb2

from xached.commands.admin_users import Cause, RequestId, some_text
from xached.commands.door import (
    AT_HOME,
    Door,
    call,
    number_of,
    print_json,
    print_table,
    read_message,
    show_done,
    word_of,
)

risk = App(name="risk", help="What scopes may do, and how much of it.")

StateName: TypeAlias = Literal["active", "reducing", "halted"]

Scope = Annotated[
    str, Parameter(help='"house", "market:BTC-USDT", "account:ID" or "purse:ID/NAME".')
]


@risk.command
def show(*, door: Door = AT_HOME) -> None:
    """Tell everything that is set."""
    answer = call(door, risk_pb2.GetRiskRequest())
    if door.as_json:
        print_json(answer)
        return
    if answer.clock_jump_s:
        print(f"The clock has jumped by {answer.clock_jump_s} s: xached admin risk confirm-clock")
    print_restraints(answer)
    states = [
        (
            each.scope,
            word_of(risk_pb2.RiskState, "RISK_STATE_", each.state),
            word_of(risk_pb2.RiskSetter, "RISK_SETTER_", each.setter),
            each.cause,
        )
        for each in answer.states
    ]
    print_table(("scope", "may do", "set by", "cause"), states)
    for bounds in answer.bounds:
        print(f"\n{bounds.scope}")
        for field, value in bounds.ListFields():
            if field.name != "scope":
                amounts = value if isinstance(value, int) else _amounts(value)
                print(f"  {field.name:24}  {amounts}")
    hits = [
        (each.scope, each.asset, each.day_start, each.high, _hit(each)) for each in answer.marks
    ]
    if hits:
        print()
        print_table(("scope", "asset", "since day's start", "highest", "hit"), hits)


@risk.command
def state(
    scope: Scope,
    state_name: Annotated[StateName, Parameter(name="STATE", help="What it may do.")],
    *,
    cause: Annotated[
        str, Parameter(help="Why; shown to whoever is refused by it.", validator=some_text)
    ],
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Say what a scope may do for now; active lifts what an operator has set."""
    request = risk_pb2.SetRiskStateRequest(scope=scope, cause=cause, request_id=request_id)
    request.state = number_of(  # type: ignore[assignment]
        risk_pb2.RiskState, "RISK_STATE_", state_name
    )
    show_done(door, call(door, request), f"{scope} is {state_name}")


@risk.command
def bounds(
    file: Annotated[
        Path, Parameter(help="JSON as --json of show prints an entry of bounds; - reads it.")
    ],
    *,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Set all bounds of a scope anew."""
    given = read_message(file, risk_pb2.RiskBounds())
    request = risk_pb2.SetRiskBoundsRequest(bounds=given, request_id=request_id)
    show_done(door, call(door, request), f"the bounds of {given.scope} are set")


@risk.command
def reset_drawdown(
    scope: Scope,
    asset: Annotated[str, Parameter(help="The quote asset.")],
    *,
    door: Door = AT_HOME,
) -> None:
    """Measure a scope's drawdown from now on, which lifts one that was hit."""
    request = risk_pb2.ResetDrawdownRequest(scope=scope, asset=asset)
    show_done(door, call(door, request), f"the drawdown of {scope} is measured from now on")


@risk.command
def confirm_clock(*, door: Door = AT_HOME) -> None:
    """Say that the wall clock is right after it has jumped, which lifts the halt."""
    answer = call(door, risk_pb2.ConfirmClockRequest())
    show_done(door, answer, f"the clock is believed; it has jumped by {answer.jump_s} s")


def halt(
    *,
    cause: Cause,
    lift: Annotated[bool, Parameter(negative="", help="The house goes on.")] = False,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Halt the whole house: only cancels pass. Or lift the halt."""
    request = admin_pb2.SetHaltRequest(halted=not lift, cause=cause, request_id=request_id)
    show_done(door, call(door, request), f"the house is {'not ' if lift else ''}halted")


def print_restraints(told: risk_pb2.GetRiskResponse | risk_pb2.HouseRestraints) -> None:
    """Say what is halted, and why."""
    if told.halted:
        print(f"The house is halted: {told.halt_cause}")
    for market in told.markets:
        state_name = word_of(types_pb2.MarketState, "MARKET_STATE_", market.state)
        print(f"{market.symbol} is {state_name}: {market.cause or 'it has no reference price'}")
    if isinstance(told, risk_pb2.HouseRestraints):
        for each in told.scopes:
            may = word_of(risk_pb2.RiskState, "RISK_STATE_", each.state)
            print(f"{each.scope} is {may}: {each.cause}")


def _amounts(amounts: list[risk_pb2.RiskAmount]) -> str:
    return ", ".join(f"{each.amount} {each.asset}" for each in amounts)


def _hit(mark: risk_pb2.RiskMark) -> str:
    hit = [name for name, of in (("loss", mark.loss_hit), ("drawdown", mark.drawdown_hit)) if of]
    return ", ".join(hit) or "-"
