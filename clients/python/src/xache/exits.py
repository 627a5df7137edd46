"""How ``xache`` ends: numbers that scripts can rely on."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Exit codes."""

    OK = 0
    """Done. A stream that was ended with Ctrl-C is done too."""
    REFUSED = 1
    """The house said no; nothing changed."""
    USAGE = 2
    """The command line does not make sense."""
    NOT_SIGNED_IN = 3
    """No session, it has ended, or the credentials are wrong."""
    UNREACHABLE = 4
    """No answer. An order may or may not have been placed: repeat it with the same --id."""
    INCIDENT = 5
    """A bug of the house, with an incident id to report."""
    INTERRUPTED = 130
    """Ctrl-C while a command was waiting for its answer."""
