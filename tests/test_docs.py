"""What the documentation says is true: its commands run, its code works, its files exist."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from xache_sdk.market import Side, Trade
from xache_sdk.orders import Place
from xache_sdk.testing import Rig, make_context, make_instrument, make_trade

from tests.demo import BIN, Demo, running_demo

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()

pytestmark = pytest.mark.xdist_group("docs")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole file."""
    with running_demo(tmp_path_factory.mktemp("docs")) as running:
        yield running


def blocks(language: str) -> list[str]:
    """The code blocks of a language in the README."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def block_with(language: str, text: str) -> str:
    """The one block that contains a text."""
    (found,) = (block for block in blocks(language) if text in block)
    return found


def shell(script: str, env: dict[str, str]) -> str:
    """Run a pasted block, which must not fail anywhere."""
    done = subprocess.run(
        ["/bin/bash", "-eu", "-o", "pipefail", "-c", script],
        capture_output=True,
        text=True,
        env={**env, "PATH": f"{BIN}:{os.environ['PATH']}"},
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_grpcurl_examples_work_as_pasted(demo: Demo) -> None:
    printed = shell(block_with("sh", "grpcurl -plaintext 127.0.0.1:7400 list").replace(
        "127.0.0.1:7400", demo.grpc
    ), demo.env)  # fmt: skip
    assert "xache.v1.TradingService" in printed
    assert "rpc PlaceOrder" in printed
    assert '"PROVENANCE_RECORDED"' in printed
    assert '"SERVING"' in printed


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_rest_examples_work_as_pasted(demo: Demo) -> None:
    script = block_with("sh", "curl -sf").replace("http://127.0.0.1:7480", demo.http)
    printed = shell(script, {**demo.env, "XACHE_PASSWORD": demo.password()})
    assert '"tickers":' in printed
    assert '"clientOrderId":"rest-1"' in printed
    assert '"balances":' in printed


def test_the_admin_examples_work_as_pasted(demo: Demo) -> None:
    script = block_with("sh", "BootstrapAdmin").replace(
        "SOCKET=~/.local/share/xache/demo/admin.sock", f"SOCKET={demo.data / 'admin.sock'}"
    )
    script = script.replace("paste-the-one-time-token-here", demo.token())
    printed = shell(script, demo.env)
    assert '"journal_seq"' in printed
    assert '"max_daily_loss"' in printed


def test_the_traders_examples_work_as_pasted(demo: Demo) -> None:
    env = {**demo.env, "XACHE_TARGET": demo.grpc, "XACHE_PASSWORD": demo.password()}
    lines = (block_with("sh", "xache login") + block_with("sh", "xache order preview")).splitlines()
    ending = [line for line in lines if "--live" not in line and line != "xache watch"]
    printed = shell("\n".join(ending), env)
    assert "BINANCE" in printed
    assert "Relative strength index" in printed
    assert "USDT" in printed
    assert "placed list" in printed
    assert "moved 100 USDT from main to grid" in printed


def test_the_explain_examples_work_as_pasted(demo: Demo) -> None:
    env = {**demo.env, "XACHE_TARGET": demo.grpc, "XACHE_PASSWORD": demo.password()}
    shell(block_with("sh", "xache login").splitlines()[0], env)
    shell("xache order place buy BTC-USDT --quote 50", env)
    printed = shell(block_with("sh", "xache explain"), env)
    assert printed.startswith("you placed it from a session or by an API key of yours")


def test_the_rules_examples_work_as_pasted(demo: Demo) -> None:
    env = {**demo.env, "XACHE_TARGET": demo.grpc, "XACHE_PASSWORD": demo.password()}
    shell(block_with("sh", "xache login").splitlines()[0], env)
    printed = shell(block_with("sh", "xache rule add weekly"), env)
    assert "would have fired" in printed
    assert "armed" in printed


def test_the_account_examples_work_as_pasted(
    demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {**demo.env, "XACHE_TARGET": demo.grpc, "XACHE_PASSWORD": demo.password()}
    shell(block_with("sh", "xache login").splitlines()[0], env)
    printed = shell(f"cd {tmp_path}\n" + block_with("sh", "xache activity"), env)
    assert "account opened" in printed
    assert "▄▄▄▄▄" in printed
    assert "key made" in printed
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert "account.json" in archive.namelist()
    monkeypatch.chdir(tmp_path)
    example = block_with("python", "KeyFile.load").replace("127.0.0.1:7400", demo.grpc)
    done = subprocess.run(
        [sys.executable, "-c", example], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 'asset: "USDT"' in done.stdout


def test_the_commands_about_an_account_exist() -> None:
    """Those that need letters; what they do is seen in `tests/clients/test_cli_account.py`."""
    for line in block_with("text", "xache email verify").splitlines():
        words = [word for word in line.split("#")[0].split() if word.isalpha() and word.islower()]
        done = subprocess.run(
            [str(BIN / words[0]), *words[1:], "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_paper_examples_work_as_pasted(demo: Demo) -> None:
    env = {**demo.env, "XACHE_TARGET": demo.grpc, "XACHE_PASSWORD": demo.password()}
    shell(block_with("sh", "xache login").splitlines()[0], env)
    printed = shell(block_with("sh", "xache subaccount open paper"), env)
    assert "filled" in printed
    assert "mark PAPER simulated" in printed


def test_the_backtest_examples_work_as_pasted(tmp_path: Path) -> None:
    env = {**os.environ, "XACHE_HISTORY": str(tmp_path / "history")}
    printed = shell(block_with("sh", "xache backtest sma"), env)
    assert "71,769 candles of 5m" in printed
    assert "gap:" not in printed
    assert "deflated by trials" in printed
    assert "record to convince" in printed
    assert printed.count("did not earn") == 2, "the README says that they lose"
    assert "2024-08-17 04:45  chose" in printed


def test_the_model_example_prints_what_is_shown(tmp_path: Path) -> None:
    folders = {"XACHE_HISTORY": str(tmp_path / "history"), "XACHE_MODELS": str(tmp_path / "models")}
    printed = shell(block_with("sh", "xache model train"), os.environ | folders)
    told = [line.rstrip() for line in printed.splitlines()]
    for line in block_with("text", "exchanged labels").splitlines():
        assert line in told
    assert "advise: on its test it did no better than always saying the same" in printed


def test_the_strategy_example_is_a_strategy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_package.py").write_text(block_with("python", "BuyTheDip"))
    monkeypatch.syspath_prepend(str(tmp_path))
    strategy = importlib.import_module("my_package").BuyTheDip
    rig = Rig(strategy, {"symbol": "BTC-USDT", "below": "60000"})
    rig.start(make_context())
    (intent,) = rig.feed(trade_at(60_100), trade_at(59_900))
    assert isinstance(intent, Place)
    assert intent.quote_quantity == Decimal(50)


def trade_at(price: int) -> Trade:
    """A trade of one coin."""
    return make_trade(make_instrument(), 1, str(price), side=Side.SELL)


def test_every_file_the_readme_names_is_there() -> None:
    named = set(re.findall(r"`((?:tests|xached|plugins|clients|config|protos)/[\w./-]+)`", README))
    named |= {link for link in re.findall(r"\]\(([\w./-]+)\)", README) if "://" not in link}
    missing = [path for path in sorted(named) if not (ROOT / path).exists()]
    assert missing == []
    assert len(named) > 20
    there = {path.name for folder in ("tests", "plugins") for path in (ROOT / folder).rglob("*")}
    tests = set(re.findall(r"`(test_\w+\.py|\w+\.script)`", README))
    assert tests
    assert sorted(tests - there) == []


def test_the_commands_of_a_house_exist() -> None:
    for line in block_with("sh", "xached serve --config").splitlines():
        words = line.split("#")[0].split()
        named = [word for word in words[1:4] if word.isalpha() and word.islower()]
        command = [str(BIN / "xached"), *named, "--help"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for flag in (word for word in words if word.startswith("--")):
            assert flag in done.stdout, f"{flag} of {line}"


def test_the_versions_are_one() -> None:
    found = {
        re.search(r'^version = "(.+)"$', path.read_text(), re.MULTILINE)[1]  # type: ignore[index]
        for path in (ROOT / "pyproject.toml", ROOT / "clients/python/pyproject.toml")
    }
    printed = subprocess.run(
        [sys.executable, "-m", "xached", "--version"], capture_output=True, text=True, check=True
    )
    assert found == {printed.stdout.strip()}
    assert f"## {printed.stdout.strip()}" in (ROOT / "CHANGELOG.md").read_text()
