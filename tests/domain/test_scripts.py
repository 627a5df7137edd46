"""Every scenario under scripts/ holds, line by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.domain.script import Script, scenarios

SCRIPTS = sorted((Path(__file__).parent / "scripts").rglob("*.script"))


@pytest.mark.parametrize(
    ("line", "text"),
    [pytest.param(line, text, id=name) for path in SCRIPTS for name, line, text in scenarios(path)],
)
def test_scenario(line: int, text: str) -> None:
    Script().run(text, line)


@pytest.mark.parametrize(
    "text",
    [
        "deposit alice 1 BTC\nbalance alice BTC available 2",
        "instrument BTC-USDT lot 0.1 tick 0.1\norder a o BUY 1 @ 1 GTC -> OPEN",
        "instrument BTC-USDT lot 0.1 tick 0.1\norder a o BUY 1 @ 1 GTC -> refused PRICE_BAND",
        "deposit alice 1 BTC -> refused HALTED",
        "deposit alice 1 BTC\nsum BTC 1",
        "instrument BTC-USDT lot 0.1 tick 0.1\nbook BTC-USDT bids 1@1.0 asks",
        "nonsense",
    ],
)
def test_a_script_that_does_not_hold_fails(text: str) -> None:
    with pytest.raises(AssertionError, match="line"):
        Script().run(text)
