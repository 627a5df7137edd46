"""What purses are worth: positions at the mark, and everything in one asset.

Exact: prices are ratios of whole numbers, and only a value that is shown is rounded, down, to the
smallest unit of its asset. What has no price is not worth nothing, it is left out and named.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from fractions import Fraction

import attrs

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.order import Purse
from xached.domain.position import Position
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.domain.state import State


class PriceKind(enum.IntEnum):
    """Which price something is valued at: the mark, or the last trade while there is none."""

    MARK = 1
    LAST = 2


@attrs.frozen
class Price:
    """A price of an instrument, in ticks, and which one it is."""

    ticks: int
    kind: PriceKind


@attrs.frozen(kw_only=True)
class Holdings:
    """How some purses stand, and what instruments are priced at, after row ``seq``."""

    seq: int
    purses: Mapping[Purse, PurseSnapshot]
    prices: Mapping[Symbol, Price]


@attrs.frozen
class HoldingsQuery:
    """What do these purses hold, and at which prices? ``now_ns`` says which marks are stale."""

    purses: tuple[Purse, ...]
    now_ns: int

    def read(self, state: State, seq: int) -> Holdings:
        """Raises: Rejection UNKNOWN_PURSE."""
        prices: dict[Symbol, Price] = {}
        for symbol, market in state.markets.items():
            mark_ticks = market.fresh_mark_ticks(max(self.now_ns, state.now_ns))
            if mark_ticks is not None:
                prices[symbol] = Price(mark_ticks, PriceKind.MARK)
            elif market.last_ticks is not None:
                prices[symbol] = Price(market.last_ticks, PriceKind.LAST)
        return Holdings(
            seq=seq,
            purses={purse: PurseQuery(purse).read(state, seq) for purse in self.purses},
            prices=prices,
        )


def worth_units(position: Position, price: Price, instrument: Instrument) -> int:
    """What a position would bring at a price, before fees, in quote units."""
    return instrument.notional_units(price.ticks, position.quantity_lots)


def unrealised_units(position: Position, price: Price, instrument: Instrument) -> int:
    """What a position would gain if it was sold at a price, before fees, in quote units."""
    return worth_units(position, price, instrument) - position.cost_units


@attrs.frozen
class Route:
    """How an asset is priced: through these instruments, the last one in the wanted asset."""

    legs: tuple[tuple[Symbol, bool], ...]
    """Each instrument, and whether it is gone through from quote to base."""


def find_route(
    asset: AssetName, wanted: AssetName, instruments: Mapping[Symbol, Instrument]
) -> Route | None:
    """The shortest way from one asset to another, over at most two instruments, in the order they
    were listed; None when there is none."""
    if asset == wanted:
        return Route(())
    hops = [
        (symbol, inverse, end)
        for symbol, instrument in instruments.items()
        for inverse, start, end in (
            (False, instrument.base, instrument.quote),
            (True, instrument.quote, instrument.base),
        )
        if start == asset
    ]
    for symbol, inverse, end in hops:
        if end == wanted:
            return Route(((symbol, inverse),))
    for symbol, inverse, end in hops:
        for second, instrument in instruments.items():
            if (instrument.base, instrument.quote) == (end, wanted):
                return Route(((symbol, inverse), (second, False)))
            if (instrument.quote, instrument.base) == (end, wanted):
                return Route(((symbol, inverse), (second, True)))
    return None


def rate_along(
    route: Route, ticks: Mapping[Symbol, int], instruments: Mapping[Symbol, Instrument]
) -> Fraction | None:
    """Units of the wanted asset for one unit of the other; None without a price on the way."""
    rate = Fraction(1)
    for symbol, inverse in route.legs:
        found = ticks.get(symbol)
        if found is None:
            return None
        instrument = instruments[symbol]
        quote_units, base_units = found * instrument.tick_lot_units, instrument.lot_units
        rate *= Fraction(*((base_units, quote_units) if inverse else (quote_units, base_units)))
    return rate


@attrs.frozen(kw_only=True)
class Change:
    """How a worth has changed, without what came in and went out."""

    change_units: int
    flows_units: int
    return_ppm: int | None
    """Of what was there and what came in; None when that was nothing."""


def change_between(then_units: int, now_units: int, in_units: int, out_units: int) -> Change:
    """Measure a change. ``in_units`` and ``out_units`` are both positive, at their own times."""
    flows = in_units - out_units
    change = now_units - then_units - flows
    invested = then_units + in_units
    return Change(
        change_units=change,
        flows_units=flows,
        return_ppm=change * 1_000_000 // invested if invested > 0 else None,
    )
