"""What an order must hold, and whether its purse can pay that."""

from __future__ import annotations

from xached.domain import fees
from xached.domain.instrument import PPM, Instrument
from xached.domain.messages import (
    OrderAccepted,
    PlaceOrder,
)
from xached.domain.order import (
    BUY,
    SELL,
    LegRole,
    Order,
    Trigger,
    TriggerSource,
)
from xached.domain.plan import (
    Plan,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import Market, State
from xached.domain.trailing import price_now, trail_stop_ticks


def hold_units(
    market: Market, instrument: Instrument, command: PlaceOrder, plan: Plan, now_ns: int
) -> int:
    """What an order must hold when it comes in: quote units of a buy, base units of a sell.

    ``instrument`` has the rates of the order's own fee tier.
    """
    if command.side is SELL:
        lots = command.quantity_lots if command.quantity_lots is not None else plan.used_lots
        return lots * instrument.lot_units
    if command.quote_units is not None:
        return command.quote_units
    assert command.quantity_lots is not None
    if command.trigger is not None and command.price_ticks is None:
        top_ticks = highest_trigger_ticks(market, command.trigger, now_ns)
        fee_ppm = instrument.taker_fee_ppm
        return waiting_hold_units(instrument, top_ticks, command.quantity_lots, fee_ppm)
    if command.price_ticks is None:
        return (
            plan.transferred_units
            + plan.notional_units
            + fees.due_units(
                plan.notional_units, instrument.taker_fee_ppm, 0, instrument.maker_fee_ppm
            )
        )
    notional = instrument.notional_units(command.price_ticks, command.quantity_lots)
    return fees.buy_hold_units(
        notional, 0, instrument.taker_fee_ppm, 0, instrument.maker_fee_ppm, 0
    )


def waiting_hold_units(instrument: Instrument, top_ticks: int, lots: int, fee_ppm: int) -> int:
    """What a buy at market holds while it waits for a price of at most ``top_ticks``.

    It is what it pays at the upper end of the price band that it would meet there.
    """
    highest_ticks = top_ticks * (PPM + instrument.buy_band_up_ppm) // PPM
    notional = instrument.notional_units(min(highest_ticks, instrument.max_price_ticks), lots)
    return notional + fees.due_units(notional, fee_ppm, 0, 0)


def highest_trigger_ticks(market: Market, trigger: Trigger, now_ns: int) -> int:
    """The highest price at which a waiting buy is triggered, unless the market jumps over it."""
    if trigger.stop_ticks is not None:
        return trigger.stop_ticks
    tracked = trigger.activation_ticks
    if tracked is None:
        tracked = price_now(market, trigger.source, BUY, now_ns)
    if tracked is None:
        tracked = price_now(market, TriggerSource.LAST, BUY, now_ns)
    assert tracked is not None, "a market without a reference price takes no orders"
    return trail_stop_ticks(market.instrument, BUY, trigger, tracked)


def needed_hold_units(instrument: Instrument, order: Order) -> int:
    """What an open order must hold by the rules of today."""
    if order.side is SELL:
        return order.leaves_lots * instrument.lot_units
    if order.price_ticks is None:
        return order.held_units  # What it waits for was worked out when it came in.
    return buy_hold_units(
        instrument,
        order,
        order.leaves_lots,
        order.taker_notional_units,
        order.maker_notional_units,
        order.fee_units,
    )


def buy_hold_units(
    instrument: Instrument,
    terms: Order | OrderAccepted,
    leaves_lots: int,
    taker_notional_units: int,
    maker_notional_units: int,
    charged_units: int,
) -> int:
    """What a buy with a limit must hold for what it still may trade, in quote units."""
    assert terms.price_ticks is not None
    return fees.buy_hold_units(
        instrument.notional_units(terms.price_ticks, leaves_lots),
        taker_notional_units,
        terms.taker_fee_ppm,
        maker_notional_units,
        terms.maker_fee_ppm,
        charged_units,
    )


def released_by_maker(
    state: State,
    instrument: Instrument,
    maker: Order,
    *,
    lots: int,
    notional_units: int,
    fee_units: int,
) -> int:
    """What the hold of a buying order that rests gives back at a fill beyond what it pays."""
    leaves = maker.leaves_lots - lots
    needed = buy_hold_units(
        instrument,
        maker,
        leaves + (future_lots(state, maker) if maker.leg is not None else 0),
        maker.taker_notional_units,
        maker.maker_notional_units + notional_units,
        maker.fee_units + fee_units,
    )
    left = maker.held_units - notional_units - fee_units
    if maker.leg is not None:
        needed = also_for(instrument, sibling_of(state, maker), needed, leaves, left)
    released = left - needed
    assert released >= 0
    return released


def also_for(
    instrument: Instrument,
    sibling: Order | OrderAccepted | None,
    needed_units: int,
    lots: int,
    held_units: int,
) -> int:
    """What is needed with what the stop leg needs: the larger, never more than is held."""
    if sibling is None:
        return needed_units
    shared = sibling_hold_units(instrument, sibling, lots)
    return min(held_units, max(needed_units, shared))


def sibling_of(state: State, order: Order) -> Order | None:
    """The stop leg that shares the hold of a limit leg; None when there is none any more."""
    if order.leg is None or order.leg.role is not LegRole.LIMIT_LEG:
        return None
    pair = state.lists[order.leg.list_id].pair
    return state.orders.get(pair[1]) if pair is not None else None


def sibling_limit(state: State, order: Order) -> Order | None:
    """The limit leg that an open stop leg is the other side of: only one of them ever trades."""
    if order.leg is None or order.leg.role is not LegRole.STOP_LEG:
        return None
    pair = state.lists[order.leg.list_id].pair
    return state.orders.get(pair[0]) if pair is not None else None


def future_lots(state: State, order: Order) -> int:
    """What a child that buys may still get to trade: it holds for that from the start."""
    if order.leg is None or order.leg.role is not LegRole.CHILD:
        return 0
    listed = state.lists[order.leg.list_id]
    return listed.quantity_lots - listed.given_lots if listed.grows(order.order_id) else 0


def sibling_hold_units(instrument: Instrument, sibling: Order | OrderAccepted, lots: int) -> int:
    """What a stop leg that buys needs of the shared hold if it traded ``lots``."""
    if sibling.price_ticks is not None:
        return buy_hold_units(instrument, sibling, lots, 0, 0, 0)
    assert sibling.trigger is not None
    # That of a trailing leg is where it is; until it follows the market, its activation.
    top_ticks = sibling.trigger.stop_ticks or sibling.trigger.activation_ticks
    if isinstance(sibling, Order) and sibling.stop_ticks is not None:
        top_ticks = sibling.stop_ticks
    return waiting_hold_units(instrument, top_ticks or 0, lots, sibling.taker_fee_ppm)


def check_funds(
    state: State,
    instrument: Instrument,
    command: PlaceOrder,
    held_units: int,
    replaced: Order | None = None,
) -> None:
    """Refuse an order its purse cannot pay, with what a replaced one frees.

    Raises: Rejection INSUFFICIENT_FUNDS.
    """
    asset = instrument.quote if command.side is BUY else instrument.base
    free = state.ledger.available_units(command.purse, asset)
    if replaced is not None:
        free += replaced.held_units
    if free < held_units:
        show = instrument.format_quote if command.side is BUY else instrument.format_base
        raise Rejection(
            Reason.INSUFFICIENT_FUNDS,
            f"not enough free {asset}",
            field="quantity",
            given=f"{show(held_units)} {asset}",
            allowed=f"at most {show(free)} {asset}",
        )
