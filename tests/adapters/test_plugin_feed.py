"""Feeds of plugins: a real process, a real socket, and a venue on this machine.

Checked by breaking, each seen red: an answer that is waited for without end, lines of a plugin
without a limit, a policy that is not asked, and a book without numbers that goes on after a frame
that was lost.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
from xache_sdk.seal import Layer

from tests.adapters.followed import PATIENCE_S, Followed, following
from tests.adapters.mock_venue import Harm, MockBinance, MockKraken, MockVenue, listening
from tests.adapters.test_live_sockets import kraken_walk, recorded_binance
from tests.domain.market_values import BTC
from tests.plugins.house import BOOT, CHILDREN, SDK
from xached.adapters.answering_child import MEMORY_BYTES_MAX, PluginSurroundings
from xached.adapters.egress import EgressPolicy, read_host_rule
from xached.adapters.feeds.feed import FRAME_BYTES_MAX
from xached.adapters.feeds.link import Pace
from xached.adapters.feeds.plan import FeedPlan
from xached.adapters.feeds.plugin_feed import PluginFeed
from xached.domain.market import FaultCause, FeedFault, FeedReset, Provenance, Venue, VenueTrade
from xached.domain.plugins import Breach, PluginRefused
from xached.runtime.supervise import Restart
from xached.runtime.world import RealWorld

HASTY = Restart(limit=1_000, pause_s=0.01, pause_s_max=0.01)
PACE = Pace(repair_s=0.01, repair_s_max=0.01)
STEPS = 300


def start_feed(entry_point: str) -> Sequence[str]:
    """Start ``module:Class`` of the children directory."""
    boot = BOOT.replace("xache_sdk.child", "xache_sdk.answering")
    assert boot != BOOT
    return [
        sys.executable, "-I", "-B", "-c", boot, str(CHILDREN), str(SDK), "--strategy", entry_point,
        "--parent", str(os.getpid()), "--memory-bytes", str(MEMORY_BYTES_MAX),
    ]  # fmt: skip


@attrs.define
class Minded:
    """Who admits plugins, and hears of their breaches."""

    breaches: list[Breach] = attrs.field(factory=list)

    async def admit(self, plugin: str) -> str:
        """Everything but what is called so."""
        if plugin == "refused":
            raise PluginRefused("'refused' is not approved")
        return f"following:{plugin}"

    async def note(self, plugin: str, breach: Breach) -> None:
        """Keep it."""
        self.breaches.append(breach)


def around(
    minded: Minded,
    hosts: Sequence[str],
    *,
    private: bool = True,
    sandbox_min: frozenset[Layer] = frozenset((Layer.LIMITS, Layer.SYSTEM_CALLS)),
) -> PluginSurroundings:
    """This machine."""
    return PluginSurroundings(
        world=RealWorld(),
        admit=minded.admit,
        breached=minded.note,
        egress=EgressPolicy(hosts=tuple(map(read_host_rule, hosts)), private=private),
        sandbox_min=sandbox_min,
        command=start_feed,
    )


def plan(plugin: str, name: str, **settings: str) -> FeedPlan:
    """A feed of one market."""
    return FeedPlan(
        plugin=plugin,
        venue=Venue("EXAMPLE"),
        instruments=((name, BTC),),
        settings_json=json.dumps(settings),
    )


@asynccontextmanager
async def followed_by(
    plugin: str, venue: MockVenue, minded: Minded, act: str = "", *, answer_s_max: float = 30.0
) -> AsyncIterator[Followed]:
    """A plugin that follows a venue on this machine."""
    async with listening(venue) as at:
        (name,) = venue.instruments
        settings = {"stream": f"ws://{at.stream.authority}/", "act": act}
        if isinstance(venue, MockBinance):
            settings["rest"] = f"http://{at.rest.authority}/"
        hosts = [at.stream.authority, at.rest.authority]
        surroundings = attrs.evolve(around(minded, hosts), answer_s_max=answer_s_max)
        feed = PluginFeed(plan(plugin, name, **settings), surroundings, pace=PACE)
        assert feed.provenance is Provenance.LIVE
        async with following(feed, HASTY) as followed:
            yield followed


async def until(true: Callable[[], bool]) -> None:
    """Wait until something is true of real processes."""
    with trio.fail_after(PATIENCE_S):
        while not true():  # noqa: ASYNC110 - whom nobody tells of it
            await trio.sleep(0.01)


def failure_of(followed: Followed) -> str:
    """What health says of it."""
    return followed.health.failure_of(followed.feed.name)


async def follow_to_the_end(plugin: str, venue: MockVenue) -> Followed:
    """Until its book is the venue's."""
    minded = Minded()
    async with followed_by(plugin, venue, minded) as followed:
        await followed.wait_until(
            lambda: (
                venue.played
                and all(
                    venue.agrees(name, followed.books.of(instrument.symbol).depth)
                    for name, instrument in venue.instruments.items()
                )
            )
        )
        assert followed.feed.statistics().connections == venue.connections
    assert minded.breaches == []
    return followed


def kraken(harm: dict[int, Harm] | None = None) -> MockKraken:
    """A venue that numbers nothing."""
    return MockKraken({"BTC/USDT": BTC}, kraken_walk(STEPS), harm or {}, FRAME_BYTES_MAX)


async def test_a_plugin_reads_a_venue_as_well_as_the_house_does() -> None:
    harm = {600: Harm.GARBAGE, 700: Harm.SLOW, 800: Harm.CUT, 900: Harm.TWICE}
    venue = recorded_binance(harm)
    venue.messages = venue.messages[:2_500]
    changes = [n for n, frame in enumerate(venue.messages) if b"depthUpdate" in frame]
    venue.harm.update({n: Harm.SKIP for n in changes if 1_500 < n < 1_550})
    followed = await follow_to_the_end("Numbered", venue)
    assert venue.connections == 2
    assert venue.snapshots >= 3, "one a connection, and one for the gap"
    trades = [each for each in followed.records if isinstance(each, VenueTrade)]
    assert len(trades) > 100
    # What it does not know is a fault that is counted, and no more.
    assert followed.count(FaultCause.UNKNOWN_FORM) >= 2
    assert len([each for each in followed.records if isinstance(each, FeedReset)]) >= 2


async def test_books_without_numbers_begin_anew_after_what_cannot_be_read() -> None:
    venue = kraken({50: Harm.GARBAGE, 120: Harm.CUT, 200: Harm.GARBAGE})
    venue.owed = {Harm.GARBAGE: 1}
    followed = await follow_to_the_end("Unnumbered", venue)
    assert venue.connections == 2
    assert venue.snapshots >= 4
    resets = [each.cause for each in followed.records if isinstance(each, FeedReset)]
    assert "the book was lost" in resets


@pytest.mark.parametrize(
    ("act", "failure", "breach"),
    [
        ("raise at the start", "callback: RuntimeError: no good start", None),
        ("raise", "callback: RuntimeError: a bug", None),
        ("print", "more than 20 lines at once", Breach.PROTOCOL),
        ("babble", "a frame of 1195725856 bytes", Breach.PROTOCOL),
        ("flood", "a frame of 3145728 bytes", Breach.PROTOCOL),
        ("exit", "the process ended with 0", None),
        ("eat", "callback: MemoryError", None),
        ("reply", "more than 20 messages to send in a second", None),
    ],
)
async def test_a_plugin_that_goes_wrong_ends_its_connection_and_nothing_else(
    act: str, failure: str, breach: Breach | None
) -> None:
    venue, minded = kraken(), Minded()
    async with followed_by("Unnumbered", venue, minded, act) as followed:
        await until(lambda: failure_of(followed) != "" and followed.status.restarts >= 2)
        assert failure in failure_of(followed)
        assert set(minded.breaches) == ({breach} if breach else set())


async def test_the_network_is_not_there() -> None:
    """OSError is no fault of a frame: it ends the connection, and tells what was denied."""
    venue, minded = kraken(), Minded()
    async with followed_by("Unnumbered", venue, minded, "connect") as followed:
        await until(lambda: failure_of(followed) != "")
        assert "PermissionError" in failure_of(followed)


@pytest.mark.parametrize("act", ["stall", "spin"])
async def test_a_plugin_that_does_not_answer_is_ended(act: str) -> None:
    venue, minded = kraken(), Minded()
    async with followed_by("Unnumbered", venue, minded, act, answer_s_max=0.5) as followed:
        await until(lambda: bool(minded.breaches))
        assert minded.breaches[0] is Breach.STALLED
        await until(lambda: "it did not answer within 0.5 s" in failure_of(followed))


async def failed(feed: PluginFeed) -> str:
    """What health says of a feed that comes to nothing."""
    async with following(feed, HASTY) as followed:
        await until(lambda: failure_of(followed) != "")
        assert followed.records == []
        return failure_of(followed)


async def test_a_plugin_that_is_not_admitted_is_not_started() -> None:
    feed = PluginFeed(plan("refused", "X", stream="wss://venue.example"), around(Minded(), []))
    assert await failed(feed) == (
        "xached.adapters.answering_child.PluginFault: 'refused' is not approved"
    )


async def test_a_plugin_that_is_not_held_well_enough_is_told_nothing() -> None:
    surroundings = attrs.evolve(
        around(Minded(), []), sandbox_min=frozenset(Layer), command=start_feed
    )
    feed = PluginFeed(plan("Unnumbered", "X", stream="wss://venue.example"), surroundings)
    failure = await failed(feed)
    if "sandbox lacks what the house requires" not in failure:
        assert "egress.hosts" in failure, "this machine gives every layer"


@pytest.mark.parametrize(
    ("plugin", "settings", "failure"),
    [
        ("NoFeed", {}, "import: TypeError: following:NoFeed is not a Feed"),
        ("Nothing", {}, "import: AttributeError"),
        ("Unnumbered", {"unknown": ""}, "settings: xache_sdk.settings.SettingsError"),
        ("Unnumbered", {"stream": "wss://other.example"}, "other.example:443 is not among"),
        ("Unnumbered", {"stream": "wss://venue.example:8443"}, "venue.example:8443 is not among"),
        ("Unnumbered", {"stream": "ws://venue.example"}, "venue.example: only with TLS"),
        ("Unnumbered", {"stream": "https://venue.example"}, "is no wss address"),
        ("Unnumbered", {"stream": "wss://me:secret@venue.example"}, "is no wss address"),
        ("Unnumbered", {"stream": "wss://venue.example#x"}, "is no wss address"),
        ("Unnumbered", {"stream": "wss://venue example"}, "is no address"),
        ("Numbered", {"rest": "https://other.example"}, "other.example:443 is not among"),
        ("Numbered", {"rest": "https://venue.example/?a"}, "no query"),
    ],
)  # fmt: skip
async def test_what_the_operator_does_not_allow_is_not_dialled(
    plugin: str, settings: dict[str, str], failure: str
) -> None:
    settings = {"stream": "wss://venue.example", **settings}
    feed = PluginFeed(plan(plugin, "X", **settings), around(Minded(), ["venue.example"]))
    assert failure in await failed(feed)


async def test_a_name_that_leads_inside_is_not_followed() -> None:
    settings = {"stream": "wss://localhost/"}
    feed = PluginFeed(
        plan("Unnumbered", "X", **settings), around(Minded(), ["localhost"], private=False)
    )
    assert "localhost has no public address" in await failed(feed)


async def test_faults_bear_what_they_are_about() -> None:
    venue, minded = kraken({20: Harm.GARBAGE}), Minded()
    venue.owed = {Harm.GARBAGE: 1}
    async with followed_by("Unnumbered", venue, minded) as followed:
        await followed.wait_until(lambda: followed.count(FaultCause.UNKNOWN_FORM) >= 1)
    fault = next(each for each in followed.records if isinstance(each, FeedFault))
    assert "BadFrame: it is no JSON" in fault.excerpt


async def test_a_plugin_that_may_no_longer_run_is_ended_at_once() -> None:
    venue, minded = kraken(), Minded()
    async with followed_by("Unnumbered", venue, minded) as followed:
        await followed.wait_until(lambda: venue.played)
        assert isinstance(followed.feed, PluginFeed)
        followed.feed.end("its approval was withdrawn")
        await until(lambda: "its approval was withdrawn" in failure_of(followed))
        # It is up to who admits plugins whether it begins again.
        await until(lambda: venue.connections == 2)
