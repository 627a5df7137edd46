"""The risk watch, and the guard that watches the watch.

The watch asks the exchange about once a second how its bounded scopes stand and sends what
follows (domain/risk_watch.py). It owns nothing and may be started again at any time. The guard is
vital and small: when the watch has not finished a round for too long it lets the house only
reduce, and when the clock has jumped it halts it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection
from typing import Final, Protocol

import attrs
import trio
from loguru import logger

from xached.domain.instrument import Symbol
from xached.domain.messages import Command, Row, SetRiskState
from xached.domain.queries import Query
from xached.domain.rejection import Rejection
from xached.domain.risk_bounds import HOUSE_SCOPE, RiskSetter, RiskState
from xached.domain.risk_watch import ExposureQuery, Exposures, assess
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.world import NS_PER_S

PERIOD_S: Final = 1.0
SILENCE_PERIODS: Final = 10
"""How many periods of the guard the watch may miss: longer than any pause of a loaded machine,
shorter than a bad minute. A machine that was suspended silences both, and neither is blamed."""


class Exchange(Protocol):
    """What is asked of the exchange."""

    async def execute(self, command: Command) -> Row:
        """Carry out one command. Raises: Rejection, Overloaded."""
        ...

    async def query(self, query: Query[Exposures]) -> Exposures:
        """Ask about current state. Raises: Overloaded."""
        ...


@attrs.frozen(kw_only=True)
class RiskStatistics:
    """What the watch has done since the start."""

    rounds: int
    commands: int
    refused: int


class RiskWatch:
    """The sign of life of the watch, and its counts. Survives its restarts."""

    def __init__(self) -> None:
        self._rounds = self._commands = self._refused = 0

    def statistics(self) -> RiskStatistics:
        """Tell what was done since the start."""
        return RiskStatistics(rounds=self._rounds, commands=self._commands, refused=self._refused)

    async def round(
        self, exchange: Exchange, blind: Collection[Symbol], clock: SteadyClock
    ) -> None:
        """Look once at everything and send what follows."""
        exposures = await exchange.query(ExposureQuery())
        for command in assess(exposures, blind, clock.now_ns()):
            if isinstance(command, SetRiskState):
                logger.warning(
                    "risk: {} is {} {}", command.scope, command.state.name, command.cause
                )
            self._commands += 1
            try:
                await exchange.execute(command)
            except Rejection:
                # What it was about has gone meanwhile; the next round sees how things are.
                self._refused += 1
        self._rounds += 1


async def run_risk(
    watch: RiskWatch,
    exchange: Exchange,
    clock: SteadyClock,
    blind: Callable[[], Collection[Symbol]],
) -> None:
    """Watch until cancelled or the exchange has closed.

    Args:
        blind: tells the markets whose feed is silent.
    """
    while True:
        try:
            # The guard takes care of a watch that does not get through.
            with contextlib.suppress(Overloaded):
                await watch.round(exchange, blind(), clock)
        except Closed:
            return
        await trio.sleep(PERIOD_S)


async def run_guard(watch: RiskWatch, exchange: Exchange, clock: SteadyClock) -> None:
    """Guard until cancelled or the exchange has closed. Vital."""
    # The first round also lifts what the guard of an earlier process has set.
    held: tuple[RiskState, str] | None = None
    rounds, missed = -1, 0
    while True:
        await trio.sleep(PERIOD_S)
        seen = watch.statistics().rounds
        rounds, missed = seen, missed + 1 if seen == rounds else 0
        state, cause = _guarded(clock, missed)
        if held == (state, cause):
            continue
        try:
            await exchange.execute(
                SetRiskState(
                    scope=HOUSE_SCOPE,
                    setter=RiskSetter.GUARD,
                    state=state,
                    cause=cause,
                    request_id="",
                )
            )
        except Overloaded:
            continue
        except Closed:
            return
        if held is not None or state is not RiskState.ACTIVE:
            logger.warning("guard: the house is {} {}", state.name, cause)
        held = state, cause


def _guarded(clock: SteadyClock, missed: int) -> tuple[RiskState, str]:
    """What the house may do as far as the guard can tell, and why."""
    clock.now_ns()  # Looks, so that a jump is found within a period.
    if clock.jump_ns:
        seconds = clock.jump_ns / NS_PER_S
        return (
            RiskState.HALTED,
            f"the clock jumped by {seconds:+.0f} s; an operator must confirm it",
        )
    if missed > SILENCE_PERIODS:
        return RiskState.REDUCING, "the risk watch is silent"
    return RiskState.ACTIVE, ""
