"""Plugins of a machine on which nothing is installed but what a test names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from xached.domain.plugins import Fingerprint, InstalledPlugin, PluginGroup

NOTHING: Final = Fingerprint(files={})


@attrs.define
class InstalledByHand:
    """Plugins by name, each of which is its own entry point; their files are what is said."""

    names: tuple[str, ...]
    found: Fingerprint = NOTHING
    group: PluginGroup = PluginGroup.STRATEGY

    def find(self) -> Sequence[InstalledPlugin]:
        """See PluginSource."""
        return [
            InstalledPlugin(
                group=self.group,
                name=each,
                entry_point=each,
                distribution="by-hand",
                version="1",
            )
            for each in self.names
        ]

    def fingerprint(self, _plugin: InstalledPlugin, /) -> Fingerprint:
        """See PluginSource."""
        return self.found
