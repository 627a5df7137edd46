"""Operators at the house's own door: who they are, and that they are there."""

from __future__ import annotations

from typing import assert_never

from xached.actors.sessions.audit import AuditArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.domain.auth import Account, Role, parse_email, scopes_of_password_session
from xached.domain.operators import (
    FindOperator,
    OperatorFound,
    OperatorMessage,
    OperatorProven,
    OperatorReply,
    ProveOperator,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import SteppedUp


class OperatorArea:
    """Decides the messages about operators."""

    def __init__(self, core: DeskCore, factors: SecondFactorArea, audit: AuditArea) -> None:
        self._core = core
        self._factors = factors
        self._audit = audit

    async def decide(self, message: OperatorMessage, step: Step) -> OperatorReply:
        """Decide a message. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        match message:
            case FindOperator():
                return await self._find(message)
            case ProveOperator():
                return await self._prove(message, step)
            case _:
                assert_never(message)

    async def _find(self, message: FindOperator) -> OperatorReply:
        account = await self._named(message.name)
        # Of people without a role nothing is told here, not even that there are such.
        if account is None or account.roles <= {Role.USER}:
            raise Rejection(Reason.OPERATOR_UNKNOWN, "there is no operator of this name")
        return OperatorFound(
            account_id=account.account_id,
            roles=account.roles,
            scopes=scopes_of_password_session(account.roles),
            impediments=self._core.standing(account),
        )

    async def _prove(self, message: ProveOperator, step: Step) -> OperatorReply:
        account, keys = await self._core.read_account(message.account_id)
        if not await self._factors.is_active(account.account_id):
            raise Rejection(
                Reason.SECOND_FACTOR_NEEDED,
                "you have no authenticator yet: run `xached admin enrol` on the house's machine",
            )
        try:
            proof = await self._factors.prove(account, keys, message.code, step)
        except Rejection:
            self._audit.login_failed(message.address, account.account_id)
            raise
        step.record(
            SteppedUp(
                account_id=account.account_id,
                session_id=message.session_id,
                method=message.method,
                proof=proof,
            )
        )
        return OperatorProven()

    async def _named(self, name: str) -> Account | None:
        if "@" not in name:
            return await self._core.lane.run(self._core.vault.account, AccountId(name))
        try:
            lookup = self._core.credentials.email_lookup(parse_email(name))
        except Rejection:
            return None
        account, _ = await self._core.read_by_email(lookup)
        return account
