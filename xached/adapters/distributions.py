"""Installed plugins, read as metadata and files: nothing of them is imported.

What is fingerprinted is what a plugin's process could import of it: every file its distribution has
installed, and every file that lies in its package besides. Byte code counts as any file, as Python
runs it in place of the source; that of other versions of Python is never read. Libraries it depends
on are the operator's own choice, as those of the daemon are.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from xache_sdk.landlock import package_paths

from xached.domain.plugins import Fingerprint, InstalledPlugin, PluginGroup

FILES_MAX: Final = 5_000
BYTES_MAX: Final = 256 << 20
"""What is larger is not looked through, and can be neither approved nor run."""

_BYTE_CODE: Final = ".pyc"
_CHUNK_BYTES: Final = 1 << 20


class PluginUnreadable(Exception):  # noqa: N818 - it says what is the matter
    """The files of a plugin cannot be looked through."""


class Distributions:
    """What is installed beside this interpreter. Every method blocks."""

    def find(self) -> Sequence[InstalledPlugin]:
        """All plugins, by group and name; also several of one name."""
        importlib.invalidate_caches()  # What was installed while the daemon ran is seen too.
        found = [
            InstalledPlugin(
                group=group,
                name=point.name,
                entry_point=point.value,
                distribution=point.dist.name,
                version=point.dist.version,
            )
            for group in PluginGroup
            for point in importlib.metadata.entry_points(group=group.value)
            if point.dist is not None
        ]
        # A distribution that is found twice on the path, first in one place, is still one.
        return sorted(set(found), key=lambda each: (each.group.value, each.name, each.distribution))

    def fingerprint(self, plugin: InstalledPlugin) -> Fingerprint:
        """Look at every file of a plugin. Raises: PluginUnreadable."""
        try:
            distribution = importlib.metadata.distribution(plugin.distribution)
            places = dict(_files(distribution, plugin.entry_point))
            if len(places) > FILES_MAX:
                raise PluginUnreadable(f"{plugin.distribution} has more than {FILES_MAX} files")
            return Fingerprint(files=_digests(plugin.distribution, places.items()))
        except (OSError, importlib.metadata.PackageNotFoundError) as error:
            raise PluginUnreadable(f"{plugin.distribution}: {error}") from None


def _files(
    distribution: importlib.metadata.Distribution, entry_point: str
) -> Iterator[tuple[str, Path]]:
    """Name and place of every file that counts."""
    root = Path(str(distribution.locate_file("")))
    for file in distribution.files or ():
        place = Path(str(distribution.locate_file(file)))
        if _counts(place):
            yield file.as_posix(), place
    # What somebody put beside the installed files, and the files of an editable installation.
    for package in package_paths(entry_point):
        parent = root if package.is_relative_to(root) else package.parent
        for place in sorted(package.rglob("*")) if package.is_dir() else [package]:
            if place.is_file() and _counts(place):
                yield place.relative_to(parent).as_posix(), place


def _counts(place: Path) -> bool:
    # Byte code that lies beside the source, or in its place, is imported whatever it is called.
    cached = place.suffix == _BYTE_CODE and place.parent.name == "__pycache__"
    return not cached or f".{sys.implementation.cache_tag}." in place.name


def _digests(distribution: str, places: Iterable[tuple[str, Path]]) -> dict[str, str]:
    digests: dict[str, str] = {}
    left = BYTES_MAX
    for name, place in places:
        digest = hashlib.sha256()
        try:
            with place.open("rb") as file:
                while chunk := file.read(min(_CHUNK_BYTES, left + 1)):
                    left -= len(chunk)
                    if left < 0:
                        raise PluginUnreadable(f"{distribution} has more than {BYTES_MAX} bytes")
                    digest.update(chunk)
        except FileNotFoundError:
            digests[name] = ""  # As when byte code was not written: it counts that it is missing.
        else:
            digests[name] = digest.hexdigest()
    return digests
