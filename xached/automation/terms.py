"""What a rule says: when it fires, and what it then does. Fixed once the rule exists.

Amounts are whole: prices in ticks, quantities in lots, money in units of the quote asset, shares
in parts per million. The steps of an instrument never change, so neither does what they mean.
"""

from __future__ import annotations

import enum
from typing import NewType, TypeAlias

from xached.domain.candles import Interval
from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Symbol
from xached.domain.market import Venue
from xached.domain.order import Side

RuleId = NewType("RuleId", str)
"""Sixteen hexadecimal digits; every order of the rule has them in its client id."""

PPM = 1_000_000


class Missed(enum.IntEnum):
    """What becomes of times that passed while nobody looked."""

    SKIP = 1
    CATCH_UP = 2
    """The newest of them is made up for, once."""


@frozen(kw_only=True)
class Schedule:
    """At these times, UTC: exactly one of ``cron`` and ``every_s`` says something.

    ``cron``: minute, hour, day of the month, month, day of the week (mon to sun); all five must
    fit. ``every_s``: whole multiples of it since 1970.
    """

    cron: str
    every_s: int
    missed: Missed


@frozen(kw_only=True)
class OrderAction:
    """Place one order. Exactly one of the three amounts is given.

    ``quote_units``: BUY, all that leaves the purse, fee included; SELL, what should reach it.
    ``share_ppm``: of what is free, of the quote asset for a BUY, of the base asset for a SELL.
    ``price_ticks`` makes it a limit order, for a quantity.
    """

    symbol: Symbol
    side: Side
    quote_units: int | None
    quantity_lots: int | None
    share_ppm: int | None
    price_ticks: int | None


class Direction(enum.IntEnum):
    """From which side a level is reached."""

    ABOVE = 1
    """At the level or above it."""
    BELOW = 2
    """At the level or below it."""


@frozen(kw_only=True)
class PriceReaches:
    """When a price gets there: the mark, or the last trade where there is none.

    It must have been seen on the other side while the rule was armed. It fires again when it has
    been back there.
    """

    symbol: Symbol
    direction: Direction
    price_ticks: int


@frozen(kw_only=True)
class PositionGains:
    """When a position is worth so much more than it cost: each of the gains once, in order.

    They begin anew when the position has been seen flat, not when the rule is paused and armed
    again. With :class:`SellShares` only.
    """

    symbol: Symbol
    gains_ppm: tuple[int, ...]


@frozen(kw_only=True)
class Drawdown:
    """When the profit of the purse in one quote asset has fallen by this share of its worth.

    From its height since the rule was armed, or fired. Profit is realised and unrealised at the
    mark, as in the risk bounds of the house: deposits, withdrawals and transfers are none.
    """

    asset: AssetName
    fall_ppm: int


@frozen(kw_only=True)
class IndicatorReaches:
    """When an indicator gets there, at the end of a candle.

    As with a price, it must have been seen on the other side. ``venue`` is whose candles; empty
    means those of where the purse trades. ``settings`` are as ``name=value``,
    ``threshold`` is decimal text, in prices and quantities as people say them.
    """

    symbol: Symbol
    venue: Venue
    interval: Interval
    indicator: str
    settings: tuple[str, ...]
    output: str
    direction: Direction
    threshold: str


@frozen(kw_only=True)
class SellShares:
    """Sell a share of the position as it was at the first gain: one for each gain.

    Where all shares are the whole, the last one sells what is left.
    """

    shares_ppm: tuple[int, ...]


@frozen(kw_only=True)
class Target:
    """A market, and how much of everything its base asset should be."""

    symbol: Symbol
    weight_ppm: int


@frozen(kw_only=True)
class Rebalance:
    """Sell and buy at market until the weights are right; the rest stays in the quote asset.

    All targets have one quote asset. Nothing is done while no weight is off by ``drift_ppm`` of
    the whole.
    """

    targets: tuple[Target, ...]
    drift_ppm: int


@frozen(kw_only=True)
class StopAll:
    """Cancel every open order of the purse, and pause its other rules and its strategies.

    ``sell``: all positions too.
    """

    sell: bool


When: TypeAlias = Schedule | PriceReaches | PositionGains | Drawdown | IndicatorReaches
Then: TypeAlias = OrderAction | SellShares | Rebalance | StopAll


@frozen(kw_only=True)
class TimeWindow:
    """Days of the week and the minutes of them in which a rule is awake, UTC.

    ``days``: 0 is Monday. From ``from_minute`` up to, without, ``to_minute``; where that is not
    later, the window goes on into the next day.
    """

    days: tuple[int, ...]
    from_minute: int
    to_minute: int


@frozen(kw_only=True)
class RuleTerms:
    """All that a rule says.

    Outside of its ``windows`` it sleeps: what is due or reached then is not made up for.
    ``max_firings`` and ``ends_at_ns`` end it; 0 is no such bound. ``cooldown_s``: it does not fire
    again before.
    """

    when: When
    then: Then
    windows: tuple[TimeWindow, ...] = ()
    max_firings: int = 0
    cooldown_s: int = 0
    ends_at_ns: int = 0
