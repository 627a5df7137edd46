"""Levels: who you are, and the papers that show it."""

from __future__ import annotations

from typing import Literal

from cyclopts import App
from cyclopts.types import ExistingFile

from xache.commands.options import NO_OPTIONS, Options
from xache.output import moment, word
from xache.v1 import compliance_pb2 as pb

app = App(name="kyc", help="Apply for a level, and upload papers.", result_action="return_value")

_KINDS = {
    "identity": pb.DOCUMENT_KIND_IDENTITY,
    "address": pb.DOCUMENT_KIND_ADDRESS,
    "funds": pb.DOCUMENT_KIND_FUNDS,
}


@app.default
def status(*, options: Options = NO_OPTIONS) -> None:
    """Show how your applications and documents stand."""
    with options.connected() as (client, output):
        told = client.compliance.kyc()
        if output.as_json:
            output.document(told)
            return
        if not told.applications and not told.documents:
            output.note("You have not applied for a level. Apply with: xache kyc apply")
            return
        for each in told.applications:
            state = word(pb.ApplicationState, each.state)
            since = moment(each.decided_at_ns or each.created_at_ns)
            told_state = f"level {each.level}  {state} since {since} UTC"
            output.facts(
                [("application", told_state + (f": {each.reason}" if each.reason else ""))]
            )
        for document in told.documents:
            kind, media = (
                word(pb.DocumentKind, document.kind),
                word(pb.MediaType, document.media_type),
            )
            output.facts([("document", f"{kind}  {media}, {document.size_bytes} bytes")])


@app.command
def apply(
    level: int,
    /,
    *,
    name: str,
    birth_date: str,
    country: str,
    address: str,
    options: Options = NO_OPTIONS,
) -> None:
    """Apply for a level; the staff of the house decides.

    Args:
        level: 1 asks for details only, 2 for an identity document too, 3 also for one of the
            address.
        name: in full, as your papers have it.
        birth_date: YYYY-MM-DD.
        country: two letters, as DE.
        address: street, number, place.
    """
    details = pb.PersonDetails(
        name=name, birth_date=birth_date, country=country.upper(), address=address
    )
    with options.connected() as (client, output):
        made = client.compliance.apply(level, details)
        if output.as_json:
            output.document(made)
            return
        output.line(("applied ", "bold green"), f"for level {made.level}")


@app.command
def upload(
    file: ExistingFile,
    /,
    *,
    kind: Literal["identity", "address", "funds"],
    options: Options = NO_OPTIONS,
) -> None:
    """Upload a document: PDF, JPEG or PNG, at most 10 MiB.

    Args:
        file: where it is.
        kind: what it is to prove.
    """
    content = file.read_bytes()
    with options.connected() as (client, output):
        document = client.compliance.upload(_KINDS[kind], content)
        if output.as_json:
            output.document(document)
            return
        output.line(("uploaded ", "bold green"), f"{document.size_bytes} bytes to prove {kind}")
