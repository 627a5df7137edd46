"""Nobody's rules wait for another account, for whose orders the exchange has no room.

Checked: with what is sent awaited by whoever looks, the exchange was given up for the first account
before anybody hears of the other's; with one queue for all accounts, the other's still waits.
"""

from __future__ import annotations

from pathlib import Path

import trio
from trio.testing import MockClock

from tests.automation.rule_house import ALICE, GRID, RuleHouse, rule_house
from tests.storage.house import SYMBOL
from xached.actors.rules.sending import BUSY_S_MAX
from xached.automation.messages import ArmRule, CreateRule, ListFirings
from xached.automation.rule import FiringState
from xached.automation.terms import Missed, OrderAction, RuleId, RuleTerms, Schedule
from xached.domain.order import AccountId, Purse, Side

BOB, BOBS = AccountId("bob"), Purse("bob/main")
HOUR_S = 3_600


async def armed(house: RuleHouse, account_id: AccountId, purse: Purse, name: str) -> RuleId:
    """Arm a rule that buys every hour."""
    buy = OrderAction(
        symbol=SYMBOL,
        side=Side.BUY,
        quote_units=None,
        quantity_lots=100,
        share_ppm=None,
        price_ticks=490_000,
    )
    every = Schedule(cron="", every_s=HOUR_S, missed=Missed.SKIP)
    terms = RuleTerms(when=every, then=buy)
    made = await house.ask(
        CreateRule(account_id=account_id, purse=purse, name=name, terms=terms, request_id=name)
    )
    rule_id: RuleId = made.rule_id
    await house.ask(ArmRule(account_id=account_id, rule_id=rule_id, unrehearsed=True))
    return rule_id


async def states(house: RuleHouse, account_id: AccountId, rule_id: RuleId) -> list[FiringState]:
    """What became of a rule's firings."""
    asked = ListFirings(account_id=account_id, rule_id=rule_id, before=None, limit=9)
    return [firing.state for firing in (await house.ask(asked)).firings]


async def test_a_busy_account_holds_up_no_other(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with rule_house(tmp_path) as house:
        house.fuse.busy = "alice"
        first = await armed(house, ALICE, GRID, "first")
        second = await armed(house, ALICE, GRID, "second")
        other = await armed(house, BOB, BOBS, "other")
        await trio.sleep(HOUR_S + BUSY_S_MAX / 2)
        assert await states(house, BOB, other) == [FiringState.DONE]
        assert await states(house, ALICE, first) == [FiringState.SENDING]
        # It would not see what the first is about to buy.
        assert await states(house, ALICE, second) == []
        await trio.sleep(BUSY_S_MAX)
        assert await states(house, ALICE, first) == [FiringState.LAPSED]
        assert await states(house, ALICE, second) == [FiringState.SENDING]
        house.fuse.busy = ""
        await trio.sleep(2.0)
        assert await states(house, ALICE, second) == [FiringState.DONE]
