"""``xached admin`` commands about the house as a whole: health, conduct, keys, models, lists."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Final

from cyclopts import App, Parameter
from xache.v1 import admin_pb2, admin_pb2_grpc, signal_pb2, staff_pb2, types_pb2

from xached.commands.admin_risk import print_restraints
from xached.commands.admin_users import Cause, RequestId
from xached.commands.door import (
    AT_HOME,
    CALL_S_MAX,
    Door,
    call,
    moment,
    opened,
    print_json,
    print_table,
    show_done,
    word_of,
)
from xached.commands.enrolment import asked

disclosures = App(name="disclosures", help="What people have to accept before they trade.")

PIECE_BYTES: Final = 64 * 1024


def health(
    *,
    figures: Annotated[bool, Parameter(negative="", help="Also the figures of each part.")] = False,
    door: Door = AT_HOME,
) -> None:
    """Tell how every part of the running daemon is doing; exit 1 when one is not running.

    That a person's strategy has failed is its owner's business: it is shown, and the exit is 0.
    """
    answer = call(door, admin_pb2.GetHealthRequest())
    if door.as_json:
        print_json(answer)
    else:
        print(f"xached {answer.version}, ready since {moment(answer.ready_at_ns)}")
        print(f"journal at row {answer.journal_seq}, views at {answer.views_seq}")
        print_restraints(answer.restraints)
        rows = [
            (each.name, each.state, f"{each.restarts}", each.failure or "-")
            for each in answer.actors
        ]
        print_table(("part", "state", "restarts", "failure"), rows)
        for actor in answer.actors if figures else ():
            print(f"\n{actor.name}")
            for name, figure in sorted(actor.statistics.items()):
                print(f"  {name:32}  {figure}")
    if any(_ails(each) for each in answer.actors):
        raise SystemExit(1)


def _ails(part: admin_pb2.ActorHealth) -> bool:
    """Whether a part of the house, or a strategy of the operator's, is not running."""
    return part.state != "running" and not part.statistics.get("personal", 0)


def integrity(
    account: Annotated[str, Parameter(help="Of this account only.")] = "",
    *,
    limit: Annotated[int, Parameter(help="At most so many.")] = 20,
    door: Door = AT_HOME,
) -> None:
    """Tell what accounts do that somebody should look at; the most conspicuous first."""
    answer = call(door, admin_pb2.GetIntegrityRequest(account_id=account, limit=limit))
    if door.as_json:
        print_json(answer)
        return
    rows = [
        (
            each.account_id,
            f"{each.orders}",
            f"{each.messages}",
            f"{each.fills}",
            f"{each.messages_per_fill_ppm / 1_000_000:.1f}",
            f"{each.self_matches}",
            f"{each.layerings}",
        )
        for each in answer.accounts
    ]
    columns = ("account", "orders", "messages", "fills", "a fill", "self-matches", "layerings")
    print_table(columns, rows)
    for each in answer.accounts:
        for layering in each.layering_evidence:
            side = word_of(types_pb2.Side, "SIDE_", layering.side)
            placed = ", ".join(map(str, layering.placed_seqs))
            print(
                f"{each.account_id}: {side}s of {layering.symbol} in rows {placed}, "
                f"a trade in {layering.traded_seq}"
            )


def audit(
    *,
    limit: Annotated[int, Parameter(help="At most so many entries.")] = 100,
    door: Door = AT_HOME,
) -> None:
    """Read the audit of the running house, newest first; `actions` reads one that is stopped."""
    entries: list[admin_pb2.AuditEntry] = []
    token = ""
    with opened(door) as (channel, metadata):
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        while len(entries) < limit:
            request = admin_pb2.ListAuditRequest(page_token=token)
            answer = asked(partial(stub.ListAudit, request, metadata=metadata, timeout=CALL_S_MAX))
            entries += answer.entries
            token = answer.next_page_token
            # A name is good for one call, with its code; a session for all of them.
            if not token or door.operator:
                break
    if door.as_json:
        print_json(admin_pb2.ListAuditResponse(entries=entries[:limit], next_page_token=token))
        return
    for each in entries[:limit]:
        kind = word_of(admin_pb2.AuditKind, "AUDIT_KIND_", each.kind)
        row = f"  row {each.journal_seq}" if each.journal_seq else ""
        times = f" x{each.count}" if each.count > 1 else ""
        told = f"{kind}{times}  {each.what}  {each.outcome}".rstrip()
        print(f"{moment(each.at_ns)}  {each.account_id or '-':16}  {told}{row}")
    if token and len(entries) < limit:
        print("there is more: a name is good for one piece; sign in with a password for all of it")


def rotate_keys(*, door: Door = AT_HOME) -> None:
    """Exchange the key that wraps the keys of users; asked again it tells how far that is."""
    answer = call(door, admin_pb2.RotateKeysRequest())
    show_done(door, answer, f"key {answer.epoch} wraps {answer.rewrapped} keys of users so far")


def train(
    model: Annotated[str, Parameter(help="Its name in the configuration.")],
    *,
    door: Door = AT_HOME,
) -> None:
    """Have a model trained now, before its time."""
    answer = call(door, signal_pb2.TrainModelRequest(name=model))
    show_done(door, answer, f"{model} will be trained; `xache model` tells what comes of it")


def watchlist(
    name: Annotated[str, Parameter(help="The list's name; one of this name is replaced.")],
    file: Annotated[Path, Parameter(help="CSV, or OFAC's SDN.CSV.")],
    *,
    door: Door = AT_HOME,
) -> None:
    """Take in a list of sanctioned people, and screen everybody by it. For compliance."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise SystemExit(f"xached: {error}") from None

    def pieces() -> Iterator[staff_pb2.ImportWatchlistRequest]:
        yield staff_pb2.ImportWatchlistRequest(name=name, digest=hashlib.sha256(content).digest())
        for start in range(0, len(content), PIECE_BYTES):
            yield staff_pb2.ImportWatchlistRequest(content=content[start : start + PIECE_BYTES])

    with opened(door) as (channel, metadata):
        send = channel.stream_unary(
            "/xache.v1.StaffService/ImportWatchlist",
            request_serializer=staff_pb2.ImportWatchlistRequest.SerializeToString,
            response_deserializer=staff_pb2.ImportWatchlistResponse.FromString,
        )
        answer = asked(lambda: send(pieces(), metadata=metadata, timeout=CALL_S_MAX))
    show_done(door, answer, f"{name} has {answer.entries} entries")


@disclosures.command
def publish(
    name: Annotated[str, Parameter(help="Which one; [a-z0-9-]{1,32}.")],
    text: Annotated[Path, Parameter(help="The file with its text.")],
    *,
    title: Annotated[str, Parameter(help="Its title.")],
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Publish a new version of a disclosure: everybody has to accept it. For compliance."""
    try:
        content = text.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"xached: {text}: {error}") from None
    request = staff_pb2.PublishDisclosureRequest(
        name=name, title=title, text=content, request_id=request_id
    )
    show_done(door, call(door, request), f"{name} is published")


@disclosures.command
def retire(
    name: Annotated[str, Parameter(help="Which one.")],
    *,
    cause: Cause,
    request_id: RequestId = "",
    door: Door = AT_HOME,
) -> None:
    """Ask nobody for a disclosure any more. For compliance."""
    request = staff_pb2.RetireDisclosureRequest(name=name, cause=cause, request_id=request_id)
    show_done(door, call(door, request), f"{name} is retired")
