"""A whole house that runs a signal of a plugin, and tells what it says, or why it says nothing.

Checked: with every plugin taken for one that the house's file vouches for, the one that nobody has
approved runs, and never says that it is not approved.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import grpc
import pytest
import trio
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    signal_pb2,
    signal_pb2_grpc,
)
from xache_sdk.landlock import landlock_abi

from tests.adapters.followed import PATIENCE_S
from tests.adapters.mock_venue import listening
from tests.adapters.test_plugin_feed import start_feed
from tests.house.test_plugin_feeds import BTC, EXAMPLE, OneFeed, kraken
from tests.plugins.test_signal_plugins import start_signal
from xached.actors.strategies.signal_board import NOT_YET, STALE, SignalConfig
from xached.adapters.egress import EgressPolicy, read_host_rule
from xached.adapters.feeds.plan import FeedPlan
from xached.config.config import AdminConfig, Config, FeedsConfig, GrpcConfig, default_house
from xached.daemon import Attachments, Endpoints, run_daemon
from xached.domain.instrument import Symbol
from xached.domain.plugins import InstalledPlugin, PluginGroup
from xached.runtime.world import RealWorld

EMAIL, PASSWORD = "ann@house.example", "kettle-anchor-moss-77"

pytestmark = pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")


@attrs.frozen
class FeedAndSignal(OneFeed):
    """What is installed: a feed, and a signal that says the price of each trade."""

    def find(self) -> Sequence[InstalledPlugin]:
        """See PluginSource."""
        echo = InstalledPlugin(
            group=PluginGroup.SIGNAL,
            name="echo",
            entry_point="signalling:Echo",
            distribution="echo",
            version="1.2",
        )
        return [*super().find(), echo]


@asynccontextmanager
async def house_of(root: Path, *, vouched: bool) -> AsyncIterator[Endpoints]:
    """A house that follows a venue on this machine, and runs a signal of its trades."""
    async with listening(kraken()) as at, trio.open_nursery() as nursery:
        plan = FeedPlan(
            plugin="example",
            venue=EXAMPLE,
            instruments=(("BTC/USDT", BTC),),
            settings_json=json.dumps({"stream": f"ws://{at.stream.authority}/"}),
        )
        echo = SignalConfig(
            name="price",
            plugin="echo",
            symbols=(Symbol("BTC-USDT"),),
            settings_json=json.dumps({"venue": EXAMPLE}),
            vouched=vouched,
        )
        config = Config(
            data_dir=root,
            house=default_house(),
            admin=AdminConfig(require_code=False),
            grpc=GrpcConfig(listen="127.0.0.1:0"),
            http_listen="127.0.0.1:0",
            feeds=FeedsConfig(plugins=(plan,), mark_venue=EXAMPLE),
            egress=EgressPolicy(hosts=(read_host_rule(at.stream.authority),), private=True),
            approve_configured=True,
            signals=(echo,),
        )

        async def attach(_house: object) -> Attachments:
            return Attachments(
                mark_venue=EXAMPLE,
                plugins=FeedAndSignal(),
                answering=start_feed,
                signalling=start_signal,
            )

        stop = trio.Event()
        yield await nursery.start(partial(run_daemon, config, RealWorld(), attach, stop))
        stop.set()


class Reader:
    """Somebody who reads what signals say."""

    def __init__(self, root: Path, token: str | None) -> None:
        self._door = f"unix:{root / 'admin.sock'}"
        with grpc.insecure_channel(self._door) as channel:
            admin_pb2_grpc.AdminServiceStub(channel).BootstrapAdmin(
                admin_pb2.BootstrapAdminRequest(token=token, email=EMAIL, password=PASSWORD)
            )
            login = auth_pb2.LoginRequest(email=EMAIL, password=PASSWORD, device="test")
            answer = auth_pb2_grpc.AuthServiceStub(channel).Login(login)
        self._metadata = (("authorization", f"Bearer {answer.tokens.access_token}"),)

    def signal(self) -> signal_pb2.Signal:
        """The one that the house runs."""
        with grpc.insecure_channel(self._door) as channel:
            stub = signal_pb2_grpc.SignalServiceStub(channel)
            request = signal_pb2.ListSignalsRequest()
            answer = stub.ListSignals(request, metadata=self._metadata)
        found: signal_pb2.Signal = answer.signals[0]
        return found


async def test_people_read_how_a_signal_of_a_plugin_stands(tmp_path: Path) -> None:
    async with house_of(tmp_path, vouched=True) as endpoints:
        reader = await trio.to_thread.run_sync(Reader, tmp_path, endpoints.first_admin.token)
        with trio.fail_after(PATIENCE_S):
            said = await trio.to_thread.run_sync(reader.signal)
            while not said.running:
                await trio.sleep(0.05)
                said = await trio.to_thread.run_sync(reader.signal)
        assert (said.name, said.plugin, said.version) == ("price", "echo", "1.2")
        assert (said.runs, list(said.symbols)) == (1, ["BTC-USDT"])
        assert said.values or said.why in (NOT_YET, STALE)


async def test_one_that_nobody_has_approved_says_nothing_and_why(tmp_path: Path) -> None:
    async with house_of(tmp_path, vouched=False) as endpoints:
        reader = await trio.to_thread.run_sync(Reader, tmp_path, endpoints.first_admin.token)
        with trio.fail_after(PATIENCE_S):
            said = await trio.to_thread.run_sync(reader.signal)
            while "not approved" not in said.why:
                await trio.sleep(0.05)
                said = await trio.to_thread.run_sync(reader.signal)
        assert (list(said.values), said.running) == ([], False)
        assert said.why.endswith("xached admin plugins approve echo --kind signal")
