"""A pretended purse at a pretended exchange, for rehearsals of rules. Amounts are exact."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Final, assert_never

from xached.automation.rule import StepCommand
from xached.automation.terms import PPM
from xached.automation.worth import standing_of
from xached.domain.candles import Candle
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import CancelAll, PlaceOrder
from xached.domain.money import ceil_div
from xached.domain.order import BUY, Purse
from xached.domain.portfolio import Holdings, Price, PriceKind
from xached.domain.position import Position, plan_sale
from xached.domain.protection_messages import Flatten
from xached.domain.queries import PurseSnapshot

WAITING_MAX: Final = 200
"""Orders that wait in the pretended book; as many as an account may have open."""


class RehearsedPurse:
    """What a purse has, and its orders that wait for a price."""

    def __init__(
        self, purse: Purse, snapshot: PurseSnapshot, instruments: Mapping[Symbol, Instrument]
    ) -> None:
        self._purse = purse
        # Orders that are open now were not then: what they hold is free.
        self._free = {
            asset: funds.available + funds.held for asset, funds in snapshot.balances.items()
        }
        self._positions = copy.deepcopy(snapshot.positions)
        self._instruments = instruments
        self._prices: dict[Symbol, Price] = {}
        self._waiting: list[PlaceOrder] = []

    def see(self, symbol: Symbol, candle: Candle) -> None:
        """Fill what a candle goes beyond, and take its close for the price."""
        for order in list(self._waiting):
            assert order.price_ticks is not None
            if order.symbol != symbol:
                continue
            beyond = (
                candle.low_ticks < order.price_ticks
                if order.side is BUY
                else candle.high_ticks > order.price_ticks
            )
            if beyond:
                self._waiting.remove(order)
                self._trade(order, order.price_ticks, self._instruments[symbol].maker_fee_ppm)
        self._prices[symbol] = Price(candle.close_ticks, PriceKind.LAST)

    def holdings(self) -> Holdings:
        """How it stands."""
        snapshot = PurseSnapshot(
            seq=0,
            balances={asset: Funds(units) for asset, units in self._free.items()},
            orders=[],
            positions=self._positions,
        )
        return Holdings(seq=0, purses={self._purse: snapshot}, prices=self._prices)

    def worth_units(self, quote: AssetName) -> int:
        """What all of it that has a price is worth in a quote asset."""
        standing = standing_of(self.holdings(), self._purse, quote, self._instruments)
        return 0 if standing is None else standing.worth_units

    def carry_out(self, command: StepCommand) -> str:
        """Do what a rule sends; the answer, as a sentence."""
        match command:
            case PlaceOrder():
                return self._place(command)
            case CancelAll():
                return self._cancel()
            case Flatten():
                parts = [self._cancel()]
                for symbol, position in sorted(self._positions.items()):
                    if position.quantity_lots:
                        parts.append(self._sell_position(symbol, position.quantity_lots))
                return "; ".join(parts)
            case _:
                assert_never(command)

    def _cancel(self) -> str:
        count, self._waiting = len(self._waiting), []
        return f"{count} open orders ended"

    def _place(self, order: PlaceOrder) -> str:
        price = self._prices.get(order.symbol)
        if price is None:
            return f"refused: {order.symbol} has no price yet"
        if order.price_ticks is None:
            fee_ppm = self._instruments[order.symbol].taker_fee_ppm
            return self._trade(order, price.ticks, fee_ppm)
        if len(self._waiting) >= WAITING_MAX:
            return f"refused: {WAITING_MAX} orders wait already"
        self._waiting.append(order)
        return "open"

    def _sell_position(self, symbol: Symbol, lots: int) -> str:
        instrument, price = self._instruments[symbol], self._prices.get(symbol)
        if price is None:
            return f"{symbol} has no price"
        lots = min(lots, self._free.get(instrument.base, 0) // instrument.lot_units)
        return self._sell(instrument, lots, price.ticks, instrument.taker_fee_ppm)

    def _trade(self, order: PlaceOrder, ticks: int, fee_ppm: int) -> str:
        instrument = self._instruments[order.symbol]
        lots = order.quantity_lots
        if lots is None:
            assert order.quote_units is not None, "an order has an amount"
            lots = _lots_for(order, instrument, ticks, fee_ppm)
        if not lots:
            return "refused: not a single lot"
        if order.side is BUY:
            return self._buy(instrument, lots, ticks, fee_ppm)
        return self._sell(instrument, lots, ticks, fee_ppm)

    def _buy(self, instrument: Instrument, lots: int, ticks: int, fee_ppm: int) -> str:
        notional = instrument.notional_units(ticks, lots)
        fee = ceil_div(notional * fee_ppm, PPM)
        if notional + fee > self._free.get(instrument.quote, 0):
            return f"refused: not enough free {instrument.quote}"
        self._add(instrument.quote, -notional - fee)
        self._add(instrument.base, lots * instrument.lot_units)
        self._positions.setdefault(instrument.symbol, Position()).buy(lots, notional, fee)
        return _told("bought", instrument, lots, notional, fee)

    def _sell(self, instrument: Instrument, lots: int, ticks: int, fee_ppm: int) -> str:
        notional = instrument.notional_units(ticks, lots)
        fee = ceil_div(notional * fee_ppm, PPM)
        if lots * instrument.lot_units > self._free.get(instrument.base, 0):
            return f"refused: not enough free {instrument.base}"
        self._add(instrument.base, -lots * instrument.lot_units)
        self._add(instrument.quote, notional - fee)
        position = self._positions.setdefault(instrument.symbol, Position())
        sale = plan_sale(position, lots, notional, fee)
        position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
        return _told("sold", instrument, lots, notional, fee)

    def _add(self, asset: AssetName, units: int) -> None:
        self._free[asset] = self._free.get(asset, 0) + units


def _lots_for(order: PlaceOrder, instrument: Instrument, ticks: int, fee_ppm: int) -> int:
    """The lots of an order for an amount of the quote asset."""
    assert order.quote_units is not None
    one = instrument.notional_units(ticks, 1)
    if order.side is BUY:
        lots = order.quote_units * PPM // (one * (PPM + fee_ppm))
        # The fee is rounded up once: a lot may be too many by that.
        while lots and one * lots + ceil_div(one * lots * fee_ppm, PPM) > order.quote_units:
            lots -= 1
        return lots
    return ceil_div(order.quote_units * PPM, one * (PPM - fee_ppm))


def _told(word: str, instrument: Instrument, lots: int, notional: int, fee: int) -> str:
    return (
        f"filled; {word} {instrument.format_quantity(lots)} {instrument.base}"
        f" for {instrument.format_quote(notional)} {instrument.quote}"
        f", fee {instrument.format_quote(fee)}"
    )
