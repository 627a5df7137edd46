"""Assets and markets come, change and go while the house is open.

What money is counted in never changes: the scale of an asset, the tick, lot and scales of an
instrument. All else of an instrument may change at any time and counts from the next order on;
what is open keeps the terms it was accepted under. A delisted instrument takes nothing any more
and its orders end, a bounded number in one step; its positions and history stay. It can be listed
again in the same steps.
"""

from __future__ import annotations

from itertools import islice
from typing import assert_never

from xached.domain.fee_tiers import rate_market
from xached.domain.instrument import (
    Asset,
    AssetName,
    Instrument,
    Symbol,
    check_asset,
    unknown_asset,
)
from xached.domain.market_messages import (
    AssetDelisted,
    ChangeInstrument,
    DelistAsset,
    DelistInstrument,
    InstrumentChanged,
    InstrumentDelisted,
)
from xached.domain.messages import AssetListed, Event, InstrumentListed, ListAsset, ListInstrument
from xached.domain.order import Order
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import Market, State

ENDED_IN_A_STEP = 1_000
"""Orders of a delisted instrument that one step ends."""


def decide_listing(
    state: State,
    command: ListAsset | ListInstrument | ChangeInstrument | DelistInstrument | DelistAsset,
) -> tuple[Event, ...]:
    """What is listed, changed or taken off. Raises: Rejection."""
    match command:
        case ListAsset():
            return _decide_list_asset(state, command.asset)
        case ListInstrument():
            return _decide_list_instrument(state, command.instrument)
        case ChangeInstrument():
            return _decide_change_instrument(state, command)
        case DelistInstrument():
            return _decide_delist_instrument(state, command)
        case DelistAsset():
            return _decide_delist_asset(state, command)
        case _:
            assert_never(command)


def orders_to_end(state: State, symbol: Symbol) -> list[Order]:
    """The next orders of a delisted instrument to end, oldest first."""
    orders = (order for order in state.orders.values() if order.symbol == symbol)
    return list(islice(orders, ENDED_IN_A_STEP))


def listed_market(state: State, symbol: Symbol) -> Market:
    """Find a market that takes orders. Raises: Rejection UNKNOWN_INSTRUMENT, DELISTED."""
    market = state.market(symbol)
    if market.delisted:
        raise delisted(symbol)
    return market


def delisted(symbol: Symbol) -> Rejection:
    """Say that a market is not listed any more."""
    return Rejection(
        Reason.DELISTED,
        "the instrument was taken off the list",
        field="symbol",
        given=symbol,
        allowed="a listed instrument",
    )


def delisted_asset(name: AssetName) -> Rejection:
    """Say that an asset is not listed any more."""
    return Rejection(
        Reason.DELISTED,
        "the asset was taken off the list",
        field="asset",
        given=name,
        allowed="a listed asset",
    )


def apply_listing(
    state: State,
    event: AssetListed | AssetDelisted | InstrumentListed | InstrumentChanged | InstrumentDelisted,
) -> None:
    """Write what came, changed or went."""
    if isinstance(event, AssetListed):
        if event.asset.name in state.assets:
            del state.delisted_assets[event.asset.name]
        else:
            state.assets[event.asset.name] = event.asset
            state.ledger.open_asset(event.asset.name)
    elif isinstance(event, AssetDelisted):
        state.delisted_assets[event.asset] = None
    elif isinstance(event, InstrumentListed):
        market = state.markets.get(event.instrument.symbol)
        if market is None:
            market = state.markets[event.instrument.symbol] = Market(event.instrument)
            market.open()
        else:
            market.list_again(event.instrument)
        rate_market(state, market)
    elif isinstance(event, InstrumentChanged):
        market = state.markets[event.instrument.symbol]
        market.change(event.instrument)
        rate_market(state, market)
    else:
        market = state.markets[event.symbol]
        forget_phase(state, market)
        market.delisted = True
        if market.order_count:
            state.delisting[event.symbol] = None


def _decide_list_asset(state: State, asset: Asset) -> tuple[Event, ...]:
    check_asset(asset)
    known = state.assets.get(asset.name)
    if known is None or (known == asset and asset.name in state.delisted_assets):
        return (AssetListed(asset=asset),)
    if known == asset:
        return ()
    raise Rejection(
        Reason.ALREADY_LISTED,
        "the asset is listed with another scale, which is fixed for ever",
        field="asset",
        given=f"{asset.name} scale {asset.scale}",
        allowed=f"scale {known.scale}",
    )


def _decide_list_instrument(state: State, instrument: Instrument) -> tuple[Event, ...]:
    _check_assets(state, instrument)
    instrument.check()
    known = state.markets.get(instrument.symbol)
    if known is None:
        return (InstrumentListed(instrument=instrument),)
    if known.delisted:
        if known.order_count:
            raise Rejection(
                Reason.DELISTED,
                "the instrument's orders are still being ended",
                field="symbol",
                given=instrument.symbol,
                allowed="again once they have ended",
            )
        _check_steps(known.instrument, instrument)
        return (InstrumentListed(instrument=instrument),)
    if known.instrument == instrument:
        return ()
    raise Rejection(
        Reason.ALREADY_LISTED,
        "the instrument is listed with other rules",
        field="symbol",
        given=instrument.symbol,
        allowed="the rules it was listed with, or a change of it",
    )


def _decide_change_instrument(state: State, command: ChangeInstrument) -> tuple[Event, ...]:
    market = listed_market(state, command.instrument.symbol)
    _check_steps(market.instrument, command.instrument)
    command.instrument.check()
    if market.instrument == command.instrument:
        return ()
    return (InstrumentChanged(instrument=command.instrument),)


def _decide_delist_instrument(state: State, command: DelistInstrument) -> tuple[Event, ...]:
    if state.market(command.symbol).delisted:
        return ()
    return (InstrumentDelisted(symbol=command.symbol, cause=command.cause),)


def _decide_delist_asset(state: State, command: DelistAsset) -> tuple[Event, ...]:
    if command.asset not in state.assets:
        raise unknown_asset(command.asset)
    if command.asset in state.delisted_assets:
        return ()
    for symbol, market in state.markets.items():
        instrument = market.instrument
        if not market.delisted and command.asset in (instrument.base, instrument.quote):
            raise Rejection(
                Reason.ASSET_IN_USE,
                "a listed instrument trades this asset",
                field="asset",
                given=symbol,
                allowed="once its instruments are delisted",
            )
    return (AssetDelisted(asset=command.asset, cause=command.cause),)


def forget_phase(state: State, market: Market) -> None:
    """Let a market's state not end by itself any more."""
    symbol = market.instrument.symbol
    if market.until_ns is not None:
        state.phase_ends.remove((market.until_ns, symbol))
    market.until_ns = None
    market.opening = market.breached = False
    state.movable.pop(symbol, None)


def _check_assets(state: State, instrument: Instrument) -> None:
    for name, scale in (
        (instrument.base, instrument.base_scale),
        (instrument.quote, instrument.quote_scale),
    ):
        asset = state.assets.get(name)
        if asset is None:
            raise unknown_asset(name)
        if asset.scale != scale:
            raise Rejection(
                Reason.INSTRUMENT_SPEC,
                "the instrument's scale is not its asset's",
                given=f"{name} scale {scale}",
                allowed=f"scale {asset.scale}",
            )
        if name in state.delisted_assets:
            raise delisted_asset(name)


def _check_steps(known: Instrument, wanted: Instrument) -> None:
    """Refuse other steps than those amounts, orders and history are counted in."""
    if known.steps != wanted.steps:
        raise Rejection(
            Reason.STEPS_FIXED,
            "what an instrument is counted in never changes",
            field="symbol",
            given=f"tick {wanted.tick_size} lot {wanted.lot_size}",
            allowed=f"tick {known.tick_size} lot {known.lot_size}, and the same scales",
        )
