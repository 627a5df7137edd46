"""Flatten: cancel all, then sell what the purse has, in one row.

Theory of operation. The command ends the open orders and lists the positions to sell. Each is
then sold by internal steps of the same row, at market inside the band, in orders of the largest
size that the instrument takes, until nothing is left or nobody buys. Minimums do not bind: what
is left must not stay because it is small.
"""

from __future__ import annotations

from xached.domain.cancelling import ended
from xached.domain.execution import Execution
from xached.domain.fee_tiers import rated_instrument
from xached.domain.instrument import Symbol
from xached.domain.messages import Event, OrderAccepted, PlaceOrder
from xached.domain.order import (
    SELL,
    EndReason,
    MarketState,
    OrderType,
    Purse,
    SelfTradePrevention,
    TimeInForce,
    make_order_id,
)
from xached.domain.placing import plan_order
from xached.domain.protection_messages import Flatten, FlattenStarted, PositionSold
from xached.domain.rejection import Rejection
from xached.domain.risk_bounds import check_entry
from xached.domain.state import Market, PurseState, State


def decide_flatten(state: State, command: Flatten) -> tuple[Event, ...]:
    """End the orders and say what is sold next. Raises: Rejection of what does not exist."""
    purse = state.purse(command.purse)
    if command.symbol is not None:
        state.market(command.symbol)
    orders = (state.orders[order_id] for order_id in purse.open_orders)
    symbols = tuple(
        symbol
        for symbol, position in sorted(purse.positions.items())
        if position.quantity_lots and command.symbol in (None, symbol)
    )
    ends = tuple(
        ended(order, EndReason.USER) for order in orders if command.symbol in (None, order.symbol)
    )
    if not symbols:
        return ends
    return *ends, FlattenStarted(purse=command.purse, symbols=symbols)


def sell_position(
    state: State, name: Purse, symbol: Symbol, seq: int, at_ns: int
) -> tuple[Event, ...]:
    """Sell what is left of a position, or as much as one order may."""
    market, purse = state.markets[symbol], state.purses[name]
    instrument = rated_instrument(state, market, purse, at_ns)
    position_lots = purse.position(symbol).quantity_lots
    free_lots = state.ledger.available_units(name, instrument.base) // instrument.lot_units
    lots = min(position_lots, free_lots, instrument.max_market_quantity_lots)
    why_not = _why_not(state, market, purse, name, lots, at_ns)
    if why_not is not EndReason.NONE:
        return (_sold(name, symbol, 0, position_lots, why_not),)
    order_id = make_order_id(seq, state.flatten_count if state.flatten_seq == seq else 0)
    command = _sale(name, symbol, f"~flatten-{order_id}", lots)
    plan = plan_order(state, market, instrument, command)
    # Where those who buy are beyond the band it is an order that expires: the market halts for it.
    if plan.filled_lots == 0 and plan.stopped is not EndReason.PRICE_BAND:
        return (_sold(name, symbol, 0, position_lots, plan.stopped),)
    accepted = OrderAccepted(
        order_id=order_id,
        client_order_id=command.client_order_id,
        purse=name,
        symbol=symbol,
        side=command.side,
        type=command.type,
        time_in_force=command.time_in_force,
        price_ticks=None,
        quantity_lots=lots,
        quote_units=None,
        post_only=False,
        self_trade_prevention=command.self_trade_prevention,
        expires_at_ns=None,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        held_units=lots * instrument.lot_units,
    )
    trades = state.next_trade_index(seq)
    execution = Execution(state, market, purse, accepted, trades, accepted.held_units)
    events = execution.run(plan)
    stopped = plan.stopped if plan.filled_lots < lots else EndReason.NONE
    left_lots = position_lots - plan.filled_lots
    return accepted, *events, _sold(name, symbol, 1, left_lots, stopped)


def apply_flatten(state: State, event: FlattenStarted | PositionSold, seq: int) -> None:
    """Write what is still to be sold."""
    if isinstance(event, FlattenStarted):
        state.flattening += [(event.purse, symbol) for symbol in event.symbols]
        return
    if state.flatten_seq != seq:
        state.flatten_seq, state.flatten_count = seq, 0
    state.flatten_count += event.orders
    if event.left_lots == 0 or event.reason is not EndReason.NONE:
        state.flattening.remove((event.purse, event.symbol))


def _why_not(
    state: State, market: Market, purse: PurseState, name: Purse, lots: int, at_ns: int
) -> EndReason:
    if state.halted or market.effective_state() is not MarketState.TRADING:
        return EndReason.HALT
    if purse.frozen:
        return EndReason.ADMIN
    if lots == 0:
        return EndReason.FUNDS
    try:
        check_entry(state, market.instrument, name, SELL, 0, at_ns)
    except Rejection:
        return EndReason.RISK
    return EndReason.NONE


def _sale(name: Purse, symbol: Symbol, client_order_id: str, lots: int) -> PlaceOrder:
    # Its id has a form that nobody can give, so it is never somebody's.
    return PlaceOrder(
        purse=name,
        client_order_id=client_order_id,
        symbol=symbol,
        side=SELL,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price_ticks=None,
        quantity_lots=lots,
        quote_units=None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER,
        expires_at_ns=None,
    )


def _sold(
    name: Purse, symbol: Symbol, orders: int, left_lots: int, reason: EndReason
) -> PositionSold:
    return PositionSold(
        purse=name, symbol=symbol, orders=orders, left_lots=left_lots, reason=reason
    )
