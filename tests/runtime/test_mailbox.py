"""Mailboxes: order, room, deadlines, cancellation, and a naive model of all that."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import outcome
import pytest
import trio
import trio.testing
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from xached.runtime.mailbox import Closed, Expired, Mailbox, Overloaded


async def echo(mailbox: Mailbox[int, int]) -> None:
    """Answer everything with itself until closed."""
    try:
        while True:
            for envelope in await mailbox.receive_batch(8):
                envelope.answer(outcome.Value(envelope.message))
    except Closed:
        pass


class Answers:
    """Callbacks that remember what they were called with."""

    def __init__(self) -> None:
        self.seen: dict[object, outcome.Outcome[Any]] = {}

    def expect(self, name: object) -> Callable[[outcome.Outcome[Any]], None]:
        def answer(result: outcome.Outcome[Any]) -> None:
            assert name not in self.seen, "answered twice"
            self.seen[name] = result

        return answer

    def error(self, name: object) -> type[BaseException]:
        result = self.seen[name]
        assert isinstance(result, outcome.Error)
        return type(result.error)


# --- asking ----------------------------------------------------------------------------------


async def test_each_asker_gets_its_own_answer(nursery: trio.Nursery) -> None:
    mailbox: Mailbox[int, int] = Mailbox(64)
    nursery.start_soon(echo, mailbox)
    answers: dict[int, int] = {}

    async def ask(number: int) -> None:
        answers[number] = await mailbox.ask(number)

    async with trio.open_nursery() as askers:
        for number in range(40):
            askers.start_soon(ask, number)
    assert answers == {number: number for number in range(40)}
    mailbox.close()


async def test_an_error_is_raised_where_it_was_asked(nursery: trio.Nursery) -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)

    async def refuse() -> None:
        for envelope in await mailbox.receive_batch(1):
            envelope.answer(outcome.Error(LookupError("no such thing")))

    nursery.start_soon(refuse)
    with pytest.raises(LookupError, match="no such thing"):
        await mailbox.ask(1)


async def test_an_asker_that_leaves_disturbs_nobody(autojump_clock: trio.testing.MockClock) -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    with trio.move_on_after(1) as scope:
        await mailbox.ask(1)
    assert scope.cancelled_caught
    (envelope,) = await mailbox.receive_batch(4)
    assert envelope.message == 1, "what was sent is done all the same"
    envelope.answer(outcome.Value(1))


async def test_a_cancelled_asker_sends_nothing() -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.ask(1)
    assert mailbox.statistics().accepted == 0


async def test_an_answer_that_meets_a_cancellation_is_not_lost_twice() -> None:
    """Answered and cancelled in the same step: the asker is scheduled once."""
    mailbox: Mailbox[int, int] = Mailbox(4)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(mailbox.ask, 1)
        await trio.testing.wait_all_tasks_blocked()
        (envelope,) = await mailbox.receive_batch(1)
        envelope.answer(outcome.Value(1))
        nursery.cancel_scope.cancel()
    statistics = mailbox.statistics()
    assert (statistics.accepted, statistics.queued) == (1, 0)


async def test_a_message_is_answered_once() -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    mailbox.post_nowait(1, lambda _: None)
    (envelope,) = await mailbox.receive_batch(4)
    envelope.answer(outcome.Value(1))
    with pytest.raises(AssertionError, match="answered once"):
        envelope.answer(outcome.Value(1))


# --- receiving -------------------------------------------------------------------------------


async def test_receiving_can_be_cancelled_and_loses_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    with trio.move_on_after(5) as scope:
        await mailbox.receive_batch(4)
    assert scope.cancelled_caught
    mailbox.post_nowait(1, lambda _: None)
    with trio.CancelScope() as scope:
        scope.cancel()
        await mailbox.receive_batch(4)
    assert [each.message for each in await mailbox.receive_batch(4)] == [1]


async def test_a_mailbox_has_one_owner(nursery: trio.Nursery) -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    nursery.start_soon(echo, mailbox)
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(AssertionError, match="one owner"):
        await mailbox.receive_batch(1)
    mailbox.close()


async def test_expired_messages_are_answered_and_not_handed_over(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox: Mailbox[str, int] = Mailbox(4)
    answers = Answers()
    mailbox.post_nowait("late", answers.expect("late"), deadline=trio.current_time() + 1)
    mailbox.post_nowait("good", answers.expect("good"), deadline=trio.current_time() + 3)
    await trio.sleep(2)
    (good,) = await mailbox.receive_batch(4)
    assert good.message == "good"
    assert not good.expired(trio.current_time())
    assert good.expired(trio.current_time() + 1)
    assert answers.error("late") is Expired
    assert mailbox.statistics().expired == 1


async def test_an_owner_waits_on_when_all_had_expired(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox: Mailbox[str, int] = Mailbox(4)
    mailbox.post_nowait("late", lambda _: None, deadline=trio.current_time())
    with trio.move_on_after(1) as scope:
        await mailbox.receive_batch(4)
    assert scope.cancelled_caught
    assert mailbox.statistics().queued == 0


async def test_receiving_is_a_checkpoint() -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    mailbox.post_nowait(1, lambda _: None)
    with trio.testing.assert_checkpoints():
        await mailbox.receive_batch(4)


# --- closing ---------------------------------------------------------------------------------


async def test_closing_answers_what_is_queued_and_refuses_what_comes() -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    answers = Answers()
    mailbox.post_nowait(1, answers.expect(1))
    async with trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(Closed):
                await mailbox.ask(2)

        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        mailbox.close()
    assert answers.error(1) is Closed
    with pytest.raises(Closed):
        await mailbox.ask(3)
    with pytest.raises(Closed):
        await mailbox.receive_batch(1)


async def test_closing_wakes_the_owner() -> None:
    mailbox: Mailbox[int, int] = Mailbox(4)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(echo, mailbox)
        await trio.testing.wait_all_tasks_blocked()
        assert mailbox.statistics().owner_waiting
        mailbox.close()


# --- a naive model ---------------------------------------------------------------------------

ACCOUNTS = ("", "alice", "bob", "carol")


class MailboxAndModel(RuleBasedStateMachine):
    """The mailbox beside a list. Each rule runs a little trio program."""

    def __init__(self) -> None:
        super().__init__()
        self.capacity = 8
        self.mailbox: Mailbox[int, int] = Mailbox(self.capacity)
        self.answers = Answers()
        self.queue: list[tuple[int, str, float]] = []
        self.closed = False
        self.now = 0.0
        self.next = 0
        self.expired: set[int] = set()
        self.accepted: set[int] = set()

    @rule(account=st.sampled_from(ACCOUNTS), urgent=st.booleans(), lives=st.sampled_from([2, 99]))
    def post(self, account: str, urgent: bool, lives: int) -> None:
        number, self.next = self.next, self.next + 1
        full = len(self.queue) >= (8 if urgent else 6)
        greedy = account != "" and sum(each[1] == account for each in self.queue) >= 4
        expected = Closed if self.closed else Overloaded if full or greedy else None
        deadline = math.inf if lives == 99 else self.now + lives
        refused: type[BaseException] | None = None
        try:
            self.mailbox.post_nowait(
                number,
                self.answers.expect(number),
                account=account,
                urgent=urgent,
                deadline=deadline,
            )
        except (Closed, Overloaded) as refusal:
            refused = type(refusal)
        assert refused is expected
        if refused is None:
            self.queue.append((number, account, deadline))
            self.accepted.add(number)

    @rule(passed=st.integers(1, 3))
    def time_passes(self, passed: int) -> None:
        self.now += passed

    @precondition(lambda self: not self.closed)
    @rule(limit=st.integers(1, 5))
    def receive(self, limit: int) -> None:
        expected: list[int] = []
        while self.queue and len(expected) < limit:
            number, _, deadline = self.queue.pop(0)
            if deadline <= self.now:
                self.expired.add(number)
            else:
                expected.append(number)
        got: list[int] = []

        async def receive() -> None:
            with trio.move_on_after(0.5):
                for envelope in await self.mailbox.receive_batch(limit):
                    got.append(envelope.message)
                    envelope.answer(outcome.Value(envelope.message))

        clock = trio.testing.MockClock(autojump_threshold=0)
        clock.jump(self.now)
        trio.run(receive, clock=clock)
        assert got == expected

    @precondition(lambda self: not self.closed)
    @rule()
    def close(self) -> None:
        self.mailbox.close()
        self.closed = True
        for number, _, _ in self.queue:
            assert self.answers.error(number) is Closed
        self.queue.clear()

    @invariant()
    def everything_accepted_is_queued_or_answered(self) -> None:
        queued = {number for number, _, _ in self.queue}
        assert self.answers.seen.keys() == self.accepted - queued
        assert all(self.answers.error(number) is Expired for number in self.expired)
        statistics = self.mailbox.statistics()
        assert statistics.queued == len(self.queue)
        assert statistics.expired == len(self.expired)
        assert statistics.accepted == len(self.accepted)
        assert statistics.refused <= self.next - len(self.accepted)
        assert statistics.accounts == len({each[1] for each in self.queue} - {""})
        assert statistics.queued_max <= self.capacity


MailboxAndModel.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None
)
TestMailboxAndModel = MailboxAndModel.TestCase
