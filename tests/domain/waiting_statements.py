"""What scripts say of orders that wait: for a price, or for other orders."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.domain.conditions import leg_of
from tests.domain.script_words import price_ticks_of
from xached.domain.list_messages import ListFollowed, PlaceList
from xached.domain.messages import Event, Traded
from xached.domain.order import ListActivation, ListKind, Order, Purse
from xached.domain.waiting_messages import OrderTriggered

if TYPE_CHECKING:  # Scripts speak these words.
    from tests.domain.script import Script


def check_triggered(script: Script, expected: list[str]) -> None:
    triggered = [e.order_id for e in script.events if isinstance(e, OrderTriggered)]
    got = [script.client_id(order_id) for order_id in triggered]
    assert got == expected, got


def check_status(script: Script, words: list[str]) -> None:
    name, client_id, expected = words
    got = _open_order(script, name, client_id).status.name
    assert got == expected, got


def check_stop(script: Script, words: list[str]) -> None:
    name, client_id, expected = words
    order = _open_order(script, name, client_id)
    instrument = script.exchange.state.markets[order.symbol].instrument
    got = "none" if order.stop_ticks is None else instrument.format_price(order.stop_ticks)
    if expected != "none":
        expected = instrument.format_price(price_ticks_of(instrument, expected))
    assert got == expected, got


def check_unprotected(script: Script, words: list[str]) -> None:
    followed = [e for e in script.events if isinstance(e, ListFollowed) and e.unprotected_lots]
    got = [
        script.exchange.state.markets[e.symbol].instrument.format_quantity(e.unprotected_lots)
        for e in followed
    ]
    assert got == words, got


def walk(script: Script, prices: list[str]) -> None:
    """Let others trade one lot at each price; what that led to is the events of the line."""
    assert script.symbol is not None
    instrument = script.exchange.state.markets[script.symbol].instrument
    lot = instrument.format_quantity(instrument.min_quantity_lots)
    events: list[Event] = []
    for price in prices:
        ticks = price_ticks_of(instrument, price)
        cost = instrument.format_quote(
            2 * instrument.notional_units(ticks, instrument.min_quantity_lots)
        )
        number = len(script.rows)
        for verb, words in (
            ("deposit", ["walker-1", cost, instrument.quote]),
            ("deposit", ["walker-2", lot, instrument.base]),
            ("order", ["walker-1", f"w{number}", "BUY", lot, "@", price, "GTC"]),
            ("order", ["walker-2", f"w{number}", "SELL", lot, "@", price, "IOC"]),
        ):
            events += script.apply(script.command(verb, words)())
        traded = [e for e in events if isinstance(e, Traded)]
        assert any(e.price_ticks == ticks for e in traded), f"no trade at {price}"
    script.events = tuple(events)


WAITING_STATEMENTS: dict[str, Callable[[Script, list[str]], None]] = {
    "triggered": check_triggered,
    "status": check_status,
    "stop": check_stop,
    "unprotected": check_unprotected,
    "walk": walk,
}


def place_list_of(script: Script, purse: Purse, kind: ListKind, words: list[str]) -> PlaceList:
    """Read ``[PARTIAL] : ORDER | ORDER [| ORDER]``."""
    assert script.symbol is not None
    partial = words[0] == "PARTIAL" or kind is ListKind.BRACKET
    legs = " ".join(words[words.index(":") + 1 :]).split("|")
    return PlaceList(
        purse=purse,
        request_id=f"list-{script.seq}",
        symbol=script.symbol,
        kind=kind,
        activation=ListActivation.PARTIAL if partial else ListActivation.FULL,
        legs=tuple(leg_of(script.order(purse, leg.split())) for leg in legs),
    )


def _open_order(script: Script, name: str, client_id: str) -> Order:
    purse = script.exchange.state.purses[script.purse(name)]
    return script.exchange.state.orders[purse.by_client_id[client_id]]
