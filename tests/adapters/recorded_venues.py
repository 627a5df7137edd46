"""Recordings of other venues, made into the messages that the venues send today.

The recordings are of 2021 and of older versions of the protocols (Kraken v1, Coinbase Pro). Each
figure is passed on as it was written then; only the envelope is today's. They are data that does
not ship: XACHE_DATA names their directory.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

import attrs
import pytest

from tests.domain.market_values import make_instrument
from xached.domain.instrument import AssetName, Instrument, Symbol

EVERY_LEVEL = 1_000
"""Levels a side that the recording of Kraken subscribed to."""


def recording(name: str) -> Path:
    """A file of the recordings; skips the test without them."""
    data = os.environ.get("XACHE_DATA")
    if not data:
        pytest.skip("XACHE_DATA names no directory of recordings")
    return Path(data) / "raw_ws" / name


def received(path: Path) -> Iterator[Any]:
    """The messages that came over the socket, without those that were sent."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            when, separator, text = line.partition(": ")
            if separator and when.replace(".", "").isdigit():
                yield json.loads(text)


def make_market(name: str, joined_by: str, price_scale: int) -> Instrument:
    """A venue's market whose tick is the last of so many decimal places, and whose lot is 1e-8."""
    base, quote = name.split(joined_by)
    return attrs.evolve(
        make_instrument(base, 1),
        symbol=Symbol(f"{base}-{quote}"),
        quote=AssetName(quote),
        price_scale=price_scale,
        quote_scale=price_scale + 8,
    )


# --- Kraken. ---------------------------------------------------------------------------------


@cache
def kraken_books() -> tuple[dict[str, Instrument], tuple[bytes, ...]]:
    """Books as version 2 sends them, with the checksums that were recorded."""
    instruments: dict[str, Instrument] = {}
    books: dict[str, TextBook] = {}
    frames: list[bytes] = []
    for message in received(recording("cryptofeed/KRAKEN.ws.50.0.gz")):
        if isinstance(message, dict):
            continue
        name = message[-1]
        parts = [part for part in message[1:] if isinstance(part, dict)]
        sides = {key: levels for part in parts for key, levels in part.items()}
        starts = "as" in sides
        if starts:
            places = len(sides["as"][0][0].partition(".")[2])
            instruments[name] = make_market(name, "/", places)
            books[name] = TextBook()
        bids = [level[:2] for level in sides.get("bs", sides.get("b", []))]
        asks = [level[:2] for level in sides.get("as", sides.get("a", []))]
        books[name].take(bids, asks)
        # Version 1 sent none with a snapshot.
        checksum = int(sides["c"]) if "c" in sides else books[name].checksum()
        kind = "snapshot" if starts else "update"
        frames.append(kraken_book(name, kind, bids, asks, checksum))
    return instruments, tuple(frames)


def kraken_book(name: str, kind: str, bids: Any, asks: Any, checksum: int) -> bytes:
    """One message of the book channel; levels are pairs of texts, written as numbers."""
    sides = [
        "[" + ",".join(f'{{"price":{price},"qty":{quantity}}}' for price, quantity in levels) + "]"
        for levels in (bids, asks)
    ]
    return (
        f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{name}","bids":{sides[0]},'
        f'"asks":{sides[1]},"checksum":{checksum}}}]}}'
    ).encode()


class TextBook:
    """A book as texts, sorted anew each time: slow, and nothing can be wrong with it."""

    def __init__(self) -> None:
        self.bids: dict[str, str] = {}
        self.asks: dict[str, str] = {}

    def take(self, bids: Iterable[Sequence[str]], asks: Iterable[Sequence[str]]) -> None:
        """Replace quantities at prices; zero removes."""
        for levels, changes in ((self.bids, bids), (self.asks, asks)):
            for price, quantity in changes:
                levels[price] = quantity
                if not float(quantity):
                    del levels[price]

    def best_bids(self, count: int) -> list[tuple[str, str]]:
        """Prices and quantities, best first."""
        return sorted(self.bids.items(), key=lambda level: -float(level[0]))[:count]

    def best_asks(self, count: int) -> list[tuple[str, str]]:
        """Prices and quantities, best first."""
        return sorted(self.asks.items(), key=lambda level: float(level[0]))[:count]

    def checksum(self) -> int:
        """The checksum as Kraken's guide puts it."""
        asks, bids = self.best_asks(10), self.best_bids(10)
        return crc32("".join(_digits(text) for level in asks + bids for text in level).encode())


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


# --- Coinbase. -------------------------------------------------------------------------------


@attrs.frozen
class Quoted:
    """The best bid and ask that the venue named after so many messages."""

    after: int
    name: str
    bid: str
    ask: str


@cache
def coinbase_messages() -> tuple[dict[str, Instrument], tuple[bytes, ...], tuple[Quoted, ...]]:
    """Books and trades as Advanced Trade sends them, and what the ticker said beside them."""
    products = _coinbase_products()
    instruments: dict[str, Instrument] = {}
    frames: list[bytes] = []
    quotes: list[Quoted] = []
    for message in received(recording("cryptofeed/COINBASE.ws.28.0.gz")):
        kind, name = message["type"], message.get("product_id")
        match kind:
            case "snapshot":
                instruments[name] = make_market(name, "-", products[name])
                levels = [("bid", *level) for level in message["bids"]]
                levels += [("offer", *level) for level in message["asks"]]
                events = [coinbase_levels("snapshot", name, levels)]
            case "l2update":
                side = {"buy": "bid", "sell": "offer"}
                levels = [(side[each[0]], *each[1:]) for each in message["changes"]]
                events = [coinbase_levels("update", name, levels)]
            case "match":
                trade = {key: message[key] for key in ("product_id", "price", "size", "time")}
                trade |= {"side": message["side"].upper(), "trade_id": str(message["trade_id"])}
                events = [{"type": "update", "trades": [trade]}]
            case "ticker":
                quote = (name, message["best_bid"], message["best_ask"])
                quotes.append(Quoted(len(frames), *quote))
                continue
            case _:
                continue
        channel = "market_trades" if kind == "match" else "l2_data"
        frames.append(coinbase_message(len(frames), channel, events))
    return instruments, tuple(frames), tuple(quotes)


def coinbase_message(number: int, channel: str, events: list[Any]) -> bytes:
    """One message of Advanced Trade."""
    return json.dumps(
        {
            "channel": channel,
            "timestamp": "2023-02-09T20:32:50.714964855Z",
            "sequence_num": number,
            "events": events,
        }
    ).encode()


def coinbase_levels(kind: str, name: str, levels: list[Any]) -> dict[str, Any]:
    """One event of the channel l2_data; levels are side, price and quantity."""
    updates = [
        {"side": side, "price_level": price, "new_quantity": quantity}
        for side, price, quantity in levels
    ]
    return {"type": kind, "product_id": name, "updates": updates}


def _coinbase_products() -> dict[str, int]:
    """Decimal places of each product's prices."""
    with gzip.open(recording("cryptofeed/COINBASE.0.gz"), "rt") as lines:
        _, _, text = next(lines).partition(": ")
        return {
            each["id"]: len(each["quote_increment"].partition(".")[2]) for each in json.loads(text)
        }
