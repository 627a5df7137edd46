"""The master key: from where the operator keeps it, and from nowhere else."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from xached.security.keys import MasterKey, MasterKeyError
from xached.security.master import (
    CREDENTIAL,
    FILE_ONLY,
    KeySource,
    find_master_key,
    open_master_key,
)

CHEAP = (1, 8192)
PASSPHRASE = "seven wet herons wait"


@attrs.define
class Place:
    """A data directory and what is around it."""

    root: Path
    asked: int = 0

    @property
    def file(self) -> Path:
        return self.root / "master.key"

    @property
    def note(self) -> Path:
        return self.root / "master.id"

    def open(self, source: KeySource = FILE_ONLY, *, new: bool = False) -> MasterKey:
        return open_master_key(self.file, self.note, source, os.urandom, new_house=new)

    def find(self, source: KeySource = FILE_ONLY) -> MasterKey:
        return find_master_key(self.file, self.note, source)

    def refused(self, source: KeySource, *, new: bool = False) -> str:
        with pytest.raises(MasterKeyError) as refusal:
            self.open(source, new=new)
        return str(refusal.value)

    def said(self, passphrase: str) -> KeySource:
        def ask() -> str:
            self.asked += 1
            return passphrase

        return KeySource(passphrase=ask, passphrase_wanted=True, passphrase_cost=CHEAP)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "data"
    root.mkdir()
    return Place(root)


def credential(root: Path, secret: bytes, mode: int = 0o400) -> KeySource:
    directory = root / "credentials"
    directory.mkdir(exist_ok=True)
    path = directory / CREDENTIAL
    path.unlink(missing_ok=True)
    path.write_bytes(secret)
    path.chmod(mode)
    return KeySource(credentials=directory)


def test_a_new_house_makes_its_key_once(place: Place) -> None:
    made = place.open(new=True)
    assert place.file.stat().st_mode & 0o777 == 0o400
    assert place.open() == place.find() == made
    # As after a crash before anything was written: the key stays.
    assert place.open(new=True) == made


def test_a_credential_of_systemd_is_taken_and_no_file_made(place: Place, tmp_path: Path) -> None:
    source = credential(tmp_path, b"\7" * 32)
    assert place.open(source, new=True) == MasterKey(b"\7" * 32)
    assert not place.file.exists()
    assert place.find(source) == MasterKey(b"\7" * 32)
    assert "master.key is missing" in place.refused(FILE_ONLY)


def test_a_passphrase_makes_the_same_key_every_time(place: Place) -> None:
    made = place.open(place.said(PASSPHRASE), new=True)
    assert place.asked == 1
    assert not place.file.exists()
    assert place.open(place.said(PASSPHRASE)) == place.find(place.said(PASSPHRASE)) == made
    assert PASSPHRASE not in place.note.read_text()
    assert made.secret.hex() not in place.note.read_text()


def test_equal_passphrases_of_two_houses_make_different_keys(tmp_path: Path) -> None:
    keys = []
    for name in ("one", "two"):
        root = tmp_path / name
        root.mkdir()
        place = Place(root)
        keys.append(place.open(place.said(PASSPHRASE), new=True))
    assert keys[0] != keys[1]


def test_nobody_is_asked_where_the_key_is_no_passphrase(place: Place, tmp_path: Path) -> None:
    place.open(new=True)
    place.open(attrs.evolve(place.said(PASSPHRASE), passphrase_wanted=False))
    place.find(place.said(PASSPHRASE))
    assert place.asked == 0


def test_the_environment_comes_first(place: Place, tmp_path: Path) -> None:
    source = attrs.evolve(credential(tmp_path, b"\7" * 32), environment="0a" * 32)
    assert place.open(source, new=True) == MasterKey(b"\x0a" * 32)


WRONG: list[tuple[str, Callable[[Place, Path], KeySource], str]] = [
    ("no passphrase", lambda place, _: FILE_ONLY, "systemd-ask-password"),
    ("a wrong passphrase", lambda place, _: place.said("another one, 16+"), "not the passphrase"),
    ("a short passphrase", lambda place, _: place.said("fifteen charact"), "too short"),
    (
        "another credential",
        lambda _, path: credential(path, b"\1" * 32),
        "not the passphrase of this house",
    ),
    ("a short credential", lambda _, path: credential(path, b"\1" * 31), "32 bytes"),
    ("a long credential", lambda _, path: credential(path, b"\1" * 33), "32 bytes"),
    ("an empty credential", lambda _, path: credential(path, b""), "32 bytes"),
    ("a credential for all", lambda _, path: credential(path, b"\1" * 32, 0o444), "mode 0444"),
    ("a credential for a group", lambda _, path: credential(path, b"\1" * 32, 0o440), "mode 0440"),
    ("another environment", lambda _, __: KeySource(environment="0b" * 32), "this is not the"),
    ("a short environment", lambda _, __: KeySource(environment="0b" * 31), "64 hex digits"),
    ("no hex", lambda _, __: KeySource(environment="0x" * 32), "64 hex digits"),
    ("an empty environment", lambda _, __: KeySource(environment=""), "64 hex digits"),
]


@pytest.mark.parametrize(("source", "text"), [row[1:] for row in WRONG], ids=[w[0] for w in WRONG])
def test_a_wrong_key_is_refused_with_a_text_that_helps(
    place: Place, tmp_path: Path, source: Callable[[Place, Path], KeySource], text: str
) -> None:
    made = place.open(place.said(PASSPHRASE), new=True)
    given = source(place, tmp_path)
    refusal = place.refused(given)
    assert text in refusal
    assert made.secret.hex() not in refusal
    assert PASSPHRASE not in refusal
    with pytest.raises(MasterKeyError):
        place.find(given)


def test_the_file_of_another_house_is_refused(place: Place, tmp_path: Path) -> None:
    """Checked by not comparing the ids: then the other key is taken."""
    place.open(new=True)
    other = Place(tmp_path)
    other.open(new=True)
    place.file.unlink()
    shutil.copy(other.file, place.file)
    place.file.chmod(0o400)
    assert "not the master key of this house" in place.refused(FILE_ONLY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "key_id = 1",
        "key_id = ",
        'key_id = "x"\nsalt = "00"\npasses = 1\nmemory_bytes = 8192',
        f'key_id = "x"\nsalt = "{"0" * 32}"\npasses = 1\nmemory_bytes = 999999999999',
        f'key_id = "x"\nsalt = "{"0" * 32}"\npasses = 100000\nmemory_bytes = 8192',
        f'key_id = "x"\nsalt = "{"0" * 32}"\npasses = 1',
        "\xff",
    ],
)
def test_a_note_that_nobody_wrote_is_refused(place: Place, text: str) -> None:
    place.open(new=True)
    place.note.write_text(text, encoding="latin-1")
    assert "put it back from a backup" in place.refused(FILE_ONLY)


def test_sources_never_show_a_secret() -> None:
    assert "0a" * 32 not in repr(KeySource(environment="0a" * 32))
