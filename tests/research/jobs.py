"""What worker processes import to run the jobs of tests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from xache_sdk.settings import make_settings
from xache_strategy_lightgbm.strategy import Settings, SignalTrader

from xached.research.judgement.track_record import DAY_NS, EquityCurve, TrackRecord
from xached.research.judgement.walk_forward import Window


def square(number: int) -> tuple[int, int]:
    """A number's square, and in which process it was found."""
    return number * number, os.getpid()


def refuse(number: int) -> int:
    """Fail on the number three."""
    if number == 3:
        raise LookupError("three")
    return number


def run_noise(seed: int, window: Window) -> TrackRecord:
    """Days of noise that a seed and the window's start decide."""
    days = np.arange(window.start_at_ns // DAY_NS, window.end_at_ns // DAY_NS + 1)
    generator = np.random.default_rng([seed, window.start_at_ns // DAY_NS])
    returns = generator.normal(0.001 * seed, 0.01, len(days) - 1)
    equity = np.concatenate(([1000.0], 1000.0 * np.cumprod(1.0 + returns)))
    return TrackRecord(EquityCurve.of(days * DAY_NS, equity), [])


def trader(settings: Mapping[str, Any]) -> SignalTrader:
    """The strategy that trades models."""
    return SignalTrader(make_settings(Settings, dict(settings)))
