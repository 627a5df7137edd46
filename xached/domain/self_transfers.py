"""What a self-trade moves between two purses of one owner that both asked for TRANSFER.

Base and quote change hands at the maker's price, without a fee. It is no trade: base that was
bought carries what it cost to the other purse, and no profit is realised.
"""

from __future__ import annotations

from xached.domain.frozen import frozen
from xached.domain.order import BUY, Purse
from xached.domain.position import Position
from xached.domain.protection_messages import SelfTransferred
from xached.domain.reducing_state import note_reducing
from xached.domain.state import State


@frozen
class Carried:
    """What of the moved base was a position, and what that had cost."""

    lots: int
    cost_units: int


def carried(position: Position, lots: int) -> Carried:
    """The part of a position that goes with so many lots; of its cost a share, rounded down."""
    moved = min(lots, position.quantity_lots)
    if moved == 0:
        return Carried(0, 0)
    return Carried(moved, position.cost_units * moved // position.quantity_lots)


def seller_and_buyer(event: SelfTransferred) -> tuple[Purse, Purse]:
    """Who gives base and who gives quote."""
    if event.taker_side is BUY:
        return event.maker_purse, event.taker_purse
    return event.taker_purse, event.maker_purse


def apply_self_transferred(state: State, event: SelfTransferred, seq: int) -> None:
    """Move what the prevented match has set free on both sides."""
    seller, buyer = seller_and_buyer(event)
    instrument = state.markets[event.symbol].instrument
    base_units = event.quantity_lots * instrument.lot_units
    state.ledger.transfer(seller, buyer, instrument.base, base_units)
    state.ledger.transfer(buyer, seller, instrument.quote, event.notional_units)
    if event.position_lots:
        source, target = state.purses[seller], state.purses[buyer]
        source.positions[event.symbol].sell(event.position_lots, event.position_cost_units, 0)
        position = target.positions.setdefault(event.symbol, Position())
        position.buy(event.position_lots, event.position_cost_units, 0)
        if source.reducing:
            note_reducing(state, seller, event.symbol)
    state.traded_seq, state.traded_count = seq, event.index + 1
