"""What the signals of the house say: the newest values, and why there are none.

A signal that has failed, was stopped or has said nothing new in time has no values: it is absent,
and the board says why. Whoever reads gets the newest; nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import attrs
import trio
from xache_sdk.signal_values import READINGS_MAX, SignalValue

from xached.domain.instrument import Symbol

NOT_YET: Final = "it has said nothing yet"
STALE: Final = "it is stale: no newer value came in time"


@attrs.frozen(kw_only=True)
class SignalConfig:
    """One signal to run. ``plugin`` is its entry point's name; ``settings_json`` an object."""

    name: str
    plugin: str
    symbols: tuple[Symbol, ...]
    settings_json: str = "{}"
    vouched: bool = False
    """The operator's configuration has it started: its plugin needs no approval."""


@attrs.frozen(kw_only=True)
class SignalStatus:
    """How a signal stands. ``why``: why it has no values; empty while it has some."""

    config: SignalConfig
    running: bool
    runs: int
    values: tuple[SignalValue, ...]
    why: str
    version: str
    """Of the distribution of its plugin, as it was last started; empty before."""
    digest: str


class TooManyValues(Exception):  # noqa: N818 - says who is at fault
    """A signal has more names of values than it may have."""


class SignalBoard:
    """The signals of a house, by name."""

    def __init__(self, configs: Sequence[SignalConfig] = ()) -> None:
        self._slots = {each.name: _Slot(each) for each in configs}
        assert len(self._slots) == len(configs), "names are unique"

    def knows(self, name: str) -> bool:
        """Whether the house runs a signal of a name."""
        return name in self._slots

    def newest(self, name: str) -> tuple[tuple[SignalValue, ...], str]:
        """The values of a signal that may be used, and why there are none where there are none."""
        slot = self._slots[name]
        return tuple(slot.values.values()), slot.why

    async def wait_changed(self, name: str) -> None:
        """Wait until a signal says anything anew, or has nothing to say any more."""
        await self._slots[name].changed.wait()

    def statuses(self) -> tuple[SignalStatus, ...]:
        """How each stands, in the order of the configuration."""
        return tuple(each.status() for each in self._slots.values())

    # --- for who runs them -----------------------------------------------------------------------

    def began(self, name: str, version: str, digest: str) -> None:
        """A run of a signal has begun."""
        slot = self._slots[name]
        slot.running, slot.version, slot.digest = True, version, digest
        slot.runs += 1
        slot.why = NOT_YET
        slot.tell()

    def say(self, name: str, values: Iterable[SignalValue]) -> None:
        """Take in what a signal says. Raises: TooManyValues."""
        slot = self._slots[name]
        for value in values:
            slot.values[value.name] = value
        if len(slot.values) > READINGS_MAX:
            raise TooManyValues(f"it has more than {READINGS_MAX} names of values")
        slot.why = ""
        slot.tell()

    def expire(self, name: str, now_ns: int) -> int | None:
        """Drop what may not be used any more; when the next value expires, None for no value."""
        slot = self._slots[name]
        stale = [each for each in slot.values.values() if each.expires_at_ns <= now_ns]
        for value in stale:
            del slot.values[value.name]
        if stale:
            slot.why = "" if slot.values else STALE
            slot.tell()
        return min((each.expires_at_ns for each in slot.values.values()), default=None)

    def ended(self, name: str, why: str) -> None:
        """A run of a signal is over: nothing that it said may be used."""
        slot = self._slots[name]
        slot.running = False
        slot.values.clear()
        slot.why = why
        slot.tell()


@attrs.define
class _Slot:
    """What is known of one signal."""

    config: SignalConfig
    values: dict[str, SignalValue] = attrs.field(factory=dict)
    why: str = NOT_YET
    running: bool = False
    runs: int = 0
    version: str = ""
    digest: str = ""
    changed: trio.Event = attrs.field(factory=trio.Event)

    def tell(self) -> None:
        changed, self.changed = self.changed, trio.Event()
        changed.set()

    def status(self) -> SignalStatus:
        return SignalStatus(
            config=self.config,
            running=self.running,
            runs=self.runs,
            values=tuple(self.values.values()),
            why=self.why,
            version=self.version,
            digest=self.digest,
        )
