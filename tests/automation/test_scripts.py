"""What rules do, said in scripts.

Checked by breaking, each seen red: writing the firing after its orders were sent (crashes), not
looking for sent orders at the start (crashes), sending what was decided long ago (crashes),
keeping the schedule's place apart from the firing (crashes), counting times of a pause (dca),
firing every missed time (missed), not asking what stands against the account (bounds).
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
