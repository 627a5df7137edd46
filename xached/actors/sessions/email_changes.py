"""Proofs and changes of an account's e-mail address, but for the day a change waits.

See ``domain/guarding.py``.
"""

from __future__ import annotations

import attrs

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.live import LiveSessions
from xached.actors.sessions.outbox import Outbox
from xached.actors.sessions.proofs import Proofs, code_wrong
from xached.domain import letters
from xached.domain.auth import Done, EmailAddress, parse_email
from xached.domain.guarding import (
    ConfirmEmail,
    ConfirmEmailChange,
    EmailChangeBegun,
    StartEmailChange,
)
from xached.domain.order import AccountId
from xached.domain.recovery import EmailConfirmed, ProofBegun, ProofPurpose
from xached.domain.rejection import Reason, Rejection

_OF_CHANGES = frozenset({ProofPurpose.CHANGE_EMAIL})
_OF_PROOFS = frozenset({ProofPurpose.VERIFY_EMAIL})
_OF_OLD_ADDRESS = frozenset(ProofPurpose)


class EmailChanges:
    """Has new addresses proved, and puts them in the place of old ones."""

    def __init__(self, core: DeskCore, live: LiveSessions, proofs: Proofs, outbox: Outbox) -> None:
        self._core = core
        self._live = live
        self._proofs = proofs
        self._outbox = outbox

    async def begin(self, message: StartEmailChange, step: Step) -> ProofBegun:
        """Send the new address a code and tell the old one. Raises: Rejection; Overloaded."""
        email = parse_email(message.email)
        lookup = self._core.credentials.email_lookup(email)
        account, keys = await self._core.read_account(message.account_id)
        if lookup == account.email_lookup:
            raise Rejection(
                Reason.EMAIL_TAKEN, "this is the address of your account", field="email"
            )
        found, _ = await self._core.read_by_email(lookup)
        begun = self._proofs.begin(
            ProofPurpose.CHANGE_EMAIL, email, found, step, asker=account.account_id
        )
        # One at a time; the new one is not in the vault yet.
        await self._proofs.drop_of(account.account_id, _OF_CHANGES, step)
        step.record(EmailChangeBegun(account_id=account.account_id))
        self._outbox.notify(account, keys, letters.email_change_begun(), step)
        return begun

    async def confirm(self, message: ConfirmEmailChange, step: Step) -> EmailAddress:
        """The new address, which was proved. Raises: Rejection CODE_WRONG."""
        proof = await self._proofs.find(message.token, ProofPurpose.CHANGE_EMAIL, step.at_ns)
        if proof.account_id != message.account_id:
            raise code_wrong()
        self._proofs.check_code(proof, message.token, message.code, step)
        self._proofs.drop(proof, step)
        email, _ = self._proofs.open(proof)
        found, _ = await self._core.read_by_email(self._core.credentials.email_lookup(email))
        if found is not None:
            # Somebody has opened an account with it meanwhile.
            raise code_wrong()
        return email

    async def begin_proof(self, account_id: AccountId, step: Step) -> ProofBegun:
        """Send the address of an account a code. Raises: Rejection; Overloaded."""
        account, keys = await self._core.read_account(account_id)
        email = self._core.credentials.open_email(account, keys)
        begun = self._proofs.begin(
            ProofPurpose.VERIFY_EMAIL, email, account, step, asker=account_id
        )
        # One at a time; the new one is not in the vault yet.
        await self._proofs.drop_of(account_id, _OF_PROOFS, step)
        return begun

    async def prove(self, message: ConfirmEmail, step: Step) -> Done:
        """Let an account act whose address is its owner's. Raises: Rejection CODE_WRONG."""
        proof = await self._proofs.find(message.token, ProofPurpose.VERIFY_EMAIL, step.at_ns)
        if proof.account_id != message.account_id:
            raise code_wrong()
        self._proofs.check_code(proof, message.token, message.code, step)
        self._proofs.drop(proof, step)
        account, _ = await self._core.read_account(message.account_id)
        email, _ = self._proofs.open(proof)
        if self._core.credentials.email_lookup(email) != account.email_lookup:
            # It is another address by now.
            raise code_wrong()
        self._live.change_account(account.proved(), step)
        step.record(EmailConfirmed(account_id=account.account_id))
        return Done()

    async def drop_requests(self, account_id: AccountId, step: Step) -> int:
        """Forget what waits for a code; how much it was."""
        return await self._proofs.drop_of(account_id, _OF_CHANGES, step)

    async def make(self, account_id: AccountId, email: EmailAddress, step: Step) -> bool:
        """Put a new address in the place of the old one; False where it is another account's.

        Within a turn whose step holds nothing of this account.
        """
        credentials = self._core.credentials
        account, keys = await self._core.read_account(account_id)
        lookup = credentials.email_lookup(email)
        found, _ = await self._core.read_by_email(lookup)
        if found is not None:
            self._outbox.notify(account, keys, letters.email_is_taken(), step)
            return False
        changed = attrs.evolve(
            account,
            email_lookup=lookup,
            email_sealed=credentials.seal_email(account_id, email, keys),
        )
        self._outbox.notify(account, keys, letters.email_changed(), step)
        self._outbox.notify(changed, keys, letters.email_is_this(), step)
        self._live.change_account(changed.proved(), step)
        # Who reads the old mailbox has no say any more.
        await self._proofs.drop_of(account_id, _OF_OLD_ADDRESS, step)
        return True
