"""A strategy as its author ships it: written, built, installed, approved, tried, traded, refused.

The house runs in a fresh environment, into which wheels of the strategy and of the SDK are
installed; what an operator does goes through ``xached admin plugins``. Between its approval and the
change that ends it, it runs over real prices, on paper and with money.

Checked by breaking: without ``judge`` looking at the files, the changed strategy runs on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from xache.cli import main
from xache.v1 import (
    account_pb2,
    account_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    backtest_pb2,
    backtest_pb2_grpc,
    strategy_pb2,
    strategy_pb2_grpc,
)
from xache_sdk.landlock import landlock_abi
from xache_sdk.market import Interval

from tests.plugins.test_scaffold import ROOT, build_wheel, fresh_environment
from xached.domain.strategy_life import ACKNOWLEDGEMENT
from xached.research.history.history_store import HistoryStore
from xached.research.sample import sample_histories

PATIENCE_S = 60.0
PASSWORD = "kettle-anchor-moss-77"
NEEDED = (
    "PIL", "attr", "attrs", "click", "click_default_group.py", "cloudpickle", "contourpy", "cycler",
    "dateutil", "fontTools", "google", "kiwisolver", "matplotlib", "mpl_toolkits", "numpy",
    "numpy.libs", "packaging", "pillow.libs", "pluggy", "pyarrow", "pyparsing", "six.py",
    "sqlite_fts4", "sqlite_utils", "tabulate",
)  # fmt: skip

CONFIG = """
[data]
directory = "data"
[grpc]
listen = "127.0.0.1:0"
[http]
listen = "127.0.0.1:0"
[admin]
require_code = false
[house]
instruments = "{config}/instruments.toml"
risk = "{config}/risk.toml"
[backtests]
histories = "histories"
[[strategy]]
name = "dip"
plugin = "buy_the_dip"
account = "abc"
subaccount = "dip"
settings = {{ symbol = "BTC-USDT" }}
"""

pytestmark = [
    pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock"),
    pytest.mark.xdist_group("plugin life"),
]


def link(source: str, target: str) -> None:
    """The same file in another place; a copy where there is another file system."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def environment(root: Path, package: Path) -> tuple[Path, Path]:
    """Python of an environment with a plugin, and where its packages are."""
    build_wheel(package, root / "wheels")
    build_wheel(ROOT / "plugins" / "sdk", root / "wheels")
    python = fresh_environment(root / "environment", root / "wheels")
    [site] = (root / "environment").glob("lib/python3.*/site-packages")
    ours = Path(pytest.__file__).parents[1]
    # What a sealed process may read is below its environment: these are needed there.
    for name in NEEDED:
        if (ours / name).is_dir():
            shutil.copytree(ours / name, site / name, copy_function=link)
        elif (ours / name).exists():
            link(str(ours / name), str(site / name))
    sources = (ROOT, ROOT / "clients" / "python" / "src")
    (site / "sources.pth").write_text("".join(f"{each}\n" for each in sources))
    return python, site


class Machine:
    """A house in an environment of its own, and its administrator's terminal."""

    def __init__(self, root: Path, python: Path, config: str = CONFIG) -> None:
        self.root = root
        self.python = python
        self.log = root / "stderr.log"
        self._token = ""
        (root / "xached.toml").write_text(config.format(config=ROOT / "config"))
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, "-I", "-m", "xached", "serve", "--config", root / "xached.toml"],
                stdout=subprocess.PIPE, stderr=log, text=True, cwd=root,
            )  # fmt: skip
        assert self.process.stdout is not None
        ready = self.process.stdout.readline()
        assert ready.startswith("READY"), self.log.read_text()
        token = re.search(r"One-time token: (\S+)", self.process.stdout.readline())
        assert token is not None
        with grpc.insecure_channel(f"unix:{root / 'data' / 'admin.sock'}") as channel:
            admin_pb2_grpc.AdminServiceStub(channel).BootstrapAdmin(
                admin_pb2.BootstrapAdminRequest(
                    token=token[1], email="ann@house.example", password=PASSWORD
                )
            )

    def plugins(self, *arguments: str) -> str:
        """What ``xached admin plugins`` says, refusals included."""
        done = subprocess.run(
            [self.python, "-I", "-m", "xached", "admin", "plugins", *arguments],
            input=f"ann@house.example\n{PASSWORD}\n",
            capture_output=True, text=True, check=False, cwd=self.root,
        )  # fmt: skip
        return done.stdout + done.stderr

    @contextmanager
    def channel(self) -> Iterator[tuple[grpc.Channel, list[tuple[str, str]]]]:
        """The administrators' door, and the session of one who also trades."""
        with grpc.insecure_channel(f"unix:{self.root / 'data' / 'admin.sock'}") as channel:
            if not self._token:
                login = auth_pb2.LoginRequest(
                    email="ann@house.example", password=PASSWORD, device="test"
                )
                granted = auth_pb2_grpc.AuthServiceStub(channel).Login(login)
                self._token = granted.tokens.access_token
            yield channel, [("authorization", f"Bearer {self._token}")]

    def catalogue(self) -> strategy_pb2.ListStrategyPluginsResponse:
        """What somebody with an account can make strategies of."""
        with self.channel() as (channel, metadata):
            answer: strategy_pb2.ListStrategyPluginsResponse = (
                strategy_pb2_grpc.StrategyServiceStub(channel).ListStrategyPlugins(
                    strategy_pb2.ListStrategyPluginsRequest(), metadata=metadata
                )
            )
            return answer

    def until(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Wait for what the house comes to notice."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.5)

    def digest(self, name: str = "buy_the_dip", *options: str) -> str:
        """Of what is installed now."""
        found = re.search(r"digest\s+([0-9a-f]{64})", self.plugins("show", name, *options))
        assert found is not None
        return found[1]

    def wait_for(self, text: str, times: int = 1, patience_s: float = PATIENCE_S) -> None:
        """Wait until the log says it so often."""
        self.until(lambda: self.log.read_text().count(text) >= times, patience_s)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """It runs through the tests of this file, in their order."""
    root = tmp_path_factory.mktemp("machine")
    assert main(["strategy", "new", "buy-the-dip", "--into", str(root)]) == 0
    python, _ = environment(root, root / "xache-strategy-buy-the-dip")
    [(candles, origin), *_] = sample_histories()
    HistoryStore(root / "histories").add("sample", candles, origin)
    machine = Machine(root, python)
    yield machine
    machine.process.terminate()
    machine.process.communicate(timeout=PATIENCE_S)


def check_backtest_on_real_prices(machine: Machine) -> None:
    """Run it over half a year that Binance really had; it is a trial, and judged as one."""
    settings = {"symbol": "BTC-USDT", "venue": "BINANCE", "interval": Interval.M5.value}
    with machine.channel() as (channel, metadata):
        stub = backtest_pb2_grpc.BacktestServiceStub(channel)
        terms = backtest_pb2.BacktestTerms(
            settings_json=json.dumps(settings), histories=["sample"], check=True
        )
        started = stub.StartBacktest(
            backtest_pb2.StartBacktestRequest(plugin="buy_the_dip", terms=terms, request_id="b-1"),
            metadata=metadata,
        )
        which = backtest_pb2.GetBacktestRequest(backtest_id=started.backtest.backtest_id)

        def is_over() -> bool:
            state = stub.GetBacktest(which, metadata=metadata).backtest.state
            return state not in (
                backtest_pb2.BACKTEST_STATE_QUEUED, backtest_pb2.BACKTEST_STATE_RUNNING
            )  # fmt: skip

        machine.until(is_over)
        found = stub.GetBacktest(which, metadata=metadata).backtest
    assert found.state == backtest_pb2.BACKTEST_STATE_FINISHED, found.cause
    assert found.plugin_digest == machine.digest()
    assert found.result.trials == 1
    assert found.result.return_ppm != 0


def check_paper_and_live(machine: Machine) -> None:
    """Trade it on paper, then with money, once its owner has said that nothing is shown yet."""
    with machine.channel() as (channel, metadata):
        account = account_pb2_grpc.AccountServiceStub(channel).GetAccount(
            account_pb2.GetAccountRequest(), metadata=metadata
        )
        admin_pb2_grpc.AdminServiceStub(channel).Deposit(
            admin_pb2.DepositRequest(
                account_id=account.account_id, asset="USDT", amount="500",
                request_id="d-1",
            ),
            metadata=metadata,
        )  # fmt: skip
        stub = strategy_pb2_grpc.StrategyServiceStub(channel)
        stub.CreateStrategy(
            strategy_pb2.CreateStrategyRequest(
                name="mine", plugin="buy_the_dip", symbols=["BTC-USDT"],
                settings_json='{"symbol": "BTC-USDT"}', budget_asset="USDT", budget="100",
                loss_limit="50",
            ),
            metadata=metadata,
        )  # fmt: skip
        stub.StartStrategy(strategy_pb2.StartStrategyRequest(name="mine"), metadata=metadata)

        def stands() -> strategy_pb2.Strategy:
            request = strategy_pb2.GetStrategyRequest(name="mine")
            found: strategy_pb2.Strategy = stub.GetStrategy(request, metadata=metadata).strategy
            return found

        machine.until(lambda: stands().ready)
        assert stands().stage == strategy_pb2.STRATEGY_STAGE_PAPER
        silent = strategy_pb2.GoLiveRequest(name="mine")
        with pytest.raises(grpc.RpcError):
            stub.GoLive(silent, metadata=metadata)
        spoken = strategy_pb2.GoLiveRequest(name="mine", acknowledgement=ACKNOWLEDGEMENT)
        stub.GoLive(spoken, metadata=metadata)
        machine.until(lambda: stands().ready and stands().stage == strategy_pb2.STRATEGY_STAGE_LIVE)
        stub.RevokeStrategy(strategy_pb2.RevokeStrategyRequest(name="mine"), metadata=metadata)
        assert stands().stage == strategy_pb2.STRATEGY_STAGE_REVOKED


def test_a_strategy_lives_from_its_wheel_to_its_quarantine(machine: Machine) -> None:
    machine.wait_for("'buy_the_dip' is not approved")
    listed = machine.plugins("list")
    assert re.search(r"buy_the_dip\s+not approved\s+xache-strategy-buy-the-dip 0.1.0", listed)

    shown = machine.plugins("show", "buy_the_dip")
    assert "  symbol " in shown
    assert "xache_strategy_buy_the_dip/strategy.py" in shown
    wrong = machine.plugins("approve", "buy_the_dip", "0" * 64)
    assert "PLUGIN_CHANGED" in wrong
    approved = machine.plugins(
        "approve", "buy_the_dip", machine.digest(), "--symbol", "BTC-USDT",
        "--max-order-notional", "USDT=100", "--max-open-orders", "3",
    )  # fmt: skip
    assert "look ahead    passed" in approved
    assert "USDT=100" in approved
    machine.wait_for("strategy dip: ready")
    [offer] = machine.catalogue().plugins
    assert (offer.name, offer.version, offer.look_ahead_passed) == ("buy_the_dip", "0.1.0", True)
    assert "symbol" in json.loads(offer.settings_schema_json)["properties"]

    check_backtest_on_real_prices(machine)
    check_paper_and_live(machine)

    [site] = (machine.root / "environment").glob("lib/python3.*/site-packages")
    source = site / "xache_strategy_buy_the_dip" / "strategy.py"
    source.write_text(source.read_text() + "\n# changed\n")
    changed = machine.plugins("list")
    assert re.search(r"buy_the_dip\s+changed", changed)
    assert "changed: xache_strategy_buy_the_dip/strategy.py" in changed
    machine.until(lambda: not machine.catalogue().plugins)

    assert "is not in quarantine" in machine.plugins("release", "buy_the_dip")
    locked = machine.plugins("quarantine", "buy_the_dip", "--cause", "let us look at it")
    assert "quarantined" in locked
    machine.wait_for("'buy_the_dip' is in quarantine: let us look at it")
    assert re.search(r"buy_the_dip +changed", machine.plugins("release", "buy_the_dip"))
    machine.wait_for("'buy_the_dip' is not what was approved")
    approved = machine.plugins("approve", "buy_the_dip", machine.digest())
    assert re.search(r"buy_the_dip +approved", approved)
    machine.wait_for("strategy dip: ready", times=2)
    withdrawn = machine.plugins("withdraw", "buy_the_dip")
    assert re.search(r"buy_the_dip +not approved", withdrawn)
    machine.wait_for("the approval of 'buy_the_dip' was withdrawn")
