"""A purse as it was: what a reader needs that comes back and asks what it has missed.

The journal has every row, but no state of the past. It is worked out from the purse as it is now:
orders that were changed since are folded anew from the rows that made them, and balances are those
of now less what the rows since have changed. Rows say what they did in amounts, so this is exact;
and it is checked: folded forward again it must lead to the purse as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from xached.domain.history import Funds, PurseFold
from xached.domain.instrument import Instrument, Symbol
from xached.domain.list_messages import HoldMoved, ListAccepted, touched_by
from xached.domain.messages import Event, Row
from xached.domain.order import Order, OrderId, Purse, accepted_seq
from xached.domain.queries import PurseSnapshot


def touches(row: Row, purse: Purse) -> bool:
    """Whether any event of a row is of a purse."""
    return any(_is_of(event, purse) for event in row.events)


def earlier_orders(missed: Iterable[Row], purse: Purse, after_seq: int) -> list[OrderId]:
    """Orders that are older than the rows that changed them."""
    return [each for each in _orders_of(missed, purse) if accepted_seq(each) <= after_seq]


def met_orders(rows: Iterable[Row], purse: Purse, known: Iterable[OrderId]) -> list[OrderId]:
    """Known orders, and others of the purse that met one of them: it takes both to tell it."""
    found = dict.fromkeys(known)
    for row in rows:
        for event in row.events:
            orders = list(_orders_of_event(event, purse))
            if any(order_id in found for order_id in orders):
                found.update(dict.fromkeys(orders))
    return list(found)


def rewind(
    purse: Purse,
    snapshot: PurseSnapshot,
    missed: Sequence[Row],
    earlier: Iterable[Row],
    known: Iterable[OrderId],
    after_seq: int,
    instruments: Mapping[Symbol, Instrument],
) -> PurseFold | None:
    """The purse as it was after a row.

    Args:
        snapshot: the purse as it is.
        missed: all rows since ``after_seq`` that touch the purse, up to the snapshot's.
        earlier: all rows up to ``after_seq`` that changed known orders without ending them.
        known: :func:`earlier_orders` of the missed rows, and :func:`met_orders` of the earlier.

    Returns:
        None when these rows do not lead to the snapshot.
    """
    about = dict.fromkeys(known)
    past = PurseFold(purse, [], {}, instruments)
    for row in earlier:
        events = tuple(event for event in row.events if _is_about(event, purse, about))
        past.fold(attrs.evolve(row, events=events))
    changed = _orders_of(missed, purse)
    then = [
        *(past.orders[each] for each in changed if accepted_seq(each) <= after_seq),
        *(order for order in snapshot.orders if order.order_id not in changed),
    ]
    forward = PurseFold(purse, map(copy.copy, then), {}, instruments)
    for row in missed:
        forward.fold(row)
    if _by_id(forward.orders.values()) != _by_id(snapshot.orders):
        return None
    balances = {}
    for asset, funds in snapshot.balances.items():
        moved = forward.balances.get(asset, Funds())
        balances[asset] = Funds(funds.available - moved.available, funds.held - moved.held)
    return PurseFold(purse, sorted(then, key=lambda each: each.order_id), balances, instruments)


def _by_id(orders: Iterable[Order]) -> dict[OrderId, dict[str, object]]:
    return {order.order_id: attrs.asdict(order, recurse=False) for order in orders}


# Every event names whose it is, and which order, in the same fields: so this knows those to come.
# Only those of lists are of several orders.


def _is_of(event: Event, purse: Purse) -> bool:
    return purse in (
        getattr(event, "purse", None),
        getattr(event, "taker_purse", None),
        getattr(event, "maker_purse", None),
        getattr(event, "source", None),
        getattr(event, "target", None),
    )


def _orders_of_event(event: Event, purse: Purse) -> Iterator[OrderId]:
    if isinstance(event, ListAccepted | HoldMoved):
        yield from touched_by(event) if event.purse == purse else ()
        return
    for owner, order_id in (
        ("purse", "order_id"),
        ("taker_purse", "taker_order_id"),
        ("maker_purse", "maker_order_id"),
    ):
        if getattr(event, owner, None) == purse and hasattr(event, order_id):
            yield getattr(event, order_id)


def _orders_of(rows: Iterable[Row], purse: Purse) -> dict[OrderId, None]:
    return {
        order_id: None
        for row in rows
        for event in row.events
        for order_id in _orders_of_event(event, purse)
    }


def _is_about(event: Event, purse: Purse, orders: Mapping[OrderId, None]) -> bool:
    return any(order_id in orders for order_id in _orders_of_event(event, purse))
