"""What a venue's live feed must be: one connection's conversation, without its I/O.

A session is made for each connection and ends with it. It says what to send, reads what comes,
and knows how the venue's books are started and checked. Who holds the books may find that one has
lost step; then :meth:`Session.repair` says how this venue gives it anew: by an answer of its REST
side (Binance), or by a snapshot in the stream after subscribing again (Coinbase, Kraken).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol
from urllib.parse import urlsplit

import attrs

from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import FeedRecord, FeedReset, Venue

SCHEMES: Final = {"wss": (True, 443), "https": (True, 443), "ws": (False, 80), "http": (False, 80)}
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@attrs.frozen(kw_only=True)
class Endpoint:
    """Where a server listens, and the path that its targets begin with."""

    host: str
    port: int
    tls: bool
    path: str = ""

    @property
    def authority(self) -> str:
        """Host and port, as a Host header names them: a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def read_endpoint(url: str) -> Endpoint:
    """Read wss://host[:port][/path], or https. Unencrypted only to this machine.

    Raises: ValueError saying what is wrong.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError("not wss://host, https://host, or ws and http to this machine")
    tls, port = SCHEMES[parts.scheme]
    if not tls and parts.hostname not in LOOPBACK:
        raise ValueError("anybody on the way could forge its prices: use wss or https")
    if parts.port == 0:
        raise ValueError("nobody listens at port 0")
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("only scheme, host, port and path")
    return Endpoint(
        host=parts.hostname, port=parts.port or port, tls=tls, path=parts.path.rstrip("/")
    )


@attrs.frozen(kw_only=True)
class Turn:
    """What a frame comes to: records, books that need a snapshot to go on, messages to send."""

    records: Sequence[FeedRecord] = ()
    lost: Sequence[Symbol] = ()
    replies: Sequence[str] = ()


@attrs.frozen
class Send:
    """Ask over the stream: messages to send."""

    messages: tuple[str, ...]


@attrs.frozen
class Fetch:
    """Ask the REST side: the target to GET; the answer goes to :meth:`Session.snapshot`."""

    target: str


@attrs.frozen
class Reconnect:
    """There is no way but a new connection."""


class Session(Protocol):
    """The conversation of one connection. It never raises on what a venue sends."""

    @property
    def target(self) -> str:
        """What to open the stream at, path and query."""
        ...

    def open(self) -> Sequence[str]:
        """The messages to begin with. Every book then waits for its first snapshot."""
        ...

    def receive(self, frame: bytes, received_ns: int) -> Turn:
        """Read one frame of the stream."""
        ...

    def repair(self, symbol: Symbol) -> Send | Fetch:
        """How to get a snapshot of a book that has lost step."""
        ...

    def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:
        """Read the answer to a Fetch."""
        ...

    def awaits(self, symbol: Symbol) -> bool:
        """Whether a snapshot that is to come over the stream has not come yet."""
        ...


@attrs.frozen(kw_only=True)
class VenueRules:
    """How to speak to a venue, and where it listens unless the configuration says otherwise.

    ``name`` is the venue's own name of an instrument; sessions are made for instruments by it.
    ``fetches``: snapshots come from the REST side.
    """

    venue: Venue
    stream: Endpoint
    rest: Endpoint
    fetches: bool
    frame_bytes_max: int
    name: Callable[[Instrument], str]
    session: Callable[[Mapping[str, Instrument]], Session]


def resets(symbols: Sequence[Symbol], at_ns: int, cause: str) -> list[FeedRecord]:
    """Records that start books anew."""
    return [FeedReset(symbol=symbol, at_ns=at_ns, cause=cause) for symbol in symbols]
