"""What a scope may do and how much of it: deciding and writing that it changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import attrs

from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Symbol, unknown_asset
from xached.domain.messages import (
    Event,
    MarkRisk,
    RiskBoundsSet,
    RiskMarked,
    RiskStateSet,
    SetRiskBounds,
    SetRiskState,
)
from xached.domain.money import format_units
from xached.domain.order import Purse, account_of
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import (
    RiskBounds,
    RiskEntry,
    RiskScope,
    RiskState,
    account_scope,
    amounts_of,
    check_scope,
    purse_scope,
    worth_units,
)
from xached.domain.state import State


@frozen
class MovedPosition:
    """A part of a position that went to another purse with what it had cost."""

    source: Purse
    target: Purse
    symbol: Symbol
    quantity_lots: int
    cost_units: int


def decide_risk(
    state: State, command: SetRiskState | SetRiskBounds | MarkRisk
) -> tuple[Event, ...]:
    """Decide a change of what a scope may do. Raises: Rejection."""
    check_scope(state, command.scope)
    match command:
        case SetRiskState():
            return _decide_risk_state(state, command)
        case SetRiskBounds():
            return _decide_risk_bounds(state, command)
        case MarkRisk():
            if command.asset not in state.assets:
                raise unknown_asset(command.asset)
            standing = state.risk.marks.get((command.scope, command.asset))
            if standing == command.mark:
                return ()
            if standing != command.known:
                raise Rejection(
                    Reason.RISK_STATE,
                    "what its profit is measured from has changed meanwhile",
                    field="scope",
                    given=command.scope,
                    allowed="the same once more",
                )
            return (RiskMarked(scope=command.scope, asset=command.asset, mark=command.mark),)
        case _:
            assert_never(command)


def apply_risk(state: State, event: RiskStateSet | RiskBoundsSet | RiskMarked) -> None:
    """Write what a scope may do from now on."""
    match event:
        case RiskStateSet():
            entry = RiskEntry(state=event.state, cause=event.cause)
            state.risk.set_state(event.scope, event.setter, entry)
        case RiskBoundsSet():
            state.risk.set_bounds(event.scope, event.bounds)
        case RiskMarked():
            state.risk.marks[event.scope, event.asset] = event.mark
        case _:
            assert_never(event)


def carried_marks(state: State, moves: Iterable[MovedPosition]) -> tuple[RiskMarked, ...]:
    """What profit is measured from once positions have moved with what they have gained so far.

    The giver did not lose that gain and the taker did not earn it, so both are measured from as
    much less, or more.
    """
    gains: dict[tuple[RiskScope, AssetName], int] = {}
    for moved in moves:
        market = state.markets[moved.symbol]
        worth = worth_units(market, moved.quantity_lots)
        if worth is None:
            continue
        gain, quote = worth - moved.cost_units, market.instrument.quote
        for scope, units in (
            (purse_scope(moved.source), -gain),
            (account_scope(account_of(moved.source)), -gain),
            (purse_scope(moved.target), gain),
            (account_scope(account_of(moved.target)), gain),
        ):
            gains[scope, quote] = gains.get((scope, quote), 0) + units
    found: list[RiskMarked] = []
    for (scope, asset), units in gains.items():
        mark = state.risk.marks.get((scope, asset))
        if mark is not None and units:
            mark = attrs.evolve(
                mark,
                day_start_units=mark.day_start_units + units,
                high_units=mark.high_units + units,
            )
            found.append(RiskMarked(scope=scope, asset=asset, mark=mark))
    return tuple(found)


def _decide_risk_state(state: State, command: SetRiskState) -> tuple[Event, ...]:
    wanted = RiskEntry(state=command.state, cause=command.cause)
    known = state.risk.entry(command.scope, command.setter)
    if known == wanted or known.state is wanted.state is RiskState.ACTIVE:
        return ()
    return (
        RiskStateSet(
            scope=command.scope, setter=command.setter, state=command.state, cause=command.cause
        ),
    )


def _decide_risk_bounds(state: State, command: SetRiskBounds) -> tuple[Event, ...]:
    bounds = command.bounds
    for amounts in amounts_of(bounds):
        names = [name for name, _ in amounts]
        for name, units in amounts:
            asset = state.assets.get(name)
            if asset is None:
                raise unknown_asset(name)
            if units < 0 or names != sorted(set(names)):
                raise Rejection(
                    Reason.AMOUNT_RANGE,
                    "a risk bound is outside the allowed range",
                    field="bounds",
                    given=f"{format_units(units, asset.scale)} {name}",
                    allowed="0 or more, each asset once, in order",
                )
    if bounds.max_open_orders is not None and bounds.max_open_orders < 0:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "the number of open orders is outside the allowed range",
            field="max_open_orders",
            given=str(bounds.max_open_orders),
            allowed="0 or more",
        )
    if state.risk.bounds.get(command.scope, RiskBounds()) == bounds:
        return ()
    return (RiskBoundsSet(scope=command.scope, bounds=bounds),)
