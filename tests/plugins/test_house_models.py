"""Models of the house in its strategies: waited for, the newest, and nothing bought on advice.

Checked by breaking: without the rule in ``Gate`` the purchase was placed, and without the end of a
run at a newer model the second run never came.
"""

from __future__ import annotations

import json
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import House, config, open_house, robot, until, until_note
from tests.plugins.test_capabilities import gate_that, place, replace
from tests.plugins.test_strategies import until_open
from tests.storage.house import MARK_TICKS
from xached.actors.strategies.house_models import NO_MODELS, TradedModel, model_name, with_model
from xached.actors.strategies.surroundings import StrategyConfig
from xached.domain.capabilities import UNBOUNDED, CapabilityRule
from xached.domain.order import Side
from xached.runtime.supervise import ActorState

NAME = "btc-15m"


@attrs.frozen
class Held:
    """A model in force."""

    digest: str = "a" * 64
    advice: str = ""
    shelf: str = "the first"


class OneModel:
    """A house that trains one name."""

    def __init__(self, held: Held | None) -> None:
        self._held = held
        self._changed = trio.Event()

    def knows(self, name: str) -> bool:
        """See Models."""
        return name == NAME

    def in_force(self, name: str) -> Held | None:
        """See Models."""
        assert name == NAME
        return self._held

    async def wait_changed(self) -> None:
        """See Models."""
        await self._changed.wait()

    def hold(self, held: Held | None) -> None:
        """Something is known anew."""
        self._held = held
        changed, self._changed = self._changed, trio.Event()
        changed.set()


def with_models(house: House, models: OneModel) -> None:
    """Let the house have these."""
    house.around = attrs.evolve(house.around, models=models)


def trader(act: str = "") -> StrategyConfig:
    """A strategy that trades the model; its ``act`` is the shelf, to see which it was given."""
    return config(strategy="modelled:Modelled", settings_json=json.dumps(
        {"act": act, "models": f"house:{NAME}"}
    ))  # fmt: skip


async def test_it_waits_for_the_first_model_and_begins_again_with_a_newer_one(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_house(tmp_path) as house:
        models = OneModel(None)
        with_models(house, models)
        async with house.running(trader()) as strategies:
            await until(lambda: bool(robot(strategies).advice))
            assert robot(strategies).advice == f"it waits for the first model {NAME!r}"
            assert robot(strategies).runs == 0
            models.hold(Held())
            await until_note(strategies, "models: the first")
            assert robot(strategies).advice == ""
            models.hold(Held(digest="b" * 64, shelf="the second"))
            await until_note(strategies, "models: the second")
            assert robot(strategies).runs == 2
            assert house.status().restarts == 0, "that was no failure"


async def test_while_it_only_advises_nothing_is_bought_and_everything_may_be_sold(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_house(tmp_path) as house:
        models = OneModel(Held())
        with_models(house, models)
        async with house.running(trader("buy and sell")) as strategies:
            await until_note(strategies, "models: the first")
            await until_open(house, "first")
            models.hold(Held(advice="probabilities no longer come true"))
            # What was open to buy is cancelled.
            await until_open(house)
            assert robot(strategies).advice == "probabilities no longer come true"
            await until(lambda: house.markets.readers == 1)
            house.markets.trade()
            await until_note(strategies, "buy MODEL_ADVISES, sell open")
            assert robot(strategies).beyond == 1
            [order] = (await house.purse()).orders
            assert order.side is Side.SELL
            assert house.status().restarts == 0


async def test_a_model_that_nobody_trains_ends_it_for_good(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_house(tmp_path) as house, house.running(trader()):
        await until(lambda: house.status().state is ActorState.FAILED)
        assert "trains no model 'btc-15m'" in house.status().failure


async def test_it_can_be_stopped_while_it_waits(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with open_house(tmp_path) as house:
        with_models(house, OneModel(None))
        async with house.running(trader()) as strategies:
            await until(lambda: bool(robot(strategies).advice))
            strategies.stop("robot", "enough")
            await until(lambda: house.status().state is ActorState.STOPPED)


def test_who_advises_may_sell_and_make_orders_smaller() -> None:
    advises = False
    gate = gate_that(UNBOUNDED, lambda: advises)
    assert gate.refuse_command(place("before")) is None
    advises = True
    assert gate.refuse_command(place("b")) is CapabilityRule.MODEL_ADVISES
    assert gate.refuse_command(replace("before", "more", lots=2)) is CapabilityRule.MODEL_ADVISES
    assert gate.refuse_command(place("c", side=Side.SELL)) is None
    assert gate.refuse_command(replace("c", "d", price_ticks=MARK_TICKS)) is None
    assert gate.purchases() == ["before"]


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ('{"models": "house:btc-15m"}', NAME),
        ('{"models": "{}"}', ""),
        ('{"models": 3}', ""),
        ("{}", ""),
        ("[]", ""),
        ("no json", ""),
    ],
)
def test_settings_name_a_model_or_bring_their_own(settings: str, name: str) -> None:
    assert model_name(settings) == name


def test_the_name_gives_way_to_the_model() -> None:
    told = with_model('{"models": "house:btc-15m", "budget": "5"}', Held(shelf="text"))
    assert json.loads(told) == {"models": "text", "budget": "5"}


def test_what_is_not_known_may_not_buy() -> None:
    assert TradedModel(NO_MODELS, NAME, "a" * 64).advice == "there is no model"
    other = OneModel(Held(digest="b" * 64))
    assert TradedModel(other, NAME, "a" * 64).advice == "a newer model is in force"
    assert TradedModel(other, NAME, "b" * 64).advice == ""
