"""What a venue's feed must be: a parser without I/O, and exact conversion to ticks and lots."""

from __future__ import annotations

from typing import Protocol

from xached.domain.instrument import Instrument
from xached.domain.market import FaultCause, FeedFault, FeedRecord, Venue

FRAME_BYTES_MAX = 4 * 1024 * 1024
"""Longest frame looked at: the deepest REST snapshots have about 400 kB."""

EXCERPT_LENGTH_MAX = 120
NUMBER_LENGTH_MAX = 40


class Parser(Protocol):
    """Turns frames of one venue into records. It never raises on what a venue sends."""

    @property
    def venue(self) -> Venue:
        """Whose frames it reads."""
        ...

    def parse(self, frame: bytes, received_ns: int) -> list[FeedRecord]:
        """Read one frame. ``received_ns`` dates what carries no time of its own.

        A frame that is not understood as a whole is one :class:`FeedFault` and nothing else.
        The one exception are quantities in books that are no whole number of lots: real books
        hold remains of orders that are older than the lot. They are cut down to whole lots, and
        a fault beside the record says so.
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
