"""One screen of a house, drawn as it happens."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

from cyclopts import Parameter

from xache.commands.market import INTERVALS
from xache.commands.options import NO_PURSE_OPTIONS, PurseOptions, usage
from xache.errors import XacheError
from xache.live.board import Board, MarketBoard, Subject
from xache.top.app import Top


def top(
    symbol: str = "",
    /,
    *,
    interval: Annotated[
        Literal["1s", "1m", "5m", "15m", "1h", "1d"], Parameter(show_default=True)
    ] = "1m",
    venue: str = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Show a market, its book and tape, your orders and purse, and how all of it does.

    Args:
        symbol: the market to begin with, such as BTC-USDT; the first one when left out.
        interval: how long a candle is.
        venue: whose market; XACHE when left out.
    """
    if options.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise usage("xache top draws a terminal's screen; programs read `xache watch --json`")
    board: Board | None = None

    def say(error: XacheError, _wait_s: float) -> None:
        if board is not None:
            board.waiting = error.message

    with options.connected(say) as (client, _):
        listed = client.market.instruments()
        symbols = sorted(each.symbol for each in listed.instruments)
        if not symbols:
            raise usage("the house lists no markets yet")
        chosen = symbol.upper() or symbols[0]
        if chosen not in symbols:
            raise usage(f"no market {chosen}; there are: {', '.join(symbols)}")
        subject = Subject(chosen, venue.upper(), INTERVALS[interval])
        board = Board(
            target=options.target,
            subaccount=options.subaccount,
            market=MarketBoard(subject),
            instruments={each.symbol: each for each in listed.instruments},
        )
        Top(client, board).run()
