"""Books and trades as venues have sent them, recorded frame by frame by others: Binance, Bybit.

A line is a frame, as JSON; ``<nanoseconds> `` before it is when it was received, else it counts
from the venue's own clock. A snapshot may stand among them, or in a file of its own before them:
the book is put together by the venue's numbers (see :class:`xached.domain.depth.VenueDepth`), and
where they say that frames are missing the recording says so.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from xached.domain.depth import Sync, VenueDepth
from xached.domain.instrument import Symbol
from xached.domain.market import BookDiff, BookSnapshot, Level
from xached.domain.recording import BOOK_LEVELS_MAX, RowKind
from xached.research.history.candle_set import DataError
from xached.research.history.recordings import MarketRecording

MS: Final = 1_000_000

_Pairs = Sequence[Sequence[str]]


@attrs.frozen(kw_only=True)
class _Frame:
    """A frame with its numbers as text. ``last_id`` None: it is a trade."""

    received_at_ns: int
    at_ns: int
    snapshot: bool = False
    previous_id: int = 0
    last_id: int | None = None
    bids: _Pairs = ()
    asks: _Pairs = ()
    trade_id: int = 0
    price: str = ""
    quantity: str = ""
    bought: bool = False


def read_frames(
    paths: Sequence[Path],
    *,
    symbol: str,
    venue: str,
    tick_size: Decimal | None = None,
    lot_size: Decimal | None = None,
) -> MarketRecording:
    """Read the frames of one market from files that follow one another; others are passed over.

    Steps that are not named are the coarsest powers of ten that fit.

    Raises: DataError for lines of another form, numbers off their step, or nothing of the market;
        OSError.
    """
    wanted = symbol.replace("-", "").upper()
    frames = [frame for path in paths for frame in _read_file(path, wanted)]
    if not frames:
        raise DataError(f"nothing of {symbol} in {', '.join(path.name for path in paths)}")
    tick = tick_size or _step(_prices(frames))
    lot = lot_size or _step(_quantities(frames))
    rows = list(_rows(_dated(frames), Symbol(symbol), _Steps(tick), _Steps(lot)))
    return MarketRecording(
        symbol=symbol,
        venue=venue,
        provenance="RECORDED",
        tick_size=tick,
        lot_size=lot,
        rows=np.array(rows, dtype=np.int64).reshape(-1, 6),
    )


# --- Frames. -----------------------------------------------------------------------------------


def _read_file(path: Path, wanted: str) -> Iterator[_Frame]:
    latest_ns = 0
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        for number, line in enumerate(lines, start=1):
            received, text = _split(line)
            try:
                frame = _frame(json.loads(text), received, wanted, latest_ns)
            except (ValueError, KeyError, TypeError) as error:
                raise DataError(f"{path.name} line {number} is no frame: {error!r}") from None
            if frame is not None:
                latest_ns = frame.received_at_ns
                yield frame


def _split(line: str) -> tuple[int | None, str]:
    before, space, rest = line.partition(" ")
    return (int(before), rest) if space and before.isdigit() else (None, line)


def _frame(message: Any, received: int | None, wanted: str, latest_ns: int) -> _Frame | None:
    if not isinstance(message, dict):
        raise TypeError("a frame is an object")
    if "lastUpdateId" in message:
        at_ns = latest_ns if received is None else received
        return _Frame(
            received_at_ns=at_ns, at_ns=at_ns, snapshot=True, last_id=message["lastUpdateId"],
            bids=message["bids"], asks=message["asks"],
        )  # fmt: skip
    if "topic" in message:
        return _bybit(message, received, wanted)
    data = message.get("data", message)
    if data.get("s") != wanted:
        return None
    match data.get("e"):
        case "depthUpdate":
            at_ns = data["E"] * MS
            return _Frame(
                received_at_ns=at_ns if received is None else received, at_ns=at_ns,
                previous_id=data["pu"] if "pu" in data else data["U"] - 1, last_id=data["u"],
                bids=data["b"], asks=data["a"],
            )  # fmt: skip
        case "trade":
            at_ns = data["T"] * MS
            return _Frame(
                received_at_ns=at_ns if received is None else received, at_ns=at_ns,
                trade_id=data["t"], price=data["p"], quantity=data["q"], bought=not data["m"],
            )  # fmt: skip
        case _:
            return None  # Best quotes say nothing that the book does not.


def _bybit(message: Any, received: int | None, wanted: str) -> _Frame | None:
    data = message["data"]
    if not message["topic"].startswith("orderbook.") or data["s"] != wanted:
        return None
    at_ns = message["ts"] * MS
    return _Frame(
        received_at_ns=at_ns if received is None else received, at_ns=at_ns,
        snapshot=message["type"] == "snapshot", previous_id=data["u"] - 1, last_id=data["u"],
        bids=data["b"], asks=data["a"],
    )  # fmt: skip


# --- Rows. -------------------------------------------------------------------------------------


def _dated(frames: Sequence[_Frame]) -> list[_Frame]:
    """A snapshot that stands first has no time of its own: it is that of the frame after it."""
    first_ns = next((each.received_at_ns for each in frames if each.received_at_ns), 0)
    return [
        each if each.received_at_ns else attrs.evolve(each, received_at_ns=first_ns, at_ns=first_ns)
        for each in frames
    ]


class _Steps:
    """Text as whole steps; the same text is read once."""

    def __init__(self, step: Decimal) -> None:
        self._step = step
        self._known: dict[str, int] = {}

    def read(self, text: str) -> int:
        found = self._known.get(text)
        if found is None:
            ratio = Decimal(text) / self._step
            if ratio != int(ratio):
                raise DataError(f"{text} is no multiple of {self._step}")
            found = self._known[text] = int(ratio)
        return found


def _rows(
    frames: Iterable[_Frame], symbol: Symbol, ticks: _Steps, lots: _Steps
) -> Iterator[tuple[int, ...]]:
    book = VenueDepth()

    def levels(pairs: _Pairs) -> tuple[Level, ...]:
        return tuple([(ticks.read(price), lots.read(quantity)) for price, quantity in pairs])

    for frame in frames:
        times = frame.received_at_ns, frame.at_ns
        if frame.last_id is None:
            kind = RowKind.BOUGHT if frame.bought else RowKind.SOLD
            yield *times, kind, ticks.read(frame.price), lots.read(frame.quantity), frame.trade_id
            continue
        bids, asks = levels(frame.bids), levels(frame.asks)
        if frame.snapshot:
            sync = book.snapshot(
                BookSnapshot(
                    symbol=symbol, last_id=frame.last_id, bids=bids, asks=asks, at_ns=frame.at_ns
                )
            )
            # With what was kept of the frames before it.
            bids, asks = book.depth.bids(BOOK_LEVELS_MAX), book.depth.asks(BOOK_LEVELS_MAX)
            if sync is Sync.APPLIED:
                yield *times, RowKind.RESET, 0, len(bids) + len(asks), 0
        else:
            sync = book.diff(
                BookDiff(
                    symbol=symbol, previous_id=frame.previous_id, last_id=frame.last_id,
                    bids=bids, asks=asks, at_ns=frame.at_ns,
                )
            )  # fmt: skip
        if sync is Sync.LOST:
            yield *times, RowKind.RESET, 0, 0, 0
        if sync is Sync.APPLIED:
            for kind, side in ((RowKind.BID, bids), (RowKind.ASK, asks)):
                for price, quantity in side:
                    yield *times, kind, price, quantity, 0


def _prices(frames: Iterable[_Frame]) -> Iterator[str]:
    for frame in frames:
        yield from (price for price, _ in (*frame.bids, *frame.asks))
        if frame.price:
            yield frame.price


def _quantities(frames: Iterable[_Frame]) -> Iterator[str]:
    for frame in frames:
        yield from (quantity for _, quantity in (*frame.bids, *frame.asks))
        if frame.quantity:
            yield frame.quantity


def _step(numbers: Iterable[str]) -> Decimal:
    """The coarsest power of ten, at most 1, of which every number is a multiple."""
    places = 0
    for text in numbers:
        decimals = text.partition(".")[2].rstrip("0")
        places = max(places, len(decimals))
    return Decimal(1).scaleb(-places)
