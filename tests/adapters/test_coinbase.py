"""Coinbase's stream: numbers without gaps, and what a gap does.

Checked by breaking: not comparing numbers, taking a late message, counting the trades of a
snapshot, and reading the maker's side as the taker's were each seen red.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.adapters.recorded_venues import coinbase_message, coinbase_messages
from tests.adapters.venue_frames import NOW_NS, Books, causes, load_frames, receive_all, records_of
from tests.domain.market_values import BTC, ETH
from xached.adapters.feeds.coinbase import (
    COINBASE_FRAME_BYTES_MAX,
    CoinbaseSession,
    coinbase_name,
)
from xached.adapters.feeds.feed import Steps
from xached.adapters.feeds.session import Send
from xached.domain.depth import Sync
from xached.domain.market import (
    BookDiff,
    FaultCause,
    FeedReset,
    Heartbeat,
    VenueTrade,
)
from xached.domain.order import Side

NAME = coinbase_name(BTC)
FRAMES = load_frames("coinbase_advanced.jsonl")
HEARTBEAT, SNAPSHOT, OLD_TRADES, TRADES, UPDATE = 1, 2, 4, 5, 6


def session_of() -> CoinbaseSession:
    return CoinbaseSession({NAME: BTC, coinbase_name(ETH): ETH})


def changed(number: int, **changes: Any) -> bytes:
    """A checked-in frame with other fields."""
    return json.dumps({**json.loads(FRAMES[number]), **changes}).encode()


# --- What the venue documents. ---------------------------------------------------------------


def test_a_subscription_is_read_from_its_answer_to_its_end() -> None:
    session, books = session_of(), Books()
    turns = receive_all(session, FRAMES)
    assert causes(turns) == []
    assert not any(turn.lost for turn in turns)
    for turn in turns:
        assert books.take(turn.records) == []
    # Two events of one product in one message are two changes.
    assert books.syncs == [Sync.APPLIED] * 4
    depth = books.of(BTC.symbol).depth
    assert depth.bids(9) == ((2_192_180, 10_000), (2_192_173, 5_317), (2_192_130, 2_000))
    # 0.000009 is less than a lot.
    assert depth.asks(9) == ((2_192_210, 70_000),)
    assert records_of(turns, Heartbeat) == [Heartbeat(at_ns=1_675_974_770_714_964_000)]


def test_a_trade_names_the_side_of_its_maker_and_the_newest_comes_first() -> None:
    trades = records_of(receive_all(session_of(), FRAMES), VenueTrade)
    assert [(trade.trade_id, trade.taker_side) for trade in trades] == [
        (13, Side.BUY), (14, Side.SELL),
    ]  # fmt: skip
    assert trades[0] == VenueTrade(
        symbol=BTC.symbol,
        trade_id=13,
        price_ticks=2_192_174,
        quantity_lots=25_000,
        taker_side=Side.BUY,
        at_ns=1_675_974_771_000_000_000,
    )


def test_it_subscribes_to_one_channel_a_message() -> None:
    requests = [json.loads(message) for message in session_of().open()]
    assert [request["channel"] for request in requests] == [
        "heartbeats", "level2", "market_trades",
    ]  # fmt: skip
    assert all(request["product_ids"] == [NAME, "ETH-USDT"] for request in requests)
    assert session_of().awaits(BTC.symbol)


# --- When it is wrong. -----------------------------------------------------------------------


def test_a_missing_number_starts_every_book_anew() -> None:
    session, books = session_of(), Books()
    for turn in receive_all(session, FRAMES[:UPDATE]):
        books.take(turn.records)
    turn = session.receive(FRAMES[UPDATE + 1], NOW_NS)
    assert causes([turn]) == [FaultCause.SEQUENCE]
    # The other one had not begun; whoever holds it need not be told.
    assert [reset.symbol for reset in records_of([turn], FeedReset)] == [BTC.symbol]
    assert set(turn.lost) == {BTC.symbol, ETH.symbol}
    assert records_of([turn], BookDiff) == []
    books.take(turn.records)
    assert not books.of(BTC.symbol).synced
    way = session.repair(BTC.symbol)
    assert isinstance(way, Send)
    assert [(request["type"], request["channel"]) for request in map(json.loads, way.messages)] == [
        ("unsubscribe", "level2"), ("subscribe", "level2"),
    ]  # fmt: skip
    # What is under way builds on what is not there; then the snapshot comes.
    events = json.loads(FRAMES[UPDATE])["events"]
    assert session.receive(coinbase_message(8, "l2_data", events), NOW_NS).records == []
    turn = session.receive(changed(SNAPSHOT, sequence_num=9), NOW_NS)
    assert books.take(turn.records) == []
    assert books.of(BTC.symbol).synced
    assert not session.awaits(BTC.symbol)


def test_trades_go_on_over_a_gap() -> None:
    session = session_of()
    receive_all(session, FRAMES[: SNAPSHOT + 1])
    turn = session.receive(FRAMES[TRADES], NOW_NS)
    assert causes([turn]) == [FaultCause.SEQUENCE]
    assert len(records_of([turn], VenueTrade)) == 2


def test_what_comes_twice_or_late_is_left_out() -> None:
    session = session_of()
    receive_all(session, FRAMES)
    for frame in FRAMES[UPDATE:]:
        turn = session.receive(frame, NOW_NS)
        assert (causes([turn]), len(turn.records)) == ([FaultCause.SEQUENCE], 1)
    assert not session.awaits(BTC.symbol)


def test_a_change_that_cannot_be_read_is_as_good_as_missing() -> None:
    session = session_of()
    receive_all(session, FRAMES[:UPDATE])
    broken = FRAMES[UPDATE].replace(b'"0.05317902"', b'"x"')
    assert causes([session.receive(broken, NOW_NS)]) == [FaultCause.BAD_NUMBER]
    turn = session.receive(FRAMES[UPDATE + 1], NOW_NS)
    assert causes([turn]) == [FaultCause.SEQUENCE]
    assert session.awaits(BTC.symbol)


def test_another_message_that_cannot_be_read_harms_no_book() -> None:
    session = session_of()
    receive_all(session, FRAMES[:TRADES])
    broken = FRAMES[TRADES].replace(b'"0.25"', b'"x"')
    unknown = coinbase_message(UPDATE, "something_new", [])
    turns = receive_all(session, [broken, unknown])
    assert causes(turns) == [FaultCause.BAD_NUMBER, FaultCause.UNKNOWN_FORM]
    update = session.receive(changed(UPDATE, sequence_num=UPDATE + 1), NOW_NS)
    assert len(records_of([update], BookDiff)) == 1


L2 = json.loads(FRAMES[SNAPSHOT])["events"][0]


def leveled(**changes: Any) -> bytes:
    """A snapshot of one level with other fields."""
    level = {**L2["updates"][0], **changes}
    return changed(SNAPSHOT, sequence_num=0, events=[{**L2, "updates": [level]}])


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        (b'{"type":"error","message":"no such product"}', FaultCause.REFUSED),
        (changed(SNAPSHOT, sequence_num="0"), FaultCause.BAD_NUMBER),
        (changed(SNAPSHOT, sequence_num=True), FaultCause.BAD_NUMBER),
        (changed(SNAPSHOT, sequence_num=0, timestamp="now"), FaultCause.BAD_NUMBER),
        (changed(SNAPSHOT, sequence_num=0, events={}), FaultCause.UNKNOWN_FORM),
        (changed(SNAPSHOT, sequence_num=0, events=[1]), FaultCause.UNKNOWN_FORM),
        (changed(SNAPSHOT, sequence_num=0, events=[{**L2, "type": "x"}]), FaultCause.UNKNOWN_FORM),
        (
            changed(SNAPSHOT, sequence_num=0, events=[{**L2, "product_id": "X-Y"}]),
            FaultCause.UNKNOWN_SYMBOL,
        ),
        (leveled(side="ask"), FaultCause.UNKNOWN_FORM),
        (leveled(price_level="1.005"), FaultCause.OFF_STEP),
        (leveled(price_level="0"), FaultCause.BAD_NUMBER),
        (leveled(new_quantity=1), FaultCause.BAD_NUMBER),
        (b"[]", FaultCause.UNKNOWN_FORM),
        (b"\x00", FaultCause.NOT_JSON),
        (b" " * (COINBASE_FRAME_BYTES_MAX + 1), FaultCause.TOO_LONG),
    ],
)
def test_a_frame_that_is_not_as_documented_starts_nothing(frame: bytes, cause: FaultCause) -> None:
    session = session_of()
    assert causes([session.receive(frame, NOW_NS)]) == [cause]
    assert session.awaits(BTC.symbol)


@pytest.mark.parametrize("trade_id", [7, "-1", "", "1e3", "9" * 20, "١"])
def test_a_trade_without_a_number_is_refused(trade_id: object) -> None:
    trade = {**json.loads(FRAMES[TRADES])["events"][0]["trades"][0], "trade_id": trade_id}
    message = coinbase_message(0, "market_trades", [{"type": "update", "trades": [trade]}])
    assert causes([session_of().receive(message, NOW_NS)]) == [FaultCause.BAD_NUMBER]


# --- What was recorded. ----------------------------------------------------------------------


def test_a_whole_recording_is_in_step_with_what_the_venue_quoted_beside_it() -> None:
    """9,719 changes of ten books; the ticker sometimes comes just before the change it tells of."""
    instruments, frames, quotes = coinbase_messages()
    session, books = CoinbaseSession(instruments), Books()
    agreed, waiting = 0, list(quotes)
    for number, frame in enumerate(frames):
        while waiting and waiting[0].after == number:
            quote = waiting.pop(0)
            instrument = instruments[quote.name]
            ticks = Steps.of_price(instrument)
            depth = books.of(instrument.symbol).depth
            bid, ask = depth.best_bid(), depth.best_ask()
            quoted = ticks.read(quote.bid), ticks.read(quote.ask)
            agreed += bid is not None and ask is not None and (bid[0], ask[0]) == quoted
        turn = session.receive(frame, NOW_NS)
        assert causes([turn]) == []
        assert books.take(turn.records) == []
    assert len(books.books) == 10
    assert set(books.syncs) == {Sync.APPLIED}
    assert len(quotes) == 107
    assert agreed >= 100


def test_each_message_left_out_of_a_recording_is_noticed_by_the_next() -> None:
    instruments, frames, _ = coinbase_messages()
    for left_out in range(20, 120):
        session = CoinbaseSession(instruments)
        receive_all(session, frames[:left_out])
        turns = [session.receive(frames[left_out + 1], NOW_NS)]
        assert causes(turns) == [FaultCause.SEQUENCE]
        assert set(turns[0].lost) == {each.symbol for each in instruments.values()}
