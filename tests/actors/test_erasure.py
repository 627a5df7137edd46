"""Leaving: what is asked first, what is destroyed when, and what nobody can read afterwards.

Checked by breaking, each seen red: no letter when an erasure is asked for, and a freeze, a
suspension or a recovery that lets it go on.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, PASSWORD, People, refused, running
from tests.actors.post_office import PostOffice
from tests.actors.test_compliance import ANNA, DETAILS, NAME, SCAN, apply, upload
from xached.domain.auth import Impediment, Role, SessionEndCause, SetImpediment, SetRole
from xached.domain.cases import AssignCase, CaseId, CaseKind, CaseOutcome, DecideCase, OpenCase
from xached.domain.erasure import (
    ERASURE_DELAY_NS,
    RETENTION_NS,
    AccountExport,
    CancelErasure,
    ErasureRequest,
    ExportAccount,
    RequestErasure,
)
from xached.domain.guarding import FreezeByToken
from xached.domain.kyc import ApplicationView, DocumentKind, KycApplication, ViewApplication
from xached.domain.order import AccountId
from xached.domain.recovery import FinishRecovery, ProofBegun, StartRecovery
from xached.domain.rejection import Reason
from xached.domain.staff import AccountCard, FindAccount
from xached.runtime.mailbox import Overloaded
from xached.security.sealing import KeyDestroyed
from xached.storage.sealed_columns import SECRET_COLUMNS
from xached.storage.vault_tables import (
    KEPT_AFTER_ERASURE,
    TABLES,
    tables_of_accounts,
)

DEVICE = "a laptop nobody else has"
MINUTE_S = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


def leave(account_id: AccountId) -> RequestErasure:
    return RequestErasure(account_id=account_id, forfeit=True)


async def wait_for_it(people: People) -> None:
    """Let the delay pass, and the minute in which what is due is done."""
    people.world.shift_clock(ERASURE_DELAY_NS)
    await trio.sleep(MINUTE_S)


async def lived_in(people: People) -> AccountId:
    """An account with a bit of everything."""
    alice = await people.register()
    await people.login(ALICE, PASSWORD, DEVICE)
    await upload(people, alice, DocumentKind.IDENTITY)
    await apply(people, alice, 2)
    return alice


async def test_erasure_ends_sessions_keys_and_rows_within_a_minute(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await lived_in(people)
        keys_before = people.vault.user_keys(alice)
        request = await people.inbox.ask(leave(alice))
        assert isinstance(request, ErasureRequest)
        people.world.shift_clock(ERASURE_DELAY_NS - 60 * 10**9)
        await trio.sleep(1)
        assert people.exchange.closed == []
        await people.login(ALICE, PASSWORD, DEVICE)
        await trio.sleep(2 * MINUTE_S)
        assert people.exchange.closed == [alice]
        assert people.ended[-1][1] is SessionEndCause.ERASED
        assert len(people.table) == 0
        account = people.vault.account(alice)
        assert account is not None
        keys = people.vault.user_keys(alice)
        with pytest.raises(KeyDestroyed):
            people.credentials.open_email(account, keys)
        kept = {name for name, _ in people.vault.rows_of(alice)}
        assert kept == {
            "accounts",
            "user_keys",
            "kyc_applications",
            "kyc_documents",
            "kyc_chunks",
            "retentions",
        }
        card = await people.inbox.ask(FindAccount(account_id=alice, email="", by=ANNA))
        assert isinstance(card, AccountCard)
        assert card.email == ""
        assert (
            await refused(people, FindAccount(account_id=AccountId(""), email=ALICE, by=ANNA))
            is Reason.UNKNOWN_ACCOUNT
        )
        # The law's half stays until retention ends.
        (application,) = (
            row.application_id
            for _, row in people.vault.rows_of(alice)
            if isinstance(row, KycApplication)
        )
        view = await people.inbox.ask(ViewApplication(application_id=application, by=ANNA))
        assert isinstance(view, ApplicationView)
        assert view.details == DETAILS
        # The address is free again, for somebody whom nothing connects with the one before.
        assert await people.register() != alice
        people.vault.verify()
        wrapped = [key.wrapped for key in keys_before if key.kind.name == "PROFILE"]
        for file in path.parent.iterdir():
            content = file.read_bytes()
            for secret in wrapped:
                assert secret is not None
                assert secret not in content, file


async def test_retention_ends_and_nothing_can_be_read_any_more(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await lived_in(people)
        keys_before = people.vault.user_keys(alice)
        await people.inbox.ask(leave(alice))
        await wait_for_it(people)
    async with running(path) as people:
        people.world.shift_clock(RETENTION_NS + ERASURE_DELAY_NS)
        await trio.sleep(MINUTE_S)
        rows = {name for name, _ in people.vault.rows_of(alice)}
        assert rows == {"accounts", "user_keys"}
        assert [key.wrapped for key in people.vault.user_keys(alice)] == [None, None]
        assert people.stream()[-1] == "RetentionEnded"
        people.vault.verify()
        for file in path.parent.iterdir():
            content = file.read_bytes()
            for secret in (NAME.encode(), SCAN, *(key.wrapped or b"?" for key in keys_before)):
                assert secret not in content, file


async def test_it_can_be_taken_back_until_it_is_due(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        alice = await people.register()
        assert await refused(people, CancelErasure(account_id=alice)) is Reason.ERASURE_STATE
        first = await people.inbox.ask(leave(alice))
        assert await people.inbox.ask(leave(alice)) == first, "asking again changes nothing"
        await people.inbox.ask(CancelErasure(account_id=alice))
        await wait_for_it(people)
        assert people.exchange.closed == []
        await people.inbox.ask(leave(alice))
        people.exchange.refusals = [Overloaded("busy")] * 10
        people.world.shift_clock(ERASURE_DELAY_NS)
        await trio.sleep(21)
        assert await refused(people, CancelErasure(account_id=alice)) is Reason.ERASURE_STATE
        await trio.sleep(300)
        assert people.exchange.closed == [alice], "tried until the exchange had room"


@pytest.mark.parametrize("how", ["freeze", "suspension", "recovery"])
async def test_who_stole_a_session_cannot_end_the_account(
    how: str, path: Path, autojump_clock: MockClock
) -> None:
    office = PostOffice()
    async with running(path, office=office) as people:
        alice = await people.register()
        await people.inbox.ask(leave(alice))
        await trio.sleep(1)
        (letter,) = office.to(ALICE)
        assert "erase" in letter.text
        match how:
            case "freeze":
                token = letter.text.partition("xache freeze ")[2].split()[0]
                await people.inbox.ask(FreezeByToken(token=token))
            case "suspension":
                suspended = Impediment.SUSPENDED
                await people.inbox.ask(
                    SetImpediment(account_id=alice, impediment=suspended, stands=True, by=ANNA)
                )
            case _:
                begun = await people.inbox.ask(StartRecovery(email=ALICE))
                assert isinstance(begun, ProofBegun)
                await trio.sleep(1)
                finish = FinishRecovery(
                    token=begun.token,
                    code=office.to(ALICE)[-1].code,
                    password="harbour-velvet-ladder-31",
                    second_factor_code="",
                )
                await people.inbox.ask(finish)
        await wait_for_it(people)
        assert people.exchange.closed == []
        assert "ErasureCanceled" in people.stream()


async def test_an_open_case_or_a_role_keeps_an_account(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
        await people.inbox.ask(SetRole(account_id=bob, role=Role.SUPPORT, granted=True, by=ANNA))
        assert await refused(people, leave(bob)) is Reason.ERASURE_STATE
        case_id = CaseId("velocity-2")
        carla = await people.register("carla@example.com")
        for each in (alice, carla):
            await people.inbox.ask(leave(each))
        await people.inbox.ask(SetRole(account_id=carla, role=Role.ADMIN, granted=True, by=ANNA))
        await people.inbox.ask(
            OpenCase(
                case_id=case_id, account_id=alice, kind=CaseKind.AML, serious=False, facts="many"
            )
        )
        await wait_for_it(people)
        assert people.exchange.closed == [], "so does what came meanwhile"
        await people.inbox.ask(AssignCase(case_id=case_id, assignee=ANNA, by=ANNA))
        await people.inbox.ask(
            DecideCase(case_id=case_id, by=ANNA, outcome=CaseOutcome.FALSE_ALARM, reason="salary")
        )
        await trio.sleep(MINUTE_S)
        assert people.exchange.closed == [alice]


async def test_an_export_opens_everything_but_secrets(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await lived_in(people)
        await people.inbox.ask(
            OpenCase(
                case_id=CaseId("rapid-3"),
                account_id=alice,
                kind=CaseKind.AML,
                serious=True,
                facts="nine tenths left within a day",
            )
        )
        export = await people.inbox.ask(ExportAccount(account_id=alice))
        assert isinstance(export, AccountExport)
        told = {(row.table, name): text for row in export.rows for name, text in row.fields}
        assert told["accounts", "email_sealed"] == ALICE
        assert told["sessions", "device_sealed"] == DEVICE
        assert NAME in told["kyc_applications", "details_sealed"]
        assert told["kyc_documents", "kind"] == "IDENTITY"
        assert ("accounts", "password_sealed") not in told
        assert "cases" not in {row.table for row in export.rows}, "nobody is warned"
        assert people.stream()[-1] == "AccountExported"


def test_every_table_of_accounts_says_what_erasure_does_with_it() -> None:
    """A new table's rows are dropped at erasure, and its sealed columns exported, by default."""
    tables = tables_of_accounts()
    assert {table.row_class for table in tables} >= set(KEPT_AFTER_ERASURE)
    assert all(KEPT_AFTER_ERASURE.values())
    columns = {(table.name, column) for table in TABLES.values() for column in table.columns}
    assert columns >= SECRET_COLUMNS
    for table in TABLES.values():
        sealed = [column for column in table.columns if column.endswith("_sealed")]
        assert not sealed or table in tables, f"{table.name} holds personal data of nobody"
