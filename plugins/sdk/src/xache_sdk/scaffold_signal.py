"""The files of a new signal, as :mod:`xache_sdk.scaffold` writes them."""

from __future__ import annotations

from typing import Final

_PYPROJECT: Final = """\
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "xache-signal-@NAME@"
version = "0.1.0"
description = "A signal for XACHE"
readme = "README.md"
requires-python = ">=3.11"
classifiers = ["Typing :: Typed"]
dependencies = ["xache-sdk>=0.1,<0.2"]

[project.optional-dependencies]
test = ["pytest>=9"]

[project.entry-points."xache.signals"]
@PLUGIN@ = "@MODULE@.source:@CLASS@"

[tool.hatch.build.targets.wheel]
packages = ["src/@MODULE@"]
"""

_README: Final = """\
# xache-signal-@NAME@

A signal for XACHE: after each closed candle it says by how many times its usual spread the price is
above its average. Replace that by your own idea in `source.py`.

    pip install -e '.[test]'
    pytest

`pip install .` beside the daemon makes it known as `@PLUGIN@`. Name it in `xached.toml`:

    [[signal]]
    name = "btc-@NAME@"
    plugin = "@PLUGIN@"
    settings = { symbol = "BTC-USDT" }

A strategy that returns `["btc-@NAME@"]` from `uses()` is told what it says in `on_signal`. It runs
once an operator has approved it: `xached admin plugins show @PLUGIN@ --kind signal`, then
`xached admin plugins approve @PLUGIN@ DIGEST --kind signal`.
"""

_SOURCE: Final = '''\
"""How far the price is from its average, in standard deviations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xache_sdk.indicators.channels import ZScore
from xache_sdk.market import XACHE, Candle, Candles, Interval, Subscription
from xache_sdk.settings import setting
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import Reading, Readings
from xache_sdk.signals import Column, Declarations


@dataclass(frozen=True)
class Settings:
    """What to look at."""

    symbol: str = setting(about="The market")
    venue: str = setting(XACHE, about="Whose candles; XACHE is the house's own market")
    interval: Interval = setting(Interval.M1, about="How long a candle is")
    window: int = setting(20, at_least=2, at_most=1000, unit="candles", about="Of the average")


class @CLASS@(SignalSource[Settings]):
    """See the module."""

    settings_type = Settings
    score: Column

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # Enough candles from before the start for it to be known at once.
        self.bars = Candles(
            settings.symbol, settings.venue, settings.interval, warm_up=settings.window
        )

    def subscriptions(self) -> Sequence[Subscription]:
        """The candles of the market."""
        return [self.bars]

    def declare(self, declarations: Declarations) -> None:
        """The score, computed candle by candle."""
        self.score = declarations.indicator(self.bars, ZScore(self.settings.window))

    def on_candle(self, candle: Candle) -> Readings:
        """Say it once it is known."""
        if self.score.value is not None:
            yield Reading(self.score.value)
'''

_TEST: Final = '''\
"""What the signal says on known prices, and that it never looks ahead."""

from __future__ import annotations

import math

from xache_sdk.market import Candle
from xache_sdk.source_replay import check_source
from xache_sdk.testing import SourceRig, make_candle, make_instrument

from @MODULE@.source import @CLASS@

MINUTE_NS = 60_000_000_000
RULES = make_instrument("BTC-USDT")
SETTINGS = {"symbol": "BTC-USDT", "window": 3}


def candles(*closes: int) -> list[Candle]:
    """One candle a minute."""
    return [
        make_candle(RULES, index * MINUTE_NS, str(close)) for index, close in enumerate(closes)
    ]


def test_it_says_how_far_the_price_is_from_its_average() -> None:
    rig = SourceRig(@CLASS@, SETTINGS)
    told = candles(10, 10, 10, 13, 10)
    rig.start(RULES, warm_up=told[:2])
    said = rig.feed(*told[2:])
    assert [round(each.value, 3) for each in said] == [0.0, 1.414, -0.707]
    assert [each.as_of_ns for each in said] == [each.ends_at_ns for each in told[2:]]


def test_it_does_not_look_ahead() -> None:
    waves = candles(*(round(1000 + 100 * math.sin(index / 5)) for index in range(200)))
    check_source(@CLASS@, SETTINGS, waves)
'''

SIGNAL_FILES: Final = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "src/@MODULE@/__init__.py": '"""A signal for XACHE."""\n',
    "src/@MODULE@/py.typed": "",
    "src/@MODULE@/source.py": _SOURCE,
    "tests/test_source.py": _TEST,
}
"""What is written, by path. Marks between at signs are names."""
