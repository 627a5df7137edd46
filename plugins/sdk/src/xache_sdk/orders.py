"""What a strategy wants (intents), and what became of its orders."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from xache_sdk.market import Side

ID_LENGTH_MAX = 18
TIMER_DELAY_NS_MAX = 86_400_000_000_000
TEXT_LENGTH_MAX = 500
DIGITS_MAX = 60
"""Longest number an order may have."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,18}", re.ASCII)


class TimeInForce(enum.Enum):
    """How long an order lives."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


class OrderStatus(enum.Enum):
    """Where an order stands.

    REFUSED: it never came to be. PENDING_NEW waits for its parent, UNTRIGGERED for its price.
    """

    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    REJECTED = "REJECTED"
    PENDING_NEW = "PENDING_NEW"
    UNTRIGGERED = "UNTRIGGERED"
    TRIGGERED = "TRIGGERED"

    @property
    def final(self) -> bool:
        """True when nothing more can happen to the order."""
        return self in (
            OrderStatus.FILLED,
            OrderStatus.CANCELED,
            OrderStatus.EXPIRED,
            OrderStatus.REFUSED,
            OrderStatus.REJECTED,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A new order: with a price a limit order, without one a market order.

    ``id`` names it in this run of the strategy and is never used twice. Exactly one of
    ``quantity`` (base) and ``quote_quantity`` (market orders only: what it may cost with fees,
    or should bring) is given. ``time_in_force`` None is GTC with a price, IOC without.

    Raises: ValueError when the terms contradict each other; TypeError for what is no Decimal.
    """

    id: str
    symbol: str
    side: Side
    quantity: Decimal | None = None
    quote_quantity: Decimal | None = None
    price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool = False

    def __post_init__(self) -> None:
        _check_id(self.id)
        if (self.quantity is None) == (self.quote_quantity is None):
            raise ValueError("an order has a quantity or a quote quantity, not both or none")
        if self.quote_quantity is not None and self.price is not None:
            raise ValueError("only a market order is sized by quote quantity")
        for name, value in (
            ("quantity", self.quantity),
            ("quote quantity", self.quote_quantity),
            ("price", self.price),
        ):
            if value is not None:
                _check_number(name, value)


@dataclass(frozen=True, slots=True)
class Cancel:
    """The end of one order of this run. Cancelling one that has ended changes nothing."""

    id: str

    def __post_init__(self) -> None:
        _check_id(self.id)


@dataclass(frozen=True, slots=True)
class CancelAll:
    """The end of all orders of the sub-account, or of one market of it."""

    symbol: str | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """A call of ``on_timer`` after a while. A timer of the same name is replaced."""

    name: str
    delay_ns: int

    def __post_init__(self) -> None:
        if not 0 < self.delay_ns <= TIMER_DELAY_NS_MAX:
            raise ValueError("a timer is due after more than nothing and at most a day")
        if not 0 < len(self.name) <= ID_LENGTH_MAX:
            raise ValueError(f"a timer's name has 1 to {ID_LENGTH_MAX} characters")


@dataclass(frozen=True, slots=True)
class Note:
    """Something the owner should know; cut after 500 characters."""

    text: str


Intent: TypeAlias = Place | Cancel | CancelAll | SetTimer | Note

Intents: TypeAlias = Iterable[Intent]
"""What a callback returns or yields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of an order. ``fee`` is in quote; ``maker``: the order rested in the book."""

    price: Decimal
    quantity: Decimal
    fee: Decimal
    maker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate:
    """What became of an order of the sub-account. Updates are never dropped and in order.

    ``own``: placed in this run, and ``id`` is the strategy's; otherwise the owner placed it and
    ``id`` is the whole client order id. ``reason`` says why it was refused or ended unfilled.
    """

    id: str
    own: bool
    symbol: str
    side: Side
    status: OrderStatus
    at_ns: int
    reason: str = ""
    price: Decimal | None = None
    quantity: Decimal = Decimal(0)
    executed_quantity: Decimal = Decimal(0)
    leaves_quantity: Decimal = Decimal(0)
    fill: Fill | None = None


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, Decimal):
        raise TypeError(f"an order's {name} is a Decimal, not {type(value).__name__}")
    if not (value.is_finite() and value > 0):
        raise ValueError(f"an order's {name} is a positive number, not {value}")
    if abs(value.adjusted()) >= DIGITS_MAX or len(format(value, "f")) > DIGITS_MAX + 1:
        raise ValueError(f"an order's {name} has at most {DIGITS_MAX} digits")


def _check_id(text: str) -> None:
    if _ID.fullmatch(text) is None:
        raise ValueError(f"an order's id is 1 to 18 of A-Z a-z 0-9 . _ -, not {text!r}")
