"""The stream of a purse: how it stands, or what was missed, and then everything that happens.

It is made from rows that are on disk, as they are published. A reader that comes back after a
sequence, or that was too slow for the feed, is told what it has missed from the journal, message
by message as if it had never been away; only when that is too much does it get a snapshot that
says that it has lagged.
"""

from __future__ import annotations

from typing import Final

import trio
from xache.v1 import trading_pb2

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.routes import Responses
from xached.domain.history import PurseChanges, PurseFold
from xached.domain.instrument import Directory
from xached.domain.messages import Row
from xached.domain.order import OrderId, Purse, account_of
from xached.domain.purse_past import earlier_orders, met_orders, rewind, touches
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.runtime.topic import Lagged, Subscription, Topic

WATCH_BUFFER: Final = 4_096
HEARTBEAT_S: Final = 5.0

MISSED_ROWS_MAX: Final = 20_000
"""Rows of all purses that are looked through for one reader: a few tenths of a second of the
exchange's time, in slices between its own batches."""

EARLIER_ROWS_MAX: Final = 500
"""Rows that are read one by one to know the orders that are older than what was missed."""

Messages = list[trading_pb2.WatchPurseResponse]


class PurseStream:
    """One reader of one purse."""

    def __init__(
        self,
        purse: Purse,
        responses: Responses[trading_pb2.WatchPurseResponse],
        *,
        matching: Matching,
        history: History,
        directory: Directory,
        feed: Topic[Row],
    ) -> None:
        self._purse = purse
        self._responses = responses
        self._matching = matching
        self._history = history
        self._directory = directory
        self._feed = feed
        self._fold: PurseFold | None = None
        self._seq = 0
        self._told_at = trio.current_time()

    async def run(self, after_seq: int) -> None:
        """Tell for ever; ``after_seq`` is what the reader knows, 0 when it knows nothing.

        Raises: Rejection UNKNOWN_PURSE; Overloaded.
        """
        self._seq = after_seq
        while True:
            async with self._feed.subscribe(WATCH_BUFFER) as rows:
                snapshot = await self._ask()
                if await self._resume(snapshot):
                    assert self._fold is not None
                    await self._tell_missed(self._fold, snapshot.seq)
                else:
                    await self._begin(snapshot)
                await self._follow(rows)

    async def _ask(self) -> PurseSnapshot:
        return await self._matching.query(PurseQuery(self._purse), account=account_of(self._purse))

    # --- beginning ----------------------------------------------------------------------------

    async def _begin(self, snapshot: PurseSnapshot) -> None:
        """Tell how the purse stands."""
        lagged = self._seq > 0
        self._fold = PurseFold(self._purse, snapshot.orders, snapshot.balances, self._directory)
        self._seq = snapshot.seq
        await self._send(
            [
                trading_pb2.WatchPurseResponse(
                    seq=snapshot.seq,
                    snapshot=trading_pb2.PurseSnapshot(
                        orders=[
                            convert.order_message(order, self._directory[order.symbol])
                            for order in snapshot.orders
                        ],
                        balances=convert.balance_messages(
                            snapshot.balances, snapshot.orders, self._directory
                        ),
                        lagged=lagged,
                    ),
                )
            ]
        )

    async def _resume(self, snapshot: PurseSnapshot) -> bool:
        """Know the purse as the reader knows it; False when that is too long ago."""
        if not self._seq or not 0 <= snapshot.seq - self._seq <= MISSED_ROWS_MAX:
            self._fold = None
            return False
        if self._fold is None:
            self._fold = await self._rewind(snapshot)
        return self._fold is not None

    async def _rewind(self, snapshot: PurseSnapshot) -> PurseFold | None:
        """The purse as it was after the row that the reader knows."""
        missed: list[Row] = []
        seq = self._seq
        while seq < snapshot.seq:
            rows = await self._matching.rows(seq + 1, snapshot.seq)
            missed.extend(row for row in rows if touches(row, self._purse))
            seq = rows[-1].seq
        await self._history.wait_for(self._seq)
        earlier: dict[int, Row] = {}
        known: list[OrderId] = []
        met = earlier_orders(missed, self._purse, self._seq)
        while len(met) > len(known):
            known = met
            seqs = [seq for seq in await self._history.rows_of(known) if seq <= self._seq]
            if len(seqs) > EARLIER_ROWS_MAX:
                return None
            for seq in seqs:
                if seq not in earlier:
                    (earlier[seq],) = await self._matching.rows(seq, seq)
            met = met_orders(earlier.values(), self._purse, known)
        rows = [earlier[seq] for seq in sorted(earlier)]
        return rewind(self._purse, snapshot, missed, rows, known, self._seq, self._directory)

    # --- going on -----------------------------------------------------------------------------

    async def _tell_missed(self, fold: PurseFold, last: int) -> None:
        """Send what rows of the journal did."""
        while self._seq < last:
            for row in await self._matching.rows(self._seq + 1, last):
                await self._take(fold, row)

    async def _follow(self, rows: Subscription[Row]) -> None:
        """Send changes until the reader was too slow for the feed."""
        fold = self._fold
        assert fold is not None
        while True:
            batch: list[Row | Lagged] = []
            with trio.move_on_at(self._told_at + HEARTBEAT_S):
                batch = await rows.receive_batch()
            for row in batch:
                if isinstance(row, Lagged):
                    return
                if row.seq > self._seq:
                    await self._take(fold, row)
            # Other purses may keep the feed busy: silence is counted by what was sent.
            if trio.current_time() >= self._told_at + HEARTBEAT_S:
                heartbeat = trading_pb2.Heartbeat()
                await self._send(
                    [trading_pb2.WatchPurseResponse(seq=self._seq, heartbeat=heartbeat)]
                )

    async def _take(self, fold: PurseFold, row: Row) -> None:
        self._seq = row.seq
        changes = fold.fold(row)
        if changes is not None:
            await self._send(self._change_messages(row, changes))

    async def _send(self, messages: Messages) -> None:
        await self._responses.send_many(messages)
        self._told_at = trio.current_time()

    def _change_messages(self, row: Row, changes: PurseChanges) -> Messages:
        messages = [
            trading_pb2.WatchPurseResponse(
                fill=convert.fill_message(fill, self._directory[fill.symbol])
            )
            for fill in changes.fills
        ]
        messages.extend(
            trading_pb2.WatchPurseResponse(
                order=convert.order_message(order, self._directory[order.symbol])
            )
            for order in changes.orders
        )
        if changes.assets:
            balances = [
                convert.balance_message(self._directory.assets[asset], funds)
                for asset, funds in sorted(changes.assets.items())
            ]
            messages.append(
                trading_pb2.WatchPurseResponse(
                    balances=trading_pb2.PurseBalances(balances=balances)
                )
            )
        for message in messages:
            message.seq, message.at_ns, message.more = row.seq, row.at_ns, True
        messages[-1].more = False
        return messages
