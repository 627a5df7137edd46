"""``xache backtest``: run a strategy over histories of this machine and say honestly how it went.

Every result that is shown is a trial: it is recorded first, and judged by everything that was tried
on the same data before.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import itertools
import os
import sys
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import attrs
from cyclopts import Parameter
from rich.progress import Progress as Bar
from xache_sdk.look_ahead import CheckFailed
from xache_sdk.settings import SettingsError, make_settings
from xache_sdk.strategy import Strategy

from xached.domain.instrument import PPM
from xached.research.arenas import Arena, CandleArena, Maker, Progress
from xached.research.backtest.terms import (
    FEE_PPM,
    FillModel,
    MarketData,
    RunSettings,
    open_markets,
)
from xached.research.backtest_printing import print_shown, print_training, training_json
from xached.research.backtest_runs import Backtest, Shown, open_ledger, owner
from xached.research.combinations import covering
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.history.data_command import (
    history_store,
    print_json,
    refused,
)
from xached.research.history.tape_source import read_tapes
from xached.research.judgement.report import Report, Settings, as_json
from xached.research.judgement.trials import Trial
from xached.research.run_models import (
    NO_MODELS,
    ModelOptions,
    RunModels,
    find_models,
)
from xached.research.run_signals import hearing, read_specs, told_signals
from xached.research.schedulers import NoCluster, open_scheduler
from xached.research.tape_arena import NO_TAPE, TapeOptions, tape_arena, tape_markets

COMBINATIONS_MAX: Final = 10_000
ENTRY_POINTS: Final = "xache.strategies"

PROCESSES_ROWS_MIN: Final = 2_000_000
"""Candles to be run, all in all, from which on it is worth to start processes for them."""


_SHOWN: Final = Parameter(show_default=True)


class Refused(DataError):  # noqa: N818 - it says what happened
    """What was asked for makes no sense; the text says why."""


@attrs.frozen(kw_only=True)
class TermsOptions:
    """How a run is made."""

    cash: Annotated[Decimal, _SHOWN] = Decimal(10_000)
    """money to start with, in quote."""
    fee_ppm: Annotated[int, _SHOWN] = FEE_PPM
    """the fee of maker and taker, in parts per million."""
    half_spread_ppm: Annotated[int, _SHOWN] = 100
    """half the spread that every taker pays."""
    slippage_ppm: Annotated[int, _SHOWN] = 100
    """what every taker pays beyond it."""
    impact: Annotated[Decimal, _SHOWN] = Decimal(1)
    """coefficient of the square-root law of one's own impact; 0 is none."""
    fill: Annotated[FillModel, _SHOWN] = FillModel.TOUCH
    """next-open meets the first price of a candle only, touch all of its range."""
    from_: Annotated[datetime | None, Parameter(name="--from")] = None
    """when to begin, UTC; what is before warms up."""
    until: datetime | None = None
    """when to end, UTC."""

    @property
    def settings(self) -> RunSettings:
        """As a run over candles takes them. Raises: ValueError."""
        return RunSettings(
            cash=self.cash,
            fill_model=self.fill,
            start_ns=_ns(self.from_),
            half_spread_ppm=self.half_spread_ppm,
            slippage_ppm=self.slippage_ppm,
            impact_ppm=int(self.impact * PPM),
        )


@attrs.frozen(kw_only=True)
class WorkOptions:
    """What is run, and where."""

    train_days: Annotated[int, _SHOWN] = 60
    """how long settings are chosen on, and what a model is trained on."""
    test_days: Annotated[int, _SHOWN] = 20
    """how long the choice is tested."""
    sweep: Annotated[bool, Parameter(negative=())] = False
    """show every combination over everything, and how likely it is that the best is luck."""
    capacity: Annotated[bool, Parameter(negative=())] = False
    """also run at ten and a hundred times the size."""
    scheduler: str = ""
    """tcp://HOST:PORT of a Dask scheduler that does the runs."""
    processes: int = 0
    """so many processes of this machine do them; one a core when not given."""
    resume: Path | None = None
    """keep a single run over candles in this file, and go on from there if it was cut short, to
    the same result; only with a file that you wrote yourself, as reading it runs code."""


NO_TERMS: Final = TermsOptions()
NO_WORK: Final = WorkOptions()


def backtest(
    strategy: str,
    /,
    *,
    data: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    terms: Annotated[TermsOptions, Parameter(name="*")] = NO_TERMS,
    work: Annotated[WorkOptions, Parameter(name="*")] = NO_WORK,
    models: Annotated[ModelOptions, Parameter(name="*")] = NO_MODELS,
    tape: Annotated[TapeOptions, Parameter(name="*")] = NO_TAPE,
    signal: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    check: Annotated[bool, Parameter(negative=())] = False,
    html: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Run a strategy over history of this machine; settings with several values walk forward.

    With several values of a setting, such as --set fast=5,10,20, every combination is tried in a
    training window and the best is tested on what follows it, over and over: only the tests count.

    A strategy with a setting "models" is given those of --model, each asked only about what came
    after all it knows, or those that --retrain trains in the run. Without one it abstains.

    With --tape instead of --data it runs over every trade and change of the book: what is taken is
    taken level by level, what rests waits its turn, and orders arrive late.

    Args:
        strategy: its name (an installed plugin), or module:Class.
        data: histories by name; see xache data list. May be repeated.
        set_: a setting of the strategy, name=value. May be repeated.
        signal: a signal that it uses, NAME=PLUGIN, with settings as JSON behind. May be repeated.
        check: refuse a strategy, or a signal, that looks ahead.
        html: write a report to this file.
        json: print JSON.
    """
    with refused(), _refusals():
        found = _find_strategy(strategy)
        arena, of_run = _arena(data, tape, terms, models, set_, work.train_days, quiet=json)
        combinations = _combinations(found, set_, of_run.setting)
        if work.resume and (tape.tape or work.sweep or work.capacity or combinations[1:]):
            raise Refused("--resume is for a single run over candles")
        specs = read_specs(signal)
        arena = hearing(arena, Maker(found), combinations, specs, check=check)
        for each in covering(combinations) if check else ():
            arena.check(found, each)
        count = work.processes or _worth(arena, len(combinations))
        with open_scheduler(work.scheduler, count) as chosen, _bar(found, quiet=json) as progress:
            asked = Backtest(
                strategy=found,
                arena=arena,
                capacity=work.capacity,
                scheduler=chosen,
                progress=progress,
                resume=work.resume,
                beside=told_signals(specs),
            )
            shown = _run(asked, combinations, work)
        if html is not None:
            _write_page(shown.report, html)
        if work.resume is not None:
            work.resume.unlink(missing_ok=True)  # It is over: the next one begins anew.
    if json:
        print_json(as_json(shown.report) | training_json(of_run.attempts))
    else:
        print_shown(shown)
        print_training(of_run.attempts)


def _run(asked: Backtest, combinations: Sequence[Settings], work: WorkOptions) -> Shown:
    if work.sweep:
        return asked.sweep(combinations)
    if len(combinations) == 1:
        return asked.run_once(combinations[0])
    return asked.walk(combinations, work.train_days, work.test_days)


def _arena(
    data: Sequence[str],
    tape: TapeOptions,
    terms: TermsOptions,
    models: ModelOptions,
    given: Sequence[str],
    train_days: int,
    *,
    quiet: bool,
) -> tuple[Arena, RunModels]:
    """Where it runs, and the models that it is given there."""
    if bool(data) is bool(tape.tape):
        raise Refused("name histories with --data, or a tape with --tape")
    if data:
        markets = _load(data, terms.fee_ppm, _ns(terms.until))
        found = _find_models(models, markets, terms.settings, given, train_days, quiet=quiet)
        return CandleArena(found.markets, found.terms), found
    sources = read_tapes(tape.tape, tape.market, _ns(terms.from_), _ns(terms.until))
    markets = tape_markets([each.tape for each in sources], terms.fee_ppm)
    found = _find_models(models, markets, terms.settings, given, train_days, quiet=quiet)
    return tape_arena(tape, sources, markets, terms.cash, found.terms.start_ns), found


def _find_strategy(name: str) -> type[Strategy[Any]]:
    if ":" in name:
        module, _, attribute = name.partition(":")
        sys.path.insert(0, "")  # what is written here is found here
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise Refused(f"{name}: {error}") from None
    else:
        points = importlib.metadata.entry_points(group=ENTRY_POINTS)
        if name not in points.names:
            known = ", ".join(sorted(points.names)) or "none is installed"
            raise Refused(f"no strategy {name!r}: {known}; or module:Class")
        found = points[name].load()
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise Refused(f"{name} is no strategy")
    return found


def _load(names: Sequence[str], fee_ppm: int, until_ns: int | None) -> list[MarketData]:
    store = history_store()
    by_symbol: dict[str, list[CandleSet]] = {}
    for name in names:
        candles = store.load(name)
        if until_ns is not None:
            candles = candles.between(None, until_ns - candles.interval_ns + 1)
        by_symbol.setdefault(candles.symbol, []).append(candles)
    return open_markets(by_symbol.values(), fee_ppm, fee_ppm)


def _find_models(
    options: ModelOptions,
    markets: list[MarketData],
    terms: RunSettings,
    given: Sequence[str],
    history_days: int,
    *,
    quiet: bool,
) -> RunModels:
    """The models of a run, if any are asked for. Candidates of its training are trials."""
    if not options.wanted:
        return RunModels(markets=markets, terms=terms)
    named = [text.partition("=")[2] for text in given if text.startswith("symbol=")]
    symbol = named[-1] if named else markets[0].instrument.symbol
    with open_ledger() as ledger:

        def record(trial: Trial) -> None:
            ledger.record(owner(), [trial])

        return find_models(options, markets, terms, symbol, history_days, record, quiet=quiet)


def _combinations(
    strategy: type[Strategy[Any]], given: Sequence[str], fixed: dict[str, str]
) -> list[dict[str, Any]]:
    """Every combination of the values that were given, in order, with those that are fixed."""
    hints = typing.get_type_hints(strategy.settings_type)
    choices: dict[str, list[Any]] = {}
    for text in given:
        name, equals, values = text.partition("=")
        if not equals:
            raise Refused(f"a setting is name=value, not {text}")
        wanted = hints.get(name, str)
        choices[name] = [_value(wanted, value) for value in values.split(",")]
    combinations = [
        dict(zip(choices, values, strict=True)) | fixed
        for values in itertools.product(*choices.values())
    ]
    if len(combinations) > COMBINATIONS_MAX:
        raise Refused(f"{len(combinations):,} combinations; at most {COMBINATIONS_MAX:,}")
    # Rules between settings leave some out, such as a fast window that is not the shorter one.
    good, why = [], ""
    for one in combinations:
        try:
            make_settings(strategy.settings_type, one)
        except SettingsError as error:
            why = str(error)
        else:
            good.append(one)
    if not good:
        raise Refused(f"the settings of {strategy.__name__}: {why}")
    return good


def _value(wanted: Any, text: str) -> Any:
    """A setting as JSON would have it."""
    if wanted is bool and text in ("true", "false"):
        return text == "true"
    if wanted is int and text.lstrip("-").isdecimal():
        return int(text)
    return text


def _worth(arena: Arena, combinations: int) -> int:
    """How many processes are worth their start."""
    rows = combinations * sum(len(each.finest) for each in arena.markets)
    return 1 if rows < PROCESSES_ROWS_MIN else os.cpu_count() or 1


@contextmanager
def _bar(strategy: type[Strategy[Any]], *, quiet: bool) -> Iterator[Progress]:
    """A bar where somebody looks."""
    with Bar(transient=True, disable=quiet or not sys.stderr.isatty()) as bar:
        task = bar.add_task(strategy.__name__, total=1.0)
        yield lambda part: bar.update(task, completed=part)


@contextmanager
def _refusals() -> Iterator[None]:
    """Name what is wrong with what was asked for, in the words of whoever noticed."""
    try:
        yield
    except (NoCluster, CheckFailed, ValueError) as error:
        raise Refused(str(error)) from None


def _write_page(report: Report, path: Path) -> None:
    try:
        from xached.research.judgement.report_page import render_page
    except ImportError:
        raise Refused("plots are not installed: pip install 'xached[report]'") from None
    path.write_text(render_page(report), encoding="utf-8")


def _ns(at: datetime | None) -> int | None:
    if at is None:
        return None
    whole = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return round(whole.timestamp()) * 1_000_000_000
