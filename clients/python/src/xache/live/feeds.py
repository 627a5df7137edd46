"""The streams behind a board: a thread for each, which writes what it is told."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Final, TypeVar

from google.protobuf.message import Message

from xache.book_view import BookView
from xache.client import Client
from xache.errors import NotSignedIn, Refused, XacheError
from xache.live.board import Board, MarketBoard, PurseView, StreamState, Subject
from xache.live.book import BookGap, LiveBook
from xache.tokens import TokenFileError
from xache.v1 import market_pb2, trading_pb2, types_pb2

BOOK_DEPTH: Final = 50
TAPE_LENGTH: Final = 100
CHART_LENGTH: Final = 300
REOPEN_S: Final = 1.0
"""How long a stream that was refused or has failed is left alone."""
PURSE_PERIOD_S: Final = 5.0
"""Worths move with the market, so the purse is read again even when nothing happens to it."""
PURSE_REST_S: Final = 0.5
INSTRUMENTS_PERIOD_S: Final = 10.0
STRATEGIES_PERIOD_S: Final = 2.0

Told = TypeVar("Told", bound=Message)
Answer = TypeVar("Answer")


class Feeds:
    """Follows a house for one board, until it is closed."""

    def __init__(self, client: Client, board: Board) -> None:
        self._client = client
        self._board = board
        self._closed = threading.Event()
        self._left = threading.Event()
        """The market that is looked at was left for another."""
        self._purse_changed = threading.Event()

    def start(self) -> None:
        """Begin with everything."""
        board = self._board
        self._start(
            "tickers",
            self._follow,
            board.streams["tickers"],
            self._closed,
            self._client.market.watch_tickers,
            self._take_tickers,
        )
        self._start("instruments", self._read_instruments)
        self._start(
            "purse",
            self._follow,
            board.streams["purse"],
            self._closed,
            functools.partial(self._client.trading.watch_purse, subaccount=board.subaccount),
            self._take_purse_event,
        )
        self._start("purse reading", self._read_purse)
        self._start("strategies", self._read_strategies)
        self.look_at(board.market.subject)

    def look_at(self, subject: Subject) -> None:
        """Follow another market, source or length of candles in place of the one before."""
        self._left.set()
        self._left = left = threading.Event()
        self._board.market = market = MarketBoard(subject)
        client, streams = self._client.market, market.streams
        symbol, venue = subject.symbol, subject.venue
        book = functools.partial(self._follow_book, market)
        self._start("book", self._follow, streams["book"], left, *book())
        trades = functools.partial(client.watch_trades, symbol, venue=venue)
        self._start("trades", self._follow_trades, market, left, trades)
        candles = functools.partial(client.watch_candles, symbol, subject.interval, venue=venue)
        self._start("candles", self._follow_candles, market, left, candles)

    def close(self) -> None:
        """End every stream at its next message, or with the client."""
        self._closed.set()
        self._left.set()
        self._purse_changed.set()

    def _start(self, name: str, run: Callable[..., None], *arguments: object) -> None:
        threading.Thread(
            target=self._run, args=(run, *arguments), name=f"live {name}", daemon=True
        ).start()

    def _run(self, run: Callable[..., None], *arguments: object) -> None:
        try:
            run(*arguments)
        except ValueError:
            # What gRPC says when the channel was closed under a call.
            if not self._closed.is_set():
                raise

    def _follow(
        self,
        state: StreamState,
        ended: threading.Event,
        opened: Callable[[], Generator[Told, None, None]],
        take: Callable[[Told], None],
    ) -> None:
        """Give every message of a stream to ``take``; open it again, whatever ended it."""
        while not ended.is_set():
            try:
                with closing(opened()) as messages:
                    for message in messages:
                        if ended.is_set():
                            return
                        self._board.waiting = ""
                        state.heard()
                        take(message)
            except BookGap:
                continue
            except NotSignedIn:
                state.failure = "nobody is signed in: xache login EMAIL"
                return
            except (XacheError, TokenFileError) as error:
                state.failure = str(error)
            ended.wait(REOPEN_S)

    # --- the market --------------------------------------------------------------------------

    def _follow_book(
        self, market: MarketBoard
    ) -> tuple[
        Callable[[], Generator[market_pb2.WatchBookResponse, None, None]],
        Callable[[market_pb2.WatchBookResponse], None],
    ]:
        """How a book is opened, and what takes its messages; each opening begins it anew."""
        subject = market.subject
        book = LiveBook(subject.symbol)

        def opened() -> Generator[market_pb2.WatchBookResponse, None, None]:
            nonlocal book
            book = LiveBook(subject.symbol)
            return self._client.market.watch_book(
                subject.symbol, venue=subject.venue, depth=BOOK_DEPTH
            )

        def take(message: market_pb2.WatchBookResponse) -> None:
            if book.apply(message):
                market.book = BookView(
                    symbol=book.symbol,
                    source=book.source,
                    sequence=book.sequence,
                    at_ns=book.at_ns,
                    bids=book.bids(BOOK_DEPTH),
                    asks=book.asks(BOOK_DEPTH),
                    stale=book.stale,
                )

        return opened, take

    def _follow_trades(
        self,
        market: MarketBoard,
        left: threading.Event,
        opened: Callable[..., Generator[market_pb2.WatchTradesResponse, None, None]],
    ) -> None:
        subject = market.subject
        recent = self._patiently(
            market.streams["trades"],
            left,
            lambda: self._client.market.trades(
                subject.symbol, venue=subject.venue, limit=TAPE_LENGTH
            ),
        )
        market.trades.extend(reversed(recent or []))

        def resumed() -> Generator[market_pb2.WatchTradesResponse, None, None]:
            return opened(after_sequence=market.trades[-1].sequence if market.trades else 0)

        def take(message: market_pb2.WatchTradesResponse) -> None:
            if message.reset:
                market.trades.clear()
            market.trades.extend(message.trades)

        self._follow(market.streams["trades"], left, resumed, take)

    def _follow_candles(
        self,
        market: MarketBoard,
        left: threading.Event,
        opened: Callable[[], Generator[market_pb2.WatchCandlesResponse, None, None]],
    ) -> None:
        def read() -> None:
            subject = market.subject
            answer = self._client.market.candles(
                subject.symbol, subject.interval, venue=subject.venue, limit=CHART_LENGTH
            )
            market.candle_source = answer.source
            market.candles = tuple(answer.candles)

        def take(message: market_pb2.WatchCandlesResponse) -> None:
            if message.reset or message.lagged:
                read()
            market.take_candles(list(message.candles))

        self._patiently(market.streams["candles"], left, read)
        self._follow(market.streams["candles"], left, opened, take)

    def _patiently(
        self, state: StreamState, ended: threading.Event, ask: Callable[[], Answer]
    ) -> Answer | None:
        """Ask until there is an answer; None when nobody waits for it any more."""
        while not ended.is_set():
            try:
                return ask()
            except (XacheError, TokenFileError) as error:
                state.failure = str(error)
            ended.wait(REOPEN_S)
        return None

    # --- the house ---------------------------------------------------------------------------

    def _take_tickers(self, message: market_pb2.WatchTickersResponse) -> None:
        fresh = {(each.symbol, each.source.venue): each for each in message.tickers}
        self._board.tickers = {**self._board.tickers, **fresh}

    def _read_instruments(self) -> None:
        while not self._closed.is_set():
            listed = self._patiently(
                self._board.streams["tickers"], self._closed, self._client.market.instruments
            )
            if listed is not None:
                self._board.instruments = {each.symbol: each for each in listed.instruments}
            self._closed.wait(INSTRUMENTS_PERIOD_S)

    # --- the purse ---------------------------------------------------------------------------

    def _take_purse_event(self, message: trading_pb2.WatchPurseResponse) -> None:
        event = message.WhichOneof("event")
        if event == "fill":
            self._board.fills.appendleft(message.fill)
            self._board.fills_count += 1
        if event not in {"heartbeat", None}:
            self._purse_changed.set()

    def _read_purse(self) -> None:
        """Read how the purse stands whenever something happened to it, and now and then."""
        state, subaccount = self._board.streams["purse"], self._board.subaccount
        while not self._closed.is_set():
            self._purse_changed.clear()
            try:
                self._board.purse = PurseView(
                    orders=_newest_first(self._client.trading.open_orders(subaccount=subaccount)),
                    positions=tuple(self._client.trading.positions(subaccount=subaccount)),
                    portfolio=self._client.wallet.portfolio(subaccount=subaccount),
                )
            except NotSignedIn:
                return  # The stream says so.
            except (XacheError, TokenFileError) as error:
                state.failure = str(error)
            self._closed.wait(PURSE_REST_S)
            self._purse_changed.wait(PURSE_PERIOD_S)

    def _read_strategies(self) -> None:
        """Read how the account's strategies do, now and then."""
        while not self._closed.is_set():
            try:
                listed = self._client.strategies.listed()
                self._board.operated = tuple(listed.operated)
                self._board.strategies = tuple(listed.strategies)
            except (NotSignedIn, Refused):
                return  # Not signed in, or with a key that may not see them.
            except (XacheError, TokenFileError) as error:
                self._board.waiting = str(error)
            self._closed.wait(STRATEGIES_PERIOD_S)


def _newest_first(orders: list[types_pb2.Order]) -> tuple[types_pb2.Order, ...]:
    return tuple(sorted(orders, key=lambda order: order.accepted_at_ns, reverse=True))
