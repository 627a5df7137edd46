"""The outbox: orders first and all of them, market data the newest, with a mark where some fell."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from xache_sdk import market, strategy, wire
from xache_sdk.testing import make_instrument
from xache_sdk.v1 import plugin_pb2

from tests.storage.house import INSTRUMENT, SYMBOL
from xached.adapters import child_outbox
from xached.adapters.child_frames import write_timer
from xached.adapters.child_outbox import CANDLES_MAX, TRADES_MAX, ChildTooSlow, Outbox
from xached.domain.candles import Candle, Interval
from xached.domain.market import BINANCE, XACHE, Provenance, Source, TapeTrade, Venue
from xached.domain.order import Side

RULES: dict[str, market.Instrument] = {SYMBOL: make_instrument(SYMBOL, tick_size="0.1")}


def trade(index: int) -> TapeTrade:
    return TapeTrade(
        symbol=SYMBOL,
        source=Source(XACHE, Provenance.LIVE),
        sequence=index,
        trade_id=str(index),
        price_ticks=1,
        quantity_lots=1,
        taker_side=Side.BUY,
        at_ns=index,
    )


def candle(at_ns: int, close_ticks: int, *, closed: bool) -> Candle:
    return Candle(
        interval=Interval.S1, open_at_ns=at_ns, open_ticks=1, high_ticks=close_ticks, low_ticks=1,
        close_ticks=close_ticks, volume_lots=1, trades=1, simulated_trades=0, closed=closed,
    )  # fmt: skip


async def drain(outbox: Outbox) -> list[strategy.Input]:
    """Everything that waits, as the child would see it."""
    reader = wire.FrameReader()
    values: list[strategy.Input] = []
    with trio.move_on_after(0.1):
        while True:
            for body in reader.feed((await outbox.take())[1]):
                values += wire.read_inputs(plugin_pb2.HostFrame.FromString(body), RULES)
    return values


async def test_orders_overtake_market_data(autojump_clock: trio.testing.MockClock) -> None:
    outbox = Outbox()
    outbox.offer_book(INSTRUMENT, XACHE, (), (), 1)
    outbox.offer_trades(INSTRUMENT, XACHE, [trade(1)], lagged=False)
    outbox.put(write_timer("a", 1))
    outbox.put(write_timer("b", 2))
    assert [type(each) for each in await drain(outbox)] == [
        strategy.TimerDue,
        strategy.TimerDue,
        market.Trade,
        market.Book,
    ]


async def test_nothing_urgent_is_dropped(autojump_clock: trio.testing.MockClock) -> None:
    outbox = Outbox()
    for index in range(5_000):
        outbox.put(write_timer("t", index))
        outbox.offer_trades(INSTRUMENT, XACHE, [trade(index)], lagged=False)
    timers = [each.at_ns for each in await drain(outbox) if isinstance(each, strategy.TimerDue)]
    assert timers == list(range(5_000))


async def test_too_much_that_is_urgent_is_an_end(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_outbox, "URGENT_FRAMES_MAX", 3)
    outbox = Outbox()
    with pytest.RaisesGroup(ChildTooSlow):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(outbox.watch_overflow)
            for _ in range(3):
                outbox.put(write_timer("t", 1))
            await trio.testing.wait_all_tasks_blocked()
            outbox.put(write_timer("t", 1))


async def test_the_newest_trades_stay_and_say_that_older_ones_fell(
    autojump_clock: trio.testing.MockClock,
) -> None:
    outbox = Outbox()
    for first in range(0, TRADES_MAX + 300, 100):
        trades = [trade(first + index) for index in range(100)]
        outbox.offer_trades(INSTRUMENT, XACHE, trades, lagged=False)
    seen = [each for each in await drain(outbox) if isinstance(each, market.Trade)]
    assert [each.at_ns for each in seen] == list(range(300, TRADES_MAX + 300))
    assert [each.at_ns for each in seen if each.lagged] == [300]
    assert outbox.statistics().trades_dropped == 300


async def test_a_gap_upstream_is_passed_on(autojump_clock: trio.testing.MockClock) -> None:
    outbox = Outbox()
    outbox.offer_trades(INSTRUMENT, XACHE, [trade(9)], lagged=True)
    [seen] = await drain(outbox)
    assert isinstance(seen, market.Trade)
    assert seen.lagged


async def test_only_the_latest_book_of_each_source_waits(
    autojump_clock: trio.testing.MockClock,
) -> None:
    outbox = Outbox()
    for at_ns in range(10):
        for venue in (XACHE, BINANCE):
            outbox.offer_book(INSTRUMENT, venue, ((at_ns + 1, 1),), (), at_ns)
    books = [each for each in await drain(outbox) if isinstance(each, market.Book)]
    assert [(Venue(each.venue), each.at_ns) for each in books] == [(XACHE, 9), (BINANCE, 9)]
    assert outbox.statistics().books_conflated == 18


async def test_a_busy_tape_hides_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """A child that is slower than one tape still sees books, candles and the other tapes."""
    outbox = Outbox()
    seen: list[strategy.Input] = []
    for at_ns in range(50):
        trades = [trade(at_ns * TRADES_MAX + index) for index in range(TRADES_MAX)]
        outbox.offer_trades(INSTRUMENT, XACHE, trades, lagged=False)
        outbox.offer_trades(INSTRUMENT, BINANCE, [trade(at_ns)], lagged=False)
        outbox.offer_book(INSTRUMENT, XACHE, (), (), at_ns)
        outbox.offer_candle(INSTRUMENT, XACHE, candle(at_ns, 5, closed=True))
        reader = wire.FrameReader()
        for body in reader.feed((await outbox.take())[1]):
            seen += wire.read_inputs(plugin_pb2.HostFrame.FromString(body), RULES)
    assert outbox.statistics().trades_dropped > TRADES_MAX, "it is slower than the tape"
    assert sum(isinstance(each, market.Trade) and each.venue == BINANCE for each in seen) >= 45
    assert sum(isinstance(each, market.Book) for each in seen) >= 45
    assert sum(isinstance(each, market.Candle) for each in seen) >= 45


async def test_closed_candles_wait_open_ones_are_replaced(
    autojump_clock: trio.testing.MockClock,
) -> None:
    outbox = Outbox()
    for at_ns in (1, 2):
        outbox.offer_candle(INSTRUMENT, XACHE, candle(at_ns, 5, closed=False))
        outbox.offer_candle(INSTRUMENT, XACHE, candle(at_ns, 6, closed=False))
        outbox.offer_candle(INSTRUMENT, XACHE, candle(at_ns, 7, closed=True))
    outbox.offer_candle(INSTRUMENT, XACHE, candle(3, 5, closed=False))
    outbox.offer_candle(INSTRUMENT, XACHE, candle(3, 8, closed=False))
    seen = [each for each in await drain(outbox) if isinstance(each, market.Candle)]
    assert [(each.open_at_ns, each.closed) for each in seen] == [(1, True), (2, True), (3, False)]
    assert str(seen[2].close) == "0.8"


async def test_the_newest_closed_candles_stay(autojump_clock: trio.testing.MockClock) -> None:
    outbox = Outbox()
    for at_ns in range(CANDLES_MAX + 5):
        outbox.offer_candle(INSTRUMENT, XACHE, candle(at_ns, 5, closed=True))
    seen = [each for each in await drain(outbox) if isinstance(each, market.Candle)]
    assert [each.open_at_ns for each in seen] == list(range(5, CANDLES_MAX + 5))
    assert [each.lagged for each in seen].index(True) == 0
    assert sum(each.lagged for each in seen) == 1
    assert outbox.statistics().candles_dropped == 5
