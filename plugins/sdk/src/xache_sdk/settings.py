"""A strategy's settings: a frozen dataclass, read from a JSON object.

Fields are ``str``, ``int``, ``bool``, ``Decimal`` (written as a string or a whole number: a JSON
number with a point would already have been rounded), an Enum (by value), one of these or None, or
a ``tuple[..., ...]`` of one of these (a JSON array). A field without a default is required. With
:func:`setting` a field says what is allowed and what it means; clients show that from
:func:`settings_schema`. Rules between fields belong into ``__post_init__``, which raises
ValueError.
"""

from __future__ import annotations

import dataclasses
import decimal
import enum
import json
import types
import typing
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeVar, overload

Settings = TypeVar("Settings")
Value = TypeVar("Value")

ITEMS_MAX: Final = 100
"""Longest list in a setting."""

_RULES: Final = "xache_sdk.settings"
_MISSING: Final = dataclasses.MISSING


@dataclasses.dataclass(frozen=True, slots=True)
class NoSettings:
    """For a plugin that has nothing to set."""


class SettingsError(ValueError):
    """The settings are not what the strategy declares; the text names every mistake."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a field allows, and what people are told of it. Limits are inclusive but ``above``."""

    about: str = ""
    unit: str = ""
    at_least: int | Decimal | None = None
    at_most: int | Decimal | None = None
    above: int | Decimal | None = None
    choices: tuple[Any, ...] = ()

    def check(self, value: Any) -> None:
        """Refuse a value that is not allowed. Raises: SettingsError."""
        if self.choices and value not in self.choices:
            allowed = ", ".join(repr(_plain(each)) for each in self.choices)
            raise SettingsError(f"is one of {allowed}, not {_plain(value)!r}")
        below = self.at_least is not None and value < self.at_least
        beyond = self.at_most is not None and value > self.at_most
        if below or beyond or (self.above is not None and value <= self.above):
            raise SettingsError(f"is {self._range()}{self._in_unit()}, not {_plain(value)}")

    def _range(self) -> str:
        lowest = "" if self.at_least is None else f"at least {self.at_least}"
        if self.above is not None:
            lowest = f"more than {self.above}"
        highest = "" if self.at_most is None else f"at most {self.at_most}"
        if self.at_least is not None and self.at_most is not None:
            return f"{self.at_least} to {self.at_most}"
        return " and ".join(each for each in (lowest, highest) if each)

    def _in_unit(self) -> str:
        return f" {self.unit}" if self.unit else ""


NO_RULES: Final = Rules()


@overload
def setting(
    default: Value,
    *,
    about: str = ...,
    unit: str = ...,
    at_least: int | Decimal | None = ...,
    at_most: int | Decimal | None = ...,
    above: int | Decimal | None = ...,
    choices: Sequence[Any] = ...,
) -> Value: ...


@overload
def setting(
    *,
    about: str = ...,
    unit: str = ...,
    at_least: int | Decimal | None = ...,
    at_most: int | Decimal | None = ...,
    above: int | Decimal | None = ...,
    choices: Sequence[Any] = ...,
) -> Any: ...


def setting(
    default: Any = _MISSING,
    *,
    about: str = "",
    unit: str = "",
    at_least: int | Decimal | None = None,
    at_most: int | Decimal | None = None,
    above: int | Decimal | None = None,
    choices: Sequence[Any] = (),
) -> Any:
    """A field of a settings dataclass with its rules; required without a default.

    ``above`` is a limit that is itself not allowed. The rules of a list are those of each item.

    Raises: ValueError when the default breaks them.
    """
    rules = Rules(
        about=about,
        unit=unit,
        at_least=at_least,
        at_most=at_most,
        above=above,
        choices=tuple(choices),
    )
    if default is not _MISSING:
        for each in default if isinstance(default, tuple) else (default,):
            if each is not None:
                rules.check(each)
    metadata = {_RULES: rules}
    if default is _MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


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
    hints, fields = _declared(settings_type)
    mistakes = [f"{name}: no such setting" for name in given if name not in fields]
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in given:
            try:
                values[name] = _read(hints[name], given[name], _rules_of(field))
            except SettingsError as error:
                mistakes.append(f"{name}: {error}")
        elif _is_required(field):
            mistakes.append(f"{name}: is required")
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    try:
        return settings_type(**values)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def settings_schema(settings_type: type[Any]) -> dict[str, Any]:
    """The settings as a JSON Schema (2020-12), for clients that ask people for them.

    A Decimal is a string of format ``decimal``; its limits are ``x-minimum``, ``x-maximum`` and
    ``x-exclusiveMinimum``, as text. Units are ``x-unit``.

    Raises: SettingsError for fields that no setting can be.
    """
    hints, fields = _declared(settings_type)
    doc = settings_type.__doc__ or ""
    # A dataclass without a docstring gets its signature for one.
    described = {} if doc.startswith(f"{settings_type.__name__}(") else {"description": doc}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        **{key: _unwrapped(text) for key, text in described.items() if text},
        "properties": {
            field.name: _field_schema(hints[field.name], field) for field in fields.values()
        },
        "required": [field.name for field in fields.values() if _is_required(field)],
        "additionalProperties": False,
    }


def _declared(
    settings_type: type[Any],
) -> tuple[dict[str, Any], dict[str, dataclasses.Field[Any]]]:
    """The types and fields of settings, by name. Raises: SettingsError for what cannot be one."""
    if not dataclasses.is_dataclass(settings_type):
        raise SettingsError(f"settings are declared as a dataclass, not as {_name(settings_type)}")
    hints = typing.get_type_hints(settings_type)
    fields = {field.name: field for field in dataclasses.fields(settings_type) if field.init}
    mistakes = []
    for name, field in fields.items():
        wanted, optional = _without_none(hints[name])
        item = _item_type(wanted)
        if not (isinstance(item, type) and (item in _PLAIN or issubclass(item, enum.Enum))):
            mistakes.append(f"{name}: is {_ALLOWED}, not {_name(hints[name])}")
        elif not _fits(wanted, item, optional, field.default):
            mistakes.append(f"{name}: its default is a {_name(wanted)}, not {field.default!r}")
    if mistakes:
        raise SettingsError("; ".join(mistakes))
    return hints, fields


_PLAIN: Final = (str, int, bool, Decimal)
_ALLOWED: Final = "a str, int, bool, Decimal, an Enum, or None besides, or a tuple[..., ...] of one"


def _item_type(wanted: Any) -> Any:
    """The type of a field, or of the items of a tuple of any length."""
    if typing.get_origin(wanted) is tuple and typing.get_args(wanted)[1:] == (...,):
        return typing.get_args(wanted)[0]
    return wanted


def _fits(wanted: Any, item: type[Any], optional: bool, default: Any) -> bool:
    """Whether a default is of the type that is declared."""
    if default is _MISSING or (default is None and optional):
        return True
    if wanted is not item and not isinstance(default, tuple):
        return False
    values = default if wanted is not item else (default,)
    return all(
        isinstance(each, item) and (item is bool or not isinstance(each, bool)) for each in values
    )


def _name(wanted: Any) -> str:
    return (
        wanted.__name__ if isinstance(wanted, type) and not typing.get_args(wanted) else str(wanted)
    )


def _field_schema(wanted: Any, field: dataclasses.Field[Any]) -> dict[str, Any]:
    rules = _rules_of(field)
    schema = _type_schema(wanted, rules)
    if rules.about:
        schema["description"] = rules.about
    if rules.unit:
        schema["x-unit"] = rules.unit
    if field.default is not _MISSING:
        schema["default"] = _plain(field.default)
    return schema


def _type_schema(wanted: Any, rules: Rules) -> dict[str, Any]:
    plain, optional = _without_none(wanted)
    if typing.get_origin(plain) is tuple:
        item = typing.get_args(plain)[0]
        schema = {"type": "array", "items": _type_schema(item, rules), "maxItems": ITEMS_MAX}
    elif plain is bool:
        schema = {"type": "boolean"}
    elif plain is int:
        schema = {"type": "integer"} | _limits(rules, "", lambda limit: limit)
    elif plain is Decimal:
        schema = {"type": "string", "format": "decimal"} | _limits(rules, "x-", str)
    elif isinstance(plain, type) and issubclass(plain, enum.Enum):
        schema = {"enum": [member.value for member in plain]}
    else:
        schema = {"type": "string"}
    if rules.choices and "items" not in schema:
        schema["enum"] = [_plain(each) for each in rules.choices]
    return {"anyOf": [schema, {"type": "null"}]} if optional else schema


def _limits(rules: Rules, prefix: str, write: Callable[[int | Decimal], Any]) -> dict[str, Any]:
    limits = {
        "minimum": rules.at_least,
        "maximum": rules.at_most,
        "exclusiveMinimum": rules.above,
    }
    return {prefix + name: write(limit) for name, limit in limits.items() if limit is not None}


class _Float(str):
    """A JSON number with a point or an exponent, as it was written."""

    __slots__ = ()


def _read(wanted: Any, value: Any, rules: Rules) -> Any:
    plain, optional = _without_none(wanted)
    if optional and value is None:
        return None
    if typing.get_origin(plain) is tuple:
        return _read_items(typing.get_args(plain)[0], value, rules)
    read = _read_plain(plain, value)
    rules.check(read)
    return read


def _read_items(wanted: Any, value: Any, rules: Rules) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise SettingsError(f"is a list, not {value!r}")
    if len(value) > ITEMS_MAX:
        raise SettingsError(f"has at most {ITEMS_MAX} items, not {len(value)}")
    return tuple(_read(wanted, each, rules) for each in value)


def _read_plain(wanted: Any, value: Any) -> Any:
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
    exact = isinstance(value, str | int | Decimal) and not isinstance(value, bool | _Float)
    if not exact:
        raise SettingsError(f'is a number in quotes, such as "0.01", not {value!r}')
    try:
        number = Decimal(value)
    except decimal.InvalidOperation:
        raise SettingsError(f'is a number in quotes, such as "0.01", not {value!r}') from None
    if not number.is_finite():
        raise SettingsError(f"is a finite number, not {value!r}")
    return number


def _without_none(wanted: Any) -> tuple[Any, bool]:
    """A type without None, and whether None was allowed."""
    if typing.get_origin(wanted) in (typing.Union, types.UnionType):
        others = [each for each in typing.get_args(wanted) if each is not type(None)]
        if len(others) == 1 and len(typing.get_args(wanted)) == 2:
            return others[0], True
    return wanted, False


def _rules_of(field: dataclasses.Field[Any]) -> Rules:
    rules = field.metadata.get(_RULES, NO_RULES)
    assert isinstance(rules, Rules)
    return rules


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is _MISSING and field.default_factory is _MISSING


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value


def _unwrapped(text: str) -> str:
    return " ".join(text.split())
