"""The signals of plugins that the house runs, as the configuration has them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from xached.actors.strategies.signal_board import SignalConfig
from xached.config.strategy_settings import write_settings
from xached.config.tables import ConfigError, Table
from xached.domain.instrument import Symbol

SIGNALS_MAX: Final = 50
"""Each is a process."""

SYMBOLS_MAX: Final = 50
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}", re.ASCII)


def read_signals(
    tables: Sequence[Table], listed: Collection[Symbol], *, vouched: bool
) -> tuple[SignalConfig, ...]:
    """Read every ``[[signal]]``; ``vouched``: their plugins need no approval. Raises: ConfigError.

    Left out, its markets are the one of its setting ``symbol``.
    """
    plans: dict[str, SignalConfig] = {}
    for table in tables[: SIGNALS_MAX + 1]:
        plan = _plan(table, listed, vouched=vouched)
        if plan.name in plans or len(plans) == SIGNALS_MAX:
            raise ConfigError(
                f"{table.place('name')}: {plan.name!r} is there twice, or more than {SIGNALS_MAX}"
            )
        plans[plan.name] = plan
    return tuple(plans.values())


def _plan(table: Table, listed: Collection[Symbol], *, vouched: bool) -> SignalConfig:
    name = table.text("name")
    if _NAME.fullmatch(name) is None:
        raise ConfigError(f"{table.place('name')}: {name!r} is not 1 to 60 of A-Z a-z 0-9 . _ -")
    values = table.table("settings").take_all()
    own = values.get("symbol")
    symbols = tuple(map(Symbol, table.texts("symbols", SYMBOLS_MAX, [own] if own else [])))
    if not symbols:
        raise ConfigError(f"{table.place('symbols')}: say which markets it may see")
    for index, symbol in enumerate(symbols):
        if symbol not in listed or symbol in symbols[:index]:
            raise ConfigError(f"{table.place('symbols')}: {symbol} is not listed, or there twice")
    try:
        settings_json = write_settings(values, table.folder)
    except (TypeError, ValueError, OSError) as error:
        raise ConfigError(f"{table.place('settings')}: {error}") from None
    plan = SignalConfig(
        name=name,
        plugin=table.text("plugin"),
        symbols=symbols,
        settings_json=settings_json,
        vouched=vouched,
    )
    table.finish()
    return plan
