"""The child processes of a simulated machine: its snapshots, and strategies that misbehave.

A strategy speaks the real protocol, frame by frame. Each run draws one character from the seed:
most quote and take, some crash, hang, flood, babble or report a failure. Once nothing is to go
wrong any more, all behave.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import apsw
import trio
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import FrameError, FrameReader, frame

from xached.actors.strategies.surroundings import StrategyConfig
from xached.domain.instrument import Symbol
from xached.domain.market import XACHE
from xached.domain.order import MAIN, AccountId, Purse, make_purse
from xached.runtime.world import SimulatedProgram
from xached.security.keys import Purpose, read_master_key
from xached.simulation.disk import DiskFiles, registered
from xached.simulation.machine import Machine
from xached.storage.directory import DataPaths
from xached.storage.journal import Journal, JournalDamaged, JournalFailed
from xached.storage.snapshots import snapshot_journal

ROBOT: Final[Purse] = make_purse(AccountId("robot"), MAIN)
STRATEGY: Final = StrategyConfig(
    name="robot",
    strategy="simulated",
    purse=ROBOT,
    symbols=(Symbol("BTC-USDT"),),
    settings_json="{}",
    vouched=True,
)
FLOOD: Final = 3_000
PRICE: Final = 60_000


def programs(machine: Machine) -> Mapping[str, SimulatedProgram]:
    """What can be started on a machine: Python, and by it what the daemon asks for."""
    draw = random.Random(f"children {machine.seed}")

    async def python(
        argv: Sequence[str], _env: Mapping[str, str], stream: trio.abc.HalfCloseableStream
    ) -> int:
        if "snapshot" in argv:
            await trio.sleep(draw.uniform(0, 0.05))
            data_dir = Path(argv[argv.index("--data") + 1])
            return make_snapshot(machine, data_dir, paper="--paper" in argv)
        characters = list(_CHARACTERS) if not machine.healed else [trade]
        (run,) = draw.choices(characters, [_CHARACTERS[each] for each in characters])
        try:
            return await run(Channel(stream), draw)
        except (trio.BrokenResourceError, trio.ClosedResourceError, FrameError):
            return 1  # The daemon has gone, or it sent what is no frame.

    return {sys.executable: python}


def make_snapshot(machine: Machine, data_dir: Path, *, paper: bool) -> int:
    """What ``xached snapshot`` does; its second connection is to a copy of what is seen.

    The copy is there because SQLite's shared memory is not simulated; the snapshot itself is
    written to the machine's disk.
    """
    paths = DataPaths(data_dir)
    purpose = Purpose.PAPER_CHAIN if paper else Purpose.JOURNAL_CHAIN
    path, directory = (
        (paths.paper, paths.paper_snapshots) if paper else (paths.journal, paths.snapshots)
    )
    key = read_master_key(paths.master_key).derive(purpose)
    try:
        with (
            registered(machine.disk.as_seen()) as vfs,
            Journal.open_read_only(path, key, locking_mode="exclusive", vfs=vfs) as journal,
        ):
            files = DiskFiles(machine.disk, machine.vfs)
            snapshot_journal(directory, key, journal, files)
    except (apsw.Error, JournalDamaged, JournalFailed, OSError):
        return 1
    return 0


# --- strategies -----------------------------------------------------------------------------------


class Channel:
    """A child's end of its connection."""

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self._stream = stream
        self._reader = FrameReader()

    async def receive(self) -> list[plugin_pb2.HostFrame]:
        """What has come; [] once the daemon has closed the connection."""
        while data := await self._stream.receive_some(65_536):
            frames = [plugin_pb2.HostFrame.FromString(body) for body in self._reader.feed(data)]
            if frames:
                return frames
        return []

    async def send(self, **message: object) -> None:
        """Send one message, by field name."""
        body = plugin_pb2.ChildFrame(**message)  # type: ignore[arg-type]  # by field name
        await self._stream.send_all(frame(body.SerializeToString()))

    async def send_bytes(self, data: bytes) -> None:
        """Send what is no message."""
        await self._stream.send_all(data)

    async def begin(self) -> None:
        """Say how it is sealed, read the start and say what is wanted."""
        layers = [
            plugin_pb2.PLUGIN_SANDBOX_LAYER_FILES,
            plugin_pb2.PLUGIN_SANDBOX_LAYER_SYSTEM_CALLS,
        ]
        await self.send(sealed=plugin_pb2.PluginSealed(layers=layers))
        await self.receive()
        book = plugin_pb2.PluginSubscription(
            symbol="BTC-USDT", venue=XACHE, data=plugin_pb2.PLUGIN_MARKET_DATA_BOOK, depth=5
        )
        candles = plugin_pb2.PluginSubscription(
            symbol="BTC-USDT", venue=XACHE, data=plugin_pb2.PLUGIN_MARKET_DATA_CANDLES,
            interval_s=1, warm_up=20,
        )  # fmt: skip
        await self.send(ready=plugin_pb2.PluginReady(subscriptions=[book, candles]))


async def trade(channel: Channel, draw: random.Random, frames_max: int = 1 << 30) -> int:
    """Quote, take and amend a little on news, save now and then, end when asked."""
    await channel.begin()
    placed: list[str] = []
    seen = number = 0
    while frames := await channel.receive():
        for each in frames:
            seen += 1
            if seen > frames_max:
                return 3
            kind = each.WhichOneof("message")
            if kind == "stop":
                return 0
            if kind == "ping":
                await channel.send(pong=plugin_pb2.PluginPong(number=each.ping.number))
            elif kind == "book" and draw.random() < 0.3:
                number += 1
                placed.append(f"c{number}")
                intents = [plugin_pb2.PluginIntent(place=_place(draw, placed[-1]))]
                if len(placed) > 4:
                    cancel = plugin_pb2.PluginCancel(id=placed.pop(0))
                    intents.append(plugin_pb2.PluginIntent(cancel=cancel))
                if draw.random() < 0.2:
                    intents.append(plugin_pb2.PluginIntent(amend=_amend(draw.choice(placed))))
                await channel.send(intents=plugin_pb2.PluginIntents(intents=intents))
                if draw.random() < 0.2:
                    state = f'{{"placed":{number}}}'
                    await channel.send(save=plugin_pb2.PluginSave(version=1, state_json=state))
    return 0


async def crash(channel: Channel, draw: random.Random) -> int:
    """Trade for a while and end without a word."""
    return await trade(channel, draw, draw.randrange(1, 60))


async def hang(channel: Channel, _draw: random.Random) -> int:
    """Begin, and then neither read nor answer."""
    await channel.begin()
    await trio.sleep_forever()
    return 0


async def flood(channel: Channel, _draw: random.Random) -> int:
    """Say more in a second than anybody may."""
    await channel.begin()
    note = plugin_pb2.PluginIntent(note=plugin_pb2.PluginNote(text="more"))
    for _ in range(FLOOD // 20):
        await channel.send(intents=plugin_pb2.PluginIntents(intents=[note] * 20))
    await trio.sleep_forever()
    return 0


async def babble(channel: Channel, draw: random.Random) -> int:
    """Send bytes that are no frames."""
    await channel.begin()
    await channel.send_bytes(draw.randbytes(draw.randrange(1, 400)))
    await trio.sleep_forever()
    return 0


async def fail(channel: Channel, _draw: random.Random) -> int:
    """Report an error of the strategy and end."""
    await channel.begin()
    failed = plugin_pb2.PluginFailed(
        failure=plugin_pb2.PLUGIN_FAILURE_CALLBACK, message="division by zero"
    )
    await channel.send(failed=failed)
    return 1


_CHARACTERS: Final[dict[Callable[[Channel, random.Random], Awaitable[int]], int]] = {
    trade: 6, crash: 2, hang: 1, flood: 1, babble: 1, fail: 1,
}  # fmt: skip


def _amend(name: str) -> plugin_pb2.PluginAmend:
    return plugin_pb2.PluginAmend(id=name, symbol="BTC-USDT", quantity="0.00100000")


def _place(draw: random.Random, name: str) -> plugin_pb2.PluginPlace:
    side = draw.choice((plugin_pb2.PLUGIN_SIDE_BUY, plugin_pb2.PLUGIN_SIDE_SELL))
    return plugin_pb2.PluginPlace(
        id=name,
        symbol="BTC-USDT",
        side=side,
        price=str(PRICE + draw.randrange(-4, 5)),
        quantity=f"0.00{draw.randrange(1, 10)}",
        time_in_force=draw.choice(
            (plugin_pb2.PLUGIN_TIME_IN_FORCE_GTC, plugin_pb2.PLUGIN_TIME_IN_FORCE_IOC)
        ),
    )
