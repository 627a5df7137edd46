"""A run shows no market before it is listed; who looks for one that comes later is found out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.context import Context
from xache_sdk.look_ahead import LookedAhead, check_no_look_ahead
from xache_sdk.market import Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Note
from xache_sdk.strategy import Strategy

from tests.research.backtests import MINUTE_NS, order, walk
from xached.research.backtest.feed import told_candles
from xached.research.backtest.result import Gear
from xached.research.backtest.run import Run
from xached.research.backtest.saved_run import load_run, save_run
from xached.research.backtest.terms import MarketData, RunSettings, open_market

BTC, LATE = "BTC-USDT", "ETH-USDT"


@dataclass(frozen=True)
class Settings:
    """Which markets to subscribe to."""

    symbols: tuple[str, ...] = (BTC,)


class Looker(Strategy[Settings]):
    """Notes what it can see of markets whenever that changes."""

    settings_type = Settings
    seen: tuple[object, ...] = ()

    def subscriptions(self) -> Sequence[Subscription]:
        """See Strategy."""
        return [Candles(each, "TEST", Interval.M1) for each in self.settings.symbols]

    def on_start(self, context: Context) -> Intents:
        """See Strategy."""
        return self.look()

    def on_candle(self, candle: Candle) -> Intents:
        """See Strategy."""
        return self.look()

    def look(self) -> Intents:
        """What there is of the market that may come later."""
        context = self.context
        found = (
            LATE in context.instruments, len(context.instruments), LATE in context.positions,
            "ETH" in context.balances, context.instruments.get(LATE) is not None,
        )  # fmt: skip
        if found != self.seen:
            self.seen = found
            yield Note(f"{found}")


def markets(first: int, rows: int = 60) -> list[MarketData]:
    """Two of them, the second of which begins some minutes after the first."""
    late = walk(2, rows - first, symbol=LATE, first=first)
    return [open_market(walk(1, rows)), open_market(late)]


def run(first: int, *symbols: str) -> Run:
    """A run of a strategy that looks at markets."""
    terms = RunSettings(cash=Decimal(1_000))
    return Run([Looker(Settings(symbols))], markets(first), terms, Gear.EVENT)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 59))
def test_a_market_is_there_from_its_first_candle_on(first: int) -> None:
    done = run(first, BTC)
    result = done.finish()
    nothing, everything = "(False, 1, False, False, False)", "(True, 2, True, True, True)"
    if not first:
        assert [row.text for row in result.notes] == [everything]
        return
    assert [row.text for row in result.notes] == [nothing, everything]
    listed_ns = int(done.markets[1].finest.open_at_ns[0])
    # The first candle of its own market that ends when the other has opened.
    assert 0 <= result.notes[1].at_ns - listed_ns < MINUTE_NS


def test_what_it_subscribes_to_was_named_by_its_owner() -> None:
    result = run(30, BTC, LATE).finish()
    assert [row.text for row in result.notes] == ["(True, 2, True, True, True)"]


def test_a_saved_run_sees_no_more_when_it_goes_on(tmp_path: Path) -> None:
    begun = run(30, BTC)
    save_run(begun, tmp_path / "run")
    again = load_run(tmp_path / "run", begun.markets)
    assert again.finish().notes == run(30, BTC).finish().notes


class Early(Looker):
    """A cheat: it does something at the start if a market will be listed later."""

    def on_start(self, context: Context) -> Intents:
        """See Strategy."""
        yield Note(f"{sorted(context.instruments)} {sorted(context.balances)}")

    def on_candle(self, candle: Candle) -> Intents:
        """See Strategy."""
        return ()


def test_who_knows_what_will_be_listed_is_found_out() -> None:
    """Checked with the markets of all the data in the shorter runs: the cheat passed."""
    told = told_candles(markets(55))
    with pytest.raises(LookedAhead, match="ETH-USDT"):
        check_no_look_ahead(Early, {"symbols": [BTC]}, told, cuts=30)
    check_no_look_ahead(Early, {"symbols": [BTC, LATE]}, told, cuts=30)


class Asking(Looker):
    """A cheat: what is refused would say where a market opens that is not there yet."""

    def on_candle(self, candle: Candle) -> Intents:
        """Ask once before it is there, and once after."""
        if candle.symbol == BTC and candle.ends_at_ns in (2 * MINUTE_NS, 50 * MINUTE_NS):
            yield order(self.next_id(), Side.BUY, "0.001", "150", symbol=LATE)


@pytest.mark.parametrize("symbols", [(BTC,), (BTC, LATE)])
def test_nothing_is_asked_of_a_market_that_is_not_there_yet(symbols: tuple[str, ...]) -> None:
    """Checked without it: the order was compared with the first price there would ever be."""
    terms = RunSettings(cash=Decimal(1_000))
    done = Run([Asking(Settings(symbols))], markets(30), terms, Gear.EVENT).finish()
    assert done.refusals == {"UNKNOWN_INSTRUMENT": 1}
    assert [row.line for row in done.fills] == [1]
