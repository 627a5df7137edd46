"""What is left of a person in the files of a whole house, once their erasure is over.

Checked by breaking, each seen red: an erasure that leaves what strategies saved, what was recorded
of them, or how they were judged; one that looks for the strategy as it is now only, not as it was
in earlier editions; and a house that is killed before it, whose next start forgets the names first.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import compliance_pb2, strategy_pb2

from tests.security.whole_house import Credential, WholeHouse, whole_house
from xached.actors.sessions import erasure
from xached.domain.erasure import ERASURE_DELAY_NS
from xached.runtime.world import REAL_FILES
from xached.storage.directory import DataPaths
from xached.storage.recordings import OPEN, PACKED, RecordingKind, recording_name, run_subject
from xached.storage.strategy_states import SavedState, StrategyStates

MINUTE_S = 60.0
ALICE, BOB = "alice@people.example", "bob@people.example"


@pytest.fixture
def opened() -> Iterator[list[apsw.Connection]]:
    """The connections that the daemon opens to strategies.db."""
    found: list[apsw.Connection] = []

    def see(connection: apsw.Connection) -> None:
        if connection.filename.endswith("/strategies.db"):
            found.append(connection)

    apsw.connection_hooks.append(see)
    yield found
    apsw.connection_hooks.remove(see)


async def robot_of(
    house: WholeHouse, email: str, opened: list[apsw.Connection]
) -> tuple[Credential, str]:
    """Somebody with a strategy in its second edition, and what the strategy is called."""
    account_id = await house.register(email)
    who, _ = await house.login(email)
    terms = strategy_pb2.CreateStrategyRequest(
        name="robot",
        plugin="nowhere",
        symbols=["BTC-USDT"],
        settings_json="{}",
        budget_asset="USDT",
        budget="100",
        loss_limit="10",
    )
    await house.ask("StrategyService/CreateStrategy", terms, who)
    revoked = strategy_pb2.RevokeStrategyRequest(name="robot")
    await house.ask("StrategyService/RevokeStrategy", revoked, who)
    await house.ask("StrategyService/CreateStrategy", terms, who)
    # Nobody is told what it is called: it is read behind the daemon's back.
    wanted = "SELECT strategy_id FROM strategies WHERE account_id = ?"
    ((strategy_id,),) = opened[-1].execute(wanted, (account_id,)).fetchall()
    return who, str(strategy_id)


def write_files(paths: DataPaths, strategy_id: str) -> None:
    """What a strategy leaves in files when it has run, in both editions, on paper and live."""
    paths.certificates.mkdir(exist_ok=True)
    for seat in seats(strategy_id):
        saved = SavedState(plugin="nowhere", version=1, state_json="{}", saved_at_ns=1)
        StrategyStates(paths.strategy_states, REAL_FILES).write(seat, saved)
        for suffix in (OPEN, PACKED):
            name = recording_name(RecordingKind.INPUTS, run_subject(seat, "run"), 1, suffix)
            (paths.recordings / name).write_bytes(b"alice/bot-robot")
        for suffix in (".json", ".txt"):
            (paths.certificates / f"{run_subject(seat, '')}1{suffix}").write_bytes(b"robot")


def seats(strategy_id: str) -> Iterator[str]:
    for edition in ("", "-2"):
        yield strategy_id + edition
        yield strategy_id + edition + " on paper"


def files_of(paths: DataPaths) -> dict[str, int]:
    folders = (paths.strategy_states, paths.recordings, paths.certificates)
    return {folder.name: len(list(folder.iterdir())) for folder in folders}


async def ask_to_leave(house: WholeHouse, who: Credential) -> None:
    leave = compliance_pb2.RequestErasureRequest(forfeit=True)
    proven = await house.stepped_up("ComplianceService/RequestErasure", leave, who)
    await house.ask("ComplianceService/RequestErasure", leave, proven)


async def test_no_file_of_a_strategy_outlives_its_owners_erasure(
    autojump_clock: MockClock, tmp_path: Path, opened: list[apsw.Connection]
) -> None:
    paths = DataPaths(tmp_path)
    of_one = {"strategy_states": 4, "recordings": 8, "certificates": 8}
    async with whole_house(tmp_path) as house:
        alice, hers = await robot_of(house, ALICE, opened)
        _, his = await robot_of(house, BOB, opened)
        for strategy_id in (hers, his):
            write_files(paths, strategy_id)
        assert files_of(paths) == {name: 2 * count for name, count in of_one.items()}
        await ask_to_leave(house, alice)
        house.world.shift_clock(ERASURE_DELAY_NS)
        await trio.sleep(MINUTE_S)
        assert files_of(paths) == of_one
        assert StrategyStates(paths.strategy_states, REAL_FILES).read(his) is not None


async def test_what_is_due_at_the_start_is_as_thorough(
    autojump_clock: MockClock,
    tmp_path: Path,
    opened: list[apsw.Connection],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before strategies are looked after."""
    monkeypatch.setattr(erasure, "ERASURE_DELAY_NS", 1)
    paths = DataPaths(tmp_path)
    async with whole_house(tmp_path) as house:
        alice, hers = await robot_of(house, ALICE, opened)
        write_files(paths, hers)
        await ask_to_leave(house, alice)
        assert all(files_of(paths).values()), "it is over already"
    async with whole_house(tmp_path, seed=2):
        await trio.sleep(MINUTE_S)
        assert set(files_of(paths).values()) == {0}
