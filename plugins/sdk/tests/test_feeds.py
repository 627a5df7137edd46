"""What a feed gives becomes whole ticks and lots, and a frame that cannot be read is one fault."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from xache_sdk.feed_session import FeedSession, open_session
from xache_sdk.feeds import (
    MESSAGE_BYTES_MAX,
    MESSAGES_MAX,
    RECORDS_MAX,
    Alive,
    BadFrame,
    Book,
    BookChange,
    Connection,
    Feed,
    Fetch,
    Lost,
    Market,
    Quote,
    Reconnect,
    Record,
    Refused,
    Reply,
    Send,
    Trade,
    Way,
    load_json,
)
from xache_sdk.market import Side
from xache_sdk.settings import NoSettings
from xache_sdk.testing import FeedRig, make_instrument
from xache_sdk.v1 import plugin_pb2

BTC = "BTC-USDT"
NOW_NS = 1_700_000_000_000_000_000


class Told(Feed[NoSettings]):
    """Gives what the test puts in."""

    told: Iterable[Any] = ()
    opening: Any = Connection(stream="wss://venue.example")
    way: Any = None

    def connection(self) -> Connection:
        found: Connection = self.opening
        return found

    def receive(self, frame: bytes) -> Iterable[Record]:
        return self.told

    def repair(self, symbol: str) -> Way:
        way: Way = super().repair(symbol) if self.way is None else self.way
        return way

    def snapshot(self, symbol: str, body: bytes) -> Iterable[Record]:
        return [Book(symbol=symbol, bids=[], asks=[], last_id=int(body))]


def session() -> tuple[Told, FeedSession]:
    feed = Told(NoSettings(), [Market(make_instrument(), "XBT")])
    return feed, FeedSession(feed)


def turn_of(*told: Record) -> plugin_pb2.PluginFeedTurn:
    feed, at_work = session()
    feed.told = told
    return at_work.receive(b"a frame", NOW_NS)


def trade(*, symbol: str = BTC, trade_id: int = 1, price: str = "1") -> Trade:
    return Trade(symbol=symbol, trade_id=trade_id, price=price, quantity="1", taker_side=Side.BUY)


def kinds(turn: plugin_pb2.PluginFeedTurn) -> list[str | None]:
    return [record.WhichOneof("record") for record in turn.records]


def test_what_is_told_becomes_ticks_and_lots() -> None:
    turn = turn_of(
        Trade(
            symbol=BTC, trade_id=7, price="50000.10", quantity=Decimal("0.00002"),
            taker_side=Side.SELL, at_ns=5,
        ),
        Book(symbol=BTC, bids=[("50000", "1")], asks=[("50000.01", "0.000019")], last_id=9),
        BookChange(symbol=BTC, bids=[("50000", 0)], previous_id=9, last_id=11),
        Quote(symbol=BTC, bid=("1", "2"), ask=None),
        Alive(),
        Refused("no such market"),
        Reply("pong"),
    )  # fmt: skip
    trade, book, change, quote, alive, refused = turn.records
    assert (trade.trade.price_ticks, trade.trade.quantity_lots) == (5_000_010, 2)
    assert (trade.trade.taker_side, trade.trade.at_ns) == (plugin_pb2.PLUGIN_SIDE_SELL, 5)
    assert list(book.snapshot.bid_lots) == [100_000]
    assert list(book.snapshot.ask_ticks) == [5_000_001]
    assert list(book.snapshot.ask_lots) == [1], "a quantity between two lots is cut down"
    assert book.snapshot.at_ns == NOW_NS, "what has no time is as old as its frame"
    assert (change.change.previous_id, change.change.last_id) == (9, 11)
    assert list(change.change.bid_lots) == [0]
    assert (quote.quote.bid_ticks, quote.quote.bid_lots, quote.quote.ask_lots) == (100, 200_000, 0)
    assert alive.alive
    assert (refused.fault.cause, refused.fault.excerpt) == ("REFUSED", "no such market")
    assert list(turn.replies) == ["pong"]


def test_what_is_less_than_a_lot_is_left_out() -> None:
    """Checked by breaking: with a check that lets 0 lots pass, each is seen red."""
    dust = Decimal("0.000009")
    turn = turn_of(
        Trade(symbol=BTC, trade_id=1, price="1", quantity=dust, taker_side=Side.BUY),
        trade(trade_id=2),
        Book(symbol=BTC, bids=[("2", dust), ("1", "1")], asks=[("3", "0"), ("4", "1")], last_id=9),
        BookChange(symbol=BTC, bids=[("1", dust)], previous_id=9, last_id=10),
    )
    assert kinds(turn) == ["trade", "snapshot", "change"]
    assert turn.records[0].trade.trade_id == 2
    book = turn.records[1].snapshot
    assert (list(book.bid_ticks), list(book.bid_lots)) == ([100], [100_000])
    assert (list(book.ask_ticks), list(book.ask_lots)) == ([400], [100_000])
    change = turn.records[2].change
    assert (list(change.bid_ticks), list(change.bid_lots)) == ([100], [0]), "it is gone"
    for wrong in (trade(price="0"), trade(trade_id=-1), trade(symbol="X")):
        assert kinds(turn_of(replace(wrong, quantity=dust))) == ["fault"], (
            "what is left out is read"
        )


def test_a_frame_has_so_many_levels() -> None:
    half = Book(symbol=BTC, bids=[("1", "1")] * 10_000, asks=[("2", "1")] * 10_000, last_id=1)
    one = BookChange(symbol=BTC, bids=[("1", "1")], previous_id=1, last_id=2)
    assert kinds(turn_of(half, half, Alive())) == ["snapshot", "snapshot", "alive"]
    turn = turn_of(half, half, one)
    assert kinds(turn) == ["fault"]
    assert "more than 40000 levels" in turn.records[0].fault.excerpt


def test_books_that_a_venue_does_not_number_are_numbered() -> None:
    feed, at_work = session()
    change = BookChange(symbol=BTC, bids=[("1", "1")])
    feed.told = [Book(symbol=BTC, bids=[], asks=[]), change, change]
    turn = at_work.receive(b"", NOW_NS)
    assert turn.records[0].snapshot.last_id == 1
    assert [(r.change.previous_id, r.change.last_id) for r in turn.records[1:]] == [(1, 2), (2, 3)]
    # After a frame that was lost, changes no longer join on to those before.
    feed.told = [object()]
    turn = at_work.receive(b"garbage", NOW_NS)
    assert kinds(turn) == ["fault", "lost"]
    assert turn.records[1].lost == BTC
    feed.told = [change]
    assert at_work.receive(b"", NOW_NS).records[0].change.previous_id == 4


def test_a_book_that_is_said_to_be_lost_leaves_a_gap() -> None:
    feed, at_work = session()
    feed.told = [Book(symbol=BTC, bids=[], asks=[]), Lost(BTC), BookChange(symbol=BTC)]
    turn = at_work.receive(b"", NOW_NS)
    assert kinds(turn) == ["snapshot", "lost", "change"]
    assert turn.records[2].change.previous_id == 2


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        (trade(price="1.001"), "OFF_STEP"),
        (trade(price="0"), "UNKNOWN_FORM"),
        (trade(symbol="X"), "UNKNOWN_FORM"),
        (trade(trade_id=-1), "UNKNOWN_FORM"),
        (Quote(symbol=BTC, bid=("NaN", "1"), ask=None), "UNKNOWN_FORM"),
        (Quote(symbol=BTC, bid=("-1", "1"), ask=None), "UNKNOWN_FORM"),
        (Quote(symbol=BTC, bid=("1e99", "1"), ask=None), "UNKNOWN_FORM"),
        (Quote(symbol=BTC, bid=("bid", "1"), ask=None), "UNKNOWN_FORM"),
        (Quote(symbol=BTC, bid=(1.5, "1"), ask=None), "UNKNOWN_FORM"),  # type: ignore[arg-type]
        (Book(symbol=BTC, bids=[("0", "1")], asks=[]), "UNKNOWN_FORM"),
        (Book(symbol=BTC, bids=[("1", "1")] * 10_001, asks=[]), "UNKNOWN_FORM"),
        (BookChange(symbol=BTC, previous_id=3, last_id=3), "UNKNOWN_FORM"),
        (BookChange(symbol=BTC, last_id=3), "UNKNOWN_FORM"),
        (Reply("x" * (MESSAGE_BYTES_MAX + 1)), "UNKNOWN_FORM"),
        ("a text", "UNKNOWN_FORM"),
    ],
)  # fmt: skip
def test_a_frame_that_cannot_be_used_is_one_fault(told: Any, cause: str) -> None:
    turn = turn_of(Alive(), told)
    assert kinds(turn)[0] == "fault"
    assert set(kinds(turn)[1:]) <= {"lost"}, "a frame is used as a whole or not at all"
    assert turn.records[0].fault.cause == cause
    assert len(turn.records[0].fault.excerpt) <= 500
    assert turn.records[0].fault.excerpt.isascii()


def test_a_frame_has_so_many_records() -> None:
    assert len(turn_of(*[Alive()] * RECORDS_MAX).records) == RECORDS_MAX
    assert kinds(turn_of(*[Alive()] * (RECORDS_MAX + 1))) == ["fault"]


def test_what_a_feed_raises_besides_is_its_own_fault() -> None:
    def broken() -> Iterable[Record]:
        yield Alive()
        raise RuntimeError("a bug")

    feed, at_work = session()
    feed.told = broken()
    with pytest.raises(RuntimeError, match="a bug"):
        at_work.receive(b"", NOW_NS)


def test_connections_are_checked() -> None:
    feed, at_work = session()
    feed.opening = Connection(
        stream="wss://venue.example/ws", messages=["subscribe"], keep_alive="ping", keep_alive_s=15
    )
    told = at_work.connection()
    assert (told.stream, told.rest, list(told.messages)) == (
        "wss://venue.example/ws", "", ["subscribe"],
    )  # fmt: skip
    assert (told.keep_alive, told.keep_alive_ms, told.snapshots_come) == ("ping", 15_000, False)
    for wrong in (
        Connection(stream="wss://v", messages=["m"] * (MESSAGES_MAX + 1)),
        Connection(stream="wss://v", messages="m"),
        Connection(stream="wss://v", keep_alive="ping", keep_alive_s=0.1),
        Connection(stream="wss://v", keep_alive="ping", keep_alive_s=float("nan")),
    ):
        feed.opening = wrong
        with pytest.raises(ValueError, match=r"at most|at least"):
            at_work.connection()
    feed.opening = "wss://venue.example"
    with pytest.raises(TypeError):
        at_work.connection()


def test_ways_to_a_snapshot() -> None:
    feed, at_work = session()
    assert at_work.repair(BTC).way.reconnect
    ways: list[tuple[Way, str]] = [
        (Send(["again"]), "send"), (Fetch("/depth"), "fetch"), (Reconnect(), "reconnect"),
    ]  # fmt: skip
    for way, kind in ways:
        feed.way = way
        assert at_work.repair(BTC).way.WhichOneof("way") == kind
    feed.way = "again"
    with pytest.raises(TypeError):
        at_work.repair(BTC)
    assert at_work.snapshot(BTC, b"12", NOW_NS).records[0].snapshot.last_id == 12
    assert kinds(at_work.snapshot(BTC, b"none", NOW_NS)) == ["fault"]


def test_a_session_is_opened_for_markets_and_their_names() -> None:
    at_work = open_session(Told, NoSettings(), [Market(make_instrument(), "XBT")])
    assert at_work.connection().stream == "wss://venue.example"


def test_json_is_read_with_its_numbers_as_they_are_written() -> None:
    assert load_json(b'{"p": 0.10, "n": 7}') == {"p": Decimal("0.10"), "n": 7}
    for wrong in (b"{", b"NaN", b"[" * 100_000, b"\xff"):
        with pytest.raises(BadFrame):
            load_json(wrong)


def test_the_test_kit_says_what_its_process_would() -> None:
    rig = FeedRig(Told, {}, [make_instrument()], {BTC: "XBT"})
    assert isinstance(rig.feed, Told)
    assert rig.feed.markets[0].name == "XBT"
    assert rig.connection() == Connection(stream="wss://venue.example")
    rig.feed.told = [trade(), Refused("no")]
    assert rig.receive(b"") == [trade(), Refused("no")]
    assert rig.snapshot(BTC, b"7") == [Book(symbol=BTC, bids=[], asks=[], last_id=7)]
    assert rig.repair(BTC) == Reconnect()
    rig.feed.told = [trade(), trade(price="1.001")]
    with pytest.raises(BadFrame, match="OFF_STEP: OffStep"):
        rig.receive(b"")
    rig.feed.told = [trade()]
    assert rig.receive(b"") == [trade()], "what was dropped with a frame is not told later"
    rig.feed.opening = Connection(stream="wss://v", messages=["m"] * (MESSAGES_MAX + 1))
    with pytest.raises(ValueError, match="at most"):
        rig.connection()
