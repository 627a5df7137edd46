"""The vault: rows come back as they were written, and nothing else is ever taken for one."""

from __future__ import annotations

import shutil
from pathlib import Path

import apsw
import attrs
import pytest

from xached.domain.auth import (
    Account,
    AccountRegistered,
    BootstrapTokenIssued,
    IdentityEvent,
    PurseIntent,
    Role,
    RoleSet,
    Session,
    SessionEndCause,
    SessionEnded,
    SessionId,
    SessionOpened,
    Setting,
    UserKey,
    UserKeyKind,
    VaultRow,
)
from xached.domain.order import AccountId
from xached.storage.identity_codec import (
    IdentityCodecError,
    decode_identity_event,
    encode_identity_event,
)
from xached.storage.vault import (
    Drop,
    Put,
    Vault,
    VaultDamaged,
    VaultFailed,
    VaultReport,
    VaultUnusable,
)

ROW_KEY, STREAM_KEY = b"r" * 32, b"s" * 32
ALICE, BOB = AccountId("alice"), AccountId("bob")


def open_vault(path: Path, row_key: bytes = ROW_KEY, stream_key: bytes = STREAM_KEY) -> Vault:
    return Vault.open(
        path, row_key=row_key, stream_key=stream_key, new_house_id=lambda n: b"\x5a" * n
    )


def account(account_id: AccountId, roles: frozenset[Role] = frozenset({Role.USER})) -> Account:
    name = account_id.encode()
    return Account(
        account_id=account_id,
        email_lookup=b"lookup " + name,
        email_sealed=b"email " + name,
        password_sealed=b"password " + name,
        roles=roles,
        created_at_ns=1,
    )


def keys(account_id: AccountId) -> list[UserKey]:
    return [
        UserKey(
            key_id=account_id.encode().ljust(7, b"-") + bytes([kind]),
            account_id=account_id,
            kind=kind,
            wrapped=b"wrapped",
            created_at_ns=1,
        )
        for kind in UserKeyKind
    ]


def session(account_id: AccountId) -> Session:
    return Session(
        session_id=SessionId(f"session-{account_id}"),
        account_id=account_id,
        device_sealed=b"device",
        family_hash=b"family " + account_id.encode(),
        refresh_hash=b"refresh",
        previous_hash=b"previous",
        created_at_ns=1,
        refreshed_at_ns=2,
        expires_at_ns=3,
    )


EVENTS: list[IdentityEvent] = [
    AccountRegistered(account_id=ALICE, roles=frozenset({Role.USER, Role.ADMIN})),
    SessionOpened(session_id=SessionId("s"), account_id=ALICE),
    SessionEnded(session_id=SessionId("s"), account_id=ALICE, cause=SessionEndCause.TOKEN_REUSED),
    RoleSet(account_id=BOB, role=Role.SUPPORT, granted=True, by=ALICE),
    BootstrapTokenIssued(),
]


def fill(vault: Vault) -> None:
    for account_id in (ALICE, BOB):
        rows: list[VaultRow] = [
            account(account_id),
            *keys(account_id),
            session(account_id),
            PurseIntent(account_id=account_id, created_at_ns=1),
        ]
        vault.commit([Put(row) for row in rows], [], 1)
    vault.commit([Put(Setting(name="x", value=b"y"))], EVENTS, 10)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    path = tmp_path / "vault.db"
    vault = open_vault(path)
    fill(vault)
    vault.close()
    return path


def tamper(path: Path, sql: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


def test_what_was_written_comes_back_after_a_restart(filled: Path) -> None:
    vault = open_vault(filled)
    assert vault.account(ALICE) == account(ALICE)
    assert vault.account_by_email(b"lookup bob") == account(BOB)
    assert vault.user_keys(BOB) == keys(BOB)
    assert vault.sessions() == [session(ALICE), session(BOB)]
    assert [intent.account_id for intent in vault.purse_intents()] == [ALICE, BOB]
    assert vault.setting("x") == b"y"
    assert vault.house_id == b"\x5a" * 16
    assert [(row.seq, row.at_ns, row.event) for row in vault.read_stream()] == [
        (seq, 10, event) for seq, event in enumerate(EVENTS, 1)
    ]
    assert vault.verify() == VaultReport(accounts=2, sessions=2, stream_rows=5)
    assert vault.account(AccountId("carol")) is None
    assert vault.account_by_email(b"") is None
    assert vault.setting("z") is None


def test_rows_are_replaced_and_dropped_by_their_key(tmp_path: Path) -> None:
    vault = open_vault(tmp_path / "vault.db")
    fill(vault)
    admin = account(ALICE, frozenset({Role.USER, Role.ADMIN}))
    later = attrs.evolve(session(ALICE), previous_hash=None, expires_at_ns=2**63 - 1)
    vault.commit([Put(admin), Put(later), Drop(session(BOB))], [], 11)
    assert vault.account(ALICE) == admin
    assert vault.sessions() == [later]
    assert vault.accounts_with_role(Role.ADMIN) == 1
    assert vault.accounts_with_role(Role.USER) == 2
    vault.commit([Drop(later)], [EVENTS[1]], 12)
    assert vault.last_at_ns == 12
    assert vault.verify() == VaultReport(accounts=2, sessions=0, stream_rows=6)


def test_a_second_account_with_the_same_address_is_a_failure_not_a_replacement(
    filled: Path,
) -> None:
    vault = open_vault(filled)
    twin = attrs.evolve(account(BOB), account_id=AccountId("twin"), email_lookup=b"lookup alice")
    with pytest.raises(VaultFailed):
        vault.commit([Put(twin)], [], 11)
    # The first error is the last: who sees it must stop the daemon.
    with pytest.raises(VaultFailed, match="earlier"):
        vault.commit([], EVENTS, 12)
    vault.close()
    again = open_vault(filled)
    assert again.account(ALICE) == account(ALICE)
    assert again.verify() == VaultReport(accounts=2, sessions=2, stream_rows=5)


def columns_of(path: Path) -> list[tuple[str, str]]:
    connection = apsw.Connection(str(path))
    found = [
        (table, column)
        for (table,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    ]
    connection.close()
    return found


def test_a_change_of_any_column_of_any_table_is_found(filled: Path, tmp_path: Path) -> None:
    """Checked by leaving one column out of the MAC: exactly its change is then not found."""
    columns = columns_of(filled)
    assert len(columns) == 33, "a new column is covered by this test once it is counted"
    for table, column in columns:
        damaged = tmp_path / f"{table}.{column}.db"
        shutil.copy(filled, damaged)
        tamper(
            damaged,
            f"UPDATE {table} SET {column} = CASE typeof({column})"
            f"  WHEN 'integer' THEN {column} + 1"
            f"  WHEN 'text' THEN {column} || 'x'"
            f"  ELSE CAST({column} || x'00' AS BLOB) END"
            f" WHERE {column} = (SELECT {column} FROM {table} ORDER BY {column} DESC LIMIT 1)",
        )
        with pytest.raises(VaultDamaged):
            open_vault(damaged).verify()


@pytest.mark.parametrize(
    "sql",
    [
        # Taken out.
        "DELETE FROM stream WHERE seq = 3",
        "DELETE FROM stream WHERE seq = 5",
        "DELETE FROM stream",
        "DELETE FROM settings WHERE name = 'stream_head'",
        "DELETE FROM settings WHERE name = 'house_id'",
        "DELETE FROM user_keys WHERE account_id = 'alice' AND kind = 2",
        "DELETE FROM accounts WHERE account_id = 'alice'",
        # Put in, with the MAC of another row.
        """INSERT INTO accounts SELECT 'mallory', x'00', email_sealed, password_sealed, roles,
           created_at_ns, mac FROM accounts WHERE account_id = 'alice'""",
        "INSERT INTO stream SELECT 6, at_ns, payload, chain FROM stream WHERE seq = 5",
        # Swapped between people.
        """UPDATE accounts SET password_sealed =
           (SELECT password_sealed FROM accounts WHERE account_id = 'bob')
           WHERE account_id = 'alice'""",
        """UPDATE accounts SET (password_sealed, mac) =
           (SELECT password_sealed, mac FROM accounts WHERE account_id = 'bob')
           WHERE account_id = 'alice'""",
        "UPDATE sessions SET account_id = 'bob' WHERE account_id = 'alice'",
        # Emptied.
        "UPDATE sessions SET previous_hash = NULL",
        "UPDATE user_keys SET wrapped = NULL",
    ],
)
def test_rows_taken_out_put_in_or_swapped_are_found(filled: Path, sql: str) -> None:
    tamper(filled, sql)
    with pytest.raises(VaultDamaged):
        open_vault(filled).verify()


def test_a_reordered_stream_is_found(filled: Path) -> None:
    tamper(filled, "UPDATE stream SET seq = -seq WHERE seq IN (2, 3)")
    tamper(filled, "UPDATE stream SET seq = CASE seq WHEN -2 THEN 3 ELSE 2 END WHERE seq < 0")
    with pytest.raises(VaultDamaged, match="broken at 2"):
        open_vault(filled).verify()


@pytest.mark.parametrize(
    ("row_key", "stream_key"), [(b"x" * 32, STREAM_KEY), (b"x" * 32, b"x" * 32)]
)
def test_another_master_key_does_not_open_it(
    filled: Path, row_key: bytes, stream_key: bytes
) -> None:
    with pytest.raises(VaultDamaged):
        open_vault(filled, row_key, stream_key)


def test_another_stream_key_is_found_by_verify(filled: Path) -> None:
    with pytest.raises(VaultDamaged, match="broken at 1"):
        open_vault(filled, ROW_KEY, b"x" * 32).verify()


def test_a_newer_format_is_left_alone(filled: Path) -> None:
    tamper(filled, "PRAGMA user_version = 99")
    before = filled.read_bytes()
    with pytest.raises(VaultUnusable, match="newer xached"):
        open_vault(filled)
    assert filled.read_bytes() == before


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(VaultDamaged):
        open_vault(path)


def test_without_a_wal_it_is_not_used() -> None:
    # A database in memory cannot have one.
    with pytest.raises(VaultUnusable, match="needs a WAL"):
        Vault.open(":memory:", row_key=ROW_KEY, stream_key=STREAM_KEY, new_house_id=bytes)


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    vault = open_vault(tmp_path / "vault.db")
    modes = {
        name: vault._db.execute(f"PRAGMA {name}").get
        for name in ("journal_mode", "synchronous", "secure_delete")
    }
    assert modes == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


@pytest.mark.parametrize("event", EVENTS)
def test_events_survive_their_bytes(event: IdentityEvent) -> None:
    assert decode_identity_event(encode_identity_event(event)) == event


def test_the_bytes_of_events_never_change() -> None:
    assert [encode_identity_event(event).hex() for event in EVENTS] == [
        "940101a5616c696365920105",
        "940201a173a5616c696365",
        "950301a173a5616c69636503",
        "960401a3626f6202c3a5616c696365",
        "920501",
    ]


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xc1", b"\x00", b"\x92\x05\x02", b"\x92\x63\x01", b"\x92\x05\x01\x00", b"\x93\x05\x01"],
)
def test_other_bytes_are_no_event(payload: bytes) -> None:
    with pytest.raises(IdentityCodecError):
        decode_identity_event(payload)
