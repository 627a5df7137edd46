"""A whole daemon behind its routes, without sockets: every method of every service can be called.

The world is simulated, the files are real, and the connections that the daemon holds are known, so
that a test can count rows as they are in the middle of everything.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Self

import apsw
import trio
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from xache.v1 import admin_pb2, auth_pb2

from xached.api.errors import Interceptor
from xached.api.routes import Route
from xached.config.config import AdminConfig, Config, default_house
from xached.daemon import Attachments, Endpoints, run_daemon
from xached.domain.market import BINANCE
from xached.house.core import House
from xached.house.listeners import Front
from xached.runtime.world import SimulatedWorld
from xached.simulation.calls import (
    Answered,
    ReceivedResponses,
    Result,
    SentRequests,
    SimulatedCall,
    serve_stream,
    serve_unary,
    serve_watch,
)
from xached.simulation.machine import HandedOver
from xached.simulation.plugins import InstalledByHand
from xached.storage.vault import Vault

PATIENCE_S = 2.0
"""How long a stream is listened to: a moment, on the simulated clock."""

SERVICES = "/xache.v1."


class WholeHouse:
    """A running daemon, and its first administrator."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.world = SimulatedWorld(1)
        self.doors = HandedOver(Interceptor(self.world, self._incident))
        self.incidents: list[str] = []
        self.connections: list[apsw.Connection] = []
        self.email, self.password = "ann@house.example", "kettle-anchor-moss-77"
        self.device = "desk"
        self.user_email, self.user_id = "bob@house.example", ""
        """Somebody whom the administrator has to do with."""
        self.vault: Vault
        """The daemon's own; to be read while nothing is being done."""
        self.token = ""
        self.heard: list[Message] = []
        """Every response so far, those of streams too."""
        self._first_token = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, root: Path, **persona: str) -> AsyncIterator[Self]:
        """Run it, with an administrator who is logged in."""
        house = cls(root)
        for name, value in persona.items():
            setattr(house, name, value)
        admin, stop = AdminConfig(require_code=False), trio.Event()
        config = Config(data_dir=root, house=default_house(), admin=admin)

        async def attach(parts: House) -> Attachments:
            house.vault = parts.files.vault
            return Attachments(mark_venue=BINANCE, plugins=InstalledByHand(()))

        apsw.connection_hooks.append(house.connections.append)
        try:
            async with trio.open_nursery() as nursery:
                run = partial(run_daemon, config, house.world, attach, stop, doors=house.doors)
                endpoints: Endpoints = await nursery.start(run)
                assert endpoints.first_admin.token is not None
                house._first_token = endpoints.first_admin.token
                await house._move_in()
                yield house
                stop.set()
        finally:
            apsw.connection_hooks.remove(house.connections.append)

    async def _move_in(self) -> None:
        made = await self.call(
            "AdminService/BootstrapAdmin",
            admin_pb2.BootstrapAdminRequest(
                token=self._first_token, email=self.email, password=self.password
            ),
        )
        assert isinstance(made, Answered), made
        await self.log_in()
        opened = await self.call(
            "AuthService/Register",
            auth_pb2.RegisterRequest(email=self.user_email, password=self.password),
        )
        assert isinstance(opened, Answered), opened
        self.user_id = auth_pb2.RegisterResponse.FromString(opened.body).account_id

    @property
    def first_token(self) -> str:
        """The one-time token, which is used up."""
        return self._first_token

    async def log_in(self) -> None:
        """A new session of the administrator."""
        answer = await self.call(
            "AuthService/Login",
            auth_pb2.LoginRequest(email=self.email, password=self.password, device=self.device),
        )
        assert isinstance(answer, Answered), answer
        self.token = auth_pb2.LoginResponse.FromString(answer.body).tokens.access_token

    @property
    def routes(self) -> list[tuple[Route, MethodDescriptor]]:
        """Every method of the house's own services, as the admin listener has them."""
        assert self.doors.front is not None
        found = []
        for path in self.doors.front.admin.paths:
            route = self.doors.front.admin.find(path)
            assert route is not None
            if path.startswith(SERVICES):
                found.append((route, descriptor_of(path)))
        return found

    async def call(
        self,
        method: str,
        request: Message,
        *,
        peer: str = "ipv4:192.0.2.1:5",
        token: str | None = None,
        step_up: str = "",
    ) -> Result:
        """Call any kind of method; of streams listen for a moment."""
        front = self.doors.front
        assert front is not None
        route = front.admin.find(SERVICES + method)
        assert route is not None, method
        call = SimulatedCall(route, self.token if token is None else token, peer)
        if step_up:
            call.metadata = {**call.metadata, "x-xache-step-up": step_up}
        responses = ReceivedResponses()
        if route.request_streaming:
            requests = SentRequests()
            requests.put(request)
            if route.response_streaming:
                self.doors.begin(call, serve_stream, route, requests, responses)
            else:
                self.doors.begin(call, _serve_upload, route, _Upload(request))
        elif route.response_streaming:
            self.doors.begin(call, serve_watch, route, request.SerializeToString(), responses)
        else:
            self.doors.begin(call, serve_unary, route, request.SerializeToString())
        with trio.move_on_after(PATIENCE_S):
            await call.ended.wait()
        call.scope.cancel()
        await call.ended.wait()
        self.heard += responses.take()
        if isinstance(call.result, Answered) and call.result.body:
            output = message_factory.GetMessageClass(descriptor_of(route.path).output_type)
            self.heard.append(output.FromString(call.result.body))
        return call.result

    async def step_up(self, path: str, request: Message) -> str:
        """A fresh proof for one request, by password."""
        asked = auth_pb2.StepUpRequest(
            method=path, request=request.SerializeToString(), password=self.password
        )
        answer = await self.call("AuthService/StepUp", asked)
        assert isinstance(answer, Answered), answer
        return auth_pb2.StepUpResponse.FromString(answer.body).step_up_token

    def tables(self) -> dict[str, Any]:
        """How many rows every table of every database has."""
        counts = {}
        for connection in self.connections:
            with contextlib.suppress(apsw.ConnectionClosedError):
                for (name,) in connection.execute(
                    "SELECT name FROM sqlite_schema WHERE type = 'table'"
                ).fetchall():
                    (found,) = connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()
                    counts[f"{Path(connection.filename).name}:{name}"] = found[0]
        return counts

    def schema(self) -> list[tuple[Any, ...]]:
        """Every table, index, view and trigger of every database."""
        found: list[tuple[Any, ...]] = []
        for connection in self.connections:
            with contextlib.suppress(apsw.ConnectionClosedError):
                found += connection.execute(
                    "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2"
                )
        return found

    def _incident(self, incident_id: str, method: str, error: BaseException) -> None:
        self.incidents.append(f"{incident_id} in {method}: {error!r}")


class _Upload:
    """A request stream of one message, which a handler may leave unread."""

    def __init__(self, message: Message) -> None:
        self._left = [message]
        self.first = message.SerializeToString()
        """What a fresh proof covers."""

    async def receive_batch(self) -> list[Any]:
        """See routes.Requests."""
        await trio.lowlevel.checkpoint()
        taken, self._left = self._left, []
        return taken

    def __aiter__(self) -> _Upload:
        return self

    async def __anext__(self) -> Any:
        for message in await self.receive_batch():
            return message
        raise StopAsyncIteration


async def _serve_upload(front: Front, call: SimulatedCall, route: Route, requests: _Upload) -> None:
    """Serve a call with a stream of requests and one response."""
    try:
        with call.scope:
            try:
                await front.admin.admit(call, route, requests.first)
                call.result = Answered(route.serialize(await route.handler(call, requests)))
            except* Exception as errors:
                call.result = front.interceptor.status(call.method, errors)
    finally:
        call.ended.set()


def descriptor_of(path: str) -> MethodDescriptor:
    """The method of a path."""
    service, _, name = path[1:].partition("/")
    found: MethodDescriptor = (
        descriptor_pool.Default().FindServiceByName(service).methods_by_name[name]
    )
    return found


def fields_of(message: Message, depth: int = 3) -> Iterator[tuple[Message, Any]]:
    """Every field of a message, and of the messages in it, which are made as they are needed."""
    for field in message.DESCRIPTOR.fields:
        yield message, field
        if field.message_type is None or depth == 0 or field.message_type.GetOptions().map_entry:
            continue
        inner = getattr(message, field.name)
        if field.is_repeated:
            inner = inner[0] if len(inner) else inner.add()
        else:
            inner.SetInParent()
        yield from fields_of(inner, depth - 1)


def put_text(message: Message, field: FieldDescriptor, text: str) -> None:
    """Set a string field, alone or repeated, or a map with string keys."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        values = getattr(message, field.name)
        kind = field.message_type.fields_by_name["value"]
        if kind.type == FieldDescriptor.TYPE_STRING:
            values[text] = text
    elif field.is_repeated:
        getattr(message, field.name)[:] = [text]
    else:
        setattr(message, field.name, text)


def is_text(field: FieldDescriptor) -> bool:
    """Whether a client can put text there."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return bool(field.message_type.fields_by_name["key"].type == FieldDescriptor.TYPE_STRING)
    return bool(field.type == FieldDescriptor.TYPE_STRING)
