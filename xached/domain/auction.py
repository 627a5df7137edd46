"""Auctions: one price at which most trades, and who trades with whom at it.

Pure, and nothing about money. At a price, buys trade whose limit is at least it, and sells whose
limit is at most it; what trades is the smaller of both sums. The uncross price lets most trade;
of equal ones it leaves the smaller imbalance, then is nearest the reference price, then lower.
Orders without a limit of their own come first on their side; then price, then time. Where two
orders of one account would meet, the later one goes and everything is worked out again.

Volume and imbalance change only at limits, so one price is looked at for every stretch between
two of them: the one nearest the reference.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from xached.domain.frozen import frozen
from xached.domain.order import OrderId


@frozen
class AuctionOrder:
    """One side's order. ``limit_ticks`` of an order at market is how far the house lets it go.

    One that ``prevents`` does not trade with its own account when it is the later one.
    """

    order_id: OrderId
    account: str
    limit_ticks: int
    lots: int
    at_market: bool
    prevents: bool


@frozen
class Indication:
    """What an auction would do now. ``imbalance_lots`` is positive when buyers are left over."""

    price_ticks: int
    volume_lots: int
    imbalance_lots: int


@frozen
class Pairing:
    """One trade of an auction."""

    buy: AuctionOrder
    sell: AuctionOrder
    lots: int


@frozen
class SelfMatch:
    """Two orders of one account that would have met; ``later`` has gone."""

    later: AuctionOrder
    earlier: AuctionOrder
    price_ticks: int
    lots: int


@frozen
class Uncross:
    """Everything an auction does. Nothing trades without an indication."""

    indication: Indication | None
    pairings: tuple[Pairing, ...]
    self_matches: tuple[SelfMatch, ...]


def uncross(
    buys: Sequence[AuctionOrder], sells: Sequence[AuctionOrder], reference_ticks: int
) -> Uncross:
    """Work out an auction. Orders come by time within a price."""
    buying = sorted(buys, key=lambda order: (not order.at_market, -order.limit_ticks))
    selling = sorted(sells, key=lambda order: (not order.at_market, order.limit_ticks))
    self_matches: list[SelfMatch] = []
    while True:
        indication = indicate(buying, selling, reference_ticks)
        if indication is None:
            return Uncross(None, (), tuple(self_matches))
        pairings, met = _pair(buying, selling, indication)
        if met is None:
            return Uncross(indication, tuple(pairings), tuple(self_matches))
        self_matches.append(met)
        side = buying if met.later in buying else selling
        side.remove(met.later)


def indicate(
    buys: Sequence[AuctionOrder], sells: Sequence[AuctionOrder], reference_ticks: int
) -> Indication | None:
    """The uncross price and what trades at it; None when nothing does."""
    bid_limits, bid_lots = _by_limit(buys)
    ask_limits, ask_lots = _by_limit(sells)
    if not bid_limits or not ask_limits or bid_limits[-1] < ask_limits[0]:
        return None
    lowest, highest = ask_limits[0], bid_limits[-1]
    # Between a start and the next the same orders trade.
    starts = sorted(
        {limit for limit in ask_limits if limit <= highest}
        | {limit + 1 for limit in bid_limits if lowest <= limit < highest}
    )
    ranked: list[tuple[int, int, int, int, int]] = []
    for start, following in zip(starts, [*starts[1:], highest + 1], strict=True):
        price = min(max(reference_ticks, start), following - 1)
        demand = bid_lots[-1] - bid_lots[bisect_left(bid_limits, price)]
        supply = ask_lots[bisect_right(ask_limits, price)]
        imbalance, distance = demand - supply, abs(price - reference_ticks)
        # The least of these: most volume, then imbalance, distance and price.
        ranked.append((-min(demand, supply), abs(imbalance), distance, price, imbalance))
    volume, _, _, price, imbalance = min(ranked)
    return Indication(price, -volume, imbalance)


def _by_limit(orders: Sequence[AuctionOrder]) -> tuple[list[int], list[int]]:
    """Limits in order, and of each how many lots have a lower one; the last is the sum of all."""
    ordered = sorted(orders, key=lambda order: order.limit_ticks)
    sums = list(accumulate((order.lots for order in ordered), initial=0))
    return [order.limit_ticks for order in ordered], sums


def _pair(
    buying: list[AuctionOrder], selling: list[AuctionOrder], indication: Indication
) -> tuple[list[Pairing], SelfMatch | None]:
    """Let the first of both sides trade until the volume is done, or two of one account meet."""
    price, left = indication.price_ticks, indication.volume_lots
    buys = iter([order for order in buying if order.limit_ticks >= price])
    sells = iter([order for order in selling if order.limit_ticks <= price])
    buy, sell = next(buys), next(sells)
    buy_lots, sell_lots = buy.lots, sell.lots
    pairings: list[Pairing] = []
    while True:
        lots = min(buy_lots, sell_lots, left)
        if buy.account == sell.account:
            later, earlier = (buy, sell) if buy.order_id > sell.order_id else (sell, buy)
            if later.prevents:
                return pairings, SelfMatch(later, earlier, price, lots)
        pairings.append(Pairing(buy, sell, lots))
        left -= lots
        if not left:
            return pairings, None
        buy_lots -= lots
        sell_lots -= lots
        if not buy_lots:
            buy = next(buys)
            buy_lots = buy.lots
        if not sell_lots:
            sell = next(sells)
            sell_lots = sell.lots
