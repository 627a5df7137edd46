"""Landlock: leave a strategy's process the files it is made of, to be read, and no others.

The kernel's side is in Documentation/userspace-api/landlock.rst; the numbers below are its ABI.
Paths can still be asked for their metadata (stat), but neither opened nor listed.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import site
import struct
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

_CREATE_RULESET: Final = 444  # The same on every machine, as are the next two.
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3

# What each version of the ABI can forbid: the number of rights on files, those on the network
# (bind, connect), and scopes (abstract sockets, signals).
_FILE_RIGHTS: Final = ((1, 13), (2, 14), (3, 15), (5, 16))
_NETWORK_SINCE: Final = 4
_SCOPES_SINCE: Final = 6

# Shared libraries and time zones, and what libraries open to learn that there is nothing.
_SYSTEM: Final = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/etc/localtime",
    "/usr/share/zoneinfo", "/dev/null", "/dev/urandom",
)  # fmt: skip


def landlock_abi() -> int:
    """The version of Landlock this kernel has; 0 for none."""
    return max(0, _syscall(_CREATE_RULESET, None, 0, _ASK_VERSION))


def readable_for(entry_point: str) -> tuple[Sequence[Path], Sequence[Path]]:
    """What ``module:Class`` needs: places to read, and directories only to list.

    The interpreter, its installed packages, this SDK, and the package of the strategy. Imports
    nothing; a module that is not found adds nothing.
    """
    paths = sysconfig.get_paths()
    readable = [Path(each) for each in _SYSTEM]
    readable += [Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    readable += [Path(each) for each in site.getsitepackages()]
    readable += [Path(sys.base_exec_prefix, "lib"), Path(__file__).parent]
    own = package_paths(entry_point)
    readable += own
    # An import lists the directory it looks in.
    return readable, [each.parent for each in (*own, Path(__file__).parent)]


def package_paths(entry_point: str) -> Sequence[Path]:
    """Where the package of ``module:Class`` is, or its one file. Imports nothing."""
    return tuple(_package(entry_point.partition(":")[0].partition(".")[0]))


def _package(name: str) -> Iterator[Path]:
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        yield from (Path(each) for each in spec.submodule_search_locations)
    elif spec.has_location and spec.origin is not None:
        yield Path(spec.origin)


def confine_files(readable: Sequence[Path], listable: Sequence[Path]) -> bool:
    """Leave this thread, and those it starts, these paths to read; False where the kernel cannot.

    Also forbids TCP, signals to others and their abstract sockets where the kernel knows how. No
    new privileges must have been given up before. Raises: OSError for a rule that is refused.
    """
    abi = landlock_abi()
    if abi == 0:
        return False
    rights = max(bits for since, bits in _FILE_RIGHTS if since <= abi)
    ruleset = struct.pack(
        "=QQQ",
        (1 << rights) - 1,
        0b11 if abi >= _NETWORK_SINCE else 0,
        0b11 if abi >= _SCOPES_SINCE else 0,
    )
    # An older kernel knows a shorter one: what it does not know is zero, which it accepts.
    descriptor = _checked(_CREATE_RULESET, ruleset, len(ruleset), 0)
    try:
        for path in readable:
            _add(descriptor, path, _READ_FILE | (_READ_DIR if path.is_dir() else 0))
        for path in listable:
            _add(descriptor, path, _READ_DIR)
        _checked(_RESTRICT_SELF, descriptor, 0)
    finally:
        os.close(descriptor)
    return True


def _add(ruleset: int, path: Path, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # It is not there, or not for this user anyway.
    try:
        _checked(_ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", rights, place), 0)
    finally:
        os.close(place)


def _checked(number: int, *arguments: int | bytes | None) -> int:
    result = _syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number} of Landlock")
    return result


def _syscall(number: int, *arguments: int | bytes | None) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    wide = (ctypes.c_long(each) if isinstance(each, int) else each for each in arguments)
    result: int = libc.syscall(ctypes.c_long(number), *wide)
    return result
