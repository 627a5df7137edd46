"""A naive order book that reads journal rows and objects: price-time priority, nothing more.

It keeps one plain list and looks through all of it each time. It shares no code with the book of
the exchange and knows no rule but these: a taker meets the best price first and at one price the
order that came first; a trade happens at the resting order's price, inside the taker's limit, and
is as large as both allow; what rests does not cross; who could have traded and was to, did.
"""

from __future__ import annotations

import attrs

from xached.domain.instrument import Symbol
from xached.domain.list_messages import OrderResized
from xached.domain.messages import (
    Event,
    MarketStateSet,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    Row,
    SliceShown,
    Traded,
)
from xached.domain.order import EndReason, MarketState, OrderId, Side


class PriorityBroken(Exception):  # noqa: N818 - what was found
    """A row says what price-time priority does not allow."""


@attrs.define
class Known:
    """An order as far as its events tell. ``arrival`` numbers those that rest."""

    order_id: OrderId
    symbol: Symbol
    side: Side
    price_ticks: int | None
    quantity_lots: int
    leaves_lots: int
    """What may trade now: of an iceberg in the book what it shows."""
    hidden_lots: int = 0
    arrival: int | None = None


class Oracle:
    """Everything that rests, and every order of the row at hand."""

    def __init__(self) -> None:
        self._known: dict[OrderId, Known] = {}
        self._arrivals = 0
        self._gathering: dict[Symbol, bool] = {}
        """Markets in an auction, where orders gather and cross."""
        self._passed_over: list[tuple[OrderId, OrderId]] = []
        """(taker, maker) that must not trade with each other, of the row at hand."""

    def feed(self, row: Row) -> None:
        """Read one row. Raises: PriorityBroken."""
        self._passed_over = []
        for event in row.events:
            try:
                self._read(event)
            except PriorityBroken as broken:
                raise PriorityBroken(f"row {row.seq}: {broken}, at {event}") from None

    def queue(self, symbol: Symbol, side: Side) -> list[tuple[OrderId, int, int]]:
        """What rests on a side as (id, price in ticks, lots), in priority."""
        return [
            (each.order_id, each.price_ticks, each.leaves_lots)
            for each in sorted(self._resting(symbol, side), key=_priority)
            if each.price_ticks is not None
        ]

    def _read(self, event: Event) -> None:
        if isinstance(event, OrderAccepted):
            self._known[event.order_id] = Known(
                event.order_id,
                event.symbol,
                event.side,
                event.price_ticks,
                event.quantity_lots,
                event.quantity_lots,
            )
        elif isinstance(event, MarketStateSet):
            self._gathering[event.symbol] = event.state is MarketState.AUCTION
        elif isinstance(event, OrderResized):
            self._resized(event)
        elif isinstance(event, Traded):
            self._traded(event)
        elif isinstance(event, MatchPrevented):
            self._prevented(event)
        elif isinstance(event, OrderRested):
            self._rested(event)
        elif isinstance(event, SliceShown):
            self._shown(event)
        elif isinstance(event, OrderReduced):
            self._reduced(event)
        elif isinstance(event, OrderEnded):
            self._ended(event)

    def _traded(self, event: Traded) -> None:
        taker, maker = self._known[event.taker_order_id], self._known[event.maker_order_id]
        if event.auction:
            self._met(taker, maker, event.quantity_lots)
            return
        self._expect_best(taker, event.maker_order_id, event.price_ticks)
        if event.quantity_lots != min(taker.leaves_lots, maker.leaves_lots):
            raise PriorityBroken(f"{taker} and {maker} could trade another quantity")
        for each in (taker, maker):
            each.leaves_lots -= event.quantity_lots
        if not maker.leaves_lots:
            maker.arrival = None

    @staticmethod
    def _met(taker: Known, maker: Known, lots: int) -> None:
        """Two that rested traded; who meets whom in an auction is checked where it is decided."""
        for each in (taker, maker):
            if each.leaves_lots < lots:
                raise PriorityBroken(f"{each} trades more than it shows")
            each.leaves_lots -= lots
            if not each.leaves_lots:
                each.arrival = None

    def _prevented(self, event: MatchPrevented) -> None:
        taker, maker = self._known[event.taker_order_id], self._known[event.maker_order_id]
        if taker.arrival is None:  # Else both rested: who meets whom in an auction is its own rule.
            self._expect_best(taker, event.maker_order_id, event.price_ticks)
        if not event.lost_lots:
            self._passed_over.append((event.taker_order_id, event.maker_order_id))
            return
        for each in (taker, maker):
            each.leaves_lots -= event.quantity_lots
        if not maker.leaves_lots:
            maker.arrival = None

    def _shown(self, event: SliceShown) -> None:
        order = self._known[event.order_id]
        if order.leaves_lots or event.shown_lots > order.hidden_lots:
            raise PriorityBroken(f"{order} shows a slice too early, or more than it has")
        order.hidden_lots -= event.shown_lots
        order.leaves_lots = event.shown_lots
        self._arrivals += 1
        order.arrival = self._arrivals

    def _resized(self, event: OrderResized) -> None:
        """An order of a list follows its parent; what grows in the book goes to the back."""
        order = self._known[event.order_id]
        grown_lots = event.quantity_lots - order.quantity_lots
        order.quantity_lots = event.quantity_lots
        if event.resting_lots:
            order.leaves_lots = event.resting_lots
            self._arrivals += 1
            order.arrival = self._arrivals
        elif order.arrival is None:
            order.leaves_lots += grown_lots

    def _reduced(self, event: OrderReduced) -> None:
        order = self._known[event.order_id]
        order.quantity_lots = event.quantity_lots
        if order.arrival is None:
            order.leaves_lots -= event.reduced_lots
        else:
            order.leaves_lots -= event.shown_lots
            order.hidden_lots -= event.reduced_lots - event.shown_lots

    def _expect_best(self, taker: Known, maker_id: OrderId, price_ticks: int) -> None:
        best = self._best_for(taker)
        if best is None or best.order_id != maker_id or best.price_ticks != price_ticks:
            raise PriorityBroken(f"{taker} should have met {best}")
        if not _meets(taker, best):
            raise PriorityBroken(f"{taker} went beyond its limit")

    def _rested(self, event: OrderRested) -> None:
        order = self._known[event.order_id]
        if order.leaves_lots != event.leaves_lots or not order.leaves_lots:
            raise PriorityBroken(f"{order} has other leaves")
        best = None if self._gathering.get(order.symbol) else self._best_for(order)
        if best is not None and _meets(order, best):
            raise PriorityBroken(f"it rests although it could trade with {best}")
        order.hidden_lots = event.hidden_lots
        order.leaves_lots -= event.hidden_lots
        self._arrivals += 1
        order.arrival = self._arrivals

    def _ended(self, event: OrderEnded) -> None:
        order = self._known.pop(event.order_id)
        if event.reason is not EndReason.IOC:
            return
        best = self._best_for(order)
        if best is not None and _meets(order, best):
            raise PriorityBroken(f"it ended although it could trade with {best}")

    def _best_for(self, taker: Known) -> Known | None:
        opposite = [
            each
            for each in self._resting(taker.symbol, taker.side.opposite)
            if (taker.order_id, each.order_id) not in self._passed_over
        ]
        return min(opposite, key=_priority, default=None)

    def _resting(self, symbol: Symbol, side: Side) -> list[Known]:
        return [
            each
            for each in self._known.values()
            if each.arrival is not None and each.symbol == symbol and each.side is side
        ]


def _priority(order: Known) -> tuple[int, int]:
    assert order.price_ticks is not None
    assert order.arrival is not None
    return (-order.price_ticks if order.side is Side.BUY else order.price_ticks, order.arrival)


def _meets(taker: Known, maker: Known) -> bool:
    """Whether a resting order's price is inside of a taker's limit."""
    if taker.price_ticks is None:
        return True
    assert maker.price_ticks is not None
    if taker.side is Side.BUY:
        return maker.price_ticks <= taker.price_ticks
    return maker.price_ticks >= taker.price_ticks
