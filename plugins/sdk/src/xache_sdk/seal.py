"""Limit this process before a strategy is imported, so that nothing of it runs unlimited.

The order matters. A thread that exists already is not covered by Landlock and keeps a process from
getting a user namespace, so the process seals itself with one thread, before any library that
starts others. Namespaces come first, because a filter would refuse them; then the privileges they
gave are dropped; then limits, files, and last the system calls, among which are those that seal.

Each layer stands alone: where the kernel lacks one, the others hold, and :class:`Sealed` tells
which they are. Namespaces in order of preference: own users, network and IPC together; network and
IPC without own users, which takes privileges; own users and network; none.
"""

from __future__ import annotations

import ctypes
import enum
import os
import resource
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from xache_sdk.landlock import confine_files
from xache_sdk.syscalls import confine_system_calls

OPEN_FILES_MAX: Final = 64
THREADS_MAX: Final = 64
"""Counted only in a user namespace of its own; elsewhere memory bounds them (8 MiB of stack)."""

CPU_S_MAX: Final = 86_400
"""Of one run. One that has used a day of processor is killed, and begins again."""

NICENESS: Final = 5
"""The daemon goes before a strategy that computes without end."""

OUT_OF_MEMORY_SCORE: Final = 1_000
"""The highest there is (proc(5), oom_score_adj): the limits of all strategies together may be more
than the machine has, and then the kernel must not choose the daemon, which is larger than each."""

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITIES_VERSION: Final = 0x20080522
_CLONE_NEWIPC: Final = 0x08000000
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000

# A strategy computes with one thread, also inside its libraries: it shares the processor.
_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class ParentGone(Exception):  # noqa: N818 - a state of the world
    """The daemon ended while this process was starting."""


class Layer(enum.IntEnum):
    """One layer of the sandbox; the numbers are the protocol's."""

    LIMITS = 1
    """Memory, processor, open files, no files written, no core dumps; it ends before the daemon
    does when the machine has no memory left."""
    PRIVILEGES = 2
    """No capabilities, no new privileges; not to be traced by others of this user."""
    USERS = 3
    """A user namespace of its own."""
    NETWORK = 4
    """A network of its own, in which there is nothing."""
    IPC = 5
    """System V IPC and message queues of its own."""
    FILES = 6
    """Landlock: reads the files it is made of, and no others."""
    SYSTEM_CALLS = 7
    """seccomp: what is not needed to compute is refused."""


@dataclass(frozen=True)
class Lack:
    """A layer that this machine does not give, and why."""

    layer: Layer
    why: str


@dataclass(frozen=True)
class Sealed:
    """What holds this process, and what does not."""

    layers: tuple[Layer, ...]
    lacks: tuple[Lack, ...] = ()


def seal(
    *,
    parent: int,
    memory_bytes: int,
    readable: Sequence[Path],
    listable: Sequence[Path],
    cpu_s: int = CPU_S_MAX,
) -> Sealed:
    """Give up everything a strategy does not need, for good.

    Raises: ParentGone; OSError when a limit cannot be set; RuntimeError when there are threads.
    """
    die_with(parent)
    if len(list(Path("/proc/self/task").iterdir())) != 1:
        raise RuntimeError("a thread was started before the seal")
    for name in _THREADS:
        os.environ[name] = "1"
    _go_first()
    separated, refused = _separate()
    layers = list(separated)
    lacks = [Lack(each, refused) for each in _NAMESPACES if each not in layers]
    _drop_privileges()
    # The kernel forgets it whenever the rights of a process change.
    die_with(parent)
    _limit(memory_bytes, cpu_s, own_users=Layer.USERS in layers)
    layers += [Layer.PRIVILEGES, Layer.LIMITS]
    if confine_files(readable, listable):
        layers.append(Layer.FILES)
    else:
        lacks.append(Lack(Layer.FILES, "the kernel has no Landlock, or it is not switched on"))
    if confine_system_calls():
        layers.append(Layer.SYSTEM_CALLS)
    else:
        lacks.append(Lack(Layer.SYSTEM_CALLS, "the kernel takes no filter, or not on this machine"))
    return Sealed(tuple(sorted(layers)), tuple(lacks))


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends. Raises: ParentGone, OSError."""
    _control(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    # It may have ended before the call: then no signal will come.
    if os.getppid() != parent:
        raise ParentGone


def close_standard_streams() -> None:
    """Point standard output and error nowhere: what a library prints there is not for anyone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _go_first() -> None:
    # It can be raised only while the process's files are its own, as they are before the seal.
    Path("/proc/self/oom_score_adj").write_text(str(OUT_OF_MEMORY_SCORE))


def _separate() -> tuple[Sequence[Layer], str]:
    """Leave the namespaces of the daemon, as far as the kernel lets this process, and why not."""
    refused = ""
    libc = ctypes.CDLL(None, use_errno=True)
    for layers in (
        (Layer.USERS, Layer.NETWORK, Layer.IPC),
        (Layer.NETWORK, Layer.IPC),
        (Layer.USERS, Layer.NETWORK),
    ):
        if libc.unshare(sum(_NAMESPACES[each] for each in layers)) == 0:
            return layers, refused
        refused = refused or f"unshare: {os.strerror(ctypes.get_errno())}"
    return (), refused


_NAMESPACES: Final = {
    Layer.USERS: _CLONE_NEWUSER,
    Layer.NETWORK: _CLONE_NEWNET,
    Layer.IPC: _CLONE_NEWIPC,
}


def _drop_privileges() -> None:
    _control(_PR_SET_NO_NEW_PRIVS, 1)
    _control(_PR_SET_DUMPABLE, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    # Effective, permitted and inheritable, of two words each: none.
    header, none = struct.pack("=Ii", _CAPABILITIES_VERSION, 0), bytes(24)
    if libc.capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _limit(memory_bytes: int, cpu_s: int, *, own_users: bool) -> None:
    os.nice(NICENESS)
    limits = [
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES_MAX),
    ]
    if own_users:  # Otherwise it counts all processes of the user, the daemon's too.
        limits.append((resource.RLIMIT_NPROC, THREADS_MAX))
    for limit, value in limits:
        resource.setrlimit(limit, (value, value))


def _control(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")
