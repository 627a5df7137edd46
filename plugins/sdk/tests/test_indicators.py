"""Indicators: bar by bar and over columns give the same bits, and settings are checked."""

from __future__ import annotations

import inspect
import itertools
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.indicators.about import WINDOW_MAX, Input, Parameter
from xache_sdk.indicators.averages import Ema, Sma
from xache_sdk.indicators.book import OrderBookImbalance
from xache_sdk.indicators.channels import BollingerBands
from xache_sdk.indicators.momentum import Macd, Rsi
from xache_sdk.indicators.registry import INDICATORS, Indicator, make_indicator, run_over
from xache_sdk.indicators.volatility import Atr
from xache_sdk.indicators.volume import Vwap

EVERY = sorted(INDICATORS)
# The last makes sums of squares, products and finally plain sums too large for int64.
SCALES = (1, 10**7, 2**31, 2**53, 2**61)


@st.composite
def histories(draw: st.DrawFn) -> dict[Input, list[Any]]:
    """Bars at any scale: quiet stretches, jumps, bars without volume, missing bars.

    The closes are drawn; what surrounds them follows from a drawn seed, which is much quicker.
    """
    scale = draw(st.sampled_from(SCALES))
    price = st.one_of(st.integers(1, 4), st.integers(1, scale), st.integers(scale, scale + 9))
    runs = draw(st.lists(st.tuples(price, st.integers(1, 12)), max_size=12))
    close = [each for each, length in runs for _ in range(length)]
    reach = draw(st.sampled_from((0, 3, scale)))
    volume = draw(st.sampled_from((0, 1, 10**9, scale)))
    gap_s = draw(st.sampled_from((0, 60, 20_000)))
    chance = random.Random(draw(st.integers(0, 2**32)))

    def each_up_to(most: int) -> list[int]:
        return [chance.randint(0, most) for _ in close]

    books = [[[chance.randint(0, volume) for _ in range(8)] for _ in close] for _ in "ba"]
    opened = itertools.accumulate(60 + each for each in each_up_to(gap_s))
    return {
        Input.OPEN_AT: [each * 10**9 for each in opened],
        Input.CLOSE: close,
        Input.HIGH: [each + up for each, up in zip(close, each_up_to(reach), strict=True)],
        Input.LOW: [
            max(0, each - down) for each, down in zip(close, each_up_to(reach), strict=True)
        ],
        Input.VOLUME: each_up_to(volume),
        Input.BIDS: books[0],
        Input.ASKS: books[1],
    }


@st.composite
def chosen_settings(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Small settings, so that the series above are long enough to be warm."""
    chosen: dict[str, Any] = {}
    for parameter in INDICATORS[name].about.parameters:
        if parameter.whole:
            least = int(parameter.least)
            chosen[parameter.name] = draw(st.integers(least, min(int(parameter.most), least + 8)))
        else:
            chosen[parameter.name] = draw(st.floats(float(parameter.least), float(parameter.most)))
    if name == "macd":
        chosen["slow"] += chosen["fast"]
    if name == "parabolic_sar":
        chosen["maximum"] = max(chosen.values())
    return chosen


def streamed(indicator: Indicator, rows: Sequence[Sequence[Any]]) -> Iterator[tuple[float, ...]]:
    """What ``push`` gives, NaN for None; checks that it is None exactly until warm."""
    missing = (float("nan"),) * len(indicator.about.outputs)
    for number, row in enumerate(rows, start=1):
        result = indicator.push(*row)
        assert (result is None) == (number < indicator.warm_up)
        if result is None:
            yield missing
        else:
            values = result if isinstance(result, tuple) else (result,)
            assert all(map(math.isfinite, values))
            yield values


@pytest.mark.parametrize("name", EVERY)
@settings(max_examples=1_000 if os.environ.get("XACHE_LONG") else 100, deadline=None)
@given(data=st.data())
def test_columns_have_the_bits_of_the_stream(name: str, data: st.DataObject) -> None:
    history = data.draw(histories())
    indicator = make_indicator(name, data.draw(chosen_settings(name)))
    inputs = indicator.about.inputs
    rows = list(zip(*(history[each] for each in inputs), strict=True))
    stream = np.array(list(streamed(indicator, rows)), dtype=np.float64)
    named = {each.value: np.array(history[each], dtype=np.int64) for each in inputs}
    if Input.BIDS in inputs:
        named = {name: column.reshape(len(rows), 8) for name, column in named.items()}
    for index, column in enumerate(run_over(indicator, named).values()):
        assert column.dtype == np.float64
        expected = stream[:, index] if rows else np.empty(0)
        np.testing.assert_array_equal(column.view(np.int64), expected.copy().view(np.int64))


@pytest.mark.parametrize("name", EVERY)
def test_what_is_said_of_it_is_true(name: str) -> None:
    kind = INDICATORS[name]
    about = kind.about
    assert about.name == name
    defaults = {
        each.name: each.default for each in inspect.signature(kind).parameters.values()
    }  # fmt: skip
    assert defaults == {each.name: each.default for each in about.parameters}
    assert all(each.mistake(each.default) is None for each in about.parameters)
    indicator = kind()
    for parameter in about.parameters:
        assert getattr(indicator, parameter.name) == parameter.default
    pushed = list(inspect.signature(indicator.push).parameters)
    over = list(inspect.signature(indicator.over).parameters)
    assert over == [each.value for each in about.inputs]
    assert pushed == over or pushed == ["value"]
    assert kind.__doc__
    assert about.source


@pytest.mark.parametrize("name", EVERY)
def test_over_neither_uses_nor_changes_what_was_pushed(name: str) -> None:
    used, fresh = make_indicator(name, {}), make_indicator(name, {})
    steps = range(300)
    history: dict[Input, list[Any]] = {
        Input.OPEN_AT: [step * 3_600 * 10**9 for step in steps],
        Input.HIGH: [100 + step % 7 for step in steps],
        Input.LOW: [90 - step % 5 for step in steps],
        Input.CLOSE: [95 + step % 3 for step in steps],
        Input.VOLUME: [step % 11 for step in steps],
        Input.BIDS: [[step % 5, step % 7] for step in steps],
        Input.ASKS: [[step % 6, step % 8] for step in steps],
    }
    named = {each.value: history[each] for each in used.about.inputs}
    rows = list(zip(*named.values(), strict=True))
    for row in rows[:50]:
        used.push(*row)
        fresh.push(*row)
    for column, again in zip(
        run_over(used, named).values(), run_over(kind_of(name), named).values(), strict=True
    ):
        np.testing.assert_array_equal(column, again)
    assert [used.push(*row) for row in rows[50:]] == [fresh.push(*row) for row in rows[50:]]


def kind_of(name: str) -> Indicator:
    """One that was never pushed to."""
    return make_indicator(name, {})


def test_equal_averages_compare_equal() -> None:
    """Sums of floats would drift apart after the spike."""
    short, long = Sma(2), Sma(6)
    for value in (10**15, 1, 7, 1, 7, 1, 7):
        short.push(value)
        long.push(value)
    assert (short.push(1), long.push(1)) == (4.0, 4.0)


def test_a_standing_market_has_no_width() -> None:
    bands = BollingerBands(5)
    for value in (3, 10**15 + 1, 7, 7, 7, 7):
        bands.push(value)
    assert bands.push(7) == (7.0, 7.0, 7.0)


@pytest.mark.parametrize(
    ("name", "given", "text"),
    [
        ("sma", {"window": 0}, "sma: window is from 1 to 100,000, not 0"),
        ("sma", {"window": WINDOW_MAX + 1}, "window is from 1 to 100,000"),
        ("sma", {"window": 2.5}, r"window is a whole number, not 2\.5"),
        ("sma", {"window": True}, "window is a whole number, not True"),
        ("sma", {"window": "20"}, "window is a whole number, not '20'"),
        ("sma", {"windows": 20}, "sma: no setting 'windows'; there are window"),
        ("macd", {"fast": 0, "signal": 0}, "fast is from 1 .*; signal is from 1"),
        ("macd", {"fast": 26}, "fast is less than slow"),
        ("bollinger", {"deviations": float("nan")}, "deviations is from 0 to 100"),
        ("bollinger", {"deviations": "2"}, "deviations is a number"),
        ("sme", {}, "no indicator 'sme'; there are sma, ema"),
    ],
)
def test_settings_that_cannot_be(name: str, given: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make_indicator(name, given)


def test_columns_that_cannot_be() -> None:
    columns: list[list[Any]] = [[1.5, 2.0], ["1"], [2**63], [None]]
    for wrong in columns:
        with pytest.raises(TypeError, match="whole numbers"):
            Sma(1).over(wrong)
    with pytest.raises(ValueError, match="dimensions: 1"):
        Sma(1).over([[1, 2]])
    with pytest.raises(ValueError, match="same length"):
        Atr(1).over([1, 2], [1, 2], [1])
    with pytest.raises(KeyError, match="low_ticks"):
        run_over(Atr(1), {"high_ticks": [1], "close_ticks": [1]})


def test_columns_may_be_lists_or_smaller_integers() -> None:
    for column in ([1, 2, 6], np.array([1, 2, 6], np.uint8), np.array([1, 2, 6], np.uint64)):
        np.testing.assert_array_equal(Sma(3).over(column), [np.nan, np.nan, 3.0])
    assert Sma(3).over([]).shape == (0,)


def test_settings_describe_themselves() -> None:
    (parameter,) = Rsi.about.parameters
    assert parameter == Parameter("window", 14, "changes smoothed", 1, WINDOW_MAX)
    assert (Ema(3).warm_up, Rsi(14).warm_up, Macd().warm_up) == (3, 15, 34)


def test_a_stream_needs_no_numpy() -> None:
    """Importing it starts threads, before the process is sealed."""
    code = (
        "import sys; from xache_sdk.indicators.registry import INDICATORS, make_indicator\n"
        "for name in INDICATORS:\n"
        "    made = make_indicator(name, {})\n"
        "    row = [[1] if each.value[:3] in ('bid', 'ask') else 1 for each in made.about.inputs]\n"
        "    for _ in range(99): made.push(*row)\n"
        "sys.exit('numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_realised_volatility_is_the_root_of_summed_squared_returns() -> None:
    closes = [10_000, 10_100, 9_950, 9_950, 10_400]
    window = make_indicator("realised_volatility", {"window": 4})
    yearly = make_indicator("realised_volatility", {"window": 4, "bars_per_year": 365})
    returns = np.diff(np.log(closes))
    expected = math.sqrt(float(np.sum(returns**2)))
    assert run_last(window, closes) == pytest.approx(expected, rel=1e-14)
    assert run_last(yearly, closes) == pytest.approx(expected * math.sqrt(365 / 4), rel=1e-14)
    with pytest.raises(ValueError, match="positive prices"):
        window.push(0)


def run_last(indicator: Indicator, closes: Sequence[int]) -> Any:
    """The result for the last close."""
    return [indicator.push(close) for close in closes][-1]


def test_the_imbalance_counts_the_best_levels_of_both_sides() -> None:
    imbalance = OrderBookImbalance(depth=2)
    assert imbalance.push([3, 3, 100], [2, 0]) == 0.5
    assert imbalance.push([], [7]) == -1.0
    assert imbalance.push([], []) == 0.0


def test_the_average_price_begins_anew_with_each_session() -> None:
    day_ns = 86_400 * 10**9
    vwap, endless = Vwap(), Vwap(session_s=0)
    bars = [(day_ns - 1, 12, 9, 9, 5), (day_ns, 20, 20, 20, 0), (day_ns + 1, 31, 29, 30, 15)]
    assert [vwap.push(*bar) for bar in bars] == [10.0, 20.0, 30.0]
    assert [endless.push(*bar) for bar in bars] == [10.0, 10.0, 25.0]


def test_a_standing_market_has_the_middle_of_every_scale() -> None:
    middles = {
        "rsi": (50.0,), "stochastic": (50.0, 50.0), "stochastic_rsi": (50.0, 50.0),
        "williams_r": (-50.0,), "mfi": (50.0,), "cci": (0.0,), "z_score": (0.0,), "roc": (0.0,),
        "adx": (0.0, 0.0, 0.0), "realised_volatility": (0.0,), "trix": (0.0,), "obv": (0.0,),
    }  # fmt: skip
    for name, middle in middles.items():
        indicator = make_indicator(name, {})
        row = [7] * len(indicator.about.inputs)
        *_, last = streamed(indicator, [row] * 60)
        assert last == middle, name


def test_a_quiet_bar_leaves_the_rsi_as_it_is() -> None:
    """Else rounding moves it by some 1e-14, and its stochastic reads a range into that."""
    rsi = Rsi(3)
    *_, before = [rsi.push(close) for close in (100, 103, 101, 104, 102)]
    assert {rsi.push(102) for _ in range(200)} == {before}
