"""The trading edge without a network: real exchange, journal and history behind the handlers."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar, TypeVarTuple

import attrs
import trio
from google.protobuf.message import Message
from xache.v1 import options_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.actors.test_matching import Running, running
from tests.storage.house import INSTRUMENT
from xached.actors.history import History, run_history
from xached.actors.market.data import MarketData
from xached.api.account import AccountHandlers
from xached.api.disconnect_guard import Disconnects
from xached.api.errors import StatusError, status_of
from xached.api.fees import FeeStatements
from xached.api.order_control import OrderControl
from xached.api.order_reading import OrderReading
from xached.api.portfolio import Portfolios
from xached.api.routes import Call, Caller
from xached.api.trading import TradingHandlers
from xached.api.wallet import WalletHandlers
from xached.domain.instrument import Asset, AssetName, Symbol
from xached.domain.messages import Command, Deposit, ListAsset, ListInstrument, SetMark
from xached.domain.order import AccountId, Purse, make_purse
from xached.runtime.mailbox import Mailbox
from xached.runtime.world import Lane
from xached.storage.views import Views, ViewsReader

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")
Sent = TypeVar("Sent", bound=Message)

BUY, SELL = types_pb2.SIDE_BUY, types_pb2.SIDE_SELL


class FakeCall:
    """A call of an account, as the edge hands it to a handler."""

    def __init__(self, account: str, *, deadline_s: float = math.inf) -> None:
        self.method = "/test"
        self.metadata: Mapping[str, str] = {}
        self.peer = "ipv4:127.0.0.1:1"
        self.signed_as: tuple[str, bytes] | None = None
        self.deadline_s = deadline_s
        self.received_s = 0.0
        self.caller: Caller | None = Caller(
            account_id=AccountId(account),
            session_id=f"s-{account}",
            roles=frozenset({options_pb2.ROLE_USER}),
            scopes=frozenset({options_pb2.SCOPE_READ, options_pb2.SCOPE_TRADE}),
        )
        self.purse = make_purse(account, "")

    def admitted(self, caller: Caller) -> None:
        """See Call."""
        self.caller = caller

    def resolve_purse(self, request: Message) -> Purse:
        """See Call."""
        assert self.caller is not None
        subaccount: str = getattr(request, "subaccount")  # noqa: B009 - messages have no such type
        self.purse = make_purse(self.caller.account_id, subaccount)
        return self.purse

    def execute_by(self, at_s: float) -> None:
        """See Call."""
        self.deadline_s = min(self.deadline_s, at_s)

    def set_trailing(self, key: str, value: str) -> None:
        """See Call."""

    def revoke(self, error: StatusError) -> None:
        """See Call."""


class FedRequests(Generic[Sent]):
    """A request stream that a test feeds; an error that is put in is raised."""

    def __init__(self) -> None:
        self._queue: list[Sent | Exception] = []
        self._ended = False
        self._fed = trio.Event()
        self.reads = 0
        """How often the handler came back for more."""

    def put(self, *messages: Sent | Exception) -> None:
        """Send."""
        self._queue.extend(messages)
        self._fed.set()

    def end(self) -> None:
        """Half-close."""
        self._ended = True
        self._fed.set()

    async def receive_batch(self) -> list[Sent]:
        """See Requests."""
        self.reads += 1
        await trio.lowlevel.checkpoint()
        while not self._queue and not self._ended:
            self._fed = trio.Event()
            await self._fed.wait()
        queue, self._queue = self._queue, []
        batch: list[Sent] = []
        for message in queue:
            if isinstance(message, Exception):
                raise message
            batch.append(message)
        return batch

    def __aiter__(self) -> AsyncIterator[Sent]:
        raise AssertionError("handlers read batches")


class Collected(Generic[Sent]):
    """Responses that are kept; while ``open`` is not set their reader does not read."""

    def __init__(self) -> None:
        self.messages: list[Sent] = []
        self.times: list[float] = []
        self.open = trio.Event()
        self.open.set()

    @property
    def buffered(self) -> int:
        """See Responses."""
        return 0

    def send_nowait(self, message: Sent) -> None:
        """See Responses."""
        self.messages.append(message)
        self.times.append(trio.current_time())

    async def send(self, message: Sent) -> None:
        """See Responses."""
        await self.open.wait()
        await trio.lowlevel.checkpoint()
        self.send_nowait(message)

    async def send_many(self, messages: Iterable[Sent]) -> None:
        """See Responses."""
        for message in messages:
            await self.send(message)

    async def flush(self) -> None:
        """See Responses."""
        await trio.lowlevel.checkpoint()


class HeldLane:
    """A lane that waits while ``open`` is not set: history that falls behind."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self.open = trio.Event()
        self.open.set()

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """See Lane."""
        await self.open.wait()
        return await self._lane.run(function, *arguments)

    def close(self) -> None:
        """See Lane."""
        self._lane.close()


@attrs.define(kw_only=True)
class TradingHouse:
    """The handlers and what is behind them."""

    trading: TradingHandlers
    control: OrderControl
    reading: OrderReading
    portfolios: Portfolios
    market: MarketData
    account: AccountHandlers
    fees: FeeStatements
    wallet: WalletHandlers
    history: History
    views_lane: HeldLane
    views: Views
    running: Running

    async def place(
        self, account: str, request: trading_pb2.PlaceOrderRequest
    ) -> trading_pb2.PlaceOrderResponse:
        """Place an order for the purse that the request names."""
        return await self.trading.place_order(call_of(account, request.subaccount), request)

    async def open_orders(self, account: str) -> Sequence[types_pb2.Order]:
        """Open orders of the main purse."""
        answer = await self.reading.list_open_orders(
            call_of(account), trading_pb2.ListOpenOrdersRequest()
        )
        return list(answer.orders)

    async def balances(self, account: str) -> dict[str, types_pb2.Balance]:
        """Balances of the main purse."""
        answer = await self.wallet.get_balances(call_of(account), wallet_pb2.GetBalancesRequest())
        return {balance.asset: balance for balance in answer.balances}


@asynccontextmanager
async def trading_house(path: Path, *, capacity: int = 1_024) -> AsyncIterator[TradingHouse]:
    """Everything behind the trading edge; alice and bob have 10,000 BTC and 1,000,000 USDT."""
    async with running(path / "journal.db", capacity=capacity) as house:
        journal = house.journal.journal
        views = Views.open(path / "views.db", journal.house_id, journal.last_seq)
        reader = ViewsReader(path / "views.db")
        lane = HeldLane(house.world.open_lane("views"))
        history = History(reader, house.world, views.as_of_seq, lambda: journal.last_seq)
        market = MarketData(house.world)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(run_history, history, views, lane, house.feed, house.matching)
                yield TradingHouse(
                    trading=TradingHandlers(
                        house.matching,
                        house.directory,
                        history,
                        house.feed,
                        house.world.now_ns,
                        Disconnects(),
                    ),
                    reading=OrderReading(house.matching, house.directory, history),
                    control=OrderControl(house.matching, house.directory, house.world.now_ns),
                    portfolios=Portfolios(
                        house.matching, house.directory, history, market, house.world.now_ns
                    ),
                    market=market,
                    account=AccountHandlers(
                        Mailbox(4), house.matching, house.directory, house.world.now_ns
                    ),
                    fees=FeeStatements(house.directory, history, house.world.now_ns),
                    wallet=WalletHandlers(house.matching, house.directory, history),
                    history=history,
                    views_lane=lane,
                    views=views,
                    running=house,
                )
                nursery.cancel_scope.cancel()
        finally:
            reader.close()
            views.close()


async def list_ether(house: TradingHouse, *, mark_stale_ns: int | None = None) -> None:
    """A second market like the first; alice and bob have money for it."""
    ether = attrs.evolve(
        INSTRUMENT,
        symbol=Symbol("ETH-USDT"),
        base=AssetName("ETH"),
        mark_stale_ns=mark_stale_ns,
    )
    asset = Asset(AssetName("ETH"), house.running.directory.assets[INSTRUMENT.base].scale)
    commands: list[Command] = [
        ListAsset(asset=asset, request_id="eth-1"),
        ListInstrument(instrument=ether, request_id="eth-2"),
        SetMark(symbol=ether.symbol, price_ticks=500_000, source="TEST", request_id="eth-3"),
    ]
    commands += [
        Deposit(
            purse=make_purse(account, ""),
            asset=asset.name,
            amount_units=10**12,
            request_id=f"eth-{account}",
        )
        for account in ("alice", "bob")
    ]
    for command in commands:
        await house.running.matching.execute(command)


def call_of(account: str, subaccount: str = "", *, deadline_s: float = math.inf) -> Call:
    """A call of an account for one of its purses."""
    call = FakeCall(account, deadline_s=deadline_s)
    call.purse = make_purse(account, subaccount)
    return call


def limit(
    client_order_id: str,
    side: types_pb2.Side = BUY,
    price: str = "49000",
    quantity: str = "0.00001",
    **more: Any,
) -> trading_pb2.PlaceOrderRequest:
    """A limit order."""
    return trading_pb2.PlaceOrderRequest(
        client_order_id=client_order_id,
        symbol="BTC-USDT",
        side=side,
        type=types_pb2.ORDER_TYPE_LIMIT,
        price=price,
        quantity=quantity,
        **more,
    )


def status(error: BaseException) -> StatusError:
    """The status that a caller would see."""
    found = status_of(error)
    assert found is not None, repr(error)
    return found
