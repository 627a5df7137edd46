"""The exchange's state as nested builtins, and back.

Equal states give equal dumps: everything is listed in an order that replay reproduces.
"""

from __future__ import annotations

import enum
from bisect import insort
from collections import deque
from typing import Any, TypeAlias

import attrs

from xached.domain.compliance_messages import Disclosure, LevelLimits
from xached.domain.fee_tiers import load_fee_tiers
from xached.domain.instrument import Asset, AssetName, Instrument, Symbol
from xached.domain.ledger import Ledger
from xached.domain.market_messages import FeeTier
from xached.domain.order import (
    AccountId,
    CancelScope,
    EndReason,
    Leg,
    LegRole,
    ListActivation,
    ListKind,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.domain.order_list import OrderList
from xached.domain.position import Position
from xached.domain.prices import AveragePrice, ReferenceBuckets
from xached.domain.reducing_state import note_reducing
from xached.domain.risk import RiskLimits
from xached.domain.risk_bounds import (
    RiskBook,
    RiskBounds,
    RiskEntry,
    RiskMark,
    RiskScope,
    RiskSetter,
    RiskState,
    Window,
)
from xached.domain.state import (
    ArmedStream,
    DayAmount,
    DeadMan,
    Market,
    PurseState,
    State,
    TradedVolume,
    Unseen,
)
from xached.domain.triggers import Triggers, Watch

Dump: TypeAlias = dict[str, Any]

VERSION = 9
"""Counts what :data:`SHAPE` cannot see: the same fields with another meaning."""

_ORDER_FIELDS = tuple(field.name for field in attrs.fields(Order))
_TRIGGER_FIELDS = tuple(field.name for field in attrs.fields(Trigger))
_INSTRUMENT_FIELDS = tuple(field.name for field in attrs.fields(Instrument) if field.init)
SHAPE = "|".join((str(VERSION), ",".join(_ORDER_FIELDS), ",".join(_INSTRUMENT_FIELDS)))
"""What a dump is made of. One of another shape was made by another version: replay instead."""

_ENUMS: dict[str, type[Side | OrderType | TimeInForce | SelfTradePrevention | OrderStatus]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "self_trade_prevention": SelfTradePrevention,
    "status": OrderStatus,
}


def dump(state: State) -> Dump:
    """Write a state down."""
    return {
        "shape": SHAPE,
        "now_ns": state.now_ns,
        "halted": state.halted,
        "halt_cause": state.halt_cause,
        "assets": [[asset.name, asset.scale] for asset in state.assets.values()],
        "delisted_assets": list(state.delisted_assets),
        "markets": [_dump_market(market) for market in state.markets.values()],
        "volumes": [
            [account_id, asset, [list(day) for day in volume.days]]
            for account_id, account in state.accounts.items()
            for asset, volume in account.volumes.items()
        ],
        "fee_tiers": [
            [tier.asset, tier.min_volume_units, tier.maker_fee_ppm, tier.taker_fee_ppm]
            for tiers in state.fee_tiers.values()
            for tier in tiers
        ],
        "purses": [[name, _dump_purse(purse)] for name, purse in state.purses.items()],
        "ledger": state.ledger.snapshot(),
        "orders": [
            [_plain(getattr(order, name)) for name in _ORDER_FIELDS]
            for order in state.orders.values()
        ],
        "trade_groups": [list(each) for each in state.trade_groups.items()],
        "flattening": [list(each) for each in state.flattening],
        "movable": list(state.movable),
        "default_limits": _dump_limits(state.default_limits),
        "unseen": [
            [symbol, list(unseen.trades), unseen.others] for symbol, unseen in state.unseen.items()
        ],
        "triggered": list(state.triggered),
        "lists": [[list_id, *_dump_list(listed)] for list_id, listed in state.lists.items()],
        "unfollowed": list(state.unfollowed),
        "started": [state.started_at_ns, state.started_count],
        "risk": _dump_risk(state.risk),
        "levels": [
            [each.level, *map(_listed, (each.deposit_units, each.trade_units, each.withdraw_units))]
            for each in state.level_limits.values()
        ],
        "disclosures": [
            [each.name, each.version, each.title, each.text] for each in state.disclosures.values()
        ],
        "disclosure_versions": [list(each) for each in state.disclosure_versions.items()],
        "standings": [
            [
                account_id,
                account.level,
                [[asset, each.day, each.units] for asset, each in account.deposited.items()],
                [list(each) for each in account.accepted.items()],
                account.closed,
            ]
            for account_id, account in state.accounts.items()
        ],
        "streams": [
            [stream, armed.purse, armed.scope.value] for stream, armed in state.streams.items()
        ],
    }


def load(dumped: Dump) -> State:
    """Read a state back. What is wrong with a dump is found by its hash, not here."""
    assert dumped["shape"] == SHAPE
    state = State(now_ns=dumped["now_ns"], halted=dumped["halted"])
    state.halt_cause = dumped["halt_cause"]
    state.assets = {name: Asset(name, scale) for name, scale in dumped["assets"]}
    state.delisted_assets = dict.fromkeys(map(AssetName, dumped["delisted_assets"]))
    state.ledger = Ledger.restore(dumped["ledger"])
    state.default_limits = _load_limits(dumped["default_limits"])
    state.risk = _load_risk(dumped["risk"])
    state.streams = {
        stream: ArmedStream(Purse(purse), CancelScope(scope))
        for stream, purse, scope in dumped["streams"]
    }
    for values in dumped["orders"]:
        order = _load_order(dict(zip(_ORDER_FIELDS, values, strict=True)))
        state.orders[order.order_id] = order
    for symbol, trades, others in dumped["unseen"]:
        state.unseen[Symbol(symbol)] = Unseen(list(trades), others)
    state.triggered = [OrderId(order_id) for order_id in dumped["triggered"]]
    state.started_at_ns, state.started_count = dumped["started"]
    for list_id, *values in dumped["lists"]:
        state.lists[OrderId(list_id)] = _load_list(values)
    state.unfollowed = dict.fromkeys(OrderId(list_id) for list_id in dumped["unfollowed"])
    for market in (_load_market(values, state.orders) for values in dumped["markets"]):
        state.markets[market.instrument.symbol] = market
        if market.until_ns is not None:
            insort(state.phase_ends, (market.until_ns, market.instrument.symbol))
    state.movable = dict.fromkeys(map(Symbol, dumped["movable"]))
    for name, values in dumped["purses"]:
        state.open_purse(Purse(name), _load_purse(values))
    for account_id, asset, days in dumped["volumes"]:
        account = state.accounts[AccountId(account_id)]
        account.volumes[AssetName(asset)] = TradedVolume(deque(list(day) for day in days))
    _load_compliance(state, dumped)
    load_fee_tiers(
        state,
        (
            FeeTier(
                asset=AssetName(asset),
                min_volume_units=volume_units,
                maker_fee_ppm=maker_fee_ppm,
                taker_fee_ppm=taker_fee_ppm,
            )
            for asset, volume_units, maker_fee_ppm, taker_fee_ppm in dumped["fee_tiers"]
        ),
    )
    for order in state.orders.values():
        state.purses[order.purse].add_open(order)
        market = state.markets[order.symbol]
        market.order_count += 1
        if order.display_lots is not None:
            market.icebergs += 1
        if market.delisted:
            state.delisting[order.symbol] = None
        if order.expires_at_ns is not None:
            state.expiries.append((order.expires_at_ns, order.order_id))
    state.expiries.sort()
    state.trade_groups = {AccountId(name): group for name, group in dumped["trade_groups"]}
    state.flattening = [(Purse(name), Symbol(symbol)) for name, symbol in dumped["flattening"]]
    for name, purse in state.purses.items():
        for symbol in purse.reducing:
            note_reducing(state, name, symbol)
    state.dead_men = sorted(
        (purse.dead_man.fires_at_ns, name)
        for name, purse in state.purses.items()
        if purse.dead_man is not None
    )
    return state


def _load_compliance(state: State, dumped: Dump) -> None:
    for level, *amounts in dumped["levels"]:
        deposit, trade, withdraw = (
            tuple((AssetName(name), units) for name, units in each) for each in amounts
        )
        state.level_limits[level] = LevelLimits(
            level=level, deposit_units=deposit, trade_units=trade, withdraw_units=withdraw
        )
    for name, version, title, text in dumped["disclosures"]:
        state.disclosures[name] = Disclosure(name=name, version=version, title=title, text=text)
    state.disclosure_versions = dict(dumped["disclosure_versions"])
    for account_id, level, deposited, accepted, closed in dumped["standings"]:
        account = state.accounts[AccountId(account_id)]
        account.level = level
        account.deposited = {AssetName(name): DayAmount(*rest) for name, *rest in deposited}
        account.accepted = dict(accepted)
        account.closed = closed


def _plain(value: Any) -> Any:
    if isinstance(value, Trigger | Leg):
        return [_plain(part) for part in attrs.astuple(value, recurse=False)]
    return value.value if isinstance(value, enum.IntEnum) else value


def _dump_market(market: Market) -> list[Any]:
    return [
        [getattr(market.instrument, name) for name in _INSTRUMENT_FIELDS],
        market.state.value,
        market.cause,
        market.until_ns,
        market.opening,
        market.breached,
        market.delisted,
        market.reference_ticks,
        market.last_ticks,
        [list(second) for second in market.average.seconds],
        [[order_id, shown] for side in Side for order_id, _, shown in market.book.queue(side)],
        market.mark_ticks,
        market.mark_at_ns,
        [list(bucket) for bucket in market.marks.buckets],
        _dump_triggers(market.triggers),
    ]


def _load_market(values: list[Any], orders: dict[OrderId, Order]) -> Market:
    (
        fields,
        state,
        cause,
        until_ns,
        opening,
        breached,
        delisted,
        reference_ticks,
        last_ticks,
        average,
        queue,
        mark_ticks,
        mark_at_ns,
        marks,
        triggers,
    ) = values
    instrument = Instrument(**dict(zip(_INSTRUMENT_FIELDS, fields, strict=True)))
    market = Market(
        instrument,
        state=MarketState(state),
        cause=cause,
        until_ns=until_ns,
        opening=opening,
        breached=breached,
        delisted=delisted,
        last_ticks=last_ticks,
        average=AveragePrice(deque(list(second) for second in average)),
        mark_ticks=mark_ticks,
        mark_at_ns=mark_at_ns,
        marks=ReferenceBuckets(deque(list(bucket) for bucket in marks)),
        triggers=_load_triggers(triggers),
    )
    if reference_ticks is not None:
        market.set_reference(reference_ticks)
    for order_id, shown_lots in queue:
        order = orders[order_id]
        assert order.price_ticks is not None
        market.book.add(order_id, order.side, order.price_ticks, shown_lots)
    return market


def _dump_triggers(triggers: Triggers | None) -> list[list[Any]] | None:
    if triggers is None:
        return None
    return [
        [order_id, *(_plain(part) for part in attrs.astuple(watch, recurse=False))]
        for order_id, watch in sorted(triggers.watches.items())
    ]


def _load_triggers(values: list[list[Any]] | None) -> Triggers | None:
    if values is None:
        return None
    triggers = Triggers()
    for order_id, source, side, *rest in values:
        triggers.put(OrderId(order_id), Watch(TriggerSource(source), Side(side), *rest))
    return triggers


def _dump_list(listed: OrderList) -> list[Any]:
    return [
        listed.kind.value,
        listed.activation.value,
        listed.purse,
        listed.symbol,
        list(listed.order_ids),
        listed.quantity_lots,
        listed.parent_lots,
        listed.given_lots,
        [[order_id, reason.value] for order_id, reason in listed.ends.items()],
    ]


def _load_list(values: list[Any]) -> OrderList:
    kind, activation, purse, symbol, order_ids, quantity_lots, parent_lots, given_lots, ends = (
        values
    )
    return OrderList(
        ListKind(kind),
        ListActivation(activation),
        Purse(purse),
        Symbol(symbol),
        tuple(OrderId(order_id) for order_id in order_ids),
        quantity_lots,
        parent_lots,
        given_lots,
        {OrderId(order_id): EndReason(reason) for order_id, reason in ends},
    )


def _dump_purse(purse: PurseState) -> list[Any]:
    return [
        purse.simulated,
        purse.frozen,
        _dump_limits(purse.limits),
        [
            [symbol, position.quantity_lots, position.cost_units, position.realised_units]
            for symbol, position in sorted(purse.positions.items())
        ],
        _dump_dead_man(purse.dead_man),
    ]


def _load_purse(values: list[Any]) -> PurseState:
    simulated, frozen, limits, positions, dead_man = values
    purse = PurseState(simulated=simulated, frozen=frozen, limits=_load_limits(limits))
    if dead_man is not None:
        fires_at_ns, scope = dead_man
        purse.dead_man = DeadMan(fires_at_ns, CancelScope(scope))
    for symbol, quantity_lots, cost_units, realised_units in positions:
        purse.positions[Symbol(symbol)] = Position(quantity_lots, cost_units, realised_units)
    return purse


def _dump_dead_man(dead_man: DeadMan | None) -> list[int] | None:
    return None if dead_man is None else [dead_man.fires_at_ns, dead_man.scope.value]


def _load_order(values: dict[str, Any]) -> Order:
    for name, kind in _ENUMS.items():
        values[name] = kind(values[name])
    values["end_reason"] = EndReason(values["end_reason"])
    if values["trigger"] is not None:
        source, *rest = values["trigger"]
        parts = dict(zip(_TRIGGER_FIELDS, (TriggerSource(source), *rest), strict=True))
        values["trigger"] = Trigger(**parts)
    if values["leg"] is not None:
        list_id, role = values["leg"]
        values["leg"] = Leg(list_id=OrderId(list_id), role=LegRole(role))
    return Order(**values)


_BOUNDS_FIELDS = tuple(field.name for field in attrs.fields(RiskBounds))


def _dump_risk(book: RiskBook) -> list[Any]:
    return [
        [
            [scope, setter.value, entry.state.value, entry.cause]
            for scope, entries in sorted(book.states.items())
            for setter, entry in sorted(entries.items())
        ],
        [
            [scope, *[_listed(getattr(bounds, name)) for name in _BOUNDS_FIELDS]]
            for scope, bounds in sorted(book.bounds.items())
        ],
        [[scope, _listed(window.entries)] for scope, window in sorted(book.windows.items())],
        [
            [scope, asset, *attrs.astuple(mark)]
            for (scope, asset), mark in sorted(book.marks.items())
        ],
    ]


def _load_risk(values: list[Any]) -> RiskBook:
    states, bounds, windows, marks = values
    book = RiskBook()
    for scope, setter, state, cause in states:
        entry = RiskEntry(state=RiskState(state), cause=cause)
        book.set_state(RiskScope(scope), RiskSetter(setter), entry)
    for scope, most, *amounts in bounds:
        tuples = [tuple((AssetName(name), units) for name, units in each) for each in amounts]
        named = dict(zip(_BOUNDS_FIELDS[1:], tuples, strict=True))
        book.set_bounds(RiskScope(scope), RiskBounds(max_open_orders=most, **named))
    for scope, entries in windows:
        book.windows[RiskScope(scope)] = Window([(at, AssetName(a), u) for at, a, u in entries])
    for scope, asset, day, start, high, loss_hit, drawdown_hit in marks:
        book.marks[RiskScope(scope), AssetName(asset)] = RiskMark(
            day=day,
            day_start_units=start,
            high_units=high,
            loss_hit=loss_hit,
            drawdown_hit=drawdown_hit,
        )
    return book


def _listed(value: Any) -> Any:
    return [list(each) for each in value] if isinstance(value, list | tuple) else value


def _dump_limits(limits: RiskLimits | None) -> list[Any] | None:
    if limits is None:
        return None
    return [
        limits.max_open_orders,
        [[asset, units] for asset, units in limits.max_order_notional_units.items()],
    ]


def _load_limits(values: list[Any] | None) -> RiskLimits | None:
    if values is None:
        return None
    return RiskLimits(values[0], {AssetName(asset): units for asset, units in values[1]})
