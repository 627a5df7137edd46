"""What an indicator says of itself: inputs, outputs, units and settings, for lists and forms."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

WINDOW_MAX: Final = 100_000
"""The longest window, in bars: bounds the memory of one indicator."""


class Input(enum.Enum):
    """What one argument of ``push``, or one column of ``over``, holds."""

    OPEN_AT = "open_at_ns"
    """When the bar began, in nanoseconds since 1970 UTC."""
    HIGH = "high_ticks"
    LOW = "low_ticks"
    CLOSE = "close_ticks"
    VOLUME = "volume_lots"
    BIDS = "bid_lots"
    """Quantities of the book's best bids, best first: a sequence; as a column, a row a moment."""
    ASKS = "ask_lots"


class Unit(enum.Enum):
    """What results are counted in."""

    TICKS = "ticks"
    """A price, or a difference of prices; times the tick size it is in the quote asset."""
    LOTS = "lots"
    """A quantity; times the lot size it is in the base asset."""
    PERCENT = "percent"
    """0 to 100, or a change in hundredths."""
    RATIO = "ratio"
    """A number without a unit."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting. A whole number when the default is one; limits are inclusive."""

    name: str
    default: int | float
    text: str
    least: int | float = 1
    most: int | float = WINDOW_MAX

    @property
    def whole(self) -> bool:
        """Whether only whole numbers will do."""
        return isinstance(self.default, int)

    def mistake(self, value: object) -> str | None:
        """What is wrong with a value; None when it will do."""
        good = (int,) if self.whole else (int, float, Decimal)
        # A bool is an int, and NaN is in no range.
        if isinstance(value, bool) or not isinstance(value, good):
            return f"{self.name} is a {'whole ' if self.whole else ''}number, not {value!r}"
        if not self.least <= value <= self.most:
            return f"{self.name} is from {self.least:,} to {self.most:,}, not {value!r}"
        return None


@dataclass(frozen=True, slots=True)
class About:
    """The face of an indicator.

    ``name`` is the key in lists; ``outputs`` name the fields of a result, one for a plain number.
    """

    name: str
    title: str
    source: str
    inputs: tuple[Input, ...]
    unit: Unit
    parameters: tuple[Parameter, ...] = ()
    outputs: tuple[str, ...] = ("value",)
    plain: tuple[str, ...] = ()
    """Outputs that have no unit, whatever the others have."""
    difference: bool = False
    """Whether what is counted in ticks is a difference of prices, and no price itself."""

    @property
    def units(self) -> tuple[Unit, ...]:
        """The unit of each output."""
        return tuple(Unit.RATIO if name in self.plain else self.unit for name in self.outputs)

    @property
    def prices(self) -> tuple[bool, ...]:
        """Of each output: whether it is a price, which belongs among the candles of a chart."""
        return tuple(unit is Unit.TICKS and not self.difference for unit in self.units)

    def check(self, **settings: object) -> None:
        """Refuse settings that cannot be. Raises: ValueError, which names every mistake."""
        mistakes = [
            mistake
            for parameter in self.parameters
            if (mistake := parameter.mistake(settings[parameter.name])) is not None
        ]
        if mistakes:
            raise ValueError(f"{self.name}: {'; '.join(mistakes)}")


def window(text: str, default: int, name: str = "window", *, least: int = 1) -> Parameter:
    """A setting that counts bars."""
    return Parameter(name, default, text, least=least)
