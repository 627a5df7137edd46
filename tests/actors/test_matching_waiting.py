"""The matching actor and orders that wait: lists and their ids, queues longer than a row, restarts.

Checked by breaking, each seen red: legs left out of the ids that a list uses up, in memory and in
the journal; a deadline that does not know of triggered orders which have not started.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from trio.testing import MockClock

from tests.actors.test_matching import ALICE, BOB, buy, order, running
from tests.domain.conditions import leg_of
from tests.storage.house import SYMBOL
from xached.domain.exchange import STARTS_MAX
from xached.domain.history import placed_orders
from xached.domain.instrument import AssetName
from xached.domain.list_messages import PlaceList
from xached.domain.messages import AdvanceClock, PlaceOrder, SetRiskLimits
from xached.domain.order import (
    ListActivation,
    ListKind,
    OrderStatus,
    OrderType,
    Side,
    Trigger,
    TriggerSource,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.waiting_messages import OrderStarted


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "journal.db"


def stop(name: str, ticks: int, lots: int = 1) -> PlaceOrder:
    """Alice sells when the price has fallen to this."""
    return attrs.evolve(
        order(ALICE, name, Side.SELL, 1, lots),
        type=OrderType.STOP,
        price_ticks=None,
        trigger=Trigger(source=TriggerSource.LAST, stop_ticks=ticks),
    )


def bracket(request_id: str, suffix: str = "") -> PlaceList:
    """Alice buys ten, and sells them at a profit or a loss."""
    return PlaceList(
        purse=ALICE,
        request_id=request_id,
        symbol=SYMBOL,
        kind=ListKind.BRACKET,
        activation=ListActivation.PARTIAL,
        legs=(
            leg_of(buy(f"entry{suffix}", 490_000, 10)),
            leg_of(order(ALICE, f"profit{suffix}", Side.SELL, 520_000, 10)),
            leg_of(stop(f"loss{suffix}", 480_000, 10)),
        ),
    )


async def test_a_list_is_answered_once_and_uses_up_the_ids_of_its_orders(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        row = await house.matching.execute(bracket("list-1"))
        assert await house.matching.execute(bracket("list-1")) == row
        assert len(house.exchange.state.orders) == 3
        for repeated in (bracket("list-1", "-2"), bracket("list-2"), buy("profit"), buy("loss")):
            with pytest.raises(Rejection) as refused:
                await house.matching.execute(repeated)
            assert refused.value.reason is Reason.ID_REUSED
        found = await house.matching.find_request(f"o:{ALICE}", "loss")
        assert found == row
    async with running(path) as house:
        assert await house.matching.execute(bracket("list-1")) == row
        with pytest.raises(Rejection) as refused:
            await house.matching.execute(buy("loss"))
        assert refused.value.reason is Reason.ID_REUSED
        assert house.journal.journal.verify().faults == ()


async def test_an_order_and_a_list_in_one_batch_do_not_share_an_id(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        outcomes = await house.matching.execute_batch(
            (buy("profit"), bracket("list-1"), bracket("list-2", "-2"), buy("loss-2")),
            account="alice",
        )
        reasons: list[Reason | None] = []
        for told in outcomes:
            try:
                told.unwrap()
                reasons.append(None)
            except Rejection as rejection:
                reasons.append(rejection.reason)
        assert reasons == [None, Reason.ID_REUSED, None, Reason.ID_REUSED]


async def test_the_answer_of_a_list_tells_each_of_its_orders(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        await house.matching.execute(order(BOB, "ask", Side.SELL, 490_000, 4))
        row = await house.matching.execute(bracket("list-1"))
        told = placed_orders(row.events, house.directory, row.seq, row.at_ns)
        orders = [each for each, _ in told]
        assert [each.status for each in orders] == [
            OrderStatus.PARTIALLY_FILLED,
            OrderStatus.OPEN,
            OrderStatus.UNTRIGGERED,
        ]
        assert [each.quantity_lots for each in orders] == [10, 4, 4]
        assert [len(fills) for _, fills in told] == [1, 0, 0]
        live = house.exchange.state.orders
        for each in orders:
            assert attrs.asdict(each) == attrs.asdict(live[each.order_id])


async def test_triggered_orders_that_have_not_started_do_before_anything_else(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as house:
        limits = SetRiskLimits(
            purse=None,
            max_open_orders=1_000,
            max_order_notional_units=((AssetName("USDT"), 10**14),),
            request_id="more",
        )
        await house.matching.execute(limits)
        # The market allows 200 open orders of one purse.
        purses = [ALICE, BOB]
        for purse in purses:
            for number in range(150):
                waiting = attrs.evolve(stop(f"s{number}", 480_000), purse=purse)
                await house.matching.execute(waiting)
        asks = order(BOB, "hit", Side.SELL, 479_000, 1)
        seq = house.journal.last_seq
        outcomes = await house.matching.execute_batch(
            (buy("bid", 480_000, 2), asks, buy("next", 470_000)), account="alice"
        )
        rows = list(house.journal.read(seq + 1, house.journal.last_seq))
        counts = [sum(isinstance(event, OrderStarted) for event in row.events) for row in rows]
        assert counts == [0, STARTS_MAX, 300 - STARTS_MAX, 0]
        assert isinstance(rows[2].command, AdvanceClock)
        assert outcomes[2].unwrap().seq == rows[3].seq
