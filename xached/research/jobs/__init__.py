"""Backtests that the daemon starts: each in a sealed process, judged in another."""
