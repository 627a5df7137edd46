"""Migrations: numbered functions, run once for each database and recorded in it.

They serve every database of the house, whichever SQLite library opens it::

    MIGRATIONS = Migrations("views")

    @MIGRATIONS.step(1)
    def create_orders(connection: Connection) -> None:
        connection.execute("CREATE TABLE orders (...)")

A step is never edited once it has shipped: the next one changes what it made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

Step = Callable[["Connection"], None]


class SchemaError(Exception):
    """The database was written by a newer program, or for another purpose."""


class Connection(Protocol):
    """What migrations need of a connection; apsw's and sqlite3's both have it."""

    def execute(self, sql: str, parameters: Any = ..., /) -> Any:
        """Run one statement; iterating over the result gives rows."""
        ...


class Migrations:
    """The steps that make up one kind of database, in order from 1."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._steps: list[Step] = []

    @property
    def version(self) -> int:
        """The number of the newest step."""
        return len(self._steps)

    def step(self, number: int) -> Callable[[Step], Step]:
        """Register the function as step ``number``."""
        assert number == len(self._steps) + 1, "steps are numbered without gaps"

        def register(function: Step) -> Step:
            self._steps.append(function)
            return function

        return register

    def apply(self, connection: Connection) -> Sequence[int]:
        """Run what has not run yet, each step in its own transaction; returns their numbers.

        The connection must not be in a transaction.

        Raises: SchemaError when the database is newer or of another kind.
        """
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations "
            "(database TEXT NOT NULL, step INTEGER PRIMARY KEY, function TEXT NOT NULL)"
        )
        known = list(connection.execute("SELECT database, step FROM migrations ORDER BY step"))
        foreign = {database for database, _ in known} - {self.name}
        if foreign:
            raise SchemaError(f"this is a {foreign.pop()} database, not {self.name}")
        if len(known) > len(self._steps):
            raise SchemaError(
                f"the {self.name} database has version {len(known)}, "
                f"this program knows {len(self._steps)}"
            )
        done = []
        for number, step in enumerate(self._steps[len(known) :], len(known) + 1):
            self._run(connection, number, step)
            done.append(number)
        return done

    def _run(self, connection: Connection, number: int, step: Step) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            step(connection)
            connection.execute(
                "INSERT INTO migrations (database, step, function) VALUES (?, ?, ?)",
                (self.name, number, step.__name__),
            )
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
