"""Notices on their way: tried again, given up, bounded, in order.

Checked by breaking, each seen red: a pause that does not grow, a queue without an end, a notice
that is sent again after its writer failed at it, no limit of posts in a minute.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import attrs
import pytest
import trio
import trio.testing

from xached.actors.notifications import (
    POSTS_PER_MINUTE_MAX,
    TRIES_MAX,
    WAITING_MAX,
    Notifier,
    NotifierTerms,
    Pen,
)
from xached.adapters.webhook import PostDelayed, PostRefused, WebhookRequest, as_json
from xached.domain.notices import News, Notice, NoticeKind, Severity
from xached.runtime.supervise import Health, WorldFault, run_expendable
from xached.runtime.world import SimulatedWorld


def news(text: str, severity: Severity = Severity.ERROR) -> News:
    return News(kind=NoticeKind.PART_FAILED, severity=severity, subject="risk", text=text)


@attrs.define
class Notebook:
    """Writes JSON, and fails at what it is told."""

    opened: int = 0
    notices: list[Notice] = attrs.field(factory=list)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Pen]:
        """See Writer."""
        self.opened += 1
        yield self

    async def write(self, notice: Notice) -> WebhookRequest | None:
        """See Pen."""
        await trio.lowlevel.checkpoint()
        self.notices.append(notice)
        if notice.text == "unwritable":
            raise WorldFault("it cannot write that")
        return None if notice.text == "unsaid" else as_json(notice)


@attrs.define
class Mailbox:
    """Takes requests as it is told."""

    taken: list[tuple[float, bytes]] = attrs.field(factory=list)
    faults: list[Exception] = attrs.field(factory=list)
    forever: Exception | None = None
    tried: list[float] = attrs.field(factory=list)

    async def post(self, request: WebhookRequest) -> None:
        """See Post."""
        await trio.lowlevel.checkpoint()
        self.tried.append(trio.current_time())
        if self.faults:
            raise self.faults.pop(0)
        if self.forever is not None:
            raise self.forever
        self.taken.append((trio.current_time(), request.body))


@asynccontextmanager
async def notifying(
    mailbox: Mailbox, notebook: Notebook | None = None, **terms: object
) -> AsyncIterator[tuple[Notifier, Health]]:
    notifier = Notifier(
        NotifierTerms(name="ops", **terms),  # type: ignore[arg-type] # its own fields
        notebook or Notebook(),
        mailbox.post,
        SimulatedWorld(1),
    )
    health = Health()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            partial(run_expendable, notifier.name, notifier.run, health, notifier.restart)
        )
        await trio.testing.wait_all_tasks_blocked()
        yield notifier, health
        nursery.cancel_scope.cancel()


def texts(mailbox: Mailbox) -> list[str]:
    return [body.decode().partition('"text": "')[2].partition('"')[0] for _, body in mailbox.taken]


async def test_what_matters_is_sent_in_order(autojump_clock: trio.testing.MockClock) -> None:
    mailbox = Mailbox()
    async with notifying(mailbox) as (notifier, _):
        for text, severity in (("one", Severity.ERROR), ("no", Severity.INFO), ("unsaid", Severity.ERROR), ("two", Severity.WARNING)):  # fmt: skip # noqa: E501
            notifier.tell(news(text, severity))
        await trio.sleep(1)
        assert texts(mailbox) == ["one", "two"]
        assert notifier.statistics().delivered == 2
        assert notifier.statistics().skipped == 1
    async with notifying(mailbox, kinds=frozenset({NoticeKind.FEED_STALE})) as (notifier, _):
        notifier.tell(news("other kind"))
        assert notifier.statistics().waiting == 0


async def test_ids_are_those_of_one_run(autojump_clock: trio.testing.MockClock) -> None:
    notebook = Notebook()
    async with notifying(Mailbox(), notebook) as (notifier, _):
        notifier.tell(news("one"))
        notifier.tell(news("two"))
        await trio.sleep(1)
    first, second = (each.notice_id for each in notebook.notices)
    assert first.endswith("-1")
    assert second == first.removesuffix("1") + "2"


async def test_a_delay_is_followed_by_longer_ones(autojump_clock: trio.testing.MockClock) -> None:
    mailbox = Mailbox(faults=[PostDelayed("busy"), PostDelayed("busy", 30.0), PostDelayed("busy")])
    notebook = Notebook()
    async with notifying(mailbox, notebook) as (notifier, _):
        begun = trio.current_time()
        notifier.tell(news("one"))
        notifier.tell(news("two"))
        await trio.sleep(10)
        assert notifier.statistics().unreachable == 1
        await trio.sleep(100)
        assert texts(mailbox) == ["one", "two"]
        assert [round(at - begun) for at in mailbox.tried] == [0, 1, 31, 35, 35]
        assert (notifier.statistics().delayed, notifier.statistics().unreachable) == (3, 0)
    assert [each.text for each in notebook.notices] == ["one", "two"], "each is written once"


async def test_a_notice_that_nobody_takes_is_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox = Mailbox(forever=PostDelayed("down"))
    async with notifying(mailbox) as (notifier, health):
        notifier.tell(news("one"))
        await trio.sleep(7_200)
        assert len(mailbox.tried) == TRIES_MAX
        assert mailbox.tried[-1] - mailbox.tried[-2] == pytest.approx(300)
        # "About twenty minutes", says the README.
        assert 18 * 60 < mailbox.tried[-1] - mailbox.tried[0] < 22 * 60
        assert notifier.statistics().given_up == 1
        mailbox.forever = None
        notifier.tell(news("two"))
        await trio.sleep(1)
        assert texts(mailbox) == ["two"]
        assert health.ok


async def test_what_is_refused_is_not_tried_again(autojump_clock: trio.testing.MockClock) -> None:
    mailbox = Mailbox(faults=[PostRefused("404")])
    async with notifying(mailbox) as (notifier, _):
        notifier.tell(news("one"))
        notifier.tell(news("two"))
        await trio.sleep(100)
        assert texts(mailbox) == ["two"]
        assert notifier.statistics().refused == 1


async def test_no_more_waits_than_there_is_room_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox = Mailbox(faults=[PostDelayed("down")])
    async with notifying(mailbox) as (notifier, _):
        for number in range(WAITING_MAX + 40):
            notifier.tell(news(str(number)))
        assert notifier.statistics().waiting == WAITING_MAX
        assert notifier.statistics().lost == 40
        await trio.sleep(3_600)
        sent = texts(mailbox)
        assert [each for each in sent if each.isdigit()] == [str(n) for n in range(WAITING_MAX)]
        assert "40 notices did not fit" in sent
        # Nobody is flooded, whatever happens here.
        times = [at for at, _ in mailbox.taken]
        most = max(sum(at <= other < at + 59 for other in times) for at in times)
        assert most <= POSTS_PER_MINUTE_MAX


async def test_a_writer_that_fails_at_a_notice_does_not_meet_it_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox, notebook = Mailbox(), Notebook()
    async with notifying(mailbox, notebook) as (notifier, health):
        for text in ("one", "unwritable", "two"):
            notifier.tell(news(text))
        await trio.sleep(60)
        assert texts(mailbox) == ["one", "two"]
        assert notifier.statistics().unwritten == 1
        assert notebook.opened == 2
        assert "it cannot write that" in health.failure_of(notifier.name)


async def test_a_writer_that_may_not_write_any_more_is_let_go(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mailbox, notebook = Mailbox(forever=PostDelayed("down")), Notebook()
    async with notifying(mailbox, notebook) as (notifier, health):
        notifier.tell(news("one"))
        await trio.sleep(5)
        notifier.end("its approval was withdrawn")
        mailbox.forever = None
        await trio.sleep(5)
        assert "its approval was withdrawn" in health.failure_of(notifier.name)
        assert texts(mailbox) == ["one"], "what nobody has taken is not lost with its writer"
        assert notebook.opened == 2
