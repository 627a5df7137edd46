"""The TypeScript package: packed, compiled against by a program, and spoken through to a demo."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import attrs
import pytest

from tests.clients.browsing import CLIENT, REPOSITORY, needs_client
from tests.demo import Demo, running_demo

PACKAGE = REPOSITORY / "clients" / "typescript"
RUN_S_MAX = 120.0
SETTINGS = {
    "compilerOptions": {
        "target": "es2022", "module": "nodenext", "strict": True, "lib": ["es2022", "dom"],
        "types": [], "skipLibCheck": False, "exactOptionalPropertyTypes": True,
    },
    "files": ["main.ts"],
}  # fmt: skip

pytestmark = pytest.mark.xdist_group("typescript")


@attrs.frozen
class Program:
    """A folder with the package installed, and the tools of the web client."""

    folder: Path
    node: str

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run something on Node."""
        return subprocess.run(
            [self.node, *words],
            cwd=self.folder, capture_output=True, text=True, timeout=RUN_S_MAX, check=False,
        )  # fmt: skip

    def compile(self, source: str) -> subprocess.CompletedProcess[str]:
        """Compile a program, strictly."""
        (self.folder / "main.ts").write_text(source)
        return self.run(CLIENT / "node_modules" / "typescript" / "bin" / "tsc")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    needs_client()
    build = load(PACKAGE / "build.py")
    folder = tmp_path_factory.mktemp("typescript")
    packed = build.pack(folder)
    modules = folder / "node_modules"
    modules.mkdir()
    with tarfile.open(packed) as package:
        package.extractall(folder, filter="data")
    (folder / "package").rename(modules / "xache-client")
    for scope in ("@bufbuild", "@connectrpc"):
        (modules / scope).symlink_to(CLIENT / "node_modules" / scope)
    (folder / "tsconfig.json").write_text(json.dumps(SETTINGS))
    (folder / "package.json").write_text('{"type": "module"}')
    return Program(folder, load(CLIENT / "build.py").find_node())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with running_demo(tmp_path_factory.mktemp("typescript-demo")) as running:
        yield running


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_build", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_has_what_the_python_client_has(program: Program) -> None:
    stubs = program.folder / "node_modules" / "xache-client" / "dist" / "xache" / "v1"
    ours = {path.stem for path in (REPOSITORY / "clients/python/src/xache/v1").glob("*_pb2.py")}
    assert {path.stem for path in stubs.glob("*.js")} == {name[:-1] for name in ours}
    assert {path.name for path in stubs.glob("*.d.ts")} == {f"{name[:-1]}.d.ts" for name in ours}
    versions = [json.loads((PACKAGE / "package.json").read_text())["version"]]
    versions += re.findall(r'^version = "(.*)"', (REPOSITORY / "pyproject.toml").read_text(), re.M)
    assert len(set(versions)) == 1


def test_the_program_of_its_readme_runs(program: Program, demo: Demo) -> None:
    """Compiled by the strictest rules, libraries too, then run on Node against a demo."""
    (source,) = re.findall(r"```ts\n(.*?)```", (PACKAGE / "README.md").read_text(), re.S)
    source = source.replace("http://127.0.0.1:7480", demo.http)
    compiled = program.compile(source)
    assert compiled.returncode == 0, compiled.stdout
    done = program.run("main.js")
    assert done.returncode == 0, done.stderr
    assert "BTC-USDT 0.01\n" in done.stdout


def test_what_the_api_has_not_does_not_compile(program: Program) -> None:
    compiled = program.compile(
        'import { create } from "@bufbuild/protobuf";\n'
        'import { PlaceOrderRequestSchema } from "xache-client/xache/v1/trading_pb";\n'
        "create(PlaceOrderRequestSchema, { quantity: 0.1 });\n"
    )
    assert compiled.returncode != 0
    assert "number" in compiled.stdout
