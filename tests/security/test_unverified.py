"""Accounts whose address nobody has proved, in a house that asks for it.

Checked by breaking, each seen red: a house that never looks, a proof that leaves sessions or keys
as they were, a token of another account that proves, and a house that asks for nothing and looks
all the same.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, trading_pb2

from tests.actors.people import ALICE, BOB, WRONG, running
from tests.actors.post_office import PostOffice
from tests.security.test_authorization_matrix import (
    METHODS,
    UNVERIFIED,
    Kind,
    expected,
    keyed,
)
from tests.security.whole_house import Credential, WholeHouse, whole_house
from xached.api.errors import StatusError
from xached.domain.auth import Impediment
from xached.domain.guarding import ConfirmEmail, StartEmailVerification
from xached.domain.recovery import FinishRecovery, ProofBegun, StartRecovery
from xached.domain.rejection import Reason, Rejection

PERSON = "alice@people.example"
ORDER = "/xache.v1.TradingService/PlaceOrder"
AGAINST = frozenset({UNVERIFIED})


async def wrong_verdicts(house: WholeHouse, who: Credential, kind: Kind) -> list[str]:
    routes = house.routes(admin=False)
    return [
        path
        for path, method in METHODS.items()
        if routes.find(path) is not None
        and await house.verdict(routes, path, who) != expected(method, kind)
    ]


async def test_they_read_and_verify_and_nothing_else_by_session_and_by_key(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Every method of the public listener, before and after the proof."""
    async with whole_house(tmp_path) as house:
        await house.register(PERSON)
        alice = (await house.login(PERSON))[0]
        key = await house.make_key(alice, 1, scopes=[1, 2], networks=["192.0.2.0/24"])
        # A house that asks for nothing says nothing of it.
        assert await wrong_verdicts(house, alice, Kind()) == []
    office = PostOffice()
    async with whole_house(tmp_path, seed=2, office=office) as house:
        alice = (await house.login(PERSON))[0]
        signing = keyed(1, 2)
        assert await wrong_verdicts(house, alice, Kind(against=AGAINST)) == []
        unverified = Kind(key=True, scopes=signing.scopes, against=AGAINST)
        assert await wrong_verdicts(house, key, unverified) == []
        routes = house.routes(admin=False)
        order = routes.find(ORDER)
        assert order is not None
        with pytest.raises(StatusError) as refused:
            await routes.admit(house.new_call(order, alice), order)
        assert refused.value.reason == "ACCOUNT_UNVERIFIED"
        assert "StartEmailVerification" in refused.value.message
        begun = await house.ask(
            "AccountService/StartEmailVerification",
            account_pb2.StartEmailVerificationRequest(),
            alice,
        )
        await trio.sleep(2)
        request = account_pb2.ConfirmEmailRequest(
            verification_token=begun.verification_token, code=office.to(PERSON)[-1].code
        )
        await house.ask("AccountService/ConfirmEmail", request, alice)
        assert await wrong_verdicts(house, alice, Kind()) == []
        assert await wrong_verdicts(house, key, signing) == []
        await house.ask("TradingService/ListOrders", trading_pb2.ListOrdersRequest(), alice)
    async with whole_house(tmp_path, seed=3, office=office) as house:
        alice = (await house.login(PERSON))[0]
        assert await wrong_verdicts(house, alice, Kind()) == []


async def test_an_administrator_may_say_whose_address_it_is(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as before:
        account_id = await before.register(PERSON)
        await before.admin()
    async with whole_house(tmp_path, seed=2, office=PostOffice()) as house:
        house.take_authenticator_of(before)
        alice = (await house.login(PERSON))[0]
        # The first administrator's address was the decision of who had the token.
        admin = (await house.login("admin@house.example"))[0]
        routes = house.routes(admin=False)
        assert await house.verdict(routes, ORDER, admin) == "OK"
        assert await house.verdict(routes, ORDER, alice) == "PERMISSION_DENIED"
        lift = admin_pb2.SetImpedimentRequest(
            account_id=account_id, impediment="IMPEDIMENT_UNVERIFIED", stands=False
        )
        await house.by_admin("AdminService/SetImpediment", lift)
        assert await house.verdict(routes, ORDER, alice) == "OK"


async def test_a_code_proves_only_the_address_it_was_sent_to(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    office, path = PostOffice(), tmp_path / "vault.db"
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
    async with running(path, office=office, confirm_email=True) as people:
        granted = await people.login()

        def against() -> frozenset[Impediment]:
            live = people.table.find(granted.session_id)
            assert live is not None
            return live.impediments

        assert against() == {Impediment.UNVERIFIED}
        begun = await people.inbox.ask(StartEmailVerification(account_id=alice))
        assert isinstance(begun, ProofBegun)
        await trio.sleep(1)
        code = office.to(ALICE)[-1].code
        for account_id, given in ((bob, code), (alice, "AAAA-AAAA")):
            with pytest.raises(Rejection) as refused:
                await people.inbox.ask(
                    ConfirmEmail(account_id=account_id, token=begun.token, code=given)
                )
            assert refused.value.reason is Reason.CODE_WRONG
        assert against() == {Impediment.UNVERIFIED}
        await people.inbox.ask(ConfirmEmail(account_id=alice, token=begun.token, code=code))
        assert against() == set()
        assert people.stream()[-1] in ("EmailConfirmed", "MailSettled")


async def test_a_recovery_by_letter_proves_the_address_too(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    office, path = PostOffice(), tmp_path / "vault.db"
    async with running(path) as people:
        await people.register()
    async with running(path, office=office, confirm_email=True) as people:
        begun = await people.inbox.ask(StartRecovery(email=ALICE))
        assert isinstance(begun, ProofBegun)
        await trio.sleep(1)
        code = office.to(ALICE)[-1].code
        await people.inbox.ask(
            FinishRecovery(token=begun.token, code=code, password=WRONG, second_factor_code="")
        )
        granted = await people.login(password=WRONG)
        live = people.table.find(granted.session_id)
        assert live is not None
        assert live.impediments == set()
