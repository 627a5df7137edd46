"""`xached simulate`, as people run it, and what a seed that fails says."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest

from xached import cli
from xached.domain.ledger import Ledger
from xached.simulation.run import simulate


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xached", "simulate", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_last_line_is_the_seed_its_steps_and_the_journals_hash() -> None:
    done = run("--seed", "3", "--steps", "60")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"seed 3 steps 60 journal {simulate(3, 60).journal}"


def test_a_range_of_seeds_is_a_line_each() -> None:
    done = run("--seeds", "3", "--first-seed", "7", "--steps", "20")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["seed", "7"],
        ["seed", "8"],
        ["seed", "9"],
    ]


def test_nothing_to_do_is_refused() -> None:
    done = run("--steps", "0")
    assert done.returncode == 2
    assert "1 or more" in done.stderr


def test_a_seed_that_fails_prints_the_command_that_repeats_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Ledger, "close_hold", lambda self, order_id, _: self._holds.pop(order_id))
    with pytest.raises(SystemExit) as ended:
        cli.simulate(seed=2, steps=200)
    assert ended.value.code == 1
    printed = capsys.readouterr().out.splitlines()
    command = printed[-1].removeprefix("repeat with: ")
    assert shlex.split(command) == ["xached", "simulate", "--seed", "2", "--steps", "200"]
    with pytest.raises(SystemExit):
        cli.app(shlex.split(command)[1:])
    assert capsys.readouterr().out.splitlines() == printed
