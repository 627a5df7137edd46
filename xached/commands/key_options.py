"""How the master key is given to a command."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from xached.security.keys import MasterKeyError
from xached.security.master import KeySource

PASSPHRASE_BYTES_MAX = 4_096
KEY_VARIABLE = "XACHED_MASTER_KEY"


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class KeyOptions:
    """Where the master key is; without any of it the file in the data directory."""

    passphrase_fd: Annotated[
        int | None, Parameter(help="Read the passphrase of the master key from this descriptor.")
    ] = None
    ask_passphrase: Annotated[
        bool, Parameter(negative="", help="Ask for it; a new house has its key made from it.")
    ] = False
    dev: Annotated[
        bool, Parameter(negative="", help=f"Allow the master key in {KEY_VARIABLE}, as hex.")
    ] = False

    def source(self) -> KeySource:
        """What the master key is made from or read from. Raises: MasterKeyError."""
        environment = os.environ.get(KEY_VARIABLE)
        if environment is not None and not self.dev:
            raise MasterKeyError(
                f"{KEY_VARIABLE} is set: what is in an environment, others can read; "
                "unset it, or say --dev if nothing here is of worth"
            )
        credentials = os.environ.get("CREDENTIALS_DIRECTORY")
        wanted = self.ask_passphrase or self.passphrase_fd is not None
        return KeySource(
            environment=environment,
            credentials=Path(credentials) if credentials else None,
            passphrase=self._passphrase if wanted or sys.stdin.isatty() else None,
            passphrase_wanted=wanted,
        )

    def _passphrase(self) -> str:
        if self.passphrase_fd is None:
            return getpass("Passphrase of the master key: ")
        return read_passphrase(self.passphrase_fd)


Keys = Annotated[KeyOptions, Parameter(name="*")]
FROM_FILE = KeyOptions()


def read_passphrase(descriptor: int) -> str:
    """The first line of a descriptor. Raises: MasterKeyError."""
    try:
        with os.fdopen(descriptor, "rb") as given:
            line = given.read(PASSPHRASE_BYTES_MAX).partition(b"\n")[0]
        return line.decode()
    except (OSError, UnicodeDecodeError):
        raise MasterKeyError(f"no passphrase can be read from descriptor {descriptor}") from None
