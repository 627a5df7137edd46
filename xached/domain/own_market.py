"""The house's own book as the public sees it: folded from events, order by order."""

from __future__ import annotations

from collections.abc import Iterable, Set

import attrs

from xached.domain.depth import PublicBook
from xached.domain.instrument import Symbol
from xached.domain.market import RestingOrder
from xached.domain.messages import Event, OrderAccepted, OrderEnded, OrderRested, Row, Traded
from xached.domain.order import OrderId, Purse


@attrs.define
class _Resting:
    terms: RestingOrder
    leaves_lots: int


class OwnBooks:
    """The books of the house by symbol, and which of their orders are simulated."""

    def __init__(self) -> None:
        self.books: dict[Symbol, PublicBook] = {}
        self._accepted: dict[OrderId, OrderAccepted] = {}
        self._resting: dict[OrderId, _Resting] = {}
        self._simulated_orders: dict[Symbol, int] = {}

    def start(self, symbols: Iterable[Symbol], orders: Iterable[RestingOrder], at_ns: int) -> None:
        """Begin with what rests in the exchange now; readers are told to start anew."""
        self._accepted.clear()
        self._resting.clear()
        self._simulated_orders.clear()
        for symbol in symbols:
            self.book(symbol)
        for book in self.books.values():
            book.start_anew(at_ns)
        for order in orders:
            self._rest(order)

    def book(self, symbol: Symbol) -> PublicBook:
        """The book of an instrument."""
        book = self.books.get(symbol)
        if book is None:
            # A symbol starts empty, when it is listed.
            book = self.books[symbol] = PublicBook()
        return book

    def simulated(self, symbol: Symbol) -> bool:
        """True while any order in the book is simulated."""
        return self._simulated_orders.get(symbol, 0) > 0

    def fold(self, row: Row, simulated_purses: Set[Purse]) -> list[Symbol]:
        """Take a row; returns the books that changed, each numbered once."""
        changed: dict[Symbol, None] = {}
        for event in row.events:
            symbol = self._fold(event, simulated_purses)
            if symbol is not None:
                changed[symbol] = None
        for symbol in changed:
            self.books[symbol].changed(row.at_ns)
        return list(changed)

    def _fold(self, event: Event, simulated_purses: Set[Purse]) -> Symbol | None:
        if isinstance(event, OrderAccepted):
            self._accepted[event.order_id] = event
            return None
        if isinstance(event, OrderRested):
            terms = self._accepted.pop(event.order_id)
            assert terms.price_ticks is not None, terms
            return self._rest(
                RestingOrder(
                    order_id=event.order_id,
                    symbol=event.symbol,
                    side=terms.side,
                    price_ticks=terms.price_ticks,
                    leaves_lots=event.leaves_lots,
                    simulated=event.purse in simulated_purses,
                )
            )
        if isinstance(event, Traded):
            return self._reduce(event.maker_order_id, event.quantity_lots)
        if isinstance(event, OrderEnded):
            self._accepted.pop(event.order_id, None)
            resting = self._resting.get(event.order_id)
            if resting is None:
                return None
            self._reduce(event.order_id, resting.leaves_lots)
            del self._resting[event.order_id]
            self._simulated_orders[event.symbol] -= resting.terms.simulated
            return event.symbol
        return None

    def _rest(self, order: RestingOrder) -> Symbol:
        assert order.leaves_lots > 0, order
        assert order.order_id not in self._resting, order
        self._resting[order.order_id] = _Resting(order, order.leaves_lots)
        self._simulated_orders[order.symbol] = (
            self._simulated_orders.get(order.symbol, 0) + order.simulated
        )
        self.book(order.symbol).depth.add(order.side, order.price_ticks, order.leaves_lots)
        return order.symbol

    def _reduce(self, order_id: OrderId, lots: int) -> Symbol:
        resting = self._resting[order_id]
        resting.leaves_lots -= lots
        assert resting.leaves_lots >= 0, resting
        terms = resting.terms
        self.books[terms.symbol].depth.add(terms.side, terms.price_ticks, -lots)
        return terms.symbol
