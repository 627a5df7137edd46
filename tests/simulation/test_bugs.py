"""The checkers are checked: bugs made on purpose are caught, each by the checker it is meant for.

Every test breaks one thing in the daemon and runs a few seeds until one fails. Without the bug the
same seeds pass: they are among those of test_seeds.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import apsw
import attrs
import pytest
import trio

from xached.actors.matching import MatchingActor
from xached.actors.rules.actor import _Actor as RulesActor
from xached.actors.strategies.leftovers import Leftovers
from xached.automation.ordering import Plan, plan_commands
from xached.automation.rule import Firing, Rule
from xached.domain import snapshot
from xached.domain.book import Book
from xached.domain.exchange import Exchange
from xached.domain.instrument import is_paper
from xached.domain.ledger import Ledger
from xached.domain.messages import Deposited, Row
from xached.domain.order import MAIN, Side, account_of, make_purse
from xached.domain.paper_liquidity import PaperLiquidity
from xached.runtime.supervise import Health, Run, run_expendable, run_vital
from xached.runtime.topic import Topic
from xached.simulation.run import Failed, simulate
from xached.storage import rule_book
from xached.storage.journal import Journal
from xached.storage.views import Views

SEEDS = range(1, 41)
STEPS = 300


def caught_by(steps: int = STEPS, seeds: Iterable[int] = SEEDS) -> str:
    """The checker that fires first."""
    for seed in seeds:
        try:
            simulate(seed, steps)
        except Failed as failed:
            return failed.checker
    return "nobody"


def test_money_from_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    settle = Ledger.settle

    def generous(self: Ledger, buyer: Any, seller: Any, **amounts: int) -> None:
        settle(self, buyer, seller, **amounts)
        account = next(iter(self._fees.values()))
        account.units += 1

    monkeypatch.setattr(Ledger, "settle", generous)
    assert caught_by() == "zero sum"


def test_a_hold_that_is_not_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order ends, its money stays held; all accounts still sum to zero."""

    def forget(self: Ledger, order_id: Any, units: int) -> None:
        hold = self._holds.pop(order_id)
        assert hold.units == units

    monkeypatch.setattr(Ledger, "close_hold", forget)
    assert caught_by() == "holds"


def test_a_book_that_is_not_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new level goes to the end of its side, wherever its price belongs."""
    monkeypatch.setattr("xached.domain.book.insort", lambda keys, key: keys.append(key))
    # Taking a level out may also miss it, and end the daemon.
    assert caught_by() in {"book", "priority", "the daemon"}


def test_an_armed_stream_that_ends_without_consequences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xached.domain.disconnecting.in_scope", lambda _orders, _scope: ())
    assert caught_by() == "protected"


def test_owners_who_trade_with_their_group(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is of one group is known, and no taker looks at it."""
    monkeypatch.setattr(
        "xached.domain.placing.own_prefixes", lambda _state, purse: purse.partition("/")[0] + "/"
    )
    assert caught_by() == "protected"


def test_last_come_first_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only time priority is broken: the book stays sorted, uncrossed and complete."""
    add = Book.add

    def push_in(self: Book, order_id: Any, side: Side, price_ticks: int, lots: int) -> None:
        add(self, order_id, side, price_ticks, lots)
        resting = self._orders[order_id]
        level = resting.level
        if level.head is resting:
            return
        previous = resting.previous
        assert previous is not None
        previous.next, level.tail = None, previous
        resting.previous, resting.next = None, level.head
        assert level.head is not None
        level.head.previous, level.head = resting, resting

    monkeypatch.setattr(Book, "add", push_in)
    assert caught_by() == "priority"


def test_an_answer_before_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are answered first and written afterwards: a crash in between forgets what was told."""
    commit = MatchingActor._commit

    async def hasty(self: MatchingActor) -> None:
        answers, self._answers = self._answers, []
        for answer in answers:
            answer()
        await commit(self)

    monkeypatch.setattr(MatchingActor, "_commit", hasty)
    assert caught_by() == "acknowledged"


def test_a_commit_that_is_not_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    """synchronous=NORMAL: the power takes what was acknowledged."""
    append = Journal.append

    def lazy(self: Journal, rows: Sequence[Row]) -> None:
        self._connection.authorizer = None
        self._connection.execute("PRAGMA synchronous = NORMAL")
        append(self, rows)

    monkeypatch.setattr(Journal, "append", lazy)
    # A snapshot may be newer than what is left of the journal: then the daemon does not start.
    assert caught_by(steps=1_000) in {"acknowledged", "the daemon"}


def test_a_row_that_is_not_published(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = Topic.publish
    counts: Counter[int] = Counter()  # Each exchange has a topic of its own.

    def forgetful(self: Topic[Any], items: Sequence[Any]) -> None:
        if items and isinstance(items[0], Row):
            counts[id(self)] += 1
            if counts[id(self)] % 50 == 0:
                items = items[1:]
        publish(self, items)

    monkeypatch.setattr(Topic, "publish", forgetful)
    # Somebody may have been told of the row that is missing.
    assert caught_by() in {"published", "acknowledged"}


def test_a_snapshot_that_forgets_something(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restoring loses the last price of a market, which no invariant knows."""
    load = snapshot.load

    def forgetful(dumped: snapshot.Dump) -> Any:
        state = load(dumped)
        for market in state.markets.values():
            market.last_ticks = None
        return state

    monkeypatch.setattr("xached.domain.exchange.load", forgetful)
    assert caught_by(steps=600) == "replay"


def test_apply_that_depends_on_more_than_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is applied live is another thing than what is applied from the journal."""
    decide = Exchange.decide

    def meddling(self: Exchange, *arguments: Any) -> Any:
        events = decide(self, *arguments)
        for market in self.state.markets.values():
            if market.last_ticks is not None:
                market.last_ticks += 1
        return events

    monkeypatch.setattr(Exchange, "decide", meddling)
    assert caught_by() == "replay"


def test_history_that_miscounts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deposits are left out, but not where all is made anew."""
    project = Views.project

    def careless(self: Views, rows: Sequence[Row]) -> None:
        # Live rows come a few at a time; what is made anew comes all at once.
        project(self, rows if len(rows) > 60 else [_without_deposits(row) for row in rows])

    monkeypatch.setattr(Views, "project", careless)
    assert caught_by() == "views"


def _without_deposits(row: Row) -> Row:
    return attrs.evolve(
        row, events=tuple(each for each in row.events if not isinstance(each, Deposited))
    )


def test_a_repeat_that_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids are not remembered: a repeated order is another order."""
    monkeypatch.setattr(MatchingActor, "_known_row", lambda *_: None)
    assert caught_by() in {"repeated", "the daemon"}


def test_a_log_that_is_not_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bug this simulation found: rows after a failed sync and a new start are lost."""
    monkeypatch.setattr("xached.house.recovery.settle", lambda _path, _files: None)
    assert caught_by(steps=1_000, seeds=range(1, 60)) in {"acknowledged", "the daemon"}


def test_a_dead_actor_that_nobody_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Liveness: history stops following and never says so."""

    async def idle(*_arguments: Any) -> None:
        await trio.sleep_forever()

    monkeypatch.setattr("xached.daemon.run_history", idle)
    assert caught_by() in {"views", "liveness"}


def test_an_assertion_in_the_exchange_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug that ends the daemon is found as such, not taken for a crash."""
    decide: Callable[..., Any] = Exchange.decide
    count = 0

    def break_down(self: Exchange, *arguments: Any) -> Any:
        nonlocal count
        count += 1
        assert count < 100, "the hundredth"
        return decide(self, *arguments)

    monkeypatch.setattr(Exchange, "decide", break_down)
    assert caught_by() == "the daemon"


def test_taking_from_a_worse_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan that skips the best order is one that price priority does not allow."""
    matches = Book.matches

    def skip(self: Book, taker_side: Side, limit_ticks: int) -> Any:
        found = list(matches(self, taker_side, limit_ticks))
        return iter(found[1:] if len(found) > 2 else found)

    monkeypatch.setattr(Book, "matches", skip)
    assert caught_by() in {"priority", "book"}


# --- paper ----------------------------------------------------------------------------------------


def test_a_paper_order_that_reaches_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls are not divided by purse."""
    monkeypatch.setattr("xached.api.paper.is_paper_purse", lambda _purse: False)
    assert caught_by() == "paper"


def test_a_venue_whose_orders_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the venue offered to one order is there for others, whatever became of it there."""
    monkeypatch.setattr(PaperLiquidity, "after", lambda *_: iter(()))
    assert caught_by() == "paper"


def test_a_paper_exchange_that_takes_the_daemon_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not supervised as something that the daemon can do without."""

    async def vital(name: str, run: Run, health: Health) -> None:
        await (run_vital if name == "paper" else run_expendable)(name, run, health)

    monkeypatch.setattr("xached.daemon.run_expendable", vital)
    assert caught_by(steps=600) == "the daemon"


def test_paper_rows_that_are_published_and_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    append = Journal.append

    def forgetful(self: Journal, rows: Sequence[Row]) -> None:
        on_paper = any(
            is_paper(each.asset)
            for row in rows
            for each in row.events
            if isinstance(each, Deposited)
        )
        append(self, rows[:-1] if on_paper else rows)

    monkeypatch.setattr(Journal, "append", forgetful)
    assert caught_by() in {"published", "replay", "chain"}


# --- rules and strategies -------------------------------------------------------------------------


def test_a_firing_that_is_written_down_after_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    fire = rule_book.fire_rule

    def forgetful(
        db: apsw.Connection, rule: Rule, firing: Firing, paused: tuple[Rule, ...] = ()
    ) -> bool:
        return fire(db, rule, attrs.evolve(firing, steps=()), paused)

    monkeypatch.setattr(rule_book, "fire_rule", forgetful)
    assert caught_by(steps=600) == "rules"


def test_a_rule_that_forgets_that_it_has_fired(monkeypatch: pytest.MonkeyPatch) -> None:
    """The firing is written down, and the rule stays as it was."""
    monkeypatch.setattr(rule_book, "change_rule", lambda *_: True)
    assert caught_by(steps=600) in {"rules", "liveness"}


def test_a_rule_that_goes_on_after_its_owner_stopped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its owner is told that it is paused; what is kept and looked at is another thing."""

    async def deaf(_self: RulesActor, rule: Rule) -> Rule:
        await trio.lowlevel.checkpoint()
        return rule

    monkeypatch.setattr(RulesActor, "_stop", deaf)
    assert caught_by(steps=600) == "rules"


def test_an_order_of_a_rule_in_another_purse(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(*arguments: Any) -> Plan:
        plan = plan_commands(*arguments)
        into = [
            attrs.evolve(each, purse=make_purse(account_of(each.purse), MAIN))
            for each in plan.commands
        ]
        return attrs.evolve(plan, commands=tuple(into))

    monkeypatch.setattr("xached.actors.rules.actor.plan_commands", generous)
    assert caught_by(steps=600) == "rules"


def test_rules_that_a_new_start_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is armed is looked at by the daemon that has armed it, and by no later one."""
    monkeypatch.setattr(rule_book, "armed_rules", lambda _db: [])
    assert caught_by() == "liveness"


def test_a_strategy_that_leaves_its_orders_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is cancelled when a run ends, or begins after a crash."""

    async def idle(*_arguments: Any) -> None:
        await trio.lowlevel.checkpoint()

    monkeypatch.setattr("xached.actors.strategies.actor.insist", idle)
    monkeypatch.setattr(Leftovers, "cancel", idle)
    assert caught_by() == "leftovers"
