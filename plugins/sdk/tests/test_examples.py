"""The documentation says what happens: every example is run."""

from __future__ import annotations

import doctest
from pathlib import Path

SDK = Path(__file__).parents[1]


def test_every_example_does_what_it_shows() -> None:
    text = (SDK / "EXAMPLES.md").read_text(encoding="utf-8").replace("```python\n", "")
    parser = doctest.DocTestParser()
    examples = parser.get_doctest(text, {"__name__": "examples"}, "EXAMPLES.md", None, 0)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    results = runner.run(examples, out=told.append)
    assert results.failed == 0, "".join(told)
    assert results.attempted > 60
