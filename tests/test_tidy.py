"""Reads the source: rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70
FORBIDDEN_MODULES = {
    "asyncio", "datetime", "decimal", "logging", "math", "os", "random", "secrets", "socket",
    "sys", "threading", "time", "trio", "uuid",
}  # fmt: skip
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")

DOMAIN = sorted((ROOT / "xached" / "domain").glob("*.py"))
SOURCES = sorted(
    path
    for folder in ("xached", "plugins", "clients")
    for path in (ROOT / folder).rglob("*.py")
    if not path.name.endswith(("_pb2.py", "_pb2_grpc.py"))
    and not {"build", "node_modules", ".venv"} & set(path.relative_to(ROOT).parts)
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def impurities(tree: ast.AST) -> Iterator[str]:
    """Yield what makes a result depend on rounding, hashing, the machine or the time."""
    for node in ast.walk(tree):
        where = f"line {getattr(node, 'lineno', 0)}"
        match node:
            case ast.Constant(value=float() | complex()):
                yield f"{where}: a float"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield f"{where}: true division"
            case ast.Name(id="float" | "hash" | "id" | "open" | "input" | "print"):
                yield f"{where}: {node.id}"
            case ast.Import(names=names):
                for name in names:
                    if name.name.partition(".")[0] in FORBIDDEN_MODULES:
                        yield f"{where}: imports {name.name}"
            case ast.ImportFrom(module=str(module)):
                if module.partition(".")[0] in FORBIDDEN_MODULES:
                    yield f"{where}: imports {module}"
            case ast.For(iter=over) | ast.comprehension(iter=over):
                if is_set(over):
                    yield f"line {over.lineno}: iterates over a set"
            case ast.Starred(value=over) if is_set(over):
                yield f"{where}: unpacks a set"
            case ast.AsyncFunctionDef() | ast.Await():
                yield f"{where}: waits"
            case _:
                pass


def is_set(node: ast.expr) -> bool:
    """Whether an expression is a set on its face: a display, a call, or set algebra."""
    match node:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.Call(func=ast.Name(id="list" | "tuple" | "enumerate" | "reversed"), args=[inner]):
            return is_set(inner)
        case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor()):
            return is_set(node.left) or is_set(node.right)
        case _:
            return False


@pytest.mark.parametrize("path", DOMAIN, ids=name_of)
def test_the_domain_is_exact_and_deterministic(path: Path) -> None:
    assert list(impurities(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "source",
    [
        "x = 1.5", "x = a / b", "x /= 2", "import time", "from datetime import datetime",
        "import os.path", "for x in {1, 2}: pass", "[x for x in set(y)]", "print(1)",
        "for x in list(set(y) - z): pass", "[*{1, 2}]", "float('1')", "async def f(): pass",
        "x = hash('a')",
    ],
)  # fmt: skip
def test_an_impurity_is_seen(source: str) -> None:
    assert list(impurities(ast.parse(source)))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_fit(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= FILE_LINES_MAX
    too_long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert too_long == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert UNFINISHED.search(path.read_text(encoding="utf-8")) is None


def test_there_is_something_to_read() -> None:
    assert len(DOMAIN) > 10
    assert len(SOURCES) > len(DOMAIN)
