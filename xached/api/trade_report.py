"""Trades of an account in a period as CSV: for the person, and for whoever supervises the house.

One line for each fill, purse by purse, the newest first. The columns never change their meaning
or their order; new ones come at the end.
"""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import AsyncIterator
from typing import Final

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.domain.history import Fill
from xached.domain.instrument import Directory
from xached.domain.order import AccountId, Purse, account_of, subaccount_of
from xached.domain.queries import PursesQuery
from xached.domain.rejection import Reason, Rejection
from xached.storage.views import Wanted

COLUMNS: Final = (
    "trade_id",
    "at_utc",
    "at_ns",
    "account_id",
    "subaccount",
    "symbol",
    "side",
    "role",
    "price",
    "quantity",
    "notional",
    "fee",
    "quote_asset",
    "order_id",
    "client_order_id",
    "simulated",
)
"""``role`` is MAKER or TAKER; amounts are exact decimals; notional and fee in the quote asset."""

PAGE: Final = 500
_NS_PER_S = 1_000_000_000


async def report_trades(
    matching: Matching,
    history: History,
    directory: Directory,
    account_id: AccountId,
    from_ns: int,
    to_ns: int,
) -> AsyncIterator[bytes]:
    """Yield the report in pieces of one page each. ``to_ns`` 0: up to now.

    Raises: Rejection AMOUNT_RANGE; what reading history raises.
    """
    if from_ns < 0 or to_ns < 0 or (to_ns and to_ns <= from_ns):
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "this is no period",
            field="to_ns",
            given=f"{from_ns} to {to_ns}",
            allowed="an end after the beginning",
        )
    await history.wait_current()
    wanted = Wanted(from_ns=from_ns, to_ns=to_ns or None)
    yield _lines([COLUMNS])
    for purse in await matching.query(PursesQuery(account_id), account=account_id):
        before: int | None = None
        while True:
            page = await history.fills(purse.purse, None, before, PAGE, wanted)
            lines = [_line(purse.purse, fill, directory) for fill in page.items]
            if lines:
                yield _lines(lines)
            before = page.next_before
            if before is None:
                break


def _line(purse: Purse, fill: Fill, directory: Directory) -> tuple[str, ...]:
    instrument = directory.instrument(fill.symbol)
    at = datetime.datetime.fromtimestamp(fill.at_ns // _NS_PER_S, datetime.UTC)
    return (
        fill.trade_id,
        f"{at:%Y-%m-%dT%H:%M:%S}.{fill.at_ns % _NS_PER_S:09d}Z",
        str(fill.at_ns),
        account_of(purse),
        subaccount_of(purse),
        fill.symbol,
        fill.side.name,
        "MAKER" if fill.is_maker else "TAKER",
        instrument.format_price(fill.price_ticks),
        instrument.format_quantity(fill.quantity_lots),
        instrument.format_quote(fill.notional_units),
        instrument.format_quote(fill.fee_units),
        instrument.quote,
        str(fill.order_id),
        fill.client_order_id,
        str(fill.simulated).lower(),
    )


def _lines(lines: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(lines)  # RFC 4180
    return text.getvalue().encode()
