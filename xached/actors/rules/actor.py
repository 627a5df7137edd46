"""Automation rules: every rule that is armed is looked at in time, and fires at most once.

Theory of operation. The actor owns the rules in strategies.db. A look decides from what the rule
remembers (xached/automation/deciding.py). When it fires, what it remembers from then on, why it
fires and every command that it will send are written in one transaction; only then is the first
command sent, under an id that follows from the rule and the number of the firing. A crash before
the transaction leaves a rule that has not fired and will; a crash after it leaves a firing that is
finished at the next start (:mod:`xached.actors.rules.sending`). Either way it fires once.

What is sent for one account is sent in order, and no rule of that account is looked at meanwhile:
it would not see what is under way. Other accounts do not wait for that.

It is expendable, and restarts from the file: as long as the disk fails nothing can be written, so
nothing is sent, and what is due is looked at once it does not. So it is never given up.
"""

from __future__ import annotations

import contextlib
import math
from collections import deque
from functools import partial
from typing import Final, assert_never

import attrs
import outcome
import trio
from loguru import logger

from xached.actors.rules.readings import Readings
from xached.actors.rules.sending import send_steps
from xached.actors.rules.surroundings import RuleSurroundings, TradingPlace
from xached.automation.checking import (
    ARMED_RULES_MAX,
    RULES_PER_ACCOUNT_MAX,
    check_name,
    check_terms,
)
from xached.automation.deciding import (
    Fires,
    Passes,
    Sight,
    armed_memory,
    look,
    next_look_ns,
    watches_prices,
    watches_purse,
)
from xached.automation.messages import (
    ArmRule,
    CreateRule,
    EndRule,
    FindFiring,
    FiringFound,
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
from xached.automation.ordering import Plan, plan_commands
from xached.automation.rule import (
    Firing,
    FiringState,
    Memory,
    Rule,
    RuleState,
    Step,
    StepState,
)
from xached.automation.schedule import NS_PER_S
from xached.automation.terms import IndicatorReaches, RuleId, StopAll
from xached.domain.messages import CancelAll
from xached.domain.order import AccountId, Purse
from xached.domain.portfolio import Holdings, HoldingsQuery
from xached.domain.protection_messages import Flatten
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed, Envelope, Expired, Mailbox, Overloaded
from xached.storage import rule_book

LOOK_S_MIN: Final = 1.0
"""Rules are looked at no more often, but for those that waited while their account was sending."""

LOOK_S_MAX: Final = 30.0
"""And no more rarely, as the wall clock may be corrected."""

ANSWER_S_MAX: Final = 2.0
"""So long an exchange may take to say how a purse stands: it is asked again at the next look."""

NOTE_S: Final = 60.0
"""How often the height that a drawdown is measured from is written down: so much of it a crash
forgets."""

SENDING_MAX: Final = 16
"""For so many accounts things are sent at a time."""

PLACES: Final = 256
MESSAGES_MAX: Final = 32
RULE_ID_BYTES: Final = 8

OWNER_PAUSED: Final = "its owner paused it"
OWNER_ENDED: Final = "its owner ended it"


@attrs.frozen(kw_only=True)
class RuleStatistics:
    """What rules have done since the start. ``finished``: firings that an earlier process began."""

    armed: int
    looks: int
    fired: int
    missed: int
    refused: int
    finished: int


class Rules:
    """The address of the rules, and their counts. Survives the actor's restarts."""

    def __init__(self) -> None:
        self.mailbox: Mailbox[RuleMessage, RuleReply] = Mailbox(PLACES)
        self.armed: dict[RuleId, Rule] = {}
        self.looks = self.fired = self.missed = self.refused = self.finished = 0

    def statistics(self) -> RuleStatistics:
        """Tell what was done since the start."""
        return RuleStatistics(
            armed=len(self.armed),
            looks=self.looks,
            fired=self.fired,
            missed=self.missed,
            refused=self.refused,
            finished=self.finished,
        )


async def run_rules(rules: Rules, around: RuleSurroundings) -> None:
    """Serve and look at rules until cancelled or the house is closed."""
    async with trio.open_nursery() as senders:
        # Whoever still sends when the house closes hears of it from the exchange.
        with contextlib.suppress(Closed):
            await _Actor(rules, around, senders).run()


class _Actor:
    def __init__(self, rules: Rules, around: RuleSurroundings, senders: trio.Nursery) -> None:
        self._rules = rules
        self._senders = senders
        self._room = trio.Semaphore(SENDING_MAX)
        self._outgoing: dict[AccountId, deque[tuple[Firing, bool]]] = {}
        """What is to be sent for accounts, in order, and whether it may have been before."""
        self._passed_over: set[AccountId] = set()
        """Accounts with rules that were not looked at because they were sending."""
        self._next_look = trio.current_time()
        self._pause = trio.CancelScope()
        self._around = around
        self._records = around.records
        self._noted: dict[RuleId, float] = {}
        """When the height of each rule was written down, on trio's clock."""
        self._unnoted: set[RuleId] = set()
        """Rules whose height is another one than is written down."""
        self._unfinished: list[Firing] = []
        """Firings that are written down and not sent whole."""
        self._withdrawn: dict[AccountId, dict[RuleId, int]] = {}
        """Rules of accounts with something to send whose owner stopped them, and the number of
        the last firing of each by then: none up to it may begin."""
        self._readings: dict[TradingPlace, Readings] = {}

    async def run(self) -> None:
        armed = await self._records.read(rule_book.armed_rules)
        self._rules.armed = {rule.rule_id: rule for rule in armed}
        self._unfinished = await self._records.read(rule_book.unfinished_firings)
        self._rules.finished += len(self._unfinished)
        for firing in self._unfinished:
            find = partial(rule_book.find_rule, rule_id=firing.rule_id)
            rule = await self._records.read(find)
            if rule is not None and rule.memory.withdrawn:
                self._withdraw(rule)
        while True:
            batch: list[Envelope[RuleMessage, RuleReply]] = []
            with trio.move_on_at(self._next_look) as self._pause:
                batch = await self._rules.mailbox.receive_batch(MESSAGES_MAX)
            for envelope in batch:
                await self._answer(envelope)
            if trio.current_time() >= self._next_look:
                self._next_look = math.inf
                await self._look_at_all()
                self._look_in(self._pause_s())
            elif batch:
                self._look_in(self._pause_s())

    def _look_in(self, pause_s: float) -> None:
        """Look again after so long, or before if that was wanted already."""
        self._next_look = min(self._next_look, trio.current_time() + pause_s)
        self._pause.deadline = self._next_look

    # --- looking -----------------------------------------------------------------------------

    async def _look_at_all(self) -> None:
        self._rules.looks += 1
        unfinished, self._unfinished = self._unfinished, []
        for firing in unfinished:
            self._send_soon(firing, resumed=True)
        rules_at: dict[TradingPlace, list[Rule]] = {}
        for rule in self._rules.armed.values():
            if self._may_look_at(rule):
                rules_at.setdefault(self._around.place_of(rule.purse), []).append(rule)
        for place, rules in rules_at.items():
            # What cannot be asked now is asked at the next look; nothing was written.
            with contextlib.suppress(Overloaded):
                sight = await self._see(place, rules)
                for rule in rules:
                    if self._may_look_at(rule):
                        await self._look_at(rule, sight)

    def _may_look_at(self, rule: Rule) -> bool:
        """Not where another one has paused it in this look, nor while its account sends."""
        if rule.account_id in self._outgoing:
            self._passed_over.add(rule.account_id)
            return False
        return rule.rule_id in self._rules.armed

    async def _see(self, place: TradingPlace, rules: list[Rule]) -> Sight:
        """What there is to see at a place for its rules. Raises: Overloaded."""
        now_ns, holdings = self._around.now_ns(), None
        if any(watches_prices(rule.terms.when) for rule in rules):
            purses = {rule.purse: None for rule in rules if watches_purse(rule.terms.when)}
            try:
                holdings = await self._holdings(place, tuple(purses))
            except Rejection:
                await self._pause_homeless(place, rules)
                raise Overloaded from None  # The next look sees the others.
        whens = [rule.terms.when for rule in rules]
        wanted = [when for when in whens if isinstance(when, IndicatorReaches)]
        readings = self._readings.setdefault(place, Readings(place))
        return Sight(
            now_ns=now_ns,
            holdings=holdings,
            instruments=place.directory,
            readings=await readings.read(wanted, now_ns),
        )

    async def _pause_homeless(self, place: TradingPlace, rules: list[Rule]) -> None:
        """Pause rules of purses that are gone, as when the exchange of paper has begun anew.

        One of them must not keep all others from being looked at. Raises: Overloaded.
        """
        for rule in rules:
            try:
                await self._holdings(place, (rule.purse,))
            except Rejection as gone:
                logger.warning("rule {} is paused: {}", rule.rule_id, gone.message)
                paused = attrs.evolve(rule, state=RuleState.PAUSED, cause=gone.message)
                await self._change(paused)

    async def _holdings(self, place: TradingPlace, purses: tuple[Purse, ...]) -> Holdings:
        """How purses stand. Raises: Overloaded, also where nobody answers; Rejection."""
        query = HoldingsQuery(purses, self._around.now_ns())
        try:
            with trio.fail_after(ANSWER_S_MAX):
                return await place.exchange.query(query)
        except (Expired, Closed, trio.TooSlowError):
            raise Overloaded from None

    def _pause_s(self) -> float:
        """How long nothing is due."""
        now_ns = self._around.now_ns()
        times = [next_look_ns(rule, now_ns) for rule in self._rules.armed.values()]
        soonest_ns = min((at_ns for at_ns in times if at_ns is not None), default=None)
        if soonest_ns is None:
            return LOOK_S_MAX
        return min(LOOK_S_MAX, max(LOOK_S_MIN, (soonest_ns - now_ns) / NS_PER_S))

    async def _look_at(self, rule: Rule, sight: Sight) -> None:
        now_ns = sight.now_ns
        if rule.terms.ends_at_ns and now_ns >= rule.terms.ends_at_ns:
            await self._change(_ended(rule, "its time was over"))
            return
        looked = look(rule, sight)
        moved = attrs.evolve(rule, memory=looked.memory)
        match looked.verdict:
            case None:
                await self._remember(rule, moved)
            case Passes() as passes:
                self._rules.missed += 1
                await self._write_firing(
                    attrs.evolve(moved, firings=rule.firings + 1),
                    _firing(moved, passes, FiringState.MISSED, now_ns),
                )
            case Fires() as fires:
                await self._fire(moved, fires, now_ns)
            case _:
                assert_never(looked.verdict)

    async def _remember(self, rule: Rule, moved: Rule) -> None:
        """Keep what a look has changed; a height that moves all the time only now and then."""
        if moved == rule and rule.rule_id not in self._unnoted:
            return
        only_height = attrs.evolve(moved.memory, high_units=rule.memory.high_units) == rule.memory
        if only_height and trio.current_time() < self._noted.get(rule.rule_id, -math.inf) + NOTE_S:
            self._rules.armed[rule.rule_id] = moved
            self._unnoted.add(rule.rule_id)
            return
        self._noted[rule.rule_id] = trio.current_time()
        await self._change(moved)

    async def _fire(self, rule: Rule, fires: Fires, now_ns: int) -> None:
        """Write down what is sent and why, then send it."""
        memory = attrs.evolve(rule.memory, fired=rule.memory.fired + 1)
        fired = attrs.evolve(rule, firings=rule.firings + 1, memory=memory)
        if rule.terms.max_firings and memory.fired >= rule.terms.max_firings:
            fired = _ended(fired, f"it has fired {memory.fired} times")
        firing = _firing(rule, fires, FiringState.SENDING, now_ns)
        try:
            plan = await self._plan(rule, firing.number, fires.stage)
        except Rejection as rejection:
            explanation = f"{fires.explanation}; nothing was sent: {rejection.message}"
            firing = attrs.evolve(firing, state=FiringState.REFUSED, explanation=explanation)
        else:
            firing = _planned(firing, plan)
        if not await self._write_firing(fired, firing, self._stopped_by(rule)):
            return
        if firing.state is FiringState.REFUSED:
            self._rules.refused += 1
            return
        self._rules.fired += 1
        if firing.state is FiringState.SENDING:
            self._send_soon(firing, resumed=False)

    async def _plan(self, rule: Rule, number: int, stage: int) -> Plan:
        """What is sent. Raises: Rejection, Overloaded; nothing was written."""
        try:
            against = await self._around.impediments(rule.account_id)
        except Expired:
            raise Overloaded from None
        if against:
            raise Rejection(
                Reason.RULE_STATE, f"the account is {' and '.join(against)}", field="account"
            )
        place = self._around.place_of(rule.purse)
        holdings = await self._holdings(place, (rule.purse,))
        return plan_commands(rule, number, stage, holdings, place.directory)

    def _stopped_by(self, rule: Rule) -> tuple[Rule, ...]:
        """The other rules of a purse, paused, when everything in it is stopped."""
        if not isinstance(rule.terms.then, StopAll):
            return ()
        return tuple(
            attrs.evolve(other, state=RuleState.PAUSED, cause=f"rule {rule.name} stopped all")
            for other in self._rules.armed.values()
            if other.purse == rule.purse and other.rule_id != rule.rule_id
        )

    def _send_soon(self, firing: Firing, *, resumed: bool) -> None:
        """Have a firing sent, after what its account sends already."""
        account_id = firing.account_id
        waiting = self._outgoing.get(account_id)
        if waiting is not None:
            waiting.append((firing, resumed))
            return
        self._outgoing[account_id] = deque([(firing, resumed)])
        self._senders.start_soon(self._send_all_of, account_id)

    async def _send_all_of(self, account_id: AccountId) -> None:
        waiting, all_sent = self._outgoing[account_id], True
        async with self._room:
            while waiting:
                firing, resumed = waiting.popleft()
                try:
                    await self._send(firing, resumed=resumed)
                except Closed:  # The exchange has stopped, or starts again.
                    # The others keep their places behind it.
                    self._unfinished += [firing, *(each for each, _ in waiting)]
                    waiting.clear()
                    all_sent = False
        del self._outgoing[account_id]
        if all_sent:
            self._withdrawn.pop(account_id, None)
        if account_id in self._passed_over:
            self._passed_over.discard(account_id)
            if all_sent:  # An exchange that is not there is not asked again and again.
                self._look_in(0.0)

    async def _send(self, firing: Firing, *, resumed: bool) -> None:
        """Send what waits of a firing. Raises: Closed, with nothing lost."""
        wanted = partial(self._is_wanted, firing)
        stopped = {
            step.command.purse
            for step in firing.steps
            if isinstance(step.command, (CancelAll, Flatten))
            and step.state is StepState.WAITING
            and (resumed or wanted())
        }
        for purse in sorted(stopped):
            # Before anything is sold: a strategy could buy it back.
            await self._around.pause_strategies(purse, "a rule stops everything in its purse")
        sent = await send_steps(firing, self._around, resumed=resumed, wanted=wanted)
        await self._records.write(partial(rule_book.close_firing, firing=sent))
        logger.info("rule {} fired: {}", firing.rule_id, sent.state.name.lower())

    async def _stop(self, rule: Rule) -> Rule:
        """Keep that its owner stopped a rule, and let nothing begin that it has fired."""
        # Its state alone does not tell: it may be armed again, or have ended by itself.
        memory = attrs.evolve(rule.memory, withdrawn=rule.firings)
        stopped = await self._change(attrs.evolve(rule, memory=memory))
        self._withdraw(stopped)
        return stopped

    def _withdraw(self, rule: Rule) -> None:
        """Let nothing begin that the rule had fired when its owner stopped it."""
        busy = rule.account_id in self._outgoing
        if busy or any(each.account_id == rule.account_id for each in self._unfinished):
            self._withdrawn.setdefault(rule.account_id, {})[rule.rule_id] = rule.memory.withdrawn

    def _is_wanted(self, firing: Firing) -> bool:
        withdrawn = self._withdrawn.get(firing.account_id, {})
        return firing.number > withdrawn.get(firing.rule_id, 0)

    async def _write_firing(
        self, rule: Rule, firing: Firing, paused: tuple[Rule, ...] = ()
    ) -> bool:
        """Keep how rules stand together with what follows; False when the rule is gone."""
        work = partial(rule_book.fire_rule, rule=rule, firing=firing, paused=paused)
        known = await self._records.write(work)
        for each in (rule, *paused):
            self._keep(each, known=known)
        return known

    async def _change(self, rule: Rule) -> Rule:
        known = await self._records.write(partial(rule_book.change_rule, rule=rule))
        self._keep(rule, known=known)
        return rule

    def _keep(self, rule: Rule, *, known: bool) -> None:
        self._unnoted.discard(rule.rule_id)
        if known and rule.state is RuleState.ARMED:
            self._rules.armed[rule.rule_id] = rule
        else:
            self._rules.armed.pop(rule.rule_id, None)
            self._noted.pop(rule.rule_id, None)

    # --- answering ---------------------------------------------------------------------------

    async def _answer(self, envelope: Envelope[RuleMessage, RuleReply]) -> None:
        result: outcome.Outcome[RuleReply] = outcome.Error(Closed())
        try:
            result = outcome.Value(await self._do(envelope.message))
        except (Rejection, Overloaded) as refusal:
            result = outcome.Error(refusal)
        finally:
            envelope.answer(result)

    async def _do(self, message: RuleMessage) -> RuleReply:
        match message:
            case CreateRule():
                return await self._create(message)
            case ArmRule():
                return await self._arm(message)
            case PauseRule():
                rule = await self._rule(message.account_id, message.rule_id)
                _check_state(rule, RuleState.ARMED, RuleState.PAUSED)
                armed = rule.state is RuleState.ARMED
                paused = attrs.evolve(rule, state=RuleState.PAUSED, cause=OWNER_PAUSED)
                return await self._stop(paused if armed else rule)
            case EndRule():
                rule = await self._rule(message.account_id, message.rule_id)
                over = rule.state is RuleState.ENDED
                return await self._stop(rule if over else _ended(rule, OWNER_ENDED))
            case NoteRehearsal():
                rule = await self._rule(message.account_id, message.rule_id)
                return await self._change(attrs.evolve(rule, rehearsed_at_ns=message.at_ns))
            case GetRule():
                return await self._rule(message.account_id, message.rule_id)
            case ListRules():
                page = partial(
                    rule_book.rules_of,
                    account_id=message.account_id,
                    before=message.before,
                    limit=message.limit,
                )
                return RulesFound(rules=tuple(await self._records.read(page)))
            case ListFirings():
                return await self._list_firings(message)
            case FindFiring():
                find = partial(
                    rule_book.firing_of_order,
                    purse=message.purse,
                    order_id=message.order_id,
                )
                found = await self._records.read(find)
                rule_found, firing = found or (None, None)
                return FiringFound(rule=rule_found, firing=firing)
            case _:
                assert_never(message)

    async def _create(self, message: CreateRule) -> Rule:
        known = await self._records.read(
            partial(
                rule_book.find_request,
                account_id=message.account_id,
                request_id=message.request_id,
            )
        )
        if known is not None:
            return _same(known, message)
        check_name(message.name)
        now_ns, place = self._around.now_ns(), self._around.place_of(message.purse)
        check_terms(message.terms, place.directory, now_ns)
        # There is no rule of a purse that is not there.
        await self._holdings(place, (message.purse,))
        count = await self._records.read(
            partial(rule_book.count_rules, account_id=message.account_id)
        )
        if count >= RULES_PER_ACCOUNT_MAX:
            raise _full("the account has all the rules it may have", RULES_PER_ACCOUNT_MAX)
        rule = Rule(
            number=0,
            rule_id=RuleId(self._around.entropy(RULE_ID_BYTES).hex()),
            account_id=message.account_id,
            purse=message.purse,
            request_id=message.request_id,
            name=message.name,
            terms=message.terms,
            state=RuleState.DRAFT,
            cause="",
            created_at_ns=now_ns,
            armed_at_ns=0,
            rehearsed_at_ns=0,
            firings=0,
            memory=Memory(),
        )
        return await self._records.write(partial(rule_book.add_rule, rule=rule))

    async def _arm(self, message: ArmRule) -> Rule:
        rule = await self._rule(message.account_id, message.rule_id)
        _check_state(rule, RuleState.DRAFT, RuleState.PAUSED, RuleState.ARMED)
        if rule.state is RuleState.ARMED:
            return rule
        if not rule.rehearsed_at_ns and not message.unrehearsed:
            raise Rejection(
                Reason.RULE_STATE,
                "see first what it would have done",
                field="unrehearsed",
                given="never rehearsed",
                allowed="a rule that was rehearsed, or unrehearsed",
            )
        now_ns = self._around.now_ns()
        check_terms(rule.terms, self._around.place_of(rule.purse).directory, now_ns)
        if len(self._rules.armed) >= ARMED_RULES_MAX:
            raise _full("the house has all the armed rules it can look at", ARMED_RULES_MAX)
        return await self._change(
            attrs.evolve(
                rule,
                state=RuleState.ARMED,
                cause="",
                armed_at_ns=now_ns,
                memory=armed_memory(rule.memory, now_ns),
            )
        )

    async def _list_firings(self, message: ListFirings) -> FiringsFound:
        rule = await self._rule(message.account_id, message.rule_id)
        page = partial(
            rule_book.firings_of,
            rule_id=rule.rule_id,
            before=message.before,
            limit=message.limit,
        )
        return FiringsFound(firings=tuple(await self._records.read(page)))

    async def _rule(self, account_id: AccountId, rule_id: RuleId) -> Rule:
        """A rule of an account. Raises: Rejection UNKNOWN_RULE, also for another's."""
        # Of an armed one more is remembered than is written down.
        rule = self._rules.armed.get(rule_id) or await self._records.read(
            partial(rule_book.find_rule, rule_id=rule_id)
        )
        if rule is None or rule.account_id != account_id:
            raise Rejection(
                Reason.UNKNOWN_RULE,
                "there is no such rule",
                field="rule_id",
                given=rule_id[:40],
                allowed="the id of a rule of yours",
            )
        return rule


def _firing(rule: Rule, verdict: Fires | Passes, state: FiringState, now_ns: int) -> Firing:
    return Firing(
        rule_id=rule.rule_id,
        number=rule.firings + 1,
        account_id=rule.account_id,
        state=state,
        due_at_ns=verdict.due_at_ns,
        decided_at_ns=now_ns,
        explanation=verdict.explanation,
        facts=verdict.facts if isinstance(verdict, Fires) else (),
        steps=(),
    )


def _planned(firing: Firing, plan: Plan) -> Firing:
    """The firing with what it will send; done where that is nothing."""
    explanation = "; ".join(filter(None, (firing.explanation, plan.remark)))
    return attrs.evolve(
        firing,
        state=FiringState.SENDING if plan.commands else FiringState.DONE,
        explanation=explanation,
        facts=(*firing.facts, *plan.facts),
        steps=tuple(Step(command=command) for command in plan.commands),
    )


def _ended(rule: Rule, cause: str) -> Rule:
    return attrs.evolve(rule, state=RuleState.ENDED, cause=cause)


def _same(known: Rule, message: CreateRule) -> Rule:
    """The rule that a repeated request has made. Raises: Rejection ID_REUSED."""
    if (known.purse, known.name, known.terms) != (message.purse, message.name, message.terms):
        raise Rejection(
            Reason.ID_REUSED,
            "this request_id has made another rule",
            field="request_id",
            given=message.request_id,
            allowed="an id that was not used",
        )
    return known


def _check_state(rule: Rule, *allowed: RuleState) -> None:
    if rule.state not in allowed:
        raise Rejection(
            Reason.RULE_STATE,
            "the rule is not in a state for this",
            field="rule_id",
            given=rule.state.name,
            allowed=", ".join(state.name for state in allowed),
        )


def _full(message: str, most: int) -> Rejection:
    return Rejection(
        Reason.RULES_FULL, message, field="rule", given=str(most + 1), allowed=f"at most {most}"
    )
