"""A trained model as one text, and what it says of a market.

The text is JSON and nothing in it is ever run: LightGBM's own text of the trees, the features they
look at, how scores become probabilities, and what winning and losing brought on average. A digest
covers all of it.

A model says something only after everything that it learned from had ended and it had been
registered (:attr:`SignalModel.known_at_ns`). Before that it would know what it is asked to foresee.
"""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from xache_sdk.features import Feature, read_feature
from xache_sdk.market import Interval
from xache_sdk.reasons import WEIGHTS_MAX, ModelReason, Weight
from xache_sdk.trees import Trees

FORMAT: Final = 1
MODEL_BYTES_MAX: Final = 100_000
"""It must fit into one message to the process of a strategy."""
PROBABILITY_MIN: Final = 1e-6


class ModelError(ValueError):
    """The text is no model, or not the one that was written."""


@dataclass(frozen=True, slots=True)
class SigmoidScale:
    """probability = 1 / (1 + exp(-(slope x score + offset)))."""

    slope: float
    offset: float

    def probability(self, score: float) -> float:
        """The probability of a score."""
        return _bounded(0.5 * (1.0 + math.tanh(0.5 * (self.slope * score + self.offset))))


@dataclass(frozen=True, slots=True)
class IsotonicScale:
    """Points that never fall, joined by straight lines; level beyond the first and the last."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def probability(self, score: float) -> float:
        """The probability of a score."""
        after = bisect.bisect_right(self.scores, score)
        if after in (0, len(self.scores)):
            return _bounded(self.probabilities[min(after, len(self.scores) - 1)])
        left, right = self.scores[after - 1], self.scores[after]
        low, high = self.probabilities[after - 1], self.probabilities[after]
        return _bounded(low + (high - low) * (score - left) / (right - left))


Scale: TypeAlias = SigmoidScale | IsotonicScale


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalModel:
    """What a model is. Brought amounts are returns in units of the expected ``volatility``.

    ``horizon``: candles after which a position is closed. ``width``: where it is closed before,
    at a profit or a loss, in units of the volatility of a whole horizon; None: nowhere.
    ``volatility``: the feature that tells it, over its own window. ``win`` and ``loss``: what
    purchases brought on average that brought something, and the others. ``half_width``: of the
    conformal interval around what is expected; None when too little was known. ``labels_end_ns``:
    when the last label was known that it was trained, calibrated or given its interval by.
    """

    symbol: str
    interval: Interval
    features: tuple[Feature, ...]
    volatility: Feature
    horizon: int
    width: float | None
    scale: Scale
    win: float
    loss: float
    half_width: float | None
    coverage: float
    trees: str
    labels_end_ns: int
    registered_at_ns: int

    @property
    def known_at_ns(self) -> int:
        """It is asked only later than this."""
        return max(self.labels_end_ns, self.registered_at_ns)

    @property
    def digest(self) -> str:
        """BLAKE2b-256 of everything it says."""
        return _digest(_document(self))

    @property
    def warm_up(self) -> int:
        """Closed candles that are needed before it says anything."""
        return max(each.warm_up for each in (*self.features, self.volatility))

    def horizon_volatility(self, value: float) -> float:
        """The volatility of a whole horizon, given the one of the feature's window."""
        return float(value * math.sqrt(self.horizon / self.volatility.window))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a model says of one moment. Returns are fractions, before costs.

    ``low`` and ``high`` bound the return; infinite when too little is known.
    """

    score: float
    probability: float
    volatility: float
    expected: float
    low: float
    high: float

    def edge(self, cost: float) -> float:
        """What is expected to be left when buying and selling cost so much, as a fraction."""
        return self.expected - cost


class Forecaster:
    """A model that is ready to be asked. Raises: ModelError when its trees are none."""

    def __init__(self, model: SignalModel) -> None:
        self.model = model
        try:
            self.trees = Trees(model.trees)
        except ValueError as error:
            raise ModelError(f"the trees cannot be read: {error}") from None
        if self.trees.features != len(model.features):
            raise ModelError("the trees look at another number of features")

    def forecast(self, row: Sequence[float], volatility: float) -> Forecast:
        """Ask it. ``row`` holds its features, ``volatility`` the value of its volatility."""
        model = self.model
        score = self.trees.score(row)
        probability = model.scale.probability(score)
        spread = model.horizon_volatility(volatility)
        expected = expected_units(model, probability) * spread
        half = math.inf if model.half_width is None else model.half_width * spread
        return Forecast(
            score=score,
            probability=probability,
            volatility=spread,
            expected=expected,
            low=expected - half,
            high=expected + half,
        )

    def explain(self, row: Sequence[float]) -> ModelReason:
        """What each feature adds to the score of a row (see :meth:`Trees.contributions`).

        Those that weigh most come first; no more of them are named than a reason may have.
        """
        *added, base = self.trees.contributions(row)
        weights = (
            Weight(str(feature), None if math.isnan(value) else value, share)
            for feature, value, share in zip(self.model.features, row, added, strict=True)
        )
        heaviest = sorted(weights, key=lambda each: (-abs(each.added), each.feature))
        return ModelReason(
            digest=self.model.digest,
            score=self.trees.score(row),
            base=base,
            weights=tuple(heaviest[:WEIGHTS_MAX]),
        )


def expected_units(model: SignalModel, probability: float) -> float:
    """What a purchase brings on average, in units of the volatility, before costs."""
    return probability * model.win + (1.0 - probability) * model.loss


def write_model(model: SignalModel) -> str:
    """Write it. Equal models give equal text. Raises: ModelError when it is too large."""
    document = _document(model)
    text = _spelled(document | {"digest": _digest(document)})
    if len(text.encode()) > MODEL_BYTES_MAX:
        raise ModelError(f"a model has at most {MODEL_BYTES_MAX:,} bytes: use fewer trees")
    return text


def read_model(text: str) -> SignalModel:
    """Read and verify it. Raises: ModelError."""
    try:
        document = json.loads(text)
        digest = document.pop("digest")
        if document.pop("format") != FORMAT:
            raise ModelError("the model was written by another version")
        model = SignalModel(
            scale=_read_scale(document.pop("scale")),
            interval=Interval(document.pop("interval")),
            features=tuple(read_feature(each) for each in document.pop("features")),
            volatility=read_feature(document.pop("volatility")),
            **document,
        )
    except ModelError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"the text is no model: {error!r}") from None
    if digest != model.digest:
        raise ModelError("the model is not the one that was written: its digest differs")
    return model


def _read_scale(fields: dict[str, Any]) -> Scale:
    if "scores" in fields:
        return IsotonicScale(**{name: tuple(each) for name, each in fields.items()})
    return SigmoidScale(**fields)


def _document(model: SignalModel) -> dict[str, Any]:
    fields = {each.name: getattr(model, each.name) for each in dataclasses.fields(model)}
    return fields | {
        "format": FORMAT,
        "interval": model.interval.value,
        "features": [str(each) for each in model.features],
        "volatility": str(model.volatility),
        "scale": dataclasses.asdict(model.scale),
    }


def _spelled(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _digest(document: dict[str, Any]) -> str:
    return hashlib.blake2b(_spelled(document).encode(), digest_size=32).hexdigest()


def _bounded(probability: float) -> float:
    return min(max(probability, PROBABILITY_MIN), 1.0 - PROBABILITY_MIN)
