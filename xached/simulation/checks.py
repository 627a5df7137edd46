"""What must hold after every step, whatever has happened; each check names itself when it fires.

They look at the live state, at what was published and at what people were told. What takes longer
is in audits.py.
"""

from __future__ import annotations

from collections import Counter

from xached.domain.instrument import AssetName
from xached.domain.ledger import AccountKind
from xached.domain.messages import Row, request_key
from xached.domain.order import MarketState, Order, Purse, Side
from xached.domain.state import State
from xached.runtime.topic import Lagged, Subscription
from xached.simulation.children import ROBOT
from xached.simulation.machine import Life, Machine, Violation
from xached.simulation.oracle import Oracle, PriorityBroken
from xached.simulation.people import TRACES, People, Person
from xached.simulation.protections import ProtectionBroken, Protections
from xached.simulation.robots import RobotOrders
from xached.storage.journal import Anchor

ZERO_SUM = "zero sum"
NO_NEGATIVE = "no negative"
HOLDS = "holds"
BOOK = "book"
PRIORITY = "priority"
PROTECTED = "protected"
ACKNOWLEDGED = "acknowledged"
PUBLISHED = "published"


class Checks:
    """The cheap checks, and what they remember: every row that anybody could know of."""

    def __init__(self, machine: Machine, people: People) -> None:
        self.rows: list[Row] = []
        """Row n is at n - 1."""
        self.oracle = Oracle()
        self._robot = RobotOrders(ROBOT)
        self._begun_seq = 0
        """The newest row when the daemon started."""
        self._protections = Protections()
        self._machine = machine
        self._people = people
        self._published: Subscription[Row] | None = None
        self._published_seq = 0
        self._anchor: Anchor | None = None
        """The newest row that was compared with the journal, and its chain value there."""
        self._looked_at: dict[str, int] = {}

    async def begin(self, life: Life) -> None:
        """A daemon has started: what was known must be in its journal. Raises: Violation."""
        await self._read_published()
        journal = life.house.files.journal
        if journal.last_seq < len(self.rows):
            raise Violation(
                ACKNOWLEDGED,
                f"the journal ends at {journal.last_seq}, {len(self.rows)} was published",
            )
        # Equal chain values mean that every row up to there is the same.
        if self._anchor is not None and journal.anchor_at(self._anchor.seq) != self._anchor:
            raise Violation(PUBLISHED, f"row {self._anchor.seq} or one before it is another now")
        for row in journal.read(self._anchor.seq + 1 if self._anchor is not None else 1):
            if row.seq > len(self.rows):
                self._take(row)
            elif row != self.rows[row.seq - 1]:
                raise Violation(PUBLISHED, f"{self.rows[row.seq - 1]} was published, not {row}")
        self._anchor = journal.last
        self._begun_seq = journal.last_seq
        self._published, self._published_seq = life.rows, 0

    def check_robot_minded(self) -> None:
        """No strategy has left orders open since the last daemon. Raises: Violation."""
        self._robot.check_minded(self._begun_seq)

    async def look(self) -> None:
        """Check everything. Raises: Violation."""
        await self._read_published()
        life = self._machine.life
        if life is None or life.world.frozen:
            return
        check_state(life.house.files.exchange.state)
        for person in (self._people.admin, *self._people.traders):
            self._check_answers(person)

    # --- rows ---------------------------------------------------------------------------------

    async def _read_published(self) -> None:
        """Take what was published since the last time."""
        while self._published is not None and self._published.buffered:
            for row in await self._published.receive_batch():
                assert not isinstance(row, Lagged), "there is room for all rows of a life"
                self._read_row(row)

    def _read_row(self, row: Row) -> None:
        """A published row is the next one, and the journal has the same."""
        if self._published_seq and row.seq != self._published_seq + 1:
            raise Violation(PUBLISHED, f"row {row.seq} came after {self._published_seq}")
        self._published_seq = row.seq
        if row.seq > len(self.rows) + 1:
            raise Violation(PUBLISHED, f"row {row.seq} came, {len(self.rows) + 1} is missing")
        if row.seq <= len(self.rows):
            if self.rows[row.seq - 1] != row:
                raise Violation(PUBLISHED, f"{row} is not {self.rows[row.seq - 1]}")
            return
        life = self._machine.life
        if life is not None and not life.world.frozen and life.rows is self._published:
            journal = life.house.files.journal
            # A daemon that is ending has closed it; the next one's is compared as it begins.
            if not journal.closed:
                if row.seq > journal.last_seq or journal.row(row.seq) != row:
                    raise Violation(PUBLISHED, f"{row} is not in the journal")
                self._anchor = journal.anchor_at(row.seq)
        self._take(row)

    def _take(self, row: Row) -> None:
        self.rows.append(row)
        assert row.seq == len(self.rows)
        try:
            self.oracle.feed(row)
        except PriorityBroken as broken:
            raise Violation(PRIORITY, str(broken)) from None
        try:
            self._protections.feed(row)
        except ProtectionBroken as broken:
            raise Violation(PROTECTED, str(broken)) from None
        self._robot.feed(row)

    # --- answers --------------------------------------------------------------------------------

    def _check_answers(self, person: Person) -> None:
        """What somebody was told is in the row that the answer names."""
        first = self._looked_at.get(person.email, 0)
        for told in person.acknowledged[first:]:
            wanted = TRACES[told.path](told.body, told.answer)
            assert wanted is not None
            if not 0 < wanted.seq <= len(self.rows):
                raise Violation(ACKNOWLEDGED, f"{wanted} was answered, and there is no such row")
            key = request_key(self.rows[wanted.seq - 1].command)
            if key is None or key[1] != wanted.id:
                raise Violation(ACKNOWLEDGED, f"{wanted} was answered, its row is about {key}")
        self._looked_at[person.email] = len(person.acknowledged)


def check_state(state: State) -> None:
    """Check money and books of a live state. Raises: Violation."""
    _check_money(state)
    _check_holds(state)
    _check_books(state)


def _check_money(state: State) -> None:
    sums: dict[AssetName, int] = dict.fromkeys(state.assets, 0)
    for account in state.ledger.accounts():
        sums[account.asset] += account.units
        if account.units < 0 and account.kind is not AccountKind.EXTERNAL:
            raise Violation(NO_NEGATIVE, f"{account.kind.name} of {account.purse}: {account.units}")
    for asset, total in sums.items():
        if total:
            raise Violation(ZERO_SUM, f"the accounts of {asset} sum to {total}")


def _check_holds(state: State) -> None:
    """What is held in a purse is what its open orders hold."""
    wanted: Counter[tuple[Purse, AssetName]] = Counter()
    for order in state.orders.values():
        if order.held_units < 0:
            raise Violation(HOLDS, f"{order} holds less than nothing")
        instrument = state.markets[order.symbol].instrument
        asset = instrument.quote if order.side is Side.BUY else instrument.base
        wanted[order.purse, asset] += order.held_units
    for account in state.ledger.accounts():
        if account.kind is AccountKind.HELD:
            units = wanted.pop((account.purse, account.asset), 0)
            if account.units != units:
                raise Violation(
                    HOLDS, f"{account.purse} holds {account.units}, its orders need {units}"
                )
    if +wanted:
        raise Violation(HOLDS, f"nothing is held for {dict(+wanted)}")


def _shows(order: Order, lots: int) -> bool:
    """Whether the book may show so much of an order: all it has left, of an iceberg a slice."""
    if order.display_lots is None:
        return lots == order.leaves_lots
    return 0 < lots <= min(order.display_lots, order.leaves_lots)


def _check_books(state: State) -> None:
    """Books are sorted and hold nothing but open orders with their leaves.

    They are not crossed where orders are matched; what gathers for an auction crosses.
    """
    for symbol, market in state.markets.items():
        best: dict[Side, int] = {}
        for side, sign in ((Side.BUY, -1), (Side.SELL, 1)):
            before: int | None = None
            for order_id, price_ticks, lots in market.book.queue(side):
                order = state.orders.get(order_id)
                if order is None or order.price_ticks != price_ticks or not _shows(order, lots):
                    raise Violation(BOOK, f"{symbol} shows {order_id}, which is {order}")
                if before is not None and sign * price_ticks < before:
                    raise Violation(BOOK, f"{symbol} {side.name} is not sorted at {price_ticks}")
                before = sign * price_ticks
                best.setdefault(side, price_ticks)
        matching = market.state in (MarketState.TRADING, MarketState.POST_ONLY)
        if matching and len(best) == 2 and best[Side.BUY] >= best[Side.SELL]:
            raise Violation(BOOK, f"{symbol} is crossed: {best}")
