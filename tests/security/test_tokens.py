"""Tokens: only those the house made work, only as it made them, only while they live."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from xached.domain.auth import SessionId
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.security.tokens import (
    AccessTokens,
    RefreshTokens,
    TokenExpired,
    TokenInvalid,
    hash_bootstrap_token,
    new_bootstrap_token,
)

SEED = b"\7" * 32
ISSUER = "xache/00"
NOW_NS = 1_800_000_000_123_456_789
S = 1_000_000_000

entropy = random.Random(4).randbytes


def tokens(seed: bytes = SEED, issuer: str = ISSUER) -> AccessTokens:
    return AccessTokens(seed, issuer)


def issue() -> str:
    return tokens().issue(SessionId("s1"), AccountId("alice"), NOW_NS, entropy)[0]


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def forge(header: dict[str, str], claims: dict[str, Any], seed: bytes = SEED) -> str:
    signed = b64(json.dumps(header, separators=(",", ":")).encode())
    signed += "." + b64(json.dumps(claims, separators=(",", ":")).encode())
    return signed + "." + b64(SigningKey(seed).sign(signed.encode()).signature)


def claims(**changed: Any) -> dict[str, Any]:
    now_s = NOW_NS // S
    made = {
        "iss": ISSUER,
        "sub": "alice",
        "sid": "s1",
        "iat": now_s,
        "exp": now_s + 300,
        "jti": "x",
    }
    return made | changed


HEADER = {"alg": "EdDSA", "typ": "JWT"}


def test_a_token_says_whose_session_it_is() -> None:
    token, expires_at_ns = tokens().issue(SessionId("s1"), AccountId("alice"), NOW_NS, entropy)
    said = tokens().verify(token, NOW_NS)
    assert (said.session_id, said.account_id) == ("s1", "alice")
    assert said.expires_at_ns == expires_at_ns
    assert NOW_NS + 299 * S < expires_at_ns <= NOW_NS + 300 * S
    assert tokens().verify(forge(HEADER, claims()), NOW_NS) == said


def test_a_token_ends_on_time() -> None:
    token, expires_at_ns = tokens().issue(SessionId("s1"), AccountId("alice"), NOW_NS, entropy)
    tokens().verify(token, expires_at_ns - 1)
    with pytest.raises(TokenExpired):
        tokens().verify(token, expires_at_ns)


def hs256_with_the_public_key() -> str:
    # The classic confusion: the public key as the secret of a symmetric algorithm.
    public = SigningKey(SEED).verify_key.encode()
    signed = b64(b'{"alg":"HS256","typ":"JWT"}') + "." + b64(json.dumps(claims()).encode())
    return signed + "." + b64(hmac.digest(public, signed.encode(), hashlib.sha256))


def with_longer_life() -> str:
    header, body, signature = issue().split(".")
    changed = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed["exp"] += 3600
    return f"{header}.{b64(json.dumps(changed, separators=(',', ':')).encode())}.{signature}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "garbage",
        "a.b.c",
        "\u20ac.\u20ac.\u20ac",
        "\udcff",
        "x" * 2000,
        b64(b'{"alg":"none","typ":"JWT"}') + "." + b64(json.dumps(claims()).encode()) + ".",
        issue().rpartition(".")[0] + ".",
        issue().rpartition(".")[0],
        issue() + ".",
        issue() + "=",
        " " + issue(),
        issue() + "\n",
        issue() + ".AAAA",
        hs256_with_the_public_key(),
        with_longer_life(),
        forge({"alg": "EdDSA"}, claims()),
        forge({"typ": "JWT", "alg": "EdDSA"}, claims()),
        forge(HEADER | {"kid": "../../key"}, claims()),
        forge(HEADER, claims(), seed=b"\1" * 32),
        forge(HEADER, claims(iss="xache/other")),
        forge(HEADER, claims(iat=NOW_NS // S + 60, exp=NOW_NS // S + 360)),
        forge(HEADER, claims(exp=NOW_NS // S + 3600)),
        forge(HEADER, claims(exp=str(NOW_NS // S + 300))),
        forge(HEADER, claims(sub=None)),
        forge(HEADER, {"iss": ISSUER}),
    ],
)
def test_no_trick_passes(token: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens().verify(token, NOW_NS)


@given(st.data())
def test_no_changed_character_passes(data: st.DataObject) -> None:
    token = forge(HEADER, claims())
    at = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.characters())
    changed = token[:at] + character + token[at + 1 :]
    if changed != token:
        with pytest.raises(TokenInvalid):
            tokens().verify(changed, NOW_NS)


@given(st.text(max_size=300))
def test_any_text_is_refused_cleanly(text: str) -> None:
    with pytest.raises(TokenInvalid):
        tokens().verify(text, NOW_NS)
    with pytest.raises(Rejection) as refused:
        RefreshTokens(bytes(32)).read(text)
    assert refused.value.reason is Reason.TOKEN_INVALID


def test_refresh_tokens_of_a_family_share_it_and_nothing_else() -> None:
    refresh = RefreshTokens(bytes(32))
    first = refresh.new(entropy)
    second = refresh.successor(first, entropy)
    stranger = refresh.new(entropy)
    assert first.family_hash == second.family_hash != stranger.family_hash
    assert len({first.token_hash, second.token_hash, stranger.token_hash}) == 3
    assert refresh.read(first.text) == first
    assert len(first.text) == 43


def test_what_is_kept_of_a_refresh_token_depends_on_the_key() -> None:
    token = RefreshTokens(bytes(32)).new(entropy)
    elsewhere = RefreshTokens(b"\1" * 32).read(token.text)
    assert elsewhere.token_hash != token.token_hash
    assert elsewhere.family_hash != token.family_hash


def test_a_refresh_token_has_one_text() -> None:
    # The last character of 43 carries two unused bits: only zeros there are the token.
    refresh = RefreshTokens(bytes(32))
    token = refresh.new(entropy)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(token.text[-1])
    assert last % 4 == 0
    with pytest.raises(Rejection):
        refresh.read(token.text[:-1] + alphabet[last + 1])


def test_tokens_never_show_in_their_repr() -> None:
    token = RefreshTokens(bytes(32)).new(entropy)
    assert token.text not in repr(token)


def test_bootstrap_tokens_are_kept_as_keyed_hashes() -> None:
    token = new_bootstrap_token(entropy)
    assert len(token) == 43
    assert hash_bootstrap_token(bytes(32), token) != hash_bootstrap_token(b"\1" * 32, token)
    assert hash_bootstrap_token(bytes(32), token) != hash_bootstrap_token(bytes(32), token + "x")
