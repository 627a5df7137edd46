"""A house, a client of it that does not really wait, and a home of one's own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import attrs
import pytest
from xache.client import Client
from xache.errors import XacheError

from tests.clients.browsing import FAILED
from tests.clients.house import EMAIL, NOW_NS, PASSWORD, House, open_house


@attrs.define
class Waits:
    """What a client waited for, in place of waiting."""

    seconds: list[float] = attrs.field(factory=list)
    errors: list[XacheError] = attrs.field(factory=list)

    def say(self, error: XacheError, _wait_s: float) -> None:
        """Take what the client says before a wait."""
        self.errors.append(error)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a fixture know whether the test failed that it was for."""
    report = yield
    if report.when == "call":
        item.stash[FAILED] = report.failed
    return report


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees or writes the files and settings of whoever runs it."""
    for name in (
        "XACHE_TARGET",
        "XACHE_PASSWORD",
        "XACHE_SUBACCOUNT",
        "XACHE_CA",
        "XACHE_KEY",
        "XACHE_CODE",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


@pytest.fixture
def house() -> Iterator[House]:
    with open_house() as house:
        yield house


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(house: House, waits: Waits) -> Iterator[Client]:
    """Signed out, with tokens in memory."""
    with Client(
        house.target, now_ns=lambda: NOW_NS, sleep=waits.seconds.append, on_wait=waits.say
    ) as client:
        yield client


@pytest.fixture
def signed_in(client: Client) -> Client:
    client.auth.login(EMAIL, PASSWORD)
    return client
