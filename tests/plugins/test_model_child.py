"""A model reaches its strategy's process as a setting, and LightGBM works inside its limits.

Orders bear what it said: TreeSHAP is computed in the process too.
"""

from __future__ import annotations

import dataclasses
import json
import math
import random
from pathlib import Path

import attrs
from xache_sdk.market import Interval
from xache_sdk.models import write_model
from xache_sdk.shelf import Shelf, write_shelf

from tests.plugins.house import (
    ALICE,
    BOB,
    House,
    InstalledPlugins,
    config,
    hand_made_candle,
    let_processes_work,
    open_house,
    robot,
    until,
)
from tests.plugins.test_house_models import NAME, Held, OneModel
from tests.research.learning import learned
from tests.storage.house import MARK_TICKS, SYMBOL
from xached.adapters.child import child_command
from xached.domain.messages import OrderAccepted
from xached.domain.order import Side
from xached.domain.seen import SeenKind
from xached.runtime.world import NS_PER_S


async def test_a_model_is_loaded_in_the_process_of_its_strategy(tmp_path: Path) -> None:
    """Checked with trees that are none: the child failed to start and was never ready."""
    model = dataclasses.replace(learned()[2].model, interval=Interval.M1)
    settings = {"symbol": "BTC-USDT", "models": write_model(model), "budget": "50"}
    trader = config(strategy="lightgbm", settings_json=json.dumps(settings))
    async with open_house(tmp_path) as house:
        house.around = attrs.evolve(house.around, plugins=InstalledPlugins(), command=child_command)
        async with house.running(trader) as strategies:
            await until(lambda: robot(strategies).ready)


async def test_a_model_of_the_house_reaches_it_by_its_name(tmp_path: Path) -> None:
    model = dataclasses.replace(learned()[2].model, interval=Interval.M1)
    held = Held(digest=model.digest, shelf=write_shelf(Shelf([model], {model.digest: 10**19})))
    settings = {"symbol": "BTC-USDT", "models": f"house:{NAME}", "budget": "50"}
    trader = config(strategy="lightgbm", settings_json=json.dumps(settings))
    async with open_house(tmp_path) as house:
        house.around = attrs.evolve(
            house.around, plugins=InstalledPlugins(), command=child_command, models=OneModel(held)
        )
        async with house.running(trader) as strategies:
            await until(lambda: robot(strategies).ready)
            assert robot(strategies).advice == ""


async def test_an_order_says_what_each_feature_added(tmp_path: Path) -> None:
    model = dataclasses.replace(
        learned()[2].model, interval=Interval.S1, labels_end_ns=0, registered_at_ns=0
    )
    settings = {
        "symbol": SYMBOL, "models": write_model(model), "budget": "50",
        "fee_ppm": 0, "half_spread_ppm": 0, "slippage_ppm": 0,
    }  # fmt: skip
    trader = config(strategy="lightgbm", settings_json=json.dumps(settings))
    walk = random.Random(4)
    ticks = MARK_TICKS
    async with open_house(tmp_path) as house:
        house.around = attrs.evolve(house.around, plugins=InstalledPlugins(), command=child_command)
        await house.order(BOB, Side.SELL, 100_000, MARK_TICKS)
        for second in range(100):
            ticks += walk.randrange(-500, 501)
            house.markets.past.append(hand_made_candle(ticks, at_s=second))
        async with house.running(trader) as strategies:
            await until(lambda: robot(strategies).ready and house.markets.readers == 1)
            for second in range(100, 400):
                ticks += walk.randrange(-500, 501)
                house.markets.candle(ticks, closed=True, at_s=second)
                await let_processes_work()
                if robot(strategies).placed:
                    break
            await until(lambda: bool(accepted_of(house)))
            [order] = accepted_of(house)
            found = await house.reasons.find(ALICE, order.order_id, order.client_order_id)
    assert found.reason is not None
    assert found.reason.reason is not None
    said = found.reason.reason.model
    assert said is not None
    assert said.digest == model.digest
    assert {each.feature for each in said.weights} == set(map(str, model.features))
    total = said.base + math.fsum(each.added for each in said.weights)
    assert math.isclose(total, said.score, abs_tol=1e-9)
    [seen] = found.reason.seen
    assert seen.kind is SeenKind.CANDLES
    assert 100 * NS_PER_S < seen.at_ns <= (second + 1) * NS_PER_S


def accepted_of(house: House) -> list[OrderAccepted]:
    """Orders of the strategy that came to be."""
    return [
        event
        for row in house.seen
        for event in row.events
        if isinstance(event, OrderAccepted) and event.purse == ALICE
    ]
