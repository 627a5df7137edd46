"""One run of a strategy: one child process, from Start to its end."""

from __future__ import annotations

import contextlib
import functools
from collections import deque
from typing import Final, TypeAlias, assert_never

import attrs
import outcome
import trio
from loguru import logger
from xache_sdk.reasons import Reason as OrdersReason
from xache_sdk.seal import Layer, Sealed
from xache_sdk.signal_values import SignalValue

from xached.actors.strategies.breaches import StrategySilent
from xached.actors.strategies.commands import RunCommands
from xached.actors.strategies.house_models import REPLACED, TradedModel
from xached.actors.strategies.market_data import (
    RunMarketData,
    StrategyFailed,
    StrategyMisconfigured,
    check_subscriptions,
)
from xached.actors.strategies.saving import Saving
from xached.actors.strategies.signal_telling import tell_signal
from xached.actors.strategies.standing import Standing
from xached.actors.strategies.surroundings import StrategyConfig, Surroundings
from xached.actors.strategies.timers import Timers
from xached.adapters.child import ChildEnded, ChildProcess
from xached.adapters.child_frames import (
    ChangeRefused,
    Money,
    Refused,
    Saved,
    Start,
    client_order_id,
    write_account,
    write_begin,
    write_change_refused,
    write_order_report,
    write_ping,
    write_refused,
    write_start,
    write_stop,
    write_timer,
)
from xached.adapters.child_intents import (
    AmendIntent,
    CancelAllIntent,
    CancelIntent,
    ChildMessage,
    ChildViolation,
    Failed,
    Failure,
    Intent,
    Intents,
    Log,
    NoteIntent,
    PlaceIntent,
    Pong,
    Readings,
    Ready,
    ReplaceIntent,
    Save,
    TimerIntent,
)
from xached.domain.capabilities import CapabilityRule, Gate, OrderCommand
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Symbol
from xached.domain.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    OrderAccepted,
    Row,
    Traded,
)
from xached.domain.order import EndReason, Purse, account_of
from xached.domain.order_reports import PurseOrders, report_open
from xached.domain.plugins import PluginRefused
from xached.domain.purse_money import MoneyChanges, PurseMoney
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.domain.rejection import Reason, Rejection
from xached.domain.seen import Seen
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.topic import Lagged
from xached.runtime.topic import Subscription as TopicSubscription
from xached.runtime.world import NS_PER_S
from xached.storage.order_reasons import OrderReason

START_S_MAX: Final = 30.0
"""From spawn to Ready: importing a model library takes seconds on a busy machine."""

STOP_S_MAX: Final = 5.0
PING_EVERY_S: Final = 0.5
SILENT_S_MAX: Final = 1.5
"""One that says nothing for so long does not mind its orders: they are cancelled. With the pause
between pings that is within two seconds of its last sign of life."""

PONG_S_MAX: Final = 10.0
"""One that says nothing for so long is killed."""

BUSY_RETRY_S: Final = 0.1
INSIST_S_MAX: Final = 60.0
"""So long an exchange that is busy is asked again. A strategy that is ended by that, again and
again, is not given up: fewer than its failures fit into the time in which they are counted."""

ALARM_S: Final = 5.0
IN_FLIGHT_MAX: Final = 128
CANCELS_WAITING_MAX: Final = 1_000
"""Cancels that a busy exchange has refused and that are tried again. More end the run, and its
end cancels everything."""

EXPIRY_CHECK_S: Final = 60.0
LINES_PER_S_MAX: Final = 20
OPEN_ORDERS_TOLD_MAX: Final = 200
"""Orders of the purse's owner that a strategy is told of at its start; they fit into its frame."""

Rows: TypeAlias = TopicSubscription[Row]
OrderIntent: TypeAlias = PlaceIntent | AmendIntent | ReplaceIntent

REFUSED_RATE: Final = "RATE"
REFUSED_IN_FLIGHT: Final = "IN_FLIGHT"
REFUSED_OVERLOADED: Final = "OVERLOADED"
REFUSED_ACCOUNT: Final = "ACCOUNT"
REFUSED_REUSED: Final = Reason.ID_REUSED.value


NOTES_KEPT: Final = 100


@attrs.frozen
class Said:
    """Something that a strategy has said."""

    at_ns: int
    text: str


@attrs.define
class Tally:
    """What a strategy has done, over all its runs."""

    placed: int = 0
    refused: int = 0
    beyond: int = 0
    """Of those refused: what the operator does not let it do."""
    cancels: int = 0
    notes: int = 0
    last_note: str = ""
    said: deque[Said] = attrs.field(factory=lambda: deque(maxlen=NOTES_KEPT))
    """The newest notes, the oldest of them first."""


@attrs.define
class StopRequest:
    """Whether and why a strategy was asked to end."""

    asked: trio.Event = attrs.field(factory=trio.Event)
    cause: str = ""

    def ask(self, cause: str) -> None:
        """Ask once; later causes change nothing."""
        if not self.asked.is_set():
            self.cause = cause
            self.asked.set()


async def insist(
    around: Surroundings, command: CancelAll | CancelOrder, *, for_s: float = INSIST_S_MAX
) -> None:
    """Carry out a cancel even when the exchange is busy.

    Raises: Rejection; Overloaded when it was busy for so long: whoever wants it goes on later.
    """
    began, alarmed = trio.current_time(), False
    while True:
        try:
            exchange = around.floor(command.purse).exchange
            await exchange.execute(command, account=account_of(command.purse))
        except Overloaded:
            waited_s = trio.current_time() - began
            if waited_s >= ALARM_S and not alarmed:
                alarmed = True
                logger.error(
                    "orders of {} cannot be cancelled, the exchange has been busy for {:.0f} s",
                    command.purse,
                    waited_s,
                )
            if waited_s >= for_s:
                raise
            await trio.sleep(BUSY_RETRY_S)
        except Closed:
            return  # The house is closing; the next start cancels before anything else.
        else:
            return


async def query_purse(around: Surroundings, purse: Purse) -> PurseSnapshot:
    """How a purse stands, also when the exchange is busy.

    Raises: Rejection, Closed; Overloaded when it was for longer than :data:`INSIST_S_MAX`.
    """
    began = trio.current_time()
    while True:
        try:
            exchange = around.floor(purse).exchange
            return await exchange.query(PurseQuery(purse), account=account_of(purse))
        except Overloaded:
            if trio.current_time() - began >= INSIST_S_MAX:
                raise
            await trio.sleep(BUSY_RETRY_S)


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


@attrs.frozen(kw_only=True)
class _Decision:
    """What the strategy said of an order, and on what it decided."""

    reason: OrdersReason | None
    input: int
    seen: tuple[Seen, ...]
    signals: tuple[SignalValue, ...]
    at_ns: int
    reference_ticks: int | None


class Run:
    """One child and everything around it, from Start to its end."""

    def __init__(
        self,
        config: StrategyConfig,
        around: Surroundings,
        child: ChildProcess,
        run_id: str,
        purse: PurseSnapshot,
        tally: Tally,
        stop: StopRequest,
        model: TradedModel | None = None,
        standing: Standing | None = None,
    ) -> None:
        self.child = child
        self.run_id = run_id
        self._floor = around.floor(config.purse)
        directory = self._floor.directory
        self.orders = PurseOrders(config.purse, purse.orders, purse.seq, directory)
        self.ready = trio.Event()
        self.predicts = True
        """What the plugin declares, once it is ready."""
        self.layers: tuple[Layer, ...] | None = None
        self.ended_in_order = False
        """Whether it was asked to end, and did."""
        self.saving = Saving(config, around)
        self._config = config
        self._tally = tally
        self._stop = stop
        self._around = around
        self._account = account_of(config.purse)
        self._instruments = {
            symbol: around.directory.instrument(symbol) for symbol in config.symbols
        }
        self._traded = {
            self._floor.traded_as(symbol): instrument
            for symbol, instrument in self._instruments.items()
        }
        """The instruments by the names that they have where it trades."""
        self._money = PurseMoney(config.purse, purse, directory)
        self._market_data = RunMarketData(around.markets, child.outbox, self._instruments)
        self._commands = RunCommands(config.purse, run_id, self._instruments)
        self._model = model
        self._standing = standing
        self._impeded = False
        """Something stands against the account: it wants nothing more, and ends."""
        self._gate = Gate(
            config.capabilities,
            self._instruments,
            self._market_data.newest_ticks,
            lambda: bool(self.advice),
        )
        self._order_room = _Bucket(config.orders_per_s_max)
        self._line_room = _Bucket(LINES_PER_S_MAX)
        self._in_flight = 0
        self._answered_seq = 0
        """The newest row that an order or a change of one has led to; each leads to a newer one."""
        self._cancels_waiting = 0
        self._stop_sent = False
        self.renewed = False
        """It ends to begin again: with a newer model, or once its account may trade again."""
        self._input = 0
        """How many frames it had been handed when it wanted what is being done."""
        self._withdrawn = trio.Event()
        self._withdrawn_cause = ""
        self._ping = 0
        self._pong = trio.Event()
        self.timers = Timers(self._timer_due)

    @property
    def advice(self) -> str:
        """Why its model may not buy; empty while it may, and without a model of the house."""
        return "" if self._model is None else self._model.advice

    async def serve(self, rows: Rows, purse: PurseSnapshot) -> None:
        """Start the strategy and serve it until it has stopped."""
        self.child.outbox.put(write_start(self._start(purse, await self.saving.read())))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.saving.run)
            nursery.start_soon(self._follow_rows, rows)
            nursery.start_soon(self._end_at_expiry)
            nursery.start_soon(self._end_when_withdrawn)
            nursery.start_soon(self._ask_for_life)
            nursery.start_soon(self._stop_when_asked, nursery)
            if self._model is not None:
                nursery.start_soon(self._follow_model, self._model, nursery)
            if self._standing is not None:
                nursery.start_soon(self._follow_owner, self._standing, nursery)
            await self._listen(nursery)
            nursery.cancel_scope.cancel()

    def _start(self, purse: PurseSnapshot, saved: Saved | None) -> Start:
        now_ns = self._around.world.now_ns()
        return Start(
            run_id=self.run_id,
            settings_json=self._config.settings_json,
            instruments=tuple(self._instruments.values()),
            money=tuple(self._money_of(name, funds) for name, funds in purse.balances.items()),
            positions=tuple(
                (self._traded[symbol], position)
                for symbol, position in purse.positions.items()
                if symbol in self._traded
            ),
            open_orders=tuple(
                (self._floor.instrument(order.symbol), report_open(order, now_ns))
                for order in purse.orders[:OPEN_ORDERS_TOLD_MAX]
            ),
            now_ns=now_ns,
            saved=saved,
        )

    # --- from the child ----------------------------------------------------------------------

    async def _listen(self, nursery: trio.Nursery) -> None:
        while True:
            try:
                messages = await self.child.receive_batch()
            except ChildEnded:
                if self._stop_sent:
                    self.ended_in_order = True
                    return
                raise
            for message in messages:
                self._take(message, nursery)

    def _take(self, message: ChildMessage, nursery: trio.Nursery) -> None:
        if self.layers is None and not isinstance(message, Sealed):
            if isinstance(message, Failed) and message.failure is Failure.SANDBOX:
                raise _failure(message)
            raise ChildViolation("it did not say first how it is sealed")
        match message:
            case Sealed():
                self._release(message)
            case Ready():
                self._begin(message, nursery)
            case Intents():
                if not self.ready.is_set():
                    raise ChildViolation("intents before Ready")
                self._input = message.input
                for intent in message.intents:
                    self._do(intent, nursery)
            case Save():
                self.saving.put(message)
            case Pong():
                if message.number != self._ping:
                    raise ChildViolation("an answer to a ping that was not sent")
                self.child.seen_by(message.input)
                self._pong.set()
            case Log():
                self._tell(message.text)
            case Failed():
                raise _failure(message)
            case Readings():
                raise ChildViolation("a strategy wants things, and says no readings")
            case _:
                assert_never(message)

    def _release(self, sealed: Sealed) -> None:
        """Tell it what to run, if it is held well enough: until then it has nothing to run."""
        if self.layers is not None:
            raise ChildViolation("Sealed twice")
        if lacking := self._around.sandbox_min - set(sealed.layers):
            why = {each.layer: f" ({each.why})" for each in sealed.lacks}
            names = ", ".join(each.name.lower() + why.get(each, "") for each in sorted(lacking))
            raise StrategyMisconfigured(
                f"this machine's sandbox lacks what the house requires: {names}"
            )
        self.layers = sealed.layers
        self.child.release()

    def _begin(self, ready: Ready, nursery: trio.Nursery) -> None:
        if self.ready.is_set():
            raise ChildViolation("Ready twice")
        check_subscriptions(ready.subscriptions, self._config.symbols)
        for name in ready.uses:
            if not self._around.signals.knows(name):
                raise StrategyMisconfigured(f"the house runs no signal {name!r}")
        self.predicts = ready.predicts
        self.ready.set()
        logger.info("strategy {}: ready", self._config.name)
        nursery.start_soon(self._warm_up_and_begin, ready, nursery)

    async def _warm_up_and_begin(self, ready: Ready, nursery: trio.Nursery) -> None:
        await self._market_data.warm_up(ready.subscriptions)
        self.child.outbox.put(write_begin())
        self._market_data.follow(ready.subscriptions, nursery)
        for name in ready.uses:
            tell = functools.partial(tell_signal, self._around.signals, name, self.child.outbox)
            nursery.start_soon(tell, self._around.world.now_ns)

    def _do(self, intent: Intent, nursery: trio.Nursery) -> None:
        match intent:
            case PlaceIntent() | AmendIntent() | ReplaceIntent():
                self._send_order(intent)
            case CancelIntent():
                self._cancel_order(client_order_id(self.run_id, intent.id), nursery)
            case CancelAllIntent():
                self._cancel_all(intent.symbol, nursery)
            case TimerIntent():
                self.timers.set(intent.name, intent.delay_ns, nursery)
            case NoteIntent():
                self._tally.notes += 1
                self._tally.last_note = intent.text
                self._tally.said.append(Said(self._around.world.now_ns(), intent.text))
                self._tell(intent.text)
            case _:
                assert_never(intent)

    def _send_order(self, intent: OrderIntent) -> None:
        """Ask for an order or a change of one; a refusal is told to the strategy."""
        if self._impeded:
            self._refuse(intent, REFUSED_ACCOUNT)
            return
        if not self._order_room.take():
            self._refuse(intent, REFUSED_RATE)
            return
        if self._in_flight >= IN_FLIGHT_MAX:
            self._refuse(intent, REFUSED_IN_FLIGHT)
            return
        if (rule := self._gate.refuse_intent(self._around.world.now_ns())) is not None:
            self._refuse_beyond(intent, rule)
            return
        try:
            command = self._command(intent)
        except Rejection as rejection:
            self._refuse(intent, rejection.reason.value)
            return
        if (rule := self._gate.refuse_command(command)) is not None:
            self._refuse_beyond(intent, rule)
            return
        try:
            self._floor.exchange.post(
                self._floor.translated(command),
                functools.partial(self._answered, intent, command, self._decide(intent)),
                account=self._account,
            )
        except (Overloaded, Closed):
            self._gate.sent_in_vain(command)
            self._refuse(intent, REFUSED_OVERLOADED)
        else:
            self._tally.placed += 1
            self._in_flight += 1

    def _refuse_beyond(self, intent: OrderIntent, rule: CapabilityRule) -> None:
        self._tally.beyond += 1
        self._refuse(intent, rule.value)

    def _command(self, intent: OrderIntent) -> OrderCommand:
        match intent:
            case PlaceIntent():
                return self._commands.place(intent)
            case AmendIntent():
                return self._commands.amend(intent)
            case ReplaceIntent():
                return self._commands.replace(intent)
            case _:
                assert_never(intent)

    def _decide(self, intent: OrderIntent) -> _Decision | None:
        """What an intent was decided on; None when nobody will ask."""
        if not self._config.explained or isinstance(intent, AmendIntent):
            return None
        return _Decision(
            reason=intent.reason,
            input=self._input,
            seen=self.child.seen_by(self._input),
            signals=self.child.heard_by(self._input),
            reference_ticks=self._market_data.newest_ticks(intent.symbol),
            at_ns=self._around.world.now_ns(),
        )

    def _explain(self, client_order_id: str, decision: _Decision, row: Row) -> None:
        """Keep why an order was placed, now that it has an id."""
        for event in row.events:
            if isinstance(event, OrderAccepted) and event.client_order_id == client_order_id:
                self._around.reasons.put(
                    OrderReason(
                        purse=self._config.purse,
                        order_id=event.order_id,
                        run_id=self.run_id,
                        decided_at_ns=decision.at_ns,
                        input=decision.input,
                        reason=decision.reason,
                        seen=decision.seen,
                        signals=decision.signals,
                        reference_ticks=decision.reference_ticks,
                    )
                )

    def _answered(
        self,
        intent: OrderIntent,
        command: OrderCommand,
        decision: _Decision | None,
        answer: outcome.Outcome[Row],
    ) -> None:
        self._in_flight -= 1
        if isinstance(answer, outcome.Value):
            if answer.value.seq <= self._answered_seq:
                # The row of an earlier order with this id: the exchange took it for a retry.
                self._gate.sent_in_vain(command)
                self._refuse(intent, REFUSED_REUSED)
                return
            self._answered_seq = answer.value.seq
            if decision is not None and not isinstance(command, AmendOrder):
                self._explain(command.client_order_id, decision, answer.value)
            return  # Its row tells the rest.
        self._gate.sent_in_vain(command)
        match answer:
            case outcome.Error(error=Rejection() as rejection):
                self._refuse(intent, rejection.reason.value)
            case _:
                self._refuse(intent, REFUSED_OVERLOADED)

    def _refuse(self, intent: OrderIntent, reason: str) -> None:
        self._tally.refused += 1
        at_ns = self._around.world.now_ns()
        match intent:
            case PlaceIntent():
                frame = write_refused(
                    Refused(
                        id=intent.id,
                        symbol=intent.symbol,
                        side=intent.side,
                        reason=reason,
                        at_ns=at_ns,
                    )
                )
            case AmendIntent() | ReplaceIntent():
                frame = write_change_refused(
                    ChangeRefused(
                        id=intent.id,
                        new_id=intent.new_id if isinstance(intent, ReplaceIntent) else "",
                        symbol=intent.symbol,
                        reason=reason,
                        at_ns=at_ns,
                    )
                )
            case _:
                assert_never(intent)
        self.child.outbox.put(frame)

    def _cancel_order(self, name: str, nursery: trio.Nursery) -> None:
        command = CancelOrder(
            purse=self._config.purse,
            order_id=None,
            client_order_id=name,
            request_id="",
            reason=EndReason.USER,
        )
        self._cancel(command, nursery)

    def _cancel(self, command: CancelOrder | CancelAll, nursery: trio.Nursery) -> None:
        self._tally.cancels += 1
        try:
            # An order that has just ended is refused here; its own update is on the way.
            self._floor.exchange.post(command, _ignore, account=self._account)
        except Overloaded:
            if self._cancels_waiting >= CANCELS_WAITING_MAX:
                raise StrategyFailed("too many cancels wait for a busy exchange") from None
            self._cancels_waiting += 1
            nursery.start_soon(self._insist_on, command)
        except Closed:
            pass  # The house is closing, and cancels at the next start.

    def _cancel_all(self, symbol: Symbol | None, nursery: trio.Nursery) -> None:
        with contextlib.suppress(Rejection):  # In a market that is not there nothing is open.
            traded = None if symbol is None else self._floor.traded_as(symbol)
            command = CancelAll(
                purse=self._config.purse, symbol=traded, request_id="", reason=EndReason.USER
            )
            self._cancel(command, nursery)

    async def _insist_on(self, command: CancelOrder | CancelAll) -> None:
        try:
            with contextlib.suppress(Rejection):  # It has ended meanwhile.
                await insist(self._around, command)
        except Overloaded:
            raise StrategyFailed("the exchange was too busy to cancel what it wants") from None
        self._cancels_waiting -= 1

    def _timer_due(self, name: str) -> None:
        self.child.outbox.put(write_timer(name, self._around.world.now_ns()))

    def _tell(self, text: str) -> None:
        if self._line_room.take():
            logger.info("strategy {}: {}", self._config.name, text)

    # --- to the child ------------------------------------------------------------------------

    async def _follow_rows(self, rows: Rows) -> None:
        while True:
            for row in await rows.receive_batch():
                if isinstance(row, Lagged):
                    raise StrategyFailed(
                        "rows were lost: too many at once, or the exchange began anew"
                    )
                self._note_traded(row)
                changes = self._money.fold(row)
                if changes is not None:
                    self._tell_account(changes)
                reports = self.orders.fold(row)
                self._gate.ended(each.client_order_id for each in reports if each.status.is_over)
                for report in reports:
                    instrument = self._floor.instrument(report.symbol)
                    self.child.outbox.put(write_order_report(instrument, report, self.run_id))

    def _note_traded(self, row: Row) -> None:
        """Let the reasons of orders that trade be kept for longer."""
        if not self._config.explained:
            return
        purse = self._config.purse
        for event in row.events:
            if isinstance(event, Traded):
                if event.taker_purse == purse:
                    self._around.reasons.note_traded(purse, event.taker_order_id)
                if event.maker_purse == purse:
                    self._around.reasons.note_traded(purse, event.maker_order_id)

    def _tell_account(self, changes: MoneyChanges) -> None:
        money = [self._money_of(name, funds) for name, funds in changes.funds.items()]
        positions = [
            (self._traded[symbol], position)
            for symbol, position in changes.positions.items()
            if symbol in self._traded
        ]
        self.child.outbox.put(write_account(money, positions))

    def _money_of(self, name: AssetName, funds: Funds) -> Money:
        return Money(
            asset=self._floor.asset(name),
            available_units=funds.available,
            held_units=funds.held,
        )

    # --- its life ----------------------------------------------------------------------------

    async def _ask_for_life(self) -> None:
        with trio.move_on_after(START_S_MAX) as waiting:
            await self.ready.wait()
        if waiting.cancelled_caught:
            raise StrategySilent(f"not ready {START_S_MAX:.0f} s after its start")
        while True:
            self._ping += 1
            self._pong = trio.Event()
            self.child.outbox.put(write_ping(self._ping))
            with trio.move_on_after(PONG_S_MAX) as waiting:
                await self._hear_pong()
            if waiting.cancelled_caught:
                raise StrategySilent(f"no sign of life for {PONG_S_MAX:.0f} s")
            await trio.sleep(PING_EVERY_S)

    async def _hear_pong(self) -> None:
        with trio.move_on_after(SILENT_S_MAX):
            await self._pong.wait()
        if not self._pong.is_set():
            cancel_all = CancelAll(
                purse=self._config.purse,
                symbol=None,
                request_id=f"{self.run_id}-silent-{self._ping}",
                reason=EndReason.DISCONNECT,
            )
            await insist(self._around, cancel_all)
            await self._pong.wait()

    async def _end_at_expiry(self) -> None:
        """It may not go on when what it may do has expired, nor begin again."""
        expires_at_ns = self._config.capabilities.expires_at_ns
        if expires_at_ns is None:
            return
        # By the wall clock, which may be set: it is looked at again now and then.
        while (left_ns := expires_at_ns - self._around.world.now_ns()) > 0:  # noqa: ASYNC110
            await trio.sleep(min(left_ns / NS_PER_S, EXPIRY_CHECK_S))
        raise StrategyMisconfigured("what the operator lets it do has expired")

    def withdraw(self, cause: str) -> None:
        """End it at once: its plugin may no longer run."""
        self._withdrawn_cause = cause
        self._withdrawn.set()

    async def _end_when_withdrawn(self) -> None:
        await self._withdrawn.wait()
        raise PluginRefused(self._withdrawn_cause)

    async def _stop_when_asked(self, nursery: trio.Nursery) -> None:
        await self._stop.asked.wait()
        await self._end(self._stop.cause, nursery)

    async def _end(self, cause: str, nursery: trio.Nursery) -> None:
        self._stop_sent = True
        self.child.outbox.put(write_stop(cause))
        await trio.sleep(STOP_S_MAX)
        nursery.cancel_scope.cancel()  # It had its time; it is killed.

    async def _follow_model(self, model: TradedModel, nursery: trio.Nursery) -> None:
        """Nothing is bought while the model only advises; a newer one ends the run."""
        told = ""
        while not model.replaced:
            if model.advice and model.advice != told:
                told = model.advice
                logger.warning("strategy {}: its model only advises: {}", self._config.name, told)
                for name in self._gate.purchases():
                    self._cancel_order(name, nursery)
            await model.models.wait_changed()
        self.renewed = not self._stop_sent
        await self._end(REPLACED, nursery)

    async def _follow_owner(self, standing: Standing, nursery: trio.Nursery) -> None:
        """End at once what trades in the name of an account that may not trade any more."""
        while not (against := await standing.ask()):
            await standing.wait_changed()
        self._impeded = True
        self.renewed = not self._stop_sent
        logger.warning("strategy {} ends: {}", self._config.name, against)
        await self._end(against, nursery)


def _failure(message: Failed) -> Exception:
    text = f"{message.failure.name}: {message.message}"
    if message.failure is Failure.CALLBACK:
        return StrategyFailed(text)
    return StrategyMisconfigured(text)


def _ignore(_: outcome.Outcome[Row]) -> None:
    pass
