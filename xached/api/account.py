"""Serves ``xache.v1.AccountService``: what an account is, and which purses it has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import attrs
from xache.v1 import account_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of, role_names
from xached.api.routes import Call
from xached.domain.auth import AccountProfile, GetAccount
from xached.domain.order import MAIN, AccountId, Purse, subaccount_of


@attrs.frozen(kw_only=True)
class PurseSummary:
    """One purse of an account, as the exchange knows it."""

    purse: Purse
    frozen: bool
    simulated: bool


ListPurses: TypeAlias = Callable[[AccountId], Awaitable[list[PurseSummary]]]
"""All purses of an account, in any order."""


class AccountHandlers:
    """Serves ``xache.v1.AccountService``."""

    def __init__(self, sessions: Sessions, list_purses: ListPurses) -> None:
        self._sessions = sessions
        self._list_purses = list_purses

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
        purses = await self._list_purses(caller_of(call).account_id)
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
