"""Venues that plugins know, and where plugins may have the house connect to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from xached.adapters.egress import EgressPolicy, HostRule, read_host_rule
from xached.adapters.feeds.plan import FeedPlan
from xached.adapters.feeds.venues import VENUES
from xached.config.strategy_settings import write_settings
from xached.config.tables import ConfigError, Table
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import XACHE, Venue

FOLLOWED_MAX: Final = 100
"""Instruments that one connection to a venue follows at most."""

EGRESS_HOSTS_MAX: Final = 100
PAPER: Final = "PAPER"
"""What the house calls its market of play money: no venue is called so."""

_PLUGIN: Final = re.compile(r"[a-z][a-z0-9_]{0,30}", re.ASCII)


def read_feed_plans(feeds: Table, listed: Mapping[Symbol, Instrument]) -> tuple[FeedPlan, ...]:
    """Read ``feeds.plugins`` and ``feeds.plugin_settings``. Raises: ConfigError."""
    followed, settings = feeds.table("plugins"), feeds.table("plugin_settings")
    taken = {*(each.venue for each in VENUES), XACHE, PAPER}
    plans: list[FeedPlan] = []
    for plugin in followed.names():
        venue = Venue(plugin.upper())
        if _PLUGIN.fullmatch(plugin) is None or venue in taken:
            raise ConfigError(f"{followed.place(plugin)}: no name of a plugin, or one of a venue")
        given = settings.table(plugin)
        try:
            settings_json = write_settings(given.take_all(), feeds.folder)
        except (TypeError, ValueError, OSError) as error:
            raise ConfigError(f"{settings.place(plugin)}: {error}") from None
        instruments = _instruments(followed, plugin, listed)
        if instruments:
            plans.append(
                FeedPlan(
                    plugin=plugin,
                    venue=venue,
                    instruments=instruments,
                    settings_json=settings_json,
                )
            )
    settings.finish()
    return tuple(plans)


def read_egress(table: Table) -> EgressPolicy:
    """Read ``[egress]``. Raises: ConfigError."""
    rules: list[HostRule] = []
    for text in table.texts("hosts", EGRESS_HOSTS_MAX):
        try:
            rules.append(read_host_rule(text))
        except ValueError as error:
            raise ConfigError(f"{table.place('hosts')}: {text!r}: {error}") from None
    policy = EgressPolicy(hosts=tuple(rules), private=table.flag("private_addresses", False))
    table.finish()
    return policy


def _instruments(
    followed: Table, plugin: str, listed: Mapping[Symbol, Instrument]
) -> tuple[tuple[str, Instrument], ...]:
    """Each with the venue's name of it, where it is given: ``BTC-USDT=tBTCUST``."""
    found: dict[Symbol, tuple[str, Instrument]] = {}
    for entry in followed.texts(plugin, FOLLOWED_MAX):
        symbol, _, name = entry.partition("=")
        instrument = listed.get(Symbol(symbol))
        if instrument is None:
            raise ConfigError(f"{followed.place(plugin)}: {symbol} is not listed")
        if instrument.symbol in found:
            raise ConfigError(f"{followed.place(plugin)}: {symbol} is there twice")
        found[instrument.symbol] = (name, instrument)
    return tuple(found.values())
