"""What a strategy's orders would have been filled with, by the declared model, in the book as it
was recorded and without them.

The book of the house holds the strategy's own orders: what rested of them is taken out of every
level, what they took is left in it and was not traded. Whoever traded with one that rested comes
all the same. The book of a venue, which paper trading follows, never held them.

The model is that of :mod:`xached.research.backtest.tape_exchange`, with money for everything. Each
order is replayed twice: as it should have arrived, ``latency_ns`` after it was wanted, and as it
did. What the first differs in from the second is latency, the rest is the queue or the order's own
weight.
"""

from __future__ import annotations

import decimal
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import attrs
import numpy as np
from xache_sdk.exact import EXACT
from xache_sdk.market import Side
from xache_sdk.orders import Cancel, ChangeRefused, OrderStatus, OrderUpdate, Place, TimeInForce

from xached.domain.instrument import Instrument
from xached.research.backtest.account import Account
from xached.research.backtest.tape import Tape, TapeKind
from xached.research.backtest.tape_exchange import Desk, TapeExchange
from xached.research.backtest.terms import told_instrument
from xached.research.judgement.parity import Executed, OrderPair

PLENTY_UNITS: Final = 10**30
PLENTY_LOTS: Final = 10**15


@attrs.frozen
class LiveFill:
    """A part of an order that was filled."""

    at_ns: int
    price_ticks: int
    lots: int
    maker: bool


@attrs.frozen(kw_only=True)
class LiveOrder:
    """An order as it went. Times None: it never came to that.

    ``place`` is what it was replayed as: by base, without a trigger. ``ended_at_ns`` is when it
    ended with something left to fill. ``rests`` says from when on
    how many of its lots stood in the book; nothing where others hold its book.
    """

    order_id: str
    place: Place
    wanted_at_ns: int
    arrived_at_ns: int | None
    cancel_wanted_at_ns: int | None
    ended_at_ns: int | None
    refused: bool
    fills: tuple[LiveFill, ...]
    rests: tuple[tuple[int, int], ...] = ()

    @property
    def executed(self) -> Executed:
        """All that was filled of it."""
        lots = sum(fill.lots for fill in self.fills)
        return Executed(lots, sum(fill.price_ticks * fill.lots for fill in self.fills))


@attrs.define
class _Replayed:
    lots: int = 0
    tick_lots: int = 0
    maker: bool = False
    refused: bool = False

    @property
    def executed(self) -> Executed:
        return Executed(self.lots, self.tick_lots)


def pair_orders(
    tape: Tape,
    breaks: Iterable[int],
    instrument: Instrument,
    orders: Sequence[LiveOrder],
    *,
    latency_ns: int,
    version_differs: bool = False,
    data_revised: bool = False,
) -> list[OrderPair]:
    """Every order beside its replay in one market.

    ``tape`` is without the orders (see :func:`tape_without`); ``breaks`` are when it was not
    known, and what was under way then is not explained.
    """
    modelled = _replay(tape, instrument, _as_modelled(orders, latency_ns))
    arrived = _replay(tape, instrument, _as_arrived(orders))
    gaps = sorted(breaks)
    end_ns = tape.at_ns.item(-1)
    pairs = []
    for number, order in enumerate(orders):
        model, arrival = modelled[str(number)], arrived.get(str(number))
        filled = order.executed.lots == _lots(order, instrument)
        last_ns = order.fills[-1].at_ns if filled else order.ended_at_ns or end_ns
        known = arrival is not None and not any(
            order.wanted_at_ns <= gap <= last_ns for gap in gaps
        )
        rests = order.place.price is not None and order.place.lives in (
            TimeInForce.GTC,
            TimeInForce.GTD,
        )
        pairs.append(
            OrderPair(
                order_id=order.order_id,
                buy=order.place.side is Side.BUY,
                live=order.executed,
                replayed=model.executed,
                at_arrival=arrival.executed if arrival is not None and known else None,
                rested=known
                and (
                    model.maker or any(fill.maker for fill in order.fills) or (rests and not filled)
                ),
                refused_once=order.refused != model.refused,
                version_differs=version_differs,
                data_revised=data_revised,
            )
        )
    return pairs


def tape_without(tape: Tape, instrument: Instrument, orders: Iterable[LiveOrder]) -> Tape:
    """The tape of the house's own book as it would be without these orders.

    ``tape`` is at the times of the house, which dates every step of its own.
    """
    changes: list[tuple[int, int, int, int]] = []
    traded: dict[tuple[int, int], int] = {}
    took: dict[int, int] = {}
    for order in orders:
        kind = TapeKind.BID if order.place.side is Side.BUY else TapeKind.ASK
        if order.place.price is not None:
            price = _ticks(order.place.price, instrument)
            before = 0
            for at_ns, lots in order.rests:
                changes.append((at_ns, kind, price, lots - before))
                before = lots
        for fill in order.fills:
            if fill.maker:
                continue  # Others came and traded: they would have come without it too.
            key = fill.at_ns, fill.price_ticks
            traded[key] = traded.get(key, 0) + fill.lots
            took[fill.at_ns] = TapeKind.ASK if kind == TapeKind.BID else TapeKind.BID
    changes.sort()
    return _rebuilt(tape, changes, traded, took)


def _rebuilt(
    tape: Tape,
    changes: Sequence[tuple[int, int, int, int]],
    traded: dict[tuple[int, int], int],
    took: dict[int, int],
) -> Tape:
    own: dict[tuple[int, int], int] = {}
    rows: list[tuple[int, int, int, int]] = []
    place = 0
    columns = (tape.at_ns, tape.kind, tape.price_ticks, tape.quantity_lots)
    for at_ns, kind, price, lots in zip(*(each.tolist() for each in columns), strict=True):
        while place < len(changes) and changes[place][0] <= at_ns:
            _, own_kind, own_price, more = changes[place]
            own[own_kind, own_price] = own.get((own_kind, own_price), 0) + more
            place += 1
        if kind > TapeKind.ASK:
            mine = min(lots, traded.get((at_ns, price), 0))
            if mine:
                traded[at_ns, price] -= mine
            if lots > mine:
                rows.append((at_ns, kind, price, lots - mine))
        elif took.get(at_ns) != kind:  # What they took stays until somebody else changes it.
            rows.append((at_ns, kind, price, max(0, lots - own.get((kind, price), 0))))
    told = np.array(rows or [(tape.at_ns.item(0), TapeKind.BID, 1, 0)], dtype=np.int64).T
    return attrs.evolve(
        tape,
        at_ns=told[0].copy(),
        kind=told[1].copy(),
        price_ticks=told[2].copy(),
        quantity_lots=told[3].copy(),
    )


_Sent = tuple[int, int, Place | Cancel]
"""When it arrives, a number that keeps the order of what arrives together, and what."""


def _as_modelled(orders: Sequence[LiveOrder], latency_ns: int) -> list[_Sent]:
    sent: list[_Sent] = []
    for number, order in enumerate(orders):
        sent.append((order.wanted_at_ns + latency_ns, number, _named(order.place, number)))
        cancel_ns = order.cancel_wanted_at_ns
        if cancel_ns is not None:
            sent.append((cancel_ns + latency_ns, number, Cancel(str(number))))
        elif order.ended_at_ns is not None:  # Ended by others, at a time that is known.
            sent.append((order.ended_at_ns, number, Cancel(str(number))))
    return sent


def _as_arrived(orders: Sequence[LiveOrder]) -> list[_Sent]:
    sent: list[_Sent] = []
    for number, order in enumerate(orders):
        if order.arrived_at_ns is not None:
            sent.append((order.arrived_at_ns, number, _named(order.place, number)))
            if order.ended_at_ns is not None:
                sent.append((order.ended_at_ns, number, Cancel(str(number))))
    return sent


def _named(place: Place, number: int) -> Place:
    """An order by its number: of several runs two may have one id."""
    return Place(
        id=str(number),
        symbol=place.symbol,
        side=place.side,
        quantity=place.quantity,
        price=place.price,
        time_in_force=place.time_in_force,
        post_only=place.post_only,
        expires_at_ns=place.expires_at_ns,
    )


def _replay(tape: Tape, instrument: Instrument, sent: list[_Sent]) -> dict[str, _Replayed]:
    found = {each.id: _Replayed() for _, _, each in sent}
    told = told_instrument(instrument)

    def tell(update: OrderUpdate | ChangeRefused) -> None:
        assert isinstance(update, OrderUpdate), "no change of an order is replayed"
        one = found[update.id]
        if update.status is OrderStatus.REFUSED:
            one.refused = True
        if update.fill is not None:
            lots = told.lots(update.fill.quantity)
            one.lots += lots
            one.tick_lots += lots * told.ticks(update.fill.price)
            one.maker |= update.fill.maker

    account = Account([(instrument, told)], PLENTY_UNITS)
    line = account.lines[0]
    line.base.free_units = PLENTY_UNITS
    line.position.buy(PLENTY_LOTS, PLENTY_UNITS, 0)
    exchange = TapeExchange(account, line, tell, used_ids=set())
    desk = Desk([exchange], 0)
    with decimal.localcontext(EXACT):
        for at_ns, _, intent in sorted(sent, key=lambda each: each[:2]):
            desk.send(intent, at_ns)
        _run(desk, exchange, tape)
    return found


def _run(desk: Desk, exchange: TapeExchange, tape: Tape) -> None:
    columns = (tape.at_ns, tape.kind, tape.price_ticks, tape.quantity_lots)
    bids, asks = exchange.bids, exchange.asks
    for at_ns, kind, price, lots in zip(*(each.tolist() for each in columns), strict=True):
        if desk.arrives_ns <= at_ns:
            desk.arrive(at_ns)
        if kind > TapeKind.ASK:
            exchange.last_ticks = price
            if exchange.queued:
                exchange.traded(kind, price, lots, at_ns)
            continue
        levels = asks if kind else bids
        if lots:
            levels[price] = lots
        else:
            levels.pop(price, None)
        if price in exchange.own_prices:
            exchange.level_changed(kind, price, lots)
    desk.arrive(max(tape.at_ns.item(-1), desk.arrives_ns))


def _ticks(price: Decimal, instrument: Instrument) -> int:
    return int(price / Decimal(instrument.tick_size))


def _lots(order: LiveOrder, instrument: Instrument) -> int:
    assert order.place.quantity is not None, "what is replayed is by base"
    return int(order.place.quantity / Decimal(instrument.lot_size))
