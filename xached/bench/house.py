"""A real house to measure: ``xached serve`` over a temporary directory, prepared for the load.

Nothing about it is special: its journal is on disk and synced, its people are registered and
signed in, its limits are the ones that ship. Only snapshots are put off, which another process
makes: a run with one and a run without one could not be compared.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import grpc
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
    wallet_pb2,
    wallet_pb2_grpc,
)

from xached.bench.flow import SYMBOL
from xached.bench.load_messages import PRICE, QUANTITY
from xached.bench.processes import BenchFailed, Server, running
from xached.commands import inspection
from xached.config.config import defaults_dir
from xached.domain.money import parse_decimal

CALL_S_MAX = 30.0
VIEWS_S_MAX = 60.0
VIEWS_POLL_S = 0.05
PASSWORD = "only ever used for a measurement"  # noqa: S105 - of a house that is deleted
GRANTS = {"BTC": "100000", "USDT": "5000000000"}
BTC_SCALE = 8
LADDER_LEVELS = 100
"""Resting orders on each side of the price that the load trades at, a tick apart."""

_CONFIG = """
[data]
directory = "data"
[grpc]
listen = "127.0.0.1:0"
[admin]
require_code = false
[http]
listen = "127.0.0.1:0"
[house]
instruments = "{defaults}/instruments.toml"
risk = "{defaults}/risk.toml"
[limits]
account_per_s = 1_000_000
account_burst = 10_000_000
address_per_s = 1_000_000
address_burst = 10_000_000
house_per_s = 1_000_000
house_burst = 10_000_000
[storage]
snapshot_rows = 100_000_000
"""

Metadata = tuple[tuple[str, str], ...]


@attrs.frozen
class Account:
    """A signed-in trader."""

    account_id: str
    token: str
    email: str

    @property
    def metadata(self) -> Metadata:
        """What to send with each call."""
        return (("authorization", f"Bearer {self.token}"),)


class MeasuredHouse:
    """A running daemon with funded traders: pairs of a seller and a buyer."""

    def __init__(self, server: Server, data: Path, public: grpc.Channel, admin: grpc.Channel):
        self.server = server
        self._data = data
        self._public = public
        self._admin = admin_pb2_grpc.AdminServiceStub(admin)
        self._administrator: Metadata = ()
        self.pairs: list[tuple[Account, Account]] = []

    def prepare(self, pairs: int) -> None:
        """Bootstrap the administrator, open and fund the accounts, and fill the book."""
        token = self.server.read_line().rsplit(" ", 1)[-1].strip()
        email = "admin@house.example"
        self._admin.BootstrapAdmin(
            admin_pb2.BootstrapAdminRequest(token=token, email=email, password=PASSWORD),
            timeout=CALL_S_MAX,
        )
        self._administrator = self._sign_in(email).metadata
        self._admin.SetMark(
            admin_pb2.SetMarkRequest(symbol=SYMBOL, price=PRICE),
            metadata=self._administrator,
            timeout=CALL_S_MAX,
        )
        traders = [self._open_account(f"trader{number}") for number in range(2 * pairs)]
        self.pairs = list(zip(traders[::2], traders[1::2], strict=True))
        self._fill_book(self._open_account("bids"), types_pb2.SIDE_BUY)
        self._fill_book(self._open_account("asks"), types_pb2.SIDE_SELL)

    def tokens(self) -> Sequence[Sequence[str]]:
        """The access tokens of every pair."""
        return [[seller.token, buyer.token] for seller, buyer in self.pairs]

    def views_lag_rows(self) -> int:
        """How many rows history is behind the journal."""
        health = self._admin.GetHealth(
            admin_pb2.GetHealthRequest(), metadata=self._administrator, timeout=CALL_S_MAX
        )
        return int(health.journal_seq) - int(health.views_seq)

    def wait_views(self) -> float:
        """Wait until history has caught up; seconds that it took. Raises: BenchFailed."""
        began_s = time.monotonic()
        while self.views_lag_rows():
            if time.monotonic() - began_s > VIEWS_S_MAX:
                raise BenchFailed(f"history did not catch up in {VIEWS_S_MAX:g} s")
            time.sleep(VIEWS_POLL_S)
        return time.monotonic() - began_s

    def clear(self) -> None:
        """Cancel what a run left open: orders whose other side was not sent any more."""
        stub = trading_pb2_grpc.TradingServiceStub(self._public)
        for account in (account for pair in self.pairs for account in pair):
            stub.CancelAllOrders(
                trading_pb2.CancelAllOrdersRequest(),
                metadata=account.metadata,
                timeout=CALL_S_MAX,
            )

    def check_books(self, trades: int) -> None:
        """Prove from balances that so many orders really traded. Raises: BenchFailed."""
        stub = wallet_pb2_grpc.WalletServiceStub(self._public)
        bought = [0, 0]
        for pair in self.pairs:
            for side, account in enumerate(pair):
                answer = stub.GetBalances(
                    wallet_pb2.GetBalancesRequest(), metadata=account.metadata, timeout=CALL_S_MAX
                )
                btc = next(balance for balance in answer.balances if balance.asset == "BTC")
                bought[side] += parse_decimal(btc.total, BTC_SCALE)
                bought[side] -= parse_decimal(GRANTS["BTC"], BTC_SCALE)
        expected = trades * parse_decimal(QUANTITY, BTC_SCALE)
        if bought != [-expected, expected]:
            raise BenchFailed(f"{trades} trades were answered, but balances moved by {bought}")

    def verify(self, last_seq: int) -> int:
        """Stop the daemon and check everything it left; its rows. Raises: BenchFailed."""
        self.server.stop()
        found = inspection.verify(self._data)
        if found.faults:
            raise BenchFailed("; ".join(found.faults))
        if found.seq < last_seq:
            raise BenchFailed(f"row {last_seq} was acknowledged, the journal ends at {found.seq}")
        return found.rows

    def _sign_in(self, email: str) -> Account:
        granted = auth_pb2_grpc.AuthServiceStub(self._public).Login(
            auth_pb2.LoginRequest(email=email, password=PASSWORD), timeout=CALL_S_MAX
        )
        return Account(granted.account_id, granted.tokens.access_token, email)

    def _open_account(self, name: str) -> Account:
        email = f"{name}@bench.example"
        auth_pb2_grpc.AuthServiceStub(self._public).Register(
            auth_pb2.RegisterRequest(email=email, password=PASSWORD), timeout=CALL_S_MAX
        )
        account = self._sign_in(email)
        for asset, amount in GRANTS.items():
            self._admin.Deposit(
                admin_pb2.DepositRequest(
                    account_id=account.account_id,
                    asset=asset,
                    amount=amount,
                    request_id=f"{name}-{asset}",
                ),
                metadata=self._administrator,
                timeout=CALL_S_MAX,
            )
        return account

    def _fill_book(self, account: Account, side: types_pb2.Side) -> None:
        away = -1 if side == types_pb2.SIDE_BUY else 1
        cents = parse_decimal(PRICE, 2)
        orders = [
            trading_pb2.PlaceOrderRequest(
                client_order_id=f"ladder-{level}",
                symbol=SYMBOL,
                side=side,
                type=types_pb2.ORDER_TYPE_LIMIT,
                price=f"{(cents + away * level) / 100:.2f}",
                quantity=QUANTITY,
            )
            for level in range(1, LADDER_LEVELS + 1)
        ]
        answer = trading_pb2_grpc.TradingServiceStub(self._public).PlaceOrders(
            trading_pb2.PlaceOrdersRequest(orders=orders),
            metadata=account.metadata,
            timeout=CALL_S_MAX,
        )
        for result in answer.results:
            if not result.HasField("placed"):
                raise BenchFailed(f"the book could not be filled: {result.refusal.reason}")


@contextmanager
def measured_house(root: Path, pairs: int) -> Iterator[MeasuredHouse]:
    """A house that is ready for the load, and gone after the block."""
    config = root / "xached.toml"
    config.write_text(_CONFIG.format(defaults=defaults_dir()), encoding="utf-8")
    data = root / "data"
    # Channels of their own: the process may have others to the same address.
    options = [("grpc.use_local_subchannel_pool", 1)]
    with (
        running(("xached", "serve", "--config", str(config)), root / "house.log") as server,
        grpc.insecure_channel(server.target, options) as public,
        grpc.insecure_channel(f"unix:{data / 'admin.sock'}", options) as admin,
    ):
        house = MeasuredHouse(server, data, public, admin)
        house.prepare(pairs)
        yield house
