"""Exchange of the master key of a house that does not run.

What is sealed in the vault is sealed by keys of people, which are wrapped by a key of the house.
Those wraps, letters, requests, look-up hashes of addresses and the MACs of all rows are made anew
by keys of the new master key, in one transaction: before it the vault opens with the former key,
after it with the new one. A key that is destroyed stays so.

What cannot be made anew is inherited: the keys of chains, whose rows are for ever, of signatures,
and of hashes of what only its owner has. Who has the former key and can write to the directory
could still lengthen the journal, but neither change what was signed of it, as the vault says, nor
anything in the vault; who has it and a copy of the directory of later reads nothing. Access tokens
and the freeze tokens of letters end with the former key. It still opens backups made before.

The steps, each whole on disk before the next: the note of the new key beside the old one; the
transaction; the note in place of the old one; the key file in place of the old one. Repeating the
command goes on with the first step that was not done.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any, TypeAlias, assert_never

import attrs

from xached.domain.auth import Account, Setting, UserKey
from xached.domain.identity import VaultRow
from xached.domain.key_epochs import KEY_EPOCHS, KeyEpochs, MasterKeyExchanged, decode_epochs
from xached.domain.mail import WaitingMail
from xached.domain.order import AccountId
from xached.domain.recovery import EmailProof
from xached.house.key import MASTER_NOTE, house_key, settle_note
from xached.runtime.world import World
from xached.security.credentials import Credentials
from xached.security.key_note import KeyNote, inherit, key_id, prepared_note, read_key_note
from xached.security.keys import (
    MasterKey,
    MasterKeyError,
    Purpose,
    create_master_key,
    read_master_key,
    write_new_file,
)
from xached.security.master import PASSPHRASE_COST, KeySource, is_given, new_stretching, stretch
from xached.security.sealing import KeyDestroyed, wrap_user_key
from xached.storage.database import settle
from xached.storage.directory import DataDirectory, DataPaths
from xached.storage.vault import Vault, opens_with
from xached.storage.vault_rows import Put
from xached.storage.vault_tables import ACCOUNTS


class NothingToExchange(Exception):  # noqa: N818 - it says what is the matter
    """There is no vault here."""


@attrs.frozen
class NextFile:
    """The new key is 32 bytes in a file; it is made where there is none."""

    path: Path


@attrs.frozen
class NextPassphrase:
    """The new key is made from a passphrase."""

    passphrase: str = attrs.field(repr=False)


NextKey: TypeAlias = NextFile | NextPassphrase


@attrs.frozen(kw_only=True)
class Exchanged:
    """What was done. ``former_file`` is where the former key lies now, if it was a file here."""

    key_id: str
    former_file: Path | None


def exchange_master_key(
    data_dir: Path, world: World, source: KeySource, following: NextKey
) -> Exchanged:
    """Exchange the master key; may be repeated until it succeeds.

    Args:
        source: where the former key is.

    Raises: NothingToExchange, MasterKeyError, DirectoryInUse, DatabaseRefused, VaultDamaged,
        VaultFailed, VaultUnusable; OSError.
    """
    paths = DataPaths(data_dir)
    if not paths.vault.exists():
        raise NothingToExchange(f"there is no house in {data_dir}")
    with DataDirectory.open(data_dir), contextlib.ExitStack() as files:
        settle(paths.vault, world.files)
        prepared = read_key_note(prepared_note(paths.master_id))
        note = _next_note(world, following, prepared)
        key = _next_key(following, note, world)
        if not opens_with(paths.vault, key.derive(Purpose.VAULT_ROWS)):
            former = house_key(paths, source)
            note = inherit(former, key, note.stretching, world.entropy)
            _write_aside(prepared_note(paths.master_id), note.encode())
            _turn_over(paths, world, former, note.complete(key), note)
        vault = _open_vault(paths, world, key_of(paths, key))
        files.callback(vault.close)
        settle_note(paths, key, vault)
        return Exchanged(key_id=key_id(key), former_file=_install(paths, source, following, key))


def key_of(paths: DataPaths, key: MasterKey) -> MasterKey:
    """A key with what the note that names it says it has inherited. Raises: MasterKeyError."""
    for path in (paths.master_id, prepared_note(paths.master_id)):
        note = read_key_note(path)
        if note is not None and note.key_id == key_id(key):
            return note.complete(key)
    return key


def _next_note(world: World, following: NextKey, prepared: KeyNote | None) -> KeyNote:
    """How the next key is made; as it was before, where this is done again."""
    if isinstance(following, NextFile):
        return KeyNote(key_id="")
    if prepared is not None and prepared.stretching is not None:
        return prepared
    return KeyNote(key_id="", stretching=new_stretching(world.entropy, PASSPHRASE_COST))


def _next_key(following: NextKey, note: KeyNote, world: World) -> MasterKey:
    match following:
        case NextFile(path):
            return read_master_key(path) if path.exists() else _made(path, world)
        case NextPassphrase(passphrase):
            assert note.stretching is not None
            return stretch(passphrase, note.stretching)
        case _:
            assert_never(following)


def _made(path: Path, world: World) -> MasterKey:
    try:
        return create_master_key(path, world.entropy)
    except OSError as error:
        raise MasterKeyError(f"{path} cannot be made: {error.strerror}") from None


def _turn_over(
    paths: DataPaths, world: World, former: MasterKey, key: MasterKey, note: KeyNote
) -> None:
    """Write all rows of the vault anew, in one transaction."""
    vault = _open_vault(paths, world, former)
    with contextlib.closing(vault):
        epochs = decode_epochs(vault.setting(KEY_EPOCHS))
        renewal = _Renewal(vault, former, key, world, epochs)
        vault.exchange_key(
            key.derive(Purpose.VAULT_ROWS),
            renewal.row,
            [
                Put(Setting(name=KEY_EPOCHS, value=epochs.settled().encode())),
                Put(Setting(name=MASTER_NOTE, value=note.encode())),
            ],
            [MasterKeyExchanged(former=key_id(former), newest=key_id(key))],
            max(world.now_ns(), vault.last_at_ns + 1),
        )


class _Renewal:
    """Makes rows anew, by keys of the new master key in place of the former one's."""

    def __init__(
        self, vault: Vault, former: MasterKey, key: MasterKey, world: World, epochs: KeyEpochs
    ) -> None:
        self._entropy = world.entropy
        shared: Any = {
            "house_id": vault.house_id,
            "cost": world.argon2_cost,
            "entropy": world.entropy,
        }
        self._former = Credentials(former, epochs=epochs, **shared)
        self._next = Credentials(key, epochs=epochs.settled(), **shared)
        self._lookups: dict[AccountId, bytes] = {}
        for account in vault.every(ACCOUNTS):
            try:
                email = self._former.open_email(account, vault.user_keys(account.account_id))
            except KeyDestroyed:
                continue  # Its look-up is random: the address cannot be asked for any more.
            self._lookups[account.account_id] = self._next.email_lookup(email)

    def row(self, row: VaultRow) -> VaultRow:
        """What becomes of a row. Raises: SealBroken."""
        former, following = self._former, self._next
        if isinstance(row, UserKey) and row.wrapped is not None:
            secret = former.ring.open(row)
            return wrap_user_key(following.ring.wrapping.newest, row, secret, self._entropy)
        if isinstance(row, Account):
            lookup = self._lookups.get(row.account_id, row.email_lookup)
            return attrs.evolve(row, email_lookup=lookup)
        if isinstance(row, WaitingMail):
            return following.outbox.taken_over_mail(row, former.outbox)
        if isinstance(row, EmailProof):
            return following.outbox.taken_over_proof(row, former.outbox)
        return row


def _install(
    paths: DataPaths, source: KeySource, following: NextKey, key: MasterKey
) -> Path | None:
    """Put the key file of the new key in place of the former one's, if the key is a file's.

    Returns where the former one is kept, of which nothing here knows whether it is elsewhere too.
    """
    if is_given(source):
        return None  # The operator exchanges what is given from outside.
    kept: Path | None = None
    if paths.master_key.exists():
        former = key_id(read_master_key(paths.master_key))
        if former == key_id(key):
            return None
        kept = paths.master_key.with_name(f"{paths.master_key.name}.{former}")
        if not kept.exists():
            os.link(paths.master_key, kept)
    match following:
        case NextFile():
            aside = paths.master_key.with_name(f"{paths.master_key.name}.next")
            aside.unlink(missing_ok=True)
            write_new_file(aside, key.secret, 0o400)
            aside.replace(paths.master_key)
        case NextPassphrase():
            paths.master_key.unlink(missing_ok=True)
        case _:
            assert_never(following)
    return kept


def _write_aside(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    write_new_file(path, content, 0o600)


def _open_vault(paths: DataPaths, world: World, key: MasterKey) -> Vault:
    return Vault.open(
        paths.vault,
        row_key=key.derive(Purpose.VAULT_ROWS),
        stream_key=key.derive(Purpose.VAULT_STREAM),
        new_house_id=world.entropy,
    )
