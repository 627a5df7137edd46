"""The scrub finds what rotted in rows that nobody reads, a bounded number of them at a time.

Checked by leaving the journals, the tables, the indexes or the stream out: exactly their damage is
then not found.
"""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from trio.testing import MockClock

from tests.security.audited import ACTIONS, AuditedHouse
from tests.storage.house import House
from xached.actors.scrub import DamageFound, Scrub
from xached.domain.auth import EmailAddress, Role
from xached.runtime.world import SimulatedWorld
from xached.security.credentials import Credentials
from xached.security.keys import Purpose
from xached.storage.journal import Journal
from xached.storage.strategy_tables import StrategyTables
from xached.storage.vault_rows import Put

PEOPLE = 25
PAPER_ROWS = 30


@pytest.fixture
def house(tmp_path: Path) -> AuditedHouse:
    house = AuditedHouse(tmp_path / "data")
    world = SimulatedWorld(1)
    with closing(house.open_vault()) as vault:
        credentials = Credentials(
            house.master,
            house_id=vault.house_id,
            cost=world.argon2_cost,
            entropy=random.Random(1).randbytes,
        )
        for number in range(PEOPLE):
            email = EmailAddress(f"p{number}@house.example")
            account, keys = credentials.new_account(email, "hash", frozenset({Role.USER}), 1)
            vault.commit([Put(account), *(Put(key) for key in keys)], [], vault.last_at_ns + 1)
    with Journal.open(house.paths.paper, paper_key(house), entropy=world.entropy) as paper:
        paper.append(House(4).rows(PAPER_ROWS))
    return house


def paper_key(house: AuditedHouse) -> bytes:
    return house.master.derive(Purpose.PAPER_CHAIN)


async def scrubbed(house: AuditedHouse, turns_max: int = 200) -> int:
    """Look through all of it; how many turns it took. Raises: DamageFound."""
    world = SimulatedWorld(2)
    key = house.master.derive(Purpose.JOURNAL_CHAIN)
    with (
        Journal.open_read_only(house.paths.journal, key) as journal,
        Journal.open_read_only(house.paths.paper, paper_key(house)) as paper,
        closing(house.open_vault()) as vault,
        closing(StrategyTables.open(house.paths.strategies, journal.house_id)) as tables,
    ):
        lane = world.open_lane("scrub")
        journals = {"journal.db": journal, "paper.db": paper}
        scrub = Scrub(journals, lane, vault, lane, tables, rows=7)
        for turns in range(1, turns_max):
            if await scrub.turn():
                assert scrub.statistics().passes == 1
                return turns
    raise AssertionError("it never ends")


def change(path: Path, sql: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


async def test_a_good_house_is_looked_through_in_bounded_turns(
    house: AuditedHouse, autojump_clock: MockClock
) -> None:
    # Of seven rows each: the tables and the stream of the vault, the journal beside them.
    assert await scrubbed(house) >= (ACTIONS * 2 + PEOPLE * 3) // 7


@pytest.mark.parametrize(
    ("file", "sql", "said"),
    [
        (
            "journal.db",
            "UPDATE rows SET at_ns = at_ns + 1 WHERE seq = 9",
            "journal.db: from row 8 on: row 9: ",
        ),
        (
            "paper.db",
            "UPDATE rows SET at_ns = at_ns + 1 WHERE seq = 16",
            "paper.db: from row 15 on: row 16: ",
        ),
        ("journal.db", "DELETE FROM rows WHERE seq = 10", "row 10: missing"),
        ("journal.db", "DELETE FROM ids WHERE seq = (SELECT max(seq) FROM ids)", "is not indexed"),
        (
            "vault.db",
            """UPDATE accounts SET created_at_ns = 7
               WHERE account_id = (SELECT max(account_id) FROM accounts)""",
            "vault.db: a row of accounts was changed",
        ),
        (
            "vault.db",
            "UPDATE stream SET payload = x'00' WHERE seq = 20",
            "vault.db: the identity stream is broken at 20",
        ),
        ("vault.db", "DELETE FROM stream WHERE seq = 15", "stream is broken at 15"),
    ],
)
async def test_old_damage_is_found_and_named(
    house: AuditedHouse, autojump_clock: MockClock, file: str, sql: str, said: str
) -> None:
    change(house.paths.root / file, sql)
    with pytest.raises(DamageFound, match=said):
        await scrubbed(house)


async def test_an_index_that_lost_a_row_is_found(
    house: AuditedHouse, autojump_clock: MockClock
) -> None:
    """Its person could not log in any more, and no row says so."""
    connection = apsw.Connection(str(house.paths.vault))
    lookup: bytes = connection.execute("SELECT email_lookup FROM accounts LIMIT 1").get
    connection.close()
    content = bytearray(house.paths.vault.read_bytes())
    places = [at for at in range(len(content)) if content[at : at + len(lookup)] == lookup]
    assert len(places) == 2, "in the row and in the index"
    found = []
    for place in places:
        damaged = bytearray(content)
        damaged[place + 3] ^= 1
        house.paths.vault.write_bytes(damaged)
        with pytest.raises(DamageFound) as damage:
            await scrubbed(house)
        found.append(str(damage.value))
    assert any("an index of accounts" in text for text in found)
    assert any("a row of accounts" in text for text in found)
