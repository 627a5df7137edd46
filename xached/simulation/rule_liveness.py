"""Once nothing goes wrong any more, rules fire: what was due while the house was down, and after.

A rule that is armed before the house goes down for more than a minute has become due meanwhile.
"""

from __future__ import annotations

from typing import Any, Final

import attrs
import trio
from xache.v1 import admin_pb2, trading_pb2, types_pb2
from xache.v1 import automation_pb2 as pb

from xached.automation.terms import Schedule
from xached.simulation.firings import period_ns
from xached.simulation.machine import Life, Violation
from xached.simulation.orders import SYMBOLS
from xached.simulation.people import ADMIN, TRADING, LeftRule, People, Person
from xached.simulation.rules import AUTOMATION, ETHER, NS_PER_S
from xached.storage import rule_book

LIVENESS: Final = "liveness"
FIRED_S_MAX: Final = 60.0
LOOK_S: Final = 2.5
"""Longer than from one look at prices to the next."""

FAR: Final = 20
"""Farther from the first mark than what people order."""

LATE_NS: Final = 40 * NS_PER_S
"""Longer than from one look at schedules to the next."""


@attrs.frozen(kw_only=True)
class Due:
    """A rule that is due while the house is down."""

    owner: Person
    rule_id: str


async def leave_due(people: People) -> Due:
    """Arm a rule for every minute, to be made up for."""
    owner = people.traders[2]
    await people.sign_in(owner)
    schedule = pb.Schedule(every_s=60, missed=pb.MISSED_TIMES_CATCH_UP)
    rule_id = await _arm(people, owner, schedule=schedule)
    return Due(owner=owner, rule_id=rule_id)


async def check_due(people: People, due: Due) -> None:
    """It has fired, once. Raises: Violation."""
    firings = await _wait_fired(people, due.owner, due.rule_id)
    states = [each.state for each in firings]
    if len(states) != 1 or states[0] == pb.FIRING_STATE_MISSED:
        raise Violation(LIVENESS, f"a rule was due and to fire once: {firings}")


async def check_prices_seen(people: People) -> None:
    """A rule fires at its price, and its order is placed. Raises: Violation."""
    owner, price = people.traders[0], SYMBOLS[ETHER]
    await _trade_at(people, price - FAR)
    level = pb.PriceReaches(symbol=ETHER, direction=pb.DIRECTION_ABOVE, price=str(price))
    rule_id = await _arm(people, owner, price=level)
    await trio.sleep(LOOK_S)
    await _trade_at(people, price + FAR)
    firings = await _wait_fired(people, owner, rule_id)
    if [each.state for each in firings] != [pb.FIRING_STATE_DONE]:
        raise Violation(LIVENESS, f"a price was reached, and this came of it: {firings}")


async def check_nothing_waits(life: Life) -> None:
    """All that was fired is settled, and nothing is due that nobody looks at. Raises: Violation."""
    with trio.move_on_after(FIRED_S_MAX):
        while _waiting(life):  # noqa: ASYNC110 - a file is asked, it tells nobody
            await trio.sleep(1)
    if waiting := _waiting(life):
        raise Violation(LIVENESS, f"rules are not minded: {waiting}")


def _waiting(life: Life) -> list[object]:
    tables, now_ns = life.house.files.strategies, life.world.now_ns()
    waiting: list[object] = [*tables.read(rule_book.unfinished_firings)]
    for rule in tables.read(rule_book.armed_rules):
        when = rule.terms.when
        if isinstance(when, Schedule):
            newest_ns = (now_ns - LATE_NS) // period_ns(when) * period_ns(when)
            waiting += [rule] if rule.memory.cursor_ns < newest_ns else []
    return waiting


async def _arm(people: People, owner: Person, **when: Any) -> str:
    """Arm a rule that fires once and places an order that rests; no other one pauses it."""
    body = await people.insist(owner, f"{AUTOMATION}ListRules", pb.ListRulesRequest())
    for rule in pb.ListRulesResponse.FromString(body).rules:
        if rule.terms.HasField("stop_all"):
            end = pb.EndRuleRequest(rule_id=rule.rule_id)
            await people.insist(owner, f"{AUTOMATION}EndRule", end)
    action = pb.OrderAction(symbol=ETHER, side=types_pb2.SIDE_BUY, quantity="0.010", price="2470")
    terms = pb.RuleTerms(max_firings=1, order=action, **when)
    create = pb.CreateRuleRequest(name="alive", terms=terms, request_id=owner.new_id())
    body = await people.insist(owner, f"{AUTOMATION}CreateRule", create)
    rule_id = pb.CreateRuleResponse.FromString(body).rule.rule_id
    owner.rules[rule_id] = LeftRule(subaccount="", terms=terms)
    arm = pb.ArmRuleRequest(rule_id=rule_id, unrehearsed=True)
    await people.insist(owner, f"{AUTOMATION}ArmRule", arm)
    owner.rules[rule_id].armed = True
    return rule_id


async def _wait_fired(people: People, owner: Person, rule_id: str) -> list[pb.Firing]:
    """The firings of a rule, once there is one and all are settled."""
    request = pb.ListFiringsRequest(rule_id=rule_id)
    with trio.move_on_after(FIRED_S_MAX):
        while True:
            body = await people.insist(owner, f"{AUTOMATION}ListFirings", request)
            firings = list(pb.ListFiringsResponse.FromString(body).firings)
            if firings and all(each.state != pb.FIRING_STATE_SENDING for each in firings):
                return firings
            await trio.sleep(0.5)
    raise Violation(LIVENESS, f"rule {rule_id} of {owner.email} does not fire")


async def _trade_at(people: People, price: int) -> None:
    """Make it the price of the last trade, whatever is in the book before it, and the mark."""
    seller, buyer = people.traders[3], people.traders[1]
    for person, side, time_in_force in (
        (seller, types_pb2.SIDE_SELL, types_pb2.TIME_IN_FORCE_GTC),
        (buyer, types_pb2.SIDE_BUY, types_pb2.TIME_IN_FORCE_IOC),
    ):
        request = trading_pb2.PlaceOrderRequest(
            client_order_id=person.new_id(), symbol=ETHER, side=side, time_in_force=time_in_force,
            type=types_pb2.ORDER_TYPE_LIMIT, price=str(price), quantity="4",
        )  # fmt: skip
        await people.insist(person, f"{TRADING}PlaceOrder", request)
    mark = admin_pb2.SetMarkRequest(symbol=ETHER, price=str(price))
    await people.insist(people.admin, f"{ADMIN}SetMark", mark)
