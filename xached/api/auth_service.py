"""All handlers of ``xache.v1.AuthService``."""

from __future__ import annotations

from xached.api.auth import AuthHandlers, Sessions
from xached.api.recovery import RecoveryHandlers
from xached.api.second_factor import SecondFactorHandlers


def auth_handlers(sessions: Sessions) -> tuple[object, ...]:
    """What serves the service, each its part."""
    return (AuthHandlers(sessions), SecondFactorHandlers(sessions), RecoveryHandlers(sessions))
