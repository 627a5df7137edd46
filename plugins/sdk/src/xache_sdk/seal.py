"""Limit this process before a strategy is imported, so that nothing of it runs unlimited."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from typing import Final

PR_SET_PDEATHSIG: Final = 1
OPEN_FILES_MAX: Final = 64

# A strategy computes with one thread, also inside its libraries: it shares the processor.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class ParentGone(Exception):  # noqa: N818 - a state of the world
    """The daemon ended while this process was starting."""


def seal(*, parent: int, memory_bytes: int) -> None:
    """Die with the parent, write no file, dump no core, keep to the memory.

    Raises: ParentGone, OSError when a limit cannot be set.
    """
    die_with(parent)
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ):
        resource.setrlimit(limit, (value, value))
    for name in _THREADS:
        os.environ[name] = "1"


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends. Raises: ParentGone, OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    # It may have ended before the call: then no signal will come.
    if os.getppid() != parent:
        raise ParentGone


def close_standard_streams() -> None:
    """Point standard output and error nowhere: what a library prints there is not for anyone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
