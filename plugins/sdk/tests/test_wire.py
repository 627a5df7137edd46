"""Frames: cut from any stream of bytes, bounded, and true to their values."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.market import Books, Candles, Interval, Side, Trades
from xache_sdk.orders import Cancel, CancelAll, Intent, Note, Place, SetTimer, TimeInForce
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import (
    FRAME_BYTES_MAX,
    FrameError,
    FrameReader,
    frame,
    read_inputs,
    write_intents,
    write_ready,
)


@given(st.lists(st.binary(min_size=1, max_size=300)), st.data())
def test_frames_come_out_as_they_went_in(bodies: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frame(body) for body in bodies)
    reader = FrameReader()
    got: list[bytes] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += reader.feed(stream[:size])
        stream = stream[size:]
    assert got == bodies
    assert reader.buffered_bytes == 0


@given(st.binary(max_size=2_000))
def test_garbage_is_a_frame_error_or_bounded(data: bytes) -> None:
    reader = FrameReader()
    with contextlib.suppress(FrameError):
        list(reader.feed(data))
    assert reader.buffered_bytes <= FRAME_BYTES_MAX + 4


@pytest.mark.parametrize("length", [0, FRAME_BYTES_MAX + 1, 2**32 - 1])
def test_a_wrong_length_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(FrameError):
        list(FrameReader().feed(length.to_bytes(4, "big")))


def test_the_longest_frame_passes() -> None:
    body = b"x" * FRAME_BYTES_MAX
    assert list(FrameReader().feed(frame(body))) == [body]
    with pytest.raises(FrameError):
        frame(body + b"x")


STOP = plugin_pb2.HostFrame(stop=plugin_pb2.PluginStop(cause="over")).SerializeToString()


@given(st.data())
def test_a_mutated_message_is_an_error_the_child_knows(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(STOP)))
    body = (
        STOP[:at] + data.draw(st.binary(max_size=200)) + STOP[at + data.draw(st.integers(0, 2)) :]
    )
    with contextlib.suppress(DecodeError, FrameError, KeyError, ArithmeticError):
        [told] = read_inputs(plugin_pb2.HostFrame.FromString(body), {})
        assert type(told).__module__.startswith("xache_sdk.")


def test_intents_are_spelled_out() -> None:
    intents: list[Intent] = [
        Place(
            id="1", symbol="S", side=Side.SELL, quantity=Decimal("1E-7"), price=Decimal("1E+3"),
            time_in_force=TimeInForce.FOK,
        ),
        Cancel("1"),
        CancelAll(),
        SetTimer("t", 5),
        Note("n" * 600),
    ]  # fmt: skip
    [written] = write_intents(intents)
    place, cancel, cancel_all, timer, note = written.intents.intents
    assert (place.place.quantity, place.place.price) == ("0.0000001", "1000")
    assert place.place.time_in_force == plugin_pb2.PLUGIN_TIME_IN_FORCE_FOK
    assert cancel.cancel.id == "1"
    assert cancel_all.cancel_all.symbol == ""
    assert timer.set_timer.delay_ns == 5
    assert len(note.note.text) == 500


def test_many_long_intents_fit_into_frames() -> None:
    written = list(write_intents([Note("\N{PILE OF POO}" * 500)] * 45))
    assert [len(each.intents.intents) for each in written] == [20, 20, 5]
    for each in written:
        frame(each.SerializeToString())


def test_no_intents_need_no_frame() -> None:
    assert list(write_intents([])) == []


def test_subscriptions_are_spelled_out() -> None:
    ready = write_ready([Trades("S", "V"), Books("S", "V", 7), Candles("S", "V", Interval.M5)])
    trades, books, candles = ready.ready.subscriptions
    assert trades.data == plugin_pb2.PLUGIN_MARKET_DATA_TRADES
    assert (books.data, books.depth) == (plugin_pb2.PLUGIN_MARKET_DATA_BOOK, 7)
    assert (candles.data, candles.interval_s) == (plugin_pb2.PLUGIN_MARKET_DATA_CANDLES, 300)
