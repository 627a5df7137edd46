"""One line of market data: what it believes, and what it leaves behind."""

from __future__ import annotations

import attrs
import pytest

from tests.domain.market_values import BTC
from xached.domain.candles import NS_PER_S, Interval
from xached.domain.depth import PublicBook
from xached.domain.market import BINANCE, BestQuote, Provenance
from xached.domain.market_line import CandleReader, MarketLine
from xached.domain.order import Side

START_NS = 1_767_225_600 * NS_PER_S
QUOTE = BestQuote(
    symbol=BTC.symbol, last_id=7, bid_ticks=100, bid_lots=1, ask_ticks=102, ask_lots=1, at_ns=0
)


def make_line() -> MarketLine:
    book = PublicBook()
    book.depth.set_many([(98, 1)], [(104, 1)])
    return MarketLine(BTC.symbol, BINANCE, Provenance.LIVE, book)


def trade(line: MarketLine, at_ns: int, price_ticks: int) -> None:
    line.trade(
        trade_id="1", price_ticks=price_ticks, quantity_lots=1, taker_side=Side.BUY, at_ns=at_ns
    )


def test_a_quote_that_says_no_price_is_no_price() -> None:
    line = make_line()
    for quote in (
        attrs.evolve(QUOTE, bid_ticks=0),
        attrs.evolve(QUOTE, bid_lots=0),
        attrs.evolve(QUOTE, ask_lots=0),
        attrs.evolve(QUOTE, bid_ticks=102),
        attrs.evolve(QUOTE, bid_ticks=10**30),
    ):
        line.quote(quote)
        assert line.best() == ((98, 1), (104, 1)), quote
    line.quote(QUOTE)
    assert line.best() == ((100, 1), (102, 1))


def test_an_old_quote_changes_nothing_until_the_feed_starts_anew() -> None:
    line = make_line()
    line.quote(QUOTE)
    old = attrs.evolve(QUOTE, last_id=6, bid_ticks=50, ask_ticks=52)
    line.quote(old)
    assert line.mid_ticks() == 101
    line.start_anew()
    line.quote(old)
    assert line.mid_ticks() == 51


@pytest.mark.parametrize("ahead", [1, 1_000_000])
def test_a_reader_that_comes_back_from_the_future_is_told_what_there_is(ahead: int) -> None:
    """It was told nothing until the clock had come there."""
    line = make_line()
    trade(line, START_NS, 500)
    reader = CandleReader(line, Interval.S1, START_NS + ahead * Interval.S1.ns)
    step = reader.step()
    assert step is not None
    assert step.lagged
    assert [candle.close_ticks for candle in step.candles] == [500]
    trade(line, START_NS, 501)
    step = reader.step()
    assert step is not None
    assert (step.lagged, step.candles[0].close_ticks) == (False, 501)


def test_a_day_without_trades_empties_the_last_24_hours() -> None:
    line = make_line()
    trade(line, START_NS, 500)
    trade(line, START_NS + 3_600 * NS_PER_S, 90)
    line.advance(START_NS + 2 * 3_600 * NS_PER_S)
    assert line.ticker(simulated=False).high_ticks == 500
    changes = line.changes
    assert line.advance(START_NS + Interval.D1.ns + Interval.M5.ns), "readers are told"
    assert line.changes > changes
    ticker = line.ticker(simulated=False)
    assert (ticker.open_ticks, ticker.high_ticks, ticker.volume_lots) == (90, 90, 1)
    line.advance(START_NS + 2 * Interval.D1.ns)
    ticker = line.ticker(simulated=False)
    assert (ticker.last_ticks, ticker.high_ticks, ticker.volume_lots) == (90, None, 0)


def test_a_young_market_says_since_when() -> None:
    line = make_line()
    assert line.ticker(simulated=False).open_at_ns is None
    trade(line, START_NS + 7 * NS_PER_S, 500)
    assert line.ticker(simulated=False).open_at_ns == START_NS
    line.advance(START_NS + Interval.H1.ns)
    trade(line, START_NS + Interval.H1.ns, 90)
    ticker = line.ticker(simulated=False)
    assert (ticker.open_ticks, ticker.open_at_ns) == (500, START_NS)
