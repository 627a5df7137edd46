"""What the live page shows, as frames: one look at a market, and what changed since another look.

A frame is a value. A reader keeps the one it was told last and is told the difference to the
newest, so however slow it is, it costs the memory of one frame. Readers of the same market that
keep up share their frames and their encoded differences.

Sources stay apart all the way: a frame has one line for each, and nothing adds them up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from itertools import takewhile
from typing import Any, Final

import attrs
import trio

from xached.actors.market.data import MarketData
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Directory, Instrument, Symbol
from xached.domain.market import XACHE, Level, Provenance, TapeTrade, Ticker, Venue
from xached.domain.market_line import MarketLine
from xached.domain.order import MarketState, Side

INTERVALS: Final[Mapping[str, Interval]] = {
    "1s": Interval.S1,
    "1m": Interval.M1,
    "5m": Interval.M5,
    "15m": Interval.M15,
    "1h": Interval.H1,
    "1d": Interval.D1,
}
"""Candle lengths by the names that the page and its addresses use."""

FRAME_PERIOD_S: Final = 0.2
"""Nobody is told more than five times a second: faster than that, figures cannot be read."""

LEVELS: Final = 15
TRADES: Final = 30
CANDLES: Final = 200

_NS_PER_MS: Final = 1_000_000


@attrs.frozen(kw_only=True)
class LineFrame:
    """What one source says. Trades newest first, candles oldest first, levels best first.

    ``state`` is that of the house's own market; venues have none here. ``epochs`` change when
    what follows does not build on what came before.
    """

    venue: Venue
    provenance: Provenance
    state: MarketState | None
    ticker: Ticker
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    trades: tuple[TapeTrade, ...]
    candles: tuple[Candle, ...]
    epochs: tuple[int, int]


@attrs.frozen(kw_only=True, eq=False)
class Frame:
    """One look at a market. Later looks have higher numbers, those at other markets too."""

    number: int
    at_ns: int
    instrument: Instrument
    symbols: tuple[Symbol, ...]
    interval: str
    lines: tuple[LineFrame, ...]

    def shows_the_same_as(self, other: Frame) -> bool:
        """True when a reader could not tell the two apart."""
        return self.lines == other.lines and self.symbols == other.symbols


@attrs.frozen
class _Look:
    at: float
    frame: Frame


@attrs.frozen
class _Difference:
    told: int
    newest: int
    encoded: bytes | None


class Board:
    """Frames of every market, made when somebody looks.

    What it remembers is one frame and one difference for each market and interval.
    """

    def __init__(self, market: MarketData, directory: Directory, now_ns: Callable[[], int]) -> None:
        self._market = market
        self._directory = directory
        self._now_ns = now_ns
        self._number = 0
        self._looks: dict[tuple[Symbol, str], _Look] = {}
        self._differences: dict[tuple[Symbol, str], _Difference] = {}

    def symbols(self) -> tuple[Symbol, ...]:
        """The listed markets, in the order of their names."""
        return tuple(sorted(self._directory))

    def frame(self, symbol: Symbol, interval: str) -> Frame:
        """A listed market as it is, or was less than a frame's period ago.

        The same object as before when nothing has changed that is shown.
        """
        key = (symbol, interval)
        now = trio.current_time()
        look = self._looks.get(key)
        if look is not None and now < look.at + FRAME_PERIOD_S:
            return look.frame
        frame = self._look(symbol, interval)
        if look is not None and frame.shows_the_same_as(look.frame):
            frame = look.frame
        self._looks[key] = _Look(now, frame)
        return frame

    def difference(self, told: Frame, newest: Frame) -> bytes | None:
        """The JSON of what has changed, or None when nothing of it is shown.

        Both are of one market and interval; apply it to ``told`` and there is ``newest``.
        """
        key = (newest.instrument.symbol, newest.interval)
        known = self._differences.get(key)
        if known is None or (known.told, known.newest) != (told.number, newest.number):
            encoded = _encode_difference(told, newest)
            known = self._differences[key] = _Difference(told.number, newest.number, encoded)
        return known.encoded

    def _look(self, symbol: Symbol, interval: str) -> Frame:
        self._number += 1
        # The house comes first.
        known = sorted(self._market.lines.items(), key=lambda item: (item[0][1] != XACHE, item[0]))
        lines = [watched.line for (listed, _), watched in known if listed == symbol]
        return Frame(
            number=self._number,
            at_ns=self._now_ns(),
            instrument=self._directory[symbol],
            symbols=self.symbols(),
            interval=interval,
            lines=tuple(self._line_frame(line, INTERVALS[interval]) for line in lines),
        )

    def _line_frame(self, line: MarketLine, interval: Interval) -> LineFrame:
        ticker = self._market.ticker(line)
        own = line.venue == XACHE
        return LineFrame(
            venue=line.venue,
            provenance=ticker.source.provenance,
            state=self._market.market_state(line.symbol) if own else None,
            ticker=ticker,
            bids=line.book.depth.bids(LEVELS),
            asks=line.book.depth.asks(LEVELS),
            trades=tuple(line.tape.newest(TRADES)),
            candles=tuple(line.candles(interval)[-CANDLES:]),
            epochs=(line.book.epoch, line.tape.epoch),
        )


# --- As JSON. --------------------------------------------------------------------------------
# Amounts are decimal text and times milliseconds, both exact in every language.


def encode_frame(frame: Frame) -> bytes:
    """The JSON of a whole frame."""
    instrument = frame.instrument
    return _encode(
        {
            "symbol": instrument.symbol,
            "base": instrument.base,
            "quote": instrument.quote,
            "tick_size": instrument.tick_size,
            "lot_size": instrument.lot_size,
            "interval": frame.interval,
            "symbols": frame.symbols,
            "intervals": list(INTERVALS),
            "at_ms": frame.at_ns // _NS_PER_MS,
            "lines": [_whole_line(instrument, line) for line in frame.lines],
        }
    )


def _encode_difference(told: Frame, newest: Frame) -> bytes | None:
    instrument = newest.instrument
    known = {line.venue: line for line in told.lines}
    changes: dict[str, Any] = {}
    if newest.symbols != told.symbols:
        changes["symbols"] = newest.symbols
    lines = []
    for line in newest.lines:
        before = known.get(line.venue)
        if before is None or not _continues(before, line):
            lines.append({"reset": True, **_whole_line(instrument, line)})
        elif parts := _changed_parts(instrument, before, line):
            lines.append({"venue": line.venue, **parts})
    if lines:
        changes["lines"] = lines
    if not changes:
        return None
    return _encode({"at_ms": newest.at_ns // _NS_PER_MS, **changes})


def _continues(before: LineFrame, line: LineFrame) -> bool:
    """True when trades and candles were only added since, at their newest end."""
    if line.epochs != before.epochs:
        return False
    if before.trades and (not line.trades or line.trades[0].sequence < before.trades[0].sequence):
        return False
    if before.candles:
        return bool(line.candles) and line.candles[0].open_at_ns >= before.candles[0].open_at_ns
    return True


def _whole_line(instrument: Instrument, line: LineFrame) -> dict[str, Any]:
    return {
        "venue": line.venue,
        "provenance": line.provenance.name,
        "state": _state_name(line.state),
        "ticker": _ticker(instrument, line.ticker),
        "bids": _levels(instrument, line.bids),
        "asks": _levels(instrument, line.asks),
        "trades": _trades(instrument, line.trades),
        "candles": _candles(instrument, line.candles),
    }


def _changed_parts(instrument: Instrument, before: LineFrame, line: LineFrame) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    if line.provenance is not before.provenance:
        parts["provenance"] = line.provenance.name
    if line.state is not before.state:
        parts["state"] = _state_name(line.state)
    ticker = _ticker(instrument, line.ticker)
    if ticker != _ticker(instrument, before.ticker):
        parts["ticker"] = ticker
    for side, old_levels, new_levels in (
        ("bids", before.bids, line.bids),
        ("asks", before.asks, line.asks),
    ):
        if levels := _changed_levels(old_levels, new_levels):
            parts[side] = _levels(instrument, levels)
    seen = before.trades[0].sequence if before.trades else 0
    if trades := list(takewhile(lambda trade: trade.sequence > seen, line.trades)):
        parts["trades"] = _trades(instrument, trades)
    if candles := _changed_candles(before.candles, line.candles):
        parts["candles"] = _candles(instrument, candles)
    return parts


def _changed_levels(before: tuple[Level, ...], levels: tuple[Level, ...]) -> list[Level]:
    """Levels that are new or different; quantity 0 for those that are no longer shown."""
    if before == levels:
        return []
    old, new = dict(before), dict(levels)
    changed = [level for level in levels if old.get(level[0]) != level[1]]
    return changed + [(price_ticks, 0) for price_ticks in old if price_ticks not in new]


def _changed_candles(before: tuple[Candle, ...], candles: tuple[Candle, ...]) -> list[Candle]:
    # Only the newest end of a line changes: what lies before an equal candle is equal too.
    old = {candle.open_at_ns: candle for candle in before[-2:]}
    oldest_ns = min(old, default=0)
    changed = takewhile(
        lambda candle: candle.open_at_ns >= oldest_ns and old.get(candle.open_at_ns) != candle,
        reversed(candles),
    )
    return list(changed)[::-1]


def _state_name(state: MarketState | None) -> str | None:
    return None if state is None else state.name


def _ticker(instrument: Instrument, ticker: Ticker) -> dict[str, Any]:
    def price(ticks: int | None) -> str | None:
        return None if ticks is None else instrument.format_price(ticks)

    return {
        "last": price(ticker.last_ticks),
        "bid": price(ticker.bid[0] if ticker.bid else None),
        "ask": price(ticker.ask[0] if ticker.ask else None),
        "high": price(ticker.high_ticks),
        "low": price(ticker.low_ticks),
        "volume": instrument.format_quantity(ticker.volume_lots),
        "change_percent": _change_percent(ticker),
        "open_at_ms": None if ticker.open_at_ns is None else ticker.open_at_ns // _NS_PER_MS,
        "stale": ticker.stale,
    }


def _change_percent(ticker: Ticker) -> str | None:
    """The change of 24 hours in percent with two places, rounded half away from zero."""
    last, first = ticker.last_ticks, ticker.open_ticks
    if last is None or not first:
        return None
    change = last - first
    hundredths = (abs(change) * 20_000 + first) // (2 * first)
    sign = "" if not hundredths else "-" if change < 0 else "+"
    return f"{sign}{hundredths // 100}.{hundredths % 100:02}"


def _levels(instrument: Instrument, levels: Iterable[Level]) -> list[list[str]]:
    return [
        [instrument.format_price(price_ticks), instrument.format_quantity(lots)]
        for price_ticks, lots in levels
    ]


def _trades(instrument: Instrument, trades: Iterable[TapeTrade]) -> list[dict[str, Any]]:
    return [
        {
            "sequence": trade.sequence,
            "at_ms": trade.at_ns // _NS_PER_MS,
            "side": "BUY" if trade.taker_side is Side.BUY else "SELL",
            "price": instrument.format_price(trade.price_ticks),
            "quantity": instrument.format_quantity(trade.quantity_lots),
            "simulated": trade.source.provenance is Provenance.SIMULATED,
        }
        for trade in trades
    ]


def _candles(instrument: Instrument, candles: Iterable[Candle]) -> list[list[Any]]:
    """[opens at in ms, open, high, low, close, volume, trades], to keep 200 of them small."""
    price = instrument.format_price
    return [
        [
            candle.open_at_ns // _NS_PER_MS,
            price(candle.open_ticks),
            price(candle.high_ticks),
            price(candle.low_ticks),
            price(candle.close_ticks),
            instrument.format_quantity(candle.volume_lots),
            candle.trades,
        ]
        for candle in candles
    ]


def _encode(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
