"""Folding events: what became of one order, or of one purse, told from journal rows alone.

Answers, streams and history are made this way, so they can say nothing that is not on disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from xached.domain.compliance_messages import FundsForfeited
from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.list_messages import (
    ChildActivated,
    HoldMoved,
    ListAccepted,
    ListStep,
    OrderResized,
    fold_list_step,
    touched_by,
)
from xached.domain.market_messages import Transferred
from xached.domain.messages import (
    Deposited,
    Event,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    Row,
    Traded,
    make_order,
    trade_id,
)
from xached.domain.order import BUY, Order, OrderId, Purse, Side
from xached.domain.protection_messages import SelfTransferred
from xached.domain.waiting_messages import (
    OrderParked,
    OrderStarted,
    OrderTriggered,
    StopMoved,
    WaitingStep,
    fold_waiting,
)


@frozen
class Fill:
    """One order's side of a trade. Fee and notional are quote units."""

    trade_id: str
    order_id: OrderId
    client_order_id: str
    purse: Purse
    symbol: Symbol
    side: Side
    price_ticks: int
    quantity_lots: int
    notional_units: int
    fee_units: int
    is_maker: bool
    at_ns: int
    seq: int
    simulated: bool
    transferred: bool = False
    """Not traded: it went to or came from another purse of the same owner."""


def fold_fill(order: Order, trade: Traded, lot_units: int, seq: int, at_ns: int) -> Fill:
    """Count a trade in the order, which must be one of its sides, and tell it as a fill."""
    is_maker = order.order_id == trade.maker_order_id
    fee_units = trade.maker_fee_units if is_maker else trade.taker_fee_units
    is_maker = is_maker or trade.auction
    if order.side is BUY:
        used = trade.notional_units + fee_units + trade.buyer_released_units
    else:
        used = trade.quantity_lots * lot_units
    order.record_fill(
        lots=trade.quantity_lots,
        notional_units=trade.notional_units,
        fee_units=fee_units,
        hold_used_units=used,
        as_maker=is_maker,
        seq=seq,
        at_ns=at_ns,
    )
    # By position, as orders are made: see make_order.
    return Fill(
        trade_id(seq, trade.index),
        order.order_id,
        order.client_order_id,
        order.purse,
        order.symbol,
        order.side,
        trade.price_ticks,
        trade.quantity_lots,
        trade.notional_units,
        fee_units,
        is_maker,
        at_ns,
        seq,
        trade.simulated,
    )


def transferred_fill(order: Order, event: SelfTransferred, seq: int, at_ns: int) -> Fill:
    """What was transferred instead of traded, told as a fill of the order: it pays no fee."""
    return Fill(
        trade_id=trade_id(seq, event.index),
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        purse=order.purse,
        symbol=order.symbol,
        side=order.side,
        price_ticks=event.price_ticks,
        quantity_lots=event.quantity_lots,
        notional_units=event.notional_units,
        fee_units=0,
        is_maker=order.order_id == event.maker_order_id,
        at_ns=at_ns,
        seq=seq,
        simulated=event.simulated,
        transferred=True,
    )


def fold_reduced(order: Order, event: OrderReduced, seq: int, at_ns: int) -> None:
    """Make the order as small as it has become."""
    order.reduce(lots=event.reduced_lots, released_units=event.released_units, seq=seq, at_ns=at_ns)


def fold_prevented(order: Order, event: MatchPrevented, seq: int, at_ns: int) -> int:
    """Count a prevented match in the order, one of its sides; returns what its hold gave back."""
    is_maker = order.order_id == event.maker_order_id
    released = event.maker_released_units if is_maker else event.taker_released_units
    order.prevent(lots=event.quantity_lots, released_units=released, seq=seq, at_ns=at_ns)
    return released


def placed_orders(
    events: Iterable[Event], instruments: Mapping[Symbol, Instrument], seq: int, at_ns: int
) -> list[tuple[Order, list[Fill]]]:
    """All orders that a row accepted, in order; see :func:`placed_order`."""
    events = tuple(events)
    return [
        placed_order(events[place:], instruments[event.symbol], seq, at_ns, event.order_id)
        for place, event in enumerate(events)
        if isinstance(event, OrderAccepted)
    ]


def placed_order(
    events: Iterable[Event],
    instrument: Instrument,
    seq: int,
    at_ns: int,
    order_id: OrderId | None = None,
) -> tuple[Order, list[Fill]]:
    """The order that a row accepted, as it stood at the end of the row, and its fills.

    It may have come to rest and then met what it triggered, all in one row. ``order_id`` says
    which one is meant where a row accepted several.
    """
    order: Order | None = None
    fills: list[Fill] = []
    for event in events:
        # By isinstance, as this is done for every answer: see Exchange.apply.
        if isinstance(event, OrderAccepted):
            if order_id is None or event.order_id == order_id:
                order = make_order(event, seq, at_ns)
        elif isinstance(event, OrderRested):
            pass  # It stays as it is. Asked early: most orders rest.
        elif isinstance(event, Traded):
            assert order is not None
            if order.order_id in (event.taker_order_id, event.maker_order_id):
                fills.append(fold_fill(order, event, instrument.lot_units, seq, at_ns))
        elif isinstance(event, MatchPrevented) and event.lost_lots:
            assert order is not None
            if order.order_id in (event.taker_order_id, event.maker_order_id):
                fold_prevented(order, event, seq, at_ns)
        elif isinstance(event, SelfTransferred) and order:
            if order.order_id in (event.taker_order_id, event.maker_order_id):
                fills.append(transferred_fill(order, event, seq, at_ns))
        elif isinstance(event, OrderEnded) and order and event.order_id == order.order_id:
            order.end(event.status, event.reason, event.released_units, seq, at_ns)
        elif isinstance(event, OrderReduced) and order and event.order_id == order.order_id:
            fold_reduced(order, event, seq, at_ns)
        elif isinstance(event, WaitingStep) and order and event.order_id == order.order_id:
            fold_waiting(order, event, seq, at_ns)
        elif isinstance(event, ListStep) and order and order.order_id in touched_by(event):
            fold_list_step(order, event, seq, at_ns)
    assert order is not None
    return order, fills


@attrs.define
class Funds:
    """Units of one asset in one purse."""

    available: int = 0
    held: int = 0


@attrs.define
class PurseChanges:
    """What one row did to a purse."""

    orders: list[Order] = attrs.field(factory=list)
    fills: list[Fill] = attrs.field(factory=list)
    assets: dict[AssetName, Funds] = attrs.field(factory=dict)


class PurseFold:
    """Follows one purse from a snapshot on: its open orders and its balances."""

    def __init__(
        self,
        purse: Purse,
        orders: Iterable[Order],
        balances: Mapping[AssetName, Funds],
        instruments: Mapping[Symbol, Instrument],
    ) -> None:
        self.purse = purse
        self.orders = {order.order_id: order for order in orders}
        self.balances = dict(balances)
        self._instruments = instruments

    def fold(self, row: Row) -> PurseChanges | None:
        """Take in a row; None when it does not touch the purse."""
        changes = PurseChanges()
        touched: dict[OrderId, Order] = {}
        for event in row.events:
            match event:
                case Traded():
                    for order_id in self._own_sides(event):
                        self._trade(event, order_id, row, changes, touched)
                case OrderAccepted() if event.purse == self.purse:
                    order = make_order(event, row.seq, row.at_ns)
                    self.orders[event.order_id] = touched[event.order_id] = order
                    funds = self._funds(self._held_asset(order), changes)
                    funds.available -= event.held_units
                    funds.held += event.held_units
                case OrderEnded() if event.purse == self.purse:
                    order = self.orders.pop(event.order_id)
                    order.end(event.status, event.reason, event.released_units, row.seq, row.at_ns)
                    touched[event.order_id] = order
                    funds = self._funds(self._held_asset(order), changes)
                    funds.available += event.released_units
                    funds.held -= event.released_units
                case MatchPrevented() | SelfTransferred():
                    for order_id in self._own_sides(event):
                        self._prevent(event, order_id, row, changes, touched)
                case OrderReduced() if event.purse == self.purse:
                    order = touched[event.order_id] = self.orders[event.order_id]
                    fold_reduced(order, event, row.seq, row.at_ns)
                    funds = self._funds(self._held_asset(order), changes)
                    funds.available += event.released_units
                    funds.held -= event.released_units
                case OrderRested() if event.purse == self.purse:
                    touched[event.order_id] = self.orders[event.order_id]
                case ListAccepted() | HoldMoved() | OrderResized() | ChildActivated():
                    if event.purse == self.purse:
                        self._follow(event, row, changes, touched)
                case OrderParked() | StopMoved() | OrderTriggered() | OrderStarted():
                    if event.purse == self.purse:
                        self._wait(event, row, changes, touched)
                case Deposited() | Transferred() | FundsForfeited():
                    self._move(event, changes)
                case _:
                    pass
        changes.orders.extend(touched.values())
        return changes if changes.orders or changes.assets else None

    def _move(self, event: Deposited | Transferred | FundsForfeited, changes: PurseChanges) -> None:
        source: Purse | None
        target: Purse | None
        if isinstance(event, Deposited):
            source, target = None, event.purse
        elif isinstance(event, FundsForfeited):
            source, target = event.purse, None
        else:
            source, target = event.source, event.target
        if source == self.purse:
            self._funds(event.asset, changes).available -= event.amount_units
        if target == self.purse:
            self._funds(event.asset, changes).available += event.amount_units

    def _own_sides(self, event: Traded | MatchPrevented | SelfTransferred) -> Iterator[OrderId]:
        """The purse's orders in a meeting: both may be, as prevention can be switched off."""
        if event.taker_purse == self.purse:
            yield event.taker_order_id
        if event.maker_purse == self.purse:
            yield event.maker_order_id

    def _follow(
        self,
        event: ListStep,
        row: Row,
        changes: PurseChanges,
        touched: dict[OrderId, Order],
    ) -> None:
        for order_id in touched_by(event):
            order = touched[order_id] = self.orders[order_id]
            change = fold_list_step(order, event, row.seq, row.at_ns)
            if isinstance(event, OrderResized):
                funds = self._funds(self._held_asset(order), changes)
                funds.available -= change
                funds.held += change

    def _wait(
        self,
        event: WaitingStep,
        row: Row,
        changes: PurseChanges,
        touched: dict[OrderId, Order],
    ) -> None:
        order = touched[event.order_id] = self.orders[event.order_id]
        fold_waiting(order, event, row.seq, row.at_ns)
        if isinstance(event, OrderStarted):
            funds = self._funds(self._held_asset(order), changes)
            funds.available -= event.drawn_units
            funds.held += event.drawn_units

    def _trade(
        self,
        trade: Traded,
        order_id: OrderId,
        row: Row,
        changes: PurseChanges,
        touched: dict[OrderId, Order],
    ) -> None:
        order = touched[order_id] = self.orders[order_id]
        instrument = self._instruments[trade.symbol]
        fill = fold_fill(order, trade, instrument.lot_units, row.seq, row.at_ns)
        changes.fills.append(fill)
        base = self._funds(instrument.base, changes)
        quote = self._funds(instrument.quote, changes)
        base_units = trade.quantity_lots * instrument.lot_units
        if order.side is BUY:
            quote.held -= trade.notional_units + fill.fee_units + trade.buyer_released_units
            quote.available += trade.buyer_released_units
            base.available += base_units
        else:
            base.held -= base_units
            quote.available += trade.notional_units - fill.fee_units

    def _prevent(
        self,
        event: MatchPrevented | SelfTransferred,
        order_id: OrderId,
        row: Row,
        changes: PurseChanges,
        touched: dict[OrderId, Order],
    ) -> None:
        if isinstance(event, MatchPrevented) and not event.lost_lots:
            return
        order = touched[order_id] = self.orders[order_id]
        if isinstance(event, MatchPrevented):
            released_units = fold_prevented(order, event, row.seq, row.at_ns)
            funds = self._funds(self._held_asset(order), changes)
            funds.available += released_units
            funds.held -= released_units
            return
        instrument = self._instruments[event.symbol]
        changes.fills.append(transferred_fill(order, event, row.seq, row.at_ns))
        sign = 1 if order.side is BUY else -1
        base_units = event.quantity_lots * instrument.lot_units
        self._funds(instrument.base, changes).available += sign * base_units
        self._funds(instrument.quote, changes).available -= sign * event.notional_units

    def _held_asset(self, order: Order) -> AssetName:
        instrument = self._instruments[order.symbol]
        return instrument.quote if order.side is BUY else instrument.base

    def _funds(self, asset: AssetName, changes: PurseChanges) -> Funds:
        funds = self.balances.setdefault(asset, Funds())
        changes.assets[asset] = funds
        return funds
