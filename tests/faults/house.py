"""A real `xached serve` in a process of its own, and an administrator who prepares it."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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

REPOSITORY = Path(__file__).parents[2]
PASSWORD = "a long enough pass phrase"
START_S_MAX = 60.0
CALL_S_MAX = 20.0

Metadata = tuple[tuple[str, str], ...]


class HouseProcess:
    """A running daemon on a free port, over a data directory that outlives it."""

    def __init__(
        self,
        root: Path,
        prefix: Sequence[str] = (),
        more: str = "",
        admin: str = "require_code = false",
        admin_http: str = "",
    ) -> None:
        """``prefix``: a command that runs the daemon, such as strace.

        ``more``: configuration, and ``admin``: that of its table. ``admin_http``: where
        administrators' screens are served.
        """
        self.root = root
        config = root / "xached.toml"
        config.write_text(
            f"""
[data]
directory = "data"
[grpc]
listen = "127.0.0.1:0"
[admin]
{admin}
[http]
listen = "127.0.0.1:0"
[house]
instruments = "{REPOSITORY / "config" / "instruments.toml"}"
risk = "{REPOSITORY / "config" / "risk.toml"}"
{more}"""
        )
        with (root / "stderr.log").open("ab") as log:
            options = ["--config", str(config)]
            if admin_http:
                options += ["--admin-http", admin_http]
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", "xached", "serve", *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=root,
            )
        self.token = ""
        self.target = ""
        self.http = ""
        self.admin = ""
        self.admin_http = ""
        self._read_ready()

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.root / "data"

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self.process.kill()
        self.process.wait()
        self._close()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=START_S_MAX)
        self._close()
        return code

    def wait(self) -> int:
        """Wait for an end by itself: its exit code."""
        code = self.process.wait(timeout=START_S_MAX)
        self._close()
        return code

    def _close(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _read_ready(self) -> None:
        output = self.process.stdout
        assert output is not None
        deadline = time.monotonic() + START_S_MAX
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while not self.target:
                line = output.readline() if selector.select(deadline - time.monotonic()) else ""
                if not line:
                    log = (self.root / "stderr.log").read_text()
                    raise AssertionError(f"the daemon did not start:\n{log}")
                if ready := re.match(r"READY grpc=(\S+) http=(\S+)(?: admin=(\S+))?", line):
                    self.target, self.http, self.admin = ready[1], ready[2], ready[3] or ""
                    if screens := re.search(r" admin-http=(\S+)", line):
                        self.admin_http = screens[1]
        # The token follows READY while there is no administrator.
        if not (self.data / "has-admin").exists():
            self.token = output.readline().rsplit(" ", 1)[-1].strip()
            (self.data / "has-admin").touch()


@contextmanager
def running(root: Path, prefix: Sequence[str] = (), **given: str) -> Iterator[HouseProcess]:
    """A daemon that is gone after the block, however the block ends."""
    house = HouseProcess(root, prefix, **given)
    try:
        yield house
    finally:
        if house.process.poll() is None:
            house.kill()


@contextmanager
def connected(target: str) -> Iterator[grpc.Channel]:
    """A channel of its own, not shared with other tests of the process."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(target, options=options) as channel:
        yield channel


def sign_in(channel: grpc.Channel, email: str) -> Metadata:
    """Log in; the metadata to send with each call."""
    auth = auth_pb2_grpc.AuthServiceStub(channel)
    granted = auth.Login(auth_pb2.LoginRequest(email=email, password=PASSWORD), timeout=CALL_S_MAX)
    return (("authorization", f"Bearer {granted.tokens.access_token}"),)


def register(channel: grpc.Channel, email: str) -> str:
    """Open an account; its id."""
    auth = auth_pb2_grpc.AuthServiceStub(channel)
    request = auth_pb2.RegisterRequest(email=email, password=PASSWORD)
    account_id: str = auth.Register(request, timeout=CALL_S_MAX).account_id
    return account_id


def open_market(house: HouseProcess, accounts: Sequence[str]) -> None:
    """The first administrator sets the marks and credits everybody, through the admin socket."""
    with connected(f"unix:{house.data / 'admin.sock'}") as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        stub.BootstrapAdmin(
            admin_pb2.BootstrapAdminRequest(
                token=house.token, email="admin@house.example", password=PASSWORD
            ),
            timeout=CALL_S_MAX,
        )
        metadata = sign_in(channel, "admin@house.example")
        for symbol, price in (("BTC-USDT", "60000"), ("ETH-USDT", "2500")):
            stub.SetMark(
                admin_pb2.SetMarkRequest(symbol=symbol, price=price),
                metadata=metadata,
                timeout=CALL_S_MAX,
            )
        for account in accounts:
            for asset, amount in (("BTC", "1000"), ("USDT", "50000000")):
                stub.Deposit(
                    admin_pb2.DepositRequest(
                        account_id=account,
                        asset=asset,
                        amount=amount,
                        request_id=f"{account}-{asset}",
                    ),
                    metadata=metadata,
                    timeout=CALL_S_MAX,
                )


def limit(
    client_order_id: str, side: types_pb2.Side, price: str, quantity: str
) -> trading_pb2.PlaceOrderRequest:
    """A limit order for BTC-USDT."""
    return trading_pb2.PlaceOrderRequest(
        client_order_id=client_order_id,
        symbol="BTC-USDT",
        side=side,
        type=types_pb2.ORDER_TYPE_LIMIT,
        price=price,
        quantity=quantity,
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_NONE,
    )


def all_fills(channel: grpc.Channel, metadata: Metadata) -> list[types_pb2.Fill]:
    """Every fill of the caller's main purse."""
    stub = trading_pb2_grpc.TradingServiceStub(channel)
    fills: list[types_pb2.Fill] = []
    token = ""
    while True:
        page = stub.ListFills(
            trading_pb2.ListFillsRequest(page_size=500, page_token=token, min_seq=0),
            metadata=metadata,
            timeout=CALL_S_MAX,
        )
        fills.extend(page.fills)
        token = page.next_page_token
        if not token:
            return fills


def balances(channel: grpc.Channel, metadata: Metadata) -> dict[str, types_pb2.Balance]:
    """The balances of the caller's main purse."""
    stub = wallet_pb2_grpc.WalletServiceStub(channel)
    answer = stub.GetBalances(
        wallet_pb2.GetBalancesRequest(), metadata=metadata, timeout=CALL_S_MAX
    )
    return {balance.asset: balance for balance in answer.balances}


def verify(data: Path) -> None:
    """Run `xached verify`, which must find everything in order."""
    done = subprocess.run(
        [sys.executable, "-m", "xached", "verify", "--data", str(data)],
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
