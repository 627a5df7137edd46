"""Write strategies: they run beside the house, not here. The SDK is no dependency of the client."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from cyclopts import App

from xache.exits import Exit

app = App(name="strategy", help="Write a strategy of your own.", result_action="return_value")


@app.command
def new(name: str, /, *, into: Path = Path()) -> None:
    """Write an installable package with a strategy, its settings and a passing test.

    Args:
        name: of the strategy, such as buy-the-dip.
        into: the directory to write it below; the current one when left out.
    """
    try:
        scaffold = importlib.import_module("xache_sdk.scaffold")
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"the SDK is not installed ({error.name} is missing): pip install xache-sdk\n"
        )
        raise SystemExit(Exit.USAGE) from None
    try:
        root = scaffold.write_strategy(name, into)
    except (scaffold.ScaffoldRefused, OSError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        raise SystemExit(Exit.USAGE) from None
    sys.stdout.write(f"wrote {root}\ntest it: cd {root} && pip install -e '.[test]' && pytest\n")
