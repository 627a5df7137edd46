"""Signing up, in and out, and how the account is proved to be one's own."""

from __future__ import annotations

import socket

from xache.connection import Connection
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

    def has_second_factor(self) -> bool:
        """Whether logins and fresh proofs ask for a code."""
        return self._connection.call(_SECOND_FACTOR, auth_pb2.GetSecondFactorRequest()).active

    def sessions(self) -> list[auth_pb2.Session]:
        """The account's live sessions, newest first."""
        return list(self._connection.call(_SESSIONS, auth_pb2.ListSessionsRequest()).sessions)

    def revoke_session(self, session_id: str) -> None:
        """End one of the account's sessions."""
        self._connection.call(_REVOKE, auth_pb2.RevokeSessionRequest(session_id=session_id))

    def revoke_other_sessions(self) -> None:
        """End all of the account's sessions but this one."""
        self._connection.call(_REVOKE_ALL, auth_pb2.RevokeSessionsRequest(keep_current=True))
