"""Tokens in a file: nobody else reads it, it is replaced as a whole, profiles do not mix."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import attrs
import pytest
from xache.tokens import DEVICES_MAX, Credentials, FileTokens, TokenFileError, default_path

ADA = Credentials(
    account_id="ada",
    session_id="s1",
    access_token="a1",
    access_expires_at_ns=1,
    refresh_token="r1",
    refresh_expires_at_ns=2,
)
BOB = attrs.evolve(ADA, account_id="bob", access_token="a2")


def tokens_in(directory: Path, profile: str = "house:1") -> FileTokens:
    return FileTokens(profile, directory / "xache" / "tokens.json")


def test_tokens_come_back_as_they_were(tmp_path: Path) -> None:
    assert tokens_in(tmp_path).load() is None
    tokens_in(tmp_path).save(ADA)
    assert tokens_in(tmp_path).load() == ADA


def test_only_the_owner_can_read_the_file_and_its_directory(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        tokens = tokens_in(tmp_path)
        tokens.save(ADA)
        tokens.save(BOB)
    finally:
        os.umask(before)
    assert tokens.path.stat().st_mode & 0o777 == 0o600
    assert tokens.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o601])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    tokens = tokens_in(tmp_path)
    tokens.save(ADA)
    tokens.path.chmod(mode)
    with pytest.raises(TokenFileError, match="chmod 600"):
        tokens.load()
    with pytest.raises(TokenFileError):
        tokens.save(BOB)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2}', '{"version": 1, "profiles": {"house:1": {"a": 1}}}'],
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    tokens = tokens_in(tmp_path)
    tokens.save(ADA)
    tokens.path.write_text(content)
    with pytest.raises(TokenFileError, match="remove it and sign in again"):
        tokens.load()


def test_profiles_do_not_mix(tmp_path: Path) -> None:
    here, there = tokens_in(tmp_path, "here:1"), tokens_in(tmp_path, "there:1")
    here.save(ADA)
    there.save(BOB)
    assert (here.load(), there.load()) == (ADA, BOB)
    here.save(None)
    here.save(None)
    assert (here.load(), there.load()) == (None, BOB)


def test_a_write_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = tokens_in(tmp_path)
    tokens.save(ADA)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            tokens.save(BOB)
    assert tokens.load() == ADA
    assert {path.name for path in tokens.path.parent.iterdir()} == {"tokens.json", "tokens.lock"}


def test_nobody_reads_what_another_is_about_to_replace(tmp_path: Path) -> None:
    """Ten processes sign in to ten houses at once, here as threads with a lock each.

    Without the lock around reading and writing, profiles were lost.
    """
    barrier = threading.Barrier(10)

    def sign_in(number: int) -> None:
        barrier.wait()
        tokens_in(tmp_path, f"house:{number}").save(ADA)

    threads = [threading.Thread(target=sign_in, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(tokens_in(tmp_path, f"house:{number}").load() == ADA for number in range(10))


def test_secrets_stay_out_of_what_is_printed() -> None:
    assert "a1" not in repr(ADA)
    assert "r1" not in repr(ADA)


@pytest.mark.parametrize("variable", ["", "relative/path"])
def test_the_default_place_follows_xdg(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "xache" / "tokens.json"
    monkeypatch.setenv("XDG_CONFIG_HOME", variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".config" / "xache" / "tokens.json"


def test_a_device_is_known_beyond_a_sign_out_and_to_its_house_alone(tmp_path: Path) -> None:
    tokens = tokens_in(tmp_path)
    assert tokens.device_token("ada@example.org") == ""
    tokens.save(ADA)
    tokens.save_device_token("ada@example.org", "d1")
    tokens.save_device_token("bob@example.org", "d2")
    tokens.save(None)
    assert tokens_in(tmp_path).device_token("ada@example.org") == "d1"
    assert tokens_in(tmp_path).device_token("bob@example.org") == "d2"
    assert tokens_in(tmp_path, "house:2").device_token("ada@example.org") == ""
    assert tokens.path.stat().st_mode & 0o777 == 0o600


def test_no_more_devices_are_kept_than_fit(tmp_path: Path) -> None:
    tokens = tokens_in(tmp_path)
    for number in range(DEVICES_MAX + 1):
        tokens.save_device_token(f"{number}@example.org", "d")
    assert tokens.device_token("0@example.org") == ""
    assert tokens.device_token("1@example.org") == "d"
