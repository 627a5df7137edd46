"""A strategy that tries to get out: in a callback, in a thread, or while it is imported.

An attempt is *denied* when the kernel says that it is not permitted. Anything else, another error
too, means that the kernel would have gone on.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from xache_sdk.context import Context
from xache_sdk.market import XACHE, Side, Subscription, Trade, Trades
from xache_sdk.orders import Intents, Note, Place
from xache_sdk.strategy import Strategy

PARENT = os.getppid()
NOWHERE = b"/nowhere-at-all"


def call(name: str, *arguments: int | bytes) -> None:
    """Call the C library; raise what the kernel said."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)


def fork() -> None:
    if os.fork() == 0:
        os._exit(0)


ATTEMPTS: Mapping[str, Callable[[], object]] = {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "list": lambda: list(Path("/").iterdir()),
    "write": lambda: os.open("/tmp/xache-escape", os.O_WRONLY | os.O_CREAT),
    "write own": lambda: os.open(__file__, os.O_RDWR),
    "delete": lambda: Path("/nowhere").unlink(),
    "memory file": lambda: os.memfd_create("escape"),
    "connect": lambda: socket.create_connection(("127.0.0.1", 9)),
    "unix socket": lambda: socket.socket(socket.AF_UNIX),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "fork": fork,
    "kill": lambda: os.kill(PARENT, 0),
    "kill all": lambda: os.kill(-1, 0),
    "kill thread": lambda: call("tgkill", PARENT, PARENT, 0),
    "signal by owner": lambda: fcntl.fcntl(0, fcntl.F_SETOWN, PARENT),
    "ptrace": lambda: call("ptrace", 0, 0, 0, 0),
    "mount": lambda: call("mount", b"none", NOWHERE, b"tmpfs", 0, 0),
    "unshare": lambda: call("unshare", 0),
    "parent memory": lambda: call("process_vm_readv", PARENT, 0, 0, 0, 0, 0),
    "parent memory file": lambda: os.open(f"/proc/{PARENT}/mem", os.O_RDONLY),
    "parent environment": lambda: os.open(f"/proc/{PARENT}/environ", os.O_RDONLY),
    "limits": lambda: call("setrlimit", resource.RLIMIT_CORE, bytes(16)),
    "parent limits": lambda: resource.prlimit(PARENT, resource.RLIMIT_CORE),
}


def not_denied() -> Sequence[str]:
    """Which attempts the kernel did not forbid."""
    found = []
    for name, attempt in ATTEMPTS.items():
        try:
            attempt()
        except PermissionError:
            continue
        except OSError as error:
            found.append(f"{name} {error.errno}")
        else:
            found.append(name)
    return found


def eat() -> str:
    """Take memory until there is none."""
    eaten: list[bytearray] = []
    try:
        while len(eaten) < 512:
            eaten.append(bytearray(1 << 20))
    except MemoryError:
        return "full" if len(eaten) < 256 else "too much"
    return "no end"


def spin() -> str:
    """Compute without end."""
    while True:
        pass


def stall() -> str:
    """Do nothing for ever, and hold the interpreter while doing so."""
    ctypes.PyDLL(None).pause()
    return "woken"


def babble() -> str:
    """Write what is no frame."""
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"GET / HTTP/1.1\r\n")
        except OSError:
            continue
    return "said"


def flood() -> str:
    """Print lines without end."""
    while True:
        print("line", file=sys.stdout)


ACTS: Mapping[str, Callable[[], str]] = {
    "escape": lambda: f"not denied: {', '.join(not_denied())}",
    "eat": eat, "spin": spin, "stall": stall, "babble": babble, "flood": flood,
}  # fmt: skip


def from_thread(act: str) -> str:
    """Do it in a thread that the strategy starts."""
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(ACTS[act]()))
    thread.start()
    thread.join()
    return said[0] if said else "nothing said"


# The program's name says what to do at import, where there are no settings yet.
AT_IMPORT = ACTS[sys.argv[0]]() if sys.argv[0] in ACTS else ""


@dataclass(frozen=True)
class Settings:
    """What to do, and whether in a thread."""

    act: str = ""
    thread: bool = False


class Escaping(Strategy[Settings]):
    """Rests an order; the first trade makes it act."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        return [Trades("BTC-USDT", XACHE)]

    def on_start(self, context: Context) -> Intents:
        yield Place(
            id="first", symbol="BTC-USDT", side=Side.BUY,
            quantity=Decimal("0.001"), price=Decimal("49000.0"),
        )  # fmt: skip
        yield Note("resting")

    def on_trade(self, trade: Trade) -> Intents:
        act = self.settings.act
        yield Note(AT_IMPORT or (from_thread(act) if self.settings.thread else ACTS[act]()))
