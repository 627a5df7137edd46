"""Amounts on their way to the wire and back: exact decimals, never floats."""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

Amount: TypeAlias = Decimal | int | str
"""A price, quantity or value: "0.010", Decimal("0.010") or 1."""


_SHORT_PLACES = 2


def amount_text(amount: Amount, name: str) -> str:
    """Write an amount as the wire has it: plain digits, no exponent.

    Text passes as it is: the house judges it and names the rule it breaks.

    Raises:
        TypeError: for a float, which has no exact value, and for anything else.
        ValueError: for a Decimal that is not a number or not finite.
    """
    match amount:
        case str():
            return amount
        case Decimal():
            if not amount.is_finite():
                raise ValueError(f"{name} must be a finite number, not {amount}")
            return format(amount, "f")
        case bool():
            raise TypeError(f"{name} must be a Decimal, an int or text, not a bool")
        case int():
            return str(amount)
        case float():
            raise TypeError(
                f"{name} must be a Decimal, an int or text, not the float {amount!r}: floats are "
                f'not exact; write "{amount!r}" or Decimal("{amount!r}")'
            )
        case _:
            raise TypeError(
                f"{name} must be a Decimal, an int or text, not {type(amount).__name__}"
            )


def to_decimal(text: str) -> Decimal | None:
    """Read an amount of an answer, exactly; None for the empty text of "there is none"."""
    return Decimal(text) if text else None


def short_text(text: str) -> str:
    """An amount for where there is no room for all of it: to hundredths, or where it is smaller
    than one to four digits that count.
    """
    if len(text.partition(".")[2]) <= _SHORT_PLACES:
        return text
    amount = Decimal(text)
    return f"{amount:.2f}" if abs(amount) >= 1 else f"{Decimal(f'{amount:.4g}'):f}"


def optional_text(amount: Amount | None, name: str) -> str:
    """Text of an amount, empty for none. Raises: TypeError for a float."""
    return "" if amount is None else amount_text(amount, name)
