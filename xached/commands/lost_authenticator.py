"""The way back for an administrator who has lost authenticator and recovery codes.

It is for who has the machine and the master key, with the daemon stopped. It takes the second
factor away, which the chain says, and nothing else: the password is still needed, and without
another authenticator nothing that moves money or rights is done.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import attrs

from xached.domain.audit import OK, ActionAsked, ActionEnded
from xached.domain.auth import Account, Role, parse_email
from xached.domain.guarding import DelayedChange, DelayedKind
from xached.domain.identity import IdentityEvent
from xached.domain.order import AccountId
from xached.domain.rejection import Rejection
from xached.domain.second_factor import RecoveryCode, SecondFactor, SecondFactorTurnedOff
from xached.house.recovery import StoppedHouse, open_stopped
from xached.runtime.world import World
from xached.security.master import FILE_ONLY, KeySource
from xached.storage.vault_rows import Change, Drop, Put

METHOD: Final = "xached admin unenrol"


class NoAuthenticator(Exception):  # noqa: N818 - it says what is the matter
    """There is no such administrator, or none with an authenticator."""


def reset_authenticator(
    data_dir: Path, name: str, world: World, keys: KeySource = FILE_ONLY
) -> AccountId:
    """Take the second factor of somebody with a role of the house away. Returns whose.

    ``name`` is an account id or an e-mail address.

    Raises: NoAuthenticator, NoHouse, DirectoryInUse, and what opening a vault raises.
    """
    with open_stopped(data_dir, world, keys) as house:
        account = _named(house, name)
        if account is None or account.roles <= {Role.USER}:
            raise NoAuthenticator("there is no administrator of this name")
        account_id = account.account_id
        factors = house.vault.where(SecondFactor, "WHERE account_id = ?", account_id)
        active = [factor for factor in factors if factor.active_sealed is not None]
        if not active:
            raise NoAuthenticator(f"{account_id} has no authenticator")
        codes = house.vault.where(RecoveryCode, "WHERE account_id = ?", account_id)
        waiting = house.vault.where(DelayedChange, "WHERE account_id = ?", account_id)
        # The newest step that was used stays: no code of the old secret works under a new one.
        changes: list[Change] = [
            *(Put(attrs.evolve(each, active_sealed=None, pending_sealed=None)) for each in active),
            *(Drop(code) for code in codes),
            # Or it would take the next authenticator away.
            *(Drop(each) for each in waiting if each.kind is DelayedKind.SECOND_FACTOR),
        ]
        action_id = house.credentials.new_session_id()
        asked = ActionAsked(
            action_id=action_id, method=METHOD, by=AccountId(""), session_id="", address=None
        )
        events: list[IdentityEvent] = [
            asked,
            SecondFactorTurnedOff(account_id=account_id),
            ActionEnded(action_id=action_id, outcome=OK, journal_seq=0),
        ]
        house.vault.commit(changes, events, max(world.now_ns(), house.vault.last_at_ns + 1))
        return account_id


def _named(house: StoppedHouse, name: str) -> Account | None:
    if "@" not in name:
        return house.vault.account(AccountId(name))
    try:
        email = parse_email(name)
    except Rejection:
        return None
    return house.vault.account_by_email(house.credentials.email_lookup(email))
