"""Passwords: which are good enough, and what the house keeps of them.

The house keeps argon2id (RFC 9106) over an HMAC of the password. The HMAC key, the pepper, comes
from the master key, so a stolen vault alone cannot be guessed against. Parameters travel in the
stored text, so the cost can be raised and old hashes are renewed at the next login.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import importlib.resources
import re
import unicodedata

from nacl.pwhash import argon2id

from xached.domain.rejection import Reason, Rejection
from xached.runtime.world import Argon2Cost
from xached.security.keys import Entropy

PASSWORD_CHARS_MIN = 15
"""NIST SP 800-63B-4, 3.1.1.2: where a password may be the only factor, as it is until a person
turns on the second one. Passwords chosen under an older rule go on working."""

PASSWORD_CHARS_MAX = 256

_SALT_BYTES = argon2id.SALTBYTES
_HASH_BYTES = 32
_KIB = 1024
_PEPPER_ID = "1"
_DISTINCT_CHARS_MIN = 5

_STORED = re.compile(
    r"\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=1,keyid=1"
    r"\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})",
    re.ASCII,
)


class PasswordHashDamaged(Exception):  # noqa: N818 - what the stored text is
    """The stored text is no password hash of this house."""


class PasswordHasher:
    """Hashes and verifies; every call costs tens of milliseconds, on purpose.

    Args:
        pepper: 32 bytes that are not in the vault.
        cost: of new hashes; old ones are verified at their own.
    """

    def __init__(self, pepper: bytes, cost: Argon2Cost) -> None:
        self._pepper = pepper
        self._cost = cost

    def hash(self, password: str, salt: bytes) -> str:
        """The text to store. ``salt``: 16 bytes of entropy, never used again."""
        digest = self._digest(password, salt, self._cost)
        return self._encode(salt, digest)

    def verify(self, password: str, stored: str) -> bool:
        """Tell whether it is the password, in a time that does not depend on the answer.

        Raises: PasswordHashDamaged.
        """
        cost, salt, expected = _decode(stored)
        return hmac.compare_digest(self._digest(password, salt, cost), expected)

    def unmatchable(self, entropy: Entropy) -> str:
        """A stored text that no password has; verifying costs what it always costs."""
        return self._encode(entropy(_SALT_BYTES), entropy(_HASH_BYTES))

    def needs_rehash(self, stored: str) -> bool:
        """Tell whether it was made at another cost. Raises: PasswordHashDamaged."""
        return _decode(stored)[0] != self._cost

    def _digest(self, password: str, salt: bytes, cost: Argon2Cost) -> bytes:
        # Too long was refused when it was chosen; so was the empty one, which stands for it here.
        bounded = password if len(password) <= PASSWORD_CHARS_MAX else ""
        peppered = hmac.digest(self._pepper, _canonical(bounded).encode(), hashlib.sha256)
        return argon2id.kdf(
            _HASH_BYTES, peppered, salt, opslimit=cost.passes, memlimit=cost.memory_bytes
        )

    def _encode(self, salt: bytes, digest: bytes) -> str:
        return (
            f"$argon2id$v=19$m={self._cost.memory_bytes // _KIB},t={self._cost.passes},p=1,"
            f"keyid={_PEPPER_ID}${_base64(salt)}${_base64(digest)}"
        )


def new_salt(entropy: Entropy) -> bytes:
    """A salt for one hash."""
    return entropy(_SALT_BYTES)


def check_password(password: str, email: str) -> str:
    """Return a new password if it is good enough.

    Length is what counts (NIST SP 800-63B): no rule asks for kinds of characters. Refused are only
    those that everybody tries first.

    Raises: Rejection PASSWORD_RULE; it does not repeat the password.
    """
    # Before anything else looks at it: normalising accents in the wrong order takes the square of
    # their number, 12 s for 128 KB.
    canonical = _canonical(password) if len(password) <= PASSWORD_CHARS_MAX else ""
    if not PASSWORD_CHARS_MIN <= len(canonical) <= PASSWORD_CHARS_MAX:
        raise Rejection(
            Reason.PASSWORD_RULE,
            "the password has the wrong length",
            field="password",
            allowed=f"{PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters",
        )
    plain = canonical.lower()
    if (
        len(set(plain)) < _DISTINCT_CHARS_MIN
        or plain in _COMMON
        or _is_run(plain)
        or plain in (email.lower(), email.lower().partition("@")[0])
    ):
        raise Rejection(
            Reason.PASSWORD_RULE,
            "the password is one of those that are guessed first",
            field="password",
            allowed="anything that is not a well-known password, a row of keys or the address",
        )
    return password


def _canonical(password: str) -> str:
    """One form for what looks the same, since keyboards differ in how they compose characters."""
    return unicodedata.normalize("NFKC", password)


def _is_run(plain: str) -> bool:
    """True for a piece of a keyboard row, the alphabet or the digits, forwards or backwards."""
    return any(plain in row or plain[::-1] in row for row in _ROWS)


def _decode(stored: str) -> tuple[Argon2Cost, bytes, bytes]:
    match = _STORED.fullmatch(stored)
    if match is None:
        raise PasswordHashDamaged("the stored password hash has another form")
    memory, passes, salt, digest = match.groups()
    cost = Argon2Cost(passes=int(passes), memory_bytes=int(memory) * _KIB)
    try:
        return cost, _unbase64(salt), _unbase64(digest)
    except binascii.Error:
        raise PasswordHashDamaged("the stored password hash is not base64") from None


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


_ROWS = tuple(
    row * 4
    for row in (
        "qwertyuiop",
        "asdfghjkl",
        "zxcvbnm",
        "qwertyuiopasdfghjklzxcvbnm",
        "1234567890",
        "0123456789",
        "abcdefghijklmnopqrstuvwxyz",
        "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    )
)

# Long enough to pass the length rule and still among the million that are seen most often: 9,700,
# where ASVS 5.0, 6.2.4 asks for 3,000. Where they come from is told in NOTICE.md.
_COMMON = frozenset(
    importlib.resources.files("xached.security")
    .joinpath("common_passwords.txt")
    .read_text(encoding="ascii")
    .split()
)
