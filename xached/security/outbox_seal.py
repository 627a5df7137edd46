"""Letters in the outbox, sealed by a key of the house.

Not by the recipient's: some letters go to people who have no account yet, and a notice that an
account's keys were destroyed must still be readable until it is sent.
"""

from __future__ import annotations

from typing import Final

import msgpack

from xached.domain.auth import EmailAddress
from xached.domain.mail import Letter, OpenMail, WaitingMail
from xached.domain.order import AccountId
from xached.security.keys import Entropy, MasterKey, Purpose
from xached.security.sealing import KEY_ID_BYTES, Place, SealingKey

_MAIL_ID_BYTES: Final = 10


class OutboxSeal:
    """Writes rows of the outbox, and reads them."""

    def __init__(self, master: MasterKey, entropy: Entropy) -> None:
        secret = master.derive(Purpose.OUTBOX)
        self._key = SealingKey(
            key_id=master.derive(Purpose.OUTBOX_KEY_ID)[:KEY_ID_BYTES], secret=secret
        )
        self._entropy = entropy

    def close(
        self, account_id: AccountId, recipient: EmailAddress, letter: Letter, at_ns: int
    ) -> WaitingMail:
        """The row of a new letter."""
        mail_id = self._entropy(_MAIL_ID_BYTES).hex()
        content: bytes = msgpack.packb([recipient, letter.subject, letter.text])
        return WaitingMail(
            mail_id=mail_id,
            account_id=account_id,
            kind=letter.kind,
            sealed=self._key.seal(content, _place(mail_id, account_id), self._entropy),
            created_at_ns=at_ns,
            due_at_ns=at_ns,
            tries=0,
            expires_at_ns=at_ns + letter.age_ns_max,
        )

    def open(self, mail: WaitingMail) -> OpenMail:
        """The letter of a row. Raises: SealBroken."""
        content = self._key.open(mail.sealed, _place(mail.mail_id, mail.account_id))
        recipient, subject, text = msgpack.unpackb(content)
        return OpenMail(
            mail_id=mail.mail_id,
            recipient=recipient,
            subject=subject,
            text=text,
            created_at_ns=mail.created_at_ns,
        )

    def seal_request(self, proof_id: bytes, email: EmailAddress, password_hash: str) -> bytes:
        """What is kept of somebody who has no account yet."""
        content: bytes = msgpack.packb([email, password_hash])
        return self._key.seal(content, _request_place(proof_id), self._entropy)

    def open_request(self, proof_id: bytes, sealed: bytes) -> tuple[EmailAddress, str]:
        """Address and password hash of a request. Raises: SealBroken."""
        email, password_hash = msgpack.unpackb(self._key.open(sealed, _request_place(proof_id)))
        return EmailAddress(email), password_hash


def _request_place(proof_id: bytes) -> Place:
    return Place("email_proofs", "sealed", proof_id.hex(), AccountId(""))


def _place(mail_id: str, account_id: AccountId) -> Place:
    return Place("outbox", "sealed", mail_id, account_id)
