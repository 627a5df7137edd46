"""Buy when a model expects more than buying and selling cost; hold as long as its labels did.

At each closed candle the newest model is asked that may know nothing of the moment (see
:mod:`xache_sdk.shelf`). Without one, or where its edge after fee, half spread and slippage is not
positive, nothing is done: the strategy abstains. One that only advises by then is noted and no
more, but what was bought is looked after to its end. A position is sold at the first close at which
it has won or lost as much as the model's labels were closed at, or when their horizon is over, so
that what was learned is what is done. Long only, one position and one order at a time.

How much is bought falls with the volatility: over a horizon a position is expected to move by at
most ``target_volatility_ppm`` of the budget.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from xache_sdk.context import Context
from xache_sdk.features import STALE_CANDLES, Feature
from xache_sdk.market import PPM, XACHE, Candle, Candles, Side, Subscription
from xache_sdk.models import Forecast, Forecaster, SignalModel
from xache_sdk.orders import Intents, Note, OrderUpdate, Place
from xache_sdk.reasons import Reason
from xache_sdk.settings import setting
from xache_sdk.shelf import read_shelf
from xache_sdk.signals import Column, Declarations
from xache_sdk.strategy import Strategy

ROUND_TRIP: Final = 2
"""It is bought and sold."""
HEAVIEST_NOTED: Final = 3
"""Features that an advice names; the reason of an order names all."""

BOUGHT: Final = "the model expects more than buying and selling cost"
TAKEN_OVER: Final = "a position of which no beginning is known is sold"
HORIZON_OVER: Final = "the horizon of the model is over"
WON: Final = "it has won as much as the model's labels were closed at"
LOST: Final = "it has lost as much as the model's labels were closed at"


@dataclass(frozen=True)
class Settings:
    """What to trade and by which models."""

    symbol: str = setting(about="The market")
    models: str = setting(about="A shelf of models, as training writes it")
    budget: Decimal = setting(
        above=0, unit="quote", about="Spent on a position at most, fee included"
    )
    venue: str = setting(XACHE, about="Whose candles")
    target_volatility_ppm: int = setting(
        10_000, at_least=1, unit="ppm", about="A market that moves more is bought for less"
    )
    half_spread_ppm: int = setting(
        100, at_least=0, unit="ppm", about="What half the spread is expected to cost each order"
    )
    slippage_ppm: int = setting(
        100, at_least=0, unit="ppm", about="What an order is expected to cost beyond that"
    )
    fee_ppm: int | None = setting(
        None, at_least=0, unit="ppm", about="Fee of each order; empty: that of the market"
    )
    advice_only: bool = setting(False, about="Note what would be done, and do nothing")

    def __post_init__(self) -> None:
        models = read_shelf(self.models).models
        if not models:
            raise ValueError("there is at least one model")
        if {(each.symbol, each.interval) for each in models} != {(self.symbol, models[0].interval)}:
            raise ValueError(f"every model is of {self.symbol} and of one interval")


@dataclass(frozen=True, slots=True)
class Entry:
    """When and at what a position was decided, and where it ends."""

    close_ticks: int
    ends_at_ns: int
    width: float | None


class SignalTrader(Strategy[Settings]):
    """Buys when a model expects more than the costs, and holds as long as its labels did."""

    settings_type = Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.shelf = read_shelf(settings.models)
        self.models = self.shelf.models
        self.abstained: Counter[str] = Counter()
        """How often nothing was done, by reason."""
        self._interval = self.models[0].interval
        self._columns: dict[Feature, Column] = {}
        self._newest_ends_ns: dict[str, int] = {}
        # At once, so that a machine without LightGBM says so at the start and not at a candle.
        self._asked = Forecaster(self.models[-1])
        self._order_id: str | None = None
        self._entry: Entry | None = None

    def subscriptions(self) -> Sequence[Subscription]:
        """Candles of the other markets first: at one moment they are told before the traded one."""
        return self._candles()

    def declare(self, declarations: Declarations) -> None:
        """Compute the features of every model."""
        by_symbol = {
            each.symbol: each for each in self.subscriptions() if isinstance(each, Candles)
        }
        for feature in self._features():
            self._columns[feature] = declarations.column(
                by_symbol[feature.symbol or self.settings.symbol],
                step=feature.step(),
                batch=feature.batch,
                key=str(feature),
            )

    def on_start(self, context: Context) -> Intents:
        """Take over a position of an earlier run."""
        for subscription in self._candles():
            history = context.candles(subscription)
            if len(history):
                self._newest_ends_ns[subscription.symbol] = history[-1].ends_at_ns
        if context.saved is not None and context.position(self.settings.symbol).quantity_lots:
            self._entry = Entry(**context.saved.value["entry"])
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """Ask the model, and look after the position."""
        if not candle.closed:
            return
        self._newest_ends_ns[candle.symbol] = candle.ends_at_ns
        if candle.symbol != self.settings.symbol or self._order_id is not None:
            return
        if self._is_held(candle):
            rule = self._ended_by(candle)
            if rule is not None:
                yield self._sell(rule, candle)
            return
        self._entry = None
        model = self.shelf.newest(candle.ends_at_ns)
        if model is None:
            self.abstained["no model that may be asked"] += 1
            return
        yield from self._consider(model, candle)

    def on_order(self, update: OrderUpdate) -> Intents:
        """Wait for the end of an order."""
        if update.own and update.id == self._order_id and update.status.final:
            self._order_id = None
            if update.reason:
                yield Note(f"{update.side.value} {update.status.value}: {update.reason}")

    def _consider(self, model: SignalModel, candle: Candle) -> Intents:
        row = self._row(model.features, candle.ends_at_ns)
        volatility = self._columns[model.volatility].value
        if row is None or volatility is None or volatility <= 0.0:
            self.abstained["features are not known yet"] += 1
            return
        if self._asked.model is not model:
            self._asked = Forecaster(model)
        forecast = self._asked.forecast(row, volatility)
        if forecast.edge(self.cost()) <= 0.0:
            self.abstained["no edge after costs"] += 1
            return
        spend = self._spend(forecast)
        if spend < candle.instrument.min_notional or spend <= 0:
            self.abstained["too little money"] += 1
            return
        reason = self._reason(self._asked, forecast, row)
        if self.settings.advice_only or not self.shelf.may_trade(model, candle.ends_at_ns):
            self.abstained["the model only advises"] += 1
            yield Note(_advice(reason))
            return
        width = None if model.width is None else model.width * forecast.volatility
        over_ns = candle.ends_at_ns + model.horizon * model.interval.ns
        self._entry = Entry(candle.close_ticks, over_ns, width)
        self.save({"entry": {"close_ticks": candle.close_ticks, "ends_at_ns": over_ns,
                             "width": width}})  # fmt: skip
        self._order_id = self.next_id()
        yield Place(
            id=self._order_id,
            symbol=candle.symbol,
            side=Side.BUY,
            quote_quantity=spend,
            reason=reason,
        )

    def cost(self) -> float:
        """What buying and selling costs, as a fraction."""
        fee = self.settings.fee_ppm
        if fee is None:
            fee = self.context.instruments[self.settings.symbol].taker_fee_ppm
        each = fee + self.settings.half_spread_ppm + self.settings.slippage_ppm
        return ROUND_TRIP * each / float(PPM)

    def _candles(self) -> list[Candles]:
        warm_up = max(each.warm_up for each in self.models)
        own = self.settings.symbol
        others = sorted({each.symbol for each in self._features()} - {"", own})
        return [
            Candles(symbol, self.settings.venue, self._interval, warm_up=warm_up)
            for symbol in (*others, own)
        ]

    def _features(self) -> list[Feature]:
        """What the features of every model are computed of, each once."""
        wanted = {each for model in self.models for each in (*model.features, model.volatility)}
        return sorted({part for each in wanted for part in each.parts})

    def _row(self, features: Sequence[Feature], at_ns: int) -> list[float] | None:
        """The values of features now; NaN where another market is quiet, None before warm-up."""
        row = []
        for feature in features:
            values = [self._columns[part].value for part in feature.parts]
            if None in values:
                return None
            stale = feature.symbol and self._is_stale(feature.symbol, at_ns)
            row.append(math.nan if stale else feature.joined(values))
        return row

    def _is_stale(self, symbol: str, at_ns: int) -> bool:
        newest_ns = self._newest_ends_ns.get(symbol, 0)
        return at_ns - newest_ns > STALE_CANDLES * self._interval.ns

    def _is_held(self, candle: Candle) -> bool:
        """Whether there is something to sell. Rests too small for an order go with the next one."""
        instrument = candle.instrument
        lots = self.context.position(self.settings.symbol).quantity_lots
        return (
            lots > 0
            and instrument.quantity(lots) >= instrument.min_quantity
            and instrument.notional(candle.close_ticks, lots) >= instrument.min_notional
        )

    def _ended_by(self, candle: Candle) -> str | None:
        """The rule by which a position is sold now; None while it is kept.

        One that is not its own, or whose beginning was not saved, is sold.
        """
        entry = self._entry
        if entry is None:
            return TAKEN_OVER
        if candle.ends_at_ns >= entry.ends_at_ns:
            return HORIZON_OVER
        moved = candle.close_ticks / entry.close_ticks - 1.0
        if entry.width is None or abs(moved) < entry.width:
            return None
        return WON if moved > 0.0 else LOST

    def _spend(self, forecast: Forecast) -> Decimal:
        """Quote for a purchase: the budget, or less where a horizon moves more than is wanted."""
        settings = self.settings
        target = settings.target_volatility_ppm / float(PPM)
        part_ppm = min(int(PPM), int(float(PPM) * target / forecast.volatility))
        wanted = settings.budget * part_ppm / PPM
        instrument = self.context.instruments[settings.symbol]
        spend = min(wanted, self.context.balance(instrument.quote).available)
        # One tick of one lot is a whole number of the smallest units of the quote asset.
        return spend.quantize(instrument.tick_size * instrument.lot_size, ROUND_FLOOR)

    def _sell(self, rule: str, candle: Candle) -> Place:
        self._order_id = self.next_id()
        figures = {}
        if self._entry is not None:
            figures["return"] = candle.close_ticks / self._entry.close_ticks - 1.0
            figures["candles left"] = (
                self._entry.ends_at_ns - candle.ends_at_ns
            ) / self._interval.ns
            if self._entry.width is not None:
                figures["width"] = self._entry.width
        return Place(
            id=self._order_id,
            symbol=self.settings.symbol,
            side=Side.SELL,
            quantity=self.context.position(self.settings.symbol).quantity,
            reason=Reason(rule, figures),
        )

    def _reason(self, asked: Forecaster, forecast: Forecast, row: Sequence[float]) -> Reason:
        """What the model said, what that is worth, and what weighed how much."""
        figures = {
            "probability": forecast.probability,
            "expected return": forecast.expected,
            "cost": self.cost(),
            "edge": forecast.edge(self.cost()),
            "volatility": forecast.volatility,
        }
        if math.isfinite(forecast.low):
            figures |= {"low return": forecast.low, "high return": forecast.high}
        return Reason(BOUGHT, figures, asked.explain(row))


def _advice(reason: Reason) -> str:
    """A reason in a line, for who follows it or does not."""
    assert reason.model is not None, "an advice is a model's"
    weights = reason.model.weights[:HEAVIEST_NOTED]
    because = ", ".join(f"{each.feature} {each.added:+.3f}" for each in weights)
    probability, edge = reason.figures["probability"], reason.figures["edge"]
    return (
        f"would buy: {probability:.1%} likely, edge {edge:.4%}, because {because} "
        f"(model {reason.model.digest[:16]})"
    )
