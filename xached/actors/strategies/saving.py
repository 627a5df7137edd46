"""What one run saves for the next: written one after the other, the newest for the waiting ones."""

from __future__ import annotations

from typing import Final

import trio
from loguru import logger

from xached.actors.strategies.market_data import StrategyMisconfigured
from xached.actors.strategies.surroundings import StrategyConfig, Surroundings
from xached.adapters.child_frames import Saved
from xached.adapters.child_intents import Save
from xached.storage.strategy_states import SavedState, StateDamaged

RETRY_S: Final = 5.0


class Saving:
    """The saved state of one strategy. One task writes; any puts."""

    def __init__(self, config: StrategyConfig, around: Surroundings) -> None:
        self._config = config
        self._around = around
        self._waiting: SavedState | None = None
        self._wake = trio.Event()

    async def read(self) -> Saved | None:
        """What the strategy saved last; nothing of another plugin under the same name.

        Raises: StrategyMisconfigured when it is damaged: to go on without would be a guess.
        """
        states, name = self._around.states, self._config.name
        try:
            kept = await self._around.world.run_in_thread(states.read, name)
        except StateDamaged as damaged:
            raise StrategyMisconfigured(
                f"{damaged}; remove the file to let it start afresh"
            ) from None
        if kept is None or kept.plugin != self._config.strategy:
            return None
        return Saved(kept.version, kept.state_json)

    def put(self, save: Save) -> None:
        """Have it written, in place of what waits."""
        self._waiting = SavedState(
            plugin=self._config.strategy,
            version=save.version,
            state_json=save.state_json,
            saved_at_ns=self._around.world.now_ns(),
        )
        self._wake.set()

    async def run(self) -> None:
        """Write what is put, until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            if not await self.flush():
                await trio.sleep(RETRY_S)
                self._wake.set()

    async def flush(self) -> bool:
        """Write what waits; False when the disk did not take it, which then still waits."""
        state = self._waiting
        if state is None:
            return True
        try:
            await self._around.world.run_in_thread(
                self._around.states.write, self._config.name, state
            )
        except OSError as error:
            logger.error("strategy {}: cannot save its state: {}", self._config.name, error)
            return False
        if self._waiting is state:
            self._waiting = None
        return True
