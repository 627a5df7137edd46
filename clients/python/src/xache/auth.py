"""Signing up, in and out, and how the account is proved to be one's own."""

from __future__ import annotations

import socket

from xache.connection import Connection
from xache.proofs import Proof, proved
from xache.rpc import rpc
from xache.v1 import auth_pb2

_REGISTER = rpc(auth_pb2.RegisterRequest, auth_pb2.RegisterResponse, repeatable=False)
_CONFIRM = rpc(
    auth_pb2.ConfirmRegistrationRequest, auth_pb2.ConfirmRegistrationResponse, repeatable=False
)
_LOGIN = rpc(auth_pb2.LoginRequest, auth_pb2.LoginResponse, repeatable=False)
_COMPLETE = rpc(auth_pb2.CompleteLoginRequest, auth_pb2.CompleteLoginResponse, repeatable=False)
_LOGOUT = rpc(auth_pb2.LogoutRequest, auth_pb2.LogoutResponse, repeatable=False)
_SESSIONS = rpc(auth_pb2.ListSessionsRequest, auth_pb2.ListSessionsResponse, repeatable=True)
_REVOKE = rpc(auth_pb2.RevokeSessionRequest, auth_pb2.RevokeSessionResponse, repeatable=False)
_SECOND_FACTOR = rpc(
    auth_pb2.GetSecondFactorRequest, auth_pb2.GetSecondFactorResponse, repeatable=True
)
_REVOKE_ALL = rpc(auth_pb2.RevokeSessionsRequest, auth_pb2.RevokeSessionsResponse, repeatable=True)
_RECOVER = rpc(auth_pb2.StartRecoveryRequest, auth_pb2.StartRecoveryResponse, repeatable=False)
_RECOVERED = rpc(auth_pb2.FinishRecoveryRequest, auth_pb2.FinishRecoveryResponse, repeatable=False)
_RESEND = rpc(auth_pb2.ResendCodeRequest, auth_pb2.ResendCodeResponse, repeatable=False)
_PASSWORD = rpc(auth_pb2.ChangePasswordRequest, auth_pb2.ChangePasswordResponse, repeatable=False)
_ENROL = rpc(
    auth_pb2.EnrolSecondFactorRequest, auth_pb2.EnrolSecondFactorResponse, repeatable=False
)
_CONFIRM_FACTOR = rpc(
    auth_pb2.ConfirmSecondFactorRequest, auth_pb2.ConfirmSecondFactorResponse, repeatable=False
)
_DISABLE_FACTOR = rpc(
    auth_pb2.DisableSecondFactorRequest, auth_pb2.DisableSecondFactorResponse, repeatable=False
)
_RENEW_CODES = rpc(
    auth_pb2.RenewRecoveryCodesRequest, auth_pb2.RenewRecoveryCodesResponse, repeatable=False
)


class Auth:
    """Signing up, in and out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._half_way: dict[str, str] = {}
        """Whose login waits for a second factor, by its token."""

    def register(self, email: str, password: str) -> auth_pb2.RegisterResponse:
        """Open an account; signing in is a step of its own.

        Where the answer has a ``confirmation_token``, :meth:`confirm_registration` opens it.
        """
        request = auth_pb2.RegisterRequest(email=email, password=password)
        return self._connection.call(_REGISTER, request)

    def confirm_registration(self, token: str, code: str) -> auth_pb2.ConfirmRegistrationResponse:
        """Open the account with the code that was sent to its address."""
        request = auth_pb2.ConfirmRegistrationRequest(confirmation_token=token, code=code)
        return self._connection.call(_CONFIRM, request)

    def login(self, email: str, password: str, device: str = "") -> auth_pb2.LoginResponse:
        """Open a session and carry it from now on.

        Where the answer has a ``second_factor_token``, :meth:`complete_login` opens it.

        Args:
            device: a name for the list of sessions; by default the host's.
        """
        session = self._connection.session
        request = auth_pb2.LoginRequest(
            email=email,
            password=password,
            device=device or f"xache on {socket.gethostname()}",
            device_token=session.device_token(email),
        )
        response = self._connection.call(_LOGIN, request)
        if response.second_factor_token:
            self._half_way = {response.second_factor_token: email}
        else:
            session.keep(response.account_id, response.session_id, response.tokens)
            session.know_device(email, response.device_token)
        return response

    def complete_login(self, token: str, code: str) -> auth_pb2.LoginResponse:
        """Open the session with a code of the second factor, or a recovery code."""
        request = auth_pb2.CompleteLoginRequest(second_factor_token=token, code=code)
        done = self._connection.call(_COMPLETE, request)
        session = self._connection.session
        session.keep(done.account_id, done.session_id, done.tokens)
        email = self._half_way.pop(token, "")
        if email:
            session.know_device(email, done.device_token)
        return auth_pb2.LoginResponse(
            account_id=done.account_id, session_id=done.session_id, tokens=done.tokens
        )

    def logout(self) -> None:
        """End the session, at once and everywhere, and forget its tokens."""
        self._connection.call(_LOGOUT, auth_pb2.LogoutRequest())
        self._connection.session.forget()

    def forget(self) -> None:
        """Forget the tokens without asking the house."""
        self._connection.session.forget()

    def start_recovery(self, email: str) -> auth_pb2.StartRecoveryResponse:
        """Have a code sent that sets a new password; the answer is the same for every address."""
        return self._connection.call(_RECOVER, auth_pb2.StartRecoveryRequest(email=email))

    def finish_recovery(
        self, token: str, code: str, password: str, second_factor_code: str = ""
    ) -> None:
        """Set a new password with the code from the letter. All sessions end.

        Raises: Refused SECOND_FACTOR_NEEDED where a code of that is asked for too.
        """
        request = auth_pb2.FinishRecoveryRequest(
            recovery_token=token,
            code=code,
            password=password,
            second_factor_code=second_factor_code,
        )
        self._connection.call(_RECOVERED, request)

    def resend_code(self, token: str) -> None:
        """Have another code sent; the one before is void."""
        self._connection.call(_RESEND, auth_pb2.ResendCodeRequest(token=token))

    def change_password(self, old: str, new: str) -> None:
        """Set another password. Other sessions end."""
        request = auth_pb2.ChangePasswordRequest(old_password=old, new_password=new)
        self._connection.call(_PASSWORD, request)

    def second_factor(self) -> auth_pb2.GetSecondFactorResponse:
        """Whether there is one, and how many recovery codes are left."""
        return self._connection.call(_SECOND_FACTOR, auth_pb2.GetSecondFactorRequest())

    def enrol_second_factor(self, proof: Proof) -> auth_pb2.EnrolSecondFactorResponse:
        """A secret for an authenticator. It counts once it is confirmed with a first code."""
        request = auth_pb2.EnrolSecondFactorRequest()
        return proved(self._connection, _ENROL, request, proof)

    def confirm_second_factor(self, code: str) -> list[str]:
        """Turn the second factor on; the recovery codes. Other sessions end."""
        request = auth_pb2.ConfirmSecondFactorRequest(code=code)
        return list(self._connection.call(_CONFIRM_FACTOR, request).recovery_codes)

    def disable_second_factor(self, code: str) -> int:
        """Turn it off with a code. Returns when it is off, in ns; until then take it back."""
        request = auth_pb2.DisableSecondFactorRequest(code=code)
        return self._connection.call(_DISABLE_FACTOR, request).due_at_ns

    def renew_recovery_codes(self, code: str) -> list[str]:
        """Other recovery codes; the old ones are void."""
        request = auth_pb2.RenewRecoveryCodesRequest(code=code)
        return list(self._connection.call(_RENEW_CODES, request).recovery_codes)

    def has_second_factor(self) -> bool:
        """Whether logins and fresh proofs ask for a code."""
        return self.second_factor().active

    def sessions(self) -> list[auth_pb2.Session]:
        """The account's live sessions, newest first."""
        return list(self._connection.call(_SESSIONS, auth_pb2.ListSessionsRequest()).sessions)

    def revoke_session(self, session_id: str) -> None:
        """End one of the account's sessions."""
        self._connection.call(_REVOKE, auth_pb2.RevokeSessionRequest(session_id=session_id))

    def revoke_other_sessions(self) -> None:
        """End all of the account's sessions but this one."""
        self._connection.call(_REVOKE_ALL, auth_pb2.RevokeSessionsRequest(keep_current=True))
