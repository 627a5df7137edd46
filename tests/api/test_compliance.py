"""Compliance over the API: a real exchange, journal, history and vault behind the handlers."""

from __future__ import annotations

import csv
import hashlib
import importlib
import io
import json
import pkgutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

import attrs
import pytest
import trio
import xache.v1
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import compliance_pb2 as pb
from xache.v1 import options_pb2, staff_pb2, trading_pb2, types_pb2

from tests.actors.people import ALICE, BOB, PASSWORD, Exchange, People
from tests.actors.people import running as running_people
from tests.api.trading_house import (
    SELL,
    Collected,
    TradingHouse,
    call_of,
    limit,
    status,
    trading_house,
)
from xached.actors.aml import run_aml
from xached.actors.matching import Matching
from xached.actors.strategies.desk import seats_of
from xached.api import data_export
from xached.api.compliance import ComplianceHandlers
from xached.api.data_export import ExportedExchange
from xached.api.staff import StaffHandlers
from xached.api.trade_report import COLUMNS
from xached.domain.aml import AmlRule, RuleKind
from xached.domain.auth import Role, SetRole
from xached.domain.compliance_messages import (
    CloseAccount,
    LevelLimits,
    SetAccountLevel,
    SetLevelLimits,
)
from xached.domain.erasure import ERASURE_DELAY_NS, Retention
from xached.domain.instrument import AssetName, Symbol
from xached.domain.messages import Deposit, OpenPurse
from xached.domain.order import MAIN, AccountId, make_purse
from xached.domain.rejection import Reason, Rejection
from xached.domain.strategy_life import Stage, Strategy, Wish
from xached.house.account_commands import open_alert
from xached.house.account_files import files_of
from xached.runtime.world import RealFiles
from xached.storage.directory import DataPaths
from xached.storage.recordings import (
    DONE,
    OPEN,
    RecordingKind,
    Recordings,
    recording_name,
    run_subject,
)
from xached.storage.sealed_columns import SECRET_COLUMNS
from xached.storage.strategy_book import put_strategy
from xached.storage.strategy_states import SavedState, StrategyStates
from xached.storage.strategy_tables import StrategyRecords, StrategyTables
from xached.storage.vault_tables import TABLES

Sent = TypeVar("Sent", bound=Message)

ANNA = "staff-anna"
BERT = "staff-bert"
NAME = "Wilhelmina Überförster"
ADDRESS = "Kastanienallee 7, Görlitz"
SCAN = b"\xff\xd8\xff\xe0 the scan of a passport of nobody"
USDT, BTC = AssetName("USDT"), AssetName("BTC")


class Door(Exchange):
    """What the sessions actor asks of the exchange, asked of a real one."""

    def __init__(self, matching: Matching) -> None:
        super().__init__()
        self._matching = matching

    async def open_purse(self, account_id: AccountId) -> None:
        purse = make_purse(account_id, MAIN)
        await self._matching.execute(OpenPurse(purse=purse, simulated=False, request_id=""))

    async def set_level(self, account_id: AccountId, level: int) -> None:
        command = SetAccountLevel(account_id=account_id, level=level, cause="", request_id="")
        await self._matching.execute(command)

    async def close_account(self, account_id: AccountId, forfeit: bool) -> None:
        command = CloseAccount(account_id=account_id, forfeit=forfeit, request_id="")
        await self._matching.execute(command)


class Pieces(Generic[Sent]):
    """A request stream that is here as a whole."""

    def __init__(self, messages: Sequence[Sent]) -> None:
        self._messages = messages

    async def receive_batch(self) -> list[Sent]:
        raise AssertionError("these handlers read piece by piece")

    async def __aiter__(self) -> AsyncIterator[Sent]:
        for message in self._messages:
            await trio.lowlevel.checkpoint()
            yield message


@attrs.define(kw_only=True)
class Office:
    """The handlers, and what is behind them."""

    house: TradingHouse
    people: People
    compliance: ComplianceHandlers
    staff: StaffHandlers
    tables: StrategyTables

    async def apply(self, account: str, level: int = 1) -> pb.Application:
        answer = await self.compliance.apply_for_level(
            call_of(account),
            pb.ApplyForLevelRequest(
                level=level,
                details=pb.PersonDetails(
                    name=NAME, birth_date="1979-11-05", country="DE", address=ADDRESS
                ),
            ),
        )
        await trio.sleep(1)
        return answer.application

    async def upload(self, account: str) -> pb.Document:
        kind = pb.DOCUMENT_KIND_IDENTITY
        pieces = [
            pb.UploadDocumentRequest(kind=kind, content=SCAN),
            pb.UploadDocumentRequest(content=b"\0" * 1_000),
        ]
        answer = await self.compliance.upload_document(call_of(account), Pieces(pieces))
        return answer.document

    async def approve(self, application_id: str) -> None:
        for staff in (ANNA, BERT):
            await self.staff.review_application(
                call_of(staff),
                staff_pb2.ReviewApplicationRequest(
                    application_id=application_id, approved=True, reason="papers seen"
                ),
            )
        await trio.sleep(1)

    async def fund(self, account: str, units: int = 10**14) -> None:
        for asset in (USDT, BTC):
            purse = make_purse(account, "")
            await self.house.running.matching.execute(
                Deposit(purse=purse, asset=asset, amount_units=units, request_id="")
            )


@asynccontextmanager
async def office(path: Path) -> AsyncIterator[Office]:
    async with trading_house(path) as house:
        running = house.running
        door = Door(running.matching)
        tables = StrategyTables.open(path / "strategies.db", bytes(16))
        records = StrategyRecords(tables, running.world.open_lane("strategies"))
        async with running_people(path / "vault.db", running.world, door) as people:
            yield Office(
                house=house,
                people=people,
                compliance=ComplianceHandlers(
                    people.inbox,
                    running.matching,
                    house.history,
                    running.directory,
                    running.world.now_ns,
                    records,
                    ExportedExchange(
                        folder="paper/",
                        matching=running.matching,
                        directory=running.directory,
                        history=lambda: house.history,
                    ),
                    partial(files_of, DataPaths(path), running.world, records),
                ),
                tables=tables,
                staff=StaffHandlers(
                    people.inbox, running.matching, house.history, running.directory
                ),
            )
        tables.close()


def reason_of(error: BaseException) -> str:
    return status(error).reason


async def test_a_disclosure_must_be_accepted_before_an_order(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with office(tmp_path) as here:
        await here.house.place("alice", limit("a-0"))
        publish = staff_pb2.PublishDisclosureRequest(
            name="risk", title="Risks", text="You can lose."
        )
        await here.staff.publish_disclosure(call_of(ANNA), publish)
        with pytest.raises(Rejection) as refusal:
            await here.house.place("alice", limit("a-1"))
        answer = status(refusal.value)
        assert answer.reason == "DISCLOSURE_PENDING"
        assert answer.facts["disclosure"] == "risk"
        assert answer.facts["version"] == "1"
        listed = await here.compliance.list_disclosures(
            call_of("alice"), pb.ListDisclosuresRequest()
        )
        (disclosure,) = listed.disclosures
        assert (disclosure.text, disclosure.accepted_version) == ("You can lose.", 0)
        await here.compliance.accept_disclosure(
            call_of("alice"), pb.AcceptDisclosureRequest(name="risk", version=1)
        )
        await here.house.place("alice", limit("a-1"))
        await here.staff.retire_disclosure(
            call_of(ANNA), staff_pb2.RetireDisclosureRequest(name="risk", cause="merged")
        )
        await here.house.place("bob", limit("b-1"))


async def test_papers_are_reviewed_and_a_level_lifts_the_limits(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with office(tmp_path) as here:
        alice = await here.people.register(ALICE, PASSWORD)
        nothing = LevelLimits(level=0, deposit_units=(), trade_units=(), withdraw_units=())
        some = LevelLimits(
            level=1, deposit_units=((USDT, 5 * 10**8),), trade_units=(), withdraw_units=()
        )
        much = LevelLimits(
            level=2,
            deposit_units=((BTC, 10**20), (USDT, 10**20)),
            trade_units=((USDT, 10**20),),
            withdraw_units=(),
        )
        command = SetLevelLimits(limits=(nothing, some, much), request_id="")
        await here.house.running.matching.execute(command)
        with pytest.raises(Rejection) as refusal:
            await here.fund(alice)
        assert refusal.value.reason is Reason.LEVEL_LIMIT
        document = await here.upload(alice)
        assert document.size_bytes == len(SCAN) + 1_000
        application = await here.apply(alice, 2)
        queue = await here.staff.list_applications(
            call_of(ANNA), staff_pb2.ListApplicationsRequest()
        )
        assert [each.application_id for each in queue.applications] == [application.application_id]
        view = await here.staff.view_application(
            call_of(ANNA),
            staff_pb2.ViewApplicationRequest(application_id=application.application_id),
        )
        assert (view.details.name, view.details.address) == (NAME, ADDRESS)
        shown: Collected[staff_pb2.ViewDocumentResponse] = Collected()
        await here.staff.view_document(
            call_of(ANNA),
            staff_pb2.ViewDocumentRequest(document_id=document.document_id),
            shown,
        )
        assert b"".join(each.content for each in shown.messages) == SCAN + b"\0" * 1_000
        await here.approve(application.application_id)
        limits = await here.compliance.get_limits(call_of(alice), pb.GetLimitsRequest())
        assert (limits.level, limits.limited) == (2, True)
        assert [(each.level, each.open) for each in limits.levels] == [
            (0, False), (1, True), (2, True), (3, True),
        ]  # fmt: skip
        second, third = limits.levels[2], limits.levels[3]
        assert list(second.papers) == [pb.DOCUMENT_KIND_IDENTITY]
        told = [(each.asset, each.deposit, each.trade, each.withdraw) for each in limits.limits]
        assert [
            (each.asset, each.deposit, each.trade, each.withdraw) for each in second.limits
        ] == told
        assert {each.deposited for each in second.limits} == {"0"}
        assert list(third.limits) == [], "nothing is allowed that the table does not name"
        await here.fund(alice)
        standing = await here.compliance.get_kyc(call_of(alice), pb.GetKycRequest())
        assert [each.state for each in standing.applications] == [pb.APPLICATION_STATE_APPROVED]


async def test_who_is_rejected_is_told_why(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with office(tmp_path) as here:
        alice = await here.people.register(ALICE, PASSWORD)
        application = await here.apply(alice)
        for staff, approved, reason in ((ANNA, True, "fine"), (BERT, False, "The name differs.")):
            decided = await here.staff.review_application(
                call_of(staff),
                staff_pb2.ReviewApplicationRequest(
                    application_id=application.application_id, approved=approved, reason=reason
                ),
            )
            assert decided.application.reason == ""
        standing = await here.compliance.get_kyc(call_of(alice), pb.GetKycRequest())
        (rejected,) = standing.applications
        assert (rejected.state, rejected.reason) == (
            pb.APPLICATION_STATE_REJECTED, "The name differs.",
        )  # fmt: skip


async def test_an_upload_of_nothing_is_refused(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with office(tmp_path) as here:
        alice = await here.people.register(ALICE, PASSWORD)
        with pytest.raises(Rejection) as refusal:
            await here.compliance.upload_document(call_of(alice), Pieces([]))
        assert refusal.value.reason is Reason.FIELD_REQUIRED


async def test_the_staff_suspends_an_account_and_lets_it_go(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with office(tmp_path) as here:
        alice = await here.people.register(ALICE, PASSWORD)
        await here.fund(alice)

        def freeze(frozen: bool) -> staff_pb2.FreezeAccountRequest:
            return staff_pb2.FreezeAccountRequest(account_id=alice, frozen=frozen, cause="case 1")

        await here.staff.freeze_account(call_of(ANNA), freeze(True))
        with pytest.raises(Rejection) as refusal:
            await here.house.place(alice, limit("a-1"))
        assert refusal.value.reason is Reason.PURSE_FROZEN
        card = await here.staff.find_account(
            call_of(ANNA), staff_pb2.FindAccountRequest(email=ALICE)
        )
        assert (card.account_id, card.purses, card.frozen_purses) == (alice, 1, 1)
        await here.staff.freeze_account(call_of(ANNA), freeze(False))
        await here.house.place(alice, limit("a-1"))
        assert here.people.stream()[-3:] == [
            "ImpedimentSet",
            "PersonalDataViewed",
            "ImpedimentSet",
        ]


async def test_who_works_for_the_house_is_not_for_the_staff_to_suspend_or_let_go(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Red without the check: support could suspend administrators, or free a colleague."""
    async with office(tmp_path) as here:
        bob = await here.people.register(BOB, PASSWORD)
        await here.people.inbox.ask(
            SetRole(account_id=bob, role=Role.SUPPORT, granted=True, by=AccountId(ANNA))
        )
        for frozen in (True, False):
            with pytest.raises(Rejection) as refusal:
                await here.staff.freeze_account(
                    call_of(ANNA),
                    staff_pb2.FreezeAccountRequest(account_id=bob, frozen=frozen, cause="case 1"),
                )
            assert refusal.value.reason is Reason.FOUR_EYES
        assert here.people.stream()[-1] == "RoleSet"


def strategy_of(account_id: AccountId, name: str) -> Strategy:
    """A draft of somebody."""
    return Strategy(
        strategy_id=f"id of {name}", account_id=account_id, name=name, plugin="sma",
        symbols=(Symbol("BTC-USDT"),), settings_json="{}", stage=Stage.DRAFT, wish=Wish.STOPPED,
        budget_asset=USDT, budget_units=1, loss_limit_units=1, created_at_ns=1,
    )  # fmt: skip


async def traded(here: Office) -> tuple[AccountId, AccountId]:
    """Two people who have traded with each other; both have money left."""
    alice = await here.people.register(ALICE, PASSWORD)
    bob = await here.people.register(BOB, PASSWORD)
    for account in (alice, bob):
        await here.fund(account)
    await here.house.place(alice, limit("a-1", SELL, "50000", "0.5"))
    await here.house.place(bob, limit("b-1", types_pb2.SIDE_BUY, "50000", "0.25"))
    await here.people.login(ALICE, PASSWORD, "a device nobody else has")
    await here.upload(alice)
    await here.apply(alice, 2)
    return alice, bob


def contents(path: Path) -> list[tuple[str, bytes]]:
    """Every file below a directory."""
    return [(str(file), file.read_bytes()) for file in path.rglob("*") if file.is_file()]


async def test_erasure_leaves_sums_and_chains_and_no_personal_byte(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Checked by leaving the profile key where it is: its bytes are then found."""
    async with office(tmp_path) as here:
        alice, _bob = await traded(here)
        running = here.house.running
        sealing = [key.wrapped for key in here.people.vault.user_keys(alice) if key.kind == 1]

        async def ask(forfeit: bool) -> None:
            request = pb.RequestErasureRequest(forfeit=forfeit)
            await here.compliance.request_erasure(call_of(alice), request)

        with pytest.raises(Rejection) as refusal:
            await ask(True)
        assert refusal.value.reason is Reason.BALANCES_OPEN
        assert refusal.value.facts["given"] == "1 open orders"
        cancel = [order.order_id for order in await here.house.open_orders(alice)]
        assert len(cancel) == 1
        await here.house.trading.cancel_order(
            call_of(alice), trading_pb2.CancelOrderRequest(order_id=cancel[0])
        )
        with pytest.raises(Rejection) as refusal:
            await ask(False)
        assert refusal.value.reason is Reason.BALANCES_OPEN
        await ask(True)
        running.world.shift_clock(ERASURE_DELAY_NS)
        await trio.sleep(59)
        assert [type(row) for _, row in here.people.vault.rows_of(alice)].count(Retention) == 1
        state = running.exchange.state
        running.exchange.check()
        for asset in state.assets:
            assert state.ledger.sum_units(asset) == 0
        assert not any(
            available or held for _, available, held in state.ledger.balances(make_purse(alice, ""))
        )
        assert sum(1 for _ in running.journal.journal.replay()) == running.journal.journal.last_seq
        here.people.vault.verify()
        with pytest.raises(Rejection) as refusal:
            await here.house.place(alice, limit("a-9"))
        assert refusal.value.reason is Reason.ACCOUNT_CLOSED
        secrets = [
            *(text.encode() for text in (ALICE, NAME, ADDRESS, "a device nobody else has")),
            SCAN,
            *(wrapped for wrapped in sealing if wrapped),
        ]
        assert len(secrets) == 6
        for name, content in contents(tmp_path):
            for secret in secrets:
                assert secret not in content, name


def keep_files(path: Path, strategy: Strategy) -> None:
    """What a strategy leaves in files, on paper and live."""
    paths, disk = DataPaths(path), RealFiles()
    for folder in (paths.strategy_states, paths.recordings, paths.certificates):
        folder.mkdir(exist_ok=True)
    states = StrategyStates(paths.strategy_states, disk)
    recordings = Recordings(paths.recordings, disk)
    for seat in seats_of(strategy):
        said = f"of {strategy.name} {seat}"
        states.write(seat, SavedState(plugin="p", version=1, state_json=said, saved_at_ns=1))
        name = recording_name(RecordingKind.INPUTS, run_subject(seat, "run"), 7, DONE)
        recordings.append(name, said.encode() * 10_000)
        (paths.certificates / f"{run_subject(seat, '')}7.json").write_text(said)


def check_files(files: Mapping[str, bytes]) -> None:
    """What strategies left in files, and what is of the paper exchange.

    Seen red: the export had none of it. Checked, each seen red: no piece after a file's first one,
    a next piece that begins before the end of the last, pieces without a bound.
    """
    for seat in seats_of(strategy_of(AccountId("alice"), "cross")):
        said = f"of cross {seat}".encode()
        assert said in files[f"strategies/saved/{seat}.json"]
        name = recording_name(RecordingKind.INPUTS, run_subject(seat, "run"), 7, DONE)
        assert files[f"strategies/runs/{name}"] == said * 10_000
        assert files[f"strategies/parity/{run_subject(seat, '')}7.json"] == said
    assert not any(b"of others" in content for content in files.values())
    for each in ("standing.json", "trades.csv", "orders/main.jsonl", "transactions/main.jsonl"):
        assert files[f"paper/{each}"] == files[each]


async def test_an_export_has_all_of_a_run_that_ends_meanwhile(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Seen red: its recording was cut short where it was finished, and nobody was told."""
    async with office(tmp_path) as here:
        alice, _ = await traded(here)
        strategy = strategy_of(alice, "cross")
        here.tables.write(partial(put_strategy, strategy=strategy))
        paths, world = DataPaths(tmp_path), here.house.running.world
        paths.recordings.mkdir(exist_ok=True)
        recordings, subject = Recordings(paths.recordings, RealFiles()), seats_of(strategy)[0]
        name = recording_name(RecordingKind.INPUTS, run_subject(subject, "run"), 7, OPEN)
        content = bytes(range(256)) * 1_000
        recordings.append(name, content)
        records = StrategyRecords(here.tables, world.open_lane("more"))
        told = bytearray()
        async for _, piece in files_of(paths, world, records, alice):
            if not told:
                recordings.finish(name)
            told += piece
        assert told == content


async def test_an_export_holds_everything(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with office(tmp_path) as here:
        alice, bob = await traded(here)
        for owner, name in ((alice, "cross"), (bob, "others")):
            here.tables.write(partial(put_strategy, strategy=strategy_of(owner, name)))
            keep_files(tmp_path, strategy_of(owner, name))
        sent: Collected[pb.ExportDataResponse] = Collected()
        await here.compliance.export_data(call_of(alice), pb.ExportDataRequest(), sent)
        files: dict[str, bytes] = {}
        for piece in sent.messages:
            files[piece.name] = files.get(piece.name, b"") + piece.content
        account: dict[str, Any] = json.loads(files["account.json"])
        assert account["accounts"][0]["email_sealed"] == ALICE
        assert account["sessions"][0]["device_sealed"] == "a device nobody else has"
        assert NAME in account["kyc_applications"][0]["details_sealed"]
        assert "cases" not in account
        standing = json.loads(files["standing.json"])
        assert set(standing["purses"]["main"]["balances"]) == {"BTC", "USDT"}
        assert files["trades.csv"].count(b"\r\n") == 2
        assert len(files["orders/main.jsonl"].splitlines()) == 1
        assert len(files["transactions/main.jsonl"].splitlines()) >= 4
        [strategy] = map(json.loads, files["strategies/strategies.jsonl"].splitlines())
        assert (strategy["account_id"], strategy["name"]) == (alice, "cross")
        check_files(files)
        (document,) = [name for name in files if name.startswith("documents/")]
        assert files[document] == SCAN + b"\0" * 1_000
        # What is said to be exported is where it is said to be.
        tables = {table.name: table for table in TABLES.values()}
        for place in data_export.EXPORTED.values():
            name, _, column = place.partition(" ")
            table, _, field = column.partition(".")
            if name != "account.json":
                continue
            assert field in tables[table].columns, place
            assert (table, field) not in SECRET_COLUMNS, place
            rows = account.get(table)
            assert rows is None or any(field in row for row in rows), place


async def test_a_trade_report_tells_every_fill_of_the_period(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with office(tmp_path) as here:
        alice, _bob = await traded(here)

        async def report(from_ns: int, to_ns: int) -> list[list[str]]:
            sent: Collected[staff_pb2.ReportTradesResponse] = Collected()
            request = staff_pb2.ReportTradesRequest(account_id=alice, from_ns=from_ns, to_ns=to_ns)
            await here.staff.report_trades(call_of(ANNA), request, sent)
            text = b"".join(piece.content for piece in sent.messages).decode()
            return list(csv.reader(io.StringIO(text)))

        header, line = await report(0, 0)
        assert tuple(header) == COLUMNS
        told = dict(zip(header, line, strict=True))
        assert told["account_id"] == alice
        assert (told["side"], told["role"], told["symbol"]) == ("SELL", "MAKER", "BTC-USDT")
        assert (told["price"], told["notional"]) == ("50000.0", "12500")
        at_ns = int(told["at_ns"])
        assert await report(at_ns, at_ns + 1) == [header, line]
        assert await report(at_ns + 1, 0) == [header]
        assert await report(1, at_ns) == [header]
        with pytest.raises(Rejection) as refusal:
            await report(5, 5)
        assert refusal.value.reason is Reason.AMOUNT_RANGE
        own: Collected[pb.ExportTradesResponse] = Collected()
        await here.compliance.export_trades(call_of(alice), pb.ExportTradesRequest(), own)
        text = b"".join(piece.content for piece in own.messages).decode()
        assert list(csv.reader(io.StringIO(text))) == [header, line]


async def test_a_list_comes_in_pieces_and_opens_cases(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with office(tmp_path) as here:
        alice = await here.people.register(ALICE, PASSWORD)
        application = await here.apply(alice)
        listed = (
            b"id,name,aliases,birth_date,country,program\n"
            b"7,Ueberfoerster Wilhelmina,,1979-11-05,DE,EXAMPLE\n"
        )
        pieces = [
            staff_pb2.ImportWatchlistRequest(
                name="example", content=listed[:30], digest=hashlib.sha256(listed).digest()
            ),
            staff_pb2.ImportWatchlistRequest(content=listed[30:]),
        ]
        imported = await here.staff.import_watchlist(call_of(ANNA), Pieces(pieces))
        assert imported.entries == 1
        await trio.sleep(1)
        queue = await here.staff.list_cases(call_of(ANNA), staff_pb2.ListCasesRequest())
        (case,) = queue.cases
        with pytest.raises(Rejection) as refusal:
            await here.approve(application.application_id)
        assert refusal.value.reason is Reason.CASES_OPEN
        view = await here.staff.view_case(
            call_of(ANNA), staff_pb2.ViewCaseRequest(case_id=case.case_id)
        )
        assert "example/7" in view.facts
        assert "wilhelmina~wilhelmina 100.0%" in view.facts
        await here.staff.assign_case(
            call_of(ANNA), staff_pb2.AssignCaseRequest(case_id=case.case_id)
        )
        for staff in (ANNA, BERT):
            await here.staff.decide_case(
                call_of(staff),
                staff_pb2.DecideCaseRequest(
                    case_id=case.case_id,
                    outcome=staff_pb2.CASE_OUTCOME_FALSE_ALARM,
                    reason="another person: born elsewhere",
                ),
            )
        await here.approve(application.application_id)
        for content, digest, given in (
            (b"\xff\xfe", hashlib.sha256(b"\xff\xfe").digest(), "no UTF-8"),
            (listed[:-1], hashlib.sha256(listed).digest(), "another list than its digest says"),
            (listed, b"", "or no digest"),
        ):
            broken = staff_pb2.ImportWatchlistRequest(
                name="example", content=content, digest=digest
            )
            with pytest.raises(Rejection) as refusal:
                await here.staff.import_watchlist(call_of(ANNA), Pieces([broken]))
            assert refusal.value.reason is Reason.WATCHLIST_FORM
            assert given in refusal.value.facts["given"]


async def test_what_accounts_move_opens_cases_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    rule = AmlRule(
        name="velocity",
        kind=RuleKind.VELOCITY,
        asset=USDT,
        window_ns=10**15,
        count=2,
        serious=False,
    )
    async with office(tmp_path) as here:
        alice = await here.people.register(ALICE, PASSWORD)
        running = here.house.running

        async def watch(nursery: trio.Nursery) -> None:
            nursery.start_soon(
                run_aml,
                (rule,),
                running.feed,
                running.matching,
                lambda: running.journal.journal.last_seq,
                partial(open_alert, here.people.inbox),
            )
            await trio.sleep(1)

        async def cases() -> list[staff_pb2.Case]:
            request = staff_pb2.ListCasesRequest()
            return list((await here.staff.list_cases(call_of(ANNA), request)).cases)

        async with trio.open_nursery() as nursery:
            await watch(nursery)
            for number in range(3):
                assert await cases() == [], "the house's own alice and bob have no account"
                await here.fund(alice, 10**8 + number)
                await trio.sleep(1)
            (case,) = await cases()
            assert (case.account_id, case.serious) == (alice, False)
            nursery.cancel_scope.cancel()
        # After a restart the same rows are read again, and the case is the same.
        async with trio.open_nursery() as nursery:
            await watch(nursery)
            assert await cases() == [case]
            nursery.cancel_scope.cancel()
        view = await here.staff.view_case(
            call_of(ANNA), staff_pb2.ViewCaseRequest(case_id=case.case_id)
        )
        assert "velocity: 3 movements, more than 2; rows " in view.facts


def personal_fields() -> set[str]:
    """Every field of the API that is marked personal, as Message.field."""
    option: Any = options_pb2.privacy
    modules = [
        importlib.import_module(f"xache.v1.{found.name}")
        for found in pkgutil.iter_modules(xache.v1.__path__)
        if found.name.endswith("_pb2")
    ]
    assert len(modules) >= 10
    return {
        f"{message.name}.{field.name}"
        for module in modules
        for message in module.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if field.GetOptions().Extensions[option] == options_pb2.PRIVACY_PERSONAL
    }


def test_every_personal_field_is_exported_or_said_not_to_be() -> None:
    """By the option of the protos: a new personal field fails this until it has its line."""
    told = (data_export.EXPORTED, data_export.WITHHELD, data_export.NOT_STORED)
    named = [name for mapping in told for name in mapping]
    assert len(named) == len(set(named))
    assert personal_fields() == set(named)


def test_every_sealed_column_is_exported_secret_or_withheld() -> None:
    """A new sealed column fails this until somebody has decided which of the three it is."""
    exported = {
        tuple(place.removeprefix("account.json ").split("."))
        for place in data_export.EXPORTED.values()
        if place.startswith("account.json ")
    }
    documents = {("kyc_chunks", "content_sealed")}
    withheld = {("cases", "facts_sealed"), ("cases", "reason_sealed")}
    sealed = {
        (table.name, column)
        for table in TABLES.values()
        for column in table.columns
        if column.endswith("sealed")
    }
    assert sealed | {("user_keys", "wrapped")} == exported | documents | withheld | SECRET_COLUMNS
    assert not exported & SECRET_COLUMNS
