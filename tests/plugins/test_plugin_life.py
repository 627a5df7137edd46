"""A strategy as its author ships it: written, built, installed, approved, run, changed, refused.

The house runs in a fresh environment, into which wheels of the strategy and of the SDK are
installed; everything an operator does goes through ``xached admin plugins``.

Checked by breaking: without ``judge`` looking at the files, the changed strategy runs on.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest
from xache.cli import main
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    strategy_pb2,
    strategy_pb2_grpc,
)
from xache_sdk.landlock import landlock_abi

from tests.plugins.test_scaffold import ROOT, build_wheel, fresh_environment

PATIENCE_S = 60.0
PASSWORD = "kettle-anchor-moss-77"
NEEDED = (
    "numpy",
    "numpy.libs",
    "pyarrow",
    "google",
    "attr",
    "attrs",
    "cloudpickle",
    "_cloudpickle",
)
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
        import shutil

        shutil.copyfile(source, target)


def environment(root: Path) -> tuple[Path, Path]:
    """Python of an environment with the strategy, and where its packages are."""
    import shutil

    assert main(["strategy", "new", "buy-the-dip", "--into", str(root)]) == 0
    build_wheel(root / "xache-strategy-buy-the-dip", root / "wheels")
    build_wheel(ROOT / "plugins" / "sdk", root / "wheels")
    python = fresh_environment(root / "environment", root / "wheels")
    [site] = (root / "environment").glob("lib/python3.*/site-packages")
    ours = Path(pytest.__file__).parents[1]
    # What a sealed process may read is below its environment: these are needed there.
    for name in NEEDED:
        if (ours / name).is_dir():
            shutil.copytree(ours / name, site / name, copy_function=link)
    sources = (ROOT, ROOT / "clients" / "python" / "src")
    (site / "sources.pth").write_text("".join(f"{each}\n" for each in sources))
    return python, site


class Machine:
    """A house in an environment of its own, and its administrator's terminal."""

    def __init__(self, root: Path, python: Path) -> None:
        self.root = root
        self.python = python
        self.log = root / "stderr.log"
        self._token = ""
        (root / "xached.toml").write_text(CONFIG.format(config=ROOT / "config"))
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

    def catalogue(self) -> strategy_pb2.ListStrategyPluginsResponse:
        """What somebody with an account can make strategies of."""
        with grpc.insecure_channel(f"unix:{self.root / 'data' / 'admin.sock'}") as channel:
            if not self._token:
                login = auth_pb2.LoginRequest(
                    email="ann@house.example", password=PASSWORD, device="test"
                )
                granted = auth_pb2_grpc.AuthServiceStub(channel).Login(login)
                self._token = granted.tokens.access_token
            answer: strategy_pb2.ListStrategyPluginsResponse = (
                strategy_pb2_grpc.StrategyServiceStub(channel).ListStrategyPlugins(
                    strategy_pb2.ListStrategyPluginsRequest(),
                    metadata=[("authorization", f"Bearer {self._token}")],
                )
            )
            return answer

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what the house comes to notice."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.5)

    def digest(self) -> str:
        """Of what is installed now."""
        found = re.search(r"digest\s+([0-9a-f]{64})", self.plugins("show", "buy_the_dip"))
        assert found is not None
        return found[1]

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until the log says it so often."""
        self.until(lambda: self.log.read_text().count(text) >= times)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """It runs through the tests of this file, in their order."""
    root = tmp_path_factory.mktemp("machine")
    python, _ = environment(root)
    machine = Machine(root, python)
    yield machine
    machine.process.terminate()
    machine.process.communicate(timeout=PATIENCE_S)


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
