"""The process that trains for the house, and the only one that reads its registry and writes to it.

It is asked one thing and answers one: JSON from the daemon, JSON back, then it ends. It takes what
the machine has left over, and no more memory than it is given. Killed at any moment it leaves the
model in force where it was: a model is there whole or not at all.
"""

from __future__ import annotations

import json
import os
import resource
import socket
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
from xache_sdk.features import read_feature
from xache_sdk.market import Interval
from xache_sdk.shelf import write_shelf
from xache_sdk.signals import UNKNOWN

from xached.research.history.candle_set import COLUMNS, CandleSet, Column, make_candle_set
from xached.research.judgement.trials import (
    LedgerDamaged,
    LedgerFull,
    Owner,
    Trial,
    TrialLedger,
)
from xached.research.models.registry import Entry, ModelRegistry, shelf_of
from xached.research.models.training_job import do_job, usual_job

HOUSE: Final = Owner("house")
RECEIVE_BYTES: Final = 65_536
NICENESS: Final = 19
MEMORY_BYTES_MAX: Final = 3 * 1024**3
DAY_NS: Final = 86_400_000_000_000


def step_back() -> None:
    """Run only when nobody else wants to, in bounded memory."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))


def serve(folder: Path, descriptor: int) -> None:
    """Answer the one request that comes in by a socket."""
    with socket.socket(fileno=descriptor) as daemon:
        request = bytearray()
        while data := daemon.recv(RECEIVE_BYTES):
            request += data
        try:
            told = answer(folder, json.loads(request))
        except (ValueError, LedgerDamaged, LedgerFull, OSError) as error:
            told = {"refused": str(error)}
        daemon.sendall(json.dumps(told).encode())


def answer(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Train what is asked for, if anything is, and tell how the models of some names stand.

    Raises: RegistryError, LedgerDamaged, LedgerFull; ValueError for a request that is none.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    registry = ModelRegistry(folder)
    registry.tidy()
    if request["train"] is not None:
        _train(registry, request["train"])
    return {name: _told(registry, name) for name in request["names"]}


def _train(registry: ModelRegistry, asked: Mapping[str, Any]) -> None:
    interval = Interval(asked["interval"])
    markets = [_candles(each, interval) for each in asked["markets"]]
    traded, others = markets[0], {each.symbol: each for each in markets[1:]}
    job = usual_job(
        traded,
        sorted(others),
        name=asked["name"],
        horizon=asked["horizon"],
        history_ns=asked["history_days"] * DAY_NS,
        cost_ppm=asked["cost_ppm"],
        seed=asked["seed"],
        features=[read_feature(each) for each in asked["features"]],
    )
    with TrialLedger(registry.folder / "trials.db") as ledger:

        def record(trial: Trial) -> None:
            ledger.record(HOUSE, [trial])

        do_job(registry, job, traded, others, asked["at_ns"], record)


def _candles(told: Mapping[str, Any], interval: Interval) -> CandleSet:
    columns: Sequence[Sequence[int]] = told["columns"]
    if len(columns) != len(COLUMNS):
        raise ValueError("candles have six columns")
    return make_candle_set(
        symbol=told["symbol"],
        venue=told["venue"],
        interval=interval,
        tick_size=Decimal(told["tick_size"]),
        lot_size=Decimal(told["lot_size"]),
        columns=[np.array(each, dtype=np.int64) for each in columns],
        extras={"bought_lots": _whole(told["bought"])},
    )


def _whole(values: Sequence[int | None]) -> Column:
    return np.array([UNKNOWN if each is None else each for each in values], dtype=np.int64)


def _told(registry: ModelRegistry, name: str) -> dict[str, Any]:
    entries = registry.entries(name)
    attempt = registry.last_attempt(name)
    return {
        "attempt": None
        if attempt is None
        else {"at_ns": attempt.at_ns, "outcome": attempt.outcome, "replaced": attempt.replaced},
        "models": len(entries),
        "in_force": _entry(entries[-1]) if entries else None,
    }


def _entry(entry: Entry) -> dict[str, Any]:
    advice = entry.advice
    return {
        "digest": entry.digest,
        "registered_at_ns": entry.model.registered_at_ns,
        "labels_end_ns": entry.model.labels_end_ns,
        "fingerprint": entry.fingerprint,
        "metrics": dict(entry.metrics),
        "advice": None
        if advice is None
        else {"since_ns": advice.since_ns, "reason": advice.reason},
        "shelf": write_shelf(shelf_of([entry])),
    }
