"""Signals of plugins: what they say reaches the strategies that use them, or is said to be absent.

Checked by breaking: a board that keeps values when a run ends, one that drops nothing stale, and a
signal whose name is not looked at, which speaks for another one, each fail here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing
from xache_sdk.landlock import landlock_abi
from xache_sdk.signal_values import SignalLost, SignalValue
from xache_sdk.v1 import plugin_pb2

from tests.plugins.house import (
    CHILDREN,
    PROGRAM,
    SDK,
    House,
    config,
    let_processes_work,
    open_house,
    robot,
    until,
    until_note,
)
from tests.storage.house import SYMBOL
from xached.actors.strategies.actor import Strategies
from xached.actors.strategies.signal_board import NOT_YET, STALE, SignalConfig, SignalStatus
from xached.actors.strategies.signal_sources import (
    SignalSources,
    SourceSurroundings,
    run_signal_sources,
)
from xached.adapters.child import MEMORY_BYTES_MAX, ChildProcess
from xached.adapters.child_intents import ChildViolation, Readings, read_child_frame
from xached.adapters.child_outbox import TRADES_MAX
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.instrument import Symbol
from xached.domain.messages import OrderAccepted
from xached.domain.plugins import Admission, Breach, PluginGroup, PluginRefused
from xached.runtime.supervise import ActorState, ActorStatus, Restart
from xached.runtime.world import NS_PER_S
from xached.simulation.plugins import InstalledByHand

BOOT = """
import sys
sys.path[:0] = sys.argv[1:3]
from xache_sdk.signal_child import main
main(sys.argv[3:])
"""


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Time stands still until a test moves it: processes take real time."""
    return mock_clock


def start_signal(entry_point: str) -> Sequence[str]:
    """Start ``module:Class`` of the children directory; any other text is a program."""
    if not entry_point.startswith("signalling:"):
        return [sys.executable, "-I", "-c", PROGRAM.format(body=entry_point)]
    return [
        sys.executable, "-I", "-B", "-c", BOOT, str(CHILDREN), str(SDK), "--strategy", entry_point,
        "--parent", str(os.getpid()), "--memory-bytes", str(MEMORY_BYTES_MAX),
    ]  # fmt: skip


@attrs.define
class Plugins:
    """Every signal may run unless it is refused; breaches are written down."""

    breaches: list[tuple[str, Breach, PluginGroup]] = attrs.field(factory=list)
    refused: str = ""
    capabilities: Capabilities = UNBOUNDED

    async def admit(self, name: str, *, vouched: bool, group: PluginGroup) -> Admission:
        """See SignalPlugins."""
        await trio.lowlevel.checkpoint()
        if self.refused:
            raise PluginRefused(self.refused)
        [plugin] = InstalledByHand((name,), group=group).find()
        return Admission(
            plugin=plugin, digest="looked at", capabilities=self.capabilities, approved=True
        )

    async def note_breach(self, name: str, breach: Breach, *, group: PluginGroup) -> None:
        """See SignalPlugins."""
        await trio.lowlevel.checkpoint()
        self.breaches.append((name, breach, group))


@attrs.define
class Signalling:
    """A house whose only signal is called trend."""

    house: House
    sources: SignalSources
    plugins: Plugins

    @property
    def status(self) -> SignalStatus:
        """How the signal stands."""
        [found] = self.sources.board.statuses()
        return found

    @property
    def health(self) -> ActorStatus:
        """What health says of it."""
        unborn = ActorStatus(name="", vital=False, state=ActorState.RUNNING, restarts=0, failure="")
        known = (each for each in self.house.health.records() if each.name == "signal trend")
        return next(known, unborn)

    def trade(self, price_ticks: int = 50_000) -> None:
        """One trade happens now."""
        self.house.markets.trade(price_ticks, self.house.around.world.now_ns())

    async def until_running(self) -> None:
        """Wait until it hears of trades."""
        await until(lambda: self.status.running and self.house.markets.tape_readers > 0)

    async def until_said(self, value: float) -> None:
        """Wait until that is all it says, or it runs no more."""
        await until(
            lambda: (
                [each.value for each in self.status.values] == [value] or not self.status.running
            )
        )

    @asynccontextmanager
    async def follower(self, act: str = "") -> AsyncIterator[Strategies]:
        """A strategy that uses it, once it has begun."""
        following = config(strategy="signalling:Follower", settings_json=json.dumps({"act": act}))
        async with self.house.running(following) as strategies:
            yield strategies


@asynccontextmanager
async def signalling(
    path: Path,
    plugin: str = "signalling:Echo",
    act: str = "",
    *,
    capabilities: Capabilities = UNBOUNDED,
    symbols: tuple[Symbol, ...] = (SYMBOL,),
    restart: Restart | None = None,
) -> AsyncIterator[Signalling]:
    """A house with a signal that acts."""
    async with open_house(path) as house:
        settings = json.dumps({"act": act} if plugin.startswith("signalling:") else {})
        configured = SignalConfig(
            name="trend", plugin=plugin, symbols=symbols, settings_json=settings
        )
        sources, plugins = SignalSources([configured]), Plugins(capabilities=capabilities)
        house.around = attrs.evolve(house.around, signals=sources.board)
        around = SourceSurroundings(
            world=house.around.world,
            markets=house.markets,
            directory=house.around.directory,
            health=house.health,
            plugins=plugins,
            sandbox_min=frozenset(),
            command=start_signal,
            restart=restart or Restart(),
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_signal_sources, sources, around)
            yield Signalling(house, sources, plugins)
            nursery.cancel_scope.cancel()


async def test_what_a_signal_says_reaches_the_strategy_that_uses_it(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    clock.rate = 1.0  # What a strategy is told is told after a pause.
    async with signalling(tmp_path) as made, made.follower() as strategies:
        await until_note(strategies, f"trend lost: {NOT_YET}")
        await made.until_running()
        made.trade(50_001)
        await until_note(strategies, "trend value 50001 0.25")
        await until(lambda: robot(strategies).placed == 1)
        assert [each.value for each in made.status.values] == [50_001.0]
        assert (made.status.why, made.status.digest, made.status.runs) == ("", "looked at", 1)


async def test_an_order_is_explained_by_what_signals_had_said(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: where frames of signals say nothing of themselves, no order has any."""
    clock.rate = 1.0
    async with signalling(tmp_path) as made, made.follower() as strategies:

        def accepted() -> list[OrderAccepted]:
            events = [event for row in made.house.seen for event in row.events]
            return [each for each in events if isinstance(each, OrderAccepted)]

        await made.until_running()
        heard: list[SignalValue] = []
        for number, price in enumerate((50_001, 50_002), start=1):
            made.trade(price)
            while len(accepted()) < number or robot(strategies).placed < number:
                await let_processes_work()
            order = accepted()[-1]
            found = await made.house.reasons.find(order.purse, order.order_id, "")
            assert found.reason is not None
            heard += found.reason.signals
        assert [(each.signal, each.name, each.value) for each in heard] == [
            ("trend", "value", 50_001.0), ("trend", "value", 50_002.0),
        ]  # fmt: skip
        assert heard[1] == made.status.values[0]
        assert heard[0].expires_at_ns == heard[0].as_of_ns + 3_600 * NS_PER_S


def test_what_was_taken_back_was_not_heard() -> None:
    """Checked: without losses, and with those that are told later, there are others."""
    process = ChildProcess(None, lambda: 0)  # type: ignore[arg-type] # nothing is written
    first, second, third = (
        SignalValue(
            signal=signal, name=name, value=1.0, confidence=None, as_of_ns=at, expires_at_ns=9
        )
        for at, (signal, name) in enumerate([("a", "up"), ("a", "down"), ("b", "up")], start=1)
    )
    lost = SignalLost(signal="a", name="up", why="stale", at_ns=5)
    all_lost = SignalLost(signal="a", name="", why="failed", at_ns=6)
    process._told.extend([(1, first), (2, second), (2, third), (4, lost), (6, all_lost)])
    assert process.heard_by(0) == ()
    assert process.heard_by(3) == (third, second, first)
    assert process.heard_by(5) == (third, second)
    assert process.heard_by(6) == (third,)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("raise", "CALLBACK: RuntimeError: it cannot go on"),
        ("exit", "the process ended with 3"),
        ("flood", "CALLBACK: ValueError: a signal says each name once"),
    ],
)
async def test_a_signal_that_fails_is_absent_and_said_to_be(
    clock: trio.testing.MockClock, tmp_path: Path, act: str, why: str
) -> None:
    clock.rate = 1.0
    async with signalling(tmp_path, act=act) as made, made.follower() as strategies:
        await made.until_running()
        made.trade()
        await until(lambda: made.health.state is ActorState.PAUSING)
        await until(lambda: robot(strategies).last_note.startswith(f"trend lost: {why}"))
        assert made.status.values == ()
        assert made.plugins.breaches == []
        assert robot(strategies).runs == 1, "the strategy goes on"


async def test_a_signal_of_a_busy_tape_says_the_newest(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by breaking: one message for each trade is a flood, and has it killed."""
    async with signalling(tmp_path) as made:
        await made.until_running()
        for burst in (1, 2):
            # All at one moment of a clock that stands still: the strictest second there is.
            for count in range(1, TRADES_MAX + 1):
                made.trade(burst * 10_000 + count)
            await made.until_said(burst * 10_000 + TRADES_MAX)
            assert made.status.running, made.status.why
        assert made.plugins.breaches == []


async def test_what_is_stale_is_absent(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    clock.rate = 1.0
    async with signalling(tmp_path, act="lie") as made, made.follower() as strategies:
        await made.until_running()
        made.trade()
        await until(lambda: made.status.why == STALE)
        assert made.status.values == ()
        assert made.sources.board.newest("trend") == ((), STALE)
        await until(lambda: robot(strategies).last_note == f"trend lost: {STALE}")


async def test_one_that_may_not_run_waits_until_it_may(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with signalling(tmp_path) as made:
        await made.until_running()
        made.trade()
        await until(lambda: len(made.status.values) == 1)
        made.plugins.refused = "it is in quarantine"
        made.sources.withdraw("another", "not this one")
        made.sources.withdraw("signalling:Echo", "its approval was withdrawn")
        await until(lambda: made.health.state is ActorState.FAILED)
        assert (made.status.values, made.status.why) == ((), "its approval was withdrawn")
        made.sources.admit("signalling:Echo")
        await until(lambda: made.status.why == "it is in quarantine")
        made.plugins.refused = ""
        await until(lambda: made.health.state is ActorState.FAILED)
        made.sources.admit("signalling:Echo")
        await until(lambda: made.status.running)


@pytest.mark.parametrize(
    ("capabilities", "why"),
    [
        (Capabilities(symbols=frozenset()), "may not see all of its markets"),
        (Capabilities(expires_at_ns=1), "has expired"),
    ],
)
async def test_what_the_operator_does_not_let_it_do_it_does_not(
    clock: trio.testing.MockClock, tmp_path: Path, capabilities: Capabilities, why: str
) -> None:
    async with signalling(tmp_path, capabilities=capabilities) as made:
        await until(lambda: made.health.state is ActorState.FAILED)
        assert why in made.status.why
        await trio.testing.wait_all_tasks_blocked()
        assert made.status.runs == 1, "nobody has let it do more"
        # The next approval lets it do more. Checked by breaking: one that stays down is seen red.
        made.plugins.capabilities = UNBOUNDED
        made.sources.admit("signalling:Echo")
        await made.until_running()
        assert made.health.state is ActorState.RUNNING


async def test_one_that_failed_too_often_begins_again_when_it_is_approved_anew(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by breaking: one that stays down is seen red."""
    ended = f"{SEALED}\nsys.exit(3)"
    async with signalling(tmp_path, ended, restart=Restart(limit=1, pause_s=1.0)) as made:
        for runs in (2, 4):
            await until(lambda: made.health.state is ActorState.PAUSING)
            clock.jump(1.0)
            await until(lambda: made.health.state is ActorState.FAILED)
            assert (made.status.runs, made.status.why) == (runs, "the process ended with 3")
            made.sources.admit(ended)
        assert made.plugins.breaches == []


async def test_a_signal_that_nobody_runs_cannot_be_used(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with signalling(tmp_path) as made, made.follower("another") as strategies:
        await until(lambda: made.house.status().state is ActorState.FAILED)
        assert "the house runs no signal 'another'" in made.house.status().failure
        assert robot(strategies).placed == 0


@pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")
async def test_it_is_sealed(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with signalling(tmp_path, act="connect") as made:
        await made.until_running()
        made.trade()
        await until(lambda: len(made.status.values) == 1)
        assert made.status.values[0].value == -1.0, "it got no socket"


SEALED = f"""
sys.path[:0] = [{str(SDK)!r}]
from xache_sdk.wire import frame
from xache_sdk.v1 import plugin_pb2 as p
sealed = p.PluginSealed(layers=list(range(1, 8)))
def say(**message):
    daemon.sendall(frame(p.ChildFrame(**message).SerializeToString()))
say(sealed=sealed)
"""


async def test_one_that_gives_no_sign_of_life_has_broken_its_rules_and_begins_again(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    tape = "p.PluginSubscription(symbol='BTC-USDT', venue='XACHE', data=1)"
    silent = f"{SEALED}\nsay(ready=p.PluginReady(subscriptions=[{tape}]))"
    async with signalling(tmp_path, silent) as made:
        await made.until_running()
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(11.0)
        await until(lambda: made.health.state is ActorState.PAUSING)
        assert [each[1:] for each in made.plugins.breaches] == [
            (Breach.STALLED, PluginGroup.SIGNAL)
        ]
        assert made.status.why == "no sign of life for 10 s"
        clock.jump(60.0)
        await until(lambda: made.status.runs == 2)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("say(readings=p.PluginReadings(values=[value(signal='other')]))", "another signal says"),
        ("say(readings=p.PluginReadings(values=[value(as_of_ns=2**61)]))", "has not come"),
        ("say(intents=p.PluginIntents())", "wants nothing"),
        ("say(ready=p.PluginReady())", "Ready twice"),
        ("say(pong=p.PluginPong(number=7))", "ping that was not sent"),
        (
            "for n in range(21): say(readings=p.PluginReadings(values=[value(name=f'v{n}')]))",
            "more than 20 names",
        ),
    ],
)
async def test_one_that_breaks_the_protocol_is_killed(
    clock: trio.testing.MockClock, tmp_path: Path, said: str, why: str
) -> None:
    program = (
        f"{SEALED}\nsay(ready=p.PluginReady())\n"
        "import time\n"
        "def value(signal='trend', name='value', as_of_ns=time.time_ns()):\n"
        "    return p.PluginSignalValue(signal=signal, name=name, value=1.0, as_of_ns=as_of_ns,"
        " expires_at_ns=as_of_ns + 10**15)\n" + said
    )
    async with signalling(tmp_path, program) as made:
        await until(lambda: made.health.state is ActorState.PAUSING)
        assert why in made.status.why
        assert [each[1:] for each in made.plugins.breaches] == [
            (Breach.PROTOCOL, PluginGroup.SIGNAL)
        ]


def frame_of(**fields: object) -> bytes:
    """A frame with one reading."""
    given = {"signal": "a", "name": "value", "value": 1.0, "as_of_ns": 5, "expires_at_ns": 6}
    value = plugin_pb2.PluginSignalValue(**(given | fields))  # type: ignore[arg-type]  # by name
    readings = plugin_pb2.PluginReadings(values=[value])
    return plugin_pb2.ChildFrame(readings=readings).SerializeToString()


@pytest.mark.parametrize(
    "fields",
    [
        {"value": float("nan")}, {"value": float("inf")}, {"name": ""}, {"name": "A"},
        {"name": "x" * 41}, {"confidence": 1.5}, {"confidence": float("nan")}, {"as_of_ns": -1},
        {"expires_at_ns": 5}, {"expires_at_ns": 2**62}, {"as_of_ns": 2**63 - 1},
    ],
)  # fmt: skip
def test_a_reading_of_a_wrong_form_is_none(fields: dict[str, object]) -> None:
    assert isinstance(read_child_frame(frame_of()), Readings)
    with pytest.raises(ChildViolation):
        read_child_frame(frame_of(**fields))


def test_too_many_readings_in_a_frame_are_none() -> None:
    frame = plugin_pb2.ChildFrame.FromString(frame_of())
    frame.readings.values.extend(list(frame.readings.values) * 20)
    with pytest.raises(ChildViolation, match="more than 20"):
        read_child_frame(frame.SerializeToString())
    names = plugin_pb2.PluginReady(uses=[f"s{number}" for number in range(17)])
    with pytest.raises(ChildViolation, match="uses more than"):
        read_child_frame(plugin_pb2.ChildFrame(ready=names).SerializeToString())
