"""Tokens in letters that freeze an account without signing in.

Each letter about security has one. It can do nothing but freeze, so it works for two weeks and as
often as it is used, and the house keeps nothing of it: it is the account and an end, with a MAC.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Final

from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.security.tokens import TokenInvalid, decode_base64url, encode_base64url

LIFETIME_S: Final = 14 * 86_400
NS_PER_S: Final = 1_000_000_000

_MAC_BYTES = 16
_TOKEN_CHARS_MAX = 128


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

    def read(self, token: str, at_ns: int) -> AccountId:
        """The account that a token freezes. Raises: Rejection TOKEN_INVALID."""
        refused = Rejection(Reason.TOKEN_INVALID, "the token does not work, or not any more")
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
        if at_ns // NS_PER_S >= int(expires_at_s):
            raise refused
        return AccountId(account_id)


def _mac(key: bytes, text: bytes) -> bytes:
    return hashlib.blake2b(text, key=key, digest_size=_MAC_BYTES).digest()
