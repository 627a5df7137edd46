"""Orders: their terms, and the state an order goes through.

    PENDING_NEW -> UNTRIGGERED -> TRIGGERED -> OPEN -> PARTIALLY_FILLED
                                       -> FILLED | CANCELED | EXPIRED | REJECTED

A plain order begins OPEN; one with a trigger waits UNTRIGGERED; a child of another order waits
PENDING_NEW until its parent trades. An order that never rests goes from accepted to its end in one
step. The same class serves the
exchange, the history and the streams, each of which folds the same events into it.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NewType

import attrs

from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
from xached.domain.rejection import Reason, Rejection

OrderId = NewType("OrderId", int)
"""``seq << 12 | index``: journal sequence of the acceptance, place in its row."""

ORDER_INDEX_BITS = 12

AccountId = NewType("AccountId", str)
"""Opaque: says nothing about the person."""

Purse = NewType("Purse", str)
"""``account/subaccount``: whose money an order trades."""

MAIN = "main"
ID_ALLOWED = "1 to 36 of A-Z a-z 0-9 . _ -"
SUBACCOUNT_ALLOWED = "1 to 32 of a-z 0-9 -"

_ID = re.compile(r"[A-Za-z0-9._-]{1,36}", re.ASCII)
_SUBACCOUNT = re.compile(r"[a-z0-9-]{1,32}", re.ASCII)


class Side(enum.IntEnum):
    """Which way an order trades."""

    BUY = 1
    SELL = 2

    @property
    def opposite(self) -> Side:
        """The side it trades with."""
        return SELL if self is BUY else BUY


class OrderType(enum.IntEnum):
    """How an order finds its price."""

    LIMIT = 1
    MARKET = 2
    STOP = 3
    STOP_LIMIT = 4
    TAKE_PROFIT = 5
    TAKE_PROFIT_LIMIT = 6
    TRAILING_STOP = 7


class TriggerSource(enum.IntEnum):
    """Which price a stop looks at. BID_ASK: a buy the best ask, a sell the best bid."""

    LAST = 1
    BID_ASK = 2
    MARK = 3


class LegRole(enum.IntEnum):
    """What an order is in its list."""

    PARENT = 1
    CHILD = 2
    LIMIT_LEG = 3
    STOP_LEG = 4


class ListKind(enum.IntEnum):
    """How the orders of a list depend on each other."""

    OCO = 1
    OTO = 2
    BRACKET = 3


class ListActivation(enum.IntEnum):
    """When children wake: with their parent's last fill, or with each as far as it goes."""

    FULL = 1
    PARTIAL = 2


# Asked several times for every order; looking a member up in its class takes CPython 3.11 some 900
# instructions, a name of the module 20. So are the others of this kind below.
BUY: Final = Side.BUY
SELL: Final = Side.SELL
LIMIT: Final = OrderType.LIMIT
MARKET: Final = OrderType.MARKET


class TimeInForce(enum.IntEnum):
    """How long an order lives."""

    GTC = 1
    IOC = 2
    FOK = 3
    GTD = 4


GTC: Final = TimeInForce.GTC
IOC: Final = TimeInForce.IOC
FOK: Final = TimeInForce.FOK
GTD: Final = TimeInForce.GTD


class OrderStatus(enum.IntEnum):
    """Where an order stands."""

    OPEN = 1
    PARTIALLY_FILLED = 2
    FILLED = 3
    CANCELED = 4
    EXPIRED = 5
    REJECTED = 6
    PENDING_NEW = 7
    UNTRIGGERED = 8
    TRIGGERED = 9

    @property
    def is_over(self) -> bool:
        """Whether the order has ended: nothing of it can trade any more."""
        return 3 <= self <= 6


OPEN: Final = OrderStatus.OPEN
PARTIALLY_FILLED: Final = OrderStatus.PARTIALLY_FILLED
FILLED: Final = OrderStatus.FILLED
CANCELED: Final = OrderStatus.CANCELED
EXPIRED: Final = OrderStatus.EXPIRED


class EndReason(enum.IntEnum):
    """Why an order ended without being filled; NONE when it was filled."""

    NONE = 0
    USER = 1
    TIME = 2
    IOC = 3
    FOK = 4
    POST_ONLY = 5
    SELF_TRADE = 6
    PRICE_BAND = 7
    NO_LIQUIDITY = 8
    FUNDS = 9
    RISK = 10
    HALT = 11
    ADMIN = 12
    DISCONNECT = 13
    INSTRUMENT = 14
    REDUCE_ONLY = 15
    OCO_SIBLING = 16
    LIST = 17
    PARENT = 18
    REPLACED = 19
    DEAD_MAN = 20


NO_REASON: Final = EndReason.NONE
USER: Final = EndReason.USER
SELF_TRADE: Final = EndReason.SELF_TRADE
PRICE_BAND: Final = EndReason.PRICE_BAND


class SelfTradePrevention(enum.IntEnum):
    """What happens when an order meets another of its account. The taker's mode decides."""

    NONE = 1
    EXPIRE_TAKER = 2
    EXPIRE_MAKER = 3
    EXPIRE_BOTH = 4
    DECREMENT = 5
    TRANSFER = 6


NO_PREVENTION: Final = SelfTradePrevention.NONE
EXPIRE_TAKER: Final = SelfTradePrevention.EXPIRE_TAKER
EXPIRE_MAKER: Final = SelfTradePrevention.EXPIRE_MAKER
TRANSFER: Final = SelfTradePrevention.TRANSFER
DECREMENT: Final = SelfTradePrevention.DECREMENT
DECREMENTING: Final = (SelfTradePrevention.DECREMENT, SelfTradePrevention.TRANSFER)
"""Modes that take what would have traded off both orders."""


class CancelScope(enum.IntEnum):
    """Which of many orders are cancelled.

    ENTRIES: those that would open or increase a position, that is those that buy; the stops,
    take-profits and children that protect one stay.
    """

    ENTRIES = 1
    ALL = 2


class MarketState(enum.IntEnum):
    """What an instrument lets people do."""

    TRADING = 1
    POST_ONLY = 2
    CANCEL_ONLY = 3
    HALTED = 4
    AUCTION = 5


TRADING: Final = MarketState.TRADING
AUCTION: Final = MarketState.AUCTION
OPEN_STATES: Final = (MarketState.TRADING, MarketState.POST_ONLY, MarketState.AUCTION)
"""States that take orders, as long as there is a reference price."""


@frozen(kw_only=True)
class Trigger:
    """What wakes an order that waits. Exactly one of a stop price and a trail is given.

    A trailing stop follows the market by ``trail_bps`` basis points or ``trail_ticks``; with
    ``activation_ticks`` only after that price has traded.
    """

    source: TriggerSource
    stop_ticks: int | None
    trail_bps: int | None = None
    trail_ticks: int | None = None
    activation_ticks: int | None = None


@frozen(kw_only=True)
class Leg:
    """An order's place in a list of orders; the list is named by the id of its first order."""

    list_id: OrderId
    role: LegRole


@attrs.define(eq=False)
class Order:
    """An order and what became of it so far.

    ``held_units`` are quote units for a buy and base units for a sell. Notionals and fees are
    quote units. ``stop_ticks`` is where the stop is now: that of a trailing order moves.
    ``prevented_lots`` were taken off by self-trade prevention without a trade.
    """

    order_id: OrderId
    client_order_id: str
    purse: Purse
    symbol: Symbol
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int | None
    quantity_lots: int
    quote_units: int | None
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    expires_at_ns: int | None
    maker_fee_ppm: int
    taker_fee_ppm: int
    held_units: int
    accepted_at_ns: int
    updated_at_ns: int
    seq: int
    status: OrderStatus = OrderStatus.OPEN
    end_reason: EndReason = EndReason.NONE
    executed_lots: int = 0
    taker_notional_units: int = 0
    maker_notional_units: int = 0
    fee_units: int = 0
    trigger: Trigger | None = None
    display_lots: int | None = None
    reduce_only: bool = False
    slide: bool = False
    leg: Leg | None = None
    replaces: OrderId | None = None
    stop_ticks: int | None = None
    prevented_lots: int = 0

    @property
    def leaves_lots(self) -> int:
        """What is still to trade; 0 once the order has ended."""
        status = self.status
        if status is not OPEN and status is not PARTIALLY_FILLED and status.is_over:
            return 0
        return self.quantity_lots - self.executed_lots - self.prevented_lots

    @property
    def notional_units(self) -> int:
        """What was traded, in quote units."""
        return self.taker_notional_units + self.maker_notional_units

    def record_fill(
        self,
        *,
        lots: int,
        notional_units: int,
        fee_units: int,
        hold_used_units: int,
        as_maker: bool,
        seq: int,
        at_ns: int,
    ) -> None:
        """Count one trade. ``hold_used_units``: what left the hold, paid and released."""
        self.executed_lots += lots
        if as_maker:
            self.maker_notional_units += notional_units
        else:
            self.taker_notional_units += notional_units
        self.fee_units += fee_units
        self.held_units -= hold_used_units
        self.status = PARTIALLY_FILLED
        self.seq = seq
        self.updated_at_ns = at_ns
        assert self.held_units >= 0, self
        assert self.executed_lots + self.prevented_lots <= self.quantity_lots, self

    def reduce(self, *, lots: int, released_units: int, seq: int, at_ns: int) -> None:
        """Make the order smaller; what its hold no longer needs has been released."""
        self.quantity_lots -= lots
        self.held_units -= released_units
        self.seq = seq
        self.updated_at_ns = at_ns
        assert self.held_units >= 0, self
        assert self.leaves_lots > 0, self

    def prevent(self, *, lots: int, released_units: int, seq: int, at_ns: int) -> None:
        """Count what self-trade prevention took off, and what its hold gave back."""
        self.prevented_lots += lots
        self.held_units -= released_units
        self.seq = seq
        self.updated_at_ns = at_ns
        assert self.held_units >= 0, self
        assert self.executed_lots + self.prevented_lots <= self.quantity_lots, self

    def end(
        self, status: OrderStatus, reason: EndReason, released_units: int, seq: int, at_ns: int
    ) -> None:
        """Finish the order; the rest of its hold has been released."""
        self.held_units -= released_units
        self.status = status
        self.end_reason = reason
        self.seq = seq
        self.updated_at_ns = at_ns
        assert self.held_units == 0, self


def make_order_id(seq: int, index: int) -> OrderId:
    """The id of the ``index``-th order accepted in row ``seq``."""
    assert 0 <= index < 1 << ORDER_INDEX_BITS
    return OrderId(seq << ORDER_INDEX_BITS | index)


def accepted_seq(order_id: OrderId) -> int:
    """The row that accepted an order."""
    return order_id >> ORDER_INDEX_BITS


def make_purse(account_id: str, subaccount: str) -> Purse:
    """The purse of an account. Raises: Rejection ID_FORMAT."""
    name = subaccount or MAIN
    if _SUBACCOUNT.fullmatch(name) is None:
        raise Rejection(
            Reason.ID_FORMAT,
            "the sub-account's name is not allowed",
            field="subaccount",
            given=name[:40],
            allowed=SUBACCOUNT_ALLOWED,
        )
    return Purse(f"{account_id}/{name}")


def account_of(purse: Purse) -> AccountId:
    """The account a purse belongs to."""
    return AccountId(purse.partition("/")[0])


def subaccount_of(purse: Purse) -> str:
    """The name of a purse in its account."""
    return purse.partition("/")[2]


def check_id(value: str, field: str) -> str:
    """Return a client's id if its form is allowed. Raises: Rejection ID_FORMAT."""
    if _ID.fullmatch(value) is None:
        raise Rejection(
            Reason.ID_FORMAT,
            f"{field} has a form that is not allowed",
            field=field,
            given=value[:40],
            allowed=ID_ALLOWED,
        )
    return value
