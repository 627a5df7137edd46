"""The quickest way to a result that is the same as the slowest's.

A gear that skips something rests on what strategies declare of themselves. So the first candles are
run twice, skipping nothing and skipping what may be skipped, and where the two differ in anything
the whole run is made without skipping; the result says so. Where nothing was wanted in them there
was nothing to compare: more are run, up to all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import attrs
from xache_sdk.strategy import Strategy

from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.run import ColumnCache, GearRefused, Run
from xached.research.backtest.terms import MarketData, RunSettings

VERIFIED_CANDLES: Final = 2_000
"""So many candles of the busiest history are run both ways, and so many times as many again while
a strategy wants nothing in them, such as while its longest window fills."""
_MORE: Final = 4

MakeStrategies: TypeAlias = Callable[[], Sequence[Strategy[Any]]]
"""New strategies that have seen nothing yet, the same each time."""


def run_backtest(
    make: MakeStrategies,
    markets: Sequence[MarketData],
    settings: RunSettings,
    *,
    gear: Gear = Gear.WAKE,
    progress: Callable[[float], None] | None = None,
    columns: ColumnCache | None = None,
) -> RunResult:
    """Run strategies over markets in the wanted gear, or in the next one that suits them.

    Raises: DataError when there is no data that they ask for; what a strategy raises.
    """
    if gear is Gear.EVENT:
        return Run(make(), markets, settings).finish(progress)
    try:
        verify(
            make,
            markets,
            settings,
            lambda strategies, few, terms, cache: Run(strategies, few, terms, gear, cache).finish(),
        )
        result = Run(make(), markets, settings, gear, columns).finish(progress)
        if gear is Gear.WAKE and (result.refusals or result.unfilled):
            # It may try again at once, which no signal tells.
            raise GearRefused("an order was refused or found too little volume")
        return result
    except GearRefused as refusal:
        slower = Gear.COLUMNS if gear is Gear.WAKE else Gear.EVENT
        result = run_backtest(make, markets, settings, gear=slower, progress=progress)
        reasons = [f"{gear.value}: {refusal}", result.fallback]
        return attrs.evolve(result, fallback="; ".join(filter(None, reasons)))


def verify(
    make: MakeStrategies,
    markets: Sequence[MarketData],
    settings: RunSettings,
    quick: Callable[
        [Sequence[Strategy[Any]], Sequence[MarketData], RunSettings, ColumnCache], RunResult
    ],
) -> None:
    """Get the first candles' result both ways. Raises: GearRefused when anything differs."""
    rows, most = VERIFIED_CANDLES, max(len(each) for one in markets for each in one.candles)
    while True:
        few = _first_candles(markets, settings, rows)
        fast = quick(make(), few, settings, {})
        slow = Run(make(), few, settings).finish()
        for name in ("fills", "orders", "refusals", "notes", "saved", "end_units"):
            if getattr(fast, name) != getattr(slow, name):
                raise GearRefused(f"the first candles give other {name} than candle by candle")
        if slow.orders or rows >= most:
            return
        rows *= _MORE


def _first_candles(
    markets: Sequence[MarketData], settings: RunSettings, rows: int
) -> list[MarketData]:
    start = settings.start_ns
    until_ns = min(
        candles.open_at_ns.item(min(len(candles), row + rows) - 1)
        for market in markets
        for candles in market.candles
        for row in [0 if start is None else int(candles.open_at_ns.searchsorted(start))]
        if row < len(candles)
    )
    return [
        MarketData(
            market.instrument,
            tuple(each.between(None, until_ns + 1) for each in market.candles),
        )
        for market in markets
    ]
