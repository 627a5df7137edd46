"""Kraken's stream: the checksum of every recorded change, and what happens when one is wrong.

Checked by breaking: comparing no checksum, checking only the asks, not cutting the book to its
levels, and going on with a book that failed were each seen red.
"""

from __future__ import annotations

import json
import random
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.recorded_venues import EVERY_LEVEL, kraken_books
from tests.adapters.venue_frames import NOW_NS, Books, causes, load_frames, receive_all, records_of
from tests.domain.market_values import BTC
from xached.adapters.feeds.kraken import KrakenBook, KrakenSession, kraken_name
from xached.adapters.feeds.session import Send, Turn
from xached.domain.depth import Sync
from xached.domain.market import (
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedReset,
    Heartbeat,
    VenueTrade,
)
from xached.domain.order import Side

NAME = kraken_name(BTC)
FRAMES = load_frames("kraken_v2.jsonl")
SNAPSHOT, FIRST_UPDATE, LAST_UPDATE, TRADES = 2, 3, 5, 6


def session_of(levels: int = 10) -> KrakenSession:
    return KrakenSession({NAME: BTC}, levels)


# --- What the venue documents. ---------------------------------------------------------------


def test_the_documented_book_has_the_documented_checksum() -> None:
    """The worked example of Kraken's guide "Book checksum (WebSocket v2)"."""
    data = json.loads(FRAMES[SNAPSHOT], parse_float=str)["data"][0]
    book = KrakenBook(10)
    for side, key in ((Side.BUY, "bids"), (Side.SELL, "asks")):
        for level in data[key]:
            book.set(side, level["price"], level["qty"])
    assert book.checksum() == 3_310_070_434


def test_a_subscription_is_read_from_its_answer_to_its_end() -> None:
    session, books = session_of(), Books()
    turns = receive_all(session, FRAMES)
    assert causes(turns) == []
    assert not any(turn.lost for turn in turns)
    for turn in turns:
        assert books.take(turn.records) == []
    assert books.syncs == [Sync.APPLIED] * 4
    depth = books.of(BTC.symbol).depth
    # 45284.0 came, 45283.5 grew to 0.25, and the tenth bid fell out without a word.
    assert depth.bids(2) == ((4_528_400, 50_000), (4_528_350, 25_000))
    assert len(depth.bids(100)) == len(depth.asks(100)) == 10
    assert depth.asks(100)[-1] == (4_530_000, 200_000)
    assert depth.lots(Side.SELL, 4_528_520) == 0
    (snapshot,), diffs = records_of(turns, BookSnapshot), records_of(turns, BookDiff)
    assert snapshot.at_ns == NOW_NS, "a snapshot carries no time"
    assert diffs[0].at_ns == 1_696_613_755_440_295_000


def test_trades_name_the_taker_and_less_than_a_lot_is_left_out() -> None:
    (trade,) = records_of([session_of().receive(FRAMES[TRADES], NOW_NS)], VenueTrade)
    assert trade == VenueTrade(
        symbol=BTC.symbol,
        trade_id=4_665_906,
        price_ticks=4_528_400,
        quantity_lots=12_345,
        taker_side=Side.SELL,
        at_ns=1_695_628_177_708_706_000,
    )


def test_what_was_traded_before_is_not_traded_again() -> None:
    before = FRAMES[TRADES].replace(b'"update"', b'"snapshot"')
    assert session_of().receive(before, NOW_NS) == Turn(records=[])


def test_heartbeats_and_status_are_signs_of_life_and_an_answer_is_nothing() -> None:
    turns = receive_all(session_of(), [FRAMES[0], FRAMES[1], FRAMES[-1]])
    assert [list(turn.records) for turn in turns] == [
        [], [Heartbeat(at_ns=NOW_NS)], [Heartbeat(at_ns=NOW_NS)],
    ]  # fmt: skip


def test_it_subscribes_to_books_and_trades() -> None:
    book, trade = (json.loads(message)["params"] for message in session_of(100).open())
    assert book == {"channel": "book", "symbol": [NAME], "depth": 100}
    assert trade == {"channel": "trade", "symbol": [NAME], "snapshot": False}
    assert session_of().awaits(BTC.symbol)


# --- When it is wrong. -----------------------------------------------------------------------


def test_a_wrong_checksum_ends_the_book_until_the_next_snapshot() -> None:
    session, books = session_of(), Books()
    for turn in receive_all(session, FRAMES[: FIRST_UPDATE + 1]):
        books.take(turn.records)
    # The last digit of a quantity: far below a lot, and all the same not the venue's book.
    wrong = FRAMES[FIRST_UPDATE + 1].replace(b"2.00000000", b"2.00000001")
    assert wrong != FRAMES[FIRST_UPDATE + 1]
    turn = session.receive(wrong, NOW_NS)
    assert causes([turn]) == [FaultCause.CHECKSUM]
    assert [reset.symbol for reset in records_of([turn], FeedReset)] == [BTC.symbol]
    assert turn.lost == [BTC.symbol]
    assert records_of([turn], BookDiff) == []
    books.take(turn.records)
    assert not books.of(BTC.symbol).synced
    # What follows builds on what is not there.
    assert session.receive(FRAMES[LAST_UPDATE], NOW_NS) == Turn(records=[], lost=[])
    way = session.repair(BTC.symbol)
    assert isinstance(way, Send)
    assert [json.loads(message)["method"] for message in way.messages] == [
        "unsubscribe", "subscribe",
    ]  # fmt: skip
    assert session.awaits(BTC.symbol)
    for turn in receive_all(session, FRAMES[SNAPSHOT:TRADES]):
        assert books.take(turn.records) == []
    assert not session.awaits(BTC.symbol)
    assert books.of(BTC.symbol).synced


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        (b'"checksum":', b'"checksun":', FaultCause.BAD_NUMBER),
        (b'"price":45283.5', b'"price":45283.505', FaultCause.OFF_STEP),
        (b'"price":45283.5', b'"price":0.0', FaultCause.BAD_NUMBER),
        (b'"price":45283.5', b'"price":-1.0', FaultCause.BAD_NUMBER),
        (b'"qty":0.25000000', b'"qty":null', FaultCause.BAD_NUMBER),
        (b'"qty":0.25000000', b'"qty":"1e99"', FaultCause.BAD_NUMBER),
        (b'"qty":0.25000000', b'"qty":1e-40', FaultCause.BAD_NUMBER),
        (b'"asks":[]', b'"asks":null', FaultCause.UNKNOWN_FORM),
        (b'"asks":[]', b'"asks":[1]', FaultCause.UNKNOWN_FORM),
        (b"2023-10-06T17:35:55.440295Z", b"2023-10-06T17:35:55.440295", FaultCause.BAD_NUMBER),
        (b"2023-10-06T17:35:55.440295Z", b"1823-10-06T17:35:55.440295Z", FaultCause.BAD_NUMBER),
        (b"2023-10-06T17:35:55.440295Z", b"9999-10-06T17:35:55.440295Z", FaultCause.BAD_NUMBER),
    ],
)
def test_a_change_that_cannot_be_read_is_as_good_as_missing(
    before: bytes, after: bytes, cause: FaultCause
) -> None:
    session = session_of()
    receive_all(session, FRAMES[:FIRST_UPDATE])
    assert before in FRAMES[FIRST_UPDATE]
    turn = session.receive(FRAMES[FIRST_UPDATE].replace(before, after), NOW_NS)
    assert causes([turn]) == [cause]
    assert turn.lost == [BTC.symbol]
    assert session.awaits(BTC.symbol)


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        (b'{"error":"Currency pair not supported X/Y","method":"subscribe","success":false}',
         FaultCause.REFUSED),
        (b'{"channel":"book","type":"update","data":[{"symbol":"X/Y"}]}',
         FaultCause.UNKNOWN_SYMBOL),
        (b'{"channel":"book","type":"other","data":[]}', FaultCause.UNKNOWN_FORM),
        (b'{"channel":"ohlc"}', FaultCause.UNKNOWN_FORM),
        (b'[1,{"as":[]},"book-10","XBT/USD"]', FaultCause.UNKNOWN_FORM),
        (b'{"channel":NaN}', FaultCause.BAD_NUMBER),
        (b"{", FaultCause.NOT_JSON),
        (b" " * (4 * 1024 * 1024 + 1), FaultCause.TOO_LONG),
    ],
)  # fmt: skip
def test_other_frames_touch_no_book(frame: bytes, cause: FaultCause) -> None:
    session = session_of()
    receive_all(session, FRAMES[: SNAPSHOT + 1])
    turn = session.receive(frame, NOW_NS)
    assert (causes([turn]), len(turn.records), turn.lost) == ([cause], 1, ())
    assert not session.awaits(BTC.symbol)


# --- The checksum against the words of the guide. --------------------------------------------

PRICES = st.integers(1, 10**9)
QUANTITIES = st.integers(1, 10**14)
SIDE = st.dictionaries(PRICES, QUANTITIES, min_size=1, max_size=14)


def decimal(units: int, places: int) -> str:
    digits = str(units).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"


@given(bids=SIDE, asks=SIDE, thrifty=st.booleans(), chance=st.randoms(use_true_random=False))
def test_any_book_is_checked_as_the_guide_says(
    bids: dict[int, int], asks: dict[int, int], thrifty: bool, chance: random.Random
) -> None:
    """Also by a writer that leaves out zeros at the end, wherever one number needs them all."""
    asks = {price + 10**9: quantity for price, quantity in asks.items()}
    text = "".join(
        f"{price}{quantity}"
        for price, quantity in sorted(asks.items())[:10] + sorted(bids.items(), reverse=True)[:10]
    )
    book = KrakenBook(20)
    levels = [(Side.BUY, *each) for each in bids.items()]
    levels += [(Side.SELL, *each) for each in asks.items()]
    # One level with all its places, soon gone again.
    book.set(Side.SELL, "5000000000.11111", "0.11111111")
    chance.shuffle(levels)
    for side, price, quantity in levels:
        written = decimal(price, 5), decimal(quantity, 8)
        if thrifty:
            written = written[0].rstrip("0").rstrip("."), written[1].rstrip("0").rstrip(".")
        book.set(side, *written)
    book.set(Side.SELL, "5000000000.11111", "0")
    assert book.checksum() == crc32(text.encode())


# --- What was recorded. ----------------------------------------------------------------------


def test_every_recorded_checksum_is_right() -> None:
    """4,269 real checksums of ten markets, from 5 to 9 decimal places."""
    instruments, frames = kraken_books()
    session, books = KrakenSession(instruments, EVERY_LEVEL), Books()
    for frame in frames:
        turn = session.receive(frame, NOW_NS)
        assert causes([turn]) == []
        assert books.take(turn.records) == []
    assert len(frames) > 4_000
    assert set(books.syncs) == {Sync.APPLIED}
    assert len(books.books) == len(instruments) == 10


def test_a_change_that_was_left_out_of_a_recording_is_noticed() -> None:
    """Not always at once: only the ten best are in the checksum."""
    instruments, frames = kraken_books()
    (name, *_) = instruments
    own = [frame for frame in frames if f'"{name}"'.encode() in frame]
    noticed = 0
    for left_out in range(1, 41):
        session = KrakenSession({name: instruments[name]}, EVERY_LEVEL)
        turns = receive_all(session, own[:left_out] + own[left_out + 1 :])
        if causes(turns):
            assert set(causes(turns)) == {FaultCause.CHECKSUM}
            noticed += 1
    assert noticed > 20
