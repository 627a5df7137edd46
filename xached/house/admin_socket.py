"""The file name of the administrators' socket, which one house has at a time.

A daemon that is killed leaves its socket behind, and a socket's file says nothing of whether
anybody listens. Beside it lies a lock that ends with its process, however it ends: who holds it may
take away what is left there.
"""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PROBE_S: Final = 1.0


class SocketInUse(OSError):  # noqa: N818 - it says what is the matter
    """Another house, or another program, listens there."""


@contextmanager
def claimed_socket(path: Path) -> Iterator[None]:
    """Make the name free, and keep it from other houses.

    Raises: SocketInUse; FileExistsError where something else is in its place; OSError.
    """
    beside = path.with_name(f"{path.name}.lock")
    lock = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _claim(path, lock)
        yield
    finally:
        os.close(lock)


def _claim(path: Path, lock: int) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SocketInUse(f"another house has its administrators' socket at {path}") from None
    if path.is_socket():
        if _is_answered(path):
            raise SocketInUse(f"another program listens at {path}")
        path.unlink()
    elif path.exists():
        raise FileExistsError(f"{path} is not a socket: the admin listener needs the name")


def _is_answered(path: Path) -> bool:
    """Whether anybody listens; a listener that is too busy counts."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return False
        except TimeoutError:
            return True
    return True
