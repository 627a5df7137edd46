"""A run at the terminal that goes on where it was cut short, by Ctrl-C, a kill or a power cut.

It is written down between two blocks of candles, now and then, and from there it goes on. It runs
candle by candle: no gear that skips some is chosen, so that what it is does not hang on when it was
cut. The file is a program as much as data: go on only with one that you wrote yourself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from xache_sdk.strategy import Strategy

from xached.research.backtest.result import RunResult
from xached.research.backtest.run import Run
from xached.research.backtest.saved_run import CannotBeSaved, load_run, save_run
from xached.research.backtest.terms import MarketData, RunSettings
from xached.research.history.candle_set import DataError
from xached.research.judgement.trials import TrialKey, spelled

SAVE_S: Final = 10.0
"""At most so much work is done again."""

Progress = Callable[[float], None]


def run_resumable(
    make: Callable[[], Strategy[Any]],
    markets: Sequence[MarketData],
    terms: RunSettings,
    path: Path,
    key: TrialKey,
    progress: Progress,
) -> RunResult:
    """Run a strategy, from where the file at ``path`` says on if there is one.

    Raises: DataError for a file that is of something else, and where a run cannot be written down.
    """
    about = _about(markets, terms, key)
    run = load_run(path, markets, about) if path.exists() else Run([make()], markets, terms)
    began, share = run.now_ns, max(1, run.end_ns - run.start_ns)
    saved_at = float("-inf")

    def passed(part: float) -> None:
        nonlocal saved_at
        done = began - run.start_ns + part * (run.end_ns - began)
        progress(min(1.0, done / share))
        if time.monotonic() >= saved_at + SAVE_S:
            save_run(run, path, about)
            saved_at = time.monotonic()

    try:
        return run.finish(passed)
    except CannotBeSaved as error:
        raise DataError(f"this strategy cannot be written down, so not resumed: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: {error}") from None


def _about(markets: Sequence[MarketData], terms: RunSettings, key: TrialKey) -> str:
    """What was asked for, all of it: a run of anything else is another one."""
    told = {
        field.name: str(getattr(terms, field.name))
        for field in attrs.fields(RunSettings)
        if field.name != "signals"  # The key tells which they are.
    }
    return spelled(
        {
            "trial": attrs.asdict(key),
            "terms": told,
            "instruments": [str(each.instrument) for each in markets],
        }
    )
