"""market.db: what is saved comes back, is bounded, and can be thrown away."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from tests.domain.market_values import BTC, ETH
from xached.domain.candles import NS_PER_S, Candle, Interval
from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE, XACHE, Provenance, Source, TapeTrade
from xached.domain.order import Side
from xached.domain.tape import TAPE_TRADES_MAX
from xached.storage.candles import RETENTION_S, CandleStore, LineProgress, MarketBatch

NOW_NS = 1_770_000_000 * NS_PER_S
HUGE = 10**30


def candle(opened_s: int, interval: Interval = Interval.S1, price_ticks: int = 5) -> Candle:
    return Candle(
        interval=interval,
        open_at_ns=NOW_NS + opened_s * NS_PER_S,
        open_ticks=price_ticks,
        high_ticks=price_ticks + 2,
        low_ticks=price_ticks - 1,
        close_ticks=price_ticks + 1,
        volume_lots=HUGE,
        trades=3,
        simulated_trades=1,
        closed=True,
        bought_lots=None if opened_s % 2 else HUGE - 1,
    )


def trade(sequence: int) -> TapeTrade:
    return TapeTrade(
        symbol=BTC.symbol,
        source=Source(XACHE, Provenance.SIMULATED),
        sequence=sequence,
        trade_id=f"{sequence}-0",
        price_ticks=HUGE,
        quantity_lots=7,
        taker_side=Side.SELL,
        at_ns=NOW_NS,
    )


def batch(
    *closed: tuple[Symbol, Candle],
    seq: int = 1,
    own: tuple[LineProgress, ...] = (),
    now_ns: int = NOW_NS,
) -> MarketBatch:
    return MarketBatch(
        seq=seq,
        now_ns=now_ns,
        closed=tuple((symbol, XACHE, each) for symbol, each in closed),
        own=own,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "market.db"


def test_the_newest_candles_of_a_range_come_back_oldest_first(path: Path) -> None:
    store = CandleStore(path)
    kept = [candle(second) for second in range(10)]
    store.save(batch(*((BTC.symbol, each) for each in kept), (ETH.symbol, candle(3))))
    find = store.candles
    assert find(BTC.symbol, XACHE, Interval.S1, limit=3) == kept[-3:]
    assert find(BTC.symbol, XACHE, Interval.S1, limit=99) == kept
    assert find(BTC.symbol, XACHE, Interval.M1, limit=99) == []
    assert find(BTC.symbol, BINANCE, Interval.S1, limit=99) == []
    ranged = find(
        BTC.symbol, XACHE, Interval.S1,
        from_ns=kept[2].open_at_ns, to_ns=kept[6].open_at_ns, limit=3,
    )  # fmt: skip
    assert ranged == kept[3:6]
    store.close()


def test_everything_is_there_after_a_restart(path: Path) -> None:
    progress = LineProgress(
        symbol=BTC.symbol,
        candles_at_ns=NOW_NS + 5,
        open_candles=tuple(
            attrs.evolve(candle(0, interval), closed=False) for interval in Interval
        ),
        trades=(trade(1), trade(2)),
    )
    store = CandleStore(path)
    store.save(batch((BTC.symbol, candle(-1)), seq=41, own=(progress,)))
    store.save(batch(seq=42, own=(attrs.evolve(progress, trades=(trade(3),)),)))
    store.close()
    again = CandleStore(path)
    assert again.folded_seq() == 42
    assert again.own_lines() == [attrs.evolve(progress, trades=(trade(1), trade(2), trade(3)))]
    assert again.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == [candle(-1)]
    again.close()


def test_the_tape_and_each_interval_are_bounded(path: Path) -> None:
    store = CandleStore(path)
    trades = tuple(trade(sequence) for sequence in range(1, TAPE_TRADES_MAX + 21))
    progress = LineProgress(symbol=BTC.symbol, candles_at_ns=0, open_candles=(), trades=trades)
    old = candle(-RETENTION_S[Interval.S1] - 1)
    store.save(batch((BTC.symbol, old), now_ns=old.open_at_ns))
    assert store.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == [old]
    store.save(batch((BTC.symbol, candle(0)), own=(progress,)))
    assert store.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == [candle(0)]
    (line,) = store.own_lines()
    assert line.trades == trades[20:]
    store.close()


def test_a_batch_that_fails_leaves_nothing(path: Path) -> None:
    store = CandleStore(path)
    store.save(batch((BTC.symbol, candle(0)), seq=1))
    too_late = attrs.evolve(candle(1), open_at_ns=HUGE)
    with pytest.raises(OverflowError):
        store.save(batch((BTC.symbol, candle(2)), (BTC.symbol, too_late), seq=2))
    assert store.folded_seq() == 1
    assert store.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == [candle(0)]
    store.close()


def test_lines_and_the_whole_can_be_forgotten(path: Path) -> None:
    store = CandleStore(path)
    store.save(batch((BTC.symbol, candle(0)), (ETH.symbol, candle(0)), seq=9))
    store.forget(BTC.symbol, XACHE)
    assert store.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == []
    assert store.candles(ETH.symbol, XACHE, Interval.S1, limit=9) == [candle(0)]
    store.forget_everything()
    assert store.folded_seq() == 0
    assert store.candles(ETH.symbol, XACHE, Interval.S1, limit=9) == []
    store.close()


@pytest.mark.parametrize("where", [0, 4_096, 9 * 4_096])
def test_a_damaged_file_is_started_anew(path: Path, where: int) -> None:
    store = CandleStore(path)
    store.save(batch(*((BTC.symbol, candle(second)) for second in range(500))))
    store.close()
    content = bytearray(path.read_bytes())
    content[where : where + 200] = b"\xff" * 200
    path.write_bytes(content)
    again = CandleStore(path)
    assert again.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == []
    again.save(batch((BTC.symbol, candle(1))))
    assert again.candles(BTC.symbol, XACHE, Interval.S1, limit=9) == [candle(1)]
    again.close()
