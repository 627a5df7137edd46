"""Live feeds over real sockets: recordings and checked-in frames, with all the harm there is.

Checked by breaking, each seen red: a session that asks for no repair, a reader that goes on after
a gap, a frame limit that is not passed on, a feed that does not reset books on a new connection,
and a snapshot that is applied without the changes kept before it.
"""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Mapping
from functools import partial

import attrs

from tests.adapters.followed import Followed, following
from tests.adapters.mock_venue import (
    Harm,
    MockBinance,
    MockCoinbase,
    MockKraken,
    MockVenue,
    listening,
)
from tests.adapters.recorded_venues import (
    EVERY_LEVEL,
    TextBook,
    coinbase_levels,
    coinbase_message,
    coinbase_messages,
    kraken_book,
    kraken_books,
    recording,
)
from tests.domain.market_values import BTC, make_instrument
from xached.adapters.feeds.binance_live import BINANCE_RULES
from xached.adapters.feeds.coinbase import COINBASE_RULES
from xached.adapters.feeds.history import SHIPPED
from xached.adapters.feeds.kraken import KRAKEN_RULES, KrakenSession
from xached.adapters.feeds.link import Pace
from xached.adapters.feeds.live import LiveFeed
from xached.adapters.feeds.session import VenueRules
from xached.domain.market import FaultCause, FeedReset, Provenance, VenueTrade
from xached.runtime.supervise import ActorState, Restart
from xached.runtime.world import RealWorld

HASTY = Restart(limit=1_000, pause_s=0.01, pause_s_max=0.01)
PACE = Pace(repair_s=0.01, repair_s_max=0.01)
PLAYED_MAX = 10**9 if os.environ.get("XACHE_LONG") else 6_000


async def follow(rules: VenueRules, venue: MockVenue) -> Followed:
    """Follow a venue to its end, until every book is as it should be."""
    async with listening(venue) as at:
        feed = LiveFeed(
            rules, venue.instruments, RealWorld(), stream=at.stream, rest=at.rest, pace=PACE
        )
        async with following(feed, HASTY) as followed:
            await followed.wait_until(
                lambda: (
                    venue.played
                    and all(
                        venue.agrees(name, followed.books.of(instrument.symbol).depth)
                        for name, instrument in venue.instruments.items()
                    )
                )
            )
            assert followed.status.state is ActorState.RUNNING
            assert feed.statistics().connected == 1
            assert feed.statistics().connections == venue.connections
            assert feed.provenance is Provenance.LIVE
    return followed


# --- Binance. --------------------------------------------------------------------------------


def recorded_binance(harm: Mapping[int, Harm]) -> MockBinance:
    with gzip.open(SHIPPED[BTC.symbol].recording) as lines:
        frames = [line.rstrip(b"\n").partition(b" ")[2] for line in lines][:PLAYED_MAX]
    return MockBinance({"BTCUSDT": BTC}, frames, harm, BINANCE_RULES.frame_bytes_max)


async def test_binance_is_joined_to_a_snapshot_that_comes_after_newer_changes() -> None:
    venue = recorded_binance({})
    followed = await follow(BINANCE_RULES, venue)
    assert venue.snapshots == 1
    assert followed.feed.statistics().repairs == 1
    trades = [each for each in followed.records if isinstance(each, VenueTrade)]
    assert len(trades) > 100
    numbers = [trade.trade_id for trade in trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


async def test_binance_loses_changes_and_connections_and_finds_the_book_again() -> None:
    harm = {
        500: Harm.SKIP, 600: Harm.GARBAGE, 700: Harm.SLOW, 800: Harm.CUT, 900: Harm.TWICE,
        1_500: Harm.OVERSIZED, 2_500: Harm.SKIP,
    }  # fmt: skip
    venue = recorded_binance(harm)
    depth_only = [n for n, frame in enumerate(venue.messages) if b"depthUpdate" in frame]
    venue.harm.update({n: Harm.SKIP for n in depth_only if 3_000 < n < 3_050})
    followed = await follow(BINANCE_RULES, venue)
    assert venue.connections == 3, "one cut, and one that sent more than anybody wants"
    resets = [each for each in followed.records if isinstance(each, FeedReset)]
    assert len(resets) == 3
    assert followed.count(FaultCause.NOT_JSON) == 2
    assert venue.snapshots >= 4, "one a connection, and one a gap"
    assert followed.status.restarts == 2


# --- Kraken and Coinbase, on walks that need no recording. -----------------------------------


def walk(count: int) -> list[tuple[list[tuple[str, str]], list[tuple[str, str]]]]:
    """A book, then changes of it, as bids and asks; the prices wander and never cross."""
    draw = random.Random(count)
    mid, book, steps = 6_000_000, TextBook(), []

    def level(price: int, quantity: int) -> tuple[str, str]:
        return f"{price // 100}.{price % 100:02}", f"{quantity // 10**8}.{quantity % 10**8:08}"

    start = [level(mid - 10 * n, draw.randrange(1, 10**9)) for n in range(1, 40)]
    steps.append((start, [level(mid + 10 * n, draw.randrange(1, 10**9)) for n in range(1, 40)]))
    book.take(*steps[0])
    for _ in range(count):
        mid += draw.randrange(-3, 4)
        crossed_bids = [price for price in book.bids if float(price) * 100 >= mid]
        crossed_asks = [price for price in book.asks if float(price) * 100 <= mid]
        bids = [(price, "0.00000000") for price in crossed_bids]
        asks = [(price, "0.00000000") for price in crossed_asks]
        bids.append(level(mid - draw.randrange(1, 200), draw.randrange(1, 10**9)))
        asks.append(level(mid + draw.randrange(1, 200), draw.randrange(1, 10**9)))
        steps.append((bids, asks))
        book.take(bids, asks)
    return steps


def kraken_walk(count: int) -> list[bytes]:
    """What Kraken would send of a walk."""
    book, frames = TextBook(), []
    for number, (bids, asks) in enumerate(walk(count)):
        book.take(bids, asks)
        kind = "update" if number else "snapshot"
        frames.append(kraken_book("BTC/USDT", kind, bids, asks, book.checksum()))
    return frames


def coinbase_walk(count: int) -> list[bytes]:
    """What Coinbase would send of a walk."""
    frames = []
    for number, (bids, asks) in enumerate(walk(count)):
        levels = [("bid", *level) for level in bids] + [("offer", *level) for level in asks]
        event = coinbase_levels("update" if number else "snapshot", "BTC-USDT", levels)
        frames.append(coinbase_message(number, "l2_data", [event]))
    return frames


KRAKEN = attrs.evolve(KRAKEN_RULES, session=partial(KrakenSession, levels=EVERY_LEVEL))


async def test_kraken_is_followed_by_its_checksums() -> None:
    venue = MockKraken({"BTC/USDT": BTC}, kraken_walk(300), {}, KRAKEN.frame_bytes_max)
    followed = await follow(KRAKEN, venue)
    assert (venue.connections, venue.snapshots) == (1, 1)
    assert followed.feed.statistics().repairs == 0
    assert followed.count(FaultCause.CHECKSUM) == 0


async def test_kraken_is_subscribed_to_again_when_a_checksum_is_wrong() -> None:
    frames = kraken_walk(300)
    checksums = [frame.rpartition(b":")[2] for frame in frames]
    # Only the ten best levels are in the checksum: one of them must be missing.
    missing = next(n for n in range(200, 250) if checksums[n] != checksums[n + 1])
    harm = {
        50: Harm.CHECKSUM, 100: Harm.GARBAGE, 150: Harm.SLOW, missing: Harm.SKIP, 250: Harm.CUT,
        270: Harm.OVERSIZED,
    }  # fmt: skip
    venue = MockKraken({"BTC/USDT": BTC}, frames, harm, KRAKEN.frame_bytes_max)
    venue.owed = dict.fromkeys((Harm.CHECKSUM, Harm.SKIP, Harm.CUT, Harm.OVERSIZED), 1)
    followed = await follow(KRAKEN, venue)
    assert venue.connections == 3
    assert followed.count(FaultCause.CHECKSUM) == 2, "one was wrong, and one was missing"
    assert followed.count(FaultCause.NOT_JSON) == 2
    assert venue.snapshots == 3 + 2
    assert followed.feed.statistics().repairs == 2


async def test_coinbase_is_followed_by_its_numbers() -> None:
    venue = MockCoinbase({"BTC-USDT": BTC}, coinbase_walk(300), {}, COINBASE_RULES.frame_bytes_max)
    followed = await follow(COINBASE_RULES, venue)
    assert (venue.connections, venue.snapshots) == (1, 1)
    assert followed.feed.statistics().repairs == 0
    assert followed.count(FaultCause.SEQUENCE) == 0


async def test_coinbase_is_subscribed_to_again_when_a_number_is_missing() -> None:
    harm = {
        50: Harm.SKIP, 100: Harm.GARBAGE, 150: Harm.SLOW, 200: Harm.TWICE, 250: Harm.CUT,
    }  # fmt: skip
    venue = MockCoinbase(
        {"BTC-USDT": BTC}, coinbase_walk(300), harm, COINBASE_RULES.frame_bytes_max
    )
    venue.owed = dict.fromkeys((Harm.SKIP, Harm.CUT), 1)
    followed = await follow(COINBASE_RULES, venue)
    assert venue.connections == 2
    assert followed.count(FaultCause.SEQUENCE) == 2, "one was missing, one came twice"
    assert followed.count(FaultCause.NOT_JSON) == 2
    assert venue.snapshots == 2 + 1
    assert followed.feed.statistics().repairs == 1


# --- … and on what was recorded. -------------------------------------------------------------


async def test_ten_recorded_books_of_kraken_with_harm() -> None:
    instruments, frames = kraken_books()
    harm = {
        100: Harm.CHECKSUM, 500: Harm.CUT, 1_000: Harm.SKIP, 2_000: Harm.SLOW, 3_000: Harm.CHECKSUM,
        4_000: Harm.CUT,
    }  # fmt: skip
    venue = MockKraken(instruments, frames, harm, KRAKEN.frame_bytes_max)
    venue.owed = {Harm.CHECKSUM: 1, Harm.CUT: 10}
    followed = await follow(KRAKEN, venue)
    assert venue.connections == 3
    assert followed.count(FaultCause.CHECKSUM) in (2, 3), "a missing change may be far from the top"
    assert venue.snapshots >= 3 * 10 + 2


async def test_ten_recorded_books_of_coinbase_with_harm() -> None:
    instruments, frames, _ = coinbase_messages()
    frames = frames[:PLAYED_MAX]
    harm = {100: Harm.SKIP, 500: Harm.CUT, 2_000: Harm.SKIP, 3_000: Harm.TWICE, 5_000: Harm.SKIP}
    venue = MockCoinbase(instruments, frames, harm, COINBASE_RULES.frame_bytes_max)
    venue.owed = dict.fromkeys((Harm.SKIP, Harm.CUT), 10)
    followed = await follow(COINBASE_RULES, venue)
    assert venue.connections == 2
    assert followed.count(FaultCause.SEQUENCE) == 4
    assert venue.snapshots == 2 * 10 + 3 * 10


async def test_a_recording_of_futures_is_joined_by_its_own_numbers() -> None:
    """Two venues' worth of frames, and ``pu`` in place of ``U - 1``."""
    perpetual = make_instrument("BTC", 100_000)
    with gzip.open(recording("binance_hftbacktest/usdm_btcusdt_20240808.log.gz")) as lines:
        frames = [line.rstrip(b"\n").partition(b" ")[2] for line in lines][:PLAYED_MAX]
    venue = MockBinance(
        {"BTCUSDT": perpetual}, frames, {700: Harm.CUT}, BINANCE_RULES.frame_bytes_max
    )
    await follow(BINANCE_RULES, venue)
    assert venue.connections == 2
