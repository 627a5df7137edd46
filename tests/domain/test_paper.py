"""The copy of a venue's book: nothing is taken twice, and whoever came first is filled first.

Checked by breaking, each seen red: not counting what was taken, giving a level back when it only
shrank, letting the second of a level fill with the first.
"""

from __future__ import annotations

from collections import defaultdict

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.storage.house import INSTRUMENT
from xached.domain.depth import Depth
from xached.domain.instrument import Asset, AssetName, Directory
from xached.domain.order import OrderId, Purse, Side
from xached.domain.paper import (
    PaperDirectory,
    VenueCopy,
    Waiting,
    is_paper_purse,
    is_strategy_paper,
    paper_asset,
    paper_instrument,
)
from xached.domain.rejection import Rejection

BUY, SELL = Side.BUY, Side.SELL

steps = st.lists(
    st.tuples(
        st.sampled_from(["level", "take", "look"]),
        st.integers(100, 102),
        st.integers(0, 6),
    ),
    max_size=60,
)


@given(steps)
def test_never_more_is_taken_than_was_there(script: list[tuple[str, int, int]]) -> None:
    """What the venue brought to a level since it was empty bounds what is taken of it."""
    copy, depth = VenueCopy(), Depth()
    brought: dict[int, int] = defaultdict(int)
    taken: dict[int, int] = defaultdict(int)
    for what, price_ticks, lots in script:
        shown = depth.lots(SELL, price_ticks)
        if what == "level":
            brought[price_ticks] += max(0, lots - shown)
            depth.set(SELL, price_ticks, lots)
            if not lots:
                brought[price_ticks] = taken[price_ticks] = 0
            copy.refresh(depth)
        elif what == "take":
            offered = dict(copy.offered(depth, SELL))
            assert all(0 < left <= depth.lots(SELL, at) for at, left in offered.items())
            got = min(lots, offered.get(price_ticks, 0))
            if got:
                copy.take(SELL, price_ticks, got)
                taken[price_ticks] += got
                assert dict(copy.offered(depth, SELL)).get(price_ticks, 0) == (
                    offered[price_ticks] - got
                )
        else:
            copy.refresh(depth)
        assert taken[price_ticks] <= brought[price_ticks]


def test_looking_again_gives_nothing_back() -> None:
    copy, depth = VenueCopy(), Depth()
    depth.set(SELL, 100, 5)
    copy.take(SELL, 100, 4)
    copy.refresh(depth)
    assert list(copy.offered(depth, SELL)) == [(100, 1)]
    depth.set(SELL, 100, 3)
    copy.refresh(depth)
    assert list(copy.offered(depth, SELL)) == []
    depth.set(SELL, 100, 5)
    copy.refresh(depth)
    assert list(copy.offered(depth, SELL)) == [(100, 2)]


def waiting(*orders: tuple[int, int, int]) -> list[Waiting]:
    """Orders as (id, price, lots)."""
    return [Waiting(OrderId(number), price, lots) for number, price, lots in orders]


def test_the_queue_is_used_up_before_the_first_and_between_the_orders() -> None:
    """The second order came when the venue had 3 more: they stand between the two."""
    copy, depth = VenueCopy(), Depth()
    depth.set(BUY, 100, 5)
    copy.wait(OrderId(1), BUY, 100, depth)
    depth.set(BUY, 100, 8)
    copy.wait(OrderId(2), BUY, 100, depth)
    both = waiting((1, 100, 2), (2, 100, 2))
    assert copy.traded(BUY, 100, 4, both, depth) == 0
    assert copy.traded(BUY, 100, 2, both, depth) == 1
    assert [copy.ahead_lots(OrderId(each)) for each in (1, 2)] == [0, 3]
    assert copy.traded(BUY, 100, 4, waiting((1, 100, 1), (2, 100, 2)), depth) == 1
    assert copy.traded(BUY, 100, 1, waiting((2, 100, 2)), depth) == 1


def test_a_trade_beyond_the_price_fills_all_of_it() -> None:
    copy, depth = VenueCopy(), Depth()
    depth.set(SELL, 100, 50)
    copy.wait(OrderId(1), SELL, 100, depth)
    assert copy.traded(SELL, 99, 1, waiting((1, 100, 7)), depth) == 0
    assert copy.traded(SELL, 101, 1, waiting((1, 100, 7)), depth) == 7


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), min_size=1, max_size=6),
    st.lists(st.integers(1, 8), max_size=12),
)
def test_first_come_first_filled(placed: list[tuple[int, int]], trades: list[int]) -> None:
    """No order is filled while one before it waits, and none before its own queue is gone."""
    copy, depth = VenueCopy(), Depth()
    ahead: list[int] = []
    for number, (more, _) in enumerate(placed):
        depth.set(BUY, 100, depth.lots(BUY, 100) + more)
        copy.wait(OrderId(number), BUY, 100, depth)
        ahead.append(depth.lots(BUY, 100))
    left = [lots for _, lots in placed]
    traded = 0
    for lots in trades:
        rest = [(number, 100, each) for number, each in enumerate(left) if each]
        filled = copy.traded(BUY, 100, lots, waiting(*rest), depth)
        traded += lots
        for number, each in enumerate(left):
            got = min(each, filled)
            left[number] -= got
            filled -= got
        assert not filled
        before = 0
        for number, (_, wanted) in enumerate(placed):
            got = wanted - left[number]
            assert got == min(wanted, max(0, traded - ahead[number] - before))
            before += wanted


@pytest.mark.parametrize(
    ("name", "is_paper"),
    [
        ("paper", True),
        ("paper-2", True),
        ("paperwork", False),
        ("main", False),
        ("my-paper", False),
    ],
)
def test_which_purses_are_paper(name: str, *, is_paper: bool) -> None:
    assert is_paper_purse(Purse(f"alice/{name}")) is is_paper


@pytest.mark.parametrize(
    ("name", "is_strategys"),
    [
        ("paper-0123456789abcdef", True),
        ("paper-0123456789abcdef-12", True),
        ("paper", False),
        ("paper-0123456789abcde", False),
        ("paper-mine", False),
    ],
)
def test_which_paper_purses_are_of_strategies(name: str, *, is_strategys: bool) -> None:
    assert is_strategy_paper(Purse(f"alice/{name}")) is is_strategys


def test_paper_is_found_by_its_own_name_and_by_the_real_one() -> None:
    paper = paper_instrument(INSTRUMENT)
    paper.check()
    directory = PaperDirectory(Directory())
    directory.list_instrument(paper)
    directory.list_asset(paper_asset(Asset(AssetName("BTC"), 8)))
    assert directory.instrument("BTC-USDT") is paper
    assert directory.instrument("BTC.PAPER-USDT.PAPER") is paper
    assert directory.asset("BTC") == directory.asset("BTC.PAPER")
    for unknown in ("ETH-USDT", "BTC", "", "-"):
        with pytest.raises(Rejection):
            directory.instrument(unknown)


def test_what_was_said_of_paper_is_understood_before_it_is_served() -> None:
    """Found by a seed: whoever had a rule on paper could not list any rule while paper started."""
    real = Directory()
    directory, paper = PaperDirectory(real), paper_instrument(INSTRUMENT)
    with pytest.raises(KeyError):
        directory.known(paper.symbol)
    real.list_instrument(INSTRUMENT)
    assert directory.known(paper.symbol) == paper
    assert paper.symbol not in directory, "nobody can trade it yet"
    with pytest.raises(Rejection):
        directory.instrument(paper.symbol)
    listed = attrs.evolve(paper, max_quantity_lots=paper.max_quantity_lots - 1)
    directory.list_instrument(listed)
    assert directory.known(paper.symbol) is listed
