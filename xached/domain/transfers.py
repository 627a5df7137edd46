"""The purses of one account, and money that moves between them.

A transfer earns nothing and costs nothing. What is moved of a base asset takes the position it
belongs to along, quantity and cost, instrument by instrument in the order they were listed: the
position goes first, holdings that were never bought here go last. A cost goes in proportion,
rounded down, and whole with the last lot; what was realised stays where it was realised.
"""

from __future__ import annotations

from xached.domain.closing import check_not_closed
from xached.domain.instrument import unknown_asset
from xached.domain.market_messages import (
    OpenSubaccount,
    PositionMoved,
    TransferFunds,
    Transferred,
)
from xached.domain.messages import Event, PurseOpened
from xached.domain.money import format_units
from xached.domain.order import MAIN, Purse, account_of, make_purse
from xached.domain.position import Position
from xached.domain.reducing_state import note_reducing
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_rules import MovedPosition, carried_marks
from xached.domain.state import State

SUBACCOUNTS_MAX = 32
"""Purses of one account that its owner can open, the main one included."""


def decide_own_purses(state: State, command: OpenSubaccount | TransferFunds) -> tuple[Event, ...]:
    """Decide what an account does with purses of its own. Raises: Rejection."""
    if isinstance(command, TransferFunds):
        return _decide_transfer(state, command)
    return _decide_open_subaccount(state, command)


def _decide_open_subaccount(state: State, command: OpenSubaccount) -> tuple[Event, ...]:
    """Open a purse beside the main one, of the same kind. Raises: Rejection."""
    account = account_of(command.purse)
    main = state.purse(make_purse(account, MAIN))
    check_not_closed(main)
    if command.purse in state.purses:
        return ()
    count = len(state.accounts[account].purses)
    if count >= SUBACCOUNTS_MAX:
        raise Rejection(
            Reason.SUBACCOUNTS,
            "the account has all the sub-accounts it may have",
            field="subaccount",
            given=str(count + 1),
            allowed=f"at most {SUBACCOUNTS_MAX}",
            nearest=str(SUBACCOUNTS_MAX),
        )
    return (PurseOpened(purse=command.purse, simulated=main.simulated),)


def _decide_transfer(state: State, command: TransferFunds) -> tuple[Event, ...]:
    """Move money between two purses of one account. Raises: Rejection."""
    _check_purses(state, command.source, command.target)
    asset = state.assets.get(command.asset)
    if asset is None:
        raise unknown_asset(command.asset)
    free = state.ledger.available_units(command.source, command.asset)
    if command.amount_units <= 0:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "the amount is outside the allowed range",
            field="amount",
            given=format_units(command.amount_units, asset.scale),
            allowed=f"more than 0, at most {format_units(free, asset.scale)}",
            nearest=format_units(min(1, free), asset.scale),
        )
    if command.amount_units > free:
        raise Rejection(
            Reason.INSUFFICIENT_FUNDS,
            f"not enough free {command.asset}",
            field="amount",
            given=f"{format_units(command.amount_units, asset.scale)} {command.asset}",
            allowed=f"at most {format_units(free, asset.scale)} {command.asset}",
            nearest=format_units(free, asset.scale),
        )
    transferred = Transferred(
        source=command.source,
        target=command.target,
        asset=command.asset,
        amount_units=command.amount_units,
        positions=_positions_moved(state, command),
        reference=command.request_id,
    )
    moves = (
        MovedPosition(
            command.source, command.target, moved.symbol, moved.quantity_lots, moved.cost_units
        )
        for moved in transferred.positions
    )
    return transferred, *carried_marks(state, moves)


def apply_transferred(state: State, event: Transferred) -> None:
    """Move the money and the positions."""
    state.ledger.transfer(event.source, event.target, event.asset, event.amount_units)
    source, target = state.purses[event.source], state.purses[event.target]
    for moved in event.positions:
        source.positions[moved.symbol].sell(moved.quantity_lots, moved.cost_units, 0)
        if source.reducing:
            note_reducing(state, event.source, moved.symbol)
        position = target.positions.get(moved.symbol)
        if position is None:
            position = target.positions[moved.symbol] = Position()
        position.buy(moved.quantity_lots, moved.cost_units, 0)


def _check_purses(state: State, source: Purse, target: Purse) -> None:
    from_purse, to_purse = state.purse(source), state.purse(target)
    if state.halted:
        raise Rejection(
            Reason.HALTED, "the house is halted", given="transfer", allowed="cancels only"
        )
    if from_purse.frozen:
        raise Rejection(
            Reason.PURSE_FROZEN, "the purse is frozen", given="transfer", allowed="cancels only"
        )
    if account_of(source) != account_of(target) or source == target:
        raise Rejection(
            Reason.COMBINATION,
            "money moves between two purses of one account",
            field="target",
            given=target.partition("/")[2],
            allowed="another purse of the account",
        )
    if from_purse.simulated != to_purse.simulated:
        raise Rejection(
            Reason.COMBINATION,
            "nothing passes between simulated and real liquidity",
            field="target",
            given=target.partition("/")[2],
            allowed="a purse of the same kind",
        )


def _positions_moved(state: State, command: TransferFunds) -> tuple[PositionMoved, ...]:
    left_units = command.amount_units
    positions = state.purses[command.source].positions
    moved: list[PositionMoved] = []
    for symbol, market in state.markets.items():
        instrument, position = market.instrument, positions.get(symbol)
        if instrument.base != command.asset or position is None:
            continue
        lots = min(position.quantity_lots, left_units // instrument.lot_units)
        if lots:
            cost = position.cost_units * lots // position.quantity_lots
            moved.append(PositionMoved(symbol=symbol, quantity_lots=lots, cost_units=cost))
            left_units -= lots * instrument.lot_units
    return tuple(moved)
