"""What a firing sends: commands as anybody could give them, which meet the same checks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

import attrs

from xached.automation.rule import Fact, Rule, StepCommand, step_id
from xached.automation.terms import (
    PPM,
    OrderAction,
    PositionGains,
    Rebalance,
    SellShares,
    StopAll,
)
from xached.automation.worth import base_worth_units, price_fact, show_ppm, total_units
from xached.domain.frozen import frozen
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import CancelAll, PlaceOrder
from xached.domain.order import (
    BUY,
    SELL,
    EndReason,
    OrderType,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.portfolio import Holdings, Price
from xached.domain.protection_messages import Flatten
from xached.domain.rejection import Reason, Rejection

PROCEEDS_PPM: Final = 990_000
"""Of what is sold so much is counted on for what is bought: fees and the way through the book."""


@frozen(kw_only=True)
class Plan:
    """What is sent, what was seen for it, and why it may be nothing."""

    commands: tuple[StepCommand, ...]
    facts: tuple[Fact, ...] = ()
    remark: str = ""


def plan_commands(
    rule: Rule,
    number: int,
    stage: int,
    holdings: Holdings,
    instruments: Mapping[Symbol, Instrument],
) -> Plan:
    """What firing ``number`` of a rule sends, from how the purse stands now.

    Raises: Rejection where there is nothing that could be sent.
    """
    action = rule.terms.then
    request_id = step_id(rule.rule_id, number, 0)
    match action:
        case OrderAction():
            order = _order(rule, request_id, action, holdings, instruments[action.symbol])
            return Plan(commands=(order,))
        case SellShares():
            return _sell_share(rule, request_id, action, stage, holdings, instruments)
        case Rebalance():
            return _rebalance(rule, number, action, holdings, instruments)
        case StopAll(sell=True):
            return Plan(commands=(Flatten(purse=rule.purse, symbol=None, request_id=request_id),))
        case StopAll():
            cancel = CancelAll(
                purse=rule.purse, symbol=None, request_id=request_id, reason=EndReason.USER
            )
            return Plan(commands=(cancel,))
        case _:
            assert_never(action)


def _order(
    rule: Rule, order_id: str, action: OrderAction, holdings: Holdings, instrument: Instrument
) -> PlaceOrder:
    quote_units, lots = action.quote_units, action.quantity_lots
    if action.share_ppm is not None:
        funds = holdings.purses[rule.purse].balances
        if action.side is BUY:
            quote_units = _share(funds, instrument.quote, action.share_ppm)
        else:
            lots = _share(funds, instrument.base, action.share_ppm) // instrument.lot_units
        if not quote_units and not lots:
            raise _nothing_free()
    order = _market_order(
        rule, order_id, action.symbol, action.side, quote_units=quote_units, lots=lots
    )
    if action.price_ticks is None:
        return order
    return attrs.evolve(
        order,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price_ticks=action.price_ticks,
    )


def _sell_share(
    rule: Rule,
    order_id: str,
    action: SellShares,
    stage: int,
    holdings: Holdings,
    instruments: Mapping[Symbol, Instrument],
) -> Plan:
    when = rule.terms.when
    assert isinstance(when, PositionGains), "checked when the rule was made"
    instrument = instruments[when.symbol]
    position = holdings.purses[rule.purse].positions[when.symbol]
    lots = rule.memory.base_lots * action.shares_ppm[stage] // PPM
    if sum(action.shares_ppm[: stage + 1]) == PPM:
        lots = position.quantity_lots
    free = _share(holdings.purses[rule.purse].balances, instrument.base, PPM)
    lots = min(lots, position.quantity_lots, free // instrument.lot_units)
    if not lots:
        raise _nothing_free()
    order = _market_order(rule, order_id, when.symbol, SELL, quote_units=None, lots=lots)
    return Plan(commands=(attrs.evolve(order, reduce_only=True),))


def _rebalance(
    rule: Rule,
    number: int,
    action: Rebalance,
    holdings: Holdings,
    instruments: Mapping[Symbol, Instrument],
) -> Plan:
    markets = [instruments[target.symbol] for target in action.targets]
    prices = [_price_of(holdings, each.symbol) for each in markets]
    worths = [
        base_worth_units(holdings, rule.purse, price, instrument)
        for price, instrument in zip(prices, markets, strict=True)
    ]
    quote = markets[0].quote
    whole = total_units(holdings, rule.purse, quote) + sum(worths)
    wanted = [whole * target.weight_ppm // PPM for target in action.targets]
    facts = [Fact(name="worth", value=f"{markets[0].format_quote(whole)} {quote}")]
    for market, price, worth, target in zip(markets, prices, worths, action.targets, strict=True):
        weight, aim = worth * PPM // whole if whole else 0, target.weight_ppm
        facts.append(price_fact(market.symbol, price, market))
        value = f"{show_ppm(weight)}, wanted {show_ppm(aim)}"
        facts.append(Fact(name=f"weight of {market.base}", value=value))
    off = max(abs(worth - want) for worth, want in zip(worths, wanted, strict=True))
    if off * PPM < action.drift_ppm * whole:
        remark = f"no weight is off by {show_ppm(action.drift_ppm)}: nothing to do"
        return Plan(commands=(), facts=tuple(facts), remark=remark)
    free = _share(holdings.purses[rule.purse].balances, quote, PPM)
    sales, proceeds = _sales(markets, prices, worths, wanted)
    budget = free + proceeds * PROCEEDS_PPM // PPM
    buys = _buys(markets, worths, wanted, budget)
    commands = tuple(
        _market_order(
            rule,
            step_id(rule.rule_id, number, place),
            symbol,
            side,
            quote_units=amount if side is BUY else None,
            lots=amount if side is SELL else None,
        )
        for place, (symbol, side, amount) in enumerate([*sales, *buys])
    )
    remark = "" if commands else "what is off is less than an order may be"
    return Plan(commands=commands, facts=tuple(facts), remark=remark)


def _sales(
    markets: list[Instrument], prices: list[Price], worths: list[int], wanted: list[int]
) -> tuple[list[tuple[Symbol, Side, int]], int]:
    """What is sold, in lots, and what it should bring."""
    sales: list[tuple[Symbol, Side, int]] = []
    proceeds = 0
    for market, price, worth, want in zip(markets, prices, worths, wanted, strict=True):
        lots = max(0, worth - want) // market.notional_units(price.ticks, 1)
        lots = min(lots, market.max_market_quantity_lots)
        brings = market.notional_units(price.ticks, lots)
        if lots and lots >= market.lowest_market_lots and brings >= market.min_notional_units:
            sales.append((market.symbol, SELL, lots))
            proceeds += brings
    return sales, proceeds


def _buys(
    markets: list[Instrument], worths: list[int], wanted: list[int], budget: int
) -> list[tuple[Symbol, Side, int]]:
    """What is bought, in quote units: all of it, or in proportion what the budget allows."""
    missing = [max(0, want - worth) for worth, want in zip(worths, wanted, strict=True)]
    whole = max(1, sum(missing))
    return [
        (market.symbol, BUY, units)
        for market, each in zip(markets, missing, strict=True)
        if (units := min(each, budget * each // whole)) and units >= market.min_notional_units
    ]


def _market_order(
    rule: Rule,
    order_id: str,
    symbol: Symbol,
    side: Side,
    *,
    quote_units: int | None,
    lots: int | None,
) -> PlaceOrder:
    return PlaceOrder(
        purse=rule.purse,
        client_order_id=order_id,
        symbol=symbol,
        side=side,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price_ticks=None,
        quantity_lots=lots,
        quote_units=quote_units,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
    )


def _price_of(holdings: Holdings, symbol: Symbol) -> Price:
    price = holdings.prices.get(symbol)
    if price is None:
        raise Rejection(
            Reason.REFERENCE_UNKNOWN, f"{symbol} has no price", field="symbol", given=symbol
        )
    return price


def _share(funds: Mapping[AssetName, Funds], asset: AssetName, share_ppm: int) -> int:
    free = funds[asset].available if asset in funds else 0
    return free * share_ppm // PPM


def _nothing_free() -> Rejection:
    return Rejection(
        Reason.INSUFFICIENT_FUNDS,
        "a share of nothing is nothing",
        field="share",
        given="0",
        allowed="more than nothing free",
    )
