"""Candles: against trades grouped by hand, shorter against longer, and across interruptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.market_values import EXAMPLES
from xached.domain.candles import (
    NS_PER_S,
    Candle,
    CandleBuilder,
    DaySummary,
    Interval,
    summarize_day,
)


@attrs.frozen
class Trade:
    at_ns: int
    price_ticks: int
    lots: int
    simulated: bool
    bought: bool = False


START_NS = 1_700_000_000 * NS_PER_S

# Steps from nothing to days, so that every interval is met at its edges.
gaps = st.sampled_from(
    (0, 1, NS_PER_S // 3, NS_PER_S, 61 * NS_PER_S, 17 * 60 * NS_PER_S, 30 * 3_600 * NS_PER_S)
)


@st.composite
def trades(draw: st.DrawFn) -> list[Trade]:
    at_ns = START_NS
    made = []
    for _ in range(draw(st.integers(0, 25))):
        at_ns += draw(gaps)
        made.append(
            Trade(
                at_ns,
                draw(st.integers(1, 50)),
                draw(st.integers(1, 9)),
                draw(st.booleans()),
                draw(st.booleans()),
            )
        )
    return made


def by_hand(made: Iterable[Trade], interval: Interval) -> list[Candle]:
    groups: dict[int, list[Trade]] = {}
    for trade in made:
        groups.setdefault(trade.at_ns // interval.ns * interval.ns, []).append(trade)
    return [
        Candle(
            interval=interval,
            open_at_ns=open_at_ns,
            open_ticks=group[0].price_ticks,
            high_ticks=max(trade.price_ticks for trade in group),
            low_ticks=min(trade.price_ticks for trade in group),
            close_ticks=group[-1].price_ticks,
            volume_lots=sum(trade.lots for trade in group if not trade.simulated),
            trades=len(group),
            simulated_trades=sum(trade.simulated for trade in group),
            closed=True,
            bought_lots=sum(trade.lots for trade in group if trade.bought and not trade.simulated),
        )
        for open_at_ns, group in sorted(groups.items())
    ]


def build(builder: CandleBuilder, made: Iterable[Trade]) -> list[Candle]:
    closed: list[Candle] = []
    for trade in made:
        closed += builder.trade(
            trade.at_ns,
            trade.price_ticks,
            trade.lots,
            simulated=trade.simulated,
            bought=trade.bought,
        )
    return closed


def of(candles: Iterable[Candle], interval: Interval) -> list[Candle]:
    return [candle for candle in candles if candle.interval is interval]


def finish(builder: CandleBuilder) -> list[Candle]:
    return builder.advance(builder.now_ns + 2 * Interval.D1.ns)


@settings(max_examples=EXAMPLES, deadline=None)
@given(trades())
def test_candles_hold_what_traded_in_them(made: list[Trade]) -> None:
    builder = CandleBuilder()
    closed = build(builder, made)
    open_candles = [attrs.evolve(each, closed=True) for each in builder.open_candles().values()]
    for interval in Interval:
        assert of(closed + open_candles, interval) == by_hand(made, interval)
    assert of(closed + finish(builder), Interval.S1) == by_hand(made, Interval.S1)


@settings(max_examples=EXAMPLES, deadline=None)
@given(trades(), st.sampled_from(list(Interval)))
def test_longer_candles_are_the_sum_of_shorter_ones(made: list[Trade], part: Interval) -> None:
    direct, merged = CandleBuilder(), CandleBuilder()
    wholes = build(direct, made) + finish(direct)
    from_parts: list[Candle] = []
    for candle in of(wholes, part):
        from_parts += merged.merge(candle)
    from_parts += finish(merged)
    for interval in Interval:
        if interval >= part:
            assert of(from_parts, interval) == of(wholes, interval)


@settings(max_examples=EXAMPLES, deadline=None)
@given(trades(), st.integers(0, 25))
def test_an_interruption_changes_no_candle(made: list[Trade], at: int) -> None:
    whole, before, after = CandleBuilder(), CandleBuilder(), CandleBuilder()
    closed = build(before, made[:at])
    after.resume(before.open_candles().values(), before.now_ns)
    closed += build(after, made[at:]) + finish(after)
    assert closed == build(whole, made) + finish(whole)


def test_what_takers_bought_is_known_of_the_whole_only_where_it_is_of_all_parts() -> None:
    builder = CandleBuilder()
    builder.trade(START_NS, 5, 3, simulated=False, bought=True)
    (second, *_) = builder.advance(START_NS + NS_PER_S)
    assert second.bought_lots == 3
    later = attrs.evolve(second, open_at_ns=START_NS + 2 * NS_PER_S, bought_lots=None)
    builder.merge(later)
    minute = builder.open_candle(Interval.M1)
    assert minute is not None
    assert (minute.volume_lots, minute.bought_lots) == (6, None)
    builder.trade(START_NS + 4 * NS_PER_S, 5, 1, simulated=False, bought=True)
    minute = builder.open_candle(Interval.M1)
    assert minute is not None
    assert minute.bought_lots is None, "what is lost stays lost"


def test_closed_candles_come_in_order_shortest_first() -> None:
    builder = CandleBuilder()
    builder.trade(START_NS, 5, 1, simulated=False, bought=True)
    closed = finish(builder)
    assert [candle.interval for candle in closed] == list(Interval)
    assert builder.open_candles() == {}


def test_a_quiet_second_has_no_candle() -> None:
    builder = CandleBuilder()
    made = [Trade(START_NS, 5, 1, False), Trade(START_NS + 3 * NS_PER_S, 6, 1, False)]
    seconds = of(build(builder, made) + finish(builder), Interval.S1)
    assert [candle.open_at_ns for candle in seconds] == [START_NS, START_NS + 3 * NS_PER_S]


def test_a_late_trade_counts_in_the_open_candle() -> None:
    builder = CandleBuilder()
    builder.trade(START_NS, 5, 1, simulated=False, bought=True)
    builder.advance(START_NS + NS_PER_S)
    assert builder.trade(START_NS, 7, 2, simulated=False, bought=True) == []
    late = builder.open_candle(Interval.S1)
    assert late is not None
    assert (late.open_at_ns, late.volume_lots) == (START_NS + NS_PER_S, 2)


def test_simulated_trades_make_prices_and_no_volume() -> None:
    builder = CandleBuilder()
    build(builder, [Trade(START_NS, 5, 4, False), Trade(START_NS, 9, 100, True)])
    candle = builder.open_candle(Interval.D1)
    assert candle is not None
    assert (candle.high_ticks, candle.close_ticks, candle.volume_lots) == (9, 9, 4)
    assert (candle.trades, candle.simulated_trades) == (2, 1)


def test_a_day_is_the_last_24_hours() -> None:
    def five_minutes(hours_ago: float, price_ticks: int) -> Candle:
        opened = START_NS - round(hours_ago * 3_600) * NS_PER_S
        trade = Trade(opened - opened % Interval.M5.ns, price_ticks, 1, False)
        return by_hand([trade], Interval.M5)[0]

    closed: Sequence[Candle] = [five_minutes(25, 1), five_minutes(23, 50), five_minutes(1, 40)]
    assert summarize_day(closed, five_minutes(0, 45), START_NS) == DaySummary(
        open_ticks=50,
        open_at_ns=closed[1].open_at_ns,
        high_ticks=50,
        low_ticks=40,
        volume_lots=3,
    )
    assert summarize_day([], None, START_NS).open_ticks is None
