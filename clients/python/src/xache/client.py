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

import socket
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Final

from xache.amounts import Amount, amount_text
from xache.compliance import Compliance
from xache.connection import Connection, OnWait, Patience, Tls
from xache.errors import Incident
from xache.live_book import BookGap, LiveBook
from xache.orders import new_id
from xache.rpc import PAGE_SIZE_MAX, rpc
from xache.session import TokenStore
from xache.signing import KeyFile, Signer
from xache.tokens import Credentials, MemoryTokens
from xache.trading import Trading
from xache.v1 import account_pb2, auth_pb2, market_pb2, wallet_pb2

DEFAULT_TARGET: Final = "127.0.0.1:7400"

_REGISTER = rpc(auth_pb2.RegisterRequest, auth_pb2.RegisterResponse, repeatable=False)
_CONFIRM = rpc(
    auth_pb2.ConfirmRegistrationRequest, auth_pb2.ConfirmRegistrationResponse, repeatable=False
)
_LOGIN = rpc(auth_pb2.LoginRequest, auth_pb2.LoginResponse, repeatable=False)
_COMPLETE = rpc(auth_pb2.CompleteLoginRequest, auth_pb2.CompleteLoginResponse, repeatable=False)
_LOGOUT = rpc(auth_pb2.LogoutRequest, auth_pb2.LogoutResponse, repeatable=False)
_SESSIONS = rpc(auth_pb2.ListSessionsRequest, auth_pb2.ListSessionsResponse, repeatable=True)
_REVOKE = rpc(auth_pb2.RevokeSessionRequest, auth_pb2.RevokeSessionResponse, repeatable=False)
_ACCOUNT = rpc(account_pb2.GetAccountRequest, account_pb2.GetAccountResponse, repeatable=True)
_SUBACCOUNTS = rpc(
    account_pb2.ListSubaccountsRequest, account_pb2.ListSubaccountsResponse, repeatable=True
)
_OPEN_SUBACCOUNT = rpc(
    account_pb2.OpenSubaccountRequest, account_pb2.OpenSubaccountResponse, repeatable=True
)
_SECOND_FACTOR = rpc(
    auth_pb2.GetSecondFactorRequest, auth_pb2.GetSecondFactorResponse, repeatable=True
)
_STEP_UP = rpc(auth_pb2.StepUpRequest, auth_pb2.StepUpResponse, repeatable=False)
_CREATE_KEY = rpc(
    account_pb2.CreateApiKeyRequest, account_pb2.CreateApiKeyResponse, repeatable=False
)
_FREEZE = rpc(
    account_pb2.FreezeMyAccountRequest, account_pb2.FreezeMyAccountResponse, repeatable=True
)
_FREEZE_BY_TOKEN = rpc(
    account_pb2.FreezeByTokenRequest, account_pb2.FreezeByTokenResponse, repeatable=True
)
_KEYS = rpc(account_pb2.ListApiKeysRequest, account_pb2.ListApiKeysResponse, repeatable=True)
_REVOKE_ALL = rpc(auth_pb2.RevokeSessionsRequest, auth_pb2.RevokeSessionsResponse, repeatable=True)
_REVOKE_KEY = rpc(
    account_pb2.RevokeApiKeyRequest, account_pb2.RevokeApiKeyResponse, repeatable=False
)
_WHAT = rpc(
    account_pb2.WhatCanThisKeyDoRequest, account_pb2.WhatCanThisKeyDoResponse, repeatable=True
)
_FEES = rpc(account_pb2.GetFeesRequest, account_pb2.GetFeesResponse, repeatable=True)
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


class Client:
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
        self._connection = Connection(
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
        self.auth = Auth(self._connection)
        self.account = Account(self._connection)
        self.market = Market(self._connection)
        self.trading = Trading(self._connection)
        self.wallet = Wallet(self._connection)
        self.compliance = Compliance(self._connection)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """End every call and close the connection."""
        self._connection.close()

    @property
    def credentials(self) -> Credentials | None:
        """The session that is carried; None when nobody is signed in."""
        return self._connection.session.credentials


class Auth:
    """Signing up, in and out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(self, email: str, password: str) -> auth_pb2.RegisterResponse:
        """Open an account; signing in is a step of its own.

        Where the answer has a ``confirmation_token``, :meth:`confirm_registration` opens it.
        """
        request = auth_pb2.RegisterRequest(email=email, password=password)
        return self._connection.call(_REGISTER, request)

    def confirm_registration(self, token: str, code: str) -> auth_pb2.ConfirmRegistrationResponse:
        """Open the account with the code that was sent to its address."""
        request = auth_pb2.ConfirmRegistrationRequest(confirmation_token=token, code=code)
        return self._connection.call(_CONFIRM, request)

    def login(self, email: str, password: str, device: str = "") -> auth_pb2.LoginResponse:
        """Open a session and carry it from now on.

        Where the answer has a ``second_factor_token``, :meth:`complete_login` opens it.

        Args:
            device: a name for the list of sessions; by default the host's.
        """
        request = auth_pb2.LoginRequest(
            email=email, password=password, device=device or f"xache on {socket.gethostname()}"
        )
        response = self._connection.call(_LOGIN, request)
        if not response.second_factor_token:
            self._connection.session.keep(response.account_id, response.session_id, response.tokens)
        return response

    def complete_login(self, token: str, code: str) -> auth_pb2.LoginResponse:
        """Open the session with a code of the second factor, or a recovery code."""
        request = auth_pb2.CompleteLoginRequest(second_factor_token=token, code=code)
        done = self._connection.call(_COMPLETE, request)
        self._connection.session.keep(done.account_id, done.session_id, done.tokens)
        return auth_pb2.LoginResponse(
            account_id=done.account_id, session_id=done.session_id, tokens=done.tokens
        )

    def logout(self) -> None:
        """End the session, at once and everywhere, and forget its tokens."""
        self._connection.call(_LOGOUT, auth_pb2.LogoutRequest())
        self._connection.session.forget()

    def forget(self) -> None:
        """Forget the tokens without asking the house."""
        self._connection.session.forget()

    def has_second_factor(self) -> bool:
        """Whether logins and fresh proofs ask for a code."""
        return self._connection.call(_SECOND_FACTOR, auth_pb2.GetSecondFactorRequest()).active

    def sessions(self) -> list[auth_pb2.Session]:
        """The account's live sessions, newest first."""
        return list(self._connection.call(_SESSIONS, auth_pb2.ListSessionsRequest()).sessions)

    def revoke_session(self, session_id: str) -> None:
        """End one of the account's sessions."""
        self._connection.call(_REVOKE, auth_pb2.RevokeSessionRequest(session_id=session_id))

    def revoke_other_sessions(self) -> None:
        """End all of the account's sessions but this one."""
        self._connection.call(_REVOKE_ALL, auth_pb2.RevokeSessionsRequest(keep_current=True))


class Account:
    """Who is signed in, and which purses there are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> account_pb2.GetAccountResponse:
        """The account."""
        return self._connection.call(_ACCOUNT, account_pb2.GetAccountRequest())

    def create_api_key(
        self, request: account_pb2.CreateApiKeyRequest, proof: Mapping[str, str]
    ) -> account_pb2.CreateApiKeyResponse:
        """Make an API key. ``proof``: {"code": ...} or {"password": ...}, used once."""
        asked = auth_pb2.StepUpRequest(
            method=_CREATE_KEY.path, request=request.SerializeToString(), **proof
        )
        granted = self._connection.call(_STEP_UP, asked)
        return self._connection.call(_CREATE_KEY, request, step_up=granted.step_up_token)

    def freeze(self, token: str = "") -> None:
        """Freeze the account at once: the caller's, or the one that a letter's token names."""
        if token:
            request = account_pb2.FreezeByTokenRequest(token=token)
            self._connection.call(_FREEZE_BY_TOKEN, request)
        else:
            self._connection.call(_FREEZE, account_pb2.FreezeMyAccountRequest())

    def api_keys(self) -> list[account_pb2.ApiKey]:
        """The account's API keys, oldest first."""
        return list(self._connection.call(_KEYS, account_pb2.ListApiKeysRequest()).keys)

    def revoke_api_key(self, key_id: str) -> None:
        """End an API key and its streams, at once."""
        self._connection.call(_REVOKE_KEY, account_pb2.RevokeApiKeyRequest(key_id=key_id))

    def what_can_this_key_do(self) -> account_pb2.WhatCanThisKeyDoResponse:
        """What the key that signs, or the session, may do now."""
        return self._connection.call(_WHAT, account_pb2.WhatCanThisKeyDoRequest())

    def subaccounts(self) -> list[account_pb2.Subaccount]:
        """The account's purses, main first."""
        request = account_pb2.ListSubaccountsRequest()
        return list(self._connection.call(_SUBACCOUNTS, request).subaccounts)

    def open_subaccount(self, name: str, *, request_id: str = "") -> int:
        """Open a purse beside the main one; the journal sequence. Open already is no error."""
        request = account_pb2.OpenSubaccountRequest(
            subaccount=name, request_id=request_id or new_id()
        )
        return self._connection.call(_OPEN_SUBACCOUNT, request).seq

    def fees(self) -> list[account_pb2.FeeStanding]:
        """Which fee tiers the account has reached, by asset."""
        return list(self._connection.call(_FEES, account_pb2.GetFeesRequest()).standings)


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
