"""The signals of a backtest at the terminal: which there are, and what they said in it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any, Final

import attrs
from xache_sdk.kinds import find
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import check_signal_name

from xached.research.arenas import Arena, CandleArena, Maker
from xached.research.backtest.feed import told_candles
from xached.research.backtest.signal_tape import SignalSpec, tape_of, used_signals
from xached.research.history.candle_set import DataError
from xached.research.judgement.candle_runner import code_digest

ENTRY_POINTS: Final = "xache.signals"


def read_specs(given: Sequence[str]) -> dict[str, SignalSpec]:
    """Read signals as they are named: NAME=PLUGIN or NAME=module:Class, then settings as JSON.

    Raises: DataError for what is none.
    """
    specs: dict[str, SignalSpec] = {}
    for text in given:
        name, _, rest = text.partition("=")
        plugin, brace, settings = rest.partition("{")
        try:
            values = json.loads(brace + settings) if brace else {}
            specs[check_signal_name(name)] = SignalSpec(_source(plugin), values)
        except ValueError as error:
            raise DataError(f"{text[:80]}: a signal is NAME=PLUGIN{{settings}}: {error}") from None
    return specs


def hearing(
    arena: Arena,
    make: Maker,
    combinations: Sequence[Mapping[str, Any]],
    specs: Mapping[str, SignalSpec],
    *,
    check: bool,
) -> Arena:
    """The arena with what the signals say that are used. Raises: DataError, CheckFailed."""
    used = used_signals(make, combinations)
    if not used and not specs:
        return arena
    if not isinstance(arena, CandleArena):
        raise DataError("signals are computed of candles; a run over a tape has none")
    tape = tape_of(specs, used, told_candles(arena.markets), check=check)
    return attrs.evolve(arena, terms=attrs.evolve(arena.terms, signals=tape))


def told_signals(specs: Mapping[str, SignalSpec]) -> dict[str, Any]:
    """What makes a run with these signals another trial than one with others."""
    if not specs:
        return {}
    return {
        "signals": {
            name: [code_digest(each.source), dict(each.settings)] for name, each in specs.items()
        }
    }


def _source(plugin: str) -> type[SignalSource[Any]]:
    """An installed signal, or module:Class. Raises: DataError."""
    point = plugin
    if ":" in plugin:
        sys.path.insert(0, "")  # what is written here is found here
    else:
        points = entry_points(group=ENTRY_POINTS)
        if plugin not in points.names:
            known = ", ".join(sorted(points.names)) or "none is installed"
            raise DataError(f"no signal {plugin!r}: {known}; or module:Class")
        point = points[plugin].value
    try:
        found = find(point)
    except (ImportError, AttributeError) as error:
        raise DataError(f"{plugin}: {error}") from None
    if not (isinstance(found, type) and issubclass(found, SignalSource)):
        raise DataError(f"{plugin} is no signal")
    return found
