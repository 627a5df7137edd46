"""What indicators of rules are at the newest closed candle.

One indicator runs for all rules that want the same. It is pushed each closed candle once, in
order, and begins as far back as it takes until what was before no longer matters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import attrs

from xached.actors.rules.surroundings import TradingPlace
from xached.automation.deciding import Reading
from xached.automation.indicators import CandleValues, lead_of, make_of_candles
from xached.automation.terms import Direction, IndicatorReaches
from xached.domain.candles import NS_PER_S
from xached.domain.rejection import Rejection

WAIT_NS: Final = 10 * NS_PER_S
"""So long after a candle should have ended it is asked for again, while there is none."""


@attrs.define(eq=False)
class _Running:
    """One indicator, and how far it has been pushed."""

    values: CandleValues
    names: tuple[str, ...]
    lead: int
    newest: tuple[int, list[float]] | None = None
    """When the newest candle with a value ended, and the value of each output."""
    told_to_ns: int = -1
    """When the newest candle that was pushed began."""
    ask_at_ns: int = 0


class Readings:
    """The indicators of the rules of one place."""

    def __init__(self, place: TradingPlace) -> None:
        self._place = place
        self._running: dict[IndicatorReaches, _Running] = {}

    async def read(
        self, wanted: Collection[IndicatorReaches], now_ns: int
    ) -> dict[IndicatorReaches, Reading]:
        """What each is now; without those that have no value, or whose market is not there."""
        keys = {_key(when): None for when in wanted}
        self._running = {key: run for key, run in self._running.items() if key in keys}
        for key in keys:
            run = self._running.get(key)
            if run is None:
                try:
                    run = self._running[key] = self._start(key)
                except Rejection:  # It is not listed (yet).
                    continue
            if now_ns >= run.ask_at_ns:
                await self._catch_up(key, run, now_ns)
        found: dict[IndicatorReaches, Reading] = {}
        for when in wanted:
            known = self._running.get(_key(when))
            if known is not None and known.newest is not None:
                ended_ns, values = known.newest
                value = values[known.names.index(when.output)]
                found[when] = Reading(value=value, candle_ended_ns=ended_ns)
        return found

    def _start(self, key: IndicatorReaches) -> _Running:
        indicator = make_of_candles(key.indicator, key.settings)
        instrument = self._place.directory.instrument(key.symbol)
        return _Running(
            values=CandleValues(indicator, instrument),
            names=indicator.about.outputs,
            lead=max(1, lead_of(indicator, key.interval)),
        )

    async def _catch_up(self, key: IndicatorReaches, run: _Running, now_ns: int) -> None:
        """Push what has closed since, and work out when to ask again."""
        interval_ns, count = key.interval.ns, run.lead
        if run.told_to_ns >= 0:
            count = min(run.lead, (now_ns - run.told_to_ns) // interval_ns + 1)
        venue = key.venue or self._place.venue
        try:
            candles = await self._place.candles.past_candles(key.symbol, venue, key.interval, count)
        except Rejection:  # Its feed has not begun yet.
            candles = ()
        for candle in candles:
            if candle.open_at_ns <= run.told_to_ns:
                continue
            run.told_to_ns = candle.open_at_ns
            values = run.values.push(candle)
            if values is not None:
                run.newest = candle.ends_at_ns, values
        open_at_ns = now_ns // interval_ns * interval_ns
        whole = run.told_to_ns + interval_ns >= open_at_ns
        run.ask_at_ns = open_at_ns + interval_ns if whole else now_ns + WAIT_NS


def _key(when: IndicatorReaches) -> IndicatorReaches:
    """What rules that differ in their levels have in common."""
    return attrs.evolve(when, output="", threshold="", direction=Direction.ABOVE)
