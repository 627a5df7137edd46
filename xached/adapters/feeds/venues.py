"""The venues that can be followed live."""

from __future__ import annotations

from typing import Final

from xached.adapters.feeds.binance_live import BINANCE_RULES
from xached.adapters.feeds.coinbase import COINBASE_RULES
from xached.adapters.feeds.kraken import KRAKEN_RULES
from xached.adapters.feeds.session import VenueRules

VENUES: Final[tuple[VenueRules, ...]] = (BINANCE_RULES, COINBASE_RULES, KRAKEN_RULES)
"""In the order in which the first that is followed gives the marks."""
