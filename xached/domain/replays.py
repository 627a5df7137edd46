"""No signed request is obeyed twice, in whatever order, and whatever becomes of the process.

A request carries its time and a nonce. Its time must be in a window around now; as long as it
could be, the nonce is remembered, and a second request with it is refused. Nonces are kept in two
generations, each as long as a time can stay in the window, so each is remembered for at least one
such span::

    refused: older             |<------------- window ------------>|  refused: ahead
    ---------------------------+-----------------------------|-----+---------------> time
                          now - WINDOW_MS                   now  now + AHEAD_MS

What was forgotten is below the floor, and the floor only rises, so a clock that is set back opens
nothing again. A process begins with a floor that is above every time its predecessors can have
accepted: their nonces died with them.
"""

from __future__ import annotations

import enum

from xached.domain.api_keys import KeyId

WINDOW_MS = 5_000
AHEAD_MS = 1_000
"""Clocks of clients are ahead at times."""

NONCES_PER_KEY_MAX = 20_000
"""In one span of six seconds: 3,300 signed calls a second. Streams are signed once."""


class Verdict(enum.Enum):
    """What the time and the nonce of a request say."""

    FRESH = enum.auto()
    OLD = enum.auto()
    AHEAD = enum.auto()
    REPLAYED = enum.auto()
    TOO_MANY = enum.auto()


class ReplayGuard:
    """Remembers the nonces of requests whose time is in the window.

    Args:
        newest_ms: nothing was accepted before this start with a time later than this plus
            AHEAD_MS: the clock at the start, or what the journals know if that is later.
    """

    def __init__(self, newest_ms: int) -> None:
        self._floor_ms = newest_ms + AHEAD_MS
        self._turned_at_ms = newest_ms
        self._recent: dict[KeyId, set[str]] = {}
        self._older: dict[KeyId, set[str]] = {}

    @property
    def floor_ms(self) -> int:
        """No request of this time or an earlier one is accepted any more."""
        return self._floor_ms

    def judge(self, key_id: KeyId, nonce: str, at_ms: int, now_ms: int) -> Verdict:
        """Say what a request is; it is not remembered yet, as anybody could have made it."""
        if at_ms <= max(self._floor_ms, now_ms - WINDOW_MS):
            return Verdict.OLD
        if at_ms > now_ms + AHEAD_MS:
            return Verdict.AHEAD
        recent, older = self._recent.get(key_id, _NONE), self._older.get(key_id, _NONE)
        if nonce in recent or nonce in older:
            return Verdict.REPLAYED
        if len(recent) + len(older) >= NONCES_PER_KEY_MAX:
            self._turn(now_ms)
            recent, older = self._recent.get(key_id, _NONE), self._older.get(key_id, _NONE)
            if len(recent) + len(older) >= NONCES_PER_KEY_MAX:
                return Verdict.TOO_MANY
        return Verdict.FRESH

    def remember(self, key_id: KeyId, nonce: str, now_ms: int) -> None:
        """Remember a request that was judged fresh and is genuine."""
        self._turn(now_ms)
        self._recent.setdefault(key_id, set()).add(nonce)

    def _turn(self, now_ms: int) -> None:
        """Forget the older generation once no time in it can be in the window."""
        if now_ms - self._turned_at_ms < WINDOW_MS + AHEAD_MS:
            return
        self._older, self._recent = self._recent, {}
        if now_ms - self._turned_at_ms >= 2 * (WINDOW_MS + AHEAD_MS):
            self._older = {}
        self._turned_at_ms = now_ms
        # Whatever is forgotten here came at least one span ago, so its time is at most this.
        self._floor_ms = max(self._floor_ms, now_ms - WINDOW_MS)


_NONE: frozenset[str] = frozenset()
