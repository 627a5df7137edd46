"""What a new feed begins with."""

from __future__ import annotations

from typing import Final

_PYPROJECT: Final = """\
[build-system]
requires = ["hatchling>=1.27,<2"]
build-backend = "hatchling.build"

[project]
name = "xache-feed-@NAME@"
version = "0.1.0"
description = "A feed for XACHE"
readme = "README.md"
requires-python = ">=3.11"
classifiers = ["Typing :: Typed"]
dependencies = ["xache-sdk>=0.1,<0.2"]

[project.optional-dependencies]
test = ["pytest>=9"]

[project.entry-points."xache.feeds"]
@PLUGIN@ = "@MODULE@.feed:@CLASS@"

[tool.hatch.build.targets.wheel]
packages = ["src/@MODULE@"]
"""

_README: Final = """\
# xache-feed-@NAME@

A feed for XACHE: it reads what a venue sends. Replace the venue of the example by yours in
`feed.py`.

    pip install -e '.[test]'
    pytest

`pip install .` beside the daemon makes it known as `@PLUGIN@`. An operator approves it
(`xached admin plugins show @PLUGIN@ --kind feed` tells its digest) and names in `xached.toml` what
is followed, and where it may connect:

    [feeds]
    plugins = { @PLUGIN@ = ["BTC-USDT"] }

    [egress]
    hosts = ["ws.example.com"]
"""

_FEED: Final = '''\
"""Book and trades of a venue that sends JSON over one stream."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xache_sdk.feeds import (
    BadFrame,
    Book,
    BookChange,
    Connection,
    Feed,
    Market,
    Record,
    Send,
    Trade,
    Way,
    load_json,
)
from xache_sdk.market import Side
from xache_sdk.settings import setting


@dataclass(frozen=True)
class Settings:
    """Where the venue is."""

    stream: str = setting("wss://ws.example.com/v1", about="its public stream")


class @CLASS@(Feed[Settings]):
    """Books and trades of example.com."""

    settings_type = Settings

    def __init__(self, settings: Settings, markets: Sequence[Market]) -> None:
        super().__init__(settings, markets)
        # The venue's own names: as the operator gives them, or as the venue makes them.
        self._names = {each.symbol: each.name or each.symbol.lower() for each in markets}
        self._symbols = {name: symbol for symbol, name in self._names.items()}

    def connection(self) -> Connection:
        """One message for each market; the first snapshots come by themselves."""
        return Connection(
            stream=self.settings.stream,
            messages=[self._subscribe(symbol) for symbol in self._names],
            snapshots_come=True,
        )

    def receive(self, frame: bytes) -> Iterable[Record]:
        """Read one message."""
        message = load_json(frame)
        symbol = self._symbols[message["market"]]
        match message["type"]:
            case "trade":
                yield Trade(
                    symbol=symbol,
                    trade_id=message["id"],
                    price=message["price"],
                    quantity=message["size"],
                    taker_side=Side[message["side"]],
                    at_ns=message["at_ms"] * 1_000_000,
                )
            case "book":
                yield Book(symbol=symbol, bids=message["bids"], asks=message["asks"])
            case "change":
                yield BookChange(symbol=symbol, bids=message["bids"], asks=message["asks"])
            case other:
                raise BadFrame(f"nobody knows {other}")

    def repair(self, symbol: str) -> Way:
        """A book that has lost step comes anew when it is subscribed to again."""
        return Send([self._subscribe(symbol)])

    def _subscribe(self, symbol: str) -> str:
        return json.dumps({"subscribe": self._names[symbol]})
'''

_TEST: Final = '''\
"""What the feed makes of frames, and of what is none."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from xache_sdk.feeds import BadFrame, Book, Send, Trade
from xache_sdk.market import Side
from xache_sdk.testing import FeedRig, make_instrument

from @MODULE@.feed import @CLASS@


def rig() -> FeedRig:
    """One market."""
    return FeedRig(@CLASS@, {}, [make_instrument("BTC-USDT")])


def frame(**message: Any) -> bytes:
    """What the venue sends."""
    return json.dumps({"market": "btc-usdt", **message}).encode()


def test_it_subscribes_to_its_markets() -> None:
    connection = rig().connection()
    assert connection.stream == "wss://ws.example.com/v1"
    assert connection.messages == ['{"subscribe": "btc-usdt"}']
    assert rig().repair("BTC-USDT") == Send(connection.messages)


def test_it_reads_trades_and_books() -> None:
    [trade] = rig().receive(
        frame(type="trade", id=7, price="50000.10", size="0.002", side="SELL", at_ms=1_000)
    )
    assert isinstance(trade, Trade)
    assert (Decimal(str(trade.price)), trade.taker_side) == (Decimal("50000.10"), Side.SELL)
    assert trade.at_ns == 1_000_000_000
    [book] = rig().receive(frame(type="book", bids=[["49999", "1"]], asks=[["50001", "2"]]))
    assert isinstance(book, Book)
    assert book.bids == [["49999", "1"]]


@pytest.mark.parametrize(
    "wrong",
    [b"garbage", frame(type="news"), frame(type="book"), b'{"market": "eth-usdt"}', b"[]"],
)
def test_what_it_cannot_read_is_a_fault(wrong: bytes) -> None:
    with pytest.raises(BadFrame):
        rig().receive(wrong)
'''

FEED_FILES: Final = {
    "pyproject.toml": _PYPROJECT,
    "README.md": _README,
    "src/@MODULE@/__init__.py": '"""A feed for XACHE."""\n',
    "src/@MODULE@/py.typed": "",
    "src/@MODULE@/feed.py": _FEED,
    "tests/test_feed.py": _TEST,
}
"""What is written, by path. Marks between at signs are names."""
