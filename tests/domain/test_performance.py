"""The course of a worth: what it earned, whatever came in and went out."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from xached.domain.performance import Worth, measure_course


def worths(*told: tuple[int, int, int]) -> list[Worth]:
    return [
        Worth(at_ns=number, value=Fraction(value), came_in=Fraction(into), went_out=Fraction(out))
        for number, (value, into, out) in enumerate(told)
    ]


def test_what_comes_in_and_goes_out_earns_nothing() -> None:
    course = measure_course(worths((100, 0, 0), (1_100, 1_000, 0), (100, 0, 1_000)))
    assert course.returns_ppm == (0, 0, 0)
    assert course.gain == course.flows == Fraction(0)


def test_a_return_is_weighted_by_time_and_not_by_money() -> None:
    # Ten percent of 100, then, of 1,110, another ten percent lost.
    course = measure_course(worths((100, 0, 0), (110, 0, 0), (999, 1_000, 0)))
    assert course.returns_ppm == (0, 100_000, -10_000)
    assert (course.gain, course.flows) == (Fraction(-101), Fraction(1_000))
    assert course.drawdown_ppm == 100_000


def test_all_can_be_lost_and_nothing_had() -> None:
    assert measure_course([]).returns_ppm == ()
    assert measure_course(worths((0, 0, 0), (50, 50, 0), (0, 0, 0))).returns_ppm == (
        0,
        0,
        -1_000_000,
    )
    assert measure_course(worths((0, 0, 0), (0, 0, 0))).drawdown_ppm == 0


@given(st.lists(st.tuples(*[st.integers(0, 10**30)] * 3), min_size=1, max_size=20))
def test_gain_and_flows_make_up_the_difference(told: list[tuple[int, int, int]]) -> None:
    course = measure_course(worths(*told))
    assert course.gain + course.flows == told[-1][0] - told[0][0]
    assert 0 <= course.drawdown_ppm <= 10**6
    assert all(each >= -(10**6) for each in course.returns_ppm)
