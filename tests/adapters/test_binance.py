"""Binance's frames: the shipped recordings in full, and frames that nobody should send."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.domain.market_values import BTC, ETH, make_instrument
from xached.adapters.feeds.binance import LEVELS_MAX, BinanceParser, binance_name
from xached.adapters.feeds.feed import (
    EXCERPT_LENGTH_MAX,
    FRAME_BYTES_MAX,
    FrameFault,
    Steps,
)
from xached.adapters.feeds.history import SHIPPED
from xached.domain.depth import Depth, Sync, VenueDepth
from xached.domain.instrument import Instrument
from xached.domain.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedFault,
    FeedRecord,
    VenueTrade,
)
from xached.domain.order import Side

MUTATIONS = 60_000 if os.environ.get("XACHE_LONG") else 4_000
shipped = pytest.mark.parametrize("instrument", [BTC, ETH], ids=lambda each: each.symbol)


def frames_of(path: Path) -> list[tuple[int, bytes]]:
    with gzip.open(path) as lines:
        return [
            (int(received), frame)
            for received, frame in (line.rstrip(b"\n").split(b" ", 1) for line in lines)
        ]


def parser_of(instrument: Instrument) -> BinanceParser:
    name = binance_name(instrument)
    return BinanceParser({name: instrument}, snapshot_symbol=name)


@cache
def recorded(instrument: Instrument) -> tuple[FeedRecord, ...]:
    parser = parser_of(instrument)
    return tuple(
        record
        for received_ns, frame in frames_of(SHIPPED[instrument.symbol].recording)
        for record in parser.parse(frame, received_ns)
    )


# --- The recordings. -------------------------------------------------------------------------


@shipped
def test_every_recorded_frame_is_understood(instrument: Instrument) -> None:
    kinds = Counter(type(record).__name__ for record in recorded(instrument))
    expected = {
        BTC: {"BestQuote": 28_040, "VenueTrade": 9_757, "BookDiff": 3_451, "FeedFault": 3},
        ETH: {"BestQuote": 24_077, "VenueTrade": 6_106, "BookDiff": 3_434, "FeedFault": 2},
    }
    assert kinds == {**expected[instrument], "BookSnapshot": 1}
    # Remains of orders that are older than the lot, at 200000.00 and such prices.
    faults = {each.cause for each in recorded(instrument) if isinstance(each, FeedFault)}
    assert faults == {FaultCause.OFF_STEP}


@shipped
def test_recorded_trade_ids_and_times_have_no_gap(instrument: Instrument) -> None:
    trades = [record for record in recorded(instrument) if isinstance(record, VenueTrade)]
    first = trades[0].trade_id
    assert [trade.trade_id for trade in trades] == list(range(first, first + len(trades)))
    times = [trade.at_ns for trade in trades]
    assert times == sorted(times)


@shipped
def test_the_recorded_book_is_in_step_never_crossed_and_agrees_with_the_quotes(
    instrument: Instrument,
) -> None:
    book = VenueDepth()
    outcomes: Counter[Sync] = Counter()
    quotes: dict[int, BestQuote] = {}
    agreed = 0
    for record in recorded(instrument):
        match record:
            case BestQuote():
                quotes[record.last_id] = record
            case BookSnapshot():
                outcomes[book.snapshot(record)] += 1
            case BookDiff():
                outcomes[book.diff(record)] += 1
            case _:
                continue
        if isinstance(record, BookDiff) and (quote := quotes.get(book.last_id or 0)):
            # An independent stream of the same book, numbered alike.
            assert book.depth.best_bid() == (quote.bid_ticks, quote.bid_lots)
            assert book.depth.best_ask() == (quote.ask_ticks, quote.ask_lots)
            agreed += 1
        assert not book.depth.crossed
    assert set(outcomes) == {Sync.KEPT, Sync.APPLIED}
    assert 0 < outcomes[Sync.KEPT] < 5, "the snapshot came late"
    assert agreed > 500


def test_replaying_without_the_rule_crosses_the_book() -> None:
    """The trap: BTC's snapshot arrives after diffs that are newer than it.

    The same records as above, taken as they come. What a diff had removed comes back with the
    snapshot and stays. (ETH's snapshot ends exactly with the diff before it: luck.)
    """
    records = [each for each in recorded(BTC) if isinstance(each, BookDiff | BookSnapshot)]
    late = next(at for at, each in enumerate(records) if isinstance(each, BookSnapshot))
    assert records[late - 1].last_id > records[late].last_id
    naive = Depth()
    crossed = 0
    for record in records:
        naive.set_many(record.bids, record.asks)
        crossed += naive.crossed
    assert crossed > len(records) // 2


# --- Numbers. --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "scale", "step", "steps"),
    [
        ("61737.63000000", 2, 1, 6_173_763),
        ("0.00000000", 2, 1, 0),
        ("12", 2, 1, 1_200),
        ("0.00001", 8, 1_000, 1),
        ("1.5", 0, 1, FaultCause.OFF_STEP),
        ("0.015", 2, 1, FaultCause.OFF_STEP),
        ("0.000015", 8, 1_000, FaultCause.OFF_STEP),
        ("", 2, 1, FaultCause.BAD_NUMBER),
        (".5", 2, 1, FaultCause.BAD_NUMBER),
        ("5.", 2, 1, FaultCause.BAD_NUMBER),
        ("-1", 2, 1, FaultCause.BAD_NUMBER),
        ("+1", 2, 1, FaultCause.BAD_NUMBER),
        ("1e5", 2, 1, FaultCause.BAD_NUMBER),
        ("1_000", 2, 1, FaultCause.BAD_NUMBER),
        (" 1", 2, 1, FaultCause.BAD_NUMBER),
        ("1.2.3", 2, 1, FaultCause.BAD_NUMBER),
        ("1.00x", 2, 1, FaultCause.BAD_NUMBER),
        ("NaN", 2, 1, FaultCause.BAD_NUMBER),
        ("١٢", 2, 1, FaultCause.BAD_NUMBER),
        ("²", 2, 1, FaultCause.BAD_NUMBER),
        ("9" * 41, 2, 1, FaultCause.BAD_NUMBER),
        (1.5, 2, 1, FaultCause.BAD_NUMBER),
        (None, 2, 1, FaultCause.BAD_NUMBER),
    ],
)
def test_decimals_are_read_exactly_or_not_at_all(
    text: object, scale: int, step: int, steps: int | FaultCause
) -> None:
    if isinstance(steps, int):
        assert Steps(scale, step).read(text) == steps
        return
    with pytest.raises(FrameFault) as caught:
        Steps(scale, step).read(text)
    assert caught.value.cause is steps


# --- Frames. ---------------------------------------------------------------------------------

TRADE = {
    "e": "trade", "E": 9, "s": "BTCUSDT", "t": 7, "p": "10.00", "q": "0.5", "T": 8, "m": True,
    "M": True,
}  # fmt: skip
DIFF = {
    "e": "depthUpdate", "E": 9, "s": "BTCUSDT", "U": 5, "u": 6, "b": [["10.00", "1"]], "a": [],
}  # fmt: skip


def parse(data: object) -> list[FeedRecord]:
    frame = json.dumps({"stream": "s", "data": data}).encode()
    return parser_of(BTC).parse(frame, 123)


def test_the_taker_is_who_did_not_make() -> None:
    (sold,) = parse(TRADE)
    (bought,) = parse({**TRADE, "m": False})
    assert isinstance(sold, VenueTrade)
    assert isinstance(bought, VenueTrade)
    assert (sold.taker_side, bought.taker_side) == (Side.SELL, Side.BUY)
    assert (sold.price_ticks, sold.quantity_lots, sold.at_ns) == (1_000, 50_000, 8_000_000)


def test_spot_numbers_join_by_one_and_futures_by_their_own_field() -> None:
    (spot,) = parse(DIFF)
    (futures,) = parse({**DIFF, "pu": 2})
    assert isinstance(spot, BookDiff)
    assert isinstance(futures, BookDiff)
    assert (spot.previous_id, futures.previous_id) == (4, 2)


def test_a_quantity_off_the_lot_is_cut_in_a_book_and_refused_in_a_trade() -> None:
    record, fault = parse({**DIFF, "b": [["10.00", "1.000019"], ["9.00", "0.000001"]]})[:2]
    assert isinstance(record, BookDiff)
    assert record.bids == ((1_000, 100_001), (900, 0))
    assert isinstance(fault, FeedFault)
    assert fault.cause is FaultCause.OFF_STEP
    (refused,) = parse({**TRADE, "q": "1.000001"})
    assert isinstance(refused, FeedFault)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        ({**TRADE, "p": "10.005"}, FaultCause.OFF_STEP),
        ({**TRADE, "p": 10.0}, FaultCause.BAD_NUMBER),
        ({**TRADE, "p": "0"}, FaultCause.BAD_NUMBER),
        ({**TRADE, "q": "0"}, FaultCause.BAD_NUMBER),
        ({**TRADE, "t": True}, FaultCause.BAD_NUMBER),
        ({**TRADE, "t": -1}, FaultCause.BAD_NUMBER),
        ({**TRADE, "T": 10**30}, FaultCause.BAD_NUMBER),
        ({**TRADE, "T": 2**63 - 1}, FaultCause.BAD_NUMBER),  # No time in nanoseconds.
        ({**DIFF, "E": 2**63 - 1}, FaultCause.BAD_NUMBER),
        ({**TRADE, "m": 1}, FaultCause.UNKNOWN_FORM),
        ({**TRADE, "s": "DOGEUSDT"}, FaultCause.UNKNOWN_SYMBOL),
        ({**TRADE, "s": ["BTCUSDT"]}, FaultCause.UNKNOWN_SYMBOL),
        ({**TRADE, "e": "aggTrade"}, FaultCause.UNKNOWN_FORM),
        ({**TRADE, "e": ["trade"]}, FaultCause.UNKNOWN_FORM),
        ({**DIFF, "u": 4}, FaultCause.UNKNOWN_FORM),
        ({**DIFF, "b": [["10.00"]]}, FaultCause.UNKNOWN_FORM),
        ({**DIFF, "b": [None]}, FaultCause.UNKNOWN_FORM),
        ({**DIFF, "b": "no"}, FaultCause.UNKNOWN_FORM),
        ({**DIFF, "b": [["10.005", "1"]]}, FaultCause.OFF_STEP),
        ({**DIFF, "b": [["0.00", "1"]]}, FaultCause.BAD_NUMBER),
        ({**DIFF, "b": [["1.00", "1"]] * (LEVELS_MAX + 1)}, FaultCause.UNKNOWN_FORM),
        ([], FaultCause.UNKNOWN_FORM),
        (None, FaultCause.UNKNOWN_FORM),
    ],
)
def test_a_frame_that_is_not_as_documented_has_no_effect(data: object, cause: FaultCause) -> None:
    (fault,) = parse(data)
    assert isinstance(fault, FeedFault)
    assert fault.cause is cause


@pytest.mark.parametrize(
    ("frame", "cause"),
    [
        (b"", FaultCause.NOT_JSON),
        (b"\xff\xfe", FaultCause.NOT_JSON),
        (b"[" * 100_000, FaultCause.NOT_JSON),
        (b"1" * 10_000, FaultCause.NOT_JSON),
        (b'{"data": NaN}', FaultCause.BAD_NUMBER),
        (b'{"data": 1.5}', FaultCause.BAD_NUMBER),
        (b"[1]", FaultCause.UNKNOWN_FORM),
        (b" " * (FRAME_BYTES_MAX + 1), FaultCause.TOO_LONG),
    ],
)
def test_what_is_no_message_at_all_is_counted(frame: bytes, cause: FaultCause) -> None:
    (fault,) = parser_of(BTC).parse(frame, 0)
    assert isinstance(fault, FeedFault)
    assert fault.cause is cause
    assert len(fault.excerpt) <= 4 * EXCERPT_LENGTH_MAX


def test_a_snapshot_without_a_known_symbol_is_refused() -> None:
    snapshot = b'{"lastUpdateId":1,"bids":[],"asks":[]}'
    (fault,) = BinanceParser({binance_name(BTC): BTC}).parse(snapshot, 0)
    assert isinstance(fault, FeedFault)
    (taken,) = parser_of(BTC).parse(snapshot, 5)
    assert isinstance(taken, BookSnapshot)


def test_mutated_frames_never_raise_and_never_give_a_wrong_form() -> None:
    draw = random.Random(20_240_808)
    parser = parser_of(BTC)
    frames = [frame for _, frame in frames_of(SHIPPED[BTC.symbol].recording)[:400]]
    faults = 0
    for _ in range(MUTATIONS):
        frame = bytearray(draw.choice(frames))
        for _ in range(draw.randrange(1, 4)):
            at = draw.randrange(len(frame))
            match draw.randrange(4):
                case 0:
                    frame[at] = draw.randrange(256)
                case 1:
                    del frame[at : at + draw.randrange(1, 20)]
                case 2:
                    frame[at:at] = draw.choice((b'"', b"}", b"[", b"-", b"e9", b"null", b"9" * 50))
                case _:
                    other = draw.choice(frames)
                    frame[at : at + 10] = other[at : at + 10]
            if not frame:
                frame = bytearray(b"x")
        first, *rest = parser.parse(bytes(frame), 5)
        assert all(isinstance(each, FeedFault) for each in rest)
        match first:
            case FeedFault():
                faults += 1
            case VenueTrade():
                assert first.price_ticks > 0 < first.quantity_lots
            case BookDiff() | BookSnapshot():
                assert all(price > 0 <= lots for price, lots in first.bids + first.asks)
            case _:
                assert isinstance(first, BestQuote)
    assert faults > MUTATIONS // 4


def test_a_whole_futures_recording_is_in_step() -> None:
    """USDT-margined futures join their diffs by ``pu``; checked on data that is not shipped."""
    data = os.environ.get("XACHE_DATA")
    if not data:
        pytest.skip("XACHE_DATA names no directory of recordings")
    perpetual = make_instrument("BTC", 100_000)
    parser, book = parser_of(perpetual), VenueDepth()
    outcomes: Counter[Sync] = Counter()
    path = Path(data) / "raw_ws/binance_hftbacktest/usdm_btcusdt_20240808.log.gz"
    for received_ns, frame in frames_of(path):
        for record in parser.parse(frame, received_ns):
            assert not isinstance(record, FeedFault), record
            if isinstance(record, BookSnapshot):
                outcomes[book.snapshot(record)] += 1
            elif isinstance(record, BookDiff):
                outcomes[book.diff(record)] += 1
            assert not book.depth.crossed
    assert set(outcomes) == {Sync.KEPT, Sync.APPLIED}
