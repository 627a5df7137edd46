"""What the operator lets a strategy do, checked before anything of it becomes a command.

The exchange checks everybody's orders; this is what its host lets a strategy ask for at all. A
capability that is granted in two places, with the plugin and with one strategy of it, is as strict
as the stricter. Only new orders and changes of orders are bounded: a cancel always passes.

A strategy is told the first rule of :class:`CapabilityRule` that stands against what it wanted.
"""

from __future__ import annotations

import enum
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias, TypeVar

import attrs

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import AmendOrder, PlaceOrder, ReplaceOrder
from xached.domain.order import BUY, Side

INTENTS_PER_MINUTE_MAX: Final = 6_000
"""More cannot be asked for: the times of a minute's intents are kept."""

_MINUTE_NS: Final = 60 * 10**9

OrderCommand: TypeAlias = PlaceOrder | AmendOrder | ReplaceOrder
Bound = TypeVar("Bound", int, frozenset[Symbol])


class CapabilityRule(enum.Enum):
    """Which capability said no, in the order they are asked. Strategies are told the names."""

    EXPIRED = "CAPABILITY_EXPIRED"
    INTENTS = "CAPABILITY_INTENTS"
    INSTRUMENT = "CAPABILITY_INSTRUMENT"
    REDUCE_ONLY = "CAPABILITY_REDUCE_ONLY"
    MODEL_ADVISES = "MODEL_ADVISES"
    """Its model only advises: it may only sell."""
    OPEN_ORDERS = "CAPABILITY_OPEN_ORDERS"
    ORDER_NOTIONAL = "CAPABILITY_ORDER_NOTIONAL"


@attrs.frozen(kw_only=True)
class Capabilities:
    """What a strategy may do. None: not bounded here.

    ``max_order_notional_units``, by quote asset: one that is not named may not be traded at all. A
    limited purchase counts at its limit. What may trade at a better or at any price counts at the
    newest price the strategy was told of that market, if that is more than its own; with none, it
    is refused. ``reduce_only``: it may only sell. At ``expires_at_ns`` it is stopped.
    """

    symbols: frozenset[Symbol] | None = None
    max_order_notional_units: Mapping[AssetName, int] | None = None
    max_open_orders: int | None = None
    max_intents_per_minute: int | None = None
    reduce_only: bool = False
    expires_at_ns: int | None = None

    def narrowed(self, other: Capabilities) -> Capabilities:
        """What both of them let pass."""
        mine, theirs = self.max_order_notional_units, other.max_order_notional_units
        notional = mine if theirs is None else theirs
        if mine is not None and theirs is not None:
            notional = {name: min(mine[name], theirs[name]) for name in mine if name in theirs}
        return Capabilities(
            symbols=_stricter(self.symbols, other.symbols, frozenset.intersection),
            max_order_notional_units=notional,
            max_open_orders=_stricter(self.max_open_orders, other.max_open_orders, min),
            max_intents_per_minute=_stricter(
                self.max_intents_per_minute, other.max_intents_per_minute, min
            ),
            reduce_only=self.reduce_only or other.reduce_only,
            expires_at_ns=_stricter(self.expires_at_ns, other.expires_at_ns, min),
        )


UNBOUNDED: Final = Capabilities()
"""What is bounded by its purse alone."""


def _stricter(
    mine: Bound | None, theirs: Bound | None, both: Callable[[Bound, Bound], Bound]
) -> Bound | None:
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    return both(mine, theirs)


@attrs.frozen
class _Open:
    """An order that was asked for and has not ended, and the command that asked for it.

    ``price_ticks`` is its own price, ``limited`` whether that is the most it can cost.
    """

    command: PlaceOrder | ReplaceOrder
    side: Side
    lots: int | None
    quote_units: int | None
    price_ticks: int | None
    limited: bool


def _largest(orders: list[_Open]) -> _Open:
    """What any of the orders of one id can be at most."""
    if len(orders) == 1:
        return orders[0]
    return attrs.evolve(
        orders[-1],
        side=next((each.side for each in orders if each.side is BUY), orders[-1].side),
        lots=max((each.lots for each in orders if each.lots is not None), default=None),
        price_ticks=max((each.price_ticks for each in orders if each.price_ticks), default=None),
        limited=all(each.limited for each in orders),
    )


class Gate:
    """The capabilities of one run, and what they have to know of it.

    ``newest_ticks`` tells the newest price of a market that the strategy was told of, ``advises``
    whether the model it trades only advises now.
    """

    def __init__(
        self,
        capabilities: Capabilities,
        instruments: Mapping[Symbol, Instrument],
        newest_ticks: Callable[[Symbol], int | None],
        advises: Callable[[], bool] = lambda: False,
    ) -> None:
        self._advises = advises
        self._may = capabilities
        self._instruments = instruments
        self._newest_ticks = newest_ticks
        self._asked_at_ns: deque[int] = deque()
        self._open: dict[str, list[_Open]] = {}
        """Oldest first. Of one id there are several where a strategy gives it again before it has
        heard that the order before is over; the exchange may have accepted each of them."""

    def __len__(self) -> int:
        """How many orders of the run are open or on their way."""
        return len(self._open)  # No two of one id are open.

    def refuse_intent(self, at_ns: int) -> CapabilityRule | None:
        """Count one more order or change of an order; the rule that forbids it."""
        may = self._may
        if may.expires_at_ns is not None and at_ns >= may.expires_at_ns:
            return CapabilityRule.EXPIRED
        if may.max_intents_per_minute is None:
            return None
        asked = self._asked_at_ns
        while asked and asked[0] <= at_ns - _MINUTE_NS:
            asked.popleft()
        if len(asked) >= may.max_intents_per_minute:
            return CapabilityRule.INTENTS
        asked.append(at_ns)
        return None

    def refuse_command(self, command: OrderCommand) -> CapabilityRule | None:
        """Count an order that is to be sent; the rule that forbids it."""
        may = self._may
        if may.symbols is not None and command.symbol not in may.symbols:
            return CapabilityRule.INSTRUMENT
        if isinstance(command, AmendOrder):
            return None  # It only ever makes an order smaller.
        order = self._order(command)
        if order is None:
            return None  # There is no such order: the exchange says so.
        if may.reduce_only and order.side is BUY:
            return CapabilityRule.REDUCE_ONLY
        if order.side is BUY and self._advises():
            return CapabilityRule.MODEL_ADVISES
        most = may.max_open_orders
        if isinstance(command, PlaceOrder) and most is not None and len(self._open) >= most:
            return CapabilityRule.OPEN_ORDERS
        if may.max_order_notional_units is not None:
            instrument = self._instruments[command.symbol]
            units_max = may.max_order_notional_units.get(instrument.quote, 0)
            notional_units = self._notional_units(order, instrument)
            if notional_units is None or notional_units > units_max:
                return CapabilityRule.ORDER_NOTIONAL
        self._open.setdefault(command.client_order_id, []).append(order)
        return None

    def purchases(self) -> list[str]:
        """The orders that buy and are open or on their way."""
        return [
            name for name, orders in self._open.items() if any(each.side is BUY for each in orders)
        ]

    def sent_in_vain(self, command: OrderCommand) -> None:
        """The exchange has refused a command: no order came of it."""
        if isinstance(command, AmendOrder):
            return
        # One whose id was taken is refused, while the order that has the id lives on.
        orders = self._open.get(command.client_order_id, [])
        self._drop(command.client_order_id, [each for each in orders if each.command is command])

    def ended(self, client_order_ids: Iterable[str]) -> None:
        """These orders are over."""
        for each in client_order_ids:
            self._drop(each, self._open.get(each, [])[:1])

    def _drop(self, name: str, gone: list[_Open]) -> None:
        for each in gone:
            self._open[name].remove(each)
            if not self._open[name]:
                del self._open[name]

    def _order(self, command: PlaceOrder | ReplaceOrder) -> _Open | None:
        if isinstance(command, PlaceOrder):
            trigger = command.trigger
            stop = None if trigger is None else trigger.stop_ticks or trigger.activation_ticks
            return _Open(
                command=command,
                side=command.side,
                lots=command.quantity_lots,
                quote_units=command.quote_units,
                price_ticks=command.price_ticks or stop,
                limited=command.side is BUY and command.price_ticks is not None,
            )
        replaced = self._open.get(command.replaced_client_order_id or "")
        if replaced is None:
            return None
        known = _largest(replaced)
        price = command.price_ticks if known.limited else command.stop_ticks or command.price_ticks
        return attrs.evolve(
            known,
            command=command,
            lots=command.quantity_lots or known.lots,
            price_ticks=price or known.price_ticks,
        )

    def _notional_units(self, order: _Open, instrument: Instrument) -> int | None:
        if order.lots is None:
            return order.quote_units
        price = order.price_ticks
        if not order.limited:
            newest = self._newest_ticks(instrument.symbol)
            price = None if newest is None else max(newest, price or 0)
        return None if price is None else instrument.notional_units(price, order.lots)
