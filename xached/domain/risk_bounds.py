"""Risk by scope: the house, a market, an account, a purse; what it may do and how much of it.

Two things are kept for each scope, both set by command so that replay needs no rule:

* a *risk state* with its cause, one for each who may set it. The strictest of all that touch an
  order counts. REDUCING lets sales pass, which on a spot market only ever reduce; HALTED lets
  cancels pass. Nobody lifts what somebody else has set.
* *bounds*. What can be told before a trade is refused here: size, open orders, position and
  notional per minute. What depends on prices that move (daily loss, drawdown, and the position
  of a whole market or house) is watched by the risk actor, which sets a state.
"""

from __future__ import annotations

import enum
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, NewType

import attrs

from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.order import BUY, AccountId, Order, Purse, Side, account_of
from xached.domain.rejection import Reason, Rejection

if TYPE_CHECKING:
    from xached.domain.state import Market, PurseState, State

RiskScope = NewType("RiskScope", str)
"""``house``, ``market:SYMBOL``, ``account:ID`` or ``purse:ID/NAME``."""

HOUSE_SCOPE = RiskScope("house")
NS_PER_S = 1_000_000_000
WINDOW_S = 60

Amounts = tuple[tuple[AssetName, int], ...]
"""Units by quote asset, each asset once, in the order of their names."""


class RiskState(enum.IntEnum):
    """What a scope may do, the stricter the larger."""

    ACTIVE = 1
    REDUCING = 2
    HALTED = 3


class RiskSetter(enum.IntEnum):
    """Who sets a risk state. GUARD: the daemon itself, when its watch is silent."""

    OPERATOR = 1
    WATCH = 2
    GUARD = 3


@frozen(kw_only=True)
class RiskBounds:
    """How much a scope may do. None or an asset that is not named: not bounded here."""

    max_open_orders: int | None = None
    max_order_notional_units: Amounts = ()
    max_position_units: Amounts = ()
    max_notional_per_minute_units: Amounts = ()
    max_daily_loss_units: Amounts = ()
    max_drawdown_units: Amounts = ()


def amounts_of(bounds: RiskBounds) -> tuple[Amounts, ...]:
    """Every bound that is an amount."""
    return (
        bounds.max_order_notional_units,
        bounds.max_position_units,
        bounds.max_notional_per_minute_units,
        bounds.max_daily_loss_units,
        bounds.max_drawdown_units,
    )


@frozen(kw_only=True)
class RiskEntry:
    """A state that somebody has set, and why."""

    state: RiskState
    cause: str


@frozen(kw_only=True)
class RiskMark:
    """What a scope's profit in one asset is measured from.

    ``day``: days since 1970, UTC. A hit holds: a loss until the next day, a drawdown until the
    mark is begun anew.
    """

    day: int
    day_start_units: int
    high_units: int
    loss_hit: bool = False
    drawdown_hit: bool = False


@attrs.define
class Window:
    """Notional of the orders of the last minute: (second, asset, units), each pair once."""

    entries: list[tuple[int, AssetName, int]] = attrs.field(factory=list)

    def add(self, at_ns: int, asset: AssetName, units: int) -> None:
        """Count an order and forget what is older than a minute."""
        now_s = at_ns // NS_PER_S
        entries = self.entries
        old = bisect_right(entries, now_s - WINDOW_S, key=itemgetter(0))
        del entries[:old]
        for index in range(len(entries) - 1, -1, -1):
            second, name, before = entries[index]
            if second != now_s:
                break
            if name == asset:
                entries[index] = (now_s, asset, before + units)
                return
        entries.append((now_s, asset, units))

    def units(self, at_ns: int, asset: AssetName) -> int:
        """What was ordered in the last minute."""
        oldest_s = at_ns // NS_PER_S - WINDOW_S
        return sum(u for at_s, name, u in self.entries if name == asset and at_s > oldest_s)


@attrs.define
class RiskBook:
    """Everything kept by scope. All of it is empty in a house that uses none of it."""

    states: dict[RiskScope, dict[RiskSetter, RiskEntry]] = attrs.field(factory=dict)
    bounds: dict[RiskScope, RiskBounds] = attrs.field(factory=dict)
    windows: dict[RiskScope, Window] = attrs.field(factory=dict)
    marks: dict[tuple[RiskScope, AssetName], RiskMark] = attrs.field(factory=dict)

    def set_state(self, scope: RiskScope, setter: RiskSetter, entry: RiskEntry) -> None:
        """Set a scope's state; ACTIVE is kept as nothing."""
        entries = self.states.setdefault(scope, {})
        if entry.state is RiskState.ACTIVE:
            entries.pop(setter, None)
        else:
            entries[setter] = entry
        if not entries:
            del self.states[scope]

    def set_bounds(self, scope: RiskScope, bounds: RiskBounds) -> None:
        """Set a scope's bounds; none at all is kept as nothing."""
        if bounds == RiskBounds():
            self.bounds.pop(scope, None)
        else:
            self.bounds[scope] = bounds
        if bounds.max_notional_per_minute_units:
            self.windows.setdefault(scope, Window())
        else:
            self.windows.pop(scope, None)

    def entry(self, scope: RiskScope, setter: RiskSetter) -> RiskEntry:
        """What somebody has set."""
        return self.states.get(scope, {}).get(setter, ACTIVE)

    def strictest(self, scopes: Iterable[RiskScope]) -> tuple[RiskScope, RiskEntry]:
        """The strictest state of these scopes; of equals the first."""
        found = HOUSE_SCOPE, ACTIVE
        for scope in scopes:
            for entry in self.states.get(scope, {}).values():
                if entry.state > found[1].state:
                    found = scope, entry
        return found

    def count(self, scopes: Iterable[RiskScope], asset: AssetName, units: int, at_ns: int) -> None:
        """Count an accepted order in the windows of its scopes."""
        for scope in scopes:
            window = self.windows.get(scope)
            if window is not None:
                window.add(at_ns, asset, units)


ACTIVE = RiskEntry(state=RiskState.ACTIVE, cause="")


def market_scope(symbol: Symbol) -> RiskScope:
    """A market and everybody in it."""
    return RiskScope(f"market:{symbol}")


def account_scope(account_id: AccountId) -> RiskScope:
    """An account with all of its purses."""
    return RiskScope(f"account:{account_id}")


def purse_scope(purse: Purse) -> RiskScope:
    """One purse: a person's sub-account, or a strategy."""
    return RiskScope(f"purse:{purse}")


def scopes_of(purse: Purse, symbol: Symbol) -> tuple[RiskScope, ...]:
    """Every scope an order belongs to, the widest first."""
    return (
        HOUSE_SCOPE,
        market_scope(symbol),
        account_scope(account_of(purse)),
        purse_scope(purse),
    )


def check_scope(state: State, scope: RiskScope) -> None:
    """Refuse a scope that does not exist. Raises: Rejection UNKNOWN_SCOPE."""
    kind, _, name = scope.partition(":")
    known = (
        scope == HOUSE_SCOPE
        or (kind == "market" and name in state.markets)
        or (kind == "purse" and name in state.purses)
        or (kind == "account" and name in state.accounts)
    )
    if not known:
        raise Rejection(
            Reason.UNKNOWN_SCOPE,
            "no such risk scope",
            field="scope",
            given=scope[:80],
            allowed="house, market:SYMBOL, account:ID or purse:ID/NAME that exists",
        )


def risk_state(state: State, purse: Purse, symbol: Symbol) -> RiskState:
    """What an order of a purse in a market may do: the strictest of its scopes."""
    book = state.risk
    if not book.states:
        return RiskState.ACTIVE
    return book.strictest(scopes_of(purse, symbol))[1].state


def check_entry(
    state: State,
    instrument: Instrument,
    purse: Purse,
    side: Side,
    notional_units: int,
    at_ns: int,
    replaced: Order | None = None,
    beside: int = 0,
) -> None:
    """Refuse an order that a risk state or a bound of one of its scopes forbids.

    What it would replace does not count; so many others that come with it do.

    Raises: Rejection RISK_STATE, ORDER_SIZE, OPEN_ORDERS, POSITION_SIZE or ORDER_RATE.
    """
    book = state.risk
    if not book.states and not book.bounds:
        return
    scopes = scopes_of(purse, instrument.symbol)
    scope, entry = book.strictest(scopes)
    if entry.state is RiskState.HALTED or (entry.state is RiskState.REDUCING and side is BUY):
        raise Rejection(
            Reason.RISK_STATE,
            f"{scope.partition(':')[0]} is {entry.state.name}: {entry.cause}",
            field="side",
            given=side.name,
            allowed="cancels" if entry.state is RiskState.HALTED else "SELL, and cancels",
            scope=scope,
            cause=entry.cause,
        )
    for scope in scopes:
        bounds = book.bounds.get(scope)
        if bounds is not None:
            _check_bounds(
                state,
                scope,
                bounds,
                instrument,
                purse,
                side,
                notional_units,
                at_ns,
                replaced,
                beside,
            )


def _check_bounds(
    state: State,
    scope: RiskScope,
    bounds: RiskBounds,
    instrument: Instrument,
    purse: Purse,
    side: Side,
    notional_units: int,
    at_ns: int,
    replaced: Order | None,
    beside: int,
) -> None:
    quote = instrument.quote
    size = amount_of(bounds.max_order_notional_units, quote)
    if size is not None and notional_units > size:
        raise _too_much(Reason.ORDER_SIZE, instrument, scope, notional_units, size, "an order")
    purses = tuple(_purses_of(state, scope, purse))
    most = bounds.max_open_orders
    if most is not None:
        count = (
            len(state.orders)
            if scope == HOUSE_SCOPE
            else sum(len(each.open_orders) for each in purses)
        )
        if count and replaced is not None:
            count -= 1
        if count + beside >= most:
            raise Rejection(
                Reason.OPEN_ORDERS,
                "too many open orders",
                field="open_orders",
                given=str(count + beside + 1),
                allowed=f"at most {most}",
                scope=scope,
            )
    position = amount_of(bounds.max_position_units, quote)
    if position is not None and side is BUY and purses:
        units = notional_units + sum(exposure_units(state, each, quote) for each in purses)
        if replaced is not None:
            units -= replaced.held_units
        if units > position:
            raise _too_much(Reason.POSITION_SIZE, instrument, scope, units, position, "a position")
    _check_rate(state, scope, bounds, instrument, notional_units, at_ns)


def check_rate(
    state: State, instrument: Instrument, purse: Purse, notional_units: int, at_ns: int
) -> None:
    """Refuse what comes together and is more than a minute's orders may be.

    Raises: Rejection ORDER_RATE.
    """
    if not state.risk.bounds:
        return
    for scope in scopes_of(purse, instrument.symbol):
        bounds = state.risk.bounds.get(scope)
        if bounds is not None:
            _check_rate(state, scope, bounds, instrument, notional_units, at_ns)


def _check_rate(
    state: State,
    scope: RiskScope,
    bounds: RiskBounds,
    instrument: Instrument,
    notional_units: int,
    at_ns: int,
) -> None:
    quote = instrument.quote
    rate = amount_of(bounds.max_notional_per_minute_units, quote)
    if rate is None:
        return
    units = notional_units + state.risk.windows[scope].units(at_ns, quote)
    if units > rate:
        raise _too_much(Reason.ORDER_RATE, instrument, scope, units, rate, "a minute's orders")


def worth_units(market: Market, quantity_lots: int) -> int | None:
    """What profits count a position as: at the mark, else at REFERENCE; None without either."""
    ticks = market.mark_ticks if market.mark_ticks is not None else market.reference_ticks
    return market.instrument.notional_units(ticks, quantity_lots) if ticks is not None else None


def exposure_units(state: State, purse: PurseState, quote: AssetName) -> int:
    """What a purse has at stake in markets of a quote asset, in its units.

    Positions at the reference price, and what open buys hold.
    """
    units = 0
    for symbol, position in purse.positions.items():
        market = state.markets[symbol]
        if market.instrument.quote == quote and market.reference_ticks is not None:
            units += market.instrument.notional_units(
                market.reference_ticks, position.quantity_lots
            )
    for order_id, symbol in purse.open_orders.items():
        order = state.orders[order_id]
        if order.side is BUY and state.markets[symbol].instrument.quote == quote:
            units += order.held_units
    return units


def _purses_of(state: State, scope: RiskScope, purse: Purse) -> Iterator[PurseState]:
    """The purses a bound adds up before a trade: none for a market or the house."""
    if scope == purse_scope(purse):
        yield state.purses[purse]
    elif scope == account_scope(account_of(purse)):
        for name in state.purses[purse].account.purses:
            yield state.purses[name]


def amount_of(amounts: Amounts, asset: AssetName) -> int | None:
    """What is said of one asset; None when nothing is."""
    for name, units in amounts:
        if name == asset:
            return units
    return None


def _too_much(
    reason: Reason, instrument: Instrument, scope: RiskScope, units: int, most: int, what: str
) -> Rejection:
    return Rejection(
        reason,
        f"{what} of {scope.partition(':')[0]} is larger than its risk bounds allow",
        field="notional",
        given=instrument.format_quote(units),
        allowed=f"at most {instrument.format_quote(most)} {instrument.quote}",
        scope=scope,
    )
