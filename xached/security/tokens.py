"""Tokens: what a caller carries to prove a session, and the one-time token of the first start.

The access token is a JSON Web Token (RFC 7519) with an Ed25519 signature (RFC 8037). It is one
fixed kind: the header must match byte for byte, so there is no algorithm to choose and none to
confuse. It lives for minutes and is worth nothing without its live session.

A refresh token is 32 random bytes, 16 that name the family and 16 that make this one of it. It is
opaque to everybody, and the house keeps only keyed hashes of both. That any token of a family can
be told from a guess is what lets the house end the session when an old one comes back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re

import attrs
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey

from xached.domain.auth import SessionId
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.security.keys import Entropy

NS_PER_S = 1_000_000_000

ACCESS_LIFETIME_S = 300
ACCESS_TOKEN_CHARS_MAX = 1024
AUDIENCE = "xache-api"
"""What an access token is for. A token of the house for anything else is none here."""

REFRESH_TOKEN_BYTES = 32
REFRESH_TOKEN_CHARS = 43

_FAMILY_BYTES = 16
_JTI_BYTES = 12
_BOOTSTRAP_BYTES = 32
_OPAQUE_BYTES = 32
_CLOCK_SLACK_S = 5
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class TokenInvalid(Exception):  # noqa: N818 - says what the token is, not what failed here
    """This is no access token of this house, or not yet or no longer one."""


class TokenExpired(TokenInvalid):
    """It was a good token; the holder should refresh."""


@attrs.frozen(kw_only=True)
class AccessClaims:
    """What a genuine access token says."""

    session_id: SessionId
    account_id: AccountId
    issued_at_s: int
    expires_at_s: int

    @property
    def expires_at_ns(self) -> int:
        """The expiry as the rest of the house counts."""
        return self.expires_at_s * NS_PER_S


class AccessTokens:
    """Issues and verifies the access tokens of one house.

    Args:
        seed: 32 bytes, the Ed25519 seed.
        issuer: names the house; tokens of another one are refused.
    """

    def __init__(self, seed: bytes, issuer: str) -> None:
        self._signing_key = SigningKey(seed)
        self._verify_key = self._signing_key.verify_key
        self._issuer = issuer

    def issue(
        self, session_id: SessionId, account_id: AccountId, now_ns: int, entropy: Entropy
    ) -> tuple[str, int]:
        """A token for a session and when it expires (ns): five minutes, in whole seconds."""
        issued_at_s = now_ns // NS_PER_S
        expires_at_s = issued_at_s + ACCESS_LIFETIME_S
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": account_id,
            "sid": session_id,
            "iat": issued_at_s,
            "exp": expires_at_s,
            "jti": encode_base64url(entropy(_JTI_BYTES)),
        }
        body = encode_base64url(json.dumps(claims, separators=(",", ":")).encode())
        signed = f"{_HEADER}.{body}"
        signature = self._signing_key.sign(signed.encode()).signature
        return f"{signed}.{encode_base64url(signature)}", expires_at_s * NS_PER_S

    def verify(self, token: str, now_ns: int) -> AccessClaims:
        """Check everything there is to check without the session. Costs about 100 µs.

        Raises: TokenInvalid; TokenExpired.
        """
        if len(token) > ACCESS_TOKEN_CHARS_MAX:
            raise TokenInvalid("too long")
        header, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        if header != _HEADER:
            raise TokenInvalid("another kind of token")
        try:
            self._verify_key.verify(f"{header}.{body}".encode(), decode_base64url(signature))
        # PyNaCl raises ValueError for a signature of another length.
        except (BadSignatureError, ValueError):
            raise TokenInvalid("not signed by this house") from None
        claims = self._claims(decode_base64url(body))
        now_s = now_ns // NS_PER_S
        if claims.issued_at_s > now_s + _CLOCK_SLACK_S:
            raise TokenInvalid("issued in the future")
        if now_ns >= claims.expires_at_ns:
            raise TokenExpired("expired")
        return claims

    def _claims(self, body: bytes) -> AccessClaims:
        # The signature is ours, so these can fail only for a token of another version.
        match json.loads(body):
            case {
                "iss": self._issuer,
                "aud": audience,
                "sub": str(account_id),
                "sid": str(session_id),
                "iat": int(issued_at_s),
                "exp": int(expires_at_s),
            } if audience == AUDIENCE and 0 < expires_at_s - issued_at_s <= ACCESS_LIFETIME_S:
                return AccessClaims(
                    session_id=SessionId(session_id),
                    account_id=AccountId(account_id),
                    issued_at_s=issued_at_s,
                    expires_at_s=expires_at_s,
                )
            case _:
                raise TokenInvalid("its claims are not ours")


@attrs.frozen(kw_only=True)
class RefreshToken:
    """A refresh token, as its holder presents it and as the house knows it."""

    text: str = attrs.field(repr=False)
    family_hash: bytes = attrs.field(repr=False)
    token_hash: bytes = attrs.field(repr=False)


class RefreshTokens:
    """Makes and reads refresh tokens.

    Args:
        key: 32 bytes that key the hashes, so that a stolen vault tells nothing about tokens.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def new(self, entropy: Entropy) -> RefreshToken:
        """The first token of a new family."""
        return self._token(entropy(REFRESH_TOKEN_BYTES))

    def successor(self, presented: RefreshToken, entropy: Entropy) -> RefreshToken:
        """Another token of the same family."""
        family = decode_base64url(presented.text)[:_FAMILY_BYTES]
        return self._token(family + entropy(REFRESH_TOKEN_BYTES - _FAMILY_BYTES))

    def read(self, text: str) -> RefreshToken:
        """Read what a caller presents. Raises: Rejection TOKEN_INVALID."""
        try:
            if len(text) != REFRESH_TOKEN_CHARS:
                raise TokenInvalid
            return self._token(decode_base64url(text))
        except TokenInvalid:
            raise refresh_refused() from None

    def _token(self, raw: bytes) -> RefreshToken:
        return RefreshToken(
            text=encode_base64url(raw),
            family_hash=_keyed_hash(self._key, b"refresh-family", raw[:_FAMILY_BYTES]),
            token_hash=_keyed_hash(self._key, b"refresh-token", raw),
        )


def refresh_refused() -> Rejection:
    """The one answer to a refresh token that does not work, whatever the cause."""
    return Rejection(Reason.TOKEN_INVALID, "the refresh token does not work; log in again")


def new_bootstrap_token(entropy: Entropy) -> str:
    """The one-time token that makes the first administrator."""
    return encode_base64url(entropy(_BOOTSTRAP_BYTES))


def hash_bootstrap_token(key: bytes, token: str) -> bytes:
    """The keyed hash that the house keeps of a bootstrap token; any text has one."""
    return _keyed_hash(key, b"bootstrap", token.encode())


def new_opaque_token(entropy: Entropy) -> str:
    """A token that is worth what the house remembers of it.

    It never begins with a hyphen: people paste it behind a command, which would take it for an
    option.
    """
    while (token := encode_base64url(entropy(_OPAQUE_BYTES))).startswith("-"):
        pass
    return token


def opaque_digest(token: str) -> bytes:
    """What the house remembers of an opaque token in memory; any text has one."""
    data = token.encode(errors="replace")
    return hashlib.blake2b(data, person=b"opaque-token", digest_size=32).digest()


def encode_base64url(raw: bytes) -> str:
    """Base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """The exact inverse: one text for each value. Raises: TokenInvalid."""
    if _BASE64URL.fullmatch(text) is None:
        raise TokenInvalid("not base64url")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise TokenInvalid("not base64url") from None
    if encode_base64url(raw) != text:
        raise TokenInvalid("not the canonical form")
    return raw


def _keyed_hash(key: bytes, purpose: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, key=key, person=purpose.ljust(16, b"\0"), digest_size=32).digest()


_HEADER = encode_base64url(b'{"alg":"EdDSA","typ":"JWT"}')
