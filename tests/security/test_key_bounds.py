"""What a bounded key may send: its instruments, and orders up to its worth of a day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from trio.testing import MockClock
from xache.v1 import account_pb2, trading_pb2, types_pb2

from tests.security.whole_house import Credential, WholeHouse, whole_house
from xached.domain.rejection import Rejection


def order(name: str, symbol: str = "BTC-USDT", **terms: Any) -> trading_pb2.PlaceOrderRequest:
    return trading_pb2.PlaceOrderRequest(
        client_order_id=name,
        symbol=symbol,
        side=types_pb2.SIDE_BUY,
        type=types_pb2.ORDER_TYPE_LIMIT if "price" in terms else types_pb2.ORDER_TYPE_MARKET,
        time_in_force=types_pb2.TIME_IN_FORCE_GTC,
        **terms,
    )


async def reason(house: WholeHouse, key: Credential, request: object) -> str:
    """Why the order went no further: nobody here has funds, so the exchange refuses all."""
    assert isinstance(request, trading_pb2.PlaceOrderRequest)
    with pytest.raises(Rejection) as refused:
        await house.ask("TradingService/PlaceOrder", request, key)
    return refused.value.reason.value


async def previewed(house: WholeHouse, key: Credential, request: object) -> str:
    """Why the order would go no further."""
    assert isinstance(request, trading_pb2.PlaceOrderRequest)
    wanted = trading_pb2.PreviewOrderRequest(order=request)
    told = await house.ask("TradingService/PreviewOrder", wanted, key)
    assert isinstance(told, trading_pb2.PreviewOrderResponse)
    return told.refusal.reason


async def test_a_preview_tells_the_bounds_of_its_key_and_counts_nothing(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """What a preview says of its key is what a placement then meets.

    Checked by leaving the bounds out of previews: the exchange's refusals are told instead; and
    by counting in them: the cap is used up after the first.
    """
    async with whole_house(tmp_path) as house:
        await house.register("alice@people.example")
        alice = (await house.login("alice@people.example"))[0]
        caps = [account_pb2.KeyCap(asset="USDT", notional_per_day="1000")]
        key = await house.make_key(alice, 1, scopes=[1, 2], symbols=["BTC-USDT"], caps=caps)
        told = ""
        for terms in (
            order("a", "ETH-USDT", price="1", quantity="1"),
            order("b", quantity="0.01"),
            order("c", price="50000", quantity="0.03"),
            order("d", price="50000", quantity="0.012"),
            order("e", price="50000", quantity="0.012"),
        ):
            told = await previewed(house, key, terms)
            if terms.client_order_id != "e":
                assert told == await previewed(house, key, terms) == await reason(house, key, terms)
        assert told == "KEY_BOUNDS"  # what was sent is counted: 600 of 1000


async def test_a_key_spends_up_to_its_cap_and_in_its_markets(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Checked: without the handlers' check of bounds every order reaches the exchange."""
    async with whole_house(tmp_path) as house:
        await house.register("alice@people.example")
        alice = (await house.login("alice@people.example"))[0]
        key = await house.make_key(
            alice,
            1,
            scopes=[1, 2],
            symbols=["BTC-USDT"],
            caps=[account_pb2.KeyCap(asset="USDT", notional_per_day="1000")],
        )
        assert await reason(house, key, order("a", "ETH-USDT", price="1", quantity="1")) == (
            "KEY_BOUNDS"
        )
        assert await reason(house, key, order("b", quantity="0.01")) == "KEY_BOUNDS"
        assert await reason(house, key, order("c", price="50000", quantity="0.012")) != (
            "KEY_BOUNDS"
        )
        assert await reason(house, key, order("d", price="50000", quantity="0.01")) == "KEY_BOUNDS"
        told = await house.ask(
            "AccountService/WhatCanThisKeyDo", account_pb2.WhatCanThisKeyDoRequest(), key
        )
        assert [cap.notional_per_day for cap in told.caps_left] == ["400"]
        assert await reason(house, alice, order("e", price="50000", quantity="0.01")) != (
            "KEY_BOUNDS"
        )
