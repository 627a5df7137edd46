"""Fees: rounded once per order, charged in the quote asset, always toward the house.

``due`` is the fee of everything an order traded so far; a fill is charged what is due after it
less what was charged before. So no way of splitting an order changes its fee, and no fill needs
more than the hold.
"""

from __future__ import annotations

from xached.domain.instrument import PPM


def due_units(
    taker_notional_units: int,
    taker_fee_ppm: int,
    maker_notional_units: int,
    maker_fee_ppm: int,
) -> int:
    """The whole fee of an order that traded so much on each side."""
    exact_ppm = taker_notional_units * taker_fee_ppm + maker_notional_units * maker_fee_ppm
    return -(-exact_ppm // PPM)  # ceil_div, without the call


def buy_hold_units(
    leaves_notional_units: int,
    taker_notional_units: int,
    taker_fee_ppm: int,
    maker_notional_units: int,
    maker_fee_ppm: int,
    charged_units: int,
) -> int:
    """What a limit buy must hold: the rest at its limit, with the fee at the worse rate."""
    if taker_fee_ppm >= maker_fee_ppm:
        taker_notional_units += leaves_notional_units
    else:
        maker_notional_units += leaves_notional_units
    due = due_units(taker_notional_units, taker_fee_ppm, maker_notional_units, maker_fee_ppm)
    return leaves_notional_units + due - charged_units
