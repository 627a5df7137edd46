"""What the exchange knows: every number and flag that money depends on, without the rules."""

from __future__ import annotations

from collections import deque

import attrs

from xached.domain.book import Book
from xached.domain.compliance_messages import Disclosure, LevelLimits
from xached.domain.frozen import frozen
from xached.domain.instrument import Asset, AssetName, Instrument, Symbol, unknown_instrument
from xached.domain.ledger import Ledger
from xached.domain.market_messages import FeeTier
from xached.domain.order import (
    OPEN_STATES,
    AccountId,
    CancelScope,
    MarketState,
    Order,
    OrderId,
    Purse,
    Side,
    account_of,
)
from xached.domain.order_list import OrderList
from xached.domain.position import Position
from xached.domain.prices import AveragePrice, ReferenceBuckets
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk import RiskLimits, band_ticks
from xached.domain.risk_bounds import RiskBook
from xached.domain.triggers import Triggers

DAY_NS = 24 * 3_600 * 1_000_000_000
VOLUME_DAYS = 30
"""Days whose volume counts for fee tiers, today included."""


@attrs.define
class TradedVolume:
    """What an account traded lately. ``days`` lists [UTC day, units], the oldest first."""

    days: deque[list[int]] = attrs.field(factory=deque)
    units: int = attrs.field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.units = sum(units for _, units in self.days)

    def trade(self, units: int, day: int) -> None:
        """Count a trade."""
        self.units += units
        days = self.days
        if days and days[-1][0] == day:
            days[-1][1] += units
            return
        while days and days[0][0] <= day - VOLUME_DAYS:
            self.units -= days.popleft()[1]
        days.append([day, units])

    def units_by(self, day: int) -> int:
        """What counts on a day; reading drops nothing."""
        units = self.units
        for old, old_units in self.days:
            if old > day - VOLUME_DAYS:
                break
            units -= old_units
        return units

    def units_on(self, day: int) -> int:
        """What was traded on a day, which none later has followed."""
        return self.days[-1][1] if self.days and self.days[-1][0] == day else 0


@attrs.define
class DayAmount:
    """An amount that counts for one UTC day."""

    day: int
    units: int


@attrs.define
class AccountState:
    """One account: its purses, in the order they were opened, and what it traded by quote asset.

    ``deposited`` is what came in on the last day with any, ``accepted`` disclosure to version.
    """

    purses: list[Purse] = attrs.field(factory=list)
    volumes: dict[AssetName, TradedVolume] = attrs.field(factory=dict)
    level: int = 0
    deposited: dict[AssetName, DayAmount] = attrs.field(factory=dict)
    accepted: dict[str, int] = attrs.field(factory=dict)
    closed: bool = False
    """For ever."""

    def trade(self, asset: AssetName, units: int, day: int) -> None:
        """Count a trade."""
        volume = self.volumes.get(asset)
        if volume is None:
            volume = self.volumes[asset] = TradedVolume()
        volume.trade(units, day)

    def volume_units(self, asset: AssetName, day: int) -> int:
        """What was traded in 30 days up to this one."""
        volume = self.volumes.get(asset)
        return volume.units_by(day) if volume is not None else 0


@attrs.define
class Market:
    """One instrument's book and state. ``state`` is what the house asked for.

    Bands are (lowest, highest) allowed ticks; they follow the reference and are empty without.
    """

    instrument: Instrument
    book: Book = attrs.field(factory=Book)
    state: MarketState = MarketState.TRADING
    cause: str = ""
    """Why the state was set; empty in a market that is as it was listed."""
    until_ns: int | None = None
    """When the state ends by itself; None: when the house says so."""
    opening: bool = False
    """Whether it opens with an auction as soon as it has a reference price."""
    breached: bool = False
    """Whether an order would have left the price band, so that the market has to halt."""
    delisted: bool = False
    order_count: int = attrs.field(default=0, init=False)
    """How many orders are open."""

    by_tier: tuple[Instrument, ...] = attrs.field(default=(), init=False)
    """The instrument as each fee tier sees it, the first without one."""
    last_ticks: int | None = None
    icebergs: int = 0
    """How many open orders show only slices of themselves."""
    average: AveragePrice = attrs.field(factory=AveragePrice)
    mark_ticks: int | None = None
    mark_at_ns: int = 0
    marks: ReferenceBuckets = attrs.field(factory=ReferenceBuckets)
    triggers: Triggers | None = None
    """Orders that wait for a price; None when there are none."""

    reference_ticks: int | None = attrs.field(default=None, init=False)
    buy_band: tuple[int, int] = attrs.field(default=(0, -1), init=False)
    sell_band: tuple[int, int] = attrs.field(default=(0, -1), init=False)

    def set_reference(self, ticks: int) -> None:
        """Measure the bands from this price."""
        self.reference_ticks = ticks
        self.buy_band = band_ticks(self.instrument, Side.BUY, ticks)
        self.sell_band = band_ticks(self.instrument, Side.SELL, ticks)

    def change(self, instrument: Instrument) -> None:
        """Go by other rules from now on."""
        if instrument.reference_bucket_ns != self.instrument.reference_bucket_ns:
            self.marks = ReferenceBuckets()
        self.instrument = instrument
        if self.reference_ticks is not None:
            self.set_reference(self.reference_ticks)

    def list_again(self, instrument: Instrument) -> None:
        """Take orders again, once there is a new reference price."""
        self.instrument = instrument
        self.delisted = False
        self.open()
        self.reference_ticks = self.mark_ticks = None
        self.buy_band = self.sell_band = (0, -1)
        self.marks = ReferenceBuckets()

    def open(self) -> None:
        """Begin: with trading, or with an auction."""
        self.opening = self.instrument.opening_auction
        self.state = MarketState.AUCTION if self.opening else MarketState.TRADING
        self.cause, self.until_ns = "", None
        self.breached = False

    def set_mark(self, ticks: int, reference_ticks: int, at_ns: int) -> None:
        """Take a new mark and the reference price that follows it."""
        self.mark_ticks, self.mark_at_ns = ticks, at_ns
        self.set_reference(reference_ticks)
        count = self.instrument.reference_buckets
        if count:
            self.marks.mark(ticks, at_ns, self.instrument.reference_bucket_ns, count)

    def fresh_mark_ticks(self, now_ns: int) -> int | None:
        """The mark, unless there is none or it is older than the instrument allows."""
        stale_ns = self.instrument.mark_stale_ns
        if stale_ns is not None and now_ns - self.mark_at_ns > stale_ns:
            return None
        return self.mark_ticks

    def effective_state(self) -> MarketState:
        """What holds now: without a reference price nothing more than cancels."""
        if self.delisted:
            return MarketState.HALTED
        if self.reference_ticks is None and self.state in OPEN_STATES:
            return MarketState.CANCEL_ONLY
        return self.state


@attrs.define
class Unseen:
    """Prices that orders of a market wait for and that were not looked at yet.

    ``trades`` are in the order they happened; ``others``: the best prices and the mark as they are.
    """

    trades: list[int] = attrs.field(factory=list)
    others: bool = False


@frozen
class ArmedStream:
    """What the end of an order-entry stream cancels."""

    purse: Purse
    scope: CancelScope


@frozen
class DeadMan:
    """When the dead-man's switch of a purse fires, and what it cancels."""

    fires_at_ns: int
    scope: CancelScope


@attrs.define
class PurseState:
    """One purse: its permissions, open orders (also counted by instrument) and positions."""

    simulated: bool
    frozen: bool = False
    account: AccountState = attrs.field(factory=AccountState, init=False)
    """Shared by all purses of the account."""
    limits: RiskLimits | None = None
    open_orders: dict[OrderId, Symbol] = attrs.field(factory=dict)
    open_counts: dict[Symbol, int] = attrs.field(factory=dict)
    by_client_id: dict[str, OrderId] = attrs.field(factory=dict)
    positions: dict[Symbol, Position] = attrs.field(factory=dict)
    dead_man: DeadMan | None = None
    reducing: dict[Symbol, list[OrderId]] = attrs.field(factory=dict)
    """Open reduce-only orders, oldest first."""

    def position(self, symbol: Symbol) -> Position:
        """The position in an instrument; an empty one that is not kept when there is none."""
        return self.positions.get(symbol) or Position()

    def add_open(self, order: Order) -> None:
        """List an order as open."""
        self.open_orders[order.order_id] = order.symbol
        self.open_counts[order.symbol] = self.open_counts.get(order.symbol, 0) + 1
        self.by_client_id[order.client_order_id] = order.order_id
        if order.reduce_only:
            self.reducing.setdefault(order.symbol, []).append(order.order_id)

    def remove_open(self, order: Order) -> None:
        """Take an ended order off the list."""
        del self.open_orders[order.order_id]
        self.open_counts[order.symbol] -= 1
        del self.by_client_id[order.client_order_id]
        if order.reduce_only:
            self.reducing[order.symbol].remove(order.order_id)
            if not self.reducing[order.symbol]:
                del self.reducing[order.symbol]


@attrs.define
class State:
    """The whole of it. ``expiries`` lists (expiry, order) of what waits until a time, in order."""

    assets: dict[AssetName, Asset] = attrs.field(factory=dict)
    markets: dict[Symbol, Market] = attrs.field(factory=dict)
    delisted_assets: dict[AssetName, None] = attrs.field(factory=dict)
    delisting: dict[Symbol, None] = attrs.field(factory=dict)
    """Delisted markets that still have open orders."""
    phase_ends: list[tuple[int, Symbol]] = attrs.field(factory=list)
    """(time, market) of every state that ends by itself, in order."""
    movable: dict[Symbol, None] = attrs.field(factory=dict)
    """Markets that must leave their state now."""
    purses: dict[Purse, PurseState] = attrs.field(factory=dict)
    accounts: dict[AccountId, AccountState] = attrs.field(factory=dict)
    trade_groups: dict[AccountId, str] = attrs.field(factory=dict)
    ledger: Ledger = attrs.field(factory=Ledger)
    orders: dict[OrderId, Order] = attrs.field(factory=dict)
    fee_tiers: dict[AssetName, tuple[FeeTier, ...]] = attrs.field(factory=dict)
    """By quote asset; no asset has an empty table."""
    default_limits: RiskLimits | None = None
    risk: RiskBook = attrs.field(factory=RiskBook)
    level_limits: dict[int, LevelLimits] = attrs.field(factory=dict)
    """Empty: nothing is limited by level."""
    disclosures: dict[str, Disclosure] = attrs.field(factory=dict)
    """What has to be accepted, by name."""
    disclosure_versions: dict[str, int] = attrs.field(factory=dict)
    """The newest version there ever was, of the retired ones too."""
    halted: bool = False
    halt_cause: str = ""
    """Why the house is halted; empty while it is not."""
    now_ns: int = 0
    expiries: list[tuple[int, OrderId]] = attrs.field(factory=list)
    streams: dict[int, ArmedStream] = attrs.field(factory=dict)
    """Order-entry streams whose end cancels orders, by the row that armed them."""
    dead_men: list[tuple[int, Purse]] = attrs.field(factory=list)
    """(when it fires, purse) of every armed dead-man's switch, in order."""

    over_reducing: dict[tuple[Purse, Symbol], None] = attrs.field(factory=dict)
    """Purses with more reduce-only orders in an instrument than position."""

    flattening: list[tuple[Purse, Symbol]] = attrs.field(factory=list)
    """Positions that are still to be sold."""

    flatten_seq: int = 0
    flatten_count: int = 0
    """How many orders row ``flatten_seq`` has placed to sell positions."""

    unseen: dict[Symbol, Unseen] = attrs.field(factory=dict)
    triggered: list[OrderId] = attrs.field(factory=list)
    """Orders whose price was seen, in the order in which they start."""

    lists: dict[OrderId, OrderList] = attrs.field(factory=dict)
    unfollowed: dict[OrderId, None] = attrs.field(factory=dict)
    """Lists of which something happened to an order, and the others have not followed."""

    started_at_ns: int = 0
    started_count: int = 0
    """How many triggered orders the row of ``started_at_ns`` has started, the last one with any."""

    traded_seq: int = 0
    traded_count: int = 0
    """How many trades row ``traded_seq`` has, the last one with any."""

    def open_purse(self, purse: Purse, opened: PurseState) -> None:
        """Add a purse to its account."""
        self.purses[purse] = opened
        account_id = account_of(purse)
        account = self.accounts.get(account_id)
        if account is None:
            account = self.accounts[account_id] = AccountState()
        account.purses.append(purse)
        opened.account = account

    def purse(self, purse: Purse) -> PurseState:
        """Find a purse. Raises: Rejection UNKNOWN_PURSE."""
        found = self.purses.get(purse)
        if found is None:
            raise Rejection(
                Reason.UNKNOWN_PURSE,
                "no such purse",
                field="subaccount",
                given=purse.partition("/")[2],
                allowed="an open purse of the account",
            )
        return found

    def next_trade_index(self, seq: int) -> int:
        """The number of the next trade of row ``seq``."""
        return self.traded_count if self.traded_seq == seq else 0

    def market(self, symbol: Symbol) -> Market:
        """Find a market. Raises: Rejection UNKNOWN_INSTRUMENT."""
        found = self.markets.get(symbol)
        if found is None:
            raise unknown_instrument(symbol)
        return found
