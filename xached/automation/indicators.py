"""Indicators of candles, made from names and settings as text, and how far they look back."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Final

from xache_sdk.indicators.about import About, Input, Unit
from xache_sdk.indicators.registry import INDICATORS, Indicator, make_indicator
from xache_sdk.indicators.volume import Vwap

from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Instrument
from xached.domain.rejection import Reason, Rejection

WARM_UP_MAX: Final = 300
"""Candles that an indicator may need before its first value."""

FADING: Final = 10
"""So many times its warm-up an indicator that never forgets runs before the first point."""

LEAD_MAX: Final = 2_000
"""Candles before the first point, at most: a day of minutes and more."""

_BOOK: Final = {Input.BIDS, Input.ASKS}
OF_CANDLES: Final[Mapping[str, About]] = {
    name: kind.about for name, kind in INDICATORS.items() if not _BOOK & set(kind.about.inputs)
}


def make_of_candles(name: str, settings: Sequence[str]) -> Indicator:
    """Make an indicator from settings as ``name=value``.

    Raises: Rejection UNKNOWN_INDICATOR or INDICATOR_SETTINGS.
    """
    if name not in OF_CANDLES:
        raise Rejection(
            Reason.UNKNOWN_INDICATOR,
            "there is no such indicator of candles",
            field="indicator",
            given=name,
            allowed=", ".join(OF_CANDLES),
        )
    try:
        indicator = make_indicator(name, _read_all(settings))
    except ValueError as error:
        raise _refused(settings, str(error)) from None
    if indicator.warm_up > WARM_UP_MAX:
        text = f"it needs {indicator.warm_up} candles, at most {WARM_UP_MAX} are looked at"
        raise _refused(settings, text)
    return indicator


def lead_of(indicator: Indicator, interval: Interval) -> int:
    """How many candles to look at before the first point."""
    if isinstance(indicator, Vwap):
        return min(LEAD_MAX, indicator.session_s // int(interval))
    return min(LEAD_MAX, FADING * indicator.warm_up)


class CandleValues:
    """The values of an indicator, candle by candle, in prices and quantities as people say them."""

    def __init__(self, indicator: Indicator, instrument: Instrument) -> None:
        about = indicator.about
        # Divided last: a whole number of ticks becomes the nearest price.
        scales = {
            Unit.TICKS: (instrument.tick_step, 10**instrument.price_scale),
            Unit.LOTS: (instrument.lot_units, 10**instrument.base_scale),
        }
        self._read = attrgetter(*(each.value for each in about.inputs))
        self._several = len(about.inputs) > 1
        self._factors = [scales.get(unit, (1, 1)) for unit in about.units]
        self._indicator = indicator

    def push(self, candle: Candle) -> list[float] | None:
        """The value of each output at a candle; None where it has none yet."""
        values = self._read(candle)
        push = self._indicator.push
        result = push(*values) if self._several else push(values)
        if result is None:
            return None
        numbers = result if isinstance(result, tuple) else (result,)
        return [
            number * step / scale
            for number, (step, scale) in zip(numbers, self._factors, strict=True)
        ]


def _refused(settings: Sequence[str], text: str) -> Rejection:
    return Rejection(
        Reason.INDICATOR_SETTINGS,
        text,
        field="settings",
        given=", ".join(settings),
        allowed="as ListIndicators says, each as name=value",
    )


def _read_all(settings: Sequence[str]) -> dict[str, int | float]:
    given = dict(_read(text) for text in settings)
    if len(given) < len(settings):
        raise ValueError("a setting is given twice")
    return given


def _read(text: str) -> tuple[str, int | float]:
    name, _, number = text.partition("=")
    with contextlib.suppress(ValueError):
        return name, int(number)
    with contextlib.suppress(ValueError):
        return name, float(number)
    raise ValueError("a setting is written as name=value, with a number")
