"""Where the master key of a house comes from, and how a wrong one is known.

An operator keeps it in one of four places; the first that is there counts:

1. the environment, as 64 hexadecimal digits: with ``--dev`` only, as other processes can see it;
2. a systemd credential, ``$CREDENTIALS_DIRECTORY/xached.master-key``: 32 bytes;
3. somebody's head: a passphrase, from which argon2id (RFC 9106) makes the key;
4. ``master.key`` in the data directory: 32 bytes, mode 0400. A new house makes one.

``master.id`` beside the data names the key by a hash that says nothing about it, so that a wrong
one is refused before anything is read with it. It also holds what a passphrase needs: salt and
cost. It is no secret, but without its salt a passphrase is worth nothing: back it up.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs
from nacl.pwhash import argon2id

from xached.security.keys import (
    KEY_BYTES,
    Entropy,
    MasterKey,
    MasterKeyError,
    Purpose,
    create_master_key,
    read_master_key,
    write_new_file,
)

CREDENTIAL = "xached.master-key"
"""Name of the systemd credential."""

PASSPHRASE_CHARS_MIN = 16
PASSPHRASE_COST = (3, 256 * 1024 * 1024)
"""Passes and bytes of memory. About a second, once at each start: libsodium's MODERATE."""

_KEY_ID_BYTES = 8
_MEMORY_BYTES_MAX = 2 * 1024**3
_PASSES_MAX = 100
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


@attrs.frozen(kw_only=True)
class Stretching:
    """How a passphrase becomes a key."""

    salt: bytes
    passes: int
    memory_bytes: int


@attrs.frozen(kw_only=True)
class KeyNote:
    """What ``master.id`` says."""

    key_id: str
    stretching: Stretching | None


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
    if known is None and new_house and source.passphrase_wanted and not _is_given(source):
        passes, memory_bytes = source.passphrase_cost
        stretching = Stretching(
            salt=entropy(argon2id.SALTBYTES), passes=passes, memory_bytes=memory_bytes
        )
    if new_house and stretching is None and not file.exists() and not _is_given(source):
        key = create_master_key(file, entropy)
    else:
        key = _find(file, source, stretching)
    if known is not None:
        _check(key, known, note)
    elif new_house:
        _write(note, key, stretching)
    return key


def remember_master_key(note: Path, key: MasterKey) -> None:
    """Name the key of an old house, once it has been seen to be the right one."""
    if not note.exists():
        _write(note, key, None)


def find_master_key(file: Path, note: Path, source: KeySource) -> MasterKey:
    """The key of a house that exists; nothing is written. Raises: MasterKeyError."""
    known = read_key_note(note)
    key = _find(file, source, None if known is None else known.stretching)
    if known is not None:
        _check(key, known, note)
    return key


def key_id(key: MasterKey) -> str:
    """What names a master key without saying anything about it."""
    return key.derive(Purpose.MASTER_KEY_ID)[:_KEY_ID_BYTES].hex()


def read_key_note(note: Path) -> KeyNote | None:
    """What ``master.id`` says; None where there is none. Raises: MasterKeyError."""
    try:
        written = tomllib.loads(note.read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise MasterKeyError(f"{note} cannot be read: put it back from a backup") from None
    match written:
        case {"key_id": str(known), **rest} if not rest:
            return KeyNote(key_id=known, stretching=None)
        case {
            "key_id": str(known),
            "salt": str(salt),
            "passes": int(passes),
            "memory_bytes": int(memory_bytes),
        } if _is_bearable(salt, passes, memory_bytes):
            stretching = Stretching(
                salt=bytes.fromhex(salt), passes=passes, memory_bytes=memory_bytes
            )
            return KeyNote(key_id=known, stretching=stretching)
        case _:
            raise MasterKeyError(f"{note} says what no xached wrote: put it back from a backup")


def _is_given(source: KeySource) -> bool:
    return source.environment is not None or _credential(source) is not None


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
    passphrase = source.passphrase()
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


def _is_bearable(salt: str, passes: int, memory_bytes: int) -> bool:
    """Whether argon2id takes it, and this machine too: somebody else may have written it."""
    return (
        re.fullmatch(r"[0-9a-f]{32}", salt) is not None
        and argon2id.OPSLIMIT_MIN <= passes <= _PASSES_MAX
        and argon2id.MEMLIMIT_MIN <= memory_bytes <= _MEMORY_BYTES_MAX
    )


def _check(key: MasterKey, known: KeyNote, note: Path) -> None:
    found = key_id(key)
    if found != known.key_id:
        what = "passphrase" if known.stretching is not None else "master key"
        raise MasterKeyError(
            f"this is not the {what} of this house: {note} names {known.key_id}, this is {found}"
        )


def _write(note: Path, key: MasterKey, stretching: Stretching | None) -> None:
    lines = [f'key_id = "{key_id(key)}"']
    if stretching is not None:
        lines += [
            f'salt = "{stretching.salt.hex()}"',
            f"passes = {stretching.passes}",
            f"memory_bytes = {stretching.memory_bytes}",
        ]
    write_new_file(note, "".join(f"{line}\n" for line in lines).encode("ascii"), 0o600)
