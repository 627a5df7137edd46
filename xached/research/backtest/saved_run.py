"""A run that is written down between two blocks of candles and continued as if never stopped.

What is written is the strategies with everything they hold, and the account; not the history, which
is named by its fingerprints. Reading it runs code: read only what you wrote yourself.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cloudpickle

from xached.research.backtest.run import Run
from xached.research.backtest.terms import MarketData
from xached.research.history.candle_set import DataError

FORMAT: Final = 3


class CannotBeSaved(Exception):  # noqa: N818 - it says what is the matter
    """A strategy holds something that cannot be written down, such as an open file."""


def save_run(run: Run, path: Path, about: str = "") -> None:
    """Write a run down; an earlier one at that place is replaced when the new one is whole.

    ``about``: what was asked for; only who asks for the same may go on with it.

    Raises: CannotBeSaved, OSError.
    """
    state = {
        "format": FORMAT,
        "about": about,
        "histories": _fingerprints(run.markets),
        # In one piece: strategies, contexts and orders refer to each other.
        "run": {name: value for name, value in run.__dict__.items() if name not in _MADE_ANEW},
    }
    try:
        data = cloudpickle.dumps(state)
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise CannotBeSaved(str(error)) from None
    fresh = path.with_name(f".{path.name}.fresh")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load_run(path: Path, markets: Sequence[MarketData], about: str = "") -> Run:
    """Read a run and give it its history again; ``finish`` goes on where it stopped.

    Raises: DataError for a file of another kind, another history or another ``about``; OSError.
    """
    try:
        state: dict[str, Any] = pickle.loads(path.read_bytes())  # noqa: S301 - own file, see above
        if state["format"] != FORMAT:
            raise DataError(f"{path.name} was written by another version")
        histories, attributes, asked = state["histories"], state["run"], state["about"]
    except (
        pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, ImportError,
        IndexError, ValueError,
    ) as error:  # fmt: skip
        raise DataError(f"{path.name} is no saved run: {error!r}") from None
    if asked != about:
        raise DataError(f"{path.name} is a run of another strategy, or of other settings or costs")
    if histories != _fingerprints(markets):
        raise DataError(f"{path.name} was run on another history")
    run = Run.__new__(Run)
    run.__dict__.update(attributes)
    run.markets = tuple(markets)
    run.reattach()
    return run


_MADE_ANEW: Final = ("markets", "lanes", "_columns")
"""What comes from the history."""


def _fingerprints(markets: Sequence[MarketData]) -> list[list[str]]:
    return [[each.fingerprint for each in market.candles] for market in markets]
