"""What backtests are given: the file they are kept in, plugins, histories, and processes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol, TypeVar

import apsw
import attrs
import trio
from xache_sdk.seal import Layer

from xached.adapters.work import WorkLimits, work_command
from xached.research.history.about import About
from xached.runtime.world import World

Result = TypeVar("Result")

SANDBOX_MIN: Final = frozenset({Layer.FILES, Layer.SYSTEM_CALLS})
"""As for strategies that trade: without either a plugin could read the house's keys."""


class Records(Protocol):
    """strategies.db. Each call is one transaction."""

    async def write(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """Do it, and return once it is on disk."""
        ...

    async def read(self, work: Callable[[apsw.Connection], Result]) -> Result:
        """Do it on one state of the file."""
        ...


@attrs.frozen(kw_only=True)
class FoundPlugin:
    """A plugin that may run: what to import, and the digest of its files."""

    entry_point: str
    digest: str


class WorkCommand(Protocol):
    """How a process for a job is started; see work_command."""

    def __call__(
        self,
        job: str,
        limits: WorkLimits,
        *,
        strategy: str = "",
        others: Sequence[str] = (),
        readable: Sequence[Path] = (),
    ) -> Sequence[str]:
        """The command line."""
        ...


@attrs.frozen(kw_only=True)
class FoundSignal:
    """A signal that the house runs: what to import, with which settings, and what files it has."""

    entry_point: str
    digest: str
    settings_json: str


async def no_signals() -> Mapping[str, FoundSignal]:
    """A house that runs none."""
    await trio.lowlevel.checkpoint()
    return {}


@attrs.frozen(kw_only=True)
class BacktestBounds:
    """How much there may be of it, at one time."""

    running_max: int = 1
    waiting_max: int = 50
    own_max: int = 3
    """Of one account, waiting or running."""


@attrs.frozen(kw_only=True)
class BacktestSurroundings:
    """The rest of the house as backtests see it. ``command`` is replaced in tests."""

    world: World
    records: Records
    find_plugin: Callable[[str], Awaitable[FoundPlugin]]
    """A plugin by name. Raises: Rejection UNKNOWN_PLUGIN for one that may not run."""
    list_histories: Callable[[], Sequence[About]]
    """What there is to run over. Reads files."""
    histories: Path
    """Where they are."""
    find_signals: Callable[[], Awaitable[Mapping[str, FoundSignal]]] = no_signals
    """The signals of the house that may run, by name."""
    anchor: Callable[[int, bytes], None] = lambda _count, _chain: None
    """Have it known elsewhere where the chain of trials ends: how many, and the digest."""
    models: Path | None = None
    """Where the models of the house are; None: it trains none."""
    knows_model: Callable[[str], bool] = lambda _name: False
    """Whether the house trains a model of a name."""
    model_digest: Callable[[str], str] = lambda _name: ""
    """Of the model of a name that is in force; empty while there is none."""
    bounds: BacktestBounds = attrs.field(factory=BacktestBounds)
    limits: WorkLimits = attrs.field(factory=WorkLimits)
    sandbox_min: frozenset[Layer] = SANDBOX_MIN
    command: WorkCommand = work_command
