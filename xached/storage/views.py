"""History that people read: orders, fills and statements, projected from the journal.

Everything here can be thrown away and made again: a file that is damaged, of another house, of
another program or ahead of the journal is deleted, and the rows are projected anew. One writer
projects; readers have connections of their own that cannot write.

Columns are only what is looked for. What was found is one blob, packed as the journal packs its
messages: binding a column costs more than packing a field.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import apsw
import attrs
from loguru import logger

from xached.domain.compliance_messages import FundsForfeited
from xached.domain.history import Fill, fold_fill, fold_prevented, fold_reduced, transferred_fill
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.list_messages import ListStep, fold_list_step, touched_by
from xached.domain.market_messages import InstrumentChanged, Transferred
from xached.domain.messages import (
    Deposited,
    Event,
    InstrumentListed,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    OrderRested,
    Row,
    Traded,
    make_order,
)
from xached.domain.order import (
    Leg,
    Order,
    OrderId,
    OrderStatus,
    Purse,
    Side,
    Trigger,
    accepted_seq,
)
from xached.domain.protection_messages import SelfTransferred
from xached.domain.state import DAY_NS
from xached.domain.statement import (
    FeeDay,
    Transaction,
    add_fill,
    deposit_transaction,
    fill_transactions,
    forfeit_transaction,
    transfer_transactions,
)
from xached.domain.waiting_messages import WaitingStep, fold_waiting
from xached.storage.codec import CODEC, Codec, Kind, Typed
from xached.storage.database import narrow_to_rows
from xached.storage.journal import Journal

Item = TypeVar("Item")

CATCH_UP_ROWS: Final = 1_000
BUSY_TIMEOUT_MS: Final = 5_000

PACKED: Final = (
    Typed(1, 1, Kind.VALUE, Order),
    Typed(2, 1, Kind.VALUE, Fill),
    Typed(3, 1, Kind.VALUE, Transaction),
    Typed(4, 1, Kind.VALUE, Trigger),
    Typed(5, 1, Kind.VALUE, Leg),
    Typed(6, 1, Kind.VALUE, FeeDay),
)
"""What the blobs hold. Not the journal's codes, nor for ever: see :data:`SHAPE`."""

SCHEMA: Final = (
    """CREATE TABLE progress (
        house_id BLOB NOT NULL, shape TEXT NOT NULL, as_of_seq INTEGER NOT NULL
    )""",
    "CREATE TABLE instruments (symbol TEXT PRIMARY KEY, terms BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE orders (
        order_id INTEGER PRIMARY KEY, purse TEXT NOT NULL, symbol TEXT NOT NULL,
        is_open INTEGER NOT NULL, body BLOB NOT NULL
    )""",
    "CREATE INDEX orders_by_symbol ON orders (purse, symbol)",
    "CREATE INDEX orders_open ON orders (order_id) WHERE is_open",
    """CREATE TABLE fills (
        number INTEGER PRIMARY KEY, order_id INTEGER NOT NULL, purse TEXT NOT NULL,
        symbol TEXT NOT NULL, body BLOB NOT NULL
    )""",
    "CREATE INDEX fills_by_symbol ON fills (purse, symbol)",
    "CREATE INDEX fills_by_order ON fills (order_id)",
    # Rows that changed an order otherwise than by accepting, filling or ending it.
    "CREATE TABLE steps (order_id INTEGER, seq INTEGER, PRIMARY KEY (order_id, seq)) WITHOUT ROWID",
    """CREATE TABLE transactions (
        number INTEGER PRIMARY KEY, purse TEXT NOT NULL, asset TEXT NOT NULL, body BLOB NOT NULL
    )""",
    "CREATE INDEX transactions_by_purse ON transactions (purse)",
    """CREATE TABLE fee_days (
        purse TEXT NOT NULL, day INTEGER NOT NULL, asset TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (purse, day, asset)
    ) WITHOUT ROWID""",
)

SHAPE: Final = "\n".join(
    (
        *SCHEMA,
        *(
            f"{typed.cls.__name__}: {' '.join(each.name for each in attrs.fields(typed.cls))}"
            for typed in PACKED
        ),
    )
)
"""The tables, and the fields of all that is packed. A file of another shape is made anew, so
both may change without a migration."""


@attrs.frozen(kw_only=True)
class Wanted:
    """Which orders or fills of a list are wanted; an order by when it was accepted.

    ``from_ns`` is the first moment that is, ``to_ns`` the first that is not any more. ``statuses``
    is for orders alone.
    """

    side: Side | None = None
    statuses: frozenset[OrderStatus] = frozenset()
    from_ns: int = 0
    to_ns: int | None = None

    def takes(self, item: Order | Fill) -> bool:
        """Whether one that is in time is wanted."""
        if self.side is not None and item.side is not self.side:
            return False
        return not self.statuses or (isinstance(item, Order) and item.status in self.statuses)

    def is_too_old(self, item: Order | Fill) -> bool:
        """Whether it and all before it are."""
        return _at_ns(item) < self.from_ns


EVERYTHING: Final = Wanted()

SCANNED_MAX: Final = 5_000
"""Orders or fills that one page looks through for those that are wanted."""

KEY_MAX: Final = 2**63 - 1


def _at_ns(item: Order | Fill) -> int:
    return item.accepted_at_ns if isinstance(item, Order) else item.at_ns


@attrs.frozen(kw_only=True)
class Page(Generic[Item]):
    """Newest first. ``next_before`` is where the next page begins; None on the last one."""

    items: tuple[Item, ...]
    next_before: int | None
    as_of_seq: int


class Views:
    """The writing end. Used by one thread at a time."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._as_of_seq = _as_of_seq(connection)
        self._instruments = _instruments(connection)
        self._open: dict[OrderId, bytes] = dict(
            connection.execute("SELECT order_id, body FROM orders WHERE is_open")
        )
        ((self._numbers,),) = connection.execute(
            "SELECT max((SELECT coalesce(max(number), 0) FROM fills),"
            " (SELECT coalesce(max(number), 0) FROM transactions))"
        )

    @classmethod
    def open(cls, path: Path, house_id: bytes, last_seq: int) -> Views:
        """Open the views of this house's journal, which ends at ``last_seq``.

        A file that cannot be used is deleted and begun anew.

        Raises: apsw.Error or OSError when that fails too.
        """
        try:
            views = cls._open_file(path, house_id)
            if _is_usable(views._connection, house_id, last_seq):
                return views
            views.close()
            logger.warning("views are of another house or program or too new: made anew")
        except apsw.Error as error:
            logger.warning("views cannot be used and are made anew: {}", error)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return cls._open_file(path, house_id)

    @classmethod
    def _open_file(cls, path: Path, house_id: bytes) -> Views:
        connection = apsw.Connection(str(path))
        try:
            _configure(connection, house_id)
            narrow_to_rows(connection)
            return cls(connection)
        except BaseException:
            connection.close()
            raise

    @property
    def as_of_seq(self) -> int:
        """Up to which row history has been projected."""
        return self._as_of_seq

    def project(self, rows: Sequence[Row]) -> None:
        """Take in rows, in one transaction; those already known are passed over.

        Raises: apsw.Error; then nothing was taken in.
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
        bodies = {order_id: _encode(order) for order_id, order in batch.orders.items()}
        with self._connection:
            self._write(batch, bodies)
            self._connection.execute("UPDATE progress SET as_of_seq = ?", (new[-1].seq,))
        self._keep(batch, bodies)
        self._as_of_seq = new[-1].seq

    def catch_up(self, journal: Journal) -> int:
        """Project what the journal has and the views have not; returns how many rows.

        Raises: apsw.Error; JournalDamaged; JournalFailed.
        """
        rows = journal.read(self._as_of_seq + 1)
        projected = 0
        while chunk := list(islice(rows, CATCH_UP_ROWS)):
            self.project(chunk)
            projected += len(chunk)
        return projected

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _fold(self, event: Event, row: Row, batch: _Batch) -> None:
        # By isinstance, as this is done for every event: see Exchange.apply.
        if isinstance(event, OrderAccepted):
            batch.orders[event.order_id] = make_order(event, row.seq, row.at_ns)
        elif isinstance(event, Traded):
            instrument = self._instruments[event.symbol]
            for order_id in (event.taker_order_id, event.maker_order_id):
                order = self._order(order_id, batch)
                fill = fold_fill(order, event, instrument.lot_units, row.seq, row.at_ns)
                batch.fills.append((batch.next_number(), fill))
                self._count_fee(fill, instrument.quote, batch)
        elif isinstance(event, OrderEnded):
            order = self._order(event.order_id, batch)
            order.end(event.status, event.reason, event.released_units, row.seq, row.at_ns)
        elif isinstance(event, OrderRested):
            order = self._stepped(event.order_id, row, batch)
            order.seq, order.updated_at_ns = row.seq, row.at_ns
        elif isinstance(event, OrderReduced):
            order = self._stepped(event.order_id, row, batch)
            fold_reduced(order, event, row.seq, row.at_ns)
        elif isinstance(event, MatchPrevented | SelfTransferred):
            self._fold_prevented(event, row, batch)
        elif isinstance(event, WaitingStep):
            order = self._stepped(event.order_id, row, batch)
            fold_waiting(order, event, row.seq, row.at_ns)
        elif isinstance(event, ListStep):
            for order_id in touched_by(event):
                fold_list_step(self._stepped(order_id, row, batch), event, row.seq, row.at_ns)
        else:
            self._fold_rare(event, row, batch)

    def _fold_rare(self, event: Event, row: Row, batch: _Batch) -> None:
        if isinstance(event, InstrumentListed | InstrumentChanged):
            self._instruments[event.instrument.symbol] = event.instrument
            batch.instruments.append(event.instrument)
        elif isinstance(event, Deposited):
            moved = deposit_transaction(event, row.seq, row.at_ns)
            batch.transactions.append((batch.next_number(), moved))
        elif isinstance(event, Transferred):
            for moved in transfer_transactions(event, row.seq, row.at_ns):
                batch.transactions.append((batch.next_number(), moved))
        elif isinstance(event, FundsForfeited):
            moved = forfeit_transaction(event, row.seq, row.at_ns)
            batch.transactions.append((batch.next_number(), moved))

    def _stepped(self, order_id: OrderId, row: Row, batch: _Batch) -> Order:
        """An order that a row changes otherwise than by filling or ending it, which is noted."""
        if accepted_seq(order_id) != row.seq:
            batch.steps[order_id, row.seq] = None
        return self._order(order_id, batch)

    def _count_fee(self, fill: Fill, asset: AssetName, batch: _Batch) -> None:
        key = (fill.purse, fill.at_ns // DAY_NS, asset)
        day = batch.fee_days.get(key)
        if day is None:
            found = list(
                self._connection.execute(
                    "SELECT body FROM fee_days WHERE purse = ? AND day = ? AND asset = ?", key
                )
            )
            purse, number, _ = key
            day = _decode(found[0][0]) if found else FeeDay(purse=purse, day=number, asset=asset)
        batch.fee_days[key] = add_fill(day, fill)

    def _fold_prevented(
        self, event: MatchPrevented | SelfTransferred, row: Row, batch: _Batch
    ) -> None:
        if isinstance(event, MatchPrevented) and not event.lost_lots:
            return
        for order_id in (event.taker_order_id, event.maker_order_id):
            order = self._stepped(order_id, row, batch)
            if isinstance(event, MatchPrevented):
                fold_prevented(order, event, row.seq, row.at_ns)
            else:
                fill = transferred_fill(order, event, row.seq, row.at_ns)
                batch.fills.append((batch.next_number(), fill))

    def _order(self, order_id: OrderId, batch: _Batch) -> Order:
        """An order to fold into: read anew, so that nothing is known before it is written."""
        order = batch.orders.get(order_id)
        if order is None:
            order = batch.orders[order_id] = _decode(self._open[order_id])
        return order

    def _keep(self, batch: _Batch, bodies: Mapping[OrderId, bytes]) -> None:
        """Know what was written."""
        for order_id, order in batch.orders.items():
            if order.status.is_over:
                self._open.pop(order_id, None)
            else:
                self._open[order_id] = bodies[order_id]
        self._numbers = batch.numbers

    def _write(self, batch: _Batch, bodies: Mapping[OrderId, bytes]) -> None:
        put = self._connection.executemany
        put(
            "INSERT INTO orders (order_id, purse, symbol, is_open, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (order_id) DO UPDATE SET is_open = excluded.is_open, body = excluded.body",
            [
                (order_id, order.purse, order.symbol, not order.status.is_over, bodies[order_id])
                for order_id, order in batch.orders.items()
            ],
        )
        put(
            "INSERT INTO fills (number, order_id, purse, symbol, body) VALUES (?, ?, ?, ?, ?)",
            [
                (number, fill.order_id, fill.purse, fill.symbol, _encode(fill))
                for number, fill in batch.fills
            ],
        )
        put(
            "INSERT INTO transactions (number, purse, asset, body) VALUES (?, ?, ?, ?)",
            [
                (number, moved.purse, moved.asset, _encode(moved))
                for number, moved in batch.transactions
            ],
        )
        put("INSERT INTO steps (order_id, seq) VALUES (?, ?)", batch.steps)
        put(
            "INSERT OR REPLACE INTO fee_days (purse, day, asset, body) VALUES (?, ?, ?, ?)",
            [(*key, _encode(day)) for key, day in batch.fee_days.items()],
        )
        put(
            "INSERT OR REPLACE INTO instruments (symbol, terms) VALUES (?, ?)",
            [(each.symbol, CODEC.encode(each)) for each in batch.instruments],
        )


class ViewsReader:
    """The reading end: a connection that cannot write, safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Open views that a writer has made. Raises: apsw.Error."""
        self._lock = threading.Lock()
        self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        narrow_to_rows(self._connection)

    def as_of_seq(self) -> int:
        """Up to which row history has been projected."""
        with self._lock:
            return _as_of_seq(self._connection)

    def list_orders(
        self,
        purse: Purse,
        *,
        symbol: Symbol | None = None,
        before: int | None = None,
        limit: int,
        wanted: Wanted = EVERYTHING,
    ) -> Page[Order]:
        """Orders of a purse, open and ended, newest first; ``before`` is an order's id."""
        return self._page(_NEWEST_ORDERS, purse, symbol, before, limit, wanted)

    def list_fills(
        self,
        purse: Purse,
        *,
        symbol: Symbol | None = None,
        before: int | None = None,
        limit: int,
        wanted: Wanted = EVERYTHING,
    ) -> Page[Fill]:
        """Fills of a purse, newest first; ``before`` is what the last page said."""
        return self._page(_NEWEST_FILLS, purse, symbol, before, limit, wanted)

    def list_transactions(
        self, purse: Purse, *, asset: AssetName | None = None, before: int | None = None, limit: int
    ) -> Page[Transaction]:
        """Movements of a purse's money, newest first; ``before`` is what the last page said.

        Those of a trade are told from its fill, where they are up to three.
        """
        assert limit >= 1
        before = KEY_MAX if before is None else before
        # Of the newest number perhaps nothing is left, and one more tells whether there is more.
        number = (before - 1) // _PARTS + 1
        with self._lock, self._connection:
            found = [
                *self._fill_transactions(purse, asset, number, limit + 2),
                *self._other_transactions(purse, asset, number, limit + 2),
            ]
            as_of_seq = _as_of_seq(self._connection)
        newest_first = sorted((each for each in found if each[0] < before), reverse=True, key=_KEY)
        page = newest_first[:limit]
        return Page(
            items=tuple(each for _, each in page),
            next_before=page[-1][0] if len(newest_first) > limit else None,
            as_of_seq=as_of_seq,
        )

    def find_order(self, purse: Purse, order_id: OrderId) -> Order | None:
        """An order of a purse; None when the history has no such order."""
        with self._lock:
            for (body,) in self._connection.execute(
                "SELECT body FROM orders WHERE order_id = ? AND purse = ?", (order_id, purse)
            ):
                order: Order = _decode(body)
                return order
        return None

    def fills_of(self, order_id: OrderId) -> tuple[Fill, ...]:
        """Everything an order traded, oldest first."""
        with self._lock:
            found = self._connection.execute(
                "SELECT body FROM fills WHERE order_id = ? ORDER BY number", (order_id,)
            )
            return tuple(_decode(body) for (body,) in found)

    def rows_of(self, order_id: OrderId) -> list[int]:
        """Sequences of the rows that changed an order, but for the one that ended it; in order."""
        seqs = {accepted_seq(order_id): None}
        seqs.update((fill.seq, None) for fill in self.fills_of(order_id))
        with self._lock:
            seqs.update(
                self._connection.execute(
                    "SELECT seq, NULL FROM steps WHERE order_id = ?", (order_id,)
                )
            )
        return sorted(seqs)

    def fee_days(self, purse: Purse, first_day: int, last_day: int) -> tuple[FeeDay, ...]:
        """What a purse was charged on these UTC days (since 1970), both included, by asset."""
        with self._lock:
            found = self._connection.execute(
                "SELECT body FROM fee_days WHERE purse = ? AND day BETWEEN ? AND ? "
                "ORDER BY day, asset",
                (purse, first_day, last_day),
            )
            return tuple(_decode(body) for (body,) in found)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._connection.close()

    def _fill_transactions(
        self, purse: Purse, asset: AssetName | None, before: int, limit: int
    ) -> Iterator[tuple[int, Transaction]]:
        """The movements of a purse's trades in an asset, with their keys."""
        instruments = _instruments(self._connection)
        symbols = [
            symbol
            for symbol, terms in instruments.items()
            if asset is None or asset in (terms.base, terms.quote)
        ]
        for number, fill in self._newest(_NEWEST_FILLS, purse, symbols, before, limit):
            for part, moved in enumerate(fill_transactions(fill, instruments[fill.symbol])):
                if asset is None or moved.asset == asset:
                    yield number * _PARTS + part, moved

    def _other_transactions(
        self, purse: Purse, asset: AssetName | None, before: int, limit: int
    ) -> Iterator[tuple[int, Transaction]]:
        """The movements that are no trades, with their keys."""
        for number, body in self._connection.execute(
            "SELECT number, body FROM transactions WHERE purse = :purse AND number < :before "
            "AND (:asset IS NULL OR asset = :asset) ORDER BY number DESC LIMIT :limit",
            {"purse": purse, "asset": asset, "before": before, "limit": limit},
        ):
            yield number * _PARTS, _decode(body)

    def _page(
        self,
        sql: str,
        purse: Purse,
        symbol: Symbol | None,
        before: int | None,
        limit: int,
        wanted: Wanted,
    ) -> Page[Any]:
        assert limit >= 1
        before = KEY_MAX if before is None else before
        scanned = limit if wanted is EVERYTHING else max(limit, SCANNED_MAX)
        found: list[Any] = []
        with self._lock, self._connection:  # one moment for the page and its sequence
            symbols = _instruments(self._connection) if symbol is None else (symbol,)
            if wanted.to_ns is not None:
                before = min(before, self._first_key_at(sql, purse, symbols, wanted.to_ns))
            next_before: int | None = None
            last_key = before
            for number, (key, item) in enumerate(
                self._newest(sql, purse, symbols, before, scanned + 1)
            ):
                if wanted.is_too_old(item):
                    next_before = None
                    break
                if len(found) == limit or number == scanned:
                    # There is one more, wanted or not.
                    next_before = last_key
                    break
                last_key = key
                if wanted.takes(item):
                    found.append(item)
            as_of_seq = _as_of_seq(self._connection)
        return Page(items=tuple(found), next_before=next_before, as_of_seq=as_of_seq)

    def _first_key_at(self, sql: str, purse: Purse, symbols: Collection[Symbol], at_ns: int) -> int:
        """The oldest key that is not older than a time; keys grow with time."""
        low, high = 0, KEY_MAX
        while low < high:
            middle = (low + high) // 2
            newest = next(self._newest(sql, purse, symbols, middle + 1, 1), None)
            if newest is not None and _at_ns(newest[1]) >= at_ns:
                high = newest[0]
            else:
                low = middle + 1
        return high

    def _newest(
        self, sql: str, purse: Purse, symbols: Collection[Symbol], before: int, limit: int
    ) -> Iterator[tuple[int, Any]]:
        bound = {
            "purse": purse,
            "symbols": json.dumps(list(symbols)),
            "before": before,
            "limit": limit,
        }
        for key, body in self._connection.execute(sql, bound):
            yield key, _decode(body)


@attrs.define
class _Batch:
    """What some rows add to history. Fills and transactions share ``numbers``."""

    numbers: int
    orders: dict[OrderId, Order] = attrs.field(factory=dict)
    fills: list[tuple[int, Fill]] = attrs.field(factory=list)
    transactions: list[tuple[int, Transaction]] = attrs.field(factory=list)
    steps: dict[tuple[OrderId, int], None] = attrs.field(factory=dict)
    instruments: list[Instrument] = attrs.field(factory=list)
    fee_days: dict[tuple[Purse, int, AssetName], FeeDay] = attrs.field(factory=dict)

    def next_number(self) -> int:
        """The next number, which nothing else has."""
        self.numbers += 1
        return self.numbers


def _newest_sql(table: str, key: str) -> str:
    """The newest rows of a purse in some markets: of each the newest, and of those the newest."""
    return (
        # The names are this module's own; what callers give is bound.
        f"SELECT {key}, body FROM json_each(:symbols) AS market CROSS JOIN {table} ON {key} IN ("  # noqa: S608
        f"SELECT {key} FROM {table} WHERE purse = :purse AND symbol = market.value "
        f"AND {key} < :before ORDER BY {key} DESC LIMIT :limit"
        f") ORDER BY {key} DESC LIMIT :limit"
    )


_NEWEST_ORDERS: Final = _newest_sql("orders", "order_id")
_NEWEST_FILLS: Final = _newest_sql("fills", "number")

_PARTS: Final = 4
"""A transaction's key is this many times its number, and the place among those of its fill."""

_KEY: Final = itemgetter(0)

_ITEMS: Final = Codec(PACKED, {})
_encode: Final = _ITEMS.encode
_decode: Final = _ITEMS.decode


def _configure(connection: apsw.Connection, house_id: bytes) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.execute("PRAGMA journal_mode = WAL")
    # What a power cut takes away is projected again.
    connection.execute("PRAGMA synchronous = NORMAL")
    if not connection.table_exists(None, "progress"):
        with connection:
            for statement in SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO progress VALUES (?, ?, 0)", (house_id, SHAPE))


def _is_usable(connection: apsw.Connection, house_id: bytes, last_seq: int) -> bool:
    ((found_house, shape, as_of_seq),) = connection.execute(
        "SELECT house_id, shape, as_of_seq FROM progress"
    )
    return bool(found_house == house_id and shape == SHAPE and as_of_seq <= last_seq)


def _as_of_seq(connection: apsw.Connection) -> int:
    ((as_of_seq,),) = connection.execute("SELECT as_of_seq FROM progress")
    return int(as_of_seq)


def _instruments(connection: apsw.Connection) -> dict[Symbol, Instrument]:
    return {
        Symbol(symbol): CODEC.decode(terms)
        for symbol, terms in connection.execute("SELECT symbol, terms FROM instruments")
    }
