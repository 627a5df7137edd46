"""Which combinations of settings to look at where all of them would be too many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

SettingsT = TypeVar("SettingsT", bound=Mapping[str, Any])


def covering(combinations: Sequence[SettingsT]) -> list[SettingsT]:
    """A few combinations, the first of all first, that have every value of every setting.

    As many as one setting has values, as a rule, and not as many as all of them together: what a
    strategy does at one value only shows in one of these.
    """
    seen: set[tuple[str, str]] = set()
    chosen: list[SettingsT] = []
    values = [_values(one) for one in combinations]
    for _ in combinations:
        new = [len(each - seen) for each in values]
        best = new.index(max(new))
        if chosen and not new[best]:
            break
        seen |= values[best]
        chosen.append(combinations[best])
    return chosen


def _values(settings: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(name, repr(value)) for name, value in settings.items()}
