"""Times of a calendar are those of crontab, in UTC, and come in order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.runtime.schedule import NS_PER_S, Schedule

DAY_S = 86_400
SUNDAY_3_AM = 3 * DAY_S + 3 * 3_600
"""1970 began on a Thursday."""


def test_a_week_from_sunday_to_sunday() -> None:
    weekly = Schedule("0 3 * * sun")
    first = weekly.next_ns(0)
    assert first == SUNDAY_3_AM * NS_PER_S
    assert weekly.next_ns(first) == first + 7 * DAY_S * NS_PER_S
    assert weekly.next_ns(first - 1) == first
    assert list(weekly.between(first, first + 15 * DAY_S * NS_PER_S)) == [
        first + week * 7 * DAY_S * NS_PER_S for week in range(3)
    ]
    assert weekly == Schedule("0 3 * * sun")


@given(st.integers(0, 2 * 10**18))
def test_the_next_time_is_the_first_one_after(after_ns: int) -> None:
    found = Schedule("*/15 * * * *").next_ns(after_ns)
    step_ns = 900 * NS_PER_S
    assert found == (after_ns // step_ns + 1) * step_ns


def test_a_day_that_never_comes() -> None:
    assert Schedule("0 0 30 feb *").next_ns(0) is None


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("weekly", "is 'minute hour day month weekday'"),
        ("0 3 * * 0", "weekdays are named"),
        ("0 3 * * 1-5", "weekdays are named"),
        ("99 * * * *", "is higher than the maximum"),
    ],
)
def test_what_is_no_schedule(text: str, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        Schedule(text)
