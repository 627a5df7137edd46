"""A book as a ladder: asks above, bids below, a bar for what is at each price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xache.live.book import Level
from xache.output import clock, source_text
from xache.v1 import types_pb2

BAR_COLUMNS: Final = 24
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"


@attrs.frozen(kw_only=True)
class BookView:
    """What is shown of a book at one moment."""

    symbol: str
    source: types_pb2.Source
    sequence: int
    at_ns: int
    bids: Sequence[Level]
    """Best first, as are asks."""
    asks: Sequence[Level]
    stale: bool = False
    """Its source has been silent for too long: it may be old."""
    own: Mapping[Decimal, Decimal] = attrs.field(factory=dict)
    """What the reader's own orders leave at each price."""


def draw_book(view: BookView) -> RenderableType:
    """The ladder under a line that names the market and the source."""
    head = Text.assemble(
        (view.symbol, "bold"),
        "  ",
        source_text(view.source),
        (f"  {clock(view.at_ns)} UTC  #{view.sequence}", "dim"),
        ("  stale" if view.stale else "", "bold yellow"),
    )
    if not view.bids and not view.asks:
        return Group(head, Text("the book is empty", "dim"))
    return Group(head, draw_ladder(view, BAR_COLUMNS, spread_text(view.bids, view.asks)))


def spread_text(bids: Sequence[Level], asks: Sequence[Level]) -> str:
    """How far the best ask is above the best bid, in quote and in hundredths of a percent."""
    if not bids or not asks:
        return "one-sided"
    bid, ask = bids[0][0], asks[0][0]
    points = (ask - bid) / ((ask + bid) / 2) * 10_000
    return f"spread {ask - bid} ({points:.2f} bp)"


def draw_ladder(view: BookView, bar_columns: int, middle: str = "") -> Table:
    """The levels alone, at least one, with bars at most so wide; ``middle`` parts the sides."""
    levels = [*view.bids, *view.asks]
    largest = max(quantity for _, quantity in levels)
    price_places = max(_places(price) for price, _ in levels)
    quantity_places = max(_places(quantity) for _, quantity in levels)
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="bold")
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column("quantity", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, min_width=bar_columns)
    table.add_column("yours" if view.own else "", justify="right", no_wrap=True)

    def add(level: Level, style: str) -> None:
        price, quantity = level
        own = view.own.get(price)
        table.add_row(
            Text(f"{price:.{price_places}f}", style),
            f"{quantity:.{quantity_places}f}",
            Text(_bar(quantity, largest, bar_columns), style),
            Text(f"{own:f}", "bold") if own is not None else "",
        )

    for ask in reversed(view.asks):
        add(ask, "red")
    table.add_row(Text("──", "dim"), "", Text(middle, "dim"), "")
    for bid in view.bids:
        add(bid, "green")
    return table


def _bar(quantity: Decimal, largest: Decimal, columns: int) -> str:
    eighths = max(1, round(quantity / largest * columns * 8))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int), number
    return max(0, -exponent)
