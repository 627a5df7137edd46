"""The second factor: codes work once, for one purpose, also at the same time and after a restart.

Checked by breaking, each seen red: a last step that is not stored, a batch that is not committed
before the next code is read, a recovery code that stays, wrong codes that are not counted, a lock
that is not looked at, and a grant that is not used up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, PASSWORD, WRONG, People, refused, running
from tests.actors.post_office import PostOffice
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.domain.auth import Impediment, Login, SessionGranted, SetImpediment
from xached.domain.guarding import (
    DELAY_NS,
    CancelDelayed,
    ChangeTaken,
    DelayedKind,
    FreezeAccount,
)
from xached.domain.identity import AuthMessage
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import (
    ENROLMENT_NS_MAX,
    FAILURES_FREE,
    PENDING_LOGIN_NS_MAX,
    CompleteLogin,
    ConfirmSecondFactor,
    DisableSecondFactor,
    EnrolmentBegun,
    EnrolSecondFactor,
    GetSecondFactor,
    RecoveryCodesMade,
    RenewRecoveryCodes,
    SecondFactorNeeded,
    SecondFactorState,
    StepUpByCode,
    StepUpByPassword,
    StepUpGranted,
    StepUpGrants,
)
from xached.runtime.world import Argon2Cost
from xached.security.tokens import opaque_digest

METHOD, DIGEST = "/xache.v1.WalletService/Withdraw", b"d" * 32
NS = 1_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture
def office() -> PostOffice:
    return PostOffice()


class Phone:
    """An authenticator, which knows the secret and the house's time."""

    def __init__(self, people: People, secret: str) -> None:
        self.people = people
        self.totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        at_s = self.people.world.now_ns() // NS + 30 * steps
        return str(self.totp.at(at_s))

    def wrong(self) -> str:
        near = {self.code(steps) for steps in range(-2, 3)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


async def enrolled(people: People) -> tuple[AccountId, SessionGranted, Phone, tuple[str, ...]]:
    """Alice with a session, an authenticator and her recovery codes; its first code is used."""
    account_id = await people.register()
    session = await people.login()
    begun = await people.inbox.ask(EnrolSecondFactor(account_id=account_id))
    assert isinstance(begun, EnrolmentBegun)
    phone = Phone(people, begun.secret)
    made = await people.inbox.ask(
        ConfirmSecondFactor(account_id=account_id, session_id=session.session_id, code=phone.code())
    )
    assert isinstance(made, RecoveryCodesMade)
    return account_id, session, phone, made.codes


async def pending(people: People) -> str:
    """The token of a login whose password was right."""
    reply = await people.inbox.ask(Login(email=ALICE, password=PASSWORD, device="phone"))
    assert isinstance(reply, SecondFactorNeeded)
    return reply.token


async def state(people: People, account_id: AccountId) -> SecondFactorState:
    reply = await people.inbox.ask(GetSecondFactor(account_id=account_id))
    assert isinstance(reply, SecondFactorState)
    return reply


def step_up(account_id: AccountId, session: SessionGranted, code: str) -> StepUpByCode:
    return StepUpByCode(
        account_id=account_id,
        session_id=session.session_id,
        method=METHOD,
        request_digest=DIGEST,
        code=code,
    )


# --- enrolment -------------------------------------------------------------------------------


async def test_enrolment_counts_from_its_first_code(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id = await people.register()
        other = await people.login()
        session = await people.login()
        begun = await people.inbox.ask(EnrolSecondFactor(account_id=account_id))
        assert isinstance(begun, EnrolmentBegun)
        uri = urlsplit(begun.uri)
        assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
        assert unquote(uri.path) == f"/XACHE:{ALICE}"
        assert parse_qs(uri.query)["secret"] == [begun.secret]
        assert not (await state(people, account_id)).active
        assert isinstance(
            await people.inbox.ask(Login(email=ALICE, password=PASSWORD, device="")),
            SessionGranted,
        )
        phone = Phone(people, begun.secret)
        made = await people.inbox.ask(
            ConfirmSecondFactor(
                account_id=account_id, session_id=session.session_id, code=phone.code()
            )
        )
        assert isinstance(made, RecoveryCodesMade)
        assert len(set(made.codes)) == 10
        assert await state(people, account_id) == SecondFactorState(
            active=True, recovery_codes_left=10
        )
        assert people.table.find(other.session_id) is None
        assert people.table.find(session.session_id) is not None
        await trio.sleep(1)
        assert "turned on" in office.letters[-1].text
        assert begun.secret not in office.letters[-1].text


async def test_each_enrolment_has_a_secret_of_its_own_and_an_end(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        session = await people.login()
        confirm = ConfirmSecondFactor(
            account_id=account_id, session_id=session.session_id, code="000000"
        )
        assert await refused(people, confirm) is Reason.SECOND_FACTOR_STATE
        phones = []
        for _ in range(2):
            begun = await people.inbox.ask(EnrolSecondFactor(account_id=account_id))
            assert isinstance(begun, EnrolmentBegun)
            phones.append(Phone(people, begun.secret))
        old, new = phones
        for code, reason in ((old.code(), Reason.CODE_WRONG), (new.wrong(), Reason.CODE_WRONG)):
            message = ConfirmSecondFactor(
                account_id=account_id, session_id=session.session_id, code=code
            )
            assert await refused(people, message) is reason
        await trio.sleep(ENROLMENT_NS_MAX / NS)
        late = ConfirmSecondFactor(
            account_id=account_id, session_id=session.session_id, code=new.code()
        )
        assert await refused(people, late) is Reason.SECOND_FACTOR_STATE
        assert not (await state(people, account_id)).active


async def test_an_active_second_factor_is_not_replaced(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id, *_ = await enrolled(people)
        message = EnrolSecondFactor(account_id=account_id)
        assert await refused(people, message) is Reason.SECOND_FACTOR_STATE


# --- logins in two steps ---------------------------------------------------------------------


async def test_a_login_needs_the_password_and_then_a_code(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        _, _, phone, _ = await enrolled(people)
        await trio.sleep(60)
        wrong = Login(email=ALICE, password=WRONG, device="")
        assert await refused(people, wrong) is Reason.CREDENTIALS
        token = await pending(people)
        before = people.desk.statistics().live_sessions
        assert await refused(people, CompleteLogin(token=token, code="")) is Reason.CODE_WRONG
        nobody = CompleteLogin(token="x" * 43, code=phone.code())
        assert await refused(people, nobody) is Reason.CREDENTIALS
        granted = await people.inbox.ask(CompleteLogin(token=token, code=phone.code()))
        assert isinstance(granted, SessionGranted)
        assert people.desk.statistics().live_sessions == before + 1
        again = CompleteLogin(token=token, code=phone.code(1))
        assert await refused(people, again) is Reason.CREDENTIALS, "a token opens one session"


async def test_a_login_that_renews_its_hash_goes_on(autojump_clock: MockClock, path: Path) -> None:
    """Red when the code is waited for in the name of the hash that was."""
    async with running(path) as people:
        _, _, phone, _ = await enrolled(people)
        cost = people.world.argon2_cost
    dearer = Argon2Cost(passes=cost.passes + 1, memory_bytes=cost.memory_bytes)
    async with running(path, cost=dearer) as people:
        phone.people = people
        people.world.shift_clock(60 * NS)
        token = await pending(people)
        granted = await people.inbox.ask(CompleteLogin(token=token, code=phone.code()))
        assert isinstance(granted, SessionGranted)


async def test_a_pending_login_ends(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as people:
        _, _, phone, _ = await enrolled(people)
        token = await pending(people)
        await trio.sleep(PENDING_LOGIN_NS_MAX / NS + 1)
        late = CompleteLogin(token=token, code=phone.code())
        assert await refused(people, late) is Reason.CREDENTIALS
        token = await pending(people)
    async with running(path) as people:
        after = CompleteLogin(token=token, code=phone.code())
        assert await refused(people, after) is Reason.CREDENTIALS


# --- a code works once -----------------------------------------------------------------------

Use = Callable[[People, AccountId, SessionGranted, str], Awaitable[AuthMessage]]


async def for_login(people: People, _: AccountId, __: SessionGranted, code: str) -> AuthMessage:
    return CompleteLogin(token=await pending(people), code=code)


async def for_step_up(
    people: People, account_id: AccountId, session: SessionGranted, code: str
) -> AuthMessage:
    return step_up(account_id, session, code)


async def for_recovery_codes(
    people: People, account_id: AccountId, session: SessionGranted, code: str
) -> AuthMessage:
    return RenewRecoveryCodes(account_id=account_id, code=code)


async def for_disabling(
    people: People, account_id: AccountId, session: SessionGranted, code: str
) -> AuthMessage:
    return DisableSecondFactor(account_id=account_id, code=code)


USES = (for_login, for_step_up, for_recovery_codes, for_disabling)


@pytest.mark.parametrize("first", [for_login, for_step_up, for_recovery_codes])
@pytest.mark.parametrize("second", USES)
@pytest.mark.parametrize("restart", [False, True])
async def test_a_code_works_once_whatever_for(
    autojump_clock: MockClock, path: Path, first: Use, second: Use, restart: bool
) -> None:
    async with running(path) as people:
        account_id, session, phone, _ = await enrolled(people)
        await trio.sleep(60)
        code = phone.code()
        await people.inbox.ask(await first(people, account_id, session, code))
        if not restart:
            message = await second(people, account_id, session, code)
            assert await refused(people, message) is Reason.CODE_WRONG
            older = await second(people, account_id, session, phone.code(-1))
            assert await refused(people, older) is Reason.CODE_WRONG
            newer = await second(people, account_id, session, phone.code(1))
            await people.inbox.ask(newer)
    if restart:
        # The simulated clock of another machine goes on from the same moment.
        async with running(path) as people:
            message = await second(people, account_id, session, code)
            assert await refused(people, message) is Reason.CODE_WRONG


async def test_the_first_code_of_an_enrolment_is_used_up_too(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id, session, phone, _ = await enrolled(people)
        message = step_up(account_id, session, phone.code())
        assert await refused(people, message) is Reason.CODE_WRONG


@pytest.mark.parametrize("recovery", [False, True])
async def test_of_many_at_the_same_time_one_gets_in(
    autojump_clock: MockClock, path: Path, recovery: bool
) -> None:
    async with running(path) as people:
        account_id, session, phone, codes = await enrolled(people)
        await trio.sleep(60)
        tokens = [await pending(people) for _ in range(4)]
        code = codes[3] if recovery else phone.code()
        messages: list[AuthMessage] = [
            *(CompleteLogin(token=token, code=code) for token in tokens),
            step_up(account_id, session, code),
            RenewRecoveryCodes(account_id=account_id, code=code),
        ]
        passed: list[AuthMessage] = []
        reasons: list[Reason] = []

        async def attempt(message: AuthMessage) -> None:
            try:
                await people.inbox.ask(message)
            except Rejection as refusal:
                reasons.append(refusal.reason)
            else:
                passed.append(message)

        async with trio.open_nursery() as nursery:
            for message in messages:
                nursery.start_soon(attempt, message)
        assert len(passed) == 1
        assert set(reasons) <= {Reason.CODE_WRONG, Reason.TOO_MANY_ATTEMPTS}
        assert len(reasons) == len(messages) - 1


async def test_a_clock_that_is_one_step_off_is_put_up_with(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id, session, phone, _ = await enrolled(people)
        await trio.sleep(300)
        for steps in (-2, 2):
            message = step_up(account_id, session, phone.code(steps))
            assert await refused(people, message) is Reason.CODE_WRONG
        for steps in (-1, 0, 1):
            await people.inbox.ask(step_up(account_id, session, phone.code(steps)))


# --- recovery codes --------------------------------------------------------------------------


async def test_a_recovery_code_stands_in_once_and_is_told_of(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id, session, _, codes = await enrolled(people)
        typed = codes[0].upper().replace("-", " ")
        granted = await people.inbox.ask(CompleteLogin(token=await pending(people), code=typed))
        assert isinstance(granted, SessionGranted)
        again = step_up(account_id, session, codes[0])
        assert await refused(people, again) is Reason.CODE_WRONG
        assert (await state(people, account_id)).recovery_codes_left == 9
        await trio.sleep(1)
        assert "You have 9 left" in office.letters[-1].text
        renewed = await people.inbox.ask(RenewRecoveryCodes(account_id=account_id, code=codes[1]))
        assert isinstance(renewed, RecoveryCodesMade)
        old = step_up(account_id, session, codes[2])
        assert await refused(people, old) is Reason.CODE_WRONG
        await people.inbox.ask(step_up(account_id, session, renewed.codes[0]))


async def test_recovery_codes_are_for_their_own_account(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        _, _, _, codes = await enrolled(people)
        bob = await people.register("bob@example.com")
        session = await people.login("bob@example.com")
        begun = await people.inbox.ask(EnrolSecondFactor(account_id=bob))
        assert isinstance(begun, EnrolmentBegun)
        code = Phone(people, begun.secret).code()
        await people.inbox.ask(
            ConfirmSecondFactor(account_id=bob, session_id=session.session_id, code=code)
        )
        assert await refused(people, step_up(bob, session, codes[0])) is Reason.CODE_WRONG


# --- guessing --------------------------------------------------------------------------------


async def test_wrong_codes_in_a_row_lock_for_a_time_that_doubles(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id, session, phone, _ = await enrolled(people)
        await trio.sleep(60)
        locks = []
        for failure in range(FAILURES_FREE + 9):
            message = step_up(account_id, session, phone.wrong())
            assert await refused(people, message) is Reason.CODE_WRONG, failure
            right = step_up(account_id, session, phone.code())
            if failure + 1 >= FAILURES_FREE:
                with pytest.raises(Rejection) as refusal:
                    await people.inbox.ask(right)
                assert refusal.value.reason is Reason.TOO_MANY_ATTEMPTS
                locks.append(int(refusal.value.facts["retry_after_s"]))
                await trio.sleep(locks[-1])
        assert locks == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600]
        await people.inbox.ask(step_up(account_id, session, phone.code()))
        one_more = step_up(account_id, session, phone.wrong())
        assert await refused(people, one_more) is Reason.CODE_WRONG
        await people.inbox.ask(step_up(account_id, session, phone.code(1)))


async def test_a_lock_outlives_the_daemon_and_holds_for_every_purpose(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id, session, phone, _ = await enrolled(people)
        for _ in range(FAILURES_FREE):
            message = step_up(account_id, session, phone.wrong())
            assert await refused(people, message) is Reason.CODE_WRONG
    async with running(path) as people:
        phone.people = people
        for use in USES:
            any_use = await use(people, account_id, session, phone.code(1))
            assert await refused(people, any_use) is Reason.TOO_MANY_ATTEMPTS


async def test_a_recovery_code_passes_a_lock_that_somebody_else_keeps_up(
    autojump_clock: MockClock, path: Path
) -> None:
    """Whoever knows the password can have wrong codes counted, and yet not keep the owner out."""
    async with running(path) as people:
        account_id, _, phone, codes = await enrolled(people)
        for _ in range(FAILURES_FREE):
            message = CompleteLogin(token=await pending(people), code=phone.wrong())
            assert await refused(people, message) is Reason.CODE_WRONG
        guess = CompleteLogin(token=await pending(people), code="AAAA-AAAA-AAAA-AAAA")
        assert await refused(people, guess) is Reason.TOO_MANY_ATTEMPTS
        owner = CompleteLogin(token=await pending(people), code=codes[0])
        granted = await people.inbox.ask(owner)
        assert isinstance(granted, SessionGranted)
        again = CompleteLogin(token=await pending(people), code=codes[0])
        assert await refused(people, again) is Reason.CODE_WRONG
        assert (await state(people, account_id)).recovery_codes_left == len(codes) - 1


@pytest.mark.parametrize(
    "code", ["", "0", "00000000", "abcdef", "١٢٣٤٥٦", "0" * 10_000, "-" * 40, "\ud800"]
)
async def test_other_texts_are_no_code(autojump_clock: MockClock, path: Path, code: str) -> None:
    async with running(path) as people:
        account_id, session, _, _ = await enrolled(people)
        assert await refused(people, step_up(account_id, session, code)) is Reason.CODE_WRONG
        disable = DisableSecondFactor(account_id=account_id, code=code)
        assert await refused(people, disable) is Reason.CODE_WRONG


# --- turning it off --------------------------------------------------------------------------


async def test_turning_it_off_needs_a_code_and_is_told(
    autojump_clock: MockClock, path: Path, office: PostOffice
) -> None:
    async with running(path, office=office) as people:
        account_id, _, phone, codes = await enrolled(people)
        await trio.sleep(60)
        code = phone.code()
        asked_at_ns = people.world.now_ns()
        off = DisableSecondFactor(account_id=account_id, code=code)
        taken = await people.inbox.ask(off)
        assert isinstance(taken, ChangeTaken)
        assert taken.due_at_ns >= asked_at_ns + DELAY_NS
        await trio.sleep(60)
        assert "asked to turn the second factor of your account off" in office.letters[-1].text
        assert code not in office.letters[-1].text
        # Asking again makes it neither later nor earlier.
        again = DisableSecondFactor(account_id=account_id, code=phone.code())
        assert await people.inbox.ask(again) == taken
        assert (await state(people, account_id)).active
    # It waits in the vault.
    async with running(path, office=office) as people:
        people.world.shift_clock(taken.due_at_ns - people.world.now_ns() - 60 * 10**9)
        await trio.sleep(10)
        assert await state(people, account_id) == SecondFactorState(
            active=True, recovery_codes_left=len(codes)
        )
        await trio.sleep(120)
        assert await state(people, account_id) == SecondFactorState(
            active=False, recovery_codes_left=0
        )
        assert "turned off" in office.letters[-1].text
        session = await people.login()
        message = step_up(account_id, session, codes[0])
        assert await refused(people, message) is Reason.SECOND_FACTOR_STATE


@pytest.mark.parametrize("how", ["owner", "freeze", "suspension"])
async def test_turning_it_off_can_be_taken_back_for_a_day(
    autojump_clock: MockClock, path: Path, how: str
) -> None:
    """Checked: done at once, the first assertion is red; not taken back by a freeze, the last."""
    async with running(path) as people:
        account_id, _, phone, _ = await enrolled(people)
        await trio.sleep(60)
        await people.inbox.ask(DisableSecondFactor(account_id=account_id, code=phone.code()))
        assert (await state(people, account_id)).active
        suspend = SetImpediment(
            account_id=account_id, impediment=Impediment.SUSPENDED, stands=True, by=AccountId("a")
        )
        cancel = CancelDelayed(account_id=account_id, kind=DelayedKind.SECOND_FACTOR)
        ways: dict[str, AuthMessage] = {
            "owner": cancel,
            "freeze": FreezeAccount(account_id=account_id),
            "suspension": suspend,
        }
        await people.inbox.ask(ways[how])
        people.world.shift_clock(2 * DELAY_NS)
        await trio.sleep(120)
        assert (await state(people, account_id)).active
        assert await refused(people, cancel) is Reason.UNKNOWN_CHANGE


async def test_what_a_killed_house_was_about_to_turn_off_the_next_one_does(
    autojump_clock: MockClock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: with the wish dropped in a commit of its own, it stays on for ever."""

    async def killed(*_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise InterruptedError("killed")

    async def first_house() -> None:
        async with running(path) as people:
            account_id, _, phone, _ = await enrolled(people)
            await trio.sleep(60)
            await people.inbox.ask(DisableSecondFactor(account_id=account_id, code=phone.code()))
            known.append(account_id)
            people.world.shift_clock(2 * DELAY_NS)
            await trio.sleep(120)
        raise AssertionError("it was not killed")

    known: list[AccountId] = []
    monkeypatch.setattr(SecondFactorArea, "turn_off", killed)
    with pytest.raises(ExceptionGroup):
        await first_house()
    monkeypatch.undo()
    async with running(path) as people:
        people.world.shift_clock(4 * DELAY_NS)
        await trio.sleep(120)
        assert not (await state(people, known[0])).active


# --- fresh proofs ----------------------------------------------------------------------------


async def test_a_fresh_proof_is_good_for_one_request_of_one_session(
    autojump_clock: MockClock, path: Path
) -> None:
    grants = StepUpGrants()
    async with running(path, grants=grants) as people:
        account_id, session, _, codes = await enrolled(people)

        async def granted(code: str) -> bytes:
            reply = await people.inbox.ask(step_up(account_id, session, code))
            assert isinstance(reply, StepUpGranted)
            return opaque_digest(reply.token)

        sid, now = session.session_id, people.world.now_ns()
        good = await granted(codes[0])
        assert grants.use(good, sid, METHOD, DIGEST, now)
        assert not grants.use(good, sid, METHOD, DIGEST, now), "used twice"
        for index, wrong in enumerate(
            [
                (session.session_id + "x", METHOD, DIGEST, now),
                (sid, METHOD + "All", DIGEST, now),
                (sid, METHOD, b"e" * 32, now),
                (sid, METHOD, DIGEST, now + 301 * NS),
            ],
            1,
        ):
            held = await granted(codes[index])
            assert not grants.use(held, *wrong), wrong  # type: ignore[arg-type] # a session id is a string
            assert not grants.use(held, sid, METHOD, DIGEST, now), "presented once, it is gone"
        left = await granted(codes[5])
        assert len(grants) == 1
        grants.forget_session(sid)
        assert not grants.use(left, sid, METHOD, DIGEST, now)


async def test_without_a_second_factor_the_password_is_the_fresh_proof(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        session = await people.login()

        def proof(password: str) -> StepUpByPassword:
            return StepUpByPassword(
                account_id=account_id,
                session_id=session.session_id,
                method=METHOD,
                request_digest=DIGEST,
                password=password,
            )

        assert isinstance(await people.inbox.ask(proof(PASSWORD)), StepUpGranted)
        for _ in range(FAILURES_FREE):
            assert await refused(people, proof(WRONG)) is Reason.CODE_WRONG
        assert await refused(people, proof(PASSWORD)) is Reason.TOO_MANY_ATTEMPTS
        await trio.sleep(60)
        assert isinstance(await people.inbox.ask(proof(PASSWORD)), StepUpGranted)
        await people.login()
    async with running(path) as people:
        begun = await people.inbox.ask(EnrolSecondFactor(account_id=account_id))
        assert isinstance(begun, EnrolmentBegun)
        code = Phone(people, begun.secret).code()
        await people.inbox.ask(
            ConfirmSecondFactor(account_id=account_id, session_id=session.session_id, code=code)
        )
        refusal = await refused(people, proof(PASSWORD))
        assert refusal is Reason.SECOND_FACTOR_STATE, "the password is not enough any more"


# --- secrets ---------------------------------------------------------------------------------


async def test_no_secret_of_it_is_in_any_file(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as people:
        account_id = await people.register()
        session = await people.login()
        begun = await people.inbox.ask(EnrolSecondFactor(account_id=account_id))
        assert isinstance(begun, EnrolmentBegun)
        code = Phone(people, begun.secret).code()
        made = await people.inbox.ask(
            ConfirmSecondFactor(account_id=account_id, session_id=session.session_id, code=code)
        )
        assert isinstance(made, RecoveryCodesMade)
        secrets = [begun.secret, *made.codes, *(each.replace("-", "") for each in made.codes)]
        raw = pyotp.TOTP(begun.secret).byte_secret()
        assert begun.secret not in repr(begun)
        assert made.codes[0] not in repr(made)
        for file in path.parent.iterdir():
            content = file.read_bytes()
            assert raw not in content
            for secret in secrets:
                assert secret.encode() not in content
        people.vault.verify()
