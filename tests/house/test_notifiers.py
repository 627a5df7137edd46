"""A whole house that tells a server on this machine what happens in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from xache_sdk.landlock import landlock_abi

from tests.adapters.hook_server import HookServer, listening
from tests.adapters.test_plugin_feed import start_feed
from tests.house.test_plugin_feeds import until
from xached.adapters.egress import EgressPolicy
from xached.api.admin import ActorReport
from xached.config.config import Config, GrpcConfig, default_house, read_config
from xached.config.notifiers import NotifierPlan
from xached.config.tables import ConfigError
from xached.daemon import Attachments, Endpoints, run_daemon
from xached.domain.market import BINANCE
from xached.domain.messages import CONFIG, SetHalt
from xached.domain.plugins import Fingerprint, InstalledPlugin, PluginGroup
from xached.house.core import House
from xached.runtime.world import RealWorld

SECRET = "kettle-anchor-moss"


@attrs.frozen
class OneNotifier:
    """What is installed: a notifier."""

    def find(self) -> Sequence[InstalledPlugin]:
        """See PluginSource."""
        return [
            InstalledPlugin(
                group=PluginGroup.NOTIFIER,
                name="chat",
                entry_point="noticing:Chat",
                distribution="chat",
                version="1",
            )
        ]

    def fingerprint(self, _plugin: InstalledPlugin, /) -> Fingerprint:
        """See PluginSource."""
        return Fingerprint(files={"noticing.py": "0" * 64})


def configured(root: Path, more: str) -> tuple[NotifierPlan, ...]:
    """What a file of configuration says of notifiers."""
    (root / "secret").write_text(f"{SECRET}\n")
    (root / "secret").chmod(0o400)
    (root / "xached.toml").write_text(more)
    shipped = Path(__file__).parents[2] / "config"
    for name in ("instruments.toml", "risk.toml"):
        (root / name).write_bytes((shipped / name).read_bytes())
    return read_config(root / "xached.toml").notifiers


async def tell_of_a_halt(root: Path, server: HookServer, more: str) -> None:
    """Run a house and halt it; return when both were told."""
    config = Config(
        data_dir=root / "data",
        house=default_house(),
        grpc=GrpcConfig(listen="127.0.0.1:0"),
        http_listen="127.0.0.1:0",
        notifiers=configured(root, more),
        egress=EgressPolicy(private=True),
        approve_configured=True,
    )
    parts: list[House] = []

    async def attach(house: House) -> Attachments:
        parts.append(house)
        return Attachments(mark_venue=BINANCE, plugins=OneNotifier(), answering=start_feed)

    stop = trio.Event()
    async with trio.open_nursery() as nursery:
        endpoints: Endpoints = await nursery.start(
            partial(run_daemon, config, RealWorld(), attach, stop)
        )
        await server.wait_until(lambda: len(server.posted) == 1)  # That it has started.
        await parts[0].matching.direct(SetHalt(halted=True, cause="drill", request_id=""), CONFIG)
        await until(lambda: _told_of(endpoints).statistics["delivered"] == 2)
        assert _told_of(endpoints).state == "running"
        assert SECRET not in repr(endpoints.report())
        stop.set()


def _told_of(endpoints: Endpoints) -> ActorReport:
    return next(each for each in endpoints.report().actors if each.name == "notifier ops")


async def test_operators_are_told_what_happens(tmp_path: Path) -> None:
    async with listening() as server:
        more = f"""
[egress]
private_addresses = true
[[notifier]]
name = "ops"
url = "http://{server.authority}/hooks/{{secret}}"
secret_file = "secret"
least = "INFO"
kinds = ["HOUSE_STARTED", "RISK_CHANGED"]
"""
        await tell_of_a_halt(tmp_path, server, more)
    assert {each.target for each in server.posted} == {f"/hooks/{SECRET}"}
    told = [json.loads(each.body) for each in server.posted]
    assert [(each["kind"], each["subject"]) for each in told] == [
        ("HOUSE_STARTED", "house"), ("RISK_CHANGED", "house"),
    ]  # fmt: skip
    assert told[1]["text"] == "the house is halted: drill"
    assert told[1]["severity"] == "ERROR"


@pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")
async def test_a_plugin_writes_what_is_told(tmp_path: Path) -> None:
    async with listening() as server:
        more = f"""
[egress]
private_addresses = true
[[notifier]]
name = "ops"
url = "http://{server.authority}/chat"
secret_file = "secret"
plugin = "chat"
settings = {{ channel = "night" }}
least = "INFO"
kinds = ["HOUSE_STARTED", "RISK_CHANGED"]
"""
        await tell_of_a_halt(tmp_path, server, more)
    _, posted = server.posted
    assert posted.target == "/chat/messages"
    assert posted.headers["authorization"] == f"Bearer {SECRET}"
    told = json.loads(posted.body)
    assert told["channel"] == "night"
    assert told["text"] == "ERROR RISK_CHANGED house: the house is halted: drill"


DOCUMENTED = """
[[notifier]]
name = "ops"
url = "https://hooks.example.org/services/{secret}"
secret_file = "secret"
"""


def test_the_documented_notifier_is_one(tmp_path: Path) -> None:
    shipped = (Path(__file__).parents[2] / "config" / "xached.toml").read_text()
    lines = shipped[shipped.index("# [[notifier]]") :].splitlines()
    lines = [each.removeprefix("# ") for each in lines[: lines.index("")]]
    text = "\n".join(lines).replace('secret_file = ""', 'secret_file = "secret"')
    (plan,) = configured(tmp_path, text)
    assert plan.terms.name == "on-call"
    assert (plan.target.endpoint.host, plan.target.endpoint.tls) == ("hooks.example.org", True)
    assert plan.target.path == "/services/{secret}"
    assert plan.target.public
    assert SECRET not in repr(plan)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("https://", "http://", "only with TLS"),
        ("https://", "ftp://", "is no https address"),
        ("hooks.example.org", "me:you@hooks.example.org", "is no https address"),
        ('secret_file = "secret"', "", "the url has a place for a secret"),
        ('secret_file = "secret"', 'secret_file = "missing"', "No such file"),
        ('"ops"', '"o p"', "no name of a notifier"),
        ('"ops"', '"ops"\nleast = "LOUD"', "none of INFO, WARNING, ERROR"),
        ('"ops"', '"ops"\nkinds = ["RAIN"]', "'RAIN' is none of HOUSE_STARTED"),
        ('"ops"', '"ops"\nsettings = { a = 1 }', "they are of a plugin"),
        ('"ops"', '"ops"\ncolour = "red"', "not a key of xached"),
    ],
)
def test_notifiers_that_could_not_work_are_refused(
    tmp_path: Path, before: str, after: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        configured(tmp_path, DOCUMENTED.replace(before, after))


def test_a_name_is_used_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there twice"):
        configured(tmp_path, DOCUMENTED * 2)
