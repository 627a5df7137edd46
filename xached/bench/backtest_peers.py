"""Other backtesters on the same bars, each in a process of its own: ``-m ... NAME BARS``.

They are optional: what cannot be imported is said, not measured. Only processor time of the run is
counted; imports, compilers and the making of their tables are not. Prices are given in cents, so
that their floats are exact and averages that tie, tie.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from xached.bench.backtest_data import CASH, FEE_PPM, make_bars

CENTS = 100
CHUNK = 10
"""Combinations that vectorbt is given at once: all of them would need many gigabytes."""


def main() -> int:
    """Measure one and print what came out as JSON; 3 when it is not installed."""
    name, bars, *rest = sys.argv[1:]
    warnings.simplefilter("ignore")  # theirs
    try:
        measure = MEASURES[name]
        found = measure(int(bars), json.loads(rest[0]) if rest else None)
    except ImportError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    print(json.dumps(found))
    return 0


def _table(bars: int) -> Any:
    import pandas as pd  # type: ignore[import-untyped,unused-ignore] # of the peers, optional

    candles = make_bars(bars)
    names = ("Open", "High", "Low", "Close", "Volume")
    columns = dict(zip(names, candles.columns[1:], strict=True))
    index = pd.to_datetime(candles.open_at_ns)
    return pd.DataFrame({name: column.astype(float) for name, column in columns.items()}, index)


def measure_backtesting_py(bars: int, _: object) -> dict[str, Any]:
    """The 10/30 cross of backtesting.py, with the leanest way its callbacks can be written."""
    import pandas as pd
    from backtesting import (  # type: ignore[import-not-found,unused-ignore] # optional
        Backtest,
        Strategy,
    )

    def average(values: Any, window: int) -> Any:
        return pd.Series(values).rolling(window).mean()

    class Cross(Strategy):  # type: ignore[misc,unused-ignore] # it has no types
        def init(self) -> None:
            self.fast = self.I(average, self.data.Close, 10)
            self.slow = self.I(average, self.data.Close, 30)

        def next(self) -> None:
            if not self.position:
                if self.fast[-1] > self.slow[-1]:
                    self.buy(size=1)
            elif self.fast[-1] < self.slow[-1]:
                self.position.close()

    test = Backtest(
        _table(bars), Cross, cash=CASH * CENTS, commission=FEE_PPM / 1e6, finalize_trades=False
    )
    used_s: list[float] = []
    stats: Any = None
    for _round in range(3):
        began_s = time.process_time()
        stats = test.run()
        used_s.append(time.process_time() - began_s)
    trades = stats["_trades"]
    return {
        "used_s": min(used_s),
        "end_equity": float(stats["Equity Final [$]"]) / CENTS,
        "entries": trades["EntryBar"].tolist(),
        "exits": trades["ExitBar"].tolist(),
        "entry_cents": trades["EntryPrice"].tolist(),
        "exit_cents": trades["ExitPrice"].tolist(),
    }


def measure_vectorbt(bars: int, windows: Any) -> dict[str, Any]:
    """A sweep of vectorbt over all pairs of windows, warm: compiled on a few bars before."""
    import vectorbt  # type: ignore[import-not-found,unused-ignore] # optional

    fasts, slows = windows
    table = _table(bars)

    def sweep(close: Any, opened: Any) -> list[float]:
        worth: list[float] = []
        pairs = [(fast, slow) for fast in fasts for slow in slows]
        for start in range(0, len(pairs), CHUNK):
            chunk = pairs[start : start + CHUNK]
            fast = vectorbt.MA.run(close, window=[a for a, _ in chunk], short_name="fast")
            slow = vectorbt.MA.run(close, window=[b for _, b in chunk], short_name="slow")
            entries = fast.ma_above(slow).vbt.signals.fshift(1)
            exits = fast.ma_below(slow).vbt.signals.fshift(1)
            portfolio = vectorbt.Portfolio.from_signals(
                close, entries, exits, price=opened, size=1, fees=FEE_PPM / 1e6,
                init_cash=CASH * CENTS, freq="1min",
            )  # fmt: skip
            worth.extend(portfolio.final_value().tolist())
        return [value / CENTS for value in worth]

    few = table.iloc[: max(500, bars // 500)]
    sweep(few["Close"], few["Open"])
    used_s: list[float] = []
    worth: list[float] = []
    for _round in range(2):
        began_s = time.process_time()
        worth = sweep(table["Close"], table["Open"])
        used_s.append(time.process_time() - began_s)
    return {"used_s": min(used_s), "end_equity": worth}


MEASURES: dict[str, Callable[[int, Any], dict[str, Any]]] = {
    "backtesting": measure_backtesting_py,
    "vectorbt": measure_vectorbt,
}

if __name__ == "__main__":
    raise SystemExit(main())
