"""The second factor: enrolment, codes that work once, the second step of a login, fresh proofs.

Every code goes through :meth:`SecondFactorArea.prove`, whatever it is for: there the step of the
last code, the count of wrong ones and the lock are read from the vault and written in the same
step, so that a code cannot be used twice at the same time, for two purposes, or after a restart.
"""

from __future__ import annotations

from typing import assert_never

import attrs

from xached.actors.sessions.audit import AuditArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.devices import Devices
from xached.actors.sessions.live import LiveSessions
from xached.actors.sessions.outbox import Outbox
from xached.domain import letters
from xached.domain.auth import (
    Account,
    SessionEndCause,
    SessionGranted,
    SessionId,
    UserKey,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import (
    CODE_CHARS_MAX,
    ENROLMENT_NS_MAX,
    GRANT_NS_MAX,
    PENDING_LOGIN_NS_MAX,
    PENDING_LOGINS_MAX,
    CompleteLogin,
    ConfirmSecondFactor,
    EnrolmentBegun,
    EnrolSecondFactor,
    GetSecondFactor,
    Grant,
    Proof,
    RecoveryCode,
    RecoveryCodesMade,
    RecoveryCodesRenewed,
    RecoveryCodeUsed,
    RenewRecoveryCodes,
    SecondFactor,
    SecondFactorFailed,
    SecondFactorMessage,
    SecondFactorNeeded,
    SecondFactorReply,
    SecondFactorState,
    SecondFactorTurnedOff,
    SecondFactorTurnedOn,
    SteppedUp,
    StepUpByCode,
    StepUpByPassword,
    StepUpGranted,
    StepUpGrants,
    failed,
    no_factor,
    passed,
)
from xached.security.sealing import Place
from xached.security.tokens import new_opaque_token, opaque_digest
from xached.security.totp import (
    enrolment_uri,
    is_recovery_code,
    matching_step,
    new_recovery_codes,
    new_secret,
    secret_text,
)
from xached.storage.vault_tables import RECOVERY_CODES, SECOND_FACTORS

NS_PER_S = 1_000_000_000


@attrs.frozen(kw_only=True)
class _PendingLogin:
    """A login whose password was right."""

    account_id: AccountId
    password_sealed: bytes = attrs.field(repr=False)
    device: str = attrs.field(repr=False)
    address: str = attrs.field(repr=False)
    device_known: bool
    expires_at_ns: int


class SecondFactorArea:
    """Decides the messages about the second factor, and checks codes for the other areas."""

    def __init__(
        self,
        core: DeskCore,
        live: LiveSessions,
        outbox: Outbox,
        grants: StepUpGrants,
        devices: Devices,
        audit: AuditArea,
    ) -> None:
        self._audit = audit
        self._devices = devices
        self._core = core
        self._live = live
        self._outbox = outbox
        self._grants = grants
        # In memory: after a restart people type their password again.
        self._pending: dict[bytes, _PendingLogin] = {}
        self.failures = 0
        """Wrong codes since the start."""

    async def decide(
        self, message: SecondFactorMessage, step: Step
    ) -> SecondFactorReply | SessionGranted:
        """Decide what needs no hash. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        match message:
            case CompleteLogin():
                return await self._complete(message, step)
            case StepUpByPassword():
                raise AssertionError("messages that need a hash were handed over")
            case _:
                account, keys = await self._core.read_account(message.account_id)
        match message:
            case GetSecondFactor():
                return await self._state(account.account_id)
            case EnrolSecondFactor():
                return await self._enrol(account, keys, step)
            case ConfirmSecondFactor():
                return await self._confirm(message, account, keys, step)
            case RenewRecoveryCodes():
                await self.prove(account, keys, message.code, step)
                self._outbox.notify(account, keys, letters.recovery_codes_renewed(), step)
                return await self._renew_codes(account.account_id, step)
            case StepUpByCode():
                proof = await self.prove(account, keys, message.code, step)
                return self._grant(message, proof, step)
            case _:
                assert_never(message)

    async def finish(self, message: StepUpByPassword) -> SecondFactorReply:
        """Check a password for a fresh proof: on a hash worker. Raises: Rejection."""
        account, keys = await self._core.read_account(message.account_id)
        await self._check_unguarded(account.account_id)
        await self.check_password(account, keys, message.password)
        async with self._core.turn() as step:
            await self._check_unguarded(account.account_id)
            current, _ = await self._core.read_account(message.account_id)
            if current.password_sealed != account.password_sealed:
                raise Rejection(Reason.CODE_WRONG, "the password is wrong", field="password")
            return self._grant(message, Proof.PASSWORD, step)

    async def check_password(self, account: Account, keys: list[UserKey], password: str) -> None:
        """Check the password of somebody with a session, a bounded number of times.

        On a hash worker, not within a turn. Raises: Rejection CODE_WRONG, TOO_MANY_ATTEMPTS.
        """
        # Before the hash, which an account that is locked shall not cost.
        _check_lock(await self._factor(account.account_id), self._core.now_ns())
        stored = self._core.credentials.open_password_hash(account, keys)
        right = await self._core.verify_password(password, stored)
        async with self._core.turn() as step:
            factor = await self._factor(account.account_id)
            _check_lock(factor, step.at_ns)
            if right:
                if factor.failures:
                    step.put(passed(factor, None))
                return
            self._fail(factor, step)
        raise Rejection(Reason.CODE_WRONG, "the password is wrong", field="password")

    async def pending_login(
        self, account: Account, device: str, address: str, at_ns: int, *, device_known: bool
    ) -> SecondFactorNeeded | None:
        """What a right password is answered with; None where it is enough."""
        if not await self.is_active(account.account_id):
            return None
        if len(self._pending) >= PENDING_LOGINS_MAX:
            del self._pending[next(iter(self._pending))]
        token = new_opaque_token(self._core.credentials.entropy)
        expires_at_ns = at_ns + PENDING_LOGIN_NS_MAX
        self._pending[opaque_digest(token)] = _PendingLogin(
            account_id=account.account_id,
            password_sealed=account.password_sealed,
            device=device,
            address=address,
            device_known=device_known,
            expires_at_ns=expires_at_ns,
        )
        return SecondFactorNeeded(token=token, expires_at_ns=expires_at_ns)

    async def is_active(self, account_id: AccountId) -> bool:
        """Whether an account has a second factor."""
        return (await self._factor(account_id)).active_sealed is not None

    async def prove(self, account: Account, keys: list[UserKey], code: str, step: Step) -> Proof:
        """Use a code up. Within a turn whose step is empty, or holds nothing of this account.

        Raises: Rejection SECOND_FACTOR_STATE, TOO_MANY_ATTEMPTS, or CODE_WRONG; what a wrong code
            changes is in the step and must be committed all the same.
        """
        factor = await self._factor(account.account_id)
        if factor.active_sealed is None:
            raise Rejection(Reason.SECOND_FACTOR_STATE, "the second factor is not turned on")
        readable = len(code) <= CODE_CHARS_MAX and code.isascii()
        # A recovery code has 80 bits, so guessing needs no bound: it also passes a lock, or whoever
        # knows the password could keep its owner out for good.
        if (
            readable
            and is_recovery_code(code)
            and await self._use_recovery_code(account, keys, code, step)
        ):
            step.put(passed(factor, None))
            return Proof.RECOVERY_CODE
        _check_lock(factor, step.at_ns)
        if readable and not is_recovery_code(code):
            secret = self._open(factor.active_sealed, "active_sealed", account, keys)
            used = matching_step(secret, _digits(code), step.at_ns, factor.last_step)
            if used is not None:
                step.put(passed(factor, used))
                return Proof.TOTP
        self._fail(factor, step)
        raise _code_wrong()

    async def turn_off(self, account_id: AccountId, step: Step) -> None:
        """Let a password be enough. Within a turn whose step holds nothing of this account."""
        account, keys = await self._core.read_account(account_id)
        factor = await self._factor(account_id)
        # The newest step that was used stays: no code works twice under another secret.
        step.put(attrs.evolve(factor, active_sealed=None, pending_sealed=None))
        for row in await self._recovery_codes(account_id):
            step.drop(row)
        step.record(SecondFactorTurnedOff(account_id=account_id))
        self._outbox.notify(account, keys, letters.factor_off(), step)

    # --- private ---------------------------------------------------------------------------

    async def _complete(self, message: CompleteLogin, step: Step) -> SessionGranted:
        digest = opaque_digest(message.token)
        pending = self._pending.get(digest)
        if pending is None or step.at_ns >= pending.expires_at_ns:
            self._pending.pop(digest, None)
            raise _login_over()
        account, keys = await self._core.read_account(pending.account_id)
        if account.password_sealed != pending.password_sealed:
            del self._pending[digest]
            raise _login_over()
        if await self.is_active(account.account_id):
            try:
                await self.prove(account, keys, message.code, step)
            except Rejection:
                self._audit.login_failed(pending.address, account.account_id)
                raise
        del self._pending[digest]
        granted = self._live.open(account, keys, pending.device, step, pending.address)
        if pending.device_known:
            return granted
        token = await self._devices.introduce(account.account_id, step)
        return attrs.evolve(granted, device_token=token)

    async def _state(self, account_id: AccountId) -> SecondFactorState:
        codes = await self._recovery_codes(account_id)
        return SecondFactorState(
            active=await self.is_active(account_id), recovery_codes_left=len(codes)
        )

    async def _enrol(self, account: Account, keys: list[UserKey], step: Step) -> EnrolmentBegun:
        factor = await self._factor(account.account_id)
        if factor.active_sealed is not None:
            raise Rejection(Reason.SECOND_FACTOR_STATE, "turn the second factor off first")
        credentials = self._core.credentials
        secret = new_secret(credentials.entropy)
        sealed = credentials.seal_own(secret, _place("pending_sealed", account), keys)
        step.put(attrs.evolve(factor, pending_sealed=sealed, pending_at_ns=step.at_ns))
        return EnrolmentBegun(
            secret=secret_text(secret),
            uri=enrolment_uri(secret, credentials.open_email(account, keys)),
            expires_at_ns=step.at_ns + ENROLMENT_NS_MAX,
        )

    async def _confirm(
        self, message: ConfirmSecondFactor, account: Account, keys: list[UserKey], step: Step
    ) -> RecoveryCodesMade:
        factor = await self._factor(account.account_id)
        if factor.pending_sealed is None or step.at_ns >= factor.pending_at_ns + ENROLMENT_NS_MAX:
            raise Rejection(Reason.SECOND_FACTOR_STATE, "begin an enrolment first")
        _check_lock(factor, step.at_ns)
        secret = self._open(factor.pending_sealed, "pending_sealed", account, keys)
        used = matching_step(secret, _digits(message.code), step.at_ns, factor.last_step)
        if used is None:
            self._fail(factor, step)
            raise _code_wrong()
        sealed = self._core.credentials.seal_own(secret, _place("active_sealed", account), keys)
        step.put(attrs.evolve(passed(factor, used), active_sealed=sealed, pending_sealed=None))
        step.record(SecondFactorTurnedOn(account_id=account.account_id))
        self.end_others(account.account_id, message.session_id, step)
        self._outbox.notify(account, keys, letters.factor_on(), step)
        return await self._renew_codes(account.account_id, step)

    async def _renew_codes(self, account_id: AccountId, step: Step) -> RecoveryCodesMade:
        for row in await self._recovery_codes(account_id):
            step.drop(row)
        credentials = self._core.credentials
        codes = new_recovery_codes(credentials.entropy)
        for code in codes:
            step.put(
                RecoveryCode(
                    code_hash=credentials.recovery_code_hash(account_id, code),
                    account_id=account_id,
                    created_at_ns=step.at_ns,
                )
            )
        step.record(RecoveryCodesRenewed(account_id=account_id, codes=len(codes)))
        return RecoveryCodesMade(codes=tuple(codes))

    async def _use_recovery_code(
        self, account: Account, keys: list[UserKey], code: str, step: Step
    ) -> bool:
        code_hash = self._core.credentials.recovery_code_hash(account.account_id, code)
        rows = await self._recovery_codes(account.account_id)
        used = [row for row in rows if row.code_hash == code_hash]
        for row in used:
            step.drop(row)
            step.record(RecoveryCodeUsed(account_id=account.account_id))
            self._outbox.notify(account, keys, letters.recovery_code_used(len(rows) - 1), step)
        return bool(used)

    def end_others(self, account_id: AccountId, but: SessionId | None, step: Step) -> None:
        """End the sessions of an account, but for one."""
        for session in self._live.book.of_account(account_id):
            if session.session_id != but:
                self._live.end(session, SessionEndCause.REVOKED, step)

    def _grant(
        self, message: StepUpByCode | StepUpByPassword, proof: Proof, step: Step
    ) -> StepUpGranted:
        token = new_opaque_token(self._core.credentials.entropy)
        grant = Grant(
            token_hash=opaque_digest(token),
            session_id=message.session_id,
            method=message.method,
            request_digest=message.request_digest,
            expires_at_ns=step.at_ns + GRANT_NS_MAX,
            proof=proof,
        )
        step.record(
            SteppedUp(
                account_id=message.account_id,
                session_id=message.session_id,
                method=message.method,
                proof=proof,
            )
        )
        step.afterwards(lambda: self._grants.put(grant))
        return StepUpGranted(token=token, expires_at_ns=grant.expires_at_ns)

    def _fail(self, factor: SecondFactor, step: Step) -> None:
        self.failures += 1
        worse = failed(factor, step.at_ns)
        step.put(worse)
        step.record(SecondFactorFailed(account_id=factor.account_id, failures=worse.failures))

    async def _check_unguarded(self, account_id: AccountId) -> None:
        """Raises: Rejection SECOND_FACTOR_STATE where a password is no fresh proof."""
        if await self.is_active(account_id):
            raise Rejection(
                Reason.SECOND_FACTOR_STATE, "give a code of the second factor", field="code"
            )

    async def _factor(self, account_id: AccountId) -> SecondFactor:
        found = await self._core.lane.run(self._core.vault.find, SECOND_FACTORS, account_id)
        return found or no_factor(account_id)

    async def _recovery_codes(self, account_id: AccountId) -> list[RecoveryCode]:
        return await self._core.lane.run(
            self._core.vault.select, RECOVERY_CODES, "account_id", account_id
        )

    def _open(self, sealed: bytes, column: str, account: Account, keys: list[UserKey]) -> bytes:
        return self._core.credentials.open_own(sealed, _place(column, account), keys)


def _place(column: str, account: Account) -> Place:
    return Place("second_factors", column, account.account_id, account.account_id)


def _digits(code: str) -> str:
    """A code as authenticators show it, in two groups or one."""
    return code.replace(" ", "")


def _check_lock(factor: SecondFactor, at_ns: int) -> None:
    """Raises: Rejection TOO_MANY_ATTEMPTS."""
    left_ns = factor.locked_until_ns - at_ns
    if left_ns > 0:
        raise Rejection(
            Reason.TOO_MANY_ATTEMPTS,
            "too many wrong codes in a row",
            retry_after_s=str(-(-left_ns // NS_PER_S)),
        )


def _code_wrong() -> Rejection:
    return Rejection(Reason.CODE_WRONG, "the code is wrong, or was used already", field="code")


def _login_over() -> Rejection:
    return Rejection(Reason.CREDENTIALS, "the login took too long; begin again")
