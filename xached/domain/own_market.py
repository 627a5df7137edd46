"""The house's own market as the public sees it: folded from the exchange's events.

It begins with what the exchange says rests in its books at some sequence, and takes every later
row. What it shows is a sum; it keeps the single orders only to know what an ending one removes.
"""

from __future__ import annotations

import attrs

from xached.domain.depth import PublicBook
from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
from xached.domain.list_messages import OrderResized
from xached.domain.market import Venue
from xached.domain.market_messages import InstrumentDelisted
from xached.domain.messages import (
    Event,
    HaltSet,
    InstrumentListed,
    MarketStateSet,
    MarkSet,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    PurseOpened,
    Row,
    SliceShown,
    Traded,
)
from xached.domain.order import OPEN_STATES, MarketState, OrderId, Purse, Side


@frozen(kw_only=True)
class RestingOrder:
    """An order in the house's own book, and what the book shows of it."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    side: Side
    price_ticks: int
    shown_lots: int


@attrs.frozen(kw_only=True)
class WaitingOrder:
    """An order that is in no book and may come into one. Nobody is shown it."""

    order_id: OrderId
    side: Side
    price_ticks: int | None


@attrs.frozen(kw_only=True)
class MarketRules:
    """What the house asked for in a market, and its reference price if it has one."""

    state: MarketState
    reference_ticks: int | None
    delisted: bool = False


@attrs.frozen(kw_only=True)
class OwnMarketSnapshot:
    """The exchange's public side after row ``seq``, made by its owner in one go."""

    seq: int
    markets: dict[Symbol, MarketRules]
    orders: tuple[RestingOrder, ...]
    simulated_purses: frozenset[Purse]
    halted: bool
    waiting: tuple[WaitingOrder, ...] = ()


@attrs.define
class _Resting:
    terms: RestingOrder
    shown_lots: int
    simulated: bool


class OwnMarket:
    """Books, states and marks of the house's own markets, by symbol."""

    def __init__(self) -> None:
        self.seq = 0
        self.books: dict[Symbol, PublicBook] = {}
        self.mark_venues: dict[Symbol, Venue] = {}
        """Who sent the last mark, as far as one was sent since the start."""
        self._markets: dict[Symbol, MarketRules] = {}
        self._halted = False
        self._simulated_purses: set[Purse] = set()
        self._accepted: dict[OrderId, OrderAccepted | WaitingOrder] = {}
        self._resting: dict[OrderId, _Resting] = {}
        self._simulated_orders: dict[Symbol, int] = {}

    def start(self, snapshot: OwnMarketSnapshot, at_ns: int) -> None:
        """Begin, or begin anew: readers of the books are told so."""
        self.seq = snapshot.seq
        self._markets = dict(snapshot.markets)
        self._halted = snapshot.halted
        self._simulated_purses = set(snapshot.simulated_purses)
        self._accepted.clear()
        self._resting.clear()
        self._simulated_orders.clear()
        for symbol in snapshot.markets:
            self._open_book(symbol, at_ns)
        for book in self.books.values():
            book.start_anew(at_ns)
        for order in snapshot.orders:
            self._rest(order)
        for book in self.books.values():
            book.changed(at_ns)
        for waiting in snapshot.waiting:
            self._accepted[waiting.order_id] = waiting

    def simulated(self, symbol: Symbol) -> bool:
        """True while any order in the book is simulated."""
        return self._simulated_orders.get(symbol, 0) > 0

    def state(self, symbol: Symbol) -> MarketState:
        """What the market lets people do now; without a reference price only cancels."""
        if self._halted:
            return MarketState.HALTED
        rules = self._markets[symbol]
        if rules.delisted:
            return MarketState.HALTED
        if rules.reference_ticks is None and rules.state in OPEN_STATES:
            return MarketState.CANCEL_ONLY
        return rules.state

    def delisted(self, symbol: Symbol) -> bool:
        """True for a market that takes no orders any more."""
        rules = self._markets.get(symbol)
        return rules is not None and rules.delisted

    def fold(self, row: Row) -> list[Symbol]:
        """Take the next row; returns the books that changed, each numbered once."""
        assert row.seq > self.seq, (row.seq, self.seq)
        self.seq = row.seq
        changed: dict[Symbol, None] = {}
        for event in row.events:
            symbol = self._fold(event, row.at_ns)
            if symbol is not None:
                changed[symbol] = None
        for symbol in changed:
            self.books[symbol].changed(row.at_ns)
        return list(changed)

    def _fold(self, event: Event, at_ns: int) -> Symbol | None:
        # The four of every order by isinstance: see Exchange.apply.
        if isinstance(event, OrderEnded):
            return self._end(event)
        if isinstance(event, OrderAccepted):
            self._accepted[event.order_id] = event
            return None
        if isinstance(event, OrderRested):
            return self._rest_accepted(event)
        if isinstance(event, Traded):
            return self._trade(event)
        match event:
            case MatchPrevented():
                return self._reduce(event.maker_order_id, event.lost_lots)
            case OrderReduced():
                return self._reduce(event.order_id, event.shown_lots)
            case OrderResized():
                return self._resize(event)
            case SliceShown():
                return self._reduce(event.order_id, -event.shown_lots)
            case _:
                return self._fold_rules(event, at_ns)

    def _fold_rules(self, event: Event, at_ns: int) -> Symbol | None:
        match event:
            case PurseOpened():
                if event.simulated:
                    self._simulated_purses.add(event.purse)
            case InstrumentListed():
                opens = event.instrument.opening_auction
                state = MarketState.AUCTION if opens else MarketState.TRADING
                self._list(event.instrument.symbol, at_ns, state)
                return event.instrument.symbol
            case InstrumentDelisted():
                self._markets[event.symbol] = attrs.evolve(
                    self._markets[event.symbol], delisted=True
                )
            case MarketStateSet():
                self._markets[event.symbol] = attrs.evolve(
                    self._markets[event.symbol], state=event.state
                )
            case MarkSet():
                reference = event.reference_ticks
                self._markets[event.symbol] = attrs.evolve(
                    self._markets[event.symbol],
                    reference_ticks=reference if reference is not None else event.price_ticks,
                )
                self.mark_venues[event.symbol] = Venue(event.source)
            case HaltSet():
                self._halted = event.halted
            case _:
                pass  # Purses and money are not public.
        return None

    def _list(self, symbol: Symbol, at_ns: int, state: MarketState = MarketState.TRADING) -> None:
        self._open_book(symbol, at_ns)
        known = self._markets.get(symbol)
        if known is None or known.delisted:
            self._markets[symbol] = MarketRules(state=state, reference_ticks=None)

    def _open_book(self, symbol: Symbol, at_ns: int) -> None:
        if symbol not in self.books:
            # Microseconds: no book changes so often that a later run meets its numbers again.
            self.books[symbol] = PublicBook(at_ns // 1_000)

    def _rest_accepted(self, event: OrderRested) -> Symbol:
        known = self._resting.get(event.order_id)
        if known is not None:
            # A child that had traded all it was for, and is for more now.
            return self._resize_to(known, event.leaves_lots - event.hidden_lots)
        terms = self._accepted.pop(event.order_id)
        assert terms.price_ticks is not None, terms
        return self._rest(
            RestingOrder(
                order_id=event.order_id,
                purse=event.purse,
                symbol=event.symbol,
                side=terms.side,
                price_ticks=terms.price_ticks,
                shown_lots=event.leaves_lots - event.hidden_lots,
            )
        )

    def _rest(self, order: RestingOrder) -> Symbol:
        assert order.shown_lots > 0, order
        assert order.order_id not in self._resting, order
        simulated = order.purse in self._simulated_purses
        self._resting[order.order_id] = _Resting(order, order.shown_lots, simulated)
        self._simulated_orders[order.symbol] = (
            self._simulated_orders.get(order.symbol, 0) + simulated
        )
        self.books[order.symbol].depth.add(order.side, order.price_ticks, order.shown_lots)
        return order.symbol

    def _resize(self, event: OrderResized) -> Symbol | None:
        if not event.resting_lots:
            return None
        return self._resize_to(self._resting[event.order_id], event.resting_lots)

    def _resize_to(self, resting: _Resting, lots: int) -> Symbol:
        terms = resting.terms
        change, resting.shown_lots = lots - resting.shown_lots, lots
        self.books[terms.symbol].depth.add(terms.side, terms.price_ticks, change)
        return terms.symbol

    def _trade(self, event: Traded) -> Symbol | None:
        if event.auction:
            self._reduce(event.taker_order_id, event.quantity_lots)
        return self._reduce(event.maker_order_id, event.quantity_lots)

    def _reduce(self, order_id: OrderId, lots: int) -> Symbol | None:
        if not lots:
            return None
        resting = self._resting[order_id]
        resting.shown_lots -= lots
        assert resting.shown_lots >= 0, resting
        terms = resting.terms
        self.books[terms.symbol].depth.add(terms.side, terms.price_ticks, -lots)
        return terms.symbol

    def _end(self, event: OrderEnded) -> Symbol | None:
        if self._accepted.pop(event.order_id, None) is not None:
            return None  # It never rested.
        resting = self._resting[event.order_id]
        if resting.shown_lots:
            self._reduce(event.order_id, resting.shown_lots)
        del self._resting[event.order_id]
        self._simulated_orders[event.symbol] -= resting.simulated
        return event.symbol
