"""Prices that are sums over time: AVERAGE of trades, REFERENCE of marks.

AVERAGE is the volume-weighted price of an instrument's own trades of the last five minutes. Trades
are summed up by second, so that however many there are, at most 301 sums are kept and one trade
costs an addition. Reading changes nothing: what has become too old is passed over, and is dropped
with the next trade.
"""

from __future__ import annotations

from collections import deque

import attrs

SECOND_NS = 1_000_000_000
AVERAGE_WINDOW_S = 300
"""As Binance's ``avgPriceMins`` of 5."""


@attrs.define
class AveragePrice:
    """What was traded lately. ``seconds`` lists [second, notional, lots], the oldest first."""

    seconds: deque[list[int]] = attrs.field(factory=deque)
    notional_units: int = attrs.field(default=0, init=False)
    lots: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.notional_units = sum(notional for _, notional, _ in self.seconds)
        self.lots = sum(lots for _, _, lots in self.seconds)

    def trade(self, notional_units: int, lots: int, at_ns: int) -> None:
        """Count a trade."""
        seconds, second = self.seconds, at_ns // SECOND_NS
        if seconds and seconds[-1][0] == second:
            newest = seconds[-1]
            newest[1] += notional_units
            newest[2] += lots
        else:
            while seconds and seconds[0][0] <= second - AVERAGE_WINDOW_S:
                _, old_notional, old_lots = seconds.popleft()
                self.notional_units -= old_notional
                self.lots -= old_lots
            seconds.append([second, notional_units, lots])
        self.notional_units += notional_units
        self.lots += lots

    def notional_of(self, lots: int, now_ns: int) -> int | None:
        """What so many lots cost at the average, rounded down; None without a trade."""
        oldest = now_ns // SECOND_NS - AVERAGE_WINDOW_S
        notional, traded = self.notional_units, self.lots
        for second, old_notional, old_lots in self.seconds:
            if second > oldest:
                break
            notional -= old_notional
            traded -= old_lots
        return lots * notional // traded if traded else None


@attrs.define
class ReferenceBuckets:
    """Marks by buckets of time. ``buckets`` lists [opened at, marks, their sum], oldest first.

    REFERENCE is the sum over the window divided by the count, rounded down, as in Binance's price
    range rule: a bucket that began before the window counts for the part of it that is inside.
    Here that part is always measured from the whole bucket, so that it does not matter how often
    the price was worked out in between.
    """

    buckets: deque[list[int]] = attrs.field(factory=deque)

    def mark(self, ticks: int, at_ns: int, width_ns: int, count: int) -> None:
        """Count a mark, and drop what no later window can reach."""
        opened_ns = at_ns - at_ns % width_ns
        while self.buckets and self.buckets[0][0] + width_ns <= at_ns - width_ns * count:
            self.buckets.popleft()
        if self.buckets and self.buckets[-1][0] == opened_ns:
            newest = self.buckets[-1]
            newest[1] += 1
            newest[2] += ticks
        else:
            self.buckets.append([opened_ns, 1, ticks])

    def average_with(self, ticks: int, at_ns: int, width_ns: int, count: int) -> int:
        """The average that a mark makes now. Reads only."""
        cutoff_ns = at_ns - width_ns * count
        marks, total = width_ns, ticks * width_ns
        for opened_ns, bucket_marks, bucket_total in self.buckets:
            inside_ns = min(width_ns, opened_ns + width_ns - cutoff_ns)
            if inside_ns > 0:
                marks += bucket_marks * inside_ns
                total += bucket_total * inside_ns
        return total // marks


def median(values: list[int]) -> int:
    """The middle one; of an even number the mean of the two in the middle, rounded down."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) // 2
