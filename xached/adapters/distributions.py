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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from xache_sdk.landlock import package_paths

from xached.domain.plugins import Fingerprint, InstalledPlugin, PluginGroup

FILES_MAX: Final = 5_000
BYTES_MAX: Final = 256 << 20
"""What is larger is not looked through, and can be neither approved nor run."""

_BYTE_CODE: Final = ".pyc"
_CHUNK_BYTES: Final = 1 << 20


_RUN_BY_EVERY_PYTHON: Final = ("sitecustomize", "usercustomize")
_PATHS_AND_CODE: Final = ".pth"
_OURS: Final = ("xached", "xache", "xache_sdk")


class PluginUnreadable(Exception):  # noqa: N818 - it says what is the matter
    """The files of a plugin cannot be looked through, or are not for its own process alone."""


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
            _check_reach(plugin.distribution, places)
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


def _check_reach(distribution: str, places: Mapping[str, Path]) -> None:
    """Refuse files that run in the daemon, or in a process before it is sealed.

    What is installed beside the daemon is not run by that, but Python itself runs some files of any
    distribution at its start (``site`` of the standard library), and a wheel may bring modules of
    the house's own names.
    """
    for name, place in places.items():
        parts = name.split("/")
        # Above the installed packages Python may look for modules too, and there are commands.
        module = (parts[-1] if parts[0] == ".." else parts[0]).partition(".")[0]
        code = place.suffix == _PATHS_AND_CODE and place.is_file() and _has_code(place)
        if code or module in _OURS or module in _RUN_BY_EVERY_PYTHON:
            raise PluginUnreadable(
                f"{distribution} installs {name}, which runs outside of the plugin's own process: "
                "uninstall it"
            )


def _has_code(paths: Path) -> bool:
    """Whether a file of paths has lines that Python carries out."""
    lines = paths.read_bytes().removeprefix(b"\xef\xbb\xbf").splitlines()
    return any(line.startswith((b"import ", b"import\t")) for line in lines)


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
