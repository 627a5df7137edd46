"""Tables of a TOML file, taken apart key by key: what is wrong is refused with its place."""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from xached.adapters.feeds.session import Endpoint, read_endpoint
from xached.domain.money import parse_decimal
from xached.domain.rejection import Rejection

_HOST_IN_BRACKETS = re.compile(r"\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?", re.ASCII)


class ConfigError(Exception):
    """The configuration cannot be used. The text names the file, the key and what is allowed."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file. Raises: ConfigError."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: brackets inside brackets without end") from None


def read_secret(path: Path) -> str:
    """A password from a file that is nobody else's. Raises: ConfigError."""
    try:
        with path.open() as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigError(f"{path} is open to others: run chmod 0400 on it")
            return file.read().rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from None


def is_address(text: str) -> bool:
    """Whether a text names a listener: host:port, where port 0 picks a free one."""
    host, _, port = text.rpartition(":")
    named = HOST.fullmatch(host) or _HOST_IN_BRACKETS.fullmatch(host)
    return bool(named) and _PORT.fullmatch(port) is not None and int(port) < 65_536


def is_own_address(text: str) -> bool:
    """Whether a text names a listener that only this machine reaches, by its number."""
    if not is_address(text):
        return False
    host = text.rpartition(":")[0].removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Table:
    """A TOML table that is taken apart key by key; what is left over is refused."""

    def __init__(self, path: Path, name: str, values: dict[str, Any]) -> None:
        self._path = path
        self._name = name
        self._values = dict(values)

    def place(self, key: str) -> str:
        """Where a key is, for people."""
        return f"{self._path}: {self._name + '.' if self._name else ''}{key}"

    def text(self, key: str, default: str | None = None) -> str:
        """A text; required without a default."""
        found = self._take(key, default)
        if not isinstance(found, str):
            raise ConfigError(f"{self.place(key)}: {found!r} is not text")
        return found

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        found = self._values.pop(key, default)
        if not isinstance(found, bool):
            raise ConfigError(f"{self.place(key)}: {found!r} is not true or false")
        return found

    def number(self, key: str, default: int | None, low: int, high: int) -> int:
        """A whole number in a range."""
        found = self._take(key, default)
        if type(found) is not int or not low <= found <= high:
            raise ConfigError(f"{self.place(key)}: {found!r} is not a number from {low} to {high}")
        return found

    def optional_number(self, key: str, low: int, high: int) -> int | None:
        """A whole number in a range, None when it is not there."""
        return self.number(key, None, low, high) if key in self._values else None

    def optional_time(self, key: str) -> int | None:
        """A date and time with its offset, in Unix nanoseconds; None when it is not there."""
        if key not in self._values:
            return None
        found = self._values.pop(key)
        if not isinstance(found, datetime) or found.tzinfo is None:
            raise ConfigError(f"{self.place(key)}: {found!s} is no time as 2030-01-31T00:00:00Z")
        return (found - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1_000

    def texts(self, key: str, length_max: int, default: Sequence[str] = ()) -> list[str]:
        """A list of texts; the default when it is not there."""
        found = self._values.pop(key, list(default))
        texts = isinstance(found, list) and all(isinstance(each, str) for each in found)
        if not texts or len(found) > length_max:
            raise ConfigError(f"{self.place(key)} is not a list of at most {length_max} texts")
        return list(found)

    def endpoint(self, key: str, default: Endpoint) -> Endpoint:
        """A server's URL; the default when it is empty."""
        url = self.text(key, "")
        try:
            return read_endpoint(url) if url else default
        except ValueError as error:
            raise ConfigError(f"{self.place(key)}: {url!r}: {error}") from None

    def address(self, key: str, default: str) -> str:
        """Where to listen."""
        found = self.text(key, default)
        if not is_address(found):
            raise ConfigError(f"{self.place(key)}: {found!r} is not host:port")
        return found

    def optional_address(self, key: str) -> str:
        """Where to listen, empty when it is empty."""
        return self.address(key, "") if self._values.get(key) else self.text(key, "")

    @property
    def folder(self) -> Path:
        """Where the file is."""
        return self._path.parent

    def path(self, key: str, default: str) -> Path:
        """A path, relative to the file."""
        return self._path.parent / self._path_text(key, self.text(key, default))

    def optional_path(self, key: str) -> Path | None:
        """A path, None when it is empty."""
        text = self.text(key, "")
        return self._path.parent / self._path_text(key, text) if text else None

    def table(self, key: str) -> Table:
        """A table; an empty one when it is not there."""
        found = self._values.pop(key, {})
        if not isinstance(found, dict):
            raise ConfigError(f"{self.place(key)} is not a table")
        return Table(self._path, f"{self._name + '.' if self._name else ''}{key}", found)

    def tables(self, key: str) -> list[Table]:
        """An array of tables."""
        found = self._values.pop(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise ConfigError(f"{self.place(key)} is not an array of tables")
        return [Table(self._path, f"{key}[{index}]", item) for index, item in enumerate(found)]

    def known(self, names: Mapping[str, object]) -> list[str]:
        """The keys that are left, all of which must be among ``names``."""
        for key in self._values:
            if key not in names:
                raise ConfigError(f"{self.place(key)} is none of {', '.join(names)}")
        return sorted(self._values)

    def names(self) -> list[str]:
        """The keys that are left, as they are written."""
        return list(self._values)

    def take_all(self) -> dict[str, Any]:
        """Everything that is left."""
        values, self._values = self._values, {}
        return values

    def parse(self, key: str, text: str, scale: int) -> int:
        """Exact decimal text as units."""
        try:
            return parse_decimal(text, scale, key)
        except Rejection as rejection:
            raise self.refused(rejection) from None

    def refused(self, rejection: Rejection) -> ConfigError:
        """What the domain says of a value, with its place."""
        facts = rejection.facts
        place = self.place(facts.get("field", "")).rstrip(".")
        return ConfigError(f"{place}: {facts['given']!r}, allowed: {facts['allowed']}")

    def _path_text(self, key: str, text: str) -> str:
        if not text or not text.isprintable():
            raise ConfigError(f"{self.place(key)}: {text!r} is no path")
        return text

    def _take(self, key: str, default: object) -> object:
        found = self._values.pop(key, default)
        if found is None:
            raise ConfigError(f"{self.place(key)} is missing")
        return found

    def finish(self) -> None:
        """Refuse what nobody asked for."""
        for key in self._values:
            raise ConfigError(f"{self.place(key)} is not a key of xached")
