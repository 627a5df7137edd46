"""A tape: the newest trades of one source, numbered without gaps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

import attrs

from xached.domain.instrument import Symbol
from xached.domain.market import Source, TapeTrade
from xached.domain.order import Side

TAPE_TRADES_MAX = 10_000
"""How far back a reader can resume, and the bound of a tape's memory."""


class Tape:
    """The newest trades, and which of them a reader has missed.

    ``first_sequence`` is the number of the first trade to come. ``epoch`` counts how often the
    feed started anew; numbers go on.
    """

    def __init__(self, symbol: Symbol, first_sequence: int = 1) -> None:
        assert first_sequence >= 1
        self._symbol = symbol
        self._trades: deque[TapeTrade] = deque(maxlen=TAPE_TRADES_MAX)
        self._next = first_sequence
        self.epoch = 0

    @property
    def sequence(self) -> int:
        """Number of the newest trade; one below the first while there is none."""
        return self._next - 1

    @property
    def oldest(self) -> int:
        """Number of the oldest trade that is still here; of the next one when there is none."""
        return self._next - len(self._trades)

    def append(
        self,
        *,
        source: Source,
        trade_id: str,
        price_ticks: int,
        quantity_lots: int,
        taker_side: Side,
        at_ns: int,
    ) -> TapeTrade:
        """Number a trade and keep it."""
        trade = TapeTrade(
            symbol=self._symbol,
            source=source,
            sequence=self._next,
            trade_id=trade_id,
            price_ticks=price_ticks,
            quantity_lots=quantity_lots,
            taker_side=taker_side,
            at_ns=at_ns,
        )
        self._trades.append(trade)
        self._next += 1
        return trade

    def resume(self, trades: Iterable[TapeTrade]) -> None:
        """Take over the newest trades of an earlier run, in order, and go on numbering."""
        assert not self._trades
        for trade in trades:
            assert not self._trades or trade.sequence == self._next, trade
            self._trades.append(trade)
            self._next = trade.sequence + 1

    def newest(self, limit: int) -> list[TapeTrade]:
        """Up to ``limit`` trades, newest first."""
        return list(islice(reversed(self._trades), limit))

    def last(self) -> TapeTrade | None:
        """The newest trade."""
        return self._trades[-1] if self._trades else None

    def after(self, sequence: int, limit: int) -> list[TapeTrade]:
        """Trades after a number that is still here (see :meth:`knows`), oldest first."""
        missed = min(self.sequence - sequence, len(self._trades))
        start = len(self._trades) - missed
        # Reading from the near end: a deque is slow in its middle.
        if missed <= limit:
            return list(islice(reversed(self._trades), missed))[::-1]
        return list(islice(self._trades, start, start + limit))

    def knows(self, sequence: int) -> bool:
        """True when nothing after this number is missing here."""
        return self.oldest - 1 <= sequence <= self.sequence


@attrs.frozen(kw_only=True)
class TapeStep:
    """What a reader is told next.

    ``lagged_to``: trades were skipped, and this is the number of the first that was not; else 0.
    ``reset``: the feed started anew since the step before.
    """

    trades: tuple[TapeTrade, ...]
    lagged_to: int
    reset: bool


class TapeReader:
    """One reader of a tape: where it is, and what it must be told about gaps."""

    def __init__(self, tape: Tape, limit: int, after_sequence: int | None = None) -> None:
        """Read what comes after a number, or from now on; at most ``limit`` trades a step."""
        self._tape = tape
        self._limit = limit
        self._cursor = tape.sequence if after_sequence is None else after_sequence
        self._epoch = tape.epoch

    def step(self) -> TapeStep | None:
        """What to tell the reader next; None when it knows everything."""
        tape = self._tape
        reset, self._epoch = self._epoch != tape.epoch, tape.epoch
        lagged_to = 0
        if not tape.knows(self._cursor):
            # Too far behind, or a number of another run: go on with the oldest trade there is.
            lagged_to = tape.oldest
            self._cursor = lagged_to - 1
        trades = tape.after(self._cursor, self._limit)
        if not trades and not reset and not lagged_to:
            return None
        if trades:
            self._cursor = trades[-1].sequence
        return TapeStep(trades=tuple(trades), lagged_to=lagged_to, reset=reset)
