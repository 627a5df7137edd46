"""The signals that a house runs, and what they say."""

from __future__ import annotations

from xache.commands.options import NO_OPTIONS, Options
from xache.output import json_value, moment
from xache.v1 import signal_pb2


def signals(*, options: Options = NO_OPTIONS) -> None:
    """Show what the signals of a house say now, as of when, and why one says nothing."""
    with options.connected() as (client, output):
        listed = client.signals.signals()
        if output.as_json:
            output.document({"signals": [json_value(each) for each in listed]})
            return
        if not listed:
            output.line("This house runs no signals.")
            return
        output.table(
            ["signal", "plugin", "markets", "value", "is", "confidence", "as of", "until"],
            [row for each in listed for row in _rows(each)],
        )
        for each in listed:
            if each.why:
                output.line(f"{each.name}: {each.why}")


def _rows(each: signal_pb2.Signal) -> list[list[str]]:
    head = [each.name, f"{each.plugin} {each.version}".strip(), ", ".join(each.symbols)]
    if not each.values:
        return [[*head, "", "absent", "", "", ""]]
    return [
        [
            *head,
            value.name,
            f"{value.value:g}",
            f"{value.confidence:.0%}" if value.HasField("confidence") else "",
            moment(value.as_of_ns),
            moment(value.expires_at_ns),
        ]
        for value in each.values
    ]
