"""Indicators of technical analysis: one class each, bar by bar or over whole columns."""
