"""Recorded markets: columnar candles and tapes, read, checked, kept and exported."""
