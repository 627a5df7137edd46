"""A stream with checkpoints in a vault, and somebody who writes into the file behind its back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import apsw
import attrs
import msgpack

from tests.storage.house import House
from xached.domain.audit import ActionAsked, ActionEnded, Checkpoint
from xached.domain.order import AccountId
from xached.domain.sealed import Sealed
from xached.runtime.world import RealWorld
from xached.security.checkpoints import Signer
from xached.security.keys import MasterKey, Purpose, create_master_key
from xached.storage.directory import DataPaths
from xached.storage.journal import Journal
from xached.storage.vault import Vault

ACTIONS = 20
"""Two rows each, and after every fifth of them a checkpoint."""


class AuditedHouse:
    """A journal and a vault in a directory, with the keys that made them."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700)
        self.paths = DataPaths(root)
        self.master: MasterKey = create_master_key(self.paths.master_key, RealWorld().entropy)
        self.signer = Signer(self.master)
        self.stream_key = self.master.derive(Purpose.VAULT_STREAM)
        self.row_key = self.master.derive(Purpose.VAULT_ROWS)
        self.lines: list[str] = []
        """What the system's log was told."""
        self.rows = House(3)
        self.act(ACTIONS)

    def act(self, actions: int, *, signing: bool = True) -> None:
        """Have administrators do things, as the daemon would write it down."""
        with Journal.open(
            self.paths.journal,
            self.master.derive(Purpose.JOURNAL_CHAIN),
            entropy=RealWorld().entropy,
        ) as journal:
            vault = self.open_vault()
            for number in range(1, actions + 1):
                journal.append(self.rows.rows(1))
                action_id = f"action-{number}"
                asked = ActionAsked(
                    action_id=action_id,
                    method="AdminService/SetHalt",
                    by=AccountId("ann"),
                    session_id="s",
                    address=Sealed(key_id="k", ciphertext=b"sealed"),
                )
                ended = ActionEnded(action_id=action_id, outcome="OK", journal_seq=journal.last_seq)
                vault.commit([], [asked], vault.last_at_ns + 1)
                vault.commit([], [ended], vault.last_at_ns + 1)
                if signing and number % 5 == 0:
                    self.sign(vault, journal)
            vault.close()

    def sign(self, vault: Vault, journal: Journal) -> None:
        """Sign where both end."""
        audit_seq, audit_chain = vault.head
        checkpoint = self.signer.sign(
            Checkpoint(
                house_id=vault.house_id,
                at_ns=vault.last_at_ns + 1,
                audit_seq=audit_seq,
                audit_chain=audit_chain,
                journal_seq=journal.last.seq,
                journal_chain=journal.last.chain,
            )
        )
        vault.commit([], [checkpoint.event], checkpoint.at_ns)
        self.lines.append(f"Nov 22 21:00:00 host xached[7]: {checkpoint.text}")

    def open_vault(self) -> Vault:
        """The vault for writing."""
        return Vault.open(
            self.paths.vault,
            row_key=self.row_key,
            stream_key=self.stream_key,
            new_house_id=RealWorld().entropy,
        )

    def sql(self, statement: str, *values: apsw.SQLiteValue) -> None:
        """Change vault.db by hand."""
        connection = apsw.Connection(str(self.paths.vault))
        connection.execute(statement, values)
        connection.close()

    def write_anew(self, change: Callable[[list[Row]], list[Row]]) -> None:
        """Change the stream as somebody can who has the keys of rows and chain: all links fit.

        The signing key is not among them, so signatures stay what they were.
        """
        connection = apsw.Connection(str(self.paths.vault))
        rows = [
            Row(at_ns, payload)
            for at_ns, payload in connection.execute(
                "SELECT at_ns, payload FROM stream ORDER BY seq"
            )
        ]
        house_id = connection.execute("SELECT value FROM settings WHERE name = 'house_id'").get
        with connection:
            connection.execute("DELETE FROM stream")
            chain, seq = house_id, 0
            for seq, row in enumerate(change(rows), 1):
                packed: bytes = msgpack.packb([chain, seq, row.at_ns, row.payload])
                chain = hashlib.blake2b(packed, key=self.stream_key, digest_size=32).digest()
                connection.execute(
                    "INSERT INTO stream VALUES (?, ?, ?, ?)", (seq, row.at_ns, row.payload, chain)
                )
            head = seq.to_bytes(8, "big") + chain
            packed = msgpack.packb(["settings", "stream_head", head])
            mac = hashlib.blake2b(packed, key=self.row_key, digest_size=32).digest()
            connection.execute(
                "UPDATE settings SET value = ?, mac = ? WHERE name = 'stream_head'", (head, mac)
            )
        connection.close()


@attrs.frozen
class Row:
    """A row of the stream without its link."""

    at_ns: int
    payload: bytes
