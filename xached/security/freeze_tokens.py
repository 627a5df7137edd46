"""Tokens in letters that freeze an account without signing in.

Each letter about security has one. It can do nothing but freeze, so it works for two weeks, and
again while the account is frozen: a link may be opened twice, and whoever is in may have asked for
something since. The house keeps nothing of it: it is the account and an end, with a MAC. But once
an account was let go, no letter from before it was frozen freezes it again, or who finds an old
one could shut its owner out over and over.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

import attrs

from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.security.tokens import TokenInvalid, decode_base64url, encode_base64url

LIFETIME_S: Final = 14 * 86_400
NS_PER_S: Final = 1_000_000_000

_MAC_BYTES = 16
_TOKEN_CHARS_MAX = 128


@attrs.frozen(kw_only=True)
class FreezeToken:
    """What a genuine token says; ``made_at_ns`` to the second."""

    account_id: AccountId
    made_at_ns: int

    def works(self, *, frozen: bool, frozen_at_ns: int) -> bool:
        """Whether it freezes an account that is frozen, or was then for the last time."""
        return frozen or self.made_at_ns >= frozen_at_ns - frozen_at_ns % NS_PER_S


class FreezeTokens:
    """Makes and reads them.

    Args:
        keys: gives those of this purpose alone, 32 bytes each; the first one makes tokens.
    """

    def __init__(self, keys: Callable[[], Sequence[bytes]]) -> None:
        self._keys = keys

    def make(self, account_id: AccountId, at_ns: int) -> str:
        """A token that freezes an account for two weeks from now."""
        text = f"{account_id}.{at_ns // NS_PER_S + LIFETIME_S}".encode()
        return encode_base64url(text + _mac(self._keys()[0], text))

    def read(self, token: str, at_ns: int) -> FreezeToken:
        """What a token says. Raises: Rejection TOKEN_INVALID."""
        refused = token_refused()
        if len(token) > _TOKEN_CHARS_MAX:
            raise refused
        try:
            raw = decode_base64url(token)
        except TokenInvalid:
            raise refused from None
        text, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if not any(hmac.compare_digest(mac, _mac(key, text)) for key in self._keys()):
            raise refused
        account_id, _, expires_at_s = text.decode().rpartition(".")
        ends_s = int(expires_at_s)
        if at_ns // NS_PER_S >= ends_s:
            raise refused
        made_at_ns = (ends_s - LIFETIME_S) * NS_PER_S
        return FreezeToken(account_id=AccountId(account_id), made_at_ns=made_at_ns)


def token_refused() -> Rejection:
    """The one answer to whatever is no token that works."""
    return Rejection(Reason.TOKEN_INVALID, "the token does not work, or not any more")


def _mac(key: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=key, digest_size=_MAC_BYTES).digest()
