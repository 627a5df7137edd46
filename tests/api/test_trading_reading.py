"""What became of orders: one by one, in pages, and as a stream of changes.

Checked by breaking, each seen red: a heartbeat only while the whole feed is silent, history's own
sequence instead of the page's, an order looked up without waiting for what is queued, and a
history that goes back when rows it has read come again.
"""

from __future__ import annotations

import base64
import contextlib
import os
import random
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import grpc
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from xache.v1 import trading_pb2, types_pb2

from tests.api.trading_house import (
    BUY,
    SELL,
    Collected,
    FakeCall,
    TradingHouse,
    call_of,
    limit,
    list_ether,
    status,
    trading_house,
)
from xached.api import purse_stream
from xached.api.convert import place_command
from xached.api.errors import StatusError
from xached.api.paging import write_token
from xached.api.purse_stream import HEARTBEAT_S
from xached.domain.messages import AmendOrder, Deposit, OpenPurse
from xached.domain.order import Order, Purse
from xached.domain.queries import PurseQuery
from xached.domain.rejection import Reason, Rejection
from xached.storage import views as views_module
from xached.storage.views import Page, ViewsReader

ALICE = "alice"
OVER = (
    types_pb2.ORDER_STATUS_FILLED,
    types_pb2.ORDER_STATUS_CANCELED,
    types_pb2.ORDER_STATUS_EXPIRED,
)
PREVENTIONS = (
    types_pb2.SELF_TRADE_PREVENTION_EXPIRE_TAKER,
    types_pb2.SELF_TRADE_PREVENTION_DECREMENT,
    types_pb2.SELF_TRADE_PREVENTION_NONE,
)
SEEDS = 40 if os.environ.get("XACHE_LONG") else 4


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


async def get(house: TradingHouse, account: str, **wanted: str) -> trading_pb2.GetOrderResponse:
    request = trading_pb2.GetOrderRequest(**wanted)
    call = call_of(account, wanted.get("subaccount", ""))
    return await house.reading.get_order(call, request)


# --- One order. ------------------------------------------------------------------------------


async def test_an_order_is_told_while_it_lives_and_after(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    placed = await house.place(ALICE, limit("a1", quantity="0.00003"))
    found = await get(house, ALICE, client_order_id="a1")
    assert found.order == placed.order
    assert not found.fills
    await house.place("bob", limit("b1", SELL, quantity="0.00001"))
    found = await get(house, ALICE, order_id=placed.order.order_id)
    assert found.order.status == types_pb2.ORDER_STATUS_PARTIALLY_FILLED
    assert [fill.liquidity for fill in found.fills] == [types_pb2.LIQUIDITY_MAKER]
    assert found.order == (await house.open_orders(ALICE))[0]
    await house.place("bob", limit("b2", SELL, quantity="0.00002"))
    for found in (
        await get(house, ALICE, order_id=placed.order.order_id),
        await get(house, ALICE, client_order_id="a1"),
    ):
        assert found.order.status == types_pb2.ORDER_STATUS_FILLED
        assert found.order.leaves_quantity == found.order.held == "0"
        assert [fill.quantity for fill in found.fills] == ["0.00001", "0.00002"]


async def test_an_order_that_is_still_queued_is_waited_for(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    found: list[trading_pb2.GetOrderResponse] = []

    async def ask() -> None:
        found.append(await get(house, ALICE, client_order_id="a1"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.place, ALICE, limit("first"))
        await wait_all_tasks_blocked()
        # Its answer never reached the client, which asks.
        command = place_command(limit("a1"), Purse("alice/main"), house.running.directory)
        house.running.matching.post(command, lambda _: None, account=ALICE)
        nursery.start_soon(ask)
    assert found[0].order.client_order_id == "a1"


async def test_what_is_not_yours_is_like_what_never_was(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    theirs = (await house.place("bob", limit("b1"))).order.order_id
    never = str(int(theirs) + 4096)
    errors = []
    for wanted in (
        {"order_id": theirs},
        {"order_id": never},
        {"client_order_id": "b1"},
        {"client_order_id": "zz"},
        {"order_id": theirs, "subaccount": "none-such"},
        {"order_id": str(2**63 - 1)},
    ):
        with pytest.raises(StatusError) as refused:
            await get(house, ALICE, **wanted)
        error = refused.value
        assert error.code is grpc.StatusCode.NOT_FOUND
        errors.append((error.reason, error.message, error.facts["allowed"]))
    assert len(set(errors)) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"order_id": "1", "client_order_id": "a"},
        {"order_id": "01"},
        {"order_id": "-1"},
        {"order_id": "٣"},
        {"order_id": str(2**63)},
        {"order_id": "9" * 19},
        {"order_id": "9" * 5_000},
        {"client_order_id": "a b"},
    ],
    ids=lambda wanted: str(wanted)[:30],
)
async def test_an_order_is_named_by_one_id_of_the_right_form(
    autojump_clock: MockClock, house: TradingHouse, wanted: dict[str, str]
) -> None:
    with pytest.raises(Rejection) as refused:
        await get(house, ALICE, **wanted)
    assert status(refused.value).code is grpc.StatusCode.INVALID_ARGUMENT


# --- Lists. ----------------------------------------------------------------------------------


async def list_orders(
    house: TradingHouse, account: str = ALICE, **wanted: object
) -> trading_pb2.ListOrdersResponse:
    request = trading_pb2.ListOrdersRequest(**wanted)  # type: ignore[arg-type] # made per test
    return await house.reading.list_orders(call_of(account), request)


async def list_fills(
    house: TradingHouse, account: str = ALICE, **wanted: object
) -> trading_pb2.ListFillsResponse:
    request = trading_pb2.ListFillsRequest(**wanted)  # type: ignore[arg-type] # made per test
    return await house.reading.list_fills(call_of(account), request)


async def test_open_orders_are_listed_oldest_first(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    for number in range(4):
        await house.place(ALICE, limit(f"a{number}", price=str(49_000 - number)))
    await house.place("bob", limit("b1"))
    await house.trading.cancel_order(
        call_of(ALICE), trading_pb2.CancelOrderRequest(client_order_id="a1")
    )
    names = [order.client_order_id for order in await house.open_orders(ALICE)]
    assert names == ["a0", "a2", "a3"]
    call = call_of(ALICE)
    wanted = trading_pb2.ListOpenOrdersRequest(symbol="BTC-USDT")
    assert len((await house.reading.list_open_orders(call, wanted)).orders) == 3
    wanted = trading_pb2.ListOpenOrdersRequest(symbol="NO-SUCH")
    with pytest.raises(Rejection) as refused:
        await house.reading.list_open_orders(call, wanted)
    assert refused.value.reason is Reason.UNKNOWN_INSTRUMENT


async def test_everything_can_be_told_and_ended_in_one_market_alone(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await list_ether(house)
    for market in ("BTC-USDT", "ETH-USDT"):
        coin = market[:3]
        offer = limit(f"{coin}-b", SELL, quantity="0.001")
        offer.symbol = market
        await house.place("bob", offer)
        for name, price, quantity in (("in", "49000", "0.001"), ("bid", "48000", "0.0002")):
            order = limit(f"{coin}-{name}", price=price, quantity=quantity)
            order.symbol = market
            await house.place(ALICE, order)
    call = call_of(ALICE)
    eth = "ETH-USDT"

    async def open_names() -> list[str]:
        return [order.client_order_id for order in await house.open_orders(ALICE)]

    opened = await house.reading.list_open_orders(
        call, trading_pb2.ListOpenOrdersRequest(symbol=eth)
    )
    assert [order.client_order_id for order in opened.orders] == ["ETH-bid"]
    await house.history.wait_current()
    orders = await house.reading.list_orders(call, trading_pb2.ListOrdersRequest(symbol=eth))
    assert [order.client_order_id for order in orders.orders] == ["ETH-bid", "ETH-in"]
    fills = await house.reading.list_fills(call, trading_pb2.ListFillsRequest(symbol=eth))
    assert [fill.client_order_id for fill in fills.fills] == ["ETH-in"]
    flat = await house.control.flatten(call, trading_pb2.FlattenRequest(symbol=eth))
    assert [position.symbol for position in flat.positions] == ["ETH-USDT"]
    assert await open_names() == ["BTC-bid"]
    await house.trading.cancel_all_orders(call, trading_pb2.CancelAllOrdersRequest(symbol=eth))
    assert await open_names() == ["BTC-bid"]
    await house.trading.cancel_all_orders(
        call, trading_pb2.CancelAllOrdersRequest(symbol="BTC-USDT")
    )
    assert await open_names() == []


async def test_pages_of_orders_neither_skip_nor_repeat_while_orders_come(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    answer = None
    for number in range(10):
        answer = await house.place(ALICE, limit(f"a{number}"))
    assert answer is not None
    seen: list[str] = []
    token, extra = "", 0
    while True:
        page = await list_orders(
            house, page_size=3, page_token=token, min_seq=answer.order.seq, symbol="BTC-USDT"
        )
        seen += [order.client_order_id for order in page.orders]
        token = page.next_page_token
        if not token:
            break
        extra += 1
        await house.place(ALICE, limit(f"x{extra}"))
        await house.place("bob", limit(f"y{extra}"))
    assert seen == [f"a{number}" for number in reversed(range(10))]
    assert extra == 3


async def test_pages_of_fills_neither_skip_nor_repeat_while_trades_happen(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    async def trade(name: str) -> int:
        await house.place("bob", limit(f"b-{name}", SELL))
        return (await house.place(ALICE, limit(f"a-{name}"))).order.seq

    seq = 0
    for number in range(7):
        seq = await trade(str(number))
    seen: list[str] = []
    token, pages = "", 0
    while True:
        page = await list_fills(house, page_size=3, page_token=token, min_seq=seq)
        seen += [fill.client_order_id for fill in page.fills]
        assert all(fill.liquidity == types_pb2.LIQUIDITY_TAKER for fill in page.fills)
        token, pages = page.next_page_token, pages + 1
        if not token:
            break
        await trade(f"x{pages}")
    assert seen == [f"a-{number}" for number in reversed(range(7))]
    assert pages == 3


async def test_who_needs_their_own_last_change_waits_for_it(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place(ALICE, limit("a1"))
    await trio.sleep(1)
    house.views_lane.open = trio.Event()  # History falls behind.
    seq = (await house.place(ALICE, limit("a2"))).order.seq
    page = await list_orders(house)
    assert [order.client_order_id for order in page.orders] == ["a1"]
    assert page.as_of_seq == seq - 1
    pages: list[trading_pb2.ListOrdersResponse] = []

    async def ask() -> None:
        pages.append(await list_orders(house, min_seq=seq))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await trio.sleep(10)
        assert pages == []
        assert house.history.statistics().waiting == 1
        house.views_lane.open.set()
    assert [order.client_order_id for order in pages[0].orders] == ["a2", "a1"]
    assert pages[0].as_of_seq == seq


async def test_a_page_never_claims_more_than_it_has_seen(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.place(ALICE, limit("a1"))
    await house.history.wait_current()
    house.views_lane.open = trio.Event()
    seq = (await house.place(ALICE, limit("a2"))).order.seq
    read = ViewsReader.list_orders

    def read_and_move_on(reader: ViewsReader, *arguments: Any, **options: Any) -> Page[Order]:
        page = read(reader, *arguments, **options)
        # History moves on before the page is answered.
        house.views.project(list(house.running.journal.read(seq, seq)))
        house.history._reached(seq)
        return page

    monkeypatch.setattr(ViewsReader, "list_orders", read_and_move_on)
    page = await list_orders(house)
    assert [order.client_order_id for order in page.orders] == ["a1"]
    assert house.history.as_of_seq == seq
    assert page.as_of_seq == seq - 1


async def test_a_sequence_of_the_future_is_refused(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    last = house.running.journal.last_seq
    with pytest.raises(Rejection) as refused:
        await list_orders(house, min_seq=last + 1)
    assert refused.value.facts == {
        "field": "min_seq", "given": str(last + 1), "allowed": f"at most {last}",
    }  # fmt: skip
    with pytest.raises(Rejection):
        await list_fills(house, min_seq=2**64 - 1)


BAD_TOKENS = [
    "A", "====", "AAAA", "NQ=", "é", "\x00", "x" * 5_000,
    base64.urlsafe_b64encode(b"-1").decode(),
    base64.urlsafe_b64encode(b"1e3").decode(),
    base64.urlsafe_b64encode(str(2**63).encode()).decode(),
    base64.urlsafe_b64encode(b"9" * 20).decode(),
    base64.urlsafe_b64encode("٣".encode()).decode(),
]  # fmt: skip


@pytest.mark.parametrize("token", BAD_TOKENS, ids=range(len(BAD_TOKENS)))
async def test_a_token_that_was_not_given_is_refused(
    autojump_clock: MockClock, house: TradingHouse, token: str
) -> None:
    for read in (list_orders, list_fills):
        with pytest.raises(Rejection) as refused:
            await read(house, page_token=token)
        assert refused.value.facts["field"] == "page_token"


async def test_a_page_has_a_size(autojump_clock: MockClock, house: TradingHouse) -> None:
    with pytest.raises(Rejection) as refused:
        await list_orders(house, page_size=501)
    assert refused.value.facts["allowed"] == "0 to 500"
    assert not (await list_orders(house, page_token=write_token(2**63 - 1))).orders


async def test_lists_are_filtered_by_side_status_and_time(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    accepted = []
    for number in range(6):
        side, price = (SELL, "51000") if number % 2 else (BUY, "49000")
        placed = await house.place(ALICE, limit(f"o{number}", side, price=price))
        accepted.append(placed.order.accepted_at_ns)
        await trio.sleep(60)
    await house.trading.cancel_order(
        call_of(ALICE), trading_pb2.CancelOrderRequest(client_order_id="o2")
    )

    async def ids(**wanted: Any) -> list[str]:
        seq = house.running.journal.last_seq
        page = await list_orders(house, min_seq=seq, **wanted)
        assert not page.next_page_token
        return [order.client_order_id for order in page.orders]

    assert await ids(side=SELL) == ["o5", "o3", "o1"]
    canceled = types_pb2.ORDER_STATUS_CANCELED
    assert await ids(statuses=[canceled]) == ["o2"]
    assert await ids(statuses=[canceled, types_pb2.ORDER_STATUS_OPEN], side=BUY) == [
        "o4", "o2", "o0",
    ]  # fmt: skip
    assert await ids(from_ns=accepted[3]) == ["o5", "o4", "o3"]
    assert await ids(to_ns=accepted[3]) == ["o2", "o1", "o0"]
    assert await ids(from_ns=accepted[1], to_ns=accepted[4], side=SELL) == ["o3", "o1"]
    assert await ids(to_ns=accepted[0]) == []
    assert await ids(from_ns=accepted[5] + 1) == []
    first = await list_orders(house, side=SELL, page_size=2)
    assert [order.client_order_id for order in first.orders] == ["o5", "o3"]
    rest = await list_orders(house, side=SELL, page_size=2, page_token=first.next_page_token)
    assert [order.client_order_id for order in rest.orders] == ["o1"]
    with pytest.raises(Rejection) as refused:
        await list_orders(house, statuses=[99])
    assert refused.value.facts["field"] == "statuses"


async def test_a_page_looks_through_so_many_and_goes_on_where_it_stopped(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views_module, "SCANNED_MAX", 4)
    for number in range(10):
        side, price = (SELL, "51000") if number in {0, 5} else (BUY, "49000")
        await house.place(ALICE, limit(f"o{number}", side, price=price))
    pages, token = [], ""
    while True:
        page = await list_orders(
            house, side=SELL, page_size=3, page_token=token,
            min_seq=house.running.journal.last_seq,
        )  # fmt: skip
        pages.append([order.client_order_id for order in page.orders])
        token = page.next_page_token
        if not token:
            break
    assert pages == [[], ["o5"], ["o0"]]


async def test_fills_are_filtered_by_side_and_time(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    times = []
    for number in range(4):
        mine, theirs = (SELL, BUY) if number % 2 else (BUY, SELL)
        await house.place("bob", limit(f"b{number}", theirs, price="49000"))
        placed = await house.place(ALICE, limit(f"a{number}", mine, price="49000"))
        times.append(placed.fills[0].at_ns)
        await trio.sleep(60)

    async def ids(**wanted: Any) -> list[str]:
        request = trading_pb2.ListFillsRequest(min_seq=house.running.journal.last_seq, **wanted)
        page = await house.reading.list_fills(call_of(ALICE), request)
        return [fill.client_order_id for fill in page.fills]

    assert await ids(side=SELL) == ["a3", "a1"]
    assert await ids(from_ns=times[1], to_ns=times[3]) == ["a2", "a1"]
    assert await ids(to_ns=times[1], side=BUY) == ["a0"]


async def test_positions_are_listed_with_what_they_cost(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    call, wanted = call_of(ALICE), trading_pb2.ListPositionsRequest()
    assert not (await house.portfolios.list_positions(call, wanted)).positions
    await house.place("bob", limit("b1", SELL, quantity="0.0001"))
    await house.place(ALICE, limit("a1", quantity="0.0001"))
    await house.place("bob", limit("b2", BUY, price="50000", quantity="0.00005"))
    await house.place(ALICE, limit("a2", SELL, price="50000", quantity="0.00005"))
    (position,) = (await house.portfolios.list_positions(call, wanted)).positions
    # Bought for 4.9 and 0.0049; half sold for 2.5 less 0.0025, relieving half of the cost.
    assert (position.symbol, position.quantity, position.cost) == ("BTC-USDT", "0.00005", "2.45245")
    assert position.realised == "0.04505"
    assert position.average_price == "49049"


# --- The stream of a purse. ------------------------------------------------------------------


class Watcher:
    """A client that watches its purse and keeps what it is told."""

    def __init__(self) -> None:
        self.responses: Collected[trading_pb2.WatchPurseResponse] = Collected()
        self.scope = trio.CancelScope()

    async def watch(self, house: TradingHouse, account: str = ALICE) -> None:
        """Watch until cancelled."""
        with self.scope:
            await house.trading.watch_purse(
                FakeCall(account), trading_pb2.WatchPurseRequest(), self.responses
            )

    @property
    def kinds(self) -> list[str | None]:
        """What each message was."""
        return [message.WhichOneof("event") for message in self.responses.messages]

    def folded(self) -> tuple[dict[str, types_pb2.Order], dict[str, tuple[str, str]]]:
        """Open orders and balances, as a client knows them."""
        orders: dict[str, types_pb2.Order] = {}
        balances: dict[str, tuple[str, str]] = {}
        for message in self.responses.messages:
            match message.WhichOneof("event"):
                case "snapshot":
                    orders = {order.order_id: order for order in message.snapshot.orders}
                    balances = _money(message.snapshot.balances)
                case "order":
                    orders[message.order.order_id] = message.order
                    if message.order.status in OVER:
                        del orders[message.order.order_id]
                case "balances":
                    balances |= _money(message.balances.balances)
                case _:
                    pass
        return orders, balances


def _money(balances: Iterable[types_pb2.Balance]) -> dict[str, tuple[str, str]]:
    return {each.asset: (each.available, each.held) for each in balances}


async def amend_one(house: TradingHouse, purse: Purse, draw: random.Random) -> None:
    """Make one of the open orders a lot smaller."""
    snapshot = await house.running.matching.query(PurseQuery(purse))
    large = [order for order in snapshot.orders if order.leaves_lots > 1]
    if large:
        order = draw.choice(large)
        await house.running.matching.execute(
            AmendOrder(
                purse=purse,
                symbol=order.symbol,
                order_id=order.order_id,
                client_order_id=None,
                quantity_lots=order.quantity_lots - 1,
                expected_executed_lots=None,
                request_id="",
            )
        )


async def busy(house: TradingHouse, seed: int, count: int) -> None:
    """Alice and bob trade with each other, amend, cancel, and get money."""
    draw = random.Random(seed)
    for number in range(count):
        account = draw.choice(("alice", "bob"))
        if draw.random() < 0.15:
            request = trading_pb2.CancelAllOrdersRequest()
            await house.trading.cancel_all_orders(call_of(account), request)
        elif draw.random() < 0.2:
            await amend_one(house, Purse(f"{account}/main"), draw)
        elif draw.random() < 0.1:
            await house.running.matching.execute(
                Deposit(
                    purse=Purse(f"{account}/main"),
                    asset=house.running.directory.asset("USDT").name,
                    amount_units=draw.randrange(1, 10**6),
                    request_id=f"{seed}-{number}",
                )
            )
        else:
            with contextlib.suppress(Rejection):  # Some ask for what is not possible.
                await house.place(account, any_order(f"{seed}-{number}", draw))


def any_order(client_order_id: str, draw: random.Random) -> trading_pb2.PlaceOrderRequest:
    """An order that rests, trades, waits, follows the market or shows only a part."""
    side = draw.choice((BUY, SELL))
    order = limit(
        client_order_id,
        side,
        price=str(50_000 + draw.randrange(-3, 4)),
        quantity=f"0.{draw.randrange(1, 99):05}",
        self_trade_prevention=draw.choice(PREVENTIONS),
    )
    kind = draw.random()
    away = draw.randrange(1, 3) * (1 if side == BUY else -1)
    if kind < 0.15:
        order.type = draw.choice((types_pb2.ORDER_TYPE_STOP_LIMIT, types_pb2.ORDER_TYPE_STOP))
        order.stop_price = str(50_000 + away)
        if order.type == types_pb2.ORDER_TYPE_STOP:
            order.price = ""
    elif kind < 0.25:
        order.type = types_pb2.ORDER_TYPE_TRAILING_STOP
        order.trail_offset, order.price = "2", ""
    elif kind < 0.4:
        order.quantity, order.display_quantity = "0.00090", "0.00010"
    return order


@pytest.mark.parametrize("seed", range(4))
async def test_a_watched_purse_is_known_exactly(
    autojump_clock: MockClock, house: TradingHouse, seed: int
) -> None:
    await busy(house, seed, 20)
    watcher = Watcher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watcher.watch, house)
        await busy(house, seed + 100, 80)
        await trio.sleep(1)
        watcher.scope.cancel()
    assert watcher.kinds[0] == "snapshot"
    assert watcher.kinds.count("snapshot") == 1
    assert not watcher.responses.messages[0].snapshot.lagged
    orders, balances = watcher.folded()
    assert list(orders.values()) == await house.open_orders(ALICE)
    assert balances == _money((await house.balances(ALICE)).values())
    seqs = [message.seq for message in watcher.responses.messages]
    assert seqs == sorted(seqs)
    assert {"order", "fill", "balances"} <= set(watcher.kinds)
    page = await list_fills(house, page_size=500)
    since = watcher.responses.messages[0].seq
    told = [each.fill for each in watcher.responses.messages if each.WhichOneof("event") == "fill"]
    assert told == [fill for fill in reversed(page.fills) if fill.seq > since]


async def test_a_change_is_told_once_with_all_it_touched(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    watcher = Watcher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watcher.watch, house)
        await trio.sleep(1)
        await house.place("bob", limit("b1", SELL))
        await house.place(ALICE, limit("a1", quantity="0.00002"))
        await trio.sleep(1)
        watcher.scope.cancel()
    assert watcher.kinds == ["snapshot", "fill", "order", "balances"]
    last = watcher.responses.messages[-1]
    assert {each.asset for each in last.balances.balances} == {"BTC", "USDT"}
    assert last.at_ns == watcher.responses.messages[1].fill.at_ns


async def test_a_silent_purse_gives_a_sign_of_life_every_five_seconds(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    watcher = Watcher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watcher.watch, house)
        await trio.sleep(17)
        watcher.scope.cancel()
    assert watcher.kinds == ["snapshot", "heartbeat", "heartbeat", "heartbeat"]


async def test_a_purse_is_silent_though_others_are_not(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    watcher = Watcher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watcher.watch, house)
        for number in range(20):
            await house.place("bob", limit(f"b{number}"))
            await trio.sleep(1)
        watcher.scope.cancel()
    assert set(watcher.kinds[1:]) == {"heartbeat"}
    assert max(after - before for before, after in pairwise(watcher.responses.times)) <= (
        HEARTBEAT_S + 1.1
    )
    # The sign of life says how far the stream has looked.
    assert house.running.journal.last_seq - watcher.responses.messages[-1].seq <= 5


@pytest.mark.parametrize("missed_max", [1_000, 10])
async def test_a_reader_that_is_too_slow_is_told_from_the_journal_or_begins_again(
    autojump_clock: MockClock,
    house: TradingHouse,
    monkeypatch: pytest.MonkeyPatch,
    missed_max: int,
) -> None:
    monkeypatch.setattr(purse_stream, "WATCH_BUFFER", 8)
    monkeypatch.setattr(purse_stream, "MISSED_ROWS_MAX", missed_max)
    watcher = Watcher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watcher.watch, house)
        await trio.sleep(1)
        watcher.responses.open = trio.Event()
        await busy(house, 1, 40)
        watcher.responses.open.set()
        await trio.sleep(1)
        await busy(house, 2, 3)
        await trio.sleep(1)
        watcher.scope.cancel()
    snapshots = [
        message.snapshot.lagged
        for message in watcher.responses.messages
        if message.WhichOneof("event") == "snapshot"
    ]
    assert snapshots == ([False, True] if missed_max == 10 else [False])
    orders, balances = watcher.folded()
    assert list(orders.values()) == await house.open_orders(ALICE)
    assert balances == _money((await house.balances(ALICE)).values())


async def test_a_purse_that_is_not_open_cannot_be_watched(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    call = call_of(ALICE, "savings")
    request = trading_pb2.WatchPurseRequest(subaccount="savings")
    responses: Collected[trading_pb2.WatchPurseResponse] = Collected()
    with pytest.raises(Rejection) as refused:
        await house.trading.watch_purse(call, request, responses)
    assert status(refused.value).code is grpc.StatusCode.NOT_FOUND
    await house.running.matching.execute(
        OpenPurse(purse=Purse("alice/savings"), simulated=False, request_id="")
    )
    with trio.move_on_after(1):
        await house.trading.watch_purse(call, request, responses)
    (message,) = responses.messages
    assert not message.snapshot.balances


# --- Streams of a purse that break and are resumed. -------------------------------------------


async def told(
    house: TradingHouse, after_seq: int, account: str = ALICE
) -> list[trading_pb2.WatchPurseResponse]:
    """What a reader is told at once that comes back after a sequence."""
    responses: Collected[trading_pb2.WatchPurseResponse] = Collected()
    request = trading_pb2.WatchPurseRequest(after_seq=after_seq)
    with trio.move_on_after(1):
        await house.trading.watch_purse(FakeCall(account), request, responses)
    return responses.messages


def after(
    messages: list[trading_pb2.WatchPurseResponse], seq: int
) -> list[trading_pb2.WatchPurseResponse]:
    return [message for message in messages if message.seq > seq]


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_purse_stream_cut_anywhere_and_resumed_is_the_stream_that_was_not(
    autojump_clock: MockClock, tmp_path: Path, seed: int
) -> None:
    """Also after a restart, and with orders older than the cut that have ended since.

    Checked by breaking: where history does not note which rows made an order smaller, all seeds
    fail.
    """
    async with trading_house(tmp_path) as house:
        await busy(house, seed, 40)
        watcher = Watcher()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watcher.watch, house)
            await trio.sleep(1)
            await busy(house, seed + 100, 60)
            await trio.sleep(1)
            watcher.scope.cancel()
        whole = watcher.responses.messages
        cuts = list(dict.fromkeys(message.seq for message in whole if not message.more))
        assert len(cuts) >= 10
        for seq in cuts:
            assert await told(house, seq) == after(whole, seq)
    async with trading_house(tmp_path) as house:
        draw = random.Random(seed)
        for seq in draw.sample(cuts, 5):
            assert await told(house, seq) == after(whole, seq)
            # Between two rows of this purse there are rows of others.
            assert await told(house, seq - 1) == after(whole, seq - 1) or seq == cuts[0]


async def test_the_last_message_of_a_row_says_so(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    """A reader that lost the second half of a row resumes before the row."""
    watcher = Watcher()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watcher.watch, house)
        await trio.sleep(1)
        await house.place("bob", limit("b1", SELL))
        await house.place(ALICE, limit("a1"))
        await trio.sleep(1)
        watcher.scope.cancel()
    assert [message.more for message in watcher.responses.messages] == [False, True, True, False]


@pytest.mark.parametrize("ahead", [1, 10**9])
async def test_a_number_that_the_journal_does_not_have_is_answered_with_a_snapshot(
    autojump_clock: MockClock, house: TradingHouse, ahead: int
) -> None:
    (message,) = await told(house, house.running.journal.last_seq + ahead)
    assert message.snapshot.lagged


async def test_what_is_too_long_ago_is_answered_with_a_snapshot(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    await busy(house, 1, 30)
    last = house.running.journal.last_seq
    monkeypatch.setattr(purse_stream, "MISSED_ROWS_MAX", 10)
    assert not any(message.HasField("snapshot") for message in await told(house, last - 10))
    (message,) = await told(house, last - 11)
    assert message.snapshot.lagged


async def test_what_needs_too_many_old_rows_is_answered_with_a_snapshot(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that was traded against often before the cut, and is changed after it."""
    await house.place(ALICE, limit("a1", quantity="0.001"))
    for number in range(4):
        await house.place("bob", limit(f"b{number}", SELL))
    known = house.running.journal.last_seq
    await house.place("bob", limit("b9", SELL))
    whole = await told(house, known)
    assert [message.WhichOneof("event") for message in whole] == ["fill", "order", "balances"]
    monkeypatch.setattr(purse_stream, "EARLIER_ROWS_MAX", 4)
    (message,) = await told(house, known)
    assert message.snapshot.lagged
    monkeypatch.setattr(purse_stream, "EARLIER_ROWS_MAX", 5)
    assert await told(house, known) == whole


async def test_a_reader_that_comes_back_waits_for_history(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    """What it knows is worked out from rows that history finds; it may be behind them."""
    await house.place(ALICE, limit("a1", quantity="0.001"))
    await house.history.wait_current()
    house.views_lane.open = trio.Event()
    for number in range(4):
        await house.place("bob", limit(f"b{number}", SELL))
    known = house.running.journal.last_seq
    await house.place("bob", limit("b9", SELL))
    assert await told(house, known) == [], "not before history is there"
    house.views_lane.open.set()
    messages = await told(house, known)
    assert [message.WhichOneof("event") for message in messages] == ["fill", "order", "balances"]
    assert messages[1].order.executed_quantity == "0.00005"
