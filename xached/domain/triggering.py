"""Deciding what orders that wait for a price do: park, follow the market, trigger, start.

Theory of operation. Applying a trade, a change of the best prices or a mark compares it with what
waits, and only what may concern somebody is noted (:mod:`xached.domain.waiting_state`). The
exchange then asks for a look: each noted price in turn moves or triggers orders, in the order of
their ids, and triggered orders queue. One after the other starts, with a plan and a price band of
its own, as if it had just come in; the prices of its trades are looked at before the next starts.
"""

from __future__ import annotations

import attrs

from xached.domain import fees
from xached.domain.execution import Execution, end_of
from xached.domain.messages import Event, OrderAccepted, OrderRested, PlaceOrder
from xached.domain.order import (
    BUY,
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Side,
    TriggerSource,
)
from xached.domain.plan import (
    NOTHING_IN_REACH,
    NOTHING_TO_MEET,
    Plan,
    Taker,
    plan_taker,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import RiskState, risk_state
from xached.domain.state import Market, State
from xached.domain.trade_groups import own_prefixes
from xached.domain.trailing import price_now, trail_stop_ticks
from xached.domain.waiting_messages import (
    OrderParked,
    OrderStarted,
    OrderTriggered,
    PricesSeen,
    StopMoved,
)

RISING_BUYS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
"""A BUY of these triggers when the price rises to its stop; of the others, when it falls."""


def check_not_passed(market: Market, command: PlaceOrder, now_ns: int) -> None:
    """Refuse a stop that would trigger at once. Raises: Rejection TRIGGER_PASSED."""
    trigger = command.trigger
    assert trigger is not None
    stop = trigger.stop_ticks
    now = price_now(market, trigger.source, command.side, now_ns)
    if stop is None or now is None:
        return
    upward = is_upward(command.type, command.side)
    if now >= stop if upward else now <= stop:
        show = market.instrument.format_price
        raise Rejection(
            Reason.TRIGGER_PASSED,
            "the stop price has been reached already: the order would trigger at once",
            field="stop_price",
            given=show(stop),
            allowed=f"{'above' if upward else 'below'} {show(now)}",
        )


def is_upward(kind: OrderType, side: Side) -> bool:
    """Whether an order's stop is reached by a price that rises."""
    return (side is BUY) == (kind in RISING_BUYS)


def parked(market: Market, order: Order | OrderAccepted, now_ns: int) -> OrderParked:
    """What an order that has come in, or that has become active, waits for."""
    trigger = order.trigger
    assert trigger is not None
    side = order.side
    watch = stop = trigger.stop_ticks
    extreme: int | None = None
    upward = is_upward(order.type, side)
    if order.type is OrderType.TRAILING_STOP:
        now = price_now(market, trigger.source, side, now_ns)
        watch = trigger.activation_ticks
        if watch is None or watch == now:
            extreme = now
            if extreme is not None:
                watch = stop = trail_stop_ticks(market.instrument, side, trigger, extreme)
        else:
            # It waits for its activation from where the market is; with no price to tell, from
            # the side from which a trail makes sense.
            upward = watch > now if now is not None else side is not BUY
    return OrderParked(
        order_id=order.order_id,
        purse=order.purse,
        symbol=order.symbol,
        side=side,
        source=trigger.source,
        watch_ticks=watch,
        upward=upward,
        stop_ticks=stop,
        extreme_ticks=extreme,
    )


def look(state: State, market: Market) -> tuple[Event, ...]:
    """What the next noted price that concerns anybody does, and how far the look has come."""
    symbol = market.instrument.symbol
    unseen = state.unseen[symbol]
    for count, price_ticks in enumerate(unseen.trades, 1):
        events = _judge(state, market, TriggerSource.LAST, price_ticks)
        if events:
            return (*events, PricesSeen(symbol=symbol, trades=count, others=False))
    others: list[Event] = []
    if unseen.others:
        others += _judge(state, market, TriggerSource.BID_ASK, None)
        others += _judge(state, market, TriggerSource.MARK, market.fresh_mark_ticks(state.now_ns))
    seen = PricesSeen(symbol=symbol, trades=len(unseen.trades), others=unseen.others)
    return (*others, seen)


def _judge(
    state: State, market: Market, source: TriggerSource, price_ticks: int | None
) -> list[Event]:
    """What a price wakes and moves, by order id. BID_ASK: each side looks at the other's best."""
    triggers = market.triggers
    found: list[tuple[OrderId, Event]] = []
    for side, ladder in triggers.ladders(source) if triggers is not None else ():
        at_ticks = price_ticks
        if source is TriggerSource.BID_ASK:
            at_ticks = market.book.best_ticks(side.opposite)
        if at_ticks is None:
            continue
        for order_id in ladder.woken(at_ticks):
            order = state.orders[order_id]
            if order.stop_ticks is None:
                found.append((order_id, _moved(market, order, at_ticks)))
            else:
                triggered = OrderTriggered(
                    order_id=order_id,
                    purse=order.purse,
                    symbol=order.symbol,
                    source=source,
                    at_ticks=at_ticks,
                )
                found.append((order_id, triggered))
        for order_id in ladder.moved(at_ticks):
            found.append((order_id, _moved(market, state.orders[order_id], at_ticks)))
    return [event for _, event in sorted(found, key=lambda each: each[0])]


def _moved(market: Market, order: Order, extreme_ticks: int) -> StopMoved:
    assert order.trigger is not None
    return StopMoved(
        order_id=order.order_id,
        purse=order.purse,
        symbol=order.symbol,
        stop_ticks=trail_stop_ticks(market.instrument, order.side, order.trigger, extreme_ticks),
        extreme_ticks=extreme_ticks,
    )


def start(state: State, order: Order, seq: int) -> tuple[Event, ...]:
    """Let a triggered order trade, and rest if it has a limit.

    A buy whose purse or market may only reduce ends instead.
    """
    market = state.markets[order.symbol]
    if order.side is BUY and risk_state(state, order.purse, order.symbol) is RiskState.REDUCING:
        return (
            end_of(
                order, OrderStatus.CANCELED, EndReason.RISK, order.executed_lots, order.held_units
            ),
        )
    limit_ticks = limit_inside_band(market, order)
    taker = Taker(
        purse=order.purse,
        own_prefixes=own_prefixes(state, order.purse),
        alone=order.leg is None,
        side=order.side,
        limit_ticks=limit_ticks,
        self_trade_prevention=order.self_trade_prevention,
        lots=order.leaves_lots,
    )
    plan = _plan(state, market, taker)
    drawn_units = 0
    if order.side is BUY and order.price_ticks is None:
        plan, drawn_units = _pay(state, market, taker, order, plan)
    started = OrderStarted(
        order_id=order.order_id, purse=order.purse, symbol=order.symbol, drawn_units=drawn_units
    )
    held_units = order.held_units + drawn_units
    purse = state.purses[order.purse]
    trades = state.next_trade_index(seq)
    execution = Execution(state, market, purse, order, trades, held_units)
    return (started, *run_inside_band(execution, plan, order, limit_ticks))


def limit_inside_band(market: Market, order: Order) -> int:
    """How far an order may trade now that was let in earlier: to its limit, or to the band."""
    band_ticks = market.buy_band[1] if order.side is BUY else market.sell_band[0]
    if order.price_ticks is None:
        return band_ticks
    nearer = min if order.side is BUY else max
    return nearer(order.price_ticks, band_ticks)


def run_inside_band(
    execution: Execution, plan: Plan, order: Order, limit_ticks: int
) -> tuple[Event, ...]:
    """Carry out a plan that walks to ``limit_ticks``. What would trade outside of the band expires.

    It may not rest where it would trade.
    """
    *events, end = execution.run(plan)
    if isinstance(end, OrderRested) and _meets_beyond(execution.market, order, limit_ticks):
        end = end_of(
            order,
            OrderStatus.EXPIRED,
            EndReason.PRICE_BAND,
            execution.executed_lots,
            execution.held_units,
        )
    return (*events, end)


def _plan(state: State, market: Market, taker: Taker) -> Plan:
    if not market.book.crosses(taker.side, taker.limit_ticks):
        is_empty = market.book.best_ticks(taker.side.opposite) is None
        return NOTHING_TO_MEET if is_empty else NOTHING_IN_REACH
    return plan_taker(taker, market, state)


def _pay(state: State, market: Market, taker: Taker, order: Order, plan: Plan) -> tuple[Plan, int]:
    """Fit a purchase at market into its hold and what is free; also tells what it draws."""
    quote = market.instrument.quote
    free_units = state.ledger.available_units(order.purse, quote)
    cost_units = _cost_units(order, plan)
    if cost_units > order.held_units + free_units:
        fitting = attrs.evolve(
            taker, quote_units=order.held_units + free_units, fee_ppm=order.taker_fee_ppm
        )
        # It goes less far than it would with more money, so that is what it lacks.
        plan = attrs.evolve(_plan(state, market, fitting), stopped=EndReason.FUNDS)
        cost_units = _cost_units(order, plan)
    return plan, max(0, cost_units - order.held_units)


def _cost_units(order: Order, plan: Plan) -> int:
    return (
        plan.transferred_units
        + plan.notional_units
        + fees.due_units(plan.notional_units, order.taker_fee_ppm, 0, order.maker_fee_ppm)
    )


def _meets_beyond(market: Market, order: Order, limit_ticks: int) -> bool:
    """Whether an order that could walk to ``limit_ticks`` only would trade beyond it."""
    own = order.price_ticks
    if own is None or own == limit_ticks:
        return False
    beyond = market.book.next_ticks(order.side.opposite, limit_ticks)
    return beyond is not None and (beyond <= own if order.side is BUY else beyond >= own)
