"""The consolidated list of the Security Council of the United Nations, as it is published in XML.

``CONSOLIDATED_LIST`` holds ``INDIVIDUALS`` and ``ENTITIES``. Of each entry the number (``DATAID``),
up to four parts of the name, the name in its own script, aliases, dates of birth, nationality, list
and reference number are read; what else there is, or comes to be, is passed over.

The file comes from outside: it is read in one pass with bounds on depth and length, and a document
type, with which XML can be made to grow or to fetch, is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

import attrs

ROOT: Final = "CONSOLIDATED_LIST"
DEPTH_MAX: Final = 12
TEXT_CHARS_MAX: Final = 20_000
"""Of one element; comments of the committee run to a few thousand."""

YEARS_MAX: Final = 20
"""Of a range of possible years of birth that are spelt out."""

_ENTRIES: Final = {("INDIVIDUALS", "INDIVIDUAL"): "INDIVIDUAL", ("ENTITIES", "ENTITY"): "ENTITY"}
_NAME_PARTS: Final = ("FIRST_NAME", "SECOND_NAME", "THIRD_NAME", "FOURTH_NAME")
_ENTRY_DEPTH = 3


class NotTheList(Exception):  # noqa: N818 - what it is
    """A file that is not this list, or not one that is read. The text says where and why."""


@attrs.frozen(kw_only=True)
class Listed:
    """One person or body of the list."""

    number: str
    name: str
    aliases: tuple[str, ...]
    births: tuple[str, ...]
    """Dates and years, as many as are thought possible."""
    country: str
    program: str
    """Which sanctions, and the reference number."""


def looks_like_xml(text: str) -> bool:
    """Whether somebody means XML; all other lists are CSV."""
    return text.lstrip("\ufeff \t\r\n").startswith("<")


def read_un_list(text: str, entries_max: int) -> list[Listed]:
    """Read all entries. Raises: NotTheList."""
    reader = _Reader(entries_max)
    try:
        reader.parser.Parse(text.lstrip("\ufeff"), True)
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        raise NotTheList(f"line {error.lineno}: {what}") from None
    return reader.found


class _Reader:
    """Takes the elements as they come."""

    def __init__(self, entries_max: int) -> None:
        self.found: list[Listed] = []
        self._entries_max = entries_max
        self._path: list[str] = []
        self._texts: list[str] = []
        self._chars = 0
        self._fields: dict[str, list[str]] = {}
        # The text was decoded already: whatever it declares, it is not decoded again.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _doctype(self, *_: object) -> None:
        raise self._refused("a document type, which the list does not have")

    def _start(self, name: str, _attributes: object) -> None:
        if not self._path and name != ROOT:
            raise self._refused(f"it is not {ROOT}")
        if len(self._path) == DEPTH_MAX:
            raise self._refused("elements within elements without end")
        self._path.append(name)
        self._texts, self._chars = [], 0
        if self._is_entry():
            self._fields = {}

    def _end(self, _name: str) -> None:
        text = " ".join("".join(self._texts).split())
        if len(self._path) > _ENTRY_DEPTH and text:
            self._fields.setdefault("/".join(self._path[_ENTRY_DEPTH:]), []).append(text)
        if self._is_entry():
            if len(self.found) == self._entries_max:
                raise self._refused(f"more than {self._entries_max} entries")
            self.found.append(self._listed())
        self._path.pop()
        self._texts, self._chars = [], 0

    def _text(self, text: str) -> None:
        self._chars += len(text)
        if self._chars > TEXT_CHARS_MAX:
            raise self._refused(f"a text of more than {TEXT_CHARS_MAX} characters")
        self._texts.append(text)

    def _is_entry(self) -> bool:
        return len(self._path) == _ENTRY_DEPTH and (self._path[1], self._path[2]) in _ENTRIES

    def _listed(self) -> Listed:
        kind = self._path[-1]
        name = " ".join(part for each in _NAME_PARTS for part in self._fields.get(each, ()))
        number = self._first("DATAID")
        if not number.isascii() or not number.isdigit() or not name:
            raise self._refused(f"a {kind} without DATAID or FIRST_NAME")
        aliases = [
            *self._fields.get("NAME_ORIGINAL_SCRIPT", ()),
            *self._fields.get(f"{kind}_ALIAS/ALIAS_NAME", ()),
        ]
        return Listed(
            number=number,
            name=name,
            aliases=tuple(dict.fromkeys(aliases)),
            births=tuple(dict.fromkeys(self._births())),
            country=self._first("NATIONALITY/VALUE") or self._first(f"{kind}_ADDRESS/COUNTRY"),
            program=" ".join(filter(None, map(self._first, ("UN_LIST_TYPE", "REFERENCE_NUMBER")))),
        )

    def _births(self) -> Iterator[str]:
        born = "INDIVIDUAL_DATE_OF_BIRTH"
        yield from self._fields.get(f"{born}/DATE", ())
        yield from self._fields.get(f"{born}/YEAR", ())
        for first, last in zip(
            self._fields.get(f"{born}/FROM_YEAR", ()),
            self._fields.get(f"{born}/TO_YEAR", ()),
            strict=False,
        ):
            if first.isdecimal() and last.isdecimal() and int(last) - int(first) < YEARS_MAX:
                yield from (str(year) for year in range(int(first), int(last) + 1))

    def _first(self, field: str) -> str:
        return next(iter(self._fields.get(field, ())), "")

    def _refused(self, why: str) -> NotTheList:
        return NotTheList(f"line {self.parser.CurrentLineNumber}: {why}")
