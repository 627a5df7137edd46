"""Running the ``xache`` command in this process, against a scripted house."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from xache.cli import main

from tests.clients.house import House

PATIENCE_S = 30

PROGRAM = "from xache.cli import main; raise SystemExit(main())"
"""The command in a process of its own."""


@attrs.frozen
class Ran:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that was printed."""
        return json.loads(self.out)


Run = Callable[..., Ran]


def runner(house: House, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs commands, without waiting for what does not answer."""

    def run(*arguments: str) -> Ran:
        code: int | str | None
        try:
            code = main([*arguments, "--target", house.target, "--patience", "0"])
        except SystemExit as end:
            code = end.code
        assert isinstance(code, int)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run
