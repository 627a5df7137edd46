"""The backtests of strategies.db: what was asked for, how each stands, and its report.

Functions for :class:`StrategyTables`: each is work on one connection, inside its transaction.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import apsw
import attrs

from xached.domain.backtests import (
    Backtest,
    BacktestId,
    BacktestResult,
    BacktestState,
    BacktestTerms,
    BacktestVerdict,
    DeflatedSharpe,
    FillRule,
    settings_digest,
    spelled,
)
from xached.domain.order import AccountId

SCHEMA: Final = """
CREATE TABLE backtests (
    number INTEGER PRIMARY KEY, backtest_id TEXT NOT NULL UNIQUE, account_id TEXT NOT NULL,
    request_id TEXT NOT NULL, plugin TEXT NOT NULL, plugin_digest TEXT NOT NULL,
    entry_point TEXT NOT NULL, instruments TEXT NOT NULL, fingerprints TEXT NOT NULL,
    terms TEXT NOT NULL, state INTEGER NOT NULL, cause TEXT NOT NULL, attempts INTEGER NOT NULL,
    created_at_ns INTEGER NOT NULL, started_at_ns INTEGER NOT NULL,
    ended_at_ns INTEGER NOT NULL, result TEXT NOT NULL, settings_digest TEXT NOT NULL,
    UNIQUE (account_id, request_id)) STRICT;
CREATE INDEX backtests_by_settings
    ON backtests (account_id, plugin_digest, settings_digest, instruments);
CREATE TABLE backtest_reports (
    backtest_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, report BLOB NOT NULL,
    page BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE trials (
    seq INTEGER PRIMARY KEY, account_id TEXT NOT NULL, trial_key BLOB NOT NULL,
    facts TEXT NOT NULL, plugin TEXT NOT NULL, shown_at_ns INTEGER NOT NULL,
    closed_trades INTEGER NOT NULL, returns BLOB NOT NULL,
    UNIQUE (account_id, trial_key)) STRICT;
CREATE TABLE trial_chain (
    seq INTEGER PRIMARY KEY, owner_digest BLOB NOT NULL, content_digest BLOB NOT NULL,
    chain BLOB NOT NULL) STRICT;
"""
"""What strategies.db gains; trial_book is about the last two."""

BESIDE: Final = """
ALTER TABLE backtests ADD COLUMN beside TEXT NOT NULL DEFAULT '';
"""
"""What of the house each was judged with."""

BACKTESTS_KEPT: Final = 200
"""Of each account that are over, the newest; older ones go with their reports. Trials stay."""

REPORTS_KEPT: Final = 20
"""Of each account, the newest: they are what takes room."""

_COLUMNS: Final = (
    "number, backtest_id, account_id, request_id, plugin, plugin_digest, entry_point, instruments,"
    " fingerprints, terms, state, cause, attempts, created_at_ns, started_at_ns, ended_at_ns,"
    " result,"
    " (SELECT page IS NOT NULL FROM backtest_reports AS r WHERE r.backtest_id = b.backtest_id),"
    " beside"
)


def add_backtest(db: apsw.Connection, backtest: Backtest) -> Backtest:
    """Keep a new backtest; it comes back with its number."""
    db.execute(
        "INSERT INTO backtests (backtest_id, account_id, request_id, plugin, plugin_digest,"
        " entry_point, instruments, fingerprints, terms, state, cause, attempts, created_at_ns,"
        " started_at_ns, ended_at_ns, result, settings_digest)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            backtest.backtest_id, backtest.account_id, backtest.request_id, backtest.plugin,
            backtest.plugin_digest, backtest.entry_point, spelled(backtest.instruments),
            spelled(backtest.fingerprints), _terms_text(backtest.terms), backtest.state.value,
            backtest.cause, backtest.attempts, backtest.created_at_ns, backtest.started_at_ns,
            backtest.ended_at_ns, "", "",
        ),
    )  # fmt: skip
    _drop_old(db, backtest.account_id)
    found = find_backtest(db, backtest.backtest_id)
    assert found is not None
    return found


def change_backtest(db: apsw.Connection, backtest: Backtest) -> bool:
    """Keep how a backtest stands now; False when there is no such backtest any more."""
    result = backtest.result
    digest = "" if result is None else settings_digest(result.chosen_json)
    db.execute(
        "UPDATE backtests SET state = ?, cause = ?, attempts = ?, started_at_ns = ?,"
        " ended_at_ns = ?, result = ?, settings_digest = ?, beside = ? WHERE backtest_id = ?",
        (
            backtest.state.value, backtest.cause, backtest.attempts, backtest.started_at_ns,
            backtest.ended_at_ns, "" if result is None else spelled(attrs.asdict(result)), digest,
            backtest.beside, backtest.backtest_id,
        ),
    )  # fmt: skip
    return db.changes() == 1


def write_report(
    db: apsw.Connection, backtest: Backtest, report: bytes, page: bytes | None
) -> None:
    """Keep the report of a finished backtest; the oldest ones of the account go."""
    db.execute(
        "INSERT OR REPLACE INTO backtest_reports (backtest_id, account_id, report, page)"
        " VALUES (?, ?, ?, ?)",
        (backtest.backtest_id, backtest.account_id, report, page),
    )
    db.execute(
        "DELETE FROM backtest_reports WHERE account_id = ?1 AND backtest_id NOT IN ("
        " SELECT backtest_id FROM backtests WHERE account_id = ?1 AND state = ?2"
        " ORDER BY number DESC LIMIT ?3)",
        (backtest.account_id, BacktestState.FINISHED.value, REPORTS_KEPT),
    )


def packed(text: bytes) -> bytes:
    """Text as it is kept. Not on the loop: it takes time."""
    return zlib.compress(text, 6)


def unpacked(report: bytes, page: bytes | None) -> tuple[bytes, bytes | None]:
    """A report as it was. Not on the loop."""
    return zlib.decompress(report), None if page is None else zlib.decompress(page)


def read_report(
    db: apsw.Connection, account_id: AccountId, backtest_id: BacktestId
) -> tuple[bytes, bytes | None] | None:
    """The JSON and the page of a report, both packed; None: there is none any more."""
    found: tuple[bytes, bytes | None] | None = db.execute(
        "SELECT report, page FROM backtest_reports WHERE account_id = ? AND backtest_id = ?",
        (account_id, backtest_id),
    ).fetchone()
    return found


def find_backtest(db: apsw.Connection, backtest_id: BacktestId) -> Backtest | None:
    """A backtest by its id."""
    return next(_backtests(db, "WHERE backtest_id = ?", backtest_id), None)


def find_request(db: apsw.Connection, account_id: AccountId, request_id: str) -> Backtest | None:
    """The backtest that a request has made."""
    where = "WHERE account_id = ? AND request_id = ?"
    return next(_backtests(db, where, account_id, request_id), None)


def backtests_of(
    db: apsw.Connection, account_id: AccountId, before: int | None, limit: int
) -> list[Backtest]:
    """Backtests of an account, newest first, with numbers below ``before``."""
    below = before if before is not None else 2**62
    where = "WHERE account_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
    return list(_backtests(db, where, account_id, below, limit))


def unfinished_backtests(db: apsw.Connection) -> list[Backtest]:
    """Those that wait or were running when the house stopped, oldest first."""
    where = "WHERE state IN (?, ?) ORDER BY number"
    states = (BacktestState.QUEUED.value, BacktestState.RUNNING.value)
    return list(_backtests(db, where, *states))


def find_deflated(
    db: apsw.Connection,
    account_id: AccountId,
    plugin_digest: str,
    settings_json: str,
    instruments: Sequence[str],
    beside: str = "",
) -> DeflatedSharpe | None:
    """What the newest finished backtest of an account says of a plugin as it is installed, with
    these settings, on these markets or more; None: there is none.

    One that was not charged what trading costs does not count, nor one that was judged with other
    models or signals of the house: ``beside`` is what is there now. A walk forward counts for the
    settings that it chose last. ``settings_json`` may be in any order.

    Raises: ValueError when it is no JSON.
    """
    wanted = set(instruments)
    rows = db.execute(
        "SELECT backtest_id, instruments, terms, result, ended_at_ns FROM backtests"
        " WHERE account_id = ? AND plugin_digest = ? AND settings_digest = ? AND state = ?"
        " AND beside = ? ORDER BY number DESC",
        (
            account_id,
            plugin_digest,
            settings_digest(settings_json),
            BacktestState.FINISHED.value,
            beside,
        ),
    )
    for backtest_id, tested, terms, result, ended_at_ns in rows:
        if wanted <= set(json.loads(tested)) and _terms(terms).pays_its_way:
            found = _result(result)
            assert found is not None, "what is finished has a result"
            return DeflatedSharpe(
                backtest_id=BacktestId(backtest_id),
                verdict=found.verdict,
                deflated_ppm=found.deflated_ppm,
                trials=found.trials,
                ended_at_ns=ended_at_ns,
            )
    return None


def _drop_old(db: apsw.Connection, account_id: AccountId) -> None:
    old = db.execute(
        "SELECT backtest_id FROM backtests WHERE account_id = ? AND state >= ?"
        " ORDER BY number DESC LIMIT -1 OFFSET ?",
        (account_id, BacktestState.FINISHED.value, BACKTESTS_KEPT),
    ).fetchall()
    for (backtest_id,) in old:
        for table in ("backtest_reports", "backtests"):
            db.execute(f"DELETE FROM {table} WHERE backtest_id = ?", (backtest_id,))  # noqa: S608 - names


def _backtests(db: apsw.Connection, where: str, *values: object) -> Iterator[Backtest]:
    statement = f"SELECT {_COLUMNS} FROM backtests AS b {where}"  # noqa: S608 - names
    rows: list[Any] = db.execute(statement, values).fetchall()
    for row in rows:
        yield Backtest(
            number=row[0],
            backtest_id=BacktestId(row[1]),
            account_id=AccountId(row[2]),
            request_id=row[3],
            plugin=row[4],
            plugin_digest=row[5],
            entry_point=row[6],
            instruments=tuple(json.loads(row[7])),
            fingerprints=tuple(json.loads(row[8])),
            terms=_terms(row[9]),
            state=BacktestState(row[10]),
            cause=row[11],
            attempts=row[12],
            created_at_ns=row[13],
            started_at_ns=row[14],
            ended_at_ns=row[15],
            result=_result(row[16]),
            has_page=bool(row[17]),
            beside=row[18],
        )


def _terms_text(terms: BacktestTerms) -> str:
    return spelled({**attrs.asdict(terms), "fill_rule": terms.fill_rule.value})


def _terms(text: str) -> BacktestTerms:
    found = json.loads(text)
    found["histories"] = tuple(found["histories"])
    found["fill_rule"] = FillRule(found["fill_rule"])
    return BacktestTerms(**found)


def _result(text: str) -> BacktestResult | None:
    if not text:
        return None
    found = json.loads(text)
    return BacktestResult(**{**found, "verdict": BacktestVerdict(found["verdict"])})
