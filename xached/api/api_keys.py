"""Serves the API keys of ``xache.v1.AccountService``: make, list, end, and what one can do."""

from __future__ import annotations

from collections.abc import Callable

from xache.v1 import account_pb2, options_pb2

from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.enums import pick
from xached.api.key_auth import KeySpending
from xached.api.metadata import ip_address_of
from xached.api.routes import Call
from xached.domain.api_keys import (
    UNBOUND_TRADING_NS,
    WITHDRAW_DELAY_NS,
    ApiKeyList,
    ApiKeyMade,
    ApiKeySummary,
    CreateApiKey,
    KeyAlgorithm,
    KeyId,
    KeyTable,
    KeyTerms,
    ListApiKeys,
    LiveKey,
    NotionalCap,
    RevokeApiKey,
)
from xached.domain.auth import Done, Scope, SessionId
from xached.domain.instrument import Directory
from xached.domain.money import format_units, parse_decimal
from xached.domain.sessions import SessionTable

_ALGORITHMS = {algorithm.value: algorithm for algorithm in KeyAlgorithm}
_SCOPES = {scope.value: scope for scope in Scope}


class ApiKeyHandlers:
    """Handlers of AccountService for API keys."""

    def __init__(
        self,
        sessions: Sessions,
        session_table: SessionTable,
        key_table: KeyTable,
        spending: KeySpending,
        directory: Directory,
        now_ns: Callable[[], int],
    ) -> None:
        self._sessions = sessions
        self._session_table = session_table
        self._key_table = key_table
        self._spending = spending
        self._directory = directory
        self._now_ns = now_ns

    async def create_api_key(
        self, call: Call, request: account_pb2.CreateApiKeyRequest
    ) -> account_pb2.CreateApiKeyResponse:
        """Make a key for the caller."""
        message = CreateApiKey(
            account_id=caller_of(call).account_id,
            label=request.label,
            algorithm=pick(_ALGORITHMS, request.algorithm, "algorithm"),
            public_key=request.public_key,
            terms=self._terms(request.terms),
        )
        made = await ask_sessions(self._sessions, call, message, ApiKeyMade)
        return account_pb2.CreateApiKeyResponse(key=self._key_message(made.key), secret=made.secret)

    async def list_api_keys(
        self, call: Call, _request: account_pb2.ListApiKeysRequest
    ) -> account_pb2.ListApiKeysResponse:
        """List the caller's keys."""
        message = ListApiKeys(account_id=caller_of(call).account_id)
        listed = await ask_sessions(self._sessions, call, message, ApiKeyList)
        return account_pb2.ListApiKeysResponse(keys=[self._key_message(key) for key in listed.keys])

    async def revoke_api_key(
        self, call: Call, request: account_pb2.RevokeApiKeyRequest
    ) -> account_pb2.RevokeApiKeyResponse:
        """End one of the caller's keys."""
        message = RevokeApiKey(account_id=caller_of(call).account_id, key_id=KeyId(request.key_id))
        await ask_sessions(self._sessions, call, message, Done, urgent=True)
        return account_pb2.RevokeApiKeyResponse()

    async def what_can_this_key_do(
        self, call: Call, _request: account_pb2.WhatCanThisKeyDoRequest
    ) -> account_pb2.WhatCanThisKeyDoResponse:
        """Tell what the credential of this request may do now."""
        caller = caller_of(call)
        answer = account_pb2.WhatCanThisKeyDoResponse(
            account_id=caller.account_id,
            key_id=caller.key_id,
            scopes=[options_pb2.Scope.Name(scope) for scope in sorted(caller.scopes)],
            impediments=[options_pb2.Impediment.Name(each) for each in sorted(caller.impediments)],
            address=ip_address_of(call.peer),
        )
        key = self._key_table.find(KeyId(caller.key_id))
        if key is None:
            live = self._session_table.find(SessionId(caller.session_id))
            answer.expires_at_ns = live.expires_at_ns if live is not None else 0
            return answer
        self._tell_times(key, answer)
        answer.symbols.extend(sorted(key.symbols))
        for cap in key.caps:
            left = await self._spending.left(key, cap.asset)
            answer.caps_left.append(
                account_pb2.KeyCap(
                    asset=cap.asset,
                    notional_per_day=format_units(left, self._directory.assets[cap.asset].scale),
                )
            )
        return answer

    def _tell_times(self, key: LiveKey, answer: account_pb2.WhatCanThisKeyDoResponse) -> None:
        answer.expires_at_ns = key.expires_at_ns
        if Scope.TRADE in key.scopes and not key.networks:
            answer.trading_until_ns = min(key.expires_at_ns, key.created_at_ns + UNBOUND_TRADING_NS)
        begins_ns = key.created_at_ns + WITHDRAW_DELAY_NS
        if Scope.WITHDRAW in key.scopes and self._now_ns() < begins_ns:
            answer.withdrawing_from_ns = begins_ns

    def _terms(self, terms: account_pb2.KeyTerms) -> KeyTerms:
        """Read what a key may do. Raises: Rejection."""
        return KeyTerms(
            scopes=frozenset(pick(_SCOPES, scope, "scopes") for scope in terms.scopes),
            symbols=frozenset(
                self._directory.instrument(symbol).symbol for symbol in terms.symbols
            ),
            caps=tuple(self._cap(cap) for cap in terms.caps),
            networks=tuple(terms.networks),
            expires_at_ns=terms.expires_at_ns,
        )

    def _cap(self, cap: account_pb2.KeyCap) -> NotionalCap:
        asset = self._directory.asset(cap.asset)
        units = parse_decimal(cap.notional_per_day, asset.scale, "notional_per_day")
        return NotionalCap(asset.name, units)

    def _key_message(self, key: ApiKeySummary) -> account_pb2.ApiKey:
        terms = key.terms
        return account_pb2.ApiKey(
            key_id=key.key_id,
            label=key.label,
            algorithm=account_pb2.KeyAlgorithm.Name(key.algorithm),
            public_key=key.public_key,
            terms=account_pb2.KeyTerms(
                scopes=[options_pb2.Scope.Name(scope) for scope in sorted(terms.scopes)],
                symbols=sorted(terms.symbols),
                caps=[
                    account_pb2.KeyCap(
                        asset=cap.asset,
                        notional_per_day=format_units(
                            cap.units_per_day, self._directory.assets[cap.asset].scale
                        ),
                    )
                    for cap in terms.caps
                ],
                networks=list(terms.networks),
                expires_at_ns=terms.expires_at_ns,
            ),
            created_at_ns=key.created_at_ns,
        )
