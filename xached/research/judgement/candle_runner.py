"""Backtests over candles as a judgement wants them: a runner for windows, and their report."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import attrs
import numpy as np
from xache_sdk.strategy import Strategy

from xached.domain.instrument import PPM, Instrument
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.terms import MarketData, RunSettings
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.judgement.capacity import CapacityCurve
from xached.research.judgement.deflated import Judged
from xached.research.judgement.report import Marker, PriceChart, Report, Settings
from xached.research.judgement.track_record import EquityCurve, FloatArray, IntArray, TrackRecord
from xached.research.judgement.walk_forward import Sweep, WalkForward, Window

SettingsT = TypeVar("SettingsT")


@attrs.frozen
class CandleRunner(Generic[SettingsT]):
    """Runs a strategy over a window of candles.

    Candles before the window warm up; those that are not over when it ends are not there at all.
    ``warm_up_ns``: how much history before the window it gets; None: all there is.
    ``daily``: the worth is taken at the end of each UTC day instead of each candle, which is enough
    to choose by and makes falls within a day invisible.
    """

    make: Callable[[SettingsT], Strategy[Any]]
    markets: tuple[MarketData, ...]
    terms: RunSettings
    warm_up_ns: int | None = None
    daily: bool = False

    def __call__(self, settings: SettingsT, window: Window) -> TrackRecord:
        """Run. Raises: DataError when a market has no candle in the window."""
        first_ns = None if self.warm_up_ns is None else window.start_at_ns - self.warm_up_ns
        markets = markets_between(self.markets, first_ns, window.end_at_ns)
        for market in markets:
            opened = market.finest.open_at_ns
            if not len(opened) or opened[-1] < window.start_at_ns:
                raise DataError(f"{market.instrument.symbol} has no candle in the window")
        result = run_backtest(
            lambda: [self.make(settings)],
            markets,
            attrs.evolve(self.terms, start_ns=window.start_at_ns),
        )
        return result.track_record(daily=self.daily)


def markets_between(
    markets: Sequence[MarketData], first_ns: int | None, end_at_ns: int
) -> list[MarketData]:
    """The candles of each market that open from a time on and are over at the end."""
    return [_between(market, first_ns, end_at_ns) for market in markets]


def _between(market: MarketData, first_ns: int | None, end_at_ns: int) -> MarketData:
    """The candles that open from a time on and are over at the end."""
    return attrs.evolve(
        market,
        candles=tuple(
            each.between(first_ns, end_at_ns - each.interval_ns + 1) for each in market.candles
        ),
    )


def whole_window(markets: Sequence[MarketData]) -> Window:
    """From the first candle of any market to the end of the last."""
    return Window(
        min(int(market.finest.open_at_ns[0]) for market in markets),
        max(int(market.finest.ends_ns[-1]) for market in markets),
    )


def code_digest(strategy: type[Any]) -> str:
    """BLAKE2b-256 of the source of the module that a strategy is in, as trials are told apart.

    Raises: OSError when there is no source.
    """
    source = inspect.getsource(sys.modules[strategy.__module__])
    return hashlib.blake2b(source.encode(), digest_size=32).hexdigest()


def report_run(
    record: TrackRecord,
    judged: Judged,
    *,
    strategy: str,
    markets: Sequence[MarketData],
    facts: Mapping[str, str],
    sweep: Sweep[Settings] | None = None,
    capacity: CapacityCurve | None = None,
) -> Report:
    """The report of one run. ``facts`` say how it was made."""
    about = _about(strategy, markets, facts, record.curve, [record])
    return Report.of_run(record, judged, **about, sweep=sweep, capacity=capacity)


def report_walk(
    walk: WalkForward[Settings],
    judged: Judged,
    *,
    strategy: str,
    markets: Sequence[MarketData],
    facts: Mapping[str, str],
    sweep: Sweep[Settings] | None = None,
    capacity: CapacityCurve | None = None,
) -> Report:
    """The report of a walk forward."""
    records = [fold.tested for fold in walk.folds if fold.tested is not None]
    about = _about(strategy, markets, facts, walk.curve, records)
    return Report.of_walk(walk, judged, **about, sweep=sweep, capacity=capacity)


def _about(
    strategy: str,
    markets: Sequence[MarketData],
    facts: Mapping[str, str],
    curve: EquityCurve,
    records: Sequence[TrackRecord],
) -> dict[str, Any]:
    first = markets[0].instrument
    start_ns, end_ns = int(curve.at_ns[0]), int(curve.at_ns[-1])
    symbols = ", ".join(market.instrument.symbol for market in markets)
    return {
        "title": f"{strategy} on {symbols}",
        "facts": {"Strategy": strategy, **facts},
        "quote": first.quote,
        "units_per_quote": 10**first.quote_scale,
        "holding": _holding(markets, start_ns, end_ns),
        "charts": tuple(
            _chart(market, number, start_ns, end_ns, records)
            for number, market in enumerate(markets)
        ),
    }


def candle_facts(markets: Sequence[MarketData], terms: RunSettings) -> dict[str, str]:
    """How a run over candles is made, in words."""
    limit = "any quantity"
    if terms.max_volume_ppm is not None:
        limit = f"at most {_percent(terms.max_volume_ppm)} of a candle's volume"
    facts = {
        "Cash": f"{terms.cash:f} {markets[0].instrument.quote}",
        "Fills": f"{terms.fill_model.value}, {limit}",
        "Half spread": f"{_percent(terms.half_spread_ppm)}, every taker pays it",
        "Slippage": f"{_percent(terms.slippage_ppm)}, every taker pays it",
        "Impact": _told_impact(terms),
        "Resting orders": f"filled {terms.through_ticks} ticks beyond their price",
    }
    for market in markets:
        instrument = market.instrument
        taker, maker = _percent(instrument.taker_fee_ppm), _percent(instrument.maker_fee_ppm)
        facts[f"Fees of {instrument.symbol}"] = f"taker {taker}, maker {maker}"
        for each in market.candles:
            facts[f"History of {instrument.symbol}, {each.interval.value}"] = (
                f"{each.venue}, {len(each):,} candles, fingerprint {each.fingerprint[:16]}"
            )
    return facts


def _told_impact(terms: RunSettings) -> str:
    if not terms.impact_ppm:
        return "none: size moves no price"
    return (
        f"{terms.impact_ppm / PPM:g} x volatility of a day x root of the share of its volume, "
        "every taker pays it"
    )


def _percent(ppm: int) -> str:
    return f"{100 * ppm / PPM:g} %"


def _holding(markets: Sequence[MarketData], start_ns: int, end_ns: int) -> EquityCurve:
    """The same money in every market at the start, held without costs."""
    cut = [_closes(market, start_ns, end_ns) for market in markets]
    times = np.unique(np.concatenate([at_ns for at_ns, _ in cut]))
    begins = max(int(at_ns[0]) for at_ns, _ in cut)
    times = times[times >= begins]
    growths = [
        closes[np.searchsorted(at_ns, times, side="right") - 1] / closes[0] for at_ns, closes in cut
    ]
    return EquityCurve.of(times, np.mean(growths, axis=0))


def _chart(
    market: MarketData, number: int, start_ns: int, end_ns: int, records: Sequence[TrackRecord]
) -> PriceChart:
    instrument = market.instrument
    at_ns, closes = _closes(market, start_ns, end_ns)
    return PriceChart(
        symbol=instrument.symbol,
        at_ns=at_ns,
        closes=closes,
        markers=tuple(
            Marker(
                fill.at_ns,
                _price(instrument, fill.notional_units / fill.quantity_lots),
                fill.buy,
            )
            for record in records
            for fill in record.fills
            if fill.instrument == number
        ),
    )


def _price(instrument: Instrument, units_per_lot: float) -> float:
    return units_per_lot / instrument.tick_lot_units * float(instrument.tick_size)


def _closes(market: MarketData, start_ns: int, end_ns: int) -> tuple[IntArray, FloatArray]:
    """Closes in quote: the last before the start, if there is one, and all up to the end."""
    candles: CandleSet = market.finest
    ends = candles.ends_ns
    first = max(int(np.searchsorted(ends, start_ns, side="right")) - 1, 0)
    last = max(int(np.searchsorted(ends, end_ns, side="right")), first + 1)
    closes = candles.close_ticks[first:last] * float(candles.tick_size)
    return ends[first:last], np.asarray(closes, dtype=np.float64)
