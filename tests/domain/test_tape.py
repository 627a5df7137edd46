"""Tapes: numbers without gaps, and readers that get exactly what they missed."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.market_values import BTC, EXAMPLES
from xached.domain.market import BINANCE, Provenance, Source
from xached.domain.order import Side
from xached.domain.tape import TAPE_TRADES_MAX, Tape, TapeReader

SOURCE = Source(BINANCE, Provenance.RECORDED)


def add(tape: Tape, count: int) -> None:
    for _ in range(count):
        tape.append(
            source=SOURCE,
            trade_id="t",
            price_ticks=1,
            quantity_lots=1,
            taker_side=Side.BUY,
            at_ns=0,
        )


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=20), st.integers(1, 40), st.integers(0, 600))
def test_a_reader_gets_every_trade_once_in_order(bursts: list[int], limit: int, after: int) -> None:
    tape = Tape(BTC.symbol)
    add(tape, 600)
    reader = TapeReader(tape, limit, after)
    heard: list[int] = []
    for burst in bursts:
        add(tape, burst)
        step = reader.step()
        if step is not None:
            assert len(step.trades) <= limit
            assert (step.lagged_to, step.reset) == (0, False)
            heard += [trade.sequence for trade in step.trades]
    while (step := reader.step()) is not None:
        heard += [trade.sequence for trade in step.trades]
    assert heard == list(range(after + 1, tape.sequence + 1))


def test_a_new_reader_hears_only_what_comes() -> None:
    tape = Tape(BTC.symbol)
    add(tape, 5)
    reader = TapeReader(tape, 10)
    assert reader.step() is None
    add(tape, 1)
    step = reader.step()
    assert step is not None
    assert [trade.sequence for trade in step.trades] == [6]


def test_a_reader_that_is_too_far_behind_is_told_where_it_goes_on() -> None:
    tape = Tape(BTC.symbol)
    add(tape, 3)
    reader = TapeReader(tape, 7, 1)
    add(tape, TAPE_TRADES_MAX)
    step = reader.step()
    assert step is not None
    assert step.lagged_to == 4
    assert [trade.sequence for trade in step.trades] == list(range(4, 11))
    following = reader.step()
    assert following is not None
    assert (following.lagged_to, following.trades[0].sequence) == (0, 11)


def test_a_number_of_another_run_is_never_mistaken() -> None:
    tape = Tape(BTC.symbol, first_sequence=1_000)
    for foreign in (5, 5_000):
        step = TapeReader(tape, 7, foreign).step()
        assert step is not None
        assert (step.lagged_to, step.trades) == (1_000, ())


def test_readers_are_told_once_that_the_feed_started_anew() -> None:
    tape = Tape(BTC.symbol)
    reader = TapeReader(tape, 7)
    tape.epoch += 1
    step = reader.step()
    assert step is not None
    assert (step.reset, step.trades) == (True, ())
    assert reader.step() is None


def test_a_resumed_tape_goes_on_numbering() -> None:
    first, second = Tape(BTC.symbol), Tape(BTC.symbol)
    add(first, 12)
    second.resume(first.newest(8)[::-1])
    add(second, 1)
    assert second.sequence == 13
    assert (second.oldest, second.knows(4), second.knows(3)) == (5, True, False)
    assert [trade.sequence for trade in second.after(4, 3)] == [5, 6, 7]
