"""What is behind the doors: every service with its handlers, and who may call them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from loguru import logger
from xache.v1 import (
    account_pb2,
    admin_pb2,
    analytics_pb2,
    auth_pb2,
    automation_pb2,
    backtest_pb2,
    compliance_pb2,
    live_pb2,
    market_pb2,
    risk_pb2,
    signal_pb2,
    staff_pb2,
    strategy_pb2,
    trading_pb2,
    wallet_pb2,
)

from xached.actors.history import History
from xached.actors.market.data import MarketData
from xached.actors.matching import Matching
from xached.api.activity import ActivityHandlers
from xached.api.admin import AdminHandlers
from xached.api.api_keys import ApiKeyHandlers
from xached.api.auction import AuctionHandlers
from xached.api.audit import ActionAudit, count_denials
from xached.api.auth import SessionAuthorizer
from xached.api.auth_service import auth_handlers
from xached.api.automation import AutomationHandlers
from xached.api.backtests import BacktestHandlers
from xached.api.catalogue import CatalogueHandlers
from xached.api.compliance import ComplianceHandlers
from xached.api.data_export import ExportedExchange
from xached.api.errors import Interceptor
from xached.api.explaining import OrderExplaining
from xached.api.fees import FeeStatements
from xached.api.guards import GuardHandlers
from xached.api.guest import Guest
from xached.api.health import HealthService
from xached.api.http_api import HttpApi
from xached.api.indicators import IndicatorHandlers
from xached.api.integrity import IntegrityHandlers
from xached.api.key_auth import NS_PER_MS, Authorizers, KeyAuthorizer, KeySpending
from xached.api.market import MarketHandlers
from xached.api.operators import OperatorAuthorizer
from xached.api.order_control import OrderControl
from xached.api.order_reading import OrderReading
from xached.api.oversight import OversightHandlers
from xached.api.paper import AccountsByPurse, ByPurse, paper_unavailable
from xached.api.performance import PerformanceHandlers
from xached.api.plugins import PluginHandlers
from xached.api.portfolio import Portfolios
from xached.api.profile import ProfileHandlers
from xached.api.rate_limits import RateLimiter
from xached.api.reflection import reflection_services
from xached.api.refresh_cookie import ADMIN_NAME
from xached.api.risk import RiskHandlers
from xached.api.routes import Call, Routes, Service
from xached.api.screen import ScreenHandlers
from xached.api.signals import SignalHandlers
from xached.api.staff import StaffHandlers
from xached.api.strategies import StrategyHandlers
from xached.api.trading import TradingHandlers
from xached.api.wallet import WalletHandlers
from xached.api.web import Readiness, WebApp
from xached.config.config import Config
from xached.domain.instrument import Directory
from xached.domain.messages import Row
from xached.domain.replays import ReplayGuard
from xached.house.account_files import files_of
from xached.house.core import Core
from xached.house.listeners import Front
from xached.runtime.topic import Topic


def build_front(config: Config, core: Core, visitor: Guest | None = None) -> Front:
    """Every service, routed: on the admin listener all of them, described by reflection.

    ``visitor``: whom the page of a demo lets in.
    """
    spending = KeySpending(core.keys, core.house.sessions, core.house.directory, core.world.now_ns)
    services = _services(core, spending)
    core.serving = HealthService(service.descriptor.full_name for service in services)
    services = (*services, core.serving.service())
    for_admins = (*services, *_admin_services(core))
    limiter = RateLimiter(config.limits, core.world.monotonic_ns)
    audit, denied = ActionAudit(core.house.sessions), count_denials(core.desk.denials)
    authorizer = Authorizers(
        SessionAuthorizer(
            core.table, core.files.credentials.access, core.world.now_ns, core.desk.grants
        ),
        KeyAuthorizer(core.keys, _replay_guard(core), spending, core.world.now_ns),
        core.allowed,
    )
    admins = (*for_admins, *reflection_services(for_admins))
    public = (*services, *reflection_services(services)) if config.grpc.reflection else services
    routes, interceptor = (
        Routes(public, authorizer, audit.audited, limiter, denied),
        _interceptor(core),
    )

    def for_browsers() -> WebApp:
        """The administrators' screens, whose callers show a session and a code, never a name."""
        at_door = OperatorAuthorizer(
            authorizer,
            core.house.sessions,
            require_code=config.admin.require_code,
            by_name=False,
        )
        by_session = Routes(for_admins, at_door, audit.audited, limiter, denied)
        now_ns = core.world.now_ns
        return WebApp(
            partial(_readiness, core),
            api=HttpApi(by_session, interceptor, now_ns, cookie=ADMIN_NAME),
            admin=True,
        )

    def for_operators(certified: Callable[[Call], str] | None = None) -> Routes:
        at_door = OperatorAuthorizer(
            authorizer,
            core.house.sessions,
            require_code=config.admin.require_code,
            certified=certified,
        )
        return Routes(admins, at_door, audit.audited, denied=denied)

    return Front(
        public=routes,
        admin=for_operators(),
        certified_admin=for_operators,
        web=WebApp(
            partial(_readiness, core),
            hosts=config.http_hosts,
            api=HttpApi(routes, interceptor, core.world.now_ns),
            visitor=visitor,
        ),
        interceptor=interceptor,
        admin_web=for_browsers() if config.admin.http else None,
    )


def _replay_guard(core: Core) -> ReplayGuard:
    """Refuses what daemons before this one may have accepted, even if the clock was set back."""
    files = core.files
    newest_ns = max(core.world.now_ns(), files.vault.last_at_ns, files.journal.last_at_ns)
    return ReplayGuard(newest_ns // NS_PER_MS)


def _admin_services(core: Core) -> tuple[Service, ...]:
    """What only administrators call."""
    matching, directory, sessions = core.house.matching, core.house.directory, core.house.sessions
    handlers = (
        AdminHandlers(matching, directory, sessions, core.report),
        IntegrityHandlers(core.integrity),
        PluginHandlers(core.plugins, directory),
        OversightHandlers(sessions),
    )
    risk = RiskHandlers(matching, directory, core.clock)
    return (
        _service(admin_pb2, "AdminService", handlers),
        _service(risk_pb2, "RiskService", risk),
    )


def _services(core: Core, spending: KeySpending) -> tuple[Service, ...]:
    matching, directory = core.house.matching, core.house.directory
    sessions = core.house.sessions

    now_ns = core.world.now_ns
    real = _handlers(core, matching, directory, core.history, core.feed, core.market)
    twins = _PaperTwins(core)
    trading, wallet, strategies, analytics = (
        tuple(ByPurse(each, partial(twins.find, type(each))) for each in handlers)
        for handlers in real
    )
    market = MarketHandlers(core.market, directory)
    auctions = AuctionHandlers(
        matching, directory, core.market.market_state, core.market.own.delisted
    )
    signals = SignalHandlers(core.signals, core.signal_sources.board)
    return (
        _service(auth_pb2, "AuthService", auth_handlers(sessions)),
        _account_service(core, spending),
        _service(trading_pb2, "TradingService", trading),
        _service(
            market_pb2,
            "MarketService",
            (
                market,
                IndicatorHandlers(core.market, directory),
                auctions,
            ),
        ),
        _service(wallet_pb2, "WalletService", wallet),
        _service(analytics_pb2, "AnalyticsService", analytics),
        _service(
            live_pb2,
            "LiveService",
            ScreenHandlers(market, auctions.watch_auction, trading[0].handler("watch_purse")),
        ),
        _service(signal_pb2, "SignalService", signals),
        _service(
            compliance_pb2,
            "ComplianceService",
            _compliance(core),
        ),
        _service(
            automation_pb2,
            "AutomationService",
            AutomationHandlers(core.rules.mailbox, core.trading_place, now_ns),
        ),
        _service(backtest_pb2, "BacktestService", BacktestHandlers(core.backtests)),
        _service(
            strategy_pb2,
            "StrategyService",
            (
                *strategies,
                CatalogueHandlers(core.plugins),
                StrategyHandlers(core.desk_of_strategies, directory),
            ),
        ),
        _service(
            staff_pb2,
            "StaffService",
            StaffHandlers(sessions, matching, core.history, directory),
        ),
    )


def _compliance(core: Core) -> ComplianceHandlers:
    house, paper = core.house, core.house.paper
    return ComplianceHandlers(
        house.sessions,
        house.matching,
        core.history,
        house.directory,
        core.world.now_ns,
        core.records,
        ExportedExchange(
            folder="paper/",
            matching=paper.matching,
            directory=paper.directory,
            history=lambda: paper.history,
        ),
        partial(files_of, core.files.paths, core.world, core.records),
    )


def _account_service(core: Core, spending: KeySpending) -> Service:
    sessions, directory, now_ns = core.house.sessions, core.house.directory, core.world.now_ns
    account = AccountsByPurse(
        sessions,
        core.house.matching,
        directory,
        now_ns,
        paper=core.house.paper.matching,
        paper_directory=core.house.paper.directory,
        opening=core.paper_opening,
    )
    return _service(
        account_pb2,
        "AccountService",
        (
            account,
            ApiKeyHandlers(sessions, core.table, core.keys, spending, directory, now_ns),
            GuardHandlers(sessions),
            ActivityHandlers(sessions),
            ProfileHandlers(sessions, directory),
        ),
    )


def _handlers(
    core: Core,
    matching: Matching,
    directory: Directory,
    history: History,
    feed: Topic[Row],
    market: MarketData,
) -> tuple[tuple[object, ...], ...]:
    """What serves trading, wallets, strategies and analytics, of one exchange."""
    now_ns = core.world.now_ns
    reading = OrderReading(matching, directory, history)
    portfolios = Portfolios(matching, directory, history, market, now_ns)
    trading = (
        TradingHandlers(matching, directory, history, feed, now_ns, core.disconnects),
        OrderControl(matching, directory, now_ns),
        reading,
        portfolios,
    )
    wallet = (
        WalletHandlers(matching, directory, history),
        portfolios,
        FeeStatements(directory, history, now_ns),
    )
    explaining = OrderExplaining(reading, directory, core.reasons, core.rules.mailbox)
    performance = PerformanceHandlers(matching, directory, history, market, now_ns)
    return trading, wallet, (explaining,), (performance,)


class _PaperTwins:
    """The handlers of the paper exchange, made when its files are open."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._found: dict[type, object] = {}

    def find(self, kind: type) -> object:
        """The twin of a handler of the house. Raises: StatusError while there is none."""
        paper = self._core.house.paper
        if not self._found:
            if paper.history is None:
                raise paper_unavailable()
            made = _handlers(
                self._core,
                paper.matching,
                paper.directory,
                paper.history,
                paper.rows,
                paper.market,
            )
            self._found = {type(each): each for handlers in made for each in handlers}
        return self._found[kind]


def _service(module: Any, name: str, handlers: object | tuple[object, ...]) -> Service:
    return Service(descriptor=module.DESCRIPTOR.services_by_name[name], handlers=handlers)


def _readiness(core: Core) -> Readiness:
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


def _interceptor(core: Core) -> Interceptor:
    def report(incident_id: str, method: str, error: BaseException) -> None:
        logger.opt(exception=error).error("incident {} in {}", incident_id, method)

    return Interceptor(core.world, report)
