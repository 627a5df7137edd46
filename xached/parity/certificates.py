"""Makes parity certificates: reads what was recorded, replays it, compares.

*Decisions*: a new process of the strategy, sealed like the first, is told the recorded frames in
the order in which they were delivered. It must want the same after the same frame. What it wanted
after the last frame that it was known to have read is left out: it may have been under way.

*Fills*: its orders are replayed against the recorded book without them, by the declared model, and
compared with what they were filled with; see :mod:`xached.research.judgement.fill_replay`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

import attrs
from xache_sdk.seal import Layer

from xached.adapters.child import child_command
from xached.adapters.child_replay import ReplayFailed, Wanted, read_wanted, replay_frames
from xached.adapters.distributions import Distributions, PluginUnreadable
from xached.domain.instrument import Instrument
from xached.domain.market import XACHE
from xached.domain.plugins import PluginGroup
from xached.domain.recording import EntryKind
from xached.parity.orders import RunOrders, by_symbol
from xached.parity.revised import is_revised
from xached.research.history.candle_set import DataError
from xached.research.history.recordings import (
    MarketRecording,
    RunLog,
    read_log,
    read_market,
    tape_of,
)
from xached.research.judgement.certificate import (
    RunParity,
    StrategyCertificate,
    document,
    text,
)
from xached.research.judgement.fill_replay import LiveOrder, pair_orders, tape_without
from xached.research.judgement.parity import (
    Decision,
    OrderPair,
    decision_parity,
    fill_parity,
)
from xached.runtime.world import REAL_FILES, World
from xached.storage.recordings import RecordingFile, RecordingKind, Recordings, run_subject

CERTIFICATES_MAX: Final = 100
"""Of one strategy: a quarter of nights."""

EVERYBODYS_MAX: Final = 5_000
"""Of all, also of strategies that are no more."""

TIME_DIGITS: Final = 19

AROUND_NS: Final = 10 * 10**9
"""So much of the book before the first order is read, and after the last."""

NOTHING_TO_COMPARE: Final = decision_parity((), ())


class NothingRecorded(Exception):  # noqa: N818 - it says what is the matter
    """No log of such a strategy is there for that time."""


@attrs.frozen
class Installed:
    """A plugin as it is now: where it begins, and the digest of its files."""

    entry_point: str
    digest: str


def find_installed(name: str) -> Installed | None:
    """The strategy of a name that is installed; None for none, and for several."""
    distributions = Distributions()
    found = [
        each
        for each in distributions.find()
        if (each.group, each.name) == (PluginGroup.STRATEGY, name)
    ]
    if len(found) != 1:
        return None
    try:
        return Installed(found[0].entry_point, distributions.fingerprint(found[0]).digest)
    except PluginUnreadable:
        return None


@attrs.frozen(kw_only=True)
class Replaying:
    """How strategies are started again. The last three are replaced in tests."""

    world: World
    sandbox_min: frozenset[Layer]
    house: str = version("xached")
    find: Callable[[str], Installed | None] = find_installed
    command: Callable[[str], Sequence[str]] = child_command


async def certify(
    directory: Path,
    strategy: str,
    replaying: Replaying,
    *,
    from_ns: int,
    to_ns: int,
    latency_ns: int,
) -> StrategyCertificate:
    """Judge the runs of a strategy that have something in [from, to).

    Raises: NothingRecorded; OSError when recordings cannot be read.
    """
    runs, pairs = [], []
    unknown: Counter[str] = Counter()
    for log in find_logs(directory, strategy):
        parity = await _judge(log, replaying, from_ns, to_ns)
        if parity is None:
            continue
        runs.append(parity)
        orders, unreadable = RunOrders(log).read(from_ns, to_ns)
        unknown += unreadable
        changed = _has_changed(log, replaying)
        for symbol, some in by_symbol(orders):
            replayed, left_out = _replay_fills(
                directory, log, symbol, some, latency_ns, version_differs=changed
            )
            pairs += replayed
            unknown += left_out
    if not runs:
        raise NothingRecorded(f"nothing of strategy {strategy!r} was recorded then")
    return StrategyCertificate(
        strategy=strategy,
        from_ns=from_ns,
        to_ns=to_ns,
        made_at_ns=replaying.world.now_ns(),
        latency_ns=latency_ns,
        runs=tuple(runs),
        fills=fill_parity(pairs),
        not_replayed=dict(unknown),
    )


def _has_changed(log: RunLog, replaying: Replaying) -> bool:
    """Whether the strategy, or the house and with it the fill model, is another one by now."""
    installed = replaying.find(log.about["plugin"])
    if installed is not None and installed.digest != log.about["plugin_digest"]:
        return True
    # Logs of earlier versions do not say by which house they were written.
    return bool(log.about.get("house", replaying.house) != replaying.house)


def _replay_fills(
    directory: Path,
    log: RunLog,
    symbol: str,
    orders: list[LiveOrder],
    latency_ns: int,
    *,
    version_differs: bool,
) -> tuple[list[OrderPair], Counter[str]]:
    """Replay the orders of one market; the second counts those whose book was not recorded."""
    instrument = next(
        Instrument(**terms) for terms in log.about["instruments"] if terms["symbol"] == symbol
    )
    first_ns = min(order.wanted_at_ns for order in orders) - AROUND_NS
    last_ns = max(_last_ns(order) for order in orders)
    recorded = _find_book(directory, symbol, log.about["paper"], first_ns, last_ns)
    if recorded is None:
        return [], Counter({"its book was not recorded": len(orders)})
    house = recorded.venue == XACHE
    tape, breaks = tape_of(recorded, by_venue=house)
    begins_ns, ends_ns = tape.at_ns.item(0), tape.at_ns.item(-1)
    inside = [order for order in orders if begins_ns <= order.wanted_at_ns <= ends_ns]
    left_out = Counter({"its book was not recorded": len(orders) - len(inside)})
    if house:
        tape = tape_without(tape, instrument, orders)
    pairs = pair_orders(
        tape,
        breaks.tolist(),
        instrument,
        inside,
        latency_ns=latency_ns,
        version_differs=version_differs,
        data_revised=is_revised(log, instrument, recorded),
    )
    return pairs, +left_out


def _find_book(
    directory: Path, symbol: str, paper: bool, first_ns: int, last_ns: int
) -> MarketRecording | None:
    """The recording of the book in which orders traded: the house's own, or on paper the one of
    the venue that it follows. None where there is none, or where it is not certain which."""
    files: dict[str, list[RecordingFile]] = {}
    for file in Recordings(directory, REAL_FILES).find():
        venue, _, recorded = file.subject.partition(".")
        if file.kind is RecordingKind.MARKET and recorded == symbol and (venue != XACHE) == paper:
            files.setdefault(venue, []).append(file)
    if len(files) != 1:
        return None
    [found] = files.values()
    later = [file.began_at_ns for file in found[1:]] + [last_ns + 1]
    # A file holds what came until the next one began, and the first what waited to be written.
    wanted = [
        directory / file.name
        for file, end_ns in zip(found, later, strict=True)
        if file.began_at_ns <= last_ns + AROUND_NS and end_ns > first_ns
    ]
    try:
        return read_market(wanted)
    except DataError:
        return None


def find_logs(directory: Path, strategy: str) -> Iterator[RunLog]:
    """The logs of a strategy's runs, oldest first; those that cannot be replayed are left out."""
    prefix = run_subject(strategy, "")
    by_run: dict[str, list[Path]] = {}
    for file in Recordings(directory, REAL_FILES).find():
        if file.kind is RecordingKind.INPUTS and file.subject.startswith(prefix):
            by_run.setdefault(file.subject, []).append(directory / file.name)
    for paths in by_run.values():
        try:
            yield read_log(paths)
        except DataError:
            continue  # Cut off before anything was told, or its beginning is no longer kept.


async def _judge(log: RunLog, replaying: Replaying, from_ns: int, to_ns: int) -> RunParity | None:
    recorded = _recorded(log, from_ns, to_ns)
    if recorded is None:
        return None
    about, notes = log.about, []
    decisions = NOTHING_TO_COMPARE
    installed = replaying.find(about["plugin"])
    if installed is None:
        notes.append(f"strategy {about['plugin']!r} is not installed any more")
    elif installed.digest != about["plugin_digest"]:
        notes.append(f"another {about['plugin']!r} is installed than the one that ran")
    else:
        try:
            replayed = await replay_frames(
                replaying.world,
                replaying.command(installed.entry_point),
                _frames(log, recorded.frames),
                sandbox_min=replaying.sandbox_min,
            )
        except ReplayFailed as failed:
            notes.append(f"it could not be replayed: {failed}")
        else:
            decisions = decision_parity(
                _decisions(recorded.wanted, recorded), _decisions(replayed.wanted, recorded)
            )
    return RunParity(
        run_id=about["run_id"],
        plugin=about["plugin"],
        version=about["version"],
        plugin_digest=about["plugin_digest"],
        started_at_ns=int(about["started_at_ns"]),
        inputs=recorded.frames,
        decisions=decisions,
        notes=tuple(notes),
    )


@attrs.frozen(kw_only=True)
class _Recorded:
    """What a log holds of a stretch of time.

    ``frames`` is how many there are up to its end, ``first`` the first of it, and ``settled`` the
    last of which is known that the strategy had read it.
    """

    wanted: dict[int, tuple[Wanted, ...]]
    frames: int
    first: int
    settled: float


def _recorded(log: RunLog, from_ns: int, to_ns: int) -> _Recorded | None:
    wanted: dict[int, tuple[Wanted, ...]] = {}
    frames, first, settled = 0, 0, 0.0
    for entry in log.entries():
        if entry.at_ns >= to_ns:
            break
        match entry.kind:
            case EntryKind.HANDED:
                frames = entry.number
                if not first and entry.at_ns >= from_ns:
                    first = frames
            case EntryKind.DECIDED:
                number, some = read_wanted(entry.frame)
                wanted[number] = wanted.get(number, ()) + some
            case EntryKind.ANSWERED:
                settled = max(settled, entry.number)
            case EntryKind.ENDED:
                settled = math.inf
    if not first:
        return None
    return _Recorded(wanted=wanted, frames=frames, first=first, settled=settled)


def _frames(log: RunLog, count: int) -> Iterator[bytes]:
    for entry in log.entries():
        if entry.kind is EntryKind.HANDED:
            if entry.number > count:
                return
            yield entry.frame


def _decisions(wanted: dict[int, tuple[Wanted, ...]], recorded: _Recorded) -> list[Decision]:
    return [
        Decision(number, some)
        for number, some in wanted.items()
        if recorded.first <= number <= recorded.settled
    ]


def keep_certificate(certificate: StrategyCertificate, directory: Path) -> Path:
    """Write a certificate as JSON and as text; of a strategy, and of all, the newest ones stay.

    Returns the JSON's path. Raises: OSError.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    prefix = run_subject(certificate.strategy, "")
    path = directory / f"{prefix}{certificate.to_ns:0{TIME_DIGITS}d}.json"
    for each, content in (
        (path, json.dumps(document(certificate), indent=2) + "\n"),
        (path.with_suffix(".txt"), text(certificate)),
    ):
        REAL_FILES.write(each.with_suffix(".tmp"), content.encode())
        REAL_FILES.rename(each.with_suffix(".tmp"), each)
    everybodys = sorted(directory.glob("*.json"), key=lambda each: each.stem[-TIME_DIGITS:])
    of_it = [each for each in everybodys if each.name.startswith(prefix)]
    for kept, most in ((of_it, CERTIFICATES_MAX), (everybodys, EVERYBODYS_MAX)):
        for old in kept[: max(0, len(kept) - most)]:
            old.unlink(missing_ok=True)
            old.with_suffix(".txt").unlink(missing_ok=True)
    return path


def _last_ns(order: LiveOrder) -> int:
    """When an order was last heard of."""
    times = [order.wanted_at_ns, order.ended_at_ns or 0, *(fill.at_ns for fill in order.fills)]
    return max(times)
