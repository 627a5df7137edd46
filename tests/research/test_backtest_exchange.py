"""What a run books is what the exchange itself would have booked, to the unit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.market import Candle
from xache_sdk.orders import Intents, Place, Stop, TakeProfit, TimeInForce, Trail

from tests.research import backtests as tools
from tests.research.backtests import BUY, SELL, Scripted
from xached.bench.flow import Stepper
from xached.domain.instrument import Asset, AssetName, Instrument
from xached.domain.messages import (
    Command,
    Deposit,
    ListAsset,
    ListInstrument,
    OpenPurse,
    PlaceOrder,
    SetMark,
    SetRiskLimits,
)
from xached.domain.order import (
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    make_purse,
)
from xached.domain.order import TimeInForce as DomainTime
from xached.research.backtest.account import FillRow
from xached.research.backtest.result import Gear
from xached.research.backtest.run import Run
from xached.research.backtest.terms import FillModel, open_market

OURS, THEIRS = make_purse("ours", "main"), make_purse("theirs", "main")
RICH = 10**24


class Erratic(Scripted):
    """Wants all kinds of orders, by chance."""

    def __init__(self, seed: int) -> None:
        super().__init__({})
        self.chance = random.Random(seed)

    def on_candle(self, candle: Candle) -> Intents:
        """One order now and then."""
        chance = self.chance
        if chance.random() < 0.5:
            return ()
        return [self._place(candle.close_ticks, chance)]

    def _place(self, close: int, chance: random.Random) -> Place:
        side = BUY if chance.random() < 0.6 else SELL
        away = Decimal(close + chance.randint(-80, 80)) / 100
        quantity = str(Decimal(chance.randint(1, 3_000)) / 1_000)
        match chance.randrange(7):
            case 0:
                return tools.order(self.next_id(), side, quantity)
            case 1:
                terms = {"quote_quantity": Decimal(chance.randint(1, 400))}
                return tools.order(self.next_id(), side, None, None, **terms)
            case 2:
                return tools.order(self.next_id(), side, quantity, trigger=Stop(away))
            case 3:
                return tools.order(self.next_id(), side, quantity, trigger=TakeProfit(away))
            case 4:
                return tools.order(self.next_id(), side, quantity, trigger=Trail(bps=50))
            case 5:
                time = chance.choice([TimeInForce.IOC, TimeInForce.FOK, TimeInForce.GTC])
                return tools.order(self.next_id(), side, quantity, str(away), time_in_force=time)
            case _:
                return tools.order(self.next_id(), side, quantity, str(away), trigger=Stop(away))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    model=st.sampled_from(FillModel),
    maker_ppm=st.integers(0, 3_000),
    taker_ppm=st.integers(0, 3_000),
    half_spread_ppm=st.sampled_from([0, 137]),
)
def test_the_exchange_books_the_same_fills_to_the_same_balances(
    seed: int, model: FillModel, maker_ppm: int, taker_ppm: int, half_spread_ppm: int
) -> None:
    data = open_market(tools.walk(seed, 120), maker_fee_ppm=maker_ppm, taker_fee_ppm=taker_ppm)
    terms = tools.settings("1000", fill_model=model, half_spread_ppm=half_spread_ppm)
    run = Run([Erratic(seed)], [data], terms, Gear.EVENT)
    result = run.finish()
    line = run.account.lines[0]
    replayed = replay(data.instrument, result.fills, run.cash_units)
    ledger = replayed.exchange.state.ledger
    for asset, holding in ((data.instrument.base, line.base), (data.instrument.quote, line.quote)):
        booked = ledger.available_units(OURS, asset) + ledger.held_units(OURS, asset)
        assert booked == holding.free_units + holding.held_units, asset
    position = replayed.exchange.state.purses[OURS].positions.get(data.instrument.symbol)
    if result.fills:
        assert position is not None
        assert (position.quantity_lots, position.cost_units, position.realised_units) == (
            line.position.quantity_lots,
            line.position.cost_units,
            line.position.realised_units,
        )
    held = sum(each.order.held_units for each in open_orders(run) if each.order.side is Side.BUY)
    assert line.quote.held_units == held


def test_the_seeds_trade_at_all() -> None:
    """Otherwise the property above holds of nothing."""
    data = open_market(tools.walk(7, 400))
    result = Run([Erratic(7)], [data], tools.settings("1000"), Gear.EVENT).finish()
    assert len(result.fills) > 40
    assert {row.maker for row in result.fills} == {True, False}
    assert {row.side for row in result.fills} == {Side.BUY, Side.SELL}


def open_orders(run: Run) -> list[Any]:
    """Every order that still holds something."""
    return [
        each
        for market in run.exchange.markets
        for each in (*market.resting, *market.arriving)
        if hasattr(each, "order") and not each.order.status.is_over
    ]


def replay(instrument: Instrument, fills: Sequence[FillRow], cash_units: int) -> Stepper:
    """Have an exchange trade the same, against somebody who has everything."""
    stepper = Stepper()
    opening: list[Command] = [
        ListAsset(asset=Asset(instrument.base, instrument.base_scale), request_id=""),
        ListAsset(asset=Asset(instrument.quote, instrument.quote_scale), request_id=""),
        ListInstrument(instrument=instrument, request_id=""),
        SetMark(symbol=instrument.symbol, price_ticks=10_000, source="test", request_id=""),
        SetRiskLimits(
            purse=None,
            max_open_orders=1_000,
            max_order_notional_units=((instrument.quote, RICH),),
            request_id="",
        ),
        OpenPurse(purse=OURS, simulated=False, request_id=""),
        OpenPurse(purse=THEIRS, simulated=False, request_id=""),
        deposit(OURS, instrument.quote, cash_units),
        deposit(THEIRS, instrument.quote, RICH),
        deposit(THEIRS, instrument.base, RICH),
    ]
    for command in opening:
        stepper.step(command)
    for number, row in enumerate(fills):
        first, second = (OURS, THEIRS) if row.maker else (THEIRS, OURS)
        for purse, time in ((first, DomainTime.GTC), (second, DomainTime.IOC)):
            side = row.side if purse is OURS else row.side.opposite
            stepper.step(limit_order(instrument, purse, f"{number}", side, row, time))
    stepper.exchange.check()
    assert not stepper.exchange.state.orders
    return stepper


def deposit(purse: Purse, asset: AssetName, units: int) -> Deposit:
    """Money for a purse."""
    return Deposit(purse=purse, asset=asset, amount_units=units, request_id="")


def limit_order(
    instrument: Instrument, purse: Purse, name: str, side: Side, row: FillRow, time: DomainTime
) -> PlaceOrder:
    """One side of a fill."""
    return PlaceOrder(
        purse=purse,
        client_order_id=name,
        symbol=instrument.symbol,
        side=side,
        type=OrderType.LIMIT,
        time_in_force=time,
        price_ticks=row.price_ticks,
        quantity_lots=row.quantity_lots,
        quote_units=None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
    )
