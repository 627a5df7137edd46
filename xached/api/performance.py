"""AnalyticsService: how the worth of purses has moved and what they have earned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Final

import trio
from xache.v1 import analytics_pb2

from xached.actors.history import History
from xached.actors.market.data import MarketData
from xached.actors.matching import Matching
from xached.api.owned import Owned, flows_of
from xached.api.past_prices import FLOWS_AT_A_TIME, PastPrices, PastValues
from xached.api.routes import Call
from xached.domain.instrument import AssetName, Directory
from xached.domain.performance import Worth, measure_course
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import DAY_NS
from xached.domain.statement import Transaction

DAYS_DEFAULT: Final = 30
DAYS_MAX: Final = 900
"""As long as candles of a day are not too many."""
POINTS_DEFAULT: Final = 60
POINTS_MAX: Final = 200
AT_ONCE_NS: Final = 10**9
"""First money that comes within a second is one beginning."""


class PerformanceHandlers:
    """Handlers of AnalyticsService."""

    def __init__(
        self,
        matching: Matching,
        directory: Directory,
        history: History,
        market: MarketData,
        now_ns: Callable[[], int],
    ) -> None:
        self._owned = Owned(matching, directory, history, now_ns)
        self._directory = directory
        self._market = market

    async def get_performance(
        self, call: Call, request: analytics_pb2.GetPerformanceRequest
    ) -> analytics_pb2.GetPerformanceResponse:
        """Tell how a worth has moved. Raises: Rejection AMOUNT_RANGE for times and points."""
        now_ns = self._owned.now_ns()
        end_ns = min(request.to_ns or now_ns, now_ns)
        begin_ns = request.from_ns or end_ns - DAYS_DEFAULT * DAY_NS
        _check_times(begin_ns, end_ns)
        points = _points_of(request.max_points)
        valued = await self._owned.valued(call, request.base_asset, request.whole_account)
        holdings = valued.holdings
        moved: list[Transaction] = []
        for purse in holdings.purses:
            found = await self._owned.moved_since(purse, begin_ns, holdings.seq)
            if found is None:
                raise _too_much_moved()
            moved += found
        moved.sort(key=lambda each: each.at_ns)
        quantities = dict(valued.quantities)
        for each in moved:
            quantities[each.asset] = quantities.get(each.asset, 0) - each.amount_units
        from_nothing = bool(moved) and not any(quantities.values())
        if from_nothing:
            # Nothing was owned before: nothing can be told of then. What came at once is told at
            # once: a course that began in its middle would begin with a cliff.
            first_ns = moved[0].at_ns
            at_once = [each.at_ns for each in moved if each.at_ns - first_ns <= AT_ONCE_NS]
            begin_ns = min(at_once[-1], end_ns)
        flows = flows_of(moved, holdings.purses)
        prices = PastPrices(self._market, begin_ns, end_ns)
        values_of = PastValues(valued.base, self._directory, prices)
        await prices.load(values_of.symbols(quantities), [each.at_ns for each in flows])
        worths = await self._worths(
            _Past(quantities, moved, {id(each) for each in flows}),
            _times(begin_ns, end_ns, points),
            values_of,
            from_nothing=from_nothing,
        )
        if worths and end_ns == now_ns and valued.complete:
            # The last one is what the portfolio tells: at the prices of now.
            last = worths[-1]
            worths[-1] = Worth(
                at_ns=last.at_ns,
                value=valued.worth,
                came_in=last.came_in,
                went_out=last.went_out,
            )
        return self._answer(worths, valued.base, holdings.seq, from_nothing=from_nothing)

    def _answer(
        self, worths: Sequence[Worth], base: AssetName, seq: int, *, from_nothing: bool
    ) -> analytics_pb2.GetPerformanceResponse:
        course = measure_course(worths, from_nothing=from_nothing)
        show = self._owned.show
        answer = analytics_pb2.GetPerformanceResponse(
            base_asset=base,
            points=[
                analytics_pb2.PerformancePoint(
                    at_ns=worth.at_ns,
                    value=show(base, worth.value),
                    flows=show(base, worth.came_in - worth.went_out),
                    return_ppm=return_ppm,
                )
                for worth, return_ppm in zip(worths, course.returns_ppm, strict=True)
            ],
            gain=show(base, course.gain),
            flows=show(base, course.flows),
            max_drawdown_ppm=course.drawdown_ppm,
            as_of_seq=seq,
        )
        if len(worths) > 1:
            answer.return_ppm = course.returns_ppm[-1]
        return answer

    async def _worths(
        self,
        past: _Past,
        times: Sequence[int],
        values_of: PastValues,
        *,
        from_nothing: bool,
    ) -> list[Worth]:
        """The worths of those times at which all that was owned had a price."""
        worths: list[Worth] = []
        came_in = went_out = Fraction(0)
        unpriced: list[Transaction] = []
        for at_ns in times:
            await trio.lowlevel.checkpoint()
            # What had no price yet came in at its first one: at none it would look earned.
            moved, unpriced = [*unpriced, *past.until(at_ns)], []
            for number, each in enumerate(moved, 1):
                if number % FLOWS_AT_A_TIME == 0:
                    await trio.lowlevel.checkpoint()
                value = values_of.at(each.asset, each.amount_units, each.at_ns)
                if value is None:
                    value = values_of.at(each.asset, each.amount_units, at_ns)
                if value is None:
                    unpriced.append(each)
                    continue
                came_in += max(value, Fraction(0))
                went_out -= min(value, Fraction(0))
            values = [values_of.at(asset, units, at_ns) for asset, units in past.quantities.items()]
            if any(value is None for value in values):
                continue
            total = sum((value for value in values if value is not None), Fraction(0))
            if not worths and not from_nothing:
                came_in = went_out = Fraction(0)
            worths.append(Worth(at_ns=at_ns, value=total, came_in=came_in, went_out=went_out))
            came_in = went_out = Fraction(0)
        return worths


class _Past:
    """What was owned, moved forward in time."""

    def __init__(
        self, quantities: dict[AssetName, int], moved: Sequence[Transaction], flows: set[int]
    ) -> None:
        """``flows``: identities of those movements that nothing was earned by."""
        self.quantities = quantities
        self._moved = moved
        self._flows = flows
        self._next = 0

    def until(self, at_ns: int) -> list[Transaction]:
        """Move up to a time; what came in and went out on the way."""
        flows: list[Transaction] = []
        while self._next < len(self._moved) and self._moved[self._next].at_ns <= at_ns:
            each = self._moved[self._next]
            self._next += 1
            self.quantities[each.asset] += each.amount_units
            if id(each) in self._flows:
                flows.append(each)
        return flows


def _times(begin_ns: int, end_ns: int, points: int) -> list[int]:
    length = end_ns - begin_ns
    times = {begin_ns + length * number // (points - 1) for number in range(points)}
    return sorted(times)


def _check_times(begin_ns: int, end_ns: int) -> None:
    if begin_ns >= 0 and 0 < end_ns - begin_ns <= DAYS_MAX * DAY_NS:
        return
    raise Rejection(
        Reason.AMOUNT_RANGE,
        "the time begins before its end, and is not too long",
        field="from_ns",
        given=f"{(end_ns - begin_ns) // DAY_NS} days",
        allowed=f"up to {DAYS_MAX} days",
    )


def _points_of(asked: int) -> int:
    if asked == 0:
        return POINTS_DEFAULT
    if 2 <= asked <= POINTS_MAX:
        return asked
    raise Rejection(
        Reason.AMOUNT_RANGE,
        "so many points are not told",
        field="max_points",
        given=str(asked),
        allowed=f"2 to {POINTS_MAX}",
    )


def _too_much_moved() -> Rejection:
    return Rejection(
        Reason.AMOUNT_RANGE,
        "more has moved in this time than can be looked at: ask for a shorter one",
        field="from_ns",
        given="a busier time",
        allowed="a shorter time",
    )
