"""What people leave to rules: they make them, arm them, pause them and end them.

Whoever was told that a rule is paused or has ended keeps what it had done by then: it must not do
more. What must hold of rules is in firings.py.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message
from xache.v1 import account_pb2, admin_pb2, market_pb2, trading_pb2, types_pb2
from xache.v1 import automation_pb2 as pb

from xached.api.errors import StatusError
from xached.domain.paper import PAPER_SUBACCOUNT
from xached.simulation.actions import action
from xached.simulation.calls import Answered, Result
from xached.simulation.orders import SYMBOLS, order, place
from xached.simulation.people import ADMIN, UNSURE, LeftRule, People, Person, RuleStop

ACCOUNT: Final = "/xache.v1.AccountService/"
AUTOMATION: Final = "/xache.v1.AutomationService/"
BITCOIN: Final = "BTC-USDT"
ETHER: Final = "ETH-USDT"
NS_PER_S: Final = 1_000_000_000


@action(6)
async def leave_it_to_a_rule(people: People, person: Person) -> None:
    """Make a rule and arm it; it may fire at one of the next looks, or at none."""
    draw = people.draw
    subaccount = draw.choice(("", "", "", "savings", PAPER_SUBACCOUNT))
    request = pb.CreateRuleRequest(
        subaccount=subaccount, name="rule", terms=_terms(people, subaccount),
        request_id=person.new_id(),
    )  # fmt: skip
    if subaccount:
        opening = account_pb2.OpenSubaccountRequest(subaccount=subaccount)
        await people.ask(person, f"{ACCOUNT}OpenSubaccount", opening)
    rule_id = await make_rule(people, person, request)
    if rule_id and draw.random() < 0.2:
        # The same again: it is not made twice.
        rule_id = await make_rule(people, person, request)
    if rule_id:
        await arm_rule(people, person, rule_id)


@action(2)
async def arm_a_rule(people: People, person: Person) -> None:
    """Arm a rule again, or one that is armed, or has ended."""
    if person.rules:
        await arm_rule(people, person, people.draw.choice(list(person.rules)))


@action(4)
async def stop_a_rule(people: People, person: Person) -> None:
    """Pause or end a rule; an order that is sent after that comes after all that it does."""
    draw = people.draw
    if not person.rules:
        return
    rule_id = draw.choice(list(person.rules))
    rule = person.rules[rule_id]
    arms, settled = rule.arms, not rule.arms_open
    if draw.random() < 0.7:
        request: Message = pb.PauseRuleRequest(rule_id=rule_id)
        result = await people.ask(person, f"{AUTOMATION}PauseRule", request)
    else:
        request = pb.EndRuleRequest(rule_id=rule_id)
        result = await people.ask(person, f"{AUTOMATION}EndRule", request)
    if not isinstance(result, Answered):
        return
    told = pb.PauseRuleResponse.FromString(result.body).rule  # The other one has the same form.
    ended = told.state == pb.RULE_STATE_ENDED
    if ended or (settled and rule.arms == arms):
        seq = await _send_order(people, person, rule.subaccount)
        rule.stops.append(RuleStop(ended=ended, fired=told.fired, arms=arms, seq=seq))


@action(1)
async def read_of_rules(people: People, person: Person) -> None:
    """See what rules there are and what one of them has done."""
    await people.ask(person, f"{AUTOMATION}ListRules", pb.ListRulesRequest())
    if person.rules:
        request = pb.ListFiringsRequest(rule_id=people.draw.choice(list(person.rules)))
        await people.ask(person, f"{AUTOMATION}ListFirings", request)


@action(3)
async def move_mark(people: People, person: Person) -> None:  # noqa: ARG001 - an action's shape
    """A market has another price."""
    price = str(SYMBOLS[ETHER] + people.draw.randrange(-4, 5))
    request = admin_pb2.SetMarkRequest(symbol=ETHER, price=price)
    await people.ask(people.admin, f"{ADMIN}SetMark", request)


async def make_rule(people: People, person: Person, request: pb.CreateRuleRequest) -> str:
    """Make a rule; its id, or nothing when it was not answered."""
    result = await people.ask(person, f"{AUTOMATION}CreateRule", request)
    if not isinstance(result, Answered):
        return ""
    rule_id = pb.CreateRuleResponse.FromString(result.body).rule.rule_id
    left = LeftRule(subaccount=request.subaccount, terms=request.terms)
    person.rules.setdefault(rule_id, left)
    return rule_id


async def arm_rule(people: People, person: Person, rule_id: str) -> None:
    """Arm a rule that nobody has rehearsed."""
    rule = person.rules[rule_id]
    rule.arms += 1
    rule.arms_open += 1
    request = pb.ArmRuleRequest(rule_id=rule_id, unrehearsed=True)
    result = await people.ask(person, f"{AUTOMATION}ArmRule", request)
    rule.armed = rule.armed or isinstance(result, Answered)
    rule.arms_open -= _has_outcome(result)


def _has_outcome(result: Result) -> bool:
    refused = isinstance(result, StatusError) and result.code not in UNSURE
    return refused or isinstance(result, Answered)


async def _send_order(people: People, person: Person, subaccount: str) -> int:
    """The row of an order in a purse; 0 when there is none."""
    request = order(people, person, symbol=BITCOIN, subaccount=subaccount, quantity="0.001")
    request.price = str(SYMBOLS[BITCOIN] - 3)
    result = await place(people, person, request)
    if not isinstance(result, Answered):
        return 0
    return int(trading_pb2.PlaceOrderResponse.FromString(result.body).order.order_id) >> 12


# --- terms ----------------------------------------------------------------------------------------


def _terms(people: People, subaccount: str) -> pb.RuleTerms:
    draw = people.draw
    symbol = BITCOIN if subaccount == PAPER_SUBACCOUNT else draw.choice(list(SYMBOLS))
    terms = pb.RuleTerms(
        max_firings=draw.choice((0, 1, 1, 2, 3)), cooldown_s=draw.choice((0, 0, 1, 90))
    )
    if draw.random() < 0.1:
        minute = draw.randrange(24 * 60)
        window = pb.TimeWindow(days=range(7), from_minute=minute, to_minute=(minute + 720) % 1440)
        terms.windows.append(window)
    world = people.machine.world
    if draw.random() < 0.1 and world is not None and not world.frozen:
        terms.ends_at_ns = world.now_ns() + round(draw.uniform(1, 90) * NS_PER_S)
    fate = draw.random()
    if fate < 0.1:
        terms.gains.CopyFrom(pb.PositionGains(symbol=symbol, gains_ppm=(1, 20)))
        terms.sell_shares.CopyFrom(pb.SellShares(shares_ppm=(400_000, 600_000)))
        return terms
    if fate < 0.4:
        terms.schedule.CopyFrom(_schedule(people))
    elif fate < 0.5:
        terms.drawdown.CopyFrom(pb.Drawdown(asset="USDT", fall_ppm=1))
    elif fate < 0.55:
        terms.indicator.CopyFrom(_indicator(people, symbol))
    else:
        terms.price.CopyFrom(_price(people, symbol))
    if draw.random() < 0.15:
        terms.stop_all.CopyFrom(pb.StopAll(sell=draw.random() < 0.5))
    elif draw.random() < 0.2:
        terms.rebalance.CopyFrom(_rebalance(people, subaccount))
    else:
        terms.order.CopyFrom(_order_action(people, symbol))
    return terms


def _schedule(people: People) -> pb.Schedule:
    timing: dict[str, Any] = people.draw.choice(
        ({"every_s": 60}, {"every_s": 120}, {"cron": "* * * * *"}, {"cron": "*/2 * * * *"})
    )
    missed = people.draw.choice((pb.MISSED_TIMES_SKIP, pb.MISSED_TIMES_CATCH_UP))
    return pb.Schedule(missed=missed, **timing)


def _price(people: People, symbol: str) -> pb.PriceReaches:
    return pb.PriceReaches(
        symbol=symbol,
        direction=people.draw.choice((pb.DIRECTION_ABOVE, pb.DIRECTION_BELOW)),
        price=str(SYMBOLS[symbol] + people.draw.randrange(-3, 4)),
    )


def _indicator(people: People, symbol: str) -> pb.IndicatorReaches:
    return pb.IndicatorReaches(
        symbol=symbol,
        interval=market_pb2.INTERVAL_1M,
        indicator="sma",
        settings=["window=1"],
        direction=people.draw.choice((pb.DIRECTION_ABOVE, pb.DIRECTION_BELOW)),
        threshold=str(SYMBOLS[symbol]),
    )


def _rebalance(people: People, subaccount: str) -> pb.Rebalance:
    symbols = [BITCOIN] if subaccount == PAPER_SUBACCOUNT else list(SYMBOLS)
    weights = [people.draw.randrange(1, 500) * 1_000 for _ in symbols]
    targets = [
        pb.RebalanceTarget(symbol=symbol, weight_ppm=weight)
        for symbol, weight in zip(symbols, weights, strict=True)
    ]
    return pb.Rebalance(targets=targets, drift_ppm=people.draw.choice((0, 100_000)))


def _order_action(people: People, symbol: str) -> pb.OrderAction:
    draw = people.draw
    side = draw.choice((types_pb2.SIDE_BUY, types_pb2.SIDE_SELL))
    limit = str(SYMBOLS[symbol] + draw.randrange(-5, 6))
    amount: dict[str, Any] = draw.choice(
        (
            {"quantity": f"0.0{draw.randrange(10, 100)}"},
            {"quantity": f"0.0{draw.randrange(10, 100)}", "price": limit},
            {"quote_quantity": str(draw.randrange(20, 900))},
            {"share_ppm": draw.randrange(1, 2_000)},
        )
    )
    return pb.OrderAction(symbol=symbol, side=side, **amount)
