"""Who is calling: the authorizer of every call, and the handlers that sign people in.

The hot path is one hash and two look-ups: a token that was verified once is found by its hash, and
its session must be in the table of live sessions at that very moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, TypeVar

import attrs
import grpc
from xache.v1 import admin_pb2, auth_pb2, options_pb2

from xached.api.errors import StatusError
from xached.api.metadata import address_of, ip_address_of
from xached.api.routes import Authorization, Call, Caller
from xached.api.stream_book import StreamBook
from xached.domain.activity import Origin
from xached.domain.auth import (
    AccountOpened,
    BootstrapAdmin,
    Done,
    Impediment,
    ListSessions,
    Login,
    Logout,
    Refresh,
    Register,
    RevokeSession,
    RevokeSessions,
    Role,
    RolesChanged,
    SessionEndCause,
    SessionGranted,
    SessionId,
    SessionList,
    SetImpediment,
    SetRole,
)
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.order import AccountId
from xached.domain.places import place_of
from xached.domain.recovery import ProofBegun
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import Proof, SecondFactorNeeded, StepUpGrants
from xached.domain.sessions import LiveSession, SessionTable
from xached.runtime.mailbox import Mailbox
from xached.security.tokens import AccessTokens, TokenExpired, TokenInvalid, opaque_digest

VERIFIED_MAX: Final = 20_000
"""Tokens remembered as verified: about 10 MB. The oldest is forgotten first."""

STEP_UP_METADATA: Final = "x-xache-step-up"
"""Carries the token of a fresh proof."""

_SCHEME = "bearer "
_ROLES = {role.value: role for role in Role}
_IMPEDIMENTS = {impediment.value: impediment for impediment in Impediment}

Sessions = Mailbox[AuthMessage, AuthReply]
"""The address of the sessions actor."""

Reply = TypeVar("Reply", bound=AuthReply)


@attrs.frozen
class _Verified:
    """A token that was genuine; what its session was then."""

    live: LiveSession
    caller: Caller
    expires_at_ns: int


class SessionAuthorizer:
    """Knows callers by their access tokens, and ends their streams with their session.

    Args:
        table: the live sessions.
        tokens: verifies what is not known yet.
        now_ns: the wall clock.
        grants: the fresh proofs.
    """

    def __init__(
        self,
        table: SessionTable,
        tokens: AccessTokens,
        now_ns: Callable[[], int],
        grants: StepUpGrants | None = None,
    ) -> None:
        self._grants = StepUpGrants() if grants is None else grants
        self._table = table
        self._tokens = tokens
        self._now_ns = now_ns
        self._verified: dict[bytes, _Verified] = {}
        self.streams = StreamBook("session")
        table.on_end(self._revoke_streams)
        table.on_loss(self._narrow_streams)

    def authorize(self, call: Call, authorization: Authorization, body: bytes) -> Caller:
        """The caller of a call; a fresh proof that it carries is used up.

        Raises: StatusError UNAUTHENTICATED.
        """
        caller = self._known(call)
        if not authorization.step_up:
            return caller
        fresh = self._grants.use(
            opaque_digest(call.metadata.get(STEP_UP_METADATA, "")),
            SessionId(caller.session_id),
            call.method,
            request_digest(body),
            self._now_ns(),
        )
        return attrs.evolve(
            caller,
            stepped_up=fresh is not None,
            code_shown=fresh is not None and fresh is not Proof.PASSWORD,
        )

    def _known(self, call: Call) -> Caller:
        header = call.metadata.get("authorization", "")
        if header[: len(_SCHEME)].lower() != _SCHEME:
            raise _unauthenticated(
                "CREDENTIAL_REQUIRED", "send metadata authorization: Bearer <access token>"
            )
        token = header[len(_SCHEME) :]
        # Surrogates cannot be encoded otherwise; they make no token, but must not make a bug.
        digest = hashlib.blake2b(token.encode(errors="replace"), digest_size=16).digest()
        known = self._verified.get(digest)
        now_ns = self._now_ns()
        if known is None:
            known = self._remember(digest, self._verify(token, now_ns))
        elif now_ns >= known.expires_at_ns:
            del self._verified[digest]
            raise _expired()
        live = self._table.find(known.live.session_id)
        if live is known.live and now_ns < live.expires_at_ns:
            return known.caller
        if live is None or now_ns >= live.expires_at_ns:
            self._verified.pop(digest, None)
            raise _ended()
        # Its roles or its expiry changed since the token was seen first.
        return self._remember(digest, _verified(live, known.expires_at_ns)).caller

    def opened(self, call: Call) -> None:
        """See Authorizer. Raises: StatusError when the session has ended or has too many."""
        assert call.caller is not None, call.method
        session_id = SessionId(call.caller.session_id)
        if self._table.find(session_id) is None:
            raise _ended()
        self.streams.opened(session_id, call)

    def closed(self, call: Call) -> None:
        """See Authorizer."""
        assert call.caller is not None, call.method
        self.streams.closed(call.caller.session_id, call)

    def _verify(self, token: str, now_ns: int) -> _Verified:
        try:
            claims = self._tokens.verify(token, now_ns)
        except TokenExpired:
            raise _expired() from None
        except TokenInvalid:
            raise _unauthenticated("TOKEN_INVALID", "the access token does not work") from None
        live = self._table.find(claims.session_id)
        if live is None or live.account_id != claims.account_id:
            raise _ended()
        return _verified(live, claims.expires_at_ns)

    def _remember(self, digest: bytes, verified: _Verified) -> _Verified:
        if len(self._verified) >= VERIFIED_MAX:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = verified
        return verified

    def _revoke_streams(self, session_id: SessionId, _cause: SessionEndCause) -> None:
        # Its tokens need no purge: none of them finds the session any more.
        self.streams.revoke(session_id, _ended())

    def _narrow_streams(self, session_id: SessionId) -> None:
        # Which of them the session may still open is for the next admission to say.
        self.streams.revoke(
            session_id,
            StatusError(
                grpc.StatusCode.PERMISSION_DENIED,
                "PERMISSIONS_CHANGED",
                "what the session may do has changed; open the stream again",
            ),
        )


class AuthHandlers:
    """Serves ``xache.v1.AuthService``."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def register(
        self, call: Call, request: auth_pb2.RegisterRequest
    ) -> auth_pb2.RegisterResponse:
        """Open an account."""
        message = Register(email=request.email, password=request.password)
        reply = await ask_in_name(self._sessions, call, message)
        if isinstance(reply, ProofBegun):
            return auth_pb2.RegisterResponse(
                confirmation_token=reply.token, confirmation_expires_at_ns=reply.expires_at_ns
            )
        assert isinstance(reply, AccountOpened), "a registration was answered otherwise"
        return auth_pb2.RegisterResponse(account_id=reply.account_id)

    async def login(self, call: Call, request: auth_pb2.LoginRequest) -> auth_pb2.LoginResponse:
        """Open a session."""
        message = Login(
            email=request.email,
            password=request.password,
            device=request.device,
            address=address_of(call.peer),
            device_token=request.device_token,
        )
        reply = await ask_in_name(self._sessions, call, message)
        if isinstance(reply, SecondFactorNeeded):
            return auth_pb2.LoginResponse(
                second_factor_token=reply.token,
                second_factor_expires_at_ns=reply.expires_at_ns,
            )
        assert isinstance(reply, SessionGranted), "a login was answered otherwise"
        return auth_pb2.LoginResponse(
            account_id=reply.account_id,
            session_id=reply.session_id,
            tokens=tokens_of(reply),
            device_token=reply.device_token,
        )

    async def refresh(
        self, call: Call, request: auth_pb2.RefreshRequest
    ) -> auth_pb2.RefreshResponse:
        """Trade a refresh token for new tokens."""
        message = Refresh(refresh_token=request.refresh_token, address=address_of(call.peer))
        granted = await ask_sessions(self._sessions, call, message, SessionGranted)
        return auth_pb2.RefreshResponse(tokens=tokens_of(granted))

    async def logout(self, call: Call, _request: auth_pb2.LogoutRequest) -> auth_pb2.LogoutResponse:
        """End the caller's session."""
        message = Logout(session_id=SessionId(caller_of(call).session_id))
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return auth_pb2.LogoutResponse()

    async def list_sessions(
        self, call: Call, _request: auth_pb2.ListSessionsRequest
    ) -> auth_pb2.ListSessionsResponse:
        """List the caller's live sessions."""
        caller = caller_of(call)
        message = ListSessions(account_id=caller.account_id)
        listed = await ask_sessions(self._sessions, call, message, SessionList)
        return auth_pb2.ListSessionsResponse(
            sessions=[
                auth_pb2.Session(
                    session_id=session.session_id,
                    device=session.device,
                    created_at_ns=session.created_at_ns,
                    refreshed_at_ns=session.refreshed_at_ns,
                    current=session.session_id == caller.session_id,
                    address=ip_address_of(f"{session.address}:0"),
                    place=place_of(ip_address_of(f"{session.address}:0")),
                )
                for session in listed.sessions
            ]
        )

    async def revoke_sessions(
        self, call: Call, request: auth_pb2.RevokeSessionsRequest
    ) -> auth_pb2.RevokeSessionsResponse:
        """End all of the caller's sessions, or all others."""
        caller = caller_of(call)
        keep = SessionId(caller.session_id) if request.keep_current else None
        message = RevokeSessions(account_id=caller.account_id, keep=keep)
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return auth_pb2.RevokeSessionsResponse()

    async def revoke_session(
        self, call: Call, request: auth_pb2.RevokeSessionRequest
    ) -> auth_pb2.RevokeSessionResponse:
        """End one of the caller's sessions."""
        message = RevokeSession(
            account_id=caller_of(call).account_id, session_id=SessionId(request.session_id)
        )
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return auth_pb2.RevokeSessionResponse()


async def bootstrap_admin(
    sessions: Sessions, call: Call, request: admin_pb2.BootstrapAdminRequest
) -> admin_pb2.BootstrapAdminResponse:
    """Make the first administrator: the handler's work, for the admin service."""
    message = BootstrapAdmin(token=request.token, email=request.email, password=request.password)
    opened = await ask_sessions(sessions, call, message, AccountOpened)
    return admin_pb2.BootstrapAdminResponse(account_id=opened.account_id)


async def set_role(
    sessions: Sessions, call: Call, request: admin_pb2.SetRoleRequest
) -> admin_pb2.SetRoleResponse:
    """Give or take a role: the handler's work, for the admin service."""
    role = _ROLES.get(request.role)
    if role is None:
        raise Rejection(Reason.FIELD_REQUIRED, "name a role", field="role")
    message = SetRole(
        account_id=AccountId(request.account_id),
        role=role,
        granted=request.granted,
        by=caller_of(call).account_id,
    )
    changed = await ask_sessions(sessions, call, message, RolesChanged)
    return admin_pb2.SetRoleResponse(roles=role_names(changed.roles))


async def set_impediment(
    sessions: Sessions, call: Call, request: admin_pb2.SetImpedimentRequest
) -> admin_pb2.SetImpedimentResponse:
    """Suspend or freeze an account, or let it act again: the handler's work, for the services."""
    impediment = _IMPEDIMENTS.get(request.impediment)
    if impediment is None:
        raise Rejection(Reason.FIELD_REQUIRED, "name an impediment", field="impediment")
    message = SetImpediment(
        account_id=AccountId(request.account_id),
        impediment=impediment,
        stands=request.stands,
        by=caller_of(call).account_id,
    )
    await ask_sessions(sessions, call, message, Done, urgent=True)
    return admin_pb2.SetImpedimentResponse()


async def ask_sessions(
    sessions: Sessions,
    call: Call,
    message: AuthMessage,
    reply_class: type[Reply],
    *,
    urgent: bool = False,
) -> Reply:
    """Ask the sessions actor in the name of a call what has one kind of answer.

    Raises: as :func:`ask_in_name`.
    """
    reply = await ask_in_name(sessions, call, message, urgent=urgent)
    assert isinstance(reply, reply_class), f"{type(message).__name__} was answered otherwise"
    return reply


async def ask_in_name(
    sessions: Sessions, call: Call, message: AuthMessage, *, urgent: bool = False
) -> AuthReply:
    """Ask the sessions actor in the name of a call.

    The place in its mailbox is charged to the account, or to the address of who has none yet.

    Raises: Rejection; Overloaded, Expired or Closed, nothing done.
    """
    if call.caller is not None:
        account: str = call.caller.account_id
    else:
        account = address_of(call.peer)
    return await sessions.ask(
        message,
        account=account,
        urgent=urgent,
        deadline=call.deadline_s,
        origin=origin_of(call),
    )


def origin_of(call: Call) -> Origin:
    """Where a call comes from, for the log that its account's owner reads."""
    caller = call.caller
    return Origin(
        address=address_of(call.peer),
        session_id="" if caller is None else caller.session_id,
        key_id="" if caller is None else caller.key_id,
    )


def request_digest(body: bytes) -> bytes:
    """What a fresh proof is bound to, beside session and method: the bytes of the request."""
    return hashlib.sha256(body).digest()


def caller_of(call: Call) -> Caller:
    """The caller of a method that is not public."""
    assert call.caller is not None, call.method
    return call.caller


def role_names(roles: frozenset[Role]) -> list[str]:
    """Roles as a message takes them, in order."""
    return [options_pb2.Role.Name(role.value) for role in sorted(roles)]


def tokens_of(granted: SessionGranted) -> auth_pb2.Tokens:
    """What the holder of a session carries, as a message."""
    return auth_pb2.Tokens(
        access_token=granted.access_token,
        access_expires_at_ns=granted.access_expires_at_ns,
        refresh_token=granted.refresh_token,
        refresh_expires_at_ns=granted.refresh_expires_at_ns,
    )


def _verified(live: LiveSession, expires_at_ns: int) -> _Verified:
    caller = Caller(
        account_id=live.account_id,
        session_id=live.session_id,
        roles=frozenset(int(role) for role in live.roles),
        scopes=frozenset(int(scope) for scope in live.scopes),
        impediments=frozenset(int(impediment) for impediment in live.impediments),
    )
    return _Verified(live, caller, expires_at_ns)


def _unauthenticated(reason: str, message: str) -> StatusError:
    return StatusError(grpc.StatusCode.UNAUTHENTICATED, reason, message)


def _expired() -> StatusError:
    return _unauthenticated("TOKEN_EXPIRED", "the access token has expired; refresh it")


def _ended() -> StatusError:
    return _unauthenticated("SESSION_ENDED", "the session has ended; log in again")
