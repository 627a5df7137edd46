"""Lists of orders that depend on each other: what the exchange keeps of one."""

from __future__ import annotations

import attrs

from xached.domain.instrument import Symbol
from xached.domain.order import EndReason, LegRole, ListActivation, ListKind, OrderId, Purse


@attrs.define
class OrderList:
    """A list that is not over. It is named by the id of its first order.

    ``quantity_lots`` is every order's at the start. The parent traded ``parent_lots`` so far, of
    which ``given_lots`` were passed on to its children. ``ends`` says why orders ended.
    """

    kind: ListKind
    activation: ListActivation
    purse: Purse
    symbol: Symbol
    order_ids: tuple[OrderId, ...]
    quantity_lots: int
    parent_lots: int = 0
    given_lots: int = 0
    ends: dict[OrderId, EndReason] = attrs.field(factory=dict)

    @property
    def parent_id(self) -> OrderId | None:
        """The order whose fills wake the others."""
        return None if self.kind is ListKind.OCO else self.order_ids[0]

    @property
    def pair(self) -> tuple[OrderId, OrderId] | None:
        """The limit leg and the stop leg of which only one may trade."""
        if self.kind is ListKind.OTO:
            return None
        return self.order_ids[-2], self.order_ids[-1]

    @property
    def child_ids(self) -> tuple[OrderId, ...]:
        """What the parent's fills wake; the first of them holds for all."""
        return () if self.kind is ListKind.OCO else self.order_ids[1:]

    @property
    def parent_is_open(self) -> bool:
        """Whether the parent may still trade."""
        return self.parent_id is not None and self.parent_id not in self.ends

    @property
    def is_over(self) -> bool:
        """Whether every order has ended."""
        return len(self.ends) == len(self.order_ids)

    def grows(self, order_id: OrderId) -> bool:
        """Whether an order that has traded all it is for may get more to trade."""
        return (
            self.activation is ListActivation.PARTIAL
            and self.parent_is_open
            and order_id in self.child_ids
        )


def roles_of(kind: ListKind) -> tuple[LegRole, ...]:
    """What the orders of a list are, in order."""
    match kind:
        case ListKind.OCO:
            return LegRole.LIMIT_LEG, LegRole.STOP_LEG
        case ListKind.OTO:
            return LegRole.PARENT, LegRole.CHILD
        case ListKind.BRACKET:
            return LegRole.PARENT, LegRole.LIMIT_LEG, LegRole.STOP_LEG
