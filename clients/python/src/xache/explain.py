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
    if instrument is None or not fills:
        return "nothing traded, no fee"
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
        return f"{side} {order.quantity} {base} at {order.price}{quote} or better"
    if order.quote_quantity:
        worth, fee = ("for", "fee included") if buys else ("worth", "after the fee")
        return f"{side} {base} {worth} {order.quote_quantity}{quote}, {fee}, at the market"
    return f"{side} {order.quantity} {base} at the market"


def find_instrument(
    listed: market_pb2.ListInstrumentsResponse, symbol: str
) -> types_pb2.Instrument | None:
    """The rules of a market; None when it is not listed any more."""
    return next((each for each in listed.instruments if each.symbol == symbol), None)


def _in_effect(order: types_pb2.Order, quote: str) -> str:
    rate = Decimal(order.fee) / Decimal(order.executed_notional) * 100
    return f"{rate:.4g} % in effect of {order.executed_notional} {quote}"


def _plain(amount: Decimal) -> str:
    """The shortest text of an amount, without an exponent."""
    return f"{amount.normalize(_EXACT):f}"
