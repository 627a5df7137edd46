"""Binance live: a combined stream named in the URL, and snapshots from the REST side.

Each instrument has three streams: changes of the book ten times a second, trades, and the best
bid and ask. A book is started, and repaired, by ``GET /api/v3/depth``, whose answer usually comes
after newer changes; :class:`xached.domain.depth.VenueDepth` joins the two.

Source: Binance Spot API, "How to manage a local order book correctly".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

from xached.adapters.feeds.binance import BinanceParser, binance_name
from xached.adapters.feeds.feed import FRAME_BYTES_MAX
from xached.adapters.feeds.session import Endpoint, Fetch, Turn, VenueRules
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import BINANCE, BookSnapshot

STREAMS: Final = ("depth@100ms", "trade", "bookTicker")
SNAPSHOT_LEVELS: Final = 5_000
SNAPSHOT_LEVELS_OF_MANY: Final = 1_000
DEEP_MAX: Final = 10
"""Instruments that get the deepest snapshots. What lies beyond a snapshot is not known until it
changes, so deeper is better; but one costs 250 of the 6,000 weights a minute that an address may
use, and a fifth of it 50."""


class BinanceSession:
    """One connection; see :class:`xached.adapters.feeds.session.Session`."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        """``instruments``: by the venue's name."""
        self._names = {each.symbol: name for name, each in instruments.items()}
        self._parser = BinanceParser(instruments)
        self._snapshots = {
            each.symbol: BinanceParser({name: each}, snapshot_symbol=name)
            for name, each in instruments.items()
        }

    @property
    def target(self) -> str:
        """See Session."""
        streams = [f"{name.lower()}@{kind}" for name in self._names.values() for kind in STREAMS]
        return "/stream?streams=" + quote("/".join(streams), safe="/@")

    def open(self) -> Sequence[str]:
        """Nothing: the target names the streams."""
        return ()

    def receive(self, frame: bytes, received_ns: int) -> Turn:
        """See Session."""
        return Turn(records=self._parser.parse(frame, received_ns))

    def repair(self, symbol: Symbol) -> Fetch:
        """Ask for a snapshot."""
        name = quote(self._names[symbol], safe="")
        levels = SNAPSHOT_LEVELS if len(self._names) <= DEEP_MAX else SNAPSHOT_LEVELS_OF_MANY
        return Fetch(f"/api/v3/depth?symbol={name}&limit={levels}")

    def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:
        """See Session."""
        records = self._snapshots[symbol].parse(body, received_ns)
        found = any(isinstance(record, BookSnapshot) for record in records)
        return Turn(records=records, lost=() if found else (symbol,))

    def awaits(self, symbol: Symbol) -> bool:  # noqa: ARG002 - none comes over the stream
        """Never."""
        return False


BINANCE_RULES: Final = VenueRules(
    venue=BINANCE,
    stream=Endpoint(host="stream.binance.com", port=9443, tls=True),
    rest=Endpoint(host="api.binance.com", port=443, tls=True),
    fetches=True,
    frame_bytes_max=FRAME_BYTES_MAX,
    name=binance_name,
    session=BinanceSession,
)
