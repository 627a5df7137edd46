"""Registration with a confirmed address, recovery, and changes of the password."""

from __future__ import annotations

from typing import assert_never

import attrs

from xached.actors.sessions.accounts import AccountArea
from xached.actors.sessions.audit import AuditArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.outbox import Outbox
from xached.actors.sessions.proofs import Proofs, code_wrong
from xached.actors.sessions.purses import Purses
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.domain import letters
from xached.domain.auth import (
    Account,
    AccountOpened,
    Done,
    Register,
    Role,
    SessionId,
    UserKey,
    parse_email,
)
from xached.domain.order import AccountId
from xached.domain.recovery import (
    ChangePassword,
    ConfirmRegistration,
    EmailConfirmed,
    EmailProof,
    FinishRecovery,
    HashedRecoveryMessage,
    PasswordChanged,
    ProofBegun,
    ProofPurpose,
    RecoveryMessage,
    ResendCode,
    StartRecovery,
)
from xached.domain.rejection import Reason, Rejection
from xached.security.passwords import check_password


class RecoveryArea:
    """Decides the messages about addresses and passwords."""

    def __init__(
        self,
        core: DeskCore,
        accounts: AccountArea,
        factors: SecondFactorArea,
        purses: Purses,
        outbox: Outbox,
        proofs: Proofs,
        audit: AuditArea,
    ) -> None:
        self._core = core
        self._accounts = accounts
        self._factors = factors
        self._purses = purses
        self._outbox = outbox
        self._proofs = proofs
        self._audit = audit

    def check_form(self, message: HashedRecoveryMessage) -> None:
        """Refuse at once what no hash could save. Raises: Rejection."""
        match message:
            case FinishRecovery():
                check_password(message.password, "")
            case ChangePassword():
                check_password(message.new_password, "")
            case _:
                assert_never(message)

    async def finish(self, message: HashedRecoveryMessage) -> Done:
        """Hash, then decide: on a hash worker. Raises: Rejection."""
        match message:
            case FinishRecovery():
                return await self._finish_recovery(message)
            case ChangePassword():
                return await self._change_password(message)
            case _:
                assert_never(message)

    async def register(self, message: Register) -> ProofBegun:
        """Begin to open an account: on a hash worker. Raises: Rejection; Overloaded."""
        email = parse_email(message.email)
        password_hash = await self._core.hash_password(message.password)
        lookup = self._core.credentials.email_lookup(email)
        async with self._core.turn() as step:
            account, _ = await self._core.read_by_email(lookup)
            return self._proofs.begin(
                ProofPurpose.REGISTER, email, account, step, password_hash=password_hash
            )

    async def decide(
        self, message: RecoveryMessage, step: Step
    ) -> ProofBegun | AccountOpened | Done:
        """Decide what needs no hash. Raises: Rejection; Overloaded."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        match message:
            case StartRecovery():
                email = parse_email(message.email)
                lookup = self._core.credentials.email_lookup(email)
                account, _ = await self._core.read_by_email(lookup)
                return self._proofs.begin(ProofPurpose.RECOVER, email, account, step)
            case ResendCode():
                return await self._proofs.resend(message, step)
            case ConfirmRegistration():
                return await self._confirm(message, step)
            case FinishRecovery() | ChangePassword():
                raise AssertionError("messages that need a hash were handed over")
            case _:
                assert_never(message)

    # --- private ---------------------------------------------------------------------------

    async def _confirm(self, message: ConfirmRegistration, step: Step) -> AccountOpened:
        proof = await self._proofs.find(message.token, ProofPurpose.REGISTER, step.at_ns)
        self._proofs.check_code(proof, message.token, message.code, step)
        self._proofs.drop(proof, step)
        credentials = self._core.credentials
        email, password_hash = self._proofs.open(proof)
        account, _ = await self._core.read_by_email(credentials.email_lookup(email))
        if account is not None:
            # Two requests of the same person; the first code that came back has opened it.
            raise code_wrong()
        roles = frozenset({Role.USER})
        intent = self._accounts.open(email, password_hash, roles, step, proved=True)
        step.record(EmailConfirmed(account_id=intent.account_id))
        step.afterwards(lambda: self._purses.want(intent))
        return AccountOpened(account_id=intent.account_id)

    async def _finish_recovery(self, message: FinishRecovery) -> Done:
        account: Account | None = None
        refusal: Rejection | None = None
        async with self._core.turn() as step:
            try:
                account = await self._check_recovery(message, step)
            except Rejection as refused:
                # What a wrong code changes is kept, and told afterwards.
                refusal = refused
        if account is None:
            assert refusal is not None
            raise refusal
        password_hash = await self._core.hash_password(message.password)
        async with self._core.turn() as step:
            # Again: the code works once, and another one may have been quicker.
            proof = await self._proofs.find(message.token, ProofPurpose.RECOVER, step.at_ns)
            current, keys = await self._core.read_account(account.account_id)
            self._proofs.drop(proof, step)
            # The code was in the mailbox of the address.
            self._set_password(current.proved(), keys, password_hash, None, step)
            step.record(PasswordChanged(account_id=current.account_id, recovered=True))
            # Whoever was in before may have asked for it.
            await self._accounts.take_back(current.account_id, step)
        return Done()

    async def _check_recovery(self, message: FinishRecovery, step: Step) -> Account:
        whose = AccountId("")
        try:
            proof = await self._proofs.find(message.token, ProofPurpose.RECOVER, step.at_ns)
            whose = proof.account_id
            return await self._recovered(proof, message, step)
        except Rejection as refusal:
            if refusal.reason in (Reason.CODE_WRONG, Reason.TOO_MANY_ATTEMPTS):
                self._audit.login_failed(message.address, whose)
            raise

    async def _recovered(self, proof: EmailProof, message: FinishRecovery, step: Step) -> Account:
        """Whose account it is, once all codes were right. Raises: Rejection."""
        self._proofs.check_code(proof, message.token, message.code, step)
        account, keys = await self._core.read_account(proof.account_id)
        check_password(message.password, self._core.credentials.open_email(account, keys))
        if await self._factors.is_active(account.account_id):
            if not message.second_factor_code:
                raise Rejection(
                    Reason.SECOND_FACTOR_NEEDED,
                    "give a code of the second factor too, or a recovery code",
                    field="second_factor_code",
                )
            await self._factors.prove(account, keys, message.second_factor_code, step)
        return account

    async def _change_password(self, message: ChangePassword) -> Done:
        account, keys = await self._core.read_account(message.account_id)
        email = self._core.credentials.open_email(account, keys)
        check_password(message.new_password, email)
        await self._factors.check_password(account, keys, message.old_password)
        password_hash = await self._core.hash_password(message.new_password)
        async with self._core.turn() as step:
            current, keys = await self._core.read_account(message.account_id)
            if current.password_sealed != account.password_sealed:
                raise Rejection(Reason.CODE_WRONG, "the password is wrong", field="old_password")
            self._set_password(current, keys, password_hash, message.session_id, step)
            step.record(PasswordChanged(account_id=current.account_id, recovered=False))
        return Done()

    def _set_password(
        self,
        account: Account,
        keys: list[UserKey],
        password_hash: str,
        but: SessionId | None,
        step: Step,
    ) -> None:
        sealed = self._core.credentials.seal_password_hash(account.account_id, password_hash, keys)
        step.put(attrs.evolve(account, password_sealed=sealed))
        self._factors.end_others(account.account_id, but, step)
        self._outbox.notify(account, keys, letters.password_changed(), step)
