"""Run a signal over market data, and find out whether it knows what it cannot know.

Over all of the data it must say the same as over data that end at random places, up to there: the
check of :mod:`xache_sdk.look_ahead`, for signals.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from xache_sdk.look_ahead import CUTS, LookedAhead, failing, place_of, utc
from xache_sdk.market import Book, Books, Candle, Candles, Trade, Trades
from xache_sdk.settings import make_settings
from xache_sdk.signal_source import SignalSource, SourceContext
from xache_sdk.signal_values import SignalValue
from xache_sdk.source_session import SourceInput, SourceSession


def run_source(
    name: str,
    source_type: type[SignalSource[Any]],
    settings: Mapping[str, Any],
    data: Sequence[SourceInput],
) -> list[SignalValue]:
    """What a signal says over data, in the order in which they became known.

    ``settings`` are values as JSON has them. Candles of a warm-up are taken from the beginning.

    Raises: SettingsError; LookupError when there is nothing that it subscribes to; what the signal
    raises.
    """
    session = open_source(name, source_type, settings)
    data = told_of(session, data)
    if not data:
        raise LookupError("there is no data of what it subscribes to")
    return _run(session, data)


def check_source(
    source_type: type[SignalSource[Any]],
    settings: Mapping[str, Any],
    data: Sequence[SourceInput],
    *,
    cuts: int = CUTS,
    seed: int = 0,
) -> None:
    """Compare what it says over all of the data with what it says over beginnings of them.

    Raises: LookedAhead; otherwise as :func:`run_source`.
    """
    name = "checked"
    data = told_of(open_source(name, source_type, settings), data)
    whole = run_source(name, source_type, settings, data)
    draw = random.Random(seed)  # noqa: S311 - where to cut, not a secret
    places = range(max(1, len(data) // 4), len(data))
    for cut in sorted(draw.sample(places, min(cuts, len(places)))):
        part, ended_ns = data[:cut], _known_at_ns(data[cut - 1])
        place = place_of(_callback(source_type, data[cut - 1]))
        with failing(ended_ns, place):
            said = _run(open_source(name, source_type, settings), part)
        _compare([each for each in whole if each.as_of_ns <= ended_ns], said, ended_ns, place)


def open_source(
    name: str, source_type: type[SignalSource[Any]], settings: Mapping[str, Any]
) -> SourceSession:
    """Make a signal of settings as JSON has them. Raises: SettingsError, what the signal raises."""
    return SourceSession(
        name, source_type(make_settings(source_type.settings_type, dict(settings)))
    )


def told_of(session: SourceSession, data: Sequence[SourceInput]) -> list[SourceInput]:
    """Those of the data that a signal subscribes to."""
    wanted = {_key(each) for each in session.subscriptions}
    return [value for value in data if _key_of(value) in wanted]


def _run(session: SourceSession, data: Sequence[SourceInput]) -> list[SignalValue]:
    context = SourceContext(now_ns=0, instruments={each.symbol: each.instrument for each in data})
    session.start(context)
    said: list[SignalValue] = []
    for value in data:
        context.set_clock(_known_at_ns(value))
        said += session.take(value)
    return said


def _compare(
    whole: Sequence[SignalValue], part: Sequence[SignalValue], ended_ns: int, place: str
) -> None:
    # Several pieces of data may be as of one time: the last of them may be cut off.
    count = len(part)
    for number in range(max(count, sum(each.as_of_ns < ended_ns for each in whole))):
        seen = whole[number] if number < len(whole) else None
        unseen = part[number] if number < count else None
        if seen != unseen:
            found = seen or unseen
            assert found is not None, "one of them is there"
            raise LookedAhead(
                f"as of {utc(found.as_of_ns)} it said {_shown(seen)}, but "
                f"{_shown(unseen)} when the data ended at {utc(ended_ns)}",
                place,
                found.as_of_ns,
            )


def _shown(value: SignalValue | None) -> str:
    return "nothing" if value is None else f"{value.name} {value.value!r}"


def _known_at_ns(value: SourceInput) -> int:
    return value.ends_at_ns if isinstance(value, Candle) else value.at_ns


def _callback(source_type: type[SignalSource[Any]], value: SourceInput) -> Any:
    if isinstance(value, Candle):
        return source_type.on_candle
    return source_type.on_trade if isinstance(value, Trade) else source_type.on_book


def _key(subscription: Candles | Trades | Books) -> tuple[object, ...]:
    match subscription:
        case Candles():
            return "candles", subscription.symbol, subscription.venue, subscription.interval
        case Trades():
            return "trades", subscription.symbol, subscription.venue
        case Books():
            return "books", subscription.symbol, subscription.venue


def _key_of(value: SourceInput) -> tuple[object, ...] | None:
    match value:
        case Candle():
            key = ("candles", value.symbol, value.venue, value.interval)
            return key if value.closed else None
        case Trade():
            return "trades", value.symbol, value.venue
        case Book():
            return "books", value.symbol, value.venue
