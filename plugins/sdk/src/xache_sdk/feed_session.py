"""A feed at work: questions of the daemon in, answers out. The same in its process and in tests.

What a feed gives becomes whole ticks and lots here, and what a venue does not number is numbered:
each book of its own, from 1, as it comes. A frame that cannot be used leaves a gap in those
numbers, so that such a book is started anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from xache_sdk.exact import EXACT
from xache_sdk.feeds import (
    KEEP_ALIVE_S_MIN,
    LEVELS_MAX,
    MESSAGE_BYTES_MAX,
    MESSAGES_MAX,
    RECORDS_MAX,
    TURN_LEVELS_MAX,
    Alive,
    BadFrame,
    Book,
    BookChange,
    Connection,
    Feed,
    Fetch,
    Lost,
    Market,
    Number,
    Quote,
    Quoted,
    Reconnect,
    Record,
    Refused,
    Reply,
    Send,
    Trade,
    Way,
)
from xache_sdk.market import Instrument, Side
from xache_sdk.v1 import plugin_pb2

INT64_MAX: Final = 2**63 - 1
EXCERPT_LENGTH_MAX: Final = 120

UNREADABLE: Final = (
    BadFrame, ValueError, LookupError, TypeError, AttributeError, ArithmeticError,
)  # fmt: skip
"""What reading a frame raises when the frame is to blame."""

_SIDES: Final = {Side.BUY: plugin_pb2.PLUGIN_SIDE_BUY, Side.SELL: plugin_pb2.PLUGIN_SIDE_SELL}


class OffStep(ValueError):  # noqa: N818 - it says what is the matter
    """A price between two ticks."""


class FeedSession:
    """One feed on one connection."""

    def __init__(self, feed: Feed[Any]) -> None:
        self._feed = feed
        self._instruments = {each.symbol: each.instrument for each in feed.markets}
        self._numbers: Counter[str] = Counter()
        """Of books without numbers of the venue's: the last change."""
        self._quotes: Counter[str] = Counter()

    def connection(self) -> plugin_pb2.PluginFeedConnection:
        """How to connect. Raises: what the feed raises, TypeError and ValueError for its answer."""
        found = self._feed.connection()
        if not isinstance(found, Connection):
            raise TypeError(f"connection() returns a Connection, not {type(found).__name__}")
        if found.keep_alive and not found.keep_alive_s >= KEEP_ALIVE_S_MIN:
            raise ValueError(f"keep_alive_s is at least {KEEP_ALIVE_S_MIN}")
        return plugin_pb2.PluginFeedConnection(
            stream=found.stream,
            rest=found.rest,
            messages=checked_messages(found.messages),
            keep_alive=found.keep_alive,
            keep_alive_ms=round(found.keep_alive_s * 1_000) if found.keep_alive else 0,
            snapshots_come=found.snapshots_come,
        )

    def receive(self, frame: bytes, received_ns: int) -> plugin_pb2.PluginFeedTurn:
        """Read a frame. Raises: what the feed raises that is no fault of the frame."""
        return self._turn(lambda: self._feed.receive(frame), frame, received_ns)

    def snapshot(self, symbol: str, body: bytes, received_ns: int) -> plugin_pb2.PluginFeedTurn:
        """Read the answer to a request. Raises: as above."""
        return self._turn(lambda: self._feed.snapshot(symbol, body), body, received_ns)

    def repair(self, symbol: str) -> plugin_pb2.PluginFeedTurn:
        """How a book gets its next snapshot. Raises: what the feed raises; TypeError."""
        return plugin_pb2.PluginFeedTurn(way=_write_way(self._feed.repair(symbol)))

    def _turn(
        self, read: Callable[[], Iterable[Record]], frame: bytes, received_ns: int
    ) -> plugin_pb2.PluginFeedTurn:
        turn, levels = plugin_pb2.PluginFeedTurn(), 0
        try:
            # One that yields runs here too.
            for count, record in enumerate(read(), 1):
                if count > RECORDS_MAX:
                    raise BadFrame(f"more than {RECORDS_MAX} records of one frame")
                self._add(turn, record, received_ns)
                if isinstance(record, Book | BookChange):
                    levels += _count_levels(turn.records[-1])
                    if levels > TURN_LEVELS_MAX:
                        raise BadFrame(f"more than {TURN_LEVELS_MAX} levels of one frame")
        except UNREADABLE as error:
            return self._unreadable(frame, error)
        return turn

    def _unreadable(self, frame: bytes, error: Exception) -> plugin_pb2.PluginFeedTurn:
        # A frame is used as a whole or not at all: the records before are dropped with it.
        turn = plugin_pb2.PluginFeedTurn()
        cause = "OFF_STEP" if isinstance(error, OffStep) else "UNKNOWN_FORM"
        text = f"{type(error).__name__}: {error}: ".encode() + frame
        excerpt = text[:EXCERPT_LENGTH_MAX].decode("ascii", "backslashreplace")
        turn.records.add(fault=plugin_pb2.PluginFeedFault(cause=cause, excerpt=excerpt))
        for symbol in list(self._numbers):
            self._numbers[symbol] += 1
            turn.records.add(lost=symbol)
        return turn

    def _add(self, turn: plugin_pb2.PluginFeedTurn, record: Record, received_ns: int) -> None:
        match record:
            case Trade():
                trade = self._trade(record, received_ns)
                if trade.quantity_lots:  # The house knows no trade of less than a lot.
                    turn.records.add(trade=trade)
            case Book():
                turn.records.add(snapshot=self._book(record, received_ns))
            case BookChange():
                turn.records.add(change=self._change(record, received_ns))
            case Quote():
                turn.records.add(quote=self._quote(record, received_ns))
            case Alive():
                turn.records.add(alive=True)
            case Refused():
                fault = plugin_pb2.PluginFeedFault(
                    cause="REFUSED", excerpt=record.text[:EXCERPT_LENGTH_MAX]
                )
                turn.records.add(fault=fault)
            case Lost():
                if record.symbol in self._numbers:
                    self._numbers[record.symbol] += 1
                turn.records.add(lost=self._instrument(record.symbol).symbol)
            case Reply():
                turn.replies.extend(checked_messages([record.message]))
            case _:
                raise TypeError(f"a feed gives records, not {type(record).__name__}")

    def _trade(self, trade: Trade, received_ns: int) -> plugin_pb2.PluginFeedTrade:
        instrument = self._instrument(trade.symbol)
        price_ticks = _ticks(instrument, trade.price)
        quantity_lots = _lots(instrument, trade.quantity)
        if not price_ticks:
            raise ValueError("a trade at nothing")
        return plugin_pb2.PluginFeedTrade(
            symbol=trade.symbol,
            trade_id=_whole(trade.trade_id),
            price_ticks=price_ticks,
            quantity_lots=quantity_lots,
            taker_side=_SIDES[trade.taker_side],
            at_ns=_at_ns(trade.at_ns, received_ns),
        )

    def _book(self, book: Book, received_ns: int) -> plugin_pb2.PluginFeedBook:
        instrument = self._instrument(book.symbol)
        if book.last_id is None:
            self._numbers[book.symbol] += 1
        last_id = self._numbers[book.symbol] if book.last_id is None else _whole(book.last_id)
        return _levels(
            plugin_pb2.PluginFeedBook(
                symbol=book.symbol, last_id=last_id, at_ns=_at_ns(book.at_ns, received_ns)
            ),
            instrument,
            book.bids,
            book.asks,
            lots_min=1,
        )

    def _change(self, change: BookChange, received_ns: int) -> plugin_pb2.PluginFeedBook:
        instrument = self._instrument(change.symbol)
        if (change.last_id is None) != (change.previous_id is None):
            raise TypeError("previous_id and last_id go together")
        if change.last_id is None or change.previous_id is None:
            previous_id = self._numbers[change.symbol]
            self._numbers[change.symbol] = last_id = previous_id + 1
        else:
            previous_id, last_id = _whole(change.previous_id), _whole(change.last_id)
        if not previous_id < last_id:
            raise ValueError(f"changes from {previous_id} to {last_id}")
        return _levels(
            plugin_pb2.PluginFeedBook(
                symbol=change.symbol,
                previous_id=previous_id,
                last_id=last_id,
                at_ns=_at_ns(change.at_ns, received_ns),
            ),
            instrument,
            change.bids,
            change.asks,
            lots_min=0,  # What is gone.
        )

    def _quote(self, quote: Quote, received_ns: int) -> plugin_pb2.PluginFeedQuote:
        instrument = self._instrument(quote.symbol)
        self._quotes[quote.symbol] += 1
        message = plugin_pb2.PluginFeedQuote(
            symbol=quote.symbol,
            last_id=self._quotes[quote.symbol],
            at_ns=_at_ns(quote.at_ns, received_ns),
        )
        if quote.bid is not None:
            message.bid_ticks = _ticks(instrument, quote.bid[0])
            message.bid_lots = _lots(instrument, quote.bid[1])
        if quote.ask is not None:
            message.ask_ticks = _ticks(instrument, quote.ask[0])
            message.ask_lots = _lots(instrument, quote.ask[1])
        return message

    def _instrument(self, symbol: str) -> Instrument:
        found = self._instruments.get(symbol)
        if found is None:
            raise BadFrame(f"{symbol!r} is not followed")
        return found


def open_session(
    feed_type: type[Feed[Any]], settings: object, markets: Sequence[Market]
) -> FeedSession:
    """A feed at the beginning of a connection. Raises: what the feed raises."""
    return FeedSession(feed_type(settings, markets))


def checked_messages(messages: Sequence[str]) -> list[str]:
    """Messages to send. Raises: TypeError, ValueError for too many or too long ones."""
    if isinstance(messages, str) or len(messages) > MESSAGES_MAX:
        raise ValueError(f"a list of at most {MESSAGES_MAX} messages")
    for each in messages:
        if not isinstance(each, str):
            raise TypeError(f"a message is text, not {type(each).__name__}")
        if len(each.encode()) > MESSAGE_BYTES_MAX:
            raise ValueError(f"a message of more than {MESSAGE_BYTES_MAX} bytes")
    return list(messages)


def _write_way(way: Way) -> plugin_pb2.PluginFeedWay:
    match way:
        case Send():
            send = plugin_pb2.PluginFeedMessages(messages=checked_messages(way.messages))
            return plugin_pb2.PluginFeedWay(send=send)
        case Fetch():
            return plugin_pb2.PluginFeedWay(fetch=way.target)
        case Reconnect():
            return plugin_pb2.PluginFeedWay(reconnect=True)
        case _:
            raise TypeError(f"repair() returns a way, not {type(way).__name__}")


def _levels(
    message: plugin_pb2.PluginFeedBook,
    instrument: Instrument,
    bids: Iterable[Quoted],
    asks: Iterable[Quoted],
    *,
    lots_min: int,
) -> plugin_pb2.PluginFeedBook:
    for levels, ticks, lots in (
        (bids, message.bid_ticks, message.bid_lots),
        (asks, message.ask_ticks, message.ask_lots),
    ):
        for count, (price, quantity) in enumerate(levels, 1):
            if count > LEVELS_MAX:
                raise BadFrame(f"more than {LEVELS_MAX} levels of a side")
            price_ticks = _ticks(instrument, price)
            if not price_ticks:
                raise ValueError("a level at nothing")
            quantity_lots = _lots(instrument, quantity)
            if quantity_lots >= lots_min:
                ticks.append(price_ticks)
                lots.append(quantity_lots)
    return message


def _count_levels(record: plugin_pb2.PluginFeedRecord) -> int:
    book = record.snapshot if record.HasField("snapshot") else record.change
    return len(book.bid_ticks) + len(book.ask_ticks)


def _ticks(instrument: Instrument, price: Number) -> int:
    value = _decimal(price)
    try:
        return instrument.ticks(value)
    except ValueError as error:
        raise OffStep(str(error)) from None


def _lots(instrument: Instrument, quantity: Number) -> int:
    return int(EXACT.divide(_decimal(quantity), instrument.lot_size))


def _decimal(number: Number) -> Decimal:
    if isinstance(number, bool | float):
        raise TypeError(f"{number!r} is no exact number")
    value = Decimal(number)
    # What is larger than any market would take long to compute with.
    if not value.is_finite() or value < 0 or value.adjusted() > 30 or len(value.as_tuple()[1]) > 60:
        raise ValueError(f"{str(number)[:40]} is no price or quantity")
    return value


def _at_ns(at_ns: int | None, received_ns: int) -> int:
    return received_ns if at_ns is None else _whole(at_ns)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= INT64_MAX:
        raise ValueError(f"{str(value)[:40]} is no whole number from 0 to 2^63 - 1")
    return value
