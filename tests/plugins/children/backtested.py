"""A strategy that is run over histories, and what one tries that has turned against the house."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.market import Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Place
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """``act`` is what it does on its tenth candle; ``every`` how often it turns."""

    act: str = "trade"
    every: int = 20
    path: str = ""


class Backtested(Strategy[Settings]):
    """Buys and sells in turn, or misbehaves."""

    settings_type = Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._seen = 0
        self._held = False

    def subscriptions(self) -> Sequence[Subscription]:
        """One market."""
        return (Candles("BTC-USDT", "TEST", Interval.M5),)

    def on_candle(self, candle: Candle) -> Intents:
        """Trade, or act."""
        self._seen += 1
        if self._seen == 10 and self.settings.act != "trade":
            self._act()
        if self._seen % self.settings.every:
            return ()
        self._held = not self._held
        side = Side.BUY if self._held else Side.SELL
        order_id = f"o{self._seen}"
        return (Place(id=order_id, symbol="BTC-USDT", side=side, quantity=Decimal("0.1")),)

    def _act(self) -> None:
        match self.settings.act:
            case "raise":
                raise RuntimeError("no more")
            case "eat":
                eaten = []
                while True:
                    eaten.append(bytearray(64 << 20))
            case "spin":
                while True:
                    pass
            case "open":
                with open(self.settings.path) as file:  # noqa: PTH123 - the plain call is what is tried
                    file.read()
            case "connect":
                socket.create_connection(("127.0.0.1", 9))
            case "exec":
                os.execv(sys.executable, [sys.executable])
            case "exit":
                os._exit(0)
            case "garbage":
                self._say(b"\xff\xff\xff\xff")
            case "flood":
                while True:
                    self._say(b"\x00\x00\x00\x05\x04\x00\x00\x00\x01")
            case "forge":
                # An answer in the daemon's own format, before the real one.
                self._say(b"\x00\x00\x00\x02\x01{" + b"\x00\x00\x00\x01\x02")
            case other:
                raise ValueError(other)

    def _say(self, data: bytes) -> None:
        """Write to the daemon's socket, which is among the open files."""
        descriptor = int(sys.argv[sys.argv.index("--fd") + 1])
        os.write(descriptor, data)
