"""What the demo shows: READY, seven commands to paste, and a live status.

On a terminal the status is one table that keeps itself up to date; elsewhere it is a plain line
now and then.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import trio
from rich.console import Console
from rich.live import Live
from rich.table import Table

from xached.api.admin import HouseReport
from xached.daemon import Endpoints
from xached.demo.demo import LIGHTGBM, PAPER_PURSE, Trader
from xached.domain.market import XACHE, Provenance, Ticker

REFRESH_S = 0.5
QUOTED_S_MAX = 10.0
"""How long the makers get to quote before the demo is called ready all the same."""
LINE_S = 10.0

_LABELS = {
    Provenance.LIVE: "live",
    Provenance.RECORDED: "recorded",
    Provenance.SIMULATED: "simulated",
}


async def show_status(endpoints: Endpoints, trader: Trader, data_dir: Path) -> None:
    """Print what to do once the market lives, then show how it does, until cancelled."""
    with trio.move_on_after(QUOTED_S_MAX):
        tickers = endpoints.market.watch_tickers(None)
        while not _quoted(endpoints):
            await tickers.next()
    _say(f"READY grpc={endpoints.addresses.grpc} http={endpoints.addresses.http}")
    _say("")
    _say(f"demo trader  {trader.email}  password {trader.password}")
    _say(f"page         {endpoints.addresses.http}")
    _say(f"data         {data_dir}")
    if endpoints.addresses.admin_http:
        _say(f"admin page   {endpoints.addresses.admin_http}/admin")
    if endpoints.first_admin.token is not None:
        _say(f"admin        socket {endpoints.addresses.admin_socket}, one-time token ")
        _say(f"             {endpoints.first_admin.token}")
    _say("")
    _say("Try, in another terminal:")
    for number, (what, command) in enumerate(commands(endpoints, trader, data_dir), start=1):
        _say(f"  # {number}. {what}")
        _say(f"  {command}")
    _say("")
    if sys.stdout.isatty():
        await _show_live(endpoints)
    else:
        await _show_lines(endpoints)


def _quoted(endpoints: Endpoints) -> bool:
    """Whether every market of the house has a bid and an ask."""
    quoted = {
        ticker.symbol
        for ticker in endpoints.market.tickers(None)
        if ticker.source.venue == XACHE and ticker.bid and ticker.ask
    }
    return quoted == set(endpoints.directory)


def commands(endpoints: Endpoints, trader: Trader, data_dir: Path) -> list[tuple[str, str]]:
    """The seven commands, each with what it shows. They work as printed."""
    bin_dir = Path(sys.executable).parent
    xache = f"{shlex.quote(str(bin_dir / 'xache'))} --target {endpoints.addresses.grpc}"
    xached = shlex.quote(str(bin_dir / "xached"))
    data = shlex.quote(str(data_dir))
    http = endpoints.addresses.http.removeprefix("http://")
    # A new pair of ids for each start: an id is used up for ever.
    start = endpoints.report().ready_at_ns // 1_000_000_000
    return [
        ("watch the book (Ctrl-C leaves)", f"{xache} book BTC-USDT --live"),
        (
            "sign in and buy 50 USDT of BTC",
            (
                f"XACHE_PASSWORD={trader.password} {xache} login {trader.email}"
                f" && {xache} order place buy BTC-USDT --quote 50 --id buy-{start}"
            ),
        ),
        (
            "see the fill, its fee, and the balances",
            f"{xache} order show buy-{start} && {xache} balances",
        ),
        (
            "place a limit order and cancel it",
            (
                f"{xache} order place buy BTC-USDT --quantity 0.001 --price 50000 --id bid-{start}"
                f" && {xache} order cancel bid-{start}"
            ),
        ),
        (
            "ask why a strategy on paper placed its newest order (it decides once a minute)",
            f"{xache} explain --subaccount {PAPER_PURSE}",
        ),
        (
            "kill the house and start it again: nothing acknowledged is lost",
            (
                f"kill -9 {os.getpid()}; sleep 1;"
                f" {xached} demo --data {data} --grpc {endpoints.addresses.grpc} --http {http}"
            ),
        ),
        ("verify the journal and every invariant", f"{xached} verify --data {data}"),
    ]


async def _show_live(endpoints: Endpoints) -> None:
    with Live(_table(endpoints), console=Console(), refresh_per_second=4, transient=True) as live:
        while True:
            await trio.sleep(REFRESH_S)
            live.update(_table(endpoints))


async def _show_lines(endpoints: Endpoints) -> None:
    while True:
        await trio.sleep(LINE_S)
        report = endpoints.report()
        prices = "  ".join(
            f"{ticker.symbol} {ticker.source.venue} {_price(endpoints, ticker)}"
            for ticker in endpoints.market.tickers(None)
        )
        _say(f"{prices}  rows {report.journal_seq}  {_on_paper(report)}")


def _table(endpoints: Endpoints) -> Table:
    report = endpoints.report()
    table = Table(title="XACHE demo  (Ctrl-C stops)", title_justify="left", box=None)
    for heading in ("market", "source", "last", "bid", "ask"):
        table.add_column(heading, justify="left" if heading in ("market", "source") else "right")
    for ticker in endpoints.market.tickers(None):
        label = f"{ticker.source.venue} {_LABELS[ticker.source.provenance]}"
        instrument = endpoints.directory[ticker.symbol]
        style = "bold" if ticker.source.venue == XACHE else "dim"
        table.add_row(
            ticker.symbol,
            f"{label}{' stale' if ticker.stale else ''}",
            _price(endpoints, ticker),
            instrument.format_price(ticker.bid[0]) if ticker.bid else "",
            instrument.format_price(ticker.ask[0]) if ticker.ask else "",
            style=style,
        )
    troubled = [
        f"{actor.name} {actor.state}" for actor in report.actors if actor.state != "running"
    ]
    told = [f"rows {report.journal_seq}", f"history {report.views_seq}", _on_paper(report)]
    table.caption = "  ".join([*told, ", ".join(troubled)]).rstrip()
    return table


def _on_paper(report: HouseReport) -> str:
    """How many orders the strategy on paper has placed, each of which can be explained."""
    placed = next(
        (
            actor.statistics.get("placed", 0)
            for actor in report.actors
            if actor.name == f"strategy {LIGHTGBM}"
        ),
        0,
    )
    return f"{LIGHTGBM} on paper: {placed} orders"


def _price(endpoints: Endpoints, ticker: Ticker) -> str:
    if ticker.last_ticks is None:
        return ""
    return endpoints.directory[ticker.symbol].format_price(ticker.last_ticks)


def _say(line: str) -> None:
    print(line, flush=True)
