"""The world outside: the only way in for what is not deterministic.

Wall clock, entropy, threads, child processes, connections and files that must last come from a
:class:`World`. With :func:`run_simulated` the whole daemon runs from one seed, at the speed of the
processor, and a crash is one call: :meth:`SimulatedWorld.freeze`.
"""

from __future__ import annotations

import contextlib
import os
import queue
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol, TypeVar, TypeVarTuple

import attrs
import outcome
import trio
from trio._core import _run as trio_run

from xached.runtime.public_addresses import dial_public

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

LockingMode = Literal["normal", "exclusive"]
"""SQLite's locking mode; a VFS without shared memory needs ``exclusive`` for its WAL."""

SYSTEM_LOG: Final = Path("/dev/log")
_AUTHPRIV_NOTICE: Final = 10 << 3 | 5

THREADS_MAX = 8
HASH_WORKERS_MAX: Final = 2
NS_PER_S = 1_000_000_000


@attrs.frozen(kw_only=True)
class Argon2Cost:
    """What one password hash costs: passes over so much memory."""

    passes: int
    memory_bytes: int


class Lane(Protocol):
    """One dedicated thread that runs one function at a time, in the order asked for."""

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """Run a function on the lane's thread and wait for it.

        Once it is queued it cannot be cancelled: work with files either happens or does not.
        """
        ...

    def close(self) -> None:
        """Let the thread end after what is queued."""
        ...


class Child(Protocol):
    """A child process and the socket to it."""

    @property
    def pid(self) -> int:
        """Its process id."""
        ...

    @property
    def stream(self) -> trio.abc.HalfCloseableStream:
        """Both directions of the socket pair."""
        ...

    async def wait(self) -> int:
        """Wait for its end and return its exit code; negative is the signal that killed it."""
        ...

    def kill(self) -> None:
        """Kill it and what it has started at once; no error when it has ended."""
        ...


class Files(Protocol):
    """Files that must survive a power cut: SQLite's by its VFS, others by these calls.

    Raises: OSError, where the operating system would.
    """

    @property
    def sqlite_vfs(self) -> str | None:
        """Name of the VFS that SQLite sees them through; None for its own."""
        ...

    def size(self, path: Path) -> int | None:
        """How many bytes a file has; None when there is no such file."""
        ...

    def read(self, path: Path) -> bytes:
        """All of a file."""
        ...

    def read_part(self, path: Path, offset: int, bytes_max: int) -> bytes:
        """So many bytes of a file from an offset on; fewer at its end."""
        ...

    def list_names(self, directory: Path, suffix: str) -> list[str]:
        """The names in a directory that end so, sorted."""
        ...

    def write(self, path: Path, data: bytes) -> None:
        """Make or replace a file; its bytes are on disk on return, its name may not be."""
        ...

    def append(self, path: Path, data: bytes) -> None:
        """Add to the end of a file, or begin it. A power cut may take it off again."""
        ...

    def rewrite(self, path: Path, bytes_max: int | None) -> None:
        """Write a file's bytes, or its first ones, again where they are, and bring them to disk."""
        ...

    def rename(self, path: Path, target: Path) -> None:
        """Give a file another name, replacing what has it."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file. No error when there is none."""
        ...

    def sync_directory(self, directory: Path) -> None:
        """Bring the names in a directory to disk."""
        ...

    def free_bytes(self, directory: Path) -> int:
        """How much room is left where a directory is."""
        ...


class World(Protocol):
    """Everything that is not decided by the program itself."""

    @property
    def files(self) -> Files:
        """Where the journal, the vault and the snapshots are."""
        ...

    @property
    def sqlite_locking_mode(self) -> LockingMode:
        """How SQLite databases are locked here."""
        ...

    @property
    def argon2_cost(self) -> Argon2Cost:
        """What a password hash costs here."""
        ...

    @property
    def hash_workers(self) -> int:
        """How many passwords may be hashed at a time here: each keeps a processor busy."""
        ...

    def now_ns(self) -> int:
        """Wall clock, nanoseconds since 1970 UTC. It may jump."""
        ...

    def monotonic_ns(self) -> int:
        """A clock that only goes forward, from an arbitrary start."""
        ...

    def entropy(self, n: int) -> bytes:
        """``n`` bytes nobody can guess."""
        ...

    def open_lane(self, name: str) -> Lane:
        """Start a dedicated thread. The caller closes it."""
        ...

    def tell_system(self, line: str) -> bool:
        """Write a line to the system's log, without waiting.

        False where there is none, or it does not take it now.
        """
        ...

    async def run_in_thread(
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """Run a function on some thread of a bounded pool. Not cancellable once started."""
        ...

    async def spawn(self, argv: Sequence[str], *, pass_fd: str, env: Mapping[str, str]) -> Child:
        """Start a child process in its own session, joined by a socket pair.

        Its end of the pair is named by appending ``pass_fd`` and the descriptor's number to
        ``argv``; it inherits no other descriptor and no environment but ``env``.

        Raises: OSError when it cannot be started.
        """
        ...

    async def dial(
        self, host: str, port: int, *, tls: bool, public: bool = False
    ) -> trio.abc.Stream:
        """Connect to a server; with ``tls`` it must prove to be ``host``.

        ``public``: only at an address of the public Internet, whatever the name leads to.

        Raises: OSError when it cannot be reached, or is not who or where it should be.
        """
        ...

    async def secure(self, stream: trio.abc.Stream, host: str) -> trio.abc.Stream:
        """Go on in TLS on a connection that was agreed to; the server must prove to be ``host``.

        Raises: OSError when it does not; then the connection is closed.
        """
        ...


# --- The real one. ---------------------------------------------------------------------------


class RealFiles:
    """Files of the operating system."""

    sqlite_vfs: str | None = None

    def size(self, path: Path) -> int | None:
        """See Files."""
        return path.stat().st_size if path.exists() else None

    def read(self, path: Path) -> bytes:
        """See Files."""
        return path.read_bytes()

    def read_part(self, path: Path, offset: int, bytes_max: int) -> bytes:
        """See Files."""
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(bytes_max)

    def list_names(self, directory: Path, suffix: str) -> list[str]:
        """See Files."""
        return sorted(path.name for path in directory.glob(f"*{suffix}"))

    def write(self, path: Path, data: bytes) -> None:
        """See Files."""
        with path.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def append(self, path: Path, data: bytes) -> None:
        """See Files."""
        with path.open("ab") as file:
            file.write(data)

    def rewrite(self, path: Path, bytes_max: int | None) -> None:
        """See Files."""
        with path.open("r+b") as file:
            data = file.read(bytes_max)
            file.seek(0)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def rename(self, path: Path, target: Path) -> None:
        """See Files."""
        path.rename(target)

    def remove(self, path: Path) -> None:
        """See Files."""
        path.unlink(missing_ok=True)

    def sync_directory(self, directory: Path) -> None:
        """See Files."""
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def free_bytes(self, directory: Path) -> int:
        """See Files."""
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize


REAL_FILES: Final = RealFiles()


class RealWorld:
    """Clocks, entropy, threads, processes, sockets and files of the operating system."""

    files: Files = REAL_FILES
    sqlite_locking_mode: LockingMode = "normal"
    # OWASP password storage: argon2id with 19 MiB and two passes.
    argon2_cost = Argon2Cost(passes=2, memory_bytes=19 * 1024 * 1024)

    def __init__(
        self, trusted: ssl.SSLContext | None = None, *, system_log: Path = SYSTEM_LOG
    ) -> None:
        """``trusted``: whose certificates servers may show; the system's list by default."""
        # Orders need a processor that no hash has: four threads wake for each of them.
        self.hash_workers = max(1, min(HASH_WORKERS_MAX, (os.cpu_count() or 1) - 1))
        self._system_log = system_log
        self._threads = trio.CapacityLimiter(THREADS_MAX)
        self._spawner: _ThreadLane | None = None
        self._trusted = trusted

    def now_ns(self) -> int:
        """See World."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """See World."""
        return time.monotonic_ns()

    def entropy(self, n: int) -> bytes:
        """See World."""
        return os.urandom(n)

    def open_lane(self, name: str) -> Lane:
        """See World."""
        return _ThreadLane(name)

    def tell_system(self, line: str) -> bool:
        """See World."""
        # RFC 3164, as syslog(3) sends it: journald and every syslog daemon listen there.
        message = f"<{_AUTHPRIV_NOTICE}>xached[{os.getpid()}]: {line}".encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as log:
            try:
                log.sendto(message, str(self._system_log))
            except OSError:
                return False
        return True

    async def run_in_thread(
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """See World."""
        return await trio.to_thread.run_sync(function, *arguments, limiter=self._threads)

    async def spawn(self, argv: Sequence[str], *, pass_fd: str, env: Mapping[str, str]) -> Child:
        """See World."""
        # A child that asks to die with its parent (PR_SET_PDEATHSIG) dies with the *thread* that
        # started it, and trio's worker threads end after ten idle seconds: hence one that stays.
        if self._spawner is None:
            self._spawner = _ThreadLane("spawn")
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = await self._spawner.run(_start_process, argv, pass_fd, theirs, env)
            except BaseException:
                ours.close()
                raise
        return _ProcessChild(process, trio.SocketStream(trio.socket.from_stdlib_socket(ours)))

    async def dial(
        self, host: str, port: int, *, tls: bool, public: bool = False
    ) -> trio.abc.Stream:
        """See World."""
        stream = await (dial_public if public else trio.open_tcp_stream)(host, port)
        return await self.secure(stream, host) if tls else stream

    async def secure(self, stream: trio.abc.Stream, host: str) -> trio.abc.Stream:
        """See World."""
        if self._trusted is None:
            self._trusted = await self.run_in_thread(ssl.create_default_context)
        # Many servers close without saying so in TLS; what is read here has a length of its own.
        secured = trio.SSLStream(stream, self._trusted, server_hostname=host, https_compatible=True)
        try:
            await secured.do_handshake()
        except BaseException as error:
            await trio.aclose_forcefully(stream)
            if isinstance(error, trio.BrokenResourceError):
                reason = error.__cause__ or error
                raise ConnectionError(f"no TLS with {host}: {reason}") from error
            raise
        return secured


def _start_process(
    argv: Sequence[str], pass_fd: str, theirs: socket.socket, env: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - the daemon chooses what it starts
        [*argv, pass_fd, str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        env=dict(env),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


_Job = Callable[[], None]


class _ThreadLane:
    """A thread, a queue to it, and trio's entry queue back: a tenth of the cost of to_thread."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """See Lane."""
        assert not self._closed, "the lane is closed"
        await trio.lowlevel.checkpoint_if_cancelled()
        task = trio.lowlevel.current_task()
        token = trio.lowlevel.current_trio_token()

        def job() -> None:
            result = outcome.capture(function, *arguments)
            token.run_sync_soon(trio.lowlevel.reschedule, task, result)

        self._jobs.put(job)
        result: Result = await trio.lowlevel.wait_task_rescheduled(
            lambda _: trio.lowlevel.Abort.FAILED
        )
        return result

    def close(self) -> None:
        """See Lane."""
        self._closed = True
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


class _ProcessChild:
    def __init__(self, process: subprocess.Popen[bytes], stream: trio.SocketStream) -> None:
        self._process = process
        self._ended = os.pidfd_open(process.pid)
        self._waiting = trio.Lock()
        self._stream = stream

    @property
    def pid(self) -> int:
        """See Child."""
        return self._process.pid

    @property
    def stream(self) -> trio.abc.HalfCloseableStream:
        """See Child."""
        return self._stream

    async def wait(self) -> int:
        """See Child."""
        async with self._waiting:
            while self._process.poll() is None:
                await trio.lowlevel.wait_readable(self._ended)
            if self._ended >= 0:
                os.close(self._ended)
                self._ended = -1
        code: int = self._process.returncode
        return code

    def kill(self) -> None:
        """See Child."""
        # It leads a group of its own; once reaped, its number may be another's.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


# --- The simulated one. ----------------------------------------------------------------------

SimulatedProgram = Callable[
    [Sequence[str], Mapping[str, str], trio.abc.HalfCloseableStream], Awaitable[int]
]
"""What a simulated child does with arguments, environment and its socket: an exit code."""

SimulatedServer = Callable[[trio.abc.HalfCloseableStream], Awaitable[None]]
"""What a simulated server does with one connection. TLS is left out."""

EPOCH_NS = 1_767_225_600 * NS_PER_S
"""2026-01-01 UTC: where simulated wall clocks start."""

DELAY_S_MAX = 0.002
SIMULATED_FD = 3


class Frozen(BaseException):
    """The simulated machine has lost power. Raised by every later call; never caught."""


class SimulatedWorld:
    """A world made of one seed, to be run under ``MockClock(autojump_threshold=0)``.

    Work for threads is done inline, between two pauses drawn from the seed. Programs that can be
    spawned are given by name, servers that can be dialled by host; there are no others. A machine
    that starts again after a crash is another world with a seed of its own, so that it draws other
    ids.
    """

    sqlite_locking_mode: LockingMode = "exclusive"
    # The least that libsodium accepts: hashes are not under attack here.
    argon2_cost = Argon2Cost(passes=1, memory_bytes=8192)
    hash_workers = HASH_WORKERS_MAX

    delay_s_max = DELAY_S_MAX
    """How long work for threads may take; a slow disk has more."""

    def __init__(
        self,
        seed: int | str,
        programs: Mapping[str, SimulatedProgram] | None = None,
        files: Files = REAL_FILES,
        servers: Mapping[str, SimulatedServer] | None = None,
    ) -> None:
        self.files = files
        # One stream each, so that more pauses do not change the ids that are drawn.
        self._entropy = random.Random(f"entropy {seed}")  # noqa: S311 - reproducible on purpose
        self._delays = random.Random(f"delays {seed}")  # noqa: S311 - reproducible on purpose
        self._programs = programs or {}
        self._servers = servers or {}
        self._frozen = False
        self._clock_offset_ns = 0
        self._pids = 0
        self.told: list[str] = []
        """What the system's log was told, oldest first."""

    @property
    def frozen(self) -> bool:
        """Whether it has lost power."""
        return self._frozen

    def freeze(self) -> None:
        """Lose power: from now on nothing outside the program can be reached."""
        self._frozen = True

    def shift_clock(self, by_ns: int) -> None:
        """Let the wall clock jump, as after a wrong correction."""
        self._clock_offset_ns += by_ns

    def now_ns(self) -> int:
        """See World."""
        return EPOCH_NS + self._clock_offset_ns + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """See World."""
        self._check_power()
        return round(trio.current_time() * NS_PER_S)

    def entropy(self, n: int) -> bytes:
        """See World."""
        self._check_power()
        return self._entropy.randbytes(n)

    def open_lane(self, name: str) -> Lane:
        """See World."""
        self._check_power()
        return _InlineLane(self, name)

    def tell_system(self, line: str) -> bool:
        """See World."""
        self._check_power()
        self.told.append(line)
        return True

    async def run_in_thread(
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        """See World."""
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):
            await self._pause()
            result = outcome.capture(function, *arguments)
            await self._pause()
        return result.unwrap()

    async def spawn(self, argv: Sequence[str], *, pass_fd: str, env: Mapping[str, str]) -> Child:
        """See World."""
        await self._pause()
        program = self._programs.get(argv[0])
        if program is None:
            raise FileNotFoundError(argv[0])
        ours, theirs = _memory_streams()
        self._pids += 1
        child = _TaskChild(self._pids, ours)
        trio.lowlevel.spawn_system_task(
            child.run, program, [*argv, pass_fd, str(SIMULATED_FD)], env, theirs
        )
        return child

    async def dial(
        self,
        host: str,
        port: int,  # noqa: ARG002 - as in World
        *,
        tls: bool,  # noqa: ARG002 - as in World
        public: bool = False,  # noqa: ARG002 - as in World
    ) -> trio.abc.Stream:
        """See World."""
        await self._pause()
        server = self._servers.get(host)
        if server is None:
            raise ConnectionRefusedError(f"nothing listens on {host}")
        ours, theirs = _memory_streams()
        trio.lowlevel.spawn_system_task(_serve_simulated, server, theirs)
        return ours

    async def secure(self, stream: trio.abc.Stream, host: str) -> trio.abc.Stream:  # noqa: ARG002 - as in World
        """See World."""
        await self._pause()
        return stream

    async def _pause(self) -> None:
        self._check_power()
        await trio.sleep(self._delays.uniform(0, self.delay_s_max))
        self._check_power()

    def _check_power(self) -> None:
        if self._frozen:
            raise Frozen


def run_simulated(
    seed: int,
    main: Callable[[SimulatedWorld], Awaitable[Result]],
    *,
    instruments: Sequence[trio.abc.Instrument] = (),
) -> Result:
    """Run a program in a world where the seed decides everything, trio's schedule too.

    Time is trio's ``MockClock`` and jumps ahead whenever all tasks wait. ``instruments`` see
    every step of every task.
    """
    # It brings pytest along where that is installed; a daemon has no use for either.
    from trio.testing import MockClock

    # trio has no public switch; the canary test notices when this one stops working.
    before = trio_run._ALLOW_DETERMINISTIC_SCHEDULING
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc] # a switch to trio's own tests
    trio_run._r.seed(f"schedule {seed}")
    try:
        return trio.run(
            main,
            SimulatedWorld(seed),
            clock=MockClock(autojump_threshold=0),
            instruments=instruments,
        )
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before  # type: ignore[misc] # as above


def _memory_streams() -> tuple[trio.abc.HalfCloseableStream, trio.abc.HalfCloseableStream]:
    """Two ends of a connection."""
    from trio.testing import memory_stream_pair  # See run_simulated.

    return memory_stream_pair()


async def _serve_simulated(server: SimulatedServer, stream: trio.abc.HalfCloseableStream) -> None:
    async with stream:
        # Whoever dialled may hang up at any time.
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await server(stream)


class _InlineLane:
    def __init__(self, world: SimulatedWorld, name: str) -> None:
        self.name = name
        self._world = world
        self._turn = trio.StrictFIFOLock()
        self._closed = False

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """See Lane."""
        assert not self._closed, "the lane is closed"
        await trio.lowlevel.checkpoint_if_cancelled()
        with trio.CancelScope(shield=True):
            async with self._turn:
                result = await self._world.run_in_thread(function, *arguments)
        return result

    def close(self) -> None:
        """See Lane."""
        self._closed = True


class _TaskChild:
    """A child process that is a task: killing it cancels the task."""

    def __init__(self, pid: int, stream: trio.abc.HalfCloseableStream) -> None:
        self.pid = pid
        self.stream = stream
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._code = -9

    async def run(
        self,
        program: SimulatedProgram,
        argv: Sequence[str],
        env: Mapping[str, str],
        stream: trio.abc.HalfCloseableStream,
    ) -> None:
        with self._scope:
            try:
                async with stream:
                    self._code = await program(argv, env, stream)
            finally:
                self._ended.set()

    async def wait(self) -> int:
        """See Child."""
        await self._ended.wait()
        return self._code

    def kill(self) -> None:
        """See Child."""
        self._scope.cancel()
