"""What is drawn from known data: candles, the ladder of a book, sentences about orders."""

from __future__ import annotations

import io
from decimal import Decimal
from textwrap import dedent

import pytest
from rich.console import Console, RenderableType
from xache.amounts import amount_text, short_text, to_decimal
from xache.book_view import BookView, draw_book, spread_text
from xache.candle_chart import draw_candles
from xache.explain import (
    explain_change,
    explain_fee,
    explain_hold,
    explain_limits,
    find_instrument,
    percent,
)
from xache.output import clock, json_value, moment, word
from xache.v1 import market_pb2, trading_pb2, types_pb2

from tests.clients.house import ASSETS, INSTRUMENT, NOW_NS, XACHE, bought

MINUTE_NS = 60_000_000_000
LISTED = market_pb2.ListInstrumentsResponse(instruments=[INSTRUMENT], assets=ASSETS)


def plain(renderable: RenderableType) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(renderable)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())


def candle(
    minute: int, first: str, high: str, low: str, last: str, volume: str = "0"
) -> market_pb2.Candle:
    return market_pb2.Candle(
        open_at_ns=NOW_NS // MINUTE_NS * MINUTE_NS + minute * MINUTE_NS,
        open=first,
        high=high,
        low=low,
        close=last,
        volume=volume,
        closed=True,
    )


def chart(candles: list[market_pb2.Candle], width: int = 40, *, coloured: bool = False) -> str:
    lines = draw_candles(candles, market_pb2.INTERVAL_1M, width=width, rows=4, coloured=coloured)
    return "\n".join(line.plain.rstrip() for line in lines)


# --- candles ---------------------------------------------------------------------------------


def test_candles_have_bodies_wicks_labels_and_volume() -> None:
    candles = [
        candle(0, "100", "140", "100", "120", "4"),
        candle(1, "120", "120", "110", "110", "2"),
        candle(2, "110", "140", "100", "140", "1"),
    ]
    assert chart(candles) == dedent(
        """\
        │ ║ ┤135
        │ ║ │
        ║┃║ │
        ║ │ ┤105
        █   ┤4 volume
        █▄  │
        ██▆ │
        ┴───┘
        22 15:06  UTC"""
    )


def test_a_silence_is_empty_and_a_long_one_is_a_dotted_column() -> None:
    candles = [candle(0, "1", "2", "1", "2"), candle(3, "1", "2", "1", "2")]
    assert chart(candles).splitlines()[0] == "║  ║ ┤2"
    candles = [candle(0, "1", "2", "1", "2"), candle(60, "1", "2", "1", "2")]
    assert chart(candles).splitlines()[0].startswith("║┊║")


def test_a_chart_shows_the_newest_that_fit() -> None:
    candles = [candle(i, "1.00", "2.00", "1.00", "2.00") for i in range(50)]
    candles.append(candle(50, "1.00", "9.00", "1.00", "9.00"))
    lines = chart(candles, width=20).splitlines()
    assert max(map(len, lines[:4])) <= 20
    # Prices that do not fit in are not in the scale either.
    assert lines[0] == " " * 13 + "║ ┤8.00"


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("", ""), ("0", "0"), ("1234.50", "1234.50"), ("68732.48442401", "68732.48"),
        ("-1.45999", "-1.46"), ("-0.12999999", "-0.1300"), ("0.00000001", "0.00000001"),
        ("0.000123456789", "0.0001235"), ("12345678901234567890.123", "12345678901234567890.12"),
    ],
)  # fmt: skip
def test_an_amount_is_short_where_there_is_no_room(amount: str, shown: str) -> None:
    assert short_text(amount) == shown


def test_one_candle_without_any_movement_is_drawn() -> None:
    assert "║" in chart([candle(0, "5", "5", "5", "5")])


def test_simulated_candles_have_no_volume_to_show() -> None:
    assert "volume" not in chart([candle(0, "1", "2", "1", "2", "0")])


def test_colours_tell_rising_from_falling() -> None:
    candles = [candle(0, "1", "2", "1", "2"), candle(1, "2", "2", "1", "1")]
    (top, *_) = draw_candles(candles, market_pb2.INTERVAL_1M, width=40, rows=4, coloured=True)
    assert [(span.start, str(span.style)) for span in top.spans[:2]] == [(0, "green"), (1, "red")]
    assert top.plain.startswith("┃┃")


# --- books -----------------------------------------------------------------------------------


def book_view(**changes: object) -> BookView:
    fields: dict[str, object] = {
        "symbol": "BTC-USDT",
        "source": XACHE,
        "sequence": 7,
        "at_ns": NOW_NS + 123_456_789,
        "bids": [(Decimal("99.5"), Decimal("2")), (Decimal("99"), Decimal("1"))],
        "asks": [(Decimal("100.5"), Decimal("0.25"))],
    }
    return BookView(**{**fields, **changes})  # type: ignore[arg-type] # checked by the test


def test_a_ladder_has_asks_above_bids_and_bars_to_scale() -> None:
    full, half = "█" * 24, "█" * 12
    assert plain(draw_book(book_view(own={Decimal("99"): Decimal("0.5")}))) == (
        "BTC-USDT  XACHE simulated  15:06:40.123 UTC  #7\n"
        "price  quantity                            yours\n"
        "100.5      0.25  ███\n"
        "   ──            spread 1.0 (100.00 bp)\n"
        f" 99.5      2.00  {full}\n"
        f" 99.0      1.00  {half}                0.5"
    )


def test_a_stale_book_says_so() -> None:
    head, *_ = plain(draw_book(book_view(stale=True))).splitlines()
    assert head == "BTC-USDT  XACHE simulated  15:06:40.123 UTC  #7  stale"


def test_an_empty_book_says_so() -> None:
    assert plain(draw_book(book_view(bids=[], asks=[]))).endswith("the book is empty")
    assert spread_text([(Decimal(1), Decimal(1))], []) == "one-sided"


# --- sentences -------------------------------------------------------------------------------


def test_a_fee_is_explained_with_its_rate_and_rounding() -> None:
    answer = bought()
    assert explain_fee(answer.order, answer.fills, LISTED) == (
        "0.1 % of 49.7243043 as taker, rounded up once for the whole order to 0.00000001 USDT"
    )


def test_a_fee_of_both_kinds_and_without_rounding() -> None:
    answer = bought()
    answer.fills[0].liquidity = types_pb2.LIQUIDITY_MAKER
    answer.fills[0].notional = "100"
    answer.fills[1].notional = "50"
    answer.order.fee = "0.07"
    assert explain_fee(answer.order, answer.fills, LISTED) == (
        "0.1 % of 50 as taker + 0.02 % of 100 as maker, exactly"
    )


def test_a_fee_of_other_rates_is_not_explained_wrongly() -> None:
    answer = bought()
    answer.order.fee = "0.1"
    assert explain_fee(answer.order, answer.fills, LISTED) == (
        "0.2011 % in effect of 49.7243043 USDT"
    )
    assert explain_fee(answer.order, [], LISTED) == "nothing traded, no fee"


def test_an_order_on_paper_has_units_and_no_fee() -> None:
    answer = bought()
    answer.order.symbol, answer.order.fee = "BTC.PAPER-USDT.PAPER", "0"
    assert explain_fee(answer.order, answer.fills, LISTED) == "no fee on paper"
    instrument = find_instrument(LISTED, answer.order.symbol)
    assert instrument is not None
    assert (instrument.base, instrument.quote) == ("BTC.PAPER", "USDT.PAPER")


def test_the_fee_of_a_market_that_is_gone_is_not_explained() -> None:
    answer = bought()
    answer.order.symbol = "OLD-USDT"
    assert explain_fee(answer.order, answer.fills, LISTED).startswith("the market is not listed")


def test_amounts_of_any_length_are_explained_exactly() -> None:
    answer = trading_pb2.PlaceOrderResponse(
        order=types_pb2.Order(symbol="BTC-USDT", fee="1000000000000000000000000000000.00000001"),
        fills=[
            types_pb2.Fill(
                notional="1000000000000000000000000000000000.000000001",
                liquidity=types_pb2.LIQUIDITY_TAKER,
            )
        ],
    )
    assert "rounded up" in explain_fee(answer.order, answer.fills, LISTED)


def test_what_is_left_of_a_budget_and_what_a_hold_is_made_of() -> None:
    order = bought().order
    assert explain_change(order) == "0.22597139"
    order.quote_quantity = "49.77402861"
    assert explain_change(order) == ""
    limit = types_pb2.Order(
        side=types_pb2.SIDE_BUY, symbol="BTC-USDT", price="50000.00", leaves_quantity="0.001"
    )
    hold = types_pb2.Hold(amount="50.05")
    assert explain_hold(hold, limit) == "50 for the rest at its limit, 0.05 for the fee"
    limit.side = types_pb2.SIDE_SELL
    assert explain_hold(hold, limit) == "0.001 still to sell"


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (
            types_pb2.Order(side=types_pb2.SIDE_BUY, quantity="0.001", price="5"),
            "buy 0.001 BTC at 5 USDT or better",
        ),
        (
            types_pb2.Order(side=types_pb2.SIDE_BUY, quote_quantity="50"),
            "buy BTC for 50 USDT, fee included, at the market",
        ),
        (
            types_pb2.Order(side=types_pb2.SIDE_SELL, quote_quantity="50"),
            "sell BTC worth 50 USDT, after the fee, at the market",
        ),
        (
            types_pb2.Order(side=types_pb2.SIDE_SELL, quantity="1"),
            "sell 1 BTC at the market",
        ),
    ],
)
def test_what_an_order_asks_for(order: types_pb2.Order, sentence: str) -> None:
    assert explain_limits(order, INSTRUMENT) == sentence


# --- words and numbers -----------------------------------------------------------------------


def test_words_of_the_api() -> None:
    assert word(types_pb2.OrderStatus, types_pb2.ORDER_STATUS_PARTIALLY_FILLED) == (
        "partially filled"
    )
    assert word(types_pb2.EndReason, types_pb2.END_REASON_IOC) == "ioc"
    assert word(types_pb2.TimeInForce, types_pb2.TIME_IN_FORCE_GTC) == "gtc"
    assert word(types_pb2.Side, 99) == "unknown (99)"


def test_rates_and_times() -> None:
    assert [percent(ppm) for ppm in (0, 200, 1000, 10_000, 1)] == [
        "0 %",
        "0.02 %",
        "0.1 %",
        "1 %",
        "0.0001 %",
    ]
    assert moment(NOW_NS) == "2026-11-22 15:06:40"
    assert clock(NOW_NS + 999_999_999) == "15:06:40.999"
    assert (moment(0), clock(0)) == ("-", "-")


def test_json_keeps_every_field_and_every_digit() -> None:
    value = json_value(types_pb2.Fill(price="50000.10", seq=2**63, at_ns=NOW_NS))
    assert value["price"] == "50000.10"
    assert value["seq"] == str(2**63)
    assert value["at_ns"] == str(NOW_NS)
    assert value["side"] == "SIDE_UNSPECIFIED"
    assert value["simulated"] is False
    assert set(value) == {field.name for field in types_pb2.Fill.DESCRIPTOR.fields}


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0.010", "0.010"),
        ("1e5", "1e5"),
        (Decimal("0.010"), "0.010"),
        (Decimal("1E-18"), "0.000000000000000001"),
        (Decimal("1E+3"), "1000"),
        (7, "7"),
    ],
)
def test_amounts_are_written_exactly(amount: Decimal | int | str, text: str) -> None:
    assert amount_text(amount, "quantity") == text


@pytest.mark.parametrize("amount", [0.1, True, None, b"1"])
def test_what_is_not_exact_is_no_amount(amount: object) -> None:
    with pytest.raises(TypeError, match="quantity must be"):
        amount_text(amount, "quantity")  # type: ignore[arg-type] # what the test is about


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_no_number_is_no_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        amount_text(Decimal(amount), "quantity")


def test_amounts_are_read_exactly() -> None:
    assert to_decimal("0.010") == Decimal("0.010")
    assert to_decimal("") is None
