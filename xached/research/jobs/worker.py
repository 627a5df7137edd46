"""A process that works for the daemon: ``python -m xached.research.jobs.worker``.

Four jobs. *run* imports a strategy and runs it over histories; it is held as tightly as a strategy
that trades (:mod:`xache_sdk.seal`), reads the histories it was started with and nothing else, and
gives back what it filled. *examine*, held alike, asks a strategy what it is, and whether it looks
ahead. *judge* imports no strategy: it takes those fills, which are not trusted, checks each against
the histories, and makes the judgement and the report. *models* reads which models of the house a
run may ask, before any strategy is there. All are asked by one document and answer by
one; see :mod:`xached.runtime.work_frames`.

Nothing but the standard library and the wire is imported before the process is sealed.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

from xache_sdk.landlock import readable_for
from xache_sdk.seal import close_standard_streams, seal
from xache_sdk.wire import FrameError, FrameReader

from xached.runtime.work_frames import (
    PROGRESS_WHOLE_PPM,
    Document,
    FrameKind,
    document_frames,
    failed_frame,
    progress_frame,
    read_document,
    sealed_frame,
    write_document,
)

RECEIVE_BYTES: Final = 65_536
NICENESS: Final = 10
"""On top of what every sealed process has: who trades goes before who tries."""

Progress = Callable[[float], None]


class HostGone(Exception):  # noqa: N818 - a state of the world
    """The daemon closed the connection."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Start up; see the module."""
    parser = argparse.ArgumentParser(prog="xached.research.jobs.worker")
    parser.add_argument("--job", choices=("run", "judge", "examine", "models"), required=True)
    parser.add_argument("--strategy", default="xached:")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--memory-bytes", type=int, required=True)
    parser.add_argument("--cpu-s", type=int, required=True)
    parser.add_argument("--import", dest="others", action="append", default=[])
    parser.add_argument("--read", type=Path, action="append", default=[])
    parser.add_argument("--fd", type=int, required=True)
    options = parser.parse_args(arguments)
    connection = socket.socket(fileno=options.fd)
    close_standard_streams()
    os.nice(NICENESS)
    readable, listable = _reach([options.strategy, *options.others], options.read)
    sealed = seal(
        parent=options.parent,
        memory_bytes=options.memory_bytes,
        readable=readable,
        listable=listable,
        cpu_s=options.cpu_s,
    )
    # Sent before anything of a strategy has run: the daemon asks only who is sealed well enough.
    connection.sendall(sealed_frame(tuple(sealed.layers)))
    request = _receive(connection)
    with _reporting(connection):
        answer = _job(options.job)(request, _teller(connection))
    for each in document_frames(write_document(answer)):
        connection.sendall(each)


def _reach(plugins: Sequence[str], histories: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """What the process may read, and which directories it may only list."""
    own = Path(__file__).parents[2]
    readable, listable = [own, *histories], [own.parent]
    for each in plugins:
        needed, listed = readable_for(each)
        readable += needed
        listable += listed
    return readable, listable


def _job(name: str) -> Callable[[Document, Progress], Document]:
    """The job's function. It is imported only now: numpy starts threads, and a seal wants one."""
    if name == "judge":
        from xached.research.jobs.judge_job import judge_job

        return judge_job
    if name == "examine":
        from xached.research.jobs.examine_job import examine_job

        return examine_job
    if name == "models":
        from xached.research.jobs.models_job import models_job

        return models_job
    from xached.research.jobs.run_job import run_job

    return run_job


def _receive(connection: socket.socket) -> Document:
    reader, data = FrameReader(), bytearray()
    while True:
        received = connection.recv(RECEIVE_BYTES)
        if not received:
            raise HostGone
        for body in reader.feed(received):
            match body[0]:
                case FrameKind.PART:
                    data += body[1:]
                case FrameKind.END:
                    return read_document(bytes(data))
                case other:
                    raise FrameError(f"a request is made of parts, not of {other}")


def _teller(connection: socket.socket) -> Progress:
    """Tells how far it is, a thousand times at most."""
    told = -1

    def tell(done: float) -> None:
        nonlocal told
        thousandths = int(max(0.0, min(done, 1.0)) * 1_000)
        if thousandths > told:
            told = thousandths
            connection.sendall(progress_frame(thousandths * PROGRESS_WHOLE_PPM // 1_000))

    return tell


class _reporting:  # noqa: N801 - reads as a statement
    """Tell the daemon about what is raised inside; it goes on up and ends the process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None or error is None:
            return
        text = str(error)
        frames = traceback.extract_tb(trace)
        if frames and not isinstance(error, ValueError):
            last = frames[-1]
            text += f" ({last.filename}:{last.lineno} in {last.name})"
        encodable = text.encode("utf-8", "backslashreplace").decode()
        self._connection.sendall(failed_frame(kind.__name__, encodable))


if __name__ == "__main__":
    main(sys.argv[1:])
