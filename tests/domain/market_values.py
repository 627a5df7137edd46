"""Instruments and a venue for tests of market data."""

from __future__ import annotations

import os
from collections.abc import Iterator

import attrs

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.market import BookDiff, BookSnapshot
from xached.domain.order import Side

EXAMPLES = 4_000 if os.environ.get("XACHE_LONG") else 200


def make_instrument(base: str, lot_units: int) -> Instrument:
    """BASE-USDT with a tick of 0.01 and eight decimal places of the base."""
    return Instrument(
        symbol=Symbol(f"{base}-USDT"),
        base=AssetName(base),
        quote=AssetName("USDT"),
        base_scale=8,
        quote_scale=8,
        price_scale=2,
        tick_step=1,
        lot_units=lot_units,
        min_price_ticks=1,
        max_price_ticks=10**9,
        min_quantity_lots=1,
        max_quantity_lots=10**9,
        max_market_quantity_lots=10**9,
        min_notional_units=0,
        max_notional_units=10**18,
        buy_band_up_ppm=100_000,
        buy_band_down_ppm=100_000,
        sell_band_up_ppm=100_000,
        sell_band_down_ppm=100_000,
        maker_fee_ppm=0,
        taker_fee_ppm=1_000,
        max_open_orders=200,
    )


BTC = make_instrument("BTC", 1_000)
ETH = make_instrument("ETH", 10_000)


@attrs.define
class ModelVenue:
    """A venue's true book, its changes numbered from 1, told as diffs and snapshots."""

    bids: dict[int, int] = attrs.field(factory=dict)
    asks: dict[int, int] = attrs.field(factory=dict)
    last_id: int = 0
    told_id: int = 0
    history: dict[int, tuple[dict[int, int], dict[int, int]]] = attrs.field(factory=dict)
    _bid_changes: dict[int, int] = attrs.field(factory=dict)
    _ask_changes: dict[int, int] = attrs.field(factory=dict)

    def change(self, side: Side, price_ticks: int, lots: int) -> None:
        """Set a level, and remove what it would cross: a real book is never crossed."""
        own, other = (self.bids, self.asks) if side is Side.BUY else (self.asks, self.bids)
        if lots:
            for crossed in list(other):
                if (crossed <= price_ticks) == (side is Side.BUY) or crossed == price_ticks:
                    self._set(side.opposite, other, crossed, 0)
        self._set(side, own, price_ticks, lots)
        self.last_id += 1
        self.history[self.last_id] = (dict(self.bids), dict(self.asks))

    def diff(self) -> BookDiff:
        """What changed since the last diff."""
        previous, self.told_id = self.told_id, self.last_id
        diff = BookDiff(
            symbol=BTC.symbol,
            previous_id=previous,
            last_id=self.last_id,
            bids=tuple(self._bid_changes.items()),
            asks=tuple(self._ask_changes.items()),
            at_ns=self.last_id,
        )
        self._bid_changes, self._ask_changes = {}, {}
        return diff

    def snapshot(self) -> BookSnapshot:
        """The whole book now."""
        return BookSnapshot(
            symbol=BTC.symbol,
            last_id=self.last_id,
            bids=tuple(self.bids.items()),
            asks=tuple(self.asks.items()),
            at_ns=self.last_id,
        )

    def levels_at(self, last_id: int | None) -> tuple[dict[int, int], dict[int, int]]:
        """The book as it was after a change."""
        return self.history.get(last_id or 0, ({}, {}))

    def _set(self, side: Side, levels: dict[int, int], price_ticks: int, lots: int) -> None:
        changes = self._bid_changes if side is Side.BUY else self._ask_changes
        changes[price_ticks] = lots
        if lots:
            levels[price_ticks] = lots
        else:
            levels.pop(price_ticks, None)


def best_first(levels: dict[int, int], side: Side) -> Iterator[tuple[int, int]]:
    """Levels sorted as a book shows them."""
    return iter(sorted(levels.items(), reverse=side is Side.BUY))
