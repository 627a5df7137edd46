"""The ledger of trials: what was tried on which history, so that no search stays untold.

A *trial* is a distinct code digest, settings, instruments and period whose result was shown to
its owner; showing it again is no new one. It is recorded before it is shown. The *lineage* of a
trial is everything its owner tried on overlapping data, whatever the strategy was called.

Theory of operation. Trials are rows of one small SQLite file that is only appended to: each row's
digest covers its content and the digest before it, and the file keeps how many there are and the
last digest. A row that is changed, taken out or cut off the end is noticed when the file is
opened. Who rewrites the whole file is noticed by whoever kept an earlier :class:`Head`. Commits
are synced; the file may be used by several processes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NewType

import attrs
import numpy as np
import sqlite_utils

from xached.research.judgement.deflated import Evidence
from xached.research.judgement.effective_trials import evidence_of
from xached.research.judgement.track_record import DailyReturns

Owner = NewType("Owner", str)
"""Whose trials they are: an account, or a person on a machine of their own."""

TRIALS_MAX: Final = 200_000
OWN_TRIALS_MAX: Final = 20_000
DAYS_MAX: Final = 7_320
"""Twenty years."""
SETTINGS_LENGTH_MAX: Final = 16_384
INSTRUMENTS_MAX: Final = 200
NAME_LENGTH_MAX: Final = 200

_BUSY_S: Final = 10.0
_NOTHING: Final = b"\0" * 32
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS trials (
  seq INTEGER PRIMARY KEY, owner TEXT NOT NULL, key BLOB NOT NULL, body TEXT NOT NULL,
  returns BLOB NOT NULL, digest BLOB NOT NULL, UNIQUE (owner, key)
) STRICT;
CREATE TABLE IF NOT EXISTS head (
  one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL, digest BLOB NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS trials_are_not_changed BEFORE UPDATE ON trials
BEGIN SELECT RAISE(ABORT, 'a trial is never changed'); END;
CREATE TRIGGER IF NOT EXISTS trials_are_not_deleted BEFORE DELETE ON trials
BEGIN SELECT RAISE(ABORT, 'a trial is never deleted'); END;
"""


class LedgerDamaged(Exception):  # noqa: N818 - it says what is the matter
    """Trials were changed or taken out, or the file is no ledger: no count can be trusted."""


class LedgerFull(Exception):  # noqa: N818 - it says what is the matter
    """No more trials fit; what cannot be recorded is not shown."""


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


@attrs.frozen(kw_only=True)
class TrialKey:
    """What makes a trial distinct. ``settings`` is text in one spelling: see :func:`spelled`.

    The period is from the first moment to the last, both included.
    """

    code_digest: str
    settings: str
    instruments: tuple[str, ...] = attrs.field(converter=_in_order)
    start_at_ns: int
    end_at_ns: int

    def __attrs_post_init__(self) -> None:
        if not self.instruments or self.start_at_ns > self.end_at_ns:
            raise ValueError("a trial has instruments and a period")
        too_long = len(self.settings) > SETTINGS_LENGTH_MAX or any(
            len(name) > NAME_LENGTH_MAX for name in (self.code_digest, *self.instruments)
        )
        if too_long or len(self.instruments) > INSTRUMENTS_MAX:
            raise ValueError("a trial's settings or instruments are too long")

    @property
    def digest(self) -> bytes:
        """The same for the same trial."""
        return hashlib.blake2b(spelled(attrs.asdict(self)).encode(), digest_size=32).digest()

    def overlaps(self, other: TrialKey) -> bool:
        """Whether both saw some of the same data: an instrument and a moment in common."""
        return (
            self.start_at_ns <= other.end_at_ns
            and other.start_at_ns <= self.end_at_ns
            and not set(self.instruments).isdisjoint(other.instruments)
        )


@attrs.frozen(eq=False, kw_only=True)
class Trial:
    """A trial and its result, as its owner saw it."""

    key: TrialKey
    strategy: str
    shown_at_ns: int
    closed_trades: int
    daily: DailyReturns

    def __attrs_post_init__(self) -> None:
        if len(self.strategy) > NAME_LENGTH_MAX or len(self.daily.days) > DAYS_MAX:
            raise ValueError("a trial's name or period is too long")


@attrs.frozen
class Head:
    """How many trials there are and the digest over all. Kept elsewhere it proves that nothing
    before it was rewritten."""

    count: int
    digest: bytes


def spelled(value: object) -> str:
    """One spelling of settings: JSON with sorted keys and no spaces.

    Raises: TypeError or ValueError for what JSON cannot say exactly.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


class TrialLedger:
    """The open file. Use it as a context manager, or close it."""

    def __init__(self, path: Path) -> None:
        """Open or create the file, and verify all of it.

        Raises: LedgerDamaged.
        """
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
        try:
            # EXTRA also syncs the folder when the rollback journal goes, which is the commit.
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = EXTRA")
            self._database = sqlite_utils.Database(connection, execute_plugins=False)
            connection.executescript(_SCHEMA)
            self._verify()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise LedgerDamaged(f"{path.name}: {error}") from error
        except BaseException:
            connection.close()
            raise

    def __enter__(self) -> TrialLedger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def head(self) -> Head:
        """How many trials there are, and the digest over all."""
        rows = list(self._database.query("SELECT count, digest FROM head"))
        return Head(rows[0]["count"], rows[0]["digest"]) if rows else Head(0, _NOTHING)

    def holds(self, head: Head) -> bool:
        """Whether everything up to an earlier head is still what it was."""
        if head.count == 0:
            return head.digest == _NOTHING
        rows = list(self._database.query("SELECT digest FROM trials WHERE seq = ?", [head.count]))
        return bool(rows) and rows[0]["digest"] == head.digest

    def record(self, owner: Owner, trials: Iterable[Trial]) -> int:
        """Record trials before they are shown, all or none; return how many were new.

        Raises: LedgerFull, and nothing is recorded.
        """
        with self._writing():
            known = self._count("SELECT count(*) AS n FROM trials WHERE owner = ?", owner)
            before = head = self.head()
            for trial in trials:
                if self._has(owner, trial.key):
                    continue
                if head.count >= TRIALS_MAX or known + head.count - before.count >= OWN_TRIALS_MAX:
                    raise LedgerFull(f"{OWN_TRIALS_MAX} trials of an owner, {TRIALS_MAX} in all")
                head = self._append(head, owner, trial)
            self._database.execute(
                "INSERT OR REPLACE INTO head (one, count, digest) VALUES (1, ?, ?)",
                [head.count, head.digest],
            )
        return head.count - before.count

    def lineage(self, owner: Owner, key: TrialKey) -> tuple[Trial, ...]:
        """What an owner tried on data that overlaps with a trial's, itself included if recorded,
        oldest first."""
        related = [
            row["seq"]
            for row in self._database.query(
                "SELECT seq, body FROM trials WHERE owner = ? ORDER BY seq", [owner]
            )
            if _key_of(json.loads(row["body"])).overlaps(key)
        ]
        return tuple(self._trial(seq) for seq in related)

    def evidence(self, owner: Owner, key: TrialKey) -> Evidence:
        """What to judge a recorded trial by.

        Raises: KeyError when it was not recorded: its result must not be shown yet.
        """
        if not self._has(owner, key):
            raise KeyError("a trial is recorded before it is judged")
        return evidence_of([trial.daily for trial in self.lineage(owner, key)])

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        # Takes the write lock at once: another process may not append between read and write.
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.rollback()
            raise
        self._database.execute("COMMIT")

    def _append(self, head: Head, owner: Owner, trial: Trial) -> Head:
        body = spelled(
            {
                "key": attrs.asdict(trial.key),
                "strategy": trial.strategy,
                "shown_at_ns": trial.shown_at_ns,
                "closed_trades": trial.closed_trades,
            }
        )
        returns = pack_daily(trial.daily)
        after = Head(head.count + 1, _chained(head.digest, owner, trial.key.digest, body, returns))
        self._database.execute(
            "INSERT INTO trials (seq, owner, key, body, returns, digest) VALUES (?, ?, ?, ?, ?, ?)",
            [after.count, owner, trial.key.digest, body, returns, after.digest],
        )
        return after

    def _verify(self) -> None:
        self._database.execute("BEGIN")  # both tables as of one moment
        try:
            digest, count = _NOTHING, 0
            for row in self._database.query("SELECT * FROM trials ORDER BY seq"):
                count += 1
                digest = _chained(digest, row["owner"], row["key"], row["body"], row["returns"])
                if row["seq"] != count or row["digest"] != digest:
                    raise LedgerDamaged(f"trial {count} is not the one that was recorded")
            if self.head() != Head(count, digest):
                raise LedgerDamaged(f"{self.head().count} trials were recorded, there are {count}")
        finally:
            self._database.rollback()

    def _has(self, owner: Owner, key: TrialKey) -> bool:
        sql = "SELECT count(*) AS n FROM trials WHERE owner = ? AND key = ?"
        return self._count(sql, owner, key.digest) > 0

    def _count(self, sql: str, *values: object) -> int:
        return int(next(iter(self._database.query(sql, list(values))))["n"])

    def _trial(self, seq: int) -> Trial:
        (row,) = self._database.query("SELECT body, returns FROM trials WHERE seq = ?", [seq])
        body = json.loads(row["body"])
        return Trial(
            key=_key_of(body),
            strategy=body["strategy"],
            shown_at_ns=body["shown_at_ns"],
            closed_trades=body["closed_trades"],
            daily=unpack_daily(row["returns"]),
        )


def _key_of(body: dict[str, dict[str, object]]) -> TrialKey:
    return TrialKey(**body["key"])  # type: ignore[arg-type]  # written by _append from a key


def pack_daily(daily: DailyReturns) -> bytes:
    """Days as 4 bytes and returns as 8, one column after the other."""
    return daily.days.astype("<i4").tobytes() + daily.returns.astype("<f8").tobytes()


def unpack_daily(data: bytes) -> DailyReturns:
    """The returns of days again."""
    count = len(data) // 12
    return DailyReturns(
        np.frombuffer(data, "<i4", count).astype(np.int64),
        np.frombuffer(data, "<f8", count, 4 * count).astype(np.float64),
    )


def _chained(before: bytes, owner: str, key: bytes, body: str, returns: bytes) -> bytes:
    chained = hashlib.blake2b(before, digest_size=32)
    for part in (owner.encode(), key, body.encode(), returns):
        # Lengths, or what moves from one part to the next would go unnoticed.
        chained.update(len(part).to_bytes(8, "big"))
        chained.update(part)
    return chained.digest()
