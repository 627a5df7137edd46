"""What administrators see of everybody: lists, counts and the audit, and no person in them.

Each was seen red: the list without its condition on roles, and without the one on impediments; a
page that begins with the last account of the one before; a piece of the audit that begins a row too
early, and a row too late; an audit without denied calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import admin_pb2 as pb
from xache.v1 import options_pb2

from tests.security.whole_house import WholeHouse, whole_house
from xached.actors.sessions import oversight
from xached.domain.rejection import Reason, Rejection

PEOPLE = 5


@asynccontextmanager
async def peopled(path: Path) -> AsyncIterator[tuple[WholeHouse, list[str]]]:
    """A house with an administrator and five people, of whom one is suspended, one in support."""
    async with whole_house(path) as house:
        await house.admin()
        ids = [await house.register(f"p{number}@people.example") for number in range(PEOPLE)]
        suspend = pb.SetImpedimentRequest(
            account_id=ids[0], impediment=options_pb2.IMPEDIMENT_SUSPENDED, stands=True
        )
        await house.by_admin("AdminService/SetImpediment", suspend)
        grant = pb.SetRoleRequest(account_id=ids[1], role=options_pb2.ROLE_SUPPORT, granted=True)
        await house.by_admin("AdminService/SetRole", grant)
        yield house, ids


async def told(house: WholeHouse, method: str, request: Message) -> Any:
    """What an administrator is told."""
    return await house.by_admin(f"AdminService/{method}", request)


async def test_accounts_are_listed_page_by_page(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with peopled(tmp_path) as (house, ids):
        seen: list[str] = []
        token = ""
        while True:
            request = pb.ListAccountsRequest(page_size=2, page_token=token)
            page = await told(house, "ListAccounts", request)
            assert len(page.accounts) <= 2
            seen += [each.account_id for each in page.accounts]
            token = page.next_page_token
            if not token:
                break
        assert seen == sorted(seen)
        assert len(seen) == PEOPLE + 1
        assert set(ids) < set(seen)


async def test_accounts_are_found_by_role_and_by_what_stands_against_them(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with peopled(tmp_path) as (house, ids):
        support = pb.ListAccountsRequest(role=options_pb2.ROLE_SUPPORT)
        (found,) = (await told(house, "ListAccounts", support)).accounts
        assert found.account_id == ids[1]
        assert list(found.roles) == [options_pb2.ROLE_USER, options_pb2.ROLE_SUPPORT]
        suspended = pb.ListAccountsRequest(impediment=options_pb2.IMPEDIMENT_SUSPENDED)
        (found,) = (await told(house, "ListAccounts", suspended)).accounts
        assert found.account_id == ids[0]
        assert list(found.impediments) == [options_pb2.IMPEDIMENT_SUSPENDED]
        assert found.created_at_ns > 0


async def test_a_list_that_cannot_be_is_refused(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with peopled(tmp_path) as (house, _):
        for request, reason in (
            (pb.ListAccountsRequest(page_size=501), Reason.AMOUNT_RANGE),
            (pb.ListAccountsRequest(page_token="no account!"), Reason.ID_FORMAT),
            (pb.ListAccountsRequest(role=99), Reason.FIELD_REQUIRED),  # type: ignore[arg-type]
        ):
            with pytest.raises(Rejection) as refused:
                await told(house, "ListAccounts", request)
            assert refused.value.reason is reason
        with pytest.raises(Rejection):
            await told(house, "ListAudit", pb.ListAuditRequest(page_token="?"))


async def test_people_are_counted(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with peopled(tmp_path) as (house, _):
        await house.login("p2@people.example")
        counts = await told(house, "GetUserMetrics", pb.GetUserMetricsRequest())
        assert counts.accounts == counts.opened_1d == counts.opened_30d == PEOPLE + 1
        assert (counts.suspended, counts.frozen) == (1, 0)
        assert counts.second_factors == 1, "the administrator's"
        assert counts.signed_in == 2
        roles = {each.role: each.accounts for each in counts.roles}
        assert roles[options_pb2.ROLE_SUPPORT] == roles[options_pb2.ROLE_ADMIN] == 1
        assert (counts.applications, counts.open_cases, counts.erasures_due) == (0, 0, 0)
        assert counts.api_keys == 0


async def test_the_audit_is_read_backwards_without_gaps(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oversight, "AUDIT_ROWS", 7)
    async with peopled(tmp_path) as (house, _):
        for number in range(5):
            halt = pb.SetHaltRequest(halted=number % 2 == 0, cause="drill")
            await house.by_admin("AdminService/SetHalt", halt)
        entries: list[pb.AuditEntry] = []
        token = ""
        while True:
            answer = await told(house, "ListAudit", pb.ListAuditRequest(page_token=token))
            entries += answer.entries
            token = answer.next_page_token
            if not token:
                break
        seqs = [each.seq for each in entries if "ListAudit" not in each.what]
        assert seqs == sorted(set(seqs), reverse=True)
        halts = [each for each in entries if each.what.endswith("/SetHalt")]
        assert [each.outcome for each in halts] == ["OK"] * 5
        assert all(each.journal_seq > 0 for each in halts)
        assert entries[-1].what.endswith("BootstrapAdmin"), "it goes back to the first"
        assert not any(person in str(entries) for person in ("p0@", "192.0.2.7"))


async def test_failed_logins_and_denied_calls_are_told(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with peopled(tmp_path) as (house, ids):
        someone, _ = await house.login("p3@people.example")
        path = "/xache.v1.AdminService/GetUserMetrics"
        verdict = await house.verdict(house.routes(admin=True), path, someone)
        assert verdict == "PERMISSION_DENIED"
        await trio.sleep(61)
        entries = (await told(house, "ListAudit", pb.ListAuditRequest())).entries
        denied = [each for each in entries if each.kind == pb.AUDIT_KIND_CALLS_DENIED]
        assert [(each.account_id, each.count) for each in denied] == [(ids[3], 1)]
        assert "GetUserMetrics" in denied[0].what
