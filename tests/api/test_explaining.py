"""Why orders were placed: every order has an answer, its owner alone gets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import attrs
import grpc
import outcome
import pytest
import trio
from xache.v1 import strategy_pb2, trading_pb2
from xache_sdk.reasons import ModelReason, Reason, Weight
from xache_sdk.signal_values import SignalValue

from tests.api.trading_house import TradingHouse, call_of, limit, trading_house
from xached.api.errors import StatusError
from xached.api.explaining import OrderExplaining
from xached.automation.messages import FindFiring, FiringFound, RuleMessage, RuleReply
from xached.automation.rule import Firing, FiringState, Memory, Rule, RuleState, step_id
from xached.automation.terms import RuleId
from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE
from xached.domain.order import AccountId, OrderId, Purse
from xached.domain.rejection import Rejection
from xached.domain.seen import Seen, SeenKind
from xached.runtime.mailbox import Mailbox
from xached.storage.order_reasons import Found, OrderReason, StrategyRun
from xached.storage.strategy_tables import StrategyTablesFailed

ALICE = "alice"
RUN_ID = "0a" * 8
NOTHING = Found(run=None, reason=None, dropped=False)
SAID = Reason(
    "the edge is worth it",
    {"probability": 0.625, "edge": 0.01},
    ModelReason(
        digest="ab" * 32,
        score=0.5,
        base=-0.25,
        weights=(Weight("return:1", -0.5, 0.75), Weight("ETH-USDT/return:1", None, 0.0)),
    ),
)


def run() -> StrategyRun:
    return StrategyRun(
        run_id=RUN_ID,
        purse=Purse("alice/main"),
        strategy="dip",
        plugin="buy_the_dip",
        distribution="xache-strategy-dip",
        version="1.2",
        plugin_digest="cd" * 32,
        settings_digest="ef" * 32,
        started_at_ns=7,
        settings_json='{"fast": 5}',
    )


def reason(order_id: str, said: Reason | None = SAID) -> OrderReason:
    return OrderReason(
        purse=Purse("alice/main"),
        order_id=OrderId(int(order_id)),
        run_id=RUN_ID,
        decided_at_ns=9,
        input=12,
        reason=said,
        seen=(
            Seen(
                symbol=Symbol("BTC-USDT"),
                venue=BINANCE,
                kind=SeenKind.CANDLES,
                interval_s=60,
                at_ns=8,
            ),
        ),
        signals=(
            SignalValue(
                signal="trend", name="up", value=0.25, confidence=None, as_of_ns=5, expires_at_ns=6
            ),
        ),
    )


@attrs.define
class KnownReasons:
    """Tells what a test says, and which order it was asked for."""

    known: Found = NOTHING
    broken: bool = False
    asked: list[tuple[Purse, OrderId, str]] = attrs.field(factory=list)

    async def find(self, purse: Purse, order_id: OrderId, client_order_id: str) -> Found:
        """See Reasons."""
        await trio.lowlevel.checkpoint()
        self.asked.append((purse, order_id, client_order_id))
        if self.broken:
            raise StrategyTablesFailed("an earlier write to strategies.db failed")
        return self.known


@attrs.define
class Explaining:
    """The handler and what is behind it."""

    house: TradingHouse
    handlers: OrderExplaining
    reasons: KnownReasons
    rules: Mailbox[RuleMessage, RuleReply]

    async def place(self, client_order_id: str) -> str:
        """An order of alice; its id."""
        answer = await self.house.place(ALICE, limit(client_order_id))
        return answer.order.order_id

    async def explain(
        self, account: str = ALICE, **wanted: str
    ) -> strategy_pb2.ExplainOrderResponse:
        """Ask why."""
        request = strategy_pb2.ExplainOrderRequest(**wanted)
        call = call_of(account, wanted.get("subaccount", ""))
        return await self.handlers.explain_order(call, request)


@pytest.fixture
async def explaining(tmp_path: Path) -> AsyncIterator[Explaining]:
    async with trading_house(tmp_path) as house:
        reasons = KnownReasons()
        rules: Mailbox[RuleMessage, RuleReply] = Mailbox(4)
        handlers = OrderExplaining(house.reading, house.running.directory, reasons, rules)
        yield Explaining(house, handlers, reasons, rules)


async def test_a_strategy_s_order_is_explained_by_what_was_kept(explaining: Explaining) -> None:
    name = f"{RUN_ID}-1"
    order_id = await explaining.place(name)
    explaining.reasons.known = Found(run=run(), reason=reason(order_id), dropped=False)
    told = await explaining.explain(order_id=order_id)
    assert explaining.reasons.asked == [(Purse("alice/main"), OrderId(int(order_id)), name)]
    assert told.origin == strategy_pb2.ORDER_ORIGIN_STRATEGY
    assert told.reason_state == strategy_pb2.REASON_STATE_KEPT
    assert told.summary == "your strategy 'dip' placed it: the edge is worth it"
    assert told.order.client_order_id == name
    assert (told.run.plugin, told.run.version, told.run.started_at_ns) == ("buy_the_dip", "1.2", 7)
    assert (told.run.plugin_digest, told.run.settings_digest) == ("cd" * 32, "ef" * 32)
    assert told.run.settings_json == '{"fast": 5}'
    assert [(each.name, each.value) for each in told.reason.figures] == [
        ("probability", 0.625),
        ("edge", 0.01),
    ]
    model = told.reason.model
    assert (model.digest, model.score, model.base) == ("ab" * 32, 0.5, -0.25)
    first, second = model.weights
    assert (first.feature, first.value, first.added) == ("return:1", -0.5, 0.75)
    assert (second.feature, second.HasField("value")) == ("ETH-USDT/return:1", False)
    assert (told.reason.decided_at_ns, told.reason.input) == (9, 12)
    (heard,) = told.reason.signals
    assert (heard.signal, heard.name, heard.value) == ("trend", "up", 0.25)
    assert (heard.as_of_ns, heard.expires_at_ns) == (5, 6)
    assert not heard.HasField("confidence"), "it said none"
    (seen,) = told.reason.seen
    assert (seen.symbol, seen.venue, seen.interval_s, seen.at_ns) == ("BTC-USDT", "BINANCE", 60, 8)
    assert seen.kind == strategy_pb2.SEEN_KIND_CANDLES
    assert await explaining.explain(client_order_id=name) == told


async def test_settings_that_are_not_known_are_not_made_up(explaining: Explaining) -> None:
    order_id = await explaining.place(f"{RUN_ID}-1")
    before = attrs.evolve(run(), settings_json="")
    explaining.reasons.known = Found(run=before, reason=reason(order_id), dropped=False)
    told = await explaining.explain(order_id=order_id)
    assert (told.run.settings_json, told.run.settings_digest) == ("", "ef" * 32)


@pytest.mark.parametrize(
    ("silent", "dropped", "state", "words"),
    [
        (True, False, strategy_pb2.REASON_STATE_NOT_GIVEN, "and gave no reason"),
        (False, True, strategy_pb2.REASON_STATE_EXPIRED, "is not kept any more"),
        (False, False, strategy_pb2.REASON_STATE_LOST, "its reason is lost"),
    ],
)
async def test_a_missing_reason_is_said_to_be_missing_and_why(
    explaining: Explaining,
    silent: bool,
    dropped: bool,
    state: strategy_pb2.ReasonState,
    words: str,
) -> None:
    order_id = await explaining.place(f"{RUN_ID}-1")
    kept = reason(order_id, None) if silent else None
    explaining.reasons.known = Found(run=run(), reason=kept, dropped=dropped)
    told = await explaining.explain(order_id=order_id)
    assert (told.origin, told.reason_state) == (strategy_pb2.ORDER_ORIGIN_STRATEGY, state)
    assert words in told.summary
    assert told.HasField("run")
    assert told.HasField("reason") == silent


async def test_an_order_of_a_person_is_said_to_be_one(explaining: Explaining) -> None:
    order_id = await explaining.place("mine")
    told = await explaining.explain(order_id=order_id)
    assert told.origin == strategy_pb2.ORDER_ORIGIN_OWNER
    assert told.summary == (
        "you placed it from a session or by an API key of yours; which one is not kept"
    )
    assert not told.HasField("run")
    assert not told.HasField("reason")
    explaining.reasons.known = attrs.evolve(NOTHING, dropped=True)
    told = await explaining.explain(order_id=order_id)
    assert "or a strategy of yours so long ago that nothing is kept of it" in told.summary


async def test_a_rule_s_order_is_explained_by_its_firing(explaining: Explaining) -> None:
    rule_id = RuleId("00" * 8)
    order_id = await explaining.place(step_id(rule_id, 3, 0))
    rule = Rule(
        number=1, rule_id=rule_id, account_id=AccountId(ALICE), purse=Purse("alice/main"),
        request_id="r", name="weekly", terms=None,  # type: ignore[arg-type]  # nobody looks at them
        state=RuleState.ARMED, cause="", created_at_ns=1, armed_at_ns=1, rehearsed_at_ns=0,
        firings=3, memory=Memory(),
    )  # fmt: skip
    firing = Firing(
        rule_id=rule_id, number=3, account_id=AccountId(ALICE), state=FiringState.DONE,
        due_at_ns=5, decided_at_ns=6, explanation="it was Monday", facts=(), steps=(),
    )  # fmt: skip
    answers = [FiringFound(rule=rule, firing=firing), FiringFound(rule=None, firing=None)]
    asked: list[RuleMessage] = []

    async def answer_rules() -> None:
        while answers:
            for envelope in await explaining.rules.receive_batch(1):
                asked.append(envelope.message)
                envelope.answer(outcome.Value(answers.pop(0)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer_rules)
        told = await explaining.explain(order_id=order_id)
        forgotten = await explaining.explain(order_id=order_id)
    assert asked[0] == FindFiring(
        account_id=AccountId(ALICE), purse=Purse("alice/main"), order_id=OrderId(int(order_id))
    )
    assert told.origin == strategy_pb2.ORDER_ORIGIN_RULE
    assert told.summary == "your rule 'weekly' placed it: it was Monday"
    assert (told.rule.name, told.rule.firing.number) == ("weekly", 3)
    assert forgotten.origin == strategy_pb2.ORDER_ORIGIN_OWNER
    assert "or a rule of yours of which nothing is kept" in forgotten.summary


async def test_only_its_owner_is_told(explaining: Explaining) -> None:
    order_id = await explaining.place("mine")
    explaining.reasons.known = Found(run=run(), reason=reason(order_id), dropped=False)
    with pytest.raises(StatusError) as refused:
        await explaining.explain("bob", order_id=order_id)
    assert refused.value.code is grpc.StatusCode.NOT_FOUND
    assert explaining.reasons.asked == [], "nobody is asked for an order of somebody else"
    with pytest.raises(Rejection):
        await explaining.explain()
    with pytest.raises(StatusError):
        await explaining.explain(order_id="7")


async def test_reasons_that_cannot_be_read_are_no_fault_of_the_order(
    explaining: Explaining,
) -> None:
    order_id = await explaining.place("mine")
    explaining.reasons.broken = True
    with pytest.raises(StatusError) as refused:
        await explaining.explain(order_id=order_id)
    assert refused.value.code is grpc.StatusCode.UNAVAILABLE
    call, wanted = call_of(ALICE), trading_pb2.GetOrderRequest(order_id=order_id)
    assert (await explaining.house.reading.get_order(call, wanted)).order.order_id == order_id
