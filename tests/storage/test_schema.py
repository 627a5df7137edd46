"""Migrations run once, in order, whole, on either SQLite library."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from xached.storage.schema import Connection, Migrations, SchemaError

OPENERS: tuple[Callable[[Path], Connection], ...] = (
    lambda path: apsw.Connection(str(path)),
    lambda path: sqlite3.connect(path),
)


def people() -> Migrations:
    migrations = Migrations("people")

    @migrations.step(1)
    def create_people(connection: Connection) -> None:
        connection.execute("CREATE TABLE people (name TEXT)")

    return migrations


def tables(connection: Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


@pytest.mark.parametrize("opener", OPENERS, ids=["apsw", "sqlite3"])
def test_each_step_runs_once(opener: Callable[[Path], Connection], tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    assert people().apply(opener(path)) == [1]
    assert people().apply(opener(path)) == []
    newer = people()

    @newer.step(2)
    def add_age(connection: Connection) -> None:
        connection.execute("ALTER TABLE people ADD COLUMN age INTEGER")

    assert newer.version == 2
    connection = opener(path)
    assert newer.apply(connection) == [2]
    recorded = list(connection.execute("SELECT step, function FROM migrations ORDER BY step"))
    assert [tuple(row) for row in recorded] == [(1, "create_people"), (2, "add_age")]
    with pytest.raises(SchemaError, match="has version 2, this program knows 1"):
        people().apply(opener(path))
    with pytest.raises(SchemaError, match="a people database, not cars"):
        Migrations("cars").apply(opener(path))


@pytest.mark.parametrize("opener", OPENERS, ids=["apsw", "sqlite3"])
def test_a_step_that_fails_changes_nothing(
    opener: Callable[[Path], Connection], tmp_path: Path
) -> None:
    migrations = people()

    @migrations.step(2)
    def half_done(connection: Connection) -> None:
        connection.execute("CREATE TABLE cars (name TEXT)")
        raise ValueError("half way")

    connection = opener(tmp_path / "people.db")
    with pytest.raises(ValueError, match="half way"):
        migrations.apply(connection)
    assert tables(connection) == {"migrations", "people"}
    assert people().apply(connection) == []


def test_steps_are_numbered_without_gaps() -> None:
    with pytest.raises(AssertionError, match="without gaps"):
        people().step(3)
