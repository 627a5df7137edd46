"""Models of the house in the settings of a strategy: ``models = "house:NAME"``."""

from __future__ import annotations

from typing import Final

SETTING: Final = "models"
PREFIX: Final = "house:"


def house_model(value: object) -> str:
    """Which model of the house a value of that setting asks for; empty for none."""
    if not isinstance(value, str) or not value.startswith(PREFIX):
        return ""
    return value.removeprefix(PREFIX)
