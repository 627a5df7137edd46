"""What is said and what happened of order-entry streams whose end cancels orders."""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.frozen import frozen
from xached.domain.order import CancelScope, Purse


@frozen(kw_only=True)
class ArmDisconnect:
    """Cancel orders of a purse when a stream that opens now ends."""

    purse: Purse
    scope: CancelScope


@frozen(kw_only=True)
class Disconnect:
    """A stream has ended, or the daemon that served it: what it armed happens."""

    purse: Purse
    stream: int


@frozen(kw_only=True)
class DisconnectArmed:
    """The end of a stream cancels orders of its purse. ``stream`` is the sequence of this row."""

    purse: Purse
    stream: int
    scope: CancelScope


@frozen(kw_only=True)
class Disconnected:
    """A stream is over and armed no more; what it cancels ends in the same step."""

    purse: Purse
    stream: int


DisconnectEvent: TypeAlias = DisconnectArmed | Disconnected
"""What streams leave behind beside the changes of orders."""
