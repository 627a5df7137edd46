"""Which exchange a call is for: the real one, or the paper exchange for purses that are paper.

Handlers know nothing of it. In front of each handler that names a purse stands one that looks at
the purse and passes the call on, to the handler of the house or to its twin.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from xache.v1 import account_pb2

from xached.actors.matching import Matching
from xached.api import convert
from xached.api.account import AccountHandlers
from xached.api.auth import Sessions, caller_of
from xached.api.errors import RESTART_S, StatusError
from xached.api.routes import Call, Handler, Requests, RouteError
from xached.domain.instrument import Directory
from xached.domain.order import Purse, account_of, subaccount_of
from xached.domain.paper import is_paper_purse, is_strategy_paper, opening_commands
from xached.domain.queries import PursesQuery
from xached.domain.rejection import Reason, Rejection
from xached.domain.transfers import SUBACCOUNTS_MAX
from xached.runtime.mailbox import Closed, Overloaded

Sent = TypeVar("Sent", bound=Message)


class ByPurse:
    """Handlers that pass calls on: for paper purses to ``paper()``, else to ``real``."""

    def __init__(self, real: object, paper: Callable[[], object]) -> None:
        """``paper`` gives the twin of ``real``. Raises: StatusError while there is none."""
        for name, handler in inspect.getmembers(real, inspect.iscoroutinefunction):
            if not name.startswith("_"):
                setattr(self, name, _divided(handler, name, paper))

    def handler(self, name: str) -> Handler:
        """One of the handlers, for who calls it by another route."""
        found: Handler = getattr(self, name)
        return found


def paper_unavailable() -> StatusError:
    """Say that the paper exchange is starting."""
    return StatusError(
        grpc.StatusCode.UNAVAILABLE,
        "PAPER_UNAVAILABLE",
        "the paper exchange is starting",
        retry_after_s=RESTART_S,
    )


class AccountsByPurse(AccountHandlers):
    """Accounts whose paper purses are opened, and listed, on the paper exchange."""

    def __init__(
        self,
        sessions: Sessions,
        matching: Matching,
        directory: Directory,
        now_ns: Callable[[], int],
        *,
        paper: Matching,
        paper_directory: Directory,
        opening: int,
    ) -> None:
        """``opening``: the play money of a new paper purse, whole coins of every quote asset."""
        super().__init__(sessions, matching, directory, now_ns)
        self._paper = paper
        self._paper_directory = paper_directory
        self._opening = opening

    async def list_subaccounts(
        self, call: Call, request: account_pb2.ListSubaccountsRequest
    ) -> account_pb2.ListSubaccountsResponse:
        """List the caller's purses, main first, paper last."""
        answer = await super().list_subaccounts(call, request)
        account_id = caller_of(call).account_id
        try:
            purses = await self._paper.query(PursesQuery(account_id), account=account_id)
        except (Closed, Overloaded):
            return answer  # The real purses are known whatever became of paper.
        for purse in sorted(purses, key=lambda each: each.purse):
            answer.subaccounts.add(
                name=subaccount_of(purse.purse), frozen=purse.frozen, simulated=purse.simulated
            )
        return answer

    async def open_subaccount(
        self, call: Call, request: account_pb2.OpenSubaccountRequest
    ) -> account_pb2.OpenSubaccountResponse:
        """Open another purse beside the main one; a paper purse with its play money."""
        if not is_paper_purse(call.purse):
            return await super().open_subaccount(call, request)
        convert.optional_id(request.request_id)
        account_id = account_of(call.purse)
        purses = await self._paper.query(PursesQuery(account_id), account=account_id)
        known = any(each.purse == call.purse for each in purses)
        if not known and is_strategy_paper(call.purse):
            raise Rejection(
                Reason.ID_FORMAT,
                "a sub-account of this name is for a strategy",
                field="subaccount",
                given=subaccount_of(call.purse),
                allowed="paper- and a name",
            )
        # Those of strategies have a bound of their own.
        count = sum(not is_strategy_paper(each.purse) for each in purses)
        if not known and count >= SUBACCOUNTS_MAX:
            raise Rejection(
                Reason.SUBACCOUNTS,
                "the account has all the sub-accounts it may have",
                field="subaccount",
                given=str(count + 1),
                allowed=f"at most {SUBACCOUNTS_MAX}",
                nearest=str(SUBACCOUNTS_MAX),
            )
        quotes = sorted({each.quote for each in self._paper_directory.values()})
        amounts = {
            asset: self._opening * 10 ** self._paper_directory.assets[asset].scale
            for asset in quotes
            if self._opening
        }
        rows = [
            await self._paper.execute(command, account=account_id, deadline=call.deadline_s)
            for command in opening_commands(call.purse, amounts)
        ]
        return account_pb2.OpenSubaccountResponse(seq=rows[-1].seq)


def _divided(real: Handler, name: str, paper: Callable[[], object]) -> Handler:
    """A handler of the same shape that looks at the purse first."""

    def handler_for(purse: Purse) -> Handler:
        if not is_paper_purse(purse):
            return real
        twin: Handler = getattr(paper(), name)
        return twin

    async def unary(call: Call, request: Any) -> Any:
        return await handler_for(call.purse)(call, request)

    async def server_stream(call: Call, request: Any, responses: Any) -> None:
        await handler_for(call.purse)(call, request, responses)

    async def both(call: Call, requests: Requests[Any], responses: Any) -> None:
        begun = await requests.receive_batch()
        if begun:
            call.resolve_purse(begun[0])
            await handler_for(call.purse)(call, _Begun(begun, requests), responses)

    shapes: dict[tuple[str, ...], Handler] = {
        ("call", "request"): unary,
        ("call", "request", "responses"): server_stream,
        ("call", "requests", "responses"): both,
    }
    given = tuple(each.lstrip("_") for each in inspect.signature(real).parameters)
    if given not in shapes:
        raise RouteError(f"{name} takes ({', '.join(given)}): it cannot be passed on by purse")
    return shapes[given]


class _Begun:
    """A request stream of which the first batch was read already."""

    def __init__(self, begun: list[Sent], rest: Requests[Sent]) -> None:
        self._begun: list[Any] = begun
        self._rest: Requests[Any] = rest

    async def receive_batch(self) -> list[Any]:
        """See Requests."""
        if self._begun:
            begun, self._begun = self._begun, []
            return begun
        return await self._rest.receive_batch()

    async def __aiter__(self) -> AsyncIterator[Any]:
        while batch := await self.receive_batch():
            for message in batch:
                yield message
