"""A strategy on paper trades the paper exchange under the names it knows from the house.

Checked by taking the translation of commands, symbols or assets out of ``PaperFloor``: the order is
refused as of an unknown market, or the strategy is told of money that it does not know. Without the
interruption of the rows at a restart of paper, the run goes on with orders that nobody minds.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.paper_venue import BTC, PAPER_SYMBOL, USDT, PaperRun, paper_run
from tests.plugins.house import (
    EveryPlugin,
    HandFedMarkets,
    config,
    let_processes_work,
    robot,
    start_child,
    until,
)
from tests.storage.house import INSTRUMENT
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.explaining import OrderReasons
from xached.actors.strategies.floors import LiveFloor, PaperFloor
from xached.actors.strategies.surroundings import Grant, StrategyConfig, Surroundings
from xached.domain.instrument import Asset, AssetName, Directory
from xached.domain.order import Purse, Side
from xached.domain.queries import PurseQuery
from xached.runtime.supervise import Health
from xached.runtime.world import RealWorld
from xached.storage.strategy_states import StrategyStates
from xached.storage.strategy_tables import StrategyRecords, StrategyTables

ROBOT = Purse("alice/paper-robot")
OPENING = 5_000
PRICE_TICKS = 490_000
LOTS = 100
"""What the acting strategy bids at its start: 0.001."""


@attrs.define
class PaperStrategies:
    """Strategies on a paper exchange."""

    paper: PaperRun
    around: Surroundings
    strategies: Strategies
    markets: HandFedMarkets
    health: Health

    def note(self) -> str:
        """What the strategy said last."""
        return robot(self.strategies).last_note


@asynccontextmanager
async def strategies_on_paper(
    path: Path, clock: trio.testing.MockClock, config: StrategyConfig
) -> AsyncIterator[PaperStrategies]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_let_time_pass, clock)
        async with paper_run(path) as paper:
            world, real, health = RealWorld(), Directory(), Health()
            real.list_asset(Asset(AssetName("BTC"), 8))
            real.list_asset(Asset(AssetName("USDT"), 6))
            real.list_instrument(INSTRUMENT)
            house, markets = paper.house, HandFedMarkets()
            paper.venue.level(Side.SELL, PRICE_TICKS + 100, LOTS)
            paper.venue.trade(Side.BUY, PRICE_TICKS + 100, LOTS)
            tables = StrategyTables.open(path / "strategies.db", bytes(16))
            lane = world.open_lane("strategies")
            around = Surroundings(
                world=world,
                live=LiveFloor(house.matching, house.rows, real),
                paper=PaperFloor(house.matching, house.rows, house.directory, real, OPENING),
                reasons=OrderReasons(StrategyRecords(tables, lane)),
                markets=markets,
                directory=real,
                health=health,
                states=StrategyStates(path, world.files),
                plugins=EveryPlugin(),
                command=start_child,
                sandbox_min=frozenset(),
            )
            strategies = Strategies([config])
            async with trio.open_nursery() as running:
                running.start_soon(run_strategies, strategies, around)
                yield PaperStrategies(paper, around, strategies, markets, health)
                # Its last word is for the exchange, which goes on meanwhile.
                running.cancel_scope.cancel()
        lane.close()
        tables.close()
        nursery.cancel_scope.cancel()


async def _let_time_pass(clock: trio.testing.MockClock) -> None:
    while True:
        await let_processes_work()
        clock.jump(0.01)


async def until_said(on: PaperStrategies, note: str) -> None:
    for _ in range(5_000):
        if on.note() == note:
            return
        await let_processes_work()
    raise AssertionError(f"it said {on.note()!r}, not {note!r}: {on.health.records()}")


def paper_config(act: str = "position", **terms: object) -> StrategyConfig:
    plain = config(settings_json=json.dumps({"act": act}), purse=ROBOT)
    return attrs.evolve(plain, **terms)  # type: ignore[arg-type]  # fields by name


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Time passes while processes work, and not otherwise."""
    return mock_clock


async def test_it_sees_the_names_of_the_house_and_trades_the_venue(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with strategies_on_paper(tmp_path, clock, paper_config()) as on:
        await until_said(on, "0.00000 0 0 1")
        [order] = (await on.paper.orders(ROBOT)).values()
        assert (order.symbol, order.price_ticks) == (PAPER_SYMBOL, PRICE_TICKS)
        on.paper.venue.trade(Side.SELL, PRICE_TICKS - 1, LOTS)
        # Position, what it cost, what it owns of the base, and open orders.
        await until_said(on, "0.00100 49 0.001 0")
        purse = await on.paper.house.matching.query(PurseQuery(ROBOT))
        assert purse.balances[BTC].available == LOTS * INSTRUMENT.lot_units
        assert purse.balances[USDT].available == (OPENING - 49) * 10**6


async def test_a_budget_is_all_the_play_money_it_has(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    grant = Grant(
        grant_id="g", asset=AssetName("USDT"), amount_units=70 * 10**6, loss_limit_units=10**6
    )
    async with strategies_on_paper(tmp_path, clock, paper_config(grant=grant)) as on:
        await until_said(on, "0.00000 0 0 1")
        purse = await on.paper.house.matching.query(PurseQuery(ROBOT))
        funds = purse.balances[USDT]
        assert funds.available + funds.held == 70 * 10**6


async def test_orders_by_hand_and_cancels_of_a_market_are_understood(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with strategies_on_paper(tmp_path, clock, paper_config("cancel")) as on:
        await until_said(on, "first OPEN  0")
        on.markets.trade()
        await until_said(on, "first CANCELED USER 0")
        assert await on.paper.orders(ROBOT) == {}


async def test_when_paper_starts_again_so_does_the_strategy(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with strategies_on_paper(tmp_path, clock, paper_config()) as on:
        await until_said(on, "0.00000 0 0 1")
        first_run = robot(on.strategies).run_id
        on.paper.stop_serving()
        await until(lambda: on.paper.house.exchange is None)
        on.paper.serve_again()
        await until(lambda: robot(on.strategies).run_id not in {"", first_run})
        second = robot(on.strategies).run_id
        while [each[: len(second)] for each in await on.paper.orders(ROBOT)] != [second]:
            assert robot(on.strategies).run_id == second
            await let_processes_work()


def test_paper_is_what_the_purse_says() -> None:
    assert paper_config().paper
    assert not config().paper
