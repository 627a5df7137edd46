"""Turning an auction into events: trades at one price, and what becomes of everybody in it.

What one trade changes is carried for the next: of orders and positions there are copies. Both
sides pay what a maker pays. An iceberg counts in full and shows its next slice whenever one is
used up, so that the public book is right after every event.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import attrs

from xached.domain import fees
from xached.domain.amending import reduced
from xached.domain.auction import AuctionOrder, Indication, Pairing, SelfMatch, Uncross, uncross
from xached.domain.execution import end_of
from xached.domain.holds import released_by_maker
from xached.domain.instrument import Symbol
from xached.domain.messages import Event, MatchPrevented, SliceShown, Traded
from xached.domain.order import (
    MARKET,
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    Purse,
    SelfTradePrevention,
    Side,
)
from xached.domain.position import Position, plan_sale
from xached.domain.state import Market, State
from xached.domain.trade_groups import owner_of


def auction_of(state: State, market: Market) -> Uncross:
    """What the orders of a market would do if they all met now."""
    return _work_out(state, market)[0]


def indication_of(state: State, market: Market) -> Indication | None:
    """At what price a market would open now, and how much would trade."""
    return auction_of(state, market).indication


def uncross_market(state: State, market: Market, seq: int) -> tuple[Event, ...]:
    """Let everybody meet: nothing crosses afterwards, and no order at market is left."""
    found, left_lots = _work_out(state, market)
    settlement = _Settlement(state, market, state.next_trade_index(seq))
    for order_id, lots in left_lots.items():
        settlement.trim(order_id, lots)
    for met in found.self_matches:
        settlement.expire(met)
    for pairing in found.pairings:
        settlement.trade(pairing, found.indication)
    gone = {met.later.order_id for met in found.self_matches}
    for side in Side:
        for order_id, _, _ in market.book.queue(side):
            if state.orders[order_id].type is not MARKET or order_id in gone:
                continue
            order = settlement.order(order_id)
            if order.leaves_lots:
                settlement.end(order, OrderStatus.EXPIRED, EndReason.NO_LIQUIDITY)
    return tuple(settlement.events)


def _work_out(state: State, market: Market) -> tuple[Uncross, dict[OrderId, int]]:
    """The auction, and what is left of orders that may only reduce and would have sold more.

    Every time that some would, they are cut down and all of it is worked out again.
    """
    left_lots: dict[OrderId, int] = {}
    if market.reference_ticks is None:
        return Uncross(None, (), ()), left_lots
    while True:
        buys = _orders(state, market, Side.BUY, left_lots)
        sells = _orders(state, market, Side.SELL, left_lots)
        if not buys or not sells:
            return Uncross(None, (), ()), left_lots
        found = uncross(buys, sells, market.reference_ticks)
        over = _over_sold(state, market.instrument.symbol, found.pairings)
        if not over:
            return found, left_lots
        left_lots.update(over)


def _over_sold(state: State, symbol: Symbol, pairings: Sequence[Pairing]) -> dict[OrderId, int]:
    """The orders that may only reduce and would sell more, with what they may sell."""
    positions: dict[Purse, int] = {}
    for pairing in pairings:
        order = state.orders[pairing.sell.order_id]
        if order.reduce_only:
            positions[order.purse] = state.purses[order.purse].position(symbol).quantity_lots
    sold: dict[OrderId, int] = {}
    over: dict[OrderId, int] = {}
    for pairing in pairings if positions else ():
        seller, buyer = state.orders[pairing.sell.order_id], state.orders[pairing.buy.order_id]
        if seller.purse in positions and seller.order_id not in over:
            lots = min(pairing.lots, positions[seller.purse])
            positions[seller.purse] -= lots
            sold[seller.order_id] = sold.get(seller.order_id, 0) + lots
            if seller.reduce_only and lots < pairing.lots:
                over[seller.order_id] = sold[seller.order_id]
        if buyer.purse in positions:
            positions[buyer.purse] += pairing.lots
    return over


def _orders(
    state: State, market: Market, side: Side, left_lots: Mapping[OrderId, int]
) -> list[AuctionOrder]:
    """A side by price and time, hidden parts included, but of some orders no more than is left."""
    found: list[AuctionOrder] = []
    for order_id, price_ticks, _ in market.book.queue(side):
        order = state.orders[order_id]
        lots = left_lots.get(order_id, order.leaves_lots)
        if not lots:
            continue
        found.append(
            AuctionOrder(
                order_id,
                owner_of(state, order.purse),
                price_ticks,
                lots,
                order.type is MARKET,
                order.self_trade_prevention is not SelfTradePrevention.NONE,
            )
        )
    return found


@attrs.define
class _Settlement:
    state: State
    market: Market
    trades: int
    events: list[Event] = attrs.field(factory=list)
    orders: dict[OrderId, Order] = attrs.field(factory=dict)
    shown_lots: dict[OrderId, int] = attrs.field(factory=dict)
    positions: dict[Purse, Position] = attrs.field(factory=dict)

    def order(self, order_id: OrderId) -> Order:
        """A copy of an order that carries the trades of this auction."""
        found = self.orders.get(order_id)
        if found is None:
            found = self.orders[order_id] = copy.copy(self.state.orders[order_id])
            self.shown_lots[order_id] = self.market.book.lots_of(order_id)
        return found

    def trim(self, order_id: OrderId, left_lots: int) -> None:
        """Leave so much of an order that may only reduce."""
        order = self.order(order_id)
        if not left_lots:
            self.end(order, OrderStatus.CANCELED, EndReason.REDUCE_ONLY)
            return
        lots = order.leaves_lots - left_lots
        event = reduced(self.market, order, lots, EndReason.REDUCE_ONLY)
        self.events.append(event)
        self.shown_lots[order_id] -= event.shown_lots
        order.reduce(
            lots=lots,
            released_units=event.released_units,
            seq=order.seq,
            at_ns=order.updated_at_ns,
        )

    def expire(self, met: SelfMatch) -> None:
        """Expire the later of two orders of one account."""
        later, earlier = self.order(met.later.order_id), self.order(met.earlier.order_id)
        self.events.append(
            MatchPrevented(
                symbol=later.symbol,
                price_ticks=met.price_ticks,
                quantity_lots=met.lots,
                taker_order_id=later.order_id,
                taker_purse=later.purse,
                maker_order_id=earlier.order_id,
                maker_purse=earlier.purse,
                mode=SelfTradePrevention.EXPIRE_TAKER,
            )
        )
        self.end(later, OrderStatus.EXPIRED, EndReason.SELF_TRADE)

    def trade(self, pairing: Pairing, indication: Indication | None) -> None:
        """Trade a pairing, in parts that both sides show."""
        assert indication is not None
        buy, sell = self.order(pairing.buy.order_id), self.order(pairing.sell.order_id)
        left = pairing.lots
        while left:
            lots = min(left, self.shown_lots[buy.order_id], self.shown_lots[sell.order_id])
            self._trade(buy, sell, indication.price_ticks, lots)
            left -= lots

    def end(self, order: Order, status: OrderStatus, reason: EndReason) -> None:
        """End an order that is in the book."""
        released = order.held_units
        self.events.append(end_of(order, status, reason, order.executed_lots, released))

    def _trade(self, buy: Order, sell: Order, price_ticks: int, lots: int) -> None:
        instrument = self.market.instrument
        notional = instrument.notional_units(price_ticks, lots)
        buyer_fee, seller_fee = _maker_fee(buy, notional), _maker_fee(sell, notional)
        released = released_by_maker(
            self.state,
            instrument,
            buy,
            lots=lots,
            notional_units=notional,
            fee_units=buyer_fee,
        )
        sale = plan_sale(self._position(sell.purse), lots, notional, seller_fee)
        self._position(sell.purse).sell(
            sale.position_lots, sale.relieved_units, sale.realised_units
        )
        self._position(buy.purse).buy(lots, notional, buyer_fee)
        # The later one is told as the taker, though both pay as makers.
        taker, maker = (buy, sell) if buy.order_id > sell.order_id else (sell, buy)
        simulated = any(self.state.purses[each.purse].simulated for each in (buy, sell))
        self.events.append(
            Traded(
                index=self.trades,
                symbol=buy.symbol,
                price_ticks=price_ticks,
                quantity_lots=lots,
                notional_units=notional,
                taker_side=taker.side,
                taker_order_id=taker.order_id,
                taker_purse=taker.purse,
                taker_fee_units=buyer_fee if taker is buy else seller_fee,
                maker_order_id=maker.order_id,
                maker_purse=maker.purse,
                maker_fee_units=seller_fee if taker is buy else buyer_fee,
                buyer_released_units=released,
                seller_position_lots=sale.position_lots,
                seller_relieved_units=sale.relieved_units,
                seller_realised_units=sale.realised_units,
                simulated=simulated,
                auction=True,
            )
        )
        self.trades += 1
        self._carry(buy, lots, notional, buyer_fee, notional + buyer_fee + released)
        self._carry(sell, lots, notional, seller_fee, lots * instrument.lot_units)

    def _carry(self, order: Order, lots: int, notional: int, fee: int, used: int) -> None:
        order.record_fill(
            lots=lots,
            notional_units=notional,
            fee_units=fee,
            hold_used_units=used,
            as_maker=True,
            seq=order.seq,
            at_ns=order.updated_at_ns,
        )
        self.shown_lots[order.order_id] -= lots
        if not order.leaves_lots:
            leg = order.leg
            if leg is None or not self.state.lists[leg.list_id].grows(order.order_id):
                self.end(order, OrderStatus.FILLED, EndReason.NONE)
        elif not self.shown_lots[order.order_id]:
            assert order.display_lots is not None, order
            shown = min(order.display_lots, order.leaves_lots)
            self.shown_lots[order.order_id] = shown
            self.events.append(
                SliceShown(
                    order_id=order.order_id,
                    purse=order.purse,
                    symbol=order.symbol,
                    shown_lots=shown,
                )
            )

    def _position(self, purse: Purse) -> Position:
        found = self.positions.get(purse)
        if found is None:
            kept = self.state.purses[purse].position(self.market.instrument.symbol)
            found = self.positions[purse] = copy.copy(kept)
        return found


def _maker_fee(order: Order, notional_units: int) -> int:
    due = fees.due_units(
        order.taker_notional_units,
        order.taker_fee_ppm,
        order.maker_notional_units + notional_units,
        order.maker_fee_ppm,
    )
    return due - order.fee_units
