"""The audit: actions with a role of the house, failed logins, and who signs the chain.

Every event of every area goes into the one chain of the vault. This area adds what no other one
knows, and signs a checkpoint of the chain within a minute of any row and every ten thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, assert_never

import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.audit import (
    CHECKPOINT_ROWS,
    CHECKPOINT_S,
    ActionAsked,
    ActionEnded,
    ActionNoted,
    AskAction,
    AuditMessage,
    AuditReply,
    CallsDenied,
    Checkpoint,
    DenialTally,
    EndAction,
    LoginsFailed,
    LoginTally,
    SignCheckpoint,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Rejection
from xached.domain.sealed import Sealed
from xached.security.checkpoints import Signer
from xached.security.sealing import KeyDestroyed, Place, key_id_of

ChainHead: TypeAlias = Callable[[], tuple[int, bytes]]
"""Where the journal ends on disk: the sequence and the chain value of its newest row."""


def address_place(row: str, account_id: AccountId) -> Place:
    """Where the address of a row of the stream is sealed for. Its key outlives a profile."""
    return Place("stream", "address", row, account_id)


class AuditArea:
    """Decides the messages of the audit, and keeps the chain signed."""

    def __init__(self, core: DeskCore, signer: Signer, journal_head: ChainHead) -> None:
        self._core = core
        self._signer = signer
        self._journal_head = journal_head
        self._failed = LoginTally()
        self.denials = DenialTally()
        """Calls that the edge did not let in; it counts them here."""
        self._signed_seq = -1
        self.checkpoints = 0
        """Checkpoints signed since the start."""
        self.untold = 0
        """Of those, how many the system's log did not take."""

    async def load(self) -> None:
        """Sign what the last life of the house left unsigned."""
        newest = await self._core.lane.run(self._core.vault.newest_checkpoint)
        # The row of a checkpoint is signed by the next one; by itself it is no reason for it.
        self._signed_seq = newest.audit_seq + 1 if newest is not None else 0
        async with self._core.turn() as step:
            await self._sign(step)

    async def watch(self) -> None:
        """Tell what failed and what was denied, and sign, once a minute."""
        while True:
            await trio.sleep(CHECKPOINT_S)
            async with self._core.turn() as step:
                await self._tell_failed(step)
                await self._tell_denied(step)
                await self._sign(step)

    async def watch_rows(self) -> None:
        """Sign when many rows have come since the last checkpoint."""
        while True:
            await self._core.committed.wait()
            if self._core.vault.head[0] - self._signed_seq >= CHECKPOINT_ROWS:
                async with self._core.turn() as step:
                    await self._sign(step)

    def login_failed(self, address: str, account_id: AccountId) -> None:
        """Count a failed login; it is told within a minute. ``account_id`` is empty for nobody's.

        So are a wrong code at its second step, and one that should have set a new password. It is
        the one thing that is not written before its answer: who tries passwords must not make the
        chain grow with each try.
        """
        self._failed.add(address, account_id)

    async def decide(self, message: AuditMessage, step: Step) -> AuditReply:
        """Decide a message; nothing is refused."""
        match message:
            case AskAction():
                return await self._ask(message, step)
            case EndAction():
                step.record(
                    ActionEnded(
                        action_id=message.action_id,
                        outcome=message.outcome,
                        journal_seq=message.journal_seq,
                    )
                )
                return ActionNoted(action_id=message.action_id)
            case SignCheckpoint():
                await self._tell_failed(step)
                await self._tell_denied(step)
                await self._sign(step)
                return ActionNoted(action_id="")
            case _:
                assert_never(message)

    async def _ask(self, message: AskAction, step: Step) -> AuditReply:
        action_id = self._core.credentials.new_session_id()
        step.record(
            ActionAsked(
                action_id=action_id,
                method=message.method,
                by=message.by,
                session_id=message.session_id,
                address=await self._seal(message.address, message.by, action_id),
            )
        )
        return ActionNoted(action_id=action_id)

    async def _tell_failed(self, step: Step) -> None:
        for (address, account_id), count in self._failed.take().items():
            mark = self._signer.mark(address)
            step.record(
                LoginsFailed(
                    count=count,
                    account_id=account_id,
                    address_mark=mark,
                    address=await self._seal(address, account_id, mark.hex()),
                )
            )

    async def _tell_denied(self, step: Step) -> None:
        for (address, account_id), denials in self.denials.take().items():
            mark = self._signer.mark(address)
            step.record(
                CallsDenied(
                    count=denials.count,
                    account_id=account_id,
                    refusals=tuple(denials.refusals),
                    address_mark=mark,
                    address=await self._seal(address, account_id, mark.hex()),
                )
            )

    async def _seal(self, address: str, account_id: AccountId, row: str) -> Sealed | None:
        if not account_id or not address:
            return None
        try:
            _, keys = await self._core.read_account(account_id)
        except Rejection:
            return None
        place = address_place(row, account_id)
        try:
            sealed = self._core.credentials.seal_for_compliance(address.encode(), place, keys)
        except KeyDestroyed:
            return None
        return Sealed(key_id=key_id_of(sealed).hex(), ciphertext=sealed)

    async def _sign(self, step: Step) -> None:
        """Sign what is not signed yet, in a row of its own."""
        await self._core.commit(step)
        audit_seq, audit_chain = self._core.vault.head
        if audit_seq <= self._signed_seq:
            return
        journal_seq, journal_chain = self._journal_head()
        checkpoint = self._signer.sign(
            Checkpoint(
                house_id=self._core.vault.house_id,
                at_ns=step.at_ns,
                audit_seq=audit_seq,
                audit_chain=audit_chain,
                journal_seq=journal_seq,
                journal_chain=journal_chain,
            )
        )
        step.record(checkpoint.event)
        await self._core.commit(step)
        self._signed_seq = audit_seq + 1
        self.checkpoints += 1
        self.untold += not self._core.world.tell_system(checkpoint.text)
