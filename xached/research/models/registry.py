"""Models on disk, one folder each, written once; the newest that may be asked at a time.

A folder is named by the model's digest and holds ``model.json``, the model's own text, and
``about.json``: on which history it was trained, how it did on a test, what it replaced. Both are
verified whenever they are read. A folder is written beside its place and renamed into it. What
happens later is a file of its own: ``advice.json`` says since when and why a model may no longer
trade, ``watched.json`` up to which label it was tested for drift. ``NAME.attempt.json`` is the last
attempt to train a model of that name and what came of it, so that a model that is not retrained
does not stay so in silence.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from xache_sdk.models import ModelError, SignalModel, read_model, write_model
from xache_sdk.shelf import Shelf

from xached.research.judgement.trials import spelled

FORMAT: Final = 1
MODELS_MAX: Final = 10_000

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class RegistryError(ValueError):
    """There is no such model, or it is not the one that was registered."""


class ModelOverlap(RegistryError):  # noqa: N818 - it says what is the matter
    """A model would be asked about a time it has learned from."""


@attrs.frozen(kw_only=True)
class Advice:
    """Since when a model only advises, and why."""

    since_ns: int
    reason: str


@attrs.frozen(kw_only=True)
class Entry:
    """A registered model. ``parent``: the digest of the model it replaced; empty for the first.

    ``fingerprint``: of the history it was trained on. ``metrics``: of its test.
    """

    name: str
    model: SignalModel
    digest: str
    parent: str
    fingerprint: str
    metrics: Mapping[str, float]
    advice: Advice | None = None

    def may_trade(self, at_ns: int) -> bool:
        """Whether it still does more than advise."""
        return self.advice is None or at_ns < self.advice.since_ns


@attrs.frozen(kw_only=True)
class Attempt:
    """The last attempt to train a model of a name."""

    at_ns: int
    outcome: str
    replaced: bool


class ModelRegistry:
    """A folder of models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> ModelRegistry:
        """XACHE_MODELS, or ``xache/models`` where the user's data lives."""
        named = environment.get("XACHE_MODELS")
        data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return cls(Path(named) if named else Path(data) / "xache" / "models")

    def register(
        self,
        name: str,
        model: SignalModel,
        *,
        fingerprint: str,
        metrics: Mapping[str, float],
        parent: str = "",
        advice: Advice | None = None,
    ) -> Entry:
        """Keep a model for ever. It may be asked later than its ``registered_at_ns``.

        With ``advice`` it never trades: it is there with it, or not at all.

        Raises: RegistryError for a name that is none, or when there are too many models;
        ModelOverlap for one that would have been there before what it learned from; ModelError
        for a model that is too large.
        """
        _check_name(name)
        if model.labels_end_ns > model.registered_at_ns:
            raise ModelOverlap("a model cannot be registered before its last label was known")
        if len(self._digests()) >= MODELS_MAX:
            raise RegistryError(f"there are {MODELS_MAX:,} models already")
        text, digest = write_model(model), model.digest
        place = self.folder / digest
        if place.exists():
            return self.entry(digest)
        about = {
            "format": FORMAT,
            "name": name,
            "digest": digest,
            "parent": parent,
            "fingerprint": fingerprint,
            "metrics": dict(metrics),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".model.", dir=self.folder))
        try:
            _write_synced(fresh / "model.json", text + "\n")
            _write_synced(
                fresh / "about.json",
                json.dumps(about | {"check": _check(about)}, indent=2) + "\n",
            )
            if advice is not None:
                _write_synced(fresh / "advice.json", json.dumps(attrs.asdict(advice)) + "\n")
            fresh.rename(place)
            _sync_folder(self.folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        return self.entry(digest)

    def entry(self, digest: str) -> Entry:
        """Read a model and verify it. Raises: RegistryError."""
        if _DIGEST.fullmatch(digest) is None or not (self.folder / digest).is_dir():
            raise RegistryError(f"no model {digest[:12]} in {self.folder}")
        place = self.folder / digest
        try:
            model = read_model((place / "model.json").read_text())
            about = json.loads((place / "about.json").read_text())
            if about.pop("check") != _check(about):
                raise RegistryError("about.json is not what was written")
            if about.pop("format") != FORMAT:
                raise RegistryError(f"{digest[:12]} was written by another version")
            found = Entry(model=model, advice=_read_advice(place / "advice.json"), **about)
        except (OSError, ModelError, KeyError, TypeError, ValueError) as error:
            raise RegistryError(f"model {digest[:12]} is damaged: {error}") from None
        if not model.digest == found.digest == digest:
            raise RegistryError(f"model {digest[:12]} is damaged: its digest differs")
        return found

    def entries(self, name: str = "") -> list[Entry]:
        """Every model, or those of a name, in the order of registration. Raises: RegistryError."""
        found = [self.entry(digest) for digest in self._digests()]
        wanted = [each for each in found if name in ("", each.name)]
        return sorted(
            wanted,
            key=lambda each: (
                each.model.registered_at_ns, each.model.labels_end_ns, each.digest
            ),
        )  # fmt: skip

    def find(self, beginning: str) -> Entry:
        """The model whose digest begins so. Raises: RegistryError unless there is exactly one."""
        found = [each for each in self._digests() if each.startswith(beginning)]
        if len(found) != 1 or not beginning:
            raise RegistryError(f"{len(found)} models begin with {beginning!r}")
        return self.entry(found[0])

    def as_of(self, name: str, at_ns: int) -> Entry | None:
        """The newest model that knew nothing of a time, nor of anything later; None: abstain."""
        known = [each for each in self.entries(name) if each.model.known_at_ns < at_ns]
        return known[-1] if known else None

    def for_run(self, name: str, start_ns: int, end_ns: int) -> list[Entry]:
        """What may be asked in a run, oldest first: the model of its start and all that follow.

        Nothing that was not known before its end is among it. Raises: RegistryError.
        """
        known = [each for each in self.entries(name) if each.model.known_at_ns < end_ns]
        newest = max(
            (at for at, each in enumerate(known) if each.model.known_at_ns < start_ns), default=0
        )
        return known[newest:]

    def for_period(self, digest: str, start_ns: int) -> Entry:
        """A model that is asked about a period from its start on.

        Raises: ModelOverlap when it has learned from it, or was registered only in it.
        """
        found = self.entry(digest)
        if found.model.known_at_ns >= start_ns:
            raise ModelOverlap(
                f"model {digest[:12]} knows what was up to {found.model.known_at_ns} ns and cannot "
                f"be asked about {start_ns} ns"
            )
        return found

    def demote(self, digest: str, at_ns: int, reason: str) -> Entry:
        """Let a model only advise from now on. The first reason stays."""
        found = self.entry(digest)
        if found.advice is None:
            advice = attrs.asdict(Advice(since_ns=at_ns, reason=reason))
            _replace(self.folder / digest / "advice.json", json.dumps(advice) + "\n")
        return self.entry(digest)

    def note_watched(self, digest: str, to_ns: int) -> None:
        """Remember up to which label a model was tested for drift. Raises: RegistryError."""
        self.entry(digest)
        _replace(self.folder / digest / "watched.json", json.dumps({"to_ns": to_ns}) + "\n")

    def watched_to_ns(self, digest: str) -> int:
        """Up to when its labels were tested for drift; 0 for never. Raises: RegistryError."""
        try:
            return int(json.loads((self.folder / digest / "watched.json").read_text())["to_ns"])
        except FileNotFoundError:
            return 0
        except (KeyError, TypeError, ValueError) as error:
            raise RegistryError(f"watched.json of {digest[:12]} is damaged: {error}") from None

    def note_attempt(self, name: str, attempt: Attempt) -> None:
        """Remember the last attempt to train a model of a name."""
        _check_name(name)
        self.folder.mkdir(parents=True, exist_ok=True)
        _replace(self.folder / f"{name}.attempt.json", json.dumps(attrs.asdict(attempt)) + "\n")

    def last_attempt(self, name: str) -> Attempt | None:
        """The last attempt; None when there was none. Raises: RegistryError."""
        _check_name(name)
        try:
            text = (self.folder / f"{name}.attempt.json").read_text()
            return Attempt(**json.loads(text))
        except FileNotFoundError:
            return None
        except (TypeError, ValueError) as error:
            raise RegistryError(f"the last attempt of {name} is damaged: {error}") from None

    def damages(self) -> Iterator[str]:
        """What is wrong with any of the models, in words."""
        for digest in self._digests():
            try:
                self.entry(digest)
                self.watched_to_ns(digest)
            except RegistryError as error:
                yield str(error)

    def tidy(self) -> None:
        """Remove what a process left that was ended in the middle. Nobody else may write now."""
        for each in (*self.folder.glob(".model.*"), *self.folder.glob("**/.fresh.*")):
            shutil.rmtree(each) if each.is_dir() else each.unlink()

    def _digests(self) -> list[str]:
        if not self.folder.is_dir():
            return []
        return sorted(each.name for each in self.folder.iterdir() if _DIGEST.fullmatch(each.name))


def shelf_of(entries: Iterable[Entry]) -> Shelf:
    """Models as a strategy takes them, with those among them that only advise."""
    found = list(entries)
    advice = {each.digest: each.advice.since_ns for each in found if each.advice is not None}
    return Shelf((each.model for each in found), advice)


def _check(about: Mapping[str, Any]) -> str:
    return hashlib.blake2b(spelled(about).encode(), digest_size=32).hexdigest()


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise RegistryError("a model's name is 1 to 60 of A-Z a-z 0-9 . _ -")


def _read_advice(place: Path) -> Advice | None:
    if not place.exists():
        return None
    fields: dict[str, Any] = json.loads(place.read_text())
    return Advice(**fields)


def _replace(place: Path, text: str) -> None:
    """Write a file so that it is there whole, old or new."""
    handle, fresh = tempfile.mkstemp(prefix=".fresh.", dir=place.parent)
    os.close(handle)
    _write_synced(Path(fresh), text)
    Path(fresh).rename(place)
    _sync_folder(place.parent)


def _write_synced(place: Path, text: str) -> None:
    with place.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
