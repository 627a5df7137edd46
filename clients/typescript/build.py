"""Packs the TypeScript stubs of the API as an npm package: ``build.py FOLDER``.

They are made of the same protos as those of the Python client, by the tools that the web client is
built with, and hold no code of our own.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
STUBS = HERE / "dist"
OPTIONS = "target=js+dts,import_extension=js"


def pack(folder: Path) -> Path:
    """Make the stubs, and pack them into a folder. Returns the package."""
    web = _web_build()
    node = web.find_node()
    web.install_modules(node)
    shutil.rmtree(STUBS, ignore_errors=True)
    protos = sorted((web.ROOT / "protos" / "xache" / "v1").glob("*.proto"))
    web.run_protoc(
        # What strategies and the house say to each other is no API.
        node, STUBS, OPTIONS, [path for path in protos if path.name != "plugin.proto"],
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    words = ["pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder.resolve())]
    done = subprocess.run(
        [*web.npm_of(node), *words], cwd=HERE, check=True, capture_output=True, text=True
    )
    return folder / done.stdout.strip().splitlines()[-1]


def _web_build() -> ModuleType:
    path = HERE.parent / "web" / "build.py"
    spec = importlib.util.spec_from_file_location("web_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    print(pack(Path(sys.argv[1])))
