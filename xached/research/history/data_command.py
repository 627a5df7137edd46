"""``xache data``: bring histories in, look at them, and give them away again.

Everything here is local: files on this machine, no house.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import attrs
from cyclopts import App, Parameter
from rich.console import Console
from rich.table import Table
from xache_sdk.market import Interval

from xached.research.history.about import About
from xached.research.history.candle_checks import CheckReport, check_candles
from xached.research.history.candle_files import ReadCandles, read_candles
from xached.research.history.candle_set import DataError
from xached.research.history.depth_files import read_frames
from xached.research.history.history_store import EXPORTED, HistoryStore, export_candles
from xached.research.history.recording_checks import check_recording
from xached.research.history.recordings import (
    SPOOLS,
    candles_of,
    is_recording,
    read_market,
    write_market,
)
from xached.research.history.sentiment_files import with_sentiment
from xached.research.history.tape_files import read_trades
from xached.research.sample import sample_histories

REFUSED: Final = 1
"""The exit code of a command that did nothing."""

NS_PER_MINUTE: Final = 60_000_000_000

Length: TypeAlias = Literal["1s", "1m", "5m", "15m", "1h", "1d"]
"""Of a candle, as :class:`xache_sdk.market.Interval` writes it."""

JsonFlag = Annotated[bool, Parameter(name="--json", negative=())]

data = App(
    name="data",
    help="Import, list, check and export market history for backtests. All of it is local.",
    help_format="plaintext",
    help_epilogue="Histories live in XACHE_HISTORY, or ~/.local/share/xache/history.",
    default_parameter=Parameter(show_default=False),
    result_action="return_value",
)


@data.command(name="import")
def import_history(
    *files: Path,
    symbol: str,
    venue: str = "BINANCE",
    name: str = "",
    interval: Length | None = None,
    tick: Decimal | None = None,
    lot: Decimal | None = None,
    origin: str = "",
    trades: Annotated[bool, Parameter(negative=())] = False,
    replace: Annotated[bool, Parameter(negative=())] = False,
    as_json: JsonFlag = False,
) -> None:
    """Import candles: Parquet, CSV with a header, or Binance's dump files (.csv, .zip).

    Files of trades (Binance's aggTrades among them) become candles of them with --trades, of one
    minute when no interval is given; what takers bought is known of each.

    Recordings of a house (DATA/recordings/market.*) become candles of their trades, of one minute
    when no interval is given.

    Args:
        files: files of one market that follow one another.
        symbol: the market, such as BTC-USDT.
        venue: whose prices these are.
        name: what to call the history; SYMBOL-VENUE-INTERVAL when not given.
        interval: length of a candle, such as 1m; the usual distance when not given.
        tick: the smallest step of a price; the coarsest that fits when not given.
        lot: the smallest step of a quantity.
        origin: where the files come from and under which licence.
        trades: the files are of trades, not of candles.
        replace: put it in the place of another history of that name.
        as_json: print JSON.
    """
    length = None if interval is None else Interval(interval)
    with refused():
        if not files:
            raise DataError("name at least one file")
        if all(is_recording(path) for path in files):
            read = _recorded_candles(files, symbol, length or Interval.M1)
            venue = read.candles.venue
        elif trades:
            tape = read_trades(files, symbol=symbol, venue=venue, tick_size=tick, lot_size=lot)
            joined = tape.candles(length or Interval.M1)
            read = ReadCandles(candles=joined, duplicates=0, was_unsorted=False)
        else:
            read = read_candles(
                files, symbol=symbol, venue=venue, interval=length, tick_size=tick, lot_size=lot
            )
        candles = read.candles
        about = history_store().add(
            name or f"{symbol}-{venue}-{candles.interval.value}",
            candles,
            origin or ", ".join(path.name for path in files),
            replace=replace,
        )
    report = check_candles(candles)
    if as_json:
        print_json(_document(about) | {"duplicates": read.duplicates} | _check_document(report))
        return
    _print_about(about)
    if read.duplicates:
        print_line(f"{read.duplicates} rows were there twice and count once")
    _print_checks(report)


@data.command(name="sample")
def import_sample(*, as_json: JsonFlag = False) -> None:
    """Import the history that is shipped: BTC-USDT and ETH-USDT of 2024, five minutes.

    Args:
        as_json: print JSON.
    """
    store = history_store()
    with refused():
        added = [
            store.add(f"{candles.symbol}-{candles.venue}-{candles.interval.value}", candles, origin)
            for candles, origin in sample_histories()
        ]
    if as_json:
        print_json([_document(about) for about in added])
        return
    for about in added:
        _print_about(about)


@data.command(name="list")
def list_histories(*, as_json: JsonFlag = False) -> None:
    """List the histories there are.

    Args:
        as_json: print JSON.
    """
    store = history_store()
    with refused():
        known = [store.about(name) for name in store.names()]
    if as_json:
        print_json([_document(about) for about in known])
        return
    if not known:
        print_line(f"no history yet in {store.folder}: xache data import FILE --symbol BTC-USDT")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "candles", "from", "to", "tick", "lot", "fingerprint"):
        table.add_column(column, justify="right" if column == "candles" else "left")
    for about in known:
        first, last = moment(about.first_at_ns), moment(about.last_at_ns)
        steps = (f"{about.tick_size:f}", f"{about.lot_size:f}", about.fingerprint[:12])
        table.add_row(about.name, f"{about.candles:,}", first, last, *steps)
    console().print(table)


@data.command(name="check")
def check_history(name: str, /, *, as_json: JsonFlag = False) -> None:
    """Look for gaps, impossible candles, spikes and silence. Ends with 1 when one is impossible.

    Args:
        name: the history.
        as_json: print JSON.
    """
    store = history_store()
    with refused():
        about = store.about(name)
        candles = store.load(name)
        if candles.fingerprint != about.fingerprint:
            raise DataError(f"{name} is damaged: its content has another fingerprint")
    report = check_candles(candles)
    if as_json:
        print_json(_document(about) | _check_document(report))
    else:
        _print_about(about)
        _print_checks(report)
    if report.broken:
        raise SystemExit(REFUSED)


@data.command(name="recordings")
def list_recordings(folder: Path, /, *, as_json: JsonFlag = False) -> None:
    """List the markets that a house has recorded.

    Args:
        folder: its recordings, such as data/recordings.
        as_json: print JSON.
    """
    markets: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("market.*")):
        if path.suffix in (".parquet", *SPOOLS):
            _, _, subject = path.stem.rpartition(".")[0].partition(".")
            markets.setdefault(subject, []).append(path)
    found: list[dict[str, Any]] = [
        {
            "market": subject,
            "files": len(paths),
            "bytes": sum(path.stat().st_size for path in paths),
            "from_at_ns": int(paths[0].stem.rpartition(".")[2]),
        }
        for subject, paths in markets.items()
    ]
    if as_json:
        print_json(found)
        return
    if not found:
        print_line(f"nothing of a market is recorded in {folder}")
    for each in found:
        since = moment(each["from_at_ns"])
        print_line(
            f"{each['market']}: {each['files']} files, {each['bytes']:,} bytes, from {since}"
        )


@data.command(name="import-depth")
def import_depth(
    *files: Path,
    symbol: str,
    out: Path,
    venue: str = "BINANCE",
    tick: Decimal | None = None,
    lot: Decimal | None = None,
) -> None:
    """Turn recorded frames of Binance or Bybit, books and trades, into a recording.

    Args:
        files: frames of one market that follow one another, a line each (.log, .jsonl, .gz).
        symbol: the market, such as BTC-USDT.
        out: the recording, as .parquet.
        venue: whose frames these are.
        tick: the smallest step of a price; the coarsest that fits when not given.
        lot: the smallest step of a quantity.
    """
    with refused():
        recording = read_frames(files, symbol=symbol, venue=venue, tick_size=tick, lot_size=lot)
        if out.suffix != ".parquet":
            raise DataError("a recording is written as .parquet")
        write_market(recording, out)
    print_line(f"{len(recording):,} rows of {symbol} at {venue} written to {out}")


@data.command(name="check-recording")
def check_recorded(*files: Path, as_json: JsonFlag = False) -> None:
    """Look for lost rows, unknown books and crossed ones. Ends with 1 when one is crossed.

    Args:
        files: recordings of one market that follow one another.
        as_json: print JSON.
    """
    with refused():
        recording = read_market(files)
    report = check_recording(recording)
    if as_json:
        print_json({"symbol": recording.symbol, "venue": recording.venue} | report.document())
    else:
        span = f"{moment(report.first_at_ns)} to {moment(report.last_at_ns)} UTC"
        print_line(f"{recording.symbol} at {recording.venue}, {span}")
        for name, value in report.document().items():
            if not name.endswith("_at_ns"):
                print_line(f"{name}: {value:,}")
    if report.broken:
        raise SystemExit(REFUSED)


@data.command(name="add-sentiment")
def add_sentiment(
    name: str,
    file: Path,
    /,
    *,
    stale_s: int = 86_400,
    to: str = "",
    as_json: JsonFlag = False,
) -> None:
    """Give a history what was said of its market, each word from when it was received on.

    The feature "sentiment" of models then has values. A house has no source of its own: live such a
    model abstains.

    Args:
        name: the history.
        file: when a word was received, and a number from -1 to 1: .parquet or .csv.
        stale_s: after so long a word is no longer known.
        to: what to call the result; it takes the place of the history when not given.
        as_json: print JSON.
    """
    store = history_store()
    with refused():
        about = store.about(name)
        candles = with_sentiment(store.load(name), file, stale_s)
        origin = f"{about.origin}, sentiment of {file.name}"
        added = store.add(to or name, candles, origin, replace=not to)
    if as_json:
        print_json(_document(added))
    else:
        _print_about(added)


@data.command(name="export")
def export_history(name: str, file: Path, /) -> None:
    """Write a history as .parquet or .csv, with exact prices.

    Args:
        name: the history.
        file: where to.
    """
    with refused():
        candles = history_store().load(name)
        export_candles(candles, file)
    print_line(f"{len(candles):,} candles written to {file}")


def _recorded_candles(files: Sequence[Path], symbol: str, interval: Interval) -> ReadCandles:
    recording = read_market(files)
    if recording.symbol != symbol:
        raise DataError(f"these are recordings of {recording.symbol}, not of {symbol}")
    return ReadCandles(candles=candles_of(recording, interval), duplicates=0, was_unsorted=False)


@contextmanager
def refused() -> Iterator[None]:
    """Turn what is wrong with files into one line and an exit code."""
    try:
        yield
    except (DataError, OSError) as error:
        sys.stderr.write(f"refused: {error}\n")
        raise SystemExit(REFUSED) from None


def console() -> Console:
    """What prints for people: as wide as it must be where nobody watches."""
    width = None if sys.stdout.isatty() else 1_000
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_line(text: str) -> None:
    """Print a line of text."""
    console().print(text, soft_wrap=True)


def moment(at_ns: int) -> str:
    """A time, UTC, to the minute."""
    whole = datetime.fromtimestamp(at_ns // NS_PER_MINUTE * 60, UTC)
    return whole.strftime("%Y-%m-%d %H:%M")


def history_store() -> HistoryStore:
    """Where this user's histories are."""
    return HistoryStore.of_environment(os.environ)


def _print_about(about: About) -> None:
    span = f"{moment(about.first_at_ns)} to {moment(about.last_at_ns)} UTC"
    print_line(f"{about.name}: {about.candles:,} candles of {about.interval.value}, {span}")
    print_line(f"tick {about.tick_size:f}, lot {about.lot_size:f}, from {about.origin}")
    if about.extras:
        print_line(f"knows {', '.join(EXPORTED[name] for name in about.extras)} too")
    print_line(f"fingerprint {about.fingerprint}")


def _print_checks(report: CheckReport) -> None:
    if not report.findings:
        print_line("nothing is missing or odd")
    for finding in report.findings:
        first = ", ".join(moment(at_ns) for at_ns in finding.first_at_ns[:3])
        print_line(f"{finding.name}: {finding.count:,} × {finding.meaning} (first {first})")
    if report.missing_candles:
        print_line(
            f"{report.missing_candles:,} candles are missing, "
            f"at most {report.longest_gap_candles:,} in a row"
        )


def _document(about: About) -> dict[str, Any]:
    write: Callable[[Any], Any] = lambda value: (  # noqa: E731 - one value of a document
        f"{value:f}" if isinstance(value, Decimal) else value
    )
    plain = {name: write(value) for name, value in attrs.asdict(about).items()}
    return plain | {"interval": about.interval.value}


def _check_document(report: CheckReport) -> dict[str, Any]:
    return {
        "missing_candles": report.missing_candles,
        "longest_gap_candles": report.longest_gap_candles,
        "findings": {
            finding.name: {"count": finding.count, "first_at_ns": list(finding.first_at_ns)}
            for finding in report.findings
        },
    }


def print_json(document: Any) -> None:
    """Print one document."""
    sys.stdout.write(json.dumps(document, indent=2) + "\n")
