"""What holds a place at the desk, and for how long: runs, paper purses, days on paper."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import EVE, EveryPlugin, let_processes_work, open_house
from tests.plugins.test_strategy_desk import (
    BUDGET,
    MAIN_BEFORE,
    NAME,
    OWNER,
    changed,
    desk_of,
    draft,
    refused,
    to_paper,
)
from xached.actors.strategies.desk import DeskBounds
from xached.domain.order import AccountId, Purse
from xached.domain.plugins import Admission, PluginRefused
from xached.domain.portfolio import Holdings
from xached.domain.rejection import Reason
from xached.domain.strategy_life import ACKNOWLEDGEMENT, Stage, Wish
from xached.runtime.supervise import Health
from xached.storage.plugin_approvals import OPERATOR
from xached.storage.strategy_book import note_failure, note_predicts


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


@pytest.mark.parametrize(
    "terms", [{"settings_json": '{"act": 1, "nonsense": 2}'}, {"plugin": "nowhere:Nothing"}]
)
async def test_one_that_is_down_holds_no_place(
    clock: trio.testing.MockClock, tmp_path: Path, terms: dict[str, str]
) -> None:
    """Checked: without the look at those that are down the other cannot be started, ever."""
    bounds = DeskBounds(running_max=1)
    async with open_house(tmp_path) as house, desk_of(house, bounds=bounds) as on:
        await on.desk.create(draft(**terms))
        await on.desk.start(OWNER, NAME)
        await on.desk.create(draft(name="other"))
        assert (await refused(on.desk.start(OWNER, "other"))).reason is Reason.STRATEGIES_FULL
        while not (failure := (await on.desk.get(OWNER, NAME)).failure):
            await let_processes_work()
        for _ in range(100):  # Runs and the pauses between them, where it has more than one.
            clock.jump(10)
            for _ in range(5):
                await let_processes_work()
            await on.desk._look()
            if (await on.desk.get(OWNER, NAME)).strategy.wish is not Wish.RUNNING:
                break
        seen = await on.desk.get(OWNER, NAME)
        assert (seen.strategy.stage, seen.strategy.wish) == (Stage.PAPER, Wish.PAUSED)
        assert (seen.running, seen.failure) == (None, failure)
        await on.desk.start(OWNER, "other")
        await on.until_ready("other")
        await on.desk._look()
        assert (await on.desk.get(OWNER, "other")).strategy.wish is Wish.RUNNING
        await on.desk.pause(OWNER, "other")
        assert (await on.desk.resume(OWNER, NAME)).strategy.wish is Wish.RUNNING


async def test_why_one_has_failed_is_known_after_a_restart(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without the column, and without the note of it, the next house says nothing."""
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await on.desk.create(draft(settings_json='{"act": 1, "nonsense": 2}'))
            await on.desk.start(OWNER, NAME)
            while not (failure := (await on.desk.get(OWNER, NAME)).failure):
                await let_processes_work()
            strategy = (await on.desk.get(OWNER, NAME)).strategy
            noted = await on.desk._note_failure(strategy)
            assert (await on.desk.get(OWNER, NAME)).strategy == noted
            await on.desk._look()
            assert (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.PAUSED
        house.around = attrs.evolve(house.around, health=Health())
        async with desk_of(house) as on:
            seen = await on.desk.get(OWNER, NAME)
            assert (seen.running, seen.failure) == (None, failure)
            await on.desk.stop(OWNER, NAME)
            assert (await on.desk.get(OWNER, NAME)).failure == "", "its owner has seen to it"


async def test_a_failure_is_not_noted_over_what_its_owner_did_meanwhile(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        before = (await to_paper(on)).strategy
        await on.desk.pause(OWNER, NAME)
        note = partial(note_failure, strategy=before, failure="late")
        await on.desk._records.write(note)
        seen = await on.desk.get(OWNER, NAME)
        assert (seen.strategy.wish, seen.failure) == (Wish.PAUSED, "")


class Locked(EveryPlugin):
    """Plugins that the operator may lock up."""

    def __init__(self) -> None:
        super().__init__()
        self.locked = False

    async def admit(self, name: str, *, vouched: bool, owner: AccountId = OPERATOR) -> Admission:
        """See Plugins."""
        if self.locked:
            await trio.lowlevel.checkpoint()
            raise PluginRefused("it is in quarantine")
        return await super().admit(name, vouched=vouched, owner=owner)


@pytest.mark.parametrize("has_run", [False, True])
async def test_one_whose_plugin_is_locked_up_keeps_its_place_if_it_has_run(
    clock: trio.testing.MockClock, tmp_path: Path, has_run: bool
) -> None:
    """Checked: where both are paused, people's strategies do not go on after a quarantine; where
    neither is, one whose plugin is nowhere has its place for ever.
    """
    async with open_house(tmp_path) as house:
        plugins = Locked()
        house.around = attrs.evolve(house.around, plugins=plugins)
        async with desk_of(house) as on:
            await on.desk.create(draft())
            plugins.locked = not has_run
            await on.desk.start(OWNER, NAME)
            if has_run:
                await on.until_ready()
                await on.desk._look()
                plugins.locked = True
                on.strategies.withdraw("acting:Acting", "it is in quarantine")
            while "quarantine" not in (await on.desk.get(OWNER, NAME)).failure:
                clock.jump(1)
                await let_processes_work()
            await on.desk._look()
            wish = (await on.desk.get(OWNER, NAME)).strategy.wish
            assert wish is (Wish.RUNNING if has_run else Wish.PAUSED)
            plugins.locked = False
            on.strategies.admit("acting:Acting")
            if has_run:
                await on.until_ready()


async def test_a_house_that_closes_pauses_nobody(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: with every run that is over counted as down, it is paused after the restart."""
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            await on.desk._look()
            on.strategies.stop_all("the house is closing")
            while (await on.desk.get(OWNER, NAME)).running.ready:  # type: ignore[union-attr] # it is there
                await let_processes_work()
            await on.desk._look()
        async with desk_of(house) as on:
            assert (await on.until_ready()).strategy.wish is Wish.RUNNING


async def test_what_was_seen_of_one_edition_is_not_kept_of_the_next(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """It is changed, or its owner leaves, while its profit is asked for.

    Checked: without the look at the edition a day on paper is written for the new one, and rows
    of an account that has left.
    """
    async with open_house(tmp_path) as house, desk_of(house) as on:
        seen = await to_paper(on)
        valued, records = on.desk._valued, house.reasons._records

        async def changed_meanwhile(purse: Purse) -> Holdings:
            await on.desk.pause(OWNER, NAME)
            await on.desk.change(OWNER, NAME, changed(settings_json="{}"))
            return await valued(purse)

        on.desk._valued = changed_meanwhile
        await on.desk._look()
        new = await on.desk.get(OWNER, NAME)
        assert (new.strategy.edition, new.evidence.paper_days) == (2, 0)
        await records.write(partial(note_predicts, strategy=seen.strategy, predicts=False))
        assert (await on.desk.get(OWNER, NAME)).strategy.predicts is None

        async def left_meanwhile(purse: Purse) -> Holdings:
            await on.desk.forget(OWNER)
            return await valued(purse)

        await on.desk.resume(OWNER, NAME)
        await on.until_ready()
        on.desk._valued = left_meanwhile
        await on.desk._look()
        assert await records.rows_of(OWNER, "strategy_days", 0, 1) == []


async def test_a_name_has_so_many_paper_purses(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: with another id for each new one there is no end of purses."""
    monkeypatch.setattr("xached.domain.strategy_life.EDITIONS_MAX", 2)
    async with open_house(tmp_path) as house, desk_of(house) as on:
        first = await to_paper(on)
        await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        await on.desk.revoke(OWNER, NAME)
        second = await to_paper(on)
        assert second.strategy.strategy_id == first.strategy.strategy_id
        assert second.strategy.purse != first.strategy.purse
        live = await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        assert await on.funds(live.strategy.purse) == BUDGET
        await on.desk.revoke(OWNER, NAME)
        assert await on.funds(EVE) == MAIN_BEFORE
        assert (await refused(on.desk.create(draft()))).reason is Reason.STRATEGIES_FULL
