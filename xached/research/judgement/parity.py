"""The parity certificate: does a strategy do live what its backtest says, and if not, why.

Two numbers. *Decision parity*: fed the recorded inputs in the order in which they were delivered,
the strategy must want the same; anything less than all is a bug or state that it did not declare.
*Fill parity*: its orders, replayed against the recorded book without them under the declared fill
model, compared with what really happened; every difference has a cause, an amount in basis points
and a share of the orders.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import attrs

DIFFERENCES_MAX: Final = 100
"""How many differing decisions are kept; all are counted."""

NOTHING: Final = Fraction(0)


@attrs.frozen
class Decision:
    """What a strategy wanted after an input. ``number`` counts the inputs of its run."""

    number: int
    intents: tuple[object, ...]


@attrs.frozen
class DecisionDifference:
    """An input after which the two wanted different things; None where it was not delivered."""

    number: int
    recorded: tuple[object, ...] | None
    replayed: tuple[object, ...] | None


@attrs.frozen
class DecisionParity:
    """How many decisions are the same. An input after which nobody wanted anything is none."""

    decisions: int
    equal: int
    differences: tuple[DecisionDifference, ...]
    """The first ones."""

    @property
    def share(self) -> float | None:
        """The part that is the same; 1 is the target. None without a decision."""
        return self.equal / self.decisions if self.decisions else None


def decision_parity(recorded: Sequence[Decision], replayed: Sequence[Decision]) -> DecisionParity:
    """Compare decisions input by input, each intent in its place.

    Raises: ValueError when an input is there twice.
    """
    before, after = _by_number(recorded), _by_number(replayed)
    decisions = equal = 0
    differences: list[DecisionDifference] = []
    for number in sorted(before.keys() | after.keys()):
        one, other = before.get(number), after.get(number)
        if not one and not other:
            continue
        decisions += 1
        if one == other:
            equal += 1
        elif len(differences) < DIFFERENCES_MAX:
            differences.append(DecisionDifference(number, one, other))
    return DecisionParity(decisions, equal, tuple(differences))


def _by_number(decisions: Sequence[Decision]) -> dict[int, tuple[object, ...]]:
    found = {decision.number: decision.intents for decision in decisions}
    if len(found) != len(decisions):
        raise ValueError("an input is delivered once")
    return found


class Cause(enum.Enum):
    """Why fills differ. What has several causes counts for the first of version, revision and
    refusal; what remains is split between latency and impact, or is the queue."""

    VERSION = "the strategy or the fill model has changed since"
    DATA_REVISION = "the market data was revised since"
    REFUSAL = "the order was refused on one side"
    LATENCY = "the order arrived later or earlier than modelled"
    QUEUE = "a resting order was reached by others or not"
    OWN_IMPACT = "the order moved the price"
    UNEXPLAINED = "what the book was when the order arrived is not known"


@attrs.frozen
class Executed:
    """What was filled of an order: lots, and the sum of price ticks times lots."""

    lots: int = 0
    tick_lots: int = 0

    def __attrs_post_init__(self) -> None:
        if self.lots < 0 or self.tick_lots < 0 or (self.lots == 0) != (self.tick_lots == 0):
            raise ValueError("what is filled has a quantity and a price")

    @property
    def average_ticks(self) -> Fraction:
        """The average price; nothing without a fill."""
        return Fraction(self.tick_lots, self.lots) if self.lots else NOTHING


@attrs.frozen(kw_only=True)
class OrderPair:
    """An order as it went and as it was replayed.

    ``at_arrival``: what the fill model gives at the moment when the order really reached the book;
    None when that book is not known. ``rested``: it waited in the book, on either side.
    """

    order_id: str
    buy: bool
    live: Executed
    replayed: Executed
    at_arrival: Executed | None = None
    rested: bool = False
    refused_once: bool = False
    """Refused on exactly one side."""
    version_differs: bool = False
    data_revised: bool = False


@attrs.frozen
class Difference:
    """A part of how an order's fills differ. Costs are positive where live was worse."""

    order_id: str
    cause: Cause
    cost_tick_lots: Fraction
    """On the lots that were filled on both sides."""
    lots: int
    """Filled live beyond those of the replay."""


def differences_of(pair: OrderPair) -> tuple[Difference, ...]:
    """Explain an order: nothing when its fills are the same.

    The parts add up to the whole difference in cost and in lots.
    """
    if pair.live == pair.replayed:
        return ()
    whole = _between(pair, pair.replayed, pair.live)
    for applies, cause in (
        (pair.version_differs, Cause.VERSION),
        (pair.data_revised, Cause.DATA_REVISION),
        (pair.refused_once, Cause.REFUSAL),
        (pair.rested, Cause.QUEUE),
        (pair.at_arrival is None, Cause.UNEXPLAINED),
    ):
        if applies:
            return (Difference(pair.order_id, cause, *whole),)
    assert pair.at_arrival is not None
    cost, lots = whole
    late_cost, late_lots = _between(pair, pair.replayed, pair.at_arrival)
    parts = (
        Difference(pair.order_id, Cause.LATENCY, late_cost, late_lots),
        Difference(pair.order_id, Cause.OWN_IMPACT, cost - late_cost, lots - late_lots),
    )
    return tuple(part for part in parts if part.cost_tick_lots or part.lots)


def _between(pair: OrderPair, one: Executed, other: Executed) -> tuple[Fraction, int]:
    """What ``other`` cost more than ``one``, on the lots that live and replay have in common."""
    common = min(pair.live.lots, pair.replayed.lots)
    if not one.lots or not other.lots:
        return NOTHING, other.lots - one.lots
    more = (other.average_ticks - one.average_ticks) * common
    return (more if pair.buy else -more), other.lots - one.lots


@attrs.frozen
class CauseShare:
    """What a cause did in all. ``cost_bp`` is of all that was traded live."""

    cause: Cause
    orders: int
    share: float
    """Of the orders that were filled on either side."""
    cost_bp: float
    lots: int


@attrs.frozen
class FillParity:
    """How many orders were filled as their replay says, and what explains the others."""

    orders: int
    equal: int
    cost_bp: float
    """How much worse live was, of all that was traded live."""
    causes: tuple[CauseShare, ...]

    @property
    def share(self) -> float | None:
        """The part of the orders filled exactly as replayed; None without a fill."""
        return self.equal / self.orders if self.orders else None


def fill_parity(pairs: Sequence[OrderPair]) -> FillParity:
    """Compare all orders. Those filled on neither side do not count."""
    filled = [pair for pair in pairs if pair.live.lots or pair.replayed.lots]
    explained = [difference for pair in filled for difference in differences_of(pair)]
    traded = sum(pair.live.tick_lots for pair in filled)

    def in_bp(cost_tick_lots: Fraction) -> float:
        return float(cost_tick_lots * 10_000 / traded) if traded else 0.0

    causes = []
    for cause in Cause:
        own = [difference for difference in explained if difference.cause is cause]
        if own:
            causes.append(
                CauseShare(
                    cause=cause,
                    orders=len(own),
                    share=len(own) / len(filled),
                    cost_bp=in_bp(sum((one.cost_tick_lots for one in own), NOTHING)),
                    lots=sum(one.lots for one in own),
                )
            )
    return FillParity(
        orders=len(filled),
        equal=sum(pair.live == pair.replayed for pair in filled),
        cost_bp=in_bp(sum((one.cost_tick_lots for one in explained), NOTHING)),
        causes=tuple(causes),
    )


@attrs.frozen
class ParityCertificate:
    """Both numbers of one strategy over one stretch of time."""

    start_at_ns: int
    end_at_ns: int
    decisions: DecisionParity
    fills: FillParity
