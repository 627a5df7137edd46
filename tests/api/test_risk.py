"""RiskService over a running exchange, with the watch and its guard.

Checked by breaking, each seen red: a guard that never looks at the watch, a guard that lets a
jump of the clock pass, and an operator's ACTIVE that also lifts what the watch has set.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import admin_pb2, risk_pb2, types_pb2

from tests.api.trading_house import TradingHouse, call_of, limit, trading_house
from xached.actors.risk import PERIOD_S, SILENCE_PERIODS, RiskWatch, run_guard, run_risk
from xached.api.admin import AdminHandlers, HouseReport
from xached.api.risk import RiskHandlers
from xached.domain.instrument import Symbol
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Mailbox
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.world import NS_PER_S

ADMIN = call_of("root")


@attrs.frozen
class RiskHouse:
    """A trading house that is watched."""

    house: TradingHouse
    handlers: RiskHandlers
    watch: RiskWatch
    clock: SteadyClock
    blind: list[Symbol]
    nursery: trio.Nursery
    watching: trio.CancelScope
    guarding: trio.CancelScope

    async def risk(self) -> risk_pb2.GetRiskResponse:
        return await self.handlers.get_risk(ADMIN, risk_pb2.GetRiskRequest())

    async def states(self) -> dict[tuple[str, str], str]:
        """What is set: (scope, setter) → state."""
        return {
            (each.scope, risk_pb2.RiskSetter.Name(each.setter).removeprefix("RISK_SETTER_")): (
                risk_pb2.RiskState.Name(each.state).removeprefix("RISK_STATE_")
            )
            for each in (await self.risk()).states
        }

    async def set_state(self, scope: str, state: risk_pb2.RiskState, cause: str = "told so") -> int:
        request = risk_pb2.SetRiskStateRequest(scope=scope, state=state, cause=cause)
        return (await self.handlers.set_risk_state(ADMIN, request)).seq

    async def bound(self, scope: str, **bounds: object) -> None:
        request = risk_pb2.SetRiskBoundsRequest(bounds={"scope": scope, **bounds})
        await self.handlers.set_risk_bounds(ADMIN, request)


@pytest.fixture
async def risk_house(tmp_path: Path) -> AsyncIterator[RiskHouse]:
    async with trading_house(tmp_path) as house, trio.open_nursery() as nursery:
        matching = house.running.matching
        clock, watch, blind = SteadyClock(house.running.world), RiskWatch(), list[Symbol]()
        watching, guarding = trio.CancelScope(), trio.CancelScope()

        async def run_watch() -> None:
            with watching:
                await run_risk(watch, matching, clock, lambda: blind)

        async def run_its_guard() -> None:
            with guarding:
                await run_guard(watch, matching, clock)

        nursery.start_soon(run_watch)
        nursery.start_soon(run_its_guard)
        yield RiskHouse(
            house=house,
            handlers=RiskHandlers(matching, house.running.directory, clock),
            watch=watch,
            clock=clock,
            blind=blind,
            nursery=nursery,
            watching=watching,
            guarding=guarding,
        )
        nursery.cancel_scope.cancel()


async def refusal_of(house: TradingHouse, client_order_id: str) -> Rejection:
    with pytest.raises(Rejection) as refused:
        await house.place("alice", limit(client_order_id))
    return refused.value


async def test_an_operator_halts_and_lifts(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    await risk_house.set_state("purse:alice/main", risk_pb2.RISK_STATE_HALTED)
    refused = await refusal_of(risk_house.house, "a1")
    assert refused.reason is Reason.RISK_STATE
    assert refused.facts["cause"] == "told so"
    assert await risk_house.states() == {("purse:alice/main", "OPERATOR"): "HALTED"}
    await risk_house.set_state("purse:alice/main", risk_pb2.RISK_STATE_ACTIVE)
    await risk_house.house.place("alice", limit("a1"))
    assert await risk_house.states() == {}


async def test_it_tells_the_limits_of_purses_that_have_their_own(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    running = risk_house.house.running
    admin = AdminHandlers(running.matching, running.directory, Mailbox(4), _no_report)
    (every,) = (await risk_house.risk()).limits
    assert (every.account_id, every.subaccount) == ("", "")
    await admin.set_risk_limits(
        ADMIN,
        admin_pb2.SetRiskLimitsRequest(
            account_id="alice", max_open_orders=2, max_order_notional={"USDT": "10"}
        ),
    )
    told = await risk_house.risk()
    own = risk_pb2.PurseLimits(account_id="alice", subaccount="main", max_open_orders=2)
    own.max_order_notional.add(asset="USDT", amount="10")
    assert list(told.limits) == [every, own]


async def test_it_tells_what_restrains_the_house_and_its_markets(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    running = risk_house.house.running
    admin = AdminHandlers(running.matching, running.directory, Mailbox(4), _no_report)
    told = await risk_house.risk()
    assert (told.halted, told.halt_cause, list(told.markets)) == (False, "", [])
    state = types_pb2.MARKET_STATE_POST_ONLY
    await admin.set_market_state(
        ADMIN, admin_pb2.SetMarketStateRequest(symbol="BTC-USDT", state=state, cause="a look")
    )
    await admin.set_halt(ADMIN, admin_pb2.SetHaltRequest(halted=True, cause="a drill"))
    told = await risk_house.risk()
    assert (told.halted, told.halt_cause) == (True, "a drill")
    restrained = risk_pb2.RiskMarketState(symbol="BTC-USDT", state=state, cause="a look")
    assert list(told.markets) == [restrained]
    await admin.set_halt(ADMIN, admin_pb2.SetHaltRequest(halted=False, cause="over"))
    trading = types_pb2.MARKET_STATE_TRADING
    await admin.set_market_state(
        ADMIN, admin_pb2.SetMarketStateRequest(symbol="BTC-USDT", state=trading, cause="over")
    )
    told = await risk_house.risk()
    assert (told.halted, told.halt_cause, list(told.markets)) == (False, "", [])


def _no_report() -> HouseReport:
    return HouseReport(version="", ready_at_ns=0, journal_seq=0, views_seq=0, actors=())


async def test_bounds_are_told_as_they_were_set_and_hold(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    amounts = [risk_pb2.RiskAmount(asset="USDT", amount="0.4")]
    await risk_house.bound("house", max_open_orders=7, max_order_notional=amounts)
    (told,) = (await risk_house.risk()).bounds
    assert (told.scope, told.max_open_orders) == ("house", 7)
    assert list(told.max_order_notional) == amounts
    assert (await refusal_of(risk_house.house, "a1")).reason is Reason.ORDER_SIZE
    await risk_house.bound("house")
    assert not (await risk_house.risk()).bounds
    await risk_house.house.place("alice", limit("a1"))


@pytest.mark.parametrize(
    ("scope", "bounds", "reason"),
    [
        ("market:NO-SUCH", {}, Reason.UNKNOWN_SCOPE),
        ("purse:nobody/main", {}, Reason.UNKNOWN_SCOPE),
        ("", {}, Reason.UNKNOWN_SCOPE),
        ("house", {"max_daily_loss": [{"asset": "XXX", "amount": "1"}]}, Reason.UNKNOWN_ASSET),
        ("house", {"max_drawdown": [{"asset": "USDT", "amount": "-1"}]}, Reason.AMOUNT_FORMAT),
        ("house", {"max_drawdown": [{"asset": "USDT", "amount": "1"}] * 2}, Reason.AMOUNT_RANGE),
    ],
)
async def test_bounds_that_make_no_sense_are_refused(
    autojump_clock: MockClock,
    risk_house: RiskHouse,
    scope: str,
    bounds: dict[str, object],
    reason: Reason,
) -> None:
    with pytest.raises(Rejection) as refused:
        await risk_house.bound(scope, **bounds)
    assert refused.value.reason is reason


async def test_a_state_must_be_named(autojump_clock: MockClock, risk_house: RiskHouse) -> None:
    with pytest.raises(Rejection) as refused:
        await risk_house.set_state("house", risk_pb2.RISK_STATE_UNSPECIFIED)
    assert refused.value.facts["allowed"] == "ACTIVE, REDUCING, HALTED"


async def test_a_restraint_says_why(autojump_clock: MockClock, risk_house: RiskHouse) -> None:
    with pytest.raises(Rejection) as refused:
        await risk_house.set_state("house", risk_pb2.RISK_STATE_REDUCING, " ")
    assert refused.value.facts["field"] == "cause"
    assert await risk_house.states() == {}


async def test_the_watch_marks_and_a_drawdown_is_reset(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    with pytest.raises(Rejection) as refused:
        await risk_house.handlers.reset_drawdown(
            ADMIN, risk_pb2.ResetDrawdownRequest(scope="house", asset="USDT")
        )
    assert refused.value.reason is Reason.UNKNOWN_SCOPE
    await risk_house.bound("house", max_drawdown=[{"asset": "USDT", "amount": "1"}])
    await trio.sleep(3)
    (mark,) = (await risk_house.risk()).marks
    assert (mark.scope, mark.asset, mark.high, mark.drawdown_hit) == ("house", "USDT", "0", False)
    await risk_house.handlers.reset_drawdown(
        ADMIN, risk_pb2.ResetDrawdownRequest(scope="house", asset="USDT")
    )


async def test_a_silent_feed_reduces_its_market(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    risk_house.blind.append(Symbol("BTC-USDT"))
    await trio.sleep(3)
    assert await risk_house.states() == {("market:BTC-USDT", "WATCH"): "REDUCING"}
    assert (await refusal_of(risk_house.house, "a1")).facts["cause"] == "its feed is silent"
    await risk_house.set_state("market:BTC-USDT", risk_pb2.RISK_STATE_ACTIVE)
    assert ("market:BTC-USDT", "WATCH") in await risk_house.states()
    risk_house.blind.clear()
    await trio.sleep(3)
    await risk_house.house.place("alice", limit("a1"))


async def test_a_silent_watch_lets_the_house_only_reduce(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    await trio.sleep(5 * SILENCE_PERIODS * PERIOD_S)
    assert await risk_house.states() == {}
    risk_house.watching.cancel()
    await trio.sleep((SILENCE_PERIODS + 3) * PERIOD_S)
    assert await risk_house.states() == {("house", "GUARD"): "REDUCING"}
    assert (await refusal_of(risk_house.house, "a1")).facts["cause"] == "the risk watch is silent"
    risk_house.nursery.start_soon(
        run_risk,
        risk_house.watch,
        risk_house.house.running.matching,
        risk_house.clock,
        tuple,
    )
    await trio.sleep(3)
    await risk_house.house.place("alice", limit("a1"))


async def test_a_machine_that_was_suspended_blames_nobody(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    """Guard and watch wake together. Checked: measured by the clock, the watch is blamed."""
    for _ in range(10):
        autojump_clock.jump(60.0)
        await trio.sleep(PERIOD_S / 2)
        assert await risk_house.states() == {}


async def test_a_jump_of_the_clock_halts_until_it_is_confirmed(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    risk_house.house.running.world.shift_clock(3600 * NS_PER_S)
    await trio.sleep(3)
    assert await risk_house.states() == {("house", "GUARD"): "HALTED"}
    told = await risk_house.risk()
    assert told.clock_jump_s == 3600
    assert "jumped by +3600 s" in (await refusal_of(risk_house.house, "a1")).facts["cause"]
    answer = await risk_house.handlers.confirm_clock(ADMIN, risk_pb2.ConfirmClockRequest())
    assert answer.jump_s == 3600
    await trio.sleep(3)
    await risk_house.house.place("alice", limit("a1"))


async def test_a_guard_that_starts_lifts_what_an_earlier_one_has_set(
    autojump_clock: MockClock, risk_house: RiskHouse
) -> None:
    """A daemon that starts again has a clock of its own, and a watch that has just begun."""
    risk_house.house.running.world.shift_clock(-3600 * NS_PER_S)
    await trio.sleep(3)
    assert await risk_house.states() == {("house", "GUARD"): "HALTED"}
    risk_house.guarding.cancel()
    fresh = SteadyClock(risk_house.house.running.world)
    risk_house.nursery.start_soon(run_guard, RiskWatch(), risk_house.house.running.matching, fresh)
    await trio.sleep(3)
    assert await risk_house.states() == {}
