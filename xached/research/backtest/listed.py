"""What a strategy can see of markets that are listed while a run lasts: nothing, before they are.

A market counts as listed from its first candle on, or from the first row of its tape. Before that
its instrument, its position and the asset it is the first to trade are not there, as they are not
there live, and orders for it are refused: a list of instruments that holds what is only listed
later tells which ones will be worth listing. What a strategy subscribes to was named by whoever set
it up, and is always shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any, TypeVar

from xache_sdk.context import Context
from xache_sdk.market import Subscription

from xached.domain.instrument import Instrument
from xached.research.backtest.account import Account, LiveBalance

Value = TypeVar("Value")
ContextT = TypeVar("ContextT", bound=Context)


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
    opened: Sequence[tuple[Instrument, int]], subscriptions: Sequence[Subscription], start_ns: int
) -> dict[str, int]:
    """When symbols and assets appear that are not there at the start, nor subscribed to.

    ``opened``: markets, and when each was there for the first time.
    """
    named = {each.symbol for each in subscriptions}
    since_ns: dict[str, int] = {}
    for instrument, opened_ns in opened:
        at_ns = start_ns if instrument.symbol in named else opened_ns
        since_ns[instrument.symbol] = at_ns
        for asset in (instrument.base, instrument.quote):
            since_ns[asset] = min(at_ns, since_ns.get(asset, at_ns))
    return {name: at_ns for name, at_ns in since_ns.items() if at_ns > start_ns}


def make_listed(
    make: Callable[..., ContextT], account: Account, later: Mapping[str, int]
) -> ContextT:
    """Make a context of the purse: what is listed later appears when its clock says so."""
    values: list[Any] = [
        {line.told.symbol: line.told for line in account.lines},
        {name: LiveBalance(each) for name, each in account.holdings.items()},
        {line.told.symbol: line.told_position for line in account.lines},
    ]
    # Plain ones where all are there from the start: they are asked at every candle.
    shown = [Listed(each, later) for each in values] if later else values
    instruments, balances, positions = shown
    context = make(instruments=instruments, balances=balances, positions=positions)
    for each in shown if later else ():
        each.clock = context
    return context
