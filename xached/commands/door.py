"""Calls to the running daemon over its administrators' socket, and how their answers are shown.

With ``--operator NAME`` a call is made by that name and a code of their authenticator; without, an
administrator who has none signs in by password.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar

import attrs
from cyclopts import Parameter

if TYPE_CHECKING:  # Commands that only print their help need not load them.
    import grpc
    from google.protobuf.message import Message

CALL_S_MAX: Final = 300.0
"""An approval tries a strategy over some thousand candles."""

ID_BYTES: Final = 8
NS_PER_S: Final = 1_000_000_000

Metadata: TypeAlias = Sequence[tuple[str, str]]
Read = TypeVar("Read", bound="Message")


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Door:
    """Where the daemon listens, who calls, and for whom the answer is."""

    data: Annotated[Path, Parameter(help="Data directory.")] = Path("data")
    socket: Annotated[
        Path | None, Parameter(help="The administrators' socket, if it is not in the directory.")
    ] = None
    operator: Annotated[
        str, Parameter(help="Call by this name, with a code of its authenticator.")
    ] = ""
    as_json: Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")] = False


AT_HOME: Final = Door()


@contextmanager
def opened(door: Door) -> Iterator[tuple[grpc.Channel, Metadata]]:
    """A channel, and what each call carries. Ends the program where there is neither."""
    import grpc

    from xached.commands.enrolment import EnrolmentFailed, Terminal, signed_in
    from xached.storage.directory import DataPaths

    socket, terminal = door.socket or DataPaths(door.data).admin_socket, Terminal()
    try:
        if not socket.is_socket():
            raise EnrolmentFailed(f"no house listens at {socket}: start it first, or name --socket")
        with grpc.insecure_channel(f"unix:{socket}") as channel:
            if door.operator:
                code = terminal.ask_secret("The code that your authenticator shows: ")
                yield channel, (("x-xache-operator", door.operator), ("x-xache-code", code))
            else:
                with signed_in(channel, terminal) as session:
                    yield channel, session
    except EnrolmentFailed as error:
        raise SystemExit(f"xached: {error}") from None


def call(door: Door, request: Any) -> Any:
    """Make the one call that takes a request. Ends the program when it is refused.

    A request that has an id and was given none gets one, which is told where no answer says
    whether it was done: with it the call may be repeated.
    """
    import grpc
    from google.protobuf.message_factory import GetMessageClass

    from xached.commands.enrolment import EnrolmentFailed, told

    described = request.DESCRIPTOR
    name = described.name.removesuffix("Request")
    (service,) = described.file.services_by_name.values()
    answer: Any = GetMessageClass(service.methods_by_name[name].output_type)
    if "request_id" in described.fields_by_name and not request.request_id:
        request.request_id = f"admin-{secrets.token_hex(ID_BYTES)}"
    with opened(door) as (channel, metadata):
        ask = channel.unary_unary(
            f"/{service.full_name}/{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            return ask(request, metadata=metadata, timeout=CALL_S_MAX)
        except grpc.RpcError as error:
            raise EnrolmentFailed(f"{told(error)}{_repeat(error, request)}") from None


def _repeat(error: grpc.RpcError, request: Any) -> str:
    """How a call is repeated of which nobody knows whether it was done."""
    import grpc

    unknown = error.code() in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNAVAILABLE)
    if not unknown or "request_id" not in request.DESCRIPTOR.fields_by_name:
        return ""
    return f"; it may have been done: repeat it with --request-id {request.request_id}"


def show_done(door: Door, answer: Any, text: str) -> None:
    """Print that a change is made, and which row of the journal says so where one does."""
    if door.as_json:
        print_json(answer)
        return
    row = f" (row {answer.seq})" if "seq" in answer.DESCRIPTOR.fields_by_name else ""
    print(f"{text}{row}")


def print_json(answer: Message) -> None:
    """Print an answer with all its fields; 64-bit numbers as text, as protobuf has it."""
    from google.protobuf import json_format

    document = json_format.MessageToDict(
        answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    print(json.dumps(document, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their headings, as wide as they need."""
    cells = [tuple(columns), *rows]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print(line.rstrip())


def number_of(enum: Any, prefix: str, word: str) -> int:
    """The number of a value of an enum of the API by its last word: "cancel-only"."""
    number: int = enum.Value(prefix + word.upper().replace("-", "_"))
    return number


def word_of(enum: Any, prefix: str, number: int) -> str:
    """The last word of a value of an enum of the API."""
    if number not in enum.values():
        return f"unknown ({number})"  # The house is newer than this command.
    name: str = enum.Name(number)
    return name.removeprefix(prefix).lower().replace("_", "-")


def moment(at_ns: int) -> str:
    """A time, UTC, to the second; "-" for none."""
    if not at_ns:
        return "-"
    return f"{datetime.fromtimestamp(at_ns // NS_PER_S, UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_message(path: Path, message: Read) -> Read:
    """Fill a message from a file of JSON; ``-``: standard input. Ends the program if it is none."""
    from google.protobuf import json_format

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
        return json_format.Parse(text, message)
    except (OSError, UnicodeDecodeError, json_format.ParseError) as error:
        raise SystemExit(f"xached: {path}: {error}") from None
