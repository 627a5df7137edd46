"""The command of the daemon's machine: serve, demo, looking after a house, testing its program."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeAlias

import attrs
import trio
from cyclopts import App, Parameter
from loguru import logger
from rich.console import Console
from rich.table import Table

from xached.commands.key_options import FROM_FILE, Keys
from xached.commands.plugins import plugins
from xached.config.config import (
    AdminConfig,
    Config,
    GrpcConfig,
    default_house,
    read_config,
)
from xached.config.tables import ConfigError, is_address, is_own_address
from xached.domain.sessions import DAY_NS, SessionLimits
from xached.security.keys import MasterKeyError
from xached.storage.recordings import KindTerms, RecordTerms

BenchPart: TypeAlias = Literal[
    "engine", "book", "recovery", "grpc", "fanout", "overload", "loginflood", "backtest",
    "web", "desktop",
]  # fmt: skip
"""What can be measured alone."""


app = App(
    name="xached",
    help="A crypto trading house that one person can run on one machine.",
    version_flags=["--version"],
)
admin = App(name="admin", help="Administrators.")
app.command(admin)
admin.command(plugins)
# Given by name, so that listing the commands imports none of them.
for _name, _where, _help in (
    ("users", "admin_users:users", "Accounts: roles, impediments, sessions, keys."),
    ("purses", "admin_users:purses", "Purses of accounts: money, freezes, limits."),
    ("markets", "admin_markets:markets", "Instruments: rules, states, marks, fees."),
    ("assets", "admin_markets:assets", "Assets."),
    ("risk", "admin_risk:risk", "What scopes may do, and how much of it."),
    ("halt", "admin_risk:halt", "Halt the whole house, or lift the halt."),
    ("health", "admin_house:health", "Tell how every part of the daemon is doing."),
    ("audit", "admin_house:audit", "Read the audit of the running house."),
    ("integrity", "admin_house:integrity", "Tell what somebody should look at."),
    ("rotate-keys", "admin_house:rotate_keys", "Exchange the key that wraps users' keys."),
    ("train", "admin_house:train", "Have a model trained now."),
    ("watchlist", "admin_house:watchlist", "Take in a list of sanctioned people."),
    ("disclosures", "admin_house:disclosures", "What people accept before they trade."),
):
    admin.command(f"xached.commands.{_where}", name=_name, help=_help)
vault = App(name="vault", help="The file with people and secrets.")
app.command(vault)
app.command(
    "xached.commands.parity:parity",
    name="parity",
    help="Tell a strategy again what it was told, and compare what it wants.",
)

Data = Annotated[Path, Parameter(name="--data", help="Data directory.")]
AdminHttp = Annotated[
    str,
    Parameter(help="Administrators' screens for browsers of this machine: 127.0.0.1:7490."),
]
Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON.")]

EXIT_FAULTS = 1
EXIT_REFUSED = 2
EXIT_BROKEN = 70


def main() -> None:
    """Run the command."""
    os.umask(0o077)  # Whatever it makes is its owner's alone.
    # What the core of gRPC has to say comes as errors; its own lines are not for operators.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    app()


@app.command
def serve(
    *,
    config: Annotated[Path, Parameter(help="Configuration file.")] = Path("config/xached.toml"),
    accept_clock: Annotated[
        bool, Parameter(negative="", help="Go on although the journal ends in the future.")
    ] = False,
    admin_http: AdminHttp = "",
    keys: Keys = FROM_FILE,
) -> None:
    """Run the house until SIGTERM or Ctrl-C."""
    from xached.daemon import Attachments, live_feeds
    from xached.domain.messages import OpenPurse
    from xached.house.core import House

    log_to(sys.stderr)
    settings = attrs.evolve(
        _read_config(config), accept_clock=accept_clock, keys=_guarded(keys.source)
    )
    settings = attrs.evolve(settings, admin=_with_screens(settings.admin, admin_http))
    strategies = _configured_strategies(settings)

    async def attach(house: House) -> Attachments:
        for strategy in (each for each in strategies if not each.paper):
            await house.matching.execute(
                OpenPurse(purse=strategy.purse, simulated=False, request_id="")
            )
        return Attachments(
            feeds=live_feeds(settings.feeds, house.world),
            strategies=strategies,
            mark_venue=settings.feeds.mark_venue,
            sandbox_min=settings.sandbox_min,
            stale_after_s=settings.feeds.stale_after_s,
        )

    async def show(endpoints: Any) -> None:
        addresses = endpoints.addresses
        admin_listener = f" admin={addresses.admin}" if addresses.admin else ""
        screens = f" admin-http={addresses.admin_http}" if addresses.admin_http else ""
        doors = f"grpc={addresses.grpc} http={addresses.http}{admin_listener}{screens}"
        print(f"READY {doors}", flush=True)
        _show_first_admin(endpoints, settings)

    _run(settings, attach, show)


@app.command
def demo(
    *,
    data: Annotated[
        Path | None, Parameter(name="--data", help="Data directory of the demo.")
    ] = None,
    grpc: Annotated[str, Parameter(help="gRPC listener; port 0 picks one.")] = "127.0.0.1:7400",
    http: Annotated[str, Parameter(help="HTTP listener; port 0 picks one.")] = "127.0.0.1:7480",
    speed: Annotated[float, Parameter(help="How fast the recording plays.")] = 1.0,
    admin_http: AdminHttp = "",
) -> None:
    """Start a living market on real recorded data, with funds to trade."""
    from xached.demo.demo import Trader, attach_demo
    from xached.demo.status import show_status

    if not 0.1 <= speed <= 100:
        _refuse(f"--speed {speed:g}: from 0.1 to 100")
    for option, address in (("--grpc", grpc), ("--http", http)):
        if not is_address(address):
            _refuse(f"{option} {address!r}: host:port, where port 0 picks a free one")
    data_dir = data if data is not None else _demo_dir()
    log_to(sys.stderr, level="WARNING")
    settings = Config(
        data_dir=data_dir,
        house=default_house(),
        grpc=GrpcConfig(listen=grpc, reflection=True),
        # Play money: its administrator needs no authenticator.
        admin=_with_screens(AdminConfig(require_code=False), admin_http),
        # Play money: nobody has to log in again after a coffee.
        sessions=SessionLimits(idle_ns=30 * DAY_NS, age_ns=90 * DAY_NS),
        http_listen=http,
        record=RecordTerms(
            market=KindTerms(days_max=2, bytes_max=10**9),
            inputs=KindTerms(days_max=2, bytes_max=10**9),
        ),
    )
    trader: list[Trader] = []

    async def attach(house: Any) -> Any:
        attachments, found = await attach_demo(house, speed)
        trader.append(found)
        return attachments

    async def show(endpoints: Any) -> None:
        await show_status(endpoints, trader[0], data_dir)

    _run(settings, attach, show)


@app.command
def verify(
    *,
    data: Data,
    keys: Keys = FROM_FILE,
    audit: Annotated[
        bool, Parameter(negative="", help="Check the audit chain and its signatures only.")
    ] = False,
    anchor: Annotated[
        Path | None, Parameter(help="Earlier checkpoints: a file of lines of the system's log.")
    ] = None,
    json_output: Json = False,
) -> None:
    """Check chains, ids, signatures and every invariant; exit 1 when something is wrong.

    Without --anchor nobody can tell whether the whole directory was put back to an earlier state.
    """
    from xached.commands import inspection

    if audit or anchor is not None:
        checked = _guarded(lambda: inspection.verify_audit(data, anchor, keys.source()))
        _show_report(
            checked,
            json_output,
            ("rows", f"{checked.rows}"),
            ("checkpoints", f"{checked.checkpoints}"),
            ("rows not signed yet", f"{checked.unsigned_rows}"),
            ("newest", checked.newest_checkpoint or "none"),
            ("public key", checked.public_key),
            ("anchors", f"{checked.anchors}"),
            ("freshness", checked.freshness),
        )
        return
    found = _guarded(lambda: inspection.verify(data, keys.source()))
    _show_report(
        found,
        json_output,
        ("rows", f"{found.rows}"),
        ("events", f"{found.events}"),
        ("ids", f"{found.ids}"),
        ("paper rows", f"{found.paper_rows}"),
        ("accounts", f"{found.accounts}"),
        ("last row", f"{found.seq}"),
        ("chain", found.chain),
        ("sums", ", ".join(f"{asset} {total}" for asset, total in found.sums.items())),
    )


@app.command
def replay(
    *,
    data: Data,
    keys: Keys = FROM_FILE,
    at_seq: Annotated[int | None, Parameter(help="After this row.")] = None,
    at_time: Annotated[str | None, Parameter(help="At this time, ISO 8601, UTC.")] = None,
) -> None:
    """Print the state after a row or at a time, rebuilt from the journal alone, as JSON."""
    from xached.commands import inspection

    if at_seq is not None and at_time is not None:
        _refuse("--at-seq and --at-time: one of them")
    at_ns = _parse_time(at_time) if at_time is not None else None
    found = _guarded(lambda: inspection.replay(data, at_seq, at_ns, keys.source()))
    print(json.dumps(found, indent=2))


@app.command
def doctor(
    *,
    data: Data = Path("data"),
    config: Annotated[
        Path | None, Parameter(help="Configuration file: what it asks of the machine, too.")
    ] = None,
    keys: Keys = FROM_FILE,
    json_output: Json = False,
) -> None:
    """Look at the machine and the data directory; exit 1 when something needs attention.

    With a configuration also at its ports, certificates, mail server, clock and kernel.
    """
    from xached.commands import house_checks, inspection

    if config is None:
        checks = list(inspection.examine(data, _guarded(keys.source)))
    else:
        settings = _read_config(config)
        running = house_checks.is_running(settings.data_dir)
        checks = [
            *inspection.examine(settings.data_dir, _guarded(keys.source), settings.sandbox_min),
            *house_checks.check_house(settings, running=running),
        ]
    if json_output:
        print(json.dumps([attrs.asdict(check) for check in checks]))
    else:
        table = Table(box=None)
        for heading in ("", "check", "found", "should be"):
            table.add_column(heading)
        for check in checks:
            mark = "[green]ok[/green]" if check.ok else "[red]look[/red]"
            table.add_row(mark, check.name, check.found, check.advice)
        Console().print(table)
    if not all(check.ok for check in checks):
        raise SystemExit(EXIT_FAULTS)


@app.command
def bench(
    *,
    only: Annotated[
        list[BenchPart] | None,
        Parameter(help="Measure this part only; may be repeated."),
    ] = None,
    check: Annotated[bool, Parameter(negative="", help="Exit 1 below a target.")] = False,
    compare: Annotated[Path | None, Parameter(help="An earlier run's --json output.")] = None,
    quick: Annotated[bool, Parameter(negative="", show=False)] = False,
    json_output: Json = False,
) -> None:
    """Measure engine, storage, backtests, the daemon under load and its screens; takes about eight
    minutes."""
    from xached.bench import figures
    from xached.bench.run import FULL, QUICK, Part, run_bench

    earlier = _earlier_figures(compare) if compare is not None else None
    console, progress = Console(), Console(stderr=True)
    with progress.status("measuring") as status:
        report = run_bench(
            [Part(name) for name in only or ()],
            QUICK if quick else FULL,
            lambda step: status.update(f"measuring {step}"),
        )
    if json_output:
        found = report.plain()
        if earlier is not None:
            found["compared"] = figures.compared(report.figures, earlier)
        print(json.dumps(found, indent=2))
    else:
        console.print("  ".join(f"{name} {text}" for name, text in report.machine.items()))
        console.print(figures.figure_table(report.figures, earlier))
    for part, reason in report.failed.items():
        print(f"xached: {part} was not measured: {reason}", file=sys.stderr)
    missed = [figure.name for figure in report.missed()]
    if check and missed:
        print(f"xached: below target: {', '.join(missed)}", file=sys.stderr)
    if report.failed or (check and missed):
        raise SystemExit(EXIT_FAULTS)


@app.command
def simulate(
    *,
    seed: Annotated[int | None, Parameter(help="Run this seed only.")] = None,
    seeds: Annotated[int, Parameter(help="Run so many seeds.")] = 10,
    first_seed: Annotated[int, Parameter(help="The first of them.")] = 1,
    steps: Annotated[int, Parameter(help="What people do in each.")] = 1_000,
) -> None:
    """Run the whole daemon under load and faults, each seed its own; exit 1 when one fails.

    A line for each seed: the seed, its steps, and the chain value its journal ended with. Equal
    seeds give equal journals.
    """
    from xached.simulation.run import Failed
    from xached.simulation.run import simulate as run_seed

    if steps < 1 or seeds < 1:
        _refuse("--steps and --seeds: 1 or more")
    failed = 0
    for each in [seed] if seed is not None else range(first_seed, first_seed + seeds):
        try:
            verdict = run_seed(each, steps)
        except Failed as failure:
            failed += 1
            print(failure, flush=True)
        else:
            print(f"seed {each} steps {steps} journal {verdict.journal}", flush=True)
    if failed:
        raise SystemExit(EXIT_FAULTS)


@admin.command
def bootstrap(*, data: Data, keys: Keys = FROM_FILE) -> None:
    """Print a new one-time token for the first administrator; the daemon must be stopped."""
    from xached.house.recovery import new_bootstrap_token
    from xached.runtime.world import RealWorld

    print(_guarded(lambda: new_bootstrap_token(data, RealWorld(), keys.source())))


@admin.command
def enrol(
    *,
    data: Data = Path("data"),
    socket: Annotated[
        Path | None, Parameter(help="The daemon's socket, where it is not in the data directory.")
    ] = None,
) -> None:
    """Set up an administrator's authenticator with the running daemon, by a QR code.

    It asks for address and password, and for the daemon's one-time token where there is no
    administrator yet.
    """
    from xached.commands.enrolment import EnrolmentFailed, Terminal
    from xached.commands.enrolment import enrol as enrol_at
    from xached.storage.directory import DataPaths

    try:
        enrol_at(socket or DataPaths(data).admin_socket, Terminal())
    except EnrolmentFailed as error:
        _refuse(str(error))


@admin.command
def unenrol(
    name: Annotated[str, Parameter(help="Account id or e-mail address.")],
    *,
    data: Data,
    keys: Keys = FROM_FILE,
) -> None:
    """Take the authenticator of an administrator away who has lost it; the daemon must be stopped.

    Afterwards the password is asked for alone; `xached admin enrol` sets up another one.
    """
    from xached.commands import lost_authenticator
    from xached.runtime.world import RealWorld

    reset = lost_authenticator.reset_authenticator
    whose = _guarded(lambda: reset(data, name, RealWorld(), keys.source()))
    print(f"{whose} has no authenticator any more")


@admin.command
def actions(*, data: Data, keys: Keys = FROM_FILE, json_output: Json = False) -> None:
    """Print what was done with a role of the house, by whom, and how it ended."""
    from xached.commands import inspection

    found = _guarded(lambda: inspection.actions(data, keys.source()))
    if json_output:
        print(json.dumps([attrs.asdict(each) for each in found]))
        return
    for each in found:
        at = datetime.fromtimestamp(each.at_ns // 1_000_000_000, UTC)
        row = f"  row {each.journal_seq}" if each.journal_seq else ""
        outcome = each.outcome or "cut off"
        print(f"{at:%Y-%m-%dT%H:%M:%SZ}  {each.by or '-':16}  {each.method}  {outcome}{row}")


@admin.command
def checkpoints(*, data: Data, keys: Keys = FROM_FILE) -> None:
    """Print every signed checkpoint; kept elsewhere, these lines are an anchor."""
    from xached.commands import inspection

    for line in _guarded(lambda: list(inspection.checkpoints(data, keys.source()))):
        print(line)


@admin.command
def audit_key(*, data: Data, keys: Keys = FROM_FILE) -> None:
    """Print the public key that checkpoints are signed by."""
    from xached.commands import inspection

    print(_guarded(lambda: inspection.public_key(data, keys.source())))


@vault.command
def rekey(
    *,
    data: Data,
    keys: Keys = FROM_FILE,
    new_key: Annotated[
        Path | None, Parameter(help="File of the new key, 32 bytes, mode 0400; made if missing.")
    ] = None,
    new_passphrase_fd: Annotated[
        int | None, Parameter(help="Make the new key from a passphrase read from here.")
    ] = None,
) -> None:
    """Exchange the master key of a house that is stopped; repeat it if it was interrupted."""
    from xached.commands.key_options import read_passphrase
    from xached.commands.rekeying import NextFile, NextPassphrase, exchange_master_key
    from xached.runtime.world import RealWorld

    if (new_key is None) == (new_passphrase_fd is None):
        _refuse("--new-key and --new-passphrase-fd: one of them")

    def exchange() -> Any:
        if new_key is not None:
            following: Any = NextFile(new_key)
        else:
            assert new_passphrase_fd is not None
            following = NextPassphrase(read_passphrase(new_passphrase_fd))
        return exchange_master_key(data, RealWorld(), keys.source(), following)

    done = _guarded(exchange)
    print(f"The house opens with the master key {done.key_id}, and with no other.")
    if done.former_file is not None:
        print(f"The former one is {done.former_file}: only backups made before still need it.")
    print(f"Back {data / 'master.id'} up with the data: without it the key opens nothing.")


@app.command
def reset_paper(*, data: Data) -> None:
    """Begin the paper exchange anew: its play money and history are deleted, nothing else.

    For when paper.db was lost; the daemon must be stopped.
    """
    from xached.house.paper import begin_paper_anew

    _guarded(lambda: begin_paper_anew(data))
    print("The paper exchange begins anew with the next start.")


@app.command(show=False)
def snapshot(
    *,
    data: Data,
    keys: Keys = FROM_FILE,
    paper: Annotated[bool, Parameter(help="Of the paper exchange.", negative="")] = False,
    socket: Annotated[int | None, Parameter(help="Where the daemon says the key.")] = None,
) -> None:
    """Write a snapshot of the exchange; started by the daemon beside itself."""
    from xached.house.key import house_key
    from xached.security.keys import KEY_BYTES, Purpose
    from xached.storage.directory import DataPaths
    from xached.storage.snapshots import write_snapshot

    paths = DataPaths(data)
    if paper:
        path, directory, purpose = paths.paper, paths.paper_snapshots, Purpose.PAPER_CHAIN
    else:
        path, directory, purpose = paths.journal, paths.snapshots, Purpose.JOURNAL_CHAIN
    if socket is not None:
        with os.fdopen(socket, "rb") as daemon:
            chain_key = daemon.read(KEY_BYTES)
        if len(chain_key) < KEY_BYTES:
            raise SystemExit(EXIT_FAULTS)  # The daemon has ended: nobody waits for a snapshot.
    else:
        master = _guarded(lambda: house_key(paths, keys.source()))
        chain_key = master.derive(purpose)
    written = _guarded(lambda: write_snapshot(path, directory, chain_key))
    if socket is None:  # The daemon's own output is not for this.
        print(written or "nothing new")


@app.command(show=False)
def train(*, models: Path, parent: int, socket: int) -> None:
    """Train models, or tell how they stand; started by the daemon beside itself."""
    from xache_sdk.seal import die_with

    from xached.research.models.training_process import serve, step_back

    die_with(parent)
    step_back()
    serve(models, socket)


# --- parts -----------------------------------------------------------------------------------


def _run(
    settings: Config,
    attach: Callable[[Any], Awaitable[Any]],
    show: Callable[[Any], Awaitable[None]],
) -> None:
    """Run the daemon until a signal, and turn what ends it into a line and an exit code."""
    from xached.daemon import run_daemon
    from xached.runtime.collector import calm_collector
    from xached.runtime.supervise import one_line
    from xached.runtime.world import RealWorld

    ready = False

    async def run() -> None:
        nonlocal ready
        stop = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_stop_on_signal, stop)
            endpoints = await nursery.start(run_daemon, settings, RealWorld(), attach, stop)
            calm_collector()
            ready = True
            nursery.start_soon(show, endpoints)
            await stop.wait()
            await endpoints.stopped.wait()
            nursery.cancel_scope.cancel()

    try:
        trio.run(run)
    except BaseExceptionGroup as group:
        logger.opt(exception=group).debug("the daemon ended")
        first = _first(group)
        if not ready and isinstance(first, (*_damages(), *_refusals())):
            _end(first)
        print(f"xached: {one_line(group)}", file=sys.stderr)
        raise SystemExit(EXIT_BROKEN) from None


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _stop_on_signal(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async for _ in signals:
            if stop.is_set():  # Asked twice: somebody is in a hurry.
                os._exit(130)
            stop.set()


def _show_report(found: Any, json_output: bool, *lines: tuple[str, str]) -> None:
    """Print what was verified; exit 1 where there are faults."""
    if json_output:
        print(json.dumps(attrs.asdict(found)))
    else:
        table = Table(show_header=False, box=None)
        table.add_column()
        table.add_column(overflow="fold")  # What is cut off cannot be copied.
        for name, text in lines:
            table.add_row(name, text)
        console = Console()
        console.print(table)
        for fault in found.faults:
            console.print(fault, style="red", markup=False, soft_wrap=True)
        if not found.faults:
            console.print("[green]everything holds[/green]")
    if found.faults:
        raise SystemExit(EXIT_FAULTS)


def _guarded(work: Callable[[], Any]) -> Any:
    """Run what reads a data directory; what is wrong with it is one line and an exit code."""
    try:
        return work()
    except (*_damages(), *_refusals()) as error:
        _end(error)


def _end(error: BaseException) -> NoReturn:
    """Say what is the matter in one line, and exit."""
    damaged = isinstance(error, _damages())
    print(f"xached: {'damaged: ' if damaged else ''}{error}", file=sys.stderr)
    raise SystemExit(EXIT_FAULTS if damaged else EXIT_REFUSED) from None


def _damages() -> tuple[type[Exception], ...]:
    """What says that a data directory is not as it was written."""
    from xached.storage.database import LogDamaged
    from xached.storage.journal import JournalDamaged
    from xached.storage.vault_faults import VaultDamaged

    return JournalDamaged, LogDamaged, VaultDamaged


def _refusals() -> tuple[type[Exception], ...]:
    """What people can put right, each with a text that says what to do."""
    from xached.actors.sessions.accounts import AdminExists
    from xached.commands.inspection import NoSuchRow
    from xached.commands.lost_authenticator import NoAuthenticator
    from xached.commands.rekeying import NothingToExchange
    from xached.daemon import ListingRefused
    from xached.demo.demo import DemoDamaged
    from xached.domain.audit import AnchorUnreadable
    from xached.house.paper import NoPaper
    from xached.house.recovery import ClockBehind, HouseIncomplete, NoHouse
    from xached.storage.database import DatabaseRefused
    from xached.storage.directory import DirectoryInUse
    from xached.storage.journal import JournalFailed
    from xached.storage.vault_faults import VaultFailed, VaultUnusable

    return (
        AdminExists,
        AnchorUnreadable,
        ClockBehind,
        DatabaseRefused,
        DemoDamaged,
        DirectoryInUse,
        JournalFailed,
        ListingRefused,
        MasterKeyError,
        HouseIncomplete,
        NoAuthenticator,
        NoHouse,
        NoPaper,
        NoSuchRow,
        NothingToExchange,
        OSError,
        VaultFailed,
        VaultUnusable,
    )


def _earlier_figures(path: Path) -> dict[str, float]:
    from xached.bench.figures import NoFigures, earlier_values

    try:
        return earlier_values(json.loads(path.read_bytes()))
    except (OSError, ValueError, NoFigures) as error:
        _refuse(f"--compare {path}: {error}")


def _refuse(text: str) -> NoReturn:
    print(f"xached: {text}", file=sys.stderr)
    raise SystemExit(EXIT_REFUSED)


def _read_config(path: Path) -> Config:
    try:
        return read_config(path)
    except ConfigError as error:
        _refuse(str(error))


def _with_screens(admin: AdminConfig, listen: str) -> AdminConfig:
    """The house's own doors, with one for browsers where it is asked for."""
    if listen and not is_own_address(listen):
        _refuse(f"--admin-http {listen!r}: an address of this machine alone, as 127.0.0.1:7490")
    return attrs.evolve(admin, http=listen)


def _configured_strategies(settings: Config) -> list[Any]:
    from xached.actors.strategies.surroundings import StrategyConfig

    return [
        StrategyConfig(
            name=seat.name,
            strategy=seat.plugin,
            purse=seat.purse,
            symbols=seat.symbols,
            settings_json=seat.settings_json,
            capabilities=seat.capabilities,
            vouched=settings.approve_configured,
        )
        for seat in settings.strategies
    ]


def _show_first_admin(endpoints: Any, settings: Config) -> None:
    """Say how the first administrator gets in, and what nobody can do before that."""
    data = shlex.quote(str(settings.data_dir))
    if endpoints.first_admin.token is not None:
        how = f"One-time token: {endpoints.first_admin.token}"
    elif endpoints.first_admin.wanted:
        how = (
            "Its one-time token was shown at the first start; for a new one, stop the daemon and "
            f"run: xached admin bootstrap --data {data}"
        )
    else:
        how = ""
    if how:
        print(f"There is no administrator yet. {how}", flush=True)
    if settings.admin.require_code and not endpoints.first_admin.enrolled:
        socket = shlex.quote(str(endpoints.addresses.admin_socket))
        print(
            "No administrator has an authenticator yet: what moves money or rights is refused. "
            f"Set one up: xached admin enrol --socket {socket}",
            flush=True,
        )


def log_to(stream: Any, level: str = "INFO") -> None:
    """Send the log to one stream, a line for each record and tracebacks without values."""
    logger.remove()
    logger.add(
        stream,
        level=level,
        format="{time:YYYY-MM-DDTHH:mm:ss.SSSZ} {level} {message}",
        # By default a traceback shows what every variable holds: passwords, tokens, keys.
        diagnose=False,
    )


def _demo_dir() -> Path:
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "xache" / "demo"


def _parse_time(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        _refuse(f"--at-time {text!r}: a time such as 2026-01-31T12:00:00")
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return (at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1_000
