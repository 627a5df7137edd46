"""``xache backtest``: run a strategy over histories of this machine and say honestly how it went.

Every result that is shown is a trial: it is recorded first, and judged by everything that was tried
on the same data before.
"""

from __future__ import annotations

import getpass
import importlib
import importlib.metadata
import itertools
import sys
import time
import typing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import attrs
from cyclopts import Parameter
from rich.progress import Progress
from xache_sdk.look_ahead import CheckFailed, check_no_look_ahead
from xache_sdk.settings import SettingsError, make_settings
from xache_sdk.strategy import Strategy

from xached.domain.instrument import PPM
from xached.research.backtest.feed import told_candles
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import RunResult
from xached.research.backtest.terms import (
    FEE_PPM,
    FillModel,
    MarketData,
    RunSettings,
    open_market,
)
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.history.data_command import (
    console,
    history_store,
    moment,
    print_json,
    print_line,
    refused,
)
from xached.research.judgement.candle_runner import (
    CandleRunner,
    code_digest,
    report_run,
    report_walk,
    whole_window,
)
from xached.research.judgement.deflated import Judged, NotEnoughData
from xached.research.judgement.judging import judge_trial, trial_of_run, trial_of_walk
from xached.research.judgement.report import Report, Settings, as_json
from xached.research.judgement.track_record import DAY_NS
from xached.research.judgement.trials import Owner, Trial, TrialKey, TrialLedger, spelled
from xached.research.judgement.walk_forward import WalkForward, plan_windows, walk_forward
from xached.research.models.registry import Attempt
from xached.research.run_models import (
    NO_MODELS,
    ModelOptions,
    RunModels,
    find_models,
    told_models,
)
from xached.research.schedulers import NoCluster, Scheduler, dask_cluster, in_turn

CHECKED_CANDLES: Final = 20_000
"""So many of the newest candles are looked at for a look ahead."""

COMBINATIONS_MAX: Final = 10_000
ENTRY_POINTS: Final = "xache.strategies"


class Refused(DataError):  # noqa: N818 - it says what happened
    """What was asked for makes no sense; the text says why."""


@attrs.frozen
class _Maker:
    """Makes strategies of settings as JSON has them. Processes elsewhere get it too."""

    strategy: type[Strategy[Any]]

    def __call__(self, settings: Mapping[str, Any]) -> Strategy[Any]:
        return self.strategy(make_settings(self.strategy.settings_type, dict(settings)))


def backtest(
    strategy: str,
    /,
    *,
    data: Annotated[list[str], Parameter(negative=())],
    set_: Annotated[list[str] | None, Parameter(name="--set", negative=())] = None,
    cash: Decimal = Decimal(10_000),
    fee_ppm: int = FEE_PPM,
    half_spread_ppm: int = 100,
    slippage_ppm: int = 100,
    impact: Decimal = Decimal(0),
    fill: FillModel = FillModel.TOUCH,
    from_: Annotated[datetime | None, Parameter(name="--from")] = None,
    until: datetime | None = None,
    train_days: int = 60,
    test_days: int = 20,
    scheduler: str = "",
    models: Annotated[ModelOptions, Parameter(name="*")] = NO_MODELS,
    check: Annotated[bool, Parameter(negative=())] = False,
    html: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Run a strategy over history of this machine; settings with several values walk forward.

    With several values of a setting, such as --set fast=5,10,20, every combination is tried in a
    training window and the best is tested on what follows it, over and over: only the tests count.

    A strategy with a setting "models" is given those of --model, each asked only about what came
    after all it knows, or those that --retrain trains in the run. Without one it abstains.

    Args:
        strategy: its name (an installed plugin), or module:Class.
        data: histories by name; see xache data list. May be repeated.
        set_: a setting of the strategy, name=value. May be repeated.
        cash: money to start with, in quote.
        fee_ppm: the fee of maker and taker, in parts per million.
        half_spread_ppm: half the spread that every taker pays.
        slippage_ppm: what every taker pays beyond it.
        impact: coefficient of the square-root law of one's own impact, 1 by the literature.
        fill: next-open meets the first price of a candle only, touch all of its range.
        from_: when to begin, UTC; what is before warms up.
        until: when to end, UTC.
        train_days: how long settings are chosen on, and what a model is trained on.
        test_days: how long the choice is tested.
        scheduler: tcp://HOST:PORT of a Dask scheduler that does the runs.
        check: refuse a strategy that looks ahead.
        html: write a report to this file.
        json: print JSON.
    """
    with refused(), _refusals():
        found = _find_strategy(strategy)
        markets = _load(data, fee_ppm, until)
        terms = _run_terms(cash, fill, from_, half_spread_ppm, slippage_ppm, impact)
        of_run = _find_models(models, markets, terms, set_ or [], train_days, quiet=json)
        markets, terms = of_run.markets, of_run.terms
        combinations = _combinations(found, set_ or [], of_run.setting)
        if check:
            check_no_look_ahead(found, combinations[0], _newest(markets))
        result = None
        if len(combinations) == 1:
            report, result = _run_once(found, combinations[0], markets, terms, quiet=json)
        else:
            report = _walk(found, combinations, markets, terms, (train_days, test_days), scheduler)
        if html is not None:
            _write_page(report, html)
    if json:
        print_json(as_json(report) | _training_json(of_run.attempts))
    else:
        _print(report, result)
        _print_training(of_run.attempts)


def _run_terms(
    cash: Decimal,
    fill: FillModel,
    start: datetime | None,
    half_spread_ppm: int,
    slippage_ppm: int,
    impact: Decimal,
) -> RunSettings:
    return RunSettings(
        cash=cash,
        fill_model=fill,
        start_ns=_start_ns(start),
        half_spread_ppm=half_spread_ppm,
        slippage_ppm=slippage_ppm,
        impact_ppm=int(impact * PPM),
    )


def _run_once(
    strategy: type[Strategy[Any]],
    settings: Mapping[str, Any],
    markets: Sequence[MarketData],
    terms: RunSettings,
    *,
    quiet: bool,
) -> tuple[Report, RunResult]:
    maker = _Maker(strategy)
    with Progress(transient=True, disable=quiet or not sys.stderr.isatty()) as progress:
        task = progress.add_task(strategy.__name__, total=1.0)
        result = run_backtest(
            lambda: [maker(settings)],
            markets,
            terms,
            progress=lambda part: progress.update(task, completed=part),
        )
    record = result.track_record()
    key = _trial_key(strategy, [settings], markets, result.start_ns, result.end_ns)
    trial = trial_of_run(key, strategy.__name__, record, time.time_ns())
    with _ledger() as ledger:
        judged = judge_trial(ledger, _owner(), trial)
    told = _told_strategy(strategy, settings)
    return report_run(record, judged, strategy=told, markets=markets, terms=terms), result


def _walk(
    strategy: type[Strategy[Any]],
    combinations: Sequence[Settings],
    markets: Sequence[MarketData],
    terms: RunSettings,
    days: tuple[int, int],
    scheduler: str,
) -> Report:
    window = whole_window(markets)
    if terms.start_ns is not None:
        window = attrs.evolve(window, start_at_ns=max(window.start_at_ns, terms.start_ns))
    runner: CandleRunner[Settings] = CandleRunner(_Maker(strategy), tuple(markets), terms)
    with _scheduler(scheduler) as chosen:
        windows = plan_windows(window, train_ns=days[0] * DAY_NS, test_ns=days[1] * DAY_NS)
        walk = walk_forward(runner, combinations, windows, scheduler=chosen)
    key = _trial_key(strategy, combinations, markets, window.start_at_ns, window.end_at_ns)
    trial = trial_of_walk(key, strategy.__name__, walk, time.time_ns())
    with _ledger() as ledger:
        judged = judge_trial(ledger, _owner(), trial)
    told = f"{strategy.__name__}, {len(combinations)} combinations"
    return report_walk(walk, judged, strategy=told, markets=markets, terms=terms)


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


def _load(names: Sequence[str], fee_ppm: int, until: datetime | None) -> list[MarketData]:
    store = history_store()
    by_symbol: dict[str, list[CandleSet]] = {}
    for name in names:
        candles = store.load(name)
        if until is not None:
            candles = candles.between(None, _ns(until) - candles.interval_ns + 1)
        by_symbol.setdefault(candles.symbol, []).append(candles)
    return [
        open_market(*each, maker_fee_ppm=fee_ppm, taker_fee_ppm=fee_ppm)
        for each in by_symbol.values()
    ]


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
    with _ledger() as ledger:

        def record(trial: Trial) -> None:
            ledger.record(_owner(), [trial])

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


def _newest(markets: Sequence[MarketData]) -> list[Any]:
    told = told_candles(markets)
    return told[-CHECKED_CANDLES:]


def _trial_key(
    strategy: type[Strategy[Any]],
    combinations: Sequence[Mapping[str, Any]],
    markets: Sequence[MarketData],
    start_ns: int,
    end_ns: int,
) -> TrialKey:
    settings = [told_models(one) for one in combinations]
    return TrialKey(
        code_digest=code_digest(strategy),
        settings=spelled(settings[0] if len(settings) == 1 else settings),
        instruments=tuple(market.instrument.symbol for market in markets),
        start_at_ns=start_ns,
        end_at_ns=end_ns,
    )


def _ledger() -> TrialLedger:
    folder = history_store().folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    return TrialLedger(folder / "trials.db")


def _owner() -> Owner:
    return Owner(getpass.getuser())


@contextmanager
def _scheduler(address: str) -> Iterator[Scheduler]:
    if not address:
        yield in_turn
        return
    with dask_cluster(address) as cluster:
        yield cluster


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


def _told_strategy(strategy: type[Strategy[Any]], settings: Mapping[str, Any]) -> str:
    return f"{strategy.__name__} {_told_settings(settings)}".strip()


def _print(report: Report, result: RunResult | None) -> None:
    performance = report.performance
    span = f"{moment(performance.start_at_ns)} to {moment(performance.end_at_ns)} UTC"
    print_line(f"{report.title}\n{span}, {performance.days} days")
    unit, quote = report.units_per_quote, report.quote
    held = ""
    if report.holding is not None:
        kept = float(report.holding.equity[-1] / report.holding.equity[0] - 1)
        held = f"  (holding: {kept:+.2%})"
    trades, costs = performance.trades, performance.costs
    rows = [
        ("worth at the end", f"{performance.end_equity / unit:,.2f} {quote}"),
        ("return", f"{performance.time_weighted_return:+.2%}{held}"),
        ("deepest fall", f"{-performance.drawdown.depth:.2%}"),
        ("fills, closed trades", f"{costs.fills:,}, {trades.count:,}"),
        ("won", "–" if trades.win_rate is None else f"{trades.win_rate:.1%}"),
        ("fees", f"{costs.fee_units / unit:,.2f} {quote}"),
        *_judged_rows(report.judged),
    ]
    if result is not None and result.refusals:
        told = ", ".join(f"{name} {count:,}" for name, count in result.refusals.items())
        rows.append(("refused orders", told))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print_line(f"  {name:<{width}}  {value}")
    if report.walk is not None:
        _print_choices(report.walk)
    if result is not None:
        for note in result.notes[:10]:
            print_line(f"  {moment(note.at_ns)}  {note.text}")
    console().file.flush()


def _print_choices(walk: WalkForward[Settings]) -> None:
    chosen = [dict(fold.settings) for fold in walk.folds if fold.settings is not None]
    same = {
        name
        for name in (chosen[0] if chosen else {})
        if len({str(one.get(name)) for one in chosen}) == 1
    }
    for fold in walk.folds:
        told = "nothing"
        if fold.settings is not None:
            # What never changed says nothing, unless nothing ever did.
            shown = {n: v for n, v in fold.settings.items() if n not in same} or fold.settings
            told = _told_settings(shown)
        print_line(f"  {moment(fold.windows.test.start_at_ns)}  chose {told}")


def _told_settings(settings: Mapping[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in told_models(settings).items())


def _training_json(attempts: Sequence[Attempt]) -> dict[str, Any]:
    return {"training": [attrs.asdict(each) for each in attempts]} if attempts else {}


def _print_training(attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    replaced = sum(each.replaced for each in attempts)
    print_line(f"  trained {len(attempts)} times, {replaced} models taken")
    for each in attempts:
        taken = "taken" if each.replaced else "not taken"
        print_line(f"  {moment(each.at_ns)}  {taken}: {each.outcome}")


def _judged_rows(judged: Judged) -> list[tuple[str, str]]:
    if isinstance(judged, NotEnoughData):
        return [("judgement", str(judged))]
    evidence = judged.evidence
    tried = f"{evidence.trials} tried, {evidence.effective_trials:.1f} of them different"
    return [
        ("Sharpe ratio, yearly", f"{judged.annual_sharpe:.2f}"),
        ("deflated by trials", f"{judged.deflated:.4f}  ({tried})"),
        ("judgement", judged.verdict.value),
    ]


def _start_ns(at: datetime | None) -> int | None:
    return None if at is None else _ns(at)


def _ns(at: datetime) -> int:
    whole = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return round(whole.timestamp()) * 1_000_000_000
