"""Strategies: each in a child process of its own, trading one purse like any person.

Theory of operation. One run of a strategy is one child process and one run id that was never
used before; every order id starts with it, so that nothing a run says can be mistaken for another
run's. A run begins and ends with CancelAll, so that no order is open without somebody to mind it.
The child gets market data (conflated when it is slow) and what becomes of its orders (never
dropped: if rows are lost, the run ends and a new one begins from the purse as it stands). It gives
intents, which become commands and meet the same checks as everybody's. A child that crashes,
hangs, floods or breaks the protocol is killed; the supervisor starts the next run after a pause.
One that cannot run as it is configured stays down at once.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio
from loguru import logger
from xache_sdk.seal import Layer

from xached.actors.strategies.breaches import BREACHES, breach_of
from xached.actors.strategies.house_models import Models, TradedModel, model_name, with_model
from xached.actors.strategies.keeping import RunLog, about_run, readable_settings
from xached.actors.strategies.leftovers import AGAIN, Leftovers
from xached.actors.strategies.market_data import StrategyFailed, StrategyMisconfigured
from xached.actors.strategies.run import (
    Rows,
    Run,
    Said,
    StopRequest,
    Tally,
    insist,
    query_purse,
)
from xached.actors.strategies.standing import Standing
from xached.actors.strategies.surroundings import StrategyConfig, Surroundings
from xached.adapters.child import ChildStatistics, open_child
from xached.adapters.child_frames import RUN_ID_BYTES
from xached.domain.instrument import Symbol
from xached.domain.messages import CancelAll
from xached.domain.order import AccountId, EndReason, Purse, account_of
from xached.domain.plugins import Admission, PluginRefused
from xached.domain.queries import PurseSnapshot
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import Restart, run_expendable
from xached.storage.order_reasons import StrategyRun

SAVE_S_MAX: Final = 5.0
ROWS_CAPACITY: Final = 4_096


@attrs.frozen(kw_only=True)
class StrategyStatistics:
    """What a strategy has done, over all its runs; ``child`` is the running one's."""

    name: str
    plugin: str
    symbols: tuple[Symbol, ...]
    """What it may see and trade; empty for everything."""
    purse: Purse
    run_id: str
    runs: int
    personal: bool
    """Whether it is a person's, and not the operator's."""
    ready: bool
    predicts: bool
    """What its plugin declares; to be believed once it is ready."""
    open_orders: int
    timers: int
    placed: int
    refused: int
    beyond: int
    """Of those refused: what the operator does not let it do."""
    cancels: int
    notes: int
    last_note: str
    said: tuple[Said, ...]
    """The newest notes, the oldest of them first."""
    child: ChildStatistics | None
    layers: tuple[Layer, ...]
    """What holds the running child."""
    advice: str
    """Why its model does not buy, or why it waits for one; empty while it may trade."""


class Strategies:
    """The strategies that run: add some, ask them to stop, see how they do."""

    def __init__(self, configs: Sequence[StrategyConfig]) -> None:
        assert len({config.purse for config in configs}) == len(configs), "one strategy a purse"
        self.configured: Final = frozenset(config.name for config in configs)
        """The names of those that are there from the start: the operator's."""
        self._seats = {config.name: _Seat(config) for config in configs}
        assert len(self._seats) == len(configs), "names are unique"
        self._begun: list[_Seat] = list(self._seats.values())
        """Those that nobody supervises yet."""
        self._changed = trio.Event()
        self._closing = False
        self.leftovers: Final = Leftovers()
        """Orders of those that have ended."""

    def add(self, config: StrategyConfig) -> None:
        """Run another one from now on; nothing of its name or its purse may be there."""
        seats = self._seats.values()
        assert all(config.purse != seat.config.purse for seat in seats), "one strategy a purse"
        assert config.name not in self._seats, "names are unique"
        seat = self._seats[config.name] = _Seat(config)
        self._begun.append(seat)
        self._changed.set()

    async def remove(self, name: str, cause: str) -> None:
        """Stop a strategy and forget it, once it has ended. Nothing where it is not there."""
        seat = self._seats.get(name)
        if seat is None:
            await trio.lowlevel.checkpoint()
            return
        seat.stop.ask(cause)
        await seat.over.wait()
        self._seats.pop(name, None)

    def find(self, name: str) -> StrategyStatistics | None:
        """How one of them does; None where it is not there."""
        seat = self._seats.get(name)
        return None if seat is None else seat.statistics()

    def is_down(self, name: str) -> bool:
        """Whether one has ended that nobody has asked to."""
        seat = self._seats.get(name)
        return seat is not None and seat.over.is_set() and not seat.stop.asked.is_set()

    def stop(self, name: str, cause: str) -> None:
        """Ask a strategy to end; it does not start again. Raises: KeyError for no such name."""
        self._seats[name].stop.ask(cause)

    def stop_on(self, purse: Purse, cause: str) -> None:
        """Ask whichever trades a purse to end; it does not start again before the house does."""
        for seat in self._seats.values():
            if seat.config.purse == purse:
                seat.stop.ask(cause)

    def account_changed(self, account_id: AccountId) -> None:
        """Look at once whether the operator's strategies may still trade in an account."""
        for seat in self._seats.values():
            if seat.standing is not None and seat.standing.account_id == account_id:
                seat.standing.changed()

    def stop_all(self, cause: str) -> None:
        """Ask all of them, and those that are added later, as when the house closes."""
        self._closing = True
        self._changed.set()
        for seat in self._seats.values():
            seat.stop.ask(cause)

    def withdraw(self, plugin: str, cause: str) -> None:
        """End the runs of a plugin that may no longer run; they begin again once it may."""
        for seat in self._seats.values():
            if seat.config.strategy == plugin and seat.run is not None:
                seat.run.withdraw(cause)

    def admit(self, plugin: str) -> None:
        """Begin the strategies that are down because their plugin might not run."""
        for seat in self._seats.values():
            if seat.config.strategy == plugin:
                seat.admitted.set()

    def statistics(self) -> tuple[StrategyStatistics, ...]:
        """How each one does."""
        return tuple(seat.statistics() for seat in self._seats.values())


async def run_strategies(strategies: Strategies, around: Surroundings) -> None:
    """Run all strategies, and those that are added, until all were asked to stop and have ended."""
    async with trio.open_nursery() as cancelling:
        leftovers = functools.partial(strategies.leftovers.run, around)
        cancelling.start_soon(
            run_expendable, "cancels of strategies", leftovers, around.health, AGAIN
        )
        async with trio.open_nursery() as nursery:
            while not strategies._closing:
                for seat in strategies._begun:
                    nursery.start_soon(_supervise, seat, strategies.leftovers, around)
                strategies._begun.clear()
                strategies._changed = trio.Event()
                await strategies._changed.wait()
            for seat in strategies._begun:
                seat.over.set()
            strategies._begun.clear()
        cancelling.cancel_scope.cancel()


@attrs.define
class _Seat:
    """What stays of a strategy from run to run."""

    config: StrategyConfig
    stop: StopRequest = attrs.field(factory=StopRequest)
    over: trio.Event = attrs.field(factory=trio.Event)
    """Set once nothing of it runs, and nothing will."""
    running: trio.Lock = attrs.field(factory=trio.Lock)
    run: Run | None = None
    standing: Standing | None = None
    """How its account stands, where it is the operator's; from its first run on."""
    admitted: trio.Event = attrs.field(factory=trio.Event)
    admission: Admission | None = None
    misconfigured: BaseException | None = None
    refused: bool = False
    """Whether what is misconfigured is that its plugin may not run."""
    runs: int = 0
    waits_for: str = ""
    tally: Tally = attrs.field(factory=Tally)

    def statistics(self) -> StrategyStatistics:
        run = self.run
        return StrategyStatistics(
            name=self.config.name,
            plugin=self.config.strategy,
            symbols=tuple(self.config.symbols),
            purse=self.config.purse,
            run_id=run.run_id if run is not None else "",
            runs=self.runs,
            personal=bool(self.config.owner),
            ready=run is not None and run.ready.is_set(),
            predicts=run is None or run.predicts,
            open_orders=len(run.orders) if run is not None else 0,
            timers=len(run.timers) if run is not None else 0,
            placed=self.tally.placed,
            refused=self.tally.refused,
            beyond=self.tally.beyond,
            cancels=self.tally.cancels,
            notes=self.tally.notes,
            last_note=self.tally.last_note,
            said=tuple(self.tally.said),
            child=run.child.statistics() if run is not None else None,
            layers=run.layers or () if run is not None else (),
            advice=run.advice if run is not None else self.waits_for,
        )


async def _supervise(seat: _Seat, leftovers: Leftovers, around: Surroundings) -> None:
    """Run after run, until one was asked to stop or too many have failed."""
    try:
        await _run_again_and_again(seat, leftovers, around)
    finally:
        seat.over.set()


async def _run_again_and_again(seat: _Seat, leftovers: Leftovers, around: Surroundings) -> None:
    name = f"strategy {seat.config.name}"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_between_runs, seat, nursery.cancel_scope)
        run = functools.partial(_run_once, seat, leftovers, around)
        while True:
            seat.admitted = trio.Event()
            await run_expendable(name, run, around.health, around.restart)
            if seat.misconfigured is None:
                break
            give_up = functools.partial(_give_up, seat.misconfigured)
            await run_expendable(name, give_up, around.health, Restart(limit=0))
            if not seat.refused:
                break
            await seat.admitted.wait()
            seat.misconfigured, seat.refused = None, False
        nursery.cancel_scope.cancel()


async def _give_up(reason: BaseException) -> None:
    """The next run would end like the last: let health show why there is none."""
    await trio.lowlevel.checkpoint()
    raise reason


async def _stop_between_runs(seat: _Seat, supervision: trio.CancelScope) -> None:
    """A run ends itself when asked; the pause before the next one has to be cut short."""
    await seat.stop.asked.wait()
    async with seat.running:
        supervision.cancel()


async def _run_once(seat: _Seat, leftovers: Leftovers, around: Surroundings) -> None:
    """One run, or one after the other of newer models. Returns when there is to be no other.

    Raises what ended it otherwise.
    """
    try:
        again = True
        while again:
            await _wait_for_model(seat, around)
            await _wait_for_owner(seat, around)
            async with seat.running:
                again = not seat.stop.asked.is_set() and await _run_child(seat, leftovers, around)
    except* StrategyMisconfigured as group:
        seat.misconfigured = group
    except* PluginRefused as group:
        seat.misconfigured, seat.refused = group, True


async def _wait_for_model(seat: _Seat, around: Surroundings) -> None:
    """Wait until there is a model of the house, where one is asked for."""
    name = model_name(seat.config.settings_json)
    if name and not around.models.knows(name):
        raise StrategyMisconfigured(f"the house trains no model {name!r}")
    while name and around.models.in_force(name) is None:
        seat.waits_for = f"it waits for the first model {name!r}"
        await around.models.wait_changed()
    seat.waits_for = ""


async def _wait_for_owner(seat: _Seat, around: Surroundings) -> None:
    """Wait while something stands against the account that the operator has it trade in."""
    if seat.config.owner:
        return
    if seat.standing is None:
        seat.standing = Standing(account_of(seat.config.purse), around.impediments)
    while against := await seat.standing.ask():
        if against != seat.waits_for:
            logger.warning("strategy {} waits: {}", seat.config.name, against)
        seat.waits_for = against
        await seat.standing.wait_changed()
    seat.waits_for = ""


async def _run_child(seat: _Seat, leftovers: Leftovers, around: Surroundings) -> bool:
    """One run; whether another one is to follow it at once, with a newer model."""
    run_id = around.world.entropy(RUN_ID_BYTES).hex()
    configured = seat.config.settings_json
    config, model = _with_house_model(seat.config, around.models)
    async with _nothing_left_open(seat, leftovers, around, run_id):
        plugin = config.strategy
        admission = await around.plugins.admit(plugin, vouched=config.vouched, owner=config.owner)
        described = _describe(config, configured, admission, around, run_id)
        await around.reasons.begin(described)
        seat.admission = admission
        seat.runs += 1
        try:
            return await _run_admitted(seat, config, model, admission, around, described)
        except* BREACHES as group:
            breach = breach_of(group)
            if breach is not None:
                await around.plugins.note_breach(plugin, breach, owner=config.owner)
            raise


def _with_house_model(
    config: StrategyConfig, models: Models
) -> tuple[StrategyConfig, TradedModel | None]:
    """Settings with the model in force in the place of its name; None for who names none."""
    name = model_name(config.settings_json)
    found = models.in_force(name) if name else None
    if found is None:
        return config, None
    settings_json = with_model(config.settings_json, found)
    traded = TradedModel(models, name, found.digest)
    return attrs.evolve(config, settings_json=settings_json), traded


async def _run_admitted(
    seat: _Seat,
    config: StrategyConfig,
    model: TradedModel | None,
    admission: Admission,
    around: Surroundings,
    described: StrategyRun,
) -> bool:
    may = config.capabilities.narrowed(admission.capabilities)
    config = attrs.evolve(config, capabilities=may)
    command = around.command(admission.plugin.entry_point)
    log = _keep(config, around, described)
    run: Run | None = None
    try:
        async with (
            around.floor(config.purse).rows.subscribe(ROWS_CAPACITY) as rows,
            open_child(around.world, command, log) as child,
        ):
            purse = await query_purse(around, config.purse)
            run_id = described.run_id
            run = Run(
                config, around, child, run_id, purse, seat.tally, seat.stop, model, seat.standing
            )
            await _serve(seat, run, rows, purse)
    finally:
        if log is not None:
            in_order = run is not None and run.ended_in_order
            log.end(around.world.now_ns(), in_order=in_order)
    return run.renewed


async def _serve(seat: _Seat, run: Run, rows: Rows, purse: PurseSnapshot) -> None:
    seat.run = run
    try:
        await run.serve(rows, purse)
    finally:
        seat.run = None
        with trio.CancelScope(shield=True), trio.move_on_after(SAVE_S_MAX):
            await run.saving.flush()


def _keep(config: StrategyConfig, around: Surroundings, run: StrategyRun) -> RunLog | None:
    """Begin the log of a run."""
    floor = around.floor(config.purse)
    instruments = [floor.instrument(symbol) for symbol in config.symbols]
    about = about_run(run, config.settings_json, instruments, paper=config.paper)
    return around.keep(config.name, run.run_id, about)


def _describe(
    config: StrategyConfig, configured: str, admission: Admission, around: Surroundings, run_id: str
) -> StrategyRun:
    """What a run is. ``configured`` are its settings with a model of the house by its name."""
    return StrategyRun(
        run_id=run_id,
        purse=config.purse,
        strategy=config.title or config.name,
        plugin=config.strategy,
        distribution=admission.plugin.distribution,
        version=admission.plugin.version,
        plugin_digest=admission.digest,
        settings_digest=hashlib.sha256(config.settings_json.encode()).hexdigest(),
        started_at_ns=around.world.now_ns(),
        settings_json=readable_settings(configured),
    )


@asynccontextmanager
async def _nothing_left_open(
    seat: _Seat, leftovers: Leftovers, around: Surroundings, run_id: str
) -> AsyncIterator[None]:
    """Cancel the purse's orders before and after, whatever happens in between."""

    def cancel_all(when: str) -> CancelAll:
        return CancelAll(
            purse=seat.config.purse,
            symbol=None,
            request_id=f"{run_id}-{when}",
            reason=EndReason.DISCONNECT,
        )

    await around.floor(seat.config.purse).prepare(seat.config)
    # Also before: the daemon may have been killed while orders were open.
    try:
        await insist(around, cancel_all("start"))
    except Overloaded:
        raise StrategyFailed("the exchange was too busy to cancel what is open") from None
    leftovers.discard(seat.config.purse)
    try:
        yield
    finally:
        with trio.CancelScope(shield=True):
            await leftovers.cancel(around, cancel_all("end"))
