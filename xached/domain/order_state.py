"""Writing what happened to orders: the state after an event of an order.

Total: what was decided always fits.
"""

from __future__ import annotations

from xached.domain.instrument import AssetName, Symbol
from xached.domain.list_state import note_leg_change, note_leg_end, note_leg_trade
from xached.domain.messages import (
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    SliceShown,
    Traded,
    make_order,
)
from xached.domain.order import (
    BUY,
    OPEN,
    PRICE_BAND,
    TRADING,
    OrderStatus,
    Purse,
)
from xached.domain.position import Position
from xached.domain.reducing_state import note_reducing
from xached.domain.risk_bounds import scopes_of
from xached.domain.state import DAY_NS, Market, State
from xached.domain.waiting_state import (
    forget_expiry,
    list_expiry,
    note_best,
    note_trade,
    stop_waiting,
)


def apply_accepted(state: State, event: OrderAccepted, seq: int, at_ns: int) -> None:
    """An order came to be: its money is held and its purse lists it as open."""
    order = make_order(event, seq, at_ns)
    market = state.markets[event.symbol]
    instrument = market.instrument
    asset = instrument.quote if event.side is BUY else instrument.base
    state.ledger.hold(event.order_id, event.purse, asset, event.held_units)
    state.orders[event.order_id] = order
    state.purses[event.purse].add_open(order)
    market.order_count += 1
    if event.display_lots is not None:
        market.icebergs += 1
    if state.risk.windows:
        units = _notional_units(market, event)
        state.risk.count(scopes_of(event.purse, event.symbol), instrument.quote, units, at_ns)


def _notional_units(market: Market, event: OrderAccepted) -> int:
    """What an order counts for in a minute's notional: at its limit, or at the last price."""
    if event.quote_units is not None:
        return event.quote_units
    ticks = event.price_ticks or market.last_ticks or market.reference_ticks
    assert ticks is not None
    return market.instrument.notional_units(ticks, event.quantity_lots)


def apply_rested(state: State, event: OrderRested, seq: int, at_ns: int) -> None:
    """What is left of an order waits in the book."""
    order = state.orders[event.order_id]
    assert order.price_ticks is not None
    market = state.markets[event.symbol]
    shown_lots = event.leaves_lots - event.hidden_lots
    market.book.add(order.order_id, order.side, order.price_ticks, shown_lots)
    order.seq, order.updated_at_ns = seq, at_ns
    if order.expires_at_ns is not None:
        list_expiry(state, order)
    if market.triggers is not None:
        note_best(state, market)


def apply_slice(state: State, event: SliceShown) -> None:
    """The next slice of an iceberg waits behind everybody at its price."""
    order = state.orders[event.order_id]
    assert order.price_ticks is not None
    book = state.markets[event.symbol].book
    book.add(order.order_id, order.side, order.price_ticks, event.shown_lots)


def apply_traded(state: State, event: Traded, seq: int, at_ns: int) -> None:
    """Two orders traded: money, positions, orders and the book change in one go."""
    taker, maker = (
        state.orders[event.taker_order_id],
        state.orders[event.maker_order_id],
    )
    taker_buys = event.taker_side is BUY
    if taker_buys:
        buyer, seller = taker, maker
        buyer_fee, seller_fee = event.taker_fee_units, event.maker_fee_units
    else:
        buyer, seller = maker, taker
        buyer_fee, seller_fee = event.maker_fee_units, event.taker_fee_units
    market = state.markets[event.symbol]
    base_units = event.quantity_lots * market.instrument.lot_units
    paid_units = event.notional_units + buyer_fee
    state.ledger.settle(
        buyer.order_id,
        seller.order_id,
        paid_units=paid_units,
        proceeds_units=event.notional_units - seller_fee,
        released_units=event.buyer_released_units,
        base_units=base_units,
    )
    if event.seller_position_lots:
        _kept_position(state, seller.purse, event.symbol).sell(
            event.seller_position_lots, event.seller_relieved_units, event.seller_realised_units
        )
    _kept_position(state, buyer.purse, event.symbol).buy(
        event.quantity_lots, event.notional_units, buyer_fee
    )
    buyer_used = paid_units + event.buyer_released_units
    taker.record_fill(
        lots=event.quantity_lots,
        notional_units=event.notional_units,
        fee_units=event.taker_fee_units,
        hold_used_units=buyer_used if taker_buys else base_units,
        as_maker=event.auction,
        seq=seq,
        at_ns=at_ns,
    )
    maker.record_fill(
        lots=event.quantity_lots,
        notional_units=event.notional_units,
        fee_units=event.maker_fee_units,
        hold_used_units=base_units if taker_buys else buyer_used,
        as_maker=True,
        seq=seq,
        at_ns=at_ns,
    )
    market.book.reduce(event.maker_order_id, event.quantity_lots)
    if event.auction:
        market.book.reduce(event.taker_order_id, event.quantity_lots)
    market.last_ticks = event.price_ticks
    if not event.simulated:
        _count_volume(state, event, market.instrument.quote, at_ns)
    market.average.trade(event.notional_units, event.quantity_lots, at_ns)
    state.traded_seq, state.traded_count = seq, event.index + 1
    if event.seller_position_lots and state.purses[seller.purse].reducing:
        note_reducing(state, seller.purse, event.symbol)
    if state.purses[buyer.purse].reducing:
        # An earlier trade of the step may have left it with less than it has again.
        note_reducing(state, buyer.purse, event.symbol)
    if market.triggers is not None:
        note_trade(state, market, event.price_ticks)
        note_best(state, market)
    if taker.leg is not None:
        note_leg_trade(state, taker, event.quantity_lots)
    if maker.leg is not None:
        note_leg_trade(state, maker, event.quantity_lots)


def apply_reduced(state: State, event: OrderReduced, seq: int, at_ns: int) -> None:
    """An order became smaller; it keeps its place, and what it no longer needs is free."""
    order = state.orders[event.order_id]
    state.ledger.release(event.order_id, event.released_units)
    order.reduce(lots=event.reduced_lots, released_units=event.released_units, seq=seq, at_ns=at_ns)
    assert order.quantity_lots == event.quantity_lots
    if event.shown_lots:
        state.markets[event.symbol].book.reduce(event.order_id, event.shown_lots)
    if order.reduce_only:
        note_reducing(state, order.purse, order.symbol)


def apply_prevented(state: State, event: MatchPrevented, seq: int, at_ns: int) -> None:
    """Two orders of one owner met: only a decrement takes something off both of them."""
    if not event.lost_lots:
        return
    for order_id, released_units in (
        (event.taker_order_id, event.taker_released_units),
        (event.maker_order_id, event.maker_released_units),
    ):
        state.ledger.release(order_id, released_units)
        order = state.orders[order_id]
        order.prevent(lots=event.quantity_lots, released_units=released_units, seq=seq, at_ns=at_ns)
        if order.reduce_only:
            note_reducing(state, order.purse, order.symbol)
        note_leg_change(state, order)
    market = state.markets[event.symbol]
    market.book.reduce(event.maker_order_id, event.quantity_lots)
    if market.triggers is not None:
        note_best(state, market)


def note_breach(state: State, market: Market) -> None:
    """What would have traded outside of the price band did not: the market halts for it."""
    if market.state is TRADING and not market.delisted:
        market.breached = True
        state.movable[market.instrument.symbol] = None


def _count_volume(state: State, event: Traded, quote: AssetName, at_ns: int) -> None:
    taker = state.purses[event.taker_purse].account
    maker = state.purses[event.maker_purse].account
    if taker is not maker:  # What an account trades with itself is no volume.
        taker.trade(quote, event.notional_units, at_ns // DAY_NS)
        maker.trade(quote, event.notional_units, at_ns // DAY_NS)


def apply_ended(state: State, event: OrderEnded, seq: int, at_ns: int) -> None:
    """An order is over: out of the book, its hold given back."""
    order = state.orders.pop(event.order_id)
    market = state.markets[event.symbol]
    market.order_count -= 1
    if market.delisted and not market.order_count:
        del state.delisting[event.symbol]
    if event.reason is PRICE_BAND and market.instrument.volatility_halt_ns:
        note_breach(state, market)
    if event.order_id in market.book:
        market.book.remove(event.order_id)
        if market.triggers is not None:
            note_best(state, market)
    if order.expires_at_ns is not None:
        forget_expiry(state, order)
    if order.status is not OPEN and order.status >= OrderStatus.PENDING_NEW:
        stop_waiting(state, order)
    if order.display_lots is not None:
        market.icebergs -= 1
    state.ledger.close_hold(event.order_id, event.released_units)
    order.end(event.status, event.reason, event.released_units, seq, at_ns)
    if order.leg is not None:
        note_leg_end(state, order)
    state.purses[event.purse].remove_open(order)
    if order.reduce_only:
        note_reducing(state, order.purse, order.symbol)


def _kept_position(state: State, purse: Purse, symbol: Symbol) -> Position:
    positions = state.purses[purse].positions
    found = positions.get(symbol)
    if found is None:
        found = positions[symbol] = Position()
    return found
