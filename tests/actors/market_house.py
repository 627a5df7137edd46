"""What surrounds the market actor in tests: an exchange with real rows, and feeds on command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio
import trio.testing

from tests.domain.market_values import BTC
from tests.storage.house import House
from xached.actors.market.actor import MarketFeed, Publish, run_market
from xached.actors.market.data import MarketData
from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE, BestQuote, FeedReset, Provenance, Venue
from xached.domain.messages import Row
from xached.domain.own_market import OwnMarketSnapshot
from xached.domain.queries import OwnMarketQuery
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import Health, Restart
from xached.runtime.topic import Topic
from xached.runtime.world import EPOCH_NS, NS_PER_S, SimulatedWorld
from xached.storage.candles import CandleStore

ROWS_AT_ONCE = 100


class RowsExchange:
    """An exchange that hands out its state and its rows as the matching actor does."""

    def __init__(self, seed: int) -> None:
        # What readers are shown is simpler to follow where orders never cross.
        self.house = House(seed, auctions=False)
        self.journal: list[Row] = []
        self.topic: Topic[Row] = Topic()
        self.reads = 0
        self.read_s = 0.0
        """How long one read of the journal takes."""
        self.busy_rows = 0
        """Rows that are journaled while somebody waits for a snapshot; it contains them."""
        self.refusals = 0
        """How many of the next questions find it too busy."""
        self._at_ns = 0

    def trade(self, count: int) -> list[Row]:
        """Let people trade, and publish what is journaled."""
        rows = [attrs.evolve(row, at_ns=self._next_ns()) for row in self.house.rows(count)]
        self.journal += rows
        self.topic.publish(rows)
        return rows

    def _next_ns(self) -> int:
        """Now, as the matching actor dates rows: never the same twice."""
        self._at_ns = max(self._at_ns + 1, EPOCH_NS + round(trio.current_time() * NS_PER_S))
        return self._at_ns

    async def own_market(self) -> OwnMarketSnapshot:
        """See Exchange."""
        await self._be_asked()
        self.trade(self.busy_rows)
        return OwnMarketQuery().read(self.house.exchange.state, self.house.seq)

    async def rows(self, first: int, last: int) -> Sequence[Row]:
        """See Exchange."""
        await self._be_asked()
        await trio.sleep(self.read_s)
        self.reads += 1
        return self.journal[first - 1 : min(last, first + ROWS_AT_ONCE - 1)]

    async def _be_asked(self) -> None:
        await trio.lowlevel.checkpoint()
        if self.refusals:
            self.refusals -= 1
            raise Overloaded


class CommandedFeed:
    """A feed that publishes what the test gives it."""

    name: str = "feed BINANCE"
    restart: Restart = Restart()
    venue: Venue = BINANCE
    symbols: tuple[Symbol, ...] = (BTC.symbol,)

    def __init__(self, provenance: Provenance = Provenance.LIVE) -> None:
        self.provenance = provenance
        self.publish: Publish = lambda _: ()

    def statistics(self) -> object:
        """See MarketFeed."""
        return self

    async def run(self, publish: Publish) -> None:
        """See MarketFeed."""
        self.publish = publish
        publish([FeedReset(symbol=BTC.symbol, at_ns=0, cause="test")])
        await trio.sleep_forever()


def quote(bid_ticks: int, ask_ticks: int, last_id: int = 1) -> BestQuote:
    """A best bid and ask of one lot each."""
    return BestQuote(
        symbol=BTC.symbol,
        last_id=last_id,
        bid_ticks=bid_ticks,
        bid_lots=1,
        ask_ticks=ask_ticks,
        ask_lots=1,
        at_ns=0,
    )


@attrs.define(eq=False)
class Running:
    """A market actor that runs."""

    data: MarketData
    world: SimulatedWorld
    exchange: RowsExchange
    feed: CommandedFeed
    marks: list[tuple[float, int]]
    mark_error: list[Exception]
    health: Health


@asynccontextmanager
async def running(
    path: Path,
    exchange: RowsExchange,
    *,
    data: MarketData | None = None,
    feed: CommandedFeed | None = None,
    others: Sequence[MarketFeed] = (),
    mark_venue: Venue = BINANCE,
) -> AsyncIterator[Running]:
    """Run the actor over a market.db until the block is left, as a killed process would end."""
    world = SimulatedWorld(1)
    house = Running(
        data or MarketData(world),
        world,
        exchange,
        feed or CommandedFeed(),
        marks=[],
        mark_error=[],
        health=Health(),
    )

    async def set_mark(symbol: Symbol, price_ticks: int, source: str) -> None:
        assert (symbol, source) == (BTC.symbol, mark_venue)
        await trio.lowlevel.checkpoint()
        if house.mark_error:
            raise house.mark_error.pop()
        house.marks.append((trio.current_time(), price_ticks))

    store = CandleStore(path / "market.db")
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            await run_market(
                house.data,
                world=world,
                exchange=exchange,
                rows=exchange.topic,
                feeds=[house.feed, *others],
                store=store,
                set_mark=set_mark,
                mark_venue=mark_venue,
                health=house.health,
            )

        nursery.start_soon(run)
        await house.data.wait_ready()
        await trio.testing.wait_all_tasks_blocked()
        yield house
        nursery.cancel_scope.cancel()
    store.close()
