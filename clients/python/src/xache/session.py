"""A session: its access token, and a new one when that has ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Protocol

from xache.errors import NotSignedIn
from xache.tokens import Credentials
from xache.v1 import auth_pb2

EARLY_NS: Final = 5_000_000_000
"""An access token is renewed this long before it ends: a call under way needs some of it."""


class TokenStore(Protocol):
    """Where the tokens are kept."""

    def load(self) -> Credentials | None:
        """The tokens, or None."""

    def save(self, credentials: Credentials | None) -> None:
        """Replace the tokens; None forgets them."""

    def device_token(self, email: str) -> str:
        """What the house gave this device at an earlier login of somebody; "" without one."""

    def save_device_token(self, email: str, token: str) -> None:
        """Keep it for the next login, also beyond the session's end."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep everybody else from loading and saving meanwhile."""


class Session:
    """Hands out an access token that works, for as long as the refresh tokens last.

    Args:
        store: where the tokens are kept between processes.
        refresh: trades a refresh token for new tokens, in one attempt: each works once.
        now_ns: the wall clock.
    """

    def __init__(
        self,
        store: TokenStore,
        refresh: Callable[[str], auth_pb2.Tokens],
        now_ns: Callable[[], int],
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._now_ns = now_ns
        self._credentials: Credentials | None = None

    @property
    def credentials(self) -> Credentials | None:
        """What is carried now; None when nobody is signed in."""
        if self._credentials is None:
            self._credentials = self._store.load()
        return self._credentials

    def access_token(self) -> str:
        """An access token that has not ended by this clock. Raises: NotSignedIn; XacheError."""
        credentials = self.credentials
        if credentials is None:
            raise _signed_out()
        if self._ended(credentials):
            return self.renew(credentials.access_token)
        return credentials.access_token

    def renew(self, used_token: str) -> str:
        """An access token other than one that did not work. Raises: NotSignedIn; XacheError."""
        with self._store.exclusive():
            kept = self._store.load()
            if kept is None:
                self._credentials = None
                raise _signed_out()
            if kept.access_token == used_token or self._ended(kept):
                kept = self._renewed(kept)
                self._store.save(kept)
            # Otherwise another process has renewed it: its refresh token must not be used twice.
            self._credentials = kept
            return kept.access_token

    def device_token(self, email: str) -> str:
        """What marks this device as one that somebody signed in from; "" without it."""
        return self._store.device_token(_name(email))

    def know_device(self, email: str, token: str) -> None:
        """Keep what the house gave this device; nothing where it has it already."""
        if token:
            self._store.save_device_token(_name(email), token)

    def keep(self, account_id: str, session_id: str, tokens: auth_pb2.Tokens) -> None:
        """Carry the tokens of a new session."""
        self._credentials = _credentials(account_id, session_id, tokens)
        self._store.save(self._credentials)

    def forget(self) -> None:
        """Carry nothing any more."""
        self._credentials = None
        self._store.save(None)

    def _renewed(self, old: Credentials) -> Credentials:
        try:
            tokens = self._refresh(old.refresh_token)
        except NotSignedIn:
            self.forget()
            raise
        return _credentials(old.account_id, old.session_id, tokens)

    def _ended(self, credentials: Credentials) -> bool:
        return self._now_ns() >= credentials.access_expires_at_ns - EARLY_NS


def _credentials(account_id: str, session_id: str, tokens: auth_pb2.Tokens) -> Credentials:
    return Credentials(
        account_id=account_id,
        session_id=session_id,
        access_token=tokens.access_token,
        access_expires_at_ns=tokens.access_expires_at_ns,
        refresh_token=tokens.refresh_token,
        refresh_expires_at_ns=tokens.refresh_expires_at_ns,
    )


def _name(email: str) -> str:
    return email.strip().lower()


def _signed_out() -> NotSignedIn:
    return NotSignedIn("UNAUTHENTICATED", "NOT_SIGNED_IN", "nobody is signed in")
