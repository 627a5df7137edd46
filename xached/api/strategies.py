"""StrategyService: strategies of one's own."""

from __future__ import annotations

from collections.abc import Callable

from xache.v1 import strategy_pb2

from xached.actors.strategies.actor import StrategyStatistics
from xached.actors.strategies.desk import Seen, StageTold, StrategyDesk
from xached.api.auth import caller_of
from xached.api.routes import Call
from xached.domain.instrument import Directory, Symbol
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import AccountId, subaccount_of
from xached.domain.state import DAY_NS
from xached.domain.strategy_life import Change, Stage, Strategy, Wish
from xached.domain.strategy_performance import DayTold
from xached.storage.certificates import KeptCertificate

PPM_SCALE = 6


class StrategyHandlers:
    """Handlers of StrategyService."""

    def __init__(self, desk: Callable[[], StrategyDesk], directory: Directory) -> None:
        """``desk``: opened before the doors are."""
        self._desk = desk
        self._directory = directory

    async def create_strategy(
        self, call: Call, request: strategy_pb2.CreateStrategyRequest
    ) -> strategy_pb2.CreateStrategyResponse:
        """Keep a strategy as a draft."""
        asset = self._directory.asset(request.budget_asset)
        draft = Strategy(
            strategy_id="",
            account_id=caller_of(call).account_id,
            name=request.name,
            plugin=request.plugin,
            symbols=tuple(map(Symbol, request.symbols)),
            settings_json=request.settings_json or "{}",
            stage=Stage.DRAFT,
            wish=Wish.STOPPED,
            budget_asset=asset.name,
            budget_units=parse_decimal(request.budget, asset.scale, "budget"),
            loss_limit_units=parse_decimal(request.loss_limit, asset.scale, "loss_limit"),
            created_at_ns=0,
        )
        seen = await self._desk().create(draft)
        return strategy_pb2.CreateStrategyResponse(strategy=self._strategy(seen))

    async def update_strategy(
        self, call: Call, request: strategy_pb2.UpdateStrategyRequest
    ) -> strategy_pb2.UpdateStrategyResponse:
        """Change a strategy that does not run."""
        desk, owner = self._desk(), _owner(call)
        known = (await desk.get(owner, request.name)).strategy
        scale = self._directory.asset(known.budget_asset).scale
        change = Change(
            expected_version=request.expected_version,
            settings_json=request.settings_json or None,
            budget_units=_units(request.budget, scale, "budget"),
            loss_limit_units=_units(request.loss_limit, scale, "loss_limit"),
        )
        seen = await desk.change(owner, request.name, change)
        return strategy_pb2.UpdateStrategyResponse(strategy=self._strategy(seen))

    async def start_strategy(
        self, call: Call, request: strategy_pb2.StartStrategyRequest
    ) -> strategy_pb2.StartStrategyResponse:
        """Run a strategy on paper."""
        seen = await self._desk().start(_owner(call), request.name)
        return strategy_pb2.StartStrategyResponse(strategy=self._strategy(seen))

    async def go_live(
        self, call: Call, request: strategy_pb2.GoLiveRequest
    ) -> strategy_pb2.GoLiveResponse:
        """Let a strategy trade its budget."""
        seen = await self._desk().go_live(_owner(call), request.name, request.acknowledgement)
        return strategy_pb2.GoLiveResponse(strategy=self._strategy(seen))

    async def pause_strategy(
        self, call: Call, request: strategy_pb2.PauseStrategyRequest
    ) -> strategy_pb2.PauseStrategyResponse:
        """End the process of a strategy and cancel its orders."""
        seen = await self._desk().pause(_owner(call), request.name)
        return strategy_pb2.PauseStrategyResponse(strategy=self._strategy(seen))

    async def resume_strategy(
        self, call: Call, request: strategy_pb2.ResumeStrategyRequest
    ) -> strategy_pb2.ResumeStrategyResponse:
        """Go on with a strategy that is paused."""
        seen = await self._desk().resume(_owner(call), request.name)
        return strategy_pb2.ResumeStrategyResponse(strategy=self._strategy(seen))

    async def stop_strategy(
        self, call: Call, request: strategy_pb2.StopStrategyRequest
    ) -> strategy_pb2.StopStrategyResponse:
        """End a strategy; one that is live gives back what it has."""
        seen = await self._desk().stop(_owner(call), request.name)
        return strategy_pb2.StopStrategyResponse(strategy=self._strategy(seen))

    async def revoke_strategy(
        self, call: Call, request: strategy_pb2.RevokeStrategyRequest
    ) -> strategy_pb2.RevokeStrategyResponse:
        """End a strategy for ever."""
        seen = await self._desk().revoke(_owner(call), request.name)
        return strategy_pb2.RevokeStrategyResponse(strategy=self._strategy(seen))

    async def get_strategy(
        self, call: Call, request: strategy_pb2.GetStrategyRequest
    ) -> strategy_pb2.GetStrategyResponse:
        """Tell how a strategy stands."""
        seen = await self._desk().get(_owner(call), request.name)
        said = () if seen.running is None else seen.running.said
        return strategy_pb2.GetStrategyResponse(
            strategy=self._strategy(seen),
            notes=[
                strategy_pb2.StrategyNote(at_ns=each.at_ns, text=each.text)
                for each in reversed(said)
            ],
        )

    async def list_strategies(
        self, call: Call, _request: strategy_pb2.ListStrategiesRequest
    ) -> strategy_pb2.ListStrategiesResponse:
        """List the caller's strategies, oldest first, and the operator's in the caller's purses."""
        desk, owner = self._desk(), _owner(call)
        found = await desk.all_of(owner)
        return strategy_pb2.ListStrategiesResponse(
            strategies=map(self._strategy, found),
            operated=map(_operated, desk.operated_for(owner)),
        )

    async def get_strategy_performance(
        self, call: Call, request: strategy_pb2.GetStrategyPerformanceRequest
    ) -> strategy_pb2.GetStrategyPerformanceResponse:
        """Tell how a strategy has done."""
        strategy, stages = await self._desk().performance(_owner(call), request.name)
        scale = self._directory.asset(strategy.budget_asset).scale
        return strategy_pb2.GetStrategyPerformanceResponse(
            stages=[_performance(each, strategy, scale) for each in stages]
        )

    async def get_strategy_parity(
        self, call: Call, request: strategy_pb2.GetStrategyParityRequest
    ) -> strategy_pb2.GetStrategyParityResponse:
        """Tell how a strategy was judged by night."""
        found = await self._desk().parity(_owner(call), request.name)
        return strategy_pb2.GetStrategyParityResponse(
            certificates=[_certificate(stage, each) for stage, each in found]
        )

    def _strategy(self, seen: Seen) -> strategy_pb2.Strategy:
        strategy, running, evidence = seen.strategy, seen.running, seen.evidence
        scale = self._directory.asset(strategy.budget_asset).scale
        return strategy_pb2.Strategy(
            name=strategy.name,
            plugin=strategy.plugin,
            symbols=strategy.symbols,
            settings_json=strategy.settings_json,
            budget_asset=strategy.budget_asset,
            budget=format_units(strategy.budget_units, scale),
            loss_limit=format_units(strategy.loss_limit_units, scale),
            stage=_STAGES[strategy.stage],
            wish=_WISHES[strategy.wish],
            ready=running is not None and running.ready,
            subaccount=subaccount_of(strategy.purse),
            failure=seen.failure,
            last_note="" if running is None else running.last_note,
            open_orders=0 if running is None else running.open_orders,
            paper_days=evidence.paper_days,
            predicts=evidence.predicts,
            deflated_sharpe=_ratio(evidence.deflated_sharpe_ppm),
            lacking=evidence.lacking,
            publishable=evidence.suffices,
            acknowledged=seen.acknowledged,
            created_at_ns=strategy.created_at_ns,
            advice="" if running is None else running.advice,
            version=strategy.version,
        )


def _operated(running: StrategyStatistics) -> strategy_pb2.OperatedStrategy:
    return strategy_pb2.OperatedStrategy(
        name=running.name,
        plugin=running.plugin,
        symbols=running.symbols,
        subaccount=subaccount_of(running.purse),
        ready=running.ready,
        open_orders=running.open_orders,
        last_note=running.last_note,
        advice=running.advice,
    )


def _performance(
    told: StageTold, strategy: Strategy, scale: int
) -> strategy_pb2.StrategyPerformance:
    how = told.whole
    return strategy_pb2.StrategyPerformance(
        stage=_STAGES[told.stage],
        days=how.days,
        profit=format_units(how.profit_units, scale),
        return_ratio=_ratio(how.return_ppm),
        drawdown_ratio=_ratio(how.drawdown_ppm),
        hit_ratio=_ratio(how.hit_ppm),
        fills=how.fills,
        fees=format_units(how.fees_units, scale),
        turnover=format_units(how.turnover_units, scale),
        slippage_ratio=_ratio(how.slippage_ppm),
        compared=format_units(how.compared_units, scale),
        daily=[_day(each, strategy.budget_units, scale) for each in told.days],
    )


def _day(told: DayTold, budget_units: int, scale: int) -> strategy_pb2.StrategyDay:
    """A day; what is not known of it is empty."""

    def shown(units: int | None) -> str:
        return "" if units is None else format_units(units, scale)

    profit_units = told.profit_units
    return strategy_pb2.StrategyDay(
        begin_at_ns=told.day * DAY_NS,
        equity=shown(None if profit_units is None else budget_units + profit_units),
        profit=shown(profit_units),
        drawdown=shown(told.drawdown_units),
        drawdown_ratio=_ratio(told.drawdown_ppm),
        fills=told.fills,
        fees=shown(told.fees_units),
        turnover=shown(told.turnover_units),
    )


def _certificate(stage: Stage, kept: KeptCertificate) -> strategy_pb2.ParityCertificate:
    return strategy_pb2.ParityCertificate(
        stage=_STAGES[stage],
        from_at_ns=kept.from_ns,
        to_at_ns=kept.to_ns,
        made_at_ns=kept.made_at_ns,
        holds=kept.holds,
        decisions=kept.decisions,
        decisions_equal=kept.decisions_equal,
        orders=kept.orders,
        orders_equal=kept.orders_equal,
        cost_bp=kept.cost_bp,
        latency_ns=kept.latency_ns,
        causes=[
            strategy_pb2.ParityCause(
                cause=f"PARITY_CAUSE_KIND_{each.cause}",
                orders=each.orders,
                share=each.share,
                cost_bp=each.cost_bp,
                lots=each.lots,
            )
            for each in kept.causes
        ],
        not_replayed=dict(kept.not_replayed),
        notes=kept.notes,
        digest=kept.digest,
    )


def _units(text: str, scale: int, field: str) -> int | None:
    """An amount that may be left out."""
    return parse_decimal(text, scale, field) if text else None


def _ratio(ppm: int | None) -> str:
    return "" if ppm is None else format_units(ppm, PPM_SCALE)


def _owner(call: Call) -> AccountId:
    return caller_of(call).account_id


_STAGES = {
    Stage.DRAFT: strategy_pb2.STRATEGY_STAGE_DRAFT,
    Stage.PAPER: strategy_pb2.STRATEGY_STAGE_PAPER,
    Stage.LIVE: strategy_pb2.STRATEGY_STAGE_LIVE,
    Stage.REVOKED: strategy_pb2.STRATEGY_STAGE_REVOKED,
}

_WISHES = {
    Wish.STOPPED: strategy_pb2.STRATEGY_WISH_STOPPED,
    Wish.RUNNING: strategy_pb2.STRATEGY_WISH_RUNNING,
    Wish.PAUSED: strategy_pb2.STRATEGY_WISH_PAUSED,
}
