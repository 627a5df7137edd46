"""What the rules actor is given: the exchanges that purses trade on, its file, and the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import apsw
import attrs

from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Directory, Symbol
from xached.domain.market import Venue
from xached.domain.messages import Command, Row
from xached.domain.order import AccountId, Purse
from xached.domain.queries import Query

Result = TypeVar("Result")
Answer = TypeVar("Answer")


class Exchange(Protocol):
    """What is asked of an exchange."""

    async def execute(self, command: Command, *, account: str = "") -> Row:
        """Carry out a command. Raises: Rejection, Overloaded, Closed."""
        ...

    async def query(self, query: Query[Answer], *, account: str = "") -> Answer:
        """Ask about current state. Raises: Rejection, Overloaded, Closed."""
        ...

    async def find_request(self, scope: str, request_id: str, *, account: str = "") -> Row | None:
        """The row that used up an id. Raises: Overloaded, Closed."""
        ...


class Candles(Protocol):
    """The candles of where a purse trades."""

    async def past_candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """The newest closed candles, oldest first, at most so many. Raises: Rejection."""
        ...


class Records(Protocol):
    """strategies.db. Each call is one transaction."""

    async def write(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """Do it, and return once it is on disk."""
        ...

    async def read(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """Do it on one state of the file."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class TradingPlace:
    """An exchange, what is listed there, and whose candles are meant where none are named."""

    exchange: Exchange
    directory: Directory
    candles: Candles
    venue: Venue


@attrs.frozen(kw_only=True)
class RuleSurroundings:
    """The rest of the house as rules see it."""

    records: Records
    place_of: Callable[[Purse], TradingPlace]
    """Where a purse trades."""
    now_ns: Callable[[], int]
    entropy: Callable[[int], bytes]
    impediments: Callable[[AccountId], Awaitable[tuple[str, ...]]]
    """What stands against an account, as words; an account that is gone has one. Raises:
    Overloaded, Closed."""
    pause_strategies: Callable[[Purse, str], Awaitable[None]]
    """Pause whichever strategy trades a purse, for a cause. May be repeated."""
