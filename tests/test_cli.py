"""The daemon as a process: who may start it, how it says no, and how it ends.

Starting costs a second or two, so each test asks one house many things.

Checked by breaking, each seen red: a token made anew at every start, files made with the shell's
umask, a stop that cuts calls off, and a snapshot process that is not asked for.
"""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import attrs
import grpc
import pytest
from xache.v1 import admin_pb2, admin_pb2_grpc, trading_pb2, trading_pb2_grpc, types_pb2

from tests.faults.house import (
    CALL_S_MAX,
    PASSWORD,
    REPOSITORY,
    START_S_MAX,
    HouseProcess,
    Metadata,
    connected,
    limit,
    open_market,
    register,
    running,
    sign_in,
)
from tests.storage.house import House
from xached.domain.messages import AdvanceClock, ClockAdvanced, PlaceOrder, Row
from xached.house.recovery import NoHouse, first_admin, new_bootstrap_token, open_house
from xached.runtime.world import NS_PER_S, RealWorld
from xached.storage.directory import DataDirectory, DataPaths

ANN = "ann@house.example"
PATIENCE_S = 60.0
CONFIG = REPOSITORY / "config"


def xached(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `xached` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "xached", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        cwd=cwd,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command ended with, without the daemon's log."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if " INFO " not in line]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("xached: ")
    return lines[0].removeprefix("xached: ")


def another_config(root: Path, *, grpc_listen: str = "127.0.0.1:0", http: str = "") -> Path:
    """A configuration beside a house's own, for a data directory of its own."""
    text = (root / "xached.toml").read_text()
    text = text.replace('directory = "data"', 'directory = "other"')
    text = text.replace('"127.0.0.1:0"', f'"{grpc_listen}"', 1)
    if http:
        text = text.replace('[http]\nlisten = "127.0.0.1:0"', f'[http]\nlisten = "{http}"')
    path = root / "another.toml"
    path.write_text(text)
    return path


# --- One house, from its first start to its end. ---------------------------------------------


def check_refused_beside(house: HouseProcess) -> None:
    """What cannot be done while a house runs."""
    pid = house.process.pid
    own = house.root / "xached.toml"
    in_use = f"{house.data} is in use by process {pid}"
    assert refusal(xached("serve", "--config", own)) == in_use
    assert refusal(xached("admin", "bootstrap", "--data", house.data)) == in_use
    taken = another_config(house.root, grpc_listen=house.target)
    assert refusal(xached("serve", "--config", taken)) == f"cannot listen on {house.target}"
    http = house.http.removeprefix("http://")
    taken = another_config(house.root, http=http)
    expected = f"cannot listen on {http}: Address already in use"
    assert refusal(xached("serve", "--config", taken)) == expected
    certified = another_config(house.root)
    (house.root / "c.pem").write_text("not a certificate")
    both = '[grpc]\ncertificate = "c.pem"\nprivate_key = "c.pem"\n'
    certified.write_text(certified.read_text().replace("[grpc]\n", both))
    pem = house.root / "c.pem"
    expected = f"cannot listen on 127.0.0.1:0, or not with {pem} and its key {pem}"
    assert refusal(xached("serve", "--config", certified)) == expected


def check_private(data: Path) -> None:
    """Nobody else may read what the daemon made."""
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data.rglob("*")}
    found.pop("has-admin", None)  # Of the tests.
    assert {"journal.db", "vault.db", "views.db", "market.db", "admin.sock"} <= set(found)
    assert {name: oct(mode) for name, mode in found.items() if mode & 0o077} == {}


def check_admin_is_apart(house: HouseProcess, metadata: Metadata) -> None:
    """The public listener does not know the administrators' service; a trader may not use it."""
    request = admin_pb2.GetHealthRequest()
    with connected(house.target) as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetHealth(request, metadata=metadata, timeout=CALL_S_MAX)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    with connected(f"unix:{house.data / 'admin.sock'}") as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetHealth(request, metadata=metadata, timeout=CALL_S_MAX)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
        administrator = sign_in(channel, "admin@house.example")
        health = stub.GetHealth(request, metadata=administrator, timeout=CALL_S_MAX)
    actors = {actor.name: actor for actor in health.actors}
    assert {"matching", "sessions", "history", "market", "snapshots"} <= set(actors)
    assert {actor.state for actor in health.actors} == {"running"}
    figures = actors["matching"].statistics
    assert figures["rows"] > 0
    assert figures["mailbox_capacity"] == 4_096
    assert {"refused", "mailbox_refused", "feed_subscribers"} <= set(figures)
    assert health.journal_seq >= health.views_seq > 0


@attrs.define
class Traders:
    """Clients that place orders until the house is gone."""

    house: HouseProcess
    metadata: Metadata
    ends: Counter[grpc.StatusCode] = attrs.field(factory=Counter)
    accepted: set[str] = attrs.field(factory=set)
    lock: threading.Lock = attrs.field(factory=threading.Lock)
    enough: threading.Event = attrs.field(factory=threading.Event)
    watching: threading.Event = attrs.field(factory=threading.Event)
    last_words: str = ""
    """Why the house said that the stream ends."""

    def trade(self, name: str) -> None:
        """Place and cancel, one call after another."""
        with connected(self.house.target) as channel:
            stub = trading_pb2_grpc.TradingServiceStub(channel)
            for number in range(100_000):
                request = limit(f"{name}-{number}", types_pb2.SIDE_BUY, "59000", "0.001")
                try:
                    stub.PlaceOrder(request, metadata=self.metadata, timeout=CALL_S_MAX)
                    with self.lock:
                        self.accepted.add(request.client_order_id)
                    stub.CancelAllOrders(
                        trading_pb2.CancelAllOrdersRequest(),
                        metadata=self.metadata,
                        timeout=CALL_S_MAX,
                    )
                except grpc.RpcError as error:
                    with self.lock:
                        self.ends[error.code()] += 1
                    return
                if number == 20:
                    self.enough.set()

    def watch(self) -> None:
        """Hold a stream open."""
        with connected(self.house.target) as channel:
            stub = trading_pb2_grpc.TradingServiceStub(channel)
            try:
                for message in stub.WatchPurse(
                    trading_pb2.WatchPurseRequest(), metadata=self.metadata, timeout=PATIENCE_S
                ):
                    self.watching.set()
                    self.last_words = message.shutdown.reason
            except grpc.RpcError as error:
                with self.lock:
                    self.ends[error.code()] += 1


def check_stop(house: HouseProcess, metadata: Metadata) -> set[str]:
    """SIGTERM under load: every call is answered, or told to come again; what was accepted."""
    traders = Traders(house, metadata)
    threads = [
        threading.Thread(target=traders.watch),
        *(threading.Thread(target=traders.trade, args=(f"t{n}",)) for n in range(4)),
    ]
    for thread in threads:
        thread.start()
    assert traders.watching.wait(PATIENCE_S)
    assert traders.enough.wait(PATIENCE_S)
    assert house.stop() == 0
    for thread in threads:
        thread.join()
    assert traders.ends == {grpc.StatusCode.UNAVAILABLE: len(threads)}
    assert traders.last_words == "the house is closing"
    return traders.accepted


def accepted_orders(data: Path) -> set[str]:
    """Client order ids of every order in the journal."""
    with DataDirectory.open(data) as directory, ExitStack() as files:
        house = open_house(directory.paths, RealWorld(), accept_clock=False, files=files)
        return {
            row.command.client_order_id
            for row in house.journal.read()
            if isinstance(row.command, PlaceOrder)
        }


def test_a_house_lives_and_ends(tmp_path: Path) -> None:
    with running(tmp_path) as house:
        with connected(house.target) as channel:
            account = register(channel, ANN)
            open_market(house, [account])
            metadata = sign_in(channel, ANN)
        check_refused_beside(house)
        check_admin_is_apart(house, metadata)
        check_private(house.data)
        done = xached("verify", "--data", house.data)
        assert done.returncode == 0, done.stdout
        accepted = check_stop(house, metadata)
        assert accepted == accepted_orders(house.data), "a call was cut off"
    log = (tmp_path / "stderr.log").read_text()
    assert "incident" not in log
    assert "Traceback" not in log
    assert xached("verify", "--data", tmp_path / "data").returncode == 0
    assert "administrator already" in refusal(
        xached("admin", "bootstrap", "--data", tmp_path / "data")
    )


# --- The first administrator. ----------------------------------------------------------------


def bootstrap(house: HouseProcess, token: str) -> None:
    """Become the first administrator."""
    with connected(f"unix:{house.data / 'admin.sock'}") as channel:
        admin_pb2_grpc.AdminServiceStub(channel).BootstrapAdmin(
            admin_pb2.BootstrapAdminRequest(
                token=token, email="admin@house.example", password=PASSWORD
            ),
            timeout=CALL_S_MAX,
        )


def test_a_new_token_ends_the_one_before(tmp_path: Path) -> None:
    with running(tmp_path) as house:
        first = house.token
        assert len(first) > 40
        house.kill()
        second = xached("admin", "bootstrap", "--data", house.data)
        assert second.returncode == 0, second.stderr
    (tmp_path / "data" / "has-admin").unlink()  # The hint stands where the token stood.
    with running(tmp_path) as house:
        assert house.token == str(house.data)
        with pytest.raises(grpc.RpcError) as refused:
            bootstrap(house, first)
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        bootstrap(house, second.stdout.strip())
        assert house.stop() == 0


def test_a_token_is_shown_once_and_works_until_it_is_used(tmp_path: Path) -> None:
    world = RealWorld()

    def start() -> tuple[bool, str | None, bytes | None]:
        with DataDirectory.open(tmp_path) as directory, ExitStack() as files:
            house = open_house(directory.paths, world, accept_clock=False, files=files)
            told = first_admin(house, world.now_ns())
            return told.wanted, told.token, house.vault.setting("bootstrap_token")

    wanted, token, kept = start()
    assert wanted
    assert token is not None
    assert kept is not None
    assert token.encode() not in kept
    assert start() == (True, None, kept)
    new_bootstrap_token(tmp_path, world)
    assert start()[2] != kept
    with pytest.raises(NoHouse):
        new_bootstrap_token(tmp_path / "other", world)


# --- A clock that was set back, and a snapshot. ----------------------------------------------

SNAPSHOT_ROWS = 1_200


def make_house(data: Path, ahead_s: int) -> None:
    """A house of many rows whose last one is in the future."""
    with DataDirectory.open(data) as directory, ExitStack() as files:
        world = RealWorld()
        house = open_house(directory.paths, world, accept_clock=False, files=files)
        made = House(2)
        house.journal.append(made.rows(SNAPSHOT_ROWS))
        at_ns = world.now_ns() + ahead_s * NS_PER_S
        row = Row(
            seq=SNAPSHOT_ROWS + 1, at_ns=at_ns, command=AdvanceClock(), events=(ClockAdvanced(),)
        )
        house.journal.append([row])


def snapshot_seq(data: Path) -> int:
    """The row of the snapshot that a start would begin with."""
    with DataDirectory.open(data) as directory, ExitStack() as files:
        house = open_house(directory.paths, RealWorld(), accept_clock=True, files=files)
        house.exchange.check()
        return house.snapshot_seq


def write_config(root: Path) -> Path:
    """A configuration that lists what the test house has, and nothing else."""
    (root / "instruments.toml").write_text("")
    (root / "risk.toml").write_text("max_open_orders = 200\n")
    path = root / "xached.toml"
    path.write_text(
        """
[grpc]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[storage]
snapshot_rows = 1000
"""
    )
    return path


def wait_for_line(log: Path, text: str) -> None:
    """Wait until a log has a line."""
    deadline = time.monotonic() + PATIENCE_S
    while text not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def start(arguments: Sequence[str | Path], log: Path) -> subprocess.Popen[str]:
    """Run `xached` in the background, its log in a file."""
    with log.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "xached", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
        )


def test_a_journal_from_the_future_and_its_snapshot(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path)
    make_house(data, ahead_s=3_600)
    assert "s in the future; set the clock, or start with --accept-clock" in refusal(
        xached("serve", "--config", config)
    )
    log = tmp_path / "stderr.log"
    with start(("serve", "--config", config, "--accept-clock"), log) as process:
        try:
            # A start that had so much to replay has a snapshot made at once, beside it.
            wait_for_line(log, "INFO snapshot of row ")
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=START_S_MAX)
        finally:
            process.kill()
    assert process.returncode == 0
    assert output.startswith("READY grpc=")
    assert "snapshot" not in output, "the child wrote to the daemon's output"
    assert "recovered row 1201: " in log.read_text()
    newest = snapshot_seq(data)
    assert newest >= SNAPSHOT_ROWS + 1
    (file,) = DataPaths(data).snapshots.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert snapshot_seq(data) == 0
    file.unlink()
    assert snapshot_seq(data) == 0
    assert xached("verify", "--data", data).returncode == 0


# --- Configurations that cannot be. ----------------------------------------------------------


def test_rules_that_were_listed_otherwise_stop_the_start(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path)
    make_house(data, ahead_s=0)
    (tmp_path / "instruments.toml").write_text('[[asset]]\nname = "BTC"\nscale = 9\n')
    text = refusal(xached("serve", "--config", config))
    assert text == (
        "the asset is listed with another scale, which is fixed for ever: "
        "BTC scale 9; allowed: scale 8"
    )
    (tmp_path / "xached.toml").write_text("[grpc]\nlisten = 7400\n")
    text = refusal(xached("serve", "--config", "xached.toml", cwd=tmp_path))
    assert text == "xached.toml: grpc.listen: 7400 is not text"


def test_a_configured_strategy_has_its_purse_opened(tmp_path: Path) -> None:
    config = write_config(tmp_path)
    with config.open("a") as file:
        file.write("""
[[strategy]]
name = "dip"
plugin = "not-installed"
account = "abc"
subaccount = "dip"
settings = { symbol = "BTC-USDT" }
""")
    (tmp_path / "instruments.toml").write_text((CONFIG / "instruments.toml").read_text())
    process = start(["serve", "--config", config], tmp_path / "log")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("READY")
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)
    state = json.loads(xached("replay", "--data", tmp_path / "data").stdout)
    assert [(each["account"], each["subaccount"]) for each in state["purses"]] == [("abc", "dip")]


def test_the_module_runs(tmp_path: Path) -> None:
    done = xached("--version")
    assert done.returncode == 0
    assert done.stdout.strip()


def test_a_daemon_brings_no_test_framework_along() -> None:
    """``trio.testing`` imports pytest where it is installed."""
    loaded = (
        "import sys, xached.cli, xached.daemon; print({'pytest', 'hypothesis'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_a_snapshot_whose_daemon_has_ended_is_given_up_quietly(tmp_path: Path) -> None:
    """Its last words would stand in the output of the daemon, behind what that ended with."""
    ours, theirs = socket.socketpair()
    ours.close()
    command = [sys.executable, "-m", "xached", "snapshot", f"--data={tmp_path}"]
    with theirs:
        done = subprocess.run(
            [*command, f"--socket={theirs.fileno()}"],
            capture_output=True,
            text=True,
            pass_fds=[theirs.fileno()],
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
