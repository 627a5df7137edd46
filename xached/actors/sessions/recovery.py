"""Registration with a confirmed address, recovery, and changes of the password.

A request for an address that cannot come to anything (it has an account already; it has none) is
kept like any other, with a code that nobody was sent: whoever goes on with it gets the answers,
and costs the commits, of somebody who mistypes a code.
"""

from __future__ import annotations

import hmac
from typing import assert_never

import attrs

from xached.actors.sessions.accounts import AccountArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.outbox import Outbox
from xached.actors.sessions.purses import Purses
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.domain import letters
from xached.domain.auth import (
    Account,
    AccountOpened,
    Done,
    EmailAddress,
    Register,
    Role,
    SessionId,
    UserKey,
    parse_email,
)
from xached.domain.mail import Letter
from xached.domain.order import AccountId
from xached.domain.recovery import (
    ADDRESSES_REMEMBERED_MAX,
    CODE_TRIES,
    LETTERS_PER_HOUR,
    LETTERS_WINDOW_NS,
    PROOF_NS_MAX,
    PROOFS_MAX,
    RESEND_AFTER_NS,
    RESENDS,
    ChangePassword,
    ConfirmRegistration,
    EmailConfirmed,
    EmailProof,
    FinishRecovery,
    HashedRecoveryMessage,
    PasswordChanged,
    ProofBegun,
    ProofPurpose,
    RecoveryAsked,
    RecoveryMessage,
    ResendCode,
    StartRecovery,
)
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded
from xached.security.passwords import check_password
from xached.security.tokens import new_opaque_token
from xached.security.totp import new_letter_code
from xached.storage.vault_tables import EMAIL_PROOFS

NS_PER_S = 1_000_000_000


class RecoveryArea:
    """Decides the messages about addresses and passwords."""

    def __init__(
        self,
        core: DeskCore,
        accounts: AccountArea,
        factors: SecondFactorArea,
        purses: Purses,
        outbox: Outbox,
    ) -> None:
        self._core = core
        self._accounts = accounts
        self._factors = factors
        self._purses = purses
        self._outbox = outbox
        self._expiries: dict[bytes, int] = {}
        """When the requests that wait are over, by id."""
        # When codes went to an address last, by its look-up hash; the oldest address goes first.
        self._sent: dict[bytes, list[int]] = {}

    async def load(self) -> None:
        """Bring back which requests wait."""
        for proof in await self._core.lane.run(self._core.vault.every, EMAIL_PROOFS):
            self._expiries[proof.proof_id] = proof.expires_at_ns

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
            return await self._begin(ProofPurpose.REGISTER, email, account, password_hash, step)

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
                return await self._begin(ProofPurpose.RECOVER, email, account, "", step)
            case ResendCode():
                return await self._resend(message, step)
            case ConfirmRegistration():
                return await self._confirm(message, step)
            case FinishRecovery() | ChangePassword():
                raise AssertionError("messages that need a hash were handed over")
            case _:
                assert_never(message)

    # --- private ---------------------------------------------------------------------------

    async def _begin(
        self,
        purpose: ProofPurpose,
        email: EmailAddress,
        account: Account | None,
        password_hash: str,
        step: Step,
    ) -> ProofBegun:
        if not self._outbox.enabled:
            raise Rejection(Reason.NO_MAIL, "this house writes no letters; ask who runs it")
        self._drop_expired(step)
        if len(self._expiries) >= PROOFS_MAX:
            raise Overloaded("too many codes are waited for")
        credentials = self._core.credentials
        token, code = new_opaque_token(credentials.entropy), new_letter_code(credentials.entropy)
        proof_id = credentials.letter_hash(token, "")
        wanted = (account is None) == (purpose is ProofPurpose.REGISTER)
        known = account is not None and purpose is ProofPurpose.RECOVER
        account_id = account.account_id if account is not None and known else AccountId("")
        proof = EmailProof(
            proof_id=proof_id,
            account_id=account_id,
            purpose=purpose,
            sealed=credentials.outbox.seal_request(proof_id, account_id, email, password_hash),
            # What cannot come to anything waits for a code that nobody is sent.
            code_hash=credentials.letter_hash(token, code if wanted else token),
            tries_left=CODE_TRIES,
            resends_left=RESENDS,
            sent_at_ns=step.at_ns,
            expires_at_ns=step.at_ns + PROOF_NS_MAX,
        )
        letter = self._letter(proof, code, wanted=wanted)
        if letter is not None and self._may_send(email, step.at_ns):
            owner = AccountId("") if account is None else account.account_id
            self._outbox.send(owner, email, letter, step)
            if known:
                step.record(RecoveryAsked(account_id=account_id))
        step.put(proof)
        self._expiries[proof_id] = proof.expires_at_ns
        return ProofBegun(token=token, expires_at_ns=proof.expires_at_ns)

    def _letter(self, proof: EmailProof, code: str, *, wanted: bool) -> Letter | None:
        match proof.purpose:
            case ProofPurpose.REGISTER:
                return letters.confirm_address(code) if wanted else letters.already_registered()
            case ProofPurpose.RECOVER:
                return letters.recover(code) if wanted else None

    async def _resend(self, message: ResendCode, step: Step) -> ProofBegun:
        proof = await self._find(message.token, None, step.at_ns)
        wait_ns = proof.sent_at_ns + RESEND_AFTER_NS - step.at_ns
        if proof.resends_left == 0 or wait_ns > 0:
            raise Rejection(
                Reason.TOO_MANY_ATTEMPTS,
                "a code was sent already; look for it, or begin again later",
                retry_after_s=str(max(1, -(-wait_ns // NS_PER_S))),
            )
        credentials = self._core.credentials
        email, _ = credentials.outbox.open_request(proof)
        account, _ = await self._core.read_by_email(credentials.email_lookup(email))
        wanted = (account is None) == (proof.purpose is ProofPurpose.REGISTER)
        code = new_letter_code(credentials.entropy)
        letter = self._letter(proof, code, wanted=wanted)
        if letter is not None and self._may_send(email, step.at_ns):
            owner = AccountId("") if account is None else account.account_id
            self._outbox.send(owner, email, letter, step)
        step.put(
            attrs.evolve(
                proof,
                code_hash=credentials.letter_hash(message.token, code if wanted else message.token),
                resends_left=proof.resends_left - 1,
                sent_at_ns=step.at_ns,
            )
        )
        return ProofBegun(token=message.token, expires_at_ns=proof.expires_at_ns)

    async def _confirm(self, message: ConfirmRegistration, step: Step) -> AccountOpened:
        proof = await self._find(message.token, ProofPurpose.REGISTER, step.at_ns)
        self._check_code(proof, message.token, message.code, step)
        self._drop(proof, step)
        credentials = self._core.credentials
        email, password_hash = credentials.outbox.open_request(proof)
        account, _ = await self._core.read_by_email(credentials.email_lookup(email))
        if account is not None:
            # Two requests of the same person; the first code that came back has opened it.
            raise _code_wrong()
        intent = self._accounts.open(email, password_hash, frozenset({Role.USER}), step)
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
            proof = await self._find(message.token, ProofPurpose.RECOVER, step.at_ns)
            current, keys = await self._core.read_account(account.account_id)
            self._drop(proof, step)
            self._set_password(current, keys, password_hash, None, step)
            step.record(PasswordChanged(account_id=current.account_id, recovered=True))
        return Done()

    async def _check_recovery(self, message: FinishRecovery, step: Step) -> Account:
        proof = await self._find(message.token, ProofPurpose.RECOVER, step.at_ns)
        self._check_code(proof, message.token, message.code, step)
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

    async def _find(self, token: str, purpose: ProofPurpose | None, at_ns: int) -> EmailProof:
        """The request of a token. Raises: Rejection CODE_WRONG."""
        proof_id = self._core.credentials.letter_hash(token, "")
        proof = await self._core.lane.run(self._core.vault.find, EMAIL_PROOFS, proof_id)
        if (
            proof is None
            or proof.purpose not in (purpose or proof.purpose,)
            or at_ns >= proof.expires_at_ns
        ):
            raise _code_wrong()
        return proof

    def _check_code(self, proof: EmailProof, token: str, code: str, step: Step) -> None:
        """Raises: Rejection CODE_WRONG; then a try is gone, and with the last one the request."""
        given = self._core.credentials.letter_hash(token, code.strip().upper())
        if hmac.compare_digest(given, proof.code_hash):
            return
        if proof.tries_left <= 1:
            self._drop(proof, step)
        else:
            step.put(attrs.evolve(proof, tries_left=proof.tries_left - 1))
        raise _code_wrong()

    def _drop(self, proof: EmailProof, step: Step) -> None:
        self._expiries.pop(proof.proof_id, None)
        step.drop(proof)

    def _drop_expired(self, step: Step) -> None:
        # All live equally long, so the oldest come first.
        for proof_id, expires_at_ns in list(self._expiries.items()):
            if expires_at_ns > step.at_ns:
                break
            del self._expiries[proof_id]
            step.drop(_empty(proof_id))

    def _may_send(self, email: EmailAddress, at_ns: int) -> bool:
        """Whether an address has got so few codes lately that another one is no nuisance."""
        lookup = self._core.credentials.email_lookup(email)
        recent = [sent for sent in self._sent.pop(lookup, ()) if at_ns - sent < LETTERS_WINDOW_NS]
        allowed = len(recent) < LETTERS_PER_HOUR
        if allowed:
            recent.append(at_ns)
        if len(self._sent) >= ADDRESSES_REMEMBERED_MAX:
            del self._sent[next(iter(self._sent))]
        self._sent[lookup] = recent
        return allowed


def _empty(proof_id: bytes) -> EmailProof:
    """A row that names the one to delete."""
    return EmailProof(
        proof_id=proof_id,
        account_id=AccountId(""),
        purpose=ProofPurpose.REGISTER,
        sealed=b"",
        code_hash=b"",
        tries_left=0,
        resends_left=0,
        sent_at_ns=0,
        expires_at_ns=0,
    )


def _code_wrong() -> Rejection:
    return Rejection(
        Reason.CODE_WRONG, "the code is wrong or has expired; begin again", field="code"
    )
