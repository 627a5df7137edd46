"""What protects people from themselves, read from rows alone: naive, and sharing no code with it.

Orders of one owner do not trade with each other unless the taker wants that, and what moves
instead moves between purses of one owner. The end of an armed stream ends what it was armed for,
in the same row.
"""

from __future__ import annotations

import attrs

from xached.domain.disconnect_messages import DisconnectArmed, Disconnected
from xached.domain.list_messages import ListAccepted
from xached.domain.messages import OrderAccepted, OrderEnded, Row, Traded
from xached.domain.order import (
    CancelScope,
    EndReason,
    ListKind,
    OrderId,
    Purse,
    SelfTradePrevention,
    Side,
    account_of,
)
from xached.domain.protection_messages import SelfTransferred, TradeGroupSet


class ProtectionBroken(Exception):  # noqa: N818 - what was found
    """A row says what protections do not allow."""


@attrs.define
class _Known:
    """An open order. ``stays`` when its list protects something with it."""

    purse: Purse
    side: Side
    mode: SelfTradePrevention
    stays: bool = False


class Protections:
    """Open orders, owners and armed streams, as far as rows tell."""

    def __init__(self) -> None:
        self._open: dict[OrderId, _Known] = {}
        self._groups: dict[str, str] = {}
        self._armed: dict[int, CancelScope] = {}

    def feed(self, row: Row) -> None:
        """Read one row. Raises: ProtectionBroken."""
        to_end: dict[OrderId, None] = {}
        for event in row.events:
            if isinstance(event, OrderAccepted):
                self._open[event.order_id] = _Known(
                    event.purse, event.side, event.self_trade_prevention
                )
            elif isinstance(event, ListAccepted) and event.kind is ListKind.OTO:
                self._open[event.order_ids[1]].stays = True
            elif isinstance(event, OrderEnded):
                if event.reason is EndReason.DISCONNECT:
                    to_end.pop(event.order_id, None)
                del self._open[event.order_id]
            elif isinstance(event, Traded | SelfTransferred):
                self._met(event, row)
            elif isinstance(event, TradeGroupSet):
                self._groups.pop(event.account_id, None)
                if event.group is not None:
                    self._groups[event.account_id] = event.group
            elif isinstance(event, DisconnectArmed):
                self._armed[event.stream] = event.scope
            elif isinstance(event, Disconnected):
                scope = self._armed.pop(event.stream)
                to_end |= dict.fromkeys(self._ended_by(event.purse, scope))
        if to_end:
            raise ProtectionBroken(f"row {row.seq} ends a stream and not {list(to_end)}")

    def _met(self, event: Traded | SelfTransferred, row: Row) -> None:
        own = self._owner(event.taker_purse) == self._owner(event.maker_purse)
        if isinstance(event, SelfTransferred):
            if not own or event.taker_purse == event.maker_purse:
                raise ProtectionBroken(f"row {row.seq} moves between strangers, at {event}")
        elif own and self._open[event.taker_order_id].mode is not SelfTradePrevention.NONE:
            raise ProtectionBroken(f"row {row.seq} lets an owner trade alone, at {event}")

    def _owner(self, purse: Purse) -> tuple[str, str]:
        account = account_of(purse)
        group = self._groups.get(account)
        return ("account", account) if group is None else ("group", group)

    def _ended_by(self, purse: Purse, scope: CancelScope) -> list[OrderId]:
        return [
            order_id
            for order_id, known in self._open.items()
            if known.purse == purse
            and (scope is CancelScope.ALL or (known.side is Side.BUY and not known.stays))
        ]
