"""Which plugins may run: what is installed against what an operator has approved.

The daemon reads metadata and files of plugins, never their code. Nothing is remembered between two
looks: a file that changed a moment ago is seen by the next run. What an operator or the house
itself decides is durable before it works, and ends what runs against it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import apsw
import attrs
import trio
from loguru import logger

from xached.adapters.distributions import PluginUnreadable
from xached.adapters.examination import Examination
from xached.adapters.work import WorkFailed
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.order import AccountId
from xached.domain.plugins import (
    Admission,
    Approval,
    Breach,
    Description,
    Fingerprint,
    InstalledPlugin,
    LookAhead,
    PluginGroup,
    PluginRefused,
    PluginState,
    Quarantine,
    Verdict,
    is_one_too_many,
    judge,
)
from xached.domain.rejection import Reason, Rejection
from xached.runtime.world import World
from xached.storage.plugin_approvals import (
    OPERATOR,
    count_exclusions,
    end_quarantine,
    exclude,
    exclusions,
    known_names,
    note_breach,
    quarantines,
    read_approval,
    read_description,
    read_exclusion,
    read_quarantine,
    withdraw_approval,
    write_approval,
    write_description,
    write_quarantine,
)
from xached.storage.strategy_tables import StrategyRecords

CATALOGUE_S: Final = 5.0
"""All files of all plugins are looked at to list them: not more often than that for people."""

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
    excluded: int
    """From how many owners it is kept, whose strategies made it break its rules."""


@attrs.frozen(kw_only=True)
class Offer:
    """A plugin that may run, and what it says of itself."""

    approval: Approval
    description: Description


class PluginRuns(Protocol):
    """Who runs plugins of one kind."""

    def withdraw(self, plugin: str, cause: str) -> None:
        """End the runs of a plugin, which may no longer run."""
        ...

    def admit(self, plugin: str) -> None:
        """Begin them again: it may."""
        ...


Examine: TypeAlias = Callable[[InstalledPlugin, bool, Mapping[str, Any]], Awaitable[Examination]]
"""Ask a plugin what it is; tried, if it is to be, with settings. Raises: WorkFailed."""

NOBODY: Final[Mapping[PluginGroup, PluginRuns]] = MappingProxyType({})


class PluginDesk:
    """Looks at plugins for whoever starts them; nothing is installed before it serves."""

    def __init__(self, records: StrategyRecords, world: World, key: bytes) -> None:
        """``key`` seals approvals."""
        self._records = records
        self._key = key
        self._world = world
        self._source: PluginSource | None = None
        self._runs = NOBODY
        self._examine: Examine | None = None
        self._examining = trio.Lock()
        self._listing = trio.Lock()
        self._listed_until = -math.inf
        self._offers: Sequence[Offer] = ()

    def serve(
        self, source: PluginSource, runs: Mapping[PluginGroup, PluginRuns], examine: Examine
    ) -> None:
        """Look at what is installed from now on, and tell who runs it of what is decided."""
        self._source, self._runs, self._examine = source, runs, examine

    # --- for those who start plugins -------------------------------------------------------------

    async def admit(
        self,
        name: str,
        *,
        vouched: bool,
        group: PluginGroup = STRATEGY,
        owner: AccountId = OPERATOR,
    ) -> Admission:
        """Look at an installed plugin. Raises: PluginRefused when it may not run for its owner."""
        report = await self.look(name, vouched=vouched, group=group)
        if not report.verdict.may_run:
            raise PluginRefused(report.verdict.why)
        if owner != OPERATOR and report.excluded:
            cause = await self._records.read(lambda db: read_exclusion(db, group, name, owner))
            if cause is not None:
                raise PluginRefused(f"{name!r} is kept from you until an operator says: {cause}")
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

    async def look(
        self, name: str, *, vouched: bool, group: PluginGroup = STRATEGY
    ) -> PluginReport:
        """What is known of a plugin."""
        installed, found = await self._world.run_in_thread(self._look, group, name)

        def read(db: apsw.Connection) -> tuple[Approval | None, Quarantine | None, int]:
            return (
                read_approval(db, group, name, self._key),
                read_quarantine(db, group, name),
                count_exclusions(db, group, name),
            )

        approval, quarantine, excluded = await self._records.read(read)
        return PluginReport(
            group=group,
            name=name,
            installed=installed,
            found=found,
            approval=approval,
            quarantine=quarantine,
            verdict=judge(
                name, installed, found, approval, quarantine, vouched=vouched, group=group
            ),
            excluded=excluded,
        )

    async def note_breach(
        self,
        name: str,
        breach: Breach,
        *,
        group: PluginGroup = STRATEGY,
        owner: AccountId = OPERATOR,
    ) -> None:
        """A run of a plugin has broken its rules; one too many locks it up.

        Where it was a strategy of a person it is kept from them alone: another one's settings are
        not theirs, and several of them may be one. See :meth:`kept_from_owners`.
        """
        now_ns = self._world.now_ns()

        def note(db: apsw.Connection) -> Quarantine | None:
            breaches = note_breach(db, group, name, breach, now_ns, owner)
            if not is_one_too_many(breaches, now_ns):
                return None
            cause = f"it broke its rules {len(breaches)} times, the last time {breach.value}"
            if owner != OPERATOR:
                exclude(db, group, name, owner, cause, now_ns)
                logger.warning("{} plugin {} is kept from an owner: {}", group.kind, name, cause)
                return None
            quarantine = Quarantine(cause=cause, by="", at_ns=now_ns)
            if read_quarantine(db, group, name) is None:
                write_quarantine(db, group, name, quarantine)
            return quarantine

        quarantine = await self._records.write(note)
        if quarantine is not None:
            logger.error("{} plugin {} is in quarantine: {}", group.kind, name, quarantine.cause)
            self._withdraw(group, name, f"{name!r} is in quarantine: {quarantine.cause}")

    async def catalogue(self) -> Sequence[Offer]:
        """The approved strategies that may run now, as they were a few seconds ago at most."""
        async with self._listing:
            if trio.current_time() >= self._listed_until:
                names = [name for group, name in await self.names() if group is STRATEGY]
                self._offers = [each for name in names if (each := await self._offer(name))]
                self._listed_until = trio.current_time() + CATALOGUE_S
            return self._offers

    async def _offer(self, name: str) -> Offer | None:
        report = await self.look(name, vouched=False)
        if report.verdict.state is not PluginState.APPROVED or report.approval is None:
            return None
        described = await self._records.read(lambda db: read_description(db, STRATEGY, name))
        if described is None:
            return None  # It is told once it has been examined, which its approval does.
        return Offer(approval=report.approval, description=described)

    # --- for operators ---------------------------------------------------------------------------

    async def names(self) -> Sequence[tuple[PluginGroup, str]]:
        """Every plugin that is installed, approved or in quarantine, kind by kind."""
        installed = await self._world.run_in_thread(self._find)
        known = await self._records.read(known_names)
        every = {(each.group, each.name) for each in installed} | set(known)
        order = list(PluginGroup)
        return sorted(every, key=lambda each: (order.index(each[0]), each[1]))

    async def quarantined(self) -> Sequence[tuple[PluginGroup, str, Quarantine]]:
        """Every plugin that is locked up, and why."""
        return await self._records.read(quarantines)

    async def kept_from_owners(self) -> Sequence[tuple[PluginGroup, str, int]]:
        """Every plugin that is kept from owners who made it break its rules: from how many."""
        return await self._records.read(exclusions)

    async def describe(self, report: PluginReport) -> Description | None:
        """What an installed plugin says of itself; None when it cannot be asked."""
        group, name = report.group, report.name
        if report.found is None:
            return None
        digest = report.found.digest
        known = await self._records.read(lambda db: read_description(db, group, name))
        if known is not None and known.digest == digest:
            return known
        try:
            examined = await self._ask(report, check=False, settings={})
        except Rejection as rejection:
            logger.warning("plugin {}: {}", name, rejection.message)
            return None
        return await self._keep(group, name, digest, examined)

    async def approve(
        self,
        name: str,
        *,
        group: PluginGroup = STRATEGY,
        digest: str,
        capabilities: Capabilities,
        settings: Mapping[str, Any],
        unchecked: bool,
        by: str,
        restart: bool = True,
    ) -> None:
        """Approve what is installed, if that is what the operator has looked at.

        It is tried whether it looks ahead; one that cannot be tried needs ``unchecked``. What
        runs of it is begun again with what it may now, but without ``restart`` goes on as it is.

        Raises: Rejection UNKNOWN_PLUGIN, PLUGIN_STATE, PLUGIN_CHANGED, PLUGIN_SETTINGS,
            COMBINATION or LOOK_AHEAD.
        """
        _check_capabilities(group, capabilities)
        report = await self.look(name, vouched=False, group=group)
        plugin, found = self._installed(report)
        if found.digest != digest:
            raise Rejection(
                Reason.PLUGIN_CHANGED,
                "what is installed is not what you have looked at",
                field="digest",
                given=digest[:64],
                allowed=found.digest,
            )
        examined = await self._ask(report, check=True, settings=settings)
        if examined.look_ahead is None:
            raise Rejection(
                Reason.LOOK_AHEAD,
                f"it looks ahead: {examined.why}",
                field="name",
                given=name,
                allowed=f"a {group.kind} that does the same when the future is not there",
            )
        if examined.look_ahead is LookAhead.NOT_CHECKED and not unchecked:
            raise Rejection(
                Reason.PLUGIN_SETTINGS,
                f"it cannot be tried whether it looks ahead: {examined.why}",
                field="settings",
                given=json.dumps(dict(settings))[:200],
                allowed="settings that it takes, or an approval unchecked",
            )
        again = await self._world.run_in_thread(self._fingerprint, plugin)
        if again is None or again.digest != digest:
            raise _not_as_found(name, "its files have changed while it was tried")
        approval = Approval(
            plugin=plugin,
            files=found.files,
            capabilities=capabilities,
            look_ahead=examined.look_ahead,
            by=by,
            at_ns=self._world.now_ns(),
        )
        await self._keep(group, name, digest, examined)
        await self._records.write(lambda db: write_approval(db, approval, self._key))
        logger.info("{} plugin {} {} is approved", group.kind, name, plugin.version)
        if restart:
            # Those that run go on with what they may now; those that are down begin.
            self._withdraw(group, name, f"{name!r} was approved anew")
        self._begin(group, name)

    async def withdraw(self, name: str, *, group: PluginGroup = STRATEGY) -> None:
        """Take an approval back; its runs end. Raises: Rejection PLUGIN_STATE."""
        if not await self._records.write(lambda db: withdraw_approval(db, group, name)):
            raise _not_as_found(name, "it is not approved")
        self._withdraw(group, name, f"the approval of {name!r} was withdrawn")
        self._begin(group, name)  # What a configuration vouches for runs on.

    async def quarantine(
        self, name: str, cause: str, by: str, *, group: PluginGroup = STRATEGY
    ) -> None:
        """Lock a plugin up; its runs end."""
        quarantine = Quarantine(cause=cause, by=by, at_ns=self._world.now_ns())
        await self._records.write(lambda db: write_quarantine(db, group, name, quarantine))
        self._withdraw(group, name, f"{name!r} is in quarantine: {cause}")

    async def release(self, name: str, *, group: PluginGroup = STRATEGY) -> None:
        """Let a plugin out of quarantine. Raises: Rejection PLUGIN_STATE."""
        if not await self._records.write(lambda db: end_quarantine(db, group, name)):
            raise _not_as_found(name, "it is not in quarantine")
        self._begin(group, name)

    async def _ask(
        self, report: PluginReport, *, check: bool, settings: Mapping[str, Any]
    ) -> Examination:
        plugin, _ = self._installed(report)
        assert self._examine is not None, "what is installed was found by a source"
        # One at a time: each is a process with a share of the machine.
        async with self._examining:
            try:
                return await self._examine(plugin, check, settings)
            except (WorkFailed, OSError) as error:
                raise _not_as_found(report.name, f"it cannot be examined: {error}") from None

    async def _keep(
        self, group: PluginGroup, name: str, digest: str, examined: Examination
    ) -> Description:
        description = Description(
            digest=digest, about=examined.about, settings_schema=examined.settings_schema
        )
        await self._records.write(lambda db: write_description(db, group, name, description))
        return description

    def _installed(self, report: PluginReport) -> tuple[InstalledPlugin, Fingerprint]:
        if not report.installed:
            raise Rejection(
                Reason.UNKNOWN_PLUGIN,
                "no such plugin is installed",
                field="name",
                given=report.name[:80],
                allowed="an installed plugin: xached admin plugins list",
            )
        if len(report.installed) > 1:
            raise _not_as_found(report.name, report.verdict.why)
        if report.found is None:
            # Which file it is goes to the operator's log: it may be a path of the machine.
            raise _not_as_found(
                report.name,
                "its files cannot be read, or are not for its own process alone; the log says more",
            )
        return report.installed[0], report.found

    # --- what is below ---------------------------------------------------------------------------

    def _begin(self, group: PluginGroup, name: str) -> None:
        if group in self._runs:
            self._runs[group].admit(name)

    def _withdraw(self, group: PluginGroup, name: str, cause: str) -> None:
        if group in self._runs:
            self._runs[group].withdraw(name, cause)

    def _find(self) -> Sequence[InstalledPlugin]:
        return () if self._source is None else self._source.find()

    def _look(
        self, group: PluginGroup, name: str
    ) -> tuple[tuple[InstalledPlugin, ...], Fingerprint | None]:
        found = self._find()
        installed = tuple(each for each in found if (each.group, each.name) == (group, name))
        return installed, self._fingerprint(installed[0]) if len(installed) == 1 else None

    def _fingerprint(self, plugin: InstalledPlugin) -> Fingerprint | None:
        assert self._source is not None, "a source has found it"
        try:
            return self._source.fingerprint(plugin)
        except PluginUnreadable as unreadable:
            logger.warning("{}", unreadable)
            return None


def _check_capabilities(group: PluginGroup, given: Capabilities) -> None:
    """What does not trade has no orders to be bounded. Raises: Rejection COMBINATION."""
    kept = Capabilities(symbols=given.symbols, expires_at_ns=given.expires_at_ns)
    if group is not STRATEGY and given != kept:
        raise Rejection(
            Reason.COMBINATION,
            f"a {group.kind} places no orders",
            field="capabilities",
            given="bounds of orders",
            allowed="instruments, and when it expires",
        )


def _not_as_found(name: str, why: str) -> Rejection:
    return Rejection(
        Reason.PLUGIN_STATE,
        f"{name}: {why}",
        field="name",
        given=name[:80],
        allowed=why,
    )
