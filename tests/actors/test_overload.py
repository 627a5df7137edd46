"""A house that is offered five times what it can carry: who is refused, who is not, and after.

Its capacity is lowered by a slow disk and small batches: 160 orders a second. Checked by
breaking, each seen red: without the room reserved for cancels, without the share of one account,
without the look at deadlines, and with a mailbox served newest first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import grpc
import outcome
import trio
from trio.testing import MockClock

from tests.actors.test_matching import ALICE, BOB, SETTING, WatchedJournal, buy, order
from tests.storage.house import KEY, zero_entropy
from xached.actors.matching import CommandOutcome, Matching, MatchingActor
from xached.api.errors import Interceptor
from xached.domain.exchange import Exchange
from xached.domain.instrument import Directory
from xached.domain.messages import CancelOrder, PlaceOrder, Row
from xached.domain.order import EndReason, Purse, Side, account_of
from xached.runtime.mailbox import Expired, Overloaded
from xached.runtime.topic import Topic
from xached.runtime.world import SimulatedWorld
from xached.storage.journal import Journal

FSYNC_S = 0.1
BATCH = 16
PLACES = 64
CAPACITY_PER_S = BATCH / FSYNC_S


class SlowLane:
    """A journal's lane on a slow disk."""

    async def run(self, function: object, *arguments: object) -> object:
        """See Lane."""
        assert callable(function)
        await trio.sleep(FSYNC_S)
        return function(*arguments)

    def close(self) -> None:
        """See Lane."""


@attrs.define
class Slow:
    """A house whose disk is slow, and what came of what it was offered."""

    matching: Matching
    journal: WatchedJournal
    answers: dict[str, CommandOutcome] = attrs.field(factory=dict)
    refused: dict[str, Overloaded] = attrs.field(factory=dict)
    posted: list[str] = attrs.field(factory=list)
    answered: trio.Event = attrs.field(factory=trio.Event)

    def post(self, command: PlaceOrder | CancelOrder, name: str, deadline: float = 1e9) -> bool:
        """Offer a command without waiting; returns whether it was let in."""

        def answered(result: CommandOutcome) -> None:
            self.answers[name] = result
            self.answered.set()

        account = account_of(command.purse)
        try:
            self.matching.post(command, answered, account=account, deadline=deadline)
        except Overloaded as error:
            self.refused[name] = error
            return False
        self.posted.append(name)
        return True

    async def settle(self) -> None:
        """Wait until everything that was let in is answered."""
        while len(self.answers) < len(self.posted):
            self.answered = trio.Event()
            await self.answered.wait()

    def done(self) -> list[str]:
        """The client order ids that are in the journal, in its order."""
        return [
            row.command.client_order_id
            for row in self.journal.read(1, self.journal.last_seq)
            if isinstance(row.command, PlaceOrder)
        ]


@asynccontextmanager
async def slow_house(path: Path) -> AsyncIterator[Slow]:
    world = SimulatedWorld(1)
    with Journal.open(path / "journal.db", KEY, entropy=zero_entropy) as real:
        journal, matching, exchange = WatchedJournal(real), Matching(PLACES), Exchange()
        actor = MatchingActor(
            matching,
            exchange,
            journal,
            SlowLane(),  # type: ignore[arg-type] # its types are as loose as a thread's
            Topic[Row](),
            Directory(),
            world.now_ns,
            messages_max=BATCH,
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(actor.run)
            for command in SETTING:
                await matching.execute(command)
            yield Slow(matching, journal)
            exchange.check()
            nursery.cancel_scope.cancel()


def cancel(purse: Purse, client_order_id: str) -> CancelOrder:
    return CancelOrder(
        purse=purse,
        order_id=None,
        client_order_id=client_order_id,
        request_id="",
        reason=EndReason.USER,
    )


def offer(house: Slow, count: int, start: int) -> None:
    """Orders of Alice and Bob by turns."""
    for number in range(start, start + count):
        name = f"o{number}"
        if number % 2:
            house.post(buy(name), name)
        else:
            house.post(order(BOB, name, Side.SELL, 510_000, 1), name)


async def test_five_times_its_capacity(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with slow_house(tmp_path) as house:
        before = len(house.done())
        for tick in range(20):
            offer(house, round(5 * CAPACITY_PER_S * FSYNC_S), tick * 1_000)
            await trio.sleep(FSYNC_S)
        await house.settle()
        assert len(house.refused) > len(house.posted) * 2
        assert all(isinstance(each, outcome.Value) for each in house.answers.values())
        # What was let in is done, all of it, once, and in the order it came.
        assert house.done()[before:] == house.posted
        # It did nearly as much as it can: a flood costs refusals and no work.
        assert len(house.posted) >= 0.9 * 20 * BATCH
        # And afterwards everything is as before.
        row = await house.matching.execute(buy("after"), account=account_of(ALICE))
        assert row.events


async def test_cancels_have_room_when_new_orders_have_none(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with slow_house(tmp_path) as house:
        for number in range(8):
            await house.matching.execute(buy(f"rests-{number}"), account=account_of(ALICE))
        offer(house, 3 * PLACES, 0)
        assert house.refused
        assert not house.post(buy("one-more"), "one-more")
        for number in range(8):
            assert house.post(cancel(ALICE, f"rests-{number}"), f"cancel-{number}")
        await house.settle()
        for number in range(8):
            assert isinstance(house.answers[f"cancel-{number}"], outcome.Value)


async def test_what_waited_beyond_its_deadline_is_not_done(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with slow_house(tmp_path) as house:
        for number in range(24):
            assert house.post(buy(f"slow-{number}"), f"slow-{number}")
        for number in range(8):
            deadline = trio.current_time() + FSYNC_S / 2
            house.post(
                order(BOB, f"late-{number}", Side.SELL, 510_000, 1), f"late-{number}", deadline
            )
        await house.settle()
        for number in range(8):
            result = house.answers[f"late-{number}"]
            assert isinstance(result, outcome.Error)
            assert isinstance(result.error, Expired)
        assert not [name for name in house.done() if name.startswith("late")]


async def test_one_account_takes_no_more_than_half(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with slow_house(tmp_path) as house:
        taken = sum(
            house.post(buy(f"greedy-{number}"), f"greedy-{number}") for number in range(200)
        )
        assert taken == PLACES // 2
        assert "one account" in str(house.refused["greedy-199"])
        for number in range(8):
            assert house.post(order(BOB, f"b{number}", Side.SELL, 510_000, 1), f"b{number}")
        await house.settle()


def test_a_refusal_says_when_to_come_back() -> None:
    status = Interceptor(SimulatedWorld(1), lambda *_: None).status(
        "/xache.v1.TradingService/PlaceOrder",
        ExceptionGroup("", [Overloaded("the mailbox is full")]),
    )
    assert status.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = [each.TypeName() for each in status.to_proto().details]
    assert details == ["google.rpc.ErrorInfo", "google.rpc.RetryInfo"]
    assert status.reason == "OVERLOADED"
