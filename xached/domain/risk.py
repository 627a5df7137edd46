"""Pre-trade risk: what a purse may do at most. Unknown means no."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from xached.domain.instrument import PPM, AssetName, Instrument
from xached.domain.money import ceil_div
from xached.domain.order import BUY, Side
from xached.domain.rejection import Reason, Rejection


@attrs.frozen
class RiskLimits:
    """The limits of one purse. A quote asset that is not named is not allowed at all."""

    max_open_orders: int
    max_order_notional_units: Mapping[AssetName, int]


def check_limits(
    limits: RiskLimits | None, instrument: Instrument, notional_units: int, open_orders: int
) -> None:
    """Refuse an order beyond its purse's limits.

    Raises: Rejection LIMITS_UNKNOWN, ORDER_SIZE or OPEN_ORDERS, in this order.
    """
    size = limits.max_order_notional_units.get(instrument.quote) if limits is not None else None
    if limits is None or size is None:
        raise Rejection(
            Reason.LIMITS_UNKNOWN,
            f"no order-size limit is set for {instrument.quote}",
            field="notional",
            given=instrument.format_quote(notional_units),
            allowed="nothing until a limit is set",
        )
    if notional_units > size:
        raise Rejection(
            Reason.ORDER_SIZE,
            "the order is larger than this purse may place",
            field="notional",
            given=instrument.format_quote(notional_units),
            allowed=f"at most {instrument.format_quote(size)} {instrument.quote}",
            nearest=instrument.format_quote(size),
        )
    check_open_orders(open_orders, limits.max_open_orders, "this purse")


def check_open_orders(
    open_orders: int, most: int, where: str, reason: Reason = Reason.OPEN_ORDERS
) -> None:
    """Refuse one open order too many; ``reason`` says of which kind. Raises: Rejection."""
    if open_orders >= most:
        raise Rejection(
            reason,
            f"too many open orders in {where}",
            field="open_orders",
            given=str(open_orders + 1),
            allowed=f"at most {most}",
            nearest=str(most),
        )


def band_ticks(instrument: Instrument, side: Side, reference_ticks: int) -> tuple[int, int]:
    """The lowest and highest price allowed to a side, inclusive, rounded inwards."""
    if side is BUY:
        down, up = instrument.buy_band_down_ppm, instrument.buy_band_up_ppm
    else:
        down, up = instrument.sell_band_down_ppm, instrument.sell_band_up_ppm
    low = ceil_div(reference_ticks * (PPM - down), PPM)
    high = reference_ticks * (PPM + up) // PPM
    return low, high


def check_band(instrument: Instrument, price_ticks: int, band: tuple[int, int]) -> None:
    """Refuse a limit price outside the band. Raises: Rejection PRICE_BAND."""
    low, high = band
    if not low <= price_ticks <= high:
        raise Rejection(
            Reason.PRICE_BAND,
            "the price is too far from the reference price",
            field="price",
            given=instrument.format_price(price_ticks),
            allowed=f"{instrument.format_price(low)} to {instrument.format_price(high)}",
            nearest=instrument.format_price(min(max(price_ticks, low), high)),
        )
