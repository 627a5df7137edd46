"""The matching actor: what is on disk, what is answered, and in which order.

Checked by breaking, each seen red: answering before the append (test_nothing_is_answered_before),
publishing before it, forgetting the ids of a batch (test_an_id_repeated_in_one_batch), skipping the
journal's index (test_an_old_id_is_found), letting due expiries wait for the next command.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import outcome
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.storage.house import INSTRUMENT, KEY, SYMBOL, zero_entropy
from xached.actors import matching as matching_module
from xached.actors.matching import CommandOutcome, Matching, MatchingActor
from xached.api import convert
from xached.domain.exchange import Exchange
from xached.domain.instrument import Asset, AssetName, Directory
from xached.domain.messages import (
    AdvanceClock,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    ListAsset,
    ListInstrument,
    OpenPurse,
    OrderEnded,
    OrderRested,
    PlaceOrder,
    Row,
    SetHalt,
    SetMark,
    SetRiskLimits,
    SetRiskState,
)
from xached.domain.order import (
    EndReason,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.queries import PurseQuery
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import HOUSE_SCOPE, RiskSetter, RiskState
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.topic import Topic
from xached.runtime.world import SimulatedWorld
from xached.storage.journal import Journal, JournalFailed

ALICE, BOB = Purse("alice/main"), Purse("bob/main")
BTC, USDT = AssetName("BTC"), AssetName("USDT")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.db"


def order(purse: Purse, client_order_id: str, side: Side, price: int, lots: int) -> PlaceOrder:
    """A GTC limit order."""
    return PlaceOrder(
        purse=purse,
        client_order_id=client_order_id,
        symbol=SYMBOL,
        side=side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price_ticks=price,
        quantity_lots=lots,
        quote_units=None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
    )


def buy(client_order_id: str, price: int = 490_000, lots: int = 1) -> PlaceOrder:
    """Alice bids."""
    return order(ALICE, client_order_id, Side.BUY, price, lots)


SETTING: tuple[Command, ...] = (
    ListAsset(asset=Asset(BTC, 8), request_id="btc"),
    ListAsset(asset=Asset(USDT, 6), request_id="usdt"),
    ListInstrument(instrument=INSTRUMENT, request_id="list"),
    SetMark(symbol=SYMBOL, price_ticks=500_000, source="TEST", request_id="mark"),
    SetRiskLimits(
        purse=None,
        max_open_orders=200,
        max_order_notional_units=((USDT, 10**14),),
        request_id="limits",
    ),
    *(OpenPurse(purse=purse, simulated=False, request_id="") for purse in (ALICE, BOB)),
    *(
        Deposit(purse=purse, asset=asset, amount_units=10**12, request_id=f"d-{purse[:3]}-{asset}")
        for purse in (ALICE, BOB)
        for asset in (BTC, USDT)
    ),
)


class WatchedJournal:
    """The real journal, with a switch for what happens at an append."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.before_append: Callable[[Sequence[Row]], None] = lambda _: None
        self.appends: list[int] = []

    @property
    def last_seq(self) -> int:
        """See Journal."""
        return self.journal.last_seq

    @property
    def last_at_ns(self) -> int:
        """See Journal."""
        return self.journal.last_at_ns

    def append(self, rows: Sequence[Row]) -> None:
        """See Journal."""
        self.before_append(rows)
        self.journal.append(rows)
        self.appends.append(len(rows))

    def find_ids(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, bytes]]:
        """See Journal."""
        return dict(self.journal.find_ids(keys))

    def request_mac(self, command: Command) -> bytes:
        """See Journal."""
        return self.journal.request_mac(command)

    def read(self, first: int, last: int) -> Iterator[Row]:
        """See Journal."""
        return self.journal.read(first, last)

    def row(self, seq: int) -> Row | None:
        """See Journal."""
        return self.journal.row(seq)


@attrs.define
class Running:
    """A running exchange and everything around it."""

    matching: Matching
    exchange: Exchange
    journal: WatchedJournal
    feed: Topic[Row]
    directory: Directory
    world: SimulatedWorld
    actor: MatchingActor


@asynccontextmanager
async def running(path: Path, *, capacity: int = 1_024) -> AsyncIterator[Running]:
    """Recover from the journal and run, as the daemon does; stops with the block."""
    world = SimulatedWorld(1)
    with Journal.open(path, KEY, entropy=zero_entropy) as real:
        exchange, directory = Exchange(), Directory()
        for seq, at_ns, events in real.replay():
            for event in events:
                exchange.apply(event, seq, at_ns)
        for asset in exchange.state.assets.values():
            directory.list_asset(asset)
        for market in exchange.state.markets.values():
            directory.list_instrument(market.instrument)
        journal = WatchedJournal(real)
        matching, feed = Matching(capacity), Topic[Row]()
        actor = MatchingActor(
            matching,
            exchange,
            journal,
            world.open_lane("journal"),
            feed,
            directory,
            world.now_ns,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(actor.run)
            for command in SETTING:
                await matching.execute(command)
            yield Running(matching, exchange, journal, feed, directory, world, actor)
            exchange.check()
            nursery.cancel_scope.cancel()


async def test_nothing_is_answered_or_published_before_it_is_on_disk(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house, house.feed.subscribe(100) as rows:
        answers: list[CommandOutcome] = []
        seen: list[tuple[int, int]] = []
        house.journal.before_append = lambda _: seen.append((len(answers), rows.buffered))
        for number in range(5):
            house.matching.post(buy(f"o{number}"), answers.append, account="alice")
        await wait_all_tasks_blocked()
        await trio.sleep(1)
        assert seen == [(0, 0)], "one batch, and nobody knew anything when it was written"
        told = [answer.unwrap() for answer in answers]
        assert [row.command for row in told] == [buy(f"o{n}") for n in range(5)]
        assert await rows.receive_batch() == told


async def test_answers_come_in_order_of_arrival_refusals_too(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        answers: list[CommandOutcome] = []
        for number in range(6):
            lots = 10**9 if number % 2 else 1
            command = attrs.evolve(buy(f"o{number}"), quantity_lots=lots)
            house.matching.post(command, answers.append, account="alice")
        await trio.sleep(1)
        kinds = [isinstance(answer, outcome.Error) for answer in answers]
        assert kinds == [False, True, False, True, False, True]


async def test_a_batch_is_one_transaction_but_not_atomic(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        appends = len(house.journal.appends)
        too_large = attrs.evolve(buy("o2"), quantity_lots=10**9)
        outcomes = await house.matching.execute_batch(
            (buy("o1"), too_large, buy("o3")), account="alice"
        )
        assert house.journal.appends[appends:] == [2]
        rows = [outcomes[0].unwrap(), outcomes[2].unwrap()]
        assert [row.seq for row in rows] == [rows[0].seq, rows[0].seq + 1]
        with pytest.raises(Rejection) as refused:
            outcomes[1].unwrap()
        assert refused.value.reason is Reason.QUANTITY_RANGE


async def test_a_large_batch_is_written_in_parts(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as house:
        appends = len(house.journal.appends)
        answers: list[CommandOutcome] = []
        for number in range(matching_module.MESSAGES_MAX):
            commands = tuple(buy(f"o{number}-{n}") if n % 2 else ALICE_ALL for n in range(10))
            house.matching.mailbox.post_nowait(
                matching_module.Batch(commands), answers.append, account=""
            )
        await trio.sleep(10)
        assert len(answers) == matching_module.MESSAGES_MAX
        written = house.journal.appends[appends:]
        assert len(written) > 1
        assert max(written) <= matching_module.ROWS_MAX + 10


ALICE_ALL = CancelAll(purse=ALICE, symbol=None, request_id="", reason=EndReason.USER)


# --- ids ------------------------------------------------------------------------------------


def answer_bytes(row: Row, directory: Directory) -> bytes:
    """What the client is sent for an order."""
    return convert.place_response(row, directory).SerializeToString(deterministic=True)


async def test_a_repeated_order_gets_the_first_answer_also_after_a_restart(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        await house.matching.execute(order(BOB, "ask", Side.SELL, 490_000, 4))
        first = await house.matching.execute(buy("once", lots=10))
        told = answer_bytes(first, house.directory)
        # The order goes on living: the answer must still be the first one.
        await house.matching.execute(order(BOB, "more", Side.SELL, 490_000, 6))
        again = await house.matching.execute(buy("once", lots=10))
        assert answer_bytes(again, house.directory) == told
    async with running(path) as house:
        again = await house.matching.execute(buy("once", lots=10))
        assert answer_bytes(again, house.directory) == told
        assert again.seq == first.seq
        assert house.exchange.state.orders == {}


async def test_the_same_id_with_other_content_is_refused(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        await house.matching.execute(buy("once"))
        with pytest.raises(Rejection) as refused:
            await house.matching.execute(buy("once", lots=2))
        assert refused.value.reason is Reason.ID_REUSED
        assert refused.value.facts["given"] == "once"
        assert len(house.exchange.state.orders) == 1


async def test_an_id_repeated_in_one_batch_is_carried_out_once(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        outcomes = await house.matching.execute_batch(
            (buy("twin"), buy("twin"), buy("twin", lots=3)), account="alice"
        )
        assert outcomes[0].unwrap() == outcomes[1].unwrap()
        with pytest.raises(Rejection) as refused:
            outcomes[2].unwrap()
        assert refused.value.reason is Reason.ID_REUSED
        assert len(house.exchange.state.orders) == 1


async def test_a_refused_order_does_not_use_up_its_id(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        seq = house.journal.last_seq
        with pytest.raises(Rejection):
            await house.matching.execute(attrs.evolve(buy("o"), quantity_lots=10**9))
        assert house.journal.last_seq == seq
        assert await house.matching.find_request(f"o:{ALICE}", "o") is None
        row = await house.matching.execute(buy("o"))
        assert await house.matching.find_request(f"o:{ALICE}", "o") == row


async def test_an_old_id_is_found_in_the_journals_index(
    autojump_clock: MockClock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matching_module, "RECENT_IDS_MAX", 4)
    async with running(path) as house:
        first = await house.matching.execute(buy("old"))
        for number in range(10):
            await house.matching.execute(buy(f"new{number}"))
        assert await house.matching.execute(buy("old")) == first
        assert len(house.exchange.state.orders) == 11


async def test_an_id_forgotten_in_the_middle_of_a_batch_is_not_used_again(
    autojump_clock: MockClock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It was remembered when the batch was taken, and no more when its turn came. Carrying it out
    # again meets the journal's unique index, which stops the daemon.
    monkeypatch.setattr(matching_module, "RECENT_IDS_MAX", 4)
    monkeypatch.setattr(matching_module, "ROWS_MAX", 4)
    async with running(path) as house:
        first = await house.matching.execute(buy("old"))
        answers: list[CommandOutcome] = []
        for number in range(4):
            house.matching.post(buy(f"new{number}"), answers.append, account="alice")
        house.matching.post(buy("old"), answers.append, account="alice")
        await trio.sleep(1)
        assert answers[-1].unwrap() == first
        assert len(house.exchange.state.orders) == 5


async def test_one_purse_does_not_use_up_ids_of_another(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        mine = await house.matching.execute(buy("same"))
        theirs = await house.matching.execute(order(BOB, "same", Side.BUY, 490_000, 1))
        assert mine.seq != theirs.seq


# --- time -----------------------------------------------------------------------------------


async def test_an_expiry_is_carried_out_on_time_without_a_command(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        due_ns = house.world.now_ns() + 5_000_000_000
        await house.matching.execute(
            attrs.evolve(buy("gtd"), time_in_force=TimeInForce.GTD, expires_at_ns=due_ns)
        )
        async with house.feed.subscribe(10) as rows:
            (row,) = await rows.receive_batch()
        assert isinstance(row, Row)
        assert row.command == AdvanceClock()
        assert isinstance(row.events[-1], OrderEnded)
        assert row.events[-1].reason is EndReason.TIME
        assert due_ns <= row.at_ns <= due_ns + 100_000_000


async def test_what_is_due_goes_before_the_next_command(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        due_ns = house.world.now_ns() + 1_000_000_000
        await house.matching.execute(
            attrs.evolve(buy("gtd"), time_in_force=TimeInForce.GTD, expires_at_ns=due_ns)
        )
        house.world.shift_clock(2_000_000_000)
        # The ask would trade with the expired bid if it went first.
        row = await house.matching.execute(order(BOB, "ask", Side.SELL, 490_000, 1))
        assert isinstance(row.events[-1], OrderRested)


async def test_time_never_stands_still_or_goes_back(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as house:
        times = []
        for number in range(4):
            row = await house.matching.execute(buy(f"o{number}"))
            times.append(row.at_ns)
            house.world.shift_clock(-60_000_000_000)
        assert times == sorted(set(times))


# --- reading, and trouble -------------------------------------------------------------------


async def test_a_query_sees_only_what_is_on_disk(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as house:
        seqs: list[tuple[int, int]] = []

        async def ask() -> None:
            snapshot = await house.matching.query(PurseQuery(ALICE))
            seqs.append((snapshot.seq, house.journal.last_seq))
            assert len(snapshot.orders) == 3

        async with trio.open_nursery() as nursery:
            for number in range(3):
                house.matching.post(buy(f"o{number}"), lambda _: None, account="alice")
            nursery.start_soon(ask)
        ((seen, durable),) = seqs
        assert seen == durable


async def test_a_cancelled_order_may_be_named_by_either_id(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        row = await house.matching.execute(buy("by-client-id"))
        cancel = CancelOrder(
            purse=ALICE,
            order_id=None,
            client_order_id="by-client-id",
            request_id="c1",
            reason=EndReason.USER,
        )
        ended = await house.matching.execute(cancel)
        assert ended.seq == row.seq + 1
        assert await house.matching.execute(cancel) == ended, "a repeated cancel says the same"
        with pytest.raises(Rejection) as refused:
            await house.matching.execute(attrs.evolve(cancel, request_id="c2"))
        assert refused.value.reason is Reason.UNKNOWN_ORDER


async def test_a_failing_disk_stops_the_actor_before_any_answer(
    autojump_clock: MockClock, path: Path
) -> None:
    def fail(_: Sequence[Row]) -> None:
        raise JournalFailed("the disk failed")

    answers: list[CommandOutcome] = []
    with pytest.RaisesGroup(JournalFailed):
        async with running(path) as house, house.feed.subscribe(10) as rows:
            house.journal.before_append = fail
            house.matching.post(buy("lost"), answers.append, account="alice")
            await trio.sleep(1)
            raise AssertionError("the actor went on")
    assert answers == []
    assert rows.buffered == 0
    async with running(path) as house:
        assert house.exchange.state.orders == {}, "what was not on disk never happened"


REDUCING = SetRiskState(
    scope=HOUSE_SCOPE,
    setter=RiskSetter.GUARD,
    state=RiskState.REDUCING,
    cause="test",
    request_id="",
)
HALT = SetHalt(halted=True, cause="test", request_id="")


async def test_new_orders_are_refused_before_cancels(autojump_clock: MockClock, path: Path) -> None:
    async with running(path, capacity=64) as house:
        for number in range(48):
            house.matching.post(buy(f"o{number}"), lambda _: None, account=f"a{number}")
        with pytest.raises(Overloaded):
            house.matching.post(buy("o48"), lambda _: None, account="a48")
        cancels: list[CommandOutcome] = []
        house.matching.post(ALICE_ALL, cancels.append, account="alice")
        async with trio.open_nursery() as nursery:
            # So do those who take risk away: the watch, its guard, and an administrator.
            nursery.start_soon(house.matching.execute, REDUCING)
            nursery.start_soon(house.matching.direct, HALT, "admin")
        await trio.sleep(1)
        assert house.exchange.state.halted
        assert house.exchange.state.risk.entry(HOUSE_SCOPE, RiskSetter.GUARD).cause == "test"
        assert len([e for e in cancels[0].unwrap().events if isinstance(e, OrderEnded)]) == 48


@pytest.mark.parametrize("by_failure", [False, True])
async def test_nobody_is_left_waiting_when_the_exchange_ends(
    autojump_clock: MockClock, path: Path, by_failure: bool
) -> None:
    def fail(_: Sequence[Row]) -> None:
        raise JournalFailed("the disk failed")

    ends: list[str] = []

    async def ask(house: Running, number: int) -> None:
        # Not cancelled with the actor, as a call of another nursery is not.
        with trio.CancelScope(shield=True):
            try:
                await house.matching.execute(buy(f"o{number}"))
            except Closed:
                ends.append("closed")
            else:
                ends.append("done")

    async def serve() -> None:
        async with running(path) as house, trio.open_nursery() as nursery:
            if by_failure:
                house.journal.before_append = fail
                house.matching.post(buy("bad"), lambda _: None, account="alice")
                await wait_all_tasks_blocked()
            else:
                house.matching.mailbox.close()
            for number in range(3):
                nursery.start_soon(ask, house, number)

    if by_failure:
        with pytest.RaisesGroup(JournalFailed, flatten_subgroups=True):
            await serve()
    else:
        await serve()
    assert ends == ["closed"] * 3
