"""Serves ``xache.v1.AccountService``: what an account is, and which purses it has."""

from __future__ import annotations

from collections.abc import Callable

from xache.v1 import account_pb2

from xached.actors.matching import Matching
from xached.api import convert
from xached.api.auth import Sessions, ask_sessions, caller_of, role_names
from xached.api.fees import standing_message
from xached.api.routes import Call
from xached.domain.auth import AccountProfile, GetAccount
from xached.domain.instrument import Directory
from xached.domain.market_messages import OpenSubaccount
from xached.domain.order import MAIN, account_of, subaccount_of
from xached.domain.queries import FeesQuery, PursesQuery


class AccountHandlers:
    """Serves ``xache.v1.AccountService``."""

    def __init__(
        self,
        sessions: Sessions,
        matching: Matching,
        directory: Directory,
        now_ns: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._matching = matching
        self._directory = directory
        self._now_ns = now_ns

    async def get_account(
        self, call: Call, _request: account_pb2.GetAccountRequest
    ) -> account_pb2.GetAccountResponse:
        """Tell who the caller is."""
        message = GetAccount(account_id=caller_of(call).account_id)
        profile = await ask_sessions(self._sessions, call, message, AccountProfile)
        return account_pb2.GetAccountResponse(
            account_id=profile.account_id,
            email=profile.email,
            roles=role_names(profile.roles),
            created_at_ns=profile.created_at_ns,
        )

    async def list_subaccounts(
        self, call: Call, _request: account_pb2.ListSubaccountsRequest
    ) -> account_pb2.ListSubaccountsResponse:
        """List the caller's purses, main first."""
        account_id = caller_of(call).account_id
        purses = await self._matching.query(PursesQuery(account_id), account=account_id)
        named = sorted(
            ((subaccount_of(purse.purse), purse) for purse in purses),
            key=lambda pair: (pair[0] != MAIN, pair[0]),
        )
        return account_pb2.ListSubaccountsResponse(
            subaccounts=[
                account_pb2.Subaccount(name=name, frozen=purse.frozen, simulated=purse.simulated)
                for name, purse in named
            ]
        )

    async def get_fees(
        self, call: Call, _request: account_pb2.GetFeesRequest
    ) -> account_pb2.GetFeesResponse:
        """Tell which fee tiers the caller has reached."""
        account_id = caller_of(call).account_id
        standings = await self._matching.query(
            FeesQuery(account_id, self._now_ns()), account=account_id
        )
        return account_pb2.GetFeesResponse(
            standings=[standing_message(each, self._directory) for each in standings]
        )

    async def open_subaccount(
        self, call: Call, request: account_pb2.OpenSubaccountRequest
    ) -> account_pb2.OpenSubaccountResponse:
        """Open another purse beside the main one."""
        command = OpenSubaccount(
            purse=call.purse, request_id=convert.optional_id(request.request_id)
        )
        row = await self._matching.execute(
            command, account=account_of(call.purse), deadline=call.deadline_s
        )
        return account_pb2.OpenSubaccountResponse(seq=row.seq)
