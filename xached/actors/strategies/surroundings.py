"""What strategies are given: their configuration, and the rest of the house as they see it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Final, Protocol

import attrs
import outcome
from xache_sdk.seal import Layer

from xached.actors.strategies.house_models import NO_MODELS, Models
from xached.actors.strategies.keeping import KeepRun, keep_nothing
from xached.actors.strategies.signal_board import SignalBoard
from xached.actors.strategies.signal_telling import Signals
from xached.actors.strategies.standing import Impediments, not_impeded
from xached.adapters.child import child_command
from xached.domain.candles import Candle, Interval
from xached.domain.capabilities import UNBOUNDED, Capabilities, OrderCommand
from xached.domain.instrument import Asset, AssetName, Directory, Instrument, Symbol
from xached.domain.market import BookTop, Venue
from xached.domain.messages import Command, Row
from xached.domain.order import AccountId, OrderId, Purse, account_of
from xached.domain.paper import is_paper_purse
from xached.domain.plugins import Admission, Breach
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.domain.risk_bounds import RiskBounds
from xached.domain.tape import TapeStep
from xached.runtime.supervise import Health, Restart
from xached.runtime.topic import Topic
from xached.runtime.world import World
from xached.storage.order_reasons import OrderReason, StrategyRun
from xached.storage.strategy_states import SavedState


class Exchange(Protocol):
    """What a strategy's host asks of the exchange."""

    async def execute(self, command: Command, *, account: str = "") -> Row:
        """Carry out a command. Raises: Rejection, Overloaded, Closed."""
        ...

    def post(
        self, command: Command, answer: Callable[[outcome.Outcome[Row]], None], *, account: str
    ) -> None:
        """Carry out a command and call back, in order of posting. Raises: Overloaded, Closed."""
        ...

    async def query(self, query: PurseQuery, *, account: str = "") -> PurseSnapshot:
        """How a purse stands. Raises: Rejection, Overloaded, Closed."""
        ...


class Floor(Protocol):
    """Where a strategy trades: an exchange, and what it calls what a strategy knows."""

    @property
    def exchange(self) -> Exchange:
        """Carries out commands."""
        ...

    @property
    def rows(self) -> Topic[Row]:
        """What it has carried out."""
        ...

    @property
    def directory(self) -> Directory:
        """What it lists, under names of its own."""
        ...

    async def prepare(self, config: StrategyConfig, /) -> None:
        """Open the purse, put into it what is granted, and set what may be lost of it.

        May be repeated, also after a crash in between: what was granted is given once. Without a
        grant only purses of play money are opened. Waits until its markets can be traded.

        Raises: StrategyFailed, Rejection, Overloaded, Closed.
        """
        ...

    def traded_as(self, symbol: Symbol) -> Symbol:
        """The name that the exchange has for an instrument of the house. Raises: Rejection."""
        ...

    def translated(self, command: OrderCommand) -> OrderCommand:
        """A command with the names that the exchange has. Raises: Rejection."""
        ...

    def instrument(self, symbol: Symbol) -> Instrument:
        """The house's instrument behind a name of the exchange. Raises: Rejection."""
        ...

    def asset(self, name: AssetName) -> Asset:
        """The house's asset behind a name of the exchange. Raises: Rejection."""
        ...


class Markets(Protocol):
    """Market data as it happens. A reader that is slow gets less, the newest.

    Each iterator raises Rejection when there is no such market, and goes on until it is closed.
    """

    def trades(self, symbol: Symbol, venue: Venue) -> AsyncGenerator[TapeStep, None]:
        """Trades from now on."""
        ...

    def books(self, symbol: Symbol, venue: Venue, depth: int) -> AsyncGenerator[BookTop, None]:
        """The book as it stands now, and whenever it has changed."""
        ...

    def candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, from_ns: int
    ) -> AsyncGenerator[Candle, None]:
        """Candles as they change and close, from the one that begins at a time on.

        From the newest one, when that is older.
        """
        ...

    async def past_candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """The newest closed candles, oldest first, at most so many. Raises: Rejection."""
        ...


class Plugins(Protocol):
    """Which plugins may run."""

    async def admit(self, name: str, *, vouched: bool, owner: AccountId) -> Admission:
        """Look at an installed strategy. Raises: PluginRefused when it may not run for its owner.

        ``owner``: empty for the operator.
        """
        ...

    async def note_breach(self, name: str, breach: Breach, *, owner: AccountId) -> None:
        """A run of it has broken its rules."""
        ...


class States(Protocol):
    """What strategies have saved, by name. Both block, and raise OSError."""

    def write(self, name: str, state: SavedState) -> None:
        """Keep it durably, in place of what was there."""
        ...

    def read(self, name: str) -> SavedState | None:
        """What was saved last; None for nothing. Raises: StateDamaged."""
        ...


class Reasons(Protocol):
    """Keeps why orders were placed, for the owner who asks."""

    async def begin(self, run: StrategyRun) -> None:
        """Keep what a run is; it may begin afterwards. Raises: StrategyTablesFailed."""
        ...

    def put(self, reason: OrderReason) -> None:
        """Keep why an order was placed. Never waits."""
        ...

    def note_traded(self, purse: Purse, order_id: OrderId) -> None:
        """Remember that an order has traded. Never waits."""
        ...


SANDBOX_MIN: Final = frozenset({Layer.FILES, Layer.SYSTEM_CALLS})
"""Without either a strategy could read the house's keys; limits and privileges always hold."""


@attrs.frozen(kw_only=True)
class Grant:
    """What a strategy is given once, and how much of it may be lost.

    ``grant_id`` is another one for every time that money is given.
    """

    grant_id: str
    asset: AssetName
    amount_units: int
    loss_limit_units: int

    def bounds(self, asset: AssetName) -> RiskBounds:
        """What it may risk of an asset, by which the exchange may have another name for it."""
        return RiskBounds(
            max_order_notional_units=((asset, self.amount_units),),
            max_daily_loss_units=((asset, self.loss_limit_units),),
            max_drawdown_units=((asset, self.loss_limit_units),),
        )


@attrs.frozen(kw_only=True)
class StrategyConfig:
    """One strategy to run. ``strategy`` is its entry point's name; ``settings_json`` an object."""

    name: str
    strategy: str
    purse: Purse
    symbols: tuple[Symbol, ...]
    settings_json: str = "{}"
    orders_per_s_max: int = 100
    capabilities: Capabilities = UNBOUNDED
    """What it may do at most, beside what its plugin may."""
    vouched: bool = False
    """The operator's configuration has it started: its plugin needs no approval."""
    explained: bool = True
    """Whether the reasons of its orders are kept; nobody can ask for those of a house purse."""
    title: str = ""
    """What its owner calls it; empty where that is its name."""
    grant: Grant | None = None
    """What it is given. Where it is None, a purse of play money gets the house's opening amount of
    what its markets are quoted in, and another purse has what its owner puts there."""

    @property
    def owner(self) -> AccountId:
        """Whose it is; empty for the operator's, which no person was given money for."""
        return account_of(self.purse) if self.grant is not None else AccountId("")

    @property
    def paper(self) -> bool:
        """Whether it trades play money: its purse says so, and nothing else can."""
        return is_paper_purse(self.purse)


@attrs.frozen(kw_only=True)
class Surroundings:
    """What strategies need of the rest of the house. The last is replaced in tests."""

    world: World
    live: Floor
    paper: Floor
    markets: Markets
    directory: Directory
    """What the house lists, under the names that strategies know."""
    health: Health
    states: States
    reasons: Reasons
    plugins: Plugins
    models: Models = NO_MODELS
    signals: Signals = attrs.field(factory=SignalBoard)
    impediments: Impediments = not_impeded
    """What stands against the accounts in which the operator's strategies trade."""
    sandbox_min: frozenset[Layer] = SANDBOX_MIN
    """Layers without which no strategy is started."""
    restart: Restart = attrs.field(factory=Restart)
    keep: KeepRun = keep_nothing
    """Who keeps what runs are told and want."""
    command: Callable[[str], Sequence[str]] = child_command

    def floor(self, purse: Purse) -> Floor:
        """Where a purse trades."""
        return self.paper if is_paper_purse(purse) else self.live
