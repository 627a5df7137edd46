"""What tapes tell a strategy, as values in the order of time, without anybody trading in them."""

from __future__ import annotations

from collections.abc import Sequence

from xache_sdk.market import Book, Books, Candle, Candles, Level, Subscription, Trade, Trades
from xache_sdk.market import Instrument as ToldInstrument
from xache_sdk.market import Side as ToldSide
from xache_sdk.replay import known_at_ns

from xached.research.backtest.feed import Lane
from xached.research.backtest.tape import TapeKind, TapeMarket
from xached.research.backtest.terms import told_instrument


def told_tapes(
    markets: Sequence[TapeMarket], subscribed: Sequence[Subscription], book_interval_ns: int
) -> list[Trade | Book | Candle]:
    """The trades, books and candles of tapes that somebody subscribes to.

    Raises: DataError for candles longer than a tape.
    """
    values = [
        value
        for market in markets
        for value in told_tape(
            market,
            [
                each
                for each in subscribed
                if (each.symbol, each.venue) == (market.tape.symbol, market.tape.venue)
            ],
            book_interval_ns,
        )
    ]
    return sorted(values, key=known_at_ns)


def told_tape(
    market: TapeMarket, subscribed: Sequence[Subscription], book_interval_ns: int
) -> list[Trade | Book | Candle]:
    """The trades, books and candles of a tape that somebody subscribes to.

    Raises: DataError for candles longer than the tape.
    """
    tape, told = market.tape, told_instrument(market.instrument)
    depth = max((each.depth for each in subscribed if isinstance(each, Books)), default=0)
    trades = any(isinstance(each, Trades) for each in subscribed)
    values: list[Trade | Book | Candle] = []
    for each in subscribed:
        if isinstance(each, Candles):
            candles = tape.candles(each.interval)
            lane = Lane(0, each, told, candles, candles.ends_ns, 0)
            values.extend(lane.told_candles(0, len(candles)))
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    next_ns = 0
    rows = zip(*(each.tolist() for each in tape.columns), strict=True)
    for at_ns, kind, price, lots in rows:
        if kind >= TapeKind.BOUGHT:
            if trades:
                side = ToldSide.BUY if kind == TapeKind.BOUGHT else ToldSide.SELL
                values.append(Trade(told, tape.venue, at_ns, price, lots, side))
        else:
            (asks if kind else bids)[price] = lots
            if not lots:
                del (asks if kind else bids)[price]
        if depth and at_ns >= next_ns:
            next_ns = at_ns + book_interval_ns
            values.append(best_of(told, tape.venue, at_ns, bids, asks, depth))
    return sorted(values, key=known_at_ns)


def best_of(
    told: ToldInstrument,
    venue: str,
    at_ns: int,
    bids: dict[int, int],
    asks: dict[int, int],
    depth: int,
) -> Book:
    """The best levels of a book."""
    return Book(
        told,
        venue,
        at_ns,
        tuple(Level(ticks, bids[ticks]) for ticks in sorted(bids, reverse=True)[:depth]),
        tuple(Level(ticks, asks[ticks]) for ticks in sorted(asks)[:depth]),
    )
