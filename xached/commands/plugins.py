"""``xached admin plugins``: look at plugins and decide on them, over the running daemon's socket.

Each command is one call. With ``--operator NAME`` it is made by that name and a code of their
authenticator; without, an administrator who has none signs in by password.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, TypeAlias

from cyclopts import App, Parameter

from xached.commands.door import AT_HOME, CALL_S_MAX, Door, Metadata, opened, print_json

FILES_SHOWN_MAX: Final = 20

plugins = App(name="plugins", help="What code that is not the house's own may run.")

Name = Annotated[str, Parameter(help="The plugin: the name of its entry point.")]
Kind: TypeAlias = Literal["strategy", "signal", "feed", "notifier"]
OfKind = Annotated[
    Kind | None, Parameter(name="--kind", help="What it is, where several have its name.")
]


@plugins.command(name="list")
def list_(*, door: Door = AT_HOME) -> None:
    """List plugins, and whether each may run."""
    from xache.v1 import admin_pb2

    answer = _call(door, lambda stub, metadata: stub.ListPlugins(
        admin_pb2.ListPluginsRequest(), metadata=metadata, timeout=CALL_S_MAX
    ))  # fmt: skip
    if door.as_json:
        print_json(answer)
        return
    for each in answer.plugins:
        installed = f"{each.distribution} {each.version}".strip() or "-"
        print(f"{_kind(each):8}  {each.name:20}  {_state(each):14}  {installed}")
        if each.why:
            print(f"{'':8}  {'':20}  {each.why}")


@plugins.command
def show(name: Name, *, kind: OfKind = None, door: Door = AT_HOME) -> None:
    """Tell everything of a plugin: its digest is what an approval names."""
    from xache.v1 import admin_pb2

    answer = _call(door, lambda stub, metadata: stub.GetPlugin(
        admin_pb2.GetPluginRequest(name=name, kind=_value(kind)),
        metadata=metadata, timeout=CALL_S_MAX,
    ))  # fmt: skip
    if door.as_json:
        print_json(answer)
        return
    _show(answer.plugin)
    if answer.about:
        print(f"about         {answer.about}")
    if answer.settings_schema_json:
        print("settings")
        for setting, schema in json.loads(answer.settings_schema_json)["properties"].items():
            print(f"  {setting:20}  {_one_line(schema)}")
    print(f"files         {answer.file_count}")
    for file in answer.files[:FILES_SHOWN_MAX]:
        print(f"  {file.sha256[:16] or 'missing':16}  {file.path}")


@plugins.command
def approve(
    name: Name,
    digest: Annotated[str, Parameter(help="What you have looked at: see show.")],
    *,
    kind: OfKind = None,
    symbol: Annotated[
        list[str] | None, Parameter(negative=(), help="An instrument it may use; repeat it.")
    ] = None,
    max_order_notional: Annotated[
        list[str] | None, Parameter(negative=(), help="The largest order: USDT=1000; repeat it.")
    ] = None,
    max_open_orders: Annotated[int | None, Parameter(help="Of each strategy.")] = None,
    max_intents_per_minute: Annotated[int | None, Parameter(help="Of each strategy.")] = None,
    reduce_only: Annotated[bool, Parameter(negative="", help="It may only sell.")] = False,
    expires: Annotated[datetime | None, Parameter(help="When it is stopped, UTC.")] = None,
    settings: Annotated[str, Parameter(help="JSON to try it with; empty: its defaults.")] = "",
    unchecked: Annotated[
        bool, Parameter(negative="", help="Also if it cannot be tried for a look ahead.")
    ] = False,
    door: Door = AT_HOME,
) -> None:
    """Let a plugin run, as its files are now; it is tried first whether it looks ahead."""
    from xache.v1 import admin_pb2

    expires_at_ns = 0 if expires is None else int(expires.replace(tzinfo=UTC).timestamp()) * 10**9
    request = admin_pb2.ApprovePluginRequest(
        name=name,
        kind=_value(kind),
        digest=digest,
        capabilities=admin_pb2.Capabilities(
            symbols=symbol or [],
            max_order_notional=dict(each.split("=", 1) for each in max_order_notional or ()),
            max_open_orders=max_open_orders,
            max_intents_per_minute=max_intents_per_minute,
            reduce_only=reduce_only,
            expires_at_ns=expires_at_ns,
        ),
        settings_json=settings,
        unchecked=unchecked,
    )
    answer = _call(door, lambda stub, metadata: stub.ApprovePlugin(
        request, metadata=metadata, timeout=CALL_S_MAX
    ))  # fmt: skip
    _show_answer(door, answer)


@plugins.command
def withdraw(name: Name, *, kind: OfKind = None, door: Door = AT_HOME) -> None:
    """Take the approval of a plugin back; what runs of it ends."""
    from xache.v1 import admin_pb2

    answer = _call(door, lambda stub, metadata: stub.WithdrawPlugin(
        admin_pb2.WithdrawPluginRequest(name=name, kind=_value(kind)),
        metadata=metadata, timeout=CALL_S_MAX,
    ))  # fmt: skip
    _show_answer(door, answer)


@plugins.command
def quarantine(
    name: Name,
    *,
    cause: Annotated[str, Parameter(help="Why, for who reads it later.")],
    kind: OfKind = None,
    door: Door = AT_HOME,
) -> None:
    """Lock a plugin up; what runs of it ends."""
    from xache.v1 import admin_pb2

    answer = _call(door, lambda stub, metadata: stub.QuarantinePlugin(
        admin_pb2.QuarantinePluginRequest(name=name, kind=_value(kind), cause=cause),
        metadata=metadata, timeout=CALL_S_MAX,
    ))  # fmt: skip
    _show_answer(door, answer)


@plugins.command
def release(name: Name, *, kind: OfKind = None, door: Door = AT_HOME) -> None:
    """Let a plugin out of quarantine."""
    from xache.v1 import admin_pb2

    answer = _call(door, lambda stub, metadata: stub.ReleasePlugin(
        admin_pb2.ReleasePluginRequest(name=name, kind=_value(kind)),
        metadata=metadata, timeout=CALL_S_MAX,
    ))  # fmt: skip
    _show_answer(door, answer)


def _show_answer(door: Door, answer: Any) -> None:
    if door.as_json:
        print_json(answer)
    else:
        _show(answer.plugin)


def _show(plugin: Any) -> None:
    print(f"{plugin.name:12}  {_state(plugin)}")
    print(f"kind          {_kind(plugin)}")
    if plugin.why:
        print(f"why           {plugin.why}")
    if plugin.distribution:
        print(f"installed     {plugin.distribution} {plugin.version}, {plugin.entry_point}")
    if plugin.digest:
        print(f"digest        {plugin.digest}")
    if plugin.excluded_owners:
        print(f"kept from     {plugin.excluded_owners} owners, who made it break its rules")
    if plugin.HasField("approval"):
        approval = plugin.approval
        at = datetime.fromtimestamp(approval.approved_at_ns // 10**9, UTC)
        print(f"approved      {approval.version} by {approval.approved_by}, {at:%Y-%m-%d %H:%M}Z")
        print(f"look ahead    {_last_word(approval, 'look_ahead')}")
        for field, value in approval.capabilities.ListFields():
            print(f"  {field.name:24}  {_one_line(value)}")


def _kind(plugin: Any) -> str:
    return _last_word(plugin, "kind", "PLUGIN_KIND_")


def _value(kind: Kind | None) -> str:
    """What a request has for a kind."""
    return f"PLUGIN_KIND_{kind or 'unspecified'}".upper()


def _state(plugin: Any) -> str:
    return _last_word(plugin, "state", "PLUGIN_STATE_")


def _last_word(message: Any, field: str, prefix: str = "LOOK_AHEAD_CHECK_") -> str:
    described = message.DESCRIPTOR.fields_by_name[field].enum_type
    name = described.values_by_number[getattr(message, field)].name
    return str(name).removeprefix(prefix).lower().replace("_", " ")


def _one_line(value: Any) -> str:
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    if hasattr(value, "items"):
        return ", ".join(f"{name}={text}" for name, text in sorted(value.items()))
    return ", ".join(map(str, value))


def _call(door: Door, call: Callable[[Any, Metadata], Any]) -> Any:
    """Make one call. Ends the program when it is refused."""
    from xache.v1 import admin_pb2_grpc

    from xached.commands.enrolment import asked

    with opened(door) as (channel, metadata):
        return asked(lambda: call(admin_pb2_grpc.AdminServiceStub(channel), metadata))
