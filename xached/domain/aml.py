"""Rules against money laundering, as data, over what accounts move.

The rules come from ``config/aml.toml``; this file says what each kind of rule means. They look at
movements: money in, money out, and trades, in the asset's smallest units. Amounts of several
assets are never added up: a rule names its asset. A rule alerts once for an account until its
window is over, with the rows of the journal that are its evidence. An alert refuses nothing: it
opens a case.

velocity
    more than ``count`` movements, in and out, within the window
structuring
    ``count`` movements in, each below ``amount`` and at least ``near_ppm`` of it, within the window
rapid_in_out
    of what came in, and that was at least ``amount``, ``near_ppm`` went out within the window
dormant
    at least ``amount`` comes in or goes out after nothing happened for the window
"""

from __future__ import annotations

import enum
from collections import deque

import attrs

from xached.domain.instrument import AssetName
from xached.domain.messages import Deposited, OrderAccepted, Row, Traded
from xached.domain.order import AccountId, account_of

PPM = 1_000_000
EVIDENCE_MAX = 32
ACCOUNTS_MAX = 500_000
"""Accounts that are watched at a time; of more, those that moved longest ago are forgotten."""

MOVEMENTS_MAX = 1_000
"""Movements of one account in one asset that are remembered."""


class RuleKind(enum.IntEnum):
    """What a rule looks for."""

    VELOCITY = 1
    STRUCTURING = 2
    RAPID_IN_OUT = 3
    DORMANT = 4


class Direction(enum.IntEnum):
    """Where money went."""

    IN = 1
    OUT = 2
    TRADE = 3


@attrs.frozen(kw_only=True)
class AmlRule:
    """One rule. What a kind does not use is 0."""

    name: str
    kind: RuleKind
    asset: AssetName
    window_ns: int
    count: int = 0
    amount_units: int = 0
    near_ppm: int = 0
    serious: bool = False


@attrs.frozen(kw_only=True)
class Movement:
    """Money of an account that moved in row ``seq`` of the journal."""

    seq: int
    at_ns: int
    account_id: AccountId
    direction: Direction
    asset: AssetName
    units: int


@attrs.frozen(kw_only=True)
class Alert:
    """A rule that was met, with what meets it, the last row last."""

    rule: AmlRule
    account_id: AccountId
    at_ns: int
    seqs: tuple[int, ...]
    explanation: str

    @property
    def case_key(self) -> str:
        """The same for the same alert, however often the journal is read."""
        return f"{self.rule.name}-{self.account_id}-{self.seqs[-1]}"


@attrs.define
class _Watched:
    """What is remembered of one account: movements by asset, and when it did anything last."""

    movements: dict[AssetName, deque[Movement]] = attrs.field(factory=dict)
    last_at_ns: int = 0
    quiet_until_ns: dict[str, int] = attrs.field(factory=dict)
    """By rule: it alerts again only after that."""


class AmlWatch:
    """Folds movements, in order, into alerts."""

    def __init__(self, rules: tuple[AmlRule, ...]) -> None:
        self._rules = rules
        self._accounts: dict[AccountId, _Watched] = {}
        self._window_ns = max((rule.window_ns for rule in rules), default=0)

    def __len__(self) -> int:
        """How many accounts are watched."""
        return len(self._accounts)

    def fold(self, movement: Movement) -> list[Alert]:
        """Take a movement in, and say which rules it meets."""
        watched = self._accounts.pop(movement.account_id, None) or _Watched()
        self._accounts[movement.account_id] = watched
        if len(self._accounts) > ACCOUNTS_MAX:
            del self._accounts[next(iter(self._accounts))]
        past_ns, watched.last_at_ns = watched.last_at_ns, movement.at_ns
        if movement.direction is Direction.TRADE:
            return []
        recent = watched.movements.setdefault(movement.asset, deque(maxlen=MOVEMENTS_MAX))
        recent.append(movement)
        while recent[0].at_ns <= movement.at_ns - self._window_ns:
            recent.popleft()
        alerts: list[Alert] = []
        for rule in self._rules:
            if rule.asset != movement.asset:
                continue
            if movement.at_ns < watched.quiet_until_ns.get(rule.name, 0):
                continue
            window = [each for each in recent if each.at_ns > movement.at_ns - rule.window_ns]
            alert = _judge(rule, movement, window, past_ns)
            if alert is not None:
                watched.quiet_until_ns[rule.name] = movement.at_ns + rule.window_ns
                alerts.append(alert)
        return alerts


def movements_of(row: Row) -> list[Movement]:
    """What accounts moved in a row. Money that stays in an account moves nowhere."""
    found: list[Movement] = []
    for event in row.events:
        if isinstance(event, Deposited):
            account_id = account_of(event.purse)
            direction, asset, units = Direction.IN, event.asset, event.amount_units
        elif isinstance(event, OrderAccepted):
            account_id, direction = account_of(event.purse), Direction.TRADE
            asset, units = AssetName(""), 0
        elif isinstance(event, Traded):
            account_id, direction = account_of(event.maker_purse), Direction.TRADE
            asset, units = AssetName(""), 0
        else:
            continue
        found.append(
            Movement(
                seq=row.seq,
                at_ns=row.at_ns,
                account_id=account_id,
                direction=direction,
                asset=asset,
                units=units,
            )
        )
    return found


def _judge(rule: AmlRule, movement: Movement, window: list[Movement], past_ns: int) -> Alert | None:
    evidence: list[Movement] = []
    explanation = ""
    match rule.kind:
        case RuleKind.VELOCITY:
            if len(window) > rule.count:
                evidence = window
                explanation = f"{len(window)} movements, more than {rule.count}"
        case RuleKind.STRUCTURING:
            least = rule.amount_units * rule.near_ppm // PPM
            near = [
                each
                for each in window
                if each.direction is Direction.IN and least <= each.units < rule.amount_units
            ]
            if movement in near and len(near) >= rule.count:
                evidence = near
                explanation = (
                    f"{len(near)} deposits of {least} to {rule.amount_units - 1} units, "
                    f"just below {rule.amount_units}"
                )
        case RuleKind.RAPID_IN_OUT:
            came = sum(each.units for each in window if each.direction is Direction.IN)
            went = sum(each.units for each in window if each.direction is Direction.OUT)
            enough = came >= rule.amount_units and went * PPM >= came * rule.near_ppm
            if movement.direction is Direction.OUT and enough:
                evidence = window
                explanation = f"{went} of {came} units that came in went out again"
        case RuleKind.DORMANT:
            slept_ns = movement.at_ns - past_ns
            if past_ns and slept_ns >= rule.window_ns and movement.units >= rule.amount_units:
                evidence = [movement]
                explanation = f"{movement.units} units after {slept_ns // 10**9} s of nothing"
    if not evidence:
        return None
    return Alert(
        rule=rule,
        account_id=movement.account_id,
        at_ns=movement.at_ns,
        seqs=tuple(each.seq for each in evidence[-EVIDENCE_MAX:]),
        explanation=f"{rule.name}: {explanation}",
    )
