"""A model is never asked about what it could know, whoever asks and in whatever order."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.look_ahead import LookedAhead, check_no_look_ahead
from xache_sdk.models import IsotonicScale, ModelError, SignalModel
from xache_sdk.shelf import (
    MODELS_MAX,
    Shelf,
    read_shelf,
    with_another_future,
    write_models,
    write_shelf,
)
from xache_strategy_lightgbm.strategy import Settings, SignalTrader

from tests.research.learning import learned, market
from xached.domain.order import Side
from xached.research.backtest.feed import told_candles
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.terms import RunSettings, open_market
from xached.research.models.registry import ModelOverlap, ModelRegistry

NAME = "btc-hours"
HOUR_NS = 3_600_000_000_000

times = st.tuples(st.integers(0, 40), st.integers(0, 40)).map(sorted)
"""When the last label was known, and when a model was registered: never before that."""


def models_of(moments: Sequence[Sequence[int]]) -> list[SignalModel]:
    """The same model, learned and registered at other times."""
    model = learned()[2].model
    return [
        dataclasses.replace(model, labels_end_ns=ended, registered_at_ns=at)
        for ended, at in moments
    ]


@settings(deadline=None)
@given(st.lists(times, max_size=8), st.integers(-1, 42))
def test_the_newest_model_that_knew_nothing_of_a_time_is_asked(
    moments: list[list[int]], at_ns: int
) -> None:
    models = models_of(moments)
    found = Shelf(models).newest(at_ns)
    known = [
        each for each in models if each.labels_end_ns < at_ns and each.registered_at_ns < at_ns
    ]
    if not known:
        assert found is None
        return
    assert found is not None
    assert found.labels_end_ns < at_ns
    assert found.registered_at_ns < at_ns
    newest = max((each.registered_at_ns, each.labels_end_ns) for each in known)
    assert (found.registered_at_ns, found.labels_end_ns) == newest


@settings(deadline=None, max_examples=10)
@given(
    st.lists(times, min_size=1, max_size=6, unique_by=tuple), st.integers(0, 41), st.integers(0, 41)
)
def test_the_registry_hands_out_what_a_run_may_ask_and_no_more(
    moments: list[list[int]], start_ns: int, length_ns: int
) -> None:
    end_ns = start_ns + length_ns
    with tempfile.TemporaryDirectory() as folder:
        registry = ModelRegistry(Path(folder))
        for each in models_of(moments):
            registry.register(NAME, each, fingerprint="f", metrics={})
        handed = registry.for_run(NAME, start_ns, end_ns)
        assert all(each.model.known_at_ns < end_ns for each in handed)
        shelf = Shelf(each.model for each in handed)
        for at_ns in range(start_ns, end_ns + 1):
            whole, part = registry.as_of(NAME, at_ns), shelf.newest(at_ns)
            assert (whole and whole.digest) == (part and part.digest)


def test_a_model_that_was_there_before_its_labels_is_refused(tmp_path: Path) -> None:
    (model,) = models_of([(30, 20)])
    with pytest.raises(ModelOverlap, match="registered before its last label was known"):
        ModelRegistry(tmp_path).register(NAME, model, fingerprint="f", metrics={})


def test_a_shelf_is_one_text() -> None:
    models = models_of([(1, 2), (3, 4)])
    shelf = Shelf(models, {models[0].digest: 7})
    again = read_shelf(write_shelf(shelf))
    assert again.models == shelf.models
    assert again.may_trade(models[0], 6)
    assert not again.may_trade(models[0], 7)
    assert again.may_trade(models[1], 7)
    with pytest.raises(ModelError, match="a line of advice is damaged"):
        read_shelf('{"advice": 3}')
    with pytest.raises(ModelError, match="at most 200 models"):
        write_models(models * MODELS_MAX)


def test_another_future_leaves_the_past_as_it_was() -> None:
    sigmoid, later = models_of([(1, 2), (3, 4)])
    isotonic = dataclasses.replace(later, scale=IsotonicScale((0.0, 1.0), (0.4, 0.7)))
    text = write_shelf(Shelf((sigmoid, later, isotonic), {sigmoid.digest: 3}))
    unchanged = read_shelf(with_another_future(text, 5))
    assert unchanged.models == (sigmoid, later, isotonic)
    turned = read_shelf(with_another_future(text, 3))
    assert turned.models[0] == sigmoid
    assert turned.advice_since_ns == {}
    score = 0.25
    for before, after in zip((later, isotonic), turned.models[1:], strict=True):
        said = before.scale.probability(score) + after.scale.probability(score)
        assert said == pytest.approx(1.0)


class NewestTrader(SignalTrader):
    """A cheat: it asks the newest model that there will ever be."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.shelf = Shelf(
            [dataclasses.replace(self.models[-1], labels_end_ns=0, registered_at_ns=0)]
        )


def trained_later() -> tuple[dict[str, Any], list[Any]]:
    """Settings with a model from the start and one from the middle of the data, and these."""
    told = told_candles([open_market(market(1, 4_100, 0.3))])[-900:]
    early = learned()[2].model
    late = dataclasses.replace(early, registered_at_ns=told[700].ends_at_ns)
    values = {"symbol": "BTC-USDT", "models": write_models([early, late]), "budget": "5000",
              "venue": "TEST"}  # fmt: skip
    return values, told


def test_who_asks_a_model_before_its_time_is_found_out() -> None:
    """Checked by handing the same shelf to the shorter runs: the cheat passed."""
    values, told = trained_later()
    check_no_look_ahead(SignalTrader, values, told)
    with pytest.raises(LookedAhead, match="it wanted"):
        check_no_look_ahead(NewestTrader, values, told)


def test_a_model_that_only_advises_by_then_buys_nothing() -> None:
    model = learned()[2].model
    candles = market(1, 4_100, 0.3)

    def fills(since_ns: int) -> list[Any]:
        values = Settings(
            symbol="BTC-USDT", venue="TEST", budget=Decimal(5_000), half_spread_ppm=50,
            slippage_ppm=50, models=write_shelf(Shelf([model], {model.digest: since_ns})),
        )  # fmt: skip
        result = run_backtest(
            lambda: [SignalTrader(values)],
            [open_market(candles, maker_fee_ppm=100, taker_fee_ppm=100)],
            RunSettings(cash=Decimal(10_000), half_spread_ppm=50, slippage_ppm=50),
        )
        return list(result.fills)

    whole = fills(10**19)
    # While it holds something: what was bought is sold afterwards all the same.
    demoted_ns = next(row for row in whole[10:] if row.side is Side.BUY).at_ns + 1
    part = fills(demoted_ns)
    assert [row for row in part if row.at_ns < demoted_ns] == [
        row for row in whole if row.at_ns < demoted_ns
    ]
    assert [row.side is Side.BUY for row in part if row.at_ns >= demoted_ns] == [False]
    assert len(part) < len(whole)
