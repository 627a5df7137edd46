"""A frozen dataclass for whoever reads and for mypy, but made as fast as a plain class.

A class that is frozen when running sets each field by a call of its own, which takes most of the
time an order takes to be made; backtests make them by the hundred thousand. Nothing sets a field
of one after it was made: mypy forbids it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as frozen_dataclass
else:
    import dataclasses

    def frozen_dataclass(*, frozen, **terms):
        """Make a dataclass that mypy takes for frozen. Equal values are equal keys, as there."""
        assert frozen, "say so to the reader"
        return dataclasses.dataclass(unsafe_hash=True, **terms)


__all__ = ["frozen_dataclass"]
