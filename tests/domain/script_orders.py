"""The words of scripts about changing and ending orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.domain.script_markets import time_ns
from tests.domain.script_words import lots_of, price_ticks_of
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import AmendOrder, CancelAll, Event, OrderEnded, ReplaceOrder
from xached.domain.order import AccountId, CancelScope, EndReason, Purse
from xached.domain.protection_messages import CancelAllAfter, Flatten, PositionSold, SetTradeGroup


def amend_command(
    purse: Purse, instrument: Instrument, client_id: str, words: Sequence[str]
) -> AmendOrder:
    """``QUANTITY [expect EXECUTED]``."""
    quantity, *expect = words
    return AmendOrder(
        purse=purse,
        symbol=instrument.symbol,
        order_id=None,
        client_order_id=client_id,
        quantity_lots=lots_of(instrument, quantity),
        expected_executed_lots=lots_of(instrument, expect[1]) if expect else None,
        request_id="",
    )


def replace_command(
    purse: Purse, instrument: Instrument, client_id: str, new_id: str, words: Sequence[str]
) -> ReplaceOrder:
    """``[QUANTITY] [@ PRICE] [stop PRICE] [display QUANTITY] [expires TIME] [expect EXECUTED]``."""
    terms = list(words)
    quantity = lots_of(instrument, terms.pop(0)) if len(terms) % 2 else None
    given = dict(zip(terms[::2], terms[1::2], strict=True))
    price, expires = given.pop("@", None), given.pop("expires", None)
    expect, display = given.pop("expect", None), given.pop("display", None)
    stop = given.pop("stop", None)
    assert not given, f"unknown words: {given}"
    return ReplaceOrder(
        purse=purse,
        symbol=instrument.symbol,
        replaced_order_id=None,
        replaced_client_order_id=client_id,
        client_order_id=new_id,
        price_ticks=None if price is None else price_ticks_of(instrument, price),
        quantity_lots=quantity,
        stop_ticks=None if stop is None else price_ticks_of(instrument, stop),
        display_lots=None if display is None else lots_of(instrument, display),
        expires_at_ns=None if expires is None else time_ns(expires),
        expected_executed_lots=None if expect is None else lots_of(instrument, expect),
    )


def purse_command(
    verb: str, purse: Purse, words: Sequence[str]
) -> CancelAll | CancelAllAfter | Flatten:
    """``cancel-all [SYMBOL] [ENTRIES]``, ``flatten [SYMBOL]``, ``dead-man TIME|off [ALL]``."""
    symbol = next((Symbol(word) for word in words if "-" in word), None)
    if verb == "cancel-all":
        return CancelAll(
            purse=purse,
            symbol=symbol,
            request_id="",
            reason=EndReason.USER,
            scope=CancelScope.ENTRIES if "ENTRIES" in words else CancelScope.ALL,
        )
    if verb == "flatten":
        return Flatten(purse=purse, symbol=symbol, request_id="")
    assert verb == "dead-man"
    return CancelAllAfter(
        purse=purse,
        timeout_ns=0 if words[0] == "off" else time_ns(words[0]),
        scope=CancelScope.ALL if "ALL" in words else CancelScope.ENTRIES,
        request_id="",
    )


def group_command(account: str, words: Sequence[str]) -> SetTradeGroup:
    """``GROUP|none``."""
    return SetTradeGroup(
        account_id=AccountId(account),
        group=None if words == ["none"] else words[0],
        cause="script",
        request_id="",
    )


def left_after(events: Sequence[Event], instruments: Mapping[Symbol, Instrument]) -> list[str]:
    """What a Flatten ended, in order, and ``SYMBOL:LEFT:REASON`` of each sale."""
    told: list[str] = []
    for event in events:
        if isinstance(event, OrderEnded) and event.reason is EndReason.USER:
            told.append(event.client_order_id)
        elif isinstance(event, PositionSold):
            left = instruments[event.symbol].format_quantity(event.left_lots)
            told.append(f"{event.symbol}:{left}:{event.reason.name}")
    return told
