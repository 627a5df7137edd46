"""What a preview says is what a placement then does, and asking changes nothing.

Checked by breaking, each seen red: applying the events, and working out at the old sequence.
"""

from __future__ import annotations

import pytest

from tests.storage.house import House
from xached.domain.messages import PlaceOrder
from xached.domain.order import Purse
from xached.domain.preview import PreviewQuery
from xached.domain.rejection import Reason, Rejection


@pytest.mark.parametrize("seed", range(4))
def test_a_preview_tells_what_a_placement_does_and_changes_nothing(seed: int) -> None:
    house = House(seed)
    accepted = refused = 0
    for _ in range(400):
        row = house.next_row()
        if not isinstance(row.command, PlaceOrder):
            continue
        # The same order once more, under another id.
        command = house.again(row.command)
        before = house.exchange.snapshot()
        preview = PreviewQuery(command, house.next_at_ns).read(house.exchange.state, house.seq)
        assert house.exchange.snapshot() == before
        house.exchange.check()
        assert preview.seq == house.seq
        placed = house.tell(command)
        if placed is None:
            assert preview.row is None
            assert preview.refusal is not None
            refused += 1
        else:
            assert preview.row == placed
            accepted += 1
    assert accepted > 50
    assert refused + accepted > 100


def test_a_purse_that_is_not_there_has_no_preview() -> None:
    house = House(1)
    rows = house.rows(40)
    command = next(row.command for row in rows if isinstance(row.command, PlaceOrder))
    nowhere = house.again(command, purse=Purse("nobody/main"))
    with pytest.raises(Rejection) as refused:
        PreviewQuery(nowhere, 0).read(house.exchange.state, house.seq)
    assert refused.value.reason is Reason.UNKNOWN_PURSE
