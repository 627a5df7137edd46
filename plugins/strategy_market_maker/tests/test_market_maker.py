"""The market maker: where it quotes, what it leaves alone, and that inventory limits hold."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.market import Book, Books, Side
from xache_sdk.orders import Cancel, Intent, OrderStatus, OrderUpdate, Place, SetTimer
from xache_sdk.settings import SettingsError
from xache_sdk.strategy import TimerDue
from xache_sdk.testing import (
    Rig,
    ended,
    filled,
    make_book,
    make_context,
    make_instrument,
    opened,
)
from xache_strategy_market_maker.strategy import MarketMaker

NS_PER_S = 1_000_000_000
INSTRUMENT = make_instrument()
SETTINGS = {
    "symbol": "BTC-USDT",
    "inventory_min": "0",
    "inventory_max": "20",
    "levels": 3,
    "half_spread_bp": "1",
    "step_bp": "1",
    "tolerance_bp": "0.5",
}


def book(mid: str = "60000", size: str = "1", depth: int = 3, at_ns: int = 0) -> Book:
    price = Decimal(mid)
    sizes = [Decimal(size) + index for index in range(depth)]
    return make_book(
        INSTRUMENT,
        at_ns,
        [(price - 1 - index, each) for index, each in enumerate(sizes)],
        [(price + 1 + index, each) for index, each in enumerate(sizes)],
        venue="BINANCE",
    )


def started(base: str = "10", **settings: object) -> Rig:
    rig = Rig(MarketMaker, SETTINGS | settings)
    context = make_context(make_instrument(), balances={"BTC": base})
    assert rig.start(context) == [SetTimer("silence", 10 * NS_PER_S)]
    return rig


def places(intents: Sequence[Intent], side: Side | None = None) -> list[Place]:
    return [each for each in intents if isinstance(each, Place) and side in (None, each.side)]


def cancels(intents: Sequence[Intent]) -> list[str]:
    return [each.id for each in intents if isinstance(each, Cancel)]


def test_it_subscribes_to_as_much_of_the_book_as_it_quotes() -> None:
    assert Rig(MarketMaker, SETTINGS).subscriptions == [Books("BTC-USDT", "BINANCE", 3)]


def test_it_quotes_both_sides_of_the_mid_in_the_venues_sizes() -> None:
    quotes = places(started(scale="0.5").feed(book()))
    assert [(each.side, each.price, each.quantity) for each in quotes] == [
        (Side.BUY, Decimal("59994.00"), Decimal("0.5")),
        (Side.BUY, Decimal("59988.00"), Decimal("1")),
        (Side.BUY, Decimal("59982.00"), Decimal("1.5")),
        (Side.SELL, Decimal("60006.00"), Decimal("0.5")),
        (Side.SELL, Decimal("60012.00"), Decimal("1")),
        (Side.SELL, Decimal("60018.00"), Decimal("1.5")),
    ]
    assert all(each.post_only for each in quotes)


def test_prices_off_the_tick_move_away_from_the_mid() -> None:
    half_a_tick_off = make_book(INSTRUMENT, 0, [("59999.00", "1")], [("60001.01", "1")])
    bid, ask = places(started(levels=1).feed(half_a_tick_off))
    assert (bid.price, ask.price) == (Decimal("59994.00"), Decimal("60006.01"))


def test_quotes_go_when_the_venue_falls_silent_and_come_back_with_it() -> None:
    rig = started()
    quotes = places(rig.feed(book()))
    rig.feed(*(opened(each) for each in quotes))
    again = SetTimer("silence", 10 * NS_PER_S)
    assert rig.feed(TimerDue("silence", 10)) == [again], "it was heard since the start"
    silent = rig.feed(TimerDue("silence", 20))
    assert sorted(cancels(silent)) == sorted(each.id for each in quotes)
    assert silent[-1] == again
    assert rig.feed(TimerDue("silence", 30)) == [again], "they are cancelled once"
    rig.feed(*(ended(each) for each in quotes))
    assert len(places(rig.feed(book()))) == len(quotes)


def test_a_small_move_changes_nothing() -> None:
    rig = started()
    rig.feed(book())
    assert rig.feed(book("60002")) == []


def test_a_move_replaces_every_level_cancels_first() -> None:
    rig = started()
    first = places(rig.feed(book()))
    rig.feed(*(opened(each) for each in first))
    moved = rig.feed(book("60010"))
    assert cancels(moved) == [each.id for each in first]
    assert isinstance(moved[5], Cancel)
    assert places(moved)[0].price == Decimal("60003.99")
    assert {each.id for each in places(moved)}.isdisjoint(each.id for each in first)


def test_only_the_level_that_must_change_is_changed() -> None:
    rig = started()
    quotes = places(rig.feed(book()))
    rig.feed(*(opened(each) for each in quotes))
    rig.feed(filled(quotes[1], Decimal("59988"), Decimal("1.5"), maker=True))
    changed = rig.feed(book())
    assert cancels(changed) == [quotes[1].id]
    [renewed] = places(changed)
    assert (renewed.side, renewed.price, renewed.quantity) == (
        Side.BUY, Decimal("59988.00"), Decimal(2),
    )  # fmt: skip


def test_a_filled_level_is_quoted_again() -> None:
    rig = started()
    quotes = places(rig.feed(book()))
    rig.feed(filled(quotes[0], Decimal("59994"), maker=True))
    [renewed] = places(rig.feed(book()))
    assert (renewed.side, renewed.price) == (quotes[0].side, quotes[0].price)


@pytest.mark.parametrize(
    "end",
    [(OrderStatus.REFUSED, "INSUFFICIENT_FUNDS"), (OrderStatus.CANCELED, "POST_ONLY")],
)
def test_a_refused_level_rests_for_a_second(end: tuple[OrderStatus, str]) -> None:
    rig = started()
    quotes = places(rig.feed(book()))
    rig.feed(ended(quotes[0], *end))
    assert rig.feed(book(at_ns=NS_PER_S - 1)) == []
    [renewed] = places(rig.feed(book(at_ns=NS_PER_S)))
    assert renewed.price == quotes[0].price


def test_without_a_mid_nothing_is_quoted() -> None:
    rig = started()
    quotes = places(rig.feed(book()))
    one_sided = book()._replace(bids=(), at_ns=1)
    assert cancels(rig.feed(one_sided)) == [each.id for each in quotes]
    assert rig.feed(one_sided) == []


def test_a_full_purse_quotes_asks_only() -> None:
    quotes = places(started(base="20").feed(book()))
    assert {each.side for each in quotes} == {Side.SELL}


def test_an_empty_purse_quotes_bids_only() -> None:
    quotes = places(started(base="0").feed(book()))
    assert {each.side for each in quotes} == {Side.BUY}


def test_little_room_goes_to_the_best_level() -> None:
    bids = places(started(base="18.5").feed(book()), Side.BUY)
    assert [each.quantity for each in bids] == [Decimal(1), Decimal("0.5")]


def test_the_owners_own_trades_count_in_the_inventory() -> None:
    rig = started(base="10")
    bought = OrderUpdate(
        id="by-hand", own=False, symbol="BTC-USDT", side=Side.BUY, status=OrderStatus.FILLED,
        at_ns=0, fill=filled(_place("10"), Decimal(60_000)).fill,
    )  # fmt: skip
    rig.feed(bought)
    assert places(rig.feed(book()), Side.BUY) == []


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 40))
def test_inventory_limits_hold_whatever_fills_when(seed: int, steps: int) -> None:
    """The market lags: cancels and fills happen in any order between two books.

    Checked: it fails when ``_renew`` does not count living orders that are being cancelled.
    """
    chance = random.Random(seed)
    rig = started(base="2", inventory_min="1", inventory_max="4", levels=3)
    inventory = Decimal(2)
    living: dict[str, tuple[Place, Decimal]] = {}
    asked: list[str] = []
    for step in range(steps):
        mid = Decimal(60_000) + chance.randint(-40, 40)
        intents = rig.feed(book(str(mid), size=f"0.{chance.randint(1, 9)}", at_ns=step * NS_PER_S))
        living |= {each.id: (each, each.quantity or Decimal(0)) for each in places(intents)}
        asked += cancels(intents)
        for _ in range(chance.randint(0, 6)):
            if not living:
                break
            name = chance.choice(list(living))
            place, leaves = living[name]
            whole = place.quantity or Decimal(0)
            if name in asked and chance.random() < 0.5:
                rig.feed(ended(place))
                del living[name]
                continue
            part = leaves if chance.random() < 0.5 else leaves / 2
            rig.feed(filled(place, Decimal(60_000), part, executed=whole - leaves, maker=True))
            inventory += part if place.side is Side.BUY else -part
            living[name] = (place, leaves - part)
            if part == leaves:
                del living[name]
        bids = sum(each for place, each in living.values() if place.side is Side.BUY)
        asks = sum(each for place, each in living.values() if place.side is Side.SELL)
        assert inventory + bids <= 4
        assert inventory - asks >= 1


@pytest.mark.parametrize(
    "change",
    [
        {"levels": 0},
        {"inventory_max": "-1"},
        {"scale": "0"},
        {"half_spread_bp": "0"},
        {"step_bp": "5000"},
    ],
)
def test_settings_that_make_no_sense(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Rig(MarketMaker, SETTINGS | change)


def _place(quantity: str) -> Place:
    return Place(id="x", symbol="BTC-USDT", side=Side.BUY, quantity=Decimal(quantity))
