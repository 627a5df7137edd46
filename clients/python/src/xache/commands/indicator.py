"""Indicators of technical analysis, computed by the house over its candles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal

from cyclopts import Parameter

from xache.commands.market import INTERVALS
from xache.commands.options import NO_OPTIONS, Count, Options
from xache.output import Cell, Output, moment, source_text
from xache.v1 import market_pb2

_UNITS: Final = {
    market_pb2.INDICATOR_UNIT_PRICE: "price",
    market_pb2.INDICATOR_UNIT_QUANTITY: "quantity",
    market_pb2.INDICATOR_UNIT_PERCENT: "%",
    market_pb2.INDICATOR_UNIT_RATIO: "",
}


def indicators(*, options: Options = NO_OPTIONS) -> None:
    """List the indicators, what they give, and what they can be set to."""
    with options.connected() as (client, output):
        answer = client.market.indicators()
        if output.as_json:
            output.document(answer)
            return
        output.table(
            ["indicator", "title", "gives", "settings"],
            [_about_row(each) for each in answer.indicators],
        )


def indicator(
    symbol: str,
    name: str,
    /,
    *,
    set_: Annotated[Sequence[str], Parameter(name="--set", negative="")] = (),
    interval: Annotated[
        Literal["1s", "1m", "5m", "15m", "1h", "1d"], Parameter(show_default=True)
    ] = "1m",
    limit: Count = 20,
    venue: str = "",
    options: Options = NO_OPTIONS,
) -> None:
    """Compute an indicator over candles, oldest first.

    Args:
        symbol: the market, such as BTC-USDT.
        name: the indicator, such as rsi; "xache indicators" lists them.
        set_: a setting that differs from its default, as NAME=VALUE; may be repeated.
        interval: how long a candle is.
        limit: at most this many of the newest points, up to 1000.
        venue: whose candles; XACHE when left out.
    """
    symbol, venue = symbol.upper(), venue.upper()
    with options.connected() as (client, output):
        answer = client.market.indicator(
            symbol, name.lower(), INTERVALS[interval], settings=set_, venue=venue, limit=limit
        )
        if output.as_json:
            output.document(answer)
            return
        if not answer.points:
            output.note(f"{symbol} has too few candles at {answer.source.venue} for it yet.")
            return
        _show(output, answer, interval)


def _show(output: Output, answer: market_pb2.ListIndicatorValuesResponse, interval: str) -> None:
    output.line(
        (answer.symbol, "bold"),
        f"  {interval}  {answer.indicator.title}  ",
        (f"{'  '.join(answer.settings)}  ", "dim"),
        source_text(answer.source),
    )
    output.table(
        ["candle (UTC)", *(f">{each.name}" for each in answer.indicator.outputs), ""],
        [_point_row(point) for point in answer.points],
    )


def _point_row(point: market_pb2.IndicatorPoint) -> list[Cell]:
    # Computed in floating point: the last digits of what it holds would say nothing.
    values = (f"{value:.10g}" for value in point.values)
    return [moment(point.open_at_ns), *values, "" if point.closed else "still open"]


def _about_row(about: market_pb2.Indicator) -> list[Cell]:
    gives = (f"{each.name} {_UNITS.get(each.unit, '')}".rstrip() for each in about.outputs)
    settings = (f"{each.name}={each.default_value:g}" for each in about.parameters)
    return [about.name, about.title, ", ".join(gives), " ".join(settings)]
