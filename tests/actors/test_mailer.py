"""Letters: written with their event, sent at least once, given up in time, and readable to nobody.

Checked by breaking, each seen red: a letter that is settled before the server has taken it, a
pause that does not grow, expired letters that are sent, and an outbox that is not loaded.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, People, running
from tests.actors.post_office import PostOffice
from xached.domain.auth import EmailAddress
from xached.domain.mail import (
    NOTICE_AGE_NS_MAX,
    OUTBOX_MAX,
    Letter,
    LetterKind,
    MailQueued,
    MailSettled,
    MailVerdict,
)
from xached.domain.order import AccountId
from xached.runtime.mailbox import Overloaded

SECRET = "KETTLE-MOSS"
LETTER = Letter(kind=LetterKind.SECURITY, subject="Of your account", text=f"It says {SECRET}.\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


async def write(people: People, letter: Letter = LETTER, to: str = ALICE) -> None:
    """Put a letter in the outbox, as an area does in its step."""
    desk = people.desk
    async with desk.core.turn() as step:
        desk.outbox.send(AccountId("alice"), EmailAddress(to), letter, step)


def verdicts(people: People) -> list[MailVerdict]:
    return [
        row.event.verdict
        for row in people.vault.read_stream()
        if isinstance(row.event, MailSettled)
    ]


async def test_a_letter_is_delivered_and_leaves_the_outbox(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        await write(people)
        await write(people, to="bob@example.com")
        await trio.sleep(1)
        assert [(each.recipient, each.subject) for each in office.letters] == [
            (ALICE, "Of your account"),
            ("bob@example.com", "Of your account"),
        ]
        assert SECRET in office.letters[0].text
        assert len({each.message_id for each in office.letters}) == 2
        assert verdicts(people) == [MailVerdict.DELIVERED] * 2
        assert people.desk.statistics().outbox == 0
        await trio.sleep(86_400)
        assert len(office.letters) == 2
        assert office.visits == 2, "with nothing to send nobody is called"


async def test_a_server_that_is_down_is_tried_less_and_less_often(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    office.down = True
    async with running(path, office=office) as people:
        await write(people)
        await trio.sleep(3_600)
        assert 5 <= office.visits <= 12
        assert people.mailer is not None
        assert people.mailer.statistics().unreachable
        office.down = False
        await trio.sleep(3_600)
        assert len(office.letters) == 1
        assert not people.mailer.statistics().unreachable


async def test_a_lost_answer_and_a_restart_repeat_the_letter_under_the_same_id(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    office.forgets_to_answer = True
    async with running(path, office=office) as people:
        await write(people)
        await trio.sleep(1)
        assert people.desk.statistics().outbox == 1
    office.forgets_to_answer = False
    async with running(path, office=office) as people:
        await trio.sleep(60)
        assert verdicts(people) == [MailVerdict.DELIVERED]
    assert len(office.letters) == 2
    assert len({each.message_id for each in office.letters}) == 1


async def test_a_letter_is_given_up_when_it_is_refused_or_too_late(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    office.answers = [b"550 no such box"]
    async with running(path, office=office) as people:
        await write(people)
        await trio.sleep(1)
        office.down = True
        await write(people)
        await trio.sleep(NOTICE_AGE_NS_MAX / 1e9 + 3_600)
        office.down = False
        await trio.sleep(86_400)
        assert office.letters == []
        assert verdicts(people) == [MailVerdict.REFUSED, MailVerdict.TOO_LATE]


async def test_what_is_written_is_in_no_file_in_clear(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    office.down = True
    async with running(path, office=office) as people:
        await write(people)
        await trio.sleep(1)
        events = [row.event for row in people.vault.read_stream()]
        assert [type(each) for each in events] == [MailQueued]
        assert people.vault.verify().stream_rows == 1
        for file in path.parent.iterdir():
            content = file.read_bytes()
            for secret in (SECRET, ALICE):
                assert secret.encode() not in content
        assert SECRET not in repr(LETTER)


async def test_the_outbox_has_an_end(
    autojump_clock: MockClock, path: Path, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OUTBOX_MAX == 10_000
    monkeypatch.setattr("xached.actors.sessions.outbox.OUTBOX_MAX", 3)
    office.down = True
    async with running(path, office=office) as people:
        for _ in range(3):
            await write(people)
        with pytest.raises(Overloaded):
            await write(people)
        assert people.desk.statistics().outbox == 3


async def test_a_house_without_mail_writes_no_letters(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        await write(people)
        assert people.desk.statistics().outbox == 0
        assert people.stream() == []
