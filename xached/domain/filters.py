"""What an instrument and a purse let in, in the documented order.

The first filter that fails is the answer: price, quantity, notional, price band, open orders,
algo orders, iceberg orders, position, trailing distance; then the limits of the purse and those of
its account's level. Each names the value given, what is allowed, and the nearest allowed value.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from xached.domain import risk
from xached.domain.frozen import frozen
from xached.domain.holds import sibling_limit
from xached.domain.instrument import BPS, PPM, Instrument
from xached.domain.levels import check_trade
from xached.domain.listing import delisted
from xached.domain.messages import (
    PlaceOrder,
)
from xached.domain.money import ceil_div, format_fixed
from xached.domain.order import (
    BUY,
    MARKET,
    OPEN_STATES,
    TRADING,
    MarketState,
    Order,
    OrderStatus,
    Trigger,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import check_entry
from xached.domain.state import Market, PurseState, State
from xached.domain.terms import RESTING

ICEBERG_SLICES_MAX = 100
"""So many slices make up an iceberg at most: each may be a trade of one and the same taker."""


class FilterRule(enum.Enum):
    """Which rule a filter is. The names are part of the API and never change."""

    PRICE = "PRICE"
    QUANTITY = "QUANTITY"
    MARKET_QUANTITY = "MARKET_QUANTITY"
    NOTIONAL = "NOTIONAL"
    BUY_BAND = "BUY_BAND"
    SELL_BAND = "SELL_BAND"
    OPEN_ORDERS = "OPEN_ORDERS"
    ALGO_ORDERS = "ALGO_ORDERS"
    ICEBERG_ORDERS = "ICEBERG_ORDERS"
    POSITION = "POSITION"
    TRAIL = "TRAIL"


@frozen
class Filter:
    """One rule of an instrument as people read it; both limits are inclusive.

    ``step`` is empty where any value will do, ``maximum`` where there is none. Bands are factors
    of the reference price (of its stop, for an order that waits for it), trails basis points,
    positions and quantities base, notionals quote.
    """

    rule: FilterRule
    minimum: str
    maximum: str
    step: str


def filters_of(instrument: Instrument) -> tuple[Filter, ...]:
    """Every filter of an instrument, in the order they are checked."""
    price, quantity = instrument.format_price, instrument.format_quantity
    longest = instrument.max_position_lots
    return (
        Filter(
            FilterRule.PRICE,
            price(instrument.min_price_ticks),
            price(instrument.max_price_ticks),
            instrument.tick_size,
        ),
        Filter(
            FilterRule.QUANTITY,
            quantity(instrument.min_quantity_lots),
            quantity(instrument.max_quantity_lots),
            instrument.lot_size,
        ),
        Filter(
            FilterRule.MARKET_QUANTITY,
            quantity(instrument.lowest_market_lots),
            quantity(instrument.max_market_quantity_lots),
            instrument.lot_size,
        ),
        Filter(
            FilterRule.NOTIONAL,
            instrument.format_quote(instrument.min_notional_units),
            instrument.format_quote(instrument.max_notional_units),
            "",
        ),
        _band(FilterRule.BUY_BAND, instrument.buy_band_down_ppm, instrument.buy_band_up_ppm),
        _band(FilterRule.SELL_BAND, instrument.sell_band_down_ppm, instrument.sell_band_up_ppm),
        Filter(FilterRule.OPEN_ORDERS, "0", str(instrument.max_open_orders), "1"),
        Filter(FilterRule.ALGO_ORDERS, "0", str(instrument.max_algo_orders), "1"),
        Filter(FilterRule.ICEBERG_ORDERS, "0", str(instrument.max_iceberg_orders), "1"),
        Filter(
            FilterRule.POSITION,
            "0",
            quantity(longest) if longest is not None else "",
            instrument.lot_size,
        ),
        Filter(FilterRule.TRAIL, str(instrument.min_trail_bps), str(instrument.max_trail_bps), "1"),
    )


_ALLOWED = {
    MarketState.POST_ONLY: "orders that rest, and cancels",
    MarketState.AUCTION: "GTC, GTD, market orders by quantity, and cancels",
}


def check_market_state(market: Market, command: PlaceOrder) -> None:
    """Refuse what the market does not take now. Raises: Rejection."""
    current = market.effective_state()
    if current is TRADING:
        return
    if market.delisted:
        raise delisted(command.symbol)
    rests = (
        command.price_ticks is not None
        and command.time_in_force in RESTING
        and not market.book.crosses(command.side, command.price_ticks)
    )
    if current is MarketState.POST_ONLY and rests:
        return
    if current in (MarketState.POST_ONLY, MarketState.AUCTION) and command.trigger is not None:
        return  # It waits, as triggers do in these states.
    if current is MarketState.AUCTION and (
        command.time_in_force in RESTING or (command.type is MARKET and not command.quote_units)
    ):
        return
    if market.reference_ticks is None and market.state in OPEN_STATES:
        raise Rejection(
            Reason.REFERENCE_UNKNOWN,
            "the market has no reference price yet",
            field="symbol",
            given=command.symbol,
            allowed="cancels only until a mark is set",
        )
    raise Rejection(
        Reason.MARKET_STATE,
        f"the market is {current.name}",
        field="symbol",
        given=f"{command.type.name} {command.time_in_force.name}",
        allowed=_ALLOWED.get(current, "cancels only"),
    )


def check_amendment(market: Market, order: Order, total_lots: int) -> None:
    """Refuse a decrease that the market or the instrument's minimums do not take.

    Raises: Rejection.
    """
    current = market.effective_state()
    if current is MarketState.HALTED:
        raise Rejection(
            Reason.MARKET_STATE,
            f"the market is {current.name}",
            field="symbol",
            given="an amendment",
            allowed="cancels only",
        )
    instrument = market.instrument
    instrument.check_quantity(total_lots, market=False)
    if order.price_ticks is not None:
        instrument.check_notional(instrument.notional_units(order.price_ticks, total_lots))


def check_filters(
    state: State,
    market: Market,
    purse: PurseState,
    command: PlaceOrder,
    at_ns: int,
    replaced: Order | None = None,
    beside: int = 0,
) -> None:
    """Refuse what breaks a rule of the instrument or of the purse; a replaced order is gone.

    So many others of its list come ``beside`` it.

    Raises: Rejection.
    """
    instrument = market.instrument
    price_ticks, lots = command.price_ticks, command.quantity_lots
    if price_ticks is not None:
        instrument.check_price(price_ticks)
    trigger = command.trigger
    if trigger is not None:
        _check_trigger_prices(instrument, trigger)
    is_market = price_ticks is None
    whole_balance = is_market and _sells_whole_balance(state, instrument, command)
    if lots is not None and not whole_balance:
        instrument.check_quantity(lots, market=is_market)
    if command.display_lots is not None:
        assert lots is not None, "of an iceberg, by its form"
        check_slices(instrument, lots, command.display_lots)
    notional = order_notional_units(market, command, at_ns)
    if not whole_balance or notional > instrument.max_notional_units:
        instrument.check_notional(notional)
    if price_ticks is not None:
        band = market.buy_band if command.side is BUY else market.sell_band
        if trigger is not None and trigger.stop_ticks is not None:
            # It acts when the market is at its stop: that stands for the reference price.
            band = risk.band_ticks(instrument, command.side, trigger.stop_ticks)
        risk.check_band(instrument, price_ticks, band)
    others = beside - (1 if replaced is not None else 0)
    open_here = purse.open_counts.get(command.symbol, 0) + others
    risk.check_open_orders(open_here, instrument.max_open_orders, command.symbol)
    if trigger is not None:
        _check_algo_orders(state, instrument, purse, replaced)
    if command.display_lots is not None:
        _check_iceberg_orders(state, instrument, purse, replaced)
    # What nobody has configured is not looked at: most houses set none of these.
    if instrument.max_position_lots is not None and command.side is BUY and lots is not None:
        check_position(state, instrument, purse, command, lots, replaced)
    if trigger is not None:
        _check_trail(market, trigger)
    limits = purse.limits if purse.limits is not None else state.default_limits
    risk.check_limits(limits, instrument, notional, len(purse.open_orders) + others)
    if state.level_limits or state.risk.states or state.risk.bounds:
        check_trade(state, purse, instrument, notional, at_ns, replaced)
        check_entry(
            state, instrument, command.purse, command.side, notional, at_ns, replaced, beside
        )


def order_notional_units(market: Market, command: PlaceOrder, now_ns: int) -> int:
    """What an order counts as: what it says, or its quantity at its price or its stop."""
    if command.quote_units is not None:
        return command.quote_units
    at_ticks, lots = command.price_ticks, command.quantity_lots
    assert lots is not None, "by its form"
    if at_ticks is None and command.trigger is not None:
        at_ticks = command.trigger.stop_ticks
    if at_ticks is None:
        return market_notional_units(market, lots, now_ns)
    return market.instrument.notional_units(at_ticks, lots)


def market_notional_units(market: Market, lots: int, now_ns: int) -> int:
    """What a quantity without a price is counted as: at AVERAGE, else LAST, else REFERENCE."""
    at_average = market.average.notional_of(lots, now_ns)
    if at_average is not None:
        return at_average
    at_ticks = market.last_ticks if market.last_ticks is not None else market.reference_ticks
    assert at_ticks is not None, "a market without a reference takes no orders"
    return market.instrument.notional_units(at_ticks, lots)


def check_position(
    state: State,
    instrument: Instrument,
    purse: PurseState,
    command: PlaceOrder,
    lots: int,
    replaced: Order | None = None,
) -> None:
    """Refuse a buy whose purse could own too much: free, held, and what open buys may bring.

    Raises: Rejection POSITION_RANGE.
    """
    most = instrument.max_position_lots
    if most is None:
        return
    ledger, base = state.ledger, instrument.base
    owned_units = ledger.available_units(command.purse, base)
    owned_units += ledger.held_units(command.purse, base)
    # At most as many orders as a purse may have open, and only where a maximum is set.
    buying = sum(
        order.leaves_lots
        for order in _others(state, instrument, purse, replaced)
        if order.side is BUY and sibling_limit(state, order) is None
    )
    position = ceil_div(owned_units, instrument.lot_units) + buying
    if position + lots > most:
        raise Rejection(
            Reason.POSITION_RANGE,
            "the purse would own, or have on order, more than it may",
            field="quantity",
            given=instrument.format_quantity(lots),
            allowed=f"at most {instrument.format_quantity(most)} owned and on order",
            nearest=instrument.format_quantity(max(0, most - position)),
        )


def check_slices(instrument: Instrument, lots: int, display_lots: int) -> None:
    """Refuse an iceberg that shows too little or too much of itself. Its quantity is in range.

    Raises: Rejection QUANTITY_RANGE.
    """
    least = max(instrument.min_quantity_lots, ceil_div(lots, ICEBERG_SLICES_MAX))
    show = instrument.format_quantity
    if not least <= display_lots <= lots:
        raise Rejection(
            Reason.QUANTITY_RANGE,
            "an iceberg shows too little or too much of itself",
            field="display_quantity",
            given=show(display_lots),
            allowed=f"{show(least)} to {show(lots)}",
            nearest=show(min(max(display_lots, least), lots)),
        )


def _check_trigger_prices(instrument: Instrument, trigger: Trigger) -> None:
    if trigger.stop_ticks is not None:
        instrument.check_price(trigger.stop_ticks, "stop_price")
    if trigger.activation_ticks is not None:
        instrument.check_price(trigger.activation_ticks, "activation_price")


def _others(
    state: State, instrument: Instrument, purse: PurseState, replaced: Order | None
) -> Iterator[Order]:
    """The purse's open orders of an instrument, without the one that is replaced."""
    orders = (state.orders[order_id] for order_id in purse.open_orders)
    symbol = instrument.symbol
    return (order for order in orders if order.symbol == symbol and order is not replaced)


def _check_algo_orders(
    state: State, instrument: Instrument, purse: PurseState, replaced: Order | None
) -> None:
    waiting = sum(
        order.status is OrderStatus.UNTRIGGERED
        or (order.status is OrderStatus.PENDING_NEW and order.trigger is not None)
        for order in _others(state, instrument, purse, replaced)
    )
    risk.check_open_orders(
        waiting, instrument.max_algo_orders, instrument.symbol, Reason.ALGO_ORDERS
    )


def _check_iceberg_orders(
    state: State, instrument: Instrument, purse: PurseState, replaced: Order | None
) -> None:
    icebergs = sum(
        order.display_lots is not None for order in _others(state, instrument, purse, replaced)
    )
    risk.check_open_orders(
        icebergs, instrument.max_iceberg_orders, instrument.symbol, Reason.ICEBERG_ORDERS
    )


def _check_trail(market: Market, trigger: Trigger) -> None:
    """Refuse a trail that is too short or too long; one in prices is measured at REFERENCE."""
    instrument = market.instrument
    low, high = instrument.min_trail_bps, instrument.max_trail_bps
    if trigger.trail_bps is not None:
        if not low <= trigger.trail_bps <= high:
            nearest = min(max(trigger.trail_bps, low), high)
            raise _trail_range(str(trigger.trail_bps), f"{low} to {high}", str(nearest), "bps")
    elif trigger.trail_ticks is not None:
        assert market.reference_ticks is not None, "without a reference there are no orders"
        low = ceil_div(market.reference_ticks * low, BPS)
        high = max(low, market.reference_ticks * high // BPS)
        if not low <= trigger.trail_ticks <= high:
            nearest = min(max(trigger.trail_ticks, low), high)
            show = instrument.format_price
            raise _trail_range(
                show(trigger.trail_ticks), f"{show(low)} to {show(high)}", show(nearest), "price"
            )


def _trail_range(given: str, allowed: str, nearest: str, unit: str) -> Rejection:
    return Rejection(
        Reason.TRAIL_RANGE,
        "the trailing distance is outside the allowed range",
        field=f"trail_{unit}",
        given=given,
        allowed=allowed,
        nearest=nearest,
    )


def _band(rule: FilterRule, down_ppm: int, up_ppm: int) -> Filter:
    return Filter(rule, format_fixed(PPM - down_ppm, 6), format_fixed(PPM + up_ppm, 6), "")


def _sells_whole_balance(state: State, instrument: Instrument, command: PlaceOrder) -> bool:
    """A market sale of everything that is free, down to a lot, needs no minimum."""
    if command.side is BUY or not command.quantity_lots:
        return False
    free = state.ledger.available_units(command.purse, instrument.base)
    lots = free // instrument.lot_units
    return command.quantity_lots == lots <= instrument.max_market_quantity_lots
