"""Working out a paper order: the market as it would be found, with the venue's side in it.

A placement meets orders that are placed for the venue just before it. A preview must change
nothing, so they stand in the book only while it is read: they have no hold and no row.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from xached.domain.instrument import Symbol
from xached.domain.messages import PlaceOrder
from xached.domain.order import BUY, Order, OrderId
from xached.domain.state import Market, State


@contextmanager
def shown_with(
    state: State, symbol: Symbol, offered: Iterable[PlaceOrder], mark_ticks: int | None, at_ns: int
) -> Iterator[State]:
    """The state to read an order of ``symbol`` in, with these orders resting in its book.

    Args:
        offered: orders at a limit, none of which takes.
        mark_ticks: where the mark would be; None: where it is.
    """
    market = copy.copy(state.markets[symbol])
    if mark_ticks is not None:
        market.set_mark(mark_ticks, mark_ticks, at_ns)
    added = [
        _order(each, OrderId(-number), market, at_ns) for number, each in enumerate(offered, 1)
    ]
    shown = copy.copy(state)
    shown.markets = {**state.markets, symbol: market}
    shown.orders = {**state.orders, **{order.order_id: order for order in added}}
    standing: list[Order] = []
    # The book is the one of the exchange: whoever is added is at the back of its level, and
    # leaves it as it was.
    try:
        for order in added:
            assert order.price_ticks is not None
            market.book.add(order.order_id, order.side, order.price_ticks, order.quantity_lots)
            standing.append(order)
        yield shown
    finally:
        for order in standing:
            market.book.remove(order.order_id)


def _order(placed: PlaceOrder, order_id: OrderId, market: Market, at_ns: int) -> Order:
    """An order that has no row: ids of those who have are above zero."""
    assert placed.price_ticks is not None
    assert placed.quantity_lots is not None
    instrument = market.instrument
    return Order(
        order_id=order_id,
        client_order_id=placed.client_order_id,
        purse=placed.purse,
        symbol=placed.symbol,
        side=placed.side,
        type=placed.type,
        time_in_force=placed.time_in_force,
        price_ticks=placed.price_ticks,
        quantity_lots=placed.quantity_lots,
        quote_units=None,
        post_only=placed.post_only,
        self_trade_prevention=placed.self_trade_prevention,
        expires_at_ns=None,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        held_units=(
            instrument.notional_units(placed.price_ticks, placed.quantity_lots)
            if placed.side is BUY
            else placed.quantity_lots * instrument.lot_units
        ),
        accepted_at_ns=at_ns,
        updated_at_ns=at_ns,
        seq=0,
    )
