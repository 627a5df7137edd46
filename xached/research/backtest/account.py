"""The purse of a run: money, holds, positions and fills, by the pure functions of the exchange.

Amounts are whole units as in the house, so every balance can be compared with what the exchange
would have booked, to the unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from xache_sdk.context import Balance as ToldBalance
from xache_sdk.context import Position as ToldPosition
from xache_sdk.market import Instrument as ToldInstrument

from xached.domain.fees import buy_hold_units, due_units
from xached.domain.instrument import AssetName, Instrument
from xached.domain.order import BUY, EndReason, Order, OrderStatus, Side
from xached.domain.position import Position, plan_sale
from xached.research.backtest.terms import from_units


class FillRow(NamedTuple):
    """One fill. ``line`` is the market's place in the run, ``order`` a number of the run."""

    at_ns: int
    line: int
    order: int
    side: Side
    price_ticks: int
    quantity_lots: int
    notional_units: int
    fee_units: int
    maker: bool


class Holding:
    """One asset of the purse."""

    __slots__ = ("free_units", "held_units", "scale")

    def __init__(self, scale: int, free_units: int = 0) -> None:
        self.scale = scale
        self.free_units = free_units
        self.held_units = 0


class Line:
    """One market of the purse: its rules, its assets and the position."""

    __slots__ = ("base", "index", "instrument", "position", "quote", "told", "told_position")

    def __init__(
        self,
        index: int,
        instrument: Instrument,
        told: ToldInstrument,
        base: Holding,
        quote: Holding,
    ) -> None:
        self.index = index
        self.instrument = instrument
        self.told = told
        self.base = base
        self.quote = quote
        self.position = Position()
        self.told_position = LivePosition(told, self)


class Account:
    """One purse over several markets of one quote asset."""

    def __init__(
        self, markets: Iterable[tuple[Instrument, ToldInstrument]], cash_units: int
    ) -> None:
        self.holdings: dict[AssetName, Holding] = {}
        self.lines: list[Line] = []
        self.fills: list[FillRow] = []
        for instrument, told in markets:
            quote = self._holding(instrument.quote, instrument.quote_scale)
            base = self._holding(instrument.base, instrument.base_scale)
            self.lines.append(Line(len(self.lines), instrument, told, base, quote))
        self.quote = self.lines[0].quote
        assert all(line.quote is self.quote for line in self.lines), "one quote asset for a run"
        self.quote.free_units = cash_units

    def _holding(self, asset: AssetName, scale: int) -> Holding:
        found = self.holdings.setdefault(asset, Holding(scale))
        assert found.scale == scale, f"{asset} has two scales"
        return found

    def taker_cost(self, line: Line, price_ticks: int, lots: int) -> int:
        """What so many lots cost a taker, fee included."""
        notional = line.instrument.notional_units(price_ticks, lots)
        return notional + due_units(notional, line.instrument.taker_fee_ppm, 0, 0)

    def affordable(self, line: Line, price_ticks: int, most_lots: int, budget_units: int) -> int:
        """How many lots an amount buys at a price as taker, fee included, up to a number."""
        if self.taker_cost(line, price_ticks, most_lots) <= budget_units:
            return most_lots
        low, high = 0, most_lots - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self.taker_cost(line, price_ticks, middle) <= budget_units:
                low = middle
            else:
                high = middle - 1
        return low

    def take(
        self, line: Line, order: int, side: Side, lots: int, price_ticks: int, at_ns: int
    ) -> FillRow | None:
        """Trade at once with free money, as an order of one fill. None: there is not enough."""
        instrument = line.instrument
        notional = price_ticks * lots * instrument.tick_lot_units
        fee = due_units(notional, instrument.taker_fee_ppm, 0, 0)
        if side is BUY:
            paid = notional + fee
            if line.quote.free_units < paid:
                return None
            line.quote.free_units -= paid
            line.base.free_units += lots * instrument.lot_units
            line.position.buy(lots, notional, fee)
        else:
            base_units = lots * instrument.lot_units
            if line.base.free_units < base_units:
                return None
            line.base.free_units -= base_units
            line.quote.free_units += notional - fee
            self._relieve(line, lots, notional, fee)
        line.told_position.quantity_lots = line.position.quantity_lots
        # What FillRow(...) does, without gathering its arguments by name: once for every order.
        row = tuple.__new__(
            FillRow, (at_ns, line.index, order, side, price_ticks, lots, notional, fee, False)
        )
        self.fills.append(row)
        return row

    def hold(self, line: Line, order: Order, units: int) -> bool:
        """Set money aside for an order. False: there is not enough, and nothing is done."""
        holding = line.quote if order.side is BUY else line.base
        if holding.free_units < units:
            return False
        holding.free_units -= units
        holding.held_units += units
        order.held_units += units
        return True

    def fill(
        self, line: Line, order: Order, lots: int, price_ticks: int, at_ns: int, *, maker: bool
    ) -> FillRow:
        """Trade from the hold of an order; what the hold no longer needs is free again."""
        instrument = line.instrument
        notional = instrument.notional_units(price_ticks, lots)
        taker_notional = order.taker_notional_units + (0 if maker else notional)
        maker_notional = order.maker_notional_units + (notional if maker else 0)
        rates = order.taker_fee_ppm, order.maker_fee_ppm
        fee = due_units(taker_notional, rates[0], maker_notional, rates[1]) - order.fee_units
        if order.side is BUY:
            used = order.held_units - self._needed(
                line, order, lots, taker_notional, maker_notional, fee
            )
            line.quote.held_units -= used
            line.quote.free_units += used - notional - fee
            line.base.free_units += lots * instrument.lot_units
            line.position.buy(lots, notional, fee)
        else:
            used = lots * instrument.lot_units
            line.base.held_units -= used
            line.quote.free_units += notional - fee
            self._relieve(line, lots, notional, fee)
        assert line.quote.free_units >= 0, "what is paid beyond the hold was free"
        order.record_fill(
            lots=lots,
            notional_units=notional,
            fee_units=fee,
            hold_used_units=used,
            as_maker=maker,
            seq=order.seq,
            at_ns=at_ns,
        )
        line.told_position.quantity_lots = line.position.quantity_lots
        row = FillRow(
            at_ns, line.index, order.order_id, order.side, price_ticks, lots, notional, fee, maker
        )
        self.fills.append(row)
        return row

    def free(self, line: Line, order: Order) -> None:
        """Give back all an order holds."""
        holding = line.quote if order.side is BUY else line.base
        holding.held_units -= order.held_units
        holding.free_units += order.held_units
        order.held_units = 0

    def reduce(self, line: Line, order: Order, lots: int, at_ns: int) -> None:
        """Make an order smaller by so many lots; what its hold no longer needs is free again."""
        if order.side is BUY and order.price_ticks is None:
            share = order.held_units * lots // order.leaves_lots
        elif order.side is BUY:
            share = order.held_units - self._needed(
                line, order, lots, order.taker_notional_units, order.maker_notional_units, 0
            )
        else:
            share = lots * line.instrument.lot_units
        holding = line.quote if order.side is BUY else line.base
        holding.held_units -= share
        holding.free_units += share
        order.reduce(lots=lots, released_units=share, seq=order.seq, at_ns=at_ns)

    def release(self, line: Line, order: Order, status: OrderStatus, reason: EndReason) -> None:
        """End an order and free what it still held."""
        holding = line.quote if order.side is BUY else line.base
        units = order.held_units
        holding.held_units -= units
        holding.free_units += units
        order.end(status, reason, units, order.seq, order.updated_at_ns)

    def worth_units(self, last_ticks: Iterable[int]) -> int:
        """Everything at these prices, one a market, in quote units and without costs."""
        worth = self.quote.free_units + self.quote.held_units
        for line, ticks in zip(self.lines, last_ticks, strict=True):
            units = line.base.free_units + line.base.held_units
            worth += line.instrument.notional_units(ticks, units // line.instrument.lot_units)
        return worth

    def _needed(
        self, line: Line, order: Order, lots: int, taker_units: int, maker_units: int, fee: int
    ) -> int:
        """What a buy must still hold after a fill. At market it has had its turn: nothing."""
        if order.price_ticks is None:
            return 0
        return buy_hold_units(
            line.instrument.notional_units(order.price_ticks, order.leaves_lots - lots),
            taker_units,
            order.taker_fee_ppm,
            maker_units,
            order.maker_fee_ppm,
            order.fee_units + fee,
        )

    @staticmethod
    def _relieve(line: Line, lots: int, notional_units: int, fee_units: int) -> None:
        sale = plan_sale(line.position, lots, notional_units, fee_units)
        line.position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)


class LivePosition(ToldPosition):
    """A position as a strategy sees it; its cost is worked out when it is asked for."""

    __slots__ = ("_line",)

    def __init__(self, told: ToldInstrument, line: Line) -> None:
        self.instrument = told
        self.quantity_lots = 0
        self._line = line

    def __getstate__(self) -> tuple[ToldInstrument, int, Line]:
        return self.instrument, self.quantity_lots, self._line

    def __setstate__(self, state: tuple[ToldInstrument, int, Line]) -> None:
        self.instrument, self.quantity_lots, self._line = state

    @property
    def cost(self) -> Decimal:  # type: ignore[override] # read-only: strategies only read it
        """What it cost in quote, with fees."""
        return from_units(self._line.position.cost_units, self._line.instrument.quote_scale)


class LiveBalance(ToldBalance):
    """A balance as a strategy sees it; worked out when it is asked for."""

    __slots__ = ("_holding",)

    def __init__(self, holding: Holding) -> None:
        self._holding = holding

    def __getstate__(self) -> Holding:
        return self._holding

    def __setstate__(self, state: Holding) -> None:
        self._holding = state

    @property
    def available(self) -> Decimal:  # type: ignore[override] # as above
        """What is free."""
        return from_units(self._holding.free_units, self._holding.scale)

    @property
    def held(self) -> Decimal:  # type: ignore[override] # as above
        """What open orders set aside."""
        return from_units(self._holding.held_units, self._holding.scale)
