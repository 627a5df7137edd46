"""Steps and filters of a market: exact, and a refusal names values that would pass."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.domain.instrument import (
    Asset,
    AssetName,
    Directory,
    Instrument,
    Symbol,
    check_asset,
)
from xached.domain.rejection import Reason, Rejection


def make_instrument(**changes: Any) -> Instrument:
    terms: dict[str, Any] = {
        "symbol": "BTC-USDT",
        "base": "BTC",
        "quote": "USDT",
        "base_scale": 8,
        "quote_scale": 8,
        "price_scale": 2,
        "tick_step": 5,
        "lot_units": 1_000,
        "min_price_ticks": 1,
        "max_price_ticks": 10**30,
        "min_quantity_lots": 1,
        "max_quantity_lots": 10**30,
        "max_market_quantity_lots": 10**30,
        "min_notional_units": 0,
        "max_notional_units": 10**60,
        "buy_band_up_ppm": 100_000,
        "buy_band_down_ppm": 100_000,
        "sell_band_up_ppm": 100_000,
        "sell_band_down_ppm": 100_000,
        "maker_fee_ppm": 0,
        "taker_fee_ppm": 1_000,
        "max_open_orders": 100,
    }
    return Instrument(**(terms | changes))


TICKS = st.integers(1, 10**30)


@given(TICKS)
def test_prices_round_trip(ticks: int) -> None:
    instrument = make_instrument()
    assert instrument.parse_price(instrument.format_price(ticks)) == ticks


@given(st.integers(0, 10**30))
def test_quantities_round_trip(lots: int) -> None:
    instrument = make_instrument()
    assert instrument.parse_quantity(instrument.format_quantity(lots)) == lots


@given(TICKS, TICKS)
def test_a_notional_is_the_exact_product(ticks: int, lots: int) -> None:
    instrument = make_instrument()
    price, quantity = Fraction(ticks * 5, 100), Fraction(lots * 1_000, 10**8)
    assert instrument.notional_units(ticks, lots) == price * quantity * 10**8


@given(st.integers(1, 10**12).filter(lambda cents: cents % 5))
def test_a_price_off_the_tick_names_two_that_are_on_it(cents: int) -> None:
    instrument = make_instrument()
    text = f"{cents // 100}.{cents % 100:02}"
    with pytest.raises(Rejection) as refused:
        instrument.parse_price(text)
    assert refused.value.reason is Reason.PRICE_TICK
    assert refused.value.facts["allowed"] == "a multiple of 0.05"
    below, _, above = refused.value.facts["nearest"].partition(" or ")
    assert Fraction(below) < Fraction(text) < Fraction(above)
    assert Fraction(above) - Fraction(below) == Fraction("0.05")
    assert instrument.parse_price(above) > 0


@given(st.integers(0, 40))
def test_the_nearest_value_of_a_range_is_allowed(value: int) -> None:
    instrument = make_instrument(
        min_price_ticks=10,
        max_price_ticks=20,
        min_quantity_lots=10,
        max_quantity_lots=20,
        max_market_quantity_lots=15,
        min_notional_units=10,
        max_notional_units=20,
    )
    for check, reason, highest, read in (
        (instrument.check_price, Reason.PRICE_RANGE, 20, instrument.parse_price),
        (
            lambda lots: instrument.check_quantity(lots, market=False),
            Reason.QUANTITY_RANGE,
            20,
            instrument.parse_quantity,
        ),
        (
            lambda lots: instrument.check_quantity(lots, market=True),
            Reason.QUANTITY_RANGE,
            15,
            instrument.parse_quantity,
        ),
        (
            instrument.check_notional,
            Reason.NOTIONAL_RANGE,
            20,
            lambda text: int(Fraction(text) * 10**8),
        ),
    ):
        if 10 <= value <= highest:
            check(value)
            continue
        with pytest.raises(Rejection) as refused:
            check(value)
        assert refused.value.reason is reason
        nearest = read(refused.value.facts["nearest"])
        assert nearest == (10 if value < 10 else highest)
        check(nearest)


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "BTCUSDT"},
        {"base": "USDT", "symbol": "USDT-USDT"},
        {"price_scale": 25},
        {"tick_step": 0},
        {"lot_units": 0},
        {"lot_units": 1, "tick_step": 1, "price_scale": 8},
        {"min_price_ticks": 0},
        {"min_price_ticks": 10**31},
        {"min_quantity_lots": 0},
        {"max_market_quantity_lots": 0},
        {"min_notional_units": -1},
        {"sell_band_up_ppm": 0},
        {"sell_band_down_ppm": 1_000_001},
        {"buy_band_down_ppm": 0},
        {"maker_fee_ppm": 1_000_000},
        {"taker_fee_ppm": -1},
        {"max_open_orders": 0},
        {"max_open_orders": 1_001},
    ],
    ids=str,
)
def test_rules_that_contradict_each_other_are_refused(changes: dict[str, Any]) -> None:
    make_instrument().check()
    with pytest.raises(Rejection) as refused:
        make_instrument(**changes).check()
    assert refused.value.reason is Reason.INSTRUMENT_SPEC


@pytest.mark.parametrize(
    ("name", "scale"),
    [("btc", 8), ("B", 8), ("B" * 13, 8), ("BTC ", 8), ("BTC.", 8), ("BTC", -1), ("BTC", 25)],
)
def test_assets_that_could_never_be_listed_are_refused(name: str, scale: int) -> None:
    check_asset(Asset(AssetName("USDT.PAPER"), 24))
    with pytest.raises(Rejection) as refused:
        check_asset(Asset(AssetName(name), scale))
    assert refused.value.reason is Reason.INSTRUMENT_SPEC


def test_the_directory_finds_what_is_listed() -> None:
    directory = Directory()
    instrument = make_instrument()
    directory.list_asset(Asset(AssetName("BTC"), 8))
    directory.list_instrument(instrument)
    assert directory.instrument("BTC-USDT") is instrument
    assert directory[Symbol("BTC-USDT")] is instrument
    assert directory.asset("BTC").scale == 8
    assert list(directory) == ["BTC-USDT"]
    assert len(directory) == 1
    assert set(directory.assets) == {"BTC"}
    with pytest.raises(Rejection) as refused:
        directory.instrument("X" * 100)
    assert refused.value.reason is Reason.UNKNOWN_INSTRUMENT
    assert len(refused.value.facts["given"]) == 40
    with pytest.raises(Rejection) as refused:
        directory.asset("ETH")
    assert refused.value.reason is Reason.UNKNOWN_ASSET
