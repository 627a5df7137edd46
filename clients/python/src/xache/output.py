"""What commands print: tables and colour for people, one JSON document or lines for programs."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from google.protobuf import json_format
from google.protobuf.message import Message
from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from xache.errors import XacheError
from xache.v1 import types_pb2

Cell: TypeAlias = str | Text
Document: TypeAlias = Message | Mapping[str, Any]

PIPE_WIDTH = 1_000
"""Columns of what is not a terminal: nothing is wrapped or cut."""

_HEAD_RULE = box.Box("    \n    \n ── \n    \n    \n    \n    \n    \n")
"""A line under the names of the columns, and two blanks between them."""

_SIDE_STYLES: dict[int, str] = {types_pb2.SIDE_BUY: "green", types_pb2.SIDE_SELL: "red"}
_PROVENANCE_STYLES: dict[int, str] = {
    types_pb2.PROVENANCE_LIVE: "cyan",
    types_pb2.PROVENANCE_RECORDED: "yellow",
    types_pb2.PROVENANCE_SIMULATED: "magenta",
}


class Output:
    """Where the answers of one command go."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = _console(sys.stdout)
        self.errors = _console(sys.stderr)
        self._drawing = False

    @property
    def is_terminal(self) -> bool:
        """True when somebody watches: colours, and pictures that change in place."""
        return self.console.is_terminal

    def document(self, document: Document) -> None:
        """Print one JSON document over several lines."""
        sys.stdout.write(json.dumps(json_value(document), indent=2) + "\n")

    def json_line(self, document: Document) -> None:
        """Print one line of JSON, at once: somebody reads along."""
        sys.stdout.write(json.dumps(json_value(document)) + "\n")
        sys.stdout.flush()

    def line(self, *parts: Cell | tuple[str, str]) -> None:
        """Print a line of text; a pair is text and its style."""
        self.console.print(Text.assemble(*parts), soft_wrap=True)

    def show(self, renderable: RenderableType) -> None:
        """Print something that rich can draw."""
        _print(self.console, renderable)

    def note(self, text: str) -> None:
        """Print a remark that is not part of the answer."""
        # Anything else on the screen would damage a picture that changes in place.
        console = self.console if self._drawing else self.errors
        console.print(Text(text, style="dim"), soft_wrap=True)

    @contextlib.contextmanager
    def drawing(self, frame: Callable[[], RenderableType], frames_per_s: int) -> Iterator[None]:
        """Draw and redraw a picture in place. ``frame`` is called in a thread of rich's own."""
        self._drawing = True
        try:
            with Live(get_renderable=frame, console=self.console, refresh_per_second=frames_per_s):
                yield
        finally:
            self._drawing = False

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
        """Print a table.

        Args:
            columns: names. ">" before one sets it to the right; "?" before that lets it go, the
                last such first, where the terminal is too narrow for all.
            rows: cells, one for each column.
        """
        cells = list(rows)
        shown = list(range(len(columns)))
        table = self._table(columns, cells, shown)
        unbounded = self.console.options.update(width=PIPE_WIDTH)
        for index in reversed(range(len(columns))):
            needed = Measurement.get(self.console, unbounded, table).maximum
            if needed <= self.console.width:
                break
            if columns[index].startswith("?"):
                shown.remove(index)
                table = self._table(columns, cells, shown)
        _print(self.console, table)
        hidden = [name.lstrip("?>") for i, name in enumerate(columns) if i not in shown]
        if hidden:
            self.note(f"Not shown, the terminal is too narrow: {', '.join(hidden)}.")

    def _table(
        self, columns: Sequence[str], cells: Sequence[Sequence[Cell]], shown: Sequence[int]
    ) -> Table:
        table = Table(
            box=_HEAD_RULE if self.is_terminal else None,
            pad_edge=False,
            show_edge=False,
            padding=(0, 1, 0, 0) if self.is_terminal else (0, 1),
            header_style="bold",
        )
        for index in shown:
            name = columns[index].lstrip("?>")
            right = columns[index].lstrip("?").startswith(">")
            # Where even that is too wide, nothing is cut off.
            table.add_column(name, justify="right" if right else "left", overflow="fold")
        for row in cells:
            table.add_row(*(row[index] for index in shown))
        return table

    def facts(self, facts: Iterable[tuple[str, Cell]]) -> None:
        """Print names and values, one pair a line."""
        _print(self.console, _grid(facts))

    def failure(self, error: XacheError, told: str) -> None:
        """Print why a command failed, and what was given and is allowed."""
        notes = getattr(error, "__notes__", [])
        if self.as_json:
            self.json_line(failure_document(error, notes))
            return
        name = f" {error.reason}" if error.reason else f" {error.code}"
        self.errors.print(
            Text.assemble((told, "bold red"), (name, "bold"), f": {error.message}"),
            soft_wrap=True,
        )
        if error.facts:
            _print(self.errors, _grid(_ordered(error.facts)))
        for note in notes:
            self.errors.print(Text(note), soft_wrap=True)


def failure_document(error: XacheError, notes: Sequence[str]) -> dict[str, Any]:
    """A failure as programs read it."""
    return {
        "error": {
            "code": error.code,
            "reason": error.reason,
            "message": error.message,
            "facts": dict(error.facts),
            "retry_after_s": error.retry_after_s,
            "notes": list(notes),
        }
    }


def json_value(document: Document) -> Any:
    """A message in protobuf's JSON mapping, with the proto's own field names.

    Amounts are text, and so are 64-bit numbers (times, sequences), which many readers of JSON
    would round. Fields without a value are there all the same.
    """
    if not isinstance(document, Message):
        return document
    return json_format.MessageToDict(
        document, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def word(enum: Any, number: int) -> str:
    """The name of a number of an enum of the API, in words and without its prefix: "post only"."""
    prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in enum.DESCRIPTOR.name)
    if number not in enum.values():
        return f"unknown ({number})"  # A newer house.
    name: str = enum.Name(number)
    return name.removeprefix(f"{prefix.removeprefix('_')}_").replace("_", " ").lower()


def side_text(side: int) -> Text:
    """ "buy" in green or "sell" in red."""
    return Text(word(types_pb2.Side, side), style=_SIDE_STYLES.get(side, ""))


def source_text(source: types_pb2.Source) -> Text:
    """Where a figure comes from: "XACHE simulated"."""
    style = _PROVENANCE_STYLES.get(source.provenance, "")
    return Text(f"{source.venue} {word(types_pb2.Provenance, source.provenance)}", style=style)


def moment(at_ns: int) -> str:
    """A time with its date, UTC, to the second; "-" for none."""
    return _at(at_ns).strftime("%Y-%m-%d %H:%M:%S") if at_ns else "-"


def clock(at_ns: int) -> str:
    """A time of day, UTC, to the millisecond; "-" for none."""
    return _at(at_ns).strftime("%H:%M:%S.%f")[:-3] if at_ns else "-"


def _at(at_ns: int) -> datetime:
    # Through whole microseconds: a float of seconds cannot hold them all.
    seconds, rest_ns = divmod(at_ns, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1_000)


def _ordered(facts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Facts with what was given and what is allowed first."""
    first = ("field", "given", "allowed", "nearest")
    known = [(name, facts[name]) for name in first if name in facts]
    return known + [(name, facts[name]) for name in sorted(facts) if name not in first]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the program as failed; main knows better.
        raise BrokenPipeError


def _grid(facts: Iterable[tuple[str, Cell]]) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column()
    for name, value in facts:
        grid.add_row(f"  {name}", value)
    return grid


def _print(console: Console, renderable: RenderableType) -> None:
    if console.is_terminal:
        console.print(renderable)
        return
    # rich fills every cell up with blanks, which nobody wants in a file.
    with console.capture() as captured:
        console.print(renderable)
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def _console(stream: Any) -> Console:
    width = None if isinstance(stream, io.TextIOBase) and stream.isatty() else PIPE_WIDTH
    return _Console(file=stream, highlight=False, markup=False, emoji=False, width=width)
