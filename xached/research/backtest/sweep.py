"""Many combinations of settings over the same history, each with the result of its own run.

Three ways, each equal to running every combination candle by candle:

*Closed form.* A strategy that declares what it ``holds`` after its signal needs no run at all:
where the signal turns, it buys or sells that quantity at the next open. Prices, fees and money of
all fills are computed at once, in whole numbers. Anything that could go otherwise (not enough
money, a filter, thin volume, numbers too large for 64 bits) is seen beforehand, and that
combination is run instead.

*Wake* and *candle by candle*: see :mod:`xached.research.backtest.gears`.

Columns are computed once for all combinations that declare the same key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

import attrs
import numpy as np
from xache_sdk.strategy import Strategy

from xached.domain.instrument import PPM, Instrument
from xached.domain.order import BUY, SELL
from xached.domain.rejection import Rejection
from xached.research.backtest.account import FillRow
from xached.research.backtest.feed import changes
from xached.research.backtest.gears import run_backtest, verify
from xached.research.backtest.result import FillColumns, Gear, RunResult
from xached.research.backtest.run import ColumnCache, GearRefused, Run
from xached.research.backtest.terms import MarketData, RunSettings
from xached.research.history.candle_set import Column

SettingsT = TypeVar("SettingsT")

SAFE_UNITS: Final = 2**62
"""Sums below this cannot pass the largest number of 64 bits."""


@attrs.frozen(eq=False)
class SweptRun(Generic[SettingsT]):
    """One combination and its result."""

    combination: SettingsT
    result: RunResult


def sweep(
    make: Callable[[SettingsT], Strategy[Any]],
    combinations: Sequence[SettingsT],
    market: MarketData,
    settings: RunSettings,
    progress: Callable[[float], None] | None = None,
) -> list[SweptRun[SettingsT]]:
    """Run one strategy with each combination of settings over one market.

    Raises: DataError when there is no data that it asks for; what a strategy raises.
    """
    cache: ColumnCache = {}
    done: list[SweptRun[SettingsT]] = []
    for number, combination in enumerate(combinations):
        done.append(SweptRun(combination, _run_one(make, combination, market, settings, cache)))
        if progress is not None:
            progress((number + 1) / len(combinations))
    return done


def _run_one(
    make: Callable[[SettingsT], Strategy[Any]],
    combination: SettingsT,
    market: MarketData,
    settings: RunSettings,
    cache: ColumnCache,
) -> RunResult:
    def strategies() -> Sequence[Strategy[Any]]:
        return [make(combination)]

    try:
        verify(strategies, [market], settings, closed_form)
        return closed_form(strategies(), [market], settings, cache)
    except GearRefused as refusal:
        result = run_backtest(strategies, [market], settings, columns=cache)
        reasons = [f"{Gear.CLOSED_FORM.value}: {refusal}", result.fallback]
        return attrs.evolve(result, fallback="; ".join(filter(None, reasons)))


def closed_form(
    strategies: Sequence[Strategy[Any]],
    markets: Sequence[MarketData],
    settings: RunSettings,
    cache: ColumnCache,
) -> RunResult:
    """Work a run out without running it. Raises: GearRefused when that cannot be done."""
    run = Run(strategies, markets, settings, Gear.CLOSED_FORM, cache)
    if len(run.lanes) != 1 or len(markets) != 1 or run.exchange.orders or run.timers:
        raise GearRefused("there is more than one market, or orders from the start")
    (lane,) = run.lanes
    declared = run.sessions[0].declarations.signals.get(lane.subscription)
    if declared is None or declared.holds is None:
        raise GearRefused("no quantity is declared that is held after a signal")
    if run.settings.impact_ppm or run.settings.size > 1:
        raise GearRefused("impact depends on what each order meets")
    exchange = run.exchange.markets[0]
    if lane.candles.interval_ns != exchange.interval_ns:
        raise GearRefused("orders meet shorter candles than the signal has")
    signal = lane.signal(declared)
    told = changes(signal, lane.first)
    if len(told) and signal[told[0]] < 0:
        told = told[1:]  # nothing is held yet
    opens = exchange.opens
    met = told + 1 if exchange.whole else np.searchsorted(opens, lane.ends_ns[told])
    orders = len(told)
    told, met = told[met < exchange.rows], met[met < exchange.rows]
    return _Trades(run, declared.holds, told, met).result(orders)


@attrs.define(eq=False)
class _Trades:
    """Fills that alternate, a buy first, each of the same quantity at the open it meets."""

    run: Run
    holds: Decimal
    told: Column
    met: Column
    lots: int = attrs.field(init=False)
    price_ticks: Column = attrs.field(init=False)
    notional_units: Column = attrs.field(init=False)
    fee_units: Column = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        exchange, settings = self.run.exchange.markets[0], self.run.settings
        line = exchange.line
        instrument = line.instrument
        try:
            self.lots = line.told.lots(self.holds)
            instrument.check_quantity(self.lots, market=True)
        except (ValueError, Rejection) as error:
            raise GearRefused(f"an order of it would be refused: {error}") from None
        rate = max(instrument.taker_fee_ppm, 1)
        highest = 2 * max(
            self.run.markets[0].finest.price_range[1], 1
        )  # with what a taker pays beyond a price
        largest = instrument.notional_units(highest, self.lots) * rate
        if largest >= SAFE_UNITS or highest * PPM >= SAFE_UNITS:
            raise GearRefused("amounts are too large for whole numbers of 64 bits")
        self.price_ticks = self._prices(exchange.open[self.met], settings.taker_cost_ppm)
        self.notional_units = self.price_ticks * (self.lots * instrument.tick_lot_units)
        self.fee_units = -(-self.notional_units * instrument.taker_fee_ppm // PPM)
        self._check_filters(instrument)
        self._check_money()

    def _prices(self, price: Column, cost_ppm: int) -> Column:
        if not cost_ppm:
            return price
        cost = -(-price * cost_ppm // PPM)
        paid = price + cost
        paid[1::2] = np.maximum(price[1::2] - cost[1::2], 1)
        return paid

    def _check_filters(self, instrument: Instrument) -> None:
        exchange, settings = self.run.exchange.markets[0], self.run.settings
        bought = exchange.close[self.told[0::2]]
        if len(bought):
            low = instrument.notional_units(int(bought.min()), self.lots)
            high = instrument.notional_units(int(bought.max()), self.lots)
            if low < instrument.min_notional_units or high > instrument.max_notional_units:
                raise GearRefused("an order of it would be refused by its notional")
        if settings.max_volume_ppm is not None and len(self.met):
            thinnest = int(exchange.volume[self.met].min()) * settings.max_volume_ppm // PPM
            if thinnest < self.lots:
                raise GearRefused("some candle has too little volume for the quantity")

    def _check_money(self) -> None:
        paid = self.paid_units
        bound = self.run.cash_units + len(paid) * int(self.notional_units.max(initial=0)) * 2
        if bound >= SAFE_UNITS:
            raise GearRefused("amounts are too large for whole numbers of 64 bits")
        left = self.run.cash_units - np.cumsum(paid)
        if len(left) and int(left.min()) < 0:
            raise GearRefused("the money would not do for every buy")

    @property
    def paid_units(self) -> Column:
        """What each fill takes from the money; a sale a negative amount."""
        paid = self.notional_units + self.fee_units
        paid[1::2] = self.fee_units[1::2] - self.notional_units[1::2]
        return paid

    def result(self, orders: int) -> RunResult:
        """The run that this would have been."""
        run, exchange = self.run, self.run.exchange.markets[0]
        instrument = exchange.line.instrument
        at_ns = exchange.opens[self.met]
        count = len(self.met)
        rows = ClosedFills(self, at_ns)
        holding = self.lots if count % 2 else 0
        last = run.lanes[0].candles.close_ticks.item(-1)
        moved = np.full(count, self.lots, dtype=np.int64)
        moved[1::2] = -self.lots
        paid = self.paid_units
        return RunResult(
            settings=run.settings,
            instruments=(instrument,),
            fills=rows,
            moves=FillColumns(
                at_ns=at_ns,
                line=np.zeros(count, dtype=np.int64),
                moved_lots=moved,
                paid_units=paid.astype(np.float64),
            ),
            start_ns=run.start_ns,
            end_ns=run.end_ns,
            cash_units=run.cash_units,
            end_units=run.cash_units - int(paid.sum()) + instrument.notional_units(last, holding),
            orders=orders,
            refusals={},
            unfilled=0,
            notes=[],
            saved=run.saved,
            gear=Gear.CLOSED_FORM,
            fallback="",
            candles=len(run.lanes[0].candles) - run.lanes[0].first,
            close_at_ns=(exchange.ends,),
            close_ticks=(exchange.close,),
        )


class ClosedFills(Sequence[FillRow]):
    """The fills of a closed form; rows are made when they are asked for."""

    def __init__(self, trades: _Trades, at_ns: Column) -> None:
        self._trades = trades
        self._at_ns = at_ns
        self._rows: list[FillRow] | None = None

    def rows(self) -> list[FillRow]:
        """All of them."""
        if self._rows is None:
            trades = self._trades
            columns = (self._at_ns, trades.price_ticks, trades.notional_units, trades.fee_units)
            self._rows = [
                FillRow(
                    at_ns, 0, n + 1, SELL if n % 2 else BUY, ticks, trades.lots, units, fee, False
                )
                for n, (at_ns, ticks, units, fee) in enumerate(
                    zip(*(column.tolist() for column in columns), strict=True)
                )
            ]
        return self._rows

    def __len__(self) -> int:
        return len(self._at_ns)

    def __getitem__(self, index: Any) -> Any:
        return self.rows()[index]

    def __eq__(self, other: object) -> bool:
        return self.rows() == (other.rows() if isinstance(other, ClosedFills) else other)

    __hash__ = None  # type: ignore[assignment] # it is compared by content, and never a key
