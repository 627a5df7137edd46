"""What a stored history is, without the history: light to import, for whoever only lists them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
from xache_sdk.market import Interval

FORMAT: Final = 1
NAME_ALLOWED: Final = "1 to 60 of A-Z a-z 0-9 . _ -, not beginning with a dot"
NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}", re.ASCII)


@attrs.frozen(kw_only=True)
class About:
    """What a stored history is. ``origin`` names the files it came from and whose they are."""

    name: str
    symbol: str
    venue: str
    interval: Interval
    tick_size: Decimal
    lot_size: Decimal
    candles: int
    first_at_ns: int
    last_at_ns: int
    fingerprint: str
    origin: str
    extras: tuple[str, ...] = ()
    """What it knows beside prices and volume, in the order in which it is stored."""


def list_histories(folder: Path) -> Sequence[About]:
    """The histories in a folder, by name; what is none is left out."""
    found = []
    if folder.is_dir():
        for name in sorted(entry.name for entry in os.scandir(folder)):
            place = folder / name / "about.json"
            if NAME.fullmatch(name) is not None and place.is_file():
                try:
                    found.append(read_about(json.loads(place.read_text())))
                except (ValueError, KeyError, TypeError):
                    continue  # xache data check says what is wrong with it.
    return found


def plain_about(about: About) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "format": FORMAT,
        **attrs.asdict(about),
        "interval": about.interval.value,
        "tick_size": f"{about.tick_size:f}",
        "lot_size": f"{about.lot_size:f}",
    }


def read_about(plain: dict[str, Any]) -> About:
    """Read it again. Raises: ValueError, KeyError or TypeError for what is none."""
    if plain.pop("format") != FORMAT:
        raise ValueError("written by another version of xached")
    plain["interval"] = Interval(plain["interval"])
    plain["tick_size"] = Decimal(plain["tick_size"])
    plain["lot_size"] = Decimal(plain["lot_size"])
    plain["extras"] = tuple(plain.get("extras", ()))
    return About(**plain)
