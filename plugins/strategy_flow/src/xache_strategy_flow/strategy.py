"""Send a venue's trades into the house's market, as orders that take.

Each trade becomes an immediate-or-cancel order of the same side and scaled size, at the trade's
price give or take a slippage. What is too small for an order, or more than the rate allows, is
carried over to the next trade of the same side, up to a bound: the flow keeps its balance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from xache_sdk.context import Context
from xache_sdk.market import Instrument, Side, Subscription, Trade, Trades
from xache_sdk.orders import Intents, Place, TimeInForce
from xache_sdk.reasons import Reason
from xache_sdk.strategy import Strategy

NS_PER_S = 1_000_000_000
BP = Decimal(10_000)

AS_THE_VENUE: Final = Reason("somebody took as much at the venue")


@dataclass(frozen=True)
class Settings:
    """What to follow, and how much of it.

    ``scale`` multiplies quantities; ``slippage_bp`` is how far beyond the trade's price an order
    may go; ``carry_max`` (base) bounds what is carried over on each side.
    """

    symbol: str
    venue: str = "BINANCE"
    scale: Decimal = Decimal(1)
    slippage_bp: Decimal = Decimal(20)
    orders_per_s: int = 20
    carry_max: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError("scale is positive")
        if not 0 <= self.slippage_bp < BP:
            raise ValueError("slippage_bp is 0 to less than 10000")
        if self.orders_per_s < 1:
            raise ValueError("orders_per_s is at least 1")
        if self.carry_max <= 0:
            raise ValueError("carry_max is positive")


class Flow(Strategy[Settings]):
    """Sends a venue's trades into the house's market, as orders that take."""

    settings_type = Settings
    predicts = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._instrument: Instrument | None = None
        self._carried = {Side.BUY: Decimal(0), Side.SELL: Decimal(0)}
        self._sent_at_ns: deque[int] = deque(maxlen=settings.orders_per_s)

    def subscriptions(self) -> Sequence[Subscription]:
        """The venue's tape."""
        return [Trades(self.settings.symbol, self.settings.venue)]

    def on_start(self, context: Context) -> Intents:
        """Learn the market's rules."""
        self._instrument = context.instruments[self.settings.symbol]
        return ()

    def on_trade(self, trade: Trade) -> Intents:
        """Do as the venue did."""
        assert self._instrument is not None, "a strategy is started first"
        side = trade.taker_side
        wanted = self._carried[side] + trade.quantity * self.settings.scale
        price = self._limit(trade, self._instrument)
        most = min(self._instrument.max_quantity, self._instrument.max_notional / price)
        quantity = self._instrument.floor_quantity(min(wanted, most))
        if self._instrument.accepts(quantity, price) and self._may_send(trade.at_ns):
            wanted -= quantity
            yield Place(
                id=self.next_id(),
                symbol=trade.symbol,
                side=side,
                quantity=quantity,
                price=price,
                time_in_force=TimeInForce.IOC,
                reason=AS_THE_VENUE,
            )
        self._carried[side] = min(wanted, self.settings.carry_max)

    def _limit(self, trade: Trade, instrument: Instrument) -> Decimal:
        slippage = trade.price * self.settings.slippage_bp / BP
        if trade.taker_side is Side.BUY:
            return instrument.ceil_price(trade.price + slippage)
        return max(instrument.floor_price(trade.price - slippage), instrument.tick_size)

    def _may_send(self, at_ns: int) -> bool:
        """At most so many in any second of the tape."""
        sent = self._sent_at_ns
        if len(sent) == sent.maxlen and at_ns - sent[0] < NS_PER_S:
            return False
        sent.append(at_ns)
        return True
