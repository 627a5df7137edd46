"""Turning the plan of a taker into events, carrying what each trade changes for the next."""

from __future__ import annotations

import copy

import attrs

from xached.domain import fees
from xached.domain.holds import (
    also_for,
    buy_hold_units,
    future_lots,
    needed_hold_units,
    released_by_maker,
    sibling_of,
)
from xached.domain.messages import (
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    SliceShown,
    Traded,
)
from xached.domain.order import (
    BUY,
    DECREMENT,
    DECREMENTING,
    EXPIRED,
    FILLED,
    NO_PREVENTION,
    NO_REASON,
    SELF_TRADE,
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    Purse,
    SelfTradePrevention,
)
from xached.domain.plan import (
    Match,
    Plan,
)
from xached.domain.position import Position, Sale, plan_sale
from xached.domain.protection_messages import SelfTransferred
from xached.domain.risk_rules import MovedPosition, carried_marks
from xached.domain.self_transfers import carried
from xached.domain.state import Market, PurseState, State
from xached.domain.terms import RESTING


@attrs.define
class Execution:
    """Turns a plan into events, carrying what each trade changes for the next.

    ``taker`` is an order that comes in, or one that waited; what it traded before counts on.
    ``trades`` numbers its trades on from those of the row so far.
    """

    state: State
    market: Market
    purse: PurseState
    taker: Order | OrderAccepted
    trades: int
    held_units: int
    executed_lots: int = 0
    prevented_lots: int = 0
    taker_notional_units: int = 0
    maker_notional_units: int = 0
    fee_units: int = 0
    events: list[Event] = attrs.field(factory=list)
    positions: dict[Purse, Position] = attrs.field(factory=dict)
    icebergs: dict[OrderId, Order] = attrs.field(factory=dict)
    moved: list[MovedPosition] = attrs.field(factory=list)
    sibling: Order | OrderAccepted | None = None
    """The stop leg that shares the hold of a taker that is the limit leg."""

    def run(self, plan: Plan) -> tuple[Event, ...]:
        """The events from the first meeting to what becomes of the taker after the last."""
        for match in plan.matches:
            if match.trimmed_lots:
                match = self._trim(match)
            if match.prevented:
                self._prevent(match)
            elif match.lots:
                self._trade(match)
        if self.moved:
            self.events += carried_marks(self.state, self.moved)
        last = rest_or_end(
            self.taker, plan.stopped, self.executed_lots, self.held_units, self.prevented_lots
        )
        self.events.append(last)
        return tuple(self.events)

    def _prevent(self, match: Match) -> None:
        taker, maker = self.taker, self._as_it_is(match.maker)
        assert maker.price_ticks is not None
        mode = taker.self_trade_prevention
        if mode is SelfTradePrevention.TRANSFER and not match.transferred_units:
            mode = DECREMENT
        decrements = mode in DECREMENTING
        taker_released = maker_released = 0
        if decrements:
            self.prevented_lots += match.lots
            taker_released = self._release_prevented(match)
            maker_released = self._released_from_maker(maker, match.lots)
        self.events.append(
            MatchPrevented(
                symbol=taker.symbol,
                price_ticks=maker.price_ticks,
                quantity_lots=match.lots,
                taker_order_id=taker.order_id,
                taker_purse=taker.purse,
                maker_order_id=maker.order_id,
                maker_purse=maker.purse,
                mode=mode,
                taker_released_units=taker_released,
                maker_released_units=maker_released,
            )
        )
        if match.transferred_units:
            self._transfer(match, maker)
        if decrements and maker.display_lots is not None:
            maker.prevent(
                lots=match.lots,
                released_units=maker_released,
                seq=maker.seq,
                at_ns=maker.updated_at_ns,
            )
            maker_released = 0
        if match.maker_ends and not (decrements and self._goes_on(maker)):
            self.events.append(
                end_of(
                    maker,
                    OrderStatus.EXPIRED,
                    EndReason.SELF_TRADE,
                    maker.executed_lots,
                    maker.held_units - maker_released,
                )
            )

    def _trim(self, match: Match) -> Match:
        """Take off a maker what it would have sold beyond the position of its purse."""
        maker = copy.copy(self._as_it_is(match.maker))
        if not match.lots:
            held_units = maker.held_units
            status, reason = OrderStatus.CANCELED, EndReason.REDUCE_ONLY
            self.events.append(end_of(maker, status, reason, maker.executed_lots, held_units))
            return match
        lots = maker.leaves_lots - match.lots
        released = lots * self.market.instrument.lot_units
        maker.reduce(lots=lots, released_units=released, seq=maker.seq, at_ns=maker.updated_at_ns)
        self.events.append(
            OrderReduced(
                order_id=maker.order_id,
                purse=maker.purse,
                symbol=maker.symbol,
                quantity_lots=maker.quantity_lots,
                reduced_lots=lots,
                shown_lots=match.trimmed_lots,
                released_units=released,
                reason=EndReason.REDUCE_ONLY,
            )
        )
        if maker.display_lots is not None:
            self.icebergs[maker.order_id] = maker
        return attrs.evolve(match, maker=maker)

    def _transfer(self, match: Match, maker: Order) -> None:
        """Move what was prevented between two purses; its position goes with its cost."""
        taker = self.taker
        assert maker.price_ticks is not None
        seller, buyer = taker.purse, maker.purse
        if taker.side is BUY:
            seller, buyer = buyer, seller
        position = self._position(seller)
        moved = carried(position, match.lots)
        if moved.lots:
            position.sell(moved.lots, moved.cost_units, 0)
            self.moved.append(
                MovedPosition(seller, buyer, taker.symbol, moved.lots, moved.cost_units)
            )
        self.events.append(
            SelfTransferred(
                index=self.trades,
                symbol=taker.symbol,
                price_ticks=maker.price_ticks,
                quantity_lots=match.lots,
                notional_units=match.transferred_units,
                taker_side=taker.side,
                taker_order_id=taker.order_id,
                taker_purse=taker.purse,
                maker_order_id=maker.order_id,
                maker_purse=maker.purse,
                position_lots=moved.lots,
                position_cost_units=moved.cost_units,
                simulated=self.purse.simulated or self.state.purses[maker.purse].simulated,
            )
        )
        self.trades += 1

    def _trade(self, match: Match) -> None:
        taker, maker, lots = self.taker, self._as_it_is(match.maker), match.lots
        assert maker.price_ticks is not None
        taker_fee = self._charge_taker(match.notional_units)
        maker_fee = self._maker_fee(maker, match.notional_units)
        self.executed_lots += lots
        if taker.side is BUY:
            seller, buyer = maker.purse, taker.purse
            seller_fee, buyer_fee = maker_fee, taker_fee
            released = self._release_taker(match.notional_units, taker_fee)
        else:
            seller, buyer = taker.purse, maker.purse
            seller_fee, buyer_fee = taker_fee, maker_fee
            self.held_units -= lots * self.market.instrument.lot_units
            released = released_by_maker(
                self.state,
                self.market.instrument,
                maker,
                lots=lots,
                notional_units=match.notional_units,
                fee_units=maker_fee,
            )
        sale = self._sell(seller, lots, match.notional_units, seller_fee)
        if taker.self_trade_prevention is NO_PREVENTION:
            # Nobody else is both buyer and seller in one step and asks for what it bought.
            self._position(buyer).buy(lots, match.notional_units, buyer_fee)
        self.events.append(
            Traded(  # Fields by position: see frozen.py.
                self.trades,
                taker.symbol,
                maker.price_ticks,
                lots,
                match.notional_units,
                taker.side,
                taker.order_id,
                taker.purse,
                taker_fee,
                maker.order_id,
                maker.purse,
                maker_fee,
                released,
                sale.position_lots,
                sale.relieved_units,
                sale.realised_units,
                self.purse.simulated or self.state.purses[maker.purse].simulated,
            )
        )
        self.trades += 1
        executed = maker.executed_lots + lots
        if maker.display_lots is not None:
            self._carry_fill(maker, match, maker_fee, released)
        if match.maker_ends and not self._goes_on(maker):
            self.events.append(end_of(maker, FILLED, NO_REASON, executed, 0))

    def _as_it_is(self, maker: Order) -> Order:
        """The maker with what this step did to it: an iceberg may be met more than once."""
        if maker.display_lots is None:
            return maker
        found = self.icebergs.get(maker.order_id)
        if found is None:
            found = self.icebergs[maker.order_id] = copy.copy(maker)
        return found

    def _carry_fill(
        self, iceberg: Order, match: Match, fee_units: int, buyer_released_units: int
    ) -> None:
        if iceberg.side is BUY:
            used = match.notional_units + fee_units + buyer_released_units
        else:
            used = match.lots * self.market.instrument.lot_units
        iceberg.record_fill(
            lots=match.lots,
            notional_units=match.notional_units,
            fee_units=fee_units,
            hold_used_units=used,
            as_maker=True,
            seq=iceberg.seq,
            at_ns=iceberg.updated_at_ns,
        )

    def _goes_on(self, maker: Order) -> bool:
        """Whether a maker of which nothing is left in the book is not over."""
        if maker.leg is not None and self.state.lists[maker.leg.list_id].grows(maker.order_id):
            return True
        return self._show_slice(maker)

    def _show_slice(self, maker: Order) -> bool:
        """Show the next slice of a maker, if it is an iceberg and hides any more."""
        if maker.display_lots is None or maker.leaves_lots == 0:
            return False
        self.events.append(
            SliceShown(
                order_id=maker.order_id,
                purse=maker.purse,
                symbol=maker.symbol,
                shown_lots=min(maker.display_lots, maker.leaves_lots),
            )
        )
        return True

    def _charge_taker(self, notional_units: int) -> int:
        self.taker_notional_units += notional_units
        due = fees.due_units(
            self.taker_notional_units,
            self.taker.taker_fee_ppm,
            self.maker_notional_units,
            self.taker.maker_fee_ppm,
        )
        fee = due - self.fee_units
        self.fee_units = due
        return fee

    @staticmethod
    def _maker_fee(maker: Order, notional_units: int) -> int:
        due = fees.due_units(
            maker.taker_notional_units,
            maker.taker_fee_ppm,
            maker.maker_notional_units + notional_units,
            maker.maker_fee_ppm,
        )
        # A cheaper maker rate never makes what is due shrink: notionals only grow.
        return due - maker.fee_units

    def _release_taker(self, notional_units: int, fee_units: int) -> int:
        """What the hold of a buying taker gives back at a fill beyond what it pays."""
        self.held_units -= notional_units + fee_units
        return self._release_unneeded()

    def _release_prevented(self, match: Match) -> int:
        """What the hold of a taker gives back for lots that it lost without a trade."""
        if self.taker.side is not BUY:
            released = match.lots * self.market.instrument.lot_units
        elif self.taker.price_ticks is None:
            # What is not transferred was not planned to be paid, or ends with the order.
            released = match.transferred_units
        else:
            return self._release_unneeded()
        self.held_units -= released
        return released

    def _release_unneeded(self) -> int:
        taker = self.taker
        if taker.price_ticks is None:
            return 0  # Its hold is what was planned, or the budget, and ends with the order.
        leaves = taker.quantity_lots - self.executed_lots - self.prevented_lots
        future, sibling = 0, self.sibling
        if taker.leg is not None and isinstance(taker, Order):
            future, sibling = future_lots(self.state, taker), sibling_of(self.state, taker)
        needed = buy_hold_units(
            self.market.instrument,
            taker,
            leaves + future,
            self.taker_notional_units,
            self.maker_notional_units,
            self.fee_units,
        )
        if sibling is not None:
            needed = also_for(self.market.instrument, sibling, needed, leaves, self.held_units)
        released = self.held_units - needed
        assert released >= 0
        self.held_units = needed
        return released

    def _released_from_maker(self, maker: Order, lots: int) -> int:
        """What the hold of a maker gives back for lots that it lost without a trade."""
        smaller = copy.copy(maker)
        smaller.prevented_lots += lots
        needed = needed_hold_units(self.market.instrument, smaller)
        if maker.leg is not None and maker.side is BUY:
            smaller.quantity_lots += future_lots(self.state, maker)
            needed = needed_hold_units(self.market.instrument, smaller)
            sibling = sibling_of(self.state, maker)
            leaves = maker.leaves_lots - lots
            needed = also_for(self.market.instrument, sibling, needed, leaves, maker.held_units)
        return maker.held_units - needed

    def _sell(self, purse: Purse, lots: int, notional_units: int, fee_units: int) -> Sale:
        position = self._position(purse)
        sale = plan_sale(position, lots, notional_units, fee_units)
        if sale.position_lots:
            position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
        return sale

    def _position(self, purse: Purse) -> Position:
        """A copy of a purse's position that carries the trades of this step."""
        found = self.positions.get(purse)
        if found is None:
            kept = self.state.purses[purse].position(self.taker.symbol)
            found = self.positions[purse] = Position(
                kept.quantity_lots, kept.cost_units, kept.realised_units
            )
        return found


def rest_or_end(
    order: Order | OrderAccepted,
    stopped: EndReason,
    executed_lots: int,
    held_units: int,
    prevented_lots: int = 0,
) -> OrderRested | OrderEnded:
    """What becomes of an order after its last meeting."""
    leaves = order.quantity_lots - executed_lots - prevented_lots
    may_rest = order.price_ticks is not None and order.time_in_force in RESTING
    if leaves and may_rest and stopped is not SELF_TRADE:
        shown = order.display_lots
        hidden = leaves - min(leaves, shown) if shown else 0
        return OrderRested(order.order_id, order.purse, order.symbol, leaves, hidden)
    by_quote = order.quote_units is not None
    is_whole = stopped is NO_REASON if by_quote else stopped is not SELF_TRADE
    if leaves == 0 and is_whole:
        status, reason = FILLED, NO_REASON
    elif order.price_ticks is None or stopped is SELF_TRADE:
        status, reason = EXPIRED, stopped
    else:
        status, reason = EXPIRED, EndReason.IOC
    return end_of(order, status, reason, executed_lots, held_units)


def end_of(
    order: Order | OrderAccepted,
    status: OrderStatus,
    reason: EndReason,
    executed_lots: int,
    released_units: int,
) -> OrderEnded:
    """The end of an order, giving back what it still holds."""
    return OrderEnded(  # Fields by position: see frozen.py.
        order.order_id,
        order.client_order_id,
        order.purse,
        order.symbol,
        order.side,
        status,
        reason,
        executed_lots,
        released_units,
    )
