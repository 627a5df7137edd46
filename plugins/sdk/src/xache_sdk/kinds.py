"""The kinds of plugins, and how a class of one is imported.

A plugin is found by the group of its entry point, and is a class that derives from the base of its
kind. It is imported in a process that has sealed itself, never by the daemon.
"""

from __future__ import annotations

import enum
import importlib
from typing import Any, Final, TypeVar

Plugin = TypeVar("Plugin")


class Kind(enum.StrEnum):
    """What a plugin is. Its entry point is in the group ``xache.`` and this in the plural."""

    STRATEGY = "strategy"
    """Trades."""
    SIGNAL = "signal"
    """Computes values that strategies use."""
    FEED = "feed"
    """Reads the market data of a venue."""
    NOTIFIER = "notifier"
    """Tells people what happens."""


_BASES: Final = {
    Kind.STRATEGY: "xache_sdk.strategy:Strategy",
    Kind.SIGNAL: "xache_sdk.signal_source:SignalSource",
    Kind.FEED: "xache_sdk.feeds:Feed",
    Kind.NOTIFIER: "xache_sdk.notifiers:Notifier",
}
"""By name: a process imports what it runs, and nothing of the other kinds."""


def base_of(kind: Kind) -> type[Any]:
    """The class that plugins of a kind derive from."""
    base = find(_BASES[kind])
    assert isinstance(base, type), "the bases are classes"
    return base


def load_plugin(entry_point: str, base: type[Plugin]) -> type[Plugin]:
    """Import ``module:Class``. Raises: TypeError for another base; what the import raises."""
    found = find(entry_point)
    if not (isinstance(found, type) and issubclass(found, base)):
        raise TypeError(f"{entry_point} is not a {base.__name__}")
    return found


def find(entry_point: str) -> object:
    """Import ``module:Class``, whatever it is. Raises: what the import raises; AttributeError."""
    module, _, name = entry_point.partition(":")
    found: object = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
