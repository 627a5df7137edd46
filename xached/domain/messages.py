"""What the exchange is told (commands) and what happened (events).

Events are the truth and carry amounts, not formulas: replaying them needs no rule that may
change later. Both are journaled as ``[type, version, fields...]``; a field is never removed or
reordered, only added at the end of a new version.
"""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.compliance_messages import (
    AcceptDisclosure,
    ComplianceCommand,
    ComplianceEvent,
)
from xached.domain.disconnect_messages import ArmDisconnect, Disconnect, DisconnectEvent
from xached.domain.frozen import frozen
from xached.domain.instrument import Asset, AssetName, Instrument, Symbol
from xached.domain.list_messages import FollowList, ListFollowed, ListStep, PlaceList
from xached.domain.market_messages import (
    AssetDelisted,
    ChangeInstrument,
    DelistAsset,
    DelistInstrument,
    EndDelisted,
    FeeTiersSet,
    InstrumentChanged,
    InstrumentDelisted,
    MoveMarketOn,
    OpenSubaccount,
    SetFeeTiers,
    TransferFunds,
    Transferred,
)
from xached.domain.order import (
    DECREMENTING,
    MAIN,
    CancelScope,
    EndReason,
    Leg,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    account_of,
    make_purse,
)
from xached.domain.protection_messages import (
    CancelAllAfter,
    FireDeadMan,
    Flatten,
    ProtectionCommand,
    ProtectionEvent,
    SellPosition,
    TrimReduceOnly,
)
from xached.domain.risk_bounds import RiskBounds, RiskMark, RiskScope, RiskSetter, RiskState
from xached.domain.waiting_messages import (
    LookAtPrices,
    PricesSeen,
    StartTriggered,
    WaitingStep,
)

# --- Commands: imperatives. Those with an id are safe to repeat. ----------------------------


@frozen
class PlaceOrder:
    """Place one order. Exactly one of quantity and quote amount is given; quote only for market.

    ``quote_units``: BUY, all that leaves the purse, fee included; SELL, what should reach it.
    ``trigger`` is given for all types but limit and market. ``display_lots`` makes a limit order
    an iceberg. ``slide`` lets a post-only order rest at the best price that takes nothing.
    """

    purse: Purse
    client_order_id: str
    symbol: Symbol
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int | None
    quantity_lots: int | None
    quote_units: int | None
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    expires_at_ns: int | None
    trigger: Trigger | None = None
    display_lots: int | None = None
    reduce_only: bool = False
    slide: bool = False


@frozen
class CancelOrder:
    """Cancel one open order of a purse, named by one of its ids."""

    purse: Purse
    order_id: OrderId | None
    client_order_id: str | None
    request_id: str
    reason: EndReason


@frozen(kw_only=True)
class AmendOrder:
    """Lower the quantity of an open order, which keeps its place in the queue.

    ``quantity_lots`` is the new total, what was executed and prevented included. Who says
    ``expected_executed_lots`` is refused when the order has traded otherwise or is over.
    ``symbol`` is the market whose lots these are.
    """

    purse: Purse
    symbol: Symbol
    order_id: OrderId | None
    client_order_id: str | None
    quantity_lots: int
    expected_executed_lots: int | None
    request_id: str


@frozen(kw_only=True)
class ReplaceOrder:
    """Cancel an open order and place one with other terms, in one step or not at all.

    The replaced order is named by one of its ids. What is None stays as it was;
    ``quantity_lots`` counts what the replaced order executed, as in an amendment, so the new
    order is for what is left of it. The new one begins at the back of the queue. ``symbol`` is
    the market whose lots and ticks these are.
    """

    purse: Purse
    symbol: Symbol
    replaced_order_id: OrderId | None
    replaced_client_order_id: str | None
    client_order_id: str
    price_ticks: int | None
    quantity_lots: int | None
    stop_ticks: int | None
    display_lots: int | None
    expires_at_ns: int | None
    expected_executed_lots: int | None


@frozen(kw_only=True)
class CancelAll:
    """Cancel every open order of a purse, or of one instrument of it, that is in scope."""

    purse: Purse
    symbol: Symbol | None
    request_id: str
    reason: EndReason
    scope: CancelScope = CancelScope.ALL


@frozen(kw_only=True)
class ListAsset:
    """List an asset."""

    asset: Asset
    request_id: str


@frozen(kw_only=True)
class ListInstrument:
    """List an instrument; it is CANCEL_ONLY until it has a mark."""

    instrument: Instrument
    request_id: str


@frozen(kw_only=True)
class SetMarketState:
    """Say what an instrument lets people do."""

    symbol: Symbol
    state: MarketState
    cause: str
    request_id: str


@frozen(kw_only=True)
class SetMark:
    """Say what an instrument costs elsewhere. ``source`` names where that came from."""

    symbol: Symbol
    price_ticks: int
    source: str
    request_id: str


@frozen(kw_only=True)
class OpenPurse:
    """Open a purse. Opening it again the same way changes nothing."""

    purse: Purse
    simulated: bool
    request_id: str


@frozen(kw_only=True)
class FreezePurse:
    """Freeze a purse, or lift its freeze. A frozen purse can only cancel."""

    purse: Purse
    frozen: bool
    cause: str
    request_id: str


@frozen(kw_only=True)
class SetRiskLimits:
    """Set the limits of one purse, or with no purse the limits of all that have none."""

    purse: Purse | None
    max_open_orders: int
    max_order_notional_units: tuple[tuple[AssetName, int], ...]
    request_id: str


@frozen(kw_only=True)
class SetHalt:
    """Halt the whole house, or lift the halt. While halted only cancels pass."""

    halted: bool
    cause: str
    request_id: str


@frozen(kw_only=True)
class SetRiskState:
    """Say what a scope may do for now. ACTIVE lifts what the same setter has set."""

    scope: RiskScope
    setter: RiskSetter
    state: RiskState
    cause: str
    request_id: str


@frozen(kw_only=True)
class SetRiskBounds:
    """Set all bounds of a scope anew."""

    scope: RiskScope
    bounds: RiskBounds
    request_id: str


@frozen(kw_only=True)
class MarkRisk:
    """Keep what a scope's profit is measured from.

    ``known`` is the mark that it was worked out from; None: there was none. What has changed
    meanwhile, by a position that moved, is not overwritten.
    """

    scope: RiskScope
    asset: AssetName
    mark: RiskMark
    request_id: str
    known: RiskMark | None = None


@frozen(kw_only=True)
class Deposit:
    """Credit money that came in from outside."""

    purse: Purse
    asset: AssetName
    amount_units: int
    request_id: str


@frozen(kw_only=True)
class AdvanceClock:
    """Let what is due by now happen: expiries, and what an earlier row left undone."""


@frozen(kw_only=True)
class ExpireOrder:
    """An internal step: this order's time has passed."""

    order_id: OrderId


WaitingCommand: TypeAlias = LookAtPrices | StartTriggered | FollowList
"""Internal steps of orders that wait."""

Command: TypeAlias = (
    PlaceOrder
    | CancelOrder
    | AmendOrder
    | ReplaceOrder
    | CancelAll
    | ProtectionCommand
    | ArmDisconnect
    | Disconnect
    | ListAsset
    | ListInstrument
    | SetMarketState
    | SetMark
    | OpenPurse
    | FreezePurse
    | SetRiskLimits
    | SetHalt
    | SetRiskState
    | SetRiskBounds
    | MarkRisk
    | Deposit
    | AdvanceClock
    | ExpireOrder
    | ChangeInstrument
    | DelistInstrument
    | DelistAsset
    | EndDelisted
    | OpenSubaccount
    | TransferFunds
    | WaitingCommand
    | SetFeeTiers
    | PlaceList
    | MoveMarketOn
    | ComplianceCommand
)

CONFIG = "CONFIG"
"""Who asked for what stands in the configuration."""

HOUSE = "house"
"""Scope of the request ids of administrators."""


def order_scope(purse: Purse) -> str:
    """Scope of the client order ids of a purse."""
    return f"o:{purse}"


def request_key(command: Command) -> tuple[str, str] | None:
    """Under which (scope, id) a command may be repeated; None when it has no id.

    Order ids and request ids of a purse are separate scopes.
    """
    if isinstance(command, PlaceOrder):  # By far the most: see Exchange.apply.
        return order_scope(command.purse), command.client_order_id
    match command:
        case ReplaceOrder():
            return order_scope(command.purse), command.client_order_id
        case (
            CancelOrder() | CancelAll() | CancelAllAfter() | Flatten() | AmendOrder() | PlaceList()
        ):
            return (f"r:{command.purse}", command.request_id) if command.request_id else None
        case AdvanceClock() | ExpireOrder() | EndDelisted() | MoveMarketOn():
            return None
        case LookAtPrices() | StartTriggered() | FollowList():
            return None
        case FireDeadMan() | TrimReduceOnly() | SellPosition() | ArmDisconnect() | Disconnect():
            return None
        case OpenSubaccount():
            main = make_purse(account_of(command.purse), MAIN)
            return (f"r:{main}", command.request_id) if command.request_id else None
        case AcceptDisclosure():
            main = make_purse(command.account_id, MAIN)
            return (f"r:{main}", command.request_id) if command.request_id else None
        case TransferFunds():
            return (f"r:{command.source}", command.request_id) if command.request_id else None
        case _:
            return (f"r:{HOUSE}", command.request_id) if command.request_id else None


def further_keys(command: Command) -> tuple[tuple[str, str], ...]:
    """What a command uses up beside its :func:`request_key`: the order ids of a list."""
    if isinstance(command, PlaceList):
        scope = order_scope(command.purse)
        return tuple((scope, leg.client_order_id) for leg in command.legs)
    return ()


# --- Events: past tense, complete. -----------------------------------------------------------


@frozen(kw_only=True)
class AssetListed:
    """An asset can be owned from now on."""

    asset: Asset


@frozen(kw_only=True)
class InstrumentListed:
    """A market exists from now on; CANCEL_ONLY until it has a mark."""

    instrument: Instrument


@frozen(kw_only=True)
class MarketStateSet:
    """What a market lets people do has changed; it ends by itself at ``until_ns``, if at all."""

    symbol: Symbol
    state: MarketState
    cause: str
    until_ns: int | None = None


@frozen(kw_only=True)
class MarkSet:
    """There is a new MARK, and a REFERENCE that follows it.

    ``price_ticks`` is the mark, ``given_ticks`` what the source said. None in rows of before these
    were told apart: all three are the same.
    """

    symbol: Symbol
    price_ticks: int
    source: str
    reference_ticks: int | None = None
    given_ticks: int | None = None


@frozen(kw_only=True)
class PurseOpened:
    """A purse exists from now on."""

    purse: Purse
    simulated: bool


@frozen(kw_only=True)
class PurseFrozen:
    """A purse was frozen, or its freeze lifted."""

    purse: Purse
    frozen: bool
    cause: str


@frozen(kw_only=True)
class RiskLimitsSet:
    """The limits of a purse (or, with none, the house's defaults) have changed."""

    purse: Purse | None
    max_open_orders: int
    max_order_notional_units: tuple[tuple[AssetName, int], ...]


@frozen(kw_only=True)
class HaltSet:
    """The whole house was halted, or the halt lifted."""

    halted: bool
    cause: str


@frozen(kw_only=True)
class RiskStateSet:
    """What a scope may do has changed."""

    scope: RiskScope
    setter: RiskSetter
    state: RiskState
    cause: str


@frozen(kw_only=True)
class RiskBoundsSet:
    """The bounds of a scope have changed."""

    scope: RiskScope
    bounds: RiskBounds


@frozen(kw_only=True)
class RiskMarked:
    """What a scope's profit is measured from has changed."""

    scope: RiskScope
    asset: AssetName
    mark: RiskMark


@frozen(kw_only=True)
class Deposited:
    """Money came in from outside."""

    purse: Purse
    asset: AssetName
    amount_units: int
    reference: str


@frozen
class OrderAccepted:
    """An order came to be, and its hold moved from available to held in the same instant.

    ``quantity_lots`` of a market order by quote amount is what was planned to trade.
    ``replaces`` names the order that ended for this one in the same step.
    """

    order_id: OrderId
    client_order_id: str
    purse: Purse
    symbol: Symbol
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int | None
    quantity_lots: int
    quote_units: int | None
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    expires_at_ns: int | None
    maker_fee_ppm: int
    taker_fee_ppm: int
    held_units: int
    trigger: Trigger | None = None
    display_lots: int | None = None
    reduce_only: bool = False
    slide: bool = False
    leg: Leg | None = None
    replaces: OrderId | None = None


@frozen
class Traded:
    """Two orders traded at the resting one's price, or in an auction at its one price.

    The buyer's hold pays notional and fee and gives back ``buyer_released_units``; the seller's
    hold pays the base. ``seller_position_lots`` of the sale came out of the seller's position,
    relieved it of ``seller_relieved_units`` of cost and realised ``seller_realised_units`` of
    profit (negative: loss). ``index`` numbers the trades of a row. In an ``auction`` both orders
    rested, and both pay what a maker pays; the later one is told as the taker.
    """

    index: int
    symbol: Symbol
    price_ticks: int
    quantity_lots: int
    notional_units: int
    taker_side: Side
    taker_order_id: OrderId
    taker_purse: Purse
    taker_fee_units: int
    maker_order_id: OrderId
    maker_purse: Purse
    maker_fee_units: int
    buyer_released_units: int
    seller_position_lots: int
    seller_relieved_units: int
    seller_realised_units: int
    simulated: bool
    auction: bool = False


@frozen(kw_only=True)
class MatchPrevented:
    """Two orders of one account met and were kept from trading.

    With mode DECREMENT or TRANSFER both lost ``quantity_lots``, and what their holds no longer need
    is free again; what is then transferred is told next. With the other modes nothing was lost;
    which of them ended is told by their ends.
    """

    symbol: Symbol
    price_ticks: int
    quantity_lots: int
    taker_order_id: OrderId
    taker_purse: Purse
    maker_order_id: OrderId
    maker_purse: Purse
    mode: SelfTradePrevention
    taker_released_units: int = 0
    maker_released_units: int = 0

    @property
    def lost_lots(self) -> int:
        """What went off both orders."""
        return self.quantity_lots if self.mode in DECREMENTING else 0


@frozen
class OrderRested:
    """What is left of an order waits in the book, which does not show ``hidden_lots`` of it."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    leaves_lots: int
    hidden_lots: int = 0


@frozen(kw_only=True)
class SliceShown:
    """The shown slice of an iceberg was used up: the next one waits at the back of its level."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    shown_lots: int


@frozen(kw_only=True)
class OrderReduced:
    """An open order is for less from now on and keeps its place in the queue.

    ``quantity_lots`` is its new total and ``reduced_lots`` what went off it, of which the book
    showed ``shown_lots``: what it hides goes first. The part of its hold that it no longer needs
    is free again. ``reason`` is USER or REDUCE_ONLY.
    """

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    quantity_lots: int
    reduced_lots: int
    shown_lots: int
    released_units: int
    reason: EndReason


@frozen
class OrderEnded:
    """An order is over and the rest of its hold is free again."""

    order_id: OrderId
    client_order_id: str
    purse: Purse
    symbol: Symbol
    side: Side
    status: OrderStatus
    reason: EndReason
    executed_lots: int
    released_units: int


@frozen(kw_only=True)
class ClockAdvanced:
    """Time passed and was looked at."""


Event: TypeAlias = (
    AssetListed
    | InstrumentListed
    | MarketStateSet
    | MarkSet
    | PurseOpened
    | PurseFrozen
    | RiskLimitsSet
    | HaltSet
    | RiskStateSet
    | RiskBoundsSet
    | RiskMarked
    | Deposited
    | OrderAccepted
    | Traded
    | MatchPrevented
    | OrderRested
    | SliceShown
    | OrderReduced
    | OrderEnded
    | ClockAdvanced
    | InstrumentChanged
    | InstrumentDelisted
    | AssetDelisted
    | Transferred
    | WaitingStep
    | PricesSeen
    | FeeTiersSet
    | ProtectionEvent
    | DisconnectEvent
    | ListStep
    | ListFollowed
    | ComplianceEvent
)


@frozen
class Row:
    """One journaled step: a command, when it was decided, and everything that followed.

    ``by`` is the account of the administrator who asked for it, or CONFIG for what the
    configuration says; empty for what a purse asked for itself and for the house's own steps.
    """

    seq: int
    at_ns: int
    command: Command
    events: tuple[Event, ...]
    by: str = ""


def trade_id(seq: int, index: int) -> str:
    """The public id of a trade."""
    return f"{seq}-{index}"


def make_order(event: OrderAccepted, seq: int, at_ns: int) -> Order:
    """The order that an acceptance begins, to fold later events into."""
    # Terms by position: CPython 3.11 gathers keywords in a dict, which takes three times as long.
    order = Order(
        event.order_id,
        event.client_order_id,
        event.purse,
        event.symbol,
        event.side,
        event.type,
        event.time_in_force,
        event.price_ticks,
        event.quantity_lots,
        event.quote_units,
        event.post_only,
        event.self_trade_prevention,
        event.expires_at_ns,
        event.maker_fee_ppm,
        event.taker_fee_ppm,
        event.held_units,
        at_ns,
        at_ns,
        seq,
    )
    order.trigger = event.trigger
    order.display_lots = event.display_lots
    order.reduce_only = event.reduce_only
    order.slide = event.slide
    order.leg = event.leg
    order.replaces = event.replaces
    if event.trigger is not None:
        order.stop_ticks = event.trigger.stop_ticks
    return order
