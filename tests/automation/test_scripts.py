"""What rules do, said in scripts.

Checked by breaking, each seen red: sending before the firing is written, not looking for what was
sent before a crash, sending what was decided long ago (crashes), firing without remembering it,
counting times of a pause (dca), not asking what stands against the account (bounds), firing as
long as a level is reached (price), forgetting the height, not pausing other rules (drawdown),
forgetting what the exchange was not there for (outage).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.automation.rule_script import play

SCRIPTS = {
    path.stem: path.read_text()
    for path in sorted((Path(__file__).parent / "scripts").glob("*.txt"))
}


@pytest.mark.parametrize("name", SCRIPTS)
async def test_script(name: str, autojump_clock: MockClock, tmp_path: Path) -> None:
    await play(SCRIPTS[name], tmp_path)
