"""Questions about own current state, asked through the exchange's mailbox.

A query is answered after the batch it came in with is on disk, so nobody sees what could still be
lost. Answers are copies and carry the journal sequence they are true at.
"""

from __future__ import annotations

import copy
from operator import itemgetter
from typing import Protocol, TypeVar

import attrs

from xached.domain.auction import Indication
from xached.domain.closing import check_closable
from xached.domain.disclosures import DisclosureStanding, disclosures_of
from xached.domain.fee_tiers import FeeStanding, standing_of
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Symbol
from xached.domain.levels import LevelStanding, level_standing
from xached.domain.market_messages import FeeTier
from xached.domain.order import AccountId, MarketState, Order, Purse, Side
from xached.domain.own_market import (
    MarketRules,
    OwnMarketSnapshot,
    RestingOrder,
    WaitingOrder,
)
from xached.domain.position import Position
from xached.domain.risk import RiskLimits
from xached.domain.risk_bounds import RiskBounds, RiskEntry, RiskMark, RiskScope, RiskSetter
from xached.domain.state import State
from xached.domain.uncrossing import indication_of

Answer_co = TypeVar("Answer_co", covariant=True)


class Query(Protocol[Answer_co]):
    """A question. ``read`` is called by the exchange's owner; it changes nothing."""

    def read(self, state: State, seq: int, /) -> Answer_co:
        """Answer from a state that holds everything up to ``seq``. Raises: Rejection."""
        ...


@attrs.frozen(kw_only=True)
class PurseSnapshot:
    """A purse as it stands: balances by asset, open orders oldest first, positions by symbol."""

    seq: int
    balances: dict[AssetName, Funds]
    orders: list[Order]
    positions: dict[Symbol, Position]


@attrs.frozen
class PurseQuery:
    """How does this purse stand?"""

    purse: Purse

    def read(self, state: State, seq: int) -> PurseSnapshot:
        """Raises: Rejection UNKNOWN_PURSE."""
        purse = state.purse(self.purse)
        return PurseSnapshot(
            seq=seq,
            balances={
                asset: Funds(available, held)
                for asset, available, held in state.ledger.balances(self.purse)
            },
            orders=[copy.copy(state.orders[order_id]) for order_id in purse.open_orders],
            positions={
                symbol: copy.copy(position) for symbol, position in sorted(purse.positions.items())
            },
        )


@attrs.frozen(kw_only=True)
class OpenPurse:
    """One purse of an account."""

    purse: Purse
    frozen: bool
    simulated: bool


@attrs.frozen
class PursesQuery:
    """Which purses does this account have?"""

    account_id: AccountId

    def read(self, state: State, _seq: int) -> list[OpenPurse]:
        """In the order they were opened."""
        account = state.accounts.get(self.account_id)
        names = account.purses if account is not None else []
        return [
            OpenPurse(
                purse=name, frozen=state.purses[name].frozen, simulated=state.purses[name].simulated
            )
            for name in names
        ]


@attrs.frozen
class LevelQuery:
    """What may this account still move today?"""

    account_id: AccountId
    at_ns: int

    def read(self, state: State, _seq: int) -> LevelStanding:
        """Raises: Rejection UNKNOWN_ACCOUNT."""
        return level_standing(state, self.account_id, self.at_ns)


@attrs.frozen
class DisclosuresQuery:
    """What has this account to accept?"""

    account_id: AccountId

    def read(self, state: State, _seq: int) -> list[DisclosureStanding]:
        """In order of publication."""
        return disclosures_of(state, self.account_id)


@attrs.frozen
class ClosableQuery:
    """Could this account be closed?"""

    account_id: AccountId
    forfeit: bool

    def read(self, state: State, _seq: int) -> None:
        """Raises: Rejection BALANCES_OPEN, UNKNOWN_ACCOUNT."""
        check_closable(state, self.account_id, forfeit=self.forfeit)


@attrs.frozen
class OwnMarketQuery:
    """How does the public side of the exchange stand?"""

    def read(self, state: State, seq: int) -> OwnMarketSnapshot:
        """Every market's rules and every resting order, in priority."""
        return OwnMarketSnapshot(
            seq=seq,
            markets={
                symbol: MarketRules(
                    state=market.state,
                    reference_ticks=market.reference_ticks,
                    delisted=market.delisted,
                )
                for symbol, market in state.markets.items()
            },
            orders=tuple(
                RestingOrder(
                    order_id=order_id,
                    purse=state.orders[order_id].purse,
                    symbol=symbol,
                    side=side,
                    price_ticks=price_ticks,
                    shown_lots=lots,
                )
                for symbol, market in state.markets.items()
                for side in Side
                for order_id, price_ticks, lots in market.book.queue(side)
            ),
            waiting=tuple(
                WaitingOrder(
                    order_id=order.order_id, side=order.side, price_ticks=order.price_ticks
                )
                for order in state.orders.values()
                if order.order_id not in state.markets[order.symbol].book
            ),
            simulated_purses=frozenset(
                name for name, purse in state.purses.items() if purse.simulated
            ),
            halted=state.halted,
        )


@attrs.frozen(kw_only=True)
class MarketStanding:
    """What a market lets people do, why, and until when; None: until the house says so."""

    symbol: Symbol
    state: MarketState
    cause: str
    until_ns: int | None


@attrs.frozen(kw_only=True)
class RiskSnapshot:
    """What scopes may do, who said so, how much of it, and what their profit is measured from."""

    seq: int
    states: tuple[tuple[RiskScope, RiskSetter, RiskEntry], ...]
    bounds: tuple[tuple[RiskScope, RiskBounds], ...]
    marks: tuple[tuple[RiskScope, AssetName, RiskMark], ...]
    halt_cause: str | None
    """Why the whole house is halted; None while it is not."""
    markets: tuple[MarketStanding, ...]
    """The listed markets that do not simply trade, by symbol."""
    limits: tuple[tuple[Purse | None, RiskLimits], ...]
    """What every purse may (None), then purses with limits of their own, in order."""


@attrs.frozen
class RiskQuery:
    """What may every scope do?"""

    def read(self, state: State, seq: int) -> RiskSnapshot:
        """Everything that is set, sorted by scope."""
        book = state.risk
        return RiskSnapshot(
            seq=seq,
            states=tuple(
                (scope, setter, entry)
                for scope, entries in sorted(book.states.items())
                for setter, entry in sorted(entries.items())
            ),
            bounds=tuple(sorted(book.bounds.items(), key=itemgetter(0))),
            marks=tuple(
                (*key, mark) for key, mark in sorted(book.marks.items(), key=itemgetter(0))
            ),
            halt_cause=state.halt_cause if state.halted else None,
            markets=tuple(
                MarketStanding(
                    symbol=symbol,
                    state=market.effective_state(),
                    # Without a reference price it is not what was set that holds.
                    cause=market.cause if market.effective_state() is market.state else "",
                    until_ns=market.until_ns,
                )
                for symbol, market in sorted(state.markets.items())
                if not market.delisted and market.effective_state() is not MarketState.TRADING
            ),
            limits=_limits_of(state),
        )


def _limits_of(state: State) -> tuple[tuple[Purse | None, RiskLimits], ...]:
    own = sorted((purse, each.limits) for purse, each in state.purses.items() if each.limits)
    every = state.default_limits
    return (*(() if every is None else ((None, every),)), *own)


@attrs.frozen(kw_only=True)
class Auction:
    """How an auction stands. ``indication`` is None while nothing would trade.

    ``until_ns`` is when it ends by itself, None when the house ends it.
    """

    seq: int
    indication: Indication | None
    until_ns: int | None


@attrs.frozen
class IndicativeQuery:
    """At what price would this market open, and how much would trade?"""

    symbol: Symbol

    def read(self, state: State, seq: int) -> Auction | None:
        """None when the market gathers nothing now. Raises: Rejection UNKNOWN_INSTRUMENT."""
        market = state.market(self.symbol)
        if market.effective_state() is not MarketState.AUCTION:
            return None
        return Auction(seq=seq, indication=indication_of(state, market), until_ns=market.until_ns)


@attrs.frozen
class FeeTiersQuery:
    """Which fee tiers does the house have?"""

    def read(self, state: State, _seq: int) -> tuple[FeeTier, ...]:
        """By asset, then from the least volume on."""
        return tuple(tier for tiers in state.fee_tiers.values() for tier in tiers)


@attrs.frozen
class FeesQuery:
    """What does this account pay, and what would it take to pay less? ``now_ns``: the asker's."""

    account_id: AccountId
    now_ns: int

    def read(self, state: State, _seq: int) -> list[FeeStanding]:
        """By asset."""
        return standing_of(state, self.account_id, max(self.now_ns, state.now_ns))
