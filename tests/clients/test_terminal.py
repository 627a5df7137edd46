"""The ``xache`` command in a terminal: what is drawn in place, cut to fit, asked for and typed."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import attrs
import pytest
from xache.v1 import market_pb2, trading_pb2, types_pb2

from tests.clients.command import PATIENCE_S, PROGRAM, Run, runner
from tests.clients.house import EMAIL, NOW_NS, PASSWORD, XACHE, House, bought, check


@pytest.fixture
def signed_in(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    run = runner(house, capsys)
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    assert run("login", EMAIL).code == 0
    return run


@attrs.frozen
class Terminal:
    """A command in a terminal of its own."""

    process: subprocess.Popen[bytes]
    descriptor: int

    def read_until(self, text: str) -> str:
        """What appears up to a text, without colours."""
        seen = ""
        while text not in seen:
            try:
                chunk = os.read(self.descriptor, 65_536)
            except OSError:  # The last program on the terminal has left.
                break
            seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", chunk.decode(errors="replace"))
            seen = seen.replace("\r\n", "\n")
        return seen

    def end(self) -> int:
        """Wait for the end: the exit code."""
        rest = self.read_until("never printed")
        assert "Traceback" not in rest
        return self.process.wait(timeout=PATIENCE_S)


StartInTerminal = Callable[..., Terminal]


@pytest.fixture
def start_in_terminal(house: House) -> Iterator[StartInTerminal]:
    """Start a command in a terminal of its own; none outlives the test."""
    terminals: list[Terminal] = []

    def start_in_terminal(*arguments: str) -> Terminal:
        outer, inner = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *arguments, "--target", house.target],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env={**os.environ, "COLUMNS": "80", "LINES": "40", "TERM": "xterm-256color"},
        )
        os.close(inner)
        terminals.append(Terminal(process, outer))
        return terminals[-1]

    yield start_in_terminal
    for terminal in terminals:
        terminal.process.kill()
        terminal.process.wait()
        os.close(terminal.descriptor)


def test_columns_that_do_not_fit_into_a_terminal_are_named(
    house: House, signed_in: Run, start_in_terminal: StartInTerminal
) -> None:
    house.answers["ListFills"] = trading_pb2.ListFillsResponse(fills=bought().fills)
    terminal = start_in_terminal("fills")
    seen = terminal.read_until("too narrow: value, as.")
    assert "61388.03    0.0008  0.04911042  simulated" in seen
    assert max(map(len, seen.splitlines())) <= 80
    assert terminal.end() == 0


def test_a_live_book_is_drawn_in_place_with_own_orders(
    house: House, signed_in: Run, start_in_terminal: StartInTerminal
) -> None:
    snapshot = market_pb2.WatchBookResponse(
        symbol="BTC-USDT",
        source=XACHE,
        sequence=1,
        at_ns=NOW_NS,
        snapshot=market_pb2.BookSnapshot(bids=[market_pb2.BookLevel(price="9.00", quantity="2")]),
    )
    change = market_pb2.WatchBookResponse(
        symbol="BTC-USDT",
        source=XACHE,
        first_sequence=2,
        sequence=2,
        at_ns=NOW_NS,
        change=market_pb2.BookChange(asks=[market_pb2.BookLevel(price="9.50", quantity="1")]),
    )
    order = types_pb2.Order(price="9.00", leaves_quantity="0.5")
    house.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(orders=[order])
    house.streams["WatchBook"] = [[check(snapshot, "9.00:2"), check(change, "9.50:1,9.00:2")]]
    terminal = start_in_terminal("book", "BTC-USDT", "--live")
    # It is drawn again and again: each of these is there in the end.
    for shown in ("XACHE simulated", "yours", "spread 0.50", "  0.5"):
        assert shown in terminal.read_until(shown)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0


def test_a_password_is_asked_for_without_showing_it(
    house: House, start_in_terminal: StartInTerminal
) -> None:
    terminal = start_in_terminal("login", EMAIL)
    terminal.read_until("Password: ")
    os.write(terminal.descriptor, f"{PASSWORD}\n".encode())
    seen = terminal.read_until("signed in to")
    assert PASSWORD not in seen
    assert terminal.end() == 0


def test_the_screen_of_a_house_is_drawn_until_q(
    house: House, signed_in: Run, start_in_terminal: StartInTerminal
) -> None:
    terminal = start_in_terminal("top", "btc-usdt")
    assert "open orders" in terminal.read_until("open orders")
    os.write(terminal.descriptor, b"q")
    assert terminal.end() == 0


def test_the_screen_ends_with_its_terminal(
    house: House, signed_in: Run, start_in_terminal: StartInTerminal
) -> None:
    """Checked: without its look at the terminal it runs on, drawing for nobody."""
    terminal = start_in_terminal("top")
    assert "open orders" in terminal.read_until("open orders")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, terminal.descriptor)
    os.close(nowhere)
    assert terminal.process.wait(timeout=PATIENCE_S) == -signal.SIGHUP


def test_a_screen_needs_a_terminal_and_a_market(
    house: House, signed_in: Run, start_in_terminal: StartInTerminal
) -> None:
    ran = signed_in("top")
    assert ran.code == 2
    assert "xache watch --json" in ran.err
    terminal = start_in_terminal("top", "DOGE-USDT")
    assert "no market DOGE-USDT; there are: BTC-USDT" in terminal.read_until("BTC-USDT\n")
    assert terminal.end() == 2
