"""A purse's statement: every movement of its money, told from deposits and fills.

Holds are no movements: they only say what may not be used. The sum of a purse's movements in an
asset is its balance.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

from xached.domain.compliance_messages import FundsForfeited
from xached.domain.frozen import frozen
from xached.domain.history import Fill
from xached.domain.instrument import AssetName, Instrument
from xached.domain.market_messages import Transferred
from xached.domain.messages import Deposited
from xached.domain.order import Purse, Side


class TransactionKind(enum.IntEnum):
    """Why money moved."""

    DEPOSIT = 1
    TRADE = 2
    FEE = 3
    TRANSFER = 4
    FORFEIT = 5


@frozen(kw_only=True)
class Transaction:
    """One movement. ``amount_units`` is positive when it came in, negative when it went out."""

    seq: int
    at_ns: int
    purse: Purse
    kind: TransactionKind
    asset: AssetName
    amount_units: int
    reference: str


@frozen(kw_only=True)
class FeeDay:
    """What a purse traded and was charged in one asset on one UTC day, by its side of the book."""

    purse: Purse
    day: int
    asset: AssetName
    maker_notional_units: int = 0
    maker_fee_units: int = 0
    taker_notional_units: int = 0
    taker_fee_units: int = 0

    @property
    def fee_units(self) -> int:
        """All that was charged."""
        return self.maker_fee_units + self.taker_fee_units


def add_fill(day: FeeDay, fill: Fill) -> FeeDay:
    """The day with one more fill."""
    maker, taker = (fill, None) if fill.is_maker else (None, fill)
    return FeeDay(
        purse=day.purse,
        day=day.day,
        asset=day.asset,
        maker_notional_units=day.maker_notional_units + (maker.notional_units if maker else 0),
        maker_fee_units=day.maker_fee_units + (maker.fee_units if maker else 0),
        taker_notional_units=day.taker_notional_units + (taker.notional_units if taker else 0),
        taker_fee_units=day.taker_fee_units + (taker.fee_units if taker else 0),
    )


def deposit_transaction(event: Deposited, seq: int, at_ns: int) -> Transaction:
    """The movement of a deposit in row ``seq``."""
    return Transaction(
        seq=seq,
        at_ns=at_ns,
        purse=event.purse,
        kind=TransactionKind.DEPOSIT,
        asset=event.asset,
        amount_units=event.amount_units,
        reference=event.reference,
    )


def forfeit_transaction(event: FundsForfeited, seq: int, at_ns: int) -> Transaction:
    """The movement of what was left in a closed account, in row ``seq``."""
    return Transaction(
        seq=seq,
        at_ns=at_ns,
        purse=event.purse,
        kind=TransactionKind.FORFEIT,
        asset=event.asset,
        amount_units=-event.amount_units,
        reference="",
    )


def transfer_transactions(
    event: Transferred, seq: int, at_ns: int
) -> tuple[Transaction, Transaction]:
    """The two movements of a transfer in row ``seq``: out of one purse, into the other."""
    out = Transaction(
        seq=seq,
        at_ns=at_ns,
        purse=event.source,
        kind=TransactionKind.TRANSFER,
        asset=event.asset,
        amount_units=-event.amount_units,
        reference=event.reference,
    )
    back = Transaction(
        seq=seq,
        at_ns=at_ns,
        purse=event.target,
        kind=TransactionKind.TRANSFER,
        asset=event.asset,
        amount_units=event.amount_units,
        reference=event.reference,
    )
    return out, back


def fill_transactions(fill: Fill, instrument: Instrument) -> Iterator[Transaction]:
    """The movements of one side of a trade: base, quote, and the fee where there is one."""
    sign = 1 if fill.side is Side.BUY else -1
    for kind, asset, amount_units in (
        (TransactionKind.TRADE, instrument.base, sign * fill.quantity_lots * instrument.lot_units),
        (TransactionKind.TRADE, instrument.quote, -sign * fill.notional_units),
        (TransactionKind.FEE, instrument.quote, -fill.fee_units),
    ):
        if amount_units:
            yield Transaction(
                seq=fill.seq,
                at_ns=fill.at_ns,
                purse=fill.purse,
                kind=kind,
                asset=asset,
                amount_units=amount_units,
                reference=fill.trade_id,
            )
