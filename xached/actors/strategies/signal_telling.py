"""Tells a strategy what a signal says: the newest values, and when there are none any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import trio
from xache_sdk.signal_values import SignalLost, SignalValue

from xached.adapters.child_frames import write_signal, write_signal_lost
from xached.adapters.child_outbox import Outbox

PAUSE_S: Final = 0.02
"""Between two looks: a signal that says something of every trade is heard now and then only, so
that what waits for a slow strategy stays little."""


class Signals(Protocol):
    """What the signals of the house say."""

    def knows(self, name: str) -> bool:
        """Whether the house runs a signal of a name."""
        ...

    def newest(self, name: str) -> tuple[tuple[SignalValue, ...], str]:
        """The values that may be used, and why there are none where there are none."""
        ...

    async def wait_changed(self, name: str) -> None:
        """Wait until a signal says anything anew, or has nothing to say any more."""
        ...


async def tell_signal(
    signals: Signals, name: str, outbox: Outbox, now_ns: Callable[[], int]
) -> None:
    """Tell what a signal of the house says, from what it says now on."""
    told: dict[str, SignalValue] = {}
    absent = ""
    while True:
        values, why = signals.newest(name)
        for value in values:
            if told.get(value.name) != value:
                outbox.put(write_signal(value), value)
                told[value.name] = value
        there = {each.name for each in values}
        for gone in [each for each in told if each not in there and values]:
            del told[gone]
            _tell_lost(outbox, name, gone, "it is stale: no newer value came in time", now_ns())
        if not values and why != absent:
            _tell_lost(outbox, name, "", why, now_ns())
            told.clear()
        absent = "" if values else why
        await signals.wait_changed(name)
        await trio.sleep(PAUSE_S)


def _tell_lost(outbox: Outbox, signal: str, name: str, why: str, at_ns: int) -> None:
    lost = SignalLost(signal=signal, name=name, why=why, at_ns=at_ns)
    outbox.put(write_signal_lost(lost), lost)
