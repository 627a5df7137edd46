"""Averages over time are what all the single prices say."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from xached.domain.prices import (
    AVERAGE_WINDOW_S,
    SECOND_NS,
    AveragePrice,
    ReferenceBuckets,
    median,
)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 9), st.integers(1, 9)), max_size=40))
def test_an_average_is_what_the_trades_of_five_minutes_say(
    steps: list[tuple[int, int, int]],
) -> None:
    average, trades, now_s = AveragePrice(), [], 0
    for wait_s, price, lots in steps:
        now_s += wait_s
        average.trade(price * lots, lots, now_s * SECOND_NS + 7)
        trades.append((now_s, price * lots, lots))
        for later_s in (now_s, now_s + 150, now_s + AVERAGE_WINDOW_S):
            recent = [each for each in trades if each[0] > later_s - AVERAGE_WINDOW_S]
            volume = sum(lots for _, _, lots in recent)
            expected = (
                1_000 * sum(notional for _, notional, _ in recent) // volume if volume else None
            )
            assert average.notional_of(1_000, later_s * SECOND_NS) == expected
        assert len(average.seconds) <= AVERAGE_WINDOW_S + 1
        assert AveragePrice(average.seconds) == average


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(1, 50)), min_size=1, max_size=40),
    st.integers(1, 12),
    st.integers(1, 4),
)
def test_a_reference_is_what_the_marks_of_the_window_say(
    steps: list[tuple[int, int]], width_ns: int, count: int
) -> None:
    """A mark counts whole while its bucket is inside, and by the part of it that is inside."""
    buckets, now_ns = ReferenceBuckets(), 0
    marks: list[tuple[int, int]] = []
    for wait_ns, ticks in steps:
        now_ns += wait_ns
        cutoff_ns = now_ns - width_ns * count
        weight = total = Fraction(0)
        for at_ns, earlier in [*marks, (now_ns, ticks)]:
            closes_ns = at_ns - at_ns % width_ns + width_ns
            part = min(Fraction(1), max(Fraction(0), Fraction(closes_ns - cutoff_ns, width_ns)))
            weight += part
            total += part * earlier
        assert buckets.average_with(ticks, now_ns, width_ns, count) == total // weight
        marks.append((now_ns, ticks))
        buckets.mark(ticks, now_ns, width_ns, count)
        assert len(buckets.buckets) <= count + 1


@given(st.lists(st.integers(1, 99), min_size=1, max_size=5))
def test_a_median_has_as_many_below_as_above(values: list[int]) -> None:
    middle = median(values)
    below, above = sum(v < middle for v in values), sum(v > middle + 1 for v in values)
    assert max(below, above) <= len(values) // 2
    if len(values) % 2:
        assert middle in values
