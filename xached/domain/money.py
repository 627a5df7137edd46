"""Amounts: whole numbers of an asset's smallest unit, and their decimal text.

A *scale* is the number of decimal places of the smallest unit: at scale 8 the text
"1.5" is 150_000_000 units. Nothing here rounds: text that does not fit is refused.
"""

from __future__ import annotations

import re

from xached.domain.rejection import Reason, Rejection

DIGITS_MAX = 60
"""Longest number read, in digits: 10^30 units of an 18-digit asset fit with room to spare."""

_DECIMAL = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


def parse_decimal(text: str, scale: int, field: str = "amount") -> int:
    """Read a plain non-negative decimal as units of ``scale``.

    Raises:
        Rejection: AMOUNT_FORMAT for signs, exponents, NaN, separators or too many
            digits; AMOUNT_PRECISION for more decimal places than the scale has.
    """
    if len(text) - text.count(".") > DIGITS_MAX or _DECIMAL.fullmatch(text) is None:
        raise Rejection(
            Reason.AMOUNT_FORMAT,
            f"{field} must be a plain decimal number",
            field=field,
            given=text[: DIGITS_MAX + 1],
            allowed=f"digits with at most one point, up to {DIGITS_MAX} digits",
        )
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > scale:
        raise Rejection(
            Reason.AMOUNT_PRECISION,
            f"{field} has more decimal places than there are",
            field=field,
            given=text,
            allowed=f"at most {scale} decimal places",
        )
    return int(whole + fraction.ljust(scale, "0"))


def format_units(units: int, scale: int) -> str:
    """Write units as the shortest exact decimal text: no exponent, no trailing zeros."""
    if units <= 0:
        return f"-{format_units(-units, scale)}" if units else "0"
    whole, part = divmod(units, 10**scale)
    if part == 0:
        return str(whole)
    return f"{whole}.{str(part).zfill(scale).rstrip('0')}"


def format_fixed(units: int, scale: int) -> str:
    """Write units with exactly ``scale`` decimal places."""
    if scale == 0:
        return str(units)
    digits = str(units).zfill(scale + 1 if units >= 0 else scale + 2)
    return f"{digits[:-scale]}.{digits[-scale:]}"


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide, rounding up: the direction in which the house charges."""
    return -(-numerator // denominator)
