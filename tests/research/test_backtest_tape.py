"""Orders on a recorded tape: they arrive late, walk the book, and wait their turn in it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.context import Context
from xache_sdk.market import Book, Books, Candle, Candles, Interval, Subscription, Trade, Trades
from xache_sdk.orders import (
    Amend,
    Cancel,
    Intent,
    Intents,
    Replace,
    SetTimer,
    Stop,
    TakeProfit,
    TimeInForce,
    Trail,
)
from xache_sdk.strategy import Strategy

from tests.research import backtests as tools
from tests.research.backtests import BUY, SELL, SYMBOL, Scripted, order
from tests.research.test_backtest_exchange import OURS, replay
from xached.research.backtest.result import RunResult
from xached.research.backtest.tape import Tape, TapeKind, TapeMarket
from xached.research.backtest.tape_run import TapeRun, TapeSettings
from xached.research.history.candle_set import DataError

BID, ASK, BOUGHT, SOLD = TapeKind
MS = 1_000_000
INSTRUMENT = tools.market((100, 100, 100, 100), fee_ppm=1_000).instrument

Row = tuple[int, TapeKind, int, int]
"""Milliseconds, what, ticks, lots."""


def tape(*rows: Row) -> Tape:
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return Tape(
        symbol=SYMBOL,
        venue="TEST",
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        at_ns=table[:, 0] * MS,
        kind=table[:, 1].copy(),
        price_ticks=table[:, 2].copy(),
        quantity_lots=table[:, 3].copy(),
    )


class OnTape(Scripted):
    """Wants what is written for the trade of a number."""

    def __init__(self, script: dict[int, Sequence[Intent]], *subscribed: Subscription) -> None:
        super().__init__({}, subscriptions=subscribed or (Trades(SYMBOL, "TEST"),))
        self.wanted = script
        self.trades: list[Trade] = []
        self.books: list[Book] = []

    def on_trade(self, trade: Trade) -> Intents:
        """As written."""
        self.trades.append(trade)
        return self.wanted.get(len(self.trades) - 1, ())

    def on_book(self, book: Book) -> Intents:
        """Remember it."""
        self.books.append(book)
        return ()


def play(strategy: OnTape, *rows: Row, latency_ms: int = 10, cash: str = "1000") -> RunResult:
    terms = TapeSettings(cash=Decimal(cash), latency_ns=latency_ms * MS)
    return TapeRun(strategy, [TapeMarket(INSTRUMENT, tape(*rows))], terms).finish()


def fills(result: RunResult) -> list[tuple[int, str, int, int, bool]]:
    return [
        (row.at_ns // MS, row.side.name, row.price_ticks, row.quantity_lots, row.maker)
        for row in result.fills
    ]


BOOK: list[Row] = [(0, BID, 99, 500), (0, BID, 98, 900), (0, ASK, 101, 300), (0, ASK, 102, 900)]
FIRST: Row = (1, BOUGHT, 101, 1)


def test_a_market_order_walks_the_book_as_it_is_when_it_arrives() -> None:
    strategy = OnTape({0: [order("m", BUY, "0.5")]})
    # The level of 101 shrinks while the order is under way.
    result = play(strategy, *BOOK, FIRST, (5, ASK, 101, 100), (20, SOLD, 99, 1))
    assert fills(result) == [(11, "BUY", 101, 100, False), (11, "BUY", 102, 400, False)]
    assert strategy.told("m") == ["PARTIALLY_FILLED", "FILLED"]


def test_an_id_is_used_once_in_a_run() -> None:
    strategy = OnTape({0: [order("m", BUY, "0.1"), order("m", BUY, "0.1")]})
    result = play(strategy, *BOOK, FIRST, (20, SOLD, 99, 1))
    assert [row[2:4] for row in fills(result)] == [(101, 100)]
    assert strategy.told("m") == ["FILLED", "REFUSED ID_REUSED"]


def test_what_was_taken_is_gone_until_the_level_is_published_again() -> None:
    strategy = OnTape({0: [order("a", BUY, "0.3")], 1: [order("b", BUY, "0.1")],
                       2: [order("c", BUY, "0.1")]})  # fmt: skip
    result = play(strategy, *BOOK, FIRST, (20, SOLD, 99, 1), (40, ASK, 101, 50),
                  (40, SOLD, 99, 1), (60, SOLD, 99, 1))  # fmt: skip
    assert [row[2:4] for row in fills(result)] == [(101, 300), (102, 100), (101, 50), (102, 50)]


def test_an_order_waits_for_the_queue_before_it() -> None:
    strategy = OnTape({0: [order("q", BUY, "0.2", "0.99")]})
    result = play(
        strategy, *BOOK, FIRST,
        (20, SOLD, 99, 400),  # 500 stood before it, 100 are left
        (30, SOLD, 99, 150),  # 50 reach it
        (40, BOUGHT, 101, 900),  # the other side
        (50, SOLD, 98, 10),  # the market is beyond it
    )  # fmt: skip
    assert fills(result) == [(30, "BUY", 99, 50, True), (50, "BUY", 99, 150, True)]
    assert strategy.told("q") == ["OPEN", "PARTIALLY_FILLED", "FILLED"]


def test_a_level_that_shrinks_shortens_the_queue_only_below_what_stands_before() -> None:
    strategy = OnTape({0: [order("q", BUY, "0.2", "0.99")]})
    rows = [*BOOK, FIRST, (20, BID, 99, 700), (21, BID, 99, 550), (22, BID, 99, 120)]
    result = play(strategy, *rows, (30, SOLD, 99, 150))
    assert fills(result) == [(30, "BUY", 99, 30, True)]


def test_own_orders_at_one_price_share_a_trade_in_their_order() -> None:
    strategy = OnTape({0: [order("a", BUY, "0.1", "0.99"), order("b", BUY, "0.1", "0.99")]})
    result = play(strategy, *BOOK, FIRST, (20, SOLD, 99, 650))
    assert [row[3] for row in fills(result)] == [100, 50]


def test_cancels_are_late_too() -> None:
    strategy = OnTape({0: [order("a", BUY, "0.1", "0.98")], 1: [Cancel("a")]})
    late = play(strategy, *BOOK, FIRST, (20, BOUGHT, 101, 1), (29, SOLD, 97, 1))
    assert len(late.fills) == 1
    strategy = OnTape({0: [order("a", BUY, "0.1", "0.98")], 1: [Cancel("a")]})
    early = play(strategy, *BOOK, FIRST, (20, BOUGHT, 101, 1), (30, SOLD, 97, 1))
    assert len(early.fills) == 0
    assert strategy.told("a") == ["OPEN", "CANCELED USER"]


def test_an_amended_order_keeps_its_place_and_what_it_no_longer_needs_is_free() -> None:
    smaller = Amend(id="q", symbol=SYMBOL, quantity=Decimal("0.1"))
    strategy = OnTape({0: [order("q", BUY, "0.2", "0.99")], 1: [smaller]})
    rows = [*BOOK, FIRST, (20, SOLD, 99, 400), (40, SOLD, 99, 500)]  # 100 stood before it
    result = play(strategy, *rows, cash="0.198198")  # not a cent more than 0.2 need
    assert fills(result) == [(40, "BUY", 99, 100, True)]
    assert strategy.told("q") == ["OPEN", "OPEN", "FILLED"]
    again = OnTape(
        {0: [order("q", BUY, "0.2", "0.99")], 1: [smaller, order("r", BUY, "0.1", "0.99")]}
    )
    play(again, *rows, (50, SOLD, 98, 1), cash="0.198198")
    assert again.told("r") == ["OPEN", "FILLED"]


def test_a_replaced_order_begins_at_the_back_and_a_refused_change_changes_nothing() -> None:
    def to(price: str, **terms: Any) -> Replace:
        return Replace(id="a", new_id="b", symbol=SYMBOL, price=Decimal(price), **terms)

    rows = [*BOOK, FIRST, *((at, BOUGHT, 101, 1) for at in (20, 40)), (60, SOLD, 99, 550)]
    place = order("a", BUY, "0.2", "0.99")
    changes: list[list[Intent]] = [
        [to("0.98")],  # 900 stand before it there
        [to("0.99", quantity=Decimal("0.3"))],  # too dear
        [to("0.995")],  # between two ticks
        [Amend(id="a", symbol=SYMBOL, quantity=Decimal("0.2"))],  # no smaller
        [to("0.99", trigger_price=Decimal(1))],  # it has none
        [Amend(id="x", symbol=SYMBOL, quantity=Decimal(1)), Cancel("x")],
    ]
    told = []
    for change in changes:
        strategy = OnTape({0: [place], 1: change})
        result = play(strategy, *rows, cash="0.198198")
        told.append((strategy.told("a"), result.refusals, sum(row[3] for row in fills(result))))
    untouched = ["OPEN", "PARTIALLY_FILLED"]
    assert told == [
        (["OPEN", "CANCELED REPLACED"], {}, 0),
        (untouched, {"INSUFFICIENT_FUNDS": 1}, 50),
        (untouched, {"PRICE_TICK": 1}, 50),
        (untouched, {"QUANTITY_RANGE": 1}, 50),
        (untouched, {"FIELD_FORBIDDEN": 1}, 50),
        (untouched, {"UNKNOWN_ORDER": 1}, 50),
    ]
    # One that crosses now is filled at once, with the money of the one it replaces.
    crossing = OnTape({0: [place], 1: [to("1.01", quantity=Decimal("0.19"))]})
    result = play(crossing, *rows, cash="0.198198")
    assert fills(result) == [(30, "BUY", 101, 190, False)]
    assert crossing.told("b") == ["OPEN", "FILLED"]


def test_forms_that_take_rest_or_end() -> None:
    strategy = OnTape({0: [
        order("ioc", BUY, "0.4", "1.01", time_in_force=TimeInForce.IOC),
        order("fok", BUY, "5", "1.02", time_in_force=TimeInForce.FOK),
        order("post", BUY, "0.1", "1.02", post_only=True),
        order("poor", BUY, "990", "1.02"),
        order("bare", SELL, "1"),
        order("big", BUY, "2"),
    ]})  # fmt: skip
    result = play(strategy, *BOOK, FIRST, (20, SOLD, 99, 1))
    assert strategy.told("ioc") == ["OPEN", "PARTIALLY_FILLED", "EXPIRED IOC"]
    assert strategy.told("fok") == ["OPEN", "EXPIRED FOK"]
    assert strategy.told("post") == ["OPEN", "CANCELED POST_ONLY"]
    assert strategy.told("poor") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert strategy.told("bare") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert strategy.told("big") == ["PARTIALLY_FILLED", "EXPIRED NO_LIQUIDITY"]
    assert sum(row.quantity_lots for row in result.fills) == 1_200


def test_an_order_by_quote_amount_takes_what_fits_into_it_level_by_level() -> None:
    """Asks of 0.3 at 1.01 and 0.9 at 1.02, a fee of a thousandth; bids of 0.5 at 0.99."""
    wanted = [("buy", BUY, "0.50"), ("sell", SELL, "0.20"), ("dust", BUY, "0.00000001")]
    strategy = OnTape({
        number: [order(name, side, None, quote_quantity=Decimal(amount))]
        for number, (name, side, amount) in enumerate(wanted)
    })  # fmt: skip
    later: list[Row] = [(20, BOUGHT, 101, 1), (40, SOLD, 99, 1), (60, SOLD, 99, 1)]
    result = play(strategy, *BOOK, FIRST, *later)
    assert fills(result) == [
        (11, "BUY", 101, 300, False), (11, "BUY", 102, 192, False), (30, "SELL", 99, 203, False),
    ]  # fmt: skip
    spent = sum(row.notional_units + row.fee_units for row in result.fills[:2])
    assert spent <= 50 * 10**6 < spent + INSTRUMENT.notional_units(102, 1) * 1_001 // 1_000 + 1
    sale = result.fills[2]
    assert sale.notional_units - sale.fee_units >= 20 * 10**6
    assert strategy.told("dust") == ["REFUSED NO_LIQUIDITY"]


def test_a_stop_waits_for_a_trade_and_meets_the_book_at_once() -> None:
    strategy = OnTape({0: [order("buy", BUY, "0.3")], 1: [
        order("stop", SELL, "0.2", trigger=Stop(Decimal("0.98"))),
        order("take", SELL, "0.1", "1.03", trigger=TakeProfit(Decimal("1.02"))),
        order("gone", BUY, "0.1", trigger=Stop(Decimal("1.00"))),
    ]})  # fmt: skip
    result = play(
        strategy, *BOOK, FIRST, (20, BOUGHT, 101, 1), (40, BOUGHT, 102, 1), (50, SOLD, 99, 1),
        (60, ASK, 103, 7), (70, SOLD, 98, 1), (80, BOUGHT, 103, 200),
    )  # fmt: skip
    assert strategy.told("gone") == ["REFUSED TRIGGER_PASSED"]
    assert strategy.told("stop") == ["UNTRIGGERED", "TRIGGERED", "FILLED"]
    assert strategy.told("take") == ["UNTRIGGERED", "OPEN", "FILLED"]
    assert fills(result)[1:] == [(70, "SELL", 99, 200, False), (80, "SELL", 103, 100, True)]


def test_a_trailing_stop_follows_the_trades() -> None:
    trail = Trail(offset=Decimal("0.02"))
    strategy = OnTape({0: [order("buy", BUY, "0.3")], 1: [order("t", SELL, "0.3", trigger=trail)]})
    result = play(
        strategy, *BOOK, FIRST, (20, BOUGHT, 101, 1), (40, BOUGHT, 104, 1), (45, BOUGHT, 103, 1),
        (50, SOLD, 102, 1), (60, SOLD, 99, 1), (70, SOLD, 99, 1),
    )  # fmt: skip
    assert fills(result)[1:] == [(50, "SELL", 99, 300, False)]
    assert strategy.told("t") == ["UNTRIGGERED", "TRIGGERED", "FILLED"]


def test_an_order_lives_until_its_time_and_a_waiting_one_can_be_cancelled() -> None:
    stop = Stop(Decimal("1.02"))
    strategy = OnTape({
        0: [order("until", BUY, "0.1", "0.98", expires_at_ns=50 * MS),
            order("wait", BUY, "0.1", trigger=stop)],
        1: [Cancel("wait")],
    })  # fmt: skip
    result = play(
        strategy, *BOOK, FIRST, (20, BOUGHT, 101, 1), (50, SOLD, 97, 1), (60, BOUGHT, 102, 1)
    )
    assert strategy.told("until") == ["OPEN", "EXPIRED TIME"]
    assert strategy.told("wait") == ["UNTRIGGERED", "CANCELED USER"]
    assert not result.fills


def test_an_order_that_only_reduces_sells() -> None:
    strategy = OnTape({0: [order("buy", BUY, "0.1")],
                       1: [order("out", SELL, "0.1", reduce_only=True)]})  # fmt: skip
    play(strategy, *BOOK, FIRST, (20, BOUGHT, 101, 1), (40, SOLD, 99, 1))
    assert strategy.told("out") == ["FILLED"]


def test_books_are_told_best_first_and_not_too_often() -> None:
    strategy = OnTape({}, Books(SYMBOL, "TEST", depth=1))
    play(strategy, *BOOK, (50, BID, 100, 7), (150, BID, 99, 0))
    told = [(book.at_ns // MS, book.bids, book.asks) for book in strategy.books]
    assert told == [(0, ((99, 500),), ()), (150, ((100, 7),), ((101, 300),))]


class Minutes(OnTape):
    """Takes at every candle, and again a second later."""

    def __init__(self) -> None:
        super().__init__(
            {}, Candles(SYMBOL, "TEST", Interval.S1, warm_up=2), Trades(SYMBOL, "TEST")
        )
        self.candles: list[tuple[int, int, int]] = []
        self.rung: list[int] = []
        self.warm: list[int] = []

    def on_start(self, context: Context) -> Intents:
        """Remember what it was warmed up with."""
        (subscription, _) = self.subscribed
        assert isinstance(subscription, Candles)
        self.warm = [each.open_at_ns // MS for each in context.candles(subscription)]
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """Take, and set a clock."""
        self.candles.append((self.context.now_ns // MS, candle.close_ticks, candle.volume_lots))
        yield order(self.next_id(), BUY, "0.001")
        yield SetTimer("later", 700 * MS)

    def on_timer(self, name: str, at_ns: int) -> Intents:
        """Take again."""
        self.rung.append(at_ns // MS)
        yield order(self.next_id(), BUY, "0.002")


SECONDS: list[Row] = [
    *BOOK, (600, BOUGHT, 101, 5), (1_100, BOUGHT, 101, 1), (1_900, SOLD, 99, 2),
    (2_500, BOUGHT, 101, 4), (3_005, BOUGHT, 101, 7), (4_200, SOLD, 99, 1), (6_000, SOLD, 99, 1),
]  # fmt: skip


def test_candles_of_the_trades_come_when_they_are_over_and_timers_ring() -> None:
    strategy = Minutes()
    result = play(strategy, *SECONDS)
    # The first second counts, as the tape begins with it. Nothing traded in the sixth.
    assert strategy.candles == [
        (1_000, 101, 5), (2_000, 99, 3), (3_000, 101, 4), (4_000, 101, 7), (5_000, 99, 1),
    ]  # fmt: skip
    assert strategy.rung == [1_700, 2_700, 3_700, 4_700, 5_700]
    assert [(at, lots) for at, _, _, lots, _ in fills(result)] == [
        (at + 10, lots) for seconds in range(1_000, 6_000, 1_000)
        for at, lots in ((seconds, 1), (seconds + 700, 2))
    ]  # fmt: skip
    # A trade is told after the candle that ended before it, and after what arrived before it.
    assert [each.at_ns // MS for each in strategy.trades][4] == 3_005


def test_what_is_before_the_start_fills_the_book_and_warms_up() -> None:
    strategy = Minutes()
    terms = TapeSettings(cash=Decimal(1_000), latency_ns=0, start_ns=3_500 * MS)
    result = TapeRun(strategy, [TapeMarket(INSTRUMENT, tape(*SECONDS))], terms).finish()
    assert strategy.warm == [1_000, 2_000]
    assert strategy.candles == [(4_000, 101, 7), (5_000, 99, 1)]
    assert fills(result)[0] == (4_000, "BUY", 101, 1, False)
    assert result.start_ns == 3_500 * MS
    assert [each.at_ns // MS for each in strategy.trades] == [4_200, 6_000]


def test_open_orders_are_known_without_listening() -> None:
    class Deaf(Strategy[tools.NoSettings]):
        """Places one order and looks whether it is open."""

        settings_type = tools.NoSettings
        seen: tuple[str, ...] = ()

        def subscriptions(self) -> Sequence[Subscription]:
            return [Trades(SYMBOL, "TEST")]

        def on_trade(self, trade: Trade) -> Intents:
            self.seen = tuple(each.id for each in self.context.open_orders)
            return () if self.seen else (order("o", BUY, "0.1", "0.90"),)

    deaf = Deaf(tools.NoSettings())
    rows = tape(*BOOK, FIRST, (20, SOLD, 99, 1))
    TapeRun(deaf, [TapeMarket(INSTRUMENT, rows)], TapeSettings(cash=Decimal(1_000))).finish()
    assert not deaf.seen
    TapeRun(
        deaf, [TapeMarket(INSTRUMENT, rows)], TapeSettings(cash=Decimal(1_000), latency_ns=0)
    ).finish()
    assert list(deaf.seen) == ["o"]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_exchange_books_the_fills_of_a_tape_to_the_same_balances(seed: int) -> None:
    """Orders of one fill each, so that the exchange can be given them one by one."""
    chance = np.random.default_rng(seed)
    rows: list[Row] = list(BOOK)
    for number in range(200):
        kind = TapeKind(int(chance.integers(0, 4)))
        price = int(chance.integers(96, 101)) + (0 if kind in (BID, SOLD) else 2)
        lots = int(chance.integers(1, 60)) if kind >= BOUGHT else 10_000
        rows.append((10 * (number + 1), kind, price, lots))
    script: dict[int, list[Intent]] = {
        number: [order(f"o{number}", BUY if number % 3 else SELL, "0.001",
                       f"0.{int(chance.integers(95, 99))}" if number % 3 else "1.03")]
        for number in range(0, 90, 2)
    }  # fmt: skip
    for number in range(8, 90, 8):
        script[number].append(
            Replace(id=f"o{number - 8}", new_id=f"r{number}", symbol=SYMBOL, price=Decimal("0.98"))
        )
    terms = TapeSettings(cash=Decimal(100), latency_ns=MS)
    run = TapeRun(OnTape(dict(script)), [TapeMarket(INSTRUMENT, tape(*rows))], terms)
    result = run.finish()
    ledger = replay(INSTRUMENT, result.fills, run.cash_units).exchange.state.ledger
    for asset, holding in run.account.holdings.items():
        booked = ledger.available_units(OURS, asset) + ledger.held_units(OURS, asset)
        assert booked == holding.free_units + holding.held_units


def test_a_tape_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(DataError, match="never fall"):
        tape((2, BID, 99, 1), (1, BID, 99, 1))
    with pytest.raises(DataError, match="at least one row"):
        tape()
    with pytest.raises(DataError, match="too short for 1m candles"):
        play(OnTape({}, Candles(SYMBOL, "TEST", Interval.M1)), *BOOK)
    with pytest.raises(DataError, match="it has no Trades"):
        play(OnTape({}, Trades("ETH-USDT", "TEST")), *BOOK)
    with pytest.raises(ValueError, match="below zero"):
        TapeSettings(cash=Decimal(1), latency_ns=-1)
