"""Every indicator by its name: to list them, make one from settings, run it over named columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol

from xache_sdk.indicators.about import About
from xache_sdk.indicators.averages import Dema, Ema, Sma, Tema, Wma
from xache_sdk.indicators.book import OrderBookImbalance
from xache_sdk.indicators.channels import BollingerBands, DonchianChannel, KeltnerChannel, ZScore
from xache_sdk.indicators.momentum import Macd, Momentum, Roc, Rsi, Trix
from xache_sdk.indicators.oscillators import Cci, Stochastic, StochasticRsi, WilliamsR
from xache_sdk.indicators.trend import Adx, Aroon, Ichimoku, ParabolicSar, SuperTrend
from xache_sdk.indicators.volatility import Atr, RealisedVolatility
from xache_sdk.indicators.volume import Mfi, Obv, Vwap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats


class Indicator(Protocol):
    """What all of them have in common.

    ``push`` takes one value for each of ``about.inputs``, in that order, and returns the result:
    a number, or a named tuple of ``about.outputs``; None before the bar number ``warm_up``.
    ``over`` takes the same as columns and returns arrays, NaN before that bar. It starts afresh: it
    neither uses nor changes what was pushed.
    """

    about: ClassVar[About]

    @property
    def warm_up(self) -> int: ...
    @property
    def push(self) -> Callable[..., Any]: ...
    @property
    def over(self) -> Callable[..., Any]: ...


_ALL: Final[tuple[type[Indicator], ...]] = (
    Sma, Ema, Wma, Dema, Tema,
    Rsi, Macd, Roc, Momentum, Trix,
    Stochastic, StochasticRsi, WilliamsR, Cci,
    Adx, Aroon, ParabolicSar, SuperTrend, Ichimoku,
    Atr, RealisedVolatility,
    BollingerBands, KeltnerChannel, DonchianChannel, ZScore,
    Obv, Mfi, Vwap,
    OrderBookImbalance,
)  # fmt: skip

INDICATORS: Final[Mapping[str, type[Indicator]]] = MappingProxyType(
    {each.about.name: each for each in _ALL}
)


def make_indicator(name: str, settings: Mapping[str, object]) -> Indicator:
    """Make an indicator; what ``settings`` leave out has its default.

    Raises: ValueError when there is no such indicator or setting, or a setting cannot be.
    """
    found = INDICATORS.get(name)
    if found is None:
        raise ValueError(f"no indicator {name!r}; there are {', '.join(INDICATORS)}")
    known = [parameter.name for parameter in found.about.parameters]
    for setting in settings:
        if setting not in known:
            there = f"there are {', '.join(known)}" if known else "it has none"
            raise ValueError(f"{name}: no setting {setting!r}; {there}")
    return found(**settings)


def run_over(indicator: Indicator, history: Mapping[str, ArrayLike]) -> dict[str, Floats]:
    """Run an indicator over columns that are named as its inputs are (``close_ticks`` …).

    Returns an array for each of its outputs. Raises: KeyError when a column is missing.
    """
    about = indicator.about
    result = indicator.over(*(history[each.value] for each in about.inputs))
    arrays = (result,) if len(about.outputs) == 1 else result
    return dict(zip(about.outputs, arrays, strict=True))
