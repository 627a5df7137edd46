"""History: folded from events alone, the same however often it is made."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import apsw
import attrs
import pytest
from loguru import logger

from tests.storage.house import INSTRUMENT, KEY, PURSES, SAVINGS, SYMBOL, House, zero_entropy
from xached.domain.history import Fill
from xached.domain.instrument import AssetName, Symbol
from xached.domain.messages import (
    AdvanceClock,
    Deposited,
    InstrumentListed,
    OrderAccepted,
    Row,
    Traded,
)
from xached.domain.order import Order, OrderId, OrderStatus, Purse
from xached.domain.state import DAY_NS
from xached.domain.statement import Transaction, TransactionKind
from xached.storage.journal import Journal
from xached.storage.views import Views, ViewsReader

HOUSE_ID = bytes(16)
ROWS = 800
BATCH = 37


@attrs.define
class History:
    """A house and the views of it."""

    house: House
    rows: list[Row]
    path: Path
    reader: ViewsReader


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A house of 800 rows, projected in batches of 37."""
    path = tmp_path_factory.mktemp("views") / "views.db"
    house = House(22)
    rows = house.rows(ROWS)
    views = Views.open(path, HOUSE_ID, last_seq=ROWS)
    for first in range(0, ROWS, BATCH):
        views.project(rows[first : first + BATCH])
    views.close()
    reader = ViewsReader(path)
    yield History(house, rows, path, reader)
    reader.close()


def dump(path: Path) -> list[str]:
    """Everything a views file holds."""
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


def all_orders(reader: ViewsReader, purse: Purse) -> list[Order]:
    orders: list[Order] = []
    before: int | None = None
    while True:
        page = reader.list_orders(purse, before=before, limit=7)
        orders += page.items
        before = page.next_before
        if before is None:
            return orders


def same(one: Order, other: Order) -> bool:
    return attrs.asdict(one) == attrs.asdict(other)


# --- what can be read ------------------------------------------------------------------------


def test_open_orders_are_those_of_the_exchange(history: History) -> None:
    found = {
        order.order_id: order
        for purse in PURSES
        for order in all_orders(history.reader, purse)
        if order.status < OrderStatus.FILLED
    }
    expected = history.house.exchange.state.orders
    assert found.keys() == expected.keys()
    assert expected
    for order_id, order in expected.items():
        assert same(found[order_id], order)


def test_every_accepted_order_is_listed_once_newest_first(history: History) -> None:
    for purse in PURSES:
        accepted = [
            event.order_id
            for row in history.rows
            for event in row.events
            if isinstance(event, OrderAccepted) and event.purse == purse
        ]
        listed = [order.order_id for order in all_orders(history.reader, purse)]
        assert listed == accepted[::-1]


def test_fills_are_both_sides_of_every_trade(history: History) -> None:
    trades = [
        (row, event) for row in history.rows for event in row.events if isinstance(event, Traded)
    ]
    fills: dict[OrderId, list[Fill]] = defaultdict(list)
    for purse in PURSES:
        for fill in history.reader.list_fills(purse, symbol=SYMBOL, limit=10_000).items:
            assert fill.purse == purse
            fills[fill.order_id].append(fill)
    assert sum(map(len, fills.values())) == 2 * len(trades)
    row, trade = trades[-1]
    (maker,) = [fill for fill in fills[trade.maker_order_id] if fill.seq == row.seq]
    assert maker.is_maker
    assert maker.fee_units == trade.maker_fee_units
    assert maker.side is trade.taker_side.opposite
    assert maker.trade_id == f"{row.seq}-{trade.index}"
    for order_id, of_order in fills.items():
        assert history.reader.fills_of(order_id) == tuple(reversed(of_order))
        order = history.reader.find_order(of_order[0].purse, order_id)
        assert order is not None
        assert sum(fill.quantity_lots for fill in of_order) == order.executed_lots
        assert sum(fill.fee_units for fill in of_order) == order.fee_units


def test_a_statement_adds_up_to_the_balance(history: History) -> None:
    for purse in (*PURSES, SAVINGS):
        sums: dict[str, int] = defaultdict(int)
        for asset in ("BTC", "USDT"):
            page = history.reader.list_transactions(purse, asset=AssetName(asset), limit=10_000)
            sums[asset] = sum(each.amount_units for each in page.items)
        balances = history.house.exchange.state.ledger.balances(purse)
        assert sums == {asset: available + held for asset, available, held in balances}


def test_fees_add_up_day_by_day(history: History) -> None:
    state = history.house.exchange.state
    days = [day for purse in PURSES for day in history.reader.fee_days(purse, 0, 10**6)]
    assert sum(day.fee_units for day in days) == state.ledger.fees_units(INSTRUMENT.quote) > 0
    for purse in PURSES:
        mine = history.reader.fee_days(purse, 0, 10**6)
        fills = [
            fill
            for order in all_orders(history.reader, purse)
            for fill in history.reader.fills_of(order.order_id)
        ]
        as_maker = [fill for fill in fills if fill.is_maker]
        as_taker = [fill for fill in fills if not fill.is_maker]
        assert sum(day.maker_fee_units for day in mine) == sum(f.fee_units for f in as_maker)
        assert sum(day.taker_fee_units for day in mine) == sum(f.fee_units for f in as_taker)
        for notionals, sides in (
            ([day.maker_notional_units for day in mine], as_maker),
            ([day.taker_notional_units for day in mine], as_taker),
        ):
            assert sum(notionals) == sum(fill.notional_units for fill in sides)
        assert history.reader.fee_days(purse, 1, 10**6) == ()


def test_a_fee_day_is_a_day_in_utc(tmp_path: Path) -> None:
    """The last moment of a day and the first of the next are two lines."""
    house = House(3)
    rows = house.rows(60)
    moved = [attrs.evolve(row, at_ns=DAY_NS - 1 if row.seq < 40 else DAY_NS) for row in rows]
    views = Views.open(tmp_path / "views.db", bytes(16), 60)
    views.project(moved[:30])
    views.project(moved[30:])
    reader = ViewsReader(tmp_path / "views.db")
    found = [day.day for purse in PURSES for day in reader.fee_days(purse, 0, 1)]
    assert set(found) == {0, 1}
    assert len(found) <= 2 * len(PURSES)
    reader.close()
    views.close()


def test_pages_follow_each_other(history: History) -> None:
    whole = history.reader.list_transactions(PURSES[0], limit=10_000)
    assert whole.next_before is None
    assert whole.as_of_seq == ROWS
    paged: list[Transaction] = []
    before: int | None = None
    while True:
        page = history.reader.list_transactions(PURSES[0], before=before, limit=13)
        assert len(page.items) <= 13
        paged += page.items
        before = page.next_before
        if before is None:
            break
    assert tuple(paged) == whole.items
    assert whole.items[-1].kind is TransactionKind.DEPOSIT
    assert whole.items[-1].reference == "fund-ali-BTC"


def test_orders_are_found_by_their_purse_only(history: History) -> None:
    order = history.reader.list_orders(PURSES[0], limit=1).items[0]
    found = history.reader.find_order(PURSES[0], order.order_id)
    assert found is not None
    assert same(found, order)
    assert history.reader.find_order(PURSES[1], order.order_id) is None
    assert history.reader.find_order(PURSES[0], OrderId(1)) is None


def test_a_purse_trades_in_several_markets(history: History, tmp_path: Path) -> None:
    """Every market has an index of its own; a page of all of them is still newest first."""
    events = [event for row in history.rows for event in row.events]
    listed = next(event for event in events if isinstance(event, InstrumentListed))
    accepted = next(event for event in events if isinstance(event, OrderAccepted))
    symbols = [Symbol(name) for name in ("ONE-USDT", "TWO-USDT", "TEN-USDT")]
    row = Row(
        seq=1,
        at_ns=1,
        command=AdvanceClock(),
        events=(
            *(
                attrs.evolve(listed, instrument=attrs.evolve(listed.instrument, symbol=symbol))
                for symbol in symbols
            ),
            *(
                attrs.evolve(accepted, order_id=OrderId(number), symbol=symbols[number * 7 % 3])
                for number in range(1, 41)
            ),
        ),
    )
    views = Views.open(tmp_path / "views.db", HOUSE_ID, last_seq=1)
    views.project([row])
    reader = ViewsReader(tmp_path / "views.db")
    listed_ids = [order.order_id for order in all_orders(reader, accepted.purse)]
    assert listed_ids == list(range(40, 0, -1))
    only = reader.list_orders(accepted.purse, symbol=symbols[1], before=20, limit=3)
    assert [order.order_id for order in only.items] == [19, 16, 13]
    reader.close()
    views.close()


def test_amounts_beyond_sqlite_integers(tmp_path: Path) -> None:
    deposited = Deposited(
        purse=PURSES[0], asset=AssetName("USDT"), amount_units=10**30, reference="large"
    )
    row = Row(seq=1, at_ns=1, command=AdvanceClock(), events=(deposited,))
    views = Views.open(tmp_path / "views.db", HOUSE_ID, last_seq=1)
    views.project([row])
    reader = ViewsReader(tmp_path / "views.db")
    page = reader.list_transactions(PURSES[0], limit=1)
    assert page.items[0].amount_units == 10**30
    reader.close()
    views.close()


def test_a_reader_cannot_write(history: History) -> None:
    with pytest.raises(apsw.ReadOnlyError):
        history.reader._connection.execute("DELETE FROM orders")


# --- projecting ------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 5, ROWS])
def test_views_are_the_same_however_they_were_made(
    history: History, tmp_path: Path, batch: int
) -> None:
    path = tmp_path / "views.db"
    for first in range(0, ROWS, 200):  # reopened on the way
        views = Views.open(path, HOUSE_ID, last_seq=ROWS)
        for start in range(first, first + 200, batch):
            views.project(history.rows[start : min(start + batch, first + 200)])
        views.close()
    assert dump(path) == dump(history.path)


def test_rows_already_known_are_passed_over(history: History, tmp_path: Path) -> None:
    path = tmp_path / "views.db"
    views = Views.open(path, HOUSE_ID, last_seq=ROWS)
    views.project(history.rows[:500])
    views.project(history.rows[300:])
    views.project(history.rows[300:400])
    with pytest.raises(AssertionError, match="without gaps"):
        views.project([attrs.evolve(history.rows[-1], seq=ROWS + 2)])
    views.close()
    assert dump(path) == dump(history.path)


@pytest.fixture
def journal(history: History, tmp_path: Path) -> Iterator[Journal]:
    """A journal of the same rows."""
    journal = Journal.open(tmp_path / "journal.db", KEY, entropy=zero_entropy)
    journal.append(history.rows)
    yield journal
    journal.close()


def test_catching_up_from_the_journal(history: History, journal: Journal, tmp_path: Path) -> None:
    path = tmp_path / "views.db"
    views = Views.open(path, journal.house_id, journal.last_seq)
    views.project(history.rows[:123])
    assert views.catch_up(journal) == ROWS - 123
    assert views.catch_up(journal) == 0
    assert views.as_of_seq == ROWS
    views.close()
    assert dump(path) == dump(history.path)


DAMAGES = (
    "garbage",
    "flipped header",
    "other house",
    "another program",
    "older program",
    "ahead of the journal",
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_used_is_made_anew(
    history: History, journal: Journal, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "views.db"
    views = Views.open(path, journal.house_id, journal.last_seq)
    views.catch_up(journal)
    views.close()
    last_seq = journal.last_seq
    connection = sqlite3.connect(path)
    match damage:
        case "garbage":
            path.write_bytes(b"not a database at all" * 1_000)
        case "flipped header":
            path.write_bytes(b"X" + path.read_bytes()[1:])
        case "other house":
            connection.execute("UPDATE progress SET house_id = x'ff'")
        case "another program":
            connection.execute("UPDATE progress SET shape = 'of tomorrow'")
        case "older program":
            connection.execute("ALTER TABLE progress DROP COLUMN shape")
        case _:
            connection.execute("UPDATE progress SET as_of_seq = 9999")
    connection.commit()
    connection.close()
    logger.disable("xached.storage.views")
    views = Views.open(path, journal.house_id, last_seq)
    logger.enable("xached.storage.views")
    assert views.as_of_seq == 0
    views.catch_up(journal)
    views.close()
    assert dump(path) == dump(history.path)
