"""A flipped bit anywhere in a journal or the vault, audit included, is found, or changes nothing.

Found means: at the start, or as everything is looked through once; with the file and the place.
What is not found must read exactly as before: the bit was in space that nothing uses.

Checked by leaving out the chain of the journal, the MAC of rows, the check of the schema and that
of the indexes: with each of them something reads otherwise and nobody says so.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.security.audited import AuditedHouse
from tests.storage.house import House
from xached.domain.auth import EmailAddress, Role
from xached.runtime.world import SimulatedWorld
from xached.security.checkpoints import Signer
from xached.security.credentials import Credentials
from xached.security.keys import Purpose
from xached.storage.database import DatabaseRefused
from xached.storage.journal import Journal, JournalDamaged, JournalFailed
from xached.storage.vault import Vault
from xached.storage.vault_checks import ScrubPlace
from xached.storage.vault_faults import VaultDamaged, VaultFailed, VaultUnusable
from xached.storage.vault_rows import Put

LONG = bool(os.environ.get("XACHE_LONG"))
FLIPS = 1_000 if LONG else 150
"""For each of the files."""

PEOPLE = 40
PAPER_ROWS = 60
PLACE = re.compile(
    r"stream row|row \d+|from row|a row of \w+|text of \w+|table \w+|stream is broken at \d+"
    r"|stream holds at \d+|stream ends at \d+|vault's \w+|index of \w+|format \d+|another key"
    r"|its house|cannot (be read|open)|not a database|malformed|journal_mode|wal"
)
"""How a place is named; where SQLite cannot say more, that it is the file."""

FOUND = (
    JournalDamaged, JournalFailed, DatabaseRefused, VaultDamaged, VaultFailed, VaultUnusable,
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> AuditedHouse:
    """Actions, people and rows of the exchange; closed, so that all is in the files."""
    house = AuditedHouse(tmp_path_factory.mktemp("flips") / "data")
    world = SimulatedWorld(1)
    with closing(house.open_vault()) as vault:
        credentials = Credentials(
            house.master,
            house_id=vault.house_id,
            cost=world.argon2_cost,
            entropy=random.Random(1).randbytes,
        )
        for number in range(PEOPLE):
            account, keys = credentials.new_account(email(number), "x", frozenset({Role.USER}), 1)
            vault.commit([Put(account), *(Put(key) for key in keys)], [], vault.last_at_ns + 1)
    with Journal.open(house.paths.paper, paper_key(house), entropy=world.entropy) as paper:
        paper.append(House(4).rows(PAPER_ROWS))
    return house


def paper_key(house: AuditedHouse) -> bytes:
    return house.master.derive(Purpose.PAPER_CHAIN)


def email(number: int) -> EmailAddress:
    return EmailAddress(f"p{number}@house.example")


def look_at_journal(path: Path, house: AuditedHouse) -> None:
    """Start with it, and look through it once."""
    is_paper = path.name == house.paths.paper.name
    key = paper_key(house) if is_paper else house.master.derive(Purpose.JOURNAL_CHAIN)
    with Journal.open(path, key, entropy=bytes) as journal:
        seq = journal.scrub(1, 8)
        while seq != 1:
            seq = journal.scrub(seq, 8)


def look_at_vault(path: Path, house: AuditedHouse) -> None:
    """Start with it, and look through it once."""
    vault = Vault.open(path, row_key=house.row_key, stream_key=house.stream_key, new_house_id=bytes)
    with closing(vault):
        newest = vault.newest_checkpoint()
        if newest is None or not Signer(house.master).is_genuine(newest):
            raise VaultDamaged("the newest checkpoint: the stream row is not signed")
        place: ScrubPlace | None = ScrubPlace()
        while place is not None:
            place = vault.scrub(place, 8)


def rows_of(path: Path) -> Iterator[Any]:
    """All that can be read of a file, by rows and by every index."""
    connection = apsw.Connection(str(path))
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
    ).fetchall()
    for (table,) in tables:
        yield table, connection.execute(f'SELECT * FROM "{table}" ORDER BY 1').fetchall()
        for (index,) in connection.execute(
            "SELECT name FROM pragma_index_list(?) WHERE origin <> 'pk' AND NOT partial ORDER BY 1",
            (table,),
        ).fetchall():
            by_index = f'SELECT * FROM {table} INDEXED BY "{index}" ORDER BY 1'
            yield index, connection.execute(by_index).fetchall()
    connection.close()


def fault_of(
    look: Callable[[Path, AuditedHouse], None], path: Path, house: AuditedHouse
) -> str | None:
    """What is said to be wrong; None when nothing is."""
    try:
        look(path, house)
    except FOUND as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", ["journal.db", "paper.db", "vault.db"])
def test_every_flipped_bit_is_found_or_changes_nothing(
    house: AuditedHouse, tmp_path: Path, name: str
) -> None:
    look = look_at_vault if name == "vault.db" else look_at_journal
    original = house.paths.root / name
    content = original.read_bytes()
    log = original.with_name(f"{name}-wal")
    assert not log.exists() or log.stat().st_size == 0
    flipped = tmp_path / name
    draw, found = random.Random(7), 0
    flipped.write_bytes(content)
    look(flipped, house)
    as_written = list(rows_of(flipped))
    for number in range(FLIPS):
        damaged = bytearray(content)
        at, bit = draw.randrange(len(damaged)), draw.randrange(8)
        damaged[at] ^= 1 << bit
        for path in tmp_path.iterdir():
            path.unlink()
        flipped.write_bytes(damaged)
        said = fault_of(look, flipped, house)
        found += said is not None
        where = f"flip {number} at {at}.{bit}: {said}"
        if said is None:
            assert list(rows_of(flipped)) == as_written, where
        else:
            assert PLACE.search(said), where
    # The rest of a small database is unused space.
    assert found > FLIPS // 8
