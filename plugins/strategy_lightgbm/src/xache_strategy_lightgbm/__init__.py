"""Trades the cross of two simple moving averages."""
