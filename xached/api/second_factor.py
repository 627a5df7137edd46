"""The second factor and fresh proofs: the handlers."""

from __future__ import annotations

import io
from typing import Final

import segno
from xache.v1 import auth_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of, request_digest, tokens_of
from xached.api.routes import Call
from xached.domain.auth import SessionGranted, SessionId
from xached.domain.guarding import ChangeTaken
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import (
    CompleteLogin,
    ConfirmSecondFactor,
    DisableSecondFactor,
    EnrolmentBegun,
    EnrolSecondFactor,
    GetSecondFactor,
    RecoveryCodesMade,
    RenewRecoveryCodes,
    SecondFactorState,
    StepUpByCode,
    StepUpByPassword,
    StepUpGranted,
)

METHOD_CHARS_MAX: Final = 128


class SecondFactorHandlers:
    """Serves its part of ``xache.v1.AuthService``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def complete_login(
        self, call: Call, request: auth_pb2.CompleteLoginRequest
    ) -> auth_pb2.CompleteLoginResponse:
        """Finish a login."""
        message = CompleteLogin(token=request.second_factor_token, code=request.code)
        granted = await ask_sessions(self._sessions, call, message, SessionGranted)
        return auth_pb2.CompleteLoginResponse(
            account_id=granted.account_id,
            session_id=granted.session_id,
            tokens=tokens_of(granted),
            device_token=granted.device_token,
        )

    async def step_up(self, call: Call, request: auth_pb2.StepUpRequest) -> auth_pb2.StepUpResponse:
        """Take a fresh proof for one request."""
        caller = caller_of(call)
        if not 0 < len(request.method) <= METHOD_CHARS_MAX or not request.method.isascii():
            raise Rejection(Reason.FIELD_REQUIRED, "name the method", field="method")
        session_id, digest = SessionId(caller.session_id), request_digest(request.request)
        message: StepUpByCode | StepUpByPassword
        match request.WhichOneof("proof"):
            case "code":
                message = StepUpByCode(
                    account_id=caller.account_id,
                    session_id=session_id,
                    method=request.method,
                    request_digest=digest,
                    code=request.code,
                )
            case "password":
                message = StepUpByPassword(
                    account_id=caller.account_id,
                    session_id=session_id,
                    method=request.method,
                    request_digest=digest,
                    password=request.password,
                )
            case _:
                raise Rejection(Reason.FIELD_REQUIRED, "give a proof", field="code")
        granted = await ask_sessions(self._sessions, call, message, StepUpGranted)
        return auth_pb2.StepUpResponse(
            step_up_token=granted.token, expires_at_ns=granted.expires_at_ns
        )

    async def get_second_factor(
        self, call: Call, _request: auth_pb2.GetSecondFactorRequest
    ) -> auth_pb2.GetSecondFactorResponse:
        """Tell how the account is guarded."""
        message = GetSecondFactor(account_id=caller_of(call).account_id)
        state = await ask_sessions(self._sessions, call, message, SecondFactorState)
        return auth_pb2.GetSecondFactorResponse(
            active=state.active, recovery_codes_left=state.recovery_codes_left
        )

    async def enrol_second_factor(
        self, call: Call, _request: auth_pb2.EnrolSecondFactorRequest
    ) -> auth_pb2.EnrolSecondFactorResponse:
        """Begin an enrolment."""
        message = EnrolSecondFactor(account_id=caller_of(call).account_id)
        begun = await ask_sessions(self._sessions, call, message, EnrolmentBegun)
        return auth_pb2.EnrolSecondFactorResponse(
            secret=begun.secret,
            otpauth_uri=begun.uri,
            qr_svg=_qr_svg(begun.uri),
            expires_at_ns=begun.expires_at_ns,
        )

    async def confirm_second_factor(
        self, call: Call, request: auth_pb2.ConfirmSecondFactorRequest
    ) -> auth_pb2.ConfirmSecondFactorResponse:
        """Turn the second factor on."""
        caller = caller_of(call)
        message = ConfirmSecondFactor(
            account_id=caller.account_id,
            session_id=SessionId(caller.session_id),
            code=request.code,
        )
        made = await ask_sessions(self._sessions, call, message, RecoveryCodesMade)
        return auth_pb2.ConfirmSecondFactorResponse(recovery_codes=made.codes)

    async def disable_second_factor(
        self, call: Call, request: auth_pb2.DisableSecondFactorRequest
    ) -> auth_pb2.DisableSecondFactorResponse:
        """Turn the second factor off, a day later."""
        message = DisableSecondFactor(account_id=caller_of(call).account_id, code=request.code)
        taken = await ask_sessions(self._sessions, call, message, ChangeTaken)
        return auth_pb2.DisableSecondFactorResponse(due_at_ns=taken.due_at_ns)

    async def renew_recovery_codes(
        self, call: Call, request: auth_pb2.RenewRecoveryCodesRequest
    ) -> auth_pb2.RenewRecoveryCodesResponse:
        """Make other recovery codes."""
        message = RenewRecoveryCodes(account_id=caller_of(call).account_id, code=request.code)
        made = await ask_sessions(self._sessions, call, message, RecoveryCodesMade)
        return auth_pb2.RenewRecoveryCodesResponse(recovery_codes=made.codes)


def _qr_svg(uri: str) -> str:
    """The URI as an image: about 5 ms."""
    image = io.BytesIO()
    segno.make(uri, error="m").save(image, kind="svg", scale=4, xmldecl=False)
    return image.getvalue().decode()
