"""Signing requests with an API key instead of carrying a session.

What is signed, and how it travels, is told in the house's documentation of signed requests; each
request is signed anew, also when it is repeated, because the house obeys a signature once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import attrs

from xache.errors import XacheError

ED25519: Final = "XACHE-ED25519"
HMAC_SHA256: Final = "XACHE-HMAC-SHA256"

_OTHERS: Final = 0o077
_NONCE_BYTES: Final = 16
_SECRET_BYTES: Final = 32


class KeyFileError(Exception):
    """The key file cannot be trusted or read. Its owner must act."""


@attrs.frozen(kw_only=True)
class KeyFile:
    """An API key, as its holder keeps it."""

    key_id: str
    scheme: str
    secret: bytes = attrs.field(repr=False)
    """The Ed25519 seed or the HMAC secret: 32 bytes."""

    def save(self, path: Path) -> None:
        """Write a new file that only its owner can read. Raises: FileExistsError."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(
                {
                    "key_id": self.key_id,
                    "scheme": self.scheme,
                    "secret": base64.urlsafe_b64encode(self.secret).decode(),
                },
                file,
            )
            file.write("\n")

    @classmethod
    def load(cls, path: Path) -> KeyFile:
        """Read a key. Raises: KeyFileError, also when others could read it."""
        try:
            with path.open() as file:
                if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                    raise KeyFileError(f"{path} is open to others: chmod 600 it, or make a new key")
                content = json.load(file)
            key = cls(
                key_id=str(content["key_id"]),
                scheme=str(content["scheme"]),
                secret=base64.urlsafe_b64decode(content["secret"]),
            )
        except OSError as error:
            raise KeyFileError(f"{path} cannot be read: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise KeyFileError(f"{path} is no key file") from None
        if key.scheme not in {ED25519, HMAC_SHA256} or len(key.secret) != _SECRET_BYTES:
            raise KeyFileError(f"{path} is no key file")
        return key


class Signer:
    """Signs requests with one key, on the house's clock once it has told it.

    Args:
        key: who signs.
        now_ns: the wall clock.
    """

    def __init__(self, key: KeyFile, now_ns: Callable[[], int]) -> None:
        self._key = key
        self._now_ns = now_ns
        self._ahead_ms = 0
        self._sign = _ed25519(key.secret) if key.scheme == ED25519 else _hmac(key.secret)

    def header(self, path: str, body: bytes) -> str:
        """The ``authorization`` of one request; a stream of requests has an empty body."""
        key = self._key
        timestamp = str(self._now_ns() // 1_000_000 + self._ahead_ms)
        nonce = _encoded(secrets.token_bytes(_NONCE_BYTES))
        digest = hashlib.sha256(body).hexdigest()
        text = "\n".join((key.scheme, key.key_id, path, digest, timestamp, nonce)).encode()
        return f"{key.scheme} {key.key_id}:{timestamp}:{nonce}:{_encoded(self._sign(text))}"

    def learn(self, error: XacheError) -> float | None:
        """Set the clock by a refusal: seconds until signing anew helps; None where it does not."""
        if error.reason != "TIMESTAMP" or "now_ms" not in error.facts:
            return None
        self._ahead_ms = int(error.facts["now_ms"]) - self._now_ns() // 1_000_000
        return error.retry_after_s or 0.0


def _ed25519(seed: bytes) -> Callable[[bytes], bytes]:
    from nacl.signing import SigningKey  # Only who signs waits for it to be loaded.

    signing = SigningKey(seed)
    return lambda text: signing.sign(text).signature


def _hmac(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda text: hmac.digest(secret, text, "sha256")


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
