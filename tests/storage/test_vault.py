"""The vault: rows come back as they were written, and nothing else is ever taken for one."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from pathlib import Path

import apsw
import attrs
import pytest

from tests.storage.compliance_rows import compliance_rows
from xached.domain.activity import ActivityEntry, ActivityKind, entry_id
from xached.domain.api_keys import (
    ApiKey,
    ApiKeyCreated,
    ApiKeyEnded,
    KeyAlgorithm,
    KeyEndCause,
    KeyId,
    KeyUsage,
    NotionalCap,
)
from xached.domain.audit import (
    ActionAsked,
    ActionEnded,
    CallsDenied,
    CheckpointSigned,
    LoginsFailed,
)
from xached.domain.auth import (
    Account,
    AccountRegistered,
    BootstrapTokenIssued,
    Impediment,
    ImpedimentSet,
    PurseIntent,
    Role,
    RoleSet,
    Scope,
    Session,
    SessionEndCause,
    SessionEnded,
    SessionId,
    SessionOpened,
    Setting,
    UserKey,
    UserKeyKind,
)
from xached.domain.guarding import AllowList, DelayedChange, DelayedKind
from xached.domain.identity import IdentityEvent, VaultRow
from xached.domain.instrument import AssetName, Symbol
from xached.domain.key_epochs import (
    KeyEpochBegun,
    KeyEpochsRetired,
    MasterKeyExchanged,
    UserKeysRotated,
)
from xached.domain.login_throttle import KnownDevice
from xached.domain.mail import LetterKind, WaitingMail
from xached.domain.order import AccountId
from xached.domain.profile import ProfileRow
from xached.domain.recovery import EmailProof, ProofPurpose
from xached.domain.sealed import Sealed
from xached.domain.second_factor import RecoveryCode, no_factor
from xached.runtime.world import LockingMode
from xached.simulation.disk import Disk, registered
from xached.storage.identity_codec import (
    IdentityCodecError,
    decode_identity_event,
    encode_identity_event,
)
from xached.storage.vault import WAL_PAGES_MAX, Vault
from xached.storage.vault_checks import VaultReport
from xached.storage.vault_faults import VaultDamaged, VaultFailed, VaultUnusable
from xached.storage.vault_rows import Change, Drop, Put

ROW_KEY, STREAM_KEY = b"r" * 32, b"s" * 32
ALICE, BOB = AccountId("alice"), AccountId("bob")


GOLDEN = Path(__file__).parent.parent / "golden" / "vault"
LONG = bool(os.environ.get("XACHE_LONG"))
FLIPS = 20_000 if LONG else 400
CUTS_PER_SEED = 2_000 if LONG else 100


def open_vault(
    path: Path | str,
    row_key: bytes = ROW_KEY,
    stream_key: bytes = STREAM_KEY,
    vfs: str | None = None,
    locking_mode: LockingMode = "normal",
    wal_pages_max: int = WAL_PAGES_MAX,
) -> Vault:
    return Vault.open(
        path,
        row_key=row_key,
        stream_key=stream_key,
        new_house_id=lambda n: b"\x5a" * n,
        vfs=vfs,
        locking_mode=locking_mode,
        wal_pages_max=wal_pages_max,
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
        address_sealed=b"address",
    )


EVENTS: list[IdentityEvent] = [
    AccountRegistered(account_id=ALICE, roles=frozenset({Role.USER, Role.ADMIN})),
    SessionOpened(session_id=SessionId("s"), account_id=ALICE),
    SessionEnded(session_id=SessionId("s"), account_id=ALICE, cause=SessionEndCause.TOKEN_REUSED),
    RoleSet(account_id=BOB, role=Role.SUPPORT, granted=True, by=ALICE),
    BootstrapTokenIssued(),
    ImpedimentSet(account_id=ALICE, impediment=Impediment.FROZEN, stands=True, by=BOB),
    KeyEpochBegun(epoch=2, by=ALICE),
    KeyEpochsRetired(epoch=2),
    UserKeysRotated(account_id=ALICE, by=BOB),
    MasterKeyExchanged(former="0a", newest="0b"),
    ApiKeyCreated(
        key_id=KeyId("k"),
        account_id=ALICE,
        algorithm=KeyAlgorithm.ED25519,
        scopes=frozenset({Scope.READ, Scope.TRADE}),
    ),
    ApiKeyEnded(key_id=KeyId("k"), account_id=ALICE, cause=KeyEndCause.REVOKED),
]

AUDIT_EVENTS: list[IdentityEvent] = [
    CheckpointSigned(
        audit_seq=7,
        audit_chain=b"a" * 32,
        journal_seq=9,
        journal_chain=b"j" * 32,
        signature=b"s" * 64,
    ),
    ActionAsked(
        action_id="act",
        method="AdminService/SetHalt",
        by=ALICE,
        session_id="s",
        address=Sealed(key_id="k", ciphertext=b"c"),
    ),
    ActionEnded(action_id="act", outcome="OK", journal_seq=9),
    LoginsFailed(count=3, account_id=BOB, address_mark=b"m" * 16, address=None),
    CallsDenied(
        count=2,
        account_id=BOB,
        refusals=("AdminService/SetHalt ROLE_MISSING",),
        address_mark=b"m" * 16,
        address=Sealed(key_id="k", ciphertext=b"c"),
    ),
]


def api_key(account_id: AccountId) -> ApiKey:
    return ApiKey(
        key_id=KeyId(account_id),
        account_id=account_id,
        algorithm=KeyAlgorithm.ED25519,
        public_key=b"public",
        secret_sealed=b"sealed",
        label_sealed=b"sealed",
        networks_sealed=b"sealed",
        scopes=frozenset({Scope.READ, Scope.WITHDRAW}),
        symbols=(Symbol("BTC-USDT"), Symbol("ETH-USDT")),
        caps=(NotionalCap(AssetName("USDT"), 10**30), NotionalCap(AssetName("ETH"), 1)),
        created_at_ns=1,
        expires_at_ns=2,
    )


def fill(vault: Vault) -> None:
    for account_id in (ALICE, BOB):
        rows: list[VaultRow] = [
            account(account_id),
            *keys(account_id),
            session(account_id),
            PurseIntent(account_id=account_id, created_at_ns=1),
            attrs.evolve(no_factor(account_id), active_sealed=b"active", pending_sealed=b"pending"),
            KnownDevice(f"device {account_id}".encode(), account_id, 1),
            ProfileRow(account_id=account_id, profile_sealed=b"sealed", changed_at_ns=2),
            ActivityEntry(
                entry_id=entry_id(account_id, 1),
                account_id=account_id,
                seq=1,
                kind=ActivityKind.LOGIN,
                at_ns=2,
                origin_sealed=b"sealed",
            ),
            EmailProof(
                proof_id=f"proof {account_id}".encode(),
                account_id=account_id,
                purpose=ProofPurpose.RECOVER,
                sealed=b"request",
                code_hash=b"code",
                tries_left=5,
                resends_left=4,
                sent_at_ns=1,
                expires_at_ns=2,
            ),
            RecoveryCode(
                code_hash=f"hash {account_id}".encode(), account_id=account_id, created_at_ns=1
            ),
            WaitingMail(
                mail_id=f"mail of {account_id}",
                account_id=account_id,
                kind=LetterKind.SECURITY,
                sealed=b"letter",
                created_at_ns=1,
                due_at_ns=2,
                tries=3,
                expires_at_ns=4,
            ),
            api_key(account_id),
            AllowList(account_id=account_id, networks_sealed=b"sealed", changed_at_ns=1),
            DelayedChange(
                change_id=f"{account_id}/1",
                account_id=account_id,
                kind=DelayedKind.UNFREEZE,
                networks_sealed=b"sealed",
                due_at_ns=2,
                email_sealed=b"sealed",
            ),
            KeyUsage(usage_id=f"{account_id}/USDT", key_id=KeyId(account_id), day=1, units="7"),
            *compliance_rows(account_id),
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
    assert vault.verify() == VaultReport(accounts=2, sessions=2, stream_rows=len(EVENTS))
    assert vault.account(AccountId("carol")) is None
    assert vault.account_by_email(b"") is None
    assert vault.setting("z") is None


def test_a_vault_of_the_first_format_opens_and_grows(tmp_path: Path) -> None:
    """Checked by giving the MAC every column: then the old rows count as changed."""
    path = tmp_path / "vault.db"
    connection = apsw.Connection(str(path))
    connection.execute((GOLDEN / "format_1.sql").read_text(encoding="ascii"))
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    vault = open_vault(path)
    assert vault.account(ALICE) == account(ALICE)
    assert vault.sessions() == [
        attrs.evolve(session(each), address_sealed=None) for each in (ALICE, BOB)
    ]
    assert vault.verify() == VaultReport(accounts=2, sessions=2, stream_rows=5)
    frozen = attrs.evolve(account(ALICE), impediments=frozenset({Impediment.FROZEN}))
    vault.commit([Put(frozen)], [], 20)
    assert vault.account(ALICE) == frozen
    vault.close()
    # What a later version added is guarded like the rest.
    tamper(path, "UPDATE accounts SET impediments = 0 WHERE account_id = 'alice'")
    with pytest.raises(VaultDamaged, match="a row of accounts was changed"):
        open_vault(path).account(ALICE)


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
    assert vault.verify() == VaultReport(accounts=2, sessions=0, stream_rows=len(EVENTS) + 1)


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
    assert again.verify() == VaultReport(accounts=2, sessions=2, stream_rows=len(EVENTS))


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
    assert len(columns) >= 98
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
           created_at_ns, mac, impediments, email_unproved_since_ns, frozen_at_ns
           FROM accounts WHERE account_id = 'alice'""",
        "INSERT INTO stream SELECT 99, at_ns, payload, chain FROM stream WHERE seq = 5",
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
    with pytest.raises(VaultUnusable, match="journal_mode"):
        Vault.open(
            ":memory:",
            row_key=ROW_KEY,
            stream_key=STREAM_KEY,
            new_house_id=bytes,
            locking_mode="exclusive",
        )


def test_every_commit_is_flushed(tmp_path: Path) -> None:
    vault = open_vault(tmp_path / "vault.db")
    vault._db.authorizer = None
    modes = {
        name: vault._db.execute(f"PRAGMA {name}").get
        for name in ("journal_mode", "synchronous", "secure_delete")
    }
    assert modes == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}


def test_it_can_be_verified_while_the_daemon_writes(filled: Path) -> None:
    """Checked by reading without a transaction: the stream then ends too late for its head."""
    writer = open_vault(filled)
    reader = Vault.open_read_only(filled, row_key=ROW_KEY, stream_key=STREAM_KEY)
    writer.commit([], EVENTS, 20)
    interrupted = 0

    def write_in_between(_cursor: apsw.Cursor, sql: str, _bindings: object) -> bool:
        nonlocal interrupted
        if "FROM stream ORDER BY seq" in sql:
            interrupted += 1
            writer.commit([Drop(session(BOB))], [EVENTS[1]], 21)
        return True

    reader._db.exec_trace = write_in_between
    assert reader.verify() == VaultReport(accounts=2, sessions=2, stream_rows=2 * len(EVENTS))
    reader._db.exec_trace = None
    assert interrupted > 0
    assert reader.verify() == VaultReport(
        accounts=2, sessions=1, stream_rows=2 * len(EVENTS) + interrupted
    )
    with pytest.raises(VaultFailed):
        reader.commit([], EVENTS, 22)
    reader.close()
    writer.close()


def test_it_can_be_opened_for_reading_while_the_daemon_writes(filled: Path) -> None:
    # Each look at the settings is followed by a commit: what is read next is newer.
    writer = open_vault(filled)

    class Disturbed(Vault):
        def setting(self, name: str) -> bytes | None:
            value = super().setting(name)
            writer.commit([], [BootstrapTokenIssued()], writer.last_at_ns + 1)
            return value

    Disturbed.open_read_only(filled, row_key=ROW_KEY, stream_key=STREAM_KEY).close()
    writer.close()


def test_the_log_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    vault = open_vault(path, wal_pages_max=20)
    fill(vault)
    made = path.with_name("vault.db-wal").stat().st_size  # Making the tables takes the most.
    for at_ns in range(100, 400):
        vault.commit([Put(session(ALICE))], [EVENTS[1]], at_ns)
    assert path.with_name("vault.db-wal").stat().st_size <= max(made, 40 * 4096)
    vault.close()
    assert path.with_name("vault.db-wal").stat().st_size == 0
    assert open_vault(path).verify().stream_rows == 300 + len(EVENTS)


def test_a_flipped_bit_anywhere_is_found_or_harmless(filled: Path, tmp_path: Path) -> None:
    content = filled.read_bytes()
    draw, found = random.Random(1), 0
    flipped = tmp_path / "flipped.db"
    for _ in range(FLIPS):
        changed = bytearray(content)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
        flipped.write_bytes(changed)
        tmp_path.joinpath("flipped.db-wal").unlink(missing_ok=True)
        try:
            vault = open_vault(flipped)
        except (VaultDamaged, VaultUnusable, VaultFailed):
            found += 1
            continue
        try:
            report = vault.verify()
        except VaultDamaged:
            found += 1
        else:
            assert report == VaultReport(accounts=2, sessions=2, stream_rows=len(EVENTS))
            assert [vault.account(who) for who in (ALICE, BOB)] == [account(ALICE), account(BOB)]
            assert vault.sessions() == [session(ALICE), session(BOB)]
        vault.close()
    # Most of a small database is unused space.
    assert found > FLIPS // 50


# --- power ------------------------------------------------------------------------------------

COMMITS = 120
WITHIN_OPENING, WITHIN_LIFE = 60, 600


def live(draw: random.Random, synchronous: str) -> tuple[int, int]:
    """Commit to one new disk until a few power cuts have happened: (cuts, cuts with a loss)."""
    disk, cuts, acknowledged = Disk(), 0, 0
    with registered(disk) as vfs:

        def open_on_disk() -> Vault:
            return open_vault("vault.db", vfs=vfs, locking_mode="exclusive", wal_pages_max=24)

        for _ in range(draw.randrange(1, 5)):
            within = WITHIN_OPENING if draw.random() < 0.3 else WITHIN_LIFE
            disk.cut_power_at(disk.operations + draw.randrange(1, within))
            with contextlib.suppress(VaultFailed):
                vault = open_on_disk()
                vault._db.authorizer = None
                vault._db.execute(f"PRAGMA synchronous = {synchronous}")
                try:
                    while acknowledged < COMMITS:
                        commit_numbered(vault, acknowledged + 1)
                        acknowledged += 1
                finally:
                    vault.close()
            disk.restore_power(draw)
            cuts += 1
            vault = open_on_disk()
            stream_rows = vault.verify().stream_rows
            vault.close()
            if stream_rows < acknowledged:
                return cuts, 1
            acknowledged = stream_rows
    return cuts, 0


def commit_numbered(vault: Vault, number: int) -> None:
    """A registration: rows of several tables and one of the stream, together or not at all."""
    account_id = AccountId(f"account-{number}")
    changes: list[Change] = [
        Put(account(account_id)),
        *(Put(key) for key in keys(account_id)),
        Put(session(account_id)),
    ]
    if number > 1:
        changes.append(Drop(session(AccountId(f"account-{number - 1}"))))
    opened = SessionOpened(session_id=SessionId(f"s{number}"), account_id=account_id)
    vault.commit(changes, [opened], number)


@pytest.mark.parametrize("seed", range(4))
def test_no_acknowledged_commit_is_lost_in_a_power_cut(seed: int) -> None:
    draw, cuts = random.Random(seed), 0
    while cuts < CUTS_PER_SEED:
        some, lost = live(draw, "FULL")
        assert lost == 0
        cuts += some


def test_without_a_sync_for_each_commit_some_are_lost() -> None:
    """The fault test itself is tested: with the protection off it finds losses."""
    draw = random.Random(1)
    assert any(live(draw, "NORMAL")[1] for _ in range(50))


# --- bytes of the stream ----------------------------------------------------------------------


@pytest.mark.parametrize("event", EVENTS + AUDIT_EVENTS)
def test_events_survive_their_bytes(event: IdentityEvent) -> None:
    assert decode_identity_event(encode_identity_event(event)) == event


def test_the_bytes_of_events_never_change() -> None:
    assert [encode_identity_event(event).hex() for event in EVENTS + AUDIT_EVENTS] == [
        "940101a5616c696365920105",
        "940201a173a5616c696365",
        "950301a173a5616c69636503",
        "960401a3626f6202c3a5616c696365",
        "920501",
        "960601a5616c69636502c3a3626f62",
        "94070102a5616c696365",
        "93080102",
        "940901a5616c696365a3626f62",
        "940a01a23061a23062",
        "962801a16ba5616c69636501920102",
        "952901a16ba5616c69636501",
        (
            "973c0107c420616161616161616161616161616161616161616161616161616161616161616109c4206a"
            "6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6a6ac440737373737373737373"
            "737373737373737373737373737373737373737373737373737373737373737373737373737373737373"
            "73737373737373737373737373"
        ),
        "973d01a3616374b441646d696e536572766963652f53657448616c74a5616c696365a173944501a16bc40163",
        "953e01a3616374a24f4b09",
        "963f0103a3626f62c4106d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6dc0",
        (
            "97400102a3626f6291d92141646d696e536572766963652f53657448616c7420524f4c455f4d495353"
            "494e47c4106d6d6d6d6d6d6d6d6d6d6d6d6d6d6d6d944501a16bc40163"
        ),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x00",
        b"\x92\x05\x02",
        b"\x92\x63\x01",
        b"\x92\x05\x01\x00",
        b"\x93\x05\x01",
        b"\x94\x01\x01\xa1a\x92\x05\x01",
        b"\x94\x01\x01\xa1a\x92\x01\xa1b",
        b"\x94\x01\x01\xa1a\x92\x01\x01",
        b"\x94\x01\x01\xa1a\x91\x63",
    ],
)
def test_other_bytes_are_no_event(payload: bytes) -> None:
    with pytest.raises(IdentityCodecError):
        decode_identity_event(payload)


def test_api_keys_come_back_as_they_were(filled: Path) -> None:
    vault = open_vault(filled)
    assert vault.api_keys() == [api_key(ALICE), api_key(BOB)]
    assert [usage.units for usage in vault.key_usage()] == ["7", "7"]
    vault.close()
