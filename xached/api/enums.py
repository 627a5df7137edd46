"""Numbers of the wire as the house's enums: the numbers are the same, and a test says so."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import TypeVar

from xached.domain.rejection import Reason, Rejection

Number = TypeVar("Number", bound=enum.IntEnum)


def pick(known: Mapping[int, Number], number: int, field: str) -> Number:
    """The member of a number. Raises: Rejection FIELD_REQUIRED, naming those there are."""
    found = known.get(number)
    if found is None:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            f"{field} is not one that is known",
            field=field,
            given=str(number),
            allowed=", ".join(value.name for value in known.values()),
        )
    return found
