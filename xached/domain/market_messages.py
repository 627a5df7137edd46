"""What is said about markets, assets and purses: their rules at run time, and transfers.

Part of :mod:`xached.domain.messages`, where the unions of all commands and events are.
"""

from __future__ import annotations

from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.order import Purse

# --- Commands --------------------------------------------------------------------------------


@frozen(kw_only=True)
class ChangeInstrument:
    """Give a listed instrument other filters, bands, fees or durations, from the next order on."""

    instrument: Instrument
    request_id: str


@frozen(kw_only=True)
class DelistInstrument:
    """Take an instrument off the list. Its orders end; what people own stays theirs."""

    symbol: Symbol
    cause: str
    request_id: str


@frozen(kw_only=True)
class DelistAsset:
    """Take an asset off the list once no listed instrument trades it: nothing comes in any more."""

    asset: AssetName
    cause: str
    request_id: str


@frozen(kw_only=True)
class EndDelisted:
    """An internal step: orders of a delisted instrument are still open."""

    symbol: Symbol


@frozen(kw_only=True)
class MoveMarketOn:
    """An internal step: a market's state ends, or its price band would be left."""

    symbol: Symbol


@frozen(kw_only=True)
class OpenSubaccount:
    """Open another purse of one's own account, beside the main one."""

    purse: Purse
    request_id: str


@frozen(kw_only=True)
class TransferFunds:
    """Move money between two purses of one account, with the position it belongs to."""

    source: Purse
    target: Purse
    asset: AssetName
    amount_units: int
    request_id: str


@frozen(kw_only=True)
class FeeTier:
    """The rates of an account that has traded at least so much in a quote asset in 30 days."""

    asset: AssetName
    min_volume_units: int
    maker_fee_ppm: int
    taker_fee_ppm: int


@frozen(kw_only=True)
class SetFeeTiers:
    """Set the house's whole table of fee tiers; an empty one ends them."""

    tiers: tuple[FeeTier, ...]
    request_id: str


# --- Events ----------------------------------------------------------------------------------


@frozen(kw_only=True)
class InstrumentChanged:
    """An instrument has other rules from now on; its tick, lot and scales are the same."""

    instrument: Instrument


@frozen(kw_only=True)
class InstrumentDelisted:
    """An instrument takes no orders any more, and its open ones end."""

    symbol: Symbol
    cause: str


@frozen(kw_only=True)
class AssetDelisted:
    """Nothing of an asset comes in any more."""

    asset: AssetName
    cause: str


@frozen(kw_only=True)
class PositionMoved:
    """A part of a position that went along with a transfer: lots and their cost in quote units."""

    symbol: Symbol
    quantity_lots: int
    cost_units: int


@frozen(kw_only=True)
class Transferred:
    """Money moved between two purses of one account; nothing was earned and no fee charged."""

    source: Purse
    target: Purse
    asset: AssetName
    amount_units: int
    positions: tuple[PositionMoved, ...]
    reference: str


@frozen(kw_only=True)
class FeeTiersSet:
    """The house's table of fee tiers has changed, by asset and volume."""

    tiers: tuple[FeeTier, ...]
