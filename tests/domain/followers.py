"""Those who follow an exchange by its events: what they tell must be what it knows."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence

import attrs

from xached.domain.exchange import Exchange
from xached.domain.history import Funds, PurseFold
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import AdvanceClock, Event, Row
from xached.domain.order import MarketState, Order, Purse, Side
from xached.domain.order_reports import PurseOrders
from xached.domain.own_market import OwnMarket, OwnMarketSnapshot
from xached.domain.position import Position
from xached.domain.purse_money import PurseMoney
from xached.domain.purse_past import earlier_orders, met_orders, rewind, touches
from xached.domain.queries import OwnMarketQuery, PurseQuery, PurseSnapshot

DEPTH = 10_000


@attrs.frozen
class Start:
    """Where followers begin: at nothing, or at what the exchange says at some row."""

    rows: int = 0
    market: OwnMarketSnapshot | None = None
    purses: dict[Purse, PurseSnapshot] = attrs.field(factory=dict)

    @classmethod
    def now(cls, exchange: Exchange, seq: int, rows: int) -> Start:
        """Begin here."""
        state = exchange.state
        return cls(
            rows,
            OwnMarketQuery().read(state, seq),
            {name: PurseQuery(name).read(state, seq) for name in state.purses},
        )


def check_followers(
    exchange: Exchange, start: Start, rows: list[tuple[int, int, tuple[Event, ...]]]
) -> None:
    """Fold the rows since the start and compare orders, balances and books."""
    every = [
        Row(seq=seq, at_ns=at_ns, command=AdvanceClock(), events=events)
        for seq, at_ns, events in rows
    ]
    before, told = every[: start.rows], every[start.rows :]
    _check_market(exchange, start, told)
    for name in exchange.state.purses:
        _check_purse(exchange, name, start.purses.get(name), told, before)


def _check_market(exchange: Exchange, start: Start, rows: Iterable[Row]) -> None:
    market = OwnMarket()
    if start.market is not None:
        market.start(start.market, 0)
    for row in rows:
        market.fold(row)
    halted = exchange.state.halted
    for symbol, listed in exchange.state.markets.items():
        assert market.state(symbol) is (
            MarketState.HALTED if halted else listed.effective_state()
        ), symbol
        shown = market.books[symbol].depth
        for side, levels in ((Side.BUY, shown.bids(DEPTH)), (Side.SELL, shown.asks(DEPTH))):
            depth: dict[int, int] = {}
            for _, ticks, lots in listed.book.queue(side):
                depth[ticks] = depth.get(ticks, 0) + lots
            assert levels == tuple(depth.items()), (symbol, side)


def _check_purse(
    exchange: Exchange,
    name: Purse,
    then: PurseSnapshot | None,
    rows: Sequence[Row],
    before: Sequence[Row],
) -> None:
    state = exchange.state
    instruments = {symbol: market.instrument for symbol, market in state.markets.items()}
    orders = [copy.copy(order) for order in then.orders] if then is not None else []
    balances = copy.deepcopy(then.balances) if then is not None else {}
    fold = PurseFold(name, orders, balances, instruments)
    reports = PurseOrders(name, orders, then.seq if then is not None else 0, instruments)
    nothing = PurseSnapshot(seq=0, balances={}, orders=[], positions={})
    money = PurseMoney(name, then if then is not None else nothing, instruments)
    for row in rows:
        fold.fold(row)
        reports.fold(row)
        money.fold(row)
    now = PurseQuery(name).read(state, rows[-1].seq if rows else 0)
    if then is not None:
        _check_past(name, then, now, rows, before, instruments)
    assert list(map(_told, fold.orders.values())) == list(map(_told, now.orders)), name
    assert fold.balances == now.balances, name
    assert len(reports) == len(now.orders), name
    assert money.funds == now.balances, name
    if not state.purses[name].account.closed:
        assert _held(money.positions) == _held(now.positions), name


def _held(positions: Mapping[Symbol, Position]) -> dict[Symbol, Position]:
    """Those that ever held anything, in order."""
    return {symbol: each for symbol, each in sorted(positions.items()) if each != Position()}


def _check_past(
    name: Purse,
    then: PurseSnapshot,
    now: PurseSnapshot,
    rows: Sequence[Row],
    before: Sequence[Row],
    instruments: Mapping[Symbol, Instrument],
) -> None:
    """The purse as it was then can be told from what it is and the rows in between."""
    missed = [row for row in rows if touches(row, name)]
    known = earlier_orders(missed, name, then.seq)
    while len(met := met_orders(before, name, known)) > len(known):
        known = met
    past = rewind(name, now, missed, before, known, then.seq, instruments)
    assert past is not None, name
    by_id = {order.order_id: _told(order) for order in then.orders}
    assert {order_id: _told(order) for order_id, order in past.orders.items()} == by_id, name
    for asset, funds in past.balances.items():
        assert funds == then.balances.get(asset, Funds()), name


def _told(order: Order) -> dict[str, object]:
    return {field.name: getattr(order, field.name) for field in attrs.fields(Order)}
