"""What a strategy is told to have gained is its own: not that of who had its purse before.

Checked: where nothing is taken off, the second one begins with what the first one gained; where
nothing is noted at the end, what was not realised by then is a loss of the next life.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from tests.plugins.house import House, open_house, until
from tests.plugins.test_strategy_desk import (
    NAME,
    OWNER,
    Desk,
    desk_of,
    draft,
    to_paper,
)
from tests.storage.house import SYMBOL
from xached.actors.risk import RiskWatch
from xached.domain.messages import SetMark
from xached.domain.order import BUY, SELL, Purse
from xached.domain.queries import RiskQuery
from xached.domain.risk_bounds import RiskState, purse_scope
from xached.domain.strategy_life import ACKNOWLEDGEMENT, Stage
from xached.runtime.steady_clock import SteadyClock


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


async def go_live_and_buy(on: Desk, house: House) -> None:
    """Let it live, and buy 0.001 of what is worth 50,000 for 49,000: a gain of almost 1 USDT."""
    purse = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy.purse
    await on.until_open(purse, 1)
    [order] = (await house.purse(purse)).orders
    assert order.price_ticks is not None
    await house.order(
        Purse("bob/robot"), order.side.opposite, order.quantity_lots, order.price_ticks
    )
    await until(lambda: on.strategies.statistics()[0].open_orders == 0)


async def live_profit(on: Desk) -> int:
    """What it is told to have gained with money, in units."""
    _, stages = await on.desk.performance(OWNER, NAME)
    [told] = [each for each in stages if each.stage is Stage.LIVE]
    return told.whole.profit_units


async def realise(on: Desk, house: House) -> None:
    """Sell what it has bought a little higher: the gain stays with the purse."""
    purse = (await on.desk.get(OWNER, NAME)).strategy.live_purse
    [position] = (await house.purse(purse)).positions.values()
    price_ticks = position.cost_units // position.quantity_lots * 101 // 1_000 * 10
    await house.order(Purse("bob/robot"), BUY, position.quantity_lots, price_ticks)
    await house.order(purse, SELL, position.quantity_lots, price_ticks)
    [position] = (await house.purse(purse)).positions.values()
    assert (position.quantity_lots, position.realised_units > 0) == (0, True)


async def test_a_new_one_of_the_name_begins_with_no_profit(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        await go_live_and_buy(on, house)
        await realise(on, house)
        await on.desk._look()
        assert await live_profit(on) > 0
        await on.desk.revoke(OWNER, NAME)
        await on.desk.create(draft())
        await on.desk.start(OWNER, NAME)
        await on.until_ready()
        await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        await on.until_ready()
        await on.desk._look()
        assert await live_profit(on) == 0


async def test_what_was_not_realised_is_no_loss_of_the_next_life(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            await go_live_and_buy(on, house)
            await on.desk.stop(OWNER, NAME)
            gained = await live_profit(on)
            assert 0 < gained < 10**6, "less the fee; also where nobody looked in between"
            await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
            await on.until_ready()
            await on.desk._look()
            assert await live_profit(on) == gained
        async with desk_of(house) as on:
            await on.until_ready()
            await on.desk._look()
            assert await live_profit(on) == gained, "also after a restart"


async def test_each_life_has_its_own_limit_of_loss(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: where it is not measured anew, the second one may not buy before it has begun."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        watch, steady = RiskWatch(), SteadyClock(house.around.world)
        await on.desk.create(draft(loss_limit_units=10**6))
        await on.desk.start(OWNER, NAME)
        await on.until_open((await on.desk.get(OWNER, NAME)).strategy.purse, 1)
        await go_live_and_buy(on, house)
        scope = purse_scope((await on.desk.get(OWNER, NAME)).strategy.purse)

        async def state() -> RiskState | None:
            await watch.round(house.matching, (), steady)
            told = await house.matching.query(RiskQuery())
            found = [entry.state for where, _, entry in told.states if where == scope]
            return found[0] if found else None

        assert await state() in (None, RiskState.ACTIVE)
        lower = SetMark(symbol=SYMBOL, price_ticks=450_000, source="TEST", request_id="lower")
        await house.matching.execute(lower)
        assert await state() is RiskState.REDUCING, "it has lost 4 USDT of the 1 that it may lose"
        await on.desk.pause(OWNER, NAME)
        await on.desk.resume(OWNER, NAME)
        assert await state() is RiskState.REDUCING, "who pauses it lifts nothing"
        await on.desk.revoke(OWNER, NAME)
        await on.desk.create(draft(loss_limit_units=10**6))
        await on.desk.start(OWNER, NAME)
        assert await state() is RiskState.REDUCING
        await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        assert await state() in (None, RiskState.ACTIVE)
