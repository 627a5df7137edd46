"""What a strategy wants (intents), and what became of its orders."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from xache_sdk.frozen import frozen_dataclass
from xache_sdk.market import Side
from xache_sdk.reasons import Reason

ID_LENGTH_MAX = 18
TIMER_DELAY_NS_MAX = 86_400_000_000_000
TEXT_LENGTH_MAX = 500
DIGITS_MAX = 60
"""Longest number an order may have."""

BPS: Final = 10_000

_ID = re.compile(r"[A-Za-z0-9._-]{1,18}", re.ASCII)


class TimeInForce(enum.Enum):
    """How long an order lives. GTD: until ``expires_at_ns``."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class TriggerSource(enum.Enum):
    """Which price a trigger looks at. BID_ASK: a buy the best ask, a sell the best bid."""

    LAST = "LAST"
    BID_ASK = "BID_ASK"
    MARK = "MARK"


class OrderType(enum.Enum):
    """How an order finds its price; it follows from what is given."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    TRAILING_STOP = "TRAILING_STOP"


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
        return self in _FINAL


_FINAL = frozenset(
    (
        OrderStatus.FILLED,
        OrderStatus.CANCELED,
        OrderStatus.EXPIRED,
        OrderStatus.REFUSED,
        OrderStatus.REJECTED,
    )
)


@dataclass(frozen=True, slots=True)
class Stop:
    """Wake when the price has come to ``price`` from the good side: rising for a buy."""

    price: Decimal
    source: TriggerSource = TriggerSource.LAST

    def __post_init__(self) -> None:
        _check_number("stop price", self.price)


@dataclass(frozen=True, slots=True)
class TakeProfit:
    """Wake when the price has come to ``price`` from the bad side: falling for a buy."""

    price: Decimal
    source: TriggerSource = TriggerSource.LAST

    def __post_init__(self) -> None:
        _check_number("take-profit price", self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Wake when the price has turned by so much from the best it had.

    Either ``bps`` (basis points of that best price) or ``offset`` (in quote). With
    ``activation_price`` it begins to follow once that price has traded.
    """

    bps: int | None = None
    offset: Decimal | None = None
    activation_price: Decimal | None = None
    source: TriggerSource = TriggerSource.LAST

    def __post_init__(self) -> None:
        if (self.bps is None) == (self.offset is None):
            raise ValueError("an order trails by basis points or by an offset, not both or none")
        if self.bps is not None and not 0 < self.bps <= BPS:
            raise ValueError(f"an order trails by 1 to {BPS} basis points, not {self.bps}")
        if self.offset is not None:
            _check_number("trail offset", self.offset)
        if self.activation_price is not None:
            _check_number("activation price", self.activation_price)


Trigger: TypeAlias = Stop | TakeProfit | Trail


@frozen_dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A new order: with a price a limit order, without one a market order.

    ``id`` names it in this run of the strategy; used twice it is REFUSED, ID_REUSED. Exactly one of
    ``quantity`` (base) and ``quote_quantity`` (market orders only: what it may cost with fees,
    or should bring) is given. With a ``trigger`` it waits for a price first: a stop or take-profit
    is a market order then, or a limit order when it has a ``price``; a trail has none.
    ``post_only`` refuses to take liquidity; with ``slide`` it rests at the best price that takes
    none. ``reduce_only`` sells no more than the position. ``display_quantity`` makes it an
    iceberg. ``time_in_force`` None is GTD with an expiry, otherwise GTC for what waits or has a
    price, IOC for a market order. ``reason`` is kept for the owner, who may ask why.

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
    trigger: Trigger | None = None
    reduce_only: bool = False
    slide: bool = False
    display_quantity: Decimal | None = None
    expires_at_ns: int | None = None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        _check_id(self.id)
        if self.quantity is not None:
            _check_number("quantity", self.quantity)
            if self.price is None and self.trigger is None and self._has_no_options():
                return  # A plain market order, as most are in a backtest: nothing contradicts.
        for name, value in (
            ("quote quantity", self.quote_quantity),
            ("price", self.price),
            ("display quantity", self.display_quantity),
        ):
            if value is not None:
                _check_number(name, value)
        for name, contradicted in _CONTRADICTIONS:
            if contradicted(self):
                raise ValueError(f"order {self.id}: {name}")

    def _has_no_options(self) -> bool:
        return (
            self.quote_quantity is None
            and self.time_in_force is None
            and self.expires_at_ns is None
            and self.display_quantity is None
            and not (self.post_only or self.reduce_only or self.slide)
        )

    @property
    def type(self) -> OrderType:
        """What kind of order it is, by what is given."""
        limited = self.price is not None
        match self.trigger:
            case None:
                return OrderType.LIMIT if limited else OrderType.MARKET
            case Stop():
                return OrderType.STOP_LIMIT if limited else OrderType.STOP
            case TakeProfit():
                return OrderType.TAKE_PROFIT_LIMIT if limited else OrderType.TAKE_PROFIT
            case Trail():
                return OrderType.TRAILING_STOP

    @property
    def lives(self) -> TimeInForce:
        """The time in force, also when none is given."""
        if self.time_in_force is not None:
            return self.time_in_force
        if self.expires_at_ns is not None:
            return TimeInForce.GTD
        return TimeInForce.IOC if self.type is OrderType.MARKET else TimeInForce.GTC


_RESTING = (TimeInForce.GTC, TimeInForce.GTD)

_CONTRADICTIONS: Final[tuple[tuple[str, Callable[[Place], bool]], ...]] = (
    (
        "an order has a quantity or a quote quantity, not both or none",
        lambda order: (order.quantity is None) == (order.quote_quantity is None),
    ),
    (
        "only a market order is sized by quote quantity",
        lambda order: order.quote_quantity is not None and order.type is not OrderType.MARKET,
    ),
    (
        "an order that trails has no price",
        lambda order: order.price is not None and order.type is OrderType.TRAILING_STOP,
    ),
    (
        "an order without a price and a trigger is IOC",
        lambda order: order.type is OrderType.MARKET and order.lives is not TimeInForce.IOC,
    ),
    (
        "an order that waits for a price is GTC or GTD",
        lambda order: order.trigger is not None and order.lives not in _RESTING,
    ),
    (
        "an expiry goes with GTD, and GTD with an expiry",
        lambda order: (order.lives is TimeInForce.GTD) != (order.expires_at_ns is not None),
    ),
    (
        "only a limit order that rests (GTC or GTD) is post-only",
        lambda order: (
            order.post_only and not (order.type is OrderType.LIMIT and order.lives in _RESTING)
        ),
    ),
    (
        "only a post-only order slides",
        lambda order: order.slide and not order.post_only,
    ),
    (
        "a reduce-only order sells a quantity",
        lambda order: order.reduce_only and (order.side is Side.BUY or order.quantity is None),
    ),
    (
        "only an order with a price that rests (GTC or GTD) shows a part of itself",
        lambda order: (
            order.display_quantity is not None
            and not (order.price is not None and order.lives in _RESTING)
        ),
    ),
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """Lower the quantity of an open order of this run; it keeps its place in the queue.

    ``quantity`` is the new total in base, what was executed included. When it is refused the order
    is as it was, and ``on_change_refused`` is called.
    """

    id: str
    symbol: str
    quantity: Decimal

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_number("quantity", self.quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """Cancel an open order of this run and place another, in one step or not at all.

    ``new_id`` names the new one, which begins at the back of the queue. What is None stays;
    ``quantity`` is the new total in base, what the old one executed included. When it is refused
    the old one is as it was, there is no new one, and ``on_change_refused`` is called.
    """

    id: str
    new_id: str
    symbol: str
    price: Decimal | None = None
    quantity: Decimal | None = None
    trigger_price: Decimal | None = None
    display_quantity: Decimal | None = None
    expires_at_ns: int | None = None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        _check_id(self.id)
        _check_id(self.new_id)
        if self.id == self.new_id:
            raise ValueError("the new order has an id of its own")
        numbers = (
            ("price", self.price),
            ("quantity", self.quantity),
            ("trigger price", self.trigger_price),
            ("display quantity", self.display_quantity),
        )
        if self.expires_at_ns is None and all(value is None for _, value in numbers):
            raise ValueError("a replaced order has at least one other term")
        for name, value in numbers:
            if value is not None:
                _check_number(name, value)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """What ``Strategy.save`` was given, as JSON; it follows the other intents of its callback."""

    version: int
    text: str


Intent: TypeAlias = Place | Cancel | CancelAll | Amend | Replace | SetTimer | Note | Save

INTENTS: Final = (Place, Cancel, CancelAll, Amend, Replace, SetTimer, Note, Save)

Intents: TypeAlias = Iterable[Intent]
"""What a callback returns or yields."""


@frozen_dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One trade of an order. ``fee`` is in quote; ``maker``: the order rested in the book."""

    price: Decimal
    quantity: Decimal
    fee: Decimal
    maker: bool


@frozen_dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRefused:
    """An amendment or a replacement was refused; the order is as it was, or has ended.

    ``new_id`` is that of the order that never came to be; empty for an amendment.
    """

    id: str
    new_id: str
    symbol: str
    reason: str
    at_ns: int


def _check_number(name: str, value: object) -> None:
    if not isinstance(value, Decimal):
        raise TypeError(f"an order's {name} is a Decimal, not {type(value).__name__}")
    if not (value.is_finite() and value > 0):
        raise ValueError(f"an order's {name} is a positive number, not {value}")
    if abs(value.adjusted()) >= DIGITS_MAX or len(f"{value:f}") > DIGITS_MAX + 1:
        raise ValueError(
            f"an order's {name} has at most {DIGITS_MAX} digits: bring it to the steps of its "
            "market, as floor_quantity and floor_price of the instrument do"
        )


def _check_id(text: str) -> None:
    if _ID.fullmatch(text) is None:
        raise ValueError(f"an order's id is 1 to 18 of A-Z a-z 0-9 . _ -, not {text!r}")
