"""A small house whose rows the storage tests keep: one market, a few purses, a seeded flow."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import attrs

from xached.domain.exchange import Exchange
from xached.domain.instrument import Asset, AssetName, Instrument, Symbol
from xached.domain.market_messages import OpenSubaccount, TransferFunds
from xached.domain.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    Deposit,
    Event,
    ListAsset,
    ListInstrument,
    OpenPurse,
    PlaceOrder,
    ReplaceOrder,
    Row,
    SetMark,
    SetMarketState,
    SetRiskLimits,
)
from xached.domain.order import (
    EndReason,
    MarketState,
    Order,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.rejection import Rejection

KEY = bytes(range(32))
SYMBOL = Symbol("BTC-USDT")
PURSES = tuple(Purse(f"{name}/main") for name in ("alice", "bob", "carol"))
SAVINGS = Purse("alice/savings")
MARK_TICKS = 500_000
MODES = (SelfTradePrevention.EXPIRE_TAKER, SelfTradePrevention.DECREMENT)

INSTRUMENT = Instrument(
    symbol=SYMBOL,
    base=AssetName("BTC"),
    quote=AssetName("USDT"),
    base_scale=8,
    quote_scale=6,
    price_scale=1,
    tick_step=1,
    lot_units=1_000,
    min_price_ticks=1,
    max_price_ticks=10_000_000,
    min_quantity_lots=1,
    max_quantity_lots=1_000_000,
    max_market_quantity_lots=1_000_000,
    min_notional_units=0,
    max_notional_units=10**15,
    buy_band_up_ppm=100_000,
    buy_band_down_ppm=100_000,
    sell_band_up_ppm=100_000,
    sell_band_down_ppm=100_000,
    maker_fee_ppm=100,
    taker_fee_ppm=1_000,
    max_open_orders=200,
)


def zero_entropy(n: int) -> bytes:
    """The house id of tests."""
    return bytes(n)


class House:
    """An exchange that is told things, and the rows that come of it."""

    def __init__(self, seed: int, *, auctions: bool = True) -> None:
        self._auctions = auctions
        self.exchange = Exchange()
        self.seq = 0
        self._random = random.Random(seed)
        self._opening = self._open()
        self._ids = 0

    def next_row(self) -> Row:
        """Something happens: first the house is set up, then people trade."""
        while True:
            row = self.tell(next(self._opening, None) or self._trade())
            if row is not None:
                return row

    def open(self) -> None:
        """Set the house up, before anybody trades."""
        for command in self._opening:
            self.tell(command)

    def rows(self, count: int) -> list[Row]:
        """The next ``count`` rows."""
        return [self.next_row() for _ in range(count)]

    @property
    def next_at_ns(self) -> int:
        """When the next row will be."""
        return (self.seq + 1) * 1_000_000

    def again(self, command: PlaceOrder, **changes: Any) -> PlaceOrder:
        """The same order under another id."""
        self._ids += 1
        return attrs.evolve(command, client_order_id=f"o{self._ids}", **changes)

    def tell(self, command: Command) -> Row | None:
        """Decide and apply; None when it was refused or changed nothing."""
        seq, at_ns = self.seq + 1, self.next_at_ns
        try:
            events = self.exchange.decide(command, seq, at_ns)
        except Rejection:
            return None
        if not events:
            return None
        apply(self.exchange, events, seq, at_ns)
        self.seq = seq
        return Row(seq=seq, at_ns=at_ns, command=command, events=events)

    def _open(self) -> Iterator[Command]:
        for name, scale in (("BTC", 8), ("USDT", 6)):
            yield ListAsset(asset=Asset(AssetName(name), scale), request_id=f"asset-{name}")
        yield ListInstrument(instrument=INSTRUMENT, request_id="instrument")
        yield SetRiskLimits(
            purse=None,
            max_open_orders=200,
            max_order_notional_units=((AssetName("USDT"), 10**14),),
            request_id="limits",
        )
        yield SetMark(symbol=SYMBOL, price_ticks=MARK_TICKS, source="TEST", request_id="mark")
        yield SetMarketState(
            symbol=SYMBOL, state=MarketState.TRADING, cause="opening", request_id="trading"
        )
        yield OpenPurse(purse=PURSES[0], simulated=False, request_id="open-main")
        yield OpenSubaccount(purse=SAVINGS, request_id="open-savings")
        for purse in PURSES:
            yield OpenPurse(purse=purse, simulated=False, request_id=f"open-{purse[:3]}")
            for asset, units in (("BTC", 10**11), ("USDT", 10**13)):
                yield Deposit(
                    purse=purse,
                    asset=AssetName(asset),
                    amount_units=units,
                    request_id=f"fund-{purse[:3]}-{asset}",
                )

    def _trade(self) -> Command:
        draw = self._random
        self._ids += 1
        purse = draw.choice(PURSES)
        kind = draw.random()
        if kind < 0.25 and self.exchange.state.orders:
            order = draw.choice(list(self.exchange.state.orders.values()))
            return CancelOrder(
                purse=order.purse,
                order_id=order.order_id,
                client_order_id=None,
                request_id=f"c{self._ids}",
                reason=EndReason.USER,
            )
        if self._auctions and 0.28 <= kind < 0.30:
            # Every other one ends an auction, in which everybody gathered meets.
            gathers = self.exchange.state.markets[SYMBOL].state is MarketState.TRADING
            return SetMarketState(
                symbol=SYMBOL,
                state=MarketState.AUCTION if gathers else MarketState.TRADING,
                cause="test",
                request_id=f"s{self._ids}",
            )
        if 0.25 <= kind < 0.27:
            return self._transfer()
        if kind < 0.28:
            return CancelAll(
                purse=purse, symbol=None, request_id=f"a{self._ids}", reason=EndReason.USER
            )
        if kind < 0.36 and self.exchange.state.orders:
            return self._change(draw.choice(list(self.exchange.state.orders.values())))
        market = kind > 0.9
        lots = draw.randrange(1, 2_000)
        display_lots = draw.randrange(lots // 10 + 1, lots + 1) if kind < 0.5 else None
        return PlaceOrder(
            purse=purse,
            client_order_id=f"o{self._ids}",
            symbol=SYMBOL,
            side=draw.choice((Side.BUY, Side.SELL)),
            type=OrderType.MARKET if market else OrderType.LIMIT,
            time_in_force=TimeInForce.IOC if market else TimeInForce.GTC,
            price_ticks=None if market else MARK_TICKS + draw.randrange(-30, 31),
            quantity_lots=lots,
            display_lots=display_lots,
            quote_units=None,
            post_only=not market and draw.random() < 0.3,
            self_trade_prevention=draw.choice(MODES),
            expires_at_ns=None,
        )

    def _transfer(self) -> Command:
        """Between two purses of alice: one trades, the other is only ever given money."""
        draw = self._random
        pair = [PURSES[0], SAVINGS]
        draw.shuffle(pair)
        asset = AssetName(draw.choice(("BTC", "USDT")))
        free = self.exchange.state.ledger.available_units(pair[0], asset)
        return TransferFunds(
            source=pair[0],
            target=pair[1],
            asset=asset,
            amount_units=draw.randrange(free // 100 + 1),
            request_id=f"t{self._ids}",
        )

    def _change(self, order: Order) -> Command:
        draw = self._random
        least = order.executed_lots + order.prevented_lots
        if draw.random() < 0.5:
            return AmendOrder(
                purse=order.purse,
                symbol=order.symbol,
                order_id=order.order_id,
                client_order_id=None,
                quantity_lots=least + draw.randrange(1, order.leaves_lots + 1),
                expected_executed_lots=None,
                request_id=f"m{self._ids}",
            )
        return ReplaceOrder(
            purse=order.purse,
            symbol=order.symbol,
            replaced_order_id=order.order_id,
            replaced_client_order_id=None,
            client_order_id=f"o{self._ids}",
            price_ticks=MARK_TICKS + draw.randrange(-30, 31),
            quantity_lots=least + draw.randrange(1, 2_000),
            stop_ticks=None,
            display_lots=None,
            expires_at_ns=None,
            expected_executed_lots=None,
        )


def apply(exchange: Exchange, events: tuple[Event, ...], seq: int, at_ns: int) -> None:
    """Apply one row's events."""
    for event in events:
        exchange.apply(event, seq, at_ns)
