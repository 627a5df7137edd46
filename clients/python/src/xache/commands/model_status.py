"""The models of a house: when they were last trained and why not, and to train one now."""

from __future__ import annotations

from typing import Final

from cyclopts import App

from xache.commands.options import NO_OPTIONS, Options
from xache.commands.research import model
from xache.output import json_value, moment
from xache.v1 import signal_pb2

DIGEST_SHOWN: Final = 12

app: App = model
"""The commands of models: this one asks a house, the others need none."""


@app.command
def status(*, options: Options = NO_OPTIONS) -> None:
    """Tell how the models of a house stand: when each was last trained, and why not."""
    with options.connected() as (client, output):
        models = client.signals.models()
        if output.as_json:
            output.document({"models": [json_value(each) for each in models]})
            return
        if not models:
            output.line("This house trains no models.")
            return
        output.table(
            ["model", "market", "in force", "knows up to", "may", "next training"],
            [_row(each) for each in models],
        )
        output.line("")
        for each in models:
            output.line(f"{each.name}: {_told(each)}")


@app.command
def retrain(name: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Have a house train a model now, before its time; operators and administrators may.

    Args:
        name: its name; see xache model status.
    """
    with options.connected() as (client, output):
        client.signals.train(name)
        if output.as_json:
            output.document({"name": name})
            return
        output.line(f"{name} will be trained; xache model status tells what came of it.")


def _row(each: signal_pb2.Model) -> list[str]:
    held = each.in_force
    market = f"{each.symbol} {each.venue} {each.interval}"
    following = "now" if each.training else moment(each.next_at_ns) if each.next_at_ns else "never"
    if not held.digest:
        return [each.name, market, "none", "", "", following]
    return [
        each.name,
        market,
        held.digest[:DIGEST_SHOWN],
        moment(held.labels_end_ns),
        "trade" if held.may_trade else f"advise: {held.advice}",
        following,
    ]


def _told(each: signal_pb2.Model) -> str:
    if each.fault:
        return f"no answer from training: {each.fault}"
    last = each.last_attempt
    if not last.at_ns:
        return "never trained yet"
    verb = "replaced" if last.replaced else "not replaced"
    return f"last trained {moment(last.at_ns)}, {verb}: {last.outcome}"
