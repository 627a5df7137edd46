"""Looking at a data directory from outside: verify, replay, doctor. Nothing is changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import attrs
import trio
from xache_sdk.seal import Layer

from xached.actors.strategies.surroundings import SANDBOX_MIN
from xached.adapters.distributions import Distributions
from xached.commands.house_checks import Check
from xached.commands.sandbox_probe import NotSealed, probe_sandbox
from xached.domain.audit import (
    ActionAsked,
    ActionEnded,
    ChainCheck,
    CheckpointSigned,
    checkpoint_of,
    read_anchors,
)
from xached.domain.backtests import read_trial_checkpoints
from xached.domain.exchange import Exchange
from xached.domain.money import format_units
from xached.domain.order import subaccount_of
from xached.domain.plugins import PluginGroup
from xached.house.key import house_key
from xached.runtime.world import RealWorld
from xached.security.checkpoints import Signer
from xached.security.key_note import key_id, read_key_note
from xached.security.keys import MasterKey, MasterKeyError, Purpose
from xached.security.master import (
    FILE_ONLY,
    KeySource,
)
from xached.storage.database import DatabaseRefused
from xached.storage.directory import DataPaths
from xached.storage.journal import Anchor, Journal, JournalDamaged, JournalFailed, Report
from xached.storage.snapshots import recover
from xached.storage.strategy_tables import StrategyTables
from xached.storage.trial_book import TrialsDamaged, chain_at, verify_trials
from xached.storage.vault import Vault
from xached.storage.vault_faults import VaultDamaged, VaultFailed

SQLITE_OLDEST = (3, 51, 3)
FREE_BYTES_MIN = 1 << 30


@attrs.frozen(kw_only=True)
class Verification:
    """What ``verify`` found; ``faults`` is empty when all is well.

    ``paper_rows`` are those of the paper exchange's journal, 0 where there is none.
    """

    rows: int
    events: int
    ids: int
    seq: int
    chain: str
    accounts: int
    sums: dict[str, str]
    paper_rows: int
    faults: tuple[str, ...]


@attrs.frozen(kw_only=True)
class AuditVerification:
    """What ``verify --audit`` found; ``faults`` is empty when all is well."""

    rows: int
    checkpoints: int
    unsigned_rows: int
    newest_checkpoint: str
    public_key: str
    anchors: int
    freshness: str
    """How it is known, or not, that this is not an earlier state of the house."""
    faults: tuple[str, ...]


class NoSuchRow(Exception):  # noqa: N818 - it says what is the matter
    """The journal does not have the row that was asked for."""


def verify(data_dir: Path, keys: KeySource = FILE_ONLY) -> Verification:
    """Check chain, ids, snapshots and invariants of a house, also beside a running daemon.

    Its paper exchange, if it has one, is checked in the same way.

    Raises: MasterKeyError, DatabaseRefused, VaultUnusable: where this key or this program cannot
        read it at all. What is damaged is a fault of the report.
    """
    paths = DataPaths(data_dir)
    master = house_key(paths, keys)
    faults: list[str] = []
    report, exchange = _verified_journal(
        paths.journal, paths.snapshots, master.derive(Purpose.JOURNAL_CHAIN), faults
    )
    paper = _NOTHING_READ
    if paths.paper.exists():
        found: list[str] = []
        key = master.derive(Purpose.PAPER_CHAIN)
        paper, _ = _verified_journal(paths.paper, paths.paper_snapshots, key, found)
        faults.extend(f"paper: {fault}" for fault in found)
    accounts = 0
    try:
        accounts = _verified_accounts(paths, master)
    except (VaultDamaged, VaultFailed) as error:
        faults.append(f"the vault: {error}")
    else:
        faults.extend(_verified_audit(paths, master, None).faults)
        faults.extend(_strategy_faults(paths, master))
    faults.extend(_model_faults(paths))
    return Verification(
        rows=report.rows,
        events=report.events,
        ids=report.ids,
        seq=report.last.seq,
        chain=report.last.chain.hex(),
        accounts=accounts,
        sums={
            asset: str(exchange.state.ledger.sum_units(asset)) for asset in exchange.state.assets
        },
        paper_rows=paper.rows,
        faults=tuple(faults),
    )


def verify_audit(
    data_dir: Path, anchor: Path | None, keys: KeySource = FILE_ONLY
) -> AuditVerification:
    """Check the audit chain, its signatures, and that it holds all that anchors know of it.

    Raises: MasterKeyError, DatabaseRefused, VaultUnusable, AnchorUnreadable; OSError where the
        anchors cannot be read. What is damaged is a fault of the report.
    """
    paths = DataPaths(data_dir)
    master = house_key(paths, keys)
    return _verified_audit(paths, master, anchor)


def _verified_audit(paths: DataPaths, master: MasterKey, anchor: Path | None) -> AuditVerification:
    text = "" if anchor is None else anchor.read_text("utf-8", "replace")
    anchors = [] if anchor is None else list(read_anchors(text))
    signer, faults = Signer(master), list[str]()
    check = ChainCheck(house_id=b"", genuine=signer.is_genuine, journal_at=lambda _: None)
    try:
        with (
            Journal.open_read_only(paths.journal, master.derive(Purpose.JOURNAL_CHAIN)) as journal,
            contextlib.closing(_open_vault(paths, master)) as vault,
        ):
            check.house_id = vault.house_id
            check.journal_at = partial(_chain_at, journal)
            for row in vault.read_stream():
                check.take(row.seq, row.at_ns, row.event, row.chain)
            for each in anchors:
                check.compare(each, vault.chain_at)
    except (JournalDamaged, JournalFailed) as error:
        faults.append(f"journal.db: {error}")
    except (VaultDamaged, VaultFailed) as error:
        faults.append(f"vault.db: {error}")
    faults += check.faults
    faults += _trial_faults(paths, master, text)
    known = max((each.audit_seq for each in anchors), default=0)
    return AuditVerification(
        rows=check.rows,
        checkpoints=check.checkpoints,
        unsigned_rows=check.unsigned_rows,
        newest_checkpoint=check.newest.text if check.newest is not None else "",
        public_key=signer.public_key.hex(),
        anchors=len(anchors),
        freshness=f"not older than row {known}" if known and not faults else "not provable",
        faults=tuple(dict.fromkeys(faults)),
    )


def checkpoints(data_dir: Path, keys: KeySource = FILE_ONLY) -> Iterator[str]:
    """Every checkpoint of a house, oldest first: the lines that make an anchor elsewhere.

    Raises: MasterKeyError, VaultUnusable, VaultDamaged, VaultFailed.
    """
    paths = DataPaths(data_dir)
    master = house_key(paths, keys)
    with contextlib.closing(_open_vault(paths, master)) as vault:
        for row in vault.read_stream():
            if isinstance(row.event, CheckpointSigned):
                yield checkpoint_of(row.event, vault.house_id, row.at_ns).text


@attrs.frozen(kw_only=True)
class Action:
    """What was done with a role of the house."""

    at_ns: int
    by: str
    """The account; empty for the first administrator, and for commands on the machine."""
    method: str
    outcome: str
    """OK, the rule that refused it, or empty where it was cut off."""
    journal_seq: int


def actions(data_dir: Path, keys: KeySource = FILE_ONLY) -> list[Action]:
    """What was done with a role of the house, oldest first.

    Raises: MasterKeyError, VaultUnusable, VaultDamaged, VaultFailed.
    """
    paths = DataPaths(data_dir)
    master = house_key(paths, keys)
    found: dict[str, Action] = {}
    with contextlib.closing(_open_vault(paths, master)) as vault:
        for row in vault.read_stream():
            match row.event:
                case ActionAsked(action_id=action_id, by=by, method=method):
                    found[action_id] = Action(
                        at_ns=row.at_ns, by=by, method=method, outcome="", journal_seq=0
                    )
                case ActionEnded(action_id=action_id, outcome=outcome, journal_seq=seq):
                    found[action_id] = attrs.evolve(
                        found[action_id], outcome=outcome, journal_seq=seq
                    )
                case _:
                    pass
    return list(found.values())


def public_key(data_dir: Path, keys: KeySource = FILE_ONLY) -> str:
    """The key that checkpoints are signed by, in hexadecimal. Raises: MasterKeyError."""
    paths = DataPaths(data_dir)
    master = house_key(paths, keys)
    return Signer(master).public_key.hex()


def replay(
    data_dir: Path, at_seq: int | None, at_ns: int | None, keys: KeySource = FILE_ONLY
) -> dict[str, Any]:
    """The state of the exchange after a row, or at a time; after the newest row without either.

    Raises: NoSuchRow, MasterKeyError, DatabaseRefused, JournalDamaged, JournalFailed.
    """
    paths = DataPaths(data_dir)
    master = house_key(paths, keys)
    exchange, last_seq, last_ns = Exchange(), 0, 0
    with Journal.open_read_only(paths.journal, master.derive(Purpose.JOURNAL_CHAIN)) as journal:
        if at_seq is not None and not 0 <= at_seq <= journal.last_seq:
            raise NoSuchRow(f"there is no row {at_seq}: the journal ends at {journal.last_seq}")
        for seq, row_ns, events in journal.replay():
            if (at_seq is not None and seq > at_seq) or (at_ns is not None and row_ns > at_ns):
                break
            for event in events:
                exchange.apply(event, seq, row_ns)
            last_seq, last_ns = seq, row_ns
    return {"seq": last_seq, "at_ns": last_ns, **_describe(exchange)}


def examine(
    data_dir: Path,
    keys: KeySource = FILE_ONLY,
    required: frozenset[Layer] = SANDBOX_MIN,
) -> Iterator[Check]:
    """What a house needs of its machine, one check at a time. ``required`` of the sandbox."""
    found = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    yield Check(
        name="SQLite",
        ok=found >= SQLITE_OLDEST,
        found=apsw.sqlite_lib_version(),
        advice="3.51.3 or newer: older ones can corrupt a write-ahead log",
    )
    yield Check(
        name="Python",
        ok=True,
        found=f"{platform.python_implementation()} {platform.python_version()}",
        advice="3.11 or newer",
    )
    place = next(folder for folder in (data_dir, *data_dir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    yield Check(
        name="free space",
        ok=free >= FREE_BYTES_MIN,
        found=f"{free >> 20} MiB on {place}",
        advice="at least 1 GiB",
    )
    yield _check_directory(data_dir)
    yield _check_key(DataPaths(data_dir), keys)
    installed = Distributions().find()
    strategies = {each.name for each in installed if each.group is PluginGroup.STRATEGY}
    yield Check(
        name="strategies",
        ok=bool(strategies),
        found=", ".join(sorted(strategies)) or "none",
        advice="install a package with an entry point in xache.strategies",
    )
    others = [
        f"{each.group.kind} {each.name}"
        for each in installed
        if each.group is not PluginGroup.STRATEGY
    ]
    yield Check(
        name="other plugins",
        ok=True,
        found=", ".join(others) or "none",
        advice="signals, feeds and notifiers: entry points in xache.signals and so on",
    )
    yield _check_sandbox(required)
    yield Check(
        name="processors",
        ok=(os.cpu_count() or 1) >= 2,
        found=str(os.cpu_count()),
        advice="two: one for the daemon, one for its strategies",
    )


def _check_sandbox(required: frozenset[Layer]) -> Check:
    """What a strategy's process really gets here; a probe is started and ended."""
    names = ", ".join(each.name.lower() for each in sorted(required))
    advice = f"{names}: without no strategy is started"
    try:
        sealed = trio.run(probe_sandbox, RealWorld())
    except NotSealed as error:
        return Check(name="sandbox", ok=False, found=f"none: {error}", advice=advice)
    held = ", ".join(each.name.lower() for each in sealed.layers)
    lacking = ", ".join(f"{each.layer.name.lower()} ({each.why})" for each in sealed.lacks)
    return Check(
        name="sandbox",
        ok=required <= set(sealed.layers),
        found=f"{held}; lacking {lacking}" if lacking else held,
        advice=advice,
    )


def _check_directory(data_dir: Path) -> Check:
    advice = "owned by you, mode 0700"
    if not data_dir.exists():
        return Check(name="data directory", ok=True, found="will be made", advice=advice)
    status = data_dir.stat()
    private = stat.S_IMODE(status.st_mode) & 0o077 == 0
    return Check(
        name="data directory",
        ok=private and status.st_uid == os.getuid(),
        found=f"{data_dir} mode {stat.S_IMODE(status.st_mode):04o}",
        advice=advice,
    )


def _check_key(paths: DataPaths, keys: KeySource) -> Check:
    advice = "32 bytes nobody else can read; keep a copy where no backup of the data is"
    if not paths.master_key.exists() and not paths.journal.exists():
        return Check(name="master key", ok=True, found="will be made", advice=advice)
    try:
        known = read_key_note(paths.master_id)
        if known is not None and known.stretching is not None and keys.passphrase is None:
            return Check(name="master key", ok=True, found="from a passphrase", advice=advice)
        key = house_key(paths, keys)
    except MasterKeyError as error:
        return Check(name="master key", ok=False, found=str(error), advice=advice)
    return Check(name="master key", ok=True, found=key_id(key), advice=advice)


_NOTHING_READ = Report(rows=0, events=0, ids=0, last=Anchor(0, b""), last_at_ns=0, faults=())


def _replayed(journal: Journal, last_seq: int) -> Exchange:
    """The exchange after a row, from the rows alone. Raises: AssertionError."""
    exchange = Exchange()
    for seq, at_ns, events in journal.replay():
        if seq > last_seq:  # A daemon beside us goes on.
            break
        for event in events:
            exchange.apply(event, seq, at_ns)
    exchange.check()
    return exchange


def _verified_journal(
    path: Path, snapshots: Path, key: bytes, faults: list[str]
) -> tuple[Report, Exchange]:
    """What a journal has, and the exchange it gives if it is whole; adds what is wrong."""
    report, exchange = _NOTHING_READ, Exchange()
    try:
        with Journal.open_read_only(path, key) as journal:
            report = journal.verify()
            faults.extend(report.faults)
            if report.ok:
                exchange = _replayed(journal, report.last.seq)
                faults.extend(_wrong_snapshots(snapshots, key, journal, report, exchange))
    except (JournalDamaged, JournalFailed) as error:
        faults.append(f"the journal: {error}")
    except AssertionError as error:
        faults.append(f"an invariant of the exchange does not hold: {error}")
    return report, exchange


def _wrong_snapshots(
    snapshots: Path, key: bytes, journal: Journal, report: Report, exchange: Exchange
) -> Iterator[str]:
    recovered = recover(snapshots, key, journal)
    same_row = recovered.anchor == report.last
    if same_row and recovered.exchange.snapshot() != exchange.snapshot():
        yield "the newest snapshot and its tail give another state than all rows"


def _verified_accounts(paths: DataPaths, master: MasterKey) -> int:
    with contextlib.closing(_open_vault(paths, master)) as vault:
        return vault.verify().accounts


def _strategy_faults(paths: DataPaths, master: MasterKey) -> Iterator[str]:
    """What is wrong with strategies.db; a house of an older xached has none."""
    if not paths.strategies.exists():
        return
    try:
        with Journal.open_read_only(paths.journal, master.derive(Purpose.JOURNAL_CHAIN)) as journal:
            house_id = journal.house_id
        with contextlib.closing(StrategyTables.open_read_only(paths.strategies, house_id)) as file:
            file.check()
            file.read(verify_trials)
    except TrialsDamaged as error:
        yield f"strategies.db: {error}"
    except (JournalDamaged, JournalFailed):
        return  # Whose file this should be cannot be known; the fault is told already.
    except DatabaseRefused as error:
        yield str(error)


def _trial_faults(paths: DataPaths, master: MasterKey, anchor: str) -> Iterator[str]:
    """What heads of trials that were kept elsewhere know and strategies.db does not."""
    heads = list(read_trial_checkpoints(anchor))
    if not heads:
        return
    signer = Signer(master)
    with Journal.open_read_only(paths.journal, master.derive(Purpose.JOURNAL_CHAIN)) as journal:
        house_id = journal.house_id
    if not paths.strategies.exists():
        yield "strategies.db is missing, of which an anchor knows trials"
        return
    with contextlib.closing(StrategyTables.open_read_only(paths.strategies, house_id)) as file:
        for head in heads:
            if head.house_id != house_id or not signer.knows_trials(head):
                yield f"the anchor of {head.count} trials was not signed by this house"
            elif file.read(partial(chain_at, count=head.count)) != head.chain:
                yield f"strategies.db does not have the {head.count} trials that an anchor knows"


def _model_faults(paths: DataPaths) -> Iterator[str]:
    """What is wrong with the models that the house trained; most houses train none."""
    if not paths.models.is_dir():
        return
    # It brings numpy along, which nothing else here needs.
    from xached.research.models.registry import ModelRegistry

    yield from ModelRegistry(paths.models).damages()


def _open_vault(paths: DataPaths, master: MasterKey) -> Vault:
    return Vault.open_read_only(
        paths.vault,
        row_key=master.derive(Purpose.VAULT_ROWS),
        stream_key=master.derive(Purpose.VAULT_STREAM),
    )


def _chain_at(journal: Journal, seq: int) -> bytes | None:
    anchor = journal.anchor_at(seq)
    return None if anchor is None else anchor.chain


def _describe(exchange: Exchange) -> dict[str, Any]:
    """A state for people and programs: amounts as decimal text, and its hash."""
    state = exchange.state

    def amount(asset: str) -> Callable[[int], str]:
        scale = state.assets[asset].scale  # type: ignore[index]  # names of assets are texts
        return lambda units: format_units(units, scale)

    return {
        "hash": hashlib.blake2b(
            json.dumps(exchange.snapshot(), sort_keys=True).encode(), digest_size=16
        ).hexdigest(),
        "halted": state.halted,
        "assets": {
            name: {
                "fees": amount(name)(state.ledger.fees_units(name)),
                "sum": str(state.ledger.sum_units(name)),
            }
            for name in state.assets
        },
        "markets": {
            symbol: {
                "state": market.effective_state().name,
                "open_orders": len(market.book),
            }
            for symbol, market in state.markets.items()
        },
        "purses": [
            {
                "account": purse.partition("/")[0],
                "subaccount": subaccount_of(purse),
                "open_orders": len(known.open_orders),
                "balances": {
                    asset: {"available": amount(asset)(free), "held": amount(asset)(held)}
                    for asset, free, held in state.ledger.balances(purse)
                },
            }
            for purse, known in state.purses.items()
        ],
    }
