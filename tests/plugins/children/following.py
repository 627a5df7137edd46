"""Feeds that behave as tests ask. Imported by child processes only."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xache_sdk.feeds import (
    Book,
    BookChange,
    Connection,
    Feed,
    Fetch,
    Lost,
    Market,
    Record,
    Reply,
    Send,
    Trade,
    Way,
    load_json,
)
from xache_sdk.market import Side


@dataclass(frozen=True)
class Settings:
    """Where the venue is, and what to do with a frame, by name."""

    stream: str
    rest: str = ""
    act: str = ""


class Numbered(Feed[Settings]):
    """Reads what Binance sends: changes with numbers, snapshots by request."""

    settings_type = Settings

    def __init__(self, settings: Settings, markets: Sequence[Market]) -> None:
        super().__init__(settings, markets)
        self._symbols = {each.name: each.symbol for each in markets}

    def connection(self) -> Connection:
        """Where the test says."""
        return Connection(stream=self.settings.stream, rest=self.settings.rest)

    def receive(self, frame: bytes) -> Iterable[Record]:
        """Changes of the book, and trades."""
        data = load_json(frame)["data"]
        symbol = self._symbols[data["s"]]
        match data.get("e"):
            case "depthUpdate":
                yield BookChange(
                    symbol=symbol, bids=data["b"], asks=data["a"],
                    previous_id=data["U"] - 1, last_id=data["u"],
                )  # fmt: skip
            case "trade":
                yield Trade(
                    symbol=symbol, trade_id=data["t"], price=data["p"], quantity=data["q"],
                    taker_side=Side.SELL if data["m"] else Side.BUY, at_ns=data["T"] * 1_000_000,
                )  # fmt: skip
            case _:
                pass

    def repair(self, symbol: str) -> Way:
        """By request."""
        names = {symbol: name for name, symbol in self._symbols.items()}
        return Fetch(f"/api/v3/depth?symbol={names[symbol]}&limit=5000")

    def snapshot(self, symbol: str, body: bytes) -> Iterable[Record]:
        """The answer to it."""
        found = load_json(body)
        yield Book(
            symbol=symbol, bids=found["bids"], asks=found["asks"], last_id=found["lastUpdateId"]
        )


class Unnumbered(Feed[Settings]):
    """Reads what Kraken sends, without its checksums: snapshots come over the stream."""

    settings_type = Settings

    def __init__(self, settings: Settings, markets: Sequence[Market]) -> None:
        super().__init__(settings, markets)
        self._symbols = {each.name: each.symbol for each in markets}
        if settings.act == "raise at the start":
            raise RuntimeError("no good start")

    def connection(self) -> Connection:
        """Where the test says."""
        return Connection(
            stream=self.settings.stream, messages=[self._subscribe()], snapshots_come=True
        )

    def repair(self, symbol: str) -> Way:
        """By subscribing again."""
        return Send([self._subscribe()])

    def receive(self, frame: bytes) -> Iterable[Record]:
        """Books and their changes; and what the test asks for."""
        yield from self._act()
        message = load_json(frame)
        if message.get("channel") != "book":
            return
        for data in message["data"]:
            kind = Book if message["type"] == "snapshot" else BookChange
            yield kind(
                symbol=self._symbols[data["symbol"]],
                bids=[(str(each["price"]), str(each["qty"])) for each in data["bids"]],
                asks=[(str(each["price"]), str(each["qty"])) for each in data["asks"]],
            )

    def _subscribe(self) -> str:
        params = {"channel": "book", "symbol": list(self._symbols), "depth": 100}
        return json.dumps({"method": "subscribe", "params": params})

    def _act(self) -> Iterable[Record]:
        match self.settings.act:
            case "raise":
                raise RuntimeError("a bug")
            case "stall":
                time.sleep(600)
            case "spin":
                while True:
                    pass
            case "print":
                for number in range(1_000):
                    print(number, flush=True)
            case "babble":
                os.write(_daemon(), b"GET / HTTP/1.1\r\n\r\n" * 100)
            case "flood":
                threading.Thread(target=_flood, daemon=True).start()
                time.sleep(600)
            case "exit":
                os._exit(0)
            case "eat":
                kept = [bytes(1 << 26) for _ in range(1_000)]
                raise AssertionError(len(kept))
            case "connect":
                socket.create_connection(("127.0.0.1", 1), timeout=1)
            case "reply":
                yield from [Reply('{"method": "ping", "params": {}}')] * 100
            case "lose":
                yield from [Lost(symbol) for symbol in self._symbols.values()]
            case _:
                pass


class NoFeed:
    """What is named as a feed and is none."""


def _daemon() -> int:
    return int(sys.argv[-1])


def _flood() -> None:
    while True:
        os.write(_daemon(), (3 << 20).to_bytes(4, "big") + bytes(1 << 16))
