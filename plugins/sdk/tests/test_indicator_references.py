"""Indicators against the values of others: TA-Lib, and the hand-checked tables of Stock Indicators.

Where the two differ from each other (how smoothing begins, which of equal prices counts), the class
says which it follows, and the rows here say where the other may differ. See references/NOTICE.md.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from attrs import field, frozen
from numpy.typing import NDArray
from xache_sdk.indicators.about import Unit
from xache_sdk.indicators.registry import INDICATORS, make_indicator, run_over

HERE = Path(__file__).parent / "references"
NS_PER_DAY = 86_400 * 10**9
Floats = NDArray[np.float64]


@frozen
class Check:
    """One output of an indicator, and the column that has the same.

    ``tolerance`` is relative to the column's largest magnitude: ours is exact in ticks, theirs adds
    up floats. ``fades`` bars at the beginning may differ, because the smoothing begins differently.
    ``ahead``: their row for a bar is ours for so many bars later.
    """

    name: str
    column: str
    output: str = "value"
    settings: Mapping[str, Any] = field(factory=dict)
    tolerance: float = 1e-13
    fades: int = 0
    ahead: int = 0
    from_zero: bool = False
    """Theirs begins with the first volume, ours with zero."""
    standing: bool = True
    """Whether it also agrees where the market stands still."""


def check(name: str, column: str, output: str = "value", **more: Any) -> Check:
    known = {each.name for each in INDICATORS[name].about.parameters}
    settings = {key: more.pop(key) for key in list(more) if key in known}
    return Check(name=name, column=column, output=output, settings=settings, **more)


# Differences of nearly equal averages (triple, or of MACD and signal), and quotients of those, keep
# fewer digits.
TALIB = [
    *(check(name, name.upper(), window=30) for name in ("sma", "ema", "wma", "dema", "tema")),
    *(
        check(name, f"{name.upper()}[{window}]", window=window)
        for name in ("sma", "ema", "wma", "rsi", "atr", "roc")
        for window in (2, 5, 20, 50, 200)
    ),
    check("rsi", "RSI"),
    check("macd", "MACD.macd", "macd", fades=250),
    check("macd", "MACD.macdsignal", "signal", fades=250),
    check("macd", "MACD.macdhist", "histogram", fades=300, tolerance=1e-12),
    check("macd", "MACD[5,35,5].macd", "macd", fast=5, slow=35, signal=5, fades=300),
    check("roc", "ROC"),
    check("momentum", "MOM"),
    check("trix", "TRIX", window=30, tolerance=1e-12),
    check("stochastic", "STOCH.slowk", "k", window=5),
    check("stochastic", "STOCH.slowd", "d", window=5),
    check("stochastic", "STOCHF.fastk", "k", window=5, smooth=1),
    check("stochastic", "STOCHF.fastd", "d", window=5, smooth=1),
    check("stochastic_rsi", "STOCHRSI.fastk", "k", window=5, smooth=1, tolerance=1e-12,
          standing=False),
    check("stochastic_rsi", "STOCHRSI.fastd", "d", window=5, smooth=1, tolerance=1e-12,
          standing=False),
    check("williams_r", "WILLR"),
    check("cci", "CCI", window=14, tolerance=1e-12),
    check("adx", "ADX", "adx", fades=450),
    check("adx", "PLUS_DI", "plus_di", fades=400),
    check("adx", "MINUS_DI", "minus_di", fades=400),
    check("aroon", "AROON.aroonup", "up", window=14),
    check("aroon", "AROON.aroondown", "down", window=14),
    check("aroon", "AROONOSC", "oscillator", window=14),
    check("parabolic_sar", "SAR", "stop"),
    check("supertrend", "SUPERTREND.supertrend", "stop", fades=50),
    check("supertrend", "SUPERTREND.trend", "direction", fades=50),
    check("atr", "ATR"),
    check("bollinger", "BBANDS.upperband", "upper"),
    check("bollinger", "BBANDS.middleband", "middle"),
    check("bollinger", "BBANDS.lowerband", "lower"),
    check("bollinger", "BBANDS[10,1.5].upper", "upper", window=10, deviations=1.5),
    check("donchian", "DONCHIAN.upperband", "upper"),
    check("donchian", "DONCHIAN.middleband", "middle"),
    check("donchian", "DONCHIAN.lowerband", "lower"),
    check("obv", "OBV", from_zero=True),
    check("mfi", "MFI"),
    check("vwap", "VWAP", session_s=0),
]  # fmt: skip

SKENDER = [
    *(check(name, f"{name}.{name}", window=20) for name in ("sma", "ema")),
    check("wma", "wma.wma", window=14),
    check("dema", "dema.dema", window=14, fades=200),
    check("tema", "tema.tema", fades=320),
    check("rsi", "rsi.rsi"),
    check("macd", "macd.macd", "macd"),
    check("macd", "macd.signal", "signal"),
    check("macd", "macd.histogram", "histogram"),
    check("roc", "roc.roc", window=14),
    check("momentum", "roc.momentum", window=14),
    check("trix", "trix.trix", window=14, fades=250),
    check("stochastic", "stoch.k", "k"),
    check("stochastic", "stoch.d", "d"),
    check("stochastic_rsi", "stoch-rsi.stochRsi", "k", smooth=1),
    check("stochastic_rsi", "stoch-rsi.signal", "d", smooth=1),
    check("williams_r", "willr.williamsR"),
    check("cci", "cci.cci"),
    check("adx", "adx.adx", "adx"),
    check("adx", "adx.pdi", "plus_di"),
    check("adx", "adx.mdi", "minus_di"),
    # Of equal prices theirs takes the earliest; the last such bar is the 233rd.
    check("aroon", "aroon.aroonUp", "up", fades=233),
    check("aroon", "aroon.aroonDown", "down", fades=233),
    check("aroon", "aroon.oscillator", "oscillator", fades=233),
    # Theirs lets the turned stop lie inside the bar it turned at, as at the 251st.
    check("parabolic_sar", "psar.sar", "stop", fades=251),
    check("supertrend", "supertrend.superTrend", "stop"),
    check("ichimoku", "ichimoku.tenkanSen", "tenkan"),
    check("ichimoku", "ichimoku.kijunSen", "kijun"),
    check("ichimoku", "ichimoku.senkouSpanA", "senkou_a"),
    check("ichimoku", "ichimoku.senkouSpanB", "senkou_b"),
    check("ichimoku", "ichimoku.chikouSpan", "chikou", ahead=26),
    check("atr", "atr.atr"),
    check("bollinger", "bb.upperBand", "upper"),
    check("bollinger", "bb.sma", "middle"),
    check("bollinger", "bb.lowerBand", "lower"),
    check("z_score", "bb.zScore"),
    check("z_score", "stdev.zScore", window=14),
    check("keltner", "keltner.upperBand", "upper"),
    check("keltner", "keltner.centerline", "middle"),
    check("keltner", "keltner.lowerBand", "lower"),
    # Theirs is the channel of the bars before.
    check("donchian", "donchian.upperBand", "upper", ahead=-1),
    check("donchian", "donchian.centerline", "middle", ahead=-1),
    check("donchian", "donchian.lowerBand", "lower", ahead=-1),
    check("obv", "obv.obv"),
    check("mfi", "mfi.mfi"),
    check("vwap", "vwap.vwap", session_s=0),
]


@frozen
class Table:
    """Bars as whole numbers, and what others computed from them."""

    tick: float
    lot: float
    bars: dict[str, NDArray[np.int64]]
    columns: Mapping[str, Floats]


def make_table(quotes: Mapping[str, Floats], tick: float, lot: float, **more: Any) -> Table:
    bars = {
        f"{name}_ticks": np.rint(quotes[name] / tick).astype(np.int64)
        for name in ("open", "high", "low", "close")
    }
    # A price that is not on a tick would be compared with another one.
    np.testing.assert_allclose(bars["close_ticks"] * tick, quotes["close"], rtol=1e-12)
    bars["volume_lots"] = np.rint(quotes["volume"] / lot).astype(np.int64)
    bars["open_at_ns"] = np.arange(len(quotes["close"])) * NS_PER_DAY
    return Table(tick=tick, lot=lot, bars=bars, **more)


@pytest.fixture(scope="module")
def pepe() -> Table:
    with gzip.open(HERE / "talib_pepeusdt_5m.csv.gz", "rt") as file:
        names, *rows = csv.reader(file)
    columns = {
        name: np.array([float(cell) if cell else np.nan for cell in column])
        for name, column in zip(names, zip(*rows, strict=True), strict=True)
    }
    return make_table(columns, 1e-8, 1.0, columns=columns)


@pytest.fixture(scope="module")
def bitcoin() -> Table:
    root = os.environ.get("XACHE_DATA")
    if root is None:
        pytest.skip("XACHE_DATA names no directory of reference values")
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow reads the reference values")
    read = parquet.read_table(Path(root) / "indicators" / "talib_BTCUSDT_1h_2024-01.parquet")
    columns = {
        name: np.asarray(read[name], dtype=np.float64) for name in read.column_names if name != "ts"
    }
    return make_table(columns, 0.01, 1e-5, columns=columns)


@pytest.fixture(scope="module")
def shares() -> Table:
    with gzip.open(HERE / "skender" / "quotes.csv.gz", "rb") as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file)))
    quotes = {
        name: np.array([float(row[name]) for row in rows])
        for name in ("open", "high", "low", "close", "volume")
    }
    return make_table(quotes, 0.01, 1.0, columns=SkenderColumns())


class SkenderColumns(Mapping[str, Floats]):
    """The field of a result file: ``file.field``."""

    def __getitem__(self, key: str) -> Floats:
        file, _, field_name = key.partition(".")
        results = json.loads(gzip.decompress((HERE / "skender" / f"{file}.json.gz").read_bytes()))
        return np.array(
            [np.nan if row[field_name] is None else float(row[field_name]) for row in results]
        )

    def __iter__(self) -> Any:
        return iter(())

    def __len__(self) -> int:
        return 0


def compare(check: Check, table: Table) -> None:
    indicator = make_indicator(check.name, check.settings)
    ours = run_over(indicator, table.bars)[check.output].copy()
    unit = dict(zip(indicator.about.outputs, indicator.about.units, strict=True))[check.output]
    ours *= {Unit.TICKS: table.tick, Unit.LOTS: table.lot}.get(unit, 1.0)
    theirs = table.columns[check.column]
    if check.from_zero:
        theirs = theirs - theirs[0]
    theirs = np.roll(theirs, check.ahead)
    wanted = np.arange(len(ours)) >= max(indicator.warm_up - 1, check.fades)
    wanted &= ~np.isnan(theirs)
    wanted[: max(check.ahead, 0)] = False
    if not check.standing:
        wanted &= ~stood_still(table.bars["close_ticks"])
    compared = np.count_nonzero(wanted)
    assert compared >= 100, "too few rows to say anything"
    deviation = np.abs(ours - theirs)[wanted].max() / np.abs(theirs[wanted]).max()
    assert deviation <= check.tolerance


def stood_still(close: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Where one of the last three windows of four changes had none."""
    moved = np.diff(close, prepend=close[:1]) != 0
    quiet = np.convolve(moved, np.ones(4))[: len(close)] == 0
    return np.asarray(np.convolve(quiet, np.ones(3))[: len(close)] > 0)


def name_of(check: Check) -> str:
    return f"{check.name}-{check.column}"


@pytest.mark.parametrize("check", TALIB, ids=name_of)
def test_it_is_what_talib_says(check: Check, pepe: Table) -> None:
    compare(check, pepe)


@pytest.mark.parametrize("check", TALIB, ids=name_of)
def test_it_is_what_talib_says_of_bitcoin(check: Check, bitcoin: Table) -> None:
    compare(check, bitcoin)


@pytest.mark.parametrize("check", SKENDER, ids=name_of)
def test_it_is_what_the_hand_checked_tables_say(check: Check, shares: Table) -> None:
    compare(check, shares)


def test_the_first_result_comes_with_the_same_bar(pepe: Table, shares: Table) -> None:
    """But for what theirs gives in part while ours waits for all outputs, or shifts."""
    for table, checks in ((pepe, TALIB), (shares, SKENDER)):
        for check in checks:
            if check.fades or check.ahead or check.name in ("adx", "ichimoku"):
                continue
            theirs = int(np.argmin(np.isnan(table.columns[check.column])))
            ours = make_indicator(check.name, check.settings).warm_up - 1
            complete = check.column not in ("macd.macd", "stoch.k", "stoch-rsi.stochRsi")
            assert ours == theirs if complete else ours > theirs, check


def test_what_no_reference_covers() -> None:
    """The rest is checked by hand in test_indicators.py."""
    covered = {check.name for check in (*TALIB, *SKENDER)}
    assert set(INDICATORS) - covered == {"realised_volatility", "order_book_imbalance"}
