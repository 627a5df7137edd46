"""The routing table: which handler serves a method, and who may call it.

It knows no transport. gRPC and HTTP look a path up here, let :meth:`Routes.admit` decide, and run
the same handler with a :class:`Call` of their own. Handlers come in four shapes::

    unary          async def place_order(self, call, request) -> response
    server stream  async def watch_book(self, call, request, responses) -> None
    client stream  async def upload(self, call, requests) -> response
    both           async def enter_orders(self, call, requests, responses) -> None

A call is admitted in this order, and the first no is the answer:

0. Is there room? House and address have their rates, at the end account and key: RATE_LIMIT.
1. Who is it? No credential that works: UNAUTHENTICATED.
2. May an API key call this at all (``api_key``)? No: KEY_NOT_ALLOWED.
3. What stands against the account must be listed in ``despite``: ACCOUNT_UNVERIFIED,
   ACCOUNT_FROZEN or ACCOUNT_SUSPENDED.
4. The credential must have every one of ``scopes``: SCOPE_MISSING.
5. The account must have one of ``roles``, if any are named: ROLE_MISSING.
6. ``step_up`` asks for a fresh proof, bound to the bytes of this request, or of the first one of a
   stream: STEP_UP_REQUIRED. Asked last, so that nobody proves afresh for what is refused anyway.
7. The bytes must be a message: MALFORMED_MESSAGE. Its fields must be for the caller's roles
   (``for_roles``): FIELD_DENIED. The purse it names is one of the caller's own.

A method that says none of this is not routed.
"""

from __future__ import annotations

import contextlib
import inspect
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, TypeVar

import attrs
import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import (
    Descriptor,
    FieldDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)
from google.protobuf.message import DecodeError, Message
from xache.v1 import options_pb2, types_pb2

from xached.api.errors import StatusError, malformed
from xached.api.field_masks import clear_guarded, is_guarded, refuse_guarded
from xached.domain.messages import Command
from xached.domain.order import AccountId, Purse, make_purse
from xached.domain.rejection import Rejection

Request = TypeVar("Request")
Response_contra = TypeVar("Response_contra", contravariant=True)

Handler = Callable[..., Awaitable[Any]]
"""One of the four shapes; which one is checked when the table is built."""


class Bounds(Protocol):
    """What a credential may bring into the exchange, beside its scopes."""

    async def check(self, command: Command) -> None:
        """Count a command that is about to be sent. Raises: Rejection where it must not be."""

    async def preview(self, command: Command) -> None:
        """Count nothing. Raises: Rejection where it must not be sent."""


@attrs.frozen(kw_only=True)
class Caller:
    """Who is calling, and with what. Numbers are those of the enums in ``options.proto``."""

    account_id: AccountId
    session_id: str
    """Empty where an API key signed the request."""
    roles: frozenset[int]
    scopes: frozenset[int]
    key_id: str = ""
    """Empty where a session asks."""
    impediments: frozenset[int] = frozenset()
    stepped_up: bool = False
    """This very request carries a fresh proof."""
    code_shown: bool = False
    """The proof is a code of the second factor, or a recovery code."""
    valid_until_s: float = math.inf
    """On trio's clock: a request is not executed later. A stream, once open, goes on."""
    bounds: Bounds | None = None
    """None: only the account's own."""


@attrs.frozen(kw_only=True)
class Authorization:
    """Who may call a method; the frozen form of ``xache.v1.Authorization``."""

    access: int
    scopes: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    owner_field: str = ""
    step_up: bool = False
    api_key: bool = False
    despite: frozenset[int] = frozenset()
    urgent: bool = False


PUBLIC: Final = Authorization(access=options_pb2.ACCESS_PUBLIC)
"""Anybody may call; no credential is read."""


class Call(Protocol):
    """One call, as its handler sees it."""

    @property
    def method(self) -> str:
        """The path: ``/package.Service/Method``."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the client sent beside the message: lower-case keys, last value wins, no -bin."""

    @property
    def signed_as(self) -> tuple[str, bytes] | None:
        """What a signature covers in place of method and message; None: those.

        In REST ``POST /api/trading/order``, with the query if there is one, and the body as sent.
        """

    @property
    def peer(self) -> str:
        """Where the client is, such as ``ipv4:127.0.0.1:50000`` or ``unix:``."""

    @property
    def deadline_s(self) -> float:
        """When the client gives up, on trio's clock; inf without a deadline."""

    @property
    def received_s(self) -> float:
        """When the call reached the house, on trio's clock."""

    @property
    def caller(self) -> Caller | None:
        """Who is calling; None where the method is public."""

    @property
    def purse(self) -> Purse:
        """The caller's purse that the request named. Only where the method has an owner field."""

    def admitted(self, caller: Caller) -> None:
        """Remember who is calling."""

    def resolve_purse(self, request: Message) -> Purse:
        """Read the owner field, set and return :attr:`purse`.

        Done by the edge where the request is one message. A handler of a request stream calls it
        with the first. Raises: Rejection ID_FORMAT.
        """

    def execute_by(self, at_s: float) -> None:
        """Bring :attr:`deadline_s` forward: what was not begun by then is not done."""

    def set_trailing(self, key: str, value: str) -> None:
        """Send a pair with the status. Raises: ValueError when HTTP/2 cannot carry it."""

    def revoke(self, error: StatusError) -> None:
        """End the call with this status: its handler is cancelled. No effect on an ended call."""


class Requests(Protocol[Request]):
    """The messages of a request stream."""

    async def receive_batch(self) -> list[Request]:
        """Wait for a message, then take all that are here; [] at the end of the stream.

        Raises: StatusError INVALID_ARGUMENT where bytes are not a message.
        """

    def __aiter__(self) -> AsyncIterator[Request]:
        """Messages one by one; a loop that is hot takes batches instead."""


class Responses(Protocol[Response_contra]):
    """The messages of a response stream. What is sent after the client left is dropped."""

    @property
    def buffered(self) -> int:
        """Messages that the transport has not taken yet."""

    def send_nowait(self, message: Response_contra) -> None:
        """Send without waiting. Raises: trio.WouldBlock when far too much is buffered."""

    async def send(self, message: Response_contra) -> None:
        """Send; wait while too much is buffered. Cancelled when the client has left."""

    async def send_many(self, messages: Iterable[Response_contra]) -> None:
        """Send several in one go; wait while too much is buffered."""

    async def flush(self) -> None:
        """Wait until the transport has taken everything."""


class Authorizer(Protocol):
    """Knows callers by their credentials, and which streams they have open."""

    def authorize(
        self, call: Call, authorization: Authorization, body: bytes
    ) -> Caller | Awaitable[Caller]:
        """Say who is calling; awaitable only where the answer is not at hand.

        Args:
            call: what came, but for the message.
            authorization: what the method asks for.
            body: the bytes of the request message; empty where requests are a stream.

        Raises: StatusError UNAUTHENTICATED.
        """

    def opened(self, call: Call) -> None:
        """A stream of ``call.caller`` begins. Raises: StatusError where it may open no more."""

    def closed(self, call: Call) -> None:
        """A stream that was opened has ended."""


class Limiter(Protocol):
    """Counts calls."""

    def arrived(self, call: Call, need: Authorization) -> None:
        """Count a call before anything else is known of it. Raises: StatusError."""

    def admitted(self, call: Call, caller: Caller, need: Authorization) -> None:
        """Count a call of a known caller. Raises: StatusError."""


Denied = Callable[[Call, Caller | None, str], None]
"""Told of a call that is not let in, by whom if that is known, and the name of the rule."""


@attrs.frozen(kw_only=True)
class Service:
    """A service and the object that serves it, or several that share its methods.

    ``declared`` stands in for the option in services that are not ours, such as health.
    """

    descriptor: ServiceDescriptor
    handlers: object | tuple[object, ...]
    declared: Authorization | None = None


@attrs.frozen(kw_only=True)
class Shutdown:
    """A planned stop. ``grace_s``: how long calls at work still have."""

    reason: str
    grace_s: float
    retry_after_s: float


@attrs.frozen(kw_only=True, eq=False)
class Route:
    """All that a transport needs to serve one method.

    ``farewell`` makes the last message of a stream that the house ends; None where its messages
    have no place for one, as in services that are not ours.
    """

    path: str
    descriptor: MethodDescriptor
    handler: Handler
    parse: Callable[[bytes], Message]
    serialize: Callable[[Message], bytes]
    request_streaming: bool
    response_streaming: bool
    authorization: Authorization
    farewell: Callable[[Shutdown], Message] | None
    request_guarded: bool = False
    """The request has fields that are not for every role."""
    response_guarded: bool = False

    def respond(self, caller: Caller | None, response: Message) -> bytes:
        """The bytes of the one response of a call, without what is not for its caller."""
        if self.response_guarded:
            clear_guarded(response, _roles(caller))
        return self.serialize(response)

    def purse_of(self, caller: Caller | None, request: Message) -> Purse:
        """The purse that a request names, inside the caller's own account.

        Raises: Rejection ID_FORMAT.
        """
        assert caller is not None, self.path
        assert self.authorization.owner_field, self.path
        subaccount: str = getattr(request, self.authorization.owner_field)
        return make_purse(caller.account_id, subaccount)


class RouteError(Exception):
    """A service cannot be routed as it is declared or written: our mistake, found at start."""


class Routes:
    """Every method of some services. Building it proves that each can be called, and by whom.

    Args:
        services: what is served.
        authorizer: knows the callers.
        prepare: gives each route its last form.
        limiter: counts calls; None where they are not limited.
        denied: is told of calls that are not let in.

    Raises: RouteError.
    """

    def __init__(
        self,
        services: Iterable[Service],
        authorizer: Authorizer,
        prepare: Callable[[Route], Route] = lambda route: route,
        limiter: Limiter | None = None,
        denied: Denied = lambda _call, _caller, _reason: None,
    ) -> None:
        self._authorizer = authorizer
        self._denied = denied
        self._limiter = limiter
        self._routes: dict[str, Route] = {}
        self._service_names: list[str] = []
        for service in services:
            self._service_names.append(service.descriptor.full_name)
            for method in service.descriptor.methods:
                route = prepare(_route(service, method))
                if route.path in self._routes:
                    raise RouteError(f"{route.path} is served twice")
                self._routes[route.path] = route

    @property
    def service_names(self) -> tuple[str, ...]:
        """Full names of the services."""
        return tuple(self._service_names)

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of all methods."""
        return tuple(self._routes)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of all methods."""
        return tuple(self._routes.values())

    def find(self, path: str) -> Route | None:
        """The route of a path; None where there is no such method."""
        return self._routes.get(path)

    async def receive(self, call: Call, route: Route, body: bytes) -> Message:
        """Let a call with one request message in: admit it, read it, find the purse it names.

        Raises: StatusError as :meth:`admit`, or INVALID_ARGUMENT; Rejection ID_FORMAT.
        """
        await self.admit(call, route, body)
        try:
            request = route.parse(body)
        except DecodeError:
            raise malformed(f"not a message of {route.path}") from None
        if route.request_guarded:
            refuse_guarded(request, _roles(call.caller))
        if route.authorization.owner_field:
            call.resolve_purse(request)
        return request

    async def admit(self, call: Call, route: Route, body: bytes = b"") -> None:
        """Let the call pass or not. Default is no: what the option asks for must all be there.

        The body is what a signature or a fresh proof covers. A stream of requests has none, but
        where a fresh proof is asked for: then it is its first message.

        Raises: StatusError UNAUTHENTICATED or PERMISSION_DENIED; Rejection of a wrong code.
        """
        need = route.authorization
        if self._limiter is not None:
            self._limiter.arrived(call, need)
        if need.access == options_pb2.ACCESS_PUBLIC:
            return
        try:
            known = self._authorizer.authorize(call, need, body)
            caller = known if isinstance(known, Caller) else await known
        except StatusError as refusal:
            if refusal.code is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                self._denied(call, None, refusal.reason)
            raise
        except Rejection as refusal:
            self._denied(call, None, refusal.reason.name)
            raise
        if refused := refusal_of(caller, need):
            self._denied(call, caller, refused.reason)
            raise refused
        if self._limiter is not None:
            self._limiter.admitted(call, caller, need)
        call.admitted(caller)
        if not route.request_streaming:
            call.execute_by(caller.valid_until_s)

    @contextlib.contextmanager
    def stream(self, call: Call) -> Iterator[None]:
        """Let the authorizer know of a caller's stream while it is open. Raises: StatusError."""
        if call.caller is None:
            yield
            return
        self._authorizer.opened(call)
        try:
            yield
        finally:
            self._authorizer.closed(call)


async def check_bounds(call: Call, command: Command) -> None:
    """Count a command against the bounds of the credential that brings it. Raises: Rejection."""
    if call.caller is not None and call.caller.bounds is not None:
        await call.caller.bounds.check(command)


async def preview_bounds(call: Call, command: Command) -> None:
    """Look whether these bounds let a command pass, and count nothing. Raises: Rejection."""
    if call.caller is not None and call.caller.bounds is not None:
        await call.caller.bounds.preview(command)


def authorization_of(method: MethodDescriptor) -> Authorization:
    """The authorization option of a method. Raises: RouteError where it is missing or unset."""
    options = method.GetOptions()
    if not options.HasExtension(_OPTION):
        raise RouteError(f"{method.full_name} has no authorization option")
    option = options.Extensions[_OPTION]
    if option.access == options_pb2.ACCESS_UNSPECIFIED:
        raise RouteError(f"the authorization of {method.full_name} names no access")
    public = option.access == options_pb2.ACCESS_PUBLIC
    if public and option != options_pb2.Authorization(access=options_pb2.ACCESS_PUBLIC):
        raise RouteError(f"{method.full_name} is public and asks for more")
    if 0 in option.scopes or 0 in option.roles or 0 in option.despite:
        raise RouteError(f"the authorization of {method.full_name} has an unspecified value")
    if option.api_key and not (option.scopes and _KEY_SCOPES.issuperset(option.scopes)):
        raise RouteError(f"{method.full_name} is for keys, with scopes that no key can have")
    if option.step_up and option.api_key:
        raise RouteError(f"{method.full_name} asks for a fresh proof that cannot be given")
    if option.owner_field:
        _check_owner_field(method, option.owner_field)
    return Authorization(
        access=option.access,
        scopes=frozenset(option.scopes),
        roles=frozenset(option.roles),
        owner_field=option.owner_field,
        step_up=option.step_up,
        api_key=option.api_key,
        despite=frozenset(option.despite),
        urgent=option.urgent,
    )


_KEY_SCOPES: Final = frozenset(
    {options_pb2.SCOPE_READ, options_pb2.SCOPE_TRADE, options_pb2.SCOPE_WITHDRAW}
)
"""What an API key can be given. Settings of the account and the house are for people."""

# The generated stub gives extensions no type.
_OPTION: Any = options_pb2.authorization
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _route(service: Service, method: MethodDescriptor) -> Route:
    request_guarded, response_guarded = (
        is_guarded(method.input_type),
        is_guarded(method.output_type),
    )
    if (request_guarded and method.client_streaming) or (
        response_guarded and method.server_streaming
    ):
        raise RouteError(f"{method.full_name} streams messages with fields for some roles only")
    return Route(
        path=f"/{service.descriptor.full_name}/{method.name}",
        descriptor=method,
        handler=_handler(service, method),
        parse=_message_class(method.input_type).FromString,
        serialize=_message_class(method.output_type).SerializeToString,
        request_streaming=method.client_streaming,
        response_streaming=method.server_streaming,
        authorization=service.declared or authorization_of(method),
        farewell=_farewell(method) if method.server_streaming else None,
        request_guarded=request_guarded,
        response_guarded=response_guarded,
    )


def _farewell(method: MethodDescriptor) -> Callable[[Shutdown], Message] | None:
    """What writes a planned stop into the field ``shutdown`` of a stream's messages."""
    field = method.output_type.fields_by_name.get("shutdown")
    if field is None or field.message_type != types_pb2.ServerShutdown.DESCRIPTOR:
        return None
    message_class = _message_class(method.output_type)

    def write(shutdown: Shutdown) -> Message:
        notice = types_pb2.ServerShutdown(
            reason=shutdown.reason,
            grace_ms=round(shutdown.grace_s * 1000),
            retry_after_ms=round(shutdown.retry_after_s * 1000),
        )
        return message_class(shutdown=notice)

    return write


def _handler(service: Service, method: MethodDescriptor) -> Handler:
    name = _HUMP.sub("_", method.name).lower()
    parts = service.handlers if isinstance(service.handlers, tuple) else (service.handlers,)
    found: list[Handler] = [getattr(part, name) for part in parts if hasattr(part, name)]
    if len(found) != 1:
        named = " and ".join(type(part).__name__ for part in parts)
        how_many = "no" if not found else "more than one"
        raise RouteError(f"{named} has {how_many} {name} for {method.full_name}")
    (handler,) = found
    if not inspect.iscoroutinefunction(handler):
        raise RouteError(f"{name} must be an async function that returns")
    shape = ["call", "requests" if method.client_streaming else "request"]
    if method.server_streaming:
        shape.append("responses")
    # An unused argument may be marked by a leading underscore.
    given = [parameter.lstrip("_") for parameter in inspect.signature(handler).parameters]
    if given != shape:
        raise RouteError(
            f"{name} takes ({', '.join(given)}), {method.full_name} gives ({', '.join(shape)})"
        )
    return handler


def _message_class(descriptor: Descriptor) -> type[Message]:
    return message_factory.GetMessageClass(descriptor)


def _check_owner_field(method: MethodDescriptor, name: str) -> None:
    field = method.input_type.fields_by_name.get(name)
    if field is None or field.type != FieldDescriptor.TYPE_STRING or field.is_repeated:
        raise RouteError(f"{method.full_name}: {name} is no string field of its request")


def refusal_of(caller: Caller, need: Authorization) -> StatusError | None:
    """Why a known caller may not; None where they may. The order is the module's."""
    if caller.key_id and not need.api_key:
        return _denied("KEY_NOT_ALLOWED", "no API key can do this: sign in", "", ())
    # The gravest is named first; the house's word comes before the person's own.
    for impediment in sorted(caller.impediments - need.despite, reverse=True):
        name = options_pb2.Impediment.Name(impediment).removeprefix("IMPEDIMENT_")
        return _denied(f"ACCOUNT_{name}", _REMEDIES[impediment], "", ())
    missing = need.scopes - caller.scopes
    if missing:
        return _denied(
            "SCOPE_MISSING",
            "the credential does not cover this",
            "scopes",
            (options_pb2.Scope.Name(scope) for scope in sorted(missing)),
        )
    if need.roles and not need.roles & caller.roles:
        return _denied(
            "ROLE_MISSING",
            "the account's role does not allow this",
            "roles",
            (options_pb2.Role.Name(role) for role in sorted(need.roles)),
        )
    if need.step_up and not caller.stepped_up:
        return _denied("STEP_UP_REQUIRED", "prove afresh that it is you", "", ())
    return None


_REMEDIES: Final[Mapping[int, str]] = {
    options_pb2.IMPEDIMENT_UNVERIFIED: (
        "the account is unverified: prove that its e-mail address is yours, with "
        "AccountService.StartEmailVerification or xache email verify"
    ),
    options_pb2.IMPEDIMENT_FROZEN: (
        "the account is frozen: AccountService.UnfreezeMyAccount lets it act again, a day later"
    ),
    options_pb2.IMPEDIMENT_SUSPENDED: "the account is suspended by the house",
}
"""What stands against an account, and what its owner can do about it."""


def _roles(caller: Caller | None) -> frozenset[int]:
    return caller.roles if caller is not None else frozenset()


def _denied(reason: str, message: str, fact: str, needed: Iterable[str]) -> StatusError:
    facts = {fact: " ".join(needed)} if fact else {}
    return StatusError(grpc.StatusCode.PERMISSION_DENIED, reason, message, facts)
