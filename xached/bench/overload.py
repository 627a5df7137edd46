"""What becomes of a house that is offered five times what it can carry.

Its capacity is made small: each batch takes a while to get to disk, and batches are small. So one
process can offer much more than the house can do. The house is the matching actor with its real
mailbox and journal; what counts is how much it still does, and how long what it does takes,
beside the same house that is just busy.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import attrs
import outcome
import trio

from xached.actors.matching import Matching, MatchingActor
from xached.bench.figures import AtLeast, AtMost, Figure
from xached.bench.flow import Flow, make_flow
from xached.domain.exchange import Exchange
from xached.domain.instrument import Directory
from xached.domain.messages import CancelOrder, PlaceOrder, Row
from xached.domain.order import EndReason, account_of
from xached.runtime.mailbox import Overloaded
from xached.runtime.topic import Topic
from xached.runtime.world import Lane, RealWorld
from xached.storage.journal import Journal

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

FSYNC_S = 0.01
BATCH = 16
PLACES = 256
BUSY = 64
"""Orders under way in a house that is busy: with their cancels eight batches."""
FLOW_COMMANDS = 4_000
OFFERED = 5
TICK_S = 0.005

GOODPUT_MIN = 0.9
WAIT_RATIO_MAX = 5.0
"""A full queue is three times as long as a busy one; far more would be one without a bound."""


@attrs.frozen(kw_only=True)
class OverloadSizes:
    """How long each of the two phases lasts."""

    window_s: float


class SlowLane:
    """A journal's lane on a slow disk."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """See Lane."""
        await trio.sleep(FSYNC_S)
        return await self._lane.run(function, *arguments)

    def close(self) -> None:
        """See Lane."""
        self._lane.close()


def measure_overload(sizes: OverloadSizes) -> list[Figure]:
    """Measure a house that is busy, and then one that is offered five times as much."""
    return trio.run(_measure, sizes)


async def _measure(sizes: OverloadSizes) -> list[Figure]:
    flow = make_flow(FLOW_COMMANDS)
    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        async with _house(Path(name) / "journal.db", flow) as matching:
            busy = _Offer(matching, flow, "busy")
            await _keep_busy(busy, sizes.window_s)
            capacity_per_s = busy.done / sizes.window_s
            flood = _Offer(matching, flow, "flood")
            await _flood(flood, OFFERED * capacity_per_s, sizes.window_s)
            goodput_per_s = flood.done / sizes.window_s
    p99_s, busy_s = _quantile(flood.waits_s, 0.99), _quantile(busy.waits_s, 0.5)
    return [
        Figure("overload_capacity_per_s", capacity_per_s, "/s", note="made small for this"),
        Figure(
            "overload_goodput_per_s",
            goodput_per_s,
            "/s",
            note=f"{flood.refused:,} refused when {OFFERED} times as much was offered",
        ),
        Figure(
            "overload_goodput_ratio",
            goodput_per_s / capacity_per_s,
            "",
            AtLeast(GOODPUT_MIN),
        ),
        Figure("overload_ack_p50_ms", 1_000 * _quantile(flood.waits_s, 0.5), "ms"),
        Figure("overload_ack_p99_ms", 1_000 * p99_s, "ms"),
        Figure(
            "overload_wait_ratio",
            p99_s / busy_s,
            "",
            AtMost(WAIT_RATIO_MAX),
            note="p99 in the flood over the median when busy",
        ),
        Figure(
            "overload_cancels_let_in",
            1 - flood.cancels_refused / flood.cancels,
            "",
            AtLeast(1),
            note=f"{flood.cancels_refused} of {flood.cancels:,} refused",
        ),
    ]


@asynccontextmanager
async def _house(path: Path, flow: Flow) -> AsyncIterator[Matching]:
    """The exchange with everything around it that an order must pass."""
    world = RealWorld()
    lane = world.open_lane("journal")
    try:
        with Journal.open(path, bytes(32), entropy=os.urandom) as journal:
            matching = Matching(PLACES)
            actor = MatchingActor(
                matching,
                Exchange(),
                journal,
                SlowLane(lane),
                Topic[Row](),
                Directory(),
                world.now_ns,
                messages_max=BATCH,
            )
            async with trio.open_nursery() as nursery:
                nursery.start_soon(actor.run)
                for command in flow.opening:
                    await matching.execute(command)
                yield matching
                nursery.cancel_scope.cancel()
    finally:
        lane.close()


class _Offer:
    """Offers orders of the flow under ids of their own, and cancels what comes of each."""

    def __init__(self, matching: Matching, flow: Flow, name: str) -> None:
        self._matching = matching
        self._orders = [each for each in flow.trading if isinstance(each, PlaceOrder)]
        self._name = name
        self._count = 0
        self.done = 0
        """Orders that were decided and are on disk."""
        self.refused = self.cancels = self.cancels_refused = 0
        self.waits_s: list[float] = []

    def post(self, then: Callable[[], None] = lambda: None) -> None:
        """Offer the next order; ``then`` is called when it is answered."""
        self._count += 1
        known = self._orders[self._count % len(self._orders)]
        order = attrs.evolve(known, client_order_id=f"{self._name}-{self._count}")
        started_s = trio.current_time()

        def answered(result: outcome.Outcome[Row]) -> None:
            if isinstance(result, outcome.Value):
                self.done += 1
                self.waits_s.append(trio.current_time() - started_s)
                self._cancel(order)
            then()

        try:
            self._matching.post(order, answered, account=account_of(order.purse))
        except Overloaded:
            self.refused += 1

    def _cancel(self, order: PlaceOrder) -> None:
        self.cancels += 1
        cancel = CancelOrder(
            purse=order.purse,
            order_id=None,
            client_order_id=order.client_order_id,
            request_id="",
            reason=EndReason.USER,
        )
        try:
            # Refused when it has traded meanwhile, which is as good.
            self._matching.post(cancel, lambda _: None, account=account_of(order.purse))
        except Overloaded:
            self.cancels_refused += 1


async def _keep_busy(offer: _Offer, window_s: float) -> None:
    """Have always as many orders under way as make full batches, and no more."""
    going = True

    def again() -> None:
        if going:
            offer.post(again)

    for _ in range(BUSY):
        offer.post(again)
    await trio.sleep(window_s)
    going = False


async def _flood(offer: _Offer, per_s: float, window_s: float) -> None:
    """Offer so many orders a second, whatever becomes of them."""
    began_s = trio.current_time()
    offered = 0
    while (passed_s := trio.current_time() - began_s) < window_s:
        due = int(passed_s * per_s)
        for _ in range(due - offered):
            offer.post()
        offered = due
        await trio.sleep(TICK_S)


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))] if ordered else 0.0
