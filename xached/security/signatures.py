"""Signed requests: what a program signs, how it is carried, and whether it is genuine.

A request carries one pair of metadata::

    authorization: <scheme> <key id>:<timestamp>:<nonce>:<signature>

``scheme`` is XACHE-ED25519 or XACHE-HMAC-SHA256. ``timestamp`` is Unix time in milliseconds.
``nonce`` is 16 to 36 characters of ``[A-Za-z0-9_-]`` that the program has not used in the last
minute. ``signature`` is base64url without padding of what the key makes of this text, in UTF-8,
with ``\\n`` between the lines and none at the end::

    <scheme>
    <key id>
    <method>                    such as /xache.v1.TradingService/PlaceOrder;
                                over REST verb and target, such as GET /api/wallet/balance?x=1
    <sha256 of the body>        64 lower-case hexadecimal digits
    <timestamp>
    <nonce>

The body is the serialized request message, over REST the body, exactly as it is sent; a method
that takes a stream of requests is signed once, at its opening, with an empty body. Nothing else is
accepted: each part has one form, so no two texts mean the same request. The key id is in the text,
so a request for one house is none for another, even where both know the same public key.
"""

from __future__ import annotations

import hashlib
import hmac
import re

import attrs
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from xached.domain.api_keys import KeyAlgorithm, KeyId, LiveKey
from xached.security.tokens import TokenInvalid, decode_base64url

SCHEMES = {
    "XACHE-ED25519": KeyAlgorithm.ED25519,
    "XACHE-HMAC-SHA256": KeyAlgorithm.HMAC_SHA256,
}
HMAC_SECRET_BYTES = 32

_CREDENTIAL = re.compile(
    r"(XACHE-ED25519|XACHE-HMAC-SHA256) "
    r"([a-z0-9]{8,32}):([1-9][0-9]{12,14}):([A-Za-z0-9_-]{16,36}):([A-Za-z0-9_-]{43,86})",
    re.ASCII,
)


@attrs.frozen(kw_only=True)
class SignedBy:
    """What a request says of its signature."""

    scheme: str
    key_id: KeyId
    timestamp_ms: int
    nonce: str
    signature: bytes = attrs.field(repr=False)


def read_signature(header: str) -> SignedBy | None:
    """Read the ``authorization`` of a request; None where it is of no such form."""
    found = _CREDENTIAL.fullmatch(header)
    if found is None:
        return None
    scheme, key_id, timestamp, nonce, signature = found.groups()
    try:
        raw = decode_base64url(signature)
    except TokenInvalid:
        return None
    return SignedBy(
        scheme=scheme,
        key_id=KeyId(key_id),
        timestamp_ms=int(timestamp),
        nonce=nonce,
        signature=raw,
    )


def signed_text(signed: SignedBy, method: str, body: bytes) -> bytes:
    """The text that is signed; see the top of the file."""
    digest = hashlib.sha256(body).hexdigest()
    return "\n".join(
        (signed.scheme, signed.key_id, method, digest, str(signed.timestamp_ms), signed.nonce)
    ).encode(errors="replace")


def is_genuine(signed: SignedBy, key: LiveKey, method: str, body: bytes) -> bool:
    """Whether the key made this signature for this request. About 50 µs with Ed25519."""
    if SCHEMES[signed.scheme] is not key.algorithm:
        return False
    text = signed_text(signed, method, body)
    if key.algorithm is KeyAlgorithm.HMAC_SHA256:
        return hmac.compare_digest(hmac.digest(key.verifier, text, "sha256"), signed.signature)
    try:
        VerifyKey(key.verifier).verify(text, signed.signature)
    # PyNaCl raises ValueError for a signature of another length.
    except (BadSignatureError, ValueError):
        return False
    return True
