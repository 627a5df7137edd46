"""Auctions on a real exchange: the money of random ones adds up, trades are those worked out.

Checked by breaking, each seen red: a seller charged as a taker, an iceberg that counts only what
it shows, a market order that stays, an uncross that is skipped when a state is left.
"""

from __future__ import annotations

import math
import os
from collections import defaultdict
from fractions import Fraction

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.test_instrument import make_instrument
from xached.domain.exchange import Exchange
from xached.domain.instrument import Asset
from xached.domain.messages import (
    Command,
    Deposit,
    Event,
    ListAsset,
    ListInstrument,
    MatchPrevented,
    OpenPurse,
    OrderEnded,
    PlaceOrder,
    SetMark,
    SetMarketState,
    SetRiskLimits,
    Traded,
)
from xached.domain.order import (
    EndReason,
    MarketState,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.uncrossing import auction_of

EXAMPLES = 4_000 if os.environ.get("XACHE_LONG") else 150
PURSES = tuple(Purse(f"{name}/main") for name in ("alice", "bob", "carol", "dave"))
REFERENCE = 50
MARKET = make_instrument(
    tick_step=1,
    price_scale=2,
    lot_units=10**6,
    buy_band_up_ppm=400_000,
    buy_band_down_ppm=400_000,
    sell_band_up_ppm=400_000,
    sell_band_down_ppm=400_000,
    maker_fee_ppm=1_237,
    taker_fee_ppm=3_011,
)
SYMBOL = MARKET.symbol


@attrs.define
class Floor:
    """An exchange with funded purses, and the rows of it."""

    exchange: Exchange = attrs.field(factory=Exchange)
    rows: list[tuple[int, tuple[Event, ...]]] = attrs.field(factory=list)
    seq: int = 0

    def tell(self, command: Command) -> tuple[Event, ...]:
        """Decide and apply a command and what becomes due."""
        self.seq += 1
        events: list[Event] = []
        decided = self.exchange.decide(command, self.seq, self.seq)
        while decided:
            for event in decided:
                self.exchange.apply(event, self.seq, self.seq)
            events += decided
            step = self.exchange.next_due()
            decided = self.exchange.decide(step, self.seq, self.seq) if step is not None else ()
        self.rows.append((self.seq, tuple(events)))
        return tuple(events)

    def open(self) -> None:
        """List the market and let it gather."""
        for asset in (Asset(MARKET.base, 8), Asset(MARKET.quote, 8)):
            self.tell(ListAsset(asset=asset, request_id=""))
        self.tell(ListInstrument(instrument=MARKET, request_id=""))
        limits = ((MARKET.quote, 10**30),)
        self.tell(
            SetRiskLimits(
                purse=None, max_open_orders=99, max_order_notional_units=limits, request_id=""
            )
        )
        self.tell(SetMark(symbol=SYMBOL, price_ticks=REFERENCE, source="test", request_id=""))
        for purse in PURSES:
            self.tell(OpenPurse(purse=purse, simulated=False, request_id=""))
            for asset_name in (MARKET.base, MARKET.quote):
                self.tell(
                    Deposit(purse=purse, asset=asset_name, amount_units=10**20, request_id="")
                )
        self.gather(gathers=True)

    def gather(self, *, gathers: bool) -> tuple[Event, ...]:
        """Begin an auction, or end it."""
        state = MarketState.AUCTION if gathers else MarketState.TRADING
        return self.tell(SetMarketState(symbol=SYMBOL, state=state, cause="test", request_id=""))


@st.composite
def orders(draw: st.DrawFn) -> PlaceOrder:
    at_market = draw(st.integers(0, 4)) == 0
    lots = draw(st.integers(1, 12))
    shows = not at_market and draw(st.booleans())
    return PlaceOrder(
        purse=draw(st.sampled_from(PURSES)),
        client_order_id="",
        symbol=SYMBOL,
        side=draw(st.sampled_from(Side)),
        type=OrderType.MARKET if at_market else OrderType.LIMIT,
        time_in_force=TimeInForce.IOC if at_market else TimeInForce.GTC,
        price_ticks=None if at_market else REFERENCE + draw(st.integers(-6, 6)),
        quantity_lots=lots,
        quote_units=None,
        post_only=False,
        self_trade_prevention=draw(st.sampled_from(SelfTradePrevention)),
        expires_at_ns=None,
        display_lots=draw(st.integers(1, lots)) if shows else None,
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.lists(orders(), max_size=12), min_size=1, max_size=3), st.integers(-4, 4))
def test_the_money_of_auctions_adds_up(rounds: list[list[PlaceOrder]], moved: int) -> None:
    floor = Floor()
    floor.open()
    exchange, notionals = floor.exchange, defaultdict[int, int](int)
    positions: dict[Purse, int] = defaultdict(int)
    for number, gathered in enumerate(rounds):
        if number:
            floor.gather(gathers=True)
        for place, terms in enumerate(gathered):
            floor.tell(attrs.evolve(terms, client_order_id=f"o{number}-{place}"))
            exchange.check()
        floor.tell(
            SetMark(symbol=SYMBOL, price_ticks=REFERENCE + moved, source="test", request_id="")
        )
        expected = auction_of(exchange.state, exchange.state.markets[SYMBOL])
        before = dict(exchange.state.orders)
        events = floor.gather(gathers=False)
        exchange.check()
        trades = [event for event in events if isinstance(event, Traded)]
        lots: dict[tuple[int, int], int] = defaultdict(int)
        for trade in trades:
            assert expected.indication is not None
            assert trade.price_ticks == expected.indication.price_ticks
            assert trade.auction
            buyer, seller = trade.taker_order_id, trade.maker_order_id
            if trade.taker_side is Side.SELL:
                buyer, seller = seller, buyer
            assert trade.taker_order_id > trade.maker_order_id
            lots[buyer, seller] += trade.quantity_lots
            # What was bought a moment ago is sold out of the position as well.
            sold = min(trade.quantity_lots, positions[before[seller].purse])
            assert trade.seller_position_lots == sold
            positions[before[seller].purse] -= sold
            positions[before[buyer].purse] += trade.quantity_lots
            for order_id in (buyer, seller):
                notionals[order_id] += trade.notional_units
        assert lots == {
            (pairing.buy.order_id, pairing.sell.order_id): pairing.lots
            for pairing in expected.pairings
        }
        prevented = [event for event in events if isinstance(event, MatchPrevented)]
        assert [event.taker_order_id for event in prevented] == [
            met.later.order_id for met in expected.self_matches
        ]
        ended = {event.order_id: event for event in events if isinstance(event, OrderEnded)}
        for order_id, order in before.items():
            # Both sides pay what a maker pays, rounded once for an order.
            fee = math.ceil(Fraction(notionals[order_id] * MARKET.maker_fee_ppm, 10**6))
            assert order.fee_units == fee
            if order.type is OrderType.MARKET:
                assert ended[order_id].reason in (
                    EndReason.NONE,
                    EndReason.NO_LIQUIDITY,
                    EndReason.SELF_TRADE,
                )
        snapshot = exchange.snapshot()
        replayed = Exchange()
        for seq, row in floor.rows:
            for event in row:
                replayed.apply(event, seq, seq)
        assert replayed.snapshot() == snapshot
        assert Exchange.restore(snapshot).snapshot() == snapshot
