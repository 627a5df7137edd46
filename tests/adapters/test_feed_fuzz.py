"""Whatever a venue sends, a session answers with records or a typed fault, and never raises."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, assert_never

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.venue_frames import NOW_NS, Books, load_frames
from tests.domain.market_values import BTC
from xached.adapters.feeds.session import VenueRules
from xached.adapters.feeds.venues import VENUES
from xached.domain.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedFault,
    FeedRecord,
    FeedReset,
    Heartbeat,
    VenueTrade,
)

EXAMPLES = 2_000 if os.environ.get("XACHE_LONG") else 150
FILES = {
    "BINANCE": "binance_spot.jsonl",
    "COINBASE": "coinbase_advanced.jsonl",
    "KRAKEN": "kraken_v2.jsonl",
}
venues = pytest.mark.parametrize("rules", VENUES, ids=lambda rules: rules.venue)
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

TEXTS = st.sampled_from(
    ["", "0", "1", "-1", "1.5", "1e5", "NaN", "9" * 41, "update", "snapshot", "BTC-USDT"]
) | st.text(max_size=8)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


def is_sound(record: FeedRecord) -> bool:
    """What the market actor may rely on."""
    match record:
        case VenueTrade():
            return record.price_ticks > 0 < record.quantity_lots and 0 <= record.at_ns < 2**63
        case BookSnapshot() | BookDiff():
            levels = record.bids + record.asks
            return all(price > 0 <= lots for price, lots in levels) and 0 <= record.at_ns < 2**63
        case BestQuote():
            return record.bid_ticks >= 0 <= record.ask_ticks and 0 <= record.at_ns < 2**63
        case FeedFault():
            return len(record.excerpt) <= 480
        case FeedReset() | Heartbeat():
            return 0 <= record.at_ns < 2**63
        case _:
            assert_never(record)


def received(rules: VenueRules, frames: list[bytes]) -> list[FeedRecord]:
    """What a session makes of frames; its books take them and are mended as it says."""
    session, books = rules.session({rules.name(BTC): BTC}), Books()
    records: list[FeedRecord] = []
    for frame in frames:
        turn = session.receive(frame, NOW_NS)
        records += turn.records
        assert set(turn.lost) <= {BTC.symbol}
        for symbol in {*turn.lost, *books.take(turn.records)}:
            session.repair(symbol)
        assert not books.of(BTC.symbol).depth.crossed
        assert isinstance(session.awaits(BTC.symbol), bool)
    return records


def faults(count: int) -> list[type]:
    """One fault for each of so many frames, and nothing else."""
    return [FeedFault] * count


@venues
@fuzzed
@given(frames=st.lists(st.binary(max_size=200), max_size=5))
def test_bytes(rules: VenueRules, frames: list[bytes]) -> None:
    records = received(rules, frames)
    assert [type(record) for record in records] == faults(len(frames))
    assert all(is_sound(record) for record in records)


@venues
@fuzzed
@given(value=VALUES)
def test_json_of_any_form(rules: VenueRules, value: Any) -> None:
    records = received(rules, [json.dumps(value).encode()])
    assert [type(record) for record in records] == faults(1)
    assert is_sound(records[0])


def mutate(draw: Callable[[st.SearchStrategy[Any]], Any], value: Any) -> Any:
    """Replace one thing somewhere in a message; or one key, or leave one out."""
    if isinstance(value, dict) and value and draw(st.integers(0, 5)):
        key = draw(st.sampled_from(sorted(value)))
        match draw(st.integers(0, 9)):
            case 0:
                return {other: each for other, each in value.items() if other != key}
            case 1:
                return {**value, draw(TEXTS): value[key]}
            case _:
                return {**value, key: mutate(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 5)):
        at = draw(st.integers(0, len(value) - 1))
        return [*value[:at], mutate(draw, value[at]), *value[at + 1 :]]
    return draw(VALUES)


@venues
@fuzzed
@given(data=st.data())
def test_messages_that_are_almost_right(rules: VenueRules, data: st.DataObject) -> None:
    frames = load_frames(FILES[rules.venue])
    at = data.draw(st.integers(0, len(frames) - 1))
    changed = json.dumps(mutate(data.draw, json.loads(frames[at]))).encode()
    records = received(rules, [*frames[:at], changed, *frames[at + 1 :]])
    assert all(is_sound(record) for record in records)
    unharmed = received(rules, frames[:at])
    assert records[: len(unharmed)] == unharmed, "what came before it is what it was"


@venues
@fuzzed
@given(data=st.data())
def test_messages_that_are_lost_repeated_and_out_of_order(
    rules: VenueRules, data: st.DataObject
) -> None:
    frames = load_frames(FILES[rules.venue])
    records = received(rules, data.draw(st.lists(st.sampled_from(frames), max_size=20)))
    assert all(is_sound(record) for record in records)
    causes = {record.cause for record in records if isinstance(record, FeedFault)}
    assert causes <= {FaultCause.SEQUENCE, FaultCause.CHECKSUM, FaultCause.OFF_STEP}


@venues
@fuzzed
@given(body=st.binary(max_size=100) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_answers_of_the_rest_side(rules: VenueRules, body: bytes) -> None:
    if rules.fetches:
        session = rules.session({rules.name(BTC): BTC})
        turn = session.snapshot(BTC.symbol, body, NOW_NS)
        assert all(is_sound(record) for record in turn.records)
        found = any(isinstance(record, BookSnapshot) for record in turn.records)
        assert list(turn.lost) == ([] if found else [BTC.symbol])
