"""Cancel-on-disconnect: the end of an order-entry stream cancels the orders of its purse.

Theory of operation. A stream is armed by a command when it opens, and what it armed is state: so
a daemon that comes up again knows which streams it was serving when it died, and ends each of them
before it lets anybody in. However a stream ends, it is disconnected once. What is cancelled are
the purse's open orders in scope, not only those that came by this stream: a trader who is gone
cannot look after any of them.
"""

from __future__ import annotations

from typing import assert_never

from xached.domain.cancelling import ended, in_scope
from xached.domain.disconnect_messages import (
    ArmDisconnect,
    Disconnect,
    DisconnectArmed,
    Disconnected,
    DisconnectEvent,
)
from xached.domain.messages import Event
from xached.domain.order import EndReason
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import ArmedStream, State

STREAMS_MAX = 32
"""Armed streams of one purse."""


def decide_stream(state: State, command: ArmDisconnect | Disconnect, seq: int) -> tuple[Event, ...]:
    """Arm a stream, which is known by this row from now on, or end it. Raises: Rejection."""
    if isinstance(command, ArmDisconnect):
        return _arm(state, command, seq)
    return _disconnect(state, command)


def apply_stream(state: State, event: DisconnectEvent) -> None:
    """Write which streams are armed."""
    match event:
        case DisconnectArmed():
            state.streams[event.stream] = ArmedStream(event.purse, event.scope)
        case Disconnected():
            del state.streams[event.stream]
        case _:
            assert_never(event)


def _arm(state: State, command: ArmDisconnect, seq: int) -> tuple[Event, ...]:
    state.purse(command.purse)
    armed = sum(1 for each in state.streams.values() if each.purse == command.purse)
    if armed >= STREAMS_MAX:
        raise Rejection(
            Reason.STREAMS,
            "too many streams of this purse cancel on disconnect",
            field="cancel_on_disconnect",
            given=str(armed + 1),
            allowed=f"at most {STREAMS_MAX}",
        )
    return (DisconnectArmed(purse=command.purse, stream=seq, scope=command.scope),)


def _disconnect(state: State, command: Disconnect) -> tuple[Event, ...]:
    armed = state.streams.get(command.stream)
    if armed is None:
        return ()  # It was ended before.
    orders = (state.orders[order_id] for order_id in state.purses[armed.purse].open_orders)
    return (
        Disconnected(purse=armed.purse, stream=command.stream),
        *(ended(order, EndReason.DISCONNECT) for order in in_scope(orders, armed.scope)),
    )
