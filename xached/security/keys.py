"""The master key, and every key that is made from it.

The master key is 32 bytes in a file only its owner can read (or a systemd credential). Nothing is
ever encrypted or authenticated with it directly: HKDF (RFC 5869) makes one key for each purpose,
so that a leak of one says nothing about the others.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

KEY_BYTES = 32

Entropy = Callable[[int], bytes]
"""Gives so many bytes that nobody can guess."""

_HASH_BYTES = 32
_SALT = b"xache/master/1"
_SHARED = stat.S_IRWXG | stat.S_IRWXO


class MasterKeyError(Exception):
    """The master key file cannot be used. The text tells the operator what to do."""


class Purpose(enum.Enum):
    """What a derived key is for. The texts are for ever: another text is another key."""

    JOURNAL_CHAIN = "journal-chain"
    PAPER_CHAIN = "paper-chain"
    VAULT_ROWS = "vault-rows"
    VAULT_STREAM = "vault-stream"
    EMAIL_LOOKUP = "email-lookup"
    PASSWORD_PEPPER = "password-pepper"  # noqa: S105 - a purpose, not a password
    REFRESH_TOKENS = "refresh-tokens"
    BOOTSTRAP_TOKENS = "bootstrap-tokens"
    ACCESS_TOKEN_SEED = "access-token-seed"  # noqa: S105 - a purpose, not a password
    KEY_ENCRYPTION = "key-encryption"
    CHECKPOINT_SEED = "checkpoint-seed"
    AUDIT_ADDRESSES = "audit-addresses"
    KEY_ENCRYPTION_ID = "key-encryption-id"
    MASTER_KEY_ID = "master-key-id"
    OUTBOX = "outbox"
    RECOVERY_CODES = "recovery-codes"
    LETTER_CODES = "letter-codes"
    FREEZE_TOKENS = "freeze-tokens"
    OUTBOX_KEY_ID = "outbox-key-id"
    INHERITANCE = "inheritance"
    PLUGIN_APPROVALS = "plugin-approvals"


@attrs.frozen
class MasterKey:
    """The root of all keys of a house."""

    secret: bytes = attrs.field(repr=False)
    inherited: Mapping[Purpose, bytes] = attrs.field(factory=dict, repr=False)
    """Keys of the master key before, which this one does not make itself."""

    def __attrs_post_init__(self) -> None:
        assert len(self.secret) == KEY_BYTES

    def derive(self, purpose: Purpose, epoch: int = 1) -> bytes:
        """The key for one purpose, 32 bytes; always the same, and another in each epoch."""
        if purpose in self.inherited:
            assert epoch == 1, "what is inherited has no epochs"
            return self.inherited[purpose]
        suffix = "" if epoch == 1 else f"/{epoch}"
        info = f"xache/1/{purpose.value}{suffix}"
        return hkdf_sha256(self.secret, _SALT, info.encode(), KEY_BYTES)


def create_master_key(path: Path, entropy: Entropy) -> MasterKey:
    """Make the master key of a new house: a file with mode 0400 that is on disk on return.

    Raises: MasterKeyError when there is a file already; it is never overwritten.
    """
    secret = entropy(KEY_BYTES)
    write_new_file(path, secret, 0o400)
    return MasterKey(secret)


def write_new_file(path: Path, content: bytes, mode: int) -> None:
    """Make a file that is on disk on return.

    Raises: MasterKeyError when there is one already; it is never overwritten.
    """
    # Written aside and linked: a power cut leaves a whole file or none, never a short one. Only
    # who has locked the directory does this, so what lies there is left over from a crash.
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, path)
    except FileExistsError:
        raise MasterKeyError(f"{path} exists; it is never replaced") from None
    finally:
        unfinished.unlink()
    _sync_directory(path.parent)


def read_master_key(path: Path) -> MasterKey:
    """Read the master key of a house.

    Raises: MasterKeyError when it is missing, has another size, or others could read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a FIFO must not hang us
    except FileNotFoundError:
        raise MasterKeyError(
            f"{path} is missing: without its master key a data directory cannot be read; "
            "put the key back from where it is kept safe"
        ) from None
    except OSError as error:
        raise MasterKeyError(f"{path} cannot be opened: {error.strerror}") from None
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise MasterKeyError(f"{path} is not a regular file")
        if mode & _SHARED:
            raise MasterKeyError(
                f"{path} is open to others (mode {stat.S_IMODE(mode):04o}): "
                "if nobody has read it, run chmod 0400 on it"
            )
        secret = os.read(descriptor, KEY_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(secret) != KEY_BYTES:
        raise MasterKeyError(f"{path} does not hold exactly {KEY_BYTES} bytes: it is no master key")
    return MasterKey(secret)


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869): extract, then expand to ``length`` bytes."""
    assert 0 < length <= 255 * _HASH_BYTES
    extracted = hmac.digest(salt, secret, hashlib.sha256)
    block = output = b""
    counter = 1
    while len(output) < length:
        block = hmac.digest(extracted, block + info + bytes([counter]), hashlib.sha256)
        output += block
        counter += 1
    return output[:length]


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
