"""Why strategies placed their orders, in strategies.db: for owners who ask.

An order is in the journal before its reason is here, so a crash may leave an order without one.
What every run was is written before the run begins, and a strategy's order bears the run's id: so
it is always known which strategy placed an order, of which version and with which settings, and
that its reason is missing, and whether that is because it was too old to be kept.

The functions are work for :class:`xached.storage.strategy_tables.StrategyTables`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import apsw
import attrs
from xache_sdk.reasons import ModelReason, Reason, Weight
from xache_sdk.signal_values import SignalValue

from xached.domain.instrument import Symbol
from xached.domain.market import Venue
from xached.domain.order import OrderId, Purse, account_of
from xached.domain.seen import Seen, SeenKind

REASONS_KEPT: Final = 10_000
"""Of each purse, the newest of orders that traded, and as many of others: quotes that came and went
by the thousand leave those alone that mattered. A reason has up to 30 kB, usually half of one."""

DROPPED_AT_ONCE: Final = 1_000
RUNS_KEPT: Final = 200
"""Of each purse, beside those of which reasons are kept."""

SCHEMA: Final = """
    CREATE TABLE strategy_runs (
        run_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, purse TEXT NOT NULL,
        strategy TEXT NOT NULL, plugin TEXT NOT NULL, distribution TEXT NOT NULL,
        version TEXT NOT NULL, plugin_digest TEXT NOT NULL, settings_digest TEXT NOT NULL,
        started_at_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX strategy_runs_by_purse ON strategy_runs (purse, started_at_ns);
    CREATE TABLE order_reasons (
        purse TEXT NOT NULL, order_id INTEGER NOT NULL, account_id TEXT NOT NULL,
        run_id TEXT NOT NULL, decided_at_ns INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (purse, order_id)) STRICT, WITHOUT ROWID;
    CREATE INDEX order_reasons_by_account ON order_reasons (account_id);
    CREATE TABLE order_reason_counts (
        purse TEXT PRIMARY KEY, account_id TEXT NOT NULL, kept INTEGER NOT NULL,
        dropped_to INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    """

TRADED: Final = """
    ALTER TABLE order_reasons ADD COLUMN traded INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX order_reasons_by_age ON order_reasons (purse, traded, order_id);
    ALTER TABLE order_reason_counts DROP COLUMN kept;
    ALTER TABLE order_reason_counts RENAME TO order_reasons_dropped;
    """

SETTINGS: Final = """
    CREATE TABLE strategy_run_settings (
        account_id TEXT NOT NULL, settings_digest TEXT NOT NULL, settings_json TEXT NOT NULL,
        PRIMARY KEY (account_id, settings_digest)) STRICT, WITHOUT ROWID;
    """
"""Once for all runs of an account that have the same: a strategy begins anew with each start of the
house, and seldom with other settings."""

_RUN: Final = (
    "run_id, purse, strategy, plugin, distribution, version, plugin_digest, settings_digest,"
    " started_at_ns"
)


@attrs.frozen(kw_only=True)
class StrategyRun:
    """One run of a strategy: what ran, for which purse, with which settings.

    ``plugin`` is its entry point's name; ``distribution``, ``version`` and ``plugin_digest`` are of
    the package that it is installed by, empty where that is not known. ``settings_digest`` is the
    SHA-256 of the settings as the strategy was told them, ``settings_json`` an object with them to
    read; empty for a run that began before they were kept.
    """

    run_id: str
    purse: Purse
    strategy: str
    plugin: str
    distribution: str
    version: str
    plugin_digest: str
    settings_digest: str
    started_at_ns: int
    settings_json: str = ""


@attrs.frozen(kw_only=True)
class OrderReason:
    """Why a strategy placed an order.

    ``reason`` is what the strategy said, None when it said nothing. ``seen`` is the newest market
    data that it had been handed when it decided, the newest first, and ``input`` counts everything
    it had been handed in this run. ``decided_at_ns`` is when the house heard of it.
    """

    purse: Purse
    order_id: OrderId
    run_id: str
    decided_at_ns: int
    input: int
    reason: Reason | None
    seen: tuple[Seen, ...]
    reference_ticks: int | None = None
    """The newest price of the order's market that the strategy had been handed, if any."""
    signals: tuple[SignalValue, ...] = ()
    """The values of signals that it had been told and that were not taken back, newest first."""


@attrs.frozen(kw_only=True)
class Found:
    """What is known of an order. ``dropped``: it is as old as reasons that are no longer kept."""

    run: StrategyRun | None
    reason: OrderReason | None
    dropped: bool


def keep_run(db: apsw.Connection, run: StrategyRun) -> None:
    """Keep what a run is, before it begins; the oldest go that nothing refers to."""
    account_id = account_of(run.purse)
    values = attrs.asdict(run)
    db.execute(
        f"INSERT INTO strategy_runs ({_RUN}, account_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
        (*(values[column] for column in _RUN.split(", ")), account_id),
    )
    if run.settings_json:
        db.execute(
            "INSERT OR IGNORE INTO strategy_run_settings VALUES (?, ?, ?)",
            (account_id, run.settings_digest, run.settings_json),
        )
    db.execute(
        "DELETE FROM strategy_runs WHERE purse = ?1 AND run_id NOT IN (SELECT run_id FROM"
        " strategy_runs WHERE purse = ?1 ORDER BY started_at_ns DESC LIMIT ?2) AND run_id NOT IN"
        " (SELECT run_id FROM order_reasons WHERE purse = ?1)",
        (run.purse, RUNS_KEPT),
    )
    if db.changes():
        db.execute(
            "DELETE FROM strategy_run_settings WHERE account_id = ?1 AND settings_digest NOT IN"
            " (SELECT settings_digest FROM strategy_runs WHERE account_id = ?1)",
            (account_id,),
        )


def keep_reasons(
    db: apsw.Connection, reasons: Sequence[OrderReason], traded: Iterable[tuple[Purse, OrderId]]
) -> None:
    """Keep reasons, and which orders have traded; of each purse the oldest go if they are too many.

    ``traded`` may be of orders whose reasons were kept before, or never.
    """
    db.executemany(
        "INSERT OR REPLACE INTO order_reasons (purse, order_id, account_id, run_id, decided_at_ns,"
        " body) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                each.purse,
                each.order_id,
                account_of(each.purse),
                each.run_id,
                each.decided_at_ns,
                _write_body(each),
            )
            for each in reasons
        ),
    )
    known = list(traded)
    db.executemany(
        "UPDATE order_reasons SET traded = 1 WHERE purse = ? AND order_id = ? AND NOT traded", known
    )
    for purse in sorted({each.purse for each in reasons} | {purse for purse, _ in known}):
        for has_traded in (0, 1):
            _drop_oldest(db, purse, has_traded)


def find_reason(db: apsw.Connection, purse: Purse, order_id: OrderId, run_id: str | None) -> Found:
    """What is known of an order of a purse. ``run_id`` is the one its client order id begins with.

    The run of a reason that is kept is kept too.
    """
    row = db.execute(
        "SELECT run_id, decided_at_ns, body FROM order_reasons WHERE purse = ? AND order_id = ?",
        (purse, order_id),
    ).fetchone()
    reason = None
    if row is not None:
        run_id, decided_at_ns, body = row
        reason = _read_body(purse, order_id, str(run_id), decided_at_ns, json.loads(body))
    dropped = db.execute(
        "SELECT 1 FROM order_reasons_dropped WHERE purse = ? AND dropped_to >= ?", (purse, order_id)
    ).fetchone()
    return Found(
        run=None if run_id is None else find_run(db, purse, run_id),
        reason=reason,
        dropped=reason is None and dropped is not None,
    )


def references_of(db: apsw.Connection, purse: Purse) -> dict[OrderId, int]:
    """What a strategy knew as the price when it placed each order of a purse, in ticks."""
    rows = db.execute(
        "SELECT order_id, json_extract(body, '$.reference_ticks') FROM order_reasons"
        " WHERE purse = ?",
        (purse,),
    )
    return {OrderId(order_id): ticks for order_id, ticks in rows if ticks is not None}


def find_run(db: apsw.Connection, purse: Purse, run_id: str) -> StrategyRun | None:
    """A run of a strategy that traded a purse."""
    row = db.execute(
        f"SELECT coalesce(settings_json, ''), {_RUN} FROM strategy_runs LEFT JOIN"  # noqa: S608 - a constant
        " strategy_run_settings USING (account_id, settings_digest) WHERE run_id = ? AND purse = ?",
        (run_id, purse),
    ).fetchone()
    if row is None:
        return None
    settings_json, *told = row
    run = dict(zip(_RUN.split(", "), told, strict=True))
    return StrategyRun(**run, settings_json=settings_json)


def _drop_oldest(db: apsw.Connection, purse: Purse, has_traded: int) -> None:
    """Drop the oldest reasons of a purse when there are too many, and remember up to which."""
    nth = (
        "SELECT order_id FROM order_reasons WHERE purse = ? AND traded = ? ORDER BY order_id DESC"
        " LIMIT 1 OFFSET ?"
    )
    if not db.execute(nth, (purse, has_traded, REASONS_KEPT + DROPPED_AT_ONCE)).fetchone():
        return
    (newest,) = db.execute(nth, (purse, has_traded, REASONS_KEPT)).fetchall()[0]
    db.execute(
        "DELETE FROM order_reasons WHERE purse = ? AND traded = ? AND order_id <= ?",
        (purse, has_traded, newest),
    )
    db.execute(
        "INSERT INTO order_reasons_dropped (purse, account_id, dropped_to) VALUES (?, ?, ?)"
        " ON CONFLICT (purse) DO UPDATE SET dropped_to = max(dropped_to, excluded.dropped_to)",
        (purse, account_of(purse), newest),
    )


def _write_body(reason: OrderReason) -> str:
    body: dict[str, Any] = {
        "input": reason.input,
        "seen": [
            [each.symbol, each.venue, each.kind.value, each.interval_s, each.at_ns]
            for each in reason.seen
        ],
    }
    if reason.reference_ticks is not None:
        body["reference_ticks"] = reason.reference_ticks
    if reason.signals:
        body["signals"] = [
            [
                each.signal,
                each.name,
                each.value,
                each.confidence,
                each.as_of_ns,
                each.expires_at_ns,
            ]
            for each in reason.signals
        ]
    said = reason.reason
    if said is not None:
        body |= {"rule": said.rule, "figures": dict(said.figures)}
        if said.model is not None:
            body["model"] = {
                "digest": said.model.digest,
                "score": said.model.score,
                "base": said.model.base,
                "weights": [[each.feature, each.value, each.added] for each in said.model.weights],
            }
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _read_body(
    purse: Purse, order_id: OrderId, run_id: str, decided_at_ns: int, body: Mapping[str, Any]
) -> OrderReason:
    said = None
    if "rule" in body:
        said = Reason(body["rule"], body["figures"], _read_model(body.get("model")))
    return OrderReason(
        purse=purse,
        order_id=order_id,
        run_id=run_id,
        decided_at_ns=decided_at_ns,
        input=body["input"],
        reason=said,
        seen=tuple(_read_seen(body["seen"])),
        reference_ticks=body.get("reference_ticks"),
        signals=tuple(map(_read_signal, body.get("signals", ()))),
    )


def _read_model(body: Mapping[str, Any] | None) -> ModelReason | None:
    if body is None:
        return None
    return ModelReason(
        digest=body["digest"],
        score=body["score"],
        base=body["base"],
        weights=tuple(Weight(*each) for each in body["weights"]),
    )


def _read_signal(row: Sequence[Any]) -> SignalValue:
    signal, name, value, confidence, as_of_ns, expires_at_ns = row
    return SignalValue(
        signal=signal,
        name=name,
        value=value,
        confidence=confidence,
        as_of_ns=as_of_ns,
        expires_at_ns=expires_at_ns,
    )


def _read_seen(rows: Iterable[Sequence[Any]]) -> Iterable[Seen]:
    for symbol, venue, kind, interval_s, at_ns in rows:
        yield Seen(
            symbol=Symbol(symbol),
            venue=Venue(venue),
            kind=SeenKind(kind),
            interval_s=interval_s,
            at_ns=at_ns,
        )
