"""Personal data outside the vault: ciphertext under a key of the person it is about.

A field of a command or an event that says something about a person (a withdrawal address, a
note) is declared ``note: Sealed = personal_field()``. The journal's codec takes nothing but
:class:`Sealed` there, so destroying the person's key makes the journal forget.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

PERSONAL: Final = "personal"
"""Key of the attrs metadata that marks a field."""


@attrs.frozen
class Sealed:
    """Ciphertext, and the id of the key that opens it."""

    key_id: str
    ciphertext: bytes


def personal_field() -> Any:
    """Declare a field of a message that holds personal data."""
    return attrs.field(metadata={PERSONAL: True})
