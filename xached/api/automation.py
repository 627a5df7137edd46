"""AutomationService: rules of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import trio
from xache.v1 import automation_pb2, market_pb2

from xached.actors.rules.surroundings import TradingPlace
from xached.api import convert
from xached.api.auth import caller_of
from xached.api.market import interval_of
from xached.api.paging import Page, read_page, write_token
from xached.api.routes import Call
from xached.api.rule_forms import firing_message, read_terms, rehearsed_message, rule_message
from xached.automation.checking import refused_terms
from xached.automation.messages import (
    ArmRule,
    CreateRule,
    EndRule,
    FiringsFound,
    GetRule,
    ListFirings,
    ListRules,
    NoteRehearsal,
    PauseRule,
    RuleMessage,
    RuleReply,
    RulesFound,
)
from xached.automation.rehearsal import Rehearsal, quote_of, symbols_of
from xached.automation.rehearsed_purse import RehearsedPurse
from xached.automation.rule import Rule
from xached.automation.terms import IndicatorReaches, RuleId
from xached.domain.history import Funds
from xached.domain.instrument import AssetName
from xached.domain.market import Venue
from xached.domain.money import format_units, parse_decimal
from xached.domain.order import Purse
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.runtime.mailbox import Mailbox

REHEARSALS_MAX: Final = 2
"""At a time; others wait."""

CANDLES_DEFAULT: Final = 1_000
CANDLES_MAX: Final = 5_000
LOOKS_PER_TURN: Final = 10
"""So often the rule is looked at before others have a turn: about a millisecond."""

Reply = TypeVar("Reply", Rule, RulesFound, FiringsFound)


class AutomationHandlers:
    """Handlers of AutomationService."""

    def __init__(
        self,
        rules: Mailbox[RuleMessage, RuleReply],
        place_of: Callable[[Purse], TradingPlace],
        now_ns: Callable[[], int],
    ) -> None:
        """``place_of``: where a purse trades."""
        self._rules = rules
        self._place_of = place_of
        self._now_ns = now_ns
        self._rehearsing = trio.CapacityLimiter(REHEARSALS_MAX)

    async def create_rule(
        self, call: Call, request: automation_pb2.CreateRuleRequest
    ) -> automation_pb2.CreateRuleResponse:
        """Keep a rule as a draft."""
        message = CreateRule(
            account_id=caller_of(call).account_id,
            purse=call.purse,
            name=request.name,
            terms=read_terms(request.terms, self._place_of(call.purse).directory),
            request_id=convert.required_id(request.request_id),
        )
        rule = await self._ask(call, message, Rule)
        return automation_pb2.CreateRuleResponse(rule=self._rule(rule))

    async def arm_rule(
        self, call: Call, request: automation_pb2.ArmRuleRequest
    ) -> automation_pb2.ArmRuleResponse:
        """Let a rule fire from now on."""
        message = ArmRule(
            account_id=caller_of(call).account_id,
            rule_id=RuleId(request.rule_id),
            unrehearsed=request.unrehearsed,
        )
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
        directory = self._place_of(rule.purse).directory
        return automation_pb2.ListFiringsResponse(
            firings=[firing_message(firing, directory) for firing in found.firings],
            next_page_token=_next_token(page, [firing.number for firing in found.firings]),
        )

    async def rehearse_rule(
        self, call: Call, request: automation_pb2.RehearseRuleRequest
    ) -> automation_pb2.RehearseRuleResponse:
        """Tell what a rule would have done over candles of the past."""
        account_id, rule_id = caller_of(call).account_id, RuleId(request.rule_id)
        rule = await self._ask(call, GetRule(account_id=account_id, rule_id=rule_id), Rule)
        place, when = self._place_of(rule.purse), rule.terms.when
        interval = interval_of(request.interval or market_pb2.INTERVAL_1H)
        venue = Venue(request.venue) if request.venue else place.venue
        if isinstance(when, IndicatorReaches):
            interval, venue = when.interval, when.venue or place.venue
        if request.limit > CANDLES_MAX:
            raise refused_terms("limit", "too many candles", request.limit, f"0 to {CANDLES_MAX}")
        count = request.limit or CANDLES_DEFAULT
        quote = quote_of(rule.terms, place.directory)
        purse = await self._purse(rule, place, quote, request.quote_funds)
        held = {name for name, funds in purse.balances.items() if funds.available + funds.held}
        symbols = symbols_of(rule.terms, place.directory, held)
        async with self._rehearsing:
            candles = {
                symbol: await place.candles.past_candles(symbol, venue, interval, count)
                for symbol in symbols
            }
            rehearsal = Rehearsal(rule, purse, place.directory, candles)
            idle = RehearsedPurse(rule.purse, purse, place.directory)
            for number, _ in enumerate(rehearsal.run()):
                if number % LOOKS_PER_TURN == 0:
                    await trio.lowlevel.checkpoint()
        shown = sum(map(len, candles.values()))
        if shown:
            at_ns = self._now_ns()
            noted = NoteRehearsal(account_id=account_id, rule_id=rule_id, at_ns=at_ns)
            await self._ask(call, noted, Rule)
        from_ns, to_ns = rehearsal.span_ns
        answer = automation_pb2.RehearseRuleResponse(
            candles=shown,
            from_ns=from_ns,
            to_ns=to_ns,
            fired=rehearsal.fired,
            firings=[
                rehearsed_message(firing, place.directory) for firing in reversed(rehearsal.firings)
            ],
        )
        if shown and quote is not None:
            for symbol, past in candles.items():
                if past:
                    idle.see(symbol, past[-1])
            scale = place.directory.assets[quote].scale
            answer.asset = quote
            answer.worth = format_units(rehearsal.purse.worth_units(quote), scale)
            answer.worth_without = format_units(idle.worth_units(quote), scale)
        return answer

    async def _purse(
        self, rule: Rule, place: TradingPlace, quote: AssetName | None, funds: str
    ) -> PurseSnapshot:
        """What a rehearsal begins with. Raises: Rejection."""
        if not funds or quote is None:
            return await place.exchange.query(PurseQuery(rule.purse), account=rule.account_id)
        units = parse_decimal(funds, place.directory.assets[quote].scale, "quote_funds")
        return PurseSnapshot(seq=0, balances={quote: Funds(units)}, orders=[], positions={})

    def _rule(self, rule: Rule) -> automation_pb2.Rule:
        return rule_message(rule, self._place_of(rule.purse).directory)

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
