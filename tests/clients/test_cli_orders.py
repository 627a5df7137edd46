"""Orders with conditions by the ``xache`` command: what reaches the house and what is shown."""

from __future__ import annotations

from typing import Any

import pytest
from xache.v1 import trading_pb2, types_pb2

from tests.clients.command import Run, runner
from tests.clients.house import EMAIL, NOW_NS, PASSWORD, House


@pytest.fixture
def signed_in(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    run = runner(house, capsys)
    assert run("login", EMAIL).code == 0
    return run


SELL = ("order", "place", "sell", "btc-usdt", "-q", "0.5", "--id", "mine")


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (("--stop", "48000"), {"type": types_pb2.ORDER_TYPE_STOP, "stop_price": "48000"}),
        (
            ("--stop", "48000", "-p", "47900", "--trigger", "mark"),
            {
                "type": types_pb2.ORDER_TYPE_STOP_LIMIT,
                "stop_price": "48000",
                "price": "47900",
                "trigger_source": types_pb2.TRIGGER_SOURCE_MARK,
            },
        ),
        (
            ("--take-profit", "60000", "--reduce-only"),
            {
                "type": types_pb2.ORDER_TYPE_TAKE_PROFIT,
                "stop_price": "60000",
                "reduce_only": True,
            },
        ),
        (
            ("--take-profit", "60000", "-p", "59000"),
            {
                "type": types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT,
                "stop_price": "60000",
                "price": "59000",
            },
        ),
        (
            ("--trail", "1.5%", "--activate-at", "55000"),
            {
                "type": types_pb2.ORDER_TYPE_TRAILING_STOP,
                "trail_bps": 150,
                "activation_price": "55000",
            },
        ),
        (("--trail", "20bps"), {"type": types_pb2.ORDER_TYPE_TRAILING_STOP, "trail_bps": 20}),
        (("--trail", "99.5"), {"type": types_pb2.ORDER_TYPE_TRAILING_STOP, "trail_offset": "99.5"}),
        (
            ("-p", "50000", "--show", "0.1", "--post-only", "--slide"),
            {
                "type": types_pb2.ORDER_TYPE_LIMIT,
                "price": "50000",
                "display_quantity": "0.1",
                "post_only": True,
                "slide": True,
            },
        ),
    ],
)
def test_conditions_reach_the_house(
    house: House, signed_in: Run, arguments: tuple[str, ...], fields: dict[str, Any]
) -> None:
    assert signed_in(*SELL, *arguments).code == 0
    assert house.requests[-2] == trading_pb2.PlaceOrderRequest(
        client_order_id="mine",
        symbol="BTC-USDT",
        side=types_pb2.SIDE_SELL,
        quantity="0.5",
        **fields,
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--stop", "1", "--take-profit", "2"), "at most one of --stop, --take-profit"),
        (("--trail", "0.005%"), "no whole number of basis points"),
        (("--trail", "much%"), "no percentage"),
        (("--trail", "inf%"), "no percentage"),
        (("--trail", "nan%"), "no percentage"),
        (("--trail", "1e99%"), "no percentage"),
        (("--expires", "999999999d"), "before 1970 or after 2262"),
        (("--expires", "9999-12-31"), "before 1970 or after 2262"),
        (("--expires", "9" * 5_000 + "d"), "neither a duration nor a time"),
    ],
)
def test_conditions_that_make_no_sense_ask_nobody(
    house: House, signed_in: Run, arguments: tuple[str, ...], told: str
) -> None:
    ran = signed_in(*SELL, *arguments)
    assert ran.code == 2
    assert told in " ".join(ran.err.split())
    assert "PlaceOrder" not in house.calls


def waiting(**fields: Any) -> types_pb2.Order:
    """A sale that waits for a price."""
    return types_pb2.Order(
        **{
            "order_id": "7",
            "client_order_id": "mine",
            "symbol": "BTC-USDT",
            "side": types_pb2.SIDE_SELL,
            "type": types_pb2.ORDER_TYPE_STOP,
            "time_in_force": types_pb2.TIME_IN_FORCE_GTC,
            "quantity": "0.5",
            "leaves_quantity": "0.5",
            "executed_quantity": "0",
            "held": "0.5",
            "status": types_pb2.ORDER_STATUS_UNTRIGGERED,
            "stop_price": "48000.00",
            "current_stop_price": "48000.00",
            "trigger_source": types_pb2.TRIGGER_SOURCE_LAST,
            "accepted_at_ns": NOW_NS,
            **fields,
        }
    )


TRAILING = {
    "type": types_pb2.ORDER_TYPE_TRAILING_STOP,
    "stop_price": "",
    "trail_bps": 150,
    "activation_price": "55000.00",
    "current_stop_price": "54900.00",
}


@pytest.mark.parametrize(
    ("fields", "sentence", "price"),
    [
        (
            {},
            "sell 0.5 BTC at the market, once the last trade is at 48000.00 USDT or below",
            "stop 48000.00, then market",
        ),
        (
            {
                "type": types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT,
                "price": "47900.00",
                "trigger_source": types_pb2.TRIGGER_SOURCE_MARK,
            },
            (
                "sell 0.5 BTC at 47900.00 USDT or better, "
                "once the mark price is at 48000.00 USDT or above"
            ),
            "take 48000.00, then 47900.00",
        ),
        (
            {"side": types_pb2.SIDE_BUY},
            "buy 0.5 BTC at the market, once the last trade is at 48000.00 USDT or above",
            "stop 48000.00, then market",
        ),
        (
            TRAILING,
            (
                "sell 0.5 BTC at the market, "
                "once the market turns by 1.5 % from its best after 55000.00 USDT"
            ),
            "trail 1.5 % now 54900.00",
        ),
    ],
)
def test_what_an_order_waits_for_is_told(
    house: House, signed_in: Run, fields: dict[str, Any], sentence: str, price: str
) -> None:
    order = waiting(**fields)
    house.answers["GetOrder"] = trading_pb2.GetOrderResponse(order=order)
    house.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(orders=[order])
    shown = signed_in("order", "show", "7").out
    assert shown.startswith(f"untriggered  {sentence}  GTC\n")
    assert f"stop now        {order.current_stop_price} USDT" in shown
    assert price in signed_in("order", "list").out


def test_an_order_of_a_list_says_which_and_why(house: House, signed_in: Run) -> None:
    order = waiting(
        list_id="6",
        leg_role=types_pb2.LEG_ROLE_STOP_LEG,
        prevented_quantity="0.1",
        status=types_pb2.ORDER_STATUS_CANCELED,
        end_reason=types_pb2.END_REASON_OCO_SIBLING,
    )
    house.answers["GetOrder"] = trading_pb2.GetOrderResponse(order=order)
    shown = signed_in("order", "show", "7").out
    assert "canceled (oco sibling)" in shown
    assert "the other of the two took its place" in shown
    assert "6  the stop of two of which one will do" in shown
    assert "0.1 BTC met orders of your own" in shown


# --- Orders that are changed, and orders that are only thought of. ---------------------------


def test_an_order_is_lowered(house: House, signed_in: Run) -> None:
    house.answers["GetOrder"] = trading_pb2.GetOrderResponse(order=waiting())
    ran = signed_in("order", "amend", "mine", "-q", "0.4")
    assert ran.code == 0
    request = house.requests[-1]
    assert isinstance(request, trading_pb2.AmendOrderRequest)
    assert (request.order_id, request.symbol, request.quantity) == ("7", "BTC-USDT", "0.4")
    assert request.request_id
    assert "0.4, less by 0.1" in ran.out


def test_an_order_is_replaced(house: House, signed_in: Run) -> None:
    house.answers["GetOrder"] = trading_pb2.GetOrderResponse(order=waiting())
    ran = signed_in(
        "order", "replace", "7", "-p", "47000", "--stop", "47500", "--new-id", "next"
    )  # fmt: skip
    assert ran.code == 0
    (request,) = (
        each for each in house.requests if isinstance(each, trading_pb2.ReplaceOrderRequest)
    )
    assert request == trading_pb2.ReplaceOrderRequest(
        replaced_order_id="7",
        symbol="BTC-USDT",
        client_order_id="next",
        price="47000",
        stop_price="47500",
    )
    assert "in place of  7" in ran.out


def test_a_replacement_without_an_answer_says_how_to_find_out(house: House, signed_in: Run) -> None:
    house.answers["GetOrder"] = trading_pb2.GetOrderResponse(order=waiting())
    house.lose_next_answers = 99
    ran = signed_in("order", "replace", "7", "-p", "47000", "--new-id", "next")
    assert ran.code == 4
    assert "xache order show --id next" in ran.err


def test_a_preview_is_shown_and_says_that_nothing_was_placed(house: House, signed_in: Run) -> None:
    order = waiting(
        order_id="",
        client_order_id="",
        type=types_pb2.ORDER_TYPE_LIMIT,
        status=types_pb2.ORDER_STATUS_OPEN,
        stop_price="",
        current_stop_price="",
        price="50000.00",
    )
    house.answers["PreviewOrder"] = trading_pb2.PreviewOrderResponse(
        seq=5,
        accepted=trading_pb2.PreviewedOrder(
            order=order,
            prevented=[
                trading_pb2.PreventedMatch(
                    maker_order_id="3",
                    maker_subaccount="bot",
                    price="50000.00",
                    quantity="0.1",
                    mode=types_pb2.SELF_TRADE_PREVENTION_DECREMENT,
                )
            ],
            balances=[types_pb2.Balance(asset="BTC", available="1", held="0.5")],
        ),
    )
    ran = signed_in("order", "preview", "sell", "btc-usdt", "-q", "0.5", "-p", "50000")
    assert ran.code == 0
    assert "it would be" in ran.out
    assert "sell 0.5 BTC at 50000.00 USDT or better" in ran.out
    assert "0.1 @ 50000.00 of your order 3 (bot): decrement" in ran.out
    assert "BTC           1   0.5" in ran.out
    assert "your id" not in ran.out
    assert ran.err == "Nothing was placed.\n"
    assert "PlaceOrder" not in house.calls


def test_a_preview_of_what_would_be_refused(house: House, signed_in: Run) -> None:
    house.answers["PreviewOrder"] = trading_pb2.PreviewOrderResponse(
        seq=5,
        refusal=trading_pb2.Refusal(
            code=3, reason="PRICE_BAND", message="too far", facts={"given": "1", "allowed": "2"}
        ),
    )
    ran = signed_in("order", "preview", "sell", "btc-usdt", "-q", "0.5", "-p", "1")
    assert ran.code == 1
    assert ran.err == "would be refused PRICE_BAND: too far\n  given    1\n  allowed  2\n"
    ran = signed_in("order", "preview", "sell", "btc-usdt", "-q", "0.5", "-p", "1", "--json")
    assert ran.code == 1
    assert ran.document["refusal"]["reason"] == "PRICE_BAND"


def test_a_time_line_is_shown(house: House, signed_in: Run) -> None:
    house.answers["PlaceOrder"] = trading_pb2.PlaceOrderResponse(
        order=waiting(),
        time_line=trading_pb2.TimeLine(
            received_ns=1_000_000,
            authorised_ns=1_010_000,
            decided_ns=1_030_000,
            durable_ns=1_530_500,
            published_ns=1_540_000,
        ),
    )
    ran = signed_in(*SELL, "--stop", "48000", "--times")
    (request,) = (
        each for each in house.requests if isinstance(each, trading_pb2.PlaceOrderRequest)
    )
    assert request.want_time_line
    assert ran.out.splitlines()[-2:] == [
        "  durable        530.5    500.5",
        "  published      540.0      9.5",
    ]


# --- Lists, and the way out. -----------------------------------------------------------------


def sent_list(house: House) -> trading_pb2.PlaceOrderListRequest:
    """The list that reached the house."""
    (request,) = (
        each for each in house.requests if isinstance(each, trading_pb2.PlaceOrderListRequest)
    )
    return request


def test_two_orders_of_which_one_will_do(house: House, signed_in: Run) -> None:
    ran = signed_in(
        "order", "oco", "sell", "btc-usdt", "-q", "0.1", "--limit", "52000", "--stop", "48000",
        "--stop-limit", "47900", "--request-id", "r1",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    request = sent_list(house)
    assert (request.kind, request.symbol, request.request_id) == (
        types_pb2.LIST_KIND_OCO, "BTC-USDT", "r1",
    )  # fmt: skip
    first, second = request.orders
    assert (first.type, first.price) == (types_pb2.ORDER_TYPE_LIMIT, "52000")
    assert (second.type, second.stop_price, second.price) == (
        types_pb2.ORDER_TYPE_STOP_LIMIT, "48000", "47900",
    )  # fmt: skip
    assert first.client_order_id != second.client_order_id
    assert {first.side, second.side} == {types_pb2.SIDE_SELL}
    assert "placed list 7" in ran.out
    assert "Nothing protects 0.1" in ran.err


def test_a_purchase_with_its_protection(house: House, signed_in: Run) -> None:
    ran = signed_in(
        "order", "bracket", "btc-usdt", "-q", "0.1", "-p", "50000", "--profit", "55000",
        "--stop", "48000",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    entry, profit, loss = sent_list(house).orders
    assert (entry.side, entry.price) == (types_pb2.SIDE_BUY, "50000")
    assert (profit.side, profit.price) == (types_pb2.SIDE_SELL, "55000")
    assert (loss.type, loss.stop_price) == (types_pb2.ORDER_TYPE_STOP, "48000")
    house.lose_next_answers = 99
    ran = signed_in(
        "order", "bracket", "btc-usdt", "-q", "1", "-p", "5", "--profit", "6", "--stop", "4"
    )
    assert ran.code == 4
    assert "xache order list --all" in ran.err


@pytest.mark.parametrize(
    ("arguments", "then"),
    [
        (("--then-limit", "52000"), {"type": types_pb2.ORDER_TYPE_LIMIT, "price": "52000"}),
        (("--then-stop", "48000"), {"type": types_pb2.ORDER_TYPE_STOP, "stop_price": "48000"}),
        (
            ("--then-stop", "48000", "--then-limit", "47900"),
            {"type": types_pb2.ORDER_TYPE_STOP_LIMIT, "stop_price": "48000", "price": "47900"},
        ),
    ],
)
def test_an_order_that_another_one_follows(
    house: House, signed_in: Run, arguments: tuple[str, ...], then: dict[str, Any]
) -> None:
    entry = ("order", "oto", "buy", "btc-usdt", "-q", "0.1", "-p", "50000")
    ran = signed_in(*entry, *arguments, "--request-id", "r1")
    assert ran.code == 0, ran.err
    request = sent_list(house)
    assert (request.kind, request.activation) == (
        types_pb2.LIST_KIND_OTO, types_pb2.LIST_ACTIVATION_FULL,
    )  # fmt: skip
    first, second = request.orders
    assert (first.side, first.price, first.quantity) == (types_pb2.SIDE_BUY, "50000", "0.1")
    assert (second.side, second.quantity) == (types_pb2.SIDE_SELL, "0.1")
    assert {name: getattr(second, name) for name in then} == then
    house.requests.clear()
    ran = signed_in("order", "oto", "sell", *entry[3:], *arguments, "--partial")
    assert ran.code == 0, ran.err
    request = sent_list(house)
    assert request.activation == types_pb2.LIST_ACTIVATION_PARTIAL
    assert [order.side for order in request.orders] == [types_pb2.SIDE_SELL, types_pb2.SIDE_BUY]


def test_nothing_that_follows_makes_no_list(house: House, signed_in: Run) -> None:
    ran = signed_in("order", "oto", "buy", "btc-usdt", "-q", "0.1", "-p", "50000")
    assert ran.code == 2
    assert "--then-limit" in ran.err
    assert "PlaceOrderList" not in house.calls


def test_the_way_out_says_what_could_not_be_sold(house: House, signed_in: Run) -> None:
    house.answers["Flatten"] = trading_pb2.FlattenResponse(
        canceled_order_ids=["3"],
        sales=[trading_pb2.PlaceOrderResponse(order=waiting(stop_price="", price=""))],
        positions=[
            trading_pb2.FlattenedPosition(
                symbol="BTC-USDT", left_quantity="0.2", reason=types_pb2.END_REASON_PRICE_BAND
            )
        ],
    )
    ran = signed_in("order", "flatten", "btc-usdt")
    assert "canceled 1 order\n" in ran.out
    assert "0.2 of BTC-USDT could not be sold: price band" in ran.out
    request = house.requests[-2]
    assert isinstance(request, trading_pb2.FlattenRequest)
    assert request.symbol == "BTC-USDT"
