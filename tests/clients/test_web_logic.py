"""The logic of the web client without a browser: its own tests, run by vitest."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from types import ModuleType

import pytest

from tests.clients.browsing import CLIENT


def builder() -> ModuleType:
    """The module that builds the client: it knows where Node is."""
    spec = importlib.util.spec_from_file_location("web_build", CLIENT / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_clients_own_tests_pass() -> None:
    vitest = CLIENT / "node_modules" / "vitest" / "vitest.mjs"
    if os.environ.get("CI") != "true" and not vitest.is_file():
        pytest.skip("the client's packages are not here (make setup)")
    done = subprocess.run(
        [builder().find_node(), str(vitest), "run", "--no-color"],
        cwd=CLIENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
