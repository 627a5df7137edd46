"""A purse's statement: every movement of its money, told from events.

Holds are no movements: they only say what may not be used. The sum of a purse's movements in an
asset is its balance.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping

import attrs

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import Deposited, Event, Traded, trade_id
from xached.domain.order import Purse, Side


class TransactionKind(enum.IntEnum):
    """Why money moved."""

    DEPOSIT = 1
    TRADE = 2
    FEE = 3


@attrs.frozen(kw_only=True)
class Transaction:
    """One movement. ``amount_units`` is positive when it came in, negative when it went out."""

    seq: int
    at_ns: int
    purse: Purse
    kind: TransactionKind
    asset: AssetName
    amount_units: int
    reference: str


def transactions(
    event: Event, seq: int, at_ns: int, instruments: Mapping[Symbol, Instrument]
) -> Iterator[Transaction]:
    """The movements that an event of row ``seq`` made, none for most events."""
    match event:
        case Deposited():
            yield Transaction(
                seq=seq,
                at_ns=at_ns,
                purse=event.purse,
                kind=TransactionKind.DEPOSIT,
                asset=event.asset,
                amount_units=event.amount_units,
                reference=event.reference,
            )
        case Traded():
            instrument = instruments[event.symbol]
            for purse, side, fee_units in (
                (event.taker_purse, event.taker_side, event.taker_fee_units),
                (event.maker_purse, event.taker_side.opposite, event.maker_fee_units),
            ):
                sign = 1 if side is Side.BUY else -1
                base_units = sign * event.quantity_lots * instrument.lot_units
                for kind, asset, amount_units in (
                    (TransactionKind.TRADE, instrument.base, base_units),
                    (TransactionKind.TRADE, instrument.quote, -sign * event.notional_units),
                    (TransactionKind.FEE, instrument.quote, -fee_units),
                ):
                    if amount_units:
                        yield Transaction(
                            seq=seq,
                            at_ns=at_ns,
                            purse=purse,
                            kind=kind,
                            asset=asset,
                            amount_units=amount_units,
                            reference=trade_id(seq, event.index),
                        )
        case _:
            return
