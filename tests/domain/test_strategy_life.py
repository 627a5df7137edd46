"""The gate before live, and how a strategy is measured: figures worked out by hand."""

from __future__ import annotations

import json

import attrs
import pytest

from tests.storage.house import INSTRUMENT, SYMBOL
from xached.domain.history import Fill
from xached.domain.order import OrderId, Purse, Side
from xached.domain.rejection import Rejection
from xached.domain.state import DAY_NS
from xached.domain.strategy_life import (
    ACKNOWLEDGEMENT,
    DEFLATED_SHARPE_MIN_PPM,
    PAPER_DAYS_MIN,
    Evidence,
    pass_gate,
)
from xached.domain.strategy_performance import DayTold, KnownFills, measure, tell_days

BUDGET = 1_000 * 10**6
LOTS = 1_000
"""0.01 BTC."""


@attrs.frozen
class Day:
    """A day's profit."""

    high_units: int
    low_units: int
    last_units: int
    day: int = 0


def usdt(whole: int) -> int:
    return whole * 10**6


def fill(number: int, side: Side, price_ticks: int, fee: int = 0, **terms: bool) -> Fill:
    return Fill(
        trade_id=str(number),
        order_id=OrderId(number),
        client_order_id=str(number),
        purse=Purse("eve/bot-robot"),
        symbol=SYMBOL,
        side=side,
        price_ticks=price_ticks,
        quantity_lots=LOTS,
        notional_units=INSTRUMENT.notional_units(price_ticks, LOTS),
        fee_units=usdt(fee),
        is_maker=False,
        at_ns=number,
        seq=number,
        simulated=False,
        **terms,
    )


def evidence(ppm: int | None, *, predicts: bool = True, days: int = 0) -> Evidence:
    return Evidence(deflated_sharpe_ppm=ppm, predicts=predicts, paper_days=days)


@pytest.mark.parametrize(
    ("known", "suffices"),
    [
        (evidence(None), False),
        (evidence(None, days=1_000), False),
        (evidence(DEFLATED_SHARPE_MIN_PPM - 1), False),
        (evidence(DEFLATED_SHARPE_MIN_PPM), True),
        (evidence(None, predicts=False, days=PAPER_DAYS_MIN - 1), False),
        (evidence(None, predicts=False, days=PAPER_DAYS_MIN), True),
        (evidence(999_999, predicts=False), False),
    ],
)
def test_what_suffices_to_go_live(known: Evidence, suffices: bool) -> None:
    assert known.suffices is suffices
    assert (known.lacking == "") is suffices
    if suffices:
        assert pass_gate(known, "", 1) is None
        assert pass_gate(known, "whatever", 1) is None
        return
    for sentence in ("", "yes", ACKNOWLEDGEMENT.upper(), f" {ACKNOWLEDGEMENT}"):
        with pytest.raises(Rejection, match="say so"):
            pass_gate(known, sentence, 1)
    word = pass_gate(known, ACKNOWLEDGEMENT, 7)
    assert word is not None
    assert (word.at_ns, word.sentence) == (7, ACKNOWLEDGEMENT)
    assert json.loads(word.known) == attrs.asdict(known)


def test_hits_fees_turnover_and_slippage() -> None:
    fills = [
        fill(1, Side.BUY, 500_000, fee=1),  # 500 for 0.01, at a cost of 501.
        fill(2, Side.SELL, 510_000, fee=1),  # 510, less 1: it earned 8.
        fill(3, Side.BUY, 510_000),
        fill(4, Side.SELL, 509_000),  # It lost 1.
        fill(5, Side.SELL, 500_000),  # Of what it never bought: it closes nothing.
        fill(6, Side.BUY, 1, transferred=True),
    ]
    # The first knew 499,000 and paid 500,000; the second knew 512,000 and got 510,000.
    known = {OrderId(1): 499_000, OrderId(2): 512_000}
    how = measure([], BUDGET, fills, {SYMBOL: INSTRUMENT}, known)
    assert (how.hits, how.closings, how.hit_ppm) == (1, 2, 500_000)
    assert how.fees_units == usdt(2)
    assert how.turnover_units == usdt(500 + 510 + 510 + 509 + 500)
    assert how.fills == 5
    assert (how.slippage_units, how.compared_units) == (usdt(1 + 2), usdt(499 + 512))
    assert how.slippage_ppm == 3 * 10**6 // 1_011


def test_return_and_drawdown() -> None:
    days = [
        Day(usdt(100), usdt(-50), usdt(80)),
        Day(usdt(200), usdt(90), usdt(150)),
        Day(usdt(160), usdt(20), usdt(40)),
    ]
    how = measure(days, BUDGET, [], {}, {})
    assert (how.days, how.profit_units, how.return_ppm) == (3, usdt(40), 40_000)
    # On the third day 180 below the peak of the second, of 1,200; on the first 150 of 1,100.
    assert how.drawdown_ppm == 180 * 10**6 // 1_200
    assert (how.hit_ppm, how.slippage_ppm) == (None, None)


def test_nothing_is_measured_of_one_that_never_ran() -> None:
    how = measure([], BUDGET, [], {}, {})
    assert (how.days, how.return_ppm, how.drawdown_ppm, how.fills) == (0, 0, 0, 0)


def on_day(day: int, number: int, fee: int, **terms: bool) -> Fill:
    return attrs.evolve(fill(number, Side.BUY, 500_000, fee, **terms), at_ns=day * DAY_NS + number)


def test_the_days_of_a_strategy_by_hand() -> None:
    days = [
        Day(usdt(100), usdt(-50), usdt(80), day=10),
        Day(usdt(200), usdt(90), usdt(150), day=11),
        Day(usdt(160), usdt(20), usdt(40), day=13),
    ]
    fills = [
        on_day(10, 1, 1),
        on_day(10, 2, 2),
        on_day(12, 3, 4),
        on_day(13, 4, 0, transferred=True),
    ]
    told = tell_days(days, BUDGET, KnownFills(fills=fills, complete=True))
    assert [each.day for each in told] == [10, 11, 12, 13]
    assert [each.profit_units for each in told] == [usdt(80), usdt(150), None, usdt(40)]
    assert [each.drawdown_units for each in told] == [usdt(150), usdt(110), None, usdt(180)]
    assert [each.drawdown_ppm for each in told] == [
        150 * 10**6 // 1_100, 110 * 10**6 // 1_200, None, 180 * 10**6 // 1_200,
    ]  # fmt: skip
    assert [each.fills for each in told] == [2, 0, 1, 0]
    assert [each.fees_units for each in told] == [usdt(3), 0, usdt(4), 0]
    assert [each.turnover_units for each in told] == [usdt(1_000), 0, usdt(500), 0]
    whole = measure(days, BUDGET, fills, {SYMBOL: INSTRUMENT}, {})
    assert whole.drawdown_ppm == max(each.drawdown_ppm or 0 for each in told)
    assert whole.fees_units == sum(each.fees_units or 0 for each in told)


def test_sums_of_days_whose_fills_are_not_all_known_are_not_told() -> None:
    """Checked: with sums of what is known, the tenth has fees of 2 and the ninth none."""
    days = [Day(usdt(1), 0, usdt(1), day=number) for number in (9, 10, 11)]
    fills = [on_day(10, 2, 2), on_day(11, 3, 4)]
    told = tell_days(days, BUDGET, KnownFills(fills=fills, complete=False))
    assert [each.fees_units for each in told] == [None, None, usdt(4)]
    assert [each.turnover_units for each in told] == [None, None, usdt(500)]
    assert [each.fills for each in told] == [None, None, 1]
    assert [each.profit_units for each in told] == [usdt(1)] * 3


def test_what_was_traded_before_it_was_made_is_not_its_own() -> None:
    known = KnownFills(fills=[on_day(9, 1, 1), on_day(11, 2, 2)], complete=False)
    own = known.since(10 * DAY_NS)
    assert own.complete, "older ones are not its own either"
    assert [each.day for each in tell_days([], BUDGET, own)] == [11]
    assert not known.since(0).complete


def test_nothing_is_told_of_days_of_which_nothing_is_known() -> None:
    assert tell_days([], BUDGET, KnownFills(fills=[], complete=True)) == ()
    [only] = tell_days([Day(0, 0, 0, day=3)], BUDGET, KnownFills(fills=[], complete=False))
    assert only == DayTold(
        day=3,
        profit_units=0,
        drawdown_units=0,
        drawdown_ppm=0,
        fills=0,
        fees_units=0,
        turnover_units=0,
    )
