"""When something is news, and when it is over."""

from __future__ import annotations

import attrs
from xache_sdk import notifiers

from xached.domain.instrument import Symbol
from xached.domain.messages import HaltSet, MarketStateSet, RiskStateSet, Row
from xached.domain.notices import (
    SETTLED_NS,
    Condition,
    ConditionWatch,
    NoticeKind,
    Severity,
    news_of,
    shown,
)
from xached.domain.order import MarketState
from xached.domain.risk_bounds import RiskScope, RiskSetter, RiskState

S = 10**9
SILENT = Condition(
    kind=NoticeKind.FEED_STALE, over=NoticeKind.FEED_BACK, subject="venue:BINANCE",
    severity=Severity.WARNING, text="silent", lasts_ns=10 * S,
)  # fmt: skip


def test_a_condition_is_told_once_when_it_has_lasted_and_once_when_it_is_over() -> None:
    watch = ConditionWatch()
    assert watch.look([SILENT], 0) == []
    assert watch.look([SILENT], 9 * S) == []
    (told,) = watch.look([SILENT], 10 * S)
    assert (told.kind, told.severity, told.text) == (
        NoticeKind.FEED_STALE, Severity.WARNING, "silent",
    )  # fmt: skip
    assert watch.look([SILENT], 11 * S) == []
    assert watch.look([], 20 * S) == []
    (over,) = watch.look([], 20 * S + SETTLED_NS)
    assert (over.kind, over.severity) == (NoticeKind.FEED_BACK, Severity.INFO)
    assert watch.look([], 99 * S) == []


def test_what_comes_and_goes_is_told_once() -> None:
    watch, told = ConditionWatch(), 0
    for second in range(100):
        told += len(watch.look([SILENT] if second % 5 else [], second * S + 10 * S))
    assert told == 0, "it never lasted"
    steady = attrs.evolve(SILENT, lasts_ns=0)
    for second in range(100):
        told += len(watch.look([steady] if second % 5 else [], second * S + 200 * S))
    assert told == 1


def test_conditions_are_told_apart_by_what_they_are_about() -> None:
    now = attrs.evolve(SILENT, lasts_ns=0)
    other = attrs.evolve(now, subject="venue:KRAKEN")
    watch = ConditionWatch()
    assert [each.subject for each in watch.look([now, other], 0)] == [
        "venue:BINANCE", "venue:KRAKEN",
    ]  # fmt: skip
    watch.look([other], S)
    (over,) = watch.look([other], S + SETTLED_NS)
    assert over.subject == "venue:BINANCE"


def test_rows_that_change_what_may_be_done_are_news() -> None:
    events = (
        MarketStateSet(symbol=Symbol("BTC-USDT"), state=MarketState.HALTED, cause="no mark"),
        MarketStateSet(symbol=Symbol("BTC-USDT"), state=MarketState.TRADING, cause="a mark"),
        RiskStateSet(
            scope=RiskScope("purse:abc/my secret plan"), setter=RiskSetter.WATCH,
            state=RiskState.REDUCING, cause="drawdown",
        ),
        HaltSet(halted=True, cause="clock"),
        HaltSet(halted=False, cause="confirmed"),
    )  # fmt: skip
    row = Row(seq=1, at_ns=1, command=None, events=events)  # type: ignore[arg-type] # not read
    told = [(each.severity.name, each.subject, each.text) for each in news_of(row)]
    assert told == [
        ("WARNING", "market:BTC-USDT", "the market is HALTED: no mark"),
        ("INFO", "market:BTC-USDT", "the market is TRADING: a mark"),
        ("WARNING", "purse:abc", "WATCH lets it be REDUCING: drawdown"),
        ("ERROR", "house", "the house is halted: clock"),
        ("INFO", "house", "the halt of the house is lifted: confirmed"),
    ]


def test_text_is_one_line() -> None:
    assert shown("a\nb\x1b[2J\u202ec", 7) == "a?b?[2J"


def test_plugins_know_the_same_kinds() -> None:
    known = {each.name for each in notifiers.NoticeKind} - {"OTHER"}
    assert known == {each.name for each in NoticeKind}
    assert {each.name for each in notifiers.Severity} == {each.name for each in Severity}
