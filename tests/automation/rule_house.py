"""A house of rules for tests: a real exchange and journal, a real strategies.db, a real actor.

It can be told to crash at the three places where a firing can be torn apart, and to start again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import apsw
import attrs
import trio

from tests.actors.test_matching import Running, order, running
from xached.actors.rules.actor import Rules, run_rules
from xached.actors.rules.surroundings import RuleSurroundings, TradingPlace
from xached.automation.messages import FiringsFound, ListFirings, ListRules, RuleMessage, RulesFound
from xached.automation.rule import Firing, Rule
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import AssetName, Symbol
from xached.domain.market import XACHE, Venue
from xached.domain.market_messages import OpenSubaccount, TransferFunds
from xached.domain.messages import Command, Row
from xached.domain.order import AccountId, Purse, Side
from xached.domain.queries import PurseQuery, PurseSnapshot, Query
from xached.runtime.mailbox import Closed, Mailbox, Overloaded
from xached.runtime.supervise import NEVER_GIVEN_UP, Health, run_expendable
from xached.storage.strategy_tables import StrategyRecords, StrategyTables

HOUSE_ID = bytes(16)
ALICE = AccountId("alice")
GRID = Purse("alice/grid")
"""The purse that rules trade: 100,000 USDT and nothing else."""

FUNDING: tuple[Command, ...] = (
    OpenSubaccount(purse=GRID, request_id="open-grid"),
    TransferFunds(
        source=Purse("alice/main"),
        target=GRID,
        asset=AssetName("USDT"),
        amount_units=100_000 * 10**6,
        request_id="fund-grid",
    ),
)

BEFORE_NOTE = "before the decision is written"
BEFORE_ORDER = "before the order is sent"
AFTER_ORDER = "after the order was answered"
CRASHES = (BEFORE_NOTE, BEFORE_ORDER, AFTER_ORDER)

Result = TypeVar("Result")
Answer = TypeVar("Answer")


class Crashed(Exception):  # noqa: N818 - what happened
    """The process is gone."""


@attrs.define
class Fuse:
    """Where the next crash is, if there is to be one."""

    place: str = ""
    blown: trio.Event = attrs.field(factory=trio.Event)
    away: str = ""
    """What the exchange does not answer: "everything", "orders" or nothing of the kind."""
    busy: str = ""
    """The account for whose orders the exchange has no room."""
    closed_for: int = 0
    """So many commands more the exchange is not there."""
    pausing_s: float = 0.0
    """How long it takes to pause the strategies of a purse."""

    def check(self, place: str) -> None:
        """Crash here if this is the place."""
        if self.blown.is_set() or self.place == place:
            self.blown.set()
            raise Crashed(place)


class FragileRecords:
    """strategies.db of a process that may crash before a firing is written down."""

    def __init__(self, records: StrategyRecords, fuse: Fuse) -> None:
        self._records = records
        self._fuse = fuse

    async def write(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """See Records."""
        if getattr(work, "func", work).__name__ == "fire_rule":
            self._fuse.check(BEFORE_NOTE)
        return await self._records.write(work)

    async def read(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """See Records."""
        return await self._records.read(work)


class FragileExchange:
    """The exchange of a process that may crash before or after it sends a command."""

    def __init__(self, house: Running, fuse: Fuse) -> None:
        self._house = house
        self._fuse = fuse

    async def execute(self, command: Command, *, account: str = "") -> Row:
        """See Exchange."""
        self._fuse.check(BEFORE_ORDER)
        if self._fuse.away or self._fuse.closed_for:
            self._fuse.closed_for = max(0, self._fuse.closed_for - 1)
            raise Closed
        if account == self._fuse.busy:
            await trio.lowlevel.checkpoint()
            raise Overloaded
        row = await self._house.matching.execute(command, account=account)
        self._fuse.check(AFTER_ORDER)
        return row

    async def query(self, query: Query[Answer], *, account: str = "") -> Answer:
        """See Exchange."""
        if self._fuse.away == "everything":
            raise Closed
        return await self._house.matching.query(query, account=account)

    async def find_request(self, scope: str, request_id: str, *, account: str = "") -> Row | None:
        """See Exchange."""
        return await self._house.matching.find_request(scope, request_id, account=account)


class Past:
    """Closed candles of five minutes, of the only market there is; they outlive the house."""

    def __init__(self, now_ns: Callable[[], int], candles: list[Candle]) -> None:
        self._now_ns = now_ns
        self.candles = candles

    def close(self, ticks: int) -> None:
        """Close the candle before this time at a price."""
        open_at_ns = (self._now_ns() // Interval.M5.ns - 1) * Interval.M5.ns
        self.candles.append(candle(open_at_ns, ticks, Interval.M5))

    async def past_candles(
        self, _symbol: Symbol, _venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """See Candles."""
        await trio.lowlevel.checkpoint()
        return [each for each in self.candles if each.interval is interval][-count:]


def candle(open_at_ns: int, ticks: int, interval: Interval, *, spread: int = 0) -> Candle:
    """A closed candle around one price."""
    return Candle(
        interval=interval,
        open_at_ns=open_at_ns,
        open_ticks=ticks,
        high_ticks=ticks + spread,
        low_ticks=ticks - spread,
        close_ticks=ticks,
        volume_lots=1,
        trades=1,
        simulated_trades=0,
        closed=True,
    )


@attrs.define
class RuleHouse:
    """A running house with rules."""

    exchange: Running
    candles: Past
    rules: Rules
    fuse: Fuse
    records: StrategyRecords
    against: list[str]
    """What stands against the account."""
    paused: list[tuple[Purse, int]]
    """Purses whose strategies were paused, and how many orders were open then."""

    async def ask(self, message: RuleMessage) -> Any:
        """Ask the rules actor."""
        mailbox: Mailbox[Any, Any] = self.rules.mailbox
        return await mailbox.ask(message)

    async def rules_of(self, account: AccountId = ALICE) -> dict[str, Rule]:
        """The rules of an account by name."""
        found = await self.ask(ListRules(account_id=account, before=None, limit=500))
        assert isinstance(found, RulesFound)
        return {rule.name: rule for rule in found.rules}

    async def firings_of(self, name: str) -> list[Firing]:
        """What a rule has fired, oldest first."""
        rule = (await self.rules_of())[name]
        found = await self.ask(
            ListFirings(account_id=ALICE, rule_id=rule.rule_id, before=None, limit=500)
        )
        assert isinstance(found, FiringsFound)
        return list(reversed(found.firings))

    def accepted_ids(self) -> list[str]:
        """Client order ids of rules that the journal has accepted, oldest first."""
        rows = self.exchange.journal.read(1, self.exchange.journal.last_seq)
        return [
            event.client_order_id
            for row in rows
            for event in row.events
            if hasattr(event, "client_order_id")
            and type(event).__name__ == "OrderAccepted"
            and event.client_order_id.startswith("r")
        ]

    async def holdings(self) -> PurseSnapshot:
        """How the purse stands that rules trade."""
        return await self.exchange.matching.query(PurseQuery(GRID))

    async def offer(self, side: Side, price_ticks: int, lots: int, order_id: str) -> None:
        """Bob stands in the book."""
        command = order(Purse("bob/main"), order_id, side, price_ticks, lots)
        await self.exchange.matching.execute(command)


@asynccontextmanager
async def rule_house(
    directory: Path,
    earlier: list[Candle] | None = None,
    open_tables: Callable[[Path], StrategyTables] | None = None,
    health: Health | None = None,
) -> AsyncIterator[RuleHouse]:
    """One life of a house: from its start to its end, on what the last one left behind.

    With ``health`` its rules are run as the daemon runs them: what fails is tried again.
    """
    async with running(directory / "journal.db") as exchange:
        for command in FUNDING:
            await exchange.matching.execute(command)
        tables = (open_tables or _open_tables)(directory / "strategies.db")
        fuse, rules, against = Fuse(), Rules(), list[str]()
        paused: list[tuple[Purse, int]] = []
        records = StrategyRecords(tables, exchange.world.open_lane("strategies"))
        past = Past(exchange.world.now_ns, earlier if earlier is not None else [])
        place = TradingPlace(
            exchange=FragileExchange(exchange, fuse),
            directory=exchange.directory,
            candles=past,
            venue=XACHE,
        )
        entropy = _Entropy(exchange)

        async def impediments(_account: AccountId) -> tuple[str, ...]:
            return tuple(against)

        async def pause_strategies(purse: Purse, _cause: str) -> None:
            held = await exchange.matching.query(PurseQuery(purse))
            paused.append((purse, len(held.orders)))
            await trio.sleep(fuse.pausing_s)

        around = RuleSurroundings(
            records=FragileRecords(records, fuse),
            place_of=lambda _purse: place,
            now_ns=exchange.world.now_ns,
            entropy=entropy.draw,
            impediments=impediments,
            pause_strategies=pause_strategies,
        )

        async def live() -> None:
            try:
                await run_rules(rules, around)
            except* Crashed:
                rules.mailbox.close()

        async with trio.open_nursery() as nursery:
            if health is None:
                nursery.start_soon(live)
            else:
                nursery.start_soon(run_expendable, "rules", live, health, NEVER_GIVEN_UP)
            yield RuleHouse(exchange, past, rules, fuse, records, against, paused)
            nursery.cancel_scope.cancel()
        tables.close()


def _open_tables(path: Path) -> StrategyTables:
    return StrategyTables.open(path, HOUSE_ID)


class _Entropy:
    """Ids that differ from life to life: every simulated world of a test has the same seed."""

    def __init__(self, exchange: Running) -> None:
        self._drawn = exchange.journal.last_seq << 16

    def draw(self, n: int) -> bytes:
        self._drawn += 1
        return self._drawn.to_bytes(n, "big")
