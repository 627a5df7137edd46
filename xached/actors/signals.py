"""Models of the house: trained again by the calendar, and always told when and why not.

Theory of operation. A plan says what is trained when. At its time the closed candles that the house
has kept go to a process beside the daemon (:mod:`xached.research.models.training_process`), which
has the lowest priority and is the only one that reads and writes the registry. It watches the model
in force on labels it was never tested on, trains a candidate, and lets it replace only if it is not
worse. The daemon reads no model; what it keeps is what that process told: which model is in force,
whether it may still trade, and what came of the last attempt. A process that fails or takes too
long is killed, and the model in force stays.

A time that passed while the house was closed is made up for once, at the start. One plan is trained
at a time. Where a plan was never tried it is tried at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import attrs
import trio
from loguru import logger

from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Directory, Symbol
from xached.domain.market import Venue
from xached.domain.rejection import Rejection
from xached.runtime.schedule import Schedule
from xached.runtime.supervise import WorldFault
from xached.runtime.world import NS_PER_S, World

TRAINING_S_MAX: Final = 3_600.0
CHECK_S: Final = 60.0
"""The wall clock may be set: what is due is looked at again this often."""

RETRY_S: Final = 600.0
"""After this long a market is asked for again that was not there."""

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
RECEIVE_BYTES: Final = 65_536
CANDLES_MAX: Final = 100_000
"""Of one market. More than the house keeps of any interval but the shortest."""

DAY_S: Final = 86_400
INTERVAL_TEXTS: Final = {
    Interval.M1: "1m", Interval.M5: "5m", Interval.M15: "15m", Interval.H1: "1h", Interval.D1: "1d",
}  # fmt: skip


class TrainingFailed(WorldFault):
    """The process that trains ended without an answer. The model in force stays."""


class PastCandles(Protocol):
    """Where closed candles come from."""

    async def past_candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """The newest closed candles, oldest first, at most so many. Raises: Rejection."""
        ...


@attrs.frozen(kw_only=True)
class ModelPlan:
    """What is trained, on what and when. ``cost_ppm``: of one order, all costs together.

    ``others``: markets that the model looks at besides the one it is of.
    """

    name: str
    symbol: Symbol
    venue: Venue
    interval: Interval
    others: tuple[Symbol, ...] = ()
    horizon: int = 32
    history_days: int = 180
    schedule: Schedule = attrs.field(factory=lambda: Schedule("0 3 * * sun"))
    cost_ppm: int = 1_200
    seed: int = 1
    features: tuple[str, ...] = ()
    """What it looks at; the usual ones when there is none."""


@attrs.frozen(kw_only=True)
class ModelInForce:
    """The newest model of a plan. ``advice``: why it does not trade; empty while it does."""

    digest: str
    registered_at_ns: int
    labels_end_ns: int
    fingerprint: str
    metrics: Mapping[str, float]
    advice: str
    advice_since_ns: int
    shelf: str
    """As a strategy takes it."""


@attrs.frozen(kw_only=True)
class LastAttempt:
    """When a plan was last tried, and what came of it."""

    at_ns: int
    outcome: str
    replaced: bool


@attrs.frozen(kw_only=True)
class ModelStatus:
    """How a plan stands. ``next_at_ns``: when it is due; None: never again.

    ``fault``: why the process that was to train or to look gave no answer; empty when it did.
    """

    plan: ModelPlan
    known: bool = False
    """Whether the registry was read since the start."""
    models: int = 0
    in_force: ModelInForce | None = None
    attempt: LastAttempt | None = None
    next_at_ns: int | None = None
    training: bool = False
    fault: str = ""


@attrs.frozen(kw_only=True)
class SignalStatistics:
    """What was done since the start, and how many plans are without a model that may trade."""

    trainings: int
    replaced: int
    faults: int
    advising: int
    without_model: int


class Signals:
    """How the models of all plans stand. Outlives the task that trains them."""

    def __init__(self, plans: Sequence[ModelPlan] = ()) -> None:
        self._statuses = {plan.name: ModelStatus(plan=plan) for plan in plans}
        assert len(self._statuses) == len(plans), "names are unique"
        self._changed = trio.Event()
        self._asked: set[str] = set()
        self._wake = trio.Event()
        self.trainings = self.replaced = self.faults = 0

    def statuses(self) -> tuple[ModelStatus, ...]:
        """How each plan stands, in the order of the configuration."""
        return tuple(self._statuses.values())

    def knows(self, name: str) -> bool:
        """Whether there is a plan of a name."""
        return name in self._statuses

    def in_force(self, name: str) -> ModelInForce | None:
        """The newest model of a name; None while there is none, or nobody knows yet."""
        status = self._statuses.get(name)
        return None if status is None else status.in_force

    def advice(self, name: str) -> str:
        """Why a name may not trade; empty while its model may. Unknown means it may not."""
        found = self.in_force(name)
        return "there is no model" if found is None else found.advice

    async def wait_changed(self) -> None:
        """Wait until anything is known anew."""
        await self._changed.wait()

    def train_now(self, name: str) -> None:
        """Have a plan tried before its time. Raises: KeyError for no such plan."""
        _ = self._statuses[name]
        self._asked.add(name)
        self._wake.set()

    def statistics(self) -> SignalStatistics:
        """Tell how it is going."""
        held = [each.in_force for each in self._statuses.values()]
        return SignalStatistics(
            trainings=self.trainings,
            replaced=self.replaced,
            faults=self.faults,
            advising=sum(each is not None and bool(each.advice) for each in held),
            without_model=sum(each is None for each in held),
        )

    def _change(self, name: str, **changes: Any) -> None:
        self._statuses[name] = attrs.evolve(self._statuses[name], **changes)
        changed, self._changed = self._changed, trio.Event()
        changed.set()

    def _due(self, now_ns: int) -> ModelPlan | None:
        """What is to be tried now: what was asked for first, then what is longest overdue."""
        asked = [each for each in self._statuses if each in self._asked]
        if asked:
            self._asked.discard(asked[0])
            return self._statuses[asked[0]].plan
        due = [
            (each.next_at_ns, each.plan.name)
            for each in self._statuses.values()
            if each.next_at_ns is not None and each.next_at_ns <= now_ns
        ]
        return self._statuses[min(due)[1]].plan if due else None


@attrs.frozen(kw_only=True)
class SignalSurroundings:
    """What training needs of the house. ``command``: how the process is started."""

    world: World
    candles: PastCandles
    directory: Directory
    folder: Path
    command: Callable[[Path], Sequence[str]] = attrs.field(
        default=lambda folder: training_command(folder)
    )


def training_command(folder: Path) -> list[str]:
    """How the process that trains is started, but for its socket."""
    return [
        sys.executable, "-I", "-m", "xached", "train",
        "--models", str(folder), "--parent", str(os.getpid()),
    ]  # fmt: skip


async def run_signals(signals: Signals, around: SignalSurroundings) -> None:
    """Read how the models stand, then train each plan whenever it is due. Expendable.

    Raises: TrainingFailed, after it was noted.
    """
    if not signals.statuses():
        return
    await _ask(signals, around, None)
    while True:
        wake = signals._wake = trio.Event()
        now_ns = around.world.now_ns()
        plan = signals._due(now_ns)
        if plan is not None:
            await _try(signals, around, plan, now_ns)
            continue
        next_ns = min(
            (each.next_at_ns for each in signals.statuses() if each.next_at_ns is not None),
            default=now_ns + int(CHECK_S) * NS_PER_S,
        )
        with trio.move_on_after(min(CHECK_S, max(0.0, (next_ns - now_ns) / NS_PER_S))):
            await wake.wait()


async def _try(signals: Signals, around: SignalSurroundings, plan: ModelPlan, at_ns: int) -> None:
    before = signals.in_force(plan.name)
    # Whatever comes of it, it is not tried again before its next time.
    signals._change(plan.name, training=True, next_at_ns=plan.schedule.next_ns(at_ns))
    signals.trainings += 1
    try:
        await _ask(signals, around, await _job(around, plan, at_ns))
    except Rejection as rejection:
        # Its market may come yet, with its feed: that is no reason to miss a week.
        soon_ns = at_ns + int(RETRY_S) * NS_PER_S
        signals._change(
            plan.name,
            fault=f"{rejection.message}: {rejection.facts.get('given', '')}",
            next_at_ns=min(soon_ns, signals._statuses[plan.name].next_at_ns or soon_ns),
        )
    finally:
        signals._change(plan.name, training=False)
    after = signals.in_force(plan.name)
    if after is not None and (before is None or before.digest != after.digest):
        signals.replaced += 1
    status = signals._statuses[plan.name]
    if status.attempt is not None:
        logger.info("model {}: {}", plan.name, status.attempt.outcome)


async def _job(around: SignalSurroundings, plan: ModelPlan, at_ns: int) -> dict[str, Any]:
    """What the process is told to train, with the candles of every market. Raises: Rejection."""
    count = min(CANDLES_MAX, plan.history_days * DAY_S // plan.interval.value)
    markets = []
    for symbol in (plan.symbol, *plan.others):
        candles = await around.candles.past_candles(symbol, plan.venue, plan.interval, count)
        instrument = around.directory.instrument(symbol)
        markets.append(
            {
                "symbol": symbol,
                "venue": plan.venue,
                "tick_size": instrument.tick_size,
                "lot_size": instrument.lot_size,
                "columns": [
                    [each.open_at_ns for each in candles],
                    [each.open_ticks for each in candles],
                    [each.high_ticks for each in candles],
                    [each.low_ticks for each in candles],
                    [each.close_ticks for each in candles],
                    [each.volume_lots for each in candles],
                ],
                "bought": [each.bought_lots for each in candles],
            }
        )
    return {
        "name": plan.name,
        "interval": INTERVAL_TEXTS[plan.interval],
        "horizon": plan.horizon,
        "history_days": plan.history_days,
        "cost_ppm": plan.cost_ppm,
        "seed": plan.seed,
        "features": plan.features,
        "at_ns": at_ns,
        "markets": markets,
    }


async def _ask(
    signals: Signals, around: SignalSurroundings, train: Mapping[str, Any] | None
) -> None:
    """Have the process train, or only look, and take in what it tells. Raises: TrainingFailed."""
    asked = (
        [train["name"]] if train is not None else [each.plan.name for each in signals.statuses()]
    )
    request = {"names": asked, "train": train}
    try:
        with trio.fail_after(TRAINING_S_MAX):
            told = await _exchange(around, request)
    except (TrainingFailed, trio.TooSlowError, OSError) as error:
        fault = str(error) or f"it took more than {TRAINING_S_MAX:.0f} s"
        signals.faults += 1
        for name in asked:
            signals._change(name, fault=fault)
        raise TrainingFailed(f"model {', '.join(asked)}: {fault}") from error
    for name in asked:
        _take_in(signals, around, name, told[name])


def _take_in(
    signals: Signals, around: SignalSurroundings, name: str, told: Mapping[str, Any]
) -> None:
    plan = signals._statuses[name].plan
    attempt = None if told["attempt"] is None else LastAttempt(**told["attempt"])
    now_ns = around.world.now_ns()
    signals._change(
        name,
        known=True,
        models=told["models"],
        in_force=None if told["in_force"] is None else _in_force(told["in_force"]),
        attempt=attempt,
        next_at_ns=now_ns if attempt is None else plan.schedule.next_ns(attempt.at_ns),
        fault="",
    )


def _in_force(told: Mapping[str, Any]) -> ModelInForce:
    advice = told["advice"]
    return ModelInForce(
        digest=told["digest"],
        registered_at_ns=told["registered_at_ns"],
        labels_end_ns=told["labels_end_ns"],
        fingerprint=told["fingerprint"],
        metrics=told["metrics"],
        advice="" if advice is None else advice["reason"],
        advice_since_ns=0 if advice is None else advice["since_ns"],
        shelf=told["shelf"],
    )


async def _exchange(around: SignalSurroundings, request: Mapping[str, Any]) -> dict[str, Any]:
    """Start the process, tell it what to do and hear the answer; kill it when nobody waits."""
    body = await around.world.run_in_thread(lambda: json.dumps(request).encode())
    child = await around.world.spawn(around.command(around.folder), pass_fd="--socket", env={})  # noqa: S106 - the name of an option
    try:
        answer = bytearray()
        try:
            await child.stream.send_all(body)
            await child.stream.send_eof()
            while data := await child.stream.receive_some(RECEIVE_BYTES):
                answer += data
                if len(answer) > ANSWER_BYTES_MAX:
                    raise TrainingFailed("it said too much")
        except trio.BrokenResourceError:
            answer.clear()  # It ended; its code says why.
        code = await child.wait()
    finally:
        child.kill()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(child.stream)
            await child.wait()
    if code != 0 or not answer:
        raise TrainingFailed(f"the process ended with {code}")
    try:
        told: dict[str, Any] = json.loads(answer)
    except ValueError:
        raise TrainingFailed("what it said is no answer") from None
    if "refused" in told:
        raise TrainingFailed(told["refused"])
    return told
