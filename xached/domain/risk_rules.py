"""What a scope may do and how much of it: deciding and writing that it changes."""

from __future__ import annotations

from typing import assert_never

from xached.domain.instrument import unknown_asset
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
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import RiskBounds, RiskEntry, RiskState, amounts_of, check_scope
from xached.domain.state import State


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
            if state.risk.marks.get((command.scope, command.asset)) == command.mark:
                return ()
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
