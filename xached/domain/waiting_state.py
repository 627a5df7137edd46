"""Writing what happened to orders that wait, and noting which prices concern them.

Total: what was decided always fits. A market where nothing waits pays one look at an attribute.
"""

from __future__ import annotations

from bisect import bisect_left, insort

import attrs

from xached.domain.instrument import Symbol
from xached.domain.order import BUY, MarketState, Order, OrderId, OrderStatus, TriggerSource
from xached.domain.state import Market, State, Unseen
from xached.domain.triggers import Triggers, Watch
from xached.domain.waiting_messages import (
    OrderParked,
    OrderStarted,
    OrderTriggered,
    PricesSeen,
    StopMoved,
    fold_waiting,
)


def is_trading(state: State, market: Market) -> bool:
    """Whether triggers fire now; else they wait."""
    return not state.halted and market.effective_state() is MarketState.TRADING


# --- what happens to orders ------------------------------------------------------------------


def apply_parked(state: State, event: OrderParked, seq: int, at_ns: int) -> None:
    """An order waits for a price from now on."""
    order = state.orders[event.order_id]
    fold_waiting(order, event, seq, at_ns)
    market = state.markets[event.symbol]
    if market.triggers is None:
        market.triggers = Triggers()
    watch = Watch(
        source=event.source,
        side=event.side,
        watch_ticks=event.watch_ticks,
        upward=event.upward,
        trails=order.trigger is not None and order.trigger.stop_ticks is None,
        extreme_ticks=event.extreme_ticks,
    )
    market.triggers.put(event.order_id, watch)
    list_expiry(state, order)
    if order.leg is not None:
        # A child's stop may have been passed before its time, by a trade at least: its parent's.
        _note_prices(state, market, market.last_ticks)


def apply_moved(state: State, event: StopMoved, seq: int, at_ns: int) -> None:
    """A trailing order's stop is somewhere else now."""
    fold_waiting(state.orders[event.order_id], event, seq, at_ns)
    triggers = state.markets[event.symbol].triggers
    assert triggers is not None
    watch = triggers.watches[event.order_id]
    moved = attrs.evolve(
        watch,
        watch_ticks=event.stop_ticks,
        upward=watch.side is BUY,
        extreme_ticks=event.extreme_ticks,
    )
    triggers.put(event.order_id, moved)


def apply_triggered(state: State, event: OrderTriggered, seq: int, at_ns: int) -> None:
    """An order waits for its turn instead of a price."""
    fold_waiting(state.orders[event.order_id], event, seq, at_ns)
    _unpark(state.markets[event.symbol], event.order_id)
    state.triggered.append(event.order_id)


def apply_started(state: State, event: OrderStarted, seq: int, at_ns: int) -> None:
    """An order waits no longer."""
    order = state.orders[event.order_id]
    fold_waiting(order, event, seq, at_ns)
    state.triggered.remove(event.order_id)
    if state.started_at_ns != at_ns:
        state.started_at_ns, state.started_count = at_ns, 0
    state.started_count += 1
    forget_expiry(state, order)  # It is listed anew where it rests.
    if event.drawn_units:
        state.ledger.draw(event.order_id, event.drawn_units)


def stop_waiting(state: State, order: Order) -> None:
    """An order that waited is over."""
    if order.status is OrderStatus.UNTRIGGERED:
        _unpark(state.markets[order.symbol], order.order_id)
    elif order.status is OrderStatus.TRIGGERED:
        state.triggered.remove(order.order_id)


def _unpark(market: Market, order_id: OrderId) -> None:
    assert market.triggers is not None
    market.triggers.remove(order_id)
    if not market.triggers:
        market.triggers = None


# --- expiries ---------------------------------------------------------------------------------


def list_expiry(state: State, order: Order) -> None:
    """Let an order end when its time comes, if it has one."""
    if order.expires_at_ns is not None:
        insort(state.expiries, (order.expires_at_ns, order.order_id))


def forget_expiry(state: State, order: Order) -> None:
    """Let an order not end by time any more."""
    if order.expires_at_ns is not None:
        expiries, entry = state.expiries, (order.expires_at_ns, order.order_id)
        index = bisect_left(expiries, entry)
        if index < len(expiries) and expiries[index] == entry:  # It may never have rested.
            del expiries[index]


# --- prices -----------------------------------------------------------------------------------


def note_trade(state: State, market: Market, price_ticks: int) -> None:
    """A trade happened in a market where orders wait.

    Once one price is noted all that follow are: a stop that the first moves may be where the
    second triggers it.
    """
    triggers = market.triggers
    assert triggers is not None
    if not is_trading(state, market):
        return
    symbol = market.instrument.symbol
    unseen = state.unseen.get(symbol)
    noted = unseen.trades if unseen is not None else []
    if noted:
        if noted[-1] != price_ticks:
            noted.append(price_ticks)
    elif triggers.reached(TriggerSource.LAST, price_ticks):
        _noted(state, symbol).trades.append(price_ticks)


def note_best(state: State, market: Market) -> None:
    """The best prices of a market where orders wait may have changed."""
    triggers = market.triggers
    assert triggers is not None
    for side, ladder in triggers.ladders(TriggerSource.BID_ASK):
        best = market.book.best_ticks(side.opposite)
        if best is not None and ladder.reached(best) and is_trading(state, market):
            _noted(state, market.instrument.symbol).others = True


def note_mark(state: State, market: Market) -> None:
    """A market has a new mark."""
    triggers, mark = market.triggers, market.fresh_mark_ticks(state.now_ns)
    if triggers is None or mark is None or not is_trading(state, market):
        return
    if triggers.reached(TriggerSource.MARK, mark):
        _noted(state, market.instrument.symbol).others = True


def note_all(state: State, market: Market) -> None:
    """Trading resumed: what waited is judged by the prices of now."""
    last = market.last_ticks if market.last_ticks is not None else market.reference_ticks
    _note_prices(state, market, last)


def _note_prices(state: State, market: Market, last_ticks: int | None) -> None:
    if market.triggers is None or not is_trading(state, market):
        return
    if last_ticks is not None:
        note_trade(state, market, last_ticks)
    note_best(state, market)
    note_mark(state, market)


def apply_seen(state: State, event: PricesSeen) -> None:
    """Prices are done with."""
    unseen = state.unseen[event.symbol]
    del unseen.trades[: event.trades]
    if event.others:
        unseen.others = False
    if not unseen.trades and not unseen.others:
        del state.unseen[event.symbol]


def _noted(state: State, symbol: Symbol) -> Unseen:
    unseen = state.unseen.get(symbol)
    if unseen is None:
        unseen = state.unseen[symbol] = Unseen()
    return unseen
