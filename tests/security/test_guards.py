"""Freezes, allowed addresses, and changes that wait a day: in a whole house, and in parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, strategy_pb2, trading_pb2

from tests.actors.people import ALICE, running
from tests.security.whole_house import AWAY, Credential, WholeHouse, whole_house
from xached.api.errors import StatusError
from xached.domain.api_keys import parse_networks
from xached.domain.auth import Impediment
from xached.domain.guarding import (
    DELAY_NS,
    CancelDelayed,
    ChangeTaken,
    DelayedKind,
    FreezeAccount,
    FreezeByToken,
    GetGuards,
    Guards,
    SetAllowList,
    UnfreezeAccount,
    is_tighter,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.runtime.world import NS_PER_S
from xached.security.freeze_tokens import LIFETIME_S, FreezeToken, FreezeTokens
from xached.security.tokens import decode_base64url, encode_base64url

ACCOUNT = "AccountService"
HOME_RANGE, WIDER = ["192.0.2.0/24"], ["192.0.2.0/24", "198.51.100.0/24"]


async def refusal(awaitable: Any) -> str:
    with pytest.raises((StatusError, Rejection)) as refused:
        await awaitable
    reason: Any = getattr(refused.value, "reason")  # noqa: B009 - both kinds have one
    return reason if isinstance(reason, str) else reason.value


async def alice_in(house: WholeHouse) -> Credential:
    await house.register("alice@people.example")
    return (await house.login("alice@people.example"))[0]


async def allow(house: WholeHouse, who: Credential, networks: list[str]) -> int:
    request = account_pb2.SetAllowListRequest(networks=networks)
    proven = await house.stepped_up(f"{ACCOUNT}/SetAllowList", request, who)
    answer = await house.ask(f"{ACCOUNT}/SetAllowList", request, proven)
    due_at_ns: int = answer.due_at_ns
    return due_at_ns


async def guards(house: WholeHouse, who: Credential) -> account_pb2.GetGuardsResponse:
    answer: account_pb2.GetGuardsResponse = await house.ask(
        f"{ACCOUNT}/GetGuards", account_pb2.GetGuardsRequest(), who
    )
    return answer


async def test_a_list_that_allows_less_works_at_once_and_one_that_allows_more_a_day_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        alice = await alice_in(house)
        away = attrs.evolve(alice, peer=AWAY)
        assert await allow(house, alice, HOME_RANGE) == 0
        assert (await guards(house, alice)).networks == HOME_RANGE
        assert await refusal(guards(house, away)) == "ADDRESS_DENIED"
        due_at_ns = await allow(house, alice, WIDER)
        assert due_at_ns - house.world.now_ns() == pytest.approx(DELAY_NS, rel=0.01)
        assert await refusal(guards(house, away)) == "ADDRESS_DENIED"
        (waiting,) = (await guards(house, alice)).delayed
        assert (waiting.due_at_ns, list(waiting.networks)) == (due_at_ns, WIDER)
        house.world.shift_clock(DELAY_NS)
        await trio.sleep(31)
        alice = (await house.login("alice@people.example"))[0]
        told = await guards(house, attrs.evolve(alice, peer=AWAY))
        assert (list(told.networks), list(told.delayed)) == (WIDER, [])


async def test_a_list_that_would_lock_its_owner_out_is_refused(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        alice = await alice_in(house)
        assert await refusal(allow(house, alice, ["203.0.113.0/24"])) == "KEY_TERMS"
        assert (await guards(house, alice)).networks == []


async def test_a_tighter_list_ends_the_streams_of_other_addresses(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        alice = await alice_in(house)
        routes = house.routes(admin=False)
        route = routes.find("/xache.v1.TradingService/WatchPurse")
        assert route is not None
        here, there = (
            house.new_call(route, attrs.evolve(alice, peer=peer)) for peer in (alice.peer, AWAY)
        )
        for call in (here, there):
            await routes.admit(call, route)
        with routes.stream(here), routes.stream(there):
            await allow(house, alice, HOME_RANGE)
            assert there.why_cancelled().reason == "ADDRESS_DENIED"
            assert here.why_cancelled().reason == "CANCELLED"


async def test_a_freeze_works_at_once_and_thaws_a_day_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        alice = await alice_in(house)
        await house.ask(f"{ACCOUNT}/FreezeMyAccount", account_pb2.FreezeMyAccountRequest(), alice)
        assert await refusal(guards(house, alice)) == "SESSION_ENDED"
        alice = (await house.login("alice@people.example"))[0]
        order = trading_pb2.PlaceOrderRequest()
        assert await refusal(house.ask("TradingService/PlaceOrder", order, alice)) == (
            "ACCOUNT_FROZEN"
        )
        thaw = account_pb2.UnfreezeMyAccountRequest()
        method = f"{ACCOUNT}/UnfreezeMyAccount"
        assert await refusal(house.ask(method, thaw, alice)) == "STEP_UP_REQUIRED"
        taken = await house.ask(method, thaw, await house.stepped_up(method, thaw, alice))
        again = await house.ask(method, thaw, await house.stepped_up(method, thaw, alice))
        assert taken.due_at_ns == again.due_at_ns > 0
        # A second freeze takes the thaw back.
        await house.ask(f"{ACCOUNT}/FreezeMyAccount", account_pb2.FreezeMyAccountRequest(), alice)
        assert (await guards(house, alice)).delayed == []
        await house.ask(method, thaw, await house.stepped_up(method, thaw, alice))
        house.world.shift_clock(DELAY_NS)
        await trio.sleep(31)
        alice = (await house.login("alice@people.example"))[0]
        told = await house.ask(
            f"{ACCOUNT}/WhatCanThisKeyDo", account_pb2.WhatCanThisKeyDoRequest(), alice
        )
        assert list(told.impediments) == []


async def test_what_waits_can_be_taken_back(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        alice = await alice_in(house)
        await allow(house, alice, HOME_RANGE)
        await allow(house, alice, [])
        request = account_pb2.CancelDelayedChangeRequest(kind="DELAYED_KIND_ALLOW_LIST")
        await house.ask(f"{ACCOUNT}/CancelDelayedChange", request, alice)
        assert await refusal(house.ask(f"{ACCOUNT}/CancelDelayedChange", request, alice)) == (
            "UNKNOWN_CHANGE"
        )
        house.world.shift_clock(DELAY_NS)
        await trio.sleep(31)
        alice = (await house.login("alice@people.example"))[0]
        assert (await guards(house, alice)).networks == HOME_RANGE


async def test_a_letter_freezes_without_signing_in(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with running(tmp_path / "vault.db") as people:
        account_id = await people.register(ALICE)
        await people.login()
        token = people.credentials.freeze_tokens.make(account_id, people.world.now_ns())
        for bad in ("", "x", token[:-1], token + "A", token.swapcase()):
            with pytest.raises(Rejection, match="does not work"):
                await people.inbox.ask(FreezeByToken(token=bad))
        assert people.ended == []
        await people.inbox.ask(FreezeByToken(token=token))
        await people.inbox.ask(FreezeByToken(token=token))
        assert len(people.ended) == 1
        granted = await people.login()
        live = people.table.find(granted.session_id)
        assert live is not None
        assert Impediment.FROZEN in live.impediments


async def test_a_letter_from_before_a_freeze_that_is_over_freezes_no_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Seen red: whoever found an old letter shut its owner out again and again.

    Checked: with the time when it was let go in place of that when it was frozen, the letter that
    tells that somebody wants it let go does not freeze it afterwards.
    """
    async with running(tmp_path / "vault.db") as people:
        account_id = await people.register(ALICE)
        make = people.credentials.freeze_tokens.make

        async def use(token: str) -> bool:
            try:
                await people.inbox.ask(FreezeByToken(token=token))
            except Rejection as refused:
                return refused.reason is not Reason.TOKEN_INVALID
            return True

        used = make(account_id, people.world.now_ns())
        people.world.shift_clock(NS_PER_S)
        unused = make(account_id, people.world.now_ns())
        people.world.shift_clock(NS_PER_S)
        assert await use(used)
        people.world.shift_clock(NS_PER_S)
        await people.inbox.ask(UnfreezeAccount(account_id=account_id))
        asked = make(account_id, people.world.now_ns())
        # Whoever is in may have asked for it: while it is frozen a repeat takes that back.
        assert await use(used)
        told = await people.inbox.ask(GetGuards(account_id=account_id))
        assert isinstance(told, Guards)
        assert told.pending == ()

        await people.inbox.ask(UnfreezeAccount(account_id=account_id))
        people.world.shift_clock(DELAY_NS)
        await trio.sleep(31)
        assert people.stream()[-1] == "ChangeMade"
        assert not await use(used)
        assert not await use(unused)
        assert await use(asked)
        assert people.stream()[-1] == "ImpedimentSet"


async def test_guards_outlive_the_process(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with running(tmp_path / "vault.db") as people:
        account_id = await people.register()
        for networks in (HOME_RANGE, WIDER):
            await people.inbox.ask(SetAllowList(account_id=account_id, networks=tuple(networks)))
        await people.inbox.ask(FreezeAccount(account_id=account_id))
        taken = await people.inbox.ask(UnfreezeAccount(account_id=account_id))
        assert isinstance(taken, ChangeTaken)
    async with running(tmp_path / "vault.db") as people:
        assert people.allowed.find(account_id) == parse_networks(tuple(HOME_RANGE))
        told = await people.inbox.ask(GetGuards(account_id=account_id))
        assert isinstance(told, Guards)
        assert [(each.kind, each.due_at_ns) for each in told.pending] == [
            (DelayedKind.UNFREEZE, taken.due_at_ns)
        ]
        await people.inbox.ask(CancelDelayed(account_id=account_id, kind=DelayedKind.UNFREEZE))
        assert people.stream()[-1] == "ChangeCanceled"


def test_freeze_tokens() -> None:
    tokens, at_ns = FreezeTokens(lambda: [b"k" * 32]), 10**18
    token = tokens.make(AccountId("alice"), at_ns)
    told = FreezeToken(account_id=AccountId("alice"), made_at_ns=at_ns)
    assert tokens.read(token, at_ns) == told
    assert tokens.read(token, at_ns + (LIFETIME_S - 1) * 10**9) == told
    with pytest.raises(Rejection):
        tokens.read(token, at_ns + LIFETIME_S * 10**9)
    with pytest.raises(Rejection):
        FreezeTokens(lambda: [b"l" * 32]).read(token, at_ns)
    raw = decode_base64url(token)
    for position in range(len(raw)):
        changed = bytearray(raw)
        changed[position] ^= 1
        with pytest.raises(Rejection):
            tokens.read(encode_base64url(bytes(changed)), at_ns)


@pytest.mark.parametrize(
    ("new", "old", "tighter"),
    [
        ([], [], True),
        (["192.0.2.0/24"], [], True),
        ([], ["192.0.2.0/24"], False),
        (["192.0.2.7"], ["192.0.2.0/24"], True),
        (["192.0.2.0/23"], ["192.0.2.0/24"], False),
        (["192.0.2.0/25", "192.0.2.128/25"], ["192.0.2.0/24"], True),
        (["192.0.2.7", "198.51.100.7"], ["192.0.2.0/24"], False),
        (["2001:db8::7"], ["192.0.2.0/24"], False),
        (["2001:db8::7"], ["2001:db8::/32", "192.0.2.0/24"], True),
    ],
)
def test_which_list_is_tighter(new: list[str], old: list[str], tighter: bool) -> None:
    assert is_tighter(parse_networks(tuple(new)), parse_networks(tuple(old))) == tighter


async def test_what_trades_in_ones_name_is_paused_by_a_freeze(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Checked: in a house whose desk of strategies is not told of changes it runs on."""
    async with whole_house(tmp_path) as house:
        alice = await alice_in(house)
        name = strategy_pb2.StartStrategyRequest(name="robot")
        terms = strategy_pb2.CreateStrategyRequest(
            name="robot",
            plugin="nowhere",
            symbols=["BTC-USDT"],
            settings_json="{}",
            budget_asset="USDT",
            budget="100",
            loss_limit="10",
        )
        await house.ask("StrategyService/CreateStrategy", terms, alice)
        await house.ask("StrategyService/StartStrategy", name, alice)

        async def wish(who: Credential) -> int:
            listed = await house.ask(
                "StrategyService/ListStrategies", strategy_pb2.ListStrategiesRequest(), who
            )
            found: int = listed.strategies[0].wish
            return found

        assert await wish(alice) == strategy_pb2.STRATEGY_WISH_RUNNING
        await house.ask(f"{ACCOUNT}/FreezeMyAccount", account_pb2.FreezeMyAccountRequest(), alice)
        await trio.sleep(1)
        alice = (await house.login("alice@people.example"))[0]
        assert await wish(alice) == strategy_pb2.STRATEGY_WISH_PAUSED
