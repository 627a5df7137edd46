"""The doctor with a configuration: what it asks of the machine is looked at, and found."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from threading import Thread

import attrs
import pytest
import trio.testing
from xache_sdk.seal import Layer

from tests.plugins.house import config as strategy_config
from tests.plugins.house import open_house, start_child, until
from xached.adapters.smtp import Protection, SmtpServer
from xached.commands.house_checks import Check, check_house, is_running
from xached.config.config import Config, GrpcConfig, HttpTls, MailConfig, default_house
from xached.runtime.supervise import ActorState
from xached.security.self_signed import ensure_self_signed
from xached.storage.directory import DataDirectory, DataPaths

DAY_NS = 86_400 * 10**9


def checks(config: Config, *, running: bool = False) -> dict[str, Check]:
    """By name."""
    return {each.name: each for each in check_house(config, running=running)}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Ports that are free, and nothing else."""
    return Config(
        data_dir=tmp_path, house=default_house(), grpc=GrpcConfig(listen="127.0.0.1:0"),
        http_listen="127.0.0.1:0",
    )  # fmt: skip


def test_everything_is_looked_at(config: Config) -> None:
    found = checks(config)
    assert list(found) == ["kernel", "clock", "gRPC port", "HTTP port", "mail"]
    assert found["gRPC port"].ok
    assert found["mail"].found == "not configured"
    assert "Landlock" in found["kernel"].found


def test_a_port_that_another_has_is_told_unless_the_house_runs(config: Config) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = attrs.evolve(config, http_listen=f"127.0.0.1:{other.getsockname()[1]}")
        assert not checks(taken)["HTTP port"].ok
        assert "in use" in checks(taken)["HTTP port"].found
        assert checks(taken, running=True)["HTTP port"].ok


def test_a_running_house_is_known_by_its_lock(tmp_path: Path) -> None:
    assert not is_running(tmp_path / "none")
    with DataDirectory.open(tmp_path / "data"):
        assert is_running(tmp_path / "data")
    assert not is_running(tmp_path / "data")


@pytest.fixture
def mail_server() -> Iterator[tuple[int, list[bytes]]]:
    """A port that greets with what is put into the list."""
    greeting: list[bytes] = []
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(greeting[0])

        thread = Thread(target=greet)
        thread.start()
        yield server.getsockname()[1], greeting
        thread.join()


@pytest.mark.parametrize(
    ("greeting", "ok"), [(b"220 mail\r\n", True), (b"HTTP/1.1 400\r\n", False)]
)
def test_the_mail_server_is_greeted(
    config: Config, mail_server: tuple[int, list[bytes]], greeting: bytes, ok: bool
) -> None:
    port, greetings = mail_server
    greetings.append(greeting)
    server = SmtpServer(host="127.0.0.1", port=port, protection=Protection.NONE)
    mail = MailConfig(
        server=server, sender="a@b.example", sender_name="x", require_verified_email=True
    )
    assert checks(attrs.evolve(config, mail=mail))["mail"].ok is ok


@pytest.mark.parametrize(("days_ago", "ok"), [(0, True), (10_000, False)])
def test_a_certificate_that_has_ended_is_told(
    config: Config, tmp_path: Path, days_ago: int, ok: bool
) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    ensure_self_signed(certificate, key, ["localhost"], time.time_ns() - days_ago * DAY_NS)
    grpc = GrpcConfig(listen="127.0.0.1:0", certificate=certificate, private_key=key)
    found = checks(attrs.evolve(config, grpc=grpc))["gRPC certificate"]
    assert found.ok is ok
    assert "ends on" in found.found
    key.write_text("no key")
    assert not checks(attrs.evolve(config, grpc=grpc))["gRPC certificate"].ok


@pytest.mark.parametrize(("days_ago", "ok"), [(0, True), (390, False)])
def test_a_certificate_of_the_house_s_own_making_is_looked_at(
    config: Config, days_ago: int, ok: bool
) -> None:
    """It is made anew at a start: a daemon that runs for a year keeps one that ends."""
    config = attrs.evolve(config, http=HttpTls(self_signed=True))
    assert "HTTP certificate" not in checks(config), "it is made by the first start"
    paths = DataPaths(config.data_dir)
    paths.root.mkdir(parents=True, exist_ok=True)
    ensure_self_signed(
        paths.http_certificate, paths.http_private_key, ["localhost"],
        time.time_ns() - days_ago * DAY_NS,
    )  # fmt: skip
    found = checks(config)["HTTP certificate"]
    assert found.ok is ok
    assert "makes another one when it starts" in found.advice


LACKING = """
daemon.sendall(b"\\x00\\x00\\x00\\x0c\\x3a\\x0a\\x12\\x08\\x08\\x06\\x12\\x04none")
"""
"""Sealed by nothing, and Landlock is lacking: there is none."""


async def test_a_child_that_is_held_too_loosely_says_why(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        house.around = attrs.evolve(house.around, sandbox_min=frozenset({Layer.FILES}))
        async with house.running(strategy_config(strategy=LACKING.strip())):
            await until(lambda: house.status().state is ActorState.FAILED)
            assert "lacks what the house requires: files (none)" in house.status().failure


def start_unsealable(entry_point: str) -> Sequence[str]:
    """A child that is told to take more memory than there are numbers for."""
    command = list(start_child(entry_point))
    command[command.index("--memory-bytes") + 1] = str(2**70)
    return command


async def test_a_child_that_cannot_seal_itself_says_why(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without ``reporting`` around ``seal`` all that is known is that it ended with 1."""
    async with open_house(tmp_path) as house:
        house.around = attrs.evolve(house.around, command=start_unsealable)
        async with house.running(strategy_config()):
            await until(lambda: house.status().state is ActorState.FAILED)
            assert "SANDBOX" in house.status().failure
