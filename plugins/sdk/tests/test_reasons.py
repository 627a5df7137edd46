"""Reasons: bounded when they are made, so that they always fit where they go."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal

import pytest
from xache_sdk.market import Side
from xache_sdk.orders import Place
from xache_sdk.reasons import (
    DIGEST_LENGTH_MAX,
    FIGURES_MAX,
    NAME_LENGTH_MAX,
    RULE_LENGTH_MAX,
    WEIGHTS_MAX,
    ModelReason,
    Reason,
    Weight,
)
from xache_sdk.wire import frame, write_intents

WIDE = "\N{PILE OF POO}"


def longest() -> Reason:
    """Everything as long as it may be."""
    weights = tuple(Weight(WIDE * NAME_LENGTH_MAX, 0.5, -1.5) for _ in range(WEIGHTS_MAX))
    model = ModelReason(digest=WIDE * DIGEST_LENGTH_MAX, score=1.0, base=2.0, weights=weights)
    figures = {WIDE * (NAME_LENGTH_MAX - 2) + f"{at:02}": 1.5 for at in range(FIGURES_MAX)}
    return Reason(WIDE * RULE_LENGTH_MAX, figures, model)


def test_many_long_reasons_fit_into_frames() -> None:
    """Checked by packing by number alone: twenty of them are no frame."""
    places = [
        Place(id=str(at), symbol="S", side=Side.BUY, quantity=Decimal(1), reason=longest())
        for at in range(20)
    ]
    written = list(write_intents(places))
    assert sum(len(each.intents.intents) for each in written) == 20
    assert len(written) > 1
    for each in written:
        frame(each.SerializeToString())


@pytest.mark.parametrize(
    ("make", "mistake"),
    [
        (lambda: Reason(""), "a rule has 1 to 100 characters, not 0"),
        (lambda: Reason("x" * 101), "not 101"),
        (lambda: Reason("a\nb"), "printable"),
        (lambda: Reason("a", {"": 1.0}), "a figure's name"),
        (lambda: Reason("a", {"b": math.nan}), "b is a finite number"),
        (lambda: Reason("a", {str(at): 0.0 for at in range(33)}), "at most 32"),
        (lambda: Weight("f", math.inf, 0.0), "f is a finite number"),
        (lambda: Weight("f", 0.0, math.nan), "f is a finite number"),
        (lambda: ModelReason(digest="", score=0.0, base=0.0), "a model's digest"),
        (lambda: ModelReason(digest="d", score=math.nan, base=0.0), "score is a finite"),
        (
            lambda: ModelReason(
                digest="d", score=0.0, base=0.0, weights=(Weight("f", None, 0.0),) * 65
            ),
            "at most 64",
        ),
    ],
)
def test_what_is_no_reason(make: Callable[[], object], mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        make()


def test_equal_reasons_are_equal_keys_also_with_a_missing_feature() -> None:
    def made() -> Reason:
        model = ModelReason(digest="d", score=0.5, base=0.1, weights=(Weight("f", None, 0.4),))
        return Reason("rule", {"edge": 0.01}, model)

    assert made() == made()
    assert len({made(), made()}) == 1
