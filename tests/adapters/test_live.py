"""A live feed and its clock: pauses, silence, repairs, and venues that do not know the protocol.

Checked by breaking, each seen red: no limit to a handshake, no ping, a pause without jitter, a
repair without a pause, a body without a limit, Retry-After not heeded, and library errors that
are not taken for faults of the world.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from loguru import logger
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tests.adapters.followed import Followed, following
from tests.adapters.mock_venue import MockBinance
from tests.adapters.venue_frames import FRAMES, load_frames
from tests.domain.market_values import BTC
from xached.adapters.feeds.binance_live import BINANCE_RULES
from xached.adapters.feeds.coinbase import COINBASE_RULES
from xached.adapters.feeds.kraken import KRAKEN_RULES
from xached.adapters.feeds.live import THREAD_BYTES_MIN, LiveFeed
from xached.adapters.feeds.rest import RestFailed, get
from xached.adapters.feeds.session import Endpoint, VenueRules
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import FaultCause, FeedRecord, FeedReset
from xached.runtime.supervise import ActorState
from xached.runtime.world import SimulatedServer, SimulatedWorld, run_simulated

VENUE = Endpoint(host="venue", port=443, tls=True)
REST = Endpoint(host="rest", port=443, tls=True)


class DialledWorld(SimulatedWorld):
    """A world that knows when it was asked to dial."""

    def __init__(self, seed: int, servers: Mapping[str, SimulatedServer]) -> None:
        super().__init__(seed, servers=servers)
        self.dialled: list[tuple[str, float]] = []

    async def dial(
        self, host: str, port: int, *, tls: bool, public: bool = False
    ) -> trio.abc.Stream:
        """See World."""
        assert tls, "nothing goes in clear"
        self.dialled.append((host, trio.current_time()))
        return await super().dial(host, port, tls=tls, public=public)

    def times(self, host: str) -> list[float]:
        """When a host was dialled."""
        return [at for dialled, at in self.dialled if dialled == host]


def feed_of(
    world: SimulatedWorld,
    rules: VenueRules = KRAKEN_RULES,
    instruments: Mapping[str, Instrument] | None = None,
) -> LiveFeed:
    names = instruments or {rules.name(BTC): BTC}
    return LiveFeed(rules, names, world, stream=VENUE, rest=REST)


Talk = Callable[[WebSocketConnection], Awaitable[None]]


def websocket(talk: Talk) -> SimulatedServer:
    """A server that shakes hands, then does as it is told."""

    async def serve(stream: trio.abc.HalfCloseableStream) -> None:
        try:
            async with trio.open_nursery() as nursery:
                request = await wrap_server_stream(nursery, stream)
                await talk(await request.accept())
                nursery.cancel_scope.cancel()
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    return serve


async def seen_after(
    seconds: float, servers: Mapping[str, SimulatedServer], rules: VenueRules = KRAKEN_RULES
) -> tuple[Followed, DialledWorld]:
    """What a feed has told when it was followed for so long."""
    world = DialledWorld(1, servers)
    async with following(feed_of(world, rules)) as followed:
        await trio.sleep(seconds)
        assert followed.status.state in (ActorState.RUNNING, ActorState.PAUSING)
    return followed, world


# --- Pauses. ---------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No log lines: every interruption writes one."""
    logger.disable("xached")
    yield
    logger.enable("xached")


async def dial_times(seed: int) -> list[float]:
    begun = trio.current_time()
    world = DialledWorld(seed, {})
    async with following(feed_of(world)) as followed:
        await trio.sleep(600)
        assert followed.status.state is ActorState.PAUSING
        assert "ConnectionRefusedError" in followed.status.failure
        assert followed.records == [], "what was known stays known until it is stale"
    return [at - begun for at in world.times("venue")]


async def test_a_venue_that_is_down_is_dialled_less_and_less_often_and_never_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    times = await dial_times(1)
    gaps = [b - a for a, b in pairwise(times)]
    for number, gap in enumerate(gaps):
        pause = min(2.0**number, 60)
        assert pause / 2 <= gap <= pause + 0.1
    assert len(times) > 12
    # Not everybody who was cut off dials again at the same moment …
    assert len({round(gap, 3) for gap in gaps[6:]}) == len(gaps[6:])
    # … and the moment is drawn from the world.
    assert await dial_times(1) == pytest.approx(times, abs=1e-6)
    assert await dial_times(2) != pytest.approx(times, abs=0.1)


async def test_a_connection_that_held_is_made_again_at_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def hold(socket: WebSocketConnection) -> None:
        with trio.move_on_after(400):
            while True:
                await socket.get_message()

    followed, world = await seen_after(2_000, {"venue": websocket(hold)})
    assert all(400 < b - a < 402 for a, b in pairwise(world.times("venue")))
    resets = [each for each in followed.records if isinstance(each, FeedReset)]
    assert len(resets) == followed.feed.statistics().connections == 5


def told_in(seed: int) -> list[tuple[float, FeedRecord]]:
    """What a feed tells, and when, in a world of one seed."""

    async def main(_: SimulatedWorld) -> list[tuple[float, FeedRecord]]:
        venue = small_binance()
        told: list[tuple[float, FeedRecord]] = []
        servers = {"venue": venue.serve, "rest": venue.answer}

        def publish(records: Sequence[FeedRecord]) -> list[Symbol]:
            told.extend((trio.current_time(), record) for record in records)
            return []

        feed = feed_of(SimulatedWorld(f"{seed}", servers=servers), BINANCE_RULES)
        with trio.move_on_after(30):
            await feed.run(publish)
        return told

    return run_simulated(seed, main)


def test_one_seed_is_one_feed() -> None:
    first = told_in(7)
    assert len(first) > 5
    assert told_in(7) == first
    assert [at for at, _ in told_in(8)] != [at for at, _ in first]


# --- Silence. --------------------------------------------------------------------------------


async def test_a_venue_that_does_not_answer_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def freeze(stream: trio.abc.HalfCloseableStream) -> None:
        async with trio.open_nursery() as nursery:
            request = await wrap_server_stream(nursery, stream)
            await request.accept()
            nursery.cancel_scope.cancel()  # Nobody reads any more.
            with trio.CancelScope(shield=True):
                await trio.sleep(1_000)

    followed, _ = await seen_after(20.9, {"venue": freeze})
    assert "silent for 20 s" in followed.status.failure
    assert followed.status.restarts <= 1


async def test_a_quiet_venue_that_answers_is_kept(autojump_clock: trio.testing.MockClock) -> None:
    async def listen(socket: WebSocketConnection) -> None:
        while True:
            await socket.get_message()

    followed, world = await seen_after(3_600, {"venue": websocket(listen)})
    assert followed.status.restarts == 0
    assert len(world.times("venue")) == 1


async def test_a_handshake_that_never_ends_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def say_nothing(_: trio.abc.HalfCloseableStream) -> None:
        await trio.sleep_forever()

    followed, _ = await seen_after(10.3, {"venue": say_nothing})
    assert "no connection in time" in followed.status.failure


# --- Venues that do not know the protocol. ---------------------------------------------------

ACCEPTED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"


async def test_a_refusal_is_told(autojump_clock: trio.testing.MockClock) -> None:
    async def refuse(stream: trio.abc.HalfCloseableStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 451 No\r\nContent-Length: 2\r\n\r\nno")
        await trio.sleep(1)

    followed, _ = await seen_after(0.4, {"venue": refuse})
    assert "venue: no WebSocket, but status 451" in followed.status.failure


@pytest.mark.parametrize("seed", range(40))
async def test_bytes_of_no_sense_are_a_fault_of_the_world(
    seed: int, autojump_clock: trio.testing.MockClock
) -> None:
    """Before, in place of, and after the handshake; never anything but FeedDown."""
    draw = random.Random(seed)

    async def babble(stream: trio.abc.HalfCloseableStream) -> None:
        babbling = bytes(draw.choices(range(256), k=draw.randrange(1, 2_000)))
        match seed % 4:
            case 0:
                await stream.send_all(babbling)
            case 1:
                await stream.receive_some()
                await stream.send_all(b"HTTP/1.1 200 OK\r\n\r\n" + babbling)
            case 2:
                await stream.receive_some()
                await stream.send_all(ACCEPTED + b"\r\n" + babbling)
            case _:
                async with trio.open_nursery() as nursery:
                    request = await wrap_server_stream(nursery, stream)
                    await request.accept()
                    await stream.send_all(babbling)
                    nursery.cancel_scope.cancel()

    followed, world = await seen_after(60, {"venue": babble})
    assert "FeedDown" in followed.status.failure
    assert len(world.times("venue")) > 2


async def test_a_long_frame_is_read_beside_the_loop(
    autojump_clock: trio.testing.MockClock,
) -> None:
    levels = [
        {"side": "bid", "price_level": f"{price}.00", "new_quantity": "1"}
        for price in range(1, 5_001)
    ]
    event = {"type": "snapshot", "product_id": "BTC-USDT", "updates": levels}
    message: dict[str, Any] = {"channel": "l2_data", "timestamp": "2023-02-09T20:32:50Z"}
    text = json.dumps({**message, "sequence_num": 0, "events": [event]})
    assert len(text) > THREAD_BYTES_MIN

    async def tell(socket: WebSocketConnection) -> None:
        await socket.send_message(text)
        await trio.sleep(5)

    followed, _ = await seen_after(1, {"venue": websocket(tell)}, COINBASE_RULES)
    assert followed.books.of(BTC.symbol).depth.best_bid() == (500_000, 100_000)


# --- Repairs. --------------------------------------------------------------------------------


async def test_a_book_that_never_comes_is_asked_for_now_and_then(
    autojump_clock: trio.testing.MockClock,
) -> None:
    asked: list[float] = []

    async def refuse(socket: WebSocketConnection) -> None:
        while True:
            request = json.loads(await socket.get_message())
            if (request["method"], request["params"]["channel"]) == ("subscribe", "book"):
                asked.append(trio.current_time())
                await socket.send_message('{"method":"subscribe","success":false,"error":"no"}')

    told: list[str] = []
    logger.enable("xached")
    sink = logger.add(told.append, level="WARNING", format="{message}")
    followed, _ = await seen_after(300, {"venue": websocket(refuse)})
    logger.remove(sink)
    assert 4 <= len(told) <= 5, "once a minute, however often it says so"
    assert '"error":"no"' in told[0]
    assert followed.status.restarts == 0
    assert min(b - a for a, b in pairwise(asked)) > 9
    assert 10 < len(asked) < 31
    assert followed.count(FaultCause.REFUSED) == len(asked)


async def test_a_book_that_is_always_wrong_is_asked_for_less_and_less_often(
    autojump_clock: trio.testing.MockClock,
) -> None:
    frames = load_frames("kraken_v2.jsonl")
    wrong = frames[2].replace(b"3310070434", b"1").decode()
    asked: list[float] = []

    async def mislead(socket: WebSocketConnection) -> None:
        while True:
            request = json.loads(await socket.get_message())
            if (request["method"], request["params"]["channel"]) == ("subscribe", "book"):
                asked.append(trio.current_time())
                await socket.send_message(wrong)

    followed, _ = await seen_after(300, {"venue": websocket(mislead)})
    gaps = [b - a for a, b in pairwise(asked)]
    assert gaps[0] < 0.1, "the first time at once"
    assert gaps[1] < 1.1
    assert all(15 <= gap <= 30.1 for gap in gaps[7:])
    assert followed.count(FaultCause.CHECKSUM) == len(asked)
    assert not followed.books.of(BTC.symbol).synced


async def test_a_book_that_held_for_long_is_mended_as_if_it_had_never_failed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Ten times wrong, right for two minutes, and wrong again."""
    frames = load_frames("kraken_v2.jsonl")
    right, wrong = frames[2].decode(), frames[2].replace(b"3310070434", b"1").decode()
    asked: list[float] = []

    async def mislead(socket: WebSocketConnection) -> None:
        while True:
            request = json.loads(await socket.get_message())
            if (request["method"], request["params"]["channel"]) == ("subscribe", "book"):
                asked.append(trio.current_time())
                if len(asked) == 10:
                    await socket.send_message(right)
                    await trio.sleep(120)
                await socket.send_message(wrong)

    await seen_after(600, {"venue": websocket(mislead)})
    gaps = [b - a for a, b in pairwise(asked)]
    assert gaps[8] > 15, "it was asked for less and less often"
    assert gaps[9] < 120.1, "at once"
    assert gaps[10] < 1.1, "and soon again"


def small_binance() -> MockBinance:
    messages = [(FRAMES / "binance_depth.json").read_bytes(), *load_frames("binance_spot.jsonl")]
    return MockBinance({"BTCUSDT": BTC}, messages, {}, BINANCE_RULES.frame_bytes_max)


async def test_a_snapshot_is_asked_for_until_it_comes_and_no_sooner_than_the_venue_wants(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = small_binance()
    venue.refusals = [
        (429, {"Retry-After": "100"}, b"too much"),
        (500, {}, b""),
        (200, {}, b"{"),
        (200, {}, b'{"lastUpdateId":3,"bids":[],"asks":[]}'),
        (302, {"Location": "https://elsewhere"}, b""),
    ]
    followed, world = await seen_after(
        300, {"venue": venue.serve, "rest": venue.answer}, BINANCE_RULES
    )
    times = world.times("rest")
    assert len(times) == 6
    assert times[1] - times[0] >= 100
    assert all(b - a >= 0.5 for a, b in pairwise(times))
    assert followed.feed.statistics().requests_failed == 3
    book = followed.books.of(BTC.symbol)
    assert book.last_id == 110
    assert venue.agrees("BTCUSDT", book.depth)


async def test_only_the_rest_side_is_down(autojump_clock: trio.testing.MockClock) -> None:
    venue = small_binance()
    followed, world = await seen_after(300, {"venue": venue.serve}, BINANCE_RULES)
    assert followed.status.restarts == 0, "trades and quotes go on"
    assert 8 < len(world.times("rest")) < 25


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5_000, "more than 1000"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7D0\r\n" + b"x" * 2_000, "more"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nx", "rest: "),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "rest: "),
        (b"SSH-2.0-OpenSSH\r\n", "rest: "),
        (b"", "rest: "),
        (b"HTTP/1.1 418 No\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", "answers 418"),
    ],
)
async def test_an_answer_of_no_use_is_refused(
    answer: bytes, said: str, autojump_clock: trio.testing.MockClock
) -> None:
    async def serve(stream: trio.abc.HalfCloseableStream) -> None:
        await stream.receive_some()
        await stream.send_all(answer)

    world = SimulatedWorld(1, servers={"rest": serve})
    with pytest.raises(RestFailed, match=said) as failed:
        await get(world, REST, "/", body_bytes_max=1_000, timeout_s=5)
    assert failed.value.retry_after_s == 0


async def test_an_answer_that_never_ends_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def drip(stream: trio.abc.HalfCloseableStream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while True:
            await trio.sleep(0.5)
            await stream.send_all(b"x")

    world = SimulatedWorld(1, servers={"rest": drip})
    with pytest.raises(RestFailed, match="longer than 5 s"):
        await get(world, REST, "/", body_bytes_max=1_000, timeout_s=5)
    with pytest.raises(RestFailed, match="nothing listens on nowhere"):
        await get(world, attrs.evolve(REST, host="nowhere"), "/", body_bytes_max=1_000, timeout_s=5)
