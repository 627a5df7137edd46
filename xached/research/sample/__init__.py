"""A few months of real candles, so that examples run; see NOTICE.md."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from xached.research.history.candle_set import CandleSet
from xached.research.history.history_store import read_steps

FILES: Final = ("btcusdt_5m_2024.parquet", "ethusdt_5m_2024.parquet")


def sample_histories() -> list[tuple[CandleSet, str]]:
    """BTC-USDT and ETH-USDT of 2024 in candles of five minutes, with where they come from."""
    folder = Path(__file__).parent
    return [read_steps(folder / name) for name in FILES]
