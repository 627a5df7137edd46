"""Volume: where the trading went, and at what price."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar, Final

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Parameter, Unit, window

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats

NS_PER_S: Final = 1_000_000_000
DAY_S: Final = 86_400


class Obv:
    """On-balance volume: volume added on a higher close, taken off on a lower one; 0 at first."""

    __slots__ = ("_before", "_volume", "warm_up")
    about: ClassVar = About(
        name="obv",
        title="On-balance volume",
        source="Granville 1963, New Key to Stock Market Profits",
        inputs=(Input.CLOSE, Input.VOLUME),
        unit=Unit.LOTS,
    )

    def __init__(self) -> None:
        self.warm_up = 1
        self._volume = 0
        self._before: int | None = None

    def push(self, close_ticks: int, volume_lots: int) -> float:
        """Take the next bar."""
        before, self._before = self._before, close_ticks
        if before is not None:
            if close_ticks > before:
                self._volume += volume_lots
            elif close_ticks < before:
                self._volume -= volume_lots
        return float(self._volume)

    def over(self, close_ticks: ArrayLike, volume_lots: ArrayLike) -> Floats:
        """The same over whole columns of shape (n,), from their beginning: shape (n,)."""
        import numpy as np

        close, volume = columns.whole_numbers(close_ticks, volume_lots)
        if columns.largest(volume) * len(volume) > columns.INT64_MAX or (
            2 * columns.largest(close) > columns.INT64_MAX
        ):
            return columns.scan(Obv().push, close, volume)
        signed = np.sign(np.diff(close, prepend=close[:1])) * volume
        return np.cumsum(signed, dtype=np.int64).astype(np.float64)


class Mfi:
    """Money flow index: typical price (high, low and close averaged) times volume, on bars where
    that price rose, in percent of all bars where it moved. 50 where nothing flowed.
    """

    __slots__ = ("_before", "_flows", "_inflow", "_outflow", "warm_up", "window")
    about: ClassVar = About(
        name="mfi",
        title="Money flow index",
        source="Quong and Soudack 1989, Volume-Weighted RSI: Money Flow",
        inputs=(Input.HIGH, Input.LOW, Input.CLOSE, Input.VOLUME),
        unit=Unit.PERCENT,
        parameters=(window("changes summed", 14),),
    )

    def __init__(self, window: int = 14) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = window + 1
        self._before: int | None = None
        self._inflow = self._outflow = 0
        self._flows: deque[int] = deque(maxlen=window)

    def push(
        self, high_ticks: int, low_ticks: int, close_ticks: int, volume_lots: int
    ) -> float | None:
        """Take the next bar; None until ``window`` changes are known."""
        # Three typical prices: a whole number, and the three cancels out.
        typical = high_ticks + low_ticks + close_ticks
        before, self._before = self._before, typical
        if before is None:
            return None
        flows = self._flows
        if len(flows) == self.window:
            gone = flows[0]
            if gone > 0:
                self._inflow -= gone
            else:
                self._outflow += gone
        flow = typical * volume_lots
        if typical > before:
            self._inflow += flow
            flows.append(flow)
        elif typical < before:
            self._outflow += flow
            flows.append(-flow)
        else:
            flows.append(0)
        if len(flows) < self.window:
            return None
        both = self._inflow + self._outflow
        return 100 * self._inflow / both if both else 50.0

    def over(
        self,
        high_ticks: ArrayLike,
        low_ticks: ArrayLike,
        close_ticks: ArrayLike,
        volume_lots: ArrayLike,
    ) -> Floats:
        """The same over whole columns of shape (n,), from their beginning: shape (n,)."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks, volume_lots)
        return columns.scan(Mfi(self.window).push, *bars)


class Vwap:
    """Volume-weighted average price: typical prices (high, low and close averaged) weighted by
    volume, since the session began. Exact: a whole number divided once.

    A session begins at each multiple of ``session_s`` seconds UTC: 86,400 is a calendar day. With 0
    there is one session, from the first bar on. Before the session's first volume it is the typical
    price of the bar.
    """

    __slots__ = ("_flow", "_session", "_session_ns", "_volume", "session_s", "warm_up")
    about: ClassVar = About(
        name="vwap",
        title="Volume-weighted average price",
        source="Berkowitz, Logue and Noser 1988, The Total Cost of Transactions on the NYSE",
        inputs=(Input.OPEN_AT, Input.HIGH, Input.LOW, Input.CLOSE, Input.VOLUME),
        unit=Unit.TICKS,
        parameters=(
            Parameter("session_s", DAY_S, "seconds of a session; 0: it never ends", 0, DAY_S),
        ),
    )

    def __init__(self, session_s: int = DAY_S) -> None:
        self.about.check(session_s=session_s)
        self.session_s = session_s
        self.warm_up = 1
        self._session_ns = session_s * NS_PER_S
        self._session = 0
        self._flow = self._volume = 0

    def push(
        self, open_at_ns: int, high_ticks: int, low_ticks: int, close_ticks: int, volume_lots: int
    ) -> float:
        """Take the next bar."""
        if self._session_ns:
            session = open_at_ns // self._session_ns
            if session != self._session:
                self._session = session
                self._flow = self._volume = 0
        typical = high_ticks + low_ticks + close_ticks
        self._volume += volume_lots
        self._flow += typical * volume_lots
        return self._flow / (3 * self._volume) if self._volume else typical / 3

    def over(
        self,
        open_at_ns: ArrayLike,
        high_ticks: ArrayLike,
        low_ticks: ArrayLike,
        close_ticks: ArrayLike,
        volume_lots: ArrayLike,
    ) -> Floats:
        """The same over whole columns of shape (n,), from their beginning: shape (n,)."""
        bars = columns.whole_numbers(open_at_ns, high_ticks, low_ticks, close_ticks, volume_lots)
        return columns.scan(Vwap(self.session_s).push, *bars)
