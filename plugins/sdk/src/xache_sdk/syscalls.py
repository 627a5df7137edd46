"""The system calls a strategy's process may make, and the kernel filter that holds it to them.

What is not listed is refused with EPERM: a call that a later kernel brings is refused unseen.
What is listed can compute, read what Landlock leaves readable, start threads, and talk over the
descriptors there are. It cannot make a socket, a process or a file, run a program, nor signal,
trace or read another process. The numbers are the kernel's, which it never changes
(arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_REFUSE: Final = 0x00050000  # The low half is the errno.

_LOAD: Final = 0x20
_IF_EQUAL: Final = 0x15
_IF_ANY_BIT: Final = 0x45
_RETURN: Final = 0x06
_NUMBER_AT: Final = 0
_ARCHITECTURE_AT: Final = 4
_ARGUMENTS_AT: Final = 16

_CLONE_THREAD: Final = 0x00010000
# O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND; __O_TMPFILE needs one of the first two.
_WRITING: Final = 0o1 | 0o2 | 0o100 | 0o1000 | 0o2000
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: not F_SETOWN and F_SETSIG, which
# together send any signal to any process.
_FCNTL: Final = (0, 1, 2, 3, 4, 1030)
# TCGETS (isatty), FIONREAD, FIONBIO, FIONCLEX, FIOCLEX.
_IOCTL: Final = (0x5401, 0x541B, 0x5421, 0x5450, 0x5451)
# PR_SET_NAME, PR_GET_NAME, and PR_SET_VMA, which names memory.
_PRCTL: Final = (15, 16, 0x53564D41)

_X86_64: Final = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7,
    "lseek": 8, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13,
    "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16, "pread64": 17, "pwrite64": 18,
    "readv": 19, "writev": 20, "access": 21, "select": 23, "sched_yield": 24, "mremap": 25,
    "mincore": 27, "madvise": 28, "dup": 32, "dup2": 33, "pause": 34, "nanosleep": 35,
    "getitimer": 36, "alarm": 37, "setitimer": 38, "getpid": 39, "sendto": 44, "recvfrom": 45,
    "shutdown": 48, "getsockname": 51, "getpeername": 52, "getsockopt": 55, "clone": 56,
    "exit": 60, "kill": 62, "uname": 63, "fcntl": 72, "getdents": 78, "getcwd": 79,
    "readlink": 89, "umask": 95, "gettimeofday": 96, "getrlimit": 97, "getrusage": 98,
    "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107, "getegid": 108,
    "getppid": 110, "getpgrp": 111, "getgroups": 115, "getresuid": 118, "getresgid": 120,
    "getpgid": 121, "getsid": 124, "rt_sigpending": 127, "rt_sigtimedwait": 128,
    "rt_sigsuspend": 130, "sigaltstack": 131, "statfs": 137, "fstatfs": 138,
    "sched_getparam": 143, "sched_getscheduler": 145, "sched_get_priority_max": 146,
    "sched_get_priority_min": 147, "prctl": 157, "arch_prctl": 158, "gettid": 186, "time": 201,
    "futex": 202, "sched_getaffinity": 204, "getdents64": 217, "set_tid_address": 218,
    "restart_syscall": 219, "fadvise64": 221, "clock_gettime": 228, "clock_getres": 229,
    "clock_nanosleep": 230, "exit_group": 231, "epoll_wait": 232, "epoll_ctl": 233,
    "tgkill": 234, "get_mempolicy": 239, "openat": 257, "newfstatat": 262, "readlinkat": 267,
    "faccessat": 269, "pselect6": 270, "ppoll": 271, "set_robust_list": 273, "epoll_pwait": 281,
    "eventfd2": 290, "epoll_create1": 291, "dup3": 292, "pipe2": 293, "prlimit64": 302,
    "getcpu": 309, "getrandom": 318, "membarrier": 324, "statx": 332, "rseq": 334,
    "clone3": 435, "close_range": 436, "faccessat2": 439, "epoll_pwait2": 441,
}  # fmt: skip

_AARCH64: Final = {
    "getcwd": 17, "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22,
    "dup": 23, "dup3": 24, "fcntl": 25, "ioctl": 29, "statfs": 43, "fstatfs": 44,
    "faccessat": 48, "openat": 56, "close": 57, "pipe2": 59, "getdents64": 61, "lseek": 62,
    "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68,
    "pselect6": 72, "ppoll": 73, "readlinkat": 78, "newfstatat": 79, "fstat": 80, "exit": 93,
    "exit_group": 94, "set_tid_address": 96, "futex": 98, "set_robust_list": 99,
    "nanosleep": 101, "getitimer": 102, "setitimer": 103, "clock_gettime": 113,
    "clock_getres": 114, "clock_nanosleep": 115, "sched_getscheduler": 120,
    "sched_getparam": 121, "sched_getaffinity": 123, "sched_yield": 124,
    "sched_get_priority_max": 125, "sched_get_priority_min": 126, "restart_syscall": 128,
    "kill": 129, "tgkill": 131, "sigaltstack": 132, "rt_sigsuspend": 133, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigpending": 136, "rt_sigtimedwait": 137, "rt_sigreturn": 139,
    "getresuid": 148, "getresgid": 150, "times": 153, "getpgid": 155, "getsid": 156,
    "getgroups": 158, "uname": 160, "getrlimit": 163, "getrusage": 165, "umask": 166,
    "prctl": 167, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173,
    "getuid": 174, "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178,
    "sysinfo": 179, "getsockname": 204, "getpeername": 205, "sendto": 206, "recvfrom": 207,
    "getsockopt": 209, "shutdown": 210, "brk": 214, "munmap": 215, "mremap": 216,
    "clone": 220, "mmap": 222, "fadvise64": 223, "mprotect": 226, "mincore": 232,
    "madvise": 233, "get_mempolicy": 236, "prlimit64": 261, "getrandom": 278,
    "membarrier": 283, "statx": 291, "rseq": 293, "clone3": 435, "close_range": 436,
    "faccessat2": 439, "epoll_pwait2": 441,
}  # fmt: skip

_MACHINES: Final[Mapping[str, tuple[int, Mapping[str, int]]]] = {
    "x86_64": (0xC000003E, _X86_64),
    "aarch64": (0xC00000B7, _AARCH64),
}

_Instruction: TypeAlias = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand: ``struct sock_filter``."""


def confine_system_calls() -> bool:
    """Hold this thread, and those it starts, to the list; False where the kernel cannot.

    No new privileges must have been given up before.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    program = _program(*machine, pid=os.getpid())
    code = b"".join(struct.pack("=HBBI", *each) for each in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    # struct sock_fprog: a length, and after its padding the address.
    header = struct.pack("@HP", len(program), ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    done: int = libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0)
    return done == 0


def _program(architecture: int, numbers: Mapping[str, int], *, pid: int) -> Sequence[_Instruction]:
    guarded = {
        # The thread library tries it first, and takes clone when there is none; its flags are in
        # memory, where a filter cannot look.
        "clone3": [_end(_REFUSE | errno.ENOSYS)],
        "clone": [*_load(0), (_IF_ANY_BIT, 0, 1, _CLONE_THREAD), _end(_ALLOW), _refused()],
        "open": _reading(1),
        "openat": _reading(2),
        "fcntl": _one_of(1, _FCNTL),
        "ioctl": _one_of(1, _IOCTL),
        "prctl": _one_of(0, _PRCTL),
        "kill": _one_of(0, (pid,)),
        "tgkill": _one_of(0, (pid,)),
        # Limits may be read. A pointer has two halves.
        "prlimit64": [
            *_load(2), (_IF_EQUAL, 1, 0, 0), _refused(),
            *_load(2, upper=True), (_IF_EQUAL, 1, 0, 0), _refused(),
            *_one_of(0, (0, pid)),
        ],
    }  # fmt: skip
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_IF_EQUAL, 1, 0, architecture),
        _end(_KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
    ]
    for name, number in numbers.items():
        body = guarded.get(name, [_end(_ALLOW)])
        program += [(_IF_EQUAL, 0, len(body), number), *body]
    return [*program, _refused()]


def _end(verdict: int) -> _Instruction:
    return (_RETURN, 0, 0, verdict)


def _refused() -> _Instruction:
    return _end(_REFUSE | errno.EPERM)


def _load(argument: int, *, upper: bool = False) -> list[_Instruction]:
    return [(_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument + 4 * upper)]


def _reading(argument: int) -> list[_Instruction]:
    return [*_load(argument), (_IF_ANY_BIT, 0, 1, _WRITING), _refused(), _end(_ALLOW)]


def _one_of(argument: int, allowed: Sequence[int]) -> list[_Instruction]:
    """The kernel takes these as 32 bits, and so does the filter."""
    body = _load(argument)
    for value in allowed:
        body += [(_IF_EQUAL, 0, 1, value), _end(_ALLOW)]
    return [*body, _refused()]
