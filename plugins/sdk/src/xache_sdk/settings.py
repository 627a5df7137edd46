"""A strategy's settings: a frozen dataclass, read from a JSON object.

Fields are ``str``, ``int``, ``bool``, ``Decimal`` (written as a string or a whole number: a JSON
number with a point would already have been rounded) or an Enum (by value). A field without a
default is required. Rules between fields belong into ``__post_init__``, which raises ValueError.
"""

from __future__ import annotations

import dataclasses
import decimal
import enum
import json
import typing
from decimal import Decimal
from typing import Any, TypeVar

Settings = TypeVar("Settings")


class SettingsError(ValueError):
    """The settings are not what the strategy declares; the text names every mistake."""


def read_settings(settings_type: type[Settings], text: str) -> Settings:
    """Read settings. Raises: SettingsError."""
    try:
        given = json.loads(text, parse_float=_Float, parse_constant=_Float)
    except ValueError as error:
        raise SettingsError(f"the settings are not JSON: {error}") from None
    if not isinstance(given, dict):
        raise SettingsError("the settings are not a JSON object")
    return make_settings(settings_type, given)


def make_settings(settings_type: type[Settings], given: dict[str, Any]) -> Settings:
    """Make settings of values as JSON has them. Raises: SettingsError."""
    assert dataclasses.is_dataclass(settings_type), "settings are declared as a dataclass"
    types = typing.get_type_hints(settings_type)
    fields = {field.name: field for field in dataclasses.fields(settings_type) if field.init}
    mistakes = [f"{name}: no such setting" for name in given if name not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            try:
                values[name] = _read(types[name], given[name])
            except SettingsError as error:
                mistakes.append(f"{name}: {error}")
        elif field.default is dataclasses.MISSING and (
            field.default_factory is dataclasses.MISSING
        ):
            mistakes.append(f"{name}: is required")
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    try:
        return settings_type(**values)
    except ValueError as error:
        raise SettingsError(str(error)) from None


class _Float(str):
    """A JSON number with a point or an exponent, as it was written."""

    __slots__ = ()


def _read(wanted: Any, value: Any) -> Any:
    if wanted is bool:
        if isinstance(value, bool):
            return value
        raise SettingsError(f"is true or false, not {value!r}")
    if wanted is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise SettingsError(f"is a whole number, not {value!r}")
    if wanted is str:
        if isinstance(value, str) and not isinstance(value, _Float):
            return value
        raise SettingsError(f"is a text, not {value!r}")
    if wanted is Decimal:
        return _read_decimal(value)
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        for member in wanted:
            if member.value == value:
                return member
        allowed = ", ".join(repr(member.value) for member in wanted)
        raise SettingsError(f"is one of {allowed}, not {value!r}")
    raise TypeError(f"a setting cannot be a {wanted}")


def _read_decimal(value: Any) -> Decimal:
    exact = (isinstance(value, str) and not isinstance(value, _Float)) or (
        isinstance(value, int) and not isinstance(value, bool)
    )
    if not exact:
        raise SettingsError(f'is a number in quotes, such as "0.01", not {value!r}')
    try:
        number = Decimal(value)
    except decimal.InvalidOperation:
        raise SettingsError(f'is a number in quotes, such as "0.01", not {value!r}') from None
    if not number.is_finite():
        raise SettingsError(f"is a finite number, not {value!r}")
    return number
