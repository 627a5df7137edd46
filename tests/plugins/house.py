"""A small house for strategies: the real exchange and journal, market data fed by hand."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Sequence,
)
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import attrs
import trio
import xache_sdk

from tests.storage.house import INSTRUMENT, KEY, MARK_TICKS, SYMBOL
from xached.actors.matching import Matching, MatchingActor
from xached.actors.strategies.actor import Strategies, StrategyStatistics, run_strategies
from xached.actors.strategies.explaining import OrderReasons
from xached.actors.strategies.floors import LiveFloor
from xached.actors.strategies.surroundings import StrategyConfig, Surroundings
from xached.adapters.child import MEMORY_BYTES_MAX
from xached.adapters.distributions import Distributions
from xached.domain.candles import Candle, Interval
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.exchange import Exchange
from xached.domain.instrument import Asset, AssetName, Directory, Symbol, unknown_instrument
from xached.domain.market import XACHE, BookTop, Provenance, Source, TapeTrade, Venue
from xached.domain.messages import (
    Command,
    Deposit,
    ListAsset,
    ListInstrument,
    OpenPurse,
    PlaceOrder,
    Row,
    SetMark,
    SetRiskLimits,
)
from xached.domain.order import AccountId, OrderType, Purse, SelfTradePrevention, Side, TimeInForce
from xached.domain.plugins import Admission, Breach, PluginRefused
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.domain.tape import TapeStep
from xached.runtime.supervise import ActorState, ActorStatus, Health
from xached.runtime.topic import Lagged, Subscription, Topic
from xached.runtime.world import NS_PER_S, RealWorld
from xached.simulation.plugins import InstalledByHand
from xached.storage.journal import Journal
from xached.storage.plugin_approvals import OPERATOR
from xached.storage.strategy_states import StrategyStates
from xached.storage.strategy_tables import StrategyRecords, StrategyTables

CHILDREN = Path(__file__).parent / "children"
SDK = Path(xache_sdk.__file__).parents[1]
ALICE = Purse("alice/robot")
BOB = Purse("bob/robot")
EVE = Purse("eve/main")

# A child whose strategies are test files, with the SDK that the tests see: the paths are added
# before anything is imported.
BOOT = """
import sys
sys.path[:0] = sys.argv[1:3]
from xache_sdk.child import main
main(sys.argv[3:])
"""

POLL_S = 0.002
POLLS_MAX = 5_000

Value = TypeVar("Value")


def start_child(entry_point: str) -> Sequence[str]:
    """Start ``module:Class`` of the children directory; a text without colon is a program."""
    if ":" not in entry_point:
        return [sys.executable, "-I", "-c", PROGRAM.format(body=entry_point)]
    return [
        sys.executable, "-I", "-B", "-c", BOOT, str(CHILDREN), str(SDK), "--strategy", entry_point,
        "--parent", str(os.getpid()), "--memory-bytes", str(MEMORY_BYTES_MAX),
    ]  # fmt: skip


PROGRAM = """
import signal, socket, sys
daemon = socket.socket(fileno=int(sys.argv[-1]))
{body}
signal.pause()
"""


def hand_made_candle(close_ticks: int, *, at_s: int = 0, closed: bool = True) -> Candle:
    """A candle of one second."""
    return Candle(
        interval=Interval.S1, open_at_ns=at_s * NS_PER_S, open_ticks=1, high_ticks=close_ticks,
        low_ticks=1, close_ticks=close_ticks, volume_lots=1, trades=1, simulated_trades=0,
        closed=closed,
    )  # fmt: skip


class HandFedMarkets:
    """Market data of one market that a test publishes."""

    def __init__(self) -> None:
        self._trades: Topic[TapeStep] = Topic()
        self._books: Topic[BookTop] = Topic()
        self._candles: Topic[Candle] = Topic()
        self._sequence = 0
        self.past: list[Candle] = []

    @property
    def readers(self) -> int:
        """How many subscriptions there are."""
        topics = (self._trades.statistics(), self._books.statistics(), self._candles.statistics())
        return sum(each.subscribers for each in topics)

    @property
    def tape_readers(self) -> int:
        """How many of them are of the tape."""
        return self._trades.statistics().subscribers

    def trade(self, price_ticks: int = MARK_TICKS, at_ns: int | None = None) -> None:
        """One trade happens; by default at a time of long ago."""
        self._sequence += 1
        trade = TapeTrade(
            symbol=SYMBOL,
            source=Source(XACHE, Provenance.LIVE),
            sequence=self._sequence,
            trade_id=str(self._sequence),
            price_ticks=price_ticks,
            quantity_lots=100,
            taker_side=Side.BUY,
            at_ns=self._sequence if at_ns is None else at_ns,
        )
        self._trades.publish([TapeStep(trades=(trade,), lagged_to=0, reset=False)])

    def book(self, bid_ticks: int) -> None:
        """The book changes."""
        top = BookTop(bids=((bid_ticks, 100),), asks=((bid_ticks + 2, 100),), at_ns=1)
        self._books.publish([top])

    def candle(self, close_ticks: int, *, closed: bool, at_s: int = 0) -> None:
        """A candle changes."""
        self._candles.publish([hand_made_candle(close_ticks, at_s=at_s, closed=closed)])

    def trades(self, symbol: Symbol, venue: Venue) -> AsyncGenerator[TapeStep, None]:
        """See Markets."""
        return _follow(self._trades, symbol, venue)

    def books(self, symbol: Symbol, venue: Venue, depth: int) -> AsyncGenerator[BookTop, None]:
        """See Markets."""
        return _follow(self._books, symbol, venue)

    def candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, from_ns: int
    ) -> AsyncGenerator[Candle, None]:
        """See Markets."""
        return _follow(self._candles, symbol, venue)

    async def past_candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """See Markets."""
        await trio.lowlevel.checkpoint()
        return self.past[-count:]


async def _follow(topic: Topic[Value], symbol: Symbol, venue: Venue) -> AsyncGenerator[Value, None]:
    if (symbol, venue) != (SYMBOL, XACHE):
        raise unknown_instrument(f"{symbol} at {venue}")
    async with topic.subscribe(100_000) as subscription:
        while True:
            for value in await subscription.receive_batch():
                assert not isinstance(value, Lagged)
                yield value


@attrs.define
class House:
    """What a test needs of it."""

    matching: Matching
    markets: HandFedMarkets
    rows: Topic[Row]
    health: Health
    around: Surroundings
    reasons: OrderReasons
    seen: list[Row] = attrs.field(factory=list)
    _asked: int = 0

    async def purse(self, purse: Purse = ALICE) -> PurseSnapshot:
        """How a purse stands."""
        return await self.matching.query(PurseQuery(purse))

    async def order(
        self, purse: Purse, side: Side, lots: int, price_ticks: int, name: str = ""
    ) -> Row:
        """Place a limit order by hand."""
        self._asked += 1
        return await self.matching.execute(
            PlaceOrder(
                purse=purse,
                client_order_id=name or f"hand-{self._asked}",
                symbol=SYMBOL,
                side=side,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                price_ticks=price_ticks,
                quantity_lots=lots,
                quote_units=None,
                post_only=False,
                self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
                expires_at_ns=None,
            )
        )

    def status(self, name: str = "robot") -> ActorStatus:
        """What health says of a strategy, also before it has heard of it."""
        unborn = ActorStatus(name="", vital=False, state=ActorState.RUNNING, restarts=0, failure="")
        known = (each for each in self.health.records() if each.name == f"strategy {name}")
        return next(known, unborn)

    @asynccontextmanager
    async def running(self, *configs: StrategyConfig) -> AsyncIterator[Strategies]:
        """Run strategies until the block ends."""
        strategies = Strategies(configs)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_strategies, strategies, self.around)
            yield strategies
            nursery.cancel_scope.cancel()


def config(
    act: str = "",
    *,
    name: str = "robot",
    strategy: str = "acting:Acting",
    purse: Purse = ALICE,
    settings_json: str = "",
    orders_per_s_max: int = 100,
    capabilities: Capabilities = UNBOUNDED,
) -> StrategyConfig:
    """A strategy that acts; ``strategy`` is what :func:`start_child` starts."""
    return StrategyConfig(
        name=name,
        strategy=strategy,
        purse=purse,
        symbols=(SYMBOL,),
        settings_json=settings_json or json.dumps({"act": act}),
        orders_per_s_max=orders_per_s_max,
        capabilities=capabilities,
    )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that a real process brings about."""
    for _ in range(POLLS_MAX):
        if condition():
            return
        await let_processes_work()
    raise AssertionError("it did not come about")


async def let_processes_work() -> None:
    """Give way for a moment: the clock of the tests stands still, processes do not."""
    await trio.to_thread.run_sync(time.sleep, POLL_S)


def robot(strategies: Strategies, name: str = "robot") -> StrategyStatistics:
    """What one strategy has done."""
    [found] = (each for each in strategies.statistics() if each.name == name)
    return found


async def until_note(strategies: Strategies, note: str, name: str = "robot") -> None:
    """Wait for a strategy to say something."""
    await until(lambda: robot(strategies, name).last_note == note)


@asynccontextmanager
async def open_house(path: Path) -> AsyncIterator[House]:
    """The house, with money for everybody and a market at 50,000 USDT."""
    world = RealWorld()
    matching, rows, directory, health = Matching(1_024), Topic[Row](), Directory(), Health()
    lane = world.open_lane("journal")
    journal = Journal.open(path / "journal.db", KEY, entropy=world.entropy)
    actor = MatchingActor(matching, Exchange(), journal, lane, rows, directory, world.now_ns)
    markets = HandFedMarkets()
    tables = StrategyTables.open(path / "strategies.db", bytes(16))
    strategies_lane = world.open_lane("strategies")
    reasons = OrderReasons(StrategyRecords(tables, strategies_lane))
    around = Surroundings(
        world=world,
        live=LiveFloor(matching, rows, directory),
        paper=LiveFloor(matching, rows, directory),
        markets=markets,
        directory=directory,
        health=health,
        states=StrategyStates(path, world.files),
        reasons=reasons,
        plugins=EveryPlugin(),
        command=start_child,
        sandbox_min=frozenset(),  # Not all machines that run tests have every layer.
    )
    house = House(matching, markets, rows, health, around, reasons)
    async with trio.open_nursery() as nursery, rows.subscribe(100_000) as everything:
        nursery.start_soon(actor.run)
        nursery.start_soon(reasons.run)
        nursery.start_soon(_watch, everything, house.seen)
        for command in _opening():
            await matching.execute(command)
        yield house
        nursery.cancel_scope.cancel()
    strategies_lane.close()
    tables.close()
    lane.close()
    journal.close()


class EveryPlugin:
    """Every name but ``missing`` may run, and is its own entry point."""

    def __init__(self) -> None:
        self.breaches: list[tuple[str, Breach]] = []

    async def admit(self, name: str, *, vouched: bool, owner: AccountId = OPERATOR) -> Admission:
        """See Plugins."""
        await trio.lowlevel.checkpoint()
        if name == "missing":
            raise PluginRefused(f"no strategy {name!r} is installed")
        [plugin] = InstalledByHand((name,)).find()
        return Admission(plugin=plugin, digest="looked at", capabilities=UNBOUNDED, approved=False)

    async def note_breach(self, name: str, breach: Breach, *, owner: AccountId = OPERATOR) -> None:
        """See Plugins."""
        await trio.lowlevel.checkpoint()
        self.breaches.append((name, breach))


class InstalledPlugins(EveryPlugin):
    """Whatever is really installed may run."""

    async def admit(self, name: str, *, vouched: bool, owner: AccountId = OPERATOR) -> Admission:
        """See Plugins."""
        await trio.lowlevel.checkpoint()
        [plugin] = (each for each in Distributions().find() if each.name == name)
        return Admission(plugin=plugin, digest="looked at", capabilities=UNBOUNDED, approved=False)


async def _watch(everything: Subscription[Row], seen: list[Row]) -> None:
    async for row in everything:
        assert not isinstance(row, Lagged)
        seen.append(row)


def _opening() -> list[Command]:
    commands: list[Command] = [
        ListAsset(asset=Asset(AssetName("BTC"), 8), request_id="btc"),
        ListAsset(asset=Asset(AssetName("USDT"), 6), request_id="usdt"),
        ListInstrument(instrument=INSTRUMENT, request_id="market"),
        SetRiskLimits(
            purse=None,
            max_open_orders=200,
            max_order_notional_units=((AssetName("USDT"), 10**14),),
            request_id="limits",
        ),
        SetMark(symbol=SYMBOL, price_ticks=MARK_TICKS, source="TEST", request_id="mark"),
    ]
    for purse in (ALICE, BOB, EVE):
        name = purse.partition("/")[0]
        commands.append(OpenPurse(purse=purse, simulated=False, request_id=f"open-{name}"))
        commands += [
            Deposit(
                purse=purse,
                asset=AssetName(asset),
                amount_units=units,
                request_id=f"fund-{name}-{asset}",
            )
            for asset, units in (("BTC", 10**9), ("USDT", 10**11))
        ]
    return commands
