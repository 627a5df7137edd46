"""``master.id``: which master key a house has, and what more it takes to use it.

It names the key by a hash that says nothing about it, so that a wrong one is refused before
anything is read with it. It holds what a passphrase needs: salt and cost. And in a house that
exchanged its master key it holds the keys of the former one that go on being used, sealed by the
new one. None of it is a secret, but without it a passphrase, or an exchanged key, is worth nothing:
back it up with the data.

While a key is exchanged the note of the new one lies beside it, as ``master.id.next``.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import attrs
import msgpack
from nacl.pwhash import argon2id

from xached.domain.order import AccountId
from xached.security.keys import Entropy, MasterKey, MasterKeyError, Purpose
from xached.security.sealing import KEY_ID_BYTES, Place, SealBroken, SealingKey

INHERITED_PURPOSES: Final = frozenset(
    {
        # Chains of rows that are for ever, and what signs them.
        Purpose.JOURNAL_CHAIN,
        Purpose.PAPER_CHAIN,
        Purpose.VAULT_STREAM,
        Purpose.CHECKPOINT_SEED,
        Purpose.AUDIT_ADDRESSES,
        # What an operator has looked at stays looked at.
        Purpose.PLUGIN_APPROVALS,
        # Hashes of what only its owner has: it cannot be hashed anew.
        Purpose.PASSWORD_PEPPER,
        Purpose.REFRESH_TOKENS,
        Purpose.BOOTSTRAP_TOKENS,
        Purpose.RECOVERY_CODES,
        Purpose.LETTER_CODES,
    }
)
"""What a new master key takes over from the former one; all else it makes itself."""

_KEY_ID_BYTES = 8
_MEMORY_BYTES_MAX = 2 * 1024**3
_PASSES_MAX = 100
_HEX = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)


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
    stretching: Stretching | None = None
    inherited: bytes = b""
    """Sealed by the key that is named."""

    def encode(self) -> bytes:
        """As it is written."""
        lines = [f'key_id = "{self.key_id}"']
        if self.stretching is not None:
            lines += [
                f'salt = "{self.stretching.salt.hex()}"',
                f"passes = {self.stretching.passes}",
                f"memory_bytes = {self.stretching.memory_bytes}",
            ]
        if self.inherited:
            lines.append(f'inherited = "{self.inherited.hex()}"')
        return "".join(f"{line}\n" for line in lines).encode("ascii")

    def complete(self, key: MasterKey) -> MasterKey:
        """The key that is named, with what it has inherited. Raises: MasterKeyError."""
        if not self.inherited:
            return key
        try:
            content = _inheritance_key(key).open(self.inherited, _place(self.key_id))
        except SealBroken:
            raise MasterKeyError(
                "master.id was changed: put it back from a backup that was made with this key"
            ) from None
        named = msgpack.unpackb(content)
        return attrs.evolve(
            key, inherited={Purpose(name): secret for name, secret in named.items()}
        )


def key_id(key: MasterKey) -> str:
    """What names a master key without saying anything about it."""
    return key.derive(Purpose.MASTER_KEY_ID)[:_KEY_ID_BYTES].hex()


def prepared_note(note: Path) -> Path:
    """Where the note of the next master key lies while the key is exchanged."""
    return note.with_name(f"{note.name}.next")


def inherit(
    former: MasterKey, key: MasterKey, stretching: Stretching | None, entropy: Entropy
) -> KeyNote:
    """The note of a key that is to follow another one."""
    named = {
        purpose.value: former.derive(purpose)
        for purpose in sorted(INHERITED_PURPOSES, key=lambda purpose: purpose.value)
    }
    content: bytes = msgpack.packb(named)
    name = key_id(key)
    sealed = _inheritance_key(key).seal(content, _place(name), entropy)
    return KeyNote(key_id=name, stretching=stretching, inherited=sealed)


def read_key_note(note: Path) -> KeyNote | None:
    """What a note says; None where there is none. Raises: MasterKeyError."""
    try:
        written = note.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise MasterKeyError(f"{note} cannot be read: put it back from a backup") from None
    found = decode_key_note(written)
    if found is None:
        raise MasterKeyError(f"{note} says what no xached wrote: put it back from a backup")
    return found


def decode_key_note(written: bytes) -> KeyNote | None:
    """What the bytes of a note say; None where no xached wrote them."""
    try:
        said = tomllib.loads(written.decode("ascii"))
    except ValueError:
        return None
    inherited = said.pop("inherited", "00")
    if not isinstance(inherited, str) or not _HEX.fullmatch(inherited):
        return None
    handed_down = bytes.fromhex(inherited) if inherited != "00" else b""
    match said:
        case {"key_id": str(known), **rest} if not rest:
            return KeyNote(key_id=known, inherited=handed_down)
        case {
            "key_id": str(known),
            "salt": str(salt),
            "passes": int(passes),
            "memory_bytes": int(memory_bytes),
        } if _is_bearable(salt, passes, memory_bytes):
            stretching = Stretching(
                salt=bytes.fromhex(salt), passes=passes, memory_bytes=memory_bytes
            )
            return KeyNote(key_id=known, stretching=stretching, inherited=handed_down)
        case _:
            return None


def _is_bearable(salt: str, passes: int, memory_bytes: int) -> bool:
    """Whether argon2id takes it, and this machine too: somebody else may have written it."""
    return (
        re.fullmatch(r"[0-9a-f]{32}", salt) is not None
        and argon2id.OPSLIMIT_MIN <= passes <= _PASSES_MAX
        and argon2id.MEMLIMIT_MIN <= memory_bytes <= _MEMORY_BYTES_MAX
    )


def _inheritance_key(key: MasterKey) -> SealingKey:
    secret = key.derive(Purpose.INHERITANCE)
    return SealingKey(key_id=bytes.fromhex(key_id(key))[:KEY_ID_BYTES], secret=secret)


def _place(name: str) -> Place:
    return Place("master.id", "inherited", name, AccountId(""))
