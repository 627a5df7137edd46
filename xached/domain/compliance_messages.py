"""What is said and what happened of what the law asks before somebody may trade.

The same rules hold as for all messages: events carry amounts, so that replaying them needs no
rule of today. None of it is personal: who a person is stays in the vault.
"""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName
from xached.domain.order import AccountId, Purse

# --- Values. -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class LevelLimits:
    """What an account of a level may move on one UTC day, by asset; what is not named: nothing.

    ``trade_units`` is notional, by quote asset.
    """

    level: int
    deposit_units: tuple[tuple[AssetName, int], ...]
    trade_units: tuple[tuple[AssetName, int], ...]
    withdraw_units: tuple[tuple[AssetName, int], ...]


@frozen(kw_only=True)
class Disclosure:
    """A text that people must have accepted in its current version before they trade."""

    name: str
    version: int
    title: str
    text: str


# --- Commands. ---------------------------------------------------------------------------------


@frozen(kw_only=True)
class SetLevelLimits:
    """Set the limits of all levels, from 0 on without a gap; without any nothing is limited."""

    limits: tuple[LevelLimits, ...]
    request_id: str


@frozen(kw_only=True)
class SetAccountLevel:
    """Let an account move as much as a level may."""

    account_id: AccountId
    level: int
    cause: str
    request_id: str


@frozen(kw_only=True)
class PublishDisclosure:
    """Publish a new version of a disclosure: everybody has to accept it again."""

    name: str
    title: str
    text: str
    request_id: str


@frozen(kw_only=True)
class RetireDisclosure:
    """Ask nobody for this disclosure any more."""

    name: str
    cause: str
    request_id: str


@frozen(kw_only=True)
class AcceptDisclosure:
    """An account accepts the current version of a disclosure."""

    account_id: AccountId
    name: str
    version: int
    request_id: str


@frozen(kw_only=True)
class CloseAccount:
    """Close an account for ever; with ``forfeit`` what is left in it goes to the house."""

    account_id: AccountId
    forfeit: bool
    request_id: str


# --- Events. -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class LevelLimitsSet:
    """These are the limits of all levels now."""

    limits: tuple[LevelLimits, ...]


@frozen(kw_only=True)
class AccountLevelSet:
    """An account has this level now."""

    account_id: AccountId
    level: int
    cause: str


@frozen(kw_only=True)
class DisclosurePublished:
    """This is the version that has to be accepted."""

    disclosure: Disclosure


@frozen(kw_only=True)
class DisclosureRetired:
    """Nobody has to accept this disclosure any more. Its versions go on counting."""

    name: str
    version: int
    cause: str


@frozen(kw_only=True)
class DisclosureAccepted:
    """An account has accepted this version."""

    account_id: AccountId
    name: str
    version: int


@frozen(kw_only=True)
class FundsForfeited:
    """What was left in a purse went to the house, as its owner had agreed."""

    purse: Purse
    asset: AssetName
    amount_units: int


@frozen(kw_only=True)
class AccountClosed:
    """Nothing happens in this account any more."""

    account_id: AccountId


ComplianceCommand: TypeAlias = (
    SetLevelLimits
    | SetAccountLevel
    | PublishDisclosure
    | RetireDisclosure
    | AcceptDisclosure
    | CloseAccount
)
"""What the exchange is told of compliance."""

ComplianceEvent: TypeAlias = (
    LevelLimitsSet
    | AccountLevelSet
    | DisclosurePublished
    | DisclosureRetired
    | DisclosureAccepted
    | FundsForfeited
    | AccountClosed
)
"""What follows."""
