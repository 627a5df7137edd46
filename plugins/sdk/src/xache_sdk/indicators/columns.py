"""Whole columns at once, with the same bits as bar by bar.

Two ways lead there. What is recursive, or sums floats, runs the very same ``push`` over the column
(:func:`scan`). What is a sum of integers, or a highest and lowest, is computed with numpy: integer
sums are exact in any order, and each division, root and product then rounds once, in numpy as in
Python. Where int64 cannot hold a sum, the first way is taken: slower, the same result.

numpy is imported by the functions, not by the module: it starts threads and costs a tenth of a
second, and a strategy that only streams needs none of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.int64]
    Floats: TypeAlias = NDArray[np.float64]

INT64_MAX = 2**63 - 1
FLOAT_EXACT_MAX = 2**53
"""Up to here a float64 holds every whole number."""


def whole_numbers(*columns: Any, dimensions: int = 1) -> list[Ints]:
    """Columns of shape (n,) as int64; with two dimensions, (n, any).

    Raises: TypeError when one holds anything but whole numbers that int64 can hold: prices are
    ticks and quantities lots, and what was rounded before could not be exact. ValueError when their
    lengths differ, or one has not so many dimensions.
    """
    import numpy as np

    arrays = [np.asarray(column) for column in columns]
    for array in arrays:
        if array.ndim != dimensions or len(array) != len(arrays[0]):
            raise ValueError(f"columns have the same length, and dimensions: {dimensions}")
        empty_list = array.size == 0 and array.dtype == np.float64
        if not (np.issubdtype(array.dtype, np.integer) or empty_list):
            raise TypeError(f"a column holds ticks or lots, whole numbers, not {array.dtype}")
        if array.dtype == np.uint64 and array.size and int(array.max()) > INT64_MAX:
            raise TypeError("a column holds whole numbers below 2^63")
    return [array.astype(np.int64, copy=False) for array in arrays]


def scan(push: Callable[..., float | None], *columns: Ints) -> Floats:
    """Push row by row; NaN where ``push`` gave None."""
    import numpy as np

    nan = float("nan")
    results = map(push, *(column.tolist() for column in columns))
    filled = (nan if each is None else each for each in results)
    return np.fromiter(filled, dtype=np.float64, count=len(columns[0]))


def scan_rows(
    push: Callable[..., tuple[float, ...] | None], width: int, *columns: Ints
) -> list[Floats]:
    """The same for results of ``width`` numbers: one array for each."""
    import numpy as np

    empty = (float("nan"),) * width
    results = map(push, *(column.tolist() for column in columns))
    filled = itertools.chain.from_iterable(empty if each is None else each for each in results)
    rows = np.fromiter(filled, dtype=np.float64, count=len(columns[0]) * width)
    return [np.ascontiguousarray(column) for column in rows.reshape(-1, width).T]


def largest(column: Ints) -> int:
    """The largest magnitude in a column; zero when it is empty."""
    return max(int(column.max()), -int(column.min())) if column.size else 0


def window_sums(column: Ints, window: int) -> Ints:
    """Sums of each ``window`` values: shape (n - window + 1,).

    The caller has seen to it that each of these sums fits. The running sum in between may wrap
    around; the difference of two is right again, as int64 counts modulo 2^64.
    """
    import numpy as np

    if len(column) < window:
        return np.empty(0, dtype=np.int64)
    running = np.cumsum(column, dtype=np.int64)
    sums = running[window - 1 :].copy()
    sums[1:] -= running[:-window]
    return sums


def divided(dividend: Ints, divisor: Ints | int) -> Floats:
    """Quotients as Python divides whole numbers: rounded once, however large. No divisor is 0."""
    import numpy as np

    divisors = np.broadcast_to(np.asarray(divisor, dtype=np.int64), dividend.shape)
    if max(largest(dividend), largest(divisors)) <= FLOAT_EXACT_MAX:
        return np.true_divide(dividend, divisors, dtype=np.float64)
    pairs = zip(dividend.tolist(), divisors.tolist(), strict=True)
    return np.array([above / below for above, below in pairs], dtype=np.float64)


def after(warming: int, values: Floats) -> Floats:
    """Results behind ``warming`` bars without one."""
    import numpy as np

    return np.concatenate((np.full(warming, np.nan), values))


def warming_bars(column: Ints, warm_up: int) -> int:
    """How many results of a column are missing when the first comes with bar ``warm_up``."""
    return min(len(column), warm_up - 1)


def highest(column: Ints, window: int) -> Ints:
    """The largest of each ``window`` values: shape (n - window + 1,)."""
    import numpy as np

    # The largest of two overlapping stretches: doubling needs only a few passes.
    reached, span = column, 1
    while span < window:
        step = min(span, window - span)
        reached = np.maximum(reached[:-step], reached[step:]) if len(reached) > step else column[:0]
        span += step
    return reached


def lowest(column: Ints, window: int) -> Ints:
    """The smallest of each ``window`` values: shape (n - window + 1,)."""
    import numpy as np

    reached, span = column, 1
    while span < window:
        step = min(span, window - span)
        reached = np.minimum(reached[:-step], reached[step:]) if len(reached) > step else column[:0]
        span += step
    return reached


def divided_or(instead: float, dividend: Ints, divisor: Ints) -> Floats:
    """As :func:`divided`, with ``instead`` where the divisor is 0."""
    import numpy as np

    nothing = divisor == 0
    quotients = divided(np.where(nothing, 0, dividend), np.where(nothing, 1, divisor))
    quotients[nothing] = instead
    return quotients
