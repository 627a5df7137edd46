"""The client of programs on trio, over a scripted house and a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio
from google.rpc import code_pb2
from xache.connection import Patience
from xache.errors import NotSignedIn, Refused
from xache.trio_client import BUFFERED_MAX, TrioClient
from xache.v1 import market_pb2, trading_pb2, types_pb2

from tests.clients.house import EMAIL, NOW_NS, PASSWORD, House, break_off, refuse


@pytest.fixture
async def trader(house: House) -> AsyncIterator[TrioClient]:
    patience = Patience(wait_s_first=0.01, wait_s_max=0.05)
    async with TrioClient(house.target, now_ns=lambda: NOW_NS, patience=patience) as client:
        yield client


def trades(*sequences: int) -> market_pb2.WatchTradesResponse:
    return market_pb2.WatchTradesResponse(
        trades=[market_pb2.Trade(sequence=sequence) for sequence in sequences]
    )


async def test_calls_are_those_of_the_plain_client(house: House, trader: TrioClient) -> None:
    with pytest.raises(NotSignedIn):
        await trader.call(trader.trading.open_orders)
    await trader.call(trader.auth.login, EMAIL, PASSWORD)
    placed = await trader.call(
        trader.trading.place_order,
        symbol="BTC-USDT", side=types_pb2.SIDE_BUY, quantity="0.1", price="50000",
        client_order_id="mine",
    )  # fmt: skip
    assert placed.order.client_order_id == "mine"
    house.fail_next = [
        lambda context: refuse(context, code_pb2.NOT_FOUND, "UNKNOWN_INSTRUMENT", "no such market")
    ]
    with pytest.raises(Refused, match="no such market"):
        await trader.call(trader.market.book, "DOGE-USDT")


async def test_calls_run_beside_each_other_and_the_loop(house: House, trader: TrioClient) -> None:
    await trader.call(trader.auth.login, EMAIL, PASSWORD)
    answered: list[str] = []

    async def ask(name: str) -> None:
        await trader.call(trader.trading.open_orders, symbol=name)
        answered.append(name)

    async with trio.open_nursery() as nursery:
        for index in range(20):
            nursery.start_soon(ask, str(index))
    assert len(answered) == 20


async def test_a_lost_answer_is_asked_for_again_under_the_same_id(
    house: House, trader: TrioClient
) -> None:
    await trader.call(trader.auth.login, EMAIL, PASSWORD)
    house.lose_next_answers = 1
    await trader.call(
        trader.trading.place_order,
        symbol="BTC-USDT", side=types_pb2.SIDE_BUY, quantity="1", price="2", client_order_id="once",
    )  # fmt: skip
    assert house.calls.count("PlaceOrder") == 2
    assert list(house.orders) == ["once"]


async def test_a_stream_resumes_over_a_broken_connection(house: House, trader: TrioClient) -> None:
    house.streams["WatchTrades"] = [[trades(1, 2), break_off], [trades(3)]]
    seen: list[int] = []
    async with trader.stream(trader.market.watch_trades, "BTC-USDT") as messages:
        async for message in messages:
            seen += [trade.sequence for trade in message.trades]
            if len(seen) == 3:
                break
    assert seen == [1, 2, 3]
    asked = [each for each in house.requests if isinstance(each, market_pb2.WatchTradesRequest)]
    assert [each.after_sequence for each in asked] == [0, 2]


async def test_a_stream_that_is_refused_raises_where_it_is_read(
    house: House, trader: TrioClient
) -> None:
    house.fail_next = [
        lambda context: refuse(context, code_pb2.NOT_FOUND, "UNKNOWN_INSTRUMENT", "no such market")
    ]
    async with trader.stream(trader.market.watch_trades, "DOGE-USDT") as messages:
        with pytest.raises(Refused, match="no such market"):
            await anext(messages)


async def test_a_slow_reader_loses_nothing(house: House, trader: TrioClient) -> None:
    """Checked: with messages dropped when the buffer is full, most of these are missing."""
    count = 3 * BUFFERED_MAX
    house.streams["WatchTrades"] = [[trades(number) for number in range(1, count + 1)]]
    seen: list[int] = []
    async with trader.stream(trader.market.watch_trades, "BTC-USDT") as messages:
        async for message in messages:
            await trio.lowlevel.checkpoint()
            seen.append(message.trades[0].sequence)
            if len(seen) == count:
                break
    assert seen == list(range(1, count + 1))


async def test_what_is_cancelled_is_left_at_once(house: House, trader: TrioClient) -> None:
    """A stream that says nothing, and a call that is not answered."""
    with trio.move_on_after(0.05) as waiting:
        async with trader.stream(trader.market.watch_trades, "BTC-USDT") as messages:
            async for _ in messages:
                raise AssertionError("nothing was to come")
    assert waiting.cancelled_caught
    await trader.call(trader.auth.login, EMAIL, PASSWORD)
    purse = trading_pb2.WatchPurseResponse(seq=1)
    house.streams["WatchPurse"] = [[purse]]
    async with trader.stream(trader.trading.watch_purse) as events:
        assert (await anext(events)).seq == 1
