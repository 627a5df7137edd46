"""Where calls may come from, and changes that wait a day."""

from __future__ import annotations

from typing import Literal

from cyclopts import App

from xache.commands.options import NO_OPTIONS, Flag, Options, usage
from xache.commands.prompts import fresh_proof
from xache.output import Output, moment, word
from xache.v1 import account_pb2

app = App(
    name="guards",
    help="Say where calls may come from; see what waits a day.",
    result_action="return_value",
)

_KINDS = {
    "unfreeze": account_pb2.DELAYED_KIND_UNFREEZE,
    "allow": account_pb2.DELAYED_KIND_ALLOW_LIST,
    "email": account_pb2.DELAYED_KIND_EMAIL,
    "factor": account_pb2.DELAYED_KIND_SECOND_FACTOR,
}


@app.default
def show(*, options: Options = NO_OPTIONS) -> None:
    """Show where calls may come from, what waits, and whether the account is to be erased."""
    with options.connected() as (client, output):
        told = client.account.guards()
        if output.as_json:
            output.document(told)
            return
        output.facts([("calls from", ", ".join(told.networks) or "anywhere")])
        for change in told.delayed:
            detail = change.email or ", ".join(change.networks)
            if change.kind == account_pb2.DELAYED_KIND_ALLOW_LIST:
                detail = detail or "anywhere"
            name = word(account_pb2.DelayedKind, change.kind)
            output.facts([("waits", f"{name} {detail}".rstrip() + _when(change.due_at_ns))])
        if told.erasure_due_at_ns:
            output.facts([("waits", "erasure of the account" + _when(told.erasure_due_at_ns))])


@app.command
def allow(*networks: str, anywhere: Flag = False, options: Options = NO_OPTIONS) -> None:
    """Say which addresses calls may come from: less at once, more a day later.

    The house asks for a fresh proof: the code of your authenticator, or your password where you
    have none.

    Args:
        networks: as 192.0.2.7 or 192.0.2.0/24; yours must be among them.
        anywhere: allow all.
    """
    if bool(networks) == anywhere:
        raise usage("Give networks, or --anywhere.")
    with options.connected() as (client, output):
        due_at_ns = client.account.set_allow_list(networks, fresh_proof(client))
        _say_due(output, due_at_ns, "allowed ", "it works now")


@app.command(name="cancel")
def take_back(
    kind: Literal["unfreeze", "allow", "email", "factor"], /, *, options: Options = NO_OPTIONS
) -> None:
    """Take back a change that waits.

    Args:
        kind: which.
    """
    with options.connected() as (client, output):
        client.account.cancel_delayed_change(_KINDS[kind])
        if output.as_json:
            output.document({})
            return
        output.line(("taken back", "bold green"))


def unfreeze(*, options: Options = NO_OPTIONS) -> None:
    """Let a frozen account act again, a day later, with a fresh proof."""
    with options.connected() as (client, output):
        due_at_ns = client.account.unfreeze(fresh_proof(client))
        _say_due(output, due_at_ns, "taken ", "it is not frozen")


def _say_due(output: Output, due_at_ns: int, done: str, now: str) -> None:
    if output.as_json:
        output.document({"due_at_ns": str(due_at_ns)})
        return
    output.line((done, "bold green"), f"it works{_when(due_at_ns)}" if due_at_ns else now)
    if due_at_ns:
        output.note("Until then it can be taken back: xache guards cancel")


def _when(at_ns: int) -> str:
    return f" from {moment(at_ns)} UTC on"
