"""What operators have decided on plugins, and how plugins broke their rules, in strategies.db.

Each function is work for ``StrategyTables``: it is given the connection, in one transaction.

An approval is sealed with a key of the house: one that somebody wrote into the file, or changed in
it, approves nothing. So does one that was given before there were seals. What a seal cannot tell
is that a row was given once and taken back: put back from a copy of the file, it approves again
what it pinned, file by file. Quarantines are not sealed; the file is the daemon's own (0600).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from typing import Any, Final

import apsw
from loguru import logger

from xached.domain.capabilities import Capabilities
from xached.domain.instrument import AssetName, Symbol
from xached.domain.order import AccountId
from xached.domain.plugins import (
    Approval,
    Breach,
    Description,
    InstalledPlugin,
    LookAhead,
    PluginGroup,
    Quarantine,
)

SCHEMA: Final = """
    CREATE TABLE plugin_approvals (
        plugin_group TEXT NOT NULL, name TEXT NOT NULL, entry_point TEXT NOT NULL,
        distribution TEXT NOT NULL, version TEXT NOT NULL, files TEXT NOT NULL,
        capabilities TEXT NOT NULL, look_ahead TEXT NOT NULL, approved_by TEXT NOT NULL,
        at_ns INTEGER NOT NULL, PRIMARY KEY (plugin_group, name)) STRICT, WITHOUT ROWID;
    CREATE TABLE plugin_quarantines (
        plugin_group TEXT NOT NULL, name TEXT NOT NULL, cause TEXT NOT NULL, by TEXT NOT NULL,
        at_ns INTEGER NOT NULL, PRIMARY KEY (plugin_group, name)) STRICT, WITHOUT ROWID;
    CREATE TABLE plugin_breaches (
        plugin_group TEXT NOT NULL, name TEXT NOT NULL, breach TEXT NOT NULL,
        at_ns INTEGER NOT NULL) STRICT;
    CREATE INDEX plugin_breaches_by_time ON plugin_breaches (plugin_group, name, at_ns);
"""

DESCRIPTIONS: Final = """
    CREATE TABLE plugin_descriptions (
        plugin_group TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, about TEXT NOT NULL,
        settings_schema TEXT NOT NULL, PRIMARY KEY (plugin_group, name)) STRICT, WITHOUT ROWID;
"""

SEALS: Final = """
    ALTER TABLE plugin_approvals ADD COLUMN seal TEXT NOT NULL DEFAULT '';
    ALTER TABLE plugin_breaches ADD COLUMN account_id TEXT NOT NULL DEFAULT '';
    CREATE TABLE plugin_exclusions (
        plugin_group TEXT NOT NULL, name TEXT NOT NULL, account_id TEXT NOT NULL,
        cause TEXT NOT NULL, at_ns INTEGER NOT NULL,
        PRIMARY KEY (plugin_group, name, account_id)) STRICT, WITHOUT ROWID;
"""

OPERATOR: Final = AccountId("")
"""Whose the strategies of the configuration are."""

BREACHES_KEPT: Final = 100
"""Of one plugin; the newest."""


def read_approval(
    db: apsw.Connection, group: PluginGroup, name: str, key: bytes
) -> Approval | None:
    """The approval of a plugin, if it has one that was sealed with the key."""
    row = db.execute(
        "SELECT entry_point, distribution, version, files, capabilities, look_ahead, approved_by,"
        " at_ns, seal FROM plugin_approvals WHERE plugin_group = ? AND name = ?",
        (group.value, name),
    ).fetchone()
    if row is None:
        return None
    *values, seal = row
    if not hmac.compare_digest(
        _seal((group.value, name, *values), key).encode(), seal.encode("utf-8", "surrogatepass")
    ):
        logger.error("the approval of {} {!r} is not one that was given here", group.kind, name)
        return None
    entry_point, distribution, version, files, capabilities, look_ahead, by, at_ns = values
    return Approval(
        plugin=InstalledPlugin(
            group=group,
            name=name,
            entry_point=entry_point,
            distribution=distribution,
            version=version,
        ),
        files=json.loads(files),
        capabilities=read_capabilities(json.loads(capabilities)),
        look_ahead=LookAhead(look_ahead),
        by=by,
        at_ns=at_ns,
    )


def read_description(db: apsw.Connection, group: PluginGroup, name: str) -> Description | None:
    """What a plugin said of itself when it was last asked."""
    row = db.execute(
        "SELECT digest, about, settings_schema FROM plugin_descriptions"
        " WHERE plugin_group = ? AND name = ?",
        (group.value, name),
    ).fetchone()
    if row is None:
        return None
    return Description(digest=row[0], about=row[1], settings_schema=row[2])


def write_description(
    db: apsw.Connection, group: PluginGroup, name: str, description: Description
) -> None:
    """Keep what a plugin says of itself, in place of what it said before."""
    db.execute(
        "INSERT OR REPLACE INTO plugin_descriptions VALUES (?, ?, ?, ?, ?)",
        (
            group.value,
            name,
            description.digest,
            description.about,
            description.settings_schema,
        ),
    )


def known_names(db: apsw.Connection) -> list[tuple[PluginGroup, str]]:
    """Every plugin that has an approval or is in quarantine, also one that is not installed."""
    rows = db.execute(
        "SELECT plugin_group, name FROM plugin_approvals"
        " UNION SELECT plugin_group, name FROM plugin_quarantines"
        " UNION SELECT plugin_group, name FROM plugin_exclusions ORDER BY 1, 2"
    )
    return [(PluginGroup(group), name) for group, name in rows]


def write_approval(db: apsw.Connection, approval: Approval, key: bytes) -> None:
    """Keep an approval, sealed with a key, in place of an earlier one."""
    plugin = approval.plugin
    values = (
        plugin.group.value,
        plugin.name,
        plugin.entry_point,
        plugin.distribution,
        plugin.version,
        json.dumps(dict(approval.files), sort_keys=True),
        json.dumps(write_capabilities(approval.capabilities), sort_keys=True),
        approval.look_ahead.value,
        approval.by,
        approval.at_ns,
    )
    db.execute(
        "INSERT OR REPLACE INTO plugin_approvals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, _seal(values, key)),
    )


def _seal(values: tuple[str | int, ...], key: bytes) -> str:
    """Over all columns, each of which JSON keeps apart from the next."""
    return hmac.digest(key, json.dumps(values).encode(), "sha256").hex()


def withdraw_approval(db: apsw.Connection, group: PluginGroup, name: str) -> bool:
    """Take an approval back; False when there was none."""
    db.execute(
        "DELETE FROM plugin_approvals WHERE plugin_group = ? AND name = ?", (group.value, name)
    )
    return db.changes() > 0


def read_quarantine(db: apsw.Connection, group: PluginGroup, name: str) -> Quarantine | None:
    """Why a plugin is in quarantine, if it is."""
    row = db.execute(
        "SELECT cause, by, at_ns FROM plugin_quarantines WHERE plugin_group = ? AND name = ?",
        (group.value, name),
    ).fetchone()
    return None if row is None else Quarantine(cause=row[0], by=row[1], at_ns=row[2])


def quarantines(db: apsw.Connection) -> list[tuple[PluginGroup, str, Quarantine]]:
    """Every plugin that is in quarantine."""
    rows = db.execute(
        "SELECT plugin_group, name, cause, by, at_ns FROM plugin_quarantines ORDER BY 1, 2"
    )
    return [
        (PluginGroup(group), name, Quarantine(cause=cause, by=by, at_ns=at_ns))
        for group, name, cause, by, at_ns in rows
    ]


def write_quarantine(
    db: apsw.Connection, group: PluginGroup, name: str, quarantine: Quarantine
) -> None:
    """Put a plugin into quarantine, or tell why anew."""
    db.execute(
        "INSERT OR REPLACE INTO plugin_quarantines VALUES (?, ?, ?, ?, ?)",
        (group.value, name, quarantine.cause, quarantine.by, quarantine.at_ns),
    )


def end_quarantine(db: apsw.Connection, group: PluginGroup, name: str) -> bool:
    """Let a plugin out, its breaches forgotten; False when it was kept from nobody."""
    place = (group.value, name)
    db.execute("DELETE FROM plugin_quarantines WHERE plugin_group = ? AND name = ?", place)
    found = db.changes() > 0
    db.execute("DELETE FROM plugin_exclusions WHERE plugin_group = ? AND name = ?", place)
    found = db.changes() > 0 or found
    db.execute("DELETE FROM plugin_breaches WHERE plugin_group = ? AND name = ?", place)
    return found


def note_breach(
    db: apsw.Connection,
    group: PluginGroup,
    name: str,
    breach: Breach,
    at_ns: int,
    owner: AccountId = OPERATOR,
) -> list[int]:
    """Keep a breach by a run of an owner; when all of theirs were, the newest first."""
    place = (group.value, name, owner)
    db.execute(
        "INSERT INTO plugin_breaches VALUES (?, ?, ?, ?, ?)",
        (*place[:2], breach.value, at_ns, owner),
    )
    db.execute(
        "DELETE FROM plugin_breaches WHERE rowid IN (SELECT rowid FROM plugin_breaches"
        " WHERE plugin_group = ? AND name = ? AND account_id = ?"
        " ORDER BY at_ns DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (*place, BREACHES_KEPT),
    )
    return [
        at_ns
        for (at_ns,) in db.execute(
            "SELECT at_ns FROM plugin_breaches"
            " WHERE plugin_group = ? AND name = ? AND account_id = ? ORDER BY at_ns DESC",
            place,
        )
    ]


def exclude(
    db: apsw.Connection, group: PluginGroup, name: str, owner: AccountId, cause: str, at_ns: int
) -> None:
    """Keep a plugin from an owner."""
    db.execute(
        "INSERT OR REPLACE INTO plugin_exclusions VALUES (?, ?, ?, ?, ?)",
        (group.value, name, owner, cause, at_ns),
    )


def exclusions(db: apsw.Connection) -> list[tuple[PluginGroup, str, int]]:
    """Every plugin that is kept from owners, and from how many."""
    rows = db.execute(
        "SELECT plugin_group, name, count(*) FROM plugin_exclusions GROUP BY 1, 2 ORDER BY 1, 2"
    )
    return [(PluginGroup(group), name, count) for group, name, count in rows]


def count_exclusions(db: apsw.Connection, group: PluginGroup, name: str) -> int:
    """From how many owners a plugin is kept."""
    count: int = db.execute(
        "SELECT count(*) FROM plugin_exclusions WHERE plugin_group = ? AND name = ?",
        (group.value, name),
    ).get
    return count


def read_exclusion(
    db: apsw.Connection, group: PluginGroup, name: str, owner: AccountId
) -> str | None:
    """Why a plugin is kept from an owner, if it is."""
    cause: str | None = db.execute(
        "SELECT cause FROM plugin_exclusions"
        " WHERE plugin_group = ? AND name = ? AND account_id = ?",
        (group.value, name, owner),
    ).get
    return cause


def write_capabilities(capabilities: Capabilities) -> Mapping[str, Any]:
    """Capabilities as JSON has them."""
    notional = capabilities.max_order_notional_units
    return {
        "symbols": None if capabilities.symbols is None else sorted(capabilities.symbols),
        "max_order_notional_units": (
            None if notional is None else {name: str(units) for name, units in notional.items()}
        ),
        "max_open_orders": capabilities.max_open_orders,
        "max_intents_per_minute": capabilities.max_intents_per_minute,
        "reduce_only": capabilities.reduce_only,
        "expires_at_ns": capabilities.expires_at_ns,
    }


def read_capabilities(values: Mapping[str, Any]) -> Capabilities:
    """The reverse."""
    symbols, notional = values["symbols"], values["max_order_notional_units"]
    return Capabilities(
        symbols=None if symbols is None else frozenset(map(Symbol, symbols)),
        max_order_notional_units=(
            None
            if notional is None
            else {AssetName(name): int(units) for name, units in notional.items()}
        ),
        max_open_orders=values["max_open_orders"],
        max_intents_per_minute=values["max_intents_per_minute"],
        reduce_only=values["reduce_only"],
        expires_at_ns=values["expires_at_ns"],
    )
