"""Market history, backtests and their honest judgement: floats are at home here."""
