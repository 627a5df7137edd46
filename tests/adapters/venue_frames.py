"""The frames that are checked in, and what a session makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from xached.adapters.feeds.session import Session, Turn
from xached.domain.depth import Sync, VenueDepth
from xached.domain.instrument import Symbol
from xached.domain.market import (
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedFault,
    FeedRecord,
    FeedReset,
)

FRAMES = Path(__file__).parent / "frames"
NOW_NS = 1_770_000_000_000_000_000

Record = TypeVar("Record")


def load_frames(name: str) -> list[bytes]:
    """The frames of a file, one a line."""
    return (FRAMES / name).read_bytes().splitlines()


def receive_all(session: Session, frames: Sequence[bytes]) -> list[Turn]:
    """What each frame comes to."""
    return [session.receive(frame, NOW_NS) for frame in frames]


def records_of(turns: Sequence[Turn], kind: type[Record]) -> list[Record]:
    """All records of a kind, in order."""
    return [record for turn in turns for record in turn.records if isinstance(record, kind)]


def causes(turns: Sequence[Turn]) -> list[FaultCause]:
    """What was wrong, in order."""
    return [fault.cause for fault in records_of(turns, FeedFault)]


class Books:
    """The books as the market actor keeps them."""

    def __init__(self) -> None:
        self.books: dict[Symbol, VenueDepth] = {}
        self.syncs: list[Sync] = []

    def take(self, records: Sequence[FeedRecord]) -> list[Symbol]:
        """Take records; returns what has lost step."""
        lost: list[Symbol] = []
        for record in records:
            if isinstance(record, FeedReset):
                self.of(record.symbol).reset()
            elif isinstance(record, BookSnapshot | BookDiff):
                book = self.of(record.symbol)
                sync = (
                    book.snapshot(record) if isinstance(record, BookSnapshot) else book.diff(record)
                )
                self.syncs.append(sync)
                if sync in (Sync.LOST, Sync.TOO_OLD):
                    lost.append(record.symbol)
        return lost

    def of(self, symbol: Symbol) -> VenueDepth:
        """The book of an instrument."""
        return self.books.setdefault(symbol, VenueDepth())
