"""The short queue of what needs a password hashed, and the workers behind it.

Hashing takes tens of milliseconds of a core. What needs it waits here while everything else goes
on, and is shed when the queue is full.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import outcome
import trio

from xached.actors.sessions.noting import from_origin
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Envelope, Expired, Overloaded

HASH_QUEUE_MAX = 32
"""At 30 to 50 hashes a second and core, the last in the queue waits about half a second."""

WAIT_S_MAX = 2.0
"""Nobody is left waiting longer, however few wait: a busy machine takes longer for a hash."""

_WEIGHT = 0.2
"""Of the newest hash in what one is expected to take: the last ten count."""

HASH_QUEUE_OF_ONE_MAX = HASH_QUEUE_MAX // 2
"""So that one address that tries passwords does not keep everybody else out."""


class HashQueue:
    """Messages that wait for a worker.

    Args:
        finish: hashes what a message needs, takes its turn, decides and commits. Raises:
            Rejection; Overloaded.
        workers: how many tasks :meth:`work`.
    """

    def __init__(self, finish: Callable[[AuthMessage], Awaitable[AuthReply]], workers: int) -> None:
        self._finish = finish
        self.workers: Final = workers
        self._waiting: Counter[str] = Counter()
        self._hash_s = 0.0
        self.shed = 0
        """Messages that found the queue full."""
        self._in, self._out = trio.open_memory_channel[Envelope[AuthMessage, AuthReply]](
            HASH_QUEUE_MAX
        )

    def __len__(self) -> int:
        return self._waiting.total()

    @property
    def expected_wait_s(self) -> float:
        """How long a message that comes now would wait for a worker, as hashes took lately."""
        return len(self) * self._hash_s / self.workers

    def add(self, envelope: Envelope[AuthMessage, AuthReply]) -> None:
        """Let a message wait, or answer at once that there is no room, or not in time."""
        account = envelope.account
        wait_s = self.expected_wait_s
        if wait_s > WAIT_S_MAX or trio.current_time() + wait_s >= envelope.deadline:
            self.shed += 1
            envelope.answer(outcome.Error(Overloaded("passwords take too long now")))
            return
        try:
            if account and self._waiting[account] >= HASH_QUEUE_OF_ONE_MAX:
                raise trio.WouldBlock
            self._in.send_nowait(envelope)
        except trio.WouldBlock:
            self.shed += 1
            envelope.answer(outcome.Error(Overloaded("too many passwords are waiting")))
        else:
            self._waiting[account] += 1

    def close(self) -> None:
        """Let the workers end once they have finished what waits."""
        self._in.close()

    async def work(self) -> None:
        """Finish messages, one at a time, until the queue is closed and empty."""
        async for envelope in self._out:
            self._waiting -= Counter((envelope.account,))
            if envelope.expired(trio.current_time()):
                envelope.answer(outcome.Error(Expired()))
                continue
            answer: outcome.Outcome[AuthReply]
            began_s = trio.current_time()
            try:
                with from_origin(envelope.origin):
                    answer = outcome.Value(await self._finish(envelope.message))
            except (Rejection, Overloaded) as refusal:
                answer = outcome.Error(refusal)
            self._hash_s += _WEIGHT * (trio.current_time() - began_s - self._hash_s)
            envelope.answer(answer)
