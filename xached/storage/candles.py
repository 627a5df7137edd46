"""market.db: closed candles of all lines, and where the house's own lines stopped.

Disposable: the house's lines can be built again from the journal and a venue's only cost a
chart. A file that cannot be used is removed and started anew. One connection, used by one thread
at a time; nothing here is synced to disk, because nothing here is promised.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import sqlite_utils

from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Symbol
from xached.domain.market import Provenance, Source, TapeTrade, Venue
from xached.domain.order import Side
from xached.domain.tape import TAPE_TRADES_MAX
from xached.storage.database import narrow_to_rows
from xached.storage.schema import Connection, Migrations, SchemaError

DAY_S: Final = 86_400

RETENTION_S: Final = {
    Interval.S1: DAY_S // 4,
    Interval.M1: 7 * DAY_S,
    Interval.M5: 90 * DAY_S,
    Interval.M15: 180 * DAY_S,
    Interval.H1: 730 * DAY_S,
    Interval.D1: 20 * 365 * DAY_S,
}
"""How long closed candles are kept: at most about 26,000 of each line and interval."""

MIGRATIONS: Final = Migrations("market")


@MIGRATIONS.step(1)
def create_tables(connection: Connection) -> None:
    """Amounts are text: SQLite's integers end at 2^63."""
    connection.execute(
        "CREATE TABLE candles (symbol TEXT, venue TEXT, interval_s INTEGER, open_at_ns INTEGER,"
        " open TEXT, high TEXT, low TEXT, close TEXT, volume TEXT, trades INTEGER,"
        " simulated_trades INTEGER, PRIMARY KEY (symbol, venue, interval_s, open_at_ns))"
        " WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE open_candles (symbol TEXT, interval_s INTEGER, open_at_ns INTEGER,"
        " open TEXT, high TEXT, low TEXT, close TEXT, volume TEXT, trades INTEGER,"
        " simulated_trades INTEGER, PRIMARY KEY (symbol, interval_s)) WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE tape (symbol TEXT, sequence INTEGER, venue TEXT, provenance INTEGER,"
        " trade_id TEXT, price TEXT, quantity TEXT, taker_side INTEGER, at_ns INTEGER,"
        " PRIMARY KEY (symbol, sequence)) WITHOUT ROWID"
    )
    connection.execute(
        "CREATE TABLE progress (symbol TEXT PRIMARY KEY, candles_at_ns INTEGER) WITHOUT ROWID"
    )
    connection.execute("CREATE TABLE folded (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER)")


@MIGRATIONS.step(2)
def add_bought(connection: Connection) -> None:
    """What takers bought; of older candles nobody knows it."""
    connection.execute("ALTER TABLE candles ADD COLUMN bought TEXT")
    connection.execute("ALTER TABLE open_candles ADD COLUMN bought TEXT")


@attrs.frozen(kw_only=True)
class LineProgress:
    """Where one of the house's own lines stands."""

    symbol: Symbol
    candles_at_ns: int
    open_candles: tuple[Candle, ...]
    trades: tuple[TapeTrade, ...]
    """When saved: the new ones. When loaded: the newest there are, oldest first."""


@attrs.frozen(kw_only=True)
class MarketBatch:
    """What is saved in one go. ``seq``: the own lines hold every row up to this one."""

    seq: int
    now_ns: int
    closed: tuple[tuple[Symbol, Venue, Candle], ...]
    own: tuple[LineProgress, ...]


class CandleStore:
    """The open market.db."""

    def __init__(self, path: Path) -> None:
        """Open or create the file; one that cannot be used is replaced."""
        try:
            self._database = _open(path)
        except (sqlite3.DatabaseError, SchemaError):
            for suffix in ("", "-journal", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self._database = _open(path)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def save(self, batch: MarketBatch) -> None:
        """Write a batch in one transaction and drop what is older than its retention."""
        with self._database.atomic():
            self._insert(batch.closed)
            for line in batch.own:
                self._save_progress(line)
            self._many("INSERT OR REPLACE INTO folded (one, seq) VALUES (1, ?)", [(batch.seq,)])
            for symbol, venue, interval in {
                (symbol, venue, candle.interval): None for symbol, venue, candle in batch.closed
            }:
                oldest_ns = batch.now_ns - RETENTION_S[interval] * 1_000_000_000
                self._many(
                    "DELETE FROM candles WHERE symbol = ? AND venue = ? AND interval_s = ?"
                    " AND open_at_ns < ?",
                    [(symbol, venue, interval.value, oldest_ns)],
                )

    def forget(self, symbol: Symbol, venue: Venue) -> None:
        """Remove a line's candles: what follows was recorded and does not continue them."""
        with self._database.atomic():
            self._many("DELETE FROM candles WHERE symbol = ? AND venue = ?", [(symbol, venue)])

    def forget_everything(self) -> None:
        """Empty the file: it belongs to another journal than the one that is open."""
        with self._database.atomic():
            for table in ("candles", "open_candles", "tape", "progress", "folded"):
                self._database.conn.execute(f"DELETE FROM {table}")  # noqa: S608 - names above

    def folded_seq(self) -> int:
        """The newest row that the own lines hold; 0 when there is none."""
        rows = self._rows("SELECT seq FROM folded", ())
        return rows[0][0] if rows else 0

    def own_lines(self) -> list[LineProgress]:
        """Where the house's own lines stopped."""
        return [
            LineProgress(
                symbol=Symbol(symbol),
                candles_at_ns=candles_at_ns,
                open_candles=tuple(self._open_candles(symbol)),
                trades=tuple(self._tape(symbol)),
            )
            for symbol, candles_at_ns in self._rows(
                "SELECT symbol, candles_at_ns FROM progress ORDER BY symbol", ()
            )
        ]

    def candles(
        self,
        symbol: Symbol,
        venue: Venue,
        interval: Interval,
        *,
        from_ns: int = 0,
        to_ns: int | None = None,
        limit: int,
    ) -> list[Candle]:
        """The newest ``limit`` closed candles that begin in [from, to), oldest first."""
        rows = self._rows(
            "SELECT open_at_ns, open, high, low, close, volume, trades, simulated_trades, bought"
            " FROM candles WHERE symbol = ? AND venue = ? AND interval_s = ? AND open_at_ns >= ?"
            " AND open_at_ns < ? ORDER BY open_at_ns DESC LIMIT ?",
            (symbol, venue, interval.value, from_ns, 2**63 - 1 if to_ns is None else to_ns, limit),
        )
        return [_candle(interval, row, closed=True) for row in reversed(rows)]

    def _insert(self, closed: Iterable[tuple[Symbol, Venue, Candle]]) -> None:
        self._many(
            "INSERT OR REPLACE INTO candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (symbol, venue, candle.interval.value, *_columns(candle))
                for symbol, venue, candle in closed
            ],
        )

    def _save_progress(self, line: LineProgress) -> None:
        self._many("DELETE FROM open_candles WHERE symbol = ?", [(line.symbol,)])
        self._many(
            "INSERT INTO open_candles VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (line.symbol, candle.interval.value, *_columns(candle))
                for candle in line.open_candles
            ],
        )
        self._many(
            "INSERT OR REPLACE INTO progress VALUES (?, ?)", [(line.symbol, line.candles_at_ns)]
        )
        if not line.trades:
            return
        self._many(
            "INSERT OR REPLACE INTO tape VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    line.symbol, trade.sequence, trade.source.venue, trade.source.provenance.value,
                    trade.trade_id, str(trade.price_ticks), str(trade.quantity_lots),
                    trade.taker_side.value, trade.at_ns,
                )
                for trade in line.trades
            ],
        )  # fmt: skip
        self._many(
            "DELETE FROM tape WHERE symbol = ? AND sequence <= ?",
            [(line.symbol, line.trades[-1].sequence - TAPE_TRADES_MAX)],
        )

    def _open_candles(self, symbol: str) -> list[Candle]:
        rows = self._rows(
            "SELECT interval_s, open_at_ns, open, high, low, close, volume, trades,"
            " simulated_trades, bought FROM open_candles WHERE symbol = ? ORDER BY interval_s",
            (symbol,),
        )
        return [_candle(Interval(row[0]), row[1:], closed=False) for row in rows]

    def _tape(self, symbol: str) -> list[TapeTrade]:
        rows = self._rows(
            "SELECT sequence, venue, provenance, trade_id, price, quantity, taker_side, at_ns"
            " FROM tape WHERE symbol = ? ORDER BY sequence",
            (symbol,),
        )
        return [
            TapeTrade(
                symbol=Symbol(symbol),
                source=Source(Venue(venue), Provenance(provenance)),
                sequence=sequence,
                trade_id=trade_id,
                price_ticks=int(price),
                quantity_lots=int(quantity),
                taker_side=Side(taker_side),
                at_ns=at_ns,
            )
            for sequence, venue, provenance, trade_id, price, quantity, taker_side, at_ns in rows
        ]

    def _many(self, sql: str, parameters: Sequence[tuple[Any, ...]]) -> None:
        self._database.conn.executemany(sql, parameters)

    def _rows(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        return self._database.conn.execute(sql, parameters).fetchall()


def _open(path: Path) -> sqlite_utils.Database:
    # The lane's thread is not the one that opens it, and plugins are never loaded in here.
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError(f"{path.name} is damaged")
        database = sqlite_utils.Database(connection, execute_plugins=False)
        MIGRATIONS.apply(database.conn)
        narrow_to_rows(connection)
    except BaseException:
        connection.close()
        raise
    return database


def _columns(candle: Candle) -> tuple[int | str | None, ...]:
    return (
        candle.open_at_ns, str(candle.open_ticks), str(candle.high_ticks), str(candle.low_ticks),
        str(candle.close_ticks), str(candle.volume_lots), candle.trades, candle.simulated_trades,
        None if candle.bought_lots is None else str(candle.bought_lots),
    )  # fmt: skip


def _candle(interval: Interval, row: Sequence[Any], *, closed: bool) -> Candle:
    open_at_ns, first, high, low, close, volume, trades, simulated, bought = row
    return Candle(
        interval=interval,
        open_at_ns=open_at_ns,
        open_ticks=int(first),
        high_ticks=int(high),
        low_ticks=int(low),
        close_ticks=int(close),
        volume_lots=int(volume),
        trades=trades,
        simulated_trades=simulated,
        closed=closed,
        bought_lots=None if bought is None else int(bought),
    )
