"""What is kept of a run for those who judge it later: its log, and what is to be known of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final, Protocol, TypeAlias

import attrs

from xached.adapters.child import InputLog
from xached.domain.instrument import Instrument
from xached.domain.strategy_life import SETTINGS_BYTES_MAX
from xached.storage.order_reasons import StrategyRun

TEXT_LENGTH_MAX: Final = 1_000
"""Of settings that are too long to be kept as they are, longer texts are told by their digests."""


class RunLog(InputLog, Protocol):
    """The log of one run, which ends with it."""

    def end(self, at_ns: int, *, in_order: bool) -> None:
        """The run is over; ``in_order``: it was asked to end and did."""
        ...


KeepRun: TypeAlias = Callable[[str, str, Mapping[str, Any]], RunLog | None]
"""Begins the log of a run by its strategy, its id, and what is to be known of it; None: none is
kept."""


def keep_nothing(strategy: str, run_id: str, about: Mapping[str, Any]) -> RunLog | None:  # noqa: ARG001 - as KeepRun
    """Where nobody will judge."""
    return None


def readable_settings(settings_json: str) -> str:
    """Settings as their owner may read them when they ask why an order was placed.

    They are kept as they are, unless they are longer than a person's own may be: an operator's may
    have a whole file in the place of its name.
    """
    if len(settings_json.encode()) <= SETTINGS_BYTES_MAX:
        return settings_json
    values = json.loads(settings_json)
    return json.dumps({name: _by_digest(value) for name, value in values.items()})


def about_run(
    run: StrategyRun, settings_json: str, instruments: list[Instrument], *, paper: bool
) -> dict[str, Any]:
    """What is to be known of a run, in values of JSON."""
    rules = [
        {
            field.name: getattr(instrument, field.name)
            for field in attrs.fields(Instrument)
            if field.init
        }
        for instrument in instruments
    ]
    return {
        "purse": run.purse,
        "plugin": run.plugin,
        "distribution": run.distribution,
        "version": run.version,
        "house": version("xached"),
        "plugin_digest": run.plugin_digest,
        "settings_json": settings_json,
        "started_at_ns": run.started_at_ns,
        "paper": paper,
        "instruments": rules,
    }


def _by_digest(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value)
    if len(text) <= TEXT_LENGTH_MAX:
        return value
    return f"{len(text):,} characters, sha256 {hashlib.sha256(text.encode()).hexdigest()}"
