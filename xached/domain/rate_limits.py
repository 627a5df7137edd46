"""Token buckets, each kept as one number: when it will be full again.

A bucket of ``burst`` tokens fills at ``per_s``. Taking one moves the time at which it is full again
by the cost of one; a bucket that would be full only after ``burst`` costs is empty. A bucket whose
time has passed is full and need not be remembered, so the table forgets it when it needs room; if
there is none even then, all who are new share one bucket (the generic cell rate algorithm of
ITU-T I.371).
"""

from __future__ import annotations

from typing import Final

import attrs

NS_PER_S: Final = 1_000_000_000
SWEEP_NS: Final = NS_PER_S
"""A full table is looked through at most this often."""

NAMES_MAX: Final = 50_000
"""Buckets of one kind: about 8 MB."""


@attrs.frozen
class Rate:
    """So many calls a second, and so many at once."""

    per_s: int
    burst: int


@attrs.frozen(kw_only=True)
class RateLimits:
    """Limits of calls. A stream is one call; what comes in it is limited by the exchange."""

    account: Rate = Rate(1_000, 2_000)
    key: Rate = Rate(1_000, 2_000)
    address: Rate = Rate(2_000, 4_000)
    """By IPv4 address, or by the /64 of an IPv6 address."""
    house: Rate = Rate(20_000, 40_000)


class Buckets:
    """The buckets of one kind, by name."""

    def __init__(self, rate: Rate, names_max: int = NAMES_MAX) -> None:
        self._cost_ns = NS_PER_S // rate.per_s
        self._depth_ns = rate.burst * self._cost_ns
        self._names_max = names_max
        self._full_at_ns: dict[str, int] = {}
        self._swept_at_ns = -SWEEP_NS

    def __len__(self) -> int:
        return len(self._full_at_ns)

    def take(self, name: str, now_ns: int) -> int:
        """Take a token: how many are left, or, below 0, minus the time (ns) until there is one.

        ``now_ns`` is a clock that never goes back.
        """
        full_at_ns = self._full_at_ns.get(name)
        if full_at_ns is None:
            full_at_ns = now_ns
            if len(self._full_at_ns) >= self._names_max and not self._make_room(now_ns):
                name = ""
                full_at_ns = max(self._full_at_ns.get(name, now_ns), now_ns)
        elif full_at_ns < now_ns:
            full_at_ns = now_ns
        filling_ns = full_at_ns + self._cost_ns - now_ns
        if filling_ns > self._depth_ns:
            return self._depth_ns - filling_ns
        self._full_at_ns[name] = now_ns + filling_ns
        return (self._depth_ns - filling_ns) // self._cost_ns

    def _make_room(self, now_ns: int) -> bool:
        if now_ns - self._swept_at_ns < SWEEP_NS:
            return False
        self._swept_at_ns = now_ns
        self._full_at_ns = {
            name: full_at_ns for name, full_at_ns in self._full_at_ns.items() if full_at_ns > now_ns
        }
        return len(self._full_at_ns) < self._names_max
