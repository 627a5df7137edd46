"""What a rule would have done: exact at the pretended exchange, and the same as it then does.

Checked by breaking, each seen red: looking at a schedule only at the ends of candles, filling at
the price of the candle that follows, leaving the fee out.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import attrs
import pytest
from apscheduler.triggers.cron import CronTrigger
from trio.testing import MockClock

from tests.automation.rule_house import ALICE, GRID, candle, rule_house
from tests.automation.rule_script import RuleScript
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.automation.rehearsal import FIRINGS_SHOWN, Rehearsal, quote_of, symbols_of
from xached.automation.rule import Memory, Rule, RuleState
from xached.automation.schedule import check_schedule
from xached.automation.terms import (
    Direction,
    Drawdown,
    IndicatorReaches,
    Missed,
    OrderAction,
    PositionGains,
    PriceReaches,
    Rebalance,
    RuleId,
    RuleTerms,
    Schedule,
    SellShares,
    StopAll,
    Target,
    TimeWindow,
)
from xached.domain.candles import Candle, Interval
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Symbol
from xached.domain.market import Venue
from xached.domain.order import Side
from xached.domain.queries import PurseSnapshot
from xached.domain.rejection import Reason, Rejection

BTC, USDT = AssetName("BTC"), AssetName("USDT")
HOUR_NS = Interval.H1.ns
START_NS = 1_767_225_600 * 10**9
"""Thursday, 2026-01-01."""

HOURLY = Schedule(cron="", every_s=3_600, missed=Missed.SKIP)
BUY_50 = OrderAction(
    symbol=SYMBOL,
    side=Side.BUY,
    quote_units=50_000_000,
    quantity_lots=None,
    share_ppm=None,
    price_ticks=None,
)


def rule_of(terms: RuleTerms) -> Rule:
    return Rule(
        number=1,
        rule_id=RuleId("0" * 16),
        account_id=ALICE,
        purse=GRID,
        request_id="r",
        name="x",
        terms=terms,
        state=RuleState.DRAFT,
        cause="",
        created_at_ns=0,
        armed_at_ns=0,
        rehearsed_at_ns=0,
        firings=0,
        memory=Memory(),
    )


def hours(*closes: int, spread: int = 0) -> list[Candle]:
    """A candle an hour, by its close in whole USDT."""
    return [
        candle(START_NS + number * HOUR_NS, close * 10, Interval.H1, spread=spread)
        for number, close in enumerate(closes)
    ]


def rehearsed(terms: RuleTerms, past: Sequence[Candle], usdt: int = 100_000) -> Rehearsal:
    purse = PurseSnapshot(seq=0, balances={USDT: Funds(usdt * 10**6)}, orders=[], positions={})
    rehearsal = Rehearsal(rule_of(terms), purse, {SYMBOL: INSTRUMENT}, {SYMBOL: past})
    for _ in rehearsal.run():
        pass
    return rehearsal


def answers(rehearsal: Rehearsal) -> list[str]:
    return [answer for firing in rehearsal.firings for _, answer in firing.sent]


def test_a_schedule_buys_at_the_close_before_it_with_the_fee() -> None:
    rehearsal = rehearsed(RuleTerms(when=HOURLY, then=BUY_50), hours(50_000, 25_000, 50_000))
    assert rehearsal.fired == 3
    assert answers(rehearsal) == [
        "filled; bought 0.00099 BTC for 49.5 USDT, fee 0.0495",
        "filled; bought 0.00199 BTC for 49.75 USDT, fee 0.04975",
        "filled; bought 0.00099 BTC for 49.5 USDT, fee 0.0495",
    ]
    spent = 49_500_000 + 49_500 + 49_750_000 + 49_750 + 49_500_000 + 49_500
    balances = rehearsal.purse.holdings().purses[GRID].balances
    assert balances[USDT].available == 100_000 * 10**6 - spent
    assert balances[BTC].available == 397_000
    worth = 397 * 500_000 * INSTRUMENT.tick_lot_units
    assert rehearsal.purse.worth_units(USDT) == balances[USDT].available + worth


def test_others_have_a_turn_between_the_times_of_a_schedule() -> None:
    """A day has 1,440 minutes: looked at in one go they would hold up everybody for as long."""
    minutely = Schedule(cron="* * * * *", every_s=0, missed=Missed.SKIP)
    past = [candle(START_NS + day * Interval.D1.ns, 500_000, Interval.D1) for day in range(3)]
    purse = PurseSnapshot(seq=0, balances={USDT: Funds(10**12)}, orders=[], positions={})
    terms = RuleTerms(when=minutely, then=BUY_50)
    rehearsal = Rehearsal(rule_of(terms), purse, {SYMBOL: INSTRUMENT}, {SYMBOL: past})
    fired = 0
    for _ in rehearsal.run():
        assert rehearsal.fired - fired <= 1
        fired = rehearsal.fired
    assert fired > 2 * 1_440


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        ((), ["BTC-USDT"]),
        (("USDT",), ["BTC-USDT"]),
        (("ETH",), ["ETH-USDT"]),
        (("BTC", "ETH", "USDT"), ["BTC-USDT", "ETH-USDT"]),
    ],
)
def test_only_the_past_of_what_is_held_is_needed(held: tuple[str, ...], wanted: list[str]) -> None:
    """Checked: with all markets in USDT a house with many reads them all for a purse with one."""
    others = [
        attrs.evolve(
            INSTRUMENT,
            symbol=Symbol(f"{base}-{quote}"),
            base=AssetName(base),
            quote=AssetName(quote),
        )
        for base, quote in (("ETH", "USDT"), ("SOL", "USDT"), ("ETH", "BTC"))
    ]
    listed = {each.symbol: each for each in (INSTRUMENT, *others)}
    terms = RuleTerms(when=Drawdown(asset=USDT, fall_ppm=100), then=StopAll(sell=True))
    assert list(symbols_of(terms, listed, set(map(AssetName, held)))) == wanted
    assert quote_of(terms, listed) == USDT
    buys = RuleTerms(when=HOURLY, then=BUY_50)
    assert symbols_of(buys, listed, ()) == (SYMBOL,)


def test_what_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xached.automation.rehearsal.LOOKS_MAX", 2)
    with pytest.raises(Rejection) as refused:
        rehearsed(RuleTerms(when=HOURLY, then=BUY_50), hours(50_000, 25_000, 50_000))
    assert refused.value.reason is Reason.RULE_TERMS


def test_a_schedule_that_is_never_due_is_not_looked_for_until_the_year_9999(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One such rule held up the whole house for more than a second."""
    steps, increment = 0, CronTrigger._increment_field_value

    def counted(trigger: CronTrigger, date: datetime, field: int) -> tuple[datetime, int]:
        nonlocal steps
        steps += 1
        found: tuple[datetime, int] = increment(trigger, date, field)
        return found

    monkeypatch.setattr(CronTrigger, "_increment_field_value", counted)
    never = Schedule(cron="0 0 31 2,4,6,9,11 mon", every_s=0, missed=Missed.SKIP)
    with pytest.raises(Rejection):
        check_schedule(never, START_NS)
    assert 0 < steps < 1_000


def test_a_time_between_two_candles_is_not_late() -> None:
    cron = Schedule(cron="17 * * * *", every_s=0, missed=Missed.SKIP)
    rehearsal = rehearsed(RuleTerms(when=cron, then=BUY_50), hours(50_000, 25_000, 50_000))
    assert [firing.at_ns for firing in rehearsal.firings] == [
        START_NS + number * HOUR_NS + 17 * 60 * 10**9 for number in (1, 2)
    ]
    assert "0.00099" in answers(rehearsal)[0], "at the close of the candle before"
    assert "0.00199" in answers(rehearsal)[1]


def test_bounds_hold_as_they_do_when_it_is_armed() -> None:
    terms = RuleTerms(when=HOURLY, then=BUY_50, max_firings=2)
    assert rehearsed(terms, hours(*[50_000] * 9)).fired == 2
    terms = RuleTerms(when=HOURLY, then=BUY_50, ends_at_ns=START_NS + 4 * HOUR_NS)
    assert rehearsed(terms, hours(*[50_000] * 9)).fired == 3
    office = TimeWindow(days=(3,), from_minute=2 * 60, to_minute=5 * 60)
    terms = RuleTerms(when=HOURLY, then=BUY_50, windows=(office,))
    assert rehearsed(terms, hours(*[50_000] * 30)).fired == 3
    many = rehearsed(RuleTerms(when=HOURLY, then=BUY_50), hours(*[50_000] * 300))
    assert (many.fired, len(many.firings)) == (300, FIRINGS_SHOWN)


def test_what_is_not_there_is_not_spent() -> None:
    rehearsal = rehearsed(RuleTerms(when=HOURLY, then=BUY_50), hours(50_000, 50_000), usdt=60)
    assert answers(rehearsal)[1] == "refused: not enough free USDT"


def test_a_limit_order_waits_for_a_candle_that_goes_beyond_it() -> None:
    then = attrs.evolve(BUY_50, quote_units=None, quantity_lots=100, price_ticks=490_000)
    terms = RuleTerms(when=HOURLY, then=then, max_firings=1)
    assert rehearsed(terms, hours(50_000, 49_000)).purse.worth_units(USDT) == 10**11
    below = rehearsed(terms, hours(50_000, 49_001, spread=20))
    holdings = below.purse.holdings().purses[GRID]
    assert holdings.balances[BTC].available == 100_000
    assert holdings.positions[SYMBOL].cost_units == 49_000_000 + 4_900, "as a maker"


def test_a_ladder_a_stop_a_level_and_an_average() -> None:
    buys = RuleTerms(when=HOURLY, then=BUY_50, max_firings=1)
    past = hours(50_000, 50_000)
    held = rehearsed(buys, past).purse.holdings().purses[GRID]

    def over(terms: RuleTerms, *closes: int) -> Rehearsal:
        rehearsal = Rehearsal(rule_of(terms), held, {SYMBOL: INSTRUMENT}, {SYMBOL: hours(*closes)})
        for _ in rehearsal.run():
            pass
        return rehearsal

    ladder = RuleTerms(
        when=PositionGains(symbol=SYMBOL, gains_ppm=(50_000, 100_000)),
        then=SellShares(shares_ppm=(500_000, 500_000)),
    )
    told = over(ladder, 51_000, 53_000, 54_000, 56_000)
    assert [answer[:20] for answer in answers(told)] == [
        "filled; sold 0.00049",
        "filled; sold 0.0005 ",
    ]
    stop = RuleTerms(when=Drawdown(asset=USDT, fall_ppm=100), then=StopAll(sell=True))
    told = over(stop, 50_000, 30_000, 20_000)
    assert answers(told) == [
        "0 open orders ended; filled; sold 0.00099 BTC for 29.7 USDT, fee 0.0297"
    ]
    price = PriceReaches(symbol=SYMBOL, direction=Direction.BELOW, price_ticks=450_000)
    told = over(RuleTerms(when=price, then=BUY_50), 50_000, 44_000, 43_000, 46_000, 45_000)
    assert told.fired == 2
    average = IndicatorReaches(
        symbol=SYMBOL,
        venue=Venue(""),
        interval=Interval.H1,
        indicator="sma",
        settings=("window=2",),
        output="value",
        direction=Direction.ABOVE,
        threshold="51000",
    )
    told = over(RuleTerms(when=average, then=BUY_50), 50_000, 50_000, 51_000, 51_000, 52_000)
    (only,) = told.firings
    assert only.at_ns == START_NS + 4 * HOUR_NS
    half = Rebalance(targets=(Target(symbol=SYMBOL, weight_ppm=500_000),), drift_ppm=50_000)
    told = over(RuleTerms(when=HOURLY, then=half), 50_000, 50_000)
    assert "nothing to do" in told.firings[1].explanation


async def test_it_would_have_done_what_it_does(autojump_clock: MockClock, tmp_path: Path) -> None:
    """The same indicator over the same candles, live and rehearsed, fires at the same candles."""
    closes = [50_000 + 37 * (number * number % 41) for number in range(60)]
    async with rule_house(tmp_path) as house:
        script = RuleScript(house)
        for line in (
            "mark 50000.0",
            "offer SELL 9 @ 50000.0",
            "rule x indicator sma above 50700 window=5 : buy 50 USDT of BTC-USDT",
            "arm x",
        ):
            await script.do(line)
        for close in closes:
            await script.do("wait 5m")
            await script.do(f"candle {close}.0")
        await script.do("wait 1m")
        live = [firing.due_at_ns for firing in await house.firings_of("x")]
        rule = (await house.rules_of())["x"]
        purse = PurseSnapshot(seq=0, balances={USDT: Funds(10**12)}, orders=[], positions={})
        rehearsal = Rehearsal(
            rule, purse, house.exchange.directory, {SYMBOL: house.candles.candles}
        )
        for _ in rehearsal.run():
            pass
    assert len(live) >= 5
    assert [firing.at_ns for firing in rehearsal.firings] == live
