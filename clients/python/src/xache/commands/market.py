"""What the market shows: prices, books, trades and candles, each with its source."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Annotated, Final, Literal

from cyclopts import Parameter
from rich.console import RenderableType
from rich.text import Text

from xache.book_view import BookView, draw_book, spread_text
from xache.candle_chart import draw_candles
from xache.client import Client
from xache.commands.options import NO_OPTIONS, Count, Flag, Options
from xache.errors import XacheError
from xache.explain import percent
from xache.live.book import Level, LiveBook
from xache.output import Cell, Output, clock, json_value, moment, side_text, source_text, word
from xache.tokens import TokenFileError
from xache.v1 import market_pb2, types_pb2

LIVE_FRAMES_PER_S: Final = 8
OWN_ORDERS_PERIOD_S: Final = 1.0
CHART_ROWS: Final = 18

INTERVALS: Final = {
    "1s": market_pb2.INTERVAL_1S,
    "1m": market_pb2.INTERVAL_1M,
    "5m": market_pb2.INTERVAL_5M,
    "15m": market_pb2.INTERVAL_15M,
    "1h": market_pb2.INTERVAL_1H,
    "1d": market_pb2.INTERVAL_1D,
}
"""Lengths of candles, as they are typed."""


@contextlib.contextmanager
def until_interrupted() -> Iterator[None]:
    """Ctrl-C is how a stream is ended: it is not a failure."""
    with contextlib.suppress(KeyboardInterrupt):
        yield


def note_shutdown(output: Output, notice: types_pb2.ServerShutdown) -> None:
    """Tell of a planned stop, after which the stream is opened again by itself."""
    output.note(f"The house stops: {notice.reason}. Waiting for its return.")


def markets(*, options: Options = NO_OPTIONS) -> None:
    """List the markets, their prices at each source, and their rules."""
    with options.connected() as (client, output):
        listed = client.market.instruments()
        tickers = client.market.tickers()
        if output.as_json:
            document = json_value(listed)
            document["tickers"] = [json_value(ticker) for ticker in tickers]
            output.document(document)
            return
        output.table(
            [
                "market",
                "source",
                ">last",
                ">bid",
                ">ask",
                "?>24 h low",
                "?>24 h high",
                ">volume",
                "",
            ],
            [_ticker_row(ticker) for ticker in tickers],
        )
        output.line("")
        output.table(
            ["market", "state", ">tick", ">lot", ">least value", ">maker fee", ">taker fee"],
            [_rules_row(instrument) for instrument in listed.instruments],
        )
        if any(_is_simulated(ticker.source) for ticker in tickers):
            output.note("Simulated liquidity makes prices but is left out of volume.")


def book(
    symbol: str,
    /,
    *,
    live: Flag = False,
    depth: Count = 10,
    venue: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Show a book, once or live. Your own orders are marked when you are signed in.

    Args:
        symbol: the market, such as BTC-USDT.
        live: follow it until Ctrl-C.
        depth: levels a side.
        venue: whose book; XACHE when left out.
    """
    symbol, venue = symbol.upper(), venue.upper()
    with options.connected() as (client, output):
        if live:
            with until_interrupted():
                _follow_book(client, output, symbol, venue, depth)
            return
        answer = client.market.book(symbol, venue=venue, depth=depth)
        if output.as_json:
            output.document(answer)
            return
        view = BookView(
            symbol=answer.symbol,
            source=answer.source,
            sequence=answer.sequence,
            at_ns=answer.at_ns,
            bids=_levels(answer.bids),
            asks=_levels(answer.asks),
            stale=answer.stale,
            own=_OwnOrders(client, output).leaves(answer.symbol) if not venue else {},
        )
        output.show(draw_book(view))


def trades(
    symbol: str,
    /,
    *,
    live: Flag = False,
    limit: Count = 20,
    venue: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Show recent trades, oldest first, and new ones live.

    Args:
        symbol: the market, such as BTC-USDT.
        live: go on with new trades until Ctrl-C.
        limit: how many recent ones, up to 1000.
        venue: whose trades; XACHE when left out.
    """
    symbol, venue = symbol.upper(), venue.upper()
    with options.connected() as (client, output):
        recent = client.market.trades(symbol, venue=venue, limit=limit)[::-1]
        if live:
            with until_interrupted():
                _follow_trades(client, output, symbol, venue, recent)
            return
        if output.as_json:
            output.document({"trades": [json_value(trade) for trade in recent]})
            return
        if not recent:
            output.note(f"No trades of {symbol} yet.")
            return
        output.table(
            ["time (UTC)", "taker", ">price", ">quantity", "source"],
            [
                (
                    clock(trade.at_ns),
                    side_text(trade.taker_side),
                    trade.price,
                    trade.quantity,
                    source_text(trade.source),
                )
                for trade in recent
            ],
        )


def candles(
    symbol: str,
    /,
    *,
    interval: Annotated[
        Literal["1s", "1m", "5m", "15m", "1h", "1d"], Parameter(show_default=True)
    ] = "1m",
    limit: Count = 200,
    venue: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Draw candles in the terminal.

    Args:
        symbol: the market, such as BTC-USDT.
        interval: how long a candle is.
        limit: at most this many of the newest, up to 1000; fewer where they do not fit.
        venue: whose candles; XACHE when left out.
    """
    symbol, venue = symbol.upper(), venue.upper()
    with options.connected() as (client, output):
        answer = client.market.candles(symbol, INTERVALS[interval], venue=venue, limit=limit)
        if output.as_json:
            output.document(answer)
            return
        if not answer.candles:
            output.note(f"No candles of {symbol} at {answer.source.venue or venue} yet.")
            return
        _show_candles(output, answer, interval)


# --- books -----------------------------------------------------------------------------------


def _follow_book(client: Client, output: Output, symbol: str, venue: str, depth: int) -> None:
    if output.as_json:
        with closing(client.market.watch_book(symbol, venue=venue, depth=depth)) as messages:
            for message in messages:
                output.json_line(message)
        return
    with closing(client.market.follow_book(symbol, venue=venue, depth=depth)) as books:
        if output.is_terminal:
            _draw_books(client, output, books, depth, marks_own=not venue)
        else:
            _print_tops(output, books)


def _draw_books(
    client: Client, output: Output, books: Iterator[LiveBook], depth: int, *, marks_own: bool
) -> None:
    """Redraw the ladder in place, at most so many times a second."""
    own = _OwnOrders(client, output)
    view: BookView | None = None

    def frame() -> RenderableType:
        return draw_book(view) if view is not None else Text("waiting for the book", "dim")

    # The screen is drawn in another thread; a view never changes once it is made.
    with output.drawing(frame, LIVE_FRAMES_PER_S):
        for book in books:
            view = BookView(
                symbol=book.symbol,
                source=book.source,
                sequence=book.sequence,
                at_ns=book.at_ns,
                bids=book.bids(depth),
                asks=book.asks(depth),
                stale=book.stale,
                own=own.leaves(book.symbol) if marks_own else {},
            )


def _print_tops(output: Output, books: Iterator[LiveBook]) -> None:
    """A line whenever the best bid or ask changes, or the book becomes stale or is no more."""
    last: tuple[list[Level], list[Level], bool] | None = None
    for book in books:
        top = book.bids(1), book.asks(1)
        if (*top, book.stale) == last:
            continue
        last = (*top, book.stale)
        bid, ask = (f"{side[0][1]:f} @ {side[0][0]:f}" if side else "-" for side in top)
        source = source_text(book.source).plain
        output.line(
            f"{clock(book.at_ns)}  {book.symbol}  bid {bid}  ask {ask}  {spread_text(*top)}  "
            f"{source}{'  stale' if book.stale else ''}"
        )
        output.console.file.flush()


class _OwnOrders:
    """The reader's own orders in a book, as far as somebody is signed in."""

    def __init__(self, client: Client, output: Output) -> None:
        self._client = client
        self._output = output
        self._asks = True
        self._asked_s = -math.inf
        self._leaves: dict[Decimal, Decimal] = {}

    def leaves(self, symbol: str) -> dict[Decimal, Decimal]:
        """What they leave at each price, at most a second old when the book has just changed.

        An own order that comes or goes changes the book, so asking after changes is enough. The
        book is for everybody: what goes wrong here does not end it.
        """
        if not self._asks or time.monotonic() - self._asked_s < OWN_ORDERS_PERIOD_S:
            return self._leaves
        self._asked_s = time.monotonic()
        try:
            if self._client.credentials is None:
                self._asks = False
                return {}
            orders = self._client.trading.open_orders(symbol=symbol)
        except (XacheError, TokenFileError) as error:
            self._asks = False
            self._output.note(f"Your own orders are not marked: {error}")
            return {}
        leaves: dict[Decimal, Decimal] = {}
        for order in orders:
            price = Decimal(order.price)
            leaves[price] = leaves.get(price, Decimal(0)) + Decimal(order.leaves_quantity)
        self._leaves = leaves
        return leaves


def _levels(levels: Iterable[market_pb2.BookLevel]) -> list[Level]:
    return [(Decimal(level.price), Decimal(level.quantity)) for level in levels]


# --- trades ----------------------------------------------------------------------------------


def _follow_trades(
    client: Client, output: Output, symbol: str, venue: str, recent: list[market_pb2.Trade]
) -> None:
    for trade in recent:
        _print_trade(output, trade)
    after = recent[-1].sequence if recent else 0
    with closing(
        client.market.watch_trades(symbol, venue=venue, after_sequence=after)
    ) as responses:
        for response in responses:
            if response.lagged_to:
                output.note(f"Trades up to number {response.lagged_to} were missed.")
            if response.reset:
                output.note("The feed started anew.")
            if response.HasField("shutdown"):
                note_shutdown(output, response.shutdown)
            for trade in response.trades:
                _print_trade(output, trade)


def _print_trade(output: Output, trade: market_pb2.Trade) -> None:
    if output.as_json:
        output.json_line(trade)
        return
    output.line(
        f"{clock(trade.at_ns)}  ",
        side_text(trade.taker_side),
        " " * (5 - len(word(types_pb2.Side, trade.taker_side))),
        f"{trade.quantity:>12} @ {trade.price:<10}  ",
        source_text(trade.source),
    )
    output.console.file.flush()


# --- markets and candles ---------------------------------------------------------------------


def _ticker_row(ticker: market_pb2.Ticker) -> list[Cell]:
    return [
        ticker.symbol,
        source_text(ticker.source),
        ticker.last or "-",
        ticker.bid or "-",
        ticker.ask or "-",
        ticker.low or "-",
        ticker.high or "-",
        ticker.volume,
        Text("stale", "bold yellow") if ticker.stale else "",
    ]


def _rules_row(instrument: types_pb2.Instrument) -> list[Cell]:
    return [
        instrument.symbol,
        word(types_pb2.MarketState, instrument.state),
        instrument.tick_size,
        instrument.lot_size,
        f"{instrument.min_notional} {instrument.quote}",
        percent(instrument.maker_fee_ppm),
        percent(instrument.taker_fee_ppm),
    ]


def _show_candles(output: Output, answer: market_pb2.ListCandlesResponse, interval: str) -> None:
    coloured = output.console.color_system is not None and not output.console.no_color
    # A pipe has no width of its own; this fits into a mail or a page of a book.
    width = output.console.width if output.is_terminal else 100
    last = answer.candles[-1]
    output.line(
        (answer.symbol, "bold"),
        f"  {interval}  ",
        source_text(answer.source),
        (f"  {moment(last.open_at_ns)} UTC ", "dim"),
        f"open {last.open} high {last.high} low {last.low} close {last.close}",
        ("" if last.closed else "  still open", "dim"),
    )
    chart = draw_candles(
        answer.candles, answer.interval, width=width, rows=CHART_ROWS, coloured=coloured
    )
    for line in chart:
        output.console.print(line, no_wrap=True, overflow="crop", crop=True)
    if not coloured:
        output.line("║ rose  ┃ fell  │ range")
    if _is_simulated(answer.source):
        output.note("Made by simulated liquidity, which is left out of volume.")


def _is_simulated(source: types_pb2.Source) -> bool:
    return source.provenance == types_pb2.PROVENANCE_SIMULATED
