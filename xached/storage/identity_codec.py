"""Bytes of the identity stream: ``[type code, version, fields...]`` in msgpack, for ever.

The rules are those of :mod:`xached.storage.codec`: a code is never used again, a field is never
removed or moved, and a field that is marked personal takes ciphertext only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
from xached.domain.identity import IdentityEvent
from xached.domain.sealed import Sealed
from xached.storage.codec import Codec, CodecError, Kind, Typed, Upcaster

IDENTITY_TYPES: Final = (
    Typed(1, 1, Kind.EVENT, auth.AccountRegistered),
    Typed(2, 1, Kind.EVENT, auth.SessionOpened),
    Typed(3, 1, Kind.EVENT, auth.SessionEnded),
    Typed(4, 1, Kind.EVENT, auth.RoleSet),
    Typed(5, 1, Kind.EVENT, auth.BootstrapTokenIssued),
    Typed(6, 1, Kind.EVENT, auth.ImpedimentSet),
    Typed(7, 1, Kind.EVENT, key_epochs.KeyEpochBegun),
    Typed(8, 1, Kind.EVENT, key_epochs.KeyEpochsRetired),
    Typed(9, 1, Kind.EVENT, key_epochs.UserKeysRotated),
    Typed(10, 1, Kind.EVENT, key_epochs.MasterKeyExchanged),
    Typed(20, 1, Kind.EVENT, mail.MailQueued),
    Typed(21, 1, Kind.EVENT, mail.MailSettled),
    Typed(22, 1, Kind.EVENT, second_factor.SecondFactorTurnedOn),
    Typed(23, 1, Kind.EVENT, second_factor.SecondFactorTurnedOff),
    Typed(24, 1, Kind.EVENT, second_factor.RecoveryCodesRenewed),
    Typed(25, 1, Kind.EVENT, second_factor.RecoveryCodeUsed),
    Typed(26, 1, Kind.EVENT, second_factor.SecondFactorFailed),
    Typed(27, 1, Kind.EVENT, second_factor.SteppedUp),
    Typed(28, 1, Kind.EVENT, recovery.EmailConfirmed),
    Typed(29, 1, Kind.EVENT, recovery.PasswordChanged),
    Typed(30, 1, Kind.EVENT, recovery.RecoveryAsked),
    Typed(31, 1, Kind.EVENT, guarding.EmailChangeBegun),
    Typed(32, 1, Kind.EVENT, profile.ProfileChanged),
    Typed(40, 1, Kind.EVENT, api_keys.ApiKeyCreated),
    Typed(41, 1, Kind.EVENT, api_keys.ApiKeyEnded),
    Typed(42, 1, Kind.EVENT, guarding.ChangeAsked),
    Typed(43, 1, Kind.EVENT, guarding.ChangeCanceled),
    Typed(44, 1, Kind.EVENT, guarding.ChangeMade),
    Typed(60, 1, Kind.EVENT, audit.CheckpointSigned),
    Typed(61, 1, Kind.EVENT, audit.ActionAsked),
    Typed(62, 1, Kind.EVENT, audit.ActionEnded),
    Typed(63, 1, Kind.EVENT, audit.LoginsFailed),
    Typed(64, 1, Kind.EVENT, audit.CallsDenied),
    Typed(69, 1, Kind.VALUE, Sealed),
    Typed(80, 1, Kind.EVENT, kyc.KycApplied),
    Typed(81, 1, Kind.EVENT, kyc.KycReviewed),
    Typed(82, 1, Kind.EVENT, kyc.DocumentUploaded),
    Typed(83, 1, Kind.EVENT, kyc.PersonalDataViewed),
    Typed(84, 1, Kind.EVENT, cases.CaseOpened),
    Typed(85, 1, Kind.EVENT, cases.CaseAssigned),
    Typed(86, 1, Kind.EVENT, cases.CaseDecided),
    Typed(87, 1, Kind.EVENT, cases.WatchlistImported),
    Typed(88, 1, Kind.EVENT, erasure.ErasureRequested),
    Typed(89, 1, Kind.EVENT, erasure.ErasureCanceled),
    Typed(90, 1, Kind.EVENT, erasure.AccountErased),
    Typed(91, 1, Kind.EVENT, erasure.RetentionEnded),
    Typed(92, 1, Kind.EVENT, erasure.AccountExported),
)

IDENTITY_UPCASTERS: Final[Mapping[tuple[int, int], Upcaster]] = {}
"""By (code, old version)."""

_CODEC: Final = Codec(IDENTITY_TYPES, IDENTITY_UPCASTERS)


class IdentityCodecError(Exception):
    """Bytes that are no identity event this version knows."""


def encode_identity_event(event: IdentityEvent) -> bytes:
    """The bytes of an event."""
    return _CODEC.encode(event)


def decode_identity_event(payload: bytes) -> IdentityEvent:
    """The event of some bytes. Raises: IdentityCodecError."""
    try:
        event: IdentityEvent = _CODEC.decode(payload)
    except CodecError as error:
        raise IdentityCodecError(f"bytes that are no event: {error}") from None
    return event
