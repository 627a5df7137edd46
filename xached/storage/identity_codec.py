"""Bytes of the identity stream: msgpack arrays ``[type code, version, fields...]``, for ever.

A code is never used again. A field is never removed or reordered; a new version adds at the end.
"""

from __future__ import annotations

from typing import assert_never

import msgpack

from xached.domain.auth import (
    AccountRegistered,
    BootstrapTokenIssued,
    IdentityEvent,
    Role,
    RoleSet,
    SessionEndCause,
    SessionEnded,
    SessionId,
    SessionOpened,
)
from xached.domain.order import AccountId

_ACCOUNT_REGISTERED = 1
_SESSION_OPENED = 2
_SESSION_ENDED = 3
_ROLE_SET = 4
_BOOTSTRAP_TOKEN_ISSUED = 5


class IdentityCodecError(Exception):
    """Bytes that are no identity event this version knows."""


def encode_identity_event(event: IdentityEvent) -> bytes:
    """The bytes of an event."""
    match event:
        case AccountRegistered(account_id=account_id, roles=roles):
            fields = [_ACCOUNT_REGISTERED, 1, account_id, sorted(roles)]
        case SessionOpened(session_id=session_id, account_id=account_id):
            fields = [_SESSION_OPENED, 1, session_id, account_id]
        case SessionEnded(session_id=session_id, account_id=account_id, cause=cause):
            fields = [_SESSION_ENDED, 1, session_id, account_id, cause.value]
        case RoleSet(account_id=account_id, role=role, granted=granted, by=by):
            fields = [_ROLE_SET, 1, account_id, role.value, granted, by]
        case BootstrapTokenIssued():
            fields = [_BOOTSTRAP_TOKEN_ISSUED, 1]
        case _:
            assert_never(event)
    packed: bytes = msgpack.packb(fields)
    return packed


def decode_identity_event(payload: bytes) -> IdentityEvent:
    """The event of some bytes. Raises: IdentityCodecError."""
    try:
        fields = msgpack.unpackb(payload)
        match fields:
            case [1, 1, str(account_id), list(roles)]:
                return AccountRegistered(
                    account_id=AccountId(account_id), roles=frozenset(Role(role) for role in roles)
                )
            case [2, 1, str(session_id), str(account_id)]:
                return SessionOpened(
                    session_id=SessionId(session_id), account_id=AccountId(account_id)
                )
            case [3, 1, str(session_id), str(account_id), int(cause)]:
                return SessionEnded(
                    session_id=SessionId(session_id),
                    account_id=AccountId(account_id),
                    cause=SessionEndCause(cause),
                )
            case [4, 1, str(account_id), int(role), bool(granted), str(by)]:
                return RoleSet(
                    account_id=AccountId(account_id),
                    role=Role(role),
                    granted=granted,
                    by=AccountId(by),
                )
            case [5, 1]:
                return BootstrapTokenIssued()
            case _:
                raise IdentityCodecError("an event of an unknown type or version")
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise IdentityCodecError(f"bytes that are no event: {type(error).__name__}") from None
