"""Requests that wait for a code from a letter: to register, to recover, to change an address.

A request for an address that cannot come to anything (it has an account already; it has none) is
kept like any other, with a code that nobody was sent: whoever goes on with it gets the answers,
and costs the commits, of somebody who mistypes a code.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import Final

import attrs

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.outbox import Outbox
from xached.domain import letters
from xached.domain.auth import Account, EmailAddress
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
    EmailProof,
    ProofBegun,
    ProofPurpose,
    RecoveryAsked,
    ResendCode,
)
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded
from xached.security.tokens import new_opaque_token
from xached.security.totp import new_letter_code
from xached.storage.vault_tables import EMAIL_PROOFS

NS_PER_S: Final = 1_000_000_000
NOBODY: Final = AccountId("")


class Proofs:
    """Begins requests, checks their codes, and forgets them."""

    def __init__(self, core: DeskCore, outbox: Outbox) -> None:
        self._core = core
        self._outbox = outbox
        self._expiries: dict[bytes, int] = {}
        """When the requests that wait are over, by id."""
        # When codes went out last, by the look-up hash of their address, or by who asked for
        # them; what was touched longest ago goes first.
        self._sent: dict[bytes, list[int]] = {}

    async def load(self) -> None:
        """Bring back which requests wait."""
        for proof in await self._core.lane.run(self._core.vault.every, EMAIL_PROOFS):
            self._expiries[proof.proof_id] = proof.expires_at_ns

    def begin(
        self,
        purpose: ProofPurpose,
        email: EmailAddress,
        found: Account | None,
        step: Step,
        *,
        password_hash: str = "",
        asker: AccountId = NOBODY,
    ) -> ProofBegun:
        """Keep a request and send its code.

        Args:
            found: the account that has the address, if any.
            asker: the account that asks; empty for somebody who did not sign in.

        Raises: Rejection NO_MAIL or TOO_MANY_ATTEMPTS; Overloaded.
        """
        if not self._outbox.enabled:
            raise Rejection(Reason.NO_MAIL, "this house writes no letters; ask who runs it")
        self._drop_expired(step)
        if len(self._expiries) >= PROOFS_MAX:
            raise Overloaded("too many codes are waited for")
        if asker and not self._may_send(asker.encode(), step.at_ns):
            raise Rejection(
                Reason.TOO_MANY_ATTEMPTS,
                "too many letters were asked for; look for those, or begin again later",
                retry_after_s=str(LETTERS_WINDOW_NS // NS_PER_S),
            )
        credentials = self._core.credentials
        token, code = new_opaque_token(credentials.entropy), new_letter_code(credentials.entropy)
        proof_id = credentials.letter_hash(token, "")
        wanted = _is_wanted(purpose, found)
        known = found is not None and purpose is ProofPurpose.RECOVER
        account_id = found.account_id if found is not None and known else asker
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
        if self._send(proof, email, found, code, step) and known:
            step.record(RecoveryAsked(account_id=proof.account_id))
        step.put(proof)
        self._expiries[proof_id] = proof.expires_at_ns
        return ProofBegun(token=token, expires_at_ns=proof.expires_at_ns)

    async def resend(self, message: ResendCode, step: Step) -> ProofBegun:
        """Send another code for a request. Raises: Rejection; Overloaded."""
        proof = await self.find(message.token, None, step.at_ns)
        wait_ns = proof.sent_at_ns + RESEND_AFTER_NS - step.at_ns
        if proof.resends_left == 0 or wait_ns > 0:
            raise Rejection(
                Reason.TOO_MANY_ATTEMPTS,
                "a code was sent already; look for it, or begin again later",
                retry_after_s=str(max(1, -(-wait_ns // NS_PER_S))),
            )
        credentials = self._core.credentials
        email, _ = self.open(proof)
        found, _ = await self._core.read_by_email(credentials.email_lookup(email))
        code = new_letter_code(credentials.entropy)
        self._send(proof, email, found, code, step)
        wanted = _is_wanted(proof.purpose, found)
        step.put(
            attrs.evolve(
                proof,
                code_hash=credentials.letter_hash(message.token, code if wanted else message.token),
                resends_left=proof.resends_left - 1,
                sent_at_ns=step.at_ns,
            )
        )
        return ProofBegun(token=message.token, expires_at_ns=proof.expires_at_ns)

    async def find(self, token: str, purpose: ProofPurpose | None, at_ns: int) -> EmailProof:
        """The request of a token. Raises: Rejection CODE_WRONG."""
        proof_id = self._core.credentials.letter_hash(token, "")
        proof = await self._core.lane.run(self._core.vault.find, EMAIL_PROOFS, proof_id)
        if (
            proof is None
            or proof.purpose not in (purpose or proof.purpose,)
            or at_ns >= proof.expires_at_ns
        ):
            raise code_wrong()
        return proof

    def check_code(self, proof: EmailProof, token: str, code: str, step: Step) -> None:
        """Raises: Rejection CODE_WRONG; then a try is gone, and with the last one the request."""
        given = self._core.credentials.letter_hash(token, code.strip().upper())
        if hmac.compare_digest(given, proof.code_hash):
            return
        if proof.tries_left <= 1:
            self.drop(proof, step)
        else:
            step.put(attrs.evolve(proof, tries_left=proof.tries_left - 1))
        raise code_wrong()

    def open(self, proof: EmailProof) -> tuple[EmailAddress, str]:
        """The address of a request, and the hash of the password that it wants."""
        return self._core.credentials.outbox.open_request(proof)

    def drop(self, proof: EmailProof, step: Step) -> None:
        """Forget a request."""
        self._expiries.pop(proof.proof_id, None)
        step.drop(proof)

    async def drop_of(
        self, account_id: AccountId, purposes: Collection[ProofPurpose], step: Step
    ) -> int:
        """Forget the requests of an account that the vault has; how many they were."""
        proofs = await self._core.lane.run(
            self._core.vault.select, EMAIL_PROOFS, "account_id", account_id
        )
        waiting = [proof for proof in proofs if proof.purpose in purposes]
        for proof in waiting:
            self.drop(proof, step)
        return len(waiting)

    # --- private ---------------------------------------------------------------------------

    def _send(
        self, proof: EmailProof, email: EmailAddress, found: Account | None, code: str, step: Step
    ) -> bool:
        """Write to the address, unless there is nothing to write or it got too much lately."""
        letter = _letter(proof.purpose, code, wanted=_is_wanted(proof.purpose, found))
        lookup = self._core.credentials.email_lookup(email)
        if letter is None or not self._may_send(lookup, step.at_ns):
            return False
        owner = proof.account_id if found is None else found.account_id
        self._outbox.send(owner, email, letter, step)
        return True

    def _drop_expired(self, step: Step) -> None:
        # All live equally long, so the oldest come first.
        for proof_id, expires_at_ns in list(self._expiries.items()):
            if expires_at_ns > step.at_ns:
                break
            del self._expiries[proof_id]
            step.drop(_empty(proof_id))

    def _may_send(self, whose: bytes, at_ns: int) -> bool:
        """Whether so few codes went out lately that another one is no nuisance."""
        recent = [sent for sent in self._sent.pop(whose, ()) if at_ns - sent < LETTERS_WINDOW_NS]
        allowed = len(recent) < LETTERS_PER_HOUR
        if allowed:
            recent.append(at_ns)
        if len(self._sent) >= ADDRESSES_REMEMBERED_MAX:
            del self._sent[next(iter(self._sent))]
        self._sent[whose] = recent
        return allowed


def code_wrong() -> Rejection:
    """The one answer to whatever is wrong with a request or its code."""
    return Rejection(
        Reason.CODE_WRONG, "the code is wrong or has expired; begin again", field="code"
    )


def _is_wanted(purpose: ProofPurpose, found: Account | None) -> bool:
    """Whether a request for an address can come to anything."""
    return (found is None) == (purpose in (ProofPurpose.REGISTER, ProofPurpose.CHANGE_EMAIL))


def _letter(purpose: ProofPurpose, code: str, *, wanted: bool) -> Letter | None:
    match purpose:
        case ProofPurpose.REGISTER | ProofPurpose.CHANGE_EMAIL | ProofPurpose.VERIFY_EMAIL:
            return letters.confirm_address(code) if wanted else letters.already_registered()
        case ProofPurpose.RECOVER:
            return letters.recover(code) if wanted else None


def _empty(proof_id: bytes) -> EmailProof:
    """A row that names the one to delete."""
    return EmailProof(
        proof_id=proof_id,
        account_id=NOBODY,
        purpose=ProofPurpose.REGISTER,
        sealed=b"",
        code_hash=b"",
        tries_left=0,
        resends_left=0,
        sent_at_ns=0,
        expires_at_ns=0,
    )
