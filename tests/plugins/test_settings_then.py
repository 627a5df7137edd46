"""Settings as they were when an order was placed: whatever was changed, restarted or revoked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import trio.testing

from tests.plugins.house import House, open_house, until_note
from tests.plugins.test_explaining import InlineLane, open_tables
from tests.plugins.test_house_models import Held, OneModel, trader, with_models
from tests.plugins.test_strategies import until_open
from tests.plugins.test_strategy_desk import NAME, OWNER, changed, clock, desk_of, to_paper
from xached.actors.strategies.explaining import OrderReasons
from xached.actors.strategies.house_models import with_model
from xached.actors.strategies.keeping import readable_settings
from xached.domain.messages import OrderAccepted
from xached.domain.order import OrderId, Purse
from xached.domain.strategy_life import SETTINGS_BYTES_MAX
from xached.storage.strategy_tables import StrategyRecords

__all__ = ("clock",)  # a fixture

OLD, NEW = json.dumps({"act": ""}), json.dumps({"act": "", "quantity": "0.002"})


def placed_in(house: House, purse: Purse) -> tuple[Purse, OrderId, str]:
    """The only order of a purse, as one asks for it."""
    [accepted] = (
        event
        for row in house.seen
        for event in row.events
        if isinstance(event, OrderAccepted) and event.purse == purse
    )
    return purse, accepted.order_id, accepted.client_order_id


def bytes_of(path: Path) -> bytes:
    """All that the file and its log hold."""
    return b"".join(each.read_bytes() for each in path.glob("strategies.db*"))


async def settings_of(reasons: OrderReasons, order: tuple[Purse, OrderId, str]) -> str:
    run = (await reasons.find(*order)).run
    assert run is not None
    return run.settings_json


async def test_each_order_has_the_settings_that_it_was_placed_with(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by telling the strategy's settings of now: both orders have the new ones."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        first = (await to_paper(on)).strategy.purse
        await on.desk.pause(OWNER, NAME)
        second = (await on.desk.change(OWNER, NAME, changed(settings_json=NEW))).strategy.purse
        await on.desk.resume(OWNER, NAME)
        await on.until_open(second, 1)
        orders = [placed_in(house, purse) for purse in (first, second)]
        assert [await settings_of(house.reasons, each) for each in orders] == [OLD, NEW]
        await on.desk.revoke(OWNER, NAME)
        assert [await settings_of(house.reasons, each) for each in orders] == [OLD, NEW]
    tables = open_tables(tmp_path)  # As the next start of the house does.
    reasons = OrderReasons(StrategyRecords(tables, InlineLane()))
    assert [await settings_of(reasons, each) for each in orders] == [OLD, NEW]
    assert b"0.002" in bytes_of(tmp_path)
    tables.forget(OWNER)
    assert [(await reasons.find(*each)).run for each in orders] == [None, None]
    tables.close()
    assert b"0.002" not in bytes_of(tmp_path), "not in the log either"


async def test_a_model_of_the_house_stands_by_its_name(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by keeping what the process is told: the text of the model is among it."""
    async with open_house(tmp_path) as house:
        with_models(house, OneModel(Held()))
        seat = trader("buy and sell")
        async with house.running(seat) as strategies:
            await until_note(strategies, "models: the first")
            await until_open(house, "first")
            run = (await house.reasons.find(*placed_in(house, seat.purse))).run
    assert run is not None
    assert run.settings_json == seat.settings_json
    told = with_model(seat.settings_json, Held())
    assert run.settings_digest == hashlib.sha256(told.encode()).hexdigest()


def test_what_a_person_may_give_is_kept_as_it_is() -> None:
    longest = json.dumps({"text": "x" * (SETTINGS_BYTES_MAX - len('{"text": ""}'))})
    assert len(longest) == SETTINGS_BYTES_MAX
    assert readable_settings(longest) == longest
    assert readable_settings("{}") == "{}"


def test_of_an_operator_s_files_the_digests_are_kept() -> None:
    text, table = "x" * SETTINGS_BYTES_MAX, {"y": "z" * 2_000}
    written = json.dumps({"fast": 5, "model": text, "table": table, "symbols": ["BTC-USDT"]})
    digests = [hashlib.sha256(each.encode()).hexdigest() for each in (text, json.dumps(table))]
    assert json.loads(readable_settings(written)) == {
        "fast": 5,
        "model": f"64,000 characters, sha256 {digests[0]}",
        "table": f"2,009 characters, sha256 {digests[1]}",
        "symbols": ["BTC-USDT"],
    }
