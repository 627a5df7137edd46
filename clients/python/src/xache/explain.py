"""Sentences about orders: why one ended, and how its fee came about."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Context, Decimal
from typing import Final

from xache.v1 import market_pb2, types_pb2

_EXACT: Final = Context(prec=120)
"""Amounts have up to 60 digits; a product of two fits."""

END_REASONS: Final = {
    types_pb2.END_REASON_USER: "its owner cancelled it",
    types_pb2.END_REASON_TIME: "its expiry time passed",
    types_pb2.END_REASON_IOC: "the rest could not trade at once",
    types_pb2.END_REASON_FOK: "not all of it could trade at once",
    types_pb2.END_REASON_POST_ONLY: "it would have taken liquidity",
    types_pb2.END_REASON_SELF_TRADE: "it met an order of its own account",
    types_pb2.END_REASON_PRICE_BAND: "the rest could trade only outside the price band",
    types_pb2.END_REASON_NO_LIQUIDITY: "it met the end of the book",
    types_pb2.END_REASON_FUNDS: "the free funds ran out",
    types_pb2.END_REASON_RISK: "a risk rule cancelled it",
    types_pb2.END_REASON_HALT: "trading was halted",
    types_pb2.END_REASON_ADMIN: "an administrator cancelled it",
    types_pb2.END_REASON_DISCONNECT: "its stream or its strategy went away",
    types_pb2.END_REASON_INSTRUMENT: "its market was withdrawn",
    types_pb2.END_REASON_REDUCE_ONLY: "there was no position left to reduce",
    types_pb2.END_REASON_OCO_SIBLING: "the other of the two took its place",
    types_pb2.END_REASON_LIST: "its list was cancelled",
    types_pb2.END_REASON_PARENT: "its parent ended",
    types_pb2.END_REASON_REPLACED: "another order took its place",
    types_pb2.END_REASON_DEAD_MAN: "its owner's timer ran out",
}

_TRIGGERED_BY: Final[dict[int, str]] = {
    types_pb2.ORDER_TYPE_TAKE_PROFIT: "take",
    types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT: "take",
}
_SOURCES: Final[dict[int, str]] = {
    types_pb2.TRIGGER_SOURCE_LAST: "the last trade",
    types_pb2.TRIGGER_SOURCE_BID_ASK: "the best offer",
    types_pb2.TRIGGER_SOURCE_MARK: "the mark price",
}
_PAPER: Final = ".PAPER"
"""Ends the names of what is play money."""

_ROLES: Final[dict[int, str]] = {
    types_pb2.LEG_ROLE_PARENT: "the order whose fills make the others active",
    types_pb2.LEG_ROLE_CHILD: "becomes active with its parent's fills",
    types_pb2.LEG_ROLE_LIMIT_LEG: "the limit order of two of which one will do",
    types_pb2.LEG_ROLE_STOP_LEG: "the stop of two of which one will do",
}


def explain_fee(
    order: types_pb2.Order,
    fills: Sequence[types_pb2.Fill],
    listed: market_pb2.ListInstrumentsResponse,
) -> str:
    """How the fee of an order came about: rates, what they apply to, and the rounding.

    The rates are those of the market now. Where they do not give the fee that was charged (the
    order was accepted under others), only the rate in effect is told.
    """
    instrument = find_instrument(listed, order.symbol)
    if not fills:
        return "nothing traded, no fee"
    if instrument is None:
        return "the market is not listed any more, nor are its rates"
    if instrument.symbol not in {each.symbol for each in listed.instruments}:
        return "no fee on paper"
    scale = next(asset.scale for asset in listed.assets if asset.name == instrument.quote)
    unit = Decimal(1).scaleb(-scale)
    parts, exact = [], Decimal(0)
    for liquidity, name, ppm in (
        (types_pb2.LIQUIDITY_TAKER, "taker", instrument.taker_fee_ppm),
        (types_pb2.LIQUIDITY_MAKER, "maker", instrument.maker_fee_ppm),
    ):
        notional = Decimal(0)
        for fill in fills:
            if fill.liquidity == liquidity:
                notional = _EXACT.add(notional, Decimal(fill.notional))
        if notional:
            parts.append(f"{percent(ppm)} of {notional:f} as {name}")
            exact = _EXACT.add(exact, _EXACT.multiply(notional, Decimal(ppm).scaleb(-6)))
    rounded = exact.quantize(unit, rounding=ROUND_CEILING, context=_EXACT)
    charged = Decimal(order.fee)
    if rounded != charged:
        return _in_effect(order, instrument.quote)
    how = " + ".join(parts)
    if exact == rounded:
        return f"{how}, exactly"
    return f"{how}, rounded up once for the whole order to {unit:f} {instrument.quote}"


def percent(ppm: int) -> str:
    """A rate in parts per million as a percentage: 1000 is "0.1 %"."""
    return f"{(Decimal(ppm) / 10_000).normalize():f} %"


def explain_end(order: types_pb2.Order) -> str:
    """Why an order ended unfilled; empty when it did not."""
    return END_REASONS.get(order.end_reason, "")


def explain_change(order: types_pb2.Order) -> str:
    """What a filled purchase by quote amount left of its budget; empty when nothing."""
    if (
        not order.quote_quantity
        or order.side != types_pb2.SIDE_BUY
        or order.status != types_pb2.ORDER_STATUS_FILLED
    ):
        return ""
    spent = _EXACT.add(Decimal(order.executed_notional), Decimal(order.fee))
    change = _EXACT.subtract(Decimal(order.quote_quantity), spent)
    return _plain(change) if change else ""


def explain_hold(hold: types_pb2.Hold, order: types_pb2.Order) -> str:
    """What a hold is made of: "50 for the rest at its limit, 0.05 for the fee"."""
    if order.side != types_pb2.SIDE_BUY or not order.price:
        return f"{order.leaves_quantity} still to sell"
    rest = _EXACT.multiply(Decimal(order.leaves_quantity), Decimal(order.price))
    fee = _EXACT.subtract(Decimal(hold.amount), rest)
    return f"{_plain(rest)} for the rest at its limit, {_plain(fee)} for the fee"


def explain_limits(order: types_pb2.Order, instrument: types_pb2.Instrument | None) -> str:
    """What an order asks for: "buy 0.001 BTC at 50000 USDT or better"."""
    buys = order.side == types_pb2.SIDE_BUY
    side = "buy" if buys else "sell"
    base, quote = (
        (instrument.base, f" {instrument.quote}") if instrument is not None else (order.symbol, "")
    )
    if order.price:
        wish = f"{side} {order.quantity} {base} at {order.price}{quote} or better"
    elif order.quote_quantity:
        worth, fee = ("for", "fee included") if buys else ("worth", "after the fee")
        wish = f"{side} {base} {worth} {order.quote_quantity}{quote}, {fee}, at the market"
    else:
        wish = f"{side} {order.quantity} {base} at the market"
    return ", ".join([wish, *_conditions(order, quote)])


def explain_price(order: types_pb2.Order) -> str:
    """The price of an order in a table: its limit, and before that what it waits for."""
    price = order.price or "market"
    if order.trail_bps or order.trail_offset:
        at = f" now {order.current_stop_price}" if order.current_stop_price else ""
        return f"trail {_trail(order, '')}{at}"
    if order.stop_price:
        return f"{_TRIGGERED_BY.get(order.type, 'stop')} {order.stop_price}, then {price}"
    return price


def explain_role(order: types_pb2.Order) -> str:
    """What an order is in its list; empty for one that is in none."""
    return _ROLES.get(order.leg_role, "")


def find_instrument(
    listed: market_pb2.ListInstrumentsResponse, symbol: str
) -> types_pb2.Instrument | None:
    """The rules of a market; None when it is not listed any more.

    A market on paper is not in the list: it has the rules of the one it copies.
    """
    for each in listed.instruments:
        if each.symbol == symbol:
            return each
        base, quote = f"{each.base}{_PAPER}", f"{each.quote}{_PAPER}"
        if symbol == f"{base}-{quote}":
            on_paper = types_pb2.Instrument()
            on_paper.CopyFrom(each)
            on_paper.symbol, on_paper.base, on_paper.quote = symbol, base, quote
            return on_paper
    return None


def _conditions(order: types_pb2.Order, quote: str) -> list[str]:
    """What an order waits for, and what else it is told."""
    told = []
    source = _SOURCES.get(order.trigger_source, "the price")
    if order.trail_bps or order.trail_offset:
        following = f"once the market turns by {_trail(order, quote)} from its best"
        if order.activation_price:
            following += f" after {order.activation_price}{quote}"
        told.append(following)
    elif order.stop_price:
        buys = order.side == types_pb2.SIDE_BUY
        takes_profit = order.type in {
            types_pb2.ORDER_TYPE_TAKE_PROFIT,
            types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT,
        }
        beyond = "or below" if buys == takes_profit else "or above"
        told.append(f"once {source} is at {order.stop_price}{quote} {beyond}")
    if order.display_quantity:
        told.append(f"showing {order.display_quantity} at a time")
    if order.reduce_only:
        told.append("only to reduce the position")
    return told


def _trail(order: types_pb2.Order, quote: str) -> str:
    """The distance of a trailing stop."""
    if order.trail_bps:
        return percent(order.trail_bps * 100)
    return f"{order.trail_offset}{quote}"


def _in_effect(order: types_pb2.Order, quote: str) -> str:
    rate = Decimal(order.fee) / Decimal(order.executed_notional) * 100
    return f"{rate:.4g} % in effect of {order.executed_notional} {quote}"


def _plain(amount: Decimal) -> str:
    """The shortest text of an amount, without an exponent."""
    return f"{amount.normalize(_EXACT):f}"
