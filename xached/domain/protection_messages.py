"""What is said and what happened of orders that protect their owner when nobody looks.

The same rules hold as for all messages: events carry amounts, so that replaying them needs no
rule of today.
"""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
from xached.domain.order import AccountId, CancelScope, EndReason, OrderId, Purse, Side

# --- Commands. ---------------------------------------------------------------------------------


@frozen(kw_only=True)
class CancelAllAfter:
    """Arm the dead-man's switch of a purse, anew each time: its orders are cancelled after a while.

    ``timeout_ns`` 0 disarms it. Once it has fired it stays off until it is armed again.
    """

    purse: Purse
    timeout_ns: int
    scope: CancelScope
    request_id: str


@frozen(kw_only=True)
class FireDeadMan:
    """An internal step: the dead-man's switch of this purse was not renewed in time."""

    purse: Purse


@frozen(kw_only=True)
class TrimReduceOnly:
    """An internal step: this purse has more reduce-only orders than it has of the instrument."""

    purse: Purse
    symbol: Symbol


@frozen(kw_only=True)
class Flatten:
    """Cancel all orders of a purse, or of one instrument of it, and sell what it has of it."""

    purse: Purse
    symbol: Symbol | None
    request_id: str


@frozen(kw_only=True)
class SellPosition:
    """An internal step of a Flatten: sell a position, or as much as one order may."""

    purse: Purse
    symbol: Symbol


@frozen(kw_only=True)
class SetTradeGroup:
    """Put an account into a trade group, whose orders do not trade with each other; None: out."""

    account_id: AccountId
    group: str | None
    cause: str
    request_id: str


# --- Events. -----------------------------------------------------------------------------------


@frozen(kw_only=True)
class DeadManSet:
    """The dead-man's switch of a purse fires at this time; None: it is off."""

    purse: Purse
    fires_at_ns: int | None
    scope: CancelScope


@frozen(kw_only=True)
class DeadManFired:
    """The dead-man's switch of a purse fired and is off; what it cancels ends in the same step."""

    purse: Purse


@frozen(kw_only=True)
class FlattenStarted:
    """The positions of a purse in these instruments are sold next, one after the other."""

    purse: Purse
    symbols: tuple[Symbol, ...]


@frozen(kw_only=True)
class PositionSold:
    """What was sold of a position by ``orders`` orders, 0 or 1, left so much.

    ``reason`` says why no more can be sold: what the market does not take, FUNDS when its base is
    held elsewhere, HALT, ADMIN or RISK when selling is not allowed. NONE with lots left: more is
    sold next.
    """

    purse: Purse
    symbol: Symbol
    orders: int
    left_lots: int
    reason: EndReason


@frozen(kw_only=True)
class TradeGroupSet:
    """An account is in this trade group from now on; None: in none."""

    account_id: AccountId
    group: str | None
    cause: str


@frozen(kw_only=True)
class SelfTransferred:
    """What two purses of one owner would have traded went from one to the other, without a fee.

    It follows the prevented match that set it free. ``position_lots`` of the base were a position
    and carry ``position_cost_units`` of cost. ``index`` counts with the trades of the row.
    """

    index: int
    symbol: Symbol
    price_ticks: int
    quantity_lots: int
    notional_units: int
    taker_side: Side
    taker_order_id: OrderId
    taker_purse: Purse
    maker_order_id: OrderId
    maker_purse: Purse
    position_lots: int
    position_cost_units: int
    simulated: bool


ProtectionCommand: TypeAlias = (
    CancelAllAfter | FireDeadMan | TrimReduceOnly | Flatten | SellPosition | SetTradeGroup
)
"""What protections ask for."""

ProtectionEvent: TypeAlias = (
    DeadManSet | DeadManFired | FlattenStarted | PositionSold | TradeGroupSet | SelfTransferred
)
"""What protections leave behind beside the changes of orders."""
