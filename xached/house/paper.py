"""The paper exchange as a whole: its files, its exchange and those who serve it.

It is a second instance of what the house is made of, with a journal of its own and play money. It
is expendable: when it fails the house goes on, calls to it are refused, and it starts again from
its newest snapshot and the rows since, which are replayed in slices: the house is not held up.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import trio

from xached.actors.history import History, run_history
from xached.actors.market.data import MarketData
from xached.actors.matching import Matching, MatchingActor
from xached.actors.paper import run_paper
from xached.api.disconnect_guard import end_streams_of_the_past
from xached.domain.candles import Candle, Interval
from xached.domain.exchange import Exchange
from xached.domain.instrument import Directory, Instrument, Symbol
from xached.domain.market import Provenance, Source, Venue
from xached.domain.market_line import MarketLine
from xached.domain.messages import Row
from xached.domain.paper import PaperDirectory, can_mirror, paper_symbol
from xached.domain.paper_liquidity import PaperLiquidity
from xached.runtime.mailbox import Mailbox
from xached.runtime.steady_clock import SteadyClock
from xached.runtime.topic import Topic
from xached.runtime.world import World
from xached.storage.database import settle
from xached.storage.directory import DataDirectory, DataPaths
from xached.storage.journal import Journal
from xached.storage.snapshots import begin_recovery, newest_seq
from xached.storage.views import Views, ViewsReader

PAPER = Venue("PAPER")
PLACES = 1_024
MESSAGES_MAX = 8
"""Of one transaction: each may be many rows, and the house runs on the same thread."""

ROWS_AT_ONCE = 200
"""Rows that a recovery replays before it lets others run: a few milliseconds."""


class Candles(Protocol):
    """Gives the newest ``limit`` candles of a line that begin in [from, to), oldest first."""

    async def __call__(
        self, line: MarketLine, interval: Interval, *, from_ns: int, to_ns: int | None, limit: int
    ) -> list[Candle]:
        """Read them."""
        ...


class PaperMissing(Exception):  # noqa: N818 - it says what is the matter
    """The journal of the paper exchange is gone, and what was made of it is not."""


def begin_paper_anew(data_dir: Path) -> None:
    """Delete all of the paper exchange of a house that does not run: play money, and its history.

    Raises: NoPaper, DirectoryInUse; OSError.
    """
    paths = DataPaths(data_dir)
    if not paths.paper.exists() and not paths.paper_snapshots.exists():
        raise NoPaper(f"there is no paper exchange in {data_dir}")
    with DataDirectory.open(data_dir):
        for database in (paths.paper, paths.paper_views):
            for ending in ("", "-wal", "-shm"):
                database.with_name(database.name + ending).unlink(missing_ok=True)
        for snapshot in paths.paper_snapshots.iterdir():
            snapshot.unlink()


class NoPaper(Exception):  # noqa: N818 - it says what is the matter
    """There is no paper exchange in this directory."""


class OldRows:
    """The rows of a journal that may not be there yet, read beside who writes it.

    Args:
        is_there: whether there are rows; before that the file may be half made.
    """

    def __init__(self, path: Path, key: bytes, is_there: Callable[[], bool]) -> None:
        self._path = path
        self._key = key
        self._is_there = is_there
        self._journal: Journal | None = None

    def scrub(self, first: int, count: int) -> int:
        """See Journal.scrub. Raises: JournalDamaged; JournalFailed; DatabaseRefused."""
        if self._journal is None:
            if not self._is_there():
                return 1
            self._journal = Journal.open_read_only(self._path, self._key)
        return self._journal.scrub(first, count)

    def close(self) -> None:
        """Close it, if it was opened."""
        if self._journal is not None:
            self._journal.close()


class PaperHouse:
    """The paper exchange's address and files. Survives its restarts."""

    def __init__(
        self,
        paths: DataPaths,
        key: bytes,
        world: World,
        clock: SteadyClock,
        real: Directory,
        files: ExitStack,
    ) -> None:
        """Args:
        key: the paper journal's.
        real: what is listed in the house, which is mirrored.
        files: closes what stays open over restarts.
        """
        self.matching = Matching(PLACES)
        self.directory = PaperDirectory(real)
        self.rows: Topic[Row] = Topic()
        self.market = MarketData(world)
        """Has no lines of markets: it says that paper's prices are simulated."""
        self.exchange: Exchange | None = None
        """What was recovered, and lives; read only. None while it is not served."""
        self.journal: Journal | None = None
        self.replayed_rows = 0
        """How many rows the newest start had to replay."""
        self.history: History | None = None
        """None until the files are open for the first time."""
        self.old_rows: OldRows | None = None
        """The journal again, for the scrub; None where a database has only one connection."""
        if world.sqlite_locking_mode != "exclusive":
            self.old_rows = OldRows(paths.paper, key, lambda: self.last_seq > 0)
            files.callback(self.old_rows.close)
        self._paths = paths
        self._key = key
        self._world = world
        self._clock = clock
        self._real = real
        self._files = files
        self._views: Views | None = None
        self._served = False
        self._mirrors: dict[Symbol, Symbol] = {}
        """The real symbol of each that paper trades."""

    @property
    def last_seq(self) -> int:
        """The newest row; 0 before the journal is open."""
        return self.journal.last_seq if self.journal is not None else 0

    async def run(
        self, line_of: Callable[[Symbol], MarketLine | None], candles_of: Candles
    ) -> None:
        """Recover and serve until cancelled.

        Args:
        line_of: the venue's line of a real symbol.
        candles_of: the candles of such a line.

        Raises: whatever goes wrong; start it again then.
        """
        with ExitStack() as files:
            files.callback(self._close_mailbox)
            journal = self.journal = files.enter_context(self._open_journal())
            exchange = self.exchange = await self._recover(journal)
            for asset in exchange.state.assets.values():
                self.directory.list_asset(asset)
            for market in exchange.state.markets.values():
                self.directory.list_instrument(market.instrument)
            history, views = self._open_views(journal)
            lanes = [self._world.open_lane(name) for name in ("paper journal", "paper views")]
            for lane in lanes:
                files.callback(lane.close)
            self.market.older_candles = partial(self._candles, line_of, candles_of)
            liquidity = PaperLiquidity(line_of, f"{journal.last_seq}-")
            mirrored = partial(self._mirrored, liquidity)
            for instrument in self._real.values():
                if can_mirror(instrument):
                    mirrored(instrument)
            if self._served:
                self.matching.mailbox = Mailbox(PLACES)
                # Rows may be in the journal that nobody was told of: who follows begins anew.
                self.rows.interrupt()
            self._served = True
            actor = MatchingActor(
                self.matching,
                exchange,
                journal,
                lanes[0],
                self.rows,
                self.directory,
                self._clock.now_ns,
                messages_max=MESSAGES_MAX,
                counterparty=liquidity,
            )
            files.callback(actor.abandon)
            streams = {stream: armed.purse for stream, armed in exchange.state.streams.items()}
            async with trio.open_nursery() as nursery:
                nursery.start_soon(actor.run)
                await end_streams_of_the_past(self.matching, streams)
                nursery.start_soon(run_history, history, views, lanes[1], self.rows, self.matching)
                await run_paper(self.matching, liquidity, exchange.state, self._real, mirrored)

    def _mirrored(self, liquidity: PaperLiquidity, instrument: Instrument) -> None:
        """Bring the venue in, and let whoever asks where a price comes from know what it is."""
        liquidity.mirror(instrument)
        symbol = paper_symbol(instrument)
        self._mirrors[symbol] = instrument.symbol
        self.market.own.mark_venues[symbol] = PAPER
        self.market.venue_line(symbol, Source(PAPER, Provenance.SIMULATED))

    async def _candles(
        self,
        line_of: Callable[[Symbol], MarketLine | None],
        candles_of: Candles,
        line: MarketLine,
        interval: Interval,
        from_ns: int,
        to_ns: int | None,
        limit: int,
    ) -> list[Candle]:
        """What paper was worth: the venue's candles of what it mirrors."""
        real = line_of(self._mirrors[line.symbol])
        if real is None:
            return []
        return await candles_of(real, interval, from_ns=from_ns, to_ns=to_ns, limit=limit)

    def _open_journal(self) -> Journal:
        world = self._world
        settle(self._paths.paper, world.files)
        return Journal.open(
            self._paths.paper,
            self._key,
            entropy=world.entropy,
            locking_mode=world.sqlite_locking_mode,
            vfs=world.files.sqlite_vfs,
        )

    def _open_views(self, journal: Journal) -> tuple[History, Views]:
        """Open history the first time; those who serve it keep it."""
        if self.history is None or self._views is None:
            path = self._paths.paper_views
            views = self._views = Views.open(path, journal.house_id, journal.last_seq)
            self._files.callback(views.close)
            reader = ViewsReader(path)
            self._files.callback(reader.close)
            self.history = History(reader, self._world, views.as_of_seq, lambda: self.last_seq)
        return self.history, self._views

    def _close_mailbox(self) -> None:
        """Answer whoever waits: nothing is done until the next start."""
        self.exchange = None
        self._served = True
        self.matching.mailbox.close()

    async def _recover(self, journal: Journal) -> Exchange:
        """The exchange that the journal tells of.

        Raises: JournalDamaged, JournalFailed, PaperMissing.
        """
        if not journal.last_seq and newest_seq(self._paths.paper_snapshots, self._world.files):
            raise PaperMissing(
                "paper.db is missing or empty, and there are snapshots of it: put it back, or stop "
                "the daemon and run xached reset-paper to begin paper anew"
            )
        exchange, start = begin_recovery(
            self._paths.paper_snapshots, self._key, journal, self._world.files
        )
        count = 0
        for count, (seq, at_ns, events) in enumerate(journal.replay(start.seq + 1), 1):
            for event in events:
                exchange.apply(event, seq, at_ns)
            if not count % ROWS_AT_ONCE:
                await trio.lowlevel.checkpoint()
        exchange.check()
        self.replayed_rows = count
        return exchange
