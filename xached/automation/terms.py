"""What a rule says: when it fires, and what it then does. Fixed once the rule exists.

Amounts are whole: prices in ticks, quantities in lots, money in units of the quote asset, shares
in parts per million. The steps of an instrument never change, so neither does what they mean.
"""

from __future__ import annotations

import enum
from typing import NewType, TypeAlias

from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
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


When: TypeAlias = Schedule
Then: TypeAlias = OrderAction


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

    Outside of its ``windows`` it sleeps: what is due then is not made up for. ``max_firings`` and
    ``ends_at_ns`` end it; 0 is no such bound. ``cooldown_s``: it does not fire again before.
    """

    when: When
    then: Then
    windows: tuple[TimeWindow, ...] = ()
    max_firings: int = 0
    cooldown_s: int = 0
    ends_at_ns: int = 0
