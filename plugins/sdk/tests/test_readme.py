"""The examples of the README give what it says."""

from __future__ import annotations

import doctest
from pathlib import Path


def test_the_examples_of_the_readme_give_what_it_says() -> None:
    readme = Path(__file__).parents[1] / "README.md"
    failed, tried = doctest.testfile(str(readme), module_relative=False)
    assert tried > 10
    assert failed == 0
