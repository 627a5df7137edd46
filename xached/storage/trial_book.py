"""The trials of strategies.db: what each account tried, so that no search stays untold.

A trial is written in the transaction that makes its result visible, and is never changed. Every
trial has a link in a chain of digests, which stays when the trials of an account are erased with
everything else of it: a trial that was taken out of an account that is still there is missed, and
so is one cut off the end by whoever kept an earlier head.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Final, TypeAlias

import apsw
import attrs

from xached.domain.backtests import TrialFacts, spelled
from xached.domain.order import AccountId

OWN_TRIALS_MAX: Final = 1_000
RETURNS_BYTES_MAX: Final = 120_000
"""12 bytes a day: 27 years."""

_NOTHING: Final = bytes(32)
_Row: TypeAlias = tuple[int, AccountId, bytes, str, str, int, int, bytes]


class TrialsDamaged(Exception):  # noqa: N818 - it says what is the matter
    """Trials were changed or taken out: no count can be trusted."""


@attrs.frozen(kw_only=True)
class TrialRow:
    """A trial as its owner saw it. ``returns`` are its daily returns, packed."""

    account_id: AccountId
    facts: TrialFacts
    plugin: str
    shown_at_ns: int
    closed_trades: int
    returns: bytes


@attrs.frozen
class TrialHead:
    """How many trials there ever were, and the digest over all."""

    count: int
    digest: bytes


def trial_head(db: apsw.Connection) -> TrialHead:
    """The newest link of the chain."""
    found = db.execute("SELECT seq, chain FROM trial_chain ORDER BY seq DESC LIMIT 1").fetchone()
    return TrialHead(0, _NOTHING) if found is None else TrialHead(*found)


def chain_at(db: apsw.Connection, count: int) -> bytes | None:
    """The digest over the first so many trials; None when there were never so many."""
    if count == 0 or not _is_there(db):
        return None if count else _NOTHING
    found = db.execute("SELECT chain FROM trial_chain WHERE seq = ?", (count,)).fetchone()
    return None if found is None else bytes(found[0])


def count_trials(db: apsw.Connection, account_id: AccountId) -> int:
    """How many distinct trials an account has."""
    count: int = db.execute("SELECT count(*) FROM trials WHERE account_id = ?", (account_id,)).get
    return count


def lineage(db: apsw.Connection, account_id: AccountId, facts: TrialFacts) -> list[bytes]:
    """The returns of everything an account tried on data that overlaps, oldest first.

    The same trial, shown before, is left out: it is judged anew.
    """
    found = []
    rows = db.execute(
        "SELECT trial_key, facts, returns FROM trials WHERE account_id = ? ORDER BY seq",
        (account_id,),
    )
    for key, text, returns in rows:
        other = json.loads(text)
        if key != facts.key and _overlap(facts, other):
            found.append(returns)
    return found


def record_trial(db: apsw.Connection, trial: TrialRow) -> bool:
    """Record a trial, before its result is shown; False when it was shown before.

    Raises: ValueError when it is too large to keep.
    """
    if len(trial.returns) > RETURNS_BYTES_MAX:
        raise ValueError("a trial has too many days")
    key = trial.facts.key
    known = db.execute(
        "SELECT 1 FROM trials WHERE account_id = ? AND trial_key = ?", (trial.account_id, key)
    ).fetchone()
    if known is not None:
        return False
    head = trial_head(db)
    facts = spelled(attrs.asdict(trial.facts))
    values = (trial.account_id, key, facts, trial.plugin, trial.shown_at_ns, trial.closed_trades,
              trial.returns)  # fmt: skip
    content = _content_digest(*values)
    owner = _owner_digest(trial.account_id)
    seq = head.count + 1
    db.execute(
        "INSERT INTO trials (seq, account_id, trial_key, facts, plugin, shown_at_ns,"
        " closed_trades, returns) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (seq, *values),
    )
    db.execute(
        "INSERT INTO trial_chain (seq, owner_digest, content_digest, chain) VALUES (?, ?, ?, ?)",
        (seq, owner, content, _link(head.digest, owner, content)),
    )
    return True


def verify_trials(db: apsw.Connection) -> TrialHead:
    """Check the chain, and each trial by its link. Raises: TrialsDamaged."""
    if not _is_there(db):
        return TrialHead(0, _NOTHING)
    trials = {row[0]: row[1:] for row in _trials(db)}
    owners = {row[0] for row in trials.values()}
    owners.update(owner for (owner,) in db.execute("SELECT account_id FROM backtests"))
    there = {_owner_digest(owner) for owner in owners}
    before, count = _NOTHING, 0
    links = db.execute("SELECT seq, owner_digest, content_digest, chain FROM trial_chain")
    for seq, owner, content, chain in sorted(links):
        count += 1
        if seq != count or chain != _link(before, owner, content):
            raise TrialsDamaged(f"link {count} of the trials is not the one that was made")
        before = chain
        row = trials.pop(seq, None)
        if row is None:
            if owner in there:
                raise TrialsDamaged(f"trial {seq} was taken out")
            continue  # With everything else of its account.
        if _content_digest(*row) != content or _owner_digest(row[0]) != owner:
            raise TrialsDamaged(f"trial {seq} is not the one that was recorded")
    if trials:
        raise TrialsDamaged(f"trial {min(trials)} was never recorded")
    return TrialHead(count, before)


def _is_there(db: apsw.Connection) -> bool:
    """A file of an older xached, which is only read, has no trials yet."""
    found = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'trial_chain'").fetchone()
    return found is not None


def _trials(
    db: apsw.Connection,
) -> Iterator[tuple[int, AccountId, bytes, str, str, int, int, bytes]]:
    yield from db.execute(
        "SELECT seq, account_id, trial_key, facts, plugin, shown_at_ns, closed_trades, returns"
        " FROM trials"
    )


def _overlap(facts: TrialFacts, other: dict[str, object]) -> bool:
    """Whether both saw some of the same data: an instrument and a moment in common."""
    start, end, instruments = other["start_ns"], other["end_ns"], other["instruments"]
    assert isinstance(start, int)
    assert isinstance(end, int)
    assert isinstance(instruments, list)
    return (
        facts.start_ns <= end
        and start <= facts.end_ns
        and not set(facts.instruments).isdisjoint(instruments)
    )


def _owner_digest(account_id: AccountId) -> bytes:
    return hashlib.blake2b(account_id.encode(), digest_size=32).digest()


def _content_digest(
    account_id: AccountId,
    key: bytes,
    facts: str,
    plugin: str,
    shown_at_ns: int,
    closed_trades: int,
    returns: bytes,
) -> bytes:
    whole = hashlib.blake2b(digest_size=32)
    numbers = f"{shown_at_ns} {closed_trades}"
    for part in (account_id.encode(), key, facts.encode(), plugin.encode(), numbers.encode(),
                 returns):  # fmt: skip
        # Lengths, or what moves from one part to the next would go unnoticed.
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.digest()


def _link(before: bytes, owner: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(before + owner + content, digest_size=32).digest()
