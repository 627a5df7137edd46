"""Who must be triggered when, found by scanning everything that waits at every price.

It knows the terms of orders, the trades, the marks and when a market trades; of what the exchange
keeps to answer the same in little time it knows nothing. Of an order that looks at the book it
only checks the price it was triggered at.
"""

from __future__ import annotations

from fractions import Fraction

import attrs

from xached.domain.messages import (
    Event,
    MarketStateSet,
    MarkSet,
    OrderAccepted,
    OrderEnded,
    Traded,
)
from xached.domain.order import MarketState, OrderId, OrderType, Side, TriggerSource
from xached.domain.waiting_messages import OrderParked, OrderStarted, OrderTriggered

BPS = 10_000
RISES = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


@attrs.define
class Waiting:
    """One order that waits. ``stop`` is exact, before rounding."""

    terms: OrderAccepted
    stop: Fraction | None
    extreme: int | None = None
    activation: int | None = None
    activates_upward: bool = False

    @property
    def source(self) -> TriggerSource:
        """What it looks at."""
        assert self.terms.trigger is not None
        return self.terms.trigger.source

    def reached(self, price: int) -> bool:
        """Whether a price is at its stop or beyond."""
        rises = (self.terms.side is Side.BUY) == (self.terms.type in RISES)
        return self.stop is not None and (price >= self.stop if rises else price <= self.stop)

    def sees(self, price: int) -> bool:
        """Look at a price; whether it triggers."""
        if self.activation is not None:
            up = self.activates_upward
            if price >= self.activation if up else price <= self.activation:
                self.activation = None
                self.follow(price)
            return False
        if self.reached(price):
            return True
        if self.terms.type is OrderType.TRAILING_STOP:
            self.follow(price)
        return False

    def follow(self, price: int) -> None:
        """Take the best price that a trailing order has seen."""
        buys = self.terms.side is Side.BUY
        if self.extreme is None or (price < self.extreme if buys else price > self.extreme):
            self.extreme = price
        trigger = self.terms.trigger
        assert trigger is not None
        assert trigger.trail_bps is not None
        away = trigger.trail_bps if buys else -trigger.trail_bps
        self.stop = Fraction(self.extreme * (BPS + away), BPS)


@attrs.define
class WaitingOracle:
    """Takes the events of rows, in order."""

    mark: int
    last: int | None = None
    is_trading: bool = True
    waiting: dict[OrderId, Waiting] = attrs.field(factory=dict)
    expected: list[OrderId] = attrs.field(factory=list)
    """Orders that must be triggered next, in order."""

    queue: list[OrderId] = attrs.field(factory=list)
    """Orders that were triggered and have not started."""

    terms: dict[OrderId, OrderAccepted] = attrs.field(factory=dict)
    triggered: int = 0

    def take(self, event: Event) -> None:
        """Take the next event. Raises: AssertionError for what must not be."""
        match event:
            case OrderAccepted():
                self.terms[event.order_id] = event
            case OrderParked():
                self._park(event.order_id)
            case Traded():
                self.last = event.price_ticks
                self._look(TriggerSource.LAST, event.price_ticks)
            case MarkSet():
                self.mark = event.price_ticks
                self._look(TriggerSource.MARK, event.price_ticks)
            case MarketStateSet():
                self.is_trading = event.state is MarketState.TRADING
                self._look(TriggerSource.LAST, self.last or self.mark)
                self._look(TriggerSource.MARK, self.mark)
            case OrderTriggered():
                self._trigger(event)
            case OrderStarted():
                assert event.order_id == self.queue.pop(0), "not the first of the queue"
            case OrderEnded():
                self.waiting.pop(event.order_id, None)
                if event.order_id in self.queue:
                    self.queue.remove(event.order_id)
            case _:
                pass

    def row_ends(self) -> None:
        """Nothing is left undone."""
        assert not self.expected, f"not triggered: {self.expected}"
        assert not self.queue, f"not started: {self.queue}"

    def _look(self, source: TriggerSource, price: int) -> None:
        if not self.is_trading:
            return
        for order_id, each in sorted(self.waiting.items()):
            if each.source is source and each.sees(price):
                self.expected.append(order_id)
        for order_id in self.expected:
            self.waiting.pop(order_id, None)

    def _trigger(self, event: OrderTriggered) -> None:
        self.triggered += 1
        self.queue.append(event.order_id)
        if event.source is not TriggerSource.BID_ASK:
            assert event.order_id == self.expected.pop(0), "another order had to be triggered"
            return
        each = self.waiting.pop(event.order_id)
        assert each.terms.type is OrderType.TRAILING_STOP or each.reached(event.at_ticks)

    def _park(self, order_id: OrderId) -> None:
        terms = self.terms[order_id]
        trigger = terms.trigger
        assert trigger is not None
        stop = None if trigger.stop_ticks is None else Fraction(trigger.stop_ticks)
        each = self.waiting[order_id] = Waiting(terms, stop)
        if trigger.source is TriggerSource.BID_ASK:
            return
        now = self.mark if trigger.source is TriggerSource.MARK else self.last or self.mark
        if terms.type is OrderType.TRAILING_STOP:
            if trigger.activation_ticks in (None, now):
                each.follow(now)
            else:
                assert trigger.activation_ticks is not None
                each.activation = trigger.activation_ticks
                each.activates_upward = trigger.activation_ticks > now
        elif self.is_trading and each.reached(now):
            # Only a child's stop may have been passed before its time.
            assert terms.leg is not None
            del self.waiting[order_id]
            self.expected.append(order_id)
