"""What an order that waits sees of the market, and where a trailing stop is."""

from __future__ import annotations

from xached.domain.instrument import Instrument
from xached.domain.money import ceil_div
from xached.domain.order import BUY, Side, Trigger, TriggerSource
from xached.domain.state import Market

BPS = 10_000


def price_now(market: Market, source: TriggerSource, side: Side, now_ns: int) -> int | None:
    """What an order of this side sees when it looks at a source; None: nothing.

    A mark that is older than the instrument allows counts as none.
    """
    if source is TriggerSource.LAST:
        return market.last_ticks if market.last_ticks is not None else market.reference_ticks
    if source is TriggerSource.BID_ASK:
        return market.book.best_ticks(side.opposite)
    return market.fresh_mark_ticks(now_ns)


def trail_stop_ticks(instrument: Instrument, side: Side, trigger: Trigger, extreme: int) -> int:
    """Where a trailing stop is that has followed the market to ``extreme``.

    Rounded away from the market: of a BUY up, of a SELL down.
    """
    if trigger.trail_ticks is not None:
        stop = extreme + trigger.trail_ticks if side is BUY else extreme - trigger.trail_ticks
    else:
        assert trigger.trail_bps is not None
        if side is BUY:
            stop = ceil_div(extreme * (BPS + trigger.trail_bps), BPS)
        else:
            stop = extreme * (BPS - trigger.trail_bps) // BPS
    return max(stop, instrument.min_price_ticks)
