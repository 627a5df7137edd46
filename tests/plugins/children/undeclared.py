"""Strategies that depend on more than what they are told. Imported by child processes only."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from xache_sdk.market import XACHE, Subscription, Trade, Trades
from xache_sdk.orders import Intents, Note
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """What it looks at besides."""

    act: str = ""


class Undeclared(Strategy[Settings]):
    """Says something of each trade that nobody told it."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        return [Trades("BTC-USDT", XACHE)]

    def on_trade(self, trade: Trade) -> Intents:
        match self.settings.act:
            case "dice":
                return [Note(f"dice {random.random()}")]
            case "clock":
                return [Note(f"clock {time.time_ns()}")]
            case "process":
                return [Note(f"process {os.getpid()}")]
            case "order of a set":
                return [Note(str({str(number) for number in range(20)}))]
            case _:
                return [Note(f"told {self.context.now_ns} {trade.price}")]
