"""The arithmetic that callbacks run under."""

from __future__ import annotations

import decimal
from typing import Final

EXACT: Final = decimal.Context(prec=80, traps=[decimal.InvalidOperation, decimal.DivisionByZero])
"""Eighty digits: the default of 28 rounds without a word."""
