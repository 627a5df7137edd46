"""The *examine* job of a worker: what a plugin says of itself, and whether it looks ahead.

The plugin is in this process: what it says of itself is for people, and what is found out about
it catches mistakes, not somebody who means to deceive. It is tried over real prices, as
:mod:`xached.research.jobs.examine_data` makes what it asks for of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from xache_sdk.kinds import Kind, base_of, load_plugin
from xache_sdk.look_ahead import CheckFailed, check_no_look_ahead
from xache_sdk.session import Session
from xache_sdk.settings import SettingsError, make_settings, settings_schema
from xache_sdk.signal_source import SignalSource
from xache_sdk.source_replay import check_source
from xache_sdk.source_session import SourceSession
from xache_sdk.strategy import Strategy

from xached.research.jobs.examine_data import tried_data, with_signals
from xached.runtime.work_frames import Document

TEXT_LENGTH_MAX: Final = 500
SUBSTITUTES: Final[Mapping[str, Any]] = {"symbol": "BTC-USDT", "notional": "100", "quantity": "1"}
"""For settings of these names that a strategy requires, and nobody gave."""

Progress = Callable[[float], None]


def examine_job(request: Document, progress: Progress) -> Document:
    """Do the job. Raises: what the plugin raises when it is imported or tried."""
    kind = Kind(request.header["kind"])
    plugin = load_plugin(str(request.header["entry_point"]), base_of(kind))
    schema = settings_schema(plugin.settings_type)
    progress(0.5)
    found: dict[str, Any] = {
        "about": " ".join((plugin.__doc__ or "").split())[:TEXT_LENGTH_MAX],
        "settings_schema": schema,
    }
    if request.header["check"]:
        settings = dict(request.header["settings"])
        if kind in (Kind.STRATEGY, Kind.SIGNAL):
            found["look_ahead"] = _try(plugin, schema, settings)
        else:
            found["look_ahead"] = _found("NOT_APPLICABLE", f"a {kind} decides nothing")
    return Document(header=found)


def _try(
    plugin: type[Strategy[Any]] | type[SignalSource[Any]],
    schema: Mapping[str, Any],
    given: Mapping[str, Any],
) -> dict[str, Any]:
    """What came of trying it; see LookAhead for ``state``, with FAILED for one that cheats."""
    wanted = [name for name in schema["required"] if name not in given and name in SUBSTITUTES]
    settings = {**{name: SUBSTITUTES[name] for name in wanted}, **given}
    try:
        made = make_settings(plugin.settings_type, settings)
    except SettingsError as error:
        return _found("NOT_CHECKED", f"its settings: {error}")
    uses: frozenset[str] = frozenset()
    if issubclass(plugin, Strategy):
        session = Session(plugin(made))
        subscribed, uses = session.subscriptions, session.uses
    else:
        subscribed = SourceSession("examined", plugin(made)).subscriptions
    data = tried_data(subscribed, uses)
    if not data:
        return _found("NOT_APPLICABLE", "it reads no market data")
    try:
        if issubclass(plugin, Strategy):
            check_no_look_ahead(plugin, settings, with_signals(data, uses))
        else:
            check_source(plugin, settings, data)
    except CheckFailed as failed:
        return _found("FAILED", f"{failed.place}: {failed.what}")
    return _found("PASSED", "")


def _found(state: str, why: str) -> dict[str, Any]:
    return {"state": state, "why": why[:TEXT_LENGTH_MAX]}
