"""The risk watch: what follows from losses, drawdowns, positions and silent feeds.

Checked by breaking, each seen red: a loss that is forgotten when the price comes back, a
drawdown measured from the day's start, and a state lifted that an operator has set.
"""

from __future__ import annotations

import attrs
import pytest

from xached.domain.exchange import Exchange
from xached.domain.instrument import Asset, AssetName, Symbol, read_instrument
from xached.domain.market_messages import ChangeInstrument, TransferFunds
from xached.domain.messages import (
    CancelAll,
    Command,
    Deposit,
    ListAsset,
    ListInstrument,
    MarkRisk,
    OpenPurse,
    PlaceOrder,
    SetMark,
    SetRiskBounds,
    SetRiskLimits,
    SetRiskState,
)
from xached.domain.order import (
    AccountId,
    EndReason,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import (
    HOUSE_SCOPE,
    RiskBounds,
    RiskScope,
    RiskSetter,
    RiskState,
    account_scope,
    market_scope,
    purse_scope,
)
from xached.domain.risk_watch import NS_PER_DAY, ExposureQuery, assess
from xached.domain.state import State

USDT, BTC = Asset(AssetName("USDT"), 6), Asset(AssetName("BTC"), 8)
SYMBOL = Symbol("BTC-USDT")
BOT, MAIN, BOB = Purse("alice/bot"), Purse("alice/main"), Purse("bob/main")
UNIT = 10**6
DAY_0_NS = 20_000 * NS_PER_DAY


@attrs.define
class Watched:
    """An exchange, and a watch that looks at it when told to."""

    exchange: Exchange = attrs.field(factory=Exchange)
    seq: int = 0
    at_ns: int = DAY_0_NS
    orders: int = 0

    @property
    def state(self) -> State:
        return self.exchange.state

    def tell(self, command: Command) -> None:
        self.seq += 1
        self.at_ns += 1
        for event in self.exchange.decide(command, self.seq, self.at_ns):
            self.exchange.apply(event, self.seq, self.at_ns)

    def look(self, *blind: Symbol) -> list[Command]:
        """One round of the watch; its commands are carried out."""
        commands = assess(ExposureQuery().read(self.state, self.seq), blind, self.at_ns)
        for command in commands:
            self.tell(command)
        return commands

    def mark(self, price: int) -> None:
        self.tell(SetMark(symbol=SYMBOL, price_ticks=price, source="test", request_id=""))

    def order(
        self,
        purse: Purse,
        side: Side,
        lots: int,
        price: int,
        mode: SelfTradePrevention = SelfTradePrevention.EXPIRE_TAKER,
    ) -> None:
        self.orders += 1
        self.tell(
            PlaceOrder(
                purse=purse,
                client_order_id=f"o{self.orders}",
                symbol=SYMBOL,
                side=side,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                price_ticks=price,
                quantity_lots=lots,
                quote_units=None,
                post_only=False,
                self_trade_prevention=mode,
                expires_at_ns=None,
            )
        )

    def buy(self, purse: Purse, lots: int, price: int) -> None:
        """Let a purse buy from Bob."""
        self.order(BOB, Side.SELL, lots, price)
        self.order(purse, Side.BUY, lots, price)

    def bound(self, scope: RiskScope, bounds: RiskBounds) -> None:
        self.tell(SetRiskBounds(scope=scope, bounds=bounds, request_id=""))

    def watched(self, scope: RiskScope) -> RiskState:
        return self.state.risk.entry(scope, RiskSetter.WATCH).state


@pytest.fixture
def watched() -> Watched:
    """Bob has ten thousand lots of a whole coin, the others a million; prices are whole."""
    instrument = read_instrument(
        symbol=SYMBOL,
        base=BTC,
        quote=USDT,
        tick_size="1",
        lot_size="1",
        min_price="1",
        max_price="1000000",
        min_quantity="1",
        max_quantity="100000",
        max_market_quantity="100000",
        min_notional="0",
        max_notional="1000000000",
        buy_band_up_ppm=10**9,
        buy_band_down_ppm=10**6,
        sell_band_up_ppm=10**9,
        sell_band_down_ppm=10**6,
        maker_fee_ppm=0,
        taker_fee_ppm=0,
        max_open_orders=1_000,
    )
    watched = Watched()
    commands: tuple[Command, ...] = (
        ListAsset(asset=USDT, request_id=""),
        ListAsset(asset=BTC, request_id=""),
        ListInstrument(instrument=instrument, request_id=""),
        SetRiskLimits(
            purse=None,
            max_open_orders=1_000,
            max_order_notional_units=((USDT.name, 10**18),),
            request_id="",
        ),
        *(OpenPurse(purse=purse, simulated=False, request_id="") for purse in (BOT, MAIN, BOB)),
    )
    for command in commands:
        watched.tell(command)
    for purse in (BOT, MAIN):
        watched.tell(
            Deposit(purse=purse, asset=USDT.name, amount_units=10**6 * UNIT, request_id="")
        )
    watched.tell(Deposit(purse=BOB, asset=BTC.name, amount_units=10**12, request_id=""))
    watched.mark(100)
    return watched


def reduces(commands: list[Command]) -> list[RiskScope]:
    """Which scopes are told to reduce."""
    return [
        command.scope
        for command in commands
        if isinstance(command, SetRiskState) and command.state is RiskState.REDUCING
    ]


def loss(units: int) -> RiskBounds:
    return RiskBounds(max_daily_loss_units=((USDT.name, units),))


def test_a_house_without_bounds_asks_for_nothing(watched: Watched) -> None:
    watched.buy(BOT, 10, 100)
    watched.mark(1)
    assert watched.look() == []


def test_a_daily_loss_reduces_until_the_next_day(watched: Watched) -> None:
    scope = purse_scope(BOT)
    watched.bound(scope, loss(100 * UNIT))
    watched.look()
    watched.buy(BOT, 10, 100)
    watched.order(BOT, Side.BUY, 1, 50)
    watched.mark(90)
    assert watched.look() == []  # a loss of 100 is what is allowed
    watched.mark(89)
    commands = watched.look()
    assert reduces(commands) == [scope]
    (cancel,) = [each for each in commands if isinstance(each, CancelAll)]
    assert (cancel.purse, cancel.reason) == (BOT, EndReason.RISK)
    assert not watched.state.purses[BOT].open_orders
    entry = watched.state.risk.entry(scope, RiskSetter.WATCH)
    assert entry.cause == "a daily loss of 110 USDT"

    watched.mark(100)
    assert watched.look() == []
    assert watched.watched(scope) is RiskState.REDUCING  # not lifted by a price that comes back
    watched.at_ns += NS_PER_DAY
    watched.mark(101)
    watched.look()
    assert watched.watched(scope) is RiskState.ACTIVE
    watched.mark(91)
    watched.look()  # the day began at 101: 100 less, no more
    assert watched.watched(scope) is RiskState.ACTIVE
    watched.mark(90)
    assert reduces(watched.look()) == [scope]


def test_an_account_and_the_house_add_up_their_purses(watched: Watched) -> None:
    watched.bound(account_scope(AccountId("alice")), loss(100 * UNIT))
    watched.bound(HOUSE_SCOPE, loss(1_000 * UNIT))
    watched.look()
    watched.buy(BOT, 6, 100)
    watched.buy(MAIN, 6, 100)
    watched.mark(90)
    assert reduces(watched.look()) == [RiskScope("account:alice")]


def test_a_drawdown_is_measured_from_the_highest_profit_and_held_until_reset(
    watched: Watched,
) -> None:
    scope = purse_scope(MAIN)
    watched.bound(scope, RiskBounds(max_drawdown_units=((USDT.name, 100 * UNIT),)))
    watched.buy(MAIN, 10, 100)
    for price in (100, 120, 150):
        watched.mark(price)
        assert not reduces(watched.look())
    watched.at_ns += 3 * NS_PER_DAY
    watched.mark(140)
    assert not reduces(watched.look())
    watched.mark(139)
    assert reduces(watched.look()) == [scope]
    watched.at_ns += 3 * NS_PER_DAY
    watched.mark(200)
    watched.look()
    assert watched.watched(scope) is RiskState.REDUCING
    mark = watched.state.risk.marks[scope, USDT.name]
    assert mark.high_units == 1_000 * UNIT
    fresh = attrs.evolve(mark, drawdown_hit=False)
    watched.tell(MarkRisk(scope=scope, asset=USDT.name, mark=fresh, request_id="", known=mark))
    watched.look()
    assert watched.watched(scope) is RiskState.ACTIVE


def test_a_restart_forgets_neither_marks_nor_hits(watched: Watched) -> None:
    scope = purse_scope(MAIN)
    watched.bound(scope, loss(100 * UNIT))
    watched.look()
    watched.buy(MAIN, 10, 100)
    watched.mark(80)
    watched.look()
    watched.exchange = Exchange.restore(watched.exchange.snapshot())
    watched.mark(100)
    assert watched.look() == []
    assert watched.watched(scope) is RiskState.REDUCING


def test_a_market_that_is_too_large_reduces_while_it_is(watched: Watched) -> None:
    scope = market_scope(SYMBOL)
    watched.bound(
        scope, RiskBounds(max_position_units=((USDT.name, 1_000 * UNIT),), max_open_orders=3)
    )
    watched.buy(BOT, 6, 100)
    watched.order(MAIN, Side.BUY, 5, 80)
    assert watched.look() == []
    watched.mark(110)
    assert reduces(watched.look()) == [scope]
    assert not watched.state.purses[MAIN].open_orders
    watched.look()
    assert watched.watched(scope) is RiskState.ACTIVE
    for _ in range(4):
        watched.order(BOB, Side.SELL, 1, 200)
    assert reduces(watched.look()) == [scope]


def test_a_silent_feed_reduces_its_market_and_nothing_else(watched: Watched) -> None:
    watched.order(MAIN, Side.BUY, 1, 90)
    assert reduces(watched.look(SYMBOL)) == [market_scope(SYMBOL)]
    assert watched.look(SYMBOL) == []
    assert watched.state.purses[MAIN].open_orders  # nothing is cancelled for being blind
    assert [each for each in watched.look() if isinstance(each, SetRiskState)] == [
        SetRiskState(
            scope=market_scope(SYMBOL),
            setter=RiskSetter.WATCH,
            state=RiskState.ACTIVE,
            cause="",
            request_id="",
        )
    ]


def test_a_mark_that_is_too_old_reduces_its_market(watched: Watched) -> None:
    rules = attrs.evolve(watched.state.markets[SYMBOL].instrument, mark_stale_ns=10**9)
    watched.tell(ChangeInstrument(instrument=rules, request_id=""))
    watched.mark(101)
    watched.at_ns += 10**9
    assert watched.look() == []
    watched.at_ns += 10
    assert reduces(watched.look()) == [market_scope(SYMBOL)]
    watched.mark(102)
    watched.look()
    assert watched.watched(market_scope(SYMBOL)) is RiskState.ACTIVE


def test_the_watch_lifts_only_what_it_has_set(watched: Watched) -> None:
    watched.tell(
        SetRiskState(
            scope=HOUSE_SCOPE,
            setter=RiskSetter.OPERATOR,
            state=RiskState.HALTED,
            cause="fire",
            request_id="",
        )
    )
    assert watched.look() == []
    assert watched.state.risk.entry(HOUSE_SCOPE, RiskSetter.OPERATOR).state is RiskState.HALTED


@pytest.mark.parametrize("by_order", [False, True])
def test_a_position_that_moves_is_no_profit_and_no_loss(watched: Watched, by_order: bool) -> None:
    """What it has gained goes with it: neither purse won or lost by that.

    Checked by leaving the marks as they are: the giver is told to reduce, and the taker's loss
    of 110 is hidden behind what it was given.
    """
    giver, taker = purse_scope(MAIN), purse_scope(BOT)
    both = attrs.evolve(loss(100 * UNIT), max_drawdown_units=((USDT.name, 100 * UNIT),))
    for scope in (giver, taker, account_scope(AccountId("alice"))):
        watched.bound(scope, both)
    watched.look()
    watched.buy(MAIN, 10, 100)
    watched.mark(200)
    assert not reduces(watched.look())
    if by_order:
        for lots in (4, 6):
            watched.order(BOT, Side.BUY, lots, 150, SelfTradePrevention.TRANSFER)
        watched.order(MAIN, Side.SELL, 10, 150, SelfTradePrevention.TRANSFER)
    else:
        ten = 10 * watched.state.markets[SYMBOL].instrument.lot_units
        watched.tell(
            TransferFunds(source=MAIN, target=BOT, asset=BTC.name, amount_units=ten, request_id="")
        )
    assert watched.state.purses[BOT].position(SYMBOL).quantity_lots == 10
    assert watched.look() == []
    watched.mark(190)
    assert not reduces(watched.look())
    watched.mark(189)
    assert reduces(watched.look()) == [taker, account_scope(AccountId("alice"))]
    entry = watched.state.risk.entry(taker, RiskSetter.WATCH)
    assert entry.cause == "a daily loss of 110 USDT; a drawdown of 110 USDT"


def test_what_a_watch_has_seen_before_a_position_moved_is_not_kept(watched: Watched) -> None:
    """Checked: kept, the giver is told of a drawdown that it never had, until an operator lifts it.

    The newest profit is a high: the watch is about to say so when the position goes.
    """
    giver = purse_scope(MAIN)
    bounds = RiskBounds(max_drawdown_units=((USDT.name, 100 * UNIT),))
    watched.bound(giver, bounds)
    watched.look()
    watched.buy(MAIN, 10, 100)
    watched.mark(200)
    (late,) = assess(ExposureQuery().read(watched.state, watched.seq), (), watched.at_ns)
    lots = watched.state.markets[SYMBOL].instrument.lot_units
    watched.tell(
        TransferFunds(
            source=MAIN, target=BOT, asset=BTC.name, amount_units=10 * lots, request_id=""
        )
    )
    with pytest.raises(Rejection) as refusal:
        watched.tell(late)
    assert refusal.value.reason is Reason.RISK_STATE
    assert not reduces(watched.look())
