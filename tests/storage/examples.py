"""One example of everything that is journaled, for golden files."""

from __future__ import annotations

from typing import Any, Final, TypeVar

import attrs

from tests.storage.house import INSTRUMENT, SYMBOL
from xached.domain import compliance_messages as cm
from xached.domain import disconnect_messages as dm
from xached.domain import list_messages as li
from xached.domain import market_messages as mm
from xached.domain import messages as m
from xached.domain import protection_messages as pm
from xached.domain import waiting_messages as w
from xached.domain.instrument import Asset, AssetName
from xached.domain.order import (
    AccountId,
    CancelScope,
    EndReason,
    Leg,
    LegRole,
    ListActivation,
    ListKind,
    MarketState,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.domain.risk_bounds import HOUSE_SCOPE, RiskBounds, RiskMark, RiskSetter, RiskState
from xached.domain.sealed import Sealed

T = TypeVar("T")

ALICE, BOB = Purse("alice/main"), Purse("bob/main")
USDT = AssetName("USDT")
LARGE = 10**30
ORDER = OrderId(77 << 12 | 3)
LEVEL = cm.LevelLimits(
    level=0, deposit_units=((USDT, LARGE),), trade_units=(), withdraw_units=((USDT, 7),)
)
DISCLOSURE = cm.Disclosure(name="risk", version=3, title="Risks", text="You can lose.")
TRAIL = Trigger(
    source=TriggerSource.MARK,
    stop_ticks=None,
    trail_bps=150,
    trail_ticks=None,
    activation_ticks=501_000,
)
BOUNDS = RiskBounds(
    max_open_orders=7,
    max_order_notional_units=((USDT, LARGE),),
    max_position_units=((USDT, 5),),
    max_notional_per_minute_units=((AssetName("BTC"), 4), (USDT, 3)),
    max_daily_loss_units=((USDT, 2),),
    max_drawdown_units=(),
)
MARKET_RULES = attrs.evolve(
    INSTRUMENT,
    min_market_quantity_lots=2,
    max_algo_orders=20,
    max_iceberg_orders=10,
    max_position_lots=LARGE,
    min_trail_bps=10,
    max_trail_bps=2_000,
    mark_stale_ns=10_000_000_000,
    reference_bucket_ns=1_000_000_000,
    reference_buckets=60,
    auction_ns=60_000_000_000,
    volatility_halt_ns=5_000_000_000,
    opening_auction=True,
)
RISK_MARK = RiskMark(
    day=20_000, day_start_units=-LARGE, high_units=LARGE, loss_hit=True, drawdown_hit=True
)
TIER = mm.FeeTier(asset=USDT, min_volume_units=LARGE, maker_fee_ppm=50, taker_fee_ppm=500)
MOVED = mm.PositionMoved(symbol=SYMBOL, quantity_lots=LARGE, cost_units=7)
LEG = Leg(list_id=ORDER, role=LegRole.STOP_LEG)

LIST_LEG = li.ListLeg(
    client_order_id="o-3",
    side=Side.SELL,
    type=OrderType.TRAILING_STOP,
    time_in_force=TimeInForce.GTC,
    price_ticks=None,
    quantity_lots=LARGE,
    post_only=False,
    self_trade_prevention=SelfTradePrevention.NONE,
    expires_at_ns=None,
    trigger=TRAIL,
)

EXAMPLES: Final[tuple[object, ...]] = (
    m.PlaceOrder(
        purse=ALICE,
        client_order_id="o-1",
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price_ticks=None,
        quantity_lots=None,
        quote_units=LARGE,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=1_767_225_600_000_000_000,
        trigger=TRAIL,
        display_lots=LARGE,
        reduce_only=True,
        slide=True,
    ),
    m.CancelOrder(
        purse=ALICE,
        order_id=ORDER,
        client_order_id=None,
        request_id="r-1",
        reason=EndReason.USER,
    ),
    m.CancelAll(
        purse=ALICE,
        symbol=None,
        request_id="r-2",
        reason=EndReason.DISCONNECT,
        scope=CancelScope.ENTRIES,
    ),
    m.ListAsset(asset=Asset(USDT, 6), request_id="r-3"),
    m.ListInstrument(instrument=MARKET_RULES, request_id="r-4"),
    m.SetMarketState(symbol=SYMBOL, state=MarketState.TRADING, cause="opening", request_id="r-5"),
    m.SetMark(symbol=SYMBOL, price_ticks=500_000, source="BINANCE", request_id="r-6"),
    m.OpenPurse(purse=ALICE, simulated=True, request_id="r-7"),
    m.FreezePurse(purse=ALICE, frozen=True, cause="review", request_id="r-8"),
    m.SetRiskLimits(
        purse=None,
        max_open_orders=200,
        max_order_notional_units=((AssetName("BTC"), 5), (USDT, LARGE)),
        request_id="r-9",
    ),
    m.SetHalt(halted=True, cause="drill", request_id="r-10"),
    m.SetRiskState(
        scope=HOUSE_SCOPE,
        setter=RiskSetter.GUARD,
        state=RiskState.REDUCING,
        cause="silent",
        request_id="r-50",
    ),
    m.SetRiskBounds(scope=HOUSE_SCOPE, bounds=BOUNDS, request_id="r-51"),
    m.MarkRisk(
        scope=HOUSE_SCOPE,
        asset=USDT,
        mark=RISK_MARK,
        request_id="r-52",
        known=attrs.evolve(RISK_MARK, drawdown_hit=False),
    ),
    m.Deposit(purse=ALICE, asset=USDT, amount_units=LARGE, request_id="r-11"),
    m.AdvanceClock(),
    m.ExpireOrder(order_id=ORDER),
    m.AssetListed(asset=Asset(USDT, 6)),
    m.InstrumentListed(instrument=MARKET_RULES),
    m.MarketStateSet(
        symbol=SYMBOL,
        state=MarketState.HALTED,
        cause="drill",
        until_ns=1_767_225_600_000_000_000,
    ),
    m.MarkSet(
        symbol=SYMBOL,
        price_ticks=500_000,
        source="BINANCE",
        reference_ticks=499_998,
        given_ticks=500_001,
    ),
    m.PurseOpened(purse=ALICE, simulated=False),
    m.PurseFrozen(purse=ALICE, frozen=False, cause=""),
    m.RiskLimitsSet(purse=BOB, max_open_orders=0, max_order_notional_units=()),
    m.HaltSet(halted=False, cause="drill over"),
    m.RiskStateSet(
        scope=HOUSE_SCOPE, setter=RiskSetter.WATCH, state=RiskState.HALTED, cause="loss"
    ),
    m.RiskBoundsSet(scope=HOUSE_SCOPE, bounds=BOUNDS),
    m.RiskMarked(scope=HOUSE_SCOPE, asset=USDT, mark=RISK_MARK),
    m.Deposited(purse=ALICE, asset=USDT, amount_units=LARGE, reference="r-11"),
    m.OrderAccepted(
        order_id=ORDER,
        client_order_id="o-1",
        purse=ALICE,
        symbol=SYMBOL,
        side=Side.SELL,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTD,
        price_ticks=499_999,
        quantity_lots=LARGE,
        quote_units=None,
        post_only=True,
        self_trade_prevention=SelfTradePrevention.NONE,
        expires_at_ns=1_767_225_600_000_000_000,
        maker_fee_ppm=100,
        taker_fee_ppm=1_000,
        held_units=LARGE,
        trigger=TRAIL,
        display_lots=5,
        reduce_only=True,
        slide=True,
        leg=LEG,
        replaces=ORDER,
    ),
    m.Traded(
        index=2,
        symbol=SYMBOL,
        price_ticks=499_999,
        quantity_lots=10,
        notional_units=LARGE,
        taker_side=Side.BUY,
        taker_order_id=ORDER,
        taker_purse=ALICE,
        taker_fee_units=4_999,
        maker_order_id=OrderId(76 << 12),
        maker_purse=BOB,
        maker_fee_units=499,
        buyer_released_units=0,
        seller_position_lots=4,
        seller_relieved_units=1_000,
        seller_realised_units=-250,
        simulated=False,
        auction=True,
    ),
    m.MatchPrevented(
        symbol=SYMBOL,
        price_ticks=499_999,
        quantity_lots=10,
        taker_order_id=ORDER,
        taker_purse=ALICE,
        maker_order_id=OrderId(76 << 12),
        maker_purse=ALICE,
        mode=SelfTradePrevention.EXPIRE_BOTH,
        taker_released_units=LARGE,
        maker_released_units=7,
    ),
    m.OrderRested(order_id=ORDER, purse=ALICE, symbol=SYMBOL, leaves_lots=7, hidden_lots=5),
    m.SliceShown(order_id=ORDER, purse=ALICE, symbol=SYMBOL, shown_lots=LARGE),
    m.OrderEnded(
        order_id=ORDER,
        client_order_id="o-1",
        purse=ALICE,
        symbol=SYMBOL,
        side=Side.BUY,
        status=OrderStatus.CANCELED,
        reason=EndReason.POST_ONLY,
        executed_lots=3,
        released_units=LARGE,
    ),
    m.ClockAdvanced(),
    mm.ChangeInstrument(instrument=MARKET_RULES, request_id="r-40"),
    mm.DelistInstrument(symbol=SYMBOL, cause="drill", request_id="r-41"),
    mm.DelistAsset(asset=USDT, cause="drill", request_id="r-42"),
    mm.EndDelisted(symbol=SYMBOL),
    mm.MoveMarketOn(symbol=SYMBOL),
    mm.OpenSubaccount(purse=ALICE, request_id="r-44"),
    mm.TransferFunds(source=ALICE, target=BOB, asset=USDT, amount_units=LARGE, request_id="r-45"),
    mm.InstrumentChanged(instrument=MARKET_RULES),
    mm.InstrumentDelisted(symbol=SYMBOL, cause="drill"),
    mm.AssetDelisted(asset=USDT, cause="drill"),
    mm.Transferred(
        source=ALICE,
        target=BOB,
        asset=USDT,
        amount_units=LARGE,
        positions=(MOVED,),
        reference="r-45",
    ),
    mm.SetFeeTiers(tiers=(TIER,), request_id="r-46"),
    mm.FeeTiersSet(tiers=(TIER,)),
    TIER,
    MOVED,
    m.AmendOrder(
        purse=ALICE,
        symbol=SYMBOL,
        order_id=ORDER,
        client_order_id=None,
        quantity_lots=LARGE,
        expected_executed_lots=0,
        request_id="r-30",
    ),
    m.ReplaceOrder(
        purse=ALICE,
        symbol=SYMBOL,
        replaced_order_id=None,
        replaced_client_order_id="o-1",
        client_order_id="o-2",
        price_ticks=499_999,
        quantity_lots=LARGE,
        stop_ticks=None,
        display_lots=5,
        expires_at_ns=None,
        expected_executed_lots=LARGE,
    ),
    pm.CancelAllAfter(
        purse=ALICE, timeout_ns=60_000_000_000, scope=CancelScope.ENTRIES, request_id="r-32"
    ),
    pm.FireDeadMan(purse=ALICE),
    pm.DeadManSet(purse=ALICE, fires_at_ns=1_767_225_600_000_000_000, scope=CancelScope.ALL),
    dm.ArmDisconnect(purse=ALICE, scope=CancelScope.ENTRIES),
    dm.Disconnect(purse=ALICE, stream=77),
    dm.DisconnectArmed(purse=ALICE, stream=77, scope=CancelScope.ALL),
    dm.Disconnected(purse=ALICE, stream=77),
    pm.DeadManFired(purse=ALICE),
    pm.SetTradeGroup(
        account_id=AccountId("alice"), group="desk-1", cause="one owner", request_id="r-39"
    ),
    pm.TradeGroupSet(account_id=AccountId("alice"), group=None, cause=""),
    cm.SetLevelLimits(limits=(), request_id="r-60"),
    cm.SetAccountLevel(account_id=AccountId("alice"), level=2, cause="papers", request_id="r-61"),
    cm.PublishDisclosure(name="risk", title="Risks", text="You can lose.", request_id="r-62"),
    cm.RetireDisclosure(name="risk", cause="merged", request_id="r-63"),
    cm.AcceptDisclosure(account_id=AccountId("alice"), name="risk", version=3, request_id="r-64"),
    cm.CloseAccount(account_id=AccountId("alice"), forfeit=True, request_id="r-65"),
    cm.FundsForfeited(purse=ALICE, asset=USDT, amount_units=LARGE),
    cm.AccountClosed(account_id=AccountId("alice")),
    cm.LevelLimitsSet(limits=(LEVEL,)),
    cm.AccountLevelSet(account_id=AccountId("alice"), level=2, cause="papers"),
    cm.DisclosurePublished(disclosure=DISCLOSURE),
    cm.DisclosureRetired(name="risk", version=3, cause="merged"),
    cm.DisclosureAccepted(account_id=AccountId("alice"), name="risk", version=3),
    LEVEL,
    DISCLOSURE,
    pm.SelfTransferred(
        index=1,
        symbol=SYMBOL,
        price_ticks=499_999,
        quantity_lots=LARGE,
        notional_units=LARGE,
        taker_side=Side.SELL,
        taker_order_id=ORDER,
        taker_purse=ALICE,
        maker_order_id=OrderId(76 << 12),
        maker_purse=BOB,
        position_lots=LARGE,
        position_cost_units=7,
        simulated=False,
    ),
    pm.TrimReduceOnly(purse=ALICE, symbol=SYMBOL),
    pm.Flatten(purse=ALICE, symbol=None, request_id="r-35"),
    pm.SellPosition(purse=ALICE, symbol=SYMBOL),
    pm.FlattenStarted(purse=ALICE, symbols=(SYMBOL,)),
    pm.PositionSold(
        purse=ALICE, symbol=SYMBOL, orders=1, left_lots=LARGE, reason=EndReason.PRICE_BAND
    ),
    m.OrderReduced(
        order_id=ORDER,
        purse=ALICE,
        symbol=SYMBOL,
        quantity_lots=LARGE,
        reduced_lots=5,
        shown_lots=0,
        released_units=LARGE,
        reason=EndReason.USER,
    ),
    w.LookAtPrices(symbol=SYMBOL),
    w.StartTriggered(order_id=ORDER),
    w.OrderParked(
        order_id=ORDER,
        purse=ALICE,
        symbol=SYMBOL,
        side=Side.SELL,
        source=TriggerSource.LAST,
        watch_ticks=490_000,
        upward=False,
        stop_ticks=490_000,
        extreme_ticks=500_000,
    ),
    w.StopMoved(
        order_id=ORDER, purse=ALICE, symbol=SYMBOL, stop_ticks=490_001, extreme_ticks=500_001
    ),
    w.OrderTriggered(
        order_id=ORDER,
        purse=ALICE,
        symbol=SYMBOL,
        source=TriggerSource.BID_ASK,
        at_ticks=490_000,
    ),
    li.PlaceList(
        purse=ALICE,
        request_id="r-22",
        symbol=SYMBOL,
        kind=ListKind.OTO,
        activation=ListActivation.PARTIAL,
        legs=(LIST_LEG, LIST_LEG),
    ),
    li.FollowList(list_id=ORDER),
    li.ListAccepted(
        list_id=ORDER,
        purse=ALICE,
        symbol=SYMBOL,
        kind=ListKind.BRACKET,
        activation=ListActivation.FULL,
        order_ids=(ORDER, OrderId(ORDER + 1), OrderId(ORDER + 2)),
        quantity_lots=LARGE,
    ),
    li.HoldMoved(
        source_order_id=ORDER,
        target_order_id=OrderId(ORDER + 1),
        purse=ALICE,
        symbol=SYMBOL,
        units=LARGE,
    ),
    li.OrderResized(
        order_id=ORDER,
        purse=ALICE,
        symbol=SYMBOL,
        side=Side.SELL,
        quantity_lots=LARGE,
        hold_change_units=-LARGE,
        given_lots=5,
        resting_lots=7,
    ),
    li.ChildActivated(order_id=ORDER, purse=ALICE, symbol=SYMBOL),
    li.ListFollowed(list_id=ORDER, purse=ALICE, symbol=SYMBOL, unprotected_lots=LARGE),
    LIST_LEG,
    w.PricesSeen(symbol=SYMBOL, trades=3, others=True),
    w.OrderStarted(order_id=ORDER, purse=ALICE, symbol=SYMBOL, drawn_units=LARGE),
    Asset(USDT, 6),
    MARKET_RULES,
    Sealed("profile-1", b"\x00\xff ciphertext"),
    TRAIL,
    LEG,
    BOUNDS,
    RISK_MARK,
)


def _newest(cls: type[T]) -> T:
    (found,) = [example for example in EXAMPLES if type(example) is cls]
    assert isinstance(found, cls)
    return found


_PLAIN: Final[dict[str, Any]] = {
    "trigger": None,
    "display_lots": None,
    "reduce_only": False,
    "slide": False,
}

EARLIER: Final[tuple[object, ...]] = (
    attrs.evolve(_newest(m.PlaceOrder), **_PLAIN),
    attrs.evolve(_newest(m.OrderAccepted), **_PLAIN, leg=None, replaces=None),
    INSTRUMENT,
    m.ListInstrument(instrument=INSTRUMENT, request_id="r-4"),
    m.InstrumentListed(instrument=INSTRUMENT),
    m.MarketStateSet(symbol=SYMBOL, state=MarketState.HALTED, cause="drill"),
    attrs.evolve(_newest(m.Traded), auction=False),
    attrs.evolve(_newest(m.CancelAll), scope=CancelScope.ALL),
    m.MarkSet(symbol=SYMBOL, price_ticks=500_000, source="BINANCE"),
    attrs.evolve(_newest(m.OrderRested), hidden_lots=0),
    attrs.evolve(_newest(m.MarkRisk), known=None),
    attrs.evolve(_newest(m.MatchPrevented), taker_released_units=0, maker_released_units=0),
)
"""What the golden files of earlier versions say today."""
