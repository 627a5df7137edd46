"""Quote both sides of a market around a venue's mid price.

Level ``i`` of a side is ``half_spread_bp + i * step_bp`` away from the mid, and as large as the
venue's own ``i``-th level times ``scale``. On each new book only the levels that must change are
changed: those whose price has strayed by more than ``tolerance_bp``, that have less than half of
their size left, or for which there is no room.

Inventory is what the purse has of the base. Were all living bids filled, it would be at most
``inventory_max``; were all living asks filled, at least ``inventory_min``. An order counts as
living until the exchange has said that it is over, so the limits hold whatever fills first.

A venue that says nothing for ``silence_s_max`` is no reference: all quotes go, at the latest after
twice that time, until its book changes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from xache_sdk.context import Context
from xache_sdk.market import Book, Books, Instrument, Level, Side, Subscription
from xache_sdk.orders import Cancel, Intent, Intents, OrderStatus, OrderUpdate, Place, SetTimer
from xache_sdk.reasons import Reason
from xache_sdk.strategy import Strategy

BP = Decimal(10_000)
NS_PER_S = 1_000_000_000

PAUSE_NS = NS_PER_S
"""A level whose order was refused or ended post-only is left empty for a second."""


@dataclass(frozen=True)
class Settings:
    """What to quote. Distances are basis points of the mid price, inventory is base."""

    symbol: str
    inventory_min: Decimal
    inventory_max: Decimal
    venue: str = "BINANCE"
    levels: int = 10
    scale: Decimal = Decimal(1)
    half_spread_bp: Decimal = Decimal(2)
    step_bp: Decimal = Decimal(2)
    tolerance_bp: Decimal = Decimal(1)
    silence_s_max: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= 50:
            raise ValueError("levels is 1 to 50")
        if not 0 <= self.inventory_min <= self.inventory_max:
            raise ValueError("inventory_min is 0 to inventory_max")
        if self.scale <= 0:
            raise ValueError("scale is positive")
        if self.half_spread_bp <= 0 or self.step_bp <= 0 or self.tolerance_bp < 0:
            raise ValueError("distances are positive")
        if not 1 <= self.silence_s_max <= 3_600:
            raise ValueError("silence_s_max is 1 to 3600")
        if self.half_spread_bp + self.step_bp * self.levels >= BP:
            raise ValueError("the last level is above nothing")


@dataclass(slots=True)
class _Quote:
    """One order that is not known to be over."""

    id: str
    side: Side
    price: Decimal
    size: Decimal
    leaves: Decimal


@dataclass(slots=True)
class _Slot:
    """One level of one side."""

    quote: _Quote | None = None
    quiet_until_ns: int = 0


@dataclass(slots=True)
class _SideState:
    """One side: its levels, and every order of it that is not known to be over, by id."""

    slots: list[_Slot]
    living: dict[str, _Quote] = field(default_factory=dict)


class MarketMaker(Strategy[Settings]):
    """Quotes both sides of a market around a venue's mid price."""

    settings_type = Settings
    predicts = False

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._instrument: Instrument | None = None
        self._inventory = Decimal(0)
        self._at_ns = 0
        self._heard = False
        self._sides = {side: _SideState([_Slot() for _ in range(settings.levels)]) for side in Side}

    def subscriptions(self) -> Sequence[Subscription]:
        """The venue's book, as deep as it is quoted."""
        return [Books(self.settings.symbol, self.settings.venue, self.settings.levels)]

    def on_start(self, context: Context) -> Intents:
        """Learn the market's rules and what there is."""
        self._instrument = context.instruments[self.settings.symbol]
        self._inventory = context.balance(self._instrument.base).total
        return [self._watch_silence()]

    def on_book(self, book: Book) -> Intents:
        """Follow the venue. All cancels come before all new orders, which may need their room."""
        mid = book.mid
        self._heard = True
        if mid is None:
            # Without a price there is nothing to quote around.
            return self._cancel_quotes()
        self._at_ns = book.at_ns
        sides = ((Side.BUY, book.bids), (Side.SELL, book.asks))
        cancels = [each for side, levels in sides for each in self._retire(side, levels, mid)]
        places = [each for side, levels in sides for each in self._renew(side, levels, mid)]
        return cancels + places

    def on_order(self, update: OrderUpdate) -> Intents:
        """Keep count of inventory and of living orders."""
        if update.symbol != self.settings.symbol:
            return ()
        if update.fill is not None:
            bought = update.side is Side.BUY
            self._inventory += update.fill.quantity if bought else -update.fill.quantity
        state = self._sides[update.side]
        quote = state.living.get(update.id) if update.own else None
        if quote is None:
            return ()
        quote.leaves = update.leaves_quantity
        if update.status.final:
            del state.living[quote.id]
            refused = update.status is OrderStatus.REFUSED or update.reason == "POST_ONLY"
            for slot in state.slots:
                if slot.quote is quote:
                    slot.quote = None
                    slot.quiet_until_ns = self._at_ns + PAUSE_NS if refused else 0
        return ()

    def on_timer(self, name: str, at_ns: int) -> Intents:
        """Withdraw when nothing was heard since the last time."""
        silent, self._heard = not self._heard, False
        if silent:
            yield from self._cancel_quotes()
        yield self._watch_silence()

    def _watch_silence(self) -> SetTimer:
        return SetTimer("silence", self.settings.silence_s_max * NS_PER_S)

    def _retire(self, side: Side, levels: Sequence[Level], mid: Decimal) -> list[Intent]:
        """Cancel what must go: best levels have the first right to the room there is."""
        state = self._sides[side]
        room = self._room(side)
        cancels: list[Intent] = []
        for index, slot in enumerate(state.slots):
            size = self._size(levels, index)
            quote = slot.quote
            if quote is None:
                room -= min(room, size) if self._at_ns >= slot.quiet_until_ns else 0
            elif quote.leaves > room or self._strayed(quote, self._price(side, mid, index), size):
                slot.quote = None
                cancels.append(Cancel(quote.id))
                room -= min(room, size)
            else:
                room -= quote.leaves
        return cancels

    def _renew(self, side: Side, levels: Sequence[Level], mid: Decimal) -> list[Intent]:
        """Fill empty levels, best first, with what room no living order takes."""
        state = self._sides[side]
        room = self._room(side) - sum((each.leaves for each in state.living.values()), Decimal(0))
        places: list[Intent] = []
        figures = {"mid": float(mid), "inventory": float(self._inventory)}
        reason = Reason("quotes around the venue's mid", figures)
        for index, slot in enumerate(state.slots):
            if slot.quote is not None or self._at_ns < slot.quiet_until_ns:
                continue
            price = self._price(side, mid, index)
            quantity = self._quantity(min(self._size(levels, index), room), price)
            if quantity is None:
                continue
            quote = _Quote(self.next_id(), side, price, quantity, quantity)
            slot.quote = state.living[quote.id] = quote
            room -= quantity
            places.append(
                Place(
                    id=quote.id,
                    symbol=self.settings.symbol,
                    side=side,
                    quantity=quantity,
                    price=price,
                    post_only=True,
                    reason=reason,
                )
            )
        return places

    def _room(self, side: Side) -> Decimal:
        """How much the inventory may still change on this side."""
        if side is Side.BUY:
            room = self.settings.inventory_max - self._inventory
        else:
            room = self._inventory - self.settings.inventory_min
        return max(room, Decimal(0))

    def _price(self, side: Side, mid: Decimal, index: int) -> Decimal:
        """The price of a level: never nearer to the mid than asked for."""
        assert self._instrument is not None, "a strategy is started first"
        distance = mid * (self.settings.half_spread_bp + self.settings.step_bp * index) / BP
        if side is Side.BUY:
            return max(self._instrument.floor_price(mid - distance), self._instrument.tick_size)
        return self._instrument.ceil_price(mid + distance)

    def _size(self, levels: Sequence[Level], index: int) -> Decimal:
        """What a level should hold; nothing where the venue has none."""
        assert self._instrument is not None, "a strategy is started first"
        if index >= len(levels):
            return Decimal(0)
        return self._instrument.quantity(levels[index].quantity_lots) * self.settings.scale

    def _strayed(self, quote: _Quote, price: Decimal, size: Decimal) -> bool:
        """Tell whether an order no longer does for its level."""
        return (
            size == 0
            or abs(quote.price - price) > price * self.settings.tolerance_bp / BP
            or quote.leaves * 2 < min(size, quote.size)
        )

    def _quantity(self, size: Decimal, price: Decimal) -> Decimal | None:
        """Whole lots of a size, if they make an order."""
        assert self._instrument is not None, "a strategy is started first"
        most = min(self._instrument.max_quantity, self._instrument.max_notional / price)
        quantity = self._instrument.floor_quantity(min(size, most))
        return quantity if self._instrument.accepts(quantity, price) else None

    def _cancel_quotes(self) -> list[Intent]:
        cancels: list[Intent] = []
        for slot in (slot for state in self._sides.values() for slot in state.slots):
            if slot.quote is not None:
                cancels.append(Cancel(slot.quote.id))
                slot.quote = None
        return cancels
