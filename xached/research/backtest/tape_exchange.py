"""An exchange over a recorded tape: orders arrive late, walk the book, or queue in it.

What is assumed, always against the strategy:

1. An order, a change or a cancel of one arrives ``latency_ns`` after it was wanted, before what any
   tape shows then. One that is made smaller keeps its place.
2. One that crosses walks the book as it is when it arrives, level by level, as taker. What it took
   is gone until the level is published again.
3. One that rests queues behind everything that its level shows. Trades at its price use up the
   queue before it, then fill it; a trade beyond its price fills it. When the level shrinks without
   a trade it is taken that those behind it left, until it is smaller than the queue before it.
4. One with a trigger waits for a trade that reaches it, and then meets the book as in 2, at once:
   it waits where the market is. A market order of it that is not paid for any more takes less.
5. One that lives until a time is over before the first trade at or after it.
6. One that arrives before the first row of its market's tape, or after the last, is refused:
   another market's tape may be longer.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from xache_sdk.orders import (
    Amend,
    Cancel,
    CancelAll,
    ChangeRefused,
    OrderUpdate,
    Place,
    Replace,
)

from xached.domain.fees import buy_hold_units, due_units
from xached.domain.money import ceil_div
from xached.domain.order import BUY, SELL, EndReason, OrderStatus, Side, TimeInForce
from xached.domain.plan import budget_notional_units, target_notional_units
from xached.domain.rejection import Reason, Rejection
from xached.research.backtest.account import Account, FillRow, Line
from xached.research.backtest.orders import (
    Resting,
    amended_lots,
    hold_of,
    make_order,
    replaced_place,
    side_of,
    update_of_order,
    update_of_refusal,
)
from xached.research.backtest.tape import TapeKind
from xached.research.backtest.terms import to_units

NEVER: Final = 2**63 - 1

Sent: TypeAlias = Place | Amend | Replace | Cancel | CancelAll
"""What is sent to an exchange."""


class Queued:
    """An order in the book, and how many lots stand before it."""

    __slots__ = ("ahead_lots", "price_ticks", "resting", "side")

    def __init__(self, resting: Resting, ahead_lots: int) -> None:
        order = resting.order
        assert order.price_ticks is not None
        self.resting = resting
        self.side = order.side
        self.price_ticks = order.price_ticks
        self.ahead_lots = ahead_lots


class TapeExchange:
    """One market with its published book and the strategy's orders in it."""

    def __init__(
        self,
        account: Account,
        line: Line,
        tell: Callable[[OrderUpdate | ChangeRefused], None],
        used_ids: set[str],
        since_ns: int = 0,
        until_ns: int = NEVER,
    ) -> None:
        """``since_ns``, ``until_ns``: from when to when there is a tape. ``used_ids``: ids of
        orders that the run has used up, in this market and the others; it is added to."""
        self.account = account
        self.line = line
        self.since_ns = since_ns
        self.until_ns = until_ns
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}
        self.last_ticks: int | None = None
        self.queued: list[Queued] = []
        """Orders in the book; the list itself stays the same for the whole run."""
        self.waiting: list[Resting] = []
        """Orders that wait for their trigger; the list itself stays the same too."""
        self.own_prices: set[int] = set()
        """Where they are; it too stays the same."""
        self.refusals: Counter[str] = Counter()
        self._used_ids = used_ids
        self._expiring = False
        self._tell = tell

    def level_changed(self, kind: int, price_ticks: int, lots: int) -> None:
        """A level shows so many lots: no more can stand before an order in it."""
        side = BUY if kind == TapeKind.BID else SELL
        for each in self.queued:
            if each.price_ticks == price_ticks and each.side is side:
                each.ahead_lots = min(each.ahead_lots, lots)

    def traded(self, kind: int, price_ticks: int, lots: int, at_ns: int) -> None:
        """Others traded: the queue moves, or the market went beyond an order."""
        if self._expiring:
            self._expire(at_ns)
        side = BUY if kind == TapeKind.SOLD else SELL
        fills, filled = len(self.account.fills), 0
        for each in tuple(self.queued):
            if each.side is not side:
                continue
            leaves = each.resting.order.leaves_lots
            if each.price_ticks == price_ticks:
                # Own orders that stood before this one took their part of the trade.
                each.ahead_lots -= lots
                fit = min(leaves, -each.ahead_lots - filled) if each.ahead_lots < 0 else 0
                if fit > 0:
                    filled += fit
                    self._fill(each.resting, fit, each.price_ticks, at_ns, maker=True)
                each.ahead_lots = max(each.ahead_lots, 0)
            elif (price_ticks < each.price_ticks) is (side is BUY):
                self._fill(each.resting, leaves, each.price_ticks, at_ns, maker=True)
        if len(self.account.fills) > fills:
            self._clear()
        for waiting in tuple(self.waiting):
            self._watch(waiting, price_ticks, at_ns)

    # What arrives.

    def place(self, place: Place, number: int, at_ns: int) -> None:
        """Take an order. ``number``: of all orders of the run."""
        try:
            if place.symbol != self.line.told.symbol or at_ns < self.since_ns:
                raise Rejection(Reason.UNKNOWN_INSTRUMENT, "no such instrument")
            if place.quantity is None:
                place = self._by_base(place)
            resting, plan = self._take(place, number, at_ns)
        except Rejection as refusal:
            self.refusals[refusal.reason.name] += 1
            self._tell(update_of_refusal(place, at_ns, refusal.reason.name))
            return
        self._begin(resting, plan, at_ns)

    def find(self, order_id: str) -> Resting | None:
        """An open order by its id."""
        orders = (*(each.resting for each in self.queued), *self.waiting)
        return next((each for each in orders if each.place.id == order_id), None)

    def amend(self, resting: Resting, intent: Amend, at_ns: int) -> None:
        """Make an open order smaller; it keeps its place in the queue. Raises: Rejection."""
        line = self.line
        fewer = amended_lots(resting, intent, line.told, line.instrument)
        self.account.reduce(line, resting.order, fewer, at_ns)
        self._report(resting, at_ns)

    def replace(self, resting: Resting, intent: Replace, number: int, at_ns: int) -> None:
        """End an open order and take another in its stead, or do nothing.

        Raises: Rejection; ValueError for terms that do not go together.
        """
        account, line, old = self.account, self.line, resting.order
        place = replaced_place(resting, intent, line.told)
        held_units = old.held_units
        account.free(line, old)  # The new one may be paid for with it.
        try:
            fresh, plan = self._take(place, number, at_ns)
        except (Rejection, ValueError):
            account.hold(line, old, held_units)
            raise
        self._end(resting, OrderStatus.CANCELED, EndReason.REPLACED, at_ns)
        self._clear()
        self._begin(fresh, plan, at_ns)

    def _take(self, place: Place, number: int, at_ns: int) -> tuple[Resting, list[tuple[int, int]]]:
        """An order with its money set aside, and what it meets at once. Raises: Rejection."""
        line = self.line
        if place.id in self._used_ids:
            raise Rejection(Reason.ID_REUSED, "the run has used this id")
        if at_ns > self.until_ns:
            raise Rejection(Reason.MARKET_STATE, "its tape is over: nobody knows the book")
        order = make_order(place, line.told, line.instrument, number, at_ns)
        resting = Resting(order, 0, place)
        plan: list[tuple[int, int]] = []
        if order.trigger is None:
            plan = self._plan(order.side, order.price_ticks, order.quantity_lots)
            self._check(resting, plan)
        else:
            self._check_trigger(resting)
        return resting, plan

    def _begin(self, resting: Resting, plan: list[tuple[int, int]], at_ns: int) -> None:
        """An order with its money set aside is told of, and waits or meets the book."""
        order = resting.order
        self._used_ids.add(resting.place.id)
        self._expiring = self._expiring or order.expires_at_ns is not None
        if order.price_ticks is not None or order.trigger is not None:
            self._report(resting, at_ns)
        if order.trigger is not None:
            self.waiting.append(resting)
        else:
            self._meet(resting, plan, at_ns)

    def _meet(self, resting: Resting, plan: list[tuple[int, int]], at_ns: int) -> None:
        """An order with its money set aside meets the book: it trades, rests or ends."""
        order = resting.order
        if plan and order.post_only:
            self._end(resting, OrderStatus.CANCELED, EndReason.POST_ONLY, at_ns)
            return
        whole = sum(lots for _, lots in plan) == order.quantity_lots
        if order.time_in_force is TimeInForce.FOK and not whole:
            self._end(resting, OrderStatus.EXPIRED, EndReason.FOK, at_ns)
            return
        book = self.asks if order.side is BUY else self.bids
        for price_ticks, lots in plan:
            book[price_ticks] -= lots
            if not book[price_ticks]:
                del book[price_ticks]
            self._fill(resting, lots, price_ticks, at_ns, maker=False)
        if order.status.is_over:
            return
        if order.price_ticks is None:
            self._end(resting, OrderStatus.EXPIRED, EndReason.NO_LIQUIDITY, at_ns)
        elif order.time_in_force is TimeInForce.IOC:
            self._end(resting, OrderStatus.EXPIRED, EndReason.IOC, at_ns)
        else:
            own = self.bids if order.side is BUY else self.asks
            self.queued.append(Queued(resting, own.get(order.price_ticks, 0)))
            self.own_prices.add(order.price_ticks)

    def _watch(self, resting: Resting, price_ticks: int, at_ns: int) -> None:
        """What waits for its trigger sees a trade."""
        level, order = resting.watch_ticks, resting.order
        if order.status.is_over:  # with another trade of this row
            return
        assert level is not None
        if price_ticks < level if resting.upward else price_ticks > level:
            if resting.extreme_ticks is not None:
                resting.follow(self.line.instrument, price_ticks)
            return
        if resting.needs_activation:
            resting.follow(self.line.instrument, price_ticks)
            return
        self.waiting.remove(resting)
        limit = order.price_ticks
        order.status = OrderStatus.TRIGGERED if limit is None else OrderStatus.OPEN
        self._report(resting, at_ns)
        plan = self._plan(order.side, limit, order.leaves_lots)
        if limit is None and order.side is BUY:
            plan = self._paid_for(resting, plan)
        self._meet(resting, plan, at_ns)

    def _paid_for(self, resting: Resting, plan: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """As much of a purchase at market as free money pays for, which it now holds."""
        account, line = self.account, self.line
        account.free(line, resting.order)
        paid: list[tuple[int, int]] = []
        for price_ticks, lots in plan:
            left = line.quote.free_units
            fit = account.affordable(line, price_ticks, lots, left)
            if fit:
                account.hold(line, resting.order, account.taker_cost(line, price_ticks, fit))
                paid.append((price_ticks, fit))
            if fit < lots:
                break
        return paid

    def _expire(self, at_ns: int) -> None:
        for resting in (*(each.resting for each in self.queued), *self.waiting):
            until_ns = resting.order.expires_at_ns
            if until_ns is not None and until_ns <= at_ns:
                self._end(resting, OrderStatus.EXPIRED, EndReason.TIME, at_ns)
        self._clear()

    def _by_base(self, place: Place) -> Place:
        """An order by quote amount as one for the lots that it meets. Raises: Rejection."""
        instrument, side = self.line.instrument, side_of(place)
        assert place.quote_quantity is not None, "an order has one quantity or the other"
        wanted = to_units(place.quote_quantity, instrument.quote_scale)
        instrument.check_notional(wanted)
        fee_ppm = instrument.taker_fee_ppm
        buys = side is BUY
        # With its fee a purchase fits into the amount, and a sale brings it.
        left = (budget_notional_units if buys else target_notional_units)(wanted, fee_ppm)
        book, lots = self.asks if buys else self.bids, 0
        for price_ticks in sorted(book, reverse=not buys):
            price_units = instrument.notional_units(price_ticks, 1)
            fit = left // price_units if buys else ceil_div(left, price_units)
            taken = max(0, min(fit, book[price_ticks]))
            lots += taken
            left -= taken * price_units
            if taken < book[price_ticks]:
                break
        if not lots:
            raise Rejection(Reason.NO_LIQUIDITY, "it meets not one lot")
        quantity = self.line.told.quantity(lots)
        return dataclasses.replace(place, quantity=quantity, quote_quantity=None)

    def _plan(self, side: Side, limit_ticks: int | None, lots: int) -> list[tuple[int, int]]:
        """What an order meets in the book, best first."""
        book = self.asks if side is BUY else self.bids
        plan: list[tuple[int, int]] = []
        for price_ticks in sorted(book, reverse=side is SELL):
            if limit_ticks is not None and (
                price_ticks > limit_ticks if side is BUY else price_ticks < limit_ticks
            ):
                break
            taken = min(lots, book[price_ticks])
            plan.append((price_ticks, taken))
            lots -= taken
            if not lots:
                break
        return plan

    def _check(self, resting: Resting, plan: list[tuple[int, int]]) -> None:
        """Filters and funds; what it needs is held. Raises: Rejection."""
        order, line = resting.order, self.line
        instrument = line.instrument
        limit = order.price_ticks
        if limit is not None:
            instrument.check_price(limit)
        elif not plan:
            raise Rejection(Reason.NO_LIQUIDITY, "there is nothing to meet")
        instrument.check_quantity(order.quantity_lots, market=limit is None)
        worth_at = limit if limit is not None else plan[0][0]
        instrument.check_notional(instrument.notional_units(worth_at, order.quantity_lots))
        if order.side is SELL:  # It is held before it is sold: no sale does more than reduce.
            units = order.quantity_lots * instrument.lot_units
        elif limit is not None:
            notional = instrument.notional_units(limit, order.quantity_lots)
            units = buy_hold_units(notional, 0, order.taker_fee_ppm, 0, order.maker_fee_ppm, 0)
        else:
            notional = sum(instrument.notional_units(ticks, lots) for ticks, lots in plan)
            units = notional + due_units(notional, order.taker_fee_ppm, 0, 0)
        if not self.account.hold(line, order, units):
            raise Rejection(Reason.INSUFFICIENT_FUNDS, "not enough is free")

    def _check_trigger(self, resting: Resting) -> None:
        """Filters and funds of an order that waits. Raises: Rejection."""
        order, line, last = resting.order, self.line, self.last_ticks
        if last is None:
            raise Rejection(Reason.NO_LIQUIDITY, "nothing was traded yet")
        instrument = line.instrument
        for ticks, name in ((order.price_ticks, "price"), (order.stop_ticks, "stop_price")):
            if ticks is not None:
                instrument.check_price(ticks, name)
        instrument.check_quantity(order.quantity_lots, market=order.price_ticks is None)
        worth_at = order.price_ticks or order.stop_ticks or last
        instrument.check_notional(instrument.notional_units(worth_at, order.quantity_lots))
        resting.wait(instrument, last)
        stop = None if order.trigger is None else order.trigger.stop_ticks
        if stop is not None and (last >= stop if resting.upward else last <= stop):
            raise Rejection(Reason.TRIGGER_PASSED, "the stop price has been reached already")
        if not self.account.hold(line, order, hold_of(resting, instrument, last)):
            raise Rejection(Reason.INSUFFICIENT_FUNDS, "not enough is free")

    def cancel(self, intent: Cancel | CancelAll, at_ns: int) -> None:
        """End the order that is named, or all of this market."""
        for each in (*(queued.resting for queued in self.queued), *self.waiting):
            if isinstance(intent, CancelAll) or each.place.id == intent.id:
                self._end(each, OrderStatus.CANCELED, EndReason.USER, at_ns)
        self._clear()

    def refuse_change(self, order_id: str, new_id: str, reason: str, at_ns: int) -> None:
        """Say that an amendment or a replacement was refused."""
        self.refusals[reason] += 1
        symbol = "" if reason == "UNKNOWN_ORDER" else self.line.told.symbol
        self._tell(
            ChangeRefused(id=order_id, new_id=new_id, symbol=symbol, reason=reason, at_ns=at_ns)
        )

    def _clear(self) -> None:
        """Take out of the queue what has ended."""
        self.queued[:] = [each for each in self.queued if not each.resting.order.status.is_over]
        self.waiting[:] = [each for each in self.waiting if not each.order.status.is_over]
        self.own_prices.clear()
        self.own_prices.update(each.price_ticks for each in self.queued)

    def _fill(
        self, resting: Resting, lots: int, price_ticks: int, at_ns: int, *, maker: bool
    ) -> None:
        order = resting.order
        row = self.account.fill(self.line, order, lots, price_ticks, at_ns, maker=maker)
        if not order.leaves_lots:
            self.account.release(self.line, order, OrderStatus.FILLED, EndReason.NONE)
        self._report(resting, at_ns, row)

    def _end(self, resting: Resting, status: OrderStatus, reason: EndReason, at_ns: int) -> None:
        self.account.release(self.line, resting.order, status, reason)
        self._report(resting, at_ns)

    def _report(self, resting: Resting, at_ns: int, row: FillRow | None = None) -> None:
        self._tell(update_of_order(resting, self.line.told, at_ns, row))


class Desk:
    """Orders and cancels on their way to the markets of a run, where they arrive in their order."""

    def __init__(self, exchanges: Sequence[TapeExchange], latency_ns: int) -> None:
        self.exchanges = tuple(exchanges)
        self.latency_ns = latency_ns
        self.orders = 0
        self.arrives_ns = NEVER
        """When the next one arrives."""
        self._by_symbol = {each.line.told.symbol: each for each in self.exchanges}
        self._under_way: deque[tuple[int, Sent]] = deque()

    def send(self, intent: Sent, now_ns: int) -> None:
        """Put an order, a change of one or a cancel on its way."""
        self._under_way.append((now_ns + self.latency_ns, intent))
        self.arrives_ns = self._under_way[0][0]

    def arrive(self, now_ns: int) -> None:
        """Hand over what has arrived by now."""
        while self._under_way and self._under_way[0][0] <= now_ns:
            at_ns, intent = self._under_way.popleft()
            match intent:
                case Place():
                    self.orders += 1
                    # One for a market that is not there is refused by any.
                    exchange = self._by_symbol.get(intent.symbol, self.exchanges[0])
                    exchange.place(intent, self.orders, at_ns)
                case Amend() | Replace():
                    self._change(intent, at_ns)
                case Cancel() | CancelAll():
                    self._cancel(intent, at_ns)
        self.arrives_ns = self._under_way[0][0] if self._under_way else NEVER

    def _cancel(self, intent: Cancel | CancelAll, at_ns: int) -> None:
        symbol = intent.symbol if isinstance(intent, CancelAll) else None
        for exchange in self.exchanges:
            if symbol in (None, exchange.line.told.symbol):
                exchange.cancel(intent, at_ns)

    def _change(self, intent: Amend | Replace, at_ns: int) -> None:
        """Change an order of whichever market it is in. A refusal leaves it as it was."""
        new_id = intent.new_id if isinstance(intent, Replace) else ""
        for exchange in self.exchanges:
            resting = exchange.find(intent.id)
            if resting is None:
                continue
            try:
                if isinstance(intent, Amend):
                    exchange.amend(resting, intent, at_ns)
                else:
                    self.orders += 1
                    exchange.replace(resting, intent, self.orders, at_ns)
            except (Rejection, ValueError) as refusal:
                reason = refusal.reason.name if isinstance(refusal, Rejection) else "COMBINATION"
                exchange.refuse_change(intent.id, new_id, reason, at_ns)
            return
        self.exchanges[0].refuse_change(intent.id, new_id, "UNKNOWN_ORDER", at_ns)
