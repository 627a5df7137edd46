"""``frozen``: attrs.frozen for whoever reads and for mypy, but made as fast as a plain class.

A class that is frozen when running sets every field through ``object.__setattr__`` and takes twice
as long to make; messages and plans are made by the dozen for every order.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from attrs import frozen as frozen
else:
    frozen = partial(attrs.define, unsafe_hash=True)
