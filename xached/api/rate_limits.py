"""How many calls the house takes: from one account, key and address, and from all together.

Each call takes a token from every bucket it belongs to, at a cost of about a microsecond and
without waiting. What only lessens what can happen (cancels, the end of a session) has buckets of
its own: whoever has used up theirs can still get out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Final

import grpc

from xached.api.errors import StatusError
from xached.api.metadata import address_of, ip_address_of
from xached.api.routes import Authorization, Call, Caller
from xached.domain.rate_limits import Buckets, RateLimits

RATE_LEFT_KEY: Final = "x-xache-rate-left"
"""Trailing metadata: how many calls this caller could make at once from now on."""


class RateLimiter:
    """Counts calls (routes.Limiter).

    Args:
        limits: of each kind.
        now_ns: a clock that never goes back.
    """

    def __init__(self, limits: RateLimits, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._common = _Set(limits)
        self._urgent = _Set(limits)
        self.refused = 0
        """Calls refused since the start."""

    def arrived(self, call: Call, need: Authorization) -> None:
        """Count a call before anything else is known of it. Raises: StatusError."""
        buckets, now_ns = self._set_of(need), self._now_ns()
        self._check("house", buckets.house.take("", now_ns))
        place = _place_of(call.peer)
        if place:
            self._check("address", buckets.address.take(place, now_ns))

    def admitted(self, call: Call, caller: Caller, need: Authorization) -> None:
        """Count a call of a known caller, and tell what is left. Raises: StatusError."""
        buckets, now_ns = self._set_of(need), self._now_ns()
        left = buckets.account.take(caller.account_id, now_ns)
        self._check("account", left)
        if caller.key_id:
            of_key = buckets.key.take(caller.key_id, now_ns)
            self._check("key", of_key)
            left = min(left, of_key)
        call.set_trailing(RATE_LEFT_KEY, str(left))

    def _set_of(self, need: Authorization) -> _Set:
        return self._urgent if need.urgent else self._common

    def _check(self, kind: str, left: int) -> None:
        if left >= 0:
            return
        self.refused += 1
        raise StatusError(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "RATE_LIMIT",
            "too many calls",
            {"limit": kind},
            retry_after_s=-left / 1e9,
        )


class _Set:
    """One bucket of each kind a call belongs to."""

    __slots__ = ("account", "address", "house", "key")

    def __init__(self, limits: RateLimits) -> None:
        self.account = Buckets(limits.account)
        self.key = Buckets(limits.key)
        self.address = Buckets(limits.address)
        self.house = Buckets(limits.house)


def _place_of(peer: str) -> str:
    """What counts as one address: an IPv6 network of a household, or an IPv4 address."""
    if not peer.startswith("ipv6:"):
        return address_of(peer) if peer.startswith("ipv4:") else ""
    try:
        address = ipaddress.IPv6Address(ip_address_of(peer))
    except ValueError:
        return peer
    if address.ipv4_mapped is not None:
        return f"ipv4:{address.ipv4_mapped}"
    return f"ipv6:{int(address) >> 64:x}"
