"""How scripts write prices, quantities, answers and refusals."""

from __future__ import annotations

from collections.abc import Sequence

from xached.domain.instrument import Instrument
from xached.domain.money import parse_decimal
from xached.domain.order import EndReason, OrderStatus
from xached.domain.rejection import Reason, Rejection


def at_price(instrument: Instrument, lots: int, ticks: int) -> str:
    return f"{instrument.format_quantity(lots)}@{instrument.format_price(ticks)}"


def price_ticks_of(instrument: Instrument, text: str) -> int:
    """Ticks of any price on a step: whether it is in range is the exchange's to say."""
    try:
        return instrument.parse_price(text)
    except Rejection as rejection:
        if rejection.reason is not Reason.PRICE_RANGE:
            raise
        return parse_decimal(text, instrument.price_scale) // instrument.tick_step


def lots_of(instrument: Instrument, text: str) -> int:
    """Lots of any whole number of them, none too."""
    return parse_decimal(text, instrument.base_scale) // instrument.lot_units


def outcome_of(
    status: OrderStatus, reason: EndReason, executed_lots: int, instrument: Instrument
) -> list[str]:
    return [status.name, reason.name, instrument.format_quantity(executed_lots)]


def expected_outcome(words: Sequence[str], whole: str) -> list[str]:
    status, *rest = words
    reason = rest.pop(0) if rest and rest[0] in EndReason.__members__ else "NONE"
    executed = rest.pop(0) if rest else (whole if status == "FILLED" else "0")
    assert not rest, f"not an answer: {words}"
    return [status, reason, executed.rstrip("0").rstrip(".") if "." in executed else executed]


def check_refusal(rejection: Rejection, expected: list[str]) -> None:
    assert expected[:2] == ["refused", rejection.reason.name], rejection
    facts = expected[2:]
    for fact in " ".join(facts).split(";"):
        if fact.strip():
            name, _, text = fact.strip().partition("=")
            assert rejection.facts.get(name) == text, rejection
