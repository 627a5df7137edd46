"""The parity certificate: every difference is counted once and has a cause."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.market import Side
from xache_sdk.orders import Cancel, Note, Place

from xached.research.judgement.parity import (
    DIFFERENCES_MAX,
    Cause,
    Decision,
    DecisionDifference,
    Executed,
    OrderPair,
    decision_parity,
    differences_of,
    fill_parity,
)


def place(order_id: str, price: str = "10") -> Place:
    return Place(
        id=order_id, symbol="X-Y", side=Side.BUY, quantity=Decimal(1), price=Decimal(price)
    )


def test_the_same_intents_are_whole_parity() -> None:
    recorded = [Decision(1, (place("1"), Cancel("1"))), Decision(2, ()), Decision(3, (Note("a"),))]
    again = [Decision(1, (place("1", "10.0"), Cancel("1"))), Decision(3, (Note("a"),))]
    found = decision_parity(recorded, again)
    assert (found.decisions, found.equal, found.share) == (2, 2, 1.0)


@pytest.mark.parametrize(
    "replayed",
    [
        [],
        [Decision(1, ())],
        [Decision(1, (place("1"),))],
        [Decision(1, (Cancel("1"), place("1")))],
        [Decision(1, (place("1", "10.1"), Cancel("1")))],
        [Decision(1, (place("1"), Cancel("1"), Note("a")))],
    ],
)
def test_anything_else_is_a_difference(replayed: list[Decision]) -> None:
    recorded = [Decision(1, (place("1"), Cancel("1")))]
    for found in (decision_parity(recorded, replayed), decision_parity(replayed, recorded)):
        assert (found.decisions, found.equal, found.share) == (1, 0, 0.0)
        (difference,) = found.differences
        assert difference.number == 1


def test_a_difference_says_where() -> None:
    found = decision_parity([Decision(7, (Note("a"),))], [Decision(9, (Note("a"),))])
    assert found.differences == (
        DecisionDifference(7, (Note("a"),), None),
        DecisionDifference(9, None, (Note("a"),)),
    )


def test_only_the_first_differences_are_kept_but_all_are_counted() -> None:
    found = decision_parity([Decision(n, (Note("a"),)) for n in range(500)], [])
    assert (found.decisions, found.equal, len(found.differences)) == (500, 0, DIFFERENCES_MAX)
    assert found.differences[0].number == 0


def test_no_decision_is_no_share() -> None:
    assert decision_parity([Decision(1, ())], [Decision(2, ())]).share is None
    with pytest.raises(ValueError, match="once"):
        decision_parity([Decision(1, ()), Decision(1, ())], [])


def filled(lots: int, ticks: int) -> Executed:
    return Executed(lots, lots * ticks)


def pair(live: Executed, replayed: Executed, **terms: object) -> OrderPair:
    whole: dict[str, object] = {"order_id": "1", "buy": True, **terms}
    return OrderPair(live=live, replayed=replayed, **whole)  # type: ignore[arg-type]  # short


def test_a_taker_is_split_between_latency_and_impact() -> None:
    one = pair(filled(10, 1010), filled(10, 1000), at_arrival=filled(10, 1003))
    late, impact = differences_of(one)
    assert (late.cause, late.cost_tick_lots, late.lots) == (Cause.LATENCY, Fraction(30), 0)
    assert (impact.cause, impact.cost_tick_lots, impact.lots) == (Cause.OWN_IMPACT, Fraction(70), 0)


def test_a_sale_for_less_is_a_cost() -> None:
    one = pair(filled(10, 990), filled(10, 1000), at_arrival=filled(10, 990), buy=False)
    (late,) = differences_of(one)
    assert (late.cause, late.cost_tick_lots) == (Cause.LATENCY, Fraction(100))


@pytest.mark.parametrize(
    ("terms", "cause"),
    [
        ({"version_differs": True, "data_revised": True, "rested": True}, Cause.VERSION),
        ({"data_revised": True, "refused_once": True}, Cause.DATA_REVISION),
        ({"refused_once": True, "rested": True}, Cause.REFUSAL),
        ({"rested": True, "at_arrival": filled(1, 5)}, Cause.QUEUE),
        ({}, Cause.UNEXPLAINED),
    ],
)
def test_the_first_cause_that_applies_explains_all(terms: dict[str, object], cause: Cause) -> None:
    (found,) = differences_of(pair(filled(4, 1000), filled(10, 1000), **terms))
    assert (found.cause, found.cost_tick_lots, found.lots) == (cause, Fraction(0), -6)


def test_equal_fills_have_no_difference_whatever_else_changed() -> None:
    one = pair(filled(4, 7), filled(4, 7), version_differs=True, at_arrival=filled(4, 9))
    assert differences_of(one) == ()


def test_parity_by_hand() -> None:
    found = fill_parity(
        [
            pair(filled(10, 1000), filled(10, 1000)),
            pair(filled(10, 1020), filled(10, 1000), at_arrival=filled(10, 1010)),
            pair(filled(0, 1), filled(10, 1000), refused_once=True),
            pair(filled(4, 1000), filled(0, 1), rested=True),
            pair(filled(0, 1), filled(0, 1)),
        ]
    )
    assert (found.orders, found.equal, found.share) == (4, 1, 0.25)
    traded = 10_000 + 10_200 + 4_000
    assert found.cost_bp == pytest.approx(200 / traded * 10_000)
    assert [(one.cause, one.orders, one.share, one.lots) for one in found.causes] == [
        (Cause.REFUSAL, 1, 0.25, -10),
        (Cause.LATENCY, 1, 0.25, 0),
        (Cause.QUEUE, 1, 0.25, 4),
        (Cause.OWN_IMPACT, 1, 0.25, 0),
    ]
    assert [one.cost_bp for one in found.causes] == pytest.approx(
        [0.0, 100 / traded * 1e4, 0.0, 100 / traded * 1e4]
    )


def test_no_fill_is_no_share() -> None:
    found = fill_parity([])
    assert (found.orders, found.share, found.cost_bp, found.causes) == (0, None, 0.0, ())


EXECUTED = st.one_of(
    st.just(Executed()), st.builds(filled, st.integers(1, 50), st.integers(900, 1100))
)
PAIRS = st.builds(
    OrderPair,
    order_id=st.just("1"),
    buy=st.booleans(),
    live=EXECUTED,
    replayed=EXECUTED,
    at_arrival=st.one_of(st.none(), EXECUTED),
    rested=st.booleans(),
    refused_once=st.booleans(),
    version_differs=st.booleans(),
    data_revised=st.booleans(),
)


@given(PAIRS)
def test_the_parts_add_up_to_the_whole(one: OrderPair) -> None:
    parts = differences_of(one)
    assert sum(part.lots for part in parts) == one.live.lots - one.replayed.lots
    common = min(one.live.lots, one.replayed.lots)
    cost = (one.live.average_ticks - one.replayed.average_ticks) * common
    total = sum((part.cost_tick_lots for part in parts), Fraction(0))
    assert total == (cost if one.buy else -cost)
    assert (parts == ()) == (one.live == one.replayed)


@given(st.lists(PAIRS, max_size=20))
def test_buying_and_selling_are_mirrors(pairs: list[OrderPair]) -> None:
    mirrored = fill_parity([attrs.evolve(one, buy=not one.buy) for one in pairs])
    found = fill_parity(pairs)
    assert mirrored.cost_bp == pytest.approx(-found.cost_bp)
    assert mirrored.share == found.share
    assert sum(one.cost_bp for one in found.causes) == pytest.approx(found.cost_bp)


@pytest.mark.parametrize(("lots", "tick_lots"), [(0, 1), (1, 0), (-1, -1)])
def test_what_cannot_be_filled_is_refused(lots: int, tick_lots: int) -> None:
    with pytest.raises(ValueError, match="quantity"):
        Executed(lots, tick_lots)
