"""How people guard their accounts: a freeze that works at once, and addresses calls may come from.

Whatever makes an account safer works at once. What weakens it (letting a frozen account act again,
letting calls come from more addresses, having its letters go elsewhere, doing without a second
factor) is asked for with a fresh proof, told by letter, and done a day later; until then it can be
taken back, and a freeze or a recovery of the account, or a suspension by the house, takes all of
it back.

A change of the e-mail address waits twice: for the code that the new address is sent, and then its
day. The old address is told at both, with a token that stops it without signing in. Until the day
is over the old address is the account's; then one row changes, and codes that were sent to the old
address are void. Whether the new one was free is told to nobody but its owner.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TypeAlias

import attrs

from xached.domain.api_keys import Network
from xached.domain.auth import Done
from xached.domain.order import AccountId
from xached.domain.recovery import ProofBegun
from xached.domain.second_factor import DisableSecondFactor

DELAY_NS = 24 * 3_600 * 1_000_000_000


class DelayedKind(enum.IntEnum):
    """What is done a day later. The numbers are those of ``xache.v1.DelayedKind``."""

    UNFREEZE = 1
    ALLOW_LIST = 2
    EMAIL = 3
    SECOND_FACTOR = 4


# --- What the sessions actor is asked. -------------------------------------------------------


@attrs.frozen(kw_only=True)
class FreezeAccount:
    """Freeze an account in its own name. Answer: Done."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class FreezeByToken:
    """Freeze the account that a letter was about. Answer: Done."""

    token: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class UnfreezeAccount:
    """Let a frozen account act again, a day later. Answer: ChangeTaken."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class SetAllowList:
    """Say where calls may come from; empty: anywhere. Answer: ChangeTaken."""

    account_id: AccountId
    networks: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class GetGuards:
    """Tell how an account is guarded. Answer: Guards."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class CancelDelayed:
    """Take back what is not done yet. Answer: Done."""

    account_id: AccountId
    kind: DelayedKind


@attrs.frozen(kw_only=True)
class StartEmailChange:
    """Ask for another address. Answer: ProofBegun, for every address but the account's own."""

    account_id: AccountId
    email: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ConfirmEmailChange:
    """Prove that the new address is one's own. Answer: ChangeTaken."""

    account_id: AccountId
    token: str = attrs.field(repr=False)
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class CancelEmailChange:
    """Take back the change that a letter was about. Answer: Done."""

    token: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class StartEmailVerification:
    """Ask for a code that proves the account's own address. Answer: ProofBegun."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class ConfirmEmail:
    """Prove it. Answer: Done."""

    account_id: AccountId
    token: str = attrs.field(repr=False)
    code: str = attrs.field(repr=False)


GuardMessage: TypeAlias = (
    FreezeAccount
    | FreezeByToken
    | UnfreezeAccount
    | SetAllowList
    | GetGuards
    | CancelDelayed
    | StartEmailChange
    | ConfirmEmailChange
    | CancelEmailChange
    | StartEmailVerification
    | ConfirmEmail
    | DisableSecondFactor
)


# --- What it answers. ------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ChangeTaken:
    """It is done at this time; 0: it is done."""

    due_at_ns: int


@attrs.frozen(kw_only=True)
class PendingChange:
    """What will be done unless it is taken back."""

    kind: DelayedKind
    due_at_ns: int
    networks: tuple[str, ...] = attrs.field(repr=False)
    email: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Guards:
    """How an account is guarded."""

    networks: tuple[str, ...] = attrs.field(repr=False)
    pending: tuple[PendingChange, ...]
    erasure_due_at_ns: int
    """0: nobody asked for it."""


GuardReply: TypeAlias = Done | ChangeTaken | Guards | ProofBegun


# --- What is kept. ---------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class AllowList:
    """Where calls in the name of an account may come from."""

    account_id: AccountId
    networks_sealed: bytes = attrs.field(repr=False)
    changed_at_ns: int


@attrs.frozen(kw_only=True)
class DelayedChange:
    """A change that is not done yet; one of each kind."""

    change_id: str
    """``account id/kind``."""
    account_id: AccountId
    kind: DelayedKind
    networks_sealed: bytes = attrs.field(repr=False)
    """Empty lists are sealed too."""
    due_at_ns: int
    email_sealed: bytes | None = attrs.field(default=None, repr=False)
    """The new address, of a change of that."""


GuardRow: TypeAlias = AllowList | DelayedChange


# --- What happened. --------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ChangeAsked:
    """Somebody asked for a change that weakens an account."""

    account_id: AccountId
    kind: DelayedKind
    due_at_ns: int


@attrs.frozen(kw_only=True)
class ChangeCanceled:
    """It was taken back."""

    account_id: AccountId
    kind: DelayedKind


@attrs.frozen(kw_only=True)
class ChangeMade:
    """It is done; or it made the account safer, and was done at once."""

    account_id: AccountId
    kind: DelayedKind


@attrs.frozen(kw_only=True)
class EmailChangeBegun:
    """Somebody with a fresh proof named another address for an account."""

    account_id: AccountId


GuardEvent: TypeAlias = ChangeAsked | ChangeCanceled | ChangeMade | EmailChangeBegun


def is_tighter(new: tuple[Network, ...], old: tuple[Network, ...]) -> bool:
    """Whether a list allows nothing that the other does not. An empty one allows everything."""
    if not new:
        return not old
    if not old:
        return True
    return all(
        any(
            network.version == other.version
            and int(other.network_address) <= int(network.network_address)
            and int(network.broadcast_address) <= int(other.broadcast_address)
            for other in old
        )
        for network in new
    )


class AllowTable:
    """Where calls may come from, by account. The sessions actor writes, others look up."""

    def __init__(self) -> None:
        self._networks: dict[AccountId, tuple[Network, ...]] = {}
        self._watchers: list[Callable[[AccountId], None]] = []

    def find(self, account_id: AccountId) -> tuple[Network, ...]:
        """The ranges of an account; empty: anywhere."""
        return self._networks.get(account_id, ())

    def on_change(self, watcher: Callable[[AccountId], None]) -> None:
        """Have every change told at once. A watcher must neither block nor raise."""
        self._watchers.append(watcher)

    def put(self, account_id: AccountId, networks: tuple[Network, ...]) -> None:
        """Replace the ranges of an account. For the sessions actor only."""
        if networks:
            self._networks[account_id] = networks
        else:
            self._networks.pop(account_id, None)
        for watcher in self._watchers:
            watcher(account_id)
