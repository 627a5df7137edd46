"""Limits by level: how much an account may bring in and trade on one UTC day.

The house has one table, a line for each level. With an empty one nothing is limited; with any
line an account is as limited as its level says, and what a line does not name is not allowed.
Traded counts what an account has traded today and what its open orders may still trade, the
waiting ones too, so that orders that rest do not go around the limit. Purses with simulated
liquidity are the house's own and are not limited. A limit on what leaves is told to people; what
takes money out checks it.
"""

from __future__ import annotations

from xached.domain.compliance_messages import (
    AccountLevelSet,
    LevelLimits,
    LevelLimitsSet,
    SetAccountLevel,
    SetLevelLimits,
)
from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Instrument, unknown_asset
from xached.domain.messages import Deposited, Event
from xached.domain.money import format_units
from xached.domain.order import AccountId, Order
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import DAY_NS, DayAmount, PurseState, State

LEVELS_MAX = 8


@frozen(kw_only=True)
class LevelStanding:
    """Where an account stands today. ``limits`` is None where its level has none.

    ``table``: the limits of every level that has any, from the lowest.
    """

    level: int
    limited: bool
    limits: LevelLimits | None
    deposited_units: tuple[tuple[AssetName, int], ...]
    traded_units: tuple[tuple[AssetName, int], ...]
    table: tuple[LevelLimits, ...]


def decide_levels(state: State, command: SetLevelLimits | SetAccountLevel) -> tuple[Event, ...]:
    """Decide the table, or the level of an account. Raises: Rejection."""
    if isinstance(command, SetLevelLimits):
        return _decide_limits(state, command)
    account = state.accounts.get(command.account_id)
    if account is None:
        raise unknown_account(command.account_id)
    if not 0 <= command.level < LEVELS_MAX:
        raise _refused("level", str(command.level), f"0 to {LEVELS_MAX - 1}")
    if account.level == command.level:
        return ()
    return (
        AccountLevelSet(account_id=command.account_id, level=command.level, cause=command.cause),
    )


def apply_levels(state: State, event: LevelLimitsSet | AccountLevelSet) -> None:
    """Write the table, or the level of an account."""
    if isinstance(event, LevelLimitsSet):
        state.level_limits = {limits.level: limits for limits in event.limits}
    else:
        state.accounts[event.account_id].level = event.level


def note_deposit(state: State, event: Deposited) -> None:
    """Count what came in today."""
    deposited = state.purses[event.purse].account.deposited
    day = state.now_ns // DAY_NS
    today = deposited.get(event.asset)
    if today is None or today.day != day:
        deposited[event.asset] = DayAmount(day, event.amount_units)
    else:
        today.units += event.amount_units


def check_deposit(
    state: State, purse: PurseState, asset: AssetName, units: int, at_ns: int
) -> None:
    """Refuse what would be more than a day's deposits. Raises: Rejection LEVEL_LIMIT."""
    if not state.level_limits or purse.simulated:
        return
    today = purse.account.deposited.get(asset)
    used = today.units if today is not None and today.day == at_ns // DAY_NS else 0
    limits = state.level_limits.get(purse.account.level)
    most = _most(limits.deposit_units if limits is not None else (), asset)
    if used + units > most:
        raise _beyond(state, "deposit", asset, (used, units, most), purse.account.level)


def check_trade(
    state: State,
    purse: PurseState,
    instrument: Instrument,
    notional_units: int,
    at_ns: int,
    replaced: Order | None,
) -> None:
    """Refuse an order with which an account could trade too much on a day.

    Raises: Rejection LEVEL_LIMIT.
    """
    if not state.level_limits or purse.simulated:
        return
    account, quote = purse.account, instrument.quote
    limits = state.level_limits.get(account.level)
    most = _most(limits.trade_units if limits is not None else (), quote)
    volume = account.volumes.get(quote)
    used = volume.units_on(at_ns // DAY_NS) if volume is not None else 0
    if used + notional_units <= most:
        # At most as many orders as an account may have open, and only where levels are limited.
        used += sum(
            _may_trade_units(state, state.orders[order_id])
            for name in account.purses
            for order_id, symbol in state.purses[name].open_orders.items()
            if state.markets[symbol].instrument.quote == quote
            and state.orders[order_id] is not replaced
        )
    if used + notional_units > most:
        raise _beyond(state, "trade", quote, (used, notional_units, most), account.level)


def level_standing(state: State, account_id: AccountId, at_ns: int) -> LevelStanding:
    """Where an account stands today. Raises: Rejection UNKNOWN_ACCOUNT."""
    account = state.accounts.get(account_id)
    if account is None:
        raise unknown_account(account_id)
    day = at_ns // DAY_NS
    deposited = {asset: each.units for asset, each in account.deposited.items() if each.day == day}
    traded = {asset: volume.units_on(day) for asset, volume in account.volumes.items()}
    return LevelStanding(
        level=account.level,
        limited=bool(state.level_limits),
        limits=state.level_limits.get(account.level),
        deposited_units=tuple(sorted(deposited.items())),
        traded_units=tuple(sorted((asset, units) for asset, units in traded.items() if units)),
        table=tuple(state.level_limits.values()),
    )


def unknown_account(account_id: AccountId) -> Rejection:
    """No such account has a purse."""
    return Rejection(
        Reason.UNKNOWN_ACCOUNT,
        "no such account has a purse",
        field="account_id",
        given=account_id[:40],
        allowed="an account with an open purse",
    )


def _may_trade_units(state: State, order: Order) -> int:
    """What an open order may still trade, at its price, its stop or the reference price."""
    if order.quote_units is not None:
        return order.quote_units
    market = state.markets[order.symbol]
    ticks = order.price_ticks
    if ticks is None:
        ticks = order.stop_ticks if order.stop_ticks is not None else market.reference_ticks
    return 0 if ticks is None else market.instrument.notional_units(ticks, order.leaves_lots)


def _decide_limits(state: State, command: SetLevelLimits) -> tuple[Event, ...]:
    if len(command.limits) > LEVELS_MAX:
        raise _refused("limits", f"{len(command.limits)} levels", f"at most {LEVELS_MAX}")
    for index, limits in enumerate(command.limits):
        if limits.level != index:
            raise _refused("level", str(limits.level), f"{index}: levels from 0 without a gap")
        for amounts in (limits.deposit_units, limits.trade_units, limits.withdraw_units):
            names = [name for name, _ in amounts]
            if names != sorted(set(names)):
                raise _refused("limits", ", ".join(names)[:40], "each asset once, in order")
            for name, units in amounts:
                if name not in state.assets:
                    raise unknown_asset(name)
                if units < 0:
                    raise _refused("limits", format_units(units, state.assets[name].scale), "0")
    if command.limits == tuple(state.level_limits.values()):
        return ()
    return (LevelLimitsSet(limits=command.limits),)


def _most(amounts: tuple[tuple[AssetName, int], ...], asset: AssetName) -> int:
    return next((units for name, units in amounts if name == asset), 0)


def _beyond(
    state: State, what: str, asset: AssetName, amounts: tuple[int, int, int], level: int
) -> Rejection:
    used, given, most = (format_units(units, state.assets[asset].scale) for units in amounts)
    return Rejection(
        Reason.LEVEL_LIMIT,
        f"level {level} may {what} no more of {asset} today",
        field="notional" if what == "trade" else "amount",
        given=given,
        allowed=f"at most {most} {asset} a day, of which {used} are used or on order",
        level=str(level),
    )


def _refused(field: str, given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.AMOUNT_RANGE,
        "these are no limits by level",
        field=field,
        given=given,
        allowed=allowed,
    )
