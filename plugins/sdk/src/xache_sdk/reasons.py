"""Why an order was wanted: what a strategy says of it when it places it.

The reason travels with the order and is kept by the house for the owner to ask for. What the house
knows itself is not repeated here: which strategy it was, its version and settings, and the newest
market data it had been handed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

RULE_LENGTH_MAX: Final = 100
NAME_LENGTH_MAX: Final = 60
DIGEST_LENGTH_MAX: Final = 64
FIGURES_MAX: Final = 32
WEIGHTS_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class Weight:
    """A feature as the model saw it, and what it added to the score.

    ``value`` is None where the feature was missing.
    """

    feature: str
    value: float | None
    added: float

    def __post_init__(self) -> None:
        _check_text("a feature's name", self.feature, NAME_LENGTH_MAX)
        _check_finite(self.feature, self.added)
        if self.value is not None:
            _check_finite(self.feature, self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReason:
    """What a model said. ``base`` is its score of no row; the weights add up to the rest of it.

    A model of very many features names only those that weighed most.
    """

    digest: str
    score: float
    base: float
    weights: tuple[Weight, ...] = ()

    def __post_init__(self) -> None:
        _check_text("a model's digest", self.digest, DIGEST_LENGTH_MAX)
        _check_finite("score", self.score)
        _check_finite("base", self.base)
        if len(self.weights) > WEIGHTS_MAX:
            raise ValueError(f"a reason names at most {WEIGHTS_MAX} features")


@dataclass(frozen=True, slots=True)
class Reason:
    """Which rule of the strategy wanted an order, and what it saw.

    ``rule`` is a few words: "the fast average has crossed above the slow one". ``figures`` are the
    numbers that the rule looked at, by name. Raises: ValueError for what is too long, too many or
    no finite number.
    """

    rule: str
    figures: Mapping[str, float] = field(default_factory=dict)
    model: ModelReason | None = None

    def __post_init__(self) -> None:
        _check_text("a rule", self.rule, RULE_LENGTH_MAX)
        if len(self.figures) > FIGURES_MAX:
            raise ValueError(f"a reason has at most {FIGURES_MAX} figures")
        for name, value in self.figures.items():
            _check_text("a figure's name", name, NAME_LENGTH_MAX)
            _check_finite(name, value)

    def __hash__(self) -> int:
        return hash((self.rule, tuple(self.figures.items()), self.model))


def _check_text(what: str, text: str, length: int) -> None:
    if not 0 < len(text) <= length:
        raise ValueError(f"{what} has 1 to {length} characters, not {len(text)}")
    if not text.isprintable():
        raise ValueError(f"{what} is printable text, not {text!r}")


def _check_finite(name: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{name} is a finite number, not {value}")
