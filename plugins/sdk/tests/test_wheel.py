"""The wheel: all that a strategy imports is in it, and nothing else is needed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built offline, as pip would."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True
    )
    (found,) = folder.glob("*.whl")
    return found


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    inside = {
        name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name
    }  # fmt: skip
    there = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*")
        if path.suffix in (".py", ".pyi", ".typed")
    }
    assert inside == there
    assert {"xache_sdk/py.typed", "xache_sdk/indicators/registry.py"} <= inside


def test_it_asks_for_numpy_and_protobuf_only(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
    metadata = Parser().parsestr(archive.read(name).decode())
    needed = [each for each in metadata.get_all("Requires-Dist", []) if "extra ==" not in each]
    assert sorted(each.partition("<")[0].partition(">")[0] for each in needed) == [
        "numpy", "protobuf",
    ]  # fmt: skip


def test_it_works_without_the_daemon(wheel: Path, tmp_path: Path) -> None:
    """Every module is imported from the wheel, with the daemon out of reach."""
    zipfile.ZipFile(wheel).extractall(tmp_path)
    modules = sorted(
        str(path.relative_to(SOURCE).with_suffix("")).replace(os.sep, ".").removesuffix(".__init__")
        for path in SOURCE.rglob("*.py")
    )
    code = f"""
import importlib, sys
sys.path.insert(0, {str(tmp_path)!r})
for name in ("xached", "xache", "trio", "grpc"):
    sys.modules[name] = None  # importing it fails
for name in {modules!r}:
    assert importlib.import_module(name).__file__.startswith({str(tmp_path)!r}), name
from xache_sdk.indicators.registry import INDICATORS, make_indicator
assert "numpy" not in sys.modules
assert make_indicator("sma", {{"window": 2}}).over([1, 2]).tolist()[1] == 1.5
"""
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
