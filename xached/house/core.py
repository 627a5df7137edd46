"""What a daemon is made of: every file with its owner, every owner with its address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from typing import Any

import attrs
import trio

from xached.actors.backtests.actor import Backtests
from xached.actors.history import History
from xached.actors.mailer import Bell, Mailer
from xached.actors.market.actor import MarketFeed
from xached.actors.market.data import MarketData
from xached.actors.matching import Matching, MatchingActor
from xached.actors.notifications import Notifier
from xached.actors.plugins import PluginDesk
from xached.actors.recorder.actor import Recorder
from xached.actors.recorder.nightly import Nightly
from xached.actors.risk import RiskWatch
from xached.actors.rules.actor import Rules
from xached.actors.rules.surroundings import RuleSurroundings, TradingPlace
from xached.actors.scrub import Scrub
from xached.actors.sessions.actor import SessionDesk
from xached.actors.signals import Signals
from xached.actors.strategies.actor import Strategies
from xached.actors.strategies.desk import StrategyDesk, seats_of
from xached.actors.strategies.explaining import OrderReasons
from xached.actors.strategies.measuring import measure_anew
from xached.actors.strategies.signal_sources import SignalSources
from xached.actors.strategies.surroundings import Surroundings
from xached.api.admin import ActorReport, HouseReport
from xached.api.disconnect_guard import Disconnects
from xached.api.health import HealthService
from xached.config.config import Config
from xached.domain.api_keys import KeyTable
from xached.domain.backtests import BacktestVerdict
from xached.domain.guarding import AllowTable
from xached.domain.history import Fill
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.instrument import Directory, Symbol
from xached.domain.integrity import Integrity
from xached.domain.market import XACHE, Venue
from xached.domain.market_line import MarketLine
from xached.domain.messages import Row
from xached.domain.order import AccountId, Purse
from xached.domain.paper import is_paper_purse
from xached.domain.plugins import PluginRefused
from xached.domain.portfolio import Holdings, HoldingsQuery
from xached.domain.sessions import SessionTable
from xached.domain.state import State
from xached.domain.strategy_life import Strategy
from xached.domain.strategy_performance import KnownFills
from xached.house.account_commands import (
    close_account,
    impediments_of,
    open_main_purse,
    set_level,
)
from xached.house.listeners import Doors
from xached.house.paper import PAPER, PaperHouse
from xached.house.recording import open_market
from xached.house.recovery import FirstAdmin, HouseFiles, first_admin
from xached.house.snapshot_maker import SnapshotMaker
from xached.runtime.mailbox import Mailbox
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.supervise import Health
from xached.runtime.topic import Topic
from xached.runtime.world import Lane, World
from xached.storage.certificates import Certificates, KeptCertificate
from xached.storage.directory import DataPaths
from xached.storage.recordings import Recordings
from xached.storage.snapshots import newest_seq
from xached.storage.strategy_book import strategies_of
from xached.storage.strategy_states import StrategyStates
from xached.storage.strategy_tables import StrategyRecords

SESSIONS_PLACES = 1_024
FILLS_AT_ONCE = 500
CERTIFICATES_SHOWN = 30
"""Of a strategy in one stage: a month of nights."""

FILLS_MEASURED_MAX = 10_000
"""The newest fills of a strategy, by which it is measured."""

MARK_SILENCE_S = 10.0
"""After this long without a word from the venue of its mark a market may only reduce."""


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


@attrs.define(kw_only=True, eq=False)
class Core:
    """Everything that was recovered, and everything that runs."""

    house: House
    world: World
    files: HouseFiles
    table: SessionTable
    keys: KeyTable
    allowed: AllowTable
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
    scrub_lane: Lane
    snapshots: SnapshotMaker
    paper_snapshots: SnapshotMaker
    armed_streams: dict[int, Purse]
    doors: Doors
    mailer: Mailer | None
    records: StrategyRecords
    """strategies.db."""
    rules: Rules
    recorder: Recorder | None
    plugins: PluginDesk = attrs.field(init=False)
    backtests: Backtests = attrs.field(init=False)
    reasons: OrderReasons = attrs.field(init=False)
    feeds: Sequence[MarketFeed] = ()
    nightly: Nightly | None = None
    notifiers: Sequence[Notifier] = ()
    integrity: Integrity = attrs.field(factory=Integrity)
    signals: Signals = attrs.field(factory=Signals)
    signal_sources: SignalSources = attrs.field(factory=SignalSources)
    strategies: Strategies = attrs.field(factory=lambda: Strategies(()))
    strategy_desk: StrategyDesk | None = None
    """Opened before the doors are."""
    disconnects: Disconnects = attrs.field(factory=Disconnects)
    serving: HealthService = attrs.field(factory=lambda: HealthService(()))
    strategies_done: trio.Event = attrs.field(factory=trio.Event)
    mark_venue: Venue | None = None
    scrub: Scrub = attrs.field(init=False)
    real_place: TradingPlace = attrs.field(init=False)
    paper_place: TradingPlace = attrs.field(init=False)
    closing: bool = False
    stopped: trio.Event = attrs.field(factory=trio.Event)
    ready_at_ns: int = 0

    def __attrs_post_init__(self) -> None:
        self.plugins = PluginDesk(self.records, self.world, self.files.approvals_key)
        self.reasons = OrderReasons(self.records)
        house = self.house
        self.real_place = TradingPlace(
            exchange=house.matching,
            directory=house.directory,
            candles=self.market,
            venue=XACHE,
        )
        self.paper_place = TradingPlace(
            exchange=house.paper.matching,
            directory=house.paper.directory,
            candles=house.paper.market,
            venue=PAPER,
        )
        vault_lane = self.desk.core.lane
        journals = {"journal.db": self.files.old_rows, "paper.db": self.house.paper.old_rows}
        self.scrub = Scrub(
            {name: journal for name, journal in journals.items() if journal is not None},
            self.scrub_lane,
            self.files.vault,
            vault_lane,
            self.files.old_strategies,
        )

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

    def open_desk(self, around: Surroundings) -> StrategyDesk:
        """Open the desk where owners make strategies, for those that are run with ``around``."""
        desk = StrategyDesk(
            self.records,
            self.strategies,
            around,
            self._valued,
            self._fills_of,
            self._judged,
            certificates=self._certificates_of,
            impediments=partial(impediments_of, self.house.sessions),
            forget_files=self._forget_files,
            measure_anew=partial(measure_anew, self.house.matching),
        )
        self.desk.on_account_change(desk.account_changed)
        self.strategy_desk = desk
        return desk

    def desk_of_strategies(self) -> StrategyDesk:
        """That desk; whoever comes in finds it open."""
        assert self.strategy_desk is not None, "the doors open after the desk"
        return self.strategy_desk

    async def forget_strategies(self, account_id: AccountId) -> None:
        """Forget what is known of an account's strategies; may be repeated."""
        if self.strategy_desk is None:
            known = await self.records.read(partial(strategies_of, account_id=account_id))
            await self._forget_files([seat for each in known for seat in seats_of(each)])
            await self.records.forget(account_id)
        else:
            await self.strategy_desk.forget(account_id)

    async def _forget_files(self, seats: Collection[str]) -> None:
        """Remove what strategies saved, what was recorded of them, and how they were judged."""
        paths, world = self.files.paths, self.world
        if self.recorder is not None:
            await self.recorder.forget(seats)
        else:
            recordings = Recordings(paths.recordings, world.files)
            await world.run_in_thread(recordings.remove_runs, seats)

        def remove() -> None:
            states = StrategyStates(paths.strategy_states, world.files)
            for seat in seats:
                states.remove(seat)
                Certificates(paths.certificates).remove(seat)

        await world.run_in_thread(remove)

    async def _judged(self, strategy: Strategy) -> int | None:
        """What its owner's newest backtest says of a strategy as it would run."""
        try:
            admission = await self.plugins.admit(strategy.plugin, vouched=False)
        except PluginRefused:
            return None
        found = await self.backtests.deflated(
            strategy.account_id, admission.digest, strategy.settings_json, strategy.symbols
        )
        if found is None or found.verdict is BacktestVerdict.NOT_ENOUGH_DATA:
            return None
        return found.deflated_ppm

    async def _certificates_of(self, strategy: str) -> Sequence[KeptCertificate]:
        newest = Certificates(self.files.paths.certificates).newest
        return await self.world.run_in_thread(newest, strategy, CERTIFICATES_SHOWN)

    async def _valued(self, purse: Purse) -> Holdings:
        matching = self.house.paper.matching if is_paper_purse(purse) else self.house.matching
        return await matching.query(HoldingsQuery((purse,), self.world.now_ns()))

    async def _fills_of(self, purse: Purse) -> KnownFills:
        """The newest fills of a purse."""
        history = self.house.paper.history if is_paper_purse(purse) else self.history
        fills: list[Fill] = []
        before: int | None = None
        while history is not None and len(fills) < FILLS_MEASURED_MAX:
            page = await history.fills(purse, None, before, FILLS_AT_ONCE)
            fills += page.items
            before = page.next_before
            if before is None:
                return KnownFills(fills=fills[::-1], complete=True)
        return KnownFills(fills=fills[::-1], complete=False)

    def trading_place(self, purse: Purse) -> TradingPlace:
        """Where a purse trades."""
        return self.paper_place if is_paper_purse(purse) else self.real_place

    def around_rules(self) -> RuleSurroundings:
        """What rules are given."""
        return RuleSurroundings(
            records=self.records,
            place_of=self.trading_place,
            now_ns=self.clock.now_ns,
            entropy=self.world.entropy,
            impediments=partial(impediments_of, self.house.sessions),
            pause_strategies=self._pause_strategies,
        )

    async def _pause_strategies(self, purse: Purse, cause: str) -> None:
        await self.desk_of_strategies().pause_on(purse, cause)

    def close_mailboxes(self) -> None:
        """Answer whoever still waits: nothing more will be done."""
        self.house.matching.mailbox.close()
        self.house.paper.matching.mailbox.close()
        self.house.sessions.close()
        self.rules.mailbox.close()

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
            "scrub": _numbers(self.scrub.statistics()),
            "risk": _numbers(self.risk.statistics()),
            "rules": _numbers(self.rules.statistics()),
            "market": _numbers(self.market.statistics()),
            "order reasons": _numbers(self.reasons.statistics()),
            "paper": {
                "replayed_rows": self.house.paper.replayed_rows,
                **_numbers(self.house.paper.matching.mailbox.statistics(), "mailbox_"),
            },
            "snapshots": {"newest_seq": self.snapshots.newest_seq},
            "paper snapshots": {"newest_seq": self.paper_snapshots.newest_seq},
            "signals": _numbers(self.signals.statistics()),
            "backtests": _numbers(self.backtests.statistics()),
        }
        if self.mailer is not None:
            statistics["mailer"] = _numbers(self.mailer.statistics())
        if self.recorder is not None:
            statistics["recorder"] = _numbers(self.recorder.statistics())
        if self.nightly is not None:
            statistics["parity"] = _numbers(self.nightly.statistics())
        for notifier in self.notifiers:
            statistics[notifier.name] = _numbers(notifier.statistics())
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


def _open_lanes(world: World, lanes: ExitStack) -> list[Lane]:
    """The threads of the journal, of the views, of the scrub and of strategies.db."""
    opened = [world.open_lane(name) for name in ("journal", "views", "scrub", "strategies")]
    for lane in opened:
        lanes.callback(lane.close)
    return opened


def _listed(state: State) -> Directory:
    directory = Directory()
    for asset in state.assets.values():
        directory.list_asset(asset)
    for market in state.markets.values():
        directory.list_instrument(market.instrument)
    return directory


def build_core(
    config: Config, world: World, files: HouseFiles, doors: Doors, lanes: ExitStack
) -> Core:
    """Give every file its owner, and every owner an address. ``lanes`` ends their threads."""
    state = files.exchange.state
    directory = _listed(state)
    matching, feed, table = Matching(config.matching_places), Topic[Row](), SessionTable()
    keys, allowed, bell = KeyTable(), AllowTable(), Bell()
    history = History(files.reader, world, files.views.as_of_seq, lambda: files.journal.last_seq)
    clock = SteadyClock(world)
    journal_lane, views_lane, scrub_lane, strategies_lane = _open_lanes(world, lanes)
    sessions: Mailbox[AuthMessage, AuthReply] = Mailbox(SESSIONS_PLACES)
    paper = PaperHouse(files.paths, files.paper_key, world, clock, directory, lanes)
    snapshots, paper_snapshots = _snapshot_makers(config, world, files, paper)
    recorder, market = open_market(config.record, files.paths, world, directory)

    async def forget(account_id: AccountId) -> None:
        await core.forget_strategies(account_id)

    core = Core(
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
        allowed=allowed,
        desk=_session_desk(config, world, files, matching, (table, keys, allowed), bell, forget),
        actor=MatchingActor(
            matching, files.exchange, files.journal, journal_lane, feed, directory, clock.now_ns
        ),
        feed=feed,
        history=history,
        market=market,
        health=Health(),
        clock=clock,
        risk=RiskWatch(),
        paper_opening=config.paper_opening,
        first_admin=first_admin(files, world.now_ns()),
        views_lane=views_lane,
        scrub_lane=scrub_lane,
        snapshots=snapshots,
        paper_snapshots=paper_snapshots,
        armed_streams={stream: armed.purse for stream, armed in state.streams.items()},
        mailer=_mailer(config, sessions, world, bell),
        records=StrategyRecords(files.strategies, strategies_lane),
        rules=Rules(),
        recorder=recorder,
    )
    return core


def _session_desk(
    config: Config,
    world: World,
    files: HouseFiles,
    matching: Matching,
    tables: tuple[SessionTable, KeyTable, AllowTable],
    bell: Bell,
    forget: Callable[[AccountId], Awaitable[None]],
) -> SessionDesk:
    """Who decides what people may do. ``forget``: what else an account has in the house."""
    table, keys, allowed = tables
    return SessionDesk(
        vault=files.vault,
        credentials=files.credentials,
        table=table,
        key_table=keys,
        allow_table=allowed,
        world=world,
        open_purse=partial(open_main_purse, matching),
        ring_mailer=None if config.mail is None else bell.ring,
        set_level=partial(set_level, matching),
        close_account=partial(close_account, matching, forget),
        signer=files.signer,
        journal_head=lambda: (files.journal.last.seq, files.journal.last.chain),
        confirm_email=config.mail is not None and config.mail.require_verified_email,
        limits=config.sessions,
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
            check_s=config.snapshot_check_s,
        ),
        SnapshotMaker(
            world,
            paths.root,
            paths.paper_snapshots,
            files.paper_key,
            lambda: paper.last_seq,
            rows,
            newest_seq(paths.paper_snapshots, world.files),
            check_s=config.snapshot_check_s,
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


def _numbers(record: Any, prefix: str = "") -> dict[str, int]:
    """The whole numbers of a statistics record, by field name."""
    values = attrs.asdict(record, recurse=False)
    return {prefix + name: int(value) for name, value in values.items() if isinstance(value, int)}
