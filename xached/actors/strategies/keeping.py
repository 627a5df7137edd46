"""What is kept of a run for those who judge it later: its log, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Protocol, TypeAlias

import attrs

from xached.adapters.child import InputLog
from xached.domain.instrument import Instrument
from xached.storage.order_reasons import StrategyRun


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
