"""AutomationService: rules of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from xache.v1 import automation_pb2

from xached.api import convert
from xached.api.auth import caller_of
from xached.api.paging import Page, read_page, write_token
from xached.api.routes import Call
from xached.api.rule_forms import firing_message, read_terms, rule_message
from xached.automation.messages import (
    ArmRule,
    CreateRule,
    EndRule,
    FiringsFound,
    GetRule,
    ListFirings,
    ListRules,
    PauseRule,
    RuleMessage,
    RuleReply,
    RulesFound,
)
from xached.automation.rule import Rule
from xached.automation.terms import RuleId
from xached.domain.instrument import Directory
from xached.domain.order import Purse
from xached.runtime.mailbox import Mailbox

Reply = TypeVar("Reply", Rule, RulesFound, FiringsFound)


class AutomationHandlers:
    """Handlers of AutomationService."""

    def __init__(
        self,
        rules: Mailbox[RuleMessage, RuleReply],
        directory_of: Callable[[Purse], Directory],
    ) -> None:
        """``directory_of``: what is listed where a purse trades."""
        self._rules = rules
        self._directory_of = directory_of

    async def create_rule(
        self, call: Call, request: automation_pb2.CreateRuleRequest
    ) -> automation_pb2.CreateRuleResponse:
        """Keep a rule as a draft."""
        message = CreateRule(
            account_id=caller_of(call).account_id,
            purse=call.purse,
            name=request.name,
            terms=read_terms(request.terms, self._directory_of(call.purse)),
            request_id=convert.required_id(request.request_id),
        )
        rule = await self._ask(call, message, Rule)
        return automation_pb2.CreateRuleResponse(rule=self._rule(rule))

    async def arm_rule(
        self, call: Call, request: automation_pb2.ArmRuleRequest
    ) -> automation_pb2.ArmRuleResponse:
        """Let a rule fire from now on."""
        message = ArmRule(account_id=caller_of(call).account_id, rule_id=RuleId(request.rule_id))
        rule = await self._ask(call, message, Rule)
        return automation_pb2.ArmRuleResponse(rule=self._rule(rule))

    async def pause_rule(
        self, call: Call, request: automation_pb2.PauseRuleRequest
    ) -> automation_pb2.PauseRuleResponse:
        """Let a rule not fire until it is armed again."""
        message = PauseRule(account_id=caller_of(call).account_id, rule_id=RuleId(request.rule_id))
        rule = await self._ask(call, message, Rule, urgent=True)
        return automation_pb2.PauseRuleResponse(rule=self._rule(rule))

    async def end_rule(
        self, call: Call, request: automation_pb2.EndRuleRequest
    ) -> automation_pb2.EndRuleResponse:
        """Let a rule never fire again."""
        message = EndRule(account_id=caller_of(call).account_id, rule_id=RuleId(request.rule_id))
        rule = await self._ask(call, message, Rule, urgent=True)
        return automation_pb2.EndRuleResponse(rule=self._rule(rule))

    async def get_rule(
        self, call: Call, request: automation_pb2.GetRuleRequest
    ) -> automation_pb2.GetRuleResponse:
        """Tell how a rule stands."""
        message = GetRule(account_id=caller_of(call).account_id, rule_id=RuleId(request.rule_id))
        rule = await self._ask(call, message, Rule)
        return automation_pb2.GetRuleResponse(rule=self._rule(rule))

    async def list_rules(
        self, call: Call, request: automation_pb2.ListRulesRequest
    ) -> automation_pb2.ListRulesResponse:
        """List the rules of the caller, newest first."""
        page = read_page(request.page_size, request.page_token)
        message = ListRules(
            account_id=caller_of(call).account_id, before=page.before, limit=page.size
        )
        found = await self._ask(call, message, RulesFound)
        return automation_pb2.ListRulesResponse(
            rules=[self._rule(rule) for rule in found.rules],
            next_page_token=_next_token(page, [rule.number for rule in found.rules]),
        )

    async def list_firings(
        self, call: Call, request: automation_pb2.ListFiringsRequest
    ) -> automation_pb2.ListFiringsResponse:
        """List what a rule has fired, newest first."""
        page = read_page(request.page_size, request.page_token)
        account_id, rule_id = caller_of(call).account_id, RuleId(request.rule_id)
        rule = await self._ask(call, GetRule(account_id=account_id, rule_id=rule_id), Rule)
        message = ListFirings(
            account_id=account_id, rule_id=rule_id, before=page.before, limit=page.size
        )
        found = await self._ask(call, message, FiringsFound)
        directory = self._directory_of(rule.purse)
        return automation_pb2.ListFiringsResponse(
            firings=[firing_message(firing, directory) for firing in found.firings],
            next_page_token=_next_token(page, [firing.number for firing in found.firings]),
        )

    def _rule(self, rule: Rule) -> automation_pb2.Rule:
        return rule_message(rule, self._directory_of(rule.purse))

    async def _ask(
        self, call: Call, message: RuleMessage, kind: type[Reply], *, urgent: bool = False
    ) -> Reply:
        """Ask in the name of the caller. Raises: Rejection; Overloaded, Expired or Closed."""
        reply = await self._rules.ask(
            message, account=message.account_id, urgent=urgent, deadline=call.deadline_s
        )
        assert isinstance(reply, kind)
        return reply


def _next_token(page: Page, numbers: list[int]) -> str:
    return write_token(numbers[-1] if len(numbers) == page.size else None)
