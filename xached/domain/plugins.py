"""Plugins: what is installed, what the operator has approved, and whether one may run.

An approval pins what was looked at: distribution, version, entry point and the content of every
file. Whatever differs from it was not looked at. A plugin that broke its rules again and again, run
as the operator has configured it, is kept in quarantine by the house itself, until an operator lets
it out; an approval does not. Where a person's strategies were the ones that did, with settings of
theirs, it is kept from that person alone, however many such persons there are: accounts are easily
had, so their number proves nothing of the plugin. Operators are told, and it is for them to lock it
up for everybody.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

from xached.domain.capabilities import Capabilities
from xached.domain.frozen import frozen

BREACHES_MAX: Final = 3
"""So many within :data:`BREACH_WINDOW_NS`, and a plugin is kept in quarantine."""

BREACH_WINDOW_NS: Final = 24 * 3_600 * 10**9
CHANGES_TOLD_MAX: Final = 3


class PluginGroup(enum.Enum):
    """What a plugin is, by the group of its entry point."""

    STRATEGY = "xache.strategies"
    SIGNAL = "xache.signals"
    FEED = "xache.feeds"
    NOTIFIER = "xache.notifiers"

    @property
    def kind(self) -> str:
        """What people call one of them."""
        return _KINDS[self]


_KINDS: Final = {
    PluginGroup.STRATEGY: "strategy",
    PluginGroup.SIGNAL: "signal",
    PluginGroup.FEED: "feed",
    PluginGroup.NOTIFIER: "notifier",
}


class PluginState(enum.Enum):
    """Whether a plugin may run, and why not. In the order in which they are looked at."""

    NOT_INSTALLED = "NOT_INSTALLED"
    AMBIGUOUS = "AMBIGUOUS"
    """Two distributions have a plugin of this name."""
    QUARANTINED = "QUARANTINED"
    CONFIGURED = "CONFIGURED"
    """Not approved, but started by a configuration that vouches for its own strategies."""
    NOT_APPROVED = "NOT_APPROVED"
    CHANGED = "CHANGED"
    """What is installed is not what was approved."""
    APPROVED = "APPROVED"


class PluginRefused(Exception):  # noqa: N818 - a refusal
    """A plugin may not run. The text says why, and what an operator can do."""


MAY_RUN: Final = (PluginState.CONFIGURED, PluginState.APPROVED)


class LookAhead(enum.Enum):
    """What was found out about a plugin when it was approved."""

    PASSED = "PASSED"
    """It wanted the same whether or not the future was there."""
    NOT_APPLICABLE = "NOT_APPLICABLE"
    """It reads no market data, over which it could be tried."""
    NOT_CHECKED = "NOT_CHECKED"
    """It could not be tried, and the operator approved it all the same."""


class Breach(enum.Enum):
    """How a plugin broke its rules. What it does wrong inside of them is its owner's matter."""

    PROTOCOL = "PROTOCOL"
    """It said what nobody may say, or too much."""
    STALLED = "STALLED"
    """It gave no sign of life, or stopped reading."""
    KILLED = "KILLED"
    """It was killed, as one is that takes too much memory or processor."""


@frozen(kw_only=True)
class InstalledPlugin:
    """A plugin as its distribution's metadata tell of it."""

    group: PluginGroup
    name: str
    entry_point: str
    distribution: str
    version: str


@frozen(kw_only=True)
class Fingerprint:
    """The content of a plugin's files: SHA-256 in hex, by path; empty for what is missing."""

    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over all of them, in hex."""
        lines = (f"{path}\0{digest}\n" for path, digest in sorted(self.files.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


@frozen(kw_only=True)
class Description:
    """What a plugin says of itself, of files with this digest. ``settings_schema`` is JSON."""

    digest: str
    about: str
    settings_schema: str


@frozen(kw_only=True)
class Approval:
    """What an operator has looked at, and what it may do at most."""

    plugin: InstalledPlugin
    files: Mapping[str, str]
    capabilities: Capabilities
    look_ahead: LookAhead
    by: str
    at_ns: int

    @property
    def digest(self) -> str:
        """Of its files as they were, in hex."""
        return Fingerprint(files=self.files).digest


@frozen(kw_only=True)
class Quarantine:
    """Why a plugin is kept from running. ``by`` is empty when the house did it by itself."""

    cause: str
    by: str
    at_ns: int


@frozen(kw_only=True)
class Admission:
    """A plugin that may run, as it is installed now. ``approved``: not only vouched for."""

    plugin: InstalledPlugin
    digest: str
    capabilities: Capabilities
    approved: bool


@frozen(kw_only=True)
class Verdict:
    """Whether a plugin may run. ``why``, for people, is empty when it may."""

    state: PluginState
    why: str = ""

    @property
    def may_run(self) -> bool:
        """Whether it may."""
        return self.state in MAY_RUN


def judge(
    name: str,
    installed: Sequence[InstalledPlugin],
    found: Fingerprint | None,
    approval: Approval | None,
    quarantine: Quarantine | None,
    *,
    vouched: bool = False,
    group: PluginGroup = PluginGroup.STRATEGY,
) -> Verdict:
    """Say whether a plugin may run. ``installed`` are those of its name, ``found`` its files.

    ``vouched``: the operator's configuration has it started, and counts as an approval.
    """
    if not installed:
        why = f"no {group.kind} {name!r} is installed"
        return Verdict(state=PluginState.NOT_INSTALLED, why=why)
    if len(installed) > 1:
        names = ", ".join(sorted(each.distribution for each in installed))
        return Verdict(state=PluginState.AMBIGUOUS, why=f"several are called {name!r}: {names}")
    if quarantine is not None:
        return Verdict(
            state=PluginState.QUARANTINED,
            why=f"{name!r} is in quarantine until an operator releases it: {quarantine.cause}",
        )
    if vouched:
        return Verdict(state=PluginState.CONFIGURED)
    if approval is None:
        return Verdict(
            state=PluginState.NOT_APPROVED,
            why=f"{name!r} is not approved: xached admin plugins approve {name}{_option(group)}",
        )
    if changed := _changes(approval, installed[0], found):
        return Verdict(
            state=PluginState.CHANGED,
            why=f"{name!r} is not what was approved, {changed}; to look at it again: "
            f"xached admin plugins show {name}{_option(group)}",
        )
    return Verdict(state=PluginState.APPROVED)


def _option(group: PluginGroup) -> str:
    """How a command names the kind, where it is not the usual one."""
    return "" if group is PluginGroup.STRATEGY else f" --kind {group.kind}"


def _changes(approval: Approval, plugin: InstalledPlugin, found: Fingerprint | None) -> str:
    """What differs from what was approved; empty when nothing does."""
    was = approval.plugin
    for what, before, now in (
        ("distribution", was.distribution, plugin.distribution),
        ("version", was.version, plugin.version),
        ("entry point", was.entry_point, plugin.entry_point),
    ):
        if before != now:
            return f"its {what} was {before} and is {now}"
    if found is None:
        return "its files cannot be read"
    paths = sorted(approval.files.keys() | found.files.keys())
    told = [each for each in paths if approval.files.get(each) != found.files.get(each)]
    if not told:
        return ""
    more = f" and {len(told) - CHANGES_TOLD_MAX} more" if len(told) > CHANGES_TOLD_MAX else ""
    return f"changed: {', '.join(told[:CHANGES_TOLD_MAX])}{more}"


def is_one_too_many(breaches_at_ns: Sequence[int], now_ns: int) -> bool:
    """Whether a plugin with breaches at these times goes into quarantine."""
    recent = [each for each in breaches_at_ns if each > now_ns - BREACH_WINDOW_NS]
    return len(recent) >= BREACHES_MAX
