"""The tables of vault.db, and how a row of each is written and read.

A column is a field of the row's class, in the same order, the key first; the MAC is last.

A table grows by a migration that adds columns, and its class by as many fields at the end, each
with a default: the one of the column. The MAC leaves out trailing columns that hold their default,
so that the MACs of rows written before stay right.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Generic, TypeAlias, TypeVar

import attrs

from xached.domain.activity import ActivityEntry, ActivityKind
from xached.domain.api_keys import ApiKey, KeyAlgorithm, KeyUsage, NotionalCap
from xached.domain.auth import (
    Account,
    Impediment,
    PurseIntent,
    Role,
    Scope,
    Session,
    Setting,
    UserKey,
    UserKeyKind,
)
from xached.domain.cases import Case, CaseKind, CaseOutcome, CaseState
from xached.domain.erasure import ErasureRequest, Retention
from xached.domain.guarding import AllowList, DelayedChange, DelayedKind
from xached.domain.identity import VaultRow
from xached.domain.instrument import AssetName
from xached.domain.kyc import (
    ApplicationState,
    DocumentKind,
    KycApplication,
    KycChunk,
    KycDocument,
    KycReview,
    LevelIntent,
    MediaType,
)
from xached.domain.login_throttle import KnownDevice
from xached.domain.mail import LetterKind, WaitingMail
from xached.domain.profile import ProfileRow
from xached.domain.recovery import EmailProof, ProofPurpose
from xached.domain.screening import WatchlistEntry
from xached.domain.second_factor import RecoveryCode, SecondFactor

Row = TypeVar("Row", bound=VaultRow)
Column: TypeAlias = str | bytes | int | None

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE TABLE accounts (
        account_id TEXT PRIMARY KEY, email_lookup BLOB NOT NULL UNIQUE, email_sealed BLOB NOT NULL,
        password_sealed BLOB NOT NULL, roles INTEGER NOT NULL, created_at_ns INTEGER NOT NULL,
        mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE user_keys (
        key_id BLOB PRIMARY KEY, account_id TEXT NOT NULL, kind INTEGER NOT NULL, wrapped BLOB,
        created_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX user_keys_by_account ON user_keys (account_id);
    CREATE TABLE sessions (
        session_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, device_sealed BLOB NOT NULL,
        family_hash BLOB NOT NULL UNIQUE, refresh_hash BLOB NOT NULL, previous_hash BLOB,
        created_at_ns INTEGER NOT NULL, refreshed_at_ns INTEGER NOT NULL,
        expires_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE purse_intents (
        account_id TEXT PRIMARY KEY, created_at_ns INTEGER NOT NULL, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE TABLE stream (
        seq INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, payload BLOB NOT NULL,
        chain BLOB NOT NULL) STRICT;
    """,
    "ALTER TABLE accounts ADD COLUMN impediments INTEGER NOT NULL DEFAULT 0;",
    """
    CREATE TABLE outbox (
        mail_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, kind INTEGER NOT NULL,
        sealed BLOB NOT NULL, created_at_ns INTEGER NOT NULL, due_at_ns INTEGER NOT NULL,
        tries INTEGER NOT NULL, expires_at_ns INTEGER NOT NULL, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE api_keys (
        key_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, algorithm INTEGER NOT NULL,
        public_key BLOB NOT NULL, secret_sealed BLOB, label_sealed BLOB NOT NULL,
        networks_sealed BLOB, scopes INTEGER NOT NULL, symbols TEXT NOT NULL, caps TEXT NOT NULL,
        created_at_ns INTEGER NOT NULL, expires_at_ns INTEGER NOT NULL, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE INDEX api_keys_by_account ON api_keys (account_id);
    CREATE TABLE key_usage (
        usage_id TEXT PRIMARY KEY, key_id TEXT NOT NULL, day INTEGER NOT NULL,
        units TEXT NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE kyc_applications (
        application_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, level INTEGER NOT NULL,
        state INTEGER NOT NULL, details_sealed BLOB NOT NULL, created_at_ns INTEGER NOT NULL,
        decided_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX kyc_applications_by_account ON kyc_applications (account_id);
    CREATE INDEX kyc_applications_by_state ON kyc_applications (state);
    CREATE TABLE kyc_reviews (
        review_id TEXT PRIMARY KEY, application_id TEXT NOT NULL, account_id TEXT NOT NULL,
        reviewer TEXT NOT NULL, approved INTEGER NOT NULL, reason_sealed BLOB NOT NULL,
        at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX kyc_reviews_by_account ON kyc_reviews (account_id);
    CREATE TABLE kyc_documents (
        document_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, kind INTEGER NOT NULL,
        media_type INTEGER NOT NULL, size_bytes INTEGER NOT NULL, chunks INTEGER NOT NULL,
        complete INTEGER NOT NULL, created_at_ns INTEGER NOT NULL, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE INDEX kyc_documents_by_account ON kyc_documents (account_id);
    CREATE TABLE kyc_chunks (
        chunk_id TEXT PRIMARY KEY, document_id TEXT NOT NULL, account_id TEXT NOT NULL,
        content_sealed BLOB NOT NULL, mac BLOB NOT NULL) STRICT;
    CREATE INDEX kyc_chunks_by_account ON kyc_chunks (account_id);
    CREATE INDEX kyc_chunks_by_document ON kyc_chunks (document_id);
    CREATE TABLE level_intents (
        account_id TEXT PRIMARY KEY, level INTEGER NOT NULL, created_at_ns INTEGER NOT NULL,
        mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE cases (
        case_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, kind INTEGER NOT NULL,
        state INTEGER NOT NULL, serious INTEGER NOT NULL, outcome INTEGER NOT NULL,
        assignee TEXT NOT NULL, proposed_by TEXT NOT NULL, decided_by TEXT NOT NULL,
        facts_sealed BLOB NOT NULL, reason_sealed BLOB NOT NULL, opened_at_ns INTEGER NOT NULL,
        closed_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX cases_by_account ON cases (account_id);
    CREATE INDEX cases_by_state ON cases (state);
    CREATE TABLE watchlist_entries (
        entry_id TEXT PRIMARY KEY, watchlist TEXT NOT NULL, name TEXT NOT NULL,
        aliases TEXT NOT NULL, birth_date TEXT NOT NULL, country TEXT NOT NULL,
        program TEXT NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE erasure_requests (
        account_id TEXT PRIMARY KEY, requested_at_ns INTEGER NOT NULL, due_at_ns INTEGER NOT NULL,
        forfeit INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE retentions (
        account_id TEXT PRIMARY KEY, erased_at_ns INTEGER NOT NULL, ends_at_ns INTEGER NOT NULL,
        mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE second_factors (
        account_id TEXT PRIMARY KEY, active_sealed BLOB, pending_sealed BLOB,
        pending_at_ns INTEGER NOT NULL, last_step INTEGER NOT NULL, failures INTEGER NOT NULL,
        locked_until_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE recovery_codes (
        code_hash BLOB PRIMARY KEY, account_id TEXT NOT NULL, created_at_ns INTEGER NOT NULL,
        mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX recovery_codes_by_account ON recovery_codes (account_id);
    """,
    """
    CREATE TABLE email_proofs (
        proof_id BLOB PRIMARY KEY, account_id TEXT NOT NULL, purpose INTEGER NOT NULL,
        sealed BLOB NOT NULL, code_hash BLOB NOT NULL, tries_left INTEGER NOT NULL,
        resends_left INTEGER NOT NULL, sent_at_ns INTEGER NOT NULL,
        expires_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """,
    "ALTER TABLE sessions ADD COLUMN address_sealed BLOB;",
    """
    CREATE TABLE known_devices (
        device_hash BLOB PRIMARY KEY, account_id TEXT NOT NULL, created_at_ns INTEGER NOT NULL,
        mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX known_devices_by_account ON known_devices (account_id);
    """,
    """
    CREATE TABLE allow_lists (
        account_id TEXT PRIMARY KEY, networks_sealed BLOB NOT NULL,
        changed_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE delayed_changes (
        change_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, kind INTEGER NOT NULL,
        networks_sealed BLOB NOT NULL, due_at_ns INTEGER NOT NULL, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    """,
    """
    ALTER TABLE delayed_changes ADD COLUMN email_sealed BLOB;
    CREATE INDEX email_proofs_by_account ON email_proofs (account_id);
    """,
    """
    CREATE TABLE activity (
        entry_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, seq INTEGER NOT NULL,
        kind INTEGER NOT NULL, at_ns INTEGER NOT NULL, origin_sealed BLOB, mac BLOB NOT NULL)
        STRICT, WITHOUT ROWID;
    CREATE INDEX activity_by_account ON activity (account_id);
    CREATE INDEX activity_by_time ON activity (at_ns);
    """,
    "ALTER TABLE accounts ADD COLUMN email_unproved_since_ns INTEGER NOT NULL DEFAULT 0;",
    """
    CREATE TABLE profiles (
        account_id TEXT PRIMARY KEY, profile_sealed BLOB NOT NULL,
        changed_at_ns INTEGER NOT NULL, mac BLOB NOT NULL) STRICT, WITHOUT ROWID;
    """,
    "ALTER TABLE accounts ADD COLUMN frozen_at_ns INTEGER NOT NULL DEFAULT 0;",
)
"""What each format version adds; the database's user_version counts those applied."""


@attrs.frozen
class Table(Generic[Row]):
    """How rows of one class are kept."""

    name: str
    row_class: type[Row]
    encode: Mapping[str, Callable[[Any], Column]] = attrs.field(factory=dict)
    decode: Mapping[str, Callable[[Any], object]] = attrs.field(factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns but the MAC."""
        return tuple(field.name for field in attrs.fields(self.row_class))

    @property
    def select(self) -> str:
        """SQL that gives all columns and the MAC; a WHERE may follow."""
        return f"SELECT {', '.join(self.columns)}, mac FROM {self.name}"  # noqa: S608 - constants

    @property
    def put(self) -> str:
        """SQL that inserts a row, or replaces the one with its key.

        Not by REPLACE, which would silently delete another account with the same address.
        """
        places = ", ".join("?" * (len(self.columns) + 1))
        update = ", ".join(f"{column} = excluded.{column}" for column in (*self.columns, "mac"))
        return (
            f"INSERT INTO {self.name} ({', '.join(self.columns)}, mac) "  # noqa: S608 - constants
            f"VALUES ({places}) ON CONFLICT ({self.columns[0]}) DO UPDATE SET {update}"
        )

    @property
    def delete(self) -> str:
        """SQL that deletes the row with a key."""
        return f"DELETE FROM {self.name} WHERE {self.columns[0]} = ?"  # noqa: S608 - constants

    @property
    def delete_of_account(self) -> str:
        """SQL that deletes all rows of an account."""
        return f"DELETE FROM {self.name} WHERE account_id = ?"  # noqa: S608 - constants

    def values(self, row: Row) -> list[Column]:
        """The columns of a row."""
        return [
            self.encode[column](getattr(row, column))
            if column in self.encode
            else getattr(row, column)
            for column in self.columns
        ]

    def authenticated(self, values: Sequence[Column]) -> Sequence[Column]:
        """What the MAC covers: all columns but the last ones that hold their default."""
        end = len(values)
        for field in reversed(attrs.fields(self.row_class)):
            if field.default is attrs.NOTHING:
                break
            default = self.encode.get(field.name, _as_it_is)(field.default)
            # Compared with its type, as an empty text is not NULL and False is not 0.
            if values[end - 1] != default or type(values[end - 1]) is not type(default):
                break
            end -= 1
        return values[:end]

    def row(self, values: Sequence[Column]) -> Row:
        """The row of some columns."""
        fields: dict[str, Any] = {
            column: self.decode[column](value) if column in self.decode else value
            for column, value in zip(self.columns, values, strict=True)
        }
        return self.row_class(**fields)


def _as_it_is(value: Column) -> Column:
    return value


def bit(member: enum.IntEnum) -> int:
    """How a member of a set is kept: bit ``n`` is number ``n``."""
    return 1 << member


def _set_column(members: frozenset[enum.IntEnum]) -> int:
    return sum(bit(member) for member in members)


def _roles(column: int) -> frozenset[Role]:
    return frozenset(role for role in Role if column & bit(role))


def _impediments(column: int) -> frozenset[Impediment]:
    return frozenset(each for each in Impediment if column & bit(each))


def _scopes(column: int) -> frozenset[Scope]:
    return frozenset(scope for scope in Scope if column & bit(scope))


def _words(column: str) -> tuple[str, ...]:
    return tuple(column.split())


def _caps_column(caps: tuple[NotionalCap, ...]) -> str:
    # As text: amounts outgrow the integers of the vault.
    return " ".join(f"{cap.asset}={cap.units_per_day}" for cap in caps)


def _caps(column: str) -> tuple[NotionalCap, ...]:
    pairs = [word.rpartition("=") for word in column.split()]
    return tuple(NotionalCap(AssetName(asset), int(units)) for asset, _, units in pairs)


SETTINGS: Final = Table("settings", Setting)
ACCOUNTS: Final = Table(
    "accounts",
    Account,
    encode={"roles": _set_column, "impediments": _set_column},
    decode={"roles": _roles, "impediments": _impediments},
)
USER_KEYS: Final = Table("user_keys", UserKey, encode={"kind": int}, decode={"kind": UserKeyKind})
SESSIONS: Final = Table("sessions", Session)
PURSE_INTENTS: Final = Table("purse_intents", PurseIntent)
OUTBOX: Final = Table("outbox", WaitingMail, encode={"kind": int}, decode={"kind": LetterKind})
API_KEYS: Final = Table(
    "api_keys",
    ApiKey,
    encode={"algorithm": int, "scopes": _set_column, "symbols": " ".join, "caps": _caps_column},
    decode={"algorithm": KeyAlgorithm, "scopes": _scopes, "symbols": _words, "caps": _caps},
)
KEY_USAGE: Final = Table("key_usage", KeyUsage)
ALLOW_LISTS: Final = Table("allow_lists", AllowList)
DELAYED_CHANGES: Final = Table(
    "delayed_changes", DelayedChange, encode={"kind": int}, decode={"kind": DelayedKind}
)
ACTIVITY: Final = Table(
    "activity", ActivityEntry, encode={"kind": int}, decode={"kind": ActivityKind}
)
PROFILES: Final = Table("profiles", ProfileRow)
KYC_APPLICATIONS: Final = Table(
    "kyc_applications",
    KycApplication,
    encode={"state": int},
    decode={"state": ApplicationState},
)
KYC_REVIEWS: Final = Table("kyc_reviews", KycReview)
KYC_DOCUMENTS: Final = Table(
    "kyc_documents",
    KycDocument,
    encode={"kind": int, "media_type": int},
    decode={"kind": DocumentKind, "media_type": MediaType},
)
KYC_CHUNKS: Final = Table("kyc_chunks", KycChunk)
LEVEL_INTENTS: Final = Table("level_intents", LevelIntent)
CASES: Final = Table(
    "cases",
    Case,
    encode={"kind": int, "state": int, "outcome": int},
    decode={"kind": CaseKind, "state": CaseState, "outcome": CaseOutcome},
)
WATCHLIST_ENTRIES: Final = Table("watchlist_entries", WatchlistEntry)
ERASURE_REQUESTS: Final = Table("erasure_requests", ErasureRequest)
RETENTIONS: Final = Table("retentions", Retention)
SECOND_FACTORS: Final = Table("second_factors", SecondFactor)
RECOVERY_CODES: Final = Table("recovery_codes", RecoveryCode)
KNOWN_DEVICES: Final = Table("known_devices", KnownDevice)
EMAIL_PROOFS: Final = Table(
    "email_proofs", EmailProof, encode={"purpose": int}, decode={"purpose": ProofPurpose}
)

TABLES: Final[Mapping[type[Any], Table[Any]]] = {
    Setting: SETTINGS,
    Account: ACCOUNTS,
    UserKey: USER_KEYS,
    Session: SESSIONS,
    PurseIntent: PURSE_INTENTS,
    WaitingMail: OUTBOX,
    ApiKey: API_KEYS,
    KeyUsage: KEY_USAGE,
    AllowList: ALLOW_LISTS,
    DelayedChange: DELAYED_CHANGES,
    KycApplication: KYC_APPLICATIONS,
    KycReview: KYC_REVIEWS,
    KycDocument: KYC_DOCUMENTS,
    KycChunk: KYC_CHUNKS,
    LevelIntent: LEVEL_INTENTS,
    Case: CASES,
    WatchlistEntry: WATCHLIST_ENTRIES,
    ErasureRequest: ERASURE_REQUESTS,
    Retention: RETENTIONS,
    SecondFactor: SECOND_FACTORS,
    RecoveryCode: RECOVERY_CODES,
    EmailProof: EMAIL_PROOFS,
    KnownDevice: KNOWN_DEVICES,
    ActivityEntry: ACTIVITY,
    ProfileRow: PROFILES,
}
"""The table of each row class."""

KEPT_AFTER_ERASURE: Final[Mapping[type[VaultRow], str]] = {
    Account: "names nobody any more: its columns are sealed under a key that is gone",
    UserKey: "the profile key is destroyed in it, the compliance key is needed until retention",
    KycApplication: "who a customer was is kept until retention ends",
    KycReview: "who decided, and why, is kept until retention ends",
    KycDocument: "papers are kept until retention ends",
    KycChunk: "papers are kept until retention ends",
    Case: "cases are kept until retention ends",
    Retention: "says until when",
}
"""Tables whose rows an erased account keeps, and why; all others of an account are emptied."""

KEPT_AFTER_RETENTION: Final = frozenset({Account, UserKey})
"""What stays for ever: an opaque id, and keys that are destroyed."""


def tables_of_accounts() -> tuple[Table[Any], ...]:
    """Every table whose rows are of one account."""
    return tuple(table for table in TABLES.values() if "account_id" in table.columns)
