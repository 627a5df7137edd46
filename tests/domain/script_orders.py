"""The words of scripts about changing and ending orders."""

from __future__ import annotations

from collections.abc import Sequence

from tests.domain.script_markets import time_ns
from tests.domain.script_words import lots_of, price_ticks_of
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import AmendOrder, CancelAll, ReplaceOrder
from xached.domain.order import CancelScope, EndReason, Purse
from xached.domain.protection_messages import CancelAllAfter


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
    """``[QUANTITY] [@ PRICE] [display QUANTITY] [expires TIME] [expect EXECUTED]``."""
    terms = list(words)
    quantity = lots_of(instrument, terms.pop(0)) if len(terms) % 2 else None
    given = dict(zip(terms[::2], terms[1::2], strict=True))
    price, expires = given.pop("@", None), given.pop("expires", None)
    expect, display = given.pop("expect", None), given.pop("display", None)
    assert not given, f"unknown words: {given}"
    return ReplaceOrder(
        purse=purse,
        symbol=instrument.symbol,
        replaced_order_id=None,
        replaced_client_order_id=client_id,
        client_order_id=new_id,
        price_ticks=None if price is None else price_ticks_of(instrument, price),
        quantity_lots=quantity,
        stop_ticks=None,
        display_lots=None if display is None else lots_of(instrument, display),
        expires_at_ns=None if expires is None else time_ns(expires),
        expected_executed_lots=None if expect is None else lots_of(instrument, expect),
    )


def cancel_all_command(purse: Purse, words: Sequence[str]) -> CancelAll:
    """``[SYMBOL] [ENTRIES]``."""
    symbols = [word for word in words if "-" in word]
    return CancelAll(
        purse=purse,
        symbol=Symbol(symbols[0]) if symbols else None,
        request_id="",
        reason=EndReason.USER,
        scope=CancelScope.ENTRIES if "ENTRIES" in words else CancelScope.ALL,
    )


def dead_man_command(purse: Purse, words: Sequence[str]) -> CancelAllAfter:
    """``TIME|off [ALL]``."""
    after, *scope = words
    return CancelAllAfter(
        purse=purse,
        timeout_ns=0 if after == "off" else time_ns(after),
        scope=CancelScope.ALL if scope == ["ALL"] else CancelScope.ENTRIES,
        request_id="",
    )
