"""How a house begins, whatever ended it before: its files are opened and its state rebuilt.

Nothing is served before the journal is replayed and checked. What is wrong with a data directory
is found here, before anybody is answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import attrs
from loguru import logger

from xached.actors.sessions.accounts import issue_bootstrap_token
from xached.domain.auth import Role
from xached.domain.exchange import Exchange
from xached.domain.key_epochs import KEY_EPOCHS, decode_epochs
from xached.domain.second_factor import SecondFactor
from xached.house.key import house_key, settle_note
from xached.runtime.world import NS_PER_S, World
from xached.security.checkpoints import Signer
from xached.security.credentials import Credentials
from xached.security.keys import MasterKey, Purpose
from xached.security.master import (
    FILE_ONLY,
    KeySource,
    open_master_key,
)
from xached.storage.candles import CandleStore
from xached.storage.database import settle
from xached.storage.directory import DataDirectory, DataPaths
from xached.storage.journal import Journal, JournalDamaged
from xached.storage.snapshots import recover
from xached.storage.strategy_tables import StrategyTables
from xached.storage.vault import BOOTSTRAP_TOKEN, Vault
from xached.storage.vault_faults import VaultDamaged
from xached.storage.vault_tables import bit
from xached.storage.views import Views, ViewsReader

CLOCK_BEHIND_NS_MAX = 5 * NS_PER_S
"""How far the journal's last time may be ahead of the clock before an operator must agree."""


class ClockBehind(Exception):  # noqa: N818 - it says what is the matter
    """The journal ends in the future: the clock was set back, or the data came from elsewhere."""


class HouseIncomplete(Exception):  # noqa: N818 - it says what is the matter
    """A file that holds money or people is missing beside the other: nothing may begin anew."""


class NoHouse(Exception):  # noqa: N818 - it says what is the matter
    """There is no house in this directory."""


@attrs.frozen(kw_only=True)
class HouseFiles:
    """The open files of a house, and what was recovered from them."""

    paths: DataPaths
    journal: Journal
    vault: Vault
    views: Views
    reader: ViewsReader
    candles: CandleStore
    strategies: StrategyTables
    credentials: Credentials
    exchange: Exchange
    snapshot_seq: int
    """The row of the snapshot that recovery began with; 0 without one."""
    snapshot_key: bytes = attrs.field(repr=False)
    """Keys the chain of the journal; all that a process that makes snapshots needs."""
    old_strategies: StrategyTables | None
    """strategies.db again, as ``old_rows``."""
    old_rows: Journal | None
    """The journal again, for the scrub; None where a database has only one connection."""
    signer: Signer
    paper_key: bytes = attrs.field(repr=False)
    """Chains the rows of the paper exchange."""
    approvals_key: bytes = attrs.field(repr=False)
    """Seals approvals of plugins."""


def open_house(
    paths: DataPaths,
    world: World,
    *,
    accept_clock: bool,
    files: ExitStack,
    keys: KeySource = FILE_ONLY,
) -> HouseFiles:
    """Open everything, newest truth first. ``files`` closes it.

    Raises: MasterKeyError, DatabaseRefused, JournalDamaged, JournalFailed, VaultDamaged,
        VaultFailed, VaultUnusable, HouseIncomplete, ClockBehind; OSError.
    """
    master = _open_master_key(paths, world, keys)
    # The journal is made first. Without it everybody's money would silently be gone.
    if _is_filled(world, paths.vault) and not _is_filled(world, paths.journal):
        raise HouseIncomplete(f"{paths.journal} is missing or empty: put it back, with its -wal")
    chain_key = master.derive(Purpose.JOURNAL_CHAIN)
    settle(paths.journal, world.files)
    journal = files.enter_context(_open_journal(chain_key, world, paths))
    ahead_ns = journal.last_at_ns - world.now_ns()
    if ahead_ns > CLOCK_BEHIND_NS_MAX and not accept_clock:
        raise ClockBehind(
            f"the journal ends {ahead_ns // NS_PER_S} s in the future; set the clock, or "
            "start with --accept-clock to go on from there"
        )
    if journal.last_seq and not _is_filled(world, paths.vault):
        raise HouseIncomplete(f"{paths.vault} is missing or empty: put it back, with its -wal")
    recovered = recover(paths.snapshots, chain_key, journal, world.files)
    logger.info(
        "recovered row {}: {} events since the snapshot of row {}",
        recovered.anchor.seq,
        recovered.events,
        recovered.from_seq,
    )
    vault = _open_vault(master, world, paths)
    files.callback(vault.close)
    signer = Signer(master)
    _check_signed(vault, signer, journal)
    settle_note(paths, master, vault)
    views = Views.open(paths.views, journal.house_id, journal.last_seq)
    files.callback(views.close)
    views.catch_up(journal)
    reader = ViewsReader(paths.views)
    files.callback(reader.close)
    candles = CandleStore(paths.market)
    files.callback(candles.close)
    strategies = _open_strategies(world, paths, journal.house_id, files)
    return HouseFiles(
        paths=paths,
        journal=journal,
        vault=vault,
        views=views,
        reader=reader,
        candles=candles,
        strategies=strategies,
        old_strategies=_open_strategies_again(world, paths, journal.house_id, files),
        credentials=_credentials(master, vault, world),
        exchange=recovered.exchange,
        snapshot_seq=recovered.from_seq,
        old_rows=_open_again(chain_key, world, paths, files),
        signer=signer,
        snapshot_key=chain_key,
        paper_key=master.derive(Purpose.PAPER_CHAIN),
        approvals_key=master.derive(Purpose.PLUGIN_APPROVALS),
    )


@attrs.frozen
class FirstAdmin:
    """How the first administrator gets in: not at all when there is one.

    ``token`` is shown once, when it is made; the house keeps only its hash.
    """

    wanted: bool
    token: str | None
    enrolled: bool
    """Some administrator has an authenticator."""


def first_admin(files: HouseFiles, now_ns: int) -> FirstAdmin:
    """Make the one-time token of a new house. One that was made before goes on working."""
    vault = files.vault
    if vault.accounts_with_role(Role.ADMIN):
        enrolled = bool(list(vault.where(SecondFactor, _ENROLLED, bit(Role.ADMIN))))
        return FirstAdmin(wanted=False, token=None, enrolled=enrolled)
    if vault.setting(BOOTSTRAP_TOKEN) is not None:
        return FirstAdmin(wanted=True, token=None, enrolled=False)
    token = issue_bootstrap_token(vault, files.credentials, now_ns)
    return FirstAdmin(wanted=True, token=token, enrolled=False)


_ENROLLED = (
    "WHERE active_sealed IS NOT NULL"
    " AND account_id IN (SELECT account_id FROM accounts WHERE roles & ?)"
)


def new_bootstrap_token(data_dir: Path, world: World, keys: KeySource = FILE_ONLY) -> str:
    """A new one-time token for the first administrator of a house that is not running.

    Raises: NoHouse, DirectoryInUse, AdminExists, and what opening a vault raises.
    """
    with open_stopped(data_dir, world, keys) as house:
        return issue_bootstrap_token(house.vault, house.credentials, world.now_ns())


@attrs.frozen
class StoppedHouse:
    """The people of a house that is not running."""

    vault: Vault
    credentials: Credentials


@contextmanager
def open_stopped(data_dir: Path, world: World, keys: KeySource) -> Iterator[StoppedHouse]:
    """Open the vault of a house that is not running, and keep a daemon from starting meanwhile.

    Raises: NoHouse, DirectoryInUse, and what opening a vault raises.
    """
    paths = DataPaths(data_dir)
    if not paths.vault.exists():
        raise NoHouse(f"there is no house in {data_dir}; it is made when the daemon first starts")
    with DataDirectory.open(data_dir), ExitStack() as files:
        master = house_key(paths, keys)
        vault = _open_vault(master, world, paths)
        files.callback(vault.close)
        yield StoppedHouse(vault, _credentials(master, vault, world))


def _open_journal(key: bytes, world: World, paths: DataPaths) -> Journal:
    return Journal.open(
        paths.journal,
        key,
        entropy=world.entropy,
        locking_mode=world.sqlite_locking_mode,
        vfs=world.files.sqlite_vfs,
    )


def _open_again(key: bytes, world: World, paths: DataPaths, files: ExitStack) -> Journal | None:
    if world.sqlite_locking_mode == "exclusive":
        return None
    return files.enter_context(Journal.open_read_only(paths.journal, key))


def _open_strategies(
    world: World, paths: DataPaths, house_id: bytes, files: ExitStack
) -> StrategyTables:
    settle(paths.strategies, world.files)
    opened = StrategyTables.open(
        paths.strategies,
        house_id,
        locking_mode=world.sqlite_locking_mode,
        vfs=world.files.sqlite_vfs,
        files=world.files,
    )
    files.callback(opened.close)
    return opened


def _open_strategies_again(
    world: World, paths: DataPaths, house_id: bytes, files: ExitStack
) -> StrategyTables | None:
    if world.sqlite_locking_mode == "exclusive":
        return None
    opened = StrategyTables.open_read_only(paths.strategies, house_id)
    files.callback(opened.close)
    return opened


def introduce_signer(files: HouseFiles, world: World) -> None:
    """Say by which key the audit is signed, and whether anybody else will know of it."""
    key = files.signer.public_key.hex()
    logger.info("audit checkpoints are signed by the Ed25519 key {}", key)
    if not world.tell_system(f"house {files.vault.house_id.hex()} signs with {key}"):
        logger.warning(
            "there is no system log here: audit checkpoints are in vault.db alone; save those that "
            "`xached admin checkpoints` prints where this machine cannot change them"
        )


def _open_master_key(paths: DataPaths, world: World, keys: KeySource) -> MasterKey:
    """The key of this house; a new one for a new house only. Raises: MasterKeyError."""
    databases = (paths.journal, paths.vault)
    if any(world.files.size(path) is not None for path in databases):
        return house_key(paths, keys)
    return open_master_key(paths.master_key, paths.master_id, keys, world.entropy, new_house=True)


def _check_signed(vault: Vault, signer: Signer, journal: Journal) -> None:
    """Compare the journal with what was signed of it last: it may have been put back or exchanged.

    Raises: VaultDamaged; JournalDamaged.
    """
    newest = vault.newest_checkpoint()
    if newest is None:
        return
    if not signer.is_genuine(newest):
        raise VaultDamaged(f"stream row {newest.audit_seq + 1}: the house did not sign it")
    there = journal.anchor_at(newest.journal_seq)
    if there is None or there.chain != newest.journal_chain:
        raise JournalDamaged(
            newest.journal_seq,
            "it is missing or another one than was signed: an earlier journal was put in place",
        )


def _is_filled(world: World, path: Path) -> bool:
    # SQLite takes an empty file for a new database.
    return bool(world.files.size(path))


def _open_vault(master: MasterKey, world: World, paths: DataPaths) -> Vault:
    settle(paths.vault, world.files)
    return Vault.open(
        paths.vault,
        row_key=master.derive(Purpose.VAULT_ROWS),
        stream_key=master.derive(Purpose.VAULT_STREAM),
        new_house_id=world.entropy,
        locking_mode=world.sqlite_locking_mode,
        vfs=world.files.sqlite_vfs,
    )


def _credentials(master: MasterKey, vault: Vault, world: World) -> Credentials:
    return Credentials(
        master,
        house_id=vault.house_id,
        cost=world.argon2_cost,
        entropy=world.entropy,
        epochs=decode_epochs(vault.setting(KEY_EPOCHS)),
    )
