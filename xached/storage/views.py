"""History that people read: orders, fills and statements, projected from the journal.

Everything here can be thrown away and made again: a file that is damaged, of another house, of a
newer program or ahead of the journal is deleted, and the rows are projected anew. One writer
projects; readers have connections of their own that cannot write. Amounts are kept as text,
because SQLite's integers end at 2^63.
"""

from __future__ import annotations

import inspect
import json
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import attrs
from loguru import logger
from sqlite_utils import Database

from xached.domain.history import Fill, fold_fill
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import (
    Deposited,
    Event,
    InstrumentListed,
    OrderAccepted,
    OrderEnded,
    OrderRested,
    Row,
    Traded,
    make_order,
)
from xached.domain.order import (
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.statement import (
    Transaction,
    TransactionKind,
    deposit_transaction,
    fill_transactions,
)
from xached.storage.codec import CODEC
from xached.storage.journal import Journal
from xached.storage.schema import Connection, Migrations, SchemaError

Item = TypeVar("Item")

CATCH_UP_ROWS: Final = 1_000

VIEWS = Migrations("views")


@VIEWS.step(1)
def create_history(connection: Connection) -> None:
    """Orders, fills, transactions, and the instruments needed to read trades."""
    for statement in (
        "CREATE TABLE progress (house_id BLOB NOT NULL, as_of_seq INTEGER NOT NULL)",
        "CREATE TABLE instruments (symbol TEXT PRIMARY KEY, terms BLOB NOT NULL) WITHOUT ROWID",
        """CREATE TABLE orders (
            order_id INTEGER PRIMARY KEY, client_order_id TEXT NOT NULL, purse TEXT NOT NULL,
            symbol TEXT NOT NULL, side INTEGER NOT NULL, type INTEGER NOT NULL,
            time_in_force INTEGER NOT NULL, price_ticks TEXT, quantity_lots TEXT NOT NULL,
            quote_units TEXT, post_only INTEGER NOT NULL, self_trade_prevention INTEGER NOT NULL,
            expires_at_ns INTEGER, maker_fee_ppm INTEGER NOT NULL, taker_fee_ppm INTEGER NOT NULL,
            held_units TEXT NOT NULL, accepted_at_ns INTEGER NOT NULL,
            updated_at_ns INTEGER NOT NULL, seq INTEGER NOT NULL, status INTEGER NOT NULL,
            end_reason INTEGER NOT NULL, executed_lots TEXT NOT NULL,
            taker_notional_units TEXT NOT NULL, maker_notional_units TEXT NOT NULL,
            fee_units TEXT NOT NULL
        )""",
        "CREATE INDEX orders_by_purse ON orders (purse)",
        "CREATE INDEX orders_by_symbol ON orders (purse, symbol)",
        "CREATE UNIQUE INDEX orders_by_client_id ON orders (purse, client_order_id)",
        "CREATE INDEX orders_open ON orders (status) WHERE status < 3",
        """CREATE TABLE fills (
            number INTEGER PRIMARY KEY, trade_id TEXT NOT NULL, order_id INTEGER NOT NULL,
            client_order_id TEXT NOT NULL, purse TEXT NOT NULL, symbol TEXT NOT NULL,
            side INTEGER NOT NULL, price_ticks TEXT NOT NULL, quantity_lots TEXT NOT NULL,
            notional_units TEXT NOT NULL, fee_units TEXT NOT NULL, is_maker INTEGER NOT NULL,
            at_ns INTEGER NOT NULL, seq INTEGER NOT NULL, simulated INTEGER NOT NULL
        )""",
        "CREATE INDEX fills_by_purse ON fills (purse)",
        "CREATE INDEX fills_by_symbol ON fills (purse, symbol)",
        "CREATE INDEX fills_by_order ON fills (order_id)",
        """CREATE TABLE transactions (
            number INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at_ns INTEGER NOT NULL,
            purse TEXT NOT NULL, kind INTEGER NOT NULL, asset TEXT NOT NULL,
            amount_units TEXT NOT NULL, reference TEXT NOT NULL
        )""",
        "CREATE INDEX transactions_by_purse ON transactions (purse)",
        "CREATE INDEX transactions_by_asset ON transactions (purse, asset)",
    ):
        connection.execute(statement)


@VIEWS.step(2)
def tell_trades_from_fills(connection: Connection) -> None:
    """Transactions keep only what is no trade, numbered together with fills. All is made anew."""
    for statement in (
        "DROP INDEX transactions_by_asset",
        "DROP INDEX orders_by_client_id",
        "DELETE FROM orders",
        "DELETE FROM fills",
        "DELETE FROM transactions",
        "DELETE FROM instruments",
        "UPDATE progress SET as_of_seq = 0",
    ):
        connection.execute(statement)


@VIEWS.step(3)
def keep_conditions(connection: Connection) -> None:
    """Orders that wait for a price or for other orders. All is made anew."""
    for statement in (
        'ALTER TABLE orders ADD COLUMN "trigger" BLOB',
        "ALTER TABLE orders ADD COLUMN display_lots TEXT",
        "ALTER TABLE orders ADD COLUMN reduce_only INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE orders ADD COLUMN slide INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE orders ADD COLUMN leg BLOB",
        "ALTER TABLE orders ADD COLUMN stop_ticks TEXT",
        "ALTER TABLE orders ADD COLUMN prevented_lots TEXT NOT NULL DEFAULT '0'",
        "DROP INDEX orders_open",
        "CREATE INDEX orders_open ON orders (status) WHERE status NOT BETWEEN 3 AND 6",
        "DELETE FROM orders",
        "DELETE FROM fills",
        "DELETE FROM transactions",
        "DELETE FROM instruments",
        "UPDATE progress SET as_of_seq = 0",
    ):
        connection.execute(statement)


@attrs.frozen(kw_only=True)
class Page(Generic[Item]):
    """Newest first. ``next_before`` is where the next page begins; None on the last one."""

    items: tuple[Item, ...]
    next_before: int | None
    as_of_seq: int


class Views:
    """The writing end. Used by one thread at a time."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._as_of_seq = _as_of_seq(database)
        self._instruments: dict[Symbol, Instrument] = {
            Symbol(row["symbol"]): CODEC.decode(row["terms"])
            for row in database.query("SELECT symbol, terms FROM instruments")
        }
        open_orders = database.query("SELECT * FROM orders WHERE status NOT BETWEEN 3 AND 6")
        self._open: dict[OrderId, Order] = {
            order.order_id: order for order in map(_ORDERS.item, open_orders)
        }
        self._numbers = max(_count(database, "fills"), _count(database, "transactions"))

    @classmethod
    def open(cls, path: Path, house_id: bytes, last_seq: int) -> Views:
        """Open the views of this house's journal, which ends at ``last_seq``.

        A file that cannot be used is deleted and begun anew.

        Raises: sqlite3.Error or OSError when that fails too.
        """
        try:
            database = _connect(path, house_id)
            if _house_of(database) == house_id and _as_of_seq(database) <= last_seq:
                return cls(database)
            database.close()
            logger.warning("views are of another house or ahead of the journal: made anew")
        except (sqlite3.DatabaseError, SchemaError) as error:
            logger.warning("views cannot be used and are made anew: {}", error)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return cls(_connect(path, house_id))

    @property
    def as_of_seq(self) -> int:
        """Up to which row history has been projected."""
        return self._as_of_seq

    def project(self, rows: Sequence[Row]) -> None:
        """Take in rows, in one transaction; those already known are passed over.

        Raises: sqlite3.Error; then nothing was taken in.
        """
        new = [row for row in rows if row.seq > self._as_of_seq]
        if not new:
            return
        assert new[0].seq == self._as_of_seq + 1, "rows are projected without gaps"
        assert new[-1].seq == self._as_of_seq + len(new), "and in order"
        batch = _Batch(self._numbers)
        for row in new:
            for event in row.events:
                self._fold(event, row, batch)
        with self._db.atomic():
            self._write(batch)
            self._db.execute("UPDATE progress SET as_of_seq = ?", [new[-1].seq])
        self._keep(batch)
        self._as_of_seq = new[-1].seq

    def catch_up(self, journal: Journal) -> int:
        """Project what the journal has and the views have not; returns how many rows.

        Raises: sqlite3.Error; JournalDamaged; JournalFailed.
        """
        rows = journal.read(self._as_of_seq + 1)
        projected = 0
        while chunk := list(islice(rows, CATCH_UP_ROWS)):
            self.project(chunk)
            projected += len(chunk)
        return projected

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _fold(self, event: Event, row: Row, batch: _Batch) -> None:
        # By isinstance, as this is done for every event: see Exchange.apply.
        if isinstance(event, OrderAccepted):
            batch.orders[event.order_id] = make_order(event, row.seq, row.at_ns)
        elif isinstance(event, Traded):
            lot_units = self._instruments[event.symbol].lot_units
            for order_id in (event.taker_order_id, event.maker_order_id):
                order = self._order(order_id, batch)
                fill = fold_fill(order, event, lot_units, row.seq, row.at_ns)
                batch.fills.append((batch.next_number(), fill))
        elif isinstance(event, OrderEnded):
            order = self._order(event.order_id, batch)
            order.end(event.status, event.reason, event.released_units, row.seq, row.at_ns)
        elif isinstance(event, OrderRested):
            order = self._order(event.order_id, batch)
            order.seq, order.updated_at_ns = row.seq, row.at_ns
        elif isinstance(event, InstrumentListed):
            self._instruments[event.instrument.symbol] = event.instrument
            batch.instruments.append(event.instrument)
        elif isinstance(event, Deposited):
            moved = deposit_transaction(event, row.seq, row.at_ns)
            batch.transactions.append((batch.next_number(), moved))

    def _order(self, order_id: OrderId, batch: _Batch) -> Order:
        """An order to fold into: a copy, so that nothing is known before it is written."""
        order = batch.orders.get(order_id)
        if order is None:
            order = batch.orders[order_id] = _ORDERS.copy(self._open[order_id])
        return order

    def _keep(self, batch: _Batch) -> None:
        """Know what was written."""
        for order_id, order in batch.orders.items():
            if order.status.is_over:
                self._open.pop(order_id, None)
            else:
                self._open[order_id] = order
        self._numbers = batch.numbers

    def _write(self, batch: _Batch) -> None:
        put = self._db.conn.executemany
        put(_ORDERS.put_sql, map(_ORDERS.values, batch.orders.values()))
        put(_FILLS.put_sql, ([number, *_FILLS.values(fill)] for number, fill in batch.fills))
        put(
            _TRANSACTIONS.put_sql,
            ([number, *_TRANSACTIONS.values(each)] for number, each in batch.transactions),
        )
        put(
            "INSERT INTO instruments (symbol, terms) VALUES (?, ?)",
            [(each.symbol, CODEC.encode(each)) for each in batch.instruments],
        )


class ViewsReader:
    """The reading end: a connection that cannot write, safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Open views that a writer has made. Raises: sqlite3.Error."""
        self._lock = threading.Lock()
        uri = f"{path.absolute().as_uri()}?mode=ro"
        self._db = Database(
            sqlite3.connect(uri, uri=True, check_same_thread=False), execute_plugins=False
        )

    def as_of_seq(self) -> int:
        """Up to which row history has been projected."""
        with self._lock:
            return _as_of_seq(self._db)

    def list_orders(
        self, purse: Purse, *, symbol: Symbol | None = None, before: int | None = None, limit: int
    ) -> Page[Order]:
        """Orders of a purse, open and ended, newest first; ``before`` is an order's id."""
        return self._page(_ORDERS, {"purse": purse, "symbol": symbol}, before, limit)

    def list_fills(
        self, purse: Purse, *, symbol: Symbol | None = None, before: int | None = None, limit: int
    ) -> Page[Fill]:
        """Fills of a purse, newest first; ``before`` is what the last page said."""
        return self._page(_FILLS, {"purse": purse, "symbol": symbol}, before, limit)

    def list_transactions(
        self, purse: Purse, *, asset: AssetName | None = None, before: int | None = None, limit: int
    ) -> Page[Transaction]:
        """Movements of a purse's money, newest first; ``before`` is what the last page said.

        Those of a trade are told from its fill, where they are up to three.
        """
        assert limit >= 1
        before = 2**63 - 1 if before is None else before
        # Of the newest number perhaps nothing is left, and one more tells whether there is more.
        wanted = {"purse": purse, "before": (before - 1) // _PARTS + 1, "limit": limit + 2}
        with self._lock, self._db.atomic():
            found = [
                *self._fill_transactions(asset, wanted),
                *self._other_transactions(asset, wanted),
            ]
            as_of_seq = _as_of_seq(self._db)
        newest_first = sorted((each for each in found if each[0] < before), reverse=True, key=_KEY)
        page = newest_first[:limit]
        return Page(
            items=tuple(each for _, each in page),
            next_before=page[-1][0] if len(newest_first) > limit else None,
            as_of_seq=as_of_seq,
        )

    def find_order(self, purse: Purse, order_id: OrderId) -> Order | None:
        """An order of a purse; None when the history has no such order."""
        found = self._page(_ORDERS, {"purse": purse, "order_id": order_id}, None, 1).items
        return found[0] if found else None

    def fills_of(self, order_id: OrderId) -> tuple[Fill, ...]:
        """Everything an order traded, oldest first."""
        with self._lock:
            found = self._db.query(
                "SELECT * FROM fills WHERE order_id = ? ORDER BY number", [order_id]
            )
            return tuple(map(_FILLS.item, found))

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    def _fill_transactions(
        self, asset: AssetName | None, wanted: Mapping[str, object]
    ) -> Iterator[tuple[int, Transaction]]:
        """The movements of a purse's trades in an asset, with their keys."""
        instruments = {
            row["symbol"]: CODEC.decode(row["terms"])
            for row in self._db.query("SELECT symbol, terms FROM instruments")
        }
        symbols = [
            symbol
            for symbol, terms in instruments.items()
            if asset is None or asset in (terms.base, terms.quote)
        ]
        for row in self._db.query(
            "SELECT * FROM fills WHERE purse = :purse AND number < :before "
            "AND symbol IN (SELECT value FROM json_each(:symbols)) "
            "ORDER BY number DESC LIMIT :limit",
            {**wanted, "symbols": json.dumps(symbols)},
        ):
            fill = _FILLS.item(row)
            for part, moved in enumerate(fill_transactions(fill, instruments[fill.symbol])):
                if asset is None or moved.asset == asset:
                    yield row["number"] * _PARTS + part, moved

    def _other_transactions(
        self, asset: AssetName | None, wanted: Mapping[str, object]
    ) -> Iterator[tuple[int, Transaction]]:
        """The movements that are no trades, with their keys."""
        for row in self._db.query(
            "SELECT * FROM transactions WHERE purse = :purse AND number < :before "
            "AND (:asset IS NULL OR asset = :asset) ORDER BY number DESC LIMIT :limit",
            {**wanted, "asset": asset},
        ):
            yield row["number"] * _PARTS, _TRANSACTIONS.item(row)

    def _page(
        self, table: _Table[Item], wanted: Mapping[str, object], before: int | None, limit: int
    ) -> Page[Item]:
        assert limit >= 1
        given = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f"{column} = :{column} AND " for column in given)
        # The names are this module's own; what callers give is bound.
        sql = (
            f"SELECT * FROM {table.name} WHERE {where}{table.key} < :before "  # noqa: S608
            f"ORDER BY {table.key} DESC LIMIT :limit"
        )
        bound = {**given, "before": 2**63 - 1 if before is None else before, "limit": limit + 1}
        with self._lock, self._db.atomic():  # one moment for the page and its sequence
            rows = list(self._db.query(sql, bound))
            as_of_seq = _as_of_seq(self._db)
        page = rows[:limit]
        return Page(
            items=tuple(map(table.item, page)),
            next_before=page[-1][table.key] if len(rows) > limit else None,
            as_of_seq=as_of_seq,
        )


@attrs.define
class _Batch:
    """What some rows add to history. Fills and transactions share ``numbers``."""

    numbers: int
    orders: dict[OrderId, Order] = attrs.field(factory=dict)
    fills: list[tuple[int, Fill]] = attrs.field(factory=list)
    transactions: list[tuple[int, Transaction]] = attrs.field(factory=list)
    instruments: list[Instrument] = attrs.field(factory=list)

    def next_number(self) -> int:
        """The next number, which nothing else has."""
        self.numbers += 1
        return self.numbers


class _Table(Generic[Item]):
    """How a class is kept: a column for each field, amounts as text, enums as numbers, and what
    is ``packed`` as the journal writes it.

    Rows are ordered by ``key``; one that is no field of the class comes first in a row. Of a row
    that is there already only the columns in ``changing`` are written.
    """

    def __init__(
        self,
        name: str,
        key: str,
        cls: type[Item],
        amounts: str,
        kinds: Mapping[str, Callable[[Any], Any]],
        changing: str = "",
        packed: str = "",
    ) -> None:
        self.name = name
        self.key = key
        self._cls = cls
        self._fields = fields = tuple(inspect.signature(cls).parameters)
        self._values_of = attrgetter(*fields)
        # SQLite's module takes plain numbers at once and looks for an adapter for all else.
        self._plain: tuple[tuple[int, Callable[[Any], int | str | bytes]], ...] = (
            *((fields.index(amount), str) for amount in amounts.split()),
            *((fields.index(kind), int) for kind in kinds),
            *((fields.index(value), CODEC.encode) for value in packed.split()),
        )
        self._restore: dict[str, Callable[[Any], Any]] = {
            **dict.fromkeys(amounts.split(), int),
            **dict.fromkeys(packed.split(), CODEC.decode),
            **kinds,
        }
        columns = fields if key in fields else (key, *fields)
        changes = ", ".join(f"{column} = excluded.{column}" for column in changing.split())
        # Quoted: "trigger" is also a word of SQL.
        named = ", ".join(f'"{column}"' for column in columns)
        self.put_sql = (
            f"INSERT INTO {name} ({named}) "  # noqa: S608 - names of this module
            f"VALUES ({', '.join('?' * len(columns))})"
            + (f" ON CONFLICT ({key}) DO UPDATE SET {changes}" if changes else "")
        )

    def values(self, item: Item) -> list[Any]:
        """What to write, without a key of its own."""
        values = list(self._values_of(item))
        for index, plain in self._plain:
            if values[index] is not None:
                values[index] = plain(values[index])
        return values

    def copy(self, item: Item) -> Item:
        """The same again; less than half the work of copy.copy."""
        return self._cls(**dict(zip(self._fields, self._values_of(item), strict=True)))

    def item(self, row: dict[str, Any]) -> Item:
        """What was read."""
        values = {column: value for column, value in row.items() if column != "number"}
        for column, restore in self._restore.items():
            if values[column] is not None:
                values[column] = restore(values[column])
        return self._cls(**values)


_ORDERS = _Table(
    "orders",
    "order_id",
    Order,
    "price_ticks quantity_lots quote_units held_units executed_lots taker_notional_units "
    "maker_notional_units fee_units display_lots stop_ticks prevented_lots",
    {
        "side": Side,
        "type": OrderType,
        "time_in_force": TimeInForce,
        "post_only": bool,
        "self_trade_prevention": SelfTradePrevention,
        "status": OrderStatus,
        "end_reason": EndReason,
        "reduce_only": bool,
        "slide": bool,
    },
    changing="quantity_lots held_units updated_at_ns seq status end_reason executed_lots "
    "taker_notional_units maker_notional_units fee_units stop_ticks prevented_lots",
    packed="trigger leg",
)
_FILLS = _Table(
    "fills",
    "number",
    Fill,
    "price_ticks quantity_lots notional_units fee_units",
    {"side": Side, "is_maker": bool, "simulated": bool},
)
_TRANSACTIONS = _Table(
    "transactions", "number", Transaction, "amount_units", {"kind": TransactionKind}
)

_PARTS: Final = 4
"""A transaction's key is this many times its number, and the place among those of its fill."""

_KEY: Final = itemgetter(0)


def _connect(path: Path, house_id: bytes) -> Database:
    connection = sqlite3.connect(path, check_same_thread=False)
    try:
        # Plugins of sqlite-utils would run in the daemon.
        database = Database(connection, execute_plugins=False)
        # Only this connection writes and checkpoints, so the old SQLite's bug cannot happen.
        database.enable_wal()
        database.execute("PRAGMA synchronous = NORMAL")
        VIEWS.apply(database)
        if _house_of(database) is None:
            with database.atomic():
                database.execute(
                    "INSERT INTO progress (house_id, as_of_seq) VALUES (?, 0)", [house_id]
                )
    except BaseException:
        connection.close()
        raise
    return database


def _house_of(database: Database) -> bytes | None:
    for (house_id,) in database.execute("SELECT house_id FROM progress"):
        return bytes(house_id)
    return None


def _as_of_seq(database: Database) -> int:
    ((as_of_seq,),) = database.execute("SELECT as_of_seq FROM progress")
    return int(as_of_seq)


def _count(database: Database, table: str) -> int:
    ((count,),) = database.execute(f"SELECT coalesce(max(number), 0) FROM {table}")  # noqa: S608
    return int(count)
