"""Commands that need no house: they run the backtester on this machine, where it is installed."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from xache.exits import Exit


def _command(module: str, name: str) -> Any:
    """A command of the research package. It is no dependency: most who trade never need it."""
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        sys.stderr.write(
            f"the backtester is not installed ({error.name} is missing): "
            "pip install 'xache-sdk[backtest]'\n"
        )
        raise SystemExit(Exit.USAGE) from None


data = _command("xached.research.history.data_command", "data")
backtest = _command("xached.research.backtest_command", "backtest")
model = _command("xached.research.models.model_command", "model")
