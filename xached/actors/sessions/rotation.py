"""Rotation of the house's sealing keys, while everything else goes on.

Every step is a commit of its own and leaves the vault whole, so a crash at any point costs nothing:
the next start sees the epochs and goes on. See ``domain/key_epochs.py``.
"""

from __future__ import annotations

import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.outbox import Outbox
from xached.actors.sessions.resealing import Resealing
from xached.domain.auth import Setting, UserKey
from xached.domain.key_epochs import (
    KEY_EPOCHS,
    KeyEpochBegun,
    KeyEpochs,
    KeyEpochsRetired,
    KeysRotating,
    RotateUserKeys,
    RotationMessage,
    RotationReply,
)
from xached.storage.vault_tables import EMAIL_PROOFS, OUTBOX

REWRAP_BATCH = 64
"""About 5 ms of the vault's writer."""

RETIRED_KEPT_S = 120.0
"""Longer than anybody holds a row that was read: a login waits a second for its hash."""


class RotationArea:
    """Decides when a rotation begins, and carries it through."""

    def __init__(self, core: DeskCore, resealing: Resealing, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._resealing = resealing
        self._wanted = trio.Event()
        self._rewrapped = 0

    async def load(self) -> None:
        """Go on with the rotation that the last process did not finish."""
        if self._core.credentials.ring.epochs.rotating:
            self._wanted.set()

    async def decide(self, message: RotationMessage, step: Step) -> RotationReply:
        """Begin a rotation unless one is at work. Raises: Rejection UNKNOWN_ACCOUNT."""
        if isinstance(message, RotateUserKeys):
            return await self._resealing.begin(message, step)
        ring = self._core.credentials.ring
        # One that an earlier message of this batch began shows once it is committed.
        await self._core.commit(step)
        epochs = ring.epochs
        if not epochs.rotating:
            epochs = epochs.begun()
            self._rewrapped = 0
            step.put(_setting(epochs))
            step.record(KeyEpochBegun(epoch=epochs.newest, by=message.by))
            begun = epochs
            step.afterwards(lambda: ring.use(begun))
            step.afterwards(self._wanted.set)
        return KeysRotating(newest=epochs.newest, rewrapped=self._rewrapped)

    async def run(self) -> None:
        """Renew the wraps of a rotation, and retire what is not needed any more; for ever."""
        ring = self._core.credentials.ring
        while True:
            await self._wanted.wait()
            await self._rewrap()
            await self._renew_letters()
            await self._renew_requests()
            async with self._core.turn() as step:
                settled = ring.epochs.settled()
                step.put(_setting(settled))
                step.record(KeyEpochsRetired(epoch=settled.newest))
                step.afterwards(self._settle)
            await trio.sleep(RETIRED_KEPT_S)
            ring.forget_retired()

    def _settle(self) -> None:
        ring = self._core.credentials.ring
        ring.use(ring.epochs.settled())
        self._wanted = trio.Event()

    async def _rewrap(self) -> None:
        core, after = self._core, b""
        while True:
            async with core.turn() as step:
                rows = await core.lane.run(core.vault.user_keys_after, after, REWRAP_BATCH)
                renewed = await core.world.run_in_thread(self._renewed, rows)
                for row in renewed:
                    step.put(row)
            self._rewrapped += len(renewed)
            if not rows:
                return
            after = rows[-1].key_id

    async def _renew_letters(self) -> None:
        core, after = self._core, ""
        while True:
            async with core.turn() as step:
                rows = await core.lane.run(core.vault.rows_after, OUTBOX, after, REWRAP_BATCH)
                for mail in rows:
                    self._outbox.renew(mail, step)
            if not rows:
                return
            after = rows[-1].mail_id

    async def _renew_requests(self) -> None:
        core, after = self._core, b""
        seal = core.credentials.outbox
        while True:
            async with core.turn() as step:
                rows = await core.lane.run(core.vault.rows_after, EMAIL_PROOFS, after, REWRAP_BATCH)
                for proof in rows:
                    if not seal.is_current(proof.sealed):
                        step.put(seal.renewed_proof(proof))
            if not rows:
                return
            after = rows[-1].proof_id

    def _renewed(self, rows: list[UserKey]) -> list[UserKey]:
        credentials = self._core.credentials
        ring = credentials.ring
        return [
            ring.rewrapped(row, credentials.entropy) for row in rows if not ring.is_current(row)
        ]


def _setting(epochs: KeyEpochs) -> Setting:
    return Setting(name=KEY_EPOCHS, value=epochs.encode())
