"""Instruments between the wire and the house: the rules of a market as they are published."""

from __future__ import annotations

from xache.v1 import types_pb2

from xached.api.convert import wire
from xached.domain.instrument import Directory, Instrument, PlainRules, read_instrument
from xached.domain.order import MarketState


def instrument_message(
    instrument: Instrument, state: MarketState, *, delisted: bool = False
) -> types_pb2.Instrument:
    """A listed market and its rules."""
    return types_pb2.Instrument(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        min_price=instrument.format_price(instrument.min_price_ticks),
        max_price=instrument.format_price(instrument.max_price_ticks),
        min_quantity=instrument.format_quantity(instrument.min_quantity_lots),
        max_quantity=instrument.format_quantity(instrument.max_quantity_lots),
        max_market_quantity=instrument.format_quantity(instrument.max_market_quantity_lots),
        min_notional=instrument.format_quote(instrument.min_notional_units),
        max_notional=instrument.format_quote(instrument.max_notional_units),
        buy_band_up_ppm=instrument.buy_band_up_ppm,
        buy_band_down_ppm=instrument.buy_band_down_ppm,
        sell_band_up_ppm=instrument.sell_band_up_ppm,
        sell_band_down_ppm=instrument.sell_band_down_ppm,
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
        max_open_orders=instrument.max_open_orders,
        state=wire(state),
        min_market_quantity=_lots(instrument.min_market_quantity_lots, instrument),
        max_algo_orders=instrument.max_algo_orders,
        max_iceberg_orders=instrument.max_iceberg_orders,
        max_position=_lots(instrument.max_position_lots, instrument),
        min_trail_bps=instrument.min_trail_bps,
        max_trail_bps=instrument.max_trail_bps,
        mark_stale_ns=instrument.mark_stale_ns or 0,
        reference_bucket_ns=instrument.reference_bucket_ns,
        reference_buckets=instrument.reference_buckets,
        auction_ns=instrument.auction_ns,
        volatility_halt_ns=instrument.volatility_halt_ns,
        opening_auction=instrument.opening_auction,
        delisted=delisted,
    )


def listed_instrument(message: types_pb2.Instrument, directory: Directory) -> Instrument:
    """Read the rules of a market to list; how it stands is ignored. Raises: Rejection."""
    rules: PlainRules = {
        "buy_band_up_ppm": message.buy_band_up_ppm,
        "buy_band_down_ppm": message.buy_band_down_ppm,
        "sell_band_up_ppm": message.sell_band_up_ppm,
        "sell_band_down_ppm": message.sell_band_down_ppm,
        "maker_fee_ppm": message.maker_fee_ppm,
        "taker_fee_ppm": message.taker_fee_ppm,
        "max_open_orders": message.max_open_orders,
        "mark_stale_ns": message.mark_stale_ns or None,
        "reference_bucket_ns": message.reference_bucket_ns,
        "reference_buckets": message.reference_buckets,
        "auction_ns": message.auction_ns,
        "volatility_halt_ns": message.volatility_halt_ns,
        "opening_auction": message.opening_auction,
    }
    # Zero means something in these: only what is not there has the default.
    if message.HasField("max_algo_orders"):
        rules["max_algo_orders"] = message.max_algo_orders
    if message.HasField("max_iceberg_orders"):
        rules["max_iceberg_orders"] = message.max_iceberg_orders
    if message.HasField("min_trail_bps"):
        rules["min_trail_bps"] = message.min_trail_bps
    if message.HasField("max_trail_bps"):
        rules["max_trail_bps"] = message.max_trail_bps
    return read_instrument(
        symbol=message.symbol,
        base=directory.asset(message.base),
        quote=directory.asset(message.quote),
        tick_size=message.tick_size,
        lot_size=message.lot_size,
        min_price=message.min_price,
        max_price=message.max_price,
        min_quantity=message.min_quantity,
        max_quantity=message.max_quantity,
        max_market_quantity=message.max_market_quantity,
        min_notional=message.min_notional,
        max_notional=message.max_notional,
        min_market_quantity=message.min_market_quantity,
        max_position=message.max_position,
        **rules,
    )


def _lots(lots: int | None, instrument: Instrument) -> str:
    return "" if lots is None else instrument.format_quantity(lots)
