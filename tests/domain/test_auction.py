"""The uncross against brute force: every price is tried, every lot is matched alone.

Checked by breaking, each seen red: a limit that is not inclusive, the greater imbalance, the
higher of two prices, the farther from the reference, market orders behind limits
that go as far, or before those that go farther, the earlier of
two that meet expired, and no second working out after it.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xached.domain import auction
from xached.domain.auction import AuctionOrder, Indication, indicate, uncross
from xached.domain.order import OrderId

EXAMPLES = 20_000 if os.environ.get("XACHE_LONG") else 800
LOWEST, HIGHEST = 1, 24
"""Orders at market have these limits, as if the band were so wide."""


@st.composite
def books(draw: st.DrawFn) -> tuple[list[AuctionOrder], list[AuctionOrder]]:
    """Both sides, by time; accounts meet themselves often."""
    sides: tuple[list[AuctionOrder], list[AuctionOrder]] = ([], [])
    for number in range(draw(st.integers(0, 12))):
        buys = draw(st.booleans())
        at_market = draw(st.integers(0, 4)) == 0
        limit = draw(st.integers(LOWEST, HIGHEST))
        if at_market:
            # As far as the band went when it came in.
            away = draw(st.sampled_from([0, 0, 0, 5, 12]))
            limit = HIGHEST - away if buys else LOWEST + away
        account = draw(st.sampled_from(["a", "b", "c", "d", "e", "f"]))
        lots = draw(st.integers(1, 6))
        prevents = draw(st.integers(0, 3)) > 0
        order = AuctionOrder(OrderId(number), account, limit, lots, at_market, prevents)
        sides[0 if buys else 1].append(order)
    return sides


def volumes(buys: list[AuctionOrder], sells: list[AuctionOrder], price: int) -> tuple[int, int]:
    demand = sum(order.lots for order in buys if order.limit_ticks >= price)
    supply = sum(order.lots for order in sells if order.limit_ticks <= price)
    return demand, supply


def best_price(
    buys: list[AuctionOrder], sells: list[AuctionOrder], reference: int
) -> Indication | None:
    """By trying all of them, in the words of the rule."""
    prices = list(range(LOWEST - 2, HIGHEST + 3))
    traded = {price: min(volumes(buys, sells, price)) for price in prices}
    most = max(traded.values())
    if most == 0:
        return None
    prices = [price for price in prices if traded[price] == most]
    left = {
        price: demand - supply
        for price in prices
        for demand, supply in [volumes(buys, sells, price)]
    }
    least = min(abs(imbalance) for imbalance in left.values())
    prices = [price for price in prices if abs(left[price]) == least]
    nearest = min(abs(price - reference) for price in prices)
    price = min(price for price in prices if abs(price - reference) == nearest)
    return Indication(price, most, left[price])


def trade_lot_by_lot(
    buys: list[AuctionOrder], sells: list[AuctionOrder], reference: int
) -> tuple[Indication | None, list[tuple[int, int]], list[int]]:
    """(indication, (buy, sell) of every single lot, who was expired)."""
    buys, sells = list(buys), list(sells)
    expired: list[int] = []
    while True:
        indication = best_price(buys, sells, reference)
        if indication is None:
            return None, [], expired
        price = indication.price_ticks
        # One entry for every lot, by priority: price, at market, time.
        bids = sorted(
            (order for order in buys if order.limit_ticks >= price),
            key=lambda order: (-order.limit_ticks, 0 if order.at_market else 1, order.order_id),
        )
        asks = sorted(
            (order for order in sells if order.limit_ticks <= price),
            key=lambda order: (order.limit_ticks, 0 if order.at_market else 1, order.order_id),
        )
        bid_lots = [order for order in bids for _ in range(order.lots)]
        ask_lots = [order for order in asks for _ in range(order.lots)]
        meetings = list(zip(bid_lots, ask_lots, strict=False))
        own = [
            (bid, ask)
            for bid, ask in meetings
            if bid.account == ask.account and max(bid, ask, key=lambda each: each.order_id).prevents
        ]
        if not own:
            lots = [(bid.order_id, ask.order_id) for bid, ask in meetings]
            return indication, [(int(bid), int(ask)) for bid, ask in lots], expired
        later = max(own[0], key=lambda order: order.order_id)
        expired.append(later.order_id)
        buys = [order for order in buys if order is not later]
        sells = [order for order in sells if order is not later]


@settings(max_examples=EXAMPLES, deadline=None)
@given(books(), st.integers(LOWEST - 3, HIGHEST + 3))
def test_an_auction_is_what_trying_everything_gives(
    sides: tuple[list[AuctionOrder], list[AuctionOrder]], reference: int
) -> None:
    buys, sells = sides
    assert indicate(buys, sells, reference) == best_price(buys, sells, reference)
    expected, lots, expired = trade_lot_by_lot(buys, sells, reference)
    found = uncross(buys, sells, reference)
    assert found.indication == expected
    assert [each.later.order_id for each in found.self_matches] == expired
    got = [
        (int(pairing.buy.order_id), int(pairing.sell.order_id))
        for pairing in found.pairings
        for _ in range(pairing.lots)
    ]
    assert got == lots
    left = {order.order_id: order.lots for order in (*buys, *sells)}
    for pairing in found.pairings:
        left[pairing.buy.order_id] -= pairing.lots
        left[pairing.sell.order_id] -= pairing.lots
    for each in found.self_matches:
        left[each.later.order_id] = 0
    bids = [order.limit_ticks for order in buys if left[order.order_id]]
    asks = [order.limit_ticks for order in sells if left[order.order_id]]
    assert max(bids, default=LOWEST) < min(asks, default=HIGHEST + 1) or not bids or not asks


def order(number: int, limit: int, lots: int, account: str = "") -> AuctionOrder:
    at_market = limit in (LOWEST, HIGHEST)
    return AuctionOrder(OrderId(number), account, limit, lots, at_market, bool(account))


def test_only_market_orders_trade_at_the_reference() -> None:
    found = uncross([order(1, HIGHEST, 5)], [order(2, LOWEST, 3)], 13)
    assert found.indication == Indication(13, 3, 2)


def test_the_reference_may_lie_between_all_limits() -> None:
    assert indicate([order(1, 20, 1)], [order(2, 10, 1)], 14) == Indication(14, 1, 0)
    assert indicate([order(1, 20, 1)], [order(2, 10, 1)], 9) == Indication(10, 1, 0)
    assert indicate([order(1, 20, 1)], [order(2, 10, 1)], 30) == Indication(20, 1, 0)


def test_a_smaller_imbalance_comes_before_the_reference() -> None:
    buys = [order(1, 12, 5), order(2, 11, 4)]
    sells = [order(3, 10, 5)]
    # At 12 nobody is left over; at 11, the reference, four lots are.
    assert indicate(buys, sells, 11) == Indication(12, 5, 0)


def test_nothing_trades_where_nothing_crosses() -> None:
    assert indicate([order(1, 9, 5)], [order(2, 10, 5)], 9) is None
    assert indicate([], [order(2, 10, 5)], 9) is None


def test_an_account_that_meets_itself_often_lets_nobody_else_meet_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Working everything out anew for each of 200 took four hundred times as many pairings.

    Checked by starting the walk over after each self-match.
    """
    pairings = 0
    pair: Callable[[auction._Walk, AuctionOrder, AuctionOrder, int], None] = auction._Walk._pair

    def count(walk: auction._Walk, buy: AuctionOrder, sell: AuctionOrder, lots: int) -> None:
        nonlocal pairings
        pairings += 1
        pair(walk, buy, sell, lots)

    monkeypatch.setattr(auction._Walk, "_pair", count)
    buys = [AuctionOrder(OrderId(n), f"b{n}", 900, 1, False, True) for n in range(200)]
    sells = [AuctionOrder(OrderId(1000 + n), f"s{n}", 1, 1, False, True) for n in range(200)]
    buys += [AuctionOrder(OrderId(2000 + n), "own", 500 + n, 1, False, True) for n in range(200)]
    sells += [AuctionOrder(OrderId(3000 + n), "own", 400 - n, 1, False, True) for n in range(200)]
    found = uncross(buys, sells, 450)
    assert len(found.pairings) == pairings == 200
    assert len(found.self_matches) >= 200
