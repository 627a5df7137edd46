"""What a taker would do, worked out before anything changes.

One walk down the book in priority decides fills, prevented self-trades and where the order
stops; an order that meets nobody needs no walk. Fill-or-kill, quote amounts and price bands are
part of the same walk.
"""

from __future__ import annotations

from xached.domain.book import Book
from xached.domain.frozen import frozen
from xached.domain.instrument import PPM, Instrument
from xached.domain.money import ceil_div
from xached.domain.order import (
    BUY,
    EndReason,
    Order,
    OrderId,
    Purse,
    SelfTradePrevention,
    Side,
)


@frozen
class Match:
    """A meeting with one resting order: a fill, or a self-trade that was kept from happening."""

    maker: Order
    lots: int
    notional_units: int
    prevented: bool
    maker_ends: bool


@frozen
class Plan:
    """The meetings in order, what they fill, and why the walk stopped short (NONE: it did not)."""

    matches: tuple[Match, ...]
    filled_lots: int
    notional_units: int
    stopped: EndReason


NOTHING_TO_MEET = Plan((), 0, 0, EndReason.NO_LIQUIDITY)
NOTHING_IN_REACH = Plan((), 0, 0, EndReason.PRICE_BAND)


@frozen(kw_only=True)
class Taker:
    """What the walk must know of the incoming order.

    It stops at ``lots``, or for orders by quote amount when no further lot fits under
    ``notional_max_units`` (BUY) or ``notional_min_units`` is reached (SELL).
    """

    account_prefix: str
    side: Side
    limit_ticks: int
    self_trade_prevention: SelfTradePrevention
    lots: int | None = None
    notional_max_units: int | None = None
    notional_min_units: int | None = None


def budget_notional_units(quote_units: int, fee_ppm: int) -> int:
    """The largest notional whose cost with its rounded-up fee fits into ``quote_units``."""
    return quote_units * PPM // (PPM + fee_ppm)


def target_notional_units(quote_units: int, fee_ppm: int) -> int:
    """The smallest notional whose proceeds after its rounded-up fee reach ``quote_units``."""
    return ceil_div(quote_units * PPM, PPM - fee_ppm)


def plan_taker(
    taker: Taker, instrument: Instrument, book: Book, orders: dict[OrderId, Order]
) -> Plan:
    """Walk the book. Reads only."""
    unit = instrument.tick_lot_units
    prefix, mode = taker.account_prefix, taker.self_trade_prevention
    matches: list[Match] = []
    filled_lots = notional_units = 0
    for resting in book.matches(taker.side, taker.limit_ticks):
        price_units = resting.level.price_ticks * unit
        wanted = _wanted_lots(taker, filled_lots, notional_units, price_units)
        if wanted == 0:
            return Plan(tuple(matches), filled_lots, notional_units, EndReason.NONE)
        maker = orders[resting.order_id]
        lots = min(wanted, resting.lots)
        if mode is not SelfTradePrevention.NONE and maker.purse.startswith(prefix):
            maker_ends = mode is not SelfTradePrevention.EXPIRE_TAKER
            matches.append(Match(maker, lots, 0, True, maker_ends))
            if mode is SelfTradePrevention.EXPIRE_MAKER:
                continue
            return Plan(tuple(matches), filled_lots, notional_units, EndReason.SELF_TRADE)
        matches.append(Match(maker, lots, lots * price_units, False, lots == resting.lots))
        filled_lots += lots
        notional_units += lots * price_units
        if lots < resting.lots:
            return Plan(tuple(matches), filled_lots, notional_units, EndReason.NONE)
    stopped = EndReason.NONE
    if taker.lots is None or filled_lots < taker.lots:
        worst_ticks = book.worst_ticks(taker.side.opposite)
        stopped = _why_short(taker, matches, notional_units, worst_ticks)
    return Plan(tuple(matches), filled_lots, notional_units, stopped)


def _wanted_lots(taker: Taker, filled_lots: int, notional_units: int, price_units: int) -> int:
    if taker.lots is not None:
        return taker.lots - filled_lots
    if taker.notional_max_units is not None:
        return (taker.notional_max_units - notional_units) // price_units
    assert taker.notional_min_units is not None
    return max(0, ceil_div(taker.notional_min_units - notional_units, price_units))


def _why_short(
    taker: Taker, matches: list[Match], notional_units: int, worst_ticks: int | None
) -> EndReason:
    """The walk ran out of orders: was that the whole side, or is more beyond the limit?"""
    if taker.notional_min_units is not None and notional_units >= taker.notional_min_units:
        return EndReason.NONE
    if taker.notional_max_units is not None and matches:
        last = matches[-1]
        if not last.prevented and (
            taker.notional_max_units - notional_units < last.notional_units // last.lots
        ):
            return EndReason.NONE
    assert worst_ticks is not None, "a book that was crossed is not empty"
    if taker.side is BUY:
        reaches_all = worst_ticks <= taker.limit_ticks
    else:
        reaches_all = worst_ticks >= taker.limit_ticks
    return EndReason.NO_LIQUIDITY if reaches_all else EndReason.PRICE_BAND


def account_prefix(purse: Purse) -> str:
    """What every purse of the same account begins with."""
    return purse[: purse.index("/") + 1]
