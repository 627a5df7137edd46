"""Strategies, signals, feeds and notifiers are approved and locked up apart, whatever their names.

Checked by breaking: with a desk that looks a plugin up by its name alone, the strategy of the first
test may run once the signal of its name is approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from xache.v1 import admin_pb2

from xached.actors.plugins import PluginDesk
from xached.adapters.distributions import PluginUnreadable
from xached.adapters.examination import Examination
from xached.api.plugins import PluginHandlers
from xached.api.routes import Call
from xached.domain.capabilities import UNBOUNDED, Capabilities
from xached.domain.instrument import Directory
from xached.domain.plugins import (
    Fingerprint,
    InstalledPlugin,
    LookAhead,
    PluginGroup,
    PluginRefused,
    PluginState,
)
from xached.domain.rejection import Reason, Rejection
from xached.runtime.world import RealWorld
from xached.simulation.plugins import InstalledByHand
from xached.storage.strategy_tables import StrategyRecords, StrategyTables

FOUND = Fingerprint(files={"trend/a.py": "aa"})
STRATEGY, SIGNAL, FEED = PluginGroup.STRATEGY, PluginGroup.SIGNAL, PluginGroup.FEED
CALL = cast(Call, None)
"""Only who decides something is asked who calls."""


@attrs.frozen
class Everything:
    """Plugins of several kinds."""

    parts: Sequence[InstalledByHand]

    def find(self) -> Sequence[InstalledPlugin]:
        """See PluginSource."""
        return [each for part in self.parts for each in part.find()]

    def fingerprint(self, plugin: InstalledPlugin, /) -> Fingerprint:
        """See PluginSource."""
        return FOUND


@attrs.define
class Runner:
    """Is told what may run."""

    told: list[tuple[str, str]] = attrs.field(factory=list)

    def withdraw(self, plugin: str, cause: str) -> None:
        """See PluginRuns."""
        self.told.append(("withdraw", plugin))

    def admit(self, plugin: str) -> None:
        """See PluginRuns."""
        self.told.append(("admit", plugin))


@attrs.define
class Desk:
    """A desk with plugins of all kinds, and who runs two of them."""

    desk: PluginDesk
    handlers: PluginHandlers
    strategies: Runner
    signals: Runner
    examined: list[PluginGroup]

    async def approve(self, group: PluginGroup, capabilities: Capabilities = UNBOUNDED) -> None:
        """As an operator does."""
        await self.desk.approve(
            "trend",
            group=group,
            digest=FOUND.digest,
            capabilities=capabilities,
            settings={},
            unchecked=False,
            by="ann",
        )

    async def state(self, group: PluginGroup) -> PluginState:
        """How the plugin called trend stands."""
        report = await self.desk.look("trend", vouched=False, group=group)
        return report.verdict.state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A strategy and a signal of one name, and a feed of another."""
    tables = StrategyTables.open(tmp_path / "strategies.db", bytes(16))
    world = RealWorld()
    lane = world.open_lane("strategies")
    examined: list[PluginGroup] = []

    async def examine(plugin: InstalledPlugin, _: bool, __: Mapping[str, Any]) -> Examination:
        examined.append(plugin.group)
        return Examination(
            about=f"a {plugin.group.kind}",
            settings_schema='{"properties": {}}',
            look_ahead=LookAhead.NOT_APPLICABLE,
            why="",
        )

    made = PluginDesk(StrategyRecords(tables, lane), world, bytes(32))
    strategies, signals = Runner(), Runner()
    source = Everything([
        InstalledByHand(("trend",), group=STRATEGY),
        InstalledByHand(("trend",), group=SIGNAL),
        InstalledByHand(("prices",), group=FEED),
    ])  # fmt: skip
    made.serve(source, {STRATEGY: strategies, SIGNAL: signals}, examine)
    yield Desk(made, PluginHandlers(made, Directory()), strategies, signals, examined)
    lane.close()
    tables.close()


async def test_an_approval_is_of_one_kind(desk: Desk) -> None:
    await desk.approve(SIGNAL)
    assert (await desk.state(SIGNAL), await desk.state(STRATEGY)) == (
        PluginState.APPROVED,
        PluginState.NOT_APPROVED,
    )
    assert desk.examined == [SIGNAL]
    assert desk.signals.told == [("withdraw", "trend"), ("admit", "trend")]
    assert desk.strategies.told == []
    with pytest.raises(PluginRefused, match=r"approve trend$"):
        await desk.desk.admit("trend", vouched=False)
    admission = await desk.desk.admit("trend", vouched=False, group=SIGNAL)
    assert (admission.plugin.group, admission.approved) == (SIGNAL, True)
    # Nothing but strategies is offered to people who make strategies.
    assert await desk.desk.catalogue() == []


async def test_quarantine_is_of_one_kind(desk: Desk) -> None:
    for group in (STRATEGY, SIGNAL):
        await desk.approve(group)
    await desk.desk.quarantine("trend", "it lies", "ann", group=SIGNAL)
    assert (await desk.state(SIGNAL), await desk.state(STRATEGY)) == (
        PluginState.QUARANTINED,
        PluginState.APPROVED,
    )
    await desk.desk.release("trend", group=SIGNAL)
    assert await desk.state(SIGNAL) is PluginState.APPROVED


async def test_what_does_not_trade_has_no_bounds_of_orders(desk: Desk) -> None:
    with pytest.raises(Rejection) as refused:
        await desk.approve(SIGNAL, Capabilities(max_open_orders=3))
    assert refused.value.reason is Reason.COMBINATION
    await desk.approve(SIGNAL, Capabilities(expires_at_ns=2**62))


async def test_what_cannot_be_looked_through_is_not_approved_and_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: it told the operator, who was approving it, that it is not approved."""

    def refuse(_: Everything, plugin: InstalledPlugin, /) -> Fingerprint:
        raise PluginUnreadable(f"{plugin.distribution} installs a.pth, which runs outside")

    monkeypatch.setattr(Everything, "fingerprint", refuse)
    with pytest.raises(Rejection, match="not for its own process alone; the log says more") as no:
        await desk.approve(SIGNAL)
    assert no.value.reason is Reason.PLUGIN_STATE
    assert desk.examined == []


async def test_a_name_is_enough_where_no_other_kind_has_it(desk: Desk) -> None:
    handlers = desk.handlers
    listed = await handlers.list_plugins(CALL, admin_pb2.ListPluginsRequest())
    assert [(each.kind, each.name) for each in listed.plugins] == [
        (admin_pb2.PLUGIN_KIND_STRATEGY, "trend"),
        (admin_pb2.PLUGIN_KIND_SIGNAL, "trend"),
        (admin_pb2.PLUGIN_KIND_FEED, "prices"),
    ]
    found = await handlers.get_plugin(CALL, admin_pb2.GetPluginRequest(name="prices"))
    assert (found.plugin.kind, found.about) == (admin_pb2.PLUGIN_KIND_FEED, "a feed")
    with pytest.raises(Rejection) as refused:
        await handlers.get_plugin(CALL, admin_pb2.GetPluginRequest(name="trend"))
    assert refused.value.facts["allowed"] == "strategy, signal"
    of_kind = admin_pb2.GetPluginRequest(name="trend", kind=admin_pb2.PLUGIN_KIND_SIGNAL)
    found = await handlers.get_plugin(CALL, of_kind)
    assert found.about == "a signal"
    assert found.plugin.why.endswith("approve trend --kind signal")
    with pytest.raises(Rejection) as refused:
        await handlers.get_plugin(
            CALL, admin_pb2.GetPluginRequest(name="trend", kind=cast(admin_pb2.PluginKind, 9))
        )
    assert refused.value.facts["field"] == "kind"
    for unknown in (
        admin_pb2.GetPluginRequest(name="nobody"),
        admin_pb2.GetPluginRequest(name="prices", kind=admin_pb2.PLUGIN_KIND_SIGNAL),
    ):
        with pytest.raises(Rejection) as refused:
            await handlers.get_plugin(CALL, unknown)
        assert refused.value.reason is Reason.UNKNOWN_PLUGIN
