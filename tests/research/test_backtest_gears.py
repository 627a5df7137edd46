"""Every gear gives what the slowest gives, several markets are one account, nothing sees ahead."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.context import Context
from xache_sdk.market import Candle, Candles, Interval, Subscription
from xache_sdk.orders import Intents, Note, OrderUpdate, SetTimer
from xache_sdk.signals import Declarations
from xache_sdk.strategy import Strategy

from tests.research import backtests as tools
from tests.research.backtests import BUY, SELL, Cross, CrossSettings, Scripted, fills, order
from xached.research.backtest.feed import blocks
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.run import Run
from xached.research.backtest.saved_run import CannotBeSaved, load_run, save_run
from xached.research.backtest.sweep import sweep
from xached.research.backtest.terms import FillModel, RunSettings, open_market, open_markets
from xached.research.history.candle_set import CandleSet, DataError, make_candle_set

COMBINATIONS = [
    CrossSettings(fast, slow, Decimal("0.5")) for fast, slow in ((1, 2), (2, 8), (5, 21))
]


def market_of(seed: int, rows: int, swing: int = 60) -> Any:
    return open_market(tools.walk(seed, rows, swing), maker_fee_ppm=700, taker_fee_ppm=1_300)


def same(one: RunResult, other: RunResult) -> bool:
    """Whether two runs did and are worth the same."""
    return (
        list(one.fills) == list(other.fills)
        and one.end_units == other.end_units
        and one.orders == other.orders
        and one.refusals == other.refusals
        and np.array_equal(one.curve().equity, other.curve().equity)
        and one.curve(daily=True).at_ns.tolist() == other.curve(daily=True).at_ns.tolist()
    )


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    rows=st.integers(2, 300),
    swing=st.sampled_from([1, 3, 60]),  # a swing of a tick makes averages tie
    model=st.sampled_from(FillModel),
    cash=st.sampled_from(["10000", "51", "50"]),
    volume_ppm=st.sampled_from([None, 600]),
    cost_ppm=st.sampled_from([0, 333]),
)
def test_all_gears_give_the_same(
    seed: int, rows: int, swing: int, model: FillModel, cash: str,
    volume_ppm: int | None, cost_ppm: int,
) -> None:  # fmt: skip
    """Money that does not do for every buy and volume that is too thin are among the cases."""
    data = market_of(seed, rows, swing)
    terms = tools.settings(cash, fill_model=model, max_volume_ppm=volume_ppm, slippage_ppm=cost_ppm)
    for swept in sweep(Cross, COMBINATIONS, data, terms):
        make = lambda chosen=swept.combination: [Cross(chosen)]  # noqa: E731 - one use
        slow = run_backtest(make, [data], terms, gear=Gear.EVENT)
        assert same(swept.result, slow), swept.combination
        for gear in (Gear.COLUMNS, Gear.WAKE):
            quick = run_backtest(make, [data], terms, gear=gear)
            assert quick.gear is gear or slow.refusals or slow.unfilled
            assert same(quick, slow), (gear, swept.combination)


def test_the_closed_form_is_what_a_sweep_uses_and_why_not() -> None:
    data, terms = market_of(3, 4_000), tools.settings()
    swept = sweep(Cross, COMBINATIONS[:2], data, terms)
    assert {each.result.gear for each in swept} == {Gear.CLOSED_FORM}
    assert min(len(each.result.fills) for each in swept) > 100
    poor = sweep(Cross, COMBINATIONS[:1], data, tools.settings("60"))[0].result
    assert poor.gear is Gear.COLUMNS
    assert poor.refusals["INSUFFICIENT_FUNDS"] > 0
    assert "money would not do for every buy; wake: the first candles give" in poor.fallback


def test_a_refusal_after_the_first_candles_is_not_missed() -> None:
    """A strategy that is refused may try again at every candle, which its signal does not tell.

    Without the look at refusals after the run it gives other orders than candle by candle: tried.
    """
    zigzag = [(100, 102, 104, 102)[i % 4] * (1 if i <= 2_500 else 50) for i in range(3_000)]
    data = tools.market(*[(price, price, price, price) for price in zigzag])
    terms = tools.settings("12")
    chosen = CrossSettings(1, 2, Decimal("0.5"))
    result = run_backtest(lambda: [Cross(chosen)], [data], terms)
    assert result.refusals
    assert result.gear is Gear.COLUMNS
    assert "an order was refused" in result.fallback
    assert same(result, Run([Cross(chosen)], [data], terms).finish())


class Liar(Cross):
    """Declares a signal and trades on something else."""

    def on_candle(self, candle: Candle) -> Intents:
        """Flip at round prices."""
        if candle.close_ticks % 7:
            return ()
        return (self.market(SELL if self.position.quantity_lots else BUY),)


class OtherColumns(Cross):
    """Computes a column at once that is not what it computes step by step."""

    def declare(self, declarations: Declarations) -> None:
        """A column that is one candle ahead."""
        candles = Candles(self.settings.symbol, "TEST", Interval.M1)
        self.fast = tools.average(declarations, candles, self.settings.fast)
        self.slow = declarations.column(
            candles,
            step=lambda candle: float(candle.open_ticks),
            batch=lambda columns: np.append(columns.open_ticks[1:], 1).astype(np.float64),
        )


class Listening(Cross):
    """Hears of its orders, and could look at columns then."""

    def on_order(self, update: OrderUpdate) -> Intents:
        """Say so."""
        return (Note(update.status.value),)


@pytest.mark.parametrize(
    ("kind", "gear", "why"),
    [
        (Liar, Gear.COLUMNS, "wake: the first candles give other fills than candle by candle"),
        (OtherColumns, Gear.EVENT, "columns: the first candles give other fills"),
        (Listening, Gear.COLUMNS, "wake: the strategy has on_order"),
    ],
)
def test_what_is_declared_wrongly_is_found_and_run_the_slow_way(
    kind: type[Cross], gear: Gear, why: str
) -> None:
    data, terms = market_of(11, 600), tools.settings()
    result = run_backtest(lambda: [kind(CrossSettings())], [data], terms)
    assert result.gear is gear
    assert why in result.fallback
    assert same(result, Run([kind(CrossSettings())], [data], terms).finish())


class LateLiar(Liar):
    """The same, but it wants nothing while its longest window fills."""

    def on_candle(self, candle: Candle) -> Intents:
        """Wait for the window."""
        return super().on_candle(candle) if candle.ends_at_ns > 2_500 * tools.MINUTE_NS else ()


def test_who_wants_nothing_in_the_first_candles_is_looked_at_longer() -> None:
    """Checked with 2,000 candles for everybody: the run was quick, and its fills were wrong."""
    data, terms = market_of(11, 4_000), tools.settings()
    slow = Run([LateLiar(CrossSettings())], [data], terms).finish()
    assert slow.fills
    result = run_backtest(lambda: [LateLiar(CrossSettings())], [data], terms)
    assert "wake: the first candles give other fills" in result.fallback
    assert same(result, slow)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), cut=st.integers(2, 199))
def test_what_comes_later_changes_nothing_before_it(seed: int, cut: int) -> None:
    whole = tools.walk(seed, 200)
    terms = tools.settings()
    make = lambda: [Cross(CrossSettings())]  # noqa: E731 - one use
    for gear in (Gear.EVENT, Gear.COLUMNS, Gear.WAKE):
        full = run_backtest(make, [open_market(whole)], terms, gear=gear)
        short = run_backtest(make, [open_market(whole.rows(0, cut))], terms, gear=gear)
        before = [row for row in full.fills if row.at_ns < whole.ends_ns[cut - 1]]
        assert list(short.fills) == before


def test_history_before_the_start_warms_up_and_is_not_traded() -> None:
    class Warm(Cross):
        def subscriptions(self) -> Sequence[Subscription]:
            return [Candles(tools.SYMBOL, "TEST", Interval.M1, warm_up=50)]

        def declare(self, declarations: Declarations) -> None:
            (candles,) = self.subscriptions()
            assert isinstance(candles, Candles)
            self.candles = candles
            self.fast = tools.average(declarations, candles, 3)
            self.slow = tools.average(declarations, candles, 8)

        def on_start(self, context: Any) -> Intents:
            super().on_start(context)
            self.warm = len(context.candles(self.candles))
            self.known = self.slow.value
            return ()

    data = market_of(5, 300)
    terms = tools.settings(start_ns=100 * tools.MINUTE_NS)
    for gear in (Gear.EVENT, Gear.COLUMNS):
        strategy = Warm(CrossSettings())
        result = Run([strategy], [data], terms, gear).finish()
        assert (strategy.warm, result.candles) == (50, 200)
        assert strategy.known is not None
        assert min(row.at_ns for row in result.fills) > terms.start_ns  # type: ignore[operator] # given
        assert result.start_ns == terms.start_ns
        assert result.curve().at_ns[0] == terms.start_ns


# --- several markets, intervals and strategies -----------------------------------------------


def eth(seed: int, rows: int, **terms: Any) -> CandleSet:
    return tools.walk(seed, rows, symbol="ETH-USDT", **terms)


class Recorder(Strategy[tools.NoSettings]):
    """Remembers what it is told and when."""

    settings_type = tools.NoSettings

    def __init__(self, *subscribed: Candles) -> None:
        super().__init__(tools.NoSettings())
        self.subscribed = subscribed
        self.seen: list[tuple[int, str, str]] = []

    def subscriptions(self) -> Sequence[Subscription]:
        """As given."""
        return self.subscribed

    def on_candle(self, candle: Candle) -> Intents:
        """Remember it."""
        assert self.context.now_ns == candle.ends_at_ns
        self.seen.append((candle.ends_at_ns, candle.interval.value, candle.symbol))
        return ()


def test_candles_are_told_when_they_end_shorter_ones_first_in_blocks_or_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    btc, ether = tools.walk(1, 300), eth(2, 290, first=5)
    hours = tools.walk(3, 5, interval=Interval.H1)
    markets = [open_market(btc, hours), open_market(ether)]
    subscribed = [
        Candles("ETH-USDT", "TEST", Interval.M1),
        Candles("BTC-USDT", "TEST", Interval.H1),
        Candles("BTC-USDT", "TEST", Interval.M1),
    ]
    expected = sorted(
        [(int(at), 60, 2, "1m", "BTC-USDT") for at in btc.ends_ns]
        + [(int(at), 60, 0, "1m", "ETH-USDT") for at in ether.ends_ns]
        + [(int(at), 3_600, 1, "1h", "BTC-USDT") for at in hours.ends_ns]
    )
    for rows in (50_000, 7):
        monkeypatch.setattr("xached.research.backtest.feed.BLOCK_ROWS", rows)
        recorder = Recorder(*subscribed)
        result = Run([recorder], markets, tools.settings()).finish()
        assert recorder.seen == [(at, interval, name) for at, _, _, interval, name in expected]
        assert result.candles == 595


def test_markets_of_one_account_share_its_money() -> None:
    markets = [open_market(tools.walk(1, 5)), open_market(eth(2, 5))]
    subscribed = [Candles(name, "TEST", Interval.M1) for name in ("BTC-USDT", "ETH-USDT")]
    wanted = [order("b", BUY, "3"), order("e", BUY, "3", symbol="ETH-USDT")]
    strategy = Scripted({1: wanted}, subscriptions=subscribed)
    result = Run([strategy], markets, tools.settings("500")).finish()
    assert [row.line for row in result.fills] == [0]
    assert strategy.told("e") == ["REFUSED INSUFFICIENT_FUNDS"]
    assert 0 < result.end_equity < 500 + 3 * 200


def test_markets_of_one_account_may_have_steps_of_their_own() -> None:
    """What a lot of one costs in the other's smallest unit of money has no remainder."""
    btc = attrs.evolve(tools.walk(1, 5), lot_size=Decimal("0.00000001"))
    doge = attrs.evolve(eth(2, 5), tick_size=Decimal("0.00001"), lot_size=Decimal("0.00000001"))
    markets = open_markets([[btc], [doge]])
    assert {each.instrument.quote_scale for each in markets} == {13}
    wanted = [order("b", BUY, "0.5"), order("e", BUY, "3", symbol="ETH-USDT")]
    result = Run([Scripted({1: wanted})], markets, tools.settings("500")).finish()
    assert [row.line for row in result.fills] == [0, 1]
    with pytest.raises(DataError, match="count USDT in one unit"):
        Run([Scripted({})], [open_market(btc), open_market(doge)], tools.settings())


def test_an_order_in_another_market_meets_its_next_open_not_its_past() -> None:
    """BTC ends at every minute, ETH every five: the order at minute 1 waits for minute 5."""
    btc = tools.candle_set(*[(100, 100, 100, 100)] * 10)
    ether = tools.candle_set(
        (50, 50, 10, 50), (60, 60, 60, 60), symbol="ETH-USDT", interval=Interval.M5
    )
    strategy = Scripted({0: [order("e", BUY, price="0.55", symbol="ETH-USDT")]})
    result = Run([strategy], [open_market(btc), open_market(ether)], tools.settings()).finish()
    assert fills(result) == []
    late = Scripted({0: [order("e", BUY, symbol="ETH-USDT")]})
    result = Run([late], [open_market(btc), open_market(ether)], tools.settings()).finish()
    assert fills(result) == [(5, "BUY", 60, 1_000)]


def test_strategies_beside_each_other_trade_one_purse_and_hear_of_their_own_orders() -> None:
    data = tools.market((100, 100, 100, 100), (100, 100, 100, 100), (100, 100, 100, 100))
    one, two = Scripted({0: [order("x", BUY, "2")]}), Scripted({1: [order("x", SELL, "1")]})
    result = Run([one, two], [data], tools.settings()).finish()
    assert fills(result) == [(1, "BUY", 100, 2_000), (2, "SELL", 100, 1_000)]
    assert [update.side for update in one.updates] == [BUY]
    assert [update.side for update in two.updates] == [SELL]


def test_orders_meet_the_shortest_candles_there_are() -> None:
    minutes = tools.candle_set(*[(100 + i, 100 + i, 100 + i, 100 + i) for i in range(120)])
    hours = tools.candle_set((100, 159, 100, 159), (160, 219, 160, 219), interval=Interval.H1)
    strategy = Scripted(
        {0: [order("b", BUY, price="1.61")]},
        subscriptions=[Candles(tools.SYMBOL, "TEST", Interval.H1)],
    )
    result = Run([strategy], [open_market(minutes, hours)], tools.settings()).finish()
    assert fills(result) == [(60, "BUY", 160, 1_000)]


def test_gaps_in_a_history_are_waited_out() -> None:
    candles = tools.candle_set(*[(100 + i, 100 + i, 100 + i, 100 + i) for i in range(9)])
    kept = np.array([0, 1, 2, 5, 6, 8])
    holed = make_candle_set(
        symbol=candles.symbol, venue=candles.venue, interval=candles.interval,
        tick_size=candles.tick_size, lot_size=candles.lot_size,
        columns=[column[kept] for column in candles.columns],
    )  # fmt: skip
    strategy = Scripted({2: [order("a", BUY)], 4: [order("b", SELL)]})
    assert fills(tools.run(strategy, open_market(holed))) == [
        (5, "BUY", 105, 1_000),
        (8, "SELL", 108, 1_000),
    ]


def test_what_is_missing_is_said() -> None:
    data = tools.market((1, 1, 1, 1), (1, 1, 1, 1))
    hour = [Candles(tools.SYMBOL, "TEST", Interval.H1)]
    with pytest.raises(DataError, match="no history of BTC-USDT TEST 1h"):
        Run([Scripted({}, subscriptions=hour)], [data], tools.settings())
    other = open_market(tools.walk(1, 2, symbol="ETH-BTC"))
    with pytest.raises(DataError, match="one quote asset"):
        Run([Scripted({})], [data, other], tools.settings())
    with pytest.raises(DataError, match="at least one strategy"):
        Run([], [data], tools.settings())


def test_progress_is_told_and_ends_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xached.research.backtest.feed.BLOCK_ROWS", 40)
    parts: list[float] = []
    make = lambda: [Cross(CrossSettings())]  # noqa: E731 - one use
    run_backtest(make, [market_of(1, 200)], tools.settings(), gear=Gear.EVENT,
                 progress=parts.append)  # fmt: skip
    assert parts == sorted(parts)
    assert len(parts) == 5
    assert parts[-1] == 1.0


class Busy(Cross):
    """Also keeps an order, a timer, notes and what it saved, and hears of its orders."""

    def on_start(self, context: Context) -> Intents:
        """Set all of it up."""
        super().on_start(context)
        far = order("far", BUY, "0.1", "50.00")
        return [far, SetTimer("t", 3_600_000_000_000), Note("begun")]

    def on_order(self, update: OrderUpdate) -> Intents:
        """Say what is open."""
        self.save({"open": [each.id for each in self.context.open_orders]})
        return [Note(f"{update.id} {update.status.value} {self.context.balance('USDT').available}")]

    def on_timer(self, name: str, at_ns: int) -> Intents:
        """Ring for ever."""
        return [SetTimer(name, 3_600_000_000_000), Note(f"{at_ns} {self._ids}")]


@pytest.mark.parametrize(
    ("kind", "gear"),
    [(Busy, Gear.EVENT), (Busy, Gear.COLUMNS), (Cross, Gear.WAKE)],
)
def test_a_run_that_is_saved_goes_on_as_if_never_stopped(
    kind: type[Cross], gear: Gear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xached.research.backtest.feed.BLOCK_ROWS", 10)
    data, terms = [market_of(9, 400)], tools.settings()
    whole = Run([kind(CrossSettings())], data, terms, gear).finish()
    run = Run([kind(CrossSettings())], data, terms, gear)
    for _ in range(3):
        run.run_block(next(blocks(run.lanes, run.now_ns)))
        save_run(run, tmp_path / "run")
        run = load_run(tmp_path / "run", data)
    resumed = run.finish()
    assert same(resumed, whole)
    assert (resumed.notes, resumed.saved) == (whole.notes, whole.saved)
    assert len(whole.fills) > 20
    with pytest.raises(DataError, match="another history"):
        load_run(tmp_path / "run", [market_of(10, 400)])
    (tmp_path / "run").write_bytes(b"no")
    with pytest.raises(DataError, match="no saved run"):
        load_run(tmp_path / "run", data)


def test_what_cannot_be_written_down_is_said(tmp_path: Path) -> None:
    strategy = Cross(CrossSettings())
    run = Run([strategy], [market_of(9, 40)], tools.settings())
    strategy.lock = threading.Lock()  # type: ignore[attr-defined] # that is the mistake
    with pytest.raises(CannotBeSaved):
        save_run(run, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"cash": Decimal(0)},
        {"half_spread_ppm": -1},
        {"slippage_ppm": 1_000_000},
        {"through_ticks": -1},
        {"max_volume_ppm": 0},
        {"max_volume_ppm": 1_000_001},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        RunSettings(**({"cash": Decimal(1)} | wrong))
