"""Has every strategy judged by the calendar: does it decide the same when it is told the same?

The judging is done by a process beside the house, the least urgent there is, one strategy after
the other. What it finds is kept as certificates; a difference is said aloud.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

import attrs
import trio
from loguru import logger

from xached.runtime.schedule import NS_PER_S, Schedule

LOOK_S: Final = 60.0
"""The wall clock may be set: it is looked at again now and then."""


class Clock(Protocol):
    """What is needed of the world."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...


class Verdict(enum.Enum):
    """How a judgement ended."""

    HOLDS = "HOLDS"
    DIFFERS = "DIFFERS"
    NOTHING = "NOTHING"
    """Nothing of it was recorded."""
    FAILED = "FAILED"


@attrs.frozen(kw_only=True)
class NightlyStatistics:
    """How often strategies were judged, and how the newest of each ended."""

    judged: int
    holding: int
    differing: int
    failed: int
    last_at_ns: int


class Nightly:
    """Judges by the calendar. One task runs it."""

    def __init__(
        self,
        schedule: Schedule,
        clock: Clock,
        names: Callable[[], Sequence[str]],
        judge: Callable[[str], Awaitable[Verdict]],
    ) -> None:
        """``names`` tells the strategies there are; ``judge`` may raise OSError."""
        self._schedule = schedule
        self._clock = clock
        self._names = names
        self._judge = judge
        self._verdicts: dict[str, Verdict] = {}
        self._judged = 0
        self._last_at_ns = 0

    async def run(self) -> None:
        """Judge whenever it is due, until cancelled or until it never is again."""
        while (due_ns := self._schedule.next_ns(self._clock.now_ns())) is not None:
            while (left_ns := due_ns - self._clock.now_ns()) > 0:  # noqa: ASYNC110 - a wall clock
                await trio.sleep(min(left_ns / NS_PER_S, LOOK_S))
            names = list(self._names())
            self._verdicts = {
                name: verdict for name, verdict in self._verdicts.items() if name in names
            }
            for name in names:
                await self._judge_one(name)
            self._last_at_ns = self._clock.now_ns()

    def differing(self) -> list[str]:
        """The strategies whose newest judgement was that they decide otherwise."""
        return [name for name, verdict in self._verdicts.items() if verdict is Verdict.DIFFERS]

    def statistics(self) -> NightlyStatistics:
        """How it goes."""
        verdicts = list(self._verdicts.values())
        return NightlyStatistics(
            judged=self._judged,
            holding=verdicts.count(Verdict.HOLDS),
            differing=verdicts.count(Verdict.DIFFERS),
            failed=verdicts.count(Verdict.FAILED),
            last_at_ns=self._last_at_ns,
        )

    async def _judge_one(self, name: str) -> None:
        try:
            verdict = await self._judge(name)
        except OSError as error:
            logger.error("strategy {} cannot be judged: {}", name, error)
            verdict = Verdict.FAILED
        self._judged += 1
        self._verdicts[name] = verdict
        if verdict is Verdict.DIFFERS:
            logger.warning(
                "strategy {} decides otherwise when it is told the same: see its certificate", name
            )
