"""What a plugin is to follow."""

from __future__ import annotations

import attrs

from xached.domain.instrument import Instrument
from xached.domain.market import Venue


@attrs.frozen(kw_only=True)
class FeedPlan:
    """A plugin that is to follow some instruments.

    ``instruments``: each with the venue's name of it, where the operator gives one.
    """

    plugin: str
    venue: Venue
    instruments: tuple[tuple[str, Instrument], ...]
    settings_json: str = "{}"
