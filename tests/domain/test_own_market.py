"""The house's public book, folded from real rows, against the exchange's own."""

from __future__ import annotations

import pytest

from tests.domain.market_values import EXAMPLES
from tests.storage.house import INSTRUMENT, PURSES, SYMBOL, House
from xached.domain.exchange import Exchange
from xached.domain.messages import (
    FreezePurse,
    ListAsset,
    ListInstrument,
    OpenPurse,
    Row,
    SetHalt,
    SetMark,
    SetMarketState,
)
from xached.domain.order import MarketState, Purse, Side
from xached.domain.own_market import OwnMarket, OwnMarketSnapshot
from xached.domain.queries import OwnMarketQuery

ROWS = EXAMPLES * 5


def snapshot_of(house: House) -> OwnMarketSnapshot:
    return OwnMarketQuery().read(house.exchange.state, house.seq)


def levels_of(exchange: Exchange, side: Side) -> tuple[tuple[int, int], ...]:
    levels: dict[int, int] = {}
    for _, price_ticks, lots in exchange.state.markets[SYMBOL].book.queue(side):
        levels[price_ticks] = levels.get(price_ticks, 0) + lots
    return tuple(sorted(levels.items(), reverse=side is Side.BUY))


def check(own: OwnMarket, house: House) -> None:
    depth = own.books[SYMBOL].depth
    assert depth.bids(10_000) == levels_of(house.exchange, Side.BUY)
    assert depth.asks(10_000) == levels_of(house.exchange, Side.SELL)
    assert own.state(SYMBOL) is house.exchange.state.markets[SYMBOL].effective_state()
    assert not depth.crossed or own.state(SYMBOL) is MarketState.AUCTION


@pytest.mark.parametrize("seed", range(4))
def test_folded_rows_show_the_exchanges_book(seed: int) -> None:
    house = House(seed)
    own = OwnMarket()
    own.start(snapshot_of(house), 0)
    for _ in range(ROWS):
        row = house.next_row()
        changed = own.fold(row)
        if SYMBOL in own.books:
            check(own, house)
            assert own.books[SYMBOL].at_ns <= row.at_ns
            assert set(changed) <= {SYMBOL}


@pytest.mark.parametrize("joined_after", [0, 40, 333])
def test_one_that_starts_late_shows_the_same(joined_after: int) -> None:
    house = House(7)
    house.rows(joined_after)
    own = OwnMarket()
    own.start(snapshot_of(house), 0)
    for row in house.rows(200):
        own.fold(row)
    check(own, house)


def test_starting_again_tells_readers_to_start_anew() -> None:
    house = House(7)
    house.rows(200)
    own = OwnMarket()
    own.start(snapshot_of(house), 0)
    epoch = own.books[SYMBOL].epoch
    own.start(snapshot_of(house), 0)
    assert own.books[SYMBOL].epoch == epoch + 1
    check(own, house)


def tell(house: House, own: OwnMarket, command: object) -> Row:
    row = house.tell(command)  # type: ignore[arg-type] # any command of the tests below
    assert row is not None
    own.fold(row)
    return row


def test_a_market_without_a_mark_is_cancel_only_and_a_halt_is_over_all() -> None:
    house, own = House(1), OwnMarket()
    own.start(snapshot_of(house), 0)
    for asset in house.rows(2):
        assert isinstance(asset.command, ListAsset)
        own.fold(asset)
    tell(house, own, ListInstrument(instrument=INSTRUMENT, request_id="i"))
    assert own.state(SYMBOL) is MarketState.CANCEL_ONLY
    tell(house, own, SetMark(symbol=SYMBOL, price_ticks=5, source="T", request_id="m"))
    assert own.state(SYMBOL) is MarketState.TRADING
    tell(house, own, SetHalt(halted=True, cause="test", request_id="h"))
    assert own.state(SYMBOL) is MarketState.HALTED
    tell(house, own, SetHalt(halted=False, cause="test", request_id="h2"))
    post_only = SetMarketState(
        symbol=SYMBOL, state=MarketState.POST_ONLY, cause="test", request_id="s"
    )
    tell(house, own, post_only)
    assert own.state(SYMBOL) is MarketState.POST_ONLY


def test_a_book_is_simulated_while_a_simulated_order_rests_in_it() -> None:
    house = House(3)
    robot = Purse("robot/main")
    house.tell(OpenPurse(purse=robot, simulated=True, request_id="robot"))
    house.rows(400)
    snapshot = snapshot_of(house)
    resting = next(order for order in snapshot.orders if order.purse == PURSES[0])
    plain, mixed = OwnMarket(), OwnMarket()
    plain.start(snapshot, 0)
    assert not plain.simulated(SYMBOL)
    robots = OwnMarketSnapshot(
        seq=snapshot.seq,
        markets=snapshot.markets,
        orders=snapshot.orders,
        simulated_purses=frozenset({resting.purse}),
        halted=False,
    )
    mixed.start(robots, 0)
    assert mixed.simulated(SYMBOL)
    # What is not public has no effect.
    tell(house, mixed, FreezePurse(purse=robot, frozen=True, cause="test", request_id="f"))
    while any(order.purse == PURSES[0] for order in snapshot_of(house).orders):
        mixed.fold(house.next_row())
    assert not mixed.simulated(SYMBOL)
