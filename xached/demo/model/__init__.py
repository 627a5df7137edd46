"""The model that a strategy of the demo asks. How it came to be is told in LINEAGE.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MODEL: Final = Path(__file__).with_name("btcusdt_1m.model")


def read_demo_model() -> str:
    """Its text, as a strategy takes it. Raises: OSError."""
    return MODEL.read_text(encoding="ascii")
