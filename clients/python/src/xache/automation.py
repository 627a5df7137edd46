"""Rules of one's own: when this, then that."""

from __future__ import annotations

from collections.abc import Iterator

from xache.connection import Connection
from xache.orders import new_id
from xache.rpc import PAGE_SIZE_MAX, rpc
from xache.v1 import automation_pb2, market_pb2

# Repeatable because this client never sends one without an id.
_CREATE = rpc(automation_pb2.CreateRuleRequest, automation_pb2.CreateRuleResponse, repeatable=True)
_ARM = rpc(automation_pb2.ArmRuleRequest, automation_pb2.ArmRuleResponse, repeatable=True)
_PAUSE = rpc(automation_pb2.PauseRuleRequest, automation_pb2.PauseRuleResponse, repeatable=True)
_END = rpc(automation_pb2.EndRuleRequest, automation_pb2.EndRuleResponse, repeatable=True)
_GET = rpc(automation_pb2.GetRuleRequest, automation_pb2.GetRuleResponse, repeatable=True)
_LIST = rpc(automation_pb2.ListRulesRequest, automation_pb2.ListRulesResponse, repeatable=True)
_REHEARSE = rpc(
    automation_pb2.RehearseRuleRequest, automation_pb2.RehearseRuleResponse, repeatable=True
)
_FIRINGS = rpc(
    automation_pb2.ListFiringsRequest, automation_pb2.ListFiringsResponse, repeatable=True
)


class Automation:
    """Rules of all purses of the account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        name: str,
        terms: automation_pb2.RuleTerms,
        *,
        subaccount: str = "",
        request_id: str = "",
    ) -> automation_pb2.Rule:
        """Keep a rule as a draft."""
        request = automation_pb2.CreateRuleRequest(
            subaccount=subaccount, name=name, terms=terms, request_id=request_id or new_id()
        )
        return self._connection.call(_CREATE, request).rule

    def arm(self, rule_id: str, *, unrehearsed: bool = False) -> automation_pb2.Rule:
        """Let a rule fire from now on; ``unrehearsed`` though nobody saw what it would do."""
        request = automation_pb2.ArmRuleRequest(rule_id=rule_id, unrehearsed=unrehearsed)
        return self._connection.call(_ARM, request).rule

    def rehearse(
        self,
        rule_id: str,
        interval: market_pb2.Interval,
        *,
        limit: int = 0,
        venue: str = "",
        quote_funds: str = "",
    ) -> automation_pb2.RehearseRuleResponse:
        """What a rule would have done over candles of the past."""
        request = automation_pb2.RehearseRuleRequest(
            rule_id=rule_id, interval=interval, limit=limit, venue=venue, quote_funds=quote_funds
        )
        return self._connection.call(_REHEARSE, request)

    def pause(self, rule_id: str) -> automation_pb2.Rule:
        """Let a rule not fire until it is armed again."""
        return self._connection.call(_PAUSE, automation_pb2.PauseRuleRequest(rule_id=rule_id)).rule

    def end(self, rule_id: str) -> automation_pb2.Rule:
        """Let a rule never fire again."""
        return self._connection.call(_END, automation_pb2.EndRuleRequest(rule_id=rule_id)).rule

    def get(self, rule_id: str) -> automation_pb2.Rule:
        """How a rule stands."""
        return self._connection.call(_GET, automation_pb2.GetRuleRequest(rule_id=rule_id)).rule

    def rules(self, *, page_size: int = PAGE_SIZE_MAX) -> Iterator[automation_pb2.Rule]:
        """The rules of the account, newest first, read page by page."""
        request = automation_pb2.ListRulesRequest(page_size=page_size)
        while True:
            page = self._connection.call(_LIST, request)
            yield from page.rules
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def firings(
        self, rule_id: str, *, page_size: int = PAGE_SIZE_MAX
    ) -> Iterator[automation_pb2.Firing]:
        """What a rule has fired, newest first, read page by page."""
        request = automation_pb2.ListFiringsRequest(rule_id=rule_id, page_size=page_size)
        while True:
            page = self._connection.call(_FIRINGS, request)
            yield from page.firings
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
