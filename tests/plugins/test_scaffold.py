"""A new strategy or signal: written, built into a wheel, installed alone, tested and found."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from xache.cli import main

ROOT = Path(__file__).parents[2]
FIND = (
    "import importlib.metadata, {module} as s, xache_sdk;"
    "[e] = importlib.metadata.entry_points(group='{group}', name='buy_the_dip');"
    "assert e.load() is s.BuyTheDip; print(s.__file__); print(xache_sdk.__file__)"
)


def build_wheel(package: Path, into: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    subprocess.run(command, cwd=package, check=True, capture_output=True)


def fresh_environment(path: Path, wheels: Path) -> Path:
    """An environment with the wheels; what they depend on is seen from ours."""
    venv.create(path, with_pip=False)
    python = path / "bin" / "python"
    install = [
        sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-index",
        "--no-deps", "--disable-pip-version-check", *map(str, sorted(wheels.glob("*.whl"))),
    ]  # fmt: skip
    subprocess.run(install, check=True, capture_output=True)
    [site] = path.glob("lib/python3.*/site-packages")
    # A path in a .pth file is no site directory: what is installed there for development stays out.
    (site / "dependencies.pth").write_text(f"{Path(pytest.__file__).parents[1]}\n")
    return python


@pytest.mark.parametrize(
    ("kind", "module", "group", "passed"),
    [("strategy", "strategy", "xache.strategies", 3), ("signal", "source", "xache.signals", 2)],
)
def test_a_new_one_installs_and_its_tests_pass(
    kind: str,
    module: str,
    group: str,
    passed: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [] if kind == "strategy" else ["--kind", kind]
    assert main(["strategy", "new", "buy-the-dip", *given, "--into", str(tmp_path)]) == 0
    root = tmp_path / f"xache-{kind}-buy-the-dip"
    assert capsys.readouterr().out.startswith(f"wrote {root}\n")
    wheels = tmp_path / "wheels"
    build_wheel(root, wheels)
    build_wheel(ROOT / "plugins" / "sdk", wheels)
    python = fresh_environment(tmp_path / "environment", wheels)
    find = FIND.format(module=f"xache_{kind}_buy_the_dip.{module}", group=group)
    found = subprocess.run([python, "-I", "-c", find], check=True, capture_output=True, text=True)
    assert all(str(tmp_path / "environment") in line for line in found.stdout.splitlines())
    tests = [str(python), "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(tests, cwd=root, capture_output=True, text=True, check=False)
    assert f"{passed} passed" in ran.stdout, ran.stdout + ran.stderr
    ruff = [
        sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,UP,B",
        "--line-length", "100", str(root),
    ]  # fmt: skip
    subprocess.run(ruff, check=True, capture_output=True)


def test_the_backtest_that_its_readme_shows_runs(tmp_path: Path) -> None:
    """As pasted, but for where the package is: it is not installed here."""
    assert main(["strategy", "new", "buy-the-dip", "--into", str(tmp_path)]) == 0
    root = tmp_path / "xache-strategy-buy-the-dip"
    shown = [
        line.split()[1:]
        for line in (root / "README.md").read_text().replace("\\\n", " ").splitlines()
        if line.startswith("    xache ")
    ]
    assert [line[:2] for line in shown] == [["data", "sample"], ["backtest", "buy_the_dip"]]
    shown[1][1] = "xache_strategy_buy_the_dip.strategy:BuyTheDip"
    path = os.pathsep.join([str(root / "src"), *sys.path])
    said = ""
    for arguments in (shown[0], [*shown[1], "--until", "2024-01-15"]):
        done = subprocess.run(
            [sys.executable, "-c", "from xache.cli import main; raise SystemExit(main())",
             *arguments],
            env={**os.environ, "PYTHONPATH": path, "XDG_DATA_HOME": str(tmp_path / "home"),
                 "XACHE_HISTORY": str(tmp_path / "history")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        said = done.stdout
    assert "fills, closed trades" in said


def test_new_feeds_and_notifiers_install_and_their_tests_pass(tmp_path: Path) -> None:
    wheels, roots = tmp_path / "wheels", []
    for kind, name in (("feed", "bit-example"), ("notifier", "chat")):
        assert main(["strategy", "new", name, "--kind", kind, "--into", str(tmp_path)]) == 0
        roots.append(tmp_path / f"xache-{kind}-{name}")
        build_wheel(roots[-1], wheels)
    build_wheel(ROOT / "plugins" / "sdk", wheels)
    python = fresh_environment(tmp_path / "environment", wheels)
    find = (
        "from importlib.metadata import entry_points as find\n"
        "[feed] = find(group='xache.feeds', name='bit_example')\n"
        "[notifier] = find(group='xache.notifiers', name='chat')\n"
        "print(feed.load().__name__, notifier.load().__name__)"
    )
    found = subprocess.run([python, "-I", "-c", find], check=True, capture_output=True, text=True)
    assert found.stdout == "BitExample Chat\n"
    for root, count in zip(roots, (7, 2), strict=True):
        tests = [str(python), "-I", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
        ran = subprocess.run(tests, cwd=root, capture_output=True, text=True, check=False)
        assert f"{count} passed" in ran.stdout, ran.stdout + ran.stderr
    ruff = [
        sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,UP,B",
        "--line-length", "100", *map(str, roots),
    ]  # fmt: skip
    subprocess.run(ruff, check=True, capture_output=True)


def test_kinds_that_there_are_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["strategy", "new", "mine", "--kind", "bank", "--into", str(tmp_path)])
    assert ended.value.code == 2
    assert "'bank' is none of strategy, " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "Big", "a b", "../up", "-a", "a--b", "x" * 31, "ä"])
def test_names_that_are_not_allowed(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["strategy", "new", "--into", str(tmp_path), "--", name])
    assert ended.value.code == 2
    assert "is no name of a strategy; allowed: lower-case" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["strategy", "new", "mine", "--into", str(tmp_path)])
    with pytest.raises(SystemExit):
        main(["strategy", "new", "mine", "--into", str(tmp_path)])
    assert "is there already" in capsys.readouterr().err
