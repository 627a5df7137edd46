"""What a firing sends: commands as anybody could give them, which meet the same checks."""

from __future__ import annotations

from collections.abc import Mapping

from xached.automation.rule import Rule, StepCommand, step_id
from xached.automation.terms import PPM, OrderAction
from xached.domain.history import Funds
from xached.domain.instrument import AssetName, Directory, Instrument
from xached.domain.messages import PlaceOrder
from xached.domain.order import (
    BUY,
    OrderType,
    SelfTradePrevention,
    TimeInForce,
)
from xached.domain.portfolio import Holdings
from xached.domain.rejection import Reason, Rejection


def plan_commands(
    rule: Rule, number: int, holdings: Holdings, directory: Directory
) -> tuple[StepCommand, ...]:
    """The commands of firing ``number``, from how the purse stands now.

    Raises: Rejection where there is nothing that could be sent.
    """
    action = rule.terms.then
    return (_place(rule, number, 0, action, holdings, directory.instrument(action.symbol)),)


def _place(
    rule: Rule,
    number: int,
    place: int,
    action: OrderAction,
    holdings: Holdings,
    instrument: Instrument,
) -> PlaceOrder:
    quote_units, lots = action.quote_units, action.quantity_lots
    if action.share_ppm is not None:
        funds = holdings.purses[rule.purse].balances
        if action.side is BUY:
            quote_units = _share(funds, instrument.quote, action.share_ppm)
        else:
            lots = _share(funds, instrument.base, action.share_ppm) // instrument.lot_units
        if not quote_units and not lots:
            raise Rejection(
                Reason.INSUFFICIENT_FUNDS,
                "a share of nothing is nothing",
                field="share",
                given="0",
                allowed="more than nothing free",
            )
    return PlaceOrder(
        purse=rule.purse,
        client_order_id=step_id(rule.rule_id, number, place),
        symbol=action.symbol,
        side=action.side,
        type=OrderType.MARKET if action.price_ticks is None else OrderType.LIMIT,
        time_in_force=TimeInForce.IOC if action.price_ticks is None else TimeInForce.GTC,
        price_ticks=action.price_ticks,
        quantity_lots=lots,
        quote_units=quote_units,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
    )


def _share(funds: Mapping[AssetName, Funds], asset: AssetName, share_ppm: int) -> int:
    free = funds[asset].available if asset in funds else 0
    return free * share_ppm // PPM
