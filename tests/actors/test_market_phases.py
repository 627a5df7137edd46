"""Markets move on by themselves, at their time, also when the daemon was down, and without haste.

Checked by breaking, each seen red: a deadline that the actor does not wait for, a phase that is
forgotten by a restart, a delisted market that is left with orders after a long row, an instrument
that is known to nobody after it changed.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.actors.test_matching import ALICE, BOB, Running, buy, order, running
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.actors.matching import Batch
from xached.domain import listing
from xached.domain.auction import Indication
from xached.domain.market_messages import ChangeInstrument, DelistInstrument
from xached.domain.messages import (
    AdvanceClock,
    Deposit,
    MarketStateSet,
    Row,
    SetMarketState,
    Traded,
)
from xached.domain.order import MarketState, Side
from xached.domain.queries import IndicativeQuery

SECOND_NS = 1_000_000_000
TIMED = attrs.evolve(INSTRUMENT, auction_ns=60 * SECOND_NS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def begin_auction(house: Running) -> None:
    """Let the market gather for a minute, with two orders that cross."""
    await house.matching.execute(ChangeInstrument(instrument=TIMED, request_id="change"))
    await house.matching.execute(
        SetMarketState(
            symbol=SYMBOL, state=MarketState.AUCTION, cause="drill", request_id="auction"
        )
    )
    await house.matching.execute(buy("b", 501_000, 5))
    await house.matching.execute(order(BOB, "s", Side.SELL, 499_000, 3))


async def test_an_auction_ends_at_its_time_without_a_command(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        await begin_auction(house)
        auction = await house.matching.query(IndicativeQuery(SYMBOL))
        assert auction is not None
        assert auction.indication == Indication(500_000, 3, 2)
        assert auction.until_ns is not None
        left_s = (auction.until_ns - house.world.now_ns()) / SECOND_NS
        assert 59 < left_s <= 60
        async with house.feed.subscribe(100) as rows:
            await trio.sleep(left_s - 0.1)
            assert house.exchange.state.markets[SYMBOL].last_ticks is None
            await trio.sleep(0.2)
            batch = await rows.receive_batch()
        (row,) = (each for each in batch if isinstance(each, Row))
        assert row.at_ns >= auction.until_ns
        kinds = [type(event) for event in row.events]
        assert kinds.index(Traded) < kinds.index(MarketStateSet)
        assert house.exchange.state.markets[SYMBOL].last_ticks == 500_000
        assert await house.matching.query(IndicativeQuery(SYMBOL)) is None


async def test_an_auction_that_ran_out_while_nobody_was_there_ends_at_the_start(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        await begin_auction(house)
    await trio.sleep(3_600)
    async with running(path) as house:
        await trio.sleep(61)
        market = house.exchange.state.markets[SYMBOL]
        assert market.effective_state() is MarketState.TRADING
        assert market.last_ticks == 500_000


async def test_a_changed_instrument_is_known_at_once_and_after_a_restart(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        await house.matching.execute(ChangeInstrument(instrument=TIMED, request_id="change"))
        assert house.directory.instrument(SYMBOL) == TIMED
    async with running(path) as house:
        assert house.directory.instrument(SYMBOL) == TIMED


async def test_a_delisted_market_is_emptied_however_many_orders_it_has(
    autojump_clock: MockClock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step ends so many at most, a row has so many steps at most; the rest follows at once."""
    monkeypatch.setattr(listing, "ENDED_IN_A_STEP", 2)
    monkeypatch.setattr("xached.actors.matching.STEPS_MAX", 3)
    async with running(path) as house:
        orders = tuple(buy(f"o{number}") for number in range(20))
        await house.matching.mailbox.ask(Batch(orders), account=ALICE)
        assert len(house.exchange.state.orders) == 20
        async with house.feed.subscribe(100) as rows:
            delist = DelistInstrument(symbol=SYMBOL, cause="drill", request_id="delist")
            deposit = Deposit(purse=BOB, asset=INSTRUMENT.quote, amount_units=1, request_id="next")
            # Whatever comes next, even in the same message, finds all of it done.
            await house.matching.mailbox.ask(Batch((delist, deposit)), account=ALICE)
            assert not house.exchange.state.orders
            told = [row for row in await rows.receive_batch() if isinstance(row, Row)]
        assert [type(row.command) for row in told] == [
            DelistInstrument,
            AdvanceClock,
            AdvanceClock,
            AdvanceClock,
            Deposit,
        ]
