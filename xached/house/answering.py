"""Wires what plugins of feeds and notifiers are given, and ends those that may no longer run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from xache_sdk.seal import Layer

from xached.actors.house_watch import Watched
from xached.actors.notifications import Notifier
from xached.actors.plugins import PluginDesk
from xached.adapters.answering_child import PluginSurroundings, ProcessCommand
from xached.adapters.feeds.plugin_feed import PluginFeed
from xached.adapters.notice_writing import HouseWriter, PluginWriter, Writer
from xached.adapters.webhook import post
from xached.config.config import Config
from xached.config.notifiers import NotifierPlan
from xached.domain.notices import News
from xached.domain.plugins import Breach, PluginGroup
from xached.house.core import Core


class PluginFeeds:
    """The feeds of plugins that the configuration asks for; they dial when they are run."""

    def __init__(
        self, config: Config, core: Core, sandbox_min: frozenset[Layer], command: ProcessCommand
    ) -> None:
        around = _around(config, core, sandbox_min, command, PluginGroup.FEED)
        self._feeds = {each.plugin: PluginFeed(each, around) for each in config.feeds.plugins}

    @property
    def feeds(self) -> Sequence[PluginFeed]:
        """All of them."""
        return tuple(self._feeds.values())

    def withdraw(self, plugin: str, cause: str) -> None:
        """End the connection of a plugin, which may no longer run."""
        if plugin in self._feeds:
            self._feeds[plugin].end(cause)

    def admit(self, plugin: str) -> None:
        """It may run: it is tried again by itself, within a minute."""


class Notifiers:
    """Those whom the configuration has told what happens in the house."""

    def __init__(
        self, config: Config, core: Core, sandbox_min: frozenset[Layer], command: ProcessCommand
    ) -> None:
        around = _around(config, core, sandbox_min, command, PluginGroup.NOTIFIER)
        self._plans = config.notifiers
        self.notifiers = tuple(_notifier(each, around) for each in config.notifiers)

    def tell(self, news: News) -> None:
        """Tell all of them."""
        for notifier in self.notifiers:
            notifier.tell(news)

    def withdraw(self, plugin: str, cause: str) -> None:
        """Let go of a plugin, which may no longer run."""
        for plan, notifier in zip(self._plans, self.notifiers, strict=True):
            if plan.plugin == plugin:
                notifier.end(cause)

    def admit(self, plugin: str) -> None:
        """It may run: it is tried again by itself, within a minute."""


def _notifier(plan: NotifierPlan, around: PluginSurroundings) -> Notifier:
    writer: Writer = HouseWriter()
    if plan.plugin:
        writer = PluginWriter(
            name=f"notifier {plan.terms.name}",
            plugin=plan.plugin,
            settings_json=plan.settings_json,
            around=around,
        )
    return Notifier(plan.terms, writer, partial(post, around.world, plan.target), around.world)


def watched(core: Core) -> Watched:
    """What the watch over the house looks at."""
    return Watched(
        health=core.health,
        lines=core.market,
        rows=core.feed,
        configured=lambda: core.strategies.configured,
        differing=lambda: () if core.nightly is None else core.nightly.differing(),
        quarantined=core.plugins.quarantined,
        kept=core.plugins.kept_from_owners,
    )


def _around(
    config: Config,
    core: Core,
    sandbox_min: frozenset[Layer],
    command: ProcessCommand,
    group: PluginGroup,
) -> PluginSurroundings:
    return PluginSurroundings(
        world=core.world,
        admit=partial(_admit, core.plugins, group, config.approve_configured),
        breached=partial(_note_breach, core.plugins, group),
        egress=config.egress,
        sandbox_min=sandbox_min,
        command=command,
    )


async def _admit(desk: PluginDesk, group: PluginGroup, vouched: bool, name: str) -> str:
    """The entry point of a plugin that may run. Raises: PluginRefused."""
    admission = await desk.admit(name, vouched=vouched, group=group)
    return admission.plugin.entry_point


async def _note_breach(desk: PluginDesk, group: PluginGroup, name: str, breach: Breach) -> None:
    await desk.note_breach(name, breach, group=group)
