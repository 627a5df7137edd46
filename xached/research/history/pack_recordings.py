"""Turn the finished recordings of a folder into Parquet: ``python -m`` this, with the folder.

The house starts it beside itself, as the least urgent thing there is. A recording without a
header, which a crash or a full disk has cut off at once, holds nothing and is removed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from xached.research.history.candle_set import DataError
from xached.research.history.recordings import pack
from xached.runtime.spool import SpoolDamaged

LEAST_URGENT = 19


def pack_all(folder: Path) -> int:
    """Pack what is finished; tells how many could not be."""
    unreadable = 0
    for path in sorted(folder.glob("*.spool")):
        try:
            pack(path)
        except SpoolDamaged:
            path.unlink()
        except DataError as error:
            unreadable += 1
            sys.stderr.write(f"{error}\n")
    return unreadable


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command; 1 when a recording could not be read."""
    parser = argparse.ArgumentParser(prog="pack_recordings")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--socket", type=int, help="Not used: the house tells it nothing.")
    options = parser.parse_args(arguments)
    os.nice(LEAST_URGENT)
    return 1 if pack_all(options.folder) else 0


if __name__ == "__main__":
    sys.exit(main())
