"""The queue before the hash workers: what comes too late, or would, is shed at once."""

from __future__ import annotations

import math

import outcome
import pytest
import trio
from trio.testing import MockClock

from xached.actors.sessions.hashing import WAIT_S_MAX, HashQueue
from xached.domain.auth import Done, Login
from xached.domain.identity import AuthMessage, AuthReply
from xached.runtime.mailbox import Envelope, Overloaded

LOGIN = Login(email="", password="", device="")


class Desk:
    """Hashes that take as long as they are told."""

    def __init__(self, hash_s: float) -> None:
        self.hash_s = hash_s
        self.answers: list[outcome.Outcome[AuthReply]] = []
        self.queue = HashQueue(self._finish, workers=2)

    def add(self, deadline: float = math.inf) -> None:
        """Somebody signs in."""
        self.queue.add(Envelope(LOGIN, "", deadline, self.answers.append))

    async def _finish(self, _message: AuthMessage) -> AuthReply:
        await trio.sleep(self.hash_s)
        return Done()

    @property
    def refused(self) -> int:
        """How many were told that there is no room."""
        answers = [each for each in self.answers if isinstance(each, outcome.Error)]
        assert all(isinstance(each.error, Overloaded) for each in answers)
        return len(answers)


@pytest.mark.parametrize(("hash_s", "taken"), [(0.02, 34), (0.5, 9), (1.0, 5)])
async def test_slow_hashes_make_the_queue_shorter(
    hash_s: float, taken: int, autojump_clock: MockClock
) -> None:
    """Checked by leaving the expected wait out: 34 are taken, two of them at once."""
    desk = Desk(hash_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.queue.work)
        nursery.start_soon(desk.queue.work)
        for _ in range(40):
            desk.add()
            await trio.sleep(2 * hash_s)
        assert desk.refused == 0
        desk.answers.clear()
        for _ in range(40):
            desk.add()
        assert 40 - desk.refused == taken
        began_s = trio.current_time()
        desk.queue.close()
    assert trio.current_time() - began_s <= WAIT_S_MAX + 2 * hash_s


async def test_who_would_not_wait_so_long_is_told_at_once(autojump_clock: MockClock) -> None:
    desk = Desk(0.5)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.queue.work)
        nursery.start_soon(desk.queue.work)
        for _ in range(40):
            desk.add()
            await trio.sleep(1)
        desk.answers.clear()
        for _ in range(5):
            desk.add(deadline=trio.current_time() + 0.9)
        assert desk.refused == 1
        desk.queue.close()
