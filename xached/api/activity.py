"""Serves ``ListActivity`` of ``xache.v1.AccountService``."""

from __future__ import annotations

from xache.v1 import account_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.enums import pick
from xached.api.metadata import ip_address_of
from xached.api.paging import read_page, write_token
from xached.api.routes import Call
from xached.domain.activity import Activity, ActivityKind, ActivityPage, ListActivity
from xached.domain.places import place_of

_KINDS = {kind.value: kind for kind in ActivityKind}


class ActivityHandlers:
    """Handlers of AccountService for the activity log."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list_activity(
        self, call: Call, request: account_pb2.ListActivityRequest
    ) -> account_pb2.ListActivityResponse:
        """Tell what happened to the caller's account."""
        page = read_page(request.page_size, request.page_token)
        message = ListActivity(
            account_id=caller_of(call).account_id,
            kinds=frozenset(pick(_KINDS, kind, "kinds") for kind in request.kinds),
            since_ns=request.since_ns,
            before=page.before,
            limit=page.size,
        )
        found = await ask_sessions(self._sessions, call, message, ActivityPage)
        return account_pb2.ListActivityResponse(
            activities=[_message(each) for each in found.entries],
            next_page_token=write_token(found.next_before),
        )


def _message(activity: Activity) -> account_pb2.Activity:
    address = ip_address_of(f"{activity.address}:0")
    return account_pb2.Activity(
        kind=account_pb2.ActivityKind.Name(activity.kind),
        at_ns=activity.at_ns,
        subject=activity.subject,
        count=activity.count,
        by_house=activity.by_house,
        address=address,
        place=place_of(address),
        device=activity.device,
    )
