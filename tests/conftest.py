"""What holds for every test."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Let Ctrl-C work in the programs that tests start.

    A shell starts what runs in the background with the signal ignored, and that is inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
