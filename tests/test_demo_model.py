"""The model of the demo: it is what its lineage says, trades the demo's market, and says why.

Where the history is at hand that it was trained on, it is trained again, with the same result.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from xache_sdk import market
from xache_sdk.features import Feature
from xache_sdk.market import Interval
from xache_sdk.models import read_model, write_model
from xache_sdk.orders import Place
from xache_sdk.settings import make_settings
from xache_sdk.testing import Rig, make_context, make_instrument
from xache_strategy_lightgbm.strategy import BOUGHT, Settings, SignalTrader

from xached.adapters.feeds.history import SHIPPED
from xached.adapters.feeds.recorded import load_recording, preplay
from xached.config.config import read_house
from xached.demo.demo import LIGHTGBM_SETTINGS, PREPLAYED_LOOPS
from xached.demo.model import MODEL, read_demo_model
from xached.domain.candles import Candle
from xached.domain.instrument import Instrument
from xached.research.history.candle_files import read_candles
from xached.research.judgement.folds import block_folds
from xached.research.models.labels import Barriers
from xached.research.models.model import TrainingTerms, train, training_data
from xached.research.models.model_walk import block_rows

CONFIG = Path(__file__).parents[1] / "config"
NOW_NS = 1_800_000_000_000_000_000
MINUTE_NS = Interval.M1.ns
LOOPS = 3 * PREPLAYED_LOOPS
FOLD = 3
"""Of the walk: the one that did best on its test."""

TERMS = TrainingTerms(
    features=(
        Feature("return", 1),
        Feature("return", 4),
        Feature("return", 16),
        Feature("volatility", 16),
        Feature("z_score", 32),
        Feature("channel", 32),
        Feature("range", 16),
        Feature("signed_volume", 8),
        Feature("return", 1, "ETH-USDT"),
        Feature("return", 4, "ETH-USDT"),
        Feature("z_score", 32, "ETH-USDT"),
    ),
    volatility=Feature("volatility", 32),
    barriers=Barriers(horizon=3),
    seed=1,
    rounds_max=60,
)


def test_it_is_what_its_lineage_says() -> None:
    model = read_model(read_demo_model().strip())
    lineage = (MODEL.parent / "LINEAGE.md").read_text(encoding="utf-8")
    assert f"`{model.digest}`" in lineage
    assert (model.symbol, model.interval, model.horizon) == ("BTC-USDT", Interval.M1, 3)
    assert (model.features, model.volatility) == (TERMS.features, TERMS.volatility)
    assert model.trees.count("Tree=") == 11
    assert model.labels_end_ns < model.registered_at_ns
    assert len(read_demo_model()) < 32_768, "it goes to the strategy in one frame"
    settings = make_settings(Settings, LIGHTGBM_SETTINGS | {"models": read_demo_model()})
    assert settings.symbol == model.symbol


def test_on_the_market_of_the_demo_it_trades_and_says_why() -> None:
    house = read_house(CONFIG / "instruments.toml", CONFIG / "risk.toml")
    told = [played_minutes(instrument) for instrument in reversed(house.instruments)]
    rig = Rig(SignalTrader, LIGHTGBM_SETTINGS | {"models": read_demo_model()})
    known = [minutes[0].instrument for minutes in told]
    rig.start(make_context(*known, balances={"USDT": "5000"}))
    placed = [
        intent
        for together in zip(*told, strict=False)
        for intent in rig.feed(*together)
        if isinstance(intent, Place)
    ]
    # It is told of no fill: it waits for its first order.
    (buy,) = placed
    assert buy.reason is not None
    assert buy.reason.rule == BOUGHT
    said = buy.reason.model
    assert said is not None
    assert said.digest == read_model(read_demo_model().strip()).digest
    assert len(said.weights) == len(TERMS.features)
    total = said.base + sum(each.added for each in said.weights)
    assert total == pytest.approx(said.score, abs=1e-9)


def played_minutes(instrument: Instrument) -> list[market.Candle]:
    """The recording of a market, played often enough, as candles of a minute."""
    recording = load_recording(SHIPPED[instrument.symbol].recording, instrument)
    minutes: dict[int, list[Candle]] = {}
    for candle in preplay(recording, LOOPS, NOW_NS).candles:
        minutes.setdefault(candle.open_at_ns // MINUTE_NS, []).append(candle)
    known = make_instrument(
        instrument.symbol, tick_size=instrument.tick_size, lot_size=instrument.lot_size
    )
    return [
        market.Candle(
            instrument=known,
            venue="BINANCE",
            interval=Interval.M1,
            open_at_ns=number * MINUTE_NS,
            open_ticks=seconds[0].open_ticks,
            high_ticks=max(each.high_ticks for each in seconds),
            low_ticks=min(each.low_ticks for each in seconds),
            close_ticks=seconds[-1].close_ticks,
            volume_lots=sum(each.volume_lots for each in seconds),
            closed=True,
        )
        for number, seconds in sorted(minutes.items())
    ]


@pytest.mark.skipif(
    not (os.environ.get("XACHE_LONG") and os.environ.get("XACHE_DATA")),
    reason="needs the history that it was trained on, and time",
)
def test_the_same_history_gives_the_same_model() -> None:
    folder = Path(os.environ["XACHE_DATA"]) / "ohlcv" / "binance_usdm_1m_2025-05"
    bitcoin, ether = (
        read_candles(
            [folder / f"{base}USDT_1m_2025-05.parquet"], symbol=f"{base}-USDT", venue="BINANCE"
        ).candles
        for base in ("BTC", "ETH")
    )
    data = training_data(TERMS, bitcoin, {"ETH-USDT": ether})
    embargo_ns = TERMS.barriers.horizon * data.interval.ns
    folds = list(block_folds(data.labelled.labels, block_rows(len(data)), embargo_ns=embargo_ns))
    shipped = read_model(read_demo_model().strip())
    trained = train(TERMS, data, folds[FOLD], shipped.registered_at_ns)
    again = dataclasses.replace(trained.model, registered_at_ns=shipped.registered_at_ns)
    assert write_model(again) == read_demo_model().strip()
    lineage = (MODEL.parent / "LINEAGE.md").read_text(encoding="utf-8")
    assert data.fingerprint in lineage
    assert f"log loss {trained.tested.log_loss:.4f}" in lineage
