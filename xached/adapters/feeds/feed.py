"""What a venue's feed must be: a parser without I/O, and exact conversion to ticks and lots."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Protocol

from xached.domain.instrument import Instrument
from xached.domain.market import FaultCause, FeedFault, FeedRecord, Venue

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024
"""Longest frame looked at: the deepest REST snapshots have about 400 kB."""

EXCERPT_LENGTH_MAX: Final = 120
NUMBER_LENGTH_MAX: Final = 40
INT64_MAX: Final = 2**63 - 1
NS_PER_MS: Final = 1_000_000

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Parser(Protocol):
    """Turns frames of one venue into records. It never raises on what a venue sends."""

    @property
    def venue(self) -> Venue:
        """Whose frames it reads."""
        ...

    def parse(self, frame: bytes, received_ns: int) -> list[FeedRecord]:
        """Read one frame. ``received_ns`` dates what carries no time of its own.

        A frame that is not understood as a whole is one :class:`FeedFault` and nothing else.
        The one exception are quantities that are no whole number of lots, which are cut down.
        Where the venue's lot is the house's, only books hold such quantities (remains of orders
        that are older than the lot), and a fault beside the record says so. Where the venue's
        lot is finer, it is the rule: nothing is said, and trades of less than a lot are left out.
        """
        ...


class FrameFault(Exception):  # noqa: N818 - raised and caught within one parser
    """The frame cannot be used."""

    def __init__(self, cause: FaultCause) -> None:
        super().__init__(cause.value)
        self.cause = cause


def fault_of(frame: bytes, cause: FaultCause) -> FeedFault:
    """The record that stands for a frame that cannot be used."""
    return FeedFault(
        cause=cause, excerpt=frame[:EXCERPT_LENGTH_MAX].decode("ascii", "backslashreplace")
    )


class Steps:
    """Reads a venue's decimal text as whole steps of an instrument, exactly or not at all."""

    def __init__(self, scale: int, step: int) -> None:
        """``step`` units at ``scale`` decimal places are one step."""
        self._scale = scale
        self._step = step

    @classmethod
    def of_price(cls, instrument: Instrument) -> Steps:
        """Ticks."""
        return cls(instrument.price_scale, instrument.tick_step)

    @classmethod
    def of_quantity(cls, instrument: Instrument) -> Steps:
        """Lots."""
        return cls(instrument.base_scale, instrument.lot_units)

    def read(self, text: object) -> int:
        """Steps of a non-negative plain decimal. Raises: FrameFault BAD_NUMBER or OFF_STEP."""
        steps, exact = self.read_down(text)
        if not exact:
            raise FrameFault(FaultCause.OFF_STEP)
        return steps

    def read_down(self, text: object) -> tuple[int, bool]:
        """Whole steps in a non-negative plain decimal, and whether nothing is left over.

        Raises: FrameFault BAD_NUMBER.
        """
        if not isinstance(text, str) or len(text) > NUMBER_LENGTH_MAX:
            raise FrameFault(FaultCause.BAD_NUMBER)
        whole, point, fraction = text.partition(".")
        scale = self._scale
        rest = fraction[scale:]
        digits = whole + fraction[:scale].ljust(scale, "0")
        # isdigit alone also accepts digits that int() reads and no venue writes.
        if not (digits.isascii() and digits.isdigit() and whole) or (point and not fraction):
            raise FrameFault(FaultCause.BAD_NUMBER)
        exact = not rest.strip("0")
        if not exact and not (rest.isascii() and rest.isdigit()):
            raise FrameFault(FaultCause.BAD_NUMBER)
        units = int(digits)
        if self._step == 1:
            return units, exact
        steps, remainder = divmod(units, self._step)
        return steps, exact and not remainder


# --- What venues write. ----------------------------------------------------------------------


def load_json(frame: bytes, number: Callable[[str], object] | None = None) -> Any:
    """Read JSON. ``number`` makes something of a number with a point or an exponent.

    Raises: FrameFault NOT_JSON; BAD_NUMBER for such a number without ``number``, and for NaN.
    """
    try:
        return json.loads(frame, parse_float=number or _refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise FrameFault(FaultCause.NOT_JSON) from None


def _refuse(_: str) -> NoReturn:
    raise FrameFault(FaultCause.BAD_NUMBER)


def read_whole(value: object) -> int:
    """Read a whole number from 0 to what a database holds. Raises: FrameFault BAD_NUMBER."""
    # True is an int to Python and not to a venue.
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= INT64_MAX:
        raise FrameFault(FaultCause.BAD_NUMBER)
    return value


def read_ms(value: object) -> int:
    """Read milliseconds since 1970 as nanoseconds. Raises: FrameFault BAD_NUMBER."""
    return read_whole(read_whole(value) * NS_PER_MS)


def read_rfc3339(text: object) -> int:
    """Read a time with its zone as nanoseconds since 1970, to the microsecond.

    Raises: FrameFault BAD_NUMBER.
    """
    if not isinstance(text, str) or len(text) > NUMBER_LENGTH_MAX:
        raise FrameFault(FaultCause.BAD_NUMBER)
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is None:
            raise FrameFault(FaultCause.BAD_NUMBER)
        return read_whole((at - EPOCH) // timedelta(microseconds=1) * 1_000)
    except (ValueError, OverflowError):
        raise FrameFault(FaultCause.BAD_NUMBER) from None


def read_list(value: object, length_max: int) -> list[Any]:
    """Read a list of bounded length. Raises: FrameFault UNKNOWN_FORM."""
    if not isinstance(value, list) or len(value) > length_max:
        raise FrameFault(FaultCause.UNKNOWN_FORM)
    return value


def read_object(value: object) -> dict[str, Any]:
    """Read a JSON object. Raises: FrameFault UNKNOWN_FORM."""
    if not isinstance(value, dict):
        raise FrameFault(FaultCause.UNKNOWN_FORM)
    return value
