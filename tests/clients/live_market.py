"""A scripted house with a market that is alive, for the clients that draw one."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message
from xache.v1 import market_pb2, strategy_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.clients.house import BINANCE, INSTRUMENT, NOW_NS, XACHE, House, check

MINUTE_NS: Final = 60_000_000_000

OTHER: Final = types_pb2.Instrument(
    symbol="ETH-USDT", base="ETH", quote="USDT", state=types_pb2.MARKET_STATE_CANCEL_ONLY
)


def book(symbol: str, bid: str, ask: str, source: types_pb2.Source = XACHE) -> Message:
    snapshot = market_pb2.BookSnapshot(
        bids=[market_pb2.BookLevel(price=bid, quantity="2")],
        asks=[market_pb2.BookLevel(price=ask, quantity="1")],
    )
    message = market_pb2.WatchBookResponse(
        symbol=symbol, source=source, sequence=1, at_ns=NOW_NS, snapshot=snapshot
    )
    return check(message, f"{ask}:1,{bid}:2")


def candles(close: str) -> market_pb2.ListCandlesResponse:
    candle = market_pb2.Candle(
        open_at_ns=NOW_NS // MINUTE_NS * MINUTE_NS,
        open="100.00", high="130.00", low="90.00", close=close, volume="3", closed=True,
    )  # fmt: skip
    return market_pb2.ListCandlesResponse(
        symbol="BTC-USDT", source=XACHE, interval=market_pb2.INTERVAL_1M, candles=[candle]
    )


def ticker(symbol: str, source: types_pb2.Source, last: str, **more: Any) -> market_pb2.Ticker:
    return market_pb2.Ticker(symbol=symbol, source=source, last=last, open="100.00", **more)


def enliven(house: House) -> House:
    """Give a house two markets, two sources, a trade, an order and money."""
    house.answers["ListInstruments"] = market_pb2.ListInstrumentsResponse(
        instruments=[INSTRUMENT, OTHER]
    )
    tickers = [
        ticker("BTC-USDT", XACHE, "110.00", bid="109.00", ask="111.00"),
        ticker("BTC-USDT", BINANCE, "112.00", stale=True),
        ticker("ETH-USDT", XACHE, "9.00"),
    ]
    house.streams["WatchTickers"] = [[market_pb2.WatchTickersResponse(tickers=tickers)]]
    house.streams["WatchBook"] = [[book("BTC-USDT", "109.00", "111.00")]]
    trade = market_pb2.Trade(
        sequence=7, price="110.50", quantity="0.25", at_ns=NOW_NS, taker_side=types_pb2.SIDE_SELL
    )
    house.answers["ListTrades"] = market_pb2.ListTradesResponse(trades=[trade])
    house.answers["ListCandles"] = candles("120.00")
    order = types_pb2.Order(
        symbol="BTC-USDT", side=types_pb2.SIDE_BUY, type=types_pb2.ORDER_TYPE_LIMIT,
        price="109.00", quantity="0.7", executed_quantity="0.2", leaves_quantity="0.5",
        status=types_pb2.ORDER_STATUS_PARTIALLY_FILLED, client_order_id="mine-1", order_id="41",
    )  # fmt: skip
    house.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(orders=[order])
    position = types_pb2.Position(
        symbol="BTC-USDT", quantity="0.2", average_price="109.10", unrealised="-0.02", realised="3"
    )
    house.answers["ListPositions"] = trading_pb2.ListPositionsResponse(positions=[position])
    strategy = strategy_pb2.Strategy(
        name="trend", plugin="sma", stage=strategy_pb2.STRATEGY_STAGE_PAPER, budget="500",
        budget_asset="USDT", wish=strategy_pb2.STRATEGY_WISH_RUNNING, ready=True, open_orders=3,
        last_note="waiting for a cross",
    )  # fmt: skip
    operated = strategy_pb2.OperatedStrategy(
        name="crossing", plugin="sma", subaccount="grid", ready=True, open_orders=2,
        last_note="began",
    )  # fmt: skip
    house.answers["ListStrategies"] = strategy_pb2.ListStrategiesResponse(
        strategies=[strategy], operated=[operated]
    )
    house.answers["GetPortfolio"] = wallet_pb2.GetPortfolioResponse(
        base_asset="USDT",
        value="1234.50",
        return_24h_ppm=-15_000,
        allocations=[
            wallet_pb2.Allocation(asset="USDT", quantity="1000", value="1000", share_ppm=810_000)
        ],
    )
    return house
