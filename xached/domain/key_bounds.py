"""What an order can cost at most, for credentials that may spend so much a day and no more.

Cancels and decreases are free: they only ever lessen what can happen. Whatever is not known here
is refused to a bounded credential. So is an order by quantity without a price: it may trade up to
the price band of the moment it is decided, which nobody knows before, and what is guessed of it
would not be a bound. Such a credential gives a market order by the amount of quote it may move.
"""

from __future__ import annotations

import attrs

from xached.domain.api_keys import LiveKey
from xached.domain.instrument import AssetName, Directory, Instrument
from xached.domain.list_messages import ListLeg, PlaceList
from xached.domain.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    PlaceOrder,
    ReplaceOrder,
)
from xached.domain.protection_messages import CancelAllAfter, Flatten
from xached.domain.rejection import Reason, Rejection


@attrs.frozen
class Spending:
    """What a command can make orders be worth, in one quote asset."""

    asset: AssetName
    units: int


def check_key(key: LiveKey, command: Command, directory: Directory) -> Spending | None:
    """Refuse what a key must not send; say what the rest counts against its caps.

    Raises: Rejection KEY_BOUNDS.
    """
    match command:
        case CancelOrder() | CancelAll() | CancelAllAfter() | AmendOrder():
            return None
        case PlaceOrder() | ReplaceOrder() | PlaceList() | Flatten():
            pass
        case _:
            raise _refused("the key is bounded and may not send this", "orders and cancels")
    symbol = command.symbol
    if symbol is None:
        raise _refused("the key must name an instrument", _symbols(key), field="symbol")
    if key.symbols and symbol not in key.symbols:
        raise _refused("the key does not trade this", _symbols(key), field="symbol")
    if not key.caps:
        return None
    instrument = directory.get(symbol)
    if instrument is None:
        raise _refused("the key has caps, and the house does not know this", _symbols(key))
    asset = instrument.quote
    if asset not in {cap.asset for cap in key.caps}:
        raise _refused(
            "the key has no cap in what this is quoted in",
            " ".join(cap.asset for cap in key.caps),
            field="symbol",
        )
    if isinstance(command, PlaceList):
        units = sum(_worth(leg, instrument) for leg in command.legs)
    elif isinstance(command, Flatten):
        raise _refused("the key has caps, and this has no price", "orders with a price")
    else:
        units = _worth(command, instrument)
    return Spending(asset, units)


def _worth(order: PlaceOrder | ReplaceOrder | ListLeg, instrument: Instrument) -> int:
    if isinstance(order, PlaceOrder) and order.quote_units is not None:
        return order.quote_units
    if order.price_ticks is None or order.quantity_lots is None:
        raise _refused(
            "the key has caps, so an order must say what it can cost",
            "a price and a quantity, or a quote amount",
            field="price",
        )
    return instrument.notional_units(order.price_ticks, order.quantity_lots)


def _symbols(key: LiveKey) -> str:
    return " ".join(sorted(key.symbols))


def _refused(message: str, allowed: str, field: str = "symbol") -> Rejection:
    return Rejection(Reason.KEY_BOUNDS, message, field=field, allowed=allowed)
