"""The models of a market as they came to be: which may be asked when, and which only advises.

A shelf is one text: models, one a line, and since when some of them no longer trade. Whoever runs
a strategy hands it over as the setting ``models``. Live it ends with the newest model of that day;
in a backtest it holds all that came to be in its time, and the strategy asks the newest as of each
candle. What is later than that candle is there, as the rest of the history is, but is not asked:
:func:`with_another_future` is how :mod:`xache_sdk.look_ahead` finds out who asks it all the same.
"""

from __future__ import annotations

import bisect
import dataclasses
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from xache_sdk.models import (
    IsotonicScale,
    ModelError,
    Scale,
    SigmoidScale,
    SignalModel,
    read_model,
    write_model,
)

MODELS_MAX: Final = 200
_ADVICE: Final = '{"advice"'
SETTING: Final = "models"
"""The setting that takes a shelf, by convention of every strategy that trades models."""


class Shelf:
    """Models in any order. ``advice_since_ns``: since when some only advise, by digest."""

    __slots__ = ("_known_at_ns", "_newest", "advice_since_ns", "models")

    def __init__(
        self,
        models: Iterable[SignalModel],
        advice_since_ns: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.models = tuple(models)
        self.advice_since_ns = dict(advice_since_ns)
        self._known_at_ns: list[int] = []
        self._newest: list[SignalModel] = []
        for each in sorted(self.models, key=lambda one: one.known_at_ns):
            # One that was registered earlier may be known later, when its labels took longer.
            newest = max((each, *self._newest[-1:]), key=_age)
            self._known_at_ns.append(each.known_at_ns)
            self._newest.append(newest)

    def newest(self, at_ns: int) -> SignalModel | None:
        """The newest model that may be asked at a time; None: there is none, so say nothing.

        It had been registered, and all that it learned from had ended, before that time.
        """
        known = bisect.bisect_left(self._known_at_ns, at_ns)
        return self._newest[known - 1] if known else None

    def may_trade(self, model: SignalModel, at_ns: int) -> bool:
        """Whether a model did more than advise at a time."""
        since_ns = self.advice_since_ns.get(model.digest) if self.advice_since_ns else None
        return since_ns is None or at_ns < since_ns


def write_shelf(shelf: Shelf) -> str:
    """Write it. Raises: ModelError when a model is too large, or there are too many."""
    if len(shelf.models) > MODELS_MAX:
        raise ModelError(f"there are at most {MODELS_MAX} models")
    advice = (
        json.dumps({"advice": {"digest": digest, "since_ns": since_ns}}, sort_keys=True)
        for digest, since_ns in sorted(shelf.advice_since_ns.items())
    )
    return "\n".join((*map(write_model, shelf.models), *advice))


def write_models(models: Iterable[SignalModel]) -> str:
    """Write models of which all may trade. Raises: ModelError."""
    return write_shelf(Shelf(models))


def read_shelf(text: str) -> Shelf:
    """Read what :func:`write_shelf` wrote. Raises: ModelError."""
    lines = text.splitlines()
    if len(lines) > 2 * MODELS_MAX:
        raise ModelError(f"there are at most {MODELS_MAX} models")
    advice = dict(_read_advice(each) for each in lines if each.startswith(_ADVICE))
    return Shelf((read_model(each) for each in lines if not each.startswith(_ADVICE)), advice)


def with_another_future(text: str, from_ns: int) -> str:
    """The same shelf, but models that are not known before a time say the opposite.

    A strategy that asks as of each candle wants the same up to there, and one that does not is
    found out. Raises: ModelError when the text is no shelf.
    """
    shelf = read_shelf(text)
    models = [_opposite(each) if each.known_at_ns >= from_ns else each for each in shelf.models]
    advice = {at: since for at, since in shelf.advice_since_ns.items() if since < from_ns}
    return write_shelf(Shelf(models, advice))


def _age(model: SignalModel) -> tuple[int, int]:
    return model.registered_at_ns, model.labels_end_ns


def _read_advice(line: str) -> tuple[str, int]:
    """Whom a line of advice is about, and since when."""
    try:
        fields = json.loads(line)["advice"]
        return str(fields["digest"]), int(fields["since_ns"])
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"a line of advice is damaged: {error!r}") from None


def _opposite(model: SignalModel) -> SignalModel:
    return dataclasses.replace(model, scale=_reversed(model.scale))


def _reversed(scale: Scale) -> Scale:
    if isinstance(scale, SigmoidScale):
        return SigmoidScale(-scale.slope, -scale.offset)
    return IsotonicScale(scale.scores, tuple(1.0 - each for each in scale.probabilities))
