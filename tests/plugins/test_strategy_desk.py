"""The desk of strategies: real processes, the real exchange, and a house that may be killed.

Checked by leaving out: the intention that is written before anything is done (a killed house
forgets that a strategy is live), the fixed request id of a grant (the budget is given twice), the
settling in ``restore`` (what a stopped strategy had stays in its purse), the comparison of the
sentence (any text lets a strategy live), and the account in ``find_strategy`` (others' are found).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests.actors.test_matching import order
from tests.plugins.house import EVE, House, let_processes_work, open_house, until
from tests.storage.house import SYMBOL
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.desk import (
    DeskBounds,
    Seen,
    StrategyDesk,
)
from xached.actors.strategies.floors import LiveFloor
from xached.actors.strategies.measuring import measure_anew
from xached.actors.strategies.standing import Impediments, not_impeded
from xached.actors.strategies.surroundings import StrategyConfig
from xached.domain.instrument import AssetName
from xached.domain.market_messages import TransferFunds
from xached.domain.messages import Command, FreezePurse, RiskBoundsSet, Row, SetHalt
from xached.domain.order import AccountId, Purse, Side, account_of
from xached.domain.paper import opening_commands
from xached.domain.portfolio import Holdings, HoldingsQuery
from xached.domain.queries import PurseQuery
from xached.domain.rejection import Reason, Rejection
from xached.domain.strategy_life import (
    ACKNOWLEDGEMENT,
    PAPER_DAYS_MIN,
    Change,
    Stage,
    Strategy,
    Wish,
)
from xached.domain.strategy_performance import KnownFills
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import Health, run_expendable
from xached.runtime.world import NS_PER_S
from xached.storage.strategy_book import add_profit
from xached.storage.strategy_tables import StrategyTablesFailed, tables_of_accounts

OWNER, OTHER = AccountId("eve"), AccountId("bob")
USDT = AssetName("USDT")
BUDGET, MAIN_BEFORE = 1_000 * 10**6, 10**11
LOOKS = 40
NAME = "robot"


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


class PlayFloor(LiveFloor):
    """Paper, on the house's exchange: what a purse begins with comes from nobody."""

    async def prepare(self, config: StrategyConfig, /) -> None:
        assert config.grant is not None
        amounts = {config.grant.asset: config.grant.amount_units}
        for command in opening_commands(config.purse, amounts):
            await self.exchange.execute(command, account=account_of(config.purse))


class Killed(BaseException):
    """The house is killed here."""


@attrs.define
class Faults:
    """Kills the house at one of the commands that make a strategy live."""

    exchange: Any
    at: int = -1
    after: bool = False
    count: int = 0

    async def execute(self, command: Command, *, account: str = "") -> Row:
        number, self.count = self.count, self.count + 1
        if number == self.at and not self.after:
            raise Killed
        row: Row = await self.exchange.execute(command, account=account)
        if number == self.at:
            raise Killed
        return row

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)


@attrs.frozen
class Busy:
    """An exchange without room for transfers."""

    exchange: Any

    async def execute(self, command: Command, *, account: str = "") -> Row:
        if isinstance(command, TransferFunds):
            raise Overloaded
        row: Row = await self.exchange.execute(command, account=account)
        return row

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)


def draft(**terms: Any) -> Strategy:
    plain = Strategy(
        strategy_id="", account_id=OWNER, name=NAME, plugin="acting:Acting", symbols=(SYMBOL,),
        settings_json=json.dumps({"act": ""}), stage=Stage.DRAFT, wish=Wish.STOPPED,
        budget_asset=USDT, budget_units=BUDGET, loss_limit_units=BUDGET // 10, created_at_ns=0,
    )  # fmt: skip
    return attrs.evolve(plain, **terms)


@attrs.define
class Desk:
    """A house with a desk, until it is killed or stopped."""

    house: House
    desk: StrategyDesk
    strategies: Strategies

    async def until_ready(self, name: str = NAME) -> Seen:
        while True:
            seen = await self.desk.get(OWNER, name)
            if seen.running is not None and seen.running.ready:
                return seen
            assert "acting" not in seen.failure, seen.failure
            await let_processes_work()

    async def until_open(self, purse: Purse, count: int) -> None:
        while len((await self.house.purse(purse)).orders) != count:
            await let_processes_work()

    async def funds(self, purse: Purse) -> int:
        held = (await self.house.matching.query(PurseQuery(purse))).balances.get(USDT)
        return 0 if held is None else held.available + held.held


@asynccontextmanager
async def desk_of(
    house: House,
    judged: int | None = None,
    bounds: DeskBounds | None = None,
    impediments: Impediments = not_impeded,
) -> AsyncIterator[Desk]:
    """A daemon's life over a house that outlives it."""

    async def valued(purse: Purse) -> Holdings:
        query = HoldingsQuery((purse,), house.around.world.now_ns())
        return await house.matching.query(query)

    async def fills_of(_: Purse) -> KnownFills:
        await trio.lowlevel.checkpoint()
        return KnownFills(fills=[], complete=True)

    async def ratio(_: Strategy) -> int | None:
        await trio.lowlevel.checkpoint()
        return judged

    around, strategies = house.around, Strategies(())
    paper = PlayFloor(house.matching, house.rows, around.directory)
    around = attrs.evolve(around, paper=paper)
    records = house.reasons._records
    desk = StrategyDesk(
        records, strategies, around, valued, fills_of, ratio, bounds, impediments=impediments,
        measure_anew=partial(measure_anew, house.matching),
    )  # fmt: skip
    async with trio.open_nursery() as nursery:
        await desk.restore()
        nursery.start_soon(run_strategies, strategies, around)
        yield Desk(house, desk, strategies)
        strategies.stop_all("the house is closing")


async def refused(call: Awaitable[object]) -> Rejection:
    with pytest.raises(Rejection) as refusal:
        await call
    return refusal.value


async def to_paper(on: Desk) -> Seen:
    await on.desk.create(draft())
    await on.desk.start(OWNER, NAME)
    seen = await on.until_ready()
    await on.until_open(seen.strategy.purse, 1)
    return seen


async def test_from_a_draft_to_paper_to_live_and_back(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        made = await on.desk.create(draft())
        assert (made.strategy.stage, made.running) == (Stage.DRAFT, None)
        assert await on.desk.create(draft()) == made
        seen = await to_paper(on)
        assert (seen.strategy.stage, seen.strategy.wish) == (Stage.PAPER, Wish.RUNNING)
        assert await on.funds(seen.strategy.purse) == BUDGET
        assert await on.funds(EVE) == MAIN_BEFORE

        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        assert live.purse == "eve/bot-robot"
        assert await on.funds(live.purse) == BUDGET
        assert await on.funds(EVE) == MAIN_BEFORE - BUDGET
        assert (await house.purse(seen.strategy.purse)).orders == []

        paused = await on.desk.pause(OWNER, NAME)
        assert (paused.strategy.wish, paused.running) == (Wish.PAUSED, None)
        assert (await house.purse(live.purse)).orders == []
        assert await on.funds(live.purse) == BUDGET
        await on.desk.resume(OWNER, NAME)
        await on.until_open(live.purse, 1)

        stopped = (await on.desk.stop(OWNER, NAME)).strategy
        assert (stopped.stage, stopped.wish) == (Stage.PAPER, Wish.STOPPED)
        assert (await house.purse(live.purse)).orders == []
        assert await on.funds(live.purse) == 0
        assert await on.funds(EVE) == MAIN_BEFORE

        again = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        assert await on.funds(again.purse) == BUDGET
        revoked = (await on.desk.revoke(OWNER, NAME)).strategy
        assert revoked.stage is Stage.REVOKED
        assert await on.funds(EVE) == MAIN_BEFORE
        assert (await refused(on.desk.start(OWNER, NAME))).reason is Reason.STRATEGY_STATE
        assert (await on.desk.create(draft())).strategy.stage is Stage.DRAFT


async def test_whoever_trades_a_purse_is_paused_with_it(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        await on.desk.pause_on(EVE, "it is another purse")
        assert (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.RUNNING
        for _ in range(2):
            await on.desk.pause_on(live.purse, "a rule says so")
            seen = await on.desk.get(OWNER, NAME)
            assert (seen.strategy.wish, seen.running) == (Wish.PAUSED, None)
            assert (await house.purse(live.purse)).orders == []
        await on.desk.resume(OWNER, NAME)
        await on.until_open(live.purse, 1)


class Standing:
    """What stands against whom, by a house that is asked too much now and then."""

    def __init__(self) -> None:
        self.against: dict[AccountId, str] = {}
        self.busy = 0
        self.asked = 0

    async def __call__(self, account_id: AccountId) -> tuple[str, ...]:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if self.busy:
            self.busy -= 1
            raise Overloaded
        word = self.against.get(account_id)
        return () if word is None else (word,)


async def test_a_freeze_pauses_what_trades_in_its_owners_name(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: with ``_guard`` left out it trades on; with ``_check_owner`` left out it begins
    again; with the second question left out a busy house forgets it."""
    standing = Standing()
    async with (
        open_house(tmp_path) as house,
        desk_of(house, impediments=standing) as on,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(on.desk.run)
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        on.desk.account_changed(OWNER)  # As by a new role: nothing stands against it.
        asked = standing.asked
        while standing.asked == asked:
            await let_processes_work()
        assert (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.RUNNING

        standing.against[OWNER], standing.busy = "frozen", 1
        on.desk.account_changed(OWNER)
        while standing.busy:
            await let_processes_work()
        clock.jump(1)
        while (await on.desk.get(OWNER, NAME)).strategy.wish is not Wish.PAUSED:
            await let_processes_work()
        await on.until_open(live.purse, 0)
        assert (await on.desk.get(OWNER, NAME)).running is None

        await on.desk.create(draft(name="another"))
        for begin in (
            on.desk.resume(OWNER, NAME),
            on.desk.start(OWNER, "another"),
        ):
            refusal = await refused(begin)
            assert (refusal.reason, refusal.message) == (
                Reason.STRATEGY_STATE, "the account is frozen"
            )  # fmt: skip
        stopped = await on.desk.stop(OWNER, NAME)
        assert stopped.strategy.stage is Stage.PAPER
        assert await on.funds(EVE) == MAIN_BEFORE
        refusal = await refused(on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT))
        assert refusal.message == "the account is frozen"

        del standing.against[OWNER]
        on.desk.account_changed(OWNER)
        await on.desk.start(OWNER, NAME)
        await on.until_ready()
        nursery.cancel_scope.cancel()


async def test_a_freeze_is_not_forgotten_by_tables_that_cannot_be_read_just_then(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: where only a busy house is asked again, the desk ends and it trades on."""
    standing = Standing()
    async with (
        open_house(tmp_path) as house,
        desk_of(house, impediments=standing) as on,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(on.desk.run)
        await to_paper(on)
        standing.against[OWNER] = "frozen"
        pause, failed = on.desk._pause_impeded, trio.Event()

        async def torn(account_id: AccountId) -> None:
            if not failed.is_set():
                failed.set()
                raise StrategyTablesFailed("torn")
            await pause(account_id)

        monkeypatch.setattr(on.desk, "_pause_impeded", torn)
        on.desk.account_changed(OWNER)
        await failed.wait()
        for _look in range(LOOKS):
            clock.jump(1)
            await let_processes_work()
        assert (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.PAUSED
        nursery.cancel_scope.cancel()


async def test_a_freeze_while_one_is_started_pauses_it(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: looked at without waiting for what is begun, it runs on."""
    against: list[str] = []

    async def frozen_meanwhile(_: AccountId) -> tuple[str, ...]:
        answer = tuple(against)
        if not answer:
            against.append("frozen")
            on.desk.account_changed(OWNER)
            for _look in range(LOOKS):
                await let_processes_work()
        return answer

    async with (
        open_house(tmp_path) as house,
        desk_of(house, impediments=frozen_meanwhile) as on,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(on.desk.run)
        await on.desk.create(draft())
        await on.desk.start(OWNER, NAME)
        for _look in range(LOOKS):
            if (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.PAUSED:
                break
            await let_processes_work()
        assert (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.PAUSED
        nursery.cancel_scope.cancel()


async def test_killed_between_a_freeze_and_its_effect_nothing_begins_again(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without the look in ``restore`` it runs again."""
    standing = Standing()
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
            await on.until_open(live.purse, 1)
        # As if the house had been killed with it open.
        await house.matching.execute(order(live.purse, "left", Side.BUY, 490_000, 100))
        standing.against[OWNER] = "suspended"
        async with desk_of(house, impediments=standing) as on:
            seen = await on.desk.get(OWNER, NAME)
            assert (seen.strategy.wish, seen.running) == (Wish.PAUSED, None)
            assert (await house.purse(live.purse)).orders == []


@pytest.mark.parametrize("sentence", ["", ACKNOWLEDGEMENT.lower(), ACKNOWLEDGEMENT + " "])
async def test_the_gate_opens_to_the_exact_sentence_only(
    clock: trio.testing.MockClock, tmp_path: Path, sentence: str
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        refusal = await refused(on.desk.go_live(OWNER, NAME, sentence))
        assert refusal.reason is Reason.STRATEGY_GATE
        assert refusal.facts["allowed"] == ACKNOWLEDGEMENT
        seen = await on.desk.get(OWNER, NAME)
        assert (seen.strategy.stage, seen.acknowledged) == (Stage.PAPER, "")
        assert "not enough data" in seen.evidence.lacking
        seen = await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        assert seen.acknowledged == ACKNOWLEDGEMENT
        assert not seen.evidence.suffices


@pytest.mark.parametrize(("ratio", "passes"), [(950_000, True), (949_999, False)])
async def test_evidence_opens_the_gate(
    clock: trio.testing.MockClock, tmp_path: Path, ratio: int, passes: bool
) -> None:
    async with open_house(tmp_path) as house, desk_of(house, ratio) as on:
        await to_paper(on)
        if passes:
            seen = await on.desk.go_live(OWNER, NAME, "")
            assert (seen.strategy.stage, seen.acknowledged) == (Stage.LIVE, "")
        else:
            refusal = await refused(on.desk.go_live(OWNER, NAME, ""))
            assert "0.949999" in refusal.message


async def test_one_that_predicts_nothing_passes_by_its_days_on_paper(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await on.desk.create(draft(plugin="acting:Unpredicting"))
        await on.desk.start(OWNER, NAME)
        seen = await on.until_ready()
        assert not seen.evidence.predicts
        refusal = await refused(on.desk.go_live(OWNER, NAME, ""))
        assert f"0 of {PAPER_DAYS_MIN} days" in refusal.message
        for day in range(PAPER_DAYS_MIN):
            look = partial(add_profit, strategy=seen.strategy, day=day, profit_units=0)
            await house.reasons._records.write(look)
        assert (await on.desk.go_live(OWNER, NAME, "")).strategy.is_live


async def test_another_accounts_strategy_is_not_there(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        desk = on.desk
        calls: list[Callable[[], Awaitable[object]]] = [
            partial(verb, OTHER, NAME)
            for verb in (
                desk.get, desk.start, desk.pause, desk.resume, desk.stop, desk.revoke,
                desk.performance, desk.parity,
            )
        ]  # fmt: skip
        calls.append(partial(desk.go_live, OTHER, NAME, ACKNOWLEDGEMENT))
        for call in calls:
            assert (await refused(call())).reason is Reason.UNKNOWN_STRATEGY
        assert await desk.all_of(OTHER) == []
        assert (await desk.get(OWNER, NAME)).running is not None


async def test_without_the_funds_it_stays_on_paper(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await on.desk.create(draft(budget_units=2 * MAIN_BEFORE, loss_limit_units=1))
        await on.desk.start(OWNER, NAME)
        refusal = await refused(on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT))
        assert refusal.reason is Reason.INSUFFICIENT_FUNDS
        seen = await on.desk.get(OWNER, NAME)
        assert (seen.strategy.stage, seen.strategy.wish) == (Stage.PAPER, Wish.STOPPED)
        assert await on.funds(EVE) == MAIN_BEFORE


async def test_a_restart_keeps_every_state(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            await on.desk.create(draft(name="paused"))
            await on.desk.start(OWNER, "paused")
            await on.desk.pause(OWNER, "paused")
            await on.desk.create(draft(name="asleep"))
            before = [each.strategy for each in await on.desk.all_of(OWNER)]
        async with desk_of(house) as on:
            seen = await on.until_ready()
            await on.until_open(seen.strategy.purse, 1)
            after = await on.desk.all_of(OWNER)
            assert [each.strategy for each in after] == before
            running = [each.strategy.name for each in after if each.running is not None]
            assert running == [NAME]
            assert await on.funds(seen.strategy.purse) == BUDGET


class Torn:
    """Records whose first reading fails, as on a disk that has a bad moment."""

    def __init__(self, records: Any) -> None:
        self._records = records
        self.failed = False

    async def read(self, work: Any) -> Any:
        if not self.failed:
            self.failed = True
            await trio.lowlevel.checkpoint()
            raise StrategyTablesFailed("strategies.db: the disk had a bad moment")
        return await self._records.read(work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._records, name)


async def test_a_file_that_cannot_be_read_at_the_start_stops_nothing_else(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: with the desk's failure going up, the house ends instead."""
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
        around = attrs.evolve(
            house.around, paper=PlayFloor(house.matching, house.rows, house.around.directory)
        )
        torn, strategies, health = Torn(house.reasons._records), Strategies(()), Health()

        async def valued(purse: Purse) -> Holdings:
            return await house.matching.query(HoldingsQuery((purse,), around.world.now_ns()))

        async def no_fills(_: Purse) -> KnownFills:
            await trio.lowlevel.checkpoint()
            return KnownFills(fills=[], complete=True)

        desk = StrategyDesk(torn, strategies, around, valued, no_fills)  # type: ignore[arg-type] # torn
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_expendable, "strategy desk", desk.run, health)
            nursery.start_soon(run_strategies, strategies, around)
            while not torn.failed:
                await let_processes_work()
            clock.jump(60)  # The pause after a failure.
            await Desk(house, desk, strategies).until_ready()
            strategies.stop_all("the house is closing")
            nursery.cancel_scope.cancel()


async def test_killed_while_it_is_paused_nothing_of_it_stays_open(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without the cancel in ``_restore`` its order stays, with nobody to mind it."""
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
            paused = (await on.desk.pause(OWNER, NAME)).strategy
            # As if its end had not been reached.
            await house.matching.execute(order(paused.purse, "left", Side.BUY, 490_000, 100))
            assert len((await house.purse(paused.purse)).orders) == 1
        async with desk_of(house) as on:
            assert (await on.desk.get(OWNER, NAME)).strategy.wish is Wish.PAUSED
            assert (await house.purse(paused.purse)).orders == []


async def test_what_could_not_be_given_back_is_asked_for_again(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it could not be stopped again, nor anything else, until the house was."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        around, directory = on.desk._around, house.around.directory
        busy = LiveFloor(Busy(house.matching), house.rows, directory)
        on.desk._around = attrs.evolve(around, live=busy)
        left = (await on.desk.stop(OWNER, NAME)).strategy
        assert (left.stage, left.wish) == (Stage.LIVE, Wish.STOPPED)
        assert await on.funds(live.purse) == BUDGET
        on.desk._around = around
        assert (await on.desk.stop(OWNER, NAME)).strategy.stage is Stage.PAPER
        assert await on.funds(EVE) == MAIN_BEFORE


async def test_nobody_waits_for_what_is_done_for_others(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: with one turn for all accounts the other waits until the first is done."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        async with on.desk._alone(OTHER):
            with trio.fail_after(1):
                await to_paper(on)
        assert not on.desk._turns


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", [0, 1, 2])
async def test_killed_between_two_steps_it_goes_on_and_gives_the_budget_once(
    clock: trio.testing.MockClock, tmp_path: Path, step: int, after: bool
) -> None:
    """The steps: its purse, its bounds, its money; then its process starts."""
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            faults = Faults(house.matching, step, after)
            directory = house.around.directory
            on.desk._around = attrs.evolve(
                on.desk._around, live=LiveFloor(faults, house.rows, directory)
            )
            with pytest.raises(Killed):
                await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        async with desk_of(house) as on:
            seen = await on.until_ready()
            assert seen.strategy.is_live
            await on.until_open(seen.strategy.purse, 1)
            assert await on.funds(seen.strategy.purse) == BUDGET
            assert await on.funds(EVE) == MAIN_BEFORE - BUDGET


async def test_killed_before_it_has_given_back_it_does_at_the_next_start(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
            await on.until_open(live.purse, 1)
            faults = Faults(house.matching, at=1)  # The cancel passes, the transfer does not.
            directory = house.around.directory
            on.desk._around = attrs.evolve(
                on.desk._around, live=LiveFloor(faults, house.rows, directory)
            )
            with pytest.raises(Killed):
                await on.desk.stop(OWNER, NAME)
            assert await on.funds(live.purse) == BUDGET
        async with desk_of(house) as on:
            assert await on.funds(EVE) == MAIN_BEFORE
            stopped = (await on.desk.get(OWNER, NAME)).strategy
            assert (stopped.stage, stopped.wish) == (Stage.PAPER, Wish.STOPPED)


async def test_who_leaves_is_forgotten_and_nothing_of_theirs_runs(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        seen = await to_paper(on)
        await on.desk.forget(OWNER)
        assert await on.desk.all_of(OWNER) == []
        assert on.strategies.statistics() == ()
        assert (await house.purse(seen.strategy.purse)).orders == []
        for table in tables_of_accounts():
            assert await house.reasons._records.rows_of(OWNER, table, 0, 1) == [], table


async def test_profit_is_looked_at_once_a_minute(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            seen = await to_paper(on)
            purse = seen.strategy.purse
            [order] = (await house.purse(purse)).orders
            price = order.price_ticks
            assert price is not None
            await house.order(Purse("bob/robot"), order.side.opposite, order.quantity_lots, price)
            await until(lambda: on.strategies.statistics()[0].open_orders == 0)
            await on.desk._look()
            day = house.around.world.now_ns() // (86_400 * NS_PER_S)
            _, stages = await on.desk.performance(OWNER, NAME)
            [told] = stages
            stage, how = told.stage, told.whole
            [looked] = await on.desk.days(seen.strategy, Stage.PAPER)
            # Bought 0.001 at 49,000 with the mark at 50,000: a gain of 1 USDT, less the fee.
            fee_units = 10**6 - how.profit_units
            assert (stage, looked.day, how.days) == (Stage.PAPER, day, 1)
            assert 0 <= fee_units <= 49 * 10**6 // 1_000
            assert how.return_ppm == how.profit_units * 10**6 // BUDGET
            assert (await on.desk.get(OWNER, NAME)).evidence.paper_days == 1
            [told_day] = told.days
            assert (told_day.day, told_day.profit_units) == (day, how.profit_units)
        async with desk_of(house) as on:
            _, [told] = await on.desk.performance(OWNER, NAME)
            assert told.days == (told_day,), "also after a restart"


async def test_what_has_no_price_has_no_profit_either(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: counted as if it was worth what it cost, the look tells of a loss of the fee."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        seen = await to_paper(on)
        purse = seen.strategy.purse
        [order] = (await house.purse(purse)).orders
        price = order.price_ticks
        assert price is not None
        await house.order(Purse("bob/robot"), order.side.opposite, order.quantity_lots, price)
        await until(lambda: on.strategies.statistics()[0].open_orders == 0)
        priced = on.desk._valued

        async def unpriced(purse: Purse) -> Holdings:
            return attrs.evolve(await priced(purse), prices={})

        on.desk._valued = unpriced
        await on.desk._look()
        _, [told] = await on.desk.performance(OWNER, NAME)
        assert told.days == ()
        on.desk._valued = priced
        await on.desk._look()
        _, [told] = await on.desk.performance(OWNER, NAME)
        assert [each.profit_units is None for each in told.days] == [False]


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"name": "Robot"}, "name"),
        ({"name": "r" * 21}, "name"),
        ({"symbols": ()}, "symbols"),
        ({"symbols": (SYMBOL, SYMBOL)}, "symbols"),
        ({"settings_json": "[]"}, "settings_json"),
        ({"settings_json": "{"}, "settings_json"),
        ({"settings_json": '{"a": "\\ud800"}'}, "settings_json"),
        ({"settings_json": '{"a": 1e999}'}, "settings_json"),
        ({"budget_units": 0}, "budget"),
        ({"loss_limit_units": 0}, "loss_limit"),
        ({"loss_limit_units": BUDGET + 1}, "loss_limit"),
        ({"budget_asset": AssetName("BTC")}, "symbols"),
    ],
)
async def test_what_can_be_no_strategy(
    clock: trio.testing.MockClock, tmp_path: Path, terms: dict[str, Any], field: str
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        refusal = await refused(on.desk.create(draft(**terms)))
        assert (refusal.reason, refusal.facts["field"]) == (Reason.STRATEGY_TERMS, field)


def changed(version: int = 1, **terms: Any) -> Change:
    return Change(expected_version=version, **terms)


async def test_a_changed_strategy_begins_anew(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: with its days kept, or one purse for all editions, what was known stays."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        seen = await to_paper(on)
        look = partial(add_profit, strategy=seen.strategy, day=1, profit_units=5)
        await house.reasons._records.write(look)
        assert (await on.desk.get(OWNER, NAME)).evidence.paper_days == 1
        running = await refused(on.desk.change(OWNER, NAME, changed(budget_units=2 * BUDGET)))
        assert running.reason is Reason.STRATEGY_STATE
        await on.desk.pause(OWNER, NAME)
        settings = json.dumps({"act": "", "quantity": "0.002"})
        new = await on.desk.change(OWNER, NAME, changed(settings_json=settings))
        assert await on.desk.change(OWNER, NAME, changed(settings_json=settings)) == new
        late = await refused(on.desk.change(OWNER, NAME, changed(budget_units=2 * BUDGET)))
        assert (late.reason, late.facts["allowed"]) == (Reason.STRATEGY_STATE, "2")
        new = await on.desk.change(OWNER, NAME, changed(2, budget_units=2 * BUDGET))
        strategy = new.strategy
        assert (strategy.version, strategy.stage, strategy.wish) == (3, Stage.PAPER, Wish.PAUSED)
        assert (new.evidence.paper_days, strategy.predicts) == (0, None)
        await on.desk.resume(OWNER, NAME)
        await on.until_open(strategy.purse, 1)
        assert strategy.purse != seen.strategy.purse
        assert await on.funds(strategy.purse) == 2 * BUDGET
        assert (await house.purse(seen.strategy.purse)).orders == []
        assert (await refused(on.desk.change(OTHER, NAME, changed()))).reason is (
            Reason.UNKNOWN_STRATEGY
        )


async def test_of_a_live_one_only_the_limit_can_be_changed(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without the look at what else changes, other settings live without the gate."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        await on.desk.pause(OWNER, NAME)
        for terms in ({"settings_json": "{}"}, {"budget_units": BUDGET + 1}):
            refusal = await refused(on.desk.change(OWNER, NAME, changed(**terms)))
            assert refusal.reason is Reason.STRATEGY_STATE, terms
        seen = await on.desk.change(OWNER, NAME, changed(loss_limit_units=BUDGET // 2))
        assert (seen.strategy.is_live, seen.acknowledged) == (True, ACKNOWLEDGEMENT)
        await on.desk.resume(OWNER, NAME)
        await on.until_open(live.purse, 1)
        assert await on.funds(live.purse) == BUDGET
        [bounds] = [
            event.bounds
            for row in reversed(house.seen)
            for event in row.events
            if isinstance(event, RiskBoundsSet)
        ][:1]
        assert bounds.max_drawdown_units == ((USDT, BUDGET // 2),)
        stopped = (await on.desk.stop(OWNER, NAME)).strategy
        other = await on.desk.change(
            OWNER,
            NAME,
            changed(stopped.version, settings_json=json.dumps({"act": "", "quantity": "0.002"})),
        )
        assert (other.strategy.stage, other.acknowledged) == (Stage.PAPER, "")
        refusal = await refused(on.desk.go_live(OWNER, NAME, ""))
        assert refusal.reason is Reason.STRATEGY_GATE


@pytest.mark.parametrize(
    "terms",
    [
        {"plugin": "acting:Unpredicting"},
        {"settings_json": "{}"},
        {"budget_units": BUDGET + 1},
        {"loss_limit_units": BUDGET},
    ],
)
async def test_a_name_is_not_given_to_another_strategy(
    clock: trio.testing.MockClock, tmp_path: Path, terms: dict[str, Any]
) -> None:
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await on.desk.create(draft())
        assert (await refused(on.desk.create(draft(**terms)))).reason is Reason.ID_REUSED


@pytest.mark.parametrize(
    "bounds", [DeskBounds(running_per_account_max=1), DeskBounds(running_max=1)]
)
async def test_so_many_run_at_a_time(
    clock: trio.testing.MockClock, tmp_path: Path, bounds: DeskBounds
) -> None:
    """Checked: without the count each of them starts a process."""
    async with open_house(tmp_path) as house, desk_of(house, bounds=bounds) as on:
        await to_paper(on)
        await on.desk.create(draft(name="second"))
        refusal = await refused(on.desk.start(OWNER, "second"))
        assert refusal.reason is Reason.STRATEGIES_FULL
        assert (await on.desk.get(OWNER, "second")).strategy.stage is Stage.DRAFT
        other = await on.desk.create(draft(account_id=OTHER))
        if bounds.running_max == 1:
            refusal = await refused(on.desk.start(OTHER, NAME))
            assert refusal.reason is Reason.STRATEGIES_FULL
        else:
            assert (await on.desk.start(OTHER, NAME)).strategy.purse == other.strategy.purse
            await on.desk.revoke(OTHER, NAME)
        live = await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)
        assert live.strategy.is_live, "it is one of them already"
        await on.desk.pause(OWNER, NAME)
        await on.desk.start(OWNER, "second")
        refusal = await refused(on.desk.resume(OWNER, NAME))
        assert refusal.reason is Reason.STRATEGIES_FULL


async def test_what_is_put_into_the_purse_of_a_revoked_one_stays_there(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: swept at every start, it is gone from there after the second."""
    async with open_house(tmp_path) as house:
        async with desk_of(house) as on:
            await to_paper(on)
            live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
            await on.desk.revoke(OWNER, NAME)
            assert await on.funds(EVE) == MAIN_BEFORE
            mine = TransferFunds(
                source=EVE, target=live.purse, asset=USDT, amount_units=7, request_id=""
            )
            await house.matching.execute(mine, account=OWNER)
        async with desk_of(house) as on:
            await on.desk._look()
            assert await on.funds(live.purse) == 7


async def test_what_could_not_be_given_back_is_given_at_the_next_look(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without it in ``_look`` its owner waits for the next start of the house."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        around, directory = on.desk._around, house.around.directory
        busy = LiveFloor(Busy(house.matching), house.rows, directory)
        on.desk._around = attrs.evolve(around, live=busy)
        await on.desk.revoke(OWNER, NAME)
        await on.desk._look()
        assert await on.funds(live.purse) == BUDGET
        on.desk._around = around
        await on.desk._look()
        assert await on.funds(EVE) == MAIN_BEFORE


def purse_frozen(purse: Purse, frozen: bool) -> Command:
    return FreezePurse(purse=purse, frozen=frozen, cause="test", request_id="")


def house_halted(_: Purse, halted: bool) -> Command:
    return SetHalt(halted=halted, cause="test", request_id="")


@pytest.mark.parametrize("ending", ["stop", "revoke"])
@pytest.mark.parametrize("shut", [purse_frozen, house_halted])
async def test_what_may_not_move_now_is_given_back_once_it_may(
    clock: trio.testing.MockClock,
    tmp_path: Path,
    shut: Callable[[Purse, bool], Command],
    ending: str,
) -> None:
    """Checked: with every refusal the last word, its budget stays, and the next life has two."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        await house.matching.execute(shut(live.purse, True))
        left = (await getattr(on.desk, ending)(OWNER, NAME)).strategy
        assert (left.owes, left.wish) == (True, Wish.STOPPED)
        assert (await house.purse(live.purse)).orders == []
        await on.desk._look()
        assert await on.funds(live.purse) == BUDGET
        await house.matching.execute(shut(live.purse, False))
        await on.desk._look()
        assert await on.funds(EVE) == MAIN_BEFORE
        assert not (await on.desk.get(OWNER, NAME)).strategy.owes


async def test_a_new_one_of_the_name_does_not_inherit(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: with the old one dropped at once, its budget is in the purse of the new one."""
    async with open_house(tmp_path) as house, desk_of(house) as on:
        await to_paper(on)
        live = (await on.desk.go_live(OWNER, NAME, ACKNOWLEDGEMENT)).strategy
        await on.until_open(live.purse, 1)
        await house.matching.execute(purse_frozen(live.purse, True))
        await on.desk.revoke(OWNER, NAME)
        refusal = await refused(on.desk.create(draft()))
        assert (refusal.reason, refusal.facts["field"]) == (Reason.STRATEGY_STATE, "name")
        assert (await on.desk.get(OWNER, NAME)).strategy.owes
        await house.matching.execute(purse_frozen(live.purse, False))
        assert (await on.desk.create(draft())).strategy.stage is Stage.DRAFT
        assert await on.funds(EVE) == MAIN_BEFORE
