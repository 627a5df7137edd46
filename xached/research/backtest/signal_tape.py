"""What signals said over a history: computed once, and told to every run as of its time.

A signal does not know who uses it, so what it says is the same for every strategy, every setting
and every fold. It is computed by the very class that the house runs, in the same session, from
candles in the order in which they became known; a run tells each value after all that was known at
the moment it is of.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs
from xache_sdk.market import Candle
from xache_sdk.replay import MarketValue, known_at_ns
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import SignalEvent, SignalValue, with_losses
from xache_sdk.source_replay import check_source, run_source
from xache_sdk.strategy import Strategy

from xached.research.history.candle_set import DataError


@attrs.frozen
class SignalSpec:
    """A signal as it is run: its class, and its settings as JSON has them."""

    source: type[SignalSource[Any]]
    settings: Mapping[str, Any]


@attrs.frozen
class SignalTape:
    """What the signals of these names said, in order of time."""

    names: frozenset[str] = frozenset()
    events: tuple[SignalEvent, ...] = attrs.field(default=(), repr=False)

    def told(self, uses: Collection[str], start_ns: int) -> list[SignalEvent]:
        """What a run from a time on hears of some of them, with what holds at its start.

        Raises: DataError for a signal that is not here.
        """
        if missing := sorted(set(uses) - self.names):
            raise DataError(
                f"the strategy uses {', '.join(missing)}, which no signal of this run is called"
            )
        holding: dict[tuple[str, str], SignalValue] = {}
        told: list[SignalEvent] = []
        for event in self.events:
            if event.signal not in uses:
                continue
            if event.at_ns > start_ns:
                told.append(event)
            elif isinstance(event, SignalValue):
                holding[event.signal, event.name] = event
        return [each for each in holding.values() if each.expires_at_ns > start_ns] + told


NO_SIGNALS: Final = SignalTape()


class MadeStrategies(Protocol):
    """Something that makes a strategy."""

    def __call__(self, settings: Mapping[str, Any], /) -> Strategy[Any]:
        """A new one."""
        ...


def with_signals(told: Sequence[Candle], tape: SignalTape) -> list[MarketValue]:
    """Candles, and what signals say after them, in the order in which they become known."""
    if not told or not tape.events:
        return list(told)
    said = [each for each in tape.events if each.at_ns >= told[0].ends_at_ns]
    # Candles come first among what is known at one time: the sort keeps their order.
    return sorted((*told, *said), key=known_at_ns)


def used_signals(make: MadeStrategies, combinations: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The signals that a strategy uses in any of its settings."""
    return frozenset(name for each in combinations for name in make(each).uses())


def tape_of(
    specs: Mapping[str, SignalSpec],
    used: Collection[str],
    told: Sequence[Candle],
    *,
    check: bool = False,
) -> SignalTape:
    """Compute what the signals that are used say over candles, in the order they became known.

    ``check``: refuse one that looks ahead.

    Raises: DataError for one that is not here, or has nothing to see; CheckFailed; what a signal
    raises.
    """
    values: list[SignalValue] = []
    for name in sorted(used):
        spec = specs.get(name)
        if spec is None:
            known = ", ".join(sorted(specs)) or "none is given"
            raise DataError(f"the strategy uses the signal {name!r}: {known}")
        try:
            if check:
                check_source(spec.source, spec.settings, told)
            values += run_source(name, spec.source, spec.settings, told)
        except LookupError as error:
            raise DataError(f"the signal {name!r}: {error}") from None
    if not told:
        return SignalTape(frozenset(used))
    ordered = sorted(values, key=lambda each: each.as_of_ns)
    return SignalTape(frozenset(used), tuple(with_losses(ordered, told[-1].ends_at_ns)))
