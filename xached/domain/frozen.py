"""``frozen``: attrs.frozen for whoever reads and for mypy, but made as fast as a plain class.

A class that is frozen when running sets every field through ``object.__setattr__`` and takes twice
as long to make; messages and plans are made by the dozen for every order. Keywords are asked for
by mypy alone: what makes or reads messages by the thousand gives their fields in order, as CPython
3.11 gathers keywords in a dict first and takes three times as long. The messages of every order are
therefore without ``kw_only``; elsewhere they are made by keyword all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from attrs import frozen as frozen
else:

    def frozen(cls=None, *, kw_only=False):  # noqa: ARG001 - see above
        """Make a class. mypy sees attrs' own."""
        return attrs.define(cls, unsafe_hash=True)
