"""A whole house with one line of configuration for a venue that a plugin knows."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from xache_sdk.landlock import landlock_abi

from tests.adapters.followed import PATIENCE_S
from tests.adapters.mock_venue import MockKraken, listening
from tests.adapters.test_live_sockets import kraken_walk
from tests.adapters.test_plugin_feed import start_feed
from xached.adapters.egress import EgressPolicy, read_host_rule
from xached.adapters.feeds.feed import FRAME_BYTES_MAX
from xached.adapters.feeds.plan import FeedPlan
from xached.api.admin import ActorReport
from xached.config.config import Config, FeedsConfig, GrpcConfig, default_house
from xached.daemon import Attachments, Endpoints, run_daemon
from xached.domain.instrument import Symbol
from xached.domain.market import Venue
from xached.domain.plugins import Fingerprint, InstalledPlugin, PluginGroup
from xached.runtime.world import RealWorld

EXAMPLE = Venue("EXAMPLE")
BTC = next(each for each in default_house().instruments if each.symbol == "BTC-USDT")


@attrs.frozen
class OneFeed:
    """What is installed: a feed."""

    def find(self) -> Sequence[InstalledPlugin]:
        """See PluginSource."""
        return [
            InstalledPlugin(
                group=PluginGroup.FEED,
                name="example",
                entry_point="following:Unnumbered",
                distribution="example",
                version="1",
            )
        ]

    def fingerprint(self, _plugin: InstalledPlugin, /) -> Fingerprint:
        """See PluginSource."""
        return Fingerprint(files={"following.py": "0" * 64})


@asynccontextmanager
async def house_of(root: Path, venue: MockKraken, *, vouched: bool) -> AsyncIterator[Endpoints]:
    """A house that follows a venue on this machine."""
    async with listening(venue) as at, trio.open_nursery() as nursery:
        plan = FeedPlan(
            plugin="example",
            venue=EXAMPLE,
            instruments=(("BTC/USDT", BTC),),
            settings_json=json.dumps({"stream": f"ws://{at.stream.authority}/"}),
        )
        config = Config(
            data_dir=root,
            house=default_house(),
            grpc=GrpcConfig(listen="127.0.0.1:0"),
            http_listen="127.0.0.1:0",
            feeds=FeedsConfig(plugins=(plan,), mark_venue=EXAMPLE),
            egress=EgressPolicy(hosts=(read_host_rule(at.stream.authority),), private=True),
            approve_configured=vouched,
        )

        async def attach(_house: object) -> Attachments:
            return Attachments(mark_venue=EXAMPLE, plugins=OneFeed(), answering=start_feed)

        stop = trio.Event()
        yield await nursery.start(partial(run_daemon, config, RealWorld(), attach, stop))
        stop.set()


def told_of(endpoints: Endpoints) -> ActorReport:
    """What health says of the feed."""
    return next(each for each in endpoints.report().actors if each.name == "feed EXAMPLE")


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true of a real process."""
    with trio.fail_after(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - whom nobody tells of it
            await trio.sleep(0.01)


def kraken() -> MockKraken:
    return MockKraken({"BTC/USDT": BTC}, kraken_walk(100), {}, FRAME_BYTES_MAX)


@pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")
async def test_one_line_brings_a_venue_that_a_plugin_knows(tmp_path: Path) -> None:
    venue = kraken()
    async with house_of(tmp_path, venue, vouched=True) as endpoints:
        lines = endpoints.market.lines
        await until(lambda: venue.played)
        await until(
            lambda: venue.agrees("BTC/USDT", lines[Symbol("BTC-USDT"), EXAMPLE].line.book.depth)
        )
        assert told_of(endpoints).state == "running"
        assert told_of(endpoints).statistics["connected"] == 1
        # Its mid is the mark, as that of any venue.
        await until(lambda: endpoints.market.statistics().marks > 0)


async def test_a_plugin_that_nobody_has_approved_reads_nothing(tmp_path: Path) -> None:
    venue = kraken()
    async with house_of(tmp_path, venue, vouched=False) as endpoints:
        await until(lambda: told_of(endpoints).failure != "")
        assert (
            "'example' is not approved: xached admin plugins approve example --kind feed"
            in told_of(endpoints).failure
        )
        assert told_of(endpoints).state == "pausing"
    assert venue.connections == 0
