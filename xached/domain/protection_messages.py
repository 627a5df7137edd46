"""What is said and what happened of orders that protect their owner when nobody looks.

The same rules hold as for all messages: events carry amounts, so that replaying them needs no
rule of today.
"""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.frozen import frozen
from xached.domain.order import CancelScope, Purse

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


ProtectionEvent: TypeAlias = DeadManSet | DeadManFired
"""What protections leave behind beside the changes of orders."""
