"""A server on a real port with a small service of its own, and a stock grpcio client for it."""

from __future__ import annotations

import contextlib
import queue
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import attrs
import grpc
import trio
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2
from xache.v1 import options_pb2

from xached.api.errors import Interceptor, StatusError
from xached.api.grpc_server import Limits, Server
from xached.api.routes import (
    Authorization,
    Call,
    Caller,
    Requests,
    Responses,
    Routes,
    Service,
)
from xached.domain.order import AccountId
from xached.runtime.world import RealWorld

Result = TypeVar("Result")

PATIENCE_S = 30.0
"""After which a test that hangs is failed; never reached by one that passes."""


def declare(
    file: str,
    *methods: tuple[str, bool, bool],
    authorization: options_pb2.Authorization | None,
    text_for_roles: tuple[int, ...] = (),
) -> ServiceDescriptor:
    """A service ``edge.<file>.Echo`` with methods (name, request streaming, response streaming).

    Requests and responses are both ``Payload{text, body, count, subaccount, inner, many, named}``;
    the last three hold payloads.
    """
    proto = descriptor_pb2.FileDescriptorProto(
        name=f"edge/{file}.proto", package=f"edge.{file}", syntax="proto3"
    )
    payload = proto.message_type.add(name="Payload")
    kinds = descriptor_pb2.FieldDescriptorProto
    for number, (name, kind) in enumerate(
        (
            ("text", kinds.TYPE_STRING),
            ("body", kinds.TYPE_BYTES),
            ("count", kinds.TYPE_INT32),
            ("subaccount", kinds.TYPE_STRING),
        ),
        start=1,
    ):
        payload.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
    options: Any = payload.field[0].options.Extensions
    options[options_pb2.for_roles].extend(text_for_roles)
    _nest(payload, f".edge.{file}.Payload")
    service = proto.service.add(name="Echo")
    for name, request_streaming, response_streaming in methods:
        method = service.method.add(
            name=name,
            input_type=f".edge.{file}.Payload",
            output_type=f".edge.{file}.Payload",
            client_streaming=request_streaming,
            server_streaming=response_streaming,
        )
        if authorization is not None:
            extension: Any = options_pb2.authorization
            method.options.Extensions[extension].CopyFrom(authorization)
    pool = DescriptorPool()
    pool.Add(proto)
    return pool.FindServiceByName(f"edge.{file}.Echo")


def _nest(payload: descriptor_pb2.DescriptorProto, name: str) -> None:
    """Give a payload payloads: one, many, and by name."""
    kinds = descriptor_pb2.FieldDescriptorProto
    entry = payload.nested_type.add(name="NamedEntry")
    entry.options.map_entry = True
    one, many = kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=one)
    entry.field.add(name="value", number=2, type=kinds.TYPE_MESSAGE, type_name=name, label=one)
    for field, number, label, type_name in (
        ("inner", 5, one, name),
        ("many", 6, many, name),
        ("named", 7, many, f"{name}.NamedEntry"),
    ):
        payload.field.add(
            name=field, number=number, type=kinds.TYPE_MESSAGE, type_name=type_name, label=label
        )


FOUR_SHAPES = (
    ("Unary", False, False),
    ("Collect", True, False),
    ("Repeat", False, True),
    ("Chat", True, True),
)

OPEN_ECHO = declare(
    "open",
    *FOUR_SHAPES,
    authorization=options_pb2.Authorization(access=options_pb2.ACCESS_PUBLIC),
)
GUARDED_ECHO = declare(
    "guarded",
    *FOUR_SHAPES,
    authorization=options_pb2.Authorization(
        access=options_pb2.ACCESS_SESSION,
        scopes=[options_pb2.SCOPE_TRADE],
        roles=[options_pb2.ROLE_USER, options_pb2.ROLE_ADMIN],
        owner_field="subaccount",
    ),
)

Payload: Any = message_factory.GetMessageClass(OPEN_ECHO.methods[0].input_type)
"""The message of the open service; on the wire the guarded one's is the same."""


class Echo:
    """The plain handlers: everything comes back. Tests override what they are about."""

    async def unary(self, _call: Call, request: Any) -> Any:
        """The request."""
        return request

    async def collect(self, _call: Call, requests: Requests[Any]) -> Any:
        """How many came, and the last of them."""
        count, last = 0, None
        async for request in requests:
            count, last = count + 1, request
        return Payload(count=count, text=last.text if last else "")

    async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
        """The request ``count`` times, numbered."""
        for number in range(request.count):
            await responses.send(Payload(body=request.body, count=number))

    async def chat(self, _call: Call, requests: Requests[Any], responses: Responses[Any]) -> None:
        """Each request."""
        while batch := await requests.receive_batch():
            await responses.send_many(batch)


class Doorman:
    """Knows callers by the ``authorization`` pair, and their open streams."""

    def __init__(self, callers: dict[str, Caller] | None = None) -> None:
        self.callers = callers or {}
        self.open_streams: list[Call] = []
        self.slow = False
        """Whether the answer has to be waited for."""

    def authorize(self, call: Call, _authorization: Authorization, _body: bytes) -> Any:
        """See routes.Authorizer."""
        caller = self.callers.get(call.metadata.get("authorization", ""))
        if self.slow:
            return self._authorize_slowly(caller)
        return self._known(caller)

    def opened(self, call: Call) -> None:
        """See routes.Authorizer."""
        self.open_streams.append(call)

    def closed(self, call: Call) -> None:
        """See routes.Authorizer."""
        self.open_streams.remove(call)

    async def _authorize_slowly(self, caller: Caller | None) -> Caller:
        await trio.lowlevel.checkpoint()
        return self._known(caller)

    def _known(self, caller: Caller | None) -> Caller:
        if caller is None:
            raise StatusError(grpc.StatusCode.UNAUTHENTICATED, "NO_SESSION", "log in first")
        return caller


ALICE = Caller(
    account_id=AccountId("alice"),
    session_id="s-1",
    roles=frozenset({options_pb2.ROLE_USER}),
    scopes=frozenset({options_pb2.SCOPE_READ, options_pb2.SCOPE_TRADE}),
)


class Sent:
    """Requests that a test feeds one at a time; ``done`` half-closes."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, message: Any) -> None:
        """Send one."""
        self._queue.put(message)

    def done(self) -> None:
        """Half-close."""
        self._queue.put(None)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._queue.get, None)


class Client:
    """A stock grpcio client of one of the two services."""

    def __init__(self, channel: grpc.Channel, service: ServiceDescriptor) -> None:
        def method(kind: Callable[..., Any], name: str) -> Any:
            return kind(
                f"/{service.full_name}/{name}",
                request_serializer=Payload.SerializeToString,
                response_deserializer=Payload.FromString,
            )

        self.channel = channel
        self.unary = method(channel.unary_unary, "Unary")
        self.collect = method(channel.stream_unary, "Collect")
        self.repeat = method(channel.unary_stream, "Repeat")
        self.chat = method(channel.stream_stream, "Chat")


@attrs.frozen
class Incident:
    """A bug that the interceptor reported."""

    incident_id: str
    method: str
    error: BaseException


@attrs.define
class Edge:
    """A running server, where it listens, and what it reported."""

    server: Server
    port: int
    incidents: list[Incident]

    @contextlib.contextmanager
    def client(
        self,
        service: ServiceDescriptor = OPEN_ECHO,
        options: Sequence[tuple[str, Any]] = (),
    ) -> Iterator[Client]:
        """A client with a connection of its own."""
        own_connection = ("grpc.use_local_subchannel_pool", 1)
        with grpc.insecure_channel(
            f"127.0.0.1:{self.port}", options=(*options, own_connection)
        ) as channel:
            yield Client(channel, service)


@contextlib.asynccontextmanager
async def open_edge(
    handlers: object | None = None,
    *,
    doorman: Doorman | None = None,
    limits: Limits | None = None,
    grace_s: float = 0.0,
    socket: Path | None = None,
) -> AsyncIterator[Edge]:
    """Serve both services on a free port, and on a socket if given, until the block ends."""
    world = RealWorld()
    incidents: list[Incident] = []
    interceptor = Interceptor(world, lambda *report: incidents.append(Incident(*report)))
    services = [Service(descriptor=OPEN_ECHO, handlers=handlers or Echo())]
    if doorman is not None:
        services.append(Service(descriptor=GUARDED_ECHO, handlers=handlers or Echo()))
    routes = Routes(services, doorman or Doorman())
    server = Server(routes, interceptor, world, limits)
    port = server.add_insecure_port("127.0.0.1:0")
    if socket is not None:
        server.add_unix_socket(socket)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve)
            yield Edge(server, port, incidents)
            server.stop(grace_s)


async def in_thread(function: Callable[..., Result], *arguments: Any) -> Result:
    """Run what blocks."""
    return await trio.to_thread.run_sync(function, *arguments)


async def error_of(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a blocking call of the client that must fail; its RpcError."""

    def run() -> Any:
        try:
            answer = function(*arguments)
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"no error but {answer!r}")

    return await in_thread(run)


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until something has become true."""
    while not condition():
        await trio.lowlevel.checkpoint()


def details_of(error: Any) -> tuple[status_pb2.Status, error_details_pb2.ErrorInfo]:
    """The google.rpc.Status of an error and its ErrorInfo."""
    packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
    status = status_pb2.Status.FromString(packed)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return status, info
