"""RiskService: what scopes may do and how much of it. Routed on the admin listener only."""

from __future__ import annotations

from collections.abc import Iterable

import attrs
from xache.v1 import risk_pb2

from xached.actors.matching import Matching
from xached.api import convert
from xached.api.auth import caller_of
from xached.api.routes import Call
from xached.domain.instrument import AssetName, Directory
from xached.domain.messages import Command, MarkRisk, SetRiskBounds, SetRiskState
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import Purse, account_of, subaccount_of
from xached.domain.queries import MarketStanding, RiskQuery, RiskSnapshot
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk import RiskLimits
from xached.domain.risk_bounds import (
    HOUSE_SCOPE,
    Amounts,
    RiskBounds,
    RiskEntry,
    RiskScope,
    RiskSetter,
    RiskState,
)
from xached.domain.risk_watch import ExposureQuery
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.world import NS_PER_S


class RiskHandlers:
    """Handlers of RiskService."""

    def __init__(self, matching: Matching, directory: Directory, clock: SteadyClock) -> None:
        self._matching = matching
        self._directory = directory
        self._clock = clock

    async def get_risk(
        self, _call: Call, _request: risk_pb2.GetRiskRequest
    ) -> risk_pb2.GetRiskResponse:
        """Tell everything that is set."""
        known = await self._matching.query(RiskQuery())
        return risk_pb2.GetRiskResponse(
            states=[_scope_state(*each) for each in known.states],
            bounds=[self._bounds(scope, bounds) for scope, bounds in known.bounds],
            marks=[
                risk_pb2.RiskMark(
                    scope=scope,
                    asset=asset,
                    day=mark.day,
                    day_start=self._show(asset, mark.day_start_units),
                    high=self._show(asset, mark.high_units),
                    loss_hit=mark.loss_hit,
                    drawdown_hit=mark.drawdown_hit,
                )
                for scope, asset, mark in known.marks
            ],
            clock_jump_s=round(self._clock.jump_ns / NS_PER_S),
            seq=known.seq,
            halted=known.halt_cause is not None,
            halt_cause=known.halt_cause or "",
            markets=[_market_state(each) for each in known.markets],
            limits=[self._limits(*each) for each in known.limits],
        )

    async def set_risk_state(
        self, call: Call, request: risk_pb2.SetRiskStateRequest
    ) -> risk_pb2.SetRiskStateResponse:
        """Say what a scope may do for now."""
        command = SetRiskState(
            scope=RiskScope(request.scope),
            setter=RiskSetter.OPERATOR,
            state=_state(request.state),
            cause=convert.shown_cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        return risk_pb2.SetRiskStateResponse(seq=await self._seq_of(call, command))

    async def set_risk_bounds(
        self, call: Call, request: risk_pb2.SetRiskBoundsRequest
    ) -> risk_pb2.SetRiskBoundsResponse:
        """Set all bounds of a scope anew."""
        wanted = request.bounds
        command = SetRiskBounds(
            scope=RiskScope(wanted.scope),
            bounds=RiskBounds(
                max_open_orders=(
                    wanted.max_open_orders if wanted.HasField("max_open_orders") else None
                ),
                max_order_notional_units=self._amounts(wanted.max_order_notional),
                max_position_units=self._amounts(wanted.max_position),
                max_notional_per_minute_units=self._amounts(wanted.max_notional_per_minute),
                max_daily_loss_units=self._amounts(wanted.max_daily_loss),
                max_drawdown_units=self._amounts(wanted.max_drawdown),
            ),
            request_id=convert.optional_id(request.request_id),
        )
        return risk_pb2.SetRiskBoundsResponse(seq=await self._seq_of(call, command))

    async def reset_drawdown(
        self, call: Call, request: risk_pb2.ResetDrawdownRequest
    ) -> risk_pb2.ResetDrawdownResponse:
        """Measure a scope's drawdown from now on."""
        scope, asset = RiskScope(request.scope), self._directory.asset(request.asset).name
        exposures = await self._matching.query(ExposureQuery())
        mark = exposures.marks.get((scope, asset))
        exposure = exposures.scopes.get(scope)
        if mark is None or exposure is None:
            raise Rejection(
                Reason.UNKNOWN_SCOPE,
                "no drawdown of this scope and asset is measured",
                field="scope",
                given=f"{scope[:80]} {asset}",
                allowed="a scope with a bound for its drawdown or its daily loss",
            )
        fresh = attrs.evolve(
            mark, high_units=exposure.profit_units.get(asset, 0), drawdown_hit=False
        )
        command = MarkRisk(scope=scope, asset=asset, mark=fresh, request_id="", known=mark)
        return risk_pb2.ResetDrawdownResponse(seq=await self._seq_of(call, command))

    async def confirm_clock(
        self, _call: Call, _request: risk_pb2.ConfirmClockRequest
    ) -> risk_pb2.ConfirmClockResponse:
        """Say that the wall clock is right. The guard lifts its halt within a second."""
        return risk_pb2.ConfirmClockResponse(jump_s=round(self._clock.confirm() / NS_PER_S))

    async def _seq_of(self, call: Call, command: Command) -> int:
        by = caller_of(call).account_id
        row = await self._matching.direct(command, by, deadline=call.deadline_s)
        return row.seq

    def _amounts(self, amounts: Iterable[risk_pb2.RiskAmount]) -> Amounts:
        named = [(self._directory.asset(each.asset), each.amount) for each in amounts]
        units = [(asset.name, parse_decimal(text, asset.scale)) for asset, text in named]
        return tuple(sorted(units))

    def _bounds(self, scope: RiskScope, bounds: RiskBounds) -> risk_pb2.RiskBounds:
        def told(amounts: Amounts) -> list[risk_pb2.RiskAmount]:
            return [
                risk_pb2.RiskAmount(asset=asset, amount=self._show(asset, units))
                for asset, units in amounts
            ]

        return risk_pb2.RiskBounds(
            scope=scope,
            max_open_orders=bounds.max_open_orders,
            max_order_notional=told(bounds.max_order_notional_units),
            max_position=told(bounds.max_position_units),
            max_notional_per_minute=told(bounds.max_notional_per_minute_units),
            max_daily_loss=told(bounds.max_daily_loss_units),
            max_drawdown=told(bounds.max_drawdown_units),
        )

    def _limits(self, purse: Purse | None, limits: RiskLimits) -> risk_pb2.PurseLimits:
        return risk_pb2.PurseLimits(
            account_id="" if purse is None else account_of(purse),
            subaccount="" if purse is None else subaccount_of(purse),
            max_open_orders=limits.max_open_orders,
            max_order_notional=[
                risk_pb2.RiskAmount(asset=asset, amount=self._show(asset, units))
                for asset, units in sorted(limits.max_order_notional_units.items())
            ],
        )

    def _show(self, asset: AssetName, units: int) -> str:
        return format_units(units, self._directory.asset(asset).scale)


def restraints_message(known: RiskSnapshot) -> risk_pb2.HouseRestraints:
    """What restrains the house and its markets; nothing of accounts and their purses."""
    return risk_pb2.HouseRestraints(
        halted=known.halt_cause is not None,
        halt_cause=known.halt_cause or "",
        scopes=[
            _scope_state(scope, setter, entry)
            for scope, setter, entry in known.states
            if scope == HOUSE_SCOPE or scope.startswith("market:")
        ],
        markets=[_market_state(each) for each in known.markets],
    )


def _scope_state(scope: RiskScope, setter: RiskSetter, entry: RiskEntry) -> risk_pb2.RiskScopeState:
    return risk_pb2.RiskScopeState(
        scope=scope,
        setter=f"RISK_SETTER_{setter.name}",
        state=f"RISK_STATE_{entry.state.name}",
        cause=entry.cause,
    )


def _market_state(market: MarketStanding) -> risk_pb2.RiskMarketState:
    return risk_pb2.RiskMarketState(
        symbol=market.symbol,
        state=convert.wire(market.state),
        cause=market.cause,
        until_ns=market.until_ns or 0,
    )


def _state(number: int) -> RiskState:
    try:
        return RiskState(number)
    except ValueError:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "what may the scope do?",
            field="state",
            given=str(number),
            allowed=", ".join(state.name for state in RiskState),
        ) from None
