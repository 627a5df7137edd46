"""The terms of an order as options of a command."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, Literal

import attrs
from cyclopts import Group, Parameter

from xache.commands.options import Flag, usage
from xache.orders import OrderFields
from xache.v1 import types_pb2

SIDES: Final = {"buy": types_pb2.SIDE_BUY, "sell": types_pb2.SIDE_SELL}
_TIMES: Final = {
    "gtc": types_pb2.TIME_IN_FORCE_GTC,
    "ioc": types_pb2.TIME_IN_FORCE_IOC,
    "fok": types_pb2.TIME_IN_FORCE_FOK,
    "gtd": types_pb2.TIME_IN_FORCE_GTD,
}
_TRIGGERS: Final = {
    "": types_pb2.TRIGGER_SOURCE_UNSPECIFIED,
    "last": types_pb2.TRIGGER_SOURCE_LAST,
    "bid-ask": types_pb2.TRIGGER_SOURCE_BID_ASK,
    "mark": types_pb2.TRIGGER_SOURCE_MARK,
}
_BASIS_POINTS = re.compile(r"([0-9]{1,9})bps", re.ASCII)
_DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_TRAIL_BPS_MAX: Final = 100_000
_NS_PER_S: Final = 1_000_000_000
_NS_MAX: Final = 2**63 - 1
"""As far as the house counts: the year 2262."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}

_TERMS = Group("Terms of the order", sort_key=10)


@Parameter(name="*", group=_TERMS)
@attrs.frozen(kw_only=True)
class Terms:
    """What an order says beside its side and market."""

    quantity: Annotated[str, Parameter(alias="-q")] = ""
    """How much of the base asset."""
    quote: str = ""
    """Instead of a quantity, at the market: what leaves your purse, or of a sale reaches it."""
    price: Annotated[str, Parameter(alias="-p")] = ""
    """The limit."""
    tif: Literal["gtc", "ioc", "fok", "gtd", ""] = ""
    """gtc: until cancelled, ioc: now or never, fok: all now or nothing, gtd: until --expires."""
    expires: str = ""
    """When it expires: 90s, 15m, 2h, 1d, or a time such as 2026-12-31T23:59:59Z."""
    post_only: Flag = False
    """Refuse to take liquidity."""
    slide: Flag = False
    """With --post-only: rest at the best price that takes nothing instead of ending."""
    reduce_only: Flag = False
    """Never trade more than makes your position smaller."""
    show: str = ""
    """An iceberg: show so much of the quantity at a time."""
    stop: str = ""
    """Wait until the price has gone against you as far as this."""
    take_profit: str = ""
    """Wait until the price has gone your way as far as this."""
    trail: str = ""
    """A stop that follows the market your way: 150bps, 1.5%, or a price distance."""
    activate_at: str = ""
    """With --trail: follow only once this price has traded."""
    trigger: Literal["last", "bid-ask", "mark", ""] = ""
    """Which price a stop looks at: the last trade, the best bid or ask, or the mark."""

    def order(self, side: Literal["buy", "sell"], symbol: str) -> OrderFields:
        """The order they make. Raises: SystemExit where they make no sense."""
        if bool(self.quantity) == bool(self.quote):
            raise usage("Give one of --quantity and --quote.")
        if sum(map(bool, (self.stop, self.take_profit, self.trail))) > 1:
            raise usage("Give at most one of --stop, --take-profit and --trail.")
        time_in_force = _TIMES.get(self.tif, types_pb2.TIME_IN_FORCE_UNSPECIFIED)
        if self.expires and not self.tif:
            time_in_force = types_pb2.TIME_IN_FORCE_GTD
        trail_bps, trail_offset = _trail(self.trail)
        return {
            "symbol": symbol.upper(),
            "side": SIDES[side],
            "quantity": self.quantity or None,
            "quote_quantity": self.quote or None,
            "price": self.price or None,
            "time_in_force": time_in_force,
            "expires_at_ns": expiry_ns(self.expires) if self.expires else 0,
            "post_only": self.post_only,
            "slide": self.slide,
            "reduce_only": self.reduce_only,
            "display_quantity": self.show or None,
            "stop_price": self.stop or None,
            "take_profit_price": self.take_profit or None,
            "trail_bps": trail_bps,
            "trail_offset": trail_offset or None,
            "activation_price": self.activate_at or None,
            "trigger_source": _TRIGGERS[self.trigger],
        }


NO_TERMS = Terms()


def _trail(text: str) -> tuple[int, str]:
    """A trail in basis points and as a distance, one of them empty."""
    bps = _BASIS_POINTS.fullmatch(text)
    if bps is not None:
        return int(bps[1]), ""
    if not text.endswith("%"):
        return 0, text
    try:
        exact = Decimal(text[:-1]) * 100
    except InvalidOperation:
        raise usage(f"--trail: {text!r} is no percentage.") from None
    if not exact.is_finite() or not 0 < exact <= _TRAIL_BPS_MAX:
        raise usage(f"--trail: {text!r} is no percentage from 0.01% to 1000%.")
    if exact != int(exact):
        raise usage(f"--trail: {text!r} is no whole number of basis points (0.01%).")
    return int(exact), ""


def duration_s(text: str) -> int:
    """So many seconds. Raises: SystemExit."""
    duration = _DURATION.fullmatch(text)
    if duration is None:
        raise usage(f"{text!r} is no duration such as 90s, 15m or 2h.")
    return int(duration[1]) * _SECONDS[duration[2]]


def ago_ns(text: str) -> int:
    """When something so long ago, or at this time, was; 0 for no text. Raises: SystemExit."""
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return _at_ns(datetime.now(UTC).timestamp() - duration_s(text), text)
    return expiry_ns(text) if text else 0


def expiry_ns(text: str) -> int:
    """When something that lasts so long, or until then, ends. Raises: SystemExit."""
    duration = _DURATION.fullmatch(text)
    if duration is not None:
        return _at_ns(datetime.now(UTC).timestamp() + duration_s(text), text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise usage(f"{text!r} is neither a duration nor a time.") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return _at_ns(at.timestamp(), text)


def _at_ns(at_s: float, text: str) -> int:
    """A time as the house counts it. Raises: SystemExit."""
    at_ns = int(at_s) * _NS_PER_S
    if not 0 <= at_ns <= _NS_MAX:
        raise usage(f"{text!r} is before 1970 or after 2262.")
    return at_ns
