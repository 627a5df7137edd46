"""Every column of the vault that holds ciphertext, and whose key has sealed it.

What rotates keys, what exports and what erases go by this list. A column of bytes is either in it
or in :data:`OPEN_BYTES`, which says why it needs no sealing; a test has each be in one of them, and
another one finds what the code seals without a word here.

The streams, the journal's and the vault's, are chained: nothing in them is ever sealed anew. A
field about a person is :class:`~xached.domain.sealed.Sealed` there, with the id of its key; that
key stays, wrapped by the newest key of the house, to open what it has sealed, until it is destroyed
with all others of its kind. From then on the row is there, and whole, and says nothing.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

import attrs

from xached.domain.identity import VaultRow
from xached.storage.vault_tables import TABLES


class SealedBy(enum.Enum):
    """Whose key."""

    PROFILE = "the person's own, destroyed when they leave"
    COMPLIANCE = "the person's other one, destroyed when retention ends"
    LETTERS = "the house's for letters, one in each epoch"
    WRAPPING = "the house's for keys of people, one in each epoch"


@attrs.frozen
class SealedColumn:
    """A column of ciphertext. Its place is table, column, key of the row, and account."""

    table: str
    column: str
    by: SealedBy
    secret: bool = False
    """It says nothing about a person but lets somebody in: no export gives it away."""


SEALED_COLUMNS: Final = (
    SealedColumn("accounts", "email_sealed", SealedBy.PROFILE),
    SealedColumn("accounts", "password_sealed", SealedBy.PROFILE, secret=True),
    SealedColumn("user_keys", "wrapped", SealedBy.WRAPPING, secret=True),
    SealedColumn("sessions", "device_sealed", SealedBy.PROFILE),
    SealedColumn("sessions", "address_sealed", SealedBy.PROFILE),
    SealedColumn("outbox", "sealed", SealedBy.LETTERS, secret=True),
    SealedColumn("email_proofs", "sealed", SealedBy.LETTERS, secret=True),
    SealedColumn("api_keys", "secret_sealed", SealedBy.PROFILE, secret=True),
    SealedColumn("api_keys", "label_sealed", SealedBy.PROFILE),
    SealedColumn("api_keys", "networks_sealed", SealedBy.PROFILE),
    SealedColumn("allow_lists", "networks_sealed", SealedBy.PROFILE),
    SealedColumn("delayed_changes", "networks_sealed", SealedBy.PROFILE),
    SealedColumn("delayed_changes", "email_sealed", SealedBy.PROFILE),
    SealedColumn("second_factors", "active_sealed", SealedBy.PROFILE, secret=True),
    SealedColumn("second_factors", "pending_sealed", SealedBy.PROFILE, secret=True),
    SealedColumn("profiles", "profile_sealed", SealedBy.PROFILE),
    SealedColumn("activity", "origin_sealed", SealedBy.PROFILE),
    SealedColumn("kyc_applications", "details_sealed", SealedBy.COMPLIANCE),
    SealedColumn("kyc_reviews", "reason_sealed", SealedBy.COMPLIANCE),
    SealedColumn("kyc_chunks", "content_sealed", SealedBy.COMPLIANCE),
    SealedColumn("cases", "facts_sealed", SealedBy.COMPLIANCE),
    SealedColumn("cases", "reason_sealed", SealedBy.COMPLIANCE),
)

SECRET_COLUMNS: Final = frozenset(
    (each.table, each.column) for each in SEALED_COLUMNS if each.secret
)
"""(table, column) of what no export gives away."""

OPEN_BYTES: Final[Mapping[tuple[str, str], str]] = {
    ("settings", "value"): "random ids, chain values, epochs and keyed hashes",
    ("accounts", "email_lookup"): "a keyed hash",
    ("user_keys", "key_id"): "random",
    ("sessions", "family_hash"): "a keyed hash",
    ("sessions", "refresh_hash"): "a keyed hash",
    ("sessions", "previous_hash"): "a keyed hash",
    ("api_keys", "public_key"): "public",
    ("recovery_codes", "code_hash"): "a keyed hash",
    ("email_proofs", "proof_id"): "a keyed hash",
    ("email_proofs", "code_hash"): "a keyed hash",
    ("known_devices", "device_hash"): "a keyed hash",
}
"""Every other column of bytes, and what is in it."""

_BY_TABLE: Final[Mapping[str, tuple[SealedColumn, ...]]] = {
    table.name: tuple(each for each in SEALED_COLUMNS if each.table == table.name)
    for table in TABLES.values()
}


def sealed_columns(table: str) -> tuple[SealedColumn, ...]:
    """The columns of ciphertext of a table."""
    return _BY_TABLE[table]


def sealed_values(row: VaultRow) -> list[tuple[SealedColumn, bytes]]:
    """What is sealed in a row; what is NULL or empty is left out."""
    columns = _BY_TABLE[TABLES[type(row)].name]
    found = [(column, getattr(row, column.column)) for column in columns]
    return [(column, value) for column, value in found if value]
