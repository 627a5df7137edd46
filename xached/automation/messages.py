"""What the rules actor is asked. Every message names the account whose rules it is about."""

from __future__ import annotations

from typing import TypeAlias

from xached.automation.rule import Firing, Rule
from xached.automation.terms import RuleId, RuleTerms
from xached.domain.frozen import frozen
from xached.domain.order import AccountId, OrderId, Purse


@frozen(kw_only=True)
class CreateRule:
    """Keep a rule, as a draft. Answer: Rule; the same for the same request.

    Refused: RULE_TERMS and what the terms are refused for, RULES_FULL, ID_REUSED.
    """

    account_id: AccountId
    purse: Purse
    name: str
    terms: RuleTerms
    request_id: str


@frozen(kw_only=True)
class ArmRule:
    """Let a rule fire from now on. Answer: Rule. Refused: UNKNOWN_RULE, RULE_STATE, RULES_FULL.

    RULE_STATE also where nobody has seen what it would have done, unless ``unrehearsed``.
    """

    account_id: AccountId
    rule_id: RuleId
    unrehearsed: bool


@frozen(kw_only=True)
class PauseRule:
    """Let a rule not fire until it is armed again. Answer: Rule. Refused: as arming."""

    account_id: AccountId
    rule_id: RuleId


@frozen(kw_only=True)
class EndRule:
    """Let a rule never fire again; it can still be read. Answer: Rule. Refused: UNKNOWN_RULE."""

    account_id: AccountId
    rule_id: RuleId


@frozen(kw_only=True)
class NoteRehearsal:
    """Its owner was shown what a rule would have done. Answer: Rule. Refused: UNKNOWN_RULE."""

    account_id: AccountId
    rule_id: RuleId
    at_ns: int


@frozen(kw_only=True)
class GetRule:
    """How a rule stands. Answer: Rule. Refused: UNKNOWN_RULE."""

    account_id: AccountId
    rule_id: RuleId


@frozen(kw_only=True)
class ListRules:
    """Rules of an account, newest first, with numbers below ``before``. Answer: RulesFound."""

    account_id: AccountId
    before: int | None
    limit: int


@frozen(kw_only=True)
class ListFirings:
    """Firings of a rule, newest first, with numbers below ``before``. Answer: FiringsFound."""

    account_id: AccountId
    rule_id: RuleId
    before: int | None
    limit: int


@frozen(kw_only=True)
class FindFiring:
    """Which rule placed an order of a purse, and when. Answer: FiringFound."""

    account_id: AccountId
    purse: Purse
    order_id: OrderId


@frozen(kw_only=True)
class RulesFound:
    """A page of rules."""

    rules: tuple[Rule, ...]


@frozen(kw_only=True)
class FiringsFound:
    """A page of firings."""

    firings: tuple[Firing, ...]


@frozen(kw_only=True)
class FiringFound:
    """The rule of an order and what it fired; both None where no rule has placed it."""

    rule: Rule | None
    firing: Firing | None


RuleMessage: TypeAlias = (
    CreateRule
    | ArmRule
    | PauseRule
    | EndRule
    | NoteRehearsal
    | GetRule
    | ListRules
    | ListFirings
    | FindFiring
)
RuleReply: TypeAlias = Rule | RulesFound | FiringsFound | FiringFound
