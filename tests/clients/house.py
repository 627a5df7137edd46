"""A house small enough to script: the generated servicers on stock grpcio, over a real socket."""

from __future__ import annotations

import contextlib
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status
from xache.v1 import (
    account_pb2,
    account_pb2_grpc,
    analytics_pb2,
    analytics_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    compliance_pb2,
    compliance_pb2_grpc,
    market_pb2,
    market_pb2_grpc,
    signal_pb2,
    signal_pb2_grpc,
    strategy_pb2,
    strategy_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
    wallet_pb2,
    wallet_pb2_grpc,
)

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
ACCOUNT = "acct1"
NOW_NS = 1_795_360_000_000_000_000
"""2026-11-22 15:06:40 UTC"""
FOR_EVER_NS = 9_000_000_000_000_000_000

XACHE = types_pb2.Source(venue="XACHE", provenance=types_pb2.PROVENANCE_SIMULATED)
BINANCE = types_pb2.Source(venue="BINANCE", provenance=types_pb2.PROVENANCE_RECORDED)

INSTRUMENT = types_pb2.Instrument(
    symbol="BTC-USDT",
    base="BTC",
    quote="USDT",
    tick_size="0.01",
    lot_size="0.00001",
    min_notional="5",
    maker_fee_ppm=200,
    taker_fee_ppm=1000,
    state=types_pb2.MARKET_STATE_TRADING,
)
ASSETS = (types_pb2.Asset(name="BTC", scale=8), types_pb2.Asset(name="USDT", scale=8))


def refuse(
    context: Any,
    code: int,
    reason: str,
    message: str,
    facts: dict[str, str] | None = None,
    retry_after_s: float | None = None,
) -> Any:
    """End a call as the real house does: a status with its ErrorInfo."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=reason, domain="xache", metadata=facts or {})
    ]
    if retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(round(retry_after_s * 1e9))
        details.append(retry)
    status = status_pb2.Status(code=code, message=message)
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.abort_with_status(rpc_status.to_status(status))


def check(message: market_pb2.WatchBookResponse, text: str) -> market_pb2.WatchBookResponse:
    """Give a step the checksum of the book that it leads to, written as the proto says."""
    message.checksum = zlib.crc32(text.encode())
    return message


class House(
    auth_pb2_grpc.AuthServiceServicer,
    account_pb2_grpc.AccountServiceServicer,
    market_pb2_grpc.MarketServiceServicer,
    trading_pb2_grpc.TradingServiceServicer,
    wallet_pb2_grpc.WalletServiceServicer,
    analytics_pb2_grpc.AnalyticsServiceServicer,
    compliance_pb2_grpc.ComplianceServiceServicer,
    signal_pb2_grpc.SignalServiceServicer,
    strategy_pb2_grpc.StrategyServiceServicer,
):
    """Everything a test wants to say is a public field; everything that happened is too."""

    def __init__(self) -> None:
        self.target = ""
        self.calls: list[str] = []
        """Methods in the order they were called."""
        self.requests: list[Message] = []
        self.metadata: list[dict[str, str]] = []
        self.fail_next: list[Callable[[Any], Any]] = []
        """Each ends one call, of whatever method, before it does anything."""
        self.fail_next_of: dict[str, Callable[[Any], Any]] = {}
        """By method, for clients that ask for several things at once: ends its next call."""
        self.lose_next_answers = 0
        """So many calls do their work, and then their answer is lost."""
        self.orders: dict[str, trading_pb2.PlaceOrderResponse] = {}
        """By client order id: the same id never makes two."""
        self.answers: dict[str, Message] = {}
        """By method: what to answer."""
        self.streams: dict[str, list[list[Message | Callable[[Any], Any]]]] = {}
        """By method: for each opening, the messages; then it waits for its end."""
        self.access_ends_at_ns = FOR_EVER_NS
        """Of tokens that are given out from now on."""
        self.live_tokens: set[str] = set()
        self.refresh_token = ""
        self.used_refresh_tokens: set[str] = set()
        self.sessions = 0
        self.refreshes = 0
        self.second_factor = False
        self.confirms = False
        """Addresses are confirmed by a code before an account is opened."""
        self._lock = threading.Lock()
        self._over = threading.Event()

    def expire_access_tokens(self) -> None:
        """As when they were given out too long ago."""
        self.live_tokens.clear()

    # --- signing in --------------------------------------------------------------------------

    def Register(self, request: Any, context: Any) -> Any:
        self._arrive("Register", request, context)
        if self.confirms:
            return auth_pb2.RegisterResponse(confirmation_token="half-open")
        return self._answer("Register", auth_pb2.RegisterResponse(account_id=ACCOUNT))

    def ConfirmRegistration(
        self, request: auth_pb2.ConfirmRegistrationRequest, context: Any
    ) -> auth_pb2.ConfirmRegistrationResponse:
        self._arrive("ConfirmRegistration", request, context)
        if (request.confirmation_token, request.code) != ("half-open", "123456"):
            refuse(context, code_pb2.PERMISSION_DENIED, "CODE_WRONG", "that does not fit")
        return auth_pb2.ConfirmRegistrationResponse(account_id=ACCOUNT)

    def Login(self, request: auth_pb2.LoginRequest, context: Any) -> auth_pb2.LoginResponse:
        self._arrive("Login", request, context)
        if (request.email, request.password) != (EMAIL, PASSWORD):
            refuse(context, code_pb2.UNAUTHENTICATED, "CREDENTIALS", "that does not fit")
        if self.second_factor:
            return auth_pb2.LoginResponse(second_factor_token="half-way")
        self.sessions += 1
        return auth_pb2.LoginResponse(
            account_id=ACCOUNT, session_id=f"session{self.sessions}", tokens=self._tokens()
        )

    def CompleteLogin(
        self, request: auth_pb2.CompleteLoginRequest, context: Any
    ) -> auth_pb2.CompleteLoginResponse:
        self._arrive("CompleteLogin", request, context)
        if (request.second_factor_token, request.code) != ("half-way", "123456"):
            refuse(context, code_pb2.PERMISSION_DENIED, "CODE_WRONG", "that does not fit")
        self.sessions += 1
        return auth_pb2.CompleteLoginResponse(
            account_id=ACCOUNT, session_id=f"session{self.sessions}", tokens=self._tokens()
        )

    def Refresh(self, request: auth_pb2.RefreshRequest, context: Any) -> auth_pb2.RefreshResponse:
        self._arrive("Refresh", request, context)
        with self._lock:
            given = request.refresh_token
            if given in self.used_refresh_tokens:
                self.refresh_token = ""  # Somebody stole it: the session ends.
                self.live_tokens.clear()
            if given != self.refresh_token or not given:
                refuse(context, code_pb2.UNAUTHENTICATED, "SESSION_ENDED", "log in again")
            self.used_refresh_tokens.add(given)
            self.refreshes += 1
            return auth_pb2.RefreshResponse(tokens=self._tokens())

    def Logout(self, request: Any, context: Any) -> auth_pb2.LogoutResponse:
        self._arrive("Logout", request, context, session=True)
        self.live_tokens.clear()
        self.refresh_token = ""
        return auth_pb2.LogoutResponse()

    def RevokeSession(self, request: Any, context: Any) -> auth_pb2.RevokeSessionResponse:
        self._arrive("RevokeSession", request, context, session=True)
        return auth_pb2.RevokeSessionResponse()

    def RevokeSessions(self, request: Any, context: Any) -> auth_pb2.RevokeSessionsResponse:
        self._arrive("RevokeSessions", request, context, session=True)
        assert request.keep_current
        return auth_pb2.RevokeSessionsResponse()

    def ListSessions(self, request: Any, context: Any) -> auth_pb2.ListSessionsResponse:
        self._arrive("ListSessions", request, context, session=True)
        session = auth_pb2.Session(
            session_id="session1",
            device="laptop",
            created_at_ns=NOW_NS,
            refreshed_at_ns=NOW_NS,
            current=True,
            address="192.0.2.7",
            place="192.0.2.0/24",
        )
        return auth_pb2.ListSessionsResponse(sessions=[session])

    def GetAccount(self, request: Any, context: Any) -> Any:
        self._arrive("GetAccount", request, context, session=True)
        account = account_pb2.GetAccountResponse(
            account_id=ACCOUNT, email=EMAIL, roles=["ROLE_USER"], created_at_ns=NOW_NS
        )
        return self._answer("GetAccount", account)

    def ListSubaccounts(self, request: Any, context: Any) -> Any:
        self._arrive("ListSubaccounts", request, context, session=True)
        purses = [
            account_pb2.Subaccount(name="main"),
            account_pb2.Subaccount(name="bot", frozen=True),
        ]
        return account_pb2.ListSubaccountsResponse(subaccounts=purses)

    # --- the market --------------------------------------------------------------------------

    def ListInstruments(self, request: Any, context: Any) -> Any:
        self._arrive("ListInstruments", request, context)
        listed = market_pb2.ListInstrumentsResponse(instruments=[INSTRUMENT], assets=ASSETS)
        return self._answer("ListInstruments", listed)

    def ListTickers(self, request: Any, context: Any) -> Any:
        self._arrive("ListTickers", request, context)
        return self._answer("ListTickers", market_pb2.ListTickersResponse())

    def ListModels(self, request: Any, context: Any) -> Any:
        self._arrive("ListModels", request, context)
        return self._answer("ListModels", signal_pb2.ListModelsResponse())

    def ListSignals(self, request: Any, context: Any) -> Any:
        self._arrive("ListSignals", request, context)
        return self._answer("ListSignals", signal_pb2.ListSignalsResponse())

    def TrainModel(self, request: Any, context: Any) -> Any:
        self._arrive("TrainModel", request, context)
        return signal_pb2.TrainModelResponse()

    def WatchTickers(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("WatchTickers", request, context)
        return self._stream("WatchTickers", context)

    def GetBook(self, request: Any, context: Any) -> Any:
        self._arrive("GetBook", request, context)
        return self._answer("GetBook", market_pb2.GetBookResponse())

    def ListTrades(self, request: Any, context: Any) -> Any:
        self._arrive("ListTrades", request, context)
        return self._answer("ListTrades", market_pb2.ListTradesResponse())

    def ListCandles(self, request: Any, context: Any) -> Any:
        self._arrive("ListCandles", request, context)
        return self._answer("ListCandles", market_pb2.ListCandlesResponse())

    def ListIndicators(self, request: Any, context: Any) -> Any:
        self._arrive("ListIndicators", request, context)
        return self._answer("ListIndicators", market_pb2.ListIndicatorsResponse())

    def ListIndicatorValues(self, request: Any, context: Any) -> Any:
        self._arrive("ListIndicatorValues", request, context)
        return self._answer("ListIndicatorValues", market_pb2.ListIndicatorValuesResponse())

    def WatchBook(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("WatchBook", request, context)
        return self._stream("WatchBook", context)

    def WatchCandles(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("WatchCandles", request, context)
        return self._stream("WatchCandles", context)

    def WatchAuction(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("WatchAuction", request, context)
        return self._stream("WatchAuction", context)

    def WatchTrades(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("WatchTrades", request, context)
        return self._stream("WatchTrades", context)

    # --- trading -----------------------------------------------------------------------------

    def PlaceOrders(self, request: Any, context: Any) -> Any:
        self._arrive("PlaceOrders", request, context, session=True)
        return self._answer("PlaceOrders", trading_pb2.PlaceOrdersResponse())

    def PlaceOrder(self, request: trading_pb2.PlaceOrderRequest, context: Any) -> Any:
        self._arrive("PlaceOrder", request, context, session=True)
        prepared = self.answers.get("PlaceOrder")
        if request.client_order_id not in self.orders:
            if isinstance(prepared, trading_pb2.PlaceOrderResponse):
                placed = prepared
            else:
                placed = trading_pb2.PlaceOrderResponse(order=open_order(request))
            placed.order.client_order_id = request.client_order_id
            self.orders[request.client_order_id] = placed
        self._maybe_lose(context)
        return self.orders[request.client_order_id]

    def PreviewOrder(self, request: Any, context: Any) -> Any:
        self._arrive("PreviewOrder", request, context, session=True)
        return self._answer("PreviewOrder", trading_pb2.PreviewOrderResponse())

    def AmendOrder(self, request: trading_pb2.AmendOrderRequest, context: Any) -> Any:
        self._arrive("AmendOrder", request, context, session=True)
        return trading_pb2.AmendOrderResponse(
            order_id=request.order_id,
            symbol=request.symbol,
            quantity=request.quantity,
            reduced_quantity="0.1",
        )

    def ReplaceOrder(self, request: trading_pb2.ReplaceOrderRequest, context: Any) -> Any:
        self._arrive("ReplaceOrder", request, context, session=True)
        self._maybe_lose(context)
        order = types_pb2.Order(
            order_id="8",
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=types_pb2.SIDE_SELL,
            price=request.price,
            quantity="0.5",
            status=types_pb2.ORDER_STATUS_OPEN,
            replaces_order_id=request.replaced_order_id,
        )
        return trading_pb2.ReplaceOrderResponse(order=order)

    def CancelOrder(self, request: trading_pb2.CancelOrderRequest, context: Any) -> Any:
        self._arrive("CancelOrder", request, context, session=True)
        canceled = trading_pb2.CancelOrderResponse(
            order_id=request.order_id or "7",
            client_order_id=request.client_order_id or "mine",
            symbol="BTC-USDT",
            executed_quantity="0",
            released="50.05",
        )
        self._maybe_lose(context)
        return self._answer("CancelOrder", canceled)

    def PlaceOrderList(self, request: trading_pb2.PlaceOrderListRequest, context: Any) -> Any:
        self._arrive("PlaceOrderList", request, context, session=True)
        self._maybe_lose(context)
        placed = [trading_pb2.PlaceOrderResponse(order=open_order(each)) for each in request.orders]
        return trading_pb2.PlaceOrderListResponse(
            list_id="7", orders=placed, unprotected_quantity="0.1"
        )

    def Flatten(self, request: Any, context: Any) -> Any:
        self._arrive("Flatten", request, context, session=True)
        return self._answer("Flatten", trading_pb2.FlattenResponse())

    def CancelAllAfter(self, request: Any, context: Any) -> Any:
        self._arrive("CancelAllAfter", request, context, session=True)
        fires_at_ns = NOW_NS if request.timeout_ms else 0
        return trading_pb2.CancelAllAfterResponse(fires_at_ns=fires_at_ns, seq=5)

    def CancelAllOrders(self, request: Any, context: Any) -> Any:
        self._arrive("CancelAllOrders", request, context, session=True)
        return trading_pb2.CancelAllOrdersResponse(order_ids=["7", "9"])

    def GetOrder(self, request: trading_pb2.GetOrderRequest, context: Any) -> Any:
        self._arrive("GetOrder", request, context, session=True)
        if "GetOrder" not in self.answers:
            refuse(
                context,
                code_pb2.NOT_FOUND,
                "UNKNOWN_ORDER",
                "no such order was ever accepted for this purse",
                {"given": request.order_id or request.client_order_id},
            )
        return self.answers["GetOrder"]

    def ExplainOrder(self, request: strategy_pb2.ExplainOrderRequest, context: Any) -> Any:
        """Of the purse ``bot`` only."""
        self._arrive("ExplainOrder", request, context, session=True)
        if request.subaccount != "bot":
            message = "no such order was ever accepted for this purse"
            refuse(context, code_pb2.NOT_FOUND, "UNKNOWN_ORDER", message, {})
        return self.answers["ExplainOrder"]

    def ListStrategyPlugins(self, request: Any, context: Any) -> Any:
        self._arrive("ListStrategyPlugins", request, context, session=True)
        return self._answer("ListStrategyPlugins", strategy_pb2.ListStrategyPluginsResponse())

    def ListStrategies(self, request: Any, context: Any) -> Any:
        self._arrive("ListStrategies", request, context, session=True)
        return self._answer("ListStrategies", strategy_pb2.ListStrategiesResponse())

    def ListOpenOrders(self, request: Any, context: Any) -> Any:
        self._arrive("ListOpenOrders", request, context, session=True)
        return self._answer("ListOpenOrders", trading_pb2.ListOpenOrdersResponse())

    def ListOrders(self, request: trading_pb2.ListOrdersRequest, context: Any) -> Any:
        """Three pages of two orders."""
        self._arrive("ListOrders", request, context, session=True)
        page = int(request.page_token or "0")
        orders = [types_pb2.Order(order_id=str(6 - 2 * page - i), quantity="1") for i in range(2)]
        token = str(page + 1) if page < 2 else ""
        return trading_pb2.ListOrdersResponse(orders=orders, next_page_token=token)

    def ListFills(self, request: Any, context: Any) -> Any:
        self._arrive("ListFills", request, context, session=True)
        return self._answer("ListFills", trading_pb2.ListFillsResponse())

    def ListPositions(self, request: Any, context: Any) -> Any:
        self._arrive("ListPositions", request, context, session=True)
        return self._answer("ListPositions", trading_pb2.ListPositionsResponse())

    def WatchPurse(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("WatchPurse", request, context, session=True)
        return self._stream("WatchPurse", context)

    def EnterOrders(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        self._arrive("EnterOrders", requests, context, session=True)
        for request in requests:
            placed = trading_pb2.PlaceOrderResponse(order=open_order(request.place))
            result = trading_pb2.OrderResult(placed=placed)
            yield trading_pb2.EnterOrdersResponse(tag=request.tag, result=result)

    def GetBalances(self, request: Any, context: Any) -> Any:
        self._arrive("GetBalances", request, context, session=True)
        return self._answer("GetBalances", wallet_pb2.GetBalancesResponse())

    def OpenSubaccount(self, request: Any, context: Any) -> Any:
        self._arrive("OpenSubaccount", request, context, session=True)
        return account_pb2.OpenSubaccountResponse(seq=5)

    def GetLimits(self, request: Any, context: Any) -> Any:
        self._arrive("GetLimits", request, context, session=True)
        return self._answer("GetLimits", compliance_pb2.GetLimitsResponse())

    def ListDisclosures(self, request: Any, context: Any) -> Any:
        self._arrive("ListDisclosures", request, context, session=True)
        return self._answer("ListDisclosures", compliance_pb2.ListDisclosuresResponse())

    def ExportTrades(self, request: Any, context: Any) -> Iterator[Any]:
        self._arrive("ExportTrades", request, context, session=True)
        return iter([self._answer("ExportTrades", compliance_pb2.ExportTradesResponse())])

    def AcceptDisclosure(self, request: Any, context: Any) -> Any:
        self._arrive("AcceptDisclosure", request, context, session=True)
        return self._answer("AcceptDisclosure", compliance_pb2.AcceptDisclosureResponse(seq=9))

    def GetFees(self, request: Any, context: Any) -> Any:
        self._arrive("GetFees", request, context, session=True)
        return self._answer("GetFees", account_pb2.GetFeesResponse())

    def GetPortfolio(self, request: Any, context: Any) -> Any:
        self._arrive("GetPortfolio", request, context, session=True)
        return self._answer("GetPortfolio", wallet_pb2.GetPortfolioResponse())

    def GetPerformance(self, request: Any, context: Any) -> Any:
        self._arrive("GetPerformance", request, context, session=True)
        return self._answer("GetPerformance", analytics_pb2.GetPerformanceResponse())

    def GetFeeStatement(self, request: Any, context: Any) -> Any:
        self._arrive("GetFeeStatement", request, context, session=True)
        return self._answer("GetFeeStatement", wallet_pb2.GetFeeStatementResponse())

    def TransferFunds(self, request: Any, context: Any) -> Any:
        self._arrive("TransferFunds", request, context, session=True)
        self._maybe_lose(context)
        return self._answer("TransferFunds", wallet_pb2.TransferFundsResponse(seq=5))

    def ListTransactions(self, request: Any, context: Any) -> Any:
        self._arrive("ListTransactions", request, context, session=True)
        return self._answer("ListTransactions", wallet_pb2.ListTransactionsResponse())

    # --- parts -------------------------------------------------------------------------------

    def stop(self) -> None:
        """Let streams that wait for their end have it."""
        self._over.set()

    def _arrive(self, method: str, request: Any, context: Any, *, session: bool = False) -> None:
        metadata = dict(context.invocation_metadata())
        self.calls.append(method)
        self.requests.append(request)
        self.metadata.append(metadata)
        if fail := self.fail_next_of.pop(method, None):
            fail(context)
        if self.fail_next:
            self.fail_next.pop(0)(context)
        token = metadata.get("authorization", "").removeprefix("Bearer ")
        if session and token not in self.live_tokens:
            refuse(context, code_pb2.UNAUTHENTICATED, "TOKEN_EXPIRED", "refresh it")

    def _tokens(self) -> auth_pb2.Tokens:
        number = self.sessions * 100 + self.refreshes
        self.refresh_token = f"refresh{number}"
        access = f"access{number}"
        self.live_tokens.add(access)
        return auth_pb2.Tokens(
            access_token=access,
            access_expires_at_ns=self.access_ends_at_ns,
            refresh_token=self.refresh_token,
            refresh_expires_at_ns=FOR_EVER_NS,
        )

    def _answer(self, method: str, default: Any) -> Any:
        return self.answers.get(method, default)

    def _maybe_lose(self, context: Any) -> None:
        if self.lose_next_answers:
            self.lose_next_answers -= 1
            context.abort(grpc.StatusCode.UNAVAILABLE, "the answer was lost")

    def _stream(self, method: str, context: Any) -> Iterator[Any]:
        openings = self.streams.get(method, [])
        for message in openings.pop(0) if openings else []:
            if isinstance(message, Message):
                yield message
            else:
                message(context)
        ended = threading.Event()
        context.add_callback(ended.set)
        while not ended.wait(0.01) and not self._over.is_set():
            pass


def break_off(context: Any) -> Any:
    """End a call as a connection that breaks."""
    context.abort(grpc.StatusCode.UNAVAILABLE, "the connection broke")


def open_order(request: trading_pb2.PlaceOrderRequest) -> types_pb2.Order:
    """An order that rests, as asked for."""
    return types_pb2.Order(
        order_id="7",
        client_order_id=request.client_order_id,
        subaccount=request.subaccount or "main",
        symbol=request.symbol,
        side=request.side,
        type=request.type,
        time_in_force=request.time_in_force or types_pb2.TIME_IN_FORCE_GTC,
        price=request.price,
        quantity=request.quantity,
        quote_quantity=request.quote_quantity,
        status=types_pb2.ORDER_STATUS_OPEN,
        executed_quantity="0",
        leaves_quantity=request.quantity,
        held="50.05",
        accepted_at_ns=NOW_NS,
    )


def bought() -> trading_pb2.PlaceOrderResponse:
    """A purchase for 50 USDT that took simulated liquidity in two fills."""
    order = types_pb2.Order(
        order_id="4947968",
        client_order_id="first-buy",
        symbol="BTC-USDT",
        side=types_pb2.SIDE_BUY,
        type=types_pb2.ORDER_TYPE_MARKET,
        time_in_force=types_pb2.TIME_IN_FORCE_IOC,
        quantity="0.00081",
        quote_quantity="50",
        status=types_pb2.ORDER_STATUS_FILLED,
        executed_quantity="0.00081",
        leaves_quantity="0",
        executed_notional="49.7243043",
        fee="0.04972431",
        average_price="61388.03",
        accepted_at_ns=NOW_NS,
    )
    fills = [
        types_pb2.Fill(
            trade_id=f"1208-{index}",
            order_id="4947968",
            client_order_id="first-buy",
            symbol="BTC-USDT",
            side=types_pb2.SIDE_BUY,
            price="61388.03",
            quantity=quantity,
            notional=notional,
            fee=fee,
            liquidity=types_pb2.LIQUIDITY_TAKER,
            at_ns=NOW_NS,
            simulated=True,
        )
        for index, (quantity, notional, fee) in enumerate(
            [("0.00001", "0.6138803", "0.00061389"), ("0.0008", "49.110424", "0.04911042")]
        )
    ]
    return trading_pb2.PlaceOrderResponse(order=order, fills=fills)


@contextlib.contextmanager
def open_house() -> Iterator[House]:
    """A house that listens on a free port of this machine."""
    house = House()
    server = grpc.server(ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
    auth_pb2_grpc.add_AuthServiceServicer_to_server(house, server)
    account_pb2_grpc.add_AccountServiceServicer_to_server(house, server)
    market_pb2_grpc.add_MarketServiceServicer_to_server(house, server)
    trading_pb2_grpc.add_TradingServiceServicer_to_server(house, server)
    wallet_pb2_grpc.add_WalletServiceServicer_to_server(house, server)
    analytics_pb2_grpc.add_AnalyticsServiceServicer_to_server(house, server)
    compliance_pb2_grpc.add_ComplianceServiceServicer_to_server(house, server)
    signal_pb2_grpc.add_SignalServiceServicer_to_server(house, server)
    strategy_pb2_grpc.add_StrategyServiceServicer_to_server(house, server)
    house.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield house
    finally:
        house.stop()
        server.stop(grace=0).wait()
