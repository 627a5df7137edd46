"""The one writer of money: batch, decide, apply, journal, answer, publish.

Theory of operation. A drained batch of commands is decided and applied in order of arrival,
written in one transaction with one fsync, and only then answered and published: nobody ever sees
what is not on disk. What is due by the clock goes first. A repeated id is answered from its
journal row, byte for byte as the first time. A journal that fails stops the daemon before any
answer; what was applied in memory dies with the process, and recovery starts from the disk.
"""

from __future__ import annotations

import contextlib
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

import attrs
import outcome
import trio

from xached.domain.disconnect_messages import ArmDisconnect, Disconnect
from xached.domain.exchange import Exchange
from xached.domain.instrument import Directory
from xached.domain.market_messages import InstrumentChanged
from xached.domain.messages import (
    AdvanceClock,
    AssetListed,
    CancelAll,
    CancelOrder,
    Command,
    Event,
    InstrumentListed,
    PlaceOrder,
    Row,
    SetRiskState,
    further_keys,
    request_key,
)
from xached.domain.own_market import OwnMarketSnapshot
from xached.domain.portfolio import HoldingsQuery
from xached.domain.preview import PreviewQuery
from xached.domain.protection_messages import CancelAllAfter, Flatten
from xached.domain.queries import (
    ClosableQuery,
    DisclosuresQuery,
    FeesQuery,
    FeeTiersQuery,
    IndicativeQuery,
    LevelQuery,
    OwnMarketQuery,
    PurseQuery,
    PursesQuery,
    Query,
    RiskQuery,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_watch import ExposureQuery
from xached.domain.state import State
from xached.runtime.mailbox import Closed, Envelope, Mailbox
from xached.runtime.topic import Topic
from xached.runtime.world import Lane

ROWS_MAX = 512
"""Rows of one transaction; past it the rest of the batch waits for the next fsync."""

MESSAGES_MAX = 128
STEPS_MAX = 1_000
"""Internal steps of one row; what is left goes on in a row of its own, before anything else."""

RECENT_IDS_MAX = 100_000
"""Ids remembered in memory; older ones are looked up in the journal's index."""

URGENT = (
    CancelOrder | CancelAll | CancelAllAfter | Flatten | ArmDisconnect | Disconnect | SetRiskState
)
"""What has room in the mailbox when new work has none: it takes risk away."""

USUAL = PlaceOrder | CancelOrder
"""What most messages are, asked for first: see Exchange.apply for what the others cost."""

COMMITS_KEPT = 64
"""Of so many transactions it is known when they were done: whoever waits for one asks at once."""

Answer = TypeVar("Answer")
Key: TypeAlias = tuple[str, str]
CommandOutcome: TypeAlias = outcome.Outcome[Row]


@attrs.frozen
class Batch:
    """Many commands in one message. Each is decided on its own; the batch is not atomic."""

    commands: tuple[Command, ...]


@attrs.frozen
class Directed:
    """A command of an administrator, whose account is written beside it."""

    command: Command
    by: str


@attrs.frozen
class FindRequest:
    """Which row used up this id? Answered with the row or None."""

    scope: str
    request_id: str


@attrs.frozen
class ReadRows:
    """Which rows are on disk from ``first`` to ``last``? Answered with as many as fit."""

    first: int
    last: int


AnyQuery: TypeAlias = (
    ClosableQuery
    | DisclosuresQuery
    | LevelQuery
    | PurseQuery
    | PursesQuery
    | OwnMarketQuery
    | ExposureQuery
    | RiskQuery
    | PreviewQuery
    | HoldingsQuery
    | FeesQuery
    | FeeTiersQuery
    | IndicativeQuery
)
"""Every query there is."""

Request: TypeAlias = Command | Batch | Directed | FindRequest | ReadRows | AnyQuery


class Journal(Protocol):
    """Where rows go, and where ids are looked up."""

    @property
    def last_seq(self) -> int:
        """Sequence of the newest row."""
        ...

    @property
    def last_at_ns(self) -> int:
        """Time of the newest row."""
        ...

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows durably in one transaction. Raises: when they may not be on disk."""
        ...

    def find_ids(self, keys: Iterable[Key]) -> Mapping[Key, tuple[int, bytes]]:
        """Which of these ids are used up, by which row, and the MAC of its command."""
        ...

    def request_mac(self, command: Command) -> bytes:
        """What tells equal requests from others."""
        ...

    def read(self, first: int, last: int) -> Iterator[Row]:
        """Read rows, both ends included."""
        ...

    def row(self, seq: int) -> Row | None:
        """Read one row; None when there is no such one."""
        ...


class Counterparty(Protocol):
    """Who acts before and after every command, in the same transaction: a simulated venue.

    What it says is carried out one by one as it says it; what is refused of it is passed over.
    """

    def admit(self, command: Command) -> Command:
        """The command as this exchange takes it. Raises: Rejection."""
        ...

    def before(self, command: Command, state: State, at_ns: int) -> Iterator[Command]:
        """What goes before a command."""
        ...

    def after(self, state: State) -> Iterator[Command]:
        """What goes after a command, whether it was refused or not."""
        ...

    def read(self, query: Query[Any], state: State, seq: int) -> Any:
        """Answer a question in its place. Changes nothing. Raises: Rejection."""
        ...

    def note(self, events: tuple[Event, ...], state: State) -> None:
        """See what was applied."""
        ...


@attrs.frozen(kw_only=True)
class Commit:
    """When the rows of one transaction were on disk, and when they had been published."""

    first_seq: int
    last_seq: int
    durable_ns: int
    published_ns: int


class Matching:
    """The address of the exchange: what other tasks may ask of it."""

    def __init__(self, capacity: int) -> None:
        self.mailbox: Mailbox[Request, Any] = Mailbox(capacity)
        self.commits: deque[Commit] = deque(maxlen=COMMITS_KEPT)
        """The newest transactions, oldest first; written by the actor."""

    def commit_of(self, seq: int) -> Commit | None:
        """The transaction of a row; None when it is not one of the newest."""
        for commit in reversed(self.commits):
            if commit.first_seq <= seq <= commit.last_seq:
                return commit
        return None

    async def execute(
        self, command: Command, *, account: str = "", deadline: float = math.inf
    ) -> Row:
        """Carry out one command and return its row, which is on disk.

        A command that changes nothing gives a row without events that is not journaled.
        Raises: Rejection, Overloaded, Expired.
        """
        urgent = isinstance(command, URGENT)
        row: Row = await self.mailbox.ask(
            command, account=account, urgent=urgent, deadline=deadline
        )
        return row

    async def direct(self, command: Command, by: str, *, deadline: float = math.inf) -> Row:
        """Carry out what an administrator asks for, who has the last room; see :meth:`execute`."""
        row: Row = await self.mailbox.ask(Directed(command, by), urgent=True, deadline=deadline)
        return row

    async def execute_batch(
        self, commands: tuple[Command, ...], *, account: str, deadline: float = math.inf
    ) -> list[CommandOutcome]:
        """Carry out commands in order; each has its own outcome. Raises: Overloaded, Expired."""
        outcomes: list[CommandOutcome] = await self.mailbox.ask(
            Batch(commands), account=account, deadline=deadline
        )
        return outcomes

    def post(
        self,
        command: Command,
        answer: Callable[[CommandOutcome], None],
        *,
        account: str,
        deadline: float = math.inf,
    ) -> None:
        """Carry out one command and call back, in order of posting. Raises: Overloaded."""
        urgent = isinstance(command, URGENT)
        self.mailbox.post_nowait(command, answer, account=account, urgent=urgent, deadline=deadline)

    async def query(self, query: Query[Answer], *, account: str = "") -> Answer:
        """Ask about current state. Raises: Rejection, Overloaded."""
        assert isinstance(query, AnyQuery)
        answer: Answer = await self.mailbox.ask(query, account=account)
        return answer

    async def find_request(self, scope: str, request_id: str, *, account: str = "") -> Row | None:
        """The row that used up an id, None when it was never used. Raises: Overloaded."""
        row: Row | None = await self.mailbox.ask(FindRequest(scope, request_id), account=account)
        return row

    async def rows(self, first: int, last: int) -> list[Row]:
        """Rows that are on disk, at most :data:`ROWS_MAX` of them. Raises: Overloaded."""
        rows: list[Row] = await self.mailbox.ask(ReadRows(first, last))
        return rows

    async def own_market(self) -> OwnMarketSnapshot:
        """The public side of the exchange as it is on disk. Raises: Overloaded."""
        return await self.query(OwnMarketQuery())


@attrs.frozen(kw_only=True)
class MatchingStatistics:
    """What the exchange has done since the start."""

    rows: int
    batches: int
    refused: int
    repeated: int


class MatchingActor:
    """Owns the exchange and its journal."""

    def __init__(
        self,
        address: Matching,
        exchange: Exchange,
        journal: Journal,
        lane: Lane,
        feed: Topic[Row],
        directory: Directory,
        now_ns: Callable[[], int],
        *,
        messages_max: int = MESSAGES_MAX,
        counterparty: Counterparty | None = None,
    ) -> None:
        self._counterparty = counterparty
        self._inbox = address.mailbox
        self._commits = address.commits
        self._exchange = exchange
        self._journal = journal
        self._lane = lane
        self._feed = feed
        self._directory = directory
        self._now_ns = now_ns
        self._messages_max = messages_max
        self._seq = journal.last_seq
        self._at_ns = journal.last_at_ns
        self._rows: list[Row] = []
        self._answers: list[Callable[[], None]] = []
        self._batch: list[Envelope[Request, Any]] = []
        self._pending_ids: dict[Key, Row] = {}
        self._recent_ids: OrderedDict[Key, int] = OrderedDict()
        self._batches = self._refused = self._repeated = self._row_count = 0

    async def run(self) -> None:
        """Serve until the mailbox is closed. Vital: any error but a Rejection stops the daemon.

        However it ends, nobody is left waiting: what is still queued is answered with Closed.
        """
        try:
            while True:
                await self._serve_batch()
        except Closed:
            return
        finally:
            self._inbox.close()

    async def _serve_batch(self) -> None:
        """Take what has come, or what the clock made due, from decision to answer."""
        batch = self._batch = []
        with trio.move_on_after(self._wait_s()):
            batch = self._batch = await self._inbox.receive_batch(self._messages_max)
        self._run_due(self._next_ns())
        used = self._used_ids(batch)
        for envelope in batch:
            self._take(envelope, used)
            if len(self._rows) >= ROWS_MAX:
                await self._commit()
        await self._commit()

    def abandon(self) -> None:
        """Answer with Closed who was not answered when it failed: what became of it, nobody knows.

        For an exchange that the daemon outlives; else its end tells everybody.
        """
        for envelope in self._batch:
            if not envelope.answered:
                envelope.answer(outcome.Error(Closed()))

    def statistics(self) -> MatchingStatistics:
        """Tell what was done since the start."""
        return MatchingStatistics(
            rows=self._row_count,
            batches=self._batches,
            refused=self._refused,
            repeated=self._repeated,
        )

    def _wait_s(self) -> float:
        deadline_ns = self._exchange.next_deadline_ns()
        if deadline_ns is None:
            return math.inf
        return max(0, deadline_ns - self._now_ns()) / 1e9

    def _next_ns(self) -> int:
        """The time of the next row: never the same twice, never backwards."""
        return max(self._now_ns(), self._at_ns + 1)

    # --- one message ------------------------------------------------------------------------

    def _take(self, envelope: Envelope[Request, Any], used: Mapping[Key, int]) -> None:
        message = envelope.message
        if isinstance(message, USUAL):
            done = self._execute(message, used)
            self._answers.append(lambda: envelope.answer(done))
            return
        match message:
            case Batch():
                outcomes = [self._execute(command, used) for command in message.commands]
                self._answers.append(lambda: envelope.answer(outcome.Value(outcomes)))
            case Directed():
                directed = self._execute(message.command, used, message.by)
                self._answers.append(lambda: envelope.answer(directed))
            case ReadRows():
                self._answers.append(lambda: self._answer_rows(envelope, message))
            case FindRequest():
                self._answers.append(lambda: self._answer_find(envelope, message))
            case _ if isinstance(message, AnyQuery):
                self._answers.append(lambda: self._answer_query(envelope, message))
            case _:
                result = self._execute(message, used)
                self._answers.append(lambda: envelope.answer(result))

    def _execute(self, command: Command, used: Mapping[Key, int], by: str = "") -> CommandOutcome:
        try:
            if self._counterparty is not None:
                command = self._counterparty.admit(command)
            key = request_key(command)
            further = further_keys(command)
            if key is not None and (known := self._known_row(key, command, used)) is not None:
                self._repeated += 1
                return outcome.Value(known)
            for each in further:
                if (known := self._known_row(each, command, used)) is not None:
                    self._repeated += 1
                    return outcome.Value(known)
            at_ns = self._next_ns()
            self._run_due(at_ns)
            row = self._meet(command, max(at_ns, self._at_ns + 1), by)
        except Rejection as rejection:
            self._refused += 1
            return outcome.Error(rejection)
        if key is not None and row.events:
            self._pending_ids[key] = row
        for each in further:
            self._pending_ids[each] = row
        return outcome.Value(row)

    def _meet(self, command: Command, at_ns: int, by: str) -> Row:
        """Carry out a command between what its counterparty does before it and after it."""
        counterparty, state = self._counterparty, self._exchange.state
        if counterparty is None:
            return self._step(command, at_ns, by)
        self._carry_out(counterparty.before(command, state, at_ns))
        try:
            row = self._step(command, self._next_ns(), by)
        except Rejection:
            self._carry_out(counterparty.after(state))
            raise
        self._carry_out(counterparty.after(state))
        return row

    def _carry_out(self, commands: Iterator[Command]) -> None:
        for command in commands:
            with contextlib.suppress(Rejection):
                self._step(command, self._next_ns())

    def _step(self, command: Command, at_ns: int, by: str = "") -> Row:
        """Decide and apply one command with everything that becomes due by it."""
        seq = self._seq + 1
        exchange = self._exchange
        events: list[Event] = list(exchange.decide(command, seq, at_ns))
        if not events:
            return Row(seq=self._seq, at_ns=at_ns, command=command, events=())
        for event in events:
            exchange.apply(event, seq, at_ns)
        for _ in range(STEPS_MAX):
            due = exchange.next_due()
            if due is None:
                break
            for event in exchange.decide(due, seq, at_ns):
                exchange.apply(event, seq, at_ns)
                events.append(event)
        row = Row(seq, at_ns, command, tuple(events), by)
        self._seq, self._at_ns = seq, at_ns
        self._rows.append(row)
        if self._counterparty is not None:
            self._counterparty.note(row.events, exchange.state)
        return row

    def _run_due(self, at_ns: int) -> None:
        """What the clock made due goes before any command from outside.

        What a row left undone is due at that row's time, which may be ahead of the clock.
        """
        while self._exchange.has_due(max(at_ns, self._at_ns)):
            self._step(AdvanceClock(), max(at_ns, self._at_ns + 1))

    # --- ids --------------------------------------------------------------------------------

    def _used_ids(self, batch: list[Envelope[Request, Any]]) -> Mapping[Key, int]:
        """Which ids of a batch were used up before it, and by which rows; at most one SELECT.

        Remembered ones too: they may be forgotten while the batch is written in parts.
        """
        used: dict[Key, int] = {}
        unknown: list[Key] = []
        for envelope in batch:
            message = envelope.message
            match message:
                case Batch():
                    commands = message.commands
                case PlaceOrder() | CancelOrder():
                    commands = (message,)
                case Directed():
                    commands = (message.command,)
                case FindRequest() | ReadRows():
                    commands = ()
                case _ if isinstance(message, AnyQuery):
                    commands = ()
                case _:
                    commands = (message,)
            for command in commands:
                for key in (request_key(command), *further_keys(command)):
                    if key is None:
                        continue
                    seq = self._recent_ids.get(key)
                    if seq is None:
                        unknown.append(key)
                    else:
                        used[key] = seq
        if unknown:
            found = self._journal.find_ids(unknown)
            used.update((key, seq) for key, (seq, _) in found.items())
        return used

    def _known_row(self, key: Key, command: Command, used: Mapping[Key, int]) -> Row | None:
        """The row that used up this id. Raises: Rejection ID_REUSED for other content."""
        row = self._pending_ids.get(key)
        if row is None:
            seq = used.get(key) or self._recent_ids.get(key)
            if seq is None:
                return None
            row = self._journal.row(seq)
            assert row is not None
        if self._journal.request_mac(row.command) != self._journal.request_mac(command):
            raise Rejection(
                Reason.ID_REUSED,
                "this id was used up by a request with other content",
                field="id",
                given=key[1],
                allowed="a new id, or the same request again",
            )
        return row

    # --- after the disk ---------------------------------------------------------------------

    async def _commit(self) -> None:
        """Write, then list, answer and publish. On an error nobody is answered."""
        rows = self._rows
        durable_ns = 0
        if rows:
            self._rows = []
            await self._lane.run(self._journal.append, rows)
            durable_ns = self._now_ns()
            self._remember_ids()
            self._list(rows)
        answers, self._answers = self._answers, []
        for answer in answers:
            answer()
        self._feed.publish(rows)
        if rows:
            # Those who were answered run after this task has come to its next checkpoint.
            self._commits.append(
                Commit(
                    first_seq=rows[0].seq,
                    last_seq=rows[-1].seq,
                    durable_ns=durable_ns,
                    published_ns=self._now_ns(),
                )
            )
        self._batches += 1
        self._row_count += len(rows)

    def _remember_ids(self) -> None:
        recent = self._recent_ids
        for key, row in self._pending_ids.items():
            recent[key] = row.seq
        self._pending_ids.clear()
        while len(recent) > RECENT_IDS_MAX:
            recent.popitem(last=False)

    def _list(self, rows: list[Row]) -> None:
        for row in rows:
            for event in row.events:
                if isinstance(event, AssetListed):
                    self._directory.list_asset(event.asset)
                elif isinstance(event, InstrumentListed | InstrumentChanged):
                    self._directory.list_instrument(event.instrument)

    def _answer_query(self, envelope: Envelope[Request, Any], query: Query[Any]) -> None:
        try:
            state = self._exchange.state
            if self._counterparty is None:
                answer = query.read(state, self._seq)
            else:
                answer = self._counterparty.read(query, state, self._seq)
        except Rejection as rejection:
            envelope.answer(outcome.Error(rejection))
        else:
            envelope.answer(outcome.Value(answer))

    def _answer_find(self, envelope: Envelope[Request, Any], find: FindRequest) -> None:
        key = (find.scope, find.request_id)
        seq = self._recent_ids.get(key)
        if seq is None:
            found = self._journal.find_ids([key]).get(key)
            seq = found[0] if found is not None else None
        envelope.answer(outcome.Value(self._journal.row(seq) if seq is not None else None))

    def _answer_rows(self, envelope: Envelope[Request, Any], wanted: ReadRows) -> None:
        last = min(wanted.last, wanted.first + ROWS_MAX - 1)
        envelope.answer(outcome.Value(list(self._journal.read(wanted.first, last))))
