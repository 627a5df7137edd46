"""What every area of the sessions actor works with: the vault, steps, and whose turn it is.

A :class:`Step` collects what one batch of messages, or one turn of a loop or worker, changes: rows
of the vault, events of its stream, and effects on tables in memory. It is committed in one
transaction, then its effects are made visible, then its messages are answered. Rows that another
loop acts on later, such as a mail in the outbox, are put in the same step, and the loop is woken
by an effect.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias, TypeVar, TypeVarTuple

import attrs
import trio

from xached.actors.sessions.noting import ORIGIN, Notary
from xached.domain.activity import Origin
from xached.domain.auth import Account, Impediment, UserKey
from xached.domain.identity import IdentityEvent, VaultRow
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.runtime.world import World
from xached.security.credentials import Credentials
from xached.security.passwords import new_salt
from xached.storage.vault import Vault
from xached.storage.vault_rows import Change, Drop, Put

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


@attrs.define
class Step:
    """What one batch, or one turn, changes: written first, then shown.

    What a message has put in stays there when the message is refused in the end, so that a
    refusal can end a session. An area checks all it must before it puts anything in.
    """

    at_ns: int
    changes: list[Change] = attrs.field(factory=list)
    events: list[IdentityEvent] = attrs.field(factory=list)
    origins: list[Origin | None] = attrs.field(factory=list)
    """Where each event comes from."""
    effects: list[Callable[[], None]] = attrs.field(factory=list)

    def put(self, row: VaultRow) -> None:
        """Insert a row, or replace the one with its key."""
        self.changes.append(Put(row))

    def drop(self, row: VaultRow) -> None:
        """Delete the row with this row's key."""
        self.changes.append(Drop(row))

    def record(self, event: IdentityEvent) -> None:
        """Have the stream say what happened."""
        self.events.append(event)
        self.origins.append(ORIGIN.get())

    def afterwards(self, effect: Callable[[], None]) -> None:
        """Run once all of it is on disk, before anybody is answered. It must not raise."""
        self.effects.append(effect)


TakeBack: TypeAlias = Callable[[AccountId, Step], Awaitable[None]]
"""Takes back all that waits to weaken an account, or to end it."""


class DeskCore:
    """Vault, credentials and the world, shared by the areas of one desk."""

    def __init__(
        self,
        vault: Vault,
        credentials: Credentials,
        world: World,
        *,
        proof_needed: bool = False,
    ) -> None:
        """``proof_needed``: who has not proved their address may read, and little else."""
        self._proof_needed = proof_needed
        self.vault = vault
        self.credentials = credentials
        self.world = world
        self._notary = Notary(vault, credentials)
        self.lane = world.open_lane("vault")
        """The vault's thread. Every use of the vault goes through it."""
        self._hash_lanes = [
            world.open_lane(f"hash {number}") for number in range(world.hash_workers)
        ]
        # Whoever holds it may decide. First come, first served.
        self._turn = trio.StrictFIFOLock()
        self.committed = trio.Event()
        """Set, and replaced, with every commit."""
        self._last_at_ns = vault.last_at_ns
        self._last_monotonic_ns = world.monotonic_ns()

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[Step]:
        """Be the only one who decides; at the end commit what the step holds.

        For loops and workers, and never within a turn: ``decide`` is given its step. When it
        ends with an exception nothing of it is committed.
        """
        async with self._turn:
            step = self._begin()
            yield step
            await self.commit(step)

    async def commit(self, step: Step) -> None:
        """Write what the step holds so far, then show it; the step goes on empty.

        An area needs this only to read what an earlier message of the same batch has changed.

        Raises: VaultFailed.
        """
        if step.changes or step.events:
            await self.lane.run(self._commit, step)
            self.committed.set()
            self.committed = trio.Event()
        for effect in step.effects:
            effect()
        step.changes, step.events, step.origins, step.effects = [], [], [], []

    def standing(self, account: Account) -> frozenset[Impediment]:
        """What stands against an account in this house."""
        return account.standing(proof_needed=self._proof_needed)

    async def read_account(self, account_id: AccountId) -> tuple[Account, list[UserKey]]:
        """An account and its keys. Raises: Rejection UNKNOWN_ACCOUNT."""
        account, keys = await self.lane.run(self._read_by_id, account_id)
        if account is None:
            raise Rejection(Reason.UNKNOWN_ACCOUNT, "there is no such account")
        return account, keys

    async def read_by_email(self, email_lookup: bytes) -> tuple[Account | None, list[UserKey]]:
        """The account with this address, if any, and its keys."""
        return await self.lane.run(self._read_by_email, email_lookup)

    async def hash_password(self, password: str) -> str:
        """Hash a password: tens of milliseconds. For hash workers only."""
        salt = new_salt(self.credentials.entropy)
        return await self._hash(self.credentials.passwords.hash, password, salt)

    async def verify_password(self, password: str, stored: str) -> bool:
        """Tell whether it is the password: as long as a hash. For hash workers only."""
        return await self._hash(self.credentials.passwords.verify, password, stored)

    async def _hash(
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        # As many as workers, so there is always one. Their niceness is that of the loop: a nicer
        # thread that is not let run while it holds the interpreter's lock stops trading too.
        lane = self._hash_lanes.pop()
        try:
            return await lane.run(function, *arguments)
        finally:
            self._hash_lanes.append(lane)

    def now_ns(self) -> int:
        """The time as the next step will have it, or a little less. For checks before a hash."""
        return max(self.world.now_ns(), self._last_at_ns)

    def close(self) -> None:
        """Let the vault's thread end."""
        self.lane.close()
        for lane in self._hash_lanes:
            lane.close()

    def _commit(self, step: Step) -> None:
        recorded = list(zip(step.events, step.origins, strict=True))
        entries = self._notary.entries(step.changes, recorded, step.at_ns)
        self.vault.commit([*step.changes, *entries], step.events, step.at_ns)

    def _begin(self) -> Step:
        # The stream's time never goes back, whatever the wall clock does. Nor does it stand still
        # until a clock that was set back has caught up, or the grace of an old refresh token would
        # last as long: it goes on at half speed.
        monotonic_ns = self.world.monotonic_ns()
        passed_ns = monotonic_ns - self._last_monotonic_ns
        self._last_monotonic_ns = monotonic_ns
        self._last_at_ns = max(self.world.now_ns(), self._last_at_ns + passed_ns // 2 + 1)
        return Step(self._last_at_ns)

    def _read_by_id(self, account_id: AccountId) -> tuple[Account | None, list[UserKey]]:
        return self.vault.account(account_id), self.vault.user_keys(account_id)

    def _read_by_email(self, email_lookup: bytes) -> tuple[Account | None, list[UserKey]]:
        account = self.vault.account_by_email(email_lookup)
        return account, [] if account is None else self.vault.user_keys(account.account_id)
