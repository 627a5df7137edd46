"""Paper in the simulation: what people do there, and what must hold of it.

The paper exchange may fail and come back while the daemon lives, so it is audited at moments when
it serves and rests. What was published or answered must be in its journal from then on, whatever
happens to it or to the daemon.
"""

from __future__ import annotations

from typing import Any, Final

import trio
from xache.v1 import account_pb2, trading_pb2, types_pb2, wallet_pb2

from xached.domain.exchange import Exchange
from xached.domain.instrument import is_paper
from xached.domain.messages import Row, Traded, request_key
from xached.domain.order import Purse, Side
from xached.domain.paper import PAPER_SUBACCOUNT, is_paper_purse
from xached.domain.paper_liquidity import VENUE
from xached.domain.state import State
from xached.runtime.topic import Lagged, Subscription
from xached.security.keys import Purpose, read_master_key
from xached.simulation.actions import action
from xached.simulation.calls import Answered
from xached.simulation.checks import ACKNOWLEDGED, PRIORITY, PUBLISHED, check_state
from xached.simulation.disk import DiskFiles, registered
from xached.simulation.machine import Life, Machine, Violation
from xached.simulation.oracle import Oracle, PriorityBroken
from xached.simulation.orders import order, place
from xached.simulation.people import TRACES, TRADING, WALLET, People, Person
from xached.simulation.venue import PRICE
from xached.storage.journal import Anchor, Journal, JournalDamaged
from xached.storage.snapshots import recover

PAPER: Final = "paper"
CHAIN: Final = "chain"
REPLAY: Final = "replay"
ACCOUNT: Final = "/xache.v1.AccountService/"
SYMBOL: Final = "BTC-USDT"
QUIET_S_MAX: Final = 2.0


# --- what people do -------------------------------------------------------------------------------


def _order(people: People, person: Person, **more: Any) -> trading_pb2.PlaceOrderRequest:
    """An order near the venue's price."""
    price = str(PRICE + people.draw.randrange(-30, 31))
    fields = {"symbol": SYMBOL, "subaccount": PAPER_SUBACCOUNT, "price": price, **more}
    return order(people, person, **fields)


@action(6)
async def place_on_paper(people: People, person: Person) -> None:
    """Play money first, whoever has it already gets nothing; then an order for it."""
    opening = account_pb2.OpenSubaccountRequest(subaccount=PAPER_SUBACCOUNT)
    if not isinstance(await people.ask(person, f"{ACCOUNT}OpenSubaccount", opening), Answered):
        return
    stop_price = str(PRICE + people.draw.randrange(-30, 31))
    terms: dict[str, Any] = people.draw.choice(
        (
            {},
            {},
            {"type": types_pb2.ORDER_TYPE_MARKET, "price": ""},
            {"time_in_force": types_pb2.TIME_IN_FORCE_FOK},
            {"post_only": True},
            {"type": types_pb2.ORDER_TYPE_STOP, "price": "", "stop_price": stop_price},
        )
    )
    await place(people, person, _order(people, person, **terms))


@action(2)
async def place_list_on_paper(people: People, person: Person) -> None:
    """A sale at a profit or at a loss, one of which will do."""
    legs = [
        _order(people, person, symbol="", side=types_pb2.SIDE_SELL, quantity="0.010")
        for _ in range(2)
    ]
    legs[0].price = str(PRICE + 20)
    legs[1].type, legs[1].price = types_pb2.ORDER_TYPE_STOP, ""
    legs[1].stop_price = str(PRICE - 20)
    request = trading_pb2.PlaceOrderListRequest(
        subaccount=PAPER_SUBACCOUNT,
        symbol=SYMBOL,
        kind=types_pb2.LIST_KIND_OCO,
        orders=legs,
        request_id=person.new_id(),
    )
    result = await people.ask(person, f"{TRADING}PlaceOrderList", request)
    if isinstance(result, Answered):
        person.orders.extend((PAPER_SUBACCOUNT, each.client_order_id) for each in legs)


@action(3)
async def look_at_paper(people: People, person: Person) -> None:
    """Work an order out, and see what one has."""
    preview = trading_pb2.PreviewOrderRequest(
        subaccount=PAPER_SUBACCOUNT, order=_order(people, person)
    )
    await people.ask(person, f"{TRADING}PreviewOrder", preview)
    portfolio = wallet_pb2.GetPortfolioRequest(subaccount=PAPER_SUBACCOUNT)
    await people.ask(person, f"{WALLET}GetPortfolio", portfolio)


# --- what must hold -------------------------------------------------------------------------------


class PaperChecks:
    """The checks of the paper exchange, and every row of it that was on the disk."""

    def __init__(self, machine: Machine, people: People) -> None:
        self.audits = 0
        """How often it was looked at closely."""
        self._machine = machine
        self._people = people
        self.rows: list[Row] = []
        """What was found on the disk; row n is at n - 1."""
        self._life: Life | None = None
        self._published: Subscription[Row] | None = None
        self._heard: dict[int, Row] = {}
        """What was published and not yet found on the disk."""
        self._anchor: Anchor | None = None
        self._replica, self._oracle = Exchange(), Oracle()
        self._answers_seen: dict[str, int] = {}

    @property
    def trades(self) -> int:
        """How many trades these have."""
        return sum(isinstance(event, Traded) for row in self.rows for event in row.events)

    async def begin(self, life: Life) -> None:
        """A daemon has started."""
        await self._read_published()
        self._life, self._published = life, await life.follow_paper()

    async def look(self) -> None:
        """Check what is cheap. Raises: Violation."""
        await self._read_published()
        life = self._machine.life
        if life is None or life.world.frozen:
            return
        _check_none_of_it(life.house.files.exchange.state)
        exchange = life.house.paper.exchange
        if exchange is not None:
            check_state(exchange.state)
            _check_nothing_else(exchange.state)

    async def audit(self, life: Life) -> None:
        """Compare disk, memory, what was told and what is known, if it comes to rest soon."""
        with trio.move_on_after(QUIET_S_MAX):
            while self._machine.life is life and not life.world.frozen:
                await self._read_published()
                if _rests(life):
                    self._audit(life)
                    return
                await trio.sleep(0.001)

    async def _read_published(self) -> None:
        while self._published is not None and self._published.buffered:
            for row in await self._published.receive_batch():
                if isinstance(row, Lagged):
                    await self._follow_anew()
                    return
                known = self.rows[row.seq - 1] if row.seq <= len(self.rows) else row
                if known != row or self._heard.get(row.seq, row) != row:
                    raise Violation(PUBLISHED, f"{row} was published, {known} before")
                if row.seq > len(self.rows):
                    self._heard[row.seq] = row

    async def _follow_anew(self) -> None:
        """The exchange was started again within a life, or a life is over."""
        life, self._published = self._life, None
        if life is not None and life is self._machine.life:
            self._published = await life.follow_paper()

    def _audit(self, life: Life) -> None:
        self.audits += 1
        paths, exchange = life.house.paths, life.house.paper.exchange
        assert exchange is not None
        key = read_master_key(paths.master_key).derive(Purpose.PAPER_CHAIN)
        seen = self._machine.disk.as_seen()
        with (
            registered(seen) as vfs,
            Journal.open_read_only(paths.paper, key, locking_mode="exclusive", vfs=vfs) as journal,
        ):
            report = journal.verify()
            if not report.ok:
                raise Violation(CHAIN, f"paper: {report.faults}")
            self._read_journal(journal)
            if self._replica.snapshot() != exchange.snapshot():
                raise Violation(REPLAY, "the rows give another state than the live one")
            try:
                recovered = recover(paths.paper_snapshots, key, journal, DiskFiles(seen, vfs))
            except JournalDamaged as damage:
                raise Violation(REPLAY, str(damage)) from None
            if recovered.exchange.snapshot() != exchange.snapshot():
                raise Violation(REPLAY, f"snapshot {recovered.from_seq} gives another state")
        for symbol, market in exchange.state.markets.items():
            for side in Side:
                if market.book.queue(side) != self._oracle.queue(symbol, side):
                    raise Violation(PRIORITY, f"{symbol} {side.name} is out of order")
        for person in self._people.traders:
            self._check_answers(person)

    def _read_journal(self, journal: Journal) -> None:
        """Take the rows that have come; all that was known must be there as it was."""
        if self._anchor is not None and journal.anchor_at(self._anchor.seq) != self._anchor:
            raise Violation(PUBLISHED, f"row {self._anchor.seq} or one before it is another now")
        for row in journal.read(len(self.rows) + 1):
            if self._heard.pop(row.seq, row) != row:
                raise Violation(PUBLISHED, f"{row} was published otherwise")
            self.rows.append(row)
            try:
                self._oracle.feed(row)
            except PriorityBroken as broken:
                raise Violation(PRIORITY, str(broken)) from None
            for event in row.events:
                self._replica.apply(event, row.seq, row.at_ns)
        if self._heard:
            raise Violation(PUBLISHED, f"rows {list(self._heard)} were published and are gone")
        self._anchor = journal.last

    def _check_answers(self, person: Person) -> None:
        first = self._answers_seen.get(person.email, 0)
        for told in person.paper[first:]:
            wanted = TRACES[told.path](told.body, told.answer)
            assert wanted is not None
            if not 0 < wanted.seq <= len(self.rows):
                raise Violation(ACKNOWLEDGED, f"{wanted} was answered, and there is no such row")
            key = request_key(self.rows[wanted.seq - 1].command)
            if key is None or key[1] != wanted.id:
                raise Violation(ACKNOWLEDGED, f"{wanted} was answered, its row is about {key}")
        self._answers_seen[person.email] = len(person.paper)


def _rests(life: Life) -> bool:
    """Whether paper serves, and everything it decided is in its journal."""
    paper = life.house.paper
    if paper.exchange is None or paper.journal is None:
        return False
    return paper.exchange.state.now_ns == paper.journal.last_at_ns


def _check_none_of_it(state: State) -> None:
    """The house has no play money and no paper purse. Raises: Violation."""
    for name in state.assets:
        if is_paper(name):
            raise Violation(PAPER, f"the house lists {name}")
    for purse in state.purses:
        if is_paper_purse(purse):
            raise Violation(PAPER, f"the house has {purse}")


def _check_nothing_else(state: State) -> None:
    """Paper has nothing but play money, paper purses and a venue without open orders."""
    for name in state.assets:
        if not is_paper(name):
            raise Violation(PAPER, f"paper lists {name}")
    for purse, known in state.purses.items():
        if purse == VENUE:
            if known.open_orders:
                raise Violation(PAPER, f"the venue's orders stay: {list(known.open_orders)}")
        elif not is_paper_purse(Purse(purse)):
            raise Violation(PAPER, f"paper has {purse}")
