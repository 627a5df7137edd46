"""Auctions: at what price a market would open, while orders gather."""

from __future__ import annotations

from contextlib import closing

from rich.text import Text

from xache.commands.market import note_shutdown, until_interrupted
from xache.commands.options import NO_OPTIONS, Options
from xache.output import Output, clock
from xache.v1 import market_pb2


def auction(symbol: str, /, *, options: Options = NO_OPTIONS) -> None:
    """Follow an auction until Ctrl-C: the one price everything would trade at, every second.

    Args:
        symbol: the market, such as BTC-USDT.
    """
    with (
        options.connected() as (client, output),
        until_interrupted(),
        closing(client.market.watch_auction(symbol.upper())) as messages,
    ):
        gathered: bool | None = None
        for message in messages:
            if output.as_json:
                output.json_line(message)
            elif message.HasField("shutdown"):
                note_shutdown(output, message.shutdown)
            elif message.gathering or gathered is not False:
                _show(output, message, after_one=bool(gathered))
                gathered = message.gathering


def _show(output: Output, message: market_pb2.WatchAuctionResponse, *, after_one: bool) -> None:
    """A line of it; of its end, or that there is none, one line and no more."""
    if not message.gathering:
        why = "the auction has ended" if after_one else "no orders gather now; waiting"
        output.line(f"{message.symbol}  {why}")
    else:
        until = f"  until {clock(message.until_ns)} UTC" if message.until_ns else ""
        output.line(Text.assemble((message.symbol, "bold"), f"  {_indication(message)}{until}"))
    output.console.file.flush()


def _indication(message: market_pb2.WatchAuctionResponse) -> str:
    if not message.price:
        return "nothing would trade"
    left = "nothing left over"
    for side, quantity in (("buy", message.buy_imbalance), ("sell", message.sell_imbalance)):
        if quantity not in {"", "0"}:
            left = f"{quantity} left to {side}"
    return f"{message.quantity} would trade @ {message.price}, {left}"
