"""``xached parity``: tell a strategy again what it was told, and compare what it wants."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn

import trio
from cyclopts import Parameter
from xache_sdk.seal import Layer

from xached.actors.strategies.surroundings import SANDBOX_MIN
from xached.parity.certificates import NothingRecorded, Replaying, certify, keep_certificate
from xached.research.judgement.certificate import StrategyCertificate, document, text
from xached.runtime.world import NS_PER_S, RealWorld
from xached.storage.directory import DataPaths

EXIT_DIFFERS: Final = 1
EXIT_REFUSED: Final = 2
LEAST_URGENT: Final = 19
HOUR_NS: Final = 3_600 * NS_PER_S
MS: Final = 1_000_000


def parity(
    strategy: str,
    *,
    data: Annotated[Path, Parameter(name="--data", help="Data directory.")],
    hours: Annotated[int, Parameter(help="How far back.")] = 24,
    latency_ms: Annotated[int, Parameter(help="Of the declared fill model.")] = 5,
    require: Annotated[
        list[str] | None, Parameter(help="What must hold its process, as [sandbox] names it.")
    ] = None,
    keep: Annotated[bool, Parameter(negative="", help="Keep it with the house's.")] = False,
    json_output: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")] = False,
    socket: Annotated[int | None, Parameter(show=False)] = None,
) -> None:
    """Tell a strategy again what it was told and compare what it wants; exit 1 when it differs.

    The daemon may run meanwhile. Fills are compared with those of the declared model in the book
    that was recorded, without the strategy's own orders.
    """
    if not 1 <= hours <= 24 * 366 or not 0 <= latency_ms <= 60_000:
        _refuse("--hours from 1 to 8784, --latency-ms from 0 to 60000")
    world, paths = RealWorld(), DataPaths(data)
    layers = SANDBOX_MIN if require is None else _layers(require)
    now_ns = world.now_ns()
    if socket is not None:
        os.nice(LEAST_URGENT)  # The house started it beside itself.

    async def judge() -> StrategyCertificate:
        return await certify(
            paths.recordings,
            strategy,
            Replaying(world=world, sandbox_min=layers),
            from_ns=now_ns - hours * HOUR_NS,
            to_ns=now_ns,
            latency_ns=latency_ms * MS,
        )

    try:
        certificate = trio.run(judge)
        if keep:
            keep_certificate(certificate, paths.certificates)
    except (NothingRecorded, OSError) as error:
        _refuse(str(error))
    if socket is None:  # The house's own output is not for this.
        print(json.dumps(document(certificate), indent=2) if json_output else text(certificate))
    if not certificate.holds:
        raise SystemExit(EXIT_DIFFERS)


def _layers(names: Sequence[str]) -> frozenset[Layer]:
    known = {each.name.lower(): each for each in Layer}
    for name in names:
        if name not in known:
            _refuse(f"--require {name!r}: none of {', '.join(sorted(known))}")
    return frozenset(known[name] for name in names)


def _refuse(text: str) -> NoReturn:
    print(f"xached: {text}", file=sys.stderr)
    raise SystemExit(EXIT_REFUSED)
