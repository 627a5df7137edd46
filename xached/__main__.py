"""Run the daemon's command as ``python -m xached``."""

from __future__ import annotations

from xached.cli import main

if __name__ == "__main__":
    main()
