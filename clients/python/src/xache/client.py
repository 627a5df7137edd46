"""A typed, synchronous client of a XACHE house.

::

    with Client("127.0.0.1:7400") as client:
        client.auth.login("ada@example.org", password)
        placed = client.trading.place_order(
            symbol="BTC-USDT", side=SIDE_BUY, quantity="0.001", price="50000"
        )
        print(placed.order.status, to_decimal(placed.order.fee))

Amounts go in as Decimal, int or text, never as float. Answers are the API's own messages, whose
amounts are exact decimal text; :func:`xache.amounts.to_decimal` reads one. Every method raises
:class:`xache.errors.XacheError`; those that need a session also raise
:class:`xache.tokens.TokenFileError` when the token file cannot be trusted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Final

from xache.account import Account
from xache.amounts import Amount, amount_text
from xache.analytics import Analytics
from xache.auth import Auth
from xache.automation import Automation
from xache.backtests import Backtests
from xache.compliance import Compliance
from xache.connection import Connection, OnWait, Patience, Tls
from xache.errors import Incident
from xache.live.book import BookGap, LiveBook
from xache.orders import new_id
from xache.rpc import PAGE_SIZE_MAX, rpc
from xache.session import TokenStore
from xache.signals import Signals
from xache.signing import KeyFile, Signer
from xache.strategies import Strategies
from xache.tokens import Credentials, MemoryTokens
from xache.trading import Trading
from xache.v1 import market_pb2, wallet_pb2

DEFAULT_TARGET: Final = "127.0.0.1:7400"

_INSTRUMENTS = rpc(
    market_pb2.ListInstrumentsRequest, market_pb2.ListInstrumentsResponse, repeatable=True
)
_BOOK = rpc(market_pb2.GetBookRequest, market_pb2.GetBookResponse, repeatable=True)
_WATCH_BOOK = rpc(market_pb2.WatchBookRequest, market_pb2.WatchBookResponse, repeatable=True)
_TRADES = rpc(market_pb2.ListTradesRequest, market_pb2.ListTradesResponse, repeatable=True)
_WATCH_TRADES = rpc(market_pb2.WatchTradesRequest, market_pb2.WatchTradesResponse, repeatable=True)
_TICKERS = rpc(market_pb2.ListTickersRequest, market_pb2.ListTickersResponse, repeatable=True)
_WATCH_TICKERS = rpc(
    market_pb2.WatchTickersRequest, market_pb2.WatchTickersResponse, repeatable=True
)
_CANDLES = rpc(market_pb2.ListCandlesRequest, market_pb2.ListCandlesResponse, repeatable=True)
_INDICATORS = rpc(
    market_pb2.ListIndicatorsRequest, market_pb2.ListIndicatorsResponse, repeatable=True
)
_INDICATOR_VALUES = rpc(
    market_pb2.ListIndicatorValuesRequest, market_pb2.ListIndicatorValuesResponse, repeatable=True
)
_WATCH_CANDLES = rpc(
    market_pb2.WatchCandlesRequest, market_pb2.WatchCandlesResponse, repeatable=True
)
_WATCH_AUCTION = rpc(
    market_pb2.WatchAuctionRequest, market_pb2.WatchAuctionResponse, repeatable=True
)
_BALANCES = rpc(wallet_pb2.GetBalancesRequest, wallet_pb2.GetBalancesResponse, repeatable=True)
_PORTFOLIO = rpc(wallet_pb2.GetPortfolioRequest, wallet_pb2.GetPortfolioResponse, repeatable=True)
_FEE_STATEMENT = rpc(
    wallet_pb2.GetFeeStatementRequest, wallet_pb2.GetFeeStatementResponse, repeatable=True
)
# Repeatable because this client never sends one without an id.
_TRANSFER = rpc(wallet_pb2.TransferFundsRequest, wallet_pb2.TransferFundsResponse, repeatable=True)
_TRANSACTIONS = rpc(
    wallet_pb2.ListTransactionsRequest, wallet_pb2.ListTransactionsResponse, repeatable=True
)


class Services:
    """The methods of a house, grouped by service."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.auth = Auth(connection)
        self.account = Account(connection)
        self.market = Market(connection)
        self.trading = Trading(connection)
        self.wallet = Wallet(connection)
        self.analytics = Analytics(connection)
        self.compliance = Compliance(connection)
        self.automation = Automation(connection)
        self.backtests = Backtests(connection)
        self.signals = Signals(connection)
        self.strategies = Strategies(connection)


class Client(Services):
    """A connection to one house. Methods are grouped by service.

    Args:
        target: "HOST:PORT"; plain to this machine, TLS to any other.
        tokens: where the session is kept; by default in memory only.
        key: signs every request; no session is carried then.
        tls: TLS with these certificates.
        plaintext: no TLS even to another machine: tokens then travel in clear.
        patience: deadlines and repeats.
        on_wait: told before a call is tried again.
        now_ns: the wall clock.
        sleep: waits between attempts.
    """

    def __init__(
        self,
        target: str = DEFAULT_TARGET,
        *,
        tokens: TokenStore | None = None,
        key: KeyFile | None = None,
        tls: Tls | None = None,
        plaintext: bool = False,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        on_wait: OnWait | None = None,
        now_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(
            Connection(
                target,
                tokens=tokens if tokens is not None else MemoryTokens(),
                tls=tls,
                signer=Signer(key, now_ns) if key is not None else None,
                plaintext=plaintext,
                patience=patience,
                on_wait=on_wait,
                now_ns=now_ns,
                sleep=sleep,
            )
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End every call and close the connection."""
        self.connection.close()

    @property
    def credentials(self) -> Credentials | None:
        """The session that is carried; None when nobody is signed in."""
        return self.connection.session.credentials


class Market:
    """Books, trades, tickers and candles. ``venue`` is XACHE unless said otherwise."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def instruments(self) -> market_pb2.ListInstrumentsResponse:
        """The instruments and the assets they trade."""
        return self._connection.call(_INSTRUMENTS, market_pb2.ListInstrumentsRequest())

    def book(self, symbol: str, *, venue: str = "", depth: int = 0) -> market_pb2.GetBookResponse:
        """A book as it stands; 20 levels a side unless said otherwise."""
        request = market_pb2.GetBookRequest(symbol=symbol, venue=venue, depth=depth)
        return self._connection.call(_BOOK, request)

    def watch_book(
        self, symbol: str, *, venue: str = "", depth: int = 0
    ) -> Generator[market_pb2.WatchBookResponse, None, None]:
        """A book's snapshots, changes and signs of life as they come.

        Over a broken connection it resumes after the last change; where the house does not know
        any more what came after it, a snapshot follows that says so.
        """

        def next_request() -> market_pb2.WatchBookRequest:
            return market_pb2.WatchBookRequest(
                symbol=symbol, venue=venue, depth=depth, after_sequence=last
            )

        last = 0
        with closing(self._connection.stream(_WATCH_BOOK, next_request)) as responses:
            for response in responses:
                if response.sequence:
                    last = response.sequence
                yield response

    def follow_book(
        self, symbol: str, *, venue: str = "", depth: int = 0
    ) -> Generator[LiveBook, None, None]:
        """The same book after every change of it.

        Each is checked against its checksum; what does not fit is mended by a new stream.

        Raises:
            Incident: even a whole book does not fit its checksum.
        """
        while True:
            book = LiveBook(symbol)
            with closing(self.watch_book(symbol, venue=venue, depth=depth)) as messages:
                try:
                    for message in messages:
                        if book.apply(message):
                            yield book
                    return
                except BookGap as gap:
                    if not book.sequence:
                        raise Incident("DATA_LOSS", "CHECKSUM", str(gap)) from None

    def trades(self, symbol: str, *, venue: str = "", limit: int = 0) -> list[market_pb2.Trade]:
        """Recent trades, newest first; 100 unless said otherwise."""
        request = market_pb2.ListTradesRequest(symbol=symbol, venue=venue, limit=limit)
        return list(self._connection.call(_TRADES, request).trades)

    def watch_trades(
        self, symbol: str, *, venue: str = "", after_sequence: int = 0
    ) -> Generator[market_pb2.WatchTradesResponse, None, None]:
        """Trades as they happen, also over a broken connection: it resumes after the last."""

        def next_request() -> market_pb2.WatchTradesRequest:
            return market_pb2.WatchTradesRequest(symbol=symbol, venue=venue, after_sequence=last)

        last = after_sequence
        with closing(self._connection.stream(_WATCH_TRADES, next_request)) as responses:
            for response in responses:
                if response.trades:
                    last = response.trades[-1].sequence
                yield response

    def tickers(self, symbol: str = "") -> list[market_pb2.Ticker]:
        """The latest ticker of every instrument and source, or of one instrument."""
        request = market_pb2.ListTickersRequest(symbol=symbol)
        return list(self._connection.call(_TICKERS, request).tickers)

    def watch_tickers(
        self, symbol: str = ""
    ) -> Generator[market_pb2.WatchTickersResponse, None, None]:
        """Tickers as they change; the latest of each, not all."""
        request = market_pb2.WatchTickersRequest(symbol=symbol)
        return self._connection.stream(_WATCH_TICKERS, lambda: request)

    def candles(
        self,
        symbol: str,
        interval: market_pb2.Interval,
        *,
        venue: str = "",
        from_ns: int = 0,
        to_ns: int = 0,
        limit: int = 0,
    ) -> market_pb2.ListCandlesResponse:
        """The newest candles of a span, oldest first; 200 unless said otherwise."""
        request = market_pb2.ListCandlesRequest(
            symbol=symbol,
            venue=venue,
            interval=interval,
            from_ns=from_ns,
            to_ns=to_ns,
            limit=limit,
        )
        return self._connection.call(_CANDLES, request)

    def watch_candles(
        self, symbol: str, interval: market_pb2.Interval, *, venue: str = ""
    ) -> Generator[market_pb2.WatchCandlesResponse, None, None]:
        """Candles as they change and close; over a broken connection from the last one on."""

        def next_request() -> market_pb2.WatchCandlesRequest:
            return market_pb2.WatchCandlesRequest(
                symbol=symbol, venue=venue, interval=interval, from_ns=last_ns
            )

        last_ns = 0
        with closing(self._connection.stream(_WATCH_CANDLES, next_request)) as responses:
            for response in responses:
                if response.candles:
                    last_ns = response.candles[-1].open_at_ns
                yield response

    def indicators(self) -> market_pb2.ListIndicatorsResponse:
        """The indicators of candles, and what they can be set to."""
        return self._connection.call(_INDICATORS, market_pb2.ListIndicatorsRequest())

    def indicator(
        self,
        symbol: str,
        indicator: str,
        interval: market_pb2.Interval,
        *,
        settings: Sequence[str] = (),
        venue: str = "",
        to_ns: int = 0,
        limit: int = 0,
    ) -> market_pb2.ListIndicatorValuesResponse:
        """An indicator over the newest candles, oldest first; 200 unless said otherwise.

        Args:
            settings: those that differ from the defaults, each as ``name=value``.
        """
        request = market_pb2.ListIndicatorValuesRequest(
            symbol=symbol,
            venue=venue,
            interval=interval,
            indicator=indicator,
            settings=settings,
            to_ns=to_ns,
            limit=limit,
        )
        return self._connection.call(_INDICATOR_VALUES, request)

    def watch_auction(self, symbol: str) -> Generator[market_pb2.WatchAuctionResponse, None, None]:
        """At what price a market would open and how much would trade, every second of an auction.

        Its end is told once; when there is none, nothing but signs of life.
        """
        request = market_pb2.WatchAuctionRequest(symbol=symbol)
        return self._connection.stream(_WATCH_AUCTION, lambda: request)


class Wallet:
    """What a purse owns and how it came to."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def balances(self, *, subaccount: str = "") -> wallet_pb2.GetBalancesResponse:
        """Balances by asset, each hold with its order."""
        request = wallet_pb2.GetBalancesRequest(subaccount=subaccount)
        return self._connection.call(_BALANCES, request)

    def portfolio(
        self, *, subaccount: str = "", whole_account: bool = False, base_asset: str = ""
    ) -> wallet_pb2.GetPortfolioResponse:
        """What a purse, or all of them, is worth in one asset, and how that has changed."""
        request = wallet_pb2.GetPortfolioRequest(
            subaccount=subaccount, whole_account=whole_account, base_asset=base_asset
        )
        return self._connection.call(_PORTFOLIO, request)

    def transfer(
        self,
        *,
        amount: Amount,
        asset: str,
        target_subaccount: str = "",
        request_id: str = "",
        subaccount: str = "",
    ) -> wallet_pb2.TransferFundsResponse:
        """Move money out of a purse into another of the same account, at most once."""
        request = wallet_pb2.TransferFundsRequest(
            subaccount=subaccount,
            target_subaccount=target_subaccount,
            asset=asset,
            amount=amount_text(amount, "amount"),
            request_id=request_id or new_id(),
        )
        return self._connection.call(_TRANSFER, request)

    def fee_statement(
        self, *, from_date: str = "", to_date: str = "", min_seq: int = 0, subaccount: str = ""
    ) -> wallet_pb2.GetFeeStatementResponse:
        """What a purse was charged by UTC day; the last 30 days unless said otherwise."""
        request = wallet_pb2.GetFeeStatementRequest(
            subaccount=subaccount, from_date=from_date, to_date=to_date, min_seq=min_seq
        )
        return self._connection.call(_FEE_STATEMENT, request)

    def transactions(
        self,
        *,
        asset: str = "",
        subaccount: str = "",
        page_size: int = PAGE_SIZE_MAX,
        min_seq: int = 0,
    ) -> Generator[wallet_pb2.Transaction, None, None]:
        """All movements of money, newest first, read page by page."""
        request = wallet_pb2.ListTransactionsRequest(
            subaccount=subaccount, asset=asset, page_size=page_size, min_seq=min_seq
        )
        while True:
            page = self._connection.call(_TRANSACTIONS, request)
            yield from page.transactions
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
