"""The master key file, and keys made from it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from xached.security.keys import (
    KEY_BYTES,
    MasterKey,
    MasterKeyError,
    Purpose,
    create_master_key,
    hkdf_sha256,
    read_master_key,
)

GOLDEN_JOURNAL_CHAIN = "5e618c8749161300e03d5079032a3a09"

entropy = random.Random(1).randbytes


# RFC 5869, appendix A, cases 1 to 3.
@pytest.mark.parametrize(
    ("secret", "salt", "info", "length", "output"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            42,
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            82,
            (
                "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
                "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
                "cc30c58179ec3e87c14c01d5c1f3434f1d87"
            ),
        ),
        (
            "0b" * 22,
            "",
            "",
            42,
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
)
def test_hkdf_gives_what_the_rfc_says(
    secret: str, salt: str, info: str, length: int, output: str
) -> None:
    derived = hkdf_sha256(bytes.fromhex(secret), bytes.fromhex(salt), bytes.fromhex(info), length)
    assert derived.hex() == output


def test_each_purpose_has_its_own_key_and_always_the_same() -> None:
    master = MasterKey(bytes(KEY_BYTES))
    keys = {purpose: master.derive(purpose) for purpose in Purpose}
    assert len(set(keys.values())) == len(Purpose)
    # Golden: another value here would make every house unreadable.
    assert keys[Purpose.JOURNAL_CHAIN].hex().startswith(GOLDEN_JOURNAL_CHAIN)
    assert MasterKey(b"\1" * KEY_BYTES).derive(Purpose.JOURNAL_CHAIN) != keys[Purpose.JOURNAL_CHAIN]


def test_a_key_file_is_made_once_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    made = create_master_key(path, entropy)
    assert read_master_key(path) == made
    assert path.stat().st_mode & 0o777 == 0o400
    assert path.read_bytes() == made.secret
    with pytest.raises(MasterKeyError, match="never replaced"):
        create_master_key(path, entropy)
    assert read_master_key(path) == made
    assert [file.name for file in tmp_path.iterdir()] == ["master.key"]


def test_a_key_never_shows_in_its_repr() -> None:
    master = MasterKey(b"0123456789abcdef0123456789abcdef")
    assert "0123" not in repr(master)


def test_a_missing_key_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(MasterKeyError, match="missing"):
        read_master_key(tmp_path / "master.key")


@pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
def test_a_key_of_another_size_is_refused(tmp_path: Path, size: int) -> None:
    path = tmp_path / "master.key"
    path.write_bytes(bytes(size))
    path.chmod(0o400)
    with pytest.raises(MasterKeyError, match="exactly 32 bytes"):
        read_master_key(path)


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o420, 0o410, 0o644, 0o601])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "master.key"
    create_master_key(path, entropy)
    path.chmod(mode)
    with pytest.raises(MasterKeyError, match=f"mode {mode:04o}"):
        read_master_key(path)


def test_a_key_may_lie_elsewhere_behind_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.key"
    made = create_master_key(real, entropy)
    link = tmp_path / "master.key"
    link.symlink_to(real)
    assert read_master_key(link) == made
    real.chmod(0o644)
    with pytest.raises(MasterKeyError, match="mode 0644"):
        read_master_key(link)


def test_a_key_that_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "directory.key"
    directory.mkdir(0o700)
    pipe = tmp_path / "pipe.key"
    os.mkfifo(pipe, 0o400)
    for path in (directory, pipe):
        with pytest.raises(MasterKeyError, match="not a regular file"):
            read_master_key(path)


def test_a_crash_while_the_key_is_made_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without the file aside (writing to the path itself) a short key would be left here.
    def crash(_descriptor: int) -> None:
        raise OSError("power")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="power"):
        create_master_key(tmp_path / "master.key", entropy)
    assert list(tmp_path.iterdir()) == []
