"""MarketService: indicators of technical analysis over the candles that the house keeps.

Computed bar by bar, as a strategy does it. Anybody may ask, so what one call can cost is bounded:
by the longest window and the number of candles, with a pause for others every so many bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio
from xache.v1 import market_pb2
from xache_sdk.indicators.about import About, Unit
from xache_sdk.indicators.registry import Indicator
from xache_sdk.indicators.volume import Vwap

from xached.actors.market.data import MarketData
from xached.api.market import CANDLES_DEFAULT, candle_source, interval_of, limit_of, line_of
from xached.api.routes import Call
from xached.automation.indicators import OF_CANDLES, CandleValues, lead_of, make_of_candles
from xached.domain.candles import Candle
from xached.domain.instrument import Directory, Instrument

BARS_PER_TURN: Final = 100

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
            indicators=[_indicator_message(about) for about in OF_CANDLES.values()]
        )

    async def list_indicator_values(
        self, _call: Call, request: market_pb2.ListIndicatorValuesRequest
    ) -> market_pb2.ListIndicatorValuesResponse:
        """Compute an indicator over the newest candles, or those before a time."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        interval = interval_of(request.interval)
        limit = limit_of(request.limit, CANDLES_DEFAULT, "limit")
        indicator = make_of_candles(request.indicator, request.settings)
        about = indicator.about
        wanted = limit + lead_of(indicator, interval)
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
    read = CandleValues(indicator, instrument)
    points: list[market_pb2.IndicatorPoint | None] = []
    for number, candle in enumerate(candles):
        if number % BARS_PER_TURN == 0:
            await trio.lowlevel.checkpoint()
        values = read.push(candle)
        if values is None:
            points.append(None)
            continue
        points.append(
            market_pb2.IndicatorPoint(
                open_at_ns=candle.open_at_ns,
                values=values,
                closed=candle.closed,
            )
        )
    return points


def _indicator_message(about: About) -> market_pb2.Indicator:
    return market_pb2.Indicator(
        name=about.name,
        title=about.title,
        source=about.source,
        outputs=[
            market_pb2.IndicatorOutput(name=name, unit=_UNITS[unit], is_price=is_price)
            for name, unit, is_price in zip(about.outputs, about.units, about.prices, strict=True)
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
