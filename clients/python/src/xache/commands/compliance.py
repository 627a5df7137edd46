"""Limits by level, and disclosures that have to be accepted before trading."""

from __future__ import annotations

from xache.commands.options import NO_OPTIONS, Options
from xache.output import Output, json_value
from xache.v1 import compliance_pb2


def limits(*, options: Options = NO_OPTIONS) -> None:
    """Show your level, what it allows on a UTC day, and what is used of it."""
    with options.connected() as (client, output):
        told = client.compliance.limits()
        if output.as_json:
            output.document(json_value(told))
            return
        output.facts([("level", str(told.level))])
        if not told.limited:
            output.note("This house limits nothing by level.")
            return
        output.table(
            ["asset", ">deposited today", ">of", ">traded today", ">of", ">withdraw at most"],
            [
                [each.asset, each.deposited, each.deposit, each.traded, each.trade, each.withdraw]
                for each in told.limits
            ],
        )


def disclosures(*, options: Options = NO_OPTIONS) -> None:
    """Show what has to be read and accepted before trading."""
    with options.connected() as (client, output):
        found = client.compliance.disclosures()
        if output.as_json:
            output.document({"disclosures": [json_value(each) for each in found]})
            return
        if not found:
            output.note("There is nothing to accept.")
            return
        for each in found:
            _show(output, each)


def accept(name: str, version: int, /, *, options: Options = NO_OPTIONS) -> None:
    """Accept a disclosure that you have read.

    Args:
        name: as the list of disclosures has it.
        version: the one that you have read; only the current one can be accepted.
    """
    with options.connected() as (client, output):
        seq = client.compliance.accept(name, version)
        if output.as_json:
            output.document({"seq": seq})
            return
        output.line(("accepted ", "bold green"), f"version {version} of {name}")


def _show(output: Output, told: compliance_pb2.Disclosure) -> None:
    if told.accepted_version == told.version:
        state = "accepted"
    elif told.accepted_version:
        state = f"version {told.accepted_version} was accepted, this one is not"
    else:
        state = "not accepted"
    output.line((told.title, "bold"), f"  {told.name} version {told.version}: {state}")
    output.line((told.text, ""))
    if told.accepted_version != told.version:
        output.note(f"Once read: xache accept {told.name} {told.version}")
