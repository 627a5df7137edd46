"""What choosing the best of a sweep was worth on days that had no part in the choice.

Combinatorial purged cross-validation: López de Prado, *Advances in Financial Machine Learning*
(2018), chapter 12. The days are cut into 8 groups; for each of the 28 ways to hold out two of them
the combination with the best Sharpe ratio on the other days is taken through these two. What was
held out makes 7 paths, each of them the whole history. A walk forward has one path, and its outcome
is one draw; the spread of the paths says how much of it was the draw.

A day counts as known only when what was bought on it has been sold, as a rule: days that reach into
what is held out, or into which that reaches, are purged, and a day after these is left out too.
"""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np

from xached.research.judgement.deflated import DAYS_MIN
from xached.research.judgement.folds import Labels, backtest_paths, combinatorial_splits
from xached.research.judgement.metrics import daily_sharpe
from xached.research.judgement.track_record import FloatArray, IntArray

GROUPS: Final = 8
TESTED: Final = 2


@attrs.frozen
class CrossValidated:
    """The returns of the paths, each a fraction, in rising order."""

    returns: tuple[float, ...]
    splits: int
    held_days: int
    """How many days before what was held out were left out, and after it with one more."""

    @property
    def lost(self) -> int:
        """How many paths lost money."""
        return sum(each < 0.0 for each in self.returns)

    @property
    def middle(self) -> float:
        """The path in the middle."""
        return self.returns[len(self.returns) // 2]


def cross_validate(returns: FloatArray, days: IntArray, held_days: int) -> CrossValidated | None:
    """Cross-validate choosing by the Sharpe ratio of daily returns.

    ``returns``: one column a combination, one row for each of ``days`` in rising order.
    ``held_days``: how long what was bought on a day is held, as a rule.

    None where there is nothing to choose from, or too little to choose by: under 60 days, or
    where a split has fewer than 30 days left.
    """
    if returns.shape[1] < 2 or len(days) < DAYS_MIN:
        return None
    labels = Labels.of(days, days + held_days)
    splits = list(combinatorial_splits(labels, GROUPS, TESTED, embargo_ns=1))
    chosen: list[FloatArray] = []
    for split in splits:
        if len(split.train) < DAYS_MIN // 2:
            return None
        chosen.append(returns[:, _best(returns[split.train])])
    groups = np.array_split(np.arange(len(days)), GROUPS)
    paths = [
        np.concatenate([chosen[split][rows] for rows, split in zip(groups, path, strict=True)])
        for path in backtest_paths(GROUPS, TESTED)
    ]
    return CrossValidated(
        returns=tuple(sorted(float(np.prod(1.0 + each)) - 1.0 for each in paths)),
        splits=len(splits),
        held_days=held_days,
    )


def _best(returns: FloatArray) -> int:
    """The column with the best ratio; one that stands still is worth nothing, neither good nor
    bad."""
    ratios = [daily_sharpe(column) or 0.0 for column in returns.T]
    return int(np.argmax(ratios))
