"""What operators have decided on plugins, and how plugins broke their rules, in strategies.db.

Each function is work for ``StrategyTables``: it is given the connection, in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import apsw

from xached.domain.capabilities import Capabilities
from xached.domain.instrument import AssetName, Symbol
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

BREACHES_KEPT: Final = 100
"""Of one plugin; the newest."""


def read_approval(db: apsw.Connection, group: PluginGroup, name: str) -> Approval | None:
    """The approval of a plugin, if it has one."""
    row = db.execute(
        "SELECT entry_point, distribution, version, files, capabilities, look_ahead, approved_by,"
        " at_ns FROM plugin_approvals WHERE plugin_group = ? AND name = ?",
        (group.value, name),
    ).fetchone()
    if row is None:
        return None
    entry_point, distribution, version, files, capabilities, look_ahead, by, at_ns = row
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
        " UNION SELECT plugin_group, name FROM plugin_quarantines ORDER BY 1, 2"
    )
    return [(PluginGroup(group), name) for group, name in rows]


def write_approval(db: apsw.Connection, approval: Approval) -> None:
    """Keep an approval, in place of an earlier one."""
    plugin = approval.plugin
    db.execute(
        "INSERT OR REPLACE INTO plugin_approvals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
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
        ),
    )


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


def write_quarantine(
    db: apsw.Connection, group: PluginGroup, name: str, quarantine: Quarantine
) -> None:
    """Put a plugin into quarantine, or tell why anew."""
    db.execute(
        "INSERT OR REPLACE INTO plugin_quarantines VALUES (?, ?, ?, ?, ?)",
        (group.value, name, quarantine.cause, quarantine.by, quarantine.at_ns),
    )


def end_quarantine(db: apsw.Connection, group: PluginGroup, name: str) -> bool:
    """Let a plugin out, its breaches forgotten; False when it was not in."""
    place = (group.value, name)
    db.execute("DELETE FROM plugin_quarantines WHERE plugin_group = ? AND name = ?", place)
    found = db.changes() > 0
    db.execute("DELETE FROM plugin_breaches WHERE plugin_group = ? AND name = ?", place)
    return found


def note_breach(
    db: apsw.Connection, group: PluginGroup, name: str, breach: Breach, at_ns: int
) -> list[int]:
    """Keep a breach; when all were that are kept, the newest first."""
    place = (group.value, name)
    db.execute("INSERT INTO plugin_breaches VALUES (?, ?, ?, ?)", (*place, breach.value, at_ns))
    db.execute(
        "DELETE FROM plugin_breaches WHERE rowid IN (SELECT rowid FROM plugin_breaches"
        " WHERE plugin_group = ? AND name = ? ORDER BY at_ns DESC, rowid DESC LIMIT -1 OFFSET ?)",
        (*place, BREACHES_KEPT),
    )
    return [
        at_ns
        for (at_ns,) in db.execute(
            "SELECT at_ns FROM plugin_breaches WHERE plugin_group = ? AND name = ?"
            " ORDER BY at_ns DESC",
            place,
        )
    ]


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
