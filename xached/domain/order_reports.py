"""What the owner of one purse is told about its orders, folded from the exchange's rows.

One report for each step of an order that its owner can see: it waits for a price, it is triggered,
it rests, it trades, it ends. An order that trades in full is reported FILLED with its last trade,
not a second time at its end.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from xached.domain.instrument import Symbol
from xached.domain.messages import (
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    Row,
    Traded,
)
from xached.domain.order import DECREMENT, EndReason, Order, OrderId, OrderStatus, Purse, Side
from xached.domain.waiting_messages import OrderParked, OrderStarted, OrderTriggered


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


@attrs.define
class _Known:
    """What reports need of an order that has not ended."""

    client_order_id: str
    symbol: Symbol
    side: Side
    price_ticks: int | None
    quantity_lots: int
    executed_lots: int
    prevented_lots: int = 0
    waiting: OrderStatus | None = None
    """Its status while it waits; None once it has been in the market."""

    filled: bool = False

    @property
    def leaves_lots(self) -> int:
        return self.quantity_lots - self.executed_lots - self.prevented_lots

    @property
    def status(self) -> OrderStatus:
        if self.waiting is not None:
            return self.waiting
        return OrderStatus.PARTIALLY_FILLED if self.executed_lots else OrderStatus.OPEN


class PurseOrders:
    """The open orders of one purse, from a known state onwards.

    ``seq`` is the row after which ``open_orders`` were read; rows up to it are skipped.
    """

    def __init__(self, purse: Purse, open_orders: Iterable[Order], seq: int) -> None:
        self._purse = purse
        self._seq = seq
        self._known = {
            order.order_id: _Known(
                order.client_order_id,
                order.symbol,
                order.side,
                order.price_ticks,
                order.quantity_lots,
                order.executed_lots,
                order.prevented_lots,
                order.status if order.status >= OrderStatus.PENDING_NEW else None,
            )
            for order in open_orders
        }

    def __len__(self) -> int:
        """How many orders are open."""
        return len(self._known)

    def fold(self, row: Row) -> list[OrderReport]:
        """Take the next row and say what its owner is told."""
        if row.seq <= self._seq:
            return []
        self._seq = row.seq
        reports: list[OrderReport] = []
        for event in row.events:
            match event:
                case OrderAccepted(purse=self._purse):
                    self._accept(event)
                case Traded():
                    reports += self._trade(event, row.at_ns)
                case OrderRested(purse=self._purse):
                    known = self._known[event.order_id]
                    if known.executed_lots == 0:
                        reports.append(_report(known, OrderStatus.OPEN, row.at_ns))
                case OrderReduced(purse=self._purse):
                    known = self._known[event.order_id]
                    known.quantity_lots = event.quantity_lots
                    reports.append(_report(known, known.status, row.at_ns))
                case MatchPrevented() if event.mode is DECREMENT:
                    reports += self._prevent(event, row.at_ns)
                case OrderParked(purse=self._purse):
                    reports.append(self._wait(event, OrderStatus.UNTRIGGERED, row.at_ns))
                case OrderTriggered(purse=self._purse):
                    reports.append(self._wait(event, OrderStatus.TRIGGERED, row.at_ns))
                case OrderStarted(purse=self._purse):
                    self._known[event.order_id].waiting = None
                case OrderEnded(purse=self._purse):
                    reports += self._end(event, row.at_ns)
                case _:
                    pass  # Somebody else's, or no order.
        return reports

    def _accept(self, event: OrderAccepted) -> None:
        self._known[event.order_id] = _Known(
            event.client_order_id,
            event.symbol,
            event.side,
            event.price_ticks,
            event.quantity_lots,
            0,
        )

    def _wait(
        self, event: OrderParked | OrderTriggered, status: OrderStatus, at_ns: int
    ) -> OrderReport:
        known = self._known[event.order_id]
        known.waiting = status
        return _report(known, status, at_ns)

    def _trade(self, event: Traded, at_ns: int) -> Iterable[OrderReport]:
        # Both sides may be this purse's: self-trade prevention can be switched off.
        if event.taker_purse == self._purse:
            yield self._fill(event, event.taker_order_id, event.taker_fee_units, False, at_ns)
        if event.maker_purse == self._purse:
            yield self._fill(event, event.maker_order_id, event.maker_fee_units, True, at_ns)

    def _fill(
        self, event: Traded, order_id: OrderId, fee_units: int, maker: bool, at_ns: int
    ) -> OrderReport:
        known = self._known[order_id]
        known.executed_lots += event.quantity_lots
        known.filled = known.leaves_lots == 0
        fill = FillReport(
            price_ticks=event.price_ticks,
            quantity_lots=event.quantity_lots,
            fee_units=fee_units,
            maker=maker,
        )
        status = OrderStatus.FILLED if known.filled else OrderStatus.PARTIALLY_FILLED
        return _report(known, status, at_ns, fill=fill)

    def _prevent(self, event: MatchPrevented, at_ns: int) -> Iterable[OrderReport]:
        """Both sides may be this purse's; one with nothing left ends next, which is told then."""
        for purse, order_id in (
            (event.taker_purse, event.taker_order_id),
            (event.maker_purse, event.maker_order_id),
        ):
            if purse == self._purse:
                known = self._known[order_id]
                known.prevented_lots += event.quantity_lots
                if known.leaves_lots:
                    yield _report(known, known.status, at_ns)

    def _end(self, event: OrderEnded, at_ns: int) -> Iterable[OrderReport]:
        known = self._known.pop(event.order_id)
        if not known.filled:
            yield _report(known, event.status, at_ns, reason=event.reason)


def report_open(order: Order, at_ns: int) -> OrderReport:
    """An open order as its owner is told of it at the start."""
    return OrderReport(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        status=order.status,
        end_reason=order.end_reason,
        price_ticks=order.price_ticks,
        quantity_lots=order.quantity_lots,
        executed_lots=order.executed_lots,
        fill=None,
        at_ns=at_ns,
        prevented_lots=order.prevented_lots,
    )


def _report(
    known: _Known,
    status: OrderStatus,
    at_ns: int,
    *,
    reason: EndReason = EndReason.NONE,
    fill: FillReport | None = None,
) -> OrderReport:
    return OrderReport(
        client_order_id=known.client_order_id,
        symbol=known.symbol,
        side=known.side,
        status=status,
        end_reason=reason,
        price_ticks=known.price_ticks,
        quantity_lots=known.quantity_lots,
        executed_lots=known.executed_lots,
        fill=fill,
        at_ns=at_ns,
        prevented_lots=known.prevented_lots,
    )
