"""Kraken live: the stream of version 2, whose books carry a checksum.

Theory of operation. A subscription to a book begins with a snapshot of ``BOOK_LEVELS`` a side;
changes follow, unnumbered. After each of them the book is cut to so many levels (the venue says
nothing about a level that falls out), and the CRC32 of its ten best on each side must be the
``checksum`` of the message. The check needs prices and quantities exactly as the venue writes
them, so the book is kept here in the venue's own units, and what is reported is made of it in
ticks and lots. A book that fails the check is started anew by subscribing to it again; so is one
with a change that cannot be read.

Quantities are cut down to the house's lots (the venue's are finer). Each second without news
brings a heartbeat.

Source: Kraken Spot WebSocket API v2, "book" and the guide "Book checksum".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final
from zlib import crc32

import attrs

from xached.adapters.feeds.feed import (
    FRAME_BYTES_MAX,
    NUMBER_LENGTH_MAX,
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
from xached.domain.depth import Depth
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import (
    KRAKEN,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedRecord,
    Heartbeat,
    Level,
    VenueTrade,
)
from xached.domain.order import Side

BOOK_LEVELS: Final = 100
"""Levels a side that are subscribed to: one of the 10, 25, 100, 500 and 1,000 there are."""

CHECKED_LEVELS: Final = 10
UPDATES_MAX: Final = 10_000
BOOKS_MAX: Final = 1_000
TRADES_MAX: Final = 10_000
DECIMALS_MAX: Final = 20

_NUMBER: Final = re.compile(r"(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,2}))?", re.ASCII)


class KrakenBook:
    """A book as the venue writes it: whole units of its own smallest decimal places.

    The venue writes every number of a book to the same decimal places; they are learnt from the
    longest that was met, so a writer that leaves out zeros at the end is understood too.
    """

    def __init__(self, levels: int) -> None:
        self._levels = levels
        self._depth = Depth()
        self._price_scale = 0
        self._quantity_scale = 0

    def set(self, side: Side, price: str, quantity: str) -> None:
        """Replace the quantity at a price; both are plain decimals."""
        price_units = self._units(price, self._price_scale)
        quantity_units = self._units(quantity, self._quantity_scale)
        if price_units is None or quantity_units is None:
            self._rescale(_scale(price), _scale(quantity))
            self.set(side, price, quantity)
            return
        self._depth.set(side, price_units, quantity_units)

    def cut(self) -> dict[Side, list[str]]:
        """Drop what is beyond the subscribed levels; returns the prices that were dropped."""
        return {
            side: [self._text(units) for units in self._depth.cut(side, self._levels)]
            for side in Side
        }

    def checksum(self) -> int:
        """CRC32 of the ten best asks, then the ten best bids.

        Each is price and quantity without the point and without zeros in front.
        """
        best = self._depth.asks(CHECKED_LEVELS) + self._depth.bids(CHECKED_LEVELS)
        return crc32("".join([f"{price}{quantity}" for price, quantity in best]).encode())

    def _units(self, text: str, scale: int) -> int | None:
        whole, _, fraction = text.partition(".")
        return None if len(fraction) > scale else int(whole + fraction.ljust(scale, "0"))

    def _text(self, price_units: int) -> str:
        digits = str(price_units).rjust(self._price_scale + 1, "0")
        cut = len(digits) - self._price_scale
        return f"{digits[:cut]}.{digits[cut:]}" if self._price_scale else digits

    def _rescale(self, price_scale: int, quantity_scale: int) -> None:
        price_by = 10 ** max(price_scale - self._price_scale, 0)
        quantity_by = 10 ** max(quantity_scale - self._quantity_scale, 0)
        before, self._depth = self._depth, Depth()
        for side, levels in (
            (Side.BUY, before.bids(len(before))),
            (Side.SELL, before.asks(len(before))),
        ):
            for price, quantity in levels:
                self._depth.set(side, price * price_by, quantity * quantity_by)
        self._price_scale = max(self._price_scale, price_scale)
        self._quantity_scale = max(self._quantity_scale, quantity_scale)


@attrs.define(eq=False)
class _Market:
    instrument: Instrument
    ticks: Steps
    lots: Steps
    book: KrakenBook | None = None
    """None until a snapshot comes, and after a failed check until the next."""
    change_id: int = 0
    """Numbers the records of the book; the venue numbers nothing."""

    def level(self, price: str, quantity: str) -> Level:
        """In ticks and lots."""
        price_ticks = self.ticks.read(price)
        if not price_ticks:
            raise FrameFault(FaultCause.BAD_NUMBER)
        return price_ticks, self.lots.read_down(quantity)[0]


class KrakenSession:
    """One connection; see :class:`xached.adapters.feeds.session.Session`."""

    target: str = "/v2"

    def __init__(self, instruments: Mapping[str, Instrument], levels: int = BOOK_LEVELS) -> None:
        """``instruments``: by the venue's name, as BTC/USD."""
        self._levels = levels
        self._markets = {
            name: _Market(each, Steps.of_price(each), Steps.of_quantity(each))
            for name, each in instruments.items()
        }
        self._names = {each.symbol: name for name, each in instruments.items()}

    def open(self) -> Sequence[str]:
        """Subscribe to books, and to trades from now on."""
        names = list(self._markets)
        return [
            self._book_request("subscribe", names),
            _request("subscribe", {"channel": "trade", "symbol": names, "snapshot": False}),
        ]

    def receive(self, frame: bytes, received_ns: int) -> Turn:
        """See Session."""
        if len(frame) > FRAME_BYTES_MAX:
            return Turn(records=[fault_of(frame, FaultCause.TOO_LONG)])
        try:
            message = read_object(load_json(frame, str))
            if "method" in message:
                if message.get("success") is not True:
                    raise FrameFault(FaultCause.REFUSED)
                return Turn()
            match message.get("channel"):
                case "book":
                    return self._books(message, frame, received_ns)
                case "trade":
                    return Turn(records=self._trades(message))
                case "heartbeat" | "status":
                    return Turn(records=[Heartbeat(at_ns=received_ns)])
                case _:
                    raise FrameFault(FaultCause.UNKNOWN_FORM)
        except FrameFault as fault:
            return Turn(records=[fault_of(frame, fault.cause)])

    def repair(self, symbol: Symbol) -> Send:
        """Subscribe to the book again; a snapshot follows."""
        name = self._names[symbol]
        self._markets[name].book = None
        return Send(
            (self._book_request("unsubscribe", [name]), self._book_request("subscribe", [name]))
        )

    def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:  # noqa: ARG002
        """Nothing is ever fetched, so nothing arrives."""
        raise AssertionError(f"{symbol} was never fetched")

    def awaits(self, symbol: Symbol) -> bool:
        """See Session."""
        return self._markets[self._names[symbol]].book is None

    # --- books -------------------------------------------------------------------------------

    def _books(self, message: dict[str, Any], frame: bytes, at_ns: int) -> Turn:
        records: list[FeedRecord] = []
        lost: list[Symbol] = []
        starts = _starts(message)
        for each in read_list(message.get("data"), BOOKS_MAX):
            data = read_object(each)
            market = self._market(data.get("symbol"))
            try:
                records += self._book(market, data, starts, at_ns)
            except FrameFault as fault:
                # Whatever was wrong with it, the book has missed a change.
                records.append(fault_of(frame, fault.cause))
                market.book = None
                lost.append(market.instrument.symbol)
                records += resets(lost[-1:], at_ns, f"the book was lost: {fault.cause.value}")
        return Turn(records=records, lost=lost)

    def _book(
        self, market: _Market, data: dict[str, Any], starts: bool, received_ns: int
    ) -> list[FeedRecord]:
        if starts:
            market.book = KrakenBook(self._levels)
        book = market.book
        if book is None:
            return []
        bids: list[Level] = []
        asks: list[Level] = []
        for side, key, levels in ((Side.BUY, "bids", bids), (Side.SELL, "asks", asks)):
            for each in read_list(data.get(key), UPDATES_MAX):
                update = read_object(each)
                price, quantity = _decimal(update.get("price")), _decimal(update.get("qty"))
                book.set(side, price, quantity)
                levels.append(market.level(price, quantity))
        dropped = book.cut()
        bids += [market.level(price, "0") for price in dropped[Side.BUY]]
        asks += [market.level(price, "0") for price in dropped[Side.SELL]]
        if book.checksum() != read_whole(data.get("checksum")):
            raise FrameFault(FaultCause.CHECKSUM)
        at_ns = read_rfc3339(data["timestamp"]) if "timestamp" in data else received_ns
        previous_id = market.change_id
        market.change_id += 1
        make = BookSnapshot if starts else partial(BookDiff, previous_id=previous_id)
        return [
            make(
                symbol=market.instrument.symbol,
                last_id=market.change_id,
                bids=tuple(bids),
                asks=tuple(asks),
                at_ns=at_ns,
            )
        ]

    def _book_request(self, method: str, names: list[str]) -> str:
        return _request(method, {"channel": "book", "symbol": names, "depth": self._levels})

    # --- trades ------------------------------------------------------------------------------

    def _trades(self, message: dict[str, Any]) -> list[FeedRecord]:
        if _starts(message):
            return []  # Traded before: it would count twice after each cut.
        trades: list[FeedRecord] = []
        for each in read_list(message.get("data"), TRADES_MAX):
            trade = read_object(each)
            market = self._market(trade.get("symbol"))
            price_ticks, quantity_lots = market.level(
                _decimal(trade.get("price")), _decimal(trade.get("qty"))
            )
            if quantity_lots:
                trades.append(
                    VenueTrade(
                        symbol=market.instrument.symbol,
                        trade_id=read_whole(trade.get("trade_id")),
                        price_ticks=price_ticks,
                        quantity_lots=quantity_lots,
                        taker_side=_side(trade.get("side")),
                        at_ns=read_rfc3339(trade.get("timestamp")),
                    )
                )
        return trades

    def _market(self, name: object) -> _Market:
        market = self._markets.get(name) if isinstance(name, str) else None
        if market is None:
            raise FrameFault(FaultCause.UNKNOWN_SYMBOL)
        return market


def kraken_name(instrument: Instrument) -> str:
    """Kraken's name of an instrument: BTC/USDT."""
    return f"{instrument.base}/{instrument.quote}"


def _request(method: str, params: dict[str, Any]) -> str:
    return json.dumps({"method": method, "params": params})


def _starts(message: dict[str, Any]) -> bool:
    match message.get("type"):
        case "snapshot":
            return True
        case "update":
            return False
        case _:
            raise FrameFault(FaultCause.UNKNOWN_FORM)


def _side(taker_side: object) -> Side:
    match taker_side:
        case "buy":
            return Side.BUY
        case "sell":
            return Side.SELL
        case _:
            raise FrameFault(FaultCause.UNKNOWN_FORM)


def _scale(decimal: str) -> int:
    return len(decimal.partition(".")[2])


def _decimal(value: object) -> str:
    """A number as the venue wrote it, without its exponent. Raises: FrameFault BAD_NUMBER."""
    if (
        isinstance(value, int)
        and not isinstance(value, bool)
        and 0 <= value < 10**NUMBER_LENGTH_MAX
    ):
        return str(value)
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found[0]) > NUMBER_LENGTH_MAX:
        raise FrameFault(FaultCause.BAD_NUMBER)
    whole, fraction, exponent = found[1], found[2] or "", int(found[3] or 0)
    if exponent < 0:
        digits = whole.rjust(1 - exponent, "0")
        whole, fraction = digits[:exponent], digits[exponent:] + fraction
    elif exponent > 0:
        digits = fraction.ljust(exponent, "0")
        whole, fraction = whole + digits[:exponent], digits[exponent:]
    if len(fraction) > DECIMALS_MAX:
        raise FrameFault(FaultCause.BAD_NUMBER)
    return f"{whole}.{fraction}" if fraction else whole


KRAKEN_RULES: Final = VenueRules(
    venue=KRAKEN,
    stream=Endpoint(host="ws.kraken.com", port=443, tls=True),
    rest=Endpoint(host="api.kraken.com", port=443, tls=True),
    fetches=False,
    frame_bytes_max=FRAME_BYTES_MAX,
    name=kraken_name,
    session=KrakenSession,
)
