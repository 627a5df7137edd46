"""Whatever the process of a feed sends, what is made of it is a record of what is followed.

Checked by breaking: a reader that takes records of other markets, and one that takes levels without
end in many books, were each seen red.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.v1 import plugin_pb2

from xached.adapters.child_intents import ChildViolation
from xached.adapters.feeds.plugin_answers import read_turn, read_way
from xached.adapters.feeds.session import Fetch, Reconnect, Send
from xached.domain.depth import VenueDepth
from xached.domain.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    FeedFault,
    FeedRecord,
    FeedReset,
    Heartbeat,
    VenueTrade,
)

SYMBOLS = ("BTC-USDT",)
INTS = st.integers(-(2**63), 2**63 - 1) | st.integers(0, 3)
NAMES = st.sampled_from(("BTC-USDT", "BTC-USDT", "ETH-USDT", ""))
LISTS = st.lists(INTS, max_size=3)

BOOKS = st.builds(
    plugin_pb2.PluginFeedBook, symbol=NAMES, previous_id=INTS, last_id=INTS,
    bid_ticks=LISTS, bid_lots=LISTS, ask_ticks=LISTS, ask_lots=LISTS, at_ns=INTS,
)  # fmt: skip
RECORDS = st.one_of(
    st.builds(
        lambda **of: plugin_pb2.PluginFeedRecord(trade=plugin_pb2.PluginFeedTrade(**of)),
        symbol=NAMES, trade_id=INTS, price_ticks=INTS, quantity_lots=INTS,
        taker_side=st.integers(0, 3), at_ns=INTS,
    ),
    st.builds(lambda book: plugin_pb2.PluginFeedRecord(snapshot=book), BOOKS),
    st.builds(lambda book: plugin_pb2.PluginFeedRecord(change=book), BOOKS),
    st.builds(
        lambda **of: plugin_pb2.PluginFeedRecord(quote=plugin_pb2.PluginFeedQuote(**of)),
        symbol=NAMES, last_id=INTS, bid_ticks=INTS, bid_lots=INTS, ask_ticks=INTS, ask_lots=INTS,
        at_ns=INTS,
    ),
    st.builds(
        lambda **of: plugin_pb2.PluginFeedRecord(fault=plugin_pb2.PluginFeedFault(**of)),
        cause=st.sampled_from(("OFF_STEP", "REFUSED", "NONE")), excerpt=st.text(),
    ),
    st.builds(lambda symbol: plugin_pb2.PluginFeedRecord(lost=symbol), NAMES),
    st.just(plugin_pb2.PluginFeedRecord(alive=True)),
    st.just(plugin_pb2.PluginFeedRecord()),
)  # fmt: skip


def check(record: FeedRecord) -> None:
    """What the market actor takes for granted."""
    match record:
        case VenueTrade():
            assert record.symbol in SYMBOLS
            assert min(record.price_ticks, record.quantity_lots) >= 1
            assert min(record.trade_id, record.at_ns) >= 0
        case BookSnapshot() | BookDiff():
            assert record.symbol in SYMBOLS
            for price_ticks, lots in record.bids + record.asks:
                assert price_ticks >= 1
                assert lots >= 0
            assert record.at_ns >= 0
            depth = VenueDepth()
            if isinstance(record, BookSnapshot):
                depth.snapshot(record)
            else:
                depth.diff(record)
        case BestQuote():
            assert record.symbol in SYMBOLS
            assert min(record.bid_ticks, record.bid_lots, record.ask_ticks, record.ask_lots) >= 0
        case FeedReset():
            assert record.symbol in SYMBOLS
        case FeedFault():
            assert record.excerpt.isprintable() or record.excerpt == ""
        case Heartbeat():
            assert record.at_ns == 7


@given(st.lists(RECORDS, max_size=4))
def test_a_turn_is_records_or_a_violation(records: list[plugin_pb2.PluginFeedRecord]) -> None:
    frame = plugin_pb2.ChildFrame(feed_turn=plugin_pb2.PluginFeedTurn(records=records))
    try:
        turn = read_turn(frame, SYMBOLS, 7)
    except ChildViolation:
        return
    for record in turn.records:
        check(record)
    assert set(turn.lost) <= set(SYMBOLS)


@pytest.mark.parametrize("kind", ["snapshot", "change"])
def test_the_levels_of_an_answer_have_an_end(kind: str) -> None:
    side = [1] * 10_000
    full = plugin_pb2.PluginFeedBook(
        symbol="BTC-USDT", previous_id=1, last_id=2,
        bid_ticks=side, bid_lots=side, ask_ticks=side, ask_lots=side,
    )  # fmt: skip
    one = plugin_pb2.PluginFeedBook(
        symbol="BTC-USDT", previous_id=1, last_id=2, bid_ticks=[1], bid_lots=[1]
    )

    def answer(*books: plugin_pb2.PluginFeedBook) -> plugin_pb2.ChildFrame:
        records = [plugin_pb2.PluginFeedRecord(**{kind: each}) for each in books]  # type: ignore[arg-type]  # by name
        return plugin_pb2.ChildFrame(feed_turn=plugin_pb2.PluginFeedTurn(records=records))

    assert len(read_turn(answer(full, full), SYMBOLS, 7).records) == 2
    with pytest.raises(ChildViolation, match="more than 40000 levels"):
        read_turn(answer(full, full, one), SYMBOLS, 7)


@given(st.binary(max_size=200))
def test_garbage_is_a_violation(data: bytes) -> None:
    try:
        frame = plugin_pb2.ChildFrame.FromString(data)
    except DecodeError:
        return
    with contextlib.suppress(ChildViolation):
        for record in read_turn(frame, SYMBOLS, 7).records:
            check(record)
    with contextlib.suppress(ChildViolation):
        assert isinstance(read_way(frame), Send | Fetch | Reconnect)


def way(**of: Any) -> plugin_pb2.ChildFrame:
    turn = plugin_pb2.PluginFeedTurn(way=plugin_pb2.PluginFeedWay(**of))
    return plugin_pb2.ChildFrame(feed_turn=turn)


def test_ways() -> None:
    assert read_way(way(reconnect=True)) == Reconnect()
    assert read_way(way(fetch="/depth?symbol=X")) == Fetch("/depth?symbol=X")
    assert read_way(way(send=plugin_pb2.PluginFeedMessages(messages=["a"]))) == Send(("a",))


@pytest.mark.parametrize(
    "wrong",
    [
        way(), way(fetch=""), way(fetch="depth"), way(fetch="/a b"), way(fetch="/a\r\nHost: x"),
        way(fetch="/ä"), way(fetch="/a#b"), way(fetch="/" + "a" * 3_000),
        way(send=plugin_pb2.PluginFeedMessages(messages=["a" * 70_000])),
        way(send=plugin_pb2.PluginFeedMessages(messages=["a"] * 501)),
        plugin_pb2.ChildFrame(feed_turn=plugin_pb2.PluginFeedTurn()), plugin_pb2.ChildFrame(),
    ],
)  # fmt: skip
def test_no_ways(wrong: plugin_pb2.ChildFrame) -> None:
    with pytest.raises(ChildViolation):
        read_way(wrong)
