"""Attacks on the audit, each on the file itself, and what ``xached verify --audit`` says of them.

Three attackers: one with the file alone, one who also has the keys of rows and chain but not the
one that signs, and one who puts an earlier directory back. What the second and third can do that
is not provable is asserted too, so that nobody believes more than holds.

Checked by breaking: without the comparison of signatures nothing of the second attacker is found;
without the comparison of anchors, nothing of the third.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.security.audited import ACTIONS, AuditedHouse, Row
from xached.commands.inspection import AuditVerification, checkpoints, public_key, verify_audit
from xached.domain import audit
from xached.domain.audit import AnchorUnreadable, Checkpoint, read_anchors
from xached.house.recovery import open_house
from xached.runtime.world import RealWorld
from xached.storage.directory import DataDirectory
from xached.storage.identity_codec import encode_identity_event
from xached.storage.journal import JournalDamaged
from xached.storage.vault_faults import VaultDamaged

ROWS = ACTIONS * 2 + ACTIONS // 5


@pytest.fixture
def house(tmp_path: Path) -> AuditedHouse:
    return AuditedHouse(tmp_path / "data")


@pytest.fixture
def anchor(house: AuditedHouse, tmp_path: Path) -> Path:
    """What the system's log was told, among other lines."""
    path = tmp_path / "anchors.log"
    path.write_text("\n".join(("Nov 22 host sshd[1]: hello", *house.lines, "")), "utf-8")
    return path


def verify(house: AuditedHouse, anchor: Path | None = None) -> AuditVerification:
    return verify_audit(house.paths.root, anchor)


def test_a_good_chain_is_said_to_be_good(house: AuditedHouse, anchor: Path) -> None:
    found = verify(house, anchor)
    assert found.faults == ()
    assert (found.rows, found.checkpoints, found.unsigned_rows) == (ROWS, ACTIONS // 5, 0)
    assert found.anchors == ACTIONS // 5
    assert found.freshness == f"not older than row {ROWS - 1}"
    assert verify(house).freshness == "not provable"
    assert house.lines[-1].endswith(found.newest_checkpoint)
    assert public_key(house.paths.root) == found.public_key == house.signer.public_key.hex()
    printed = list(checkpoints(house.paths.root))
    assert printed == [line.partition(": ")[2] for line in house.lines]


WITH_THE_FILE_ALONE = {
    "edit a payload": "UPDATE stream SET payload = CAST(payload || x'00' AS BLOB) WHERE seq = 7",
    "edit a time": "UPDATE stream SET at_ns = at_ns + 1 WHERE seq = 7",
    "edit the last row": f"UPDATE stream SET at_ns = at_ns + 1 WHERE seq = {ROWS}",
    "edit a chain value": "UPDATE stream SET chain = zeroblob(32) WHERE seq = 7",
    "delete a row": "DELETE FROM stream WHERE seq = 7",
    "delete a row and close the gap": """DELETE FROM stream WHERE seq = 7;
        UPDATE stream SET seq = seq - 1 WHERE seq > 7""",
    "delete a checkpoint": "DELETE FROM stream WHERE seq = 11",
    "insert a row": f"""INSERT INTO stream SELECT {ROWS + 1}, at_ns + 1, payload, chain
        FROM stream WHERE seq = 7""",
    "insert a row in between": """UPDATE stream SET seq = -seq - 1 WHERE seq > 7;
        UPDATE stream SET seq = -seq WHERE seq < 0;
        INSERT INTO stream SELECT 8, at_ns, payload, chain FROM stream WHERE seq = 7""",
    "swap two rows": """UPDATE stream SET seq = -7 WHERE seq = 7;
        UPDATE stream SET seq = 7 WHERE seq = 8; UPDATE stream SET seq = 8 WHERE seq = -7""",
    "swap two contents": """UPDATE stream SET payload = (SELECT payload FROM stream AS other
        WHERE other.seq = 15 - stream.seq) WHERE seq IN (7, 8)""",
    "cut the end off": f"DELETE FROM stream WHERE seq > {ROWS - 3}",
    "cut all off": "DELETE FROM stream",
    "forget where it ends": "DELETE FROM settings WHERE name = 'stream_head'",
    "say that it ends elsewhere": """UPDATE settings SET value =
        (SELECT CAST(x'0000000000000014' || chain AS BLOB) FROM stream WHERE seq = 20)
        WHERE name = 'stream_head'; DELETE FROM stream WHERE seq > 20""",
}


@pytest.mark.parametrize("attack", WITH_THE_FILE_ALONE)
def test_nothing_can_be_changed_without_a_key(house: AuditedHouse, attack: str) -> None:
    house.sql(WITH_THE_FILE_ALONE[attack])
    (fault, *_) = verify(house).faults
    assert "vault.db: " in fault


def drop(first: int, last: int) -> Callable[[list[Row]], list[Row]]:
    return lambda rows: rows[: first - 1] + rows[last:]


def forged_checkpoint(rows: list[Row]) -> list[Row]:
    """A checkpoint that the attacker signed with a key of their own."""
    event = audit.CheckpointSigned(
        audit_seq=len(rows),
        audit_chain=bytes(32),
        journal_seq=0,
        journal_chain=bytes(32),
        signature=bytes(64),
    )
    return [*rows, Row(rows[-1].at_ns + 1, encode_identity_event(event))]


WITH_THE_KEYS_OF_THE_CHAIN: dict[str, tuple[Callable[[list[Row]], list[Row]], bool]] = {
    # What is done, and whether it is found without an anchor.
    "edit a row": (lambda rows: [*rows[:6], Row(rows[6].at_ns, rows[7].payload), *rows[7:]], True),
    "delete a row": (drop(7, 7), True),
    "delete a checkpoint": (drop(11, 11), True),
    "delete a stretch and its checkpoint": (drop(12, 22), True),
    "insert a row": (lambda rows: [*rows[:7], rows[6], *rows[7:]], True),
    "swap two rows": (lambda rows: [*rows[:6], rows[7], rows[6], *rows[8:]], True),
    "repeat a checkpoint": (lambda rows: [*rows, rows[-1]], True),
    "sign with another key": (forged_checkpoint, True),
    "cut the end off": (drop(ROWS - 5, ROWS), False),
    "write the end anew": (
        lambda rows: [*rows[:-6], *(Row(row.at_ns, rows[0].payload) for row in rows[-6:])],
        False,
    ),
    "cut all off": (lambda _: [], False),
}


@pytest.mark.parametrize("attack", WITH_THE_KEYS_OF_THE_CHAIN)
def test_nothing_signed_can_be_changed_without_the_signing_key(
    house: AuditedHouse, anchor: Path, attack: str
) -> None:
    change, found_without_an_anchor = WITH_THE_KEYS_OF_THE_CHAIN[attack]
    house.write_anew(change)
    assert bool(verify(house).faults) is found_without_an_anchor
    assert verify(house, anchor).faults


def test_keys_of_the_chain_alone_leave_a_good_chain_good(house: AuditedHouse, anchor: Path) -> None:
    """Or the attacks above would be found for another reason."""
    house.write_anew(lambda rows: rows)
    assert verify(house, anchor).faults == ()


def test_a_house_that_goes_on_without_signing_is_found(
    house: AuditedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking every checkpoint away and writing on does not work for long."""
    monkeypatch.setattr(audit, "UNSIGNED_ROWS_MAX", 30)
    house.act(15, signing=False)
    assert verify(house).faults == ()
    house.act(1, signing=False)
    assert verify(house).faults == (
        f"vault.db: stream row {ROWS + 31}: 31 rows without a checkpoint",
    )


def test_a_directory_put_back_is_found_by_an_anchor_alone(
    house: AuditedHouse, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier"
    shutil.copytree(house.paths.root, earlier)
    house.act(5)
    anchor = tmp_path / "anchor"
    anchor.write_text("\n".join(house.lines), "utf-8")
    shutil.rmtree(house.paths.root)
    shutil.copytree(earlier, house.paths.root)
    found = verify(house)
    assert (found.faults, found.freshness) == ((), "not provable")
    faults = verify(house, anchor).faults
    assert any("vault.db" in fault and "put in its place" in fault for fault in faults)
    assert any("journal.db" in fault and "put in its place" in fault for fault in faults)


def test_a_journal_put_back_alone_is_found_without_an_anchor_and_at_the_start(
    house: AuditedHouse, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier.db"
    shutil.copy(house.paths.journal, earlier)
    house.act(5)
    shutil.copy(earlier, house.paths.journal)
    assert any("journal.db: row" in fault for fault in verify(house).faults)
    with DataDirectory.open(house.paths.root), pytest.raises(JournalDamaged, match="signed"):
        start(house)


def test_a_checkpoint_that_nobody_signed_is_found_at_the_start(house: AuditedHouse) -> None:
    house.write_anew(forged_checkpoint)
    with DataDirectory.open(house.paths.root), pytest.raises(VaultDamaged, match="did not sign"):
        start(house)


def start(house: AuditedHouse) -> None:
    with ExitStack() as files:
        open_house(house.paths, RealWorld(), accept_clock=False, files=files)


# --- anchors ---------------------------------------------------------------------------------


def test_an_anchor_of_another_house_or_of_nobody_is_no_proof(
    house: AuditedHouse, tmp_path: Path
) -> None:
    other = AuditedHouse(tmp_path / "other")
    anchor = tmp_path / "anchor"
    anchor.write_text(other.lines[0], "utf-8")
    assert any("was not signed by this house" in fault for fault in verify(house, anchor).faults)
    (good,) = read_anchors(house.lines[0])
    for changed in (
        house.lines[0].replace(f"audit={good.audit_seq}:", f"audit={good.audit_seq + 1}:"),
        house.lines[0].replace(f" at={good.at_ns} ", f" at={good.at_ns + 1} "),
    ):
        anchor.write_text(changed, "utf-8")
        assert any("was not signed" in fault for fault in verify(house, anchor).faults)


@pytest.mark.parametrize("cut", ["", "no checkpoint here\n", "whole[:-1]", "whole + 'f'"])
def test_an_anchor_that_cannot_be_read_is_refused(house: AuditedHouse, cut: str) -> None:
    whole = house.lines[0]
    text = {"whole[:-1]": whole[:-1], "whole + 'f'": whole + "f"}.get(cut, cut)
    with pytest.raises(AnchorUnreadable):
        list(read_anchors(text))


def test_a_checkpoint_survives_its_text() -> None:
    checkpoint = Checkpoint(
        house_id=b"h" * 16,
        at_ns=2**63 - 1,
        audit_seq=1,
        audit_chain=b"a" * 32,
        journal_seq=2**63 - 1,
        journal_chain=b"j" * 32,
        signature=b"s" * 64,
    )
    assert list(read_anchors(f"x {checkpoint.text} y\n")) == [checkpoint]
