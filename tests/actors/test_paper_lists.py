"""Orders that depend on each other, on paper: the venue fills one, and the others follow.

Checked by breaking, each seen red: moving the mark for one order of a list after something was
offered to another, which took the offer away; counting simulated trades.
"""

from __future__ import annotations

from pathlib import Path

from trio.testing import MockClock

from tests.actors.test_paper import BUY, MARKET_LOTS, SELL, fills, settle, venue_with_book
from tests.paper_venue import ALICE, PAPER_SYMBOL, PaperRun, paper_run
from xached.domain.list_messages import ListLeg, PlaceList
from xached.domain.messages import Row
from xached.domain.order import (
    ListActivation,
    ListKind,
    OrderStatus,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
    account_of,
)


def leg(name: str, side: Side, lots: int, price_ticks: int | None, stop_ticks: int = 0) -> ListLeg:
    """An order of a list: a limit, or a stop at market."""
    return ListLeg(
        client_order_id=name,
        side=side,
        type=OrderType.LIMIT if price_ticks is not None else OrderType.STOP,
        time_in_force=TimeInForce.GTC,
        price_ticks=price_ticks,
        quantity_lots=lots,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
        trigger=(Trigger(source=TriggerSource.LAST, stop_ticks=stop_ticks) if stop_ticks else None),
    )


async def place_list(
    run: PaperRun, kind: ListKind, activation: ListActivation, *legs: ListLeg
) -> Row:
    """Place a list of alice's."""
    return await run.house.matching.execute(
        PlaceList(
            purse=ALICE,
            request_id="the-list",
            symbol=PAPER_SYMBOL,
            kind=kind,
            activation=activation,
            legs=legs,
        )
    )


async def test_of_two_that_exclude_each_other_the_venue_fills_one(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await place_list(
            run,
            ListKind.OCO,
            ListActivation.FULL,
            leg("profit", SELL, 4, 500_300),
            leg("stop", SELL, 4, None, 499_950),
        )
        assert set(await run.orders()) == {"profit", "stop"}
        run.venue.trade(BUY, 500_301, 1)
        await settle(run)
        assert await run.orders() == {}
        assert await run.btc_lots() == MARKET_LOTS - 4


async def test_a_child_wakes_when_the_venue_has_filled_its_parent(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        await place_list(
            run,
            ListKind.OTO,
            ListActivation.FULL,
            leg("parent", BUY, 3, 499_900),
            leg("child", SELL, 3, 500_400),
        )
        assert (await run.orders())["child"].status is OrderStatus.PENDING_NEW
        run.venue.trade(SELL, 499_899, 1)
        await settle(run)
        assert set(await run.orders()) == {"child"}
        assert (await run.orders())["child"].status is OrderStatus.OPEN


async def test_a_bracket_opens_with_what_the_venue_offers_and_is_stopped_by_its_price(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with paper_run(tmp_path, venue_with_book()) as run:
        row = await place_list(
            run,
            ListKind.BRACKET,
            ListActivation.PARTIAL,
            leg("parent", BUY, 4, 500_100),
            leg("profit", SELL, 4, 500_400),
            leg("stop", SELL, 4, None, 499_950),
        )
        assert fills(row) == [(500_100, 4)]
        assert set(await run.orders()) == {"profit", "stop"}
        run.venue.trade(SELL, 499_950, 1)
        await settle(run)
        assert await run.orders() == {}
        assert await run.btc_lots() == MARKET_LOTS


async def test_what_the_venue_trades_on_paper_is_no_volume(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Red when simulated trades are counted."""
    async with paper_run(tmp_path, venue_with_book()) as run:
        assert fills(await run.place(ALICE, BUY, 7)) == [(500_100, 5), (500_200, 2)]
        exchange = run.house.exchange
        assert exchange is not None
        assert exchange.state.accounts[account_of(ALICE)].volumes == {}
