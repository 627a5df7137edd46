"""What purses own, worth in one asset, and what has moved: read for portfolios and returns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Final

import attrs

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api.routes import Call
from xached.domain.instrument import AssetName, Directory, Instrument, Symbol
from xached.domain.money import format_units
from xached.domain.order import Purse, account_of
from xached.domain.portfolio import (
    Holdings,
    HoldingsQuery,
    find_route,
    rate_along,
    unrealised_units,
)
from xached.domain.position import Position
from xached.domain.queries import PursesQuery
from xached.domain.statement import Transaction, TransactionKind
from xached.storage.views import Page

MOVEMENTS_PAGE: Final = 500
MOVEMENTS_MAX: Final = 20_000
"""Movements of one purse that a change looks back over; a busier purse has no change to tell."""

FLOWS: Final = (TransactionKind.DEPOSIT, TransactionKind.TRANSFER, TransactionKind.FORFEIT)
"""What comes in and goes out without being earned."""


class Owned:
    """Reads what is owned now, and what has moved."""

    def __init__(
        self,
        matching: Matching,
        directory: Directory,
        history: History,
        now_ns: Callable[[], int],
    ) -> None:
        self._matching = matching
        self._directory = directory
        self._history = history
        self.now_ns = now_ns

    async def valued(self, call: Call, base_asset: str, whole_account: bool) -> Valued:
        """What a purse, or the whole account, holds now, in one asset. Raises: Rejection."""
        base = self.base(base_asset)
        purses: tuple[Purse, ...] = (call.purse,)
        if whole_account:
            account_id = account_of(call.purse)
            known = await self._matching.query(PursesQuery(account_id), account=account_id)
            purses = tuple(each.purse for each in known)
        return Valued(base, await self.holdings(purses, self.now_ns()), self._directory)

    async def holdings(self, purses: tuple[Purse, ...], now_ns: int) -> Holdings:
        """How purses of one account stand. Raises: Rejection UNKNOWN_PURSE."""
        account = account_of(purses[0])
        return await self._matching.query(HoldingsQuery(purses, now_ns), account=account)

    def base(self, name: str) -> AssetName:
        """The asset to value in: a named one, else the quote of the market listed first."""
        if name or not self._directory:
            return self._directory.asset(name).name
        return next(iter(self._directory.values())).quote

    async def moved_since(self, purse: Purse, since_ns: int, seq: int) -> list[Transaction] | None:
        """Movements of a purse up to a row, newest first; None when there are too many."""
        await self._history.wait_for(seq)
        moved: list[Transaction] = []
        before: int | None = None
        while len(moved) < MOVEMENTS_MAX:
            page: Page[Transaction] = await self._history.transactions(
                purse, None, before, MOVEMENTS_PAGE
            )
            for each in page.items:
                if each.at_ns <= since_ns:
                    return moved
                if each.seq <= seq:
                    moved.append(each)
            before = page.next_before
            if before is None:
                return moved
        return None

    def show(self, asset: AssetName, units: Fraction) -> str:
        """Whole units, rounded down."""
        return format_units(units.__floor__(), self._directory.assets[asset].scale)


@attrs.define(eq=False)
class Valued:
    """Holdings of some purses added up, and their worths in one asset, exact."""

    base: AssetName
    holdings: Holdings
    directory: Mapping[Symbol, Instrument]
    quantities: dict[AssetName, int] = attrs.field(factory=dict)
    worths: dict[AssetName, Fraction] = attrs.field(factory=dict)
    realised: Fraction = Fraction(0)
    unrealised: Fraction = Fraction(0)

    def __attrs_post_init__(self) -> None:
        for snapshot in self.holdings.purses.values():
            for asset, funds in snapshot.balances.items():
                total = self.quantities.get(asset, 0) + funds.available + funds.held
                self.quantities[asset] = total
            for symbol, position in snapshot.positions.items():
                self._add_position(symbol, position)
        for asset, units in self.quantities.items():
            rate = self._rate(asset)
            if rate is not None:
                self.worths[asset] = units * rate

    @property
    def worth(self) -> Fraction:
        """Of all that has a price."""
        return sum(self.worths.values(), Fraction(0))

    @property
    def complete(self) -> bool:
        """Whether all that could have a price has one now."""
        return all(
            asset in self.worths or find_route(asset, self.base, self.directory) is None
            for asset, units in self.quantities.items()
            if units
        )

    def by_worth(self) -> list[AssetName]:
        """What there is some of, the most valuable first; what has no price last."""
        held = [asset for asset, units in self.quantities.items() if units]
        return sorted(held, key=lambda asset: (-self.worths.get(asset, Fraction(-1)), asset))

    def legs(self, asset: AssetName) -> Iterable[tuple[Symbol, bool]]:
        """The instruments that an asset is valued through."""
        route = find_route(asset, self.base, self.directory)
        return route.legs if route is not None else ()

    def _add_position(self, symbol: Symbol, position: Position) -> None:
        instrument = self.directory[symbol]
        rate = self._rate(instrument.quote)
        if rate is None:
            return
        self.realised += position.realised_units * rate
        price = self.holdings.prices.get(symbol)
        if price is not None:
            self.unrealised += unrealised_units(position, price, instrument) * rate

    def _rate(self, asset: AssetName) -> Fraction | None:
        route = find_route(asset, self.base, self.directory)
        if route is None:
            return None
        ticks = {symbol: price.ticks for symbol, price in self.holdings.prices.items()}
        return rate_along(route, ticks, self.directory)


def flows_of(moved: list[Transaction], purses: Mapping[Purse, object]) -> list[Transaction]:
    """What came in and went out of some purses together."""
    flows = [each for each in moved if each.kind in FLOWS]
    if len(purses) == 1:
        return flows
    # Both sides of a transfer are of one row: where both are here, it stayed inside.
    inside: dict[tuple[int, AssetName], int] = {}
    for each in flows:
        key = (each.seq, each.asset)
        inside[key] = inside.get(key, 0) + each.amount_units
    return [each for each in flows if inside[each.seq, each.asset]]
