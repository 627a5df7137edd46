"""Backtests and trials in strategies.db: kept, bounded, erased, and never uncounted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import attrs
import pytest

from xached.domain.backtests import (
    Backtest,
    BacktestId,
    BacktestResult,
    BacktestState,
    BacktestTerms,
    BacktestVerdict,
    FillRule,
    TrialFacts,
    check_terms,
    settings_digest,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.storage import backtest_book
from xached.storage.backtest_book import (
    REPORTS_KEPT,
    add_backtest,
    backtests_of,
    change_backtest,
    find_backtest,
    find_deflated,
    find_request,
    packed,
    read_report,
    unfinished_backtests,
    unpacked,
    write_report,
)
from xached.storage.strategy_tables import StrategyTables
from xached.storage.trial_book import (
    TrialHead,
    TrialRow,
    TrialsDamaged,
    count_trials,
    lineage,
    record_trial,
    trial_head,
    verify_trials,
)

ADA, BEN = AccountId("ada"), AccountId("ben")
TERMS = BacktestTerms(
    settings_json='{"fast": 5, "slow": 20}',
    histories=("btc",),
    cash="10000",
    fee_ppm=1_000,
    half_spread_ppm=100,
    slippage_ppm=100,
    impact_ppm=1_000_000,
    fill_rule=FillRule.TOUCH,
    start_ns=None,
    until_ns=5,
    train_days=60,
    test_days=20,
    check=True,
    capacity=False,
)
RESULT = BacktestResult(
    verdict=BacktestVerdict.CONVINCING, deflated_ppm=970_000, lacks="", trials=3,
    return_ppm=-5, holding_ppm=None, drawdown_ppm=7, days=100, fills=80, closed_trades=40,
    refusals=0, fees="1.00", end_equity="9", quote="USDT", capacity_ppm=None,
    chosen_json='{"fast":5,"slow":20}',
)  # fmt: skip


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[StrategyTables]:
    """An empty file."""
    tables = StrategyTables.open(tmp_path / "strategies.db", bytes(16))
    yield tables
    tables.close()


def backtest(name: str, account: AccountId = ADA, **changes: object) -> Backtest:
    """One that waits."""
    made = Backtest(
        number=0, backtest_id=BacktestId(name), account_id=account, request_id=f"r-{name}",
        plugin="sma", plugin_digest="d1", entry_point="a:B", instruments=("BTC-USDT",),
        fingerprints=("f",), terms=TERMS, state=BacktestState.QUEUED, cause="", attempts=0,
        created_at_ns=1, started_at_ns=0, ended_at_ns=0, result=None, has_page=False,
    )  # fmt: skip
    return attrs.evolve(made, **changes)  # type: ignore[arg-type]  # fields of it


def finished(tables: StrategyTables, name: str, **changes: object) -> Backtest:
    """Keep one that is finished, with a report."""
    made = tables.write(lambda db: add_backtest(db, backtest(name)))
    terms: dict[str, object] = {"state": BacktestState.FINISHED, "result": RESULT, **changes}
    over = attrs.evolve(made, **terms)  # type: ignore[arg-type]  # fields of it

    def keep(db: apsw.Connection) -> None:
        assert change_backtest(db, over)
        write_report(db, over, packed(name.encode()), packed(b"<html>"))

    tables.write(keep)
    return over


def test_a_backtest_is_read_as_it_was_kept(tables: StrategyTables) -> None:
    made = tables.write(lambda db: add_backtest(db, backtest("one")))
    assert made == backtest("one", number=1)
    assert tables.read(lambda db: find_backtest(db, made.backtest_id)) == made
    assert tables.read(lambda db: find_request(db, ADA, "r-one")) == made
    assert tables.read(lambda db: find_request(db, BEN, "r-one")) is None
    assert tables.read(unfinished_backtests) == [made]
    over = attrs.evolve(finished(tables, "two"), has_page=True)
    assert tables.read(lambda db: find_backtest(db, over.backtest_id)) == over
    assert tables.read(unfinished_backtests) == [made]
    found = tables.read(lambda db: read_report(db, ADA, over.backtest_id))
    assert found is not None
    assert unpacked(*found) == (b"two", b"<html>")
    assert tables.read(lambda db: read_report(db, BEN, over.backtest_id)) is None


def test_pages_are_newest_first(tables: StrategyTables) -> None:
    for number in range(5):
        finished(tables, f"b{number}")
    first = tables.read(lambda db: backtests_of(db, ADA, None, 2))
    rest = tables.read(lambda db: backtests_of(db, ADA, first[-1].number, 10))
    assert [each.backtest_id for each in (*first, *rest)] == ["b4", "b3", "b2", "b1", "b0"]
    assert tables.read(lambda db: backtests_of(db, BEN, None, 10)) == []


def test_reports_and_backtests_have_a_bound(
    tables: StrategyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest_book, "BACKTESTS_KEPT", 25)
    for number in range(30):
        finished(tables, f"b{number:02}")
    kept = tables.read(lambda db: backtests_of(db, ADA, None, 100))
    assert [each.backtest_id for each in kept] == [f"b{n:02}" for n in range(29, 3, -1)]
    reports = [
        each.backtest_id
        for each in kept
        if tables.read(lambda db, i=each.backtest_id: read_report(db, ADA, i))  # type: ignore[misc]  # mypy infers no lambda with a default
    ]
    assert len(reports) == REPORTS_KEPT
    assert reports[0] == "b29"


def test_the_gate_is_told_of_the_newest_that_fits(tables: StrategyTables) -> None:
    def told(digest: str = "d1", settings: str = '{"slow": 20, "fast": 5}', *symbols: str) -> str:
        found = tables.read(
            lambda db: find_deflated(db, ADA, digest, settings, symbols or ("BTC-USDT",))
        )
        return "none" if found is None else found.backtest_id

    assert told() == "none"
    finished(tables, "old")
    assert told() == "old"
    finished(tables, "new", result=attrs.evolve(RESULT, deflated_ppm=None))
    assert told() == "new"
    finished(tables, "failed", state=BacktestState.FAILED)
    assert told() == "new"
    assert told("d2") == told("d1", '{"fast":6,"slow":20}') == "none"
    assert told("d1", '{"fast":5,"slow":20}', "BTC-USDT", "ETH-USDT") == "none"
    assert settings_digest('{"a":1,"b":2}') == settings_digest('{"b": 2, "a": 1}')


@pytest.mark.parametrize("cost", ["fee_ppm", "half_spread_ppm", "slippage_ppm", "impact_ppm"])
def test_what_was_not_charged_its_costs_opens_no_gate(tables: StrategyTables, cost: str) -> None:
    cheap = attrs.evolve(TERMS, **{cost: 0})  # type: ignore[arg-type]  # a field of it
    made = tables.write(lambda db: add_backtest(db, backtest("cheap", terms=cheap)))
    over = attrs.evolve(made, state=BacktestState.FINISHED, result=RESULT)
    assert tables.write(lambda db: change_backtest(db, over))
    settings = TERMS.settings_json
    assert tables.read(lambda db: find_deflated(db, ADA, "d1", settings, ("BTC-USDT",))) is None


def trial(name: str, account: AccountId = ADA, start: int = 0, end: int = 10) -> TrialRow:
    """A trial of settings of that name."""
    facts = TrialFacts(
        plugin_digest="d1", settings=name, instruments=("BTC-USDT",), start_ns=start, end_ns=end
    )
    return TrialRow(
        account_id=account, facts=facts, plugin="sma", shown_at_ns=9, closed_trades=40,
        returns=name.encode(),
    )  # fmt: skip


def record(tables: StrategyTables, *trials: TrialRow) -> list[bool]:
    return [tables.write(lambda db, t=each: record_trial(db, t)) for each in trials]  # type: ignore[misc]  # mypy infers no lambda with a default


def test_a_trial_shown_again_is_no_new_one(tables: StrategyTables) -> None:
    assert record(tables, trial("a"), trial("b"), trial("a")) == [True, True, False]
    assert record(tables, trial("a", BEN)) == [True]
    assert tables.read(lambda db: count_trials(db, ADA)) == 2
    assert tables.read(verify_trials) == tables.read(trial_head)
    assert tables.read(trial_head).count == 3


def test_the_lineage_is_what_saw_some_of_the_same_data(tables: StrategyTables) -> None:
    record(
        tables, trial("a"), trial("later", start=11, end=20), trial("other", BEN),
        trial("touching", start=10, end=15),
    )  # fmt: skip
    told = tables.read(lambda db: lineage(db, ADA, trial("new").facts))
    assert told == [b"a", b"touching"]
    assert tables.read(lambda db: lineage(db, ADA, trial("a").facts)) == [b"touching"]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("UPDATE trials SET returns = x'00' WHERE seq = 2", "not the one"),
        ("DELETE FROM trials WHERE seq = 2", "taken out"),
        ("DELETE FROM trial_chain WHERE seq = 2", "not the one"),
        ("UPDATE trial_chain SET content_digest = zeroblob(32) WHERE seq = 1", "not the one"),
        ("DELETE FROM trial_chain WHERE seq = 3", "never recorded"),
        ("UPDATE trials SET account_id = 'eve' WHERE seq = 1", "not the one"),
    ],
)
def test_a_trial_that_was_changed_or_taken_out_is_missed(
    tables: StrategyTables, damage: str, why: str
) -> None:
    record(tables, trial("a"), trial("b"), trial("c"))
    tables.write(lambda db: db.execute(damage).fetchall())
    with pytest.raises(TrialsDamaged, match=why):
        tables.read(verify_trials)


def test_all_trials_of_an_account_that_is_there_are_missed(tables: StrategyTables) -> None:
    record(tables, trial("a"), trial("b", BEN))
    finished(tables, "one")
    tables.write(lambda db: db.execute("DELETE FROM trials WHERE account_id = 'ada'").fetchall())
    with pytest.raises(TrialsDamaged, match="taken out"):
        tables.read(verify_trials)


def test_an_account_is_erased_and_the_chain_stays(tables: StrategyTables) -> None:
    record(tables, trial("a"), trial("b", BEN), trial("c"))
    finished(tables, "one")
    head = tables.read(trial_head)
    tables.forget(ADA)
    assert tables.read(lambda db: count_trials(db, ADA)) == 0
    assert tables.read(lambda db: backtests_of(db, ADA, None, 9)) == []
    assert tables.read(lambda db: read_report(db, ADA, BacktestId("one"))) is None
    assert tables.read(verify_trials) == head == TrialHead(3, head.digest)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings_json": "[]"},
        {"settings_json": "{"},
        {"settings_json": '{"a": NaN}'},
        {"settings_json": '{"a": 1e999}'},
        {"settings_json": '{"a": "\\ud800"}'},
        {"settings_json": '{"\\ud800": 1}'},
        {"settings_json": '{"a": {}}'},
        {"settings_json": '{"a": []}'},
        {"settings_json": f'{{"a": {list(range(20))}, "b": {list(range(20))}}}'},
        {"settings_json": '{"a": "' + "x" * 9_000 + '"}'},
        {"histories": ()},
        {"histories": ("a", "a")},
        {"histories": ("../vault.db",)},
        {"cash": "0.00"},
        {"cash": "-1"},
        {"fee_ppm": 200_000},
        {"impact_ppm": 20_000_000},
        {"train_days": 0},
        {"start_ns": 9, "until_ns": 9},
    ],
)
def test_terms_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    check_terms(TERMS)
    with pytest.raises(Rejection) as refusal:
        check_terms(attrs.evolve(TERMS, **changes))  # type: ignore[arg-type]  # fields of it
    assert refusal.value.reason is Reason.BACKTEST_TERMS
