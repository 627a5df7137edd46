"""What is wrong with a history, before anything is tested on it."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from xached.research.history.candle_set import CandleSet, Column

SPIKE_MOVES: Final = 20
"""A close that leaves its neighbours by so many usual moves and is back in the next candle."""

SHOWN_MAX: Final = 10


@attrs.frozen(kw_only=True)
class Finding:
    """One kind of fault: how often, and the open times of the first ten."""

    name: str
    count: int
    first_at_ns: tuple[int, ...]
    meaning: str


@attrs.frozen(kw_only=True)
class CheckReport:
    """What :func:`check_candles` found. ``findings`` holds only what occurred."""

    candles: int
    first_at_ns: int
    last_at_ns: int
    missing_candles: int
    longest_gap_candles: int
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> bool:
        """Whether a candle contradicts itself, so that no run on it means anything."""
        return any(finding.name in ("bad_range", "not_positive") for finding in self.findings)


def check_candles(candles: CandleSet) -> CheckReport:
    """Look for gaps, odd times, impossible ranges, spikes and silence."""
    at_ns = candles.open_at_ns
    steps = np.diff(at_ns) // candles.interval_ns
    missing = np.maximum(steps - 1, 0)
    highest = np.maximum(candles.open_ticks, candles.close_ticks)
    lowest = np.minimum(candles.open_ticks, candles.close_ticks)
    found = (
        ("gap", np.flatnonzero(missing) + 1, "candles before it are missing"),
        ("misaligned", np.flatnonzero(at_ns % candles.interval_ns), "opens off the interval"),
        (
            "bad_range",
            np.flatnonzero((candles.high_ticks < highest) | (candles.low_ticks > lowest)),
            "the high is below or the low above open or close",
        ),
        ("not_positive", np.flatnonzero(candles.low_ticks <= 0), "a price is zero or less"),
        ("spike", _spikes(candles.close_ticks), "the close leaps away and is back at once"),
        ("no_volume", np.flatnonzero(candles.volume_lots <= 0), "nothing traded"),
    )
    return CheckReport(
        candles=len(candles),
        first_at_ns=int(at_ns[0]) if len(at_ns) else 0,
        last_at_ns=int(at_ns[-1]) if len(at_ns) else 0,
        missing_candles=int(missing.sum()),
        longest_gap_candles=int(missing.max()) if len(missing) else 0,
        findings=tuple(
            Finding(
                name=name,
                count=len(rows),
                first_at_ns=tuple(at_ns[rows[:SHOWN_MAX]].tolist()),
                meaning=meaning,
            )
            for name, rows, meaning in found
            if len(rows)
        ),
    )


def _spikes(close_ticks: Column) -> Column:
    if len(close_ticks) < 3 or bool(np.any(close_ticks <= 0)):
        return np.empty(0, np.int64)
    moves = np.diff(np.log(close_ticks.astype(np.float64)))
    usual = float(np.median(np.abs(moves[moves != 0]))) if bool(np.any(moves)) else 0.0
    there, back = moves[:-1], moves[1:]
    far = np.minimum(np.abs(there), np.abs(back)) > SPIKE_MOVES * usual
    returned = (there * back < 0) & (np.abs(there + back) < np.abs(there) / 2)
    return np.flatnonzero(far & returned) + 1
