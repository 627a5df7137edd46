"""What a run is made of: markets with their history, money to start with, and what trading costs.

The defaults are honest rather than kind: every taker pays half a spread and slippage on top of the
fee, and a resting order is filled only when the market has traded through its price.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from decimal import Decimal

import attrs
from xache_sdk.market import Instrument as ToldInstrument

from xached.domain.instrument import PPM, Asset, AssetName, Instrument, read_instrument
from xached.domain.money import format_units, parse_decimal
from xached.research.backtest.signal_tape import NO_SIGNALS, SignalTape
from xached.research.history.candle_set import CandleSet, DataError

SCALE_MIN = 8
"""Decimal places that money has at least, as in the house."""

FEE_PPM = 1_000
"""0.1 %: what the largest venues charge those who trade little."""


class FillModel(enum.Enum):
    """What of a candle an order can meet.

    NEXT_OPEN: its first price only, so nothing is assumed of what came after it. TOUCH: every
    price in its range, in the order of :mod:`xached.research.backtest.candle_exchange`.
    """

    NEXT_OPEN = "next-open"
    TOUCH = "touch"


@attrs.frozen(kw_only=True)
class RunSettings:
    """How a run is made.

    ``cash`` is in the quote asset of the markets, which is one. ``half_spread_ppm`` and
    ``slippage_ppm`` are parts per million of the price that every taker pays beyond it.
    ``through_ticks``: how far beyond a resting order's price the market must trade to fill it; 0:
    a touch is enough. ``max_volume_ppm``: the part of a candle's volume that the account may
    trade; None: any quantity. ``impact_ppm`` is the coefficient of
    :mod:`xached.research.backtest.impact`, where one million is 1.0; 0: size moves no price.
    ``size``: every order counts as so many times as large for impact and volume, while money stays
    as it is, so that runs of several sizes compare; 1: as it is. ``start_ns``: candles before it
    only warm up; None: the first one. ``signals``: what those that strategies use have said.
    """

    cash: Decimal
    fill_model: FillModel = FillModel.TOUCH
    half_spread_ppm: int = 100
    slippage_ppm: int = 100
    through_ticks: int = 1
    max_volume_ppm: int | None = 100_000
    impact_ppm: int = 0
    size: int = 1
    start_ns: int | None = None
    signals: SignalTape = NO_SIGNALS

    def __attrs_post_init__(self) -> None:
        if self.cash <= 0:
            raise ValueError("a run begins with money")
        if not 0 <= self.half_spread_ppm + self.slippage_ppm < PPM:
            raise ValueError("half spread and slippage are 0 to less than the whole price")
        if self.half_spread_ppm < 0 or self.slippage_ppm < 0 or self.through_ticks < 0:
            raise ValueError("half spread, slippage and through_ticks are not negative")
        if self.max_volume_ppm is not None and not 0 < self.max_volume_ppm <= PPM:
            raise ValueError("max_volume_ppm is a part of the volume, at most all of it")
        if self.impact_ppm < 0 or self.size < 1:
            raise ValueError("impact is not negative, and a size is at least 1")

    @property
    def taker_cost_ppm(self) -> int:
        """What a taker pays beyond the price of the candle."""
        return self.half_spread_ppm + self.slippage_ppm


@attrs.frozen
class MarketData:
    """A market and its history, in the market's ticks and lots.

    ``candles``: one set for each interval. Orders meet those of the shortest.

    Raises: DataError when a set is of another market or not in its steps.
    """

    instrument: Instrument
    candles: tuple[CandleSet, ...]

    def __attrs_post_init__(self) -> None:
        if not self.candles:
            raise DataError(f"{self.instrument.symbol} has no history")
        tick, lot = Decimal(self.instrument.tick_size), Decimal(self.instrument.lot_size)
        for each in self.candles:
            if (each.symbol, each.tick_size, each.lot_size) != (self.instrument.symbol, tick, lot):
                raise DataError(f"a history of {each.symbol} is not in the steps of {self}")
        if len({each.interval for each in self.candles}) < len(self.candles):
            raise DataError(f"{self.instrument.symbol} has two histories of one interval")

    def __str__(self) -> str:
        instrument = self.instrument
        return f"{instrument.symbol} (tick {instrument.tick_size}, lot {instrument.lot_size})"

    @property
    def finest(self) -> CandleSet:
        """The candles that orders meet."""
        return min(self.candles, key=lambda each: each.interval.seconds)


def market_data(instrument: Instrument, *candles: CandleSet) -> MarketData:
    """A market with histories brought into its steps. Raises: DataError when that would round."""
    tick, lot = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
    return MarketData(instrument, tuple(each.in_steps(tick, lot) for each in candles))


def open_markets(
    histories: Iterable[Sequence[CandleSet]],
    maker_fee_ppm: int = FEE_PPM,
    taker_fee_ppm: int = FEE_PPM,
) -> list[MarketData]:
    """Markets of one purse, each with its histories, and each quote asset in one unit.

    Raises: DataError as :func:`open_market` does.
    """
    each = list(histories)
    alone = [open_market(*candles).instrument for candles in each]
    scales: dict[AssetName, int] = {}
    for instrument in alone:
        # The finest steps of any market decide: all of them pay with the same money.
        scales[instrument.quote] = max(
            instrument.quote_scale, scales.get(instrument.quote, SCALE_MIN)
        )
    return [
        open_market(
            *candles,
            maker_fee_ppm=maker_fee_ppm,
            taker_fee_ppm=taker_fee_ppm,
            quote_scale=scales[instrument.quote],
        )
        for candles, instrument in zip(each, alone, strict=True)
    ]


def open_market(
    *candles: CandleSet,
    maker_fee_ppm: int = FEE_PPM,
    taker_fee_ppm: int = FEE_PPM,
    quote_scale: int = SCALE_MIN,
) -> MarketData:
    """A market with the steps of its history and no filters but those.

    ``quote_scale``: money has at least so many decimal places.

    Raises: DataError for a symbol that is not BASE-QUOTE.
    """
    first = candles[0]
    base, dash, quote = first.symbol.partition("-")
    if not (base and dash and quote):
        raise DataError(f"a market is BASE-QUOTE, such as BTC-USDT, not {first.symbol}")
    tick, lot = f"{first.tick_size:f}", f"{first.lot_size:f}"
    scale = max(SCALE_MIN, quote_scale, _places(tick) + _places(lot))
    largest = str(10**12)
    instrument = read_instrument(
        symbol=first.symbol,
        base=Asset(AssetName(base), max(SCALE_MIN, _places(lot))),
        quote=Asset(AssetName(quote), scale),
        tick_size=tick,
        lot_size=lot,
        min_price=tick,
        max_price=largest,
        min_quantity=lot,
        max_quantity=largest,
        max_market_quantity=largest,
        min_notional="0",
        max_notional=largest,
        buy_band_up_ppm=PPM,
        buy_band_down_ppm=PPM,
        sell_band_up_ppm=100 * PPM,
        sell_band_down_ppm=PPM,
        maker_fee_ppm=maker_fee_ppm,
        taker_fee_ppm=taker_fee_ppm,
        max_open_orders=1_000,
    )
    return market_data(instrument, *candles)


def check_markets(instruments: Sequence[Instrument]) -> None:
    """See that one purse can trade in all of them.

    Raises: DataError for a market that is given twice, for several quote assets, or for one that
        is counted in several units.
    """
    symbols = [each.symbol for each in instruments]
    if len(set(symbols)) < len(symbols):
        raise DataError("a market is given twice")
    quotes = {each.quote for each in instruments}
    if len(quotes) > 1:
        raise DataError(f"the markets of a run have one quote asset, not {', '.join(quotes)}")
    if len({each.quote_scale for each in instruments}) > 1:
        raise DataError(f"the markets of a run count {instruments[0].quote} in one unit")


def told_instrument(instrument: Instrument) -> ToldInstrument:
    """An instrument as strategies know it."""
    return ToldInstrument(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        tick_size=Decimal(instrument.tick_size),
        lot_size=Decimal(instrument.lot_size),
        min_quantity=Decimal(instrument.format_quantity(instrument.min_quantity_lots)),
        max_quantity=Decimal(instrument.format_quantity(instrument.max_quantity_lots)),
        max_market_quantity=Decimal(
            instrument.format_quantity(instrument.max_market_quantity_lots)
        ),
        min_notional=Decimal(instrument.format_quote(instrument.min_notional_units)),
        max_notional=Decimal(instrument.format_quote(instrument.max_notional_units)),
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
    )


def to_units(amount: Decimal, scale: int) -> int:
    """An amount in its asset's smallest unit. Raises: Rejection when it has more places."""
    return parse_decimal(f"{amount:f}", scale)


def from_units(units: int, scale: int) -> Decimal:
    """Units as an amount."""
    return Decimal(format_units(units, scale))


def _places(step: str) -> int:
    return len(step.partition(".")[2].rstrip("0"))
