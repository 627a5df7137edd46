"""Buy when the fast average crosses above the slow one, hold nothing while it is below. Long only.

One order at a time: while one is alive, crosses are only watched. What is held at the start by
trading (the position) counts as bought, so that a restart does not forget it. A refused sale is
tried again after the next cross. Rests that are too small to be sold do not keep it from buying;
they go with the next sale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.context import Context
from xache_sdk.indicators.averages import Sma
from xache_sdk.market import (
    WARM_UP_MAX,
    XACHE,
    Candle,
    Candles,
    Instrument,
    Interval,
    Side,
    Subscription,
)
from xache_sdk.orders import Intents, Note, OrderStatus, OrderUpdate, Place
from xache_sdk.reasons import Reason
from xache_sdk.settings import setting
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """What to trade and when."""

    symbol: str = setting(about="The market")
    notional: Decimal = setting(above=0, unit="quote", about="Spent on each purchase, fee included")
    venue: str = setting(XACHE, about="Whose candles")
    interval: Interval = setting(Interval.S1, about="How long they are")
    fast: int = setting(5, at_least=1, unit="candles", about="Length of the fast average")
    slow: int = setting(20, at_least=2, unit="candles", about="Length of the slow average")

    def __post_init__(self) -> None:
        if not 1 <= self.fast < self.slow:
            raise ValueError("fast is at least 1 and less than slow")


class SmaCross(Strategy[Settings]):
    """Buys when a fast average crosses above a slow one, and sells when it falls below."""

    settings_type = Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        # From before the start: the averages are known at once, and which is above.
        self._candles = Candles(
            settings.symbol,
            settings.venue,
            settings.interval,
            warm_up=min(settings.slow, WARM_UP_MAX),
        )
        self._fast = Sma(settings.fast)
        self._slow = Sma(settings.slow)
        self._above: bool | None = None
        self._figures: dict[str, float] = {}
        self._instrument: Instrument | None = None
        self._held = Decimal(0)
        self._order_id: str | None = None
        self._sale_refused = False

    def subscriptions(self) -> Sequence[Subscription]:
        """Candles of the chosen source."""
        return [self._candles]

    def on_start(self, context: Context) -> Intents:
        """Learn the market's rules and take over what is held."""
        self._instrument = context.instruments[self.settings.symbol]
        self._held = context.position(self.settings.symbol).quantity
        for candle in context.candles(self._candles):
            self._look(candle)
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """Look for a cross when a candle has closed."""
        if not candle.closed:
            return
        above, crossed = self._look(candle)
        if above is None:
            return
        if crossed:
            self._sale_refused = False
        if self._order_id is not None:
            return
        if above:
            if crossed and not self._sellable(candle.close):
                yield self._buy()
        elif self._held > 0 and not self._sale_refused:
            yield self._sell()

    def on_order(self, update: OrderUpdate) -> Intents:
        """Count what was traded; foreign orders of the purse change nothing here."""
        if update.id != self._order_id or not update.own:
            return
        if update.fill is not None:
            signed = update.fill.quantity if update.side is Side.BUY else -update.fill.quantity
            self._held += signed
        if update.status.final:
            self._order_id = None
            if update.side is Side.SELL and update.status is OrderStatus.REFUSED:
                self._sale_refused = True
            if update.reason:
                yield Note(f"{update.side.value} {update.status.value}: {update.reason}")

    def _look(self, candle: Candle) -> tuple[bool | None, bool]:
        """Whether fast is above slow after a candle, and newly so; None when that is not known."""
        fast, slow = self._fast.push(candle.close_ticks), self._slow.push(candle.close_ticks)
        if fast is None or slow is None or fast == slow:
            return None, False
        self._figures = {"fast ticks": fast, "slow ticks": slow}
        above, before = fast > slow, self._above
        self._above = above
        return above, before is not None and above is not before

    def _sellable(self, price: Decimal) -> bool:
        assert self._instrument is not None, "a strategy is started first"
        least = max(self._instrument.min_quantity, self._instrument.min_notional / price)
        return self._held >= least

    def _buy(self) -> Place:
        self._order_id = self.next_id()
        return Place(
            id=self._order_id,
            symbol=self.settings.symbol,
            side=Side.BUY,
            quote_quantity=self.settings.notional,
            reason=Reason("the fast average has crossed above the slow one", self._figures),
        )

    def _sell(self) -> Place:
        self._order_id = self.next_id()
        return Place(
            id=self._order_id,
            symbol=self.settings.symbol,
            side=Side.SELL,
            quantity=self._held,
            reason=Reason("the fast average is below the slow one", self._figures),
        )
