"""What people do besides: sessions, streams, reading, the administrator's work, and mischief."""

from __future__ import annotations

from typing import Any, Final

import grpc
import trio
from google.protobuf.message import Message
from xache.v1 import (
    account_pb2,
    admin_pb2,
    auth_pb2,
    market_pb2,
    trading_pb2,
    types_pb2,
    wallet_pb2,
)

from xached.api.errors import StatusError
from xached.simulation.actions import Action, action
from xached.simulation.calls import Answered, ReceivedResponses
from xached.simulation.machine import Violation
from xached.simulation.orders import SYMBOLS, order
from xached.simulation.people import (
    ADMIN,
    AUTH,
    MARKET,
    PASSWORD,
    TRADING,
    WALLET,
    People,
    Person,
)

ACCOUNT: Final = "/xache.v1.AccountService/"

# --- sessions -------------------------------------------------------------------------------------


@action(4)
async def log_in(people: People, person: Person) -> None:
    """Open another session."""
    request = auth_pb2.LoginRequest(email=person.email, password=PASSWORD, device="a phone")
    result = await people.ask(person, f"{AUTH}Login", request)
    if isinstance(result, Answered):
        people.signed_in(person, result.body)


LOG_IN: Final = Action(name="log_in", weight=4, run=log_in)


@action(3)
async def refresh(people: People, person: Person) -> None:
    """Trade the refresh token for new ones; now and then one that was used already."""
    request = auth_pb2.RefreshRequest(refresh_token=person.refresh_token)
    result = await people.ask(person, f"{AUTH}Refresh", request)
    if isinstance(result, Answered):
        tokens = auth_pb2.RefreshResponse.FromString(result.body).tokens
        person.token = tokens.access_token
        if people.draw.random() < 0.7:
            person.refresh_token = tokens.refresh_token


@action(1)
async def log_out(people: People, person: Person) -> None:
    """End the session; its token must not work any more."""
    token = person.token
    result = await people.ask(person, f"{AUTH}Logout", auth_pb2.LogoutRequest())
    # Who logged in meanwhile on another device may have ended that session instead.
    if isinstance(result, Answered) and person.token == token:
        request = wallet_pb2.GetBalancesRequest()
        again = await people.machine.call(f"{WALLET}GetBalances", request, token)
        if isinstance(again, Answered):
            raise Violation("sessions", f"{person.email} logged out and still gets in")
        if person.token == token:
            person.token = ""


@action(2)
async def guess_password(people: People, person: Person) -> None:
    """Somebody tries a password."""
    request = auth_pb2.LoginRequest(email=person.email, password="not the pass phrase")
    result = await people.machine.call(f"{AUTH}Login", request)
    if isinstance(result, Answered):
        raise Violation("sessions", "a wrong password let somebody in")


# --- purses ---------------------------------------------------------------------------------------


@action(3)
async def move_money(people: People, person: Person) -> None:
    """Between one's own purses, opening the other one when there is none."""
    request: Message
    if people.draw.random() < 0.3:
        request = account_pb2.OpenSubaccountRequest(
            subaccount="savings", request_id=person.new_id()
        )
        await people.ask(person, f"{ACCOUNT}OpenSubaccount", request)
        return
    purses = ["", "savings"]
    people.draw.shuffle(purses)
    request = wallet_pb2.TransferFundsRequest(
        subaccount=purses[0],
        target_subaccount=purses[1],
        asset=people.draw.choice(("BTC", "USDT")),
        amount=people.draw.choice(("0.1", "0.5", "7")),
        request_id=person.new_id(),
    )
    await people.ask(person, f"{WALLET}TransferFunds", request)


# --- reading --------------------------------------------------------------------------------------


@action(6)
async def read(people: People, person: Person) -> None:
    """Read one's own purse, history, sessions, or the market."""
    symbol = people.draw.choice(list(SYMBOLS))
    method, request = people.draw.choice(_readings(symbol))
    await people.ask(person, method, request)


def _readings(symbol: str) -> list[tuple[str, Message]]:
    return [
        (f"{WALLET}GetBalances", wallet_pb2.GetBalancesRequest()),
        (f"{WALLET}ListTransactions", wallet_pb2.ListTransactionsRequest(page_size=7)),
        (f"{TRADING}ListOpenOrders", trading_pb2.ListOpenOrdersRequest(symbol=symbol)),
        (f"{TRADING}ListOrders", trading_pb2.ListOrdersRequest(page_size=5)),
        (f"{TRADING}ListFills", trading_pb2.ListFillsRequest(symbol=symbol)),
        (f"{TRADING}ListPositions", trading_pb2.ListPositionsRequest()),
        (f"{AUTH}ListSessions", auth_pb2.ListSessionsRequest()),
        (f"{ACCOUNT}GetAccount", account_pb2.GetAccountRequest()),
        (f"{ACCOUNT}ListSubaccounts", account_pb2.ListSubaccountsRequest()),
        (f"{MARKET}GetBook", market_pb2.GetBookRequest(symbol=symbol, depth=5)),
        (f"{MARKET}ListTrades", market_pb2.ListTradesRequest(symbol=symbol)),
        (f"{MARKET}ListTickers", market_pb2.ListTickersRequest()),
    ]


@action(4)
async def watch(people: People, person: Person) -> None:
    """Follow a stream: some read at once, some slowly, some not at all; all vanish in the end."""
    draw = people.draw
    symbol = draw.choice(list(SYMBOLS))
    method, request = draw.choice(
        (
            (f"{TRADING}WatchPurse", trading_pb2.WatchPurseRequest()),
            (f"{MARKET}WatchBook", market_pb2.WatchBookRequest(symbol=symbol, depth=5)),
            (f"{MARKET}WatchTrades", market_pb2.WatchTradesRequest(symbol=symbol)),
            (f"{MARKET}WatchTickers", market_pb2.WatchTickersRequest()),
        )
    )
    responses = ReceivedResponses()
    call = people.machine.watch(method, request, person.token, responses)
    if call is None:
        return
    pause_s = draw.choice((0.0, 0.05, 1.0))
    with trio.move_on_after(draw.uniform(0.01, 2)):
        while not call.ended.is_set():
            await trio.sleep(pause_s or 0.01)
            responses.take()
    call.scope.cancel()


# --- the administrator ----------------------------------------------------------------------------


@action(3)
async def deposit(people: People, person: Person) -> None:
    """Money comes in from outside."""
    asset, amount = people.draw.choice((("BTC", "2"), ("ETH", "40"), ("USDT", "100000")))
    request = admin_pb2.DepositRequest(
        account_id=person.account_id,
        asset=asset,
        amount=amount,
        request_id=people.admin.new_id(),
    )
    await people.ask(people.admin, f"{ADMIN}Deposit", request)


@action(1)
async def change_market(people: People, person: Person) -> None:  # noqa: ARG001 - an action's shape
    """A market is closed for a while."""
    symbol = people.draw.choice(list(SYMBOLS))
    for state in (
        people.draw.choice(_OTHER_STATES),
        types_pb2.MARKET_STATE_TRADING,
    ):
        request = admin_pb2.SetMarketStateRequest(symbol=symbol, state=state, cause="a look")
        await people.ask(people.admin, f"{ADMIN}SetMarketState", request)
        await trio.sleep(people.draw.uniform(0, 0.1))


_OTHER_STATES: Final = (
    types_pb2.MARKET_STATE_POST_ONLY,
    types_pb2.MARKET_STATE_CANCEL_ONLY,
    types_pb2.MARKET_STATE_AUCTION,
    types_pb2.MARKET_STATE_AUCTION,
)


@action(1)
async def freeze(people: People, person: Person) -> None:
    """Somebody's purse is frozen for a while."""
    for frozen in (True, False):
        request = admin_pb2.FreezePurseRequest(
            account_id=person.account_id, frozen=frozen, cause="a look"
        )
        await people.ask(people.admin, f"{ADMIN}FreezePurse", request)
        await trio.sleep(people.draw.uniform(0, 0.1))


@action(1)
async def set_trade_group(people: People, person: Person) -> None:
    """The house finds out that accounts are of one owner, or that they are not."""
    request = admin_pb2.SetTradeGroupRequest(
        account_id=person.account_id,
        group=people.draw.choice(("", "family", "family")),
        cause="they live together",
    )
    await people.ask(people.admin, f"{ADMIN}SetTradeGroup", request)


@action(1)
async def sign_admin_in(people: People, person: Person) -> None:  # noqa: ARG001 - an action's shape
    """The administrator's token is short-lived as everybody's."""
    await log_in(people, people.admin)


# --- mischief -------------------------------------------------------------------------------------


@action(4)
async def send_garbage(people: People, person: Person) -> None:
    """Bytes that are no message, or a message with impossible values: a clear no, no incident."""
    draw = people.draw
    method = draw.choice((f"{TRADING}PlaceOrder", f"{TRADING}AmendOrder", f"{AUTH}Login"))
    body = draw.randbytes(draw.randrange(0, 60))
    if draw.random() < 0.6:
        method = f"{TRADING}PlaceOrder"
        spoilt: dict[str, Any] = draw.choice(_SPOILT)
        body = order(people, person, **spoilt).SerializeToString()
    result = await people.machine.call(method, body, person.token)
    if isinstance(result, Answered):
        raise Violation("answers", f"garbage was answered: {body!r}")
    if isinstance(result, StatusError) and result.code is grpc.StatusCode.INTERNAL:
        raise Violation("no incident", people.machine.incidents[-1])


_SPOILT: Final[tuple[dict[str, Any], ...]] = (
    {"price": "NaN"},
    {"price": "-1"},
    {"price": "60000.001"},
    {"quantity": "1e9"},
    {"quantity": "0"},
    {"quantity": "9" * 300},
    {"symbol": "DOGE-USDT"},
    {"client_order_id": "x" * 40},
    {"side": 0},
    {"subaccount": "nobody"},
    {"subaccount": "../other"},
    {"expires_at_ns": 5},
    {"quote_quantity": "5"},
)


@action(3)
async def trespass(people: People, person: Person) -> None:
    """Call what one may not: the administrator's methods, or with a token that is none."""
    request = admin_pb2.DepositRequest(
        account_id=person.account_id, asset="BTC", amount="1000", request_id=person.new_id()
    )
    token = people.draw.choice((person.token, "nonsense", ""))
    result = await people.machine.call(f"{ADMIN}Deposit", request, token)
    if isinstance(result, Answered):
        raise Violation("sessions", f"{person.email} acted as an administrator")


@action(4)
async def vanish(people: People, person: Person) -> None:
    """Send an order and leave before the answer, or give it no time."""
    request = order(people, person)
    method = f"{TRADING}PlaceOrder"
    with trio.move_on_after(people.draw.uniform(0, 0.004)) as leaving:
        await people.machine.call(method, request, person.token, timeout_s=0.003)
    if leaving.cancelled_caught:
        person.unknown.append((method, request.SerializeToString()))
