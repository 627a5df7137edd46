"""Schedulers: the same results wherever they are made, on a real cluster too."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.research.jobs import refuse, run_noise, square, trader
from tests.research.learning import TERMS, market
from xached.research.judgement.track_record import DAY_NS
from xached.research.judgement.walk_forward import WalkForward, Window, plan_windows, walk_forward
from xached.research.models.model import training_data
from xached.research.models.model_walk import (
    TradeTerms,
    block_rows,
    control_returns,
    train_walk,
)
from xached.research.schedulers import (
    LocalProcesses,
    NoCluster,
    Scheduler,
    dask_cluster,
    in_turn,
)

START_S_MAX = 120
PLAN = plan_windows(Window(0, 200 * DAY_NS), train_ns=80 * DAY_NS, test_ns=40 * DAY_NS)


def walked(scheduler: Scheduler) -> WalkForward[int]:
    return walk_forward(run_noise, tuple(range(4)), PLAN, scheduler=scheduler)


def check(scheduler: Scheduler, processes: int) -> None:
    """Results are right and in order, errors come through, and a walk is the same as in turn."""
    found = list(scheduler(square, range(40)))
    assert [result for result, _ in found] == [number**2 for number in range(40)]
    pids = {pid for _, pid in found}
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= processes
    assert list(scheduler(square, [])) == []
    with pytest.raises(LookupError, match="three"):
        list(scheduler(refuse, range(6)))
    one, here = walked(scheduler), walked(in_turn)
    assert [fold.chosen for fold in one.folds] == [fold.chosen for fold in here.folds]
    assert one.curve.equity.tolist() == here.curve.equity.tolist()


def check_training(scheduler: Scheduler) -> None:
    """Models are the same texts wherever they were trained, and so are those that know nothing."""
    candles = market(21, 3_200, 0.3)
    data = training_data(TERMS, candles, {})
    blocks = block_rows(len(data))
    there, here = (train_walk(TERMS, data, blocks, each) for each in (scheduler, in_turn))
    assert len(here.models) > 1
    assert [each.digest for each in there.models] == [each.digest for each in here.models]
    one, other = (
        control_returns(TERMS, data, blocks, [5], trader, candles, [], TradeTerms(), each)
        for each in (scheduler, in_turn)
    )
    assert one == other


def test_local_processes_give_the_same() -> None:
    check(LocalProcesses(2), processes=2)
    check_training(LocalProcesses(2))


def test_what_cannot_be_sent_is_said() -> None:
    with pytest.raises((AttributeError, TypeError), match=r"pickle|local"):
        list(LocalProcesses(1)(lambda number: number, [1]))


def test_there_is_at_least_one_process() -> None:
    with pytest.raises(ValueError, match="at least one"):
        LocalProcesses(0)


@contextlib.contextmanager
def running_cluster(folder: Path) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own; the scheduler's address."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(Path.cwd()), *sys.path])),
        "DASK_CONFIG": str(folder),
        "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "spawn",
    }
    dask = [sys.executable, "-m", "dask"]
    with contextlib.ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [*dask, *arguments],
                env=environment,
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(stop, process)
            return process

        scheduler = start("scheduler", "--host", "tcp://127.0.0.1:0", "--no-dashboard", "--no-show")
        address = line_with(scheduler, "Scheduler at:").split()[-1]
        for number in range(2):
            worker = start(
                "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
                "--host", "127.0.0.1", "--name", str(number), "--local-directory", str(folder),
            )  # fmt: skip
            line_with(worker, "Registered to:")
        yield address


def line_with(process: subprocess.Popen[str], text: str) -> str:
    """The first line that a process says with a text in it."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if text in line:
            return line
    raise AssertionError("".join(said))


def stop(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.mark.timeout(START_S_MAX)
def test_a_cluster_of_two_workers_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask is not installed")
    with running_cluster(tmp_path) as address, dask_cluster(address) as cluster:
        check(cluster, processes=2)
        check_training(cluster)


def test_a_cluster_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoCluster, match="tcp://"), dask_cluster("127.0.0.1:8786"):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NoCluster, match="pip install"), dask_cluster("tcp://127.0.0.1:1"):
        pass
