"""Requests that API keys sign: who sent them, whether they are new, and what they may spend.

A signed call costs one hash and one Ed25519 verification, about 60 µs; a stream is signed once, at
its opening. What can be refused for nothing is refused before the signature is verified, but what
would tell about a key is told only to who holds it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import grpc
import trio

from xached.api.auth import SessionAuthorizer, Sessions
from xached.api.errors import StatusError, overloaded
from xached.api.metadata import ip_address_of
from xached.api.routes import Authorization, Call, Caller
from xached.api.stream_book import StreamBook
from xached.domain.api_keys import (
    KeyEndCause,
    KeyId,
    KeyTable,
    LiveKey,
    NotionalReserved,
    ReserveNotional,
    is_within,
    scopes_at,
)
from xached.domain.auth import Role
from xached.domain.guarding import AllowTable
from xached.domain.instrument import AssetName, Directory
from xached.domain.key_bounds import Spending, check_key
from xached.domain.messages import Command
from xached.domain.money import format_units
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.replays import WINDOW_MS, ReplayGuard, Verdict
from xached.security.signatures import SignedBy, is_genuine, read_signature

SCHEME_PREFIX: Final = "XACHE-"
NS_PER_MS: Final = 1_000_000
NS_PER_DAY: Final = 86_400 * 1_000_000_000

_ROLES = frozenset({int(Role.USER)})
"""A key acts for its owner as a user, whatever else they are to the house."""


class KeyAuthorizer:
    """Knows callers by what they signed, and ends their streams with their key.

    Args:
        table: the live keys.
        guard: remembers what was accepted.
        spending: counts what bounded keys send.
        now_ns: the wall clock.
    """

    def __init__(
        self,
        table: KeyTable,
        guard: ReplayGuard,
        spending: KeySpending,
        now_ns: Callable[[], int],
    ) -> None:
        self._table = table
        self._guard = guard
        self._spending = spending
        self._now_ns = now_ns
        self.streams = StreamBook("key")
        table.on_end(self._revoke_streams)
        table.on_loss(self._narrow_streams)

    def authorize(self, call: Call, header: str, body: bytes) -> Caller:
        """The caller of a call that came with this credential. Raises: StatusError."""
        signed = read_signature(header)
        if signed is None:
            raise _refused("SIGNATURE_FORM", "this is no signature; see how requests are signed")
        now_ns = self._now_ns()
        now_ms = now_ns // NS_PER_MS
        verdict = self._guard.judge(signed.key_id, signed.nonce, signed.timestamp_ms, now_ms)
        if verdict is Verdict.OLD or verdict is Verdict.AHEAD:
            raise self._mistimed(signed, now_ms)
        key = self._table.find(signed.key_id)
        target, content = call.signed_as or (call.method, body)
        if key is None or not is_genuine(signed, key, target, content):
            raise _refused("KEY_INVALID", "there is no such key, or it did not sign this request")
        if now_ns >= key.expires_at_ns:
            raise _refused("KEY_EXPIRED", "the key has expired")
        if key.networks and not is_within(key.networks, ip_address_of(call.peer)):
            raise address_denied(call, "the key does not work from this address")
        if verdict is Verdict.REPLAYED:
            raise _refused("REPLAYED", "this request was made before; sign each one anew")
        if verdict is Verdict.TOO_MANY:
            raise overloaded("the key has signed too many requests in the last seconds")
        self._guard.remember(signed.key_id, signed.nonce, now_ms)
        return self._caller(key, signed, now_ns)

    def opened(self, call: Call) -> None:
        """See Authorizer. Raises: StatusError when the key has ended or has too many."""
        assert call.caller is not None, call.method
        if self._table.find(KeyId(call.caller.key_id)) is None:
            raise _ended()
        self.streams.opened(call.caller.key_id, call)

    def closed(self, call: Call) -> None:
        """See Authorizer."""
        assert call.caller is not None, call.method
        self.streams.closed(call.caller.key_id, call)

    def _caller(self, key: LiveKey, signed: SignedBy, now_ns: int) -> Caller:
        scopes = scopes_at(
            key.scopes,
            bound=bool(key.networks),
            created_at_ns=key.created_at_ns,
            at_ns=now_ns,
        )
        # Looked at again when it is executed: it may have waited for a full mailbox.
        left_ns = (signed.timestamp_ms + WINDOW_MS) * NS_PER_MS - now_ns
        return Caller(
            account_id=key.account_id,
            session_id="",
            key_id=key.key_id,
            roles=_ROLES,
            scopes=frozenset(int(scope) for scope in scopes),
            impediments=frozenset(int(impediment) for impediment in key.impediments),
            valid_until_s=trio.current_time() + left_ns / 1e9,
            bounds=KeyBounds(key.key_id, self._spending) if key.symbols or key.caps else None,
        )

    def _mistimed(self, signed: SignedBy, now_ms: int) -> StatusError:
        oldest_ms = max(self._guard.floor_ms, now_ms - WINDOW_MS) + 1
        return StatusError(
            grpc.StatusCode.UNAUTHENTICATED,
            "TIMESTAMP",
            "the time of the request is not now: set the clock, or sign anew",
            {"given": str(signed.timestamp_ms), "oldest": str(oldest_ms), "now_ms": str(now_ms)},
            retry_after_s=max(0, oldest_ms - now_ms) / 1000,
        )

    def _revoke_streams(self, key_id: KeyId, _cause: KeyEndCause) -> None:
        self._spending.forget(key_id)
        self.streams.revoke(key_id, _ended())

    def _narrow_streams(self, key_id: KeyId) -> None:
        self.streams.revoke(
            key_id,
            StatusError(
                grpc.StatusCode.PERMISSION_DENIED,
                "PERMISSIONS_CHANGED",
                "what the key may do has changed; open the stream again",
            ),
        )


class Authorizers:
    """Both kinds of credential behind one door (routes.Authorizer)."""

    def __init__(
        self, sessions: SessionAuthorizer, keys: KeyAuthorizer, allowed: AllowTable
    ) -> None:
        self._sessions = sessions
        self._keys = keys
        self._allowed = allowed
        allowed.on_change(self._revoke_strangers)

    def authorize(self, call: Call, authorization: Authorization, body: bytes) -> Caller:
        """See Authorizer."""
        header = call.metadata.get("authorization", "")
        if header.startswith(SCHEME_PREFIX):
            caller = self._keys.authorize(call, header, body)
        else:
            caller = self._sessions.authorize(call, authorization, body)
        if not self.may_come(caller, call):
            raise address_denied(call, "the account takes no calls from this address")
        return caller

    def opened(self, call: Call) -> None:
        """See Authorizer."""
        self._of(call).opened(call)

    def closed(self, call: Call) -> None:
        """See Authorizer."""
        self._of(call).closed(call)

    def may_come(self, caller: Caller, call: Call) -> bool:
        """Whether the caller's account takes calls from where this one comes from."""
        networks = self._allowed.find(caller.account_id)
        return not networks or is_within(networks, ip_address_of(call.peer))

    def _revoke_strangers(self, account_id: AccountId) -> None:
        def is_stranger(call: Call) -> bool:
            caller = call.caller
            assert caller is not None, call.method
            return caller.account_id == account_id and not self.may_come(caller, call)

        for each in (self._sessions, self._keys):
            each.streams.revoke_if(
                is_stranger,
                StatusError(
                    grpc.StatusCode.PERMISSION_DENIED,
                    "ADDRESS_DENIED",
                    "the account takes no calls from this address any more",
                ),
            )

    def _of(self, call: Call) -> SessionAuthorizer | KeyAuthorizer:
        assert call.caller is not None, call.method
        return self._keys if call.caller.key_id else self._sessions


@attrs.define
class _Allowance:
    day: int
    spendable_units: int
    reserved_units: int


class KeySpending:
    """Counts what keys with caps send; shares of a cap are set aside in the vault first."""

    def __init__(
        self,
        table: KeyTable,
        sessions: Sessions,
        directory: Directory,
        now_ns: Callable[[], int],
    ) -> None:
        self._table = table
        self._sessions = sessions
        self._directory = directory
        self._now_ns = now_ns
        self._allowances: dict[tuple[KeyId, AssetName], _Allowance] = {}

    async def check(self, key_id: KeyId, command: Command) -> None:
        """Count a command. Raises: Rejection KEY_BOUNDS; StatusError where the key has ended."""
        key = self._live(key_id)
        spending = check_key(key, command, self._directory)
        if spending is not None:
            await self._spend(key, spending)

    async def preview(self, key_id: KeyId, command: Command) -> None:
        """Say what :meth:`check` would, and count nothing. Raises: as it."""
        key = self._live(key_id)
        spending = check_key(key, command, self._directory)
        if spending is not None:
            left_units = await self.left(key, spending.asset)
            if spending.units > left_units:
                raise self._beyond(spending, left_units)

    async def left(self, key: LiveKey, asset: AssetName) -> int:
        """What is left of a cap today."""
        cap_units = {cap.asset: cap.units_per_day for cap in key.caps}[asset]
        allowance = await self._allowance(key, asset, 0)
        return cap_units - allowance.reserved_units + allowance.spendable_units

    def forget(self, key_id: KeyId) -> None:
        """The key has ended."""
        for pair in [pair for pair in self._allowances if pair[0] == key_id]:
            del self._allowances[pair]

    async def _spend(self, key: LiveKey, spending: Spending) -> None:
        # Once more: others may spend while a share is set aside.
        for _ in range(2):
            allowance = await self._allowance(key, spending.asset, spending.units)
            if allowance.spendable_units >= spending.units:
                allowance.spendable_units -= spending.units
                return
        raise self._beyond(spending, await self.left(key, spending.asset))

    def _live(self, key_id: KeyId) -> LiveKey:
        key = self._table.find(key_id)
        if key is None:
            raise _ended()
        return key

    def _beyond(self, spending: Spending, left_units: int) -> Rejection:
        scale = self._directory.assets[spending.asset].scale
        return Rejection(
            Reason.KEY_BOUNDS,
            "the key's cap for today does not allow this",
            given=format_units(spending.units, scale),
            allowed=f"{format_units(left_units, scale)} {spending.asset}",
        )

    async def _allowance(self, key: LiveKey, asset: AssetName, needed_units: int) -> _Allowance:
        """The allowance of today with as much in it as is needed, if the cap allows that."""
        pair, day = (key.key_id, asset), self._now_ns() // NS_PER_DAY
        known = self._allowances.get(pair)
        if known is not None and known.day == day and known.spendable_units >= needed_units:
            return known
        spendable_units = known.spendable_units if known is not None and known.day == day else 0
        message = ReserveNotional(
            key_id=key.key_id,
            asset=asset,
            day=day,
            needed_units=max(0, needed_units - spendable_units),
        )
        reply = await self._sessions.ask(message, account=key.account_id)
        assert isinstance(reply, NotionalReserved)
        # Meanwhile others may have spent, or set more aside.
        known = self._allowances.get(pair)
        if known is None or known.day != day:
            known = self._allowances[pair] = _Allowance(day, 0, 0)
        known.spendable_units += reply.units
        known.reserved_units = max(known.reserved_units, reply.total_units)
        return known


@attrs.frozen
class KeyBounds:
    """What one key may send (routes.Bounds)."""

    key_id: KeyId
    spending: KeySpending = attrs.field(eq=False, repr=False)

    async def check(self, command: Command) -> None:
        """See routes.Bounds."""
        await self.spending.check(self.key_id, command)

    async def preview(self, command: Command) -> None:
        """See routes.Bounds."""
        await self.spending.preview(self.key_id, command)


def address_denied(call: Call, message: str) -> StatusError:
    """It comes from an address that its caller does not allow."""
    return StatusError(
        grpc.StatusCode.PERMISSION_DENIED,
        "ADDRESS_DENIED",
        message,
        {"given": ip_address_of(call.peer)},
    )


def _refused(reason: str, message: str) -> StatusError:
    return StatusError(grpc.StatusCode.UNAUTHENTICATED, reason, message)


def _ended() -> StatusError:
    return _refused("KEY_ENDED", "the key was revoked or has expired")
