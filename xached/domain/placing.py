"""Deciding a PlaceOrder: filters, risk, hold and match, as the events of one step."""

from __future__ import annotations

import attrs

from xached.domain.execution import Execution, end_of, rest_or_end
from xached.domain.fee_tiers import rated_instrument
from xached.domain.filters import check_filters, check_market_state, check_position
from xached.domain.holds import check_funds, hold_units
from xached.domain.instrument import Instrument
from xached.domain.messages import (
    Event,
    OrderAccepted,
    OrderRested,
    PlaceOrder,
)
from xached.domain.order import (
    AUCTION,
    BUY,
    FOK,
    MARKET,
    EndReason,
    Leg,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    make_order_id,
)
from xached.domain.plan import (
    NOTHING_IN_REACH,
    NOTHING_TO_MEET,
    Plan,
    Taker,
    plan_taker,
)
from xached.domain.reducing import check_reduce_only
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import RiskState, risk_state
from xached.domain.state import Market, PurseState, State
from xached.domain.trade_groups import own_prefixes
from xached.domain.triggering import (
    check_not_passed,
    limit_inside_band,
    parked,
    run_inside_band,
)


def place(
    state: State,
    market: Market,
    purse: PurseState,
    command: PlaceOrder,
    seq: int,
    at_ns: int,
    replaced: Order | None = None,
) -> tuple[Event, ...]:
    """Decide an order whose purse may trade, as if the one it replaces had never been there.

    Raises: Rejection, as listed in the exchange.
    """
    instrument = rated_instrument(state, market, purse, at_ns)
    order_id = make_order_id(seq, 0)
    if command.slide and market.state is not AUCTION:
        command = _slid(market, command)
    check_market_state(market, command)
    check_filters(state, market, purse, command, at_ns, replaced)
    if command.reduce_only:
        check_reduce_only(state, instrument, purse, command, replaced)
    if command.trigger is not None:
        check_not_passed(market, command, at_ns)
    if market.state is AUCTION:
        command = as_gathered(market, command)
    plan = plan_order(state, market, instrument, command)
    if command.quote_units is not None:
        _check_planned(instrument, plan)
        if command.side is BUY:
            check_position(state, instrument, purse, command, plan.filled_lots)
    held_units = hold_units(market, instrument, command, plan, at_ns)
    check_funds(state, instrument, command, held_units, replaced)
    accepted = accept(instrument, command, order_id, plan, held_units)
    if replaced is not None:
        accepted = attrs.evolve(accepted, replaces=replaced.order_id)
    return accepted, *act(state, market, accepted, plan, seq, at_ns)


def accept(
    instrument: Instrument,
    command: PlaceOrder,
    order_id: OrderId,
    plan: Plan,
    held_units: int,
    leg: Leg | None = None,
) -> OrderAccepted:
    """The acceptance of an order that passes every rule."""
    lots = command.quantity_lots
    # Fields by position: see frozen.py.
    return OrderAccepted(
        order_id,
        command.client_order_id,
        command.purse,
        command.symbol,
        command.side,
        command.type,
        command.time_in_force,
        command.price_ticks,
        lots if lots is not None else plan.used_lots,
        command.quote_units,
        command.post_only,
        command.self_trade_prevention,
        command.expires_at_ns,
        instrument.maker_fee_ppm,
        instrument.taker_fee_ppm,
        held_units,
        command.trigger,
        command.display_lots,
        command.reduce_only,
        command.slide,
        leg,
    )


def act(
    state: State,
    market: Market,
    accepted: OrderAccepted,
    plan: Plan,
    seq: int,
    at_ns: int,
    sibling: OrderAccepted | None = None,
) -> tuple[Event, ...]:
    """What an accepted order does: wait, trade, rest or end.

    ``sibling`` shares its hold.
    """
    if accepted.trigger is not None:
        return (parked(market, accepted, at_ns),)
    if market.state is AUCTION:
        return (_gathered(accepted),)
    held_units = accepted.held_units
    if accepted.post_only and plan.matches:
        return (end_of(accepted, OrderStatus.CANCELED, EndReason.POST_ONLY, 0, held_units),)
    if accepted.time_in_force is FOK and plan.filled_lots < accepted.quantity_lots:
        return (end_of(accepted, OrderStatus.EXPIRED, EndReason.FOK, 0, held_units),)
    if not plan.matches:
        return (rest_or_end(accepted, plan.stopped, 0, held_units),)
    purse, trades = state.purses[accepted.purse], state.next_trade_index(seq)
    execution = Execution(state, market, purse, accepted, trades, held_units)
    execution.sibling = sibling
    return execution.run(plan)


def as_gathered(market: Market, command: PlaceOrder) -> PlaceOrder:
    """An order as it comes in: at market into an auction, it goes to the end of the price band.

    It holds what it would pay there.
    """
    if market.state is not AUCTION or command.type is not MARKET:
        return command
    band_ticks = market.buy_band[1] if command.side is BUY else market.sell_band[0]
    return attrs.evolve(command, price_ticks=band_ticks)


def _gathered(accepted: OrderAccepted) -> OrderRested:
    """An order that an auction will let meet the others, whether it crosses or not."""
    lots, shown = accepted.quantity_lots, accepted.display_lots
    return OrderRested(
        order_id=accepted.order_id,
        purse=accepted.purse,
        symbol=accepted.symbol,
        leaves_lots=lots,
        hidden_lots=lots - min(lots, shown) if shown is not None else 0,
    )


def _slid(market: Market, command: PlaceOrder) -> PlaceOrder:
    """A post-only order at the best price that takes nothing, if it would take at its own."""
    price_ticks = command.price_ticks
    if price_ticks is None or not market.book.crosses(command.side, price_ticks):
        return command
    best_ticks = market.book.best_ticks(command.side.opposite)
    assert best_ticks is not None
    beside_ticks = best_ticks - 1 if command.side is BUY else best_ticks + 1
    return attrs.evolve(command, price_ticks=beside_ticks)


def enter(state: State, order: Order, seq: int) -> tuple[Event, ...]:
    """Let a limit order that waited for others into the market, inside the price band of now.

    A buy whose purse or market may not open or increase a position ends instead. What ends so
    without ever having been active is rejected.
    """
    market = state.markets[order.symbol]
    assert order.price_ticks is not None
    executed = order.executed_lots
    was_active = executed or order.prevented_lots
    refused = OrderStatus.CANCELED if was_active else OrderStatus.REJECTED
    may = risk_state(state, order.purse, order.symbol)
    if order.side is BUY and may is not RiskState.ACTIVE:
        return (end_of(order, refused, EndReason.RISK, executed, order.held_units),)
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
    plan = NOTHING_TO_MEET
    if market.book.crosses(order.side, limit_ticks):
        plan = plan_taker(taker, market, state)
    # In a market for resting orders nobody takes, nor does who wakes as it opens.
    must_rest = order.post_only or market.effective_state() is MarketState.POST_ONLY
    if must_rest and market.book.crosses(order.side, order.price_ticks):
        return (end_of(order, refused, EndReason.POST_ONLY, executed, order.held_units),)
    execution = Execution(
        state,
        market,
        state.purses[order.purse],
        order,
        state.next_trade_index(seq),
        order.held_units,
        executed_lots=executed,
        prevented_lots=order.prevented_lots,
        taker_notional_units=order.taker_notional_units,
        maker_notional_units=order.maker_notional_units,
        fee_units=order.fee_units,
    )
    return run_inside_band(execution, plan, order, limit_ticks)


def plan_order(
    state: State,
    market: Market,
    instrument: Instrument,
    command: PlaceOrder,
    *,
    alone: bool = True,
) -> Plan:
    """What an order would do if it came in now, at the rates of ``instrument``. Reads only."""
    side = command.side
    if command.trigger is not None or market.state is AUCTION:
        return NOTHING_TO_MEET  # It meets nobody before it is triggered, or the auction ends.
    limit_ticks = command.price_ticks
    if limit_ticks is None:
        limit_ticks = market.buy_band[1] if side is BUY else market.sell_band[0]
    if not market.book.crosses(side, limit_ticks):
        is_empty = market.book.best_ticks(side.opposite) is None
        return NOTHING_TO_MEET if is_empty else NOTHING_IN_REACH
    taker = Taker(  # Fields by position: see frozen.py.
        command.purse,
        own_prefixes(state, command.purse),
        alone,
        side,
        limit_ticks,
        command.self_trade_prevention,
        command.quantity_lots,
        command.quote_units,
        instrument.taker_fee_ppm,
    )
    return plan_taker(taker, market, state)


def _check_planned(instrument: Instrument, plan: Plan) -> None:
    if plan.filled_lots == 0:
        raise Rejection(
            Reason.NO_LIQUIDITY,
            "the quote amount buys or sells not a single lot here",
            field="quote_quantity",
            given="0 lots",
            allowed="at least one lot at the best price inside the price band",
        )
    if plan.filled_lots > instrument.max_market_quantity_lots:
        instrument.check_quantity(plan.filled_lots, market=True)
