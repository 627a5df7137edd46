"""Whether a rule fires, from what it remembers and what is seen. Pure: time is an argument.

Theory of operation. A rule is looked at when it is due, or about once a second where it watches
prices; while it sleeps it is not looked at. What it remembers is written in the
same transaction as the firing that follows from it, so that a look after a crash goes on from
there: what was fired is not due again, and what was not fired still is. Times that nobody looked
at are dealt with together, by the policy of the rule, when somebody looks again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, assert_never

import attrs

from xached.automation.rule import Fact, Memory, Rule
from xached.automation.schedule import NS_PER_S, is_awake, next_due_ns
from xached.automation.terms import (
    PPM,
    Direction,
    Drawdown,
    IndicatorReaches,
    Missed,
    PositionGains,
    PriceReaches,
    Schedule,
    When,
)
from xached.automation.worth import price_fact, show_ppm, standing_of
from xached.domain.frozen import frozen
from xached.domain.instrument import Instrument, Symbol
from xached.domain.money import format_units
from xached.domain.portfolio import Holdings, worth_units

ON_TIME_NS: Final = 60 * NS_PER_S
"""Who is looked at this late is still on time: the finest schedule has minutes."""

MISSED_TIMES_MAX: Final = 1_000
"""So many missed times are counted; more are said to be that many or more."""


@frozen(kw_only=True)
class Fires:
    """The rule fires now, for what was due then."""

    due_at_ns: int
    explanation: str
    facts: tuple[Fact, ...] = ()
    stage: int = 0
    """Which of the gains it is."""


@frozen(kw_only=True)
class Passes:
    """Times have passed that are not made up for; ``due_at_ns`` is the newest."""

    due_at_ns: int
    explanation: str


@frozen(kw_only=True)
class Look:
    """What follows from a look: what the rule remembers from now on, and what happens."""

    memory: Memory
    verdict: Fires | Passes | None


def armed_memory(memory: Memory, now_ns: int) -> Memory:
    """What a rule remembers when it is armed: what was due before is not due.

    Gains of a position that it has sold at it does not sell at again, paused or not.
    """
    return Memory(
        cursor_ns=now_ns,
        fired=memory.fired,
        fired_at_ns=memory.fired_at_ns,
        gains_done=memory.gains_done,
        base_lots=memory.base_lots,
        withdrawn=memory.withdrawn,
    )


@frozen(kw_only=True)
class Reading:
    """What an indicator is at the newest closed candle, and when that candle ended."""

    value: float
    candle_ended_ns: int


@frozen(kw_only=True)
class Sight:
    """What there is to see. ``holdings`` may be None for rules that need none."""

    now_ns: int
    holdings: Holdings | None
    instruments: Mapping[Symbol, Instrument]
    readings: Mapping[IndicatorReaches, Reading]


def look(rule: Rule, sight: Sight) -> Look:
    """Decide whether an armed rule fires. What cannot be seen does not happen."""
    when = rule.terms.when
    if isinstance(when, Schedule):
        return _look_at_schedule(rule, when, sight.now_ns)
    if not is_awake(rule.terms.windows, sight.now_ns):
        # What is reached meanwhile is not reached again by waking up.
        return Look(memory=attrs.evolve(rule.memory, reached=None), verdict=None)
    if sight.holdings is None or _rests(rule, sight.now_ns):
        return Look(memory=rule.memory, verdict=None)
    match when:
        case PriceReaches():
            looked = _look_at_price(rule.memory, when, sight, sight.holdings)
        case PositionGains():
            looked = _look_at_gains(rule, when, sight, sight.holdings)
        case Drawdown():
            looked = _look_at_drawdown(rule, when, sight, sight.holdings)
        case IndicatorReaches():
            looked = _look_at_indicator(rule.memory, when, sight)
        case _:
            assert_never(when)
    if looked.verdict is None:
        return looked
    return attrs.evolve(looked, memory=attrs.evolve(looked.memory, fired_at_ns=sight.now_ns))


def watches_prices(when: When) -> bool:
    """Whether a rule has to be looked at all the time."""
    return not isinstance(when, Schedule)


def watches_purse(when: When) -> bool:
    """Whether it has to be seen what its purse holds."""
    return isinstance(when, PositionGains | Drawdown)


def next_look_ns(rule: Rule, now_ns: int) -> int | None:
    """When a rule has to be looked at next, as far as is known; None: never again by itself."""
    when = rule.terms.when
    if not isinstance(when, Schedule):
        return now_ns
    times = [next_due_ns(when, rule.memory.cursor_ns), rule.terms.ends_at_ns or None]
    return min((at_ns for at_ns in times if at_ns is not None), default=None)


def show_time(at_ns: int) -> str:
    """A time as text, to the second, UTC."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _look_at_schedule(rule: Rule, schedule: Schedule, now_ns: int) -> Look:
    memory = rule.memory
    passed, more = _times_between(schedule, memory.cursor_ns, now_ns)
    due = [at_ns for at_ns in passed if is_awake(rule.terms.windows, at_ns)]
    if not passed:
        return Look(memory=memory, verdict=None)
    memory = attrs.evolve(memory, cursor_ns=passed[-1])
    if not due or _rests(rule, due[-1]):
        return Look(memory=memory, verdict=None)
    newest_ns, earlier = due[-1], len(due) - 1
    late_ns = now_ns - newest_ns
    when = f"due at {show_time(newest_ns)}"
    count = f"{earlier}{' or more' if more else ''}"
    if late_ns > ON_TIME_NS and schedule.missed is Missed.SKIP:
        also = f", as were {count} times before it" if earlier else ""
        explanation = f"{when}, missed by {late_ns // NS_PER_S} s and passed over{also}"
        return Look(memory=memory, verdict=Passes(due_at_ns=newest_ns, explanation=explanation))
    late = f", made up for {late_ns // NS_PER_S} s late" if late_ns > ON_TIME_NS else ""
    also = f", {count} missed before it passed over" if earlier else ""
    return Look(
        memory=attrs.evolve(memory, fired_at_ns=now_ns),
        verdict=Fires(due_at_ns=newest_ns, explanation=f"{when}{late}{also}"),
    )


def _look_at_price(memory: Memory, when: PriceReaches, sight: Sight, holdings: Holdings) -> Look:
    price = holdings.prices.get(when.symbol)
    if price is None:
        return Look(memory=memory, verdict=None)
    if when.direction is Direction.ABOVE:
        reached, word = price.ticks >= when.price_ticks, "risen"
    else:
        reached, word = price.ticks <= when.price_ticks, "fallen"
    was, memory = memory.reached, attrs.evolve(memory, reached=reached)
    if not reached or was is not False:
        return Look(memory=memory, verdict=None)
    instrument = sight.instruments[when.symbol]
    seen, level = instrument.format_price(price.ticks), instrument.format_price(when.price_ticks)
    fires = Fires(
        due_at_ns=sight.now_ns,
        explanation=f"{when.symbol} has {word} to {seen}, which reaches {level}",
        facts=(price_fact(when.symbol, price, instrument), Fact(name="level", value=level)),
    )
    return Look(memory=memory, verdict=fires)


def _look_at_indicator(memory: Memory, when: IndicatorReaches, sight: Sight) -> Look:
    reading, level = sight.readings.get(when), float(when.threshold)
    if reading is None:
        return Look(memory=memory, verdict=None)
    if when.direction is Direction.ABOVE:
        reached, word = reading.value >= level, "risen"
    else:
        reached, word = reading.value <= level, "fallen"
    was, memory = memory.reached, attrs.evolve(memory, reached=reached)
    if not reached or was is not False:
        return Look(memory=memory, verdict=None)
    named = f"{when.indicator}({', '.join(when.settings)}) of {when.symbol}"
    fires = Fires(
        due_at_ns=reading.candle_ended_ns,
        explanation=f"{named} has {word} to {reading.value:.10g}, which reaches {when.threshold}",
        facts=(
            Fact(name=f"{when.indicator} {when.output}", value=f"{reading.value:.17g}"),
            Fact(name="level", value=when.threshold),
            Fact(name="candle ended", value=show_time(reading.candle_ended_ns)),
            Fact(name="candles of", value=f"{when.venue} {when.interval.name}".strip()),
        ),
    )
    return Look(memory=memory, verdict=fires)


def _look_at_gains(rule: Rule, when: PositionGains, sight: Sight, holdings: Holdings) -> Look:
    memory, price = rule.memory, holdings.prices.get(when.symbol)
    position = holdings.purses[rule.purse].positions.get(when.symbol)
    if position is None or not position.quantity_lots:
        return Look(memory=attrs.evolve(memory, gains_done=0, base_lots=0), verdict=None)
    stage = memory.gains_done
    if price is None or stage >= len(when.gains_ppm) or not position.cost_units:
        return Look(memory=memory, verdict=None)
    instrument, gain_ppm = sight.instruments[when.symbol], when.gains_ppm[stage]
    worth = worth_units(position, price, instrument)
    if worth * PPM < position.cost_units * (PPM + gain_ppm):
        return Look(memory=memory, verdict=None)

    def show(units: int) -> str:
        return f"{instrument.format_quote(units)} {instrument.quote}"

    fires = Fires(
        due_at_ns=sight.now_ns,
        explanation=f"the position in {when.symbol} is worth {show_ppm(gain_ppm)} more than it "
        f"cost, step {stage + 1} of {len(when.gains_ppm)}",
        facts=(
            price_fact(when.symbol, price, instrument),
            Fact(name="position", value=instrument.format_quantity(position.quantity_lots)),
            Fact(name="cost", value=show(position.cost_units)),
            Fact(name="worth", value=show(worth)),
        ),
        stage=stage,
    )
    base_lots = memory.base_lots if stage else position.quantity_lots
    memory = attrs.evolve(memory, gains_done=stage + 1, base_lots=base_lots)
    return Look(memory=memory, verdict=fires)


def _look_at_drawdown(rule: Rule, when: Drawdown, sight: Sight, holdings: Holdings) -> Look:
    standing = standing_of(holdings, rule.purse, when.asset, sight.instruments)
    memory = rule.memory
    if standing is None:
        return Look(memory=memory, verdict=None)
    profit = standing.profit_units
    high = profit if memory.high_units is None else max(memory.high_units, profit)
    memory, fall = attrs.evolve(memory, high_units=high), high - profit
    if not fall or fall * PPM < when.fall_ppm * (standing.worth_units + fall):
        return Look(memory=memory, verdict=None)

    def show(units: int) -> str:
        return f"{format_units(units, standing.scale)} {when.asset}"

    fires = Fires(
        due_at_ns=sight.now_ns,
        explanation=f"the purse has lost {show(fall)} from its height, which is "
        f"{show_ppm(when.fall_ppm)} of its worth or more",
        facts=(
            Fact(name="profit", value=show(profit)),
            Fact(name="highest profit", value=show(high)),
            Fact(name="worth", value=show(standing.worth_units)),
        ),
    )
    # What comes next is measured from here: it fires once for each fall.
    return Look(memory=attrs.evolve(memory, high_units=profit), verdict=fires)


def _rests(rule: Rule, at_ns: int) -> bool:
    """Whether the rule has fired too short a time before."""
    fired_ns = rule.memory.fired_at_ns
    return fired_ns > 0 and at_ns < fired_ns + rule.terms.cooldown_s * NS_PER_S


def _times_between(schedule: Schedule, after_ns: int, to_ns: int) -> tuple[list[int], bool]:
    """Times in (after, to], and whether there were more than are counted, which are older."""
    times = _first_times(schedule, after_ns, to_ns)
    if len(times) < MISSED_TIMES_MAX:
        return times, False
    # No schedule has more than one time a minute.
    recent = _first_times(schedule, to_ns - MISSED_TIMES_MAX * 60 * NS_PER_S, to_ns)
    return recent or times, True


def _first_times(schedule: Schedule, after_ns: int, to_ns: int) -> list[int]:
    times: list[int] = []
    at_ns = next_due_ns(schedule, after_ns)
    while at_ns is not None and at_ns <= to_ns and len(times) < MISSED_TIMES_MAX:
        times.append(at_ns)
        at_ns = next_due_ns(schedule, at_ns)
    return times
