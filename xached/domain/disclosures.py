"""Disclosures: texts that people must have accepted, in their current version, to trade.

Published and accepted by command: the journal says what was accepted, when, and word for word.
Until an account has accepted them all its new orders are refused, whoever places them for it;
orders that are there already go on, and can be made smaller or cancelled. Purses with simulated
liquidity are the house's own and accept nothing.
"""

from __future__ import annotations

import re
from typing import assert_never

from xached.domain.compliance_messages import (
    AcceptDisclosure,
    Disclosure,
    DisclosureAccepted,
    DisclosurePublished,
    DisclosureRetired,
    PublishDisclosure,
    RetireDisclosure,
)
from xached.domain.frozen import frozen
from xached.domain.levels import unknown_account
from xached.domain.messages import Event
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import PurseState, State

DISCLOSURES_MAX = 16
TITLE_CHARS_MAX = 120
TEXT_CHARS_MAX = 16_384
_NAME = re.compile(r"[a-z0-9-]{1,32}")


@frozen(kw_only=True)
class DisclosureStanding:
    """A disclosure in its current version, and the version an account has accepted; 0: none."""

    disclosure: Disclosure
    accepted_version: int


def decide_disclosure(
    state: State, command: PublishDisclosure | RetireDisclosure | AcceptDisclosure
) -> tuple[Event, ...]:
    """Publish, retire or accept. Raises: Rejection."""
    match command:
        case PublishDisclosure():
            return _publish(state, command)
        case RetireDisclosure():
            known = state.disclosures.get(command.name)
            if known is None:
                raise _unknown(command.name)
            return (DisclosureRetired(name=known.name, version=known.version, cause=command.cause),)
        case AcceptDisclosure():
            return _accept(state, command)
        case _:
            assert_never(command)


def apply_disclosure(
    state: State, event: DisclosurePublished | DisclosureRetired | DisclosureAccepted
) -> None:
    """Write what has to be accepted, or that it was."""
    match event:
        case DisclosurePublished():
            disclosure = event.disclosure
            state.disclosures[disclosure.name] = disclosure
            state.disclosure_versions[disclosure.name] = disclosure.version
        case DisclosureRetired():
            del state.disclosures[event.name]
        case DisclosureAccepted():
            state.accounts[event.account_id].accepted[event.name] = event.version
        case _:
            assert_never(event)


def check_disclosures(state: State, purse: PurseState) -> None:
    """Refuse an order until the account has accepted what is current.

    Raises: Rejection DISCLOSURE_PENDING, which names the first that is missing.
    """
    if not state.disclosures or purse.simulated:
        return
    accepted = purse.account.accepted
    for name, disclosure in state.disclosures.items():
        if accepted.get(name) != disclosure.version:
            raise Rejection(
                Reason.DISCLOSURE_PENDING,
                "a disclosure must be read and accepted before trading",
                field="disclosure",
                given=f"version {accepted.get(name, 0)} of {name}",
                allowed=f"version {disclosure.version} of {name}",
                disclosure=name,
                version=str(disclosure.version),
            )


def disclosures_of(state: State, account_id: AccountId) -> list[DisclosureStanding]:
    """Every current disclosure and what an account has accepted of it, in order of publication."""
    account = state.accounts.get(account_id)
    accepted = account.accepted if account is not None else {}
    return [
        DisclosureStanding(disclosure=disclosure, accepted_version=accepted.get(name, 0))
        for name, disclosure in state.disclosures.items()
    ]


def _publish(state: State, command: PublishDisclosure) -> tuple[Event, ...]:
    if _NAME.fullmatch(command.name) is None:
        raise _refused("name", command.name[:40], "a name of [a-z0-9-]{1,32}")
    known = state.disclosures.get(command.name)
    if known is None and len(state.disclosures) >= DISCLOSURES_MAX:
        raise _refused("name", f"disclosure {DISCLOSURES_MAX + 1}", f"at most {DISCLOSURES_MAX}")
    title_fits = 0 < len(command.title) <= TITLE_CHARS_MAX and command.title.isprintable()
    if not title_fits or not 0 < len(command.text) <= TEXT_CHARS_MAX:
        raise _refused(
            "text",
            f"{len(command.title)} and {len(command.text)} characters",
            f"a title of 1 to {TITLE_CHARS_MAX}, a text of 1 to {TEXT_CHARS_MAX} characters",
        )
    if known is not None and (known.title, known.text) == (command.title, command.text):
        return ()
    disclosure = Disclosure(
        name=command.name,
        version=state.disclosure_versions.get(command.name, 0) + 1,
        title=command.title,
        text=command.text,
    )
    return (DisclosurePublished(disclosure=disclosure),)


def _accept(state: State, command: AcceptDisclosure) -> tuple[Event, ...]:
    account = state.accounts.get(command.account_id)
    if account is None:
        raise unknown_account(command.account_id)
    known = state.disclosures.get(command.name)
    if known is None:
        raise _unknown(command.name)
    if known.version != command.version:
        raise Rejection(
            Reason.DISCLOSURE_VERSION,
            "only the current version can be accepted",
            field="version",
            given=str(command.version),
            allowed=str(known.version),
        )
    if account.accepted.get(command.name) == command.version:
        return ()
    return (
        DisclosureAccepted(
            account_id=command.account_id, name=command.name, version=command.version
        ),
    )


def _unknown(name: str) -> Rejection:
    return Rejection(
        Reason.UNKNOWN_DISCLOSURE,
        "there is no such disclosure",
        field="name",
        given=name[:40],
        allowed="a current one",
    )


def _refused(field: str, given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.DISCLOSURE_FORM,
        "this cannot be published",
        field=field,
        given=given,
        allowed=allowed,
    )
