"""Notifications: each notifier has what happens in the house told to somebody, notice by notice.

Expendable. A notice that nobody is known to have taken is tried again after a growing pause, under
the same id, and given up in the end; those behind it wait. What waits is bounded: what does not fit
is counted, and said as soon as there is room. Nothing outlives the daemon: what is still not as it
should be after its next start is told anew.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import attrs
import trio
from loguru import logger

from xached.adapters.webhook import PostDelayed, PostRefused, WebhookRequest
from xached.domain.notices import News, Notice, NoticeKind, Severity
from xached.runtime.supervise import Restart, WorldFault
from xached.runtime.world import World

WAITING_MAX: Final = 256
TRIES_MAX: Final = 12
"""With pauses that double up to the longest, about twenty minutes."""

PAUSE_S: Final = 1.0
PAUSE_S_MAX: Final = 300.0
POSTS_PER_MINUTE_MAX: Final = 60
"""Whoever takes notices must not be flooded by a house that has a bad day."""

RUN_ID_BYTES: Final = 6


class Pen(Protocol):
    """Writes one notice after the other."""

    async def write(self, notice: Notice) -> WebhookRequest | None:
        """What to post; None for nothing."""
        ...


class Writer(Protocol):
    """Who writes notices."""

    def open(self) -> AbstractAsyncContextManager[Pen]:
        """Begin to write."""
        ...


class NotifierEnded(WorldFault):
    """Its writer may no longer write."""


Post = Callable[[WebhookRequest], Awaitable[None]]
"""Sends a request. Raises: PostDelayed, PostRefused."""


@attrs.frozen(kw_only=True)
class NotifierTerms:
    """What a notifier is told of: what matters enough, of these kinds; none means all."""

    name: str
    least: Severity = Severity.WARNING
    kinds: frozenset[NoticeKind] = frozenset()

    def wants(self, news: News) -> bool:
        """Whether it is told."""
        return news.severity >= self.least and (not self.kinds or news.kind in self.kinds)


@attrs.frozen(kw_only=True)
class NotifierStatistics:
    """What became of notices. ``unreachable``: the last one has not been taken yet."""

    waiting: int
    delivered: int
    skipped: int
    """Nothing was to be sent for them."""
    unwritten: int
    """Their writer failed at them."""
    refused: int
    given_up: int
    lost: int
    """There was no room for them."""
    delayed: int
    """Tries after which another followed."""
    unreachable: int


class Notifier:
    """One notifier. Any task tells it news, one task runs it."""

    def __init__(self, terms: NotifierTerms, writer: Writer, post: Post, world: World) -> None:
        self._terms = terms
        self._writer = writer
        self._post = post
        self._world = world
        self._run_id = world.entropy(RUN_ID_BYTES).hex()
        self._numbers = 0
        self._waiting: deque[Notice] = deque()
        self._wake = trio.Event()
        self._unsaid = 0
        self._minute_ends = -math.inf
        self._posts_left = 0
        self._delivered = self._skipped = self._unwritten = self._refused = 0
        self._given_up = self._lost = self._delayed = 0
        self._unreachable = False
        self._scope: trio.CancelScope | None = None
        self._end_cause = ""

    @property
    def name(self) -> str:
        """What health calls it."""
        return f"notifier {self._terms.name}"

    @property
    def restart(self) -> Restart:
        """It is tried for ever, less and less often."""
        return Restart(limit=1_000_000)

    def tell(self, news: News) -> None:
        """Have it sent, if it is wanted and there is room. Never blocks."""
        if not self._terms.wants(news):
            return
        if len(self._waiting) >= WAITING_MAX:
            self._lost += 1
            self._unsaid += 1
            return
        self._put(news)

    def statistics(self) -> NotifierStatistics:
        """Tell what became of notices."""
        return NotifierStatistics(
            waiting=len(self._waiting),
            delivered=self._delivered,
            skipped=self._skipped,
            unwritten=self._unwritten,
            refused=self._refused,
            given_up=self._given_up,
            lost=self._lost,
            delayed=self._delayed,
            unreachable=int(self._unreachable),
        )

    async def run(self) -> None:
        """Send what there is, for ever. Raises: what the writer raises; NotifierEnded."""
        with trio.CancelScope() as self._scope:
            await self._run()
        raise NotifierEnded(self._end_cause)

    def end(self, cause: str) -> None:
        """Let go of the writer: it may no longer write, or not as it is."""
        self._end_cause = cause
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                self._wake = trio.Event()
                await self._wake.wait()
            async with self._writer.open() as pen:
                while self._waiting:
                    await self._send_next(pen)
                    self._say_what_was_lost()

    async def _send_next(self, pen: Pen) -> None:
        # It is taken off first: one that its writer cannot write must not come again.
        notice = self._waiting.popleft()
        self._unwritten += 1
        request = await pen.write(notice)
        self._unwritten -= 1
        if request is None:
            self._skipped += 1
            return
        try:
            await self._send(notice, request)
        except trio.Cancelled:
            self._waiting.appendleft(notice)  # It was not taken: whoever writes next begins there.
            raise

    async def _send(self, notice: Notice, request: WebhookRequest) -> None:
        for tried in range(1, TRIES_MAX + 1):
            await self._wait_turn()
            try:
                await self._post(request)
            except PostRefused as refused:
                logger.warning(
                    "{}: notice {} is refused: {}", self.name, notice.kind.value, refused
                )
                self._refused += 1
                return
            except PostDelayed as delay:
                await self._pause(delay, tried)
            else:
                self._delivered += 1
                self._unreachable = False
                return
        logger.error("{}: {} is given up", self.name, notice.notice_id)
        self._given_up += 1

    async def _pause(self, delay: PostDelayed, tried: int) -> None:
        if not self._unreachable:
            logger.warning("{}: notices wait: {}", self.name, delay)
        self._unreachable = True
        if tried < TRIES_MAX:
            self._delayed += 1
            policy = Restart(pause_s=PAUSE_S, pause_s_max=PAUSE_S_MAX)
            await trio.sleep(max(policy.pause_after(tried), delay.retry_after_s))

    async def _wait_turn(self) -> None:
        now = trio.current_time()
        if now >= self._minute_ends:
            self._minute_ends, self._posts_left = now + 60.0, POSTS_PER_MINUTE_MAX
        if not self._posts_left:
            await trio.sleep_until(self._minute_ends)
            self._minute_ends, self._posts_left = self._minute_ends + 60.0, POSTS_PER_MINUTE_MAX
        self._posts_left -= 1

    def _say_what_was_lost(self) -> None:
        if self._unsaid and len(self._waiting) < WAITING_MAX:
            lost, self._unsaid = self._unsaid, 0
            self._put(
                News(
                    kind=NoticeKind.NOTICES_LOST,
                    severity=Severity.WARNING,
                    subject=self.name,
                    text=f"{lost} notices did not fit",
                )
            )

    def _put(self, news: News) -> None:
        self._numbers += 1
        self._waiting.append(
            Notice(
                notice_id=f"{self._run_id}-{self._numbers}",
                kind=news.kind,
                severity=news.severity,
                subject=news.subject,
                text=news.text,
                at_ns=self._world.now_ns(),
            )
        )
        self._wake.set()
