"""What administrators decide: assets, markets, purses, limits, halts; and money that comes in."""

from __future__ import annotations

from typing import assert_never

from xached.domain import risk
from xached.domain.closing import check_not_closed
from xached.domain.fee_tiers import apply_fee_tiers, decide_fee_tiers
from xached.domain.instrument import (
    OPEN_ORDERS_MAX,
    unknown_asset,
)
from xached.domain.levels import check_deposit
from xached.domain.listing import (
    apply_listing,
    decide_listing,
    delisted_asset,
    listed_market,
)
from xached.domain.market_messages import (
    AssetDelisted,
    ChangeInstrument,
    DelistAsset,
    DelistInstrument,
    FeeTiersSet,
    InstrumentChanged,
    InstrumentDelisted,
    SetFeeTiers,
)
from xached.domain.market_states import apply_market_state
from xached.domain.messages import (
    AssetListed,
    Deposit,
    Deposited,
    Event,
    FreezePurse,
    HaltSet,
    InstrumentListed,
    ListAsset,
    ListInstrument,
    MarketStateSet,
    MarkSet,
    OpenPurse,
    PurseFrozen,
    PurseOpened,
    RiskLimitsSet,
    SetHalt,
    SetMark,
    SetRiskLimits,
)
from xached.domain.money import format_units
from xached.domain.prices import median
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import PurseState, State

AMOUNT_UNITS_MAX = 10**36
"""Largest single deposit: far beyond any real supply, far within what is encoded and tested."""


def decide_rule(
    state: State,
    command: ListAsset
    | ListInstrument
    | ChangeInstrument
    | DelistInstrument
    | DelistAsset
    | SetFeeTiers
    | OpenPurse
    | FreezePurse
    | SetRiskLimits
    | SetHalt,
) -> tuple[Event, ...]:
    """Decide what only administrators may say. Raises: Rejection."""
    match command:
        case (
            ListAsset() | ListInstrument() | ChangeInstrument() | DelistInstrument() | DelistAsset()
        ):
            return decide_listing(state, command)
        case SetFeeTiers():
            return decide_fee_tiers(state, command)
        case OpenPurse():
            return _decide_open_purse(state, command)
        case FreezePurse():
            if state.purse(command.purse).frozen == command.frozen:
                return ()
            return (PurseFrozen(purse=command.purse, frozen=command.frozen, cause=command.cause),)
        case SetRiskLimits():
            return _decide_limits(state, command)
        case SetHalt():
            if state.halted == command.halted:
                return ()
            return (HaltSet(halted=command.halted, cause=command.cause),)
        case _:
            assert_never(command)


def decide_mark(state: State, command: SetMark, at_ns: int) -> tuple[Event, ...]:
    """Take in a venue's or an administrator's price. Raises: Rejection.

    MARK is the median of it, LAST and the middle of the own book; REFERENCE the average of MARK
    over time. Where an instrument averages nothing, both are the price as it is given.
    """
    market = listed_market(state, command.symbol)
    instrument = market.instrument
    instrument.check_price(command.price_ticks)
    mark = reference = command.price_ticks
    if instrument.reference_buckets:
        own = (market.book.mid_ticks(), market.last_ticks)
        mark = median([mark, *(ticks for ticks in own if ticks is not None)])
        reference = market.marks.average_with(
            mark, at_ns, instrument.reference_bucket_ns, instrument.reference_buckets
        )
    elif market.reference_ticks == reference and instrument.mark_stale_ns is None:
        return ()
    return (
        MarkSet(
            symbol=command.symbol,
            price_ticks=mark,
            source=command.source,
            reference_ticks=reference,
            given_ticks=command.price_ticks,
        ),
    )


def decide_deposit(state: State, command: Deposit, at_ns: int) -> tuple[Event, ...]:
    """Credit money from outside. Raises: Rejection."""
    purse = state.purse(command.purse)
    check_not_closed(purse)
    asset = state.assets.get(command.asset)
    if asset is None:
        raise unknown_asset(command.asset)
    if command.asset in state.delisted_assets:
        raise delisted_asset(command.asset)
    if not 0 < command.amount_units <= AMOUNT_UNITS_MAX:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "the amount is outside the allowed range",
            field="amount",
            given=format_units(command.amount_units, asset.scale),
            allowed=f"more than 0, at most {format_units(AMOUNT_UNITS_MAX, asset.scale)}",
        )
    check_deposit(state, purse, command.asset, command.amount_units, at_ns)
    return (
        Deposited(
            purse=command.purse,
            asset=command.asset,
            amount_units=command.amount_units,
            reference=command.request_id,
        ),
    )


def _decide_open_purse(state: State, command: OpenPurse) -> tuple[Event, ...]:
    known = state.purses.get(command.purse)
    if known is None:
        return (PurseOpened(purse=command.purse, simulated=command.simulated),)
    if known.simulated == command.simulated:
        return ()
    raise Rejection(
        Reason.ALREADY_LISTED,
        "the purse is open with another kind of liquidity",
        field="simulated",
        given=str(command.simulated).lower(),
        allowed=str(known.simulated).lower(),
    )


def _decide_limits(state: State, command: SetRiskLimits) -> tuple[Event, ...]:
    known = state.default_limits
    if command.purse is not None:
        known = state.purse(command.purse).limits
    if not 0 <= command.max_open_orders <= OPEN_ORDERS_MAX:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "the number of open orders is outside the allowed range",
            field="max_open_orders",
            given=str(command.max_open_orders),
            allowed=f"0 to {OPEN_ORDERS_MAX}",
        )
    for name, units in command.max_order_notional_units:
        if name not in state.assets:
            raise unknown_asset(name)
        if units < 0:
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "the largest order is outside the allowed range",
                field="max_order_notional",
                given=format_units(units, state.assets[name].scale),
                allowed="0 or more",
            )
    wanted = risk.RiskLimits(command.max_open_orders, dict(command.max_order_notional_units))
    if known == wanted:
        return ()
    return (
        RiskLimitsSet(
            purse=command.purse,
            max_open_orders=command.max_open_orders,
            max_order_notional_units=command.max_order_notional_units,
        ),
    )


def apply_rule(
    state: State,
    event: AssetListed
    | AssetDelisted
    | InstrumentListed
    | InstrumentChanged
    | InstrumentDelisted
    | FeeTiersSet
    | MarketStateSet
    | PurseOpened
    | PurseFrozen
    | RiskLimitsSet
    | HaltSet,
) -> None:
    """Write what an administrator decided."""
    match event:
        case (
            AssetListed()
            | AssetDelisted()
            | InstrumentListed()
            | InstrumentChanged()
            | InstrumentDelisted()
        ):
            apply_listing(state, event)
        case FeeTiersSet():
            apply_fee_tiers(state, event)
        case MarketStateSet():
            apply_market_state(state, event)
        case PurseOpened():
            state.open_purse(event.purse, PurseState(simulated=event.simulated))
        case PurseFrozen():
            state.purses[event.purse].frozen = event.frozen
        case RiskLimitsSet():
            limits = risk.RiskLimits(event.max_open_orders, dict(event.max_order_notional_units))
            if event.purse is None:
                state.default_limits = limits
            else:
                state.purses[event.purse].limits = limits
        case HaltSet():
            state.halted = event.halted
            state.halt_cause = event.cause if event.halted else ""
        case _:
            assert_never(event)
