"""Curves and returns for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from xached.research.judgement.track_record import DAY_NS, EquityCurve, Fill, FloatArray

NOON_NS = DAY_NS // 2


def daily_curve(equity: Sequence[float], flows: Sequence[float] | None = None) -> EquityCurve:
    """One worth at noon of each day from 1970-01-01 on."""
    at_ns = [NOON_NS + day * DAY_NS for day in range(len(equity))]
    return EquityCurve.of(at_ns, equity, flows)


def curve_of_returns(returns: FloatArray, start: float = 1000.0) -> EquityCurve:
    """A curve whose daily returns, from the second day on, are these."""
    return daily_curve((start * np.concatenate(([1.0], np.cumprod(1.0 + returns)))).tolist())


def buy(at_ns: int, lots: int, price: int, fee: int = 0, instrument: int = 0) -> Fill:
    """A purchase at a price of so many units a lot."""
    return Fill(at_ns, instrument, True, lots, lots * price, fee)


def sell(at_ns: int, lots: int, price: int, fee: int = 0, instrument: int = 0) -> Fill:
    """A sale at a price of so many units a lot."""
    return Fill(at_ns, instrument, False, lots, lots * price, fee)


EQUITIES = st.lists(st.floats(1.0, 1e4), min_size=1, max_size=40)


@st.composite
def curves(draw: st.DrawFn) -> EquityCurve:
    """Any curve without ruin, with steps of minutes to days and a flow now and then."""
    equity = draw(EQUITIES)
    steps = draw(
        st.lists(st.integers(1, 4 * DAY_NS), min_size=len(equity) - 1, max_size=len(equity) - 1)
    )
    at_ns = np.cumsum([draw(st.integers(0, DAY_NS)), *steps])
    shares = st.one_of(st.just(0.0), st.floats(-1.0, 0.9))
    flows = [0.0, *(draw(shares) * worth for worth in equity[1:])]
    return EquityCurve.of(at_ns, equity, flows)
