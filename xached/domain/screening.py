"""Screening: does a person's name stand on a list of sanctioned people? Explained, and exact.

A name is made plain (letters of Latin script without accents, Cyrillic and Greek spelt in Latin,
all in lower case) and taken apart into tokens. Each token of a listed name is looked for among the
tokens of the person's, whatever their order, by Jaro-Winkler similarity (Winkler 1990); a match
needs every token of the shorter name, at least two of them unless the listed name is one word, and
their average must reach the threshold. What was compared with what is part of the answer, so that
whoever reviews a match sees why there is one. Similarities are parts per million: whole numbers,
the same everywhere.

A list is CSV with one entry a line: ``id,name,aliases,birth_date,country,program``, aliases apart
by ``;``, names "SURNAME, Given" or in any order, UTF-8, with that header. The consolidated file of
OFAC (SDN.CSV: no header, twelve columns, ``-0-`` for nothing) is read as it is, and so is that of
the United Nations (XML, see ``un_list.py``).
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import attrs

from xached.domain.rejection import Reason, Rejection
from xached.domain.un_list import NotTheList, looks_like_xml, read_un_list

PPM: Final = 1_000_000
THRESHOLD_PPM: Final = 900_000
"""Of an average of tokens: "Jon Smyth" meets "John Smith", "Jane Smith" does not."""

TOKEN_THRESHOLD_PPM: Final = 820_000
"""A token that is less like its counterpart than this is another token."""

ENTRIES_MAX: Final = 200_000
_WINKLER_PREFIX = 4
_WINKLER_PPM = 100_000
_HEADER = ["id", "name", "aliases", "birth_date", "country", "program"]
_OFAC_COLUMNS = 12
_OFAC_NOTHING = "-0-"

# Scholarly tables disagree; these are the spellings of passports (ICAO Doc 9303, part 3).
_LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґўαβγδεζηθικλμνξοπρσςτυφχψωßæøđłþðœ",
        (
            *("a", "b", "v", "g", "d", "e", "e", "zh", "z", "i", "i", "k", "l", "m", "n", "o"),
            *("p", "r", "s", "t", "u", "f", "kh", "ts", "ch", "sh", "shch", "ie", "y", "", "e"),
            *("iu", "ia", "i", "i", "ie", "g", "u"),
            *("a", "v", "g", "d", "e", "z", "i", "th", "i", "k", "l", "m", "n", "x", "o", "p"),
            *("r", "s", "s", "t", "y", "f", "ch", "ps", "o"),
            *("ss", "ae", "oe", "d", "l", "th", "d", "oe"),
        ),
        strict=True,
    )
)


@attrs.frozen(kw_only=True)
class WatchlistEntry:
    """One entry of a list, as it is stored. It is published, and of nobody who has an account."""

    entry_id: str
    watchlist: str
    name: str
    aliases: str
    birth_date: str
    country: str
    program: str

    @property
    def names(self) -> list[str]:
        """All names of the entry."""
        return [self.name, *(alias for alias in self.aliases.split(";") if alias.strip())]


@attrs.frozen(kw_only=True)
class TokenMatch:
    """Which token of the person was taken for which one of the list."""

    token: str
    listed: str
    score_ppm: int


@attrs.frozen(kw_only=True)
class NameMatch:
    """Why a person may be an entry of a list."""

    entry: WatchlistEntry
    listed_name: str
    tokens: tuple[TokenMatch, ...]
    score_ppm: int
    threshold_ppm: int
    birth_date_differs: bool

    def explain(self) -> str:
        """The match in one line, for whoever reviews it."""
        pairs = ", ".join(f"{t.token}~{t.listed} {_percent(t.score_ppm)}" for t in self.tokens)
        birth = "; another birth date is listed" if self.birth_date_differs else ""
        return (
            f"{self.entry.entry_id} {self.listed_name!r} "
            f"[{self.entry.program}]: {pairs}; average {_percent(self.score_ppm)}, "
            f"threshold {_percent(self.threshold_ppm)}{birth}"
        )


_Indexed: TypeAlias = tuple[tuple[str, ...], str, WatchlistEntry]


class Watchlists:
    """All lists, ready to be searched. Reading it changes nothing, so threads may share it."""

    def __init__(self, entries: Iterable[WatchlistEntry] = ()) -> None:
        self._names: list[_Indexed] = []
        self._tokens: dict[str, list[int]] = {}
        for entry in entries:
            for name in entry.names:
                tokens = tuple(tokens_of(name))
                if not tokens:
                    continue
                for token in dict.fromkeys(tokens):
                    self._tokens.setdefault(token, []).append(len(self._names))
                self._names.append((tokens, name, entry))

    def __len__(self) -> int:
        """How many names there are."""
        return len(self._names)

    def screen(
        self, name: str, birth_date: str = "", threshold_ppm: int = THRESHOLD_PPM
    ) -> tuple[NameMatch, ...]:
        """Every entry that the person may be, the likest first: one match for each entry."""
        tokens = tokens_of(name)
        found: dict[str, NameMatch] = {}
        for index in self._candidates(tokens):
            listed_tokens, listed_name, entry = self._names[index]
            pairs = match_tokens(tokens, listed_tokens)
            if not pairs:
                continue
            score = sum(pair.score_ppm for pair in pairs) // len(pairs)
            known = found.get(entry.entry_id)
            if score < threshold_ppm or (known is not None and known.score_ppm >= score):
                continue
            found[entry.entry_id] = NameMatch(
                entry=entry,
                listed_name=listed_name,
                tokens=pairs,
                score_ppm=score,
                threshold_ppm=threshold_ppm,
                birth_date_differs=_differs(birth_date, entry.birth_date),
            )
        return tuple(
            sorted(found.values(), key=lambda match: (-match.score_ppm, match.entry.entry_id))
        )

    def _candidates(self, tokens: Sequence[str]) -> list[int]:
        """Names with a token that is like one of these, in the order of the lists."""
        close = [
            listed
            for listed in self._tokens
            if any(similarity_ppm(token, listed) >= TOKEN_THRESHOLD_PPM for token in tokens)
        ]
        return sorted({index for listed in close for index in self._tokens[listed]})


def plain(name: str) -> str:
    """A name in lower-case Latin letters, everything else a space."""
    letters: list[str] = []
    composed = unicodedata.normalize("NFKC", name).lower()
    for char in unicodedata.normalize("NFKC", composed):
        spelt = _LATIN.get(char)
        if spelt is None:
            parts = unicodedata.normalize("NFKD", char)
            spelt = "".join(
                _LATIN.get(part, part) for part in parts if not unicodedata.combining(part)
            )
        letters.append(spelt if spelt.isalnum() or not spelt else " ")
    return " ".join("".join(letters).split())


def tokens_of(name: str) -> list[str]:
    """The words of a plain name. Apostrophes and hyphens part or join nothing that matters."""
    joined = name.replace("'", "").replace("\u2019", "").replace("`", "")
    return plain(joined).split()


def match_tokens(tokens: Sequence[str], listed: Sequence[str]) -> tuple[TokenMatch, ...]:
    """Pair every token of the shorter name with another of the longer; empty: they do not meet.

    The likest pair first, then the likest of what is left.
    """
    shorter = min(len(tokens), len(listed))
    if shorter < min(2, len(listed)):
        return ()
    scored = sorted(
        (
            (-similarity_ppm(token, other), i, j)
            for i, token in enumerate(tokens)
            for j, other in enumerate(listed)
        ),
    )
    pairs: list[TokenMatch] = []
    used_tokens: set[int] = set()
    used_listed: set[int] = set()
    for score, i, j in scored:
        if i in used_tokens or j in used_listed:
            continue
        if -score < TOKEN_THRESHOLD_PPM:
            return ()
        used_tokens.add(i)
        used_listed.add(j)
        pairs.append(TokenMatch(token=tokens[i], listed=listed[j], score_ppm=-score))
        if len(pairs) == shorter:
            break
    return tuple(pairs)


def similarity_ppm(one: str, other: str) -> int:
    """Jaro-Winkler similarity: 0 for nothing in common, 1,000,000 for the same word."""
    if one == other:
        return PPM
    jaro = _jaro_ppm(one, other)
    prefix = 0
    for a, b in zip(one[:_WINKLER_PREFIX], other[:_WINKLER_PREFIX], strict=False):
        if a != b:
            break
        prefix += 1
    return jaro + prefix * _WINKLER_PPM * (PPM - jaro) // PPM


def read_watchlist(text: str, watchlist: str) -> list[WatchlistEntry]:
    """Read a list in the own format, OFAC's SDN.CSV, or the XML of the United Nations.

    Raises: Rejection WATCHLIST_FORM.
    """
    entries = _read_xml(text, watchlist) if looks_like_xml(text) else _read_csv(text, watchlist)
    ids = [entry.entry_id for entry in entries]
    if len(set(ids)) != len(ids):
        raise _form("an id twice", "each id once")
    if not 0 < len(entries) <= ENTRIES_MAX:
        raise _form(f"{len(entries)} entries", f"1 to {ENTRIES_MAX} entries")
    return entries


def _read_csv(text: str, watchlist: str) -> list[WatchlistEntry]:
    rows = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if rows and rows[0] == _HEADER:
        return [_own_entry(row, watchlist, line) for line, row in enumerate(rows[1:], start=2)]
    return [_ofac_entry(row, watchlist, line) for line, row in enumerate(rows, start=1)]


def _read_xml(text: str, watchlist: str) -> list[WatchlistEntry]:
    try:
        listed = read_un_list(text, ENTRIES_MAX)
    except NotTheList as error:
        raise _form(str(error), "the consolidated list of the United Nations, or CSV") from None
    return [
        _entry(
            watchlist,
            each.number,
            each.name,
            ";".join(alias.replace(";", ",") for alias in each.aliases),
            " ".join(each.births),
            each.country,
            each.program,
        )
        for each in listed
    ]


def _own_entry(row: list[str], watchlist: str, line: int) -> WatchlistEntry:
    if len(row) != len(_HEADER) or not row[0].strip() or not row[1].strip():
        raise _form(f"line {line}: {len(row)} columns", ", ".join(_HEADER))
    return _entry(watchlist, *row)


def _ofac_entry(row: list[str], watchlist: str, line: int) -> WatchlistEntry:
    if len(row) == 1 and not row[0].strip("\x1a "):
        raise _form(f"line {line}: an empty line", "an entry")
    if len(row) != _OFAC_COLUMNS or not row[0].strip().isdecimal():
        raise _form(f"line {line}: {len(row)} columns", "the header of the own format, or SDN.CSV")
    cells = ["" if cell.strip() == _OFAC_NOTHING else cell.strip() for cell in row]
    remarks = [part.strip() for part in cells[11].strip(".").split(";")]
    births = [part[4:] for part in remarks if part.startswith("DOB ")]
    aliases = [part.partition("'")[2].rstrip("'.") for part in remarks if part.startswith("a.k.a.")]
    return _entry(
        watchlist, cells[0], cells[1], ";".join(aliases), *births[:1] or [""], "", cells[3]
    )


def _entry(watchlist: str, *cells: str) -> WatchlistEntry:
    entry_id, name, aliases, birth_date, country, program = (cell.strip() for cell in cells)
    return WatchlistEntry(
        entry_id=f"{watchlist}/{entry_id}",
        watchlist=watchlist,
        name=name,
        aliases=aliases,
        birth_date=birth_date,
        country=country,
        program=program,
    )


def _form(given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.WATCHLIST_FORM,
        "this is no list of people",
        field="content",
        given=given,
        allowed=allowed,
    )


def _differs(given: str, listed: str) -> bool:
    """Whether both say a year and they are not the same. It explains a match, it excuses none."""
    listed_years = [part for part in listed.replace("-", " ").split() if len(part) == len("1970")]
    return bool(given and listed_years) and given[:4] not in listed_years


def _percent(ppm: int) -> str:
    return f"{ppm // 10_000}.{ppm // 1_000 % 10}%"


def _jaro_ppm(one: str, other: str) -> int:
    if not one or not other:
        return 0
    reach = max(len(one), len(other)) // 2 - 1
    taken = [False] * len(other)
    matched: list[str] = []
    for i, char in enumerate(one):
        for j in range(max(0, i - reach), min(len(other), i + reach + 1)):
            if not taken[j] and other[j] == char:
                taken[j] = True
                matched.append(char)
                break
    count = len(matched)
    if not count:
        return 0
    in_order = [char for j, char in enumerate(other) if taken[j]]
    moved = sum(a != b for a, b in zip(matched, in_order, strict=True)) // 2
    return (
        count * PPM // len(one) + count * PPM // len(other) + (count - moved) * PPM // count
    ) // 3
