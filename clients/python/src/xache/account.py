"""Who is signed in, what guards the account, its keys and its purses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xache.connection import Connection
from xache.orders import new_id
from xache.proofs import Proof, proved
from xache.rpc import PAGE_SIZE_MAX, rpc
from xache.v1 import account_pb2

_ACCOUNT = rpc(account_pb2.GetAccountRequest, account_pb2.GetAccountResponse, repeatable=True)
_SUBACCOUNTS = rpc(
    account_pb2.ListSubaccountsRequest, account_pb2.ListSubaccountsResponse, repeatable=True
)
_OPEN_SUBACCOUNT = rpc(
    account_pb2.OpenSubaccountRequest, account_pb2.OpenSubaccountResponse, repeatable=True
)
_CREATE_KEY = rpc(
    account_pb2.CreateApiKeyRequest, account_pb2.CreateApiKeyResponse, repeatable=False
)
_FREEZE = rpc(
    account_pb2.FreezeMyAccountRequest, account_pb2.FreezeMyAccountResponse, repeatable=True
)
_FREEZE_BY_TOKEN = rpc(
    account_pb2.FreezeByTokenRequest, account_pb2.FreezeByTokenResponse, repeatable=True
)
_KEYS = rpc(account_pb2.ListApiKeysRequest, account_pb2.ListApiKeysResponse, repeatable=True)
_REVOKE_KEY = rpc(
    account_pb2.RevokeApiKeyRequest, account_pb2.RevokeApiKeyResponse, repeatable=False
)
_WHAT = rpc(
    account_pb2.WhatCanThisKeyDoRequest, account_pb2.WhatCanThisKeyDoResponse, repeatable=True
)
_FEES = rpc(account_pb2.GetFeesRequest, account_pb2.GetFeesResponse, repeatable=True)
_START_VERIFICATION = rpc(
    account_pb2.StartEmailVerificationRequest,
    account_pb2.StartEmailVerificationResponse,
    repeatable=False,
)
_CONFIRM_OWN_EMAIL = rpc(
    account_pb2.ConfirmEmailRequest, account_pb2.ConfirmEmailResponse, repeatable=False
)
_START_EMAIL = rpc(
    account_pb2.StartEmailChangeRequest, account_pb2.StartEmailChangeResponse, repeatable=False
)
_CONFIRM_EMAIL = rpc(
    account_pb2.ConfirmEmailChangeRequest, account_pb2.ConfirmEmailChangeResponse, repeatable=False
)
_CANCEL_EMAIL = rpc(
    account_pb2.CancelEmailChangeRequest, account_pb2.CancelEmailChangeResponse, repeatable=False
)
_CANCEL_DELAYED = rpc(
    account_pb2.CancelDelayedChangeRequest,
    account_pb2.CancelDelayedChangeResponse,
    repeatable=False,
)
_PROFILE = rpc(account_pb2.GetProfileRequest, account_pb2.GetProfileResponse, repeatable=True)
_UPDATE_PROFILE = rpc(
    account_pb2.UpdateProfileRequest, account_pb2.UpdateProfileResponse, repeatable=True
)
_ACTIVITY = rpc(account_pb2.ListActivityRequest, account_pb2.ListActivityResponse, repeatable=True)
_GUARDS = rpc(account_pb2.GetGuardsRequest, account_pb2.GetGuardsResponse, repeatable=True)
_ALLOW = rpc(account_pb2.SetAllowListRequest, account_pb2.SetAllowListResponse, repeatable=False)
_UNFREEZE = rpc(
    account_pb2.UnfreezeMyAccountRequest, account_pb2.UnfreezeMyAccountResponse, repeatable=False
)


class Account:
    """Who is signed in, and which purses there are."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self) -> account_pb2.GetAccountResponse:
        """The account."""
        return self._connection.call(_ACCOUNT, account_pb2.GetAccountRequest())

    def create_api_key(
        self, request: account_pb2.CreateApiKeyRequest, proof: Proof
    ) -> account_pb2.CreateApiKeyResponse:
        """Make an API key."""
        return proved(self._connection, _CREATE_KEY, request, proof)

    def start_email_verification(self) -> account_pb2.StartEmailVerificationResponse:
        """Have the account's own address sent a code."""
        request = account_pb2.StartEmailVerificationRequest()
        return self._connection.call(_START_VERIFICATION, request)

    def confirm_email(self, token: str, code: str) -> None:
        """Prove with the code that the account's own address is yours."""
        request = account_pb2.ConfirmEmailRequest(verification_token=token, code=code)
        self._connection.call(_CONFIRM_OWN_EMAIL, request)

    def start_email_change(self, email: str, proof: Proof) -> account_pb2.StartEmailChangeResponse:
        """Have another address sent a code; the old one is told."""
        request = account_pb2.StartEmailChangeRequest(email=email)
        return proved(self._connection, _START_EMAIL, request, proof)

    def confirm_email_change(self, token: str, code: str) -> int:
        """Prove that the new address is yours; when it takes the place of the old one."""
        request = account_pb2.ConfirmEmailChangeRequest(change_token=token, code=code)
        return self._connection.call(_CONFIRM_EMAIL, request).due_at_ns

    def cancel_email_change(self, token: str) -> None:
        """Take back the change that a letter was about, without a session."""
        request = account_pb2.CancelEmailChangeRequest(token=token)
        self._connection.call(_CANCEL_EMAIL, request)

    def cancel_delayed_change(self, kind: account_pb2.DelayedKind) -> None:
        """Take back a change that waits."""
        request = account_pb2.CancelDelayedChangeRequest(kind=kind)
        self._connection.call(_CANCEL_DELAYED, request)

    def profile(self) -> account_pb2.Profile:
        """The preferences."""
        return self._connection.call(_PROFILE, account_pb2.GetProfileRequest()).profile

    def update_profile(
        self, profile: account_pb2.Profile, fields: Sequence[str]
    ) -> account_pb2.Profile:
        """Change the fields of these names; the rest stays. The preferences as they are now."""
        request = account_pb2.UpdateProfileRequest(profile=profile)
        request.update_mask.paths.extend(fields)
        return self._connection.call(_UPDATE_PROFILE, request).profile

    def activity(
        self,
        kinds: Sequence[str] = (),
        *,
        since_ns: int = 0,
        page_size: int = PAGE_SIZE_MAX,
    ) -> Iterator[account_pb2.Activity]:
        """What happened to the account, newest first, read page by page.

        ``kinds``: names as "ACTIVITY_KIND_LOGIN"; empty: all.
        """
        request = account_pb2.ListActivityRequest(
            kinds=kinds, since_ns=since_ns, page_size=page_size
        )
        while True:
            page = self._connection.call(_ACTIVITY, request)
            yield from page.activities
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def guards(self) -> account_pb2.GetGuardsResponse:
        """Which addresses calls may come from, and which changes wait."""
        return self._connection.call(_GUARDS, account_pb2.GetGuardsRequest())

    def set_allow_list(self, networks: Sequence[str], proof: Proof) -> int:
        """Say where calls may come from; empty: anywhere. When it works, 0: it does."""
        request = account_pb2.SetAllowListRequest(networks=networks)
        return proved(self._connection, _ALLOW, request, proof).due_at_ns

    def unfreeze(self, proof: Proof) -> int:
        """Let the account act again; when it does, 0: it is not frozen."""
        request = account_pb2.UnfreezeMyAccountRequest()
        return proved(self._connection, _UNFREEZE, request, proof).due_at_ns

    def freeze(self, token: str = "") -> None:
        """Freeze the account at once: the caller's, or the one that a letter's token names."""
        if token:
            request = account_pb2.FreezeByTokenRequest(token=token)
            self._connection.call(_FREEZE_BY_TOKEN, request)
        else:
            self._connection.call(_FREEZE, account_pb2.FreezeMyAccountRequest())

    def api_keys(self) -> list[account_pb2.ApiKey]:
        """The account's API keys, oldest first."""
        return list(self._connection.call(_KEYS, account_pb2.ListApiKeysRequest()).keys)

    def revoke_api_key(self, key_id: str) -> None:
        """End an API key and its streams, at once."""
        self._connection.call(_REVOKE_KEY, account_pb2.RevokeApiKeyRequest(key_id=key_id))

    def what_can_this_key_do(self) -> account_pb2.WhatCanThisKeyDoResponse:
        """What the key that signs, or the session, may do now."""
        return self._connection.call(_WHAT, account_pb2.WhatCanThisKeyDoRequest())

    def subaccounts(self) -> list[account_pb2.Subaccount]:
        """The account's purses, main first."""
        request = account_pb2.ListSubaccountsRequest()
        return list(self._connection.call(_SUBACCOUNTS, request).subaccounts)

    def open_subaccount(self, name: str, *, request_id: str = "") -> int:
        """Open a purse beside the main one; the journal sequence. Open already is no error."""
        request = account_pb2.OpenSubaccountRequest(
            subaccount=name, request_id=request_id or new_id()
        )
        return self._connection.call(_OPEN_SUBACCOUNT, request).seq

    def fees(self) -> list[account_pb2.FeeStanding]:
        """Which fee tiers the account has reached, by asset."""
        return list(self._connection.call(_FEES, account_pb2.GetFeesRequest()).standings)
