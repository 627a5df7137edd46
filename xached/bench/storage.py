"""How fast a house starts again, and how much disk an order takes."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

from xached.bench.figures import AtLeast, Figure
from xached.bench.flow import Flow, Stepper, make_flow
from xached.domain.messages import PlaceOrder, Row
from xached.storage.journal import Journal
from xached.storage.snapshots import recover

RECOVERY_PER_S_MIN = 50_000
BATCH_ROWS = 500
KEY = bytes(32)


def measure_storage(commands: int) -> list[Figure]:
    """Write the flow to a journal, and time its recovery: chain verified, without a snapshot.

    The rate is by processor time; what is read was just written, so the disk has no part in it.
    """
    flow = make_flow(commands)
    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        path = Path(name) / "journal.db"
        state = _write(path, flow)
        bytes_on_disk = path.stat().st_size
        with Journal.open_read_only(path, KEY) as journal:
            cpu_ns = time.process_time_ns()
            recovered = recover(Path(name), KEY, journal)
            cpu_ns = time.process_time_ns() - cpu_ns
        assert recovered.exchange.snapshot() == state, "recovery gave another state"
    orders = sum(isinstance(command, PlaceOrder) for command in flow.trading)
    return [
        Figure(
            "recovery_events_per_s",
            recovered.events * 1e9 / cpu_ns,
            "/s",
            AtLeast(RECOVERY_PER_S_MIN),
            note=f"{recovered.events:,} events",
        ),
        Figure(
            "journal_bytes_per_order",
            bytes_on_disk / orders,
            "bytes",
            note="with its cancel, its trades and its id",
        ),
    ]


def _write(path: Path, flow: Flow) -> dict[str, object]:
    """Journal the flow as the matching actor does; the state after it."""
    stepper = Stepper()
    with Journal.open(path, KEY, entropy=os.urandom) as journal:
        rows: list[Row] = []
        for command in (*flow.opening, *flow.trading):
            events = tuple(stepper.step(command))
            at_ns = stepper.at_ns
            rows.append(Row(seq=stepper.seq, at_ns=at_ns, command=command, events=events))
            if len(rows) >= BATCH_ROWS:
                journal.append(rows)
                rows = []
        journal.append(rows)
    return stepper.exchange.snapshot()
