"""The examples of the Python client, run as their first lines say, against a running demo."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo import Demo, running_demo

EXAMPLES = Path(__file__).parents[2] / "clients" / "python" / "examples"
RUN_S_MAX = 60.0

PRINTED = {
    ("place_order", "BTC-USDT"): (
        r"it would hold \d+\.\d+\nplaced (\w+) at \d+\.\d+\n(open \w+: .* left\n)*"
        r"open \1: 0\.001\d* left\n(open .*\n)*cancelled; \d+\.\d+ is free again\n"
    ),
    ("follow_book", "BTC-USDT", "5"): r"(#\d+ [\d.]+ / [\d.]+, [\d.]+ apart\n){5}",
    ("export_fills", "main"): r"at_ns,symbol,side,quantity,price,notional,fee,order_id\r?\n(.*\n)*",
    ("trio_desk", "ETH-USDT"): r"\d+ open orders\nrow \d+: open\n(row .*\n)*row \d+: canceled\n",
}
"""What each prints, by its words."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("examples-demo")) as running:
        yield running


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {name for name, *_ in PRINTED}


@pytest.mark.xdist_group("examples")
@pytest.mark.parametrize("words", PRINTED, ids=lambda words: words[0])
def test_an_example_does_what_it_says(words: tuple[str, ...], demo: Demo) -> None:
    name, *rest = words
    env = {
        **demo.env,
        "XACHE_TARGET": demo.grpc,
        "XACHE_EMAIL": "trader@demo.example",
        "XACHE_PASSWORD": demo.password(),
    }
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *rest],
        env=env,
        capture_output=True,
        text=True,
        timeout=RUN_S_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(PRINTED[words], done.stdout), done.stdout
    assert done.stderr == ""
