"""Why orders were placed: by whom, and of a strategy's order what it said and had seen.

Every order has an answer, also one whose reason is gone: then it says so, and why.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

import attrs
import grpc
from xache.v1 import strategy_pb2, trading_pb2, types_pb2
from xache_sdk.reasons import ModelReason
from xache_sdk.signal_values import SignalValue

from xached.api.errors import RESTART_S, StatusError
from xached.api.order_reading import OrderReading
from xached.api.routes import Call
from xached.api.rule_forms import firing_message
from xached.automation.messages import FindFiring, FiringFound, RuleMessage, RuleReply
from xached.automation.rule import Firing, Rule
from xached.domain.instrument import Directory
from xached.domain.order import OrderId, Purse, account_of
from xached.domain.seen import Seen
from xached.runtime.mailbox import Mailbox
from xached.storage.order_reasons import REASONS_KEPT, Found, OrderReason, StrategyRun
from xached.storage.strategy_tables import StrategyTablesFailed

_OF_A_RULE: Final = re.compile(r"r[0-9a-f]{16}-[0-9]+-[0-9]+", re.ASCII)
"""The client order ids that rules give; see xached.automation.rule.step_id."""


class Reasons(Protocol):
    """Knows why strategies placed orders."""

    async def find(self, purse: Purse, order_id: OrderId, client_order_id: str) -> Found:
        """What is known of an order. Raises: StrategyTablesFailed."""
        ...


@attrs.frozen
class _Placed:
    """A rule's order: the rule, and the firing that placed it."""

    rule: Rule
    firing: Firing


class OrderExplaining:
    """Handlers of StrategyService that explain orders of one exchange, for every transport."""

    def __init__(
        self,
        reading: OrderReading,
        directory: Directory,
        reasons: Reasons,
        rules: Mailbox[RuleMessage, RuleReply],
    ) -> None:
        self._reading = reading
        self._directory = directory
        self._reasons = reasons
        self._rules = rules

    async def explain_order(
        self, call: Call, request: strategy_pb2.ExplainOrderRequest
    ) -> strategy_pb2.ExplainOrderResponse:
        """Tell why an order was placed, and how it stands."""
        named = trading_pb2.GetOrderRequest(
            order_id=request.order_id, client_order_id=request.client_order_id
        )
        told = await self._reading.get_order(call, named)
        order_id = OrderId(int(told.order.order_id))
        try:
            found = await self._reasons.find(call.purse, order_id, told.order.client_order_id)
        except StrategyTablesFailed:
            raise StatusError(
                grpc.StatusCode.UNAVAILABLE,
                "REASONS_UNAVAILABLE",
                "why orders were placed cannot be read now",
                retry_after_s=RESTART_S,
            ) from None
        answer = strategy_pb2.ExplainOrderResponse(order=told.order, fills=told.fills)
        if found.run is not None:
            _tell_strategy(answer, found.run, found)
            return answer
        placed = await self._find_rule(call, order_id, told.order.client_order_id)
        if placed is not None:
            self._tell_rule(answer, placed)
        else:
            answer.origin = strategy_pb2.ORDER_ORIGIN_OWNER
            answer.summary = _owner_sentence(told.order, dropped=found.dropped)
        return answer

    async def _find_rule(
        self, call: Call, order_id: OrderId, client_order_id: str
    ) -> _Placed | None:
        if _OF_A_RULE.fullmatch(client_order_id) is None:
            return None  # Nobody waits for the rules who has none.
        account_id = account_of(call.purse)
        message = FindFiring(account_id=account_id, purse=call.purse, order_id=order_id)
        found = await self._rules.ask(message, account=account_id, deadline=call.deadline_s)
        assert isinstance(found, FiringFound)
        if found.rule is None or found.firing is None:
            return None
        return _Placed(found.rule, found.firing)

    def _tell_rule(self, answer: strategy_pb2.ExplainOrderResponse, placed: _Placed) -> None:
        answer.origin = strategy_pb2.ORDER_ORIGIN_RULE
        answer.summary = f"your rule {placed.rule.name!r} placed it: {placed.firing.explanation}"
        answer.rule.rule_id = placed.rule.rule_id
        answer.rule.name = placed.rule.name
        answer.rule.firing.CopyFrom(firing_message(placed.firing, self._directory))


def _tell_strategy(
    answer: strategy_pb2.ExplainOrderResponse, run: StrategyRun, found: Found
) -> None:
    answer.origin = strategy_pb2.ORDER_ORIGIN_STRATEGY
    answer.run.CopyFrom(_run_message(run))
    kept = found.reason
    if kept is not None:
        answer.reason.CopyFrom(_reason_message(kept))
    who = f"your strategy {run.strategy!r} placed it"
    if kept is not None and kept.reason is not None:
        answer.reason_state = strategy_pb2.REASON_STATE_KEPT
        answer.summary = f"{who}: {kept.reason.rule}"
    elif kept is not None:
        answer.reason_state = strategy_pb2.REASON_STATE_NOT_GIVEN
        answer.summary = f"{who} and gave no reason"
    elif found.dropped:
        answer.reason_state = strategy_pb2.REASON_STATE_EXPIRED
        answer.summary = (
            f"{who}; its reason is not kept any more: of each purse the newest {REASONS_KEPT:,} of "
            "orders that traded are, and as many of others"
        )
    else:
        answer.reason_state = strategy_pb2.REASON_STATE_LOST
        answer.summary = f"{who}; its reason is lost: it was not on disk when the house stopped"


def _owner_sentence(order: types_pb2.Order, *, dropped: bool) -> str:
    """What is known of an order that no strategy and no rule is known to have placed."""
    if dropped:
        return (
            "you placed it, or a strategy of yours so long ago that nothing is kept of it: of each "
            f"purse the newest {REASONS_KEPT:,} reasons are"
        )
    if _OF_A_RULE.fullmatch(order.client_order_id):
        return "you placed it, or a rule of yours of which nothing is kept any more"
    through = "from a session or by an API key of yours; which one is not kept"
    if order.list_id:
        through = f"as one of list {order.list_id}, {through}"
    if order.replaces_order_id:
        through = f"in place of your order {order.replaces_order_id}, {through}"
    return f"you placed it {through}"


def _run_message(run: StrategyRun) -> strategy_pb2.StrategyRun:
    return strategy_pb2.StrategyRun(
        run_id=run.run_id,
        strategy=run.strategy,
        plugin=run.plugin,
        distribution=run.distribution,
        version=run.version,
        plugin_digest=run.plugin_digest,
        settings_digest=run.settings_digest,
        started_at_ns=run.started_at_ns,
        settings_json=run.settings_json,
    )


def _reason_message(kept: OrderReason) -> strategy_pb2.OrderReason:
    message = strategy_pb2.OrderReason(
        decided_at_ns=kept.decided_at_ns,
        input=kept.input,
        seen=[_seen_message(each) for each in kept.seen],
        signals=[_signal_message(each) for each in kept.signals],
    )
    said = kept.reason
    if said is not None:
        message.rule = said.rule
        for name, value in said.figures.items():
            message.figures.add(name=name, value=value)
        if said.model is not None:
            message.model.CopyFrom(_model_message(said.model))
    return message


def _model_message(model: ModelReason) -> strategy_pb2.ModelReason:
    return strategy_pb2.ModelReason(
        digest=model.digest,
        score=model.score,
        base=model.base,
        weights=[
            strategy_pb2.FeatureWeight(feature=each.feature, value=each.value, added=each.added)
            for each in model.weights
        ],
    )


def _signal_message(heard: SignalValue) -> strategy_pb2.SignalHeard:
    return strategy_pb2.SignalHeard(
        signal=heard.signal,
        name=heard.name,
        value=heard.value,
        confidence=heard.confidence,
        as_of_ns=heard.as_of_ns,
        expires_at_ns=heard.expires_at_ns,
    )


def _seen_message(seen: Seen) -> strategy_pb2.MarketDataSeen:
    return strategy_pb2.MarketDataSeen(
        symbol=seen.symbol,
        venue=seen.venue,
        kind=strategy_pb2.SeenKind.Name(seen.kind.value),
        interval_s=seen.interval_s,
        at_ns=seen.at_ns,
    )
