"""Settings of a strategy as the configuration has them; long ones stand in files of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FILE_BYTES_MAX: Final = 120_000
"""All settings go to the strategy's process in one message."""


def write_settings(values: Mapping[str, Any], folder: Path) -> str:
    """Write settings as JSON. ``{ file = "model.json" }`` stands for the text of that file.

    A path is relative to ``folder``. Raises: TypeError for what JSON has no form for; ValueError
    for numbers that are not finite, for a file that is too long or no text; OSError.
    """
    texts = {name: _value(value, folder) for name, value in values.items()}
    return json.dumps(texts, allow_nan=False)


def _value(value: Any, folder: Path) -> Any:
    if not (isinstance(value, Mapping) and value.keys() == {"file"}):
        return value
    path = folder / str(value["file"])
    content = path.read_bytes()
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"{path} has {len(content):,} bytes; at most {FILE_BYTES_MAX:,}")
    return content.decode()
