"""The stream of what happened to people and keys: rows that are chained, each to the one before.

The newest row is named in a setting, under a MAC, so that a cut tail shows.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import apsw
import attrs
import msgpack

from xached.domain.audit import (
    UNSIGNED_ROWS_MAX,
    Checkpoint,
    CheckpointSigned,
    checkpoint_of,
)
from xached.domain.auth import Setting
from xached.domain.identity import IdentityEvent
from xached.storage.identity_codec import (
    IdentityCodecError,
    decode_identity_event,
    encode_identity_event,
)
from xached.storage.vault_faults import VaultDamaged, texts_checked
from xached.storage.vault_rows import Put, VaultRows
from xached.storage.vault_tables import SETTINGS

HOUSE_ID_BYTES: Final = 16
HOUSE_ID: Final = "house_id"
"""Name of the setting that holds what tells this house from every other."""

_STREAM_HEAD = "stream_head"
_CHAIN_BYTES = 32
_SEQ_MAX = 2**63 - 1


@attrs.frozen(kw_only=True)
class StreamRow:
    """One row of the identity stream."""

    seq: int
    at_ns: int
    event: IdentityEvent
    chain: bytes


@attrs.frozen(kw_only=True)
class StreamHead:
    """The newest row: its sequence, its chain value and its time; 0 when there is none."""

    seq: int
    chain: bytes
    at_ns: int


class IdentityStream:
    """The stream in an open vault.

    Args:
        key: of the chain, 32 bytes.
        rows: of the same vault, for the settings.
    """

    def __init__(self, connection: apsw.Connection, key: bytes, rows: VaultRows) -> None:
        self._db = connection
        self._key = key
        self._rows = rows
        self.house_id = b""
        """What the first row is chained to."""
        self.head = StreamHead(seq=0, chain=b"", at_ns=0)

    def begin(self, house_id: bytes) -> None:
        """Write down the beginning of the stream of a new house."""
        self._rows.write(Put(Setting(name=HOUSE_ID, value=house_id)))
        self._write_head(0, house_id)

    def use(self, rows: VaultRows) -> None:
        """Write down the newest row by other rows from now on, within the caller's transaction."""
        self._rows = rows
        self._write_head(self.head.seq, self.head.chain)

    def load(self) -> None:
        """Find the newest row. Raises: VaultDamaged when it is not the one that should be."""
        house_id, head = self._setting(HOUSE_ID), self._setting(_STREAM_HEAD)
        if house_id is None or head is None:
            raise VaultDamaged("the vault does not know its house any more")
        rows = self._db.execute("SELECT seq, at_ns, chain FROM stream ORDER BY seq DESC LIMIT 1")
        newest = next(texts_checked("stream", rows), None)
        seq, at_ns, chain = newest or (0, 0, house_id)
        expected = int.from_bytes(head[:8], "big")
        if (seq, chain) != (expected, head[8:]):
            raise VaultDamaged(f"the identity stream ends at {seq}, not at {expected}")
        self.house_id, self.head = house_id, StreamHead(seq=seq, chain=chain, at_ns=at_ns)

    def append(self, events: Sequence[IdentityEvent], at_ns: int) -> StreamHead:
        """Write rows within the caller's transaction.

        Returns the new :attr:`head`, which the caller sets once it is on disk.
        """
        if not events:
            return self.head
        seq, chain = self.head.seq, self.head.chain
        for event in events:
            seq += 1
            payload = encode_identity_event(event)
            chain = self._chain(chain, seq, at_ns, payload)
            self._db.execute("INSERT INTO stream VALUES (?, ?, ?, ?)", (seq, at_ns, payload, chain))
        self._write_head(seq, chain)
        return StreamHead(seq=seq, chain=chain, at_ns=at_ns)

    def read(self) -> Iterator[StreamRow]:
        """The stream from its beginning, checked as it goes. Raises: VaultDamaged."""
        seq, chain = 0, self.house_id
        for row in self.read_after(0, chain):
            seq, chain = row.seq, row.chain
            yield row
        if (seq, chain) != (self.head.seq, self.head.chain):
            raise VaultDamaged(f"the identity stream ends at {seq}, not at {self.head.seq}")

    def read_after(self, seq: int, chain: bytes, last: int = _SEQ_MAX) -> Iterator[StreamRow]:
        """The rows after ``seq``, whose chain value is ``chain``. Raises: VaultDamaged."""
        rows = self._db.execute(
            "SELECT seq, at_ns, payload, chain FROM stream WHERE seq > ? AND seq <= ? ORDER BY seq",
            (seq, last),
        )
        with contextlib.closing(texts_checked("stream", rows)) as checked:
            for row_seq, at_ns, payload, row_chain in checked:
                seq += 1
                chain = self._chain(chain, seq, at_ns, payload)
                if (row_seq, row_chain) != (seq, chain):
                    raise VaultDamaged(f"the identity stream is broken at {seq}")
                yield StreamRow(seq=seq, at_ns=at_ns, event=_event_of(seq, payload), chain=chain)

    def chain_at(self, seq: int) -> bytes | None:
        """The chain value of a row; None when there is no such row. Raises: VaultDamaged."""
        if seq == 0:
            return self.house_id
        rows = self._db.execute("SELECT chain FROM stream WHERE seq = ?", (seq,))
        found = next(texts_checked("stream", rows), None)
        return None if found is None else found[0]

    def newest_checkpoint(self) -> Checkpoint | None:
        """What was signed last; whether it is genuine is for the caller to check.

        Raises: VaultDamaged.
        """
        rows = self._db.execute(
            "SELECT seq, at_ns, payload FROM stream ORDER BY seq DESC LIMIT ?", (UNSIGNED_ROWS_MAX,)
        )
        for seq, at_ns, payload in texts_checked("stream", rows):
            event = _event_of(seq, payload)
            if isinstance(event, CheckpointSigned):
                return checkpoint_of(event, self.house_id, at_ns)
        return None

    def _setting(self, name: str) -> bytes | None:
        row = self._rows.one(SETTINGS, "WHERE name = ?", name)
        return None if row is None else row.value

    def _write_head(self, seq: int, chain: bytes) -> None:
        value = seq.to_bytes(8, "big") + chain
        self._rows.write(Put(Setting(name=_STREAM_HEAD, value=value)))

    def _chain(self, previous: bytes, seq: int, at_ns: int, payload: bytes) -> bytes:
        encoded: bytes = msgpack.packb([previous, seq, at_ns, payload])
        return hashlib.blake2b(encoded, key=self._key, digest_size=_CHAIN_BYTES).digest()


def _event_of(seq: int, payload: bytes) -> IdentityEvent:
    try:
        return decode_identity_event(payload)
    except IdentityCodecError as error:
        raise VaultDamaged(f"the identity stream holds at {seq} {error}") from None
