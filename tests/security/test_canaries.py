"""Marked secrets and personal data go through every method, and are found nowhere afterwards.

Which fields are secret or personal is what the protos say, of requests and of responses alike, so a
new field is covered once it is there. The log is at its finest level, standard logging included.

Checked by logging a request, by keeping a device's name as it is, and by naming an address in a
refusal: each is found.
"""

from __future__ import annotations

import base64
import logging
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trio
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from loguru import logger
from trio.testing import MockClock
from xache.v1 import admin_pb2, auth_pb2, options_pb2

from tests.security.quiet_house import WholeHouse, fields_of, is_text, put_text
from xached.api.errors import StatusError
from xached.simulation.calls import Answered

PRIVACY: Any = options_pb2.privacy
EMAIL = "canary.person@canary-mail.example"
PASSWORD = "canary-kettle-anchor-77"
DEVICE = "canary device of hers"
ADDRESS = "203.0.113.177"

SHORT = 8
"""Texts below so many characters are found anywhere by chance."""


def is_private(field: FieldDescriptor) -> bool:
    return bool(field.GetOptions().Extensions[PRIVACY])


def forms_of(value: bytes) -> Iterator[bytes]:
    """All the shapes in which bytes could lie about: as they are, UTF-16, hexadecimal, base64."""
    text = value.decode("utf-8", "replace")
    for raw in {value, text.encode("utf-16-le"), text.encode("utf-16-be")}:
        yield raw
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            for shift in range(3):
                # What depends on neighbours is cut off, and so are the padded ends.
                encoded = encode(bytes(shift) + raw)
                start = -(-shift * 8 // 6)
                yield encoded[start + 1 : len(encoded) // 4 * 4 - 4]


def found_in(canaries: dict[str, bytes], content: bytes) -> list[str]:
    return [
        name
        for name, value in canaries.items()
        if any(len(form) >= SHORT and form in content for form in forms_of(value))
    ]


class Canaries:
    """Every marked value that went in or came out."""

    def __init__(self, house: WholeHouse) -> None:
        self.house = house
        self.values: dict[str, bytes] = {
            "e-mail": EMAIL.encode(),
            "password": PASSWORD.encode(),
            "device": DEVICE.encode(),
            "address": ADDRESS.encode(),
            "bootstrap token": house.first_token.encode(),
        }

    def fill(self, request: Message, *, well_formed: bool) -> None:
        """Put a value of its own into every private field of a request."""
        for owner, field in fields_of(request):
            if not is_private(field):
                continue
            value = f"canary-{field.name}-{len(self.values)}"
            if field.name == "email" and well_formed:
                value = f"canary{len(self.values)}@canary-mail.example"
            if is_text(field):
                put_text(owner, field, value)
            elif field.type == FieldDescriptor.TYPE_BYTES and not field.is_repeated:
                setattr(owner, field.name, value.encode())
            else:
                continue
            self.values[f"{field.full_name} #{len(self.values)}"] = value.encode()

    def keep(self) -> None:
        """Remember what the house answered in private fields."""
        for answer in self.house.heard:
            for message, field in fields_of(answer):
                if not is_private(field):
                    continue
                found = getattr(message, field.name)
                for value in found if field.is_repeated else (found,):
                    raw = value.encode() if isinstance(value, str) else value
                    if isinstance(raw, bytes) and len(raw) >= SHORT:
                        self.values[f"{field.full_name} {len(self.values)}"] = raw
        self.house.heard.clear()


class Listener(logging.Handler):
    """Everything that standard logging is told."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """All that is logged, at the finest level and with tracebacks as the daemon writes them."""
    lines: list[str] = []
    sink = logger.add(lines.append, level=0, diagnose=False, format="{message} {extra}")
    standard = Listener()
    root = logging.getLogger()
    level = root.level
    root.addHandler(standard)
    root.setLevel(logging.NOTSET)
    try:
        yield lines
    finally:
        logger.remove(sink)
        root.removeHandler(standard)
        root.setLevel(level)
        lines += standard.lines


async def go_through_everything(house: WholeHouse, canaries: Canaries) -> list[str]:
    """Call every method with canaries in it; what refusals said."""
    said = []
    peer = f"ipv4:{ADDRESS}:4000"
    for login in (
        auth_pb2.LoginRequest(email=EMAIL, password=PASSWORD + "x", device=DEVICE),
        auth_pb2.LoginRequest(email=EMAIL, password=PASSWORD, device=DEVICE),
    ):
        result = await house.call("AuthService/Login", login, peer=peer)
        if isinstance(result, StatusError):
            said.append(f"{result} {result.reason} {result.facts}")
    for route, method in house.routes:
        method_name = route.path.removeprefix("/xache.v1.")
        for well_formed in (True, False):
            request = message_factory.GetMessageClass(method.input_type)()
            canaries.fill(request, well_formed=well_formed)
            result = await house.call(method_name, request, peer=peer)
            canaries.keep()
            if isinstance(result, StatusError):
                said.append(f"{result} {result.reason} {result.facts}")
                if result.code.name == "UNAUTHENTICATED":
                    await house.log_in()
                    canaries.keep()
    return said


DATABASES = {
    "journal.db",
    "vault.db",
    "views.db",
    "market.db",
    "paper.db",
    "paper_views.db",
    "strategies.db",
}


def copy_of(root: Path, copies: Path) -> Path:
    """A backup as it would be made of a running house: every database through SQLite."""
    copies.mkdir()
    for path in root.glob("*.db"):
        with (
            closing(sqlite3.connect(path)) as source,
            closing(sqlite3.connect(copies / path.name)) as copy,
        ):
            source.backup(copy)
    return copies


async def test_no_secret_and_nothing_personal_is_left_anywhere(
    tmp_path: Path,
    autojump_clock: MockClock,
    logged: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, temporary = tmp_path / "data", tmp_path / "temporary"
    temporary.mkdir()
    for variable in ("TMPDIR", "SQLITE_TMPDIR"):
        monkeypatch.setenv(variable, str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    persona = {"email": EMAIL, "password": PASSWORD, "device": DEVICE}

    def search_files() -> dict[str, list[str]]:
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        names = {path.name for path in files}
        assert {name for name in names if name.endswith(".db")} == DATABASES, "a new one, or none"
        found = {path.name: found_in(canaries.values, path.read_bytes()) for path in files}
        return {name: hits for name, hits in found.items() if hits}

    async with WholeHouse.open(root, **persona) as house:
        canaries = Canaries(house)
        canaries.keep()
        said = await go_through_everything(house, canaries)
        health = await house.call("AdminService/GetHealth", admin_pb2.GetHealthRequest())
        assert isinstance(health, Answered)
        assert house.incidents == []
        assert len(canaries.values) > 60, "or the protos have forgotten what is private"
        assert search_files() == {}
        logs = {path.name for path in root.glob("*-wal") if path.stat().st_size}
        assert logs >= {"journal.db-wal", "vault.db-wal"}, "or logs were not looked at"
        await trio.sleep(200)
        assert search_files() == {}
        told = "\n".join(house.world.told)
    assert search_files() == {}
    assert {path.name for path in copy_of(root, tmp_path / "backup").iterdir()} == DATABASES
    assert search_files() == {}
    for where, text in (
        ("log", "\n".join(logged)),
        ("refusals", "\n".join(said)),
        ("metrics", str(health)),
        ("system log", told),
    ):
        assert found_in(canaries.values, text.encode()) == [], where
    assert "signed by the Ed25519 key" in "\n".join(logged), "or nothing was listened to"


def test_the_search_finds_what_it_should() -> None:
    canaries = {"secret": b"canary-secret-1"}
    for form in (
        b"canary-secret-1",
        "canary-secret-1".encode("utf-16-le"),
        b"canary-secret-1".hex().encode(),
        base64.b64encode(b"canary-secret-1"),
        base64.b64encode(b"xcanary-secret-1y"),
        base64.urlsafe_b64encode(b"xxcanary-secret-1yy"),
    ):
        assert found_in(canaries, b"before" + form + b"after") == ["secret"], form
    assert found_in(canaries, b"canary-secret-2 and canary") == []
