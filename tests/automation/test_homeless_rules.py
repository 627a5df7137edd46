"""Rules of what is gone, as when the exchange of paper has begun anew: they hold up no other rule.

Checked by breaking: without the pause in ``_see``, and without what ``Readings.read`` passes over,
the actor ends, and with it the rules of everybody.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.automation.rule_house import ALICE, GRID, RuleHouse, rule_house
from tests.automation.rule_script import RuleScript
from tests.storage.house import SYMBOL
from xached.automation.messages import ArmRule, CreateRule
from xached.automation.rule import RuleState
from xached.automation.terms import (
    Direction,
    Drawdown,
    IndicatorReaches,
    RuleId,
    RuleTerms,
    StopAll,
    When,
)
from xached.domain.candles import Interval
from xached.domain.instrument import AssetName
from xached.domain.market import Venue

FALL = Drawdown(asset=AssetName("USDT"), fall_ppm=10_000)
INDICATOR = IndicatorReaches(
    symbol=SYMBOL, venue=Venue(""), interval=Interval.M5, indicator="sma", settings=("window=3",),
    output="value", direction=Direction.ABOVE, threshold="1",
)  # fmt: skip


async def armed(house: RuleHouse, when: When) -> RuleId:
    """Arm a rule of what will be gone in the next life of the house."""
    terms = RuleTerms(when=when, then=StopAll(sell=False))
    made = await house.ask(
        CreateRule(account_id=ALICE, purse=GRID, name="lost", terms=terms, request_id="lost")
    )
    rule_id: RuleId = made.rule_id
    await house.ask(ArmRule(account_id=ALICE, rule_id=rule_id, unrehearsed=True))
    return rule_id


@pytest.mark.parametrize(
    ("when", "change", "state"),
    [
        (FALL, "purse = 'alice/gone'", RuleState.PAUSED),
        (INDICATOR, "terms = replace(terms, 'BTC-USDT', 'ETH-USDT')", RuleState.ARMED),
    ],
)
async def test_others_are_looked_at_all_the_same(
    autojump_clock: MockClock,
    tmp_path: Path,
    when: When,
    change: str,
    state: RuleState,
) -> None:
    async with rule_house(tmp_path) as house:
        script = RuleScript(house)
        await script.do("offer SELL 5 @ 50000.0")
        await script.do("mark 50000.0")
        await script.do("rule dips price BTC-USDT below 48000.0 : buy 50 USDT of BTC-USDT")
        rule_id = await armed(house, when)
        await script.do("arm dips")
        await script.do("wait 5s")
        statement = f"UPDATE rules SET {change} WHERE rule_id = ?"
        await house.records.write(lambda db: db.execute(statement, (rule_id,)).fetchall())
    async with rule_house(tmp_path) as house:
        script = RuleScript(house)
        await script.do("wait 5s")
        await script.do("mark 47000.0")
        await script.do("wait 5s")
        await script.do("fired dips DONE")
        assert (await house.rules_of())["lost"].state is state
