"""Serves the guards of ``xache.v1.AccountService``: freezes, allowed addresses, e-mail changes."""

from __future__ import annotations

from xache.v1 import account_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.enums import pick
from xached.api.metadata import ip_address_of
from xached.api.routes import Call
from xached.domain.api_keys import is_within, parse_networks
from xached.domain.auth import Done
from xached.domain.guarding import (
    CancelDelayed,
    CancelEmailChange,
    ChangeTaken,
    ConfirmEmail,
    ConfirmEmailChange,
    DelayedKind,
    FreezeAccount,
    FreezeByToken,
    GetGuards,
    Guards,
    SetAllowList,
    StartEmailChange,
    StartEmailVerification,
    UnfreezeAccount,
)
from xached.domain.recovery import ProofBegun
from xached.domain.rejection import Reason, Rejection

_KINDS = {kind.value: kind for kind in DelayedKind}


class GuardHandlers:
    """Handlers of AccountService for guards."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def freeze_my_account(
        self, call: Call, _request: account_pb2.FreezeMyAccountRequest
    ) -> account_pb2.FreezeMyAccountResponse:
        """Freeze the caller's account."""
        message = FreezeAccount(account_id=caller_of(call).account_id)
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return account_pb2.FreezeMyAccountResponse()

    async def freeze_by_token(
        self, call: Call, request: account_pb2.FreezeByTokenRequest
    ) -> account_pb2.FreezeByTokenResponse:
        """Freeze the account that a letter was about."""
        message = FreezeByToken(token=request.token)
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return account_pb2.FreezeByTokenResponse()

    async def unfreeze_my_account(
        self, call: Call, _request: account_pb2.UnfreezeMyAccountRequest
    ) -> account_pb2.UnfreezeMyAccountResponse:
        """Let the caller's account act again, a day later."""
        message = UnfreezeAccount(account_id=caller_of(call).account_id)
        taken = await ask_sessions(self._sessions, call, message, ChangeTaken)
        return account_pb2.UnfreezeMyAccountResponse(due_at_ns=taken.due_at_ns)

    async def set_allow_list(
        self, call: Call, request: account_pb2.SetAllowListRequest
    ) -> account_pb2.SetAllowListResponse:
        """Say where calls for the caller's account may come from."""
        networks, address = tuple(request.networks), ip_address_of(call.peer)
        if networks and not is_within(parse_networks(networks), address):
            raise Rejection(
                Reason.KEY_TERMS,
                "the list would lock you out",
                field="networks",
                allowed=f"a list with {address}",
            )
        message = SetAllowList(account_id=caller_of(call).account_id, networks=networks)
        taken = await ask_sessions(self._sessions, call, message, ChangeTaken)
        return account_pb2.SetAllowListResponse(due_at_ns=taken.due_at_ns)

    async def get_guards(
        self, call: Call, _request: account_pb2.GetGuardsRequest
    ) -> account_pb2.GetGuardsResponse:
        """Tell how the caller's account is guarded."""
        message = GetGuards(account_id=caller_of(call).account_id)
        guards = await ask_sessions(self._sessions, call, message, Guards)
        return account_pb2.GetGuardsResponse(
            networks=guards.networks,
            delayed=[
                account_pb2.DelayedChange(
                    kind=account_pb2.DelayedKind.Name(change.kind),
                    due_at_ns=change.due_at_ns,
                    networks=change.networks,
                    email=change.email,
                )
                for change in guards.pending
            ],
            erasure_due_at_ns=guards.erasure_due_at_ns,
        )

    async def cancel_delayed_change(
        self, call: Call, request: account_pb2.CancelDelayedChangeRequest
    ) -> account_pb2.CancelDelayedChangeResponse:
        """Take back a change that waits."""
        message = CancelDelayed(
            account_id=caller_of(call).account_id, kind=pick(_KINDS, request.kind, "kind")
        )
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return account_pb2.CancelDelayedChangeResponse()

    async def start_email_change(
        self, call: Call, request: account_pb2.StartEmailChangeRequest
    ) -> account_pb2.StartEmailChangeResponse:
        """Ask for another address."""
        message = StartEmailChange(account_id=caller_of(call).account_id, email=request.email)
        begun = await ask_sessions(self._sessions, call, message, ProofBegun)
        return account_pb2.StartEmailChangeResponse(
            change_token=begun.token, expires_at_ns=begun.expires_at_ns
        )

    async def confirm_email_change(
        self, call: Call, request: account_pb2.ConfirmEmailChangeRequest
    ) -> account_pb2.ConfirmEmailChangeResponse:
        """Prove that the new address is the caller's."""
        message = ConfirmEmailChange(
            account_id=caller_of(call).account_id, token=request.change_token, code=request.code
        )
        taken = await ask_sessions(self._sessions, call, message, ChangeTaken)
        return account_pb2.ConfirmEmailChangeResponse(due_at_ns=taken.due_at_ns)

    async def cancel_email_change(
        self, call: Call, request: account_pb2.CancelEmailChangeRequest
    ) -> account_pb2.CancelEmailChangeResponse:
        """Take back the change that a letter was about."""
        message = CancelEmailChange(token=request.token)
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return account_pb2.CancelEmailChangeResponse()

    async def start_email_verification(
        self, call: Call, _request: account_pb2.StartEmailVerificationRequest
    ) -> account_pb2.StartEmailVerificationResponse:
        """Ask for a code that proves the account's own address."""
        message = StartEmailVerification(account_id=caller_of(call).account_id)
        begun = await ask_sessions(self._sessions, call, message, ProofBegun)
        return account_pb2.StartEmailVerificationResponse(
            verification_token=begun.token, expires_at_ns=begun.expires_at_ns
        )

    async def confirm_email(
        self, call: Call, request: account_pb2.ConfirmEmailRequest
    ) -> account_pb2.ConfirmEmailResponse:
        """Prove it."""
        message = ConfirmEmail(
            account_id=caller_of(call).account_id,
            token=request.verification_token,
            code=request.code,
        )
        await ask_sessions(self._sessions, call, message, Done)
        return account_pb2.ConfirmEmailResponse()
