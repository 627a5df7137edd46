"""Preferences of people; see :mod:`xached.domain.profile`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import assert_never

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.auth import UserKey
from xached.domain.order import AccountId
from xached.domain.profile import (
    GetProfile,
    NoticeTopic,
    Profile,
    ProfileChanged,
    ProfileMessage,
    ProfileRow,
    UpdateProfile,
    changed_profile,
)
from xached.security.sealing import Place
from xached.storage.vault_tables import PROFILES


class ProfileArea:
    """Decides the messages about preferences."""

    def __init__(self, core: DeskCore) -> None:
        self._core = core

    async def decide(self, message: ProfileMessage, step: Step) -> Profile:
        """Decide a message. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        account_id = message.account_id
        _, keys = await self._core.read_account(account_id)
        row = await self._core.lane.run(self._core.vault.find, PROFILES, account_id)
        known = Profile() if row is None else self._open(row, keys)
        match message:
            case GetProfile():
                return known
            case UpdateProfile():
                changed = changed_profile(known, message.profile, message.fields)
                if changed != known:
                    step.put(
                        ProfileRow(
                            account_id=account_id,
                            profile_sealed=self._seal(account_id, changed, keys),
                            changed_at_ns=step.at_ns,
                        )
                    )
                    step.record(ProfileChanged(account_id=account_id))
                return changed
            case _:
                assert_never(message)

    def _seal(self, account_id: AccountId, profile: Profile, keys: Iterable[UserKey]) -> bytes:
        plain = json.dumps(
            {
                "display_name": profile.display_name,
                "time_zone": profile.time_zone,
                "base_currency": profile.base_currency,
                "letters_about": [topic.name for topic in sorted(profile.letters_about)],
            },
            ensure_ascii=False,
        )
        return self._core.credentials.seal_own(plain.encode(), _place(account_id), keys)

    def _open(self, row: ProfileRow, keys: Iterable[UserKey]) -> Profile:
        place = _place(row.account_id)
        told = json.loads(self._core.credentials.open_own(row.profile_sealed, place, keys))
        return Profile(
            display_name=told["display_name"],
            time_zone=told["time_zone"],
            base_currency=told["base_currency"],
            letters_about=frozenset(NoticeTopic[name] for name in told["letters_about"]),
        )


def _place(account_id: AccountId) -> Place:
    return Place(PROFILES.name, "profile_sealed", account_id, account_id)
