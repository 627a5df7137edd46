"""The collector's setting: calm inside, as before outside."""

from __future__ import annotations

import gc

from xached.runtime.collector import THRESHOLDS, calm


def test_a_calm_while_ends_as_it_began() -> None:
    before = gc.get_threshold()
    with calm():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
        assert gc.isenabled(), "cycles that others make are still found"
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
