"""Tapes as the place where a strategy is run: every trade, and the book as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

import attrs
from cyclopts import Parameter
from xache_sdk.look_ahead import check_no_look_ahead
from xache_sdk.market import Interval
from xache_sdk.session import Session
from xache_sdk.strategy import Strategy

from xached.domain.instrument import PPM, Instrument
from xached.research.arenas import Maker, Progress
from xached.research.backtest.result import RunResult
from xached.research.backtest.tape import Tape, TapeMarket
from xached.research.backtest.tape_feed import told_tapes
from xached.research.backtest.tape_run import TapeRun, TapeSettings
from xached.research.backtest.terms import MarketData, open_markets
from xached.research.history.tape_source import TapeSource
from xached.research.judgement.report import Settings
from xached.research.judgement.track_record import DAY_NS, TrackRecord
from xached.research.judgement.walk_forward import Runner, Window

CHECKED_VALUES: Final = 20_000
"""So many of the newest trades, books and candles are looked at for a look ahead."""

NS_PER_MS: Final = 1_000_000


@attrs.frozen(kw_only=True)
class TapeOptions:
    """A tape instead of candles: every trade, and the book as it was."""

    tape: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            help="a recording of a market, a file of its trades, or the folder of a house's "
            "recordings, with VENUE.SYMBOL= before it where several markets are run over at once. "
            "May be repeated.",
        ),
    ] = ()
    market: Annotated[
        str, Parameter(help="whose tape, as VENUE.SYMBOL, where the files do not say so.")
    ] = ""
    latency_ms: Annotated[
        int, Parameter(help="how late each order and cancel arrives on the tape.")
    ] = 50
    book_ms: Annotated[int, Parameter(help="a strategy sees the book at most so often.")] = 100


NO_TAPE: Final = TapeOptions()


@attrs.frozen
class TapeArena:
    """The tapes of one market or of several. ``markets``: with candles of the tapes' trades."""

    sources: Sequence[TapeSource]
    markets: Sequence[MarketData]
    terms: TapeSettings

    @property
    def taped(self) -> tuple[TapeMarket, ...]:
        """The markets with their tapes."""
        pairs = zip(self.markets, self.sources, strict=True)
        return tuple(TapeMarket(market.instrument, source.tape) for market, source in pairs)

    @property
    def window(self) -> Window:
        """From the start to just after the last row."""
        first_ns = min(each.tape.at_ns.item(0) for each in self.sources)
        last_ns = max(each.tape.at_ns.item(-1) for each in self.sources)
        start_ns = self.terms.start_ns
        return Window(first_ns if start_ns is None else max(first_ns, start_ns), last_ns + 1)

    @property
    def facts(self) -> Mapping[str, str]:
        """What a report says of it."""
        facts = {
            "Cash": f"{self.terms.cash:f} {self.markets[0].instrument.quote}",
            "Fills": "takers walk the book as it was, resting orders wait behind what was there",
            "Latency": f"{self.terms.latency_ns / NS_PER_MS:g} ms for each order and cancel",
            "Book": f"seen every {self.terms.book_interval_ns / NS_PER_MS:g} ms at most",
        }
        for market, source in zip(self.markets, self.sources, strict=True):
            facts |= _market_facts(market.instrument, source)
        return facts

    def check(self, strategy: type[Strategy[Any]], settings: Settings) -> None:
        """Refuse a strategy that looks ahead. Raises: CheckFailed."""
        subscribed = Session(Maker(strategy)(settings)).subscriptions
        told = told_tapes(self.taped, subscribed, self.terms.book_interval_ns)
        check_no_look_ahead(strategy, settings, told[-CHECKED_VALUES:])

    def run(self, make: Maker, settings: Settings, progress: Progress) -> RunResult:
        """Run a strategy once."""
        return TapeRun(make(settings), self.taped, self.terms).finish(progress)

    def runner(self, make: Maker, size: int = 1) -> Runner[Settings]:
        """What runs it over windows. Raises: ValueError for more than one size."""
        if size != 1:
            raise ValueError("on a tape every order has its own size: set more cash, larger orders")
        return TapeRunner(make, self.taped, self.terms)


def _market_facts(instrument: Instrument, source: TapeSource) -> dict[str, str]:
    tape, symbol = source.tape, instrument.symbol
    taker, maker = 100 * instrument.taker_fee_ppm / PPM, 100 * instrument.maker_fee_ppm / PPM
    trades = len(tape.trades)
    facts = {
        f"Fees of {symbol}": f"taker {taker:g} %, maker {maker:g} %",
        f"Tape of {symbol}": f"{tape.venue}, {len(tape):,} rows, {trades:,} trades, "
        f"fingerprint {tape.fingerprint[:16]}",
    }
    if trades == len(tape):
        facts[f"Book of {symbol}"] = "none: nothing is there for an order that takes"
    if source.breaks:
        facts[f"Breaks of {symbol}"] = f"{source.breaks:,} times the book was not known for a while"
    return facts


@attrs.frozen
class TapeRunner:
    """Runs a strategy over windows of tapes; what is before one fills the books and warms up."""

    make: Maker
    markets: tuple[TapeMarket, ...]
    terms: TapeSettings

    def __call__(self, settings: Settings, window: Window) -> TrackRecord:
        """Run. Raises: DataError when nothing is in the window."""
        markets = [
            attrs.evolve(each, tape=each.tape.before(window.end_at_ns)) for each in self.markets
        ]
        terms = attrs.evolve(self.terms, start_ns=window.start_at_ns)
        return TapeRun(self.make(settings), markets, terms).finish().track_record()


def tape_markets(tapes: Sequence[Tape], fee_ppm: int) -> list[MarketData]:
    """The markets of tapes. Raises: DataError when one has no trade to draw or to hold by."""
    span_ns = max(each.at_ns.item(-1) - each.at_ns.item(0) for each in tapes)
    interval = Interval.M1 if span_ns > DAY_NS else Interval.S1
    return open_markets([[each.candles(interval)] for each in tapes], fee_ppm, fee_ppm)


def tape_arena(
    options: TapeOptions,
    sources: Sequence[TapeSource],
    markets: Sequence[MarketData],
    cash: Decimal,
    start_ns: int | None,
) -> TapeArena:
    """The place that was asked for. Raises: ValueError for times below zero."""
    terms = TapeSettings(
        cash=cash,
        latency_ns=options.latency_ms * NS_PER_MS,
        book_interval_ns=options.book_ms * NS_PER_MS,
        start_ns=start_ns,
    )
    return TapeArena(sources, markets, terms)
