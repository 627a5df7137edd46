"""Write the package of a new plugin: it installs and its tests pass as they are."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from xache_sdk.kinds import Kind
from xache_sdk.scaffold_feed import FEED_FILES
from xache_sdk.scaffold_notifier import NOTIFIER_FILES
from xache_sdk.scaffold_signal import SIGNAL_FILES

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*", re.ASCII)
NAME_ALLOWED: Final = "lower-case letters, digits and single dashes, beginning with a letter"
NAME_LENGTH_MAX: Final = 30


class ScaffoldRefused(Exception):  # noqa: N818 - it says what is the matter
    """Nothing was written. The text says why."""


def write_plugin(name: str, into: Path, kind: str = Kind.STRATEGY) -> Path:
    """Write a new package of a kind below a directory and return where.

    Raises: ScaffoldRefused for a name that is not allowed or taken, and for a kind of which there
        is nothing to begin with; OSError.
    """
    if kind not in _TEMPLATES:
        raise ScaffoldRefused(f"{kind[:40]!r} is none of {', '.join(_TEMPLATES)}")
    if _NAME.fullmatch(name) is None or len(name) > NAME_LENGTH_MAX:
        raise ScaffoldRefused(
            f"{name[:40]!r} is no name of a {kind}; allowed: {NAME_ALLOWED}, "
            f"at most {NAME_LENGTH_MAX}"
        )
    words = re.split(r"[-_]", name)
    names = {
        "@NAME@": "-".join(words),
        "@PLUGIN@": "_".join(words),
        "@MODULE@": f"xache_{kind}_{'_'.join(words)}",
        "@CLASS@": "".join(word.capitalize() for word in words),
    }
    root = into / f"xache-{kind}-{names['@NAME@']}"
    if root.exists():
        raise ScaffoldRefused(f"{root} is there already")
    for path, text in _TEMPLATES[kind].items():
        file = root / _filled(path, names)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_filled(text, names), encoding="utf-8")
    return root


def _filled(text: str, names: dict[str, str]) -> str:
    for mark, name in names.items():
        text = text.replace(mark, name)
    return text


_PYPROJECT: Final = """\
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "xache-strategy-@NAME@"
version = "0.1.0"
description = "A strategy for XACHE"
readme = "README.md"
requires-python = ">=3.11"
classifiers = ["Typing :: Typed"]
dependencies = ["xache-sdk>=0.1,<0.2"]

[project.optional-dependencies]
test = ["pytest>=9"]

[project.entry-points."xache.strategies"]
@PLUGIN@ = "@MODULE@.strategy:@CLASS@"

[tool.hatch.build.targets.wheel]
packages = ["src/@MODULE@"]
"""

_README: Final = """\
# xache-strategy-@NAME@

A strategy for XACHE. It buys when a fast average of closing prices crosses above a slow one, and
sells what it holds when it crosses back: replace that by your own idea in `strategy.py`.

    pip install -e '.[test]'
    pytest

Where XACHE is installed too, try it on eight months of real prices (`xache data import` brings in
your own):

    xache data sample
    xache backtest @PLUGIN@ --data BTC-USDT-BINANCE-5m --check \\
      --set symbol=BTC-USDT --set venue=BINANCE --set interval=5m

`pip install .` beside the daemon makes it known as `@PLUGIN@`. Name it in `xached.toml` with the
purse it may spend:

    [[strategy]]
    name = "my-@NAME@"
    plugin = "@PLUGIN@"
    account = "…"
    subaccount = "@NAME@"
    settings = { symbol = "BTC-USDT", notional = "50" }

Its settings are those of `Settings` in `strategy.py`. It runs once an operator has approved it:
`xached admin plugins show @PLUGIN@`, then `xached admin plugins approve @PLUGIN@ DIGEST`.
"""

_STRATEGY: Final = '''\
"""Buy when the fast average crosses above the slow one, sell what is held when it crosses back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.context import Context
from xache_sdk.indicators.averages import Sma
from xache_sdk.market import XACHE, Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Note, OrderStatus, OrderUpdate, Place
from xache_sdk.reasons import Reason
from xache_sdk.settings import setting
from xache_sdk.signals import Column, Declarations
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """What to trade, and when."""

    symbol: str = setting(about="The market")
    notional: Decimal = setting(Decimal(50), above=0, unit="quote", about="Spent on a purchase")
    venue: str = setting(XACHE, about="Whose candles; XACHE is the house's own market")
    interval: Interval = setting(Interval.M1, about="How long a candle is")
    fast: int = setting(10, at_least=1, at_most=500, unit="candles", about="Fast average")
    slow: int = setting(30, at_least=2, at_most=1000, unit="candles", about="Slow average")

    def __post_init__(self) -> None:
        if self.fast >= self.slow:
            raise ValueError("fast is less than slow")


class @CLASS@(Strategy[Settings]):
    """See the module."""

    settings_type = Settings
    fast: Column
    slow: Column

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # Enough candles from before the start for both averages to be known at once.
        self.bars = Candles(
            settings.symbol, settings.venue, settings.interval, warm_up=settings.slow
        )
        self.order_id: str | None = None
        self.purchases = 0

    def subscriptions(self) -> Sequence[Subscription]:
        """The candles of the market."""
        return [self.bars]

    def declare(self, declarations: Declarations) -> None:
        """Two averages. The daemon computes them candle by candle, a backtest at once."""
        self.fast = declarations.indicator(self.bars, Sma(self.settings.fast))
        self.slow = declarations.indicator(self.bars, Sma(self.settings.slow))

    def on_start(self, context: Context) -> Intents:
        """Remember what an earlier run has saved."""
        if context.saved is not None:
            self.purchases = int(context.saved.value["purchases"])
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """Look for a cross."""
        fast, slow = self.fast.value, self.slow.value
        if fast is None or slow is None or self.order_id is not None:
            return ()
        held = self.context.position(self.settings.symbol).quantity
        if fast > slow and held == 0:
            self.order_id = self.next_id()
            return [
                Place(
                    id=self.order_id,
                    symbol=self.settings.symbol,
                    side=Side.BUY,
                    quote_quantity=self.settings.notional,
                    reason=Reason("fast is above slow", {"fast": fast, "slow": slow}),
                )
            ]
        if fast < slow and held > 0:
            self.order_id = self.next_id()
            return [
                Place(
                    id=self.order_id,
                    symbol=self.settings.symbol,
                    side=Side.SELL,
                    quantity=held,
                    reason=Reason("fast is below slow", {"fast": fast, "slow": slow}),
                )
            ]
        return ()

    def on_order(self, update: OrderUpdate) -> Intents:
        """Wait for the end of the order; keep count of purchases over restarts."""
        if not update.own or update.id != self.order_id or not update.status.final:
            return
        self.order_id = None
        if update.status is OrderStatus.FILLED and update.side is Side.BUY:
            self.purchases += 1
            self.save({"purchases": self.purchases})
        if update.reason:
            yield Note(f"{update.side.value} {update.status.value}: {update.reason}")
'''

_TEST: Final = '''\
"""What the strategy wants on known prices, and that it never looks ahead."""

from __future__ import annotations

import math
from decimal import Decimal

from xache_sdk.context import Saved
from xache_sdk.look_ahead import check_no_look_ahead
from xache_sdk.market import Candle, Side
from xache_sdk.orders import Place, Save
from xache_sdk.testing import Rig, filled, make_candle, make_context, make_instrument

from @MODULE@.strategy import @CLASS@

MINUTE_NS = 60_000_000_000
RULES = make_instrument("BTC-USDT")
SETTINGS = {"symbol": "BTC-USDT", "fast": 2, "slow": 3}


def candles(*closes: int) -> list[Candle]:
    """One candle a minute."""
    return [
        make_candle(RULES, index * MINUTE_NS, str(close)) for index, close in enumerate(closes)
    ]


def test_it_buys_and_sells_at_the_crosses() -> None:
    rig = Rig(@CLASS@, SETTINGS)
    before = candles(12, 10, 8, 9, 20, 22, 5)
    assert rig.start(make_context(RULES, now_ns=3 * MINUTE_NS), warm_up=before[:3]) == []
    assert rig.feed(before[3]) == []
    [buy] = rig.feed(before[4])
    assert isinstance(buy, Place)
    assert (buy.side, buy.quote_quantity) == (Side.BUY, Decimal(50))
    rig.hold("BTC-USDT", "2.5")
    assert rig.feed(filled(buy, Decimal(20), Decimal("2.5"))) == [
        Save(version=1, text='{"purchases":1}')
    ]
    assert rig.feed(before[5]) == []
    [sell] = rig.feed(before[6])
    assert isinstance(sell, Place)
    assert (sell.side, sell.quantity) == (Side.SELL, Decimal("2.5"))


def test_it_goes_on_counting_after_a_restart() -> None:
    rig = Rig(@CLASS@, SETTINGS)
    rig.start(make_context(RULES, saved=Saved(1, {"purchases": 7})))
    assert isinstance(rig.strategy, @CLASS@)
    assert rig.strategy.purchases == 7


def test_it_does_not_look_ahead() -> None:
    waves = candles(*(round(1000 + 100 * math.sin(index / 5)) for index in range(200)))
    check_no_look_ahead(@CLASS@, SETTINGS, waves)
'''

_FILES: Final = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "src/@MODULE@/__init__.py": '"""A strategy for XACHE."""\n',
    "src/@MODULE@/py.typed": "",
    "src/@MODULE@/strategy.py": _STRATEGY,
    "tests/test_strategy.py": _TEST,
}
"""What is written, by path. Marks between at signs are names."""

_TEMPLATES: Final[dict[str, dict[str, str]]] = {
    Kind.STRATEGY: _FILES,
    Kind.SIGNAL: SIGNAL_FILES,
    Kind.FEED: FEED_FILES,
    Kind.NOTIFIER: NOTIFIER_FILES,
}
