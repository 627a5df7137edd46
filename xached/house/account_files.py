"""What the house keeps of an account in files: what its strategies saved, were told and wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

import attrs

from xached.actors.strategies.desk import seats_of
from xached.domain.order import AccountId
from xached.runtime.world import World
from xached.storage.certificates import Certificates
from xached.storage.directory import DataPaths
from xached.storage.recordings import DONE, OPEN, RecordingFile, Recordings
from xached.storage.strategy_book import strategies_of
from xached.storage.strategy_states import StrategyStates
from xached.storage.strategy_tables import StrategyRecords

PIECE_BYTES: Final = 64 * 1024


async def files_of(
    paths: DataPaths, world: World, records: StrategyRecords, account_id: AccountId
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield (file name, its next bytes) of everything, in bounded pieces.

    Of what goes meanwhile, or is being packed, the rest is left out.

    Raises: OSError; StrategyTablesFailed.
    """
    known = await records.read(partial(strategies_of, account_id=account_id))
    states = StrategyStates(paths.strategy_states, world.files)
    certificates = Certificates(paths.certificates)
    recordings = Recordings(paths.recordings, world.files)
    for seat in (seat for each in known for seat in seats_of(each)):
        saved = await world.run_in_thread(states.stored, seat)
        if saved is not None:
            yield f"strategies/saved/{seat}.json", saved
        for name, content in await world.run_in_thread(certificates.stored, seat):
            yield f"strategies/parity/{name}", content
        for file in await world.run_in_thread(recordings.runs_of, (seat,)):
            async for piece in _pieces(world, recordings, file):
                yield f"strategies/runs/{file.name}", piece


async def _pieces(
    world: World, recordings: Recordings, file: RecordingFile
) -> AsyncIterator[bytes]:
    offset = 0
    while True:
        read = partial(recordings.read_part, file, offset, PIECE_BYTES)
        try:
            piece = await world.run_in_thread(read)
        except FileNotFoundError:
            if file.suffix != OPEN:
                return
            file = attrs.evolve(file, suffix=DONE)  # Its run has ended meanwhile.
            continue
        if not piece:
            return
        yield piece
        offset += len(piece)
