"""Typed, bounded request and reply addresses of actors.

Many tasks ask, one task (the owner) drains in batches. Order of arrival is never changed; what
is scarce is room, and room is reserved: new work is refused at three quarters, urgent work
(cancels) only when the mailbox is full, and one account holds at most half of the places.

A reply costs no channel: the asking task is parked and rescheduled with the answer, and a stream
that asks thousands of times gives a callback instead of a task per message.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import attrs
import outcome
import trio

Message = TypeVar("Message")
Reply = TypeVar("Reply")

ROOM_FOR_NEW_WORK = (3, 4)
ROOM_FOR_ONE_ACCOUNT = (1, 2)


class Overloaded(Exception):  # noqa: N818 - a refusal: nothing failed
    """There is no room for this message. Nothing was done; the asker may retry later."""


class Expired(Exception):  # noqa: N818 - a refusal: nothing failed
    """The message's deadline passed while it was queued. It was not looked at."""


class Closed(Exception):  # noqa: N818 - a refusal: nothing failed
    """The actor has stopped. Messages that were still queued have not been looked at."""


class Envelope(Generic[Message, Reply]):
    """One message, and the way back for its answer."""

    __slots__ = ("_deliver", "account", "deadline", "message", "origin")

    def __init__(
        self,
        message: Message,
        account: str,
        deadline: float,
        deliver: Callable[[outcome.Outcome[Reply]], None],
        origin: object = None,
    ) -> None:
        self.message = message
        self.origin = origin
        self.account = account
        self.deadline = deadline
        self._deliver: Callable[[outcome.Outcome[Reply]], None] | None = deliver

    @property
    def answered(self) -> bool:
        """Whether its answer was given."""
        return self._deliver is None

    def answer(self, result: outcome.Outcome[Reply]) -> None:
        """Answer, once. Never blocks; an asker that has gone away is no error."""
        deliver, self._deliver = self._deliver, None
        assert deliver is not None, "a message is answered once"
        deliver(result)

    def expired(self, now: float) -> bool:
        """Tell whether its deadline has passed. ``now`` is trio's clock."""
        return now >= self.deadline


@attrs.frozen(kw_only=True)
class MailboxStatistics:
    """How full a mailbox is and was, and what became of its messages."""

    capacity: int
    queued: int
    queued_max: int
    accounts: int
    accepted: int
    refused: int
    expired: int
    owner_waiting: bool


class _Asker(Generic[Reply]):
    """A parked task; forgets itself when the task is cancelled."""

    __slots__ = ("task",)

    def __init__(self) -> None:
        self.task: trio.lowlevel.Task | None = trio.lowlevel.current_task()

    def deliver(self, result: outcome.Outcome[Reply]) -> None:
        if self.task is not None:
            trio.lowlevel.reschedule(self.task, result)

    def abandon(self, _: object) -> trio.lowlevel.Abort:
        # The message stays where it is: what was sent may be done, the asker just won't hear.
        self.task = None
        return trio.lowlevel.Abort.SUCCEEDED


class Mailbox(Generic[Message, Reply]):
    """The address of one actor. Everything here runs on trio's thread."""

    def __init__(self, capacity: int) -> None:
        assert capacity >= 1
        self._capacity = capacity
        self._room_new = max(1, capacity * ROOM_FOR_NEW_WORK[0] // ROOM_FOR_NEW_WORK[1])
        self._room_account = max(1, capacity * ROOM_FOR_ONE_ACCOUNT[0] // ROOM_FOR_ONE_ACCOUNT[1])
        self._queue: deque[Envelope[Message, Reply]] = deque()
        self._queued_of: dict[str, int] = {}
        self._owner: trio.lowlevel.Task | None = None
        self._closed = False
        self._queued_max = 0
        self._accepted = 0
        self._refused = 0
        self._expired = 0

    async def ask(
        self,
        message: Message,
        *,
        account: str = "",
        urgent: bool = False,
        deadline: float = math.inf,
        origin: object = None,
    ) -> Reply:
        """Send a message and wait for its answer.

        Cancelling gives up the wait, not the message: it may still be done. ``deadline`` (trio's
        clock) is up to when the owner may start on it. ``account`` is who is charged for the
        place; work of the house itself names none and has no share. ``origin`` is where the
        message comes from, for an owner who writes that down.

        Raises: Overloaded, Expired or Closed, nothing done; or what the owner answered with.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        asker: _Asker[Reply] = _Asker()
        self.post_nowait(
            message,
            asker.deliver,
            account=account,
            urgent=urgent,
            deadline=deadline,
            origin=origin,
        )
        reply: Reply = await trio.lowlevel.wait_task_rescheduled(asker.abandon)
        return reply

    def post_nowait(
        self,
        message: Message,
        answer: Callable[[outcome.Outcome[Reply]], None],
        *,
        account: str = "",
        urgent: bool = False,
        deadline: float = math.inf,
        origin: object = None,
    ) -> None:
        """Send a message whose answer goes to a callback, called once by the owner's task.

        The callback must neither block nor raise.

        Raises: Overloaded or Closed; then the callback is never called.
        """
        if self._closed:
            raise Closed
        queued = len(self._queue)
        if queued >= (self._capacity if urgent else self._room_new):
            self._refused += 1
            raise Overloaded("the mailbox is full")
        if account:
            held = self._queued_of.get(account, 0)
            if held >= self._room_account:
                self._refused += 1
                raise Overloaded("too much of one account is waiting")
            self._queued_of[account] = held + 1
        self._queue.append(Envelope(message, account, deadline, answer, origin))
        self._accepted += 1
        if queued >= self._queued_max:
            self._queued_max = queued + 1
        self._wake_owner()

    async def receive_batch(self, limit: int) -> list[Envelope[Message, Reply]]:
        """Wait for a message, then take what is there, oldest first, up to ``limit``.

        Messages whose deadline has passed are answered with Expired and not handed over.
        Cancelling loses nothing.

        Raises: Closed, also while waiting.
        """
        assert limit >= 1
        await trio.lowlevel.checkpoint()
        while True:
            if self._closed:
                raise Closed
            if batch := self._take(limit):
                return batch
            assert self._owner is None, "a mailbox has one owner"
            self._owner = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)

    def close(self) -> None:
        """Stop: refuse what comes, and answer what is queued with Closed. May be repeated."""
        self._closed = True
        self._queued_of.clear()
        while self._queue:
            self._queue.popleft().answer(outcome.Error(Closed()))
        self._wake_owner()

    def statistics(self) -> MailboxStatistics:
        """Tell how full the mailbox is and was."""
        return MailboxStatistics(
            capacity=self._capacity,
            queued=len(self._queue),
            queued_max=self._queued_max,
            accounts=len(self._queued_of),
            accepted=self._accepted,
            refused=self._refused,
            expired=self._expired,
            owner_waiting=self._owner is not None,
        )

    def _take(self, limit: int) -> list[Envelope[Message, Reply]]:
        now = trio.current_time()
        batch: list[Envelope[Message, Reply]] = []
        while self._queue and len(batch) < limit:
            envelope = self._queue.popleft()
            if envelope.account:
                self._free_place(envelope.account)
            if envelope.deadline <= now:
                self._expired += 1
                envelope.answer(outcome.Error(Expired()))
            else:
                batch.append(envelope)
        return batch

    def _free_place(self, account: str) -> None:
        held = self._queued_of[account] - 1
        if held:
            self._queued_of[account] = held
        else:
            del self._queued_of[account]

    def _wake_owner(self) -> None:
        if self._owner is not None:
            owner, self._owner = self._owner, None
            trio.lowlevel.reschedule(owner)

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._owner = None
        return trio.lowlevel.Abort.SUCCEEDED
