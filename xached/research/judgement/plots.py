"""Plots of a report as inline SVG: small, without ids that clash, in the colours of the page.

matplotlib draws, without pyplot and its global figures. Colours are placeholders that become CSS
variables, so one drawing serves light and dark; text stays text. Each plot is drawn twice, for
wide screens and for phones, where scaling one drawing would leave letters nobody can read.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Final, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from xached.research.judgement.report import HeatMap, Marker, PriceChart
from xached.research.judgement.track_record import EquityCurve, FloatArray, IntArray

POINTS_MAX: Final = 600
"""A curve with more is drawn by the lowest and highest of each stretch."""
MARKERS_MAX: Final = 400

_INK, _FAINT, _LINE, _GAIN, _LOSS = "#010203", "#010204", "#010205", "#010206", "#010207"
_VARIABLES: Final = {
    _INK: "var(--ink)",
    _FAINT: "var(--faint)",
    _LINE: "var(--line)",
    _GAIN: "var(--gain)",
    _LOSS: "var(--loss)",
}
_DAYS_MIN: Final = 1 / 24
_WIDE: Final = (9.0, 3.0)
_NARROW: Final = (4.0, 2.7)
_HEAT: Final = LinearSegmentedColormap.from_list("heat", ["#c2560c", "#a8a29e", "#0f766e"], N=41)
"""From loss through nothing to gain; told apart without seeing red and green. With 50 steps or
more matplotlib would draw the scale as an image, which the page does not allow."""

Draw: TypeAlias = Callable[[Axes], None]


def equity_plot(curve: EquityCurve, benchmark: EquityCurve | None) -> str:
    """What one unit has become, and what it would have by holding."""

    def draw(axes: Axes) -> None:
        if benchmark is not None:
            at_ns, growth = _thinned(benchmark.at_ns, benchmark.growth())
            axes.plot(_dates(at_ns), growth, color=_FAINT, linewidth=1.0, label="holding")
        at_ns, growth = _thinned(curve.at_ns, curve.growth())
        axes.plot(_dates(at_ns), growth, color=_LINE, linewidth=1.4, label="strategy")
        axes.axhline(1.0, color=_FAINT, linewidth=0.5)
        if benchmark is not None:
            axes.legend(frameon=False, labelcolor=_INK, loc="upper left")

    return _figure("equity", "Growth of one unit over time", draw)


def drawdown_plot(curve: EquityCurve) -> str:
    """How far below its peak the curve was."""

    def draw(axes: Axes) -> None:
        growth = curve.growth()
        at_ns, depths = _thinned(curve.at_ns, 100.0 * (growth / np.maximum.accumulate(growth) - 1))
        dates = _dates(at_ns)
        axes.fill_between(dates, depths, 0.0, color=_LOSS, alpha=0.25, linewidth=0)
        axes.plot(dates, depths, color=_LOSS, linewidth=1.0)
        axes.set_ylabel("%", color=_INK)

    return _figure("drawdown", "Fall from the peak, in percent", draw)


def price_plot(chart: PriceChart) -> str:
    """The closes, with purchases as triangles up and sales as triangles down."""

    def draw(axes: Axes) -> None:
        at_ns, closes = _thinned(chart.at_ns, chart.closes)
        axes.plot(_dates(at_ns), closes, color=_FAINT, linewidth=0.9)
        for buy, shape, colour in ((True, "^", _GAIN), (False, "v", _LOSS)):
            shown = [marker for marker in shown_markers(chart) if marker.buy is buy]
            axes.plot(
                _dates(np.array([marker.at_ns for marker in shown], dtype=np.int64)),
                [marker.price for marker in shown],
                shape,
                color=colour,
                markersize=4,
                markeredgewidth=0,
            )

    return _figure(f"trades {chart.symbol}", f"{chart.symbol} with purchases and sales", draw)


def shown_markers(chart: PriceChart) -> Sequence[Marker]:
    """At most 400 fills, evenly spread: more would hide the price and each other."""
    step = -(-len(chart.markers) // MARKERS_MAX)
    return chart.markers[:: max(step, 1)]


def heat_map_plot(heat: HeatMap) -> str:
    """The return of each pair of settings, by colour."""

    def draw(axes: Axes) -> None:
        percent = 100.0 * heat.returns
        bound = float(np.nanmax(np.abs(percent))) if np.any(np.isfinite(percent)) else 0.0
        bound = bound or 1.0
        mesh = axes.pcolormesh(
            np.ma.masked_invalid(percent), cmap=_HEAT, vmin=-bound, vmax=bound, linewidth=0
        )
        for axis, name, values in (
            (axes.xaxis, heat.across, heat.across_values),
            (axes.yaxis, heat.down, heat.down_values),
        ):
            every = -(-len(values) // 12)
            places = range(0, len(values), every)
            axis.set_ticks([place + 0.5 for place in places], [values[place] for place in places])
            axis.set_label_text(name, color=_INK)
        bar = axes.figure.colorbar(mesh, ax=axes, pad=0.02)
        bar.outline.set_visible(False)
        bar.ax.tick_params(colors=_INK, labelcolor=_INK)
        bar.set_label("return in %", color=_INK)

    label = f"Return by {heat.across}" + (f" and {heat.down}" if heat.down else "")
    return _figure("settings", label, draw, dated=False, tall=1.3)


def _figure(name: str, label: str, draw: Draw, *, dated: bool = True, tall: float = 1.0) -> str:
    drawings = "".join(
        f'<div class="{kind}">{_svg(f"{name} {kind}", (width, height * tall), draw, dated)}</div>'
        for kind, (width, height) in (("wide", _WIDE), ("narrow", _NARROW))
    )
    return f'<figure role="img" aria-label="{escape(label)}">{drawings}</figure>'


def _svg(name: str, size: tuple[float, float], draw: Draw, dated: bool) -> str:
    # Names within a drawing are derived from the salt, which makes them differ between drawings.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        figure.patch.set_visible(False)
        axes.patch.set_visible(False)
        axes.tick_params(colors=_INK, labelcolor=_INK, length=3)
        for place, spine in axes.spines.items():
            spine.set_visible(place in ("left", "bottom"))
            spine.set_color(_FAINT)
        draw(axes)
        if dated:
            axes.margins(x=0.01)
            first, last = axes.get_xlim()
            if last - first < _DAYS_MIN:  # dates have no ticks finer than that
                axes.set_xlim((first + last - _DAYS_MIN) / 2, (first + last + _DAYS_MIN) / 2)
            locator = AutoDateLocator(minticks=3, maxticks=7 if size[0] < 6 else 9)
            axes.xaxis.set_major_locator(locator)
            axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
            axes.xaxis.get_offset_text().set_color(_INK)
        drawn = io.StringIO()
        figure.savefig(
            drawn, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return _inlined(drawn.getvalue())


def _inlined(svg: str) -> str:
    """Leave only what a page needs: no prolog, no fixed size, no names that nothing refers
    to, and no more digits than can be seen."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font-family: [^;\"]*;? ?", "", svg)
    svg = re.sub(r"(\d\.\d\d)\d+", r"\1", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return re.sub(r">\s+<", "><", svg.strip())


def _dates(at_ns: IntArray) -> FloatArray:
    """Days, as matplotlib counts them."""
    return at_ns / 86_400e9  # matplotlib's own epoch is that of Unix


def _thinned(at_ns: IntArray, values: FloatArray) -> tuple[IntArray, FloatArray]:
    """The first and last value, and the lowest and highest of each stretch between."""
    if len(values) <= POINTS_MAX:
        return at_ns, values
    edges = np.linspace(0, len(values), POINTS_MAX // 2 + 1).astype(np.int64)
    stretches = [range(start, end) for start, end in itertools.pairwise(edges.tolist())]
    lowest = [one.start + int(np.argmin(values[one.start : one.stop])) for one in stretches]
    highest = [one.start + int(np.argmax(values[one.start : one.stop])) for one in stretches]
    kept = np.unique([0, *lowest, *highest, len(values) - 1])
    return at_ns[kept], values[kept]
