"""Which master key opens a house: what the operator gave, compared with what the vault says.

The vault has the last word. Its rows are under keys of one master key, all of them or none; an
exchange of the key turns them over in one transaction, see ``rekeying.py``. Whatever ended it, the
notes beside the vault name one key or both, and only one of those opens it.
"""

from __future__ import annotations

import os
from typing import Final

from xached.security.key_note import KeyNote, decode_key_note, key_id, prepared_note, read_key_note
from xached.security.keys import MasterKey, MasterKeyError, Purpose, write_new_file
from xached.security.master import KeySource, find_master_key
from xached.storage.directory import DataPaths
from xached.storage.vault import Vault, opens_with, setting_in
from xached.storage.vault_faults import VaultDamaged

MASTER_NOTE: Final = "master_note"
"""Name of the setting that holds another copy of ``master.id`` since the key was exchanged."""


def house_key(paths: DataPaths, source: KeySource) -> MasterKey:
    """The master key of a house that exists; nothing is written.

    Raises: MasterKeyError, also where the key is one of two and the other one opens the vault;
        VaultFailed when the vault cannot be read.
    """
    key = find_master_key(paths.master_key, paths.master_id, source)
    if not paths.vault.exists():
        return key
    current = read_key_note(paths.master_id)
    if current is None:
        return _as_vault_says(paths, key)
    prepared = read_key_note(prepared_note(paths.master_id))
    if prepared is None or opens_with(paths.vault, key.derive(Purpose.VAULT_ROWS)):
        return key
    if key_id(key) == prepared.key_id:
        raise MasterKeyError(
            f"the master key was to be exchanged, and was not: this house opens with "
            f"{current.key_id}, not with {prepared.key_id}; run xached vault rekey again"
        )
    raise MasterKeyError(
        f"the master key was exchanged: this house opens with {prepared.key_id}, not with "
        f"{current.key_id} any more; give it the new one, or run xached vault rekey again"
    )


def settle_note(paths: DataPaths, key: MasterKey, vault: Vault) -> None:
    """Have ``master.id`` name the key that has opened the vault, and it alone. Raises: OSError."""
    prepared = prepared_note(paths.master_id)
    found = read_key_note(prepared)
    if found is not None and found.key_id == key_id(key):
        prepared.replace(paths.master_id)
        _sync(paths)
    elif found is not None:
        prepared.unlink()
    if not paths.master_id.exists():
        note = vault.setting(MASTER_NOTE) or KeyNote(key_id=key_id(key)).encode()
        write_new_file(paths.master_id, note, 0o600)


def _as_vault_says(paths: DataPaths, key: MasterKey) -> MasterKey:
    """The key with what it has inherited, where the note of it is lost."""
    try:
        written = setting_in(paths.vault, key.derive(Purpose.VAULT_ROWS), MASTER_NOTE)
    except VaultDamaged:
        return key  # Opening the vault says what is the matter.
    note = None if written is None else decode_key_note(written)
    return key if note is None else note.complete(key)


def _sync(paths: DataPaths) -> None:
    directory = os.open(paths.root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
