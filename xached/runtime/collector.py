"""Python's cycle collector, set for a process whose hot objects make no cycles.

Orders, levels and events leave no cycles behind, so looking through them for some is wasted time:
with the defaults a sixth of the book's, and pauses that grow with what rests in it. What is there
at start is put out of sight for good; young objects are looked at less often, old ones seldom.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (6_000, 70, 100)
"""Allocations before the young are looked at, and how many such rounds before older ones are.

What rests in the book is young once, so the first is the length of a pause: about 1 µs for each.
"""


def calm_collector() -> None:
    """Set the collector for a process whose daemon has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


@contextmanager
def calm() -> Iterator[None]:
    """The same for a while, as measurements need it."""
    before = gc.get_threshold()
    calm_collector()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
