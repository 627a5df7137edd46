"""Settings: what is read, and that every mistake is named."""

from __future__ import annotations

import enum
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.settings import SettingsError, read_settings, setting, settings_schema


class Mode(enum.Enum):
    CALM = "calm"
    WILD = "wild"


@dataclass(frozen=True)
class Settings:
    symbol: str
    size: Decimal
    levels: int = 3
    live: bool = False
    mode: Mode = Mode.CALM

    def __post_init__(self) -> None:
        if self.levels > 10:
            raise ValueError("levels is at most 10")


def test_defaults_fill_what_is_not_given() -> None:
    assert read_settings(Settings, '{"symbol": "BTC-USDT", "size": "0.010"}') == Settings(
        symbol="BTC-USDT", size=Decimal("0.010")
    )


def test_everything_can_be_given() -> None:
    text = '{"symbol": "E", "size": 2, "levels": 4, "live": true, "mode": "wild"}'
    assert read_settings(Settings, text) == Settings("E", Decimal(2), 4, True, Mode.WILD)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "symbol: is required; size: is required"),
        ('{"symbol": "B", "size": "1", "lots": 1}', "lots: no such setting"),
        ('{"symbol": 1, "size": "1"}', "symbol: is a text, not 1"),
        ('{"symbol": 1.5, "size": "1"}', "symbol: is a text"),
        ('{"symbol": "B", "size": 0.1}', "size: is a number in quotes"),
        ('{"symbol": "B", "size": NaN}', "size: is a number in quotes"),
        ('{"symbol": "B", "size": "NaN"}', "size: is a finite number"),
        ('{"symbol": "B", "size": true}', "size: is a number in quotes"),
        ('{"symbol": "B", "size": "1", "levels": "4"}', "levels: is a whole number, not '4'"),
        ('{"symbol": "B", "size": "1", "levels": true}', "levels: is a whole number"),
        ('{"symbol": "B", "size": "1", "live": 1}', "live: is true or false"),
        ('{"symbol": "B", "size": "1", "mode": "mad"}', "mode: is one of 'calm', 'wild'"),
        ('{"symbol": "B", "size": "1", "levels": 11}', "levels is at most 10"),
    ],
)
def test_mistakes(text: str, mistake: str) -> None:
    with pytest.raises(SettingsError, match=mistake):
        read_settings(Settings, text)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        read_settings(Settings, text)


@dataclass(frozen=True)
class Ruled:
    """What to trade,
    and how much.
    """

    symbols: tuple[str, ...] = setting(about="Markets to trade")
    fast: int = setting(10, at_least=1, at_most=500, unit="bars", about="Fast average")
    size: Decimal = setting(Decimal("0.01"), above=0, at_most=Decimal(5), unit="BTC")
    limit: Decimal | None = setting(None, at_least=Decimal("0.5"))
    style: str = setting("calm", choices=("calm", "wild"))
    days: tuple[int, ...] = setting((1,), at_least=1, at_most=7)
    mode: Mode = Mode.WILD


def test_rules_are_kept() -> None:
    given = '{"symbols": ["A", "B"], "fast": 500, "size": "5", "limit": "0.5", "days": [7, 1]}'
    assert read_settings(Ruled, given) == Ruled(
        symbols=("A", "B"), fast=500, size=Decimal(5), limit=Decimal("0.5"), days=(7, 1)
    )
    assert read_settings(Ruled, '{"symbols": [], "limit": null}').limit is None


@pytest.mark.parametrize(
    ("given", "mistake"),
    [
        ('"fast": 0', "fast: is 1 to 500 bars, not 0"),
        ('"fast": 501', "fast: is 1 to 500 bars, not 501"),
        ('"size": "0"', "size: is more than 0 and at most 5 BTC, not 0"),
        ('"size": "5.01"', "size: is more than 0 and at most 5 BTC, not 5.01"),
        ('"limit": "0.4"', "limit: is at least 0.5, not 0.4"),
        ('"style": "mad"', "style: is one of 'calm', 'wild', not 'mad'"),
        ('"days": [8]', "days: is 1 to 7, not 8"),
        ('"days": 3', "days: is a list, not 3"),
        ('"days": ["x"]', "days: is a whole number, not 'x'"),
        (f'"days": {[1] * 101}', "days: has at most 100 items, not 101"),
        ('"fast": 0, "style": 3', "fast: is 1 to 500 bars, not 0; style: is a text, not 3"),
    ],
)
def test_what_is_not_allowed_says_what_is(given: str, mistake: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(Ruled, f'{{"symbols": [], {given}}}')
    assert str(refused.value) == mistake


@dataclass(frozen=True)
class Loose:
    """What authors write who have not read on."""

    threshold: float = 0.5
    names: list[str] = field(default_factory=list)
    pair: tuple[int, int] = (1, 2)
    spend: Decimal = 50  # type: ignore[assignment]  # the mistake itself
    limit: int = None  # type: ignore[assignment]  # the mistake itself
    fine: tuple[Decimal, ...] = (Decimal(1),)


@pytest.mark.parametrize("take", [settings_schema, lambda kind: read_settings(kind, "{}")])
def test_what_no_setting_can_be_is_told_before_anything_is_set(
    take: Callable[[type[Any]], object],
) -> None:
    """A float that is only ever its default worked, until somebody set it."""
    with pytest.raises(SettingsError) as refused:
        take(Loose)
    *wrong, spend, limit = str(refused.value).split("; ")
    allowed = "is a str, int, bool, Decimal, an Enum, or None besides, or a tuple[..., ...] of one"
    assert wrong == [
        f"threshold: {allowed}, not float",
        f"names: {allowed}, not list[str]",
        f"pair: {allowed}, not tuple[int, int]",
    ]
    assert spend == "spend: its default is a Decimal, not 50"
    assert limit == "limit: its default is a int, not None"
    with pytest.raises(SettingsError, match="settings are declared as a dataclass, not as int"):
        take(int)


def test_a_default_keeps_its_own_rules() -> None:
    with pytest.raises(SettingsError, match="is at least 1, not 0"):
        setting(0, at_least=1)


def test_clients_are_told_what_is_allowed() -> None:
    schema = settings_schema(Ruled)
    assert json.loads(json.dumps(schema)) == schema
    assert (schema["description"], schema["required"]) == (
        "What to trade, and how much.", ["symbols"],
    )  # fmt: skip
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "symbols": {
            "type": "array", "items": {"type": "string"}, "maxItems": 100,
            "description": "Markets to trade",
        },
        "fast": {
            "type": "integer", "minimum": 1, "maximum": 500, "x-unit": "bars", "default": 10,
            "description": "Fast average",
        },
        "size": {
            "type": "string", "format": "decimal", "x-exclusiveMinimum": "0", "x-maximum": "5",
            "x-unit": "BTC", "default": "0.01",
        },
        "limit": {
            "anyOf": [
                {"type": "string", "format": "decimal", "x-minimum": "0.5"}, {"type": "null"},
            ],
            "default": None,
        },
        "style": {"type": "string", "enum": ["calm", "wild"], "default": "calm"},
        "days": {
            "type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 7},
            "maxItems": 100, "default": [1],
        },
        "mode": {"enum": ["calm", "wild"], "default": "wild"},
    }  # fmt: skip
    assert "description" not in settings_schema(Settings)
