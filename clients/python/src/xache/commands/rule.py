"""Rules of one's own: when this, then that."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.text import Text

from xache.client import Client
from xache.commands.market import INTERVALS
from xache.commands.options import (
    NO_OPTIONS,
    NO_PURSE_OPTIONS,
    Count,
    Flag,
    Options,
    PurseOptions,
    usage,
)
from xache.commands.rule_terms import NO_RULE_TERMS, RuleTermsOptions, then_text, when_text
from xache.output import Cell, Output, json_value, moment, word
from xache.v1 import automation_pb2

app = App(
    name="rule",
    help="Rules of your own: when this, then that.",
    result_action="return_value",
)

_STYLES = {
    automation_pb2.RULE_STATE_ARMED: "bold green",
    automation_pb2.RULE_STATE_PAUSED: "yellow",
    automation_pb2.RULE_STATE_ENDED: "dim",
}


@app.command
def add(
    name: str,
    /,
    terms: RuleTermsOptions = NO_RULE_TERMS,
    *,
    arm_it: Annotated[bool, Parameter(name="--arm", negative="")] = False,
    request_id: Annotated[str, Parameter(name="--id")] = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Keep a rule as a draft: say when it fires and what it then does.

    xache rule add weekly --cron "0 9 * * mon" --buy BTC-USDT --quote 50

    Args:
        name: what to call it.
        arm_it: arm it at once, though nobody saw what it would do.
        request_id: repeat with the same to make it at most once; made when left out.
    """
    message = terms.message()
    with options.connected() as (client, output):
        rule = client.automation.create(
            name, message, subaccount=options.subaccount, request_id=request_id
        )
        if arm_it:
            rule = client.automation.arm(rule.rule_id, unrehearsed=True)
        _show(output, rule)
        if not arm_it and not output.as_json:
            output.note(f"See what it would have done: xache rule rehearse {name}")
            output.note(f"It does nothing until you arm it: xache rule arm {name}")


@app.command(name="list")
def list_(
    *,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    options: Options = NO_OPTIONS,
) -> None:
    """List your rules, newest first.

    Args:
        every: those that have ended too.
    """
    with options.connected() as (client, output):
        rules = [
            rule
            for rule in client.automation.rules()
            if every or rule.state != automation_pb2.RULE_STATE_ENDED
        ]
        if output.as_json:
            output.document({"rules": [json_value(rule) for rule in rules]})
            return
        if not rules:
            output.note("None. Make one with: xache rule add")
            return
        output.table(
            ["rule", "name", "purse", "state", "when", "then", ">fired", "due next (UTC)"],
            [_row(rule) for rule in rules],
        )


@app.command
def show(rule: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Show one rule.

    Args:
        rule: its id or its name.
    """
    with options.connected() as (client, output):
        _show(output, _find(client, rule))


@app.command
def rehearse(
    rule: str,
    /,
    *,
    interval: Annotated[
        Literal["1m", "5m", "15m", "1h", "1d"], Parameter(show_default=True)
    ] = "1h",
    limit: Count = 1_000,
    venue: str = "",
    funds: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Tell what a rule would have done over candles of the past, at a pretended exchange.

    The decisions are those of the armed rule. There is no spread and no depth: the truth is a
    little worse.

    Args:
        rule: its id or its name.
        interval: how long a candle is; a rule that watches an indicator takes that one's.
        limit: so many of the newest candles, up to 5000.
        venue: whose candles; those of the house when left out.
        funds: begin with so much of the quote asset instead of what the purse has.
    """
    with options.connected() as (client, output):
        told = client.automation.rehearse(
            _find(client, rule).rule_id,
            INTERVALS[interval],
            limit=limit,
            venue=venue.upper(),
            quote_funds=funds,
        )
        if output.as_json:
            output.document(told)
            return
        if not told.candles:
            output.note("There are no candles to try it on: nothing was shown.")
            return
        for firing in told.firings:
            output.line((f"{moment(firing.at_ns)}  ", "bold"), firing.explanation)
            for fact in firing.facts:
                output.line(f"     {fact.name}: ", (fact.value, "dim"))
            for step in firing.steps:
                output.line(f"     {step.sent}: ", (step.answer, "bold"))
        output.facts(
            [
                ("past", f"{moment(told.from_ns)} to {moment(told.to_ns)} UTC"),
                ("would have fired", f"{told.fired} times"),
                ("worth at the end", f"{told.worth} {told.asset}"),
                ("without the rule", f"{told.worth_without} {told.asset}"),
            ]
        )


@app.command
def arm(rule: str, /, *, unrehearsed: Flag = False, options: Options = NO_OPTIONS) -> None:
    """Let a rule fire from now on.

    Args:
        rule: its id or its name.
        unrehearsed: though nobody saw what it would have done.
    """
    with options.connected() as (client, output):
        rule_id = _find(client, rule).rule_id
        _show(output, client.automation.arm(rule_id, unrehearsed=unrehearsed))


@app.command
def pause(rule: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Let a rule not fire until it is armed again. Its open orders stay.

    Args:
        rule: its id or its name.
    """
    with options.connected() as (client, output):
        _show(output, client.automation.pause(_find(client, rule).rule_id))


@app.command
def end(rule: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Let a rule never fire again. It can still be read.

    Args:
        rule: its id or its name.
    """
    with options.connected() as (client, output):
        _show(output, client.automation.end(_find(client, rule).rule_id))


@app.command
def firings(rule: str, /, *, limit: Count = 20, options: Options = NO_OPTIONS) -> None:
    """Tell what a rule has fired, newest first: why, what was sent, and the answer.

    Args:
        rule: its id or its name.
        limit: at most so many.
    """
    with options.connected() as (client, output):
        found = list(islice(client.automation.firings(_find(client, rule).rule_id), limit))
        if output.as_json:
            output.document({"firings": [json_value(each) for each in found]})
            return
        if not found:
            output.note("It has not fired yet.")
        for firing in found:
            for line in _firing_lines(firing):
                output.line(*line)


def _find(client: Client, named: str) -> automation_pb2.Rule:
    """A rule by its id or its name. Raises: SystemExit, XacheError."""
    if len(named) == 16 and all(each in "0123456789abcdef" for each in named):
        return client.automation.get(named)
    found = [rule for rule in client.automation.rules() if rule.name == named]
    living = [rule for rule in found if rule.state != automation_pb2.RULE_STATE_ENDED] or found
    if not living:
        raise usage(f"There is no rule {named!r}: xache rule list --all")
    if len(living) > 1:
        ids = ", ".join(rule.rule_id for rule in living)
        raise usage(f"Several rules are called {named!r}; give one of {ids}.")
    return living[0]


def _row(rule: automation_pb2.Rule) -> list[Cell]:
    return [
        rule.rule_id,
        Text(rule.name, "bold"),
        rule.subaccount,
        _state(rule),
        when_text(rule.terms),
        then_text(rule.terms),
        str(rule.fired),
        moment(rule.next_due_ns) if rule.next_due_ns else "",
    ]


def _state(rule: automation_pb2.Rule) -> Text:
    return Text(word(automation_pb2.RuleState, rule.state), _STYLES.get(rule.state, ""))


def _show(output: Output, rule: automation_pb2.Rule) -> None:
    if output.as_json:
        output.document(rule)
        return
    facts: list[tuple[str, Cell]] = [
        ("rule", rule.rule_id),
        ("name", Text(rule.name, "bold")),
        ("purse", rule.subaccount),
        ("state", _state(rule)),
        ("when", when_text(rule.terms)),
        ("then", then_text(rule.terms)),
        ("fired", f"{rule.fired} times"),
    ]
    if rule.cause:
        facts.append(("because", rule.cause))
    if rule.fired_at_ns:
        facts.append(("last fired", f"{moment(rule.fired_at_ns)} UTC"))
    if rule.next_due_ns:
        facts.append(("due next", f"{moment(rule.next_due_ns)} UTC"))
    output.facts(facts)


def _firing_lines(firing: automation_pb2.Firing) -> Iterator[tuple[Cell | tuple[str, str], ...]]:
    state = word(automation_pb2.FiringState, firing.state)
    yield (f"{firing.number}  ", (f"{state}  ", "bold"), firing.explanation)
    for fact in firing.facts:
        yield (f"     {fact.name}: ", (fact.value, "dim"))
    for step in firing.steps:
        order = f" order {step.order_id}" if step.order_id else ""
        yield (f"     {step.sent}: ", (step.answer or "no answer yet", "bold"), (order, "dim"))
