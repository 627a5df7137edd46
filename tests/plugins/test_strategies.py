"""Strategies in real child processes: what they may do, and what happens when they fail.

The clock of the tests stands still (``mock_clock``): pauses and time-outs pass when a test says
so, while the processes work in real time.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import (
    ALICE,
    BOB,
    EVE,
    House,
    config,
    hand_made_candle,
    let_processes_work,
    open_house,
    robot,
    until,
    until_note,
)
from tests.storage.house import INSTRUMENT
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.run import PONG_S_MAX, START_S_MAX, STOP_S_MAX
from xached.actors.strategies.surroundings import SANDBOX_MIN, StrategyConfig
from xached.adapters.child_outbox import TRADES_MAX
from xached.domain.messages import CancelAll, Command, OrderEnded, Row
from xached.domain.order import EndReason, OrderType, Side
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import ActorState
from xached.runtime.world import REAL_FILES
from xached.storage.strategy_states import SavedState, StrategyStates

PRICE_TICKS = 490_000
"""What the acting strategy bids at its start."""

HAND_MADE = 5_000 if os.environ.get("XACHE_LONG") else 500


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


def ended(house: House, reason: EndReason) -> list[str]:
    """Orders that ended for a reason, by their id in the run."""
    return [
        event.client_order_id.partition("-")[2]
        for row in house.seen
        for event in row.events
        if isinstance(event, OrderEnded) and event.reason is reason
    ]


async def until_open(house: House, *names: str) -> None:
    """Wait until these orders are open, by their ids in the run."""
    while True:
        orders = (await house.purse()).orders
        if sorted(each.client_order_id.partition("-")[2] for each in orders) == sorted(names):
            return
        await let_processes_work()


def said(strategies: Strategies, text: str) -> bool:
    """Whether the strategy has ever said so."""
    return text in {each.text for each in robot(strategies).said}


async def until_trading(house: House, strategies: Strategies) -> None:
    """Wait until the strategy has its market data and knows of its order."""
    await until_open(house, "first")
    await until_note(strategies, "first OPEN  0")
    await until(lambda: house.markets.readers == 3)


async def test_a_strategy_starts_trades_and_hears_of_its_orders(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config()) as strategies:
        await until_trading(house, strategies)
        statistics = robot(strategies)
        [order] = (await house.purse()).orders
        assert order.client_order_id == f"{statistics.run_id}-first"
        assert (order.side, order.price_ticks) == (Side.BUY, PRICE_TICKS)
        assert (statistics.runs, statistics.ready, statistics.open_orders) == (1, True, 1)
        await house.order(EVE, Side.SELL, order.quantity_lots // 2, PRICE_TICKS)
        await until_note(strategies, "first PARTIALLY_FILLED  0.0005")
        await house.order(EVE, Side.SELL, order.quantity_lots // 2, PRICE_TICKS)
        await until_note(strategies, "first FILLED  0.001")
        assert robot(strategies).open_orders == 0


async def test_market_data_reaches_it(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.running(config()) as strategies:
        await until_trading(house, strategies)
        house.markets.trade(500_001)
        await until_note(strategies, "trade 50000.1 False")
        house.markets.book(500_000)
        await until_note(strategies, "book 50000.1")
        house.markets.candle(500_002, closed=True)
        await until_note(strategies, "candle 50000.2 True")


async def test_refusals_name_their_rule(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.running(config("bad orders")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until(lambda: robot(strategies).refused == 3)
        told = "other=UNKNOWN_INSTRUMENT poor=INSUFFICIENT_FUNDS step=PRICE_TICK"
        await until_note(strategies, told)
        assert [each.client_order_id[-5:] for each in (await house.purse()).orders] == ["first"]


async def test_an_id_that_the_run_has_used_is_refused(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """The exchange takes the same order again for a retry, and says what became of the first: a
    strategy that heard nothing of the second would wait for it for ever.

    Checked: it fails (one refusal alone) when ``_answered`` does not look at the row's number.
    """
    async with open_house(tmp_path) as house, house.running(config("same id")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until(lambda: said(strategies, "first=ID_REUSED first=ID_REUSED"))
        await until(lambda: said(strategies, "first CANCELED USER 0"))
        house.markets.trade()
        await until(lambda: said(strategies, " ".join(["first=ID_REUSED"] * 4)))
        assert robot(strategies).refused == 4
        assert (await house.purse()).orders == []


async def test_orders_beyond_the_rate_are_refused(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    calm = config("many orders", orders_per_s_max=11)
    async with open_house(tmp_path) as house, house.running(calm) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until(lambda: robot(strategies).refused == 20)
        assert robot(strategies).placed == 11
        await until_open(house, "first", *(f"m{index}" for index in range(10)))


async def test_a_strategy_cancels_its_orders(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.running(config("cancel")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until_note(strategies, "first CANCELED USER 0")
        assert ended(house, EndReason.USER) == ["first"]


async def test_it_starts_with_what_was_before_and_is_told_no_candle_twice(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it fails when ``_follow_candles`` does not look at ``told_to_ns``."""
    async with open_house(tmp_path) as house:
        house.markets.past = [hand_made_candle(10 + index, at_s=index) for index in range(5)]
        async with house.running(config("warm up")) as strategies:
            await until_note(strategies, "started [12, 13, 14] {}")
            await until(lambda: house.markets.readers == 3)
            for index in (3, 4):
                house.markets.candle(99, closed=True, at_s=index)
            house.markets.candle(20, closed=False, at_s=5)
            house.markets.candle(21, closed=True, at_s=5)
            await until_note(strategies, "candle 2.1 True")
            assert robot(strategies).notes == 2, "its start, and one candle"
            said = [each.text for each in robot(strategies).said]
            assert said == ["started [12, 13, 14] {}", "candle 2.1 True"]


async def test_orders_are_amended_and_replaced(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config("amend")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until_open(house, "second")
        [order] = (await house.purse()).orders
        assert (order.price_ticks, order.quantity_lots) == (480_000, 50)
        await until_note(strategies, "second OPEN  0")


async def test_changes_that_are_refused_are_told(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config("amend nothing")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until_note(strategies, "never> UNKNOWN_ORDER never>new UNKNOWN_ORDER")
        await until_open(house, "first")


async def test_orders_wait_for_their_price(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.running(config("stop order")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until_note(strategies, "stop UNTRIGGERED  0")
        [_, stop] = (await house.purse()).orders
        assert stop.trigger is not None
        assert (stop.type, stop.trigger.stop_ticks) == (OrderType.STOP, 400_000)


async def test_it_knows_its_position_and_its_money_when_it_hears_of_a_trade(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it fails when order updates are told before the account."""
    async with open_house(tmp_path) as house, house.running(config("position")) as strategies:
        await until_open(house, "first")
        await until_note(strategies, "0.00000 0 10 1")
        await house.order(EVE, Side.SELL, 100, PRICE_TICKS)
        [position] = (await house.purse()).positions.values()
        cost = INSTRUMENT.format_quote(position.cost_units)
        await until_note(strategies, f"0.00100 {cost} 10.001 0")


async def test_what_it_saved_is_there_after_a_crash_and_a_restart(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it fails without ``Saving.run``."""
    states = StrategyStates(tmp_path, REAL_FILES)
    async with open_house(tmp_path) as house:
        async with house.running(config("save")) as strategies:
            await until_note(strategies, "started [] {}")
            await until(lambda: house.markets.readers == 3)
            for count in (1, 2):
                house.markets.trade()
                await until_note(strategies, f"saved {{'trades': {count}}}")
            await until(lambda: '{"trades":2}' in str(states.read("robot")))
            child = robot(strategies).child
            assert child is not None
            os.kill(child.pid, signal.SIGKILL)
            await until(lambda: house.status().state is ActorState.PAUSING)
            await trio.testing.wait_all_tasks_blocked()
            clock.jump(1.0)
            await until_note(strategies, "started [] {'trades': 2}")
        other = config("save", name="other")
        async with house.running(other) as strategies:
            await until_note(strategies, "started [] {}", "other")
        changed = config("save", strategy="acting:Heir")
        async with house.running(changed) as strategies:
            await until_note(strategies, "started [] {}")
        async with house.running(config("save")) as strategies:
            await until_note(strategies, "started [] {'trades': 2}")


async def test_what_it_saves_at_its_end_is_kept(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: the last flush of ``_run_child`` keeps it when ``Saving.run`` is left out."""
    async with open_house(tmp_path) as house:
        async with house.running(config("save at the end")) as strategies:
            await until_note(strategies, "started [] {}")
            strategies.stop("robot", "enough")
            await until(lambda: house.status().state is ActorState.STOPPED)
        async with house.running(config("save at the end")) as strategies:
            await until_note(strategies, "started [] {'stopped': 'enough'}")


def spoil(directory: Path) -> None:
    [file] = directory.glob("*.state")
    file.write_bytes(file.read_bytes().replace(b"7", b"8"))


async def test_a_damaged_state_keeps_it_down(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    """Checked: without the hash it starts with what is in the file."""
    async with open_house(tmp_path) as house:
        states = StrategyStates(tmp_path, REAL_FILES)
        state = SavedState(
            plugin="acting:Acting", version=1, state_json='{"trades": 7}', saved_at_ns=0
        )
        states.write("robot", state)
        spoil(tmp_path)
        async with house.running(config("save")):
            await until(lambda: house.status().state is ActorState.FAILED)
            assert "is damaged; remove the file" in house.status().failure


async def test_too_much_to_save_is_an_error_of_the_strategy(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config("save too much")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until(lambda: house.status().state is ActorState.PAUSING)
        assert "at most 65536 are allowed" in house.status().failure


async def test_timers_fire_when_they_are_due(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.running(config("timers")) as strategies:
        await until_trading(house, strategies)
        notes = robot(strategies).notes
        house.markets.trade()
        # A and the second B are due after one second; the first B was replaced.
        await until(lambda: robot(strategies).timers == 2)
        clock.jump(1.0)
        await until(lambda: robot(strategies).notes == notes + 2)
        assert robot(strategies).timers == 0


async def test_what_it_prints_is_no_frame(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with open_house(tmp_path) as house, house.running(config("print")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until_note(strategies, "printed")


async def test_a_child_has_a_socket_and_nothing_else(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XACHE_SECRET", "of the daemon")
    async with open_house(tmp_path) as house, house.running(config("look around")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        # Standard input, output and error go nowhere; the fourth is the socket.
        await until_note(
            strategies,
            "files 4 alone True environment MKL_NUM_THREADS OMP_NUM_THREADS OPENBLAS_NUM_THREADS",
        )


# --- failures --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "failure"),
    [("raise", "CALLBACK: RuntimeError: no luck"), ("exit", "the process ended with 7")],
)
async def test_a_crash_cancels_its_orders_and_starts_it_again(
    clock: trio.testing.MockClock, tmp_path: Path, act: str, failure: str
) -> None:
    """Checked: it fails when the final CancelAll of ``_nothing_left_open`` is left out."""
    async with open_house(tmp_path) as house, house.running(config(act)) as strategies:
        await until_trading(house, strategies)
        first_run = robot(strategies).run_id
        house.markets.trade()
        await until(lambda: house.status().state is ActorState.PAUSING)
        assert failure in house.status().failure
        assert (await house.purse()).orders == []
        assert ended(house, EndReason.DISCONNECT) == ["first"]
        assert robot(strategies).child is None
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(1.0)
        await until_trading(house, strategies)
        assert house.status().restarts == 1
        assert robot(strategies).run_id != first_run
        assert robot(strategies).runs == 2


async def test_pauses_grow_and_it_stays_down_in_the_end(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config("raise at start")):
        for restarts in range(6):
            await until(lambda: house.status().restarts == restarts)  # noqa: B023 - awaited here
            await until(lambda: house.status().state is not ActorState.RUNNING)
            await trio.testing.wait_all_tasks_blocked()
            clock.jump(2.0**restarts)
        assert house.status().state is ActorState.FAILED
        assert "CALLBACK: RuntimeError: no luck" in house.status().failure


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        (config(strategy="missing"), "no strategy 'missing' is installed"),
        (config(strategy="no_such_module:Thing"), "IMPORT: ModuleNotFoundError"),
        (config(strategy="acting:NoSuchClass"), "IMPORT: AttributeError"),
        (config(strategy="acting:NotAStrategy"), "IMPORT: TypeError: acting:NotAStrategy is not"),
        (config(settings_json='{"price": 1.5}'), "price: is a number in quotes"),
        (config(settings_json='{"speed": 1}'), "speed: no such setting"),
        (config("foreign market"), "may not see 'ETH-USDT'"),
        (config("twice the same"), "subscribes twice to BOOK of BTC-USDT"),
    ],
)
async def test_what_can_never_run_is_tried_once_and_says_why(
    clock: trio.testing.MockClock, tmp_path: Path, broken: StrategyConfig, failure: str
) -> None:
    async with open_house(tmp_path) as house:
        # The daemon was killed when the strategy could still run.
        await house.order(ALICE, Side.BUY, 100, PRICE_TICKS)
        async with house.running(broken):
            await until(lambda: house.status().state is ActorState.FAILED)
            assert failure in house.status().failure
            assert (await house.purse()).orders == []


@pytest.mark.parametrize(
    ("broken", "failure"),
    [
        (config("raise what cannot be written"), r"CALLBACK: RuntimeError: \ud800"),
        (config("unknown venue"), "no market data for BTC-USDT at NOWHERE"),
        (config("too many timers"), ""),
    ],
)
async def test_what_does_not_run_says_why(
    clock: trio.testing.MockClock, tmp_path: Path, broken: StrategyConfig, failure: str
) -> None:
    async with open_house(tmp_path) as house, house.running(broken) as strategies:
        if not failure:
            await until_trading(house, strategies)
            house.markets.trade()
            failure = "more than 64 timers"
        await until(lambda: house.status().failure != "")
        assert failure in house.status().failure


async def test_a_strategy_that_hangs_is_killed(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config("hang")) as strategies:
        await until_trading(house, strategies)
        # The first ping is answered; the next is due five seconds later, and finds it hanging.
        await trio.testing.wait_all_tasks_blocked()
        house.markets.trade()
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()
            clock.jump(PONG_S_MAX)
        await until(lambda: house.status().failure != "")
        assert "no sign of life" in house.status().failure
        await until_open(house)


async def test_a_child_that_never_gets_ready_is_killed(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    silent = config(strategy="pass")
    async with open_house(tmp_path) as house, house.running(silent) as strategies:
        await until(lambda: robot(strategies).child is not None)
        # What it had saved is read first, by a thread: its time may begin after a jump.
        while house.status().failure == "":
            clock.jump(START_S_MAX)
            await let_processes_work()
        assert "not ready 30 s after its start" in house.status().failure


SEALED = "daemon.sendall(b'\\x00\\x00\\x00\\x02\\x3a\\x00')"
READY = f"{SEALED}; daemon.sendall(b'\\x00\\x00\\x00\\x02\\x0a\\x00')"


@pytest.mark.parametrize(
    ("program", "failure"),
    [
        ("daemon.sendall(b'GET / HTTP/1.1')", "a frame of 1195725856 bytes"),
        ("daemon.sendall(b'\\x00\\x02\\x00\\x01' + b'x' * 131073)", "a frame of 131073 bytes"),
        ("daemon.sendall(b'\\x00\\x00\\x00\\x00')", "a frame of 0 bytes"),
        ("daemon.sendall(b'\\x00\\x00\\x00\\x03\\xff\\xff\\xff')", "a frame that cannot be read"),
        ("daemon.sendall(b'\\x00\\x00\\x00\\x02\\x7a\\x00')", "a frame without a message"),
        (f"{SEALED}; daemon.sendall(b'\\x00\\x00\\x00\\x02\\x12\\x00')", "before Ready"),
        ("daemon.sendall(b'\\x00\\x00\\x00\\x02\\x0a\\x00')", "did not say first how it is"),
        (f"{SEALED}; {SEALED}", "Sealed twice"),
        ("daemon.sendall(b'\\x00\\x00\\x00\\x04\\x3a\\x02\\x08\\x63')", "99 is no Layer"),
        (f"{READY}; {READY.partition('; ')[2]}", "Ready twice"),
        (f"{READY}; daemon.sendall(b'\\x00\\x00\\x00\\x04\\x1a\\x02\\x08\\x63')", "not sent"),
        (f"{READY}; daemon.sendall(b'\\x00\\x00\\x00\\x04\\x12\\x02\\x0a\\x00')", "wants nothing"),
        (
            f"{READY}; data = b'\\x00\\x00\\x00\\x02\\x22\\x00' * 3000; daemon.sendall(data)",
            "more than 2000 messages in a second",
        ),
        ("daemon.close()", "the process ended with -9"),
    ],
)
async def test_a_child_that_breaks_the_protocol_harms_nobody(
    clock: trio.testing.MockClock, tmp_path: Path, program: str, failure: str
) -> None:
    good, bad = config(purse=BOB, name="good"), config(strategy=program, name="bad")
    async with open_house(tmp_path) as house, house.running(good, bad) as strategies:
        await until(lambda: robot(strategies, "bad").runs == 1)
        if "close" in program:
            await until(lambda: robot(strategies, "bad").child is not None)
            while not house.status("bad").failure:
                await trio.testing.wait_all_tasks_blocked(0.01)
                clock.jump(2.0)
        await until(lambda: house.status("bad").failure != "")
        assert failure in house.status("bad").failure
        await until_note(strategies, "first OPEN  0", "good")
        assert house.status("good").state is ActorState.RUNNING


async def test_a_flood_of_intents_ends_it(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine the cancels pile up before the exchange, and that bound would end it first.
    monkeypatch.setattr("xached.actors.strategies.run.CANCELS_WAITING_MAX", 3_000)
    async with open_house(tmp_path) as house, house.running(config("flood")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await until(lambda: house.status().failure != "")
        assert "more than 2000 messages in a second" in house.status().failure
        assert robot(strategies).cancels <= 2_000


async def test_slow_strategies_miss_prices_but_never_orders(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it fails when order reports are put where market data is (and dropped)."""
    waiting = config("wait for the token")
    async with open_house(tmp_path) as house, house.running(waiting) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()  # From here it waits for the token and reads nothing.
        for index in range(5 * TRADES_MAX):
            house.markets.trade(index + 1)
            house.markets.book(index + 1)
            if index % 100 == 0:
                await trio.testing.wait_all_tasks_blocked()
        for index in range(HAND_MADE):
            # By hand, in the same purse: told OPEN, then CANCELED.
            await house.order(ALICE, Side.SELL, 1, 500_010 + index % 100)
            if index % 100 == 99:
                await house.matching.execute(
                    CancelAll(purse=ALICE, symbol=None, request_id="", reason=EndReason.ADMIN)
                )
        await house.order(ALICE, Side.SELL, 1, 500_010, "last")
        child = robot(strategies).child
        assert child is not None
        assert child.outbox.trades_dropped > 0
        assert child.outbox.books_conflated > TRADES_MAX
        assert child.outbox.urgent_waiting > HAND_MADE
        os.kill(child.pid, signal.SIGUSR1)
        # OPEN and CANCELED for each, also for its own first order, and OPEN for the last.
        await until_note(strategies, f"heard {2 * HAND_MADE + 3}")
        assert robot(strategies).runs == 1
        assert robot(strategies).open_orders == 1


async def test_a_strategy_that_never_reads_its_orders_is_ended(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xached.adapters.child_outbox.URGENT_FRAMES_MAX", 50)
    waiting = config("wait for the token")
    async with open_house(tmp_path) as house, house.running(waiting) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        while not house.status().failure:
            await house.order(ALICE, Side.SELL, 1, 500_010)
            await house.matching.execute(
                CancelAll(purse=ALICE, symbol=None, request_id="", reason=EndReason.ADMIN)
            )
        assert "more than 50 order updates wait" in house.status().failure
        await until_open(house)


async def test_lost_rows_begin_a_new_run(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xached.actors.strategies.actor.ROWS_CAPACITY", 2)
    async with open_house(tmp_path) as house, house.running(config()) as strategies:
        await until_trading(house, strategies)
        rows = house.seen[-3:]
        house.rows.publish([attrs.evolve(row, seq=row.seq + 100) for row in rows])
        await until(lambda: house.status().failure != "")
        assert "rows were lost" in house.status().failure
        await until_open(house)


# --- the end ---------------------------------------------------------------------------------


async def test_it_is_asked_to_stop_and_stays_stopped(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config()) as strategies:
        await until_trading(house, strategies)
        strategies.stop("robot", "enough for today")
        await until(lambda: house.status().state is ActorState.STOPPED)
        assert robot(strategies).last_note == "stopped: enough for today"
        assert house.status().failure == ""
        assert (await house.purse()).orders == []
        assert ended(house, EndReason.DISCONNECT) == ["first"]


async def test_one_that_does_not_stop_is_killed(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(config("hang")) as strategies:
        await until_trading(house, strategies)
        house.markets.trade()
        await trio.testing.wait_all_tasks_blocked()
        strategies.stop_all("closing")
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(STOP_S_MAX)
        await until(lambda: house.status().state is ActorState.STOPPED)
        await until_open(house)


async def test_a_pause_between_runs_does_not_hold_up_a_stop(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        strategies = Strategies([config("raise at start")])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_strategies, strategies, house.around)
            await until(lambda: house.status().state is ActorState.PAUSING)
            strategies.stop_all("closing")
            # The clock stands still, and yet the actor ends.
        assert house.status().state is ActorState.STOPPED
        assert robot(strategies).runs == 1


async def test_cancelling_the_actor_leaves_no_order_and_no_process(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        async with house.running(config("hang")) as strategies:
            await until_trading(house, strategies)
            child = robot(strategies).child
            assert child is not None
            house.markets.trade()
        assert (await house.purse()).orders == []
        with pytest.raises(ProcessLookupError):
            os.kill(child.pid, 0)


async def test_orders_that_an_earlier_life_left_are_cancelled_at_the_start(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        await house.order(ALICE, Side.BUY, 1, 460_000, "earlier-life")
        async with house.running(config()) as strategies:
            await until_trading(house, strategies)
        assert ended(house, EndReason.DISCONNECT)[0] == "life"


async def test_a_busy_exchange_is_no_failure_of_a_strategy(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path) as house:
        query, asked = house.matching.query, 0

        async def query_when_free(wanted: PurseQuery, *, account: str = "") -> PurseSnapshot:
            nonlocal asked
            asked += 1
            if asked <= 10:
                raise Overloaded
            return await query(wanted, account=account)

        monkeypatch.setattr(house.matching, "query", query_when_free)
        async with house.running(config()) as strategies:
            for question in range(1, 11):
                await until(lambda: asked == question)  # noqa: B023 - awaited here
                await trio.testing.wait_all_tasks_blocked()
                clock.jump(0.1)
            await until_note(strategies, "first OPEN  0")
            assert house.status().restarts == 0


async def test_cancels_are_insisted_on_when_the_exchange_is_busy(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path) as house, house.running(config("cancel")) as strategies:
        await until_trading(house, strategies)
        busy, execute, asked = True, house.matching.execute, 0

        def refuse_cancels(*_: object, **__: object) -> None:
            raise Overloaded

        async def execute_when_free(command: Command, *, account: str = "") -> Row:
            nonlocal asked
            asked += 1
            if busy:
                raise Overloaded
            return await execute(command, account=account)

        monkeypatch.setattr(house.matching, "post", refuse_cancels)
        monkeypatch.setattr(house.matching, "execute", execute_when_free)
        house.markets.trade()
        await until(lambda: asked > 0)
        await until_open(house, "first")
        busy = False
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(1.0)
        await until_note(strategies, "first CANCELED USER 0")


async def test_cancels_that_wait_are_bounded(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs a task; the end of the run cancels everything anyway."""
    async with open_house(tmp_path) as house, house.running(config("cancel")) as strategies:
        await until_trading(house, strategies)

        execute = house.matching.execute

        def refuse(*_: object, **__: object) -> None:
            raise Overloaded

        async def execute_ends(command: Command, *, account: str = "") -> Row:
            if not isinstance(command, CancelAll):
                await trio.sleep_forever()
            return await execute(command, account=account)

        monkeypatch.setattr("xached.actors.strategies.run.CANCELS_WAITING_MAX", 3)
        monkeypatch.setattr(house.matching, "post", refuse)
        monkeypatch.setattr(house.matching, "execute", execute_ends)
        house.markets.trade()
        house.markets.trade()
        await until(lambda: house.status().failure != "")
        assert "too many cancels wait" in house.status().failure
        assert (await house.purse()).orders == []


async def test_a_child_that_is_held_too_loosely_is_given_nothing_to_run(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it runs on, and the test fails, when Run._release compares nothing."""
    loose = config(strategy=SEALED)
    async with open_house(tmp_path) as house:
        house.around = attrs.evolve(house.around, sandbox_min=SANDBOX_MIN)
        async with house.running(loose):
            await until(lambda: house.status().state is ActorState.FAILED)
            assert "the house requires: files, system_calls" in house.status().failure
