"""A model reaches its strategy's process as a setting, and LightGBM works inside its limits."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import attrs
from xache_sdk.market import Interval
from xache_sdk.models import write_model
from xache_sdk.shelf import Shelf, write_shelf

from tests.plugins.house import InstalledPlugins, config, open_house, robot, until
from tests.plugins.test_house_models import NAME, Held, OneModel
from tests.research.learning import learned
from xached.adapters.child import child_command


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
