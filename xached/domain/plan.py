"""What a taker would do, worked out before anything changes.

One walk down the book in priority decides fills, prevented self-trades and where the order
stops; an order that meets nobody needs no walk. Fill-or-kill, quote amounts and price bands are
part of the same walk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from xached.domain.book import Book, Level, Resting
from xached.domain.frozen import frozen
from xached.domain.instrument import PPM
from xached.domain.money import ceil_div
from xached.domain.order import (
    BUY,
    DECREMENT,
    EndReason,
    Order,
    OrderId,
    Purse,
    SelfTradePrevention,
    Side,
)
from xached.domain.state import Market


@frozen
class Match:
    """A meeting with one resting order: a fill, or a self-trade that was kept from happening.

    ``maker_ends``: what the book shows of the maker is used up, or the maker is expired.
    """

    maker: Order
    lots: int
    notional_units: int
    prevented: bool
    maker_ends: bool


@frozen
class Plan:
    """The meetings in order, what they fill, and why the walk stopped short (NONE: it did not).

    ``prevented_lots`` went off the taker without a trade: its own orders lost as much.
    """

    matches: tuple[Match, ...]
    filled_lots: int
    notional_units: int
    stopped: EndReason
    prevented_lots: int = 0

    @property
    def used_lots(self) -> int:
        """What of the taker is gone after the walk."""
        return self.filled_lots + self.prevented_lots


NOTHING_TO_MEET = Plan((), 0, 0, EndReason.NO_LIQUIDITY)
NOTHING_IN_REACH = Plan((), 0, 0, EndReason.PRICE_BAND)


@frozen(kw_only=True)
class Taker:
    """What the walk must know of the incoming order.

    It stops at ``lots``, or for orders by quote amount when no further lot with its fee fits into
    ``quote_units`` (BUY) or the proceeds after the fee reach them (SELL).
    """

    account_prefix: str
    side: Side
    limit_ticks: int
    self_trade_prevention: SelfTradePrevention
    lots: int | None = None
    quote_units: int | None = None
    fee_ppm: int = 0


def budget_notional_units(quote_units: int, fee_ppm: int) -> int:
    """The largest notional whose cost with its rounded-up fee fits into ``quote_units``."""
    return quote_units * PPM // (PPM + fee_ppm)


def target_notional_units(quote_units: int, fee_ppm: int) -> int:
    """The smallest notional whose proceeds after its rounded-up fee reach ``quote_units``."""
    return ceil_div(quote_units * PPM, PPM - fee_ppm)


def plan_taker(taker: Taker, market: Market, orders: dict[OrderId, Order]) -> Plan:
    """Walk the book. Reads only."""
    book = market.book
    unit = market.instrument.tick_lot_units
    prefix, mode = taker.account_prefix, taker.self_trade_prevention
    matches: list[Match] = []
    filled_lots = notional_units = prevented_lots = prevented_units = price_units = 0
    walk = book.matches(taker.side, taker.limit_ticks)
    if market.icebergs:
        expired = prefix if mode is SelfTradePrevention.EXPIRE_MAKER else None
        walk = _with_slices(walk, orders, expired)
    for resting in walk:
        price_units = resting.level.price_ticks * unit
        if taker.lots is not None:
            wanted = taker.lots - filled_lots - prevented_lots
        else:
            wanted = _wanted_lots(taker, notional_units, prevented_units, price_units)
        if wanted == 0:
            stopped = _why_enough(matches)
            return Plan(tuple(matches), filled_lots, notional_units, stopped, prevented_lots)
        maker = orders[resting.order_id]
        lots = min(wanted, resting.lots)
        if mode is not SelfTradePrevention.NONE and maker.purse.startswith(prefix):
            if mode is DECREMENT or mode is SelfTradePrevention.TRANSFER:
                matches.append(Match(maker, lots, 0, True, lots == resting.lots))
                prevented_lots += lots
                prevented_units += lots * price_units
                if lots < resting.lots:
                    # All that it wanted is gone. A budget may have crumbs left, without the fee
                    # of what was prevented; they do not pass by the order that took the rest.
                    stopped = _why_enough(matches)
                    return Plan(
                        tuple(matches), filled_lots, notional_units, stopped, prevented_lots
                    )
                continue
            maker_ends = mode is not SelfTradePrevention.EXPIRE_TAKER
            matches.append(Match(maker, lots, 0, True, maker_ends))
            if mode is SelfTradePrevention.EXPIRE_MAKER:
                continue
            stopped = EndReason.SELF_TRADE
            return Plan(tuple(matches), filled_lots, notional_units, stopped, prevented_lots)
        matches.append(Match(maker, lots, lots * price_units, False, lots == resting.lots))
        filled_lots += lots
        notional_units += lots * price_units
        if lots < resting.lots:
            stopped = EndReason.NONE
            return Plan(tuple(matches), filled_lots, notional_units, stopped, prevented_lots)
    if taker.lots is not None:
        wanted = taker.lots - filled_lots - prevented_lots
    else:
        wanted = _wanted_lots(taker, notional_units, prevented_units, price_units)
    stopped = _why_short(taker, book) if wanted else _why_enough(matches)
    return Plan(tuple(matches), filled_lots, notional_units, stopped, prevented_lots)


def _with_slices(
    walk: Iterator[Resting], orders: dict[OrderId, Order], expired_prefix: str | None
) -> Iterator[Resting]:
    """Yield what hides behind each slice too, where it shows once all before it is used up.

    Who asks for the next has used up the last. Of orders whose owner begins with
    ``expired_prefix`` nothing comes after the first slice: they expire on being met.
    """
    level: Level | None = None
    hiding: deque[tuple[Order, int]] = deque()
    for resting in walk:
        if resting.level is not level:
            if level is not None:
                yield from _refills(level, hiding)
            level = resting.level
        yield resting
        order = orders[resting.order_id]
        hidden = order.leaves_lots - resting.lots
        if hidden and not (expired_prefix and order.purse.startswith(expired_prefix)):
            hiding.append((order, hidden))
    if level is not None:
        yield from _refills(level, hiding)


def _refills(level: Level, hiding: deque[tuple[Order, int]]) -> Iterator[Resting]:
    """The slices of a level after those in the book: each order's next at the back."""
    while hiding:
        order, hidden = hiding.popleft()
        assert order.display_lots is not None
        lots = min(order.display_lots, hidden)
        yield Resting(order.order_id, lots, level, None)
        if hidden > lots:
            hiding.append((order, hidden - lots))


def _wanted_lots(taker: Taker, notional_units: int, prevented_units: int, price_units: int) -> int:
    """How many lots at this price an order by quote amount still takes.

    What was prevented counts against the amount at the maker's price, as if paid or received.
    """
    assert taker.quote_units is not None
    quote_units = max(0, taker.quote_units - prevented_units)
    if taker.side is BUY:
        return (budget_notional_units(quote_units, taker.fee_ppm) - notional_units) // price_units
    target = target_notional_units(quote_units, taker.fee_ppm)
    return max(0, ceil_div(target - notional_units, price_units))


def _why_enough(matches: list[Match]) -> EndReason:
    """Nothing more is wanted: was the last of it traded, or prevented?"""
    return EndReason.SELF_TRADE if matches and matches[-1].prevented else EndReason.NONE


def _why_short(taker: Taker, book: Book) -> EndReason:
    """The walk ran out of orders: was that the whole side, or is more beyond the limit?"""
    worst_ticks = book.worst_ticks(taker.side.opposite)
    assert worst_ticks is not None, "a book that was crossed is not empty"
    if taker.side is BUY:
        reaches_all = worst_ticks <= taker.limit_ticks
    else:
        reaches_all = worst_ticks >= taker.limit_ticks
    return EndReason.NO_LIQUIDITY if reaches_all else EndReason.PRICE_BAND


def account_prefix(purse: Purse) -> str:
    """What every purse of the same account begins with."""
    return purse[: purse.index("/") + 1]
