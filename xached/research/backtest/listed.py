"""What a strategy can see of markets that are listed while a run lasts: nothing, before they are.

A market counts as listed from its first candle on. Before that its instrument, its position and
the asset it is the first to trade are not there, as they are not there live: a list of instruments
that holds what is only listed later tells which ones will be worth listing. What a strategy
subscribes to was named by whoever set it up, and is always there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import TypeVar

from xache_sdk.context import Context
from xache_sdk.market import Subscription

from xached.research.backtest.terms import MarketData

Value = TypeVar("Value")


class Listed(MutableMapping[str, Value]):
    """Values by symbol or asset; those with a time in ``since_ns`` appear at that time."""

    def __init__(self, values: Mapping[str, Value], since_ns: Mapping[str, int]) -> None:
        self._values = dict(values)
        self._since_ns = dict(since_ns)
        self.clock: Context | None = None
        """Whose time it is; before it is set nothing is listed that has a time."""

    def __getitem__(self, key: str) -> Value:
        if not self._is_listed(key):
            raise KeyError(key)
        return self._values[key]

    def __setitem__(self, key: str, value: Value) -> None:
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._values if self._is_listed(key))

    def __len__(self) -> int:
        return sum(map(self._is_listed, self._values))

    def _is_listed(self, key: str) -> bool:
        since_ns = self._since_ns.get(key)
        return since_ns is None or (self.clock is not None and self.clock.now_ns >= since_ns)


def listed_later(
    markets: Sequence[MarketData], subscriptions: Sequence[Subscription], start_ns: int
) -> dict[str, int]:
    """When symbols and assets appear that are not there at the start, nor subscribed to."""
    named = {each.symbol for each in subscriptions}
    opened = {
        market.instrument.symbol: min(int(each.open_at_ns[0]) for each in market.candles)
        for market in markets
    }
    since_ns: dict[str, int] = {}
    for market in markets:
        instrument = market.instrument
        at_ns = start_ns if instrument.symbol in named else opened[instrument.symbol]
        since_ns[instrument.symbol] = at_ns
        for asset in (instrument.base, instrument.quote):
            since_ns[asset] = min(at_ns, since_ns.get(asset, at_ns))
    return {name: at_ns for name, at_ns in since_ns.items() if at_ns > start_ns}
