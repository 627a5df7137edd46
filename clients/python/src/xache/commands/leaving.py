"""What the house knows of you: taking it along, and having it forgotten."""

from __future__ import annotations

import itertools
import os
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from xache.commands.options import NO_OPTIONS, Flag, Options, usage
from xache.commands.prompts import fresh_proof
from xache.output import moment
from xache.v1 import compliance_pb2


def export(file: Path, /, *, options: Options = NO_OPTIONS) -> None:
    """Write all that the house knows of you to a ZIP file that only you can read.

    The house asks for a fresh proof: the code of your authenticator, or your password where you
    have none.

    Args:
        file: to write; it must not exist.
    """
    if file.exists():
        raise usage(f"{file} exists; nothing was done.")
    with options.connected() as (client, output):
        pieces = client.compliance.export(fresh_proof(client))
        part, descriptor = _open_part(file)
        try:
            names = _write(descriptor, pieces)
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
        if output.as_json:
            output.document({"file": str(file), "names": names})
            return
        output.line(("written ", "bold green"), f"{len(names)} files in {file}")


def statement(
    file: Path, /, *, since: datetime, until: datetime | None = None, options: Options = NO_OPTIONS
) -> None:
    """Write your trades of a period to a CSV file that only you can read.

    Args:
        file: to write; it must not exist.
        since: the first day or moment, UTC.
        until: the day or moment after the last; now when left out.
    """
    if file.exists():
        raise usage(f"{file} exists; nothing was done.")
    with options.connected() as (client, output):
        pieces = client.compliance.trades(_ns(since), 0 if until is None else _ns(until))
        part, descriptor = _open_part(file)
        try:
            with os.fdopen(descriptor, "wb") as written:
                written.writelines(pieces)
            part.rename(file)
        finally:
            part.unlink(missing_ok=True)
        lines = file.read_bytes().count(b"\n")
        if output.as_json:
            output.document({"file": str(file), "trades": max(0, lines - 1)})
            return
        output.line(("written ", "bold green"), f"{max(0, lines - 1)} trades in {file}")


def _ns(moment: datetime) -> int:
    """A time without a zone is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp()) * 10**9


def erase(*, forfeit: Flag = False, cancel: Flag = False, options: Options = NO_OPTIONS) -> None:
    """Ask to be erased, which is done 14 days later; or take that back.

    The house asks for a fresh proof. An account with money or orders stays, unless you forfeit it.

    Args:
        forfeit: what is left of your money goes to the house.
        cancel: take the request back.
    """
    if forfeit and cancel:
        raise usage("Either --forfeit or --cancel.")
    with options.connected() as (client, output):
        if cancel:
            client.compliance.cancel_erasure()
            if output.as_json:
                output.document({})
                return
            output.line(("taken back ", "bold green"), "you stay")
            return
        due_at_ns = client.compliance.request_erasure(fresh_proof(client), forfeit=forfeit)
        if output.as_json:
            output.document({"due_at_ns": str(due_at_ns)})
            return
        output.line(("taken ", "bold"), f"your account is erased at {moment(due_at_ns)} UTC")
        output.note("Until then: xache erase --cancel")


def _open_part(file: Path) -> tuple[Path, int]:
    """A new file beside the one that is wanted, until it is whole. Raises: ArgumentError."""
    part = file.with_name(f".{file.name}.part")
    try:
        # Created with its final mode: at no time can others open it.
        return part, os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise usage(f"{part}: {error.strerror}; nothing was done.") from None


def _write(descriptor: int, pieces: Iterator[compliance_pb2.ExportDataResponse]) -> list[str]:
    """Write the files of an export to an archive; their names."""
    names: list[str] = []
    with (
        os.fdopen(descriptor, "w+b") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        # What has no name is no piece of a file, such as the notice that the house will stop.
        named = (piece for piece in pieces if piece.name)
        for name, content in itertools.groupby(named, lambda piece: piece.name):
            names.append(name)
            with archive.open(name, "w") as member:
                for piece in content:
                    member.write(piece.content)
    return names
