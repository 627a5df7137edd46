"""Calls of paper purses reach the paper exchange, and nothing of it reaches the real one.

Checked by breaking, each seen red: routing by account instead of purse, opening paper purses on the
real exchange, crediting play money at every opening.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.actors.test_paper import venue_with_book
from tests.api.trading_house import (
    Collected,
    FakeCall,
    FedRequests,
    TradingHouse,
    call_of,
    limit,
    status,
    trading_house,
)
from tests.paper_venue import BTC, PaperRun, paper_run
from xached.api.disconnect_guard import Disconnects
from xached.api.errors import StatusError
from xached.api.order_control import OrderControl
from xached.api.order_reading import OrderReading
from xached.api.paper import AccountsByPurse, ByPurse, paper_unavailable
from xached.api.portfolio import Portfolios
from xached.api.trading import TradingHandlers
from xached.api.wallet import WalletHandlers
from xached.domain.messages import Deposit, OpenPurse
from xached.domain.order import Purse, Side
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Mailbox

BUY = Side.BUY
HOUR_NS = 3_600 * 10**9


@attrs.define(kw_only=True)
class BothHouses:
    """The real house and the paper exchange behind handlers that divide."""

    real: TradingHouse
    paper: PaperRun
    trading: TradingHandlers
    control: OrderControl
    reading: OrderReading
    wallet: WalletHandlers
    portfolios: Portfolios
    accounts: AccountsByPurse

    async def open(self, account: str, subaccount: str) -> None:
        """Open a sub-account as its owner does."""
        request = account_pb2.OpenSubaccountRequest(subaccount=subaccount)
        await self.accounts.open_subaccount(call_of(account, subaccount), request)

    async def balances(self, account: str, subaccount: str) -> dict[str, str]:
        """Free funds by asset."""
        answer = await self.wallet.get_balances(
            call_of(account, subaccount), wallet_pb2.GetBalancesRequest()
        )
        return {each.asset: each.available for each in answer.balances}


@asynccontextmanager
async def both_houses(root: Path) -> AsyncIterator[BothHouses]:
    """Alice and bob have money in both."""
    async with trading_house(root) as real, paper_run(root, venue_with_book()) as paper:
        house = paper.house
        matching, directory, history = house.matching, house.directory, house.history
        assert history is not None
        now_ns = real.running.world.now_ns
        twins: dict[type, object] = {
            TradingHandlers: TradingHandlers(
                matching, directory, history, house.rows, now_ns, Disconnects()
            ),
            OrderControl: OrderControl(matching, directory, now_ns),
            OrderReading: OrderReading(matching, directory, history),
            WalletHandlers: WalletHandlers(matching, directory, history),
            Portfolios: Portfolios(matching, directory, history, house.market, now_ns),
        }

        def divided(handlers: object) -> object:
            return ByPurse(handlers, lambda: twins[type(handlers)])

        # What passes calls on has their methods, and tells nobody of it in its type.
        yield BothHouses(
            real=real,
            paper=paper,
            trading=divided(real.trading),  # type: ignore[arg-type]
            control=divided(real.control),  # type: ignore[arg-type]
            reading=divided(real.reading),  # type: ignore[arg-type]
            wallet=divided(real.wallet),  # type: ignore[arg-type]
            portfolios=divided(real.portfolios),  # type: ignore[arg-type]
            accounts=AccountsByPurse(
                Mailbox(4),
                real.running.matching,
                real.running.directory,
                now_ns,
                paper=matching,
                paper_directory=directory,
                opening=100_000,
            ),
        )


def paper_limit(client_order_id: str, **terms: Any) -> trading_pb2.PlaceOrderRequest:
    """A limit order for the sub-account paper-1."""
    return limit(client_order_id, subaccount="paper-1", **terms)


async def test_opening_credits_play_money_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with both_houses(tmp_path) as houses:
        before = houses.real.running.journal.last_seq
        await houses.open("alice", "paper-1")
        await houses.open("alice", "paper-1")
        assert await houses.balances("alice", "paper-1") == {"USDT.PAPER": "100000"}
        assert houses.real.running.journal.last_seq == before
        await houses.open("alice", "savings")
        assert houses.real.running.journal.last_seq == before + 1


async def test_an_order_for_paper_changes_nothing_in_the_real_house(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        market = await houses.real.running.matching.own_market()
        real = await houses.balances("alice", "")
        answer = await houses.trading.place_order(
            call_of("alice", "paper-1"), paper_limit("p1", price="50010", quantity="0.00003")
        )
        assert answer.order.symbol == "BTC.PAPER-USDT.PAPER"
        assert [fill.simulated for fill in answer.fills] == [True]
        assert (await houses.balances("alice", "paper-1"))[BTC] == "0.00003"
        assert await houses.balances("alice", "") == real
        assert await houses.real.running.matching.own_market() == market
        told = await houses.reading.get_order(
            call_of("alice", "paper-1"), trading_pb2.GetOrderRequest(client_order_id="p1")
        )
        assert told.order.order_id == answer.order.order_id


async def test_an_order_for_the_real_house_changes_nothing_on_paper(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        exchange = houses.paper.house.exchange
        assert exchange is not None
        before, seq = exchange.snapshot(), houses.paper.house.last_seq
        answer = await houses.trading.place_order(
            call_of("alice"), limit("r1", price="49000", quantity="0.00003")
        )
        assert answer.order.symbol == "BTC-USDT"
        told = await houses.reading.get_order(
            call_of("alice"), trading_pb2.GetOrderRequest(client_order_id="r1")
        )
        assert told.order.order_id == answer.order.order_id
        with pytest.raises(StatusError) as refused:
            await houses.reading.get_order(
                call_of("alice", "paper-1"), trading_pb2.GetOrderRequest(client_order_id="r1")
            )
        assert refused.value.reason == "UNKNOWN_ORDER"
        assert (exchange.snapshot(), houses.paper.house.last_seq) == (before, seq)


async def test_a_stream_of_orders_goes_where_its_first_entry_says(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        requests: FedRequests[trading_pb2.EnterOrdersRequest] = FedRequests()
        responses: Collected[trading_pb2.EnterOrdersResponse] = Collected()
        for tag in (1, 2):
            place = paper_limit(f"p{tag}", price="49000")
            requests.put(trading_pb2.EnterOrdersRequest(tag=tag, subaccount="paper-1", place=place))
        requests.end()
        await houses.trading.enter_orders(FakeCall("alice"), requests, responses)
        assert [each.result.WhichOneof("result") for each in responses.messages] == ["placed"] * 2
        symbols = {each.result.placed.order.symbol for each in responses.messages}
        assert symbols == {"BTC.PAPER-USDT.PAPER"}


async def test_nothing_passes_between_paper_and_real(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        for source, target in (("", "paper-1"), ("paper-1", "main")):
            request = wallet_pb2.TransferFundsRequest(
                subaccount=source,
                target_subaccount=target,
                asset="USDT",
                amount="1",
                request_id=f"t{target}",
            )
            with pytest.raises(Rejection) as refused:
                await houses.wallet.transfer_funds(call_of("alice", source), request)
            assert status(refused.value).reason == "UNKNOWN_PURSE"


async def test_paper_purses_are_listed_as_simulated(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        answer = await houses.accounts.list_subaccounts(
            call_of("alice"), account_pb2.ListSubaccountsRequest()
        )
        assert [(each.name, each.simulated) for each in answer.subaccounts] == [
            ("main", False),
            ("paper", True),
        ]


async def test_the_names_of_strategies_purses_are_theirs(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        with pytest.raises(Rejection) as refused:
            await houses.accounts.open_subaccount(
                call_of("alice", f"paper-{16 * 'a'}-2"),
                account_pb2.OpenSubaccountRequest(subaccount=f"paper-{16 * 'a'}-2"),
            )
        assert status(refused.value).reason == "ID_FORMAT"


async def test_while_paper_starts_its_calls_are_refused(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:

        def starting() -> object:
            raise paper_unavailable()

        wallet: Any = ByPurse(houses.real.wallet, starting)
        await trio.lowlevel.checkpoint()
        with pytest.raises(StatusError) as refused:
            await wallet.get_balances(call_of("alice", "paper"), wallet_pb2.GetBalancesRequest())
        assert refused.value.reason == "PAPER_UNAVAILABLE"


async def test_a_preview_meets_the_venue_as_the_order_will(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        seq = (await houses.paper.house.matching.own_market()).seq
        order = paper_limit("p1", price="50020", quantity="0.00007")
        preview = await houses.control.preview_order(
            call_of("alice", "paper-1"), trading_pb2.PreviewOrderRequest(order=order)
        )
        assert (await houses.paper.house.matching.own_market()).seq == seq
        placed = await houses.trading.place_order(call_of("alice", "paper-1"), order)
        terms = [(fill.price, fill.quantity, fill.simulated) for fill in preview.accepted.fills]
        assert terms == [("50010.0", "0.00005", True), ("50020.0", "0.00002", True)]
        assert terms == [(fill.price, fill.quantity, fill.simulated) for fill in placed.fills]
        funds = {each.asset: each.available for each in preview.accepted.balances}
        assert funds == await houses.balances("alice", "paper-1")
        refused = await houses.control.preview_order(
            call_of("alice", "paper-1"),
            trading_pb2.PreviewOrderRequest(order=paper_limit("p2", quantity="10000000")),
        )
        assert refused.refusal.reason == "QUANTITY_RANGE"


async def test_what_is_held_on_paper_is_worth_the_venues_price_and_says_that_it_is_simulated(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        real = houses.real.running.exchange.state
        volumes = {account: dict(each.volumes) for account, each in real.accounts.items()}
        request = paper_limit("p1", price="50010", quantity="0.00005")
        await houses.trading.place_order(call_of("alice", "paper-1"), request)
        houses.paper.venue.trade(BUY, 600_000, 1)
        answer = await houses.portfolios.list_positions(
            call_of("alice", "paper-1"), trading_pb2.ListPositionsRequest()
        )
        (position,) = answer.positions
        assert (position.price, position.value) == ("60000.0", "3")
        assert position.price_source.venue == "PAPER"
        assert position.price_source.provenance == types_pb2.PROVENANCE_SIMULATED
        worth = await houses.portfolios.get_portfolio(
            call_of("alice", "paper-1"), wallet_pb2.GetPortfolioRequest()
        )
        assert worth.base_asset == "USDT.PAPER"
        assert worth.value == "100000.4995"
        assert {account: dict(each.volumes) for account, each in real.accounts.items()} == volumes
        assert "BTC.PAPER-USDT.PAPER" not in houses.real.market.own.books


async def test_a_paper_portfolio_has_changed_as_the_venues_price_has(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Red without the venue's candles: then nothing is told of the day."""
    async with paper_run(tmp_path, venue_with_book()) as run:
        house, venue, bought_ns = run.house, run.venue, run.now_ns()
        assert house.history is not None
        venue.now_ns = bought_ns
        venue.trade(BUY, 500_000, 1)
        purse = Purse("carol/paper")
        for command in (
            OpenPurse(purse=purse, simulated=True, request_id=""),
            Deposit(purse=purse, asset=BTC, amount_units=10**8, request_id="one"),
        ):
            await house.matching.execute(command)
        venue.now_ns += 24 * HOUR_NS
        venue.trade(BUY, 600_000, 1)
        portfolios = Portfolios(
            house.matching,
            house.directory,
            house.history,
            house.market,
            lambda: bought_ns + 25 * HOUR_NS,
        )
        answer = await portfolios.get_portfolio(
            call_of("carol", "paper"), wallet_pb2.GetPortfolioRequest()
        )
        assert (answer.value, answer.change_24h) == ("60000", "10000")


async def test_a_real_minimum_binds_on_paper(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with both_houses(tmp_path) as houses:
        await houses.open("alice", "paper-1")
        request = paper_limit("big", quantity="10000000", price="50000")
        with pytest.raises(Rejection) as refused:
            await houses.trading.place_order(call_of("alice", "paper-1"), request)
        assert status(refused.value).reason == "QUANTITY_RANGE"
