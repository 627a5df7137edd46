"""Strategies: each in a child process of its own, trading one purse like any person.

Theory of operation. One run of a strategy is one child process and one run id that was never
used before; every order id starts with it, so that nothing a run says can be mistaken for another
run's. A run begins and ends with CancelAll, so that no order is open without somebody to mind it.
The child gets market data (conflated when it is slow) and what becomes of its orders (never
dropped: if rows are lost, the run ends and a new one begins from the purse as it stands). It gives
intents, which become commands and meet the same checks as everybody's. A child that crashes,
hangs, floods or breaks the protocol is killed; the supervisor starts the next run after a pause.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Final, Protocol, TypeAlias, assert_never

import attrs
import outcome
import trio
from loguru import logger

from xached.adapters.child import (
    ChildEnded,
    ChildProcess,
    ChildStatistics,
    child_command,
    find_strategies,
    open_child,
)
from xached.adapters.child_frames import (
    CancelAllIntent,
    CancelIntent,
    ChildViolation,
    Failed,
    Intent,
    Intents,
    Log,
    MarketData,
    Money,
    NoteIntent,
    PlaceIntent,
    Pong,
    Ready,
    Refused,
    Start,
    Subscription,
    TimerIntent,
    client_order_id,
    write_order_report,
    write_ping,
    write_refused,
    write_start,
    write_stop,
    write_timer,
)
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Directory, Symbol, unknown_instrument
from xached.domain.market import BookTop, Venue
from xached.domain.messages import CancelAll, CancelOrder, Command, PlaceOrder, Row
from xached.domain.money import parse_decimal
from xached.domain.order import (
    EndReason,
    OrderType,
    Purse,
    SelfTradePrevention,
    account_of,
)
from xached.domain.order_reports import PurseOrders, report_open
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.domain.rejection import Rejection
from xached.domain.tape import TapeStep
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.supervise import Health, Restart, run_expendable
from xached.runtime.topic import Lagged, Topic
from xached.runtime.topic import Subscription as TopicSubscription
from xached.runtime.world import NS_PER_S, World

RUN_ID_BYTES: Final = 8
START_S_MAX: Final = 30.0
"""From spawn to Ready: importing a model library takes seconds on a busy machine."""

STOP_S_MAX: Final = 5.0
PING_EVERY_S: Final = 5.0
PONG_S_MAX: Final = 10.0
CANCEL_S_MAX: Final = 5.0
CANCEL_RETRY_S: Final = 0.1
IN_FLIGHT_MAX: Final = 128
TIMERS_MAX: Final = 64
LINES_PER_S_MAX: Final = 20
ROWS_CAPACITY: Final = 4_096
OPEN_ORDERS_TOLD_MAX: Final = 200
"""Orders of the purse's owner that a strategy is told of at its start; they fit into its frame."""

Rows: TypeAlias = TopicSubscription[Row]

REFUSED_RATE: Final = "RATE"
REFUSED_IN_FLIGHT: Final = "IN_FLIGHT"
REFUSED_OVERLOADED: Final = "OVERLOADED"


class Exchange(Protocol):
    """What a strategy's host asks of the exchange."""

    async def execute(self, command: Command, *, account: str = "") -> Row:
        """Carry out a command. Raises: Rejection, Overloaded, Closed."""
        ...

    def post(
        self, command: Command, answer: Callable[[outcome.Outcome[Row]], None], *, account: str
    ) -> None:
        """Carry out a command and call back, in order of posting. Raises: Overloaded, Closed."""
        ...

    async def query(self, query: PurseQuery, *, account: str = "") -> PurseSnapshot:
        """How a purse stands. Raises: Rejection, Overloaded, Closed."""
        ...


class Markets(Protocol):
    """Market data as it happens. A reader that is slow gets less, the newest.

    Each iterator raises Rejection when there is no such market, and goes on until it is closed.
    """

    def trades(self, symbol: Symbol, venue: Venue) -> AsyncGenerator[TapeStep, None]:
        """Trades from now on."""
        ...

    def books(self, symbol: Symbol, venue: Venue, depth: int) -> AsyncGenerator[BookTop, None]:
        """The book as it stands now, and whenever it has changed."""
        ...

    def candles(
        self, symbol: Symbol, venue: Venue, interval: Interval
    ) -> AsyncGenerator[Candle, None]:
        """Candles as they change and close, from the open one on."""
        ...


@attrs.frozen(kw_only=True)
class StrategyConfig:
    """One strategy to run. ``strategy`` is its entry point's name; ``settings_json`` an object."""

    name: str
    strategy: str
    purse: Purse
    symbols: tuple[Symbol, ...]
    settings_json: str = "{}"
    orders_per_s_max: int = 100


@attrs.frozen(kw_only=True)
class Surroundings:
    """What strategies need of the rest of the house. The last two are replaced in tests."""

    world: World
    exchange: Exchange
    rows: Topic[Row]
    markets: Markets
    directory: Directory
    health: Health
    restart: Restart = attrs.field(factory=Restart)
    installed: Callable[[], Mapping[str, str]] = find_strategies
    command: Callable[[str], Sequence[str]] = child_command


class StrategyFailed(Exception):  # noqa: N818 - a state of the world
    """A run is over before it was asked to end. The text says why, for the owner."""


@attrs.frozen(kw_only=True)
class StrategyStatistics:
    """What a strategy has done, over all its runs; ``child`` is the running one's."""

    name: str
    purse: Purse
    run_id: str
    runs: int
    ready: bool
    open_orders: int
    timers: int
    placed: int
    refused: int
    cancels: int
    notes: int
    last_note: str
    child: ChildStatistics | None


class Strategies:
    """The strategies that run: ask them to stop, see how they do."""

    def __init__(self, configs: Sequence[StrategyConfig]) -> None:
        assert len({config.purse for config in configs}) == len(configs), "one strategy a purse"
        self._seats = {config.name: _Seat(config) for config in configs}
        assert len(self._seats) == len(configs), "names are unique"

    def stop(self, name: str, cause: str) -> None:
        """Ask a strategy to end; it does not start again. Raises: KeyError for no such name."""
        self._seats[name].stop(cause)

    def stop_all(self, cause: str) -> None:
        """Ask all of them, as when the house closes."""
        for seat in self._seats.values():
            seat.stop(cause)

    def statistics(self) -> tuple[StrategyStatistics, ...]:
        """How each one does."""
        return tuple(seat.statistics() for seat in self._seats.values())


async def run_strategies(strategies: Strategies, around: Surroundings) -> None:
    """Run all strategies until each has been stopped or has failed too often."""
    async with trio.open_nursery() as nursery:
        for seat in strategies._seats.values():
            nursery.start_soon(_supervise, seat, around)


@attrs.define
class _Seat:
    """What stays of a strategy from run to run."""

    config: StrategyConfig
    stopping: trio.Event = attrs.field(factory=trio.Event)
    running: trio.Lock = attrs.field(factory=trio.Lock)
    cause: str = ""
    run: _Run | None = None
    runs: int = 0
    placed: int = 0
    refused: int = 0
    cancels: int = 0
    notes: int = 0
    last_note: str = ""

    def stop(self, cause: str) -> None:
        if not self.stopping.is_set():
            self.cause = cause
            self.stopping.set()

    def statistics(self) -> StrategyStatistics:
        run = self.run
        return StrategyStatistics(
            name=self.config.name,
            purse=self.config.purse,
            run_id=run.run_id if run is not None else "",
            runs=self.runs,
            ready=run is not None and run.ready.is_set(),
            open_orders=len(run.orders) if run is not None else 0,
            timers=len(run.timers) if run is not None else 0,
            placed=self.placed,
            refused=self.refused,
            cancels=self.cancels,
            notes=self.notes,
            last_note=self.last_note,
            child=run.child.statistics() if run is not None else None,
        )


async def _supervise(seat: _Seat, around: Surroundings) -> None:
    """Run after run, until one was asked to stop or too many have failed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_between_runs, seat, nursery.cancel_scope)
        await run_expendable(
            f"strategy {seat.config.name}",
            functools.partial(_run_once, seat, around),
            around.health,
            around.restart,
        )
        nursery.cancel_scope.cancel()


async def _stop_between_runs(seat: _Seat, supervision: trio.CancelScope) -> None:
    """A run ends itself when asked; the pause before the next one has to be cut short."""
    await seat.stopping.wait()
    async with seat.running:
        supervision.cancel()


async def _run_once(seat: _Seat, around: Surroundings) -> None:
    """One run. Returns when it was asked to stop; raises whatever else ended it."""
    async with seat.running:
        if not seat.stopping.is_set():
            await _run_child(seat, around)


async def _run_child(seat: _Seat, around: Surroundings) -> None:
    config = seat.config
    entry_point = (await around.world.run_in_thread(around.installed)).get(config.strategy)
    if entry_point is None:
        raise StrategyFailed(f"no strategy {config.strategy!r} is installed")
    run_id = around.world.entropy(RUN_ID_BYTES).hex()
    seat.runs += 1
    async with (
        _nothing_left_open(seat, around, run_id),
        around.rows.subscribe(ROWS_CAPACITY) as rows,
        open_child(around.world, around.command(entry_point)) as child,
    ):
        purse = await around.exchange.query(
            PurseQuery(config.purse), account=account_of(config.purse)
        )
        run = _Run(seat, around, child, run_id, purse)
        seat.run = run
        try:
            await run.serve(rows, purse)
        finally:
            seat.run = None


@asynccontextmanager
async def _nothing_left_open(seat: _Seat, around: Surroundings, run_id: str) -> AsyncIterator[None]:
    """Cancel the purse's orders before and after, whatever happens in between."""

    def cancel_all(when: str) -> CancelAll:
        return CancelAll(
            purse=seat.config.purse,
            symbol=None,
            request_id=f"{run_id}-{when}",
            reason=EndReason.DISCONNECT,
        )

    # Also before: the daemon may have been killed while orders were open.
    await _insist(around, cancel_all("start"))
    try:
        yield
    finally:
        with trio.CancelScope(shield=True), trio.move_on_after(CANCEL_S_MAX):
            await _insist(around, cancel_all("end"))


async def _insist(around: Surroundings, command: CancelAll | CancelOrder) -> None:
    """Carry out a cancel even when the exchange is busy. Raises: Rejection."""
    while True:
        try:
            await around.exchange.execute(command, account=account_of(command.purse))
        except Overloaded:
            await trio.sleep(CANCEL_RETRY_S)
        except Closed:
            return  # The house is closing; the next start cancels before anything else.
        else:
            return


class _Bucket:
    """So many in a second, and as many at once."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._left = float(per_s)
        self._at = trio.current_time()

    def take(self) -> bool:
        now = trio.current_time()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Run:
    """One child and everything around it, from Start to its end."""

    def __init__(
        self,
        seat: _Seat,
        around: Surroundings,
        child: ChildProcess,
        run_id: str,
        purse: PurseSnapshot,
    ) -> None:
        self.child = child
        self.run_id = run_id
        self.orders = PurseOrders(seat.config.purse, purse.orders, purse.seq)
        self.ready = trio.Event()
        self._seat = seat
        self._config = seat.config
        self._around = around
        self._account = account_of(seat.config.purse)
        self._instruments = {
            symbol: around.directory.instrument(symbol) for symbol in seat.config.symbols
        }
        self._order_room = _Bucket(seat.config.orders_per_s_max)
        self._line_room = _Bucket(LINES_PER_S_MAX)
        self._in_flight = 0
        self._stop_sent = False
        self._ping = 0
        self._pong = trio.Event()
        self.timers: dict[str, trio.CancelScope] = {}

    async def serve(self, rows: Rows, purse: PurseSnapshot) -> None:
        """Start the strategy and serve it until it has stopped."""
        self.child.outbox.put(write_start(self._start(purse)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow_rows, rows)
            nursery.start_soon(self._ask_for_life)
            nursery.start_soon(self._stop_when_asked, nursery)
            await self._listen(nursery)
            nursery.cancel_scope.cancel()

    def _start(self, purse: PurseSnapshot) -> Start:
        directory = self._around.directory
        now_ns = self._around.world.now_ns()
        return Start(
            run_id=self.run_id,
            settings_json=self._config.settings_json,
            instruments=tuple(self._instruments.values()),
            money=tuple(
                Money(
                    asset=directory.asset(name),
                    available_units=funds.available,
                    held_units=funds.held,
                )
                for name, funds in purse.balances.items()
            ),
            positions=tuple(
                (directory.instrument(symbol), position)
                for symbol, position in purse.positions.items()
            ),
            open_orders=tuple(
                (directory.instrument(order.symbol), report_open(order, now_ns))
                for order in purse.orders[:OPEN_ORDERS_TOLD_MAX]
            ),
            now_ns=now_ns,
        )

    # --- from the child ----------------------------------------------------------------------

    async def _listen(self, nursery: trio.Nursery) -> None:
        while True:
            # What came in one read is not done in one go: others get their turn in between.
            await trio.lowlevel.checkpoint()
            try:
                message = await self.child.receive()
            except ChildEnded:
                if self._stop_sent:
                    return
                raise
            match message:
                case Ready():
                    self._begin(message, nursery)
                case Intents():
                    if not self.ready.is_set():
                        raise ChildViolation("intents before Ready")
                    for intent in message.intents:
                        self._do(intent, nursery)
                case Pong():
                    if message.number != self._ping:
                        raise ChildViolation("an answer to a ping that was not sent")
                    self._pong.set()
                case Log():
                    self._tell(message.text)
                case Failed():
                    raise StrategyFailed(f"{message.failure.name}: {message.message}")
                case _:
                    assert_never(message)

    def _begin(self, ready: Ready, nursery: trio.Nursery) -> None:
        if self.ready.is_set():
            raise ChildViolation("Ready twice")
        for subscription in ready.subscriptions:
            if subscription.symbol not in self._instruments:
                raise StrategyFailed(f"may not see {subscription.symbol}: it is not in its symbols")
            nursery.start_soon(self._follow_market, subscription)
        self.ready.set()

    def _do(self, intent: Intent, nursery: trio.Nursery) -> None:
        match intent:
            case PlaceIntent():
                self._place(intent)
            case CancelIntent():
                self._cancel(
                    CancelOrder(
                        purse=self._config.purse,
                        order_id=None,
                        client_order_id=client_order_id(self.run_id, intent.id),
                        request_id="",
                        reason=EndReason.USER,
                    ),
                    nursery,
                )
            case CancelAllIntent():
                self._cancel(
                    CancelAll(
                        purse=self._config.purse,
                        symbol=intent.symbol,
                        request_id="",
                        reason=EndReason.USER,
                    ),
                    nursery,
                )
            case TimerIntent():
                self._set_timer(intent, nursery)
            case NoteIntent():
                self._seat.notes += 1
                self._seat.last_note = intent.text
                self._tell(intent.text)
            case _:
                assert_never(intent)

    def _place(self, intent: PlaceIntent) -> None:
        if not self._order_room.take():
            self._refuse(intent, REFUSED_RATE)
            return
        if self._in_flight >= IN_FLIGHT_MAX:
            self._refuse(intent, REFUSED_IN_FLIGHT)
            return
        try:
            command = self._place_order(intent)
            self._around.exchange.post(
                command, functools.partial(self._placed, intent), account=self._account
            )
        except Rejection as rejection:
            self._refuse(intent, rejection.reason.value)
        except (Overloaded, Closed):
            self._refuse(intent, REFUSED_OVERLOADED)
        else:
            self._seat.placed += 1
            self._in_flight += 1

    def _placed(self, intent: PlaceIntent, answer: outcome.Outcome[Row]) -> None:
        self._in_flight -= 1
        match answer:
            case outcome.Value():
                pass  # Its row tells the rest.
            case outcome.Error(error=Rejection() as rejection):
                self._refuse(intent, rejection.reason.value)
            case _:
                self._refuse(intent, REFUSED_OVERLOADED)

    def _place_order(self, intent: PlaceIntent) -> PlaceOrder:
        """Read a strategy's text as ticks, lots and units. Raises: Rejection."""
        instrument = self._instruments.get(intent.symbol)
        if instrument is None:
            raise unknown_instrument(intent.symbol)
        market = intent.price is None
        return PlaceOrder(
            purse=self._config.purse,
            client_order_id=client_order_id(self.run_id, intent.id),
            symbol=intent.symbol,
            side=intent.side,
            type=OrderType.MARKET if market else OrderType.LIMIT,
            time_in_force=intent.time_in_force,
            price_ticks=None if intent.price is None else instrument.parse_price(intent.price),
            quantity_lots=(
                None if intent.quantity is None else instrument.parse_quantity(intent.quantity)
            ),
            quote_units=(
                None
                if intent.quote_quantity is None
                else parse_decimal(intent.quote_quantity, instrument.quote_scale, "quote_quantity")
            ),
            post_only=intent.post_only,
            # Two strategies of one account must not be able to block each other.
            self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER,
            expires_at_ns=None,
        )

    def _refuse(self, intent: PlaceIntent, reason: str) -> None:
        self._seat.refused += 1
        refused = Refused(
            id=intent.id,
            symbol=intent.symbol,
            side=intent.side,
            reason=reason,
            at_ns=self._around.world.now_ns(),
        )
        self.child.outbox.put(write_refused(refused))

    def _cancel(self, command: CancelOrder | CancelAll, nursery: trio.Nursery) -> None:
        self._seat.cancels += 1
        try:
            # An order that has just ended is refused here; its own update is on the way.
            self._around.exchange.post(command, _ignore, account=self._account)
        except Overloaded:
            nursery.start_soon(self._insist_on, command)
        except Closed:
            pass  # The house is closing, and cancels at the next start.

    async def _insist_on(self, command: CancelOrder | CancelAll) -> None:
        with contextlib.suppress(Rejection):  # It has ended meanwhile.
            await _insist(self._around, command)

    def _set_timer(self, intent: TimerIntent, nursery: trio.Nursery) -> None:
        if (old := self.timers.get(intent.name)) is not None:
            old.cancel()
        elif len(self.timers) >= TIMERS_MAX:
            raise ChildViolation(f"more than {TIMERS_MAX} timers")
        scope = self.timers[intent.name] = trio.CancelScope()
        nursery.start_soon(self._ring, intent, scope)

    async def _ring(self, intent: TimerIntent, scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep(intent.delay_ns / NS_PER_S)
            del self.timers[intent.name]
            self.child.outbox.put(write_timer(intent.name, self._around.world.now_ns()))

    def _tell(self, text: str) -> None:
        if self._line_room.take():
            logger.info("strategy {}: {}", self._config.name, text)

    # --- to the child ------------------------------------------------------------------------

    async def _follow_rows(self, rows: Rows) -> None:
        while True:
            for row in await rows.receive_batch():
                if isinstance(row, Lagged):
                    raise StrategyFailed("too many orders of the house at once: rows were lost")
                for report in self.orders.fold(row):
                    instrument = self._around.directory.instrument(report.symbol)
                    self.child.outbox.put(write_order_report(instrument, report, self.run_id))

    async def _follow_market(self, subscription: Subscription) -> None:
        try:
            match subscription.data:
                case MarketData.TRADES:
                    await self._follow_trades(subscription)
                case MarketData.BOOK:
                    await self._follow_books(subscription)
                case MarketData.CANDLES:
                    await self._follow_candles(subscription)
                case _:
                    assert_never(subscription.data)
        except Rejection as rejection:
            raise StrategyFailed(
                f"no market data for {subscription.symbol} at {subscription.venue}: "
                f"{rejection.message}"
            ) from None

    async def _follow_trades(self, subscription: Subscription) -> None:
        instrument = self._instruments[subscription.symbol]
        async with aclosing(
            self._around.markets.trades(subscription.symbol, subscription.venue)
        ) as steps:
            async for step in steps:
                self.child.outbox.offer_trades(
                    instrument, subscription.venue, step.trades, lagged=step.lagged_to > 0
                )

    async def _follow_books(self, subscription: Subscription) -> None:
        instrument = self._instruments[subscription.symbol]
        async with aclosing(
            self._around.markets.books(subscription.symbol, subscription.venue, subscription.depth)
        ) as tops:
            async for top in tops:
                self.child.outbox.offer_book(
                    instrument, subscription.venue, top.bids, top.asks, top.at_ns
                )

    async def _follow_candles(self, subscription: Subscription) -> None:
        assert subscription.interval is not None
        instrument = self._instruments[subscription.symbol]
        async with aclosing(
            self._around.markets.candles(
                subscription.symbol, subscription.venue, subscription.interval
            )
        ) as candles:
            async for candle in candles:
                self.child.outbox.offer_candle(instrument, subscription.venue, candle)

    # --- its life ----------------------------------------------------------------------------

    async def _ask_for_life(self) -> None:
        with trio.move_on_after(START_S_MAX) as waiting:
            await self.ready.wait()
        if waiting.cancelled_caught:
            raise StrategyFailed(f"not ready {START_S_MAX:.0f} s after its start")
        while True:
            self._ping += 1
            self._pong = trio.Event()
            self.child.outbox.put(write_ping(self._ping))
            with trio.move_on_after(PONG_S_MAX) as waiting:
                await self._pong.wait()
            if waiting.cancelled_caught:
                raise StrategyFailed(f"no sign of life for {PONG_S_MAX:.0f} s")
            await trio.sleep(PING_EVERY_S)

    async def _stop_when_asked(self, nursery: trio.Nursery) -> None:
        await self._seat.stopping.wait()
        self._stop_sent = True
        self.child.outbox.put(write_stop(self._seat.cause))
        await trio.sleep(STOP_S_MAX)
        nursery.cancel_scope.cancel()  # It had its time; it is killed.


def _ignore(_: outcome.Outcome[Row]) -> None:
    pass
