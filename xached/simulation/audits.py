"""What must hold and takes longer to find out: at each start, now and then, and at the end.

An audit looks at one moment, when the journal has everything that was decided. It reads the disk
as a second process would: through a copy of what is seen on it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

import trio

from xached.domain.exchange import Exchange
from xached.domain.order import Side
from xached.security.keys import Purpose, read_master_key
from xached.simulation.calls import Answered, Lost
from xached.simulation.checks import Checks
from xached.simulation.disk import DiskFiles, registered
from xached.simulation.firings import RuleChecks
from xached.simulation.machine import Life, Machine, Violation
from xached.simulation.paper import PaperChecks
from xached.simulation.people import People, Person
from xached.storage.journal import Journal, JournalDamaged
from xached.storage.snapshots import recover
from xached.storage.vault_faults import VaultDamaged
from xached.storage.views import Views

REPLAY = "replay"
CHAIN = "chain"
VIEWS = "views"
VAULT = "vault"
REPEATED = "repeated"
INVARIANTS = "invariants"

QUIET_S_MAX: Final = 30.0


class Audits:
    """The costly checks."""

    def __init__(
        self,
        machine: Machine,
        people: People,
        checks: Checks,
        paper: PaperChecks,
        directory: Path,
    ) -> None:
        self.made = 0
        self.rules = RuleChecks(people)
        self._paper = paper
        self._machine = machine
        self._people = people
        self._checks = checks
        self._replica, self._replica_seq = Exchange(), 0
        self._rebuilt, self._rebuilt_life = directory / "rebuilt.db", 0

    async def audit(self) -> None:
        """Look at everything, unless the daemon ends meanwhile. Raises: Violation."""
        life = self._machine.life
        if life is None or not await self._wait_quiet(life):
            return
        self.made += 1
        self._check_disk(life)
        self._check_vault(life)
        await self._check_views(life)
        await self._paper.audit(life)
        if await self._wait_quiet(life):
            self.rules.audit(life, self._checks.rows, self._paper.rows)

    async def repeat(self, count: int) -> None:
        """Send some of the answered requests again: the answers are the first ones."""
        draw = self._people.draw
        for person in (self._people.admin, *self._people.traders):
            told = [*person.acknowledged, *person.paper]
            for each in draw.sample(told, min(count, len(told))):
                result = await self._machine.call(each.path, each.body, person.token)
                if isinstance(result, Answered) and result.body != each.answer:
                    raise Violation(REPEATED, f"{each} was answered with {result.body!r}")

    async def settle(self, person: Person) -> None:
        """Ask again for whatever was never answered, until each has an outcome."""
        while person.unknown:
            method, body = person.unknown.pop()
            result = await self._people.send(person, method, body)
            if isinstance(result, Lost):
                await trio.sleep(0.2)

    async def _wait_quiet(self, life: Life) -> bool:
        """Wait until everything that was decided is in the journal; False when it ended first."""
        with trio.move_on_after(QUIET_S_MAX):
            while self._machine.life is life and not life.world.frozen:
                await self._checks.look()
                if self._is_quiet(life):
                    return True
                await trio.sleep(0.001)
        return False

    def _is_quiet(self, life: Life) -> bool:
        """Whether the journal has every row that was applied, and all are published."""
        files = life.house.files
        journal = files.journal
        if files.exchange.state.now_ns != journal.last_at_ns:
            return False
        return len(self._checks.rows) == journal.last_seq

    def _check_disk(self, life: Life) -> None:
        """All rows, the snapshot and the rows since, and the live state are one."""
        paths, exchange = life.house.paths, life.house.files.exchange
        _check_invariants(exchange)
        self._check_oracle(exchange)
        key = read_master_key(paths.master_key).derive(Purpose.JOURNAL_CHAIN)
        seen = self._machine.disk.as_seen()
        with (
            registered(seen) as vfs,
            Journal.open_read_only(
                paths.journal, key, locking_mode="exclusive", vfs=vfs
            ) as journal,
        ):
            if journal.last != life.house.files.journal.last:
                raise Violation(CHAIN, "another process sees other rows than were written")
            report = journal.verify()
            if not report.ok:
                raise Violation(CHAIN, f"{report.faults}")
            live = exchange.snapshot()
            if self._replayed().snapshot() != live:
                raise Violation(REPLAY, "the rows give another state than the live one")
            try:
                recovered = recover(paths.snapshots, key, journal, DiskFiles(seen, vfs))
            except JournalDamaged as damage:
                raise Violation(REPLAY, str(damage)) from None
            if recovered.exchange.snapshot() != live:
                raise Violation(
                    REPLAY, f"snapshot {recovered.from_seq} and its tail give another state"
                )

    def _replayed(self) -> Exchange:
        """The exchange that all rows give, from the first on: each was compared with the disk."""
        for row in self._checks.rows[self._replica_seq :]:
            for event in row.events:
                self._replica.apply(event, row.seq, row.at_ns)
        self._replica_seq = len(self._checks.rows)
        return self._replica

    def _check_oracle(self, exchange: Exchange) -> None:
        for symbol, market in exchange.state.markets.items():
            for side in Side:
                found, wanted = market.book.queue(side), self._checks.oracle.queue(symbol, side)
                if found != wanted:
                    raise Violation(
                        "priority", f"{symbol} {side.name} is {found}, should be {wanted}"
                    )

    @staticmethod
    def _check_vault(life: Life) -> None:
        try:
            life.house.files.vault.verify()
        except VaultDamaged as damage:
            raise Violation(VAULT, str(damage)) from None

    async def _check_views(self, life: Life) -> None:
        """What people read of the past is what the rows say, projected anew."""
        seq = life.house.files.journal.last_seq
        history = life.house.history
        with trio.move_on_after(QUIET_S_MAX):
            while history.as_of_seq < seq:
                if self._machine.life is not life or life.world.frozen:
                    return
                await trio.sleep(0.01)
        if history.as_of_seq < seq:
            raise Violation(VIEWS, f"history stands at {history.as_of_seq}, not at {seq}")
        await self._checks.look()
        if self._machine.life is not life or life.world.frozen:
            return
        files = life.house.files
        live, as_of_seq = _dump(life.house.paths.views), history.as_of_seq
        if self._rebuilt_life != life.number:
            # Anew for each daemon; until its end only what has come is added, all at once.
            self._rebuilt_life = life.number
            for suffix in ("", "-wal", "-shm"):
                self._rebuilt.with_name(self._rebuilt.name + suffix).unlink(missing_ok=True)
        views = Views.open(self._rebuilt, files.journal.house_id, as_of_seq)
        try:
            views.project(self._checks.rows[views.as_of_seq : as_of_seq])
        finally:
            views.close()
        rebuilt = _dump(self._rebuilt)
        for table, content in live.items():
            if content != rebuilt[table]:
                raise Violation(VIEWS, f"{table} of row {as_of_seq} is another when made anew")


def _check_invariants(exchange: Exchange) -> None:
    try:
        exchange.check()
    except AssertionError as error:
        raise Violation(INVARIANTS, f"{error!r}") from error


def _dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()  # noqa: S608 - its own names
            for (table,) in names.fetchall()
        }
    finally:
        connection.close()
