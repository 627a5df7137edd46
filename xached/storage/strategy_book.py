"""The strategies of people, in strategies.db: how far each has come, and how it did by day.

The functions are work for :class:`xached.storage.strategy_tables.StrategyTables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw
import attrs

from xached.domain.instrument import AssetName, Symbol
from xached.domain.order import AccountId
from xached.domain.strategy_life import Acknowledgement, Stage, Strategy, Wish

DAYS_KEPT: Final = 1_000
"""Of each strategy and stage, the newest."""

SCHEMA: Final = """
    ALTER TABLE strategies ADD COLUMN loss_limit_units TEXT NOT NULL DEFAULT '0';
    ALTER TABLE strategies ADD COLUMN lives INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE strategies ADD COLUMN predicts INTEGER;
    CREATE TABLE strategy_acknowledgements (
        strategy_id TEXT NOT NULL, number INTEGER NOT NULL, account_id TEXT NOT NULL,
        at_ns INTEGER NOT NULL, sentence TEXT NOT NULL, known TEXT NOT NULL,
        PRIMARY KEY (strategy_id, number)) STRICT, WITHOUT ROWID;
    CREATE TABLE strategy_days (
        strategy_id TEXT NOT NULL, stage INTEGER NOT NULL, day INTEGER NOT NULL,
        account_id TEXT NOT NULL, first_units TEXT NOT NULL, high_units TEXT NOT NULL,
        low_units TEXT NOT NULL, last_units TEXT NOT NULL,
        PRIMARY KEY (strategy_id, stage, day)) STRICT, WITHOUT ROWID;
    """

CHANGES: Final = """
    ALTER TABLE strategies ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE strategies ADD COLUMN edition INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE strategies ADD COLUMN swept INTEGER NOT NULL DEFAULT 0;
    """

FAILURES: Final = """
    ALTER TABLE strategies ADD COLUMN failure TEXT NOT NULL DEFAULT '';
    """

GAINED_BEFORE: Final = """
    ALTER TABLE strategies ADD COLUMN gained_before_units TEXT NOT NULL DEFAULT '0';
    """

_COLUMNS: Final = (
    "strategy_id, account_id, name, plugin, symbols, settings_json, stage, wish, budget_asset,"
    " budget_units, created_at_ns, loss_limit_units, lives, predicts,"
    " version, edition, swept, failure, gained_before_units"
)


@attrs.frozen(kw_only=True)
class StrategyDay:
    """The profit of a strategy on one UTC day, realised and not, in units of its budget's asset.

    It is counted from when the strategy began, not from the beginning of the day.
    """

    day: int
    first_units: int
    high_units: int
    low_units: int
    last_units: int

    def after(self, profit_units: int) -> StrategyDay:
        """The day, one look later."""
        return attrs.evolve(
            self,
            high_units=max(self.high_units, profit_units),
            low_units=min(self.low_units, profit_units),
            last_units=profit_units,
        )


def put_strategy(db: apsw.Connection, strategy: Strategy) -> None:
    """Keep a strategy as it is now."""
    values = (
        strategy.strategy_id,
        strategy.account_id,
        strategy.name,
        strategy.plugin,
        " ".join(strategy.symbols),
        strategy.settings_json,
        strategy.stage.value,
        strategy.wish.value,
        strategy.budget_asset,
        str(strategy.budget_units),
        strategy.created_at_ns,
        str(strategy.loss_limit_units),
        strategy.lives,
        None if strategy.predicts is None else int(strategy.predicts),
        strategy.version,
        strategy.edition,
        int(strategy.swept),
        strategy.failure,
        str(strategy.gained_before_units),
    )
    db.execute(
        f"INSERT OR REPLACE INTO strategies ({_COLUMNS})"  # noqa: S608 - a constant
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        values,
    )


def begin_edition(db: apsw.Connection, strategy: Strategy) -> None:
    """Keep another edition of a strategy; how its earlier ones did on paper is not about it."""
    put_strategy(db, strategy)
    db.execute(
        "DELETE FROM strategy_days WHERE strategy_id = ? AND stage = ?",
        (strategy.strategy_id, Stage.PAPER.value),
    )


def note_predicts(db: apsw.Connection, strategy: Strategy, predicts: bool) -> None:
    """Keep what the plugin of a strategy declares; nothing where it is another edition by now."""
    db.execute(
        "UPDATE strategies SET predicts = ? WHERE strategy_id = ? AND edition = ?",
        (int(predicts), strategy.strategy_id, strategy.edition),
    )


def note_failure(db: apsw.Connection, strategy: Strategy, failure: str) -> None:
    """Keep what has ended a run; nothing where its owner has changed anything meanwhile."""
    if find_strategy(db, strategy.account_id, strategy.name) == strategy:
        put_strategy(db, attrs.evolve(strategy, failure=failure))


def replace_strategy(db: apsw.Connection, strategy: Strategy) -> None:
    """Keep a strategy in the place of one with its id, of which all that is known is removed."""
    put_strategy(db, strategy)
    key = (strategy.strategy_id,)
    db.execute("DELETE FROM strategy_acknowledgements WHERE strategy_id = ?", key)
    db.execute("DELETE FROM strategy_days WHERE strategy_id = ?", key)


def find_strategy(db: apsw.Connection, account_id: AccountId, name: str) -> Strategy | None:
    """The strategy of an account that has a name."""
    found = _strategies(db, "WHERE account_id = ? AND name = ?", account_id, name)
    return found[0] if found else None


def strategies_of(db: apsw.Connection, account_id: AccountId) -> list[Strategy]:
    """All strategies of an account, oldest first."""
    return _strategies(db, "WHERE account_id = ? ORDER BY created_at_ns, name", account_id)


def all_strategies(db: apsw.Connection) -> list[Strategy]:
    """Every strategy there is, oldest first."""
    return _strategies(db, "ORDER BY created_at_ns, strategy_id")


def count_running(db: apsw.Connection, strategy: Strategy) -> tuple[int, int]:
    """How many other strategies are wanted to run: of its account, and in all."""
    row = db.execute(
        "SELECT coalesce(sum(account_id = ?), 0), count(*) FROM strategies"
        " WHERE wish = ? AND strategy_id != ?",
        (strategy.account_id, Wish.RUNNING.value, strategy.strategy_id),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def add_acknowledgement(
    db: apsw.Connection, strategy: Strategy, acknowledgement: Acknowledgement
) -> None:
    """Keep an owner's word for one going live."""
    db.execute(
        "INSERT OR REPLACE INTO strategy_acknowledgements"
        " (strategy_id, number, account_id, at_ns, sentence, known) VALUES (?, ?, ?, ?, ?, ?)",
        (
            strategy.strategy_id,
            strategy.lives,
            strategy.account_id,
            acknowledgement.at_ns,
            acknowledgement.sentence,
            acknowledgement.known,
        ),
    )


def find_acknowledgement(db: apsw.Connection, strategy: Strategy) -> Acknowledgement | None:
    """What its owner has said of the life that a strategy has, or has had last."""
    row = db.execute(
        "SELECT at_ns, sentence, known FROM strategy_acknowledgements"
        " WHERE strategy_id = ? AND number = ?",
        (strategy.strategy_id, strategy.lives),
    ).fetchone()
    if row is None:
        return None
    return Acknowledgement(at_ns=row[0], sentence=row[1], known=row[2])


def add_profit(db: apsw.Connection, strategy: Strategy, day: int, profit_units: int) -> None:
    """Keep one look at a strategy's profit; the oldest days go when there are too many.

    Nothing where it is another edition by now, or gone: what was seen is not about that.
    """
    same = "SELECT 1 FROM strategies WHERE strategy_id = ? AND edition = ?"
    if db.execute(same, (strategy.strategy_id, strategy.edition)).fetchone() is None:
        return
    key = (strategy.strategy_id, strategy.stage.value)
    found = _days(db, "AND day = ?", *key, day)
    begun = StrategyDay(
        day=day,
        first_units=profit_units,
        high_units=profit_units,
        low_units=profit_units,
        last_units=profit_units,
    )
    now = found[0].after(profit_units) if found else begun
    db.execute(
        "INSERT OR REPLACE INTO strategy_days (strategy_id, stage, day, account_id, first_units,"
        " high_units, low_units, last_units) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            day,
            strategy.account_id,
            str(now.first_units),
            str(now.high_units),
            str(now.low_units),
            str(now.last_units),
        ),
    )
    if not found:
        db.execute(
            "DELETE FROM strategy_days WHERE strategy_id = ? AND stage = ? AND day <= ?",
            (*key, day - DAYS_KEPT),
        )


def days_of(db: apsw.Connection, strategy_id: str, stage: Stage) -> list[StrategyDay]:
    """The days of a strategy in a stage, oldest first."""
    return _days(db, "ORDER BY day", strategy_id, stage.value)


def _days(db: apsw.Connection, clause: str, *values: object) -> list[StrategyDay]:
    rows = db.execute(
        "SELECT day, first_units, high_units, low_units, last_units FROM strategy_days"  # noqa: S608 - constants
        f" WHERE strategy_id = ? AND stage = ? {clause}",
        values,
    )
    return [
        StrategyDay(
            day=day,
            first_units=int(first),
            high_units=int(high),
            low_units=int(low),
            last_units=int(last),
        )
        for day, first, high, low, last in rows
    ]


def _strategies(db: apsw.Connection, clause: str, *values: str) -> list[Strategy]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM strategies {clause}", values)  # noqa: S608 - constants
    return [_strategy(row) for row in rows]


def _strategy(row: Sequence[Any]) -> Strategy:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Strategy(
        strategy_id=values["strategy_id"],
        account_id=AccountId(values["account_id"]),
        name=values["name"],
        plugin=values["plugin"],
        symbols=tuple(map(Symbol, values["symbols"].split())),
        settings_json=values["settings_json"],
        stage=Stage(values["stage"]),
        wish=Wish(values["wish"]),
        budget_asset=AssetName(values["budget_asset"]),
        budget_units=int(values["budget_units"]),
        loss_limit_units=int(values["loss_limit_units"]),
        created_at_ns=values["created_at_ns"],
        lives=values["lives"],
        predicts=None if values["predicts"] is None else bool(values["predicts"]),
        version=values["version"],
        edition=values["edition"],
        swept=bool(values["swept"]),
        failure=values["failure"],
        gained_before_units=int(values["gained_before_units"]),
    )
