"""Signals of plugins: each in a sealed process of its own, heard by the strategies that use it.

Theory of operation. A signal is run as a strategy is, but has no purse and no orders: its process
gets market data, and what it says goes to the board, from which strategies are told. What it says
is checked for form, and may not be as of a moment that has not come. Whatever ends a run takes its
values from the board, and says why. One that crashes, hangs or breaks the protocol is killed and
begins again after a pause. One that cannot run like this, whose plugin may not run or that has
failed too often stays down until its plugin is approved anew or released.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import attrs
import trio
from loguru import logger
from xache_sdk.seal import Layer, Sealed
from xache_sdk.signal_values import WHY_LENGTH_MAX

from xached.actors.strategies.breaches import BREACHES, StrategySilent, breach_of, leaves
from xached.actors.strategies.market_data import (
    RunMarketData,
    StrategyFailed,
    StrategyMisconfigured,
    check_subscriptions,
)
from xached.actors.strategies.run import LINES_PER_S_MAX, PONG_S_MAX, START_S_MAX
from xached.actors.strategies.signal_board import SignalBoard, SignalConfig, TooManyValues
from xached.actors.strategies.surroundings import SANDBOX_MIN, Markets
from xached.adapters.child import ChildProcess, open_child, signal_command
from xached.adapters.child_frames import SignalStart, write_begin, write_ping, write_signal_start
from xached.adapters.child_intents import (
    ChildMessage,
    ChildViolation,
    Failed,
    Failure,
    Log,
    Pong,
    Readings,
    Ready,
    Subscription,
)
from xached.domain.instrument import Directory
from xached.domain.plugins import Admission, Breach, PluginGroup, PluginRefused
from xached.domain.rejection import Rejection
from xached.runtime.supervise import Health, Restart, run_expendable
from xached.runtime.world import NS_PER_S, World

PING_EVERY_S: Final = 1.0
EXPIRY_CHECK_S: Final = 1.0
AHEAD_NS_MAX: Final = 60 * NS_PER_S
"""So far the clock of a venue may be ahead of the house's; what is said is as of that clock."""

OVER: Final = "its process has ended"


class SignalPlugins(Protocol):
    """Which plugins may run."""

    async def admit(self, name: str, *, vouched: bool, group: PluginGroup) -> Admission:
        """Look at an installed plugin. Raises: PluginRefused when it may not run."""
        ...

    async def note_breach(self, name: str, breach: Breach, *, group: PluginGroup) -> None:
        """A run of it has broken its rules."""
        ...


@attrs.frozen(kw_only=True)
class SourceSurroundings:
    """What signals need of the rest of the house. The last is replaced in tests."""

    world: World
    markets: Markets
    directory: Directory
    health: Health
    plugins: SignalPlugins
    sandbox_min: frozenset[Layer] = SANDBOX_MIN
    restart: Restart = attrs.field(factory=Restart)
    command: Callable[[str], Sequence[str]] = signal_command


class SignalSources:
    """The signals that run, and what they say."""

    def __init__(self, configs: Sequence[SignalConfig] = ()) -> None:
        self.board = SignalBoard(configs)
        self._seats = [_Seat(each) for each in configs]

    def withdraw(self, plugin: str, cause: str) -> None:
        """End the runs of a plugin that may no longer run; they begin again once it may."""
        for seat in self._seats:
            if seat.config.plugin == plugin and seat.run is not None:
                seat.run.withdraw(cause)

    def admit(self, plugin: str) -> None:
        """Begin those that are down: their plugin was approved anew, or released."""
        for seat in self._seats:
            if seat.config.plugin == plugin:
                seat.admitted.set()


async def run_signal_sources(sources: SignalSources, around: SourceSurroundings) -> None:
    """Run all signals until it is cancelled."""
    async with trio.open_nursery() as nursery:
        for seat in sources._seats:
            nursery.start_soon(_supervise, seat, sources.board, around)


@attrs.define
class _Seat:
    """What stays of a signal from run to run."""

    config: SignalConfig
    run: _SourceRun | None = None
    admitted: trio.Event = attrs.field(factory=trio.Event)
    misconfigured: BaseException | None = None
    """Why the next run would end like the last; also that its plugin may not run."""


async def _supervise(seat: _Seat, board: SignalBoard, around: SourceSurroundings) -> None:
    """Run after run. Once it is down it waits for its plugin to be admitted anew."""
    name = f"signal {seat.config.name}"
    run = functools.partial(_run_once, seat, board, around)
    while True:
        seat.admitted, seat.misconfigured = trio.Event(), None
        await run_expendable(name, run, around.health, around.restart)
        if seat.misconfigured is not None:
            give_up = functools.partial(_give_up, seat.misconfigured)
            await run_expendable(name, give_up, around.health, Restart(limit=0))
        await seat.admitted.wait()


async def _give_up(reason: BaseException) -> None:
    """The next run would end like the last: let health show why there is none."""
    await trio.lowlevel.checkpoint()
    raise reason


async def _run_once(seat: _Seat, board: SignalBoard, around: SourceSurroundings) -> None:
    """One run. Raises what ended it, but for what would end the next one too."""
    plugin, name, why = seat.config.plugin, seat.config.name, OVER
    try:
        await _run_child(seat, board, around)
    except* (StrategyMisconfigured, PluginRefused) as group:
        seat.misconfigured, why = group, _why(group)
    except* (*BREACHES, StrategyFailed, Rejection, OSError) as group:
        why = _why(group)
        breach = breach_of(group)
        if breach is not None:
            await around.plugins.note_breach(plugin, breach, group=PluginGroup.SIGNAL)
        raise
    finally:
        board.ended(name, why)


async def _run_child(seat: _Seat, board: SignalBoard, around: SourceSurroundings) -> None:
    config = seat.config
    admission = await around.plugins.admit(
        config.plugin, vouched=config.vouched, group=PluginGroup.SIGNAL
    )
    board.began(config.name, admission.plugin.version, admission.digest)
    async with open_child(around.world, around.command(admission.plugin.entry_point)) as child:
        seat.run = _SourceRun(config, board, around, child, admission)
        try:
            await seat.run.serve()
        finally:
            seat.run = None


class _SourceRun:
    """One child and everything around it, from its start to its end."""

    def __init__(
        self,
        config: SignalConfig,
        board: SignalBoard,
        around: SourceSurroundings,
        child: ChildProcess,
        admission: Admission,
    ) -> None:
        self._config = config
        self._board = board
        self._around = around
        self._child = child
        self._may = admission.capabilities
        self._instruments = {
            symbol: around.directory.instrument(symbol) for symbol in config.symbols
        }
        self._market_data = RunMarketData(around.markets, child.outbox, self._instruments)
        self._ready = trio.Event()
        self._sealed = False
        self._ping = 0
        self._pong = trio.Event()
        self._said = trio.Event()
        self._lines = 0
        self._withdrawn = trio.Event()
        self._withdrawn_cause = ""

    async def serve(self) -> None:
        """Start the signal and serve it until something ends it."""
        if self._may.symbols is not None and not self._may.symbols >= set(self._config.symbols):
            raise StrategyMisconfigured("its plugin may not see all of its markets")
        start = SignalStart(
            name=self._config.name,
            settings_json=self._config.settings_json,
            instruments=tuple(self._instruments.values()),
            now_ns=self._around.world.now_ns(),
        )
        self._child.outbox.put(write_signal_start(start))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._ask_for_life)
            nursery.start_soon(self._end_when_withdrawn)
            nursery.start_soon(self._let_expire)
            while True:
                for message in await self._child.receive_batch():
                    self._take(message, nursery)

    def withdraw(self, cause: str) -> None:
        """End it at once: its plugin may no longer run."""
        self._withdrawn_cause = cause
        self._withdrawn.set()

    def _take(self, message: ChildMessage, nursery: trio.Nursery) -> None:
        if not self._sealed and not isinstance(message, Sealed):
            if isinstance(message, Failed) and message.failure is Failure.SANDBOX:
                raise _failure(message)
            raise ChildViolation("it did not say first how it is sealed")
        match message:
            case Sealed():
                self._release(message)
            case Ready():
                self._begin(message, nursery)
            case Readings():
                self._hear(message)
            case Pong():
                if message.number != self._ping:
                    raise ChildViolation("an answer to a ping that was not sent")
                self._pong.set()
            case Log():
                self._tell(message.text)
            case Failed():
                raise _failure(message)
            case _:
                raise ChildViolation("a signal says readings, and wants nothing")

    def _release(self, sealed: Sealed) -> None:
        if self._sealed:
            raise ChildViolation("Sealed twice")
        if lacking := self._around.sandbox_min - set(sealed.layers):
            names = ", ".join(each.name.lower() for each in sorted(lacking))
            raise StrategyMisconfigured(
                f"this machine's sandbox lacks what the house requires: {names}"
            )
        self._sealed = True
        self._child.release()

    def _begin(self, ready: Ready, nursery: trio.Nursery) -> None:
        if self._ready.is_set():
            raise ChildViolation("Ready twice")
        check_subscriptions(ready.subscriptions, self._config.symbols)
        if any(each.forming for each in ready.subscriptions) or ready.uses:
            raise ChildViolation("a signal sees closed candles, and no other signals")
        self._ready.set()
        logger.info("signal {}: ready", self._config.name)
        nursery.start_soon(self._warm_up_and_begin, ready.subscriptions, nursery)

    async def _warm_up_and_begin(
        self, subscriptions: Sequence[Subscription], nursery: trio.Nursery
    ) -> None:
        await self._market_data.warm_up(subscriptions)
        self._child.outbox.put(write_begin())
        self._market_data.follow(subscriptions, nursery)

    def _hear(self, message: Readings) -> None:
        if not self._ready.is_set():
            raise ChildViolation("readings before Ready")
        now_ns = self._around.world.now_ns()
        if any(each.as_of_ns > now_ns + AHEAD_NS_MAX for each in message.values):
            raise ChildViolation("it says what is as of a moment that has not come")
        if any(each.signal != self._config.name for each in message.values):
            raise ChildViolation("it says what another signal says")
        try:
            self._board.say(self._config.name, message.values)
        except TooManyValues as error:
            raise ChildViolation(str(error)) from None
        self._said.set()

    def _tell(self, text: str) -> None:
        if self._lines < LINES_PER_S_MAX:
            self._lines += 1
            logger.info("signal {}: {}", self._config.name, text)

    # --- its life ----------------------------------------------------------------------------

    async def _ask_for_life(self) -> None:
        with trio.move_on_after(START_S_MAX) as waiting:
            await self._ready.wait()
        if waiting.cancelled_caught:
            raise StrategySilent(f"not ready {START_S_MAX:.0f} s after its start")
        while True:
            self._ping += 1
            self._pong = trio.Event()
            self._lines = 0
            self._child.outbox.put(write_ping(self._ping))
            with trio.move_on_after(PONG_S_MAX) as waiting:
                await self._pong.wait()
            if waiting.cancelled_caught:
                raise StrategySilent(f"no sign of life for {PONG_S_MAX:.0f} s")
            await trio.sleep(PING_EVERY_S)

    async def _end_when_withdrawn(self) -> None:
        await self._withdrawn.wait()
        raise PluginRefused(self._withdrawn_cause)

    async def _let_expire(self) -> None:
        """Drop what is stale in time, and end the run when what it may do has expired."""
        while True:
            now_ns = self._around.world.now_ns()
            if self._may.expires_at_ns is not None and now_ns >= self._may.expires_at_ns:
                raise StrategyMisconfigured("what the operator lets it do has expired")
            next_ns = self._board.expire(self._config.name, now_ns)
            self._said = trio.Event()
            # By the wall clock, which may be set: it is looked at again now and then.
            left_s = EXPIRY_CHECK_S if next_ns is None else (next_ns - now_ns) / NS_PER_S
            with trio.move_on_after(min(left_s, EXPIRY_CHECK_S)):
                await self._said.wait()


def _why(group: BaseExceptionGroup[BaseException]) -> str:
    """What ended a run, in a line for people."""
    return "; ".join(sorted({str(each) for each in leaves(group)}))[:WHY_LENGTH_MAX]


def _failure(message: Failed) -> Exception:
    text = f"{message.failure.name}: {message.message}"
    if message.failure is Failure.CALLBACK:
        return StrategyFailed(text)
    return StrategyMisconfigured(text)
