"""What a rule would have done: the same decisions over candles of the past, with a pretended purse.

The rule is looked at with the eyes of :mod:`xached.automation.deciding` and its commands are those
of :mod:`xached.automation.ordering`. What is pretended is the exchange: an order at market fills
whole at the close of the candle before it, with the taker's fee; a limit order fills at its price
when a later candle goes beyond it, with the maker's. There is no spread, no depth and nobody else,
so the truth is a little worse. A schedule is looked at when it is due, everything else at the end
of each candle.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import attrs

from xached.automation.checking import refused_terms
from xached.automation.deciding import Fires, Reading, Sight, armed_memory, look
from xached.automation.indicators import CandleValues, make_of_candles
from xached.automation.ordering import plan_commands
from xached.automation.rehearsed_purse import RehearsedPurse
from xached.automation.rule import Fact, Rule, StepCommand
from xached.automation.schedule import next_due_ns
from xached.automation.terms import (
    Drawdown,
    IndicatorReaches,
    OrderAction,
    PositionGains,
    PriceReaches,
    Rebalance,
    RuleTerms,
    Schedule,
)
from xached.domain.candles import Candle
from xached.domain.frozen import frozen
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.queries import PurseSnapshot
from xached.domain.rejection import Rejection

FIRINGS_SHOWN: Final = 100
"""The newest; all are counted."""

LOOKS_MAX: Final = 50_000
"""Seconds of work. Between two candles of a day there are 1,440 times of a schedule."""


@frozen(kw_only=True)
class RehearsedFiring:
    """One time that the rule would have fired. Each command has its answer."""

    at_ns: int
    explanation: str
    facts: tuple[Fact, ...]
    sent: tuple[tuple[StepCommand, str], ...]


def quote_of(terms: RuleTerms, instruments: Mapping[Symbol, Instrument]) -> AssetName | None:
    """What a rehearsal counts in; None for a rule that is about no market."""
    if isinstance(terms.when, Drawdown):
        return terms.when.asset
    symbols = symbols_of(terms, instruments, ())
    return instruments[symbols[0]].quote if symbols else None


def symbols_of(
    terms: RuleTerms, instruments: Mapping[Symbol, Instrument], held: Collection[AssetName]
) -> tuple[Symbol, ...]:
    """The markets whose past has to be known, those that are watched first.

    ``held`` is what the purse has: the worth of what it does not have never moves.
    """
    symbols: list[Symbol] = []
    match terms.when:
        case PriceReaches(symbol=symbol) | PositionGains(symbol=symbol):
            symbols.append(symbol)
        case IndicatorReaches(symbol=symbol):
            symbols.append(symbol)
        case Drawdown(asset=asset):
            quoted = [each for each, market in instruments.items() if market.quote == asset]
            # One in any case: its candles are what time passes by.
            symbols += [each for each in quoted if instruments[each].base in held] or quoted[:1]
        case Schedule():
            pass
    match terms.then:
        case OrderAction(symbol=symbol):
            symbols.append(symbol)
        case Rebalance(targets=targets):
            symbols += [target.symbol for target in targets]
        case _:
            pass
    return tuple(dict.fromkeys(symbols))


class Rehearsal:
    """One rule over one past. ``candles`` are closed, oldest first, by market."""

    def __init__(
        self,
        rule: Rule,
        purse: PurseSnapshot,
        instruments: Mapping[Symbol, Instrument],
        candles: Mapping[Symbol, Sequence[Candle]],
    ) -> None:
        self.firings: list[RehearsedFiring] = []
        """The newest, oldest first."""
        self.fired = 0
        self.purse = RehearsedPurse(rule.purse, purse, instruments)
        merged = [
            (candle.ends_at_ns, symbol, candle) for symbol in candles for candle in candles[symbol]
        ]
        self._past = sorted(merged, key=lambda each: each[:2])
        self._instruments = instruments
        self._readings: dict[IndicatorReaches, Reading] = {}
        self._values: CandleValues | None = None
        self._looks = 0
        when = rule.terms.when
        if isinstance(when, IndicatorReaches):
            indicator = make_of_candles(when.indicator, when.settings)
            self._values = CandleValues(indicator, instruments[when.symbol])
        begins_ns = self._past[0][0] - 1 if self._past else 0
        fresh = attrs.evolve(rule.memory, fired=0, fired_at_ns=0, gains_done=0, base_lots=0)
        self._rule = attrs.evolve(rule, memory=armed_memory(fresh, begins_ns), firings=0)

    @property
    def span_ns(self) -> tuple[int, int]:
        """When the first candle ended and the last one; (0, 0) without any."""
        return (self._past[0][0], self._past[-1][0]) if self._past else (0, 0)

    def run(self) -> Iterator[None]:
        """Go through the past; stops for others after every look and every moment of it.

        Raises: Rejection RULE_TERMS, when there is more to look at than :data:`LOOKS_MAX`.
        """
        for at_ns, moment in itertools.groupby(self._past, key=lambda each: each[0]):
            yield from self._look_until(at_ns)
            for _, symbol, candle in moment:
                self._see(symbol, candle)
            yield from self._look_until(at_ns + 1)
            if not isinstance(self._rule.terms.when, Schedule):
                self._look(at_ns)
            yield

    def _look_until(self, before_ns: int) -> Iterator[None]:
        """Look at a schedule at each of its times before this."""
        when = self._rule.terms.when
        while isinstance(when, Schedule):
            due_ns = next_due_ns(when, self._rule.memory.cursor_ns)
            if due_ns is None or due_ns >= before_ns:
                return
            self._look(due_ns)
            yield

    def _see(self, symbol: Symbol, candle: Candle) -> None:
        self.purse.see(symbol, candle)
        when = self._rule.terms.when
        if self._values is None or not isinstance(when, IndicatorReaches) or symbol != when.symbol:
            return
        values = self._values.push(candle)
        if values is not None:
            names = make_of_candles(when.indicator, when.settings).about.outputs
            reading = Reading(
                value=values[names.index(when.output)], candle_ended_ns=candle.ends_at_ns
            )
            self._readings[when] = reading

    def _look(self, now_ns: int) -> None:
        self._looks += 1
        if self._looks > LOOKS_MAX:
            allowed = f"fewer or shorter candles: {LOOKS_MAX} times to look at"
            raise refused_terms("limit", "the rule is due too often", len(self._past), allowed)
        rule = self._rule
        over = rule.terms.max_firings and rule.memory.fired >= rule.terms.max_firings
        if over or (rule.terms.ends_at_ns and now_ns >= rule.terms.ends_at_ns):
            cursor_ns = max(now_ns, rule.memory.cursor_ns)
            self._rule = attrs.evolve(rule, memory=attrs.evolve(rule.memory, cursor_ns=cursor_ns))
            return
        sight = Sight(
            now_ns=now_ns,
            holdings=self.purse.holdings(),
            instruments=self._instruments,
            readings=self._readings,
        )
        looked = look(rule, sight)
        self._rule = attrs.evolve(rule, memory=looked.memory)
        if isinstance(looked.verdict, Fires):
            self._fire(looked.verdict, now_ns)

    def _fire(self, fires: Fires, now_ns: int) -> None:
        self.fired += 1
        memory = attrs.evolve(self._rule.memory, fired=self.fired)
        self._rule = attrs.evolve(self._rule, memory=memory)
        explanation, facts = fires.explanation, fires.facts
        sent: list[tuple[StepCommand, str]] = []
        try:
            plan = plan_commands(
                self._rule, self.fired, fires.stage, self.purse.holdings(), self._instruments
            )
        except Rejection as rejection:
            explanation += f"; nothing was sent: {rejection.message}"
        else:
            explanation = "; ".join(filter(None, (explanation, plan.remark)))
            facts = (*facts, *plan.facts)
            sent = [(command, self.purse.carry_out(command)) for command in plan.commands]
        firing = RehearsedFiring(
            at_ns=now_ns, explanation=explanation, facts=facts, sent=tuple(sent)
        )
        self.firings = [*self.firings, firing][-FIRINGS_SHOWN:]
