"""One run: which parts, how large, and what comes out."""

from __future__ import annotations

import enum
import os
import platform
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from importlib.metadata import version

import attrs
import grpc

from xached.bench.backtest import BacktestSizes, measure_backtest
from xached.bench.desktop import DesktopSizes, measure_desktop
from xached.bench.engine import measure_book, measure_engine
from xached.bench.fanout import FanoutSizes, measure_fanout
from xached.bench.figures import Figure, Report
from xached.bench.grpc_load import LoadSizes, measure_grpc
from xached.bench.login_flood import LoginFloodSizes, measure_login_flood
from xached.bench.overload import OverloadSizes, measure_overload
from xached.bench.processes import BenchFailed
from xached.bench.storage import measure_storage
from xached.bench.web import WebSizes, measure_web


class Part(enum.Enum):
    """What can be measured alone."""

    ENGINE = "engine"
    BOOK = "book"
    RECOVERY = "recovery"
    GRPC = "grpc"
    FANOUT = "fanout"
    OVERLOAD = "overload"
    LOGINFLOOD = "loginflood"
    BACKTEST = "backtest"
    WEB = "web"
    DESKTOP = "desktop"


@attrs.frozen(kw_only=True)
class Sizes:
    """How much is measured. Figures of different sizes cannot be compared."""

    engine_commands: int
    engine_rounds: int
    """Of the engine and of the book, too."""
    book_commands: int
    book_resting: int
    recovery_commands: int
    """The journal has about two events for each."""

    load: LoadSizes
    fanout: FanoutSizes
    overload: OverloadSizes
    login_flood: LoginFloodSizes
    backtest: BacktestSizes
    web: WebSizes
    desktop: DesktopSizes


FULL = Sizes(
    engine_commands=100_000,
    engine_rounds=5,
    book_commands=200_000,
    book_resting=10_000,
    recovery_commands=160_000,
    load=LoadSizes(rounds=2, warm_up_s=0.5, window_s=3.0),
    fanout=FanoutSizes(rounds=3, warm_up_s=1.0, window_s=5.0),
    overload=OverloadSizes(window_s=5.0),
    login_flood=LoginFloodSizes(window_s=10.0),
    backtest=BacktestSizes(
        bars=525_600,
        tape_rows=1_000_000,
        rounds=3,
        fasts=tuple(range(5, 55, 5)),
        slows=tuple(range(60, 260, 20)),
    ),
    web=WebSizes(pages=5, window_s=10.0, hour_messages=180_000),
    desktop=DesktopSizes(starts=5),
)
"""What figures are published of: about eight minutes."""

QUICK = Sizes(
    engine_commands=2_000,
    engine_rounds=2,
    book_commands=2_000,
    book_resting=500,
    recovery_commands=2_000,
    load=LoadSizes(rounds=1, warm_up_s=0.05, window_s=0.2),
    fanout=FanoutSizes(rounds=1, warm_up_s=0.05, window_s=0.3),
    overload=OverloadSizes(window_s=0.3),
    login_flood=LoginFloodSizes(window_s=0.5),
    backtest=BacktestSizes(bars=3_000, tape_rows=3_000, rounds=1, fasts=(5, 10), slows=(20, 40)),
    web=WebSizes(pages=1, window_s=0.5, hour_messages=500),
    desktop=DesktopSizes(starts=1),
)
"""Shows that everything works; the figures are worth nothing."""


def run_bench(
    parts: Collection[Part], sizes: Sizes, progress: Callable[[str], None] = lambda _step: None
) -> Report:
    """Measure some parts, or with none named all of them.

    What one could not measure is told in the report, beside the others' figures.
    """
    machine = _describe_machine()
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    for part in Part:
        if not parts or part in parts:
            progress(part.value)
            try:
                figures.extend(_measure(part, sizes, progress))
            except (BenchFailed, grpc.RpcError, OSError) as error:
                failed[part.value] = str(error)
    return Report(machine=machine, figures=tuple(figures), failed=failed)


def _measure(part: Part, sizes: Sizes, progress: Callable[[str], None]) -> list[Figure]:
    match part:
        case Part.ENGINE:
            return measure_engine(sizes.engine_commands, sizes.engine_rounds)
        case Part.BOOK:
            return measure_book(sizes.book_commands, sizes.book_resting, sizes.engine_rounds)
        case Part.RECOVERY:
            return measure_storage(sizes.recovery_commands)
        case Part.GRPC:
            return measure_grpc(sizes.load, progress)
        case Part.FANOUT:
            return measure_fanout(sizes.fanout, progress)
        case Part.OVERLOAD:
            return measure_overload(sizes.overload)
        case Part.LOGINFLOOD:
            return measure_login_flood(sizes.login_flood)
        case Part.BACKTEST:
            return measure_backtest(sizes.backtest, progress)
        case Part.WEB:
            return measure_web(sizes.web, progress)
        case Part.DESKTOP:
            return measure_desktop(sizes.desktop)


def _describe_machine() -> dict[str, str]:
    """Where figures come from, and how busy it was before: company spoils rates and waits."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "xached": version("xached"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": str(os.cpu_count()),
        "load_before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
