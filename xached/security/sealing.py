"""Sealed values: bytes that open only with the right key, in the place they were sealed for.

XChaCha20-Poly1305 with a random nonce. The associated data names table, column, row and account,
so a sealed value that was moved anywhere else does not open. Every account has its own keys, which
are kept wrapped by the house's key-encryption key; destroying a wrapped key destroys everything it
sealed, in every backup too.

A sealed value is::

    version 1 byte | key id 8 bytes | nonce 24 bytes | ciphertext and tag

The key id says which key opens it, so keys can be rotated value by value.
"""

from __future__ import annotations

import hmac

import attrs
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_ABYTES,
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
)
from nacl.exceptions import CryptoError

from xached.domain.auth import UserKey, UserKeyKind
from xached.domain.order import AccountId
from xached.security.keys import KEY_BYTES, Entropy, MasterKey, Purpose

KEY_ID_BYTES = 8
VERSION = 1

_NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
_HEADER_BYTES = 1 + KEY_ID_BYTES
_SEALED_BYTES_MIN = _HEADER_BYTES + _NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES


class SealBroken(Exception):  # noqa: N818 - what happened, not what went wrong with the call
    """A sealed value does not open: changed, moved from elsewhere, or of another key."""


class KeyDestroyed(Exception):  # noqa: N818 - what happened, not what went wrong with the call
    """The user's key was destroyed on purpose; what it sealed is gone."""


@attrs.frozen
class Place:
    """Where a sealed value belongs. It is authenticated, not stored."""

    table: str
    column: str
    row: str
    account_id: AccountId

    def encode(self) -> bytes:
        """Bytes that differ for every two places, whatever is in the texts."""
        parts = (self.table, self.column, self.row, self.account_id)
        encoded = [part.encode() for part in parts]
        return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


@attrs.frozen(kw_only=True)
class SealingKey:
    """A key that seals and opens."""

    key_id: bytes
    secret: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        assert len(self.key_id) == KEY_ID_BYTES
        assert len(self.secret) == KEY_BYTES

    def seal(self, plain: bytes, place: Place, entropy: Entropy) -> bytes:
        """Seal a value for one place."""
        header = bytes([VERSION]) + self.key_id
        nonce = entropy(_NONCE_BYTES)
        # The header is authenticated too: a version or key id cannot be exchanged.
        bound = header + place.encode()
        return (
            header
            + nonce
            + crypto_aead_xchacha20poly1305_ietf_encrypt(plain, bound, nonce, self.secret)
        )

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Open a value that was sealed for this place. Raises: SealBroken."""
        header, nonce = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:][:_NONCE_BYTES]
        if len(sealed) < _SEALED_BYTES_MIN or sealed[0] != VERSION:
            raise SealBroken(f"{place.table}.{place.column}: this is no sealed value")
        if not hmac.compare_digest(header[1:], self.key_id):
            raise SealBroken(f"{place.table}.{place.column} was sealed with another key")
        try:
            return crypto_aead_xchacha20poly1305_ietf_decrypt(
                sealed[_HEADER_BYTES + _NONCE_BYTES :], header + place.encode(), nonce, self.secret
            )
        except CryptoError:
            raise SealBroken(f"{place.table}.{place.column} does not open") from None


def key_id_of(sealed: bytes) -> bytes:
    """The id of the key that opens a sealed value. Raises: SealBroken."""
    if len(sealed) < _SEALED_BYTES_MIN or sealed[0] != VERSION:
        raise SealBroken("this is no sealed value")
    return sealed[1:_HEADER_BYTES]


def key_encryption_key(master: MasterKey, epoch: int = 1) -> SealingKey:
    """The house's key that wraps the keys of users. Its id tells masters and epochs apart."""
    return SealingKey(
        key_id=master.derive(Purpose.KEY_ENCRYPTION_ID, epoch)[:KEY_ID_BYTES],
        secret=master.derive(Purpose.KEY_ENCRYPTION, epoch),
    )


def letter_key(master: MasterKey, epoch: int = 1) -> SealingKey:
    """The house's key for letters that wait, and for requests of people without an account."""
    return SealingKey(
        key_id=master.derive(Purpose.OUTBOX_KEY_ID, epoch)[:KEY_ID_BYTES],
        secret=master.derive(Purpose.OUTBOX, epoch),
    )


def new_user_key(
    wrapping: SealingKey, account_id: AccountId, kind: UserKeyKind, at_ns: int, entropy: Entropy
) -> tuple[UserKey, SealingKey]:
    """Make a key for an account: the row that keeps it, and the key to use now."""
    key = SealingKey(key_id=entropy(KEY_ID_BYTES), secret=entropy(KEY_BYTES))
    place = _place_of_key(key.key_id, account_id, kind)
    row = UserKey(
        key_id=key.key_id,
        account_id=account_id,
        kind=kind,
        wrapped=wrapping.seal(key.secret, place, entropy),
        created_at_ns=at_ns,
    )
    return row, key


def open_user_key(wrapping: SealingKey, row: UserKey) -> SealingKey:
    """Unwrap a user's key. Raises: SealBroken; KeyDestroyed."""
    if row.wrapped is None:
        raise KeyDestroyed(f"the {row.kind.name.lower()} key of {row.account_id} was destroyed")
    place = _place_of_key(row.key_id, row.account_id, row.kind)
    return SealingKey(key_id=row.key_id, secret=wrapping.open(row.wrapped, place))


def wrap_user_key(wrapping: SealingKey, row: UserKey, key: SealingKey, entropy: Entropy) -> UserKey:
    """The row of a user's key, wrapped by another key of the house."""
    place = _place_of_key(row.key_id, row.account_id, row.kind)
    return attrs.evolve(row, wrapped=wrapping.seal(key.secret, place, entropy))


def _place_of_key(key_id: bytes, account_id: AccountId, kind: UserKeyKind) -> Place:
    return Place("user_keys", f"wrapped/{kind.value}", key_id.hex(), account_id)
