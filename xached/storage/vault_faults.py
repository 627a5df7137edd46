"""What can be wrong with a vault."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

import apsw


class VaultUnusable(Exception):  # noqa: N818 - what the file is
    """The vault cannot be opened here: the text says why and what to do."""


class VaultDamaged(Exception):  # noqa: N818 - what the file is
    """Something in the vault is not as the daemon wrote it, or the master key is another one."""


class VaultFailed(Exception):  # noqa: N818 - what happened
    """The disk failed. Nothing that was not acknowledged before is there for sure; stop."""


def unreadable(error: apsw.Error) -> VaultDamaged | VaultFailed:
    """The disk's fault, or the content's: a table or a page is not what it was."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, apsw.CorruptError | apsw.NotADBError | apsw.SQLError):
        return VaultDamaged(f"the vault cannot be read: {text}")
    return VaultFailed(f"the vault cannot be read: {text}")


def texts_checked(table: str, rows: apsw.Cursor) -> Generator[tuple[Any, ...], None, None]:
    """Rows of a table. A flipped bit of a row's header makes a text of bytes.

    Raises: VaultDamaged.
    """
    try:
        # Not left to the collector: a statement that is open keeps the log from being copied.
        with contextlib.closing(rows):
            yield from rows
    except UnicodeDecodeError:
        raise VaultDamaged(f"a text of {table} is none") from None
