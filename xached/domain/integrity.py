"""Market integrity: what an account does that somebody should look at, and the rows that show it.

A fold over journal rows, for people who watch the market; nothing is refused by it. Three things
are counted for every account:

* self-matches: meetings with its own orders that were prevented;
* its order-to-trade ratio: orders, amendments and cancels against fills;
* layering: several orders of one side at different prices, a trade on the other side soon after,
  and then the orders cancelled untouched. That can be innocent: the evidence is there to judge.

Memory is bounded: accounts that did nothing for longest are forgotten first, of evidence and of
open orders the newest are kept.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable

import attrs

from xached.domain.frozen import frozen
from xached.domain.instrument import PPM, Symbol
from xached.domain.messages import (
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    Row,
    Traded,
)
from xached.domain.order import USER, AccountId, OrderId, Purse, Side, account_of

ACCOUNTS_MAX = 10_000
EVIDENCE_MAX = 32
"""Newest findings kept of each kind and account."""

LAYERS_MIN = 3
"""Prices at which an account must have had orders for it to be layering."""

LAYERS_MAX = 64
"""Open orders of one account, market and side that are looked at: the newest."""

WINDOW_NS = 10_000_000_000
"""How long before a trade layers are placed, and how long after it they are cancelled."""


@frozen(kw_only=True)
class Layering:
    """One pattern, with the rows to read: the orders, the trade on the other side, the cancels."""

    symbol: Symbol
    side: Side
    placed_seqs: tuple[int, ...]
    traded_seq: int
    cancelled_seqs: tuple[int, ...]
    at_ns: int


@frozen(kw_only=True)
class Conduct:
    """What an account has done. ``messages`` are orders, amendments and cancels of its own."""

    account_id: AccountId
    orders: int
    messages: int
    fills: int
    self_matches: int
    self_match_seqs: tuple[int, ...]
    layerings: int
    layering_evidence: tuple[Layering, ...]

    @property
    def messages_per_fill_ppm(self) -> int:
        """The order-to-trade ratio; of an account that never traded, as if it had once."""
        return self.messages * PPM // max(1, self.fills)


@attrs.define
class _Layer:
    """One order of a side while it is open. ``traded_seq``: the trade it may have led to."""

    seq: int
    at_ns: int
    price_ticks: int


@attrs.define
class _Suspicion:
    """Layers that were open when their account traded on the other side."""

    traded_seq: int
    traded_at_ns: int
    layers: dict[OrderId, _Layer]
    cancelled: list[tuple[int, _Layer]] = attrs.field(factory=list)


@attrs.define
class _Account:
    orders: int = 0
    messages: int = 0
    fills: int = 0
    self_matches: int = 0
    self_match_seqs: deque[int] = attrs.field(factory=lambda: deque(maxlen=EVIDENCE_MAX))
    layerings: int = 0
    evidence: deque[Layering] = attrs.field(factory=lambda: deque(maxlen=EVIDENCE_MAX))
    layers: dict[tuple[Symbol, Side], OrderedDict[OrderId, _Layer]] = attrs.field(factory=dict)
    suspicions: dict[tuple[Symbol, Side], _Suspicion] = attrs.field(factory=dict)


class Integrity:
    """Follows every account from some row on."""

    def __init__(self, accounts_max: int = ACCOUNTS_MAX) -> None:
        self._accounts_max = accounts_max
        self._accounts: OrderedDict[AccountId, _Account] = OrderedDict()
        self.seq = 0

    def fold(self, row: Row) -> None:
        """Take in the next row; one that is known already is passed over."""
        if row.seq <= self.seq:
            return
        self.seq = row.seq
        for event in row.events:
            if isinstance(event, OrderEnded):
                self._end(event, row)
            elif isinstance(event, OrderAccepted):
                self._accept(event, row)
            elif isinstance(event, Traded):
                self._trade(event, row)
            elif isinstance(event, MatchPrevented):
                account = self._account(event.taker_purse)
                account.self_matches += 1
                account.self_match_seqs.append(row.seq)
            elif isinstance(event, OrderReduced) and event.reason is USER:
                self._account(event.purse).messages += 1

    def conduct_of(self, account_id: AccountId) -> Conduct | None:
        """What an account has done; None when nothing of it is known."""
        account = self._accounts.get(account_id)
        return _told(account_id, account) if account is not None else None

    def conspicuous(self, limit: int) -> list[Conduct]:
        """The accounts to look at first: by layering, self-matches, then messages for each fill."""
        told = [_told(account_id, account) for account_id, account in self._accounts.items()]
        told.sort(
            key=lambda each: (
                -each.layerings,
                -each.self_matches,
                -each.messages_per_fill_ppm,
                each.account_id,
            )
        )
        return told[:limit]

    def _account(self, purse: Purse) -> _Account:
        account_id = account_of(purse)
        account = self._accounts.get(account_id)
        if account is None:
            account = self._accounts[account_id] = _Account()
            if len(self._accounts) > self._accounts_max:
                self._accounts.popitem(last=False)
        else:
            self._accounts.move_to_end(account_id)
        return account

    def _accept(self, event: OrderAccepted, row: Row) -> None:
        account = self._account(event.purse)
        account.orders += 1
        account.messages += 1
        if event.price_ticks is None or event.trigger is not None:
            return
        key = (event.symbol, event.side)
        layers = account.layers.get(key)
        if layers is None:
            layers = account.layers[key] = OrderedDict()
        layers[event.order_id] = _Layer(row.seq, row.at_ns, event.price_ticks)
        if len(layers) > LAYERS_MAX:
            layers.popitem(last=False)

    def _trade(self, event: Traded, row: Row) -> None:
        for purse, side, order_id in (
            (event.taker_purse, event.taker_side, event.taker_order_id),
            (event.maker_purse, event.taker_side.opposite, event.maker_order_id),
        ):
            account = self._account(purse)
            account.fills += 1
            # What has traded is no longer only for show.
            layers = account.layers.get((event.symbol, side))
            if layers is not None:
                layers.pop(order_id, None)
            self._suspect(account, (event.symbol, side.opposite), row)

    @staticmethod
    def _suspect(account: _Account, key: tuple[Symbol, Side], row: Row) -> None:
        fresh = {
            order_id: layer
            for order_id, layer in account.layers.get(key, {}).items()
            if row.at_ns - layer.at_ns <= WINDOW_NS
        }
        if len(fresh) >= LAYERS_MIN:
            account.suspicions[key] = _Suspicion(row.seq, row.at_ns, fresh)

    def _end(self, event: OrderEnded, row: Row) -> None:
        account, key = self._account(event.purse), (event.symbol, event.side)
        if event.reason is USER:
            account.messages += 1
        layers = account.layers.get(key)
        if layers is not None:
            layers.pop(event.order_id, None)
            if not layers:
                del account.layers[key]
        suspicion = account.suspicions.get(key)
        if suspicion is None:
            return
        if row.at_ns - suspicion.traded_at_ns > WINDOW_NS:
            del account.suspicions[key]
            return
        layer = suspicion.layers.pop(event.order_id, None)
        if layer is None or event.executed_lots or event.reason is not USER:
            return
        suspicion.cancelled.append((row.seq, layer))
        if len({each.price_ticks for _, each in suspicion.cancelled}) >= LAYERS_MIN:
            self._found(account, key, suspicion, row)

    @staticmethod
    def _found(
        account: _Account, key: tuple[Symbol, Side], suspicion: _Suspicion, row: Row
    ) -> None:
        symbol, side = key
        del account.suspicions[key]
        account.layerings += 1
        account.evidence.append(
            Layering(
                symbol=symbol,
                side=side,
                placed_seqs=tuple(layer.seq for _, layer in suspicion.cancelled),
                traded_seq=suspicion.traded_seq,
                cancelled_seqs=tuple(seq for seq, _ in suspicion.cancelled),
                at_ns=row.at_ns,
            )
        )


def fold_rows(rows: Iterable[Row]) -> Integrity:
    """What some rows say of everybody in them."""
    integrity = Integrity()
    for row in rows:
        integrity.fold(row)
    return integrity


def _told(account_id: AccountId, account: _Account) -> Conduct:
    return Conduct(
        account_id=account_id,
        orders=account.orders,
        messages=account.messages,
        fills=account.fills,
        self_matches=account.self_matches,
        self_match_seqs=tuple(account.self_match_seqs),
        layerings=account.layerings,
        layering_evidence=tuple(account.evidence),
    )
