"""What a purse holds and has earned, at the prices that were seen."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from xached.automation.rule import Fact
from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.order import Purse
from xached.domain.portfolio import Holdings, Price, unrealised_units


@frozen(kw_only=True)
class Standing:
    """Profit and worth of a purse in one quote asset, whose scale this is."""

    profit_units: int
    worth_units: int
    scale: int


def standing_of(
    holdings: Holdings, purse: Purse, asset: AssetName, instruments: Mapping[Symbol, Instrument]
) -> Standing | None:
    """How a purse stands in a quote asset; None where something it has there has no price."""
    snapshot = holdings.purses[purse]
    profit, worth, scale = 0, total_units(holdings, purse, asset), 0
    for symbol, instrument in instruments.items():
        if instrument.quote != asset:
            continue
        scale = instrument.quote_scale
        position, price = snapshot.positions.get(symbol), holdings.prices.get(symbol)
        if position is not None:
            profit += position.realised_units
        if position is not None and position.quantity_lots:
            if price is None:
                return None
            profit += unrealised_units(position, price, instrument)
        if price is not None:
            worth += base_worth_units(holdings, purse, price, instrument)
    return Standing(profit_units=profit, worth_units=worth, scale=scale)


def total_units(holdings: Holdings, purse: Purse, asset: AssetName) -> int:
    """How much of an asset a purse has, what is held for orders included."""
    funds = holdings.purses[purse].balances.get(asset)
    return 0 if funds is None else funds.available + funds.held


def base_worth_units(holdings: Holdings, purse: Purse, price: Price, instrument: Instrument) -> int:
    """What whole lots of the base asset are worth, in quote units."""
    lots = total_units(holdings, purse, instrument.base) // instrument.lot_units
    return instrument.notional_units(price.ticks, lots)


def price_fact(symbol: Symbol, price: Price, instrument: Instrument) -> Fact:
    """A price that was seen, and which one it was."""
    value = f"{instrument.format_price(price.ticks)} ({price.kind.name.lower()})"
    return Fact(name=symbol, value=value)


def show_ppm(ppm: int) -> str:
    """A share as text."""
    return f"{(Decimal(ppm) / 10_000).normalize():f} %"
