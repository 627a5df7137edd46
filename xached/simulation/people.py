"""The people of the simulation: what each of them knows, and how they ask.

A person keeps every answer that changed something, because it must never be taken back, and every
request whose answer was lost, because its outcome can be found out by asking again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

import attrs
import grpc
import trio
from google.protobuf.message import Message
from xache.v1 import admin_pb2, auth_pb2, automation_pb2, trading_pb2, wallet_pb2

from xached.api.errors import StatusError
from xached.domain.paper import PAPER_SUBACCOUNT
from xached.simulation.calls import Answered, Lost, Result
from xached.simulation.machine import Machine, Violation

PASSWORD: Final = "a long enough pass phrase"
LATENCY_S_MAX: Final = 0.004

AUTH: Final = "/xache.v1.AuthService/"
TRADING: Final = "/xache.v1.TradingService/"
WALLET: Final = "/xache.v1.WalletService/"
MARKET: Final = "/xache.v1.MarketService/"
ADMIN: Final = "/xache.v1.AdminService/"

SETTLE_S_MAX: Final = 240.0
"""How long somebody insists before the house counts as dead."""


@attrs.frozen
class Acknowledged:
    """A change that was answered: the same request gets the same bytes, for ever."""

    path: str
    body: bytes
    answer: bytes


@attrs.frozen
class Trace:
    """Where an answer says its change is: the row, and the id that the row must have."""

    seq: int
    id: str
    subaccount: str = ""


@attrs.frozen(kw_only=True)
class RuleStop:
    """A rule's owner was told that it is paused, or has ended, and how often it had fired.

    ``seq`` is a row of an order sent to the same exchange after that; ``arms`` how often arming
    was asked for by then.
    """

    ended: bool
    fired: int
    arms: int
    seq: int


@attrs.define(kw_only=True, eq=False)
class LeftRule:
    """A rule as its owner knows it."""

    subaccount: str
    terms: automation_pb2.RuleTerms
    armed: bool = False
    """Whether somebody was told that it is armed, once."""
    arms: int = 0
    """How often arming was asked for."""
    arms_open: int = 0
    """How many of these have had no answer: they may have been done, or be done yet."""
    stops: list[RuleStop] = attrs.field(factory=list)


@attrs.define(kw_only=True, eq=False)
class Person:
    """Somebody with an account."""

    email: str
    account_id: str = ""
    token: str = ""
    refresh_token: str = ""
    named: int = 0
    orders: list[tuple[str, str]] = attrs.field(factory=list)
    """(subaccount, client order id) of orders that may be open."""
    acknowledged: list[Acknowledged] = attrs.field(factory=list)
    paper: list[Acknowledged] = attrs.field(factory=list)
    """What the paper exchange answered."""
    rules: dict[str, LeftRule] = attrs.field(factory=dict)
    """By their ids."""
    unknown: list[tuple[str, bytes]] = attrs.field(factory=list)
    """(path, request) whose answer was lost."""

    def new_id(self) -> str:
        """An id this person never used before."""
        self.named += 1
        return f"{self.email.partition('@')[0]}-{self.named}"


@attrs.define(kw_only=True, eq=False)
class People:
    """Everybody, and the network between them and the machine."""

    machine: Machine
    draw: random.Random
    admin: Person
    traders: list[Person]
    answers: dict[str, int] = attrs.field(factory=dict)
    """How often each outcome was heard: OK, LOST, and the reasons of refusals."""

    async def ask(self, person: Person, method: str, request: Message) -> Result:
        """Ask in somebody's name, over a network that takes its time."""
        body = request.SerializeToString()
        result = await self.send(person, method, body)
        if isinstance(result, StatusError) and result.code is grpc.StatusCode.UNAUTHENTICATED:
            person.token = ""
        return result

    async def send(self, person: Person, method: str, body: bytes) -> Result:
        """Send bytes; what changes something is remembered with its answer."""
        await trio.sleep(self.draw.uniform(0, LATENCY_S_MAX))
        result = await self.machine.call(method, body, person.token)
        self._heard(person, method, body, result)
        await trio.sleep(self.draw.uniform(0, LATENCY_S_MAX))
        return result

    async def insist(self, person: Person, method: str, request: Message) -> bytes:
        """Ask until it is answered. Raises: Violation when it is refused or never answered."""
        deadline = trio.current_time() + SETTLE_S_MAX
        while trio.current_time() < deadline:
            result = await self.ask(person, method, request)
            match result:
                case Answered():
                    return result.body
                case Lost():
                    await trio.sleep(0.2)
                case StatusError() if result.code in _LATER:
                    await trio.sleep(0.2)
                case StatusError() if _wants_login(method, result):
                    await self.sign_in(person)
                case StatusError():
                    raise Violation("liveness", f"{method} of {person.email}: {result}")
        raise Violation("liveness", f"{method} was not answered within {SETTLE_S_MAX} s")

    async def sign_in(self, person: Person) -> None:
        """Log in, however long it takes."""
        request = auth_pb2.LoginRequest(email=person.email, password=PASSWORD)
        body = await self.insist(person, f"{AUTH}Login", request)
        self.signed_in(person, body)

    def signed_in(self, person: Person, body: bytes) -> None:
        """Keep the tokens of a login."""
        granted = auth_pb2.LoginResponse.FromString(body)
        person.account_id = granted.account_id
        person.token = granted.tokens.access_token
        person.refresh_token = granted.tokens.refresh_token

    def _heard(self, person: Person, method: str, body: bytes, result: Result) -> None:
        match result:
            case Answered():
                self._count("OK")
                trace = TRACES.get(method)
                found = trace(body, result.body) if trace is not None else None
                if found is not None:
                    on_paper = found.subaccount == PAPER_SUBACCOUNT
                    kept = person.paper if on_paper else person.acknowledged
                    kept.append(Acknowledged(method, body, result.body))
            case StatusError():
                self._count(result.reason)
                if result.code is grpc.StatusCode.INTERNAL:
                    raise Violation("no incident", self.machine.incidents[-1])
                if result.code in UNSURE and method in TRACES:
                    person.unknown.append((method, body))
            case Lost():
                self._count("LOST")
                if method in TRACES:
                    person.unknown.append((method, body))

    def _count(self, outcome: str) -> None:
        self.answers[outcome] = self.answers.get(outcome, 0) + 1


def _wants_login(method: str, refusal: StatusError) -> bool:
    return refusal.code is grpc.StatusCode.UNAUTHENTICATED and method != f"{AUTH}Login"


_LATER: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
UNSURE: Final = (
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNAVAILABLE,
)
"""Statuses of calls that may have been carried out all the same."""


def _placed(body: bytes, answer: bytes) -> Trace | None:
    order = trading_pb2.PlaceOrderResponse.FromString(answer).order
    request = trading_pb2.PlaceOrderRequest.FromString(body)
    return Trace(int(order.order_id) >> 12, request.client_order_id, request.subaccount)


def _canceled(body: bytes, answer: bytes) -> Trace | None:
    request = trading_pb2.CancelOrderRequest.FromString(body)
    if not request.request_id:
        return None
    seq = trading_pb2.CancelOrderResponse.FromString(answer).seq
    return Trace(seq, request.request_id, request.subaccount)


def _amended(body: bytes, answer: bytes) -> Trace | None:
    request = trading_pb2.AmendOrderRequest.FromString(body)
    amended = trading_pb2.AmendOrderResponse.FromString(answer)
    if not amended.order_id:
        return None  # It had that quantity already: nothing changed, and the id is still free.
    return Trace(amended.seq, request.request_id, request.subaccount)


def _replaced(body: bytes, answer: bytes) -> Trace | None:
    order = trading_pb2.ReplaceOrderResponse.FromString(answer).order
    request = trading_pb2.ReplaceOrderRequest.FromString(body)
    return Trace(int(order.order_id) >> 12, request.client_order_id, request.subaccount)


def _armed(body: bytes, answer: bytes) -> Trace | None:
    request = trading_pb2.CancelAllAfterRequest.FromString(body)
    if not request.timeout_ms:
        return None  # To disarm what is not armed changes nothing.
    return Trace(trading_pb2.CancelAllAfterResponse.FromString(answer).seq, request.request_id)


def _listed(body: bytes, answer: bytes) -> Trace | None:
    request = trading_pb2.PlaceOrderListRequest.FromString(body)
    seq = trading_pb2.PlaceOrderListResponse.FromString(answer).seq
    return Trace(seq, request.request_id, request.subaccount)


def _transferred(body: bytes, answer: bytes) -> Trace | None:
    request = wallet_pb2.TransferFundsRequest.FromString(body)
    return Trace(wallet_pb2.TransferFundsResponse.FromString(answer).seq, request.request_id)


def _deposited(body: bytes, answer: bytes) -> Trace | None:
    request = admin_pb2.DepositRequest.FromString(body)
    return Trace(admin_pb2.DepositResponse.FromString(answer).seq, request.request_id)


TRACES: Final[Mapping[str, Callable[[bytes, bytes], Trace | None]]] = {
    f"{TRADING}PlaceOrder": _placed,
    f"{TRADING}CancelOrder": _canceled,
    f"{TRADING}AmendOrder": _amended,
    f"{TRADING}ReplaceOrder": _replaced,
    f"{TRADING}CancelAllAfter": _armed,
    f"{TRADING}PlaceOrderList": _listed,
    f"{WALLET}TransferFunds": _transferred,
    f"{ADMIN}Deposit": _deposited,
}
"""Calls that change money and may be repeated: where (request, response) say that the change is.
None for a request without an id, which cannot be repeated."""
