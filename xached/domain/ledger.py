"""Double entry: every amount leaves one account and reaches another.

Accounts are typed. A purse has two per asset, AVAILABLE and HELD; the house has FEES, and
EXTERNAL stands for the world outside and is the only one that may be negative. A hold is a
transfer from AVAILABLE to HELD in the name of one order. All money moves in ``_move`` and in
``settle``, which take as much as they give, so the accounts of an asset sum to zero at any time.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator

import attrs

from xached.domain.instrument import AssetName
from xached.domain.order import OrderId, Purse


class AccountKind(enum.IntEnum):
    """What an account of the ledger is for."""

    AVAILABLE = 1
    HELD = 2
    FEES = 3
    EXTERNAL = 4


class LedgerAccount:
    """One account: whose, of what, how much. Units are the asset's smallest."""

    __slots__ = ("asset", "kind", "purse", "units")

    def __init__(self, kind: AccountKind, purse: Purse, asset: AssetName) -> None:
        self.kind = kind
        self.purse = purse
        self.asset = asset
        self.units = 0


@attrs.define
class Hold:
    """Money set aside for one order: so many units of ``held`` that came from ``available``."""

    available: LedgerAccount
    held: LedgerAccount
    units: int

    @property
    def asset(self) -> AssetName:
        """What is held."""
        return self.held.asset


HOUSE_PURSE = Purse("")
"""Owner of the accounts that belong to nobody's purse."""


class Ledger:
    """All accounts and all holds."""

    def __init__(self) -> None:
        self._available: dict[tuple[Purse, AssetName], LedgerAccount] = {}
        self._held: dict[tuple[Purse, AssetName], LedgerAccount] = {}
        self._fees: dict[AssetName, LedgerAccount] = {}
        self._external: dict[AssetName, LedgerAccount] = {}
        self._holds: dict[OrderId, Hold] = {}

    def open_asset(self, asset: AssetName) -> None:
        """Open the house's accounts of an asset."""
        assert asset not in self._fees
        self._fees[asset] = LedgerAccount(AccountKind.FEES, HOUSE_PURSE, asset)
        self._external[asset] = LedgerAccount(AccountKind.EXTERNAL, HOUSE_PURSE, asset)

    def available_units(self, purse: Purse, asset: AssetName) -> int:
        """What a purse is free to use."""
        account = self._available.get((purse, asset))
        return account.units if account is not None else 0

    def held_units(self, purse: Purse, asset: AssetName) -> int:
        """What is set aside in a purse."""
        account = self._held.get((purse, asset))
        return account.units if account is not None else 0

    def fees_units(self, asset: AssetName) -> int:
        """What the house has charged."""
        return self._fees[asset].units

    def deposit(self, purse: Purse, asset: AssetName, units: int) -> None:
        """Bring money in from outside."""
        _move(self._external[asset], self._purse_account(purse, asset), units)

    def forfeit(self, purse: Purse, asset: AssetName, units: int) -> None:
        """Give what a purse has left to the house."""
        _move(self._purse_account(purse, asset), self._fees[asset], units)

    def transfer(self, source: Purse, target: Purse, asset: AssetName, units: int) -> None:
        """Move free money from one purse to another."""
        _move(self._purse_account(source, asset), self._purse_account(target, asset), units)

    def hold(self, order_id: OrderId, purse: Purse, asset: AssetName, units: int) -> None:
        """Set money aside for an order."""
        assert order_id not in self._holds
        available = self._purse_account(purse, asset)
        hold = self._holds[order_id] = Hold(available, self._held[purse, asset], units)
        _move(available, hold.held, units)

    def release(self, order_id: OrderId, units: int) -> None:
        """Give back a part of an order's hold."""
        hold = self._holds[order_id]
        assert 0 <= units <= hold.units, (hold, units)
        hold.units -= units
        _move(hold.held, hold.available, units)

    def draw(self, order_id: OrderId, units: int) -> None:
        """Set more money aside for an order that holds some already."""
        hold = self._holds[order_id]
        hold.units += units
        _move(hold.available, hold.held, units)

    def move_hold(self, source: OrderId, target: OrderId, units: int) -> None:
        """Let an order hold what another of the same purse and asset held."""
        giving, getting = self._holds[source], self._holds[target]
        assert giving.held is getting.held
        assert 0 <= units <= giving.units, (giving, units)
        giving.units -= units
        getting.units += units

    def close_hold(self, order_id: OrderId, units: int) -> None:
        """Give back the rest of an order's hold, which is ``units``, and forget it."""
        hold = self._holds.pop(order_id)
        assert hold.units == units, (hold, units)
        if units:
            _move(hold.held, hold.available, units)

    def settle(
        self,
        buyer: OrderId,
        seller: OrderId,
        *,
        paid_units: int,
        proceeds_units: int,
        released_units: int,
        base_units: int,
    ) -> None:
        """Settle a trade out of the holds of both orders.

        The buyer's pays ``paid_units``, of which the seller gets the proceeds and the house the
        rest as its fee, and gives back what is released. The seller's pays the base.
        """
        paying, giving = self._holds[buyer], self._holds[seller]
        quote, base = paying.held, giving.held
        used_units = paid_units + released_units
        assert 0 <= proceeds_units <= paid_units
        assert released_units >= 0
        assert used_units <= paying.units <= quote.units
        assert 0 < base_units <= giving.units <= base.units
        paying.units -= used_units
        quote.units -= used_units
        paying.available.units += released_units
        self._purse_account(base.purse, quote.asset).units += proceeds_units
        self._fees[quote.asset].units += paid_units - proceeds_units
        giving.units -= base_units
        base.units -= base_units
        self._purse_account(quote.purse, base.asset).units += base_units

    def hold_of(self, order_id: OrderId) -> Hold:
        """The hold of an order."""
        return self._holds[order_id]

    def balances(self, purse: Purse) -> list[tuple[AssetName, int, int]]:
        """Every (asset, available, held) a purse has ever had, by asset."""
        # By asset: there are few of these, and very many purses.
        return [
            (asset, self._available[purse, asset].units, self._held[purse, asset].units)
            for asset in sorted(self._fees)
            if (purse, asset) in self._available
        ]

    def accounts(self) -> Iterator[LedgerAccount]:
        """Every account, the house's first."""
        yield from self._fees.values()
        yield from self._external.values()
        yield from self._available.values()
        yield from self._held.values()

    def sum_units(self, asset: AssetName) -> int:
        """The sum of all accounts of an asset: zero, or the books are wrong."""
        return sum(account.units for account in self.accounts() if account.asset == asset)

    def check(self) -> None:
        """Assert zero sums, no negative purse, and held = the sum of the holds."""
        sums: dict[AssetName, int] = {}
        for account in self.accounts():
            sums[account.asset] = sums.get(account.asset, 0) + account.units
            assert account.units >= 0 or account.kind is AccountKind.EXTERNAL, account.purse
        assert not any(sums.values()), sums
        held: dict[tuple[Purse, AssetName], int] = {}
        for hold in self._holds.values():
            assert hold.units >= 0
            key = (hold.held.purse, hold.held.asset)
            assert hold.held is self._held[key]
            assert hold.available is self._available[key]
            held[key] = held.get(key, 0) + hold.units
        for key, account in self._held.items():
            assert account.units == held.get(key, 0), key

    def snapshot(self) -> dict[str, list[list[object]]]:
        """The state as nested builtins, in the order of insertion."""
        return {
            "accounts": [[a.kind.value, a.purse, a.asset, a.units] for a in self.accounts()],
            "holds": [
                [order_id, hold.held.purse, hold.held.asset, hold.units]
                for order_id, hold in self._holds.items()
            ],
        }

    @classmethod
    def restore(cls, state: dict[str, list[list[object]]]) -> Ledger:
        """The ledger that gave ``state``."""
        ledger = cls()
        for kind_value, purse, asset, units in state["accounts"]:
            assert isinstance(kind_value, int)
            assert isinstance(purse, str)
            assert isinstance(asset, str)
            assert isinstance(units, int)
            kind, owner, name = AccountKind(kind_value), Purse(purse), AssetName(asset)
            account = LedgerAccount(kind, owner, name)
            account.units = units
            match kind:
                case AccountKind.AVAILABLE:
                    ledger._available[owner, name] = account
                case AccountKind.HELD:
                    ledger._held[owner, name] = account
                case AccountKind.FEES:
                    ledger._fees[name] = account
                case AccountKind.EXTERNAL:
                    ledger._external[name] = account
        for order_id, purse, asset, units in state["holds"]:
            assert isinstance(order_id, int)
            assert isinstance(purse, str)
            assert isinstance(asset, str)
            assert isinstance(units, int)
            key = (Purse(purse), AssetName(asset))
            hold = Hold(ledger._available[key], ledger._held[key], units)
            ledger._holds[OrderId(order_id)] = hold
        return ledger

    def _purse_account(self, purse: Purse, asset: AssetName) -> LedgerAccount:
        account = self._available.get((purse, asset))
        if account is None:
            assert asset in self._fees, asset
            account = LedgerAccount(AccountKind.AVAILABLE, purse, asset)
            self._available[purse, asset] = account
            self._held[purse, asset] = LedgerAccount(AccountKind.HELD, purse, asset)
        return account


def _move(source: LedgerAccount, target: LedgerAccount, units: int) -> None:
    assert units >= 0
    assert source.asset == target.asset
    source.units -= units
    target.units += units
    assert source.units >= 0 or source.kind is AccountKind.EXTERNAL, (source.purse, units)
