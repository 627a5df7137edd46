"""MarketService: indicators of technical analysis over the candles that the house keeps.

Computed bar by bar, as a strategy does it. Anybody may ask, so what one call can cost is bounded:
by the longest window and the number of candles, with a pause for others every so many bars.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

import trio
from xache.v1 import market_pb2
from xache_sdk.indicators.about import About, Input, Unit
from xache_sdk.indicators.registry import INDICATORS, Indicator, make_indicator
from xache_sdk.indicators.volume import Vwap

from xached.actors.market.data import MarketData
from xached.api.market import CANDLES_DEFAULT, candle_source, interval_of, limit_of, line_of
from xached.api.routes import Call
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Directory, Instrument
from xached.domain.rejection import Reason, Rejection

WARM_UP_MAX: Final = 300
"""Candles that an indicator may need before its first value."""

FADING: Final = 10
"""So many times its warm-up an indicator that never forgets runs before the first point."""

LEAD_MAX: Final = 2_000
"""Candles before the first point, at most: a day of minutes and more."""

BARS_PER_TURN: Final = 100

_BOOK: Final = {Input.BIDS, Input.ASKS}
_OF_CANDLES: Final = {
    name: kind.about for name, kind in INDICATORS.items() if not _BOOK & set(kind.about.inputs)
}
_UNITS: Final = {
    Unit.TICKS: market_pb2.INDICATOR_UNIT_PRICE,
    Unit.LOTS: market_pb2.INDICATOR_UNIT_QUANTITY,
    Unit.PERCENT: market_pb2.INDICATOR_UNIT_PERCENT,
    Unit.RATIO: market_pb2.INDICATOR_UNIT_RATIO,
}


class IndicatorHandlers:
    """Handlers of MarketService about indicators."""

    def __init__(self, data: MarketData, directory: Directory) -> None:
        self._data = data
        self._directory = directory

    async def list_indicators(
        self, _call: Call, _request: market_pb2.ListIndicatorsRequest
    ) -> market_pb2.ListIndicatorsResponse:
        """List the indicators of candles."""
        return market_pb2.ListIndicatorsResponse(
            indicators=[_indicator_message(about) for about in _OF_CANDLES.values()]
        )

    async def list_indicator_values(
        self, _call: Call, request: market_pb2.ListIndicatorValuesRequest
    ) -> market_pb2.ListIndicatorValuesResponse:
        """Compute an indicator over the newest candles, or those before a time."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        interval = interval_of(request.interval)
        limit = limit_of(request.limit, CANDLES_DEFAULT, "limit")
        indicator = _make(request.indicator, request.settings)
        about = indicator.about
        wanted = limit + _lead(indicator, interval)
        candles = await self._data.list_candles(
            line, interval, from_ns=0, to_ns=request.to_ns or None, limit=wanted
        )
        first = max(len(candles) - limit, _first_whole(indicator, candles, wanted))
        points = await _points(instrument, indicator, candles)
        return market_pb2.ListIndicatorValuesResponse(
            symbol=line.symbol,
            source=candle_source(line, candles),
            interval=request.interval,
            indicator=_indicator_message(about),
            settings=[f"{each.name}={getattr(indicator, each.name)}" for each in about.parameters],
            points=[point for point in points[first:] if point is not None],
        )


def _make(name: str, settings: Sequence[str]) -> Indicator:
    if name not in _OF_CANDLES:
        raise Rejection(
            Reason.UNKNOWN_INDICATOR,
            "there is no such indicator of candles",
            field="indicator",
            given=name,
            allowed=", ".join(_OF_CANDLES),
        )
    try:
        indicator = make_indicator(name, _read_all(settings))
    except ValueError as error:
        raise _refused(settings, str(error)) from None
    if indicator.warm_up > WARM_UP_MAX:
        text = f"it needs {indicator.warm_up} candles, at most {WARM_UP_MAX} are looked at"
        raise _refused(settings, text)
    return indicator


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


def _lead(indicator: Indicator, interval: Interval) -> int:
    """How many candles to look at before the first point."""
    if isinstance(indicator, Vwap):
        return min(LEAD_MAX, indicator.session_s // int(interval))
    return min(LEAD_MAX, FADING * indicator.warm_up)


def _first_whole(indicator: Indicator, candles: Sequence[Candle], wanted: int) -> int:
    """The place of the first candle that has all before it that its value counts."""
    if not isinstance(indicator, Vwap) or not indicator.session_s or len(candles) < wanted:
        return 0
    session_ns = indicator.session_s * 1_000_000_000
    sessions = [candle.open_at_ns // session_ns for candle in candles]
    return next((place for place, each in enumerate(sessions) if each != sessions[0]), len(candles))


async def _points(
    instrument: Instrument, indicator: Indicator, candles: Sequence[Candle]
) -> list[market_pb2.IndicatorPoint | None]:
    """The point of each candle; None where it has no value yet."""
    read = attrgetter(*(each.value for each in indicator.about.inputs))
    several = len(indicator.about.inputs) > 1
    # Divided last: a whole number of ticks becomes the nearest price.
    scales = {
        Unit.TICKS: (instrument.tick_step, 10**instrument.price_scale),
        Unit.LOTS: (instrument.lot_units, 10**instrument.base_scale),
    }
    factors = [scales.get(unit, (1, 1)) for unit in indicator.about.units]
    points: list[market_pb2.IndicatorPoint | None] = []
    for number, candle in enumerate(candles):
        if number % BARS_PER_TURN == 0:
            await trio.lowlevel.checkpoint()
        values = read(candle)
        result = indicator.push(*values) if several else indicator.push(values)
        if result is None:
            points.append(None)
            continue
        numbers = result if isinstance(result, tuple) else (result,)
        points.append(
            market_pb2.IndicatorPoint(
                open_at_ns=candle.open_at_ns,
                values=_scaled(numbers, factors),
                closed=candle.closed,
            )
        )
    return points


def _scaled(numbers: Sequence[float], factors: Sequence[tuple[int, int]]) -> Iterator[float]:
    for number, (step, scale) in zip(numbers, factors, strict=True):
        yield number * step / scale


def _indicator_message(about: About) -> market_pb2.Indicator:
    return market_pb2.Indicator(
        name=about.name,
        title=about.title,
        source=about.source,
        outputs=[
            market_pb2.IndicatorOutput(name=name, unit=_UNITS[unit])
            for name, unit in zip(about.outputs, about.units, strict=True)
        ],
        parameters=[
            market_pb2.IndicatorParameter(
                name=each.name,
                description=each.text,
                default_value=each.default,
                min_value=each.least,
                max_value=each.most,
                whole=each.whole,
            )
            for each in about.parameters
        ],
    )
