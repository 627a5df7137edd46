"""Letters in the outbox, sealed by a key of the house.

Not by the recipient's: some letters go to people who have no account yet, and a notice that an
account's keys were destroyed must still be readable until it is sent.
"""

from __future__ import annotations

from typing import Final

import attrs
import msgpack

from xached.domain.auth import EmailAddress
from xached.domain.mail import Letter, OpenMail, WaitingMail
from xached.domain.order import AccountId
from xached.domain.recovery import EmailProof
from xached.security.key_ring import EpochKeys
from xached.security.keys import Entropy
from xached.security.sealing import Place

_MAIL_ID_BYTES: Final = 10


class OutboxSeal:
    """Writes rows of the outbox, and reads them."""

    def __init__(self, keys: EpochKeys, entropy: Entropy) -> None:
        self._keys = keys
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
            sealed=self._seal(content, _place(mail_id, account_id)),
            created_at_ns=at_ns,
            due_at_ns=at_ns,
            tries=0,
            expires_at_ns=at_ns + letter.age_ns_max,
        )

    def open(self, mail: WaitingMail) -> OpenMail:
        """The letter of a row. Raises: SealBroken."""
        content = self._open(mail.sealed, _place(mail.mail_id, mail.account_id))
        recipient, subject, text = msgpack.unpackb(content)
        return OpenMail(
            mail_id=mail.mail_id,
            recipient=recipient,
            subject=subject,
            text=text,
            created_at_ns=mail.created_at_ns,
        )

    def seal_request(
        self, proof_id: bytes, account_id: AccountId, email: EmailAddress, password_hash: str
    ) -> bytes:
        """What is kept of a request that waits for its code; mostly of people without account."""
        content: bytes = msgpack.packb([email, password_hash])
        return self._seal(content, _request_place(proof_id, account_id))

    def open_request(self, proof: EmailProof) -> tuple[EmailAddress, str]:
        """Address and password hash of a request. Raises: SealBroken."""
        place = _request_place(proof.proof_id, proof.account_id)
        email, password_hash = msgpack.unpackb(self._open(proof.sealed, place))
        return EmailAddress(email), password_hash

    def is_current(self, sealed: bytes) -> bool:
        """Whether the newest key has sealed it."""
        return self._keys.is_current(sealed)

    def renewed_mail(self, mail: WaitingMail) -> WaitingMail:
        """The row of a letter, sealed by the newest key. Raises: SealBroken."""
        return self.taken_over_mail(mail, self)

    def renewed_proof(self, proof: EmailProof) -> EmailProof:
        """The row of a request, sealed by the newest key. Raises: SealBroken."""
        return self.taken_over_proof(proof, self)

    def taken_over_mail(self, mail: WaitingMail, former: OutboxSeal) -> WaitingMail:
        """The row of a letter that another one has sealed. Raises: SealBroken."""
        place = _place(mail.mail_id, mail.account_id)
        return attrs.evolve(mail, sealed=self._seal(former._open(mail.sealed, place), place))

    def taken_over_proof(self, proof: EmailProof, former: OutboxSeal) -> EmailProof:
        """The row of a request that another one has sealed. Raises: SealBroken."""
        place = _request_place(proof.proof_id, proof.account_id)
        return attrs.evolve(proof, sealed=self._seal(former._open(proof.sealed, place), place))

    def _seal(self, content: bytes, place: Place) -> bytes:
        return self._keys.newest.seal(content, place, self._entropy)

    def _open(self, sealed: bytes, place: Place) -> bytes:
        return self._keys.find(sealed).open(sealed, place)


def _request_place(proof_id: bytes, account_id: AccountId) -> Place:
    return Place("email_proofs", "sealed", proof_id.hex(), account_id)


def _place(mail_id: str, account_id: AccountId) -> Place:
    return Place("outbox", "sealed", mail_id, account_id)
