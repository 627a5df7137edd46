"""What a firing does that has to wait for its turn: not too late, nor against its owner's will.

One place for sending is held by alice, whose strategy takes its time to pause; bob's firing waits.

Checked by breaking, each seen red: lateness that is asked of interrupted firings only, a firing
that does not ask whether it is wanted, or asks once and not with every try, a withdrawal that is
forgotten with the process or when the rule is armed again or had ended by itself, and a queue that
goes on behind a firing that could not be sent.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.automation.rule_house import ALICE, BEFORE_ORDER, GRID, RuleHouse, rule_house
from tests.storage.house import SYMBOL
from xached.actors.rules import actor
from xached.actors.rules.sending import LATE_NS_MAX
from xached.automation.messages import ArmRule, CreateRule, EndRule, ListFirings, PauseRule
from xached.automation.rule import Firing, FiringState
from xached.automation.schedule import NS_PER_S
from xached.automation.terms import (
    Missed,
    OrderAction,
    RuleId,
    RuleTerms,
    Schedule,
    StopAll,
    Then,
)
from xached.domain.messages import PlaceOrder
from xached.domain.order import AccountId, Purse, Side
from xached.storage import rule_book

BOB, BOBS = AccountId("bob"), Purse("bob/main")
HOUR_S = 3_600
LATE_S = LATE_NS_MAX // NS_PER_S
BUY = OrderAction(
    symbol=SYMBOL,
    side=Side.BUY,
    quote_units=None,
    quantity_lots=100,
    share_ppm=None,
    price_ticks=490_000,
)


async def armed(
    house: RuleHouse, purse: Purse, then: Then, name: str = "hourly", max_firings: int = 0
) -> RuleId:
    """Arm a rule that fires every hour."""
    account_id = AccountId(purse.partition("/")[0])
    every = Schedule(cron="", every_s=HOUR_S, missed=Missed.SKIP)
    terms = RuleTerms(when=every, then=then, max_firings=max_firings)
    made = await house.ask(
        CreateRule(account_id=account_id, purse=purse, name=name, terms=terms, request_id=name)
    )
    rule_id: RuleId = made.rule_id
    await house.ask(ArmRule(account_id=account_id, rule_id=rule_id, unrehearsed=True))
    return rule_id


async def firings(house: RuleHouse, account_id: AccountId, rule_id: RuleId) -> list[Firing]:
    """What became of a rule's firings, newest first."""
    asked = ListFirings(account_id=account_id, rule_id=rule_id, before=None, limit=9)
    found: tuple[Firing, ...] = (await house.ask(asked)).firings
    return list(found)


async def waiting(house: RuleHouse, holds_s: float, max_firings: int = 0) -> RuleId:
    """Have bob's firing wait behind alice's for so long; bob's rule."""
    house.fuse.pausing_s = holds_s
    await armed(house, GRID, StopAll(sell=False))
    await trio.sleep(1)
    bobs = await armed(house, BOBS, BUY, max_firings=max_firings)
    await trio.sleep(HOUR_S + 2)
    (firing,) = await firings(house, BOB, bobs)
    assert firing.state is FiringState.SENDING
    return bobs


@pytest.fixture(autouse=True)
def one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """One account is sent for at a time."""
    monkeypatch.setattr(actor, "SENDING_MAX", 1)


async def test_what_waited_too_long_for_its_turn_is_not_sent(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S + 10)
        await trio.sleep(LATE_S + 10)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.LAPSED
        assert "too late" in firing.steps[0].answer
        assert house.accepted_ids() == []


@pytest.mark.parametrize("stop", [PauseRule, EndRule])
async def test_what_its_owner_stopped_meanwhile_is_not_sent(
    autojump_clock: MockClock, tmp_path: Path, stop: type[PauseRule | EndRule]
) -> None:
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S / 2)
        await house.ask(stop(account_id=BOB, rule_id=bobs))
        await trio.sleep(LATE_S)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.LAPSED
        assert "its owner stopped the rule" in firing.steps[0].answer
        assert house.accepted_ids() == []


async def test_what_was_stopped_stays_stopped_when_the_rule_is_armed_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S / 2)
        await house.ask(PauseRule(account_id=BOB, rule_id=bobs))
        await house.ask(ArmRule(account_id=BOB, rule_id=bobs, unrehearsed=True))
        await trio.sleep(LATE_S)
        assert house.accepted_ids() == []
        house.fuse.pausing_s = 0.0
        await trio.sleep(HOUR_S)
        states = [each.state for each in await firings(house, BOB, bobs)]
        assert states == [FiringState.DONE, FiringState.LAPSED]


async def test_the_last_firing_of_a_rule_is_sent_though_the_rule_has_ended(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S / 2, max_firings=1)
        await trio.sleep(LATE_S)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.DONE
        assert len(house.accepted_ids()) == 1


async def test_a_firing_is_asked_after_with_every_try(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        house.fuse.busy = "bob"
        bobs = await armed(house, BOBS, BUY)
        await trio.sleep(HOUR_S + 2)
        await house.ask(EndRule(account_id=BOB, rule_id=bobs))
        house.fuse.busy = ""
        await trio.sleep(10)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.LAPSED
        assert house.accepted_ids() == []


async def test_what_takes_risk_away_is_sent_however_late(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        house.fuse.pausing_s = LATE_S + 10
        rule_id = await armed(house, GRID, StopAll(sell=False))
        await trio.sleep(HOUR_S + 2 * LATE_S)
        (firing,) = await firings(house, ALICE, rule_id)
        assert firing.state is FiringState.DONE


async def test_what_its_owner_stopped_is_not_sent_by_the_next_process(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S / 2)
        await house.ask(EndRule(account_id=BOB, rule_id=bobs))
    async with rule_house(tmp_path) as house:
        await trio.sleep(5)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.LAPSED
        assert "its owner stopped the rule" in firing.steps[0].answer
        assert house.accepted_ids() == []


async def test_what_was_stopped_is_not_sent_by_the_next_process_of_a_rule_armed_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S / 2)
        await house.ask(PauseRule(account_id=BOB, rule_id=bobs))
        await house.ask(ArmRule(account_id=BOB, rule_id=bobs, unrehearsed=True))
    async with rule_house(tmp_path) as house:
        await trio.sleep(5)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.LAPSED
        assert house.accepted_ids() == []


async def test_the_last_firing_that_its_owner_stopped_is_not_sent_by_the_next_process(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """The rule had ended by itself when it was decided; its owner is told that it has ended."""
    async with rule_house(tmp_path) as house:
        bobs = await waiting(house, LATE_S / 2, max_firings=1)
        await house.ask(EndRule(account_id=BOB, rule_id=bobs))
    async with rule_house(tmp_path) as house:
        await trio.sleep(5)
        (firing,) = await firings(house, BOB, bobs)
        assert firing.state is FiringState.LAPSED
        assert house.accepted_ids() == []


async def test_nothing_overtakes_a_firing_that_could_not_be_sent(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with rule_house(tmp_path) as house:
        rule_id = await armed(house, BOBS, BUY)
        house.fuse.place = BEFORE_ORDER
        await trio.sleep(HOUR_S + 2)
        assert house.fuse.blown.is_set()
        (first,) = await house.records.read(rule_book.unfinished_firings)
        assert first.rule_id == rule_id
        # Another one was interrupted behind it.
        rule = await house.records.read(partial(rule_book.find_rule, rule_id=rule_id))
        assert rule is not None
        (step,) = first.steps
        assert isinstance(step.command, PlaceOrder)
        second = attrs.evolve(
            first,
            number=2,
            decided_at_ns=first.decided_at_ns + 1,
            steps=(
                attrs.evolve(
                    step, command=attrs.evolve(step.command, client_order_id=f"r{rule_id}-2-0")
                ),
            ),
        )
        fire = partial(rule_book.fire_rule, rule=attrs.evolve(rule, firings=2), firing=second)
        await house.records.write(fire)
    async with rule_house(tmp_path) as house:
        house.fuse.closed_for = 1
        await trio.sleep(LATE_S - 15)
        states = [each.state for each in await firings(house, BOB, rule_id)]
        assert states == [FiringState.DONE, FiringState.DONE]
        accepted = [each.removesuffix("-0")[-1] for each in house.accepted_ids()]
        assert accepted == ["1", "2"]
