"""What the owner of one purse is told about its orders, folded from the exchange's rows.

One report for each step of an order that its owner can see: it waits for a price, it is triggered,
it rests, it trades, it ends. An order that trades in full is reported FILLED with its last trade,
not a second time at its end. Orders are folded where streams and history fold them; here is only
which of their steps are told.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping

import attrs

from xached.domain.history import Fill, PurseFold
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import (
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderRested,
    Row,
)
from xached.domain.order import EndReason, Order, OrderId, OrderStatus, Purse, Side
from xached.domain.protection_messages import SelfTransferred
from xached.domain.purse_past import touches
from xached.domain.waiting_messages import OrderStarted, StopMoved


@attrs.frozen(kw_only=True)
class FillReport:
    """One trade of the order. ``fee_units`` is quote; ``maker``: the order rested in the book."""

    price_ticks: int
    quantity_lots: int
    fee_units: int
    maker: bool


@attrs.frozen(kw_only=True)
class OrderReport:
    """An order as it stands after one step. ``fill`` is set when the step is a trade."""

    client_order_id: str
    symbol: Symbol
    side: Side
    status: OrderStatus
    end_reason: EndReason
    price_ticks: int | None
    quantity_lots: int
    executed_lots: int
    fill: FillReport | None
    at_ns: int
    prevented_lots: int = 0

    @property
    def leaves_lots(self) -> int:
        """What is still to trade; 0 once the order has ended."""
        if self.status.is_over:
            return 0
        return self.quantity_lots - self.executed_lots - self.prevented_lots


class PurseOrders:
    """The open orders of one purse, from a known state onwards.

    ``seq`` is the row after which ``open_orders`` were read; rows up to it are skipped.
    """

    def __init__(
        self,
        purse: Purse,
        open_orders: Iterable[Order],
        seq: int,
        instruments: Mapping[Symbol, Instrument],
    ) -> None:
        self._seq = seq
        # Reports say nothing of money: what the balances are does not matter.
        self._fold = PurseFold(purse, map(copy.copy, open_orders), {}, instruments)
        self._filled: dict[OrderId, None] = {}
        """Orders that were reported FILLED and have not ended yet."""

    def __len__(self) -> int:
        """How many orders are open."""
        return len(self._fold.orders)

    def fold(self, row: Row) -> list[OrderReport]:
        """Take the next row and say what its owner is told."""
        if row.seq <= self._seq:
            return []
        self._seq = row.seq
        if not touches(row, self._fold.purse):
            return []
        reports: list[OrderReport] = []
        for event in row.events:
            changes = self._fold.fold(attrs.evolve(row, events=(event,)))
            if changes is not None:
                fills = {fill.order_id: fill for fill in changes.fills}
                for order in changes.orders:
                    reports += self._report(event, order, fills.get(order.order_id), row.at_ns)
        return reports

    def _report(
        self, event: Event, order: Order, fill: Fill | None, at_ns: int
    ) -> Iterator[OrderReport]:
        """What is told of an order after an event that changed it."""
        if isinstance(event, SelfTransferred):
            yield _report(order, order.status, at_ns, fill)
        elif fill is not None:
            # One of a list may get more to trade: whether it is filled is told by its end.
            if order.leaves_lots == 0 and order.leg is None:
                self._filled[order.order_id] = None
                yield _report(order, OrderStatus.FILLED, at_ns, fill)
            else:
                yield _report(order, order.status, at_ns, fill)
        elif isinstance(event, OrderAccepted | OrderStarted | StopMoved):
            pass  # What the order does next is told; where a stop is, its owner works out.
        elif isinstance(event, OrderRested):
            if order.executed_lots == 0:
                yield _report(order, OrderStatus.OPEN, at_ns)
        elif isinstance(event, OrderEnded):
            if order.order_id not in self._filled:
                yield _report(order, order.status, at_ns)
            self._filled.pop(order.order_id, None)
        elif not isinstance(event, MatchPrevented) or order.leaves_lots:
            # One that lost all it had left ends next, which is told then.
            yield _report(order, order.status, at_ns)


def report_open(order: Order, at_ns: int) -> OrderReport:
    """An open order as its owner is told of it at the start."""
    return _report(order, order.status, at_ns)


def _report(order: Order, status: OrderStatus, at_ns: int, fill: Fill | None = None) -> OrderReport:
    told: FillReport | None = None
    if fill is not None:
        told = FillReport(
            price_ticks=fill.price_ticks,
            quantity_lots=fill.quantity_lots,
            fee_units=fill.fee_units,
            maker=fill.is_maker,
        )
    return OrderReport(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        status=status,
        end_reason=order.end_reason,
        price_ticks=order.price_ticks,
        quantity_lots=order.quantity_lots,
        executed_lots=order.executed_lots,
        fill=told,
        at_ns=at_ns,
        prevented_lots=order.prevented_lots,
    )
