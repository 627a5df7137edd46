"""What the process of a feed says: bytes on one side, records of the domain on the other.

It is not trusted. A record of a market that is not followed, a number that cannot be, a list that
has no end: one mistake is a :class:`ChildViolation`, and nothing of that answer is used.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from xache_sdk.feeds import (
    LEVELS_MAX,
    MESSAGE_BYTES_MAX,
    MESSAGES_MAX,
    RECORDS_MAX,
    TURN_LEVELS_MAX,
)
from xache_sdk.v1 import plugin_pb2

from xached.adapters.child_intents import ChildViolation
from xached.adapters.feeds.feed import EXCERPT_LENGTH_MAX
from xached.adapters.feeds.session import Fetch, Reconnect, Send, Turn, resets
from xached.domain.instrument import Symbol
from xached.domain.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedFault,
    FeedRecord,
    Heartbeat,
    Level,
    VenueTrade,
)
from xached.domain.order import Side

TARGET_LENGTH_MAX: Final = 2_000

_SIDES: Final = {plugin_pb2.PLUGIN_SIDE_BUY: Side.BUY, plugin_pb2.PLUGIN_SIDE_SELL: Side.SELL}
_CAUSES: Final = {each.value: each for each in FaultCause}
_EXCERPT_SHOWN_MAX: Final = 4 * EXCERPT_LENGTH_MAX
"""A byte that cannot be shown takes four characters."""


def read_turn(message: plugin_pb2.ChildFrame, symbols: Collection[str], received_ns: int) -> Turn:
    """Read what a frame comes to. Raises: ChildViolation."""
    if message.WhichOneof("message") != "feed_turn":
        raise ChildViolation("that is no answer to a frame")
    turn = message.feed_turn
    if len(turn.records) > RECORDS_MAX:
        raise ChildViolation(f"more than {RECORDS_MAX} records")
    # Before any is read: reading takes the daemon's own time.
    if sum(map(_count_levels, turn.records)) > TURN_LEVELS_MAX:
        raise ChildViolation(f"more than {TURN_LEVELS_MAX} levels")
    records: list[FeedRecord] = []
    lost: dict[Symbol, None] = {}
    for each in turn.records:
        if each.WhichOneof("record") == "lost":
            symbol = _followed(each.lost, symbols)
            lost[symbol] = None
            records += resets([symbol], received_ns, "the book was lost")
        else:
            record = _read_record(each, symbols, received_ns)
            if isinstance(record, BookSnapshot):
                lost.pop(record.symbol, None)
            records.append(record)
    return Turn(records=records, lost=tuple(lost), replies=read_messages(turn.replies))


def read_way(message: plugin_pb2.ChildFrame) -> Send | Fetch | Reconnect:
    """Read how a book is repaired. Raises: ChildViolation."""
    if message.WhichOneof("message") == "feed_turn" and message.feed_turn.HasField("way"):
        way = message.feed_turn.way
        match way.WhichOneof("way"):
            case "send":
                return Send(read_messages(way.send.messages))
            case "fetch":
                return Fetch(_read_target(way.fetch))
            case "reconnect":
                return Reconnect()
            case _:
                pass
    raise ChildViolation("that is no way to a snapshot")


def read_messages(messages: Iterable[str]) -> tuple[str, ...]:
    """Read what is to be sent. Raises: ChildViolation."""
    found = tuple(messages)
    if len(found) > MESSAGES_MAX or any(len(each.encode()) > MESSAGE_BYTES_MAX for each in found):
        raise ChildViolation(f"more than {MESSAGES_MAX} messages, or longer than allowed")
    return found


def _read_target(target: str) -> str:
    shown = target.isascii() and target.isprintable() and not any(each in target for each in " #")
    if not target.startswith("/") or not shown or len(target) > TARGET_LENGTH_MAX:
        raise ChildViolation(f"no path and query: {target[:80]!r}")
    return target


def _read_record(
    message: plugin_pb2.PluginFeedRecord, symbols: Collection[str], received_ns: int
) -> FeedRecord:
    match message.WhichOneof("record"):
        case "trade":
            return _read_trade(message.trade, symbols)
        case "snapshot":
            book = message.snapshot
            return BookSnapshot(
                symbol=_followed(book.symbol, symbols),
                last_id=_number(book.last_id),
                bids=_levels(book.bid_ticks, book.bid_lots, lots_min=1),
                asks=_levels(book.ask_ticks, book.ask_lots, lots_min=1),
                at_ns=_number(book.at_ns),
            )
        case "change":
            return _read_change(message.change, symbols)
        case "quote":
            quote = message.quote
            return BestQuote(
                symbol=_followed(quote.symbol, symbols),
                last_id=_number(quote.last_id),
                bid_ticks=_number(quote.bid_ticks),
                bid_lots=_number(quote.bid_lots),
                ask_ticks=_number(quote.ask_ticks),
                ask_lots=_number(quote.ask_lots),
                at_ns=_number(quote.at_ns),
            )
        case "alive":
            return Heartbeat(at_ns=received_ns)
        case "fault":
            cause = _CAUSES.get(message.fault.cause)
            if cause is None:
                raise ChildViolation(f"{message.fault.cause[:40]!r} is no cause of a fault")
            excerpt = message.fault.excerpt[:_EXCERPT_SHOWN_MAX]
            return FeedFault(
                cause=cause,
                excerpt="".join(each if each.isprintable() else "?" for each in excerpt),
            )
        case _:
            raise ChildViolation("a record that tells nothing")


def _read_trade(trade: plugin_pb2.PluginFeedTrade, symbols: Collection[str]) -> VenueTrade:
    side = _SIDES.get(trade.taker_side)
    if side is None:
        raise ChildViolation("a trade without a side")
    return VenueTrade(
        symbol=_followed(trade.symbol, symbols),
        trade_id=_number(trade.trade_id),
        price_ticks=_number(trade.price_ticks, 1),
        quantity_lots=_number(trade.quantity_lots, 1),
        taker_side=side,
        at_ns=_number(trade.at_ns),
    )


def _read_change(book: plugin_pb2.PluginFeedBook, symbols: Collection[str]) -> BookDiff:
    if not 0 <= book.previous_id < book.last_id:
        raise ChildViolation(f"changes from {book.previous_id} to {book.last_id}")
    return BookDiff(
        symbol=_followed(book.symbol, symbols),
        previous_id=book.previous_id,
        last_id=book.last_id,
        bids=_levels(book.bid_ticks, book.bid_lots, lots_min=0),
        asks=_levels(book.ask_ticks, book.ask_lots, lots_min=0),
        at_ns=_number(book.at_ns),
    )


def _followed(symbol: str, symbols: Collection[str]) -> Symbol:
    if symbol not in symbols:
        raise ChildViolation(f"{symbol[:40]!r} is not followed")
    return Symbol(symbol)


def _count_levels(record: plugin_pb2.PluginFeedRecord) -> int:
    match record.WhichOneof("record"):
        case "snapshot":
            book = record.snapshot
        case "change":
            book = record.change
        case _:
            return 0
    return max(len(book.bid_ticks), len(book.bid_lots)) + max(
        len(book.ask_ticks), len(book.ask_lots)
    )


def _number(value: int, least: int = 0) -> int:
    if value < least:
        raise ChildViolation(f"{value} where {least} is the least")
    return value


def _levels(ticks: Iterable[int], lots: Iterable[int], *, lots_min: int) -> tuple[Level, ...]:
    prices, quantities = list(ticks), list(lots)
    if len(prices) != len(quantities) or len(prices) > LEVELS_MAX:
        raise ChildViolation(f"{len(prices)} prices and {len(quantities)} quantities of a book")
    if min(prices, default=1) < 1 or min(quantities, default=lots_min) < lots_min:
        raise ChildViolation("a level that cannot be")
    return tuple(zip(prices, quantities, strict=True))
