"""What a strategy saves, as text: one JSON object of at most 64 KiB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

STATE_BYTES_MAX: Final = 65_536


def encode_state(value: Mapping[str, Any]) -> str:
    """Write what a strategy saves. Equal values give equal text.

    Raises: TypeError for what JSON has no form for; ValueError for numbers that are not finite and
    for more than 64 KiB.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"what is saved is a mapping, not {type(value).__name__}")
    try:
        text = json.dumps(dict(value), allow_nan=False, sort_keys=True, separators=(",", ":"))
    except TypeError as error:
        raise TypeError(f"cannot be saved: {error}; write a Decimal as text") from None
    if (size := len(text.encode())) > STATE_BYTES_MAX:
        raise ValueError(f"what is saved has {size} bytes; at most {STATE_BYTES_MAX} are allowed")
    return text


def decode_state(text: str) -> Mapping[str, Any]:
    """Read what was saved. Raises: ValueError when it is no JSON object."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("what was saved is not a JSON object")
    return value
