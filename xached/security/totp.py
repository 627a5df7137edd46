"""One-time codes by the clock (RFC 6238), and the recovery codes that stand in for them.

A step is 30 seconds of Unix time. A clock that is one step off is put up with. Which step was used
last is kept by whoever asks: a code of that step or an earlier one is no code any more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

import pyotp

from xached.domain.order import AccountId
from xached.security.keys import Entropy

SECRET_BYTES: Final = 20
"""RFC 4226, section 4, R6: the length that authenticator apps know."""

STEP_S: Final = 30
SLACK_STEPS: Final = 1
ISSUER: Final = "XACHE"

RECOVERY_CODES: Final = 10
_RECOVERY_BYTES: Final = 10
_LETTER_BYTES: Final = 5
_RECOVERY_CHARS: Final = 16
_NS_PER_S: Final = 1_000_000_000


def new_secret(entropy: Entropy) -> bytes:
    """A secret for one authenticator, never used for another."""
    return entropy(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """The secret as it is typed into an authenticator that cannot scan."""
    return base64.b32encode(secret).decode()


def enrolment_uri(secret: bytes, name: str) -> str:
    """The otpauth URI that a QR code holds. ``name``: whose it is, shown by the authenticator."""
    uri: str = pyotp.TOTP(secret_text(secret)).provisioning_uri(name=name, issuer_name=ISSUER)
    return uri


def code_at(secret: bytes, step: int) -> str:
    """The code of a step."""
    code: str = pyotp.TOTP(secret_text(secret)).generate_otp(step)
    return code


def step_at(at_ns: int) -> int:
    """The step of a moment."""
    return at_ns // _NS_PER_S // STEP_S


def matching_step(secret: bytes, code: str, at_ns: int, last_step: int) -> int | None:
    """The step whose code this is, if it may be used now and was not used yet."""
    now = step_at(at_ns)
    found = None
    for step in range(now - SLACK_STEPS, now + SLACK_STEPS + 1):
        same = hmac.compare_digest(code_at(secret, step).encode(), code.encode())
        # All of them are compared, whatever comes of it.
        if same and step > last_step and found is None:
            found = step
    return found


def new_recovery_codes(entropy: Entropy) -> list[str]:
    """Codes of 80 bits, written as four groups of four."""
    return [_grouped(entropy(_RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]


def new_letter_code(entropy: Entropy) -> str:
    """A code for a letter: 40 bits, few tries, one hour."""
    text = base64.b32encode(entropy(_LETTER_BYTES)).decode()
    return f"{text[:4]}-{text[4:]}"


def letter_hash(key: bytes, token: str, code: str) -> bytes:
    """The keyed hash that is kept of a request's token, or of token and code."""
    data = token.encode(errors="replace") + b"\0" + code.encode(errors="replace")
    return hashlib.blake2b(data, key=key, person=b"letter-code", digest_size=32).digest()


def is_recovery_code(code: str) -> bool:
    """Whether a text has the form of a recovery code rather than of a code by the clock."""
    return len(_plain(code)) == _RECOVERY_CHARS


def recovery_hash(key: bytes, account_id: AccountId, code: str) -> bytes:
    """The keyed hash that is kept of a recovery code; any text has one."""
    data = account_id.encode() + b"\0" + _plain(code).encode()
    return hashlib.blake2b(data, key=key, person=b"recovery-code", digest_size=32).digest()


def _grouped(raw: bytes) -> str:
    text = base64.b32encode(raw).decode().lower()
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _plain(code: str) -> str:
    """A code as it was made, however it was typed."""
    return code.lower().replace("-", "").replace(" ", "")
