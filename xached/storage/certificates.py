"""The parity certificates that are kept of strategies, as files of JSON. See
:mod:`xached.parity.certificates`, which writes them.

A file that is not as it was written says nothing: it is left out, and said aloud.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import attrs
from loguru import logger

from xached.storage.recordings import run_subject

FORMATS: Final = (1,)


@attrs.frozen(kw_only=True)
class DifferenceCause:
    """Why some orders were filled otherwise than their replay says.

    ``share`` is of the orders that were filled, ``cost_bp`` of all that was traded live.
    """

    cause: str
    meaning: str
    orders: int
    share: float
    cost_bp: float
    lots: int


@attrs.frozen(kw_only=True)
class KeptCertificate:
    """What a strategy did in a stretch of time, judged. ``strategy``: what it was called there."""

    strategy: str
    from_ns: int
    to_ns: int
    made_at_ns: int
    holds: bool
    decisions: int
    decisions_equal: int
    orders: int
    orders_equal: int
    cost_bp: float
    latency_ns: int
    causes: tuple[DifferenceCause, ...]
    not_replayed: Mapping[str, int]
    notes: tuple[str, ...]
    """What could not be judged, and why."""
    digest: str


class Certificates:
    """The certificates of a directory. Its methods block and raise OSError."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def newest(self, strategy: str, count: int) -> list[KeptCertificate]:
        """Those of a strategy, the newest first, at most so many."""
        paths = sorted(self._directory.glob(f"{run_subject(strategy, '')}*.json"), reverse=True)
        found = (_read(path) for path in paths[:count])
        return [each for each in found if each is not None and each.strategy == strategy]

    def stored(self, strategy: str) -> list[tuple[str, bytes]]:
        """(name, content) of the files of a strategy, the oldest first, whatever they say."""
        files = []
        for path in sorted(self._directory.glob(f"{run_subject(strategy, '')}*")):
            with suppress(FileNotFoundError):  # It was removed just now.
                files.append((path.name, path.read_bytes()))
        return files

    def remove(self, strategy: str) -> None:
        """Remove all those of a strategy."""
        for path in self._directory.glob(f"{run_subject(strategy, '')}*"):
            path.unlink(missing_ok=True)


def _read(path: Path) -> KeptCertificate | None:
    try:
        plain: dict[str, Any] = json.loads(path.read_bytes())
        digest = plain.pop("digest")
        body = json.dumps(plain, sort_keys=True).encode()
        if plain["format"] not in FORMATS or hashlib.sha256(body).hexdigest() != digest:
            raise ValueError("its digest is of something else")
        return _certificate(plain, digest)
    except (ValueError, KeyError, TypeError) as error:
        logger.error("the certificate {} is damaged: {!r}", path.name, error)
        return None


def _certificate(plain: Mapping[str, Any], digest: str) -> KeptCertificate:
    decided, filled = plain["decision_parity"], plain["fill_parity"]
    return KeptCertificate(
        strategy=plain["strategy"],
        from_ns=plain["from_at_ns"],
        to_ns=plain["to_at_ns"],
        made_at_ns=plain["made_at_ns"],
        holds=plain["holds"],
        decisions=decided["decisions"],
        decisions_equal=decided["equal"],
        orders=filled["orders"],
        orders_equal=filled["equal"],
        cost_bp=filled["cost_bp"],
        latency_ns=filled["latency_ns"],
        causes=tuple(DifferenceCause(**each) for each in filled["causes"]),
        not_replayed=filled["not_replayed"],
        notes=tuple(note for run in plain["runs"] for note in run["notes"]),
        digest=digest,
    )
