"""Binance: spot and USDT-margined market streams and their REST depth snapshot.

Frames are those of a combined stream, ``{"stream": ..., "data": ...}``. The answer of
``GET /api/v3/depth`` names no symbol; it belongs to the symbol that the request was about, so
a parser that may meet one is made for that symbol (``snapshot_symbol``).

Source: Binance Spot API, "WebSocket Streams" and "Market Data endpoints"; the futures streams
differ by ``pu``, the last number of the diff before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from xached.adapters.feeds.feed import (
    FRAME_BYTES_MAX,
    FrameFault,
    Steps,
    fault_of,
    load_json,
    read_list,
    read_ms,
    read_object,
    read_whole,
)
from xached.domain.instrument import Instrument
from xached.domain.market import (
    BINANCE,
    BestQuote,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedRecord,
    Level,
    Venue,
    VenueTrade,
)
from xached.domain.order import Side

LEVELS_MAX: Final = 10_000

_Cut = list[FaultCause]
"""What was cut down in a frame that is used all the same."""


@attrs.frozen
class _Market:
    instrument: Instrument
    ticks: Steps
    lots: Steps


class BinanceParser:
    """Reads frames of some instruments; see :class:`xached.adapters.feeds.feed.Parser`."""

    def __init__(
        self, instruments: Mapping[str, Instrument], snapshot_symbol: str | None = None
    ) -> None:
        """``instruments``: by the venue's name, as BTCUSDT.

        ``snapshot_symbol``: the venue's name that bare snapshots belong to.
        """
        self._markets = {
            name: _Market(each, Steps.of_price(each), Steps.of_quantity(each))
            for name, each in instruments.items()
        }
        self._snapshot_symbol = snapshot_symbol

    @property
    def venue(self) -> Venue:
        """Whose frames it reads."""
        return BINANCE

    def parse(self, frame: bytes, received_ns: int) -> list[FeedRecord]:
        """Read one frame."""
        if len(frame) > FRAME_BYTES_MAX:
            return [fault_of(frame, FaultCause.TOO_LONG)]
        try:
            cut: _Cut = []
            record = self._record(load_json(frame), received_ns, cut)
            return [record, *(fault_of(frame, cause) for cause in cut)]
        except FrameFault as fault:
            return [fault_of(frame, fault.cause)]

    def _record(self, message: Any, received_ns: int, cut: _Cut) -> FeedRecord:
        message = read_object(message)
        if "lastUpdateId" in message:
            return self._snapshot(message, received_ns, cut)
        data = read_object(message.get("data", message))
        kind = data.get("e")
        if kind is None and "u" in data and "A" in data:
            kind = "bookTicker"  # The spot stream does not name it.
        read = _READERS.get(kind) if isinstance(kind, str) else None
        if read is None:
            raise FrameFault(FaultCause.UNKNOWN_FORM)
        return read(self._market(data.get("s")), data, received_ns, cut)

    def _snapshot(self, message: dict[str, Any], received_ns: int, cut: _Cut) -> BookSnapshot:
        market = self._market(self._snapshot_symbol)
        return BookSnapshot(
            symbol=market.instrument.symbol,
            last_id=read_whole(message.get("lastUpdateId")),
            bids=_levels(market, message.get("bids"), cut),
            asks=_levels(market, message.get("asks"), cut),
            at_ns=received_ns,
        )

    def _market(self, symbol: object) -> _Market:
        market = self._markets.get(symbol) if isinstance(symbol, str) else None
        if market is None:
            raise FrameFault(FaultCause.UNKNOWN_SYMBOL)
        return market


def binance_name(instrument: Instrument) -> str:
    """Binance's name of an instrument: BTCUSDT."""
    return instrument.base + instrument.quote


def _trade(market: _Market, data: dict[str, Any], _: int, _cut: _Cut) -> VenueTrade:
    buyer_is_maker = data.get("m")
    if not isinstance(buyer_is_maker, bool):
        raise FrameFault(FaultCause.UNKNOWN_FORM)
    price_ticks, quantity_lots = market.ticks.read(data.get("p")), market.lots.read(data.get("q"))
    if not price_ticks or not quantity_lots:
        raise FrameFault(FaultCause.BAD_NUMBER)
    return VenueTrade(
        symbol=market.instrument.symbol,
        trade_id=read_whole(data.get("t")),
        price_ticks=price_ticks,
        quantity_lots=quantity_lots,
        taker_side=Side.SELL if buyer_is_maker else Side.BUY,
        at_ns=read_ms(data.get("T")),
    )


def _diff(market: _Market, data: dict[str, Any], _: int, cut: _Cut) -> BookDiff:
    first_id, last_id = read_whole(data.get("U")), read_whole(data.get("u"))
    previous_id = read_whole(data["pu"]) if "pu" in data else first_id - 1
    if not previous_id < last_id:
        raise FrameFault(FaultCause.UNKNOWN_FORM)
    return BookDiff(
        symbol=market.instrument.symbol,
        previous_id=previous_id,
        last_id=last_id,
        bids=_levels(market, data.get("b"), cut),
        asks=_levels(market, data.get("a"), cut),
        at_ns=read_ms(data.get("E")),
    )


def _quote(market: _Market, data: dict[str, Any], received_ns: int, cut: _Cut) -> BestQuote:
    return BestQuote(
        symbol=market.instrument.symbol,
        last_id=read_whole(data.get("u")),
        bid_ticks=market.ticks.read(data.get("b")),
        bid_lots=_book_lots(market, data.get("B"), cut),
        ask_ticks=market.ticks.read(data.get("a")),
        ask_lots=_book_lots(market, data.get("A"), cut),
        at_ns=received_ns,
    )


_READERS: Final[dict[str, Callable[[_Market, dict[str, Any], int, _Cut], FeedRecord]]] = {
    "trade": _trade,
    "depthUpdate": _diff,
    "bookTicker": _quote,
}


def _levels(market: _Market, levels: object, cut: _Cut) -> tuple[Level, ...]:
    ticks, lots_down = market.ticks.read, market.lots.read_down
    read: list[Level] = []
    try:
        for price, quantity in read_list(levels, LEVELS_MAX):
            lots, exact = lots_down(quantity)
            if not exact:
                cut.append(FaultCause.OFF_STEP)
            read.append((ticks(price), lots))
    except (TypeError, ValueError):  # A level is not a pair.
        raise FrameFault(FaultCause.UNKNOWN_FORM) from None
    if not all(price_ticks for price_ticks, _ in read):
        raise FrameFault(FaultCause.BAD_NUMBER)
    return tuple(read)


def _book_lots(market: _Market, quantity: object, cut: _Cut) -> int:
    lots, exact = market.lots.read_down(quantity)
    if not exact:
        cut.append(FaultCause.OFF_STEP)
    return lots
