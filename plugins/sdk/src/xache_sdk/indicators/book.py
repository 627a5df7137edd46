"""What an order book says before anything trades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Parameter, Unit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats


class OrderBookImbalance:
    """What is bid less what is offered, of the best ``depth`` levels, as a share of both.

    -1 (only offers) to 1 (only bids); 0 while the book is empty.
    """

    __slots__ = ("depth", "warm_up")
    about: ClassVar = About(
        name="order_book_imbalance",
        title="Order-book imbalance",
        source="Cartea, Donnelly and Jaimungal 2018, Enhancing Trading Strategies with Order Book "
        "Signals",
        inputs=(Input.BIDS, Input.ASKS),
        unit=Unit.RATIO,
        parameters=(Parameter("depth", 5, "levels of each side", 1, 1_000),),
    )

    def __init__(self, depth: int = 5) -> None:
        self.about.check(depth=depth)
        self.depth = depth
        self.warm_up = 1

    def push(self, bid_lots: Sequence[int], ask_lots: Sequence[int]) -> float:
        """Take the quantities of both sides, best first; a side may have fewer levels."""
        bids, asks = sum(bid_lots[: self.depth]), sum(ask_lots[: self.depth])
        both = bids + asks
        return (bids - asks) / both if both else 0.0

    def over(self, bid_lots: ArrayLike, ask_lots: ArrayLike) -> Floats:
        """The same over columns of shape (n, levels), 0 where a level is missing: shape (n,)."""
        sides = columns.whole_numbers(bid_lots, ask_lots, dimensions=2)
        if 2 * self.depth * max(map(columns.largest, sides)) > columns.INT64_MAX:
            return columns.scan(self.push, *sides)
        bids, asks = (side[:, : self.depth].sum(axis=1) for side in sides)
        return columns.divided_or(0.0, bids - asks, bids + asks)
