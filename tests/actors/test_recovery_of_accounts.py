"""Addresses that are confirmed, and passwords that are set anew.

Whether an address is known can be told neither from an answer nor from the work it took: the work
is counted (hashes of passwords, commits of the vault), not timed.

Checked by breaking, each seen red: a code that works twice, tries that are not counted, a recovery
that does not ask for the second factor, a known address that is answered otherwise, sessions that
go on, and letters without a limit.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyotp
import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, PASSWORD, WRONG, People, refused, running
from tests.actors.post_office import PostOffice
from xached.domain.auth import AccountOpened, Login, Register, SessionGranted
from xached.domain.identity import AuthMessage
from xached.domain.order import AccountId
from xached.domain.recovery import (
    CODE_TRIES,
    LETTERS_PER_HOUR,
    PROOF_NS_MAX,
    RESENDS,
    ChangePassword,
    ConfirmRegistration,
    FinishRecovery,
    ProofBegun,
    ResendCode,
    StartRecovery,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import (
    ConfirmSecondFactor,
    EnrolmentBegun,
    EnrolSecondFactor,
    RecoveryCodesMade,
    SecondFactorNeeded,
)

NEW = "harbour-velvet-ladder-31"
NS = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


async def begin(people: People, message: Register | StartRecovery) -> str:
    reply = await people.inbox.ask(message)
    assert isinstance(reply, ProofBegun)
    # The letter goes out meanwhile.
    await trio.sleep(1)
    return reply.token


def registering(email: str = ALICE, password: str = PASSWORD) -> Register:
    return Register(email=email, password=password)


async def registered(people: People, office: PostOffice, email: str = ALICE) -> AccountId:
    token = await begin(people, registering(email))
    code = office.to(email)[-1].code
    opened = await people.inbox.ask(ConfirmRegistration(token=token, code=code))
    assert isinstance(opened, AccountOpened)
    return opened.account_id


def finishing(token: str, code: str, password: str = NEW, second: str = "") -> FinishRecovery:
    return FinishRecovery(token=token, code=code, password=password, second_factor_code=second)


# --- registration ----------------------------------------------------------------------------


async def test_an_account_is_opened_by_the_code_from_the_letter(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        token = await begin(people, registering())
        login = Login(email=ALICE, password=PASSWORD, device="")
        assert await refused(people, login) is Reason.CREDENTIALS
        (letter,) = office.letters
        assert letter.recipient == ALICE
        assert token not in letter.text
        confirm = ConfirmRegistration(token=token, code=f" {letter.code.lower()} ")
        opened = await people.inbox.ask(confirm)
        assert isinstance(opened, AccountOpened)
        assert (await people.login()).account_id == opened.account_id
        assert await refused(people, confirm) is Reason.CODE_WRONG, "it works once"
        await trio.sleep(1)
        assert people.exchange.purses == [opened.account_id]


async def test_a_registration_survives_a_restart_and_ends_in_time(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        token = await begin(people, registering())
        other = await begin(people, registering(BOB))
    async with running(path, office=office, confirm_email=True) as people:
        confirm = ConfirmRegistration(token=token, code=office.to(ALICE)[0].code)
        await people.inbox.ask(confirm)
        await trio.sleep(PROOF_NS_MAX / NS)
        late = ConfirmRegistration(token=other, code=office.to(BOB)[0].code)
        assert await refused(people, late) is Reason.CODE_WRONG


async def test_a_mailbox_alone_opens_nobody_elses_registration(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    """Somebody registers the address of another with a password of their own."""
    async with running(path, office=office, confirm_email=True) as people:
        theirs = await begin(people, registering(password=WRONG))
        mine = await begin(people, registering())
        theirs_code, my_code = (letter.code for letter in office.letters)
        for token, code in ((mine, theirs_code), (theirs, my_code)):
            confirm = ConfirmRegistration(token=token, code=code)
            assert await refused(people, confirm) is Reason.CODE_WRONG
        await people.inbox.ask(ConfirmRegistration(token=mine, code=my_code))
        await people.login()
        # What they began comes to nothing, even with its code.
        late = ConfirmRegistration(token=theirs, code=theirs_code)
        assert await refused(people, late) is Reason.CODE_WRONG


@pytest.mark.parametrize("wrong", ["", "AAAA-AAAA", "x" * 1_000, "\ud800"])
async def test_a_code_has_few_tries(
    autojump_clock: MockClock, path: Path, office: PostOffice, wrong: str
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        token = await begin(people, registering())
        for _ in range(CODE_TRIES):
            message = ConfirmRegistration(token=token, code=wrong)
            assert await refused(people, message) is Reason.CODE_WRONG
        right = ConfirmRegistration(token=token, code=office.letters[0].code)
        assert await refused(people, right) is Reason.CODE_WRONG


async def test_another_code_can_be_asked_for_now_and_then(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        token = await begin(people, registering())
        resend = ResendCode(token=token)
        assert await refused(people, resend) is Reason.TOO_MANY_ATTEMPTS
        for _ in range(RESENDS):
            await trio.sleep(60)
            await people.inbox.ask(resend)
        await trio.sleep(60)
        assert await refused(people, resend) is Reason.TOO_MANY_ATTEMPTS
        codes = [letter.code for letter in office.letters]
        assert len(set(codes)) == RESENDS + 1
        old = ConfirmRegistration(token=token, code=codes[-2])
        assert await refused(people, old) is Reason.CODE_WRONG
        await people.inbox.ask(ConfirmRegistration(token=token, code=codes[-1]))


# --- recovery --------------------------------------------------------------------------------


async def test_a_new_password_is_set_by_the_code_and_ends_all_sessions(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        await registered(people, office)
        session = await people.login()
        token = await begin(people, StartRecovery(email=ALICE))
        letter = office.letters[-1]
        assert token not in letter.text
        weak = finishing(token, letter.code, "short")
        assert await refused(people, weak) is Reason.PASSWORD_RULE
        await people.inbox.ask(finishing(token, letter.code))
        assert people.table.find(session.session_id) is None
        old = Login(email=ALICE, password=PASSWORD, device="")
        assert await refused(people, old) is Reason.CREDENTIALS
        await people.login(password=NEW)
        again = finishing(token, letter.code)
        assert await refused(people, again) is Reason.CODE_WRONG
        await trio.sleep(1)
        assert "password of your account was changed" in office.letters[-1].text


async def test_recovery_never_goes_past_the_second_factor(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        account_id = await registered(people, office)
        session = await people.login()
        begun = await people.inbox.ask(EnrolSecondFactor(account_id=account_id))
        assert isinstance(begun, EnrolmentBegun)
        totp = pyotp.TOTP(begun.secret)
        made = await people.inbox.ask(
            ConfirmSecondFactor(
                account_id=account_id,
                session_id=session.session_id,
                code=totp.at(people.world.now_ns() // NS),
            )
        )
        assert isinstance(made, RecoveryCodesMade)
        token = await begin(people, StartRecovery(email=ALICE))
        code = office.letters[-1].code
        assert await refused(people, finishing(token, code)) is Reason.SECOND_FACTOR_NEEDED
        wrong = finishing(token, code, second="aaaa-aaaa-aaaa-aaaa")
        assert await refused(people, wrong) is Reason.CODE_WRONG
        # Who does not have the code from the letter is told nothing of a second factor.
        assert await refused(people, finishing(token, "AAAA-AAAA")) is Reason.CODE_WRONG
        await people.inbox.ask(finishing(token, code, second=made.codes[0]))
        reply = await people.inbox.ask(Login(email=ALICE, password=NEW, device=""))
        assert isinstance(reply, SecondFactorNeeded), "and it is still asked for"


async def test_a_house_without_mail_recovers_nobody(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as people:
        await people.register()
        assert await refused(people, StartRecovery(email=ALICE)) is Reason.NO_MAIL
        assert await refused(people, StartRecovery(email=BOB)) is Reason.NO_MAIL


async def test_an_address_gets_few_letters_whoever_asks(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        await registered(people, office)
        for _ in range(3 * LETTERS_PER_HOUR):
            await begin(people, StartRecovery(email=ALICE))
        assert len(office.to(ALICE)) == LETTERS_PER_HOUR
        await trio.sleep(3_600)
        await begin(people, StartRecovery(email=ALICE))
        assert len(office.to(ALICE)) == LETTERS_PER_HOUR + 1


# --- nobody can tell -------------------------------------------------------------------------


class Work:
    """Counts what costs time: hashes, and commits to disk."""

    def __init__(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hashes = self.commits = 0
        passwords, vault = people.credentials.passwords, people.vault

        def counted_hash(function: Callable[..., object]) -> Callable[..., object]:
            def count(*arguments: object) -> object:
                self.hashes += 1
                return function(*arguments)

            return count

        def counted_commit(*arguments: object) -> None:
            self.commits += 1
            commit(*arguments)  # type: ignore[arg-type] # passed on as they came

        commit = vault.commit
        monkeypatch.setattr(passwords, "hash", counted_hash(passwords.hash))
        monkeypatch.setattr(passwords, "verify", counted_hash(passwords.verify))
        monkeypatch.setattr(vault, "commit", counted_commit)


async def traces(
    people: People, work: Work, email: str, first: Register | StartRecovery
) -> list[object]:
    """All that an outsider learns by asking, guessing and asking again; and what it cost."""
    seen: list[object] = []

    async def ask(message: AuthMessage) -> object:
        before = (work.hashes, work.commits)
        try:
            reply = await people.inbox.ask(message)
        except Rejection as refusal:
            seen.append((refusal.reason, refusal.message, refusal.facts))
            reply = None
        else:
            assert isinstance(reply, ProofBegun)
            seen.append((type(reply), len(reply.token)))
        seen.append((work.hashes - before[0], work.commits - before[1]))
        return reply

    begun = await ask(first)
    assert isinstance(begun, ProofBegun)
    await ask(ResendCode(token=begun.token))
    await trio.sleep(60)
    await ask(ResendCode(token=begun.token))
    for _ in range(CODE_TRIES + 1):
        if isinstance(first, Register):
            await ask(ConfirmRegistration(token=begun.token, code="AAAA-AAAA"))
        else:
            await ask(finishing(begun.token, "AAAA-AAAA"))
    await ask(Login(email=email, password=WRONG, device=""))
    return seen


@pytest.mark.parametrize(
    "make", [registering, lambda email: StartRecovery(email=email)], ids=["register", "recover"]
)
async def test_known_and_unknown_addresses_get_one_answer_for_one_work(
    autojump_clock: MockClock,
    path: Path,
    office: PostOffice,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[str], Register | StartRecovery],
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        await registered(people, office)
        await trio.sleep(120)
        # The mailer's own commits come at other times, whoever is asked about.
        monkeypatch.setattr("xached.actors.mailer.Mailer._round", _hang)
        work = Work(people, monkeypatch)
        known = await traces(people, work, ALICE, make(ALICE))
        unknown = await traces(people, work, BOB, make(BOB))
        assert known == unknown


async def _hang(_mailer: object) -> None:
    await trio.sleep_forever()


# --- change of the password ------------------------------------------------------------------


async def test_a_password_is_changed_by_who_knows_the_old_one(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        other, session = await people.login(), await people.login()

        def change(old: str, new: str) -> ChangePassword:
            return ChangePassword(
                account_id=account_id,
                session_id=session.session_id,
                old_password=old,
                new_password=new,
            )

        assert await refused(people, change(PASSWORD, "short")) is Reason.PASSWORD_RULE
        assert await refused(people, change(PASSWORD, ALICE)) is Reason.PASSWORD_RULE
        assert await refused(people, change(WRONG, NEW)) is Reason.CODE_WRONG
        await people.inbox.ask(change(PASSWORD, NEW))
        assert people.table.find(other.session_id) is None
        assert people.table.find(session.session_id) is not None
        assert isinstance(await people.login(password=NEW), SessionGranted)
        for _ in range(5):
            assert await refused(people, change(WRONG, PASSWORD)) is Reason.CODE_WRONG
        locked = change(NEW, PASSWORD)
        assert await refused(people, locked) is Reason.TOO_MANY_ATTEMPTS
        await trio.sleep(1)
        assert "password of your account was changed" in office.letters[-1].text
        assert NEW not in office.letters[-1].text


async def test_what_waits_for_a_code_is_in_no_file_in_clear(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office, confirm_email=True) as people:
        token = await begin(people, registering())
        secrets = [ALICE, PASSWORD, token, office.letters[0].code, "argon2id"]
        for file in path.parent.iterdir():
            content = file.read_bytes()
            for secret in secrets:
                assert secret.encode() not in content
        people.vault.verify()
