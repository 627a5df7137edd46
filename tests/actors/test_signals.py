"""Models are trained when they are due; whatever goes wrong, the one in force stays, told why."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import signal_pb2

from tests.domain.market_values import BTC
from tests.research.learning import market
from xached.actors.signals import (
    ModelPlan,
    ModelStatus,
    Signals,
    SignalSurroundings,
    TrainingFailed,
    run_signals,
    training_command,
)
from xached.actors.strategies.signal_board import SignalBoard
from xached.api.signals import SignalHandlers
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import (
    Asset,
    AssetName,
    Directory,
    Symbol,
    unknown_instrument,
)
from xached.domain.market import BINANCE, Venue
from xached.domain.rejection import Rejection
from xached.research.models.training_process import answer
from xached.runtime.schedule import Schedule
from xached.runtime.world import EPOCH_NS, RealWorld, SimulatedWorld, World

DAY_NS = 86_400 * 10**9
NAME = "btc-hours"
PLAN = ModelPlan(
    name=NAME,
    symbol=BTC.symbol,
    venue=BINANCE,
    interval=Interval.H1,
    horizon=6,
    history_days=120,
    schedule=Schedule("0 3 * * *"),
    cost_ppm=200,
    features=("return:1", "return:4", "z_score:8", "pressure:8", "hour:1", "funding:1"),
)


@functools.cache
def candles(until_ns: int) -> tuple[Candle, ...]:
    """Hours up to a moment, whose price is pulled back to its mean."""
    made = market(1, 140 * 24, 0.3)
    shift_ns = EPOCH_NS - 125 * DAY_NS
    rows = zip(*(column.tolist() for column in made.columns), strict=True)
    return tuple(
        Candle(
            interval=Interval.H1, open_at_ns=at_ns + shift_ns, open_ticks=opened, high_ticks=high,
            low_ticks=low, close_ticks=close, volume_lots=volume, trades=1, simulated_trades=0,
            closed=True,
        )
        for at_ns, opened, high, low, close, volume in rows
        if at_ns + shift_ns + Interval.H1.ns <= until_ns
    )  # fmt: skip


@attrs.define
class Past:
    """What the house has kept."""

    world: World
    refused: bool = False

    async def past_candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """See PastCandles."""
        await trio.lowlevel.checkpoint()
        assert (symbol, venue, interval) == (BTC.symbol, BINANCE, Interval.H1)
        if self.refused:
            raise unknown_instrument(symbol)
        hour_ns = Interval.H1.ns
        return candles(self.world.now_ns() // hour_ns * hour_ns)[-count:]


@attrs.define
class Trainer:
    """The process that trains, as a task; it can be told to fail."""

    folder: Path
    requests: list[dict[str, Any]] = attrs.field(factory=list)
    code: int = 0
    hangs: bool = False
    said: bytes | None = None

    async def __call__(
        self, _argv: Sequence[str], env: Mapping[str, str], stream: trio.abc.HalfCloseableStream
    ) -> int:
        assert env == {}, "the daemon's environment may hold secrets"
        asked = bytearray()
        while data := await stream.receive_some():
            asked += data
        request = json.loads(asked)
        self.requests.append(request)
        if self.hangs:
            await trio.sleep_forever()
        if self.code:
            return self.code
        told = json.dumps(answer(self.folder, request)).encode() if self.said is None else self.said
        await stream.send_all(told)
        return 0

    @property
    def trained(self) -> list[int]:
        """When something was to be trained."""
        return [each["train"]["at_ns"] for each in self.requests if each["train"] is not None]


@attrs.define
class House:
    """A world in which models are trained."""

    trainer: Trainer
    world: SimulatedWorld
    signals: Signals
    around: SignalSurroundings
    past: Past

    @property
    def status(self) -> ModelStatus:
        """How the one plan stands."""
        (status,) = self.signals.statuses()
        return status

    async def run(self, days: float) -> None:
        """Let some days pass."""
        with trio.move_on_after(days * 86_400):
            await run_signals(self.signals, self.around)


def directory() -> Directory:
    """Where the market is listed."""
    found = Directory()
    found.list_asset(Asset(AssetName("BTC"), BTC.base_scale))
    found.list_asset(Asset(AssetName("USDT"), BTC.quote_scale))
    found.list_instrument(BTC)
    return found


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One with a plan and no model yet."""
    trainer = Trainer(tmp_path / "models")
    world = SimulatedWorld(1, programs={"trainer": trainer})
    past = Past(world)
    around = SignalSurroundings(
        world=world,
        candles=past,
        directory=directory(),
        folder=tmp_path / "models",
        command=lambda _folder: ["trainer"],
    )
    return House(trainer, world, Signals([PLAN]), around, past)


async def test_a_plan_is_tried_at_once_and_then_by_the_calendar(
    autojump_clock: MockClock, house: House
) -> None:
    assert house.signals.advice(NAME) == "there is no model"
    await house.run(2.5)
    times = house.trainer.trained
    assert times[0] - EPOCH_NS < 10**9
    assert [(each - EPOCH_NS) // 10**9 for each in times[1:]] == [
        3 * 3_600, 27 * 3_600, 51 * 3_600
    ]  # fmt: skip
    held = house.signals.in_force(NAME)
    assert held is not None
    assert held.labels_end_ns < held.registered_at_ns
    assert house.status.attempt is not None
    assert house.status.attempt.at_ns == times[-1]
    assert house.status.attempt.outcome
    assert house.status.next_at_ns == EPOCH_NS + 75 * 3_600 * 10**9
    assert not house.status.training
    assert house.signals.statistics().trainings == 4


async def test_what_was_missed_while_the_house_was_closed_is_made_up_for_once(
    autojump_clock: MockClock, house: House
) -> None:
    await house.run(0.1)
    tried = house.trainer.trained[-1]
    house.signals = Signals([PLAN])
    await house.run(0.001)
    assert house.trainer.trained[-1] == tried, "it was tried after it was last due"
    assert house.signals.in_force(NAME) is not None, "what is in force is known again"
    house.world.shift_clock(5 * DAY_NS)
    house.signals = Signals([PLAN])
    await house.run(0.001)
    assert len(house.trainer.trained) == 2
    assert house.trainer.trained[-1] - tried >= 5 * DAY_NS


@pytest.mark.parametrize(
    ("trouble", "fault"),
    [
        ({"code": 7}, "the process ended with 7"),
        ({"hangs": True}, "more than 3600 s"),
        ({"said": b'{"refused": "the ledger is full"}'}, "the ledger is full"),
        ({"said": b"x" * 17_000_000}, "it said too much"),
        ({"said": b"hello"}, "what it said is no answer"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_a_process_that_fails_leaves_the_model_in_force(
    autojump_clock: MockClock, house: House, trouble: dict[str, Any], fault: str
) -> None:
    """Checked by forgetting what is in force when the process fails: there was no model."""
    await house.run(0.1)
    before = house.signals.in_force(NAME)
    assert before is not None
    (status,) = house.signals.statuses()
    assert status.next_at_ns is not None
    for name, value in trouble.items():
        setattr(house.trainer, name, value)
    house.signals.train_now(NAME)
    # The first look of this run succeeds no more than the training.
    with pytest.raises(TrainingFailed, match=fault):
        await house.run(1)
    assert house.signals.in_force(NAME) == before
    assert fault in house.status.fault
    handlers: Any = SignalHandlers(house.signals, SignalBoard())
    told = await handlers.list_models(None, signal_pb2.ListModelsRequest())
    assert fault in told.models[0].fault
    assert told.models[0].in_force.digest == before.digest


async def test_a_market_that_is_not_there_is_told(autojump_clock: MockClock, house: House) -> None:
    house.past.refused = True
    await house.run(0.01)
    assert BTC.symbol in house.status.fault
    assert house.trainer.trained == []
    # It is asked for again before the next time of the calendar.
    house.past.refused = False
    await house.run(0.01)
    assert len(house.trainer.trained) == 1
    assert house.status.fault == ""


async def test_it_is_trained_before_its_time_when_asked(
    autojump_clock: MockClock, house: House
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_signals, house.signals, house.around)
        await trio.sleep(600)
        assert len(house.trainer.trained) == 1
        handlers: Any = SignalHandlers(house.signals, SignalBoard())
        await handlers.train_model(None, signal_pb2.TrainModelRequest(name=NAME))
        await trio.sleep(1)
        assert len(house.trainer.trained) == 2
        nursery.cancel_scope.cancel()
    with pytest.raises(Rejection, match="trains no such model"):
        await handlers.train_model(None, signal_pb2.TrainModelRequest(name="nobody"))


async def test_a_house_without_plans_starts_no_process(
    autojump_clock: MockClock, house: House
) -> None:
    await run_signals(Signals(), house.around)
    assert house.trainer.requests == []


async def test_the_real_process_trains_and_steps_back(tmp_path: Path) -> None:
    """Also that it needs no environment, and that its answer is what the daemon reads."""
    world = RealWorld()
    past = Past(SimulatedWorld(1))
    boot = "import sys; sys.path[:0] = {path!r}; from xached.cli import main; main()"

    def command(folder: Path) -> Sequence[str]:
        argv = training_command(folder)
        assert argv[1:4] == ["-I", "-m", "xached"]
        # The same with the sources that the tests see.
        return [argv[0], "-I", "-c", boot.format(path=sys.path), *argv[4:]]

    class Later:
        """Candles of the past, whatever the real clock says."""

        async def past_candles(
            self, symbol: Symbol, venue: Venue, interval: Interval, count: int
        ) -> Sequence[Candle]:
            """See PastCandles."""
            found = await past.past_candles(symbol, venue, interval, count)
            hour_ns = Interval.H1.ns
            shift_ns = (world.now_ns() - EPOCH_NS) // hour_ns * hour_ns
            return [attrs.evolve(each, open_at_ns=each.open_at_ns + shift_ns) for each in found]

    signals = Signals([PLAN])
    around = SignalSurroundings(
        world=world, candles=Later(), directory=directory(), folder=tmp_path / "models",
        command=command,
    )  # fmt: skip
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_signals, signals, around)
            while signals.in_force(NAME) is None:
                await signals.wait_changed()
            nursery.cancel_scope.cancel()
    (status,) = signals.statuses()
    assert status.attempt is not None
    assert status.attempt.outcome == "the first model of its name"
    assert (tmp_path / "models" / "trials.db").is_file()
    assert (tmp_path / "models").stat().st_mode & 0o777 == 0o700
