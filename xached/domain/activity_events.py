"""Which events of the stream an account's owner reads about, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from xached.domain import (
    api_keys,
    audit,
    auth,
    cases,
    erasure,
    guarding,
    key_epochs,
    kyc,
    mail,
    profile,
    recovery,
    second_factor,
)
from xached.domain.activity import ActivityKind
from xached.domain.identity import IdentityEvent
from xached.domain.order import AccountId

PLAIN: Final[Mapping[type[Any], ActivityKind]] = {
    auth.AccountRegistered: ActivityKind.ACCOUNT_OPENED,
    second_factor.SecondFactorFailed: ActivityKind.CODE_WRONG,
    second_factor.SecondFactorTurnedOn: ActivityKind.SECOND_FACTOR_ON,
    second_factor.SecondFactorTurnedOff: ActivityKind.SECOND_FACTOR_OFF,
    second_factor.RecoveryCodesRenewed: ActivityKind.RECOVERY_CODES_MADE,
    second_factor.RecoveryCodeUsed: ActivityKind.RECOVERY_CODE_USED,
    recovery.RecoveryAsked: ActivityKind.RECOVERY_ASKED,
    recovery.EmailConfirmed: ActivityKind.EMAIL_CONFIRMED,
    guarding.EmailChangeBegun: ActivityKind.EMAIL_CHANGE_BEGUN,
    erasure.AccountExported: ActivityKind.DATA_EXPORTED,
    erasure.ErasureRequested: ActivityKind.ERASURE_ASKED,
    erasure.ErasureCanceled: ActivityKind.ERASURE_TAKEN_BACK,
    kyc.KycApplied: ActivityKind.LEVEL_APPLIED,
    kyc.DocumentUploaded: ActivityKind.DOCUMENT_UPLOADED,
    profile.ProfileChanged: ActivityKind.PROFILE_CHANGED,
}
"""Events that say no more than that it happened."""

DETAILED: Final = (
    auth.SessionOpened,
    auth.SessionEnded,
    auth.ImpedimentSet,
    auth.RoleSet,
    audit.LoginsFailed,
    second_factor.SteppedUp,
    recovery.PasswordChanged,
    api_keys.ApiKeyCreated,
    api_keys.ApiKeyEnded,
    guarding.ChangeAsked,
    guarding.ChangeCanceled,
    guarding.ChangeMade,
)
"""Events that say more, see :func:`noted`."""

SILENT: Final[Mapping[type[Any], str]] = {
    auth.BootstrapTokenIssued: "about nobody yet",
    key_epochs.KeyEpochBegun: "about the house",
    key_epochs.KeyEpochsRetired: "about the house",
    key_epochs.MasterKeyExchanged: "about the house",
    key_epochs.UserKeysRotated: "changes nothing for the person",
    mail.MailQueued: "told by the letter itself",
    mail.MailSettled: "about the house",
    audit.CheckpointSigned: "about the house",
    audit.CallsDenied: "the caller was told each time; nothing has changed",
    audit.ActionAsked: "what it changes is an event of its own",
    audit.ActionEnded: "what it changes is an event of its own",
    kyc.KycReviewed: "told by the standing, once it is decided",
    kyc.PersonalDataViewed: "who works on it is not the person's to know",
    cases.CaseOpened: "not disclosed: Directive (EU) 2015/849, article 39",
    cases.CaseAssigned: "not disclosed: Directive (EU) 2015/849, article 39",
    cases.CaseDecided: "not disclosed: Directive (EU) 2015/849, article 39",
    cases.WatchlistImported: "about the house",
    erasure.AccountErased: "nobody is left to read it",
    erasure.RetentionEnded: "nobody is left to read it",
}
"""All others, and why nobody reads of them here."""


@attrs.frozen(kw_only=True)
class Noted:
    """What an event says to the owner of an account."""

    account_id: AccountId
    kind: ActivityKind
    subject: str = ""
    count: int = 1
    by_house: bool = False


def noted(event: IdentityEvent) -> Noted | None:
    """What the owner of an account reads of an event; None: nothing."""
    kind = PLAIN.get(type(event))
    if kind is not None:
        account_id: AccountId = event.account_id  # type: ignore[union-attr]  # all of PLAIN have it
        return Noted(account_id=account_id, kind=kind)
    about = _of_access(event) or _of_settings(event)
    return about if about is not None and about.account_id else None


def _of_access(event: IdentityEvent) -> Noted | None:
    match event:
        case auth.SessionOpened(session_id=session_id, account_id=account_id):
            return Noted(account_id=account_id, kind=ActivityKind.LOGIN, subject=session_id)
        case auth.SessionEnded(account_id=account_id, cause=cause):
            kind = ActivityKind.SESSION_ENDED
            return Noted(account_id=account_id, kind=kind, subject=cause.name)
        case audit.LoginsFailed(account_id=account_id, count=count):
            return Noted(account_id=account_id, kind=ActivityKind.LOGINS_FAILED, count=count)
        case second_factor.SteppedUp(account_id=account_id, method=method):
            return Noted(account_id=account_id, kind=ActivityKind.STEP_UP, subject=method)
        case recovery.PasswordChanged(account_id=account_id, recovered=True):
            return Noted(account_id=account_id, kind=ActivityKind.PASSWORD_RECOVERED)
        case recovery.PasswordChanged(account_id=account_id):
            return Noted(account_id=account_id, kind=ActivityKind.PASSWORD_CHANGED)
        case _:
            return None


def _of_settings(event: IdentityEvent) -> Noted | None:
    match event:
        case api_keys.ApiKeyCreated(account_id=account_id, key_id=key_id):
            return Noted(account_id=account_id, kind=ActivityKind.KEY_MADE, subject=key_id)
        case api_keys.ApiKeyEnded(account_id=account_id, key_id=key_id):
            return Noted(account_id=account_id, kind=ActivityKind.KEY_ENDED, subject=key_id)
        case guarding.ChangeAsked(account_id=account_id, kind=change):
            kind = ActivityKind.CHANGE_ASKED
            return Noted(account_id=account_id, kind=kind, subject=change.name)
        case guarding.ChangeCanceled(account_id=account_id, kind=change):
            kind = ActivityKind.CHANGE_TAKEN_BACK
            return Noted(account_id=account_id, kind=kind, subject=change.name)
        case guarding.ChangeMade(account_id=account_id, kind=change):
            kind = ActivityKind.CHANGE_MADE
            return Noted(account_id=account_id, kind=kind, subject=change.name)
        case auth.ImpedimentSet(account_id=account_id, impediment=impediment, by=by):
            return Noted(
                account_id=account_id,
                kind=(
                    ActivityKind.IMPEDIMENT_SET if event.stands else ActivityKind.IMPEDIMENT_LIFTED
                ),
                subject=impediment.name,
                by_house=by != account_id,
            )
        case auth.RoleSet(account_id=account_id, role=role, granted=granted):
            kind = ActivityKind.ROLE_GIVEN if granted else ActivityKind.ROLE_TAKEN
            return Noted(account_id=account_id, kind=kind, subject=role.name, by_house=True)
        case _:
            return None
