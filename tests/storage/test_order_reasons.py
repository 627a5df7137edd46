"""Reasons of orders: found as they were kept, the oldest gone, and gone with their account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import apsw
import attrs
import pytest
from xache_sdk.reasons import ModelReason, Reason, Weight
from xache_sdk.signal_values import SignalValue

from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE, XACHE
from xached.domain.order import AccountId, OrderId, Purse
from xached.domain.seen import Seen, SeenKind
from xached.storage import order_reasons, strategy_tables
from xached.storage.order_reasons import (
    SETTINGS,
    Found,
    OrderReason,
    StrategyRun,
    find_reason,
    find_run,
    keep_reasons,
    keep_run,
)
from xached.storage.strategy_tables import StrategyTables, tables_of_accounts

HOUSE = bytes(16)
ROBOT, OTHER = Purse("ann/robot"), Purse("bob/robot")
SAID = Reason(
    "the edge is worth it",
    {"edge": 0.1 + 0.2, "cost": -1e-300},
    ModelReason(
        digest="ab" * 32,
        score=0.5,
        base=-0.25,
        weights=(Weight("return:1", -0.02, 0.75), Weight("ETH-USDT/return:1", None, 0.0)),
    ),
)
SAW = (
    Seen(symbol=Symbol("BTC-USDT"), venue=BINANCE, kind=SeenKind.CANDLES, interval_s=60, at_ns=99),
    Seen(symbol=Symbol("BTC-USDT"), venue=XACHE, kind=SeenKind.BOOK, interval_s=0, at_ns=7),
)


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[StrategyTables]:
    opened = StrategyTables.open(tmp_path / "strategies.db", HOUSE)
    yield opened
    opened.close()


def run(number: int = 1, purse: Purse = ROBOT) -> StrategyRun:
    return StrategyRun(
        run_id=f"{number:016x}",
        purse=purse,
        strategy="dip",
        plugin="buy_the_dip",
        distribution="xache-strategy-dip",
        version="1.2",
        plugin_digest="cd" * 32,
        settings_digest="ef" * 32,
        started_at_ns=number,
        settings_json='{"fast": 5}',
    )


def with_settings(number: int, setting: str, purse: Purse = ROBOT) -> StrategyRun:
    """A run with settings that say something."""
    text = json.dumps({"says": setting})
    return attrs.evolve(run(number, purse), settings_digest=setting, settings_json=text)


def settings_kept(tables: StrategyTables) -> list[tuple[str, str]]:
    where = "SELECT account_id, settings_digest FROM strategy_run_settings"
    return tables.read(lambda db: [(str(each), str(digest)) for each, digest in db.execute(where)])


def reason(number: int, purse: Purse = ROBOT, run_number: int = 1) -> OrderReason:
    return OrderReason(
        purse=purse,
        order_id=OrderId(number),
        run_id=f"{run_number:016x}",
        decided_at_ns=1_000 + number,
        input=12,
        reason=SAID,
        seen=SAW,
    )


def keep(db: apsw.Connection, reasons: list[OrderReason]) -> None:
    keep_reasons(db, reasons, ())


def kept(tables: StrategyTables, purse: Purse) -> list[int]:
    where = "SELECT order_id FROM order_reasons WHERE purse = ? ORDER BY order_id"
    return tables.read(lambda db: [number for (number,) in db.execute(where, (purse,))])


def found(tables: StrategyTables, number: int, purse: Purse = ROBOT, run_id: str = "") -> Found:
    return tables.read(lambda db: find_reason(db, purse, OrderId(number), run_id or None))


def test_it_is_found_as_it_was_kept(tables: StrategyTables) -> None:
    silent = attrs.evolve(reason(2), reason=None, seen=())
    heard = SignalValue(
        signal="trend", name="up", value=0.1, confidence=None, as_of_ns=3, expires_at_ns=4
    )
    rule_only = attrs.evolve(
        reason(3), reason=Reason("because"), signals=(heard, replace(heard, confidence=0.5))
    )
    tables.write(partial(keep_run, run=run()))
    tables.write(partial(keep, reasons=[reason(1), silent, rule_only]))
    for number, kept in ((1, reason(1)), (2, silent), (3, rule_only)):
        assert found(tables, number) == Found(run=run(), reason=kept, dropped=False)


def test_an_order_is_of_one_purse(tables: StrategyTables) -> None:
    """Checked by looking for the order and for the run without the purse."""
    tables.write(partial(keep_run, run=run()))
    tables.write(partial(keep, reasons=[reason(1)]))
    nothing = Found(run=None, reason=None, dropped=False)
    assert found(tables, 1, OTHER, run().run_id) == nothing


def test_an_order_whose_reason_was_lost_is_still_known_by_its_run(tables: StrategyTables) -> None:
    tables.write(partial(keep_run, run=run()))
    assert found(tables, 5, run_id=run().run_id) == Found(run=run(), reason=None, dropped=False)
    assert found(tables, 5, run_id="0" * 16) == Found(run=None, reason=None, dropped=False)


def test_the_oldest_reasons_go_and_it_is_known_that_they_went(
    tables: StrategyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked by dropping none: the table grows without a bound."""
    monkeypatch.setattr(order_reasons, "REASONS_KEPT", 10)
    monkeypatch.setattr(order_reasons, "DROPPED_AT_ONCE", 3)
    tables.write(partial(keep_run, run=run()))
    tables.write(partial(keep, reasons=[reason(1, OTHER)]))
    for number in range(1, 41):
        tables.write(partial(keep, reasons=[reason(number)]))
        assert len(kept(tables, ROBOT)) <= 13
    assert found(tables, 40).reason == reason(40)
    assert found(tables, 28, run_id=run().run_id) == Found(run=run(), reason=None, dropped=True)
    assert not found(tables, 41).dropped
    assert found(tables, 1, OTHER).reason == reason(1, OTHER), "each purse has its own"


def test_orders_that_traded_are_kept_for_longer(
    tables: StrategyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked by dropping all alike: the quotes push out what traded."""
    monkeypatch.setattr(order_reasons, "REASONS_KEPT", 5)
    monkeypatch.setattr(order_reasons, "DROPPED_AT_ONCE", 1)
    tables.write(partial(keep, reasons=[reason(1)]))
    never = (ROBOT, OrderId(77))
    tables.write(
        partial(keep_reasons, reasons=[], traded=[(ROBOT, OrderId(1)), (OTHER, OrderId(2)), never])
    )
    for number in range(2, 30):
        tables.write(
            partial(
                keep_reasons,
                reasons=[reason(number)],
                traded=[(ROBOT, OrderId(number))] if number % 10 == 0 else [],
            )
        )
    numbers = kept(tables, ROBOT)
    assert [each for each in numbers if each < 24] == [1, 10, 20]
    assert 5 <= len([each for each in numbers if each >= 24]) <= 6
    for number in range(30, 90):
        traded = [(ROBOT, OrderId(number))]
        tables.write(partial(keep_reasons, reasons=[reason(number)], traded=traded))
    assert len(kept(tables, ROBOT)) <= 2 * 6, "those that traded have a bound too"


def test_runs_go_with_their_reasons(
    tables: StrategyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked by dropping runs by their number alone: the first is needed still."""
    monkeypatch.setattr(order_reasons, "RUNS_KEPT", 2)
    tables.write(partial(keep_run, run=run(9, OTHER)))
    tables.write(partial(keep_run, run=run(1)))
    tables.write(partial(keep, reasons=[reason(1)]))
    for number in (2, 3, 4):
        tables.write(partial(keep_run, run=run(number)))
    known = [
        number
        for number in (1, 2, 3, 4)
        if tables.read(partial(find_run, purse=ROBOT, run_id=run(number).run_id))
    ]
    assert known == [1, 3, 4]
    assert tables.read(lambda db: find_run(db, OTHER, run(9).run_id)) == run(9, OTHER)


def test_every_run_has_the_settings_that_it_had(tables: StrategyTables) -> None:
    """Checked by keeping one text for each strategy: the older run has the newer settings."""
    runs = [with_settings(1, "old"), with_settings(2, "new"), with_settings(3, "old")]
    others = with_settings(4, "old", OTHER)
    for each in (*runs, others):
        tables.write(partial(keep_run, run=each))
    for each in (*runs, others):
        assert tables.read(partial(find_run, purse=each.purse, run_id=each.run_id)) == each
    once = [("ann", "new"), ("ann", "old"), ("bob", "old")]
    assert settings_kept(tables) == once, "once for all runs of an account"


def test_settings_go_with_the_last_run_that_had_them(
    tables: StrategyTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked by dropping none, and those of all that go: another purse needs them still."""
    monkeypatch.setattr(order_reasons, "RUNS_KEPT", 2)
    tables.write(partial(keep_run, run=with_settings(1, "shared")))
    tables.write(partial(keep_run, run=with_settings(1_000, "shared", Purse("ann/other"))))
    for number in range(2, 6):
        tables.write(partial(keep_run, run=with_settings(number, f"of {number}")))
    assert settings_kept(tables) == [("ann", "of 4"), ("ann", "of 5"), ("ann", "shared")]


def test_the_settings_of_a_run_from_before_they_were_kept_are_not_known(tmp_path: Path) -> None:
    """A file of the format before, with a run that the daemon of then wrote."""
    path = tmp_path / "older.db"
    with pytest.MonkeyPatch.context() as patch:
        formats = strategy_tables.MIGRATIONS
        patch.setattr(strategy_tables, "MIGRATIONS", formats[: formats.index(SETTINGS)])
        older = StrategyTables.open(path, HOUSE)
        unknown = attrs.evolve(run(), settings_json="")
        older.write(partial(keep_run, run=unknown))
        older.close()
    newer = StrategyTables.open(path, HOUSE)
    newer.write(partial(keep_run, run=with_settings(2, "told")))
    assert newer.read(partial(find_run, purse=ROBOT, run_id=unknown.run_id)) == unknown
    newer.close()


def test_all_of_it_is_told_and_erased_with_the_account(tables: StrategyTables) -> None:
    for purse in (ROBOT, OTHER):
        number = 1 if purse == ROBOT else 2
        tables.write(partial(keep_run, run=run(number, purse)))
        tables.write(partial(keep, reasons=[reason(1, purse, number)]))

    def told() -> list[str]:
        ann = AccountId("ann")
        return [each for each in tables_of_accounts() if tables.rows_of(ann, each, 0, 9)]

    assert told() == ["order_reasons", "strategy_run_settings", "strategy_runs"]
    tables.forget(AccountId("ann"))
    assert told() == []
    assert found(tables, 1, run_id=run().run_id) == Found(run=None, reason=None, dropped=False)
    assert found(tables, 1, OTHER).reason == reason(1, OTHER, 2)
