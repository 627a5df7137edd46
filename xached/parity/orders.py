"""The orders of a run as they went, read from its log: when they were wanted, arrived, filled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import attrs
from xache_sdk.context import Context
from xache_sdk.market import Instrument
from xache_sdk.market import Side as ToldSide
from xache_sdk.orders import OrderStatus, OrderUpdate, Place, TimeInForce
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import read_context, read_inputs

from xached.adapters.child_intents import (
    AmendIntent,
    CancelAllIntent,
    CancelIntent,
    PlaceIntent,
    ReplaceIntent,
)
from xached.adapters.child_replay import Wanted, read_wanted
from xached.domain.order import Side
from xached.domain.recording import EntryKind
from xached.research.history.recordings import LogEntry, RunLog
from xached.research.judgement.fill_replay import LiveFill, LiveOrder

_OVER = frozenset(
    (
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REJECTED,
        OrderStatus.REFUSED,
    )
)


@attrs.define(kw_only=True)
class _Order:
    """An order while its log is read."""

    id: str
    symbol: str
    side: ToldSide
    price: str | None
    quantity: str | None
    lives: TimeInForce | None
    post_only: bool
    expires_at_ns: int | None
    wanted_at_ns: int
    unknown: str = ""
    """Why the fill model does not know it."""
    arrived_at_ns: int | None = None
    cancel_wanted_at_ns: int | None = None
    ended_at_ns: int | None = None
    filled: bool = False
    refused: bool = False
    fills: list[LiveFill] = attrs.field(factory=list)
    rests: list[tuple[int, int]] = attrs.field(factory=list)


class RunOrders:
    """Reads the orders of one run. ``not_replayed`` counts those that cannot be, by the reason."""

    def __init__(self, log: RunLog) -> None:
        self._log = log
        self._orders: dict[str, _Order] = {}
        self._context: Context | None = None

    def read(self, from_ns: int, to_ns: int) -> tuple[list[LiveOrder], Counter[str]]:
        """The orders that were wanted in [from, to), and how many cannot be replayed."""
        for entry in self._log.entries():
            if entry.at_ns >= to_ns:
                break
            if entry.kind is EntryKind.DECIDED:
                for wanted in read_wanted(entry.frame)[1]:
                    self._want(wanted, entry.at_ns)
            elif entry.kind is EntryKind.HANDED:
                self._hear(entry)
        found: list[LiveOrder] = []
        unknown: Counter[str] = Counter()
        for order in self._orders.values():
            if order.wanted_at_ns < from_ns:
                continue
            live = self._live(order)
            if live is None:
                unknown[order.unknown or "asks for an amount and was not filled"] += 1
            else:
                found.append(live)
        return found, unknown

    def _want(self, wanted: Wanted, at_ns: int) -> None:
        match wanted:
            case PlaceIntent():
                self._orders[wanted.id] = _Order(
                    id=wanted.id,
                    symbol=wanted.symbol,
                    side=ToldSide.BUY if wanted.side is Side.BUY else ToldSide.SELL,
                    price=wanted.price,
                    quantity=wanted.quantity,
                    lives=TimeInForce[wanted.time_in_force.name],
                    post_only=wanted.post_only,
                    expires_at_ns=wanted.expires_at_ns,
                    wanted_at_ns=at_ns,
                    unknown="" if wanted.trigger is None else "waits for a trigger",
                )
            case CancelIntent(id=id):
                self._cancel([self._orders[id]] if id in self._orders else [], at_ns)
            case CancelAllIntent(symbol=symbol):
                alive = [each for each in self._orders.values() if symbol in (None, each.symbol)]
                self._cancel(alive, at_ns)
            case AmendIntent(id=id):
                if id in self._orders:
                    self._orders[id].unknown = "was amended"
            case ReplaceIntent():
                self._replace(wanted, at_ns)
            case _:
                pass

    def _cancel(self, orders: list[_Order], at_ns: int) -> None:
        for each in orders:
            over = each.ended_at_ns is not None or each.filled
            if not over and each.cancel_wanted_at_ns is None:
                each.cancel_wanted_at_ns = at_ns

    def _replace(self, wanted: ReplaceIntent, at_ns: int) -> None:
        old = self._orders.get(wanted.id)
        if old is None:
            return
        self._cancel([old], at_ns)
        self._orders[wanted.new_id] = attrs.evolve(
            old,
            id=wanted.new_id,
            price=wanted.price or old.price,
            quantity=wanted.quantity or old.quantity,
            expires_at_ns=wanted.expires_at_ns or old.expires_at_ns,
            wanted_at_ns=at_ns,
            arrived_at_ns=None,
            cancel_wanted_at_ns=None,
            ended_at_ns=None,
            filled=False,
            fills=[],
            rests=[],
        )

    def _hear(self, entry: LogEntry) -> None:
        message = plugin_pb2.HostFrame.FromString(entry.frame)
        kind = message.WhichOneof("message")
        if kind == "start":
            self._context = read_context(message.start)
        elif kind in ("order_update", "change_refused") and self._context is not None:
            for value in read_inputs(message, self._context.instruments):
                if isinstance(value, OrderUpdate):
                    if value.own and value.id in self._orders:
                        self._update(self._orders[value.id], value)
                else:
                    self._orders.pop(getattr(value, "new_id", ""), None)

    def _update(self, order: _Order, update: OrderUpdate) -> None:
        instrument = self._instrument(order.symbol)
        over = update.status in _OVER
        if update.status is OrderStatus.REFUSED:
            order.refused = True
        elif order.arrived_at_ns is None:
            order.arrived_at_ns = update.at_ns
        if update.fill is not None:
            order.fills.append(
                LiveFill(
                    update.at_ns,
                    instrument.ticks(update.fill.price),
                    instrument.lots(update.fill.quantity),
                    update.fill.maker,
                )
            )
        if over and update.status is not OrderStatus.FILLED:
            order.ended_at_ns = update.at_ns
        order.filled = update.status is OrderStatus.FILLED
        if order.price is not None and update.status is not OrderStatus.REFUSED:
            leaves = 0 if over else instrument.lots(update.leaves_quantity)
            order.rests.append((update.at_ns, leaves))

    def _live(self, order: _Order) -> LiveOrder | None:
        instrument = self._instrument(order.symbol)
        quantity = None if order.quantity is None else Decimal(order.quantity)
        if quantity is None:
            filled = sum(fill.lots for fill in order.fills)
            quantity = instrument.quantity(filled) if filled else None
        if order.unknown or quantity is None:
            return None
        return LiveOrder(
            order_id=f"{self._log.about['run_id']}-{order.id}",
            place=Place(
                id=order.id,
                symbol=order.symbol,
                side=order.side,
                quantity=quantity,
                price=None if order.price is None else Decimal(order.price),
                time_in_force=order.lives,
                post_only=order.post_only,
                expires_at_ns=order.expires_at_ns,
            ),
            wanted_at_ns=order.wanted_at_ns,
            arrived_at_ns=order.arrived_at_ns,
            cancel_wanted_at_ns=order.cancel_wanted_at_ns,
            ended_at_ns=order.ended_at_ns,
            refused=order.refused,
            fills=tuple(order.fills),
            rests=() if self._log.about["paper"] else tuple(order.rests),
        )

    def _instrument(self, symbol: str) -> Instrument:
        assert self._context is not None, "nothing is told before the start"
        return self._context.instruments[symbol]


def by_symbol(orders: list[LiveOrder]) -> Iterator[tuple[str, list[LiveOrder]]]:
    """The orders of each market, in the order in which they were wanted."""
    symbols = dict.fromkeys(order.place.symbol for order in orders)
    for symbol in symbols:
        yield symbol, [order for order in orders if order.place.symbol == symbol]
