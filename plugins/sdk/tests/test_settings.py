"""Settings: what is read, and that every mistake is named."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.settings import SettingsError, read_settings


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
