"""Changes of an account's e-mail address.

Checked by breaking, each seen red: a code sent to an address that is taken, an old address that is
not told, a change that is made at once, a freeze, a suspension or a recovery that
lets it go on, a code to the old address that still sets a password, and a token of one account that
confirms the change of another.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, PASSWORD, WRONG, People, refused, running
from tests.actors.post_office import Post, PostOffice
from xached.domain.auth import (
    AccountOpened,
    AccountProfile,
    GetAccount,
    Impediment,
    Login,
    SetImpediment,
)
from xached.domain.erasure import ERASURE_DELAY_NS, RequestErasure
from xached.domain.guarding import (
    DELAY_NS,
    CancelDelayed,
    CancelEmailChange,
    ChangeTaken,
    ConfirmEmailChange,
    DelayedKind,
    FreezeAccount,
    FreezeByToken,
    GetGuards,
    Guards,
    StartEmailChange,
)
from xached.domain.identity import AuthMessage
from xached.domain.key_epochs import RotateUserKeys
from xached.domain.order import AccountId
from xached.domain.recovery import (
    CODE_TRIES,
    LETTERS_PER_HOUR,
    FinishRecovery,
    ProofBegun,
    ResendCode,
    StartRecovery,
)
from xached.domain.rejection import Reason, Rejection
from xached.storage.vault_tables import DELAYED_CHANGES, EMAIL_PROOFS

NEW = "alice@elsewhere.example"
CARLA = "carla@example.com"
OTHER_PASSWORD = "harbour-velvet-ladder-31"
NS = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


async def begin(people: People, account_id: AccountId, email: str = NEW) -> str:
    reply = await people.inbox.ask(StartEmailChange(account_id=account_id, email=email))
    assert isinstance(reply, ProofBegun)
    # The letters go out meanwhile.
    await trio.sleep(1)
    return reply.token


def confirming(account_id: AccountId, token: str, code: str) -> ConfirmEmailChange:
    return ConfirmEmailChange(account_id=account_id, token=token, code=code)


def suspending(account_id: AccountId) -> SetImpediment:
    """What the house does when somebody seems to be in who should not."""
    return SetImpediment(
        account_id=account_id,
        impediment=Impediment.SUSPENDED,
        stands=True,
        by=AccountId("acc-of-the-house"),
    )


async def confirmed(people: People, office: PostOffice, account_id: AccountId) -> int:
    token = await begin(people, account_id)
    message = confirming(account_id, token, office.to(NEW)[-1].code)
    taken = await people.inbox.ask(message)
    assert isinstance(taken, ChangeTaken)
    await trio.sleep(1)
    return taken.due_at_ns


async def a_day_later(people: People) -> None:
    people.world.shift_clock(DELAY_NS)
    await trio.sleep(32)


async def address_of(people: People, account_id: AccountId) -> str:
    profile = await people.inbox.ask(GetAccount(account_id=account_id))
    assert isinstance(profile, AccountProfile)
    return profile.email


def tokens_of(letter: Post) -> dict[str, str]:
    """The commands that a letter tells, and their token."""
    lines = [line for line in letter.text.splitlines() if ": xache " in line]
    pairs = [line.rpartition(": xache ")[2].rpartition(" ") for line in lines]
    return {command: token for command, _, token in pairs}


async def test_a_change_waits_for_its_code_and_for_a_day(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        token = await begin(people, account_id)
        (to_new,), (to_old,) = office.to(NEW), office.to(ALICE)
        assert NEW not in to_old.text, "the thief's address, or a new name, is nobody's business"
        assert token not in to_new.text + to_old.text
        assert tokens_of(to_old).keys() == {"email cancel", "freeze"}
        taken = await people.inbox.ask(confirming(account_id, token, f" {to_new.code.lower()} "))
        assert isinstance(taken, ChangeTaken)
        assert taken.due_at_ns == pytest.approx(people.world.now_ns() + DELAY_NS, abs=2 * NS)
        await trio.sleep(1)
        assert tokens_of(office.to(ALICE)[-1]).keys() == {"email cancel", "freeze"}
        guards = await people.inbox.ask(GetGuards(account_id=account_id))
        assert isinstance(guards, Guards)
        assert [(each.kind, each.email) for each in guards.pending] == [(DelayedKind.EMAIL, NEW)]
        assert await address_of(people, account_id) == ALICE
        await people.login()
        await a_day_later(people)
        assert await address_of(people, account_id) == NEW
        assert (await people.login(NEW)).account_id == account_id
        old = Login(email=ALICE, password=PASSWORD, device="")
        assert await refused(people, old) is Reason.CREDENTIALS
        assert people.stream()[-3:] != []
        names = [name for name in people.stream() if "Change" in name]
        assert names == ["EmailChangeBegun", "ChangeAsked", "ChangeMade"]
        # Both are told; the old one can still freeze what it lost.
        assert "last letter" in office.to(ALICE)[-1].text
        await people.inbox.ask(FreezeByToken(token=tokens_of(office.to(ALICE)[-1])["freeze"]))
        assert "the e-mail address of your account now" in office.to(NEW)[-1].text


async def test_the_old_address_is_free_again(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        await confirmed(people, office, account_id)
        await a_day_later(people)
        assert await people.register(ALICE) != account_id
        assert people.vault.verify().accounts == 2


async def test_a_taken_address_gets_the_same_answer_for_the_same_work(
    autojump_clock: MockClock, path: Path, office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who reads the mailbox of the address can tell; commits are counted, not time."""
    async with running(path, office=office) as people:
        account_id = await people.register()
        await people.register(BOB)
        commits = 0
        commit = people.vault.commit

        def counted(*arguments: object) -> None:
            nonlocal commits
            commits += 1
            commit(*arguments)  # type: ignore[arg-type] # passed on as they came

        async def traces(email: str) -> list[object]:
            seen: list[object] = []

            async def ask(message: AuthMessage) -> None:
                before = commits
                try:
                    reply: object = await people.inbox.ask(message)
                except Rejection as refusal:
                    seen.append((refusal.reason, refusal.message, refusal.facts))
                else:
                    assert isinstance(reply, ProofBegun)
                    tokens.append(reply.token)
                    seen.append((type(reply), len(reply.token)))
                seen.append(commits - before)

            tokens: list[str] = []
            await ask(StartEmailChange(account_id=account_id, email=email))
            await ask(ResendCode(token=tokens[0]))
            people.world.shift_clock(61 * NS)
            await ask(ResendCode(token=tokens[0]))
            for _ in range(CODE_TRIES + 1):
                await ask(confirming(account_id, tokens[0], "AAAA-AAAA"))
            return seen

        # The mailer's own commits come at other times, whoever is asked about.
        monkeypatch.setattr("xached.actors.mailer.Mailer._round", _hang)
        await begin(people, account_id, CARLA)
        monkeypatch.setattr(people.vault, "commit", counted)
        free, taken = await traces(NEW), await traces(BOB)
        assert free == taken


async def _hang(_mailer: object) -> None:
    await trio.sleep_forever()


async def test_the_owner_of_a_taken_address_is_told(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        await people.register(BOB)
        await begin(people, account_id, BOB)
        (to_bob,) = office.to(BOB)
        assert "You have a XACHE account" in to_bob.subject
        assert ALICE not in to_bob.text
        assert len(office.to(ALICE)) == 1


@pytest.mark.parametrize("confirm_first", [False, True])
@pytest.mark.parametrize(
    "how", ["letter", "session", "freeze", "frozen by letter", "suspension", "recovery"]
)
async def test_it_can_be_taken_back_until_it_is_made(
    how: str, confirm_first: bool, autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        token = await begin(people, account_id)
        code = office.to(NEW)[-1].code
        if confirm_first:
            await people.inbox.ask(confirming(account_id, token, code))
            await trio.sleep(1)
        told = tokens_of(office.to(ALICE)[-1])
        match how:
            case "letter":
                await people.inbox.ask(CancelEmailChange(token=told["email cancel"]))
                again = CancelEmailChange(token=told["email cancel"])
                assert await refused(people, again) is Reason.UNKNOWN_CHANGE
            case "session":
                cancel = CancelDelayed(account_id=account_id, kind=DelayedKind.EMAIL)
                await people.inbox.ask(cancel)
            case "freeze":
                await people.inbox.ask(FreezeAccount(account_id=account_id))
            case "frozen by letter":
                await people.inbox.ask(FreezeByToken(token=told["freeze"]))
            case "suspension":
                await people.inbox.ask(suspending(account_id))
            case _:
                begun = await people.inbox.ask(StartRecovery(email=ALICE))
                assert isinstance(begun, ProofBegun)
                await trio.sleep(1)
                finish = FinishRecovery(
                    token=begun.token,
                    code=office.to(ALICE)[-1].code,
                    password=OTHER_PASSWORD,
                    second_factor_code="",
                )
                await people.inbox.ask(finish)
        if not confirm_first:
            message = confirming(account_id, token, code)
            assert await refused(people, message) is Reason.CODE_WRONG
        await a_day_later(people)
        assert await address_of(people, account_id) == ALICE
        assert people.vault.every(DELAYED_CHANGES) == []


async def test_a_letters_token_cancels_nothing_else(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        await confirmed(people, office, account_id)
        good = tokens_of(office.to(ALICE)[-1])["email cancel"]
        for bad in ("", "x", good[:-1], good + "A", good.swapcase()):
            assert await refused(people, CancelEmailChange(token=bad)) is Reason.TOKEN_INVALID
        bobs = people.credentials.freeze_tokens.make(
            await people.register(BOB), people.world.now_ns()
        )
        assert await refused(people, CancelEmailChange(token=bobs)) is Reason.UNKNOWN_CHANGE
        await a_day_later(people)
        assert await address_of(people, account_id) == NEW


async def test_a_code_to_the_old_address_sets_no_password_any_more(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        due_at_ns = await confirmed(people, office, account_id)
        people.world.shift_clock(due_at_ns - people.world.now_ns() - NS)
        begun = await people.inbox.ask(StartRecovery(email=ALICE))
        assert isinstance(begun, ProofBegun)
        await trio.sleep(1)
        code = office.to(ALICE)[-1].code
        await trio.sleep(32)
        assert await address_of(people, account_id) == NEW
        finish = FinishRecovery(
            token=begun.token, code=code, password=OTHER_PASSWORD, second_factor_code=""
        )
        assert await refused(people, finish) is Reason.CODE_WRONG


async def test_only_who_asked_confirms_and_tries_are_counted(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id, bob = await people.register(), await people.register(BOB)
        token = await begin(people, account_id)
        code = office.to(NEW)[-1].code
        assert await refused(people, confirming(bob, token, code)) is Reason.CODE_WRONG
        for _ in range(CODE_TRIES):
            message = confirming(account_id, token, "AAAA-AAAA")
            assert await refused(people, message) is Reason.CODE_WRONG
        assert await refused(people, confirming(account_id, token, code)) is Reason.CODE_WRONG
        # A later request voids the one before.
        first = await begin(people, account_id)
        code = office.to(NEW)[-1].code
        await begin(people, account_id)
        assert await refused(people, confirming(account_id, first, code)) is Reason.CODE_WRONG
        assert len(people.vault.every(EMAIL_PROOFS)) == 1


async def test_what_cannot_be_asked_for(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        own = StartEmailChange(account_id=account_id, email=ALICE.upper())
        assert await refused(people, own) is Reason.EMAIL_TAKEN
        bad = StartEmailChange(account_id=account_id, email="nobody")
        assert await refused(people, bad) is Reason.EMAIL_FORMAT
        for number in range(LETTERS_PER_HOUR):
            await begin(people, account_id, f"victim{number}@example.com")
        late = StartEmailChange(account_id=account_id, email="victim9@example.com")
        assert await refused(people, late) is Reason.TOO_MANY_ATTEMPTS
        assert office.to("victim9@example.com") == []


async def test_a_house_without_mail_changes_no_address(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        message = StartEmailChange(account_id=account_id, email=NEW)
        assert await refused(people, message) is Reason.NO_MAIL


async def test_two_people_who_want_one_address(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    """Both read its mailbox; the first whose day is over has it, and nothing is damaged."""
    async with running(path, office=office) as people:
        alice, bob = await people.register(), await people.register(BOB)
        for account_id in (alice, bob):
            await confirmed(people, office, account_id)
        await a_day_later(people)
        assert await address_of(people, alice) == NEW
        assert await address_of(people, bob) == BOB
        assert "was not changed" in office.to(BOB)[-1].text
        assert people.vault.verify().accounts == 2
        assert people.stream()[-1] != "ChangeMade"


async def test_an_account_that_was_opened_meanwhile_keeps_its_address(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        alice = await people.register()
        await confirmed(people, office, alice)
        reply = await people.register(NEW)
        assert not isinstance(reply, AccountOpened)
        await a_day_later(people)
        assert await address_of(people, alice) == ALICE
        assert (await people.login(NEW)).account_id == reply


async def test_a_change_outlives_the_process_and_other_keys(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        alice, bob = await people.register(), await people.register(BOB)
        await confirmed(people, office, alice)
        await people.inbox.ask(RotateUserKeys(account_id=alice, by=alice))
        await trio.sleep(5)
        (row,) = people.vault.every(DELAYED_CHANGES)
        newest = people.vault.user_keys(alice)[-1].key_id, people.vault.user_keys(alice)[-2].key_id
        assert row.email_sealed is not None
        assert any(key in row.email_sealed[:32] for key in newest), "sealed anew"
        token = await begin(people, bob, CARLA)
        code = office.to(CARLA)[-1].code
    async with running(path, people.world, office=office) as people:
        await people.inbox.ask(confirming(bob, token, code))
        await a_day_later(people)
        assert await address_of(people, alice) == NEW
        assert await address_of(people, bob) == CARLA
        assert (await people.login(NEW)).account_id == alice


async def test_erasure_forgets_both_kinds_of_waiting(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        alice, bob = await people.register(), await people.register(BOB)
        for account_id in (alice, bob):
            await people.inbox.ask(RequestErasure(account_id=account_id, forfeit=False))
        people.world.shift_clock(ERASURE_DELAY_NS - 40 * NS)
        await confirmed(people, office, alice)
        await begin(people, bob, CARLA)
        await trio.sleep(90)
        assert people.desk.statistics().accounts_erased == 2
        assert people.vault.every(DELAYED_CHANGES) == []
        assert people.vault.every(EMAIL_PROOFS) == []
        await a_day_later(people)
        login = Login(email=NEW, password=WRONG, device="")
        assert await refused(people, login) is Reason.CREDENTIALS
