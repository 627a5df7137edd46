"""Entries of the activity log, made for the events of a step in the same commit."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Final

from xached.domain.activity import ActivityEntry, Origin, entry_id
from xached.domain.activity_events import noted
from xached.domain.auth import Session, SessionId, SessionOpened, UserKey
from xached.domain.identity import IdentityEvent
from xached.domain.order import AccountId
from xached.security.credentials import Credentials
from xached.security.sealing import KeyDestroyed, Place
from xached.storage.vault import Vault
from xached.storage.vault_rows import Change, DropAll, Put
from xached.storage.vault_tables import ACTIVITY, SESSIONS

ORIGIN: Final[ContextVar[Origin | None]] = ContextVar("origin", default=None)
"""Where the message comes from that this task decides; None for what the house does by itself."""


@contextlib.contextmanager
def from_origin(origin: object) -> Iterator[None]:
    """Decide a message that comes from there; what is no Origin is as good as none."""
    token = ORIGIN.set(origin if isinstance(origin, Origin) else None)
    try:
        yield
    finally:
        ORIGIN.reset(token)


def origin_place(row: str, account_id: AccountId) -> Place:
    """Where the origin of an entry is sealed for."""
    return Place(ACTIVITY.name, "origin_sealed", row, account_id)


class Notary:
    """Makes the entries. On the vault's thread, right before its commit."""

    def __init__(self, vault: Vault, credentials: Credentials) -> None:
        self._vault = vault
        self._credentials = credentials

    def entries(
        self,
        changes: Sequence[Change],
        recorded: Sequence[tuple[IdentityEvent, Origin | None]],
        at_ns: int,
    ) -> list[Change]:
        """The entries of events, as they will be numbered.

        An account that is erased by the same changes gets none.
        """
        erased = {change.account_id for change in changes if isinstance(change, DropAll)}
        made: list[Change] = []
        for seq, (event, origin) in enumerate(recorded, self._vault.head[0] + 1):
            about = noted(event)
            if about is None or about.account_id in erased:
                continue
            # What others do to an account says nothing of where they are.
            mine = None if about.by_house else self._whence(event, origin, changes)
            key = entry_id(about.account_id, seq)
            made.append(
                Put(
                    ActivityEntry(
                        entry_id=key,
                        account_id=about.account_id,
                        seq=seq,
                        kind=about.kind,
                        at_ns=at_ns,
                        origin_sealed=self._sealed(mine, key, about.account_id, changes),
                    )
                )
            )
        return made

    def _whence(
        self, event: IdentityEvent, origin: Origin | None, changes: Sequence[Change]
    ) -> tuple[str, Session | None] | None:
        """Address and session that something was done from."""
        if origin is None:
            return None
        session_id = SessionId(origin.session_id)
        if isinstance(event, SessionOpened):
            session_id = event.session_id
        return origin.address, self._session(session_id, changes)

    def _session(self, session_id: SessionId, changes: Sequence[Change]) -> Session | None:
        for change in changes:
            row = change.row if isinstance(change, Put) else None
            if isinstance(row, Session) and row.session_id == session_id:
                return row
        return self._vault.find(SESSIONS, session_id) if session_id else None

    def _sealed(
        self,
        whence: tuple[str, Session | None] | None,
        key: str,
        account_id: AccountId,
        changes: Sequence[Change],
    ) -> bytes | None:
        if whence is None:
            return None
        address, session = whence
        keys = self._vault.user_keys(account_id) + [
            change.row
            for change in changes
            if isinstance(change, Put)
            and isinstance(change.row, UserKey)
            and change.row.account_id == account_id
        ]
        try:
            device = ""
            if session is not None and session.account_id == account_id:
                device = self._credentials.open_device(session, keys)
            plain = json.dumps({"address": address, "device": device}, ensure_ascii=False)
            return self._credentials.seal_own(plain.encode(), origin_place(key, account_id), keys)
        except KeyDestroyed:
            return None
