"""AdminService: which plugins may run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from xache.v1 import admin_pb2

from xached.actors.plugins import PluginDesk, PluginReport
from xached.api import convert
from xached.api.auth import caller_of
from xached.api.routes import Call
from xached.domain.capabilities import INTENTS_PER_MINUTE_MAX, Capabilities
from xached.domain.instrument import OPEN_ORDERS_MAX, Directory
from xached.domain.money import format_units, parse_decimal
from xached.domain.plugins import Approval, LookAhead, PluginGroup, PluginState
from xached.domain.rejection import Reason, Rejection

NAME_LENGTH_MAX: Final = 80
FILES_TOLD_MAX: Final = 100
SETTINGS_LENGTH_MAX: Final = 120_000

_STATES: Final = {
    PluginState.NOT_INSTALLED: admin_pb2.PLUGIN_STATE_NOT_INSTALLED,
    PluginState.AMBIGUOUS: admin_pb2.PLUGIN_STATE_AMBIGUOUS,
    PluginState.QUARANTINED: admin_pb2.PLUGIN_STATE_QUARANTINED,
    PluginState.CONFIGURED: admin_pb2.PLUGIN_STATE_CONFIGURED,
    PluginState.NOT_APPROVED: admin_pb2.PLUGIN_STATE_NOT_APPROVED,
    PluginState.CHANGED: admin_pb2.PLUGIN_STATE_CHANGED,
    PluginState.APPROVED: admin_pb2.PLUGIN_STATE_APPROVED,
}
_CHECKS: Final = {
    LookAhead.PASSED: admin_pb2.LOOK_AHEAD_CHECK_PASSED,
    LookAhead.NOT_APPLICABLE: admin_pb2.LOOK_AHEAD_CHECK_NOT_APPLICABLE,
    LookAhead.NOT_CHECKED: admin_pb2.LOOK_AHEAD_CHECK_NOT_CHECKED,
}


_KINDS: Final = {
    PluginGroup.STRATEGY: admin_pb2.PLUGIN_KIND_STRATEGY,
    PluginGroup.SIGNAL: admin_pb2.PLUGIN_KIND_SIGNAL,
    PluginGroup.FEED: admin_pb2.PLUGIN_KIND_FEED,
    PluginGroup.NOTIFIER: admin_pb2.PLUGIN_KIND_NOTIFIER,
}


class _Named(Protocol):
    """A request about one plugin."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> admin_pb2.PluginKind: ...


class PluginHandlers:
    """Handlers of AdminService about plugins."""

    def __init__(self, desk: PluginDesk, directory: Directory) -> None:
        self._desk = desk
        self._directory = directory

    async def list_plugins(
        self, _call: Call, _request: admin_pb2.ListPluginsRequest
    ) -> admin_pb2.ListPluginsResponse:
        """List what is installed, approved or in quarantine."""
        known = await self._desk.names()
        return admin_pb2.ListPluginsResponse(
            plugins=[await self._plugin(group, name) for group, name in known]
        )

    async def get_plugin(
        self, _call: Call, request: admin_pb2.GetPluginRequest
    ) -> admin_pb2.GetPluginResponse:
        """Tell everything of one."""
        group, name = await self._which(request)
        report = await self._desk.look(name, vouched=False, group=group)
        if not report.installed and report.approval is None and report.quarantine is None:
            raise Rejection(
                Reason.UNKNOWN_PLUGIN,
                "there is no such plugin",
                field="name",
                given=request.name[:NAME_LENGTH_MAX],
                allowed="a plugin that is listed",
            )
        described = await self._desk.describe(report)
        files = sorted(report.found.files.items()) if report.found is not None else []
        return admin_pb2.GetPluginResponse(
            plugin=self._message(report),
            about="" if described is None else described.about,
            settings_schema_json="" if described is None else described.settings_schema,
            files=[
                admin_pb2.PluginFile(path=path, sha256=digest)
                for path, digest in files[:FILES_TOLD_MAX]
            ],
            file_count=len(files),
        )

    async def approve_plugin(
        self, call: Call, request: admin_pb2.ApprovePluginRequest
    ) -> admin_pb2.ApprovePluginResponse:
        """Approve what is installed."""
        group, name = await self._which(request)
        await self._desk.approve(
            name,
            group=group,
            digest=request.digest,
            capabilities=self._capabilities(request.capabilities),
            settings=_settings(request.settings_json),
            unchecked=request.unchecked,
            by=caller_of(call).account_id,
        )
        return admin_pb2.ApprovePluginResponse(plugin=await self._plugin(group, name))

    async def withdraw_plugin(
        self, _call: Call, request: admin_pb2.WithdrawPluginRequest
    ) -> admin_pb2.WithdrawPluginResponse:
        """Take an approval back."""
        group, name = await self._which(request)
        await self._desk.withdraw(name, group=group)
        return admin_pb2.WithdrawPluginResponse(plugin=await self._plugin(group, name))

    async def quarantine_plugin(
        self, call: Call, request: admin_pb2.QuarantinePluginRequest
    ) -> admin_pb2.QuarantinePluginResponse:
        """Lock a plugin up."""
        group, name = await self._which(request)
        cause = convert.cause(request.cause)
        if (group, name) not in await self._desk.names():
            raise Rejection(
                Reason.UNKNOWN_PLUGIN,
                "there is no such plugin",
                field="name",
                given=name,
                allowed="a plugin that is listed",
            )
        await self._desk.quarantine(name, cause, caller_of(call).account_id, group=group)
        return admin_pb2.QuarantinePluginResponse(plugin=await self._plugin(group, name))

    async def release_plugin(
        self, _call: Call, request: admin_pb2.ReleasePluginRequest
    ) -> admin_pb2.ReleasePluginResponse:
        """Let a plugin out."""
        group, name = await self._which(request)
        await self._desk.release(name, group=group)
        return admin_pb2.ReleasePluginResponse(plugin=await self._plugin(group, name))

    async def _which(self, request: _Named) -> tuple[PluginGroup, str]:
        """Which plugin is meant: its name is enough where no other kind has it. Raises: Rejection.

        One that nobody knows is taken for a strategy, and refused as one by who looks for it.
        """
        name = _name(request.name)
        if request.kind != admin_pb2.PLUGIN_KIND_UNSPECIFIED:
            return _group(request.kind), name
        found = [group for group, known in await self._desk.names() if known == name]
        if len(found) > 1:
            raise Rejection(
                Reason.FIELD_REQUIRED,
                f"several plugins are called {name!r}: say of which kind",
                field="kind",
                given="none",
                allowed=", ".join(group.kind for group in found),
            )
        return (found[0] if found else PluginGroup.STRATEGY), name

    async def _plugin(self, group: PluginGroup, name: str) -> admin_pb2.Plugin:
        return self._message(await self._desk.look(name, vouched=False, group=group))

    def _message(self, report: PluginReport) -> admin_pb2.Plugin:
        message = admin_pb2.Plugin(
            name=report.name,
            kind=_KINDS[report.group],
            state=_STATES[report.verdict.state],
            why=report.verdict.why,
            digest="" if report.found is None else report.found.digest,
        )
        message.excluded_owners = report.excluded
        if len(report.installed) == 1:
            [plugin] = report.installed
            message.distribution = plugin.distribution
            message.version = plugin.version
            message.entry_point = plugin.entry_point
        if report.approval is not None:
            message.approval.CopyFrom(self._approval(report.approval))
        if report.quarantine is not None:
            message.quarantine.cause = report.quarantine.cause
            message.quarantine.quarantined_by = report.quarantine.by
            message.quarantine.quarantined_at_ns = report.quarantine.at_ns
        return message

    def _approval(self, approval: Approval) -> admin_pb2.PluginApproval:
        may = approval.capabilities
        capabilities = admin_pb2.Capabilities(
            symbols=sorted(may.symbols or ()),
            max_order_notional={
                name: format_units(units, self._directory.asset(name).scale)
                for name, units in (may.max_order_notional_units or {}).items()
                if name in self._directory.assets
            },
            max_open_orders=may.max_open_orders,
            max_intents_per_minute=may.max_intents_per_minute,
            reduce_only=may.reduce_only,
            expires_at_ns=may.expires_at_ns or 0,
        )
        return admin_pb2.PluginApproval(
            version=approval.plugin.version,
            digest=approval.digest,
            capabilities=capabilities,
            look_ahead=_CHECKS[approval.look_ahead],
            approved_by=approval.by,
            approved_at_ns=approval.at_ns,
        )

    def _capabilities(self, given: admin_pb2.Capabilities) -> Capabilities:
        amounts = {
            asset.name: parse_decimal(text, asset.scale, "max_order_notional")
            for asset, text in (
                (self._directory.asset(name), text)
                for name, text in sorted(given.max_order_notional.items())
            )
        }
        symbols = frozenset(self._directory.instrument(each).symbol for each in given.symbols)
        orders = given.max_open_orders if given.HasField("max_open_orders") else None
        intents = given.max_intents_per_minute if given.HasField("max_intents_per_minute") else None
        _check_range("max_open_orders", orders, OPEN_ORDERS_MAX)
        _check_range("max_intents_per_minute", intents, INTENTS_PER_MINUTE_MAX)
        _check_range("expires_at_ns", given.expires_at_ns, 2**63 - 1)
        return Capabilities(
            symbols=symbols or None,
            max_order_notional_units=amounts or None,
            max_open_orders=orders,
            max_intents_per_minute=intents,
            reduce_only=given.reduce_only,
            expires_at_ns=given.expires_at_ns or None,
        )


def _check_range(field: str, given: int | None, most: int) -> None:
    if given is not None and not 0 <= given <= most:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            f"{field} is out of range",
            field=field,
            given=str(given),
            allowed=f"0 to {most}",
        )


def _group(kind: int) -> PluginGroup:
    for group, number in _KINDS.items():
        if number == kind:
            return group
    raise Rejection(
        Reason.FIELD_REQUIRED,
        "there is no such kind of plugin",
        field="kind",
        given=str(kind),
        allowed=", ".join(group.kind for group in PluginGroup),
    )


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_LENGTH_MAX or not text.isprintable():
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "which plugin?",
            field="name",
            given=ascii(text[:NAME_LENGTH_MAX]),
            allowed=f"a name of 1 to {NAME_LENGTH_MAX} characters",
        )
    return text


def _settings(text: str) -> Mapping[str, Any]:
    """Settings as JSON has them. Raises: Rejection PLUGIN_SETTINGS."""
    if not text:
        return {}
    try:
        given = json.loads(text) if len(text) <= SETTINGS_LENGTH_MAX else None
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise Rejection(
            Reason.PLUGIN_SETTINGS,
            "the settings are no JSON object",
            field="settings_json",
            given=ascii(text[:NAME_LENGTH_MAX]),
            allowed=f"a JSON object of at most {SETTINGS_LENGTH_MAX} characters",
        )
    return given
