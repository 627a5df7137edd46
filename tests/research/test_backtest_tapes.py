"""Tapes of several markets in one run: merged by time, and one purse for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.look_ahead import CheckFailed
from xache_sdk.market import Book, Books, Candle, Candles, Interval, Subscription, Trade, Trades
from xache_sdk.orders import CancelAll, Intent, Intents, OrderUpdate, Replace, SetTimer

from tests.research import backtests as tools
from tests.research.backtests import BUY, SELL, NoSettings, Scripted, order
from tests.research.test_backtest_tape import BID, BOOK, BOUGHT, MS, SOLD, Row, tape
from xached.research.arenas import Maker
from xached.research.backtest.result import RunResult
from xached.research.backtest.tape import Tape, TapeKind, TapeMarket, stretches
from xached.research.backtest.tape_run import TapeRun, TapeSettings
from xached.research.history.candle_set import DataError
from xached.research.history.tape_source import TapeSource
from xached.research.judgement.walk_forward import Window
from xached.research.tape_arena import TapeArena, tape_markets

BTC, ETH = "BTC-USDT", "ETH-USDT"
BOTH: Sequence[Subscription] = (Trades(BTC, "TEST"), Trades(ETH, "TEST"))


def named(symbol: str, *rows: Row) -> Tape:
    return attrs.evolve(tape(*rows), symbol=symbol)


def markets(*tapes: Tape) -> list[TapeMarket]:
    of_each = (tools.market((100,) * 4, fee_ppm=1_000, symbol=each.symbol) for each in tapes)
    return [
        TapeMarket(market.instrument, each) for market, each in zip(of_each, tapes, strict=True)
    ]


class Listener(Scripted):
    """Wants what is written for the trade of a number, of whichever market it is."""

    def __init__(
        self, script: dict[int, Sequence[Intent]], subscribed: Sequence[Subscription] = BOTH
    ) -> None:
        super().__init__({}, subscriptions=subscribed)
        self.wanted = script
        self.heard: list[tuple[int, str, str]] = []
        self.trades = 0

    def note(self, what: str, symbol: str) -> None:
        """Remember when something was told."""
        self.heard.append((self.context.now_ns // MS, what, symbol))

    def on_trade(self, trade: Trade) -> Intents:
        """As written."""
        self.note("trade", trade.symbol)
        self.trades += 1
        return self.wanted.get(self.trades - 1, ())

    def on_book(self, book: Book) -> Intents:
        """Remember it."""
        self.note("book", book.symbol)
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """Remember it."""
        self.note("candle", candle.symbol)
        return ()

    def on_order(self, update: OrderUpdate) -> Intents:
        """Remember it."""
        self.note(update.status.value, update.id)
        return super().on_order(update)

    def on_timer(self, name: str, at_ns: int) -> Intents:
        """Remember it."""
        self.note("timer", name)
        return ()


def play(strategy: Listener, *tapes: Tape, latency_ms: int = 10, cash: str = "1000") -> RunResult:
    terms = TapeSettings(cash=Decimal(cash), latency_ns=latency_ms * MS)
    return TapeRun(strategy, markets(*tapes), terms).finish()


def told(result: RunResult) -> list[tuple[int, int, str, int, int]]:
    return [
        (row.at_ns // MS, row.line, row.side.name, row.price_ticks, row.quantity_lots)
        for row in result.fills
    ]


def test_what_markets_show_is_told_in_the_order_of_time() -> None:
    one = named(BTC, *BOOK, (10, BOUGHT, 101, 1), (30, BOUGHT, 101, 1), (50, SOLD, 99, 1))
    two = named(ETH, *BOOK, (5, BOUGHT, 101, 1), (30, SOLD, 99, 1), (40, SOLD, 99, 1))
    strategy = Listener({})
    result = play(strategy, one, two)
    order_of = [(at, symbol) for at, _, symbol in strategy.heard]
    assert order_of == [(5, ETH), (10, BTC), (30, BTC), (30, ETH), (40, ETH), (50, BTC)]
    assert (result.start_ns, result.end_ns, result.candles) == (0, 50 * MS, len(one) + len(two))
    # At one time the market comes first that is given first.
    other = Listener({})
    play(other, two, one)
    assert [(at, symbol) for at, _, symbol in other.heard][2:4] == [(30, ETH), (30, BTC)]


def test_all_markets_pay_from_one_purse() -> None:
    """10 is there: what the one market took is missing in the other, and comes back with a sale."""
    one = named(BTC, *BOOK, (1, BOUGHT, 101, 1), (60, SOLD, 99, 1))
    two = named(ETH, (0, TapeKind.ASK, 1_000, 990), (30, BOUGHT, 1_000, 1), (90, BOUGHT, 1_000, 1))
    strategy = Listener({
        0: [order("a", BUY, "0.5")],
        1: [order("b", BUY, "0.96", symbol=ETH)],  # 9.6 and a fee; 9.49 are left
        2: [order("c", SELL, "0.5")],
        3: [order("d", BUY, "0.96", symbol=ETH), order("x", BUY, "1", symbol="NO-USDT")],
    })  # fmt: skip
    result = play(strategy, one, two, latency_ms=0, cash="10")
    assert told(result)[0] == (1, 0, "BUY", 101, 300)
    assert strategy.told("b") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert strategy.told("c") == ["FILLED"]
    assert result.refusals == {"INSUFFICIENT_FUNDS": 1}
    # What was sent with the last row of all never arrives, wherever it goes.
    assert result.orders == 3
    assert result.end_units == result.cash_units + sum(
        (row.notional_units if row.side.name == "SELL" else -row.notional_units) - row.fee_units
        for row in result.fills
    )


def test_an_order_reaches_its_market_when_another_one_shows_something() -> None:
    """Nothing happens in ETH for a second: the order is there after its latency all the same."""
    one = named(BTC, *BOOK, (1, BOUGHT, 101, 1), (30, BOUGHT, 101, 1), (40, BOUGHT, 101, 1))
    two = named(ETH, *BOOK, (900, SOLD, 99, 1))
    strategy = Listener({0: [order("a", BUY, "0.1", symbol=ETH)]})
    result = play(strategy, one, two)
    assert told(result) == [(11, 1, "BUY", 101, 100)]
    assert strategy.heard[:3] == [(1, "trade", BTC), (11, "FILLED", "a"), (30, "trade", BTC)]


def test_a_cancel_of_all_orders_of_a_market_leaves_the_others() -> None:
    resting = [order("a", BUY, "0.1", "0.90"), order("b", BUY, "0.1", "0.90", symbol=ETH)]
    one = named(BTC, *BOOK, *((at, BOUGHT, 101, 1) for at in (1, 20, 40, 60, 80)))
    two = named(ETH, *BOOK, (80, BID, 80, 1))
    strategy = Listener({0: resting, 1: [CancelAll(ETH)], 3: [CancelAll()]})
    play(strategy, one, two)
    ended = [(at, name) for at, what, name in strategy.heard if what == "CANCELED"]
    assert ended == [(30, "b"), (70, "a")]


def test_what_arrives_is_answered_before_clocks_ring_and_clocks_before_the_next_row() -> None:
    class Answering(Listener):
        """Sets a clock when its order is open."""

        def on_order(self, update: OrderUpdate) -> Intents:
            yield from super().on_order(update)
            yield SetTimer(update.id, 5 * MS)

    strategy = Answering({0: [order("a", BUY, "0.1", "0.90"), SetTimer("early", 10 * MS)]})
    play(strategy, named(BTC, *BOOK, (1, BOUGHT, 101, 1), (30, BOUGHT, 101, 1)), named(ETH, *BOOK))
    assert strategy.heard == [
        (1, "trade", BTC), (11, "OPEN", "a"), (11, "timer", "early"), (16, "timer", "a"),
        (30, "trade", BTC),
    ]  # fmt: skip


def test_answers_without_latency_wait_for_a_row_and_never_hold_up_the_tape() -> None:
    class Stubborn(Listener):
        """Answers every answer with another order."""

        def on_order(self, update: OrderUpdate) -> Intents:
            yield from super().on_order(update)
            yield order(self.next_id(), BUY, "0.001")

    strategy = Stubborn({0: [order("first", BUY, "0.001")]})
    rows = [(at, BOUGHT, 101, 1) for at in range(1, 8)]
    result = play(strategy, named(BTC, *BOOK, *rows), named(ETH, *BOOK), latency_ms=0)
    assert len(rows) - 1 <= result.orders <= 2 * len(rows)


def test_candles_and_books_are_those_of_their_market() -> None:
    subscribed = (
        Candles(BTC, "TEST", Interval.S1), Candles(ETH, "TEST", Interval.S1),
        Books(ETH, "TEST", depth=1),
    )  # fmt: skip
    one = named(BTC, *BOOK, (600, BOUGHT, 101, 5), (2_100, BOUGHT, 101, 1))
    two = named(ETH, *BOOK, (700, BOUGHT, 102, 5), (1_500, BID, 90, 1), (1_800, SOLD, 99, 1),
                (2_500, SOLD, 99, 1))  # fmt: skip
    strategy = Listener({}, subscribed)
    play(strategy, one, two)
    assert strategy.heard == [
        (0, "book", ETH), (700, "book", ETH), (1_000, "candle", BTC), (1_000, "candle", ETH),
        (1_500, "book", ETH), (1_800, "book", ETH), (2_000, "candle", ETH), (2_500, "book", ETH),
    ]  # fmt: skip


def random_tape(symbol: str, seed: int) -> Tape:
    chance = np.random.default_rng(seed)
    rows: list[Row] = list(BOOK)
    for _ in range(150):
        kind = TapeKind(int(chance.integers(0, 4)))
        price = int(chance.integers(96, 101)) + (0 if kind in (BID, SOLD) else 2)
        rows.append((rows[-1][0] + int(chance.integers(0, 9)), kind, price,
                     int(chance.integers(0 if kind < BOUGHT else 1, 60))))  # fmt: skip
    return named(symbol, *rows)


class Each(Listener):
    """Trades every market by what it sees of it alone, so that markets do not mix."""

    def on_trade(self, trade: Trade) -> Intents:
        """Buy after a fall, sell after a rise, at market and at the best price by turns."""
        yield from super().on_trade(trade)
        side = BUY if trade.taker_side is SELL else SELL
        price = None if trade.quantity_lots % 2 else f"0.{98 if side is BUY else 99}"
        yield order(self.next_id(), side, "0.004", price, symbol=trade.symbol)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), latency_ms=st.integers(1, 12))
def test_markets_that_do_not_mix_give_what_each_gives_by_itself(seed: int, latency_ms: int) -> None:
    """With money for all, a run over three tapes is three runs. Those end with their own tape."""
    tapes = [random_tape(symbol, seed + place) for place, symbol in enumerate((BTC, ETH, "X-USDT"))]
    over_ns = max(each.at_ns.item(-1) for each in tapes) + 100 * MS
    # A last row at one time, so that what is under way arrives in all of them.
    tapes = [named(each.symbol, *_rows(each), (over_ns // MS, BOUGHT, 150, 1)) for each in tapes]
    everything = [Trades(each.symbol, "TEST") for each in tapes]
    joint = play(Each({}, everything), *tapes, latency_ms=latency_ms)
    times = [row.at_ns for row in joint.fills]
    assert times == sorted(times)
    earned = 0
    for place, (own, subscription) in enumerate(zip(tapes, everything, strict=True)):
        alone = play(Each({}, [subscription]), own, latency_ms=latency_ms)
        mine = [row for row in joint.fills if row.line == place]
        assert [attrs_of(row) for row in mine] == [attrs_of(row) for row in alone.fills]
        earned += alone.end_units - alone.cash_units
    assert joint.end_units - joint.cash_units == earned
    assert joint.curve().equity[-1] == pytest.approx(joint.end_units)


def _rows(own: Tape) -> list[Row]:
    table = zip(*(each.tolist() for each in own.columns), strict=True)
    return [(at // MS, TapeKind(kind), price, lots) for at, kind, price, lots in table]


def attrs_of(row: object) -> tuple[object, ...]:
    """What a fill is, but for its market and the number of its order."""
    return tuple(value for name, value in row._asdict().items() if name not in ("line", "order"))  # type: ignore[attr-defined] # a named tuple


@settings(max_examples=50, deadline=None)
@given(
    times=st.lists(
        st.lists(st.integers(0, 20), min_size=1, max_size=12).map(sorted), min_size=1, max_size=4
    ),
    rows_max=st.integers(1, 5),
)
def test_stretches_read_every_row_once_in_the_order_of_time(
    times: list[list[int]], rows_max: int
) -> None:
    tapes = [tape(*((at, BOUGHT, 100, 1) for at in each)) for each in times]
    firsts = [len(each) // 3 for each in times]
    at, read = list(firsts), []
    for number, count in stretches(tapes, firsts, rows_max):
        assert 1 <= count <= rows_max
        read += [(times[number][at[number] + row], number) for row in range(count)]
        at[number] += count
    assert at == [len(each) for each in times]
    assert read == sorted(read)


def test_a_market_is_there_from_the_first_row_of_its_tape_on() -> None:
    class Looking(Listener):
        """Remembers which markets there are."""

        def on_trade(self, trade: Trade) -> Intents:
            self.heard.append((trade.at_ns // MS, ",".join(self.context.instruments), ""))
            yield from super().on_trade(trade)

    early = [order("early", BUY, "0.1", "1.02", symbol=ETH)]
    one = named(BTC, *BOOK, *((at, BOUGHT, 101, 1) for at in (10, 50)))
    two = named(ETH, *((at + 40, kind, price, lots) for at, kind, price, lots in BOOK))
    strategy = Looking({0: early}, [Trades(BTC, "TEST")])
    result = play(strategy, one, two)
    assert [names for _, names, _ in strategy.heard if BTC in names] == [BTC, f"{BTC},{ETH}"]
    assert strategy.told("early") == ["REFUSED UNKNOWN_INSTRUMENT"]
    assert not result.fills


def test_a_market_whose_tape_is_over_takes_no_orders() -> None:
    """Checked without it: they met the last book for as long as the other tape went on."""
    one = named(BTC, *BOOK, *((at, BOUGHT, 101, 1) for at in (10, 50, 70, 90)))
    two = named(ETH, *BOOK, (55, BID, 99, 400))
    script: dict[int, Sequence[Intent]] = {
        0: [order("rests", BUY, "0.1", "0.90", symbol=ETH)],
        1: [order("late", BUY, "0.1", symbol=ETH)],
        2: [Replace(id="rests", new_id="new", symbol=ETH, price=Decimal("0.91")), CancelAll(ETH)],
    }
    strategy = Listener(script, [Trades(BTC, "TEST")])
    result = play(strategy, one, two)
    assert strategy.told("late") == ["REFUSED MARKET_STATE"]
    assert strategy.told("rests") == ["OPEN", "CANCELED USER"]
    assert result.refusals == {"MARKET_STATE": 2}
    assert not result.fills


def arena(*tapes: Tape) -> TapeArena:
    sources = [TapeSource(tape=each, breaks=0, recorded=True) for each in tapes]
    return TapeArena(sources, tape_markets(tapes, 0), TapeSettings(cash=Decimal(1_000)))


SECONDS: list[Row] = [*BOOK, *((at, BOUGHT, 101, 1) for at in range(500, 6_000, 250))]


class Peeping(Listener):
    """Looks into the other market's tape for what has not happened yet."""

    settings_type = NoSettings

    def __init__(self, _settings: NoSettings) -> None:
        super().__init__({})
        self.known: dict[int, str] = {}

    def on_trade(self, trade: Trade) -> Intents:
        """It remembers, from one run to the next, what came after each trade."""
        self.trades += 1
        nexts = _FUTURE.setdefault(trade.symbol, [])
        if self.trades > len(nexts):
            nexts.append(trade.at_ns)
        elif self.trades < len(nexts) and trade.symbol == ETH:
            yield order(f"o{self.trades}-{len(nexts)}", BUY, "0.001", symbol=BTC)


_FUTURE: dict[str, list[int]] = {}


class Honest(Listener):
    """Buys one market after a trade of the other."""

    settings_type = NoSettings

    def __init__(self, _settings: NoSettings) -> None:
        super().__init__({})

    def on_trade(self, trade: Trade) -> Intents:
        """Buy."""
        if trade.symbol == ETH:
            yield order(self.next_id(), BUY, "0.001", symbol=BTC)


def test_an_arena_of_several_tapes_checks_runs_and_cuts_all_of_them() -> None:
    place = arena(named(BTC, *SECONDS), named(ETH, *SECONDS))
    place.check(Honest, {})
    _FUTURE.clear()
    with pytest.raises(CheckFailed):
        place.check(Peeping, {})
    assert place.window == Window(0, 5_750 * MS + 1)
    assert {"Tape of BTC-USDT", "Tape of ETH-USDT"} <= set(place.facts)
    whole = place.run(Maker(Honest), {}, lambda _: None)
    part = place.runner(Maker(Honest))({}, Window(1_000 * MS, 3_000 * MS))
    assert {row.line for row in whole.fills} == {0}
    inside = [row for row in whole.fills if 1_050 * MS <= row.at_ns < 2_800 * MS]
    assert [row.at_ns for row in part.fills] == [row.at_ns for row in inside]


def test_markets_that_one_purse_cannot_pay_for_are_refused() -> None:
    one = named(BTC, *BOOK)
    with pytest.raises(DataError, match="given twice"):
        play(Listener({}), one, one)
    with pytest.raises(DataError, match="one quote asset"):
        play(Listener({}), one, named("ETH-BTC", *BOOK))
    with pytest.raises(DataError, match="BTC-USDT at TEST and X-USDT at TEST: it has no Trades"):
        play(Listener({}), one, named("X-USDT", *BOOK))
    with pytest.raises(DataError, match="not in the steps of BTC-USDT"):
        TapeMarket(markets(one)[0].instrument, named(ETH, *BOOK))
