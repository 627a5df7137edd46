"""The desk: takes what comes, has the right area decide it, commits, shows, answers.

The actor is the only writer of the vault and of the table of live sessions. A change is decided
against memory and vault, committed, made visible in the tables, and only then answered; a batch
is one commit.

Each area of identity is a file of this package with one class that gets the :class:`DeskCore`. To
add an area:

1. Its messages, replies, rows and events are frozen classes in a flat file of ``domain``; their
   unions are added to those of ``domain/identity.py``. A row gets its table in
   ``storage/vault_tables.py``, an event its code in ``storage/identity_codec.py``.
2. Its class has ``async def decide(message, step) -> reply``, with a ``match`` over its own
   messages. It reads the vault by ``core.lane.run(core.vault...)``, raises Rejection, and puts
   rows, events and effects in the step; sessions begin and end through :class:`LiveSessions` only.
3. What must hash a password is decided by a hash worker instead: ``check_form(message)`` refuses
   early, ``async def finish(message) -> reply`` hashes first and then decides within
   ``async with core.turn() as step``, checking again what may have changed meanwhile.
4. What it must read at the start is an ``async def load()``; what it does by itself is a loop.
   Both are named in :class:`SessionDesk`, where its messages get a line in ``_decide`` too.

An area that works outside the vault (sends mail, asks another actor) writes down what it intends
in the step, and a loop of its own does it, again after a restart; see ``purses.py``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeGuard, assert_never

import attrs
import outcome
import trio

from xached.actors.sessions.accounts import AccountArea
from xached.actors.sessions.activity import ActivityArea
from xached.actors.sessions.audit import AuditArea, ChainHead
from xached.actors.sessions.casework import CaseArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.devices import Devices
from xached.actors.sessions.email_changes import EmailChanges
from xached.actors.sessions.erasure import CloseAccount, ErasureArea
from xached.actors.sessions.guards import GuardArea
from xached.actors.sessions.hashing import HashQueue
from xached.actors.sessions.keys import KeyArea
from xached.actors.sessions.kyc import KycArea, SetLevel
from xached.actors.sessions.live import LiveSessions
from xached.actors.sessions.logins import LoginArea
from xached.actors.sessions.noting import from_origin
from xached.actors.sessions.operators import OperatorArea
from xached.actors.sessions.outbox import Outbox
from xached.actors.sessions.oversight import OversightArea
from xached.actors.sessions.profiles import ProfileArea
from xached.actors.sessions.proofs import Proofs
from xached.actors.sessions.purses import OpenPurse, Purses
from xached.actors.sessions.recovery import RecoveryArea
from xached.actors.sessions.resealing import Resealing
from xached.actors.sessions.rotation import RotationArea
from xached.actors.sessions.screening import Screening
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.actors.sessions.staff import StaffArea
from xached.domain.activity import ActivityMessage
from xached.domain.api_keys import KeyMessage, KeyTable
from xached.domain.audit import AuditMessage
from xached.domain.auth import AccountMessage, BootstrapAdmin, Login, LoginMessage, Register
from xached.domain.cases import CaseMessage
from xached.domain.erasure import ErasureMessage
from xached.domain.guarding import AllowTable, GuardMessage
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.key_epochs import RotationMessage
from xached.domain.kyc import KycMessage
from xached.domain.mail import MailMessage
from xached.domain.operators import OperatorMessage
from xached.domain.order import AccountId
from xached.domain.oversight import OversightMessage
from xached.domain.profile import ProfileMessage
from xached.domain.recovery import (
    ChangePassword,
    FinishRecovery,
    HashedRecoveryMessage,
    RecoveryMessage,
)
from xached.domain.rejection import Rejection
from xached.domain.second_factor import SecondFactorMessage, StepUpByPassword, StepUpGrants
from xached.domain.sessions import AAL2, SessionLimits, SessionTable
from xached.domain.staff import StaffMessage
from xached.runtime.mailbox import Closed, Envelope, Mailbox, Overloaded
from xached.runtime.world import World
from xached.security.checkpoints import Signer
from xached.security.credentials import Credentials
from xached.storage.vault import Vault

BATCH_MAX = 64

HashedMessage: TypeAlias = (
    Register | Login | BootstrapAdmin | StepUpByPassword | HashedRecoveryMessage
)
"""What a hash worker decides."""

HouseMessage: TypeAlias = (
    RotationMessage
    | MailMessage
    | CaseMessage
    | StaffMessage
    | AuditMessage
    | OperatorMessage
    | OversightMessage
)
"""What the house and those who work for it ask."""


@attrs.frozen(kw_only=True)
class SessionsStatistics:
    """What the actor holds and has done since it started."""

    live_sessions: int
    hash_queue: int
    hash_shed: int
    logins: int
    logins_failed: int
    accounts_opened: int
    purses_unopened: int
    outbox: int
    notices_dropped: int
    api_keys: int
    people_unscreened: int
    accounts_erased: int
    checkpoints: int
    checkpoints_untold: int
    logins_delayed: int
    codes_wrong: int


async def run_sessions(
    inbox: Mailbox[AuthMessage, AuthReply],
    desk: SessionDesk,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until the mailbox is closed. Started once all live sessions are in the table.

    Vital: VaultFailed, VaultDamaged and bugs end the daemon.
    """
    try:
        await desk.load()
        async with trio.open_nursery() as background:
            for loop in desk.loops:
                background.start_soon(loop)
            async with trio.open_nursery() as workers:
                for _ in range(desk.hash_queue.workers):
                    workers.start_soon(desk.hash_queue.work)
                task_status.started()
                await desk.serve(inbox)
                desk.hash_queue.close()
            background.cancel_scope.cancel()
    finally:
        desk.close()


class SessionDesk:
    """The areas of the sessions actor. Its tasks are started by :func:`run_sessions`."""

    def __init__(
        self,
        *,
        vault: Vault,
        credentials: Credentials,
        table: SessionTable,
        key_table: KeyTable,
        allow_table: AllowTable,
        world: World,
        open_purse: OpenPurse,
        set_level: SetLevel,
        close_account: CloseAccount,
        signer: Signer,
        journal_head: ChainHead,
        ring_mailer: Callable[[], None] | None = None,
        grants: StepUpGrants | None = None,
        confirm_email: bool = False,
        limits: SessionLimits = AAL2,
    ) -> None:
        """Put the areas together.

        Args:
            ring_mailer: says that there is a letter; None in a house without mail.
            confirm_email: accounts are opened by a code from a letter only.
        """
        assert ring_mailer is not None or not confirm_email
        self._confirm_email = confirm_email
        self.grants = StepUpGrants() if grants is None else grants
        """Fresh proofs, for the edge to look up."""
        table.on_end(lambda session_id, _cause: self.grants.forget_session(session_id))
        self.core = DeskCore(vault, credentials, world, proof_needed=confirm_email)
        self._audit = AuditArea(self.core, signer, journal_head)
        self.denials = self._audit.denials
        """Calls that were not let in, for the edge to count."""
        self._live = LiveSessions(self.core, table, limits)
        self._purses = Purses(self.core, open_purse)
        self.outbox = Outbox(self.core, ring_mailer)
        self._accounts = AccountArea(self.core, self._live, self._purses, self._take_back)
        devices = Devices(self.core)
        self._factors = factor = SecondFactorArea(
            self.core, self._live, self.outbox, self.grants, devices, self._audit
        )
        self._proofs = Proofs(self.core, self.outbox)
        email = EmailChanges(self.core, self._live, self._proofs, self.outbox)
        self._guards = GuardArea(self.core, self._accounts, email, factor, self.outbox, allow_table)
        self._recovery = RecoveryArea(
            self.core,
            self._accounts,
            self._factors,
            self._purses,
            self.outbox,
            self._proofs,
            self._audit,
        )
        self._keys = KeyArea(self.core, key_table, self.outbox)
        self._live.on_account_change(self._keys.account_changed)
        self._screening = Screening(self.core)
        self._kyc = KycArea(self.core, self._screening, set_level)
        self._cases = CaseArea(self.core, self._screening)
        forget = (self.outbox.forget, self._keys.forget, self._guards.forget)
        self._erasure = ErasureArea(self.core, self._live, self.outbox, close_account, forget)
        self._resealing = Resealing(self.core, (self._live, self._keys, self._guards))
        self._rotation = RotationArea(self.core, self._resealing, self.outbox)
        self._activity = ActivityArea(self.core)
        self._profiles = ProfileArea(self.core)
        self._staff = StaffArea(self.core, self._live)
        self._oversight = OversightArea(self.core, self._live, proof_needed=confirm_email)
        self._operators = OperatorArea(self.core, self._factors, self._audit)
        self._logins = LoginArea(self.core, self._live, self._audit, self._factors, devices)
        self.hash_queue = HashQueue(self._finish, world.hash_workers)

    def on_account_change(self, watcher: Callable[[AccountId], None]) -> None:
        """Have every account told whose roles or impediments changed, once that is on disk.

        A watcher must neither block nor raise.
        """
        self._live.on_account_change(lambda account: watcher(account.account_id))

    @property
    def loops(self) -> Sequence[Callable[[], Awaitable[None]]]:
        """What areas do by themselves, for ever."""
        return (
            self._logins.sweep,
            self._activity.sweep,
            self._keys.sweep,
            self._guards.run,
            self._purses.resend,
            self._screening.run,
            self._kyc.send_levels,
            self._kyc.drop_unfinished,
            self._erasure.run,
            self._rotation.run,
            self._resealing.run,
            self._audit.watch,
            self._audit.watch_rows,
        )

    def statistics(self) -> SessionsStatistics:
        """Tell what the actor holds and has done."""
        return SessionsStatistics(
            live_sessions=len(self._live.book),
            hash_queue=len(self.hash_queue),
            hash_shed=self.hash_queue.shed,
            logins=self._logins.logins,
            logins_failed=self._logins.logins_failed,
            accounts_opened=self._accounts.opened,
            purses_unopened=len(self._purses),
            outbox=len(self.outbox),
            notices_dropped=self.outbox.dropped,
            api_keys=len(self._keys),
            people_unscreened=len(self._screening),
            accounts_erased=self._erasure.erased,
            checkpoints=self._audit.checkpoints,
            checkpoints_untold=self._audit.untold,
            logins_delayed=self._logins.throttle.refused,
            codes_wrong=self._factors.failures,
        )

    async def load(self) -> None:
        """Bring back from the vault what the areas keep in memory."""
        await self._logins.load()
        await self._purses.load()
        await self.outbox.load()
        await self._proofs.load()
        await self._keys.load()
        await self._guards.load()
        await self._screening.load()
        await self._kyc.load()
        await self._rotation.load()
        await self._resealing.load()
        await self._audit.load()

    async def serve(self, inbox: Mailbox[AuthMessage, AuthReply]) -> None:
        """Answer what comes; hand over to the workers what needs a hash."""
        while True:
            try:
                batch = await inbox.receive_batch(BATCH_MAX)
            except Closed:
                return
            quick = [envelope for envelope in batch if not self._hand_over(envelope)]
            if not quick:
                continue
            async with self.core.turn() as step:
                answers = [await self._answer(envelope, step) for envelope in quick]
            for envelope, answer in zip(quick, answers, strict=True):
                envelope.answer(answer)

    def close(self) -> None:
        """Let the vault's thread end."""
        self.core.close()

    async def _take_back(self, account_id: AccountId, step: Step) -> None:
        """See TakeBack."""
        await self._guards.take_back(account_id, step)
        await self._erasure.take_back(account_id, step)

    def _hand_over(self, envelope: Envelope[AuthMessage, AuthReply]) -> bool:
        """True when the message is none of the loop's business any more."""
        message = envelope.message
        if not _is_hashed(message):
            return False
        try:
            self._check_form(message)
        except Rejection as refusal:
            envelope.answer(outcome.Error(refusal))
        else:
            self.hash_queue.add(envelope)
        return True

    def _check_form(self, message: HashedMessage) -> None:
        match message:
            case Login():
                self._logins.check_form(message)
            case Register() | BootstrapAdmin():
                self._accounts.check_form(message)
            case StepUpByPassword():
                pass  # A password of any form is just wrong.
            case FinishRecovery() | ChangePassword():
                self._recovery.check_form(message)
            case _:
                assert_never(message)

    async def _finish(self, message: AuthMessage) -> AuthReply:
        assert _is_hashed(message), "only messages that need a hash are handed over"
        match message:
            case Login():
                return await self._logins.finish(message)
            case Register() if self._confirm_email:
                return await self._recovery.register(message)
            case Register() | BootstrapAdmin():
                return await self._accounts.finish(message)
            case FinishRecovery() | ChangePassword():
                return await self._recovery.finish(message)
            case StepUpByPassword():
                return await self._factors.finish(message)
            case _:
                assert_never(message)

    async def _answer(
        self, envelope: Envelope[AuthMessage, AuthReply], step: Step
    ) -> outcome.Outcome[AuthReply]:
        try:
            with from_origin(envelope.origin):
                return outcome.Value(await self._decide(envelope.message, step))
        except (Rejection, Overloaded) as refusal:
            return outcome.Error(refusal)

    async def _decide(self, message: AuthMessage, step: Step) -> AuthReply:
        if isinstance(message, HouseMessage):
            return await self._decide_for_house(message, step)
        if isinstance(message, AccountMessage):
            return await self._accounts.decide(message, step)
        if isinstance(message, LoginMessage):
            return await self._logins.decide(message, step)
        if isinstance(message, KeyMessage):
            return await self._keys.decide(message, step)
        if isinstance(message, GuardMessage):
            return await self._guards.decide(message, step)
        if isinstance(message, ActivityMessage):
            # What this batch has recorded already is not in the vault yet.
            await self.core.commit(step)
            return await self._activity.decide(message)
        if isinstance(message, ProfileMessage):
            return await self._profiles.decide(message, step)
        if isinstance(message, KycMessage):
            return await self._kyc.decide(message, step)
        if isinstance(message, ErasureMessage):
            return await self._erasure.decide(message, step)
        if isinstance(message, RecoveryMessage):
            return await self._recovery.decide(message, step)
        if isinstance(message, SecondFactorMessage):
            return await self._factors.decide(message, step)
        assert_never(message)

    async def _decide_for_house(self, message: HouseMessage, step: Step) -> AuthReply:
        if isinstance(message, RotationMessage):
            return await self._rotation.decide(message, step)
        if isinstance(message, MailMessage):
            return await self.outbox.decide(message, step)
        if isinstance(message, CaseMessage):
            return await self._cases.decide(message, step)
        if isinstance(message, StaffMessage):
            return await self._staff.decide(message, step)
        if isinstance(message, AuditMessage):
            return await self._audit.decide(message, step)
        if isinstance(message, OperatorMessage):
            return await self._operators.decide(message, step)
        if isinstance(message, OversightMessage):
            return await self._oversight.decide(message)
        assert_never(message)


def _is_hashed(message: AuthMessage) -> TypeGuard[HashedMessage]:
    return isinstance(message, HashedMessage)
