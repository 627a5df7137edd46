"""The money and positions of one purse, followed by the exchange's rows from a snapshot on."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping

import attrs

from xached.domain.history import Funds, PurseFold
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.market_messages import Transferred
from xached.domain.messages import Event, Row, Traded
from xached.domain.order import BUY, Purse
from xached.domain.position import Position
from xached.domain.protection_messages import SelfTransferred
from xached.domain.purse_past import touches
from xached.domain.queries import PurseSnapshot
from xached.domain.self_transfers import seller_and_buyer


@attrs.define
class MoneyChanges:
    """What one row changed: how it is now."""

    funds: dict[AssetName, Funds] = attrs.field(factory=dict)
    positions: dict[Symbol, Position] = attrs.field(factory=dict)


class PurseMoney:
    """Balances and positions of a purse; rows up to the snapshot's are skipped."""

    def __init__(
        self, purse: Purse, snapshot: PurseSnapshot, instruments: Mapping[Symbol, Instrument]
    ) -> None:
        self.positions = copy.deepcopy(snapshot.positions)
        self._seq = snapshot.seq
        self._fold = PurseFold(
            purse, map(copy.copy, snapshot.orders), copy.deepcopy(snapshot.balances), instruments
        )

    @property
    def funds(self) -> Mapping[AssetName, Funds]:
        """Balances by asset."""
        return self._fold.balances

    def fold(self, row: Row) -> MoneyChanges | None:
        """Take the next row; None when it changed nothing here."""
        if row.seq <= self._seq:
            return None
        self._seq = row.seq
        if not touches(row, self._fold.purse):
            return None
        changes = MoneyChanges()
        folded = self._fold.fold(row)
        if folded is not None:
            changes.funds = folded.assets
        for event in row.events:
            for symbol in self._move_positions(event):
                changes.positions[symbol] = self.positions[symbol]
        return changes if changes.funds or changes.positions else None

    def _move_positions(self, event: Event) -> Iterator[Symbol]:
        """Change positions as the exchange did; tells which."""
        match event:
            case Traded():
                yield from self._trade(event)
            case SelfTransferred() if event.position_lots:
                seller, buyer = seller_and_buyer(event)
                yield from self._carry(
                    event.symbol, seller, buyer, event.position_lots, event.position_cost_units
                )
            case Transferred():
                for moved in event.positions:
                    yield from self._carry(
                        moved.symbol,
                        event.source,
                        event.target,
                        moved.quantity_lots,
                        moved.cost_units,
                    )
            case _:
                pass

    def _trade(self, event: Traded) -> Iterator[Symbol]:
        taker_buys = event.taker_side is BUY
        buyer, seller = event.taker_purse, event.maker_purse
        buyer_fee = event.taker_fee_units
        if not taker_buys:
            buyer, seller, buyer_fee = seller, buyer, event.maker_fee_units
        if seller == self._fold.purse and event.seller_position_lots:
            self._position(event.symbol).sell(
                event.seller_position_lots,
                event.seller_relieved_units,
                event.seller_realised_units,
            )
            yield event.symbol
        if buyer == self._fold.purse:
            self._position(event.symbol).buy(event.quantity_lots, event.notional_units, buyer_fee)
            yield event.symbol

    def _carry(
        self, symbol: Symbol, source: Purse, target: Purse, lots: int, cost_units: int
    ) -> Iterator[Symbol]:
        if source == self._fold.purse:
            self._position(symbol).sell(lots, cost_units, 0)
            yield symbol
        if target == self._fold.purse:
            self._position(symbol).buy(lots, cost_units, 0)
            yield symbol

    def _position(self, symbol: Symbol) -> Position:
        return self.positions.setdefault(symbol, Position())
