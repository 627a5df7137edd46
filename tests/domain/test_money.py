"""Amounts as text: exact both ways, and nothing but plain decimals is read."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xached.domain.money import DIGITS_MAX, ceil_div, format_fixed, format_units, parse_decimal
from xached.domain.rejection import Reason, Rejection

UNITS = st.integers(0, 10**30)
SCALES = st.integers(0, 24)


@given(UNITS, SCALES)
@example(10**30, 18)
@example(0, 0)
@example(1, 24)
def test_what_is_written_is_read_back(units: int, scale: int) -> None:
    assert parse_decimal(format_units(units, scale), scale) == units
    assert parse_decimal(format_fixed(units, scale), scale) == units


@given(st.integers(-(10**30), 10**30), SCALES)
def test_written_text_is_exact_and_shortest(units: int, scale: int) -> None:
    text = format_units(units, scale)
    assert Fraction(Decimal(text)) == Fraction(units, 10**scale)
    assert "." not in text or text[-1] not in "0."
    fixed = format_fixed(units, scale)
    assert Fraction(Decimal(fixed)) == Fraction(units, 10**scale)
    assert len(fixed.partition(".")[2]) == scale


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ".", "-", "-1", "+1", "1e5", "1E5", "NaN", "nan", "inf", "Infinity", ".5", "5.",
        "1,000", "1_000", "1 000", " 1", "1 ", "1\n", "\n1", "0x10", "1.2.3", "1..2", "--1", "1-",
        "\u0661\u0662", "\uff11", "\u00b2", "\u2155", "1\u0000", "1\u200b", "1.\u0661", "\u22121",
        "9" * (DIGITS_MAX + 1), "0." + "0" * DIGITS_MAX, "1" * 100_000, "1e999999999",
    ],
)  # fmt: skip
def test_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(Rejection) as refused:
        parse_decimal(text, 8, "price")
    assert refused.value.reason is Reason.AMOUNT_FORMAT
    assert refused.value.facts["field"] == "price"
    assert len(refused.value.facts["given"]) <= DIGITS_MAX + 1


@given(st.text("0123456789.+-eE _,\u0663\n", max_size=12), st.integers(0, 8))
def test_text_is_read_exactly_or_refused(text: str, scale: int) -> None:
    reason: Reason | None = None
    try:
        units = parse_decimal(text, scale)
    except Rejection as rejection:
        reason = rejection.reason
    else:
        assert text.isascii()
        assert text.replace(".", "", 1).isdigit()
        assert Fraction(text) * 10**scale == units
    assert reason in (None, Reason.AMOUNT_FORMAT, Reason.AMOUNT_PRECISION)


def test_decimals_beyond_the_scale_are_refused_unless_they_are_zeros() -> None:
    assert parse_decimal("1.230000", 2) == 123
    assert parse_decimal("007", 0) == 7
    assert parse_decimal("7.000", 0) == 7
    with pytest.raises(Rejection) as refused:
        parse_decimal("1.2301", 2, "amount")
    assert refused.value.reason is Reason.AMOUNT_PRECISION
    assert refused.value.facts == {
        "field": "amount",
        "given": "1.2301",
        "allowed": "at most 2 decimal places",
    }


def test_the_longest_number_is_read() -> None:
    assert parse_decimal("9" * DIGITS_MAX, 0) == 10**DIGITS_MAX - 1
    assert parse_decimal("9" * (DIGITS_MAX - 18) + "." + "9" * 18, 18) == 10**DIGITS_MAX - 1


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_ceil_div_rounds_up(numerator: int, denominator: int) -> None:
    quotient = ceil_div(numerator, denominator)
    assert quotient - 1 < Fraction(numerator, denominator) <= quotient
