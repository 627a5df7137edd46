"""The composition root: recover, wire, serve, stop.

Nothing is served before the journal is replayed, checked, and its people are known. Vital actors
take the daemon down; the next start is their recovery. A planned stop refuses new calls, lets
open ones end, and closes the files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import attrs
import trio
from loguru import logger
from xache_sdk.seal import Layer

from xached.actors.aml import run_aml
from xached.actors.backtests.actor import Backtests
from xached.actors.backtests.surroundings import (
    BacktestBounds,
    BacktestSurroundings,
    FoundPlugin,
    FoundSignal,
)
from xached.actors.history import run_history
from xached.actors.house_watch import AGAIN, HouseWatch
from xached.actors.integrity import run_integrity
from xached.actors.market.actor import MarketFeed, run_market
from xached.actors.market.data import MarketData
from xached.actors.plugins import PluginSource
from xached.actors.risk import run_guard, run_risk
from xached.actors.rules.actor import run_rules
from xached.actors.scrub import run_scrub
from xached.actors.sessions.actor import run_sessions
from xached.actors.signals import Signals, SignalSurroundings, run_signals
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.desk import StrategyDesk
from xached.actors.strategies.floors import LiveFloor, PaperFloor
from xached.actors.strategies.keeping import keep_nothing
from xached.actors.strategies.signal_sources import (
    SignalSources,
    SourceSurroundings,
    run_signal_sources,
)
from xached.actors.strategies.surroundings import SANDBOX_MIN, StrategyConfig, Surroundings
from xached.adapters.answering_child import ProcessCommand, answering_command
from xached.adapters.child import signal_command
from xached.adapters.distributions import Distributions
from xached.adapters.examination import Examination, examine
from xached.adapters.feeds.live import LiveFeed
from xached.api.admin import HouseReport
from xached.api.disconnect_guard import TRY_AGAIN, end_streams_of_the_past
from xached.api.guest import Guest
from xached.config.config import Config, FeedsConfig
from xached.domain.audit import SignCheckpoint
from xached.domain.backtests import TrialCheckpoint
from xached.domain.capabilities import UNBOUNDED
from xached.domain.compliance_messages import SetLevelLimits
from xached.domain.instrument import Directory, Symbol
from xached.domain.market import Venue
from xached.domain.messages import (
    CONFIG,
    Command,
    ListAsset,
    ListInstrument,
    SetMark,
    SetRiskLimits,
)
from xached.domain.plugins import InstalledPlugin, PluginGroup, PluginRefused, PluginState
from xached.domain.rejection import Reason, Rejection
from xached.house.account_commands import impediments_of_anybody, open_alert
from xached.house.answering import Notifiers, PluginFeeds, watched
from xached.house.core import Core, House, build_core
from xached.house.front import build_front
from xached.house.listeners import GRACE_S, Addresses, Doors, NetworkDoors
from xached.house.recording import judge_nightly
from xached.house.recovery import FirstAdmin, introduce_signer, open_house
from xached.research.history.about import list_histories
from xached.runtime.supervise import NEVER_GIVEN_UP, Health, run_expendable, run_vital
from xached.runtime.world import World
from xached.storage.directory import DataDirectory
from xached.storage.strategy_states import StrategyStates
from xached.storage.strategy_tables import StrategyTablesFailed

MARKET_READY_S = 10.0
"""How long the doors stay shut for market data, which is not vital."""

DEMO = "demo"
"""Who has approved what a demo offers."""


class ListingRefused(Exception):  # noqa: N818 - it says what is the matter
    """The configuration contradicts what was listed before, which is for ever."""


@attrs.frozen(kw_only=True)
class Attachments:
    """What a house is given beyond its configuration: feeds, their past, and strategies."""

    feeds: Sequence[MarketFeed] = ()
    strategies: Sequence[StrategyConfig] = ()
    mark_venue: Venue
    plugins: PluginSource = attrs.field(factory=Distributions)
    """What is installed."""
    answering: ProcessCommand = answering_command
    """How the process of a feed or a notifier is started."""
    signalling: ProcessCommand = signal_command
    """How that of a signal is."""
    stale_after_s: float = 5.0
    sandbox_min: frozenset[Layer] = SANDBOX_MIN
    """Layers of the sandbox without which no strategy is started."""
    preload: Callable[[MarketData], None] = lambda _data: None
    offered: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    """Strategy plugins that are approved without an operator, and settings to try them with; none
    but in a demo."""
    visitor: Guest | None = None
    """Whom the page lets in without a password; None but in a demo."""


def live_feeds(config: FeedsConfig, world: World) -> list[MarketFeed]:
    """The feeds that the configuration asks for; they dial when they are run."""
    return [
        LiveFeed(each.rules, dict(each.instruments), world, stream=each.stream, rest=each.rest)
        for each in config.venues
    ]


@attrs.frozen(kw_only=True)
class Endpoints:
    """Where a daemon that is ready can be reached, and how it does."""

    addresses: Addresses
    first_admin: FirstAdmin
    market: MarketData
    directory: Directory
    report: Callable[[], HouseReport]
    stopped: trio.Event


Attach = Callable[[House], Awaitable[Attachments]]


async def run_daemon(
    config: Config,
    world: World,
    attach: Attach,
    stop: trio.Event,
    *,
    doors: Doors | None = None,
    task_status: trio.TaskStatus[Endpoints] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve until ``stop`` is set. Reports its endpoints once it is ready.

    Calls come in by the configured listeners unless there are other ``doors``.

    Raises: DirectoryInUse, ListingRefused, and what opening a house raises, before anything is
        served; OSError when it cannot listen; JournalFailed and VaultFailed when the disk fails.
    """
    with ExitStack() as files:
        data = files.enter_context(DataDirectory.open(config.data_dir))
        opened = open_house(
            data.paths,
            world,
            accept_clock=config.accept_clock,
            files=files,
            keys=config.keys,
        )
        core = build_core(config, world, opened, doors or NetworkDoors(config, world), files)
        async with trio.open_nursery() as nursery:
            try:
                await _run_core(config, core, nursery)
                await end_streams_of_the_past(core.house.matching, core.armed_streams)
                await _list_house(config, core)
                attachments = await attach(core.house)
                endpoints = await _open_doors(config, core, attachments, nursery)
                core.ready_at_ns = world.now_ns()
                core.serving.serve()
                addresses = endpoints.addresses
                logger.info("ready: gRPC on {}, HTTP on {}", addresses.grpc, addresses.http)
                introduce_signer(core.files, world)
                task_status.started(endpoints)
                await stop.wait()
                logger.info("stopping: no new calls, streams end, {} s for calls at work", GRACE_S)
                core.serving.drain()
                await core.close_doors()
                await core.house.sessions.ask(SignCheckpoint())
                nursery.cancel_scope.cancel()
            finally:
                core.close_mailboxes()
    core.stopped.set()


# --- what runs -------------------------------------------------------------------------------


async def _run_core(config: Config, core: Core, nursery: trio.Nursery) -> None:
    """Start what money and people need."""
    nursery.start_soon(run_vital, "matching", core.actor.run, core.health)
    await _start_vital(
        nursery,
        "sessions",
        partial(run_sessions, core.house.sessions, core.desk),
        core.health,
    )
    if core.mailer is not None:
        nursery.start_soon(run_expendable, "mailer", core.mailer.run, core.health)
    nursery.start_soon(
        run_expendable,
        "history",
        partial(
            run_history,
            core.history,
            core.files.views,
            core.views_lane,
            core.feed,
            core.house.matching,
        ),
        core.health,
    )
    nursery.start_soon(
        run_vital,
        "guard",
        partial(run_guard, core.risk, core.house.matching, core.clock),
        core.health,
    )
    nursery.start_soon(
        run_expendable,
        "risk",
        partial(run_risk, core.risk, core.house.matching, core.clock, core.blind),
        core.health,
    )
    nursery.start_soon(run_expendable, "snapshots", core.snapshots.run, core.health)
    if core.recorder is not None:
        nursery.start_soon(run_expendable, "recorder", core.recorder.run, core.health)
    nursery.start_soon(run_expendable, "scrub", partial(run_scrub, core.scrub), core.health)
    if config.aml:
        watch = partial(
            run_aml,
            config.aml,
            core.feed,
            core.house.matching,
            lambda: core.files.journal.last_seq,
            partial(open_alert, core.house.sessions),
        )
        nursery.start_soon(run_expendable, "aml", watch, core.health)
    nursery.start_soon(
        run_expendable,
        "integrity",
        partial(
            run_integrity,
            core.integrity,
            core.feed,
            core.house.matching,
            lambda: core.files.journal.last_seq,
        ),
        core.health,
    )


async def _start_vital(
    nursery: trio.Nursery,
    name: str,
    run: Callable[..., Awaitable[None]],
    health: Health,
) -> None:
    """Start a vital actor and wait until it serves."""
    started = trio.Event()

    class _Started:
        def started(self, _value: object = None) -> None:
            started.set()

    nursery.start_soon(run_vital, name, partial(run, task_status=_Started()), health)
    await started.wait()


async def _list_house(config: Config, core: Core) -> None:
    """List what the configuration names, once: what became of it later is the house's to say.

    Limits by level are those of the configuration from every start on. Raises: ListingRefused.
    """
    limits = config.house.limits
    commands: list[Command] = [
        *(ListAsset(asset=asset, request_id="") for asset in config.house.assets),
        *(
            ListInstrument(instrument=instrument, request_id="")
            for instrument in config.house.instruments
        ),
        SetRiskLimits(
            purse=None,
            max_open_orders=limits.max_open_orders,
            max_order_notional_units=limits.max_order_notional_units,
            request_id="",
        ),
    ]
    if config.levels != tuple(core.files.exchange.state.level_limits.values()):
        commands.append(SetLevelLimits(limits=config.levels, request_id=""))
    for command in commands:
        if _is_known(core.house.directory, command):
            continue
        try:
            await core.house.matching.direct(command, CONFIG)
        except Rejection as rejection:
            facts = rejection.facts
            raise ListingRefused(
                f"{rejection.message}: {facts['given']}; allowed: {facts['allowed']}"
            ) from None


def _is_known(directory: Directory, command: Command) -> bool:
    """Whether this was listed before, counted in the same steps."""
    if isinstance(command, ListAsset):
        return directory.assets.get(command.asset.name) == command.asset
    if isinstance(command, ListInstrument):
        known = directory.get(command.instrument.symbol)
        return known is not None and known.steps == command.instrument.steps
    return False


async def _open_doors(
    config: Config, core: Core, attachments: Attachments, nursery: trio.Nursery
) -> Endpoints:
    """Start market data, strategies and every listener."""
    core.strategies = Strategies(attachments.strategies)
    core.signal_sources = SignalSources(config.signals)
    plugin_feeds = PluginFeeds(config, core, attachments.sandbox_min, attachments.answering)
    core.feeds = (*attachments.feeds, *plugin_feeds.feeds)
    notifiers = Notifiers(config, core, attachments.sandbox_min, attachments.answering)
    core.notifiers = notifiers.notifiers
    core.plugins.serve(
        attachments.plugins,
        {
            PluginGroup.STRATEGY: core.strategies,
            PluginGroup.SIGNAL: core.signal_sources,
            PluginGroup.FEED: plugin_feeds,
            PluginGroup.NOTIFIER: notifiers,
        },
        partial(_examine, core.world, attachments.sandbox_min),
    )
    attachments.preload(core.market)
    core.mark_venue = attachments.mark_venue
    nursery.start_soon(
        run_expendable, "market", partial(_run_market, core, attachments), core.health
    )
    with trio.move_on_after(MARKET_READY_S) as waiting:
        await core.market.wait_ready()
    if waiting.cancelled_caught:
        logger.warning("market data is not ready; people can trade without it")
    disconnects = core.disconnects.run
    nursery.start_soon(run_expendable, "disconnects", disconnects, core.health, TRY_AGAIN)
    paper = partial(core.house.paper.run, core.venue_line, core.market.list_candles)
    nursery.start_soon(run_expendable, "paper", paper, core.health)
    nursery.start_soon(run_expendable, "paper snapshots", core.paper_snapshots.run, core.health)
    nursery.start_soon(
        run_expendable, "order reasons", core.reasons.run, core.health, NEVER_GIVEN_UP
    )
    sources = partial(run_signal_sources, core.signal_sources, _around_sources(core, attachments))
    nursery.start_soon(sources)
    core.signals = Signals(config.models)
    if config.models:
        training = partial(run_signals, core.signals, _around_signals(core))
        nursery.start_soon(run_expendable, "signals", training, core.health)
    nursery.start_soon(_offer, core, attachments.offered)
    core.backtests = Backtests(_around_backtests(config, core, attachments))
    nursery.start_soon(run_expendable, "backtests", core.backtests.run, core.health)
    around = _around_strategies(core, attachments)
    desk = core.open_desk(around)
    nursery.start_soon(_run_strategies, core, around, desk)
    rules = partial(run_rules, core.rules, core.around_rules())
    nursery.start_soon(run_expendable, "rules", rules, core.health, NEVER_GIVEN_UP)
    _judge_by_night(config, core, attachments, nursery)
    _begin_to_notify(core, notifiers, nursery)
    return Endpoints(
        addresses=await core.doors.open(build_front(config, core, attachments.visitor), nursery),
        first_admin=core.first_admin,
        market=core.market,
        directory=core.house.directory,
        report=core.report,
        stopped=core.stopped,
    )


def _begin_to_notify(core: Core, notifiers: Notifiers, nursery: trio.Nursery) -> None:
    """Have operators told what happens, where somebody is to be told."""
    for each in notifiers.notifiers:
        nursery.start_soon(run_expendable, each.name, each.run, core.health, each.restart)
    if notifiers.notifiers:
        watch = HouseWatch(watched(core), notifiers.tell)
        nursery.start_soon(run_expendable, "house watch", watch.run, core.health, AGAIN)


def _judge_by_night(
    config: Config, core: Core, attachments: Attachments, nursery: trio.Nursery
) -> None:
    """Have strategies judged by the calendar, where that is wanted."""
    core.nightly = judge_nightly(
        config.record,
        core.files.paths,
        core.world,
        attachments.sandbox_min,
        lambda: [each.name for each in core.strategies.statistics()],
    )
    if core.nightly is not None:
        nursery.start_soon(run_expendable, "parity", core.nightly.run, core.health)


async def _run_market(core: Core, attachments: Attachments) -> None:
    matching = core.house.matching

    async def set_mark(symbol: Symbol, price_ticks: int, source: str) -> None:
        command = SetMark(symbol=symbol, price_ticks=price_ticks, source=source, request_id="")
        await matching.execute(command)

    await run_market(
        core.market,
        world=core.world,
        exchange=matching,
        rows=core.feed,
        feeds=core.feeds,
        store=core.files.candles,
        set_mark=set_mark,
        mark_venue=attachments.mark_venue,
        health=core.health,
        stale_after_s=attachments.stale_after_s,
    )


def _around_signals(core: Core) -> SignalSurroundings:
    return SignalSurroundings(
        world=core.world,
        candles=core.market,
        directory=core.house.directory,
        folder=core.files.paths.models,
    )


def _model_digest(core: Core, name: str) -> str:
    found = core.signals.in_force(name)
    return "" if found is None else found.digest


async def _find_signals(config: Config, core: Core) -> Mapping[str, FoundSignal]:
    """The signals of the configuration whose plugins may run now."""
    found = {}
    for each in config.signals:
        with suppress(PluginRefused):
            admission = await core.plugins.admit(
                each.plugin, vouched=each.vouched, group=PluginGroup.SIGNAL
            )
            found[each.name] = FoundSignal(
                entry_point=admission.plugin.entry_point,
                digest=admission.digest,
                settings_json=each.settings_json,
            )
    return found


def _around_backtests(config: Config, core: Core, attachments: Attachments) -> BacktestSurroundings:
    folder = config.backtests.histories or core.files.paths.histories
    configured = {each.strategy for each in attachments.strategies if each.vouched}

    async def find_plugin(name: str) -> FoundPlugin:
        try:
            admission = await core.plugins.admit(name, vouched=name in configured)
        except PluginRefused as refused:
            raise Rejection(Reason.UNKNOWN_PLUGIN, str(refused), field="plugin") from None
        return FoundPlugin(entry_point=admission.plugin.entry_point, digest=admission.digest)

    return BacktestSurroundings(
        world=core.world,
        records=core.records,
        find_plugin=find_plugin,
        find_signals=partial(_find_signals, config, core),
        list_histories=partial(list_histories, folder),
        histories=folder,
        anchor=partial(_anchor_trials, core),
        models=core.files.paths.models,
        knows_model=lambda name: core.signals.knows(name),
        model_digest=partial(_model_digest, core),
        bounds=BacktestBounds(running_max=config.backtests.running_max),
        sandbox_min=attachments.sandbox_min,
    )


async def _examine(
    world: World,
    sandbox_min: frozenset[Layer],
    plugin: InstalledPlugin,
    check: bool,
    settings: Mapping[str, Any],
) -> Examination:
    return await examine(world, plugin, check=check, settings=settings, sandbox_min=sandbox_min)


async def _offer(core: Core, offered: Mapping[str, Mapping[str, Any]]) -> None:
    """Approve what a demo offers, once: what is approved already stays as it is."""
    for name, settings in offered.items():
        try:
            report = await core.plugins.look(name, vouched=False)
            if report.found is None or report.verdict.state is PluginState.APPROVED:
                continue
            await core.plugins.approve(
                name,
                digest=report.found.digest,
                capabilities=UNBOUNDED,
                settings=settings,
                unchecked=False,
                by=DEMO,
                restart=False,
            )
        except (Rejection, StrategyTablesFailed) as failed:
            logger.warning("strategy plugin {} is not in the catalogue: {}", name, failed)


def _around_strategies(core: Core, attachments: Attachments) -> Surroundings:
    paper = core.house.paper
    return Surroundings(
        world=core.world,
        live=LiveFloor(core.house.matching, core.feed, core.house.directory),
        paper=PaperFloor(
            paper.matching,
            paper.rows,
            paper.directory,
            core.house.directory,
            core.paper_opening,
        ),
        markets=core.market,
        directory=core.house.directory,
        health=core.health,
        plugins=core.plugins,
        sandbox_min=attachments.sandbox_min,
        states=StrategyStates(core.files.paths.strategy_states, core.world.files),
        reasons=core.reasons,
        models=core.signals,
        signals=core.signal_sources.board,
        keep=keep_nothing if core.recorder is None else core.recorder.run_log,
        impediments=partial(impediments_of_anybody, core.house.sessions),
    )


def _around_sources(core: Core, attachments: Attachments) -> SourceSurroundings:
    return SourceSurroundings(
        world=core.world,
        markets=core.market,
        directory=core.house.directory,
        health=core.health,
        plugins=core.plugins,
        sandbox_min=attachments.sandbox_min,
        command=attachments.signalling,
    )


def _anchor_trials(core: Core, count: int, chain: bytes) -> None:
    """Tell the system's log where the trials end, so that none can be taken out unseen."""
    head = core.files.signer.sign_trials(
        TrialCheckpoint(
            house_id=core.files.journal.house_id,
            at_ns=core.world.now_ns(),
            count=count,
            chain=chain,
        )
    )
    if not core.world.tell_system(head.text):
        logger.info("no system log; this anchors the trials: {}", head.text)


async def _run_strategies(core: Core, around: Surroundings, desk: StrategyDesk) -> None:
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                run_expendable, "strategy desk", desk.run, core.health, NEVER_GIVEN_UP
            )
            await run_strategies(core.strategies, around)
            nursery.cancel_scope.cancel()
    finally:
        core.strategies_done.set()
