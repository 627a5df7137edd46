"""How the reasons of an order are shown."""

from __future__ import annotations

import json
from typing import Final

from xache.order_view import show_order
from xache.output import Cell, Output, moment, word
from xache.v1 import market_pb2, strategy_pb2

DIGEST_SHOWN: Final = 16
DIGITS: Final = 6
"""Figures are shown with so many significant digits; --json tells all."""
SETTING_SHOWN: Final = 200
"""Of a setting so many characters are shown."""


def show_explanation(
    output: Output,
    told: strategy_pb2.ExplainOrderResponse,
    listed: market_pb2.ListInstrumentsResponse,
) -> None:
    """Print why an order was placed, on what, and how it stands."""
    output.line((told.summary, "bold"))
    show_order(output, told.order, told.fills, listed)
    facts: list[tuple[str, Cell]] = []
    if told.HasField("run"):
        facts += _run_facts(told.run)
    if told.HasField("reason"):
        facts += _reason_facts(told.reason)
    if told.HasField("rule"):
        facts += _rule_facts(told.rule)
    if facts:
        output.line("")
        output.facts(facts)
    if told.reason.HasField("model"):
        _show_model(output, told.reason.model)


def _run_facts(run: strategy_pb2.StrategyRun) -> list[tuple[str, Cell]]:
    made_by = " ".join(each for each in (run.distribution, run.version) if each)
    plugin = f"{run.plugin} of {made_by}" if made_by else run.plugin
    if run.plugin_digest:
        plugin += f"  sha256 {run.plugin_digest[:DIGEST_SHOWN]}"
    return [
        ("strategy", run.strategy),
        ("plugin", plugin),
        ("settings", f"sha256 {run.settings_digest[:DIGEST_SHOWN]}"),
        *(("", each) for each in _settings_lines(run.settings_json)),
        ("run", f"{run.run_id} since {moment(run.started_at_ns)} UTC"),
    ]


def _settings_lines(settings_json: str) -> list[str]:
    """A line for each setting of a run."""
    if not settings_json:
        return ["not known: the run began before they were kept"]
    values: dict[str, object] = json.loads(settings_json)
    texts = {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in values.items()
    }
    return [f"{name} = {_shortened(text)}" for name, text in texts.items()] or ["none given"]


def _shortened(text: str) -> str:
    if len(text) <= SETTING_SHOWN:
        return text
    return f"{text[:SETTING_SHOWN]}… ({len(text):,} characters, all of them with --json)"


def _reason_facts(reason: strategy_pb2.OrderReason) -> list[tuple[str, Cell]]:
    decided = f"{moment(reason.decided_at_ns)} UTC, {reason.input:,} messages into the run"
    facts: list[tuple[str, Cell]] = [("decided", decided)]
    for number, seen in enumerate(reason.seen):
        facts.append(("had seen" if not number else "", _seen_text(seen)))
    facts += [(f"signal {each.signal} {each.name}", _heard_text(each)) for each in reason.signals]
    facts += [(each.name, _figure(each.value)) for each in reason.figures]
    return facts


def _rule_facts(rule: strategy_pb2.RuleOrder) -> list[tuple[str, Cell]]:
    firing = rule.firing
    return [
        ("rule", f"{rule.name}  firing {firing.number}"),
        ("decided", f"{moment(firing.decided_at_ns)} UTC"),
        *((fact.name, fact.value) for fact in firing.facts),
    ]


def _heard_text(heard: strategy_pb2.SignalHeard) -> str:
    sure = f", confidence {_figure(heard.confidence)}" if heard.HasField("confidence") else ""
    return (
        f"{_figure(heard.value)}{sure}, as of {moment(heard.as_of_ns)} UTC, "
        f"until {moment(heard.expires_at_ns)}"
    )


def _seen_text(seen: strategy_pb2.MarketDataSeen) -> str:
    kind = word(strategy_pb2.SeenKind, seen.kind)
    if seen.interval_s:
        kind += f" of {seen.interval_s} s"
    return f"{kind} of {seen.symbol} at {seen.venue} up to {moment(seen.at_ns)} UTC"


def _show_model(output: Output, model: strategy_pb2.ModelReason) -> None:
    """A table of what each feature added; the last rows make up the score."""
    named = sum(each.added for each in model.weights)
    rest = model.score - model.base - named
    rows = [
        (
            f"  {each.feature}",
            _figure(each.value) if each.HasField("value") else "missing",
            f"{each.added:+.4f}",
        )
        for each in model.weights
    ]
    if abs(rest) >= 0.5e-4:
        rows.append(("  all others", "", f"{rest:+.4f}"))
    rows.append(("  nothing known", "", f"{model.base:+.4f}"))
    rows.append(("  score", "", f"{model.score:+.4f}"))
    output.line("")
    output.line(("model ", "bold"), model.digest[:DIGEST_SHOWN])
    output.table(["  feature", ">value", ">added to the score"], rows)


def _figure(value: float) -> str:
    return f"{value:.{DIGITS}g}"
