"""Find out whether a strategy knows what it cannot know.

A strategy that looks ahead decides otherwise at a moment when what comes after it is missing. So
it is run over all of the data, and again over data that end at random places: up to there it must
want the same, and every declared column and signal must have the same values. What it promised is
checked too: that both forms of a column agree, and that it does nothing where its signal says so.

Models are history too (:mod:`xache_sdk.shelf`): those that came to be later say the opposite in the
shorter runs, so a strategy that asks them before they may be asked wants something else.

Markets are history as well: in the shorter runs there are only those that had been listed, and what
it subscribes to.

What this cannot find: a strategy that carries the future in its own code. That shows when it
trades on data it has never seen.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any

from xache_sdk.context import Balance, Context
from xache_sdk.market import NS_PER_S, Book, Books, Candle, Candles, Trade, Trades
from xache_sdk.models import ModelError
from xache_sdk.replay import Decision, MarketValue, Replay, first_after_warm_up, known_at_ns
from xache_sdk.session import Session
from xache_sdk.settings import make_settings
from xache_sdk.shelf import SETTING, with_another_future
from xache_sdk.signal_values import SignalLost, SignalValue
from xache_sdk.signals import UNKNOWN, CandleColumns
from xache_sdk.strategy import Strategy

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUTS = 10
FUNDS = Decimal(10**12)
SHOWN_LENGTH_MAX = 300


class CheckFailed(Exception):  # noqa: N818 - says what is the matter
    """``place`` is the file and line of what did it, ``at_ns`` when it did."""

    def __init__(self, what: str, place: str, at_ns: int) -> None:
        super().__init__(f"{place}: {what}")
        self.what = what
        self.place = place
        self.at_ns = at_ns


class LookedAhead(CheckFailed):
    """A strategy used what it could not know."""


class PromiseBroken(CheckFailed):
    """What a strategy declared is not what it does."""


def check_no_look_ahead(
    strategy_type: type[Strategy[Any]],
    settings: Mapping[str, Any],
    data: Sequence[MarketValue],
    *,
    context: Callable[[], Context] | None = None,
    cuts: int = CUTS,
    seed: int = 0,
) -> None:
    """Run a strategy over data, in the order they became known, and over beginnings of them.

    ``settings`` are values as JSON has them; ``context`` makes a start, by default one with money
    for everything. Data are cut in their last three quarters, so that there is something to see.

    Raises: LookedAhead; PromiseBroken; SettingsError; LookupError when there is nothing in the data
    that it subscribes to; what the strategy raises over all the data.
    """
    made = make_settings(strategy_type.settings_type, dict(settings))

    session = Session(strategy_type(made))
    everything, data = data, _told_of(session, data)
    if not data:
        raise LookupError("there is no data of what it subscribes to")
    first = first_after_warm_up(session, data)

    def run(
        values: Sequence[MarketValue],
        known: Mapping[str, Any] = settings,
        listed: Sequence[MarketValue] = everything,
    ) -> _Run:
        start = context() if context is not None else _rich_context(listed)
        told = make_settings(strategy_type.settings_type, dict(known))
        return _Run(strategy_type(told), start, values, first)

    whole = run(data)
    whole.check_forms()
    whole.check_signals(run(data))
    named = _first_of_each(data)
    draw = random.Random(seed)  # noqa: S311 - where to cut, not a secret
    places = range(max(first + 1, len(data) // 4), len(data))
    for cut in sorted(draw.sample(places, min(cuts, len(places)))):
        ended_ns = known_at_ns(data[cut - 1])
        with failing(ended_ns, whole.place):
            listed = [each for each in everything if known_at_ns(each) <= ended_ns]
            part = run(data[:cut], _known_settings(settings, ended_ns), (*listed, *named))
            wanted = part.decisions
        whole.check_columns(part, ended_ns)
        compare_decisions(whole.decisions, wanted, cut, ended_ns, whole.place)


def compare_decisions(
    whole: Sequence[Decision], part: Sequence[Decision], cut: int, ended_ns: int, place: str
) -> None:
    """Compare what was wanted before an index with what was wanted when the data ended there.

    ``ended_ns`` is when the last of these data became known; ``place`` is who wanted it.

    Raises: LookedAhead for the first difference.
    """
    difference = _first_difference([each for each in whole if each.index < cut], part)
    if difference is not None:
        at_ns, seen, unseen = difference
        raise LookedAhead(
            f"at {utc(at_ns)} it wanted {seen}, but {unseen} when the data ended at "
            f"{utc(ended_ns)}",
            place,
            at_ns,
        )


class _Run:
    """A strategy over some data: its columns and signals, computed at once, and what it wants."""

    def __init__(
        self,
        strategy: Strategy[Any],
        context: Context,
        data: Sequence[MarketValue],
        first: int,
    ) -> None:
        self._first = first
        self.place = place_of(type(strategy).on_candle)
        self._session = Session(strategy)
        self._context = context
        self._data = data
        declared = self._session.declarations
        self.candles = {
            each: _candles_of(each, data)
            for each in self._session.subscriptions
            if isinstance(each, Candles)
        }
        columns = {each: _columns(told) for each, told in self.candles.items() if told}
        self._computed = [
            (each, each.batch(columns[each.candles]))
            for each in declared.columns
            if each.candles in columns
        ]
        values = {id(each.column): array for each, array in self._computed}
        self._signals = {
            candles: signal.decide(*(values[id(column)] for column in signal.of))
            for candles, signal in declared.signals.items()
            if candles in columns
        }

    @functools.cached_property
    def decisions(self) -> list[Decision]:
        """What it wants with columns that were computed at once."""
        return self.decide()

    def decide(self, asleep: frozenset[int] = frozenset()) -> list[Decision]:
        """The same when it is not called at some candles. Once for each object."""
        for declaration, array in self._computed:
            self._session.compute(declaration, _one_by_one(array))
        return Replay(self._session, self._context, self._data, self._first, asleep).run()

    def check_forms(self) -> None:
        """Compare the two forms of every column. Raises: PromiseBroken."""
        for declaration, array in self._computed:
            for candle, value in zip(
                self.candles[declaration.candles], _values(array), strict=True
            ):
                stepped = declaration.step(candle)
                if stepped != value:
                    raise PromiseBroken(
                        f"at {utc(candle.ends_at_ns)} the column is {stepped} step by step, but "
                        f"{value} computed at once",
                        place_of(declaration.batch),
                        candle.ends_at_ns,
                    )

    def check_signals(self, again: _Run) -> None:
        """Compare with a run that is not called where signals say so. Raises: PromiseBroken."""
        asleep = frozenset(self._asleep())
        if not asleep:
            return
        difference = _first_difference(self.decisions, again.decide(asleep))
        if difference is not None:
            at_ns, called, not_called = difference
            raise PromiseBroken(
                f"at {utc(at_ns)} it wanted {called}, but {not_called} when it was only called "
                "where its signal changes",
                self.place,
                at_ns,
            )

    def check_columns(self, part: _Run, ended_ns: int) -> None:
        """Compare columns and signals with those of shorter data. Raises: LookedAhead."""
        pairs = zip(self._computed, part._computed, strict=False)
        for (declaration, mine), (_, other) in pairs:
            self._check_array(declaration.candles, declaration.batch, mine, other, ended_ns)
        for candles, other in part._signals.items():
            decide = self._session.declarations.signals[candles].decide
            self._check_array(candles, decide, self._signals[candles], other, ended_ns)

    def _check_array(
        self,
        candles: Candles,
        function: Callable[..., Any],
        mine: NDArray[Any],
        other: NDArray[Any],
        ended_ns: int,
    ) -> None:
        for candle, seen, unseen in zip(
            self.candles[candles], _values(mine), _values(other), strict=False
        ):
            if seen != unseen:
                raise LookedAhead(
                    f"at {utc(candle.ends_at_ns)} it gave {seen}, but {unseen} when the data "
                    f"ended at {utc(ended_ns)}",
                    place_of(function),
                    candle.ends_at_ns,
                )

    def _asleep(self) -> Iterator[int]:
        """Candles at which a declared signal says that nothing is to be done."""
        signals = {
            (candles.symbol, candles.venue, candles.interval): iter(array.tolist())
            for candles, array in self._signals.items()
        }
        last = dict.fromkeys(signals, 0)
        for index, value in enumerate(self._data):
            if not isinstance(value, Candle) or not value.closed:
                continue
            key = (value.symbol, value.venue, value.interval)
            if key in signals:
                signal = next(signals[key])
                if index < self._first:
                    continue
                if signal in (0, last[key]):
                    yield index
                else:
                    last[key] = signal


def _known_settings(settings: Mapping[str, Any], ended_ns: int) -> Mapping[str, Any]:
    """Settings as they could have been when data end: what models are made of later is open."""
    text = settings.get(SETTING)
    if not isinstance(text, str):
        return settings
    try:
        return {**settings, SETTING: with_another_future(text, ended_ns)}
    except ModelError:  # A setting of that name that holds something else.
        return settings


class failing:  # noqa: N801 - reads as a statement
    """Over all of the data the strategy did not raise: what it lacks now comes later."""

    def __init__(self, ended_ns: int, place: str) -> None:
        self._ended_ns = ended_ns
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception):
            return
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            self._place = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
        raise LookedAhead(
            f"it raised {type(error).__name__}: {error} when the data ended at "
            f"{utc(self._ended_ns)}",
            self._place,
            self._ended_ns,
        ) from error


def _first_difference(
    whole: Sequence[Decision], part: Sequence[Decision]
) -> tuple[int, str, str] | None:
    """When two runs differ first, and what each wanted."""
    mine = {each.index: each for each in whole}
    other = {each.index: each for each in part}
    for index in sorted(mine.keys() | other.keys()):
        seen, unseen = mine.get(index), other.get(index)
        if seen != unseen:
            found = seen or unseen
            assert found is not None
            return found.at_ns, _shown(seen), _shown(unseen)
    return None


def _candles_of(subscription: Candles, data: Sequence[MarketValue]) -> list[Candle]:
    wanted = (subscription.symbol, subscription.venue, subscription.interval)
    return [
        value
        for value in data
        if isinstance(value, Candle)
        and value.closed
        and (value.symbol, value.venue, value.interval) == wanted
    ]


def _columns(candles: Sequence[Candle]) -> CandleColumns:
    import numpy as np

    def column(values: list[int]) -> NDArray[Any]:
        return np.array(values, dtype=np.int64)

    def known(values: list[int | None]) -> NDArray[Any] | None:
        if all(each is None for each in values):
            return None
        return column([UNKNOWN if each is None else each for each in values])

    first = candles[0]
    return CandleColumns(
        instrument=first.instrument,
        venue=first.venue,
        interval=first.interval,
        open_at_ns=column([each.open_at_ns for each in candles]),
        open_ticks=column([each.open_ticks for each in candles]),
        high_ticks=column([each.high_ticks for each in candles]),
        low_ticks=column([each.low_ticks for each in candles]),
        close_ticks=column([each.close_ticks for each in candles]),
        volume_lots=column([each.volume_lots for each in candles]),
        bought_lots=known([each.bought_lots for each in candles]),
        sentiment_ppm=known([each.sentiment_ppm for each in candles]),
    )


def _values(array: NDArray[Any]) -> list[float | None]:
    """As a strategy reads them: None where it is not known."""
    return [None if value != value else value for value in array.tolist()]


def _one_by_one(array: NDArray[Any]) -> Callable[[Candle], float | None]:
    values = iter(_values(array))
    return lambda _candle: next(values)


def _rich_context(listed: Sequence[MarketValue]) -> Context:
    """Money for everything that is listed, and what it may trade: which markets come is open."""
    instruments = {
        value.symbol: value.instrument
        for value in listed
        if not isinstance(value, SignalValue | SignalLost)
    }
    assets = {name for each in instruments.values() for name in (each.base, each.quote)}
    return Context(
        run_id="check",
        now_ns=0,
        instruments=instruments,
        balances={name: Balance(FUNDS) for name in sorted(assets)},
    )


def _told_of(session: Session, data: Sequence[MarketValue]) -> list[MarketValue]:
    """What a strategy subscribes to; the rest of the data only says what is listed."""
    candles = {
        (each.symbol, each.venue, each.interval)
        for each in session.subscriptions
        if isinstance(each, Candles)
    }
    tapes = {
        (each.symbol, each.venue) for each in session.subscriptions if isinstance(each, Trades)
    }
    books = {(each.symbol, each.venue) for each in session.subscriptions if isinstance(each, Books)}
    return [
        value
        for value in data
        if (isinstance(value, Candle) and (value.symbol, value.venue, value.interval) in candles)
        or (isinstance(value, Trade) and (value.symbol, value.venue) in tapes)
        or (isinstance(value, Book) and (value.symbol, value.venue) in books)
        or (isinstance(value, SignalValue | SignalLost) and value.signal in session.uses)
    ]


def _first_of_each(data: Sequence[MarketValue]) -> list[MarketValue]:
    """One value of each market: what a strategy subscribes to was named by its owner."""
    return list(
        {
            value.symbol: value
            for value in reversed(data)
            if not isinstance(value, SignalValue | SignalLost)
        }.values()
    )


def place_of(function: Callable[..., Any]) -> str:
    """Where a function is written."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is None:
        return f"{type(function).__module__}.{type(function).__qualname__}"
    return f"{code.co_filename}:{code.co_firstlineno}"


def _shown(decision: Decision | None) -> str:
    if decision is None:
        return "nothing"
    text = ", ".join(map(repr, decision.intents))
    return text if len(text) <= SHOWN_LENGTH_MAX else text[:SHOWN_LENGTH_MAX] + " …"


def utc(at_ns: int) -> str:
    """A time for people, UTC."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")
