"""The administrators' screens: at a port of the machine itself, for sessions with a code only.

Checked by breaking, each seen red: a public port that serves the screens' files, names without a
session at the port, and one cookie for both ports.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import admin_pb2, auth_pb2

from tests.api.asgi import Answer, ask
from tests.api.grpc_web_client import BINARY, Told, frame, headers_of, read
from tests.faults.house import running
from tests.security.whole_house import ADMIN, PASSWORD, Credential, WholeHouse, whole_house
from xached.api.bundle import ADMIN_FILES, ADMIN_MARK, DOCUMENT, File, files_for, make_file
from xached.api.web import WebApp
from xached.config.tables import is_own_address

LISTEN = "127.0.0.1:7490"
HALT = admin_pb2.SetHaltRequest(halted=True, cause="drill", request_id="halt-1")


async def post(
    app: WebApp, method: str, request: Message, credential: Credential, **more: str
) -> Told:
    """Call a method by gRPC-Web."""
    said = dict(headers_of(BINARY, {"x-grpc-web": "1"}))
    if credential.token:
        said["authorization"] = f"Bearer {credential.token}"
    if credential.step_up:
        said["x-xache-step-up"] = credential.step_up
    said |= {name.replace("_", "-"): value for name, value in more.items()}
    body = frame(request.SerializeToString())
    answer = await ask(app, f"/xache.v1.{method}", "POST", said, body)
    return read(answer.body) if answer.status == 200 else Told([], {"status": str(answer.status)})


def screens(house: WholeHouse) -> WebApp:
    """What the administrators' port serves."""
    assert house.front.admin_web is not None
    return house.front.admin_web


async def test_without_the_option_there_is_no_such_port(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        assert house.front.admin_web is None


async def test_only_its_own_port_runs_the_house(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path, admin_http=LISTEN) as house:
        session = await house.admin()
        request = admin_pb2.GetHealthRequest()
        there = await post(screens(house), "AdminService/GetHealth", request, session)
        health = admin_pb2.GetHealthResponse.FromString(there.messages[0])
        assert {"matching", "sessions"} <= {each.name for each in health.actors}
        public = await post(house.front.web, "AdminService/GetHealth", request, session)
        assert public.trailers["grpc-status"] == "12", "UNIMPLEMENTED"


async def test_a_name_is_nobody_there(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Everybody of the machine reaches the port, not only the daemon's own user."""
    async with whole_house(tmp_path, admin_http=LISTEN) as house:
        await house.admin()
        told = await post(
            screens(house),
            "AdminService/SetHalt",
            HALT,
            Credential(),
            x_xache_operator=ADMIN,
            x_xache_code=house.new_code(),
        )
        assert told.trailers["grpc-status"] == "16", "UNAUTHENTICATED"


async def test_what_moves_rights_takes_a_code(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path, admin_http=LISTEN) as house:
        session = await house.admin()
        refused = await post(screens(house), "AdminService/SetHalt", HALT, session)
        assert refused.trailers["grpc-status"] == "9", "FAILED_PRECONDITION: CODE_REQUIRED"
        proven = await house.stepped_up("AdminService/SetHalt", HALT, session)
        done = await post(screens(house), "AdminService/SetHalt", HALT, proven)
        assert admin_pb2.SetHaltResponse.FromString(done.messages[0]).seq > 0


async def test_pages_elsewhere_get_nothing(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path, admin_http=LISTEN) as house:
        session = await house.admin()
        request = admin_pb2.GetHealthRequest()

        async def status(**more: str) -> str:
            told = await post(screens(house), "AdminService/GetHealth", request, session, **more)
            return told.trailers.get("status", "200")

        assert await status(host="admin.evil.example:7490") == "421"
        assert await status(origin="https://evil.example") == "403"
        assert await status(sec_fetch_site="cross-site") == "403"


async def test_each_port_has_its_own_cookie(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Browsers send the cookies of one port of a host to all of them."""
    async with whole_house(tmp_path, admin_http=LISTEN) as house:
        await house.register("ann@people.example")
        request = auth_pb2.LoginRequest(
            email="ann@people.example", password=PASSWORD, device="browser"
        )

        async def login(app: WebApp) -> Answer:
            said = headers_of(BINARY, {"x-grpc-web": "1"})
            body = frame(request.SerializeToString())
            return await ask(app, "/xache.v1.AuthService/Login", "POST", said, body)

        public, admin = await login(house.front.web), await login(screens(house))
        cookie = admin.headers["set-cookie"]
        assert cookie.startswith("__Host-xache-admin-refresh=")
        assert public.headers["set-cookie"].startswith("__Host-xache-refresh=")

        async def refresh(app: WebApp) -> str:
            said = dict(headers_of(BINARY, {"x-grpc-web": "1"}))
            said["cookie"] = cookie.partition(";")[0]
            empty = frame(b"")
            answer = await ask(app, "/xache.v1.AuthService/Refresh", "POST", said, empty)
            return read(answer.body).trailers["grpc-status"]

        assert await refresh(house.front.web) == "16"
        assert await refresh(screens(house)) == "0"


async def test_the_screens_files_are_only_at_their_port(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path, admin_http=LISTEN) as house:
        assert (await ask(house.front.web, "/admin")).status == 404
        page = await ask(screens(house), "/admin/people")
        assert page.status == 200
        assert ADMIN_MARK in page.body
        assert ADMIN_MARK not in (await ask(house.front.web, "/")).body


def test_a_public_port_leaves_their_files_out() -> None:
    bundle: Mapping[str, File] = {
        DOCUMENT: make_file(b"<head></head>", "text/html"),
        "/assets/a.js": make_file(b"1", "text/javascript"),
        f"{ADMIN_FILES}b.js": make_file(b"2", "text/javascript"),
    }
    assert set(files_for(bundle, admin=False)) == {DOCUMENT, "/assets/a.js"}
    assert set(files_for(bundle, admin=True)) == set(bundle)


@pytest.mark.parametrize(
    ("listen", "own"),
    [
        ("127.0.0.1:0", True),
        ("127.0.0.2:7490", True),
        ("[::1]:7490", True),
        ("0.0.0.0:7490", False),
        ("[::]:7490", False),
        ("192.0.2.7:7490", False),
        ("localhost:7490", False),  # Whatever the machine's own names say it is.
        ("127.0.0.1", False),
        ("127.0.0.1:99999", False),
    ],
)
def test_an_address_that_others_reach_is_refused(listen: str, *, own: bool) -> None:
    assert is_own_address(listen) is own


def test_serve_opens_the_port_and_refuses_others(tmp_path: Path) -> None:
    for listen in ("0.0.0.0:0", "house.example:7490"):
        done = subprocess.run(
            [sys.executable, "-m", "xached", "serve", "--config", "none", "--admin-http", listen],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert done.returncode == 2
    with running(tmp_path, admin_http="127.0.0.1:0") as house:
        assert house.admin_http.startswith("http://127.0.0.1:")
        with contextlib.closing(urllib.request.urlopen(f"{house.admin_http}/admin")) as answer:
            assert answer.status == 200
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{house.http}/admin")
        refused.value.close()
        assert refused.value.code == 404
        assert house.stop() == 0
