"""The authorization matrix once more, through the HTTP edge: over gRPC-Web and over REST.

What must come of each call is the oracle's word, as for gRPC. The handlers are taken out, so that
only admission is seen and nothing is changed by what gets through.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import attrs
import trio
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from trio.testing import MockClock

from tests.api.asgi import HOST, ask
from tests.api.grpc_web_client import BINARY, frame, headers_of, read
from tests.security.test_authorization_matrix import KINDS, METHODS, expected, people
from tests.security.whole_house import Credential, WholeHouse, whole_house
from xached.api.http_api import HttpApi
from xached.api.routes import Call, Route, Routes
from xached.api.web import Readiness, WebApp
from xached.domain.rejection import Reason, Rejection

HTTP: Any = annotations_pb2.http
ADMITTED = Reason.ORDER_CHANGED
"""What the stand-in of every handler answers; nothing of admission has this reason."""


class Admission:
    """The house's routes without their handlers."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self.routes = tuple(attrs.evolve(each, handler=self._admitted) for each in routes.routes)
        self._by_path = {route.path: route for route in self.routes}

    def find(self, path: str) -> Route | None:
        return self._by_path.get(path)

    async def receive(self, call: Call, route: Route, body: bytes) -> Message:
        return await self._routes.receive(call, route, body)

    def stream(self, call: Call) -> Any:
        return self._routes.stream(call)

    async def _admitted(self, *_call: object) -> None:
        raise Rejection(ADMITTED, "admitted")


def edge_of(house: WholeHouse) -> WebApp:
    """The HTTP edge of the house, without what is behind its doors."""
    admission = cast(Routes, Admission(house.routes(admin=False)))
    ready = Readiness(ready=True, reasons=())
    api = HttpApi(admission, house.front.interceptor, house.world.now_ns)
    return WebApp(lambda: ready, api=api)


def verdict_of(reason: str, status: int) -> str:
    """What became of a call; whatever was refused after its admission was admitted."""
    if status in (7, 403) or status in (16, 401):
        return {7: "PERMISSION_DENIED", 403: "PERMISSION_DENIED"}.get(status, "UNAUTHENTICATED")
    assert reason in (ADMITTED.value, "ID_FORMAT", "FIELD_REQUIRED"), (reason, status)
    return "OK"


async def over_web(app: WebApp, house: WholeHouse, path: str, who: Credential) -> str:
    now_ms = house.world.now_ns() // 10**6
    said = headers_of(BINARY, {"authorization": who.header(path, b"", now_ms)})
    answer = await ask(app, path, "POST", said, frame(b""), address_of(who))
    told = read(answer.body)
    return verdict_of(told.reason, told.status)


async def over_rest(
    app: WebApp, house: WholeHouse, method: MethodDescriptor, who: Credential
) -> str:
    rule = method.GetOptions().Extensions[HTTP]
    verb = rule.WhichOneof("pattern")
    target = re.sub(r"\{\w+\}", "x", getattr(rule, verb))
    body = b"{}" if rule.body else b""
    now_ms = house.world.now_ns() // 10**6
    said = {
        **HOST,
        "content-type": "application/json",
        "authorization": who.header(f"{verb.upper()} {target}", body, now_ms),
    }
    answer = await ask(app, target, verb.upper(), said, body, address_of(who))
    return verdict_of(answer.document["reason"], answer.status)


def address_of(who: Credential) -> str:
    return who.peer.split(":")[1]


async def test_every_method_by_every_kind_of_caller_over_http(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Checked: with REST signatures read as those of gRPC, or addresses lost, dozens are wrong."""
    async with whole_house(tmp_path) as house:
        callers = await people(house)
        app = edge_of(house)
        wrong: list[str] = []
        by_web = by_rest = 0
        for path, method in METHODS.items():
            if house.routes(admin=False).find(path) is None or method.client_streaming:
                continue
            await trio.sleep(1)  # They are many: their rates must not run out.
            for name, kind in KINDS.items():
                right = expected(method, kind)
                verdict = await over_web(app, house, path, callers[name])
                by_web += 1
                if verdict != right:
                    wrong.append(f"{name}: {path} over gRPC-Web {verdict}, not {right}")
                if method.GetOptions().HasExtension(HTTP):
                    verdict = await over_rest(app, house, method, callers[name])
                    by_rest += 1
                    if verdict != right:
                        wrong.append(f"{name}: {path} over REST {verdict}, not {right}")
        assert wrong == []
        assert by_web >= by_rest > 60 * len(KINDS)


async def test_the_house_is_not_run_over_http(autojump_clock: MockClock, tmp_path: Path) -> None:
    """What is only on the administrators' listener is unknown here, whoever asks."""
    async with whole_house(tmp_path) as house:
        admin = await house.admin()
        public = house.routes(admin=False)
        hidden = [path for path in METHODS if public.find(path) is None]
        assert len(hidden) > 20
        for path in hidden:
            said = headers_of(BINARY, {"authorization": f"Bearer {admin.token}"})
            answer = await ask(house.front.web, path, "POST", said, frame(b""))
            assert read(answer.body).reason == "UNKNOWN_METHOD"
            assert not METHODS[path].GetOptions().HasExtension(HTTP)
