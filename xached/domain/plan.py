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
    DECREMENTING,
    EXPIRE_MAKER,
    NO_PREVENTION,
    NO_REASON,
    SELF_TRADE,
    TRANSFER,
    EndReason,
    Order,
    OrderId,
    Purse,
    SelfTradePrevention,
    Side,
)
from xached.domain.state import Market, State


@frozen
class Match:
    """A meeting with one resting order: a fill, or a self-trade that was kept from happening.

    ``transferred_units``: the notional that moves instead, when both asked for a transfer.
    ``maker_ends``: what the book shows of the maker is used up, or the maker is expired. Of a
    maker that may only reduce ``trimmed_lots`` of what is shown go first, with all that it hides:
    it may sell ``lots``, which may be none.
    """

    maker: Order
    lots: int
    notional_units: int
    prevented: bool
    maker_ends: bool
    transferred_units: int = 0
    trimmed_lots: int = 0


@frozen
class Plan:
    """The meetings in order, what they fill, and why the walk stopped short (NONE: it did not).

    ``prevented_lots`` went off the taker without a trade: its own orders lost as much. Of these
    ``transferred_units`` of quote change hands between its purses.
    """

    matches: tuple[Match, ...]
    filled_lots: int
    notional_units: int
    stopped: EndReason
    prevented_lots: int = 0
    transferred_units: int = 0

    @property
    def used_lots(self) -> int:
        """What of the taker is gone after the walk."""
        return self.filled_lots + self.prevented_lots


NOTHING_TO_MEET = Plan((), 0, 0, EndReason.NO_LIQUIDITY)
NOTHING_IN_REACH = Plan((), 0, 0, EndReason.PRICE_BAND)


@frozen
class Taker:
    """What the walk must know of the incoming order.

    It stops at ``lots``, or for orders by quote amount when no further lot with its fee fits into
    ``quote_units`` (BUY) or the proceeds after the fee reach them (SELL). With both it is for
    ``lots`` and has no more than ``quote_units`` to pay them: what is prevented takes nothing off
    these, as only a transfer is paid for. ``alone``: it is no part of a list, whose holds and
    children follow trades only.
    """

    purse: Purse
    own_prefixes: str | tuple[str, ...]
    alone: bool
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


def plan_taker(taker: Taker, market: Market, state: State) -> Plan:
    """Walk the book. Reads only."""
    book, orders = market.book, state.orders
    unit = market.instrument.tick_lot_units
    own, mode = taker.own_prefixes, taker.self_trade_prevention
    matches: list[Match] = []
    filled_lots = notional_units = prevented_lots = counted_units = transferred_units = 0
    price_units = 0
    walk = book.matches(taker.side, taker.limit_ticks)
    if market.icebergs:
        walk = _with_slices(walk, orders, own if mode is EXPIRE_MAKER else None)
    stopped: EndReason | None = None
    for resting in walk:
        price_units = resting.level.price_ticks * unit
        wanted = _wanted_lots(
            taker, filled_lots + prevented_lots, notional_units, counted_units, price_units
        )
        if wanted == 0:
            stopped = _why_enough(matches)
            break
        maker = orders[resting.order_id]
        lots = min(wanted, resting.lots)
        if maker.reduce_only:
            room = _room_lots(taker, maker, matches, state)
            if room < lots:
                if not any(match.trimmed_lots and match.maker is maker for match in matches):
                    trimmed = resting.lots - room
                    matches.append(Match(maker, room, room * price_units, False, True, 0, trimmed))
                    filled_lots += room
                    notional_units += room * price_units
                continue
        if mode is NO_PREVENTION or not maker.purse.startswith(own):
            matches.append(Match(maker, lots, lots * price_units, False, lots == resting.lots))
            filled_lots += lots
            notional_units += lots * price_units
            if lots < resting.lots:
                stopped = NO_REASON
                break
        elif mode in DECREMENTING:
            moved_units = lots * price_units if _transfers(taker, maker) else 0
            matches.append(Match(maker, lots, 0, True, lots == resting.lots, moved_units))
            prevented_lots += lots
            counted_units += moved_units if taker.lots is not None else lots * price_units
            transferred_units += moved_units
            if lots < resting.lots:
                # All that it wanted is gone. A budget may have crumbs left, without the fee of
                # what was prevented; they do not pass by the order that took the rest.
                stopped = _why_enough(matches)
                break
        else:
            maker_ends = mode is not SelfTradePrevention.EXPIRE_TAKER
            matches.append(Match(maker, lots, 0, True, maker_ends))
            if mode is not EXPIRE_MAKER:
                stopped = SELF_TRADE
                break
    if stopped is None:
        wanted = _wanted_lots(
            taker, filled_lots + prevented_lots, notional_units, counted_units, price_units
        )
        stopped = _why_short(taker, book) if wanted else _why_enough(matches)
    return Plan(
        tuple(matches), filled_lots, notional_units, stopped, prevented_lots, transferred_units
    )


def _room_lots(taker: Taker, maker: Order, matches: list[Match], state: State) -> int:
    """How much a resting order may sell that may only reduce: the position after these meetings."""
    lots = state.purses[maker.purse].position(maker.symbol).quantity_lots
    for match in matches:
        if match.prevented and not match.transferred_units:
            continue
        if match.maker.purse == maker.purse:
            lots -= min(lots, match.lots)
        if taker.purse == maker.purse:
            lots += match.lots
    return lots


def _transfers(taker: Taker, maker: Order) -> bool:
    """Whether a self-trade moves money instead: both ask for it, and it has somewhere to go."""
    both = taker.self_trade_prevention is TRANSFER and maker.self_trade_prevention is TRANSFER
    return both and taker.alone and maker.leg is None and maker.purse != taker.purse


def _with_slices(
    walk: Iterator[Resting],
    orders: dict[OrderId, Order],
    expired: str | tuple[str, ...] | None,
) -> Iterator[Resting]:
    """Yield what hides behind each slice too, where it shows once all before it is used up.

    Who asks for the next has used up the last. Of orders whose owner begins with
    ``expired`` nothing comes after the first slice: they expire on being met.
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
        if hidden and not (expired and order.purse.startswith(expired)):
            hiding.append((order, hidden))
    if level is not None:
        yield from _refills(level, hiding)


def _refills(level: Level, hiding: deque[tuple[Order, int]]) -> Iterator[Resting]:
    """The slices of a level after those in the book: each order's next at the back."""
    while hiding:
        order, hidden = hiding.popleft()
        assert order.display_lots is not None
        lots = min(order.display_lots, hidden)
        resting = Resting()
        resting.order_id, resting.lots, resting.level = order.order_id, lots, level
        resting.previous = resting.next = None
        yield resting
        if hidden > lots:
            hiding.append((order, hidden - lots))


def _wanted_lots(
    taker: Taker, used_lots: int, notional_units: int, counted_units: int, price_units: int
) -> int:
    """How many lots at this price an order still takes.

    What was prevented of an order by quote amount counts against the amount at the maker's price,
    as if paid or received.
    """
    if taker.quote_units is None:
        assert taker.lots is not None
        return taker.lots - used_lots
    quote_units = max(0, taker.quote_units - counted_units)
    if taker.side is BUY:
        budget = budget_notional_units(quote_units, taker.fee_ppm)
        lots = (budget - notional_units) // price_units
        return lots if taker.lots is None else min(lots, taker.lots - used_lots)
    target = target_notional_units(quote_units, taker.fee_ppm)
    return max(0, ceil_div(target - notional_units, price_units))


def _why_enough(matches: list[Match]) -> EndReason:
    """Nothing more is wanted: was the last of it traded, or prevented?"""
    return SELF_TRADE if matches and matches[-1].prevented else NO_REASON


def _why_short(taker: Taker, book: Book) -> EndReason:
    """The walk ran out of orders: was that the whole side, or is more beyond the limit?"""
    worst_ticks = book.worst_ticks(taker.side.opposite)
    assert worst_ticks is not None, "a book that was crossed is not empty"
    if taker.side is BUY:
        reaches_all = worst_ticks <= taker.limit_ticks
    else:
        reaches_all = worst_ticks >= taker.limit_ticks
    return EndReason.NO_LIQUIDITY if reaches_all else EndReason.PRICE_BAND
