"""Auctions: one price at which most trades, and who trades with whom at it.

Pure, and nothing about money. At a price, buys trade whose limit is at least it, and sells whose
limit is at most it; what trades is the smaller of both sums. The uncross price lets most trade;
of equal ones it leaves the smaller imbalance, then is nearest the reference price, then lower.
By price, then time; an order at market may go as far as the house lets it, to the end of the
price band, and comes first of all that go so far. So nothing crosses that is left, also where the
band moved and some orders go farther than it. Where two
orders of one account would meet, the later one goes and everything is worked out again.

Volume and imbalance change only at limits, so the price is the nearest to the reference of a
stretch between two of them. Thousands of orders of one account that meet each other are worked out
again thousands of times, while everybody waits: so that has to be cheap.
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
    buy_ids = {order.order_id for order in buys}
    depth, walk = _Depth(buys, sells), _Walk(buys, sells)
    self_matches: list[SelfMatch] = []
    while True:
        indication = depth.indicate(reference_ticks)
        if indication is None:
            return Uncross(None, (), tuple(self_matches))
        met = walk.meet(indication)
        if met is None:
            return Uncross(indication, tuple(walk.pairings), tuple(self_matches))
        self_matches.append(met)
        depth.take_off(met.later, is_buy=met.later.order_id in buy_ids)


def indicate(
    buys: Sequence[AuctionOrder], sells: Sequence[AuctionOrder], reference_ticks: int
) -> Indication | None:
    """The uncross price and what trades at it; None when nothing does."""
    return _Depth(buys, sells).indicate(reference_ticks)


class _Depth:
    """Lots of both sides by limit. Working out a price again costs a sum and two bisections.

    ``_starts``: from one of these prices to the next the same orders trade. The lots of limits
    below the n-th start are the first ``_bids_below[n]`` of ``_bid_lots``, in the order of their
    limits; the asks that trade there are the first ``_asks_up_to[n]`` of ``_ask_lots``.
    """

    def __init__(self, buys: Sequence[AuctionOrder], sells: Sequence[AuctionOrder]) -> None:
        self._bid_limits = sorted({order.limit_ticks for order in buys})
        self._ask_limits = sorted({order.limit_ticks for order in sells})
        self._bid_lots = [0] * len(self._bid_limits)
        self._ask_lots = [0] * len(self._ask_limits)
        for order in buys:
            self._bid_lots[bisect_left(self._bid_limits, order.limit_ticks)] += order.lots
        for order in sells:
            self._ask_lots[bisect_left(self._ask_limits, order.limit_ticks)] += order.lots
        self._starts: list[int] = []
        self._end = 0
        if self._bid_limits and self._ask_limits:
            lowest, highest = self._ask_limits[0], self._bid_limits[-1]
            self._starts = sorted(
                {limit for limit in self._ask_limits if limit <= highest}
                | {limit + 1 for limit in self._bid_limits if lowest <= limit < highest}
            )
            self._end = highest + 1
        self._bids_below = [bisect_left(self._bid_limits, start) for start in self._starts]
        self._asks_up_to = [bisect_right(self._ask_limits, start) for start in self._starts]

    def take_off(self, order: AuctionOrder, *, is_buy: bool) -> None:
        """Count an order no longer."""
        limits, lots = (
            (self._bid_limits, self._bid_lots) if is_buy else (self._ask_limits, self._ask_lots)
        )
        lots[bisect_left(limits, order.limit_ticks)] -= order.lots

    def indicate(self, reference_ticks: int) -> Indication | None:
        """See :func:`indicate`.

        The higher the price, the less demand and the more supply. So most trades either at the
        highest prices where demand reaches supply, or at the lowest where it does not.
        """
        bids = list(accumulate(self._bid_lots, initial=0))
        asks = list(accumulate(self._ask_lots, initial=0))

        def both(at: int) -> tuple[int, int]:
            return bids[-1] - bids[self._bids_below[at]], asks[self._asks_up_to[at]]

        def is_short(at: int) -> bool:
            demand, supply = both(at)
            return demand < supply

        everywhere = range(len(self._starts))
        first_short = bisect_left(everywhere, True, key=is_short)
        ranked: list[tuple[int, int, int, int, int]] = []
        for at in (first_short - 1, first_short):
            if at not in everywhere:
                continue
            demand, supply = both(at)
            # Where demand and supply are the same, prices differ by their distance alone.
            low = bisect_left(everywhere, (-demand, supply), hi=at, key=lambda n: _rising(both(n)))
            high = bisect_right(
                everywhere, (-demand, supply), lo=at, key=lambda n: _rising(both(n))
            )
            end = self._starts[high] if high in everywhere else self._end
            price = min(max(reference_ticks, self._starts[low]), end - 1)
            imbalance, distance = demand - supply, abs(price - reference_ticks)
            # The least of these: most volume, then imbalance, distance and price.
            ranked.append((-min(demand, supply), abs(imbalance), distance, price, imbalance))
        if not ranked:
            return None
        volume, _, _, price, imbalance = min(ranked)
        return Indication(price, -volume, imbalance) if volume else None


def _rising(demand_and_supply: tuple[int, int]) -> tuple[int, int]:
    """What never falls as the price rises."""
    demand, supply = demand_and_supply
    return -demand, supply


class _Walk:
    """Lets the first of both sides trade, and goes on from where two of one account met.

    It may, as who comes first does not depend on the price.
    """

    def __init__(self, buys: Sequence[AuctionOrder], sells: Sequence[AuctionOrder]) -> None:
        self._buys = sorted(buys, key=lambda order: (-order.limit_ticks, not order.at_market))
        self._sells = sorted(sells, key=lambda order: (order.limit_ticks, not order.at_market))
        self._gone: set[OrderId] = set()
        self.pairings: list[Pairing] = []
        self._before: list[tuple[int, int, int, int]] = []
        """For each pairing where the walk was: places on both sides, lots used of who is there."""
        self._traded_lots = 0
        self._at_buy = self._at_sell = self._buy_used = self._sell_used = 0

    def meet(self, indication: Indication) -> SelfMatch | None:
        """Go on until the volume is done, or two of one account meet, of whom the later goes."""
        price, volume = indication.price_ticks, indication.volume_lots
        while self._traded_lots < volume:
            buy, sell = self._buys[self._at_buy], self._sells[self._at_sell]
            if buy.order_id in self._gone:
                self._at_buy += 1
                continue
            if sell.order_id in self._gone:
                self._at_sell += 1
                continue
            lots = min(
                buy.lots - self._buy_used,
                sell.lots - self._sell_used,
                volume - self._traded_lots,
            )
            if buy.account == sell.account:
                later, earlier = (buy, sell) if buy.order_id > sell.order_id else (sell, buy)
                if later.prevents:
                    self._expire(later)
                    return SelfMatch(later, earlier, price, lots)
            self._pair(buy, sell, lots)
        return None

    def _pair(self, buy: AuctionOrder, sell: AuctionOrder, lots: int) -> None:
        self.pairings.append(Pairing(buy, sell, lots))
        self._before.append((self._at_buy, self._at_sell, self._buy_used, self._sell_used))
        self._traded_lots += lots
        self._buy_used += lots
        self._sell_used += lots
        if self._buy_used == buy.lots:
            self._at_buy, self._buy_used = self._at_buy + 1, 0
        if self._sell_used == sell.lots:
            self._at_sell, self._sell_used = self._at_sell + 1, 0

    def _expire(self, order: AuctionOrder) -> None:
        """Take an order out, and back what it has traded: that was the last of all."""
        self._gone.add(order.order_id)
        while self.pairings and order in (self.pairings[-1].buy, self.pairings[-1].sell):
            self._traded_lots -= self.pairings.pop().lots
            self._at_buy, self._at_sell, self._buy_used, self._sell_used = self._before.pop()
