"""What an instrument and a purse let in, in the documented order.

The first filter that fails is the answer.
"""

from __future__ import annotations

from xached.domain import risk
from xached.domain.instrument import Instrument
from xached.domain.messages import (
    PlaceOrder,
)
from xached.domain.order import (
    BUY,
    MARKET,
    MarketState,
    Order,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import check_entry
from xached.domain.state import Market, PurseState, State
from xached.domain.terms import RESTING


def check_market_state(market: Market, command: PlaceOrder) -> None:
    """Refuse what the market does not take now. Raises: Rejection."""
    current = market.effective_state()
    if current is MarketState.TRADING:
        return
    rests = (
        command.price_ticks is not None
        and command.time_in_force in RESTING
        and not market.book.crosses(command.side, command.price_ticks)
    )
    if current is MarketState.POST_ONLY and rests:
        return
    if market.reference_ticks is None and market.state < MarketState.CANCEL_ONLY:
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
        allowed=(
            "orders that rest, and cancels" if current is MarketState.POST_ONLY else "cancels only"
        ),
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
) -> None:
    """Refuse what breaks a rule of the instrument or of the purse; a replaced order is gone.

    Raises: Rejection.
    """
    instrument = market.instrument
    assert market.reference_ticks is not None
    price_ticks = command.price_ticks
    if price_ticks is not None:
        instrument.check_price(price_ticks)
    is_market = command.type is MARKET
    whole_balance = is_market and _sells_whole_balance(state, instrument, command)
    if command.quantity_lots is not None and not whole_balance:
        instrument.check_quantity(command.quantity_lots, market=is_market)
    notional = command.quote_units
    if notional is None:
        assert command.quantity_lots is not None
        at_ticks = price_ticks if price_ticks is not None else market.last_ticks
        notional = instrument.notional_units(
            at_ticks if at_ticks is not None else market.reference_ticks, command.quantity_lots
        )
    if not whole_balance or notional > instrument.max_notional_units:
        instrument.check_notional(notional)
    if price_ticks is not None:
        band = market.buy_band if command.side is BUY else market.sell_band
        risk.check_band(instrument, price_ticks, band)
    gone = 1 if replaced is not None else 0
    open_here = purse.open_counts.get(command.symbol, 0) - gone
    risk.check_open_orders(open_here, instrument.max_open_orders, command.symbol)
    limits = purse.limits if purse.limits is not None else state.default_limits
    risk.check_limits(limits, instrument, notional, len(purse.open_orders) - gone)
    check_entry(state, instrument, command.purse, command.side, notional, at_ns)


def _sells_whole_balance(state: State, instrument: Instrument, command: PlaceOrder) -> bool:
    """A market sale of everything that is free, down to a lot, needs no minimum."""
    if command.side is BUY or not command.quantity_lots:
        return False
    free = state.ledger.available_units(command.purse, instrument.base)
    lots = free // instrument.lot_units
    return command.quantity_lots == lots <= instrument.max_market_quantity_lots
