"""Who calls at the house's own doors, and that they are there: what its listeners ask beyond roles.

There are two such doors, a Unix socket and, if configured, a TLS listener that lets in only who has
a client certificate of the house's; and for browsers of the machine itself, if it is asked for at
the start, an HTTP port that only the machine reaches. A caller is known

* by a session, as everywhere, on the socket, and on the HTTP port in no other way;
* by their name and a code, on the socket: ``x-xache-operator: NAME`` and ``x-xache-code: 123456``.
  Who can open the socket is somebody of the machine; a name alone says nothing, so each such call
  needs a code;
* by the name in their certificate, on the TLS listener, for whatever takes a role of the house.

What moves money or rights (``step_up``) takes a code with each call, ``x-xache-code``, or a token
of ``AuthService.StepUp`` that a code was given for. The code travels with the request and works
once, so it is bound to its very bytes. A password is no proof here. NAME is an account id or an
e-mail address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import grpc
from xache.v1 import options_pb2

from xached.api.auth import Sessions
from xached.api.errors import StatusError
from xached.api.key_auth import Authorizers, address_denied
from xached.api.metadata import address_of
from xached.api.routes import Authorization, Call, Caller, refusal_of
from xached.domain.auth import SessionId
from xached.domain.operators import FindOperator, OperatorFound, OperatorProven, ProveOperator

OPERATOR_METADATA: Final = "x-xache-operator"
CODE_METADATA: Final = "x-xache-code"

ADMIN_SERVICES: Final = ("/xache.v1.AdminService/", "/xache.v1.RiskService/")
"""What only the house's own doors serve."""


class OperatorAuthorizer:
    """Knows callers at one of the house's own doors (routes.Authorizer).

    Args:
        others: knows sessions and keys.
        sessions: the sessions actor.
        require_code: whether administration needs codes at all.
        certified: the name in the client certificate of a call; None where nobody shows one.
        by_name: whether a name and a code do without a session. Not where more than the daemon's
            own user can call.
    """

    def __init__(
        self,
        others: Authorizers,
        sessions: Sessions,
        *,
        require_code: bool,
        certified: Callable[[Call], str] | None = None,
        by_name: bool = True,
    ) -> None:
        self._others = others
        self._sessions = sessions
        self._require_code = require_code
        self._certified = certified
        self._by_name = by_name

    async def authorize(self, call: Call, authorization: Authorization, body: bytes) -> Caller:
        """See Authorizer. Raises: StatusError; Rejection; Overloaded, Expired or Closed."""
        if _of_the_house(authorization):
            if self._certified is not None:
                caller = await self._known(call, self._certified(call))
                if not self._others.may_come(caller, call):
                    raise address_denied(call, "the account takes no calls from this address")
                return await self._proven(call, caller, authorization)
            if self._by_name and "authorization" not in call.metadata:
                return await self._named(call, authorization)
        caller = self._others.authorize(call, authorization, body)
        return await self._proven(call, caller, authorization)

    def opened(self, call: Call) -> None:
        """See Authorizer. What an operator reads without a session ends by itself."""
        if _has_credential(call):
            self._others.opened(call)

    def closed(self, call: Call) -> None:
        """See Authorizer."""
        if _has_credential(call):
            self._others.closed(call)

    async def _named(self, call: Call, need: Authorization) -> Caller:
        """The caller who gives a name and a code."""
        name = call.metadata.get(OPERATOR_METADATA, "")
        if not name:
            raise StatusError(
                grpc.StatusCode.UNAUTHENTICATED,
                "OPERATOR_REQUIRED",
                f"say who you are: {_header(OPERATOR_METADATA, 'NAME')}"
                f" {_header(CODE_METADATA, '123456')}, the code that your authenticator shows;"
                " or send authorization: Bearer <access token>",
                {"header": OPERATOR_METADATA, "code_header": CODE_METADATA},
            )
        caller = attrs.evolve(await self._known(call, name), stepped_up=True, code_shown=True)
        if refusal_of(caller, need) is None:
            await self._prove(call, caller)
        return caller

    async def _proven(self, call: Call, caller: Caller, need: Authorization) -> Caller:
        """The caller, with whether this request carries the proof that it needs."""
        if not need.step_up:
            return caller
        administration = call.method.startswith(ADMIN_SERVICES)
        proven = attrs.evolve(caller, stepped_up=True, code_shown=True)
        if administration and not self._require_code:
            return proven
        if caller.stepped_up and (caller.code_shown or not administration):
            return caller
        # Nobody proves afresh for what is refused anyway.
        if refusal_of(proven, need) is not None:
            return proven
        if CODE_METADATA not in call.metadata and not administration and caller.session_id:
            return caller
        await self._prove(call, proven)
        return proven

    async def _known(self, call: Call, name: str) -> Caller:
        found = await self._sessions.ask(
            FindOperator(name=name), account=address_of(call.peer), deadline=call.deadline_s
        )
        assert isinstance(found, OperatorFound)
        return Caller(
            account_id=found.account_id,
            session_id="",
            roles=frozenset(int(role) for role in found.roles),
            scopes=frozenset(int(scope) for scope in found.scopes),
            impediments=frozenset(int(impediment) for impediment in found.impediments),
        )

    async def _prove(self, call: Call, caller: Caller) -> None:
        code = call.metadata.get(CODE_METADATA, "")
        if not code:
            raise StatusError(
                grpc.StatusCode.FAILED_PRECONDITION,
                "CODE_REQUIRED",
                f"add {_header(CODE_METADATA, '123456')}, the code that your authenticator shows"
                " now; each works once. Without an authenticator: `xached admin enrol`",
                {"header": CODE_METADATA},
            )
        message = ProveOperator(
            account_id=caller.account_id,
            session_id=SessionId(caller.session_id),
            method=call.method,
            code=code,
            address=address_of(call.peer),
        )
        proven = await self._sessions.ask(
            message, account=caller.account_id, deadline=call.deadline_s
        )
        assert isinstance(proven, OperatorProven)


def _of_the_house(need: Authorization) -> bool:
    return bool(need.roles) and options_pb2.ROLE_USER not in need.roles


def _has_credential(call: Call) -> bool:
    assert call.caller is not None, call.method
    return bool(call.caller.session_id or call.caller.key_id)


def _header(name: str, value: str) -> str:
    return f"-H '{name}: {value}'"
