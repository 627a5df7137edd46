"""What the house trains, as the configuration has it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from xache_sdk.features import read_feature

from xached.actors.signals import ModelPlan
from xached.config.tables import ConfigError, Table
from xached.domain.candles import Interval
from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE, Venue
from xached.runtime.schedule import Schedule

MODELS_MAX: Final = 50
OTHERS_MAX: Final = 10
FEATURES_MAX: Final = 200
INTERVALS: Final = {
    "1m": Interval.M1, "5m": Interval.M5, "15m": Interval.M15, "1h": Interval.H1, "1d": Interval.D1,
}  # fmt: skip
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}", re.ASCII)


def read_models(tables: Sequence[Table], listed: Collection[Symbol]) -> tuple[ModelPlan, ...]:
    """Read every ``[[model]]``. Raises: ConfigError."""
    plans: dict[str, ModelPlan] = {}
    for table in tables[: MODELS_MAX + 1]:
        plan = _plan(table, listed)
        if plan.name in plans or len(plans) == MODELS_MAX:
            raise ConfigError(
                f"{table.place('name')}: {plan.name!r} is there twice, or more than {MODELS_MAX}"
            )
        plans[plan.name] = plan
    return tuple(plans.values())


def _plan(table: Table, listed: Collection[Symbol]) -> ModelPlan:
    symbol = Symbol(table.text("symbol"))
    others = tuple(map(Symbol, table.texts("others", OTHERS_MAX)))
    for each in (symbol, *others):
        if each not in listed:
            raise ConfigError(f"{table.place('symbol')} or others: {each} is not listed")
    if len({symbol, *others}) <= len(others):
        raise ConfigError(f"{table.place('others')}: a market is there twice")
    length = table.text("interval", "15m")
    if length not in INTERVALS:
        raise ConfigError(f"{table.place('interval')}: {length!r} is not {', '.join(INTERVALS)}")
    name = table.text("name", f"{symbol}-{length}")
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{table.place('name')}: {name!r} is not 1 to 60 of A-Z a-z 0-9 . _ -")
    try:
        schedule = Schedule(table.text("schedule", "0 3 * * sun"))
    except ValueError as error:
        raise ConfigError(f"{table.place('schedule')}: {error}") from None
    features = tuple(table.texts("features", FEATURES_MAX))
    _check_features(table, features, (symbol, *others))
    plan = ModelPlan(
        name=name,
        symbol=symbol,
        venue=Venue(table.text("venue", BINANCE)),
        interval=INTERVALS[length],
        others=others,
        horizon=table.number("horizon", 32, 1, 1_000),
        history_days=table.number("history_days", 180, 1, 7_300),
        schedule=schedule,
        cost_ppm=table.number("cost_ppm", 1_200, 0, 100_000),
        seed=table.number("seed", 1, 0, 2**31 - 1),
        features=features,
    )
    table.finish()
    return plan


def _check_features(table: Table, features: Sequence[str], markets: Sequence[str]) -> None:
    for text in features:
        try:
            feature = read_feature(text)
        except ValueError as error:
            raise ConfigError(f"{table.place('features')}: {error}") from None
        if feature.symbol and feature.symbol not in markets[1:]:
            raise ConfigError(f"{table.place('features')}: {feature.symbol} is none of its others")
    if len(set(features)) < len(features):
        raise ConfigError(f"{table.place('features')}: one is there twice")
