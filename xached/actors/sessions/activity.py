"""The log that people read about their accounts; see :mod:`xached.domain.activity`."""

from __future__ import annotations

import json

import trio

from xached.actors.sessions.audit import address_place
from xached.actors.sessions.core import DeskCore
from xached.actors.sessions.noting import origin_place
from xached.domain.activity import (
    ACTIVITY_NS,
    Activity,
    ActivityEntry,
    ActivityPage,
    ListActivity,
    entry_id,
)
from xached.domain.activity_events import noted
from xached.domain.audit import LoginsFailed
from xached.domain.auth import UserKey
from xached.domain.identity import IdentityEvent
from xached.security.sealing import KeyDestroyed
from xached.storage.vault_faults import VaultDamaged

SWEEP_INTERVAL_S = 3_600.0
SWEEP_MAX = 256
SEQ_MAX = 2**63 - 1


class ActivityArea:
    """Reads the log, and lets go of what is old."""

    def __init__(self, core: DeskCore) -> None:
        self._core = core

    async def decide(self, message: ListActivity) -> ActivityPage:
        """Tell a page of it. Raises: Rejection UNKNOWN_ACCOUNT."""
        await self._core.read_account(message.account_id)
        return await self._core.lane.run(self._page, message)

    async def sweep(self) -> None:
        """Drop the entries whose time is over, for ever."""
        while True:
            dropped = SWEEP_MAX
            while dropped == SWEEP_MAX:
                async with self._core.turn() as step:
                    old = await self._core.lane.run(self._old, step.at_ns - ACTIVITY_NS)
                    for entry in old:
                        step.drop(entry)
                dropped = len(old)
            await trio.sleep(SWEEP_INTERVAL_S)

    # --- private: on the vault's thread -----------------------------------------------------

    def _old(self, before_ns: int) -> list[ActivityEntry]:
        clause = f"WHERE at_ns < ? ORDER BY at_ns LIMIT {SWEEP_MAX}"
        return self._core.vault.where(ActivityEntry, clause, before_ns)

    def _page(self, message: ListActivity) -> ActivityPage:
        before = SEQ_MAX if message.before is None else message.before
        mask = sum(1 << kind for kind in message.kinds) or SEQ_MAX
        found = self._core.vault.where(
            ActivityEntry,
            "WHERE account_id = ? AND entry_id < ? AND at_ns >= ? AND (1 << kind) & ?"
            " ORDER BY entry_id DESC LIMIT ?",
            message.account_id,
            entry_id(message.account_id, before),
            message.since_ns,
            mask,
            message.limit + 1,
        )
        shown = found[: message.limit]
        keys = self._core.vault.user_keys(message.account_id)
        return ActivityPage(
            entries=tuple(self._told(entry, keys) for entry in shown),
            next_before=shown[-1].seq if len(found) > len(shown) else None,
        )

    def _told(self, entry: ActivityEntry, keys: list[UserKey]) -> Activity:
        row = self._core.vault.stream_row(entry.seq)
        about = None if row is None else noted(row.event)
        if row is None or about is None or about.account_id != entry.account_id:
            raise VaultDamaged(f"the table activity: {entry.entry_id!r} leads nowhere")
        address, device = self._origin(entry, row.event, keys)
        return Activity(
            kind=about.kind,
            at_ns=row.at_ns,
            subject=about.subject,
            count=about.count,
            by_house=about.by_house,
            address=address,
            device=device,
        )

    def _origin(
        self, entry: ActivityEntry, event: IdentityEvent, keys: list[UserKey]
    ) -> tuple[str, str]:
        credentials = self._core.credentials
        try:
            if isinstance(event, LoginsFailed) and event.address is not None:
                place = address_place(event.address_mark.hex(), entry.account_id)
                return credentials.open_sealed(event.address.ciphertext, place, keys).decode(), ""
            if entry.origin_sealed is None:
                return "", ""
            place = origin_place(entry.entry_id, entry.account_id)
            origin = json.loads(credentials.open_own(entry.origin_sealed, place, keys))
        except KeyDestroyed:
            return "", ""
        return origin["address"], origin["device"]
