"""Token buckets against a naive model, and the bound of their table."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from xached.domain.rate_limits import NS_PER_S, SWEEP_NS, Buckets, Rate


@given(
    st.sampled_from([1, 2, 5, 10, 1000]),
    st.integers(1, 20),
    st.lists(st.integers(0, 2 * NS_PER_S), max_size=60),
)
def test_a_bucket_is_what_it_is_called(per_s: int, burst: int, waits: list[int]) -> None:
    """The model counts tokens in fractions; the bucket keeps one time."""
    buckets, now_ns = Buckets(Rate(per_s, burst)), 0
    tokens = Fraction(burst)
    for wait_ns in waits:
        now_ns += wait_ns
        tokens = min(Fraction(burst), tokens + Fraction(wait_ns * per_s, NS_PER_S))
        left = buckets.take("a", now_ns)
        if tokens >= 1:
            tokens -= 1
            assert left == int(tokens)
        else:
            assert left == -((1 - tokens) * NS_PER_S / per_s)


def test_a_refusal_says_when_it_helps_to_come_back() -> None:
    buckets = Buckets(Rate(2, 3))
    assert [buckets.take("a", 0) for _ in range(4)] == [2, 1, 0, -NS_PER_S // 2]
    assert buckets.take("b", 0) == 2
    assert buckets.take("a", NS_PER_S // 2 - 1) == -1
    assert buckets.take("a", NS_PER_S // 2) == 0


def test_the_table_is_bounded_and_those_who_know_their_bucket_keep_it() -> None:
    """Checked: without the shared bucket a flood of names is taken without end."""
    buckets = Buckets(Rate(1, 2), names_max=10)
    for number in range(10):
        assert buckets.take(str(number), 0) == 1
    taken = sum(buckets.take(f"new {number}", 1) >= 0 for number in range(1_000))
    assert taken == 2
    assert len(buckets) <= 11
    assert buckets.take("5", 1) == 0
    # Whoever waited long enough is full, and makes room.
    later_ns = 3 * NS_PER_S + SWEEP_NS
    assert buckets.take("late", later_ns) == 1
    assert len(buckets) <= 2
