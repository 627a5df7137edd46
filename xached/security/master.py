"""Where the master key of a house comes from, and how a wrong one is known.

An operator keeps it in one of four places; the first that is there counts:

1. the environment, as 64 hexadecimal digits: with ``--dev`` only, as other processes can see it;
2. a systemd credential, ``$CREDENTIALS_DIRECTORY/xached.master-key``: 32 bytes;
3. somebody's head: a passphrase, from which argon2id (RFC 9106) makes the key;
4. ``master.key`` in the data directory: 32 bytes, mode 0400. A new house makes one.

``master.id`` beside the data says which one is right; see :mod:`xached.security.key_note`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
from nacl.pwhash import argon2id

from xached.security.key_note import (
    KeyNote,
    Stretching,
    key_id,
    prepared_note,
    read_key_note,
)
from xached.security.keys import (
    KEY_BYTES,
    Entropy,
    MasterKey,
    MasterKeyError,
    create_master_key,
    read_master_key,
    write_new_file,
)

CREDENTIAL = "xached.master-key"
"""Name of the systemd credential."""

PASSPHRASE_CHARS_MIN = 16
PASSPHRASE_COST = (3, 256 * 1024 * 1024)
"""Passes and bytes of memory. About a second, once at each start: libsodium's MODERATE."""

_HEX_KEY = re.compile(r"[0-9a-fA-F]{64}", re.ASCII)


@attrs.frozen(kw_only=True)
class KeySource:
    """What the operator gave this process. Without anything the key is the file's."""

    environment: str | None = attrs.field(default=None, repr=False)
    credentials: Path | None = None
    """Systemd's directory of credentials."""
    passphrase: Callable[[], str] | None = None
    """Asks for it; called at most once, and only where the key is made from one."""
    passphrase_wanted: bool = False
    """The key of a new house is to be made from one."""
    passphrase_cost: tuple[int, int] = PASSPHRASE_COST
    """Of a new house; an old one has its own."""


FILE_ONLY: Final = KeySource()
"""Nothing but the file in the data directory."""


def open_master_key(
    file: Path, note: Path, source: KeySource, entropy: Entropy, *, new_house: bool
) -> MasterKey:
    """The key of this house; a new house is given one.

    Args:
        file: ``master.key``.
        note: ``master.id``; written for a new house.
        source: what the operator gave.
        entropy: of a new key or salt.
        new_house: there is nothing yet that another key could have been used for.

    Raises: MasterKeyError.
    """
    known = read_key_note(note)
    stretching = None if known is None else known.stretching
    if known is None and new_house and source.passphrase_wanted and not is_given(source):
        stretching = new_stretching(entropy, source.passphrase_cost)
    if new_house and stretching is None and not file.exists() and not is_given(source):
        key = create_master_key(file, entropy)
        if known is not None:
            _check(key, known, note)
    elif known is not None:
        return find_master_key(file, note, source)
    else:
        key = _find(file, source, stretching)
    if known is None and new_house:
        write_new_file(note, KeyNote(key_id=key_id(key), stretching=stretching).encode(), 0o600)
    return key


def find_master_key(file: Path, note: Path, source: KeySource) -> MasterKey:
    """The key of a house that exists; nothing is written.

    While a key is exchanged it may be either of the two that the notes name: which of them opens
    the vault is for the caller to see.

    Raises: MasterKeyError.
    """
    known = read_key_note(note)
    if known is None:
        return _find(file, source, None)
    notes = [each for each in (known, read_key_note(prepared_note(note))) if each is not None]
    source = _asking_once(source)
    refusal: MasterKeyError | None = None
    for each in notes:
        try:
            key = _find(file, source, each.stretching)
            _check(key, each, note)
        except MasterKeyError as refused:
            refusal = refusal or refused
        else:
            return each.complete(key)
    assert refusal is not None, "one of the notes was tried"
    raise refusal


def is_given(source: KeySource) -> bool:
    """Whether the key itself is handed over from outside of the data directory."""
    return source.environment is not None or _credential(source) is not None


def stretch(passphrase: str, stretching: Stretching) -> MasterKey:
    """The key that is made from a passphrase. Raises: MasterKeyError."""
    if len(passphrase) < PASSPHRASE_CHARS_MIN:
        raise MasterKeyError(
            f"the passphrase is too short: {PASSPHRASE_CHARS_MIN} characters at least"
        )
    secret = argon2id.kdf(
        KEY_BYTES,
        passphrase.encode(),
        stretching.salt,
        opslimit=stretching.passes,
        memlimit=stretching.memory_bytes,
    )
    return MasterKey(secret)


def new_stretching(entropy: Entropy, cost: tuple[int, int]) -> Stretching:
    """How a new passphrase is to become a key."""
    passes, memory_bytes = cost
    salt = entropy(argon2id.SALTBYTES)
    return Stretching(salt=salt, passes=passes, memory_bytes=memory_bytes)


def _find(file: Path, source: KeySource, stretching: Stretching | None) -> MasterKey:
    if source.environment is not None:
        return _from_environment(source.environment)
    credential = _credential(source)
    if credential is not None:
        return read_master_key(credential)
    if stretching is not None:
        return _from_passphrase(source, stretching)
    return read_master_key(file)


def _credential(source: KeySource) -> Path | None:
    if source.credentials is None:
        return None
    path = source.credentials / CREDENTIAL
    return path if path.exists() else None


def _from_environment(text: str) -> MasterKey:
    if _HEX_KEY.fullmatch(text) is None:
        raise MasterKeyError(f"the key in the environment is not {2 * KEY_BYTES} hex digits")
    return MasterKey(bytes.fromhex(text))


def _from_passphrase(source: KeySource, stretching: Stretching) -> MasterKey:
    if source.passphrase is None:
        raise MasterKeyError(
            "the key of this house is made from a passphrase: run it where it can ask, or hand the "
            "passphrase over, as in: systemd-ask-password XACHE | xached serve --passphrase-fd 0"
        )
    return stretch(source.passphrase(), stretching)


def _asking_once(source: KeySource) -> KeySource:
    """The source, which asks a person no more than once."""
    if source.passphrase is None:
        return source
    return attrs.evolve(source, passphrase=functools.cache(source.passphrase))


def _check(key: MasterKey, known: KeyNote, note: Path) -> None:
    found = key_id(key)
    if found != known.key_id:
        what = "passphrase" if known.stretching is not None else "master key"
        raise MasterKeyError(
            f"this is not the {what} of this house: {note} names {known.key_id}, this is {found}"
        )
