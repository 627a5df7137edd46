"""Run a strategy over a list of market data with a very simple market behind it.

It is for tests, not for judging a strategy: there are no fees, no limits and no queue. An order
without a trigger fills whole at the next price of its market, at its limit if it has one; orders
that wait for a price rest until they are cancelled. Timers ring, positions follow.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Candle, Candles, Side, Trade
from xache_sdk.orders import (
    Amend,
    Cancel,
    CancelAll,
    ChangeRefused,
    Fill,
    Intent,
    Note,
    OrderStatus,
    OrderUpdate,
    Place,
    Replace,
    Save,
    SetTimer,
)
from xache_sdk.session import Session
from xache_sdk.signal_values import SignalLost, SignalValue
from xache_sdk.strategy import Input, TimerDue

MarketValue: TypeAlias = Trade | Book | Candle | SignalValue | SignalLost
"""What happens in a market, and what signals say of it."""

ANSWERS_MAX = 1_000
"""So many callbacks may follow one piece of market data."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a strategy wanted after the piece of market data of an index; -1 is the start."""

    index: int
    at_ns: int
    intents: tuple[Intent, ...]


def known_at_ns(value: MarketValue) -> int:
    """When a value can be known: a closed candle when it is over."""
    if isinstance(value, Candle):
        return value.ends_at_ns if value.closed else value.open_at_ns
    return value.at_ns


def first_after_warm_up(session: Session, data: Sequence[MarketValue]) -> int:
    """Where every subscription has its warm-up; at most half of the data go into it."""
    missing = {
        (each.symbol, each.venue, each.interval): each.warm_up
        for each in session.subscriptions
        if isinstance(each, Candles) and each.warm_up
    }
    index = 0
    while any(count > 0 for count in missing.values()) and index < len(data) // 2:
        value = data[index]
        if isinstance(value, Candle) and value.closed:
            key = (value.symbol, value.venue, value.interval)
            missing[key] = missing.get(key, 0) - 1
        index += 1
    return index


class Replay:
    """One strategy, one list of market data in the order it became known.

    Closed candles before the index ``first`` are its warm-up. Those whose index is in ``asleep``
    are not told, as if a signal had said that nothing is to be done at them.
    """

    def __init__(
        self,
        session: Session,
        context: Context,
        data: Sequence[MarketValue],
        first: int,
        asleep: Container[int] = (),
    ) -> None:
        self._first = first
        self._asleep = asleep
        self._session = session
        self._context = context
        self._data = data
        self._orders: dict[str, Place] = {}
        self._timers: dict[str, int] = {}
        self._wanted: list[Intent] = []

    def run(self) -> list[Decision]:
        """From the start to the end of the data; only decisions that want something.

        Raises: what the strategy raises.
        """
        for value in self._data[: self._first]:
            self._context.set_clock(known_at_ns(value))
            if isinstance(value, Candle) and value.closed:
                self._session.warm_up(value)
        decisions = [self._decided(-1, self._session.start(self._context))]
        for index in range(self._first, len(self._data)):
            value = self._data[index]
            now_ns = known_at_ns(value)
            self._ring(now_ns)
            self._context.set_clock(now_ns)
            self._fill(value)
            if index in self._asleep:
                assert isinstance(value, Candle), "only candles have signals"
                self._session.pass_over(value)
            else:
                self._call(value)
            decisions.append(self._decided(index, ()))
        return [each for each in decisions if each.intents]

    def _decided(self, index: int, intents: Sequence[Intent]) -> Decision:
        for intent in intents:
            self._do(intent)
        wanted, self._wanted = (*intents, *self._wanted), []
        return Decision(index, self._context.now_ns, wanted)

    def _call(self, value: Input) -> None:
        intents = self._session.take(value)
        self._wanted += intents
        assert len(self._wanted) <= ANSWERS_MAX, "it answers its own answers without end"
        for intent in intents:
            self._do(intent)

    def _do(self, intent: Intent) -> None:
        match intent:
            case Place():
                self._orders[intent.id] = intent
            case Cancel():
                self._end(intent.id)
            case CancelAll():
                for order in list(self._orders.values()):
                    if intent.symbol in (None, order.symbol):
                        self._end(order.id)
            case Amend() | Replace():
                new_id = intent.new_id if isinstance(intent, Replace) else ""
                self._call(
                    ChangeRefused(
                        id=intent.id,
                        new_id=new_id,
                        symbol=intent.symbol,
                        reason="COMBINATION",
                        at_ns=self._context.now_ns,
                    )
                )
            case SetTimer():
                self._timers[intent.name] = self._context.now_ns + intent.delay_ns
            case Note() | Save():
                pass

    def _ring(self, now_ns: int) -> None:
        while self._timers:
            name, due_ns = min(self._timers.items(), key=lambda each: (each[1], each[0]))
            if due_ns > now_ns:
                return
            del self._timers[name]
            self._context.set_clock(due_ns)
            self._call(TimerDue(name, due_ns))

    def _fill(self, value: MarketValue) -> None:
        if isinstance(value, SignalValue | SignalLost):
            return  # Nothing trades because somebody says something.
        price = _first_price(value)
        if price is None:
            return
        for order in list(self._orders.values()):
            if order.symbol == value.symbol and order.trigger is None:
                del self._orders[order.id]
                self._trade(order, order.price or price)

    def _trade(self, order: Place, price: Decimal) -> None:
        position = self._context.position(order.symbol)
        quantity = order.quantity
        if quantity is None:
            assert order.quote_quantity is not None, "an order has one of both"
            wanted = EXACT.divide(order.quote_quantity, price)
            quantity = position.instrument.floor_quantity(wanted)
        signed = quantity if order.side is Side.BUY else -quantity
        position.quantity_lots += position.instrument.lots(signed)
        self._tell(order, OrderStatus.FILLED, quantity, price)

    def _end(self, order_id: str) -> None:
        order = self._orders.pop(order_id, None)
        if order is not None:
            self._tell(order, OrderStatus.CANCELED, Decimal(0), None)

    def _tell(
        self, order: Place, status: OrderStatus, traded: Decimal, price: Decimal | None
    ) -> None:
        fill = None
        if price is not None:
            fill = Fill(price=price, quantity=traded, fee=Decimal(0), maker=order.price is not None)
        self._call(
            OrderUpdate(
                id=order.id,
                own=True,
                symbol=order.symbol,
                side=order.side,
                status=status,
                at_ns=self._context.now_ns,
                reason="" if fill is not None else "USER",
                price=order.price,
                quantity=order.quantity or traded,
                executed_quantity=traded,
                fill=fill,
            )
        )


def _first_price(value: Trade | Book | Candle) -> Decimal | None:
    """The first price that can be traded at once a value is known."""
    if isinstance(value, Candle):
        return value.open if value.closed else None
    if isinstance(value, Trade):
        return value.price
    return value.mid
