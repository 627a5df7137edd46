"""A venue whose feed is as bad as real ones: gaps, NaN, garbage, crossed quotes, silence.

It makes frames as the venue would send them, which the real parser reads. Once nothing is to go
wrong any more, it sends good frames only.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from typing import Final

import attrs
import trio

from xached.adapters.feeds.binance import BinanceParser
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import BINANCE, FeedRecord, FeedReset, Provenance, Venue
from xached.runtime.supervise import Restart
from xached.runtime.world import SimulatedWorld

PRICE: Final = 60_000
SNAPSHOT_LEVELS: Final = 5
PERIOD_S: Final = 0.4
NS_PER_MS: Final = 1_000_000


Publish = Callable[[Sequence[FeedRecord]], Sequence[Symbol]]
"""Takes records, says whose books have to begin anew."""


class FeedBroken(Exception):  # noqa: N818 - what happened
    """The connection to the venue is gone."""


@attrs.frozen(kw_only=True)
class VenueStatistics:
    """What a venue has sent."""

    frames: int


class SimulatedVenue:
    """One feed of one instrument (actors.market.MarketFeed), new for each daemon."""

    def __init__(
        self,
        instrument: Instrument,
        world: SimulatedWorld,
        draw: random.Random,
        is_well: Callable[[], bool],
    ) -> None:
        """``is_well`` says when nothing goes wrong any more."""
        self._instrument = instrument
        self._world = world
        self._draw = draw
        self._is_well = is_well
        self._name = instrument.base + instrument.quote
        self._parser = BinanceParser({self._name: instrument}, snapshot_symbol=self._name)
        self._last_id = 0
        self._sent = 0

    @property
    def name(self) -> str:
        """See MarketFeed."""
        return "feed"

    @property
    def restart(self) -> Restart:
        """See MarketFeed: it always comes back."""
        return Restart(limit=1_000_000)

    def statistics(self) -> VenueStatistics:
        """See MarketFeed."""
        return VenueStatistics(frames=self._sent)

    @property
    def venue(self) -> Venue:
        """See MarketFeed."""
        return BINANCE

    @property
    def provenance(self) -> Provenance:
        """See MarketFeed."""
        return Provenance.LIVE

    @property
    def symbols(self) -> Sequence[Symbol]:
        """See MarketFeed."""
        return (self._instrument.symbol,)

    async def run(self, publish: Publish) -> None:
        """See MarketFeed."""
        while True:
            reset = FeedReset(
                symbol=self._instrument.symbol, at_ns=self._world.now_ns(), cause="connected"
            )
            publish([reset])
            self._send(publish, self._snapshot())
            for _ in range(self._draw.randrange(5, 60)):
                await trio.sleep(self._draw.uniform(0, PERIOD_S))
                await self._go_on(publish)

    async def _go_on(self, publish: Publish) -> None:
        fate = 1.0 if self._is_well() else self._draw.random()
        if fate < 0.02:
            self._last_id += 7  # A gap: what comes next does not connect.
        elif fate < 0.04:
            await trio.sleep(self._draw.uniform(5, 20))
        elif fate < 0.045:
            raise FeedBroken
        if fate < 0.1:
            self._send(publish, self._draw.choice(_GARBAGE))
        elif fate < 0.13:
            self._send(publish, self._quote(crossed=True))
        elif fate < 0.16:
            self._send(publish, self._trade(price="NaN"))
        else:
            make = self._draw.choice((self._quote, self._diff, self._trade))
            self._send(publish, make())

    def _send(self, publish: Publish, frame: bytes) -> None:
        self._sent += 1
        broken = publish(self._parser.parse(frame, self._world.now_ns()))
        if broken and self._draw.random() < 0.5:  # The other half of the time it takes longer.
            publish(self._parser.parse(self._snapshot(), self._world.now_ns()))

    # --- frames ---------------------------------------------------------------------------------

    def _snapshot(self) -> bytes:
        self._last_id += 1
        return _json(
            lastUpdateId=self._last_id,
            bids=[[str(PRICE - n), "1.5"] for n in range(1, SNAPSHOT_LEVELS + 1)],
            asks=[[str(PRICE + n), "1.5"] for n in range(1, SNAPSHOT_LEVELS + 1)],
        )

    def _diff(self) -> bytes:
        first = self._last_id + 1
        self._last_id += 1
        below = self._draw.random() < 0.5
        away = self._draw.randrange(1, SNAPSHOT_LEVELS + 1)
        level = [str(PRICE - away if below else PRICE + away), self._draw.choice(("0", "2", "3.5"))]
        return _json(
            e="depthUpdate", s=self._name, E=self._now_ms(), U=first, u=self._last_id,
            b=[level] if below else [], a=[] if below else [level],
        )  # fmt: skip

    def _quote(self, *, crossed: bool = False) -> bytes:
        self._last_id += 1
        half = -1 if crossed else self._draw.randrange(1, 20)
        return _json(
            u=self._last_id, s=self._name, b=str(PRICE - half), B="1", a=str(PRICE + half), A="1"
        )

    def _trade(self, price: str = "") -> bytes:
        self._last_id += 1
        price = price or str(PRICE + self._draw.randrange(-3, 4))
        return _json(
            e="trade", s=self._name, t=self._last_id, p=price, q="0.01", m=True, T=self._now_ms()
        )

    def _now_ms(self) -> int:
        return self._world.now_ns() // NS_PER_MS


_GARBAGE: Final = (
    b"",
    b"\xff\xfe not JSON",
    b'{"e": "trade", "s": "BTCUSDT"}',
    b'{"u": 1, "s": "BTCUSDT", "b": "Infinity", "B": "1", "a": "-1", "A": "1"}',
    b'{"lastUpdateId": "x", "bids": [[1]], "asks": null}',
    b"[" * 1_000,
)


def _json(**fields: object) -> bytes:
    return json.dumps(fields).encode()
