"""The paper exchange with a venue that is written by hand.

Checked by breaking, each seen red: not remembering what was taken, forgetting it at every look,
filling a resting order at its price at once, forgetting to cancel what is left of the venue.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from tests.paper_venue import ALICE, BOB, PAPER_SYMBOL, HandVenue, PaperRun, paper_run
from tests.storage.house import KEY
from xached import cli
from xached.domain.messages import OpenPurse, OrderEnded, ReplaceOrder, Row, Traded
from xached.domain.order import (
    EndReason,
    OrderType,
    Purse,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.domain.paper_liquidity import VENUE
from xached.domain.preview import PreviewQuery
from xached.domain.protection_messages import Flatten
from xached.domain.queries import PurseQuery
from xached.domain.rejection import Reason, Rejection
from xached.house.paper import PaperMissing
from xached.runtime.mailbox import Closed
from xached.simulation.disk import Disk, DiskFiles, registered
from xached.storage.directory import DataPaths
from xached.storage.snapshots import newest_seq, write_snapshot

BUY, SELL = Side.BUY, Side.SELL
MARKET_LOTS = 10**13 // 1_000  # what a purse has at the start


def venue_with_book() -> HandVenue:
    """Asks of 5 at 500,100 and 500,200, bids of 5 at 500,000 and 499,900; last 500,000."""
    venue = HandVenue()
    for price_ticks in (500_100, 500_200):
        venue.level(SELL, price_ticks, 5)
    for price_ticks in (500_000, 499_900):
        venue.level(BUY, price_ticks, 5)
    venue.trade(BUY, 500_000, 1)
    return venue


def fills(row: Row) -> list[tuple[int, int]]:
    """Prices and lots of a row's trades."""
    return [
        (event.price_ticks, event.quantity_lots)
        for event in row.events
        if isinstance(event, Traded)
    ]


async def settle(run: PaperRun) -> None:
    """Let the exchange hear of the venue."""
    await trio.sleep(0.5)
    state = (await run.house.matching.own_market()).seq
    assert state <= run.house.matching.commits[-1].last_seq


async def test_a_market_order_takes_the_venues_levels_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        assert fills(await run.place(ALICE, BUY, 7)) == [(500_100, 5), (500_200, 2)]
        assert fills(await run.place(BOB, BUY, 7)) == [(500_200, 3)], "taken stays taken"
        run.venue.level(SELL, 500_100, 0)
        await settle(run)
        run.venue.level(SELL, 500_100, 5)
        assert fills(await run.place(BOB, BUY, 7)) == [(500_100, 5)], "the level came back"
        run.venue.level(SELL, 500_200, 8)
        assert fills(await run.place(ALICE, BUY, 7)) == [(500_200, 3)], "what was added is there"
        assert await run.btc_lots() == MARKET_LOTS + 10


async def test_trades_are_simulated_and_the_venue_leaves_no_orders(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        row = await run.place(ALICE, BUY, 3)
        (trade,) = (event for event in row.events if isinstance(event, Traded))
        assert trade.simulated
        assert trade.maker_purse == VENUE
        assert (trade.taker_fee_units, trade.maker_fee_units) == (0, 0)
        market = await run.house.matching.own_market()
        assert not await run.orders(VENUE)
        assert market.seq == run.house.matching.commits[-1].last_seq


async def test_a_limit_order_takes_up_to_its_price_and_rests(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        row = await run.place(ALICE, BUY, 8, price_ticks=500_150, client_order_id="l")
        assert fills(row) == [(500_100, 5)]
        assert (await run.orders())["l"].leaves_lots == 3


async def test_a_resting_order_fills_when_its_queue_is_used_up(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 4, price_ticks=500_000, client_order_id="first")
        await run.place(BOB, BUY, 4, price_ticks=500_000, client_order_id="second")
        run.venue.trade(SELL, 500_000, 3)
        await settle(run)
        assert (await run.orders())["first"].executed_lots == 0, "5 stood before it"
        run.venue.trade(SELL, 500_000, 3)
        await settle(run)
        assert (await run.orders())["first"].executed_lots == 1
        run.venue.trade(SELL, 500_000, 5)
        await settle(run)
        assert await run.orders() == {}
        assert (await run.orders(BOB))["second"].executed_lots == 2, "after the first"
        run.venue.trade(SELL, 499_999, 1)
        await settle(run)
        assert await run.orders(BOB) == {}, "a trade beyond its price fills all of it"


async def test_what_leaves_the_level_shortens_the_queue(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 4, price_ticks=500_000)
        run.venue.level(BUY, 500_000, 1)
        await settle(run)
        run.venue.trade(SELL, 500_000, 3)
        await settle(run)
        (order,) = (await run.orders()).values()
        assert order.executed_lots == 2


async def test_a_stop_looks_at_the_venues_trades(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(
            ALICE,
            SELL,
            7,
            type=OrderType.STOP,
            time_in_force=TimeInForce.GTC,
            trigger=Trigger(source=TriggerSource.LAST, stop_ticks=499_950),
        )
        run.venue.trade(SELL, 499_960, 1)
        await settle(run)
        assert len(await run.orders()) == 1
        run.venue.trade(SELL, 499_950, 1)
        await settle(run)
        assert await run.orders() == {}
        assert await run.btc_lots() == MARKET_LOTS - 7


async def test_post_only_is_judged_by_the_venues_book(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        row = await run.place(ALICE, BUY, 1, price_ticks=500_100, post_only=True)
        (ended,) = (event for event in row.events if isinstance(event, OrderEnded))
        assert ended.reason is EndReason.POST_ONLY


async def test_a_silent_venue_has_nothing_to_offer(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 1)
        run.venue.line.silent()
        row = await run.place(ALICE, BUY, 1)
        (ended,) = (event for event in row.events if isinstance(event, OrderEnded))
        assert ended.reason is EndReason.NO_LIQUIDITY


async def test_a_restart_finds_the_same_exchange(autojump_clock: MockClock, tmp_path: Path) -> None:
    venue = venue_with_book()
    async with paper_run(tmp_path, venue) as run:
        await run.place(ALICE, BUY, 8, price_ticks=500_150, client_order_id="l")
        before = await run.house.matching.query(PurseQuery(ALICE))
    venue.line.silent()
    async with paper_run(tmp_path, venue) as run:
        after = await run.house.matching.query(PurseQuery(ALICE))
        assert after.balances == before.balances
        assert [order.order_id for order in after.orders] == [o.order_id for o in before.orders]
        venue.line.heard()
        await settle(run)
        assert await run.orders() == {}, "the copy begins anew, and has what it was waiting for"
        assert fills(await run.place(BOB, BUY, 5)) == [(500_100, 2), (500_200, 3)]


async def test_a_resting_order_takes_what_comes_within_its_price(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 8, price_ticks=500_150)
        run.venue.level(SELL, 500_120, 2)
        await settle(run)
        (order,) = (await run.orders()).values()
        assert order.executed_lots == 7
        run.venue.level(SELL, 500_120, 9)
        assert fills(await run.place(BOB, BUY, 7)) == [(500_120, 6), (500_200, 1)]
        assert await run.orders() == {}


async def test_a_failed_paper_exchange_starts_again_and_refuses_meanwhile(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Red without a new mailbox at each start: nothing was answered any more."""
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 1)
        run.stop_serving()
        await trio.sleep(1)
        with pytest.raises(Closed):
            await run.place(ALICE, BUY, 1)
        run.serve_again()
        await trio.sleep(1)
        assert fills(await run.place(ALICE, BUY, 1)) == [(500_100, 1)]


async def test_nobody_is_left_waiting_when_paper_fails_in_the_middle(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Red without ``abandon``: the daemon outlives paper, and the asker waits for ever."""
    disk = Disk()
    with registered(disk) as vfs:
        async with paper_run(tmp_path, venue_with_book(), DiskFiles(disk, vfs)) as run:
            await run.place(ALICE, BUY, 1)
            log = disk.files[f"{run.paths.paper}-wal"]
            log.broken = True
            run.expect_failure()
            with trio.fail_after(10), pytest.raises(Closed):
                await run.place(ALICE, BUY, 1)
            log.broken = False
            run.serve_again()
            await trio.sleep(1)
            assert fills(await run.place(ALICE, BUY, 1)) == [(500_100, 1)]


async def test_only_what_fills_or_triggers_is_journaled(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 1, price_ticks=499_900)
        seq = (await run.house.matching.own_market()).seq
        for number in range(200):
            run.venue.level(BUY, 499_800 - number, 1)
            run.venue.trade(SELL, 500_000, 1)
            run.venue.trade(BUY, 500_100, 1)
        await settle(run)
        assert (await run.house.matching.own_market()).seq == seq


async def test_fill_or_kill_is_judged_by_all_that_is_there(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        terms = {"price_ticks": 500_200, "time_in_force": TimeInForce.FOK}
        row = await run.place(ALICE, BUY, 11, **terms)
        (ended,) = (event for event in row.events if isinstance(event, OrderEnded))
        assert (ended.reason, fills(row)) == (EndReason.FOK, [])
        assert fills(await run.place(ALICE, BUY, 10, **terms)) == [(500_100, 5), (500_200, 5)]


async def test_without_funds_only_a_level_of_the_venue_is_journaled(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 1)
        poor = Purse("carol/paper")
        opening = OpenPurse(purse=poor, simulated=True, request_id="")
        seq = (await run.house.matching.execute(opening)).seq
        with pytest.raises(Rejection) as refused:
            await run.place(poor, BUY, 9)
        assert refused.value.reason is Reason.INSUFFICIENT_FUNDS
        came_and_went = 2
        assert (await run.house.matching.own_market()).seq == seq + came_and_went


async def test_replacing_and_flattening_meet_the_venue(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 4, price_ticks=499_000, client_order_id="far")
        replaced = await run.house.matching.execute(
            ReplaceOrder(
                purse=ALICE,
                symbol=PAPER_SYMBOL,
                replaced_order_id=None,
                replaced_client_order_id="far",
                client_order_id="near",
                price_ticks=500_100,
                quantity_lots=None,
                stop_ticks=None,
                display_lots=None,
                expires_at_ns=None,
                expected_executed_lots=None,
            )
        )
        assert fills(replaced) == [(500_100, 4)]
        flat = await run.house.matching.execute(Flatten(purse=ALICE, symbol=None, request_id=""))
        assert fills(flat) == [(500_000, 4)]
        assert await run.btc_lots() == MARKET_LOTS


OFFERED = st.lists(st.tuples(st.integers(500_050, 500_120), st.integers(1, 9)), max_size=6)
RESTING = st.lists(st.tuples(st.integers(500_040, 500_130), st.integers(1, 5)), max_size=4)
TERMS = st.tuples(
    st.none() | st.integers(500_040, 500_130), st.sampled_from([TimeInForce.IOC, TimeInForce.FOK])
)


@given(OFFERED, RESTING, st.integers(1, 30), TERMS)
@settings(max_examples=25, deadline=None)
def test_a_preview_changes_nothing_and_comes_true(
    offered: list[tuple[int, int]],
    resting: list[tuple[int, int]],
    lots: int,
    terms: tuple[int | None, TimeInForce],
) -> None:
    """Whatever the venue offers and others sell on paper, the order does what was said.

    Checked by breaking, each seen red: leaving the venue's orders in the book, leaving them out.
    """
    price, time_in_force = terms
    order: dict[str, Any] = {
        "lots": lots,
        "price_ticks": price,
        "time_in_force": time_in_force if price is not None else TimeInForce.IOC,
    }

    async def main() -> None:
        venue = venue_with_book()
        for price_ticks, lots in offered:
            venue.level(SELL, price_ticks, lots)
        with TemporaryDirectory() as root:
            async with paper_run(Path(root), venue) as run:
                for price_ticks, lots in resting:
                    await run.place(BOB, SELL, lots, price_ticks=price_ticks)
                await settle(run)
                exchange = run.house.exchange
                assert exchange is not None
                before = exchange.snapshot()
                query = PreviewQuery(run.order(ALICE, BUY, **order), run.now_ns())
                preview = await run.house.matching.query(query)
                assert exchange.snapshot() == before
                exchange.check()
                row = await run.place(ALICE, BUY, **order)
                assert preview.row is not None
                assert fills(preview.row) == fills(row)

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_positions_are_worth_the_venues_price_of_now(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Without a row of the journal. While the venue is silent, the last mark is what there is."""
    async with paper_run(tmp_path, venue_with_book()) as run:
        await run.place(ALICE, BUY, 5)
        seq = (await run.house.matching.own_market()).seq
        run.venue.trade(BUY, 640_000, 1)
        assert (await run.price()).ticks == 640_000
        run.venue.line.silent()
        assert (await run.price()).ticks == 500_000
        assert (await run.house.matching.own_market()).seq == seq


async def test_a_start_needs_only_the_rows_since_the_snapshot(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Red when the start begins with the first row."""
    venue, paths = venue_with_book(), DataPaths(tmp_path)
    async with paper_run(tmp_path, venue) as run:
        await run.place(ALICE, BUY, 3)
    paths.paper_snapshots.mkdir()
    assert write_snapshot(paths.paper, paths.paper_snapshots, KEY) is not None
    async with paper_run(tmp_path, venue) as run:
        await run.place(ALICE, BUY, 4, client_order_id="second")
        before = await run.house.matching.query(PurseQuery(ALICE))
        since = run.house.last_seq - newest_seq(paths.paper_snapshots)
    async with paper_run(tmp_path, venue) as run:
        assert 0 < run.house.replayed_rows == since
        after = await run.house.matching.query(PurseQuery(ALICE))
        assert (after.balances, after.positions) == (before.balances, before.positions)


async def test_a_lost_journal_is_told_and_paper_begun_anew_by_command(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Red without the check: what is said then names a row, and nothing that could be done."""
    paths = DataPaths(tmp_path)
    async with paper_run(tmp_path) as run:
        await run.house.matching.own_market()
    paths.paper_snapshots.mkdir()
    assert write_snapshot(paths.paper, paths.paper_snapshots, KEY) is not None
    paths.paper.unlink()
    with pytest.raises(ExceptionGroup) as failed:
        async with paper_run(tmp_path):
            pass
    (missing,) = failed.value.exceptions
    assert isinstance(missing, PaperMissing)
    assert "xached reset-paper" in str(missing)
    cli.reset_paper(data=tmp_path)
    assert list(paths.paper_snapshots.iterdir()) == []
    async with paper_run(tmp_path) as run:
        assert run.house.replayed_rows == 0
        assert run.house.exchange is not None
    with pytest.raises(SystemExit):
        cli.reset_paper(data=tmp_path / "nothing")
