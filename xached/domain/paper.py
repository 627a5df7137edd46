"""Paper: the venue's markets with play money, and what of a venue's book is still there to take.

Paper assets and instruments mirror the real ones under names of their own: ``BTC.PAPER``. Nothing
is exchanged between them and real ones.

Theory of operation of :class:`VenueCopy`. The venue's book goes on as if nobody of us had traded,
so the copy remembers what was taken from it: it stays taken until the level refreshes. A level
that shrinks takes with it what was taken first; a level that is gone comes back whole; what is
added to a level is there to take. An order that rests stands behind what the venue shows at its
price when it comes. A trade of the venue at that price uses up what stands before it, then fills
it, the first of ours first; a trade beyond its price fills all of it. What the venue takes off a
level stood behind our orders, as long as it can have.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from xached.domain.depth import Depth
from xached.domain.instrument import (
    PAPER_SUFFIX,
    Asset,
    AssetName,
    Directory,
    Instrument,
    Symbol,
    is_paper,
)
from xached.domain.market import Level
from xached.domain.messages import Command, Deposit, OpenPurse
from xached.domain.order import BUY, OrderId, Purse, Side, subaccount_of
from xached.domain.rejection import Reason, Rejection

LEVELS_MAX = 50
"""Levels of a side that one order can reach, so that none holds the house up for more than a few
milliseconds; a filter of open orders may allow fewer."""

PAPER_SUBACCOUNT = "paper"
_OF_STRATEGY = re.compile(r"paper-[0-9a-f]{16}(-\d+)?", re.ASCII)


def is_paper_purse(purse: Purse) -> bool:
    """Whether a purse trades on the paper exchange: ``paper``, or ``paper-`` and more."""
    name = subaccount_of(purse)
    return name == PAPER_SUBACCOUNT or name.startswith(f"{PAPER_SUBACCOUNT}-")


def is_strategy_paper(purse: Purse) -> bool:
    """Whether a purse is the paper purse of a person's strategy."""
    return _OF_STRATEGY.fullmatch(subaccount_of(purse)) is not None


def check_not_paper(purse: Purse) -> Purse:
    """Refuse a paper purse where real money is meant. Raises: Rejection ID_FORMAT."""
    if is_paper_purse(purse):
        raise Rejection(
            Reason.ID_FORMAT,
            "a sub-account of this name is for the paper exchange",
            field="subaccount",
            given=subaccount_of(purse),
            allowed="a name other than paper, and not beginning with paper-",
        )
    return purse


def opening_commands(purse: Purse, amounts: Mapping[AssetName, int]) -> list[Command]:
    """Open a paper purse with play money in it; what is opened again gets nothing again.

    ``amounts`` are in units of paper assets.
    """
    return [
        OpenPurse(purse=purse, simulated=True, request_id=""),
        *(
            Deposit(
                purse=purse,
                asset=asset,
                amount_units=amount_units,
                # One id for ever.
                request_id=f"opening-{purse}-{asset}",
            )
            for asset, amount_units in amounts.items()
        ),
    ]


# --- names -----------------------------------------------------------------------------------


def paper_name(name: AssetName) -> AssetName:
    """What play money of an asset is called."""
    return AssetName(f"{name}{PAPER_SUFFIX}")


def paper_symbol(instrument: Instrument) -> Symbol:
    """What an instrument is called on paper."""
    return Symbol(f"{paper_name(instrument.base)}-{paper_name(instrument.quote)}")


def mirrored_name(name: AssetName) -> AssetName:
    """The asset that play money mirrors: only one without a point in its name is mirrored."""
    return AssetName(name.removesuffix(PAPER_SUFFIX))


def mirrored_symbol(symbol: Symbol) -> Symbol:
    """The instrument that one on paper mirrors."""
    base, _, quote = symbol.partition("-")
    return Symbol(f"{mirrored_name(AssetName(base))}-{mirrored_name(AssetName(quote))}")


def paper_asset(asset: Asset) -> Asset:
    """The play money that mirrors an asset."""
    return Asset(paper_name(asset.name), asset.scale)


def can_mirror(instrument: Instrument) -> bool:
    """Whether an instrument's assets have room in their names for what paper adds."""
    return "." not in instrument.base and "." not in instrument.quote


def paper_instrument(instrument: Instrument) -> Instrument:
    """The paper twin of an instrument: its rules, without fees and without phases of its own.

    Its price is the venue's, so nothing is averaged and no auction held. Minimums bind the orders
    of people and are checked before: what the venue has may be less.
    """
    return attrs.evolve(
        instrument,
        symbol=paper_symbol(instrument),
        base=paper_name(instrument.base),
        quote=paper_name(instrument.quote),
        min_quantity_lots=1,
        min_market_quantity_lots=None,
        min_notional_units=0,
        maker_fee_ppm=0,
        taker_fee_ppm=0,
        max_position_lots=None,
        mark_stale_ns=None,
        reference_bucket_ns=0,
        reference_buckets=0,
        auction_ns=0,
        volatility_halt_ns=0,
        opening_auction=False,
    )


class PaperDirectory(Directory):
    """What is listed on paper, found by its own name or by that of what it mirrors."""

    def __init__(self, real: Directory) -> None:
        """``real`` is what is listed in the house."""
        super().__init__()
        self._real = real

    def known(self, symbol: Symbol) -> Instrument:
        """See Directory. Nothing is listed before paper is served, and its steps are the twin's."""
        listed = self.get(symbol)
        return listed or paper_instrument(self._real[mirrored_symbol(symbol)])

    def instrument(self, symbol: str) -> Instrument:
        """Find an instrument. Raises: Rejection UNKNOWN_INSTRUMENT."""
        base, _, quote = symbol.partition("-")
        if base and quote and not is_paper(AssetName(symbol)):
            symbol = f"{base}{PAPER_SUFFIX}-{quote}{PAPER_SUFFIX}"
        return super().instrument(symbol)

    def asset(self, name: str) -> Asset:
        """Find an asset. Raises: Rejection UNKNOWN_ASSET."""
        if name and not is_paper(AssetName(name)):
            name = paper_name(AssetName(name))
        return super().asset(name)


# --- the copy --------------------------------------------------------------------------------


@attrs.frozen
class Waiting:
    """An order of ours in the queue of its level."""

    order_id: OrderId
    price_ticks: int
    leaves_lots: int


@attrs.define
class _Queued:
    side: Side
    price_ticks: int
    ahead_lots: int


class VenueCopy:
    """What of one venue's book is still there, and what stands before our orders in it."""

    def __init__(self) -> None:
        self._taken: dict[tuple[Side, int], int] = {}
        self._queued: dict[OrderId, _Queued] = {}

    @property
    def is_touched(self) -> bool:
        """Whether anything of it is taken or waited for."""
        return bool(self._taken or self._queued)

    def refresh(self, depth: Depth) -> None:
        """Look at the venue's book as it is now."""
        for (side, price_ticks), taken in list(self._taken.items()):
            lots = depth.lots(side, price_ticks)
            if not lots:
                del self._taken[side, price_ticks]
            elif lots < taken:
                self._taken[side, price_ticks] = lots
        for queued in self._queued.values():
            shown = depth.lots(queued.side, queued.price_ticks)
            queued.ahead_lots = min(queued.ahead_lots, shown)

    def offered(self, depth: Depth, side: Side) -> Iterator[Level]:
        """What a side still has, best first."""
        levels = depth.bids(LEVELS_MAX) if side is BUY else depth.asks(LEVELS_MAX)
        for price_ticks, lots in levels:
            left = lots - self._taken.get((side, price_ticks), 0)
            if left > 0:
                yield price_ticks, left

    def take(self, side: Side, price_ticks: int, lots: int) -> None:
        """Some of what a level offered was taken."""
        self._taken[side, price_ticks] = self._taken.get((side, price_ticks), 0) + lots

    def wait(self, order_id: OrderId, side: Side, price_ticks: int, depth: Depth) -> None:
        """An order comes to the back of its level."""
        self._queued[order_id] = _Queued(side, price_ticks, depth.lots(side, price_ticks))

    def leave(self, order_id: OrderId) -> None:
        """An order does not wait any more."""
        self._queued.pop(order_id, None)

    def ahead_lots(self, order_id: OrderId) -> int:
        """What stands before an order."""
        return self._queued[order_id].ahead_lots

    def traded(
        self, side: Side, price_ticks: int, lots: int, waiting: Iterable[Waiting], depth: Depth
    ) -> int:
        """How many lots of our orders on ``side`` a trade at the venue fills.

        ``waiting``: our orders of that side in priority. One that the copy does not know came
        before it began: it stands behind everything.
        """
        filled = used = 0
        left = lots
        for order in waiting:
            beyond = (
                price_ticks < order.price_ticks
                if side is BUY
                else (price_ticks > order.price_ticks)
            )
            if beyond:
                filled += order.leaves_lots
                continue
            if order.price_ticks != price_ticks:
                break
            if order.order_id not in self._queued:
                self.wait(order.order_id, side, price_ticks, depth)
            queued = self._queued[order.order_id]
            passed = min(max(0, queued.ahead_lots - used), left)
            used += passed
            left -= passed
            queued.ahead_lots = max(0, queued.ahead_lots - used)
            fill = min(order.leaves_lots, left)
            filled += fill
            left -= fill
        return filled
