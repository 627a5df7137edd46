"""Confirming addresses, and setting new passwords: the handlers."""

from __future__ import annotations

from xache.v1 import auth_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.metadata import address_of
from xached.api.routes import Call
from xached.domain.auth import AccountOpened, Done, SessionId
from xached.domain.recovery import (
    ChangePassword,
    ConfirmRegistration,
    FinishRecovery,
    ProofBegun,
    ResendCode,
    StartRecovery,
)


class RecoveryHandlers:
    """Serves its part of ``xache.v1.AuthService``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def confirm_registration(
        self, call: Call, request: auth_pb2.ConfirmRegistrationRequest
    ) -> auth_pb2.ConfirmRegistrationResponse:
        """Open the account that was asked for."""
        message = ConfirmRegistration(token=request.confirmation_token, code=request.code)
        opened = await ask_sessions(self._sessions, call, message, AccountOpened)
        return auth_pb2.ConfirmRegistrationResponse(account_id=opened.account_id)

    async def resend_code(
        self, call: Call, request: auth_pb2.ResendCodeRequest
    ) -> auth_pb2.ResendCodeResponse:
        """Send another code."""
        message = ResendCode(token=request.token)
        begun = await ask_sessions(self._sessions, call, message, ProofBegun)
        return auth_pb2.ResendCodeResponse(expires_at_ns=begun.expires_at_ns)

    async def start_recovery(
        self, call: Call, request: auth_pb2.StartRecoveryRequest
    ) -> auth_pb2.StartRecoveryResponse:
        """Ask for a code to set a new password."""
        message = StartRecovery(email=request.email)
        begun = await ask_sessions(self._sessions, call, message, ProofBegun)
        return auth_pb2.StartRecoveryResponse(
            recovery_token=begun.token, expires_at_ns=begun.expires_at_ns
        )

    async def finish_recovery(
        self, call: Call, request: auth_pb2.FinishRecoveryRequest
    ) -> auth_pb2.FinishRecoveryResponse:
        """Set a new password."""
        message = FinishRecovery(
            token=request.recovery_token,
            code=request.code,
            password=request.password,
            second_factor_code=request.second_factor_code,
            address=address_of(call.peer),
        )
        await ask_sessions(self._sessions, call, message, Done)
        return auth_pb2.FinishRecoveryResponse()

    async def change_password(
        self, call: Call, request: auth_pb2.ChangePasswordRequest
    ) -> auth_pb2.ChangePasswordResponse:
        """Set another password."""
        caller = caller_of(call)
        message = ChangePassword(
            account_id=caller.account_id,
            session_id=SessionId(caller.session_id),
            old_password=request.old_password,
            new_password=request.new_password,
        )
        await ask_sessions(self._sessions, call, message, Done)
        return auth_pb2.ChangePasswordResponse()
