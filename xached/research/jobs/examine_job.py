"""The *examine* job of a worker: what a plugin says of itself, and whether it looks ahead.

The plugin is in this process: what it says of itself is for people, and what is found out about
it catches mistakes, not somebody who means to deceive. It is tried over real prices that ship with
xached, given to each of its subscriptions as candles of the market and interval that it asks for.
A strategy that uses signals is told some that say how the price moved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np
from xache_sdk.kinds import Kind, base_of, load_plugin
from xache_sdk.look_ahead import CheckFailed, check_no_look_ahead
from xache_sdk.market import Candle, Candles
from xache_sdk.replay import MarketValue
from xache_sdk.session import Session
from xache_sdk.settings import SettingsError, make_settings, settings_schema
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import SignalValue
from xache_sdk.source_replay import check_source
from xache_sdk.source_session import SourceSession
from xache_sdk.strategy import Strategy

from xached.research.backtest.feed import told_candles
from xached.research.backtest.terms import open_markets
from xached.research.history.candle_set import CandleSet
from xached.research.sample import sample_histories
from xached.runtime.work_frames import Document

CANDLES: Final = 2_000
"""Beside those it warms up with."""

WARM_UP_MAX: Final = 10_000
END_NS: Final = 1_735_689_600 * 10**9
"""When the candles that are shown end, whatever they were: 2025-01-01, a round time."""

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
    candles = [each for each in subscribed if isinstance(each, Candles)]
    if not candles:
        return _found("NOT_APPLICABLE", "it reads no candles")
    told = told_candles(_markets(candles))
    try:
        if issubclass(plugin, Strategy):
            check_no_look_ahead(plugin, settings, _with_signals(told, uses))
        else:
            check_source(plugin, settings, told)
    except CheckFailed as failed:
        return _found("FAILED", f"{failed.place}: {failed.what}")
    return _found("PASSED", "")


def _with_signals(told: Sequence[Candle], uses: Iterable[str]) -> list[MarketValue]:
    """Candles, and after each of them what every signal says: whether its price has risen."""
    data: list[MarketValue] = []
    for candle in told:
        data.append(candle)
        data.extend(
            SignalValue(
                signal=signal,
                name="value",
                value=float(candle.close_ticks - candle.open_ticks),
                confidence=0.5,
                as_of_ns=candle.ends_at_ns,
                expires_at_ns=candle.ends_at_ns + 2 * candle.interval.ns,
            )
            for signal in sorted(uses)
        )
    return data


def _found(state: str, why: str) -> dict[str, Any]:
    return {"state": state, "why": why[:TEXT_LENGTH_MAX]}


def _markets(subscribed: Sequence[Candles]) -> list[Any]:
    by_market: dict[tuple[str, str], list[Candles]] = {}
    for each in subscribed:
        by_market.setdefault((each.symbol, each.venue), []).append(each)
    samples = [candles for candles, _ in sample_histories()]
    return open_markets(
        [_candles(each, samples[number % len(samples)]) for each in wanted]
        for number, wanted in enumerate(by_market.values())
    )


def _candles(wanted: Candles, sample: CandleSet) -> CandleSet:
    """Real candles under the name and interval that are asked for, up to one common time."""
    count = min(len(sample), CANDLES + min(wanted.warm_up, WARM_UP_MAX))
    interval_ns = wanted.interval.seconds * 10**9
    last_ns = END_NS - END_NS % interval_ns
    opens = last_ns - interval_ns * np.arange(count, 0, -1, dtype=np.int64)
    return attrs.evolve(
        sample,
        symbol=wanted.symbol,
        venue=wanted.venue,
        interval=wanted.interval,
        open_at_ns=opens,
        open_ticks=sample.open_ticks[-count:],
        high_ticks=sample.high_ticks[-count:],
        low_ticks=sample.low_ticks[-count:],
        close_ticks=sample.close_ticks[-count:],
        volume_lots=sample.volume_lots[-count:],
    )
