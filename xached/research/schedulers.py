"""Where many runs are done: here in turn, in local processes, or on a Dask cluster.

All give the same results in the same order. What is common to all items (a runner with its history)
is sent to each worker once; an item is small. Workers import what they run, so they need the same
packages installed.

A Dask cluster runs whatever reaches its scheduler: let only those reach it who may run code on all
of its machines, and use ``tls://`` beyond one machine.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Final, Protocol, TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

CONNECT_S_MAX: Final = 30


class NoCluster(Exception):  # noqa: N818 - it says what is the matter
    """The cluster cannot be used; the text says why."""


class Scheduler(Protocol):
    """Applies a function to items, and gives the results in their order."""

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT], /
    ) -> Iterable[ResultT]:
        """Apply. What the function raises is raised here."""


def in_turn(function: Callable[[ItemT], ResultT], items: Sequence[ItemT], /) -> Iterable[ResultT]:
    """One after the other, in this process."""
    return map(function, items)


class LocalProcesses:
    """New processes of this machine, started for each use and gone after it."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError("there is at least one process")
        self.count = count

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT], /
    ) -> Iterator[ResultT]:
        """Apply; results come as they are asked for.

        Raises: pickle.PicklingError, TypeError or AttributeError for what cannot be sent;
            BrokenProcessPool when a process died.
        """
        if not items:
            return
        # Spawned, not forked: a fork copies locks that threads of this process hold.
        with ProcessPoolExecutor(
            min(self.count, len(items)),
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_remember,
            initargs=(pickle.dumps(function),),
        ) as pool:
            yield from pool.map(_apply_remembered, items)


_remembered: list[Callable[[Any], Any]] = []
"""The function of this worker process."""


def _remember(pickled: bytes) -> None:
    _remembered[:] = [pickle.loads(pickled)]  # noqa: S301 - written by the parent process


def _apply_remembered(item: object) -> Any:
    return _remembered[0](item)


@contextlib.contextmanager
def open_scheduler(address: str, processes: int) -> Iterator[Scheduler]:
    """A Dask cluster where an address is given, else so many processes of this machine.

    One process is this one. Raises: NoCluster.
    """
    if address:
        with dask_cluster(address) as cluster:
            yield cluster
    else:
        yield in_turn if processes == 1 else LocalProcesses(processes)


class DaskCluster:
    """The workers of a running Dask scheduler. Made by :func:`dask_cluster`."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT], /
    ) -> Iterable[ResultT]:
        """Apply. What cannot be pickled is raised as it is by pickle."""
        if not items:
            return []
        sent = self._client.scatter(pickle.dumps(function), broadcast=True, hash=False)
        futures = [self._client.submit(_apply_sent, sent, item, pure=False) for item in items]
        results: list[ResultT] = self._client.gather(futures)
        return results


def _apply_sent(pickled: bytes, item: object) -> Any:
    return pickle.loads(pickled)(item)  # noqa: S301 - written by who may run code on the cluster


@contextlib.contextmanager
def dask_cluster(address: str) -> Iterator[DaskCluster]:
    """Use a scheduler at ``tcp://host:port`` or ``tls://host:port``.

    Raises: NoCluster when dask is not installed, or nothing answers within 30 seconds.
    """
    if not address.startswith(("tcp://", "tls://")):
        raise NoCluster(f"a scheduler is at tcp:// or tls://, not {address}")
    try:
        from distributed import Client
    except ImportError:
        raise NoCluster("dask is missing: pip install 'xached[cluster]'") from None
    try:
        client = Client(address, timeout=CONNECT_S_MAX, set_as_default=False)
    except OSError as error:
        raise NoCluster(f"{address}: {error}") from None
    with client:
        yield DaskCluster(client)
