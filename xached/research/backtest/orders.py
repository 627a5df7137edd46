"""From what a strategy asks for to an order in the house's terms, and back to what it is told."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from xache_sdk.market import Instrument as ToldInstrument
from xache_sdk.market import Side as ToldSide
from xache_sdk.orders import (
    Amend,
    Fill,
    OrderUpdate,
    Place,
    Replace,
    Stop,
    TakeProfit,
    Trail,
)
from xache_sdk.orders import OrderStatus as ToldStatus

from xached.domain import terms
from xached.domain.fees import buy_hold_units
from xached.domain.holds import waiting_hold_units
from xached.domain.instrument import Instrument
from xached.domain.messages import PlaceOrder
from xached.domain.order import (
    BUY,
    SELL,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.trailing import trail_stop_ticks
from xached.domain.triggering import is_upward
from xached.research.backtest.account import FillRow

NOTHING = Decimal(0)


class Arrival:
    """A market order on its way: it meets the next price and rests nowhere."""

    __slots__ = ("at_ns", "lots", "number", "place", "quote_units", "side", "strategy")

    def __init__(
        self,
        number: int,
        strategy: int,
        place: Place,
        side: Side,
        lots: int | None,
        quote_units: int | None,
        at_ns: int,
    ) -> None:
        self.number = number
        self.strategy = strategy
        self.place = place
        self.side = side
        self.lots = lots
        self.quote_units = quote_units
        self.at_ns = at_ns


class Resting:
    """An order that waits, for its price or for its trigger.

    ``upward``: it is reached by a price that rises to its level. ``watch_ticks`` is what it waits
    for before it is triggered; ``extreme_ticks`` how far a trailing one has followed.
    """

    __slots__ = ("extreme_ticks", "order", "place", "strategy", "upward", "watch_ticks")

    def __init__(self, order: Order, strategy: int, place: Place) -> None:
        self.order = order
        self.strategy = strategy
        self.place = place
        self.upward = order.side is SELL
        self.watch_ticks: int | None = None
        self.extreme_ticks: int | None = None

    def wait(self, instrument: Instrument, now_ticks: int) -> None:
        """Begin to wait for the trigger, from where the market is."""
        order, trigger = self.order, self.order.trigger
        assert trigger is not None
        self.upward = is_upward(order.type, order.side)
        self.watch_ticks = trigger.stop_ticks
        if order.type is OrderType.TRAILING_STOP:
            activation = trigger.activation_ticks
            if activation is None or activation == now_ticks:
                self.follow(instrument, now_ticks)
            else:
                self.watch_ticks = activation
                self.upward = activation > now_ticks

    def follow(self, instrument: Instrument, price_ticks: int) -> None:
        """Let a trailing stop see a price: it follows the market in one direction only."""
        order, trigger, best = self.order, self.order.trigger, self.extreme_ticks
        assert trigger is not None
        if best is None or (price_ticks < best if order.side is BUY else price_ticks > best):
            self.extreme_ticks = price_ticks
            self.upward = order.side is BUY
            self.watch_ticks = order.stop_ticks = trail_stop_ticks(
                instrument, order.side, trigger, price_ticks
            )

    @property
    def needs_activation(self) -> bool:
        """Whether a trailing stop does not follow the market yet."""
        return self.order.type is OrderType.TRAILING_STOP and self.extreme_ticks is None


def side_of(place: Place) -> Side:
    """The house's side of an order."""
    return BUY if place.side is ToldSide.BUY else SELL


def lots_of(told: ToldInstrument, quantity: Decimal) -> int:
    """A quantity as lots. Raises: Rejection QUANTITY_LOT."""
    try:
        return told.lots(quantity)
    except ValueError as error:
        raise _between(Reason.QUANTITY_LOT, "quantity", quantity, told.lot_size) from error


def ticks_of(told: ToldInstrument, price: Decimal) -> int:
    """A price as ticks. Raises: Rejection PRICE_TICK."""
    try:
        return told.ticks(price)
    except ValueError as error:
        raise _between(Reason.PRICE_TICK, "price", price, told.tick_size) from error


def make_order(
    place: Place, told: ToldInstrument, instrument: Instrument, number: int, at_ns: int
) -> Order:
    """An order with its terms read, checked against each other, and nothing held yet.

    Raises: Rejection.
    """
    assert place.quantity is not None, "an order that can wait has a quantity, by its form"
    lots = lots_of(told, place.quantity)
    price = None if place.price is None else ticks_of(told, place.price)
    shown = None if place.display_quantity is None else lots_of(told, place.display_quantity)
    command = PlaceOrder(
        purse=Purse(""),
        client_order_id=place.id,
        symbol=instrument.symbol,
        side=side_of(place),
        type=OrderType[place.type.name],
        time_in_force=TimeInForce[place.lives.name],
        price_ticks=price,
        quantity_lots=lots,
        quote_units=None,
        post_only=place.post_only,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=place.expires_at_ns,
        trigger=_trigger(place, told),
        display_lots=shown,
        reduce_only=place.reduce_only,
        slide=place.slide,
    )
    terms.check_combination(command, at_ns)
    return Order(
        order_id=OrderId(number),
        client_order_id=place.id,
        purse=command.purse,
        symbol=command.symbol,
        side=command.side,
        type=command.type,
        time_in_force=command.time_in_force,
        price_ticks=price,
        quantity_lots=lots,
        quote_units=None,
        post_only=command.post_only,
        self_trade_prevention=command.self_trade_prevention,
        expires_at_ns=command.expires_at_ns,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        held_units=0,
        accepted_at_ns=at_ns,
        updated_at_ns=at_ns,
        seq=number,
        status=OrderStatus.OPEN if command.trigger is None else OrderStatus.UNTRIGGERED,
        trigger=command.trigger,
        display_lots=shown,
        reduce_only=command.reduce_only,
        slide=command.slide,
        stop_ticks=None if command.trigger is None else command.trigger.stop_ticks,
    )


def amended_lots(
    resting: Resting, intent: Amend, told: ToldInstrument, instrument: Instrument
) -> int:
    """By how many lots an amendment makes an order smaller. Raises: Rejection."""
    order = resting.order
    lots = lots_of(told, intent.quantity)
    if not order.executed_lots < lots < order.quantity_lots:
        raise Rejection(Reason.QUANTITY_RANGE, "an amended order is smaller")
    instrument.check_quantity(lots, market=False)
    if order.price_ticks is not None:
        instrument.check_notional(instrument.notional_units(order.price_ticks, lots))
    return order.quantity_lots - lots


def replaced_place(resting: Resting, intent: Replace, told: ToldInstrument) -> Place:
    """The order that takes the place of another. Raises: Rejection; ValueError for its form."""
    old, trigger = resting.place, resting.place.trigger
    if intent.trigger_price is not None:
        if not isinstance(trigger, Stop | TakeProfit):
            raise Rejection(Reason.FIELD_FORBIDDEN, "it has no trigger price")
        trigger = dataclasses.replace(trigger, price=intent.trigger_price)
    total = intent.quantity if intent.quantity is not None else old.quantity
    assert total is not None
    lots = lots_of(told, total) - resting.order.executed_lots
    if lots <= 0:
        raise Rejection(Reason.QUANTITY_RANGE, "it has executed as much already")
    return dataclasses.replace(
        old,
        id=intent.new_id,
        price=intent.price if intent.price is not None else old.price,
        quantity=told.quantity(lots),
        trigger=trigger,
        display_quantity=intent.display_quantity or old.display_quantity,
        expires_at_ns=intent.expires_at_ns or old.expires_at_ns,
    )


def hold_of(resting: Resting, instrument: Instrument, now_ticks: int) -> int:
    """What an order must set aside when it comes in."""
    order = resting.order
    if order.side is SELL:
        return order.quantity_lots * instrument.lot_units
    if order.price_ticks is not None:
        notional = instrument.notional_units(order.price_ticks, order.quantity_lots)
        return buy_hold_units(notional, 0, order.taker_fee_ppm, 0, order.maker_fee_ppm, 0)
    trigger = order.trigger
    assert trigger is not None
    top = trigger.stop_ticks
    if top is None:
        followed = trigger.activation_ticks or now_ticks
        top = trail_stop_ticks(instrument, order.side, trigger, followed)
    return waiting_hold_units(instrument, top, order.quantity_lots, order.taker_fee_ppm)


def update_of_order(
    resting: Resting, told: ToldInstrument, at_ns: int, fill: FillRow | None = None
) -> OrderUpdate:
    """What a strategy is told of an order that can wait."""
    order = resting.order
    return OrderUpdate(
        id=resting.place.id,
        own=True,
        symbol=told.symbol,
        side=resting.place.side,
        status=ToldStatus[order.status.name],
        at_ns=at_ns,
        reason="" if order.end_reason.value == 0 else order.end_reason.name,
        price=resting.place.price,
        quantity=told.quantity(order.quantity_lots),
        executed_quantity=told.quantity(order.executed_lots),
        leaves_quantity=told.quantity(order.leaves_lots),
        fill=None if fill is None else told_fill(fill, told),
    )


def update_of_arrival(
    arrival: Arrival,
    told: ToldInstrument,
    at_ns: int,
    status: ToldStatus,
    reason: str = "",
    fill: FillRow | None = None,
) -> OrderUpdate:
    """What a strategy is told of a market order."""
    place = arrival.place
    executed = NOTHING if fill is None else told.quantity(fill.quantity_lots)
    return OrderUpdate(
        id=place.id,
        own=True,
        symbol=told.symbol,
        side=place.side,
        status=status,
        at_ns=at_ns,
        reason=reason,
        quantity=executed if place.quantity is None else place.quantity,
        executed_quantity=executed,
        fill=None if fill is None else told_fill(fill, told),
    )


def update_of_refusal(place: Place, at_ns: int, reason: str) -> OrderUpdate:
    """What a strategy is told of an order that never came to be."""
    return OrderUpdate(
        id=place.id,
        own=True,
        symbol=place.symbol,
        side=place.side,
        status=ToldStatus.REFUSED,
        at_ns=at_ns,
        reason=reason,
        price=place.price,
        quantity=place.quantity or NOTHING,
    )


def told_fill(fill: FillRow, told: ToldInstrument) -> Fill:
    """A fill as a strategy sees it."""
    notional = told.notional(fill.price_ticks, fill.quantity_lots)
    return Fill(
        price=told.price(fill.price_ticks),
        quantity=told.quantity(fill.quantity_lots),
        # Units of quote that one unit of notional has, times the fee.
        fee=notional * fill.fee_units / fill.notional_units,
        maker=fill.maker,
    )


def _trigger(place: Place, told: ToldInstrument) -> Trigger | None:
    match place.trigger:
        case None:
            return None
        case Stop() | TakeProfit() as stop:
            return Trigger(
                source=TriggerSource[stop.source.name], stop_ticks=ticks_of(told, stop.price)
            )
        case Trail() as trail:
            offset, activation = trail.offset, trail.activation_price
            return Trigger(
                source=TriggerSource[trail.source.name],
                stop_ticks=None,
                trail_bps=trail.bps,
                trail_ticks=None if offset is None else ticks_of(told, offset),
                activation_ticks=None if activation is None else ticks_of(told, activation),
            )


def _between(reason: Reason, name: str, given: Decimal, step: Decimal) -> Rejection:
    return Rejection(
        reason,
        f"the {name} is not a whole number of steps",
        field=name,
        given=f"{given:f}",
        allowed=f"a multiple of {step:f}",
    )
