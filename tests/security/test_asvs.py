"""The table of claimed ASVS requirements names tests that exist."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
REQUIREMENT = re.compile(r"[1-9]\d?\.[1-9]\d?\.[1-9]\d?")
CLAIMS: dict[str, list[str]] = tomllib.loads(
    (Path(__file__).parent / "asvs.toml").read_text(encoding="utf-8")
)


@cache
def proofs_in(path: Path) -> frozenset[str]:
    """Names of the tests of a file that always run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not any("skip" in ast.unparse(decorator) for decorator in node.decorator_list)
    )


@pytest.mark.parametrize("requirement", CLAIMS)
def test_every_claim_is_proven_by_tests_that_exist(requirement: str) -> None:
    assert REQUIREMENT.fullmatch(requirement)
    proofs = CLAIMS[requirement]
    assert proofs
    for proof in proofs:
        path, _, name = proof.partition("::")
        assert name in proofs_in(TESTS / path), proof


def test_claims_stand_in_order() -> None:
    numbers = [tuple(map(int, requirement.split("."))) for requirement in CLAIMS]
    assert numbers == sorted(numbers)
