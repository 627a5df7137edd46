"""The composition root: recover, wire, serve, stop.

Nothing is served before the journal is replayed, checked, and its people are known. Vital actors
take the daemon down; the next start is their recovery. A planned stop refuses new calls, lets
open ones end, and closes the files.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from typing import Any

import attrs
import trio
from loguru import logger
from xache.v1 import (
    account_pb2,
    admin_pb2,
    auth_pb2,
    compliance_pb2,
    market_pb2,
    risk_pb2,
    staff_pb2,
    trading_pb2,
    wallet_pb2,
)

from xached.account_commands import close_account, open_main_purse, set_level
from xached.actors.history import History, run_history
from xached.actors.integrity import run_integrity
from xached.actors.mailer import Bell, Mailer
from xached.actors.market.actor import MarketFeed, run_market
from xached.actors.market.data import MarketData
from xached.actors.matching import Matching, MatchingActor
from xached.actors.risk import RiskWatch, run_guard, run_risk
from xached.actors.sessions.actor import SessionDesk, run_sessions
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.surroundings import StrategyConfig, Surroundings
from xached.adapters.child import find_strategies
from xached.adapters.feeds.live import LiveFeed
from xached.api.admin import ActorReport, AdminHandlers, HouseReport
from xached.api.api_keys import ApiKeyHandlers
from xached.api.auction import AuctionHandlers
from xached.api.audit import ActionAudit
from xached.api.auth import SessionAuthorizer
from xached.api.auth_service import auth_handlers
from xached.api.compliance import ComplianceHandlers
from xached.api.disconnect_guard import end_streams_of_the_past
from xached.api.errors import Interceptor
from xached.api.fees import FeeStatements
from xached.api.health import HealthService
from xached.api.integrity import IntegrityHandlers
from xached.api.key_auth import NS_PER_MS, Authorizers, KeyAuthorizer, KeySpending
from xached.api.market import MarketHandlers
from xached.api.order_control import OrderControl
from xached.api.order_reading import OrderReading
from xached.api.paper import AccountsByPurse, ByPurse, paper_unavailable
from xached.api.portfolio import Portfolios
from xached.api.rate_limits import RateLimiter
from xached.api.reflection import reflection_services
from xached.api.risk import RiskHandlers
from xached.api.routes import Routes, Service
from xached.api.staff import StaffHandlers
from xached.api.trading import TradingHandlers
from xached.api.wallet import WalletHandlers
from xached.api.web import Readiness, WebApp
from xached.config import Config, FeedsConfig
from xached.domain.api_keys import KeyTable
from xached.domain.audit import SignCheckpoint
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.instrument import Directory, Symbol
from xached.domain.integrity import Integrity
from xached.domain.market import Venue
from xached.domain.market_line import MarketLine
from xached.domain.messages import (
    CONFIG,
    Command,
    ListAsset,
    ListInstrument,
    Row,
    SetMark,
    SetRiskLimits,
)
from xached.domain.order import Purse
from xached.domain.rejection import Rejection
from xached.domain.replays import ReplayGuard
from xached.domain.sessions import SessionTable
from xached.listeners import GRACE_S, Addresses, Doors, Front, NetworkDoors
from xached.paper_house import PaperHouse
from xached.recovery import FirstAdmin, HouseFiles, first_admin, open_house
from xached.runtime.mailbox import Mailbox
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.supervise import Health, run_expendable, run_vital
from xached.runtime.topic import Topic
from xached.runtime.world import Lane, World
from xached.snapshot_maker import SnapshotMaker
from xached.storage.directory import DataDirectory, DataPaths
from xached.storage.snapshots import newest_seq

SESSIONS_PLACES = 1_024
MARK_SILENCE_S = 10.0
"""After this long without a word from the venue of its mark a market may only reduce."""
MARKET_READY_S = 10.0
"""How long the doors stay shut for market data, which is not vital."""


class ListingRefused(Exception):  # noqa: N818 - it says what is the matter
    """The configuration contradicts what was listed before, which is for ever."""


@attrs.frozen(kw_only=True)
class House:
    """What runs before the doors open; for those who prepare it."""

    world: World
    paths: DataPaths
    matching: Matching
    sessions: Mailbox[AuthMessage, AuthReply]
    directory: Directory
    files: HouseFiles
    rows: Topic[Row]
    history: History
    paper: PaperHouse


@attrs.frozen(kw_only=True)
class Attachments:
    """What a house is given beyond its configuration: feeds, their past, and strategies."""

    feeds: Sequence[MarketFeed] = ()
    strategies: Sequence[StrategyConfig] = ()
    mark_venue: Venue
    installed: Callable[[], Mapping[str, str]] = find_strategies
    """Which strategies there are: name → entry point."""
    stale_after_s: float = 5.0
    preload: Callable[[MarketData], None] = lambda _data: None


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
        core = _build_core(config, world, opened, doors or NetworkDoors(config, world), files)
        async with trio.open_nursery() as nursery:
            try:
                await _run_core(core, nursery)
                await end_streams_of_the_past(core.house.matching, core.armed_streams)
                await _list_house(config, core)
                attachments = await attach(core.house)
                endpoints = await _open_doors(config, core, attachments, nursery)
                core.ready_at_ns = world.now_ns()
                core.serving.serve()
                addresses = endpoints.addresses
                logger.info("ready: gRPC on {}, HTTP on {}", addresses.grpc, addresses.http)
                _introduce(core)
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


def _introduce(core: _Core) -> None:
    """Say by which key the audit is signed, and whether anybody else will know."""
    key = core.files.signer.public_key.hex()
    logger.info("audit checkpoints are signed by the Ed25519 key {}", key)
    if not core.world.tell_system(f"house {core.files.vault.house_id.hex()} signs with {key}"):
        logger.warning(
            "there is no system log here: audit checkpoints are in vault.db alone; save those that "
            "`xached admin checkpoints` prints where this machine cannot change them"
        )


@attrs.define(kw_only=True, eq=False)
class _Core:
    """Everything that was recovered, and everything that runs."""

    house: House
    world: World
    files: HouseFiles
    table: SessionTable
    keys: KeyTable
    desk: SessionDesk
    actor: MatchingActor
    feed: Topic[Row]
    history: History
    market: MarketData
    health: Health
    clock: SteadyClock
    risk: RiskWatch
    paper_opening: int
    first_admin: FirstAdmin
    views_lane: Lane
    snapshots: SnapshotMaker
    paper_snapshots: SnapshotMaker
    armed_streams: dict[int, Purse]
    doors: Doors
    mailer: Mailer | None
    feeds: Sequence[MarketFeed] = ()
    integrity: Integrity = attrs.field(factory=Integrity)
    strategies: Strategies = attrs.field(factory=lambda: Strategies(()))
    serving: HealthService = attrs.field(factory=lambda: HealthService(()))
    strategies_done: trio.Event = attrs.field(factory=trio.Event)
    mark_venue: Venue | None = None
    closing: bool = False
    stopped: trio.Event = attrs.field(factory=trio.Event)
    ready_at_ns: int = 0

    async def close_doors(self) -> None:
        """Let calls, pages and strategies end; bounded by their own grace."""
        self.closing = True
        self.strategies.stop_all("the house is closing")
        await self.doors.close()
        await self.strategies_done.wait()

    def blind(self) -> list[Symbol]:
        """The markets whose mark comes from a venue that is silent."""
        if self.mark_venue is None:
            return []
        return self.market.silent(self.mark_venue, MARK_SILENCE_S)

    def venue_line(self, symbol: Symbol) -> MarketLine | None:
        """What the venue of the mark says about an instrument."""
        known = self.market.lines.get((symbol, self.mark_venue)) if self.mark_venue else None
        return known.line if known is not None else None

    def close_mailboxes(self) -> None:
        """Answer whoever still waits: nothing more will be done."""
        self.house.matching.mailbox.close()
        self.house.sessions.close()

    def report(self) -> HouseReport:
        """How every part is doing."""
        house = self.house
        statistics = {
            "matching": {
                **_numbers(self.actor.statistics()),
                **_numbers(house.matching.mailbox.statistics(), "mailbox_"),
                **_numbers(self.feed.statistics(), "feed_"),
            },
            "sessions": {
                **_numbers(self.desk.statistics()),
                **_numbers(house.sessions.statistics(), "mailbox_"),
            },
            "history": _numbers(self.history.statistics()),
            "risk": _numbers(self.risk.statistics()),
            "market": _numbers(self.market.statistics()),
            "paper": {
                "replayed_rows": self.house.paper.replayed_rows,
                **_numbers(self.house.paper.matching.mailbox.statistics(), "mailbox_"),
            },
            "snapshots": {"newest_seq": self.snapshots.newest_seq},
            "paper snapshots": {"newest_seq": self.paper_snapshots.newest_seq},
        }
        if self.mailer is not None:
            statistics["mailer"] = _numbers(self.mailer.statistics())
        for feed in self.feeds:
            statistics[feed.name] = _numbers(feed.statistics())
        for seat in self.strategies.statistics():
            statistics[f"strategy {seat.name}"] = _numbers(seat)
        return HouseReport(
            version=version("xached"),
            ready_at_ns=self.ready_at_ns,
            journal_seq=self.files.journal.last_seq,
            views_seq=self.history.as_of_seq,
            actors=tuple(
                ActorReport(
                    name=record.name,
                    state=record.state.value.lower(),
                    restarts=record.restarts,
                    failure=record.failure,
                    statistics=statistics.get(record.name, {}),
                )
                for record in self.health.records()
            ),
        )


def _build_core(
    config: Config, world: World, files: HouseFiles, doors: Doors, lanes: ExitStack
) -> _Core:
    """Give every file its owner, and every owner an address. ``lanes`` ends their threads."""
    state = files.exchange.state
    directory = Directory()
    for asset in state.assets.values():
        directory.list_asset(asset)
    for market in state.markets.values():
        directory.list_instrument(market.instrument)
    matching, feed, table = Matching(config.matching_places), Topic[Row](), SessionTable()
    keys = KeyTable()
    history = History(files.reader, world, files.views.as_of_seq, lambda: files.journal.last_seq)
    clock = SteadyClock(world)
    journal_lane, views_lane = world.open_lane("journal"), world.open_lane("views")
    lanes.callback(journal_lane.close)
    lanes.callback(views_lane.close)
    sessions: Mailbox[AuthMessage, AuthReply] = Mailbox(SESSIONS_PLACES)
    paper = PaperHouse(files.paths, files.paper_key, world, clock, directory, lanes)
    snapshots, paper_snapshots = _snapshot_makers(config, world, files, paper)
    bell = Bell()
    return _Core(
        house=House(
            world=world,
            paths=files.paths,
            matching=matching,
            sessions=sessions,
            directory=directory,
            files=files,
            rows=feed,
            history=history,
            paper=paper,
        ),
        world=world,
        files=files,
        doors=doors,
        table=table,
        keys=keys,
        desk=SessionDesk(
            vault=files.vault,
            credentials=files.credentials,
            table=table,
            key_table=keys,
            world=world,
            open_purse=partial(open_main_purse, matching),
            ring_mailer=None if config.mail is None else bell.ring,
            set_level=partial(set_level, matching),
            close_account=partial(close_account, matching),
            signer=files.signer,
            journal_head=lambda: (files.journal.last.seq, files.journal.last.chain),
            confirm_email=config.mail is not None and config.mail.require_verified_email,
        ),
        actor=MatchingActor(
            matching, files.exchange, files.journal, journal_lane, feed, directory, clock.now_ns
        ),
        feed=feed,
        history=history,
        market=MarketData(world),
        health=Health(),
        clock=clock,
        risk=RiskWatch(),
        paper_opening=config.paper_opening,
        first_admin=first_admin(files, world.now_ns()),
        views_lane=views_lane,
        snapshots=snapshots,
        paper_snapshots=paper_snapshots,
        armed_streams={stream: armed.purse for stream, armed in state.streams.items()},
        mailer=_mailer(config, sessions, world, bell),
    )


def _snapshot_makers(
    config: Config, world: World, files: HouseFiles, paper: PaperHouse
) -> tuple[SnapshotMaker, SnapshotMaker]:
    """Who has snapshots of the house made, and who of the paper exchange."""
    paths, rows = files.paths, config.snapshot_rows
    return (
        SnapshotMaker(
            world,
            paths.root,
            paths.snapshots,
            files.snapshot_key,
            lambda: files.journal.last_seq,
            rows,
            files.snapshot_seq,
        ),
        SnapshotMaker(
            world,
            paths.root,
            paths.paper_snapshots,
            files.paper_key,
            lambda: paper.last_seq,
            rows,
            newest_seq(paths.paper_snapshots, world.files),
            options=("--paper",),
        ),
    )


def _mailer(
    config: Config, sessions: Mailbox[AuthMessage, AuthReply], world: World, bell: Bell
) -> Mailer | None:
    if config.mail is None:
        return None
    mail = config.mail
    return Mailer(mail.server, mail.sender_name, mail.sender, sessions, world, bell)


# --- what runs -------------------------------------------------------------------------------


async def _run_core(core: _Core, nursery: trio.Nursery) -> None:
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


async def _list_house(config: Config, core: _Core) -> None:
    """List what the configuration names, once: what became of it later is the house's to say.

    Raises: ListingRefused.
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
    config: Config, core: _Core, attachments: Attachments, nursery: trio.Nursery
) -> Endpoints:
    """Start market data, strategies and every listener."""
    core.feeds = attachments.feeds
    attachments.preload(core.market)
    core.mark_venue = attachments.mark_venue
    nursery.start_soon(
        run_expendable, "market", partial(_run_market, core, attachments), core.health
    )
    with trio.move_on_after(MARKET_READY_S) as waiting:
        await core.market.wait_ready()
    if waiting.cancelled_caught:
        logger.warning("market data is not ready; people can trade without it")
    nursery.start_soon(
        run_expendable, "paper", partial(core.house.paper.run, core.venue_line), core.health
    )
    nursery.start_soon(run_expendable, "paper snapshots", core.paper_snapshots.run, core.health)
    core.strategies = Strategies(attachments.strategies)
    nursery.start_soon(_run_strategies, core, attachments)
    return Endpoints(
        addresses=await core.doors.open(_front(config, core), nursery),
        first_admin=core.first_admin,
        market=core.market,
        directory=core.house.directory,
        report=core.report,
        stopped=core.stopped,
    )


async def _run_market(core: _Core, attachments: Attachments) -> None:
    matching = core.house.matching

    async def set_mark(symbol: Symbol, price_ticks: int, source: str) -> None:
        command = SetMark(symbol=symbol, price_ticks=price_ticks, source=source, request_id="")
        await matching.execute(command)

    await run_market(
        core.market,
        world=core.world,
        exchange=matching,
        rows=core.feed,
        feeds=attachments.feeds,
        store=core.files.candles,
        set_mark=set_mark,
        mark_venue=attachments.mark_venue,
        health=core.health,
        stale_after_s=attachments.stale_after_s,
    )


async def _run_strategies(core: _Core, attachments: Attachments) -> None:
    around = Surroundings(
        world=core.world,
        exchange=core.house.matching,
        rows=core.feed,
        markets=core.market,
        directory=core.house.directory,
        health=core.health,
        installed=attachments.installed,
    )
    try:
        await run_strategies(core.strategies, around)
    finally:
        core.strategies_done.set()


# --- what is behind the doors ------------------------------------------------------------------


def _front(config: Config, core: _Core) -> Front:
    """Every service, routed: on the admin listener all of them, described by reflection."""
    spending = KeySpending(core.keys, core.house.sessions, core.house.directory, core.world.now_ns)
    services = _services(core, spending)
    core.serving = HealthService(service.descriptor.full_name for service in services)
    services = (*services, core.serving.service())
    handlers = AdminHandlers(
        core.house.matching, core.house.directory, core.house.sessions, core.report
    )
    for_admins = (
        *services,
        _service(admin_pb2, "AdminService", (handlers, IntegrityHandlers(core.integrity))),
        _service(
            risk_pb2,
            "RiskService",
            RiskHandlers(core.house.matching, core.house.directory, core.clock),
        ),
    )
    limiter = RateLimiter(config.limits, core.world.monotonic_ns)
    audit = ActionAudit(core.house.sessions)
    authorizer = Authorizers(
        SessionAuthorizer(
            core.table, core.files.credentials.access, core.world.now_ns, core.desk.grants
        ),
        KeyAuthorizer(core.keys, _replay_guard(core), spending, core.world.now_ns),
    )
    public = (*services, *reflection_services(services)) if config.grpc.reflection else services
    return Front(
        public=Routes(public, authorizer, audit.audited, limiter),
        admin=Routes((*for_admins, *reflection_services(for_admins)), authorizer, audit.audited),
        web=WebApp(
            core.market,
            core.house.directory,
            partial(_readiness, core),
            core.world.now_ns,
            hosts=config.http_hosts,
        ),
        interceptor=_interceptor(core),
    )


def _replay_guard(core: _Core) -> ReplayGuard:
    """Refuses what daemons before this one may have accepted, even if the clock was set back."""
    files = core.files
    newest_ns = max(core.world.now_ns(), files.vault.last_at_ns, files.journal.last_at_ns)
    return ReplayGuard(newest_ns // NS_PER_MS)


def _services(core: _Core, spending: KeySpending) -> tuple[Service, ...]:
    matching, directory = core.house.matching, core.house.directory
    sessions = core.house.sessions

    now_ns = core.world.now_ns
    real = _handlers(matching, directory, core.history, core.feed, core.market, now_ns)
    twins = _PaperTwins(core)
    trading, wallet = (
        tuple(ByPurse(each, partial(twins.find, type(each))) for each in handlers)
        for handlers in real
    )
    account = AccountsByPurse(
        sessions,
        matching,
        directory,
        now_ns,
        paper=core.house.paper.matching,
        paper_directory=core.house.paper.directory,
        opening=core.paper_opening,
    )
    return (
        _service(auth_pb2, "AuthService", auth_handlers(sessions)),
        _service(
            account_pb2,
            "AccountService",
            (
                account,
                ApiKeyHandlers(sessions, core.table, core.keys, spending, directory, now_ns),
            ),
        ),
        _service(trading_pb2, "TradingService", trading),
        _service(
            market_pb2,
            "MarketService",
            (MarketHandlers(core.market, directory), AuctionHandlers(matching, directory)),
        ),
        _service(wallet_pb2, "WalletService", wallet),
        _service(
            compliance_pb2,
            "ComplianceService",
            ComplianceHandlers(sessions, matching, core.history, directory, now_ns),
        ),
        _service(
            staff_pb2,
            "StaffService",
            StaffHandlers(sessions, matching, core.history, directory),
        ),
    )


def _handlers(
    matching: Matching,
    directory: Directory,
    history: History,
    feed: Topic[Row],
    market: MarketData,
    now_ns: Callable[[], int],
) -> tuple[tuple[object, ...], tuple[object, ...]]:
    """What serves trading, and what serves wallets, of one exchange."""
    portfolios = Portfolios(matching, directory, history, market, now_ns)
    trading = (
        TradingHandlers(matching, directory, history, feed, now_ns),
        OrderControl(matching, directory, now_ns),
        OrderReading(matching, directory, history),
        portfolios,
    )
    wallet = (
        WalletHandlers(matching, directory, history),
        portfolios,
        FeeStatements(directory, history, now_ns),
    )
    return trading, wallet


class _PaperTwins:
    """The handlers of the paper exchange, made when its files are open."""

    def __init__(self, core: _Core) -> None:
        self._core = core
        self._found: dict[type, object] = {}

    def find(self, kind: type) -> object:
        """The twin of a handler of the house. Raises: StatusError while there is none."""
        paper = self._core.house.paper
        if not self._found:
            if paper.history is None:
                raise paper_unavailable()
            trading, wallet = _handlers(
                paper.matching,
                paper.directory,
                paper.history,
                paper.rows,
                paper.market,
                self._core.world.now_ns,
            )
            self._found = {type(each): each for each in (*trading, *wallet)}
        return self._found[kind]


def _service(module: Any, name: str, handlers: object | tuple[object, ...]) -> Service:
    return Service(descriptor=module.DESCRIPTOR.services_by_name[name], handlers=handlers)


def _readiness(core: _Core) -> Readiness:
    reasons = [
        f"{record.name} is {record.state.value.lower()}"
        for record in core.health.records()
        if record.vital and record.failure
    ]
    if not core.ready_at_ns:
        reasons.append("starting")
    if core.closing:
        reasons.append("stopping")
    return Readiness(ready=not reasons, reasons=tuple(reasons))


def _interceptor(core: _Core) -> Interceptor:
    def report(incident_id: str, method: str, error: BaseException) -> None:
        logger.opt(exception=error).error("incident {} in {}", incident_id, method)

    return Interceptor(core.world, report)


def _numbers(record: Any, prefix: str = "") -> dict[str, int]:
    """The whole numbers of a statistics record, by field name."""
    values = attrs.asdict(record, recurse=False)
    return {prefix + name: int(value) for name, value in values.items() if isinstance(value, int)}
