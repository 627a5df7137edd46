"""Who signs checkpoints: an Ed25519 key of its own, made from the master key."""

from __future__ import annotations

import hashlib
import hmac

import attrs
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from xached.domain.audit import Checkpoint
from xached.domain.backtests import TrialCheckpoint
from xached.security.keys import MasterKey, Purpose

_MARK_BYTES = 16


class Signer:
    """Signs checkpoints and knows its own; and marks addresses, so that equal ones are seen."""

    def __init__(self, master: MasterKey) -> None:
        self._key = SigningKey(master.derive(Purpose.CHECKPOINT_SEED))
        self._marks = master.derive(Purpose.AUDIT_ADDRESSES)

    @property
    def public_key(self) -> bytes:
        """32 bytes that anybody may have, to check signatures with."""
        return bytes(self._key.verify_key)

    def sign(self, checkpoint: Checkpoint) -> Checkpoint:
        """The checkpoint with its signature; the same for the same checkpoint."""
        signature = self._key.sign(checkpoint.signed_text.encode()).signature
        return attrs.evolve(checkpoint, signature=signature)

    def is_genuine(self, checkpoint: Checkpoint) -> bool:
        """Whether this house signed it."""
        try:
            self._key.verify_key.verify(checkpoint.signed_text.encode(), checkpoint.signature)
        except (BadSignatureError, ValueError):  # The latter: no signature by its length.
            return False
        return True

    def sign_trials(self, head: TrialCheckpoint) -> TrialCheckpoint:
        """The head of the trials with its signature."""
        signature = self._key.sign(head.signed_text.encode()).signature
        return attrs.evolve(head, signature=signature)

    def knows_trials(self, head: TrialCheckpoint) -> bool:
        """Whether this house signed that head of its trials."""
        try:
            self._key.verify_key.verify(head.signed_text.encode(), head.signature)
        except (BadSignatureError, ValueError):  # The latter: no signature by its length.
            return False
        return True

    def mark(self, address: str) -> bytes:
        """A keyed hash of an address."""
        return hmac.digest(self._marks, address.encode(), hashlib.sha256)[:_MARK_BYTES]
