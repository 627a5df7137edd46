"""What a strategy may do, as the configuration has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from xached.config.tables import ConfigError, Table
from xached.domain.capabilities import INTENTS_PER_MINUTE_MAX, UNBOUNDED, Capabilities
from xached.domain.instrument import OPEN_ORDERS_MAX, Asset, AssetName, Instrument, Symbol

SYMBOLS_MAX: Final = 50


def read_capabilities(
    table: Table, instruments: Mapping[Symbol, Instrument], assets: Mapping[str, Asset]
) -> Capabilities:
    """Read a table of capabilities; what is left out is not bounded. Raises: ConfigError."""
    symbols = [Symbol(each) for each in table.texts("symbols", SYMBOLS_MAX)]
    for symbol in symbols:
        if symbol not in instruments:
            raise ConfigError(f"{table.place('symbols')}: {symbol} is not listed")
    notional = table.table("max_order_notional")
    amounts = {
        AssetName(name): notional.parse(name, notional.text(name), assets[name].scale)
        for name in notional.known(assets)
    }
    capabilities = Capabilities(
        symbols=frozenset(symbols) or UNBOUNDED.symbols,
        max_order_notional_units=amounts or UNBOUNDED.max_order_notional_units,
        max_open_orders=table.optional_number("max_open_orders", 0, OPEN_ORDERS_MAX),
        max_intents_per_minute=table.optional_number(
            "max_intents_per_minute", 0, INTENTS_PER_MINUTE_MAX
        ),
        reduce_only=table.flag("reduce_only", UNBOUNDED.reduce_only),
        expires_at_ns=table.optional_time("expires"),
    )
    table.finish()
    return capabilities
