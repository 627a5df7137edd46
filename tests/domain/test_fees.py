"""Fees and holds: no way of filling an order needs more than it holds, or costs more in fees."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from xached.domain.fees import buy_hold_units, due_units
from xached.domain.plan import budget_notional_units, target_notional_units

PPM = 1_000_000
RATES = st.one_of(st.sampled_from([0, 1, 999, 1_000, 999_999]), st.integers(0, 999_999))
PRICE_UNITS = st.one_of(st.integers(1, 30), st.integers(1, 10**30))
"""Quote units of one lot at the limit."""
FILLS = st.lists(
    st.tuples(st.integers(1, 40), st.fractions(0, 1), st.booleans()), min_size=1, max_size=30
)
"""(lots, share of the limit that the price is better by, as maker) of each fill."""


@given(PRICE_UNITS, FILLS, st.integers(0, 50), RATES, RATES)
def test_no_sequence_of_fills_needs_more_than_the_hold(
    limit_units: int,
    fills: list[tuple[int, Fraction, bool]],
    never_filled_lots: int,
    taker_fee_ppm: int,
    maker_fee_ppm: int,
) -> None:
    def needed(leaves_lots: int) -> int:
        return buy_hold_units(
            leaves_notional_units=leaves_lots * limit_units,
            taker_notional_units=taker,
            taker_fee_ppm=taker_fee_ppm,
            maker_notional_units=maker,
            maker_fee_ppm=maker_fee_ppm,
            charged_units=charged,
        )

    taker = maker = charged = 0
    leaves = sum(lots for lots, _, _ in fills) + never_filled_lots
    held = needed(leaves)
    for lots, better, as_maker in fills:
        notional = lots * max(1, math.floor(limit_units * (1 - better)))
        if as_maker:
            maker += notional
        else:
            taker += notional
        due = due_units(
            taker_notional_units=taker,
            taker_fee_ppm=taker_fee_ppm,
            maker_notional_units=maker,
            maker_fee_ppm=maker_fee_ppm,
        )
        fee = due - charged
        charged = due
        leaves -= lots
        assert fee >= 0
        assert fee <= notional, "a seller would get less than nothing"
        held -= notional + fee
        assert held >= needed(leaves) >= 0
        held = needed(leaves)
    worse = max(taker_fee_ppm, maker_fee_ppm)
    assert charged <= math.ceil(Fraction((taker + maker) * worse, PPM))
    assert charged == math.ceil(Fraction(taker * taker_fee_ppm + maker * maker_fee_ppm, PPM))
    assert leaves or held == 0


@given(st.integers(0, 10**30), RATES)
def test_a_budget_buys_all_that_fits_with_its_fee(quote_units: int, fee_ppm: int) -> None:
    def cost(notional: int) -> int:
        return notional + math.ceil(Fraction(notional * fee_ppm, PPM))

    notional = budget_notional_units(quote_units, fee_ppm)
    assert cost(notional) <= quote_units < cost(notional + 1)


@given(st.integers(1, 10**30), RATES)
def test_a_target_sells_the_least_that_reaches_it(quote_units: int, fee_ppm: int) -> None:
    def proceeds(notional: int) -> int:
        return notional - math.ceil(Fraction(notional * fee_ppm, PPM))

    notional = target_notional_units(quote_units, fee_ppm)
    assert proceeds(notional - 1) < quote_units <= proceeds(notional)
