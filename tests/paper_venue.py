"""A paper exchange on its own files, and a venue whose book and tape a test writes by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import trio

from tests.storage.house import INSTRUMENT, KEY, SYMBOL
from xached.domain.candles import Candle, Interval
from xached.domain.depth import PublicBook
from xached.domain.instrument import Asset, AssetName, Directory, Symbol
from xached.domain.market import BINANCE, Provenance
from xached.domain.market_line import MarketLine
from xached.domain.messages import Deposit, OpenPurse, PlaceOrder, Row
from xached.domain.order import (
    Order,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.paper import paper_symbol
from xached.domain.portfolio import HoldingsQuery, Price
from xached.domain.queries import PurseQuery
from xached.house.paper import PaperHouse
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.world import REAL_FILES, Files, SimulatedWorld
from xached.storage.directory import DataPaths
from xached.storage.journal import JournalFailed

PAPER_SYMBOL = paper_symbol(INSTRUMENT)
ALICE, BOB = Purse("alice/paper"), Purse("bob/paper")
BTC, USDT = AssetName("BTC.PAPER"), AssetName("USDT.PAPER")


class HandVenue:
    """A venue's line of BTC-USDT."""

    def __init__(self) -> None:
        self.line = MarketLine(SYMBOL, BINANCE, Provenance.LIVE, PublicBook())
        self.now_ns = 1

    def line_of(self, symbol: Symbol) -> MarketLine | None:
        """What the paper exchange asks for."""
        return self.line if symbol == SYMBOL else None

    async def candles(
        self, line: MarketLine, interval: Interval, *, from_ns: int, to_ns: int | None, limit: int
    ) -> list[Candle]:
        """What the paper exchange asks for, too."""
        found = [
            each
            for each in line.candles(interval)
            if each.open_at_ns >= from_ns and (to_ns is None or each.open_at_ns < to_ns)
        ]
        return found[-limit:]

    def level(self, side: Side, price_ticks: int, lots: int) -> None:
        """The venue shows this much at a price."""
        self.line.book.depth.set(side, price_ticks, lots)
        self.line.book.changed(self.now_ns)

    def trade(self, taker_side: Side, price_ticks: int, lots: int) -> None:
        """The venue trades."""
        self.now_ns += 1
        self.line.trade(
            trade_id=str(self.now_ns),
            price_ticks=price_ticks,
            quantity_lots=lots,
            taker_side=taker_side,
            at_ns=self.now_ns,
        )


@attrs.define(kw_only=True)
class PaperRun:
    """A paper exchange that runs."""

    house: PaperHouse
    venue: HandVenue
    paths: DataPaths
    nursery: trio.Nursery
    serving: trio.CancelScope
    now_ns: Callable[[], int]
    may_fail: trio.Event
    count: int = 0

    def stop_serving(self) -> None:
        """End the actor, as a failure does."""
        self.serving.cancel()

    def expect_failure(self) -> None:
        """From now on a failure ends the actor and nothing else."""
        self.may_fail.set()

    def serve_again(self) -> None:
        """Start it again, as the supervisor does."""
        self.serving = trio.CancelScope()
        self.nursery.start_soon(_serve, self.house, self.venue, self.serving, self.may_fail)

    async def place(self, purse: Purse, side: Side, lots: int, **terms: Any) -> Row:
        """Place an order; see :meth:`order`."""
        return await self.house.matching.execute(self.order(purse, side, lots, **terms))

    async def price(self) -> Price:
        """What the market is valued at."""
        query = HoldingsQuery((ALICE,), self.now_ns())
        return (await self.house.matching.query(query)).prices[PAPER_SYMBOL]

    def order(self, purse: Purse, side: Side, lots: int, **terms: Any) -> PlaceOrder:
        """An order: at market, or a limit with ``price_ticks``."""
        self.count += 1
        price = terms.get("price_ticks")
        kind = OrderType.LIMIT if price is not None else OrderType.MARKET
        resting = TimeInForce.GTC if price is not None else TimeInForce.IOC
        values: dict[str, Any] = {
            "client_order_id": f"o{self.house.matching.commits.maxlen}-{self.count}",
            "type": kind,
            "time_in_force": resting,
            "price_ticks": None,
            "quote_units": None,
            "post_only": False,
            "self_trade_prevention": SelfTradePrevention.EXPIRE_TAKER,
            "expires_at_ns": None,
        }
        return PlaceOrder(
            purse=purse,
            symbol=PAPER_SYMBOL,
            side=side,
            quantity_lots=lots,
            **values | terms,
        )

    async def orders(self, purse: Purse = ALICE) -> dict[str, Order]:
        """A purse's open orders by client id."""
        snapshot = await self.house.matching.query(PurseQuery(purse))
        return {order.client_order_id: order for order in snapshot.orders}

    async def btc_lots(self, purse: Purse = ALICE) -> int:
        """What a purse owns, held or not."""
        snapshot = await self.house.matching.query(PurseQuery(purse))
        funds = snapshot.balances[BTC]
        return (funds.available + funds.held) // INSTRUMENT.lot_units


@asynccontextmanager
async def paper_run(
    root: Path, venue: HandVenue | None = None, files: Files = REAL_FILES
) -> AsyncIterator[PaperRun]:
    """Run the paper exchange of a data directory; alice and bob have play money."""
    venue = venue or HandVenue()
    world = SimulatedWorld(1, files=files)
    real = Directory()
    real.list_asset(Asset(AssetName("BTC"), 8))
    real.list_asset(Asset(AssetName("USDT"), 6))
    real.list_instrument(INSTRUMENT)
    with ExitStack() as closing:
        house = PaperHouse(DataPaths(root), KEY, world, SteadyClock(world), real, closing)
        async with trio.open_nursery() as nursery:
            serving, may_fail = trio.CancelScope(), trio.Event()
            nursery.start_soon(_serve, house, venue, serving, may_fail)
            while PAPER_SYMBOL not in house.directory:  # noqa: ASYNC110 - a test on a mock clock
                await trio.sleep(0.01)
            for purse in (ALICE, BOB):
                await house.matching.execute(OpenPurse(purse=purse, simulated=True, request_id=""))
                for asset in (BTC, USDT):
                    await house.matching.execute(
                        Deposit(
                            purse=purse,
                            asset=asset,
                            amount_units=10**13,
                            request_id=f"d-{purse}-{asset}",
                        )
                    )
            yield PaperRun(
                house=house,
                venue=venue,
                paths=DataPaths(root),
                nursery=nursery,
                serving=serving,
                now_ns=world.now_ns,
                may_fail=may_fail,
            )
            nursery.cancel_scope.cancel()


async def _serve(
    house: PaperHouse, venue: HandVenue, scope: trio.CancelScope, may_fail: trio.Event
) -> None:
    with scope:
        try:
            await house.run(venue.line_of, venue.candles)
        except* JournalFailed:
            if not may_fail.is_set():
                raise
