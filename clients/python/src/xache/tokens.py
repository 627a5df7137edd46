"""Where a session's tokens are kept: in memory, or in a file that only its owner can read."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs

VERSION: Final = 1
"""Of the file's form."""

DEVICES_MAX: Final = 20
"""People of one house whose device token is kept; the one used longest ago goes first."""

_OTHERS: Final = 0o077
"""What anybody but the owner may do with the file: nothing."""


@attrs.frozen(kw_only=True)
class Credentials:
    """What the holder of a session carries. Times are Unix nanoseconds."""

    account_id: str
    session_id: str
    access_token: str = attrs.field(repr=False)
    access_expires_at_ns: int
    refresh_token: str = attrs.field(repr=False)
    refresh_expires_at_ns: int


@attrs.define
class _Content:
    """What the file holds, by profile."""

    profiles: dict[str, dict[str, Any]] = attrs.field(factory=dict)
    devices: dict[str, dict[str, str]] = attrs.field(factory=dict)
    """By e-mail address in turn."""


class TokenFileError(Exception):
    """The token file cannot be trusted or read. Its owner must act; nothing was changed."""


class MemoryTokens:
    """Keeps tokens for as long as the process lives."""

    def __init__(self) -> None:
        self._devices: dict[str, str] = {}
        self._credentials: Credentials | None = None
        self._lock = threading.RLock()

    def load(self) -> Credentials | None:
        """The tokens kept last."""
        return self._credentials

    def save(self, credentials: Credentials | None) -> None:
        """Keep these; None forgets."""
        self._credentials = credentials

    def device_token(self, email: str) -> str:
        """What was kept of an earlier login of somebody."""
        return self._devices.get(email, "")

    def save_device_token(self, email: str, token: str) -> None:
        """Keep it for the next one."""
        self._devices[email] = token

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let nobody else load and save meanwhile."""
        with self._lock:
            yield


class FileTokens:
    """Keeps tokens in a file, one set for each profile (the address of a house).

    The file has mode 0600 and is replaced as a whole; one that others can read is refused. A
    lock beside it makes sure that two processes never use the same refresh token: the house
    takes a second use for theft and ends the session.
    """

    def __init__(self, profile: str, path: Path | None = None) -> None:
        self.path = path if path is not None else default_path()
        self._profile = profile
        self._thread_lock = threading.RLock()
        self._depth = 0

    def load(self) -> Credentials | None:
        """The tokens of the profile, None when there are none. Raises: TokenFileError."""
        entry = self._read().profiles.get(self._profile)
        if entry is None:
            return None
        try:
            return Credentials(**entry)
        except TypeError:
            raise self._damaged() from None

    def save(self, credentials: Credentials | None) -> None:
        """Replace the tokens of the profile; None removes them. Raises: TokenFileError."""
        with self.exclusive():
            content = self._read()
            if credentials is not None:
                content.profiles[self._profile] = attrs.asdict(credentials)
            elif content.profiles.pop(self._profile, None) is None:
                return
            self._write(content)

    def device_token(self, email: str) -> str:
        """What this device was given at an earlier login of somebody; "" without it.

        Kept beyond sign-outs: it opens nothing, but keeps a house that is slowed down by strangers
        who guess passwords from slowing down the owner. Raises: TokenFileError.
        """
        return self._read().devices.get(self._profile, {}).get(email, "")

    def save_device_token(self, email: str, token: str) -> None:
        """Keep it. Raises: TokenFileError."""
        with self.exclusive():
            content = self._read()
            known = content.devices.setdefault(self._profile, {})
            known.pop(email, None)
            while len(known) >= DEVICES_MAX:
                del known[next(iter(known))]
            known[email] = token
            self._write(content)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """Let no other thread or process load and save meanwhile. May be nested."""
        with self._thread_lock:
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._depth = 1
                yield
            finally:
                self._depth = 0
                os.close(lock)

    def _read(self) -> _Content:
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except FileNotFoundError:
            return _Content()
        with os.fdopen(descriptor, encoding="utf-8") as file:
            status = os.fstat(descriptor)
            if status.st_uid != os.geteuid():
                raise TokenFileError(f"{self.path} belongs to another user; it is not used")
            if status.st_mode & _OTHERS:
                raise TokenFileError(
                    f"{self.path} can be read by others (mode {status.st_mode & 0o777:04o}); "
                    f"take it back with: chmod 600 {self.path}"
                )
            try:
                content = json.load(file)
            except ValueError:
                raise self._damaged() from None
        if not isinstance(content, dict) or content.get("version") != VERSION:
            raise self._damaged()
        return _Content(content.get("profiles", {}), content.get("devices", {}))

    def _write(self, kept: _Content) -> None:
        content = json.dumps({"version": VERSION, **attrs.asdict(kept)}, indent=2)
        # Created with its final mode: at no time can others open it.
        new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(content + "\n")
                file.flush()
                os.fsync(descriptor)
            new.rename(self.path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _damaged(self) -> TokenFileError:
        return TokenFileError(f"{self.path} is damaged; remove it and sign in again")


def default_path() -> Path:
    """``$XDG_CONFIG_HOME/xache/tokens.json``, by default under ``~/.config``."""
    home = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    # The XDG specification has relative paths ignored.
    base = home if home.is_absolute() else Path.home() / ".config"
    return base / "xache" / "tokens.json"
