"""The strategy of models in backtests: the same in every gear, and worth what its model knows."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from xache_sdk.look_ahead import check_no_look_ahead
from xache_sdk.models import SignalModel
from xache_sdk.shelf import write_models
from xache_strategy_lightgbm.strategy import Settings, SignalTrader

from tests.research.learning import learned, market
from xached.research.backtest.feed import told_candles
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.terms import RunSettings, open_market


def traded(
    *models: SignalModel, gear: Gear = Gear.COLUMNS, pull: float = 0.3, fee_ppm: int = 100
) -> RunResult:
    """A run of such models over the history that the first one is tested on."""
    settings = Settings(
        symbol="BTC-USDT",
        models=write_models(models),
        budget=Decimal(5_000),
        venue="TEST",
        half_spread_ppm=50,
        slippage_ppm=50,
    )
    candles = market(1, 4_100, pull)
    return run_backtest(
        lambda: [SignalTrader(settings)],
        [open_market(candles, maker_fee_ppm=fee_ppm, taker_fee_ppm=fee_ppm)],
        RunSettings(cash=Decimal(10_000), half_spread_ppm=50, slippage_ppm=50),
        gear=gear,
    )


def test_every_gear_gives_the_same_run() -> None:
    model = learned()[2].model
    event, columns = traded(model, gear=Gear.EVENT), traded(model)
    assert len(event.fills) > 20
    assert columns.gear is Gear.COLUMNS
    assert columns.fallback == ""
    assert columns.fills == event.fills
    assert columns.notes == event.notes


def test_it_earns_where_there_is_something_to_know() -> None:
    result = traded(learned()[2].model)
    assert result.end_equity > Decimal(10_100)


def test_it_does_nothing_before_its_model_may_be_asked() -> None:
    model = learned()[2].model
    result = traded(model)
    assert min(row.at_ns for row in result.fills) >= model.known_at_ns
    later = dataclasses.replace(model, registered_at_ns=result.end_ns)
    assert traded(later).fills == []


def test_it_abstains_where_trading_costs_more_than_is_to_be_had() -> None:
    assert traded(learned()[2].model, fee_ppm=20_000).fills == []


def test_what_comes_later_changes_nothing() -> None:
    model = learned()[2].model
    whole = traded(model)
    candles = market(1, 4_100, 0.3)
    part = candles.rows(0, 3_900)
    until_ns = int(part.ends_ns[-1])
    settings = Settings(
        symbol="BTC-USDT", models=write_models([model]), budget=Decimal(5_000), venue="TEST",
        half_spread_ppm=50, slippage_ppm=50,
    )  # fmt: skip
    shorter = run_backtest(
        lambda: [SignalTrader(settings)],
        [open_market(part, maker_fee_ppm=100, taker_fee_ppm=100)],
        RunSettings(cash=Decimal(10_000), half_spread_ppm=50, slippage_ppm=50),
    )
    assert shorter.fills == [row for row in whole.fills if row.at_ns < until_ns]
    assert len(shorter.fills) < len(whole.fills)


def test_it_does_not_look_ahead() -> None:
    told = told_candles([open_market(market(1, 4_100, 0.3))])
    settings = {
        "symbol": "BTC-USDT",
        "models": write_models([learned()[2].model]),
        "budget": "5000",
        "venue": "TEST",
    }
    check_no_look_ahead(SignalTrader, settings, told[-900:])
