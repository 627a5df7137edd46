"""A data directory looked at from outside: verify, replay, doctor.

The commands run here as they do in a shell, over a house that was made without a daemon.

Checked by breaking: a chain that is not compared, an index that is not counted, and a vault that is
not looked at, were each seen red.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest

from tests.research.learning import learned
from tests.storage.house import PURSES, House, apply
from xached import cli
from xached.domain.auth import AccountRegistered, EmailAddress, Role
from xached.domain.exchange import Exchange
from xached.house.recovery import open_house
from xached.research.models.registry import ModelRegistry
from xached.runtime.world import RealWorld
from xached.security.keys import Purpose, read_master_key
from xached.security.master import KeySource
from xached.storage.directory import DataDirectory, DataPaths
from xached.storage.journal import Journal
from xached.storage.snapshots import write_snapshot
from xached.storage.vault_rows import Put

ROWS = 400
PAPER_ROWS = 60


@attrs.frozen
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, with --json."""
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `xached` with these arguments."""

    def run_command(*arguments: str | Path) -> Ran:
        code = 0
        try:
            cli.app([str(each) for each in arguments])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run_command


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house of 400 rows with a snapshot of row 250, a person, and a paper exchange."""
    root = tmp_path_factory.mktemp("house") / "data"
    world, house = RealWorld(), House(5)
    with DataDirectory.open(root) as directory, ExitStack() as files:
        opened = open_house(directory.paths, world, accept_clock=False, files=files)
        account, keys = opened.credentials.new_account(
            EmailAddress("ann@house.example"), "a hash", frozenset({Role.USER}), 1
        )
        opened.vault.commit(
            [Put(account), *(Put(key) for key in keys)],
            [AccountRegistered(account_id=account.account_id, roles=account.roles)],
            1,
        )
        opened.journal.append(house.rows(250))
        key = read_master_key(directory.paths.master_key).derive(Purpose.JOURNAL_CHAIN)
        assert write_snapshot(directory.paths.journal, directory.paths.snapshots, key) is not None
        opened.journal.append(house.rows(ROWS - 250))
        paper_key = read_master_key(directory.paths.master_key).derive(Purpose.PAPER_CHAIN)
        with Journal.open(directory.paths.paper, paper_key, entropy=world.entropy) as paper:
            paper.append(House(6).rows(PAPER_ROWS))
    return root


@pytest.fixture
def data(original: Path, tmp_path: Path) -> Path:
    """A copy of the house, to be damaged."""
    copied = tmp_path / "data"
    shutil.copytree(original, copied)
    return copied


def change(path: Path, sql: str, values: Sequence[object] = ()) -> None:
    """Change a database behind the daemon's back."""
    connection = apsw.Connection(str(path))
    connection.execute(sql, tuple(values))
    connection.close()


def body_of(path: Path, seq: int) -> bytes:
    connection = apsw.Connection(str(path))
    body: bytes = connection.execute("SELECT body FROM rows WHERE seq = ?", (seq,)).get
    connection.close()
    return body


# --- verify ----------------------------------------------------------------------------------


def test_a_good_house_is_said_to_be_good(run: Run, data: Path) -> None:
    ran = run("verify", "--data", data)
    assert ran.code == 0, ran.err
    assert "everything holds" in ran.out
    found = run("verify", "--data", data, "--json").json
    assert (found["rows"], found["seq"], found["accounts"]) == (ROWS, ROWS, 1)
    assert found["paper_rows"] == PAPER_ROWS
    assert found["sums"] == {"BTC": "0", "USDT": "0"}
    assert found["faults"] == []
    assert len(found["chain"]) == 64


@pytest.mark.parametrize("seq", [1, PAPER_ROWS])
def test_paper_is_looked_at_too(run: Run, data: Path, seq: int) -> None:
    """Red when only the house's journal is."""
    ran = run("snapshot", "--paper", "--data", data)
    assert (ran.code, [DataPaths(data).paper_snapshots / f"{PAPER_ROWS:020d}.snapshot"]) == (
        0,
        list(DataPaths(data).paper_snapshots.iterdir()),
    )
    assert run("verify", "--data", data).code == 0
    path = DataPaths(data).paper
    body = bytearray(body_of(path, seq))
    body[len(body) // 2] ^= 1
    change(path, "UPDATE rows SET body = ? WHERE seq = ?", (bytes(body), seq))
    ran = run("verify", "--data", data, "--json")
    assert ran.code == 1
    assert all(fault.startswith("paper: ") for fault in ran.json["faults"]), ran.json
    assert any(f"row {seq}: " in fault for fault in ran.json["faults"]), ran.json


def test_what_is_known_of_strategies_is_looked_at_too(run: Run, data: Path) -> None:
    """Checked by leaving the file out of what is verified."""
    change(DataPaths(data).strategies, "CREATE TABLE more (x)")
    ran = run("verify", "--data", data, "--json")
    assert ran.code != 0
    assert ran.json["faults"] == ["strategies.db: its more is not as it was made"]


def test_the_models_that_the_house_trained_are_looked_at_too(run: Run, data: Path) -> None:
    """Checked by leaving them out of what is verified."""
    registry = ModelRegistry(DataPaths(data).models)
    model = learned()[2].model
    entry = registry.register("btc", model, fingerprint="f", metrics={"log_loss": 0.6})
    assert run("verify", "--data", data).code == 0
    about = registry.folder / entry.digest / "about.json"
    about.write_text(about.read_text().replace("0.6", "0.5"))
    ran = run("verify", "--data", data, "--json")
    assert ran.code != 0
    (fault,) = ran.json["faults"]
    assert fault.startswith(f"model {entry.digest[:12]} is damaged")


def test_a_house_without_paper_is_whole(run: Run, data: Path) -> None:
    DataPaths(data).paper.unlink()
    ran = run("verify", "--data", data, "--json")
    assert (ran.code, ran.json["paper_rows"]) == (0, 0)


@pytest.mark.parametrize("seq", [1, 17, 249, 300, ROWS])
def test_a_flipped_bit_is_found_and_its_row_named(run: Run, data: Path, seq: int) -> None:
    paths = DataPaths(data)
    body = bytearray(body_of(paths.journal, seq))
    body[len(body) // 2] ^= 1
    change(paths.journal, "UPDATE rows SET body = ? WHERE seq = ?", (bytes(body), seq))
    ran = run("verify", "--data", data, "--json")
    assert ran.code == 1
    assert any(f"row {seq}: " in fault for fault in ran.json["faults"]), ran.json
    assert f"row {seq}: " in run("verify", "--data", data).out


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM rows WHERE seq = 200", "row 200: missing"),
        ("DELETE FROM rows WHERE seq = 1", "row 1: missing"),
        ("UPDATE rows SET at_ns = at_ns + 1 WHERE seq = 60", "row 60: "),
        ("UPDATE rows SET seq = 9999 WHERE seq = 400", "row 9998: missing"),
        (
            "DELETE FROM ids WHERE id = (SELECT min(id) FROM ids)",
            "its id is not indexed as written",
        ),
        ("INSERT INTO ids VALUES ('o:x', 'y', 3, x'00')", "the ids: "),
        (
            "UPDATE ids SET seq = 3 WHERE id = (SELECT min(id) FROM ids)",
            "its id is not indexed as written",
        ),
        # The tail is gone and its ids too: only what was kept elsewhere can tell.
        (
            "DELETE FROM rows WHERE seq > 240; DELETE FROM ids WHERE seq > 240",
            "row 250: missing or not the one of the snapshot",
        ),
        ("DELETE FROM rows WHERE seq > 390", "the ids: "),
    ],
)
def test_rows_that_were_tampered_with(run: Run, data: Path, sql: str, said: str) -> None:
    change(DataPaths(data).journal, sql)
    ran = run("verify", "--data", data, "--json")
    assert ran.code == 1
    assert said in " ".join(ran.json["faults"])


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.9])
def test_a_truncated_journal_is_found(run: Run, data: Path, kept: float) -> None:
    path = DataPaths(data).journal
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(int(size * kept))
    ran = run("verify", "--data", data, "--json")
    assert ran.code == 1
    assert ran.json["faults"]


def test_a_journal_of_noise_is_found(run: Run, data: Path) -> None:
    DataPaths(data).journal.write_bytes(b"\x01" * 8_192)
    ran = run("verify", "--data", data, "--json")
    assert ran.code == 1
    assert "the journal: " in ran.json["faults"][0]


def test_a_damaged_snapshot_is_passed_over(run: Run, data: Path) -> None:
    (snapshot,) = DataPaths(data).snapshots.glob("*.snapshot")
    content = bytearray(snapshot.read_bytes())
    content[-1] ^= 1
    snapshot.write_bytes(content)
    assert run("verify", "--data", data).code == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE accounts SET roles = 63",
        "UPDATE user_keys SET created_at_ns = 7",
        "DELETE FROM user_keys",
        "DELETE FROM stream",
    ],
)
def test_a_vault_that_was_tampered_with(run: Run, data: Path, sql: str) -> None:
    change(DataPaths(data).vault, sql)
    ran = run("verify", "--data", data, "--json")
    assert ran.code == 1
    assert "the vault: " in ran.json["faults"][0]
    assert ran.json["rows"] == ROWS, "the journal is told all the same"


def test_the_key_may_come_from_a_credential_a_passphrase_or_in_development_the_environment(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = DataPaths(data).master_key
    secret = key.read_bytes()
    key.unlink()
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "xached.master-key").write_bytes(secret)
    (credentials / "xached.master-key").chmod(0o400)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert run("verify", "--data", data).code == 0
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    monkeypatch.setenv("XACHED_MASTER_KEY", secret.hex())
    ran = run("verify", "--data", data)
    assert ran.code == 2
    assert "say --dev" in ran.err
    assert secret.hex() not in ran.err
    assert run("verify", "--data", data, "--dev").code == 0
    assert run("doctor", "--data", data, "--dev").out.count("master key") == 1
    monkeypatch.delenv("XACHED_MASTER_KEY")


def test_a_house_of_a_passphrase(run: Run, tmp_path: Path) -> None:
    root, phrase = tmp_path / "data", "seven wet herons wait"
    source = KeySource(
        passphrase=lambda: phrase,
        passphrase_wanted=True,
        passphrase_cost=(1, 8192),
    )
    with DataDirectory.open(root) as directory, ExitStack() as files:
        open_house(directory.paths, RealWorld(), accept_clock=False, files=files, keys=source)

    def verify(said: bytes) -> Ran:
        theirs, ours = os.pipe()
        os.write(ours, said)
        os.close(ours)
        return run("verify", "--data", root, "--passphrase-fd", str(theirs))

    assert verify(phrase.encode() + b"\n").code == 0
    assert "not the passphrase of this house" in verify(b"seven dry herons wait").err
    assert "too short" in verify(b"").err
    assert "no passphrase can be read" in run("verify", "--data", root, "--passphrase-fd", "99").err
    assert "systemd-ask-password" in run("verify", "--data", root).err
    assert "from a passphrase" in run("doctor", "--data", root).out


def test_without_its_key_nothing_can_be_said(run: Run, data: Path) -> None:
    key = DataPaths(data).master_key
    secret = key.read_bytes()
    key.unlink()
    ran = run("verify", "--data", data)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"xached: {key} is missing: ")
    key.write_bytes(bytes(32))
    key.chmod(0o400)
    ran = run("verify", "--data", data)
    assert ran.code == 2
    assert "this is not the master key of this house" in ran.err
    # Without its name a wrong key is still found, by what it cannot check.
    DataPaths(data).master_id.unlink()
    ran = run("verify", "--data", data)
    assert ran.code == 2
    assert "the journal was written with another key" in ran.err
    key.chmod(0o600)
    key.write_bytes(secret)
    key.chmod(0o444)
    ran = run("verify", "--data", data)
    assert ran.code == 2
    assert "chmod 0400" in ran.err
    assert ran.err.count("\n") == 1


# --- replay ----------------------------------------------------------------------------------


def exchange_at(seq: int) -> tuple[Exchange, int]:
    """The exchange after a row, and when that was."""
    exchange, at_ns = Exchange(), 0
    for row in House(5).rows(seq):
        apply(exchange, row.events, row.seq, row.at_ns)
        at_ns = row.at_ns
    return exchange, at_ns


def hash_of(exchange: Exchange) -> str:
    text = json.dumps(exchange.snapshot(), sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@pytest.mark.parametrize("seq", [0, 1, 14, 123, ROWS])
def test_a_replay_is_the_exchange_after_that_row(run: Run, data: Path, seq: int) -> None:
    exchange, at_ns = exchange_at(seq)
    told = run("replay", "--data", data, "--at-seq", str(seq)).json
    assert (told["seq"], told["at_ns"], told["hash"]) == (seq, at_ns, hash_of(exchange))
    purses = {f"{each['account']}/{each['subaccount']}": each for each in told["purses"]}
    assert set(purses) == set(exchange.state.purses)
    if seq > 14:
        for purse in PURSES:
            assert purses[purse]["open_orders"] == len(exchange.state.purse(purse).open_orders)
        market = exchange.state.markets[next(iter(exchange.state.markets))]
        assert told["markets"]["BTC-USDT"] == {
            "state": market.effective_state().name, "open_orders": len(market.book),
        }  # fmt: skip
        assert {each["sum"] for each in told["assets"].values()} == {"0"}


def test_a_replay_without_a_place_is_the_newest_state(run: Run, data: Path) -> None:
    assert run("replay", "--data", data).json["hash"] == hash_of(exchange_at(ROWS)[0])


def test_a_replay_at_a_time_is_exact(run: Run, data: Path) -> None:
    # Rows are a millisecond apart, from 1970 on.
    for text, seq in (
        ("1970-01-01T00:00:00.100", 100),
        ("1970-01-01T00:00:00.099999", 99),
        ("1970-01-01T01:00:00.1+01:00", 100),
        ("1970-01-01", 0),
        (datetime.now(UTC).isoformat(), ROWS),
    ):
        told = run("replay", "--data", data, "--at-time", text).json
        assert told["seq"] == seq, text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at-seq", "401"), "there is no row 401: the journal ends at 400"),
        (("--at-seq", "-1"), "there is no row -1: the journal ends at 400"),
        (("--at-seq", "1", "--at-time", "2026-01-01"), "one of them"),
        (("--at-time", "yesterday"), "a time such as 2026-01-31T12:00:00"),
    ],
)
def test_a_replay_that_cannot_be(
    run: Run, data: Path, arguments: tuple[str, ...], said: str
) -> None:
    ran = run("replay", "--data", data, *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_replay_stops_at_damage(run: Run, data: Path) -> None:
    change(DataPaths(data).journal, "DELETE FROM rows WHERE seq = 200")
    assert run("replay", "--data", data, "--at-seq", "150").code == 0
    ran = run("replay", "--data", data)
    assert ran.code == 1
    assert "damaged: row 200: missing" in ran.err


# --- doctor ----------------------------------------------------------------------------------


def test_the_doctor_looks_at_everything(run: Run, data: Path) -> None:
    ran = run("doctor", "--data", data, "--json")
    checks = {check["name"]: check for check in ran.json}
    assert list(checks) == [
        "SQLite", "Python", "free space", "data directory", "master key", "strategies",
        "other plugins", "sandbox", "processors",
    ]  # fmt: skip
    for name in ("SQLite", "data directory", "master key", "strategies"):
        assert checks[name]["ok"], checks[name]
    assert "sma" in checks["strategies"]["found"]
    # Told by a child that was really started; "none" when it was not.
    assert checks["sandbox"]["found"].startswith("limits, privileges")
    assert "master key" in run("doctor", "--data", data).out


def test_the_doctor_needs_no_house(run: Run, tmp_path: Path) -> None:
    checks = {
        check["name"]: check for check in run("doctor", "--data", tmp_path / "no", "--json").json
    }
    assert checks["data directory"]["found"] == checks["master key"]["found"] == "will be made"
    assert not (tmp_path / "no").exists()


def test_a_key_that_others_can_read_is_a_finding(run: Run, data: Path) -> None:
    DataPaths(data).master_key.chmod(0o444)
    ran = run("doctor", "--data", data, "--json")
    assert ran.code == 1
    checks = {check["name"]: check for check in ran.json}
    assert not checks["master key"]["ok"]
    assert "chmod 0400" in checks["master key"]["found"]
    DataPaths(data).master_key.chmod(0o400)
    data.chmod(0o755)
    ran = run("doctor", "--data", data, "--json")
    assert ran.code == 1
    assert not {check["name"]: check for check in ran.json}["data directory"]["ok"]


# --- The first administrator, and what is no house. ------------------------------------------


def test_where_there_is_no_house_none_is_made(run: Run, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for arguments in (("admin", "bootstrap"), ("verify",), ("replay",)):
        ran = run(*arguments, "--data", nowhere)
        assert ran.code == 2, arguments
        assert ran.err.count("\n") == 1
        assert not nowhere.exists()


def test_a_new_token_replaces_the_one_before(run: Run, data: Path) -> None:
    first, second = (run("admin", "bootstrap", "--data", data).out.strip() for _ in range(2))
    assert len(first) > 40
    assert first != second
    assert run("verify", "--data", data).code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("demo", "--grpc", "7400"),
        ("demo", "--http", "127.0.0.1:99999"),
        ("demo", "--speed", "1000"),
        ("serve", "--config", "none.toml"),
    ],
)
def test_options_that_cannot_be(run: Run, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("xached: ")
    assert ran.err.count("\n") == 1
