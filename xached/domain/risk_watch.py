"""Watching what depends on prices that move: losses, drawdowns, whole positions, silent feeds.

Theory of operation. About once a second the risk actor asks the exchange how each bounded scope
stands (:class:`ExposureQuery`) and :func:`assess` says which commands follow. It keeps nothing
itself: where a day began and how high a profit has been are facts in the journal
(:class:`RiskMark`), so a restart forgets at most the last second.

Profit is realised and unrealised, fees included, at the mark. Deposits and withdrawals are no part
of it, so they need not be taken out. A position that is transferred takes along what it has gained,
and the same row moves what both purses are measured from. A day is UTC. A daily loss beyond its
bound holds until the next day, a drawdown until it is begun anew, whatever prices do
meanwhile: a purse that goes to and fro over its bound would trade at the worst moments. What is
only too large, or blind, is let go as soon as it is not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import attrs

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import CancelAll, Command, MarkRisk, SetRiskState
from xached.domain.money import format_units
from xached.domain.order import BUY, CancelScope, EndReason, Purse, account_of
from xached.domain.risk_bounds import (
    ACTIVE,
    HOUSE_SCOPE,
    RiskBounds,
    RiskEntry,
    RiskMark,
    RiskScope,
    RiskSetter,
    RiskState,
    account_scope,
    amount_of,
    market_scope,
    purse_scope,
    worth_units,
)
from xached.domain.state import Market, PurseState, State

NS_PER_DAY = 86_400 * 10**9


@attrs.define
class Exposure:
    """How a bounded scope stands. Units by quote asset; ``entries`` are purses with open buys."""

    bounds: RiskBounds
    profit_units: dict[AssetName, int] = attrs.field(factory=dict)
    position_units: dict[AssetName, int] = attrs.field(factory=dict)
    open_orders: int = 0
    entries: list[Purse] = attrs.field(factory=list)


@attrs.frozen(kw_only=True)
class Exposures:
    """How all bounded scopes stand, what the watch has set, and what it has marked before."""

    scopes: Mapping[RiskScope, Exposure]
    watched: Mapping[RiskScope, RiskEntry]
    marks: Mapping[tuple[RiskScope, AssetName], RiskMark]
    scales: Mapping[AssetName, int]
    mark_ends_ns: Mapping[Symbol, int]
    """Until when a market's mark counts, where its instrument lets marks grow old."""


@attrs.frozen
class ExposureQuery:
    """How do the bounded scopes stand? One pass over the purses; nothing without any bounds."""

    def read(self, state: State, _seq: int) -> Exposures:
        """Add up positions at the marks."""
        scopes = {scope: Exposure(bounds) for scope, bounds in state.risk.bounds.items()}
        if scopes:
            for name, purse in state.purses.items():
                _add_purse(state, scopes, name, purse)
        return Exposures(
            scopes=scopes,
            watched={
                scope: entries[RiskSetter.WATCH]
                for scope, entries in state.risk.states.items()
                if RiskSetter.WATCH in entries
            },
            marks=dict(state.risk.marks),
            scales={name: asset.scale for name, asset in state.assets.items()},
            mark_ends_ns={
                symbol: market.mark_at_ns + market.instrument.mark_stale_ns
                for symbol, market in state.markets.items()
                if market.instrument.mark_stale_ns and market.mark_ticks is not None
            },
        )


def assess(exposures: Exposures, blind: Collection[Symbol], at_ns: int) -> list[Command]:
    """The commands that follow from how things stand.

    Args:
        blind: markets whose feed has said nothing for too long.
    """
    commands: list[Command] = []
    wanted = {
        market_scope(symbol): "its mark is too old"
        for symbol, ends_ns in exposures.mark_ends_ns.items()
        if ends_ns < at_ns
    }
    wanted |= {market_scope(symbol): "its feed is silent" for symbol in sorted(blind)}
    for scope, exposure in exposures.scopes.items():
        causes, marks = _assess_scope(scope, exposure, exposures, at_ns)
        commands += marks
        if causes:
            wanted[scope] = "; ".join([*([wanted[scope]] if scope in wanted else []), *causes])
    for scope, cause in wanted.items():
        if exposures.watched.get(scope, ACTIVE).state is not RiskState.REDUCING:
            commands.append(_state(scope, RiskState.REDUCING, cause))
            entries = exposures.scopes[scope].entries if scope in exposures.scopes else []
            commands += [
                CancelAll(
                    purse=purse,
                    symbol=_symbol(scope),
                    request_id="",
                    reason=EndReason.RISK,
                    scope=CancelScope.ENTRIES,
                )
                for purse in entries
            ]
    commands += [
        _state(scope, RiskState.ACTIVE, "") for scope in exposures.watched if scope not in wanted
    ]
    return commands


def _assess_scope(
    scope: RiskScope, exposure: Exposure, exposures: Exposures, at_ns: int
) -> tuple[list[str], list[Command]]:
    """Why a scope must reduce, and what is to be marked about it."""
    bounds = exposure.bounds
    causes: list[str] = []
    marks: list[Command] = []

    def show(asset: AssetName, units: int) -> str:
        return f"{format_units(units, exposures.scales[asset])} {asset}"

    most = bounds.max_open_orders
    if most is not None and exposure.open_orders > most:
        causes.append(f"{exposure.open_orders} open orders, more than {most}")
    for asset, units_max in bounds.max_position_units:
        units = exposure.position_units.get(asset, 0)
        if units > units_max:
            causes.append(f"a position of {show(asset, units)}, more than {show(asset, units_max)}")
    for asset in _priced(bounds):
        profit = exposure.profit_units.get(asset, 0)
        known = exposures.marks.get((scope, asset))
        mark = _next_mark(known, bounds, asset, profit, at_ns)
        if mark != known:
            marks.append(MarkRisk(scope=scope, asset=asset, mark=mark, request_id="", known=known))
        if mark.loss_hit:
            causes.append(f"a daily loss of {show(asset, mark.day_start_units - profit)}")
        if mark.drawdown_hit:
            causes.append(f"a drawdown of {show(asset, mark.high_units - profit)}")
    return causes, marks


def _next_mark(
    known: RiskMark | None, bounds: RiskBounds, asset: AssetName, profit: int, at_ns: int
) -> RiskMark:
    day = at_ns // NS_PER_DAY
    if known is None:
        known = RiskMark(day=day, day_start_units=profit, high_units=profit)
    if known.day != day:
        known = attrs.evolve(known, day=day, day_start_units=profit, loss_hit=False)
    loss_max = amount_of(bounds.max_daily_loss_units, asset)
    drawdown_max = amount_of(bounds.max_drawdown_units, asset)
    high = max(known.high_units, profit)
    return attrs.evolve(
        known,
        high_units=high,
        loss_hit=loss_max is not None
        and (known.loss_hit or known.day_start_units - profit > loss_max),
        drawdown_hit=drawdown_max is not None
        and (known.drawdown_hit or high - profit > drawdown_max),
    )


def _priced(bounds: RiskBounds) -> Iterator[AssetName]:
    """The assets in which a scope's profit is bounded, each once."""
    names = dict.fromkeys(
        name for name, _ in (*bounds.max_daily_loss_units, *bounds.max_drawdown_units)
    )
    yield from names


def _state(scope: RiskScope, state: RiskState, cause: str) -> SetRiskState:
    return SetRiskState(
        scope=scope, setter=RiskSetter.WATCH, state=state, cause=cause, request_id=""
    )


def _symbol(scope: RiskScope) -> Symbol | None:
    kind, _, name = scope.partition(":")
    return Symbol(name) if kind == "market" else None


# --- adding up -------------------------------------------------------------------------------


def _add_purse(
    state: State, scopes: Mapping[RiskScope, Exposure], name: Purse, purse: PurseState
) -> None:
    wide = [
        scopes[scope]
        for scope in (HOUSE_SCOPE, account_scope(account_of(name)), purse_scope(name))
        if scope in scopes
    ]
    buys: dict[Symbol, int] = {}
    for order_id, symbol in purse.open_orders.items():
        order = state.orders[order_id]
        if order.side is BUY:
            buys[symbol] = buys.get(symbol, 0) + order.held_units
    for symbol in dict.fromkeys((*purse.positions, *purse.open_counts)):
        market = state.markets[symbol]
        inside = [*wide, *_market_exposure(scopes, symbol)]
        _add_market(inside, market, purse, buys.get(symbol, 0), purse.open_counts.get(symbol, 0))
        if symbol in buys:
            for exposure in inside:
                if name not in exposure.entries[-1:]:
                    exposure.entries.append(name)


def _market_exposure(scopes: Mapping[RiskScope, Exposure], symbol: Symbol) -> Sequence[Exposure]:
    found = scopes.get(market_scope(symbol))
    return (found,) if found is not None else ()


def _add_market(
    exposures: Sequence[Exposure], market: Market, purse: PurseState, buys: int, orders: int
) -> None:
    instrument: Instrument = market.instrument
    position = purse.position(instrument.symbol)
    worth = worth_units(market, position.quantity_lots)
    # Without any price what was bought counts as what it cost: no profit and no loss.
    profit = position.realised_units + (worth - position.cost_units if worth is not None else 0)
    for exposure in exposures:
        exposure.open_orders += orders
        for amounts, units in (
            (exposure.profit_units, profit),
            (exposure.position_units, (worth or 0) + buys),
        ):
            amounts[instrument.quote] = amounts.get(instrument.quote, 0) + units
