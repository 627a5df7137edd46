"""A live feed of a venue that a plugin knows: its session is in a process without a network.

Theory of operation. Each run is one connection, and each connection has a process of its own:

    admitted? → process, sealed → FeedStart → where it wants to connect → may it? → follow
    frame → question, answer → published

The next frame is asked about when the one before was answered, and nothing is read ahead but what
:mod:`xached.adapters.feeds.link` does: a plugin that is slow slows its venue down, and no queue
grows. One that raises, stalls, floods or breaks the protocol ends its connection as a fault of the
venue would; the supervisor tries again later and later, and breaches are told to whoever counts
them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NoReturn

import attrs
import trio
from loguru import logger
from xache_sdk.feeds import KEEP_ALIVE_S_MIN
from xache_sdk.v1 import plugin_pb2

from xached.adapters.answering_child import (
    START_S_MAX,
    AnsweringChild,
    PluginFault,
    PluginSurroundings,
    open_answering,
)
from xached.adapters.child_frames import write_instrument
from xached.adapters.child_intents import ChildViolation
from xached.adapters.egress import EgressPolicy, EgressRefused
from xached.adapters.feeds.feed import FRAME_BYTES_MAX
from xached.adapters.feeds.link import (
    FeedCounts,
    FeedDown,
    FeedStatistics,
    Line,
    Pace,
    Place,
    Publish,
    draw,
    follow,
)
from xached.adapters.feeds.plan import FeedPlan
from xached.adapters.feeds.plugin_answers import read_messages, read_turn, read_way
from xached.adapters.feeds.session import Fetch, Reconnect, Send, Turn
from xached.domain.instrument import Symbol
from xached.domain.market import BookSnapshot, Provenance, Venue
from xached.domain.plugins import Breach, PluginRefused
from xached.runtime.supervise import Restart

STREAM_SCHEMES: Final = ("wss", "ws")
REST_SCHEMES: Final = ("https", "http")
MS_PER_S: Final = 1_000


class PluginFeed:
    """Follows some instruments as a plugin says; a source of records for the market actor."""

    def __init__(
        self, plan: FeedPlan, around: PluginSurroundings, *, pace: Pace | None = None
    ) -> None:
        self._plan = plan
        self._around = around
        self._counts = FeedCounts()
        self._scope: trio.CancelScope | None = None
        self._end_cause = ""
        self._line = Line(
            name=self.name,
            symbols=self.symbols,
            world=around.world,
            pace=pace or Pace(),
            counts=self._counts,
        )

    @property
    def name(self) -> str:
        """What health calls it."""
        return f"feed {self.venue}"

    @property
    def venue(self) -> Venue:
        """Who is followed."""
        return self._plan.venue

    @property
    def provenance(self) -> Provenance:
        """Always live."""
        return Provenance.LIVE

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is followed."""
        return tuple(instrument.symbol for _, instrument in self._plan.instruments)

    @property
    def restart(self) -> Restart:
        """A venue is dialled for ever, less and less often."""
        return Restart(limit=1_000_000, jitter=lambda: draw(self._around.world))

    def statistics(self) -> FeedStatistics:
        """Tell how it is going."""
        return self._counts.statistics()

    async def run(self, publish: Publish) -> None:
        """Follow the venue over one connection. ``publish`` must not block.

        Raises: FeedDown, in the end; PluginFault when it does not come so far.
        """
        with trio.CancelScope() as self._scope:
            await self._run(publish)
        raise PluginFault(self._end_cause)

    def end(self, cause: str) -> None:
        """End the connection: the plugin may no longer run, or not as it is."""
        self._end_cause = cause
        if self._scope is not None:
            self._scope.cancel()

    async def _run(self, publish: Publish) -> NoReturn:
        plan, around = self._plan, self._around
        conversation: _InChild | None = None
        try:
            entry_point = await around.admit(plan.plugin)
            async with open_answering(
                around.world,
                around.command(entry_point),
                self.name,
                around.sandbox_min,
                around.answer_s_max,
            ) as child:
                conversation = await _begin(child, plan, around.egress)
                await follow(conversation, self._line, publish)
        except PluginRefused as refused:
            raise PluginFault(str(refused)) from None
        except PluginFault as fault:
            await self._tell(fault.breach)
            raise
        except FeedDown:
            await self._tell(None if conversation is None else conversation.breach)
            raise

    async def _tell(self, breach: Breach | None) -> None:
        if breach is not None:
            logger.warning("{} broke its rules: {}", self.name, breach.value)
            await self._around.breached(self._plan.plugin, breach)


async def _begin(child: AnsweringChild, plan: FeedPlan, egress: EgressPolicy) -> _InChild:
    """Tell a feed what to follow, and hear where. Raises: PluginFault."""
    start = plugin_pb2.PluginFeedStart(
        settings_json=plan.settings_json,
        markets=[
            plugin_pb2.PluginFeedMarket(instrument=write_instrument(each), name=name)
            for name, each in plan.instruments
        ],
    )
    answer = await child.ask(plugin_pb2.HostFrame(feed_start=start), patience_s=START_S_MAX)
    if answer.WhichOneof("message") != "feed_connection":
        raise PluginFault("it did not say where to connect", Breach.PROTOCOL)
    connection = answer.feed_connection
    try:
        messages = (*read_messages(connection.messages), *read_messages([connection.keep_alive]))
        place = _place(connection, egress)
    except ChildViolation as violation:
        raise PluginFault(str(violation), Breach.PROTOCOL) from None
    except EgressRefused as refused:
        raise PluginFault(str(refused)) from None
    symbols = {each.symbol for _, each in plan.instruments}
    return _InChild(child, place, messages[:-1], symbols, come=connection.snapshots_come)


def _place(connection: plugin_pb2.PluginFeedConnection, egress: EgressPolicy) -> Place:
    """Where it may connect. Raises: EgressRefused."""
    stream, target = egress.read(connection.stream, STREAM_SCHEMES)
    rest = None
    if connection.rest:
        rest, path = egress.read(connection.rest, REST_SCHEMES)
        if "?" in path:
            raise EgressRefused("an address for requests has no query of its own")
        rest = attrs.evolve(rest, path=path.rstrip("/"))
    every_s = max(connection.keep_alive_ms / MS_PER_S, KEEP_ALIVE_S_MIN)
    return Place(
        stream=stream,
        target=target,
        rest=rest,
        frame_bytes_max=FRAME_BYTES_MAX,
        public=not egress.private,
        keep_alive=connection.keep_alive,
        keep_alive_s=every_s if connection.keep_alive else math.inf,
    )


class _InChild:
    """A session in a process of its own."""

    def __init__(
        self,
        child: AnsweringChild,
        place: Place,
        messages: Sequence[str],
        symbols: set[Symbol],
        *,
        come: bool,
    ) -> None:
        self.place = place
        self.breach: Breach | None = None
        """How the plugin broke its rules, if that is why the connection ended."""
        self._child = child
        self._messages = messages
        self._symbols = symbols
        self._awaited = set(symbols) if come else set()

    def open(self) -> Sequence[str]:
        return self._messages

    async def receive(self, frame: bytes, received_ns: int) -> Turn:
        told = plugin_pb2.PluginFeedFrame(data=frame, received_ns=received_ns)
        return await self._turn(plugin_pb2.HostFrame(feed_frame=told), received_ns)

    async def repair(self, symbol: Symbol) -> Send | Fetch | Reconnect:
        asked = plugin_pb2.PluginFeedRepair(symbol=symbol)
        answer = await self._ask(plugin_pb2.HostFrame(feed_repair=asked))
        try:
            way = read_way(answer)
        except ChildViolation as violation:
            raise self._broken(violation) from None
        if isinstance(way, Send):
            self._awaited.add(symbol)
        return way

    async def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:
        told = plugin_pb2.PluginFeedSnapshot(symbol=symbol, data=body, received_ns=received_ns)
        turn = await self._turn(plugin_pb2.HostFrame(feed_snapshot=told), received_ns)
        found = any(
            isinstance(record, BookSnapshot) and record.symbol == symbol for record in turn.records
        )
        return turn if found else attrs.evolve(turn, lost=(*turn.lost, symbol))

    def awaits(self, symbol: Symbol) -> bool:
        return symbol in self._awaited

    async def _turn(self, question: plugin_pb2.HostFrame, received_ns: int) -> Turn:
        answer = await self._ask(question)
        try:
            turn = read_turn(answer, self._symbols, received_ns)
        except ChildViolation as violation:
            raise self._broken(violation) from None
        for record in turn.records:
            if isinstance(record, BookSnapshot):
                self._awaited.discard(record.symbol)
        return turn

    async def _ask(self, question: plugin_pb2.HostFrame) -> plugin_pb2.ChildFrame:
        try:
            return await self._child.ask(question)
        except PluginFault as fault:
            self.breach = fault.breach
            raise FeedDown(str(fault)) from None

    def _broken(self, violation: ChildViolation) -> FeedDown:
        self.breach = Breach.PROTOCOL
        return FeedDown(str(violation))
