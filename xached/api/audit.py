"""What is done with a role of the house is written into the audit, before it and before its answer.

The handlers know nothing of it: the table of routes has them wrapped here.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
from google.protobuf.message import Message
from xache.v1 import options_pb2

from xached.api.auth import Sessions
from xached.api.errors import StatusError
from xached.api.metadata import address_of
from xached.api.routes import Call, Caller, Denied, Handler, Route
from xached.domain.audit import OK, ActionNoted, AskAction, DenialTally, EndAction
from xached.domain.order import AccountId
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Expired, Overloaded

_ADMIN_SERVICE: Final = "/xache.v1.AdminService/"

_OF_NO_ACCOUNT: Final = frozenset({"/xache.v1.AdminService/GetHealth"})
"""Monitoring asks for it every few seconds, and it tells nothing of anybody."""


_ORDINARY: Final = frozenset({"TOKEN_EXPIRED"})
"""Everybody's token does, every few minutes."""


class ActionAudit:
    """Wraps the handlers of methods that take a role of the house."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def audited(self, route: Route) -> Route:
        """The route with its handler wrapped; as it is where any user may call it."""
        return attrs.evolve(route, handler=self._wrap(route)) if is_audited(route) else route

    def _wrap(self, route: Route) -> Handler:
        method = route.path.rpartition(".")[2]

        async def audited(call: Call, request: Any, *responses: Any) -> Any:
            action_id = await self._ask(call, method)
            try:
                answer = await route.handler(call, request, *responses)
            except Rejection as refusal:
                await self._end(action_id, refusal.reason.name)
                raise
            except StatusError as refusal:
                await self._end(action_id, refusal.reason)
                raise
            except (Overloaded, Expired) as refusal:
                await self._end(action_id, type(refusal).__name__.upper())
                raise
            await self._end(action_id, OK, answer)
            return answer

        return audited

    async def _ask(self, call: Call, method: str) -> str:
        caller = call.caller
        noted = await self._sessions.ask(
            AskAction(
                method=method,
                by=caller.account_id if caller is not None else AccountId(""),
                session_id=caller.session_id if caller is not None else "",
                address=address_of(call.peer),
            ),
            # Who is cut off while it is written down has had nothing done.
            deadline=call.deadline_s,
        )
        assert isinstance(noted, ActionNoted)
        return noted.action_id

    async def _end(self, action_id: str, outcome: str, answer: Message | None = None) -> None:
        # Every answer about the exchange names the row by this field.
        row: int = getattr(answer, "seq", 0)
        await self._sessions.ask(EndAction(action_id=action_id, outcome=outcome, journal_seq=row))


def count_denials(tally: DenialTally) -> Denied:
    """What the table of routes tells of calls that it does not let in."""

    def count(call: Call, caller: Caller | None, reason: str) -> None:
        if reason not in _ORDINARY:
            whose = caller.account_id if caller is not None else AccountId("")
            method = call.method.rpartition(".")[2]
            tally.add(address_of(call.peer), whose, f"{method} {reason}")

    return count


def is_audited(route: Route) -> bool:
    """Whether a method is done with a role of the house. Unknown means yes."""
    if route.path in _OF_NO_ACCOUNT:
        return False
    roles = route.authorization.roles
    of_the_house = bool(roles) and options_pb2.ROLE_USER not in roles
    return of_the_house or route.path.startswith(_ADMIN_SERVICE)
