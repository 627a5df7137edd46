"""Pages of long lists: newest first, continued by an opaque cursor that never skips or repeats."""

from __future__ import annotations

import base64
import binascii

import attrs

from xached.domain.rejection import Reason, Rejection

SIZE_DEFAULT = 100
SIZE_MAX = 500
CURSOR_MAX = 2**63 - 1
"""As far as history counts."""

CURSOR_DIGITS_MAX = 19


@attrs.frozen
class Page:
    """What to read: at most ``size`` entries whose cursor is below ``before``."""

    size: int
    before: int | None


def read_page(size: int, token: str) -> Page:
    """Read a page request. Raises: Rejection AMOUNT_RANGE or ID_FORMAT."""
    if not 0 <= size <= SIZE_MAX:
        # SQLite takes a limit below nothing for none.
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "no page has this size",
            field="page_size",
            given=str(size),
            allowed=f"0 to {SIZE_MAX}",
        )
    return Page(size or SIZE_DEFAULT, _read_token(token) if token else None)


def write_token(before: int | None) -> str:
    """The token of the next page; empty when there is none."""
    if before is None:
        return ""
    return base64.urlsafe_b64encode(str(before).encode()).decode().rstrip("=")


def _read_token(token: str) -> int:
    try:
        text = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    if len(text) <= CURSOR_DIGITS_MAX and text.isdecimal():
        before = int(text)
        # The decoder lets much pass; what was given is what would be given again.
        if before <= CURSOR_MAX and write_token(before) == token:
            return before
    raise Rejection(
        Reason.ID_FORMAT,
        "the page token is not one that was given",
        field="page_token",
        given=token[:40],
        allowed="next_page_token of the last answer",
    )
