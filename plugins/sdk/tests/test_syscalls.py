"""The filter of a sealed process, call by call: what is not listed is refused, known or not."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import xache_sdk

# Run by the sealed process itself. A process that the filter does not hold must not try.
SCAN = """
import ctypes, errno, os, sys
sys.path.insert(0, sys.argv[1])
from xache_sdk.seal import Layer, seal
from xache_sdk.syscalls import _X86_64
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
nothing = [ctypes.c_long(0)] * 6
sealed = seal(parent=os.getppid(), memory_bytes=1 << 30, readable=[], listable=[])
if Layer.SYSTEM_CALLS not in sealed.layers:
    sys.exit("not held")
X32 = 0x40000000
OF_THE_KERNEL = (335, 336)
for base in (0, X32):
    for number in range(600):
        if base == 0 and number in (*_X86_64.values(), *OF_THE_KERNEL):
            continue
        ctypes.set_errno(0)
        done = libc.syscall(ctypes.c_long(base + number), *nothing)
        if (done, ctypes.get_errno()) != (-1, errno.EPERM):
            print(hex(base), number, done, ctypes.get_errno())
print("tried")
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are this machine's")
def test_every_call_that_is_not_listed_is_refused() -> None:
    """Also by the numbers of the other ABI (x32), which the same kernel takes.

    335 and 336 (uretprobe, uprobe) end a process that is not probed, and are asked of no filter.
    Checked: it fails when the program's last instruction answers with another error.
    """
    source = Path(xache_sdk.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-I", "-B", "-c", SCAN, str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.stderr == "not held\n":
        pytest.skip("this kernel takes no filter")
    assert (done.stdout, done.returncode) == ("tried\n", 0), done.stderr
