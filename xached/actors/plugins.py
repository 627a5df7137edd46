"""Which plugins may run: what is installed against what an operator has approved.

The daemon reads metadata and files of plugins, never their code. Nothing is remembered between two
looks: a file that changed a moment ago is seen by the next run. What an operator or the house
itself decides is durable before it works, and ends what runs against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

import apsw
import attrs
from loguru import logger

from xached.adapters.distributions import PluginUnreadable
from xached.domain.capabilities import UNBOUNDED
from xached.domain.plugins import (
    Admission,
    Approval,
    Breach,
    Fingerprint,
    InstalledPlugin,
    PluginGroup,
    PluginRefused,
    PluginState,
    Quarantine,
    Verdict,
    is_one_too_many,
    judge,
)
from xached.runtime.world import World
from xached.storage.plugin_approvals import (
    note_breach,
    read_approval,
    read_quarantine,
    write_quarantine,
)
from xached.storage.strategy_tables import StrategyRecords

Result = TypeVar("Result")

STRATEGY: Final = PluginGroup.STRATEGY


class PluginSource(Protocol):
    """What is installed. Both block."""

    def find(self) -> Sequence[InstalledPlugin]:
        """All plugins, also several of one name."""
        ...

    def fingerprint(self, plugin: InstalledPlugin, /) -> Fingerprint:
        """Look at every file of one. Raises: PluginUnreadable."""
        ...


@attrs.frozen(kw_only=True)
class PluginReport:
    """What is known of the plugins of one name. ``found`` is None when they cannot be read."""

    group: PluginGroup
    name: str
    installed: tuple[InstalledPlugin, ...]
    found: Fingerprint | None
    approval: Approval | None
    quarantine: Quarantine | None
    verdict: Verdict


class PluginRuns(Protocol):
    """Who runs strategies."""

    def withdraw(self, plugin: str, cause: str) -> None:
        """End the runs of a plugin, which may no longer run."""
        ...

    def admit(self, plugin: str) -> None:
        """Begin them again: it may."""
        ...


class PluginDesk:
    """Looks at plugins for whoever starts them; nothing is installed before it serves."""

    def __init__(self, records: StrategyRecords, world: World) -> None:
        self._records = records
        self._world = world
        self._source: PluginSource | None = None
        self._runs: PluginRuns | None = None

    def serve(self, source: PluginSource, runs: PluginRuns) -> None:
        """Look at what is installed from now on, and tell who runs it of what is decided."""
        self._source, self._runs = source, runs

    async def admit(self, name: str, *, vouched: bool) -> Admission:
        """Look at an installed strategy. Raises: PluginRefused when it may not run."""
        report = await self.look(name, vouched=vouched)
        if not report.verdict.may_run:
            raise PluginRefused(report.verdict.why)
        approved = report.verdict.state is PluginState.APPROVED
        return Admission(
            plugin=report.installed[0],
            digest="" if report.found is None else report.found.digest,
            capabilities=(
                report.approval.capabilities
                if approved and report.approval is not None
                else UNBOUNDED
            ),
            approved=approved,
        )

    async def look(self, name: str, *, vouched: bool) -> PluginReport:
        """What is known of a strategy."""
        installed, found = await self._world.run_in_thread(self._look, name)

        def read(db: apsw.Connection) -> tuple[Approval | None, Quarantine | None]:
            return read_approval(db, STRATEGY, name), read_quarantine(db, STRATEGY, name)

        approval, quarantine = await self._records.read(read)
        return PluginReport(
            group=STRATEGY,
            name=name,
            installed=installed,
            found=found,
            approval=approval,
            quarantine=quarantine,
            verdict=judge(name, installed, found, approval, quarantine, vouched=vouched),
        )

    async def note_breach(self, name: str, breach: Breach) -> None:
        """A run of a strategy has broken its rules; one too many locks its plugin up."""
        now_ns = self._world.now_ns()

        def note(db: apsw.Connection) -> Quarantine | None:
            breaches = note_breach(db, STRATEGY, name, breach, now_ns)
            if not is_one_too_many(breaches, now_ns):
                return None
            cause = f"it broke its rules {len(breaches)} times, the last time {breach.value}"
            quarantine = Quarantine(cause=cause, by="", at_ns=now_ns)
            if read_quarantine(db, STRATEGY, name) is None:
                write_quarantine(db, STRATEGY, name, quarantine)
            return quarantine

        quarantine = await self._records.write(note)
        if quarantine is not None:
            logger.error("strategy plugin {} is in quarantine: {}", name, quarantine.cause)
            self._withdraw(name, f"{name!r} is in quarantine: {quarantine.cause}")

    def _withdraw(self, name: str, cause: str) -> None:
        if self._runs is not None:
            self._runs.withdraw(name, cause)

    def _look(self, name: str) -> tuple[tuple[InstalledPlugin, ...], Fingerprint | None]:
        source = self._source
        if source is None:
            return (), None
        installed = tuple(
            each for each in source.find() if (each.group, each.name) == (STRATEGY, name)
        )
        if len(installed) != 1:
            return installed, None
        try:
            return installed, source.fingerprint(installed[0])
        except PluginUnreadable as unreadable:
            logger.warning("{}", unreadable)
            return installed, None
