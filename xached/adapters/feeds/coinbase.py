"""Coinbase live: the Advanced Trade market data stream, numbered without gaps.

Theory of operation. Every message of a connection carries the next ``sequence_num``, whatever its
channel. A number that is missing may have been a change of any book, so all books are started
anew: level2 is unsubscribed and subscribed again, and each product's new snapshot is waited for.
So is a change that cannot be read. A number that comes twice or late is left out. Once a second a
heartbeat says that nothing is missing while nothing happens.

Quantities are cut down to the house's lots (the venue's are finer). A market trade names the side
of its *maker*.

Source: Coinbase Advanced Trade API, "WebSocket Channels".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from xached.adapters.feeds.feed import (
    FrameFault,
    Steps,
    fault_of,
    load_json,
    read_list,
    read_object,
    read_rfc3339,
    read_whole,
)
from xached.adapters.feeds.session import Endpoint, Send, Turn, VenueRules, resets
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import (
    COINBASE,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedRecord,
    Heartbeat,
    Level,
    VenueTrade,
)
from xached.domain.order import Side

COINBASE_FRAME_BYTES_MAX: Final = 16 * 1024 * 1024
"""A snapshot has every level of the book: some 5 MB of BTC-USD."""

UPDATES_MAX: Final = 200_000
EVENTS_MAX: Final = 1_000
TRADES_MAX: Final = 10_000
CHANNELS: Final = ("heartbeats", "level2", "market_trades")


@attrs.define(eq=False)
class _Market:
    instrument: Instrument
    ticks: Steps
    lots: Steps
    change_id: int = 0
    """Numbers the records of the book; the venue numbers messages only."""
    started: bool = False
    """True between a snapshot and the next gap."""


class CoinbaseSession:
    """One connection; see :class:`xached.adapters.feeds.session.Session`."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        """``instruments``: by the venue's name, as BTC-USD."""
        self._markets = {
            name: _Market(each, Steps.of_price(each), Steps.of_quantity(each))
            for name, each in instruments.items()
        }
        self._names = {each.symbol: name for name, each in instruments.items()}
        self._next_number = 0

    target: str = "/"

    def open(self) -> Sequence[str]:
        """Subscribe to everything; the venue hangs up on whoever has not after five seconds."""
        return [_request("subscribe", channel, list(self._markets)) for channel in CHANNELS]

    def receive(self, frame: bytes, received_ns: int) -> Turn:
        """See Session."""
        if len(frame) > COINBASE_FRAME_BYTES_MAX:
            return Turn(records=[fault_of(frame, FaultCause.TOO_LONG)])
        lost: list[FeedRecord] = []
        try:
            message = read_object(load_json(frame))
            if message.get("type") == "error":
                raise FrameFault(FaultCause.REFUSED)
            number = read_whole(message.get("sequence_num"))
            if number < self._next_number:
                raise FrameFault(FaultCause.SEQUENCE)
            if number > self._next_number:
                lost = self._lose(frame, received_ns)
            # A change that cannot be read is as good as missing: the next number will show it.
            self._next_number = number if message.get("channel") == "l2_data" else number + 1
            records = self._records(message)
            self._next_number = number + 1
        except FrameFault as fault:
            records = [fault_of(frame, fault.cause)]
        return Turn(records=[*lost, *records], lost=tuple(self._names) if lost else ())

    def repair(self, symbol: Symbol) -> Send:
        """Subscribe to the book again; a snapshot follows."""
        name = self._names[symbol]
        self._markets[name].started = False
        return Send(
            (_request("unsubscribe", "level2", [name]), _request("subscribe", "level2", [name]))
        )

    def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:  # noqa: ARG002
        """Nothing is ever fetched, so nothing arrives."""
        raise AssertionError(f"{symbol} was never fetched")

    def awaits(self, symbol: Symbol) -> bool:
        """See Session."""
        return not self._markets[self._names[symbol]].started

    def _lose(self, frame: bytes, at_ns: int) -> list[FeedRecord]:
        started = [market for market in self._markets.values() if market.started]
        for market in started:
            market.started = False
        return [
            fault_of(frame, FaultCause.SEQUENCE),
            *resets(
                [market.instrument.symbol for market in started], at_ns, "a message is missing"
            ),
        ]

    # --- reading a message -------------------------------------------------------------------

    def _records(self, message: dict[str, Any]) -> list[FeedRecord]:
        at_ns = read_rfc3339(message.get("timestamp"))
        events = read_list(message.get("events"), EVENTS_MAX)
        match message.get("channel"):
            case "l2_data":
                books = [self._book(read_object(event), at_ns) for event in events]
                return [book for book in books if book is not None]
            case "market_trades":
                return [
                    trade
                    for event in events
                    # A snapshot is what was traded before: it would count twice after each cut.
                    if read_object(event).get("type") == "update"
                    for trade in self._trades(read_object(event))
                ]
            case "heartbeats":
                return [Heartbeat(at_ns=at_ns)]
            case "subscriptions":
                return []
            case _:
                raise FrameFault(FaultCause.UNKNOWN_FORM)

    def _book(self, event: dict[str, Any], at_ns: int) -> BookSnapshot | BookDiff | None:
        market = self._market(event.get("product_id"))
        bids: list[Level] = []
        asks: list[Level] = []
        ticks, lots = market.ticks.read, market.lots.read_down
        for update in read_list(event.get("updates"), UPDATES_MAX):
            level = read_object(update)
            price_ticks = ticks(level.get("price_level"))
            if not price_ticks:
                raise FrameFault(FaultCause.BAD_NUMBER)
            match level.get("side"):
                case "bid":
                    side = bids
                case "offer":
                    side = asks
                case _:
                    raise FrameFault(FaultCause.UNKNOWN_FORM)
            side.append((price_ticks, lots(level.get("new_quantity"))[0]))
        symbol, previous_id = market.instrument.symbol, market.change_id
        match event.get("type"):
            case "snapshot":
                market.started = True
                market.change_id += 1
                return BookSnapshot(
                    symbol=symbol,
                    last_id=market.change_id,
                    bids=tuple(bids),
                    asks=tuple(asks),
                    at_ns=at_ns,
                )
            case "update" if market.started:
                market.change_id += 1
                return BookDiff(
                    symbol=symbol,
                    previous_id=previous_id,
                    last_id=market.change_id,
                    bids=tuple(bids),
                    asks=tuple(asks),
                    at_ns=at_ns,
                )
            case "update":
                return None
            case _:
                raise FrameFault(FaultCause.UNKNOWN_FORM)

    def _trades(self, event: dict[str, Any]) -> list[FeedRecord]:
        trades: list[FeedRecord] = []
        # The newest comes first.
        for each in reversed(read_list(event.get("trades"), TRADES_MAX)):
            trade = read_object(each)
            market = self._market(trade.get("product_id"))
            price_ticks = market.ticks.read(trade.get("price"))
            quantity_lots, _ = market.lots.read_down(trade.get("size"))
            if not price_ticks:
                raise FrameFault(FaultCause.BAD_NUMBER)
            if quantity_lots:
                trades.append(
                    VenueTrade(
                        symbol=market.instrument.symbol,
                        trade_id=_trade_id(trade.get("trade_id")),
                        price_ticks=price_ticks,
                        quantity_lots=quantity_lots,
                        taker_side=_taker_side(trade.get("side")),
                        at_ns=read_rfc3339(trade.get("time")),
                    )
                )
        return trades

    def _market(self, name: object) -> _Market:
        market = self._markets.get(name) if isinstance(name, str) else None
        if market is None:
            raise FrameFault(FaultCause.UNKNOWN_SYMBOL)
        return market


def coinbase_name(instrument: Instrument) -> str:
    """Coinbase's name of an instrument: BTC-USDT."""
    return f"{instrument.base}-{instrument.quote}"


def _request(kind: str, channel: str, names: list[str]) -> str:
    return json.dumps({"type": kind, "channel": channel, "product_ids": names})


def _taker_side(maker_side: object) -> Side:
    match maker_side:
        case "BUY":
            return Side.SELL
        case "SELL":
            return Side.BUY
        case _:
            raise FrameFault(FaultCause.UNKNOWN_FORM)


def _trade_id(text: object) -> int:
    if not isinstance(text, str) or not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FrameFault(FaultCause.BAD_NUMBER)
    return read_whole(int(text))


COINBASE_RULES: Final = VenueRules(
    venue=COINBASE,
    stream=Endpoint(host="advanced-trade-ws.coinbase.com", port=443, tls=True),
    rest=Endpoint(host="api.coinbase.com", port=443, tls=True),
    fetches=False,
    frame_bytes_max=COINBASE_FRAME_BYTES_MAX,
    name=coinbase_name,
    session=CoinbaseSession,
)
